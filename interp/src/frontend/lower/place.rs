//! Variables and targets: reading, assigning, deleting.

use super::{Lowered, Lowerer, Variable};
use crate::bytecode::{Op, Position, Reg};
use crate::frontend::decline::Decline;
use crate::frontend::tree::{Expr, ExprKind, Name};

impl<'py> Lowerer<'_, 'py> {
    /// Reads a variable into the next temporary, or lets a local stand for itself.
    pub(super) fn read(&mut self, name: Name, at: Position) -> Lowered<Reg> {
        match self.variables[&name] {
            Variable::Local(reg) => {
                self.check_bound(name, reg, at)?;
                Ok(reg)
            }
            Variable::Cell(cell) => {
                let dst = self.push();
                self.emit(Op::LoadCell { dst, cell }, at);
                Ok(dst)
            }
            Variable::Global(index) => {
                let dst = self.push();
                self.emit(Op::LoadGlobal { dst, name: index }, at);
                Ok(dst)
            }
        }
    }

    fn check_bound(&mut self, name: Name, reg: Reg, at: Position) -> Lowered<()> {
        if self.sure[usize::from(reg)] {
            return Ok(());
        }
        if self.before.maybe.contains(&name) && !self.before.sure.contains(&name) {
            return Err(Decline::MaybeUnbound);
        }
        let index = self.attribute(name);
        self.emit(Op::CheckBound { reg, name: index }, at);
        // What is deleted somewhere is checked wherever it is read: a loop may bring the deletion here.
        self.sure[usize::from(reg)] = !self.deleted.contains(&name);
        Ok(())
    }

    pub(super) fn bound(&mut self, name: Name, reg: Reg) {
        self.sure[usize::from(reg)] = !self.deleted.contains(&name);
    }

    /// Assigns a register to a variable and consumes it.
    pub(super) fn write(&mut self, name: Name, src: Reg, at: Position) {
        match self.variables[&name] {
            Variable::Local(dst) => {
                self.emit(Op::Move { dst, src }, at);
                if self.is_temporary(src) {
                    self.emit(Op::Kill { first: src, count: 1 }, at);
                }
                self.bound(name, dst);
            }
            Variable::Cell(cell) => self.emit(Op::StoreCell { cell, src }, at),
            Variable::Global(name) => self.emit(Op::StoreGlobal { name, src }, at),
        }
    }

    /// A copy in the next temporary.
    pub(super) fn copy(&mut self, src: Reg, at: Position) -> Reg {
        let dst = self.push();
        self.emit(Op::Move { dst, src }, at);
        dst
    }

    /// Assigns a register to a target and consumes it.
    pub(super) fn assign(&mut self, target: &Expr<'py>, src: Reg) -> Lowered<()> {
        let base = self.top;
        match &target.kind {
            ExprKind::Name(name) => self.write(*name, src, target.at),
            ExprKind::Starred(item) => self.assign(item, src)?,
            ExprKind::Attribute { value, attr } => {
                let obj = self.operand(value)?;
                let name = self.attribute(*attr);
                let at = self.attribute_position(target, *attr, false);
                self.emit(Op::StoreAttr { obj, name, src }, at);
            }
            ExprKind::Subscript { value, slice } => {
                let obj = self.operand(value)?;
                let key = self.operand(slice)?;
                self.emit(Op::StoreItem { obj, key, src }, target.at);
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                // The items may begin where the iterable was.
                if self.is_temporary(src) && src + 1 == self.top {
                    self.top = src;
                }
                let first = self.top;
                items.iter().for_each(|_| _ = self.push());
                let count = self.index(items.len());
                let starred = items.iter().position(|item| matches!(item.kind, ExprKind::Starred(_)));
                match starred {
                    Some(before) => {
                        let (before, after) = (before as u16, count.saturating_sub(before as u16 + 1));
                        self.emit(Op::UnpackRest { src, first, before, after }, target.at);
                    }
                    None => self.emit(Op::Unpack { src, first, count }, target.at),
                }
                for (item, reg) in items.iter().zip(first..) {
                    self.assign(item, reg)?;
                }
            }
            ExprKind::Opaque { why, .. } => return Err(*why),
            _ => return Err(Decline::Unknown),
        }
        self.top = base;
        Ok(())
    }

    /// Assigns a temporary to a target and keeps it.
    pub(super) fn assign_copy(&mut self, target: &Expr<'py>, src: Reg) -> Lowered<()> {
        if let ExprKind::Name(name) = target.kind
            && let Variable::Local(dst) = self.variables[&name]
        {
            self.emit(Op::Move { dst, src }, target.at);
            self.bound(name, dst);
            return Ok(());
        }
        let top = self.top;
        let copy = self.copy(src, target.at);
        self.assign(target, copy)?;
        self.top = top;
        Ok(())
    }

    /// Evaluates an expression right into a target.
    pub(super) fn assign_value(&mut self, target: &Expr<'py>, value: &Expr<'py>) -> Lowered<()> {
        let base = self.top;
        if let (ExprKind::Name(name), false) = (&target.kind, matches!(value.kind, ExprKind::Name(_)))
            && let Variable::Local(dst) = self.variables[name]
        {
            let src = self.temporary(value)?;
            self.settle(*name, dst, src, target.at);
        } else if let Some(values) = self.displayed(target, value) {
            self.assign_each(target, values)?;
        } else {
            let src = self.operand(value)?;
            self.assign(target, src)?;
        }
        self.top = base;
        Ok(())
    }

    /// Assigns the temporary that the last instruction has made: often that instruction may as well make the local.
    pub(super) fn settle(&mut self, name: Name, dst: Reg, src: Reg, at: Position) {
        let line = self.at.last().map(|&index| self.positions[index as usize].line);
        // What the old value's death sets off happens at the line of the target.
        let direct = self.joined != self.ops.len() && line == Some(at.line);
        match self.ops.last_mut().and_then(destination).filter(|made| direct && **made == src) {
            Some(made) => {
                *made = dst;
                self.bound(name, dst);
            }
            None => self.write(name, src, at),
        }
    }

    /// The items of `a, b = x, y`, for which CPython makes no tuple.
    fn displayed<'e>(&self, target: &Expr<'py>, value: &'e Expr<'py>) -> Option<&'e [Expr<'py>]> {
        match (&target.kind, &value.kind) {
            (ExprKind::Tuple(targets) | ExprKind::List(targets), ExprKind::Tuple(values))
                if targets.len() == values.len()
                    && !targets.is_empty()
                    && self.folded(value).is_none()
                    && !targets
                        .iter()
                        .chain(values)
                        .any(|item| matches!(item.kind, ExprKind::Starred(_))) =>
            {
                Some(values)
            }
            _ => None,
        }
    }

    fn assign_each(&mut self, target: &Expr<'py>, values: &[Expr<'py>]) -> Lowered<()> {
        let (ExprKind::Tuple(targets) | ExprKind::List(targets)) = &target.kind else { return Ok(()) };
        let first = self.top;
        for value in values {
            self.temporary(value)?;
        }
        let mut order: Vec<usize> = (0..targets.len()).collect();
        // With two or three locals, CPython exchanges the first and the last assignment instead of the values.
        let local = |target: &Expr<'py>| match target.kind {
            ExprKind::Name(name) => matches!(self.variables[&name], Variable::Local(_)),
            _ => false,
        };
        let line = targets[0].at.line;
        if matches!(targets.len(), 2 | 3) && targets.iter().all(|t| local(t) && t.at.line == line) {
            order.reverse();
        }
        for index in order {
            self.assign(&targets[index], first + index as Reg)?;
        }
        Ok(())
    }

    pub(super) fn unbind(&mut self, name: Name, at: Position) -> Lowered<()> {
        match self.variables[&name] {
            Variable::Local(reg) => {
                self.check_bound(name, reg, at)?;
                self.emit(Op::Kill { first: reg, count: 1 }, at);
            }
            Variable::Global(name) => self.emit(Op::DeleteGlobal { name }, at),
            Variable::Cell(cell) => self.emit(Op::DeleteCell { cell }, at),
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, target: &Expr<'py>) -> Lowered<()> {
        let base = self.top;
        match &target.kind {
            ExprKind::Name(name) => self.unbind(*name, target.at)?,
            ExprKind::Attribute { value, attr } => {
                let obj = self.operand(value)?;
                let name = self.attribute(*attr);
                let at = self.attribute_position(target, *attr, false);
                self.emit(Op::DeleteAttr { obj, name }, at);
            }
            ExprKind::Subscript { value, slice } => {
                let obj = self.operand(value)?;
                let key = self.operand(slice)?;
                self.emit(Op::DeleteItem { obj, key }, target.at);
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                items.iter().try_for_each(|item| self.delete(item))?
            }
            ExprKind::Opaque { why, .. } => return Err(*why),
            _ => return Err(Decline::Unknown),
        }
        self.top = base;
        Ok(())
    }
}

/// The register that an instruction makes, where any other would do as well.
fn destination(op: &mut Op) -> Option<&mut Reg> {
    match op {
        Op::Const { dst, .. }
        | Op::LoadGlobal { dst, .. }
        | Op::LoadCell { dst, .. }
        | Op::Unary { dst, .. }
        | Op::Binary { dst, .. }
        | Op::InPlace { dst, .. }
        | Op::Compare { dst, .. }
        | Op::LoadAttr { dst, .. }
        | Op::LoadItem { dst, .. }
        | Op::Tuple { dst, .. }
        | Op::List { dst, .. }
        | Op::Set { dst, .. }
        | Op::Dict { dst, .. }
        | Op::Slice { dst, .. }
        | Op::Join { dst, .. }
        | Op::Format { dst, .. }
        | Op::Function { dst, .. }
        | Op::CallUnpacked { dst, .. }
        | Op::ToTuple { dst, .. }
        | Op::Call { dst, .. } => Some(dst),
        _ => None,
    }
}
