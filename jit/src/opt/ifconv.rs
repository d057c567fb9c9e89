//! Short branches become selects.
//!
//! Both sides run then, so both must be computations, may not raise floating-point status if somebody looks at it, and
//! should be short. What is gained is straight code: the vectoriser takes it, and a branch that goes either way costs
//! more than a few instructions.
//!
//! Loads stay under their branch, which may be what keeps them inside of an array. So do stores: writing back what was
//! there is a write that another thread may see.

use super::Pass;
use crate::ir::{Inst, InstId, RegionId, Trace, Value};

/// Instructions of both sides together.
const LIMIT: usize = 24;

/// See the module.
pub struct IfConvert;

impl Pass for IfConvert {
    fn name(&self) -> &'static str {
        "ifconv"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        region(tr, Trace::ROOT)
    }
}

fn region(tr: &mut Trace, id: RegionId) -> bool {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Vec::with_capacity(insts.len());
    let mut changed = false;
    for inst in insts {
        // Inner branches first, so that a nest of them flattens.
        for inner in tr.inst(inst).regions() {
            changed |= region(tr, inner);
        }
        match *tr.inst(inst) {
            Inst::If { cond, then, other } if has_scalars(tr, inst) && is_short(tr, then, other) => {
                let (a, b) = (splice(tr, then, &mut out), splice(tr, other, &mut out));
                // The results keep their names: each is defined by a select now.
                for (k, result) in tr.results(inst).to_vec().into_iter().enumerate() {
                    out.push(tr.redefine(result, Inst::Select(cond, a[k], b[k])));
                }
                changed = true;
            }
            _ => out.push(inst),
        }
    }
    tr.region_mut(id).insts = out;
    changed
}

/// One bool does not choose between vectors.
fn has_scalars(tr: &Trace, id: InstId) -> bool {
    tr.results(id).iter().all(|&v| !tr.ty(v).is_vector())
}

fn is_short(tr: &Trace, then: RegionId, other: RegionId) -> bool {
    let (a, b) = (&tr.region(then).insts, &tr.region(other).insts);
    a.len() + b.len() <= LIMIT + 2
        && a.iter().chain(b).all(|&id| {
            let inst = tr.inst(id);
            let plain = tr.is_pure(inst) && !matches!(inst, Inst::Call(..));
            inst.is_terminator() || (plain && !(tr.status && tr.raises(inst)))
        })
}

/// Moves the instructions of a region; gives what it yields.
fn splice(tr: &mut Trace, region: RegionId, out: &mut Vec<InstId>) -> Vec<Value> {
    let mut insts = std::mem::take(&mut tr.region_mut(region).insts);
    let end = insts.pop();
    out.append(&mut insts);
    match end.map(|id| tr.inst(id)) {
        Some(Inst::Yield(args)) => args.clone(),
        _ => vec![],
    }
}
