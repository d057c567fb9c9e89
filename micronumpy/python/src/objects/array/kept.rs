//! Memory that is looked at after its array has let go of it.
//!
//! `resize(refcheck=False)` and `__setstate__` give an array other memory although views, iterators and operations under
//! way (an element's own code may call them) point into the old one. numpy leaves them dangling. Here the old block stays
//! until the array ends, and all who point into it hold the array. Growing at least doubles the block, so the blocks kept
//! are together no larger than the one in use; shrinking keeps the block that is there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use micronumpy::ArrayRef;
use micronumpy::cast::{release_objects, retain_objects};
use pyo3::PyResult;
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;

use super::alloc::Make;
use super::memory;
use crate::abi::*;
use crate::objects::Array;

#[derive(Default)]
struct Kept {
    /// Bytes of the block in use, if they are not what the array's shape says.
    capacity: Option<usize>,
    /// Array objects that own the blocks no longer in use; a reference to each.
    old: Vec<usize>,
}

/// By the address of the array object.
static KEPT: LazyLock<Mutex<HashMap<usize, Kept>>> = LazyLock::new(Mutex::default);
/// Whether there ever was one: most programs have none, and every array asks when it ends.
static EVER: AtomicBool = AtomicBool::new(false);

fn all() -> MutexGuard<'static, HashMap<usize, Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the array keeps any memory.
pub fn any(arr: &Array<'_>) -> bool {
    EVER.load(Ordering::Relaxed) && all().contains_key(&arr.raw().addr())
}

/// Keep `old`, which owns memory that was the array's, until the array ends.
pub fn hold(arr: &Array<'_>, old: Array<'_>, capacity: Option<usize>) {
    EVER.store(true, Ordering::Relaxed);
    let mut all = all();
    let kept = all.entry(arr.raw().addr()).or_default();
    kept.old.push(old.0.into_ptr().expose_provenance());
    kept.capacity = capacity;
}

/// Give the array a block of at least `new_bytes` with the same beginning, new bytes zeroed.
///
/// # Errors
/// Memory.
///
/// # Safety
/// The array owns its memory, by a handler, and its shape still says how much of it is in use; the caller sets another.
pub unsafe fn resize(arr: &Array<'_>, new_bytes: usize) -> PyResult<()> {
    let (a, dtype, used) = (arr.raw(), arr.dtype(), arr.size() * arr.itemsize());
    let known = all().get(&a.addr()).and_then(|k| k.capacity);
    let held = known.unwrap_or(used);
    let items = |nbytes: usize| [(nbytes / dtype.itemsize.max(1)) as isize];
    let step = [dtype.itemsize as isize];
    // SAFETY: blocks of `held` and `larger` bytes, which are whole elements; everything below stays inside.
    unsafe {
        if new_bytes <= held {
            if new_bytes < used {
                let n = items(used - new_bytes);
                release_objects(&ArrayRef::new((*a).data.add(new_bytes), &n, &step, dtype));
            } else {
                std::ptr::write_bytes((*a).data.add(used), 0, new_bytes - used);
            }
            EVER.store(true, Ordering::Relaxed);
            all().entry(a.addr()).or_default().capacity = Some(held);
            return Ok(());
        }
        let larger = new_bytes.max(held.saturating_mul(2));
        let n = items(held);
        let old =
            Make { data: (*a).data, allow_empty_string: true, ..Make::new(&arr.descr(), &n) }.build()?;
        let new = memory::alloc((*a).mem_handler, larger, true);
        if new.is_null() {
            return Err(PyMemoryError::new_err("cannot allocate memory for array"));
        }
        std::ptr::copy_nonoverlapping((*a).data, new, used);
        retain_objects(&ArrayRef::new(new, &items(used), &step, dtype));
        (*a).data = new;
        (*old.raw()).flags |= NPY_ARRAY_OWNDATA;
        ffi::Py_INCREF((*a).mem_handler);
        (*old.raw()).mem_handler = (*a).mem_handler;
        hold(arr, old, Some(larger));
    }
    Ok(())
}

/// Give back what the array kept. The size of its block in use, if it is not what its shape says.
///
/// # Safety
/// The array is ending; nobody looks at it.
#[inline]
pub unsafe fn end(a: *mut PyArrayObject) -> Option<usize> {
    if !EVER.load(Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe { forget(a) }
}

/// # Safety
/// As for [`end`].
#[cold]
unsafe fn forget(a: *mut PyArrayObject) -> Option<usize> {
    let kept = all().remove(&a.addr())?;
    for old in kept.old {
        // SAFETY: the reference `hold` took over.
        unsafe { ffi::Py_DECREF(std::ptr::with_exposed_provenance_mut(old)) };
    }
    kept.capacity
}
