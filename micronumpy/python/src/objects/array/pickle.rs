//! Pickling: `__reduce__`, `__reduce_ex__` with out-of-band buffers, `__setstate__`, `_reconstruct`.

use micronumpy::Order;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use pyo3::{IntoPyObjectExt, intern};

use super::alloc::{self, Make};
use super::{args, methods};
use crate::abi::*;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig};
use crate::objects::{Array, Descr, dtype, scalar};

type Obj<'py> = Bound<'py, PyAny>;

/// Bytes of a pickle above this length become the memory of their array.
const LONG: usize = 1000;

/// `arr.__reduce__()`
pub fn reduce<'py>(slf: &Obj<'py>, _a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let arr = Array(slf.clone());
    let reconstruct = cached(py, "numpy._core._multiarray_umath", "_reconstruct")?;
    let init = (slf.get_type(), (0,), PyBytes::new(py, b"b")).into_bound_py_any(py)?;
    let fortran = alloc::is_fortran_only(&arr);
    let data = if has_list_pickle(&arr) {
        methods::convert::flat_list(&arr)?.into_any()
    } else {
        methods::convert::to_bytes(&arr, Order::Any)?.into_any()
    };
    let state = (1, args::int_tuple(py, arr.shape())?, arr.descr().0, fortran, data);
    (reconstruct, init, state).into_bound_py_any(py)
}

fn has_list_pickle(arr: &Array<'_>) -> bool {
    arr.dtype().flags & micronumpy::dtype::flags::LIST_PICKLE != 0
}

/// `arr.__reduce_ex__(protocol)`: protocol 5 hands the buffer out of band.
pub fn reduce_ex<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__reduce_ex__(protocol, /)");
    let py = slf.py();
    let [protocol] = a.parse_c(&SIG)?;
    let protocol = protocol.map_or(Ok(0), |p| args::int32(&p))?;
    let arr = Array(slf.clone());
    let regular = || slf.call_method0(intern!(py, "__reduce__"));
    if protocol < 5
        || !arr.is_exact()
        || has_list_pickle(&arr)
        || arr.dtype().has_object()
        || arr.itemsize() == 0
    {
        return regular();
    }
    // The buffer has to be one run of memory, in whatever order of axes.
    let mut order: Vec<isize> = (0..arr.ndim() as isize).collect();
    let (source, name) = if arr.has_flags(NPY_ARRAY_C_CONTIGUOUS) {
        (arr.clone(), "C")
    } else if arr.has_flags(NPY_ARRAY_F_CONTIGUOUS) {
        order.reverse();
        (methods::transpose_axes(&arr, &order)?, "F")
    } else {
        order.sort_by_key(|&k| std::cmp::Reverse(arr.strides()[k as usize]));
        let t = methods::transpose_axes(&arr, &order)?;
        if !t.has_flags(NPY_ARRAY_C_CONTIGUOUS) {
            return regular();
        }
        (t, "K")
    };
    // Some dtypes have no buffer format.
    let Ok(buffer) = cached(py, "pickle", "PickleBuffer")?.call1((&source.0,)) else { return regular() };
    let from_buffer = cached(py, "numpy._core.numeric", "_frombuffer")?;
    let shape = if name == "K" { source.shape() } else { arr.shape() };
    let mut state =
        vec![buffer, arr.descr().0, args::int_tuple(py, shape)?, PyString::new(py, name).into_any()];
    if name == "K" {
        let mut inverse = vec![0isize; order.len()];
        for (to, &from) in order.iter().enumerate() {
            inverse[from as usize] = to as isize;
        }
        state.push(args::int_tuple(py, &inverse)?);
    }
    (from_buffer, PyTuple::new(py, state)?).into_bound_py_any(py)
}

/// `arr.__setstate__((version, shape, dtype, is_fortran, data))`
pub fn setstate<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__setstate__(state, /)");
    let py = slf.py();
    let [state] = a.parse_c(&SIG)?;
    let arr = Array(slf.clone());
    let Some(state) = state else { return Err(PyTypeError::new_err("missing state")) };
    let Ok(t) = state.cast::<PyTuple>() else {
        return Err(PyTypeError::new_err(format!(
            "__setstate__() argument 1 must be tuple, not {}",
            state.get_type().name()?
        )));
    };
    // Version 0 had no version number.
    let at = match t.len() {
        5 => 1,
        4 => 0,
        n => return Err(PyTypeError::new_err(format!("function takes exactly 4 arguments ({n} given)"))),
    };
    if at == 1 {
        let v = args::index(&t.get_item(0)?)?;
        if v != 1 {
            return Err(PyValueError::new_err(format!("can't handle version {v} of numpy.ndarray pickle")));
        }
    }
    let shape = args::shape(&t.get_item(at)?)?;
    let Some(descr) = Descr::cast(&t.get_item(at + 1)?) else {
        return Err(PyTypeError::new_err("dtype expected in pickle"));
    };
    let fortran = t.get_item(at + 2)?.is_truthy()?;
    let data = t.get_item(at + 3)?;
    if descr.dtype().subarray().is_some() {
        return Err(PyValueError::new_err("pickled array with a subarray dtype"));
    }
    let nbytes = alloc::checked_nbytes(&shape, descr.itemsize())?;
    let count: usize = shape.iter().product::<isize>() as usize;
    let is_list = descr.dtype().flags & micronumpy::dtype::flags::LIST_PICKLE != 0;
    let bytes = if is_list {
        if !data.is_instance_of::<PyList>() {
            return Err(PyTypeError::new_err("object pickle not returning list"));
        }
        if data.len()? != count {
            return Err(PyValueError::new_err("list in pickle does not match the shape"));
        }
        None
    } else {
        let bytes = match data.cast::<PyBytes>() {
            Ok(b) => b.clone(),
            Err(_) if data.is_instance_of::<PyString>() => {
                // Pickles of Python 2.
                data.call_method1("encode", ("latin1",))
                    .map_err(|_| {
                        PyValueError::new_err(
                            "Could not load numpy array from Python 2 pickle. It seems to contain multi-byte \
                             strings: use encoding='latin1'.",
                        )
                    })?
                    .cast_into::<PyBytes>()?
            }
            Err(_) => return Err(PyTypeError::new_err("pickle not returning string or array")),
        };
        if bytes.as_bytes().len() != nbytes {
            return Err(PyValueError::new_err("buffer size does not match array size"));
        }
        Some(bytes)
    };
    // Elements with objects are only filled from lists.
    if descr.dtype().has_object() && !is_list {
        return Err(PyValueError::new_err("pickled objects expected as a list"));
    }
    // Elements come to rest in native byte order; structures have none, their fields stay as they are.
    let swapped = !is_list && descr.dtype().fields().is_none() && descr.dtype().is_swapped();
    let native =
        if swapped { dtype::descr_of(py, &descr.dtype().with_byteorder(b'='))? } else { descr.clone() };
    let strides = micronumpy::array::contiguous_strides(&shape, descr.itemsize(), fortran);
    // A fresh array of the state; its memory then changes places with ours.
    // SAFETY: fresh memory; afterwards each object again owns what it points to.
    unsafe {
        let make = Make { strides: Some(&strides), allow_empty_string: true, ..Make::new(&native, &shape) };
        // Long ones are not copied: the array writes into the bytes, which nobody else has.
        let shared = bytes.as_ref().filter(|b| b.as_bytes().len() > LONG && !swapped);
        let fresh = match shared {
            Some(b) => Make {
                data: b.as_bytes().as_ptr().cast_mut(),
                base: Some(b.clone().into_any()),
                writeable: true,
                ..make
            }
            .build()?,
            None => make.build()?,
        };
        // Unlike those of other empty arrays, these strides are not zero.
        std::ptr::copy_nonoverlapping(strides.as_ptr(), (*fresh.raw()).strides, strides.len());
        match &bytes {
            Some(_) if shared.is_some() => {}
            Some(b) => {
                std::ptr::copy_nonoverlapping(b.as_bytes().as_ptr(), fresh.data(), nbytes);
                if swapped {
                    micronumpy::ops::fill::byteswap(&fresh.view());
                }
            }
            None => {
                let items = data.cast::<PyList>()?;
                let own = fresh.descr();
                // Lists are in C order whatever the layout.
                let mut i = 0;
                super::for_each_element(&fresh, |p| {
                    let v = items.get_item(i)?;
                    i += 1;
                    scalar::set_item(&own, p, &v)
                })?;
            }
        }
        let (x, y) = (arr.raw(), fresh.raw());
        if !(*x).buffer_info.is_null() {
            return Err(PyValueError::new_err("cannot set the state of an array whose memory is exported"));
        }
        std::mem::swap(&mut (*x).data, &mut (*y).data);
        std::mem::swap(&mut (*x).nd, &mut (*y).nd);
        std::mem::swap(&mut (*x).dimensions, &mut (*y).dimensions);
        std::mem::swap(&mut (*x).strides, &mut (*y).strides);
        std::mem::swap(&mut (*x).base, &mut (*y).base);
        std::mem::swap(&mut (*x).descr, &mut (*y).descr);
        std::mem::swap(&mut (*x).flags, &mut (*y).flags);
        std::mem::swap(&mut (*x).mem_handler, &mut (*y).mem_handler);
        if fresh.size() > 0 {
            super::kept::hold(&arr, fresh, None);
        }
    }
    Ok(py.None().into_bound(py))
}

/// `_reconstruct(subtype, shape, dtype)`: an empty array for `__setstate__` to fill.
pub fn reconstruct<'py>(_module: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("_reconstruct(subtype, shape, dtype, /)");
    let [subtype, shape, descr] = a.parse_c(&SIG)?;
    let (Some(subtype), Some(shape), Some(descr)) = (subtype, shape, descr) else {
        return Err(PyTypeError::new_err("_reconstruct() takes exactly 3 arguments"));
    };
    // SAFETY: type check before subtype check.
    let ok = subtype.is_instance_of::<pyo3::types::PyType>()
        && unsafe { ffi::PyType_IsSubtype(subtype.as_ptr().cast(), super::ARRAY_TYPE.as_type()) != 0 };
    if !ok {
        return Err(PyTypeError::new_err("_reconstruct: First argument must be a sub-type of ndarray"));
    }
    let shape = args::shape(&shape)?;
    let descr = dtype::convert(&descr)?;
    // SAFETY: fresh memory.
    let out = unsafe { Make { subtype: Some(&subtype), ..Make::new(&descr, &shape) }.build()? };
    Ok(out.0)
}
