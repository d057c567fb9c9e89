//! Common subexpressions: what has been computed is not computed again.
//!
//! A computation is available to all that comes after it in its region and in the regions inside, which for structured
//! control flow is exactly where it dominates. So one table does, from which entries are taken out when a region ends.
//! Operations that raise floating-point status may be shared: the first one has raised it already.
//!
//! Only of instructions without effects. Loads are the business of `heap`, which knows what stores change.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;

use super::Pass;
use super::subst::Subst;
use crate::ir::{Inst, RegionId, Trace, Ty, Value};

/// See the module.
pub struct Cse;

impl Pass for Cse {
    fn name(&self) -> &'static str {
        "cse"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut cse = Walk { tr, subst: Subst::default(), available: Table::default() };
        cse.region(Trace::ROOT);
        cse.subst.finish(cse.tr)
    }
}

type Table = HashMap<(Inst, Ty), Value, BuildHasherDefault<Hasher>>;

struct Walk<'a> {
    tr: &'a mut Trace,
    subst: Subst,
    available: Table,
}

impl Walk<'_> {
    fn region(&mut self, region: RegionId) {
        let mut insts = std::mem::take(&mut self.tr.region_mut(region).insts);
        let mut added = vec![];
        insts.retain(|&id| {
            self.subst.apply(self.tr.inst_mut(id));
            let inst = self.tr.inst(id);
            for inner in inst.regions() {
                self.region(inner);
            }
            let (inst, &[result]) = (self.tr.inst(id), self.tr.results(id)) else { return true };
            if !self.tr.is_pure(inst) {
                return true;
            }
            let key = (normal(self.tr, inst), self.tr.ty(result));
            match self.available.entry(key) {
                Entry::Occupied(known) => {
                    self.subst.replace(result, *known.get());
                    false
                }
                Entry::Vacant(free) => {
                    added.push(free.key().clone());
                    free.insert(result);
                    true
                }
            }
        });
        for key in added {
            self.available.remove(&key);
        }
        self.tr.region_mut(region).insts = insts;
    }
}

/// The instruction with exchangeable operands in a fixed order.
fn normal(tr: &Trace, inst: &Inst) -> Inst {
    match *inst {
        Inst::Binary(op, a, b) if b < a && op.is_commutative(tr.ty(a).scalar) => Inst::Binary(op, b, a),
        Inst::Compare(cond, a, b) if b < a => Inst::Compare(cond.swapped(), b, a),
        _ => inst.clone(),
    }
}

/// Multiply and rotate, a word at a time: instructions are a few small numbers, made by ourselves.
#[derive(Default)]
struct Hasher(u64);

impl std::hash::Hasher for Hasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}
