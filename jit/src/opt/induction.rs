//! Carried values that only count become functions of the counter.
//!
//! A producer may carry what grows by a fixed amount: an offset, a pointer that walks. Then nothing about the iteration
//! shows in it, and every pass would have to know both forms. So in loops by 1 from `start`, an `i64` or an address that
//! starts at `init` and grows by `c` is `init + (i - start) * c`, which for an address folds into the access.
//!
//! What an iteration leaves behind that its counter tells, such as the counter itself, or always the same, is a choice: the
//! initial value at first, then that of the iteration before.
//!
//! A result after the loop is computed there, unless a break may have given it. What nobody needs any more, dead code
//! elimination removes.

use super::Pass;
use super::emit::Emit;
use super::scope::Scopes;
use super::subst::Subst;
use crate::ir::{Addr, Binary, Cond, Inst, InstId, RegionId, Stride, Trace, Ty, Value};

/// See the module.
pub struct Induction;

impl Pass for Induction {
    fn name(&self) -> &'static str {
        "induction"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut subst = Subst::default();
        let scopes = Scopes::new(tr);
        region(tr, &scopes, Trace::ROOT, &mut subst);
        subst.finish(tr)
    }
}

fn region(tr: &mut Trace, scopes: &Scopes, id: RegionId, subst: &mut Subst) {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Vec::with_capacity(insts.len());
    for inst in insts {
        subst.apply(tr.inst_mut(inst));
        let mut after = Emit::default();
        counted(tr, scopes, inst, subst, &mut after);
        for inner in tr.inst(inst).regions() {
            region(tr, scopes, inner, subst);
        }
        out.push(inst);
        out.append(&mut after.insts);
    }
    tr.region_mut(id).insts = out;
}

fn counted(tr: &mut Trace, scopes: &Scopes, id: InstId, subst: &mut Subst, after: &mut Emit) {
    let Inst::Loop { range: Some(r), ref init, body } = *tr.inst(id) else { return };
    if r.step != 1 {
        return;
    }
    let init = init.clone();
    let params = tr.region(body).params.clone();
    let insts = &tr.region(body).insts;
    let breaks = insts.iter().any(|&i| matches!(tr.inst(i), Inst::BreakIf(..)));
    let Some(Inst::Yield(next)) = insts.last().map(|&i| tr.inst(i)) else { return };
    let next = next.clone();
    let mut front = Emit::default();
    let mut iteration = None;
    for k in 0..init.len() {
        let p = params[k + 1];
        let by_counter = ByCounter { scopes, body, counter: params[0] };
        let other = next[k] != init[k] && !tr.ty(p).is_vector();
        if other && !breaks && by_counter.gives(tr, next[k], DEPTH) {
            // The initial value once, then what the iteration before says.
            let one = front.i64(tr, -1);
            let before = front.binary(tr, Binary::Add, params[0], one);
            let first = front.compare(tr, Cond::Eq, params[0], r.start);
            let v = by_counter.at(tr, &mut front, before, next[k], subst);
            let v = front.select(tr, first, init[k], v);
            subst.replace(p, v);
            let one = after.i64(tr, -1);
            let last = after.binary(tr, Binary::Add, r.end, one);
            let v = by_counter.at(tr, after, last, next[k], subst);
            let runs = after.compare(tr, Cond::Lt, r.start, r.end);
            let v = after.select(tr, runs, v, init[k]);
            subst.replace(tr.results(id)[k], v);
            continue;
        }
        let Some(mut step) = growth(tr, p, next[k]) else { continue };
        let outside =
            scopes.home(tr, step.value().unwrap_or(init[k])).is_none_or(|h| !scopes.is_inside(h, body));
        if !outside {
            continue;
        }
        if let Growth::Int(v) = &mut step {
            *v = subst.get(*v);
        }
        let n = *iteration.get_or_insert_with(|| front.binary(tr, Binary::Sub, params[0], r.start));
        let v = step.after(tr, &mut front, init[k], n);
        subst.replace(p, v);
        if !breaks {
            // As many as there are, or none.
            let count = after.binary(tr, Binary::Sub, r.end, r.start);
            let runs = after.compare(tr, Cond::Lt, r.start, r.end);
            let zero = after.i64(tr, 0);
            let count = after.select(tr, runs, count, zero);
            let v = step.after(tr, after, init[k], count);
            subst.replace(tr.results(id)[k], v);
        }
    }
    let list = &mut tr.region_mut(body).insts;
    front.insts.append(list);
    *list = front.insts;
}

/// Operations between a counter and what is told by it.
const DEPTH: usize = 3;

/// Values of a loop's body that the counter tells, with what comes from outside.
struct ByCounter<'a> {
    scopes: &'a Scopes,
    body: RegionId,
    counter: Value,
}

impl ByCounter<'_> {
    fn gives(&self, tr: &Trace, v: Value, depth: usize) -> bool {
        if v == self.counter || self.is_outside(tr, v) {
            return true;
        }
        match tr.def_inst(v) {
            Some(&Inst::Binary(Binary::Add | Binary::Sub | Binary::Mul, a, b)) if tr.ty(v) == Ty::I64 => {
                depth > 0 && self.gives(tr, a, depth - 1) && self.gives(tr, b, depth - 1)
            }
            _ => false,
        }
    }
    fn is_outside(&self, tr: &Trace, v: Value) -> bool {
        self.scopes.home(tr, v).is_some_and(|home| !self.scopes.is_inside(home, self.body))
    }
    /// Such a value for some counter.
    fn at(&self, tr: &mut Trace, out: &mut Emit, counter: Value, v: Value, subst: &Subst) -> Value {
        if v == self.counter {
            return counter;
        }
        match tr.def_inst(v) {
            Some(&Inst::Binary(op, a, b)) if !self.is_outside(tr, v) => {
                let [a, b] = [a, b].map(|v| self.at(tr, out, counter, v, subst));
                out.binary(tr, op, a, b)
            }
            _ => subst.get(v),
        }
    }
}

/// By how much something grows in each iteration.
enum Growth {
    Int(Value),
    /// The bytes an address moves by.
    Bytes(i32),
}

impl Growth {
    fn value(&self) -> Option<Value> {
        match *self {
            Growth::Int(v) => Some(v),
            Growth::Bytes(_) => None,
        }
    }
    fn after(&self, tr: &mut Trace, out: &mut Emit, init: Value, n: Value) -> Value {
        match *self {
            Growth::Int(step) => {
                let far = out.binary(tr, Binary::Mul, n, step);
                out.binary(tr, Binary::Add, init, far)
            }
            Growth::Bytes(step) => {
                let addr = Addr { base: init, index: Some((n, Stride::Const(i64::from(step)))), disp: 0 };
                out.value(tr, Inst::Lea(addr), Ty::PTR)
            }
        }
    }
}

fn growth(tr: &Trace, p: Value, next: Value) -> Option<Growth> {
    match *tr.def_inst(next)? {
        Inst::Binary(Binary::Add, a, b) if tr.ty(p) == Ty::I64 && a == p && b != p => Some(Growth::Int(b)),
        Inst::Binary(Binary::Add, a, b) if tr.ty(p) == Ty::I64 && b == p && a != p => Some(Growth::Int(a)),
        Inst::Lea(Addr { base, index: None, disp }) if base == p => Some(Growth::Bytes(disp)),
        _ => None,
    }
}
