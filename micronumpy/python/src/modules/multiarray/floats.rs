//! Text of floating-point numbers: `dragon4_positional`, `dragon4_scientific`, `format_longfloat`.

use micronumpy::TypeNum;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString};
use ufuncs::elem::{LongDouble, f16};
use ufuncs::float_format::{self, FormatOptions, TooLarge, Trim};

use crate::fastcall;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::args;
use crate::objects::scalar;

type Obj<'py> = Bound<'py, PyAny>;

static FUNCTIONS: Methods<4> = Methods::new([
    fastcall!(c"dragon4_positional", dragon4_positional),
    fastcall!(c"dragon4_scientific", dragon4_scientific),
    fastcall!(c"format_longfloat", format_longfloat),
    END,
]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

/// A number in its own precision.
enum Value {
    Half(f16),
    Float(f32),
    Double(f64),
    Long(LongDouble),
}

impl Value {
    /// numpy floats keep their precision, everything else is converted by `__float__`.
    fn of(obj: &Obj<'_>) -> PyResult<Value> {
        let num = scalar::descr_of_scalar(obj)?.map(|d| d.dtype().num);
        let known = |n: TypeNum| crate::objects::handles::is_scalar(obj) && num == Some(n);
        Ok(if known(TypeNum::HALF) {
            Value::Half(scalar::value::cell_of(obj, TypeNum::HALF).get())
        } else if known(TypeNum::FLOAT) {
            Value::Float(scalar::value::cell_of(obj, TypeNum::FLOAT).get())
        } else if known(TypeNum::LONGDOUBLE) {
            Value::Long(scalar::value::cell_of(obj, TypeNum::LONGDOUBLE).get())
        } else {
            Value::Double(obj.extract()?)
        })
    }
    fn positional(self, o: &FormatOptions) -> Result<String, TooLarge> {
        match self {
            Value::Half(v) => float_format::positional(v, o),
            Value::Float(v) => float_format::positional(v, o),
            Value::Double(v) => float_format::positional(v, o),
            Value::Long(v) => float_format::positional(v, o),
        }
    }
    fn scientific(self, o: &FormatOptions) -> Result<String, TooLarge> {
        match self {
            Value::Half(v) => float_format::scientific(v, o),
            Value::Float(v) => float_format::scientific(v, o),
            Value::Double(v) => float_format::scientific(v, o),
            Value::Long(v) => float_format::scientific(v, o),
        }
    }
}

/// A count: negative means "not given".
fn count(arg: Option<&Obj<'_>>) -> PyResult<Option<u32>> {
    match arg {
        Some(o) => Ok(u32::try_from(args::int32(o)?).ok()),
        None => Ok(None),
    }
}

fn trim(arg: Option<&Obj<'_>>) -> PyResult<Trim> {
    let Some(arg) = arg else { return Ok(Trim::Keep) };
    let found = args::text(arg).and_then(|s| {
        let mut chars = s.chars();
        chars.next().filter(|_| chars.next().is_none()).and_then(Trim::from_char)
    });
    found.ok_or_else(|| {
        let shown = arg.str().map(|s| s.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("if supplied, trim must be 'k', '.', '0' or '-' found `{shown:>100}`"))
    })
}

fn check(o: &FormatOptions) -> PyResult<()> {
    if !o.unique && o.precision.is_none() {
        return Err(PyTypeError::new_err("in non-unique mode `precision` must be supplied"));
    }
    Ok(())
}

fn text<'py>(py: Python<'py>, result: Result<String, TooLarge>) -> PyResult<Obj<'py>> {
    match result {
        Ok(s) => Ok(PyString::new(py, &s).into_any()),
        Err(e) => Err(PyRuntimeError::new_err(e.to_string())),
    }
}

fn dragon4_positional<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "dragon4_positional(x, precision=-1, unique=True, fractional=True, sign=False, trim='k', pad_left=-1, pad_right=-1, min_digits=-1)",
    );
    let [x, precision, unique, fractional, sign, trim_, pad_left, pad_right, min_digits] = a.parse(&SIG)?;
    let Some(x) = x else { return Err(PyTypeError::new_err("dragon4_positional() needs a number")) };
    let o = FormatOptions {
        precision: count(precision.as_ref())?,
        unique: args::truth(unique.as_ref(), true)?,
        fractional: args::truth(fractional.as_ref(), false)?,
        trim: trim(trim_.as_ref())?,
        sign: args::truth(sign.as_ref(), false)?,
        pad_left: count(pad_left.as_ref())?,
        pad_right: count(pad_right.as_ref())?,
        min_digits: count(min_digits.as_ref())?,
        exp_digits: None,
    };
    check(&o)?;
    text(m.py(), Value::of(&x)?.positional(&o))
}

fn dragon4_scientific<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "dragon4_scientific(x, precision=-1, unique=True, sign=False, trim='k', pad_left=-1, exp_digits=-1, min_digits=-1)",
    );
    let [x, precision, unique, sign, trim_, pad_left, exp_digits, min_digits] = a.parse(&SIG)?;
    let Some(x) = x else { return Err(PyTypeError::new_err("dragon4_scientific() needs a number")) };
    let o = FormatOptions {
        precision: count(precision.as_ref())?,
        unique: args::truth(unique.as_ref(), true)?,
        fractional: true,
        trim: trim(trim_.as_ref())?,
        sign: args::truth(sign.as_ref(), false)?,
        pad_left: count(pad_left.as_ref())?,
        pad_right: None,
        min_digits: count(min_digits.as_ref())?,
        exp_digits: count(exp_digits.as_ref())?,
    };
    check(&o)?;
    text(m.py(), Value::of(&x)?.scientific(&o))
}

/// `format_longfloat(x, precision)`: `precision` significant digits of a long double, in scientific notation.
fn format_longfloat<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("format_longfloat(x, precision)");
    let [x, precision] = a.parse(&SIG)?;
    let (Some(x), Some(precision)) = (x, precision) else {
        return Err(PyTypeError::new_err("format_longfloat() needs two arguments"));
    };
    let precision = count(Some(&precision))?;
    let value = Value::of(&x)?;
    let Value::Long(_) = value else { return Err(PyTypeError::new_err("not a longfloat")) };
    let o = FormatOptions { precision, unique: false, trim: Trim::LeaveOneZero, ..FormatOptions::default() };
    text(m.py(), value.scientific(&o))
}
