//! Calling a ufunc: `ufunc(x1, x2, out, **kwargs)` and `ufunc.outer`.
//!
//! ```text
//! vectorcall --fast path fits--> fast.rs
//!     |
//! arguments -> overrides -> arrays -> loop -> broadcast, allocate -> run -> floating-point status -> wrap
//! ```

use micronumpy::array::overlap::may_share;
use micronumpy::array::{Dims, broadcast_shapes};
use micronumpy::iter::{PerOp, axis_order, broadcast_strides, strides_by_order};
use micronumpy::ufunc::exec::{elements_apart, execute_given, needs_buffer, output_shape_error};
use micronumpy::ufunc::{BoundLoop, Rule};
use micronumpy::{ArrayRef, Casting, NdArray, Order};
use pyo3::exceptions::{PyDeprecationWarning, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyEllipsis, PyTuple};
use ufuncs::fpstatus;

use super::bind::{Binding, Input, bind_unchecked, compared_ints, inputs, weak_operand};
use super::{UfuncRef, errstate, fast, fast_gufunc, gufunc, overrides, params};
use crate::abi::PyUFuncObject;
use crate::error::IntoPyResult;
use crate::ffi::others::{LONG, Others};
use crate::ffi::{Args, guard};
use crate::objects::wrap::{apply_wrap, find_wrap};
use crate::objects::{Array, array};

/// The `vectorcall` of every ufunc.
///
/// # Safety
/// Called by CPython with a ufunc and arguments by the vectorcall protocol.
pub unsafe extern "C" fn vectorcall(
    callable: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    nargsf: usize,
    kwnames: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    guard(|py| {
        // SAFETY: the vectorcall protocol.
        unsafe {
            let nargs = ffi::PyVectorcall_NARGS(nargsf) as usize;
            let quick = if (*callable.cast::<PyUFuncObject>()).core_enabled != 0 {
                fast_gufunc::try_call(py, callable, args, nargs, kwnames)?
            } else if kwnames.is_null() {
                fast::try_call(py, callable, args, nargs, None)?
            } else if let Some(asked) = only_dtype(py, args.add(nargs), kwnames) {
                fast::try_call(py, callable, args, nargs, Some(asked))?
            } else {
                None
            };
            if let Some(result) = quick {
                return Ok(result);
            }
            let uf = UfuncRef::with_loops(Bound::ref_from_ptr(py, &callable));
            let args = Args::from_vectorcall(py, args, nargs, kwnames);
            call(&uf, args, "__call__").map(Bound::into_ptr)
        }
    })
}

/// The type that `dtype=` names, if it is the only keyword and simple.
///
/// # Safety
/// Names of keywords and their values by the vectorcall protocol.
unsafe fn only_dtype(
    py: Python<'_>,
    values: *const *mut ffi::PyObject,
    names: *mut ffi::PyObject,
) -> Option<micronumpy::TypeNum> {
    // SAFETY: the caller's promise; names of keywords in code are interned, and others take the general path.
    unsafe {
        let is_dtype = ffi::PyTuple_GET_SIZE(names) == 1
            && ffi::PyTuple_GET_ITEM(names, 0) == pyo3::intern!(py, "dtype").as_ptr();
        if is_dtype { fast::asked_type(*values) } else { None }
    }
}

/// The keyword arguments of a call, as given.
#[derive(Default)]
pub struct Keywords<'py> {
    pub out: Option<Bound<'py, PyAny>>,
    pub where_: Option<Bound<'py, PyAny>>,
    pub axes: Option<Bound<'py, PyAny>>,
    pub axis: Option<Bound<'py, PyAny>>,
    pub keepdims: Option<Bound<'py, PyAny>>,
    pub casting: Option<Bound<'py, PyAny>>,
    pub order: Option<Bound<'py, PyAny>>,
    pub dtype: Option<Bound<'py, PyAny>>,
    pub subok: Option<Bound<'py, PyAny>>,
    pub signature: Option<Bound<'py, PyAny>>,
    pub sig: Option<Bound<'py, PyAny>>,
}

impl<'py> Keywords<'py> {
    fn parse(uf: &UfuncRef<'py>, args: &Args<'_, 'py>) -> PyResult<Keywords<'py>> {
        let mut k = Keywords::default();
        let general = uf.is_generalized();
        for (name, value) in args.keywords() {
            let slot = match name.extract::<&str>()? {
                "out" => &mut k.out,
                "where" if !general => &mut k.where_,
                "axes" if general => &mut k.axes,
                "axis" if general => &mut k.axis,
                "keepdims" if general => &mut k.keepdims,
                "casting" => &mut k.casting,
                "order" => &mut k.order,
                "dtype" => &mut k.dtype,
                "subok" => &mut k.subok,
                "signature" => &mut k.signature,
                "sig" => &mut k.sig,
                other => {
                    return Err(PyTypeError::new_err(format!(
                        "{}() got an unexpected keyword argument '{other}'",
                        uf.name()
                    )));
                }
            };
            *slot = Some(value);
        }
        if k.axis.is_some() && k.axes.is_some() {
            return Err(PyTypeError::new_err("cannot specify both 'axis' and 'axes'"));
        }
        if k.sig.is_some() {
            if k.signature.is_some() {
                return Err(PyTypeError::new_err("cannot specify both 'sig' and 'signature'"));
            }
            k.signature = k.sig.take();
        }
        if k.signature.is_some() && k.dtype.is_some() {
            return Err(PyTypeError::new_err("cannot specify both 'signature' and 'dtype'"));
        }
        Ok(k)
    }
}

/// What a call is made of once its arguments are sorted out.
pub struct Call<'py> {
    pub ins: Vec<Bound<'py, PyAny>>,
    pub outs: PerOp<Option<Bound<'py, PyAny>>>,
    /// Whether `out` was given at all, as positional or keyword argument.
    pub out_given: bool,
    /// `out=...`: results stay arrays, even without dimensions.
    pub keep_arrays: bool,
    pub casting: Casting,
    pub order: Order,
    pub subok: bool,
    pub signature: params::Signature,
    pub where_: Option<Array<'py>>,
    pub keywords: Keywords<'py>,
}

/// Arguments told apart, as objects.
struct Given<'py> {
    ins: Vec<Bound<'py, PyAny>>,
    outs: PerOp<Option<Bound<'py, PyAny>>>,
    /// As in [`Call`].
    out_given: bool,
    keep_arrays: bool,
    keywords: Keywords<'py>,
}

/// The arguments of a call, or of `outer`, which takes the same.
fn arguments<'py>(uf: &UfuncRef<'py>, args: &Args<'_, 'py>) -> PyResult<Given<'py>> {
    let (nin, nout, nargs) = (uf.nin(), uf.nout(), uf.nargs());
    let given = args.len();
    if given < nin || given > nargs {
        let verb = if given == 1 { "was" } else { "were" };
        return Err(PyTypeError::new_err(if nin == nargs {
            format!("{}() takes {nin} positional arguments but {given} {verb} given", uf.name())
        } else {
            format!(
                "{}() takes from {nin} to {nargs} positional arguments but {given} {verb} given",
                uf.name()
            )
        }));
    }
    if given > nin && matches!(&*uf.data().core.borrow().name, "maximum" | "minimum") {
        warn_of_third(uf.py())?;
    }
    let ins: Vec<Bound<'py, PyAny>> = args.positional().take(nin).collect();
    let keywords = Keywords::parse(uf, args)?;
    let mut outs: PerOp<Option<Bound<'py, PyAny>>> = (0..nout).map(|_| None).collect();
    if args.positional().skip(nin).any(|obj| is_ellipsis(&obj)) {
        return Err(PyTypeError::new_err("out=... is only allowed as a keyword argument."));
    }
    for (slot, obj) in outs.iter_mut().zip(args.positional().skip(nin)) {
        *slot = (!obj.is_none()).then_some(obj);
    }
    if let Some(out) = &keywords.out {
        if given > nin {
            return Err(PyTypeError::new_err(
                "cannot specify 'out' as both a positional and keyword argument",
            ));
        }
        if !is_ellipsis(out) {
            outs = params::outs_of(uf, out)?;
        }
    }
    let keep_arrays = keywords.out.as_ref().is_some_and(is_ellipsis);
    if outs.iter().flatten().any(is_ellipsis) {
        return Err(PyTypeError::new_err("must use `...` as `out=...` and not per-operand/in a tuple"));
    }
    let out_given = outs.iter().any(|o| o.is_some());
    Ok(Given { ins, outs, out_given, keep_arrays, keywords })
}

/// What `__array_ufunc__` of one of the arguments makes of it.
fn overridden<'py>(
    uf: &UfuncRef<'py>,
    method: &str,
    args: &Args<'_, 'py>,
    given: &Given<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Given { ins, outs, keywords, .. } = given;
    let operands = ins.iter().chain(outs.iter().flatten()).chain(&keywords.where_).cloned();
    overrides::check(uf, method, operands, || {
        let kwargs = PyDict::new(uf.py());
        for (name, value) in args.keywords() {
            match name.extract::<&str>()? {
                "out" if !given.out_given => {}
                // In its place among the keywords, but always a tuple.
                "out" => kwargs.set_item("out", out_tuple(uf.py(), outs)?)?,
                "sig" => kwargs.set_item("signature", value)?,
                _ => kwargs.set_item(name, value)?,
            }
        }
        if given.out_given && keywords.out.is_none() {
            kwargs.set_item("out", out_tuple(uf.py(), outs)?)?;
        } else if given.keep_arrays {
            kwargs.set_item("out", PyEllipsis::get(uf.py()))?;
        }
        Ok((ins.clone(), kwargs))
    })
}

/// A call by the general path.
pub fn call<'py>(uf: &UfuncRef<'py>, args: Args<'_, 'py>, method: &str) -> PyResult<Bound<'py, PyAny>> {
    let given = arguments(uf, &args)?;
    if let Some(result) = overridden(uf, method, &args, &given)? {
        return Ok(result);
    }
    let Given { ins, outs, out_given, keep_arrays, keywords } = given;
    let signature = params::signature_of(uf, keywords.signature.as_ref(), keywords.dtype.as_ref())?;
    let order = keywords.order.as_ref().map_or(Ok(Order::Keep), |o| params::order_of(o, Order::Keep))?;
    let subok = keywords.subok.as_ref().map_or(Ok(true), params::subok_of)?;
    let casting = keywords.casting.as_ref().map_or(Ok(Casting::SameKind), params::casting_of)?;
    if let Some(w) = &keywords.where_
        && !w.is(pyo3::types::PyBool::new(uf.py(), true))
        && keywords.out.is_none()
        && !out_given
    {
        let category = uf.py().get_type::<pyo3::exceptions::PyUserWarning>();
        PyErr::warn(
            uf.py(),
            &category,
            c"'where' used without 'out', expect unitialized memory in output. If this is intentional, use out=None.",
            1,
        )?;
    }
    let where_ = params::where_of(keywords.where_.as_ref())?;
    let c = Call { ins, outs, out_given, keep_arrays, casting, order, subok, signature, where_, keywords };
    let results = if uf.is_generalized() { gufunc::run(uf, &c)? } else { run(uf, &c)? };
    wrap(uf, &c, results)
}

/// A third argument of `maximum` is rarely meant as an output.
fn warn_of_third(py: Python<'_>) -> PyResult<()> {
    PyErr::warn(
        py,
        &py.get_type::<PyDeprecationWarning>(),
        c"Passing more than 2 positional arguments to np.maximum and np.minimum is deprecated. If you meant to use the third \
          argument as an output, use the `out` keyword argument instead. If you hoped to work with more than 2 inputs, combine \
          them into a single array and get the extrema for the relevant axis.",
        1,
    )
}

/// Python's `...`
pub fn is_ellipsis(obj: &Bound<'_, PyAny>) -> bool {
    obj.is(PyEllipsis::get(obj.py()))
}

/// `out` as a tuple with `None` for what is absent.
pub fn out_tuple<'py>(py: Python<'py>, outs: &[Option<Bound<'py, PyAny>>]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, outs.iter().map(|o| o.clone().unwrap_or_else(|| py.None().into_bound(py))))
}

/// Turn result arrays into what the caller gets.
fn wrap<'py>(uf: &UfuncRef<'py>, c: &Call<'py>, results: PerOp<Array<'py>>) -> PyResult<Bound<'py, PyAny>> {
    let py = uf.py();
    let common = if c.subok { find_wrap(&c.ins)? } else { None };
    let mut full: Option<Bound<'py, PyTuple>> = None;
    let mut done: PerOp<Bound<'py, PyAny>> = PerOp::new();
    for (i, arr) in results.into_iter().enumerate() {
        let (wrap, scalar) = match &c.outs[i] {
            // What the caller passed comes back as it is, unless it is a subclass that wants to see it.
            Some(out) if arr.is_exact() || !c.subok => {
                done.push(out.clone());
                continue;
            }
            Some(out) => (Some(out.getattr(pyo3::intern!(py, "__array_wrap__"))?), false),
            None => (common.clone(), !c.keep_arrays),
        };
        if wrap.is_none() {
            done.push(apply_wrap(arr, None, None, scalar)?);
            continue;
        }
        if full.is_none() {
            let mut all = c.ins.clone();
            if c.out_given {
                all.extend(out_tuple(py, &c.outs)?.iter());
            }
            full = Some(PyTuple::new(py, all)?);
        }
        let context = PyTuple::new(
            py,
            [
                uf.0.clone(),
                full.clone().map_or_else(|| py.None().into_bound(py), Bound::into_any),
                i.into_pyobject(py)?.into_any(),
            ],
        )?;
        done.push(apply_wrap(arr, wrap.as_ref(), Some(context.as_any()), scalar)?);
    }
    if done.len() == 1 {
        return Ok(done.remove(0));
    }
    Ok(PyTuple::new(py, done)?.into_any())
}

/// An elementwise call.
fn run<'py>(uf: &UfuncRef<'py>, c: &Call<'py>) -> PyResult<PerOp<Array<'py>>> {
    let mut ins = inputs(&c.ins)?;
    let mut signature = c.signature.clone();
    let rule = uf.data().core.borrow().rule;
    if rule == Rule::Comparison {
        compared_ints(uf, &mut ins, &mut signature, c.casting)?;
    }
    // A string is repeated as often as a number says, whatever the number was to be.
    let strong = |op: &Input<'py>| op.weak.is_none() && op.arr.dtype().num.is_string();
    let repeats = rule == Rule::Multiply && ins.iter().any(strong);
    for (op, named) in ins.iter_mut().zip(&signature).filter(|(op, _)| op.weak.is_some() && !repeats) {
        if let Some(text) = named.filter(|t| t.is_string()) {
            // Numbers asked for as strings are as long as they are written.
            let descr = crate::objects::dtype::builtin(uf.py(), text);
            op.arr = array::from_any(&op.obj, Some(&descr), 0, 0, 0)?;
            op.weak = None;
        }
    }
    let outs: PerOp<Option<Array<'py>>> =
        c.outs.iter().map(|o| o.as_ref().map(params::out_array).transpose()).collect::<PyResult<_>>()?;
    let (binding, refused) = bind_unchecked(uf, &mut ins, &outs, &signature, c.casting)?;
    if let Some(refused) = refused {
        // The operands before it are cast already.
        if c.where_.is_none() && !binding.dtypes().iter().any(|dt| dt.num.is_datetime()) {
            let mut before = ins.iter().take(refused.operand).map(|op| op.arr.clone()).collect();
            cast_rows(&binding, &mut before)?;
        }
        return Err(refused.error);
    }
    elementwise(uf, &binding, &ins, outs, c.where_.as_ref(), c.order)
}

/// Run a loop over broadcast operands, allocating the outputs that are absent.
pub fn elementwise<'py>(
    uf: &UfuncRef<'py>,
    binding: &Binding<'py>,
    ins: &[Input<'py>],
    outs: PerOp<Option<Array<'py>>>,
    where_: Option<&Array<'py>>,
    order: Order,
) -> PyResult<PerOp<Array<'py>>> {
    let py = uf.py();
    let mut arrays: PerOp<Array<'py>> = ins
        .iter()
        .zip(&binding.descrs)
        .map(|(op, descr)| if op.weak.is_some() { weak_operand(&op.obj, descr) } else { Ok(op.arr.clone()) })
        .collect::<PyResult<_>>()?;

    // Rows are cast before anybody asks whether shapes go together.
    if where_.is_none() {
        cast_rows(binding, &mut arrays)?;
    }
    let shape = common_shape(&arrays, &outs, where_)?;
    cast_values(binding, &mut arrays)?;
    let outputs = allocate(py, binding, &shape, &arrays, outs, where_, order)?;

    // An output that would overwrite an input before it is read is collected elsewhere, in the dtype of the loop, and assigned
    // at the end: what a mask leaves out is cast there and back. With a mask outputs are read, too, so that one which overlaps
    // another that is not collected is; one that overlaps itself is filled by an assignment.
    let mut temps: Vec<(usize, StandIn)> = vec![];
    for (i, (out, _)) in outputs.iter().enumerate().filter(|(_, (_, given))| *given) {
        let view = out.view();
        // Elements in the same place are not in the way, if both arrays say so in every respect: with a mask it shows what numpy
        // takes for the same.
        let in_the_way = |a: &Array<'_>| {
            let a = a.view();
            let same = a.data == view.data && a.shape == view.shape && a.strides == view.strides;
            match same && std::ptr::eq(a.dtype, view.dtype) {
                true => !elements_apart(&view),
                false => may_share(&a, &view),
            }
        };
        let read = || {
            let others = outputs.iter().enumerate().filter(|(k, (_, given))| *given && *k != i);
            let direct = others.filter(|(k, _)| temps.iter().all(|(t, _)| t != k));
            where_.is_some() && direct.into_iter().any(|(_, (other, _))| in_the_way(other))
        };
        if arrays.iter().chain(where_).any(in_the_way) || read() {
            let others = outputs.iter().filter(|(_, given)| *given).map(|(o, _)| o);
            let backwards = match order {
                Order::Keep => backwards(&shape, arrays.iter().chain(where_).chain(others)).py(py)?,
                _ => Dims::new(),
            };
            let dtype = &binding.dtypes()[uf.nin() + i];
            let twice = |(k, _): &(usize, StandIn)| outputs[*k].0.0.is(&out.0);
            if temps.iter().any(twice) {
                // While one copy is to be written back, nobody may write to the array.
                return Err(PyValueError::new_err("WRITEBACKIFCOPY base is read-only"));
            }
            temps.push((i, collected(py, &view, dtype, &backwards, where_.is_some())?));
            continue;
        }
        if !elements_apart(&view) {
            temps.push((i, StandIn::new(copied(&view).py(py)?, &[])));
        }
    }

    let mut views: PerOp<ArrayRef<'_>> = arrays.iter().map(|arr| arr.view()).collect();
    for (i, (out, _)) in outputs.iter().enumerate() {
        views.push(temps.iter().find(|(k, _)| *k == i).map_or_else(|| out.view(), |(_, t)| t.view()));
    }
    let mask = where_.map(|m| m.view());
    let raw = binding.raw_descrs();
    let l = BoundLoop::new(&binding.def, uf.nin(), binding.dtypes(), binding.host(uf, &raw));
    let buffered = views.iter().zip(binding.dtypes()).any(|(v, dt)| needs_buffer(v, dt, l.takes_unaligned()));
    let bufsize = if buffered { errstate::bufsize(py)? } else { errstate::DEFAULT_BUFSIZE };
    // Casts have a status, too.
    let check = binding.has_fp_status() || buffered;
    let read = match mask.is_some() {
        true => read_outputs(&outputs, &views[uf.nin()..], &binding.dtypes()[uf.nin()..]).py(py)?,
        false => 0,
    };
    if check {
        fpstatus::clear();
        fpstatus::raise(read.into());
    }
    let elements = shape.iter().product::<isize>() as usize;
    let others = Others::run_if(elements >= LONG && binding.is_plain(&views));
    let given = |i: usize| i.checked_sub(uf.nin()).and_then(|k| outputs.get(k)).is_none_or(|o| o.1);
    let done = execute_given(&l, &shape, &views, mask.as_ref(), bufsize, given);
    drop(others);
    done.py(py)?;
    if check {
        let status = fpstatus::take();
        if status != 0 {
            errstate::report(py, &uf.name(), status)?;
        }
    }
    drop(views);
    for (i, temp) in &temps {
        array::assign::transfer(py, &outputs[*i].0.view(), &temp.view())?;
    }
    Ok(outputs.into_iter().map(|(o, _)| o).collect())
}

/// Values and rows that are not what the loop wants are cast as a whole, which reports trouble as that of a cast; those behind the first
/// operand that is neither go through buffers.
fn cast_rows<'py>(binding: &Binding<'py>, arrays: &mut PerOp<Array<'py>>) -> PyResult<()> {
    let unaligned = binding.def.flags.contains(ufuncs::LoopFlags::UNALIGNED);
    let wanted = binding.descrs.iter().zip(binding.dtypes());
    for (arr, (descr, want)) in arrays.iter_mut().zip(wanted) {
        if !needs_buffer(&arr.view(), want, unaligned) {
            continue;
        }
        if arr.ndim() > 1 || arr.size() > errstate::bufsize(arr.py())? {
            break;
        }
        let row = array::new(descr, arr.shape(), Order::C, want.has_object())?;
        array::assign::transfer(arr.py(), &row.view(), &arr.view())?;
        *arr = row;
    }
    Ok(())
}

/// Values of another dtype are cast once, before the walk.
fn cast_values<'py>(binding: &Binding<'py>, arrays: &mut PerOp<Array<'py>>) -> PyResult<()> {
    for (arr, (descr, want)) in arrays.iter_mut().zip(binding.descrs.iter().zip(binding.dtypes())) {
        let plain = want.num.is_bool() || want.num.is_number() || want.num.is_datetime();
        if arr.ndim() == 0 && plain && !micronumpy::ufunc::exec::same_bytes(arr.dtype(), want) {
            let value = array::new(descr, &[], Order::C, want.has_object())?;
            array::assign::transfer(arr.py(), &value.view(), &arr.view())?;
            *arr = value;
        }
    }
    Ok(())
}

/// With a mask the outputs are read before they are written to. What that does to their values is not seen, but it may warn
/// and fail: the floating-point status of the casts. One that is collected elsewhere was read when that was made.
fn read_outputs(
    outputs: &[(Array<'_>, bool)],
    views: &[ArrayRef<'_>],
    dtypes: &[micronumpy::Dtype],
) -> micronumpy::Result<u8> {
    let mut status = 0;
    for (((_, given), out), dt) in outputs.iter().zip(views).zip(dtypes) {
        if *given && !micronumpy::ufunc::exec::same_bytes(out.dtype, dt) {
            let seen = NdArray::empty(out.shape, dt, Order::C)?;
            fpstatus::clear();
            status |= micronumpy::cast::copy_into_status(&seen.view(), out)?;
            // Objects leave theirs behind.
            status |= fpstatus::take() as u8;
        }
    }
    Ok(status)
}

/// What stands in for an output until all elements are computed.
struct StandIn {
    array: NdArray,
    data: *mut u8,
    strides: Dims,
}

impl StandIn {
    /// An array, backwards along some axes.
    fn new(array: NdArray, backwards: &[isize]) -> StandIn {
        let view = array.view();
        let (mut data, mut strides) = (view.data, Dims::from_slice(view.strides));
        for &axis in backwards {
            let (s, n) = (strides[axis as usize], view.shape[axis as usize]);
            data = data.wrapping_offset(s * (n - 1).max(0));
            strides[axis as usize] = -s;
        }
        StandIn { data, strides, array }
    }
    fn view(&self) -> ArrayRef<'_> {
        ArrayRef { data: self.data, strides: &self.strides, ..self.array.view() }
    }
}

/// The axes which are walked backwards: where some operand goes that way and none goes forwards.
fn backwards<'a, 'py: 'a>(
    shape: &[isize],
    operands: impl Iterator<Item = &'a Array<'py>>,
) -> micronumpy::Result<Dims> {
    let (mut least, mut most) = (Dims::from_elem(0, shape.len()), Dims::from_elem(0, shape.len()));
    for op in operands {
        let strides = broadcast_strides(op.shape(), op.strides(), shape)?;
        for (axis, &s) in strides.iter().enumerate() {
            least[axis] = s.min(least[axis]);
            most[axis] = s.max(most[axis]);
        }
    }
    Ok((0..shape.len())
        .filter(|&axis| least[axis] < 0 && most[axis] == 0)
        .map(|axis| axis as isize)
        .collect())
}

/// A stand-in of the loop's dtype, with the output's elements if those are read.
fn collected(
    py: Python<'_>,
    out: &ArrayRef<'_>,
    dtype: &micronumpy::Dtype,
    backwards: &[isize],
    read: bool,
) -> PyResult<StandIn> {
    if dtype.as_strings().is_some() || out.dtype.as_strings().is_some() {
        // Strings are where their array has its memory.
        return Ok(StandIn::new(copied(out).py(py)?, &[]));
    }
    // As the output lies in memory, so that elements are taken in the same order.
    let temp = StandIn::new(NdArray::empty_like(out, dtype, Order::Keep).py(py)?, backwards);
    if read {
        array::assign::transfer(py, &temp.view(), out)?;
    }
    Ok(temp)
}

/// A contiguous copy.
pub fn copied(src: &ArrayRef<'_>) -> micronumpy::Result<NdArray> {
    let out = NdArray::empty(src.shape, src.dtype, Order::C)?;
    micronumpy::cast::copy_into(&out.view(), src)?;
    Ok(out)
}

/// The shape all operands broadcast to. Outputs take part, but may not be what is repeated.
fn common_shape<'py>(
    ins: &[Array<'py>],
    outs: &[Option<Array<'py>>],
    where_: Option<&Array<'py>>,
) -> PyResult<Dims> {
    let Some(first) = ins.first().or_else(|| outs.iter().flatten().next()) else { return Ok(Dims::new()) };
    let py = first.py();
    let shapes: PerOp<&[isize]> =
        ins.iter().chain(outs.iter().flatten()).chain(where_).map(|a| a.shape()).collect();
    let shape = broadcast_shapes(&shapes).py(py)?;
    for out in outs.iter().flatten() {
        if out.shape() != shape.as_slice() {
            return Err(output_shape_error(out.shape(), &shape)).py(py);
        }
    }
    Ok(shape)
}

/// The outputs of a call, with whether the caller gave them.
fn allocate<'py>(
    py: Python<'py>,
    binding: &Binding<'py>,
    shape: &[isize],
    ins: &[Array<'py>],
    outs: PerOp<Option<Array<'py>>>,
    where_: Option<&Array<'py>>,
    order: Order,
) -> PyResult<PerOp<(Array<'py>, bool)>> {
    let absent = outs.iter().any(|o| o.is_none());
    let nin = ins.len();
    // The order axes are walked in, in which new outputs are laid out.
    let axes = if !absent {
        Default::default()
    } else {
        match order {
            Order::Keep => {
                let mut strides: PerOp<Dims> = PerOp::new();
                for arr in ins.iter().chain(outs.iter().flatten()).chain(where_) {
                    strides.push(broadcast_strides(arr.shape(), arr.strides(), shape).py(py)?);
                }
                let views: PerOp<&[isize]> = strides.iter().map(|s| s.as_slice()).collect();
                axis_order(shape.len(), &views)
            }
            Order::C => (0..shape.len()).collect(),
            Order::F => (0..shape.len()).rev().collect(),
            Order::Any => {
                let fortran = ins.iter().all(|a| a.view().is_f_contiguous())
                    && !ins.iter().all(|a| a.view().is_c_contiguous());
                if fortran { (0..shape.len()).rev().collect() } else { (0..shape.len()).collect() }
            }
        }
    };
    let mut result = PerOp::new();
    for (i, out) in outs.into_iter().enumerate() {
        result.push(match out {
            Some(arr) => (arr, true),
            None => (new_laid_out(&binding.descrs[nin + i], shape, &axes)?, false),
        });
    }
    Ok(result)
}

/// A new array whose axes lie in memory in this order, outermost first.
pub fn new_laid_out<'py>(
    descr: &crate::objects::Descr<'py>,
    shape: &[isize],
    axes: &[usize],
) -> PyResult<Array<'py>> {
    if axes.iter().enumerate().all(|(i, &a)| i == a) {
        return array::new(descr, shape, Order::C, false);
    }
    if axes.iter().rev().enumerate().all(|(i, &a)| i == a) {
        return array::new(descr, shape, Order::F, false);
    }
    array::alloc::checked_nbytes(shape, descr.itemsize())?;
    let strides = strides_by_order(shape, axes, descr.itemsize());
    // SAFETY: fresh memory; the strides are a permutation of the contiguous ones.
    unsafe { array::alloc::Make { strides: Some(&strides), ..array::alloc::Make::new(descr, shape) }.build() }
}

/// `ufunc.outer(A, B, /, **kwargs)`
pub fn outer<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let uf = UfuncRef::with_loops(slf);
    let py = uf.py();
    if uf.is_generalized() {
        return Err(PyTypeError::new_err("method outer is not allowed in ufunc with non-trivial signature"));
    }
    if uf.nin() != 2 {
        return Err(PyValueError::new_err("outer product only supported for binary functions"));
    }
    if args.len() != 2 {
        return Err(PyTypeError::new_err("exactly two arguments expected"));
    }
    let given = arguments(&uf, &args)?;
    if let Some(result) = overridden(&uf, "outer", &args, &given)? {
        return Ok(result);
    }
    let mut arrays = vec![];
    for (i, obj) in given.ins.iter().enumerate() {
        let matrix = crate::ffi::import::cached(py, "numpy", "matrix").ok();
        if let Some(m) = matrix
            && obj.is_instance(&m)?
        {
            let which = ["first", "second"][i];
            return Err(PyTypeError::new_err(format!(
                "{}.outer() was passed a numpy matrix as {which} argument. Special handling of matrix is removed. \
                 Convert to a ndarray via 'matrix.A' ",
                uf.name()
            )));
        }
        arrays.push(array::from_any(obj, None, 0, 0, 0)?);
    }
    let (a, b) = (&arrays[0], &arrays[1]);
    let reshaped = if b.ndim() == 0 {
        a.0.clone()
    } else {
        let mut shape = Dims::from_slice(a.shape());
        let mut strides = Dims::from_slice(a.strides());
        shape.extend(std::iter::repeat_n(1, b.ndim()));
        strides.extend(std::iter::repeat_n(0, b.ndim()));
        if shape.len() > micronumpy::array::MAXDIMS {
            return Err(PyValueError::new_err(format!(
                "maximum supported dimension for an ndarray is currently 64, found {}",
                shape.len()
            )));
        }
        // SAFETY: the same elements as `a`, with axes of length one added.
        let view = unsafe {
            array::new_view(&a.descr(), a.data(), &shape, &strides, &a.0, a.is_writeable(), Some(a))?
        };
        if view.shape() != shape.as_slice() {
            return Err(PyTypeError::new_err(format!(
                "{}.outer() called with ndarray-subclass of type '{}' which modified its shape after a reshape. `outer()` \
                 relies on reshaping the inputs and is for example not supported for the 'np.matrix' class (the usage of \
                 matrix is generally discouraged). To work around this issue, please convert the inputs to numpy arrays.",
                uf.name(),
                view.0.get_type().name()?
            )));
        }
        view.0
    };
    // Python's numbers are arrays here, with a dtype of their own.
    slf.call((reshaped, b.0.clone()), kwargs_of(&args)?.as_ref())
}

fn kwargs_of<'py>(args: &Args<'_, 'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
    if !args.has_keywords() {
        return Ok(None);
    }
    Ok(Some(args.to_tuple_dict()?.1))
}
