//! Bytes of machine code: instructions, labels, alignment.
//!
//! Operands of instructions are given by their number; whether a register is of 128, 256 or 512 bits or a mask follows
//! from the instruction. A mistake in operands is remembered and reported by [`Assembler::finish`].

use iced_x86::{Code, Encoder, IcedError, Instruction, MemoryOperand, OpCodeOperandKind, OpKind, Register};

/// A place in the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(usize);

/// An operand of a vector instruction.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    /// A vector or mask register, by number.
    Reg(u8),
    General(Register),
    Mem(MemoryOperand),
    Imm(u8),
}

pub struct Assembler {
    encoder: Encoder,
    at: usize,
    labels: Vec<Option<usize>>,
    /// Ends of 32-bit distances, which are counted from there.
    fixups: Vec<(usize, Label)>,
    error: Option<IcedError>,
}

/// `base + disp`.
pub fn mem(base: Register, disp: i32) -> MemoryOperand {
    MemoryOperand::with_base_displ(base, i64::from(disp))
}
/// `base + index * scale + disp`.
pub fn mem_index(base: Register, index: Register, scale: usize, disp: i32) -> MemoryOperand {
    MemoryOperand::with_base_index_scale_displ_size(
        base,
        index,
        scale as u32,
        i64::from(disp),
        u32::from(disp != 0),
    )
}

impl Assembler {
    pub fn new() -> Assembler {
        Assembler { encoder: Encoder::new(64), at: 0, labels: vec![], fixups: vec![], error: None }
    }
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }
    pub fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.at);
    }
    /// Fill up with instructions that do nothing.
    pub fn align(&mut self, bytes: usize) {
        let mut left = self.at.next_multiple_of(bytes) - self.at;
        while left > 0 {
            // The recommended long forms: operand-size prefixes, 0f 1f, and an address that is not used.
            const FORMS: [&[u8]; 9] = [
                &[0x90],
                &[0x66, 0x90],
                &[0x0f, 0x1f, 0x00],
                &[0x0f, 0x1f, 0x40, 0],
                &[0x0f, 0x1f, 0x44, 0, 0],
                &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
                &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
                &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
                &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            ];
            let form = FORMS[left.min(9) - 1];
            self.bytes(form);
            left -= form.len();
        }
    }
    pub fn bytes(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.encoder.write_u8(b));
        self.at += bytes.len();
    }

    fn encode(&mut self, instruction: Result<Instruction, IcedError>) {
        let length = instruction.and_then(|i| self.encoder.encode(&i, self.at as u64));
        match length {
            Ok(n) => self.at += n,
            Err(e) => self.error = self.error.take().or(Some(e)),
        }
    }
    pub fn bare(&mut self, code: Code) {
        self.encode(Ok(Instruction::with(code)));
    }
    pub fn jump(&mut self, code: Code, label: Label) {
        self.encode(Instruction::with_branch(code, 0));
        self.fixups.push((self.at, label));
    }
    /// The address of a label.
    pub fn address(&mut self, to: Register, label: Label) {
        let target = MemoryOperand::with_base_displ_size(Register::RIP, 0, 8);
        self.encode(Instruction::with2(Code::Lea_r64_m, to, target));
        self.fixups.push((self.at, label));
    }
    pub fn reg(&mut self, code: Code, a: Register) {
        self.encode(Instruction::with1(code, a));
    }
    pub fn reg_reg(&mut self, code: Code, a: Register, b: Register) {
        self.encode(Instruction::with2(code, a, b));
    }
    pub fn reg_reg_reg(&mut self, code: Code, a: Register, b: Register, c: Register) {
        self.encode(Instruction::with3(code, a, b, c));
    }
    pub fn reg_imm(&mut self, code: Code, a: Register, imm: i64) {
        self.encode(Instruction::with2(code, a, imm));
    }
    pub fn reg_mem(&mut self, code: Code, a: Register, b: MemoryOperand) {
        self.encode(Instruction::with2(code, a, b));
    }
    pub fn mem_reg(&mut self, code: Code, a: MemoryOperand, b: Register) {
        self.encode(Instruction::with2(code, a, b));
    }
    /// `add a, imm`, in the shortest form.
    pub fn add_imm(&mut self, a: Register, imm: i32) {
        let code = if i8::try_from(imm).is_ok() { Code::Add_rm64_imm8 } else { Code::Add_rm64_imm32 };
        self.reg_imm(code, a, i64::from(imm));
    }
    /// A constant in a register.
    pub fn constant(&mut self, a: Register, bits: u64) {
        match i32::try_from(bits as i64) {
            Ok(n) => self.reg_imm(Code::Mov_rm64_imm32, a, i64::from(n)),
            Err(_) => self.encode(Instruction::with2(Code::Mov_r64_imm64, a, bits)),
        }
    }
    /// A vector instruction, under a mask register if that is not 0.
    pub fn vector(&mut self, code: Code, args: &[Arg], mask: u8, zeroing: bool) {
        let info = code.op_code();
        let mut i = Instruction::default();
        i.set_code(code);
        for (n, arg) in args.iter().enumerate() {
            let n = n as u32;
            match *arg {
                Arg::Reg(r) => {
                    i.set_op_kind(n, OpKind::Register);
                    i.set_op_register(n, first_register(info.op_kind(n)) + u32::from(r));
                }
                Arg::General(r) => {
                    i.set_op_kind(n, OpKind::Register);
                    i.set_op_register(n, r);
                }
                Arg::Mem(m) => {
                    i.set_op_kind(n, OpKind::Memory);
                    i.set_memory_base(m.base);
                    i.set_memory_index(m.index);
                    i.set_memory_index_scale(m.scale);
                    i.set_memory_displacement64(m.displacement as u64);
                    i.set_memory_displ_size(u32::from(m.displacement != 0));
                }
                Arg::Imm(imm) => {
                    i.set_op_kind(n, OpKind::Immediate8);
                    i.set_immediate8(imm);
                }
            }
        }
        if mask != 0 {
            i.set_op_mask(Register::K0 + u32::from(mask));
            i.set_zeroing_masking(zeroing);
        }
        self.encode(Ok(i));
    }

    /// The code.
    ///
    /// # Errors
    /// The first instruction that could not be encoded.
    pub fn finish(mut self) -> Result<Vec<u8>, IcedError> {
        if let Some(e) = self.error {
            return Err(e);
        }
        let mut bytes = self.encoder.take_buffer();
        for (end, label) in self.fixups {
            let target = self.labels[label.0].expect("labels are bound");
            let distance = (target as i64 - end as i64) as i32;
            bytes[end - 4..end].copy_from_slice(&distance.to_le_bytes());
        }
        Ok(bytes)
    }
}

/// Register 0 of the kind an operand must be.
fn first_register(kind: OpCodeOperandKind) -> Register {
    use OpCodeOperandKind as K;
    match kind {
        K::xmm_reg | K::xmm_rm | K::xmm_vvvv | K::xmm_or_mem | K::xmm_is4 => Register::XMM0,
        K::ymm_reg | K::ymm_rm | K::ymm_vvvv | K::ymm_or_mem | K::ymm_is4 => Register::YMM0,
        K::zmm_reg | K::zmm_rm | K::zmm_vvvv | K::zmm_or_mem => Register::ZMM0,
        _ => Register::K0,
    }
}
