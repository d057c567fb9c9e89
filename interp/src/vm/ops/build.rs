//! Displays, slices, f-strings, and taking apart.

use std::ptr::null_mut;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;

use crate::bytecode::Reg;
use crate::vm::Raised;
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    /// Drops consecutive temporaries.
    fn consume_all(&mut self, first: Reg, count: u16, pc: usize) {
        for reg in first..first + count {
            self.consume(reg, pc);
        }
    }

    /// A tuple or list of consecutive registers: a new reference.
    fn collect(
        &mut self,
        first: Reg,
        count: u16,
        new: unsafe extern "C" fn(ffi::Py_ssize_t) -> *mut ffi::PyObject,
        set: unsafe extern "C" fn(*mut ffi::PyObject, ffi::Py_ssize_t, *mut ffi::PyObject) -> i32,
    ) -> Result<*mut ffi::PyObject, Raised> {
        // SAFETY: attached; a new container is as long as it is filled, with references made here. When a register turns
        // out to be empty its tail is null, which both types allow until they are seen.
        unsafe {
            let whole = new(count as isize);
            if whole.is_null() {
                return Err(Raised);
            }
            for index in 0..count {
                match self.object(first + index) {
                    Ok(item) => {
                        set(whole, index as isize, ffi::Py_NewRef(item));
                    }
                    Err(raised) => {
                        ffi::Py_DECREF(whole);
                        return Err(raised);
                    }
                }
            }
            Ok(whole)
        }
    }

    pub(in crate::vm) fn tuple(&mut self, dst: Reg, first: Reg, count: u16, pc: usize) -> Result<(), Raised> {
        // Making one may set off the collector of cycles, and that runs finalisers.
        self.show(pc);
        let tuple = self.collect(first, count, ffi::PyTuple_New, ffi::PyTuple_SetItem)?;
        self.consume_all(first, count, pc);
        // SAFETY: a new reference.
        unsafe { self.put(dst, tuple, pc) };
        Ok(())
    }

    pub(in crate::vm) fn list(&mut self, dst: Reg, first: Reg, count: u16, pc: usize) -> Result<(), Raised> {
        self.show(pc);
        let list = self.collect(first, count, ffi::PyList_New, ffi::PyList_SetItem)?;
        self.consume_all(first, count, pc);
        // SAFETY: a new reference.
        unsafe { self.put(dst, list, pc) };
        Ok(())
    }

    pub(in crate::vm) fn set(&mut self, dst: Reg, first: Reg, count: u16, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        // SAFETY: the registers hold the items.
        unsafe {
            let set = ffi::PySet_New(null_mut());
            if set.is_null() {
                return Err(Raised);
            }
            for reg in first..first + count {
                let added = self.object(reg).map(|item| ffi::PySet_Add(set, item));
                if !matches!(added, Ok(0)) {
                    ffi::Py_DECREF(set);
                    return Err(Raised);
                }
            }
            self.consume_all(first, count, pc);
            self.put(dst, set, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn dict(&mut self, dst: Reg, first: Reg, count: u16, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        // SAFETY: the registers hold keys and values.
        unsafe {
            let dict = ffi::PyDict_New();
            if dict.is_null() {
                return Err(Raised);
            }
            for pair in 0..count {
                let (key, value) = (self.object(first + 2 * pair), self.object(first + 2 * pair + 1));
                let (Ok(key), Ok(value)) = (key, value) else {
                    ffi::Py_DECREF(dict);
                    return Err(Raised);
                };
                if ffi::PyDict_SetItem(dict, key, value) != 0 {
                    ffi::Py_DECREF(dict);
                    return Err(Raised);
                }
            }
            self.consume_all(first, 2 * count, pc);
            self.put(dst, dict, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn slice(&mut self, dst: Reg, first: Reg, pc: usize) -> Result<(), Raised> {
        self.show(pc);
        let (start, stop, step) = (self.object(first)?, self.object(first + 1)?, self.object(first + 2)?);
        // SAFETY: the registers hold the objects.
        unsafe {
            let slice = ffi::PySlice_New(start, stop, step);
            if slice.is_null() {
                return Err(Raised);
            }
            self.consume_all(first, 3, pc);
            self.put(dst, slice, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn join(&mut self, dst: Reg, first: Reg, count: u16, pc: usize) -> Result<(), Raised> {
        self.out(pc)?;
        let parts = self.collect(first, count, ffi::PyTuple_New, ffi::PyTuple_SetItem)?;
        // SAFETY: attached; the tuple and the empty string are ours.
        unsafe {
            let nothing = ffi::PyUnicode_FromStringAndSize(null_mut(), 0);
            let joined = if nothing.is_null() { null_mut() } else { ffi::PyUnicode_Join(nothing, parts) };
            ffi::Py_XDECREF(nothing);
            ffi::Py_DECREF(parts);
            if joined.is_null() {
                return Err(Raised);
            }
            self.consume_all(first, count, pc);
            self.put(dst, joined, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn format(
        &mut self,
        dst: Reg,
        src: Reg,
        spec: Reg,
        conversion: u8,
        pc: usize,
    ) -> Result<(), Raised> {
        let (object, spec_object) = (self.object(src)?, self.object(spec)?);
        self.out(pc)?;
        // SAFETY: the registers hold the objects.
        unsafe {
            let converted = match conversion {
                b's' => ffi::PyObject_Str(object),
                b'r' => ffi::PyObject_Repr(object),
                b'a' => ffi::PyObject_ASCII(object),
                _ => ffi::Py_NewRef(object),
            };
            if converted.is_null() {
                return Err(Raised);
            }
            let text = ffi::PyObject_Format(converted, spec_object);
            ffi::Py_DECREF(converted);
            if text.is_null() {
                return Err(Raised);
            }
            self.consume(src, pc);
            self.consume(spec, pc);
            self.put(dst, text, pc);
        }
        Ok(())
    }

    /// Items go to the registers when all are there.
    pub(in crate::vm) fn unpack(
        &mut self,
        src: Reg,
        first: Reg,
        count: u16,
        pc: usize,
    ) -> Result<(), Raised> {
        let object = self.object(src)?;
        // SAFETY: the register holds the object. Items of a tuple or list are referenced before anything else can run.
        unsafe {
            let n = count as isize;
            let tuple = ffi::PyTuple_CheckExact(object) != 0 && ffi::PyTuple_GET_SIZE(object) == n;
            let list = ffi::PyList_CheckExact(object) != 0 && ffi::PyList_GET_SIZE(object) == n;
            let mut items = Items::default();
            if tuple || list {
                let item = if tuple { ffi::PyTuple_GET_ITEM } else { ffi::PyList_GET_ITEM };
                items.0.extend((0..n).map(|index| ffi::Py_NewRef(item(object, index))));
            } else {
                self.out(pc)?;
                self.unpack_iterable(object, n, &mut items)?;
            }
            self.consume(src, pc);
            for (index, item) in items.0.drain(..).enumerate() {
                self.put(first + index as u16, item, pc);
            }
        }
        Ok(())
    }

    /// # Safety
    /// A live object.
    pub(super) unsafe fn iterator_to_unpack(&mut self, object: *mut ffi::PyObject) -> Result<Items, Raised> {
        // SAFETY: by contract.
        unsafe {
            let iterator = ffi::PyObject_GetIter(object);
            if iterator.is_null() {
                let kind = ffi::Py_TYPE(object);
                if ffi::PyErr_ExceptionMatches(ffi::PyExc_TypeError) != 0
                    && (*kind).tp_iter.is_none()
                    && ffi::PySequence_Check(object) == 0
                {
                    ffi::PyErr_Clear();
                    let text = format!("cannot unpack non-iterable {} object", type_name(kind));
                    PyTypeError::new_err(text).restore(self.py);
                }
                return Err(Raised);
            }
            Ok(Items(vec![iterator]))
        }
    }

    /// # Safety
    /// A live object.
    unsafe fn unpack_iterable(
        &mut self,
        object: *mut ffi::PyObject,
        count: isize,
        items: &mut Items,
    ) -> Result<(), Raised> {
        // SAFETY: by contract; the iterator is ours until the end.
        unsafe {
            let iterator = self.iterator_to_unpack(object)?;
            for got in 0..count {
                let item = ffi::PyIter_Next(iterator.0[0]);
                if item.is_null() {
                    if ffi::PyErr_Occurred().is_null() {
                        let text = format!("not enough values to unpack (expected {count}, got {got})");
                        PyValueError::new_err(text).restore(self.py);
                    }
                    return Err(Raised);
                }
                items.0.push(item);
            }
            let extra = ffi::PyIter_Next(iterator.0[0]);
            if extra.is_null() {
                return if ffi::PyErr_Occurred().is_null() { Ok(()) } else { Err(Raised) };
            }
            ffi::Py_DECREF(extra);
            let mut text = format!("too many values to unpack (expected {count})");
            if cfg!(Py_3_14) {
                let sized = ffi::PyList_CheckExact(object) != 0
                    || ffi::PyTuple_CheckExact(object) != 0
                    || ffi::PyDict_CheckExact(object) != 0;
                if sized {
                    text = format!(
                        "too many values to unpack (expected {count}, got {})",
                        ffi::PyObject_Size(object)
                    );
                }
            }
            PyValueError::new_err(text).restore(self.py);
            Err(Raised)
        }
    }
}

/// References, dropped with it.
#[derive(Default)]
pub(super) struct Items(pub Vec<*mut ffi::PyObject>);

impl Drop for Items {
    fn drop(&mut self) {
        for &item in &self.0 {
            // SAFETY: references owned by the list; it is used attached only.
            unsafe { ffi::Py_XDECREF(item) }
        }
    }
}

/// A type's name as messages give it.
///
/// # Safety
/// A live type.
pub(super) unsafe fn type_name(kind: *mut ffi::PyTypeObject) -> String {
    // SAFETY: by contract; types are named by C strings.
    unsafe { std::ffi::CStr::from_ptr((*kind).tp_name) }.to_string_lossy().into_owned()
}
