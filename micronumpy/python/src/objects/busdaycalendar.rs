//! `numpy.busdaycalendar`: a week mask and holidays, prepared once for many questions.

use micronumpy::dtype::DatetimeMeta;
use micronumpy::{Casting, Dtype, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use ufuncs::datetime::busday::{BusinessCalendar, Weekmask};
use ufuncs::datetime::{NAT, Unit};

use super::dtype::{builtin, descr_of, lossy};
use super::scalar::time;
use super::{Array, Descr, array};
use crate::abi::StaticType;
use crate::error::IntoPyResult;
use crate::ffi::args::{Sig, with_args};
use crate::ffi::methods::{GETSET_END, GetSets};
use crate::ffi::types;
use crate::getset;

type Obj<'py> = Bound<'py, PyAny>;

pub static TYPE: StaticType = StaticType::zeroed();

/// The object: head, calendar (owned, never null after `__new__`); the rest fills it up to numpy's size.
#[repr(C)]
struct Object {
    head: ffi::PyObject,
    calendar: *mut BusinessCalendar,
    reserved: [usize; 3],
}

const _: () = assert!(size_of::<Object>() == 48);

/// The calendar of a `busdaycalendar`; `None` for other objects.
pub fn calendar_of<'a>(obj: &'a Obj<'_>) -> Option<&'a BusinessCalendar> {
    // SAFETY: live object; the type cannot be derived from, and its constructor sets the calendar once.
    unsafe {
        if ffi::Py_TYPE(obj.as_ptr()) != TYPE.as_type() {
            return None;
        }
        (*obj.as_ptr().cast::<Object>()).calendar.as_ref()
    }
}

/// `datetime64[D]`
pub fn days_descr(py: Python<'_>) -> PyResult<Descr<'_>> {
    let meta = DatetimeMeta { unit: Unit::Day as i32, num: 1 };
    descr_of(py, &Dtype::datetime(TypeNum::DATETIME, meta))
}

/// Dates as an array of days; units finer than days are refused.
pub fn days<'py>(obj: &Obj<'py>, refuse: impl Fn(&Descr<'py>, &Descr<'py>) -> PyErr) -> PyResult<Array<'py>> {
    let py = obj.py();
    let arr = array::from_any(obj, Some(&builtin(py, TypeNum::DATETIME)), 0, 0, 0)?;
    let target = days_descr(py)?;
    let empty = arr.dtype().datetime_meta().is_some_and(|m| m.unit == super::dtype::datetime::GENERIC);
    if !empty && !micronumpy::cast::can_cast(arr.dtype(), target.dtype(), Casting::Safe) {
        return Err(refuse(&arr.descr(), &target));
    }
    let out = array::new(&target, arr.shape(), micronumpy::Order::C, true)?;
    micronumpy::cast::copy_into(&out.view(), &arr.view()).py(py)?;
    Ok(out)
}

/// The elements of a contiguous array of days.
pub fn ticks(arr: &Array<'_>) -> Vec<i64> {
    // SAFETY: made by `days`: fresh, contiguous, native.
    (0..arr.size()).map(|i| unsafe { arr.data().cast::<i64>().add(i).read() }).collect()
}

/// A week mask: text such as `"1111100"` or `"Mon Tue"`, or seven truth values.
pub fn weekmask(obj: &Obj<'_>) -> PyResult<Weekmask> {
    let text = match obj.cast::<PyBytes>() {
        Ok(b) => Some(String::from_utf8_lossy(b.as_bytes()).into_owned()),
        Err(_) => obj.is_instance_of::<PyString>().then(|| lossy(obj)),
    };
    if let Some(text) = text {
        return text.parse().map_err(time::raise);
    }
    let bad = || PyValueError::new_err("A business day weekmask array must have length 7");
    // SAFETY: a live object.
    if unsafe { ffi::PySequence_Check(obj.as_ptr()) } == 0 {
        return Err(PyValueError::new_err("Couldn't convert object into a business day weekmask"));
    }
    if obj.len()? != 7 {
        return Err(bad());
    }
    let mut flags = vec![];
    for i in 0..7 {
        let value: i64 = obj.get_item(i)?.call_method0("__int__")?.extract()?;
        if value != 0 && value != 1 {
            return Err(PyValueError::new_err("A business day weekmask array must have all 1's and 0's"));
        }
        flags.push(value == 1);
    }
    Weekmask::new(&flags).map_err(|_| bad())
}

/// Holidays: anything that converts to a list of days.
pub fn holidays(obj: &Obj<'_>) -> PyResult<Vec<i64>> {
    let arr = days(obj, |_, _| {
        PyValueError::new_err("Cannot safely convert provided holidays input into an array of dates")
    })?;
    if arr.ndim() != 1 {
        return Err(PyValueError::new_err("holidays must be a provided as a one-dimensional array"));
    }
    Ok(ticks(&arr).into_iter().filter(|&t| t != NAT).collect())
}

fn new<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("busdaycal(weekmask=None, holidays=None)");
    let py = cls.py();
    let [mask, days_off] = with_args(args, kwargs, |a| a.parse(&SIG))?;
    let mask = mask.map_or(Ok(Weekmask::default()), |m| weekmask(&m))?;
    let days_off = match days_off.filter(|h| !h.is_none()) {
        Some(h) => holidays(&h)?,
        None => vec![],
    };
    if !mask.days().contains(&true) {
        return Err(PyValueError::new_err("Cannot construct a numpy.busdaycal with a weekmask of all zeros"));
    }
    // SAFETY: a ready type of this layout; fresh objects are zeroed.
    unsafe {
        let obj = Bound::from_owned_ptr_or_err(py, ffi::PyType_GenericAlloc(cls.as_ptr().cast(), 0))?;
        let calendar = Box::new(BusinessCalendar::new(mask, days_off));
        (*obj.as_ptr().cast::<Object>()).calendar = Box::into_raw(calendar);
        Ok(obj)
    }
}

unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; the calendar is null or ours.
    unsafe {
        let calendar = (*slf.cast::<Object>()).calendar;
        if !calendar.is_null() {
            drop(Box::from_raw(calendar));
        }
        if let Some(free) = (*ffi::Py_TYPE(slf)).tp_free {
            free(slf.cast());
        }
    }
}

fn own<'a>(slf: &'a Obj<'_>) -> PyResult<&'a BusinessCalendar> {
    calendar_of(slf).ok_or_else(|| PyTypeError::new_err("not a busdaycalendar"))
}

fn get_weekmask<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let out = array::new(&builtin(py, TypeNum::BOOL), &[7], micronumpy::Order::C, true)?;
    for (i, on) in own(slf)?.mask().days().into_iter().enumerate() {
        // SAFETY: seven bytes.
        unsafe { out.data().add(i).write(on.into()) };
    }
    Ok(out.0)
}

fn get_holidays<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let days = own(slf)?.holidays();
    let out = array::new(&days_descr(py)?, &[days.len() as isize], micronumpy::Order::C, true)?;
    for (i, day) in days.iter().enumerate() {
        // SAFETY: as many elements as there are holidays.
        unsafe { out.data().cast::<i64>().add(i).write(*day) };
    }
    Ok(out.0)
}

static GETSETS: GetSets<3> =
    GetSets::new([getset!(c"weekmask", get_weekmask), getset!(c"holidays", get_holidays), GETSET_END]);

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the type is zeroed and not in use yet.
    unsafe {
        let ty = TYPE.as_type();
        types::prepare(ty, c"numpy.busdaycalendar", size_of::<Object>(), 0);
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_new = Some(crate::callfunc!(new new));
        (*ty).tp_init = Some(crate::initproc!(no_init));
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

/// `__new__` has done everything.
fn no_init<'py>(_: &Obj<'py>, _: &Obj<'py>, _: Option<&Obj<'py>>) -> PyResult<()> {
    Ok(())
}
