//! Expressions.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::display::Display;
use super::{Lowered, Lowerer};
use crate::bytecode::{Op, Position, Reg};
use crate::frontend::decline::Decline;
use crate::frontend::tree::{Expr, ExprKind, Name};

/// Functions that look at the frame they are called from, which shows the variables of before the region.
const FRAME_READERS: &[&str] = &[
    "exec",
    "eval",
    "locals",
    "globals",
    "vars",
    "dir",
    "super",
    "breakpoint",
    "set_trace",
    "settrace",
    "setprofile",
];

/// From so many arguments on, CPython looks a method up before it is called.
const METHOD_LIMIT: usize = 30;

impl<'py> Lowerer<'_, 'py> {
    /// The value in a register: of the next temporary, or of a local.
    pub(super) fn operand(&mut self, expr: &Expr<'py>) -> Lowered<Reg> {
        match expr.kind {
            ExprKind::Name(name) if !self.walruses => self.variable(name, expr.at),
            _ => self.temporary(expr),
        }
    }

    fn variable(&mut self, name: Name, at: Position) -> Lowered<Reg> {
        if self.texts.text(name) == "__debug__" {
            let value = pyo3::types::PyBool::new(self.py, !self.options.optimised).to_owned().into_any();
            let index = self.constant(&value);
            let dst = self.push();
            self.emit(Op::Const { dst, index }, at);
            return Ok(dst);
        }
        self.read(name, at)
    }

    /// The value in the next temporary.
    pub(super) fn temporary(&mut self, expr: &Expr<'py>) -> Lowered<Reg> {
        let base = self.top;
        let at = expr.at;
        if let Some(value) = self.folded(expr) {
            let index = self.constant(&value);
            let dst = self.push();
            self.emit(Op::Const { dst, index }, at);
            return Ok(dst);
        }
        match &expr.kind {
            ExprKind::Name(name) => {
                let reg = self.variable(*name, at)?;
                if !self.is_temporary(reg) {
                    self.copy(reg, at);
                }
            }
            ExprKind::Binary { op, left, right } => {
                let a = self.operand(left)?;
                let b = self.operand(right)?;
                self.result(base, |dst| Op::Binary { op: *op, dst, a, b }, at);
            }
            ExprKind::Unary { op, operand } => {
                let a = self.operand(operand)?;
                self.result(base, |dst| Op::Unary { op: *op, dst, a }, at);
            }
            ExprKind::Compare { left, rest } if rest.len() == 1 => {
                let a = self.operand(left)?;
                let b = self.right_operand(rest[0].0, &rest[0].1)?;
                self.result(base, |dst| Op::Compare { op: rest[0].0, dst, a, b }, at);
            }
            ExprKind::Compare { left, rest } => self.comparison_chain(left, rest, at)?,
            ExprKind::BoolOp { and, values } => self.short_circuit(*and, values, at)?,
            ExprKind::IfExp { test, body, orelse } => {
                let (mut other, mut end) = (self.label(), self.label());
                self.branch(test, false, &mut other, &mut { at })?;
                self.temporary(body)?;
                self.jump(Op::Jump { to: 0 }, &mut end, at);
                self.bind(other);
                self.top = base;
                self.temporary(orelse)?;
                self.bind(end);
            }
            ExprKind::NamedExpr { target, target_at, value } => {
                let reg = self.temporary(value)?;
                let copy = self.copy(reg, at);
                self.write(*target, copy, *target_at);
            }
            ExprKind::Call { func, args, keywords } => self.call(func, args, keywords, at)?,
            ExprKind::JoinedStr(parts) => match &parts[..] {
                [part] => {
                    self.temporary(part)?;
                }
                _ => self.window(parts, |dst, count| Op::Join { dst, first: dst, count }, at)?,
            },
            ExprKind::Formatted { value, conversion, spec } => {
                let src = self.operand(value)?;
                let spec = match spec {
                    Some(spec) => self.temporary(spec)?,
                    None => self.empty_string(at),
                };
                self.result(base, |dst| Op::Format { dst, src, spec, conversion: *conversion }, at);
            }
            ExprKind::Attribute { value, attr } => {
                let obj = self.operand(value)?;
                let name = self.attribute(*attr);
                let at = self.attribute_position(expr, *attr, false);
                self.result(base, |dst| Op::LoadAttr { dst, obj, name }, at);
            }
            ExprKind::Subscript { value, slice } => {
                let obj = self.operand(value)?;
                let key = self.operand(slice)?;
                self.result(base, |dst| Op::LoadItem { dst, obj, key }, at);
            }
            ExprKind::Slice(bounds) => {
                for bound in bounds {
                    match bound {
                        Some(bound) => self.temporary(bound)?,
                        None => self.none(at),
                    };
                }
                self.result(base, |dst| Op::Slice { dst, first: base }, at);
            }
            ExprKind::Tuple(items) => self.display(Display::Tuple, items, at)?,
            ExprKind::List(items) => self.display(Display::List, items, at)?,
            ExprKind::Set(items) => self.display(Display::Set, items, at)?,
            ExprKind::Dict(items) => self.dict(items, at)?,
            ExprKind::Lambda(lambda) => self.lambda(lambda, at)?,
            ExprKind::Comprehension { name, iter, .. } => self.comprehension(name, iter, at)?,
            ExprKind::Opaque { why, .. } => return Err(*why),
            ExprKind::Starred(_) | ExprKind::Constant(_) => return Err(Decline::Unknown),
        }
        self.top = base + 1;
        Ok(base)
    }

    /// An instruction whose result takes the place of its operands.
    pub(super) fn result(&mut self, base: Reg, op: impl FnOnce(Reg) -> Op, at: Position) {
        self.top = base;
        let dst = self.push();
        self.emit(op(dst), at);
    }

    /// Consecutive temporaries, and the instruction that makes one of them.
    pub(super) fn window(
        &mut self,
        items: &[Expr<'py>],
        op: impl FnOnce(Reg, u16) -> Op,
        at: Position,
    ) -> Lowered<()> {
        let base = self.top;
        for item in items {
            self.temporary(item)?;
        }
        let count = self.index(items.len());
        self.result(base, |dst| op(dst, count), at);
        Ok(())
    }

    pub(super) fn none(&mut self, at: Position) -> Reg {
        let none = self.py.None().into_bound(self.py);
        self.load_constant(&none, at)
    }

    pub(super) fn load_constant(&mut self, value: &Bound<'py, PyAny>, at: Position) -> Reg {
        let index = self.constant(value);
        let dst = self.push();
        self.emit(Op::Const { dst, index }, at);
        dst
    }

    fn empty_string(&mut self, at: Position) -> Reg {
        let empty = pyo3::intern!(self.py, "").clone().into_any();
        self.load_constant(&empty, at)
    }

    fn call(
        &mut self,
        func: &Expr<'py>,
        args: &[Expr<'py>],
        keywords: &[(Option<Name>, Expr<'py>)],
        at: Position,
    ) -> Lowered<()> {
        let called = match &func.kind {
            ExprKind::Name(name) | ExprKind::Attribute { attr: name, .. } => Some(self.texts.text(*name)),
            _ => None,
        };
        if called.is_some_and(|name| FRAME_READERS.contains(&name)) {
            return Err(Decline::FrameReader);
        }
        let first = self.temporary(func)?;
        if args.iter().any(|arg| matches!(arg.kind, ExprKind::Starred(_)))
            || keywords.iter().any(|(name, _)| name.is_none())
        {
            return self.call_unpacked(first, args, keywords, at);
        }
        for arg in args.iter().chain(keywords.iter().map(|(_, value)| value)) {
            self.temporary(arg)?;
        }
        let positional = self.index(args.len());
        let names = if keywords.is_empty() {
            Op::NO_KEYWORDS
        } else {
            let text = |name| pyo3::types::PyString::intern(self.py, self.texts.text(name));
            let names: Vec<_> = keywords.iter().filter_map(|(name, _)| name.map(text)).collect();
            let names = PyTuple::new(self.py, names).map_err(|_| Decline::TooLarge)?;
            self.constant(&names.into_any())
        };
        let at = match func.kind {
            ExprKind::Attribute { attr, .. }
                if args.len() + keywords.len() + usize::from(!keywords.is_empty()) < METHOD_LIMIT =>
            {
                self.call_position(func, attr, at)
            }
            _ => at,
        };
        self.result(first, |dst| Op::Call { dst, first, positional, keywords: names }, at);
        Ok(())
    }

    /// Where CPython's instruction for an attribute stands: with the attribute's name, if that is on a line of its own.
    pub(super) fn attribute_position(&self, expr: &Expr<'py>, attr: Name, _call: bool) -> Position {
        self.call_position(expr, attr, expr.at)
    }

    fn call_position(&self, attribute: &Expr<'py>, attr: Name, at: Position) -> Position {
        if at.line == attribute.at.end_line {
            return at;
        }
        let length = self.texts.text(attr).chars().count() as u32;
        let column = attribute.at.end_column.saturating_sub(length);
        Position { line: attribute.at.end_line, column, ..at }
    }
}
