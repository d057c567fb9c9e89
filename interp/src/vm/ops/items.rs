//! Attributes and items.

use std::ptr::null_mut;

use pyo3::ffi;

use crate::bytecode::Reg;
use crate::vm::Raised;
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    pub(in crate::vm) fn load_attr(
        &mut self,
        dst: Reg,
        obj: Reg,
        name: u16,
        pc: usize,
    ) -> Result<(), Raised> {
        let object = self.object(obj)?;
        self.show(pc);
        // SAFETY: the register holds the object.
        unsafe {
            let value = ffi::PyObject_GetAttr(object, self.code.name(name).as_ptr());
            if value.is_null() {
                return Err(Raised);
            }
            self.consume(obj, pc);
            self.put(dst, value, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn store_attr(
        &mut self,
        obj: Reg,
        name: u16,
        src: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        let (object, value) = (self.object(obj)?, self.object(src)?);
        self.show(pc);
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
        self.show(pc);
        // SAFETY: the register holds the object; null deletes.
        if unsafe { ffi::PyObject_SetAttr(object, self.code.name(name).as_ptr(), null_mut()) } != 0 {
            return Err(Raised);
        }
        self.consume(obj, pc);
        Ok(())
    }

    pub(in crate::vm) fn load_item(&mut self, dst: Reg, obj: Reg, key: Reg, pc: usize) -> Result<(), Raised> {
        let (object, index) = (self.object(obj)?, self.object(key)?);
        self.show(pc);
        // SAFETY: the registers hold the objects.
        unsafe {
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
        let (object, index, value) = (self.object(obj)?, self.object(key)?, self.object(src)?);
        self.show(pc);
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
        self.show(pc);
        // SAFETY: the registers hold the objects.
        if unsafe { ffi::PyObject_DelItem(object, index) } != 0 {
            return Err(Raised);
        }
        self.consume(obj, pc);
        self.consume(key, pc);
        Ok(())
    }
}
