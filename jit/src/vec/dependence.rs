//! How many iterations may run at once without memory noticing.
//!
//! A group of iterations runs instruction by instruction: all lanes of the first access, then all lanes of the second.
//! One by one it is the other way round, iteration by iteration. The two differ for an earlier instruction of a later
//! iteration and a later instruction of an earlier one, if they touch the same byte and one of them stores. With the
//! same base and index, the accesses move in step and are `d` bytes apart, so that this happens at a fixed distance in
//! iterations, which limits the size of a group. A load from `a[i + 1]` in front of a store to `a[i]` runs into nothing.
//!
//! Accesses whose distance is not known block, unless their classes say that they never meet. So do accesses that move by
//! a stride known at run time only, which may be 0.

use super::Reason;
use super::shape::{Body, Memory};

/// The largest power of two of lanes, up to a given one, that is safe.
pub fn limit(body: &Body, mut lanes: usize) -> Result<usize, Reason> {
    for (i, first) in body.memory.iter().enumerate() {
        for second in &body.memory[i + 1..] {
            if (first.is_store || second.is_store) && first.access.class.may_alias(second.access.class) {
                let distance = distance(first, second, lanes)?;
                while lanes > distance {
                    lanes /= 2;
                }
            }
        }
    }
    if lanes < 2 { Err("iterations depend on the ones before") } else { Ok(lanes) }
}

/// How many iterations before `first` there is a `second` that touches the same bytes; `lanes` if it is as many or more.
fn distance(first: &Memory, second: &Memory, lanes: usize) -> Result<usize, Reason> {
    let (a, b) = (&first.access.addr, &second.access.addr);
    if a.base != b.base || a.index != b.index {
        return Err("accesses of one class have no known distance");
    }
    let step = first.step.constant().ok_or("accesses of one class move by a stride that may be 0")?;
    let apart = i128::from(b.disp) - i128::from(a.disp);
    let (size_a, size_b) = (first.ty.size() as i128, second.ty.size() as i128);
    let touches = |k: usize| {
        let d = apart - k as i128 * i128::from(step);
        d < size_a && d + size_b > 0
    };
    Ok((1..lanes).find(|&k| touches(k)).unwrap_or(lanes))
}
