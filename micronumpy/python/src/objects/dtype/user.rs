//! Types registered at run time by compiled extensions.

use std::sync::Mutex;

use micronumpy::{Dtype, TypeNum};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::abi::*;
use crate::error::missing;
use crate::objects::Descr;

/// Descriptors of user types, by type number from [`TypeNum::USERDEF`] on. They are never freed.
static USER: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// The descriptor of a user type number.
pub fn descr_of_num<'py>(py: Python<'py>, num: TypeNum) -> Option<Descr<'py>> {
    let at = usize::try_from(num.0 - TypeNum::USERDEF).ok()?;
    let ptr = *USER.lock().ok()?.get(at)? as *mut ffi::PyObject;
    // SAFETY: registered descriptors live as long as the process.
    Some(Descr(unsafe { Bound::from_borrowed_ptr(py, ptr) }))
}

/// The descriptor whose scalar class is exactly this one.
pub fn descr_of_class<'py>(py: Python<'py>, class: *mut ffi::PyTypeObject) -> Option<Descr<'py>> {
    let all = USER.lock().ok()?;
    // SAFETY: registered descriptors live as long as the process.
    all.iter().find(|&&p| unsafe { (*(p as *mut PyArray_Descr)).typeobj == class }).map(|&p| {
        // SAFETY: as above.
        Descr(unsafe { Bound::from_borrowed_ptr(py, p as *mut ffi::PyObject) })
    })
}

/// Take in a new type: its descriptor becomes immortal, its number is the result.
pub fn register(descr: Descr<'_>) -> Option<TypeNum> {
    let mut all = USER.lock().ok()?;
    let num = TypeNum(TypeNum::USERDEF + all.len() as i32);
    all.push(descr.0.into_ptr() as usize);
    Some(num)
}

/// The descriptor of a user dtype value.
pub(super) fn descr_of<'py>(py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    let descr = descr_of_num(py, dt.num).ok_or_else(|| missing(&format!("type number {}", dt.num.0)))?;
    if dt.byteorder == micronumpy::dtype::SWAPPED {
        return super::fields::with_byteorder(&descr, dt.byteorder);
    }
    Ok(descr)
}
