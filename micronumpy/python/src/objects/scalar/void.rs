//! `numpy.void`: raw bytes and structures.
//!
//! A scalar taken out of an array is a view while it has fields (its `base` keeps the array alive) and a copy of its
//! bytes otherwise.

use std::ptr::{copy_nonoverlapping, null_mut};

use micronumpy::dtype::Body;
use micronumpy::{ArrayRef, Dtype, TypeNum};
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

use super::types::concrete;
use super::value::{descr_of_numpy_scalar, typenum_of};
use crate::abi::*;
use crate::error::{IntoPyResult, missing};
use crate::ffi::Args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::objects::dtype::{convert, descr_of, fields};
use crate::objects::{Array, Descr, array};
use crate::{fastcall, getset};

type Obj<'py> = Bound<'py, PyAny>;

/// A scalar of a class derived from `void`, without memory yet.
fn alloc<'py>(descr: &Descr<'py>) -> PyResult<Obj<'py>> {
    let py = descr.py();
    // SAFETY: a ready class with this layout; fresh objects are zeroed.
    unsafe {
        let mut class = (*descr.raw()).typeobj;
        if class.is_null() || ffi::PyType_IsSubtype(class, concrete(TypeNum::VOID)) == 0 {
            class = concrete(TypeNum::VOID);
        }
        let alloc = (*class).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
        let obj = Bound::from_owned_ptr_or_err(py, alloc(class, 0))?;
        let raw: *mut PyVoidScalarObject = obj.as_ptr().cast();
        (*raw).descr = descr.0.clone().into_ptr().cast();
        (*raw).ob_size = (*descr.raw()).elsize;
        Ok(obj)
    }
}

/// A scalar with zeroed memory of its own.
pub fn zeroed<'py>(descr: &Descr<'py>) -> PyResult<Obj<'py>> {
    let obj = alloc(descr)?;
    // SAFETY: the object is ours alone.
    unsafe {
        let raw: *mut PyVoidScalarObject = obj.as_ptr().cast();
        (*raw).obval = libc::calloc(descr.itemsize().max(1), 1).cast();
        if (*raw).obval.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        (*raw).flags = NPY_ARRAY_BEHAVED | NPY_ARRAY_OWNDATA;
    }
    Ok(obj)
}

/// See `to_scalar`.
///
/// # Safety
/// `data` points to one element of `descr`.
pub unsafe fn from_element<'py>(
    descr: &Descr<'py>,
    data: *const u8,
    base: Option<&Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let dt = descr.dtype();
    // SAFETY: the caller's promise.
    unsafe {
        if let Body::Subarray(inner, shape) = &dt.body {
            return subarray(descr, inner, shape, data, base);
        }
        if let (Some(base), Body::Struct(_)) = (base, &dt.body) {
            let obj = alloc(descr)?;
            let raw: *mut PyVoidScalarObject = obj.as_ptr().cast();
            (*raw).obval = data.cast_mut();
            (*raw).base = base.clone().into_ptr();
            let flags = Array::cast(base).map_or(NPY_ARRAY_BEHAVED, |a| a.flags());
            (*raw).flags = flags & !NPY_ARRAY_OWNDATA;
            return Ok(obj);
        }
        let obj = zeroed(descr)?;
        let raw: *mut PyVoidScalarObject = obj.as_ptr().cast();
        (*raw).flags |= NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS;
        copy_element(descr, (*raw).obval, data)?;
        Ok(obj)
    }
}

/// The dtype, memory and flags of a void scalar that is a part of something else; `None` for all other objects.
pub fn part<'py>(obj: &Obj<'py>) -> Option<(Descr<'py>, *mut u8, i32)> {
    // SAFETY: live objects; those of the class have this layout.
    unsafe {
        if ffi::PyType_IsSubtype(ffi::Py_TYPE(obj.as_ptr()), concrete(TypeNum::VOID)) == 0 {
            return None;
        }
        let flags = (*obj.as_ptr().cast::<PyVoidScalarObject>()).flags;
        let (descr, data) = parts(obj);
        (flags & NPY_ARRAY_OWNDATA == 0).then_some((descr, data, flags))
    }
}

/// An array of the elements of a subarray: a view when something keeps the memory alive, else a copy.
unsafe fn subarray<'py>(
    descr: &Descr<'py>,
    inner: &micronumpy::Dtype,
    shape: &[isize],
    data: *const u8,
    base: Option<&Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let py = descr.py();
    let full = crate::objects::dtype::legacy(descr).ok_or_else(|| missing("subarray"))?;
    // SAFETY: the descriptor has a subarray; `data` holds all of it.
    unsafe {
        let inner_descr = Descr(Bound::from_borrowed_ptr(py, (*(*full).subarray).base.cast()));
        let strides = micronumpy::array::contiguous_strides(shape, inner.itemsize, false);
        if let Some(base) = base {
            let writeable = Array::cast(base).is_none_or(|a| a.is_writeable());
            let view =
                array::new_view(&inner_descr, data.cast_mut(), shape, &strides, base, writeable, None)?;
            return Ok(view.0);
        }
        copy_subarray(&inner_descr, shape, data)
    }
}

/// A fresh array of the elements of a subarray.
unsafe fn copy_subarray<'py>(inner: &Descr<'py>, shape: &[isize], data: *const u8) -> PyResult<Obj<'py>> {
    let copy = array::new(inner, shape, micronumpy::Order::C, true)?;
    // SAFETY: the caller's element holds as many bytes.
    unsafe {
        let src = ArrayRef::new(data.cast_mut(), copy.shape(), copy.strides(), copy.dtype());
        micronumpy::cast::copy_into(&copy.view(), &src).py(inner.py())?;
    }
    Ok(copy.0)
}

/// Copy one element, object references included.
unsafe fn copy_element(descr: &Descr<'_>, dst: *mut u8, src: *const u8) -> PyResult<()> {
    let dt = descr.dtype();
    // SAFETY: one element on each side; references in `dst` are null or owned.
    unsafe {
        if dt.has_object() {
            let dst = ArrayRef::new(dst, &[], &[], dt);
            let src = ArrayRef::new(src.cast_mut(), &[], &[], dt);
            micronumpy::cast::copy_into(&dst, &src).py(descr.py())
        } else {
            copy_nonoverlapping(src, dst, dt.itemsize);
            Ok(())
        }
    }
}

/// The parts of a void scalar: descriptor and memory.
pub fn parts<'py>(obj: &Obj<'py>) -> (Descr<'py>, *mut u8) {
    // SAFETY: only reached on void scalars, which have both.
    unsafe {
        let raw: *const PyVoidScalarObject = obj.as_ptr().cast();
        (Descr(Bound::from_borrowed_ptr(obj.py(), (*raw).descr.cast())), (*raw).obval)
    }
}

/// Store a void scalar as an element of its own type.
///
/// # Safety
/// `data` is an element of `descr`, the scalar's descriptor.
pub unsafe fn store(descr: &Descr<'_>, data: *mut u8, obj: &Obj<'_>) -> PyResult<()> {
    // SAFETY: the caller's promise.
    unsafe { copy_element(descr, data, parts(obj).1) }
}

/// `item()` of a void element: a tuple for structures, an array for subarrays, bytes otherwise.
///
/// # Safety
/// As for `value::get_value`.
pub unsafe fn get_value<'py>(
    py: Python<'py>,
    dt: &Dtype,
    data: *const u8,
    owner: Option<&Array<'py>>,
) -> PyResult<Obj<'py>> {
    // SAFETY: the caller's promise; fields lie inside the element.
    unsafe {
        match (&dt.body, owner) {
            (Body::Subarray(inner, shape), Some(owner)) => {
                let strides = micronumpy::array::contiguous_strides(shape, inner.itemsize, false);
                let (inner, writeable) = (descr_of(py, inner)?, owner.is_writeable());
                let view =
                    array::new_view(&inner, data.cast_mut(), shape, &strides, &owner.0, writeable, None)?;
                Ok(view.0)
            }
            (Body::Subarray(inner, shape), None) => copy_subarray(&descr_of(py, inner)?, shape, data),
            (Body::Struct(all), _) => {
                let mut items = Vec::with_capacity(all.len());
                for f in all.iter() {
                    items.push(super::value::get_value(py, &f.dtype, data.add(f.offset), owner)?);
                }
                Ok(PyTuple::new(py, items)?.into_any())
            }
            _ => Ok(PyBytes::new(py, std::slice::from_raw_parts(data, dt.itemsize)).into_any()),
        }
    }
}

fn fields_of<'py>(descr: &Descr<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
    match (fields::names(descr), fields::dict(descr)) {
        (Some(names), Some(dict)) => Ok((names, dict)),
        _ => Err(PyIndexError::new_err("can't index void scalar without fields")),
    }
}

/// Store a Python object as a void element.
///
/// # Safety
/// As for `set_item`.
pub unsafe fn set_value<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let py = value.py();
    // SAFETY: the caller's promise; fields lie inside the element.
    unsafe {
        match &dt.body {
            Body::Subarray(inner, shape) => {
                // Assigned as to any array of this shape.
                let items = array::new(&descr_of(py, inner)?, shape, micronumpy::Order::C, true)?;
                array::assign::assign(&items, value)?;
                let dst = ArrayRef::new(data, shape, items.strides(), inner);
                micronumpy::cast::copy_into(&dst, &items.view()).py(py)
            }
            Body::Struct(all) => {
                if let Ok(tuple) = value.cast::<PyTuple>() {
                    if tuple.len() != all.len() {
                        return Err(PyValueError::new_err(format!(
                            "could not assign tuple of length {} to structure with {} fields.",
                            tuple.len(),
                            all.len()
                        )));
                    }
                    for (f, item) in all.iter().zip(tuple.iter()) {
                        super::set::set_value(&f.dtype, data.add(f.offset), &item)?;
                    }
                    return Ok(());
                }
                if typenum_of(value) == Some(TypeNum::VOID) {
                    let (own, src) = parts(value);
                    let dst = ArrayRef::new(data, &[], &[], dt);
                    let src = ArrayRef::new(src, &[], &[], own.dtype());
                    return micronumpy::cast::copy_into(&dst, &src).py(py);
                }
                if let Some(arr) = crate::objects::Array::cast(value).filter(|a| a.ndim() > 0) {
                    // An array of one element counts as that element, a longer one is no value of a structure.
                    if arr.shape().iter().any(|&n| n != 1) {
                        return Err(PyValueError::new_err("setting an array element with a sequence."));
                    }
                    let dst = ArrayRef::new(data, &[], &[], dt);
                    let src = ArrayRef::new(arr.data(), &[], &[], arr.dtype());
                    return micronumpy::cast::copy_into(&dst, &src).py(py);
                }
                // Anything else goes into every field.
                for f in all.iter() {
                    super::set::set_value(&f.dtype, data.add(f.offset), value)?;
                }
                Ok(())
            }
            _ => {
                let bytes = buffer_bytes(value)?;
                let n = bytes.len().min(dt.itemsize);
                copy_nonoverlapping(bytes.as_ptr(), data, n);
                std::ptr::write_bytes(data.add(n), 0, dt.itemsize - n);
                Ok(())
            }
        }
    }
}

/// The bytes of anything with a buffer.
fn buffer_bytes(value: &Obj<'_>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    let py = value.py();
    // SAFETY: the view is released; memory inside it is readable while it is held.
    unsafe {
        let mut view: ffi::Py_buffer = std::mem::zeroed();
        if ffi::PyObject_GetBuffer(value.as_ptr(), &mut view, ffi::PyBUF_SIMPLE) < 0 {
            return Err(PyErr::fetch(py));
        }
        let bytes = if view.len > 0 {
            std::slice::from_raw_parts(view.buf.cast::<u8>(), view.len as usize).to_vec()
        } else {
            vec![]
        };
        ffi::PyBuffer_Release(&mut view);
        Ok(bytes)
    }
}

/// `numpy.void(length_or_data, /, dtype=None)`
pub fn new<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    let args = args.cast::<PyTuple>()?;
    let mut dtype = args.get_item(1).ok();
    if let Some(kwargs) = kwargs {
        for (key, value) in kwargs.cast::<PyDict>()?.iter() {
            if key.eq("dtype")? && dtype.is_none() {
                dtype = Some(value);
            } else {
                return Err(PyTypeError::new_err(format!(
                    "'{}' is an invalid keyword argument for void()",
                    crate::objects::dtype::lossy(&key)
                )));
            }
        }
    }
    let Ok(first) = args.get_item(0) else {
        return Err(PyTypeError::new_err("void() takes at least 1 positional argument (0 given)"));
    };
    if args.len() > 2 {
        return Err(PyTypeError::new_err(format!(
            "void() takes at most 2 positional arguments ({} given)",
            args.len()
        )));
    }
    let class = cls.as_ptr().cast::<ffi::PyTypeObject>();
    let dtype = dtype.filter(|d| !d.is_none()).map(|d| convert(&d)).transpose()?;
    if let Some(descr) = &dtype {
        // SAFETY: a live descriptor.
        if unsafe { (*descr.raw()).type_num } != TypeNum::VOID.0 || descr.dtype().subarray().is_some() {
            return Err(PyTypeError::new_err(format!(
                "void: descr must be a `void` dtype that is not a subarray dtype (structured or unstructured). Got '{}'.",
                descr.0.repr()?.to_string_lossy()
            )));
        }
    } else {
        let is_int = first.is_instance_of::<PyInt>()
            // SAFETY: a live object.
            || unsafe { ffi::PyObject_TypeCheck(first.as_ptr(), super::types::INTEGER.as_type()) != 0 }
            || Array::cast(&first).is_some_and(|a| a.ndim() == 0 && a.dtype().num.is_integer());
        if is_int {
            // Durations are integers here, those that Python knows as such.
            // SAFETY: a live object.
            let int = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Long(first.as_ptr()))? };
            let fits = |n: &isize| (0..=i32::MAX as isize).contains(n);
            let size = int.extract::<isize>().ok().filter(fits).ok_or_else(|| {
                PyOverflowError::new_err(format!(
                    "size must be non-negative and not greater than {}",
                    i32::MAX
                ))
            })?;
            let descr = alloc_descr(py, size.max(1) as usize, class)?;
            return zeroed(&descr);
        }
    }
    // Anything but bytes and scalars is looked at as an array first.
    if !first.is_instance_of::<PyBytes>()
        && typenum_of(&first).is_none()
        && !first.is_instance_of::<PyTuple>()
    {
        let wanted = match &dtype {
            Some(descr) => descr.clone(),
            None => crate::objects::dtype::builtin(py, TypeNum::VOID),
        };
        let arr = array::from_any(&first, Some(&wanted), 0, 0, NPY_ARRAY_FORCECAST)?;
        return array::unwrap_0d(arr);
    }
    let descr = match dtype {
        Some(descr) if descr.itemsize() == 0 && descr.dtype().fields().is_none() => {
            let bytes = buffer_bytes_or_type_error(&first)?;
            alloc_descr(py, bytes.len(), class)?
        }
        Some(descr) => with_class(&descr, class)?,
        None => match descr_of_numpy_scalar(&first)? {
            // Other void scalars keep their structure.
            Some(own) if typenum_of(&first) == Some(TypeNum::VOID) => with_class(&own, class)?,
            _ => {
                let bytes = buffer_bytes_or_type_error(&first)?;
                alloc_descr(py, bytes.len(), class)?
            }
        },
    };
    let obj = zeroed(&descr)?;
    // SAFETY: fresh zeroed memory of this type.
    unsafe { set_value(descr.dtype(), parts(&obj).1, &first)? };
    Ok(obj)
}

fn buffer_bytes_or_type_error(value: &Obj<'_>) -> PyResult<Vec<u8>> {
    buffer_bytes(value).map_err(|err| {
        let what = match value.cast::<PyList>().map(|l| l.get_item(0)) {
            Ok(Ok(item)) => item,
            _ => match value.cast::<PyTuple>().map(|t| t.get_item(0)) {
                Ok(Ok(item)) => item,
                _ => value.clone(),
            },
        };
        match what.get_type().name() {
            Ok(name) => PyTypeError::new_err(format!("A bytes-like object is required, not '{name}'")),
            Err(_) => err,
        }
    })
}

/// `V<size>`, whose scalars are of this class.
fn alloc_descr<'py>(py: Python<'py>, size: usize, class: *mut ffi::PyTypeObject) -> PyResult<Descr<'py>> {
    let descr = crate::objects::dtype::alloc(py, &micronumpy::Dtype::void(size))?;
    set_class(&descr, class);
    Ok(descr)
}

fn with_class<'py>(descr: &Descr<'py>, class: *mut ffi::PyTypeObject) -> PyResult<Descr<'py>> {
    // SAFETY: a live descriptor.
    if class == concrete(TypeNum::VOID) || unsafe { (*descr.raw()).typeobj } == class {
        return Ok(descr.clone());
    }
    let new = crate::objects::dtype::copy(descr)?;
    set_class(&new, class);
    Ok(new)
}

fn set_class(descr: &Descr<'_>, class: *mut ffi::PyTypeObject) {
    // SAFETY: a descriptor nobody else has seen; it owns a reference to its class.
    unsafe {
        ffi::Py_INCREF(class.cast());
        let old = std::mem::replace(&mut (*descr.raw()).typeobj, class);
        ffi::Py_XDECREF(old.cast());
    }
}

pub unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; owned memory was calloc'ed here.
    unsafe {
        let raw: *mut PyVoidScalarObject = slf.cast();
        if (*raw).flags & NPY_ARRAY_OWNDATA != 0 && !(*raw).obval.is_null() {
            let dt = crate::objects::dtype::dtype_of((*raw).descr);
            if dt.has_object() {
                micronumpy::cast::release_objects(&ArrayRef::new((*raw).obval, &[], &[], dt));
            }
            libc::free((*raw).obval.cast());
        }
        (*raw).obval = null_mut();
        ffi::Py_XDECREF((*raw).descr.cast());
        ffi::Py_XDECREF((*raw).base);
        super::dealloc(slf);
    }
}

/// The 0-d array that shows the same memory.
pub fn as_array<'py>(slf: &Obj<'py>) -> PyResult<Array<'py>> {
    let (descr, data) = parts(slf);
    // SAFETY: the scalar keeps its memory alive.
    unsafe {
        let raw: *const PyVoidScalarObject = slf.as_ptr().cast();
        let writeable = (*raw).flags & NPY_ARRAY_WRITEABLE != 0;
        array::new_view(&descr, data, &[], &[], slf, writeable, None)
    }
}

/// `void[field]`, `void[i]`, `void[["a", "b"]]`
fn subscript<'py>(slf: &Obj<'py>, key: &Obj<'py>) -> PyResult<Obj<'py>> {
    let (descr, _) = parts(slf);
    if fields::names(&descr).is_some()
        && let Some(name) = field_name(&descr, key)?
    {
        return field(slf, &descr, &name);
    }
    if key.cast::<PyTuple>().is_ok_and(|t| t.is_empty()) {
        return Ok(slf.clone());
    }
    let arr = as_array(slf)?;
    let result = arr.0.get_item(key)?;
    // Several fields give a scalar again.
    match Array::cast(&result) {
        Some(arr) if arr.ndim() == 0 && key.is_instance_of::<PyList>() => {
            arr.0.get_item(PyTuple::empty(key.py()))
        }
        _ => Ok(result),
    }
}

fn is_index(key: &Obj<'_>) -> bool {
    // SAFETY: a live object.
    unsafe { ffi::PyIndex_Check(key.as_ptr()) != 0 && Array::cast(key).is_none() }
}

/// A field by name or position; `None` for other kinds of keys.
fn field_name<'py>(descr: &Descr<'py>, key: &Obj<'py>) -> PyResult<Option<Obj<'py>>> {
    if key.is_instance_of::<PyString>() {
        return Ok(Some(key.clone()));
    }
    if !is_index(key) {
        return Ok(None);
    }
    let (names, _) = fields_of(descr)?;
    let n = names.len() as isize;
    let i: isize = key.extract()?;
    let at = if i < 0 { i + n } else { i };
    match usize::try_from(at).ok().and_then(|at| names.get_item(at).ok()) {
        Some(name) => Ok(Some(name)),
        None => Err(PyIndexError::new_err(format!("invalid index ({i})"))),
    }
}

fn no_field(name: &Obj<'_>) -> PyErr {
    PyValueError::new_err(format!("no field of name {}", crate::objects::dtype::lossy(name)))
}

/// One field: a scalar, or a view of a structure or subarray inside.
fn field<'py>(slf: &Obj<'py>, descr: &Descr<'py>, name: &Obj<'py>) -> PyResult<Obj<'py>> {
    let (_, dict) = fields_of(descr)?;
    if !dict.contains(name)? {
        return Err(no_field(name));
    }
    let (inner, offset, _) = fields::entry(&dict, name)?;
    let (_, data) = parts(slf);
    // SAFETY: the field lies inside the scalar's memory, which `slf` keeps alive.
    unsafe {
        let data = data.add(offset as usize);
        let flags = (*slf.as_ptr().cast::<PyVoidScalarObject>()).flags;
        if let Body::Subarray(base, shape) = &inner.dtype().body {
            let full = crate::objects::dtype::legacy(&inner).ok_or_else(|| missing("subarray"))?;
            let element = Descr(Bound::from_borrowed_ptr(slf.py(), (*(*full).subarray).base.cast()));
            let strides = micronumpy::array::contiguous_strides(shape, base.itemsize, false);
            let writeable = flags & NPY_ARRAY_WRITEABLE != 0;
            return Ok(array::new_view(&element, data, shape, &strides, slf, writeable, None)?.0);
        }
        let result = super::value::to_scalar(&inner, data, Some(slf))?;
        if typenum_of(&result) == Some(TypeNum::VOID) && result.get_type_ptr() != slf.get_type_ptr() {
            let raw: *mut PyVoidScalarObject = result.as_ptr().cast();
            if (*raw).flags & NPY_ARRAY_OWNDATA == 0 {
                (*raw).flags = flags & !NPY_ARRAY_OWNDATA;
            }
        }
        Ok(result)
    }
}

/// `void[key] = value`
fn ass_subscript<'py>(slf: &Obj<'py>, key: &Obj<'py>, value: Option<&Obj<'py>>) -> PyResult<()> {
    let (descr, data) = parts(slf);
    if fields::names(&descr).is_none() {
        return Err(PyIndexError::new_err("can't index void scalar without fields"));
    }
    let Some(value) = value else {
        return Err(PyValueError::new_err("cannot delete scalar field"));
    };
    if let Some(name) = field_name(&descr, key)? {
        let (_, dict) = fields_of(&descr)?;
        if !dict.contains(&name)? {
            return Err(no_field(&name));
        }
        // SAFETY: live scalar; the field lies inside its memory.
        unsafe {
            let raw: *const PyVoidScalarObject = slf.as_ptr().cast();
            if (*raw).flags & NPY_ARRAY_WRITEABLE == 0 {
                return Err(PyValueError::new_err("assignment destination is read-only"));
            }
            let (inner, offset, _) = fields::entry(&dict, &name)?;
            if inner.dtype().num == TypeNum::VOID {
                // What is made of several values is assigned as an array of them is.
                let part = super::super::array::subscript::fields::field(&as_array(slf)?, &name)?;
                return part.0.set_item(PyTuple::empty(slf.py()), value);
            }
            return super::set::set_item(&inner, data.add(offset as usize), value);
        }
    }
    Err(PyIndexError::new_err("invalid index"))
}

fn sq_item<'py>(slf: &Obj<'py>, i: isize) -> PyResult<Obj<'py>> {
    subscript(slf, i.into_pyobject(slf.py())?.as_any())
}

fn sq_ass_item<'py>(slf: &Obj<'py>, i: isize, value: Option<&Obj<'py>>) -> PyResult<()> {
    ass_subscript(slf, i.into_pyobject(slf.py())?.as_any(), value)
}

fn len(slf: &Obj<'_>) -> PyResult<isize> {
    Ok(fields::names(&parts(slf).0).map_or(0, |n| n.len() as isize))
}

fn get_dtype<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(parts(slf).0.0)
}

fn get_base<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    // SAFETY: a live scalar.
    let base =
        unsafe { Bound::from_borrowed_ptr_or_opt(py, (*slf.as_ptr().cast::<PyVoidScalarObject>()).base) };
    Ok(base.unwrap_or_else(|| py.None().into_bound(py)))
}

fn get_flags<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: a live scalar.
    let flags = unsafe { (*slf.as_ptr().cast::<PyVoidScalarObject>()).flags };
    array::flags::of_scalar(slf.py(), flags)
}

fn getfield<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (args, kwargs) = args.to_tuple_dict()?;
    let result = as_array(slf)?.0.getattr("getfield")?.call(args, Some(&kwargs))?;
    match Array::cast(&result) {
        Some(arr) if arr.ndim() == 0 => arr.0.get_item(PyTuple::empty(slf.py())),
        _ => Ok(result),
    }
}

fn setfield<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (args, kwargs) = args.to_tuple_dict()?;
    as_array(slf)?.0.getattr("setfield")?.call(args, Some(&kwargs))
}

/// Raw bytes as text: `b'\x61\x62'`.
fn hex(slf: &Obj<'_>) -> String {
    let (descr, data) = parts(slf);
    // SAFETY: live memory of this size.
    let bytes = unsafe { std::slice::from_raw_parts(data, descr.itemsize()) };
    let digits: String = bytes.iter().map(|b| format!("\\x{b:02X}")).collect();
    format!("b'{digits}'")
}

fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    if fields::names(&parts(slf).0).is_some() {
        return cached(py, "numpy._core.arrayprint", "_void_scalar_to_string")?.call1((slf, true));
    }
    let prefix = if super::text::legacy_mode(py)? > 125 { "np." } else { "" };
    Ok(PyString::new(py, &format!("{prefix}void({})", hex(slf))).into_any())
}

fn str_<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    if fields::names(&parts(slf).0).is_some() {
        return cached(slf.py(), "numpy._core.arrayprint", "_void_scalar_to_string")?.call1((slf, false));
    }
    Ok(PyString::new(slf.py(), &hex(slf)).into_any())
}

/// Hash of the tuple of fields; scalars that can be written to have none.
fn hash(slf: &Obj<'_>) -> PyResult<isize> {
    // SAFETY: a live scalar.
    if unsafe { (*slf.as_ptr().cast::<PyVoidScalarObject>()).flags } & NPY_ARRAY_WRITEABLE != 0 {
        return Err(PyTypeError::new_err("unhashable type: 'writeable void-scalar'"));
    }
    let items: Vec<Obj<'_>> = (0..len(slf)?).map(|i| sq_item(slf, i)).collect::<PyResult<_>>()?;
    PyTuple::new(slf.py(), items)?.hash()
}

static METHODS: Methods<3> =
    Methods::new([fastcall!(c"getfield", getfield), fastcall!(c"setfield", setfield), END]);

static GETSETS: GetSets<4> = GetSets::new([
    getset!(c"flags", get_flags),
    getset!(c"dtype", get_dtype),
    getset!(c"base", get_base),
    GETSET_END,
]);

/// Slots of `numpy.void`.
///
/// # Safety
/// `ty` is not ready yet.
pub unsafe fn fill(ty: *mut ffi::PyTypeObject) {
    // SAFETY: zeroed tables are valid; they are leaked because the type keeps them.
    unsafe {
        let mapping: &mut ffi::PyMappingMethods = Box::leak(Box::new(std::mem::zeroed()));
        mapping.mp_length = Some(crate::lenfunc!(len));
        mapping.mp_subscript = Some(crate::binaryfunc!(subscript));
        mapping.mp_ass_subscript = Some(crate::objobjargproc!(ass_subscript));
        let sequence: &mut ffi::PySequenceMethods = Box::leak(Box::new(std::mem::zeroed()));
        sequence.sq_length = Some(crate::lenfunc!(len));
        sequence.sq_item = Some(crate::ssizeargfunc!(sq_item));
        sequence.sq_ass_item = Some(crate::ssizeobjargproc!(sq_ass_item));
        (*ty).tp_as_mapping = mapping;
        (*ty).tp_as_sequence = sequence;
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_new = Some(crate::callfunc!(new new));
        (*ty).tp_repr = Some(crate::unaryfunc!(repr));
        (*ty).tp_str = Some(crate::unaryfunc!(str_));
        (*ty).tp_hash = Some(crate::lenfunc!(hash));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
    }
}
