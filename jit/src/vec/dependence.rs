//! How many iterations may run at once without memory noticing.
//!
//! A group of iterations runs instruction by instruction: all lanes of the first access, then all lanes of the second.
//! One by one it is the other way round, iteration by iteration. The two differ for an earlier instruction of a later
//! iteration and a later instruction of an earlier one, if they touch the same byte and one of them stores. With the
//! same base and index, the accesses move in step and are `d` bytes apart, so that this happens at a fixed distance in
//! iterations, which limits the size of a group. A load from `a[i + 1]` in front of a store to `a[i]` runs into nothing.
//!
//! Accesses whose distance is not known may be far apart all the same, and a stride only known at run time is hardly ever
//! 0. Both can be asked before the loop, see [`super::overlap`].

use super::Reason;
use super::overlap::{self, Check};
use super::shape::{Body, Memory};
use crate::ir::Trace;

/// Questions that are worth asking before a loop.
const CHECKS: usize = 8;

/// The largest power of two of lanes, up to a given one, that is safe if the questions are answered with yes.
pub fn limit(tr: &Trace, body: &Body, mut lanes: usize) -> Result<(usize, Vec<Check>), Reason> {
    let mut checks = vec![];
    for (i, first) in body.memory.iter().enumerate() {
        for (j, second) in body.memory.iter().enumerate().skip(i + 1) {
            let stores = first.is_store || second.is_store;
            if !stores || !first.access.class.may_alias(second.access.class) {
                continue;
            }
            let (a, b) = (&first.access.addr, &second.access.addr);
            let check = if a.base != b.base || a.index != b.index {
                Check::Apart(i, j)
            } else if first.step.constant().is_none()
                && a.disp == b.disp
                && first.ty.size() == second.ty.size()
            {
                Check::Moves(i)
            } else {
                let distance =
                    distance(first, second, lanes).ok_or("accesses of one class move by no fixed stride")?;
                while lanes > distance {
                    lanes /= 2;
                }
                continue;
            };
            if !overlap::can_ask(tr, body, check) {
                return Err("accesses of one class have no known distance");
            }
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
    }
    if lanes < 2 {
        return Err("iterations depend on the ones before");
    }
    if checks.len() > CHECKS { Err("too many accesses might meet") } else { Ok((lanes, checks)) }
}

/// How many iterations before `first` there is a `second` that touches the same bytes; `lanes` if it is as many or more.
fn distance(first: &Memory, second: &Memory, lanes: usize) -> Option<usize> {
    let step = i128::from(first.step.constant()?);
    let apart = i128::from(second.access.addr.disp) - i128::from(first.access.addr.disp);
    let (a, b) = (first.ty.size() as i128, second.ty.size() as i128);
    let touches = |k: usize| {
        let d = apart - k as i128 * step;
        d < a && d + b > 0
    };
    Some((1..lanes).find(|&k| touches(k)).unwrap_or(lanes))
}
