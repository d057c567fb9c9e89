//! Scalar objects: a head and the value.

use std::mem::{offset_of, size_of};

use pyo3::ffi::{PyObject, PyUnicodeObject};

use super::{PyArray_DatetimeMetaData, PyArray_Descr};

/// Any scalar whose value follows the head directly (all numeric types, bool, half).
#[repr(C)]
pub struct PyScalarObject<T> {
    pub ob_base: PyObject,
    pub obval: T,
}

#[repr(C)]
pub struct PyObjectScalarObject {
    pub ob_base: PyObject,
    pub obval: *mut PyObject,
}

/// `datetime64` and `timedelta64`.
#[repr(C)]
pub struct PyDatetimeScalarObject {
    pub ob_base: PyObject,
    pub obval: i64,
    pub obmeta: PyArray_DatetimeMetaData,
}

#[repr(C)]
pub struct PyUnicodeScalarObject {
    pub base: PyUnicodeObject,
    /// The characters as UCS4, made when first asked for.
    pub obval: *mut u32,
    pub buffer_fmt: *mut u8,
}

#[repr(C)]
pub struct PyVoidScalarObject {
    pub ob_base: PyObject,
    /// Variable-size head (`ob_size`).
    pub ob_size: isize,
    pub obval: *mut u8,
    pub descr: *mut PyArray_Descr,
    pub flags: i32,
    pub base: *mut PyObject,
    pub buffer_info: *mut u8,
}

/// The head alone; `tp_basicsize` of abstract types.
pub const GENERIC_SIZE: isize = size_of::<PyObject>() as isize;

const _: () = {
    assert!(size_of::<PyScalarObject<u8>>() == 24);
    assert!(size_of::<PyDatetimeScalarObject>() == 32);
    assert!(size_of::<PyVoidScalarObject>() == 64);
    assert!(offset_of!(PyVoidScalarObject, base) == 48);
};
