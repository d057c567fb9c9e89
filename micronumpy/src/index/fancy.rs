//! Plans with index arrays: offsets of all combinations, and moving elements by them.

use smallvec::SmallVec;

use super::{check_index, is_plain};
use crate::array::{
    ArrayRef, Dims, MAXDIMS, NdArray, Order, View, broadcast_shapes, buffer, overlap, shape_text,
    sorted_like_strides,
};
use crate::cast::{Transfer, copy_into_status};
use crate::dtype::DatetimeMeta;
use crate::error::{Error, Result};
use crate::iter::{AxisPlan, MultiIter, broadcast_strides, keep_order_strides};
use crate::ufunc::exec::same_bytes;
use ufuncs::{fpstatus, pick};

/// An array of positions on one axis.
pub(super) struct Index<'a> {
    values: Values<'a>,
    axis: usize,
    len: isize,
    stride: isize,
}

enum Values<'a> {
    One(isize),
    Array(ArrayRef<'a>),
    List(Vec<isize>),
    /// A scalar mask: a new axis of length one or zero.
    Mask(bool),
}

impl<'a> Index<'a> {
    pub(super) fn integer(i: isize, axis: usize, len: isize, stride: isize) -> Self {
        Index { values: Values::One(i), axis, len, stride }
    }
    pub(super) fn array(a: ArrayRef<'a>, axis: usize, len: isize, stride: isize) -> Self {
        Index { values: Values::Array(a), axis, len, stride }
    }
    pub(super) fn positions(p: Vec<isize>, axis: usize, len: isize, stride: isize) -> Self {
        Index { values: Values::List(p), axis, len, stride }
    }
    pub(super) fn scalar_mask(b: bool) -> Self {
        Index { values: Values::Mask(b), axis: 0, len: 1, stride: 0 }
    }
    fn shape(&self) -> Dims {
        match &self.values {
            Values::One(_) => Dims::new(),
            Values::Array(a) => Dims::from_slice(a.shape),
            Values::List(v) => Dims::from_elem(v.len() as isize, 1),
            Values::Mask(b) => Dims::from_elem(*b as isize, 1),
        }
    }
    fn strides(&self) -> Dims {
        match &self.values {
            Values::One(_) => Dims::new(),
            Values::Array(a) => Dims::from_slice(a.strides),
            Values::List(_) => Dims::from_elem(size_of::<isize>() as isize, 1),
            Values::Mask(_) => Dims::from_elem(0, 1),
        }
    }
    fn data(&self) -> *const u8 {
        match &self.values {
            Values::One(i) => std::ptr::from_ref(i).cast(),
            Values::Array(a) => a.data,
            Values::List(v) => v.as_ptr().cast(),
            Values::Mask(_) => std::ptr::from_ref(&0isize).cast(),
        }
    }
}

/// A fancy index ready to use.
#[derive(Clone, Debug)]
pub struct FancyPlan {
    /// Shape of the result, with the fancy dimensions in their place.
    pub shape: Dims,
    /// First fancy dimension in `shape`, and how many there are.
    pub place: usize,
    pub fancy_ndim: usize,
    /// Strides of a new result's dimensions, in units of items: how numpy lays it out.
    layout: Dims,
    /// Byte offset of the subspace of every combination, in C order of the fancy dimensions.
    offsets: Vec<isize>,
    sub_shape: Dims,
    sub_strides: Dims,
    /// The first index that is out of bounds, with its axis and the axis' length. Complaints about a value to be assigned
    /// go first, so it is told when elements are to be moved; until then `offsets` is not complete.
    outside: Option<(isize, usize, isize)>,
}

impl FancyPlan {
    pub(super) fn new(sub: View, place: usize, indices: &[Index<'_>]) -> Result<FancyPlan> {
        let shapes: SmallVec<[Dims; 4]> = indices.iter().map(Index::shape).collect();
        let refs: SmallVec<[&[isize]; 4]> = shapes.iter().map(|s| s.as_slice()).collect();
        let fancy = broadcast_shapes(&refs).map_err(|_| {
            let all: String = shapes
                .iter()
                .zip(indices)
                // Integers broadcast with everything and are not named.
                .filter(|(_, i)| !matches!(i.values, Values::One(_)))
                .map(|(s, _)| shape_text(s) + " ")
                .collect();
            Error::index(format!(
                "shape mismatch: indexing arrays could not be broadcast together with shapes {all}"
            ))
        })?;
        let ndim = sub.shape.len() + fancy.len();
        if ndim > MAXDIMS {
            return Err(Error::index(format!(
                "number of dimensions must be within [0, {MAXDIMS}], indexing result would have {ndim}"
            )));
        }
        let count = fancy.iter().try_fold(1isize, |n, &d| n.checked_mul(d));
        let count = count.ok_or_else(|| Error::value("iterator is too large"))? as usize;
        let mut offsets = buffer::scratch(count, sub.offset)?;
        let mut index_strides: SmallVec<[Dims; 4]> = SmallVec::new();
        let mut outside = None;
        for (index, shape) in indices.iter().zip(&shapes) {
            let strides = broadcast_strides(shape, &index.strides(), &fancy)?;
            if count > 0 && outside.is_none() && !matches!(index.values, Values::Mask(_)) {
                outside = add_offsets(index, &fancy, &strides, &mut offsets);
            }
            index_strides.push(strides);
        }
        let mut shape = Dims::from_slice(&sub.shape[..place]);
        shape.extend_from_slice(&fancy);
        shape.extend_from_slice(&sub.shape[place..]);
        let layout = layout(&fancy, &index_strides, &sub, place);
        Ok(FancyPlan {
            shape,
            place,
            fancy_ndim: fancy.len(),
            layout,
            offsets,
            sub_shape: sub.shape,
            sub_strides: sub.strides,
            outside,
        })
    }
    fn check_bounds(&self) -> Result<()> {
        match self.outside {
            Some((i, axis, n)) => check_index(i, axis, n).map(|_| ()),
            None => Ok(()),
        }
    }
    /// Byte strides numpy gives a fresh result.
    pub fn result_strides(&self, itemsize: usize) -> Dims {
        if self.size() == 0 {
            return Dims::from_elem(0, self.shape.len());
        }
        self.layout.iter().map(|&s| s * itemsize as isize).collect()
    }
    /// Number of elements selected.
    pub fn size(&self) -> usize {
        self.shape.iter().map(|&n| n as usize).product()
    }
    /// Whether every combination of indices selects one element.
    pub fn is_single(&self) -> bool {
        self.sub_shape.iter().all(|&n| n == 1)
    }
    fn fancy_shape(&self) -> &[isize] {
        &self.shape[self.place..self.place + self.fancy_ndim]
    }
    /// Split per-dimension numbers of a result into fancy and subspace dimensions.
    fn split(&self, strides: &[isize]) -> (Dims, Dims) {
        let end = self.place + self.fancy_ndim;
        let fancy = Dims::from_slice(&strides[self.place..end]);
        let mut sub = Dims::from_slice(&strides[..self.place]);
        sub.extend_from_slice(&strides[end..]);
        (fancy, sub)
    }

    /// A new array with the selected elements of the array at `data`.
    ///
    /// # Errors
    /// Memory, object trouble.
    ///
    /// # Safety
    /// The plan was made for the shape and strides of the array at `data`, of dtype `dtype`.
    pub unsafe fn take(&self, data: *mut u8, dtype: &crate::dtype::Dtype) -> Result<NdArray> {
        self.check_bounds()?;
        let mut out = NdArray::empty(&self.shape, &dtype.for_new_array(), Order::C)?;
        out.strides = self.result_strides(dtype.itemsize).to_vec();
        // SAFETY: handed on; `out` is fresh memory of the right size.
        unsafe { self.gather(data, dtype, &out.view())? };
        Ok(out)
    }

    /// Copy the selected elements into `dst`, whose shape is `self.shape`.
    ///
    /// # Errors
    /// Values that cannot be converted.
    ///
    /// # Safety
    /// As [`FancyPlan::take`]; `dst` does not overlap the array.
    pub unsafe fn gather(
        &self,
        data: *mut u8,
        dtype: &crate::dtype::Dtype,
        dst: &ArrayRef<'_>,
    ) -> Result<u8> {
        // Elements at arbitrary offsets: aligned only if the item size keeps them so, which is not known here.
        let transfer = Transfer::new(dtype, dst.dtype, false)?;
        if let (Some(itemsize), Some(stride)) = (transfer.plain_copy(), self.run_of(dst.strides)) {
            // SAFETY: offsets of elements, and a place for each.
            unsafe { pick::gather_at(data, &self.offsets, dst.data, stride, itemsize) };
            return Ok(0);
        }
        // SAFETY: the caller's promise.
        unsafe {
            self.each(
                data,
                dst.data,
                dst.strides,
                |arr, sa, other, so, n| transfer.run(arr, sa, other, so, n),
                &transfer,
            )
        }
    }

    /// Assign `src`, broadcast to `self.shape`, to the selected elements in order: of repeated ones the last stays.
    ///
    /// # Errors
    /// `shape mismatch: value array of shape (3,) could not be broadcast to indexing result of shape (2,)`, values that
    /// cannot be converted.
    ///
    /// # Safety
    /// The plan was made for the shape and strides of `arr`.
    pub unsafe fn scatter(&self, arr: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<u8> {
        if self.strides_of(src).is_none() {
            return Err(Error::value(format!(
                "shape mismatch: value array of shape {} could not be broadcast to indexing result of shape {}",
                shape_text(src.shape),
                shape_text(&self.shape)
            )));
        }
        let same_kind = src.dtype.num == arr.dtype.num && src.dtype.is_native() && arr.dtype.is_native();
        let no_unit = arr.dtype.datetime_meta() == Some(DatetimeMeta::GENERIC);
        let single = self.is_single();
        if !single {
            self.check_bounds()?;
        }
        let to = match same_kind && no_unit && single {
            // numpy's iterator gives a date without a unit that of the values: their counts are taken as they are.
            true => src.dtype,
            false => arr.dtype,
        };
        // A value for all is cast first, whether or not there is a place for it.
        let value;
        let mut status = 0;
        let plain = is_plain(to) || to.num.is_string();
        // (Behind an axis it gets axes of its own.)
        let src = if single && self.place == 0 && src.ndim() == 0 && plain && !same_bytes(src.dtype, to) {
            value = NdArray::empty(&[], &to.with_byteorder(b'='), Order::C)?;
            status = copy_into_status(&value.view(), src)?;
            value.view()
        } else {
            *src
        };
        // That elements cannot be cast is seen before positions are, where every position is an element.
        let transfer = Transfer::new(src.dtype, to, false)?;
        self.check_bounds()?;
        if self.size() == 0 {
            return Ok(status);
        }
        let copy;
        let src = if overlap::may_share(arr, &src) {
            copy = NdArray::copy_of(&src, Order::Keep)?;
            copy.view()
        } else {
            src
        };
        let Some(strides) = self.strides_of(&src) else { return Ok(status) };
        if let (Some(itemsize), Some(stride)) = (transfer.plain_copy(), self.run_of(&strides)) {
            // SAFETY: offsets of elements, and a value for each; nothing overlaps.
            unsafe { pick::scatter_at(arr.data, &self.offsets, src.data, stride, itemsize) };
            return Ok(status);
        }
        // SAFETY: the caller's promise; nothing overlaps.
        let moved = unsafe {
            self.each(
                arr.data,
                src.data,
                &strides,
                |a, sa, s, ss, n| transfer.run(s, ss, a, sa, n),
                &transfer,
            )?
        };
        Ok(status | moved)
    }

    /// Strides of values that are broadcast to what is selected, if they can be.
    pub fn strides_of(&self, src: &ArrayRef<'_>) -> Option<Dims> {
        let extra = src.ndim().saturating_sub(self.shape.len());
        // Leading dimensions vanish if that keeps all elements: those of length one, and any when there is none.
        let fits = src.size() as isize == src.shape[extra..].iter().product();
        if !fits {
            return None;
        }
        broadcast_strides(&src.shape[extra..], &src.strides[extra..], &self.shape).ok()
    }

    /// The one stride of another operand of the same shape, in the order of the offsets, where each of them is an element.
    fn run_of(&self, strides: &[isize]) -> Option<isize> {
        if !self.sub_shape.iter().all(|&n| n == 1) {
            return None;
        }
        let (fancy, _) = self.split(strides);
        let plan = AxisPlan::in_order(self.fancy_shape(), &[&fancy]);
        match *plan.shape {
            [] | [0] => Some(0),
            [_] => Some(plan.strides[0]),
            _ => None,
        }
    }

    /// Walk all selected elements together with another operand of the same shape:
    /// `f(element, stride, other, stride, count)`.
    unsafe fn each(
        &self,
        data: *mut u8,
        other: *mut u8,
        other_strides: &[isize],
        f: impl Fn(*mut u8, isize, *mut u8, isize, usize) -> Result<()>,
        transfer: &Transfer,
    ) -> Result<u8> {
        self.check_bounds()?;
        if self.size() == 0 {
            return Ok(0);
        }
        if transfer.sets_fp() {
            fpstatus::clear();
        }
        let (fancy, sub) = self.split(other_strides);
        let plan = AxisPlan::new(&self.sub_shape, &[&self.sub_strides, &sub]);
        let mut sub_iter = MultiIter::from_plan(&plan, &[data, other]);
        let simple = sub_iter.is_one_loop();
        let (n, st) = (sub_iter.inner_count(), [sub_iter.inner_strides()[0], sub_iter.inner_strides()[1]]);
        let (a0, b0) = (sub_iter.ptrs()[0], sub_iter.ptrs()[1]);
        let mut at = Dims::from_elem(0, self.fancy_ndim);
        let mut rel = 0isize;
        let shape = self.fancy_shape();
        for &off in &self.offsets {
            let (a, b) = (a0.wrapping_offset(off), b0.wrapping_offset(rel));
            if simple {
                f(a, st[0], b, st[1], n)?;
            } else {
                sub_iter.restart_at(&[a, b]);
                sub_iter.for_each(|p, n, st| f(p[0], st[0], p[1], st[1], n))?;
            }
            for axis in (0..shape.len()).rev() {
                at[axis] += 1;
                rel += fancy[axis];
                if at[axis] < shape[axis] {
                    break;
                }
                rel -= fancy[axis] * shape[axis];
                at[axis] = 0;
            }
        }
        Ok(if transfer.sets_fp() { fpstatus::take() as u8 } else { 0 })
    }

    /// Byte offset of every selected element from the array's data pointer, in C order of the result's shape.
    ///
    /// # Errors
    /// Memory.
    pub fn element_offsets(&self) -> Result<Vec<isize>> {
        self.check_bounds()?;
        let mut out = buffer::scratch(self.size(), 0isize)?;
        if out.is_empty() {
            return Ok(out);
        }
        let item = size_of::<isize>();
        let c = crate::array::contiguous_strides(&self.shape, item, false);
        let (fancy, sub) = self.split(&c);
        let base = out.as_mut_ptr().cast::<u8>();
        let outer = crate::array::contiguous_strides(self.fancy_shape(), item, false);
        let plan = AxisPlan::in_order(self.fancy_shape(), &[&outer, &fancy]);
        let offsets = self.offsets.as_ptr().cast_mut().cast::<u8>();
        let _ = MultiIter::from_plan(&plan, &[offsets, base]).for_each(|p, n, st| {
            for i in 0..n as isize {
                // SAFETY: `i` counts through `self.offsets`.
                let off = unsafe { p[0].wrapping_offset(i * st[0]).cast::<isize>().read() };
                let start = p[1].wrapping_offset(i * st[1]);
                // The walk over the subspace uses its byte offset as a "pointer" starting at this combination.
                let sub_plan = AxisPlan::in_order(&self.sub_shape, &[&self.sub_strides, &sub]);
                let origin = std::ptr::without_provenance_mut::<u8>(off as usize);
                let _ = MultiIter::from_plan(&sub_plan, &[origin, start]).for_each(|q, m, sq| {
                    for k in 0..m as isize {
                        let value = q[0].wrapping_offset(k * sq[0]) as isize;
                        // SAFETY: `q[1]` walks through `out`.
                        unsafe { q[1].wrapping_offset(k * sq[1]).cast::<isize>().write(value) };
                    }
                    Ok(())
                });
            }
            Ok(())
        });
        Ok(out)
    }
}

/// Add one index array's share to all offsets, up to an index that is out of bounds, which is returned.
fn add_offsets(
    index: &Index<'_>,
    fancy: &[isize],
    strides: &[isize],
    offsets: &mut [isize],
) -> Option<(isize, usize, isize)> {
    let (axis, len) = (index.axis, index.len);
    let place = |i: isize| if i < -len || i >= len { None } else { Some(if i < 0 { i + len } else { i }) };
    if let Values::One(i) = index.values {
        let Some(at) = place(i) else { return Some((i, axis, len)) };
        offsets.iter_mut().for_each(|o| *o += at * index.stride);
        return None;
    }
    let swapped = matches!(&index.values, Values::Array(a) if a.dtype.is_swapped());
    let plan = AxisPlan::in_order(fancy, &[strides]);
    let mut out = offsets.iter_mut();
    let mut outside = None;
    let _ = MultiIter::from_plan(&plan, &[index.data().cast_mut()]).for_each(|p, n, st| {
        if outside.is_some() {
            return Ok(());
        }
        for i in 0..n as isize {
            // SAFETY: the walk stays inside the index array.
            let v = unsafe { p[0].wrapping_offset(i * st[0]).cast::<isize>().read_unaligned() };
            let v = if swapped { v.swap_bytes() } else { v };
            let Some(at) = place(v) else {
                outside = Some((v, axis, len));
                break;
            };
            if let Some(o) = out.next() {
                *o += at * index.stride;
            }
        }
        Ok(())
    });
    outside
}

/// Strides, in items, of a fresh result: index arrays decide the order of the fancy dimensions if the subspace is one
/// element; otherwise those are outermost in C order and the subspace lies as it lies in the array.
fn layout(fancy: &[isize], index_strides: &[Dims], sub: &View, place: usize) -> Dims {
    let (fancy_st, sub_st) = if sub.shape.iter().all(|&n| n == 1) {
        let refs: SmallVec<[&[isize]; 4]> = index_strides.iter().map(|s| s.as_slice()).collect();
        (keep_order_strides(fancy, &refs, 1), Dims::from_elem(1, sub.shape.len()))
    } else {
        let sub_st = Dims::from_vec(sorted_like_strides(&sub.shape, &sub.strides, 1));
        let block: isize = sub.shape.iter().map(|&n| n.max(1)).product();
        let outer = crate::array::contiguous_strides(fancy, 1, false);
        (outer.iter().map(|&s| s.saturating_mul(block)).collect(), sub_st)
    };
    let mut out = Dims::from_slice(&sub_st[..place.min(sub_st.len())]);
    out.extend_from_slice(&fancy_st);
    out.extend_from_slice(&sub_st[place.min(sub_st.len())..]);
    out
}
