//! `ufunc.resolve_dtypes` and the experimental pair that hands a loop to compiled code.

use std::ffi::{CStr, c_void};
use std::ptr::null_mut;

use micronumpy::Casting;
use micronumpy::iter::PerOp;
use micronumpy::ufunc::resolve::check_casts;
use micronumpy::ufunc::{OpType, Weak, resolve};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyFloat, PyInt, PyTuple};
use pyo3::{PyErr, PyTypeInfo};
use ufuncs::{LoopContext, LoopFlags, LoopFn, LoopInfo};

use super::bind::error;
use super::dispatch::{Found, Operand, Owned, find};
use super::{UfuncRef, params};
use crate::abi::PyArray_Descr;
use crate::ffi::Args;
use crate::ffi::args::Sig;
use crate::ffi::guard::owned;
use crate::objects::{Descr, dtype};

static SIG: Sig = Sig::new("resolve_dtypes(dtypes, *, signature=None, casting=None, reduction=False)");

/// What a call with operands of given dtypes would run.
struct Resolved<'py> {
    descrs: Vec<Descr<'py>>,
    func: LoopFn,
    aux: *mut c_void,
    flags: LoopFlags,
    owner: Option<Owned>,
}

fn resolve_for<'py>(uf: &UfuncRef<'py>, args: &Args<'_, 'py>) -> PyResult<Resolved<'py>> {
    let py = uf.py();
    if args.is_empty() {
        return Err(PyTypeError::new_err("resolve_dtypes() missing required positional argument 0"));
    }
    let [dtypes, signature, casting, reduction] = args.parse(&SIG)?;
    let Some(dtypes) = dtypes else {
        return Err(PyTypeError::new_err("resolve_dtypes() missing required positional argument 0"));
    };
    let reduction = match reduction {
        Some(r) => r.is_truthy()?,
        None => false,
    };
    let (nin, nargs) = (uf.nin(), uf.nargs());
    let wrong =
        || PyTypeError::new_err("resolve_dtypes: The dtypes must be a tuple of `ufunc.nargs` length.");
    let tuple = dtypes.cast::<PyTuple>().map_err(|_| wrong())?;
    if tuple.len() != nargs {
        return Err(wrong());
    }
    if reduction && (nin != 2 || uf.nout() != 1) {
        return Err(PyValueError::new_err("ufunc is not compatible with reduction operations."));
    }
    let mut signature = params::signature_of(uf, signature.filter(|s| !s.is_none()).as_ref(), None)?;
    let casting = match casting.filter(|c| !c.is_none()) {
        Some(c) => params::casting_of(&c)?,
        None if reduction => Casting::Unsafe,
        None => Casting::SameKind,
    };

    let mut descrs: Vec<Option<Descr<'py>>> = vec![];
    let mut weak: Vec<Option<Weak>> = vec![];
    for (i, item) in tuple.iter().enumerate() {
        if item.is_none() {
            if i < nin && !(reduction && i == 0) {
                return Err(PyTypeError::new_err(
                    "All input dtypes must be provided (except the first one in reductions)",
                ));
            }
            descrs.push(None);
            weak.push(None);
            continue;
        }
        if reduction && i == 2 {
            return Err(PyTypeError::new_err(
                "Output dtype must not be passed for reductions, pass the first input instead.",
            ));
        }
        if let Some(d) = Descr::cast(&item) {
            descrs.push(Some(d));
            weak.push(None);
            continue;
        }
        let kind = if item.is(PyInt::type_object(py)) {
            Weak::Int
        } else if item.is(PyFloat::type_object(py)) {
            Weak::Float
        } else if item.is(PyComplex::type_object(py)) {
            Weak::Complex
        } else {
            return Err(PyTypeError::new_err(
                "Provided dtype must be a valid NumPy dtype, int, float, complex, or None.",
            ));
        };
        descrs.push(Some(dtype::builtin(py, kind.default_type())));
        // Outputs and lone inputs are never weak.
        weak.push((i < nin && nin > 1).then_some(kind));
    }
    if reduction {
        descrs[2] = descrs[0].clone();
        if let (None, Some(d), None) = (&descrs[0], &descrs[1], signature[0]) {
            signature[0] = super::reduce::wide_type(&uf.data().core.borrow().name, d.dtype().num);
        }
        signature[2] = signature[0];
    }
    let operands =
        || descrs.iter().zip(&weak).map(|(d, &weak)| Operand { descr: d.clone(), weak }).collect::<Vec<_>>();
    match find(uf, operands, &signature, casting)? {
        Found::Loop(b) => {
            let b = *b;
            return Ok(Resolved {
                descrs: b.descrs.into_iter().collect(),
                func: b.def.func,
                aux: b.def.aux,
                flags: b.def.flags,
                owner: b.owner,
            });
        }
        Found::Promoted(types) => signature = types,
        Found::Builtin => {}
    }
    let ops: PerOp<OpType<'_>> = descrs
        .iter()
        .zip(&weak)
        .map(|(d, w)| match (d, w) {
            (_, Some(w)) => OpType::Weak(*w),
            (Some(d), None) => OpType::Is(d.dtype()),
            (None, None) => OpType::Absent,
        })
        .collect();
    let core = uf.data().core.borrow();
    let found = resolve(&core, &ops, &signature)
        .and_then(|res| check_casts(&core, &ops, &signature, &res, casting).map(|()| res));
    match found {
        Ok(res) => {
            let def = &core.loops[res.index].def;
            let out = res.dtypes.iter().map(|d| dtype::descr_of(py, d)).collect::<PyResult<_>>()?;
            Ok(Resolved { descrs: out, func: def.func, aux: def.aux, flags: def.flags, owner: None })
        }
        Err(e) => {
            drop(core);
            Err(error(uf, &descrs, &ops, &signature, casting, e))
        }
    }
}

/// `resolve_dtypes(dtypes, *, signature=None, casting=None, reduction=False)`
pub fn resolve_dtypes<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let found = resolve_for(&UfuncRef::with_loops(slf), &args)?;
    Ok(PyTuple::new(slf.py(), found.descrs.iter().map(|d| &d.0))?.into_any())
}

/// What compiled code gets. ABI of the capsule `numpy_1.24_ufunc_call_info`, as far as it is public.
#[repr(C)]
struct CallInfo {
    strided_loop: Option<LoopFn>,
    context: *mut LoopContext,
    auxdata: *mut c_void,
    requires_pyapi: u8,
    no_floatingpoint_errors: u8,
    // From here on private.
    own: LoopContext,
    info: LoopInfo,
    func: LoopFn,
    aux: *mut c_void,
    flags: LoopFlags,
    /// Keeps the loop of a user DType.
    _owner: Option<Owned>,
    descrs: Vec<*mut PyArray_Descr>,
    itemsizes: Vec<usize>,
}

const CAPSULE: &CStr = c"numpy_1.24_ufunc_call_info";

unsafe extern "C" fn destroy(capsule: *mut ffi::PyObject) {
    // SAFETY: called once, for a capsule made below, which owns references to its descriptors and its ufunc.
    unsafe {
        let ptr = ffi::PyCapsule_GetPointer(capsule, CAPSULE.as_ptr());
        if !ptr.is_null() {
            let info = Box::from_raw(ptr.cast::<CallInfo>());
            for d in &info.descrs {
                ffi::Py_DECREF(d.cast());
            }
            ffi::Py_XDECREF(info.own.caller.cast());
        }
    }
}

/// `_resolve_dtypes_and_context(dtypes, *, signature=None, casting=None, reduction=False)`
pub fn resolve_dtypes_and_context<'py>(
    slf: &Bound<'py, PyAny>,
    args: Args<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let found = resolve_for(&UfuncRef::with_loops(slf), &args)?;
    let dtypes = PyTuple::new(py, found.descrs.iter().map(|d| &d.0))?;
    let itemsizes: Vec<usize> = found.descrs.iter().map(|d| d.itemsize()).collect();
    let descrs: Vec<*mut PyArray_Descr> = found.descrs.into_iter().map(|d| d.0.into_ptr().cast()).collect();
    let mut info = Box::new(CallInfo {
        strided_loop: None,
        context: null_mut(),
        auxdata: null_mut(),
        requires_pyapi: 0,
        no_floatingpoint_errors: 0,
        own: LoopContext {
            caller: slf.clone().into_ptr().cast(),
            method: found.owner.as_ref().map_or(null_mut(), Owned::method),
            descriptors: null_mut(),
            info: std::ptr::null(),
            flags: 0,
            parameters: null_mut(),
        },
        info: LoopInfo { itemsizes: std::ptr::null() },
        func: found.func,
        aux: found.aux,
        flags: found.flags,
        _owner: found.owner,
        descrs,
        itemsizes,
    });
    // The box does not move any more, so its parts may point to each other.
    info.info.itemsizes = info.itemsizes.as_ptr();
    info.own.descriptors = info.descrs.as_ptr().cast();
    info.own.info = &raw const info.info;
    info.context = &raw mut info.own;
    let ptr = Box::into_raw(info);
    // SAFETY: the capsule owns the box.
    let capsule = unsafe { owned(py, ffi::PyCapsule_New(ptr.cast(), CAPSULE.as_ptr(), Some(destroy)))? };
    Ok(PyTuple::new(py, [dtypes.into_any(), capsule])?.into_any())
}

static LOOP_SIG: Sig = Sig::new("_get_strided_loop(call_info, /, *, fixed_strides=None)");

/// `_get_strided_loop(call_info, /, *, fixed_strides=None)`: fill the loop into a call info.
pub fn get_strided_loop<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let [call_info, fixed_strides] = args.parse(&LOOP_SIG)?;
    let Some(call_info) = call_info else {
        return Err(PyTypeError::new_err("_get_strided_loop() missing required positional argument 0"));
    };
    // SAFETY: the name tells our capsules from others.
    let ptr = unsafe { ffi::PyCapsule_GetPointer(call_info.as_ptr(), CAPSULE.as_ptr()) };
    if ptr.is_null() {
        return Err(PyErr::fetch(py));
    }
    // SAFETY: the capsule holds a call info and is alive; nobody else uses it during this call.
    let info = unsafe { &mut *ptr.cast::<CallInfo>() };
    if info.own.caller != slf.as_ptr().cast() {
        return Err(PyTypeError::new_err("_get_strided_loop(): calling ufunc with incompatible context"));
    }
    if let Some(strides) = fixed_strides.filter(|s| !s.is_none()) {
        let fits = strides.cast::<PyTuple>().is_ok_and(|t| t.len() == info.descrs.len());
        if !fits {
            return Err(PyTypeError::new_err("_get_strided_loop(): fixed_strides must be a tuple or None"));
        }
        for item in strides.cast::<PyTuple>().map_err(PyErr::from)?.iter() {
            if !item.is_none() && !item.is_instance_of::<PyInt>() {
                return Err(PyTypeError::new_err(
                    "_get_strided_loop(): fixed_strides tuple must contain Python ints or None",
                ));
            }
        }
    }
    if info.strided_loop.is_some() {
        return Err(PyTypeError::new_err("ufunc call_info has already been filled/used!"));
    }
    info.strided_loop = Some(info.func);
    info.auxdata = info.aux;
    info.requires_pyapi = info.flags.contains(LoopFlags::NEEDS_API).into();
    info.no_floatingpoint_errors = info.flags.contains(LoopFlags::NO_FP_ERRORS).into();
    Ok(py.None().into_bound(py))
}
