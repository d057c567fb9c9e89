//! `__array_ufunc__`: operands that take a whole call over.
//!
//! Inputs, outputs and `where` are asked left to right, but a subclass before its base, each type once. What they get is
//! the call in one normal form: positional inputs, everything else by keyword, `out` always a tuple.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{ffi, intern};

use super::UfuncRef;
use crate::ffi::import::cached;
use crate::objects::array::ARRAY_TYPE;
use crate::objects::dispatcher::type_attribute;
use crate::objects::handles::is_python_scalar;
use crate::objects::scalar::types::typenum_of_class;

/// Whether an object certainly overrides nothing; cheap, for the common types.
#[inline]
fn is_plain(obj: &Bound<'_, PyAny>) -> bool {
    let ty = type_ptr(obj);
    ty == ARRAY_TYPE.as_type() || is_python_scalar(obj) || typenum_of_class(ty).is_some()
}

fn type_ptr(obj: &Bound<'_, PyAny>) -> *mut ffi::PyTypeObject {
    // SAFETY: live object.
    unsafe { ffi::Py_TYPE(obj.as_ptr()) }
}

/// The `__array_ufunc__` an object overrides with, if it does.
fn override_of<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if is_plain(obj) {
        return Ok(None);
    }
    let py = obj.py();
    let Some(found) = type_attribute(obj, intern!(py, "__array_ufunc__"))? else { return Ok(None) };
    // SAFETY: the type is ready.
    let base = unsafe { crate::ffi::types::handle(py, ARRAY_TYPE.as_type()) };
    if let Ok(own) = base.getattr(intern!(py, "__array_ufunc__"))
        && own.is(&found)
    {
        return Ok(None);
    }
    Ok(Some(found))
}

/// Whether `__array_ufunc__` of this object is something else than `ndarray`'s.
pub fn has_override(obj: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(override_of(obj)?.is_some())
}

/// Let operands take over a call. `normal` makes the call's normal form: inputs and keywords.
///
/// # Errors
/// An operand that forbids ufuncs; all operands declining.
pub fn check<'py>(
    uf: &UfuncRef<'py>,
    method: &str,
    operands: impl Iterator<Item = Bound<'py, PyAny>>,
    normal: impl FnOnce() -> PyResult<(Vec<Bound<'py, PyAny>>, Bound<'py, PyDict>)>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut with: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> = vec![];
    for obj in operands {
        if let Some(f) = override_of(&obj)? {
            if with.iter().any(|(o, _)| o.get_type().is(obj.get_type())) {
                continue;
            }
            if f.is_none() {
                return Err(PyTypeError::new_err(format!(
                    "operand '{}' does not support ufuncs (__array_ufunc__=None)",
                    obj.get_type().name()?
                )));
            }
            with.push((obj, f));
        }
    }
    if with.is_empty() {
        return Ok(None);
    }
    let py = uf.py();
    let (inputs, kwargs) = normal()?;
    let head = [uf.0.clone(), PyString::new(py, method).into_any()];
    let args: Vec<Bound<'py, PyAny>> = head.into_iter().chain(inputs).collect();
    let with_first = |first: Bound<'py, PyAny>| {
        PyTuple::new(py, std::iter::once(first).chain(args.iter().cloned()).collect::<Vec<_>>())
    };
    while !with.is_empty() {
        // The first one that no later one is a subclass of.
        let mut at = 0;
        for (i, (obj, _)) in with.iter().enumerate() {
            let ty = obj.get_type();
            let mut shadowed = false;
            for (other, _) in &with[i + 1..] {
                shadowed |= !other.get_type().is(&ty) && other.is_instance(&ty)?;
            }
            if !shadowed {
                at = i;
                break;
            }
        }
        let (obj, f) = with.remove(at);
        let result = f.call(with_first(obj)?, Some(&kwargs))?;
        if !result.is(py.NotImplemented().bind(py)) {
            return Ok(Some(result));
        }
    }
    let format = cached(py, "numpy._core._internal", "array_ufunc_errmsg_formatter")?;
    let text = format.call(with_first(py.None().into_bound(py))?, Some(&kwargs))?;
    Err(PyTypeError::new_err(text.unbind()))
}
