//! Dead code: what has no effect and no user goes, loops, branches and carried values included.
//!
//! Marking starts at the instructions with effects and follows operands backwards; whatever is inside of a region needs
//! the instruction that owns it. A carried value of a loop counts as one thing, with its initial value, the parameter,
//! the values yields and breaks give, and the result: a sum nobody asks for only feeds itself, and is never marked. What
//! is not marked at the end is swept out.
//!
//! With floating-point status observed, raising it is an effect. A load is none: memory that may be read may be left
//! alone. A counted loop ends by itself, an endless one might not, and so is kept.

use super::Pass;
use super::scope::Scopes;
use crate::ir::{Def, Inst, InstId, RegionId, Trace, Value};

/// See the module.
pub struct Dce;

impl Pass for Dce {
    fn name(&self) -> &'static str {
        "dce"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let scopes = Scopes::new(tr);
        let mut mark = Mark {
            tr,
            scopes: &scopes,
            insts: vec![false; tr.inst_count()],
            values: vec![false; tr.value_count()],
            work: vec![],
        };
        mark.roots(Trace::ROOT);
        while let Some(v) = mark.work.pop() {
            mark.definition(v);
        }
        let Mark { insts, values, .. } = mark;
        sweep(tr, Trace::ROOT, &insts, &values)
    }
}

struct Mark<'a> {
    tr: &'a Trace,
    scopes: &'a Scopes,
    insts: Vec<bool>,
    values: Vec<bool>,
    /// Marked values whose definitions have not been looked at.
    work: Vec<Value>,
}

impl Mark<'_> {
    fn roots(&mut self, region: RegionId) {
        for &id in &self.tr.region(region).insts {
            let inst = self.tr.inst(id);
            if has_effect(self.tr, inst) {
                self.inst(id);
            }
            for inner in inst.regions() {
                self.roots(inner);
            }
        }
    }
    fn value(&mut self, v: Value) {
        if !std::mem::replace(&mut self.values[v.index()], true) {
            self.work.push(v);
        }
    }
    /// An instruction runs: so do those around it, and it needs its operands.
    fn inst(&mut self, id: InstId) {
        if std::mem::replace(&mut self.insts[id.index()], true) {
            return;
        }
        if let Some((owner, _)) = self.scopes.region(id).and_then(|r| self.scopes.owner(r)) {
            self.inst(owner);
        }
        match self.tr.inst(id) {
            // Carried values and results are marked one by one.
            Inst::Loop { range, body, .. } => {
                if let Some(r) = range {
                    self.value(r.start);
                    self.value(r.end);
                }
                for &inner in &self.tr.region(*body).insts {
                    if let Inst::BreakIf(cond, _) = self.tr.inst(inner) {
                        self.insts[inner.index()] = true;
                        self.value(*cond);
                    }
                }
            }
            Inst::If { cond, .. } => self.value(*cond),
            Inst::BreakIf(..) | Inst::Yield(_) => {}
            inst => {
                let tr = self.tr;
                tr.for_each_use(inst, |v| self.value(v));
            }
        }
    }
    /// What a marked value comes from.
    fn definition(&mut self, v: Value) {
        match self.tr.def(v) {
            Def::Param(region, i) => {
                let Some((owner, _)) = self.scopes.owner(region) else { return };
                self.inst(owner);
                if let Inst::Loop { range, .. } = self.tr.inst(owner) {
                    // The counter needs nothing more.
                    if let Some(k) = (i as usize).checked_sub(usize::from(range.is_some())) {
                        self.carried(owner, k);
                    }
                }
            }
            Def::Result(id, k) => {
                self.inst(id);
                match *self.tr.inst(id) {
                    Inst::Loop { .. } => self.carried(id, k as usize),
                    Inst::If { then, other, .. } => {
                        for region in [then, other] {
                            self.given(region, k as usize);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    fn carried(&mut self, id: InstId, k: usize) {
        let Inst::Loop { range, ref init, body } = *self.tr.inst(id) else { return };
        self.value(init[k]);
        self.value(self.tr.results(id)[k]);
        self.value(self.tr.region(body).params[k + usize::from(range.is_some())]);
        self.given(body, k);
    }
    /// What a region gives for a result: yields and breaks.
    fn given(&mut self, region: RegionId, k: usize) {
        for &inner in &self.tr.region(region).insts {
            if let Inst::Yield(args) | Inst::BreakIf(_, args) = self.tr.inst(inner) {
                self.value(args[k]);
            }
        }
    }
}

fn has_effect(tr: &Trace, inst: &Inst) -> bool {
    match inst {
        Inst::Store(..) | Inst::Guard { .. } | Inst::Exit(_) | Inst::Loop { range: None, .. } => true,
        Inst::Call(id, _) if tr.call(*id).effects.writes => true,
        _ => tr.status && tr.raises(inst),
    }
}

fn sweep(tr: &mut Trace, region: RegionId, insts: &[bool], values: &[bool]) -> bool {
    let mut list = std::mem::take(&mut tr.region_mut(region).insts);
    let before = list.len();
    list.retain(|&id| tr.inst(id).is_terminator() || insts[id.index()]);
    let mut changed = list.len() != before;
    for &id in &list {
        for inner in tr.inst(id).regions() {
            changed |= sweep(tr, inner, insts, values);
        }
        let keep: Vec<bool> = tr.results(id).iter().map(|v| values[v.index()]).collect();
        if matches!(tr.inst(id), Inst::Loop { .. } | Inst::If { .. }) && keep.contains(&false) {
            changed = true;
            drop_results(tr, id, &keep);
        }
    }
    tr.region_mut(region).insts = list;
    changed
}

/// Takes results from a loop or a branch, and what gives them.
fn drop_results(tr: &mut Trace, id: InstId, keep: &[bool]) {
    fn retain(values: &mut Vec<Value>, keep: &[bool]) {
        let mut keep = keep.iter();
        values.retain(|_| keep.next().is_none_or(|&k| k));
    }
    let mut inst = tr.inst(id).clone();
    if let Inst::Loop { range, init, body } = &mut inst {
        retain(init, keep);
        let counters = usize::from(range.is_some());
        let mut params = tr.region(*body).params.clone();
        let mut carried = params.split_off(counters);
        retain(&mut carried, keep);
        params.extend(carried);
        for (i, &p) in params.iter().enumerate() {
            tr.values[p.index()].1 = Def::Param(*body, i as u32);
        }
        tr.region_mut(*body).params = params;
    }
    for region in inst.regions() {
        for inner in tr.region(region).insts.clone() {
            if let Inst::Yield(args) | Inst::BreakIf(_, args) = tr.inst_mut(inner) {
                retain(args, keep);
            }
        }
    }
    *tr.inst_mut(id) = inst;
    let mut results = std::mem::take(&mut tr.insts[id.index()].1);
    retain(&mut results, keep);
    for (i, &r) in results.iter().enumerate() {
        tr.values[r.index()].1 = Def::Result(id, i as u32);
    }
    tr.insts[id.index()].1 = results;
}
