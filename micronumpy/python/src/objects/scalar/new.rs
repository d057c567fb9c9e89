//! Scalar constructors: `numpy.float64(value)`.

use std::ptr::null_mut;

use micronumpy::TypeNum;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyDict, PyFloat, PyInt, PyString, PyTuple};

use super::set::{cast_item, number};
use super::types::typenum_of_subclass;
use super::value::{Cell, bool_scalar, make, make_bytes, to_scalar, trim_nul, typenum_of};
use crate::abi::*;
use crate::error::missing;
use crate::objects::array;
use crate::objects::dtype::{self, builtin};

type Obj<'py> = Bound<'py, PyAny>;

/// The only argument of a constructor, in the words of the parser each type uses.
fn one_argument<'py>(num: TypeNum, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Option<Obj<'py>>> {
    let args = args.cast::<PyTuple>()?;
    let key = match kwargs {
        Some(k) => k.cast::<PyDict>()?.keys().get_item(0).ok(),
        None => None,
    };
    if let Some(key) = key {
        return Err(PyTypeError::new_err(match num {
            TypeNum::DOUBLE => "float() takes no keyword arguments".to_string(),
            TypeNum::BOOL => "bool_() takes no keyword arguments".to_string(),
            TypeNum::OBJECT => "object_() takes no keyword arguments".to_string(),
            _ => format!("'{}' is an invalid keyword argument for this function", dtype::lossy(&key)),
        }));
    }
    let n = args.len();
    if n > 1 {
        return Err(PyTypeError::new_err(match num {
            TypeNum::DOUBLE => format!("float expected at most 1 argument, got {n}"),
            TypeNum::BOOL => format!("bool_() takes at most 1 argument ({n} given)"),
            TypeNum::OBJECT => format!("object_() takes at most 1 argument ({n} given)"),
            _ => format!("function takes at most 1 argument ({n} given)"),
        }));
    }
    Ok(args.get_item(0).ok())
}

/// Objects whose conversion needs no look at what they contain.
fn is_simple(obj: &Obj<'_>) -> bool {
    obj.is_none()
        || obj.is_instance_of::<PyBool>()
        || obj.is_exact_instance_of::<PyInt>()
        || obj.is_exact_instance_of::<PyFloat>()
        || obj.is_exact_instance_of::<PyComplex>()
        || obj.is_exact_instance_of::<PyString>()
        || obj.is_exact_instance_of::<PyBytes>()
        || typenum_of(obj).is_some_and(|n| n != TypeNum::VOID)
}

/// A number (or bool) of class `cls` from any object; array-likes give arrays.
fn number_from<'py>(cls: &Obj<'py>, num: TypeNum, value: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    let class = cls.as_ptr().cast();
    let descr = builtin(py, num);
    if is_simple(value) {
        if typenum_of(value).is_none() {
            return make(py, class, num, &number(num, value)?);
        }
        let mut cell = Cell::ZERO;
        // SAFETY: the cell has room for every fixed-size element.
        unsafe { cast_item(&descr, cell.ptr_mut(), value)? };
        return make(py, class, num, &cell);
    }
    let arr = array::from_any(value, Some(&descr), 0, 0, NPY_ARRAY_FORCECAST)?;
    if arr.ndim() > 0 {
        return Ok(arr.0);
    }
    // SAFETY: a 0-d array of this type.
    let cell = unsafe { Cell::load(num, arr.data(), arr.dtype().is_swapped()) };
    make(py, class, num, &cell)
}

fn new_number<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    let class = cls.as_ptr().cast();
    let num = typenum_of_subclass(class).ok_or_else(|| missing("scalar constructor"))?;
    if num.is_complex() && args.len()? == 2 && kwargs.is_none_or(|k| k.len().is_ok_and(|n| n == 0)) {
        let part = |i: usize| -> PyResult<f64> {
            let value = args.get_item(i)?;
            // SAFETY: a live object; a new reference or null.
            let float = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Float(value.as_ptr()))? };
            float.extract()
        };
        let c = PyComplex::from_doubles(py, part(0)?, part(1)?);
        return make(py, class, num, &number(num, c.as_any())?);
    }
    match one_argument(num, args, kwargs)? {
        None => make(py, class, num, &Cell::ZERO),
        Some(value) => number_from(cls, num, &value),
    }
}

fn new_bool<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    match one_argument(TypeNum::BOOL, args, kwargs)? {
        None => Ok(bool_scalar(py, false)),
        Some(value) => {
            if let Ok(b) = value.cast::<PyBool>() {
                return Ok(bool_scalar(py, b.is_true()));
            }
            number_from(cls, TypeNum::BOOL, &value)
        }
    }
}

fn new_object<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    let Some(value) = one_argument(TypeNum::OBJECT, args, kwargs)? else {
        return Ok(py.None().into_bound(py));
    };
    if is_simple(&value) {
        return Ok(value);
    }
    let arr = array::from_any(&value, Some(&builtin(py, TypeNum::OBJECT)), 0, 0, NPY_ARRAY_FORCECAST)?;
    if arr.ndim() > 0 {
        return Ok(arr.0);
    }
    // SAFETY: a 0-d array.
    unsafe { to_scalar(&arr.descr(), arr.data(), None) }
}

fn new_str<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    // SAFETY: `str.__new__` for a class derived from it.
    unsafe {
        let new = ffi::PyUnicode_Type.tp_new.ok_or_else(|| missing("str.__new__"))?;
        let kwargs = kwargs.map_or(null_mut(), |k| k.as_ptr());
        Bound::from_owned_ptr_or_err(py, new(cls.as_ptr().cast(), args.as_ptr(), kwargs))
    }
}

fn new_bytes<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    let class = cls.as_ptr().cast();
    // SAFETY: `bytes.__new__` for a class derived from it.
    let obj = unsafe {
        let new = ffi::PyBytes_Type.tp_new.ok_or_else(|| missing("bytes.__new__"))?;
        let kwargs = kwargs.map_or(null_mut(), |k| k.as_ptr());
        Bound::from_owned_ptr_or_err(py, new(class, args.as_ptr(), kwargs))
    };
    match obj {
        Ok(obj) => Ok(obj),
        Err(err) => {
            // What is neither bytes nor text becomes its text.
            let Ok(first) = args.get_item(0) else { return Err(err) };
            if args.len()? != 1 || kwargs.is_some_and(|k| k.len().is_ok_and(|n| n > 0)) {
                return Err(err);
            }
            let text = first.str()?;
            // SAFETY: a live string; a new reference or null.
            let ascii =
                unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_AsASCIIString(text.as_ptr()))? };
            make_bytes(py, class, trim_nul(ascii.cast::<PyBytes>()?.as_bytes()))
        }
    }
}

/// # Safety
/// `ty` is not ready yet.
pub unsafe fn fill(ty: *mut ffi::PyTypeObject, num: TypeNum) {
    // SAFETY: the caller's promise.
    unsafe {
        (*ty).tp_new = match num {
            TypeNum::BOOL => Some(crate::callfunc!(new new_bool)),
            TypeNum::OBJECT => Some(crate::callfunc!(new new_object)),
            TypeNum::UNICODE => Some(crate::callfunc!(new new_str)),
            TypeNum::STRING => Some(crate::callfunc!(new new_bytes)),
            n if n.is_datetime() => Some(crate::callfunc!(new super::time::new)),
            n if n.is_number() => Some(crate::callfunc!(new new_number)),
            _ => return,
        };
    }
}
