//! Types registered at run time in the old way and the new, their casts.

use std::ffi::c_int;

use micronumpy::TypeNum;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::Slot;
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::Descr;
use crate::objects::dtype::{DtypeClass, class, user};
use crate::objects::method::casts;

pub static SLOTS: &[Slot] = &[
    Slot(192, PyArray_RegisterDataType as *const ()),
    Slot(193, PyArray_RegisterCastFunc as *const ()),
    Slot(194, PyArray_RegisterCanCast as *const ()),
    Slot(195, PyArray_InitArrFuncs as *const ()),
    Slot(361, PyArray_GetDefaultDescr as *const ()),
    Slot(362, PyArrayInitDTypeMeta_FromSpec as *const ()),
    Slot(363, PyArray_CommonDType as *const ()),
];

unsafe extern "C" fn PyArray_RegisterDataType(proto: *mut PyArray_DescrProto) -> c_int {
    // SAFETY: the C API's contract.
    guard(|py| unsafe { user::register(py, proto) }.map(|num| num.0))
}

unsafe extern "C" fn PyArray_RegisterCastFunc(
    descr: *mut PyArray_Descr,
    to: c_int,
    function: Option<PyArray_VectorUnaryFunc>,
) -> c_int {
    guard(|py| {
        let Some(function) = function else { return Err(PyValueError::new_err("no casting function given")) };
        // SAFETY: a live descriptor.
        let descr = unsafe { Descr(Bound::from_borrowed_ptr(py, descr.cast())) };
        let from = descr.dtype().num;
        let known = |num: TypeNum| {
            (0..TypeNum::NTYPES as i32).contains(&num.0) || user::descr_of_num(py, num).is_some()
        };
        if !known(TypeNum(to)) {
            return Err(PyTypeError::new_err("invalid type number."));
        }
        casts::register_function(py, from, TypeNum(to), function)?;
        Ok(0)
    })
}

unsafe extern "C" fn PyArray_RegisterCanCast(descr: *mut PyArray_Descr, to: c_int, _: c_int) -> c_int {
    guard(|py| {
        // SAFETY: a live descriptor.
        let descr = unsafe { Descr(Bound::from_borrowed_ptr(py, descr.cast())) };
        let (from, to) = (descr.dtype().num, TypeNum(to));
        if !from.is_user() && !to.is_user() {
            return Err(PyValueError::new_err("At least one of the types provided must be user-defined."));
        }
        casts::declare_safe(from, to);
        Ok(0)
    })
}

unsafe extern "C" fn PyArray_InitArrFuncs(functions: *mut PyArray_ArrFuncs) {
    // SAFETY: room for the table; all its fields may be null.
    unsafe { functions.write_bytes(0, 1) };
}

unsafe extern "C" fn PyArray_GetDefaultDescr(class: *mut PyArray_DTypeMeta) -> *mut PyArray_Descr {
    guard(|py| {
        // SAFETY: a live object.
        let class = unsafe { DtypeClass::from_ptr(py, class) };
        let class = class.ok_or_else(|| PyTypeError::new_err("not a DType class"))?;
        Ok(class.default_descr()?.0.into_ptr().cast())
    })
}

unsafe extern "C" fn PyArrayInitDTypeMeta_FromSpec(
    class: *mut PyArray_DTypeMeta,
    spec: *mut PyArrayDTypeMeta_Spec,
) -> c_int {
    // SAFETY: the C API's contract.
    guard(|py| unsafe { class::init_from_spec(py, class, spec) }.map(|()| 0))
}

unsafe extern "C" fn PyArray_CommonDType(
    a: *mut PyArray_DTypeMeta,
    b: *mut PyArray_DTypeMeta,
) -> *mut PyArray_DTypeMeta {
    guard(|py| {
        // SAFETY: live objects.
        let (a, b) = unsafe { (DtypeClass::from_ptr(py, a), DtypeClass::from_ptr(py, b)) };
        let (Some(a), Some(b)) = (a, b) else { return Err(PyTypeError::new_err("not a DType class")) };
        Ok(class::common(&a, &b)?.0.into_ptr().cast())
    })
}
