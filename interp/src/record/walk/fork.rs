//! Branches: two sides, and what variables hold where they meet again.

use jit::ir::{Unary, Value};

use super::{Meeting, Path, Result, Walker, is_alive};
use crate::bytecode::{Op, Target};
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::flow::{END, Var};
use crate::record::kind::{Abs, Shape, Val};

impl Walker<'_, '_> {
    /// A branch by a register.
    pub(super) fn branch(
        &mut self,
        cond: Var,
        expected: bool,
        to: Target,
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
                self.fork(truth, yes, no, u16::MAX)
            }
        }
    }

    pub(super) fn abandon<T>(&mut self, e: Abort) -> Result<std::result::Result<T, Path>> {
        if self.depth == 0 {
            return Err(e);
        }
        self.give_up(self.pc);
        Ok(Err(Path::Dead))
    }

    pub(super) fn alive(&self, pc: Target, jumped: bool) -> bool {
        is_alive(self.code, pc, jumped)
    }

    /// Two ways, by a `bool`: `yes` and `no` are where they begin.
    pub(super) fn fork(
        &mut self,
        cond: Value,
        yes: Target,
        no: Target,
        inner: u16,
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
        self.relabel();
        let before = self.vars.clone();
        self.depth += 1;
        self.b.begin_if(cond);
        let first = self.side(yes, join);
        self.relabel();
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
            self.yield_side(hint, (first, join), &first_vars, &mut values)?;
        }
        self.b.begin_else(values);
        let second = self.side(no, join);
        self.relabel();
        let second_vars = std::mem::replace(&mut self.vars, before.clone());
        self.depth -= 1;
        let second = second?;
        let mut values = vec![];
        if let Some(hint) = &hint {
            self.yield_side(hint, (second, join), &second_vars, &mut values)?;
        }
        let results = self.b.end_if(values);
        self.here = None;

        // Whether what was assumed is what was found.
        let mut found = self.meeting(&before, join, (first, &first_vars), (second, &second_vars))?;
        if let Some(hint) = &hint {
            found.dropped.extend(&hint.dropped);
        }
        found.shapes.retain(|(var, _)| !found.dropped.contains(var));
        let mut results = results.into_iter();
        let agreed = hint.filter(|h| {
            h.code >= found.code
                // What was assumed of these is no shape both sides have.
                && h.shapes.iter().all(|(var, _)| !found.dropped.contains(var))
                && found.shapes.iter().all(|(v, s)| {
                    h.shapes.iter().any(|(w, t)| v == w && t.join(s).is_ok_and(|joined| joined == *t))
                })
        });
        let Some(agreed) = agreed else {
            let mut merged = self.hints.shapes.remove(&key).unwrap_or_default();
            merged.code |= found.code;
            merged.shapes.retain(|(var, _)| !found.dropped.contains(var));
            merged.dropped = found.dropped;
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
        found.dropped.iter().for_each(|&var| self.vars[var] = Val::Unbound.into());
        let code = if agreed.code { results.next() } else { None };
        for (var, shape) in &agreed.shapes {
            self.vars[*var] = shape.unflatten(&mut self.b, &mut results).ok_or(Abort::Unsettled)?;
        }
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
    pub(super) fn side(&mut self, pc: Target, join: Target) -> Result<Path> {
        self.here = None;
        let path = self.run(pc, join);
        self.check();
        path
    }

    /// The values that a side, which ended like this on its way to a place, brings along.
    fn yield_side(
        &mut self,
        hint: &Meeting,
        (path, join): (Path, Target),
        vars: &[Abs],
        values: &mut Vec<Value>,
    ) -> Result<()> {
        if hint.code {
            values.push(match path {
                Path::Turn(code) => code,
                _ => self.b.i64(0),
            });
        }
        let at = match path {
            Path::Joined if join != END => Some(join),
            Path::Turn(code) => self.behind_turn(code),
            _ => None,
        };
        let before = std::mem::replace(&mut self.vars, vars.to_vec());
        for (var, shape) in &hint.shapes {
            if path == Path::Dead {
                shape.zeros(&mut self.b, values);
            } else {
                self.fit(&vars[*var], shape, at, values)?;
            }
        }
        self.vars = before;
        Ok(())
    }

    /// Where the VM goes on behind a turn that ended with this code, if it is always the same.
    pub(super) fn behind_turn(&self, code: Value) -> Option<Target> {
        let around = self.around.last()?;
        match self.b.trace().as_const(code)?.bits as usize {
            0 => Some(around.head),
            k => around.leaves.get(k - 1).copied(),
        }
    }

    /// What two sides change, and under which shapes they meet.
    pub(super) fn meeting(
        &self,
        before: &[Abs],
        join: Target,
        first: (Path, &[Abs]),
        second: (Path, &[Abs]),
    ) -> Result<Meeting> {
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
        Ok(Meeting { shapes, code, dropped })
    }

    /// Whether a temporary is read where paths have met.
    pub(super) fn is_read_behind(&self, join: Target, var: Var) -> bool {
        if join != END {
            return self.flow.is_read(join, var);
        }
        let (head, end) = self.bounds();
        let end = (end as usize).min(self.code.ops.len());
        let is_returned = |op: &Op| matches!(op, Op::Return { src } if usize::from(*src) == var);
        self.flow.is_read(end as Target, var) || self.code.ops[head as usize..end].iter().any(is_returned)
    }

    /// Whether a path goes out of the loop and does next to nothing before.
    pub(super) fn leads_out(&self, mut pc: Target) -> bool {
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
}
