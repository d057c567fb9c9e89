//! What `Generator` and `RandomState` do alike: shuffling in place, choosing with probabilities, normal vectors.

use micronumpy::TypeNum;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{IntoPyObjectExt, PyErr, intern};
use ufuncs::random::shuffle::{Draw, shuffle};

use super::draw::{Stream, as_array, locked};
use super::{Obj, np};
use crate::abi::NPY_ARRAY_C_CONTIGUOUS;
use crate::ffi::import::cached;
use crate::objects::Array;

/// Shuffle an array along its first axis; what moves is one run of memory each.
fn shuffle_runs(stream: &Stream<'_>, arr: &Array<'_>) -> PyResult<()> {
    let n = arr.shape()[0] as usize;
    let (itemsize, stride, data) = (arr.size() / n * arr.itemsize(), arr.strides()[0], arr.data());
    // Moving references needs no interpreter, but others may look at them meanwhile.
    let work = if arr.dtype().has_object() { 0 } else { n };
    // SAFETY: a writeable array of `n` such runs.
    locked(&stream.lock, work, || unsafe { shuffle(&stream.rng, n, 1, itemsize, stride, data, Draw::Masked) })
}

const OBJECTS_OF_SUBCLASS: &str = "Shuffling a one dimensional array subclass containing objects gives incorrect results for most array subclasses.  Please use the new random number API instead: https://numpy.org/doc/stable/reference/random/index.html\nThe new API fixes this issue. This version will not be fixed due to stability guarantees of the API.";

/// `shuffle(x, axis)`; `RandomState` knows no axis.
pub fn shuffle_in_place<'py>(stream: &Stream<'py>, x: &Obj<'py>, axis: Option<isize>) -> PyResult<()> {
    let py = x.py();
    let Some(arr) = Array::cast(x) else { return shuffle_sequence(stream, x, axis) };
    x.len()?;
    if !arr.is_writeable() {
        return Err(PyValueError::new_err("array is read-only"));
    }
    let axis = match axis {
        None => None,
        Some(axis) => {
            let normalize = cached(py, "numpy.lib.array_utils", "normalize_axis_index")?;
            Some(normalize.call1((axis, arr.ndim()))?.extract::<usize>()?)
        }
    };
    let in_runs = arr.ndim() == 1 || axis.unwrap_or(0) == 0 && arr.has_flags(NPY_ARRAY_C_CONTIGUOUS);
    if arr.is_exact() && in_runs && arr.size() > 0 && arr.ndim() > 0 {
        return shuffle_runs(stream, &arr);
    }
    if arr.size() == 0 {
        return Ok(());
    }
    // `RandomState` indexes by numbers alone, which takes objects out of their arrays.
    let unpacks = axis.is_none() && arr.dtype().num == TypeNum::OBJECT;
    let x = match axis {
        Some(axis) => np(py, "swapaxes")?.call1((x, 0, axis))?,
        None => x.clone(),
    };
    if axis.is_none() && arr.ndim() == 1 && arr.dtype().has_object() {
        warn(py, &py.get_type::<PyUserWarning>(), OBJECTS_OF_SUBCLASS)?;
    }
    // Whole subarrays move, by the array's own indexing: subclasses have more than a buffer.
    let n = x.len()?;
    let ellipsis = py.Ellipsis();
    let buffer = np(py, "empty_like")?.call1((x.get_item((0, &ellipsis))?,))?;
    with_lock(stream, || {
        for i in (1..n).rev() {
            let j = Draw::Masked.index(&stream.rng, i);
            if i == j {
                continue;
            }
            let at = |k: usize| -> PyResult<Obj<'py>> {
                if unpacks { k.into_bound_py_any(py) } else { (k, &ellipsis).into_bound_py_any(py) }
            };
            let (at_i, at_j) = (at(i)?, at(j)?);
            buffer.set_item(&ellipsis, x.get_item(&at_j)?)?;
            x.set_item(at_j, x.get_item(&at_i)?)?;
            x.set_item(at_i, &buffer)?;
        }
        Ok(())
    })
}

fn shuffle_sequence<'py>(stream: &Stream<'py>, x: &Obj<'py>, axis: Option<isize>) -> PyResult<()> {
    let py = x.py();
    let n = x.len()?;
    if !x.is_instance(&cached(py, "collections.abc", "Sequence")?)? {
        let text = format!(
            "you are shuffling a '{}' object which is not a subclass of 'Sequence'; `shuffle` is not guaranteed to behave correctly. E.g., non-numpy array/tensor objects with view semantics may contain duplicates after shuffling.",
            x.get_type().name()?
        );
        warn(py, &py.get_type::<PyUserWarning>(), &text)?;
    }
    if axis.is_some_and(|axis| axis != 0) {
        return Err(pyo3::exceptions::PyNotImplementedError::new_err(
            "Axis argument is only supported on ndarray objects",
        ));
    }
    with_lock(stream, || {
        for i in (1..n).rev() {
            let j = Draw::Masked.index(&stream.rng, i);
            let (a, b) = (x.get_item(j)?, x.get_item(i)?);
            x.set_item(i, a)?;
            x.set_item(j, b)?;
        }
        Ok(())
    })
}

/// Hold the lock around work on Python objects.
pub fn with_lock<R>(stream: &Stream<'_>, work: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    let py = stream.lock.py();
    stream.lock.call_method0(intern!(py, "acquire"))?;
    let result = work();
    stream.lock.call_method0(intern!(py, "release"))?;
    result
}

/// `warnings.warn`
pub fn warn(py: Python<'_>, category: &Obj<'_>, text: &str) -> PyResult<()> {
    let text = std::ffi::CString::new(text).map_err(|_| PyTypeError::new_err("embedded null character"))?;
    PyErr::warn(py, category, &text, 1)
}

/// A sum whose rounding errors are carried along (Kahan).
pub fn kahan_sum(values: &[f64]) -> f64 {
    let Some((&first, rest)) = values.split_first() else { return 0.0 };
    let (mut sum, mut carry) = (first, 0.0);
    for &v in rest {
        let y = v - carry;
        let t = sum + y;
        carry = (t - sum) - y;
        sum = t;
    }
    sum
}

/// The elements of a C-contiguous `float64` array.
///
/// # Safety
/// `arr` is one, and nobody writes to it while the slice is in use.
pub unsafe fn reals<'a>(arr: &'a Array<'_>) -> &'a [f64] {
    debug_assert!(arr.dtype().num == TypeNum::DOUBLE);
    if arr.size() == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(arr.data().cast(), arr.size()) }
}

/// The number of elements of a shape.
pub fn count(shape: &Obj<'_>) -> PyResult<isize> {
    let product = np(shape.py(), "prod")?.call1((shape,))?;
    // The product of nothing is a real one.
    product.call_method0(intern!(shape.py(), "__int__"))?.extract()
}

/// Texts of `choice`, which differ between the front ends.
pub struct ChoiceTexts {
    pub p_ndim: &'static str,
    pub p_size: &'static str,
    pub p_nan: &'static str,
    pub p_negative: &'static str,
    pub p_sum: &'static str,
}

/// The probabilities of `choice`, checked.
pub fn probabilities<'py>(p: &Obj<'py>, pop_size: isize, texts: &ChoiceTexts) -> PyResult<Array<'py>> {
    let py = p.py();
    p.len()?;
    // Half of the digits have to be right, of the type the user summed in.
    let mut atol = f64::EPSILON.sqrt();
    if let Some(arr) = Array::cast(p) {
        let dt = arr.descr().0;
        if np(py, "issubdtype")?.call1((&dt, np(py, "floating")?))?.is_truthy()? {
            let eps: f64 = np(py, "finfo")?.call1((dt,))?.getattr("eps")?.extract()?;
            atol = atol.max(eps.sqrt());
        }
    }
    let arr = as_array(p, TypeNum::DOUBLE, NPY_ARRAY_C_CONTIGUOUS)?;
    if arr.ndim() != 1 {
        return Err(PyValueError::new_err(texts.p_ndim));
    }
    if arr.size() as isize != pop_size {
        return Err(PyValueError::new_err(texts.p_size));
    }
    // SAFETY: contiguous float64, only looked at here.
    let values = unsafe { reals(&arr) };
    let sum = kahan_sum(values);
    if sum.is_nan() {
        return Err(PyValueError::new_err(texts.p_nan));
    }
    if values.iter().any(|&v| v < 0.0) {
        return Err(PyValueError::new_err(texts.p_negative));
    }
    if (sum - 1.0).abs() > atol {
        return Err(PyValueError::new_err(texts.p_sum));
    }
    Ok(arr)
}

/// Cumulated probabilities, scaled to end in one.
fn cdf_of<'py>(p: &Obj<'py>) -> PyResult<Obj<'py>> {
    let cdf = p.call_method0(intern!(p.py(), "cumsum"))?;
    let last = cdf.get_item(-1)?;
    in_place(&cdf, "__itruediv__", &last)
}

/// An augmented assignment.
pub fn in_place<'py>(target: &Obj<'py>, op: &str, value: &Obj<'py>) -> PyResult<Obj<'py>> {
    target.call_method1(op, (value,))
}

/// Where uniform draws fall among cumulated probabilities.
fn search<'py>(cdf: &Obj<'py>, draws: &Obj<'py>) -> PyResult<Obj<'py>> {
    cdf.call_method1(intern!(cdf.py(), "searchsorted"), (draws, "right"))
}

/// Indices drawn with replacement.
pub fn choose_with_replacement<'py>(p: &Array<'py>, draws: &Obj<'py>) -> PyResult<Obj<'py>> {
    np(p.py(), "asarray")?.call1((search(&cdf_of(&p.0)?, draws)?,))
}

/// Distinct indices: draw as many as are missing, keep the new ones, take their probability away, repeat. `uniform(n)` draws.
pub fn choose_distinct<'py>(
    p: &Array<'py>,
    size: isize,
    shape: &Obj<'py>,
    uniform: impl Fn(isize) -> PyResult<Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let py = p.py();
    if np(py, "count_nonzero")?.call1((p.0.rich_compare(0, CompareOp::Gt)?,))?.extract::<isize>()? < size {
        return Err(PyValueError::new_err("Fewer non-zero entries in p than size"));
    }
    let p = p.0.call_method0("copy")?;
    let found = np(py, "zeros")?.call1((shape, np(py, "int64")?))?;
    let flat = found.call_method0("ravel")?;
    let slice = |from: isize, to: isize| pyo3::types::PySlice::new(py, from, to, 1);
    let mut n = 0;
    while n < size {
        let draws = uniform(size - n)?;
        if n > 0 {
            p.set_item(flat.get_item(slice(0, n))?, 0)?;
        }
        let new = search(&cdf_of(&p)?, &draws)?;
        let kwargs = pyo3::types::PyDict::new(py);
        kwargs.set_item("return_index", true)?;
        let unique = np(py, "unique")?.call((&new,), Some(&kwargs))?.get_item(1)?;
        unique.call_method0("sort")?;
        let new = new.call_method1("take", (unique,))?;
        let count: isize = new.len()? as isize;
        flat.set_item(slice(n, n + count), new)?;
        n += count;
    }
    Ok(found)
}

/// What `choice` returns: `a` at the indices drawn, unpacked where no size was given.
pub fn pick<'py>(
    a: &Array<'py>,
    mut idx: Obj<'py>,
    is_scalar: bool,
    take: impl FnOnce(&Obj<'py>) -> PyResult<Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let py = a.py();
    if is_scalar && Array::cast(&idx).is_some() {
        idx = idx.call_method1(intern!(py, "item"), (0,))?;
    }
    if a.ndim() == 0 {
        return Ok(idx);
    }
    if !is_scalar && a.ndim() == 1 && Array::cast(&idx).is_some_and(|i| i.ndim() == 0) {
        // `size=()` asks for an array of no dimensions, and an index would unpack it.
        let kwargs = pyo3::types::PyDict::new(py);
        kwargs.set_item("dtype", a.descr().0)?;
        let res = np(py, "empty")?.call((PyTuple::empty(py),), Some(&kwargs))?;
        res.set_item(PyTuple::empty(py), a.0.get_item(idx)?)?;
        return Ok(res);
    }
    take(&idx)
}

/// Mean and covariance of a normal vector, checked, and the shape of its draws.
pub fn normal_arguments<'py>(
    mean: &Obj<'py>,
    cov: &Obj<'py>,
    size: Option<&Obj<'py>>,
) -> PyResult<(Obj<'py>, Obj<'py>, Obj<'py>)> {
    let py = mean.py();
    let shape = match size.filter(|s| !s.is_none()) {
        None => pyo3::types::PyList::empty(py),
        Some(s) if s.is_instance_of::<pyo3::types::PyInt>() || s.is_instance(&np(py, "integer")?)? => {
            pyo3::types::PyList::new(py, [s])?
        }
        Some(s) => pyo3::types::PyList::new(py, s.try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
    };
    let (mean_arr, cov_arr) = (as_any_array(mean)?, as_any_array(cov)?);
    if mean_arr.ndim() != 1 {
        return Err(PyValueError::new_err("mean must be 1 dimensional"));
    }
    let (m, c) = (mean_arr.shape(), cov_arr.shape());
    if c.len() != 2 || c[0] != c[1] {
        return Err(PyValueError::new_err("cov must be 2 dimensional and square"));
    }
    if m[0] != c[0] {
        return Err(PyValueError::new_err("mean and cov must have same length"));
    }
    shape.append(m[0])?;
    Ok((mean_arr.0.clone(), cov_arr.0.clone(), shape.into_any()))
}

fn as_any_array<'py>(obj: &Obj<'py>) -> PyResult<Array<'py>> {
    let arr = np(obj.py(), "array")?.call1((obj,))?;
    Array::cast(&arr).ok_or_else(|| PyTypeError::new_err("not an array"))
}

/// What to do about a covariance that is none: `Some(true)` is an error.
pub fn check_valid_mode(check_valid: &str) -> PyResult<Option<bool>> {
    match check_valid {
        "ignore" => Ok(None),
        "warn" => Ok(Some(false)),
        "raise" => Ok(Some(true)),
        _ => Err(PyValueError::new_err("check_valid must equal 'warn', 'raise', or 'ignore'")),
    }
}

/// Complain about a covariance with negative eigenvalues.
pub fn not_semidefinite(py: Python<'_>, raise: bool) -> PyResult<()> {
    let text = "covariance is not symmetric positive-semidefinite.";
    if raise {
        return Err(PyValueError::new_err(text));
    }
    warn(py, &py.get_type::<pyo3::exceptions::PyRuntimeWarning>(), text)
}
