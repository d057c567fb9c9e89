//! `arr[key]`: views where the index allows, gathers where it does not, fields of structures.

mod basic;
pub mod fields;
pub mod parse;

use std::cell::UnsafeCell;

use micronumpy::array::{MAXDIMS, overlap};
use micronumpy::dtype::SWAPPED;
use micronumpy::index::{
    FancyPlan, Item, MaskPlan, Plan, Points, Rows, is_element, is_plain, plan, put_in_row,
};
use micronumpy::{ArrayRef, Dims, Order, TypeNum};
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyTuple};
use smallvec::SmallVec;

use super::alloc::{self, Make};
use super::methods::copy_array;
use super::{assign, coercion, sequence};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::objects::{Array, scalar};
use parse::{Part, parse};

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
        (*t).mp_subscript = Some(subscript);
        (*t).mp_ass_subscript = Some(crate::objobjargproc!(set));
    }
    t
}

fn out_of_bounds(i: isize, axis: usize, n: isize) -> PyErr {
    PyIndexError::new_err(format!("index {i} is out of bounds for axis {axis} with size {n}"))
}

/// The address of an element or sub-array given by integers only, `None` when the key is anything else.
fn integers(arr: &Array<'_>, key: &Obj<'_>) -> PyResult<Option<(*mut u8, usize)>> {
    /// An exact `int` that is not too wide for an index.
    fn index(obj: &Obj<'_>) -> Option<isize> {
        let mut overflow = 0;
        // SAFETY: a live object; an exact int.
        let i = unsafe {
            if ffi::PyLong_CheckExact(obj.as_ptr()) == 0 {
                return None;
            }
            ffi::PyLong_AsLongLongAndOverflow(obj.as_ptr(), &mut overflow)
        } as isize;
        (overflow == 0).then_some(i)
    }
    let mut data = arr.data();
    let mut step = |axis: usize, i: isize| {
        let n = arr.shape()[axis];
        let at = if i < 0 { i + n } else { i };
        if at < 0 || at >= n {
            return Err(out_of_bounds(i, axis, n));
        }
        data = data.wrapping_offset(at * arr.strides()[axis]);
        Ok(())
    };
    if key.is_exact_instance_of::<PyInt>() {
        let (Some(i), true) = (index(key), arr.ndim() > 0) else { return Ok(None) };
        step(0, i)?;
        return Ok(Some((data, 1)));
    }
    let Ok(t) = key.cast_exact::<PyTuple>() else { return Ok(None) };
    let n = t.len();
    if n == 0 || n > arr.ndim() {
        return Ok(None);
    }
    // All have to be integers before any bounds are looked at.
    let mut all: SmallVec<[isize; 6]> = SmallVec::new();
    for obj in t.iter_borrowed() {
        let Some(i) = index(&obj) else { return Ok(None) };
        all.push(i);
    }
    for (axis, &i) in all.iter().enumerate() {
        step(axis, i)?;
    }
    Ok(Some((data, n)))
}

/// The scalar of the element that an integer, or a tuple with one for every axis, selects of an array of native numbers. Most
/// reads are these, and nothing about them can fail or run other code. Null, with nothing set, for all others.
///
/// # Safety
/// Attached; a live array and a live object.
#[inline(always)]
unsafe fn number_at(arr: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the array has `nd` dimensions and strides and keeps its descriptor; the tuple keeps its items; only exact
    // integers are read as such, and what they select is inside the bounds.
    unsafe {
        let arr = arr.cast::<PyArrayObject>();
        let (mut item, mut count) = (&raw const key, 1);
        if ffi::Py_TYPE(key) == &raw mut ffi::PyTuple_Type {
            item = (&raw const (*key.cast::<ffi::PyTupleObject>()).ob_item).cast();
            count = ffi::Py_SIZE(key);
        }
        let descr = (*arr).descr;
        if count != (*arr).nd as isize || (*descr).byteorder == SWAPPED {
            return std::ptr::null_mut();
        }
        let mut data = (*arr).data;
        for axis in 0..count {
            let obj = *item.offset(axis);
            if ffi::Py_TYPE(obj) != &raw mut ffi::PyLong_Type {
                return std::ptr::null_mut();
            }
            let mut overflow = 0;
            let i = ffi::PyLong_AsLongLongAndOverflow(obj, &mut overflow) as isize;
            let n = *(*arr).dimensions.offset(axis);
            let i = if i < 0 { i + n } else { i };
            if i < 0 || i >= n || overflow != 0 {
                return std::ptr::null_mut();
            }
            data = data.wrapping_offset(i * *(*arr).strides.offset(axis));
        }
        scalar::quick::element(TypeNum((*descr).type_num), data)
    }
}

unsafe extern "C" fn subscript(arr: *mut ffi::PyObject, key: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython passes live objects, the first an array.
    unsafe {
        let number = number_at(arr, key);
        if number.is_null() { crate::binaryfunc!(get)(arr, key) } else { number }
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
    let mut part = basic::Part::new();
    if basic::part(&arr, key, &mut part).is_some() {
        // SAFETY: it lies inside the array.
        return Ok(unsafe {
            alloc::derived_view(&arr, &arr.descr(), part.data, part.shape(), part.strides())?
        }
        .0);
    }
    if let Some(out) = get_by_array(&arr, key)? {
        return Ok(out.0);
    }
    if let Some(out) = get_by_arrays(&arr, key)? {
        return Ok(out.0);
    }
    if let Some(view) = fields::subscript(&arr, key)? {
        return Ok(view.0);
    }
    let index = parse(key, arr.shape())?;
    let items: SmallVec<[Item<'_>; 6]> = index.parts.iter().map(Part::item).collect();
    match plan(arr.shape(), arr.strides(), &items).py(arr.py())? {
        Plan::View(v) => {
            let data = arr.data().wrapping_offset(v.offset);
            if is_element(arr.ndim(), &items) {
                return super::element(&arr, data);
            }
            // SAFETY: the plan keeps inside the array.
            let view = unsafe { alloc::derived_view(&arr, &arr.descr(), data, &v.shape, &v.strides)? };
            // An integer that came as an array makes a copy, as arrays do.
            Ok(if index.scalar_array { copy_array(&view, Order::Keep)? } else { view }.0)
        }
        Plan::Fancy(p) => {
            // SAFETY: the plan was made for this array just now.
            let out = unsafe { p.take(arr.data(), arr.dtype()) }.py(arr.py())?;
            finish_fancy(&arr, alloc::adopt(&arr.descr(), out)?)
        }
        Plan::Mask(p) => {
            // SAFETY: as above; the mask is held by `index`.
            let out = unsafe { p.take(arr.data(), arr.dtype()) }.py(arr.py())?;
            finish_fancy(&arr, alloc::adopt(&arr.descr(), out)?)
        }
    }
}

/// `arr[key]` of a plain array for one array of positions on the first axis, or one mask of the array's own rank, where that
/// takes no plan.
fn get_by_array<'py>(arr: &Array<'py>, key: &Obj<'py>) -> PyResult<Option<Array<'py>>> {
    let Some(index) = Array::cast(key) else { return Ok(None) };
    if !arr.is_exact() || !is_plain(arr.dtype()) || index.ndim() == 0 {
        return Ok(None);
    }
    let (py, view) = (arr.py(), index.view());
    if index.dtype().num.is_bool() && index.ndim() == arr.ndim() {
        let mask = MaskPlan::new(arr.shape(), arr.strides(), &view).py(py)?;
        let out = alloc::new(&arr.descr(), &[mask.count as isize], Order::C, false)?;
        // SAFETY: the plan was made for this array just now; there is room for what it counted.
        unsafe { mask.pack(arr.data(), out.data(), arr.itemsize()) };
        return Ok(Some(out));
    }
    let source = arr.view();
    let Some(rows) = Rows::new(&source, &view) else { return Ok(None) };
    let rows = rows.py(py)?;
    let mut shape = Dims::from_slice(index.shape());
    shape.extend_from_slice(&arr.shape()[1..]);
    let out = alloc::new(&arr.descr(), &shape, Order::C, false)?;
    // SAFETY: room for a row per position.
    unsafe { rows.take(out.data()) };
    Ok(Some(out))
}

/// `arr[key]` of a plain array for a tuple with an array of positions for every axis, all of one shape, where that takes no
/// plan.
fn get_by_arrays<'py>(arr: &Array<'py>, key: &Obj<'py>) -> PyResult<Option<Array<'py>>> {
    let Ok(key) = key.cast_exact::<PyTuple>() else { return Ok(None) };
    // (As many arrays as there can be axes are too many, which the plan says.)
    if key.len() != arr.ndim() || key.len() >= MAXDIMS || !arr.is_exact() {
        return Ok(None);
    }
    let indices: Option<SmallVec<[Array<'py>; 4]>> = key.iter().map(|item| Array::cast(&item)).collect();
    let Some(indices) = indices.filter(|indices| indices.iter().all(|index| index.ndim() > 0)) else {
        return Ok(None);
    };
    let views: SmallVec<[ArrayRef<'_>; 4]> = indices.iter().map(Array::view).collect();
    let Some(points) = Points::new(&arr.view(), &views) else { return Ok(None) };
    let out = alloc::new(&arr.descr(), views[0].shape, Order::C, false)?;
    // SAFETY: room for an element per position.
    unsafe { points.take(out.data()) };
    Ok(Some(out))
}

/// `arr[key] = value` in the same cases; false for all others.
fn set_by_array(arr: &Array<'_>, key: &Obj<'_>, value: &Obj<'_>) -> PyResult<bool> {
    let Some(index) = Array::cast(key) else { return Ok(false) };
    if !is_plain(arr.dtype()) || index.ndim() == 0 {
        return Ok(false);
    }
    let (target, view) = (arr.view(), index.view());
    if index.dtype().num.is_bool() {
        return set_by_mask(arr, &view, value);
    }
    let Some(rows) = Rows::new(&target, &view) else { return Ok(false) };
    // Values are looked at before positions, so what is wrong with these is told by the plan.
    let Ok(rows) = rows else { return Ok(false) };
    if let Some(src) = Array::cast(value) {
        return Ok(rows.put(&target, &view, &src.view()));
    }
    if !assign::is_number_for(value, arr.dtype().num) {
        return Ok(false);
    }
    let mut item = [0u128; 2];
    let data = item.as_mut_ptr().cast::<u8>();
    // SAFETY: room for an element of any plain type.
    let item = unsafe {
        scalar::set_item(&arr.descr(), data, value)?;
        ArrayRef::new(data, &[], &[], arr.dtype())
    };
    Ok(rows.put(&target, &view, &item))
}

/// `arr[mask] = value` for a row, and a number or an array of the same dtype; false for all others.
fn set_by_mask(arr: &Array<'_>, mask: &ArrayRef<'_>, value: &Obj<'_>) -> PyResult<bool> {
    if mask.shape != arr.shape() {
        return Ok(false);
    }
    if let Some(src) = Array::cast(value) {
        return Ok(src.descr().0.is(&arr.descr().0) && put_in_row(&arr.view(), mask, &src.view()));
    }
    if !assign::is_number_for(value, arr.dtype().num) {
        return Ok(false);
    }
    // A conversion may warn, so it is done when nothing else can go wrong.
    if arr.ndim() != 1 || mask.strides != [1] || overlap::may_share_bounds(&arr.view(), mask) {
        return Ok(false);
    }
    let mut item = [0u128; 2];
    let data = item.as_mut_ptr().cast::<u8>();
    // SAFETY: room for an element of any plain type.
    let src = unsafe {
        scalar::set_item(&arr.descr(), data, value)?;
        ArrayRef::new(data, &[], &[], arr.dtype())
    };
    Ok(put_in_row(&arr.view(), mask, &src))
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
    // Instances of subclasses give the part to assign to themselves, by `__getitem__`.
    let exact = arr.is_exact();
    if let Some((data, n)) = integers(&arr, key)?
        && (exact || n == arr.ndim())
    {
        if n == arr.ndim() {
            // SAFETY: an element inside the bounds.
            return unsafe { scalar::set_item(&arr.descr(), data, value) };
        }
        return set_part(&arr, data, &arr.shape()[n..], &arr.strides()[n..], value);
    }
    let mut part = basic::Part::new();
    if exact && basic::part(&arr, key, &mut part).is_some() {
        return set_part(&arr, part.data, part.shape(), part.strides(), value);
    }
    if set_by_array(&arr, key, value)? {
        return Ok(());
    }
    if let Some(view) = fields::subscript(&arr, key)? {
        return assign::assign(&view, value);
    }
    let py = arr.py();
    let index = parse(key, arr.shape())?;
    let items: SmallVec<[Item<'_>; 6]> = index.parts.iter().map(Part::item).collect();
    let planned = plan(arr.shape(), arr.strides(), &items);
    let converted;
    let mut value = value;
    // Values become arrays before index arrays are held against each other.
    let late = |e: &micronumpy::Error| e.to_string().starts_with("shape mismatch: indexing arrays");
    // A sequence of objects is taken apart by the shape of what it is assigned to.
    let by_shape = arr.dtype().has_object()
        && Array::cast(value).is_none()
        // SAFETY: a live object.
        && unsafe { ffi::PySequence_Check(value.as_ptr()) } != 0;
    if planned.as_ref().is_err_and(late) && !by_shape {
        converted = source(&arr, value)?.0;
        value = &converted;
    }
    let status = match planned.py(py)? {
        Plan::View(v) => {
            let data = arr.data().wrapping_offset(v.offset);
            if is_element(arr.ndim(), &items) {
                // SAFETY: an element inside the bounds.
                return unsafe { scalar::set_item(&arr.descr(), data, value) };
            }
            if !exact && !matches!(items[..], [Item::Ellipsis]) {
                let view = slf.get_item(key)?;
                let Some(view) = Array::cast(&view) else {
                    return Err(PyRuntimeError::new_err("Getitem not returning array"));
                };
                return assign::assign(&view, value);
            }
            // SAFETY: the plan keeps inside the array.
            let view = unsafe { plain_part(&arr, data, &v.shape, &v.strides)? };
            return assign::assign(&view, value);
        }
        Plan::Fancy(p) => {
            let mut src = if by_shape {
                let src = alloc::new(&arr.descr(), &p.shape, Order::C, true)?;
                assign::assign(&src, value)?;
                src
            } else {
                source(&arr, value)?
            };
            check_castable(&arr, &src, &p, &items)?;
            if src.ndim() == 0 && p.shape.contains(&0) && src.dtype() != arr.dtype() && !is_plain(arr.dtype())
            {
                // One value is converted even if nobody takes it.
                let value = alloc::new(&arr.descr(), &[], Order::C, true)?;
                assign::transfer(py, &value.view(), &src.view())?;
                src = value;
            }
            // SAFETY: the plan was made for this array just now.
            unsafe { p.scatter(&arr.view(), &src.view()) }.py(py)?
        }
        Plan::Mask(p) => {
            let src = source(&arr, value)?;
            // SAFETY: as above; the mask is held by `index`.
            unsafe { p.scatter(&arr.view(), &src.view()) }.py(py)?
        }
    };
    crate::objects::ufunc::report_fp_status(py, "cast", status)
}

/// Values that cannot be cast are told by the iterator that walks them, which is one operand behind the index arrays, unless they
/// are walked in blocks.
fn check_castable(arr: &Array<'_>, src: &Array<'_>, plan: &FancyPlan, items: &[Item<'_>]) -> PyResult<()> {
    let may_fail = |d: &micronumpy::Dtype| d.fields().is_some() || d.num.is_user();
    let (from, to) = (src.dtype(), arr.dtype());
    if !plan.is_single()
        || plan.strides_of(&src.view()).is_none()
        || !(may_fail(from) || may_fail(to))
        || micronumpy::cast::can_cast(from, to, micronumpy::Casting::Unsafe)
    {
        return Ok(());
    }
    let columns = |i: &Item<'_>| match i {
        Item::IntArray(_) | Item::Bool(_) => 1,
        Item::BoolArray(m) => m.ndim(),
        _ => 0,
    };
    let operand: usize = items.iter().map(columns).sum();
    Err(pyo3::exceptions::PyTypeError::new_err(format!(
        "Iterator operand {operand} dtype could not be cast from {} to {} according to the rule 'unsafe'",
        src.descr().0.repr()?,
        arr.descr().0.repr()?
    )))
}

/// What is assigned to selected elements, as an array.
fn source<'py>(arr: &Array<'py>, value: &Obj<'py>) -> PyResult<Array<'py>> {
    match Array::cast(value) {
        Some(a) => Ok(a),
        None => coercion::from_any(value, Some(&arr.descr()), 0, 0, NPY_ARRAY_FORCECAST),
    }
}

/// Assign to a part of an array that lies inside it. There has to be an array object for it only where a value takes
/// code of its own to convert.
fn set_part<'py>(
    arr: &Array<'py>,
    data: *mut u8,
    shape: &[isize],
    strides: &[isize],
    value: &Obj<'py>,
) -> PyResult<()> {
    let dtype = arr.dtype();
    if is_plain(dtype) {
        // SAFETY: inside the array, which the caller holds.
        let part = unsafe { ArrayRef::new(data, shape, strides, dtype) };
        if let Some(src) = Array::cast(value).filter(|src| is_plain(src.dtype())) {
            return assign::assign_view(arr.py(), &part, &src.view());
        }
        if assign::is_number_for(value, dtype.num) {
            return assign::assign_number(&arr.descr(), &part, value);
        }
    }
    // SAFETY: as above.
    let view = unsafe { plain_part(arr, data, shape, strides)? };
    assign::assign(&view, value)
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
