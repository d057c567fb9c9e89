//! Casts of the scaled float: between factors, to and from doubles, to booleans.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use micronumpy::{Casting, TypeNum};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{self, PyType_Slot};
use pyo3::prelude::*;
use ufuncs::LoopContext;

use super::{make_raw, scaling_of, spec};
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::dtype::{CLASSES, builtin};

/// Call `f` with a list of the casts as a specification of the class has it.
pub(super) fn with_specs<T>(f: impl FnOnce(*mut *mut PyArrayMethod_Spec) -> T) -> T {
    let slot = |slot: c_int, pfunc: *const ()| PyType_Slot { slot, pfunc: pfunc.cast_mut().cast() };
    let end = || slot(0, std::ptr::null());
    let resolve = |f: ResolveDescriptors| slot(NPY_METH_RESOLVE_DESCRIPTORS, f as *const ());
    let strided = |f: StridedLoop| slot(NPY_METH_STRIDED_LOOP, f as *const ());
    let mut within = [
        resolve(resolve_within),
        strided(rescale),
        slot(NPY_METH_UNALIGNED_STRIDED_LOOP, rescale as StridedLoop as *const ()),
        end(),
    ];
    let mut with_double = [resolve(resolve_with_double), strided(copy_double), end()];
    let mut to_bool = [resolve(resolve_to_bool), strided(is_nonzero), end()];
    let class = |num: TypeNum| CLASSES[num.0 as usize].get();
    // Null stands for the class that is being made.
    let mut same = [null_mut(), null_mut()];
    let mut from_double = [class(TypeNum::DOUBLE), null_mut()];
    let mut to_double = [null_mut(), class(TypeNum::DOUBLE)];
    let mut bools = [null_mut(), class(TypeNum::BOOL)];
    let mut specs = [
        spec(c"sfloat_to_sfloat_cast", 1, 1, Casting::SameKind as c_int, NPY_METH_SUPPORTS_UNALIGNED),
        spec(c"float_to_sfloat_cast", 1, 1, Casting::SameKind as c_int, 0),
        spec(c"sfloat_to_float_cast", 1, 1, Casting::SameKind as c_int, 0),
        spec(c"sfloat_to_bool_cast", 1, 1, Casting::SameKind as c_int, 0),
    ];
    let dtypes = [&mut same, &mut from_double, &mut to_double, &mut bools];
    for (spec, dtypes) in specs.iter_mut().zip(dtypes) {
        spec.dtypes = dtypes.as_mut_ptr();
    }
    specs[0].slots = within.as_mut_ptr();
    specs[1].slots = with_double.as_mut_ptr();
    specs[2].slots = with_double.as_mut_ptr();
    specs[3].slots = to_bool.as_mut_ptr();
    let mut list: Vec<*mut PyArrayMethod_Spec> = specs.iter_mut().map(|s| s as *mut _).collect();
    list.push(null_mut());
    f(list.as_mut_ptr())
}

/// How safe it is to go from one factor to another.
pub(super) fn level(from: f64, to: f64) -> Casting {
    if from == to {
        Casting::No
    } else if from.abs() == to.abs() {
        // Changing the sign counts as changing the byte order does.
        Casting::Equiv
    } else {
        Casting::SameKind
    }
}

unsafe extern "C" fn resolve_within(
    _: *mut c_void,
    _: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    out: *mut *mut PyArray_Descr,
    view_offset: *mut isize,
) -> c_int {
    // SAFETY: the slot's contract: two operands, the second may be null.
    unsafe {
        let from = *given;
        let to = if (*given.add(1)).is_null() { from } else { *given.add(1) };
        ffi::Py_INCREF(from.cast());
        ffi::Py_INCREF(to.cast());
        *out = from;
        *out.add(1) = to;
        let level = level(scaling_of(from), scaling_of(to));
        if level == Casting::No {
            *view_offset = 0;
        }
        level as c_int
    }
}

/// A double is a scaled float with a factor of one; other factors are a cast of their own.
unsafe extern "C" fn resolve_with_double(
    _: *mut c_void,
    dtypes: *const *mut PyArray_DTypeMeta,
    _: *const *mut PyArray_Descr,
    out: *mut *mut PyArray_Descr,
    view_offset: *mut isize,
) -> c_int {
    guard(|py| {
        let double = CLASSES[TypeNum::DOUBLE.0 as usize].get();
        for i in 0..2 {
            // SAFETY: the slot's contract: two operands.
            unsafe {
                *out.add(i) = if *dtypes.add(i) == double {
                    builtin(py, TypeNum::DOUBLE).0.into_ptr().cast()
                } else {
                    make_raw(py, 1.0)?
                };
            }
        }
        // SAFETY: as above.
        unsafe { *view_offset = 0 };
        Ok(Casting::No as c_int)
    })
}

unsafe extern "C" fn resolve_to_bool(
    _: *mut c_void,
    _: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    out: *mut *mut PyArray_Descr,
    _: *mut isize,
) -> c_int {
    guard(|py| {
        // SAFETY: the slot's contract: two operands.
        unsafe {
            ffi::Py_INCREF((*given).cast());
            *out = *given;
            *out.add(1) = builtin(py, TypeNum::BOOL).0.into_ptr().cast();
        }
        Ok(Casting::Unsafe as c_int)
    })
}

/// A factor that loops can multiply with.
pub(super) fn check_factor(factor: f64) -> PyResult<f64> {
    if factor.is_finite() && factor != 0.0 {
        return Ok(factor);
    }
    let what = if factor == 0.0 { "zero" } else { "non-finite" };
    Err(PyTypeError::new_err(format!("error raised inside the core-loop: {what} factor!")))
}

unsafe extern "C" fn rescale(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract; both descriptors are of the class; elements may be unaligned.
    unsafe {
        let descrs = (*ctx).descriptors.cast::<*mut PyArray_Descr>();
        let factor = scaling_of(*descrs) / scaling_of(*descrs.add(1));
        // A loop returns 0 or -1, which is also what `guard` returns.
        if guard(|_| check_factor(factor).map(|_| 0)) < 0 {
            return -1;
        }
        let (mut src, mut dst) = (*data, *data.add(1));
        for _ in 0..*dims {
            dst.cast::<f64>().write_unaligned(src.cast::<f64>().read_unaligned() * factor);
            src = src.wrapping_offset(*strides);
            dst = dst.wrapping_offset(*strides.add(1));
        }
    }
    0
}

unsafe extern "C" fn copy_double(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let (mut src, mut dst) = (*data, *data.add(1));
        for _ in 0..*dims {
            dst.cast::<f64>().write_unaligned(src.cast::<f64>().read_unaligned());
            src = src.wrapping_offset(*strides);
            dst = dst.wrapping_offset(*strides.add(1));
        }
    }
    0
}

unsafe extern "C" fn is_nonzero(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe {
        let (mut src, mut dst) = (*data, *data.add(1));
        for _ in 0..*dims {
            *dst = u8::from(src.cast::<f64>().read_unaligned() != 0.0);
            src = src.wrapping_offset(*strides);
            dst = dst.wrapping_offset(*strides.add(1));
        }
    }
    0
}
