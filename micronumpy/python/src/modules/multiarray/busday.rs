//! Business days: `is_busday`, `busday_offset`, `busday_count`.

use micronumpy::{Casting, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyModule};
use ufuncs::datetime::busday::{BusinessCalendar, Roll, Weekmask};

use crate::error::IntoPyResult;
use crate::fastcall;
use crate::ffi::args::none_as_absent;
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig, types};
use crate::objects::busdaycalendar::{self, calendar_of, days, days_descr, holidays, ticks, weekmask};
use crate::objects::dtype::{builtin, lossy};
use crate::objects::scalar::time;
use crate::objects::{Array, Descr, array};

type Obj<'py> = Bound<'py, PyAny>;

/// The calendar a call is about: given ready made or as its parts.
fn calendar(
    name: &str,
    position: usize,
    mask: Option<Obj<'_>>,
    days_off: Option<Obj<'_>>,
    ready: Option<Obj<'_>>,
) -> PyResult<BusinessCalendar> {
    if let Some(ready) = ready {
        let Some(found) = calendar_of(&ready) else {
            return Err(PyTypeError::new_err(format!(
                "{name}() argument {position} must be numpy.busdaycalendar, not {}",
                ready.get_type().name()?
            )));
        };
        if mask.is_some() || days_off.is_some() {
            return Err(PyValueError::new_err(format!(
                "Cannot supply both the weekmask/holidays and the busdaycal parameters to {name}()"
            )));
        }
        return Ok(found.clone());
    }
    let mask = mask.map_or(Ok(Weekmask::default()), |m| weekmask(&m))?;
    let days_off = none_as_absent(days_off).map_or(Ok(vec![]), |h| holidays(&h))?;
    Ok(BusinessCalendar::new(mask, days_off))
}

/// Dates as days, in the words of the iterator numpy uses here.
fn operand<'py>(obj: &Obj<'py>, position: usize) -> PyResult<Array<'py>> {
    days(obj, |from, to| {
        PyTypeError::new_err(format!(
            "Iterator operand {position} dtype could not be cast from {} to {} according to the rule 'safe'",
            repr(from),
            repr(to)
        ))
    })
}

fn repr(descr: &Descr<'_>) -> String {
    descr.0.repr().map(|r| r.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Compute one value for each pair of two broadcast operands (contiguous, eight bytes an element).
fn each(
    a: &Array<'_>,
    b: &Array<'_>,
    mut f: impl FnMut(i64, i64) -> PyResult<i64>,
) -> PyResult<(Vec<isize>, Vec<i64>)> {
    let py = a.py();
    let shape = micronumpy::array::broadcast_shapes(&[a.shape(), b.shape()]).py(py)?;
    let (x, y) = (ticks(a), ticks(b));
    let steps = |shape_of: &[isize]| -> Vec<usize> {
        // C-order steps in elements, none along broadcast axes.
        let mut steps = vec![0; shape.len()];
        let mut acc = 1;
        for (i, &n) in shape_of.iter().enumerate().rev() {
            if n != 1 {
                steps[i + shape.len() - shape_of.len()] = acc;
            }
            acc *= n as usize;
        }
        steps
    };
    let (sa, sb) = (steps(a.shape()), steps(b.shape()));
    let total: usize = shape.iter().map(|&n| n as usize).product();
    let mut out = micronumpy::array::buffer::scratch_list(total).py(py)?;
    for flat in 0..total {
        let (mut rest, mut i, mut j) = (flat, 0, 0);
        for axis in (0..shape.len()).rev() {
            let n = shape[axis] as usize;
            let at = rest % n;
            rest /= n;
            i += at * sa[axis];
            j += at * sb[axis];
        }
        out.push(f(x[i], y[j])?);
    }
    Ok((shape.to_vec(), out))
}

/// Put results where they were asked for.
fn deliver<'py>(
    descr: &Descr<'py>,
    shape: &[isize],
    values: &[i64],
    out: Option<Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let py = descr.py();
    let fresh = array::new(descr, shape, Order::C, true)?;
    for (i, v) in values.iter().enumerate() {
        // SAFETY: a fresh contiguous array with as many elements, of one byte (bool) or eight.
        unsafe {
            if descr.itemsize() == 1 {
                fresh.data().add(i).write(u8::from(*v != 0));
            } else {
                fresh.data().cast::<i64>().add(i).write(*v);
            }
        }
    }
    let Some(out) = none_as_absent(out) else { return array::unwrap_0d(fresh) };
    let Some(dst) = Array::cast(&out) else {
        return Err(PyValueError::new_err("busday: must provide a NumPy array for 'out'"));
    };
    if !dst.is_writeable() {
        return Err(PyValueError::new_err("output array is read-only"));
    }
    if dst.shape() != shape {
        return Err(PyValueError::new_err(
            "non-broadcastable output operand with a shape that does not match the broadcast shape",
        ));
    }
    if !micronumpy::cast::can_cast(descr.dtype(), dst.dtype(), Casting::Safe) {
        return Err(PyTypeError::new_err(format!(
            "Iterator requested dtype could not be cast from {} to {}, the operand dtype, according to the rule 'safe'",
            repr(descr),
            repr(&dst.descr())
        )));
    }
    micronumpy::cast::copy_into(&dst.view(), &fresh.view()).py(py)?;
    Ok(out)
}

fn is_busday<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("is_busday(dates, weekmask=None, holidays=None, busdaycal=None, out=None)");
    let py = module.py();
    let [dates, mask, days_off, ready, out] = args.parse(&SIG)?;
    let calendar = calendar("is_busday", 4, mask, days_off, none_as_absent(ready))?;
    let dates = operand(&dates.expect("required"), 0)?;
    let values: Vec<i64> = ticks(&dates).iter().map(|&d| i64::from(calendar.is_business_day(d))).collect();
    deliver(&builtin(py, TypeNum::BOOL), dates.shape(), &values, out)
}

fn roll(arg: Option<Obj<'_>>) -> PyResult<Roll> {
    let Some(arg) = arg else { return Ok(Roll::Raise) };
    let text = match arg.cast::<PyBytes>() {
        Ok(b) => String::from_utf8_lossy(b.as_bytes()).into_owned(),
        Err(_) => lossy(&arg),
    };
    text.parse().map_err(time::raise)
}

fn busday_offset<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "busday_offset(dates, offsets, roll='raise', weekmask=None, holidays=None, busdaycal=None, out=None)",
    );
    let py = module.py();
    let [dates, offsets, roll_arg, mask, days_off, ready, out] = args.parse(&SIG)?;
    let roll = roll(roll_arg)?;
    let calendar = calendar("busday_offset", 6, mask, days_off, none_as_absent(ready))?;
    let dates = operand(&dates.expect("required"), 0)?;
    let long = builtin(py, TypeNum::LONG);
    let given =
        array::from_any(&offsets.expect("required"), Some(&long), 0, 0, crate::abi::NPY_ARRAY_FORCECAST)?;
    let offsets = array::new(&long, given.shape(), Order::C, true)?;
    micronumpy::cast::copy_into(&offsets.view(), &given.view()).py(py)?;
    let (shape, values) =
        each(&dates, &offsets, |day, n| calendar.offset(day, n, roll).map_err(time::raise))?;
    deliver(&days_descr(py)?, &shape, &values, out)
}

fn busday_count<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "busday_count(begindates, enddates, weekmask=None, holidays=None, busdaycal=None, out=None)",
    );
    let py = module.py();
    let [begin, end, mask, days_off, ready, out] = args.parse(&SIG)?;
    let calendar = calendar("busday_count", 5, mask, days_off, none_as_absent(ready))?;
    let begin = operand(&begin.expect("required"), 0)?;
    let end = operand(&end.expect("required"), 1)?;
    let (shape, values) = each(&begin, &end, |a, b| calendar.count(a, b).map_err(time::raise))?;
    deliver(&builtin(py, TypeNum::LONG), &shape, &values, out)
}

static METHODS: Methods<4> = Methods::new([
    fastcall!(c"is_busday", is_busday),
    fastcall!(c"busday_offset", busday_offset),
    fastcall!(c"busday_count", busday_count),
    END,
]);

/// Add the functions and the calendar type.
pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    busdaycalendar::init(py)?;
    super::add_functions(module, &METHODS)?;
    // SAFETY: the type is ready.
    unsafe { module.add("busdaycalendar", types::handle(py, busdaycalendar::TYPE.as_type())) }
}
