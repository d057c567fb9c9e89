//! `try` and `with`: blocks whose ends are taken care of however they are left.
//!
//! As CPython does, the code of `finally` is there once per way out: behind the block, in front of every `return`, `break` and
//! `continue` that leaves it, and for exceptions. Which handler an instruction has is noted beside it, so that the
//! instructions of a way out have that of the block around.
//!
//! What waits belongs to the block it was written in: it is computed before the block is left.

use super::{Lowered, Lowerer, OpenLoop};
use crate::bytecode::{Catch, Handler, Op, Position, Reg};
use crate::frontend::tree::{Block, Except, Expr, Name};

/// A block that is being lowered, and what is to be done when it is left.
pub(super) enum Around<'a, 'py> {
    Loop(OpenLoop),
    Try {
        outer: Option<u16>,
    },
    /// A `try` with `finally`.
    Finally {
        body: &'a Block<'py>,
        outer: Option<u16>,
    },
    /// The `finally` of an exception.
    Ending {
        exc: Reg,
        outer: Option<u16>,
    },
    Except {
        saved: Reg,
        name: Option<Name>,
        at: Position,
        outer: Option<u16>,
    },
    With {
        exit: Reg,
        at: Position,
        outer: Option<u16>,
    },
}

impl<'a, 'py> Lowerer<'a, 'py> {
    pub(super) fn try_statement(
        &mut self,
        body: &'a Block<'py>,
        handlers: &'a [Except<'py>],
        orelse: &'a Block<'py>,
        finally: &'a Block<'py>,
        at: Position,
    ) -> Lowered<()> {
        if finally.body.is_empty() {
            return self.try_except(body, handlers, orelse, at);
        }
        let (base, outer, sure) = (self.top, self.handler, self.sure.clone());
        let caught = self.begin_try(base, at);
        self.around.push(Around::Finally { body: finally, outer });
        if handlers.is_empty() {
            self.block(body)?;
        } else {
            self.try_except(body, handlers, orelse, at)?;
        }
        self.around.pop();
        self.end_try(outer, at);
        let mut end = self.label();
        self.block(finally)?;
        self.go(&mut end, at);

        let (exc, saved) = self.catch(caught, sure);
        self.handler = Some(self.new_handler(Catch::Restore { saved }, outer));
        self.around.push(Around::Ending { exc, outer });
        self.block(finally)?;
        self.around.pop();
        self.reraise(exc, at);
        self.handler = outer;
        self.top = base;
        self.bind(end);
        Ok(())
    }

    fn try_except(
        &mut self,
        body: &'a Block<'py>,
        handlers: &'a [Except<'py>],
        orelse: &'a Block<'py>,
        at: Position,
    ) -> Lowered<()> {
        let (base, outer, sure) = (self.top, self.handler, self.sure.clone());
        let caught = self.begin_try(base, at);
        self.around.push(Around::Try { outer });
        self.block(body)?;
        self.around.pop();
        self.end_try(outer, at);
        let mut end = self.label();
        self.block(orelse)?;
        self.go(&mut end, at);

        let (exc, saved) = self.catch(caught, sure);
        let restore = self.new_handler(Catch::Restore { saved }, outer);
        self.handler = Some(restore);
        for handler in handlers {
            if !self.reachable {
                break;
            }
            let mut next = self.label();
            if let Some(kind) = &handler.kind {
                let kind = self.operand(kind)?;
                self.top = saved + 1;
                let dst = self.push();
                self.emit(Op::Matches { dst, exc, kind }, handler.at);
                self.jump(Op::JumpIf { cond: dst, expected: false, to: 0 }, &mut next, handler.at);
                self.top = saved + 1;
            }
            self.except(handler, (exc, saved), restore, outer, &mut end)?;
            self.bind(next);
        }
        self.reraise(exc, at);
        self.handler = outer;
        self.top = base;
        self.bind(end);
        Ok(())
    }

    /// The block of a handler that has matched.
    fn except(
        &mut self,
        handler: &'a Except<'py>,
        (exc, saved): (Reg, Reg),
        restore: u16,
        outer: Option<u16>,
        end: &mut super::Label,
    ) -> Lowered<()> {
        let at = handler.at;
        let sure = self.sure.clone();
        let around = Around::Except { saved, name: handler.name, at, outer };
        let Some(name) = handler.name else {
            self.emit(Op::Kill { first: exc, count: 1 }, at);
            self.around.push(around);
            self.block(&handler.body)?;
            self.around.pop();
            self.end_handler(saved, None, outer, at)?;
            self.go(end, at);
            self.handler = Some(restore);
            return Ok(());
        };
        self.write(name, exc, at);
        // The name goes when an exception leaves the block, too; that one comes above what is saved.
        let leaving = self.push();
        self.top = leaving;
        let clean = self.new_handler(Catch::Clean { to: 0, exc: leaving }, Some(restore));
        self.handler = Some(clean);
        self.around.push(around);
        self.block(&handler.body)?;
        self.around.pop();
        self.end_handler(saved, Some(name), outer, at)?;
        self.go(end, at);
        self.handler = Some(restore);
        self.enter_handler(clean, sure);
        self.top = leaving + 1;
        self.forget(name, at)?;
        self.reraise(leaving, at);
        self.top = leaving;
        Ok(())
    }

    pub(super) fn with_statement(
        &mut self,
        items: &'a [(Expr<'py>, Option<Expr<'py>>)],
        body: &'a Block<'py>,
        statement: Position,
    ) -> Lowered<()> {
        let Some(((manager, target), rest)) = items.split_first() else { return self.block(body) };
        // From 3.12 on, the instructions of the statement stand at the manager.
        let at = if cfg!(Py_3_12) { manager.at } else { statement };
        let (base, outer) = (self.top, self.handler);
        let src = self.operand(manager)?;
        self.top = base;
        let (exit, entered) = (self.push(), self.push());
        self.emit(Op::Enter { dst: exit, src }, at);
        let sure = self.sure.clone();
        let caught = self.begin_try(entered, at);
        self.around.push(Around::With { exit, at, outer });
        match target {
            Some(target) => self.assign(target, entered)?,
            None => self.emit(Op::Kill { first: entered, count: 1 }, at),
        }
        self.top = entered;
        self.with_statement(rest, body, statement)?;
        self.around.pop();
        self.end_try(outer, at);
        let mut end = self.label();
        if self.reachable {
            self.call_exit(exit, at);
        }
        self.go(&mut end, at);

        let (exc, saved) = self.catch(caught, sure);
        self.handler = Some(self.new_handler(Catch::Restore { saved }, outer));
        let dst = self.push();
        self.emit(Op::ExitWith { dst, exit, exc }, at);
        let mut swallowed = self.label();
        self.jump(Op::JumpIf { cond: dst, expected: true, to: 0 }, &mut swallowed, at);
        self.reraise(exc, at);
        self.bind(swallowed);
        self.emit(Op::Kill { first: exc, count: 1 }, at);
        self.handler = outer;
        self.emit(Op::Handled { saved }, at);
        self.emit(Op::Kill { first: exit, count: 1 }, at);
        self.top = base;
        self.bind(end);
        Ok(())
    }

    /// What leads out of the blocks opened last, of which `keep` stay: before a `return`, `break` or `continue`. Control may not
    /// get to the end of it.
    pub(super) fn unwind(&mut self, keep: usize, at: Position) -> Lowered<()> {
        if self.around[keep..].iter().any(|around| !matches!(around, Around::Loop(_))) {
            self.emit(Op::Settle, at);
        }
        let mut left = Vec::new();
        let mut result = Ok(());
        while self.around.len() > keep && self.reachable && result.is_ok() {
            let Some(around) = self.around.pop() else { break };
            result = self.way_out(&around, at);
            left.push(around);
        }
        self.around.extend(left.into_iter().rev());
        result
    }

    fn way_out(&mut self, around: &Around<'a, 'py>, at: Position) -> Lowered<()> {
        match *around {
            Around::Loop(OpenLoop { iter, handler, .. }) => {
                self.handler = handler;
                if let Some(first) = iter {
                    self.emit(Op::Kill { first, count: 1 }, at);
                }
            }
            Around::Try { outer } => self.handler = outer,
            Around::Finally { body, outer } => {
                self.handler = outer;
                self.block(body)?;
            }
            Around::Ending { exc, outer } => {
                self.emit(Op::Kill { first: exc, count: 1 }, at);
                self.handler = outer;
                self.emit(Op::Handled { saved: exc + 1 }, at);
            }
            Around::Except { saved, name, at, outer } => self.end_handler(saved, name, outer, at)?,
            Around::With { exit, at, outer } => {
                self.handler = outer;
                let moved = self.copy(exit, at);
                self.emit(Op::Kill { first: exit, count: 1 }, at);
                self.call_exit(moved, at);
                self.top = moved;
            }
        }
        Ok(())
    }

    /// Whether something is evaluated on a way out: a value that is under way must not change meanwhile.
    pub(super) fn has_ends(&self) -> bool {
        self.around.iter().any(|around| !matches!(around, Around::Loop(_) | Around::Try { .. }))
    }

    fn new_handler(&mut self, catch: Catch, outer: Option<u16>) -> u16 {
        let index = self.index(self.handlers.len());
        self.handlers.push(Handler { catch, outer });
        index
    }

    /// From here on, exceptions are caught, in the register `exc`.
    fn begin_try(&mut self, exc: Reg, at: Position) -> u16 {
        self.emit(Op::Settle, at);
        let caught = self.new_handler(Catch::Handle { to: 0, exc }, self.handler);
        self.handler = Some(caught);
        caught
    }

    fn end_try(&mut self, outer: Option<u16>, at: Position) {
        if self.reachable {
            self.emit(Op::Settle, at);
        }
        self.handler = outer;
    }

    /// The code of a handler begins here.
    fn enter_handler(&mut self, handler: u16, sure: Vec<bool>) {
        let here = self.ops.len() as u32;
        if let Some(Handler { catch: Catch::Handle { to, .. } | Catch::Clean { to, .. }, .. }) =
            self.handlers.get_mut(usize::from(handler))
        {
            *to = here;
        }
        self.sure = sure;
        self.reachable = true;
        self.joined = self.ops.len();
    }

    /// The same, with registers for the exception and for the one it displaces.
    fn catch(&mut self, handler: u16, sure: Vec<bool>) -> (Reg, Reg) {
        self.enter_handler(handler, sure);
        if let Some(Handler { catch: Catch::Handle { exc, .. }, .. }) =
            self.handlers.get(usize::from(handler))
        {
            self.top = *exc;
        }
        (self.push(), self.push())
    }

    /// The exception is dealt with.
    fn end_handler(
        &mut self,
        saved: Reg,
        name: Option<Name>,
        outer: Option<u16>,
        at: Position,
    ) -> Lowered<()> {
        if !self.reachable {
            return Ok(());
        }
        self.emit(Op::Settle, at);
        self.handler = outer;
        self.emit(Op::Handled { saved }, at);
        name.map_or(Ok(()), |name| self.forget(name, at))
    }

    /// `name = None; del name`
    fn forget(&mut self, name: Name, at: Position) -> Lowered<()> {
        let top = self.top;
        let none = self.none(at);
        self.write(name, none, at);
        self.top = top;
        self.unbind(name, at)
    }

    /// Calls `exit(None, None, None)` in the register of `exit`, the last one in use, and drops the result.
    fn call_exit(&mut self, exit: Reg, at: Position) {
        self.top = exit + 1;
        for _ in 0..3 {
            self.none(at);
        }
        let call = Op::Call { dst: exit, first: exit, positional: 3, keywords: Op::NO_KEYWORDS };
        self.emit(call, at);
        self.emit(Op::Kill { first: exit, count: 1 }, at);
    }

    fn reraise(&mut self, exc: Reg, at: Position) {
        if self.reachable {
            self.emit(Op::Reraise { exc }, at);
            self.reachable = false;
        }
    }

    fn go(&mut self, to: &mut super::Label, at: Position) {
        if self.reachable {
            self.jump(Op::Jump { to: 0 }, to, at);
        }
    }
}
