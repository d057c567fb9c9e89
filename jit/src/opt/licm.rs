//! Loop-invariant code motion: what gives the same in every iteration runs once, in front of the loop.
//!
//! Loops are done from the inside out, so that an instruction climbs as far as it can. What may leave:
//!
//! * anything that only computes, since that is total and cannot be noticed;
//! * what raises floating-point status, if somebody looks at it, and loads, which may fault: only where they certainly
//!   would have run, which is in a loop that surely runs, in front of everything that may leave it. Of loads also those
//!   only that nothing in the loop may write to.
//!
//! Whether a loop runs at all is usually not known. If something of the second kind could leave then, the loop is put
//! under an `if` that asks, so that inside it is known. LuaJIT peels off an iteration instead, which gets the same by
//! plain forwarding but doubles the code of every loop.

use super::Pass;
use super::effects::{Classes, Summary};
use super::emit::Emit;
use super::scope::Scopes;
use crate::ir::{Cond, Inst, InstId, RegionId, Trace, Ty, Value};

/// See the module.
pub struct Licm;

impl Pass for Licm {
    fn name(&self) -> &'static str {
        "licm"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let scopes = Scopes::new(tr);
        let homes = (0..tr.value_count()).map(|i| scopes.home(tr, Value::new(i))).collect();
        let mut motion = Motion { tr, scopes, homes, changed: false };
        motion.region(Trace::ROOT);
        motion.changed
    }
}

struct Motion<'a> {
    tr: &'a mut Trace,
    scopes: Scopes,
    /// By value: the region it is defined in, as it is by now.
    homes: Vec<Option<RegionId>>,
    changed: bool,
}

impl Motion<'_> {
    fn region(&mut self, region: RegionId) {
        let insts = std::mem::take(&mut self.tr.region_mut(region).insts);
        let mut out = Vec::with_capacity(insts.len());
        for id in insts {
            for inner in self.tr.inst(id).regions() {
                self.region(inner);
            }
            match *self.tr.inst(id) {
                Inst::Loop { body, .. } => self.empty(id, body, region, &mut out),
                _ => out.push(id),
            }
        }
        self.tr.region_mut(region).insts = out;
    }

    /// Moves what can leave a loop's body to the end of `out`, and puts the loop there, perhaps under an `if`.
    fn empty(&mut self, id: InstId, body: RegionId, region: RegionId, out: &mut Vec<InstId>) {
        self.free(body, body, region, out);
        let writes = Summary::region(self.tr, body).writes;
        let (runs, asks) = self.surely_runs(id);
        let certain = if runs || asks { self.certain(body, writes) } else { vec![] };
        if certain.is_empty() {
            return out.push(id);
        }
        self.changed = true;
        self.tr.region_mut(body).insts.retain(|inst| !certain.contains(inst));
        if runs {
            self.settle(&certain, region);
            out.extend(certain);
            return out.push(id);
        }
        self.under_an_if(id, region, certain, out);
    }

    /// Computations that may leave `body`, from a region inside of it as well.
    fn free(&mut self, from: RegionId, body: RegionId, to: RegionId, out: &mut Vec<InstId>) {
        let mut insts = std::mem::take(&mut self.tr.region_mut(from).insts);
        insts.retain(|&id| {
            let inst = self.tr.inst(id);
            for inner in inst.regions() {
                // Of an inner loop, what stayed there depends on it.
                if matches!(self.tr.inst(id), Inst::If { .. }) {
                    self.free(inner, body, to, out);
                }
            }
            let inst = self.tr.inst(id);
            let pure = self.tr.is_pure(inst) && !(self.tr.status && self.tr.raises(inst));
            let leaves = pure && self.is_invariant(inst, body);
            if leaves {
                self.settle(&[id], to);
                self.changed = true;
                out.push(id);
            }
            !leaves
        });
        self.tr.region_mut(from).insts = insts;
    }

    /// What may leave only because the loop runs: loads and what raises, in front of all ways out.
    fn certain(&mut self, body: RegionId, writes: Classes) -> Vec<InstId> {
        let mut found = vec![];
        let mut homes = vec![];
        for &id in &self.tr.region(body).insts {
            let inst = self.tr.inst(id);
            let movable = match inst {
                Inst::Load(access) => !writes.may_alias(access.class),
                _ => self.tr.is_pure(inst),
            };
            if movable && self.is_invariant(inst, body) {
                found.push(id);
                // Those that use it may follow.
                for &v in self.tr.results(id) {
                    homes.push((v, self.homes[v.index()].replace(Trace::ROOT)));
                }
            } else if Summary::inst(self.tr, inst).leaves || Summary::inst(self.tr, inst).endless {
                break;
            }
        }
        for (v, home) in homes {
            self.homes[v.index()] = home;
        }
        // A computation alone would have left by itself, so there is a reason among them.
        found
    }

    fn is_invariant(&self, inst: &Inst, body: RegionId) -> bool {
        let mut invariant = true;
        inst.for_each_use(|v| {
            invariant &= self.homes[v.index()].is_some_and(|home| !self.scopes.is_inside(home, body));
        });
        invariant
    }

    /// These are in another region now.
    fn settle(&mut self, insts: &[InstId], region: RegionId) {
        for &id in insts {
            for &v in self.tr.results(id) {
                self.homes[v.index()] = Some(region);
            }
        }
    }

    /// Whether a loop runs at least once, and else whether that can be asked.
    fn surely_runs(&self, id: InstId) -> (bool, bool) {
        let Inst::Loop { range, .. } = self.tr.inst(id) else { return (false, false) };
        let Some(r) = range else { return (true, false) };
        match r.trips(self.tr) {
            Some(n) => (n > 0, false),
            None => (false, true),
        }
    }

    /// `if start < end { what runs once; the loop } else { the initial values }`.
    fn under_an_if(&mut self, id: InstId, region: RegionId, certain: Vec<InstId>, out: &mut Vec<InstId>) {
        let Inst::Loop { range: Some(r), ref init, body } = *self.tr.inst(id) else { return };
        let init = init.clone();
        let (then, other) = (self.tr.add_region(), self.tr.add_region());
        let mut emit = Emit::default();
        let cond = if r.step > 0 { Cond::Lt } else { Cond::Gt };
        let cond = emit.compare(self.tr, cond, r.start, r.end);
        self.homes.push(Some(region));
        // The loop's results become those of the `if`, so that nobody who uses them notices.
        let results = self.tr.results(id).to_vec();
        let tys: Vec<Ty> = results.iter().map(|&v| self.tr.ty(v)).collect();
        let inner = self.tr.add_inst(Inst::Loop { range: Some(r), init: init.clone(), body }, &tys);
        let given = self.tr.results(inner).to_vec();
        self.homes.extend(given.iter().map(|_| Some(then)));
        *self.tr.inst_mut(id) = Inst::If { cond, then, other };
        self.settle(&certain, then);

        let mut insts = certain;
        insts.push(inner);
        insts.push(self.tr.add_inst(Inst::Yield(given), &[]));
        self.tr.region_mut(then).insts = insts;
        let give = self.tr.add_inst(Inst::Yield(init), &[]);
        self.tr.region_mut(other).insts = vec![give];
        self.scopes.insert(then, id, region);
        self.scopes.insert(other, id, region);
        self.scopes.insert(body, inner, then);

        out.append(&mut emit.insts);
        out.push(id);
    }
}
