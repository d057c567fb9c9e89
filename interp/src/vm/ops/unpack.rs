//! Stars: displays and arguments that grow, calls with them, and targets that take the rest.

use std::ptr::null_mut;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::build::{Items, type_name};
use crate::bytecode::{Op, Reg};
use crate::vm::Raised;
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    pub(in crate::vm) fn append(&mut self, to: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        let (whole, item) = (self.object(to)?, self.object(src)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects; a display is a list or a set.
        let failed = unsafe {
            if ffi::PyList_CheckExact(whole) != 0 {
                ffi::PyList_Append(whole, item)
            } else {
                ffi::PySet_Add(whole, item)
            }
        };
        if failed != 0 {
            return Err(Raised);
        }
        self.consume(src, pc);
        Ok(())
    }

    pub(in crate::vm) fn extend(&mut self, to: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        let (whole, items) = (self.object(to)?, self.object(src)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects; a display is a list or a set, which nobody else has.
        unsafe {
            if ffi::PyList_CheckExact(whole) != 0 {
                let result = ffi::PySequence_InPlaceConcat(whole, items);
                if result.is_null() {
                    self.not_iterable(items, |kind| format!("Value after * must be an iterable, not {kind}"));
                    return Err(Raised);
                }
                ffi::Py_DECREF(result);
            } else {
                let all = Items(vec![ffi::PyObject_GetIter(items)]);
                if all.0[0].is_null() {
                    return Err(Raised);
                }
                loop {
                    let item = ffi::PyIter_Next(all.0[0]);
                    if item.is_null() {
                        break;
                    }
                    let failed = ffi::PySet_Add(whole, item) != 0;
                    ffi::Py_DECREF(item);
                    if failed {
                        return Err(Raised);
                    }
                }
                if !ffi::PyErr_Occurred().is_null() {
                    return Err(Raised);
                }
            }
        }
        self.consume(src, pc);
        Ok(())
    }

    /// Replaces the TypeError that is pending, if it says that an object is not iterable.
    ///
    /// # Safety
    /// A live object.
    unsafe fn not_iterable(&self, object: *mut ffi::PyObject, text: impl FnOnce(String) -> String) {
        // SAFETY: by contract; attached.
        unsafe {
            let kind = ffi::Py_TYPE(object);
            if ffi::PyErr_ExceptionMatches(ffi::PyExc_TypeError) != 0
                && (*kind).tp_iter.is_none()
                && ffi::PySequence_Check(object) == 0
            {
                ffi::PyErr_Clear();
                PyTypeError::new_err(text(type_name(kind))).restore(self.py);
            }
        }
    }

    pub(in crate::vm) fn tuple_of_list(&mut self, dst: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        let list = self.object(src)?;
        self.show(pc);
        // SAFETY: the register holds a list.
        unsafe {
            let tuple = ffi::PyList_AsTuple(list);
            if tuple.is_null() {
                return Err(Raised);
            }
            self.consume(src, pc);
            self.put(dst, tuple, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn merge(&mut self, dict: Reg, src: Reg, func: Reg, pc: usize) -> Result<(), Raised> {
        let (whole, more) = (self.object(dict)?, self.object(src)?);
        self.out(pc)?;
        let is_missing = |object: *mut ffi::PyObject| {
            // SAFETY: attached; a live object.
            unsafe {
                ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) != 0 && {
                    ffi::PyErr_Clear();
                    ffi::PyMapping_Check(object) >= 0
                }
            }
        };
        // SAFETY: the registers hold the objects.
        unsafe {
            let kind = type_name(ffi::Py_TYPE(more));
            if func == Op::NONE {
                if ffi::PyDict_Update(whole, more) != 0 {
                    if is_missing(more) {
                        PyTypeError::new_err(format!("'{kind}' object is not a mapping")).restore(self.py);
                    }
                    return Err(Raised);
                }
            } else {
                let name = |vm: &mut Self| -> Result<String, Raised> {
                    Ok(described(&Bound::from_borrowed_ptr(vm.py, vm.object(func)?)))
                };
                match self.merge_arguments(whole, more) {
                    Ok(None) => {}
                    Ok(Some(twice)) => {
                        let text =
                            format!("{} got multiple values for keyword argument '{twice}'", name(self)?);
                        PyTypeError::new_err(text).restore(self.py);
                        return Err(Raised);
                    }
                    Err(Raised) => {
                        if is_missing(more) {
                            let text =
                                format!("{} argument after ** must be a mapping, not {kind}", name(self)?);
                            PyTypeError::new_err(text).restore(self.py);
                        }
                        return Err(Raised);
                    }
                }
            }
        }
        self.consume(src, pc);
        Ok(())
    }

    /// Adds arguments to those that are there; the name of one that is there already.
    ///
    /// # Safety
    /// A dict and a live object.
    unsafe fn merge_arguments(
        &self,
        whole: *mut ffi::PyObject,
        more: *mut ffi::PyObject,
    ) -> Result<Option<String>, Raised> {
        // SAFETY: by contract; keys and values are references of our own.
        unsafe {
            if ffi::PyDict_CheckExact(more) != 0 && ffi::PyDict_Size(whole) == 0 {
                return if ffi::PyDict_Update(whole, more) == 0 { Ok(None) } else { Err(Raised) };
            }
            let keys = ffi::PyMapping_Keys(more);
            if keys.is_null() {
                return Err(Raised);
            }
            let keys = Bound::from_owned_ptr(self.py, keys);
            let failed = |error: PyErr| {
                error.restore(self.py);
                Raised
            };
            for key in keys.try_iter().map_err(failed)? {
                let key = key.map_err(failed)?;
                match ffi::PyDict_Contains(whole, key.as_ptr()) {
                    0 => {}
                    1 => return Ok(Some(key.str().map_err(failed)?.to_string())),
                    _ => return Err(Raised),
                }
                let value = ffi::PyObject_GetItem(more, key.as_ptr());
                if value.is_null() {
                    return Err(Raised);
                }
                let status = ffi::PyDict_SetItem(whole, key.as_ptr(), value);
                ffi::Py_DECREF(value);
                if status != 0 {
                    return Err(Raised);
                }
            }
            Ok(None)
        }
    }

    pub(in crate::vm) fn call_unpacked(
        &mut self,
        dst: Reg,
        first: Reg,
        keywords: bool,
        pc: usize,
    ) -> Result<(), Raised> {
        let (callee, items) = (self.object(first)?, self.object(first + 1)?);
        let named = if keywords { self.object(first + 2)? } else { null_mut() };
        self.out(pc)?;
        if self.handling > 0 {
            self.expose();
        }
        // SAFETY: the registers hold the objects; the tuple is ours.
        unsafe {
            let kind = ffi::Py_TYPE(items);
            let args = if ffi::PyTuple_CheckExact(items) != 0 {
                ffi::Py_NewRef(items)
            } else if (*kind).tp_iter.is_none() && ffi::PySequence_Check(items) == 0 {
                let function = described(&Bound::from_borrowed_ptr(self.py, callee));
                let text =
                    format!("{function} argument after * must be an iterable, not {}", type_name(kind));
                PyTypeError::new_err(text).restore(self.py);
                return Err(Raised);
            } else {
                ffi::PySequence_Tuple(items)
            };
            if args.is_null() {
                return Err(Raised);
            }
            let result = ffi::PyObject_Call(callee, args, named);
            ffi::Py_DECREF(args);
            if result.is_null() {
                return Err(Raised);
            }
            for reg in first..first + 2 + u16::from(keywords) {
                self.consume(reg, pc);
            }
            self.put(dst, result, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn unpack_rest(
        &mut self,
        src: Reg,
        first: Reg,
        before: u16,
        after: u16,
        pc: usize,
    ) -> Result<(), Raised> {
        let object = self.object(src)?;
        self.out(pc)?;
        let (before, after) = (isize::from(before as i16), isize::from(after as i16));
        // SAFETY: the register holds the object; the iterator, the list of what is left and the items are ours.
        unsafe {
            let iterator = self.iterator_to_unpack(object)?;
            let mut items = Items::default();
            let too_few = |got: isize| {
                let text =
                    format!("not enough values to unpack (expected at least {}, got {got})", before + after);
                PyValueError::new_err(text).restore(self.py);
                Raised
            };
            for got in 0..before {
                let item = ffi::PyIter_Next(iterator.0[0]);
                if item.is_null() {
                    return Err(if ffi::PyErr_Occurred().is_null() { too_few(got) } else { Raised });
                }
                items.0.push(item);
            }
            let rest = ffi::PySequence_List(iterator.0[0]);
            if rest.is_null() {
                return Err(Raised);
            }
            let rest = Items(vec![rest]);
            let count = ffi::PyList_GET_SIZE(rest.0[0]);
            if count < after {
                return Err(too_few(before + count));
            }
            let end = ffi::PyList_GetSlice(rest.0[0], count - after, count);
            if end.is_null() || ffi::PyList_SetSlice(rest.0[0], count - after, count, null_mut()) != 0 {
                ffi::Py_XDECREF(end);
                return Err(Raised);
            }
            items.0.push(ffi::Py_NewRef(rest.0[0]));
            items.0.extend((0..after).map(|index| ffi::Py_NewRef(ffi::PyList_GET_ITEM(end, index))));
            ffi::Py_DECREF(end);
            drop(rest);
            drop(iterator);
            self.consume(src, pc);
            for (index, item) in items.0.drain(..).enumerate() {
                self.put(first + index as u16, item, pc);
            }
        }
        Ok(())
    }
}

/// A function as messages about its arguments name it.
fn described(function: &Bound<'_, PyAny>) -> String {
    let text = || -> PyResult<String> {
        let Some(name) = function.getattr_opt("__qualname__")? else {
            return Ok(function.str()?.to_string());
        };
        let name = name.str()?.to_string();
        Ok(match function.getattr_opt("__module__")? {
            Some(module) if !module.is_none() && module.str()? != "builtins" => {
                format!("{}.{name}()", module.str()?)
            }
            _ => format!("{name}()"),
        })
    };
    text().unwrap_or_default()
}
