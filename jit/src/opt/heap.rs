//! Memory: loads of what is known, and stores nobody sees.
//!
//! One walk in the order the trace runs keeps what is known of memory: this address holds that value, because it was
//! stored or loaded. A store of a class forgets what it may overwrite; what it certainly does not touch has another class,
//! or the same base and index and a displacement far enough away. A branch starts with what was known before it, a loop
//! with that minus what the loop writes; after either, what it may have written is forgotten.
//!
//! A store is dead if another one writes the same bytes before anybody can look: before a load that may meet it, a call
//! that reads, a branch or a loop, and before every way out of the trace.
//!
//! Knowledge is a short list that is searched, with a limit, beyond which the oldest is forgotten: traces that know more
//! than that at once exist, but those that profit from it do not.

use super::Pass;
use super::effects::{Classes, Summary};
use super::subst::Subst;
use crate::ir::{Access, Inst, InstId, RegionId, Scalar, Stride, Trace, Ty, Value};

/// Facts that are kept.
const LIMIT: usize = 64;

/// See the module.
pub struct Heap;

impl Pass for Heap {
    fn name(&self) -> &'static str {
        "heap"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut walk = Walk { tr, subst: Subst::default(), known: vec![], changed: false };
        walk.region(Trace::ROOT);
        let replaced = walk.subst.finish(walk.tr);
        walk.changed || replaced
    }
}

/// Memory at an address holds a value.
#[derive(Clone, Copy)]
struct Fact {
    access: Access,
    ty: Ty,
    value: Value,
    /// The store that put it there, as long as nobody can have seen that.
    unseen: Option<InstId>,
}

struct Walk<'a> {
    tr: &'a mut Trace,
    subst: Subst,
    known: Vec<Fact>,
    changed: bool,
}

impl Walk<'_> {
    fn region(&mut self, region: RegionId) {
        let insts = std::mem::take(&mut self.tr.region_mut(region).insts);
        let mut out: Vec<InstId> = Vec::with_capacity(insts.len());
        let mut dead = vec![];
        for id in insts {
            self.subst.apply(self.tr.inst_mut(id));
            match *self.tr.inst(id) {
                Inst::Load(access) => {
                    let result = self.tr.results(id)[0];
                    if let Some(v) = self.load(access, result) {
                        self.subst.replace(result, v);
                        continue;
                    }
                }
                Inst::Store(access, v) => {
                    let needed = self.store(id, access, v, &mut dead);
                    if !needed {
                        self.changed = true;
                        continue;
                    }
                }
                Inst::If { then, other, .. } => {
                    self.all_seen();
                    let before = self.known.clone();
                    self.region(then);
                    self.known = before.clone();
                    self.region(other);
                    self.known = before;
                    self.forget_effects(id);
                }
                Inst::Loop { body, .. } => {
                    self.all_seen();
                    self.forget_effects(id);
                    let before = self.known.clone();
                    self.region(body);
                    self.known = before;
                }
                Inst::Call(..) => {
                    self.all_seen();
                    self.forget_effects(id);
                }
                Inst::Guard { .. } | Inst::BreakIf(..) => self.all_seen(),
                _ => {}
            }
            out.push(id);
        }
        // Whatever runs after the region may look.
        self.all_seen();
        if !dead.is_empty() {
            self.changed = true;
            out.retain(|id| !dead.contains(id));
        }
        self.tr.region_mut(region).insts = out;
    }

    /// What a load gives, if it is known.
    fn load(&mut self, access: Access, result: Value) -> Option<Value> {
        let ty = self.tr.ty(result);
        if let Some(fact) = self.known.iter().rfind(|f| f.ty == ty && same_place(&f.access, &access)) {
            return Some(fact.value);
        }
        for fact in &mut self.known {
            if !disjoint(&fact.access, fact.ty, &access, ty) {
                fact.unseen = None;
            }
        }
        self.learn(Fact { access, ty, value: result, unseen: None });
        None
    }

    /// False for a store of what is there already.
    fn store(&mut self, id: InstId, access: Access, value: Value, dead: &mut Vec<InstId>) -> bool {
        let ty = self.tr.ty(value);
        let here = |f: &Fact| f.ty == ty && same_place(&f.access, &access);
        // A byte loaded as a bool may have been another true one.
        if ty.scalar != Scalar::Bool && self.known.iter().any(|f| here(f) && f.value == value) {
            return false;
        }
        dead.extend(self.known.iter().filter(|f| here(f)).filter_map(|f| f.unseen));
        self.known.retain(|f| disjoint(&f.access, f.ty, &access, ty));
        self.learn(Fact { access, ty, value, unseen: Some(id) });
        true
    }

    fn learn(&mut self, fact: Fact) {
        if self.known.len() == LIMIT {
            self.known.remove(0);
        }
        // Of lanes that meet in one place the last one is there.
        if fact.access.lane_stride.is_none() {
            self.known.push(fact);
        }
    }
    fn all_seen(&mut self) {
        self.known.iter_mut().for_each(|f| f.unseen = None);
    }
    fn forget_effects(&mut self, id: InstId) {
        let writes: Classes = Summary::inst(self.tr, self.tr.inst(id)).writes;
        if !writes.is_empty() {
            self.known.retain(|f| !writes.may_alias(f.access.class));
        }
    }
}

fn same_place(a: &Access, b: &Access) -> bool {
    a.addr == b.addr && a.lane_stride == b.lane_stride
}

/// Whether two accesses certainly have no byte in common.
fn disjoint(a: &Access, ta: Ty, b: &Access, tb: Ty) -> bool {
    if !a.class.may_alias(b.class) {
        return true;
    }
    if a.addr.base != b.addr.base || a.addr.index != b.addr.index {
        return false;
    }
    let (Some(x), Some(y)) = (extent(a, ta), extent(b, tb)) else { return false };
    x.1 <= y.0 || y.1 <= x.0
}

/// The first byte and the one after the last, from the index on.
fn extent(a: &Access, ty: Ty) -> Option<(i128, i128)> {
    let disp = i128::from(a.addr.disp);
    let reach = match a.lane_stride {
        None => 0,
        Some(Stride::Const(n)) => i128::from(n) * i128::from(ty.lanes - 1),
        Some(Stride::Value(_)) => return None,
    };
    let lane = if a.lane_stride.is_some() { ty.scalar.size() } else { ty.size() } as i128;
    Some((disp + reach.min(0), disp + reach.max(0) + lane))
}
