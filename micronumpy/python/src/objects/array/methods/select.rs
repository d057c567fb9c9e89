//! Picking elements: `take`, `put`, `choose`, `compress`, `repeat`, `nonzero`, diagonals.

use micronumpy::array::normalize_axis;
use micronumpy::array::view::diagonal as diagonal_view;
use micronumpy::index::{MaskPlan, is_plain};
use micronumpy::ops::take::{self as core, Mode};
use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::super::args::{self, ClipMode};
use super::super::{alloc, assign, coercion, flags};
use super::outs::Out;
use super::shape::ravel_array;
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig};
use crate::objects::iter::flatiter;
use crate::objects::{Array, Descr, dtype};

type Obj<'py> = Bound<'py, PyAny>;

/// The planner's word for a clip mode.
pub fn mode(m: ClipMode) -> Mode {
    match m {
        ClipMode::Clip => Mode::Clip,
        ClipMode::Wrap => Mode::Wrap,
        ClipMode::Raise => Mode::Raise,
    }
}

/// An argument that is an array of just this descriptor.
fn as_it_is<'py>(obj: &Obj<'py>, descr: &Descr<'py>) -> Option<Array<'py>> {
    Array::cast(obj).filter(|arr| arr.is_exact() && arr.descr().0.is(&descr.0))
}

/// Indices as intp; safe casts only, or any with `force`.
pub fn indices<'py>(obj: &Obj<'py>, max_depth: usize, force: bool) -> PyResult<Array<'py>> {
    let intp = dtype::builtin(obj.py(), TypeNum::LONG);
    if let Some(arr) = as_it_is(obj, &intp)
        && (max_depth == 0 || arr.ndim() <= max_depth)
    {
        return Ok(arr);
    }
    let flags = if force { NPY_ARRAY_FORCECAST } else { 0 };
    coercion::from_any(obj, Some(&intp), 0, max_depth, flags)
}

/// The array along one axis: flattened for `None`, at least one-dimensional.
pub fn along<'py>(arr: &Array<'py>, axis: Option<isize>, flags_: i32) -> PyResult<(Array<'py>, usize)> {
    let py = arr.py();
    let (a, axis) = match axis {
        None => {
            let flat = if arr.ndim() == 1 { arr.clone() } else { ravel_array(arr, Order::C)? };
            // A matrix is a row when it is flat.
            let last = flat.ndim().saturating_sub(1);
            (flat, last)
        }
        // A single number is a sequence of one.
        Some(ax) if arr.ndim() == 0 => {
            normalize_axis(ax, 1).py(py)?;
            (ravel_array(arr, Order::C)?, 0)
        }
        Some(ax) => (arr.clone(), normalize_axis(ax, arr.ndim()).py(py)?),
    };
    let a = if flags_ != 0 { coercion::from_array(&a, None, flags_)? } else { a };
    Ok((a, axis))
}

/// `take`, for the method and whoever else selects along an axis.
pub fn take_array<'py>(
    arr: &Array<'py>,
    index: &Array<'py>,
    axis: Option<isize>,
    out: Option<&Array<'py>>,
    clip: ClipMode,
) -> PyResult<Array<'py>> {
    let py = arr.py();
    let in_row = arr.ndim() == 1 && axis.is_none_or(|a| a == 0 || a == -1);
    if out.is_none() && arr.is_exact() && in_row && is_plain(arr.dtype()) {
        let target = alloc::new(&arr.descr(), index.shape(), Order::C, false)?;
        core::take(&arr.view(), &index.view(), 0, mode(clip), &target.view()).py(py)?;
        return Ok(target);
    }
    let (src, ax) = along(arr, axis, 0)?;
    let shape = core::take_shape(src.shape(), index.shape(), ax);
    let out = Out::new(
        out,
        &src.descr(),
        &shape,
        Some(arr),
        "output array does not match result of ndarray.take",
        &[&src, index],
    )?;
    // Where nothing is taken from, positions are not looked at.
    if !src.shape()[..ax].contains(&0) {
        core::take(&src.view(), &index.view(), ax, mode(clip), &out.target.view()).py(py)?;
    }
    out.finish()
}

/// `arr.take(indices, axis=None, out=None, mode='raise')`
pub fn take<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("take(indices, axis=None, out=None, mode='raise')");
    let [index, axis, out, clip] = a.parse(&SIG)?;
    let Some(index) = index else { return Err(PyTypeError::new_err("missing indices")) };
    let axis = args::axis(axis.as_ref())?;
    let out = args::out(out.as_ref())?;
    let clip = args::clip_mode(clip.as_ref())?;
    let index = take_indices(&index)?;
    let arr = Array(slf.clone());
    let r = take_array(&arr, &index, axis, out.as_ref(), clip)?;
    if out.is_some() { Ok(r.0) } else { super::super::unwrap_0d(r) }
}

/// Indices of `take`: same-kind casts, with everything that is no array converted freely.
fn take_indices<'py>(obj: &Obj<'py>) -> PyResult<Array<'py>> {
    match Array::cast(obj) {
        Some(a) if !(a.dtype().num.is_integer() || a.dtype().num.is_bool()) => {
            let intp = dtype::builtin(obj.py(), TypeNum::LONG);
            if !micronumpy::cast::can_cast(a.dtype(), intp.dtype(), micronumpy::Casting::SameKind) {
                return Err(coercion::cannot_cast_array(&a, &intp, micronumpy::Casting::Safe));
            }
            indices(obj, 0, true)
        }
        _ => indices(obj, 0, true),
    }
}

/// `arr.put(indices, values, mode='raise')`
pub fn put<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("put(indices, values, mode='raise')");
    let py = slf.py();
    let [index, values, clip] = a.parse_c(&SIG)?;
    let (Some(index), Some(values)) = (index, values) else {
        return Err(PyTypeError::new_err("missing values"));
    };
    let clip = args::clip_mode(clip.as_ref())?;
    let arr = Array(slf.clone());
    assign::check_writeable(&arr, "put: output array")?;
    let index = indices(&index, 0, false)?;
    if index.size() > 0 && arr.size() == 0 {
        return Err(PyIndexError::new_err("cannot replace elements of an empty array"));
    }
    let values = match as_it_is(&values, &arr.descr()) {
        Some(values) => values,
        None => coercion::from_any(&values, Some(&arr.descr()), 0, 0, NPY_ARRAY_FORCECAST)?,
    };
    let none = py.None().into_bound(py);
    if index.size() == 0 || values.size() == 0 {
        return Ok(none);
    }
    core::put(&arr.view(), &index.view(), &values.view(), mode(clip)).py(py)?;
    Ok(none)
}

/// `arr.choose(choices, out=None, mode='raise')`
pub fn choose<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let mut items: Vec<Obj<'py>> = a.positional().collect();
    let (mut out, mut clip) = (None, None);
    for (k, v) in a.keywords() {
        match k.extract::<&str>()? {
            "out" => out = Some(v),
            "mode" => clip = Some(v),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "'{other}' is an invalid keyword argument for this function"
                )));
            }
        }
    }
    if items.len() == 1 {
        let one = items.remove(0);
        one.len()?;
        items = match Array::cast(&one) {
            Some(x) => {
                (0..x.shape()[0]).map(|i| super::super::sequence::item(&x.0, i)).collect::<PyResult<_>>()?
            }
            None => args::items(&one)?,
        };
    } else if items.is_empty() {
        return Err(PyTypeError::new_err("choose() takes at least 1 argument (0 given)"));
    }
    let out = args::out(out.as_ref())?;
    let clip = args::clip_mode(clip.as_ref())?;
    let arr = Array(slf.clone());
    if items.is_empty() {
        return Err(PyValueError::new_err("0-length sequence."));
    }
    // The selector counts as well.
    const MOST: usize = 64;
    if items.len() >= MOST {
        return Err(PyValueError::new_err(format!("Need at least 0 and at most {MOST} array objects.")));
    }
    let selector = indices(slf, 0, false)?;
    let (choices, descr) = common_arrays(py, &items)?;
    let shapes: Vec<&[isize]> = choices.iter().map(|c| c.shape()).collect();
    let shape = core::choose_shape(selector.shape(), &shapes).py(py)?;
    // numpy walks them with an iterator that does not know more.
    if let Some(a) = std::iter::once(&selector).chain(&choices).find(|a| a.ndim() > NPY_MAXDIMS_LEGACY_ITERS)
    {
        return Err(flatiter::too_many_dims(a.ndim()));
    }
    if out.as_ref().is_some_and(|o| o.shape() != &shape[..]) {
        return Err(PyTypeError::new_err("choose: invalid shape for output array."));
    }
    let mut inputs: Vec<&Array<'py>> = choices.iter().collect();
    inputs.push(&selector);
    let target = match &out {
        Some(out) => Out::into_any(out, &descr, &inputs)?,
        None => Out::new(None, &descr, &shape, Some(&arr), "", &inputs)?,
    };
    let views: Vec<_> = choices.iter().map(|c| c.view()).collect();
    core::choose(&selector.view(), &views, mode(clip), &target.target.view()).py(py)?;
    let r = target.finish()?;
    if out.is_some() { Ok(r.0) } else { super::super::unwrap_0d(r) }
}

/// Objects as arrays of their common dtype (numpy's `PyArray_ConvertToCommonType`).
pub fn common_arrays<'py>(
    py: Python<'py>,
    items: &[Obj<'py>],
) -> PyResult<(Vec<Array<'py>>, crate::objects::Descr<'py>)> {
    let args_tuple = PyTuple::new(py, items)?;
    let result_type = cached(py, "numpy._core._multiarray_umath", "result_type")?;
    let mut arrays = Vec::with_capacity(items.len());
    let mut operands = Vec::with_capacity(items.len());
    for o in args_tuple.iter() {
        let weak = crate::objects::handles::is_python_scalar(&o);
        let x = coercion::from_any(&o, None, 0, 0, 0)?;
        operands.push(if weak { o.clone() } else { x.0.clone() });
        arrays.push(x);
    }
    let descr = result_type.call1(PyTuple::new(py, operands)?)?;
    let Some(descr) = crate::objects::Descr::cast(&descr) else {
        return Err(PyTypeError::new_err("result_type gave no dtype"));
    };
    let arrays = arrays
        .into_iter()
        .map(|x| coercion::from_array(&x, Some(&descr), NPY_ARRAY_FORCECAST))
        .collect::<PyResult<Vec<_>>>()?;
    Ok((arrays, descr))
}

/// `arr.compress(condition, axis=None, out=None)`
pub fn compress<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("compress(condition, axis=None, out=None)");
    let py = slf.py();
    let [condition, axis, out] = a.parse_c(&SIG)?;
    let Some(condition) = condition else { return Err(PyTypeError::new_err("missing condition")) };
    let axis = args::axis(axis.as_ref())?;
    let out = args::out(out.as_ref())?;
    let condition = coercion::from_any(&condition, None, 0, 0, 0)?;
    let arr = Array(slf.clone());
    // A mask of a whole row is an index.
    if out.is_none()
        && arr.is_exact()
        && arr.ndim() == 1
        && axis.is_none_or(|a| a == 0 || a == -1)
        && condition.dtype().num.is_bool()
        && condition.shape() == arr.shape()
        && is_plain(arr.dtype())
    {
        let mask = condition.view();
        let plan = MaskPlan::new(arr.shape(), arr.strides(), &mask).py(py)?;
        let out = alloc::new(&arr.descr(), &[plan.count as isize], Order::C, false)?;
        // SAFETY: the plan was made for this array just now; there is room for what it counted.
        unsafe { plan.pack(arr.data(), out.data(), arr.itemsize()) };
        return Ok(out.0);
    }
    let positions = core::compress_positions(&condition.view()).py(py)?;
    let index = positions_array(py, &positions)?;
    let r = take_array(&arr, &index, axis, out.as_ref(), ClipMode::Raise)?;
    if out.is_some() { Ok(r.0) } else { super::super::unwrap_0d(r) }
}

/// A new intp array of these numbers.
pub fn positions_array<'py>(py: Python<'py>, positions: &[isize]) -> PyResult<Array<'py>> {
    let out = alloc::new(&dtype::builtin(py, TypeNum::LONG), &[positions.len() as isize], Order::C, false)?;
    // SAFETY: a fresh contiguous array of that many words.
    unsafe {
        std::ptr::copy_nonoverlapping(positions.as_ptr().cast(), out.data(), size_of_val(positions));
    }
    Ok(out)
}

/// `arr.repeat(repeats, axis=None)`
pub fn repeat<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("repeat(repeats, axis=None)");
    let py = slf.py();
    let [repeats, axis] = a.parse_c(&SIG)?;
    let Some(repeats) = repeats else { return Err(PyTypeError::new_err("missing repeats")) };
    let axis = args::axis(axis.as_ref())?;
    let arr = Array(slf.clone());
    // A number of times for all elements of a row.
    if arr.is_exact()
        && let &[n] = arr.shape()
        && axis.is_none_or(|a| a == 0 || a == -1)
        && is_plain(arr.dtype())
        && repeats.is_exact_instance_of::<pyo3::types::PyInt>()
        && let Ok(times) = repeats.extract::<u32>()
        && let Some(total) = n.checked_mul(times as isize)
    {
        let out = alloc::new(&arr.descr(), &[total], Order::C, false)?;
        if core::repeat_row(&arr.view(), times as usize, &out.view()) {
            return Ok(out.0);
        }
    }
    let force = Array::cast(&repeats).is_none();
    let repeats = indices(&repeats, 1, force)?;
    let (src, ax) = along(&arr, axis, 0)?;
    let (counts, total) = core::repeat_counts(&repeats.view(), src.shape()[ax]).py(py)?;
    let mut shape = micronumpy::Dims::from_slice(src.shape());
    shape[ax] = total;
    let out = Out::new(None, &src.descr(), &shape, Some(&arr), "", &[])?;
    core::repeat(&src.view(), &counts, ax, &out.target.view()).py(py)?;
    Ok(out.finish()?.0)
}

/// `arr.nonzero()`
pub fn nonzero<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("(/)");
    let [] = a.parse_c(&SIG)?;
    Ok(nonzero_tuple(&Array(slf.clone()))?.into_any())
}

/// Positions of the true elements, a column per axis.
pub fn nonzero_tuple<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyTuple>> {
    let py = arr.py();
    // Elements that are asked for their truth may reshape the array.
    let ndim = arr.ndim();
    if ndim == 0 {
        let hint = if arr.dtype().num.is_bool() {
            " If the context of this error is of the form `arr[nonzero(cond)]`, just use `arr[cond]`."
        } else {
            ""
        };
        return Err(PyValueError::new_err(format!(
            "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.{hint}"
        )));
    }
    let mut table = None;
    let done = micronumpy::ops::select::nonzero_row(&arr.view(), |found| {
        let made = alloc::new(&dtype::builtin(py, TypeNum::LONG), &[found as isize, 1], Order::C, false)?;
        let data = made.data().cast::<isize>();
        table = Some(made);
        PyResult::Ok(data)
    });
    let table = match (done.transpose()?, table) {
        (Some(()), Some(table)) => table,
        _ => alloc::from_owned(py, micronumpy::ops::select::nonzero(&arr.view()).py(py)?)?,
    };
    if ndim == 1 {
        // SAFETY: the only column of the table.
        let column = unsafe {
            let (shape, strides) = (&table.shape()[..1], [size_of::<isize>() as isize]);
            alloc::new_view(&table.descr(), table.data(), shape, &strides, &table.0, true, None)?
        };
        return PyTuple::new(py, [column.0]);
    }
    let (n, st) = ([table.shape()[0]], [table.strides()[0]]);
    let mut columns = Vec::with_capacity(ndim);
    for k in 0..ndim {
        let data = table.data().wrapping_offset(k as isize * table.strides()[1]);
        // SAFETY: a column of the table.
        columns.push(unsafe { alloc::new_view(&table.descr(), data, &n, &st, &table.0, true, None)? }.0);
    }
    PyTuple::new(py, columns)
}

/// `arr.diagonal(offset=0, axis1=0, axis2=1)`: a read-only view.
pub fn diagonal<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("diagonal(offset=0, axis1=0, axis2=1)");
    let [offset, axis1, axis2] = a.parse_c(&SIG)?;
    let v = diagonal_array(
        &Array(slf.clone()),
        args::axis_or(offset.as_ref(), 0)?,
        args::axis_or(axis1.as_ref(), 0)?,
        args::axis_or(axis2.as_ref(), 1)?,
    )?;
    flags::set(&v, NPY_ARRAY_WRITEABLE, false);
    Ok(v.0)
}

/// A view of a diagonal.
pub fn diagonal_array<'py>(
    arr: &Array<'py>,
    offset: isize,
    axis1: isize,
    axis2: isize,
) -> PyResult<Array<'py>> {
    let v = diagonal_view(arr.shape(), arr.strides(), offset, axis1, axis2).py(arr.py())?;
    // SAFETY: a diagonal lies inside the array.
    unsafe {
        alloc::derived_view(arr, &arr.descr(), arr.data().wrapping_offset(v.offset), &v.shape, &v.strides)
    }
}

/// `arr.trace(offset=0, axis1=0, axis2=1, dtype=None, out=None)`
pub fn trace<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("trace(offset=0, axis1=0, axis2=1, dtype=None, out=None)");
    let py = slf.py();
    let [offset, axis1, axis2, descr, out] = a.parse(&SIG)?;
    let d = diagonal_array(
        &Array(slf.clone()),
        args::axis_or(offset.as_ref(), 0)?,
        args::axis_or(axis1.as_ref(), 0)?,
        args::axis_or(axis2.as_ref(), 1)?,
    )?;
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "axis"), -1)?;
    if let Some(t) = descr.filter(|t| !t.is_none()) {
        kwargs.set_item(intern!(py, "dtype"), dtype::convert(&t)?.0)?;
    }
    if let Some(o) = args::out(out.as_ref())? {
        kwargs.set_item(intern!(py, "out"), o.0)?;
    }
    let add = cached(py, "numpy._core._multiarray_umath", "add")?;
    add.call_method(intern!(py, "reduce"), (d.0,), Some(&kwargs))
}
