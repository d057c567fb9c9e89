//! Scalars as buffers: their bytes, read only.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use micronumpy::TypeNum;
use pyo3::exceptions::{PyBufferError, PyMemoryError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::value::{descr_of_scalar, typenum_of, ucs4_of};
use super::void;
use crate::abi::*;
use crate::error::missing;
use crate::ffi::guard;

/// `struct` formats by type number, with their NUL.
static FORMATS: [&str; TypeNum::NTYPES] = [
    "?\0", "b\0", "B\0", "h\0", "H\0", "i\0", "I\0", "l\0", "L\0", "q\0", "Q\0", "f\0", "d\0", "g\0", "Zf\0",
    "Zd\0", "Zg\0", "O\0", "s\0", "w\0", "x\0", "B\0", "B\0", "e\0",
];

/// Shape of the buffers that are plain bytes.
static EIGHT: [ffi::Py_ssize_t; 1] = [8];
static ONE: [ffi::Py_ssize_t; 1] = [1];

unsafe extern "C" fn getbuffer(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    guard(|py| {
        // SAFETY: the buffer protocol: a live object and a view to fill.
        unsafe {
            (*view).obj = null_mut();
            let obj = Bound::from_borrowed_ptr(py, slf);
            fill_view(&obj, &mut *view, flags)?;
        }
        Ok(0)
    })
}

/// The bytes of a scalar of a user type, which has no format.
fn fill_user_view(obj: &Bound<'_, PyAny>, view: &mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    if flags & ffi::PyBUF_FORMAT == ffi::PyBUF_FORMAT {
        return Err(PyTypeError::new_err(format!(
            "NumPy scalar {} can only exported as a buffer without format.",
            obj.repr()?.to_string_lossy()
        )));
    }
    if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
        return Err(PyBufferError::new_err("scalar buffer is readonly"));
    }
    let user = descr_of_scalar(obj)?.filter(|d| d.dtype().num.is_user());
    let descr = user.ok_or_else(|| missing("buffer of this scalar type"))?;
    // The value follows the header of the object, aligned.
    let offset = size_of::<ffi::PyObject>().next_multiple_of(descr.dtype().align.max(1));
    view.buf = obj.as_ptr().cast::<u8>().wrapping_add(offset).cast();
    view.len = descr.itemsize() as isize;
    view.itemsize = view.len;
    view.readonly = 1;
    view.ndim = 0;
    view.format = null_mut();
    view.shape = null_mut();
    view.strides = null_mut();
    view.suboffsets = null_mut();
    view.internal = null_mut();
    view.obj = obj.clone().into_ptr();
    Ok(())
}

/// # Safety
/// `view` is a buffer request.
unsafe fn fill_view(obj: &Bound<'_, PyAny>, view: &mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
    let py = obj.py();
    let Some(num) = typenum_of(obj) else { return fill_user_view(obj, view, flags) };
    if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
        return Err(PyBufferError::new_err("scalar buffer is readonly"));
    }
    if num == TypeNum::VOID {
        // SAFETY: a live void scalar.
        crate::protocols::buffer::check_info(obj, unsafe {
            (*obj.as_ptr().cast::<PyVoidScalarObject>()).buffer_info
        })?;
        // The array of the same memory knows how to describe structures.
        let arr = void::as_array(obj)?;
        // SAFETY: a live array and the caller's view.
        return match unsafe { ffi::PyObject_GetBuffer(arr.0.as_ptr(), view, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(py)),
        };
    }
    // SAFETY: layouts follow from the type number; the view keeps the object alive.
    unsafe {
        let raw = obj.as_ptr();
        view.readonly = 1;
        view.ndim = 0;
        view.shape = null_mut();
        view.strides = null_mut();
        view.suboffsets = null_mut();
        view.internal = null_mut();
        let mut format: *mut c_char = FORMATS[num.0 as usize].as_ptr().cast_mut().cast();
        match num {
            TypeNum::UNICODE => {
                let scalar: *mut PyUnicodeScalarObject = raw.cast();
                let chars = ucs4_of(obj)?;
                if (*scalar).obval.is_null() {
                    let copy: *mut u32 = libc::malloc((4 * chars.len()).max(1)).cast();
                    if copy.is_null() {
                        return Err(PyMemoryError::new_err(()));
                    }
                    copy.copy_from_nonoverlapping(chars.as_ptr(), chars.len());
                    (*scalar).obval = copy;
                }
                if (*scalar).buffer_fmt.is_null() {
                    let text = format!("{}w\0", chars.len());
                    let copy: *mut u8 = libc::malloc(text.len()).cast();
                    if copy.is_null() {
                        return Err(PyMemoryError::new_err(()));
                    }
                    copy.copy_from_nonoverlapping(text.as_ptr(), text.len());
                    (*scalar).buffer_fmt = copy;
                }
                format = (*scalar).buffer_fmt.cast();
                view.buf = (*scalar).obval.cast();
                view.len = 4 * chars.len() as isize;
                view.itemsize = view.len;
            }
            TypeNum::DATETIME | TypeNum::TIMEDELTA => {
                let scalar: *mut PyDatetimeScalarObject = raw.cast();
                view.buf = (&raw mut (*scalar).obval).cast();
                view.len = 8;
                view.itemsize = 1;
                view.ndim = 1;
                view.shape = EIGHT.as_ptr().cast_mut();
                view.strides = ONE.as_ptr().cast_mut();
            }
            num => {
                view.buf = raw.cast::<u8>().add(size_of::<ffi::PyObject>()).cast::<c_void>();
                view.len = num.size() as isize;
                view.itemsize = view.len;
            }
        }
        view.format = if flags & ffi::PyBUF_FORMAT == ffi::PyBUF_FORMAT { format } else { null_mut() };
        view.obj = obj.clone().into_ptr();
    }
    Ok(())
}

/// # Safety
/// `ty` is not ready yet.
pub unsafe fn fill(ty: *mut ffi::PyTypeObject) {
    // SAFETY: zeroed tables are valid; they are leaked because the type keeps them.
    unsafe {
        let procs: &mut ffi::PyBufferProcs = Box::leak(Box::new(std::mem::zeroed()));
        procs.bf_getbuffer = Some(getbuffer);
        (*ty).tp_as_buffer = procs;
    }
}

/// `str_` scalars own the characters their buffer shows.
pub unsafe extern "C" fn str_dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; both are null or malloc'ed above.
    unsafe {
        let scalar: *mut PyUnicodeScalarObject = slf.cast();
        libc::free((*scalar).obval.cast());
        libc::free((*scalar).buffer_fmt.cast());
        if let Some(dealloc) = ffi::PyUnicode_Type.tp_dealloc {
            dealloc(slf);
        }
    }
}
