//! Sums are asked whether they are finite once, after the loop.
//!
//! A host that must notice overflow asks after each addition of a loop whether the sum is finite still. But a sum that is
//! infinite or NaN stays so, whatever is added. So a loop that only computes runs without these guards, and if what it gives is
//! not finite, the old loop runs from the start: it gets to the iteration that leaves, by the way its snapshot describes.
//! Other guards of the loop end the quick one early, with the same consequence.
//!
//! What carries non-finite values on: `+ - *`, negation, magnitude, square roots, numerators. (`inf * 0` is NaN, so is
//! `inf - inf`.) A guard goes if its operand gets into a carried value that way, and that into itself.
//!
//! Iterations may run that would not have run, so this is for traces whose guards on floats protect no memory
//! ([`Trace::ahead`]), for loops without stores, and for those whose other guards are on data; others are copied too often as it
//! is.

use std::collections::HashSet;

use super::Pass;
use super::copy::Copy;
use super::emit::Emit;
use super::scope::Scopes;
use crate::ir::{Binary, Inst, InstId, RegionId, Trace, Ty, Unary, Value};

/// See the module.
pub struct Defer;

impl Pass for Defer {
    fn name(&self) -> &'static str {
        "defer"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        if !tr.ahead || tr.status {
            return false;
        }
        let scopes = Scopes::new(tr);
        region(tr, &scopes, Trace::ROOT)
    }
}

fn region(tr: &mut Trace, scopes: &Scopes, id: RegionId) -> bool {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Emit { insts: Vec::with_capacity(insts.len()) };
    let mut changed = false;
    for inst in insts {
        if let Some(plan) = Plan::new(tr, scopes, inst) {
            plan.carry_out(tr, inst, &mut out);
            changed = true;
        } else {
            for inner in tr.inst(inst).regions() {
                changed |= region(tr, scopes, inner);
            }
        }
        out.insts.push(inst);
    }
    tr.region_mut(id).insts = out.insts;
    changed
}

struct Plan {
    /// Carried values that are asked.
    asked: Vec<usize>,
    /// Guards that go.
    gone: HashSet<InstId>,
    /// Whether others stay.
    stay: bool,
}

impl Plan {
    fn new(tr: &Trace, scopes: &Scopes, id: InstId) -> Option<Plan> {
        let Inst::Loop { range: Some(_), ref init, body } = *tr.inst(id) else { return None };
        let insts = &tr.region(body).insts;
        let (&last, insts) = insts.split_last()?;
        let Inst::Yield(next) = tr.inst(last) else { return None };
        let plain = |inst: &Inst| matches!(inst, Inst::Load(_) | Inst::Guard { .. }) || tr.is_pure(inst);
        if !insts.iter().all(|&inst| plain(tr.inst(inst))) {
            return None;
        }
        let guards: Vec<(InstId, Value, bool)> = insts
            .iter()
            .filter_map(|&inst| match *tr.inst(inst) {
                Inst::Guard { cond, expected, .. } => Some((inst, cond, expected)),
                _ => None,
            })
            .collect();
        if guards.is_empty() {
            return None;
        }
        let inside = |v: Value| scopes.home(tr, v).is_none_or(|home| scopes.is_inside(home, body));
        let params = &tr.region(body).params[1..];
        let mut plan = Plan { asked: vec![], gone: HashSet::new(), stay: false };
        for k in (0..init.len()).filter(|&k| tr.ty(params[k]).scalar.is_float()) {
            let mut leads = HashSet::new();
            follow(tr, next[k], &inside, &mut leads);
            if !leads.contains(&params[k]) {
                continue;
            }
            let before = plan.gone.len();
            plan.gone.extend(guards.iter().filter_map(|&(inst, cond, expected)| {
                let x = tr.finite(cond).filter(|_| expected)?;
                leads.contains(&x).then_some(inst)
            }));
            if plan.gone.len() > before {
                plan.asked.push(k);
            }
        }
        let rest = guards.iter().filter(|g| !plan.gone.contains(&g.0));
        for &(_, cond, _) in rest {
            plan.stay = true;
            if !loads(tr, cond, &inside) {
                return None;
            }
        }
        (!plan.gone.is_empty()).then_some(plan)
    }

    fn carry_out(self, tr: &mut Trace, id: InstId, out: &mut Emit) {
        let Inst::Loop { range, ref init, body } = *tr.inst(id) else { return };
        let mut init = init.clone();
        let tys: Vec<Ty> = init.iter().map(|&v| tr.ty(v)).collect();
        // The old loop goes into the branch for when it was not finite after all.
        let slow = tr.add_inst(Inst::Loop { range, init: init.clone(), body }, &tys);
        let quick = Copy::default().region(tr, body);
        let mut quick_tys = tys.clone();
        if self.stay {
            init.push(out.constant(tr, crate::ir::Scalar::Bool, 0));
            quick_tys.push(Ty::BOOL);
        }
        self.strip(tr, body, quick, out);
        let quick = out.inst(tr, Inst::Loop { range, init, body: quick }, &quick_tys);
        let mut results = tr.results(quick).to_vec();
        let mut ok = None;
        if self.stay {
            let bad = results.remove(tys.len());
            ok = Some(out.value(tr, Inst::Unary(Unary::Not, bad), Ty::BOOL));
        }
        for &k in &self.asked {
            let finite = finite(tr, out, results[k]);
            ok = Some(ok.map_or(finite, |ok| out.binary(tr, Binary::And, ok, finite)));
        }
        let Some(cond) = ok else { return };
        let sides = [(results, None), (tr.results(slow).to_vec(), Some(slow))].map(|(give, inst)| {
            let side = tr.add_region();
            let give = tr.add_inst(Inst::Yield(give), &[]);
            tr.region_mut(side).insts = inst.into_iter().chain([give]).collect();
            side
        });
        *tr.inst_mut(id) = Inst::If { cond, then: sides[0], other: sides[1] };
    }

    /// Takes guards out of the quick loop; those that stay end it.
    fn strip(&self, tr: &mut Trace, old: RegionId, new: RegionId, before: &mut Emit) {
        let bad = self.stay.then(|| before.constant(tr, crate::ir::Scalar::Bool, 1));
        let good = self.stay.then(|| before.constant(tr, crate::ir::Scalar::Bool, 0));
        let mut current = tr.region(new).params[1..].to_vec();
        current.extend(bad);
        if self.stay {
            tr.add_param(new, Ty::BOOL);
        }
        let pairs: Vec<_> =
            tr.region(old).insts.iter().copied().zip(tr.region(new).insts.iter().copied()).collect();
        let mut kept = Emit::default();
        for (from, to) in pairs {
            match *tr.inst(to) {
                Inst::Guard { .. } if self.gone.contains(&from) => {}
                Inst::Guard { cond, expected, .. } => {
                    let fails =
                        if expected { kept.value(tr, Inst::Unary(Unary::Not, cond), Ty::BOOL) } else { cond };
                    kept.inst(tr, Inst::BreakIf(fails, current.clone()), &[]);
                }
                _ => {
                    if let Inst::Yield(next) = tr.inst_mut(to) {
                        next.extend(good);
                    }
                    kept.insts.push(to);
                }
            }
        }
        tr.region_mut(new).insts = kept.insts;
    }
}

/// `abs(x) < inf`.
fn finite(tr: &mut Trace, out: &mut Emit, x: Value) -> Value {
    let ty = tr.ty(x);
    let infinity = if ty == Ty::F64 { f64::INFINITY.to_bits() } else { u64::from(f32::INFINITY.to_bits()) };
    let infinity = out.constant(tr, ty.scalar, infinity);
    let magnitude = out.value(tr, Inst::Unary(Unary::Abs, x), ty);
    out.compare(tr, crate::ir::Cond::Lt, magnitude, infinity)
}

/// The values of a body that make this one infinite or NaN if they are.
fn follow(tr: &Trace, v: Value, inside: &impl Fn(Value) -> bool, leads: &mut HashSet<Value>) {
    if !inside(v) || !leads.insert(v) {
        return;
    }
    match tr.def_inst(v) {
        Some(&Inst::Binary(Binary::Add | Binary::Sub | Binary::Mul, a, b)) => {
            follow(tr, a, inside, leads);
            follow(tr, b, inside, leads);
        }
        Some(&Inst::Binary(Binary::Div, a, _) | &Inst::Unary(Unary::Neg | Unary::Abs | Unary::Sqrt, a)) => {
            follow(tr, a, inside, leads);
        }
        _ => {}
    }
}

/// Whether a load of the body takes part in a value.
fn loads(tr: &Trace, v: Value, inside: &impl Fn(Value) -> bool) -> bool {
    match tr.def_inst(v).filter(|_| inside(v)) {
        Some(Inst::Load(_)) => true,
        Some(inst) => {
            let mut found = false;
            inst.for_each_use(|v| found = found || loads(tr, v, inside));
            found
        }
        None => false,
    }
}
