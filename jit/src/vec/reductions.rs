//! Carried values that may be accumulated lane by lane and folded at the end.
//!
//! The order of operations changes, so only what gives the same bits in any order counts:
//!
//! * integers and bools under an associative operation, wrapping included; a difference is a sum of negated numbers;
//! * float `min` and `max`, but only of numbers that came from integers. Numpy's minimum of two zeros is the second one
//!   whatever their signs, and of two NaNs it is the first: with both kinds of zero or two kinds of NaN about, the order
//!   shows. A number made from an integer is neither -0 nor NaN.
//!
//! Float sums and products stay in order. Who wants one that is not must say so by making a trace with several sums.

use super::Reason;
use super::shape::Body;
use crate::ir::{Binary, Inst, Scalar, Trace, Value};

/// How a carried value is accumulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reduction {
    /// Which operation folds the lanes, and what is left of the old value.
    pub op: Binary,
}

impl Reduction {
    /// The bits that change nothing.
    pub fn identity(self, s: Scalar) -> u64 {
        let top = if s.is_signed() { 1u64 << (s.bits() - 1) } else { 0 };
        match (self.op, s) {
            (Binary::Mul, _) => 1,
            (Binary::And, _) => u64::MAX,
            (Binary::Min, Scalar::F64) => f64::INFINITY.to_bits(),
            (Binary::Max, Scalar::F64) => f64::NEG_INFINITY.to_bits(),
            (Binary::Min, Scalar::F32) => u64::from(f32::INFINITY.to_bits()),
            (Binary::Max, Scalar::F32) => u64::from(f32::NEG_INFINITY.to_bits()),
            (Binary::Min, _) => !top,
            (Binary::Max, _) => top,
            _ => 0,
        }
    }
}

/// The reduction that leads from a parameter to its next value: a chain of one operation, whose links nobody else uses.
pub fn find(tr: &Trace, body: &Body, param: Value, next: Value) -> Result<Reduction, Reason> {
    const NONE: Reason = "it carries a value that depends on the iteration before";
    let s = tr.ty(param).scalar;
    let mut reduction: Option<Reduction> = None;
    let mut at = next;
    // The chain may be as long as the body.
    for _ in 0..=body.insts.len() {
        if at == param {
            let found = reduction.ok_or(NONE)?;
            return if uses(tr, body, param) == 1 { Ok(found) } else { Err(NONE) };
        }
        if uses(tr, body, at) != 1 {
            return Err(NONE);
        }
        let Some(&Inst::Binary(op, a, b)) = tr.def_inst(at).filter(|_| !body.is_outside(at)) else {
            return Err(NONE);
        };
        let (folding, forward) = match op {
            // The old value is what is subtracted from.
            Binary::Sub if s.is_int() => (Binary::Add, [Some(a), None]),
            Binary::Min | Binary::Max if s.is_float() => {
                let plain = |v| comes_from_integers(tr, v);
                (op, [Some(a).filter(|_| plain(b)), Some(b).filter(|_| plain(a))])
            }
            _ if op.is_associative(s) => (op, [Some(a), Some(b)]),
            _ => return Err(NONE),
        };
        if reduction.is_some_and(|r| r.op != folding) {
            return Err(NONE);
        }
        reduction = Some(Reduction { op: folding });
        let link = forward.into_iter().flatten().find(|&v| reaches(tr, body, v, param));
        at = link.ok_or(NONE)?;
    }
    Err(NONE)
}

/// Whether a value is the parameter or a binary operation of the body that leads to it.
fn reaches(tr: &Trace, body: &Body, mut v: Value, param: Value) -> bool {
    let mut open = vec![];
    let mut steps = 0;
    loop {
        if v == param {
            return true;
        }
        steps += 1;
        if let Some(&Inst::Binary(_, a, b)) = tr.def_inst(v).filter(|_| !body.is_outside(v) && steps < 64) {
            open.extend([a, b]);
        }
        match open.pop() {
            Some(next) => v = next,
            None => return false,
        }
    }
}

/// How often the body uses a value, its end included, but not its snapshots.
pub fn uses(tr: &Trace, body: &Body, v: Value) -> usize {
    let mut count = body.next.iter().filter(|&&n| n == v).count();
    for &id in &body.insts {
        tr.inst(id).for_each_use(|u| count += usize::from(u == v));
    }
    count
}

/// Whether a float is certainly neither NaN nor -0: an integer once, or one of two such.
fn comes_from_integers(tr: &Trace, v: Value) -> bool {
    match tr.def_inst(v) {
        Some(&Inst::Convert(a)) => {
            let from = tr.ty(a).scalar;
            from.is_int() || from == Scalar::Bool || (from.is_float() && comes_from_integers(tr, a))
        }
        Some(&Inst::Binary(Binary::Min | Binary::Max, a, b) | &Inst::Select(_, a, b)) => {
            comes_from_integers(tr, a) && comes_from_integers(tr, b)
        }
        Some(Inst::Const(c)) => {
            let negative_zero = 1u64 << (c.scalar.bits() - 1);
            !crate::semantics::is_nan(c.scalar, c.bits) && c.bits != negative_zero
        }
        _ => false,
    }
}
