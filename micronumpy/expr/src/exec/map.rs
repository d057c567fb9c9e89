//! Elementwise groups: every element is computed once and goes to its place.

use std::sync::Arc;

use micronumpy::Result;
use micronumpy::cast::Transfer;
use micronumpy::threads::{Team, for_parts};
use smallvec::SmallVec;
use ufuncs::fpstatus;

use super::{Evaluator, Pointers, with_scratch};
use crate::plan::Report;

/// Where an output goes.
pub(crate) struct OutPlan {
    /// Which operand of the layout it is.
    pub operand: usize,
    /// Whether tiles can be computed in place. Otherwise they are computed in scratch memory and moved.
    pub direct: bool,
    pub transfer: Arc<Transfer>,
    /// Bytes of a computed element.
    pub size: usize,
    /// Whose status the move raises, if it casts.
    pub report: Option<Report>,
}

/// Compute all `total` elements.
///
/// # Errors
/// What a loop or a cast reports.
///
/// # Safety
/// `ev`'s inputs and the outputs are as the layout says, and no output overlaps an input; unless `in_place`, when outputs
/// may lie exactly where inputs lie.
pub(crate) unsafe fn run(
    ev: &Evaluator<'_>,
    plans: &[OutPlan],
    outs: &Pointers,
    in_place: bool,
    total: usize,
    team: Team,
) -> Result<()> {
    for_parts(total, 64, total, team, |from, to| {
        // SAFETY: parts are disjoint; the rest is the caller's promise.
        unsafe { part(ev, plans, outs, in_place, from, to) }
    })
}

unsafe fn part(
    ev: &Evaluator<'_>,
    plans: &[OutPlan],
    outs: &Pointers,
    in_place: bool,
    from: usize,
    to: usize,
) -> Result<()> {
    // What overwrites inputs waits until the tile is done with them.
    let direct = |plan: &OutPlan| plan.direct && !in_place;
    let tile = ev.steps.tile;
    // Staged tiles lie behind the steps' own memory, a cache line apart.
    let mut bytes = ev.steps.scratch.next_multiple_of(64);
    let mut stages: SmallVec<[usize; 4]> = SmallVec::new();
    for plan in plans {
        stages.push(bytes);
        if !direct(plan) {
            bytes += (tile * plan.size).next_multiple_of(64) + 64;
        }
    }
    with_scratch(bytes, |scratch| {
        fpstatus::clear();
        ev.layout.tiles(from, to, tile, |flat, n| {
            let at: SmallVec<[*mut u8; 4]> = plans
                .iter()
                .zip(&outs.0)
                .zip(&stages)
                .map(|((plan, out), stage)| {
                    if direct(plan) {
                        out.wrapping_offset(ev.layout.offset(plan.operand, flat))
                    } else {
                        scratch.wrapping_add(*stage)
                    }
                })
                .collect();
            // SAFETY: direct outputs have room for these elements, stages for a tile.
            unsafe { ev.range(scratch, flat, n, &at)? };
            for ((plan, out), stage) in plans.iter().zip(&outs.0).zip(&at).filter(|((p, _), _)| !direct(p)) {
                ev.layout.pieces(plan.operand, flat, n, |p| {
                    let src = stage.wrapping_add(p.at * plan.size);
                    let (step, dst) = ((p.every * plan.size) as isize, out.wrapping_offset(p.offset));
                    // SAFETY: elements of the stage and of the output.
                    unsafe { plan.transfer.run(src, step, dst, p.stride, p.count) }
                })?;
                if let Some(report) = plan.report {
                    ev.check(report);
                }
            }
            Ok(())
        })
    })
}
