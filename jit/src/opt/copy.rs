//! Copies of code inside one trace, for passes that want a piece of it twice.

use std::collections::HashMap;

use crate::ir::{Inst, InstId, RegionId, SnapId, Snapshot, Trace, Value};

/// A copy in the making: which values stand for which in it.
#[derive(Default)]
pub struct Copy {
    map: HashMap<Value, Value>,
}

impl Copy {
    /// In the copy, `v` is `by`.
    pub fn set(&mut self, v: Value, by: Value) {
        self.map.insert(v, by);
    }
    pub fn get(&self, v: Value) -> Value {
        self.map.get(&v).copied().unwrap_or(v)
    }
    pub fn all(&self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|&v| self.get(v)).collect()
    }
    /// A copy of an instruction and all that is inside of it; it is in no region yet.
    pub fn inst(&mut self, tr: &mut Trace, id: InstId) -> InstId {
        let mut inst = tr.inst(id).clone();
        inst.map_uses(|v| self.get(v));
        match &mut inst {
            Inst::Loop { body, .. } => *body = self.region(tr, *body),
            Inst::If { then, other, .. } => {
                *then = self.region(tr, *then);
                *other = self.region(tr, *other);
            }
            Inst::Guard { snap, .. } | Inst::Exit(snap) => *snap = self.snapshot(tr, *snap),
            _ => {}
        }
        let results = tr.results(id).to_vec();
        let tys: Vec<_> = results.iter().map(|&r| tr.ty(r)).collect();
        let copied = tr.add_inst(inst, &tys);
        for (old, &new) in results.into_iter().zip(tr.results(copied)) {
            self.map.insert(old, new);
        }
        copied
    }
    pub fn region(&mut self, tr: &mut Trace, old: RegionId) -> RegionId {
        let new = tr.add_region();
        for p in tr.region(old).params.clone() {
            let ty = tr.ty(p);
            let copied = tr.add_param(new, ty);
            self.map.insert(p, copied);
        }
        for id in tr.region(old).insts.clone() {
            let copied = self.inst(tr, id);
            tr.region_mut(new).insts.push(copied);
        }
        new
    }
    pub fn snapshot(&self, tr: &mut Trace, old: SnapId) -> SnapId {
        let Snapshot { key, values } = tr.snapshot(old).clone();
        tr.add_snapshot(key, self.all(&values))
    }
}
