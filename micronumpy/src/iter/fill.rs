//! How much of an iteration passes through buffers at a time.

/// What one fill of the buffers covers: a *core*, all axes inside `axis`, times up to `steps` steps along that axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fill {
    /// Elements of the core.
    pub core: isize,
    pub axis: usize,
    pub steps: isize,
    /// Whether a fill is an inner loop over the core for each step, not one loop over everything: a reduction operand has
    /// one address for many elements, and a single stride cannot say so where axes it repeats along meet axes it does not.
    pub double_loop: bool,
}

impl Fill {
    /// Axes over which an inner loop goes.
    pub fn inner_axes(&self) -> usize {
        if self.double_loop { self.axis } else { self.axis + 1 }
    }
}

/// The fill with the least cost per element, for axes of these lengths, innermost first.
///
/// A fill costs one unit and one more for each operand that is copied into a buffer if an inner loop goes over axes `..end`
/// (`copied(end)`). It ends at the first axis at which a reduction operand begins or ceases to repeat (`changes`), and holds
/// `limit` elements at most, unless nothing is copied and it may grow. Results depend on it: numpy adds up pairwise what is
/// added up in one inner loop, and callers of an iterator see its parts.
pub fn best_fill(
    lengths: impl Iterator<Item = isize>,
    limit: isize,
    grows: bool,
    changes: impl Fn(usize) -> bool,
    copied: impl Fn(usize) -> usize,
) -> Fill {
    let mut best = Fill { core: 1, axis: 0, steps: 1, double_loop: false };
    let (mut least, mut size) = (1, 1isize);
    for (axis, n) in lengths.enumerate() {
        let n = n.max(1);
        let core = size;
        let cost = copied(axis + 1) + 1;
        let Some(all) = core.checked_mul(n) else { break };
        size = all;
        let unlimited = grows && cost == 1;
        let held = if unlimited { size } else { size.min(limit) };
        let double_loop = changes(axis);
        // cost / held <= least / (best.core * best.steps)
        let before = (best.core * best.steps) as i128;
        if axis == 0 || cost as i128 * before <= least as i128 * held as i128 {
            least = cost;
            best = Fill { core, axis, steps: n, double_loop };
        }
        if double_loop || size >= limit && !unlimited {
            break;
        }
    }
    if !grows || copied(best.inner_axes()) > 0 {
        best.steps = best.steps.min((limit / best.core).max(1));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths, and for each operand the number of axes one stride leads over; the first one is reduced where it repeats.
    fn fill(
        lengths: &[isize],
        singles: &[usize],
        changes: usize,
        grows: bool,
    ) -> (isize, usize, isize, bool) {
        let copied = |end| singles.iter().filter(|&&s| s < end).count();
        let f = best_fill(lengths.iter().copied(), 8192, grows, |a| a == changes, copied);
        (f.core, f.axis, f.steps, f.double_loop)
    }

    /// As numpy 2.4.6 divides such iterations, seen by an iterator of its own.
    #[test]
    fn fills_are_numpys() {
        let never = usize::MAX;
        // Rows that are no single one in memory are put together, as many as a buffer holds.
        assert_eq!(fill(&[20, 3], &[2, 1], never, true), (20, 1, 3, false));
        assert_eq!(fill(&[100, 100, 2], &[3, 1], never, true), (100, 1, 81, false));
        // Long rows need no buffer: putting together two of them gains nothing.
        assert_eq!(fill(&[10_000, 5], &[2, 1], never, true), (1, 0, 10_000, false));
        assert_eq!(fill(&[10_000, 5], &[2, 1], never, false), (1, 0, 8192, false));
        assert_eq!(fill(&[9, 4], &[1, 2], 1, true), (9, 1, 4, true));
        assert_eq!(fill(&[3, 3, 4], &[2, 1], 2, true), (9, 2, 4, true));
    }
}
