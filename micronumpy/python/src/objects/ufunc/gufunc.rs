//! Calls of generalized ufuncs: which axes of the operands are core dimensions, and the call itself.

use micronumpy::array::{Dims, normalize_axis};
use micronumpy::iter::nditer::{REDUCTION_AXIS, global, per_op};
use micronumpy::iter::{PerOp, axis_order};
use micronumpy::ufunc::BoundLoop;
use micronumpy::ufunc::core_dims::CoreSignature;
use micronumpy::ufunc::exec::{bounds_meet, needs_buffer};
use micronumpy::ufunc::gufunc::{self, CoreSizes};
use micronumpy::{ArrayRef, Casting, NdArray, Order};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyList, PyTuple};
use ufuncs::fpstatus;

use super::bind::{Binding, bind, inputs, weak_operand};
use super::call::{Call, new_laid_out};
use super::{UfuncRef, errstate, params};
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::ffi::others::{LONG, Others};
use crate::objects::array::args::index;
use crate::objects::nditer::{self, Options};
use crate::objects::{Array, array};

/// Which axes of an operand are what.
struct Axes {
    /// Core axes, in the order of the signature; with `keepdims` those of length one of an output.
    core: Vec<usize>,
    /// The others, in order.
    looped: Vec<usize>,
}

impl Axes {
    fn new(ndim: usize, core: Vec<usize>) -> Axes {
        let looped = (0..ndim).filter(|a| !core.contains(a)).collect();
        Axes { core, looped }
    }
}

fn pick(row: &[isize], axes: &[usize]) -> Dims {
    axes.iter().map(|&a| row[a]).collect()
}

/// Run a generalized call.
pub fn run<'py>(uf: &UfuncRef<'py>, c: &Call<'py>) -> PyResult<PerOp<Array<'py>>> {
    let py = uf.py();
    let (nin, nargs, name) = (uf.nin(), uf.nargs(), uf.name());
    let sig = match &uf.data().core.borrow().core {
        Some(s) => s.clone(),
        None => return Err(PyTypeError::new_err("not a generalized ufunc")),
    };
    let mut ins = inputs(&c.ins)?;
    let outs: PerOp<Option<Array<'py>>> =
        c.outs.iter().map(|o| o.as_ref().map(params::out_array).transpose()).collect::<PyResult<_>>()?;
    check_keepdims(c)?;
    // Dtypes that do not go together are told before shapes that do not.
    let binding = bind(uf, &mut ins, &outs, &c.signature, c.casting)?;
    let operand = |i: usize| if i < nin { Some(&ins[i].arr) } else { outs[i - nin].as_ref() };
    let arrays: PerOp<Array<'py>> = ins
        .iter()
        .zip(&binding.descrs)
        .map(|(op, descr)| if op.weak.is_some() { weak_operand(&op.obj, descr) } else { Ok(op.arr.clone()) })
        .collect::<PyResult<_>>()?;

    let keepdims = keepdims_of(&name, &sig, nin, c)?;
    // Outputs get this many axes of length one.
    let extra = if keepdims { sig.core_ndim(0) } else { 0 };
    let axis = axis_of(&name, &sig, c)?;

    let ndims: Vec<Option<usize>> = (0..nargs)
        .map(|i| operand(i).map(|a| if i < nin { a.ndim() } else { a.ndim().saturating_sub(extra) }))
        .collect();
    let mut core = gufunc::match_dims(&name, &sig, nin, &ndims).py(py)?;
    for i in nin..nargs {
        if operand(i).is_some_and(|a| a.ndim() < extra) {
            return Err(PyValueError::new_err(format!(
                "{name}: Output operand {} does not have enough dimensions (has {}, gufunc core with signature {} \
                 requires {extra})",
                i - nin,
                operand(i).map_or(0, |a| a.ndim()),
                sig.text
            )));
        }
    }
    let core_ndim = |core: &CoreSizes, i: usize| core.core_ndim(&sig, i) + if i < nin { 0 } else { extra };
    let mut loop_ndim = 0;
    for i in 0..nargs {
        if let Some(a) = operand(i) {
            loop_ndim = loop_ndim.max(a.ndim() - core_ndim(&core, i));
        }
    }
    let counts: Vec<(usize, usize)> = (0..nargs)
        .map(|i| {
            let n = core_ndim(&core, i);
            (operand(i).map_or(loop_ndim + n, |a| a.ndim()), n)
        })
        .collect();
    let axes = operand_axes(py, &name, nin, &counts, axis, c)?;

    for (i, ax) in axes.iter().enumerate() {
        let Some(a) = operand(i) else { continue };
        let own = pick(a.shape(), &ax.core);
        if i < nin || extra == 0 {
            gufunc::match_sizes(&name, &sig, &mut core, nin, i, &own).py(py)?;
        }
    }
    process_core_dims(uf, &mut core)?;
    for i in nin..nargs {
        for (k, &d) in sig.operands[i].iter().enumerate() {
            if core.sizes[d] < 0 && !core.missing[d] {
                return Err(PyValueError::new_err(format!(
                    "{name}: Output operand {} has core dimension {k} unspecified, with gufunc signature {}",
                    i - nin,
                    sig.text
                )));
            }
        }
    }

    let Some(shape) = loop_shape(nin, loop_ndim, extra, &axes, &operand) else {
        let kept: Dims = match extra {
            0 => (nin..nargs).flat_map(|i| core.core_shape(&sig, i)).collect(),
            extra => std::iter::repeat_n(1, extra * (nargs - nin)).collect(),
        };
        return Err(misfit(py, &binding, nin, loop_ndim, &kept, &axes, &operand));
    };

    // Outputs: the caller's, or new ones.
    let mut results: PerOp<Array<'py>> = PerOp::new();
    for (k, out) in outs.iter().enumerate() {
        let i = nin + k;
        results.push(match out {
            Some(o) => o.clone(),
            None => {
                let ax = &axes[i];
                let sizes = if extra > 0 { Dims::from_elem(1, extra) } else { core.core_shape(&sig, i) };
                let mut full = Dims::from_elem(1, shape.len() + sizes.len());
                ax.looped.iter().zip(&shape).for_each(|(&a, &n)| full[a] = n);
                ax.core.iter().zip(&sizes).for_each(|(&a, &n)| full[a] = n);
                let given = || (0..nargs).filter_map(&operand);
                let order = match c.order {
                    Order::Any if given().all(|a| a.view().is_f_contiguous()) => Order::F,
                    order => order,
                };
                let order = layout(order, &shape, &arrays, &axes, ax);
                new_laid_out(&binding.descrs[i], &full, &order)?
            }
        });
    }

    let unaligned = binding.def.flags.contains(ufuncs::LoopFlags::UNALIGNED);
    let check = binding.has_fp_status();
    if check {
        fpstatus::clear();
    }
    // Operands the loop cannot use as they are, and inputs that share memory with an output, are replaced by copies.
    let mut temps: PerOp<Option<NdArray>> = PerOp::new();
    for i in 0..nargs {
        let (view, want) = if i < nin {
            (arrays[i].view(), &binding.dtypes()[i])
        } else {
            (results[i - nin].view(), &binding.dtypes()[i])
        };
        let mut copy = needs_buffer(&view, want, unaligned);
        if i < nin {
            copy |= outs.iter().flatten().any(|o| bounds_meet(&o.view(), &view));
        } else {
            copy |= outs[..i - nin].iter().flatten().any(|o| bounds_meet(&o.view(), &view));
        }
        temps.push(if copy {
            let temp = NdArray::empty(view.shape, want, Order::C).py(py)?;
            if i < nin {
                micronumpy::cast::copy_into(&temp.view(), &view).py(py)?;
            }
            Some(temp)
        } else {
            None
        });
    }
    let views: PerOp<ArrayRef<'_>> = (0..nargs)
        .map(|i| match &temps[i] {
            Some(t) => t.view(),
            None if i < nin => arrays[i].view(),
            None => results[i - nin].view(),
        })
        .collect();
    let ops: Vec<gufunc::Operand> = (0..nargs)
        .map(|i| {
            let (v, ax) = (&views[i], &axes[i]);
            let own = pick(v.strides, &ax.looped);
            let lens = pick(v.shape, &ax.looped);
            let lead = shape.len() - own.len();
            let mut loop_strides = Dims::from_elem(0, shape.len());
            for (k, (&s, &n)) in own.iter().zip(&lens).enumerate() {
                loop_strides[lead + k] = if n == 1 { 0 } else { s };
            }
            let core_axes = if i >= nin && extra > 0 { &[][..] } else { &ax.core[..] };
            let core_strides = core_axes.iter().map(|&a| v.strides[a]).collect();
            gufunc::Operand { data: v.data, loop_strides, core_strides }
        })
        .collect();
    let raw = binding.raw_descrs();
    let l = BoundLoop::new(&binding.def, nin, binding.dtypes(), binding.host(uf, &raw));
    let work =
        shape.iter().chain(&core.sizes).fold(1usize, |work, &n| work.saturating_mul(n.max(1) as usize));
    let others = Others::run_if(work >= LONG && binding.is_plain(&views));
    // SAFETY: every operand was matched with the loop shape and the core sizes.
    let done = unsafe { gufunc::execute(&l, &sig, &core, &shape, &ops) };
    drop(others);
    done.py(py)?;
    let status = if check { fpstatus::take() } else { 0 };
    let reported = if status != 0 { errstate::report(py, &name, status) } else { Ok(()) };
    // What is collected elsewhere is assigned whatever that says, and has a status of its own.
    for (k, out) in results.iter().enumerate() {
        if let Some(t) = &temps[nin + k] {
            array::assign::transfer(py, &out.view(), &t.view())?;
        }
    }
    reported?;
    drop(views);
    Ok(results)
}

/// Memory order of a new output: loop axes as the inputs have them, core axes last, wherever these are among its axes.
fn layout<'py>(
    order: Order,
    shape: &[isize],
    arrays: &[Array<'py>],
    axes: &[Axes],
    out: &Axes,
) -> Vec<usize> {
    match order {
        Order::F => out.looped.iter().chain(&out.core).rev().copied().collect(),
        Order::Keep if shape.len() > 1 => {
            let rows: Vec<Dims> = arrays
                .iter()
                .zip(axes)
                .map(|(a, ax)| {
                    let mut row = Dims::from_elem(0, shape.len());
                    let lead = shape.len() - ax.looped.len();
                    for (k, &axis) in ax.looped.iter().enumerate() {
                        row[lead + k] = if a.shape()[axis] == 1 { 0 } else { a.strides()[axis] };
                    }
                    row
                })
                .collect();
            let views: Vec<&[isize]> = rows.iter().map(|r| r.as_slice()).collect();
            let sorted = axis_order(shape.len(), &views);
            sorted.iter().map(|&k| out.looped[k]).chain(out.core.iter().copied()).collect()
        }
        _ => out.looped.iter().chain(&out.core).copied().collect(),
    }
}

/// What is wrong with `keepdims` whatever the ufunc is.
fn check_keepdims(c: &Call<'_>) -> PyResult<()> {
    match &c.keywords.keepdims {
        Some(k) if !k.is_instance_of::<PyBool>() => Err(PyTypeError::new_err("'keepdims' must be a boolean")),
        _ => Ok(()),
    }
}

/// Whether dimensions are kept. A ufunc that cannot keep them does not take the keyword at all.
fn keepdims_of(name: &str, sig: &CoreSignature, nin: usize, c: &Call<'_>) -> PyResult<bool> {
    let Some(obj) = &c.keywords.keepdims else { return Ok(false) };
    let first = sig.core_ndim(0);
    for (i, dims) in sig.operands.iter().enumerate() {
        if i < nin && dims.len() != first || i >= nin && !dims.is_empty() {
            let (kind, k) = if i < nin { ("input", i) } else { ("output", i - nin) };
            return Err(PyTypeError::new_err(format!(
                "{name} does not support keepdims: its signature {} requires {kind} {k} to have {} core dimensions, but \
                 keepdims can only be used when all inputs have the same number of core dimensions and all outputs have \
                 no core dimensions.",
                sig.text,
                dims.len()
            )));
        }
    }
    obj.is_truthy()
}

fn axis_of(name: &str, sig: &CoreSignature, c: &Call<'_>) -> PyResult<Option<isize>> {
    let Some(obj) = &c.keywords.axis else { return Ok(None) };
    if sig.dims.len() != 1 {
        return Err(PyTypeError::new_err(format!(
            "{name}: axis can only be used with a single shared core dimension, not with the {} distinct ones implied by \
             signature {}.",
            sig.dims.len(),
            sig.text
        )));
    }
    if obj.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err("an integer is required"));
    }
    index(obj).map(Some)
}

fn axis_error(py: Python<'_>, text: String) -> PyErr {
    match cached(py, "numpy.exceptions", "AxisError").and_then(|cls| cls.call1((text,))) {
        Ok(exc) => PyErr::from_value(exc),
        Err(e) => e,
    }
}

/// Core axes of every operand, from `axis=`, `axes=`, or the last ones. `counts` has dimensions and core dimensions.
fn operand_axes(
    py: Python<'_>,
    name: &str,
    nin: usize,
    counts: &[(usize, usize)],
    axis: Option<isize>,
    c: &Call<'_>,
) -> PyResult<Vec<Axes>> {
    let last = |&(ndim, n): &(usize, usize)| Axes::new(ndim, (ndim - n..ndim).collect());
    if let Some(axis) = axis {
        return counts
            .iter()
            .map(|&(ndim, n)| match n {
                0 => Ok(Axes::new(ndim, vec![])),
                _ => Ok(Axes::new(ndim, vec![normalize_axis(axis, ndim).py(py)?])),
            })
            .collect();
    }
    let Some(list) = &c.keywords.axes else { return Ok(counts.iter().map(last).collect()) };
    let Ok(list) = list.cast::<PyList>() else {
        return Err(PyTypeError::new_err("axes should be a list."));
    };
    // Dimensions kept are none of the signature.
    let kept = c.keywords.keepdims.as_ref().map_or(Ok(false), |k| k.is_truthy())?;
    let optional = kept || counts[nin..].iter().all(|c| c.1 == 0);
    if list.len() != counts.len() && !(optional && list.len() == nin) {
        return Err(PyValueError::new_err(format!(
            "axes should be a list with an entry for all {} inputs and outputs; entries for outputs can only be omitted \
             if none of them has core axes.",
            counts.len()
        )));
    }
    let mut out = vec![];
    for (i, count) in counts.iter().enumerate() {
        let &(ndim, n) = count;
        if i >= list.len() {
            out.push(last(count));
            continue;
        }
        let item = list.get_item(i)?;
        let numbers: Vec<Bound<'_, PyAny>> = match item.cast::<PyTuple>() {
            Ok(t) => {
                if t.len() != n {
                    return Err(axis_error(
                        py,
                        format!(
                            "{name}: operand {i} has {n} core dimensions, but {} dimensions are specified by axes \
                             tuple.",
                            t.len()
                        ),
                    ));
                }
                t.iter().collect()
            }
            Err(_) if index(&item).is_err() => {
                return Err(PyTypeError::new_err(format!("{name}: axes item {i} should be a tuple.")));
            }
            Err(_) if n != 1 => {
                return Err(axis_error(
                    py,
                    format!(
                        "{name}: operand {i} has {n} core dimensions, but the axes item is a single integer."
                    ),
                ));
            }
            Err(_) => vec![item],
        };
        let mut core = vec![];
        for number in numbers {
            let a = normalize_axis(index(&number)?, ndim).py(py)?;
            if core.contains(&a) {
                return Err(PyValueError::new_err(format!("axes item {i} has value {a} repeated")));
            }
            core.push(a);
        }
        out.push(Axes::new(ndim, core));
    }
    Ok(out)
}

/// Let the ufunc adjust core sizes: one of ours, or one made through the C API.
fn process_core_dims(uf: &UfuncRef<'_>, core: &mut CoreSizes) -> PyResult<()> {
    if let Some(f) = uf.data().core.borrow().core_dims {
        return f(&mut core.sizes).map_err(PyValueError::new_err);
    }
    // SAFETY: live object; the function gets an array of all core sizes, as the C API promises.
    unsafe {
        if let Some(f) = (*uf.raw()).process_core_dims_func
            && f(uf.raw(), core.sizes.as_mut_ptr()) != 0
        {
            return Err(PyErr::fetch(uf.py()));
        }
    }
    Ok(())
}

/// The shape the operands' other axes broadcast to, if they do and outputs are not what is repeated. Outputs keep so many axes of
/// length one.
fn loop_shape<'a, 'py: 'a>(
    nin: usize,
    loop_ndim: usize,
    kept: usize,
    axes: &[Axes],
    operand: &dyn Fn(usize) -> Option<&'a Array<'py>>,
) -> Option<Dims> {
    let mut shape = Dims::from_elem(1, loop_ndim);
    for (i, ax) in axes.iter().enumerate() {
        let Some(a) = operand(i) else { continue };
        let own = pick(a.shape(), &ax.looped);
        let lead = loop_ndim - own.len();
        for (slot, &n) in shape[lead..].iter_mut().zip(&own) {
            match (*slot, n) {
                (s, n) if s == n || n == 1 => {}
                (1, n) => *slot = n,
                _ => return None,
            }
        }
    }
    let fits = axes.iter().enumerate().skip(nin).all(|(i, ax)| {
        let Some(a) = operand(i) else { return true };
        let own = pick(a.shape(), &ax.looped);
        let (lead, rest) = shape.split_at(loop_ndim - own.len());
        // Axes that are kept are as long as one element.
        *own == *rest
            && lead.iter().all(|&n| n == 1)
            && (kept == 0 || ax.core.iter().all(|&k| a.shape()[k] == 1))
    });
    fits.then_some(shape)
}

/// What is wrong with operands that no loop runs over. numpy walks them with an iterator that has the outputs' core dimensions, `kept`,
/// behind those of the loop, and it is the iterator that complains, so ours is asked.
fn misfit<'a, 'py: 'a>(
    py: Python<'py>,
    binding: &Binding<'py>,
    nin: usize,
    loop_ndim: usize,
    kept: &[isize],
    axes: &[Axes],
    operand: &dyn Fn(usize) -> Option<&'a Array<'py>>,
) -> PyErr {
    let mut at = loop_ndim;
    let rows: Vec<Option<Vec<i32>>> = axes
        .iter()
        .enumerate()
        .map(|(i, ax)| {
            let mut row = vec![-1; loop_ndim - ax.looped.len()];
            row.extend(ax.looped.iter().map(|&a| a as i32));
            row.resize(loop_ndim + kept.len(), REDUCTION_AXIS - 1);
            if i >= nin {
                for (slot, &a) in row[at..].iter_mut().zip(&ax.core) {
                    *slot = a as i32;
                }
                at += ax.core.len();
            }
            Some(row)
        })
        .collect();
    let flags: Vec<u32> = (0..axes.len())
        .map(|i| match i < nin {
            true => per_op::READONLY | per_op::COPY | per_op::ALIGNED,
            false => {
                per_op::WRITEONLY
                    | per_op::UPDATEIFCOPY
                    | per_op::ALIGNED
                    | per_op::ALLOCATE
                    | per_op::NO_BROADCAST
                    | per_op::NO_SUBTYPE
            }
        })
        .collect();
    let requested: Vec<_> = binding.descrs.iter().cloned().map(Some).collect();
    let itershape: Dims = std::iter::repeat_n(-1, loop_ndim).chain(kept.iter().copied()).collect();
    let options = Options {
        flags: global::MULTI_INDEX
            | global::REFS_OK
            | global::ZEROSIZE_OK
            | global::COPY_IF_OVERLAP
            | global::DELAY_BUFALLOC,
        order: Order::Keep,
        casting: Casting::Unsafe,
        requested: &requested,
        op_axes: Some(&rows),
        ndim: Some(itershape.len()),
        itershape: Some(&itershape),
        buffersize: 0,
    };
    let arrays = (0..axes.len()).map(|i| operand(i).cloned()).collect();
    match nditer::build(py, arrays, &flags, &options) {
        Err(e) => e,
        Ok(_) => PyValueError::new_err("operands could not be broadcast together"),
    }
}
