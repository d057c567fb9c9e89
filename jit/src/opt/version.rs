//! Guards that would hold in every iteration are asked once, in front of a nest of loops.
//!
//! `for i in start..end { guard i + 1 < n; ... }` becomes `if (it holds from start to end) { the loop without the guard }
//! else { the loop }`. In the second loop nothing has changed, so that whoever leaves by the guard resumes with exactly
//! the state the snapshot describes. Moving the guard itself in front, or a stronger one, would leave before the
//! iterations that come before its failure have had their effects.
//!
//! What is asked is made of bounds ([`bounds`]): the least and the greatest value that a number takes while the nest runs,
//! computed from the ranges of the counters, with a check for overflow beside each step. `a < b` holds throughout if the
//! greatest `a` is below the least `b`. An index that counts from the end if it is negative is a `select`; it is asked
//! never to be negative, and the copy does without the choice.
//!
//! The outermost loop for which something can be asked is copied with all that is inside of it, and in the copy, loops
//! further inside may be copied again for guards that need more than the outer loop knows. The slow side is not looked at
//! again: a nest of depth `d` becomes `d + 1` nests at most. LuaJIT and PyPy peel, and keep a guard per iteration for whatever
//! varies.

mod bounds;

use std::collections::HashSet;

use super::Pass;
use super::copy::Copy;
use super::scope::Scopes;
use crate::ir::{Inst, InstId, RegionId, Trace, Ty, Value};
use bounds::{Ask, Nest};

/// Instructions of a nest that is worth a copy.
const LIMIT: usize = 512;

/// See the module.
pub struct Version;

impl Pass for Version {
    fn name(&self) -> &'static str {
        "version"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut slow = HashSet::new();
        let mut changed = false;
        // Copies are looked into once they are in place, each time a level deeper.
        loop {
            let mut walk = Walk { scopes: Scopes::new(tr), slow: &mut slow };
            if !walk.region(tr, Trace::ROOT) {
                return changed;
            }
            changed = true;
        }
    }
}

struct Walk<'a> {
    scopes: Scopes,
    /// Bodies that stay as they are.
    slow: &'a mut HashSet<RegionId>,
}

impl Walk<'_> {
    fn region(&mut self, tr: &mut Trace, id: RegionId) -> bool {
        let mut changed = false;
        for i in 0..tr.region(id).insts.len() {
            let inst = tr.region(id).insts[i];
            let plan = match *tr.inst(inst) {
                Inst::Loop { body, .. } if self.slow.contains(&body) => continue,
                Inst::Loop { body, .. } => Plan::new(tr, &self.scopes, body),
                _ => None,
            };
            match plan {
                Some(plan) => {
                    let asked = plan.carry_out(tr, inst, self.slow);
                    tr.region_mut(id).insts.splice(i..=i, asked);
                    // Positions have moved.
                    return true;
                }
                None => {
                    for inner in tr.inst(inst).regions() {
                        changed |= self.region(tr, inner);
                    }
                }
            }
        }
        changed
    }
}

struct Plan {
    nest: Nest,
    /// Guards that go, with what they expect.
    guards: Vec<(InstId, Value, bool)>,
}

impl Plan {
    fn new(tr: &Trace, scopes: &Scopes, body: RegionId) -> Option<Plan> {
        let mut all = vec![];
        if !guards(tr, body, &mut all, &mut { LIMIT }) || all.is_empty() {
            return None;
        }
        let nest = Nest::new(tr, scopes, body);
        all.retain(|&(_, cond, expected)| nest.can_hold(tr, cond, expected));
        (!all.is_empty()).then_some(Plan { nest, guards: all })
    }

    /// Gives what stands in place of the loop, which becomes an `if` with two loops.
    fn carry_out(self, tr: &mut Trace, id: InstId, slow: &mut HashSet<RegionId>) -> Vec<InstId> {
        let mut ask = Ask::new(&self.nest);
        for &(_, cond, expected) in &self.guards {
            ask.holds(tr, cond, expected);
        }
        let (mut before, cond, choices) = ask.finish(tr);
        let Inst::Loop { range, ref init, body } = *tr.inst(id) else { return vec![id] };
        let init = init.clone();
        slow.insert(body);
        let fast = Copy::default().region(tr, body);
        let gone: HashSet<InstId> = self.guards.iter().map(|g| g.0).collect();
        strip(tr, body, fast, &gone, &choices);
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
        before.push(id);
        before
    }
}

/// The guards of a region and those inside of it; false if there is more code than the limit.
fn guards(tr: &Trace, region: RegionId, found: &mut Vec<(InstId, Value, bool)>, limit: &mut usize) -> bool {
    tr.region(region).insts.iter().all(|&id| {
        if let Inst::Guard { cond, expected, .. } = *tr.inst(id) {
            found.push((id, cond, expected));
        }
        *limit = limit.saturating_sub(1);
        *limit > 0 && tr.inst(id).regions().all(|r| guards(tr, r, found, limit))
    })
}

/// Takes guards out of a copy of a region, and lets selects choose what is known.
fn strip(tr: &mut Trace, old: RegionId, new: RegionId, gone: &HashSet<InstId>, choices: &[(InstId, Value)]) {
    let olds = tr.region(old).insts.clone();
    let news = tr.region(new).insts.clone();
    let mut kept = Vec::with_capacity(news.len());
    for (from, to) in olds.into_iter().zip(news) {
        if gone.contains(&from) {
            continue;
        }
        kept.push(to);
        if let (Some(known), Inst::Select(cond, ..)) =
            (choices.iter().find(|c| c.0 == from).map(|c| c.1), tr.inst_mut(to))
        {
            *cond = known;
        }
        let pairs: Vec<_> = tr.inst(from).regions().zip(tr.inst(to).regions()).collect();
        for (old, new) in pairs {
            strip(tr, old, new, gone, choices);
        }
    }
    tr.region_mut(new).insts = kept;
}
