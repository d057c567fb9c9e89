//! Attributes of `ndarray`.

use micronumpy::array::{reshape_shape, reshape_view};
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{IntoPyObjectExt, ffi, intern};

use super::alloc::{self, Make};
use super::{args, flags};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::ffi::methods::{GETSET_END, GetSets};
use crate::getset;
use crate::objects::{Array, Descr};

type Obj<'py> = Bound<'py, PyAny>;

fn ndim<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Array(slf.clone()).ndim().into_bound_py_any(slf.py())
}
fn flags<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    flags::of_array(&Array(slf.clone()))
}
fn shape<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    args::int_tuple(slf.py(), Array(slf.clone()).shape())
}
fn set_shape(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let Some(value) = value else { return Err(PyAttributeError::new_err("Cannot delete array shape")) };
    let arr = Array(slf.clone());
    let request = args::shape(value)?;
    let new = reshape_shape(arr.size(), &request).py(slf.py())?;
    match reshape_view(arr.shape(), arr.strides(), &new, arr.itemsize(), false) {
        // SAFETY: the same elements in another shape.
        Some(st) => unsafe { alloc::set_geometry(&arr, &new, &st) },
        None => Err(PyAttributeError::new_err(
            "Incompatible shape for in-place modification. Use `.reshape()` to make a copy with the desired shape.",
        )),
    }
}
fn strides<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    args::int_tuple(slf.py(), Array(slf.clone()).strides())
}
fn set_strides(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let py = slf.py();
    let Some(value) = value else { return Err(PyAttributeError::new_err("Cannot delete array strides")) };
    PyErr::warn(
        py,
        &py.get_type::<pyo3::exceptions::PyDeprecationWarning>(),
        c"Setting the strides on a NumPy array has been deprecated in NumPy 2.4.\nAs an alternative, you can create \
          a new view using np.lib.stride_tricks.as_strided.",
        1,
    )?;
    let arr = Array(slf.clone());
    let Some(st) = args::optional_shape(value)? else {
        return Err(PyTypeError::new_err("invalid strides"));
    };
    if st.len() != arr.ndim() {
        return Err(PyValueError::new_err(format!("strides must be  same length as shape ({})", arr.ndim())));
    }
    // The memory that may be reached is that of the array at the end of the chain of bases.
    let mut owner = arr.clone();
    loop {
        // SAFETY: bases are live objects or null.
        let base = unsafe { Bound::from_borrowed_ptr_or_opt(py, (*owner.raw()).base) };
        match base.as_ref().and_then(Array::cast) {
            Some(b) => owner = b,
            None => break,
        }
    }
    // SAFETY: as above.
    let base = unsafe { Bound::from_borrowed_ptr_or_opt(py, (*owner.raw()).base) };
    let buffer = base.as_ref().and_then(|b| crate::protocols::buffer::Memory::of(b).ok());
    let (start, nbytes) = match &buffer {
        Some(m) => (m.data, m.len),
        None => match alloc::extent(owner.shape(), owner.strides(), owner.itemsize()) {
            Some((lo, hi)) => (owner.data().wrapping_offset(lo), (hi - lo) as usize),
            None => (owner.data(), 0),
        },
    };
    let offset = arr.data() as isize - start as isize;
    if !alloc::strides_fit(arr.shape(), &st, arr.itemsize(), nbytes, offset) {
        return Err(PyValueError::new_err("strides is not compatible with available memory"));
    }
    let shape = micronumpy::Dims::from_slice(arr.shape());
    // SAFETY: checked just now.
    unsafe { alloc::set_geometry(&arr, &shape, &st) }
}
fn data<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: live object; a new reference or null.
    unsafe { crate::ffi::guard::owned(slf.py(), ffi::PyMemoryView_FromObject(slf.as_ptr())) }
}
fn itemsize<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Array(slf.clone()).itemsize().into_bound_py_any(slf.py())
}
fn size<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Array(slf.clone()).size().into_bound_py_any(slf.py())
}
fn nbytes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let a = Array(slf.clone());
    (a.size() * a.itemsize()).into_bound_py_any(slf.py())
}
fn base<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    // SAFETY: the base is a live object or null.
    let base = unsafe { Bound::from_borrowed_ptr_or_opt(py, (*slf.as_ptr().cast::<PyArrayObject>()).base) };
    Ok(base.unwrap_or_else(|| py.None().into_bound(py)))
}
fn dtype<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(Array(slf.clone()).descr().0)
}

/// Whether elements of one dtype may be read as another through the same memory, objects considered.
fn check_reinterpret<'py>(from: &Descr<'py>, to: &Descr<'py>) -> PyResult<()> {
    if !(from.dtype().has_object() || to.dtype().has_object()) {
        return Ok(());
    }
    cached(from.py(), "numpy._core._internal", "_view_is_safe")?.call1((from.0.clone(), to.0.clone()))?;
    Ok(())
}

/// Look at the memory of `arr` as elements of another dtype, in place (`arr.dtype = descr`).
pub fn reinterpret<'py>(arr: &Array<'py>, descr: &Descr<'py>) -> PyResult<()> {
    let py = arr.py();
    let old = arr.descr();
    if old.is(descr) {
        return Ok(());
    }
    check_reinterpret(&old, descr)?;
    let mut descr = descr.clone();
    let num = descr.dtype().num;
    let empty_subarray = descr.itemsize() == 0 && descr.dtype().subarray().is_some();
    // Void of no size takes the size there is.
    if descr.dtype().is_unsized() && num == TypeNum::VOID && old.itemsize() != 0 {
        let mut dt = descr.dtype().clone();
        dt.itemsize = old.itemsize();
        descr = crate::objects::dtype::descr_of(py, &dt)?;
    }
    let (from, to) = (old.itemsize(), if empty_subarray { old.itemsize() } else { descr.itemsize() });
    let mut shape = micronumpy::Dims::from_slice(arr.shape());
    let mut strides = micronumpy::Dims::from_slice(arr.strides());
    if from != to {
        let Some(last) = shape.len().checked_sub(1) else {
            return Err(PyValueError::new_err(
                "Changing the dtype of a 0d array is only supported if the itemsize is unchanged",
            ));
        };
        if descr.dtype().subarray().is_some() {
            return Err(PyValueError::new_err(
                "Changing the dtype to a subarray type is only supported if the total itemsize is unchanged",
            ));
        }
        if !(shape[last] == 1 || arr.size() == 0 || strides[last] == from as isize) {
            return Err(PyValueError::new_err(
                "To change to a dtype of a different size, the last axis must be contiguous",
            ));
        }
        if to < from {
            if to == 0 || from % to != 0 {
                return Err(PyValueError::new_err(
                    "When changing to a smaller dtype, its size must be a divisor of the size of original dtype",
                ));
            }
            shape[last] *= (from / to) as isize;
        } else {
            let total = shape[last] as usize * from;
            if !total.is_multiple_of(to) {
                return Err(PyValueError::new_err(
                    "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the \
                     last axis of the array.",
                ));
            }
            shape[last] = (total / to) as isize;
        }
        strides[last] = to as isize;
    }
    if let Some((base, inner)) = descr.dtype().subarray() {
        let st = micronumpy::array::contiguous_strides(inner, base.itemsize, false);
        if shape.len() + inner.len() > micronumpy::array::MAXDIMS {
            return Err(alloc::too_many_dims(shape.len() + inner.len()));
        }
        shape.extend_from_slice(inner);
        strides.extend(st);
        descr = alloc::subarray_parts(&descr)?.0;
    }
    // SAFETY: the new geometry covers the same bytes; the old descriptor is released after the new one is in place.
    unsafe {
        let a = arr.raw();
        let old = (*a).descr;
        (*a).descr = descr.0.into_ptr().cast();
        ffi::Py_DECREF(old.cast());
        alloc::set_geometry(arr, &shape, &strides)
    }
}

fn set_dtype(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let Some(value) = value else { return Err(PyAttributeError::new_err("Cannot delete array dtype")) };
    let descr = crate::objects::dtype::convert(value)?;
    reinterpret(&Array(slf.clone()), &descr)
}

/// The real or imaginary components of a complex array, as a view.
pub fn component<'py>(arr: &Array<'py>, imag: bool) -> PyResult<Array<'py>> {
    let py = arr.py();
    let dt = arr.dtype();
    let part = Dtype { byteorder: dt.byteorder, ..Dtype::builtin(dt.num.real_part()) };
    let descr = crate::objects::dtype::descr_of(py, &part)?;
    let data = if imag { arr.data().wrapping_add(part.itemsize) } else { arr.data() };
    // SAFETY: components lie inside the elements.
    unsafe { alloc::derived_view(arr, &descr, data, arr.shape(), arr.strides()) }
}

/// `arr.real`
pub fn real<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    let num = arr.dtype().num;
    if num.is_complex() {
        return Ok(component(&arr, false)?.0);
    }
    Ok(slf.clone())
}
fn set_real(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(PyAttributeError::new_err("Cannot delete array real part"));
    };
    let arr = Array(slf.clone());
    let target = if arr.dtype().num.is_complex() { component(&arr, false)? } else { arr };
    super::assign::assign(&target, value)
}
/// `arr.imag`
pub fn imag<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    let num = arr.dtype().num;
    if num.is_complex() {
        return Ok(component(&arr, true)?.0);
    }
    let ty = slf.get_type().into_any();
    // SAFETY: fresh zeroed memory.
    let out = unsafe {
        Make {
            subtype: Some(&ty),
            fortran: alloc::is_fortran_only(&arr),
            zeroed: true,
            parent: Some(slf),
            ..Make::new(&arr.descr(), arr.shape())
        }
        .build()?
    };
    super::assign::fill_zero(&out)?;
    flags::set(&out, NPY_ARRAY_WRITEABLE, false);
    Ok(out.0)
}
fn set_imag(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(PyAttributeError::new_err("Cannot delete array imaginary part"));
    };
    let arr = Array(slf.clone());
    if !arr.dtype().num.is_complex() {
        return Err(PyTypeError::new_err("array does not have imaginary part to set"));
    }
    super::assign::assign(&component(&arr, true)?, value)
}

fn flat<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    super::flat_iter(&Array(slf.clone()))
}
fn set_flat(slf: &Obj<'_>, value: Option<&Obj<'_>>) -> PyResult<()> {
    let Some(value) = value else {
        return Err(PyAttributeError::new_err("Cannot delete array flat iterator"));
    };
    super::assign::assign_flat(&Array(slf.clone()), value)
}
fn ctypes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let cls = cached(slf.py(), "numpy._core._internal", "_ctypes")?;
    cls.call1((slf, Array(slf.clone()).data() as usize))
}
fn transposed<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    let n = arr.ndim();
    if n <= 1 && arr.is_exact() {
        return Ok(alloc::plain_view(&arr, None)?.0);
    }
    let axes: micronumpy::Dims = (0..n as isize).rev().collect();
    Ok(super::methods::transpose_axes(&arr, &axes)?.0)
}
fn matrix_transposed<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    let n = arr.ndim();
    if n < 2 {
        return Err(PyValueError::new_err("matrix transpose with ndim < 2 is undefined"));
    }
    let mut axes: micronumpy::Dims = (0..n as isize).collect();
    axes.swap(n - 1, n - 2);
    Ok(super::methods::transpose_axes(&arr, &axes)?.0)
}
fn device<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    "cpu".into_bound_py_any(slf.py())
}

/// `(address, read_only)`
fn interface_data<'py>(arr: &Array<'py>) -> PyResult<Obj<'py>> {
    // Asking for the address makes it public: writes through it are as good as through the array.
    let writeable = arr.is_writeable() && !arr.has_flags(NPY_ARRAY_WARN_ON_WRITE);
    (arr.data() as usize, !writeable).into_bound_py_any(arr.py())
}

fn array_interface<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let arr = Array(slf.clone());
    let descr = arr.descr();
    let d = PyDict::new(py);
    d.set_item(intern!(py, "data"), interface_data(&arr)?)?;
    let st = if arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) {
        py.None().into_bound(py)
    } else {
        args::int_tuple(py, arr.strides())?
    };
    d.set_item(intern!(py, "strides"), st)?;
    let fields = match descr.0.getattr(intern!(py, "descr")) {
        Ok(fields) => fields,
        // Fields a list cannot express are passed as raw bytes.
        Err(_) => [("", format!("|V{}", descr.itemsize()))].into_bound_py_any(py)?,
    };
    d.set_item(intern!(py, "descr"), fields)?;
    d.set_item(intern!(py, "typestr"), descr.0.getattr(intern!(py, "str"))?)?;
    d.set_item(intern!(py, "shape"), args::int_tuple(py, arr.shape())?)?;
    d.set_item(intern!(py, "version"), 3)?;
    Ok(d.into_any())
}
fn array_struct<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    crate::protocols::interface::struct_capsule(&Array(slf.clone()))
}
fn array_priority<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    0.0f64.into_bound_py_any(slf.py())
}

pub static GETSETS: GetSets<21> = GetSets::new([
    getset!(c"ndim", ndim),
    getset!(c"flags", flags),
    getset!(c"shape", shape, set_shape),
    getset!(c"strides", strides, set_strides),
    getset!(c"data", data),
    getset!(c"itemsize", itemsize),
    getset!(c"size", size),
    getset!(c"nbytes", nbytes),
    getset!(c"base", base),
    getset!(c"dtype", dtype, set_dtype),
    getset!(c"real", real, set_real),
    getset!(c"imag", imag, set_imag),
    getset!(c"flat", flat, set_flat),
    getset!(c"ctypes", ctypes),
    getset!(c"T", transposed),
    getset!(c"mT", matrix_transposed),
    getset!(c"device", device),
    getset!(c"__array_interface__", array_interface),
    getset!(c"__array_struct__", array_struct),
    getset!(c"__array_priority__", array_priority),
    GETSET_END,
]);

impl<'py> Descr<'py> {
    /// The same object.
    pub fn is(&self, other: &Descr<'py>) -> bool {
        self.0.is(&other.0)
    }
}
