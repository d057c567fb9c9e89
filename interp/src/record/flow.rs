//! Where control goes in region code, and which variables matter there.
//!
//! Jumps go forward and loops nest, so one pass from the end finds what every instruction leads to: for the turns of a
//! loop, everything that ends a turn (the way back, and all ways out) is one place, [`END`]. The first instruction all
//! paths from a branch meet at is then where its two sides are put together again.

use crate::bytecode::{Catch, Code, Handler, Op, Reg, Target};

/// Registers, then globals by name, then cells.
pub type Var = usize;

/// The end of a turn.
pub const END: Target = Target::MAX;

/// The variables of a region.
#[derive(Clone, Copy)]
pub struct Vars {
    pub registers: usize,
    pub locals: usize,
    names: usize,
    cells: usize,
}

/// What a variable is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    Register(usize),
    Global(u16),
    Cell(u16),
}

impl Vars {
    pub fn new(code: &Code) -> Vars {
        Vars {
            registers: code.registers,
            locals: code.locals,
            names: code.names.len(),
            cells: code.boundary.cells.len(),
        }
    }
    pub fn count(self) -> usize {
        self.registers + self.names + self.cells
    }
    pub fn global(self, name: u16) -> Var {
        self.registers + usize::from(name)
    }
    pub fn cell(self, cell: u16) -> Var {
        self.registers + self.names + usize::from(cell)
    }
    pub fn place(self, var: Var) -> Place {
        if var < self.registers {
            Place::Register(var)
        } else if var < self.registers + self.names {
            Place::Global((var - self.registers) as u16)
        } else {
            Place::Cell((var - self.registers - self.names) as u16)
        }
    }
    /// Whether it dies by itself: nobody but the region's code can see it.
    pub fn is_temporary(self, var: Var) -> bool {
        (self.locals..self.registers).contains(&var)
    }
}

/// Variables an instruction reads, and those it writes (or kills).
pub fn effects(code: &Code, vars: Vars, op: Op, reads: &mut Vec<Var>, writes: &mut Vec<Var>) {
    let some = |r: Reg| (r != Op::NONE).then_some(usize::from(r));
    let span = |first: Reg, count: u16| usize::from(first)..usize::from(first) + usize::from(count);
    match op {
        Op::Const { dst, .. } => writes.push(dst.into()),
        Op::Move { dst, src } => {
            reads.push(src.into());
            writes.push(dst.into());
        }
        Op::Kill { first, count } => writes.extend(span(first, count)),
        Op::CheckBound { reg, .. } => reads.push(reg.into()),
        Op::LoadGlobal { dst, name } => {
            reads.push(vars.global(name));
            writes.push(dst.into());
        }
        Op::StoreGlobal { name, src } => {
            reads.push(src.into());
            writes.push(vars.global(name));
        }
        Op::DeleteGlobal { name } => writes.push(vars.global(name)),
        Op::LoadCell { dst, cell } => {
            reads.push(vars.cell(cell));
            writes.push(dst.into());
        }
        Op::StoreCell { cell, src } => {
            reads.push(src.into());
            writes.push(vars.cell(cell));
        }
        Op::Unary { dst, a, .. } => {
            reads.push(a.into());
            writes.push(dst.into());
        }
        Op::Binary { dst, a, b, .. } | Op::InPlace { dst, a, b, .. } | Op::Compare { dst, a, b, .. } => {
            reads.extend([usize::from(a), usize::from(b)]);
            writes.push(dst.into());
        }
        Op::DeleteCell { cell } => writes.push(vars.cell(cell)),
        Op::Jump { .. } | Op::Loop { .. } | Op::Back { .. } | Op::Settle | Op::End => {}
        Op::JumpIf { cond, .. } => reads.push(cond.into()),
        Op::GetIter { dst, src } | Op::Iter { dst, src } | Op::ToTuple { dst, src } => {
            reads.push(src.into());
            writes.push(dst.into());
        }
        Op::Next { dst, iter, .. } => {
            reads.push(iter.into());
            writes.extend([usize::from(dst), usize::from(iter)]);
        }
        Op::LoadAttr { dst, obj, .. } => {
            reads.push(obj.into());
            writes.push(dst.into());
        }
        Op::StoreAttr { obj, src, .. } => reads.extend([usize::from(obj), usize::from(src)]),
        Op::DeleteAttr { obj, .. } => reads.push(obj.into()),
        Op::LoadItem { dst, obj, key } => {
            reads.extend([usize::from(obj), usize::from(key)]);
            writes.push(dst.into());
        }
        Op::StoreItem { obj, key, src } => {
            reads.extend([usize::from(obj), usize::from(key), usize::from(src)]);
        }
        Op::DeleteItem { obj, key } => reads.extend([usize::from(obj), usize::from(key)]),
        Op::Tuple { dst, first, count }
        | Op::List { dst, first, count }
        | Op::Set { dst, first, count }
        | Op::Join { dst, first, count } => {
            reads.extend(span(first, count));
            writes.push(dst.into());
        }
        Op::Dict { dst, first, count } => {
            reads.extend(span(first, 2 * count));
            writes.push(dst.into());
        }
        Op::Slice { dst, first } => {
            reads.extend(span(first, 3));
            writes.push(dst.into());
        }
        Op::Format { dst, src, spec, .. } => {
            reads.extend([usize::from(src), usize::from(spec)]);
            writes.push(dst.into());
        }
        Op::Append { list: to, src } | Op::Extend { to, src } => {
            reads.extend([usize::from(to), usize::from(src)]);
        }
        Op::Merge { dict, src, func } => {
            reads.extend([usize::from(dict), usize::from(src)].into_iter().chain(some(func)));
        }
        Op::UnpackRest { src, first, before, after } => {
            reads.push(src.into());
            writes.extend(span(first, before + 1 + after));
        }
        Op::Function { dst, defaults, keywords, .. } => {
            reads.extend(some(defaults).into_iter().chain(some(keywords)));
            writes.push(dst.into());
        }
        Op::CallUnpacked { dst, first, keywords } => {
            reads.extend(span(first, 2 + u16::from(keywords)));
            writes.push(dst.into());
        }
        Op::Enter { dst, src } => {
            reads.push(src.into());
            writes.extend(span(dst, 2));
        }
        Op::ExitWith { dst, exit: a, exc: b } | Op::Matches { dst, exc: a, kind: b } => {
            reads.extend([usize::from(a), usize::from(b)]);
            writes.push(dst.into());
        }
        Op::Handled { saved: reg } | Op::Reraise { exc: reg } => reads.push(reg.into()),
        Op::Unpack { src, first, count } => {
            reads.push(src.into());
            writes.extend(span(first, count));
        }
        Op::Call { dst, first, positional, keywords } => {
            let names = if keywords == Op::NO_KEYWORDS { 0 } else { keyword_count(code, keywords) };
            reads.extend(span(first, 1 + positional + names));
            writes.push(dst.into());
        }
        Op::Raise { exc, cause } => reads.extend(some(exc).into_iter().chain(some(cause))),
        Op::AssertionFailed { message } => reads.extend(some(message)),
        Op::Return { src } => reads.push(src.into()),
    }
}

/// How many names a constant tuple of keywords has.
fn keyword_count(code: &Code, index: u16) -> u16 {
    // SAFETY: the front end makes the constant a tuple, which lives as long as the code; a size is read.
    let n = unsafe { pyo3::ffi::PyTuple_GET_SIZE(code.consts[usize::from(index)].as_ptr()) };
    u16::try_from(n).unwrap_or(0)
}

/// Facts about a region's code.
pub struct Flow {
    pub vars: Vars,
    /// Of each instruction, which variables are read later before they are written.
    live: Vec<Vec<u64>>,
}

impl Flow {
    pub fn new(code: &Code) -> Flow {
        let vars = Vars::new(code);
        let words = vars.count().div_ceil(64);
        let mut live = vec![vec![0u64; words]; code.ops.len() + 1];
        let (mut reads, mut writes) = (vec![], vec![]);
        // What a loop needs at its head is needed at its ends: once more for every level of nesting.
        loop {
            let mut changed = false;
            for (pc, &op) in code.ops.iter().enumerate().rev() {
                let mut set = vec![0u64; words];
                each_successor(code, pc as Target, op, |to| {
                    set.iter_mut().zip(&live[to as usize]).for_each(|(a, b)| *a |= b);
                });
                reads.clear();
                writes.clear();
                effects(code, vars, op, &mut reads, &mut writes);
                writes.iter().for_each(|v| set[v / 64] &= !(1 << (v % 64)));
                // An instruction that raises has not written, and the exception and what it displaces come anew.
                each_handler(code, pc, |catch| match catch {
                    Catch::Handle { to, exc } | Catch::Clean { to, exc } => {
                        let there = &live[to as usize];
                        let new = usize::from(exc)..vars.registers;
                        let read = |v: usize| there[v / 64] & (1 << (v % 64)) != 0;
                        (0..vars.count())
                            .filter(|v| !new.contains(v) && read(*v))
                            .for_each(|v| set[v / 64] |= 1 << (v % 64));
                    }
                    Catch::Restore { saved } => set[usize::from(saved) / 64] |= 1 << (saved % 64),
                });
                reads.iter().for_each(|v| set[v / 64] |= 1 << (v % 64));
                if set != live[pc] {
                    live[pc] = set;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        Flow { vars, live }
    }
    /// Whether a variable is read at or after an instruction, before it is written.
    pub fn is_read(&self, pc: Target, var: Var) -> bool {
        self.live[pc as usize][var / 64] & (1 << (var % 64)) != 0
    }
    /// Whether a variable's value at an instruction matters. All but temporaries do: whoever catches an exception may look.
    pub fn matters(&self, pc: Target, var: Var) -> bool {
        !self.vars.is_temporary(var) || self.is_read(pc, var)
    }
    /// Variables written between two instructions.
    pub fn written(&self, code: &Code, from: Target, to: Target) -> Vec<Var> {
        let (mut reads, mut writes) = (vec![], vec![]);
        for &op in &code.ops[from as usize..to as usize] {
            effects(code, self.vars, op, &mut reads, &mut writes);
        }
        writes.sort_unstable();
        writes.dedup();
        writes
    }
}

/// What happens to an exception that an instruction raises, up to where it is caught.
fn each_handler(code: &Code, pc: usize, mut f: impl FnMut(Catch)) {
    let mut next = code.handler(pc);
    while let Some(index) = next {
        let Handler { catch, outer } = code.handlers[usize::from(index)];
        f(catch);
        next = if matches!(catch, Catch::Restore { .. }) { outer } else { None };
    }
}

/// Where an instruction may go on.
fn each_successor(code: &Code, pc: Target, op: Op, mut f: impl FnMut(Target)) {
    match op {
        Op::Jump { to } => f(to),
        Op::JumpIf { to, .. } => {
            f(pc + 1);
            f(to);
        }
        Op::Back { index } => f(code.loops[usize::from(index)].head),
        Op::Next { done, .. } => {
            f(pc + 1);
            f(done);
        }
        Op::Return { .. } | Op::End | Op::Raise { .. } | Op::Reraise { .. } | Op::AssertionFailed { .. } => {}
        _ => f(pc + 1),
    }
}

/// Where the paths through a turn of a loop meet.
pub struct Turn {
    head: Target,
    /// Of each instruction from the head on, the next one that all paths go through; `None` if no path ends the turn.
    next: Vec<Option<Target>>,
}

impl Turn {
    /// `alive` tells whether a branch was ever taken (jumping or not).
    pub fn new(code: &Code, head: Target, end: Target, alive: impl Fn(Target, bool) -> bool) -> Turn {
        let mut next: Vec<Option<Target>> = vec![None; (end - head) as usize];
        let own = code.loops.iter().position(|l| l.head == head);
        for pc in (head..end).rev() {
            let op = code.ops[pc as usize];
            let mut found: Option<Option<Target>> = None;
            let mut meet = |next: &[Option<Target>], to: Target| {
                let inside = to > pc && to < end;
                if inside && next[(to - head) as usize].is_none() && !ends_turn(code, to, own) {
                    return;
                }
                let to = if inside { to } else { END };
                found = Some(match found {
                    None => Some(to),
                    Some(other) => common(next, head, other, Some(to)),
                });
            };
            match op {
                Op::Back { index } if Some(usize::from(index)) == own => meet(&next, END),
                // The way back of an inner loop leads nowhere new.
                Op::Back { .. } | Op::Raise { .. } | Op::Reraise { .. } | Op::AssertionFailed { .. } => {}
                Op::Return { .. } | Op::End => meet(&next, END),
                Op::JumpIf { to, .. } => {
                    if alive(pc, false) {
                        meet(&next, pc + 1);
                    }
                    if alive(pc, true) {
                        meet(&next, to);
                    }
                }
                op => each_successor(code, pc, op, |to| meet(&next, to)),
            }
            next[(pc - head) as usize] = found.flatten();
        }
        Turn { head, next }
    }
    /// Where the sides of a branch meet again.
    pub fn join(&self, pc: Target) -> Target {
        self.next[(pc - self.head) as usize].unwrap_or(END)
    }
    /// Where paths from two places meet.
    pub fn meet(&self, a: Target, b: Target, end: Target) -> Target {
        let inside = |t: Target| if t < end && t >= self.head { t } else { END };
        common(&self.next, self.head, Some(inside(a)), Some(inside(b))).unwrap_or(END)
    }
    /// Whether no path from here ends the turn.
    pub fn is_dead(&self, pc: Target) -> bool {
        let index = (pc.wrapping_sub(self.head)) as usize;
        self.next.get(index).is_some_and(Option::is_none)
    }
}

fn ends_turn(code: &Code, pc: Target, own: Option<usize>) -> bool {
    match code.ops[pc as usize] {
        Op::Back { index } => Some(usize::from(index)) == own,
        Op::Return { .. } | Op::End => true,
        _ => false,
    }
}

/// The first place both chains go through.
fn common(next: &[Option<Target>], head: Target, a: Option<Target>, b: Option<Target>) -> Option<Target> {
    let (mut a, mut b) = (a?, b?);
    while a != b {
        let low = if a < b { &mut a } else { &mut b };
        if *low == END {
            return Some(END);
        }
        *low = next.get((*low - head) as usize).copied().flatten().unwrap_or(END);
    }
    Some(a)
}
