//! Keyword arguments of ufunc calls and methods, with numpy's error texts.

use micronumpy::dtype::host::is_host_class;
use micronumpy::iter::PerOp;
use micronumpy::{Casting, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple, PyType};

use super::UfuncRef;
use crate::abi::{NPY_DT_ABSTRACT, PyArray_DTypeMeta};
use crate::objects::array::assign::check_writeable;
use crate::objects::dtype::{self, DTYPEMETA_TYPE, DtypeClass};
use crate::objects::{Array, array};

/// What an element of `signature=` or `dtype=` asks for.
pub type Signature = PerOp<Option<TypeNum>>;

pub fn casting_of(obj: &Bound<'_, PyAny>) -> PyResult<Casting> {
    let Ok(s) = obj.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("casting must be str, not {}", obj.get_type().name()?)));
    };
    Ok(match s.to_str()? {
        "no" => Casting::No,
        "equiv" => Casting::Equiv,
        "safe" => Casting::Safe,
        "same_kind" => Casting::SameKind,
        "unsafe" => Casting::Unsafe,
        _ => {
            return Err(PyValueError::new_err(format!(
                "casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe' (got {})",
                obj.repr()?
            )));
        }
    })
}

/// The name of a casting level.
pub fn casting_name(casting: Casting) -> &'static str {
    match casting {
        Casting::No => "no",
        Casting::Equiv => "equiv",
        Casting::Safe => "safe",
        Casting::SameKind => "same_kind",
        Casting::Unsafe => "unsafe",
        Casting::SameValue => "same_value",
    }
}

/// `order=`; `None` is the default given.
pub fn order_of(obj: &Bound<'_, PyAny>, default: Order) -> PyResult<Order> {
    if obj.is_none() {
        return Ok(default);
    }
    let Ok(s) = obj.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("order must be str, not {}", obj.get_type().name()?)));
    };
    Ok(match s.to_str()? {
        "C" | "c" => Order::C,
        "F" | "f" => Order::F,
        "A" | "a" => Order::Any,
        "K" | "k" => Order::Keep,
        _ => {
            return Err(PyValueError::new_err(format!(
                "order must be one of 'C', 'F', 'A', or 'K' (got {})",
                obj.repr()?
            )));
        }
    })
}

pub fn subok_of(obj: &Bound<'_, PyAny>) -> PyResult<bool> {
    match obj.cast::<PyBool>() {
        Ok(b) => Ok(b.is_true()),
        Err(_) => Err(PyTypeError::new_err("'subok' must be a boolean")),
    }
}

pub fn keepdims_of(obj: &Bound<'_, PyAny>) -> PyResult<bool> {
    // SAFETY: live object.
    match unsafe { ffi::PyObject_IsTrue(obj.as_ptr()) } {
        -1 => Err(PyErr::fetch(obj.py())),
        n => Ok(n != 0),
    }
}

/// `where=`: a bool array, `None` for a plain `True`.
pub fn where_of<'py>(obj: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Array<'py>>> {
    let Some(obj) = obj else { return Ok(None) };
    if obj.cast::<PyBool>().is_ok_and(|b| b.is_true()) {
        return Ok(None);
    }
    let descr = dtype::builtin(obj.py(), TypeNum::BOOL);
    Ok(Some(array::from_any(obj, Some(&descr), 0, 0, 0)?))
}

/// `out=`: one entry per output, absent ones to be allocated.
pub fn outs_of<'py>(
    uf: &UfuncRef<'py>,
    obj: &Bound<'py, PyAny>,
) -> PyResult<PerOp<Option<Bound<'py, PyAny>>>> {
    let nout = uf.nout();
    let given = |o: Bound<'py, PyAny>| if o.is_none() { None } else { Some(o) };
    if let Ok(tuple) = obj.cast_exact::<PyTuple>() {
        if tuple.len() != nout {
            return Err(PyValueError::new_err(
                "The 'out' tuple must have exactly one entry per ufunc output",
            ));
        }
        return Ok(tuple.iter().map(given).collect());
    }
    if nout != 1 {
        return Err(PyTypeError::new_err("'out' must be a tuple of arrays"));
    }
    Ok(std::iter::once(given(obj.clone())).collect())
}

/// An output as a writable array.
pub fn out_array<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
    let Some(arr) = Array::cast(obj) else {
        return Err(PyTypeError::new_err("return arrays must be of ArrayType"));
    };
    check_writeable(&arr, "output array")?;
    Ok(arr)
}

/// The type a `dtype=` or an item of `signature=` names: a DType class, or a dtype without details.
pub fn type_of(obj: &Bound<'_, PyAny>) -> PyResult<TypeNum> {
    let py = obj.py();
    if is_dtype_class(obj) {
        // SAFETY: instances of the metaclass have its layout.
        let (num, flags) = unsafe {
            let class = obj.as_ptr().cast::<PyArray_DTypeMeta>();
            ((*class).type_num, (*class).flags)
        };
        if flags & NPY_DT_ABSTRACT != 0 {
            // An abstract class stands for its default.
            let name = obj.cast::<PyType>()?.name()?.to_string();
            let text = name.to_lowercase();
            let num = if text.contains("complex") {
                TypeNum::CDOUBLE
            } else if text.contains("float") {
                TypeNum::DOUBLE
            } else {
                TypeNum::LONG
            };
            return Ok(num);
        }
        return Ok(DtypeClass::cast(obj).map_or(TypeNum(num), |c| c.num()));
    }
    let descr = dtype::convert(obj)?;
    let num = descr.dtype().num;
    if is_host_class(num) || num == TypeNum::VSTRING {
        return Err(PyTypeError::new_err(
            "Cannot pass a new user DType instance to the `dtype` or `signature` arguments of ufuncs. Pass the DType class \
             instead.",
        ));
    }
    if num.is_user() {
        return Ok(num);
    }
    let plain = dtype::builtin(py, num);
    if plain.raw() != descr.raw() && !micronumpy::dtype::equivalent(plain.dtype(), descr.dtype()) {
        return Err(PyTypeError::new_err(
            "The `dtype` and `signature` arguments to ufuncs only select the general DType and not details such as \
             the byte order or time unit. You can avoid this error by using the scalar types `np.float64` or the dtype \
             string notation.",
        ));
    }
    Ok(num)
}

/// `isinstance(obj, numpy._DTypeMeta)`
pub fn is_dtype_class(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: live object, ready type.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), DTYPEMETA_TYPE.as_type()) != 0 }
}

/// `dtype=` and `signature=` (or `sig=`) as types for every operand.
pub fn signature_of(
    uf: &UfuncRef<'_>,
    signature: Option<&Bound<'_, PyAny>>,
    dtype: Option<&Bound<'_, PyAny>>,
) -> PyResult<Signature> {
    let (nin, nargs) = (uf.nin(), uf.nargs());
    let mut out: Signature = (0..nargs).map(|_| None).collect();
    if let Some(d) = dtype.filter(|d| !d.is_none()) {
        let num = type_of(d)?;
        for slot in &mut out[nin..] {
            *slot = Some(num);
        }
        return Ok(out);
    }
    let Some(signature) = signature else { return Ok(out) };
    if let Ok(tuple) = signature.cast::<PyTuple>() {
        if tuple.len() == 1 && nargs != 1 {
            if tuple.get_item(0)?.is_none() {
                return Err(PyTypeError::new_err("a single item type tuple cannot contain None."));
            }
            return Err(PyTypeError::new_err("Use `dtype` or  fill the tuple with more than one 'None'."));
        }
        if tuple.len() != nargs {
            return Err(PyValueError::new_err(format!(
                "a type-tuple must be specified of length {nargs} for ufunc '{}'",
                uf.name()
            )));
        }
        for (slot, item) in out.iter_mut().zip(tuple.iter()) {
            if !item.is_none() {
                *slot = Some(type_of(&item)?);
            }
        }
        return Ok(out);
    }
    let text: String = if let Ok(s) = signature.cast::<PyString>() {
        s.to_str()?.to_string()
    } else if let Ok(b) = signature.cast::<pyo3::types::PyBytes>() {
        b.call_method1(pyo3::intern!(b.py(), "decode"), ("ascii",))?.extract()?
    } else {
        return Err(PyTypeError::new_err("the signature object to ufunc must be a string or a tuple."));
    };
    let chars = text.as_bytes();
    if chars.len() == 1 && nargs != 1 {
        return Err(PyTypeError::new_err("Use `dtype` or  fill the tuple with more than one 'None'."));
    }
    if chars.len() != nargs + 2 || chars[nin] != b'-' || chars[nin + 1] != b'>' {
        return Err(PyValueError::new_err(format!(
            "a type-string for {}, {nin} typecode(s) before and {} after the -> sign",
            uf.name(),
            uf.nout()
        )));
    }
    for (slot, &c) in out.iter_mut().zip(chars.iter().filter(|c| !b"->".contains(c))) {
        *slot =
            Some(TypeNum::from_char(c).ok_or_else(|| PyValueError::new_err("Invalid data-type for array"))?);
    }
    Ok(out)
}
