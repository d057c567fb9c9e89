//! Indexing: from a parsed index expression to a view or to a list of addresses.
//!
//! Basic indices (integers, slices, `...`, `None`) make a view: arithmetic on shape and strides. One array among them makes
//! the whole expression *fancy*: then integers count as arrays too, all arrays are broadcast together, and what the
//! slices left over is the *subspace* that every combination of indices selects. The broadcast dimensions stand where
//! the arrays stood if those were neighbours, and in front otherwise.
//!
//! A fancy plan holds one byte offset per combination of indices, computed and checked up front. So nothing that
//! happens while elements move (object methods, overlapping memory) can lead outside the array.

mod fancy;
mod mask;
mod rows;

pub use fancy::FancyPlan;
pub use mask::{MaskPlan, count_true, nonzero, put_in_row};
pub use rows::{Points, Rows, is_plain};

use smallvec::SmallVec;

use crate::array::{ArrayRef, Dims, View};
use crate::error::{Error, Result};

/// One item of an index expression.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    Int(isize),
    /// `start:stop:step`; `None` where nothing was written. Values beyond `isize` are clipped by the caller.
    Slice {
        start: Option<isize>,
        stop: Option<isize>,
        step: Option<isize>,
    },
    Ellipsis,
    NewAxis,
    /// Indices, dtype intp (native, aligned or not), any shape and strides.
    IntArray(ArrayRef<'a>),
    /// A mask of dtype bool with at least one dimension.
    BoolArray(ArrayRef<'a>),
    /// A scalar or 0-d boolean.
    Bool(bool),
}

/// What an index expression selects.
#[derive(Clone, Debug)]
pub enum Plan {
    /// A view; a single element when [`is_element`] says so.
    View(View),
    Fancy(FancyPlan),
    /// One mask of the array's own rank.
    Mask(MaskPlan),
}

/// Whether an index selects one element as a scalar rather than a 0-d array: only integers, one per axis.
pub fn is_element(ndim: usize, items: &[Item<'_>]) -> bool {
    items.len() == ndim && items.iter().all(|i| matches!(i, Item::Int(_)))
}

/// A checked, non-negative position on an axis.
///
/// # Errors
/// `index 10 is out of bounds for axis 0 with size 3`.
pub fn check_index(i: isize, axis: usize, n: isize) -> Result<isize> {
    if i < -n || i >= n { Err(out_of_bounds(i, axis, n)) } else { Ok(if i < 0 { i + n } else { i }) }
}

#[cold]
fn out_of_bounds(i: isize, axis: usize, n: isize) -> Error {
    Error::index(format!("index {i} is out of bounds for axis {axis} with size {n}"))
}

/// Python's rules for a slice of `n` elements: first element, step, count.
///
/// # Errors
/// `slice step cannot be zero`.
#[inline]
pub fn slice_indices(
    start: Option<isize>,
    stop: Option<isize>,
    step: Option<isize>,
    n: isize,
) -> Result<(isize, isize, isize)> {
    let step = step.unwrap_or(1).max(-isize::MAX);
    if step == 0 {
        return Err(zero_step());
    }
    let (low, high) = if step < 0 { (-1, n - 1) } else { (0, n) };
    let clip = |v: isize| if v < 0 { v.saturating_add(n).max(low) } else { v.min(high) };
    let start = start.map_or(if step < 0 { high } else { low }, clip);
    let stop = stop.map_or(if step < 0 { low } else { high }, clip);
    let count = if step == 1 {
        (stop - start).max(0)
    } else if step > 0 {
        if start < stop { (stop - start - 1) / step + 1 } else { 0 }
    } else if stop < start {
        (start - stop - 1) / -step + 1
    } else {
        0
    };
    Ok((start, step, count))
}

#[cold]
fn too_many(ndim: usize, used: usize) -> Error {
    Error::index(format!("too many indices for array: array is {ndim}-dimensional, but {used} were indexed"))
}

/// Axes an item consumes.
fn consumed(item: &Item<'_>) -> usize {
    match item {
        Item::Int(_) | Item::Slice { .. } | Item::IntArray(_) => 1,
        Item::BoolArray(mask) => mask.ndim(),
        Item::Ellipsis | Item::NewAxis | Item::Bool(_) => 0,
    }
}

/// Check that there is an axis for every item.
///
/// # Errors
/// More than one ellipsis; `too many indices for array`.
fn check_count(ndim: usize, items: &[Item<'_>]) -> Result<()> {
    if items.iter().filter(|i| matches!(i, Item::Ellipsis)).count() > 1 {
        return Err(Error::index("an index can only have a single ellipsis ('...')"));
    }
    let used: usize = items.iter().map(consumed).sum();
    if used > ndim { Err(too_many(ndim, used)) } else { Ok(()) }
}

/// Axes an item stands for in an expression of which `rest` axes are left to the ellipsis.
fn width(item: &Item<'_>, rest: usize) -> usize {
    if matches!(item, Item::Ellipsis) { rest } else { consumed(item) }
}

/// Masks are held against the array before anything else is held against its bounds.
fn check_masks(shape: &[isize], items: &[Item<'_>]) -> Result<()> {
    let rest = shape.len() - items.iter().map(consumed).sum::<usize>();
    let mut axis = 0;
    for item in items {
        if let Item::BoolArray(m) = item {
            mask::check_shape(&shape[axis..], m, axis)?;
        }
        axis += width(item, rest);
    }
    Ok(())
}

/// What is looked at before the item at `place`: the number of items, masks, and integers that stand in front.
///
/// # Errors
/// As [`plan`].
pub fn check_before(shape: &[isize], items: &[Item<'_>], place: usize) -> Result<()> {
    check_count(shape.len(), items)?;
    check_masks(shape, items)?;
    let rest = shape.len() - items.iter().map(consumed).sum::<usize>();
    let mut axis = 0;
    for item in &items[..place] {
        match item {
            Item::Int(i) => check_index(*i, axis, shape[axis]).map(|_| ())?,
            Item::Slice { step: Some(0), .. } => return Err(zero_step()),
            _ => {}
        }
        axis += width(item, rest);
    }
    Ok(())
}

fn zero_step() -> Error {
    Error::value("slice step cannot be zero")
}

/// Make the plan for an index expression on an array of this shape and strides.
///
/// # Errors
/// `IndexError` with numpy's texts; masks of the wrong shape; slices with step zero.
pub fn plan(shape: &[isize], strides: &[isize], items: &[Item<'_>]) -> Result<Plan> {
    let ndim = shape.len();
    check_count(ndim, items)?;
    let used: usize = items.iter().map(consumed).sum();
    if let [Item::BoolArray(m)] = items
        && m.ndim() == ndim
    {
        return MaskPlan::new(shape, strides, m).map(Plan::Mask);
    }
    let is_fancy = items.iter().any(|i| matches!(i, Item::IntArray(_) | Item::BoolArray(_) | Item::Bool(_)));
    // An ellipsis that is not written stands at the end.
    let rest = ndim - used;
    let written = items.iter().any(|i| matches!(i, Item::Ellipsis));
    let implied = (!written && rest > 0).then_some(&Item::Ellipsis);

    check_masks(shape, items)?;
    let mut view = View { offset: 0, shape: Dims::new(), strides: Dims::new() };
    let mut arrays: SmallVec<[fancy::Index<'_>; 4]> = SmallVec::new();
    let mut axis = 0;
    // Where fancy dimensions go: the view's rank at the first array, while no other item has come after the last.
    let mut place: Option<usize> = None;
    let mut scattered = false;
    let mut last_was_fancy = false;
    for item in items.iter().chain(implied) {
        let fancy_item =
            is_fancy && matches!(item, Item::Int(_) | Item::IntArray(_) | Item::BoolArray(_) | Item::Bool(_));
        if fancy_item {
            match place {
                None => place = Some(view.shape.len()),
                Some(_) if !last_was_fancy => scattered = true,
                Some(_) => {}
            }
        }
        last_was_fancy = fancy_item;
        match item {
            Item::Int(i) if is_fancy => {
                // Integers are checked before arrays, even if those do not fit together.
                let i = check_index(*i, axis, shape[axis])?;
                arrays.push(fancy::Index::integer(i, axis, shape[axis], strides[axis]));
                axis += 1;
            }
            Item::Int(i) => {
                view.offset += check_index(*i, axis, shape[axis])? * strides[axis];
                axis += 1;
            }
            Item::Slice { start, stop, step } => {
                let (first, step, n) = slice_indices(*start, *stop, *step, shape[axis])?;
                if n > 0 {
                    view.offset += first * strides[axis];
                }
                view.shape.push(n);
                // A single step may be huge; it is never taken when there is one element. Of no element it counts as 1.
                view.strides.push(strides[axis].wrapping_mul(if n > 0 { step } else { 1 }));
                axis += 1;
            }
            Item::Ellipsis => {
                for _ in 0..rest {
                    view.shape.push(shape[axis]);
                    view.strides.push(strides[axis]);
                    axis += 1;
                }
            }
            Item::NewAxis => {
                view.shape.push(1);
                view.strides.push(0);
            }
            Item::IntArray(a) => {
                arrays.push(fancy::Index::array(*a, axis, shape[axis], strides[axis]));
                axis += 1;
            }
            Item::BoolArray(m) => {
                for positions in nonzero(m)? {
                    arrays.push(fancy::Index::positions(positions, axis, shape[axis], strides[axis]));
                    axis += 1;
                }
            }
            Item::Bool(b) => arrays.push(fancy::Index::scalar_mask(*b)),
        }
    }
    if !is_fancy {
        if view.shape.len() > crate::array::MAXDIMS {
            return Err(Error::index(format!(
                "number of dimensions must be within [0, {}], indexing result would have {}",
                crate::array::MAXDIMS,
                view.shape.len()
            )));
        }
        return Ok(Plan::View(view));
    }
    let most = crate::array::MAXDIMS;
    // Integers among the arrays broadcast away.
    let integers = items.iter().filter(|i| matches!(i, Item::Int(_))).count();
    let advanced = arrays.len() - integers;
    if advanced > most {
        return Err(Error::index(format!(
            "too many advanced (array) indices. This probably means you are indexing with too many booleans. (more \
             than {most} found)"
        )));
    }
    if advanced == most && view.shape.iter().all(|&n| n == 1) {
        return Err(Error::index(format!(
            "when no subspace is given, the number of index arrays cannot be above {}, but {most} index arrays found",
            most - 1
        )));
    }
    let place = if scattered { 0 } else { place.unwrap_or(0) };
    FancyPlan::new(view, place, &arrays).map(Plan::Fancy)
}

#[cfg(test)]
mod tests;
