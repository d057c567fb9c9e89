//! Runs a case on a back end and describes what happened.

use std::time::{Duration, Instant};

use jit::backend::Code;
use jit::backend::reference::{Area, Fault, run_checked_as};
use jit::ir::{Const, Scalar, SnapId, Trace};
use jit::semantics::Platform;

use crate::case::{Arg, Case, Outcome};
use crate::externs;
use crate::memory::{Guarded, Place};

/// Instructions a case may take on the reference.
pub const FUEL: usize = 2_000_000;

/// The memory of a case, and the arguments in slots.
struct Setup {
    buffers: Vec<Guarded>,
    slots: Vec<u64>,
}

impl Setup {
    fn new(tr: &Trace, case: &Case, place: Place) -> Setup {
        let buffers: Vec<Guarded> = case.buffers.iter().map(|b| Guarded::new(&b.bytes(), place)).collect();
        let mut slots: Vec<u64> = case
            .args
            .iter()
            .map(|arg| match *arg {
                Arg::Scalar(c) => c.bits,
                Arg::Pointer { buffer, offset } => {
                    (buffers[buffer].address() as u64).wrapping_add_signed(offset)
                }
            })
            .collect();
        slots.resize(tr.slots(), 0);
        Setup { buffers, slots }
    }
    /// Addresses differ from run to run, so those in a buffer are told as buffer and byte.
    fn value(&self, scalar: Scalar, bits: u64) -> Const {
        let inside = |b: &Guarded| bits.checked_sub(b.address() as u64).filter(|&d| d <= b.len() as u64);
        let place = (scalar == Scalar::Ptr)
            .then(|| {
                self.buffers.iter().enumerate().find_map(|(k, b)| Some((k as u64 + 1) << 32 | inside(b)?))
            })
            .flatten();
        Const { scalar, bits: place.unwrap_or(bits) }
    }
    fn outcome(&self, tr: &Trace, snap: SnapId, case: &Case) -> Result<Outcome, String> {
        for (k, b) in self.buffers.iter().enumerate() {
            if let Some(at) = b.damage() {
                return Err(format!("byte {at} of buffer {k} was written, which has {}", b.len()));
            }
        }
        let snap = tr.snapshots.get(snap.index()).ok_or_else(|| format!("there is no {snap}"))?;
        let values: Vec<Const> = snap
            .values
            .iter()
            .zip(&self.slots)
            .map(|(&v, &bits)| self.value(tr.ty(v).scalar, bits))
            .collect();
        if let Some(c) = values.iter().find(|c| Const::canonical(c.scalar, c.bits) != **c) {
            return Err(format!("{:#x} is not the canonical form of a {}", c.bits, c.scalar));
        }
        let buffers = case.buffers.iter().zip(&self.buffers).map(|(b, mem)| b.read(mem.bytes())).collect();
        Ok(Outcome { key: snap.key, values, calls: externs::take_calls(), buffers })
    }
}

/// On the reference, with every access checked: the outcome others are compared with.
///
/// # Errors
/// The promise the trace breaks.
pub fn reference(tr: &Trace, case: &Case) -> Result<Outcome, String> {
    reference_as(Platform::HOST, tr, case)
}

/// As [`reference`], with the results of another processor.
///
/// # Errors
/// As there.
pub fn reference_as(platform: Platform, tr: &Trace, case: &Case) -> Result<Outcome, String> {
    externs::take_calls();
    let mut setup = Setup::new(tr, case, Place::Back);
    let areas: Vec<Area> = case
        .buffers
        .iter()
        .zip(&setup.buffers)
        .map(|(b, mem)| Area {
            bytes: mem.address()..mem.address() + mem.len(),
            class: b.class,
            writable: true,
        })
        .collect();
    // SAFETY: the areas are the buffers of this setup; functions of the test table take what tests pass them.
    let snap = unsafe { run_checked_as(platform, tr, &mut setup.slots, &areas, FUEL) };
    let snap = snap.map_err(|fault: Fault| fault.to_string())?;
    setup.outcome(tr, snap, case)
}

/// Compiled code, with the memory placed in one way.
///
/// # Errors
/// Something the code must not do.
///
/// # Safety
/// The code is that of a trace which, run by [`reference`] with this case, breaks no promise.
pub unsafe fn compiled(tr: &Trace, code: &Code, case: &Case, place: Place) -> Result<Outcome, String> {
    externs::take_calls();
    let mut setup = Setup::new(tr, case, place);
    // SAFETY: the slots are enough, and every access hits a buffer of the setup, by the caller's promise.
    let snap = unsafe { code.call(setup.slots.as_mut_ptr()) };
    setup.outcome(tr, snap, case)
}

/// How long a call of compiled code takes, the shortest of several. Each finds the memory as the one before left it.
///
/// # Errors
/// Something the code must not do.
///
/// # Safety
/// The code is that of a trace which breaks no promise with this case, nor with the memory changed by earlier calls.
pub unsafe fn timed(
    tr: &Trace,
    code: &Code,
    case: &Case,
    patience: Duration,
) -> Result<(Duration, Outcome), String> {
    externs::take_calls();
    let mut setup = Setup::new(tr, case, Place::Front);
    let slots = setup.slots.clone();
    let (begin, mut best, mut first) = (Instant::now(), Duration::MAX, None);
    while first.is_none() || begin.elapsed() < patience {
        setup.slots.copy_from_slice(&slots);
        let start = Instant::now();
        // SAFETY: the slots are enough, and every access hits a buffer of the setup, by the caller's promise.
        let snap = unsafe { code.call(setup.slots.as_mut_ptr()) };
        best = best.min(start.elapsed());
        if first.is_none() {
            first = Some(setup.outcome(tr, snap, case)?);
        }
    }
    first.map(|outcome| (best, outcome)).ok_or_else(|| "it never ran".into())
}
