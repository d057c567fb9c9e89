//! How many lanes a loop gets.
//!
//! As many as fit a register, counted by the widest type of the body, times an unroll factor that is large for short
//! bodies, where the loop itself costs, and 1 for long ones, where registers run out first and code size and compile time
//! are what grows. Measured with Cranelift: four is best for a multiply and an add, one is as good for a polynomial of
//! degree twelve, and eight is worse than four.
//!
//! Not everything has a vector form. Integer division and accesses with a stride are done lane by lane, with the lanes
//! taken apart and put together; a loop of nothing else is better left alone.

use super::shape::{Body, Shape};
use super::{Reason, Target};
use crate::ir::{Binary, Inst, InstId, Trace, Ty, Value};

/// Instructions up to which a body is unrolled fully, and up to which by half.
const SHORT: usize = 12;
const MEDIUM: usize = 24;
/// Steps of a counter beyond this are no loop over anything.
const MAX_STEP: u64 = 1 << 20;

/// A power of two, at least 2.
pub fn lanes(tr: &Trace, body: &Body, target: Target) -> Result<usize, Reason> {
    if body.range.step.unsigned_abs() > MAX_STEP {
        return Err("its step is too large");
    }
    let mut widest = 0;
    let mut count = 0;
    let (mut vector, mut serial) = (0, 0);
    for &id in &body.insts {
        let inst = tr.inst(id);
        let varies = match inst {
            Inst::Store(..) => true,
            _ => tr.results(id).iter().any(|&v| body.shape(v) == Shape::Varying),
        };
        if !varies {
            continue;
        }
        count += 1;
        let mut look = |v: Value| widest = widest.max(tr.ty(v).scalar.size());
        tr.results(id).iter().for_each(|&v| look(v));
        match inst {
            // Not the parts of the address.
            Inst::Load(_) => {}
            Inst::Store(_, v) => look(*v),
            inst => inst.for_each_use(look),
        }
        if is_serial(tr, body, id, inst) { serial += 1 } else { vector += 1 }
    }
    if count == 0 {
        return Err("it has nothing for a vector to do");
    }
    if vector < serial {
        return Err("most of it has no vector form");
    }
    let unroll = match count {
        0..=SHORT => target.unroll,
        n if n <= MEDIUM => target.unroll / 2,
        _ => 1,
    };
    let wanted = target.vector_bytes / widest * unroll.max(1);
    let most = match body.range.trips(tr) {
        Some(n) if n < wanted as u64 => n as usize,
        _ => wanted,
    };
    let most = most.min(usize::from(Ty::MAX_LANES));
    if most < 2 {
        return Err("it is too short");
    }
    Ok(1 << most.ilog2())
}

/// Whether a back end does this lane by lane, wherever it runs.
fn is_serial(tr: &Trace, body: &Body, id: InstId, inst: &Inst) -> bool {
    match *inst {
        Inst::Binary(Binary::Div | Binary::Rem, a, _) => tr.ty(a).scalar.is_int(),
        Inst::Load(_) | Inst::Store(..) => body
            .memory
            .iter()
            .find(|m| m.inst == id)
            .is_some_and(|m| m.step.constant() != Some(m.ty.size() as i64)),
        Inst::Call(..) => true,
        _ => false,
    }
}
