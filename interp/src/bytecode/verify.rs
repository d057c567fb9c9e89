//! Whether code keeps to its own tables.
//!
//! The VM indexes registers, names and constants by what instructions say. It is checked once, when an entry is made, so
//! that a slip of the front end is an error message with the instruction in it instead of a panic in the middle of a loop.

use super::{Catch, Code, Op, Reg, Target};

impl Code {
    /// # Errors
    /// What is wrong, and where.
    pub fn verify(&self) -> Result<(), String> {
        let n = self.ops.len();
        if self.at.len() != n || self.profile.len() != n {
            return Err("tables of different lengths".to_owned());
        }
        if self.at.iter().any(|&p| p as usize >= self.positions.len()) {
            return Err("a position that is not there".to_owned());
        }
        let boundary = &self.boundary;
        let locals =
            boundary.inputs.iter().chain(&boundary.rebound).chain(boundary.outputs.iter().map(|(r, _)| r));
        for &reg in locals {
            if usize::from(reg) >= self.locals || self.locals > self.registers {
                return Err(format!("r{reg} crosses the boundary and is not a local"));
            }
        }
        let names = boundary.outputs.iter().map(|(_, name)| name).chain(&boundary.cells);
        if names.into_iter().any(|&name| usize::from(name) >= self.names.len()) {
            return Err("a name of the boundary that is not there".to_owned());
        }
        if let Some(outer) = boundary.outer
            && (usize::from(outer.index) >= self.loops.len()
                || outer.iter.is_some_and(|r| usize::from(r) >= self.registers))
        {
            return Err("an outermost loop that is not there".to_owned());
        }
        self.verify_handlers()?;
        for (pc, op) in self.ops.iter().enumerate() {
            self.verify_op(pc, op).map_err(|what| format!("{pc}: {op}: {what}"))?;
        }
        match self.ops.last() {
            Some(
                Op::End
                | Op::Jump { .. }
                | Op::Back { .. }
                | Op::Return { .. }
                | Op::Raise { .. }
                | Op::Reraise { .. }
                | Op::AssertionFailed { .. },
            ) => Ok(()),
            _ => Err("control runs off the end".to_owned()),
        }
    }

    fn verify_handlers(&self) -> Result<(), String> {
        if !self.handled.is_empty() && self.handled.len() != self.ops.len() {
            return Err("handlers of another number of instructions".to_owned());
        }
        let mut used = self.handled.iter().filter(|&&index| index != Code::UNHANDLED);
        if used.any(|&index| usize::from(index) >= self.handlers.len()) {
            return Err("a handler that is not there".to_owned());
        }
        for (index, handler) in self.handlers.iter().enumerate() {
            let fits = match handler.catch {
                Catch::Handle { to, exc } | Catch::Clean { to, exc } => {
                    (to as usize) < self.ops.len()
                        && usize::from(exc) >= self.locals
                        && usize::from(exc) + 1 < self.registers
                }
                Catch::Restore { saved } => usize::from(saved) < self.registers,
            };
            if !fits || handler.outer.is_some_and(|outer| usize::from(outer) >= index) {
                return Err(format!("handler {index} leads nowhere"));
            }
        }
        for function in &self.functions {
            let cells = self.boundary.cells.len();
            if usize::from(function.code) >= self.consts.len()
                || function.closure.iter().any(|&cell| usize::from(cell) >= cells)
            {
                return Err("a function of what is not there".to_owned());
            }
        }
        Ok(())
    }

    fn verify_op(&self, pc: usize, op: &Op) -> Result<(), &'static str> {
        let ok = |condition: bool, what: &'static str| if condition { Ok(()) } else { Err(what) };
        let reg = |r: Reg| ok(usize::from(r) < self.registers, "no such register");
        let regs = |first: Reg, count: usize| {
            ok(usize::from(first) + count <= self.registers, "registers that are not there")
        };
        let optional = |r: Reg| if r == Op::NONE { Ok(()) } else { reg(r) };
        let name = |i: u16| ok(usize::from(i) < self.names.len(), "no such name");
        let cell = |i: u16| ok(usize::from(i) < self.boundary.cells.len(), "no such cell");
        let constant = |i: u16| ok(usize::from(i) < self.consts.len(), "no such constant");
        let forward = |to: Target| {
            ok(to as usize > pc && (to as usize) < self.ops.len(), "a jump that doesn't go forward")
        };
        match *op {
            Op::Const { dst, index } => reg(dst).and(constant(index)),
            Op::Move { dst, src }
            | Op::GetIter { dst, src }
            | Op::Iter { dst, src }
            | Op::ToTuple { dst, src } => reg(dst).and(reg(src)),
            Op::DeleteCell { cell: c } => cell(c),
            Op::Kill { first, count } => regs(first, count.into()),
            Op::CheckBound { reg: r, name: n } => reg(r).and(name(n)),
            Op::LoadGlobal { dst: r, name: n } | Op::StoreGlobal { name: n, src: r } => reg(r).and(name(n)),
            Op::DeleteGlobal { name: n } => name(n),
            Op::LoadCell { dst: r, cell: c } | Op::StoreCell { cell: c, src: r } => reg(r).and(cell(c)),
            Op::Unary { dst, a, .. } => reg(dst).and(reg(a)),
            Op::Binary { dst, a, b, .. } | Op::InPlace { dst, a, b, .. } | Op::Compare { dst, a, b, .. } => {
                reg(dst).and(reg(a)).and(reg(b))
            }
            Op::Jump { to } => forward(to),
            Op::JumpIf { cond, to, .. } => reg(cond).and(forward(to)),
            Op::Loop { index } => {
                let head = self.loops.get(usize::from(index)).map(|l| l.head as usize);
                ok(head == Some(pc), "not the head of its loop")
            }
            Op::Back { index } => {
                let known = self.loops.get(usize::from(index));
                ok(
                    known.is_some_and(|l| (l.head as usize) < pc && pc < l.end as usize),
                    "outside of its loop",
                )
            }
            Op::Next { dst, iter, done } => reg(dst).and(reg(iter)).and(forward(done)),
            Op::LoadAttr { dst: r, obj, name: n } | Op::StoreAttr { obj, name: n, src: r } => {
                reg(r).and(reg(obj)).and(name(n))
            }
            Op::DeleteAttr { obj, name: n } => reg(obj).and(name(n)),
            Op::LoadItem { dst: r, obj, key } | Op::StoreItem { obj, key, src: r } => {
                reg(r).and(reg(obj)).and(reg(key))
            }
            Op::DeleteItem { obj, key } => reg(obj).and(reg(key)),
            Op::Tuple { dst, first, count }
            | Op::List { dst, first, count }
            | Op::Set { dst, first, count }
            | Op::Join { dst, first, count } => reg(dst).and(regs(first, count.into())),
            Op::Dict { dst, first, count } => reg(dst).and(regs(first, 2 * usize::from(count))),
            Op::Slice { dst, first } => reg(dst).and(regs(first, 3)),
            Op::Format { dst, src, spec, conversion } => reg(dst)
                .and(reg(src))
                .and(reg(spec))
                .and(ok(matches!(conversion, 0 | b's' | b'r' | b'a'), "no such conversion")),
            Op::Append { list: to, src } | Op::Extend { to, src } => reg(to).and(reg(src)),
            Op::Merge { dict, src, func } => reg(dict).and(reg(src)).and(optional(func)),
            Op::UnpackRest { src, first, before, after } => {
                reg(src).and(regs(first, usize::from(before) + 1 + usize::from(after)))
            }
            Op::Function { dst, index, defaults, keywords } => reg(dst)
                .and(optional(defaults))
                .and(optional(keywords))
                .and(ok(usize::from(index) < self.functions.len(), "no such function")),
            Op::CallUnpacked { dst, first, keywords } => reg(dst).and(regs(first, 2 + usize::from(keywords))),
            Op::Enter { dst, src } => reg(src).and(regs(dst, 2)),
            Op::ExitWith { dst, exit: a, exc: b } => reg(dst).and(reg(a)).and(reg(b)),
            Op::Matches { dst, exc: a, kind: b } => reg(dst).and(reg(a)).and(reg(b)),
            Op::Handled { saved } => reg(saved),
            Op::Reraise { exc } => reg(exc),
            Op::Unpack { src, first, count } => reg(src).and(regs(first, count.into())),
            Op::Call { dst, first, positional, keywords } => {
                let named = if keywords == Op::NO_KEYWORDS {
                    0
                } else {
                    constant(keywords)?;
                    // SAFETY: constants are objects the code owns. Only a tuple is asked for its size, which never changes.
                    unsafe {
                        let names = self.consts[usize::from(keywords)].as_ptr();
                        ok(pyo3::ffi::PyTuple_CheckExact(names) != 0, "keywords are not a tuple")?;
                        pyo3::ffi::PyTuple_GET_SIZE(names) as usize
                    }
                };
                reg(dst).and(regs(first, 1 + usize::from(positional) + named))
            }
            Op::Raise { exc, cause } => optional(exc).and(optional(cause)),
            Op::AssertionFailed { message } => optional(message),
            Op::Return { src } => reg(src),
            Op::Settle | Op::End => Ok(()),
        }
    }
}
