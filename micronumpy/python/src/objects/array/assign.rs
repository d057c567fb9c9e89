//! Writing values into arrays: `arr[...] = value`, `arr.fill`, `arr.flat = value`.

use micronumpy::{ArrayRef, Dims, TypeNum};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;

use super::alloc::{self, Make};
use super::args::CopyMode;
use super::coercion::{self, discover};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::objects::{Array, Descr, scalar};

/// An error if the array may not be written to.
pub fn check_writeable(arr: &Array<'_>, what: &str) -> PyResult<()> {
    if !arr.is_writeable() {
        return Err(PyValueError::new_err(format!("{what} is read-only")));
    }
    if arr.flags() & NPY_ARRAY_WARN_ON_WRITE != 0 {
        warn_on_write(arr)?;
    }
    Ok(())
}

#[cold]
fn warn_on_write(arr: &Array<'_>) -> PyResult<()> {
    let py = arr.py();
    PyErr::warn(
        py,
        &py.get_type::<pyo3::exceptions::PyDeprecationWarning>(),
        c"Numpy has detected that you (may be) writing to an array with\noverlapping memory from np.broadcast_arrays. \
          If this is intentional\nset the WRITEABLE flag True or make a copy immediately before writing.",
        1,
    )?;
    // Once is enough.
    let mut cur = arr.clone();
    loop {
        super::flags::set(&cur, NPY_ARRAY_WARN_ON_WRITE, false);
        // SAFETY: bases are live objects or null.
        let base = unsafe { Bound::from_borrowed_ptr_or_opt(py, (*cur.raw()).base) };
        match base.as_ref().and_then(Array::cast) {
            Some(b) => cur = b,
            None => return Ok(()),
        }
    }
}

/// Copy elements with broadcasting and any cast, and report floating-point trouble of the cast.
#[inline]
pub fn transfer(py: Python<'_>, dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> PyResult<()> {
    match micronumpy::cast::copy_into_status(dst, src).py(py)? {
        0 => Ok(()),
        status => {
            crate::objects::ufunc::report_fp_status(py, "cast", status)?;
            // Whoever casts as a part of something else finds the status still there, as in numpy.
            ufuncs::fpstatus::raise(status.into());
            Ok(())
        }
    }
}

/// What is assigned to several elements: one value of another dtype is cast once, whatever becomes of the assignment.
pub fn value_for<'py>(dst: &Array<'py>, src: Array<'py>) -> PyResult<Array<'py>> {
    if src.ndim() > 0 || dst.size() < 2 || src.dtype() == dst.dtype() || dst.dtype().has_object() {
        return Ok(src);
    }
    let value = alloc::new(&dst.descr(), &[], micronumpy::Order::C, false)?;
    transfer(src.py(), &value.view(), &src.view())?;
    Ok(value)
}

/// Assign an array, with broadcasting and any cast.
pub fn assign_array(dst: &Array<'_>, src: &Array<'_>) -> PyResult<()> {
    // `a[1:5] += x` ends with the assignment of a part of the array to the same part.
    let same_place = dst.data() == src.data()
        && dst.shape() == src.shape()
        && dst.strides() == src.strides()
        && dst.descr().0.is(&src.descr().0);
    if dst.0.is(&src.0) || same_place {
        return Ok(());
    }
    check_writeable(dst, "assignment destination")?;
    check_castable(src, &dst.descr())?;
    broadcast(dst.py(), &dst.view(), src.view())
}

/// Some structures and elements of user dtypes are not even cast when all casts are allowed.
pub fn check_castable(src: &Array<'_>, to: &Descr<'_>) -> PyResult<()> {
    let may_fail = |d: &micronumpy::Dtype| d.fields().is_some() || d.num.is_user();
    let (from, into) = (src.dtype(), to.dtype());
    let unsafe_too = micronumpy::Casting::Unsafe;
    if (may_fail(from) || may_fail(into)) && !micronumpy::cast::can_cast(from, into, unsafe_too) {
        return Err(coercion::cannot_cast_array(src, to, unsafe_too));
    }
    Ok(())
}

/// [`assign_array`] to what is a part of a writeable array.
pub fn assign_view(py: Python<'_>, dst: &ArrayRef<'_>, src: &ArrayRef<'_>) -> PyResult<()> {
    let same_place = dst.data == src.data && dst.shape == src.shape && dst.strides == src.strides;
    if same_place && std::ptr::eq(dst.dtype, src.dtype) {
        return Ok(());
    }
    broadcast(py, dst, *src)
}

/// [`transfer`] where leading dimensions of length one beyond the destination's vanish.
fn broadcast(py: Python<'_>, dst: &ArrayRef<'_>, mut src: ArrayRef<'_>) -> PyResult<()> {
    while src.ndim() > dst.ndim() && src.shape[0] == 1 {
        src.shape = &src.shape[1..];
        src.strides = &src.strides[1..];
    }
    transfer(py, dst, &src)
}

/// Assign any Python value, with broadcasting and any cast.
pub fn assign<'py>(dst: &Array<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
    if let Some(src) = Array::cast(value) {
        return assign_array(dst, &src);
    }
    check_writeable(dst, "assignment destination")?;
    assign_value(dst, value)
}

fn assign_value<'py>(dst: &Array<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
    let descr = dst.descr();
    if is_simple(value) {
        return assign_scalar(dst, value);
    }
    let request = discover::Request::Exact(descr.clone());
    // The array's rank limits how deep the value is taken apart; a 0-d array takes it whole.
    let found = discover::discover(value, &request, dst.ndim(), CopyMode::IfNeeded)?;
    if let [discover::Met { value, is_sequence: false, depth: 0, .. }] = &found.met[..] {
        return assign_array(dst, &Array(value.clone()));
    }
    if found.met.is_empty() {
        return assign_scalar(dst, value);
    }
    if found.shape[..] == *dst.shape() && !dst.dtype().has_object() {
        // Same shape: straight into place.
        let mut rest = &found.met[..];
        return if dst.size() == 0 { Ok(()) } else { coercion::fill(dst, &mut rest) };
    }
    // SAFETY: fresh memory.
    let temp = unsafe { Make { allow_empty_string: true, ..Make::new(&descr, &found.shape) }.build()? };
    if temp.size() > 0 {
        let mut rest = &found.met[..];
        coercion::fill(&temp, &mut rest)?;
    }
    assign_array(dst, &temp)
}

/// Scalars of builtin types, without looking for protocols.
fn is_simple(value: &Bound<'_, PyAny>) -> bool {
    is_number(value) || value.is_none() || value.is_exact_instance_of::<pyo3::types::PyComplex>()
}

/// Python's own real numbers.
fn is_number(value: &Bound<'_, PyAny>) -> bool {
    // SAFETY: comparing type pointers of a live object.
    unsafe {
        let t = ffi::Py_TYPE(value.as_ptr());
        t == &raw mut ffi::PyFloat_Type || t == &raw mut ffi::PyLong_Type || t == &raw mut ffi::PyBool_Type
    }
}

/// Python's own numbers where elements of this type take them as they are.
pub fn is_number_for(value: &Bound<'_, PyAny>, num: TypeNum) -> bool {
    if num.is_complex() && value.is_exact_instance_of::<pyo3::types::PyComplex>() {
        return true;
    }
    is_number(value) && !num.is_datetime()
}

/// Assign one of Python's numbers to every element of an array of numbers.
pub fn assign_number(descr: &Descr<'_>, dst: &ArrayRef<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut item = [0u128; 2];
    let data = item.as_mut_ptr().cast::<u8>();
    // The value is converted even when nobody receives it: conversion errors do not depend on the shape.
    // SAFETY: room for an element of any type of number, aligned.
    let src = unsafe {
        scalar::set_item(descr, data, value)?;
        ArrayRef::new(data, &[], &[], dst.dtype)
    };
    if dst.size() == 0 { Ok(()) } else { transfer(descr.py(), dst, &src) }
}

/// Assign one element's worth of value to every element.
pub fn assign_scalar<'py>(dst: &Array<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
    let py = dst.py();
    let descr = dst.descr();
    let size = dst.size();
    if size == 1 {
        // SAFETY: the only element of the array.
        return unsafe { scalar::set_item(&descr, dst.data(), value) };
    }
    // The value is converted even when nobody receives it: conversion errors do not depend on the shape.
    let mut small = [0u64; 4];
    let itemsize = descr.itemsize();
    if itemsize <= size_of_val(&small) && !descr.dtype().has_object() && !descr.dtype().num.is_user() {
        let p = small.as_mut_ptr().cast::<u8>();
        // SAFETY: the buffer holds one element, aligned for every builtin type up to eight bytes.
        let src = unsafe {
            scalar::set_item(&descr, p, value)?;
            ArrayRef::new(p, &[], &[], dst.dtype())
        };
        if size == 0 {
            return Ok(());
        }
        return transfer(py, &dst.view(), &src);
    }
    // SAFETY: fresh memory of one element.
    let temp = unsafe { Make { allow_empty_string: true, ..Make::new(&descr, &[]) }.build()? };
    // SAFETY: its element.
    unsafe { scalar::set_item(&temp.descr(), temp.data(), value)? };
    if size == 0 {
        return Ok(());
    }
    transfer(py, &dst.view(), &temp.view())
}

/// `arr.flat = value`: elements in C order, the value repeated as often as needed.
pub fn assign_flat<'py>(dst: &Array<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
    let py = dst.py();
    check_writeable(dst, "array")?;
    let descr = dst.descr();
    let src = coercion::from_any(value, Some(&descr), 0, 0, NPY_ARRAY_FORCECAST | NPY_ARRAY_C_CONTIGUOUS)?;
    let (n, m) = (dst.size(), src.size());
    if n == 0 {
        return Ok(());
    }
    if m == 0 {
        return Ok(());
    }
    let itemsize = descr.itemsize() as isize;
    let flat_src = |count: usize| (src.data(), [count as isize], [itemsize]);
    let dt = src.dtype();
    let write = |dst: &ArrayRef<'_>| -> PyResult<()> {
        let mut at = 0;
        while at < n {
            let count = m.min(n - at);
            let (p, sh, st) = flat_src(count);
            // SAFETY: `count` elements of each.
            let (d, s) = unsafe {
                (
                    ArrayRef::new(dst.data.wrapping_offset(at as isize * itemsize), &sh, &st, dst.dtype),
                    ArrayRef::new(p, &sh, &st, dt),
                )
            };
            transfer(py, &d, &s)?;
            at += count;
        }
        Ok(())
    };
    if dst.has_flags(NPY_ARRAY_C_CONTIGUOUS) {
        return write(&dst.view());
    }
    let temp = alloc::new(&descr, dst.shape(), micronumpy::Order::C, false)?;
    write(&temp.view())?;
    transfer(py, &dst.view(), &temp.view())
}

/// Copy elements into the outer dimensions of an array made with a subarray dtype, each broadcast inside.
pub fn broadcast_into_subarrays(dst: &Array<'_>, src: &Array<'_>) -> PyResult<()> {
    let mut shape = Dims::from_slice(src.shape());
    let mut strides = Dims::from_slice(src.strides());
    for _ in src.ndim()..dst.ndim() {
        shape.push(1);
        strides.push(0);
    }
    // SAFETY: the same elements with dimensions of one appended.
    let wide = unsafe { ArrayRef::new(src.data(), &shape, &strides, src.dtype()) };
    transfer(dst.py(), &dst.view(), &wide)
}

/// Fill the object slots of a new array with `None`, for who looks at its bytes: null slots read as `None` anyway.
pub fn fill_none(arr: &Array<'_>) {
    if arr.dtype().has_object() {
        fill_objects(arr, &arr.py().None().into_bound(arr.py()));
    }
}

/// Fill a new array (null slots) with integer zeros as `np.zeros` does for objects.
pub fn fill_zero(arr: &Array<'_>) -> PyResult<()> {
    if arr.dtype().has_object() {
        fill_objects(arr, &0i64.into_pyobject(arr.py())?.into_any());
    }
    Ok(())
}

/// Objects, also inside structures.
fn fill_objects(arr: &Array<'_>, value: &Bound<'_, PyAny>) {
    let (dt, view) = (arr.dtype(), arr.view());
    let mut it = micronumpy::iter::MultiIter::c_order(view.shape, &[view.data], &[view.strides]);
    if it.size() == 0 {
        return;
    }
    // The body never fails.
    let _ = it.for_each(|ptrs, n, strides| {
        for i in 0..n as isize {
            // SAFETY: elements of a new array.
            unsafe { set_objects(dt, ptrs[0].wrapping_offset(i * strides[0]), value) };
        }
        Ok(())
    });
}

unsafe fn set_objects(dt: &micronumpy::Dtype, p: *mut u8, value: &Bound<'_, PyAny>) {
    // SAFETY: `p` is a new element of `dt` whose object slots are null.
    unsafe {
        if dt.num == TypeNum::OBJECT {
            let slot = p.cast::<*mut ffi::PyObject>();
            if slot.read_unaligned().is_null() {
                slot.write_unaligned(value.clone().into_ptr());
            }
        } else if let Some(fields) = dt.fields() {
            for f in fields.iter().filter(|f| f.dtype.has_object()) {
                set_objects(&f.dtype, p.add(f.offset), value);
            }
        } else if let Some((base, shape)) = dt.subarray() {
            let n: isize = shape.iter().product();
            for i in 0..n as usize {
                set_objects(base, p.add(i * base.itemsize), value);
            }
        }
    }
}
