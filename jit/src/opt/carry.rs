//! What an iteration stored is loaded by the next one: it is carried instead.
//!
//! In `a[i] = a[i - 1] + b[i]` the load waits for the store of the iteration before, which takes several times as long as the
//! addition. So a load that certainly finds there what a store of the same loop has put there one iteration earlier becomes
//! a carried value, whose first one is loaded in front of the loop. The store stays.
//!
//! "Certainly" is: both follow the counter by the same stride, a step apart, the store is not under a branch, and nothing
//! else in the loop may write to that class of memory. The first load is made only if the loop runs and would have
//! made it before it could leave. Further distances (`a[i - 2]`) would be a chain of carried values; they are left alone,
//! being seldom the ones that are waited for.

use super::Pass;
use super::effects::Summary;
use super::emit::Emit;
use super::subst::Subst;
use crate::ir::{Access, Cond, Def, Inst, InstId, RegionId, Scalar, Stride, Trace, Ty, Value};

/// See the module.
pub struct Carry;

impl Pass for Carry {
    fn name(&self) -> &'static str {
        "carry"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut subst = Subst::default();
        region(tr, Trace::ROOT, &mut subst);
        subst.finish(tr)
    }
}

fn region(tr: &mut Trace, id: RegionId, subst: &mut Subst) {
    let insts = std::mem::take(&mut tr.region_mut(id).insts);
    let mut out = Emit { insts: Vec::with_capacity(insts.len()) };
    for inst in insts {
        subst.apply(tr.inst_mut(inst));
        if let Some(found) = find(tr, inst) {
            found.carry(tr, inst, subst, &mut out);
        }
        for inner in tr.inst(inst).regions() {
            region(tr, inner, subst);
        }
        out.insts.push(inst);
    }
    tr.region_mut(id).insts = out.insts;
}

/// A load of what was stored an iteration ago.
struct Found {
    load: InstId,
    access: Access,
    stored: Value,
}

fn find(tr: &Trace, id: InstId) -> Option<Found> {
    let Inst::Loop { range: Some(r), body, .. } = *tr.inst(id) else { return None };
    let counter = tr.region(body).params[0];
    let mut store = None;
    for &inst in &tr.region(body).insts {
        let writes = Summary::inst(tr, tr.inst(inst)).writes;
        match *tr.inst(inst) {
            Inst::Store(access, v) if store.is_none() => store = Some((access, v)),
            // One store per loop is what recurrences have.
            _ if writes.is_empty() => {}
            _ => return None,
        }
    }
    let (to, stored) = store?;
    let (ty, (index, Stride::Const(stride))) = (tr.ty(stored), to.addr.index?) else { return None };
    let moves = match tr.def(to.addr.base) {
        Def::Param(home, _) => home == body,
        Def::Result(inst, _) => tr.region(body).insts.contains(&inst),
    };
    let distance = stride.checked_mul(r.step)?;
    if index != counter || moves || ty.is_vector() || ty.scalar == Scalar::Bool {
        return None;
    }
    for &inst in &tr.region(body).insts {
        match *tr.inst(inst) {
            Inst::Load(from) => {
                let same = from.addr.base == to.addr.base && from.addr.index == to.addr.index;
                let apart = i64::from(to.addr.disp) - i64::from(from.addr.disp);
                if same && apart == distance && tr.ty(tr.results(inst)[0]) == ty && distance != 0 {
                    return Some(Found { load: inst, access: from, stored });
                }
            }
            ref other => {
                let s = Summary::inst(tr, other);
                if s.leaves || s.endless {
                    return None;
                }
            }
        }
    }
    None
}

impl Found {
    fn carry(self, tr: &mut Trace, id: InstId, subst: &mut Subst, out: &mut Emit) {
        let Inst::Loop { range: Some(r), ref init, body } = *tr.inst(id) else { return };
        let mut init = init.clone();
        let ty = tr.ty(self.stored);
        let mut access = self.access;
        if let Some((index, _)) = &mut access.addr.index {
            *index = r.start;
        }
        let cond = out.compare(tr, if r.step > 0 { Cond::Lt } else { Cond::Gt }, r.start, r.end);
        let (then, other) = (tr.add_region(), tr.add_region());
        let mut first = Emit::default();
        let loaded = first.value(tr, Inst::Load(access), ty);
        first.inst(tr, Inst::Yield(vec![loaded]), &[]);
        tr.region_mut(then).insts = first.insts;
        let mut none = Emit::default();
        let zero = none.constant(tr, ty.scalar, 0);
        none.inst(tr, Inst::Yield(vec![zero]), &[]);
        tr.region_mut(other).insts = none.insts;
        init.push(out.value(tr, Inst::If { cond, then, other }, ty));

        let p = tr.add_param(body, ty);
        let insts = tr.region(body).insts.clone();
        for &inst in &insts {
            match tr.inst_mut(inst) {
                Inst::Yield(next) => next.push(self.stored),
                Inst::BreakIf(_, values) => values.push(p),
                _ => {}
            }
        }
        tr.region_mut(body).insts = insts.into_iter().filter(|&inst| inst != self.load).collect();
        subst.replace(tr.results(self.load)[0], p);
        // The loop gives one result more, which nobody asks for.
        let mut tys: Vec<Ty> = tr.results(id).iter().map(|&v| tr.ty(v)).collect();
        tys.push(ty);
        tr.redefine_all(id, Inst::Loop { range: Some(r), init, body }, &tys);
    }
}
