//! Axis planning: which order to walk axes in, and which of them are really one.

use smallvec::SmallVec;

use super::PerOp;
use crate::array::Dims;
use crate::error::{Error, Result};

/// Strides of an array along every axis of a shape it broadcasts to: 0 where it is repeated.
///
/// # Errors
/// `operands could not be broadcast together ...` when it does not broadcast.
pub fn broadcast_strides(shape: &[isize], strides: &[isize], to: &[isize]) -> Result<Dims> {
    let fail = || {
        Error::value(format!(
            "operands could not be broadcast together with remapped shapes [original->remapped]: {} and \
             requested shape {}",
            crate::array::shape_text(shape),
            crate::array::shape_text(to)
        ))
    };
    if shape.len() > to.len() {
        return Err(fail());
    }
    let lead = to.len() - shape.len();
    let mut out = Dims::from_elem(0, to.len());
    for (i, (&n, &s)) in shape.iter().zip(strides).enumerate() {
        if n == to[lead + i] {
            out[lead + i] = if n == 1 { 0 } else { s };
        } else if n != 1 {
            return Err(fail());
        }
    }
    Ok(out)
}

/// The order numpy walks axes in to visit memory as it lies: `result[0]` is the outermost axis.
///
/// An insertion sort by stride size that starts from C order and swaps two axes only if the operands agree: an operand
/// with a zero stride on either axis has no opinion, and one operand that likes the order as it is wins over others.
/// Not a plain sort by key, because "agrees" is not transitive; allocation of results depends on exactly this order.
pub fn axis_order(ndim: usize, strides: &[&[isize]]) -> SmallVec<[usize; 8]> {
    let mut order: SmallVec<[usize; 8]> = (0..ndim).collect();
    // Most arrays are C contiguous already; this loop then only compares neighbours.
    for i in (0..ndim.saturating_sub(1)).rev() {
        // Insert axis `order[i]` into the sorted tail `order[i + 1..]` (which runs from outer to inner).
        let axis = order[i];
        let mut insert_at = i;
        for j in i + 1..ndim {
            let other = order[j];
            let mut opinion = None;
            for st in strides {
                let (a, b) = (st[axis].unsigned_abs(), st[other].unsigned_abs());
                if a != 0 && b != 0 {
                    if b <= a {
                        opinion = Some(false);
                        break;
                    }
                    opinion = Some(true);
                }
            }
            match opinion {
                Some(true) => insert_at = j,
                Some(false) => break,
                None => {}
            }
        }
        order[i..=insert_at].rotate_left(1);
    }
    order
}

/// Strides of a new array of this shape whose axes lie in memory as `order` says (`order[0]` outermost).
pub fn strides_by_order(shape: &[isize], order: &[usize], itemsize: usize) -> Dims {
    let mut out = Dims::from_elem(0, shape.len());
    let mut acc = itemsize as isize;
    for &axis in order.iter().rev() {
        out[axis] = acc;
        acc = acc.saturating_mul(shape[axis].max(1));
    }
    out
}

/// Strides of a new array of this shape laid out like the operands (`order='K'`).
pub fn keep_order_strides(shape: &[isize], strides: &[&[isize]], itemsize: usize) -> Dims {
    strides_by_order(shape, &axis_order(shape.len(), strides), itemsize)
}

/// Axes of an iteration after sorting and merging.
#[derive(Clone, Debug)]
pub struct AxisPlan {
    /// Outermost first.
    pub shape: Dims,
    /// A row of strides (one per operand) for every axis in `shape`.
    pub strides: SmallVec<[isize; 16]>,
    /// Per operand: bytes from its first element to where the walk starts (axes turned round).
    pub offsets: PerOp<isize>,
}

impl AxisPlan {
    /// The axis whose parts several threads can take: an outer one if it is long enough, so that parts lie apart.
    pub fn axis_to_split(&self) -> usize {
        self.longest_axis(|_| true).unwrap_or(0)
    }
    /// The first axis that is long enough for parts of equal size, or else the longest, of those that qualify.
    pub fn longest_axis(&self, qualifies: impl Fn(usize) -> bool) -> Option<usize> {
        const ENOUGH: isize = 64;
        let found = (0..self.shape.len()).filter(|&a| qualifies(a));
        found.clone().find(|&a| self.shape[a] >= ENOUGH).or_else(|| found.max_by_key(|&a| self.shape[a]))
    }
    /// The same walk over indices `from..to` of one axis, for operands that lie at these addresses.
    pub fn part(&self, axis: usize, from: usize, to: usize, data: &[*mut u8]) -> (AxisPlan, PerOp<*mut u8>) {
        let mut part = self.clone();
        part.shape[axis] = (to - from) as isize;
        let row = &self.strides[axis * data.len()..];
        let at = data.iter().zip(row).map(|(p, st)| p.wrapping_offset(from as isize * st)).collect();
        (part, at)
    }
    /// Plan a walk in memory order. `strides` has a row per operand, each with an entry per axis of `shape`.
    pub fn new(shape: &[isize], strides: &[&[isize]]) -> AxisPlan {
        AxisPlan::by_given(shape, strides, |_| true)
    }
    /// [`AxisPlan::new`] for operands of which some were made for the walk. Over several axes those have no say in which way it goes.
    pub fn by_given(shape: &[isize], strides: &[&[isize]], given: impl Fn(usize) -> bool) -> AxisPlan {
        if shape.len() <= 1 && strides.iter().all(|s| s.iter().all(|&x| x >= 0)) {
            return AxisPlan::gather(shape, strides, 0..shape.len(), &[]);
        }
        let order = axis_order(shape.len(), strides);
        // An axis is turned round if that makes somebody walk forwards and nobody backwards.
        let asked = |i: usize| shape.len() < 2 || given(i);
        let backwards = |a: usize| {
            let mut steps = strides.iter().enumerate().filter(|&(i, _)| asked(i)).map(|(_, s)| s[a]);
            steps.clone().all(|s| s <= 0) && steps.any(|s| s < 0)
        };
        let turned: SmallVec<[usize; 8]> = (0..shape.len()).filter(|&a| backwards(a)).collect();
        AxisPlan::gather(shape, strides, order.into_iter(), &turned)
    }
    /// Plan a walk through the memory of the first operand from front to back, whatever the others do.
    pub fn by_first(shape: &[isize], strides: &[&[isize]]) -> AxisPlan {
        let Some(first) = strides.first() else { return AxisPlan::in_order(shape, strides) };
        let mut order: SmallVec<[usize; 8]> = (0..shape.len()).collect();
        order.sort_by_key(|&a| std::cmp::Reverse(first[a].unsigned_abs()));
        let turned: SmallVec<[usize; 8]> = (0..shape.len()).filter(|&a| first[a] < 0).collect();
        AxisPlan::gather(shape, strides, order.into_iter(), &turned)
    }
    /// Plan a walk in C order.
    pub fn in_order(shape: &[isize], strides: &[&[isize]]) -> AxisPlan {
        AxisPlan::gather(shape, strides, 0..shape.len(), &[])
    }

    fn gather(
        shape: &[isize],
        strides: &[&[isize]],
        order: impl Iterator<Item = usize>,
        turned: &[usize],
    ) -> AxisPlan {
        let nop = strides.len();
        let mut plan =
            AxisPlan { shape: Dims::new(), strides: SmallVec::new(), offsets: PerOp::from_elem(0, nop) };
        if shape.contains(&0) {
            // Nothing will be visited; one empty axis says so without any arithmetic on strides.
            plan.shape.push(0);
            plan.strides.resize(nop, 0);
            return plan;
        }
        for axis in order {
            let n = shape[axis];
            if n == 1 {
                continue;
            }
            let turn = turned.contains(&axis);
            if turn {
                for (off, s) in plan.offsets.iter_mut().zip(strides) {
                    *off += s[axis] * (n - 1);
                }
            }
            let step = |s: &[isize]| if turn { -s[axis] } else { s[axis] };
            let merges = plan.shape.last().is_some_and(|_| {
                let last = &plan.strides[plan.strides.len() - nop..];
                last.iter().zip(strides).all(|(&outer, s)| Some(outer) == step(s).checked_mul(n))
            });
            if merges {
                let at = plan.strides.len() - nop;
                for (slot, s) in plan.strides[at..].iter_mut().zip(strides) {
                    *slot = step(s);
                }
                if let Some(last) = plan.shape.last_mut() {
                    *last *= n;
                }
            } else {
                plan.shape.push(n);
                plan.strides.extend(strides.iter().map(|s| step(s)));
            }
        }
        plan
    }
    /// Number of axes left.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
}
