//! Descriptors and their metaclass.

use std::ffi::c_void;
use std::mem::{offset_of, size_of};

use pyo3::ffi::{PyHeapTypeObject, PyObject, PyTypeObject};

#[repr(C)]
pub struct PyArray_Descr {
    pub ob_base: PyObject,
    pub typeobj: *mut PyTypeObject,
    pub kind: u8,
    pub type_: u8,
    pub byteorder: u8,
    pub former_flags: u8,
    pub type_num: i32,
    pub flags: u64,
    pub elsize: isize,
    pub alignment: isize,
    pub metadata: *mut PyObject,
    pub hash: isize,
    /// Reserved by the ABI; the first word holds our `Box<micronumpy::Dtype>` (or null until asked for).
    pub core: *mut micronumpy::Dtype,
    pub reserved_null: *mut c_void,
}

/// What every legacy (builtin or old-style user) descriptor is.
#[repr(C)]
pub struct PyArray_LegacyDescr {
    pub base: PyArray_Descr,
    pub subarray: *mut PyArray_ArrayDescr,
    pub fields: *mut PyObject,
    pub names: *mut PyObject,
    pub c_metadata: *mut NpyAuxData,
}

#[repr(C)]
pub struct PyArray_ArrayDescr {
    pub base: *mut PyArray_Descr,
    pub shape: *mut PyObject,
}

#[repr(C)]
pub struct NpyAuxData {
    pub free: Option<unsafe extern "C" fn(*mut NpyAuxData)>,
    pub clone: Option<unsafe extern "C" fn(*mut NpyAuxData) -> *mut NpyAuxData>,
    pub reserved: [*mut c_void; 2],
}

#[repr(C)]
pub struct PyArray_DatetimeMetaData {
    pub base: i32,
    pub num: i32,
}

#[repr(C)]
pub struct PyArray_DatetimeDTypeMetaData {
    pub base: NpyAuxData,
    pub meta: PyArray_DatetimeMetaData,
}

/// The struct old-style extensions fill to register a type.
#[repr(C)]
pub struct PyArray_DescrProto {
    pub ob_base: PyObject,
    pub typeobj: *mut PyTypeObject,
    pub kind: u8,
    pub type_: u8,
    pub byteorder: u8,
    pub flags: u8,
    pub type_num: i32,
    pub elsize: i32,
    pub alignment: i32,
    pub subarray: *mut PyArray_ArrayDescr,
    pub fields: *mut PyObject,
    pub names: *mut PyObject,
    pub f: *mut PyArray_ArrFuncs,
    pub metadata: *mut PyObject,
    pub c_metadata: *mut NpyAuxData,
    pub hash: isize,
}

#[repr(C)]
pub struct PyArray_DTypeMeta {
    pub super_: PyHeapTypeObject,
    pub singleton: *mut PyArray_Descr,
    pub type_num: i32,
    pub scalar_type: *mut PyTypeObject,
    pub flags: u64,
    pub dt_slots: *mut c_void,
    pub reserved: [*mut c_void; 3],
}

pub const NPY_DT_LEGACY: u64 = 1;
pub const NPY_DT_ABSTRACT: u64 = 2;
pub const NPY_DT_PARAMETRIC: u64 = 4;
pub const NPY_DT_NUMERIC: u64 = 8;

pub type PyArray_VectorUnaryFunc =
    unsafe extern "C" fn(*mut c_void, *mut c_void, isize, *mut c_void, *mut c_void);
pub type PyArray_CompareFunc = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> i32;

#[repr(C)]
pub struct PyArray_ArrFuncs {
    pub cast: [Option<PyArray_VectorUnaryFunc>; 21],
    pub getitem: Option<unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut PyObject>,
    pub setitem: Option<unsafe extern "C" fn(*mut PyObject, *mut c_void, *mut c_void) -> i32>,
    pub copyswapn:
        Option<unsafe extern "C" fn(*mut c_void, isize, *mut c_void, isize, isize, i32, *mut c_void)>,
    pub copyswap: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, i32, *mut c_void)>,
    pub compare: Option<PyArray_CompareFunc>,
    pub argmax: Option<unsafe extern "C" fn(*mut c_void, isize, *mut isize, *mut c_void) -> i32>,
    pub dotfunc:
        Option<unsafe extern "C" fn(*mut c_void, isize, *mut c_void, isize, *mut c_void, isize, *mut c_void)>,
    pub scanfunc: *mut c_void,
    pub fromstr: *mut c_void,
    pub nonzero: Option<unsafe extern "C" fn(*mut c_void, *mut c_void) -> u8>,
    pub fill: Option<unsafe extern "C" fn(*mut c_void, isize, *mut c_void) -> i32>,
    pub fillwithscalar: Option<unsafe extern "C" fn(*mut c_void, isize, *mut c_void, *mut c_void) -> i32>,
    pub sort: [*mut c_void; 3],
    pub argsort: [*mut c_void; 3],
    pub castdict: *mut PyObject,
    pub scalarkind: *mut c_void,
    pub cancastscalarkindto: *mut *mut i32,
    pub cancastto: *mut i32,
    pub unused: [*mut c_void; 3],
    pub argmin: Option<unsafe extern "C" fn(*mut c_void, isize, *mut isize, *mut c_void) -> i32>,
}

const _: () = {
    assert!(size_of::<PyArray_Descr>() == 88);
    assert!(offset_of!(PyArray_Descr, type_num) == 28);
    assert!(offset_of!(PyArray_Descr, elsize) == 40);
    assert!(offset_of!(PyArray_Descr, hash) == 64);
    assert!(size_of::<PyArray_LegacyDescr>() == 120);
    assert!(offset_of!(PyArray_LegacyDescr, names) == 104);
    assert!(size_of::<PyArray_DescrProto>() == 96);
    assert!(offset_of!(PyArray_DescrProto, f) == 64);
    assert!(size_of::<PyArray_ArrFuncs>() == 376);
    assert!(offset_of!(PyArray_ArrFuncs, argmin) == 368);
    assert!(size_of::<PyArray_DTypeMeta>() == size_of::<PyHeapTypeObject>() + 64);
};
