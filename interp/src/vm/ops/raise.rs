//! `raise` and failed assertions, by the rules of the statement.

use std::ptr::null_mut;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::bytecode::{Op, Reg};
use crate::vm::Raised;
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    /// Always raises: something else than was asked for if the operands don't do.
    pub(in crate::vm) fn raise(&mut self, exc: Reg, cause: Reg, pc: usize) -> Result<(), Raised> {
        if exc == Op::NONE {
            return self.raise_handled(pc);
        }
        let exception = self.object(exc)?;
        let cause = if cause == Op::NONE { None } else { Some(self.object(cause)?) };
        self.out(pc)?;
        // SAFETY: the registers hold the objects.
        unsafe { self.raise_object(exception, cause) };
        Err(Raised)
    }

    pub(in crate::vm) fn assertion_failed(&mut self, message: Reg, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        // SAFETY: attached; AssertionError is a type for good, and the register holds the message.
        unsafe {
            let kind = ffi::PyExc_AssertionError;
            if message == Op::NONE {
                self.raise_object(kind, None);
            } else {
                let message = self.object(message)?;
                let exception = ffi::PyObject_CallFunctionObjArgs(kind, message, null_mut::<ffi::PyObject>());
                if !exception.is_null() {
                    self.raise_object(exception, None);
                    ffi::Py_DECREF(exception);
                }
            }
        }
        Err(Raised)
    }

    /// # Safety
    /// Live objects.
    unsafe fn raise_object(&self, exception: *mut ffi::PyObject, cause: Option<*mut ffi::PyObject>) {
        let type_error = |text: String| PyTypeError::new_err(text).restore(self.py);
        // SAFETY: by contract; what is called returns new references, which are given away or dropped on every path.
        unsafe {
            let value = if ffi::PyExceptionClass_Check(exception) != 0 {
                let value = ffi::PyObject_CallNoArgs(exception);
                if value.is_null() {
                    return;
                }
                if ffi::PyExceptionInstance_Check(value) == 0 {
                    let value = Bound::from_owned_ptr(self.py, value);
                    let class = Bound::from_borrowed_ptr(self.py, exception);
                    match (class.repr(), value.get_type().repr()) {
                        (Ok(class), Ok(kind)) => type_error(format!(
                            "calling {class} should have returned an instance of BaseException, not {kind}"
                        )),
                        (Err(error), _) | (_, Err(error)) => error.restore(self.py),
                    }
                    return;
                }
                value
            } else if ffi::PyExceptionInstance_Check(exception) != 0 {
                ffi::Py_NewRef(exception)
            } else {
                return type_error("exceptions must derive from BaseException".to_owned());
            };
            if let Some(cause) = cause {
                let cause = if ffi::PyExceptionClass_Check(cause) != 0 {
                    let made = ffi::PyObject_CallNoArgs(cause);
                    if made.is_null() {
                        ffi::Py_DECREF(value);
                        return;
                    }
                    made
                } else if ffi::PyExceptionInstance_Check(cause) != 0 {
                    ffi::Py_NewRef(cause)
                } else if cause == ffi::Py_None() {
                    null_mut()
                } else {
                    ffi::Py_DECREF(value);
                    return type_error("exception causes must derive from BaseException".to_owned());
                };
                // Takes the reference over.
                ffi::PyException_SetCause(value, cause);
            }
            ffi::PyErr_SetObject(ffi::Py_TYPE(value).cast(), value);
            ffi::Py_DECREF(value);
        }
    }
}
