//! Makes instructions one after the other, for passes that write code of their own.

use crate::ir::{Binary, Cond, Const, Inst, InstId, Scalar, Trace, Ty, Value};

/// A list of instructions that grows; whoever asked for it puts it into a region.
#[derive(Default)]
pub struct Emit {
    pub insts: Vec<InstId>,
}

impl Emit {
    pub fn inst(&mut self, tr: &mut Trace, inst: Inst, results: &[Ty]) -> InstId {
        let id = tr.add_inst(inst, results);
        self.insts.push(id);
        id
    }
    pub fn value(&mut self, tr: &mut Trace, inst: Inst, ty: Ty) -> Value {
        let id = self.inst(tr, inst, &[ty]);
        tr.results(id)[0]
    }
    pub fn constant(&mut self, tr: &mut Trace, scalar: Scalar, bits: u64) -> Value {
        self.value(tr, Inst::Const(Const::canonical(scalar, bits)), Ty::scalar(scalar))
    }
    pub fn i64(&mut self, tr: &mut Trace, n: i64) -> Value {
        self.constant(tr, Scalar::I64, n as u64)
    }
    pub fn binary(&mut self, tr: &mut Trace, op: Binary, a: Value, b: Value) -> Value {
        let ty = tr.ty(a);
        self.value(tr, Inst::Binary(op, a, b), ty)
    }
    pub fn compare(&mut self, tr: &mut Trace, cond: Cond, a: Value, b: Value) -> Value {
        let ty = tr.ty(a).with(Scalar::Bool);
        self.value(tr, Inst::Compare(cond, a, b), ty)
    }
    pub fn select(&mut self, tr: &mut Trace, m: Value, a: Value, b: Value) -> Value {
        let ty = tr.ty(a);
        self.value(tr, Inst::Select(m, a, b), ty)
    }
}
