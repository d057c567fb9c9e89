//! Exceptions that are caught, and context managers.
//!
//! What is being handled is kept where CPython keeps it, so that `sys.exc_info()`, `raise` and the context of new exceptions
//! find it. CPython adds a frame's entry to the traceback of whatever leaves a call, unless it only passes an exception on; one
//! that was caught here has its entry already, and when it leaves the region the entry is taken off for CPython to put it
//! there again.

use std::ptr::null_mut;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::build::type_name;
use crate::bytecode::{Catch, Reg};
use crate::embed::errors::Held;
use crate::vm::Raised;
use crate::vm::exit::force_locals;
use crate::vm::frame::Slot;
use crate::vm::run::{Vm, unnoticed};

unsafe extern "C" {
    /// Borrowed, and no error if there is none.
    fn _PyType_Lookup(kind: *mut ffi::PyTypeObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

impl Vm<'_, '_> {
    /// Where control goes with the exception that is pending since an instruction; `None` if it leaves the region.
    #[cold]
    pub(in crate::vm) fn catch(&mut self, raised_at: usize) -> Option<usize> {
        let code = self.code;
        let mut next = code.handler(raised_at);
        next?;
        if !self.pending.is_empty() {
            self.compute_all_quietly();
            self.raised_at = None;
        }
        if !std::mem::take(&mut self.passed_on) {
            self.show(raised_at);
            // SAFETY: attached, with an exception pending; the frame that called us, which it is shown for.
            unsafe { _ = ffi::PyTraceBack_Here(ffi::PyEval_GetFrame()) };
        }
        while let Some(index) = next {
            let handler = code.handlers[usize::from(index)];
            next = handler.outer;
            match handler.catch {
                Catch::Restore { saved } => self.restore_handled(saved, raised_at),
                Catch::Handle { to, exc } => {
                    self.receive(exc, raised_at);
                    self.handling += 1;
                    // SAFETY: `receive` has put an exception there; attached.
                    unsafe {
                        let before = displace_handled();
                        self.put(exc + 1, before, raised_at);
                        if let Slot::Object(exception) = &self.frame.regs[usize::from(exc)] {
                            ffi::PyErr_SetHandledException(exception.as_ptr());
                        }
                    }
                    return Some(to as usize);
                }
                Catch::Clean { to, exc } => {
                    self.receive(exc, raised_at);
                    return Some(to as usize);
                }
            }
        }
        self.passed_on = true;
        None
    }

    /// Ends the temporaries from `exc` on, the last one first, and puts the exception that is pending there.
    fn receive(&mut self, exc: Reg, pc: usize) {
        for reg in (exc..self.code.registers as Reg).rev() {
            if !matches!(self.frame.regs[usize::from(reg)], Slot::Unbound) || self.pending.get(reg).is_some()
            {
                self.end(reg, pc);
            }
        }
        // SAFETY: attached, with an exception pending; a normalised one is an object, whose references pass to us.
        unsafe {
            let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
            #[allow(deprecated)]
            ffi::PyErr_Fetch(&mut kind, &mut value, &mut traceback);
            #[allow(deprecated)]
            ffi::PyErr_NormalizeException(&mut kind, &mut value, &mut traceback);
            if !traceback.is_null() {
                ffi::PyException_SetTraceback(value, traceback);
            }
            ffi::Py_XDECREF(kind);
            ffi::Py_XDECREF(traceback);
            self.put(exc, value, pc);
        }
    }

    /// Makes what a register holds the exception being handled, or none for None, and ends the register.
    fn restore_handled(&mut self, saved: Reg, pc: usize) {
        self.handling = self.handling.saturating_sub(1);
        // SAFETY: attached; the old one may die of it, and must not meet what is pending.
        unsafe {
            let _pending = Held::take();
            if let Slot::Object(before) = &self.frame.regs[usize::from(saved)] {
                let before = before.as_ptr();
                self.show(pc);
                ffi::PyErr_SetHandledException(if before == ffi::Py_None() { null_mut() } else { before });
            }
            self.end(saved, pc);
        }
    }

    /// Before a function is called while an exception is handled: through its traceback, one may look at the locals of the frame.
    #[cold]
    pub(in crate::vm) fn expose(&mut self) {
        let boundary = &self.code.boundary;
        // As many as there are bits for.
        if !self.touched || boundary.module || self.code.locals > 63 {
            return;
        }
        force_locals(self);
        self.touched = false;
        for &(reg, _) in &boundary.outputs {
            if let Slot::Object(object) = &self.frame.regs[usize::from(reg)]
                // SAFETY: the register holds the object.
                && !unsafe { unnoticed(object.as_ptr()) }
            {
                self.held |= 1 << reg;
            }
        }
    }

    pub(in crate::vm) fn handled(&mut self, saved: Reg, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        self.restore_handled(saved, pc);
        Ok(())
    }

    pub(in crate::vm) fn matches(&mut self, dst: Reg, exc: Reg, kind: Reg, pc: usize) -> Result<(), Raised> {
        let (exception, class) = (self.object(exc)?, self.object(kind)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects; items of a tuple are its own.
        unsafe {
            let is_class = |object| ffi::PyExceptionClass_Check(object) != 0;
            let good = if ffi::PyTuple_Check(class) != 0 {
                let items = ffi::PyTuple_GET_SIZE(class);
                (0..items).all(|index| is_class(ffi::PyTuple_GET_ITEM(class, index)))
            } else {
                is_class(class)
            };
            if !good {
                let text = "catching classes that do not inherit from BaseException is not allowed";
                PyTypeError::new_err(text).restore(self.py);
                return Err(Raised);
            }
            let matches = ffi::PyErr_GivenExceptionMatches(exception, class) != 0;
            self.consume(kind, pc);
            self.put(dst, ffi::PyBool_FromLong(matches.into()), pc);
        }
        Ok(())
    }

    /// Always raises.
    pub(in crate::vm) fn reraise(&mut self, exc: Reg) -> Result<(), Raised> {
        let exception = self.object(exc)?;
        self.passed_on = true;
        // SAFETY: the register holds the exception.
        unsafe { raise_again(ffi::Py_NewRef(exception)) };
        Err(Raised)
    }

    /// A bare `raise`. Always raises.
    pub(in crate::vm) fn raise_handled(&mut self, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        // SAFETY: attached; a new reference or null.
        unsafe {
            let exception = ffi::PyErr_GetHandledException();
            if exception.is_null() {
                PyRuntimeError::new_err("No active exception to reraise").restore(self.py);
            } else {
                self.passed_on = true;
                raise_again(exception);
            }
        }
        Err(Raised)
    }

    pub(in crate::vm) fn enter(&mut self, dst: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        let manager = self.object(src)?;
        self.out(pc)?;
        // SAFETY: the register holds the manager, until the methods do.
        unsafe {
            let enter = special(manager, pyo3::intern!(self.py, "__enter__").as_ptr());
            if enter.is_null() {
                return Err(self.no_manager(manager, ""));
            }
            let exit = special(manager, pyo3::intern!(self.py, "__exit__").as_ptr());
            if exit.is_null() {
                ffi::Py_DECREF(enter);
                return Err(self.no_manager(manager, " (missed __exit__ method)"));
            }
            self.consume(src, pc);
            self.put(dst, exit, pc);
            let entered = ffi::PyObject_CallNoArgs(enter);
            ffi::Py_DECREF(enter);
            self.put_result(dst + 1, entered, pc)
        }
    }

    #[cold]
    fn no_manager(&self, manager: *mut ffi::PyObject, more: &str) -> Raised {
        // SAFETY: a live object.
        unsafe {
            if ffi::PyErr_Occurred().is_null() {
                let name = type_name(ffi::Py_TYPE(manager));
                let text = format!("'{name}' object does not support the context manager protocol{more}");
                PyTypeError::new_err(text).restore(self.py);
            }
        }
        Raised
    }

    pub(in crate::vm) fn exit_with(
        &mut self,
        dst: Reg,
        exit: Reg,
        exc: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        let (exit, exception) = (self.object(exit)?, self.object(exc)?);
        self.out(pc)?;
        // SAFETY: the registers hold both; the class lives as long as its instance, the traceback is a new reference.
        unsafe {
            let mut traceback = ffi::PyException_GetTraceback(exception);
            if traceback.is_null() {
                traceback = ffi::Py_NewRef(ffi::Py_None());
            }
            let kind = ffi::Py_TYPE(exception).cast();
            let mut args = [null_mut(), kind, exception, traceback];
            let flags = 3 | ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
            let result = ffi::PyObject_Vectorcall(exit, args.as_mut_ptr().add(1), flags, null_mut());
            ffi::Py_DECREF(traceback);
            self.put_result(dst, result, pc)
        }
    }

    /// Before an exception that was caught leaves the region: the entry of our frame goes off its traceback. Gives the offset
    /// that the entry is for; CPython makes it anew from there.
    pub(in crate::vm) fn take_entry_off(&mut self) -> Option<std::ffi::c_int> {
        // SAFETY: attached, with an exception pending, which is pending again afterwards. A traceback has the attributes.
        unsafe {
            let mut held = Held::take();
            let entry = held.traceback()?;
            let entry = Bound::from_borrowed_ptr(self.py, entry);
            let ours = entry.getattr("tb_frame").ok()?.as_ptr() == ffi::PyEval_GetFrame().cast();
            let offset = entry.getattr("tb_lasti").ok()?.extract().ok()?;
            if !ours {
                return None;
            }
            held.drop_first();
            Some(offset)
        }
    }
}

/// Raises an exception with the traceback that it has.
///
/// # Safety
/// A reference of the caller's to an exception, which passes on.
unsafe fn raise_again(exception: *mut ffi::PyObject) {
    // SAFETY: by contract.
    unsafe {
        let kind = ffi::Py_NewRef(ffi::Py_TYPE(exception).cast());
        let traceback = ffi::PyException_GetTraceback(exception);
        #[allow(deprecated)]
        ffi::PyErr_Restore(kind, exception, traceback);
    }
}

/// What is being handled by the innermost function or generator, or None: a new reference. It is not any more.
///
/// CPython answers with what is handled farther out where nothing is here, and that is not to be put here later.
///
/// # Safety
/// Attached, with no exception pending.
unsafe fn displace_handled() -> *mut ffi::PyObject {
    // SAFETY: by contract; references are ours.
    unsafe {
        let here = ffi::PyErr_GetHandledException();
        if here.is_null() {
            return ffi::Py_NewRef(ffi::Py_None());
        }
        ffi::PyErr_SetHandledException(null_mut());
        let outside = ffi::PyErr_GetHandledException();
        ffi::Py_XDECREF(outside);
        if outside == here {
            ffi::Py_DECREF(here);
            return ffi::Py_NewRef(ffi::Py_None());
        }
        here
    }
}

/// A method that is looked up as operators look up theirs: on the type, bound to the object. A new reference; null without an
/// error if there is none.
///
/// # Safety
/// Live objects.
unsafe fn special(object: *mut ffi::PyObject, name: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: by contract; what the type lends is referenced before anything else runs.
    unsafe {
        let kind = ffi::Py_TYPE(object);
        let found = _PyType_Lookup(kind, name);
        if found.is_null() {
            return null_mut();
        }
        let found = ffi::Py_NewRef(found);
        let Some(get) = (*ffi::Py_TYPE(found)).tp_descr_get else { return found };
        let bound = get(found, object, kind.cast());
        ffi::Py_DECREF(found);
        bound
    }
}
