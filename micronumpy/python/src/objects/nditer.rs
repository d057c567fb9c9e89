//! `numpy.nditer` and `nested_iters`: the iterator of the object space over arrays.
//!
//! The object owns a [`State`]: the engine, and the arrays and descriptors behind its operands. Values it hands out are
//! views whose base is the iterator, into arrays or buffers. So closing it (which writes everything back) does not free
//! them: memory goes when the last view has gone.

use std::ffi::CStr;
use std::io::Write as _;

use micronumpy::array::MAXDIMS;
use micronumpy::iter::nditer::{DtypeSource, Host, Layout, NdIter, OpSpec, Request, global, per_op};
use micronumpy::{Casting, Dims, Dtype, Order};
use pyo3::exceptions::{
    PyAttributeError, PyIndexError, PyOverflowError, PyRuntimeError, PyRuntimeWarning, PyTypeError,
    PyValueError,
};
use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySlice, PyString, PyTuple};

use super::array::{self, alloc, args as array_args, writeback};
use super::{Array, Descr, dtype, wrap};
use crate::abi::*;
use crate::error::{IntoPyResult, to_host_error};
use crate::ffi::args::Args;
use crate::ffi::guard::owned;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::{
    callfunc, fastcall, getset, initproc, iternextfunc, lenfunc, noargs, objobjargproc, onearg, ssizeargfunc,
    unaryfunc,
};

pub static NDITER_TYPE: StaticType = StaticType::zeroed();
static MAPPING: StaticType<pyffi::PyMappingMethods> = StaticType::zeroed();
static SEQUENCE: StaticType<pyffi::PySequenceMethods> = StaticType::zeroed();

/// The object. Upstream's is as long; nothing outside looks into it.
#[repr(C)]
struct NditerObject {
    ob_base: pyffi::PyObject,
    state: *mut State,
    reserved: [usize; 10],
}
const _: () = assert!(size_of::<NditerObject>() == 104);

/// What an initialised iterator is. Only touched with the GIL held.
pub struct State {
    pub iter: NdIter,
    /// What `operands` shows; temporaries and outputs included.
    arrays: Vec<Option<Held>>,
    descrs: Vec<Held>,
    started: bool,
    finished: bool,
    closed: bool,
    /// The next inner iterator of `nested_iters`.
    child: Option<Held>,
}

/// A reference that is given back at once when dropped, which happens with the GIL held. (`Py` would wait for a moment when
/// it knows that it is; slots that CPython calls do not tell it.)
struct Held(*mut pyffi::PyObject);

impl Held {
    fn new(obj: Bound<'_, PyAny>) -> Held {
        Held(obj.into_ptr())
    }
    fn bind<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: a live object, this is a reference to it.
        unsafe { Bound::from_borrowed_ptr(py, self.0) }
    }
    fn share(&self, py: Python<'_>) -> Held {
        Held::new(self.bind(py))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: a reference of our own, and the GIL is held.
        unsafe { pyffi::Py_DECREF(self.0) };
    }
}

static METHODS: Methods<12> = Methods::new([
    noargs!(c"reset", reset),
    noargs!(c"copy", copy),
    noargs!(c"__copy__", copy),
    noargs!(c"iternext", iternext),
    onearg!(c"remove_axis", remove_axis),
    noargs!(c"remove_multi_index", remove_multi_index),
    noargs!(c"enable_external_loop", enable_external_loop),
    noargs!(c"debug_print", debug_print),
    noargs!(c"__enter__", enter),
    fastcall!(c"__exit__", exit),
    noargs!(c"close", close),
    END,
]);

static GETSETS: GetSets<18> = GetSets::new([
    getset!(c"value", value),
    getset!(c"shape", shape),
    getset!(c"multi_index", multi_index, set_multi_index),
    getset!(c"index", index, set_index),
    getset!(c"iterindex", iterindex, set_iterindex),
    getset!(c"iterrange", iterrange, set_iterrange),
    getset!(c"operands", operands),
    getset!(c"itviews", itviews),
    getset!(c"has_delayed_bufalloc", has_delayed_bufalloc),
    getset!(c"iterationneedsapi", iterationneedsapi),
    getset!(c"has_multi_index", has_multi_index),
    getset!(c"has_index", has_index),
    getset!(c"dtypes", dtypes),
    getset!(c"ndim", ndim),
    getset!(c"nop", nop),
    getset!(c"itersize", itersize),
    getset!(c"finished", finished),
    GETSET_END,
]);

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = NDITER_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(ty, c"numpy.nditer", size_of::<NditerObject>(), 0);
        let map = MAPPING.get();
        (*map).mp_length = Some(lenfunc!(length));
        (*map).mp_subscript = Some(crate::binaryfunc!(subscript));
        (*map).mp_ass_subscript = Some(objobjargproc!(assign));
        let seq = SEQUENCE.get();
        (*seq).sq_length = (*map).mp_length;
        (*seq).sq_item = Some(ssizeargfunc!(item));
        (*ty).tp_as_mapping = map;
        (*ty).tp_as_sequence = seq;
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_init = Some(initproc!(initialise));
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_iter = Some(unaryfunc!(itself));
        (*ty).tp_iternext = Some(iternextfunc!(next));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

const PAST_END: &str = "Iterator is past the end";
const INVALID: &str = "Iterator is invalid";
const DELAYED: &str = "Iterator construction used delayed buffer allocation, and no reset has been done yet";

fn none<'py>(py: Python<'py>) -> Bound<'py, PyAny> {
    py.None().into_bound(py)
}

fn raw(slf: &Bound<'_, PyAny>) -> *mut NditerObject {
    slf.as_ptr().cast()
}

/// The state, closed or not.
#[allow(clippy::mut_from_ref)]
fn any_state<'a>(slf: &'a Bound<'_, PyAny>) -> Option<&'a mut State> {
    // SAFETY: only reached for objects of this type; the state belongs to the object and is freed by its dealloc. The GIL
    // serialises access, and no result is held while Python code may run and come back here.
    unsafe { (*raw(slf)).state.as_mut() }
}

/// The state of an iterator that has been initialised and not closed.
pub fn state<'a>(slf: &'a Bound<'_, PyAny>) -> Option<&'a mut State> {
    any_state(slf).filter(|s| !s.closed)
}

fn valid<'a>(slf: &'a Bound<'_, PyAny>) -> PyResult<&'a mut State> {
    state(slf).ok_or_else(|| PyValueError::new_err(INVALID))
}

/// The state, if there is a current value.
fn current<'a>(slf: &'a Bound<'_, PyAny>) -> PyResult<&'a mut State> {
    state(slf).filter(|s| !s.finished).ok_or_else(|| PyValueError::new_err(PAST_END))
}

// ---- construction ----

fn create<'py>(
    ty: &Bound<'py, PyAny>,
    _: &Bound<'py, PyAny>,
    _: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a zeroed object of our layout is a valid, uninitialised iterator.
    unsafe { owned(ty.py(), pyffi::PyType_GenericAlloc(ty.as_ptr().cast(), 0)) }
}

/// A new object around a state.
fn wrap_state<'py>(py: Python<'py>, state: State) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `create`.
    unsafe {
        let obj = owned(py, pyffi::PyType_GenericAlloc(NDITER_TYPE.as_type(), 0))?;
        (*raw(&obj)).state = Box::into_raw(Box::new(state));
        Ok(obj)
    }
}

/// Match arguments by name as `PyArg_ParseTupleAndKeywords` does. `name` is empty where upstream has none.
fn parse<'py, const N: usize>(
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
    name: &str,
    params: [&str; N],
    required: usize,
) -> PyResult<[Option<Bound<'py, PyAny>>; N]> {
    let function = if name.is_empty() { "function".to_owned() } else { format!("{name}()") };
    let mut out = [const { None }; N];
    let given = args.len() + kwargs.map_or(0, |k| k.len());
    if given > N {
        return Err(PyTypeError::new_err(format!("{function} takes at most {N} arguments ({given} given)")));
    }
    for (slot, arg) in out.iter_mut().zip(args.iter()) {
        *slot = Some(arg);
    }
    if let Some(kwargs) = kwargs {
        for (key, arg) in kwargs.iter() {
            let key = key.cast::<PyString>()?.to_string_lossy().into_owned();
            let Some(i) = params.iter().position(|&p| p == key) else {
                let owner = if name.is_empty() { "this function".to_owned() } else { function };
                return Err(PyTypeError::new_err(format!(
                    "'{key}' is an invalid keyword argument for {owner}"
                )));
            };
            if out[i].is_some() {
                return Err(PyTypeError::new_err(format!(
                    "argument for {function} given by name ('{key}') and position ({})",
                    i + 1
                )));
            }
            out[i] = Some(arg);
        }
    }
    if let Some(i) = (0..required).find(|&i| out[i].is_none()) {
        return Err(PyTypeError::new_err(format!(
            "{function} missing required argument '{}' (pos {})",
            params[i],
            i + 1
        )));
    }
    Ok(out)
}

/// Items of a tuple or list.
fn items<'py>(obj: &Bound<'py, PyAny>) -> Option<Vec<Bound<'py, PyAny>>> {
    if let Ok(t) = obj.cast::<PyTuple>() {
        return Some(t.iter().collect());
    }
    obj.cast::<PyList>().ok().map(|l| l.iter().collect())
}

fn ascii_text(obj: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if let Ok(s) = obj.cast::<PyString>() {
        let bytes = s.call_method1("encode", ("ascii",))?;
        return Ok(Some(String::from_utf8_lossy(bytes.cast::<PyBytes>()?.as_bytes()).into_owned()));
    }
    Ok(obj.cast::<PyBytes>().ok().map(|b| String::from_utf8_lossy(b.as_bytes()).into_owned()))
}

fn global_flags(obj: Option<&Bound<'_, PyAny>>) -> PyResult<u32> {
    let Some(obj) = obj.filter(|o| !o.is_none()) else { return Ok(0) };
    let Some(names) = items(obj) else {
        return Err(PyValueError::new_err("Iterator global flags must be a list or tuple of strings"));
    };
    let mut flags = 0;
    for name in names {
        let Some(text) = ascii_text(&name)? else {
            let ty = name.get_type().name()?;
            return Err(PyTypeError::new_err(format!("expected bytes, {ty} found")));
        };
        flags |= match text.as_str() {
            "buffered" => global::BUFFERED,
            "c_index" => global::C_INDEX,
            "f_index" => global::F_INDEX,
            "multi_index" => global::MULTI_INDEX,
            "common_dtype" => global::COMMON_DTYPE,
            "copy_if_overlap" => global::COPY_IF_OVERLAP,
            "delay_bufalloc" => global::DELAY_BUFALLOC,
            "external_loop" => global::EXTERNAL_LOOP,
            "growinner" | "grow_inner" => global::GROWINNER,
            "ranged" => global::RANGED,
            "refs_ok" => global::REFS_OK,
            "reduce_ok" => global::REDUCE_OK,
            "zerosize_ok" => global::ZEROSIZE_OK,
            _ => {
                return Err(PyValueError::new_err(format!("Unexpected iterator global flag \"{text}\"")));
            }
        };
    }
    Ok(flags)
}

fn bad_op_flags() -> PyErr {
    PyValueError::new_err("op_flags must be a tuple or array of per-op flag-tuples")
}

fn op_flag_set(names: &[Bound<'_, PyAny>]) -> PyResult<u32> {
    let mut flags = 0;
    for name in names {
        let Some(text) = ascii_text(name)? else { return Err(bad_op_flags()) };
        flags |= match text.as_str() {
            "allocate" => per_op::ALLOCATE,
            "aligned" => per_op::ALIGNED,
            "arraymask" => per_op::ARRAYMASK,
            "copy" => per_op::COPY,
            "contig" => per_op::CONTIG,
            "nbo" => per_op::NBO,
            "no_broadcast" => per_op::NO_BROADCAST,
            "no_subtype" => per_op::NO_SUBTYPE,
            "overlap_assume_elementwise" => per_op::OVERLAP_ASSUME_ELEMENTWISE,
            "readonly" => per_op::READONLY,
            "readwrite" => per_op::READWRITE,
            "writeonly" => per_op::WRITEONLY,
            "updateifcopy" => per_op::UPDATEIFCOPY,
            "virtual" => per_op::VIRTUAL,
            "writemasked" => per_op::WRITEMASKED,
            _ => {
                return Err(PyValueError::new_err(format!("Unexpected per-op iterator flag \"{text}\"")));
            }
        };
    }
    Ok(flags)
}

/// Flags for every operand: a list of flag lists, or one flag list for all.
fn per_op_flags(obj: &Bound<'_, PyAny>, nop: usize) -> PyResult<Vec<u32>> {
    let Some(list) = items(obj) else { return Err(bad_op_flags()) };
    if list.len() == nop {
        let sets: Option<Vec<_>> = list.iter().map(items).collect();
        if let Some(sets) = sets {
            return sets.iter().map(|s| op_flag_set(s)).collect();
        }
    }
    Ok(vec![op_flag_set(&list)?; nop])
}

type Operands<'py> = (Vec<Option<Array<'py>>>, Vec<u32>);

/// Operands as arrays (`None`: to be allocated) and their flags.
fn convert_operands<'py>(
    obj: &Bound<'py, PyAny>,
    op_flags: Option<&Bound<'py, PyAny>>,
) -> PyResult<Operands<'py>> {
    // The number is looked at before anything of that size is made.
    let given =
        if obj.is_instance_of::<PyTuple>() || obj.is_instance_of::<PyList>() { obj.len()? } else { 1 };
    if given > i32::MAX as usize {
        return Err(PyValueError::new_err("Too many operands to nditer"));
    }
    let objects = items(obj).unwrap_or_else(|| vec![obj.clone()]);
    if objects.is_empty() {
        return Err(PyValueError::new_err("Must provide at least one operand"));
    }
    let flags = match op_flags.filter(|o| !o.is_none()) {
        Some(given) => per_op_flags(given, objects.len())?,
        None => {
            let default = |o: &Bound<'_, PyAny>| {
                if o.is_none() { per_op::WRITEONLY | per_op::ALLOCATE } else { per_op::READONLY }
            };
            objects.iter().map(default).collect()
        }
    };
    let mut arrays = Vec::with_capacity(objects.len());
    for (obj, &flags) in objects.iter().zip(&flags) {
        if obj.is_none() {
            arrays.push(None);
        } else if let Some(arr) = Array::cast(obj) {
            arrays.push(Some(arr));
        } else if flags & (per_op::READWRITE | per_op::WRITEONLY) != 0 {
            return Err(PyTypeError::new_err(
                "Iterator operand is flagged as writeable, but is an object which cannot be written back to via \
                 WRITEBACKIFCOPY",
            ));
        } else {
            arrays.push(Some(array::from_any(obj, None, 0, 0, 0)?));
        }
    }
    Ok((arrays, flags))
}

/// Dtypes for every operand: a list, or one for all.
fn convert_dtypes<'py>(obj: Option<&Bound<'py, PyAny>>, nop: usize) -> PyResult<Vec<Option<Descr<'py>>>> {
    let Some(obj) = obj.filter(|o| !o.is_none()) else { return Ok(vec![None; nop]) };
    let one = |o: &Bound<'py, PyAny>| {
        if o.is_none() { Ok(None) } else { dtype::convert(o).map(Some) }
    };
    if let Some(list) = items(obj).filter(|l| l.len() == nop) {
        // A list of one field is a dtype as well; so what does not convert one by one is tried as a whole.
        if let Ok(descrs) = list.iter().map(one).collect() {
            return Ok(descrs);
        }
    }
    Ok(vec![one(obj)?; nop])
}

type OpAxes = Vec<Option<Vec<i32>>>;

/// `op_axes`, with the number of dimensions they give the iteration.
fn convert_op_axes(obj: Option<&Bound<'_, PyAny>>, nop: usize) -> PyResult<Option<(OpAxes, usize)>> {
    let Some(obj) = obj.filter(|o| !o.is_none()) else { return Ok(None) };
    let Some(list) = items(obj).filter(|l| l.len() == nop) else {
        return Err(PyValueError::new_err("op_axes must be a tuple/list matching the number of ops"));
    };
    let mut ndim = None;
    let mut out = Vec::with_capacity(nop);
    for entry in &list {
        if entry.is_none() {
            out.push(None);
            continue;
        }
        let Some(axes) = items(entry) else {
            return Err(PyValueError::new_err("Each entry of op_axes must be None or a tuple/list"));
        };
        if axes.len() > MAXDIMS {
            return Err(PyValueError::new_err("Too many dimensions in op_axes"));
        }
        if *ndim.get_or_insert(axes.len()) != axes.len() {
            return Err(PyValueError::new_err("Each entry of op_axes must have the same size"));
        }
        let one = |a: &Bound<'_, PyAny>| if a.is_none() { Ok(-1) } else { small_int(a) };
        out.push(Some(axes.iter().map(one).collect::<PyResult<Vec<i32>>>()?));
    }
    match ndim {
        Some(n) => Ok(Some((out, n))),
        None => Err(PyValueError::new_err(
            "If op_axes is provided, at least one list of axes must be contained within it",
        )),
    }
}

fn small_int(obj: &Bound<'_, PyAny>) -> PyResult<i32> {
    let n = array_args::index(obj)?;
    i32::try_from(n).map_err(|_| PyOverflowError::new_err("Python int too large to convert to C int"))
}

fn convert_buffersize(obj: Option<&Bound<'_, PyAny>>) -> PyResult<isize> {
    let Some(obj) = obj else { return Ok(0) };
    let n = array_args::index(obj)?;
    match n {
        n if n > i32::MAX as isize => Err(PyOverflowError::new_err("signed integer is greater than maximum")),
        n if n < i32::MIN as isize => Err(PyOverflowError::new_err("signed integer is less than minimum")),
        n => Ok(n),
    }
}

fn layout(arr: &Array<'_>) -> Layout {
    Layout {
        data: arr.data(),
        shape: Dims::from_slice(arr.shape()),
        strides: Dims::from_slice(arr.strides()),
        dtype: arr.dtype().clone(),
    }
}

/// The arrays of an iterator under construction.
struct Owner<'a, 'py> {
    py: Python<'py>,
    arrays: &'a mut Vec<Option<Array<'py>>>,
    requested: &'a [Option<Descr<'py>>],
}

impl<'py> Owner<'_, 'py> {
    /// The descriptor object of a loop dtype: the one asked for, or the array's, where it says the same.
    fn descr(&self, op: usize, dt: &Dtype) -> PyResult<Descr<'py>> {
        if let Some(d) = self.requested[op].as_ref().filter(|d| d.dtype() == dt) {
            return Ok(d.clone());
        }
        if let Some(d) = self.arrays[op].as_ref().map(Array::descr).filter(|d| d.dtype() == dt) {
            return Ok(d);
        }
        dtype::descr_of(self.py, dt)
    }
    fn make(
        &self,
        op: usize,
        dt: &Dtype,
        shape: &[isize],
        strides: &[isize],
        subtype_ok: bool,
    ) -> PyResult<Array<'py>> {
        let descr = self.descr(op, dt)?;
        let subtype = if subtype_ok { self.subtype()? } else { None };
        // SAFETY: fresh memory; the strides have no gaps.
        let arr = unsafe {
            alloc::Make {
                subtype: subtype.as_ref(),
                strides: Some(strides),
                ..alloc::Make::new(&descr, shape)
            }
            .build()?
        };
        let inner = dt.subarray().map_or(0, |(_, s)| s.len());
        let kept = arr.ndim() == shape.len() + inner && arr.shape().starts_with(shape);
        if subtype.is_some() && !kept {
            return Err(PyRuntimeError::new_err(
                "Iterator automatic output has an array subtype which changed the dimensions of the output",
            ));
        }
        Ok(arr)
    }
    /// The type of the operand with the highest priority, unless that is `ndarray`.
    fn subtype(&self) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut best = (0.0, None);
        for arr in self.arrays.iter().flatten().filter(|a| !a.is_exact()) {
            let p = wrap::priority(&arr.0, 0.0)?;
            if p > best.0 {
                best = (p, Some(arr.0.get_type().into_any()));
            }
        }
        Ok(best.1)
    }
    fn host<T>(&self, r: PyResult<T>) -> micronumpy::Result<T> {
        r.map_err(|e| to_host_error(self.py, e))
    }
}

impl Host for Owner<'_, '_> {
    fn allocate(
        &mut self,
        op: usize,
        dt: &Dtype,
        shape: &[isize],
        strides: &[isize],
        subtype_ok: bool,
    ) -> micronumpy::Result<Layout> {
        let made = self.make(op, dt, shape, strides, subtype_ok);
        let arr = self.host(made)?;
        // A subarray dtype gave the array more dimensions; the iteration sees whole elements.
        let st = if arr.ndim() == shape.len() {
            Dims::from_slice(arr.strides())
        } else {
            Dims::from_slice(strides)
        };
        let out = Layout { data: arr.data(), shape: Dims::from_slice(shape), strides: st, dtype: dt.clone() };
        self.arrays[op] = Some(arr);
        Ok(out)
    }
    fn replace(
        &mut self,
        op: usize,
        dt: &Dtype,
        shape: &[isize],
        strides: &[isize],
        read: bool,
        write_back: bool,
    ) -> micronumpy::Result<Layout> {
        let old = self.arrays[op].clone();
        let made = (|| {
            let new = self.make(op, dt, shape, strides, false)?;
            if let Some(old) = &old {
                if read {
                    array::assign::transfer(self.py, &new.view(), &old.view())?;
                }
                if write_back {
                    writeback::install(&new, old)?;
                }
            }
            Ok(new)
        })();
        let new = self.host(made)?;
        let out = Layout { dtype: dt.clone(), ..layout(&new) };
        self.arrays[op] = Some(new);
        Ok(out)
    }
    fn repr(&self, dt: &Dtype) -> String {
        dtype_repr(self.py, dt)
    }
}

fn dtype_repr(py: Python<'_>, dt: &Dtype) -> String {
    let text = dtype::descr_of(py, dt).and_then(|d| Ok(d.0.repr()?.to_string()));
    text.unwrap_or_else(|_| format!("{:?}", dt.num))
}

/// What [`build`] is told; operands and flags apart.
pub struct Options<'a, 'py> {
    pub flags: u32,
    pub order: Order,
    pub casting: Casting,
    pub requested: &'a [Option<Descr<'py>>],
    pub op_axes: Option<&'a [Option<Vec<i32>>]>,
    pub ndim: Option<usize>,
    pub itershape: Option<&'a [isize]>,
    pub buffersize: isize,
}

/// Build the state of an iterator over these arrays.
pub fn build<'py>(
    py: Python<'py>,
    mut arrays: Vec<Option<Array<'py>>>,
    op_flags: &[u32],
    o: &Options<'_, 'py>,
) -> PyResult<State> {
    let specs = arrays
        .iter()
        .enumerate()
        .map(|(i, arr)| OpSpec {
            array: arr.as_ref().map(layout),
            writeable: arr.as_ref().is_some_and(Array::is_writeable),
            dtype: o.requested[i].as_ref().map(|d| d.dtype().clone()),
            flags: op_flags[i],
            axes: o.op_axes.and_then(|a| a[i].as_deref()),
        })
        .collect();
    for (arr, &flags) in arrays.iter().zip(op_flags) {
        if let Some(arr) = arr.as_ref().filter(|_| flags & (per_op::READWRITE | per_op::WRITEONLY) != 0) {
            if arr.is_writeable() {
                array::assign::check_writeable(arr, "operand array with iterator write flag set")?;
            }
        }
    }
    let originals = arrays.clone();
    let req = Request {
        flags: o.flags,
        order: o.order,
        casting: o.casting,
        ndim: o.ndim,
        itershape: o.itershape,
        buffersize: o.buffersize,
    };
    let mut owner = Owner { py, arrays: &mut arrays, requested: o.requested };
    // SAFETY: layouts come from array objects that the state keeps alive.
    let built = unsafe { NdIter::new(specs, req, &mut owner) };
    let iter = match built {
        Ok(iter) => iter,
        Err(e) => {
            let err = Err(e).py(py);
            for arr in arrays.iter().flatten() {
                if arr.has_flags(NPY_ARRAY_WRITEBACKIFCOPY)
                    && !originals.iter().flatten().any(|a| a.0.is(&arr.0))
                {
                    writeback::discard(arr);
                }
            }
            return err;
        }
    };
    let descrs = iter
        .operands()
        .iter()
        .enumerate()
        .map(|(i, op)| {
            let given = match op.source {
                DtypeSource::Array => originals[i].as_ref().map(Array::descr),
                DtypeSource::Requested => o.requested[i].clone(),
                DtypeSource::Computed => None,
            };
            let descr = match given {
                Some(d) => d,
                None => Owner { py, arrays: &mut arrays, requested: o.requested }.descr(i, &op.dtype)?,
            };
            Ok(Held::new(descr.0))
        })
        .collect::<PyResult<_>>()?;
    let empty = iter.itersize() == Some(0);
    Ok(State {
        iter,
        arrays: arrays.into_iter().map(|a| a.map(|a| Held::new(a.0))).collect(),
        descrs,
        started: empty,
        finished: empty,
        closed: false,
        child: None,
    })
}

/// An iterator over read-only operands, for Rust callers.
pub fn over<'py>(py: Python<'py>, arrays: Vec<Array<'py>>, flags: u32) -> PyResult<State> {
    let nop = arrays.len();
    let nothing = vec![None; nop];
    let options = Options {
        flags,
        order: Order::Keep,
        casting: Casting::No,
        requested: &nothing,
        op_axes: None,
        ndim: None,
        itershape: None,
        buffersize: 0,
    };
    build(py, arrays.into_iter().map(Some).collect(), &vec![per_op::READONLY; nop], &options)
}

fn initialise<'py>(
    slf: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    if any_state(slf).is_some() {
        return Err(PyValueError::new_err("Iterator was already initialized"));
    }
    const PARAMS: [&str; 9] =
        ["op", "flags", "op_flags", "op_dtypes", "order", "casting", "op_axes", "itershape", "buffersize"];
    let kwargs = kwargs.map(|k| k.cast::<PyDict>()).transpose()?;
    let [op, flags, op_flags, op_dtypes, order, casting, op_axes, itershape, buffersize] =
        parse(args.cast::<PyTuple>()?, kwargs, "nditer", PARAMS, 1)?;
    let op = op.ok_or_else(|| PyTypeError::new_err("nditer() missing required argument 'op' (pos 1)"))?;
    let flags = global_flags(flags.as_ref())?;
    let order = array_args::order(order.as_ref(), Order::Keep)?;
    let casting = array_args::plain_casting(casting.as_ref(), Casting::Safe)?;
    let itershape = match itershape.filter(|s| !s.is_none()) {
        Some(s) => array_args::optional_shape(&s)?,
        None => None,
    };
    let buffersize = convert_buffersize(buffersize.as_ref())?;
    let (arrays, op_flags) = convert_operands(&op, op_flags.as_ref())?;
    let requested = convert_dtypes(op_dtypes.as_ref(), arrays.len())?;
    let op_axes = convert_op_axes(op_axes.as_ref(), arrays.len())?;
    let ndim = match (&op_axes, &itershape) {
        (Some((_, n)), Some(s)) if *n != s.len() => {
            return Err(PyValueError::new_err(
                "'op_axes' and 'itershape' must have the same number of entries equal to the iterator ndim",
            ));
        }
        (Some((_, n)), _) => Some(*n),
        (None, s) => s.as_ref().map(|s| s.len()),
    };
    let options = Options {
        flags,
        order,
        casting,
        requested: &requested,
        op_axes: op_axes.as_ref().map(|a| a.0.as_slice()),
        ndim,
        itershape: itershape.as_deref(),
        buffersize,
    };
    let state = build(slf.py(), arrays, &op_flags, &options)?;
    state.iter.check_size().py(slf.py())?;
    // SAFETY: no state was there before; running Python code in between does not reach this object's state.
    unsafe {
        let old = std::mem::replace(&mut (*raw(slf)).state, Box::into_raw(Box::new(state)));
        if !old.is_null() {
            drop(Box::from_raw(old));
        }
    }
    Ok(())
}

/// `nested_iters(op, axes, flags=None, op_flags=None, op_dtypes=None, order='K', casting='safe', buffersize=0)`
pub fn nested_iters<'py>(module: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    const PARAMS: [&str; 8] =
        ["op", "axes", "flags", "op_flags", "op_dtypes", "order", "casting", "buffersize"];
    let (pos, kw) = args.to_tuple_dict()?;
    let [op, axes, flags, op_flags, op_dtypes, order, casting, buffersize] =
        parse(&pos, Some(&kw), "", PARAMS, 2)?;
    let (Some(op), Some(axes)) = (op, axes) else { return Err(PyTypeError::new_err("missing argument")) };
    let flags = global_flags(flags.as_ref())?;
    let order = array_args::order(order.as_ref(), Order::Keep)?;
    let casting = array_args::plain_casting(casting.as_ref(), Casting::Safe)?;
    let buffersize = convert_buffersize(buffersize.as_ref())?;
    let nests = nested_axes(&axes)?;
    let (mut arrays, mut op_flags) = convert_operands(&op, op_flags.as_ref())?;
    let nop = arrays.len();
    let mut outer_dtypes = convert_dtypes(op_dtypes.as_ref(), nop)?;
    let mut inner_dtypes = vec![None; nop];

    // The outermost iterator makes copies, and all others walk them. What is buffered and not copied is cast by the innermost
    // one, and there it may lie as it likes until then.
    const MAKES_ARRAYS: u32 = per_op::COPY | per_op::UPDATEIFCOPY | per_op::ALLOCATE;
    let inner_op_flags: Vec<u32> = op_flags.iter().map(|f| f & !MAKES_ARRAYS).collect();
    let buffered = flags & global::BUFFERED != 0;
    let outer_flags =
        flags & !(global::EXTERNAL_LOOP | global::BUFFERED | global::GROWINNER | global::DELAY_BUFALLOC);
    for (i, f) in op_flags.iter_mut().enumerate() {
        if arrays[i].is_some() {
            *f &= !per_op::ALLOCATE;
        }
        if buffered && *f & MAKES_ARRAYS == 0 {
            *f &= !(per_op::NBO | per_op::ALIGNED | per_op::CONTIG);
            inner_dtypes[i] = outer_dtypes[i].take();
        }
    }
    let mut chain: Vec<Bound<'py, PyAny>> = Vec::with_capacity(nests.len());
    for (level, axes) in nests.iter().enumerate() {
        let innermost = level + 1 == nests.len();
        let (level_flags, dtypes, level_op_flags) = match (innermost, level) {
            (true, _) => (flags & !global::COMMON_DTYPE, &inner_dtypes, &inner_op_flags),
            (false, 0) => (outer_flags, &outer_dtypes, &op_flags),
            _ => (outer_flags & !global::COMMON_DTYPE, &outer_dtypes, &op_flags),
        };
        let op_axes = vec![Some(axes.clone()); nop];
        let options = Options {
            flags: level_flags,
            order,
            casting,
            requested: dtypes,
            op_axes: Some(&op_axes),
            ndim: Some(axes.len()),
            itershape: None,
            buffersize: if innermost { buffersize } else { 0 },
        };
        let state = build(py, arrays.clone(), level_op_flags, &options)?;
        if level == 0 {
            for (arr, new) in arrays.iter_mut().zip(&state.arrays) {
                *arr = new.as_ref().map(|a| Array(a.bind(py)));
            }
            for f in &mut op_flags {
                *f &= !MAKES_ARRAYS;
            }
        }
        chain.push(wrap_state(py, state)?);
    }
    for pair in chain.windows(2) {
        if let Some(s) = any_state(&pair[0]) {
            s.child = Some(Held::new(pair[1].clone()));
        }
    }
    if let Some(first) = chain.first() {
        reset_children(first)?;
    }
    Ok(PyTuple::new(py, chain)?.into_any())
}

/// The axes of every nesting level.
fn nested_axes(obj: &Bound<'_, PyAny>) -> PyResult<Vec<Vec<i32>>> {
    let Some(levels) = items(obj) else {
        return Err(PyValueError::new_err("axes must be a tuple of axis arrays"));
    };
    if levels.len() < 2 {
        return Err(PyValueError::new_err("axes must have at least 2 entries for nested iteration"));
    }
    let mut used = [false; MAXDIMS];
    let mut out = Vec::with_capacity(levels.len());
    for level in &levels {
        let Some(axes) = items(level) else {
            return Err(PyValueError::new_err("Each item in axes must be an integer tuple"));
        };
        if axes.len() > MAXDIMS {
            return Err(PyValueError::new_err("Too many axes given"));
        }
        let mut list = Vec::with_capacity(axes.len());
        for axis in &axes {
            let slot =
                axis.extract::<i64>().ok().and_then(|a| usize::try_from(a).ok()).filter(|&a| a < MAXDIMS);
            let Some(a) = slot else { return Err(PyValueError::new_err("An axis is out of bounds")) };
            if std::mem::replace(&mut used[a], true) {
                return Err(PyValueError::new_err("An axis is used more than once"));
            }
            list.push(a as i32);
        }
        out.push(list);
    }
    Ok(out)
}

/// Put the inner iterators on what the outer ones stand on.
fn reset_children(slf: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = slf.py();
    let mut outer = slf.clone();
    loop {
        let Some(s) = state(&outer) else { return Ok(()) };
        let Some(child) = s.child.as_ref().map(|c| c.bind(py)) else { return Ok(()) };
        let pointers = s.iter.pointers().to_vec();
        if let Some(c) = state(&child) {
            // SAFETY: the outer iterator's position is an element of the same operands, and the axes of the inner one are
            // other ones.
            unsafe { c.iter.reset_base_pointers(&pointers) }.py(py)?;
            let empty = c.iter.itersize() == Some(0);
            (c.started, c.finished) = (empty, empty);
        }
        outer = child;
    }
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying; nobody else can reach its state. An exception that is under way stays so.
    unsafe {
        let obj: *mut NditerObject = slf.cast();
        let state = std::mem::replace(&mut (*obj).state, std::ptr::null_mut());
        if !state.is_null() {
            let py = Python::assume_attached();
            let pending = PyErr::take(py);
            let mut state = Box::from_raw(state);
            if !state.closed {
                if let Err(e) = state.abandon(py) {
                    e.write_unraisable(py, None);
                }
            }
            drop(state);
            if let Some(e) = pending {
                e.restore(py);
            }
        }
        pyffi::PyObject_Free(slf.cast());
    }
}

const NOT_WRITTEN_BACK: &CStr = c"Temporary data has not been written back to one of the operands. Typically nditer is used as a context manager otherwise 'close' must be called before reading iteration results.";

impl State {
    fn stand_ins<'py>(&self, py: Python<'py>) -> Vec<Array<'py>> {
        let arrays = self.arrays.iter().flatten().filter_map(|a| Array::cast(&a.bind(py)));
        arrays.filter(|a| a.has_flags(NPY_ARRAY_WRITEBACKIFCOPY)).collect()
    }
    /// The array of an operand, a temporary or allocated one included.
    pub fn array<'py>(&self, py: Python<'py>, op: usize) -> Option<Array<'py>> {
        self.arrays[op].as_ref().and_then(|a| Array::cast(&a.bind(py)))
    }
    /// An independent iterator at the same place.
    pub fn duplicate(&self, py: Python<'_>) -> PyResult<State> {
        Ok(State {
            iter: self.iter.duplicate().py(py)?,
            arrays: self.arrays.iter().map(|a| a.as_ref().map(|a| a.share(py))).collect(),
            descrs: self.descrs.iter().map(|d| d.share(py)).collect(),
            started: self.started,
            finished: self.finished,
            closed: false,
            child: None,
        })
    }
    /// The arrays (null for none) and descriptors of the operands, which live as long as the state.
    pub fn object_pointers(&self) -> (Vec<*mut pyffi::PyObject>, Vec<*mut pyffi::PyObject>) {
        let arrays = self.arrays.iter().map(|a| a.as_ref().map_or(std::ptr::null_mut(), |a| a.0)).collect();
        (arrays, self.descrs.iter().map(|d| d.0).collect())
    }
    /// Write everything back.
    pub fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        self.closed = true;
        let mut result = self.iter.flush().py(py);
        let mine: Vec<usize> =
            self.iter.operands().iter().enumerate().filter(|(_, op)| op.write).map(|(i, _)| i).collect();
        for i in mine {
            let Some(arr) = self.arrays[i].as_ref().and_then(|a| Array::cast(&a.bind(py))) else { continue };
            let resolved = writeback::resolve(&arr).map(|_| ());
            result = result.and(resolved);
        }
        self.child = None;
        result
    }
    /// The iterator goes without having been closed.
    fn abandon(&mut self, py: Python<'_>) -> PyResult<()> {
        if !self.stand_ins(py).is_empty() {
            let category = py.get_type::<PyRuntimeWarning>();
            if let Err(e) = PyErr::warn(py, &category, NOT_WRITTEN_BACK, 1) {
                e.write_unraisable(py, None);
            }
        }
        self.finish(py)
    }
}

// ---- stepping ----

fn itself<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(slf.clone())
}

/// One step; false at the end.
fn step(slf: &Bound<'_, PyAny>) -> PyResult<bool> {
    let s = valid(slf)?;
    let more = s.iter.advance().py(slf.py());
    if !matches!(more, Ok(true)) {
        s.finished = true;
        return more;
    }
    reset_children(slf)?;
    Ok(true)
}

fn next<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(s) = state(slf).filter(|s| !s.finished) else { return Ok(None) };
    check_delay(s)?;
    if s.started && !step(slf)? {
        return Ok(None);
    }
    if let Some(s) = state(slf) {
        s.started = true;
    }
    value(slf).map(Some)
}

fn iternext<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let more = match state(slf).filter(|s| !s.finished) {
        Some(s) => {
            check_delay(s)?;
            s.iter.check_size().py(slf.py())?;
            step(slf)?
        }
        None => false,
    };
    Ok(more.into_pyobject(slf.py())?.to_owned().into_any())
}

fn check_delay(s: &State) -> PyResult<()> {
    if s.iter.has_delayed_bufalloc() { Err(PyValueError::new_err(DELAYED)) } else { Ok(()) }
}

/// After a jump: whether the iteration goes on, and the inner iterators.
fn jumped<'py>(slf: &Bound<'py, PyAny>) -> PyResult<()> {
    let s = valid(slf)?;
    let (start, end) = s.iter.range();
    let empty = start == end;
    (s.started, s.finished) = (empty, empty);
    reset_children(slf)
}

fn reset<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let s = valid(slf)?;
    s.iter.reset_checked().py(slf.py())?;
    jumped(slf)?;
    Ok(none(slf.py()))
}

fn copy<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    wrap_state(py, valid(slf)?.duplicate(py)?)
}

fn remove_axis<'py>(slf: &Bound<'py, PyAny>, axis: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let axis = small_int(axis)?;
    let s = valid(slf)?;
    s.iter.remove_axis(axis as isize).py(slf.py())?;
    jumped(slf)?;
    Ok(none(slf.py()))
}

fn remove_multi_index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    valid(slf)?.iter.remove_multi_index().py(slf.py())?;
    jumped(slf)?;
    Ok(none(slf.py()))
}

fn enable_external_loop<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    valid(slf)?.iter.enable_external_loop().py(slf.py())?;
    jumped(slf)?;
    Ok(none(slf.py()))
}

fn debug_print<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    print_state(py, state(slf).map(|s| &*s));
    Ok(none(py))
}

/// Print what an iterator is made of.
pub fn print_state(py: Python<'_>, state: Option<&State>) {
    let text = match state {
        Some(s) => {
            let (arrays, descrs) = s.object_pointers();
            let objects: Vec<_> =
                arrays.iter().zip(&descrs).map(|(a, d)| (*a as usize, *d as usize)).collect();
            s.iter.dump(&|dt| dtype_repr(py, dt), &objects)
        }
        None => "Iterator: (nil)\n".to_owned(),
    };
    let mut out = std::io::stdout().lock();
    // As with C's printf, nobody asks whether it was printed.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn enter<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if state(slf).is_none() {
        return Err(PyRuntimeError::new_err("operation on non-initialized iterator"));
    }
    Ok(slf.clone())
}

fn exit<'py>(slf: &Bound<'py, PyAny>, _: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    close(slf)
}

fn close<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Some(s) = state(slf) {
        s.finish(slf.py())?;
    }
    Ok(none(slf.py()))
}

// ---- values ----

/// The value of operand `i`: a view of its element or inner loop.
fn operand_view<'py>(slf: &Bound<'py, PyAny>, i: usize, writeable: bool) -> PyResult<Array<'py>> {
    let s = current(slf)?;
    let data = s.iter.pointers()[i];
    if data.is_null() {
        return Err(PyValueError::new_err(format!("Iterator operand {i} is virtual and has no data")));
    }
    let descr = Descr(s.descrs[i].bind(slf.py()));
    let (n, st) = ([s.iter.inner_size()], [s.iter.inner_strides()[i]]);
    let (shape, strides): (&[isize], &[isize]) =
        if s.iter.has_external_loop() { (&n, &st) } else { (&[], &[]) };
    // SAFETY: an inner loop of the operand, in its array or its buffer; the iterator keeps both.
    unsafe { array::new_view(&descr, data, shape, strides, slf, writeable, None) }
}

fn position(s: &State, i: isize) -> PyResult<usize> {
    check_delay(s)?;
    let n = s.iter.nop() as isize;
    let at = if i < 0 { i + n } else { i };
    if at < 0 || at >= n {
        return Err(PyIndexError::new_err(format!("Iterator operand index {i} is out of bounds")));
    }
    Ok(at as usize)
}

fn item<'py>(slf: &Bound<'py, PyAny>, i: isize) -> PyResult<Bound<'py, PyAny>> {
    let s = current(slf)?;
    let i = position(s, i)?;
    let write = s.iter.operands()[i].write;
    Ok(operand_view(slf, i, write)?.0)
}

fn value<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let s = current(slf)?;
    check_delay(s)?;
    let nop = s.iter.nop();
    if nop == 1 {
        return item(slf, 0);
    }
    let views = (0..nop as isize).map(|i| item(slf, i)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(slf.py(), views)?.into_any())
}

fn length(slf: &Bound<'_, PyAny>) -> PyResult<isize> {
    Ok(state(slf).map_or(0, |s| s.iter.nop() as isize))
}

/// An integer key.
fn integer(key: &Bound<'_, PyAny>) -> PyResult<Option<isize>> {
    // SAFETY: live object.
    let is_index = unsafe { pyffi::PyIndex_Check(key.as_ptr()) } != 0;
    if is_index { array_args::index(key).map(Some) } else { Ok(None) }
}

fn bad_index() -> PyErr {
    PyTypeError::new_err("invalid index type for iterator indexing")
}

fn subscript<'py>(slf: &Bound<'py, PyAny>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let s = current(slf)?;
    check_delay(s)?;
    if let Some(i) = integer(key)? {
        return item(slf, i);
    }
    let slice = key.cast::<PySlice>().map_err(|_| bad_index())?.indices(s.iter.nop() as isize)?;
    if slice.step != 1 {
        return Err(PyValueError::new_err("Iterator slicing only supports a step of 1"));
    }
    let views = (slice.start..slice.start + slice.slicelength as isize)
        .map(|i| item(slf, i))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(slf.py(), views)?.into_any())
}

fn assign_item<'py>(slf: &Bound<'py, PyAny>, i: isize, value: &Bound<'py, PyAny>) -> PyResult<()> {
    let s = current(slf)?;
    let at = position(s, i)?;
    if !s.iter.operands()[at].write {
        return Err(PyRuntimeError::new_err(format!("Iterator operand {at} is not writeable")));
    }
    array::assign(&operand_view(slf, at, true)?, value)
}

fn assign(slf: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else { return Err(PyTypeError::new_err("Cannot delete iterator elements")) };
    let s = current(slf)?;
    check_delay(s)?;
    if let Some(i) = integer(key)? {
        return assign_item(slf, i, value);
    }
    let slice = key.cast::<PySlice>().map_err(|_| bad_index())?.indices(s.iter.nop() as isize)?;
    if slice.step != 1 {
        return Err(PyValueError::new_err("Iterator slice assignment only supports a step of 1"));
    }
    let values = value
        .try_iter()
        .and_then(|it| it.collect::<PyResult<Vec<_>>>())
        .ok()
        .filter(|v| v.len() == slice.slicelength)
        .ok_or_else(|| PyValueError::new_err("Wrong size to assign to iterator slice"))?;
    for (i, v) in values.iter().enumerate() {
        assign_item(slf, slice.start + i as isize, v)?;
    }
    Ok(())
}

// ---- attributes ----

fn shape<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let shape = current(slf)?.iter.shape();
    array_args::int_tuple(slf.py(), &shape)
}

fn int<'py>(py: Python<'py>, n: isize) -> PyResult<Bound<'py, PyAny>> {
    Ok(n.into_pyobject(py)?.into_any())
}

fn boolean<'py>(slf: &Bound<'py, PyAny>, f: impl FnOnce(&NdIter) -> bool) -> PyResult<Bound<'py, PyAny>> {
    let b = f(&valid(slf)?.iter);
    Ok(b.into_pyobject(slf.py())?.to_owned().into_any())
}

fn deletion(name: &str) -> PyErr {
    PyAttributeError::new_err(format!("Cannot delete nditer {name}"))
}

fn multi_index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let s = current(slf)?;
    if !s.iter.has_multi_index() {
        return Err(PyValueError::new_err("Iterator is not tracking a multi-index"));
    }
    check_delay(s)?;
    let at = s.iter.multi_index();
    array_args::int_tuple(slf.py(), &at)
}

fn set_multi_index(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else { return Err(deletion("multi_index")) };
    let s = valid(slf)?;
    if !s.iter.has_multi_index() {
        return Err(PyValueError::new_err("Iterator is not tracking a multi-index"));
    }
    // SAFETY: live object.
    if unsafe { pyffi::PySequence_Check(value.as_ptr()) } == 0 {
        return Err(PyValueError::new_err("multi_index must be set with a sequence"));
    }
    let ndim = s.iter.ndim();
    if value.len()? != ndim {
        return Err(PyValueError::new_err("Wrong number of indices"));
    }
    let target = (0..ndim).map(|i| array_args::index(&value.get_item(i)?)).collect::<PyResult<Vec<_>>>()?;
    // Python code has run; look again.
    let s = valid(slf)?;
    if s.iter.ndim() != ndim {
        return Err(PyValueError::new_err("Wrong number of indices"));
    }
    s.iter.goto_multi_index(&target).py(slf.py())?;
    jumped(slf)
}

fn index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match current(slf)?.iter.tracked_index() {
        Some(i) => int(slf.py(), i),
        None => Err(PyValueError::new_err("Iterator does not have an index")),
    }
}

fn set_index(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else { return Err(deletion("index")) };
    if !valid(slf)?.iter.has_index() {
        return Err(PyValueError::new_err("Iterator does not have an index"));
    }
    let target = array_args::index(value)?;
    let s = valid(slf)?;
    s.iter.goto_index(target).py(slf.py())?;
    jumped(slf)
}

fn iterindex<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let i = current(slf)?.iter.iterindex();
    int(slf.py(), i)
}

fn set_iterindex(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else { return Err(deletion("iterindex")) };
    valid(slf)?;
    let target = array_args::index(value)?;
    let s = valid(slf)?;
    check_delay(s)?;
    s.iter.goto_iterindex(target).py(slf.py())?;
    jumped(slf)
}

fn iterrange<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (start, end) = valid(slf)?.iter.range();
    array_args::int_tuple(slf.py(), &[start, end])
}

fn set_iterrange(slf: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else { return Err(deletion("iterrange")) };
    valid(slf)?;
    let pair = value.cast::<PyTuple>().map_err(|_| {
        pyo3::exceptions::PySystemError::new_err("new style getargs format but argument is not a tuple")
    })?;
    if pair.len() != 2 {
        let n = pair.len();
        return Err(PyTypeError::new_err(format!("function takes exactly 2 arguments ({n} given)")));
    }
    let (start, end) = (array_args::index(&pair.get_item(0)?)?, array_args::index(&pair.get_item(1)?)?);
    let s = valid(slf)?;
    s.iter.reset_to_range(start, end).py(slf.py())?;
    jumped(slf)
}

fn operands<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let s = valid(slf)?;
    let list: Vec<_> = s.arrays.iter().map(|a| a.as_ref().map_or_else(|| none(py), |a| a.bind(py))).collect();
    Ok(PyTuple::new(py, list)?.into_any())
}

fn itviews<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let s = valid(slf)?;
    let views =
        (0..s.iter.nop() as isize).map(|i| operand_as_walked(py, s, i)).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, views)?.into_any())
}

/// A view of an operand in the order it is walked; `None` for one without an array.
pub fn operand_as_walked<'py>(py: Python<'py>, s: &State, op: isize) -> PyResult<Bound<'py, PyAny>> {
    let Some(i) = usize::try_from(op).ok().filter(|&i| i < s.iter.nop()) else {
        return Err(PyIndexError::new_err("index out of bounds for iterator view"));
    };
    if s.iter.is_buffered() {
        return Err(PyValueError::new_err("cannot provide an iterator view when buffering is enabled"));
    }
    let (data, shape, strides) = s.iter.view(i);
    let Some(arr) = &s.arrays[i] else { return Ok(none(py)) };
    let descr = Descr(s.descrs[i].bind(py));
    let write = s.iter.operands()[i].write;
    // SAFETY: the iteration stays inside the operand, which the view keeps alive.
    unsafe { Ok(array::new_view(&descr, data, &shape, &strides, &arr.bind(py), write, None)?.0) }
}

fn has_delayed_bufalloc<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    boolean(slf, NdIter::has_delayed_bufalloc)
}
fn iterationneedsapi<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    boolean(slf, NdIter::needs_host)
}
fn has_multi_index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    boolean(slf, NdIter::has_multi_index)
}
fn has_index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    boolean(slf, NdIter::has_index)
}
fn dtypes<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let s = valid(slf)?;
    Ok(PyTuple::new(py, s.descrs.iter().map(|d| d.bind(py)))?.into_any())
}
fn ndim<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let n = valid(slf)?.iter.ndim();
    int(slf.py(), n as isize)
}
fn nop<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let n = valid(slf)?.iter.nop();
    int(slf.py(), n as isize)
}
fn itersize<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let n = valid(slf)?.iter.itersize();
    int(slf.py(), n.unwrap_or(-1))
}
fn finished<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let done = state(slf).is_some_and(|s| s.finished);
    Ok(done.into_pyobject(slf.py())?.to_owned().into_any())
}

// ---- module ----

static FUNCTIONS: Methods<2> = Methods::new([fastcall!(c"nested_iters", nested_iters), END]);

/// Add the type and the function to the module.
pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::modules::multiarray::add_functions(module, &FUNCTIONS)?;
    // SAFETY: the type is ready.
    module.add("nditer", unsafe { types::handle(py, NDITER_TYPE.as_type()) })
}
