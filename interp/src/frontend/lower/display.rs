//! Displays and argument lists with `*` and `**` in them.
//!
//! Up to the first star, items are collected in registers; then a list, set or dict is there that grows.

use super::{Lowered, Lowerer};
use crate::bytecode::{Op, Position, Reg};
use crate::frontend::tree::{Expr, ExprKind, Name};

/// What a display makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    Tuple,
    List,
    Set,
}

impl<'py> Lowerer<'_, 'py> {
    pub(super) fn display(&mut self, what: Display, items: &[Expr<'py>], at: Position) -> Lowered<()> {
        let base = self.top;
        let Some(stars) = items.iter().position(|item| matches!(item.kind, ExprKind::Starred(_))) else {
            let op = |dst: Reg, count: u16| match what {
                Display::Tuple => Op::Tuple { dst, first: dst, count },
                Display::List => Op::List { dst, first: dst, count },
                Display::Set => Op::Set { dst, first: dst, count },
            };
            return self.window(items, op, at);
        };
        let (first, rest) = items.split_at(stars);
        let op = |dst: Reg, count: u16| match what {
            Display::Set => Op::Set { dst, first: dst, count },
            _ => Op::List { dst, first: dst, count },
        };
        self.window(first, op, at)?;
        for item in rest {
            let src = match &item.kind {
                ExprKind::Starred(items) => self.operand(items)?,
                _ => self.operand(item)?,
            };
            self.emit(
                match item.kind {
                    ExprKind::Starred(_) => Op::Extend { to: base, src },
                    _ => Op::Append { list: base, src },
                },
                at,
            );
            self.top = base + 1;
        }
        if what == Display::Tuple {
            self.result(base, |dst| Op::ToTuple { dst, src: base }, at);
        }
        Ok(())
    }

    pub(super) fn dict(&mut self, items: &[(Option<Expr<'py>>, Expr<'py>)], at: Position) -> Lowered<()> {
        let items: Vec<_> = items.iter().map(|(key, value)| (key.as_ref().map(Key::Of), value)).collect();
        self.merged(&items, Op::NONE, at)
    }

    /// A call with stars. The callee is in the register below.
    pub(super) fn call_unpacked(
        &mut self,
        first: Reg,
        args: &[Expr<'py>],
        keywords: &[(Option<Name>, Expr<'py>)],
        at: Position,
    ) -> Lowered<()> {
        match args {
            [Expr { kind: ExprKind::Starred(items), .. }] => _ = self.temporary(items)?,
            args => self.display(Display::Tuple, args, at)?,
        }
        if !keywords.is_empty() {
            let named: Vec<_> = keywords.iter().map(|(name, value)| (name.map(Key::Named), value)).collect();
            self.merged(&named, first, at)?;
        }
        let keywords = !keywords.is_empty();
        self.result(first, |dst| Op::CallUnpacked { dst, first, keywords }, at);
        Ok(())
    }

    /// A dict of pairs, and of mappings where there is no key.
    fn merged(
        &mut self,
        items: &[(Option<Key<'_, 'py>>, &Expr<'py>)],
        func: Reg,
        at: Position,
    ) -> Lowered<()> {
        let base = self.top;
        let mut rest = items;
        let mut begun = false;
        while !rest.is_empty() || !begun {
            let pairs = rest.iter().take_while(|(key, _)| key.is_some()).count();
            if pairs > 0 || !begun {
                let first = self.top;
                for (key, value) in &rest[..pairs] {
                    match key {
                        Some(Key::Of(key)) => _ = self.temporary(key)?,
                        Some(Key::Named(name)) => {
                            let text = pyo3::types::PyString::intern(self.py, self.texts.text(*name));
                            self.load_constant(&text.into_any(), at);
                        }
                        None => {}
                    }
                    self.temporary(value)?;
                }
                let count = self.index(pairs);
                self.result(first, |dst| Op::Dict { dst, first, count }, at);
                if begun {
                    self.emit(Op::Merge { dict: base, src: first, func }, at);
                    self.top = base + 1;
                }
                begun = true;
            }
            rest = &rest[pairs..];
            if let Some(((None, value), others)) = rest.split_first() {
                let src = self.operand(value)?;
                self.emit(Op::Merge { dict: base, src, func }, at);
                self.top = base + 1;
                rest = others;
            }
        }
        Ok(())
    }
}

/// The key of an item: an expression, or a name as it stands.
#[derive(Clone, Copy)]
enum Key<'e, 'py> {
    Of(&'e Expr<'py>),
    Named(Name),
}
