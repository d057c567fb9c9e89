//! Tables of methods and attributes.
//!
//! `static METHODS: Methods<3> = Methods([fastcall!(c"take", take), noargs!(c"tolist", tolist), methods::END]);`
//! Bodies: `fn take<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>>`,
//! `fn tolist<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>`.
//! For module functions `slf` is the module.

use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::ptr::null_mut;

use pyo3::ffi;

/// A table of methods that CPython keeps a pointer to.
pub struct Methods<const N: usize>(pub UnsafeCell<[ffi::PyMethodDef; N]>);
// SAFETY: read by CPython only, with the GIL held; docstrings are written with the GIL held.
unsafe impl<const N: usize> Sync for Methods<N> {}
impl<const N: usize> Methods<N> {
    pub const fn new(table: [ffi::PyMethodDef; N]) -> Self {
        Methods(UnsafeCell::new(table))
    }
    pub const fn as_ptr(&'static self) -> *mut ffi::PyMethodDef {
        self.0.get().cast()
    }
}

/// A table of attributes.
pub struct GetSets<const N: usize>(pub UnsafeCell<[ffi::PyGetSetDef; N]>);
// SAFETY: as for `Methods`.
unsafe impl<const N: usize> Sync for GetSets<N> {}
impl<const N: usize> GetSets<N> {
    pub const fn new(table: [ffi::PyGetSetDef; N]) -> Self {
        GetSets(UnsafeCell::new(table))
    }
    pub const fn as_ptr(&'static self) -> *mut ffi::PyGetSetDef {
        self.0.get().cast()
    }
}

/// A method with a docstring from the start; a signature (`name($self, /)\n--\n\n`) may come first in it.
pub const fn documented(method: ffi::PyMethodDef, doc: &'static CStr) -> ffi::PyMethodDef {
    ffi::PyMethodDef { ml_doc: doc.as_ptr(), ..method }
}

/// Last row of a method table.
pub const END: ffi::PyMethodDef = ffi::PyMethodDef::zeroed();
/// Last row of an attribute table.
pub const GETSET_END: ffi::PyGetSetDef =
    ffi::PyGetSetDef { name: null_mut(), get: None, set: None, doc: null_mut(), closure: null_mut() };

/// A method that takes any arguments: `(slf, Args) -> PyResult<Bound>`. Extra flags (`METH_CLASS`) may follow.
#[macro_export]
macro_rules! fastcall {
    ($name:expr, $body:path) => {
        $crate::fastcall!($name, $body, 0)
    };
    ($name:expr, $body:path, $flags:expr) => {{
        unsafe extern "C" fn wrapper(
            slf: *mut pyo3::ffi::PyObject,
            args: *const *mut pyo3::ffi::PyObject,
            nargs: pyo3::ffi::Py_ssize_t,
            kwnames: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects by the vectorcall protocol; module functions may get a null self.
                let (slf, args) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, slf).unwrap_or_else(|| py.None().into_bound(py)),
                        $crate::ffi::Args::from_vectorcall(py, args, nargs as usize, kwnames),
                    )
                };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&slf, args);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        pyo3::ffi::PyMethodDef {
            ml_name: $name.as_ptr(),
            ml_meth: pyo3::ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: wrapper },
            ml_flags: pyo3::ffi::METH_FASTCALL | pyo3::ffi::METH_KEYWORDS | $flags,
            ml_doc: std::ptr::null(),
        }
    }};
}

/// A method without arguments: `(slf) -> PyResult<Bound>`.
#[macro_export]
macro_rules! noargs {
    ($name:expr, $body:path) => {{
        unsafe extern "C" fn wrapper(
            slf: *mut pyo3::ffi::PyObject,
            _: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object; module functions may get null.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr_or_opt(py, slf) }
                    .unwrap_or_else(|| py.None().into_bound(py));
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&slf);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        pyo3::ffi::PyMethodDef {
            ml_name: $name.as_ptr(),
            ml_meth: pyo3::ffi::PyMethodDefPointer { PyCFunction: wrapper },
            ml_flags: pyo3::ffi::METH_NOARGS,
            ml_doc: std::ptr::null(),
        }
    }};
}

/// A method of one positional argument: `(slf, arg) -> PyResult<Bound>`. Extra flags may follow.
#[macro_export]
macro_rules! onearg {
    ($name:expr, $body:path) => {
        $crate::onearg!($name, $body, 0)
    };
    ($name:expr, $body:path, $flags:expr) => {{
        unsafe extern "C" fn wrapper(
            slf: *mut pyo3::ffi::PyObject,
            arg: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects; module functions may get a null self.
                let (slf, arg) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, slf)
                            .unwrap_or_else(|| py.None().into_bound(py)),
                        pyo3::Bound::from_borrowed_ptr(py, arg),
                    )
                };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&slf, &arg);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        pyo3::ffi::PyMethodDef {
            ml_name: $name.as_ptr(),
            ml_meth: pyo3::ffi::PyMethodDefPointer { PyCFunction: wrapper },
            ml_flags: pyo3::ffi::METH_O | $flags,
            ml_doc: std::ptr::null(),
        }
    }};
}

/// An attribute: `getset!(c"shape", get)` or `getset!(c"shape", get, set)`; `get: (slf) -> PyResult<Bound>`,
/// `set: (slf, Option<&Bound>) -> PyResult<()>` (`None` deletes).
#[macro_export]
macro_rules! getset {
    (@get $body:path) => {{
        unsafe extern "C" fn getter(
            slf: *mut pyo3::ffi::PyObject,
            _: *mut std::ffi::c_void,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr(py, slf) };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&slf);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        getter
    }};
    ($name:expr, $get:path) => {
        pyo3::ffi::PyGetSetDef {
            name: $name.as_ptr(),
            get: Some($crate::getset!(@get $get)),
            set: None,
            doc: std::ptr::null(),
            closure: std::ptr::null_mut(),
        }
    };
    ($name:expr, $get:path, $set:path) => {{
        unsafe extern "C" fn setter(
            slf: *mut pyo3::ffi::PyObject,
            value: *mut pyo3::ffi::PyObject,
            _: *mut std::ffi::c_void,
        ) -> std::ffi::c_int {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects; a null value means deletion.
                let (slf, value) = unsafe {
                    (pyo3::Bound::from_borrowed_ptr(py, slf), pyo3::Bound::from_borrowed_ptr_or_opt(py, value))
                };
                let result: pyo3::PyResult<()> = $set(&slf, value.as_ref());
                result.map(|()| 0)
            })
        }
        pyo3::ffi::PyGetSetDef {
            name: $name.as_ptr(),
            get: Some($crate::getset!(@get $get)),
            set: Some(setter),
            doc: std::ptr::null(),
            closure: std::ptr::null_mut(),
        }
    }};
}
