//! `numpy.broadcast`: several arrays walked together over their common shape.

use std::mem::{offset_of, size_of};
use std::ptr::null_mut;

use micronumpy::array::tuple_text;
use pyo3::exceptions::PyValueError;
use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::flatiter;
use crate::abi::*;
use crate::ffi::guard::owned;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::array;
use crate::objects::handles::Array;
use crate::{callfunc, getset, iternextfunc, noargs, unaryfunc};

pub static BROADCAST_TYPE: StaticType = StaticType::zeroed();

static METHODS: Methods<2> = Methods::new([noargs!(c"reset", reset), END]);
static GETSETS: GetSets<8> = GetSets::new([
    getset!(c"shape", shape),
    getset!(c"index", index),
    getset!(c"size", size),
    getset!(c"iters", iters),
    getset!(c"nd", ndim),
    getset!(c"ndim", ndim),
    getset!(c"numiter", numiter),
    GETSET_END,
]);

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = BROADCAST_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(ty, c"numpy.broadcast", size_of::<PyArrayMultiIterObject>(), 0);
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_iter = Some(unaryfunc!(itself));
        (*ty).tp_iternext = Some(iternextfunc!(next));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

fn create<'py>(
    ty: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if kwargs.is_some_and(|k| k.len().is_ok_and(|n| n > 0)) {
        return Err(PyValueError::new_err("keyword arguments not accepted."));
    }
    let _ = ty;
    let args: Vec<_> = args.cast::<PyTuple>()?.iter().collect();
    new(args.first().map(|a| a.py()).unwrap_or(ty.py()), &args)
}

/// A new iterator over objects; `broadcast` objects among them contribute the arrays they walk.
pub fn new<'py>(py: Python<'py>, objects: &[Bound<'py, PyAny>]) -> PyResult<Bound<'py, PyAny>> {
    let mut arrays: Vec<Array<'py>> = Vec::with_capacity(objects.len());
    for obj in objects {
        // SAFETY: live object, ready type.
        if unsafe { pyffi::PyObject_TypeCheck(obj.as_ptr(), BROADCAST_TYPE.as_type()) } != 0 {
            let inner = state(obj);
            for i in 0..inner.numiter as usize {
                // SAFETY: a broadcast object owns its iterators and they own their arrays.
                arrays.push(Array(unsafe { Bound::from_borrowed_ptr(py, (*inner.iters[i]).ao.cast()) }));
            }
        } else {
            arrays.push(array::from_any(obj, None, 0, 0, 0)?);
        }
        if arrays.len() > NPY_MAXARGS {
            break;
        }
    }
    if arrays.len() > NPY_MAXARGS {
        return Err(PyValueError::new_err(format!(
            "Need at least 0 and at most {NPY_MAXARGS} array objects."
        )));
    }
    if let Some(a) = arrays.iter().find(|a| a.ndim() > NPY_MAXDIMS_LEGACY_ITERS) {
        return Err(flatiter::too_many_dims(a.ndim()));
    }
    let (shape, total) = common_shape(&arrays.iter().map(|a| a.shape()).collect::<Vec<_>>())?;
    let nd = shape.len();
    // SAFETY: a zeroed object of our layout; iterators are stored as they are made, so a failure leaves nulls.
    unsafe {
        let obj = owned(py, pyffi::PyType_GenericAlloc(BROADCAST_TYPE.as_type(), 0))?;
        let it: *mut PyArrayMultiIterObject = obj.as_ptr().cast();
        (*it).nd = nd as i32;
        (&mut (*it).dimensions)[..nd].copy_from_slice(&shape);
        (*it).size = total;
        for (k, a) in arrays.iter().enumerate() {
            let one = flatiter::new(a)?;
            let ptr: *mut PyArrayIterObject = one.into_ptr().cast();
            (*it).iters[k] = ptr;
            (*it).numiter = k as i32 + 1;
            let skip = nd - a.ndim();
            let mut strides = vec![0isize; nd];
            for (i, (&n, &s)) in a.shape().iter().zip(a.strides()).enumerate() {
                strides[skip + i] = if n == 1 { 0 } else { s };
            }
            // `fill` takes its own reference to the array.
            pyffi::Py_DECREF((*ptr).ao.cast());
            flatiter::fill(&mut *ptr, a, &shape, &strides);
            (*ptr).contiguous = 0;
        }
        Ok(obj)
    }
}

/// The shape arrays are broadcast to, and its number of elements.
pub fn common_shape(shapes: &[&[isize]]) -> PyResult<(Vec<isize>, isize)> {
    let nd = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut shape = vec![1isize; nd];
    // Which argument decided each dimension, for the error message.
    let mut decided = vec![0usize; nd];
    for (k, own) in shapes.iter().enumerate() {
        let skip = nd - own.len();
        for (i, &n) in own.iter().enumerate() {
            let (have, by) = (&mut shape[skip + i], &mut decided[skip + i]);
            if n == 1 || n == *have {
                continue;
            }
            if *have != 1 {
                return Err(PyValueError::new_err(format!(
                    "shape mismatch: objects cannot be broadcast to a single shape.  Mismatch is between arg {} with shape {} and arg {k} with shape {}.",
                    *by,
                    tuple_text(shapes[*by]),
                    tuple_text(own),
                )));
            }
            *have = n;
            *by = k;
        }
    }
    let total = shape
        .iter()
        .try_fold(1isize, |total, &n| total.checked_mul(n))
        .ok_or_else(|| PyValueError::new_err("broadcast dimensions too large."))?;
    Ok((shape, total))
}

/// A shape as numpy's messages print it.
pub fn shape_text(shape: &[isize]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => format!("({})", shape.iter().map(isize::to_string).collect::<Vec<_>>().join(",")),
    }
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying and owns its iterators. External code may have allocated fewer than 64 slots, so only
    // `numiter` of them are looked at.
    unsafe {
        let it: *mut PyArrayMultiIterObject = slf.cast();
        let first: *mut *mut PyArrayIterObject =
            slf.cast::<u8>().add(offset_of!(PyArrayMultiIterObject, iters)).cast();
        for i in 0..(*it).numiter as usize {
            pyffi::Py_XDECREF(std::mem::replace(&mut *first.add(i), null_mut()).cast());
        }
        pyffi::PyObject_Free(slf.cast());
    }
}

#[allow(clippy::mut_from_ref)]
fn state<'a>(slf: &'a Bound<'_, PyAny>) -> &'a mut PyArrayMultiIterObject {
    // SAFETY: only reached for objects of this type, with the GIL held.
    unsafe { &mut *slf.as_ptr().cast() }
}

fn iterators<'py>(slf: &Bound<'py, PyAny>) -> Vec<Bound<'py, PyAny>> {
    let it = state(slf);
    // SAFETY: the object owns its iterators.
    (0..it.numiter as usize)
        .map(|i| unsafe { Bound::from_borrowed_ptr(slf.py(), it.iters[i].cast()) })
        .collect()
}

fn itself<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(slf.clone())
}

fn next<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let it = state(slf);
    if it.index >= it.size {
        return Ok(None);
    }
    let values = iterators(slf).iter().map(flatiter::current).collect::<PyResult<Vec<_>>>()?;
    let it = state(slf);
    it.index += 1;
    for i in 0..it.numiter as usize {
        // SAFETY: owned iterator, nothing else borrows it.
        flatiter::advance(unsafe { &mut *it.iters[i] });
    }
    Ok(Some(PyTuple::new(slf.py(), values)?.into_any()))
}

fn reset<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let it = state(slf);
    it.index = 0;
    for i in 0..it.numiter as usize {
        // SAFETY: owned iterator.
        flatiter::reset(unsafe { &mut *it.iters[i] });
    }
    Ok(slf.py().None().into_bound(slf.py()))
}

fn shape<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let it = state(slf);
    Ok(PyTuple::new(slf.py(), &it.dimensions[..it.nd as usize])?.into_any())
}

fn iters<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(slf.py(), iterators(slf))?.into_any())
}

fn size<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(state(slf).size.into_pyobject(slf.py())?.into_any())
}

fn index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(state(slf).index.into_pyobject(slf.py())?.into_any())
}

fn ndim<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(state(slf).nd.into_pyobject(slf.py())?.into_any())
}

fn numiter<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(state(slf).numiter.into_pyobject(slf.py())?.into_any())
}
