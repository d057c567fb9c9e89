//! `numpy.busdaycalendar`, and the business-day functions: `is_busday`, `busday_offset`, `busday_count`.

use std::mem::size_of;
use std::ptr::null_mut;

use micronumpy::array::broadcast_shapes;
use micronumpy::cast::can_cast;
use micronumpy::dtype::DatetimeMeta;
use micronumpy::iter::MultiIter;
use micronumpy::{Casting, Dtype, Error, Order, TypeNum};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi as pyffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;
use ufuncs::datetime::busday::{BusinessCalendar, Roll, Weekmask};
use ufuncs::datetime::{DatetimeError, ErrorKind, NAT};

use super::array::{self, args};
use super::dtype;
use super::handles::{Array, Descr};
use crate::abi::{NPY_ARRAY_CARRAY_RO, NPY_ARRAY_FORCECAST, StaticType};
use crate::error::IntoPyResult;
use crate::ffi::args::{none_as_absent, with_args};
use crate::ffi::guard::owned;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::{Args, Sig, types};
use crate::modules::multiarray::add_functions;
use crate::{callfunc, fastcall, getset, initproc};

type Obj<'py> = Bound<'py, PyAny>;

#[repr(C)]
struct CalendarObject {
    ob_base: pyffi::PyObject,
    /// `Box<BusinessCalendar>`, null until `__init__`.
    calendar: *mut BusinessCalendar,
    reserved: [usize; 3],
}
const _: () = assert!(size_of::<CalendarObject>() == 48);

pub static CALENDAR_TYPE: StaticType = StaticType::zeroed();

/// Days are counted, so every date is brought to this unit (`D`).
const DAY: DatetimeMeta = DatetimeMeta { unit: 4, num: 1 };

static GETSETS: GetSets<3> =
    GetSets::new([getset!(c"weekmask", weekmask_attr), getset!(c"holidays", holidays_attr), GETSET_END]);

static FUNCTIONS: Methods<4> = Methods::new([
    fastcall!(c"is_busday", is_busday),
    fastcall!(c"busday_offset", busday_offset),
    fastcall!(c"busday_count", busday_count),
    END,
]);

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = CALENDAR_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(ty, c"numpy.busdaycalendar", size_of::<CalendarObject>(), 0);
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_init = Some(initproc!(initialise));
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

/// Add the type and the functions to the module.
pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    add_functions(module, FUNCTIONS.as_ptr())?;
    // SAFETY: ready.
    module.add("busdaycalendar", unsafe { types::handle(py, CALENDAR_TYPE.as_type()) })
}

fn raise(err: DatetimeError) -> PyErr {
    let text = err.to_string();
    match err.kind() {
        ErrorKind::Value => PyValueError::new_err(text),
        ErrorKind::Type => PyTypeError::new_err(text),
        ErrorKind::Overflow => PyOverflowError::new_err(text),
    }
}

fn to_core(err: DatetimeError) -> Error {
    let text = err.to_string();
    match err.kind() {
        ErrorKind::Value => Error::Value(text),
        ErrorKind::Type => Error::Type(text),
        ErrorKind::Overflow => Error::Overflow(text),
    }
}

fn create<'py>(ty: &Obj<'py>, _args: &Obj<'py>, _kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    // SAFETY: a zeroed object of our layout; the null calendar is checked wherever it is used.
    unsafe { owned(ty.py(), pyffi::PyType_GenericAlloc(ty.as_ptr().cast(), 0)) }
}

fn initialise(slf: &Obj<'_>, args: &Obj<'_>, kwargs: Option<&Obj<'_>>) -> PyResult<()> {
    static SIG: Sig = Sig::new("busdaycal(weekmask='1111100', holidays=None)");
    let given = args.len()? + kwargs.map_or(Ok(0), |k| k.len())?;
    if given > 2 {
        return Err(PyTypeError::new_err(format!("busdaycal() takes at most 2 arguments ({given} given)")));
    }
    let [weekmask, holidays] = with_args(args, kwargs, |a| a.parse(&SIG))?;
    let made = calendar_of(weekmask.as_ref(), none_as_absent(holidays).as_ref())?;
    if made.mask().days() == [false; 7] {
        return Err(PyValueError::new_err("Cannot construct a numpy.busdaycal with a weekmask of all zeros"));
    }
    // SAFETY: our layout; a calendar from an earlier `__init__` is given back.
    unsafe {
        let obj: *mut CalendarObject = slf.as_ptr().cast();
        let old = std::mem::replace(&mut (*obj).calendar, Box::into_raw(Box::new(made)));
        if !old.is_null() {
            drop(Box::from_raw(old));
        }
    }
    Ok(())
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying and owns its calendar.
    unsafe {
        let obj: *mut CalendarObject = slf.cast();
        let old = std::mem::replace(&mut (*obj).calendar, null_mut());
        if !old.is_null() {
            drop(Box::from_raw(old));
        }
        pyffi::PyObject_Free(slf.cast());
    }
}

/// The calendar of an object of our type.
fn calendar<'a>(slf: &'a Obj<'_>) -> PyResult<&'a BusinessCalendar> {
    // SAFETY: only called for objects of our type; the calendar lives as long as the object unless `__init__` runs again,
    // which no caller does while it holds the reference.
    unsafe { (*slf.as_ptr().cast::<CalendarObject>()).calendar.as_ref() }
        .ok_or_else(|| PyValueError::new_err("busdaycalendar.__init__() was not called"))
}

fn day_descr(py: Python<'_>) -> PyResult<Descr<'_>> {
    dtype::descr_of(py, &Dtype::datetime(TypeNum::DATETIME, DAY))
}

fn weekmask_attr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let days = calendar(slf)?.mask().days();
    let out = array::new(&dtype::builtin(slf.py(), TypeNum::BOOL), &[7], Order::C, false)?;
    for (i, day) in days.into_iter().enumerate() {
        // SAFETY: seven bytes were allocated.
        unsafe { *out.data().add(i) = u8::from(day) };
    }
    Ok(out.0)
}

fn holidays_attr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let days = calendar(slf)?.holidays();
    let out = array::new(&day_descr(slf.py())?, &[days.len() as isize], Order::C, false)?;
    for (i, &day) in days.iter().enumerate() {
        // SAFETY: as many int64 were allocated.
        unsafe { *out.data().cast::<i64>().add(i) = day };
    }
    Ok(out.0)
}

/// A week mask from text (`1111100`, `Mon Tue`) or seven truth values.
fn weekmask(obj: Option<&Obj<'_>>) -> PyResult<Weekmask> {
    let Some(obj) = obj else { return "1111100".parse().map_err(raise) };
    if let Some(text) = args::text(obj) {
        return text.parse().map_err(raise);
    }
    let not_understood = || PyValueError::new_err("Couldn't convert object into a business day weekmask");
    if obj.len().is_err() {
        return Err(not_understood());
    }
    let days = obj
        .try_iter()
        .map_err(|_| not_understood())?
        .map(|day| day.and_then(|d| d.is_truthy()))
        .collect::<PyResult<Vec<bool>>>()?;
    Weekmask::new(&days).map_err(raise)
}

/// Anything as dates of whole days; units finer than days lose information and are refused with `refusal`.
fn dates<'py>(obj: &Obj<'py>, refusal: impl Fn(&Descr<'py>) -> PyErr) -> PyResult<Array<'py>> {
    let py = obj.py();
    let days = day_descr(py)?;
    let has_dtype = Array::cast(obj).is_some() || crate::objects::handles::is_scalar(obj);
    if has_dtype {
        let found = array::from_any(obj, None, 0, 0, 0)?;
        if found.dtype().num == TypeNum::DATETIME && !can_cast(found.dtype(), days.dtype(), Casting::Safe) {
            return Err(refusal(&found.descr()));
        }
        return array::from_any(&found.0, Some(&days), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
    }
    // Text may be finer than days; find out before it is cut.
    let found = array::from_any(obj, Some(&dtype::builtin(py, TypeNum::DATETIME)), 0, 0, 0)?;
    if found.dtype().datetime_meta().is_some_and(|m| m.unit != 14)
        && !can_cast(found.dtype(), days.dtype(), Casting::Safe)
    {
        return Err(refusal(&found.descr()));
    }
    array::from_any(&found.0, Some(&days), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)
}

fn calendar_of(mask: Option<&Obj<'_>>, holidays: Option<&Obj<'_>>) -> PyResult<BusinessCalendar> {
    let mask = weekmask(mask)?;
    let Some(holidays) = holidays else { return Ok(BusinessCalendar::new(mask, Vec::new())) };
    let arr = dates(holidays, |_| {
        PyValueError::new_err("Cannot safely convert provided holidays input into an array of dates")
    })?;
    if arr.ndim() != 1 {
        return Err(PyValueError::new_err("holidays must be a provided as a one-dimensional array"));
    }
    // SAFETY: a C-contiguous array of int64.
    let days = (0..arr.size()).map(|i| unsafe { arr.data().cast::<i64>().add(i).read() }).collect();
    Ok(BusinessCalendar::new(mask, days))
}

/// `busdaycal=` or `weekmask=` and `holidays=`; not both.
fn chosen_calendar(
    function: &str,
    position: usize,
    mask: Option<&Obj<'_>>,
    holidays: Option<Obj<'_>>,
    busdaycal: Option<Obj<'_>>,
) -> PyResult<BusinessCalendar> {
    let holidays = none_as_absent(holidays);
    let Some(cal) = none_as_absent(busdaycal) else { return calendar_of(mask, holidays.as_ref()) };
    // SAFETY: live object, ready type.
    if unsafe { pyffi::PyObject_TypeCheck(cal.as_ptr(), CALENDAR_TYPE.as_type()) } == 0 {
        return Err(PyTypeError::new_err(format!(
            "{function}() argument {position} must be numpy.busdaycalendar, not {}",
            cal.get_type().name()?
        )));
    }
    if mask.is_some() || holidays.is_some() {
        // The mask is read first, so its own errors come first.
        calendar_of(mask, holidays.as_ref())?;
        return Err(PyValueError::new_err(format!(
            "Cannot supply both the weekmask/holidays and the busdaycal parameters to {function}()"
        )));
    }
    calendar(&cal).cloned()
}

fn refuse_unit<'py>(descr: &Descr<'py>) -> PyErr {
    let show = |d: &Descr<'py>| d.0.repr().map(|r| r.to_string()).unwrap_or_default();
    let wanted = day_descr(descr.py()).map(|d| show(&d)).unwrap_or_default();
    PyTypeError::new_err(format!(
        "Iterator operand 0 dtype could not be cast from {} to {wanted} according to the rule 'safe'",
        show(descr)
    ))
}

/// The output array: as given, or a new one.
fn output<'py>(
    py: Python<'py>,
    function: &str,
    out: Option<Obj<'py>>,
    dt: &Dtype,
    shape: &[isize],
) -> PyResult<(Array<'py>, Array<'py>)> {
    let temporary = array::new(&dtype::descr_of(py, dt)?, shape, Order::C, false)?;
    let Some(out) = none_as_absent(out) else { return Ok((temporary.clone(), temporary)) };
    let Some(arr) = Array::cast(&out) else {
        let function = if function == "is_busday" { "busday_offset" } else { function };
        return Err(PyValueError::new_err(format!("{function}: must provide a NumPy array for 'out'")));
    };
    Ok((temporary, arr))
}

/// Copy a temporary result to where the caller wants it, and hand it out.
fn deliver<'py>(result: Array<'py>, out: Array<'py>) -> PyResult<Obj<'py>> {
    if result.0.is(&out.0) {
        return array::unwrap_0d(out);
    }
    array::assign(&out, &result.0)?;
    Ok(out.0)
}

/// Apply `f` to the int64 elements of broadcast operands and store what it gives as `T`.
fn each<T: Copy>(
    py: Python<'_>,
    operands: &[&Array<'_>],
    out: &Array<'_>,
    mut f: impl FnMut(&[i64]) -> Result<T, DatetimeError>,
) -> PyResult<()> {
    let mut views: Vec<_> = operands.iter().map(|a| a.view()).collect();
    views.push(out.view());
    let n = operands.len();
    let mut values = vec![0i64; n];
    let mut walk = MultiIter::new(out.shape(), &views).py(py)?;
    walk.for_each(|ptrs, count, strides| {
        for i in 0..count as isize {
            for (k, v) in values.iter_mut().enumerate() {
                // SAFETY: the iterator stays inside the operands, which are aligned native int64.
                *v = unsafe { ptrs[k].offset(i * strides[k]).cast::<i64>().read() };
            }
            let value = f(&values).map_err(to_core)?;
            // SAFETY: inside the fresh output, whose elements are `T`.
            unsafe { ptrs[n].offset(i * strides[n]).cast::<T>().write(value) };
        }
        Ok(())
    })
    .py(py)
}

fn given<'py>(arg: Option<Obj<'py>>) -> PyResult<Obj<'py>> {
    arg.ok_or_else(|| PyTypeError::new_err("missing required argument"))
}

fn is_busday<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig =
        Sig::new("is_busday(dates, weekmask='1111100', holidays=None, busdaycal=None, out=None)");
    let py = m.py();
    let [days, mask, holidays, busdaycal, out] = a.parse(&SIG)?;
    let cal = chosen_calendar("is_busday", 4, mask.as_ref(), holidays, busdaycal)?;
    let days = dates(&given(days)?, refuse_unit)?;
    let (result, out) = output(py, "is_busday", out, &Dtype::bool(), days.shape())?;
    each(py, &[&days], &result, |v| Ok(u8::from(cal.is_business_day(v[0]))))?;
    deliver(result, out)
}

/// Offsets are counts of days: integers, or timedeltas in days.
fn offsets<'py>(obj: &Obj<'py>) -> PyResult<Array<'py>> {
    let py = obj.py();
    let found = array::from_any(obj, None, 0, 0, 0)?;
    let target = if found.dtype().num == TypeNum::TIMEDELTA {
        dtype::descr_of(py, &Dtype::datetime(TypeNum::TIMEDELTA, DAY))?
    } else {
        dtype::builtin(py, TypeNum::LONG)
    };
    array::from_any(&found.0, Some(&target), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)
}

fn busday_offset<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "busday_offset(dates, offsets, roll='raise', weekmask='1111100', holidays=None, busdaycal=None, out=None)",
    );
    let py = m.py();
    let [days, by, roll, mask, holidays, busdaycal, out] = a.parse(&SIG)?;
    let cal = chosen_calendar("busday_offset", 6, mask.as_ref(), holidays, busdaycal)?;
    let roll: Roll = match roll {
        None => Roll::Raise,
        Some(r) => args::text(&r)
            .ok_or_else(|| PyTypeError::new_err("roll must be a string"))?
            .parse()
            .map_err(raise)?,
    };
    let days = dates(&given(days)?, refuse_unit)?;
    let by = offsets(&given(by)?)?;
    let shape = broadcast_shapes(&[days.shape(), by.shape()]).py(py)?;
    let day = Dtype::datetime(TypeNum::DATETIME, DAY);
    let (result, out) = output(py, "busday_offset", out, &day, &shape)?;
    each(py, &[&days, &by], &result, |v| {
        if v[1] == NAT && by.dtype().num == TypeNum::TIMEDELTA {
            return Ok(NAT);
        }
        cal.offset(v[0], v[1], roll)
    })?;
    deliver(result, out)
}

fn busday_count<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new(
        "busday_count(begindates, enddates, weekmask='1111100', holidays=(), busdaycal=None, out=None)",
    );
    let py = m.py();
    let [begin, end, mask, holidays, busdaycal, out] = a.parse(&SIG)?;
    let cal = chosen_calendar("busday_count", 5, mask.as_ref(), holidays, busdaycal)?;
    let (begin, end) = (dates(&given(begin)?, refuse_unit)?, dates(&given(end)?, refuse_unit)?);
    let shape = broadcast_shapes(&[begin.shape(), end.shape()]).py(py)?;
    let (result, out) = output(py, "busday_count", out, &Dtype::intp(), &shape)?;
    each(py, &[&begin, &end], &result, |v| cal.count(v[0], v[1]))?;
    deliver(result, out)
}
