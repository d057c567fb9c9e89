//! Renumbering: the arenas hold what is used and nothing else, in the order of the text.
//!
//! Passes leave instructions, values, regions and snapshots behind that nothing refers to. Back ends size their tables
//! by the arenas, and people read the text, so the last pass copies what is left into a fresh trace. Numbers are given as
//! a [`crate::ir::Builder`] would, so that the text of a compact trace reads back as the same trace.

use super::Pass;
use crate::ir::{Inst, InstId, RegionId, SnapId, Snapshot, Trace, Value};

/// See the module.
pub struct Compact;

impl Pass for Compact {
    fn name(&self) -> &'static str {
        "compact"
    }
    /// Numbers are no change: only dropping something is.
    fn run(&self, tr: &mut Trace) -> bool {
        let mut to = Trace::new(std::mem::take(&mut tr.name));
        (to.status, to.ahead) = (tr.status, tr.ahead);
        to.calls = std::mem::take(&mut tr.calls);
        let mut copy = Copy { values: vec![None; tr.value_count()], from: tr, to };
        copy.region(Trace::ROOT, Trace::ROOT);
        let to = copy.to;
        let changed = to.inst_count() != tr.inst_count() || to.snapshots.len() != tr.snapshots.len();
        *tr = to;
        changed
    }
}

struct Copy<'a> {
    from: &'a Trace,
    to: Trace,
    /// New names.
    values: Vec<Option<Value>>,
}

impl Copy<'_> {
    fn value(&self, v: Value) -> Value {
        self.values[v.index()].expect("verified: used after its definition")
    }
    fn region(&mut self, old: RegionId, new: RegionId) {
        for &p in &self.from.region(old).params {
            self.values[p.index()] = Some(self.to.add_param(new, self.from.ty(p)));
        }
        for &id in &self.from.region(old).insts {
            let copied = self.inst(id);
            self.to.region_mut(new).insts.push(copied);
        }
    }
    fn inst(&mut self, id: InstId) -> InstId {
        let from = self.from;
        let mut inst = from.inst(id).clone();
        inst.map_uses(|v| self.value(v));
        match &mut inst {
            Inst::Loop { body, .. } => *body = self.inner(*body),
            Inst::If { then, other, .. } => {
                *then = self.inner(*then);
                *other = self.inner(*other);
            }
            Inst::Guard { snap, .. } | Inst::Exit(snap) => *snap = self.snapshot(*snap),
            _ => {}
        }
        let results = from.results(id);
        let tys: Vec<_> = results.iter().map(|&r| from.ty(r)).collect();
        let copied = self.to.add_inst(inst, &tys);
        for (&old, &new) in results.iter().zip(self.to.results(copied)) {
            self.values[old.index()] = Some(new);
        }
        copied
    }
    fn inner(&mut self, old: RegionId) -> RegionId {
        let new = self.to.add_region();
        self.region(old, new);
        new
    }
    fn snapshot(&mut self, old: SnapId) -> SnapId {
        let Snapshot { key, values } = self.from.snapshot(old);
        let values = values.iter().map(|&v| self.value(v)).collect();
        self.to.add_snapshot(*key, values)
    }
}
