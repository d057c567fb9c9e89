//! `PyArrayObject_fields` and its flags.

use std::mem::{offset_of, size_of};

use pyo3::ffi::PyObject;

use super::PyArray_Descr;

#[repr(C)]
pub struct PyArrayObject {
    pub ob_base: PyObject,
    pub data: *mut u8,
    pub nd: i32,
    /// One allocation: `nd` dimensions, then `nd` strides.
    pub dimensions: *mut isize,
    pub strides: *mut isize,
    pub base: *mut PyObject,
    pub descr: *mut PyArray_Descr,
    pub flags: i32,
    pub weakreflist: *mut PyObject,
    pub buffer_info: *mut u8,
    pub mem_handler: *mut PyObject,
}

const _: () = {
    assert!(size_of::<PyArrayObject>() == 96);
    assert!(offset_of!(PyArrayObject, data) == 16);
    assert!(offset_of!(PyArrayObject, dimensions) == 32);
    assert!(offset_of!(PyArrayObject, descr) == 56);
    assert!(offset_of!(PyArrayObject, flags) == 64);
    assert!(offset_of!(PyArrayObject, mem_handler) == 88);
};

pub const NPY_ARRAY_C_CONTIGUOUS: i32 = 0x0001;
pub const NPY_ARRAY_F_CONTIGUOUS: i32 = 0x0002;
pub const NPY_ARRAY_OWNDATA: i32 = 0x0004;
pub const NPY_ARRAY_FORCECAST: i32 = 0x0010;
pub const NPY_ARRAY_ENSURECOPY: i32 = 0x0020;
pub const NPY_ARRAY_ENSUREARRAY: i32 = 0x0040;
pub const NPY_ARRAY_ELEMENTSTRIDES: i32 = 0x0080;
pub const NPY_ARRAY_ALIGNED: i32 = 0x0100;
pub const NPY_ARRAY_NOTSWAPPED: i32 = 0x0200;
pub const NPY_ARRAY_WRITEABLE: i32 = 0x0400;
pub const NPY_ARRAY_WRITEBACKIFCOPY: i32 = 0x2000;
pub const NPY_ARRAY_ENSURENOCOPY: i32 = 0x4000;
/// Internal: warn once when written to.
pub const NPY_ARRAY_WARN_ON_WRITE: i32 = 1 << 31;

pub const NPY_ARRAY_BEHAVED: i32 = NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
pub const NPY_ARRAY_CARRAY: i32 = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_BEHAVED;
pub const NPY_ARRAY_FARRAY: i32 = NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_BEHAVED;
pub const NPY_ARRAY_CARRAY_RO: i32 = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED;
pub const NPY_ARRAY_DEFAULT: i32 = NPY_ARRAY_CARRAY;
