//! The vectoriser: innermost counted loops do several iterations at once.
//!
//! A loop whose body is straight-line code becomes two: one over as many whole groups of iterations as there are, in
//! which a value of the body is a vector with a lane per iteration, and the old loop for those that are left, which takes
//! over the carried values. A group has more lanes than a register where that pays: back ends split vectors into
//! registers, so that the same number says how far the loop is unrolled.
//!
//! * [`shape`]: which values are the same in all lanes, which grow by a fixed amount, which need a vector, and what
//!   becomes of carried values;
//! * [`reductions`]: carried values that may be computed in another order, bit for bit;
//! * [`dependence`]: how many iterations may run at once without memory noticing;
//! * [`overlap`]: what is asked about memory before the loop;
//! * [`cost`]: how many should;
//! * [`tails`]: where the groups end;
//! * [`emit`]: the new loop.
//!
//! Every lane computes exactly what its iteration did, and no iteration runs that did not run before. So results are the
//! same to the last bit, no floating-point flag is raised by a lane that nobody asked for, and no memory is touched
//! outside of what the loop touches.
//!
//! A loop may have to wait until other passes have made its body straight: guards that are always true are gone, short
//! branches are selects, invariant code has left, addresses are affine in the counter. What is not vectorised stays as it
//! is, and the log says why.

mod cost;
mod dependence;
mod emit;
mod overlap;
mod reductions;
mod shape;
mod tails;

use crate::ir::{Inst, InstId, RegionId, Trace};
use crate::log::{self, Section};
use crate::opt::{self, Pass};

/// What code is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Of a register.
    pub vector_bytes: usize,
    /// How many registers a value of a short body may take.
    pub unroll: usize,
}

impl Target {
    /// 128 bits, for Cranelift, where four registers were measured as best.
    pub const CRANELIFT: Target = Target { vector_bytes: 16, unroll: 4 };
}

/// Vectorises an optimised trace and tidies up.
pub fn vectorise(tr: &mut Trace, target: Target) {
    if opt::run(&[&Vectorise(target)], tr) {
        opt::run(&[&opt::Fold, &opt::Cse, &opt::Licm, &opt::Unroll, &opt::Dce, &opt::Compact], tr);
    }
    log::write(Section::Vec, &tr.name, tr);
}

/// See the module.
pub struct Vectorise(pub Target);

/// Why a loop stays as it is.
type Reason = &'static str;

impl Pass for Vectorise {
    fn name(&self) -> &'static str {
        "vec"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        self.region(tr, Trace::ROOT)
    }
}

impl Vectorise {
    fn region(&self, tr: &mut Trace, region: RegionId) -> bool {
        let insts = std::mem::take(&mut tr.region_mut(region).insts);
        let mut out = Vec::with_capacity(insts.len());
        let mut changed = false;
        for id in insts {
            let inner: Vec<RegionId> = tr.inst(id).regions().collect();
            let is_loop = matches!(tr.inst(id), Inst::Loop { .. });
            let innermost = is_loop && is_innermost(tr, inner[0]);
            if innermost {
                match self.vectorise(tr, id, &mut out) {
                    Ok(()) => {
                        log::count("loops vectorised");
                        changed = true;
                    }
                    Err(reason) => {
                        log::count("loops not vectorised");
                        log::write(Section::Abort, &format!("{}, a loop not vectorised", tr.name), &reason);
                    }
                }
            } else {
                for r in inner {
                    changed |= self.region(tr, r);
                }
            }
            out.push(id);
        }
        tr.region_mut(region).insts = out;
        changed
    }

    /// Puts the vector loop in front, and leaves to the old loop what is left to do.
    fn vectorise(&self, tr: &mut Trace, id: InstId, out: &mut Vec<InstId>) -> Result<(), Reason> {
        let body = shape::Body::new(tr, id)?;
        let lanes = cost::lanes(tr, &body, self.0)?;
        let (lanes, checks) = dependence::limit(tr, &body, lanes)?;
        emit::vector_loop(tr, id, &body, lanes, &checks, out);
        Ok(())
    }
}

/// Whether a loop has none inside, not even in a branch.
fn is_innermost(tr: &Trace, region: RegionId) -> bool {
    tr.region(region).insts.iter().all(|&id| {
        let inst = tr.inst(id);
        !matches!(inst, Inst::Loop { .. }) && inst.regions().all(|r| is_innermost(tr, r))
    })
}
