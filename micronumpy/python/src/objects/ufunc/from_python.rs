//! `frompyfunc`: a ufunc over objects that calls a Python function.

use std::ffi::{CString, c_int, c_void};

use micronumpy::ufunc::{Loop, Ufunc};
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::{Identity, LoopContext, LoopDef, LoopFlags, TypeNum};

use super::{make, object_loops};
use crate::error::IntoPyResult;
use crate::ffi::Args;
use crate::ffi::args::Sig;
use crate::objects::array::args::index;

/// numpy's limit on operands.
const MAX_ARGS: isize = 64;

/// What the loop needs to know. The memory is the ufunc's `ptr`; the callable is its `obj`, which the collector of cycles sees.
struct Function {
    nin: usize,
    nout: usize,
    callable: *mut ffi::PyObject,
}

/// Memory as a ufunc frees it.
struct Memory(*mut Function);

impl Memory {
    fn new(function: Function) -> PyResult<Memory> {
        // SAFETY: room for one, written before anybody looks.
        unsafe {
            let at = ffi::PyMem_RawMalloc(size_of::<Function>()).cast::<Function>();
            if at.is_null() {
                return Err(PyMemoryError::new_err(()));
            }
            at.write(function);
            Ok(Memory(at))
        }
    }
    fn given_away(self) -> *mut Function {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated above and given to nobody.
        unsafe { ffi::PyMem_RawFree(self.0.cast()) }
    }
}

static SIG: Sig = Sig::new("frompyfunc(func, /, nin, nout, *, identity=None)");

/// `frompyfunc(func, /, nin, nout, *[, identity])`
pub fn frompyfunc<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    for (i, name) in ["func", "nin", "nout"].into_iter().enumerate() {
        if args.len() <= i && args.keyword(name).is_none() {
            return Err(PyTypeError::new_err(format!(
                "frompyfunc() missing required argument '{name}' (pos {})",
                i + 1
            )));
        }
    }
    let [func, nin, nout, identity] = args.parse(&SIG)?;
    let (Some(func), Some(nin), Some(nout)) = (func, nin, nout) else {
        return Err(PyTypeError::new_err("frompyfunc() missing required argument"));
    };
    let (nin, nout) = (index(&nin)?, index(&nout)?);
    if !func.is_callable() {
        return Err(PyTypeError::new_err("function must be callable"));
    }
    if nin + nout > MAX_ARGS {
        return Err(PyValueError::new_err(format!(
            "Cannot construct a ufunc with more than {MAX_ARGS} operands (requested number were: inputs = {nin} and \
             outputs = {nout})"
        )));
    }
    if nin < 0 || nout < 0 {
        return Err(PyValueError::new_err("the number of inputs and outputs may not be negative"));
    }
    let (nin, nout) = (nin as usize, nout as usize);
    let own = func.getattr("__name__").ok().and_then(|n| n.extract::<String>().ok());
    let name = format!("{} (vectorized)", own.as_deref().unwrap_or("?"));
    // No identity given: nothing to start from. `None` given: nothing to start from, but the order does not matter.
    let (kind, value) = match identity {
        None => (Identity::None, None),
        Some(v) if v.is_none() => (Identity::ReorderableNone, None),
        Some(v) => (Identity::None, Some(v)),
    };
    let mut core = Ufunc::new(name, nin, nout, kind, None).py(py)?;
    let memory = Memory::new(Function { nin, nout, callable: func.as_ptr() })?;
    core.loops.push(Loop::from(LoopDef {
        types: vec![TypeNum::OBJECT; nin + nout].into(),
        func: call_function,
        aux: memory.0.cast(),
        flags: LoopFlags::NEEDS_API.with(LoopFlags::NO_FP_ERRORS),
        fold: None,
    }));
    let doc = CString::new("dynamic ufunc based on a python function")?;
    let made = make(py, core, Some(doc), Some(func), value)?;
    // SAFETY: a fresh ufunc, which frees it.
    unsafe { (*made.raw()).ptr = memory.given_away().cast() };
    Ok(made.0)
}

/// # Safety
/// The loop contract; object operands; `aux` is a [`Function`].
unsafe extern "C" fn call_function(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract; the ufunc keeps the function alive while it runs.
    unsafe {
        let f = &*aux.cast::<Function>();
        object_loops::call_function(f.callable, f.nin, f.nout, data, *dims, strides)
    }
}
