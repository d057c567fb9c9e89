//! Joining, choosing and placing: `concatenate`, `where`, `putmask`, `_place`, `lexsort`; memory overlap.

use micronumpy::array::normalize_axis;
use micronumpy::array::overlap::{self, Overlap};
use micronumpy::ops::{join, select, sort, take};
use micronumpy::{Casting, Dims, Error, Order, TypeNum};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyTuple};
use pyo3::{IntoPyObjectExt, ffi};

use crate::abi::*;
use crate::error::{IntoPyResult, to_host_error};
use crate::fastcall;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::alloc::{self, Make};
use crate::objects::array::args;
use crate::objects::array::methods::select as methods_select;
use crate::objects::array::{assign, coercion, unwrap_0d};
use crate::objects::{Array, Descr, dtype, wrap};

type Obj<'py> = Bound<'py, PyAny>;

/// The common descriptor of operands, Python numbers being weak.
fn result_type<'py>(py: Python<'py>, operands: &[Obj<'py>]) -> PyResult<Descr<'py>> {
    if let Some((first, rest)) = operands.split_first()
        && rest.iter().all(|o| o.is(first))
        && let Some(d) = Descr::cast(first)
        && micronumpy::index::is_plain(d.dtype())
        && d.dtype().is_native()
    {
        return Ok(d);
    }
    let f = cached(py, "numpy._core._multiarray_umath", "result_type")?;
    let d = f.call1(PyTuple::new(py, operands)?)?;
    Descr::cast(&d).ok_or_else(|| PyTypeError::new_err("result_type gave no dtype"))
}

/// `concatenate(arrays, /, axis=0, out=None, *, dtype=None, casting='same_kind')`
fn concatenate<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("concatenate(seq, axis=0, out=None, *, dtype=None, casting=None)");
    let py = a.py;
    let [seq, axis, out, descr, casting] = a.parse(&SIG)?;
    let Some(seq) = seq else { return Err(PyTypeError::new_err("missing seq")) };
    let axis = match axis {
        Some(x) => args::axis(Some(&x))?,
        None => Some(0),
    };
    let descr = match descr.filter(|d| !d.is_none()) {
        Some(d) => Some(dtype::convert(&d)?),
        None => None,
    };
    let casting = args::plain_casting(casting.as_ref().filter(|c| !c.is_none()), Casting::SameKind)?;
    let out = match out.filter(|o| !o.is_none()) {
        None => None,
        Some(o) => match Array::cast(&o) {
            Some(x) if descr.is_none() => Some(x),
            Some(_) => {
                return Err(PyTypeError::new_err(
                    "concatenate() only takes `out` or `dtype` as an argument, but both were provided.",
                ));
            }
            None => return Err(PyTypeError::new_err("'out' must be an array")),
        },
    };
    // SAFETY: protocol check of a live object.
    if unsafe { ffi::PySequence_Check(seq.as_ptr()) } == 0 {
        return Err(PyTypeError::new_err("The first input argument needs to be a sequence"));
    }
    let n = seq.len()?;
    if n > i32::MAX as usize {
        return Err(PyValueError::new_err(format!(
            "concatenate() only supports up to {} arrays but got {n}.",
            i32::MAX
        )));
    }
    let mut items = Vec::new();
    for i in 0..n {
        items.push(seq.get_item(i)?);
    }
    concatenate_items(py, &items, axis, out, descr, casting)
}

fn concatenate_items<'py>(
    py: Python<'py>,
    items: &[Obj<'py>],
    axis: Option<isize>,
    out: Option<Array<'py>>,
    descr: Option<Descr<'py>>,
    casting: Casting,
) -> PyResult<Obj<'py>> {
    if items.is_empty() {
        return Err(PyValueError::new_err("need at least one array to concatenate"));
    }
    if let Some(d) = descr.as_ref().filter(|d| d.dtype().subarray().is_some()) {
        return Err(PyTypeError::new_err(format!(
            "The dtype `{}` is not a valid dtype for concatenation since it is a subarray dtype (the subarray dimensions would \
             be added as array dimensions).",
            d.0.repr()?
        )));
    }
    let mut arrays = Vec::with_capacity(items.len());
    let mut operands = Vec::with_capacity(items.len());
    for o in items {
        let arr = coercion::from_any(o, None, 0, 0, 0)?;
        // Only with `axis=None` do numbers take part, and they are weak then as everywhere.
        let weak = axis.is_none() && crate::objects::handles::is_python_scalar(o);
        operands.push(if weak { o.clone() } else { arr.descr().0 });
        arrays.push(arr);
    }
    let ax = match axis {
        None => 0,
        Some(ax) => {
            if arrays[0].ndim() == 0 {
                return Err(PyValueError::new_err("zero-dimensional arrays cannot be concatenated"));
            }
            normalize_axis(ax, arrays[0].ndim()).py(py)?
        }
    };
    let shape: Dims = match axis {
        None => {
            let sizes: Vec<usize> = arrays.iter().map(Array::size).collect();
            Dims::from_slice(&[join::flat_length(&sizes).py(py)?])
        }
        Some(_) => {
            let shapes: Vec<&[isize]> = arrays.iter().map(|x| x.shape()).collect();
            join::concatenate_shape(&shapes, ax).py(py)?
        }
    };
    let target_descr = match (&out, &descr) {
        (Some(o), _) => o.descr(),
        (None, Some(d)) => {
            // A dtype without a size takes the size the inputs need.
            if d.dtype().is_unsized() || d.dtype().datetime_meta().is_some_and(|m| m.unit == 14) {
                let mut dt: Option<micronumpy::Dtype> = None;
                for x in &arrays {
                    let sized = coercion::discover::array_descr(x, d)?.unwrap_or_else(|| d.clone());
                    dt = Some(match dt {
                        None => sized.dtype().clone(),
                        Some(t) => micronumpy::dtype::promote(&t, sized.dtype()).py(py)?,
                    });
                }
                match dt {
                    Some(t) => dtype::descr_of(py, &t)?,
                    None => d.clone(),
                }
            } else {
                d.clone()
            }
        }
        (None, None) => result_type(py, &operands)?,
    };
    for x in &arrays {
        if !micronumpy::cast::can_cast(x.dtype(), target_descr.dtype(), casting) {
            return Err(coercion::cannot_cast_array(x, &target_descr, casting));
        }
    }
    let views: Vec<_> = arrays.iter().map(|x| x.view()).collect();
    let (result, subtype) = match out {
        Some(o) => {
            if o.ndim() != shape.len() {
                return Err(PyValueError::new_err("Output array has wrong dimensionality"));
            }
            if o.shape() != &shape[..] {
                return Err(PyValueError::new_err("Output array is the wrong shape"));
            }
            assign::check_writeable(&o, "output array")?;
            (o, None)
        }
        None => {
            // The input of highest priority gives the type.
            let mut best: Option<(f64, &Array<'py>)> = None;
            for x in &arrays {
                let p = wrap::priority(&x.0, 0.0)?;
                if best.as_ref().is_none_or(|(q, _)| p > *q) {
                    best = Some((p, x));
                }
            }
            let ty = best.filter(|(_, x)| !x.is_exact()).map(|(_, x)| x.0.get_type().into_any());
            let strides = match axis {
                None => None,
                Some(_) if target_descr.dtype().subarray().is_some() => None,
                Some(_) => {
                    alloc::checked_nbytes(&shape, target_descr.itemsize())?;
                    Some(join::concatenate_strides(&views, &shape, target_descr.itemsize()))
                }
            };
            // SAFETY: fresh memory; the strides are a permutation of the contiguous ones.
            let plain =
                unsafe { Make { strides: strides.as_deref(), ..Make::new(&target_descr, &shape) }.build()? };
            (plain, ty)
        }
    };
    let report = |status| {
        crate::objects::ufunc::report_fp_status(py, "cast", status).map_err(|e| to_host_error(py, e))
    };
    match axis {
        None => join::concatenate_flat(&views, &result.view(), false, report),
        Some(_) => join::concatenate(&views, ax, &result.view(), report),
    }
    .py(py)?;
    match subtype {
        Some(ty) => Ok(alloc::instance_of(result, &ty, None)?.0),
        None => Ok(result.0),
    }
}

/// `where(condition, x=None, y=None, /)`
fn where_<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = a.py;
    let n = a.len();
    if a.has_keywords() {
        return Err(PyTypeError::new_err("where() takes no keyword arguments"));
    }
    if n == 0 {
        return Err(PyTypeError::new_err("where() missing 1 required positional argument: 'condition'"));
    }
    if n > 3 {
        return Err(PyTypeError::new_err(format!(
            "where() takes from 1 to 3 positional arguments but {n} were given"
        )));
    }
    let condition = coercion::from_any(&a.get(0).unwrap_or_else(|| py.None().into_bound(py)), None, 0, 0, 0)?;
    let (x, y) = (a.get(1), a.get(2));
    let (x, y) = match (x, y) {
        (None, None) => return Ok(methods_select::nonzero_tuple(&condition)?.into_any()),
        (Some(x), Some(y)) => (x, y),
        _ => return Err(PyValueError::new_err("either both or neither of x and y should be given")),
    };
    let weak = |o: &Obj<'py>, arr: &Array<'py>| {
        if crate::objects::handles::is_python_scalar(o) { o.clone() } else { arr.descr().0 }
    };
    // A Python number is weak for the dtype, and an array like any other for the cast: one that is too big wraps.
    let (xa, ya) = (coercion::from_any(&x, None, 0, 0, 0)?, coercion::from_any(&y, None, 0, 0, 0)?);
    let descr = result_type(py, &[weak(&x, &xa), weak(&y, &ya)])?;
    let empty = condition.size() == 0 || xa.size() == 0 || ya.size() == 0;
    for v in [&xa, &ya].into_iter().filter(|v| empty && v.ndim() == 0 && v.dtype().num.is_object()) {
        // Values are cast even when nobody takes them.
        coercion::from_any(&v.0, Some(&descr), 0, 0, NPY_ARRAY_FORCECAST)?;
    }
    let rows_alike =
        condition.ndim() == 1 && [&xa, &ya].iter().all(|v| v.ndim() == 0 || v.shape() == condition.shape());
    let check_condition = || {
        let (from, bool_) = (condition.descr(), dtype::builtin(py, TypeNum::BOOL));
        if micronumpy::cast::can_cast(from.dtype(), bool_.dtype(), micronumpy::Casting::Unsafe) {
            return Ok(());
        }
        Err(PyTypeError::new_err(format!(
            "Iterator operand 1 dtype could not be cast from {} to {} according to the rule 'unsafe'",
            from.0.repr()?,
            bool_.0.repr()?
        )))
    };
    if rows_alike {
        check_condition()?;
        let out = alloc::new(&descr, condition.shape(), Order::C, false)?;
        let status = select::where_(&condition.view(), &xa.view(), &ya.view(), &out.view()).py(py)?;
        crate::objects::ufunc::report_fp_status(py, "cast", status)?;
        return Ok(out.0);
    }
    let shape = micronumpy::array::broadcast_shapes(&[condition.shape(), xa.shape(), ya.shape()]).py(py)?;
    check_condition()?;
    let mut rows: Vec<Dims> = Vec::new();
    for v in [&condition, &xa, &ya] {
        rows.push(micronumpy::iter::broadcast_strides(v.shape(), v.strides(), &shape).py(py)?);
    }
    let refs: Vec<&[isize]> = rows.iter().map(|r| &r[..]).collect();
    let size = descr.itemsize();
    alloc::checked_nbytes(&shape, size)?;
    let strides = micronumpy::iter::keep_order_strides(&shape, &refs, size);
    // SAFETY: fresh memory; the strides are a permutation of the contiguous ones.
    let out = unsafe { Make { strides: Some(&strides), ..Make::new(&descr, &shape) }.build()? };
    let status = select::where_(&condition.view(), &xa.view(), &ya.view(), &out.view()).py(py)?;
    crate::objects::ufunc::report_fp_status(py, "cast", status)?;
    Ok(out.0)
}

/// `putmask(a, /, mask, values)`
fn putmask<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("putmask(a, /, mask, values)");
    let py = a.py;
    let [arr, mask, values] = a.parse(&SIG)?;
    let (Some(arr), Some(mask), Some(values)) = (arr, mask, values) else {
        return Err(PyTypeError::new_err("missing values"));
    };
    let Some(arr) = Array::cast(&arr) else {
        return Err(PyTypeError::new_err("putmask: first argument must be an array"));
    };
    assign::check_writeable(&arr, "putmask: output array")?;
    let mask =
        coercion::from_any(&mask, Some(&dtype::builtin(py, TypeNum::BOOL)), 0, 0, NPY_ARRAY_FORCECAST)?;
    if mask.size() != arr.size() {
        return Err(PyValueError::new_err("putmask: mask and data must be the same size"));
    }
    let values = coercion::from_any(&values, Some(&arr.descr()), 0, 0, NPY_ARRAY_FORCECAST)?;
    if values.size() > 0 {
        take::putmask(&arr.view(), &mask.view(), &values.view()).py(py)?;
    }
    Ok(py.None().into_bound(py))
}

/// `_place(input, mask, vals)`
fn place<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("place(input, mask, vals)");
    let py = a.py;
    let [arr, mask, values] = a.parse_c(&SIG)?;
    let (Some(arr), Some(mask), Some(values)) = (arr, mask, values) else {
        return Err(PyTypeError::new_err("missing vals"));
    };
    let Some(target) = Array::cast(&arr) else {
        return Err(PyTypeError::new_err(format!(
            "place() argument 1 must be numpy.ndarray, not {}",
            arr.get_type().name()?
        )));
    };
    assign::check_writeable(&target, "place: output array")?;
    let values = coercion::from_any(&values, Some(&target.descr()), 0, 0, NPY_ARRAY_FORCECAST)?;
    let mask =
        coercion::from_any(&mask, Some(&dtype::builtin(py, TypeNum::BOOL)), 0, 0, NPY_ARRAY_FORCECAST)?;
    take::place(&target.view(), &mask.view(), &values.view()).py(py)?;
    Ok(py.None().into_bound(py))
}

/// `lexsort(keys, axis=-1)`
fn lexsort<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("lexsort(keys, axis=-1)");
    let py = a.py;
    let [keys, axis] = a.parse(&SIG)?;
    let Some(keys) = keys else { return Err(PyTypeError::new_err("missing keys")) };
    let axis = args::axis_or(axis.as_ref(), -1)?;
    let n = keys.len().unwrap_or(0);
    if n == 0 {
        return Err(PyTypeError::new_err("need sequence of keys with len > 0 in lexsort"));
    }
    let mut arrays = Vec::new();
    for i in 0..n {
        arrays.push(coercion::from_any(&keys.get_item(i)?, None, 0, 0, 0)?);
    }
    let shape = Dims::from_slice(arrays[0].shape());
    if arrays.iter().any(|x| x.shape() != &shape[..]) {
        return Err(PyValueError::new_err("all keys need to be the same shape"));
    }
    let intp = dtype::builtin(py, TypeNum::LONG);
    if shape.is_empty() {
        if axis != 0 && axis != -1 {
            return Err(crate::error::to_pyerr(py, Error::Axis { axis, ndim: 0, prefix: None }));
        }
        return unwrap_0d(alloc::new(&intp, &[], Order::C, true)?);
    }
    let ax = normalize_axis(axis, shape.len()).py(py)?;
    let out = alloc::new(&intp, &shape, Order::C, false)?;
    let views: Vec<_> = arrays.iter().map(|x| x.view()).collect();
    sort::lexsort(&views, ax, &out.view()).py(py)?;
    Ok(out.0)
}

/// `count_nonzero(a)`
fn count_nonzero<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("count_nonzero(a, /)");
    let py = a.py;
    let [arr] = a.parse(&SIG)?;
    let Some(arr) = arr else { return Err(PyTypeError::new_err("missing array")) };
    let arr = match Array::cast(&arr) {
        Some(arr) => arr,
        None => coercion::from_any(&arr, None, 0, 0, 0)?,
    };
    let n = select::count_nonzero(&arr.view()).py(py)? as isize;
    intp_scalar(py, n)
}

/// A position as `numpy.intp`.
pub fn intp_scalar<'py>(py: Python<'py>, n: isize) -> PyResult<Obj<'py>> {
    // SAFETY: one native word.
    unsafe {
        crate::objects::scalar::to_scalar(
            &dtype::builtin(py, TypeNum::LONG),
            std::ptr::from_ref(&n).cast(),
            None,
        )
    }
}

/// The body of `shares_memory` and `may_share_memory`.
fn overlap_query<'py>(a: Args<'_, 'py>, sig: &Sig, default: isize, raise: bool) -> PyResult<Obj<'py>> {
    let py = a.py;
    let [x, y, work] = a.parse_c(sig)?;
    let (Some(x), Some(y)) = (x, y) else { return Err(PyTypeError::new_err("missing operand")) };
    let array = |o: &Obj<'py>| match Array::cast(o) {
        Some(arr) => Ok(arr),
        // Objects without memory of their own share nothing with anybody.
        None => coercion::from_any(o, None, 0, 0, 0),
    };
    let (x, y) = (array(&x)?, array(&y)?);
    let work = match work.filter(|w| !w.is_none()) {
        None => default,
        Some(w) => args::index(&w)?,
    };
    if work < -2 {
        return Err(PyValueError::new_err("Invalid value for max_work"));
    }
    let r = overlap::solve_may_share_memory(&x.view(), &y.view(), work);
    match r {
        Overlap::No => false.into_bound_py_any(py),
        Overlap::Yes => true.into_bound_py_any(py),
        Overlap::TooHard if raise => {
            Err(crate::error::to_pyerr(py, Error::TooHard("Exceeded max_work".into())))
        }
        Overlap::TooHard => true.into_bound_py_any(py),
        #[allow(unreachable_patterns)]
        _ => Err(PyOverflowError::new_err("Integer overflow in computing overlap")),
    }
}

fn shares_memory<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("shares_memory_impl(self, other, max_work=-1)");
    overlap_query(a, &SIG, -1, true)
}

fn may_share_memory<'py>(_m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("shares_memory_impl(self, other, max_work=0)");
    overlap_query(a, &SIG, 0, false)
}

static METHODS: Methods<10> = Methods::new([
    fastcall!(c"concatenate", concatenate),
    fastcall!(c"where", where_),
    fastcall!(c"putmask", putmask),
    fastcall!(c"_place", place),
    fastcall!(c"lexsort", lexsort),
    fastcall!(c"count_nonzero", count_nonzero),
    fastcall!(c"shares_memory", shares_memory),
    fastcall!(c"may_share_memory", may_share_memory),
    END,
    END,
]);

/// Add the functions.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)
}
