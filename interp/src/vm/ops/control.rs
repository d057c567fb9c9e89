//! Truth and iteration.

use std::ffi::c_int;
use std::sync::OnceLock;

use pyo3::ffi;

use super::is_number;
use crate::bytecode::Reg;
use crate::vm::Raised;
use crate::vm::frame::{RangeIter, Slot};
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    #[inline]
    pub(in crate::vm) fn truth(&mut self, reg: Reg, pc: usize) -> Result<bool, Raised> {
        let object = self.object(reg)?;
        // SAFETY: the register holds the object.
        unsafe {
            if object == ffi::Py_True() {
                return Ok(true);
            }
            if object == ffi::Py_False() || object == ffi::Py_None() {
                return Ok(false);
            }
            if !is_number(object) {
                self.out(pc)?;
            }
            match ffi::PyObject_IsTrue(object) {
                ..0 => Err(Raised),
                truth => Ok(truth != 0),
            }
        }
    }

    pub(in crate::vm) fn get_iter(&mut self, dst: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        if let Slot::Range(range) = self.frame.regs[usize::from(src)] {
            // A call of `range` knew what comes.
            self.end(src, pc);
            self.put_range(dst, range, pc);
            return Ok(());
        }
        let object = self.object(src)?;
        // SAFETY: the register holds the object.
        unsafe {
            if let Some(range) = range_of(object) {
                self.consume(src, pc);
                self.put_range(dst, range, pc);
                return Ok(());
            }
            self.out(pc)?;
            let iterator = ffi::PyObject_GetIter(object);
            if iterator.is_null() {
                return Err(Raised);
            }
            self.consume(src, pc);
            self.put(dst, iterator, pc);
        }
        Ok(())
    }

    pub(in crate::vm) fn iter(&mut self, dst: Reg, src: Reg, pc: usize) -> Result<(), Raised> {
        let object = self.object(src)?;
        self.out(pc)?;
        // SAFETY: the register holds the object.
        unsafe {
            let iterator = ffi::PyObject_GetIter(object);
            if iterator.is_null() {
                return Err(Raised);
            }
            self.consume(src, pc);
            self.put(dst, iterator, pc);
        }
        Ok(())
    }

    fn put_range(&mut self, dst: Reg, range: RangeIter, pc: usize) {
        self.end(dst, pc);
        self.frame.regs[usize::from(dst)] = Slot::Range(range);
    }

    /// Whether there was an item. If not, the iterator is gone.
    #[inline]
    pub(in crate::vm) fn next(&mut self, dst: Reg, iter: Reg, pc: usize) -> Result<bool, Raised> {
        if let Slot::Range(range) = &mut self.frame.regs[usize::from(iter)] {
            let Some(item) = range.next() else {
                self.frame.regs[usize::from(iter)] = Slot::Unbound;
                return Ok(false);
            };
            // SAFETY: attached; a new reference or an error.
            unsafe { self.put_result(dst, ffi::PyLong_FromLongLong(item), pc)? };
            return Ok(true);
        }
        let iterator = self.object(iter)?;
        self.out(pc)?;
        // SAFETY: the register holds the iterator, and `PyObject_GetIter` has made sure that it is one.
        unsafe {
            let item = ffi::PyIter_Next(iterator);
            if item.is_null() {
                if !ffi::PyErr_Occurred().is_null() {
                    return Err(Raised);
                }
                self.end(iter, pc);
                return Ok(false);
            }
            self.put(dst, item, pc);
        }
        Ok(true)
    }
}

/// What a `range` runs over, if 64 bits are enough.
///
/// # Safety
/// A live object.
unsafe fn range_of(object: *mut ffi::PyObject) -> Option<RangeIter> {
    // SAFETY: by contract; only the members of ranges are read, where the type says that they are.
    unsafe {
        if ffi::Py_TYPE(object) != &raw mut ffi::PyRange_Type {
            return None;
        }
        let member = |offset: isize| long(*object.byte_offset(offset).cast::<*mut ffi::PyObject>());
        let [start, stop, step] = (*range_members())?;
        RangeIter::new(member(start)?, member(stop)?, member(step)?)
    }
}

/// Where a `range` has start, stop and step, by the type's own table of members.
fn range_members() -> &'static Option<[isize; 3]> {
    static MEMBERS: OnceLock<Option<[isize; 3]>> = OnceLock::new();
    MEMBERS.get_or_init(|| {
        let mut found = [None; 3];
        // SAFETY: the table of a type, ended by an entry without a name; nobody writes it.
        unsafe {
            let mut member = ffi::PyRange_Type.tp_members;
            while !member.is_null() && !(*member).name.is_null() {
                let name = std::ffi::CStr::from_ptr((*member).name).to_bytes();
                if let Some(index) = [&b"start"[..], b"stop", b"step"].iter().position(|&n| n == name)
                    && (*member).type_code == ffi::Py_T_OBJECT_EX
                {
                    found[index] = Some((*member).offset);
                }
                member = member.add(1);
            }
        }
        Some([found[0]?, found[1]?, found[2]?])
    })
}

/// The value of an exact `int` of at most 64 bits.
///
/// # Safety
/// A live object.
pub(super) unsafe fn long(object: *mut ffi::PyObject) -> Option<i64> {
    // SAFETY: by contract; exact ints convert without foreign code.
    unsafe {
        if ffi::Py_TYPE(object) != &raw mut ffi::PyLong_Type {
            return None;
        }
        let mut overflow: c_int = 0;
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow);
        (overflow == 0).then_some(value)
    }
}
