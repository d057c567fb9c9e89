//! Single elements: as scalars, as C values, as fresh memory.

use std::ffi::{c_char, c_int, c_void};

use micronumpy::TypeNum;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;

use super::Slot;
use super::given::{self, give, zero};
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::array;
use crate::objects::handles::is_scalar;
use crate::objects::{Array, scalar};

pub static SLOTS: &[Slot] = &[
    Slot(42, PyArray_INCREF as *const ()),
    Slot(43, PyArray_XDECREF as *const ()),
    Slot(47, PyArray_Zero as *const ()),
    Slot(48, PyArray_One as *const ()),
    Slot(60, PyArray_Scalar as *const ()),
    Slot(62, PyArray_ScalarAsCtype as *const ()),
    Slot(63, PyArray_CastScalarToCtype as *const ()),
    Slot(64, PyArray_CastScalarDirect as *const ()),
    Slot(65, PyArray_Pack as *const ()),
    Slot(76, PyArray_Return as *const ()),
    Slot(120, PyArray_Item_INCREF as *const ()),
    Slot(121, PyArray_Item_XDECREF as *const ()),
    Slot(160, PyArray_GetPtr as *const ()),
    Slot(300, PyArray_CheckAnyScalarExact as *const ()),
];

unsafe extern "C" fn PyArray_Scalar(
    data: *mut c_void,
    descr: *mut PyArray_Descr,
    base: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract, here and below.
    give(|py| unsafe {
        let base = given::optional(py, base);
        scalar::to_scalar(&given::descr(py, descr), data.cast(), base.as_ref())
    })
}

/// The scalar of an array without dimensions, in exchange for the array; anything else stays.
unsafe extern "C" fn PyArray_Return(arr: *mut PyArrayObject) -> *mut PyObject {
    if arr.is_null() {
        return arr.cast();
    }
    // SAFETY: as above; the reference is taken over.
    give(|py| unsafe {
        let obj = Bound::from_owned_ptr(py, arr.cast());
        match Array::cast(&obj) {
            Some(arr) if arr.ndim() == 0 => array::element(&arr, arr.data()),
            _ => Ok(obj),
        }
    })
}

/// The value of a numpy scalar as C sees it: a copy of numbers, the address of strings and structures.
unsafe extern "C" fn PyArray_ScalarAsCtype(obj: *mut PyObject, out: *mut c_void) {
    // SAFETY: as above.
    guard(|py| unsafe {
        let value = given::object(py, obj);
        let descr = scalar::descr_of_numpy_scalar(&value)?
            .ok_or_else(|| PyTypeError::new_err("a numpy scalar is required"))?;
        let num = descr.dtype().num;
        let address: *const u8 = match num {
            TypeNum::STRING => ffi::PyBytes_AS_STRING(obj).cast(),
            TypeNum::VOID => (*obj.cast::<PyVoidScalarObject>()).obval,
            TypeNum::UNICODE => {
                let own: *mut PyUnicodeScalarObject = obj.cast();
                if (*own).obval.is_null() {
                    // Freed with the scalar, by `free`.
                    let n = ffi::PyUnicode_GetLength(obj) + 1;
                    let text: *mut u32 = libc::malloc(n as usize * size_of::<u32>()).cast();
                    if text.is_null() || ffi::PyUnicode_AsUCS4(obj, text, n, 1).is_null() {
                        libc::free(text.cast());
                        return Err(PyErr::fetch(py));
                    }
                    (*own).obval = text;
                }
                (*own).obval.cast()
            }
            _ => {
                // Numbers, dates and objects follow the head.
                let value = obj.cast::<u8>().add(size_of::<PyObject>());
                std::ptr::copy_nonoverlapping(value, out.cast(), descr.itemsize());
                return Ok(());
            }
        };
        *out.cast::<*const u8>() = address;
        Ok(())
    })
}

unsafe fn cast_scalar(obj: *mut PyObject, out: *mut c_void, descr: *mut PyArray_Descr) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe { scalar::cast_item(&given::descr(py, descr), out.cast(), &given::object(py, obj)) })
}

unsafe extern "C" fn PyArray_CastScalarToCtype(
    obj: *mut PyObject,
    out: *mut c_void,
    descr: *mut PyArray_Descr,
) -> c_int {
    // SAFETY: as above.
    unsafe { cast_scalar(obj, out, descr) }
}

unsafe extern "C" fn PyArray_CastScalarDirect(
    obj: *mut PyObject,
    _: *mut PyArray_Descr,
    out: *mut c_void,
    num: c_int,
) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        scalar::cast_item(&given::descr_of_number(py, num)?, out.cast(), &given::object(py, obj))
    })
}

unsafe extern "C" fn PyArray_Pack(
    descr: *mut PyArray_Descr,
    data: *mut c_void,
    value: *mut PyObject,
) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe { scalar::set_item(&given::descr(py, descr), data.cast(), &given::object(py, value)) })
}

/// One element with a small number in it. The memory is the caller's, who frees it with `PyDataMem_FREE`; an object in it
/// is a small integer, of which the memory holds no reference.
unsafe fn number(arr: *mut PyArrayObject, n: i32) -> *mut c_char {
    // SAFETY: as above.
    guard(|py| unsafe {
        let arr = given::array(py, arr)?;
        let descr = arr.descr();
        if descr.dtype().has_object() && !descr.dtype().num.is_object() {
            return Err(PyTypeError::new_err("Not supported for this data-type"));
        }
        let data: *mut c_char = libc::calloc(descr.itemsize().max(1), 1).cast();
        if data.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        let value = given::int(py, n);
        if descr.dtype().num.is_object() {
            *data.cast::<*mut PyObject>() = value.as_ptr();
            return Ok(data);
        }
        match scalar::set_item(&descr, data.cast(), &value) {
            Ok(()) => Ok(data),
            Err(e) => {
                libc::free(data.cast());
                Err(e)
            }
        }
    })
}

unsafe extern "C" fn PyArray_Zero(arr: *mut PyArrayObject) -> *mut c_char {
    // SAFETY: as above.
    unsafe { number(arr, 0) }
}

unsafe extern "C" fn PyArray_One(arr: *mut PyArrayObject) -> *mut c_char {
    // SAFETY: as above.
    unsafe { number(arr, 1) }
}

unsafe extern "C" fn PyArray_INCREF(arr: *mut PyArrayObject) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let arr = given::array(py, arr)?;
        if arr.dtype().has_object() {
            micronumpy::cast::retain_objects(&arr.view());
        }
        Ok(())
    })
}

/// Give back what an array refers to. The slots keep their values, so that memory may be handed on.
unsafe extern "C" fn PyArray_XDECREF(arr: *mut PyArrayObject) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let arr = given::array(py, arr)?;
        for_each_slot(&arr, |p| ffi::Py_XDECREF(p.cast::<*mut PyObject>().read_unaligned()))
    })
}

/// The address of every object slot of an array.
fn for_each_slot(arr: &Array<'_>, mut f: impl FnMut(*mut u8)) -> PyResult<()> {
    let offsets = micronumpy::cast::object_offsets(arr.dtype());
    if offsets.is_empty() {
        return Ok(());
    }
    array::for_each_element(arr, |p| {
        offsets.iter().for_each(|&off| f(p.wrapping_add(off)));
        Ok(())
    })
}

unsafe fn for_item(data: *mut c_char, descr: *mut PyArray_Descr, f: impl Fn(*mut PyObject)) {
    if data.is_null() {
        return;
    }
    // SAFETY: as above.
    guard(|py| unsafe {
        for off in micronumpy::cast::object_offsets(given::descr(py, descr).dtype()) {
            f(data.add(off).cast::<*mut PyObject>().read_unaligned());
        }
        Ok(())
    })
}

unsafe extern "C" fn PyArray_Item_INCREF(data: *mut c_char, descr: *mut PyArray_Descr) {
    // SAFETY: as above.
    unsafe { for_item(data, descr, |p| ffi::Py_XINCREF(p)) }
}

unsafe extern "C" fn PyArray_Item_XDECREF(data: *mut c_char, descr: *mut PyArray_Descr) {
    // SAFETY: as above.
    unsafe { for_item(data, descr, |p| ffi::Py_XDECREF(p)) }
}

unsafe extern "C" fn PyArray_GetPtr(arr: *mut PyArrayObject, index: *const isize) -> *mut c_void {
    // SAFETY: an index per dimension; no Python object is touched, so this runs without the GIL as well.
    unsafe {
        let a = &*arr;
        let at = |i: usize| *index.add(i) * *a.strides.add(i);
        (0..a.nd as usize).fold(a.data, |p, i| p.wrapping_offset(at(i))).cast()
    }
}

/// Whether an object is a scalar of Python or numpy, subclasses apart.
unsafe extern "C" fn PyArray_CheckAnyScalarExact(obj: *mut PyObject) -> c_int {
    if obj.is_null() {
        return guard(|_| Err(PyValueError::new_err("obj is NULL in PyArray_CheckAnyScalarExact")));
    }
    guard(|py| {
        // SAFETY: as above.
        let obj = unsafe { given::object(py, obj) };
        let known = || scalar::typenum_of_class(obj.get_type().as_ptr().cast()).is_some();
        Ok(c_int::from(is_scalar(&obj) && known()))
    })
}
