//! An expression as a Python object, for the recorder.

use micronumpy::ufunc::Weak;
use micronumpy::{Dims, TypeNum};
use micronumpy_expr::{Expr, Number};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyTuple, PyType};

use crate::error::{IntoPyResult, missing};
use crate::objects::{Array, Descr, dtype, scalar};

/// An expression whose leaves are arguments and numbers, never arrays.
#[pyclass(name = "Expr", module = "micronumpy", frozen)]
pub struct PyExpr(Held);

struct Held(Expr<'static>);
// SAFETY: without arrays among its leaves an expression is immutable data behind atomic reference counts.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

fn held(e: Expr<'static>) -> PyExpr {
    PyExpr(Held(e))
}

impl PyExpr {
    pub fn get(&self) -> &Expr<'static> {
        &self.0.0
    }
}

/// A Python number.
pub fn number(obj: &Bound<'_, PyAny>) -> PyResult<Option<Number>> {
    let py = obj.py();
    Ok(if obj.is_exact_instance_of::<PyInt>() {
        match obj.extract::<i128>() {
            Ok(n) => Some(Number::Int(n)),
            Err(_) => return Err(missing("a Python integer of more than 128 bits in a fused function")),
        }
    } else if obj.is_exact_instance_of::<PyFloat>() {
        Some(Number::Float(obj.extract()?))
    } else if obj.is_exact_instance(&py.get_type::<PyComplex>()) {
        let (re, im) = (obj.getattr("real")?.extract()?, obj.getattr("imag")?.extract()?);
        Some(Number::Complex(re, im))
    } else {
        None
    })
}

#[pymethods]
impl PyExpr {
    /// Input `index` of a function: an array like this one.
    #[staticmethod]
    fn argument(index: usize, like: &Bound<'_, PyAny>) -> PyResult<PyExpr> {
        let arr = Array::cast(like).ok_or_else(|| PyTypeError::new_err("an array is needed"))?;
        Expr::argument(index, arr.dtype(), arr.shape()).map(held).py(like.py())
    }
    /// Input `index` of a function: a Python number of this type.
    #[staticmethod]
    fn number(index: usize, kind: &Bound<'_, PyType>) -> PyResult<PyExpr> {
        let py = kind.py();
        let weak = if kind.is(py.get_type::<PyInt>()) {
            Weak::Int
        } else if kind.is(py.get_type::<PyFloat>()) {
            Weak::Float
        } else if kind.is(py.get_type::<PyComplex>()) {
            Weak::Complex
        } else {
            return Err(PyTypeError::new_err("int, float or complex"));
        };
        Ok(held(Expr::number_argument(index, weak)))
    }
    /// A Python number that is always the same.
    #[staticmethod]
    fn constant(value: &Bound<'_, PyAny>) -> PyResult<PyExpr> {
        match number(value)? {
            Some(n) => Ok(held(Expr::number(n))),
            None => Err(PyTypeError::new_err("a Python number is needed")),
        }
    }
    /// A numpy scalar, or a `bool`, that is always the same.
    #[staticmethod]
    fn scalar(value: &Bound<'_, PyAny>) -> PyResult<PyExpr> {
        let py = value.py();
        if value.is_exact_instance_of::<PyBool>() {
            let n = Number::Int(i128::from(value.is_truthy()?));
            return Expr::scalar(n, &micronumpy::Dtype::bool()).map(held).py(py);
        }
        let arr = scalar::value::to_array(value)?;
        // SAFETY: one element lies at the data of an array without dimensions.
        unsafe { Expr::element(arr.data(), arr.dtype()) }.map(held).py(py)
    }
    /// A call of an elementwise ufunc; a list of its results.
    #[staticmethod]
    fn ufunc(py: Python<'_>, name: &str, args: Vec<PyRef<'_, PyExpr>>) -> PyResult<Vec<PyExpr>> {
        let args: Vec<Expr<'static>> = args.iter().map(|a| a.get().clone()).collect();
        let results = Expr::ufunc_results(name, &args).py(py)?;
        Ok(results.into_iter().map(held).collect())
    }
    /// `numpy.where`
    #[staticmethod]
    fn r#where(py: Python<'_>, condition: &PyExpr, x: &PyExpr, y: &PyExpr) -> PyResult<PyExpr> {
        Expr::where_(condition.get(), x.get(), y.get()).map(held).py(py)
    }
    /// The `**` operator of arrays.
    fn pow(&self, py: Python<'_>, exponent: &PyExpr) -> PyResult<PyExpr> {
        self.checked(py, self.get().pow(exponent.get().clone()))
    }
    fn astype(&self, descr: &Bound<'_, PyAny>) -> PyResult<PyExpr> {
        let descr = Descr::cast(descr).ok_or_else(|| PyTypeError::new_err("a dtype is needed"))?;
        self.get().astype(descr.dtype()).map(held).py(descr.py())
    }
    /// The fold of a ufunc along axes (`None`: all), in a dtype of the caller's choice if one is given.
    #[pyo3(signature = (name, axes, keepdims, dtype=None))]
    fn reduce(
        &self,
        py: Python<'_>,
        name: &str,
        axes: Option<Vec<isize>>,
        keepdims: bool,
        dtype: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyExpr> {
        let num: Option<TypeNum> = dtype.and_then(Descr::cast).map(|d| d.dtype().num);
        self.get().reduce_in(name, axes.as_deref(), keepdims, num).map(held).py(py)
    }
    fn mean(&self, py: Python<'_>, axes: Option<Vec<isize>>, keepdims: bool) -> PyResult<PyExpr> {
        self.get().mean_keeping(axes.as_deref(), keepdims).map(held).py(py)
    }
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(dtype::descr_of(py, self.get().dtype())?.0)
    }
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, Dims::from_slice(self.get().shape()))
    }
    /// A number without a dtype of its own.
    #[getter]
    fn is_number(&self) -> bool {
        self.get().is_weak()
    }
    fn __repr__(&self) -> String {
        format!("{:?}", self.get())
    }
}

impl PyExpr {
    fn checked(&self, py: Python<'_>, e: Expr<'static>) -> PyResult<PyExpr> {
        e.check().py(py)?;
        Ok(held(e))
    }
}
