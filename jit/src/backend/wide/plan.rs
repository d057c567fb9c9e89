//! Decides how many copies of the body run side by side and which invariants stay in registers.
//!
//! Copies hide latencies and share the loop's overhead, up to four of them pay. Registers that the copies leave free go
//! to invariants, those used most first; the others are used from memory.

use super::super::Unsupported;
use super::Level;
use super::program::*;
use super::regalloc::{Allocation, Budget, allocate};
use super::select::{Mode, select};
use super::shape::Kernel;
use crate::ir::{Binary, Const, Inst, Scalar};

/// Everything the emitter needs.
pub struct Plan {
    pub invariants: Invariants,
    pub setup: Allocation,
    pub full: Allocation,
    pub tail: Allocation,
    pub finish: Allocation,
    pub copies: usize,
    /// What lanes of carried values start with.
    pub identities: Vec<InvId>,
    /// Invariants in registers, in the order of these: the last register first.
    pins: Vec<InvId>,
    vectors: usize,
}

/// Instructions of a body up to which four copies, and two, are made.
const SHORT: usize = 48;
const MEDIUM: usize = 128;
/// Masks 1 to 6; 0 means "no mask" and 7 is the tail's.
const MASKS: usize = 6;

impl Plan {
    /// # Errors
    /// What cannot be selected, or that registers do not suffice.
    pub fn new(kernel: &Kernel<'_>, level: Level) -> Result<Plan, Unsupported> {
        let mut invariants = Invariants::default();
        let full = select(kernel, level, Mode::Full, &mut invariants)?;
        let tail = select(kernel, level, Mode::Tail, &mut invariants)?;
        let identities = identities(kernel, &mut invariants);
        let (vectors, masks) = match level {
            Level::Avx2 => (16, 0),
            Level::Avx512 => (32, MASKS),
        };
        let wanted = wanted(&full, &invariants);
        let with = |program: &Program, invariants: &Invariants, pins: &[InvId]| {
            let pinned = |id| pin(pins, vectors, id);
            allocate(
                program,
                invariants,
                &Budget { level, vectors: vectors - pins.len(), masks, pinned: &pinned },
            )
            .ok_or_else(|| Unsupported::new("one instruction needs more registers than there are"))
        };
        let bare = with(&full, &invariants, &[])?;
        let most = match full.ins.len() {
            0..=SHORT => 4,
            n if n <= MEDIUM => 2,
            _ => 1,
        };
        let mut chosen = None;
        for copies in [4, 2, 1].into_iter().filter(|&n| n <= most) {
            if bare.spills > 0 || copies * bare.masks > masks {
                continue;
            }
            // With all of them in registers the body needs none to fetch them.
            if wanted.len() < vectors {
                if let Ok(all) = with(&full, &invariants, &wanted) {
                    if all.spills == 0 && copies * all.vectors + wanted.len() <= vectors {
                        chosen = Some((copies, wanted.clone(), all));
                        break;
                    }
                }
            }
            if copies * bare.vectors <= vectors {
                let pins = wanted[..wanted.len().min(vectors - copies * bare.vectors)].to_vec();
                let some = with(&full, &invariants, &pins)?;
                chosen = Some((copies, pins, some));
                break;
            }
        }
        let (copies, pins, full) = chosen.unwrap_or((1, vec![], bare));
        let tail = with(&tail, &invariants, &pins)?;
        let finish = select(kernel, level, Mode::Finish { copies }, &mut invariants)?;
        for &v in &kernel.tr.snapshot(kernel.exit).values {
            // Values of the exit that setup code computes get a home as well.
            let result_of_setup = kernel.setup.iter().any(|&id| kernel.tr.result(id) == Some(v));
            let constant = matches!(kernel.tr.def_inst(v), Some(Inst::Const(_)));
            if result_of_setup && !constant && !kernel.general.contains(&v) {
                let mask = kernel.tr.ty(v).scalar == Scalar::Bool && level == Level::Avx512;
                let class = if mask { Class::Mask } else { Class::Vector };
                invariants.intern(Invariant::Setup { value: v, class });
            }
        }
        let setup = select(kernel, level, Mode::Setup, &mut invariants)?;
        // Setup code runs before the registers set aside are filled, except for parameters.
        let early: Vec<InvId> = pins.clone();
        let setup_pinned = |id: InvId| match invariants.get(id) {
            Invariant::Param { .. } => pin(&early, vectors, id),
            _ => None,
        };
        let budget = Budget { level, vectors: vectors - pins.len(), masks, pinned: &setup_pinned };
        let setup = allocate(&setup, &invariants, &budget)
            .ok_or_else(|| Unsupported::new("one instruction needs more registers than there are"))?;
        let finish = with(&finish, &invariants, &pins)?;
        Ok(Plan { invariants, setup, full, tail, finish, copies, identities, pins, vectors })
    }
    /// The register set aside for an invariant.
    pub fn pinned(&self, id: InvId) -> Option<u8> {
        pin(&self.pins, self.vectors, id)
    }
}

fn pin(pins: &[InvId], vectors: usize, id: InvId) -> Option<u8> {
    pins.iter().position(|&p| p == id).map(|i| (vectors - 1 - i) as u8)
}

/// The invariants of a program that fit vector registers, those used most first.
fn wanted(program: &Program, invariants: &Invariants) -> Vec<InvId> {
    let mut counts = vec![0; invariants.list.len()];
    for ins in &program.ins {
        if let Ins::Op(op) = ins {
            for src in op.src {
                if let Src::Inv(id) = src {
                    counts[id.0 as usize] += 1;
                }
            }
        }
    }
    let mut wanted: Vec<InvId> = (0..counts.len() as u32)
        .map(InvId)
        .filter(|&id| counts[id.0 as usize] > 0 && invariants.get(id).class() == Class::Vector)
        .collect();
    wanted.sort_by_key(|&id| std::cmp::Reverse(counts[id.0 as usize]));
    wanted
}

/// The values that change nothing, for each reduction.
fn identities(kernel: &Kernel<'_>, invariants: &mut Invariants) -> Vec<InvId> {
    let mut pattern = |c: &super::shape::Carried| {
        let s = kernel.tr.ty(c.param).scalar;
        let (least, greatest) = if s.is_signed() {
            let top = 1u64 << (s.bits() - 1);
            (top, top - 1)
        } else {
            (0, u64::MAX)
        };
        let bits = match c.op {
            Binary::Mul => 1,
            Binary::And => u64::MAX,
            Binary::Min => greatest,
            Binary::Max => least,
            _ => 0,
        };
        let bits = Const::canonical(s, bits).bits.to_le_bytes();
        invariants.intern(Invariant::Pattern(std::array::from_fn(|i| bits[i % s.size()])))
    };
    kernel.carried.iter().map(&mut pattern).collect()
}
