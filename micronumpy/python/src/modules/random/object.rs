//! What the types of this folder have in common: references the collector sees, and the slots that need them.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use pyo3::ffi;
use pyo3::prelude::*;

use super::Obj;

/// The layout of an object that owns Python references.
///
/// # Safety
/// `Self` is the layout of all instances of the types that use it; `for_each_ref` visits each owned reference (or null) once.
pub unsafe trait Owner {
    fn for_each_ref(&mut self, f: impl FnMut(&mut *mut ffi::PyObject));
}

/// `tp_traverse`
///
/// # Safety
/// A slot of a type with this layout.
pub unsafe extern "C" fn traverse<T: Owner>(
    obj: *mut ffi::PyObject,
    visit: ffi::visitproc,
    arg: *mut c_void,
) -> c_int {
    let mut result = 0;
    // SAFETY: the collector passes a live object and its own callback.
    unsafe {
        (*obj.cast::<T>()).for_each_ref(|slot| {
            if result == 0 && !slot.is_null() {
                result = visit(*slot, arg);
            }
        });
    }
    result
}

/// `tp_clear`
///
/// # Safety
/// A slot of a type with this layout.
pub unsafe extern "C" fn clear<T: Owner>(obj: *mut ffi::PyObject) -> c_int {
    // SAFETY: each reference is owned and taken out before it is given back.
    unsafe {
        (*obj.cast::<T>()).for_each_ref(|slot| ffi::Py_XDECREF(std::mem::replace(slot, null_mut())));
    }
    0
}

/// `tp_dealloc`
///
/// # Safety
/// A slot of a type with this layout that takes part in garbage collection.
pub unsafe extern "C" fn dealloc<T: Owner>(obj: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone.
    unsafe {
        ffi::PyObject_GC_UnTrack(obj.cast());
        clear::<T>(obj);
        if let Some(free) = (*ffi::Py_TYPE(obj)).tp_free {
            free(obj.cast());
        }
    }
}

/// Replace an owned reference.
pub fn set(slot: &mut *mut ffi::PyObject, value: Option<Obj<'_>>) {
    let old = std::mem::replace(slot, value.map_or(null_mut(), Bound::into_ptr));
    // SAFETY: the slot owned it.
    unsafe { ffi::Py_XDECREF(old) };
}

/// What a slot holds; `None` when it is null.
pub fn get<'py>(py: Python<'py>, slot: *mut ffi::PyObject) -> Obj<'py> {
    // SAFETY: slots hold live objects or null.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, slot) }.unwrap_or_else(|| py.None().into_bound(py))
}

/// A fresh instance, zeroed, with references set to `None`.
///
/// # Safety
/// `ty` has layout `T`.
pub unsafe fn alloc<'py, T: Owner>(ty: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: the caller's promise; `ty` is a type object.
    unsafe {
        let alloc = (*ty.as_ptr().cast::<ffi::PyTypeObject>()).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
        let obj = Bound::from_owned_ptr_or_err(ty.py(), alloc(ty.as_ptr().cast(), 0))?;
        (*obj.as_ptr().cast::<T>()).for_each_ref(|slot| *slot = ty.py().None().into_ptr());
        Ok(obj)
    }
}

/// Put a value into the dictionary of a static type that has just been readied.
///
/// # Safety
/// `ty` is ready, and no instance or subclass exists yet.
pub unsafe fn set_class_value(
    py: Python<'_>,
    ty: *mut ffi::PyTypeObject,
    name: &str,
    value: f64,
) -> PyResult<()> {
    // SAFETY: a ready type has a dictionary.
    let dict: Obj<'_> = unsafe { Bound::from_borrowed_ptr(py, (*ty).tp_dict) };
    dict.set_item(name, value)?;
    // SAFETY: as above.
    unsafe { ffi::PyType_Modified(ty) };
    Ok(())
}
