//! Where array data comes from: the handler capsule in force (NEP 49), or plain `malloc` by default.
//!
//! Every array that owns its data keeps the capsule it was allocated by. The default handler's functions are those of the
//! object space's own buffers, so a buffer made there can be given to an array object without copying.

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use micronumpy::array::buffer;
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::abi::{PyDataMem_Handler, PyDataMemAllocator};

/// Name of handler capsules.
pub const CAPSULE_NAME: &CStr = c"mem_handler";
/// numpy's tracemalloc domain.
pub const TRACEMALLOC_DOMAIN: c_uint = 389047;

unsafe extern "C" {
    fn PyTraceMalloc_Track(domain: c_uint, ptr: usize, size: usize) -> c_int;
    fn PyTraceMalloc_Untrack(domain: c_uint, ptr: usize) -> c_int;
    fn PyContextVar_New(name: *const c_char, default: *mut ffi::PyObject) -> *mut ffi::PyObject;
    fn PyContextVar_Get(
        var: *mut ffi::PyObject,
        default: *mut ffi::PyObject,
        value: *mut *mut ffi::PyObject,
    ) -> c_int;
    fn PyContextVar_Set(var: *mut ffi::PyObject, value: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

unsafe extern "C" fn default_malloc(_: *mut c_void, size: usize) -> *mut c_void {
    buffer::alloc(size, false).unwrap_or(null_mut()).cast()
}
unsafe extern "C" fn default_calloc(_: *mut c_void, n: usize, size: usize) -> *mut c_void {
    n.checked_mul(size).and_then(|bytes| buffer::alloc(bytes, true)).unwrap_or(null_mut()).cast()
}
unsafe extern "C" fn default_realloc(_: *mut c_void, p: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller passes a block of this allocator, which is one of `malloc`'s.
    unsafe { libc::realloc(p, size.max(1)) }
}
unsafe extern "C" fn default_free(_: *mut c_void, p: *mut c_void, _: usize) {
    // SAFETY: the caller passes a block of this allocator and forgets it.
    unsafe { buffer::free(p.cast()) }
}

const fn handler_name() -> [u8; 127] {
    let mut name = [0; 127];
    let text = b"default_allocator";
    let mut i = 0;
    while i < text.len() {
        name[i] = text[i];
        i += 1;
    }
    name
}

static DEFAULT: PyDataMem_Handler = PyDataMem_Handler {
    name: handler_name(),
    version: 1,
    allocator: PyDataMemAllocator {
        ctx: null_mut(),
        malloc: Some(default_malloc),
        calloc: Some(default_calloc),
        realloc: Some(default_realloc),
        free: Some(default_free),
    },
};

#[repr(C)]
struct State {
    /// Capsule around [`DEFAULT`]. First, since compiled code reads it at the address of the state.
    capsule: *mut ffi::PyObject,
    /// Context variable with the handler in force, made when one is first set.
    var: *mut ffi::PyObject,
}
#[repr(transparent)]
struct Shared(UnsafeCell<State>);
// SAFETY: touched with the GIL held only.
unsafe impl Sync for Shared {}
static STATE: Shared = Shared(UnsafeCell::new(State { capsule: null_mut(), var: null_mut() }));

fn state() -> &'static mut State {
    // SAFETY: the GIL serialises access and no reference is kept across calls into Python.
    unsafe { &mut *STATE.0.get() }
}

/// Make the default handler's capsule.
pub fn init(py: Python<'_>) -> PyResult<()> {
    if state().capsule.is_null() {
        // SAFETY: the handler and the name are static.
        let capsule = unsafe {
            ffi::PyCapsule_New((&raw const DEFAULT).cast_mut().cast(), CAPSULE_NAME.as_ptr(), None)
        };
        if capsule.is_null() {
            return Err(PyErr::fetch(py));
        }
        state().capsule = capsule;
    }
    Ok(())
}

/// The capsule of the default handler (borrowed, immortal).
pub fn default_capsule() -> *mut ffi::PyObject {
    state().capsule
}

/// Where compiled code reads the default handler's capsule.
pub const fn default_slot() -> *const () {
    (&raw const STATE).cast()
}

/// The handler in force: a new reference.
pub fn current<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let st = state();
    let mut value = null_mut();
    // SAFETY: `var` is null or a context variable whose default is the capsule; `value` gets a new reference.
    unsafe {
        if st.var.is_null() {
            return Ok(Bound::from_borrowed_ptr(py, st.capsule));
        }
        if PyContextVar_Get(st.var, null_mut(), &mut value) < 0 {
            return Err(PyErr::fetch(py));
        }
        Bound::from_owned_ptr_or_err(py, value)
    }
}

/// Put another handler in force (`None`: the default one); gives the previous one back.
///
/// # Errors
/// For anything but a capsule of a handler.
pub fn set<'py>(py: Python<'py>, handler: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a live object and a static name.
    let named =
        |h: &Bound<'_, PyAny>| unsafe { ffi::PyCapsule_IsValid(h.as_ptr(), CAPSULE_NAME.as_ptr()) != 0 };
    if !handler.is_none_or(named) {
        return Err(PyValueError::new_err("Capsule must be named 'mem_handler'"));
    }
    let old = current(py)?;
    // SAFETY: live objects; the variable is kept for the life of the process.
    unsafe {
        if state().var.is_null() {
            let var = PyContextVar_New(c"current_allocator".as_ptr(), state().capsule);
            if var.is_null() {
                return Err(PyErr::fetch(py));
            }
            state().var = var;
        }
        let value = handler.map_or(state().capsule, |h| h.as_ptr());
        let token = PyContextVar_Set(state().var, value);
        if token.is_null() {
            return Err(PyErr::fetch(py));
        }
        ffi::Py_DECREF(token);
    }
    Ok(old)
}

/// The functions behind a handler capsule, `None` if it is no handler.
///
/// # Safety
/// `capsule` is a live object.
pub unsafe fn handler<'a>(capsule: *mut ffi::PyObject) -> Option<&'a PyDataMem_Handler> {
    if capsule == state().capsule {
        return Some(&DEFAULT);
    }
    // SAFETY: a capsule of this name holds a handler that outlives it.
    unsafe {
        let p = ffi::PyCapsule_GetPointer(capsule, CAPSULE_NAME.as_ptr());
        if p.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(&*p.cast())
    }
}

/// Tell tracemalloc about a new block.
pub fn note_alloc(p: *mut u8, size: usize) {
    // SAFETY: bookkeeping by address only.
    unsafe { PyTraceMalloc_Track(TRACEMALLOC_DOMAIN, p as usize, size) };
}

/// A new block from a handler, or null.
///
/// # Safety
/// `capsule` is a live handler capsule.
pub unsafe fn alloc(capsule: *mut ffi::PyObject, size: usize, zeroed: bool) -> *mut u8 {
    // SAFETY: the functions of the handler are called as NEP 49 says.
    unsafe {
        let Some(h) = handler(capsule) else { return null_mut() };
        let a = &h.allocator;
        let p = match (zeroed, a.calloc, a.malloc) {
            (true, Some(calloc), _) => calloc(a.ctx, size.max(1), 1),
            (false, _, Some(malloc)) => malloc(a.ctx, size.max(1)),
            _ => null_mut(),
        };
        if !p.is_null() {
            note_alloc(p.cast(), size);
        }
        p.cast()
    }
}

/// A block of another size with the same beginning, or null (the old block stays).
///
/// # Safety
/// `p` is a block from this handler.
pub unsafe fn realloc(capsule: *mut ffi::PyObject, p: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(h) = handler(capsule) else { return null_mut() };
        let Some(realloc) = h.allocator.realloc else { return null_mut() };
        let q = realloc(h.allocator.ctx, p.cast(), size.max(1));
        if !q.is_null() {
            if q != p.cast() {
                PyTraceMalloc_Untrack(TRACEMALLOC_DOMAIN, p as usize);
            }
            note_alloc(q.cast(), size);
        }
        q.cast()
    }
}

/// Give a block back.
///
/// # Safety
/// `p` is a block of `size` bytes from this handler, not used afterwards.
pub unsafe fn free(capsule: *mut ffi::PyObject, p: *mut u8, size: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        PyTraceMalloc_Untrack(TRACEMALLOC_DOMAIN, p as usize);
        if capsule == state().capsule && size < buffer::LARGE {
            return libc::free(p.cast());
        }
        match handler(capsule) {
            Some(PyDataMem_Handler {
                allocator: PyDataMemAllocator { free: Some(free), ctx, .. }, ..
            }) => {
                free(*ctx, p.cast(), size.max(1));
            }
            _ => libc::free(p.cast()),
        }
    }
}

fn no_policy() -> &'static AtomicBool {
    static WARNS: LazyLock<AtomicBool> = LazyLock::new(|| {
        AtomicBool::new(std::env::var_os("NUMPY_WARN_IF_NO_MEM_POLICY").is_some_and(|v| v == "1"))
    });
    &WARNS
}

/// Whether freeing memory of an unknown allocator warns: as `NUMPY_WARN_IF_NO_MEM_POLICY` says, or as was said since.
pub fn warns_of_no_policy() -> bool {
    no_policy().load(Ordering::Relaxed)
}

/// Say whether it does; what was said before is returned.
pub fn warn_of_no_policy(warns: bool) -> bool {
    no_policy().swap(warns, Ordering::Relaxed)
}
