//! Dates as text: `datetime_as_string`.

use micronumpy::dtype::datetime::iso8601_length;
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule, PyString};
use ufuncs::datetime::format::{Precision, Zone, civil_text, datetime_text};
use ufuncs::datetime::{Casting, Civil, Meta, Unit};

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::objects::dtype::{descr_of, lossy};
use crate::objects::scalar::time;
use crate::objects::{Array, array};

type Obj<'py> = Bound<'py, PyAny>;

/// The names of casting levels that dates know.
pub(super) fn casting(arg: Option<&Obj<'_>>, default: Casting) -> PyResult<Casting> {
    let Some(arg) = arg else { return Ok(default) };
    let name = lossy(arg);
    [Casting::No, Casting::Equiv, Casting::Safe, Casting::SameKind, Casting::Unsafe]
        .into_iter()
        .find(|c| c.name() == name)
        .ok_or_else(|| {
            PyValueError::new_err(format!(
                "casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe' (got '{name}')"
            ))
        })
}

/// Which clock to write dates in.
enum Clock<'py> {
    Fixed(Zone),
    /// A `tzinfo` object, asked for each date.
    Object(Obj<'py>),
}

fn clock<'py>(arg: Option<Obj<'py>>) -> PyResult<Clock<'py>> {
    let Some(arg) = arg.filter(|a| !a.is_none()) else { return Ok(Clock::Fixed(Zone::Naive)) };
    let text = match arg.cast::<PyBytes>() {
        Ok(b) => String::from_utf8_lossy(b.as_bytes()).into_owned(),
        Err(_) if arg.is_instance_of::<PyString>() => lossy(&arg),
        Err(_) => return Ok(Clock::Object(arg)),
    };
    Ok(Clock::Fixed(match text.as_str() {
        "local" => Zone::Local,
        "UTC" => Zone::Utc,
        "naive" => Zone::Naive,
        _ => return Err(PyValueError::new_err(format!("Unsupported timezone input string \"{text}\""))),
    }))
}

/// Minutes east of UTC of a `tzinfo` object at a date, which is moved there.
fn zone_at(py: Python<'_>, zone: &Obj<'_>, date: &Civil) -> PyResult<i32> {
    let utc = cached(py, "datetime", "datetime")?.call1((
        date.year,
        date.month,
        date.day,
        date.hour,
        date.minute,
        date.second,
        date.micro,
    ))?;
    let local = zone.call_method1("fromutc", (utc.call_method("replace", (), Some(&tz(py, zone)?))?,))?;
    let offset = local.call_method0("utcoffset")?;
    let seconds: f64 = offset.call_method0("total_seconds")?.extract()?;
    Ok((seconds / 60.0) as i32)
}

fn tz<'py>(py: Python<'py>, zone: &Obj<'py>) -> PyResult<Bound<'py, pyo3::types::PyDict>> {
    let kw = pyo3::types::PyDict::new(py);
    kw.set_item("tzinfo", zone)?;
    Ok(kw)
}

/// `datetime_as_string(arr, unit=None, timezone='naive', casting='same_kind')`
fn datetime_as_string<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("datetime_as_string(arr, unit=None, timezone='naive', casting='same_kind')");
    let py = module.py();
    let [arr, unit, timezone, casting_arg] = args.parse(&SIG)?;
    let arr = array::from_any(&arr.expect("required"), None, 0, 0, 0)?;
    let Some(meta) = arr.dtype().datetime_meta().filter(|_| arr.dtype().num == TypeNum::DATETIME) else {
        return Err(PyTypeError::new_err("input must have type NumPy datetime"));
    };
    let casting = casting(casting_arg.as_ref(), Casting::SameKind)?;
    let meta: Meta = time::meta_of(meta);
    let precision = match unit.filter(|u| !u.is_none()) {
        None => Precision::Unit(meta.unit),
        Some(unit) if lossy(&unit) == "auto" => Precision::Auto,
        Some(unit) => {
            let wanted = time::unit_argument(&unit)?;
            if wanted.num != 1 {
                return Err(PyValueError::new_err("unit must be a single unit, not a multiple"));
            }
            Precision::Unit(time::meta_of(wanted).unit)
        }
    };
    let clock = clock(timezone)?;
    let length = match precision {
        Precision::Unit(u) => iso8601_length(u as i32),
        Precision::Auto => iso8601_length(Unit::Atto as i32),
    };
    let out = array::new(&descr_of(py, &Dtype::unicode(length))?, arr.shape(), micronumpy::Order::C, true)?;
    let native = to_ticks(&arr)?;
    for (i, &ticks) in native.iter().enumerate() {
        let text = match &clock {
            Clock::Fixed(zone) => datetime_text(ticks, meta, precision, *zone, casting),
            Clock::Object(zone) => match Civil::from_ticks(ticks, meta) {
                None => Ok("NaT".to_string()),
                Some(date) => civil_text(date, precision, Zone::Offset(zone_at(py, zone, &date)?), casting),
            },
        }
        .map_err(time::raise)?;
        // SAFETY: the fresh array is contiguous and has as many elements.
        unsafe { write_text(out.data().add(i * 4 * length), length, &text) };
    }
    array::unwrap_0d(out)
}

/// The elements of a datetime array in C order.
fn to_ticks(arr: &Array<'_>) -> PyResult<Vec<i64>> {
    let mut all = micronumpy::array::buffer::scratch_list(arr.size()).py(arr.py())?;
    let swapped = arr.dtype().is_swapped();
    array::for_each_element(arr, |p| {
        // SAFETY: one element of eight bytes.
        let v = unsafe { p.cast::<i64>().read_unaligned() };
        all.push(if swapped { v.swap_bytes() } else { v });
        Ok(())
    })?;
    Ok(all)
}

/// # Safety
/// `length` characters of zeroed memory at `dst`.
unsafe fn write_text(dst: *mut u8, length: usize, text: &str) {
    for (i, c) in text.chars().take(length).enumerate() {
        // SAFETY: in bounds.
        unsafe { dst.cast::<u32>().add(i).write_unaligned(c as u32) };
    }
}

static METHODS: Methods<2> = Methods::new([fastcall!(c"datetime_as_string", datetime_as_string), END]);

/// Add the functions to the module.
pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)
}
