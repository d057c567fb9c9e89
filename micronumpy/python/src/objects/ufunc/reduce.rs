//! `ufunc.reduce`, `accumulate` and `reduceat`.

use micronumpy::dtype::host::is_host_class;
use micronumpy::iter::{axis_order, broadcast_strides};
use micronumpy::ufunc::exec::{bounds_meet, needs_buffer};
use micronumpy::ufunc::resolve::{ResolveError, check_casts};
use micronumpy::ufunc::{BoundLoop, OpType, reduce as fold, resolve};
use micronumpy::{ArrayRef, Casting, Dims, Error, Order, TypeNum};
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use ufuncs::fpstatus;

use super::bind::{Binding, descrs_of, error};
use super::call::new_laid_out;
use super::dispatch::{Found, Operand, find};
use super::iterated::{self, Copies, Reduction};
use super::object::identity_object;
use super::{UfuncRef, errstate, fast, overrides, params};
use crate::error::IntoPyResult;
use crate::ffi::Args;
use crate::ffi::args::{Sig, is_no_value, none_as_absent};
use crate::ffi::others::{LONG, Others};
use crate::objects::array::args::index;
use crate::objects::wrap::{apply_wrap, find_wrap};
use crate::objects::{Array, array, dtype, scalar};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Reduce,
    Accumulate,
    Reduceat,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Method::Reduce => "reduce",
            Method::Accumulate => "accumulate",
            Method::Reduceat => "reduceat",
        }
    }
}

static REDUCE: Sig =
    Sig::new("reduce(array, /, axis=0, dtype=None, out=None, keepdims=False, initial=NoValue, where=True)");
static ACCUMULATE: Sig = Sig::new("accumulate(array, /, axis=0, dtype=None, out=None)");
static REDUCEAT: Sig = Sig::new("reduceat(array, /, indices, axis=0, dtype=None, out=None)");

/// Arguments of the three methods.
struct Given<'py> {
    array: Bound<'py, PyAny>,
    indices: Option<Bound<'py, PyAny>>,
    axis: Option<Bound<'py, PyAny>>,
    dtype: Option<Bound<'py, PyAny>>,
    out: Option<Bound<'py, PyAny>>,
    keepdims: Option<Bound<'py, PyAny>>,
    initial: Option<Bound<'py, PyAny>>,
    where_: Option<Bound<'py, PyAny>>,
}

/// `ufunc.reduce(array, /, axis=0, dtype=None, out=None, keepdims=False, initial=<no value>, where=True)`
pub fn reduce<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef::with_loops(slf);
    check_allowed(&uf, Method::Reduce)?;
    check_given(&args, Method::Reduce)?;
    let [array, axis, dtype, out, keepdims, initial, where_] = args.parse(&REDUCE)?;
    let plain = |o: &Option<Bound<'py, PyAny>>| o.as_ref().is_none_or(|v| v.is_none());
    let is_bool = |o: &Option<Bound<'py, PyAny>>, b: bool| {
        o.as_ref().is_none_or(|v| v.is(pyo3::types::PyBool::new(uf.py(), b)))
    };
    if let Some(a) = &array
        && (plain(&dtype) || is_own_bool(&uf, dtype.as_ref()))
        && plain(&out)
        && is_bool(&keepdims, false)
        && is_bool(&where_, true)
        && match &initial {
            Some(v) => is_no_value(v)?,
            None => true,
        }
    {
        let everything = axis.as_ref().is_some_and(|v| v.is_none());
        // SAFETY: a live object.
        let result = unsafe {
            let whole = if everything || fast_axes(axis.as_ref(), 1) == Some(1) {
                fast::try_reduce(&uf, a.as_ptr(), everything)?
            } else {
                None
            };
            match whole {
                None => fast::try_reduce_axes(&uf, a.as_ptr(), |nd| fast_axes(axis.as_ref(), nd))?,
                done => done,
            }
        };
        if let Some(result) = result {
            // SAFETY: a new reference.
            return Ok(unsafe { Bound::from_owned_ptr(uf.py(), result) });
        }
    }
    let Some(array) = array else { return Err(PyTypeError::new_err("reduce() missing required argument")) };
    run(&uf, Method::Reduce, Given { array, indices: None, axis, dtype, out, keepdims, initial, where_ })
}

/// The axes to fold as bits, of an array of so many axes; `None` if that takes a closer look. Absent is the first axis.
fn fast_axes(axis: Option<&Bound<'_, PyAny>>, nd: usize) -> Option<u64> {
    let bit = |axis: &Bound<'_, PyAny>| -> Option<u64> {
        if !axis.is_exact_instance_of::<pyo3::types::PyInt>() {
            return None;
        }
        let axis = axis.extract::<i64>().ok()?;
        let axis = if axis < 0 { axis + nd as i64 } else { axis };
        (0..nd as i64).contains(&axis).then(|| 1 << axis)
    };
    let Some(axis) = axis else { return Some(1) };
    if axis.is_none() {
        return Some(u64::MAX >> (64 - nd.clamp(1, 64)));
    }
    let Ok(axes) = axis.cast_exact::<PyTuple>() else { return bit(axis) };
    axes.iter_borrowed().try_fold(0, |all, axis| {
        let one = bit(&axis)?;
        (all & one == 0).then_some(all | one)
    })
}

/// Whether a dtype says of a logical operation what it does anyway (`ndarray.any` says so).
fn is_own_bool(uf: &UfuncRef<'_>, given: Option<&Bound<'_, PyAny>>) -> bool {
    given.is_some_and(|d| d.is(&dtype::builtin(uf.py(), TypeNum::BOOL).0))
        && matches!(&*uf.data().core.borrow().name, "logical_and" | "logical_or")
}

/// `ufunc.accumulate(array, /, axis=0, dtype=None, out=None)`
pub fn accumulate<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef::with_loops(slf);
    check_allowed(&uf, Method::Accumulate)?;
    check_given(&args, Method::Accumulate)?;
    let [array, axis, dtype, out] = args.parse(&ACCUMULATE)?;
    let Some(array) = array else {
        return Err(PyTypeError::new_err("accumulate() missing required argument"));
    };
    let given = Given { array, indices: None, axis, dtype, out, keepdims: None, initial: None, where_: None };
    run(&uf, Method::Accumulate, given)
}

/// `ufunc.reduceat(array, /, indices, axis=0, dtype=None, out=None)`
pub fn reduceat<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef::with_loops(slf);
    check_allowed(&uf, Method::Reduceat)?;
    check_given(&args, Method::Reduceat)?;
    let [array, indices, axis, dtype, out] = args.parse(&REDUCEAT)?;
    let Some(array) = array else { return Err(PyTypeError::new_err("reduceat() missing required argument")) };
    let given = Given { array, indices, axis, dtype, out, keepdims: None, initial: None, where_: None };
    run(&uf, Method::Reduceat, given)
}

fn check_given(args: &Args<'_, '_>, method: Method) -> PyResult<()> {
    if args.is_empty() {
        return Err(PyTypeError::new_err(format!(
            "{}() missing required argument 'array' (pos 0)",
            method.name()
        )));
    }
    let before_out = if matches!(method, Method::Reduceat) { 4 } else { 3 };
    if args.positional().nth(before_out).is_some_and(|o| super::call::is_ellipsis(&o)) {
        return Err(PyTypeError::new_err("out=... is only allowed as a keyword argument."));
    }
    Ok(())
}

fn check_allowed(uf: &UfuncRef<'_>, method: Method) -> PyResult<()> {
    if uf.is_generalized() {
        return Err(PyRuntimeError::new_err("Reduction not defined on ufunc with signature"));
    }
    if uf.nin() != 2 {
        return Err(PyValueError::new_err(format!("{} only supported for binary functions", method.name())));
    }
    if uf.nout() != 1 {
        return Err(PyValueError::new_err(format!(
            "{} only supported for functions returning a single value",
            method.name()
        )));
    }
    Ok(())
}

fn run<'py>(uf: &UfuncRef<'py>, method: Method, mut g: Given<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = uf.py();
    // `out` may be a tuple of one.
    let mut out_obj = g.out.take();
    let mut in_tuple = false;
    if let Some(t) = out_obj.as_ref().and_then(|o| o.cast_exact::<PyTuple>().ok().cloned()) {
        if t.len() != 1 {
            return Err(PyValueError::new_err(
                "The 'out' tuple must have exactly one entry per ufunc output",
            ));
        }
        let item = t.get_item(0)?;
        if super::call::is_ellipsis(&item) {
            return Err(PyTypeError::new_err("must use `...` as `out=...` and not per-operand/in a tuple"));
        }
        out_obj = Some(item);
        in_tuple = true;
    }
    let nothing_in_tuple = in_tuple && out_obj.as_ref().is_some_and(|o| o.is_none());
    let keep_array = out_obj.as_ref().is_some_and(super::call::is_ellipsis);
    let out_obj = none_as_absent(out_obj).filter(|_| !keep_array);
    let operands = std::iter::once(&g.array).chain(&out_obj).chain(&g.where_).cloned();
    if let Some(result) = overrides::check(uf, method.name(), operands, || normal_form(py, &g, &out_obj))? {
        return Ok(result);
    }
    if nothing_in_tuple {
        return Err(PyTypeError::new_err("return arrays must be of ArrayType"));
    }

    let mut signature: params::Signature = (0..3).map(|_| None).collect();
    if let Some(d) = g.dtype.as_ref().filter(|d| !d.is_none()) {
        signature[0] = Some(params::type_of(d)?);
    }
    let indices = match &g.indices {
        Some(obj) => Some(index_list(obj)?),
        None => None,
    };
    let out = out_obj.as_ref().map(params::out_array).transpose()?;
    let keepdims = match &g.keepdims {
        Some(k) => index(k)? != 0,
        None => false,
    };
    let mask = params::where_of(g.where_.as_ref())?;
    let arr = match Array::cast(&g.array) {
        Some(a) => a,
        None => array::from_any(&g.array, None, 0, 0, 0)?,
    };
    let axes = axes_of(g.axis.as_ref(), arr.ndim())?;
    if method != Method::Reduce {
        if arr.ndim() == 0 {
            return Err(PyTypeError::new_err(format!("cannot {} on a scalar", method.name())));
        }
        if axes.iter().filter(|&&f| f).count() != 1 {
            return Err(PyValueError::new_err(format!("{} does not allow multiple axes", method.name())));
        }
    }

    let axis = axes.iter().position(|&f| f).unwrap_or(0);
    if let Some(indices) = &indices {
        let n = arr.shape()[axis];
        if let Some(i) = indices.iter().find(|&&i| i < 0 || i >= n) {
            return Err(PyIndexError::new_err(format!(
                "index {i} out-of-bounds in {}.reduceat [0, {n})",
                uf.name()
            )));
        }
    }
    let binding = bind_reduction(uf, method, &arr, out.as_ref(), signature)?;
    let result = match method {
        Method::Reduce => {
            let initial = match &g.initial {
                Some(obj) if is_no_value(obj)? => None,
                other => other.clone(),
            };
            reduce_array(uf, &binding, &arr, out.as_ref(), &axes, keepdims, initial, mask.as_ref())?
        }
        _ => along_axis(uf, &binding, &arr, out.as_ref(), axis, indices.as_deref())?,
    };
    match out_obj {
        Some(out) if result.is_exact() => Ok(out),
        Some(out) => {
            let wrap = out.getattr(pyo3::intern!(py, "__array_wrap__"))?;
            apply_wrap(result, Some(&wrap), None, false)
        }
        None => {
            let wrap = find_wrap(std::slice::from_ref(&g.array))?;
            apply_wrap(result, wrap.as_ref(), None, !keep_array)
        }
    }
}

/// The call as overrides see it.
fn normal_form<'py>(
    py: Python<'py>,
    g: &Given<'py>,
    out: &Option<Bound<'py, PyAny>>,
) -> PyResult<(Vec<Bound<'py, PyAny>>, Bound<'py, PyDict>)> {
    let kwargs = PyDict::new(py);
    let named = [
        ("axis", &g.axis),
        ("dtype", &g.dtype),
        ("keepdims", &g.keepdims),
        ("initial", &g.initial),
        ("where", &g.where_),
    ];
    for (name, value) in named {
        if let Some(v) = value
            && !(name == "initial" && is_no_value(v)?)
        {
            kwargs.set_item(name, v)?;
        }
    }
    if let Some(o) = out {
        kwargs.set_item("out", (o,))?;
    }
    Ok((std::iter::once(g.array.clone()).chain(g.indices.clone()).collect(), kwargs))
}

/// Which axes are folded. A 0-d array may be folded along axis 0 or -1.
fn axes_of(axis: Option<&Bound<'_, PyAny>>, ndim: usize) -> PyResult<Vec<bool>> {
    let mut flags = vec![false; ndim];
    let Some(axis) = axis else {
        if ndim > 0 {
            flags[0] = true;
        }
        return Ok(flags);
    };
    let py = axis.py();
    if axis.is_none() {
        flags.fill(true);
        return Ok(flags);
    }
    if let Ok(tuple) = axis.cast::<PyTuple>() {
        for item in tuple.iter() {
            let i = micronumpy::array::normalize_axis(strict_index(&item)?, ndim).py(py)?;
            if std::mem::replace(&mut flags[i], true) {
                return Err(PyValueError::new_err("duplicate value in 'axis'"));
            }
        }
        return Ok(flags);
    }
    let i = strict_index(axis)?;
    if ndim == 0 && (i == 0 || i == -1) {
        return Ok(flags);
    }
    flags[micronumpy::array::normalize_axis(i, ndim).py(py)?] = true;
    Ok(flags)
}

/// An axis number; booleans are none.
fn strict_index(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    if obj.is_instance_of::<pyo3::types::PyBool>() {
        return Err(PyTypeError::new_err("an integer is required"));
    }
    index(obj)
}

fn index_list(obj: &Bound<'_, PyAny>) -> PyResult<Vec<isize>> {
    let py = obj.py();
    let descr = dtype::builtin(py, TypeNum::LONG);
    let arr = array::from_any(obj, Some(&descr), 1, 1, crate::abi::NPY_ARRAY_CARRAY)?;
    let n = arr.size();
    // SAFETY: a contiguous aligned array of intp.
    Ok(unsafe { std::slice::from_raw_parts(arr.data().cast::<isize>(), n) }.to_vec())
}

/// Sums and products of small integers are computed in a type with room for them.
pub fn wide_type(ufunc: &str, num: TypeNum) -> Option<TypeNum> {
    let small = num.is_bool() || num.is_integer() && num.size() < TypeNum::LONG.size();
    match ufunc {
        "add" | "multiply" if small => Some(if num.is_unsigned() { TypeNum::ULONG } else { TypeNum::LONG }),
        _ => None,
    }
}

/// Find the loop of a reduction.
fn bind_reduction<'py>(
    uf: &UfuncRef<'py>,
    method: Method,
    arr: &Array<'py>,
    out: Option<&Array<'py>>,
    mut signature: params::Signature,
) -> PyResult<Binding<'py>> {
    let py = uf.py();
    let num = arr.dtype().num;
    let core = uf.data().core.borrow();
    if signature[0].is_none() && out.is_none() {
        signature[0] = wide_type(&core.name, num);
    }
    signature[2] = signature[0];
    drop(core);
    let operands = || {
        let out = out.map(Array::descr);
        [out.clone(), Some(arr.descr()), out].map(|descr| Operand { descr, weak: None }).into()
    };
    let mut signature = match find(uf, operands, &signature, Casting::Unsafe)? {
        Found::Loop(binding) => {
            check_uniform(uf, method, &binding)?;
            return Ok(*binding);
        }
        Found::Promoted(types) => types,
        Found::Builtin => signature,
    };
    let core = uf.data().core.borrow();
    let own = arr.dtype();
    let given = out.map(|o| o.dtype());
    let first = given.map_or(OpType::Absent, OpType::Is);
    // Dates have a unit to agree on; without an output the operand stands on both sides.
    let left = if out.is_none() && own.num.is_datetime() { OpType::Is(own) } else { first };
    let ops = [left, OpType::Is(own), first];
    let mut found = resolve(&core, &ops, &signature);
    if let Ok(res) = &found
        && signature[0].is_none()
        && res.dtypes[0].num != res.dtypes[2].num
        && !res.dtypes[2].num.is_string()
    {
        // A loop whose result is of another type than its input folds nothing: the result's type is meant for both.
        signature[0] = Some(res.dtypes[2].num);
        found = resolve(&core, &ops, &signature);
    }
    let found =
        found.and_then(|res| check_casts(&core, &ops, &signature, &res, Casting::Unsafe).map(|()| res));
    let res = match found {
        Ok(res) => res,
        Err(e) => {
            drop(core);
            let e = e.cause();
            // Without an output the operand itself stands on both sides, but where classes are told.
            let left = match e {
                ResolveError::NoLoop => first,
                _ => given.map_or(OpType::Is(own), OpType::Is),
            };
            let ops = [left, OpType::Is(own), first];
            let descrs = [
                Some(out.map_or_else(|| arr.descr(), |o| o.descr())),
                Some(arr.descr()),
                out.map(|o| o.descr()),
            ];
            return Err(error(uf, &descrs, &ops, &signature, Casting::Unsafe, e));
        }
    };
    let def = core.loops[res.index].def.clone();
    drop(core);
    let descrs = descrs_of(py, &res.dtypes, std::iter::once(arr))?;
    let binding = Binding { def, res, descrs, owner: None };
    check_uniform(uf, method, &binding)?;
    Ok(binding)
}

/// What goes in must be what comes out.
fn check_uniform(uf: &UfuncRef<'_>, method: Method, binding: &Binding<'_>) -> PyResult<()> {
    let (dtypes, descrs) = (binding.dtypes(), &binding.descrs);
    let same = |a: usize, b: usize| match (dtypes[a].as_strings(), dtypes[b].as_strings()) {
        (Some(a), Some(b)) => a.same_parameters(b),
        _ => micronumpy::dtype::equivalent(&dtypes[a], &dtypes[b]),
    };
    if same(0, 2) && (method == Method::Reduce || same(0, 1)) {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "the resolved dtypes are not compatible with {}.{}. Resolved ({}, {}, {})",
        uf.name(),
        method.name(),
        descrs[0].0.repr()?,
        descrs[1].0.repr()?,
        descrs[2].0.repr()?
    )))
}

/// Where a fold starts.
enum Start<'py> {
    Value(Bound<'py, PyAny>),
    Identity(Bound<'py, PyAny>),
    /// With the first elements along the folded axes.
    First,
}

/// The start of a reduction: the caller's, or the identity of the operation.
fn start_of<'py>(
    uf: &UfuncRef<'py>,
    num: TypeNum,
    initial: Option<Bound<'py, PyAny>>,
    empty: bool,
) -> PyResult<(Start<'py>, bool)> {
    let (identity, reorderable) = identity_object(uf)?;
    let start = match initial {
        Some(v) if v.is_none() => Start::First,
        Some(v) => Start::Value(v),
        None => match identity {
            // Objects are folded among themselves: an identity would bring a foreign type in.
            Some(_) if num.is_object() && !empty => Start::First,
            // Nor does a ufunc's identity mean anything to a user DType or to strings.
            Some(_) if is_host_class(num) || num == TypeNum::VSTRING || num.is_string() => Start::First,
            Some(v) => Start::Identity(v),
            None => Start::First,
        },
    };
    Ok((start, reorderable))
}

fn reduce_array<'py>(
    uf: &UfuncRef<'py>,
    binding: &Binding<'py>,
    arr: &Array<'py>,
    out: Option<&Array<'py>>,
    axes: &[bool],
    keepdims: bool,
    initial: Option<Bound<'py, PyAny>>,
    mask: Option<&Array<'py>>,
) -> PyResult<Array<'py>> {
    let py = uf.py();
    let name = uf.name();
    let shape = arr.shape();
    let count = axes.iter().filter(|&&f| f).count();
    // Shape with folded axes of length one, and the one the result has.
    let kept: Dims = shape.iter().zip(axes).map(|(&n, &f)| if f { 1 } else { n }).collect();
    let final_shape: Dims = if keepdims {
        kept.clone()
    } else {
        shape.iter().zip(axes).filter(|(_, f)| !**f).map(|(&n, _)| n).collect()
    };
    let empty = shape.contains(&0);
    let work = binding.descrs[0].clone();
    let (start, reorderable) = start_of(uf, work.dtype().num, initial, empty)?;
    // Nothing is known about the order of strings.
    if count > 1 && (!reorderable || work.dtype().as_strings().is_some()) {
        return Err(PyValueError::new_err(format!(
            "reduction operation '{name}' is not reorderable, so at most one axis may be specified"
        )));
    }

    if let Some(o) = out {
        check_ndim(&name, o, final_shape.len(), keepdims).py(py)?;
    }
    let bufsize = errstate::bufsize(py)?;
    let plain = |o: &Array<'_>| {
        !needs_buffer(&o.view(), work.dtype(), binding.def.flags.contains(ufuncs::LoopFlags::UNALIGNED))
    };
    let own_out = |o: &Array<'_>| {
        plain(o)
            && o.shape() == final_shape.as_slice()
            && !bounds_meet(&arr.view(), &o.view())
            && mask.is_none_or(|m| !bounds_meet(&m.view(), &o.view()))
    };
    let simple_mask = |m: &Array<'_>| {
        plain(arr) && m.ndim() <= shape.len() && broadcast_strides(m.shape(), m.strides(), shape).is_ok()
    };
    let simple = work.dtype().as_strings().is_some()
        || out.is_none_or(own_out) && mask.is_none_or(simple_mask) && (plain(arr) || casts_in_silence(arr));
    let mut iterated = match simple {
        true => None,
        false => Some(Reduction::new(binding, out, arr, mask, axes, keepdims, bufsize)?),
    };
    // Strings are folded where their array has its memory, and copied at the end.
    let direct = out.filter(|o| work.dtype().as_strings().is_none() || own_out(o));
    let target = match (&iterated, direct) {
        (Some(it), _) => it.target(py)?,
        (None, Some(o)) => o.clone(),
        (None, None) => {
            // Axes of length one have no say in the order, masks do.
            let mut rows = vec![broadcast_strides(shape, arr.strides(), shape).py(py)?];
            if let Some(m) = mask {
                rows.push(broadcast_strides(m.shape(), m.strides(), shape).py(py)?);
            }
            let views: Vec<&[isize]> = rows.iter().map(|row| row.as_slice()).collect();
            let mut order: Vec<usize> = axis_order(shape.len(), &views).to_vec();
            if !keepdims {
                order.retain(|&a| !axes[a]);
                for a in &mut order {
                    *a -= axes[..*a].iter().filter(|&&f| f).count();
                }
            }
            new_laid_out(&work, &final_shape, &order)?
        }
    };
    let strides: Dims = if keepdims {
        Dims::from_slice(target.strides())
    } else {
        let mut own = target.strides().iter();
        axes.iter().map(|&f| if f { 0 } else { own.next().copied().unwrap_or(0) }).collect()
    };
    let rebound = rebind_strings(uf, binding, arr, &target)?;
    let binding = rebound.as_ref().unwrap_or(binding);
    let element = if iterated.is_some() { work.clone() } else { target.descr() };
    // SAFETY: the target with axes of length one put in.
    let view = unsafe { ArrayRef::new(target.data(), &kept, &strides, target.dtype()) };
    let raw = binding.raw_descrs();
    let l = BoundLoop::new(&binding.def, 2, binding.dtypes(), binding.host(uf, &raw));
    let check = binding.has_fp_status() || iterated.is_some() || !plain(arr);
    // What a cast of the first values has raised is told twice, as trouble of a cast and of the fold.
    fpstatus::clear();
    let outcome = begin(&name, &element, &view, start, arr, axes, mask.is_some()).and_then(|first_copied| {
        match &mut iterated {
            Some(it) => it.run(py, &l, first_copied)?,
            None => {
                let mask = mask.map(|m| m.view());
                let others = Others::run_if(arr.size() >= LONG && binding.is_plain(&[view, arr.view()]));
                let folded = fold::reduce(&l, &view, &arr.view(), mask.as_ref(), first_copied, bufsize);
                drop(others);
                folded.py(py)?;
            }
        }
        match if check { fpstatus::take() } else { 0 } {
            0 => Ok(()),
            status => errstate::report(py, "reduce", status),
        }
    });
    let done = iterated.map_or(Ok(()), |it| it.finish(py));
    outcome?;
    done?;
    match (out, direct) {
        (Some(o), None) => {
            micronumpy::cast::copy_into(&o.view(), &target.view()).py(py)?;
            Ok(o.clone())
        }
        (Some(o), _) => Ok(o.clone()),
        _ => Ok(target),
    }
}

/// Give the result the values a fold starts with; whether those are the elements at index 0 of the folded axes.
fn begin<'py>(
    name: &str,
    element: &crate::objects::Descr<'py>,
    view: &ArrayRef<'_>,
    start: Start<'py>,
    arr: &Array<'py>,
    axes: &[bool],
    masked: bool,
) -> PyResult<bool> {
    match start {
        Start::Value(value) => fill(element, view, &value, false)?,
        Start::Identity(value) => fill(element, view, &value, true)?,
        Start::First if masked => {
            return Err(PyValueError::new_err(format!(
                "reduction operation '{name}' does not have an identity, so to use a where mask one has to specify \
                 'initial'"
            )));
        }
        Start::First if arr.shape().iter().zip(axes).any(|(&n, &f)| f && n == 0) => {
            return Err(PyValueError::new_err(format!(
                "zero-size array to reduction operation {name} which has no identity"
            )));
        }
        Start::First => {
            let (first, strides) = fold::first_elements(&arr.view(), axes);
            // SAFETY: a part of the operand.
            let src = unsafe { ArrayRef::new(arr.data(), &first, &strides, arr.dtype()) };
            // Without elements, too: the cast may have something to say.
            array::assign::transfer(arr.py(), view, &src)?;
            return Ok(arr.size() > 0);
        }
    }
    Ok(false)
}

/// Whether a cast of the operand, which has to be cast, says nothing but by the floating-point status.
fn casts_in_silence(arr: &Array<'_>) -> bool {
    let num = arr.dtype().num;
    arr.ndim() > 0 && arr.size() > 0 && (num.is_bool() || num.is_integer() || num.is_float())
}

/// Strings are where their array has its memory, and a fold reads what it writes: the loop for the result's own instance.
fn rebind_strings<'py>(
    uf: &UfuncRef<'py>,
    binding: &Binding<'py>,
    arr: &Array<'py>,
    target: &Array<'py>,
) -> PyResult<Option<Binding<'py>>> {
    if target.dtype().as_strings().is_none() {
        return Ok(None);
    }
    let numbers: Vec<TypeNum> = binding.dtypes().iter().map(|d| d.num).collect();
    let signature = numbers.iter().map(|&n| Some(n)).collect();
    let operands = || {
        [target.descr(), arr.descr(), target.descr()]
            .map(|descr| Operand { descr: Some(descr), weak: None })
            .into()
    };
    match find(uf, operands, &signature, Casting::Unsafe)? {
        Found::Loop(binding) => Ok(Some(*binding)),
        _ => Ok(None),
    }
}

/// Set all elements to a Python value.
fn fill<'py>(
    descr: &crate::objects::Descr<'py>,
    view: &ArrayRef<'_>,
    value: &Bound<'py, PyAny>,
    identity: bool,
) -> PyResult<()> {
    let py = descr.py();
    let num = descr.dtype().num;
    if num.is_bool() || num.is_number() {
        let mut cell = [0u128; 2];
        let one = cell.as_mut_ptr().cast::<u8>();
        // SAFETY: room for one element of any numeric type; the view's elements are of that type.
        unsafe {
            if identity && num.is_unsigned() && value.extract::<i64>().is_ok_and(|v| v == -1) {
                // An identity of -1 means all bits set.
                one.write_bytes(0xff, num.size());
            } else {
                scalar::set_item(descr, one, value)?;
                // A conversion has told what happened.
                fpstatus::clear();
            }
            if view.size() == 1 && std::ptr::eq(view.dtype, descr.dtype()) {
                std::ptr::copy_nonoverlapping(one, view.data, num.size());
                return Ok(());
            }
            return array::assign::transfer(py, view, &ArrayRef::new(one, &[], &[], descr.dtype()));
        }
    }
    let one = array::new(descr, &[], Order::C, true)?;
    // SAFETY: one fresh element.
    unsafe { scalar::set_item(&one.descr(), one.data(), value)? };
    fpstatus::clear();
    array::assign::transfer(py, view, &one.view())
}

/// Check the number of dimensions of an output.
fn check_ndim(name: &str, out: &Array<'_>, want: usize, keepdims: bool) -> micronumpy::Result<()> {
    if out.ndim() == want {
        return Ok(());
    }
    let hint = if keepdims { " (must match the operand's when keepdims=True)" } else { "" };
    Err(Error::value(format!(
        "output parameter for reduction operation {name} has the wrong number of dimensions: Found {} but expected \
         {want}{hint}",
        out.ndim()
    )))
}

/// `accumulate` and, with indices, `reduceat`.
fn along_axis<'py>(
    uf: &UfuncRef<'py>,
    binding: &Binding<'py>,
    arr: &Array<'py>,
    out: Option<&Array<'py>>,
    axis: usize,
    indices: Option<&[isize]>,
) -> PyResult<Array<'py>> {
    let py = uf.py();
    let mut shape = Dims::from_slice(arr.shape());
    if let Some(ind) = indices {
        shape[axis] = ind.len() as isize;
    }
    let work = binding.descrs[0].clone();
    if indices.is_some() && work.dtype().as_strings().is_some() {
        return Err(PyTypeError::new_err("reduceat currently only supports `object` dtype with references"));
    }
    let unaligned = binding.def.flags.contains(ufuncs::LoopFlags::UNALIGNED);
    let plain = |o: &Array<'_>| !needs_buffer(&o.view(), work.dtype(), unaligned);
    let apart = |o: &Array<'_>| !bounds_meet(&arr.view(), &o.view());
    let fits = |o: &Array<'_>| o.shape() == shape.as_slice();
    if let Some(o) = out
        && indices.is_none()
        && arr.ndim() == 1
        && arr.size() > 0
        && o.size() > 0
        && !fits(o)
        && plain(arr)
        && plain(o)
        && apart(o)
    {
        return Err(PyValueError::new_err("provided out is the wrong size for the accumulation."));
    }
    if let Some(o) = out
        && indices.is_none()
        && arr.ndim() == 1
        && (arr.size() == 0 || o.size() == 0)
        && plain(arr)
        && plain(o)
    {
        // There is nothing to fold or nowhere to write to, and nobody asks about the other.
        return Ok(o.clone());
    }
    let simple = work.dtype().as_strings().is_some()
        || plain(arr) && out.is_none_or(|o| plain(o) && fits(o) && apart(o));
    let mut copies = None;
    let target = if simple {
        match out.filter(|o| plain(o)) {
            Some(o) => o.clone(),
            None => {
                // The list of indices runs along the axis, where the operand does not take part then.
                let mut strides = broadcast_strides(arr.shape(), arr.strides(), arr.shape()).py(py)?;
                if indices.is_some() {
                    strides[axis] = 0;
                }
                let order = axis_order(shape.len(), &[&strides]);
                new_laid_out(&work, &shape, &order)?
            }
        }
    } else {
        let list = indices.map(|list| iterated::positions(py, list)).transpose()?;
        let made = copies.insert(Copies::new(binding, out, arr, axis, list.as_ref())?);
        made.target(py)?
    };
    let rebound = rebind_strings(uf, binding, arr, &target)?;
    let binding = rebound.as_ref().unwrap_or(binding);
    let raw = binding.raw_descrs();
    let l = BoundLoop::new(&binding.def, 2, binding.dtypes(), binding.host(uf, &raw));
    let check = binding.has_fp_status();
    fpstatus::clear();
    let method = if indices.is_some() { Method::Reduceat } else { Method::Accumulate };
    let ran = match (&copies, indices) {
        (Some(c), _) => c.run(py, &l, axis, indices),
        (None, None) => fold::accumulate(&l, &target.view(), &arr.view(), axis).py(py),
        (None, Some(list)) => fold::reduceat(&l, &target.view(), &arr.view(), axis, list).py(py),
    };
    // What is written back is cast before the status is looked at. A cast starts with a clean status, and takes what there was
    // before with it.
    let same_numbers = |o: &Array<'_>| micronumpy::dtype::equivalent(&o.dtype().canonical(), work.dtype());
    let recast = out.is_some_and(|o| !simple && !same_numbers(o));
    let status = fpstatus::get();
    if recast && !out.is_some_and(|o| o.dtype().num.is_object()) {
        fpstatus::clear();
    }
    let done = copies.map_or(Ok(0), |c| c.finish(py).map(|()| fpstatus::take()));
    ran?;
    let status = if recast { done? } else { status | done? };
    // Casts have a status, too.
    if (check || recast) && status != 0 {
        errstate::report(py, method.name(), status)?;
    }
    match out {
        Some(o) => {
            if !target.0.is(&o.0) && simple {
                micronumpy::cast::copy_into(&o.view(), &target.view()).py(py)?;
            }
            Ok(o.clone())
        }
        None => Ok(target),
    }
}
