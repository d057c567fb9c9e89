//! Calls.

use std::mem::MaybeUninit;
use std::ptr::null_mut;

use pyo3::ffi;

use super::control::long;
use crate::bytecode::{Op, Reg};
use crate::vm::Raised;
use crate::vm::frame::{RangeIter, Slot};
use crate::vm::pending;
use crate::vm::run::Vm;

/// Arguments that need no memory of their own.
const FEW: usize = 15;

impl Vm<'_, '_> {
    pub(in crate::vm) fn call(
        &mut self,
        dst: Reg,
        first: Reg,
        positional: u16,
        keywords: u16,
        pc: usize,
    ) -> Result<(), Raised> {
        if !self.pending.is_empty() && self.call_of_waiting(dst, first, positional, keywords, pc)? {
            return Ok(());
        }
        let callee = self.object(first)?;
        let mut names = null_mut();
        let mut count = usize::from(positional);
        if keywords != Op::NO_KEYWORDS {
            names = self.code.consts[usize::from(keywords)].as_ptr();
            // SAFETY: checked to be a tuple.
            count += unsafe { ffi::PyTuple_GET_SIZE(names) } as usize;
        } else if let Some(range) = self.range_for_loop(callee, dst, first, positional, pc) {
            self.consume_window(first, count, pc);
            self.frame.regs[usize::from(dst)] = Slot::Range(range);
            return Ok(());
        } else if (1..=3).contains(&count) && self.wait_for_call(callee, dst, first, count, pc)? {
            return Ok(());
        }
        self.out(pc)?;
        if self.handling > 0 {
            self.expose();
        }
        let mut few = [const { MaybeUninit::<*mut ffi::PyObject>::uninit() }; FEW + 1];
        let mut many = Vec::new();
        let args: &mut [MaybeUninit<_>] = if count <= FEW {
            &mut few[..=count]
        } else {
            many.resize(count + 1, MaybeUninit::uninit());
            &mut many
        };
        // The callee may use the first place, for a method's `self`.
        args[0].write(null_mut());
        for (index, arg) in args[1..].iter_mut().enumerate() {
            arg.write(self.object(first + 1 + index as u16)?);
        }
        // SAFETY: the registers hold callee and arguments; all places are written.
        unsafe {
            let args = args.as_mut_ptr().add(1).cast::<*mut ffi::PyObject>();
            let flags = usize::from(positional) | ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
            let result = ffi::PyObject_Vectorcall(callee, args, flags, names);
            if result.is_null() {
                return Err(Raised);
            }
            self.consume_window(first, count, pc);
            self.put(dst, result, pc);
        }
        Ok(())
    }

    /// A ufunc of arrays.
    fn wait_for_call(
        &mut self,
        callee: *mut ffi::PyObject,
        dst: Reg,
        first: Reg,
        count: usize,
        pc: usize,
    ) -> Result<bool, Raised> {
        let args = [first + 1, first + 2, first + 3];
        let args = &args[..count];
        if !args.iter().any(|&arg| self.may_wait(arg)) {
            return Ok(false);
        }
        let Some(what) = pending::function(self.py, callee, count) else { return Ok(false) };
        // The window is consumed as the operands of an operator are, the callee besides.
        let waits = self.wait(what, dst, args, pc)?;
        if waits && dst != first {
            self.consume(first, pc);
        }
        Ok(waits)
    }

    pub(in crate::vm) fn consume_window(&mut self, first: Reg, count: usize, pc: usize) {
        for reg in first..=first + count as u16 {
            self.consume(reg, pc);
        }
    }

    /// `for ... in range(...)`: nobody will see the range, so that none is made.
    fn range_for_loop(
        &self,
        callee: *mut ffi::PyObject,
        dst: Reg,
        first: Reg,
        count: u16,
        pc: usize,
    ) -> Option<RangeIter> {
        if callee != (&raw mut ffi::PyRange_Type).cast()
            || usize::from(dst) < self.code.locals
            || !matches!(self.code.ops.get(pc + 1), Some(&Op::GetIter { src, .. }) if src == dst)
        {
            return None;
        }
        let arg = |index: u16| match &self.frame.regs[usize::from(first + 1 + index)] {
            // SAFETY: a live object.
            Slot::Object(object) => unsafe { long(object.as_ptr()) },
            _ => None,
        };
        match count {
            1 => RangeIter::new(0, arg(0)?, 1),
            2 => RangeIter::new(arg(0)?, arg(1)?, 1),
            3 => RangeIter::new(arg(0)?, arg(1)?, arg(2)?),
            _ => None,
        }
    }
}
