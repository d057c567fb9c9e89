//! Converters for `PyArg_ParseTuple` and its kin: 1 is success, 0 failure with an exception.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use micronumpy::{Casting, Order};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;

use super::Slot;
use super::given::{self, succeed};
use super::methods::Dimensions;
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::array::{self, args};
use crate::objects::dtype;

pub static SLOTS: &[Slot] = &[
    Slot(100, PyArray_PyIntAsInt as *const ()),
    Slot(101, PyArray_PyIntAsIntp as *const ()),
    Slot(166, PyArray_Converter as *const ()),
    Slot(167, PyArray_IntpFromSequence as *const ()),
    Slot(174, PyArray_DescrConverter as *const ()),
    Slot(175, PyArray_DescrConverter2 as *const ()),
    Slot(176, PyArray_IntpConverter as *const ()),
    Slot(177, PyArray_BufferConverter as *const ()),
    Slot(178, PyArray_AxisConverter as *const ()),
    Slot(179, PyArray_BoolConverter as *const ()),
    Slot(180, PyArray_ByteorderConverter as *const ()),
    Slot(181, PyArray_OrderConverter as *const ()),
    Slot(188, PyArray_SortkindConverter as *const ()),
    Slot(196, PyArray_IntTupleFromIntp as *const ()),
    Slot(198, PyArray_ClipmodeConverter as *const ()),
    Slot(199, PyArray_OutputConverter as *const ()),
    Slot(203, PyArray_DescrAlignConverter as *const ()),
    Slot(204, PyArray_DescrAlignConverter2 as *const ()),
    Slot(205, PyArray_SearchsideConverter as *const ()),
    Slot(269, PyArray_CastingConverter as *const ()),
    Slot(279, PyArray_ConvertClipmodeSequence as *const ()),
    Slot(298, PyArray_SelectkindConverter as *const ()),
];

unsafe extern "C" fn PyArray_PyIntAsInt(obj: *mut PyObject) -> c_int {
    guard(|py| {
        // SAFETY: the C API's contract, here and below.
        let number = whole(&unsafe { given::object(py, obj) })?;
        c_int::try_from(number).map_err(|_| PyValueError::new_err("integer won't fit into a C int"))
    })
}

unsafe extern "C" fn PyArray_PyIntAsIntp(obj: *mut PyObject) -> isize {
    // SAFETY: as above.
    guard(|py| whole(&unsafe { given::object(py, obj) }))
}

/// An integer; booleans are none.
fn whole(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    if obj.is_instance_of::<pyo3::types::PyBool>() {
        return Err(PyTypeError::new_err("an integer is required"));
    }
    args::index(obj)
}

unsafe extern "C" fn PyArray_Converter(obj: *mut PyObject, out: *mut *mut PyObject) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        let obj = given::object(py, obj);
        *out = array::from_any(&obj, None, 0, 0, NPY_ARRAY_CARRAY_RO & !NPY_ARRAY_NOTSWAPPED)?.0.into_ptr();
        Ok(())
    })
}

unsafe extern "C" fn PyArray_OutputConverter(obj: *mut PyObject, out: *mut *mut PyObject) -> c_int {
    // SAFETY: as above; the array stays borrowed.
    succeed(|py| unsafe {
        *out = null_mut();
        let obj = given::object(py, obj);
        if let Some(arr) = args::out(Some(&obj))? {
            *out = arr.0.as_ptr();
        }
        Ok(())
    })
}

/// At most `max` integers of a sequence; how many there are.
unsafe extern "C" fn PyArray_IntpFromSequence(obj: *mut PyObject, values: *mut isize, max: c_int) -> c_int {
    // SAFETY: as above.
    guard(|py| unsafe {
        let found = args::shape(&given::object(py, obj))?;
        let fit = found.len().min(usize::try_from(max).unwrap_or(0));
        std::ptr::copy_nonoverlapping(found.as_ptr(), values, fit);
        Ok(found.len() as c_int)
    })
}

unsafe extern "C" fn PyArray_IntTupleFromIntp(n: c_int, values: *const isize) -> *mut PyObject {
    // SAFETY: as above.
    given::give(|py| args::int_tuple(py, unsafe { given::dims(values, n) }))
}

/// The list is the caller's, who frees it with `PyDimMem_FREE`.
unsafe extern "C" fn PyArray_IntpConverter(obj: *mut PyObject, out: *mut Dimensions) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        (*out).ptr = null_mut();
        (*out).len = 0;
        let shape = args::shape(&given::object(py, obj))?;
        if shape.is_empty() {
            return Ok(());
        }
        let list: *mut isize = ffi::PyMem_RawMalloc(shape.len() * size_of::<isize>()).cast();
        if list.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        std::ptr::copy_nonoverlapping(shape.as_ptr(), list, shape.len());
        (*out).ptr = list;
        (*out).len = shape.len() as c_int;
        Ok(())
    })
}

/// `PyArray_Chunk`
#[repr(C)]
pub struct Chunk {
    ob_base: ffi::PyObject,
    base: *mut PyObject,
    ptr: *mut c_void,
    len: isize,
    flags: c_int,
}

unsafe extern "C" fn PyArray_BufferConverter(obj: *mut PyObject, out: *mut Chunk) -> c_int {
    // SAFETY: as above. The buffer is let go at once and the object kept, as upstream does.
    succeed(|py| unsafe {
        (*out).ptr = null_mut();
        (*out).flags = NPY_ARRAY_BEHAVED;
        (*out).base = null_mut();
        if obj == ffi::Py_None() {
            return Ok(());
        }
        let mut view: ffi::Py_buffer = std::mem::zeroed();
        if ffi::PyObject_GetBuffer(obj, &mut view, ffi::PyBUF_WRITABLE | ffi::PyBUF_SIMPLE) != 0 {
            ffi::PyErr_Clear();
            (*out).flags &= !NPY_ARRAY_WRITEABLE;
            if ffi::PyObject_GetBuffer(obj, &mut view, ffi::PyBUF_SIMPLE) != 0 {
                return Err(PyErr::fetch(py));
            }
        }
        (*out).ptr = view.buf;
        (*out).len = view.len;
        ffi::PyBuffer_Release(&mut view);
        let base = match ffi::PyMemoryView_Check(obj) != 0 {
            true => Bound::from_borrowed_ptr(py, obj).getattr("obj")?.into_ptr(),
            false => {
                ffi::Py_INCREF(obj);
                obj
            }
        };
        // The chunk borrows: whoever keeps it takes a reference.
        (*out).base = base;
        ffi::Py_DECREF(base);
        Ok(())
    })
}

unsafe extern "C" fn PyArray_AxisConverter(obj: *mut PyObject, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        let axis = args::axis(Some(&given::object(py, obj)))?;
        *out = axis.map_or(given::RAVEL_AXIS, |a| a as c_int);
        Ok(())
    })
}

unsafe extern "C" fn PyArray_BoolConverter(obj: *mut PyObject, out: *mut u8) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        *out = u8::from(given::object(py, obj).is_truthy()?);
        Ok(())
    })
}

unsafe extern "C" fn PyArray_ByteorderConverter(obj: *mut PyObject, out: *mut c_char) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        *out = dtype::byteorder_of(&given::object(py, obj))? as c_char;
        Ok(())
    })
}

unsafe extern "C" fn PyArray_OrderConverter(obj: *mut PyObject, out: *mut c_int) -> c_int {
    // SAFETY: as above. `None` leaves the caller's default.
    succeed(|py| unsafe {
        if obj != ffi::Py_None() {
            *out = given::order_code(args::order(Some(&given::object(py, obj)), Order::C)?);
        }
        Ok(())
    })
}

unsafe extern "C" fn PyArray_SortkindConverter(obj: *mut PyObject, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        if obj != ffi::Py_None() {
            *out = given::sort_code(args::sort_kind(&given::object(py, obj))?);
        }
        Ok(())
    })
}

unsafe extern "C" fn PyArray_SelectkindConverter(obj: *mut PyObject, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        args::select_kind(&given::object(py, obj))?;
        *out = 0;
        Ok(())
    })
}

unsafe extern "C" fn PyArray_SearchsideConverter(obj: *mut PyObject, out: *mut c_void) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        *out.cast::<c_int>() = c_int::from(args::search_side(&given::object(py, obj))?);
        Ok(())
    })
}

unsafe extern "C" fn PyArray_ClipmodeConverter(obj: *mut PyObject, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        *out = given::clip_code(args::clip_mode(given::optional(py, obj).as_ref())?);
        Ok(())
    })
}

/// One mode for all, or a sequence of modes.
unsafe extern "C" fn PyArray_ConvertClipmodeSequence(obj: *mut PyObject, out: *mut c_int, n: c_int) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        let out = std::slice::from_raw_parts_mut(out, usize::try_from(n).unwrap_or(0));
        let obj = given::optional(py, obj).filter(|o| !o.is_none());
        let is_list = obj
            .as_ref()
            .is_some_and(|o| ffi::PyTuple_Check(o.as_ptr()) != 0 || ffi::PyList_Check(o.as_ptr()) != 0);
        match obj {
            Some(list) if is_list => {
                let modes = args::items(&list)?;
                if modes.len() != out.len() {
                    return Err(PyValueError::new_err(format!(
                        "list of clipmodes has wrong length ({} instead of {n})",
                        modes.len()
                    )));
                }
                for (place, mode) in out.iter_mut().zip(&modes) {
                    *place = given::clip_code(args::clip_mode(Some(mode))?);
                }
            }
            one => out.fill(given::clip_code(args::clip_mode(one.as_ref())?)),
        }
        Ok(())
    })
}

unsafe extern "C" fn PyArray_CastingConverter(obj: *mut PyObject, out: *mut c_int) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        *out = given::casting_code(args::plain_casting(Some(&given::object(py, obj)), Casting::Safe)?);
        Ok(())
    })
}

unsafe fn descr(obj: *mut PyObject, out: *mut *mut PyArray_Descr, align: bool) -> c_int {
    // SAFETY: as above.
    succeed(|py| unsafe {
        *out = null_mut();
        let obj = given::object(py, obj);
        let descr = if align { dtype::convert_with(&obj, true)? } else { dtype::convert_or_default(&obj)? };
        *out = given::raw(descr.0);
        Ok(())
    })
}

/// The same, leaving null for `None`.
unsafe fn descr_unless_none(obj: *mut PyObject, out: *mut *mut PyArray_Descr, align: bool) -> c_int {
    // SAFETY: as above.
    unsafe {
        if obj == ffi::Py_None() {
            *out = null_mut();
            return 1;
        }
        descr(obj, out, align)
    }
}

unsafe extern "C" fn PyArray_DescrConverter(obj: *mut PyObject, out: *mut *mut PyArray_Descr) -> c_int {
    // SAFETY: as above.
    unsafe { descr(obj, out, false) }
}

unsafe extern "C" fn PyArray_DescrConverter2(obj: *mut PyObject, out: *mut *mut PyArray_Descr) -> c_int {
    // SAFETY: as above.
    unsafe { descr_unless_none(obj, out, false) }
}

unsafe extern "C" fn PyArray_DescrAlignConverter(obj: *mut PyObject, out: *mut *mut PyArray_Descr) -> c_int {
    // SAFETY: as above.
    unsafe { descr(obj, out, true) }
}

unsafe extern "C" fn PyArray_DescrAlignConverter2(obj: *mut PyObject, out: *mut *mut PyArray_Descr) -> c_int {
    // SAFETY: as above.
    unsafe { descr_unless_none(obj, out, true) }
}
