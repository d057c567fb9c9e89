//! Where regions and values are: which region is inside which.

use crate::ir::{Def, InstId, RegionId, Trace, Value};

/// The nesting of the regions in use.
pub struct Scopes {
    /// By region: the instruction that owns it, and that one's region. `None` for the outermost region.
    owners: Vec<Option<(InstId, RegionId)>>,
    /// By instruction: its region, if it is in one.
    regions: Vec<Option<RegionId>>,
}

impl Scopes {
    pub fn new(tr: &Trace) -> Scopes {
        let mut scopes =
            Scopes { owners: vec![None; tr.region_count()], regions: vec![None; tr.inst_count()] };
        let mut open = vec![Trace::ROOT];
        while let Some(region) = open.pop() {
            for &inst in &tr.region(region).insts {
                scopes.regions[inst.index()] = Some(region);
                for inner in tr.inst(inst).regions() {
                    scopes.owners[inner.index()] = Some((inst, region));
                    open.push(inner);
                }
            }
        }
        scopes
    }
    /// The instruction that owns a region, and the region that one is in.
    pub fn owner(&self, region: RegionId) -> Option<(InstId, RegionId)> {
        self.owners[region.index()]
    }
    /// A region is owned by an instruction, which is in another region.
    pub fn insert(&mut self, region: RegionId, owner: InstId, parent: RegionId) {
        if self.owners.len() <= region.index() {
            self.owners.resize(region.index() + 1, None);
        }
        self.owners[region.index()] = Some((owner, parent));
    }
    /// The region an instruction was in when this was made.
    pub fn region(&self, inst: InstId) -> Option<RegionId> {
        self.regions.get(inst.index()).copied().flatten()
    }
    /// The region a value is defined in.
    pub fn home(&self, tr: &Trace, v: Value) -> Option<RegionId> {
        match tr.def(v) {
            Def::Param(region, _) => Some(region),
            Def::Result(inst, _) => self.region(inst),
        }
    }
    /// Whether a region is another one or inside of it.
    pub fn is_inside(&self, mut region: RegionId, outer: RegionId) -> bool {
        loop {
            if region == outer {
                return true;
            }
            match self.owner(region) {
                Some((_, parent)) => region = parent,
                None => return false,
            }
        }
    }
}
