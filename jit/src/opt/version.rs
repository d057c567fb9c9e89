//! Guards that would hold in every iteration are asked once, in front of the loop.
//!
//! `for i in start..end { guard i + 1 < n; ... }` becomes `if (it holds from start to end) { the loop without the guard }
//! else { the loop }`. In the second loop nothing has changed, so that whoever leaves by the guard resumes with exactly
//! the state the snapshot describes. Moving the guard itself in front, or a stronger one, would leave before the
//! iterations that come before its failure have had their effects.
//!
//! What is asked: a comparison of two sides that are linear in the counter holds everywhere between two counters if it
//! holds at both, provided that none of the sums and products wraps; these are linear too, so that both ends decide here
//! as well. Instead of solving for the counter, the condition is computed for the first and for the last one, with a check for overflow beside
//! each step. That serves all forms alike, and constants fold.
//!
//! Of innermost loops only: the code doubles. LuaJIT and PyPy peel, and keep a guard per iteration for whatever varies.

use std::collections::HashMap;

use super::Pass;
use super::copy::Copy;
use super::emit::Emit;
use super::scope::Scopes;
use crate::ir::{Binary, Cond, Inst, InstId, Overflow, Range, RegionId, Trace, Ty, Unary, Value};

/// Instructions of a body that is worth a copy.
const LIMIT: usize = 256;

/// See the module.
pub struct Version;

impl Pass for Version {
    fn name(&self) -> &'static str {
        "version"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let scopes = Scopes::new(tr);
        region(tr, &scopes, Trace::ROOT)
    }
}

fn region(tr: &mut Trace, scopes: &Scopes, id: RegionId) -> bool {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Vec::with_capacity(insts.len());
    let mut changed = false;
    for inst in insts {
        let inner: Vec<RegionId> = tr.inst(inst).regions().collect();
        let plan = match *tr.inst(inst) {
            Inst::Loop { range: Some(range), body, .. } => Plan::new(tr, scopes, range, body),
            _ => None,
        };
        match plan {
            Some(plan) => {
                plan.carry_out(tr, inst, &mut out);
                changed = true;
            }
            None => {
                for r in inner {
                    changed |= region(tr, scopes, r);
                }
                out.push(inst);
            }
        }
    }
    tr.region_mut(id).insts = out;
    changed
}

struct Plan {
    range: Range,
    body: RegionId,
    /// Guards that go, with what they expect.
    guards: Vec<(InstId, Value, bool)>,
}

impl Plan {
    fn new(tr: &Trace, scopes: &Scopes, range: Range, body: RegionId) -> Option<Plan> {
        let insts = &tr.region(body).insts;
        if insts.len() > LIMIT || insts.iter().any(|&id| tr.inst(id).regions().next().is_some()) {
            return None;
        }
        let linear = Linear { tr, scopes, body };
        let guards: Vec<_> = insts
            .iter()
            .filter_map(|&id| match *tr.inst(id) {
                Inst::Guard { cond, expected, .. } if linear.condition(cond, expected) => {
                    Some((id, cond, expected))
                }
                _ => None,
            })
            .collect();
        (!guards.is_empty()).then_some(Plan { range, body, guards })
    }

    fn carry_out(self, tr: &mut Trace, id: InstId, out: &mut Vec<InstId>) {
        let mut inside = HashMap::new();
        for &inst in &tr.region(self.body).insts {
            inside.extend(tr.results(inst).iter().map(|&v| (v, inst)));
        }
        let mut ask = Ask { inside, emit: Emit::default(), all: vec![] };
        let one = ask.emit.i64(tr, self.range.step.signum());
        // No counter is beyond this one.
        let last = ask.emit.binary(tr, Binary::Sub, self.range.end, one);
        let counter = tr.region(self.body).params[0];
        for end in [self.range.start, last] {
            let mut at = Copy::default();
            at.set(counter, end);
            for &(_, cond, expected) in &self.guards {
                ask.holds(tr, &mut at, cond, expected);
            }
        }
        let Ask { mut emit, all, .. } = ask;
        let mut all = all.into_iter();
        let Some(mut cond) = all.next() else { return out.push(id) };
        for c in all {
            cond = emit.binary(tr, Binary::And, cond, c);
        }

        // The loop without guards is a copy; the old one goes into the other branch.
        let Inst::Loop { range, ref init, body } = *tr.inst(id) else { return out.push(id) };
        let init = init.clone();
        let mut copy = Copy::default();
        let fast = copy.region(tr, body);
        let kept: Vec<InstId> = tr
            .region(body)
            .insts
            .iter()
            .zip(&tr.region(fast).insts)
            .filter(|(old, _)| !self.guards.iter().any(|g| g.0 == **old))
            .map(|(_, &new)| new)
            .collect();
        tr.region_mut(fast).insts = kept;
        let tys: Vec<Ty> = init.iter().map(|&v| tr.ty(v)).collect();
        let sides = [fast, body].map(|body| {
            let side = tr.add_region();
            let inner = tr.add_inst(Inst::Loop { range, init: init.clone(), body }, &tys);
            let give = Inst::Yield(tr.results(inner).to_vec());
            let give = tr.add_inst(give, &[]);
            tr.region_mut(side).insts = vec![inner, give];
            side
        });
        *tr.inst_mut(id) = Inst::If { cond, then: sides[0], other: sides[1] };
        out.append(&mut emit.insts);
        out.push(id);
    }
}

/// Which values are linear in the counter of a loop.
struct Linear<'a> {
    tr: &'a Trace,
    scopes: &'a Scopes,
    body: RegionId,
}

impl Linear<'_> {
    fn is_outside(&self, v: Value) -> bool {
        self.scopes.home(self.tr, v).is_some_and(|home| !self.scopes.is_inside(home, self.body))
    }
    /// Whether a condition can be asked at both ends.
    fn condition(&self, cond: Value, expected: bool) -> bool {
        if self.is_outside(cond) {
            return true;
        }
        let sides = |a, b| self.tr.ty(a) == Ty::I64 && self.value(a) && self.value(b);
        match self.tr.def_inst(cond) {
            Some(&Inst::Unary(Unary::Not, a)) => self.condition(a, !expected),
            Some(&Inst::Binary(Binary::And, a, b)) if expected => {
                self.condition(a, true) && self.condition(b, true)
            }
            Some(&Inst::Binary(Binary::Or, a, b)) if !expected => {
                self.condition(a, false) && self.condition(b, false)
            }
            Some(&Inst::Compare(Cond::Eq | Cond::Ne, ..)) => false,
            Some(&Inst::Compare(_, a, b)) => sides(a, b),
            Some(&Inst::Overflow(op, a, b)) if !expected => {
                sides(a, b) && (op != Overflow::Mul || self.is_outside(a) || self.is_outside(b))
            }
            _ => false,
        }
    }
    fn value(&self, v: Value) -> bool {
        if self.is_outside(v) || self.tr.region(self.body).params[0] == v {
            return true;
        }
        match self.tr.def_inst(v) {
            Some(&Inst::Binary(Binary::Add | Binary::Sub, a, b)) => self.value(a) && self.value(b),
            Some(&Inst::Binary(Binary::Mul, a, b)) => {
                (self.is_outside(a) && self.value(b)) || (self.is_outside(b) && self.value(a))
            }
            _ => false,
        }
    }
}

/// Makes the conditions.
struct Ask {
    /// Where the values of the body come from.
    inside: HashMap<Value, InstId>,
    emit: Emit,
    /// What must be true.
    all: Vec<Value>,
}

impl Ask {
    fn holds(&mut self, tr: &mut Trace, at: &mut Copy, cond: Value, expected: bool) {
        match tr.def_inst(cond).cloned() {
            Some(Inst::Unary(Unary::Not, a)) => self.holds(tr, at, a, !expected),
            Some(Inst::Binary(Binary::And, a, b)) if expected => {
                self.holds(tr, at, a, true);
                self.holds(tr, at, b, true);
            }
            Some(Inst::Binary(Binary::Or, a, b)) if !expected => {
                self.holds(tr, at, a, false);
                self.holds(tr, at, b, false);
            }
            Some(Inst::Compare(_, a, b) | Inst::Overflow(_, a, b)) if tr.ty(a) == Ty::I64 => {
                self.value(tr, at, a);
                self.value(tr, at, b);
                self.truth(tr, at, cond, expected);
            }
            _ => self.truth(tr, at, cond, expected),
        }
    }
    fn truth(&mut self, tr: &mut Trace, at: &mut Copy, cond: Value, expected: bool) {
        let mut v = self.copied(tr, at, cond);
        if !expected {
            v = self.emit.value(tr, Inst::Unary(Unary::Not, v), Ty::BOOL);
        }
        if !self.all.contains(&v) {
            self.all.push(v);
        }
    }
    /// A value at one end, and that no step to it wraps.
    fn value(&mut self, tr: &mut Trace, at: &mut Copy, v: Value) {
        if at.get(v) != v || !self.inside.contains_key(&v) {
            return;
        }
        let Some(Inst::Binary(op, a, b)) = tr.def_inst(v).cloned() else { return };
        self.value(tr, at, a);
        self.value(tr, at, b);
        let overflow = match op {
            Binary::Add => Overflow::Add,
            Binary::Sub => Overflow::Sub,
            _ => Overflow::Mul,
        };
        let wraps = Inst::Overflow(overflow, at.get(a), at.get(b));
        let wraps = self.emit.value(tr, wraps, Ty::BOOL);
        self.all.push(self.emit.value(tr, Inst::Unary(Unary::Not, wraps), Ty::BOOL));
        self.copied(tr, at, v);
    }
    /// The value an instruction of the body has at this end.
    fn copied(&mut self, tr: &mut Trace, at: &mut Copy, v: Value) -> Value {
        if let Some(&id) = self.inside.get(&v).filter(|_| at.get(v) == v) {
            let copy = at.inst(tr, id);
            self.emit.insts.push(copy);
        }
        at.get(v)
    }
}
