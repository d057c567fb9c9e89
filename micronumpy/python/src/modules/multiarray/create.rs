//! Constructors: `array` and its relatives, `empty`, `zeros`, `arange`, `frombuffer`, `fromiter`, ...

use micronumpy::dtype::host::is_host_class;
use micronumpy::dtype::promote;
use micronumpy::{Dtype, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyModule;
use pyo3::{IntoPyObjectExt, ffi as pyffi};

use crate::abi::*;
use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::alloc;
use crate::objects::array::args::{self, CopyMode};
use crate::objects::array::coercion::{self, discover};
use crate::objects::array::{assign, methods, pickle};
use crate::objects::dispatcher::creation_with_like;
use crate::objects::ufunc::bind::{common_with, weak_kind};
use crate::objects::{Array, Descr, dtype, scalar};
use crate::protocols::{buffer::Memory, dlpack};

type Obj<'py> = Bound<'py, PyAny>;

/// The dtype argument of constructors: absent and `None` mean "find out".
fn descr_arg<'py>(obj: Option<&Obj<'py>>) -> PyResult<Option<Descr<'py>>> {
    match obj {
        Some(o) if !o.is_none() => dtype::convert_or_class(o).map(Some),
        _ => Ok(None),
    }
}

/// The dtype of arrays without data to look at.
fn descr_of_empty<'py>(obj: Option<&Obj<'py>>) -> PyResult<Option<Descr<'py>>> {
    match obj {
        Some(o) if !o.is_none() => dtype::convert_or_default(o).map(Some),
        _ => Ok(None),
    }
}

macro_rules! like {
    ($name:literal, $like:expr, $args:expr) => {
        if let Some(l) = $like.filter(|l| !l.is_none()) {
            if let Some(r) = creation_with_like($name, &l, $args)? {
                return Ok(r);
            }
        }
    };
}

/// The body of `array`, `asarray` and `asanyarray`.
fn array_like<'py>(
    obj: &Obj<'py>,
    descr: Option<&Descr<'py>>,
    copy: CopyMode,
    order: Order,
    subok: bool,
    ndmin: usize,
    ndmax: usize,
) -> PyResult<Obj<'py>> {
    // Nothing to do, or a plain copy: the cases worth being quick for.
    if let Some(arr) = Array::cast(obj)
        && (subok || arr.is_exact())
        && arr.ndim() >= ndmin
    {
        let same = descr.is_none_or(|d| d.is(&arr.descr()) || coercion::same_type(&arr.descr(), d));
        let fits = match order {
            Order::Keep => true,
            Order::C => arr.has_flags(NPY_ARRAY_C_CONTIGUOUS),
            Order::F => arr.has_flags(NPY_ARRAY_F_CONTIGUOUS),
            Order::Any => arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) || arr.has_flags(NPY_ARRAY_F_CONTIGUOUS),
        };
        let is_class =
            descr.is_some_and(|d| matches!(discover::Request::of(Some(d)), discover::Request::Class(_)));
        if same && !is_class {
            if copy != CopyMode::Always && fits {
                let exact_descr = descr.is_none_or(|d| d.is(&arr.descr()));
                if exact_descr {
                    return Ok(obj.clone());
                }
            } else if copy == CopyMode::Always {
                let out = methods::copy_array(&arr, order)?;
                if let Some(d) = descr.filter(|d| !d.is(&arr.descr())) {
                    crate::objects::array::reinterpret(&out, d)?;
                }
                return Ok(out.0);
            }
        }
    }
    let mut flags = NPY_ARRAY_FORCECAST;
    match copy {
        CopyMode::Always => flags |= NPY_ARRAY_ENSURECOPY,
        CopyMode::Never => flags |= NPY_ARRAY_ENSURENOCOPY,
        CopyMode::IfNeeded => {}
    }
    match order {
        Order::C => flags |= NPY_ARRAY_C_CONTIGUOUS,
        Order::F => flags |= NPY_ARRAY_F_CONTIGUOUS,
        Order::Any => {
            if Array::cast(obj).is_some_and(|a| alloc::is_fortran_only(&a)) {
                flags |= NPY_ARRAY_F_CONTIGUOUS;
            }
        }
        Order::Keep => {}
    }
    if !subok {
        flags |= NPY_ARRAY_ENSUREARRAY;
    }
    let arr = if ndmax == 0 && Array::cast(obj).is_none() {
        coercion::from_any_limited(obj, descr, 0, flags)?
    } else {
        coercion::from_any(obj, descr, 0, ndmax, flags)?
    };
    if arr.ndim() >= ndmin {
        return Ok(arr.0);
    }
    let mut shape = micronumpy::Dims::from_elem(1, ndmin - arr.ndim());
    shape.extend_from_slice(arr.shape());
    // What a reshape would give: in Fortran order the first axis steps by one item, else over all that follows.
    let step = match (arr.shape().first(), arr.strides().first()) {
        (Some(&n), Some(&stride)) if !alloc::is_fortran_only(&arr) => n * stride,
        _ => arr.itemsize() as isize,
    };
    let mut strides = micronumpy::Dims::from_elem(step, ndmin - arr.ndim());
    strides.extend_from_slice(arr.strides());
    // SAFETY: dimensions of one in front.
    Ok(unsafe { alloc::derived_view(&arr, &arr.descr(), arr.data(), &shape, &strides)? }.0)
}

/// `array(object, dtype=None, *, copy=True, order='K', subok=False, ndmin=0, ndmax=0, like=None)`
fn array<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "array(object, dtype=None, *, copy=None, order=None, subok=False, ndmin=0, ndmax=0, like=None)",
    );
    let [obj, descr, copy, order, subok, ndmin, ndmax, like] = a.parse(&SIG)?;
    like!("array", like, a);
    let Some(obj) = obj else { return Err(PyTypeError::new_err("missing object")) };
    let descr = descr_arg(descr.as_ref())?;
    let copy = args::copy_mode(copy.as_ref(), CopyMode::Always)?;
    let order = args::order(order.as_ref(), Order::Keep)?;
    let subok = args::truth(subok.as_ref(), false)?;
    let ndmin = ndmin.map_or(Ok(0), |n| args::int32(&n))?;
    let max = micronumpy::array::MAXDIMS as isize;
    let ndmax = ndmax.map_or(Ok(max), |n| args::int32(&n))?;
    if !(0..=max).contains(&ndmax) {
        return Err(PyValueError::new_err(format!("ndmax must be in the range [0, NPY_MAXDIMS ({max})] ")));
    }
    if ndmin > ndmax {
        return Err(PyValueError::new_err(format!("ndmin must be <= ndmax ({ndmax})")));
    }
    array_like(&obj, descr.as_ref(), copy, order, subok, ndmin.max(0) as usize, ndmax as usize)
}

fn asarray_any<'py>(a: Args<'_, 'py>, sig: &Sig, name: &'static str, subok: bool) -> PyResult<Obj<'py>> {
    // What most calls are: an array that stays as it is.
    if a.len() == 1
        && !a.has_keywords()
        && let Some(obj) = a.get(0)
        && Array::cast(&obj).is_some_and(|array| subok || array.is_exact())
    {
        return Ok(obj);
    }
    let [obj, descr, order, device, copy, like] = a.parse(sig)?;
    if let Some(l) = like.filter(|l| !l.is_none())
        && let Some(r) = creation_with_like(name, &l, a)?
    {
        return Ok(r);
    }
    let Some(obj) = obj else { return Err(PyTypeError::new_err("missing object")) };
    let descr = descr_arg(descr.as_ref())?;
    let order = args::order(order.as_ref(), Order::Keep)?;
    args::device(device.as_ref())?;
    let copy = args::copy_mode(copy.as_ref(), CopyMode::IfNeeded)?;
    array_like(&obj, descr.as_ref(), copy, order, subok, 0, micronumpy::array::MAXDIMS)
}

/// `asarray(a, dtype=None, order=None, *, device=None, copy=None, like=None)`
fn asarray<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("asarray(a, dtype=None, order=None, *, device=None, copy=None, like=None)");
    asarray_any(a, &SIG, "asarray", false)
}

/// `asanyarray(a, dtype=None, order=None, *, device=None, copy=None, like=None)`
fn asanyarray<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("asanyarray(a, dtype=None, order=None, *, device=None, copy=None, like=None)");
    asarray_any(a, &SIG, "asanyarray", true)
}

/// `ascontiguousarray(a, dtype=None, *, like=None)`
fn ascontiguousarray<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("ascontiguousarray(a, dtype=None, *, like=None)");
    let [obj, descr, like] = a.parse(&SIG)?;
    like!("ascontiguousarray", like, a);
    let Some(obj) = obj else { return Err(PyTypeError::new_err("missing object")) };
    let descr = descr_arg(descr.as_ref())?;
    array_like(&obj, descr.as_ref(), CopyMode::IfNeeded, Order::C, false, 1, micronumpy::array::MAXDIMS)
}

/// `asfortranarray(a, dtype=None, *, like=None)`
fn asfortranarray<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("asfortranarray(a, dtype=None, *, like=None)");
    let [obj, descr, like] = a.parse(&SIG)?;
    like!("asfortranarray", like, a);
    let Some(obj) = obj else { return Err(PyTypeError::new_err("missing object")) };
    let descr = descr_arg(descr.as_ref())?;
    array_like(&obj, descr.as_ref(), CopyMode::IfNeeded, Order::F, false, 1, micronumpy::array::MAXDIMS)
}

/// Order of `empty` and `zeros`: C or Fortran.
fn strict_order(obj: Option<&Obj<'_>>) -> PyResult<Order> {
    match args::order(obj, Order::C)? {
        o @ (Order::C | Order::F) => Ok(o),
        _ => Err(PyValueError::new_err("only 'C' or 'F' order is permitted")),
    }
}

/// `empty(shape, dtype=None, order='C', *, device=None, like=None)`
fn empty<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("empty(shape, dtype=None, order='C', *, device=None, like=None)");
    let [shape, descr, order, device, like] = a.parse(&SIG)?;
    like!("empty", like, a);
    let py = a.py;
    let Some(shape) = shape else { return Err(PyTypeError::new_err("missing shape")) };
    let shape = args::shape(&shape)?;
    let descr = descr_of_empty(descr.as_ref())?.unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE));
    let order = strict_order(order.as_ref())?;
    args::device(device.as_ref())?;
    let out = alloc::new(&descr, &shape, order, false)?;
    assign::fill_none(&out);
    Ok(out.0)
}

/// `zeros(shape, dtype=None, order='C', *, device=None, like=None)`
fn zeros<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("zeros(shape, dtype=None, order='C', *, device=None, like=None)");
    let [shape, descr, order, device, like] = a.parse(&SIG)?;
    like!("zeros", like, a);
    let py = a.py;
    let Some(shape) = shape else { return Err(PyTypeError::new_err("missing shape")) };
    let shape = args::shape(&shape)?;
    let descr = descr_of_empty(descr.as_ref())?.unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE));
    let order = strict_order(order.as_ref())?;
    args::device(device.as_ref())?;
    let out = alloc::new(&descr, &shape, order, true)?;
    assign::fill_zero(&out)?;
    Ok(out.0)
}

/// `empty_like(prototype, /, dtype=None, order='K', subok=True, shape=None, *, device=None)`
fn empty_like<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig =
        Sig::new("empty_like(prototype, dtype=None, order='K', subok=True, shape=None, *, device=None)");
    let [proto, descr, order, subok, shape, device] = a.parse(&SIG)?;
    let Some(proto) = proto else { return Err(PyTypeError::new_err("missing prototype")) };
    let proto = coercion::from_any(&proto, None, 0, 0, 0)?;
    let descr = descr_of_empty(descr.as_ref())?;
    let order = args::order(order.as_ref(), Order::Keep)?;
    let subok = match subok {
        // numpy reads this argument as an integer.
        Some(s) => args::index(&s).map(|v| v != 0).or_else(|_| s.is_truthy())?,
        None => true,
    };
    let shape = match &shape {
        Some(s) => args::optional_shape(s)?,
        None => None,
    };
    args::device(device.as_ref())?;
    let descr = descr.unwrap_or_else(|| proto.descr());
    // A structured prototype of a subclass keeps its class; padding and objects start as zero bytes.
    let out = alloc::new_like(&proto, order, &descr, shape.as_deref(), subok, false)?;
    assign::fill_none(&out);
    Ok(out.0)
}

/// A float that vanished from below.
fn is_negative_zero(q: &Obj<'_>) -> bool {
    q.extract::<f64>().is_ok_and(|v| v == 0.0 && v.is_sign_negative())
}

/// Number of elements of a range, by Python's arithmetic on whatever objects they are.
fn range_length<'py>(
    start: &Obj<'py>,
    stop: &Obj<'py>,
    step: &Obj<'py>,
    is_complex: bool,
) -> PyResult<isize> {
    let span = stop.sub(start)?;
    let value = span.div(step)?;
    let ceil = |v: f64| -> PyResult<isize> {
        let v = v.ceil();
        if v.is_nan() {
            return Err(PyValueError::new_err("arange: cannot compute length"));
        }
        if v >= isize::MAX as f64 || v <= isize::MIN as f64 {
            return Err(PyValueError::new_err("Maximum allowed size exceeded"));
        }
        Ok(v as isize)
    };
    // A quotient that vanished although the span did not: the step is too big, there is one element.
    let one_if_vanished = |q: &Obj<'py>, len: isize| -> PyResult<isize> {
        if len == 0 && !q.is_truthy()? && !is_negative_zero(q) && span.is_truthy()? { Ok(1) } else { Ok(len) }
    };
    if is_complex && value.is_instance_of::<pyo3::types::PyComplex>() {
        let re = ceil(value.getattr("real")?.extract()?)?;
        let im = ceil(value.getattr("imag")?.extract()?)?;
        return Ok(re.min(im).max(0));
    }
    let q: f64 = value.extract()?;
    one_if_vanished(&value, ceil(q)?).map(|n| n.max(0))
}

/// `arange([start,] stop[, step,], dtype=None, *, device=None, like=None)`
fn arange<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig =
        Sig::new("arange(start=None, stop=None, step=None, dtype=None, *, device=None, like=None)");
    let [start, stop, step, descr, device, like] = a.parse(&SIG)?;
    like!("arange", like, a);
    let py = a.py;
    args::device(device.as_ref())?;
    let given_none = |o: &Option<Obj<'py>>| o.as_ref().is_none_or(|x| x.is_none());
    if given_none(&stop) && (start.is_none() || a.is_empty()) {
        return Err(PyTypeError::new_err("arange() requires stop to be specified."));
    }
    let (start, stop) = if given_none(&stop) { (None, start) } else { (start, stop) };
    let Some(stop) = stop else {
        return Err(PyTypeError::new_err("arange() requires stop to be specified."));
    };
    let start = start.filter(|s| !s.is_none());
    let step = step.filter(|s| !s.is_none());
    let descr = descr_of_empty(descr.as_ref())?;
    let descr = match descr {
        Some(d) => d,
        None => {
            // The common dtype of everything given, at least the default integer.
            let mut dt = Dtype::intp();
            let mut time = None;
            for o in [start.as_ref(), Some(&stop), step.as_ref()].into_iter().flatten() {
                let d = object_dtype(o)?;
                if d.num.is_datetime() {
                    // A date anywhere makes it a range of dates, whatever the rest is.
                    time = Some(if time == Some(TypeNum::DATETIME) { TypeNum::DATETIME } else { d.num });
                } else if time.is_none() {
                    dt = promote(&dt, &d).py(py)?;
                }
            }
            match time {
                Some(num) => dtype::builtin(py, num),
                None => dtype::descr_of(py, &dt)?,
            }
        }
    };
    let num = descr.dtype().num;
    if num.is_datetime() {
        let none = py.None().into_bound(py);
        let or_none = |o: Option<Obj<'py>>| o.unwrap_or_else(|| none.clone());
        return datetime_arange(&or_none(start), &stop, &or_none(step), &descr);
    }
    let known = num.is_number() || num.is_bool() || num.is_object() || num.is_user();
    if !known || is_host_class(num) {
        let class = descr.0.get_type().repr()?;
        return Err(PyTypeError::new_err(format!("arange() not supported for inputs with DType {class}.")));
    }
    let int = |v: i64| -> PyResult<Obj<'py>> { v.into_bound_py_any(py) };
    let start = match start {
        Some(s) => s,
        None => int(0)?,
    };
    let step_obj = match step {
        Some(s) => s,
        None => int(1)?,
    };
    let n = range_length(&start, &stop, &step_obj, num.is_complex())?;
    let swapped = descr.dtype().is_swapped();
    let native =
        if swapped { dtype::descr_of(py, &descr.dtype().with_byteorder(b'='))? } else { descr.clone() };
    if num.is_bool() && n > 2 {
        return Err(PyTypeError::new_err(
            "arange() is only supported for booleans when the result has at most length 2.",
        ));
    }
    let out = alloc::new(&native, &[n], Order::C, false)?;
    if n > 0 {
        let itemsize = native.itemsize();
        // SAFETY: elements of a new array.
        unsafe {
            scalar::set_item(&native, out.data(), &start)?;
            if n > 1 {
                let second = start.add(&step_obj)?;
                scalar::set_item(&native, out.data().add(itemsize), &second)?;
            }
        }
        if num.is_object() {
            // Objects add up step by step.
            let delta = start.add(&step_obj)?.sub(&start)?;
            let mut value = start.add(&step_obj)?;
            for i in 2..n as usize {
                value = value.add(&delta)?;
                // SAFETY: an element of the new array.
                unsafe { scalar::set_item(&native, out.data().add(i * itemsize), &value)? };
            }
        } else if let Some(fill) = dtype::DtypeClass::of(&native).functions().and_then(|f| f.fill) {
            // SAFETY: the function's contract: two elements are there, `n` are to be filled.
            if n > 2 && unsafe { fill(out.data().cast(), n, out.0.as_ptr().cast()) } < 0 {
                return Err(PyErr::fetch(py));
            }
        } else {
            micronumpy::ops::fill::progression(&out.view()).py(py)?;
        }
    }
    if swapped {
        return Ok(methods::copy::astype_array(
            &out,
            &descr,
            Order::C,
            micronumpy::Casting::Unsafe,
            false,
            true,
        )?
        .0);
    }
    Ok(out.0)
}

/// `arange` of dates and time differences: everything in one unit first, then integers.
fn datetime_arange<'py>(
    start: &Obj<'py>,
    stop: &Obj<'py>,
    step: &Obj<'py>,
    descr: &Descr<'py>,
) -> PyResult<Obj<'py>> {
    use crate::objects::array::coercion::datetime::scalar_descr;
    use micronumpy::dtype::DatetimeMeta;
    let py = stop.py();
    let num = descr.dtype().num;
    // Dates and durations in arrays of no dimensions are taken for the element; integers are not.
    let value = |o: &Obj<'py>| -> PyResult<Obj<'py>> {
        match Array::cast(o) {
            // SAFETY: an array of one element.
            Some(a) if a.ndim() == 0 && a.dtype().num.is_datetime() => unsafe {
                scalar::to_scalar(&a.descr(), a.data(), None)
            },
            _ => Ok(o.clone()),
        }
    };
    let given = |o: &Obj<'py>| (!o.is_none()).then(|| value(o)).transpose();
    let (start, stop, step) = (given(start)?, &value(stop)?, given(step)?);
    // The kind of an object that brings its own: dates and differences.
    let own_kind = |o: &Obj<'py>| -> PyResult<Option<TypeNum>> {
        let d = if crate::objects::handles::is_scalar(o) { scalar::descr_of_scalar(o)? } else { None };
        Ok(d.map(|d| d.dtype().num).filter(|n| n.is_datetime()))
    };
    if let Some(s) = &step
        && own_kind(s)? == Some(TypeNum::DATETIME)
    {
        return Err(PyValueError::new_err("cannot use a datetime as a step in arange"));
    }
    if num == TypeNum::DATETIME && start.is_none() {
        return Err(PyValueError::new_err(
            "arange requires both a start and a stop for NumPy datetime64 ranges",
        ));
    }
    let is_difference = |o: &Obj<'py>| -> PyResult<bool> {
        Ok(o.is_instance_of::<pyo3::types::PyInt>()
            || own_kind(o)? == Some(TypeNum::TIMEDELTA)
            || crate::objects::handles::is_scalar(o) && args::index(o).is_ok())
    };
    let stop_num = if num == TypeNum::DATETIME && !is_difference(stop)? { num } else { TypeNum::TIMEDELTA };
    let operands = [(start.as_ref(), num), (Some(stop), stop_num), (step.as_ref(), TypeNum::TIMEDELTA)];
    for (o, n) in &operands {
        let Some(o) = o else { continue };
        let is_duration = *n == TypeNum::TIMEDELTA;
        if Array::cast(o).is_some() || is_duration && own_kind(o)? == Some(TypeNum::DATETIME) {
            let kind = if is_duration { "timedelta" } else { "datetime" };
            return Err(PyValueError::new_err(format!("Could not convert object to NumPy {kind}")));
        }
    }
    let meta = match descr.dtype().datetime_meta().filter(|m| m.unit != 14) {
        Some(m) => m,
        None => {
            // Months and years go with days as dates only: durations of them have no number of days.
            let mut common: Option<(DatetimeMeta, bool)> = None;
            for (o, n) in operands {
                let Some(o) = o else { continue };
                let Some(meta) = scalar_descr(o, n)?.dtype().datetime_meta() else { continue };
                let is_duration = n == TypeNum::TIMEDELTA;
                common = Some(match common {
                    None => (meta, is_duration),
                    Some((before, durations)) => {
                        let nonlinear = |m: DatetimeMeta| m.unit <= 1;
                        let strict = nonlinear(before) && durations || nonlinear(meta) && is_duration;
                        let kind = if strict { TypeNum::TIMEDELTA } else { TypeNum::DATETIME };
                        let [a, b] = [before, meta].map(|m| Dtype::datetime(kind, m));
                        let both = promote(&a, &b).py(py)?.datetime_meta();
                        (both.unwrap_or(before), durations || is_duration)
                    }
                });
            }
            common.map(|(meta, _)| meta).unwrap_or(DatetimeMeta { unit: 14, num: 1 })
        }
    };
    let mut values = [0i64, 0, 1];
    for ((o, n), v) in operands.into_iter().zip(&mut values) {
        if let Some(o) = o {
            let d = dtype::descr_of(py, &Dtype::datetime(n, meta))?;
            // SAFETY: one native eight-byte element.
            unsafe { scalar::set_item(&d, std::ptr::from_mut(v).cast(), o)? };
        }
    }
    if values.contains(&i64::MIN) {
        return Err(PyValueError::new_err("arange: cannot use NaT (not-a-time) datetime values"));
    }
    let [first, mut end, delta] = values;
    if num == TypeNum::DATETIME && stop_num == TypeNum::TIMEDELTA {
        end = end.saturating_add(first);
    }
    if delta == 0 {
        return Err(PyValueError::new_err("arange: step cannot be zero"));
    }
    let span = (i128::from(end) - i128::from(first)) / i128::from(delta)
        + i128::from((i128::from(end) - i128::from(first)) % i128::from(delta) != 0);
    let n = if (delta > 0) == (end > first) && end != first {
        isize::try_from(span).unwrap_or(isize::MAX)
    } else {
        0
    };
    let result = dtype::descr_of(py, &Dtype::datetime(num, meta))?;
    let out = alloc::new(&result, &[n], Order::C, false)?;
    let p = out.data().cast::<i64>();
    for i in 0..n.min(2) {
        // SAFETY: an element of the new array.
        unsafe { p.offset(i).write(first.wrapping_add(delta.wrapping_mul(i as i64))) };
    }
    micronumpy::ops::fill::progression(&out.view()).py(py)?;
    Ok(out.0)
}

/// The dtype discovery finds in an object.
fn object_dtype(obj: &Obj<'_>) -> PyResult<Dtype> {
    let found =
        discover::discover(obj, &discover::Request::Any, micronumpy::array::MAXDIMS, CopyMode::IfNeeded)?;
    Ok(found.descr.map_or_else(Dtype::float64, |d| d.dtype().clone()))
}

/// `frombuffer(buffer, dtype=None, count=-1, offset=0, *, like=None)`
fn frombuffer<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("frombuffer(buffer, dtype=None, count=-1, offset=0, *, like=None)");
    let [buffer, descr, count, offset, like] = a.parse_c(&SIG)?;
    like!("frombuffer", like, a);
    let py = a.py;
    let Some(buffer) = buffer else { return Err(PyTypeError::new_err("missing buffer")) };
    let descr = descr_of_empty(descr.as_ref())?.unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE));
    let count = count.map_or(Ok(-1), |c| args::index(&c))?;
    let offset = offset.map_or(Ok(0), |c| args::index(&c))?;
    if descr.dtype().has_object() {
        return Err(PyValueError::new_err("cannot create an OBJECT array from memory buffer"));
    }
    let itemsize = descr.itemsize();
    if descr.dtype().is_unsized() {
        return Err(PyValueError::new_err("itemsize cannot be zero in type"));
    }
    let mem = Memory::of(&buffer)?;
    // What takes note of its exports is held through a memoryview, so that the memory stays where it is.
    // SAFETY: a live object; a new reference or null.
    let base = unsafe {
        let slots = (*pyffi::Py_TYPE(buffer.as_ptr())).tp_as_buffer;
        if Array::cast(&buffer).is_some() || slots.is_null() || (*slots).bf_releasebuffer.is_none() {
            buffer.clone()
        } else {
            crate::ffi::guard::owned(py, pyffi::PyMemoryView_FromObject(buffer.as_ptr()))?
        }
    };
    if offset < 0 || offset as usize > mem.len {
        return Err(PyValueError::new_err(format!(
            "offset must be non-negative and no greater than buffer length ({})",
            mem.len
        )));
    }
    let left = mem.len - offset as usize;
    let n = if count < 0 {
        if itemsize == 0 {
            return Err(PyValueError::new_err("cannot determine count if itemsize is 0"));
        }
        if !left.is_multiple_of(itemsize) {
            return Err(PyValueError::new_err("buffer size must be a multiple of element size"));
        }
        left / itemsize
    } else {
        let n = count as usize;
        if n.checked_mul(itemsize).is_none_or(|b| b > left) {
            return Err(PyValueError::new_err("buffer is smaller than requested size"));
        }
        n
    };
    let data = mem.data.wrapping_offset(offset);
    let data = if data.is_null() { std::ptr::dangling_mut() } else { data };
    // SAFETY: the elements lie inside the buffer, which the base keeps.
    let out = unsafe {
        alloc::new_view(&descr, data, &[n as isize], &[itemsize as isize], &base, mem.writeable, None)?
    };
    Ok(out.0)
}

/// `fromiter(iter, dtype, count=-1, *, like=None)`
fn fromiter<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("fromiter(iter, dtype, count=-1, *, like=None)");
    let [iter, descr, count, like] = a.parse_c(&SIG)?;
    like!("fromiter", like, a);
    let py = a.py;
    let (Some(iter), Some(descr)) = (iter, descr) else { return Err(PyTypeError::new_err("missing iter")) };
    let descr = dtype::convert(&descr)?;
    let count = count.map_or(Ok(-1), |c| args::index(&c))?;
    let it = iter.try_iter()?;
    if descr.dtype().is_unsized() {
        return Err(PyValueError::new_err("Must specify length when using variable-size data-type."));
    }
    let hint = if count < 0 {
        // SAFETY: live object.
        let h = unsafe { pyffi::PyObject_LengthHint(iter.as_ptr(), 0) };
        if h < 0 {
            return Err(PyErr::fetch(py));
        }
        h
    } else {
        count
    };
    let out = fromiter_fill(&it.into_any(), &descr, count, hint)?;
    Ok(out.0)
}

fn fromiter_fill<'py>(it: &Obj<'py>, descr: &Descr<'py>, count: isize, hint: isize) -> PyResult<Array<'py>> {
    let itemsize = descr.itemsize();
    let mut capacity = hint.max(0);
    let (base, inner) = if descr.dtype().subarray().is_some() {
        alloc::subarray_parts(descr)?
    } else {
        (descr.clone(), micronumpy::Dims::new())
    };
    let make = |n: isize| alloc::new(descr, &[n], Order::C, false);
    let mut arr = make(capacity)?;
    let mut n = 0isize;
    for item in it.try_iter()? {
        if count >= 0 && n == count {
            break;
        }
        let item = item?;
        if n == capacity {
            // Half as much again, as lists grow.
            capacity = (capacity + (capacity >> 1) + 4).max(n + 1);
            let bigger = make(capacity)?;
            move_items(&arr, &bigger, n as usize * itemsize);
            arr = bigger;
        }
        let at = arr.data().wrapping_offset(n * itemsize as isize);
        if inner.is_empty() {
            // SAFETY: `n < capacity`.
            unsafe { scalar::set_item(&arr.descr(), at, &item)? };
        } else {
            let st = micronumpy::array::contiguous_strides(&inner, base.itemsize(), false);
            // SAFETY: one element of the outer shape.
            let part = unsafe { alloc::new_view(&base, at, &inner, &st, &arr.0, true, None)? };
            assign::assign(&part, &item)?;
        }
        n += 1;
        if count >= 0 && n == count {
            break;
        }
    }
    if count >= 0 && n < count {
        return Err(PyValueError::new_err(format!(
            "iterator too short: Expected {count} but iterator had only {n} items."
        )));
    }
    if n == capacity {
        return Ok(arr);
    }
    let exact = make(n)?;
    move_items(&arr, &exact, n as usize * itemsize);
    Ok(exact)
}

/// Move the first bytes of one array to a fresh one of the same kind, object references included.
pub fn move_items(from: &Array<'_>, to: &Array<'_>, nbytes: usize) {
    // SAFETY: both hold at least that many bytes; what was moved is cleared so that it has one owner.
    unsafe {
        if to.dtype().as_strings().is_some() {
            // Strings move together with the memory they lie in.
            std::mem::swap(&mut (*to.raw()).descr, &mut (*from.raw()).descr);
        }
        std::ptr::copy_nonoverlapping(from.data(), to.data(), nbytes);
        if from.dtype().has_object() {
            std::ptr::write_bytes(from.data(), 0, nbytes);
        }
    }
}

/// `copyto(dst, src, casting='same_kind', where=True)`
fn copyto<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("copyto(dst, src, casting='same_kind', where=None)");
    let [dst, src, casting, mask] = a.parse(&SIG)?;
    let py = a.py;
    let (Some(dst), Some(src)) = (dst, src) else { return Err(PyTypeError::new_err("missing dst")) };
    let Some(dst) = Array::cast(&dst) else {
        return Err(PyTypeError::new_err(format!(
            "copyto() argument 1 must be a numpy.ndarray, not {}",
            dst.get_type().name()?
        )));
    };
    let casting = args::plain_casting(casting.as_ref(), micronumpy::Casting::SameKind)?;
    let by_kind = matches!(
        casting,
        micronumpy::Casting::Safe | micronumpy::Casting::SameKind | micronumpy::Casting::Unsafe
    );
    if mask.is_none() && number_fits(&src, &dst) && by_kind {
        assign::check_writeable(&dst, "assignment destination")?;
        assign::assign_scalar(&dst, &src)?;
        return Ok(py.None().into_bound(py));
    }
    let source = match Array::cast(&src) {
        Some(s) => s,
        None => {
            let found = coercion::from_any(&src, None, 0, 0, 0)?;
            // Python's numbers get the common type of their kind and the destination, as operands of ufuncs do.
            match weak_kind(&src).and_then(|weak| common_with(weak, dst.dtype())) {
                // What becomes text is what it is as an array.
                Some(common)
                    if !dst.dtype().num.is_string()
                        && !micronumpy::dtype::equivalent(&common, found.dtype()) =>
                {
                    let common = dtype::descr_of(py, &common)?;
                    if casting == micronumpy::Casting::Equiv && !common.dtype().num.is_object() {
                        return Err(PyTypeError::new_err(format!(
                            "cannot cast Python {} to {} under the casting rule 'equiv'",
                            src.get_type().name()?,
                            common.0.str()?
                        )));
                    }
                    coercion::from_any(&src, Some(&common), 0, 0, NPY_ARRAY_FORCECAST)?
                }
                _ => found,
            }
        }
    };
    if !micronumpy::cast::can_cast(source.dtype(), dst.dtype(), casting) {
        let what = if source.ndim() == 0 { "scalar" } else { "array data" };
        let repr = |d: Descr<'_>| d.0.repr().map(|r| r.to_string()).unwrap_or_default();
        return Err(PyTypeError::new_err(format!(
            "Cannot cast {what} from {} to {} according to the rule '{}'",
            repr(source.descr()),
            repr(dst.descr()),
            args::casting_text(casting)
        )));
    }
    let none = py.None().into_bound(py);
    let mask = match mask {
        None => None,
        Some(m) if m.is(pyo3::types::PyBool::new(py, true).as_any()) => None,
        Some(m) => {
            Some(coercion::from_any(&m, Some(&dtype::builtin(py, TypeNum::BOOL)), 0, 0, NPY_ARRAY_FORCECAST)?)
        }
    };
    match mask {
        None => {
            if casting == micronumpy::Casting::SameValue {
                assign::check_writeable(&dst, "assignment destination")?;
                micronumpy::cast::copy_into_same_value(&dst.view(), &source.view()).py(py)?;
            } else {
                assign::assign_array(&dst, &source)?;
            }
        }
        Some(m) => {
            assign::check_writeable(&dst, "assignment destination")?;
            let source = assign::value_for(&dst, source)?;
            let status = micronumpy::cast::copy_masked(&dst.view(), &source.view(), &m.view()).py(py)?;
            crate::objects::ufunc::report_fp_status(py, "cast", status)?;
        }
    }
    Ok(none)
}

/// Whether it is plain to see that a Python number takes the destination's dtype.
fn number_fits(value: &Obj<'_>, dst: &Array<'_>) -> bool {
    let num = dst.dtype().num;
    value.is_exact_instance_of::<pyo3::types::PyInt>() && num.is_number()
        || value.is_exact_instance_of::<pyo3::types::PyFloat>() && (num.is_float() || num.is_complex())
}

/// `normalize_axis_index(axis, ndim, msg_prefix=None)`
fn normalize_axis_index<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("normalize_axis_index(axis, ndim, msg_prefix=None)");
    let [axis, ndim, prefix] = a.parse(&SIG)?;
    let py = a.py;
    let (Some(axis), Some(ndim)) = (axis, ndim) else { return Err(PyTypeError::new_err("missing axis")) };
    let int = |o: &Obj<'py>| -> PyResult<isize> {
        args::int32(o).map_err(|e| {
            if o.is_instance_of::<pyo3::types::PyFloat>() {
                PyTypeError::new_err("integer argument expected, got float")
            } else {
                e
            }
        })
    };
    let (axis, ndim) = (int(&axis)?, int(&ndim)?);
    let prefix = match prefix.filter(|p| !p.is_none()) {
        Some(p) => Some(p.str()?.to_string()),
        None => None,
    };
    let n = ndim.max(0) as usize;
    micronumpy::array::normalize_axis_prefixed(axis, n, prefix.as_deref()).py(py)?.into_bound_py_any(py)
}

static METHODS: Methods<18> = Methods::new([
    fastcall!(c"array", array),
    fastcall!(c"asarray", asarray),
    fastcall!(c"asanyarray", asanyarray),
    fastcall!(c"ascontiguousarray", ascontiguousarray),
    fastcall!(c"asfortranarray", asfortranarray),
    fastcall!(c"empty", empty),
    fastcall!(c"zeros", zeros),
    fastcall!(c"empty_like", empty_like),
    fastcall!(c"arange", arange),
    fastcall!(c"frombuffer", frombuffer),
    fastcall!(c"fromiter", fromiter),
    fastcall!(c"copyto", copyto),
    fastcall!(c"normalize_axis_index", normalize_axis_index),
    fastcall!(c"from_dlpack", dlpack::from_dlpack),
    fastcall!(c"_reconstruct", pickle::reconstruct),
    END,
    END,
    END,
]);

/// Add the functions.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)
}
