//! Small calls of generalized ufuncs: exact arrays, numpy scalars and Python numbers of builtin numeric types, with no
//! keywords but those that numpy's Python layer passes (`signature`, `axes`, `out`).
//!
//! What the general path works out with lists of axes and descriptors is worked out here in arrays on the stack: a
//! product of two small matrices takes less time than that. As in [`super::fast`], everything that is not simple, errors
//! included, answers `None` and goes the general way; nothing has been written by then.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use micronumpy::ufunc::exec::bounds_meet;
use micronumpy::ufunc::loop_status;
use micronumpy::{Casting, Dtype, NdArray, Order, TypeNum};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use ufuncs::{LoopContext, LoopFlags, LoopFn, fpstatus};

use super::compiled::is_compiled;
use super::fast::{self, EMPTY, Operand};
use super::{UfuncRef, errstate};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::others::{LONG, Others};
use crate::objects::array::{self, ARRAY_TYPE};
use crate::objects::dtype::CLASSES;
use crate::objects::{Array, dtype, scalar};

/// As many operands as `lstsq` has.
const MAX_ARGS: usize = 7;
const MAX_IN: usize = 3;
/// Core dimensions of one operand, and distinct ones of a signature.
const MAX_CORE: usize = 2;
const MAX_DIMS: usize = 4;
/// Dimensions that are looped over.
const MAX_LOOP: usize = 6;

/// The core dimensions of a signature, without its names.
#[derive(Clone, Copy)]
struct Core {
    /// For every operand how many, and which.
    count: [usize; MAX_ARGS],
    dims: [[usize; MAX_CORE]; MAX_ARGS],
    ndims: usize,
    optional: [bool; MAX_DIMS],
    /// Frozen sizes; -1 where there is none.
    sizes: [isize; MAX_DIMS],
    missing: [bool; MAX_DIMS],
}

impl Core {
    fn of(uf: &UfuncRef<'_>) -> Option<Core> {
        let core = uf.data().core.borrow();
        let sig = core.core.as_ref()?;
        let mut out = Core {
            count: [0; MAX_ARGS],
            dims: [[0; MAX_CORE]; MAX_ARGS],
            ndims: sig.dims.len(),
            optional: [false; MAX_DIMS],
            sizes: [-1; MAX_DIMS],
            missing: [false; MAX_DIMS],
        };
        if sig.operands.len() > MAX_ARGS || sig.dims.len() > MAX_DIMS {
            return None;
        }
        for (i, dims) in sig.operands.iter().enumerate() {
            out.count[i] = dims.len();
            out.dims[i].get_mut(..dims.len())?.copy_from_slice(dims);
        }
        for (d, dim) in sig.dims.iter().enumerate() {
            out.optional[d] = dim.optional;
            out.sizes[d] = dim.size.unwrap_or(-1);
        }
        Some(out)
    }
    fn own(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        self.dims[i][..self.count[i]].iter().copied().filter(|&d| !self.missing[d])
    }
    /// Let an operand of so many dimensions do without optional ones.
    fn fit(&mut self, i: usize, ndim: usize) -> Option<()> {
        let mut need = self.own(i).count();
        for d in self.dims[i].into_iter().take(self.count[i]) {
            if ndim < need && self.optional[d] && !self.missing[d] {
                self.missing[d] = true;
                need -= 1;
            }
        }
        (ndim >= need).then_some(())
    }
    fn enter(&mut self, d: usize, size: isize) -> Option<()> {
        if self.sizes[d] < 0 {
            self.sizes[d] = size;
        }
        (self.sizes[d] == size).then_some(())
    }
}

/// The keywords of a call.
struct Keywords<'py> {
    signature: Option<Bound<'py, PyAny>>,
    axes: Option<Bound<'py, PyList>>,
    out: Option<Bound<'py, PyAny>>,
}

impl<'py> Keywords<'py> {
    /// # Safety
    /// By the vectorcall protocol.
    unsafe fn of(
        py: Python<'py>,
        kwnames: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
    ) -> Option<Keywords<'py>> {
        let mut k = Keywords { signature: None, axes: None, out: None };
        if kwnames.is_null() {
            return Some(k);
        }
        // SAFETY: a tuple of strings, with as many values.
        unsafe {
            for i in 0..ffi::PyTuple_GET_SIZE(kwnames) {
                let name = Bound::from_borrowed_ptr(py, ffi::PyTuple_GET_ITEM(kwnames, i));
                let value = Bound::from_borrowed_ptr(py, *values.offset(i));
                match name.extract::<&str>().ok()? {
                    "signature" => k.signature = Some(value),
                    "axes" => k.axes = Some(value.cast_into_exact().ok()?),
                    "out" => k.out = (!value.is_none()).then_some(value),
                    _ => return None,
                }
            }
        }
        Some(k)
    }
}

/// The loop of a call.
struct Chosen {
    func: LoopFn,
    aux: *mut c_void,
    flags: LoopFlags,
    types: [TypeNum; MAX_ARGS],
}

/// The loop that `signature` names, or that operands of these codes get; one that gives the type of `out` directly comes first.
fn choose(
    uf: &UfuncRef<'_>,
    signature: Option<&Bound<'_, PyAny>>,
    codes: &[u8],
    nargs: usize,
    out: Option<TypeNum>,
) -> Option<Chosen> {
    let mut types = [TypeNum::BOOL; MAX_ARGS];
    let Some(signature) = signature else {
        let (func, aux, flags, found) = fast::binding(uf, codes)?;
        let found = found.get(..nargs)?;
        if out.is_none_or(|out| found[codes.len()..] == [out]) {
            types[..nargs].copy_from_slice(found);
            return Some(Chosen { func, aux, flags, types });
        }
        let (core, out) = (uf.data().core.borrow(), [out?]);
        let fits = |own: &[TypeNum]| {
            let mut ins = own.iter().zip(codes);
            ins.all(|(own, code)| fast::is_weak(*code) || own.0 == i32::from(*code))
                && own[codes.len()..] == out
        };
        let def = &core.loops.iter().find(|l| l.dtypes.is_none() && fits(&l.def.types))?.def;
        if def.flags.contains(LoopFlags::NEEDS_API) {
            return None;
        }
        types[..nargs].copy_from_slice(&def.types);
        return Some(Chosen { func: def.func, aux: def.aux, flags: def.flags, types });
    };
    let text = signature.extract::<&str>().ok()?.as_bytes();
    let (ins, outs) = (text.get(..codes.len())?, text.get(codes.len() + 2..)?);
    if text.get(codes.len()..codes.len() + 2)? != b"->" || ins.len() + outs.len() != nargs {
        return None;
    }
    for (slot, &ch) in types.iter_mut().zip(ins.iter().chain(outs)) {
        *slot = TypeNum::from_char(ch)?;
    }
    let core = uf.data().core.borrow();
    let def = &core.loops[core.find_loop(&types[..nargs])?].def;
    if def.flags.contains(LoopFlags::NEEDS_API) {
        return None;
    }
    Some(Chosen { func: def.func, aux: def.aux, flags: def.flags, types })
}

/// An operand's part in the loop: strides along the looped axes (0 where it is repeated), then along its core axes.
#[derive(Clone, Copy)]
struct Walk {
    data: *mut u8,
    looped: [isize; MAX_LOOP],
    core: [isize; MAX_CORE],
}

/// Which axes of an operand are core axes: the entry of `axes`, or the last ones.
fn core_axes(
    axes: Option<&Bound<'_, PyList>>,
    i: usize,
    ndim: usize,
    count: usize,
) -> Option<[usize; MAX_CORE]> {
    let mut own = [0; MAX_CORE];
    let Some(axes) = axes else {
        own.iter_mut().zip(ndim - count..ndim).for_each(|(slot, axis)| *slot = axis);
        return Some(own);
    };
    let entry = axes.get_item(i).ok()?.cast_into_exact::<PyTuple>().ok()?;
    // Two axes could be the same one.
    if entry.len() != count || count > 1 {
        return None;
    }
    for (slot, item) in own.iter_mut().zip(entry.iter()) {
        let axis = item.extract::<isize>().ok()?;
        let axis = if axis < 0 { axis + ndim as isize } else { axis };
        *slot = usize::try_from(axis).ok().filter(|a| *a < ndim)?;
    }
    Some(own)
}

/// Run a call if it is simple enough: a new reference, or `None` when the general path has to do it.
///
/// # Safety
/// A generalized ufunc and arguments by the vectorcall protocol.
pub unsafe fn try_call(
    py: Python<'_>,
    callable: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    given: usize,
    kwnames: *mut ffi::PyObject,
) -> PyResult<Option<*mut ffi::PyObject>> {
    /// Leave the call to the general path.
    macro_rules! simple {
        ($e:expr) => {
            match $e {
                Some(value) => value,
                None => return Ok(None),
            }
        };
    }
    // SAFETY: the caller's promise; every pointer below comes from live arguments of checked types.
    unsafe {
        let raw = callable.cast::<PyUFuncObject>();
        let (nin, nout) = ((*raw).nin as usize, (*raw).nout as usize);
        let nargs = nin + nout;
        if nin > MAX_IN || nargs > MAX_ARGS || given != nin || (*raw).process_core_dims_func.is_some() {
            return Ok(None);
        }
        let uf = UfuncRef(Bound::from_borrowed_ptr(py, callable));
        let keywords = simple!(Keywords::of(py, kwnames, args.add(given)));
        let mut core = simple!(Core::of(&uf));

        let mut ops = [EMPTY; MAX_IN];
        let mut codes = [0u8; MAX_IN];
        let mut ndims = [0usize; MAX_ARGS];
        for i in 0..nin {
            ops[i] = simple!(fast::operand(*args.add(i)));
            codes[i] = ops[i].code;
            ndims[i] = ops[i].ndim();
            simple!(core.fit(i, ndims[i]));
        }
        let given_type = keywords.out.as_ref().and_then(Array::cast).map(|out| out.dtype().num);
        let chosen = simple!(choose(&uf, keywords.signature.as_ref(), &codes[..nin], nargs, given_type));
        if keywords.axes.as_ref().is_some_and(|axes| axes.len() != nargs || keywords.out.is_none()) {
            return Ok(None);
        }

        // Inputs that the loop cannot read as they are become copies, Python numbers cells.
        let mut cells = [[0u128; 2]; MAX_ARGS];
        let mut casts = [false; MAX_IN];
        for i in 0..nin {
            if ops[i].is_weak() {
                ops[i].data = cells[i].as_mut_ptr().cast();
                simple!(fast::convert(ops[i].code, ops[i].object, chosen.types[i], ops[i].data));
            } else if TypeNum(codes[i].into()) != chosen.types[i] {
                let (from, to) = (Dtype::builtin(TypeNum(codes[i].into())), Dtype::builtin(chosen.types[i]));
                if ops[i].array.is_null() || !micronumpy::cast::can_cast(&from, &to, Casting::SameKind) {
                    return Ok(None);
                }
                casts[i] = true;
            }
        }

        // Core axes and sizes, and what the other axes broadcast to.
        let out = match &keywords.out {
            None => null_mut(),
            Some(out) => {
                let arr = out.as_ptr().cast::<PyArrayObject>();
                let wanted = NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
                if nout != 1
                    || ffi::Py_TYPE(out.as_ptr()) != ARRAY_TYPE.as_type()
                    || (*arr).flags & wanted != wanted
                    || (*arr).flags & NPY_ARRAY_WARN_ON_WRITE != 0
                    || (*arr).descr != (*CLASSES[chosen.types[nin].0 as usize].get()).singleton
                {
                    return Ok(None);
                }
                arr
            }
        };
        let arrays: [*mut PyArrayObject; MAX_ARGS] = std::array::from_fn(|i| {
            if i < nin {
                ops[i].array
            } else if i < nargs {
                out
            } else {
                null_mut()
            }
        });
        let mut core_at = [[0usize; MAX_CORE]; MAX_ARGS];
        let mut loop_ndim = 0;
        for i in 0..nin + usize::from(!out.is_null()) {
            if i >= nin {
                ndims[i] = (*out).nd as usize;
            }
            let count = core.own(i).count();
            simple!(ndims[i].checked_sub(count));
            core_at[i] = simple!(core_axes(keywords.axes.as_ref(), i, ndims[i], count));
            loop_ndim = loop_ndim.max(ndims[i] - count);
            let dims = core.dims[i];
            let mut k = 0;
            for d in dims.into_iter().take(core.count[i]) {
                if !core.missing[d] {
                    simple!(core.enter(d, *(*arrays[i]).dimensions.add(core_at[i][k])));
                    k += 1;
                }
            }
        }
        let core_dims = uf.data().core.borrow().core_dims;
        if core_dims.is_some_and(|f| f(&mut core.sizes[..core.ndims]).is_err())
            || loop_ndim > MAX_LOOP
            || (nin..nargs).any(|i| core.own(i).any(|d| core.sizes[d] < 0))
        {
            return Ok(None);
        }
        let mut shape = [1isize; MAX_LOOP];
        let shape = &mut shape[..loop_ndim];
        let looped = |i: usize| {
            let count = core.own(i).count();
            let (axes, lead) = (core_at[i], loop_ndim + count - ndims[i]);
            (0..ndims[i])
                .filter(move |a| !axes[..count].contains(a))
                .enumerate()
                .map(move |(k, a)| (lead + k, a))
        };
        for i in 0..nin {
            for (k, axis) in looped(i) {
                let n = *(*arrays[i]).dimensions.add(axis);
                if shape[k] == 1 {
                    shape[k] = n;
                } else if n != 1 && n != shape[k] {
                    return Ok(None);
                }
            }
            // Memory order of the result follows the inputs', those without elements included, whose strides may be any.
            let plain = arrays[i].is_null()
                || (*arrays[i]).flags & NPY_ARRAY_C_CONTIGUOUS != 0
                    && (0..ndims[i]).all(|a| *(*arrays[i]).dimensions.add(a) != 0);
            if loop_ndim > 1 && out.is_null() && !plain {
                return Ok(None);
            }
        }
        if !out.is_null() {
            let fits = ndims[nin] == loop_ndim + core.own(nin).count()
                && looped(nin).all(|(k, axis)| *(*out).dimensions.add(axis) == shape[k]);
            let target = simple!(Array::cast(simple!(keywords.out.as_ref())));
            let meets = (0..nin).filter(|&i| !arrays[i].is_null()).any(|i| {
                let obj = Bound::from_borrowed_ptr(py, arrays[i].cast());
                Array::cast(&obj).is_none_or(|a| bounds_meet(&a.view(), &target.view()))
            });
            // A scalar input may be an array of no dimensions.
            if !fits || meets || (0..nin).any(|i| arrays[i].is_null() && fast::is_array(ops[i].object)) {
                return Ok(None);
            }
        }

        let check = !chosen.flags.contains(LoopFlags::NO_FP_ERRORS);
        if check {
            fpstatus::clear();
        }
        let mut walks = [Walk { data: null_mut(), looped: [0; MAX_LOOP], core: [0; MAX_CORE] }; MAX_ARGS];
        let mut copies: [Option<NdArray>; MAX_IN] = [const { None }; MAX_IN];
        for i in 0..nin + usize::from(!out.is_null()) {
            let walk = &mut walks[i];
            if arrays[i].is_null() {
                walk.data = ops[i].data;
                continue;
            }
            let (mut strides, mut data) = ((*arrays[i]).strides.cast_const(), (*arrays[i]).data);
            if i < nin && casts[i] {
                let obj = Bound::from_borrowed_ptr(py, arrays[i].cast());
                let from = simple!(Array::cast(&obj));
                let copy = NdArray::empty(from.shape(), &Dtype::builtin(chosen.types[i]), Order::C).py(py)?;
                micronumpy::cast::copy_into(&copy.view(), &from.view()).py(py)?;
                (strides, data) = (copy.view().strides.as_ptr(), copy.data());
                copies[i] = Some(copy);
            }
            walk.data = data;
            for (k, axis) in looped(i) {
                if *(*arrays[i]).dimensions.add(axis) != 1 {
                    walk.looped[k] = *strides.add(axis);
                }
            }
            for k in 0..core.own(i).count() {
                walk.core[k] = *strides.add(core_at[i][k]);
            }
        }
        let mut results: [Option<Array<'_>>; MAX_ARGS] = [const { None }; MAX_ARGS];
        for i in nin..nargs {
            if !out.is_null() {
                continue;
            }
            let mut full = [0isize; MAX_LOOP + MAX_CORE];
            let mut ndim = loop_ndim;
            full[..loop_ndim].copy_from_slice(shape);
            for d in core.own(i) {
                full[ndim] = core.sizes[d];
                ndim += 1;
            }
            if ndim == 0 {
                walks[i].data = cells[i].as_mut_ptr().cast();
                continue;
            }
            let arr = array::new(&dtype::builtin(py, chosen.types[i]), &full[..ndim], Order::C, false)?;
            walks[i].data = arr.data();
            walks[i].looped[..loop_ndim].copy_from_slice(&arr.strides()[..loop_ndim]);
            walks[i].core[..ndim - loop_ndim].copy_from_slice(&arr.strides()[loop_ndim..]);
            results[i] = Some(arr);
        }

        let sizes = shape.iter().chain(&core.sizes);
        let work = sizes.fold(1usize, |work, &n| work.saturating_mul(n.max(1) as usize));
        let others = Others::run_if(work >= LONG && !is_compiled(chosen.func));
        let code = run(callable, &chosen, &core, shape, &mut walks[..nargs]);
        drop(others);
        if code != 0 {
            loop_status(code).py(py)?;
        }
        if check {
            let status = fpstatus::take();
            if status != 0 {
                errstate::report(py, &uf.name(), status)?;
            }
        }
        if let Some(out) = keywords.out {
            return Ok(Some(out.into_ptr()));
        }
        let mut finished = |i: usize| -> PyResult<Bound<'_, PyAny>> {
            match results[i].take() {
                Some(arr) => Ok(arr.0),
                None => scalar::to_scalar(&dtype::builtin(py, chosen.types[i]), walks[i].data, None),
            }
        };
        if nout == 1 {
            return finished(nin).map(|obj| Some(obj.into_ptr()));
        }
        let all = (nin..nargs).map(finished).collect::<PyResult<Vec<_>>>()?;
        Ok(Some(PyTuple::new(py, all)?.into_ptr()))
    }
}

/// Call the loop for every run of the last looped axis.
///
/// # Safety
/// Operands of the loop's types, valid along the looped axes of this shape and along their core axes.
unsafe fn run(
    callable: *mut ffi::PyObject,
    chosen: &Chosen,
    core: &Core,
    shape: &[isize],
    walks: &mut [Walk],
) -> i32 {
    if shape.contains(&0) {
        return 0;
    }
    let ctx = LoopContext {
        caller: callable.cast(),
        method: null_mut(),
        descriptors: null(),
        info: null(),
        flags: 0,
        parameters: null_mut(),
    };
    let (outer, count) = match shape.split_last() {
        Some((&count, outer)) => (outer, count),
        None => (&[][..], 1),
    };
    let mut dims = [count; MAX_DIMS + 1];
    for d in 0..core.ndims {
        // A missing dimension is one element long, and nobody has a stride for it.
        dims[d + 1] = if core.missing[d] { 1 } else { core.sizes[d] };
    }
    let mut strides = [0isize; MAX_ARGS * (1 + MAX_CORE)];
    let mut at = walks.len();
    for (i, walk) in walks.iter().enumerate() {
        strides[i] = if shape.is_empty() { 0 } else { walk.looped[outer.len()] };
        let mut own = walk.core.iter();
        for d in &core.dims[i][..core.count[i]] {
            strides[at] = if core.missing[*d] { 0 } else { own.next().copied().unwrap_or(0) };
            at += 1;
        }
    }
    let mut index = [0isize; MAX_LOOP];
    loop {
        let mut data = [null_mut::<u8>(); MAX_ARGS];
        data.iter_mut().zip(&*walks).for_each(|(to, walk)| *to = walk.data);
        // SAFETY: the caller's promise; `data` points at element `index` of every operand.
        let code = unsafe { (chosen.func)(&ctx, data.as_ptr(), dims.as_ptr(), strides.as_ptr(), chosen.aux) };
        if code != 0 {
            return code;
        }
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return 0;
            }
            axis -= 1;
            index[axis] += 1;
            let wraps = index[axis] == outer[axis];
            for walk in walks.iter_mut() {
                let steps = if wraps { 1 - outer[axis] } else { 1 };
                walk.data = walk.data.wrapping_offset(steps * walk.looped[axis]);
            }
            if !wraps {
                break;
            }
            index[axis] = 0;
        }
    }
}

impl Operand {
    fn ndim(&self) -> usize {
        // SAFETY: an operand's array is live while the call's arguments are.
        if self.array.is_null() { 0 } else { unsafe { (*self.array).nd as usize } }
    }
}
