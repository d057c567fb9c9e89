//! Questions about memory that are asked once, before a loop.
//!
//! If the answer is no, there are no groups, and the loop for what is left does everything. So no code is doubled for an
//! answer that is hardly ever given.
//!
//! The bytes an access touches lie between those of the first iteration and those of the last one, whichever comes first
//! in memory. A range with a step other than 1 may end before its `end`; then a little more is asked than needed.

use std::collections::HashMap;

use super::shape::{Body, Memory};
use crate::ir::{Binary, Cond, Inst, Scalar, Stride, Trace, Ty, Unary, Value};
use crate::opt::emit::Emit;

/// A question; the numbers are those of accesses of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Whether these two have no byte in common, over the whole loop.
    Apart(usize, usize),
    /// Whether this one moves on by its own size at least.
    Moves(usize),
}

/// Whether addresses can be computed before the loop: out of the counter and what comes from outside.
pub fn can_ask(tr: &Trace, body: &Body, check: Check) -> bool {
    let (i, j) = match check {
        Check::Apart(i, j) => (i, j),
        Check::Moves(i) => (i, i),
    };
    [i, j].into_iter().all(|i| {
        let a = &body.memory[i].access.addr;
        let stride = |s| match s {
            Stride::Const(_) => true,
            Stride::Value(v) => body.is_outside(v),
        };
        let value = body.memory[i].step.value.is_none_or(|v| body.is_outside(v));
        value && body.is_outside(a.base) && a.index.is_none_or(|(v, s)| stride(s) && is_computed(tr, body, v))
    })
}

fn is_computed(tr: &Trace, body: &Body, v: Value) -> bool {
    if v == body.counter || body.is_outside(v) {
        return true;
    }
    let Some(inst) = tr.def_inst(v).filter(|inst| tr.is_pure(inst)) else { return false };
    let mut all = !(matches!(inst, Inst::Call(..)) || tr.status && tr.raises(inst));
    inst.for_each_use(|v| all = all && is_computed(tr, body, v));
    all
}

/// Asks all of it; `None` if there is nothing to ask.
pub fn ask(tr: &mut Trace, out: &mut Emit, body: &Body, checks: &[Check]) -> Option<Value> {
    if checks.is_empty() {
        return None;
    }
    let step = out.i64(tr, body.range.step.signum());
    let last = out.binary(tr, Binary::Sub, body.range.end, step);
    let mut ends = [body.range.start, last].map(|counter| HashMap::from([(body.counter, counter)]));
    let mut extents = HashMap::new();
    let mut all = None;
    for &check in checks {
        let answer = match check {
            Check::Apart(i, j) => {
                let [a, b] = [i, j].map(|i| {
                    *extents.entry(i).or_insert_with(|| extent(tr, out, body, &body.memory[i], &mut ends))
                });
                let before = out.compare(tr, Cond::Le, a.1, b.0);
                let behind = out.compare(tr, Cond::Le, b.1, a.0);
                out.binary(tr, Binary::Or, before, behind)
            }
            Check::Moves(i) => {
                let m = &body.memory[i];
                let factor = out.i64(tr, m.step.factor);
                let step = m.step.value.map_or(factor, |v| out.binary(tr, Binary::Mul, v, factor));
                let far = out.value(tr, Inst::Unary(Unary::Abs, step), Ty::I64);
                let size = out.i64(tr, m.ty.size() as i64);
                // The smallest number is its own magnitude, and no stride.
                out.compare(tr, Cond::Ge, far, size)
            }
        };
        all = Some(all.map_or(answer, |all| out.binary(tr, Binary::And, all, answer)));
    }
    all
}

/// The first byte and the one after the last, as `u64`.
fn extent(
    tr: &mut Trace,
    out: &mut Emit,
    body: &Body,
    m: &Memory,
    ends: &mut [HashMap<Value, Value>; 2],
) -> (Value, Value) {
    let places = ends.each_mut().map(|at| {
        let mut addr = m.access.addr;
        if let Some((index, _)) = &mut addr.index {
            *index = compute(tr, out, body, at, *index);
        }
        let place = out.value(tr, Inst::Lea(addr), Ty::PTR);
        out.value(tr, Inst::Bitcast(place), Ty::U64)
    });
    let [low, high] = [Binary::Min, Binary::Max].map(|op| out.binary(tr, op, places[0], places[1]));
    let size = out.constant(tr, Scalar::U64, m.ty.size() as u64);
    (low, out.binary(tr, Binary::Add, high, size))
}

/// A value of the body at one end of the loop.
fn compute(tr: &mut Trace, out: &mut Emit, body: &Body, at: &mut HashMap<Value, Value>, v: Value) -> Value {
    if body.is_outside(v) {
        return v;
    }
    if let Some(&known) = at.get(&v) {
        return known;
    }
    let mut inst = tr.def_inst(v).expect("what can be asked is computed").clone();
    inst.map_uses(|v| compute(tr, out, body, at, v));
    let ty = tr.ty(v);
    let made = out.value(tr, inst, ty);
    at.insert(v, made);
    made
}
