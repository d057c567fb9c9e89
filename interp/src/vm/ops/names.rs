//! Constants, registers, globals and cells.

use pyo3::exceptions::{PyNameError, PyUnboundLocalError};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::bytecode::{Op, Reg};
use crate::vm::Raised;
use crate::vm::frame::Slot;
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    pub(in crate::vm) fn constant(&mut self, dst: Reg, index: u16, pc: usize) -> Result<(), Raised> {
        let object = self.code.consts[usize::from(index)].as_ptr();
        // SAFETY: the code owns its constants.
        unsafe { self.put(dst, ffi::Py_NewRef(object), pc) };
        Ok(())
    }

    pub(in crate::vm) fn copy(&mut self, dst: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        if self.share(dst, src, pc) {
            return Ok(());
        }
        let object = self.object(src)?;
        // SAFETY: a live object.
        unsafe { self.put(dst, ffi::Py_NewRef(object), pc) };
        Ok(())
    }

    #[inline]
    pub(in crate::vm) fn check_bound(&mut self, reg: Reg, name: u16) -> Result<(), Raised> {
        match self.frame.regs[usize::from(reg)] {
            Slot::Unbound if self.pending.get(reg).is_none() => Err(self.unbound_local(name)),
            _ => Ok(()),
        }
    }

    #[cold]
    fn unbound_local(&self, name: u16) -> Raised {
        let name = self.code.name_text(self.py, name);
        PyUnboundLocalError::new_err(format!(
            "cannot access local variable '{name}' where it is not associated with a value"
        ))
        .restore(self.py);
        Raised
    }

    pub(in crate::vm) fn load_global(&mut self, dst: Reg, name: u16, pc: usize) -> Result<(), Raised> {
        let key = self.code.name(name).as_ptr();
        // SAFETY: the frame holds both dicts; what they lend is referenced before anything else runs.
        unsafe {
            let mut object = ffi::PyDict_GetItemWithError(self.frame.globals, key);
            if object.is_null() && ffi::PyErr_Occurred().is_null() {
                object = ffi::PyDict_GetItemWithError(self.frame.builtins, key);
            }
            if object.is_null() {
                return Err(self.undefined(name));
            }
            self.put(dst, ffi::Py_NewRef(object), pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn store_global(&mut self, name: u16, src: Reg, pc: usize) -> Result<(), Raised> {
        let object = self.object(src)?;
        // The old value may die of it.
        self.out(pc)?;
        // SAFETY: live objects.
        if unsafe { ffi::PyDict_SetItem(self.frame.globals, self.code.name(name).as_ptr(), object) } != 0 {
            return Err(Raised);
        }
        self.consume(src, pc);
        Ok(())
    }

    pub(in crate::vm) fn delete_global(&mut self, name: u16, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        // SAFETY: live objects; a missing key is another error here.
        unsafe {
            if ffi::PyDict_DelItem(self.frame.globals, self.code.name(name).as_ptr()) != 0 {
                if ffi::PyErr_ExceptionMatches(ffi::PyExc_KeyError) != 0 {
                    ffi::PyErr_Clear();
                }
                return Err(self.undefined(name));
            }
        }
        Ok(())
    }

    /// NameError, which carries the name for suggestions; or what is pending.
    #[cold]
    fn undefined(&self, name: u16) -> Raised {
        // SAFETY: attached.
        if unsafe { ffi::PyErr_Occurred() }.is_null() {
            let key = self.code.name(name).bind(self.py);
            let error =
                PyNameError::new_err(format!("name '{}' is not defined", self.code.name_text(self.py, name)));
            // Without the attribute there are no suggestions, that is all.
            let _ = error.value(self.py).setattr("name", key);
            error.restore(self.py);
        }
        Raised
    }

    /// Borrowed.
    fn cell(&self, cell: u16) -> *mut ffi::PyObject {
        // SAFETY: the tuple was found to have as many cells as the code names.
        unsafe { ffi::PyTuple_GET_ITEM(self.frame.cells, cell as isize) }
    }

    pub(in crate::vm) fn load_cell(&mut self, dst: Reg, cell: u16, pc: usize) -> Result<(), Raised> {
        // SAFETY: an item of a closure is a cell; it gives out a new reference, or null without an error.
        unsafe {
            let object = ffi::PyCell_Get(self.cell(cell));
            if object.is_null() {
                return Err(self.unbound_cell(cell));
            }
            self.put(dst, object, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn store_cell(&mut self, cell: u16, src: Reg, pc: usize) -> Result<(), Raised> {
        let object = self.object(src)?;
        self.out(pc)?;
        // SAFETY: as in `load_cell`.
        if unsafe { ffi::PyCell_Set(self.cell(cell), object) } != 0 {
            return Err(Raised);
        }
        self.consume(src, pc);
        Ok(())
    }

    pub(in crate::vm) fn delete_cell(&mut self, cell: u16, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        // SAFETY: as in `load_cell`; null empties it.
        unsafe {
            let object = ffi::PyCell_Get(self.cell(cell));
            if object.is_null() {
                return Err(self.unbound_cell(cell));
            }
            ffi::PyCell_Set(self.cell(cell), std::ptr::null_mut());
            ffi::Py_DECREF(object);
        }
        Ok(())
    }

    /// A function of the region's.
    pub(in crate::vm) fn function(
        &mut self,
        dst: Reg,
        index: u16,
        (defaults, keywords): (Reg, Reg),
        pc: usize,
    ) -> Result<(), Raised> {
        let made = &self.code.functions[usize::from(index)];
        let optional = |vm: &mut Self, reg| if reg == Op::NONE { Ok(None) } else { vm.object(reg).map(Some) };
        let (default_values, keyword_values) = (optional(self, defaults)?, optional(self, keywords)?);
        // Making one may set off the collector of cycles.
        self.out(pc)?;
        // SAFETY: the constant is a code object; the setters reference what they are given.
        unsafe {
            let code = self.code.consts[usize::from(made.code)].as_ptr();
            let function = ffi::PyFunction_New(code, self.frame.globals);
            if function.is_null() {
                return Err(Raised);
            }
            if let Some(values) = default_values {
                ffi::PyFunction_SetDefaults(function, values);
            }
            if let Some(values) = keyword_values {
                ffi::PyFunction_SetKwDefaults(function, values);
            }
            if !made.closure.is_empty() {
                let closure = ffi::PyTuple_New(made.closure.len() as isize);
                if closure.is_null() {
                    ffi::Py_DECREF(function);
                    return Err(Raised);
                }
                for (place, &cell) in made.closure.iter().enumerate() {
                    ffi::PyTuple_SET_ITEM(closure, place as isize, ffi::Py_NewRef(self.cell(cell)));
                }
                ffi::PyFunction_SetClosure(function, closure);
                ffi::Py_DECREF(closure);
            }
            for reg in [defaults, keywords].into_iter().filter(|&reg| reg != Op::NONE) {
                self.consume(reg, pc);
            }
            self.put(dst, function, pc);
        }
        Ok(())
    }

    /// A variable of this function that inner ones share is a local; one of an outer function is free.
    #[cold]
    fn unbound_cell(&self, cell: u16) -> Raised {
        let index = self.code.boundary.cells[usize::from(cell)];
        let name = self.code.name(index).bind(self.py);
        let free = || -> PyResult<bool> {
            // SAFETY: attached, in a builtin that a frame called; the code comes as a new reference.
            let code = unsafe {
                let code = ffi::PyFrame_GetCode(ffi::PyEval_GetFrame());
                Bound::from_owned_ptr(self.py, code.cast::<ffi::PyObject>())
            };
            code.getattr("co_freevars")?.contains(name)
        };
        if !free().unwrap_or(false) {
            return self.unbound_local(index);
        }
        let error = PyNameError::new_err(format!(
            "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
        ));
        let _ = error.value(self.py).setattr("name", name);
        error.restore(self.py);
        Raised
    }
}
