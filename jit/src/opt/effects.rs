//! What running an instruction does besides giving results, with all that is inside of its regions.

use crate::ir::{Inst, MemClass, RegionId, Trace};

/// A set of classes of memory. Classes beyond a fixed number count as [`MemClass::ANY`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Classes(u64);

impl Classes {
    const ALL: Classes = Classes(u64::MAX);

    pub fn of(class: MemClass) -> Classes {
        match class {
            MemClass(n @ 1..64) => Classes(1 << n),
            _ => Classes::ALL,
        }
    }
    pub fn may_alias(self, class: MemClass) -> bool {
        self.0 & Classes::of(class).0 != 0
    }
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    pub reads: Classes,
    pub writes: Classes,
    /// Floating-point status, whether or not anybody looks at it.
    pub raises: bool,
    /// It may leave the trace or the loop it stands in.
    pub leaves: bool,
    /// It may never end.
    pub endless: bool,
}

impl Summary {
    pub fn inst(tr: &Trace, inst: &Inst) -> Summary {
        let mut s = Summary { raises: tr.raises(inst), ..Summary::default() };
        match inst {
            Inst::Load(a) => s.reads = Classes::of(a.class),
            Inst::Store(a, _) => s.writes = Classes::of(a.class),
            Inst::Call(id, _) => {
                let effects = tr.call(*id).effects;
                s.reads = if effects.reads { Classes::ALL } else { s.reads };
                s.writes = if effects.writes { Classes::ALL } else { s.writes };
            }
            Inst::Guard { .. } | Inst::BreakIf(..) | Inst::Exit(_) => s.leaves = true,
            Inst::Loop { range, body, .. } => {
                s = Summary::region(tr, *body);
                // A break in it stays in it, but to tell breaks from guards here is not worth it.
                s.endless |= range.is_none();
            }
            Inst::If { then, other, .. } => {
                s = Summary::region(tr, *then);
                s.add(Summary::region(tr, *other));
            }
            _ => {}
        }
        s
    }
    pub fn region(tr: &Trace, region: RegionId) -> Summary {
        let mut s = Summary::default();
        for &inst in &tr.region(region).insts {
            s.add(Summary::inst(tr, tr.inst(inst)));
        }
        s
    }
    fn add(&mut self, other: Summary) {
        self.reads.0 |= other.reads.0;
        self.writes.0 |= other.writes.0;
        self.raises |= other.raises;
        self.leaves |= other.leaves;
        self.endless |= other.endless;
    }
}
