//! Questions about dtypes: `can_cast`, `promote_types`, `result_type`, `min_scalar_type`, and the constants of `finfo`.

use micronumpy::cast::can_cast as may_cast;
use micronumpy::dtype::{self as core, TypeOrWeak};
use micronumpy::ufunc::resolve::promote_weak;
use micronumpy::{Casting, TypeNum};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyModule};

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::array::args;
use crate::objects::handles::is_scalar;
use crate::objects::ufunc::{bind, fast};
use crate::objects::{Array, Descr, array, dtype, scalar};

type Obj<'py> = Bound<'py, PyAny>;

static FUNCTIONS: Methods<6> = Methods::new([
    fastcall!(c"can_cast", can_cast),
    fastcall!(c"promote_types", promote_types),
    fastcall!(c"result_type", result_type),
    fastcall!(c"min_scalar_type", min_scalar_type),
    fastcall!(c"_populate_finfo_constants", populate_finfo_constants),
    END,
]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

/// The descriptor of a promoted dtype. Types without parameters have one descriptor; strings and raw bytes keep the
/// object (with its metadata) of the first operand that has the length of the result already, if it has the type too.
fn promoted<'py>(py: Python<'py>, dt: &core::Dtype, given: &[Descr<'py>]) -> PyResult<Descr<'py>> {
    let length = |d: &core::Dtype| match dt.num {
        n if n == d.num => d.itemsize,
        TypeNum::STRING => core::strings::natural_length(d),
        TypeNum::UNICODE => 4 * core::strings::natural_length(d),
        _ => d.itemsize,
    };
    let keeps = match dt.num {
        TypeNum::STRING | TypeNum::UNICODE => true,
        TypeNum::VOID => matches!(dt.body, core::Body::Plain),
        _ => false,
    };
    match given.iter().find(|d| keeps && length(d.dtype()) == dt.itemsize) {
        Some(d) if d.dtype().num == dt.num => canonical(d),
        _ => dtype::descr_of(py, dt),
    }
}

/// The same dtype in native byte order, and structures without gaps; such a one is its own.
fn canonical<'py>(descr: &Descr<'py>) -> PyResult<Descr<'py>> {
    let dt = descr.dtype();
    if matches!(dt.body, core::Body::Struct(_) | core::Body::Subarray(..)) {
        let packed = dt.canonical();
        return if packed.same_layout(dt) { Ok(descr.clone()) } else { dtype::descr_of(descr.py(), &packed) };
    }
    if descr.dtype().is_native() { Ok(descr.clone()) } else { dtype::fields::with_byteorder(descr, b'=') }
}

fn can_cast<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("can_cast(from_, to, casting='safe')");
    let py = m.py();
    let [from, to, casting] = a.parse(&SIG)?;
    let (Some(from), Some(to)) = (from, to) else {
        return Err(PyTypeError::new_err("can_cast() needs two arguments"));
    };
    let casting = args::plain_casting(casting.as_ref(), Casting::Safe)?;
    let not_understood = || PyTypeError::new_err("did not understand one of the types; 'None' not accepted");
    let convert = |obj: &Obj<'py>| -> PyResult<Descr<'py>> {
        if obj.is_none() {
            return Err(not_understood());
        }
        dtype::convert(obj)
            .map_err(|e| if e.is_instance_of::<PyTypeError>(py) { not_understood() } else { e })
    };
    let to = convert(&to)?;
    let from = if let Some(arr) = Array::cast(&from) {
        arr.descr()
    } else if is_scalar(&from) {
        scalar::descr_of_scalar(&from)?.ok_or_else(not_understood)?
    } else if is_weak(&from).is_some() || from.is_instance_of::<pyo3::types::PyBool>() {
        return Err(PyTypeError::new_err(
            "can_cast() does not support Python ints, floats, and complex because the result used to depend on the value.\nThis change was part of adopting NEP 50, we may explicitly allow them again in the future.",
        ));
    } else {
        convert(&from)?
    };
    may_cast(from.dtype(), to.dtype(), casting).into_bound_py_any(py)
}

fn promote_types<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("promote_types(type1, type2, /)");
    let py = m.py();
    let [a, b] = a.parse(&SIG)?;
    let (Some(a), Some(b)) = (a, b) else {
        return Err(PyTypeError::new_err("promote_types() needs two arguments"));
    };
    let (a, b) = (dtype::convert(&a)?, dtype::convert(&b)?);
    // A dtype that changes its byte order loses its metadata, so that is no way for it.
    let structured = matches!(a.dtype().body, core::Body::Struct(_) | core::Body::Subarray(..));
    if a.is(&b) && (structured || a.dtype().is_native()) {
        return Ok(canonical(&a)?.0);
    }
    let common = core::promote(a.dtype(), b.dtype()).py(py)?;
    Ok(promoted(py, &common, &[a, b])?.0)
}

/// Exactly Python's int, float or complex: what NEP 50 calls weak.
fn is_weak(obj: &Obj<'_>) -> Option<TypeOrWeak<'static>> {
    if obj.is_exact_instance_of::<PyInt>() {
        Some(TypeOrWeak::Int)
    } else if obj.is_exact_instance_of::<PyFloat>() {
        Some(TypeOrWeak::Float)
    } else if obj.is_exact_instance_of::<PyComplex>() {
        Some(TypeOrWeak::Complex)
    } else {
        None
    }
}

/// The common type of two plain numeric dtypes, or of one and a Python number; `None` for everything else.
fn result_of_two(x: &Obj<'_>, y: &Obj<'_>) -> Option<TypeNum> {
    // SAFETY: a live object.
    let plain = |obj: &Obj<'_>| unsafe { fast::asked_type(obj.as_ptr()) };
    let first = core::Dtype::builtin(plain(x)?);
    let common = match bind::weak_kind(y) {
        Some(weak) => promote_weak(&first, weak),
        None => core::promote(&first, &core::Dtype::builtin(plain(y)?)),
    };
    Some(common.ok()?.num)
}

fn result_type<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = m.py();
    if a.has_keywords() {
        return Err(PyTypeError::new_err("result_type() takes no keyword arguments"));
    }
    if a.is_empty() {
        return Err(PyValueError::new_err("at least one array or dtype is required"));
    }
    if let (Some(x), Some(y), 2) = (a.get(0), a.get(1), a.len())
        && let Some(num) = result_of_two(&x, &y)
    {
        return Ok(dtype::builtin(py, num).0);
    }
    // Descriptors are held here so that the operands below can borrow from them. Those given as dtypes come before those of
    // values, which shows in errors and, where promotion is not associative, in results.
    let mut held: Vec<Result<Descr<'py>, TypeOrWeak<'static>>> = Vec::with_capacity(a.len());
    let mut values = Vec::with_capacity(a.len());
    for obj in a.positional() {
        values.push(if let Some(arr) = Array::cast(&obj) {
            Ok(arr.descr())
        } else if let Some(weak) = is_weak(&obj) {
            // An integer no machine type holds is an object.
            let huge = matches!(weak, TypeOrWeak::Int) && a.len() == 1 && obj.extract::<i64>().is_err();
            if huge {
                Ok(scalar::descr_of_scalar(&obj)?.unwrap_or_else(|| dtype::builtin(py, TypeNum::OBJECT)))
            } else {
                Err(weak)
            }
        } else if obj.is_instance_of::<PyBool>() || is_scalar(&obj) {
            Ok(scalar::descr_of_scalar(&obj)?.unwrap_or_else(|| dtype::builtin(py, TypeNum::OBJECT)))
        } else {
            held.push(Ok(dtype::convert(&obj)?));
            continue;
        });
    }
    held.append(&mut values);
    let operands: Vec<TypeOrWeak<'_>> = held
        .iter()
        .map(|h| match h {
            Ok(d) => TypeOrWeak::Dtype(d.dtype()),
            Err(weak) => *weak,
        })
        .collect();
    let common = core::result_type(&operands).py(py)?;
    let given: Vec<Descr<'py>> = held.iter().filter_map(|h| h.as_ref().ok().cloned()).collect();
    Ok(match &given[..] {
        [one] if held.len() == 1 => canonical(one)?,
        _ => promoted(py, &common, &given)?,
    }
    .0)
}

fn min_scalar_type<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("min_scalar_type(a, /)");
    let py = m.py();
    let [value] = a.parse(&SIG)?;
    let Some(value) = value else { return Err(PyTypeError::new_err("min_scalar_type() needs an argument")) };
    let arr = array::from_any(&value, None, 0, 0, 0)?;
    if arr.ndim() > 0 {
        return Ok(arr.descr().0);
    }
    // SAFETY: a 0-d array holds one element of its dtype.
    let smallest = unsafe { core::min_scalar_type(arr.dtype(), arr.data()) };
    let own = arr.descr();
    if own.dtype().num == smallest.num && own.dtype().is_native() {
        return Ok(own.0);
    }
    Ok(dtype::descr_of(py, &smallest)?.0)
}

/// Bits of a binary floating-point format: stored mantissa bits, exponent bits.
struct Format {
    mantissa: u32,
    exponent: u32,
    /// x87 stores the leading one.
    explicit: bool,
}

impl Format {
    fn of(num: TypeNum) -> Option<Format> {
        Some(match num {
            TypeNum::HALF => Format { mantissa: 10, exponent: 5, explicit: false },
            TypeNum::FLOAT => Format { mantissa: 23, exponent: 8, explicit: false },
            TypeNum::DOUBLE => Format { mantissa: 52, exponent: 11, explicit: false },
            TypeNum::LONGDOUBLE if cfg!(target_arch = "x86_64") => {
                Format { mantissa: 63, exponent: 15, explicit: true }
            }
            TypeNum::LONGDOUBLE => Format { mantissa: 112, exponent: 15, explicit: false },
            _ => return None,
        })
    }
    fn bias(&self) -> i32 {
        (1 << (self.exponent - 1)) - 1
    }
    /// The bytes of `mantissa * 2^(exponent - bias - mantissa bits)` with this biased exponent field.
    fn bits(&self, exponent: u32, fraction: u128, negative: bool) -> [u8; 16] {
        let mut field = fraction;
        let mut width = self.mantissa;
        if self.explicit {
            field |= u128::from(exponent > 0) << self.mantissa;
            width += 1;
        }
        let value = field | u128::from(exponent) << width | u128::from(negative) << (width + self.exponent);
        value.to_le_bytes()
    }
}

/// `_populate_finfo_constants(finfo, dtype)`: store what the format of the dtype determines.
fn populate_finfo_constants<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = m.py();
    let (Some(finfo), Some(descr), 2) = (a.get(0), a.get(1), a.len()) else {
        return Err(PyTypeError::new_err("Expected 2 arguments"));
    };
    let Some(descr) = Descr::cast(&descr) else {
        return Err(PyTypeError::new_err("Second argument must be a dtype"));
    };
    let num = descr.dtype().num;
    let Some(f) = Format::of(num) else {
        return Err(PyValueError::new_err("finfo is only available for floating-point dtypes"));
    };
    let native = dtype::builtin(py, num);
    let full = (1u128 << f.mantissa) - 1;
    let (bias, top) = (f.bias(), (1u32 << f.exponent) - 2);
    for (name, bits) in [
        ("max", f.bits(top, full, false)),
        ("min", f.bits(top, full, true)),
        ("_radix", f.bits(bias as u32 + 1, 0, false)),
        ("eps", f.bits((bias - f.mantissa as i32) as u32, 0, false)),
        ("smallest_normal", f.bits(1, 0, false)),
        ("smallest_subnormal", f.bits(0, 1, false)),
    ] {
        // SAFETY: sixteen bytes hold an element of any floating-point type.
        let value = unsafe { scalar::to_scalar(&native, bits.as_ptr(), None) }?;
        finfo.setattr(name, value)?;
    }
    // Decimal digits that survive a round trip: floor(mantissa bits * log10(2)).
    let precision = (f64::from(f.mantissa) * std::f64::consts::LOG10_2).floor() as i32;
    finfo.setattr("nmant", f.mantissa)?;
    finfo.setattr("minexp", 1 - bias)?;
    finfo.setattr("maxexp", bias + 1)?;
    finfo.setattr("precision", precision)?;
    Ok(py.None().into_bound(py))
}
