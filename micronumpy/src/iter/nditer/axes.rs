//! Axes of an iteration: broadcasting operands to one shape, the order of axes, merging them.

use super::build::OpSpec;
use super::flags::{global, per_op, split_axis};
use super::{Axis, Layout, NdIter, Operand, Perm};
use crate::array::{Dims, Order};
use crate::error::{Error, Result};
use crate::iter::axis_order;

/// A shape as the messages about broadcasting show it: unknown extents are `newaxis`, leading ones are left out.
pub(super) fn extents_text(shape: impl IntoIterator<Item = isize>) -> String {
    let all: Vec<isize> = shape.into_iter().collect();
    let parts: Vec<String> = all
        .iter()
        .skip_while(|&&n| n < 0)
        .map(|&n| if n < 0 { "newaxis".to_owned() } else { n.to_string() })
        .collect();
    // Extents that are left out count: only one alone has a comma behind it.
    match (parts.as_slice(), all.len()) {
        ([one], 1) => format!("({one},)"),
        _ => format!("({})", parts.join(",")),
    }
}

/// The array axis of operand `op` behind axis `axis` of the caller, where there is one; and whether it is declared a
/// reduction axis. `ndim` is the operand's number of dimensions.
fn array_axis(spec: &OpSpec<'_>, axis: usize, iter_ndim: usize, ndim: usize) -> (Option<usize>, bool) {
    match spec.axes {
        None => ((axis + ndim).checked_sub(iter_ndim), false),
        Some(axes) => {
            let (a, reduction) = split_axis(axes[axis]);
            (usize::try_from(a).ok(), reduction)
        }
    }
}

/// The shape all operands broadcast to.
pub(super) fn broadcast_shape(
    ndim: usize,
    itershape: Option<&[isize]>,
    specs: &[OpSpec<'_>],
) -> Result<Dims> {
    let mut shape = match itershape {
        Some(s) => s.iter().map(|&n| if n < 0 { 1 } else { n }).collect(),
        None => Dims::from_elem(1, ndim),
    };
    let mut merge = |axis: usize, n: isize| -> bool {
        let have = &mut shape[axis];
        if *have == 1 {
            *have = n;
        }
        n == 1 || *have == n
    };
    let mut fits = true;
    'operands: for (iop, spec) in specs.iter().enumerate() {
        let Some(arr) = &spec.array else { continue };
        let op_ndim = arr.shape.len();
        let Some(axes) = spec.axes else {
            if op_ndim > ndim {
                return Err(Error::value(
                    "input operand has more dimensions than allowed by the axis remapping",
                ));
            }
            for (i, &n) in arr.shape.iter().enumerate() {
                fits &= merge(ndim - op_ndim + i, n);
            }
            if !fits {
                break 'operands;
            }
            continue;
        };
        for (axis, &entry) in axes.iter().enumerate() {
            let (a, _) = split_axis(entry);
            let Ok(i) = usize::try_from(a) else { continue };
            let Some(&n) = arr.shape.get(i) else {
                // Upstream counts the entry from the end.
                let entry = ndim - 1 - axis;
                return Err(Error::value(format!(
                    "Iterator input op_axes[{iop}][{entry}] (=={a}) is not a valid axis of op[{iop}], which has \
                     {op_ndim} dimensions "
                )));
            };
            fits &= merge(axis, n);
            if !fits {
                // What is wrong with later axes is not told any more.
                break 'operands;
            }
        }
    }
    // An extent of one that was asked for is not free to grow.
    if let Some(asked) = itershape {
        fits &= asked.iter().zip(&shape).all(|(&a, &n)| a != 1 || n == 1);
    }
    if fits { Ok(shape) } else { Err(broadcast_error(itershape, specs)) }
}

fn broadcast_error(itershape: Option<&[isize]>, specs: &[OpSpec<'_>]) -> Error {
    let remapped = itershape.is_some() || specs.iter().any(|s| s.axes.is_some());
    let mut text = String::from(if remapped {
        "operands could not be broadcast together with remapped shapes [original->remapped]: "
    } else {
        "operands could not be broadcast together with shapes "
    });
    for spec in specs {
        let Some(arr) = &spec.array else { continue };
        text += &extents_text(arr.shape.iter().copied());
        if let Some(axes) = spec.axes {
            text += "->";
            text += &extents_text(axes.iter().map(|&e| {
                usize::try_from(split_axis(e).0).map_or(-1, |i| arr.shape.get(i).copied().unwrap_or(-1))
            }));
        }
        text.push(' ');
    }
    if let Some(asked) = itershape {
        text += " and requested shape ";
        text += &extents_text(asked.iter().copied());
    }
    Error::value(text)
}

/// An operand that must be written more than once per element is a reduction, which has to be allowed.
fn mark_reduction(op: &mut Operand, op_flags: u32, flags: u32, dimension: isize) -> Result<()> {
    if !op.write {
        return Ok(());
    }
    if flags & global::REDUCE_OK == 0 {
        return Err(Error::value(format!(
            "output operand requires a reduction along dimension {dimension}, but the reduction is not enabled. The \
             dimension size of 1 does not match the expected output shape."
        )));
    }
    if !op.read {
        return Err(Error::value(
            "output operand requires a reduction, but is flagged as write-only, not read-write",
        ));
    }
    if op_flags & per_op::ARRAYMASK != 0 {
        return Err(Error::value(
            "output operand requires a reduction, but is flagged as the ARRAYMASK operand which is not permitted to be \
             the result of a reduction",
        ));
    }
    op.reduce = true;
    Ok(())
}

/// The stride of one operand along an axis, which is counted from the last; zero where the operand is repeated.
pub(super) fn operand_stride(
    spec: &OpSpec<'_>,
    op: &mut Operand,
    shape: &[isize],
    from_last: usize,
    flags: u32,
) -> Result<isize> {
    let ndim = shape.len();
    let axis = ndim - 1 - from_last;
    let extent = shape[axis];
    let single = spec.flags & per_op::NO_BROADCAST != 0;
    let Some(axes) = spec.axes else {
        let Some(arr) = &spec.array else { return Ok(0) };
        let i = (axis + arr.shape.len()).checked_sub(ndim);
        return match i {
            Some(i) if extent != 1 && arr.shape[i] != 1 => Ok(arr.strides[i]),
            Some(_) if extent == 1 => Ok(0),
            // A missing axis counts as broadcast even where nothing is repeated.
            _ if single => Err(different_shape(spec, arr, op.write, shape)),
            _ if extent == 1 => Ok(0),
            _ => mark_reduction(op, spec.flags, flags, from_last as isize).map(|()| 0),
        };
    };
    let (a, declared) = split_axis(axes[axis]);
    let i = usize::try_from(a).ok();
    if declared {
        op.reduce = true;
        if let (Some(i), Some(arr)) = (i, &spec.array)
            && arr.shape[i] != 1
        {
            return Err(Error::value(format!(
                "operand was set up as a reduction along axis {i}, but the length of the axis is {} (it has to be 1)",
                arr.shape[i]
            )));
        }
        return Ok(0);
    }
    match (i, &spec.array) {
        _ if extent == 1 => Ok(0),
        (Some(_), None) => Ok(0),
        (Some(i), Some(arr)) if arr.shape[i] != 1 => Ok(arr.strides[i]),
        (Some(_), Some(arr)) if single => Err(different_shape(spec, arr, op.write, shape)),
        // An axis that is left out repeats what may not be broadcast, too.
        _ => mark_reduction(op, spec.flags, flags, a as isize).map(|()| 0),
    }
}

fn different_shape(spec: &OpSpec<'_>, arr: &Layout, write: bool, shape: &[isize]) -> Error {
    let mut text =
        String::from(if write { "non-broadcastable output operand" } else { "non-broadcastable operand" });
    text += " with shape ";
    text += &extents_text(arr.shape.iter().copied());
    if let Some(axes) = spec.axes {
        // Upstream prints the remapped shape from the last axis to the first.
        let extents =
            axes.iter().rev().map(|&e| usize::try_from(split_axis(e).0).map_or(-1, |i| arr.shape[i]));
        text += &format!(" [remapped to {}]", extents_text(extents));
    }
    text += " doesn't match the broadcast shape ";
    text += &extents_text(shape.iter().copied());
    Error::value(text)
}

impl NdIter {
    fn row(&self, a: usize) -> &[isize] {
        &self.strides[a * self.columns..][..self.columns]
    }

    /// Give the index its column of strides.
    pub(super) fn add_index(&mut self, fortran: bool) {
        let mut acc = 1isize;
        let mut put = |it: &mut NdIter, a: usize| {
            let shape = it.axes[a].shape;
            it.strides[a * it.columns + it.columns - 1] = if shape == 1 { 0 } else { acc };
            acc = acc.wrapping_mul(shape);
        };
        // The caller's order still stands: axis 0 is its last one.
        for i in 0..self.ndim {
            put(self, if fortran { self.ndim - 1 - i } else { i });
        }
    }

    fn permute(&mut self, order: &[usize]) {
        let axes = order.iter().map(|&a| self.axes[a]).collect();
        let perm = order.iter().map(|&a| self.perm[a]).collect();
        let strides = order.iter().flat_map(|&a| self.row(a).iter().copied()).collect();
        (self.axes, self.perm, self.strides) = (axes, perm, strides);
    }

    /// Force the order of axes the caller asked for, or walk memory as it lies.
    pub(super) fn order_axes(&mut self, order: Order, flags: u32) {
        let fortran = match order {
            Order::C => Some(false),
            Order::F => Some(true),
            Order::Any => {
                let arrays = || self.ops.iter().filter_map(|op| op.array.as_ref());
                let f_order =
                    |l: &Layout| crate::array::is_f_contiguous(&l.shape, &l.strides, l.dtype.itemsize);
                Some(arrays().next().is_some() && arrays().all(f_order))
            }
            Order::Keep => None,
        };
        if let Some(fortran) = fortran {
            self.forced_order = true;
            if fortran && self.ndim > 1 {
                self.permute(&(0..self.ndim).rev().collect::<Vec<_>>());
            }
            return;
        }
        let nop = self.nop();
        if self.ndim > 1 && !self.is_sorted() {
            let columns: Vec<Dims> = (0..nop)
                .map(|op| (0..self.ndim).rev().map(|a| self.strides[a * self.columns + op]).collect())
                .collect();
            let views: Vec<&[isize]> = columns.iter().map(|c| c.as_slice()).collect();
            let ndim = self.ndim;
            let outer_first = axis_order(ndim, &views);
            self.permute(&outer_first.iter().rev().map(|&axis| ndim - 1 - axis).collect::<Vec<_>>());
        }
        // A new output would be laid out backwards.
        let allocates = self.ops.iter().any(|op| op.array.is_none());
        if !allocates && flags & global::DONT_NEGATE_STRIDES == 0 {
            self.flip_negative_axes();
        }
    }

    /// Every operand's strides grow from axis to axis already.
    fn is_sorted(&self) -> bool {
        (1..self.ndim).all(|a| {
            let (inner, outer) = (self.row(a - 1), self.row(a));
            (0..self.nop()).all(|op| inner[op] != 0 && inner[op].unsigned_abs() <= outer[op].unsigned_abs())
        })
    }

    /// Turn round axes that somebody walks backwards and nobody forwards.
    fn flip_negative_axes(&mut self) {
        let nop = self.nop();
        for a in 0..self.ndim {
            let row = &self.row(a)[..nop];
            if !row.iter().all(|&s| s <= 0) || row.iter().all(|&s| s == 0) {
                continue;
            }
            let last = self.axes[a].shape - 1;
            for c in 0..self.columns {
                let stride = &mut self.strides[a * self.columns + c];
                self.base_offsets[c] += *stride * last;
                *stride = -*stride;
            }
            self.perm[a].flipped = true;
        }
    }

    /// Merge neighbouring axes where one stride leads through both for everybody. Only without a multi-index.
    pub(super) fn coalesce(&mut self) {
        let mut kept = 0;
        for a in 1..self.ndim {
            let (n, m) = (self.axes[kept].shape, self.axes[a].shape);
            let merges = (0..self.columns).all(|c| {
                let (s, t) = (self.strides[kept * self.columns + c], self.strides[a * self.columns + c]);
                n == 1 && s == 0 || m == 1 && t == 0 || s.wrapping_mul(n) == t
            });
            if merges {
                for c in 0..self.columns {
                    let t = self.strides[a * self.columns + c];
                    let s = &mut self.strides[kept * self.columns + c];
                    if n == 1 && *s == 0 {
                        *s = t;
                    }
                }
                self.axes[kept].shape = n * m;
            } else {
                kept += 1;
                if kept != a {
                    self.axes[kept] = self.axes[a];
                    self.strides.copy_within(a * self.columns..(a + 1) * self.columns, kept * self.columns);
                }
            }
        }
        self.ndim = self.ndim.min(kept + 1);
        self.axes.truncate(kept + 1);
        self.strides.truncate((kept + 1) * self.columns);
        self.perm = (0..self.ndim).map(|axis| Perm { axis, flipped: false }).collect();
    }

    /// Put an array in the place of operand `op`: its column of strides, seen through axis order and flips.
    pub(super) fn set_operand_array(&mut self, op: usize, spec: &OpSpec<'_>, arr: Layout) {
        self.base_offsets[op] = 0;
        for a in 0..self.ndim {
            let (axis, flipped) = self.original_axis(a);
            let (i, _) = array_axis(spec, axis, self.ndim, arr.shape.len());
            let mut stride = match i {
                Some(i) if i < arr.shape.len() && arr.shape[i] != 1 => arr.strides[i],
                _ => 0,
            };
            if flipped {
                self.base_offsets[op] += stride * (self.axes[a].shape - 1);
                stride = -stride;
            }
            self.strides[a * self.columns + op] = stride;
        }
        self.reset[op] = arr.data;
        self.ops[op].array = Some(arr);
    }

    /// Shape and strides for a new array of operand `op` in the order of the walk. With `like` it has that shape (a copy
    /// of an operand), else the shape the iteration gives it.
    pub(super) fn temporary_layout(
        &self,
        spec: &OpSpec<'_>,
        itemsize: usize,
        like: Option<&[isize]>,
    ) -> Result<(Dims, Dims)> {
        let op_ndim = like.map_or(self.ndim, <[isize]>::len);
        let mut shape: Vec<Option<isize>> = vec![None; op_ndim];
        let mut strides = Dims::from_elem(0, op_ndim);
        let mut acc = itemsize as isize;
        for a in 0..self.ndim {
            let (axis, _) = self.original_axis(a);
            let (i, declared) = array_axis(spec, axis, self.ndim, op_ndim);
            let Some(i) = i else { continue };
            if i >= op_ndim {
                return Err(Error::value(format!(
                    "automatically allocated output array specified with an inconsistent axis mapping; the axis mapping \
                     cannot include dimension {i} which is too large for the iterator dimension of {}.",
                    self.ndim
                )));
            }
            let n = match like {
                Some(like) => like[i],
                None if declared => 1,
                None => self.axes[a].shape,
            };
            shape[i] = Some(n);
            strides[i] = acc;
            acc = acc.wrapping_mul(n.max(1));
        }
        if let Some(like) = like {
            // Axes the iteration does not walk lie outside of the others.
            for i in (0..op_ndim).rev() {
                if shape[i].is_none() {
                    strides[i] = acc;
                    acc = acc.wrapping_mul(like[i].max(1));
                }
            }
            return Ok((Dims::from_slice(like), strides));
        }
        let used = shape.iter().take_while(|n| n.is_some()).count();
        if shape[used..].iter().any(Option::is_some) {
            return Err(Error::value(format!(
                "automatically allocated output array specified with an inconsistent axis mapping; the axis mapping is \
                 missing an entry for dimension {used}."
            )));
        }
        strides.truncate(used);
        Ok((shape.into_iter().flatten().collect(), strides))
    }

    /// Forget about the caller's axis `axis`: the walk stays at its first element.
    ///
    /// # Errors
    /// No multi-index, an index is tracked, buffering, an axis that does not exist.
    pub fn remove_axis(&mut self, axis: isize) -> Result<()> {
        let wrong = |what: &str| Err(Error::Runtime(format!("Iterator RemoveAxis may {what}")));
        if !self.has_multi_index {
            return wrong("only be called if a multi-index is being tracked");
        }
        if self.has_index {
            return wrong("not be called on an index is being tracked");
        }
        if self.buffering.is_some() {
            return wrong("not be called on a buffered iterator");
        }
        if axis < 0 || axis as usize >= self.ndim {
            return Err(Error::value("axis out of bounds in iterator RemoveAxis"));
        }
        let from_last = self.ndim - 1 - axis as usize;
        let Some(a) = self.perm.iter().position(|p| p.axis == from_last) else { return Ok(()) };
        if self.perm[a].flipped {
            // The caller's first element is the walk's last one.
            let last = self.axes[a].shape - 1;
            for c in 0..self.columns {
                let back = self.strides[a * self.columns + c] * last;
                self.base_offsets[c] += back;
                self.reset[c] = self.reset[c].wrapping_offset(back);
            }
        }
        self.perm.remove(a);
        for p in &mut self.perm {
            p.axis -= usize::from(p.axis > from_last);
        }
        self.axes.remove(a);
        self.strides.drain(a * self.columns..(a + 1) * self.columns);
        self.ndim -= 1;
        if self.axes.is_empty() {
            self.axes.push(Axis { shape: 1, index: 0 });
            self.strides.resize(self.columns, 0);
        }
        self.itersize = self.axes.iter().try_fold(1isize, |acc, a| acc.checked_mul(a.shape));
        self.end = self.itersize.unwrap_or(0);
        self.start = 0;
        self.update_inner();
        self.reset()
    }

    /// Stop tracking the multi-index, which lets axes merge. The iteration starts again.
    ///
    /// # Errors
    /// `iterator is too large`; values that cannot be written back.
    pub fn remove_multi_index(&mut self) -> Result<()> {
        if self.itersize.is_none() {
            return Err(Error::value("iterator is too large"));
        }
        if self.has_multi_index {
            self.flush()?;
            self.restart_position();
            self.has_multi_index = false;
            self.coalesce();
            self.update_inner();
            self.plan_buffers();
            self.make_transfers()?;
            if self.buffering.is_some() && !self.has_delayed_bufalloc() {
                self.allocate_buffers()?;
            }
            if !self.has_delayed_bufalloc() {
                self.reset()?;
            }
        }
        Ok(())
    }
}
