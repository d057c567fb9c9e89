//! The ways out of a region.

use std::ptr::null_mut;

use pyo3::ffi;

use super::Raised;
use super::frame::{RangeIter, Slot};
use super::run::{Vm, Way};
use crate::bytecode::Reg;
use crate::embed::locals;

/// What a run came to. Pointers are references of the receiver's.
pub enum Outcome {
    /// It did not begin: CPython runs the statement.
    Refused,
    /// A Python exception is pending, with the frame shown where it happened.
    Raised,
    /// Done; all names are globals.
    Globals,
    /// Done; a tuple of the outputs.
    Values(*mut ffi::PyObject),
    /// Done, and the locals are in place.
    InPlace,
    /// The function returns this.
    Returned(*mut ffi::PyObject),
    /// CPython goes on with the statement, from this iterator's next item (null for `while`). The locals are in place.
    Rest(*mut ffi::PyObject),
}

pub(super) fn leave(vm: &mut Vm<'_, '_>, way: Result<Way, Raised>) -> Outcome {
    match finish(vm, way) {
        Ok(outcome) => {
            vm.show_entry();
            outcome
        }
        Err(Raised) => {
            // The position stays: the traceback's entry is made from it.
            let place = vm.raised_at.take();
            vm.compute_all_quietly();
            if let Some(pc) = place {
                vm.show(pc);
            }
            if vm.passed_on
                && let Some(offset) = vm.take_entry_off()
            {
                vm.show_offset(offset);
            }
            if !vm.code.boundary.module {
                force_locals(vm);
            }
            Outcome::Raised
        }
    }
}

fn finish(vm: &mut Vm<'_, '_>, way: Result<Way, Raised>) -> Result<Outcome, Raised> {
    let boundary = &vm.code.boundary;
    let way = way?;
    vm.compute_all()?;
    vm.look_at_signals()?;
    match way {
        Way::End if boundary.module => Ok(Outcome::Globals),
        Way::End => {
            let unbound = |reg| matches!(vm.frame.regs[usize::from(reg)], Slot::Unbound);
            if boundary.outputs.iter().any(|&(reg, _)| unbound(reg)) {
                // A loop without turns left everything as it was.
                if vm.touched {
                    force_locals(vm);
                }
                return Ok(Outcome::InPlace);
            }
            // SAFETY: attached; the tuple is new and as long as it is filled.
            unsafe {
                let tuple = ffi::PyTuple_New(boundary.outputs.len() as isize);
                if tuple.is_null() {
                    return Err(Raised);
                }
                for (index, &(reg, _)) in boundary.outputs.iter().enumerate() {
                    // The register's reference moves into the tuple.
                    let slot = std::mem::replace(&mut vm.frame.regs[usize::from(reg)], Slot::Unbound);
                    let object = match slot {
                        Slot::Object(object) => object.as_ptr(),
                        // Neither is assigned to locals, nor are outputs listed twice.
                        Slot::Unbound | Slot::Range(_) => ffi::Py_NewRef(ffi::Py_None()),
                    };
                    ffi::PyTuple_SET_ITEM(tuple, index as isize, object);
                }
                Ok(Outcome::Values(tuple))
            }
        }
        Way::Return(src) => {
            let value = vm.object(src)?;
            // SAFETY: a live object.
            Ok(Outcome::Returned(unsafe { ffi::Py_NewRef(value) }))
        }
        Way::Leave => {
            let iter = boundary.outer.and_then(|outer| outer.iter);
            let rest = match iter.map(|reg| &vm.frame.regs[usize::from(reg)]) {
                None => null_mut(),
                Some(Slot::Range(rest)) => range_iterator(*rest)?,
                // SAFETY: a live object.
                Some(Slot::Object(object)) => unsafe { ffi::Py_NewRef(object.as_ptr()) },
                Some(Slot::Unbound) => return vm.object(iter.unwrap_or(0)).map(|_| Outcome::Refused),
            };
            if !boundary.module {
                force_locals(vm);
            }
            Ok(Outcome::Rest(rest))
        }
    }
}

/// The iterator that CPython would have.
fn range_iterator(rest: RangeIter) -> Result<*mut ffi::PyObject, Raised> {
    // SAFETY: attached; the format says three C `long long`.
    unsafe {
        let range = ffi::PyObject_CallFunction(
            (&raw mut ffi::PyRange_Type).cast(),
            c"LLL".as_ptr(),
            rest.next,
            rest.stop,
            rest.step,
        );
        if range.is_null() {
            return Err(Raised);
        }
        let iterator = ffi::PyObject_GetIter(range);
        ffi::Py_DECREF(range);
        if iterator.is_null() { Err(Raised) } else { Ok(iterator) }
    }
}

/// Puts the outputs into CPython's frame.
pub(super) fn force_locals(vm: &Vm<'_, '_>) {
    let boundary = &vm.code.boundary;
    // What is unbound and was not handed in may be bound in the frame: nobody could tell when the region was compiled. It
    // stays as it is unless the region has deleted it.
    let deleted = |reg| boundary.rebound.contains(&reg) || vm.deleted.contains(&reg);
    let item = |&(reg, name): &(Reg, u16)| {
        let name = vm.code.name(name).as_ptr();
        match &vm.frame.regs[usize::from(reg)] {
            Slot::Object(object) => Some((name, object.as_ptr())),
            Slot::Unbound | Slot::Range(_) => deleted(reg).then_some((name, null_mut())),
        }
    };
    let items: Vec<_> = boundary.outputs.iter().filter_map(item).collect();
    // SAFETY: attached; names belong to the code, values to the registers.
    unsafe { locals::assign(&items) }
}
