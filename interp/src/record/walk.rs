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

mod fork;
mod guards;
mod heap;
mod loops;

use std::collections::{HashMap, HashSet};

use jit::ir::{Builder, Const, Trace, Value};
use pyo3::Python;

use super::abort::Abort;
use super::entry::Entry;
use super::exit::{Leave, State, Why};
use super::flow::{END, Flow, Turn, Var};
use super::kind::{Abs, Shape, Val};
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
    /// Of the head of a loop: variables that hold arrays which the loop writes through other names.
    written: HashMap<(u64, Target), Vec<Var>>,
    /// Whether the trace is for these small extents of its arrays only.
    pub fixed: bool,
    /// Whether this walk learnt something.
    pub learnt: bool,
}

#[derive(Default, Clone)]
struct Meeting {
    shapes: Vec<(Var, Shape)>,
    /// Whether the sides end the turn in different ways.
    code: bool,
    /// Temporaries that nobody reads any more and that cannot meet. Once found here they stay out, whatever is found later.
    dropped: Vec<Var>,
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
    /// Variables the loop changes.
    written: Vec<Var>,
    /// What they held in front of it.
    before: Vec<Abs>,
}

impl Around {
    /// The body of a function, whose one turn ends where it returns.
    pub fn of_body(end: Target, turn: Turn) -> Around {
        Around { head: 0, end, turn, leaves: vec![], carried: vec![], written: vec![], before: vec![] }
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
    pub hints: &'a mut Hints,
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
    /// While elements of a long vector are computed: conditions that are collected in place of guards, with what they are to be.
    pub asked: Option<Vec<(Value, bool)>>,
    /// Whether the trace writes memory.
    pub stores: bool,
    /// Whether integers wrap, as those of arrays do.
    pub wraps: bool,
    /// The identity of the next array.
    fresh: u32,
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
        let was_fixed = hints.fixed;
        let code = frame.code;
        let mut b = Builder::new(format!("{} loop {index}", code.label));
        // Elements are reached behind guards on whole numbers only, and all of an array may be read.
        b.read_ahead();
        let mut w = Walker {
            py,
            code,
            flow,
            b,
            entry: Entry::new(py, frame, flow.vars, hints.fixed),
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
            asked: None,
            stores: false,
            wraps: false,
            hints: &mut hints,
            fresh: super::small::FRESH,
            learnt,
        };
        let made = w.outermost(index);
        if w.hints.fixed && !was_fixed {
            // With extents that vary, shapes say too little.
            w.hints.shapes.clear();
            w.hints.written.clear();
        }
        match made {
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
    /// A path, until the place where it meets others. Ends the turn if that is [`END`].
    pub fn run(&mut self, mut pc: Target, join: Target) -> Result<Path> {
        loop {
            if self.anything_waits() && (pc == join || self.is_end_or_branch(pc)) {
                self.pc = pc;
                if let Err(e) = self.nothing_waits(pc) {
                    if self.depth == 0 {
                        return Err(e);
                    }
                    self.give_up(pc);
                    return Ok(Path::Dead);
                }
            }
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
                Op::Loop { index } => match self.inner(index)? {
                    Ok(next) => pc = next,
                    Err(path) => return Ok(path),
                },
                Op::JumpIf { cond, expected, to } => match self.branch(cond.into(), expected, to)? {
                    Ok(next) => pc = next,
                    Err(path) => return Ok(path),
                },
                // The body of a function ends here; a loop of it is left first.
                Op::Return { src } if self.is_body() => {
                    let result = self.read(src.into())?;
                    // What else it has dies here.
                    self.vars.fill(Val::Unbound.into());
                    if let Some(last) = self.vars.last_mut() {
                        *last = result;
                    }
                    return Ok(Path::Turn(self.b.i64(0)));
                }
                Op::Return { .. } | Op::End => return Ok(self.leave(pc)),
                Op::Raise { .. } | Op::Reraise { .. } | Op::AssertionFailed { .. } => {
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
    /// Whether a path may meet others here, or end.
    fn is_end_or_branch(&self, pc: Target) -> bool {
        let (head, end) = self.bounds();
        pc >= end || pc < head || self.code.ops.get(pc as usize).is_none_or(is_control)
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
        if self.anything_waits() {
            return self.guard(never, true, Why::Vm);
        }
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
}

/// Whether an instruction says where to go on.
fn is_control(op: &Op) -> bool {
    matches!(
        op,
        Op::Jump { .. }
            | Op::Back { .. }
            | Op::Loop { .. }
            | Op::JumpIf { .. }
            | Op::Return { .. }
            | Op::End
            | Op::Raise { .. }
            | Op::Reraise { .. }
            | Op::AssertionFailed { .. }
    )
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
