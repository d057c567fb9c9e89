//! What numpy's ufuncs do with scaled floats: `multiply` multiplies the factors, `add` casts on the way, `hypot` is
//! float64's with the factor put aside.

use std::ffi::{c_int, c_void};

use micronumpy::{Casting, TypeNum};
use pyo3::ffi::{self, PyObject, PyType_Slot};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use ufuncs::LoopContext;

use super::casts::{check_factor, level};
use super::{CLASS, common_instance, make_raw, scaling_of, spec};
use crate::abi::*;
use crate::ffi::guard::{self, owned};
use crate::ffi::types;
use crate::objects::dtype::{CLASSES, DtypeClass, builtin};
use crate::objects::ufunc::{by_name, dispatch};

/// Register everything.
pub(super) fn register(py: Python<'_>) -> PyResult<()> {
    let class = CLASS.get();
    let double = CLASSES[TypeNum::DOUBLE.0 as usize].get();
    let slot = |slot: c_int, pfunc: *const ()| PyType_Slot { slot, pfunc: pfunc.cast_mut().cast() };
    let mut dtypes = [class; 3];
    for (name, resolve, strided) in [
        ("multiply", resolve_multiply as ResolveDescriptors, multiply as StridedLoop),
        ("add", resolve_add as ResolveDescriptors, add as StridedLoop),
    ] {
        let mut slots = [
            slot(NPY_METH_RESOLVE_DESCRIPTORS, resolve as *const ()),
            slot(NPY_METH_STRIDED_LOOP, strided as *const ()),
            slot(0, std::ptr::null()),
        ];
        let method_name = if name == "add" { c"sfloat_add" } else { c"sfloat_multiply" };
        let mut spec = spec(method_name, 2, 1, Casting::SameKind as c_int, 0);
        spec.dtypes = dtypes.as_mut_ptr();
        spec.slots = slots.as_mut_ptr();
        // SAFETY: a complete specification.
        unsafe { dispatch::add_loop(&by_name(py, name)?, &raw const spec)? };
    }
    // SAFETY: both classes are ready and live as long as the process; the capsule holds a function of its name's type.
    unsafe {
        let handle = |c: *mut PyArray_DTypeMeta| DtypeClass(types::handle(py, c.cast()));
        dispatch::add_wrapping_loop(
            &by_name(py, "hypot")?,
            &[handle(class), handle(class), handle(class)],
            &[handle(double), handle(double), handle(double)],
            to_doubles,
            from_doubles,
        )?;
        let promoter = owned(
            py,
            ffi::PyCapsule_New(
                (promote as PromoterFunction as *mut ()).cast(),
                c"numpy._ufunc_promoter".as_ptr(),
                None,
            ),
        )?;
        let multiply = by_name(py, "multiply")?;
        for operands in [[double, class], [class, double]] {
            let dtypes = PyTuple::new(py, [handle(operands[0]).0, handle(operands[1]).0, handle(class).0])?;
            dispatch::add_promoter(&multiply, dtypes.as_any(), &promoter)?;
        }
    }
    Ok(())
}

unsafe extern "C" fn resolve_multiply(
    _: *mut c_void,
    _: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    out: *mut *mut PyArray_Descr,
    _: *mut isize,
) -> c_int {
    guard::guard(|py| {
        // SAFETY: the slot's contract: two inputs and an output.
        unsafe {
            let (a, b) = (*given, *given.add(1));
            *out.add(2) = make_raw(py, scaling_of(a) * scaling_of(b))?;
            ffi::Py_INCREF(a.cast());
            ffi::Py_INCREF(b.cast());
            *out = a;
            *out.add(1) = b;
        }
        Ok(Casting::No as c_int)
    })
}

/// The sum has the factor the operands have in common, or the one asked for; the loop casts, so that counts as a cast.
unsafe extern "C" fn resolve_add(
    _: *mut c_void,
    _: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    out: *mut *mut PyArray_Descr,
    _: *mut isize,
) -> c_int {
    // SAFETY: the slot's contract: two inputs and an output, which may be null.
    unsafe {
        let (a, b, wanted) = (*given, *given.add(1), *given.add(2));
        let sum = if wanted.is_null() {
            common_instance(a, b)
        } else {
            ffi::Py_INCREF(wanted.cast());
            wanted
        };
        ffi::Py_INCREF(a.cast());
        ffi::Py_INCREF(b.cast());
        *out = a;
        *out.add(1) = b;
        *out.add(2) = sum;
        let to = scaling_of(sum);
        level(scaling_of(a), to).max(level(scaling_of(b), to)) as c_int
    }
}

/// Apply `f` to pairs of elements.
///
/// # Safety
/// The loop contract, for two inputs and an output of doubles.
unsafe fn binary(
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    f: impl Fn(f64, f64) -> f64,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let (mut a, mut b, mut out) = (*data, *data.add(1), *data.add(2));
        for _ in 0..*dims {
            out.cast::<f64>()
                .write_unaligned(f(a.cast::<f64>().read_unaligned(), b.cast::<f64>().read_unaligned()));
            a = a.wrapping_offset(*strides);
            b = b.wrapping_offset(*strides.add(1));
            out = out.wrapping_offset(*strides.add(2));
        }
    }
}

unsafe extern "C" fn multiply(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract.
    unsafe { binary(data, dims, strides, |a, b| a * b) };
    0
}

unsafe extern "C" fn add(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract; all descriptors are of the class.
    unsafe {
        let descrs = (*ctx).descriptors.cast::<*mut PyArray_Descr>();
        let to = scaling_of(*descrs.add(2));
        let (x, y) = (scaling_of(*descrs) / to, scaling_of(*descrs.add(1)) / to);
        if guard::guard(|_| check_factor(x).and_then(|_| check_factor(y)).map(|_| 0)) < 0 {
            return -1;
        }
        binary(data, dims, strides, |a, b| a * x + b * y);
    }
    0
}

unsafe extern "C" fn to_doubles(
    nin: c_int,
    nout: c_int,
    _: *const *mut PyArray_DTypeMeta,
    _: *const *mut PyArray_Descr,
    new: *mut *mut PyArray_Descr,
) -> c_int {
    guard::guard(|py| {
        for i in 0..(nin + nout) as usize {
            // SAFETY: an entry per operand.
            unsafe { *new.add(i) = builtin(py, TypeNum::DOUBLE).0.into_ptr().cast() };
        }
        Ok(0)
    })
}

/// All operands have the factor the inputs have in common, so that it can be put aside.
unsafe extern "C" fn from_doubles(
    nin: c_int,
    nout: c_int,
    _: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    _: *mut *mut PyArray_Descr,
    out: *mut *mut PyArray_Descr,
) -> c_int {
    // SAFETY: two inputs and an output; a new reference for each.
    unsafe {
        let common = common_instance(*given, *given.add(1));
        for i in 0..(nin + nout) as usize {
            ffi::Py_INCREF(common.cast());
            *out.add(i) = common;
        }
        ffi::Py_DECREF(common.cast());
    }
    0
}

/// Doubles among the operands are scaled floats with a factor of one.
unsafe extern "C" fn promote(
    _: *mut PyObject,
    _: *const *mut PyArray_DTypeMeta,
    signature: *const *mut PyArray_DTypeMeta,
    new: *mut *mut PyArray_DTypeMeta,
) -> c_int {
    for i in 0..3 {
        // SAFETY: an entry per operand; new references.
        unsafe {
            let named = *signature.add(i);
            let class = if named.is_null() { CLASS.get() } else { named };
            ffi::Py_INCREF(class.cast());
            *new.add(i) = class;
        }
    }
    0
}
