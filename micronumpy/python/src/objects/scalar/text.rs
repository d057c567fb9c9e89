//! `repr`, `str` and `format` of scalars.

use micronumpy::TypeNum;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyFloat, PyString};
use pyo3::{PyTypeInfo, ffi, intern};
use ufuncs::elem::{CLongDouble, Complex, LongDouble, f16, float16};
use ufuncs::float_format::{complex_str, scalar_str};

use super::time;
use super::value::{Cell, cell_of, python_number, to_array, trim_nul, typenum_of};
use crate::ffi::import::cached;

type Obj<'py> = Bound<'py, PyAny>;

/// The print mode to imitate: 113 for numpy 1.13, `i64::MAX` for none.
pub fn legacy_mode(py: Python<'_>) -> PyResult<i64> {
    let options = cached(py, "numpy._core.printoptions", "format_options")?;
    options.call_method0(intern!(py, "get"))?.get_item(intern!(py, "legacy"))?.extract()
}

/// numpy 1.13 printed a fixed number of significant digits.
fn digits_113(num: TypeNum, repr: bool) -> usize {
    match (num.real_part(), repr) {
        (TypeNum::LONGDOUBLE, true) => 20,
        (TypeNum::DOUBLE, true) => 17,
        (_, true) => 8,
        (TypeNum::LONGDOUBLE | TypeNum::DOUBLE, false) => 12,
        (_, false) => 6,
    }
}

fn part_113(v: LongDouble, digits: usize, point: bool) -> String {
    if !v.is_finite() {
        return v.format(b'g', digits).replace("-nan", "nan");
    }
    let mut text = v.format(b'g', digits);
    if point && !text.contains(['.', 'e']) {
        text.push_str(".0");
    }
    text
}

/// The two parts of a number as long doubles.
fn widen(num: TypeNum, v: &Cell) -> (LongDouble, LongDouble) {
    match num {
        TypeNum::HALF => (LongDouble::from(float16::to_f64(v.get())), LongDouble::ZERO),
        TypeNum::FLOAT => (LongDouble::from(v.get::<f32>()), LongDouble::ZERO),
        TypeNum::DOUBLE => (LongDouble::from(v.get::<f64>()), LongDouble::ZERO),
        TypeNum::LONGDOUBLE => (v.get(), LongDouble::ZERO),
        TypeNum::CFLOAT => {
            let c: Complex<f32> = v.get();
            (LongDouble::from(c.re), LongDouble::from(c.im))
        }
        TypeNum::CDOUBLE => {
            let c: Complex<f64> = v.get();
            (LongDouble::from(c.re), LongDouble::from(c.im))
        }
        _ => {
            let c: CLongDouble = v.get();
            (c.re, c.im)
        }
    }
}

fn text_113(num: TypeNum, v: &Cell, repr: bool) -> String {
    let digits = digits_113(num, repr);
    let (re, im) = widen(num, v);
    if !num.is_complex() {
        return part_113(re, digits, true);
    }
    let times = if im.is_finite() { "" } else { "*" };
    let im_text = part_113(im, digits, false);
    if re.is_zero() && !re.is_sign_negative() {
        return format!("{im_text}{times}j");
    }
    let sign = if im_text.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{im_text}{times}j)", part_113(re, digits, false))
}

/// The text of a number: `str` of the scalar.
pub fn number_text(py: Python<'_>, num: TypeNum, v: &Cell, repr: bool) -> PyResult<String> {
    if num.is_bool() {
        return Ok(if v.0[0] != 0 { "True" } else { "False" }.into());
    }
    if num.is_integer() {
        return Ok(python_number(py, num, v)?.str()?.to_string_lossy().into_owned());
    }
    let mode = legacy_mode(py)?;
    if mode <= 113 {
        return Ok(text_113(num, v, repr));
    }
    let old = mode <= 202;
    Ok(match num {
        TypeNum::HALF => scalar_str(v.get::<f16>(), old),
        TypeNum::FLOAT => scalar_str(v.get::<f32>(), old),
        TypeNum::DOUBLE => scalar_str(v.get::<f64>(), old),
        TypeNum::LONGDOUBLE => scalar_str(v.get::<LongDouble>(), old),
        TypeNum::CFLOAT => {
            let c: Complex<f32> = v.get();
            complex_str(c.re, c.im, old)
        }
        TypeNum::CDOUBLE => {
            let c: Complex<f64> = v.get();
            complex_str(c.re, c.im, old)
        }
        _ => {
            let c: CLongDouble = v.get();
            complex_str(c.re, c.im, old)
        }
    })
}

/// `int64` for `long` and `long long` alike.
fn short_name(num: TypeNum) -> String {
    let bits = 8 * num.size();
    match num {
        TypeNum::LONGDOUBLE => "longdouble".into(),
        TypeNum::CLONGDOUBLE => "clongdouble".into(),
        n if n.is_signed() => format!("int{bits}"),
        n if n.is_unsigned() => format!("uint{bits}"),
        n if n.is_float() => format!("float{bits}"),
        _ => format!("complex{bits}"),
    }
}

/// `np.float64(1.5)`
fn repr_number<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let Some(num) = typenum_of(slf) else { return slf.str().map(Bound::into_any) };
    let text = number_text(py, num, &cell_of(slf, num), true)?;
    let mode = legacy_mode(py)?;
    if mode <= 125 {
        return Ok(PyString::new(py, &text).into_any());
    }
    let text = match num {
        TypeNum::BOOL => format!("np.{text}_"),
        TypeNum::LONGDOUBLE | TypeNum::CLONGDOUBLE => {
            format!("np.{}('{}')", short_name(num), bare(&text))
        }
        // Integers of a derived class carry its name.
        n if n.is_integer() && super::typenum_of_class(slf.get_type_ptr()).is_none() => {
            format!("{}({text})", slf.get_type().name()?)
        }
        _ => format!("np.{}({})", short_name(num), bare(&text)),
    };
    Ok(PyString::new(py, &text).into_any())
}

/// Complex text without its parentheses.
fn bare(text: &str) -> &str {
    text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text)
}

fn str_number<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    match typenum_of(slf) {
        Some(num) => Ok(PyString::new(py, &number_text(py, num, &cell_of(slf, num), false)?).into_any()),
        None => Ok(PyString::new(py, "").into_any()),
    }
}

/// `np.str_('a')`
fn repr_str<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let chars = super::value::ucs4_of(slf)?;
    // SAFETY: the characters came from a string.
    let plain = unsafe { super::value::read_ucs4(py, chars.as_ptr().cast(), 4 * chars.len(), false)? };
    wrap_repr(&plain, "str_")
}

fn str_str<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let chars = super::value::ucs4_of(slf)?;
    // SAFETY: as above.
    unsafe { super::value::read_ucs4(py, chars.as_ptr().cast(), 4 * chars.len(), false) }
}

/// `np.bytes_(b'a')`
fn plain_bytes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let bytes = slf.cast::<PyBytes>()?;
    Ok(PyBytes::new(slf.py(), trim_nul(bytes.as_bytes())).into_any())
}

fn repr_bytes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    wrap_repr(&plain_bytes(slf)?, "bytes_")
}

fn str_bytes<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(plain_bytes(slf)?.repr()?.into_any())
}

fn wrap_repr<'py>(plain: &Obj<'py>, name: &str) -> PyResult<Obj<'py>> {
    let py = plain.py();
    let text = plain.repr()?;
    if legacy_mode(py)? <= 125 {
        return Ok(text.into_any());
    }
    let parts = [PyString::new(py, &format!("np.{name}(")), text, PyString::new(py, ")")];
    PyString::new(py, "").call_method1(intern!(py, "join"), (parts.to_vec(),))
}

/// Text of scalars without a rule of their own: that of the 0-d array.
fn repr_array<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(to_array(slf)?.0.repr()?.into_any())
}
fn str_array<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(to_array(slf)?.0.str()?.into_any())
}

/// `scalar.__format__(spec)`: that of the Python number with the same value.
pub fn format<'py>(slf: &Obj<'py>, spec: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let value = match typenum_of(slf) {
        Some(num) if num.is_integer() || num.is_bool() && !is_empty(spec)? => {
            let plain = python_number(py, num, &cell_of(slf, num))?;
            if num.is_bool() { plain.call_method0("__int__")? } else { plain }
        }
        Some(num) if num.is_float() => PyFloat::type_object(py).call1((slf,))?,
        Some(num) if num.is_complex() => PyComplex::type_object(py).call1((slf,))?,
        _ => slf.str()?.into_any(),
    };
    // SAFETY: live objects; a new reference or null.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyObject_Format(value.as_ptr(), spec.as_ptr())) }
}

fn is_empty(spec: &Obj<'_>) -> PyResult<bool> {
    Ok(spec.len()? == 0)
}

/// # Safety
/// `ty` is not ready yet.
pub unsafe fn fill(ty: *mut ffi::PyTypeObject, num: Option<TypeNum>) {
    // SAFETY: the caller's promise.
    unsafe {
        let (repr, str): (ffi::reprfunc, ffi::reprfunc) = match num {
            None => (crate::unaryfunc!(repr_array), crate::unaryfunc!(str_array)),
            Some(TypeNum::UNICODE) => (crate::unaryfunc!(repr_str), crate::unaryfunc!(str_str)),
            Some(TypeNum::STRING) => (crate::unaryfunc!(repr_bytes), crate::unaryfunc!(str_bytes)),
            Some(n) if n.is_datetime() => (crate::unaryfunc!(time::repr), crate::unaryfunc!(time::str)),
            Some(n) if n.is_bool() || n.is_number() => {
                (crate::unaryfunc!(repr_number), crate::unaryfunc!(str_number))
            }
            _ => return,
        };
        (*ty).tp_repr = Some(repr);
        (*ty).tp_str = Some(str);
    }
}
