//! A branch that always breaks behind itself is a break.
//!
//! A producer of structured code has one end to a loop's body, so that `if c: break` becomes
//! `if c { yield (old, true) } else { ...; yield (new, false) }` with a `break` behind it that asks for the second result.
//! The rest of the body then lies under a branch, where guards are not asked in front and nothing becomes a vector.
//!
//! If the side of a branch makes the condition of the next break true, and only computes, it runs in front, the break comes
//! first, and the other side goes on in the loop's own region. What stands between the branch and the break must only
//! compute as well; it is done once for either.

use super::Pass;
use super::copy::Copy;
use super::emit::Emit;
use super::subst::Subst;
use crate::ir::{Inst, InstId, RegionId, Trace, Ty, Unary, Value};
use crate::semantics;

/// See the module.
pub struct Breaks;

impl Pass for Breaks {
    fn name(&self) -> &'static str {
        "breaks"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut subst = Subst::default();
        region(tr, Trace::ROOT, &mut subst);
        subst.finish(tr)
    }
}

fn region(tr: &mut Trace, id: RegionId, subst: &mut Subst) {
    let mut i = 0;
    while i < tr.region(id).insts.len() {
        let inst = tr.region(id).insts[i];
        subst.apply(tr.inst_mut(inst));
        if matches!(tr.inst(inst), Inst::If { .. }) {
            // The break behind it may ask for what another branch gave.
            for j in i..tr.region(id).insts.len() {
                let behind = tr.region(id).insts[j];
                subst.apply(tr.inst_mut(behind));
            }
        }
        if let Some(found) = Found::new(tr, id, i, subst) {
            // What stands here now is looked at again.
            found.carry_out(tr, id, i, subst);
            continue;
        }
        for inner in tr.inst(inst).regions() {
            region(tr, inner, subst);
        }
        i += 1;
    }
}

struct Found {
    /// The side that breaks.
    breaks: bool,
    cond: Value,
    sides: [RegionId; 2],
    /// The instructions between the branch and the break.
    between: Vec<InstId>,
    values: Vec<Value>,
}

impl Found {
    fn new(tr: &Trace, region: RegionId, i: usize, subst: &Subst) -> Option<Found> {
        let insts = &tr.region(region).insts[i..];
        let Inst::If { cond, then, other } = *tr.inst(insts[0]) else { return None };
        let plain = |id: &InstId| {
            let inst = tr.inst(*id);
            tr.is_pure(inst) && !matches!(inst, Inst::Call(..)) && !(tr.status && tr.raises(inst))
        };
        let length = insts[1..].iter().take_while(|&id| plain(id)).count();
        let between = insts[1..=length].to_vec();
        let Inst::BreakIf(truth, ref values) = *tr.inst(*insts.get(length + 1)?) else { return None };
        let results = tr.results(insts[0]);
        for (breaks, side) in [(true, then), (false, other)] {
            let (last, rest) = tr.region(side).insts.split_last()?;
            let Inst::Yield(given) = tr.inst(*last) else { return None };
            let at = |v: Value| results.iter().position(|&r| r == v).map_or(v, |k| given[k]);
            if rest.iter().all(plain) && known(tr, &at, truth) == Some(1) {
                let values = values.iter().map(|&v| subst.get(v)).collect();
                return Some(Found { breaks, cond, sides: [then, other], between, values });
            }
        }
        None
    }

    fn carry_out(self, tr: &mut Trace, region: RegionId, i: usize, subst: &mut Subst) {
        let branch = tr.region(region).insts[i];
        let results = tr.results(branch).to_vec();
        let [leaves, stays] = if self.breaks { self.sides } else { [self.sides[1], self.sides[0]] };
        let mut out = Emit::default();
        let given = splice(tr, leaves, &mut out);
        let mut copy = Copy::default();
        results.iter().zip(given).for_each(|(&r, v)| copy.set(r, v));
        for id in self.between {
            out.insts.push(copy.inst(tr, id));
        }
        let cond = match self.breaks {
            true => self.cond,
            false => out.value(tr, Inst::Unary(Unary::Not, self.cond), Ty::BOOL),
        };
        out.inst(tr, Inst::BreakIf(cond, copy.all(&self.values)), &[]);
        let given = splice(tr, stays, &mut out);
        subst.replace_all(&results, &given);
        tr.region_mut(region).insts.splice(i..=i, out.insts);
    }
}

/// Moves the instructions of a region; gives what it yields.
fn splice(tr: &mut Trace, region: RegionId, out: &mut Emit) -> Vec<Value> {
    let mut insts = std::mem::take(&mut tr.region_mut(region).insts);
    let end = insts.pop();
    out.insts.append(&mut insts);
    match end.map(|id| tr.inst(id)) {
        Some(Inst::Yield(args)) => args.clone(),
        _ => vec![],
    }
}

/// The bits of a value that depends on constants only, with the branch's results as this side gives them.
fn known(tr: &Trace, at: &impl Fn(Value) -> Value, v: Value) -> Option<u64> {
    let v = at(v);
    if let Some(c) = tr.as_const(v) {
        return Some(c.bits);
    }
    match *tr.def_inst(v)? {
        Inst::Unary(Unary::Not, a) if tr.ty(a) == Ty::BOOL => known(tr, at, a).map(|bits| bits ^ 1),
        Inst::Compare(cond, a, b) if !tr.ty(a).is_vector() => {
            let s = tr.ty(a).scalar;
            Some(u64::from(semantics::compare(cond, s, known(tr, at, a)?, known(tr, at, b)?)))
        }
        _ => None,
    }
}
