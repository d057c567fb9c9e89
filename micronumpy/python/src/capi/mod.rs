//! The tables compiled extensions reach numpy through: `_ARRAY_API` and `_UFUNC_API`.
//!
//! Every slot upstream fills is filled. A slot whose function is not written yet raises `NotImplementedError` with its name;
//! holes are null as upstream's are. Function bodies live in one file per topic; each file exports a list
//! `SLOTS: &[(usize, *const ())]` that overrides the table.
#![allow(non_snake_case)]

pub mod array_basics;
pub mod array_functions;
pub mod converters;
pub mod create;
pub mod datetime;
pub mod dtypes;
pub mod elements;
pub mod generic_loops;
mod given;
pub mod iterators;
pub mod methods;
pub mod missing;
pub mod nditer;
pub mod ownership;
pub mod slots;
pub mod strings;
mod types;
pub mod ufuncs;
pub mod user_types;

use std::ffi::c_void;
use std::ptr::null_mut;

use pyo3::prelude::*;
use pyo3::types::PyModule;
use pyo3::{PyErr, ffi as pyffi};

use crate::abi::StaticType;
use crate::objects;

/// A function slot and what goes there.
pub struct Slot(pub usize, pub *const ());
// SAFETY: addresses of functions.
unsafe impl Sync for Slot {}

static ARRAY_API: StaticType<[*mut c_void; slots::array::LEN]> = StaticType::zeroed();
static UFUNC_API: StaticType<[*mut c_void; slots::ufunc::LEN]> = StaticType::zeroed();

/// The written slots of the array table, by topic.
const ARRAY_SLOTS: &[&[Slot]] = &[
    array_basics::SLOTS,
    array_functions::SLOTS,
    converters::SLOTS,
    create::SLOTS,
    datetime::SLOTS,
    dtypes::SLOTS,
    elements::SLOTS,
    iterators::SLOTS,
    methods::SLOTS,
    nditer::SLOTS,
    ownership::SLOTS,
    strings::SLOTS,
    user_types::SLOTS,
];

/// Fill the tables and publish their capsules. Called after all types are ready, because types are slots too.
pub fn init(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    // SAFETY: module initialisation, GIL held, nobody has the tables yet.
    let (array, ufunc) = unsafe { (&mut *ARRAY_API.get(), &mut *UFUNC_API.get()) };
    fill(array, slots::array::MISSING);
    fill(ufunc, slots::ufunc::MISSING);
    for slot in ARRAY_SLOTS.iter().copied().flatten() {
        array[slot.0] = slot.1.cast_mut().cast();
    }
    for slot in ufuncs::SLOTS.iter().chain(generic_loops::SLOTS) {
        ufunc[slot.0] = slot.1.cast_mut().cast();
    }
    types::fill(array);
    array_functions::init();
    for (index, ty) in [
        (2, objects::array::ARRAY_TYPE.as_type()),
        (3, objects::dtype::DESCR_TYPE.as_type()),
        (5, objects::iter::flatiter::FLATITER_TYPE.as_type()),
        (6, objects::iter::broadcast::BROADCAST_TYPE.as_type()),
    ] {
        array[index] = ty.cast();
    }
    ufunc[0] = objects::ufunc::UFUNC_TYPE.as_type().cast();
    module.add("_ARRAY_API", capsule(py, array.as_mut_ptr().cast())?)?;
    module.add("_UFUNC_API", capsule(py, ufunc.as_mut_ptr().cast())?)
}

fn fill(table: &mut [*mut c_void], missing: &[(usize, Option<*const ()>)]) {
    for &(index, function) in missing {
        table[index] = function.map_or(null_mut(), |f| f.cast_mut().cast());
    }
}

fn capsule<'py>(py: Python<'py>, table: *mut c_void) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a static table, a nameless capsule as upstream's.
    unsafe { Bound::from_owned_ptr_or_opt(py, pyffi::PyCapsule_New(table, null_mut(), None)) }
        .ok_or_else(|| PyErr::fetch(py))
}
