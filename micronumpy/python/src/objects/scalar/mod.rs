//! `numpy.generic` and everything below it; elements to Python objects and back.

mod buffer;
mod generic;
mod new;
pub mod number;
pub(crate) mod quick;
pub mod set;
mod text;
pub mod time;
pub mod types;
pub mod value;
pub mod void;

use micronumpy::TypeNum;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::abi::*;
pub use generic::shared_or_copied;
pub use set::{cast_item, set_item};
pub use types::{GENERIC, concrete, typenum_of_class, typenum_of_subclass};
pub use value::{
    bool_object, bool_scalar, descr_of_numpy_scalar, descr_of_scalar, get_item, to_array, to_scalar,
};

/// Whether an object is a numpy scalar.
pub fn is_generic(obj: &Bound<'_, PyAny>) -> bool {
    super::handles::is_scalar(obj)
}

/// Scalars own nothing but their memory (void, object and string scalars have their own version).
unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone.
    unsafe {
        if let Some(free) = (*ffi::Py_TYPE(slf)).tp_free {
            free(slf.cast());
        }
    }
}

/// The two bool scalars are static: somebody gave back one reference too many.
unsafe extern "C" fn keep(slf: *mut ffi::PyObject) {
    // SAFETY: a live object.
    unsafe { ffi::Py_INCREF(slf) }
}

unsafe extern "C" fn object_dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone.
    unsafe {
        let raw: *mut PyObjectScalarObject = slf.cast();
        ffi::Py_XDECREF(std::mem::replace(&mut (*raw).obval, std::ptr::null_mut()));
        dealloc(slf);
    }
}

/// Strings compare and hash as Python's do.
fn base_compare<'py>(
    slf: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    op: CompareOp,
    base: *mut ffi::PyTypeObject,
) -> PyResult<Bound<'py, PyAny>> {
    let op = match op {
        CompareOp::Lt => ffi::Py_LT,
        CompareOp::Le => ffi::Py_LE,
        CompareOp::Eq => ffi::Py_EQ,
        CompareOp::Ne => ffi::Py_NE,
        CompareOp::Gt => ffi::Py_GT,
        CompareOp::Ge => ffi::Py_GE,
    };
    // SAFETY: `slf` is an instance of a class derived from `base`.
    unsafe {
        let compare = (*base).tp_richcompare.ok_or_else(|| PySystemError::new_err("no comparison"))?;
        Bound::from_owned_ptr_or_err(slf.py(), compare(slf.as_ptr(), other.as_ptr(), op))
    }
}

fn compare_str<'py>(
    slf: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    op: CompareOp,
) -> PyResult<Bound<'py, PyAny>> {
    base_compare(slf, other, op, &raw mut ffi::PyUnicode_Type)
}

fn compare_bytes<'py>(
    slf: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    op: CompareOp,
) -> PyResult<Bound<'py, PyAny>> {
    base_compare(slf, other, op, &raw mut ffi::PyBytes_Type)
}

/// Ready the scalar types.
pub fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the module is initialised once.
    unsafe {
        types::init(py, |ty, num| {
            generic::fill(ty, num);
            match num {
                None if ty == GENERIC.as_type() => {
                    (*ty).tp_dealloc = Some(dealloc);
                    number::fill(ty, None);
                    text::fill(ty, None);
                    buffer::fill(ty);
                }
                None => {}
                Some(num) => {
                    (*ty).tp_dealloc = Some(dealloc);
                    new::fill(ty, num);
                    text::fill(ty, Some(num));
                    if num.is_bool() || num.is_number() {
                        number::fill(ty, Some(num));
                    }
                    match num {
                        TypeNum::BOOL => (*ty).tp_dealloc = Some(keep),
                        TypeNum::OBJECT => {
                            (*ty).tp_dealloc = Some(object_dealloc);
                            (*ty).tp_richcompare = (*GENERIC.as_type()).tp_richcompare;
                            (*ty).tp_hash = (*GENERIC.as_type()).tp_hash;
                        }
                        TypeNum::UNICODE => {
                            (*ty).tp_dealloc = Some(buffer::str_dealloc);
                            (*ty).tp_richcompare = Some(crate::richcmpfunc!(compare_str));
                            (*ty).tp_hash = ffi::PyUnicode_Type.tp_hash;
                            buffer::fill(ty);
                        }
                        TypeNum::STRING => {
                            (*ty).tp_dealloc = ffi::PyBytes_Type.tp_dealloc;
                            (*ty).tp_richcompare = Some(crate::richcmpfunc!(compare_bytes));
                            (*ty).tp_hash = ffi::PyBytes_Type.tp_hash;
                        }
                        TypeNum::VOID => {
                            void::fill(ty);
                            (*ty).tp_richcompare = (*GENERIC.as_type()).tp_richcompare;
                        }
                        TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                            (*ty).tp_richcompare = (*GENERIC.as_type()).tp_richcompare;
                            (*ty).tp_hash = Some(crate::lenfunc!(time::hash));
                        }
                        _ => {}
                    }
                }
            }
            Ok(())
        })?;
    }
    value::init();
    super::object_ops::install();
    Ok(())
}
