//! `Array` and `Descr`: pyo3 handles that know what they hold.

use micronumpy::{ArrayRef, Dtype};
use pyo3::prelude::*;
use pyo3::{PyTypeInfo, ffi};

use crate::abi::*;
use crate::objects;

/// A reference to an `ndarray` or an instance of a subclass.
#[derive(Clone)]
pub struct Array<'py>(pub Bound<'py, PyAny>);

/// A reference to a `dtype` instance.
#[derive(Clone)]
pub struct Descr<'py>(pub Bound<'py, PyAny>);

impl<'py> Array<'py> {
    /// `obj` as an array, if it is one (subclasses included).
    #[inline]
    pub fn cast(obj: &Bound<'py, PyAny>) -> Option<Array<'py>> {
        is_array(obj).then(|| Array(obj.clone()))
    }
    #[inline]
    pub fn py(&self) -> Python<'py> {
        self.0.py()
    }
    #[inline]
    pub fn raw(&self) -> *mut PyArrayObject {
        self.0.as_ptr().cast()
    }
    #[inline]
    pub fn ndim(&self) -> usize {
        // SAFETY: a handle holds a live array object; the same for all accessors below.
        unsafe { (*self.raw()).nd as usize }
    }
    #[inline]
    pub fn data(&self) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.raw()).data }
    }
    #[inline]
    pub fn shape(&self) -> &[isize] {
        // SAFETY: as above; dimensions has nd entries (it may be null for nd == 0).
        unsafe {
            let n = (*self.raw()).nd as usize;
            if n == 0 { &[] } else { std::slice::from_raw_parts((*self.raw()).dimensions, n) }
        }
    }
    #[inline]
    pub fn strides(&self) -> &[isize] {
        // SAFETY: as above.
        unsafe {
            let n = (*self.raw()).nd as usize;
            if n == 0 { &[] } else { std::slice::from_raw_parts((*self.raw()).strides, n) }
        }
    }
    /// Number of elements.
    #[inline]
    pub fn size(&self) -> usize {
        self.shape().iter().map(|&n| n as usize).product()
    }
    #[inline]
    pub fn flags(&self) -> i32 {
        // SAFETY: as above.
        unsafe { (*self.raw()).flags }
    }
    #[inline]
    pub fn has_flags(&self, flags: i32) -> bool {
        self.flags() & flags == flags
    }
    #[inline]
    pub fn is_writeable(&self) -> bool {
        self.has_flags(NPY_ARRAY_WRITEABLE)
    }
    #[inline]
    pub fn descr(&self) -> Descr<'py> {
        // SAFETY: an array always has a descriptor.
        unsafe { Descr(Bound::from_borrowed_ptr(self.py(), (*self.raw()).descr.cast())) }
    }
    #[inline]
    pub fn dtype(&self) -> &Dtype {
        // SAFETY: the array keeps its descriptor alive; nobody replaces it while elements are being looked at.
        unsafe { objects::dtype::dtype_of((*self.raw()).descr) }
    }
    #[inline]
    pub fn itemsize(&self) -> usize {
        // SAFETY: as above.
        unsafe { (*(*self.raw()).descr).elsize as usize }
    }
    /// The array as the object space sees it.
    #[inline]
    pub fn view(&self) -> ArrayRef<'_> {
        // SAFETY: shape and strides of an array object describe memory it keeps alive.
        unsafe { ArrayRef::new(self.data(), self.shape(), self.strides(), self.dtype()) }
    }
    /// Exactly `numpy.ndarray`, not a subclass.
    #[inline]
    pub fn is_exact(&self) -> bool {
        // SAFETY: live object.
        unsafe { ffi::Py_TYPE(self.0.as_ptr()) == objects::array::ARRAY_TYPE.as_type() }
    }
}

impl<'py> Descr<'py> {
    #[inline]
    pub fn cast(obj: &Bound<'py, PyAny>) -> Option<Descr<'py>> {
        is_descr(obj).then(|| Descr(obj.clone()))
    }
    #[inline]
    pub fn py(&self) -> Python<'py> {
        self.0.py()
    }
    #[inline]
    pub fn raw(&self) -> *mut PyArray_Descr {
        self.0.as_ptr().cast()
    }
    #[inline]
    pub fn dtype(&self) -> &Dtype {
        // SAFETY: the handle keeps the descriptor alive.
        unsafe { objects::dtype::dtype_of(self.raw()) }
    }
    #[inline]
    pub fn itemsize(&self) -> usize {
        // SAFETY: live descriptor.
        unsafe { (*self.raw()).elsize as usize }
    }
}

/// `isinstance(obj, numpy.ndarray)`
#[inline]
pub fn is_array(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: live object, ready type.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), objects::array::ARRAY_TYPE.as_type()) != 0 }
}

/// `isinstance(obj, numpy.dtype)`
#[inline]
pub fn is_descr(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: live object, ready type.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), objects::dtype::DESCR_TYPE.as_type()) != 0 }
}

/// `isinstance(obj, numpy.generic)`
#[inline]
pub fn is_scalar(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: live object, ready type.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), objects::scalar::GENERIC.as_type()) != 0 }
}

/// Exactly Python's `bool`, `int`, `float` or `complex`: the weak scalars of NEP 50.
pub fn is_python_scalar(obj: &Bound<'_, PyAny>) -> bool {
    let py = obj.py();
    obj.is_exact_instance(&pyo3::types::PyBool::type_object(py))
        || obj.is_exact_instance(&pyo3::types::PyInt::type_object(py))
        || obj.is_exact_instance(&pyo3::types::PyFloat::type_object(py))
        || obj.is_exact_instance(&pyo3::types::PyComplex::type_object(py))
}
