//! Conditions: jumps by the truth of expressions.
//!
//! Every truth is asked for exactly as often as CPython's code does. So a condition is taken apart instead of being computed
//! and tested, and where the value of `x and y` is wanted as well, the jump that keeps the value is the one that decides.

use pyo3::prelude::*;

use super::{Label, Lowered, Lowerer};
use crate::bytecode::{CompareOp, Op, Position, Reg, UnaryOp};
use crate::frontend::tree::{Expr, ExprKind};

impl<'py> Lowerer<'_, 'py> {
    /// Jumps if the truth of an expression is the expected one.
    ///
    /// `at` is the position of the jumps: at first that of the statement or expression that asks. Before 3.12, a comparison
    /// moves it to itself, for all that follows in the same condition.
    pub(super) fn branch(
        &mut self,
        expr: &Expr<'py>,
        expected: bool,
        to: &mut Label,
        at: &mut Position,
    ) -> Lowered<()> {
        let base = self.top;
        if let Some(value) = self.folded(expr) {
            if value.is_truthy().unwrap_or(false) == expected {
                self.jump(Op::Jump { to: 0 }, to, *at);
            }
            return Ok(());
        }
        if matches!(expr.kind, ExprKind::Compare { .. }) {
            *at = expr.at;
        }
        match &expr.kind {
            ExprKind::Unary { op: UnaryOp::Not, operand } => self.branch(operand, !expected, to, at)?,
            ExprKind::BoolOp { and, values } => {
                let short = !and;
                if short == expected {
                    for value in values {
                        self.branch(value, expected, to, at)?;
                    }
                } else if let Some((last, first)) = values.split_last() {
                    let mut skip = self.label();
                    for value in first {
                        self.branch(value, short, &mut skip, at)?;
                    }
                    self.branch(last, expected, to, at)?;
                    self.bind(skip);
                }
            }
            ExprKind::IfExp { test, body, orelse } => {
                let (mut other, mut end) = (self.label(), self.label());
                self.branch(test, false, &mut other, at)?;
                self.branch(body, expected, to, at)?;
                self.jump(Op::Jump { to: 0 }, &mut end, *at);
                self.bind(other);
                self.branch(orelse, expected, to, at)?;
                self.bind(end);
            }
            ExprKind::Compare { left, rest } if rest.len() > 1 => {
                self.branch_chain(left, rest, expected, to, expr.at)?
            }
            _ => {
                let cond = self.operand(expr)?;
                let at = if cfg!(Py_3_12) { expr.at } else { *at };
                self.jump(Op::JumpIf { cond, expected, to: 0 }, to, at);
            }
        }
        self.top = base;
        Ok(())
    }

    /// `x and y`, `x or y` in the next temporary.
    pub(super) fn short_circuit(&mut self, and: bool, values: &[Expr<'py>], at: Position) -> Lowered<()> {
        let base = self.top;
        let mut end = self.label();
        if let Some((last, first)) = values.split_last() {
            for value in first {
                self.keep_if(value, !and, &mut end, at)?;
                self.top = base;
            }
            self.temporary(last)?;
        }
        self.bind(end);
        Ok(())
    }

    /// Jumps with the value in the next temporary if its truth is the expected one, or goes on without it.
    fn keep_if(&mut self, expr: &Expr<'py>, expected: bool, to: &mut Label, at: Position) -> Lowered<()> {
        let base = self.top;
        match &expr.kind {
            ExprKind::BoolOp { and, values } if self.folded(expr).is_none() => {
                let short = !and;
                let Some((last, first)) = values.split_last() else { return Ok(()) };
                if short == expected {
                    for value in values {
                        self.keep_if(value, expected, to, expr.at)?;
                        self.top = base;
                    }
                } else {
                    // What ends the inner one early does not end the outer one, and is not asked a second time.
                    let mut skip = self.label();
                    for value in first {
                        self.branch(value, short, &mut skip, &mut { expr.at })?;
                    }
                    self.keep_if(last, expected, to, at)?;
                    self.bind(skip);
                }
            }
            _ => {
                let value = self.temporary(expr)?;
                let cond = self.copy(value, at);
                self.jump(Op::JumpIf { cond, expected, to: 0 }, to, at);
                self.emit(Op::Kill { first: value, count: 1 }, at);
            }
        }
        self.top = base;
        Ok(())
    }

    /// The right-hand side of a comparison. For `in`, a display of constants is one constant.
    pub(super) fn right_operand(&mut self, op: CompareOp, expr: &Expr<'py>) -> Lowered<Reg> {
        if matches!(op, CompareOp::In | CompareOp::NotIn)
            && let Some(value) = self.folded_items(expr)
        {
            let index = self.constant(&value);
            let dst = self.push();
            self.emit(Op::Const { dst, index }, expr.at);
            return Ok(dst);
        }
        self.operand(expr)
    }

    /// One comparison of a chain: the right-hand side stays for the next one.
    fn link(&mut self, a: Reg, op: CompareOp, right: &Expr<'py>, at: Position) -> Lowered<(Reg, Reg)> {
        let b = self.right_operand(op, right)?;
        let compared = if self.is_temporary(b) { self.copy(b, at) } else { b };
        let dst = self.push();
        self.emit(Op::Compare { op, dst, a, b: compared }, at);
        Ok((dst, b))
    }

    /// `a < b < c` in the next temporary.
    pub(super) fn comparison_chain(
        &mut self,
        left: &Expr<'py>,
        rest: &[(CompareOp, Expr<'py>)],
        at: Position,
    ) -> Lowered<()> {
        let result = self.push();
        let mut end = self.label();
        let mut failures = Vec::new();
        let mut a = self.operand(left)?;
        let Some((last, first)) = rest.split_last() else { return Ok(()) };
        for (op, right) in first {
            let (outcome, b) = self.link(a, *op, right, at)?;
            self.emit(Op::Move { dst: result, src: outcome }, at);
            let mut failed = self.label();
            self.jump(Op::JumpIf { cond: outcome, expected: false, to: 0 }, &mut failed, at);
            self.emit(Op::Kill { first: result, count: 1 }, at);
            failures.push((failed, b));
            a = b;
        }
        let b = self.right_operand(last.0, &last.1)?;
        self.emit(Op::Compare { op: last.0, dst: result, a, b }, at);
        self.jump(Op::Jump { to: 0 }, &mut end, at);
        for (failed, b) in failures {
            self.bind(failed);
            if self.is_temporary(b) {
                self.emit(Op::Kill { first: b, count: 1 }, at);
            }
            self.jump(Op::Jump { to: 0 }, &mut end, at);
        }
        self.bind(end);
        Ok(())
    }

    fn branch_chain(
        &mut self,
        left: &Expr<'py>,
        rest: &[(CompareOp, Expr<'py>)],
        expected: bool,
        to: &mut Label,
        at: Position,
    ) -> Lowered<()> {
        let mut end = self.label();
        let mut failures = Vec::new();
        let mut a = self.operand(left)?;
        let Some((last, first)) = rest.split_last() else { return Ok(()) };
        for (op, right) in first {
            let (cond, b) = self.link(a, *op, right, at)?;
            if self.is_temporary(b) {
                let mut failed = self.label();
                self.jump(Op::JumpIf { cond, expected: false, to: 0 }, &mut failed, at);
                failures.push((failed, b));
            } else {
                // Nothing is left over, so a failure goes where it leads at once.
                self.jump(
                    Op::JumpIf { cond, expected: false, to: 0 },
                    if expected { &mut end } else { to },
                    at,
                );
            }
            a = b;
        }
        let b = self.right_operand(last.0, &last.1)?;
        let cond = self.push();
        self.emit(Op::Compare { op: last.0, dst: cond, a, b }, at);
        self.jump(Op::JumpIf { cond, expected, to: 0 }, to, at);
        if !failures.is_empty() {
            self.jump(Op::Jump { to: 0 }, &mut end, at);
        }
        for (failed, b) in failures {
            self.bind(failed);
            self.emit(Op::Kill { first: b, count: 1 }, at);
            self.jump(Op::Jump { to: 0 }, if expected { &mut end } else { to }, at);
        }
        self.bind(end);
        Ok(())
    }
}
