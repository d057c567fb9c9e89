//! Version numbers, list arithmetic, raw memory and its handlers: functions that need no array.

use std::ffi::{c_int, c_uint, c_void};

use pyo3::ffi;
use pyo3::prelude::*;

use super::Slot;
use crate::ffi::guard::guard;
use crate::objects::array::memory;

/// NPY_VERSION: the ABI.
const ABI_VERSION: c_uint = 0x0200_0000;
/// NPY_FEATURE_VERSION: the API of numpy 2.4.
const FEATURE_VERSION: c_uint = 0x15;
/// NPY_CPU_LITTLE and NPY_CPU_BIG.
const ENDIANNESS: c_int = if cfg!(target_endian = "little") { 1 } else { 2 };

/// NPY_DEFAULT_ASSIGN_CASTING: same_kind.
static DEFAULT_CASTING: c_int = 3;

pub static SLOTS: &[Slot] = &[
    Slot(0, PyArray_GetNDArrayCVersion as *const ()),
    Slot(158, PyArray_MultiplyList as *const ()),
    Slot(159, PyArray_MultiplyIntList as *const ()),
    Slot(161, PyArray_CompareLists as *const ()),
    Slot(207, PyArray_OverflowMultiplyList as *const ()),
    Slot(210, PyArray_GetEndianness as *const ()),
    Slot(211, PyArray_GetNDArrayCFeatureVersion as *const ()),
    Slot(288, PyDataMem_NEW as *const ()),
    Slot(289, PyDataMem_FREE as *const ()),
    Slot(290, PyDataMem_RENEW as *const ()),
    Slot(292, &raw const DEFAULT_CASTING as *const ()),
    Slot(299, PyDataMem_NEW_ZEROED as *const ()),
    Slot(304, PyDataMem_SetHandler as *const ()),
    Slot(305, PyDataMem_GetHandler as *const ()),
    Slot(306, memory::default_slot()),
];

extern "C" fn PyArray_GetNDArrayCVersion() -> c_uint {
    ABI_VERSION
}

extern "C" fn PyArray_GetNDArrayCFeatureVersion() -> c_uint {
    FEATURE_VERSION
}

extern "C" fn PyArray_GetEndianness() -> c_int {
    ENDIANNESS
}

/// # Safety
/// `list` has `n` entries (or `n` is not positive).
unsafe fn entries<'a, T>(list: *const T, n: c_int) -> &'a [T] {
    if n <= 0 || list.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(list, n as usize) }
}

unsafe extern "C" fn PyArray_MultiplyList(list: *const isize, n: c_int) -> isize {
    // SAFETY: C API contract.
    unsafe { entries(list, n) }.iter().fold(1, |acc, &x| acc.wrapping_mul(x))
}

unsafe extern "C" fn PyArray_MultiplyIntList(list: *const c_int, n: c_int) -> c_int {
    // SAFETY: C API contract.
    unsafe { entries(list, n) }.iter().fold(1, |acc, &x| acc.wrapping_mul(x))
}

/// The product, or -1 when it overflows; zero wins over overflow.
unsafe extern "C" fn PyArray_OverflowMultiplyList(list: *const isize, n: c_int) -> isize {
    // SAFETY: C API contract.
    let dims = unsafe { entries(list, n) };
    if dims.contains(&0) {
        return 0;
    }
    dims.iter().try_fold(1isize, |acc, &x| acc.checked_mul(x)).unwrap_or(-1)
}

unsafe extern "C" fn PyArray_CompareLists(a: *const isize, b: *const isize, n: c_int) -> c_int {
    // SAFETY: C API contract.
    unsafe { c_int::from(entries(a, n) == entries(b, n)) }
}

extern "C" fn PyDataMem_NEW(size: usize) -> *mut c_void {
    // SAFETY: plain allocation; at least one byte, so that the result is unique.
    unsafe { libc::malloc(size.max(1)) }
}

extern "C" fn PyDataMem_NEW_ZEROED(count: usize, size: usize) -> *mut c_void {
    // SAFETY: plain allocation; at least one byte, so that the result is unique.
    unsafe { if count == 0 || size == 0 { libc::calloc(1, 1) } else { libc::calloc(count, size) } }
}

unsafe extern "C" fn PyDataMem_FREE(ptr: *mut c_void) {
    // SAFETY: the caller gives back what `PyDataMem_NEW` or `PyDataMem_RENEW` gave.
    unsafe { libc::free(ptr) }
}

unsafe extern "C" fn PyDataMem_RENEW(ptr: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: as above.
    unsafe { libc::realloc(ptr, size.max(1)) }
}

/// Put a handler in force (null: the default one); the previous one comes back.
unsafe extern "C" fn PyDataMem_SetHandler(handler: *mut ffi::PyObject) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: null or a live object.
        let handler = unsafe { Bound::from_borrowed_ptr_or_opt(py, handler) };
        Ok(memory::set(py, handler.as_ref())?.into_ptr())
    })
}

extern "C" fn PyDataMem_GetHandler() -> *mut ffi::PyObject {
    guard(|py| Ok(memory::current(py)?.into_ptr()))
}
