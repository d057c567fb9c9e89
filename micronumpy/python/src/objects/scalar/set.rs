//! Python objects into elements: numpy's `setitem` and `PyArray_Pack`.

use std::ptr::copy_nonoverlapping;

use micronumpy::dtype::SWAPPED;
use micronumpy::dtype::host::is_host_class;
use micronumpy::{ArrayRef, Dtype, TypeNum};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyString};
use pyo3::{PyTypeInfo, ffi};
use ufuncs::elem::{CLongDouble, Complex, LongDouble, float16};
use ufuncs::fpstatus;

use super::value::{Cell, cell_of, descr_of_numpy_scalar, store_numpy_scalar, to_f64, typenum_of, ucs4_of};
use super::{time, void};
use crate::error::{IntoPyResult, missing};
use crate::objects::dtype::{DtypeClass, string};
use crate::objects::{Array, Descr, array, dtype, ufunc};

type Obj<'py> = Bound<'py, PyAny>;

/// Store a Python object (Python or numpy scalar, string, 0-d array, tuple for structs...) as the element at `data`
/// (numpy's `PyArray_Pack`).
///
/// # Safety
/// `data` points to one writable element of `descr`; object slots in it are null or own a reference.
pub unsafe fn set_item<'py>(descr: &Descr<'py>, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    // SAFETY: the caller's promise.
    unsafe { set_value(descr.dtype(), data, value) }
}

/// The same by dtype.
///
/// # Safety
/// As for [`set_item`].
#[inline]
pub unsafe fn set_value<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if dt.byteorder != SWAPPED && set_number(dt.num, data, value) {
            Ok(())
        } else {
            convert(dt, data, value)
        }
    }
}

/// Store a `float`, `int`, `bool` or `complex` of Python in a native element where it is no question what that is; false where it is, or
/// the value is something else.
///
/// # Safety
/// `data` points to one writable element of this type.
#[inline]
unsafe fn set_number(num: TypeNum, data: *mut u8, value: &Obj<'_>) -> bool {
    let obj = value.as_ptr();
    // SAFETY: a live object that is of the type asked for; the caller's promise for the stores.
    unsafe {
        let ty = ffi::Py_TYPE(obj);
        if ty == &raw mut ffi::PyFloat_Type {
            let x = ffi::PyFloat_AS_DOUBLE(obj);
            match num {
                TypeNum::DOUBLE => data.cast::<f64>().write_unaligned(x),
                TypeNum::FLOAT if x.abs() <= f64::from(f32::MAX) => {
                    data.cast::<f32>().write_unaligned(x as f32);
                }
                TypeNum::CDOUBLE => data.cast::<[f64; 2]>().write_unaligned([x, 0.0]),
                _ => return false,
            }
            return true;
        }
        if ty == &raw mut ffi::PyComplex_Type {
            let ffi::Py_complex { real, imag } = (*obj.cast::<ffi::PyComplexObject>()).cval;
            let fits = |x: f64| x.abs() <= f64::from(f32::MAX);
            match num {
                TypeNum::CDOUBLE => data.cast::<[f64; 2]>().write_unaligned([real, imag]),
                TypeNum::CFLOAT if fits(real) && fits(imag) => {
                    data.cast::<[f32; 2]>().write_unaligned([real as f32, imag as f32]);
                }
                _ => return false,
            }
            return true;
        }
        if ty == &raw mut ffi::PyBool_Type {
            let is = obj == ffi::Py_True();
            match num {
                TypeNum::BOOL => data.write(is.into()),
                _ => return false,
            }
            return true;
        }
        if ty != &raw mut ffi::PyLong_Type {
            return false;
        }
        let mut overflow = 0;
        let i = ffi::PyLong_AsLongLongAndOverflow(obj, &mut overflow);
        /// # Safety
        /// As for the function around this one.
        unsafe fn fit<T: TryFrom<i64>>(i: i64, data: *mut u8) -> bool {
            match T::try_from(i) {
                // SAFETY: the caller's promise.
                Ok(i) => unsafe { data.cast::<T>().write_unaligned(i) },
                Err(_) => return false,
            }
            true
        }
        overflow == 0
            && match num {
                TypeNum::LONG | TypeNum::LONGLONG => fit::<i64>(i, data),
                TypeNum::INT => fit::<i32>(i, data),
                TypeNum::SHORT => fit::<i16>(i, data),
                TypeNum::BYTE => fit::<i8>(i, data),
                TypeNum::ULONG | TypeNum::ULONGLONG => fit::<u64>(i, data),
                TypeNum::UINT => fit::<u32>(i, data),
                TypeNum::USHORT => fit::<u16>(i, data),
                TypeNum::UBYTE => fit::<u8>(i, data),
                // Rounded as `float(i)` is.
                TypeNum::DOUBLE => {
                    data.cast::<f64>().write_unaligned(i as f64);
                    true
                }
                TypeNum::CDOUBLE => {
                    data.cast::<[f64; 2]>().write_unaligned([i as f64, 0.0]);
                    true
                }
                _ => false,
            }
    }
}

/// [`set_value`] for everything.
///
/// # Safety
/// As there.
unsafe fn convert<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let num = dt.num;
    // SAFETY: the caller's promise covers all stores.
    unsafe {
        if num == TypeNum::OBJECT {
            store_object(data, value);
            return Ok(());
        }
        if is_host_class(num) {
            return pack(dt, data, value);
        }
        if let Some(strings) = dt.as_strings() {
            // Strings take scalars by `str()`, except those of text, which are cast.
            let is_text = |n: TypeNum| n.is_string() || n == TypeNum::VOID;
            return match (typenum_of(value), Array::cast(value)) {
                (Some(own), _) if is_text(own) => cast_scalar(dt, data, value),
                (_, Some(arr)) if arr.ndim() == 0 && arr.is_exact() => {
                    cast_element(value.py(), dt, data, arr.dtype(), arr.data())
                }
                _ => string::set(strings, data, value),
            };
        }
        // A scalar or 0-d array of another type is cast, whatever Python could make of it. Two exceptions are numpy's:
        // signed integers take scalars by `int()`, so that they do not wrap, and strings take dates by `str()`.
        if let Some(own) = typenum_of(value) {
            let by_python =
                num.is_signed() || (own.is_datetime() && num.is_flexible() && num != TypeNum::VOID);
            if own != num && !by_python {
                return cast_scalar(dt, data, value);
            }
        } else if let Some(arr) = Array::cast(value)
            && arr.ndim() == 0
            && arr.is_exact()
        {
            return cast_element(value.py(), dt, data, arr.dtype(), arr.data());
        } else if super::is_generic(value)
            && !num.is_signed()
            && !num.is_user()
            && let Some(own) = super::value::descr_of_scalar(value)?.filter(|d| d.dtype().num.is_user())
        {
            // A scalar of a user dtype becomes what a cast makes of it, if there is one.
            if !micronumpy::cast::can_cast(own.dtype(), dt, micronumpy::Casting::Unsafe) {
                return Err(PyTypeError::new_err(format!(
                    "Cannot cast array data from {} to {}.",
                    own.0.repr()?,
                    dtype::descr_of(value.py(), dt)?.0.repr()?
                )));
            }
            return cast_scalar(dt, data, value);
        }
        set_object(dt, data, value)
    }
}

/// Store an object by what it is to Python, numpy scalars too: numpy's `setitem` of the builtin dtypes.
///
/// # Safety
/// As for [`set_item`].
pub unsafe fn set_object<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let (num, swapped) = (dt.num, dt.byteorder == SWAPPED);
    // SAFETY: the caller's promise covers all stores.
    unsafe {
        if num.is_bool() || num.is_number() {
            let mut cell = number(num, value)?;
            if swapped {
                cell.swap(num);
            }
            copy_nonoverlapping(cell.ptr(), data, num.size());
            return Ok(());
        }
        match num {
            TypeNum::STRING | TypeNum::UNICODE => text(dt, data, value),
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let meta = dt.datetime_meta().unwrap_or(time::GENERIC);
                let mut cell = Cell::of(time::from_python(num, meta, value)?);
                if swapped {
                    cell.swap(num);
                }
                copy_nonoverlapping(cell.ptr(), data, 8);
                Ok(())
            }
            TypeNum::VOID => void::set_value(dt, data, value),
            _ if num.is_user() => {
                let descr = dtype::descr_of(value.py(), dt)?;
                DtypeClass::of(&descr).setitem(&descr, data, value)
            }
            _ => Err(missing("storing elements of this dtype")),
        }
    }
}

/// Store a value as a cast would: numpy scalars of another type wrap and round, everything else as [`set_item`].
///
/// # Safety
/// As for [`set_item`].
pub unsafe fn cast_item<'py>(descr: &Descr<'py>, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let dt = descr.dtype();
    // SAFETY: the caller's promise.
    unsafe {
        match typenum_of(value) {
            // Dates as strings are cut off, where a cast would complain.
            Some(own) if own.is_datetime() && dt.num.is_string() => set_value(dt, data, value),
            Some(own) if own != dt.num && !dt.num.is_object() => cast_scalar(dt, data, value),
            _ => set_value(dt, data, value),
        }
    }
}

/// Store an object as an element of a user DType: by the class if it knows objects of this type or nobody does, else by a
/// cast from the dtype the object has.
unsafe fn pack<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let py = value.py();
    let descr = dtype::descr_of(py, dt)?;
    let class = DtypeClass::of(&descr);
    let own = match Array::cast(value).filter(|a| a.ndim() == 0) {
        Some(arr) => {
            // SAFETY: one element on each side.
            return unsafe { cast_element(py, dt, data, arr.dtype(), arr.data()) };
        }
        None if class.knows_scalar(&value.get_type())? => None,
        None => super::value::descr_of_scalar(value)?,
    };
    let Some(own) = own.filter(|own| !class.is_class_of(own)) else {
        // SAFETY: the caller's promise.
        return unsafe { class.setitem(&descr, data, value) };
    };
    if !micronumpy::cast::can_cast(own.dtype(), dt, micronumpy::Casting::Unsafe) {
        return Err(PyTypeError::new_err(format!(
            "Cannot cast data from {} to {}.",
            own.0.str()?,
            descr.0.str()?
        )));
    }
    let arr = array::new(&own, &[], micronumpy::Order::C, true)?;
    // SAFETY: an array of one element.
    unsafe {
        set_item(&own, arr.data(), value)?;
        cast_element(py, dt, data, own.dtype(), arr.data())
    }
}

/// Replace what an object slot holds.
///
/// # Safety
/// `data` is an object slot: null or owning a reference.
pub unsafe fn store_object(data: *mut u8, value: &Obj<'_>) {
    // SAFETY: the caller's promise. The old object goes last: its destructor may look at the slot.
    unsafe {
        let slot = data.cast::<*mut ffi::PyObject>();
        let old = slot.read_unaligned();
        slot.write_unaligned(value.clone().into_ptr());
        ffi::Py_XDECREF(old);
    }
}

/// Cast a numpy scalar into an element.
unsafe fn cast_scalar<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let own = descr_of_numpy_scalar(value)?.ok_or_else(|| missing("scalars of this type"))?;
    if own.itemsize() <= super::value::MAX_FIXED && !own.dtype().has_object() {
        let mut cell = Cell::ZERO;
        // SAFETY: the element fits the cell; see the caller for `data`.
        return unsafe {
            store_numpy_scalar(&own, cell.ptr_mut(), value)?;
            cast_element(value.py(), dt, data, own.dtype(), cell.ptr_mut())
        };
    }
    let arr = super::value::to_array(value)?;
    // SAFETY: an array of one element.
    unsafe { cast_element(value.py(), dt, data, own.dtype(), arr.data()) }
}

/// Cast one element into another.
unsafe fn cast_element(
    py: Python<'_>,
    dt: &Dtype,
    data: *mut u8,
    from: &Dtype,
    src: *mut u8,
) -> PyResult<()> {
    // SAFETY: one element on each side.
    let (dst, src) = unsafe { (ArrayRef::new(data, &[], &[], dt), ArrayRef::new(src, &[], &[], from)) };
    match micronumpy::cast::copy_into_status(&dst, &src).py(py)? {
        0 => Ok(()),
        fpe => ufunc::report_fp_status(py, "cast", fpe),
    }
}

/// Sequences that are not strings get an error of their own when they turn up as a number; integers say it of arrays only.
fn not_a_number(num: TypeNum, value: &Obj<'_>, err: PyErr) -> PyErr {
    let py = value.py();
    if num.is_integer() && Array::cast(value).is_none() {
        return err;
    }
    // SAFETY: a live object.
    let sequence = unsafe { ffi::PySequence_Check(value.as_ptr()) != 0 }
        && !value.is_instance_of::<PyString>()
        && !value.is_instance_of::<PyBytes>()
        && Array::cast(value).is_none_or(|a| a.ndim() > 0);
    if !sequence {
        return err;
    }
    let new = PyValueError::new_err("setting an array element with a sequence.");
    new.set_cause(py, Some(err));
    new
}

/// `int(value)`
fn to_int<'py>(value: &Obj<'py>) -> PyResult<Obj<'py>> {
    if value.is_instance_of::<PyInt>() {
        return Ok(value.clone());
    }
    // SAFETY: a live object; a new reference or null.
    unsafe { Bound::from_owned_ptr_or_err(value.py(), ffi::PyNumber_Long(value.as_ptr())) }
}

/// An integer as an element of type `num`.
///
/// # Errors
/// numpy's OverflowError when it does not fit.
pub fn integer(num: TypeNum, value: &Obj<'_>) -> PyResult<Cell> {
    let bits = 8 * num.size() as u32;
    if num.is_signed() {
        if let Ok(v) = value.extract::<i64>()
            && (bits == 64 || (v >= -(1i64 << (bits - 1)) && v < (1i64 << (bits - 1))))
        {
            // Little end first: the low bytes are the value in the smaller type.
            return Ok(narrow(v as u64, num));
        }
    } else if let Ok(v) = value.extract::<u64>()
        && (bits == 64 || v < 1u64 << bits)
    {
        return Ok(narrow(v, num));
    }
    Err(out_of_bounds(num, value))
}

fn narrow(v: u64, num: TypeNum) -> Cell {
    match num.size() {
        1 => Cell::of(v as u8),
        2 => Cell::of(v as u16),
        4 => Cell::of(v as u32),
        _ => Cell::of(v),
    }
}

/// numpy's text for integers that do not fit.
pub fn out_of_bounds(num: TypeNum, value: &Obj<'_>) -> PyErr {
    // Beyond the C type an integer goes through it is CPython's own conversion that complains.
    let by_unsigned = num.is_unsigned() && (num.size() == 8 || num == TypeNum::UINT);
    if value.extract::<i64>().is_err() && !(by_unsigned && value.extract::<u64>().is_ok()) {
        return PyOverflowError::new_err(match num {
            TypeNum::LONGLONG | TypeNum::ULONGLONG => "int too big to convert",
            _ => "Python int too large to convert to C long",
        });
    }
    let name = format!("{}int{}", if num.is_unsigned() { "u" } else { "" }, 8 * num.size());
    match value.str() {
        Ok(s) => PyOverflowError::new_err(format!(
            "Python integer {} out of bounds for {name}",
            s.to_string_lossy()
        )),
        Err(e) => e,
    }
}

/// `float(value)` with numpy's additions: strings, bytes, `None`.
fn double(value: &Obj<'_>) -> PyResult<f64> {
    let py = value.py();
    if let Ok(f) = value.cast_exact::<PyFloat>() {
        return Ok(f.value());
    }
    if value.is_none() {
        return Ok(f64::NAN);
    }
    // SAFETY: live objects; new references or null.
    let f = unsafe {
        if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
            Bound::from_owned_ptr_or_err(py, ffi::PyFloat_FromString(value.as_ptr()))
        } else {
            Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Float(value.as_ptr()))
        }
    };
    f?.extract()
}

fn long_double(value: &Obj<'_>) -> PyResult<LongDouble> {
    let text = if let Ok(s) = value.cast::<PyString>() {
        s.to_string_lossy().into_owned()
    } else if let Ok(b) = value.cast::<PyBytes>() {
        String::from_utf8_lossy(b.as_bytes()).into_owned()
    } else if value.is_instance_of::<PyInt>() {
        if let Ok(v) = value.extract::<i64>() {
            return Ok(LongDouble::from(v));
        }
        value.str()?.to_string_lossy().into_owned()
    } else {
        return double(value).map(LongDouble::from);
    };
    let trimmed = text.trim_end_matches(|c: char| c.is_ascii_whitespace());
    let (v, used) = LongDouble::parse_prefix(trimmed.as_bytes());
    if used == 0 || used != trimmed.len() {
        return Err(PyValueError::new_err(format!("invalid literal for long double: {text}")));
    }
    if v.is_infinite() && text.bytes().any(|c| c.is_ascii_digit()) {
        let category = pyo3::exceptions::PyRuntimeWarning::type_object(value.py());
        PyErr::warn(value.py(), &category, c"overflow encountered in conversion from string", 1)?;
    }
    Ok(v)
}

/// Real and imaginary part.
fn complex(value: &Obj<'_>) -> PyResult<(f64, f64)> {
    let py = value.py();
    if value.is_none() {
        return Ok((f64::NAN, f64::NAN));
    }
    let value = match value.cast::<PyBytes>() {
        Ok(b) => {
            let text = std::str::from_utf8(b.as_bytes())
                .map_err(|_| PyValueError::new_err("complex() arg is a malformed string"))?;
            PyString::new(py, text).into_any()
        }
        Err(_) => value.clone(),
    };
    if value.is_instance_of::<PyString>() {
        let c = pyo3::types::PyComplex::type_object(py).call1((&value,))?;
        return complex(&c);
    }
    // SAFETY: a live object.
    let c = unsafe { ffi::PyComplex_AsCComplex(value.as_ptr()) };
    if c.real == -1.0
        && let Some(err) = PyErr::take(py)
    {
        return Err(err);
    }
    Ok((c.real, c.imag))
}

/// A Python object as a number (or bool) of type `num`, in native byte order.
pub fn number(num: TypeNum, value: &Obj<'_>) -> PyResult<Cell> {
    if typenum_of(value) == Some(num) {
        return Ok(cell_of(value, num));
    }
    let mut overflow = false;
    let mut narrow = |num: TypeNum, v: f64| {
        let cell = from_f64(num, v);
        overflow |= v.is_finite() && to_f64(num, &cell).is_infinite();
        cell
    };
    let cell = if num.is_bool() {
        value.is_truthy().map(|b| Cell::of(u8::from(b)))
    } else if num.is_integer() {
        to_int(value).and_then(|v| integer(num, &v))
    } else if num == TypeNum::LONGDOUBLE {
        long_double(value).map(Cell::of)
    } else if num.is_float() {
        double(value).map(|v| narrow(num, v))
    } else {
        complex(value).map(|(re, im)| match num {
            TypeNum::CFLOAT => {
                let (re, im) = (narrow(TypeNum::FLOAT, re), narrow(TypeNum::FLOAT, im));
                Cell::of(Complex { re: re.get::<f32>(), im: im.get::<f32>() })
            }
            TypeNum::CLONGDOUBLE => {
                Cell::of(CLongDouble { re: LongDouble::from(re), im: LongDouble::from(im) })
            }
            _ => Cell::of(Complex { re, im }),
        })
    };
    // Long doubles and complex numbers tell what Python told.
    let own_words = num == TypeNum::LONGDOUBLE || num.is_complex();
    let cell = if own_words { cell? } else { cell.map_err(|e| not_a_number(num, value, e))? };
    // Only conversions to smaller floats can overflow; numpy calls that a cast.
    if overflow {
        ufunc::report_fp_status(value.py(), "cast", fpstatus::OVERFLOW as u8)?;
        // Whoever converts as a part of something else finds the status still there, as in numpy.
        fpstatus::raise(fpstatus::OVERFLOW);
    }
    Ok(cell)
}

/// A double rounded to a float type.
pub fn from_f64(num: TypeNum, v: f64) -> Cell {
    match num {
        TypeNum::HALF => Cell::of(float16::from_f64(v)),
        TypeNum::FLOAT => Cell::of(v as f32),
        TypeNum::LONGDOUBLE => Cell::of(LongDouble::from(v)),
        _ => Cell::of(v),
    }
}

/// A Python object as text: what does not fit is cut off, the rest is filled with NULs.
unsafe fn text<'py>(dt: &Dtype, data: *mut u8, value: &Obj<'py>) -> PyResult<()> {
    let py = value.py();
    let (num, size, swapped) = (dt.num, dt.itemsize, dt.byteorder == SWAPPED);
    if !value.is_instance_of::<PyString>()
        && !value.is_instance_of::<PyBytes>()
        // SAFETY: a live object.
        && unsafe { ffi::PySequence_Check(value.as_ptr()) } != 0
        && !value.is_instance_of::<pyo3::types::PyDict>()
        && (!super::is_generic(value) || typenum_of(value) == Some(TypeNum::VOID))
        && Array::cast(value).is_none_or(|a| a.ndim() > 0)
    {
        return Err(PyValueError::new_err("setting an array element with a sequence"));
    }
    let bytes = if num == TypeNum::STRING {
        if let Ok(b) = value.cast::<PyBytes>() {
            b.as_bytes().to_vec()
        } else {
            let s = if value.is_instance_of::<PyString>() { value.clone() } else { value.str()?.into_any() };
            // SAFETY: a live string; a new reference or null.
            let ascii =
                unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_AsASCIIString(s.as_ptr()))? };
            ascii.cast::<PyBytes>()?.as_bytes().to_vec()
        }
    } else {
        let s = if let Ok(b) = value.cast::<PyBytes>() {
            // SAFETY: a live bytes object; a new reference or null.
            unsafe {
                let b = b.as_ptr();
                Bound::from_owned_ptr_or_err(
                    py,
                    ffi::PyUnicode_FromEncodedObject(b, c"ASCII".as_ptr(), c"strict".as_ptr()),
                )?
            }
        } else if value.is_instance_of::<PyString>() {
            value.clone()
        } else {
            value.str()?.into_any()
        };
        let chars = ucs4_of(&s)?;
        chars.iter().flat_map(|&c| if swapped { c.swap_bytes() } else { c }.to_ne_bytes()).collect()
    };
    let n = bytes.len().min(size);
    // SAFETY: the element has `size` bytes.
    unsafe {
        copy_nonoverlapping(bytes.as_ptr(), data, n);
        std::ptr::write_bytes(data.add(n), 0, size - n);
    }
    Ok(())
}
