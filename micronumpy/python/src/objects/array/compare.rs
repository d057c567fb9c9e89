//! Comparisons. Ufuncs do the work; structured and raw void arrays, which have no loops, are compared field by field and
//! byte by byte here, and `==` of things that cannot be compared is all false.

use micronumpy::{Dims, Dtype, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::alloc::{self, Make};
use super::coercion;
use super::number::should_defer;
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::objects::ufunc::call_by_name;
use crate::objects::{Array, dtype, wrap};

type Obj<'py> = Bound<'py, PyAny>;

/// `tp_richcompare`
pub unsafe extern "C" fn richcompare(
    a: *mut ffi::PyObject,
    b: *mut ffi::PyObject,
    op: std::ffi::c_int,
) -> *mut ffi::PyObject {
    crate::ffi::guard(|py| {
        // SAFETY: CPython passes live objects, the first an array.
        let (a, b) = unsafe { (Bound::from_borrowed_ptr(py, a), Bound::from_borrowed_ptr(py, b)) };
        compare(&a, &b, op).map(Bound::into_ptr)
    })
}

const fn ufunc_name(op: i32) -> &'static str {
    match op {
        ffi::Py_LT => "less",
        ffi::Py_LE => "less_equal",
        ffi::Py_EQ => "equal",
        ffi::Py_NE => "not_equal",
        ffi::Py_GT => "greater",
        _ => "greater_equal",
    }
}

fn compare<'py>(a: &Obj<'py>, b: &Obj<'py>, op: i32) -> PyResult<Obj<'py>> {
    let py = a.py();
    if should_defer(a, b, false)? {
        return Ok(py.NotImplemented().into_bound(py));
    }
    let arr = Array(a.clone());
    let equality = op == ffi::Py_EQ || op == ffi::Py_NE;
    if equality && arr.dtype().num == TypeNum::VOID {
        let other = coercion::from_any(b, None, 0, 0, 0)?;
        return compare_void(&arr, &other, op);
    }
    match call_by_name(py, ufunc_name(op), &[a, b], None) {
        Err(e) if equality => no_loop(&arr, b, op, e),
        r => r,
    }
}

/// `==` between types that cannot be compared: nothing is equal.
fn no_loop<'py>(arr: &Array<'py>, other: &Obj<'py>, op: i32, err: PyErr) -> PyResult<Obj<'py>> {
    let py = arr.py();
    let cls = cached(py, "numpy._core._exceptions", "_UFuncNoLoopError")?;
    if !err.matches(py, cls)? {
        return Err(err);
    }
    let other = coercion::from_any(other, None, 0, 0, 0)?;
    if other.dtype().num == TypeNum::VOID {
        return Ok(py.NotImplemented().into_bound(py));
    }
    let value = op == ffi::Py_NE;
    if arr.ndim() == 0 && other.ndim() == 0 {
        return Ok(crate::objects::scalar::bool_scalar(py, value));
    }
    let operands = [arr.shape(), other.shape()];
    let Ok(shape) = micronumpy::array::broadcast_shapes(&operands) else {
        let shapes = operands.map(micronumpy::array::shape_text);
        return Err(PyValueError::new_err(format!(
            "operands could not be broadcast together with shapes {} {} ",
            shapes[0], shapes[1]
        )));
    };
    let rows = [arr, &other].map(|x| micronumpy::iter::broadcast_strides(x.shape(), x.strides(), &shape));
    let [a, b] = rows;
    let strides = micronumpy::iter::keep_order_strides(&shape, &[&a.py(py)?, &b.py(py)?], 1);
    // SAFETY: fresh memory; the strides are a permutation of the contiguous ones.
    let out = unsafe {
        let out = Make { strides: Some(&strides), ..Make::new(&dtype::builtin(py, TypeNum::BOOL), &shape) }
            .build()?;
        std::ptr::write_bytes(out.data(), u8::from(value), out.size());
        out
    };
    if arr.is_exact() {
        return Ok(out.0);
    }
    wrap::apply_wrap(out, Some(&arr.0.getattr(pyo3::intern!(py, "__array_wrap__"))?), None, false)
}

fn constant<'py>(py: Python<'py>, shape: &[isize], value: bool) -> PyResult<Obj<'py>> {
    let out = alloc::new(&dtype::builtin(py, TypeNum::BOOL), shape, micronumpy::Order::C, true)?;
    if value {
        // SAFETY: a fresh contiguous array of one-byte elements.
        unsafe { std::ptr::write_bytes(out.data(), 1, out.size()) };
    }
    Ok(out.0)
}

fn compare_void<'py>(a: &Array<'py>, b: &Array<'py>, op: i32) -> PyResult<Obj<'py>> {
    let py = a.py();
    if b.dtype().num != TypeNum::VOID {
        return Err(PyTypeError::new_err("Cannot compare structured or void to non-void arrays."));
    }
    match (a.dtype().fields().is_some(), b.dtype().fields().is_some()) {
        (true, true) => compare_struct(a, b, op),
        (false, false) => {
            if a.itemsize() != b.itemsize() {
                return Err(PyTypeError::new_err(
                    "cannot compare unstructured voids of different length. Use bytes to compare. (This may return array of \
                     False in the future.)",
                ));
            }
            // Bytes of one length are equal exactly if they are equal as strings.
            let s = dtype::descr_of(py, &Dtype::string(a.itemsize()))?;
            let view = |x: &Array<'py>| {
                // SAFETY: the same bytes under another name.
                unsafe { alloc::new_view(&s, x.data(), x.shape(), x.strides(), &x.0, false, None) }
            };
            let equal = call_by_name(py, ufunc_name(op), &[&view(a)?.0, &view(b)?.0], None)?;
            // An array, also where ufuncs give scalars.
            Ok(coercion::from_any(&equal, None, 0, 0, 0)?.0)
        }
        _ => Err(PyTypeError::new_err(
            "Cannot compare structured with unstructured void arrays. (unreachable error, please report to NumPy devs.)",
        )),
    }
}

fn compare_struct<'py>(a: &Array<'py>, b: &Array<'py>, op: i32) -> PyResult<Obj<'py>> {
    let py = a.py();
    if let Err(e) = promote_fields(a, b) {
        let new = PyTypeError::new_err(
            "Cannot compare structured arrays unless they have a common dtype.  I.e. `np.result_type(arr1, arr2)` \
             must be defined.",
        );
        new.set_cause(py, Some(e));
        return Err(new);
    }
    let ndim = a.ndim().max(b.ndim());
    let combine = if op == ffi::Py_EQ { "logical_and" } else { "logical_or" };
    let names = a.descr().0.getattr("names")?;
    let mut result: Option<Obj<'py>> = None;
    for name in names.try_iter()? {
        let name = name?;
        let fa = super::subscript::fields::field(a, &name)?;
        let fb = super::subscript::fields::field(b, &name)?;
        let mut part = compare(&fa.0, &fb.0, op)?;
        if let Some(p) = Array::cast(&part) {
            if p.ndim() > ndim {
                // A subarray field: all its elements have to agree.
                let mut shape = Dims::from_slice(&p.shape()[..ndim]);
                let inner: isize = p.shape()[ndim..].iter().product();
                shape.push(inner);
                let flat = super::methods::reshape_array(
                    &p,
                    &shape,
                    micronumpy::Order::C,
                    super::args::CopyMode::IfNeeded,
                )?;
                let f = cached(py, "numpy._core._multiarray_umath", combine)?;
                part = f.call_method1("reduce", (flat.0, -1))?;
            }
        }
        result = Some(match result {
            None => part,
            Some(r) => call_by_name(py, combine, &[&r, &part], None)?,
        });
    }
    match result {
        Some(r) => Ok(r),
        None => {
            // No fields: nothing differs.
            let shape = micronumpy::array::broadcast_shapes(&[a.shape(), b.shape()]).py(py)?;
            let out = constant(py, &shape, op == ffi::Py_EQ)?;
            super::unwrap_0d(Array(out))
        }
    }
}

fn promote_fields(a: &Array<'_>, b: &Array<'_>) -> PyResult<()> {
    micronumpy::dtype::promote::promote(a.dtype(), b.dtype()).py(a.py()).map(drop)
}
