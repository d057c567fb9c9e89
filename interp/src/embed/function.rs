//! `function.__code__` is what CPython compiled.
//!
//! Functions run code objects with entries, and whoever reads the code of a function to make something else of it (numba's
//! bytecode analysis, cloudpickle, `dis`, tests) should find the program's instructions and constants alone. So the
//! attribute of the function type answers the plain code object of a spliced one. The interpreter reads the field of the
//! function and not this attribute. A frame has the code object it runs, to which its positions belong.
//!
//! Tracers look for the frames of a function by `frame.f_code == function.__code__`, and tools keep code objects in dicts. So
//! a spliced code object equals the plain one, and has its hash.
//!
//! Whoever assigns `__code__` assigns what will run: a plain code object, which has no entries.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction};

use super::splice::{is_code, plain_of};

/// CPython's own attribute.
static ORIGINAL: OnceLock<Py<PyAny>> = OnceLock::new();
/// CPython's own comparison and hash of code objects.
static COMPARE: OnceLock<(ffi::richcmpfunc, ffi::hashfunc)> = OnceLock::new();

const NAME: &CStr = c"__code__";

struct Definition(ffi::PyGetSetDef);
// SAFETY: never written, and its pointers are to constants.
unsafe impl Sync for Definition {}

static DEFINITION: Definition = Definition(ffi::PyGetSetDef {
    name: NAME.as_ptr(),
    get: Some(get),
    set: Some(set),
    doc: std::ptr::null(),
    closure: null_mut(),
});

unsafe extern "C" {
    #[cfg(Py_3_12)]
    fn PyType_GetDict(class: *mut ffi::PyTypeObject) -> *mut ffi::PyObject;
}

/// The dict of a type of CPython's own, which its attributes can't be set through.
///
/// # Safety
/// Attached.
unsafe fn dict_of(class: *mut ffi::PyTypeObject) -> *mut ffi::PyObject {
    #[cfg(Py_3_12)]
    // SAFETY: attached, and the type is alive as the caller has it.
    unsafe {
        PyType_GetDict(class)
    }
    #[cfg(not(Py_3_12))]
    // SAFETY: a ready type has a dict.
    unsafe {
        ffi::Py_XNewRef((*class).tp_dict)
    }
}

/// Replaces the attribute. Once per process.
///
/// # Errors
/// What stands in the way.
pub fn install(py: Python<'_>) -> PyResult<()> {
    let function = py.get_type::<PyFunction>();
    let original = function.getattr("__dict__")?.get_item("__code__")?;
    if ORIGINAL.set(original.unbind()).is_err() {
        return Ok(());
    }
    let class = function.as_type_ptr();
    // SAFETY: attached; the definition is a static that CPython only reads; a new descriptor of the same kind and name takes
    // the place of the old one, which stays alive in `ORIGINAL`, and caches are told.
    unsafe {
        let ours = ffi::PyDescr_NewGetSet(class, (&raw const DEFINITION.0).cast_mut());
        let ours = Bound::from_owned_ptr_or_err(py, ours)?;
        let dict = Bound::from_owned_ptr_or_err(py, dict_of(class))?;
        if ffi::PyDict_SetItemString(dict.as_ptr(), NAME.as_ptr(), ours.as_ptr()) < 0 {
            return Err(PyErr::fetch(py));
        }
        ffi::PyType_Modified(class);
        let class = py.get_type::<PyCode>().as_type_ptr();
        if let (Some(compare), Some(hash)) = ((*class).tp_richcompare, (*class).tp_hash)
            && COMPARE.set((compare, hash)).is_ok()
        {
            (*class).tp_richcompare = Some(compare_plain);
            (*class).tp_hash = Some(hash_plain);
            ffi::PyType_Modified(class);
        }
    }
    Ok(())
}

/// What stands for an object in comparisons of code objects.
///
/// # Safety
/// Attached, and a live object.
unsafe fn plain(object: &*mut ffi::PyObject) -> Bound<'_, PyAny> {
    // SAFETY: the caller's promise; the handle does not outlive the call it is made in.
    let object = unsafe { Bound::ref_from_ptr(Python::assume_attached(), object) };
    if is_code(object) { plain_of(object).unwrap_or_else(|| object.clone()) } else { object.clone() }
}

unsafe extern "C" fn compare_plain(
    a: *mut ffi::PyObject,
    b: *mut ffi::PyObject,
    op: c_int,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this attached, with live objects.
    unsafe {
        let Some((compare, _)) = COMPARE.get() else { return null_mut() };
        compare(plain(&a).as_ptr(), plain(&b).as_ptr(), op)
    }
}

unsafe extern "C" fn hash_plain(code: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: as above.
    unsafe {
        let Some((_, hash)) = COMPARE.get() else { return -1 };
        hash(plain(&code).as_ptr())
    }
}

unsafe extern "C" fn get(function: *mut ffi::PyObject, _: *mut c_void) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this attached, with a function. The original is a descriptor that can be read.
    unsafe {
        let py = Python::assume_attached();
        let Some(original) = ORIGINAL.get() else { return null_mut() };
        let descriptor = original.as_ptr();
        let class = ffi::Py_TYPE(function).cast::<ffi::PyObject>();
        let Some(read) = (*ffi::Py_TYPE(descriptor)).tp_descr_get else { return null_mut() };
        let code = read(descriptor, function, class);
        if code.is_null() {
            return code;
        }
        match plain_of(Bound::ref_from_ptr(py, &code)) {
            Some(plain) => {
                ffi::Py_DECREF(code);
                plain.into_ptr()
            }
            None => code,
        }
    }
}

unsafe extern "C" fn set(function: *mut ffi::PyObject, value: *mut ffi::PyObject, _: *mut c_void) -> c_int {
    // SAFETY: CPython calls this attached, with a function and a value or null. The original is a descriptor that can be set.
    unsafe {
        let Some(original) = ORIGINAL.get() else { return -1 };
        let descriptor = original.as_ptr();
        let Some(write) = (*ffi::Py_TYPE(descriptor)).tp_descr_set else { return -1 };
        write(descriptor, function, value)
    }
}
