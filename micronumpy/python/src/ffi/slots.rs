//! Wrappers for type slots: each macro takes the path of a Rust body and evaluates to the `extern "C"` function.
//! A body gets `&Bound` handles and returns `PyResult`; `tp_dealloc` and `tp_traverse` are written by hand.

/// `reprfunc`, `unaryfunc`, `getiterfunc`: `(slf) -> PyResult<Bound>`.
#[macro_export]
macro_rules! unaryfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(slf: *mut pyo3::ffi::PyObject) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr(py, slf) };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&slf);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        slot
    }};
}

/// `iternextfunc`: `(slf) -> PyResult<Option<Bound>>`; `None` ends the iteration.
#[macro_export]
macro_rules! iternextfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(slf: *mut pyo3::ffi::PyObject) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr(py, slf) };
                let result: pyo3::PyResult<Option<pyo3::Bound<'_, pyo3::PyAny>>> = $body(&slf);
                Ok(result?.map_or(std::ptr::null_mut(), pyo3::Bound::into_ptr))
            })
        }
        slot
    }};
}

/// `binaryfunc`: `(a, b) -> PyResult<Bound>`; return `NotImplemented` yourself.
#[macro_export]
macro_rules! binaryfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            a: *mut pyo3::ffi::PyObject,
            b: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects.
                let (a, b) = unsafe {
                    let first = pyo3::Bound::from_borrowed_ptr(py, a);
                    (first, pyo3::Bound::from_borrowed_ptr(py, b))
                };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&a, &b);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        slot
    }};
}

/// `ternaryfunc` for `nb_power` and `nb_inplace_power`: `(a, b, modulo) -> PyResult<Bound>`.
#[macro_export]
macro_rules! ternaryfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            a: *mut pyo3::ffi::PyObject,
            b: *mut pyo3::ffi::PyObject,
            c: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects.
                let (a, b, c) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr(py, a),
                        pyo3::Bound::from_borrowed_ptr(py, b),
                        pyo3::Bound::from_borrowed_ptr(py, c),
                    )
                };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&a, &b, &c);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        slot
    }};
}

/// `tp_new` and `tp_call`: `(type_or_self, args tuple, Option<&kwargs>) -> PyResult<Bound>`.
#[macro_export]
macro_rules! callfunc {
    (@head $body:path, $head:ty) => {{
        unsafe extern "C" fn slot(
            head: $head,
            args: *mut pyo3::ffi::PyObject,
            kwargs: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects; C callers of tp_new may pass null for no arguments.
                let (head, args, kwargs) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr(py, head.cast::<pyo3::ffi::PyObject>()),
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, args)
                            .unwrap_or_else(|| pyo3::types::PyTuple::empty(py).into_any()),
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, kwargs),
                    )
                };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&head, &args, kwargs.as_ref());
                result.map(pyo3::Bound::into_ptr)
            })
        }
        slot
    }};
    (new $body:path) => {
        $crate::callfunc!(@head $body, *mut pyo3::ffi::PyTypeObject)
    };
    ($body:path) => {
        $crate::callfunc!(@head $body, *mut pyo3::ffi::PyObject)
    };
}

/// `initproc`: `(slf, args tuple, Option<&kwargs>) -> PyResult<()>`.
#[macro_export]
macro_rules! initproc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            slf: *mut pyo3::ffi::PyObject,
            args: *mut pyo3::ffi::PyObject,
            kwargs: *mut pyo3::ffi::PyObject,
        ) -> std::ffi::c_int {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects.
                let (slf, args, kwargs) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr(py, slf),
                        pyo3::Bound::from_borrowed_ptr(py, args),
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, kwargs),
                    )
                };
                let result: pyo3::PyResult<()> = $body(&slf, &args, kwargs.as_ref());
                result.map(|()| 0)
            })
        }
        slot
    }};
}

/// `richcmpfunc`: `(a, b, CompareOp) -> PyResult<Bound>`.
#[macro_export]
macro_rules! richcmpfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            a: *mut pyo3::ffi::PyObject,
            b: *mut pyo3::ffi::PyObject,
            op: std::ffi::c_int,
        ) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects.
                let (a, b) = unsafe {
                    let first = pyo3::Bound::from_borrowed_ptr(py, a);
                    (first, pyo3::Bound::from_borrowed_ptr(py, b))
                };
                let op = pyo3::basic::CompareOp::from_raw(op)
                    .ok_or_else(|| pyo3::exceptions::PySystemError::new_err("invalid comparison"))?;
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&a, &b, op);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        slot
    }};
}

/// `lenfunc` and `hashfunc`: `(slf) -> PyResult<isize>` (a hash of -1 becomes -2).
#[macro_export]
macro_rules! lenfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(slf: *mut pyo3::ffi::PyObject) -> isize {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr(py, slf) };
                let result: pyo3::PyResult<isize> = $body(&slf);
                result.map(|n| if n == -1 { -2 } else { n })
            })
        }
        slot
    }};
}

/// `inquiry` (`nb_bool`): `(slf) -> PyResult<bool>`.
#[macro_export]
macro_rules! inquiry {
    ($body:path) => {{
        unsafe extern "C" fn slot(slf: *mut pyo3::ffi::PyObject) -> std::ffi::c_int {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr(py, slf) };
                let result: pyo3::PyResult<bool> = $body(&slf);
                result.map(std::ffi::c_int::from)
            })
        }
        slot
    }};
}

/// `objobjproc` (`sq_contains`): `(slf, item) -> PyResult<bool>`.
#[macro_export]
macro_rules! objobjproc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            slf: *mut pyo3::ffi::PyObject,
            item: *mut pyo3::ffi::PyObject,
        ) -> std::ffi::c_int {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects.
                let (slf, item) = unsafe {
                    (pyo3::Bound::from_borrowed_ptr(py, slf), pyo3::Bound::from_borrowed_ptr(py, item))
                };
                let result: pyo3::PyResult<bool> = $body(&slf, &item);
                result.map(std::ffi::c_int::from)
            })
        }
        slot
    }};
}

/// `ssizeargfunc` (`sq_item`, `sq_repeat`): `(slf, isize) -> PyResult<Bound>`.
#[macro_export]
macro_rules! ssizeargfunc {
    ($body:path) => {{
        unsafe extern "C" fn slot(slf: *mut pyo3::ffi::PyObject, i: isize) -> *mut pyo3::ffi::PyObject {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes a live object.
                let slf = unsafe { pyo3::Bound::from_borrowed_ptr(py, slf) };
                let result: pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> = $body(&slf, i);
                result.map(pyo3::Bound::into_ptr)
            })
        }
        slot
    }};
}

/// `objobjargproc` (`mp_ass_subscript`) and `setattrofunc`: `(slf, key, Option<&value>) -> PyResult<()>`.
#[macro_export]
macro_rules! objobjargproc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            slf: *mut pyo3::ffi::PyObject,
            key: *mut pyo3::ffi::PyObject,
            value: *mut pyo3::ffi::PyObject,
        ) -> std::ffi::c_int {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects; a null value means deletion.
                let (slf, key, value) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr(py, slf),
                        pyo3::Bound::from_borrowed_ptr(py, key),
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, value),
                    )
                };
                let result: pyo3::PyResult<()> = $body(&slf, &key, value.as_ref());
                result.map(|()| 0)
            })
        }
        slot
    }};
}

/// `ssizeobjargproc` (`sq_ass_item`): `(slf, isize, Option<&value>) -> PyResult<()>`.
#[macro_export]
macro_rules! ssizeobjargproc {
    ($body:path) => {{
        unsafe extern "C" fn slot(
            slf: *mut pyo3::ffi::PyObject,
            i: isize,
            value: *mut pyo3::ffi::PyObject,
        ) -> std::ffi::c_int {
            $crate::ffi::guard(|py| {
                // SAFETY: CPython passes live objects; a null value means deletion.
                let (slf, value) = unsafe {
                    (
                        pyo3::Bound::from_borrowed_ptr(py, slf),
                        pyo3::Bound::from_borrowed_ptr_or_opt(py, value),
                    )
                };
                let result: pyo3::PyResult<()> = $body(&slf, i, value.as_ref());
                result.map(|()| 0)
            })
        }
        slot
    }};
}
