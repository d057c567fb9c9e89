//! `_array_converter`: how functions written in Python convert several arguments together, remember which were scalars,
//! and wrap their result.

use std::mem::size_of;
use std::ptr::null_mut;

use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{ffi as pyffi, intern};

use super::handles::is_python_scalar;
use super::{Array, array, wrap};
use crate::abi::{NPY_ARRAY_ENSUREARRAY, StaticType};
use crate::ffi::args::{Args, Sig, none_as_absent};
use crate::ffi::guard::owned;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::{callfunc, fastcall, getset, lenfunc, ssizeargfunc};

#[repr(C)]
struct ConverterObject {
    ob_base: pyffi::PyVarObject,
    reserved: [usize; 3],
}
#[repr(C)]
struct Item {
    /// What was passed.
    object: *mut pyffi::PyObject,
    /// The same as an array (subclasses kept).
    array: *mut pyffi::PyObject,
    is_python_scalar: bool,
    is_scalar: bool,
    reserved: [usize; 2],
}
const _: () = assert!(size_of::<ConverterObject>() == 48 && size_of::<Item>() == 40);

pub static CONVERTER_TYPE: StaticType = StaticType::zeroed();

static METHODS: Methods<4> = Methods::new([
    fastcall!(c"as_arrays", as_arrays),
    fastcall!(c"result_type", result_type),
    fastcall!(c"wrap", wrap_result),
    END,
]);
static GETSETS: GetSets<2> = GetSets::new([getset!(c"scalar_input", scalar_input), GETSET_END]);
static SEQUENCE: StaticType<pyffi::PySequenceMethods> = StaticType::zeroed();

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = CONVERTER_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(
            ty,
            c"numpy._core._multiarray_umath._array_converter",
            size_of::<ConverterObject>(),
            0,
        );
        (*SEQUENCE.get()).sq_length = Some(lenfunc!(length));
        (*SEQUENCE.get()).sq_item = Some(ssizeargfunc!(item));
        (*ty).tp_itemsize = size_of::<Item>() as isize;
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_as_sequence = SEQUENCE.get();
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

fn items<'a>(slf: &'a Bound<'_, PyAny>) -> &'a [Item] {
    // SAFETY: a converter is its head followed by ob_size items, all filled in `create`.
    unsafe {
        let obj: *const ConverterObject = slf.as_ptr().cast();
        std::slice::from_raw_parts(obj.add(1).cast(), (*obj).ob_base.ob_size as usize)
    }
}

fn create<'py>(
    ty: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if kwargs.is_some_and(|k| k.len().is_ok_and(|n| n > 0)) {
        return Err(PyTypeError::new_err("Array creation helper doesn't support keywords."));
    }
    let args = args.cast::<PyTuple>()?;
    // SAFETY: GenericAlloc zeroes the items, so a failure half way leaves null pointers that dealloc skips.
    unsafe {
        let obj = owned(ty.py(), pyffi::PyType_GenericAlloc(ty.as_ptr().cast(), args.len() as isize))?;
        let first: *mut Item = obj.as_ptr().cast::<ConverterObject>().add(1).cast();
        for (i, arg) in args.iter().enumerate() {
            let slot = first.add(i);
            let arr = match Array::cast(&arg) {
                Some(arr) => arr,
                None => {
                    (*slot).is_python_scalar = is_python_scalar(&arg);
                    let arr = array::from_any(&arg, None, 0, 0, 0)?;
                    (*slot).is_scalar = arr.ndim() == 0;
                    arr
                }
            };
            (*slot).object = arg.into_ptr();
            (*slot).array = arr.0.into_ptr();
        }
        Ok(obj)
    }
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying; its items own their references or are null.
    unsafe {
        let obj: *mut ConverterObject = slf.cast();
        let first: *mut Item = obj.add(1).cast();
        for i in 0..(*obj).ob_base.ob_size as usize {
            let it = first.add(i);
            pyffi::Py_XDECREF(std::mem::replace(&mut (*it).object, null_mut()));
            pyffi::Py_XDECREF(std::mem::replace(&mut (*it).array, null_mut()));
        }
        pyffi::PyObject_Free(slf.cast());
    }
}

fn handle<'py>(slf: &Bound<'py, PyAny>, ptr: *mut pyffi::PyObject) -> Bound<'py, PyAny> {
    // SAFETY: items hold live objects.
    unsafe { Bound::from_borrowed_ptr(slf.py(), ptr) }
}

fn length(slf: &Bound<'_, PyAny>) -> PyResult<isize> {
    Ok(items(slf).len() as isize)
}

fn item<'py>(slf: &Bound<'py, PyAny>, i: isize) -> PyResult<Bound<'py, PyAny>> {
    match usize::try_from(i).ok().and_then(|i| items(slf).get(i)) {
        // As `as_arrays` with its defaults would give it.
        Some(it) if it.is_python_scalar && !convert_scalars(slf, None)? => Ok(handle(slf, it.object)),
        Some(it) => Ok(handle(slf, it.array)),
        None => Err(PyIndexError::new_err("invalid index")),
    }
}

fn scalar_input<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(slf.py(), items(slf).iter().map(|it| it.is_scalar))?.into_any())
}

/// How Python scalars come out of `as_arrays`.
fn convert_scalars(slf: &Bound<'_, PyAny>, mode: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
    let mode = mode.map(|m| m.extract::<String>().unwrap_or_default());
    match mode.as_deref() {
        Some("convert") => Ok(true),
        Some("preserve") => Ok(false),
        None | Some("convert_if_no_array") => Ok(items(slf).iter().all(|it| it.is_python_scalar)),
        Some(_) => Err(PyValueError::new_err(
            "invalid pyscalar mode, must be 'convert', 'preserve', or 'convert_if_no_array' (default).",
        )),
    }
}

fn as_arrays<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("as_arrays(*, subok=True, pyscalars='convert_if_no_array')");
    let [subok, pyscalars] = args.parse(&SIG)?;
    let subok = subok.map_or(Ok(true), |s| s.is_truthy())?;
    let convert = convert_scalars(slf, pyscalars.as_ref())?;
    let arrays = items(slf)
        .iter()
        .map(|it| {
            if it.is_python_scalar && !convert {
                return Ok(handle(slf, it.object));
            }
            let arr = handle(slf, it.array);
            if subok { Ok(arr) } else { Ok(array::from_any(&arr, None, 0, 0, NPY_ARRAY_ENSUREARRAY)?.0) }
        })
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(slf.py(), arrays)?.into_any())
}

fn result_type<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("result_type(extra_dtype=None, ensure_inexact=False)");
    let py = slf.py();
    let [extra, inexact] = args.parse(&SIG)?;
    let inexact = inexact.map_or(Ok(false), |s| s.is_truthy())?;
    let extra = none_as_absent(extra);
    if extra.is_some() && inexact {
        return Err(PyTypeError::new_err("extra_dtype and ensure_inexact are mutually exclusive."));
    }
    let mut operands: Vec<Bound<'py, PyAny>> = items(slf)
        .iter()
        .map(|it| {
            if it.is_python_scalar {
                Ok(handle(slf, it.object))
            } else {
                handle(slf, it.array).getattr(intern!(py, "dtype"))
            }
        })
        .collect::<PyResult<_>>()?;
    if let Some(extra) = extra {
        operands.push(super::dtype::convert(&extra)?.0);
    }
    if inexact {
        // A weak float: makes integers float64 and leaves inexact types alone.
        operands.push(1.0f64.into_pyobject(py)?.into_any());
    }
    cached(py, "numpy._core._multiarray_umath", "result_type")?.call1(PyTuple::new(py, operands)?)
}

fn wrap_result<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("wrap(arr, /, *, to_scalar=None)");
    let [arr, to_scalar] = args.parse(&SIG)?;
    let arr = arr.ok_or_else(|| PyTypeError::new_err("wrap() missing required positional argument 0"))?;
    // Methods also give scalars and tuples; those are nothing to wrap.
    let arr = match Array::cast(&arr) {
        Some(arr) => arr,
        None => return Ok(arr),
    };
    let to_scalar = match none_as_absent(to_scalar) {
        Some(flag) => flag.is_truthy()?,
        None => !items(slf).is_empty() && items(slf).iter().all(|it| it.is_scalar),
    };
    let objects: Vec<_> = items(slf).iter().map(|it| handle(slf, it.object)).collect();
    let method = wrap::find_wrap(&objects)?;
    wrap::apply_wrap(arr, method.as_ref(), None, to_scalar)
}
