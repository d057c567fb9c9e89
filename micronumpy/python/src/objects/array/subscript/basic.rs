//! Indices of Python integers, slices, `...` and `None` straight from the objects.
//!
//! Most indices are these, and of most arrays the view is all there is to do: a list of parts and a plan would take several
//! times as long. Whatever else there is, errors included, goes the long way.

use micronumpy::index::slice_indices;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::objects::Array;

/// Axes of arrays and views that are looked at here.
const MOST: usize = 6;

/// What an index selects.
pub struct Part {
    pub data: *mut u8,
    ndim: usize,
    shape: [isize; MOST],
    strides: [isize; MOST],
}

impl Part {
    /// Nothing yet: [`part`] fills it. (Too large to be handed around.)
    #[inline]
    pub const fn new() -> Part {
        Part { data: std::ptr::null_mut(), ndim: 0, shape: [0; MOST], strides: [0; MOST] }
    }
    #[inline]
    pub fn shape(&self) -> &[isize] {
        &self.shape[..self.ndim]
    }
    #[inline]
    pub fn strides(&self) -> &[isize] {
        &self.strides[..self.ndim]
    }
    #[inline(always)]
    fn push(&mut self, n: isize, stride: isize) -> Option<()> {
        *self.shape.get_mut(self.ndim)? = n;
        self.strides[self.ndim] = stride;
        self.ndim += 1;
        Some(())
    }
}

/// One item of an index, borrowed.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Slice,
    Ellipsis,
    NewAxis,
}

/// # Safety
/// A live object.
#[inline(always)]
unsafe fn kind(obj: *mut ffi::PyObject) -> Option<Kind> {
    // SAFETY: the caller's promise; types and singletons are there for the life of the process.
    unsafe {
        let ty = ffi::Py_TYPE(obj);
        if ty == &raw mut ffi::PyLong_Type {
            Some(Kind::Int)
        } else if ty == &raw mut ffi::PySlice_Type {
            Some(Kind::Slice)
        } else if obj == ffi::Py_Ellipsis() {
            Some(Kind::Ellipsis)
        } else if obj == ffi::Py_None() {
            Some(Kind::NewAxis)
        } else {
            None
        }
    }
}

/// # Safety
/// A live object whose type is `int`.
#[inline(always)]
unsafe fn integer(obj: *mut ffi::PyObject) -> Option<isize> {
    let mut overflow = 0;
    // SAFETY: the caller's promise.
    let i = unsafe { ffi::PyLong_AsLongLongAndOverflow(obj, &mut overflow) };
    (overflow == 0).then_some(i as isize)
}

/// A bound of a slice: nothing, or an integer. The outer `None` is for anything else.
///
/// # Safety
/// A live object.
#[inline(always)]
unsafe fn bound(obj: *mut ffi::PyObject) -> Option<Option<isize>> {
    // SAFETY: the caller's promise.
    unsafe {
        if obj == ffi::Py_None() {
            Some(None)
        } else if ffi::Py_TYPE(obj) == &raw mut ffi::PyLong_Type {
            integer(obj).map(Some)
        } else {
            None
        }
    }
}

/// Find the part of the array that the key selects as a view; `None` where it takes the long way.
pub fn part(arr: &Array<'_>, key: &Bound<'_, PyAny>, part: &mut Part) -> Option<()> {
    let key = key.as_ptr();
    // SAFETY: a live tuple and its items, which it keeps alive; other keys are their own only item.
    let items: &[*mut ffi::PyObject] = unsafe {
        if ffi::Py_TYPE(key) == &raw mut ffi::PyTuple_Type {
            let tuple = key.cast::<ffi::PyTupleObject>();
            std::slice::from_raw_parts((&raw const (*tuple).ob_item).cast(), ffi::Py_SIZE(key) as usize)
        } else {
            std::slice::from_ref(&key)
        }
    };
    let (shape, strides) = (arr.shape(), arr.strides());
    let (mut used, mut ellipses) = (0, 0);
    for &item in items {
        // SAFETY: a live object.
        match unsafe { kind(item) }? {
            Kind::Int | Kind::Slice => used += 1,
            Kind::Ellipsis => ellipses += 1,
            Kind::NewAxis => {}
        }
    }
    // Integers for all axes select an element.
    let rest = shape.len().checked_sub(used)?;
    if ellipses > 1 || rest == 0 && ellipses == 0 && used == items.len() && !has_slice(items) {
        return None;
    }
    part.data = arr.data();
    let mut axis = 0;
    for &item in items {
        // SAFETY: as above; the objects are of the kind they are said to be.
        unsafe {
            match kind(item)? {
                Kind::Int => {
                    let (i, n) = (integer(item)?, shape[axis]);
                    let i = if i < 0 { i + n } else { i };
                    if i < 0 || i >= n {
                        return None;
                    }
                    part.data = part.data.wrapping_offset(i * strides[axis]);
                    axis += 1;
                }
                Kind::Slice => {
                    let slice = item.cast::<ffi::PySliceObject>();
                    let (start, stop) = (bound((*slice).start)?, bound((*slice).stop)?);
                    let (first, step, n) =
                        slice_indices(start, stop, bound((*slice).step)?, shape[axis]).ok()?;
                    if n > 0 {
                        part.data = part.data.wrapping_offset(first * strides[axis]);
                    }
                    // A single step may be huge; it is never taken when there is one element.
                    part.push(n, strides[axis].wrapping_mul(if n > 0 { step } else { 1 }))?;
                    axis += 1;
                }
                Kind::Ellipsis => {
                    for _ in 0..rest {
                        part.push(shape[axis], strides[axis])?;
                        axis += 1;
                    }
                }
                Kind::NewAxis => part.push(1, 0)?,
            }
        }
    }
    while axis < shape.len() {
        part.push(shape[axis], strides[axis])?;
        axis += 1;
    }
    Some(())
}

fn has_slice(items: &[*mut ffi::PyObject]) -> bool {
    // SAFETY: live objects.
    items.iter().any(|&item| unsafe { kind(item) } == Some(Kind::Slice))
}
