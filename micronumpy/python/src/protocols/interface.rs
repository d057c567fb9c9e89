//! `__array_interface__` (a dict) and `__array_struct__` (a C struct in a capsule), in both directions.

use std::ffi::c_char;
use std::mem::{offset_of, size_of};
use std::ptr::null_mut;

use micronumpy::{Dims, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};
use pyo3::{ffi, intern};

use super::array_attr::lookup;
use super::buffer::Memory;
use crate::abi::*;
use crate::objects::array::alloc::{self, Make};
use crate::objects::array::{args, assign};
use crate::objects::{Array, Descr, dtype};

/// The C struct of `__array_struct__`.
#[repr(C)]
struct PyArrayInterface {
    two: i32,
    nd: i32,
    typekind: c_char,
    itemsize: i32,
    flags: i32,
    shape: *mut isize,
    strides: *mut isize,
    data: *mut u8,
    descr: *mut ffi::PyObject,
}
const _: () = assert!(size_of::<PyArrayInterface>() == 56 && offset_of!(PyArrayInterface, shape) == 24);

const HAS_DESCR: i32 = 0x0800;

unsafe extern "C" fn free_struct(capsule: *mut ffi::PyObject) {
    // SAFETY: our capsule: pointer to a boxed struct with boxed dims, context is the array.
    unsafe {
        let p = ffi::PyCapsule_GetPointer(capsule, std::ptr::null()).cast::<PyArrayInterface>();
        if p.is_null() {
            ffi::PyErr_Clear();
            return;
        }
        let owner = ffi::PyCapsule_GetContext(capsule).cast::<ffi::PyObject>();
        let b = Box::from_raw(p);
        if b.nd > 0 {
            drop(Vec::from_raw_parts(b.shape, 2 * b.nd as usize, 2 * b.nd as usize));
        }
        ffi::Py_XDECREF(b.descr);
        ffi::Py_XDECREF(owner);
    }
}

/// `arr.__array_struct__`
pub fn struct_capsule<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = arr.py();
    let dt = arr.dtype();
    let nd = arr.ndim();
    let mut dims: Vec<isize> = Vec::with_capacity(2 * nd);
    dims.extend_from_slice(arr.shape());
    dims.extend_from_slice(arr.strides());
    dims.shrink_to_fit();
    // Ownership is nobody's business outside; byte order is given by a flag.
    let mut flags = arr.flags() & !(NPY_ARRAY_WRITEBACKIFCOPY | NPY_ARRAY_OWNDATA);
    if flags & NPY_ARRAY_WARN_ON_WRITE != 0 {
        // Nobody outside knows of the warning.
        flags &= !NPY_ARRAY_WRITEABLE;
    }
    if dt.is_native() {
        flags |= NPY_ARRAY_NOTSWAPPED;
    }
    let mut descr = null_mut();
    if dt.fields().is_some() {
        descr = arr.descr().0.getattr(intern!(py, "descr"))?.into_ptr();
        flags |= HAS_DESCR;
    }
    let mut dims = std::mem::ManuallyDrop::new(dims.into_boxed_slice());
    let boxed = Box::new(PyArrayInterface {
        two: 2,
        nd: nd as i32,
        typekind: dt.num.kind() as c_char,
        itemsize: dt.itemsize as i32,
        flags,
        shape: if nd == 0 { null_mut() } else { dims.as_mut_ptr() },
        strides: if nd == 0 { null_mut() } else { dims.as_mut_ptr().wrapping_add(nd) },
        data: arr.data(),
        descr,
    });
    // SAFETY: the destructor above matches what is stored here.
    unsafe {
        let capsule = crate::ffi::guard::owned(
            py,
            ffi::PyCapsule_New(Box::into_raw(boxed).cast(), std::ptr::null(), Some(free_struct)),
        )?;
        ffi::PyCapsule_SetContext(capsule.as_ptr(), arr.0.clone().into_ptr().cast());
        Ok(capsule)
    }
}

/// Whether the protocol attribute belongs to a class object, where it describes instances.
fn is_unbound(obj: &Bound<'_, PyAny>, attr: &Bound<'_, PyAny>) -> bool {
    // SAFETY: slot check of a live object.
    obj.is_instance_of::<pyo3::types::PyType>()
        && unsafe { (*ffi::Py_TYPE(attr.as_ptr())).tp_descr_get.is_some() }
}

/// An array of what `__array_struct__` describes.
pub fn from_struct<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
    let py = obj.py();
    let Some(attr) = lookup(obj, intern!(py, "__array_struct__"))? else { return Ok(None) };
    let bad = || PyValueError::new_err("invalid __array_struct__");
    // SAFETY: a capsule of no name holds the struct, whose first field says so.
    unsafe {
        if ffi::PyCapsule_CheckExact(attr.as_ptr()) == 0 {
            if is_unbound(obj, &attr) {
                return Ok(None);
            }
            return Err(bad());
        }
        let p = ffi::PyCapsule_GetPointer(attr.as_ptr(), std::ptr::null()).cast::<PyArrayInterface>();
        if p.is_null() {
            ffi::PyErr_Clear();
            return Err(bad());
        }
        let i = &*p;
        if i.two != 2 || i.nd < 0 || i.nd as usize > micronumpy::array::MAXDIMS {
            return Err(bad());
        }
        let n = i.nd as usize;
        if n > 0 && (i.shape.is_null() || i.strides.is_null()) {
            return Err(bad());
        }
        let (shape, strides): (&[isize], &[isize]) = if n == 0 {
            (&[], &[])
        } else {
            (std::slice::from_raw_parts(i.shape, n), std::slice::from_raw_parts(i.strides, n))
        };
        let descr = if i.flags & HAS_DESCR != 0 && !i.descr.is_null() {
            dtype::convert(&Bound::from_borrowed_ptr(py, i.descr))?
        } else {
            let order = if i.flags & NPY_ARRAY_NOTSWAPPED != 0 { '=' } else { '>' };
            let kind = i.typekind as u8 as char;
            let size = if kind == 'U' { i.itemsize / 4 } else { i.itemsize };
            dtype::convert(PyString::new(py, &format!("{order}{kind}{size}")).as_any())?
        };
        if i.data.is_null() {
            if !shape.contains(&0) {
                return Err(bad());
            }
            return alloc::new(&descr, shape, micronumpy::Order::C, false).map(Some);
        }
        let base = PyTuple::new(py, [obj.clone(), attr.clone()])?.into_any();
        let out = Make {
            data: i.data,
            strides: Some(strides),
            writeable: i.flags & NPY_ARRAY_WRITEABLE != 0,
            base: Some(base),
            allow_empty_string: true,
            ..Make::new(&descr, shape)
        }
        .build()?;
        (*out.raw()).flags |= i.flags & NPY_ARRAY_NOTSWAPPED;
        Ok(Some(out))
    }
}

/// An array of what `__array_interface__` describes.
pub fn from_interface<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
    let py = obj.py();
    let Some(iface) = lookup(obj, intern!(py, "__array_interface__"))? else { return Ok(None) };
    let Ok(dict) = iface.cast::<PyDict>() else {
        if is_unbound(obj, &iface) {
            return Ok(None);
        }
        return Err(PyValueError::new_err("Invalid __array_interface__ value, must be a dict"));
    };
    let Some(typestr) = dict.get_item("typestr")? else {
        return Err(PyValueError::new_err("Missing __array_interface__ typestr"));
    };
    if !(typestr.is_instance_of::<PyString>() || typestr.is_instance_of::<PyBytes>()) {
        return Err(PyTypeError::new_err("__array_interface__ typestr must be a string"));
    }
    let mut descr = dtype::convert(&typestr)?;
    if descr.dtype().num == TypeNum::VOID {
        if let Some(list) = dict.get_item("descr")? {
            // The trivial description adds nothing.
            let trivial = list.len().is_ok_and(|n| n == 1)
                && list
                    .get_item(0)
                    .and_then(|t| t.get_item(0))
                    .and_then(|n| n.extract::<String>())
                    .is_ok_and(|s| s.is_empty());
            if !trivial {
                let full = dtype::convert(&list)?;
                if full.itemsize() == descr.itemsize() {
                    descr = full;
                }
            }
        }
    }
    let data = dict.get_item("data")?.filter(|d| !d.is_none());
    let shape = match dict.get_item("shape")? {
        Some(s) => match s.cast::<PyTuple>() {
            Ok(t) if t.len() > micronumpy::array::MAXDIMS => {
                return Err(PyValueError::new_err(format!(
                    "number of dimensions must be within [0, {}], got {}",
                    micronumpy::array::MAXDIMS,
                    t.len()
                )));
            }
            Ok(t) => args::sequence(t.iter(), t.len())?,
            Err(_) => return Err(PyTypeError::new_err("shape must be a tuple")),
        },
        None if dict.contains("data")? => {
            return Err(PyValueError::new_err("Missing __array_interface__ shape"));
        }
        None => Dims::new(),
    };
    let strides = match dict.get_item("strides")?.filter(|s| !s.is_none()) {
        Some(s) => {
            let Ok(t) = s.cast::<PyTuple>() else {
                return Err(PyTypeError::new_err("strides must be a tuple"));
            };
            if t.len() != shape.len() {
                return Err(PyValueError::new_err("mismatch in length of strides and shape"));
            }
            Some(args::sequence(t.iter(), t.len())?)
        }
        None => None,
    };
    let mut owner = obj.clone();
    let writeable;
    let mut limit = None;
    let pointer: *mut u8;
    let is_tuple = data.as_ref().is_some_and(|d| d.is_instance_of::<PyTuple>());
    match &data {
        Some(d) if is_tuple => {
            let t = d.cast::<PyTuple>()?;
            if t.len() != 2 {
                return Err(PyTypeError::new_err(
                    "__array_interface__ data must be a 2-tuple with (data pointer integer, read-only flag)",
                ));
            }
            let p = t.get_item(0)?;
            if !p.is_instance_of::<pyo3::types::PyInt>() {
                return Err(PyTypeError::new_err(
                    "first element of __array_interface__ data tuple must be an integer.",
                ));
            }
            let address: usize = p.extract()?;
            pointer = address as *mut u8;
            writeable = !t.get_item(1)?.is_truthy()?;
        }
        other => {
            let base = match other {
                Some(d) => d.clone(),
                None => obj.clone(),
            };
            match Memory::of(&base) {
                Ok(mem) => {
                    if descr.dtype().has_object() {
                        return Err(PyValueError::new_err("cannot construct array of objects from a buffer"));
                    }
                    let offset = match dict.get_item("offset")? {
                        Some(o) => args::index(&o).map_err(|_| {
                            PyTypeError::new_err("__array_interface__ offset must be an integer")
                        })?,
                        None => 0,
                    };
                    if offset < 0 || offset as usize > mem.len {
                        return Err(PyValueError::new_err(
                            "__array_interface__ offset is outside the buffer",
                        ));
                    }
                    pointer = mem.data.wrapping_offset(offset);
                    limit = Some((mem.len, offset));
                    writeable = mem.writeable;
                    owner = mem.owner.clone();
                }
                Err(e) if dict.contains("data")? => return Err(e),
                Err(_) => {
                    // No memory at all: the object itself is the value of a scalar. It is asked as a number or a string,
                    // for its protocols would lead back here.
                    let arr = alloc::new(&descr, &shape, micronumpy::Order::C, false)?;
                    if arr.size() > 1 {
                        return Err(PyValueError::new_err("cannot coerce scalar to array with size > 1"));
                    }
                    assign::assign_scalar(&arr, obj)?;
                    return Ok(Some(arr));
                }
            }
        }
    }
    let itemsize = descr.itemsize();
    if let Some((len, offset)) = limit {
        let st = match &strides {
            Some(s) => s.clone(),
            None => Dims::from_vec(micronumpy::array::contiguous_strides(&shape, itemsize, false)),
        };
        alloc::checked_nbytes(&shape, itemsize)?;
        if !alloc::strides_fit(&shape, &st, itemsize, len, offset) {
            return Err(PyValueError::new_err("buffer is too small for requested array"));
        }
    }
    let empty = shape.contains(&0);
    if pointer.is_null() {
        if !empty && itemsize != 0 {
            return Err(PyValueError::new_err(
                "data is NULL but array contains data, in older versions of NumPy this may have used the scalar path.  To get the \
                 scalar path you must leave the data field undefined.",
            ));
        }
        let arr = alloc::new(&descr, &shape, micronumpy::Order::C, false)?;
        // The object counts as the base, although the memory is the array's own.
        // SAFETY: a fresh array, which has no base yet.
        unsafe { (*arr.raw()).base = owner.into_ptr() };
        return Ok(Some(arr));
    }
    // SAFETY: either checked against the buffer, or an address the object vouches for.
    let out = unsafe {
        Make {
            data: pointer,
            strides: strides.as_deref(),
            writeable,
            base: Some(owner),
            allow_empty_string: true,
            ..Make::new(&descr, &shape)
        }
        .build()?
    };
    Ok(Some(out))
}

/// Whether a descriptor is the same as another, for callers outside.
pub fn same(a: &Descr<'_>, b: &Descr<'_>) -> bool {
    a.is(b)
}
