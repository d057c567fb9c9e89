//! Where the groups of iterations end.
//!
//! A range of `n` iterations has `n / lanes` whole groups; the old loop does what is left. Alternatives: masks for the
//! last group, which only some processors have, so that a back end makes them where it can; and a last group that overlaps
//! the one before, which does iterations twice and so is wrong where a loop reads what it writes.
//!
//! Three things can go wrong with numbers near the limits of `i64`. The number of iterations may not fit; then it wraps to
//! something that is negative or too small, and too few groups are made, which is slow but right. Stepping over the
//! end by a whole group might overflow, which ranges promise not to; there no group is made at all. And where the end is so far
//! in front of the start that the difference wraps to a positive number, it must not be believed.

use crate::ir::{Binary, Cond, Range, Trace, Value};
use crate::opt::emit::Emit;

/// The end of the last whole group, and with it the start of what is left. Unless groups are allowed, there are none.
pub fn groups_end(tr: &mut Trace, out: &mut Emit, r: &Range, lanes: usize, allowed: Option<Value>) -> Value {
    let zero = out.i64(tr, 0);
    let (first, last) = if r.step > 0 { (r.start, r.end) } else { (r.end, r.start) };
    let mut count = out.binary(tr, Binary::Sub, last, first);
    let size = r.step.unsigned_abs();
    if size != 1 {
        // Rounded up. `size` fits: a range with a larger step is not worth a vector, and `cost` says so.
        let more = out.i64(tr, size as i64 - 1);
        let by = out.i64(tr, size as i64);
        count = out.binary(tr, Binary::Add, count, more);
        count = out.binary(tr, Binary::Div, count, by);
    }
    let group = r.step * lanes as i64;
    let bound = out.i64(tr, if group > 0 { i64::MAX - group } else { i64::MIN - group });
    let mut safe = out.compare(tr, if group > 0 { Cond::Le } else { Cond::Ge }, r.end, bound);
    let runs = out.compare(tr, Cond::Lt, first, last);
    safe = out.binary(tr, Binary::And, safe, runs);
    if let Some(allowed) = allowed {
        safe = out.binary(tr, Binary::And, safe, allowed);
    }
    count = out.binary(tr, Binary::Max, count, zero);
    count = out.select(tr, safe, count, zero);
    let whole = out.i64(tr, -(lanes as i64));
    count = out.binary(tr, Binary::And, count, whole);
    if r.step != 1 {
        let step = out.i64(tr, r.step);
        count = out.binary(tr, Binary::Mul, count, step);
    }
    out.binary(tr, Binary::Add, r.start, count)
}
