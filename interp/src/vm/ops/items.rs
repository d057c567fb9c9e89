//! Attributes and items.

use std::ptr::null_mut;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::bytecode::Reg;
use crate::vm::Raised;
use crate::vm::pending::{is_array, is_basic};
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    pub(in crate::vm) fn load_attr(
        &mut self,
        dst: Reg,
        obj: Reg,
        name: u16,
        pc: usize,
    ) -> Result<(), Raised> {
        if !self.pending.is_empty() && self.wait_for_method(dst, obj, name, pc) {
            return Ok(());
        }
        let object = self.object(obj)?;
        // SAFETY: the register holds the object.
        unsafe {
            if !self.is_quiet_attribute(object, name) {
                self.out(pc)?;
            }
            let value = ffi::PyObject_GetAttr(object, self.code.name(name).as_ptr());
            if value.is_null() {
                return Err(Raised);
            }
            self.consume(obj, pc);
            self.put(dst, value, pc);
        }
        Ok(())
    }

    /// Whether to get an attribute runs no foreign code: names a module has, and what an array tells about itself.
    ///
    /// # Safety
    /// A live object.
    unsafe fn is_quiet_attribute(&self, object: *mut ffi::PyObject, name: u16) -> bool {
        let key = self.code.name(name);
        // SAFETY: by contract; a module's dict lives as long as the module.
        unsafe {
            if ffi::Py_TYPE(object) == &raw mut ffi::PyModule_Type {
                let dict = ffi::PyModule_GetDict(object);
                return !dict.is_null() && ffi::PyDict_Contains(dict, key.as_ptr()) == 1;
            }
            is_array(object) && {
                let key = key.bind(self.py).cast::<PyString>();
                key.is_ok_and(|key| {
                    matches!(
                        key.to_str(),
                        Ok("shape" | "ndim" | "size" | "dtype" | "itemsize" | "strides" | "T")
                    )
                })
            }
        }
    }

    pub(in crate::vm) fn store_attr(
        &mut self,
        obj: Reg,
        name: u16,
        src: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        let (object, value) = (self.object(obj)?, self.object(src)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects.
        if unsafe { ffi::PyObject_SetAttr(object, self.code.name(name).as_ptr(), value) } != 0 {
            return Err(Raised);
        }
        self.consume(src, pc);
        self.consume(obj, pc);
        Ok(())
    }

    pub(in crate::vm) fn delete_attr(&mut self, obj: Reg, name: u16, pc: usize) -> Result<(), Raised> {
        let object = self.object(obj)?;
        self.out(pc)?;
        // SAFETY: the register holds the object; null deletes.
        if unsafe { ffi::PyObject_SetAttr(object, self.code.name(name).as_ptr(), null_mut()) } != 0 {
            return Err(Raised);
        }
        self.consume(obj, pc);
        Ok(())
    }

    pub(in crate::vm) fn load_item(&mut self, dst: Reg, obj: Reg, key: Reg, pc: usize) -> Result<(), Raised> {
        let (object, index) = (self.object(obj)?, self.object(key)?);
        // SAFETY: the registers hold the objects.
        unsafe {
            // A view of an array runs nothing foreign, and is wanted while others wait.
            if !(is_array(object) && is_basic(index)) {
                self.out(pc)?;
            }
            let value = ffi::PyObject_GetItem(object, index);
            if value.is_null() {
                return Err(Raised);
            }
            self.consume(obj, pc);
            self.consume(key, pc);
            self.put(dst, value, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn store_item(
        &mut self,
        obj: Reg,
        key: Reg,
        src: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        if !self.pending.is_empty() && self.store_waiting(obj, key, src, pc)? {
            return Ok(());
        }
        let (object, index, value) = (self.object(obj)?, self.object(key)?, self.object(src)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects.
        if unsafe { ffi::PyObject_SetItem(object, index, value) } != 0 {
            return Err(Raised);
        }
        self.consume(src, pc);
        self.consume(obj, pc);
        self.consume(key, pc);
        Ok(())
    }

    pub(in crate::vm) fn delete_item(&mut self, obj: Reg, key: Reg, pc: usize) -> Result<(), Raised> {
        let (object, index) = (self.object(obj)?, self.object(key)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects.
        if unsafe { ffi::PyObject_DelItem(object, index) } != 0 {
            return Err(Raised);
        }
        self.consume(obj, pc);
        self.consume(key, pc);
        Ok(())
    }
}
