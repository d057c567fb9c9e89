//! Data memory handlers (NEP 49).

use std::ffi::c_void;
use std::mem::{offset_of, size_of};

#[repr(C)]
pub struct PyDataMemAllocator {
    pub ctx: *mut c_void,
    pub malloc: Option<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void>,
    pub calloc: Option<unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void>,
    pub realloc: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize)>,
}

#[repr(C)]
pub struct PyDataMem_Handler {
    pub name: [u8; 127],
    pub version: u8,
    pub allocator: PyDataMemAllocator,
}

// SAFETY: a handler is a constant table; its functions are called with the GIL held.
unsafe impl Sync for PyDataMem_Handler {}

const _: () = {
    assert!(size_of::<PyDataMemAllocator>() == 40);
    assert!(size_of::<PyDataMem_Handler>() == 168);
    assert!(offset_of!(PyDataMem_Handler, allocator) == 128);
};
