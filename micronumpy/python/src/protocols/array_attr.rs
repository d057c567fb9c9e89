//! `obj.__array__(dtype=None, copy=None)`.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use pyo3::{ffi, intern};

use crate::objects::array::args::CopyMode;
use crate::objects::array::coercion::NO_COPY_TEXT;
use crate::objects::{Array, Descr};

/// An attribute looked up on the instance as numpy's array protocols do: missing ones are `None`, classes have none of
/// their own (their attributes describe instances).
pub fn lookup<'py>(
    obj: &Bound<'py, PyAny>,
    name: &Bound<'py, pyo3::types::PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = obj.py();
    // An AttributeError holds the object, and an exception that pyo3 drops inside a slot is released late: so this one
    // never becomes a `PyErr`.
    // SAFETY: live objects; a new reference or null with an exception set.
    unsafe {
        let value = ffi::PyObject_GetAttr(obj.as_ptr(), name.as_ptr());
        if !value.is_null() {
            return Ok(Some(Bound::from_owned_ptr(py, value)));
        }
        if ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) != 0 {
            ffi::PyErr_Clear();
            return Ok(None);
        }
        Err(PyErr::fetch(py))
    }
}

/// Call `__array__`; `None` if the object has none. The flag says whether the result is a copy.
pub fn from_array_attr<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    copy: CopyMode,
) -> PyResult<Option<(Array<'py>, bool)>> {
    let py = obj.py();
    let Some(method) = lookup(obj, intern!(py, "__array__"))? else { return Ok(None) };
    // An unbound `__array__` of a class being converted.
    // SAFETY: type and slot checks of a live object.
    if obj.is_instance_of::<PyType>() && unsafe { (*ffi::Py_TYPE(method.as_ptr())).tp_descr_get.is_some() } {
        return Ok(None);
    }
    let args = match descr {
        Some(d) => pyo3::types::PyTuple::new(py, [&d.0])?,
        None => pyo3::types::PyTuple::empty(py),
    };
    // The default of `copy` is "if needed", which is not passed so that old implementations go on working.
    let result = if copy == CopyMode::IfNeeded {
        method.call1(args)?
    } else {
        let kwargs = PyDict::new(py);
        kwargs.set_item(intern!(py, "copy"), copy == CopyMode::Always)?;
        match method.call(&args, Some(&kwargs)) {
            Ok(r) => r,
            Err(e) => {
                let refused = e.is_instance_of::<PyTypeError>(py)
                    && e.value(py).str()?.to_string().contains("got an unexpected keyword argument 'copy'");
                if !refused {
                    return Err(e);
                }
                PyErr::warn(
                    py,
                    &py.get_type::<pyo3::exceptions::PyDeprecationWarning>(),
                    c"__array__ implementation doesn't accept a copy keyword, so passing copy=False failed. __array__ \
                      must implement 'dtype' and 'copy' keyword arguments. To learn more, see the migration guide \
                      https://numpy.org/devdocs/numpy_2_0_migration_guide.html#adapting-to-changes-in-the-copy-keyword",
                    1,
                )?;
                if copy == CopyMode::Never {
                    return Err(PyValueError::new_err(NO_COPY_TEXT));
                }
                let r = method.call1(args)?;
                let Some(arr) = Array::cast(&r) else { return Err(not_an_array()) };
                return Ok(Some((arr, false)));
            }
        }
    };
    let Some(arr) = Array::cast(&result) else { return Err(not_an_array()) };
    Ok(Some((arr, copy == CopyMode::Always)))
}

fn not_an_array() -> PyErr {
    PyValueError::new_err("object __array__ method not producing an array")
}
