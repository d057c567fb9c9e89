//! Statements.

use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use super::unwind::Around;
use super::{Label, Lowered, Lowerer, OpenLoop, Variable};
use crate::bytecode::{BinaryOp, Loop, Op, Position};
use crate::frontend::decline::Decline;
use crate::frontend::tree::{Block, Expr, ExprKind, Stmt, StmtKind};
use crate::record::LoopState;

impl<'a, 'py> Lowerer<'a, 'py> {
    pub(super) fn block(&mut self, block: &'a Block<'py>) -> Lowered<()> {
        for stmt in &block.body {
            // CPython leaves out what can't be reached, too.
            if !self.reachable {
                break;
            }
            self.stmt(stmt)?;
        }
        Ok(())
    }

    pub(super) fn stmt(&mut self, stmt: &'a Stmt<'py>) -> Lowered<()> {
        let base = self.top;
        let at = stmt.at;
        match &stmt.kind {
            StmtKind::Pass => {}
            StmtKind::Expr(value) => self.expression_statement(value)?,
            StmtKind::Assign { targets, value } => match &targets[..] {
                [target] => self.assign_value(target, value)?,
                [first @ .., last] => {
                    // A local does not stand for itself: the first target may be the same local.
                    let src = self.temporary(value)?;
                    for target in first {
                        self.assign_copy(target, src)?;
                    }
                    self.assign(last, src)?;
                }
                [] => {}
            },
            StmtKind::AugAssign { target, op, value } => self.augmented(target, *op, value, at)?,
            StmtKind::AnnAssign { target, value } => {
                // Of functions, the annotations of plain names are not even evaluated.
                if self.scope.module || !matches!(target.kind, ExprKind::Name(_)) {
                    return Err(Decline::Annotation);
                }
                if let Some(value) = value {
                    self.assign_value(target, value)?;
                }
            }
            StmtKind::If { test, body, orelse } => {
                let (mut other, mut end) = (self.label(), self.label());
                self.branch(test, false, &mut other, &mut { at })?;
                self.block(body)?;
                if !orelse.body.is_empty() {
                    if self.reachable {
                        self.jump(Op::Jump { to: 0 }, &mut end, at);
                    }
                    self.bind(other);
                    self.block(orelse)?;
                    self.bind(end);
                } else {
                    self.bind(other);
                }
            }
            StmtKind::For { target, iter, body, orelse } => {
                self.for_loop(stmt, target, iter, body, orelse)?
            }
            StmtKind::While { test, body, orelse } => self.while_loop(stmt, test, body, orelse)?,
            StmtKind::Break => {
                let place = self.innermost().ok_or(Decline::LeavesLoop)?;
                let inside = self.handler;
                self.unwind(place, at)?;
                if self.reachable
                    && let Some(around) = self.around.get_mut(place)
                    && let Around::Loop(open) = around
                {
                    let mut breaks = std::mem::take(&mut open.breaks);
                    self.jump(Op::Jump { to: 0 }, &mut breaks, at);
                    if let Some(Around::Loop(open)) = self.around.get_mut(place) {
                        open.breaks = breaks;
                    }
                }
                self.handler = inside;
            }
            StmtKind::Continue => {
                let place = self.innermost().ok_or(Decline::LeavesLoop)?;
                let inside = self.handler;
                self.unwind(place + 1, at)?;
                if self.reachable
                    && let Some(Around::Loop(open)) = self.around.get(place)
                {
                    self.emit(Op::Back { index: open.index }, at);
                }
                self.handler = inside;
                self.reachable = false;
            }
            StmtKind::Try { body, handlers, orelse, finally } => {
                self.try_statement(body, handlers, orelse, finally, at)?
            }
            StmtKind::With { items, body } => self.with_statement(items, body, at)?,
            StmtKind::Return(value) => {
                let src = match value {
                    Some(value) if self.has_ends() => self.temporary(value)?,
                    Some(value) => self.operand(value)?,
                    None => self.none(at),
                };
                let inside = self.handler;
                self.unwind(0, at)?;
                if self.reachable {
                    self.emit(Op::Return { src }, at);
                    self.returns = true;
                    self.reachable = false;
                }
                self.handler = inside;
            }
            StmtKind::Assert { test, message } if !self.options.optimised => {
                let (mut end, mut jump_at) = (self.label(), at);
                self.branch(test, true, &mut end, &mut jump_at)?;
                let at = if cfg!(Py_3_12) { at } else { jump_at };
                if self.reachable {
                    let message = message.as_ref().map_or(Ok(Op::NONE), |message| self.operand(message))?;
                    self.emit(Op::AssertionFailed { message }, at);
                    self.reachable = false;
                }
                self.bind(end);
            }
            StmtKind::Assert { .. } => {}
            StmtKind::Raise { exc, cause } => {
                let exc = exc.as_ref().map_or(Ok(Op::NONE), |exc| self.operand(exc))?;
                let cause = cause.as_ref().map_or(Ok(Op::NONE), |cause| self.operand(cause))?;
                self.emit(Op::Raise { exc, cause }, at);
                self.reachable = false;
            }
            StmtKind::Delete(targets) => targets.iter().try_for_each(|target| self.delete(target))?,
            StmtKind::Function(_) | StmtKind::Class(_) => return Err(Decline::Definition),
            StmtKind::Opaque { why, .. } => return Err(*why),
        }
        self.top = base;
        Ok(())
    }

    fn expression_statement(&mut self, value: &Expr<'py>) -> Lowered<()> {
        if self.options.interactive && self.scope.module {
            return Err(Decline::Interactive);
        }
        if !matches!(value.kind, ExprKind::Constant(_)) {
            let reg = self.operand(value)?;
            if self.is_temporary(reg) {
                self.emit(Op::Kill { first: reg, count: 1 }, value.at);
            }
        }
        Ok(())
    }

    fn augmented(
        &mut self,
        target: &Expr<'py>,
        op: BinaryOp,
        value: &Expr<'py>,
        at: Position,
    ) -> Lowered<()> {
        let base = self.top;
        match &target.kind {
            ExprKind::Name(name) => {
                let a = self.operand(target)?;
                let b = self.operand(value)?;
                self.top = base;
                let dst = self.push();
                self.emit(Op::InPlace { op, dst, a, b }, at);
                match self.variables[name] {
                    Variable::Local(local) => self.settle(*name, local, dst, target.at),
                    _ => self.write(*name, dst, target.at),
                }
            }
            ExprKind::Attribute { value: object, attr } => {
                let obj = self.operand(object)?;
                let again = self.again(obj, target.at);
                let name = self.attribute(*attr);
                let target_at = self.attribute_position(target, *attr, false);
                let a = if self.is_temporary(again) { again } else { self.push() };
                self.emit(Op::LoadAttr { dst: a, obj: again, name }, target_at);
                let b = self.operand(value)?;
                self.emit(Op::InPlace { op, dst: a, a, b }, at);
                self.emit(Op::StoreAttr { obj, name, src: a }, target_at);
            }
            ExprKind::Subscript { value: object, slice } => {
                let obj = self.operand(object)?;
                let key = self.operand(slice)?;
                let top = self.top;
                let (obj_again, key_again) = (self.again(obj, target.at), self.again(key, target.at));
                self.top = top;
                let a = self.push();
                self.emit(Op::LoadItem { dst: a, obj: obj_again, key: key_again }, target.at);
                let b = self.operand(value)?;
                self.emit(Op::InPlace { op, dst: a, a, b }, at);
                self.emit(Op::StoreItem { obj, key, src: a }, target.at);
            }
            ExprKind::Opaque { why, .. } => return Err(*why),
            _ => return Err(Decline::Unknown),
        }
        self.top = base;
        Ok(())
    }

    /// A second reference to what is used twice.
    fn again(&mut self, reg: u16, at: Position) -> u16 {
        if self.is_temporary(reg) { self.copy(reg, at) } else { reg }
    }

    fn open_loop(&mut self, iter: Option<u16>, at: Position) -> u16 {
        let index = self.loops.len() as u16;
        self.loops.push(Loop {
            head: self.ops.len() as u32,
            end: 0,
            parent: self.innermost().and_then(|place| match &self.around[place] {
                Around::Loop(open) => Some(open.index),
                _ => None,
            }),
            iter,
            turns: AtomicU32::new(0),
            state: Mutex::new(LoopState::default()),
        });
        self.emit(Op::Loop { index }, at);
        let breaks = self.label();
        self.around.push(Around::Loop(OpenLoop { index, iter, handler: self.handler, breaks }));
        index
    }

    /// Where the innermost loop is among the blocks around.
    fn innermost(&self) -> Option<usize> {
        self.around.iter().rposition(|around| matches!(around, Around::Loop(_)))
    }

    /// The end of the body, then the `else`, then where `break` goes.
    fn close_loop(&mut self, index: u16, done: Label, orelse: &'a Block<'py>, at: Position) -> Lowered<()> {
        if self.reachable {
            self.emit(Op::Back { index }, at);
            self.reachable = false;
        }
        self.loops[usize::from(index)].end = self.ops.len() as u32;
        let around = self.around.pop();
        self.bind(done);
        self.block(orelse)?;
        if let Some(Around::Loop(open)) = around {
            self.bind(open.breaks);
        }
        Ok(())
    }

    fn for_loop(
        &mut self,
        stmt: &'a Stmt<'py>,
        target: &Expr<'py>,
        iter: &Expr<'py>,
        body: &'a Block<'py>,
        orelse: &'a Block<'py>,
    ) -> Lowered<()> {
        let base = self.top;
        // From 3.13 on, the instructions of the iteration stand at the iterable.
        let at = if cfg!(Py_3_13) { iter.at } else { stmt.at };
        let src = match self.folded_items(iter).filter(|_| !matches!(iter.kind, ExprKind::Set(_))) {
            Some(items) => {
                let index = self.constant(&items);
                let dst = self.push();
                self.emit(Op::Const { dst, index }, iter.at);
                dst
            }
            None => self.operand(iter)?,
        };
        self.top = base;
        let iterator = self.push();
        self.emit(Op::GetIter { dst: iterator, src }, at);
        let index = self.open_loop(Some(iterator), at);
        let mut done = self.label();
        let direct = match target.kind {
            ExprKind::Name(name) if target.at.line == at.line => match self.variables[&name] {
                Variable::Local(local) => Some((name, local)),
                _ => None,
            },
            _ => None,
        };
        let top = self.top;
        if let Some((name, dst)) = direct {
            self.jump(Op::Next { dst, iter: iterator, done: 0 }, &mut done, at);
            self.bound(name, dst);
        } else {
            let dst = self.push();
            self.jump(Op::Next { dst, iter: iterator, done: 0 }, &mut done, at);
            self.assign(target, dst)?;
            self.top = top;
        }
        self.block(body)?;
        self.top = base;
        self.close_loop(index, done, orelse, at)
    }

    fn while_loop(
        &mut self,
        stmt: &'a Stmt<'py>,
        test: &Expr<'py>,
        body: &'a Block<'py>,
        orelse: &'a Block<'py>,
    ) -> Lowered<()> {
        let index = self.open_loop(None, stmt.at);
        let mut done = self.label();
        self.branch(test, false, &mut done, &mut { stmt.at })?;
        self.block(body)?;
        self.close_loop(index, done, orelse, stmt.at)
    }
}
