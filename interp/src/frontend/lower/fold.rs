//! Constants that CPython's compiler computes: they are one object, not one per turn.

use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyFloat, PyFrozenSet, PyInt, PyTuple};

use super::Lowerer;
use crate::bytecode::{BinaryOp, UnaryOp};
use crate::frontend::tree::{Expr, ExprKind};

/// Integers of more bits are computed when they are needed, as CPython does.
const MAX_BITS: u64 = 128;

impl<'py> Lowerer<'_, 'py> {
    /// The constant that an expression is.
    pub(super) fn folded(&self, expr: &Expr<'py>) -> Option<Bound<'py, PyAny>> {
        match &expr.kind {
            ExprKind::Constant(value) => Some(value.clone()),
            ExprKind::Unary { op, operand } => {
                let a = number(self.folded(operand)?)?;
                match op {
                    UnaryOp::Negative => a.neg().ok(),
                    UnaryOp::Positive => a.pos().ok(),
                    UnaryOp::Invert => a.bitnot().ok(),
                    UnaryOp::Not => {
                        Some(pyo3::types::PyBool::new(self.py, !a.is_truthy().ok()?).to_owned().into_any())
                    }
                }
            }
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (number(self.folded(left)?)?, number(self.folded(right)?)?);
                binary(*op, &a, &b)
            }
            ExprKind::Tuple(_) => self.folded_items(expr),
            ExprKind::JoinedStr(parts) if parts.is_empty() => {
                Some(pyo3::intern!(self.py, "").clone().into_any())
            }
            _ => None,
        }
    }

    /// A display of constants, where it is only looked at: a tuple, or a frozenset for a set.
    pub(super) fn folded_items(&self, expr: &Expr<'py>) -> Option<Bound<'py, PyAny>> {
        let (ExprKind::Tuple(items) | ExprKind::List(items) | ExprKind::Set(items)) = &expr.kind else {
            return None;
        };
        let items = items.iter().map(|item| self.folded(item)).collect::<Option<Vec<_>>>()?;
        if matches!(expr.kind, ExprKind::Set(_)) {
            PyFrozenSet::new(self.py, items).ok().map(Bound::into_any)
        } else {
            PyTuple::new(self.py, items).ok().map(Bound::into_any)
        }
    }
}

fn number(value: Bound<'_, PyAny>) -> Option<Bound<'_, PyAny>> {
    (value.is_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyFloat>()
        || value.is_exact_instance_of::<PyComplex>())
    .then_some(value)
}

/// The result unless it is an error or large.
fn binary<'py>(op: BinaryOp, a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let bits = |x: &Bound<'py, PyAny>| -> Option<u64> {
        if x.is_instance_of::<PyInt>() { x.call_method0("bit_length").ok()?.extract().ok() } else { Some(0) }
    };
    let exponent = || b.extract::<u64>().unwrap_or(0);
    let size = match op {
        BinaryOp::Multiply => bits(a)? + bits(b)?,
        BinaryOp::Power => bits(a)?.saturating_mul(exponent()),
        BinaryOp::LeftShift => bits(a)?.saturating_add(exponent()),
        _ => 0,
    };
    if size > MAX_BITS {
        return None;
    }
    match op {
        BinaryOp::Add => a.add(b),
        BinaryOp::Subtract => a.sub(b),
        BinaryOp::Multiply => a.mul(b),
        BinaryOp::MatrixMultiply => return None,
        BinaryOp::TrueDivide => a.div(b),
        BinaryOp::Remainder => a.rem(b),
        BinaryOp::Power => a.pow(b, a.py().None()),
        BinaryOp::LeftShift => a.lshift(b),
        BinaryOp::RightShift => a.rshift(b),
        BinaryOp::Or => a.bitor(b),
        BinaryOp::Xor => a.bitxor(b),
        BinaryOp::And => a.bitand(b),
        BinaryOp::FloorDivide => a.floor_div(b),
    }
    .ok()
}
