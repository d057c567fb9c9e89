//! Short branches become selects.
//!
//! Both sides run then, so both must be computations, may not raise floating-point status if somebody looks at it, and
//! should be short. What is gained is straight code: the vectoriser takes it, and a branch that goes either way costs
//! more than a few instructions.
//!
//! Loads stay under their branch, which may be what keeps them inside of an array. So do stores: writing back what was
//! there is a write that another thread may see.
//!
//! A guard under a branch leaves if the branch is taken and it fails. [`IfConvertGuards`] makes one condition of that. It comes
//! late: `version` asks for guards in front of loops by what they compare, and knows nothing of branches.

use super::Pass;
use super::emit::Emit;
use crate::ir::{Binary, Inst, InstId, RegionId, Trace, Ty, Unary, Value};

/// Instructions of both sides together.
const LIMIT: usize = 24;
/// Guards of both sides together: each of them takes as long as a branch that is foreseen.
const GUARDS: usize = 1;

/// See the module.
pub struct IfConvert;

/// The same, with guards under branches.
pub struct IfConvertGuards;

impl Pass for IfConvert {
    fn name(&self) -> &'static str {
        "ifconv"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        region(tr, Trace::ROOT, false)
    }
}

impl Pass for IfConvertGuards {
    fn name(&self) -> &'static str {
        "ifconv-guards"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        region(tr, Trace::ROOT, true)
    }
}

fn region(tr: &mut Trace, id: RegionId, with_guards: bool) -> bool {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Emit { insts: Vec::with_capacity(insts.len()) };
    let mut changed = false;
    for inst in insts {
        // Inner branches first, so that a nest of them flattens.
        for inner in tr.inst(inst).regions() {
            changed |= region(tr, inner, with_guards);
        }
        match *tr.inst(inst) {
            Inst::If { cond, then, other }
                if has_scalars(tr, inst) && is_short(tr, [then, other], with_guards) =>
            {
                let a = splice(tr, then, cond, true, &mut out);
                let b = splice(tr, other, cond, false, &mut out);
                // The results keep their names: each is defined by a select now.
                for (k, result) in tr.results(inst).to_vec().into_iter().enumerate() {
                    out.insts.push(tr.redefine(result, Inst::Select(cond, a[k], b[k])));
                }
                changed = true;
            }
            _ => out.insts.push(inst),
        }
    }
    tr.region_mut(id).insts = out.insts;
    changed
}

/// One bool does not choose between vectors.
fn has_scalars(tr: &Trace, id: InstId) -> bool {
    tr.results(id).iter().all(|&v| !tr.ty(v).is_vector())
}

fn is_short(tr: &Trace, sides: [RegionId; 2], with_guards: bool) -> bool {
    let insts = || sides.iter().flat_map(|&side| &tr.region(side).insts).map(|&id| tr.inst(id));
    let is_guard = |inst: &&Inst| matches!(inst, Inst::Guard { .. });
    insts().count() <= LIMIT + 2
        && insts().filter(is_guard).count() <= if with_guards { GUARDS } else { 0 }
        && insts().all(|inst| {
            let plain = tr.is_pure(inst) && !matches!(inst, Inst::Call(..));
            inst.is_terminator() || is_guard(&inst) || (plain && !(tr.status && tr.raises(inst)))
        })
}

/// Moves the instructions of a side, which is run if `branch` is `taken`; gives what it yields.
fn splice(tr: &mut Trace, side: RegionId, branch: Value, taken: bool, out: &mut Emit) -> Vec<Value> {
    let mut insts = std::mem::take(&mut tr.region_mut(side).insts);
    let end = insts.pop();
    let mut runs = taken.then_some(branch);
    for id in insts {
        if let Inst::Guard { cond, expected, snap } = *tr.inst(id) {
            let fails = if expected { out.value(tr, Inst::Unary(Unary::Not, cond), Ty::BOOL) } else { cond };
            let runs = *runs.get_or_insert_with(|| out.value(tr, Inst::Unary(Unary::Not, branch), Ty::BOOL));
            let cond = out.binary(tr, Binary::And, runs, fails);
            *tr.inst_mut(id) = Inst::Guard { cond, expected: false, snap };
        }
        out.insts.push(id);
    }
    match end.map(|id| tr.inst(id)) {
        Some(Inst::Yield(args)) => args.clone(),
        _ => vec![],
    }
}
