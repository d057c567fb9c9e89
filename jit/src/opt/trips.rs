//! A break that only counts becomes the end of the range.
//!
//! Hosts limit the iterations of any loop, and write `while i < n` as a loop over a limit that breaks once `i` is `n`. Nothing
//! is known about a counter then but the limit, and a loop with a break is no vector loop. So if what comes first in the
//! body is such a break, the range ends where it would have been reached, and what the loop gives is chosen afterwards, by
//! whether it ended there, at the limit, or by another break.
//!
//! Of ranges by 1 from 0, and of comparisons of `c + i` or `c - i` with something fixed. `c + i` reaches `m` in iteration `m - c`
//! without wrapping on the way, since every number before is between `c` and `m`; if the difference itself does not fit,
//! its sign says whether the break comes at once or never.

use std::collections::HashMap;

use super::Pass;
use super::emit::Emit;
use super::scope::Scopes;
use super::subst::Subst;
use crate::ir::{Binary, Cond, Inst, InstId, Overflow, Range, RegionId, Scalar, Trace, Ty, Unary, Value};

/// See the module.
pub struct Trips;

impl Pass for Trips {
    fn name(&self) -> &'static str {
        "trips"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let scopes = Scopes::new(tr);
        let mut subst = Subst::default();
        region(tr, &scopes, Trace::ROOT, &mut subst);
        subst.finish(tr)
    }
}

fn region(tr: &mut Trace, scopes: &Scopes, id: RegionId, subst: &mut Subst) {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Emit { insts: Vec::with_capacity(insts.len()) };
    for inst in insts {
        subst.apply(tr.inst_mut(inst));
        for inner in tr.inst(inst).regions() {
            region(tr, scopes, inner, subst);
        }
        match Found::new(tr, scopes, inst) {
            Some(found) => found.carry_out(tr, inst, subst, &mut out),
            None => out.insts.push(inst),
        }
    }
    tr.region_mut(id).insts = out.insts;
}

struct Found {
    range: Range,
    body: RegionId,
    position: usize,
    values: Vec<Value>,
    /// It breaks as soon as the counter is `to - from`, or one more.
    to: Value,
    from: Value,
    one_more: bool,
}

impl Found {
    fn new(tr: &Trace, scopes: &Scopes, id: InstId) -> Option<Found> {
        let Inst::Loop { range: Some(range), body, .. } = *tr.inst(id) else { return None };
        if range.step != 1 || tr.as_const(range.start)?.bits != 0 {
            return None;
        }
        let insts = &tr.region(body).insts;
        let position = insts.iter().position(|&i| !tr.is_pure(tr.inst(i)))?;
        let Inst::BreakIf(cond, ref values) = *tr.inst(insts[position]) else { return None };
        let Inst::Compare(cond, a, b) = *tr.def_inst(cond)? else { return None };
        let fixed = |v: Value| scopes.home(tr, v).is_some_and(|home| !scopes.is_inside(home, body));
        let counter = tr.region(body).params[0];
        let (cond, x, limit) = if fixed(b) { (cond, a, b) } else { (cond.swapped(), b, a) };
        if tr.ty(x) != Ty::I64 || !fixed(limit) {
            return None;
        }
        // As `counter >= to - from` or `counter > to - from`.
        let (to, from, rising) = match tr.def_inst(x) {
            _ if x == counter => (limit, range.start, true),
            Some(&Inst::Binary(Binary::Add, a, c)) if a == counter && fixed(c) => (limit, c, true),
            Some(&Inst::Binary(Binary::Add, c, a)) if a == counter && fixed(c) => (limit, c, true),
            Some(&Inst::Binary(Binary::Sub, c, a)) if a == counter && fixed(c) => (c, limit, false),
            _ => return None,
        };
        let one_more = match (cond, rising) {
            (Cond::Ge, true) | (Cond::Le, false) => false,
            (Cond::Gt, true) | (Cond::Lt, false) => true,
            _ => return None,
        };
        let found = Found { range, body, position, values: values.clone(), to, from, one_more };
        values.iter().all(|&v| found.is_computed(tr, &fixed, v)).then_some(found)
    }
    /// Whether a value can be computed after the loop.
    fn is_computed(&self, tr: &Trace, fixed: &impl Fn(Value) -> bool, v: Value) -> bool {
        if fixed(v) || tr.region(self.body).params.contains(&v) {
            return true;
        }
        let Some(inst) = tr.def_inst(v) else { return false };
        let mut all = tr.is_pure(inst) && !matches!(inst, Inst::Call(..)) && !(tr.status && tr.raises(inst));
        inst.for_each_use(|v| all = all && self.is_computed(tr, fixed, v));
        all
    }

    fn carry_out(self, tr: &mut Trace, id: InstId, subst: &mut Subst, out: &mut Emit) {
        let start = self.range.start;
        let end = out.binary(tr, Binary::Max, self.range.end, start);
        let one = out.i64(tr, 1);
        let mut limit = end;
        if self.one_more {
            limit = out.binary(tr, Binary::Sub, limit, one);
        }
        let far = out.binary(tr, Binary::Sub, self.to, self.from);
        let wraps = out.value(tr, Inst::Overflow(Overflow::Sub, self.to, self.from), Ty::BOOL);
        let least = out.i64(tr, -1);
        let backwards = out.compare(tr, Cond::Lt, self.to, self.from);
        let sign = out.select(tr, backwards, least, limit);
        let far = out.select(tr, wraps, sign, far);
        let mut stop = out.binary(tr, Binary::Min, limit, far);
        if self.one_more {
            stop = out.binary(tr, Binary::Add, stop, one);
        }
        let runs = out.compare(tr, Cond::Lt, start, end);
        let early = out.compare(tr, Cond::Lt, stop, end);
        let broke = out.binary(tr, Binary::And, runs, early);
        let last = out.binary(tr, Binary::Max, stop, start);

        tr.region_mut(self.body).insts.remove(self.position);
        let mut tys: Vec<Ty> = tr.results(id).iter().map(|&v| tr.ty(v)).collect();
        let old = tr.results(id).to_vec();
        let others = self.mark_others(tr, id, out);
        if others {
            tys.push(Ty::BOOL);
        }
        if let Inst::Loop { range: Some(r), .. } = tr.inst_mut(id) {
            r.end = stop;
        }
        out.insts.push(id);
        // What follows uses the chosen values under the old names.
        let mut fresh = tr.rename_results(id, &tys);
        let broke = match fresh.get(old.len()) {
            Some(&other) => {
                fresh.truncate(old.len());
                let none = out.value(tr, Inst::Unary(Unary::Not, other), Ty::BOOL);
                out.binary(tr, Binary::And, broke, none)
            }
            None => broke,
        };
        let mut at: HashMap<Value, Value> = HashMap::new();
        at.insert(tr.region(self.body).params[0], last);
        at.extend(tr.region(self.body).params[1..].iter().copied().zip(fresh.iter().copied()));
        for (k, &v) in self.values.iter().enumerate() {
            let given = compute(tr, out, &mut at, self.body, v);
            let chosen = if given == fresh[k] { given } else { out.select(tr, broke, given, fresh[k]) };
            subst.replace(old[k], chosen);
        }
    }
}

impl Found {
    /// If there are other breaks, the loop carries whether one of them ended it.
    fn mark_others(&self, tr: &mut Trace, id: InstId, out: &mut Emit) -> bool {
        let insts = tr.region(self.body).insts.clone();
        if !insts.iter().any(|&i| matches!(tr.inst(i), Inst::BreakIf(..))) {
            return false;
        }
        let [no, yes] = [0, 1].map(|bit| out.constant(tr, Scalar::Bool, bit));
        tr.add_param(self.body, Ty::BOOL);
        if let Inst::Loop { init, .. } = tr.inst_mut(id) {
            init.push(no);
        }
        for inst in insts {
            match tr.inst_mut(inst) {
                Inst::BreakIf(_, values) => values.push(yes),
                Inst::Yield(values) => values.push(no),
                _ => {}
            }
        }
        true
    }
}

/// A value of the body as it was when the loop ended.
fn compute(
    tr: &mut Trace,
    out: &mut Emit,
    at: &mut HashMap<Value, Value>,
    body: RegionId,
    v: Value,
) -> Value {
    if let Some(&known) = at.get(&v) {
        return known;
    }
    let inside = match tr.def(v) {
        crate::ir::Def::Result(id, _) => tr.region(body).insts.contains(&id),
        crate::ir::Def::Param(..) => false,
    };
    let made = if inside {
        let mut inst = tr.def_inst(v).expect("a result of an instruction").clone();
        inst.map_uses(|v| compute(tr, out, at, body, v));
        let ty = tr.ty(v);
        out.value(tr, inst, ty)
    } else {
        v
    };
    at.insert(v, made);
    made
}
