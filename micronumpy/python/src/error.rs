//! The one place where errors of the object space become Python exceptions.

use micronumpy::Error;
use pyo3::exceptions::{
    PyIndexError, PyNotImplementedError, PyOverflowError, PyRuntimeError, PyTypeError, PyValueError,
    PyZeroDivisionError,
};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::ffi::import::cached;

/// `?` from core results: `core_call().py(py)?`.
pub trait IntoPyResult<T> {
    fn py(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> IntoPyResult<T> for micronumpy::Result<T> {
    fn py(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|e| to_pyerr(py, e))
    }
}

/// The exception numpy raises for this error.
pub fn to_pyerr(py: Python<'_>, err: Error) -> PyErr {
    // The class from numpy's Python layer, called with these arguments; failing that, whatever went wrong.
    let from_layer = |module: &'static str, name: &str, args: Bound<'_, PyTuple>| -> PyErr {
        match cached(py, module, name).and_then(|cls| cls.call1(args)) {
            Ok(exc) => PyErr::from_value(exc),
            Err(e) => e,
        }
    };
    let text = err.to_string();
    match err {
        Error::Value(s) => PyValueError::new_err(s),
        Error::Type(s) => PyTypeError::new_err(s),
        Error::Index(s) => PyIndexError::new_err(s),
        Error::Overflow(s) => PyOverflowError::new_err(s),
        Error::Runtime(s) => PyRuntimeError::new_err(s),
        Error::ZeroDivision(s) => PyZeroDivisionError::new_err(s),
        Error::Axis { axis, ndim, prefix } => match (axis, ndim, prefix).into_pyobject(py) {
            Ok(args) => from_layer("numpy.exceptions", "AxisError", args),
            Err(e) => e,
        },
        Error::Memory { shape, dtype } => {
            let args = PyTuple::new(py, &shape).and_then(|shape| {
                let descr = crate::objects::dtype::descr_of(py, &dtype)?;
                PyTuple::new(py, [shape.into_any(), descr.0])
            });
            match args {
                Ok(args) => from_layer("numpy._core._exceptions", "_ArrayMemoryError", args),
                Err(e) => e,
            }
        }
        Error::Promotion(s) => match (s,).into_pyobject(py) {
            Ok(args) => from_layer("numpy.exceptions", "DTypePromotionError", args),
            Err(e) => e,
        },
        Error::TooHard(s) => match (s,).into_pyobject(py) {
            Ok(args) => from_layer("numpy.exceptions", "TooHardError", args),
            Err(e) => e,
        },
        Error::NoCast(pair) => {
            let repr = |d| crate::objects::dtype::descr_of(py, d)?.0.repr();
            match (repr(&pair.0), repr(&pair.1)) {
                (Ok(from), Ok(to)) => {
                    PyTypeError::new_err(format!("Cannot cast array data from {from} to {to}."))
                }
                (Err(e), _) | (_, Err(e)) => e,
            }
        }
        Error::NotImplemented(_) => PyNotImplementedError::new_err(text),
        Error::Host => PyErr::take(py).unwrap_or_else(|| PyRuntimeError::new_err("error without exception")),
        _ => PyRuntimeError::new_err(text),
    }
}

/// The other direction, for callbacks of the object space into Python: the exception stays set.
pub fn to_host_error(py: Python<'_>, err: PyErr) -> Error {
    err.restore(py);
    Error::Host
}

/// A part that does not exist yet says its name.
pub fn missing(what: &str) -> PyErr {
    PyNotImplementedError::new_err(format!("{what} is not implemented yet"))
}
