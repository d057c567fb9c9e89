//! Loops: what they carry, how many turns they have, where they are left to.

use jit::ir::{Binary, Cond, Range, Value};

use super::{Around, INNER_TURNS, Path, Result, Walker, is_alive};
use crate::bytecode::{Op, Region, Target};
use crate::record::abort::Abort;
use crate::record::exit::{Leave, Why};
use crate::record::flow::{END, Turn, Var};
use crate::record::iterate::{self, Iteration};
use crate::record::kind::{Shape, Step, Val};

impl Walker<'_, '_> {
    /// The loop that is recorded, and the ways out behind it.
    pub(super) fn outermost(&mut self, index: u16) -> Result<()> {
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
    pub(super) fn leave_for_good(&mut self, to: Target, why: Why) {
        let (state, values) = self.state_at(to);
        self.leaves.push(Leave { state, why, at: to, branch: None });
        self.b.exit(self.leaves.len() as u64 - 1, values);
    }

    /// Walks a loop; gives where it may go on behind: the value of the code and what it is there, and the place.
    pub(super) fn looped(&mut self, index: u16, outermost: bool) -> Result<Vec<((Value, i64), Target)>> {
        self.check();
        self.relabel();
        let l = &self.code.loops[usize::from(index)];
        let (head, end) = (l.head, l.end);
        let iter = l.iter.map(usize::from);
        let at_head = self.vars.clone();

        // What the loop changes is carried, under the shape that the paths into its head agree on.
        let mut meeting = self.hints.shapes.get(&(self.context, head, head)).cloned().unwrap_or_default();
        let mut carried: Vec<(Var, Shape)> = vec![];
        let mut written = self.flow.written(self.code, head, end);
        written.extend(self.hints.written.get(&(self.context, head)).into_iter().flatten());
        for &var in &written {
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
                iterate::parts(&mut self.b, &over.val, &mut of)?;
                let single =
                    matches!(over.val, Val::RangeIter { .. } | Val::ArrayIter { .. } | Val::Items { .. });
                // The end for this time is made of the slots of start and end, which extents that are known have not.
                let given = |v: Value| !outermost || self.b.trace().params().contains(&v);
                let (range, direct) = match of[..] {
                    [(start, end, Step::Const(step))] if single && given(start) && given(end) => {
                        (Range { start, end, step }, true)
                    }
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
            self.fit(&abs, shape, Some(head), &mut init)?;
        }
        init.push(self.b.i64(0));
        let (counter, values) = self.b.begin_loop(Some(range), init);
        let mut values = values.into_iter();
        for (var, shape) in &carried {
            self.vars[*var] = shape.unflatten(&mut self.b, &mut values).ok_or(Abort::Unsettled)?;
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
        self.around.push(Around {
            head,
            end,
            turn,
            leaves: vec![],
            carried,
            written,
            before: at_head.clone(),
        });
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
            self.vars[*var] = shape.unflatten(&mut self.b, &mut results).ok_or(Abort::Unsettled)?;
        }
        for &var in &around.written {
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
    pub(super) fn needed_behind(&self, index: u16, var: Var) -> bool {
        let l = &self.code.loops[usize::from(index)];
        let is_returned = |op: &Op| matches!(op, Op::Return { src } if usize::from(*src) == var);
        self.flow.is_read(l.end, var)
            || self.code.ops[l.head as usize..l.end as usize].iter().any(is_returned)
    }

    /// Leaves the trace if an inner loop would take so many turns that nobody could stop it.
    pub(super) fn bound_turns(&mut self, range: Range) {
        let Range { start, end, step } = range;
        let (low, high) = if step > 0 { (start, end) } else { (end, start) };
        let distance = self.b.binary(Binary::Sub, high, low);
        let most = self.b.i64(INNER_TURNS.saturating_mul(step.saturating_abs()));
        let few = self.b.compare(Cond::Le, distance, most);
        self.guard(few, true, Why::Safepoint);
    }

    /// How often a step fits between two numbers.
    pub(super) fn turns(&mut self, next: Value, stop: Value, step: Step) -> Value {
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

    /// A loop inside. Goes on at one place behind it, or gives how the path ended.
    pub(super) fn inner(&mut self, index: u16) -> Result<std::result::Result<Target, Path>> {
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
                self.fork(broke, second, first, index)
            }
            _ => Err(Abort::Leaves),
        }
    }

    /// What is carried to the end of a turn: the variables in the shapes of the loop's head, and the code.
    pub(super) fn turn_values(&mut self, code: Value) -> Result<Vec<Value>> {
        self.relabel();
        self.carry_aliases();
        let Some(around) = self.around.last_mut() else { return Err(Abort::Unsettled) };
        let mut carried = std::mem::take(&mut around.carried);
        let head = around.head;
        let at = self.behind_turn(code);
        let mut values = vec![];
        let mut result = Ok(());
        for (var, shape) in &mut carried {
            let abs = self.vars[*var].clone();
            let own = Shape::of(&abs, &self.b);
            match shape.join(&own) {
                Ok(joined) if joined == *shape => {
                    if let Err(e) = self.fit(&abs, shape, at, &mut values) {
                        result = Err(e);
                    }
                }
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

    pub(super) fn turn_zeros(&mut self) -> Vec<Value> {
        let shapes: Vec<Shape> =
            self.around.last().map_or(vec![], |a| a.carried.iter().map(|(_, s)| s.clone()).collect());
        let mut values = vec![];
        shapes.iter().for_each(|s| s.zeros(&mut self.b, &mut values));
        values.push(self.b.i64(0));
        values
    }
}
