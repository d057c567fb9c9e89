//! From anything to a descriptor: `numpy.dtype(obj)`.

use micronumpy::TypeNum;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::{as_class, builtin};
use crate::error::missing;
use crate::objects::{Descr, scalar};

/// Anything `numpy.dtype(obj)` accepts (`None` is float64), as the C API's `PyArray_DescrConverter`.
pub fn convert<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
    let py = obj.py();
    if let Some(descr) = Descr::cast(obj) {
        return Ok(descr);
    }
    if obj.is_none() {
        return Ok(builtin(py, TypeNum::DOUBLE));
    }
    if let Ok(ty) = obj.cast::<PyType>() {
        return from_type(ty);
    }
    if let Ok(text) = obj.extract::<&str>()
        && let [ch] = text.as_bytes()
        && let Some(num) = TypeNum::from_char(*ch).filter(|n| n.0 < TypeNum::NTYPES as i32)
    {
        return Ok(builtin(py, num));
    }
    Err(missing("this form of dtype()"))
}

fn from_type<'py>(ty: &Bound<'py, PyType>) -> PyResult<Descr<'py>> {
    let py = ty.py();
    if let Some(num) = scalar::typenum_of_class(ty.as_type_ptr()) {
        return Ok(builtin(py, num));
    }
    let raw = ty.as_type_ptr();
    for (python, num) in [
        (&raw mut ffi::PyFloat_Type, TypeNum::DOUBLE),
        (&raw mut ffi::PyLong_Type, TypeNum::LONG),
        (&raw mut ffi::PyBool_Type, TypeNum::BOOL),
        (&raw mut ffi::PyComplex_Type, TypeNum::CDOUBLE),
        (&raw mut ffi::PyBytes_Type, TypeNum::STRING),
        (&raw mut ffi::PyUnicode_Type, TypeNum::UNICODE),
        (&raw mut ffi::PyMemoryView_Type, TypeNum::VOID),
        (&raw mut ffi::PyBaseObject_Type, TypeNum::OBJECT),
    ] {
        if raw == python {
            return Ok(builtin(py, num));
        }
    }
    if let Some(class) = as_class(ty) {
        // SAFETY: a live DType class.
        let single = unsafe { (*class).singleton };
        if !single.is_null() {
            // SAFETY: singletons are live descriptors.
            return Ok(Descr(unsafe { Bound::from_borrowed_ptr(py, single.cast()) }));
        }
    }
    Err(missing("dtype() of this type"))
}

/// `numpy.dtype.__new__`
pub(super) fn dtype_new<'py>(
    _cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    _kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(convert(&args.get_item(0)?)?.0)
}

/// `numpy.dtypes.Float64DType()` and its like.
pub(super) fn legacy_new<'py>(
    cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if args.len()? != 0 || kwargs.is_some() {
        return Err(PyTypeError::new_err(
            "currently only the no-argument instantiation is supported; use `np.dtype` instead.",
        ));
    }
    Ok(convert(cls)?.0)
}
