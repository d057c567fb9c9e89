//! Loops of a few iterations, a number that is known, become their iterations.
//!
//! One iteration always pays: the loop goes. More do for short inner loops, over the axes of a small last dimension or
//! the coefficients of a polynomial, whose counters then are constants and whose loads can be forwarded. The vectoriser
//! would rather have a loop than many copies of a body, so the limit is below the number of lanes it could use.
//!
//! A loop with a break is left alone, since what follows a break in straight code would need a way around it.

use super::Pass;
use super::copy::Copy;
use super::emit::Emit;
use super::subst::Subst;
use crate::ir::{Inst, InstId, RegionId, Trace, Ty};

/// Iterations, and instructions of all of them together; more if no bounds are checked there. Where `version` left those, it
/// is the slow copy of a loop, or a loop that is no slower for being one.
const MAX_TRIPS: u64 = 4;
const MAX_INSTS: usize = 64;
const MAX_UNCHECKED: usize = 160;

/// See the module.
pub struct Unroll;

impl Pass for Unroll {
    fn name(&self) -> &'static str {
        "unroll"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut subst = Subst::default();
        region(tr, Trace::ROOT, &mut subst);
        subst.finish(tr)
    }
}

fn region(tr: &mut Trace, id: RegionId, subst: &mut Subst) {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Vec::with_capacity(insts.len());
    for inst in insts {
        subst.apply(tr.inst_mut(inst));
        // A copy of this must not bring back what has been replaced.
        if let Some(snap) = tr.exit_of(tr.inst(inst)) {
            tr.snapshots[snap.index()].values.iter_mut().for_each(|v| *v = subst.get(*v));
        }
        for inner in tr.inst(inst).regions() {
            region(tr, inner, subst);
        }
        if !unroll(tr, inst, subst, &mut out) {
            out.push(inst);
        }
    }
    tr.region_mut(id).insts = out;
}

fn unroll(tr: &mut Trace, id: InstId, subst: &mut Subst, out: &mut Vec<InstId>) -> bool {
    let Inst::Loop { range: Some(r), ref init, body } = *tr.inst(id) else { return false };
    let Some(trips) = r.trips(tr) else { return false };
    let size = size(tr, body);
    let breaks = tr.region(body).insts.iter().any(|&i| matches!(tr.inst(i), Inst::BreakIf(..)));
    let most = if checks_bounds(tr, body) { MAX_INSTS } else { MAX_UNCHECKED };
    if breaks || trips > 1 && (trips > MAX_TRIPS || size.saturating_mul(trips as usize) > most) {
        return false;
    }
    let start = tr.as_const(r.start).map_or(0, |c| c.bits as i64);
    let mut carried = init.clone();
    let params = tr.region(body).params.clone();
    let insts = tr.region(body).insts.clone();
    for trip in 0..trips {
        let mut copy = Copy::default();
        let mut emit = Emit::default();
        copy.set(params[0], emit.i64(tr, start.wrapping_add((trip as i64).wrapping_mul(r.step))));
        params[1..].iter().zip(&carried).for_each(|(&p, &v)| copy.set(p, v));
        out.append(&mut emit.insts);
        for &inner in &insts {
            if let Inst::Yield(args) = tr.inst(inner) {
                carried = copy.all(args);
            } else {
                out.push(copy.inst(tr, inner));
            }
        }
    }
    // No trips leave the initial values.
    subst.replace_all(tr.results(id), &carried);
    true
}

/// Whether a guard asks how two `i64` compare.
fn checks_bounds(tr: &Trace, region: RegionId) -> bool {
    tr.region(region).insts.iter().any(|&id| {
        let is_check = match *tr.inst(id) {
            Inst::Guard { cond, .. } => {
                matches!(tr.def_inst(cond), Some(&Inst::Compare(_, a, _)) if tr.ty(a) == Ty::I64)
            }
            _ => false,
        };
        is_check || tr.inst(id).regions().any(|inner| checks_bounds(tr, inner))
    })
}

/// Instructions, inner ones included.
fn size(tr: &Trace, region: RegionId) -> usize {
    let insts = &tr.region(region).insts;
    insts.len() + insts.iter().flat_map(|&id| tr.inst(id).regions()).map(|r| size(tr, r)).sum::<usize>()
}
