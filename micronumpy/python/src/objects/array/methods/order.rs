//! Sorting, partitioning, searching, extremes.

use micronumpy::ops::select::{argmax, argmax_row};
use micronumpy::ops::sort as core;
use micronumpy::{Dims, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use ufuncs::sort::{Side, SortKind};

use super::super::{alloc, args, assign, coercion};
use super::outs::Out;
use super::select::along;
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig};
use crate::objects::{Array, Descr, dtype, scalar};

type Obj<'py> = Bound<'py, PyAny>;

/// `kind=` and `stable=` of sorts.
fn sort_kind<'py>(kind: Option<&Obj<'py>>, stable: Option<&Obj<'py>>) -> PyResult<SortKind> {
    let stable = match stable.filter(|s| !s.is_none()) {
        Some(s) => Some(s.is_truthy()?),
        None => None,
    };
    let Some(kind) = kind.filter(|k| !k.is_none()) else {
        return Ok(if stable == Some(true) { SortKind::Stable } else { SortKind::Quick });
    };
    if stable.is_some() {
        return Err(PyValueError::new_err(
            "`kind` and keyword parameters can't be provided at the same time. Use only one of them.",
        ));
    }
    Ok(match args::sort_kind(kind)? {
        // numpy knows the name still and no longer does it.
        args::SortWord::Quick | args::SortWord::Heap => SortKind::Quick,
        args::SortWord::Stable => SortKind::Stable,
    })
}

/// The dtype with its fields in the order `order=` asks for.
fn ordered_descr<'py>(arr: &Array<'py>, order: Option<&Obj<'py>>) -> PyResult<Option<Descr<'py>>> {
    let py = arr.py();
    let Some(order) = order.filter(|o| !o.is_none()) else { return Ok(None) };
    if arr.dtype().fields().is_none() {
        return Err(PyValueError::new_err("Cannot specify order when the array has no fields."));
    }
    let descr = arr.descr();
    let names = cached(py, "numpy._core._internal", "_newnames")?.call1((descr.0.clone(), order))?;
    let names: Vec<String> = names.extract()?;
    // The same fields, compared in another order: only the order of names differs.
    let mut dt = descr.dtype().clone();
    if let micronumpy::dtype::Body::Struct(fields) = &dt.body {
        let by_name = |n: &String| fields.iter().find(|f| *f.name == **n).cloned();
        let reordered: Vec<_> = names.iter().filter_map(by_name).collect();
        dt.body = micronumpy::dtype::Body::Struct(reordered.into());
    }
    dtype::descr_of(py, &dt).map(Some)
}

/// The array as elements of another dtype of the same size.
fn viewed<'py>(arr: &Array<'py>, descr: Option<&Descr<'py>>) -> PyResult<Array<'py>> {
    match descr {
        None => Ok(arr.clone()),
        // SAFETY: the same elements with their fields named in another order.
        Some(d) => unsafe {
            alloc::new_view(d, arr.data(), arr.shape(), arr.strides(), &arr.0, arr.is_writeable(), None)
        },
    }
}

fn check_axis(arr: &Array<'_>, axis: isize) -> PyResult<usize> {
    micronumpy::array::normalize_axis(axis, arr.ndim()).py(arr.py())
}

/// `arr.sort(axis=-1, kind=None, order=None, *, stable=None)`
pub fn sort<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("sort(axis=-1, kind=None, order=None, *, stable=None)");
    let py = slf.py();
    let [axis, kind, order, stable] = a.parse(&SIG)?;
    let arr = Array(slf.clone());
    let axis = args::axis_or(axis.as_ref(), -1)?;
    let kind = sort_kind(kind.as_ref(), stable.as_ref())?;
    let descr = ordered_descr(&arr, order.as_ref())?;
    let axis = check_axis(&arr, axis)?;
    assign::check_writeable(&arr, "sort array")?;
    let target = viewed(&arr, descr.as_ref())?;
    core::sort(&target.view(), axis, kind).py(py)?;
    Ok(py.None().into_bound(py))
}

/// `arr.argsort(axis=-1, kind=None, order=None, *, stable=None)`
pub fn argsort<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("argsort(axis=-1, kind=None, order=None, *, stable=None)");
    let py = slf.py();
    let [axis, kind, order, stable] = a.parse(&SIG)?;
    let arr = Array(slf.clone());
    let axis = match axis {
        Some(x) => args::axis(Some(&x))?,
        None => Some(-1),
    };
    let kind = sort_kind(kind.as_ref(), stable.as_ref())?;
    let descr = ordered_descr(&arr, order.as_ref())?;
    let (src, ax) = along(&viewed(&arr, descr.as_ref())?, axis, 0)?;
    let out = Out::new(None, &dtype::builtin(py, TypeNum::LONG), src.shape(), Some(&arr), "", &[])?;
    core::argsort(&src.view(), ax, kind, &out.target.view()).py(py)?;
    Ok(out.finish()?.0)
}

/// The `kth` argument.
fn kth_list(obj: &Obj<'_>) -> PyResult<Vec<isize>> {
    let py = obj.py();
    if obj.is_exact_instance_of::<pyo3::types::PyInt>()
        && let Ok(k) = obj.extract::<isize>()
    {
        return Ok(vec![k]);
    }
    let k = coercion::from_any(obj, None, 0, 1, 0)?;
    if k.dtype().num.is_bool() {
        return Err(PyValueError::new_err("Booleans unacceptable as partition index"));
    }
    if !k.dtype().num.is_integer() {
        return Err(PyTypeError::new_err("Partition index must be integer"));
    }
    let k = coercion::from_array(&k, Some(&dtype::builtin(py, TypeNum::LONG)), NPY_ARRAY_FORCECAST)?;
    let mut out = micronumpy::array::buffer::scratch_list(k.size()).py(py)?;
    super::super::for_each_element(&k, |p| {
        // SAFETY: a native intp element.
        out.push(unsafe { p.cast::<isize>().read_unaligned() });
        Ok(())
    })?;
    Ok(out)
}

fn check_select_kind(kind: Option<&Obj<'_>>) -> PyResult<()> {
    kind.map_or(Ok(()), args::select_kind)
}

/// `arr.partition(kth, axis=-1, kind='introselect', order=None)`
pub fn partition<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("partition(kth, axis=-1, kind='introselect', order=None)");
    let py = slf.py();
    let [kth, axis, kind, order] = a.parse(&SIG)?;
    let Some(kth) = kth else { return Err(PyTypeError::new_err("missing kth")) };
    let arr = Array(slf.clone());
    let axis = args::axis_or(axis.as_ref(), -1)?;
    check_select_kind(kind.as_ref())?;
    let descr = ordered_descr(&arr, order.as_ref())?;
    let kth = kth_list(&kth)?;
    let axis = check_axis(&arr, axis)?;
    assign::check_writeable(&arr, "partition array")?;
    let target = viewed(&arr, descr.as_ref())?;
    if arr.size() == 0 {
        return Ok(py.None().into_bound(py));
    }
    core::partition(&target.view(), axis, &kth).py(py)?;
    Ok(py.None().into_bound(py))
}

/// `arr.argpartition(kth, axis=-1, kind='introselect', order=None)`
pub fn argpartition<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("argpartition(kth, axis=-1, kind='introselect', order=None)");
    let py = slf.py();
    let [kth, axis, kind, order] = a.parse(&SIG)?;
    let Some(kth) = kth else { return Err(PyTypeError::new_err("missing kth")) };
    let arr = Array(slf.clone());
    let axis = match axis {
        Some(x) => args::axis(Some(&x))?,
        None => Some(-1),
    };
    check_select_kind(kind.as_ref())?;
    let descr = ordered_descr(&arr, order.as_ref())?;
    let kth = kth_list(&kth)?;
    let (src, ax) = along(&viewed(&arr, descr.as_ref())?, axis, 0)?;
    let out = Out::new(None, &dtype::builtin(py, TypeNum::LONG), src.shape(), Some(&arr), "", &[])?;
    core::argpartition(&src.view(), ax, &kth, &out.target.view()).py(py)?;
    Ok(out.finish()?.0)
}

/// `arr.searchsorted(v, side='left', sorter=None)`
pub fn searchsorted<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("searchsorted(v, side='left', sorter=None)");
    let py = slf.py();
    let [keys, side, sorter] = a.parse(&SIG)?;
    let Some(keys) = keys else { return Err(PyTypeError::new_err("missing v")) };
    let side = match side.as_ref() {
        None => Side::Left,
        Some(s) if args::search_side(s)? => Side::Right,
        Some(_) => Side::Left,
    };
    let arr = Array(slf.clone());
    if arr.ndim() != 1 {
        return Err(PyValueError::new_err(if arr.ndim() > 1 {
            "object too deep for desired array"
        } else {
            "object of too small depth for desired array"
        }));
    }
    // The dtype both sides are compared in.
    let found = match Array::cast(&keys) {
        Some(keys) if keys.is_exact() => keys,
        _ => coercion::from_any(&keys, None, 0, 0, 0)?,
    };
    let same = arr.descr().0.is(&found.descr().0) && micronumpy::index::is_plain(arr.dtype());
    let common = if same && arr.dtype().is_native() {
        arr.descr()
    } else {
        let result_type = cached(py, "numpy._core._multiarray_umath", "result_type")?;
        let common = result_type.call1(PyTuple::new(py, [arr.descr().0, found.descr().0])?)?;
        let Some(common) = Descr::cast(&common) else { return Err(PyTypeError::new_err("no common dtype")) };
        common
    };
    let sorter = match sorter.filter(|s| !s.is_none()) {
        None => None,
        Some(s) => {
            let s = coercion::from_any(&s, None, 1, 1, 0)?;
            if !s.dtype().num.is_integer() {
                return Err(PyTypeError::new_err("sorter must only contain integers"));
            }
            let s = coercion::from_array(&s, Some(&dtype::builtin(py, TypeNum::LONG)), NPY_ARRAY_FORCECAST)?;
            if s.shape()[0] != arr.shape()[0] {
                return Err(PyValueError::new_err("sorter.size must equal a.size"));
            }
            Some(s)
        }
    };
    let out = alloc::new(&dtype::builtin(py, TypeNum::LONG), found.shape(), Order::C, false)?;
    let sorter_view = sorter.as_ref().map(|s| s.view());
    core::searchsorted(&arr.view(), &found.view(), common.dtype(), side, sorter_view.as_ref(), &out.view())
        .py(py)?;
    super::super::unwrap_0d(out)
}

/// `argmax` and `argmin`.
pub fn arg_extreme<'py>(
    arr: &Array<'py>,
    axis: Option<&Obj<'py>>,
    out: Option<&Obj<'py>>,
    keepdims: Option<&Obj<'py>>,
    max: bool,
) -> PyResult<Obj<'py>> {
    let py = arr.py();
    let axis = args::axis(axis)?;
    let out = args::out(out)?;
    let keepdims = args::truth(keepdims, false)?;
    if out.is_none()
        && !keepdims
        && arr.is_exact()
        && axis.is_none_or(|a| a == 0 || a == -1)
        && let Some(at) = argmax_row(&arr.view(), !max)
    {
        let intp = dtype::builtin(py, TypeNum::LONG);
        // SAFETY: one number of this dtype.
        return unsafe { scalar::to_scalar(&intp, (&raw const at).cast(), None) };
    }
    let name = if max { "argmax" } else { "argmin" };
    let (src, ax) = along(arr, axis, 0)?;
    // The result's shape, with dimensions of one for those reduced if asked.
    let mut full: Dims =
        if axis.is_none() { Dims::from_elem(1, arr.ndim()) } else { Dims::from_slice(src.shape()) };
    if axis.is_some() && !full.is_empty() {
        full[ax] = 1;
    }
    let reduced: Dims = micronumpy::ops::without_axis(src.shape(), ax);
    let shape: Dims = if keepdims { full } else { reduced.clone() };
    let shape = if arr.ndim() == 0 { Dims::new() } else { shape };
    let target = Out::new(
        out.as_ref(),
        &dtype::builtin(py, TypeNum::LONG),
        &shape,
        Some(arr),
        &format!("output array does not match result of np.{name}."),
        &[&src],
    )?;
    let t = &target.target;
    // The kernel wants the result without the reduced axis: dimensions of one drop out.
    let strides: Dims = if axis.is_none() {
        Dims::from_elem(0, reduced.len())
    } else if keepdims && !shape.is_empty() {
        t.strides().iter().enumerate().filter(|&(i, _)| i != ax).map(|(_, &s)| s).collect()
    } else {
        Dims::from_slice(t.strides())
    };
    // SAFETY: the same elements of the target.
    let view = unsafe { micronumpy::ArrayRef::new(t.data(), &reduced, &strides, t.dtype()) };
    argmax(&src.view(), ax, !max, &view).py(py)?;
    let r = target.finish()?;
    if out.is_some() { Ok(r.0) } else { super::super::unwrap_0d(r) }
}
