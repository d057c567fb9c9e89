//! `frompyfunc`: a ufunc over objects that calls a Python function.

use std::ffi::{CString, c_int, c_void};

use micronumpy::ufunc::{Loop, Ufunc};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;
use ufuncs::{Identity, LoopContext, LoopDef, LoopFlags, TypeNum};

use super::{make, object_loops};
use crate::error::IntoPyResult;
use crate::ffi::Args;
use crate::ffi::args::Sig;
use crate::objects::array::args::index;

/// numpy's limit on operands.
const MAX_ARGS: isize = 64;

/// What the loop needs to know; kept alive by a capsule the ufunc holds.
struct Function {
    nin: usize,
    nout: usize,
    callable: Py<PyAny>,
}

unsafe extern "C" fn destroy(capsule: *mut PyObject) {
    // SAFETY: called once, for a capsule made below.
    unsafe {
        let ptr = ffi::PyCapsule_GetPointer(capsule, std::ptr::null());
        if !ptr.is_null() {
            drop(Box::from_raw(ptr.cast::<Function>()));
        }
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
    let function = Box::into_raw(Box::new(Function { nin, nout, callable: func.unbind() }));
    // SAFETY: the capsule owns the box.
    let capsule = unsafe {
        crate::ffi::guard::owned(py, ffi::PyCapsule_New(function.cast(), std::ptr::null(), Some(destroy)))?
    };
    let mut core = Ufunc::new(name, nin, nout, kind, None).py(py)?;
    core.loops.push(Loop::from(LoopDef {
        types: vec![TypeNum::OBJECT; nin + nout].into(),
        func: call_function,
        aux: function.cast(),
        flags: LoopFlags::NEEDS_API.with(LoopFlags::NO_FP_ERRORS),
        fold: None,
    }));
    let doc = CString::new("dynamic ufunc based on a python function")?;
    Ok(make(py, core, Some(doc), Some(capsule), value)?.0)
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
        object_loops::call_function(f.callable.as_ptr(), f.nin, f.nout, data, *dims, strides)
    }
}
