//! Operators and comparisons.

use pyo3::ffi;

use super::{is_number, is_weak};
use crate::bytecode::{BinaryOp, CompareOp, Op, Reg, UnaryOp};
use crate::vm::Raised;
use crate::vm::frame::Slot;
use crate::vm::pending;
use crate::vm::run::Vm;

impl Vm<'_, '_> {
    pub(in crate::vm) fn unary(&mut self, op: UnaryOp, dst: Reg, a: Reg, pc: usize) -> Result<(), Raised> {
        if op == UnaryOp::Not {
            let truth = self.truth(a, pc)?;
            self.consume(a, pc);
            // SAFETY: attached; a new reference.
            unsafe { self.put(dst, ffi::PyBool_FromLong((!truth).into()), pc) };
            return Ok(());
        }
        if self.may_wait(a)
            && let Some(what) = pending::unary(op)
            && self.wait(what, dst, &[a], pc)?
        {
            return Ok(());
        }
        let x = self.object(a)?;
        // SAFETY: the register holds the operand.
        unsafe {
            if !is_number(x) {
                self.out(pc)?;
            }
            let result = match op {
                UnaryOp::Invert => ffi::PyNumber_Invert(x),
                UnaryOp::Positive => ffi::PyNumber_Positive(x),
                UnaryOp::Negative | UnaryOp::Not => ffi::PyNumber_Negative(x),
            };
            if result.is_null() {
                return Err(Raised);
            }
            self.consume(a, pc);
            self.put(dst, result, pc);
        }
        Ok(())
    }

    #[inline]
    pub(in crate::vm) fn binary(
        &mut self,
        op: BinaryOp,
        dst: Reg,
        a: Reg,
        b: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        if (self.may_wait(a) || self.may_wait(b))
            && let Some(what) = pending::binary(op)
            && self.wait(what, dst, &[a, b], pc)?
        {
            return Ok(());
        }
        let (x, y) = (self.object(a)?, self.object(b)?);
        // SAFETY: the registers hold the operands.
        unsafe {
            if !(is_number(x) && is_number(y)) {
                self.out(pc)?;
            }
            let result = match op {
                BinaryOp::Add => ffi::PyNumber_Add(x, y),
                BinaryOp::Subtract => ffi::PyNumber_Subtract(x, y),
                BinaryOp::Multiply => ffi::PyNumber_Multiply(x, y),
                BinaryOp::MatrixMultiply => ffi::PyNumber_MatrixMultiply(x, y),
                BinaryOp::TrueDivide => ffi::PyNumber_TrueDivide(x, y),
                BinaryOp::Remainder => ffi::PyNumber_Remainder(x, y),
                BinaryOp::Power => ffi::PyNumber_Power(x, y, ffi::Py_None()),
                BinaryOp::LeftShift => ffi::PyNumber_Lshift(x, y),
                BinaryOp::RightShift => ffi::PyNumber_Rshift(x, y),
                BinaryOp::Or => ffi::PyNumber_Or(x, y),
                BinaryOp::Xor => ffi::PyNumber_Xor(x, y),
                BinaryOp::And => ffi::PyNumber_And(x, y),
                BinaryOp::FloorDivide => ffi::PyNumber_FloorDivide(x, y),
            };
            self.operator_result(dst, a, b, result, pc)
        }
    }

    #[inline]
    pub(in crate::vm) fn in_place(
        &mut self,
        op: BinaryOp,
        dst: Reg,
        a: Reg,
        b: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        if (self.may_wait(a) || self.may_wait(b)) && self.wait_in_place(op, dst, a, b, pc)? {
            return Ok(());
        }
        let (x, y) = (self.object(a)?, self.object(b)?);
        // SAFETY: the registers hold the operands.
        unsafe {
            if !(is_number(x) && is_number(y)) {
                if op == BinaryOp::Add && self.append_to_string(dst, a, b, pc)? {
                    return Ok(());
                }
                self.out(pc)?;
            }
            let result = match op {
                BinaryOp::Add => ffi::PyNumber_InPlaceAdd(x, y),
                BinaryOp::Subtract => ffi::PyNumber_InPlaceSubtract(x, y),
                BinaryOp::Multiply => ffi::PyNumber_InPlaceMultiply(x, y),
                BinaryOp::MatrixMultiply => ffi::PyNumber_InPlaceMatrixMultiply(x, y),
                BinaryOp::TrueDivide => ffi::PyNumber_InPlaceTrueDivide(x, y),
                BinaryOp::Remainder => ffi::PyNumber_InPlaceRemainder(x, y),
                BinaryOp::Power => ffi::PyNumber_InPlacePower(x, y, ffi::Py_None()),
                BinaryOp::LeftShift => ffi::PyNumber_InPlaceLshift(x, y),
                BinaryOp::RightShift => ffi::PyNumber_InPlaceRshift(x, y),
                BinaryOp::Or => ffi::PyNumber_InPlaceOr(x, y),
                BinaryOp::Xor => ffi::PyNumber_InPlaceXor(x, y),
                BinaryOp::And => ffi::PyNumber_InPlaceAnd(x, y),
                BinaryOp::FloorDivide => ffi::PyNumber_InPlaceFloorDivide(x, y),
            };
            self.operator_result(dst, a, b, result, pc)
        }
    }

    /// `local += string`: CPython extends a string that only the local refers to where it is, and programs rely on this not
    /// being quadratic.
    ///
    /// # Safety
    /// Both registers hold objects.
    unsafe fn append_to_string(&mut self, dst: Reg, a: Reg, b: Reg, pc: usize) -> Result<bool, Raised> {
        let assigned = dst == a
            || matches!(self.code.ops.get(pc + 1), Some(&Op::Move { dst: local, src }) if local == a && src == dst);
        if usize::from(a) >= self.code.locals || !assigned || a == b {
            return Ok(false);
        }
        let (x, y) = (self.object(a)?, self.object(b)?);
        // SAFETY: by contract; the register's reference is given up to the call, which gives one back.
        unsafe {
            if ffi::PyUnicode_CheckExact(x) == 0 || ffi::PyUnicode_CheckExact(y) == 0 {
                return Ok(false);
            }
            self.touch(a);
            self.frame.regs[usize::from(a)] = Slot::Unbound;
            let mut joined = x;
            ffi::PyUnicode_Append(&mut joined, y);
            if joined.is_null() {
                return Err(Raised);
            }
            self.consume(b, pc);
            self.put(dst, joined, pc);
        }
        Ok(true)
    }

    #[inline]
    pub(in crate::vm) fn compare(
        &mut self,
        op: CompareOp,
        dst: Reg,
        a: Reg,
        b: Reg,
        pc: usize,
    ) -> Result<(), Raised> {
        if self.may_wait(a) || self.may_wait(b) {
            let (what, operands) = match &self.frame.regs[usize::from(a)] {
                // SAFETY: the register holds the object.
                Slot::Object(x) if unsafe { is_weak(x.as_ptr()) } => (pending::reflected(op), [b, a]),
                _ => (op, [a, b]),
            };
            if let Some(what) = pending::compare(what)
                && self.wait(what, dst, &operands, pc)?
            {
                return Ok(());
            }
        }
        let (x, y) = (self.object(a)?, self.object(b)?);
        // SAFETY: the registers hold the operands.
        unsafe {
            if !(is_number(x) && is_number(y)) {
                self.out(pc)?;
            }
            let truth = |found: i32, expected: i32| match found {
                ..0 => std::ptr::null_mut(),
                found => ffi::PyBool_FromLong((found == expected).into()),
            };
            let result = match op {
                CompareOp::Eq => ffi::PyObject_RichCompare(x, y, ffi::Py_EQ),
                CompareOp::NotEq => ffi::PyObject_RichCompare(x, y, ffi::Py_NE),
                CompareOp::Lt => ffi::PyObject_RichCompare(x, y, ffi::Py_LT),
                CompareOp::LtE => ffi::PyObject_RichCompare(x, y, ffi::Py_LE),
                CompareOp::Gt => ffi::PyObject_RichCompare(x, y, ffi::Py_GT),
                CompareOp::GtE => ffi::PyObject_RichCompare(x, y, ffi::Py_GE),
                CompareOp::Is => truth((x == y).into(), 1),
                CompareOp::IsNot => truth((x == y).into(), 0),
                CompareOp::In => truth(ffi::PySequence_Contains(y, x), 1),
                CompareOp::NotIn => truth(ffi::PySequence_Contains(y, x), 0),
            };
            self.operator_result(dst, a, b, result, pc)
        }
    }

    /// # Safety
    /// `result` is a reference of the caller's, or null with an exception pending.
    #[inline]
    unsafe fn operator_result(
        &mut self,
        dst: Reg,
        a: Reg,
        b: Reg,
        result: *mut ffi::PyObject,
        pc: usize,
    ) -> Result<(), Raised> {
        if result.is_null() {
            return Err(Raised);
        }
        self.consume(a, pc);
        self.consume(b, pc);
        // SAFETY: by contract.
        unsafe { self.put(dst, result, pc) };
        Ok(())
    }
}
