//! `__array_wrap__`: which argument decides the type of a result, and asking it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{PyErr, ffi as pyffi, intern};

use super::array::ARRAY_TYPE;
use super::dispatcher::type_attribute;
use super::handles::is_scalar;
use super::{Array, array};

/// `__array_priority__` of scalars: anything else wins.
const SCALAR_PRIORITY: f64 = -1_000_000.0;

/// `__array_priority__` of an argument, `default` when it has none.
pub fn priority(obj: &Bound<'_, PyAny>, default: f64) -> PyResult<f64> {
    if is_exact_array(obj) {
        return Ok(0.0);
    }
    if super::handles::is_python_scalar(obj) || is_scalar(obj) && type_is_builtin_scalar(obj) {
        return Ok(SCALAR_PRIORITY);
    }
    match type_attribute(obj, intern!(obj.py(), "__array_priority__"))? {
        Some(_) => {
            // The instance may shadow the class attribute.
            let value = obj.getattr(intern!(obj.py(), "__array_priority__"));
            Ok(value.and_then(|v| v.extract()).unwrap_or(default))
        }
        None => Ok(default),
    }
}

fn is_exact_array(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: pointer comparison on a live object.
    unsafe { pyffi::Py_TYPE(obj.as_ptr()) == ARRAY_TYPE.as_type() }
}

fn type_is_builtin_scalar(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: reading flags of a live type.
    unsafe { (*pyffi::Py_TYPE(obj.as_ptr())).tp_flags & pyffi::Py_TPFLAGS_HEAPTYPE == 0 }
}

/// The bound `__array_wrap__` of the argument with the highest priority; `None` stands for `ndarray`'s own.
pub fn find_wrap<'py>(args: &[Bound<'py, PyAny>]) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut best: Option<(f64, Option<Bound<'py, PyAny>>)> = None;
    for arg in args {
        let candidate = if is_exact_array(arg) {
            (0.0, None)
        } else if super::handles::is_python_scalar(arg) || is_scalar(arg) && type_is_builtin_scalar(arg) {
            (SCALAR_PRIORITY, None)
        } else {
            if type_attribute(arg, intern!(arg.py(), "__array_wrap__"))?.is_none() {
                continue;
            }
            let wrap = arg.getattr(intern!(arg.py(), "__array_wrap__"))?;
            if !wrap.is_callable() {
                continue;
            }
            (priority(arg, 0.0)?, Some(wrap))
        };
        // Between equals the first one wins, but anything wins over a plain array.
        let plain = |p: f64, w: &Option<Bound<'py, PyAny>>| w.is_none() && p == 0.0;
        let better = |(p, w): &(f64, Option<Bound<'py, PyAny>>)| {
            candidate.0 > *p || candidate.0 == 0.0 && candidate.1.is_some() && plain(*p, w)
        };
        if best.as_ref().is_none_or(better) {
            best = Some(candidate);
        }
    }
    Ok(best.and_then(|(_, w)| w))
}

/// Turn a result array into what the caller gets. `context` is `(ufunc, args, output index)` for ufuncs.
pub fn apply_wrap<'py>(
    arr: Array<'py>,
    wrap: Option<&Bound<'py, PyAny>>,
    context: Option<&Bound<'py, PyAny>>,
    return_scalar: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arr.py();
    let Some(wrap) = wrap else {
        return if return_scalar { array::unwrap_0d(arr) } else { Ok(arr.0) };
    };
    let context = context.cloned().unwrap_or_else(|| py.None().into_bound(py));
    let full = wrap.call1((&arr.0, &context, return_scalar && arr.ndim() == 0));
    let Err(err) = full else { return full };
    if !err.is_instance_of::<PyTypeError>(py) {
        return Err(err);
    }
    // Older signatures take fewer arguments; an error of the body itself must not be hidden.
    let retries = [PyTuple::new(py, [&arr.0, &context])?, PyTuple::new(py, [&arr.0])?];
    for args in retries {
        if let Ok(result) = wrap.call1(args) {
            let category = py.get_type::<pyo3::exceptions::PyDeprecationWarning>();
            PyErr::warn(
                py,
                &category,
                c"__array_wrap__ must accept context and return_scalar arguments (positionally) in the future. (Deprecated NumPy 2.0)",
                1,
            )?;
            return Ok(result);
        }
    }
    Err(err)
}
