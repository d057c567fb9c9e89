//! `numpy._DTypeMeta`: the type of DType classes.

use std::mem::offset_of;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::DTYPEMETA_TYPE;
use crate::abi::*;
use crate::ffi::methods::{GETSET_END, GetSets};
use crate::ffi::types;
use crate::getset;

fn flag<'py>(slf: &Bound<'py, PyAny>, bit: u64) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: attributes of the metaclass are only reached on its instances, which have its layout.
    let on = unsafe { (*slf.as_ptr().cast::<PyArray_DTypeMeta>()).flags & bit != 0 };
    Ok(PyBool::new(slf.py(), on).to_owned().into_any())
}

fn is_abstract<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, NPY_DT_ABSTRACT)
}
fn is_legacy<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, NPY_DT_LEGACY)
}
fn is_parametric<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, NPY_DT_PARAMETRIC)
}
fn is_numeric<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    flag(slf, NPY_DT_NUMERIC)
}

fn refuse<'py>(
    _: &Bound<'py, PyAny>,
    _: &Bound<'py, PyAny>,
    _: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Err(PyTypeError::new_err("Preliminary-API: Cannot subclass DType."))
}

fn no_init<'py>(_: &Bound<'py, PyAny>, _: &Bound<'py, PyAny>, _: Option<&Bound<'py, PyAny>>) -> PyResult<()> {
    Err(PyTypeError::new_err("Preliminary-API: Cannot __init__ DType class."))
}

/// DType classes are never collected: they live as long as the process, like all static types.
unsafe extern "C" fn is_gc(_: *mut ffi::PyObject) -> std::ffi::c_int {
    0
}

static GETSETS: GetSets<5> = GetSets::new([
    getset!(c"_abstract", is_abstract),
    getset!(c"_legacy", is_legacy),
    getset!(c"_parametric", is_parametric),
    getset!(c"_is_numeric", is_numeric),
    GETSET_END,
]);

/// Ready the metaclass.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let members = Box::leak(Box::new([
        super::member(c"type", super::T_OBJECT, offset_of!(PyArray_DTypeMeta, scalar_type)),
        super::MEMBER_END,
    ]));
    // SAFETY: the type is zeroed and not in use yet.
    unsafe {
        let ty = DTYPEMETA_TYPE.as_type();
        types::prepare(ty, c"numpy._DTypeMeta", size_of::<PyArray_DTypeMeta>(), 0);
        (*ty).tp_base = &raw mut ffi::PyType_Type;
        (*ty).tp_getset = GETSETS.as_ptr();
        (*ty).tp_members = members.as_mut_ptr();
        (*ty).tp_new = Some(crate::callfunc!(new refuse));
        (*ty).tp_init = Some(crate::initproc!(no_init));
        (*ty).tp_is_gc = Some(is_gc);
        types::ready(py, ty)
    }
}
