//! Boolean masks: as an index of the whole array, and as positions of their true elements.

use std::slice;

use crate::array::{ArrayRef, Dims, NdArray, Order, buffer, overlap};
use crate::cast::Transfer;
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::iter::MultiIter;
use ufuncs::{fpstatus, pick};

/// One mask of the array's own rank: elements come in C order.
#[derive(Clone, Debug)]
pub struct MaskPlan {
    /// How many elements are selected.
    pub count: usize,
    shape: Dims,
    strides: Dims,
    mask: *mut u8,
    mask_strides: Dims,
}

/// The mask must fit `shape`, but for axes of the mask that have no element; `first` is the axis of the array the mask starts
/// at.
pub(super) fn check_shape(shape: &[isize], mask: &ArrayRef<'_>, first: usize) -> Result<()> {
    for (k, (&n, &m)) in shape.iter().zip(mask.shape).enumerate() {
        if n != m && m != 0 {
            return Err(Error::index(format!(
                "boolean index did not match indexed array along axis {}; size of axis is {n} but size of \
                 corresponding boolean axis is {m}",
                first + k
            )));
        }
    }
    Ok(())
}

/// Number of true elements of a bool array.
pub fn count_true(mask: &ArrayRef<'_>) -> usize {
    if mask.size() == 0 {
        return 0;
    }
    if mask.is_c_contiguous() {
        // SAFETY: all bytes of the mask.
        return pick::count(unsafe { slice::from_raw_parts(mask.data, mask.size()) });
    }
    let mut count = 0;
    if let Ok(mut it) = MultiIter::new(mask.shape, &[*mask]) {
        let _ = it.for_each(|p, n, st| {
            if st[0] == 1 {
                // SAFETY: a row of the mask.
                count += pick::count(unsafe { slice::from_raw_parts(p[0], n) });
                return Ok(());
            }
            for i in 0..n as isize {
                // SAFETY: the iteration stays inside the mask.
                count += unsafe { *p[0].wrapping_offset(i * st[0]) != 0 } as usize;
            }
            Ok(())
        });
    }
    count
}

/// Positions of the true elements of a bool array: a list per axis.
///
/// # Errors
/// Memory.
pub fn nonzero(mask: &ArrayRef<'_>) -> Result<Vec<Vec<isize>>> {
    let count = count_true(mask);
    let mut out =
        (0..mask.ndim()).map(|_| buffer::scratch_list(count)).collect::<Result<Vec<Vec<isize>>>>()?;
    let Some((&inner, outer)) = mask.shape.split_last() else { return Ok(out) };
    if mask.size() == 0 {
        return Ok(out);
    }
    let last = mask.ndim() - 1;
    if last == 0 && mask.strides[0] == 1 {
        // SAFETY: all bytes of the mask; the list has room for what was counted.
        unsafe {
            let found = pick::places(slice::from_raw_parts(mask.data, mask.size()), 0, out[0].as_mut_ptr());
            out[0].set_len(found);
        }
        return Ok(out);
    }
    let mut index = Dims::from_elem(0, outer.len());
    let mut row = mask.data;
    loop {
        for i in 0..inner {
            // SAFETY: inside the mask.
            if unsafe { *row.wrapping_offset(i * mask.strides[last]) } != 0 {
                for (list, &k) in out.iter_mut().zip(&index) {
                    list.push(k);
                }
                out[last].push(i);
            }
        }
        let mut axis = outer.len();
        loop {
            let Some(a) = axis.checked_sub(1) else { return Ok(out) };
            axis = a;
            index[a] += 1;
            row = row.wrapping_offset(mask.strides[a]);
            if index[a] < outer[a] {
                break;
            }
            row = row.wrapping_offset(-mask.strides[a] * outer[a]);
            index[a] = 0;
        }
    }
}

/// `arr[mask] = src` of a row by a row, with a value or as many as are selected, of the same dtype, whose elements are their
/// bytes, in memory of their own: false for everything else, errors included.
pub fn put_in_row(arr: &ArrayRef<'_>, mask: &ArrayRef<'_>, src: &ArrayRef<'_>) -> bool {
    let (&[n], &[stride], &[1]) = (arr.shape, arr.strides, mask.strides) else { return false };
    if mask.shape != [n] || src.ndim() > 1 {
        return false;
    }
    if overlap::may_share_bounds(arr, src) || overlap::may_share_bounds(arr, mask) {
        return false;
    }
    // SAFETY: all bytes of the mask.
    let chosen = unsafe { slice::from_raw_parts(mask.data, n as usize) };
    let values = src.size();
    let step = match src.strides {
        [st] if values != 1 => *st,
        _ => 0,
    };
    if values != 1 && values != pick::count(chosen) {
        return false;
    }
    // SAFETY: elements of the array, and as many values as there are true elements, or the one for all.
    unsafe { pick::expand(chosen, arr.data, stride, src.data, step, arr.dtype.itemsize) };
    true
}

impl MaskPlan {
    /// For an array of this shape and strides.
    ///
    /// # Errors
    /// A mask of another shape.
    pub fn new(shape: &[isize], strides: &[isize], mask: &ArrayRef<'_>) -> Result<MaskPlan> {
        check_shape(shape, mask, 0)?;
        Ok(MaskPlan {
            count: count_true(mask),
            // A mask without elements need not have the array's shape.
            shape: Dims::from_slice(mask.shape),
            strides: Dims::from_slice(strides),
            mask: mask.data,
            mask_strides: Dims::from_slice(mask.strides),
        })
    }

    /// A new 1-d array of the selected elements.
    ///
    /// # Errors
    /// Memory.
    ///
    /// # Safety
    /// The plan was made for the array at `data`, of dtype `dtype`; the mask is still alive and unchanged.
    pub unsafe fn take(&self, data: *mut u8, dtype: &Dtype) -> Result<NdArray> {
        let mut out = NdArray::empty(&[self.count as isize], &dtype.for_new_array(), Order::C)?;
        if self.count == 0 {
            out.strides.fill(0);
        }
        let transfer = Transfer::new(dtype, &out.dtype, false)?;
        let (to, size) = (out.data(), dtype.itemsize as isize);
        // SAFETY: the caller's promise; at most `count` items are written.
        unsafe {
            if let Some(size) = transfer.plain_copy() {
                self.pack(data, to, size);
                return Ok(out);
            }
            self.runs(data, |arr, st, done, n| {
                transfer.run(arr, st, to.offset(done as isize * size), size, n)
            })?;
        }
        Ok(out)
    }

    /// Copies the selected elements as bytes, one behind the other.
    ///
    /// # Safety
    /// As [`MaskPlan::take`]; there is room for `count` items of this size.
    pub unsafe fn pack(&self, data: *mut u8, to: *mut u8, size: usize) {
        let mut done = 0;
        self.rows(data, |row, stride, mask| {
            // SAFETY: the caller's promise: nothing changes the mask, so no more is chosen than was counted.
            done += unsafe { pick::compress(mask, row, stride, to.add(done * size), size) };
        });
    }

    /// Walks rows of elements with their rows of the mask, in C order.
    fn rows(&self, data: *mut u8, mut f: impl FnMut(*mut u8, isize, &[u8])) {
        let mut it =
            MultiIter::c_order(&self.shape, &[data, self.mask], &[&self.strides, &self.mask_strides]);
        let mut copy = Vec::new();
        let _ = it.for_each(|p, n, st| {
            if st[1] == 1 {
                // SAFETY: a row of the mask.
                f(p[0], st[0], unsafe { slice::from_raw_parts(p[1], n) });
                return Ok(());
            }
            copy.clear();
            // SAFETY: the iteration stays inside the mask.
            copy.extend((0..n as isize).map(|i| unsafe { *p[1].wrapping_offset(i * st[1]) }));
            f(p[0], st[0], &copy);
            Ok(())
        });
    }

    /// Assign a scalar, or one value per selected element.
    ///
    /// # Errors
    /// `NumPy boolean array indexing assignment cannot assign 3 input values to the 2 output values where the mask is
    /// true`; values that cannot be converted.
    ///
    /// # Safety
    /// The plan was made for `arr`; the mask is still alive.
    pub unsafe fn scatter(&self, arr: &ArrayRef<'_>, src: &ArrayRef<'_>) -> Result<u8> {
        if src.ndim() > 1 {
            return Err(Error::type_(format!(
                "NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has {} \
                 dimensions",
                src.ndim()
            )));
        }
        let n = src.size();
        let stride = match src.strides {
            [s] if n != 1 => *s,
            _ => 0,
        };
        if n != 1 && n != self.count {
            return Err(Error::value(format!(
                "NumPy boolean array indexing assignment cannot assign {n} input values to the {} output values \
                 where the mask is true",
                self.count
            )));
        }
        if self.count == 0 {
            return Ok(0);
        }
        if overlap::may_share(arr, src) {
            let copy = NdArray::copy_of(src, Order::Keep)?;
            // SAFETY: handed on.
            return unsafe { self.scatter(arr, &copy.view()) };
        }
        // SAFETY: the mask is alive.
        let mask = unsafe { ArrayRef::new(self.mask, &self.shape, &self.mask_strides, &MASK) };
        if overlap::may_share(arr, &mask) {
            let copy = NdArray::copy_of(&mask, Order::Keep)?;
            let plan =
                MaskPlan { mask: copy.data(), mask_strides: Dims::from_slice(&copy.strides), ..self.clone() };
            // SAFETY: as above, with a mask of our own.
            return unsafe { plan.scatter(arr, src) };
        }
        let transfer = Transfer::new(src.dtype, arr.dtype, false)?;
        if transfer.sets_fp() {
            fpstatus::clear();
        }
        if let Some(size) = transfer.plain_copy() {
            let mut done = 0isize;
            self.rows(arr.data, |row, st, mask| {
                // SAFETY: elements of the array, and as many values as the mask has true elements, or the one for all.
                done += unsafe { pick::expand(mask, row, st, src.data.offset(done * stride), stride, size) }
                    as isize;
            });
            return Ok(0);
        }
        let limit = if stride == 0 { usize::MAX } else { n };
        // SAFETY: the caller's promise. An object's own code may change the mask meanwhile, hence the limit.
        unsafe {
            self.runs(arr.data, |p, st, done, run| {
                let run = run.min(limit.saturating_sub(done));
                transfer.run(src.data.offset(done as isize * stride), stride, p, st, run)
            })?;
        }
        Ok(if transfer.sets_fp() { fpstatus::take() as u8 } else { 0 })
    }

    /// Walk runs of neighbouring true elements in C order: `f(element, stride, elements so far, count)`.
    unsafe fn runs(
        &self,
        data: *mut u8,
        mut f: impl FnMut(*mut u8, isize, usize, usize) -> Result<()>,
    ) -> Result<()> {
        let mut done = 0;
        let mut it =
            MultiIter::c_order(&self.shape, &[data, self.mask], &[&self.strides, &self.mask_strides]);
        it.for_each(|p, n, st| {
            let n = n as isize;
            // SAFETY: the iteration stays inside the mask.
            let on = |k: isize| unsafe { *p[1].wrapping_offset(k * st[1]) != 0 };
            let mut i = 0;
            while i < n {
                if !on(i) {
                    i += 1;
                    continue;
                }
                let start = i;
                while i < n && on(i) {
                    i += 1;
                }
                // Never more than was counted, whatever happens to the mask meanwhile.
                let run = ((i - start) as usize).min(self.count - done);
                f(p[0].wrapping_offset(start * st[0]), st[0], done, run)?;
                done += run;
            }
            Ok(())
        })
    }
}

static MASK: Dtype = Dtype::bool();
