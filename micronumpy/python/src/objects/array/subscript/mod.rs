//! `arr[key]`: views where the index allows, gathers where it does not, fields of structures.

pub mod core_ops;
pub mod fields;
mod parse;

use std::cell::UnsafeCell;

use micronumpy::Dims;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PySlice, PyTuple};

use super::alloc::{self, Make};
use super::{assign, coercion, sequence};
use crate::abi::*;
use crate::objects::{Array, scalar};
use parse::{Index, Part, parse};

type Obj<'py> = Bound<'py, PyAny>;

struct Table(UnsafeCell<ffi::PyMappingMethods>);
// SAFETY: filled during `init` with the GIL held, then read only.
unsafe impl Sync for Table {}
static TABLE: Table = Table(UnsafeCell::new(ffi::PyMappingMethods {
    mp_length: None,
    mp_subscript: None,
    mp_ass_subscript: None,
}));

/// The mapping protocol.
pub fn table() -> *mut ffi::PyMappingMethods {
    let t = TABLE.0.get();
    // SAFETY: called once, before the type is ready.
    unsafe {
        (*t).mp_length = Some(sequence::length);
        (*t).mp_subscript = Some(crate::binaryfunc!(get));
        (*t).mp_ass_subscript = Some(crate::objobjargproc!(set));
    }
    t
}

fn out_of_bounds(i: isize, axis: usize, n: isize) -> PyErr {
    PyIndexError::new_err(format!("index {i} is out of bounds for axis {axis} with size {n}"))
}

/// The address of an element or sub-array given by integers only, `None` when the key is anything else.
fn integers(arr: &Array<'_>, key: &Obj<'_>) -> PyResult<Option<(*mut u8, usize)>> {
    fn step(arr: &Array<'_>, axis: usize, obj: &Obj<'_>, data: &mut *mut u8) -> PyResult<bool> {
        let mut overflow = 0;
        // SAFETY: an exact int.
        let i = unsafe {
            if ffi::PyLong_CheckExact(obj.as_ptr()) == 0 {
                return Ok(false);
            }
            ffi::PyLong_AsLongLongAndOverflow(obj.as_ptr(), &mut overflow)
        } as isize;
        if overflow != 0 {
            return Ok(false);
        }
        let n = arr.shape()[axis];
        let at = if i < 0 { i + n } else { i };
        if at < 0 || at >= n {
            return Err(out_of_bounds(i, axis, n));
        }
        *data = data.wrapping_offset(at * arr.strides()[axis]);
        Ok(true)
    }
    let mut data = arr.data();
    if key.is_exact_instance_of::<PyInt>() {
        if arr.ndim() == 0 {
            return Ok(None);
        }
        return Ok(step(arr, 0, key, &mut data)?.then_some((data, 1)));
    }
    if let Ok(t) = key.cast_exact::<PyTuple>() {
        let n = t.len();
        if n == 0 || n > arr.ndim() {
            return Ok(None);
        }
        // All have to be integers before any bounds are looked at.
        if !t.iter_borrowed().all(|o| o.is_exact_instance_of::<PyInt>()) {
            return Ok(None);
        }
        for (axis, obj) in t.iter_borrowed().enumerate() {
            if !step(arr, axis, &obj, &mut data)? {
                return Ok(None);
            }
        }
        return Ok(Some((data, n)));
    }
    Ok(None)
}

/// Geometry of the view a basic index selects.
struct Basic {
    data: *mut u8,
    shape: Dims,
    strides: Dims,
}

/// Apply the basic parts; array parts keep their axes out (`fancy` collects where they were).
fn basic(arr: &Array<'_>, index: &Index<'_>) -> PyResult<Basic> {
    let mut b = Basic { data: arr.data(), shape: Dims::new(), strides: Dims::new() };
    let (shape, strides) = (arr.shape(), arr.strides());
    let mut axis = 0;
    for part in &index.parts {
        match part {
            Part::Int(i) => {
                let n = shape[axis];
                let at = if *i < 0 { i + n } else { *i };
                if at < 0 || at >= n {
                    return Err(out_of_bounds(*i, axis, n));
                }
                b.data = b.data.wrapping_offset(at * strides[axis]);
                axis += 1;
            }
            Part::Slice(s) => {
                let (start, step, n) = resolve(s, shape[axis])?;
                if n > 0 {
                    b.data = b.data.wrapping_offset(start * strides[axis]);
                }
                b.shape.push(n);
                b.strides.push(strides[axis].wrapping_mul(step));
                axis += 1;
            }
            Part::Ellipsis(n) => {
                b.shape.extend_from_slice(&shape[axis..axis + n]);
                b.strides.extend_from_slice(&strides[axis..axis + n]);
                axis += n;
            }
            Part::NewAxis => {
                b.shape.push(1);
                b.strides.push(0);
            }
            _ => {}
        }
    }
    Ok(b)
}

/// Start, step and length of a slice on an axis.
pub fn resolve(s: &Bound<'_, PySlice>, n: isize) -> PyResult<(isize, isize, isize)> {
    let (mut start, mut stop, mut step) = (0, 0, 0);
    // SAFETY: a live slice object; outputs are filled on success.
    unsafe {
        if ffi::PySlice_Unpack(s.as_ptr(), &mut start, &mut stop, &mut step) < 0 {
            return Err(PyErr::fetch(s.py()));
        }
        let len = ffi::PySlice_AdjustIndices(n, &mut start, &mut stop, step);
        Ok((start, step, len))
    }
}

/// `arr[key]`
pub fn get<'py>(slf: &Obj<'py>, key: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    if let Some((data, n)) = integers(&arr, key)? {
        if n == arr.ndim() {
            return super::element(&arr, data);
        }
        // SAFETY: bounds were checked.
        return Ok(unsafe {
            alloc::derived_view(&arr, &arr.descr(), data, &arr.shape()[n..], &arr.strides()[n..])?
        }
        .0);
    }
    if let Some(view) = fields::subscript(&arr, key)? {
        return Ok(view.0);
    }
    let index = parse(&arr, key)?;
    if index.all_ints {
        let b = basic(&arr, &index)?;
        return super::element(&arr, b.data);
    }
    if !index.fancy {
        let b = basic(&arr, &index)?;
        // SAFETY: slices and integers were resolved against the shape.
        return Ok(unsafe { alloc::derived_view(&arr, &arr.descr(), b.data, &b.shape, &b.strides)? }.0);
    }
    let out = core_ops::gather(&arr, &index)?;
    finish_fancy(&arr, out)
}

/// The result of a gather gets the type of the indexed array.
fn finish_fancy<'py>(arr: &Array<'py>, out: Array<'py>) -> PyResult<Obj<'py>> {
    if arr.is_exact() {
        return Ok(out.0);
    }
    let ty = arr.0.get_type().into_any();
    // SAFETY: the whole of the result.
    let view = unsafe {
        Make {
            subtype: Some(&ty),
            data: out.data(),
            strides: Some(out.strides()),
            base: Some(out.0.clone()),
            parent: Some(&arr.0),
            allow_empty_string: true,
            ..Make::new(&out.descr(), out.shape())
        }
        .build()?
    };
    Ok(view.0)
}

/// `arr[key]` as an array even if it is one element (numpy's `array_subscript_asarray`).
pub fn get_array<'py>(arr: &Array<'py>, key: &Obj<'py>) -> PyResult<Array<'py>> {
    let v = get(&arr.0, key)?;
    match Array::cast(&v) {
        Some(a) => Ok(a),
        None => coercion::from_any(&v, Some(&arr.descr()), 0, 0, NPY_ARRAY_FORCECAST),
    }
}

/// `arr[key] = value`, and the error of `del arr[key]`.
pub fn set(slf: &Obj<'_>, key: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let arr = Array(slf.clone());
    let Some(value) = value else {
        return Err(PyValueError::new_err("cannot delete array elements"));
    };
    assign::check_writeable(&arr, "assignment destination")?;
    if let Some((data, n)) = integers(&arr, key)? {
        if n == arr.ndim() {
            // SAFETY: an element inside the bounds.
            return unsafe { scalar::set_item(&arr.descr(), data, value) };
        }
        // SAFETY: bounds were checked.
        let view = unsafe { plain_part(&arr, data, &arr.shape()[n..], &arr.strides()[n..])? };
        return assign::assign(&view, value);
    }
    if let Some(view) = fields::subscript(&arr, key)? {
        return assign::assign(&view, value);
    }
    let index = parse(&arr, key)?;
    if index.all_ints {
        let b = basic(&arr, &index)?;
        // SAFETY: as above.
        return unsafe { scalar::set_item(&arr.descr(), b.data, value) };
    }
    if !index.fancy {
        let b = basic(&arr, &index)?;
        // SAFETY: slices and integers were resolved against the shape.
        let view = unsafe { plain_part(&arr, b.data, &b.shape, &b.strides)? };
        return assign::assign(&view, value);
    }
    core_ops::scatter(&arr, &index, value)
}

/// A writable part of an array as a base-class view.
unsafe fn plain_part<'py>(
    arr: &Array<'py>,
    data: *mut u8,
    shape: &[isize],
    strides: &[isize],
) -> PyResult<Array<'py>> {
    // SAFETY: the caller's promise.
    unsafe { alloc::new_view(&arr.descr(), data, shape, strides, &arr.0, true, None) }
}
