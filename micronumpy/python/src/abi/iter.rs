//! The legacy iterators. They keep 32 dimensions although arrays may have 64: that is the ABI.

use std::ffi::c_void;
use std::mem::{offset_of, size_of};

use pyo3::ffi::PyObject;

use super::PyArrayObject;

pub const NPY_MAXDIMS_LEGACY_ITERS: usize = 32;
pub const NPY_MAXARGS: usize = 64;

#[repr(C)]
pub struct PyArrayIterObject {
    pub ob_base: PyObject,
    pub nd_m1: i32,
    pub index: isize,
    pub size: isize,
    pub coordinates: [isize; 32],
    pub dims_m1: [isize; 32],
    pub strides: [isize; 32],
    pub backstrides: [isize; 32],
    pub factors: [isize; 32],
    pub ao: *mut PyArrayObject,
    pub dataptr: *mut u8,
    pub contiguous: u8,
    pub bounds: [[isize; 2]; 32],
    pub limits: [[isize; 2]; 32],
    pub limits_sizes: [isize; 32],
    pub translate: *mut c_void,
}

#[repr(C)]
pub struct PyArrayMultiIterObject {
    pub ob_base: PyObject,
    pub numiter: i32,
    pub size: isize,
    pub index: isize,
    pub nd: i32,
    pub dimensions: [isize; 32],
    pub iters: [*mut PyArrayIterObject; 64],
}

#[repr(C)]
pub struct PyArrayNeighborhoodIterObject {
    pub base: PyArrayIterObject,
    pub nd: isize,
    pub dimensions: [isize; 32],
    pub internal_iter: *mut PyArrayIterObject,
    pub constant: *mut u8,
    pub mode: i32,
}

const _: () = {
    assert!(size_of::<PyArrayIterObject>() == 2632);
    assert!(offset_of!(PyArrayIterObject, ao) == 1320);
    assert!(offset_of!(PyArrayIterObject, translate) == 2624);
    assert!(size_of::<PyArrayMultiIterObject>() == 816);
    assert!(offset_of!(PyArrayMultiIterObject, iters) == 304);
    assert!(size_of::<PyArrayNeighborhoodIterObject>() == 2920);
};
