//! Machine code as text, for logs and tests.
//!
//! Addresses are left out: targets of jumps get labels, so that the text says the same wherever the code stands.

use std::collections::BTreeMap;
use std::fmt::Write;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Formatter, Instruction, IntelFormatter, OpKind, SymbolResolver,
    SymbolResult,
};

/// Names for the places that are jumped to.
struct Labels(BTreeMap<u64, String>);

impl SymbolResolver for Labels {
    fn symbol(
        &mut self,
        _instruction: &Instruction,
        _operand: u32,
        _instruction_operand: Option<u32>,
        address: u64,
        _address_size: u32,
    ) -> Option<SymbolResult<'_>> {
        self.0.get(&address).map(|name| SymbolResult::with_str(address, name))
    }
}

/// x86-64 code in Intel's notation, a line for each instruction. What follows the last instruction that can be reached
/// in order (constants, as a rule) is given as bytes.
pub fn x86(bytes: &[u8]) -> String {
    let mut insts = vec![];
    let mut labels = BTreeMap::new();
    let mut farthest = 0;
    let mut decoder = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE);
    while decoder.can_decode() {
        let inst = decoder.decode();
        if inst.is_invalid() {
            break;
        }
        insts.push(inst);
        if inst.op0_kind() == OpKind::NearBranch64 {
            labels.insert(inst.near_branch64(), String::new());
            farthest = farthest.max(inst.near_branch64());
        }
        let ends = matches!(
            inst.flow_control(),
            FlowControl::Return | FlowControl::UnconditionalBranch | FlowControl::IndirectBranch
        );
        if ends && farthest < inst.next_ip() {
            break;
        }
    }
    labels.values_mut().enumerate().for_each(|(n, name)| *name = format!("L{n}"));
    let end = insts.last().map_or(0, |i| i.next_ip());
    let starts = labels.clone();
    let mut formatter = IntelFormatter::with_options(Some(Box::new(Labels(labels))), None);
    let options = formatter.options_mut();
    options.set_rip_relative_addresses(true);
    options.set_first_operand_char_index(8);
    options.set_space_after_operand_separator(true);
    let mut out = String::new();
    for inst in &insts {
        if let Some(name) = starts.get(&inst.ip()) {
            let _ = writeln!(out, "{name}:");
        }
        let mut text = String::new();
        formatter.format(inst, &mut text);
        let _ = writeln!(out, "    {}", text.trim_end());
    }
    let rest = &bytes[end as usize..];
    for line in rest.chunks(16) {
        let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(out, "    .byte   {}", hex.join(" "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_have_labels_and_constants_are_bytes() {
        // dec rdi; jne back; ret; two bytes of data
        let bytes = [0x48, 0xff, 0xcf, 0x75, 0xfb, 0xc3, 0x06, 0x07];
        assert_eq!(x86(&bytes), "L0:\n    dec     rdi\n    jne     short L0\n    ret\n    .byte   06 07\n");
    }
}
