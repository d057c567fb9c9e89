//! The walk: from the head of a hot loop, once over its code and that of the loops inside, by kinds instead of values.
//!
//! Not one path is recorded but the structure: a branch whose sides were both taken becomes an `if` that ends where the
//! sides meet, a side nobody took becomes a guard, an inner loop a loop. A turn of a loop ends in several ways (the way
//! back, a `break`, a `return`); where a branch decides between them, its sides reach to the end of the turn and give a
//! number that says how it ended.
//!
//! What variables hold where paths meet is known only when all of these paths were walked. So the walk begins with what
//! the first path says, notes where another one says more ([`Hints`]), and is then done again, until nothing is learnt.
//! A walk takes microseconds, and nothing that was emitted ever has to be taken back.
//!
//! Every loop of a trace is counted. A `while` loop counts turns up to a budget, and a `for` loop gets an end that may
//! come before its own: that is how compiled code comes back in time for signals and other threads.

use std::collections::{HashMap, HashSet};

use jit::ir::{Binary, Builder, Cond, Const, Overflow, Range, Scalar, Trace, Unary, Value};
use pyo3::Python;

use super::abort::Abort;
use super::entry::Entry;
use super::exit::{Leave, Slots, State, Why};
use super::flow::{END, Flow, Turn, Var};
use super::iterate::Iteration;
use super::kind::{Abs, ENTRY, FLOAT, INT, Kind, NP, OTHER, Shape, Step, Tag, UNBOUND, Val, flavor_of};
use crate::bytecode::{Code, Op, Region, Target};
use crate::vm::Frame;

type Result<T> = std::result::Result<T, Abort>;

/// Instructions of a trace that is worth compiling.
const LIMIT: usize = 6000;
/// Walks until kinds must have settled.
const WALKS: usize = 16;
/// Turns of an inner loop in one go.
const INNER_TURNS: i64 = 1 << 24;

/// What earlier runs of compiled code taught.
#[derive(Default, Clone)]
pub struct Learnt {
    /// Instructions where an index was negative.
    pub negatives: HashSet<Target>,
    /// There are infinities or NaN among the data.
    pub not_finite: bool,
}

/// What earlier walks learnt.
#[derive(Default)]
pub struct Hints {
    /// Of the head of a loop, or of a branch: shapes of variables where paths meet.
    shapes: HashMap<(u64, Target, Target), Meeting>,
    /// Whether this walk learnt something.
    learnt: bool,
}

#[derive(Default, Clone)]
struct Meeting {
    shapes: Vec<(Var, Shape)>,
    /// Whether the sides end the turn in different ways.
    code: bool,
}

/// How a path ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Path {
    /// At the place it was to go to.
    Joined,
    /// The turn is over. 0 is the way back, others count ways out of the loop.
    Turn(Value),
    /// By an exit.
    Dead,
}

/// A loop being walked.
pub struct Around {
    head: Target,
    end: Target,
    turn: Turn,
    /// Where it was left to; the code of a way out is its index and 1.
    leaves: Vec<Target>,
    carried: Vec<(Var, Shape)>,
}

impl Around {
    /// The body of a function, whose one turn ends where it returns.
    pub fn of_body(end: Target, turn: Turn) -> Around {
        Around { head: 0, end, turn, leaves: vec![], carried: vec![] }
    }
}

/// A function that was walked into: what the walk goes back to, and what belongs to the function.
pub struct Callee<'a> {
    pub code: &'a Code,
    pub flow: &'a Flow,
    pub vars: Vec<Abs>,
    pub pc: Target,
    pub depth: usize,
    pub context: u64,
    pub code_object: *mut pyo3::ffi::PyObject,
    pub globals: *mut pyo3::ffi::PyObject,
}

pub struct Walker<'a, 'py> {
    pub py: Python<'py>,
    pub code: &'a Code,
    pub flow: &'a Flow,
    pub b: Builder,
    pub entry: Entry<'a, 'py>,
    hints: &'a mut Hints,
    pub vars: Vec<Abs>,
    pub around: Vec<Around>,
    pub calls: Vec<Callee<'a>>,
    /// The state in front of the outermost call that is being walked into.
    pub at_call: Option<(usize, Vec<Value>)>,
    /// Tells walks into the same function apart.
    pub context: u64,
    /// The instruction being walked.
    pub pc: Target,
    /// How deep in branches.
    pub depth: usize,
    pub states: Vec<State>,
    pub leaves: Vec<Leave>,
    /// The state in front of this instruction, once somebody asked.
    here: Option<(usize, Vec<Value>)>,
    /// The state in front of the first of the operations whose results are not checked yet, and these results.
    saved: Option<(usize, Vec<Value>)>,
    unchecked: Vec<Value>,
    /// Whether the trace writes memory.
    pub stores: bool,
    pub learnt: &'a Learnt,
}

/// What a walk makes.
pub struct Recorded {
    pub trace: Trace,
    pub entry: super::entry::Inputs,
    pub states: Vec<State>,
    pub leaves: Vec<Leave>,
    pub stores: bool,
}

/// Walks the loop from its head with what the frame holds.
///
/// # Errors
/// Why there is no trace.
pub fn record(
    py: Python<'_>,
    frame: &Frame<'_>,
    flow: &Flow,
    index: u16,
    learnt: &Learnt,
) -> Result<Recorded> {
    let mut hints = Hints::default();
    for _ in 0..WALKS {
        hints.learnt = false;
        let code = frame.code;
        let b = Builder::new(format!("{} loop {index}", code.label));
        let mut w = Walker {
            py,
            code,
            flow,
            b,
            entry: Entry::new(py, frame, flow.vars),
            hints: &mut hints,
            vars: vec![Val::Entry.into(); flow.vars.count()],
            around: vec![],
            calls: vec![],
            at_call: None,
            context: 0,
            pc: code.loops[usize::from(index)].head,
            depth: 0,
            states: vec![],
            leaves: vec![],
            here: None,
            saved: None,
            unchecked: vec![],
            stores: false,
            learnt,
        };
        match w.outermost(index) {
            Ok(()) if !w.hints.learnt => {
                let Walker { b, entry, states, leaves, stores, .. } = w;
                return Ok(Recorded { trace: b.finish(), entry: entry.inputs, states, leaves, stores });
            }
            Ok(()) => {}
            Err(_) if w.hints.learnt => {}
            Err(e) => return Err(e),
        }
    }
    Err(Abort::Unsettled)
}

impl Walker<'_, '_> {
    /// The loop that is recorded, and the ways out behind it.
    fn outermost(&mut self, index: u16) -> Result<()> {
        let leaves = self.looped(index, true)?;
        let Some((first, others)) = leaves.split_first() else {
            let head = self.code.loops[usize::from(index)].head;
            self.leave_for_good(head, Why::Safepoint);
            return Ok(());
        };
        for &(code, to) in others {
            let k = self.b.i64(code.1);
            let is_other = self.b.compare(Cond::Ne, code.0, k);
            self.leave_unless(is_other, true, to, Why::Done, None);
        }
        self.leave_for_good(first.1, Why::Done);
        Ok(())
    }
    /// The end of the trace.
    fn leave_for_good(&mut self, to: Target, why: Why) {
        let (state, values) = self.state_at(to);
        self.leaves.push(Leave { state, why, at: to, branch: None });
        self.b.exit(self.leaves.len() as u64 - 1, values);
    }

    /// Walks a loop; gives where it may go on behind: the value of the code and what it is there, and the place.
    fn looped(&mut self, index: u16, outermost: bool) -> Result<Vec<((Value, i64), Target)>> {
        self.check();
        let l = &self.code.loops[usize::from(index)];
        let (head, end) = (l.head, l.end);
        let iter = l.iter.map(usize::from);
        let at_head = self.vars.clone();

        // What the loop changes is carried, under the shape that the paths into its head agree on.
        let mut meeting = self.hints.shapes.get(&(self.context, head, head)).cloned().unwrap_or_default();
        let mut carried: Vec<(Var, Shape)> = vec![];
        for var in self.flow.written(self.code, head, end) {
            if Some(var) == iter || !self.flow.matters(head, var) && !self.needed_behind(index, var) {
                continue;
            }
            if self.vars[var] == Val::Entry.into() && self.flow.is_read(head, var) {
                // What cannot be looked at stays as it is, until somebody needs it.
                if let Ok(abs) = self.entry.load(&mut self.b, var) {
                    self.vars[var] = abs;
                }
            }
            let own = Shape::of(&self.vars[var], &self.b);
            let known = meeting.shapes.iter().find(|(v, _)| *v == var).map(|(_, s)| s.clone());
            let shape = match known {
                Some(known) => known.join(&own)?,
                None => own,
            };
            carried.push((var, shape));
        }
        meeting.shapes = carried.clone();
        self.hints.shapes.insert((self.context, head, head), meeting);

        // The range: the loop's own, or a number of turns.
        let mut iterator = None;
        let range = match iter {
            Some(iter) => {
                let over = self.read(iter)?;
                let mut of = vec![];
                super::iterate::parts(&over.val, &mut of)?;
                let single = matches!(over.val, Val::RangeIter { .. } | Val::ArrayIter { .. });
                let (range, direct) = match of[..] {
                    [(start, end, Step::Const(step))] if single => (Range { start, end, step }, true),
                    // Turns are counted, since the counter of a loop has one constant step.
                    _ => {
                        let mut turns = self.b.i64(i64::MAX);
                        for &(next, stop, step) in &of {
                            let most = self.turns(next, stop, step);
                            turns = self.b.binary(Binary::Min, turns, most);
                        }
                        (Range { start: self.b.i64(0), end: turns, step: 1 }, false)
                    }
                };
                let end = range.end;
                let limit = if !outermost {
                    self.bound_turns(range);
                    end
                } else if direct {
                    self.entry.limit(&mut self.b, Some((range.start, end, range.step)))
                } else {
                    let most = self.entry.limit(&mut self.b, None);
                    self.b.binary(Binary::Min, end, most)
                };
                iterator = Some(Iteration { iter, over: over.val, direct, end, limit });
                Range { end: limit, ..range }
            }
            None => {
                let start = self.b.i64(0);
                let end =
                    if outermost { self.entry.limit(&mut self.b, None) } else { self.b.i64(INNER_TURNS) };
                Range { start, end, step: 1 }
            }
        };
        let mut init = vec![];
        for (var, shape) in &carried {
            let abs = self.vars[*var].clone();
            self.fit(&abs, shape, &mut init);
        }
        init.push(self.b.i64(0));
        let (counter, values) = self.b.begin_loop(Some(range), init);
        let mut values = values.into_iter();
        for (var, shape) in &carried {
            self.vars[*var] = shape.unflatten(&mut values).ok_or(Abort::Unsettled)?;
        }

        let mut pc = head + 1;
        if let (Some(it), Some(counter)) = (&iterator, counter) {
            let Op::Next { dst, .. } = self.code.ops[pc as usize] else { return Err(Abort::Iterator) };
            self.vars[it.iter] = it.passed(&mut self.b, counter).into();
            let standing = it.standing(&mut self.b, counter);
            self.vars[usize::from(dst)] = self.current_item(&standing)?;
            pc += 1;
        }
        let code = self.code;
        let turn = Turn::new(code, head, end, |pc, jumped| is_alive(code, pc, jumped));
        let depth = std::mem::replace(&mut self.depth, 0);
        self.around.push(Around { head, end, turn, leaves: vec![], carried });
        let path = self.run(pc, END);
        self.depth = depth;
        let path = match path {
            Ok(path) => path,
            Err(e) => {
                self.around.pop();
                return Err(e);
            }
        };
        self.check();
        let next = match path {
            Path::Turn(code) => {
                if self.b.trace().as_const(code).is_none_or(|c| c.bits != 0) {
                    let values = self.turn_values(code)?;
                    let zero = self.b.i64(0);
                    let ends = self.b.compare(Cond::Ne, code, zero);
                    self.b.break_if(ends, values);
                }
                let zero = self.b.i64(0);
                self.turn_values(zero)?
            }
            // No turn ends: everything leaves by a guard.
            Path::Dead | Path::Joined => self.turn_zeros(),
        };
        let Some(around) = self.around.pop() else { return Err(Abort::Unsettled) };
        let results = self.b.end_loop(next);
        let mut results = results.into_iter();
        self.vars = at_head;
        for (var, shape) in &around.carried {
            self.vars[*var] = shape.unflatten(&mut results).ok_or(Abort::Unsettled)?;
        }
        for var in self.flow.written(self.code, head, end) {
            if self.flow.vars.is_temporary(var) && !around.carried.iter().any(|(v, _)| *v == var) {
                self.vars[var] = Val::Unbound.into();
            }
        }
        let code_value = results.next().ok_or(Abort::Unsettled)?;
        self.here = None;

        // The range is done: by itself, or because time is up.
        let mut leaves: Vec<((Value, i64), Target)> =
            around.leaves.iter().enumerate().map(|(k, &to)| ((code_value, k as i64 + 1), to)).collect();
        match iterator {
            Some(it) => {
                if outermost {
                    self.vars[it.iter] = it.standing(&mut self.b, it.limit).into();
                    let complete = self.b.compare(Cond::Eq, it.limit, it.end);
                    let complete = if leaves.is_empty() {
                        complete
                    } else {
                        let zero = self.b.i64(0);
                        let broke = self.b.compare(Cond::Ne, code_value, zero);
                        self.b.binary(Binary::Or, complete, broke)
                    };
                    self.leave_unless(complete, true, head, Why::Safepoint, None);
                }
                self.vars[it.iter] = Val::Unbound.into();
                let Op::Next { done, .. } = self.code.ops[head as usize + 1] else {
                    return Err(Abort::Iterator);
                };
                leaves.insert(0, ((code_value, 0), done));
            }
            None => {
                let zero = self.b.i64(0);
                let broke = self.b.compare(Cond::Ne, code_value, zero);
                // Where no turn was the last one yet, the end is a branch nobody took.
                if !outermost || !leaves.is_empty() {
                    self.leave_unless(broke, true, head, Why::Safepoint, None);
                }
            }
        }
        Ok(leaves)
    }

    /// Whether a temporary is read where a loop is left to. Only then does it outlive a turn.
    fn needed_behind(&self, index: u16, var: Var) -> bool {
        let l = &self.code.loops[usize::from(index)];
        let is_returned = |op: &Op| matches!(op, Op::Return { src } if usize::from(*src) == var);
        self.flow.is_read(l.end, var)
            || self.code.ops[l.head as usize..l.end as usize].iter().any(is_returned)
    }

    /// Leaves the trace if an inner loop would take so many turns that nobody could stop it.
    fn bound_turns(&mut self, range: Range) {
        let Range { start, end, step } = range;
        let (low, high) = if step > 0 { (start, end) } else { (end, start) };
        let distance = self.b.binary(Binary::Sub, high, low);
        let most = self.b.i64(INNER_TURNS.saturating_mul(step.saturating_abs()));
        let few = self.b.compare(Cond::Le, distance, most);
        self.guard(few, true, Why::Safepoint);
    }

    /// How often a step fits between two numbers.
    fn turns(&mut self, next: Value, stop: Value, step: Step) -> Value {
        let (zero, one) = (self.b.i64(0), self.b.i64(1));
        let (low, high, size) = match step {
            Step::Const(n) if n < 0 => (stop, next, self.b.i64(n.saturating_neg())),
            step => (next, stop, step.value(&mut self.b)),
        };
        let distance = self.exact(Binary::Sub, high, low);
        let distance = self.b.binary(Binary::Max, distance, zero);
        if step == Step::Const(1) {
            return distance;
        }
        // Rounded up. The end and a step more is a number, so this is, too.
        let round = self.b.binary(Binary::Sub, size, one);
        let rounded = self.exact(Binary::Add, distance, round);
        self.b.binary(Binary::Div, rounded, size)
    }

    /// A path, until the place where it meets others. Ends the turn if that is [`END`].
    pub fn run(&mut self, mut pc: Target, join: Target) -> Result<Path> {
        loop {
            if pc == join {
                self.check();
                return Ok(Path::Joined);
            }
            let (head, end) = self.bounds();
            if pc >= end || pc < head {
                return Ok(self.leave(pc));
            }
            if self.b.trace().inst_count() > LIMIT {
                return Err(Abort::TooLong);
            }
            self.pc = pc;
            self.here = None;
            match self.code.ops[pc as usize] {
                Op::Jump { to } => pc = to,
                Op::Back { .. } => {
                    self.check();
                    return Ok(Path::Turn(self.b.i64(0)));
                }
                Op::Loop { index } => match self.inner(index, join)? {
                    Ok(next) => pc = next,
                    Err(path) => return Ok(path),
                },
                Op::JumpIf { cond, expected, to } => match self.branch(cond.into(), expected, to, join)? {
                    Ok(next) => pc = next,
                    Err(path) => return Ok(path),
                },
                // The body of a function ends here; a loop of it is left first.
                Op::Return { src } if self.is_body() => {
                    let result = self.read(src.into())?;
                    if let Some(last) = self.vars.last_mut() {
                        *last = result;
                    }
                    return Ok(Path::Turn(self.b.i64(0)));
                }
                Op::Return { .. } | Op::End => return Ok(self.leave(pc)),
                Op::Raise { .. } | Op::AssertionFailed { .. } => {
                    self.give_up(pc);
                    return Ok(Path::Dead);
                }
                op => match self.execute(op) {
                    Ok(()) => pc += 1,
                    // What happens on a side path is worth leaving for; what happens in every turn is not.
                    Err(e) if self.depth > 0 && e != Abort::Again && e != Abort::TooLong => {
                        self.give_up(pc);
                        return Ok(Path::Dead);
                    }
                    Err(e) => return Err(e),
                },
            }
        }
    }
    /// Whether the walk is in the body of a function, and in none of its loops.
    fn is_body(&self) -> bool {
        self.code.region == Region::Body
            && self.around.last().is_some_and(|a| a.head == 0 && a.end as usize == self.code.ops.len())
    }
    fn bounds(&self) -> (Target, Target) {
        self.around.last().map_or((0, END), |a| (a.head, a.end))
    }

    /// The VM goes on here, whatever comes.
    fn give_up(&mut self, pc: Target) {
        self.check();
        let never = self.b.constant(Const::bool(false));
        self.leave_unless(never, true, pc, Why::Vm, None);
    }

    /// The end of a turn by leaving the loop.
    fn leave(&mut self, to: Target) -> Path {
        self.check();
        let code = match self.around.last_mut() {
            Some(around) => match around.leaves.iter().position(|&t| t == to) {
                Some(k) => k + 1,
                None => {
                    around.leaves.push(to);
                    around.leaves.len()
                }
            },
            None => 0,
        };
        Path::Turn(self.b.i64(code as i64))
    }

    /// A loop inside. Goes on at one place behind it, or gives how the path ended.
    fn inner(&mut self, index: u16, join: Target) -> Result<std::result::Result<Target, Path>> {
        let leaves = self.looped(index, false)?;
        let (_, end) = self.bounds();
        let mut places: Vec<((Value, i64), Target)> = vec![];
        for leave in leaves {
            let to = leave.1;
            let returns = self.code.region != Region::Body
                && matches!(self.code.ops[to as usize], Op::Return { .. } | Op::End)
                && self.code.loops[usize::from(index)].end > to;
            let is_dead = to < end && self.around.last().is_some_and(|a| a.turn.is_dead(to));
            if returns || is_dead {
                let k = self.b.i64(leave.0.1);
                let other = self.b.compare(Cond::Ne, leave.0.0, k);
                self.leave_unless(other, true, to, Why::Done, None);
            } else {
                places.push(leave);
            }
        }
        match places[..] {
            [] => Ok(Err(Path::Dead)),
            [(_, to)] => Ok(Ok(to)),
            [(_, first), ((code, k), second)] => {
                let k = self.b.i64(k);
                let broke = self.b.compare(Cond::Eq, code, k);
                self.fork(broke, second, first, index, join)
            }
            _ => Err(Abort::Leaves),
        }
    }

    /// A branch by a register.
    fn branch(
        &mut self,
        cond: Var,
        expected: bool,
        to: Target,
        join: Target,
    ) -> Result<std::result::Result<Target, Path>> {
        let pc = self.pc;
        let abs = self.read(cond)?;
        let truth = self.truth(&abs)?;
        self.check();
        if let Some(c) = self.b.trace().as_const(truth) {
            return Ok(Ok(if (c.bits != 0) == expected { to } else { pc + 1 }));
        }
        let (jumps, stays) = (self.alive(pc, true), self.alive(pc, false));
        match (jumps, stays) {
            (false, false) => Err(Abort::NotRunYet).or_else(|e| self.abandon(e)),
            (true, false) => {
                self.leave_unless(truth, expected, pc + 1, Why::Branch, Some((pc, false)));
                Ok(Ok(to))
            }
            (false, true) => {
                self.leave_unless(truth, !expected, to, Why::Branch, Some((pc, true)));
                Ok(Ok(pc + 1))
            }
            (true, true) => {
                // Dead ends are exits.
                let around = self.around.last();
                let dead = |t: Target| around.is_some_and(|a| t < a.end && a.turn.is_dead(t));
                if dead(to) {
                    self.leave_unless(truth, !expected, to, Why::Branch, None);
                    return Ok(Ok(pc + 1));
                }
                if dead(pc + 1) {
                    self.leave_unless(truth, expected, pc + 1, Why::Branch, None);
                    return Ok(Ok(to));
                }
                let (yes, no) = if expected { (to, pc + 1) } else { (pc + 1, to) };
                self.fork(truth, yes, no, u16::MAX, join)
            }
        }
    }
    fn abandon<T>(&mut self, e: Abort) -> Result<std::result::Result<T, Path>> {
        if self.depth == 0 {
            return Err(e);
        }
        self.give_up(self.pc);
        Ok(Err(Path::Dead))
    }
    fn alive(&self, pc: Target, jumped: bool) -> bool {
        is_alive(self.code, pc, jumped)
    }

    /// Two ways, by a `bool`: `yes` and `no` are where they begin.
    fn fork(
        &mut self,
        cond: Value,
        yes: Target,
        no: Target,
        inner: u16,
        outer_join: Target,
    ) -> Result<std::result::Result<Target, Path>> {
        let at = if inner == u16::MAX { self.pc } else { self.code.loops[usize::from(inner)].head };
        let join = match self.around.last() {
            Some(a) if inner == u16::MAX => a.turn.join(at),
            Some(a) => a.turn.meet(yes, no, a.end),
            None => END,
        };
        // A side that does nothing but leave the loop.
        if join == END && self.depth == 0 {
            for (side, rest, when) in [(yes, no, true), (no, yes, false)] {
                if self.leads_out(side) {
                    let before = self.vars.clone();
                    let path = self.run(side, END)?;
                    let Path::Turn(code) = path else { return Err(Abort::Unsettled) };
                    let values = self.turn_values(code)?;
                    let cond = if when { cond } else { self.b.unary(Unary::Not, cond) };
                    self.b.break_if(cond, values);
                    self.vars = before;
                    self.here = None;
                    return Ok(Ok(rest));
                }
            }
        }
        let key = (self.context, at, if inner == u16::MAX { yes } else { END });
        let hint = self.hints.shapes.get(&key).cloned();
        let before = self.vars.clone();
        self.depth += 1;
        self.b.begin_if(cond);
        let first = self.side(yes, join);
        let first_vars = std::mem::replace(&mut self.vars, before.clone());
        let first = match first {
            Ok(path) => path,
            Err(e) => {
                self.depth -= 1;
                return Err(e);
            }
        };
        let mut values = vec![];
        if let Some(hint) = &hint {
            self.yield_side(hint, first, &first_vars, &mut values);
        }
        self.b.begin_else(values);
        let second = self.side(no, join);
        let second_vars = std::mem::replace(&mut self.vars, before.clone());
        self.depth -= 1;
        let second = second?;
        let mut values = vec![];
        if let Some(hint) = &hint {
            self.yield_side(hint, second, &second_vars, &mut values);
        }
        let results = self.b.end_if(values);
        self.here = None;

        // Whether what was assumed is what was found.
        let (found, dropped) = self.meeting(&before, join, (first, &first_vars), (second, &second_vars))?;
        let mut results = results.into_iter();
        let agreed = hint.filter(|h| {
            h.code >= found.code
                && found.shapes.iter().all(|(v, s)| {
                    h.shapes.iter().any(|(w, t)| v == w && t.join(s).is_ok_and(|joined| joined == *t))
                })
        });
        let Some(agreed) = agreed else {
            let mut merged = self.hints.shapes.remove(&key).unwrap_or_default();
            merged.code |= found.code;
            for (var, shape) in found.shapes {
                match merged.shapes.iter_mut().find(|(v, _)| *v == var) {
                    Some((_, known)) => *known = known.join(&shape)?,
                    None => merged.shapes.push((var, shape)),
                }
            }
            self.hints.shapes.insert(key, merged);
            self.hints.learnt = true;
            // On with one of the sides, to learn more; nothing of this is kept.
            let (path, vars) = if second == Path::Dead { (first, first_vars) } else { (second, second_vars) };
            self.vars = vars;
            return Ok(match path {
                Path::Joined => Ok(join),
                path => Err(path),
            });
        };
        dropped.iter().for_each(|&var| self.vars[var] = Val::Unbound.into());
        let code = if agreed.code { results.next() } else { None };
        for (var, shape) in &agreed.shapes {
            self.vars[*var] = shape.unflatten(&mut results).ok_or(Abort::Unsettled)?;
        }
        let _ = outer_join;
        Ok(match (first, second) {
            (Path::Dead, Path::Dead) => Err(Path::Dead),
            (Path::Joined, _) | (_, Path::Joined) => Ok(join),
            (Path::Turn(one), _) | (_, Path::Turn(one)) => Err(Path::Turn(match code {
                Some(code) => code,
                // The same constant on both sides; one of its own out here.
                None => {
                    let bits = self.b.trace().as_const(one).map_or(0, |c| c.bits as i64);
                    self.b.i64(bits)
                }
            })),
        })
    }

    /// One side of a branch.
    fn side(&mut self, pc: Target, join: Target) -> Result<Path> {
        self.here = None;
        let path = self.run(pc, join);
        self.check();
        path
    }

    fn yield_side(&mut self, hint: &Meeting, path: Path, vars: &[Abs], values: &mut Vec<Value>) {
        if hint.code {
            values.push(match path {
                Path::Turn(code) => code,
                _ => self.b.i64(0),
            });
        }
        for (var, shape) in &hint.shapes {
            if path == Path::Dead {
                shape.zeros(&mut self.b, values);
            } else {
                self.fit(&vars[*var], shape, values);
            }
        }
    }

    /// What two sides change, and under which shapes they meet.
    fn meeting(
        &self,
        before: &[Abs],
        join: Target,
        first: (Path, &[Abs]),
        second: (Path, &[Abs]),
    ) -> Result<(Meeting, Vec<Var>)> {
        let mut dropped = vec![];
        let constant = |v: Value| self.b.trace().as_const(v).map(|c| c.bits);
        let code = match (first.0, second.0) {
            (Path::Turn(a), Path::Turn(b)) => constant(a).is_none() || constant(a) != constant(b),
            (Path::Turn(a), _) | (_, Path::Turn(a)) => constant(a).is_none(),
            _ => false,
        };
        let mut shapes = vec![];
        let live: Vec<&[Abs]> =
            [first, second].iter().filter(|(p, _)| *p != Path::Dead).map(|(_, vars)| *vars).collect();
        for var in 0..before.len() {
            if live.iter().all(|vars| vars[var] == before[var]) {
                continue;
            }
            let mut of = live.iter().map(|vars| Shape::of(&vars[var], &self.b));
            let Some(one) = of.next() else { continue };
            let shape = match of.next() {
                Some(other) => match one.join(&other) {
                    Ok(shape) => shape,
                    // A temporary that nobody reads any more.
                    Err(_) if self.flow.vars.is_temporary(var) && !self.is_read_behind(join, var) => {
                        dropped.push(var);
                        continue;
                    }
                    Err(e) => return Err(e),
                },
                None => one,
            };
            shapes.push((var, shape));
        }
        Ok((Meeting { shapes, code }, dropped))
    }

    /// Whether a temporary is read where paths have met.
    fn is_read_behind(&self, join: Target, var: Var) -> bool {
        if join != END {
            return self.flow.is_read(join, var);
        }
        let (head, end) = self.bounds();
        let end = (end as usize).min(self.code.ops.len());
        let is_returned = |op: &Op| matches!(op, Op::Return { src } if usize::from(*src) == var);
        self.flow.is_read(end as Target, var) || self.code.ops[head as usize..end].iter().any(is_returned)
    }

    /// Whether a path goes out of the loop and does next to nothing before.
    fn leads_out(&self, mut pc: Target) -> bool {
        let (head, end) = self.bounds();
        for _ in 0..12 {
            if pc >= end || pc < head {
                return true;
            }
            match self.code.ops[pc as usize] {
                Op::Return { .. } | Op::End => return true,
                Op::Jump { to } => pc = to,
                Op::Kill { .. } | Op::Const { .. } | Op::Move { .. } | Op::StoreGlobal { .. } => pc += 1,
                _ => return false,
            }
        }
        false
    }

    /// What is carried to the end of a turn: the variables in the shapes of the loop's head, and the code.
    fn turn_values(&mut self, code: Value) -> Result<Vec<Value>> {
        let Some(around) = self.around.last_mut() else { return Err(Abort::Unsettled) };
        let mut carried = std::mem::take(&mut around.carried);
        let head = around.head;
        let mut values = vec![];
        let mut result = Ok(());
        for (var, shape) in &mut carried {
            let abs = self.vars[*var].clone();
            let own = Shape::of(&abs, &self.b);
            match shape.join(&own) {
                Ok(joined) if joined == *shape => self.fit(&abs, shape, &mut values),
                Ok(joined) => {
                    // More than the head knew; the values so far are for nothing.
                    if let Some(meeting) = self.hints.shapes.get_mut(&(self.context, head, head))
                        && let Some((_, known)) = meeting.shapes.iter_mut().find(|(v, _)| v == var)
                    {
                        match known.join(&joined) {
                            Ok(known_joined) => *known = known_joined,
                            Err(e) => result = Err(e),
                        }
                        self.hints.learnt = true;
                    }
                    shape.zeros(&mut self.b, &mut values);
                }
                Err(e) => result = Err(e),
            }
        }
        if let Some(around) = self.around.last_mut() {
            around.carried = carried;
        }
        result?;
        values.push(code);
        Ok(values)
    }
    fn turn_zeros(&mut self) -> Vec<Value> {
        let shapes: Vec<Shape> =
            self.around.last().map_or(vec![], |a| a.carried.iter().map(|(_, s)| s.clone()).collect());
        let mut values = vec![];
        shapes.iter().for_each(|s| s.zeros(&mut self.b, &mut values));
        values.push(self.b.i64(0));
        values
    }

    /// The values of something in a shape that it fits.
    fn fit(&mut self, abs: &Abs, shape: &Shape, values: &mut Vec<Value>) {
        if let (Val::Num(_, v), Kind::Num { scalar: Scalar::F64, .. } | Kind::Complex(_)) =
            (&abs.val, &shape.kind)
            && self.b.ty(*v).scalar == Scalar::I64
        {
            self.guard_exact(*v);
        }
        shape.flatten(abs, &mut self.b, values);
    }
    /// A guard that a float holds an integer exactly.
    pub fn guard_exact(&mut self, v: Value) {
        const MOST: i64 = 1 << 53;
        if let Some(c) = self.b.trace().as_const(v)
            && (c.bits as i64).unsigned_abs() <= MOST as u64
        {
            return;
        }
        let (low, high) = (self.b.i64(-MOST), self.b.i64(MOST));
        let above = self.b.compare(Cond::Ge, v, low);
        self.guard(above, true, Why::Domain);
        let below = self.b.compare(Cond::Le, v, high);
        self.guard(below, true, Why::Domain);
    }

    /// The state of the VM in front of an instruction, given what variables hold now.
    fn state_at(&mut self, pc: Target) -> (usize, Vec<Value>) {
        let mut slots = Slots::default();
        let mut writes = vec![];
        for (var, abs) in self.vars.iter().enumerate() {
            if self.flow.matters(pc, var) {
                if let Some(recipe) = slots.recipe(abs, &self.b) {
                    writes.push((var, recipe));
                }
            } else if *abs != Val::Entry.into() {
                writes.push((var, super::exit::Recipe::Unbound));
            }
        }
        self.states.push(State { pc, writes });
        (self.states.len() - 1, slots.values)
    }
    /// In front of the instruction being walked, or of the first one whose results are not checked.
    pub fn before(&mut self) -> (usize, Vec<Value>) {
        if let Some(saved) = self.saved.as_ref().or(self.at_call.as_ref()) {
            return saved.clone();
        }
        if self.here.is_none() {
            self.here = Some(self.state_at(self.pc));
        }
        self.here.clone().unwrap_or_default()
    }
    /// Leaves unless the condition is as expected; the VM then does this instruction itself.
    pub fn guard(&mut self, cond: Value, expected: bool, why: Why) {
        if self.b.trace().as_const(cond).is_some_and(|c| (c.bits != 0) == expected) {
            return;
        }
        let (state, values) = self.before();
        self.leaves.push(Leave { state, why, at: self.pc, branch: None });
        self.b.guard(cond, expected, self.leaves.len() as u64 - 1, values);
    }
    /// Leaves to another instruction.
    fn leave_unless(
        &mut self,
        cond: Value,
        expected: bool,
        to: Target,
        why: Why,
        branch: Option<(Target, bool)>,
    ) {
        if self.at_call.is_some() {
            return self.guard(cond, expected, why);
        }
        let (state, values) = self.state_at(to);
        self.leaves.push(Leave { state, why, at: self.pc, branch });
        self.b.guard(cond, expected, self.leaves.len() as u64 - 1, values);
    }

    /// Notes a result numpy would warn about if it is not finite while its operands are. If they are sums and products, which
    /// pass on what is not finite, it is checked later: one check covers all they were made of.
    pub fn must_be_finite(&mut self, result: Value, operands: &[Value], passes_on: bool) {
        if self.learnt.not_finite {
            let quiet = self.is_quiet(result, operands);
            self.guard(quiet, true, Why::NotFinite);
            return;
        }
        if self.saved.is_none() {
            self.saved = Some(self.before());
        }
        if passes_on {
            self.unchecked.retain(|v| !operands.contains(v));
        }
        self.unchecked.push(result);
    }
    /// Whether an operation with this result has nothing to report: NaN of NaN and infinity of infinity are no news.
    fn is_quiet(&mut self, result: Value, operands: &[Value]) -> Value {
        let mut quiet = self.is_finite(result);
        let nan = self.b.compare(Cond::Ne, result, result);
        let infinite = self.is_infinite(result);
        for &v in operands {
            let from_nan = self.b.compare(Cond::Ne, v, v);
            let from_infinite = self.is_infinite(v);
            for (is, was) in [(nan, from_nan), (infinite, from_infinite)] {
                let old = self.b.binary(Binary::And, is, was);
                quiet = self.b.binary(Binary::Or, quiet, old);
            }
        }
        quiet
    }
    pub fn is_infinite(&mut self, v: Value) -> Value {
        let infinity = self.infinity(v);
        let magnitude = self.b.unary(Unary::Abs, v);
        self.b.compare(Cond::Eq, magnitude, infinity)
    }
    fn infinity(&mut self, like: Value) -> Value {
        let infinity = match self.b.ty(like).scalar {
            Scalar::F32 => Const::f32(f32::INFINITY),
            _ => Const::f64(f64::INFINITY),
        };
        self.b.constant(infinity)
    }
    /// Checks what is not checked yet. Must come before anything that can be seen from outside.
    pub fn check(&mut self) {
        for v in std::mem::take(&mut self.unchecked) {
            let finite = self.is_finite(v);
            self.guard(finite, true, Why::NotFinite);
        }
        self.saved = None;
    }
    /// A guard has made sure that this is finite.
    pub fn is_checked(&mut self, v: Value) {
        self.unchecked.retain(|w| *w != v);
    }
    pub fn is_unchecked(&self, v: Value) -> bool {
        self.unchecked.contains(&v)
    }
    pub fn is_finite(&mut self, v: Value) -> Value {
        let infinity = self.infinity(v);
        let magnitude = self.b.unary(Unary::Abs, v);
        self.b.compare(Cond::Lt, magnitude, infinity)
    }

    /// What a variable holds, which must be something.
    pub fn read(&mut self, var: Var) -> Result<Abs> {
        let abs = self.vars[var].clone();
        if let Some(tag) = abs.tag {
            let absent = 1 << ENTRY | 1 << UNBOUND;
            if tag.may & absent == 0 {
                return Ok(abs);
            }
            if tag.may & !absent == 0 {
                return Err(Abort::Unbound);
            }
            let two = self.b.i64(i64::from(UNBOUND) + 1);
            let bound = self.b.compare(Cond::Ge, tag.code, two);
            self.guard(bound, true, Why::Kind);
            let narrowed = self.narrow(&abs, tag.may & !absent);
            self.vars[var] = narrowed.clone();
            return Ok(narrowed);
        }
        match abs.val {
            Val::Entry => self.entry.load(&mut self.b, var),
            Val::Unbound => Err(Abort::Unbound),
            _ => Ok(abs),
        }
    }
    /// The same with fewer possibilities, which the caller has made sure of.
    pub fn narrow(&mut self, abs: &Abs, may: u32) -> Abs {
        let Some(tag) = abs.tag else { return abs.clone() };
        if may.count_ones() != 1 {
            return Abs { val: abs.val.clone(), tag: Some(Tag { may, ..tag }) };
        }
        match (&abs.val, tag.other) {
            (Val::Num(..), Some(object)) if may == 1 << OTHER => Val::Const(object).into(),
            (Val::Num(payload, v), _) => {
                let flavor = flavor_of(may.trailing_zeros(), *payload);
                let mut v = *v;
                if self.b.ty(v).scalar != flavor.scalar() {
                    v = self.b.convert(v, flavor.scalar());
                }
                Abs::num(flavor, v)
            }
            (val, _) => val.clone().into(),
        }
    }
    /// A guard that a value with a tag is what it most likely is.
    pub fn settle(&mut self, abs: &Abs) -> Abs {
        let Some(tag) = abs.tag else { return abs.clone() };
        let code = [NP, FLOAT, INT, super::kind::BOOL, OTHER]
            .into_iter()
            .find(|c| tag.may & (1 << c) != 0)
            .unwrap_or(NP);
        let expected = self.b.i64(i64::from(code));
        let same = self.b.compare(Cond::Eq, tag.code, expected);
        self.guard(same, true, Why::Kind);
        self.narrow(abs, 1 << code)
    }

    /// Integer arithmetic that must not wrap.
    pub fn exact(&mut self, op: Binary, a: Value, b: Value) -> Value {
        let overflow = match op {
            Binary::Add => Overflow::Add,
            Binary::Sub => Overflow::Sub,
            _ => Overflow::Mul,
        };
        let wraps = self.b.overflow(overflow, a, b);
        self.guard(wraps, false, Why::Overflow);
        self.b.binary(op, a, b)
    }
}

fn is_alive(code: &Code, pc: Target, jumped: bool) -> bool {
    // CPython runs functions, so nobody has counted there.
    if code.region == Region::Body {
        return true;
    }
    let profile = &code.profile[pc as usize];
    let counter = if jumped { &profile.taken } else { &profile.passed };
    counter.load(std::sync::atomic::Ordering::Relaxed) > 0
}
