//! `add_docstring`: docstrings of compiled objects come from the Python layer, at import.
//!
//! CPython keeps `const char *` into the definition tables, so the text is copied once and never freed.

use std::ffi::{CString, c_char};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString};
use pyo3::{ffi as pyffi, intern};

use crate::fastcall;
use crate::ffi::Args;
use crate::ffi::methods::{END, Methods};

static FUNCTIONS: Methods<2> = Methods::new([fastcall!(c"add_docstring", add_docstring), END]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

/// Head of every descriptor object.
#[repr(C)]
struct DescrHead {
    ob_base: pyffi::PyObject,
    d_type: *mut pyffi::PyTypeObject,
    d_name: *mut pyffi::PyObject,
    d_qualname: *mut pyffi::PyObject,
    /// `PyMethodDef*`, `PyGetSetDef*` or `PyMemberDef*`.
    d_def: *mut std::ffi::c_void,
}

fn add_docstring<'py>(module: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    let none = py.None().into_bound(py);
    // Under -OO docstrings are stripped everywhere.
    // SAFETY: reading a plain flag of the runtime.
    #[allow(deprecated)]
    if unsafe { pyffi::Py_OptimizeFlag } > 1 {
        return Ok(none);
    }
    let (Some(obj), doc) = (args.get(0), args.get(1)) else {
        return Err(PyTypeError::new_err("add_docstring() missing required positional argument 0"));
    };
    let Some(doc) = doc else {
        return Err(PyTypeError::new_err("add_docstring() missing required positional argument 1"));
    };
    let Ok(text) = doc.cast::<PyString>() else {
        return Err(PyTypeError::new_err("argument docstring of add_docstring should be a str"));
    };
    let text = text.to_str()?;
    // SAFETY: the type of the object says which layout it has; slots hold null or C strings.
    unsafe {
        let ptr = obj.as_ptr();
        let ty = pyffi::Py_TYPE(ptr);
        if pyffi::PyCFunction_CheckExact(ptr) != 0 {
            let def = (*ptr.cast::<pyffi::PyCFunctionObject>()).m_ml;
            return set(&raw mut (*def).ml_doc, text, "function", &obj).map(|()| none);
        }
        if pyffi::PyType_Check(ptr) != 0 {
            let slot = &raw mut (*ptr.cast::<pyffi::PyTypeObject>()).tp_doc;
            set(slot, text, "type", &obj)?;
            // Instances find `__doc__` in the type's dict, which was made before the text was known.
            let type_dict = (*ptr.cast::<pyffi::PyTypeObject>()).tp_dict;
            if !type_dict.is_null() {
                let shown = text.split_once("\n--\n\n").map_or(text, |(_, body)| body);
                let shown = PyString::new(py, shown);
                let current = pyffi::PyDict_GetItemWithError(type_dict, intern!(py, "__doc__").as_ptr());
                if current.is_null() || current == pyffi::Py_None() {
                    pyffi::PyDict_SetItem(type_dict, intern!(py, "__doc__").as_ptr(), shown.as_ptr());
                    pyffi::PyType_Modified(ptr.cast());
                }
            }
            return Ok(none);
        }
        if ty == &raw mut pyffi::PyMethodDescr_Type || ty == &raw mut pyffi::PyClassMethodDescr_Type {
            let def: *mut pyffi::PyMethodDef = (*ptr.cast::<DescrHead>()).d_def.cast();
            return set(&raw mut (*def).ml_doc, text, "method", &obj).map(|()| none);
        }
        if ty == &raw mut pyffi::PyGetSetDescr_Type {
            let def: *mut pyffi::PyGetSetDef = (*ptr.cast::<DescrHead>()).d_def.cast();
            return set(&raw mut (*def).doc, text, "getset", &obj).map(|()| none);
        }
        if ty == &raw mut pyffi::PyMemberDescr_Type {
            let def: *mut pyffi::PyMemberDef = (*ptr.cast::<DescrHead>()).d_def.cast();
            return set(&raw mut (*def).doc, text, "member", &obj).map(|()| none);
        }
        if ty == &raw mut pyffi::PyWrapperDescr_Type {
            return Err(already("wrapper", &obj));
        }
    }
    if obj.get_type().name()? == "function" {
        let own = obj.getattr(intern!(py, "__doc__"))?;
        if own.is_none() {
            obj.setattr(intern!(py, "__doc__"), doc)?;
        } else if !own.eq(&doc)? {
            return Err(already("function", &obj));
        }
        return Ok(none);
    }
    Err(PyTypeError::new_err("Cannot set a docstring for that object"))
}

fn already(kind: &str, obj: &Bound<'_, PyAny>) -> PyErr {
    let name = obj.getattr("__name__").map(|n| n.to_string()).unwrap_or_else(|_| kind.to_string());
    PyRuntimeError::new_err(format!("{name} method already has a different docstring"))
}

/// Store the text in a slot that is empty or holds the same text.
///
/// # Safety
/// `slot` is null or a C string that lives for the process.
unsafe fn set(slot: *mut *const c_char, text: &str, kind: &str, obj: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if (*slot).is_null() {
            let text = CString::new(text)?;
            *slot = text.into_raw();
            return Ok(());
        }
        if std::ffi::CStr::from_ptr(*slot).to_bytes() == text.as_bytes() {
            return Ok(());
        }
    }
    Err(already(kind, obj))
}
