//! Which names are bound where.
//!
//! A region gets the locals that are surely bound as arguments. One that may or may not be bound can't be passed, so a
//! region that might read such a name is declined. Both sets are kept on the safe side: `sure` holds too few names rather
//! than too many, `maybe` the other way round.

use std::collections::HashSet;

use super::decline::Decline;
use super::tree::{Block, Definition, Expr, ExprKind, Name, Part, Stmt, StmtKind};

/// What is known at one point.
#[derive(Clone, Default, Debug)]
pub struct Flow {
    pub sure: HashSet<Name>,
    pub maybe: HashSet<Name>,
    /// Control doesn't get here, so anything may be said about it.
    dead: bool,
}

/// What the walk meets on its way, with what is known there.
pub trait Visitor<'py> {
    /// Any statement, by its index in its block; `before` it runs.
    fn on_statement(&mut self, block: &Block<'py>, index: usize, before: &Flow);
    /// A `for` or `while` at an index of its block; `before` it is entered.
    fn on_loop(&mut self, block: &Block<'py>, index: usize, before: &Flow);
    fn on_function(&mut self, function: &Definition<'py>);
    fn on_class(&mut self, class: &Definition<'py>);
}

impl Flow {
    pub fn bind(&mut self, name: Name) {
        self.sure.insert(name);
        self.maybe.insert(name);
    }

    fn join(&mut self, other: Flow) {
        self.maybe.extend(other.maybe);
        if self.dead {
            self.sure = other.sure;
            self.dead = other.dead;
        } else if !other.dead {
            self.sure.retain(|name| other.sure.contains(name));
        }
    }

    /// Walks over a block, in order.
    pub fn block<'py>(&mut self, block: &Block<'py>, visitor: &mut dyn Visitor<'py>) {
        for index in 0..block.body.len() {
            self.stmt(block, index, visitor);
        }
    }

    fn stmt<'py>(&mut self, block: &Block<'py>, index: usize, visitor: &mut dyn Visitor<'py>) {
        let stmt = &block.body[index];
        visitor.on_statement(block, index, self);
        match &stmt.kind {
            StmtKind::If { test, body, orelse } => {
                self.load(test);
                let mut other = self.clone();
                self.block(body, visitor);
                other.block(orelse, visitor);
                self.join(other);
            }
            StmtKind::For { target, iter, body, orelse } => {
                visitor.on_loop(block, index, self);
                self.load(iter);
                self.enter_loop(stmt);
                let mut head = self.clone();
                self.store(target);
                self.block(body, visitor);
                head.maybe = std::mem::take(&mut self.maybe);
                self.leave_loop(head, orelse, visitor);
            }
            StmtKind::While { test, body, orelse } => {
                visitor.on_loop(block, index, self);
                self.enter_loop(stmt);
                self.load(test);
                let mut head = self.clone();
                self.block(body, visitor);
                head.maybe = std::mem::take(&mut self.maybe);
                self.leave_loop(head, orelse, visitor);
            }
            StmtKind::Function(definition) | StmtKind::Class(definition) => {
                definition.binds.iter().for_each(|&name| self.bind(name));
                match stmt.kind {
                    StmtKind::Function(_) => visitor.on_function(definition),
                    _ => visitor.on_class(definition),
                }
                self.bind(definition.name);
            }
            StmtKind::Opaque { why, parts } => self.opaque(stmt, *why, parts, visitor),
            StmtKind::Try { .. } => self.through_try(stmt, visitor),
            StmtKind::With { items, body } => self.with(stmt, items, body, visitor),
            StmtKind::Return(value) => {
                value.iter().for_each(|value| self.load(value));
                self.dead = true;
            }
            StmtKind::Raise { .. } | StmtKind::Break | StmtKind::Continue => self.dead = true,
            StmtKind::Delete(_) => {
                let mut uses = Uses::default();
                uses.stmt(stmt);
                self.sure.retain(|name| !uses.deleted.contains(name));
            }
            StmtKind::Expr(value) => self.load(value),
            StmtKind::Assign { targets, value } => {
                self.load(value);
                targets.iter().for_each(|target| self.store(target));
            }
            StmtKind::AugAssign { target, value, .. }
            | StmtKind::AnnAssign { target, value: Some(value) } => {
                self.load(value);
                self.store(target);
            }
            // Not evaluated at all in optimised code.
            StmtKind::Assert { .. } => {
                let mut uses = Uses::default();
                uses.stmt(stmt);
                self.maybe.extend(uses.stored);
            }
            StmtKind::AnnAssign { value: None, .. } | StmtKind::Pass => {}
        }
    }

    /// At the head of a loop, earlier turns have left their traces.
    fn enter_loop(&mut self, stmt: &Stmt<'_>) {
        let mut uses = Uses::default();
        uses.stmt(stmt);
        self.sure.retain(|name| !uses.deleted.contains(name));
        self.maybe.extend(uses.stored);
    }

    /// After a loop holds what holds at its head: it may end there, and a `break` skips the `else`.
    fn leave_loop<'py>(&mut self, head: Flow, orelse: &Block<'py>, visitor: &mut dyn Visitor<'py>) {
        *self = head.clone();
        self.block(orelse, visitor);
        self.sure = head.sure;
        self.dead = head.dead;
    }

    /// What holds behind a statement of which nobody knows how far it got: nothing it binds is sure.
    fn behind(&self, stmt: &Stmt<'_>) -> Flow {
        let mut uses = Uses::default();
        uses.stmt(stmt);
        let mut after = self.clone();
        after.sure.retain(|name| !uses.deleted.contains(name));
        after.maybe.extend(uses.stored);
        after
    }

    fn opaque<'py>(
        &mut self,
        stmt: &Stmt<'py>,
        why: Decline,
        parts: &[Part<'py>],
        visitor: &mut dyn Visitor<'py>,
    ) {
        let mut after = self.behind(stmt);
        if matches!(why, Decline::Import) {
            parts.iter().flat_map(|part| &part.binds).for_each(|&name| after.bind(name));
        }
        for part in parts {
            let mut inside = after.clone();
            part.binds.iter().for_each(|&name| inside.bind(name));
            part.block.iter().for_each(|block| inside.block(block, visitor));
        }
        *self = after;
    }

    /// A block that may swallow what ends it early.
    fn with<'py>(
        &mut self,
        stmt: &Stmt<'py>,
        items: &[(Expr<'py>, Option<Expr<'py>>)],
        body: &Block<'py>,
        visitor: &mut dyn Visitor<'py>,
    ) {
        let after = self.behind(stmt);
        *self = after.clone();
        for (manager, target) in items {
            self.load(manager);
            target.iter().for_each(|target| self.store(target));
        }
        self.block(body, visitor);
        *self = after;
    }

    /// After a `try` holds what holds at the end of its block and of all handlers that end.
    fn through_try<'py>(&mut self, stmt: &Stmt<'py>, visitor: &mut dyn Visitor<'py>) {
        let StmtKind::Try { body, handlers, orelse, finally } = &stmt.kind else { return };
        // What holds wherever the block is left.
        let before = self.behind(stmt);
        let mut after = before.clone();
        after.block(body, visitor);
        // Handlers come first in the source, but the order of the walk is nobody's business.
        let ends: Vec<Flow> = handlers
            .iter()
            .map(|handler| {
                let mut inside = before.clone();
                handler.kind.iter().for_each(|kind| inside.load(kind));
                handler.name.iter().for_each(|&name| inside.bind(name));
                inside.block(&handler.body, visitor);
                inside.sure.retain(|&name| handler.name != Some(name));
                inside
            })
            .collect();
        after.block(orelse, visitor);
        ends.into_iter().for_each(|end| after.join(end));
        let mut last = before.clone();
        last.block(finally, visitor);
        let mut uses = Uses::default();
        uses.block(finally);
        after.sure.retain(|name| !uses.deleted.contains(name));
        after.sure.extend(last.sure.difference(&before.sure));
        after.maybe.extend(last.maybe);
        after.dead |= last.dead;
        *self = after;
    }

    /// An expression that is evaluated: only a walrus binds.
    fn load(&mut self, expr: &Expr<'_>) {
        let mut uses = Uses::default();
        uses.load(expr);
        if uses.stored.is_empty() {
            return;
        }
        self.maybe.extend(uses.stored);
        self.surely(expr);
    }

    /// The walruses that are evaluated whatever the values are.
    fn surely(&mut self, expr: &Expr<'_>) {
        match &expr.kind {
            ExprKind::NamedExpr { target, value, .. } => {
                self.surely(value);
                self.bind(*target);
            }
            ExprKind::BoolOp { values, .. } => values.first().into_iter().for_each(|v| self.surely(v)),
            ExprKind::IfExp { test, .. } => self.surely(test),
            ExprKind::Compare { left, rest } => {
                self.surely(left);
                rest.first().into_iter().for_each(|(_, e)| self.surely(e));
            }
            _ => each_operand(expr, &mut |operand| self.surely(operand)),
        }
    }

    fn store(&mut self, target: &Expr<'_>) {
        match &target.kind {
            ExprKind::Name(name) => self.bind(*name),
            ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|item| self.store(item)),
            ExprKind::Starred(item) => self.store(item),
            _ => self.load(target),
        }
    }
}

/// The names in a piece of the tree.
#[derive(Default, Debug)]
pub struct Uses {
    /// Everything that is named, targets included.
    pub named: HashSet<Name>,
    pub stored: HashSet<Name>,
    /// By functions in it: what of that is shared with them are cells.
    pub mentioned: HashSet<Name>,
    pub deleted: HashSet<Name>,
    /// Whether an expression assigns.
    pub walruses: bool,
    /// The first thing that lowering doesn't support.
    pub unsupported: Option<Decline>,
}

impl Uses {
    fn refuse(&mut self, why: Decline) {
        self.unsupported.get_or_insert(why);
    }

    pub fn block(&mut self, block: &Block<'_>) {
        block.body.iter().for_each(|stmt| self.stmt(stmt));
    }

    pub fn stmt(&mut self, stmt: &Stmt<'_>) {
        match &stmt.kind {
            StmtKind::Expr(value) => self.load(value),
            StmtKind::Assign { targets, value } => {
                self.load(value);
                targets.iter().for_each(|target| self.store(target));
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.load(value);
                self.store(target);
            }
            StmtKind::AnnAssign { target, value } => {
                value.iter().for_each(|value| self.load(value));
                self.store(target);
            }
            StmtKind::If { test, body, orelse } | StmtKind::While { test, body, orelse } => {
                self.load(test);
                self.block(body);
                self.block(orelse);
            }
            StmtKind::For { target, iter, body, orelse } => {
                self.load(iter);
                self.store(target);
                self.block(body);
                self.block(orelse);
            }
            StmtKind::Return(value) => value.iter().for_each(|value| self.load(value)),
            StmtKind::Break | StmtKind::Continue | StmtKind::Pass => {}
            StmtKind::Assert { test, message } => {
                std::iter::once(test).chain(message).for_each(|e| self.load(e))
            }
            StmtKind::Raise { exc, cause } => exc.iter().chain(cause).for_each(|e| self.load(e)),
            StmtKind::Delete(targets) => targets.iter().for_each(|target| self.delete(target)),
            StmtKind::Try { body, handlers, orelse, finally } => {
                self.block(body);
                for handler in handlers {
                    handler.kind.iter().for_each(|kind| self.load(kind));
                    self.named.extend(handler.name);
                    self.stored.extend(handler.name);
                    self.deleted.extend(handler.name);
                    self.block(&handler.body);
                }
                self.block(orelse);
                self.block(finally);
            }
            StmtKind::With { items, body } => {
                for (manager, target) in items {
                    self.load(manager);
                    target.iter().for_each(|target| self.store(target));
                }
                self.block(body);
            }
            StmtKind::Function(definition) | StmtKind::Class(definition) => {
                self.refuse(Decline::Definition);
                self.stored.extend(&definition.binds);
                self.stored.insert(definition.name);
            }
            StmtKind::Opaque { why, parts } => {
                self.refuse(*why);
                for part in parts {
                    self.stored.extend(&part.binds);
                    // At the end of `except ... as name`.
                    if matches!(why, Decline::TryStar) {
                        self.deleted.extend(&part.binds);
                    }
                    part.block.iter().for_each(|block| self.block(block));
                }
            }
        }
    }

    pub fn load(&mut self, expr: &Expr<'_>) {
        match &expr.kind {
            ExprKind::Name(name) => {
                self.named.insert(*name);
            }
            ExprKind::NamedExpr { target, .. } => {
                self.walruses = true;
                self.named.insert(*target);
                self.stored.insert(*target);
            }
            ExprKind::Lambda(lambda) => self.mentioned.extend(&lambda.mentions),
            ExprKind::Comprehension { mentions, binds, .. } => {
                self.mentioned.extend(mentions);
                self.stored.extend(binds);
            }
            ExprKind::Opaque { why, binds } => {
                self.refuse(*why);
                self.stored.extend(binds);
            }
            _ => {}
        }
        each_operand(expr, &mut |operand| self.load(operand));
    }

    fn store(&mut self, target: &Expr<'_>) {
        match &target.kind {
            ExprKind::Name(name) => {
                self.named.insert(*name);
                self.stored.insert(*name);
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|item| self.store(item)),
            ExprKind::Starred(item) => self.store(item),
            _ => self.load(target),
        }
    }

    fn delete(&mut self, target: &Expr<'_>) {
        match &target.kind {
            ExprKind::Name(name) => {
                self.named.insert(*name);
                self.deleted.insert(*name);
            }
            ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|item| self.delete(item)),
            _ => self.load(target),
        }
    }
}

/// Calls `f` for the expressions right inside of an expression, in the order of their evaluation.
pub fn each_operand<'t, 'py>(expr: &'t Expr<'py>, f: &mut dyn FnMut(&'t Expr<'py>)) {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::Name(_) | ExprKind::Opaque { .. } => {}
        ExprKind::NamedExpr { value: operand, .. }
        | ExprKind::Unary { operand, .. }
        | ExprKind::Comprehension { iter: operand, .. }
        | ExprKind::Starred(operand)
        | ExprKind::Attribute { value: operand, .. } => f(operand),
        ExprKind::Lambda(lambda) => {
            lambda.defaults.iter().chain(lambda.keyword_defaults.iter().map(|(_, e)| e)).for_each(f);
        }
        ExprKind::Binary { left, right, .. } => [left, right].into_iter().for_each(|e| f(e)),
        ExprKind::Subscript { value, slice } => [value, slice].into_iter().for_each(|e| f(e)),
        ExprKind::IfExp { test, body, orelse } => [test, body, orelse].into_iter().for_each(|e| f(e)),
        ExprKind::Compare { left, rest } => {
            f(left);
            rest.iter().for_each(|(_, e)| f(e));
        }
        ExprKind::Call { func, args, keywords } => {
            f(func);
            args.iter().chain(keywords.iter().map(|(_, e)| e)).for_each(f);
        }
        ExprKind::Formatted { value, spec, .. } => {
            f(value);
            spec.iter().for_each(|e| f(e));
        }
        ExprKind::Slice(bounds) => bounds.iter().flatten().for_each(|e| f(e)),
        ExprKind::BoolOp { values: items, .. }
        | ExprKind::JoinedStr(items)
        | ExprKind::Tuple(items)
        | ExprKind::List(items)
        | ExprKind::Set(items) => items.iter().for_each(f),
        ExprKind::Dict(items) => items.iter().flat_map(|(key, value)| key.iter().chain([value])).for_each(f),
    }
}
