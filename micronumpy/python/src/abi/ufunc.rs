//! `PyUFuncObject` and what hangs on it.

use std::ffi::{c_char, c_void};
use std::mem::{offset_of, size_of};

use pyo3::ffi::{PyObject, vectorcallfunc};

/// The legacy loop signature.
pub type PyUFuncGenericFunction =
    Option<unsafe extern "C" fn(*mut *mut c_char, *const isize, *const isize, *mut c_void)>;

#[repr(C)]
pub struct PyUFuncObject {
    pub ob_base: PyObject,
    pub nin: i32,
    pub nout: i32,
    pub nargs: i32,
    pub identity: i32,
    pub functions: *mut PyUFuncGenericFunction,
    pub data: *const *mut c_void,
    pub ntypes: i32,
    pub reserved1: i32,
    pub name: *const c_char,
    pub types: *const c_char,
    pub doc: *const c_char,
    /// Memory of whoever made the ufunc, freed with it.
    pub ptr: *mut c_void,
    pub obj: *mut PyObject,
    pub userloops: *mut PyObject,
    pub core_enabled: i32,
    pub core_num_dim_ix: i32,
    pub core_num_dims: *mut i32,
    pub core_dim_ixs: *mut i32,
    pub core_offsets: *mut i32,
    pub core_signature: *mut c_char,
    pub type_resolver: *mut c_void,
    pub dict: *mut PyObject,
    pub vectorcall: Option<vectorcallfunc>,
    pub reserved3: *mut c_void,
    pub op_flags: *mut u32,
    pub iter_flags: u32,
    pub core_dim_sizes: *mut isize,
    pub core_dim_flags: *mut u32,
    pub identity_value: *mut PyObject,
    /// Ours: `Box` of the Rust side of the ufunc.
    pub dispatch_cache: *mut c_void,
    pub loops: *mut PyObject,
    pub process_core_dims_func: Option<unsafe extern "C" fn(*mut PyUFuncObject, *mut isize) -> i32>,
}

pub const PyUFunc_Zero: i32 = 0;
pub const PyUFunc_One: i32 = 1;
pub const PyUFunc_MinusOne: i32 = 2;
pub const PyUFunc_None: i32 = -1;
pub const PyUFunc_ReorderableNone: i32 = -2;
pub const PyUFunc_IdentityValue: i32 = -3;

const _: () = {
    assert!(size_of::<PyUFuncObject>() == 240);
    assert!(offset_of!(PyUFuncObject, types) == 64);
    assert!(offset_of!(PyUFuncObject, userloops) == 96);
    assert!(offset_of!(PyUFuncObject, core_signature) == 136);
    assert!(offset_of!(PyUFuncObject, vectorcall) == 160);
    assert!(offset_of!(PyUFuncObject, process_core_dims_func) == 232);
};
