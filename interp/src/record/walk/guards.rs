//! Guards: where the trace is left when something is not as it was assumed, and with what state of the VM.
//!
//! An instruction is all or nothing, so its guards go back to the state in front of it. Where numpy may have to warn, the
//! state is older: that in front of the first operation whose result was not looked at yet.

use jit::ir::{Binary, Cond, Const, Overflow, Scalar, Unary, Value};

use super::{Result, Walker};
use crate::bytecode::Target;
use crate::record::abort::Abort;
use crate::record::exit::{Leave, Recipe, Slots, State, Why};
use crate::record::flow::Var;
use crate::record::kind::{
    Abs, BOOL, ENTRY, FLOAT, INT, Kind, NP, OTHER, Shape, Tag, UNBOUND, Val, flavor_of,
};

/// Up to here every integer is a `float`.
const MOST_EXACT: i64 = 1 << 53;

impl Walker<'_, '_> {
    /// The values of something in a shape that it fits. Where that takes a guard, the VM goes on at `at` with what the
    /// variables hold now; without such a place there is no trace.
    pub(super) fn fit(
        &mut self,
        abs: &Abs,
        shape: &Shape,
        at: Option<Target>,
        values: &mut Vec<Value>,
    ) -> Result<()> {
        if let (Val::Num(_, v), Kind::Num { scalar: Scalar::F64, .. } | Kind::Complex(_)) =
            (&abs.val, &shape.kind)
            && self.b.ty(*v).scalar == Scalar::I64
            && !self.is_exact(*v)
        {
            if self.at_call.is_none() {
                self.here = Some(self.state_at(at.ok_or(Abort::Kinds)?));
            }
            self.guard_exact(*v);
            self.here = None;
        }
        shape.flatten(abs, &mut self.b, values);
        Ok(())
    }

    /// Whether it is known that a float holds an integer exactly.
    fn is_exact(&self, v: Value) -> bool {
        self.b.trace().as_const(v).is_some_and(|c| (c.bits as i64).unsigned_abs() <= MOST_EXACT as u64)
    }

    /// A guard that a float holds an integer exactly.
    pub fn guard_exact(&mut self, v: Value) {
        if self.is_exact(v) {
            return;
        }
        let (low, high) = (self.b.i64(-MOST_EXACT), self.b.i64(MOST_EXACT));
        let above = self.b.compare(Cond::Ge, v, low);
        self.guard(above, true, Why::Domain);
        let below = self.b.compare(Cond::Le, v, high);
        self.guard(below, true, Why::Domain);
    }

    /// The state of the VM in front of an instruction, given what variables hold now.
    pub(super) fn state_at(&mut self, pc: Target) -> (usize, Vec<Value>) {
        let mut slots = Slots::default();
        let mut writes = vec![];
        for (var, abs) in self.vars.iter().enumerate() {
            if self.flow.matters(pc, var) {
                if let Some(recipe) = slots.recipe(abs, &self.b) {
                    writes.push((var, recipe));
                }
            } else if *abs != Val::Entry.into() {
                writes.push((var, Recipe::Unbound));
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
        if let Some(asked) = &mut self.asked {
            asked.push((cond, expected));
            return;
        }
        let (state, values) = self.before();
        self.leaves.push(Leave { state, why, at: self.pc, branch: None });
        self.b.guard(cond, expected, self.leaves.len() as u64 - 1, values);
    }

    /// Leaves to another instruction.
    pub(super) fn leave_unless(
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
    pub(super) fn is_quiet(&mut self, result: Value, operands: &[Value]) -> Value {
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

    pub(super) fn infinity(&mut self, like: Value) -> Value {
        let infinity = match self.b.ty(like).scalar {
            Scalar::F32 => Const::f32(f32::INFINITY),
            _ => Const::f64(f64::INFINITY),
        };
        self.b.constant(infinity)
    }

    /// Checks what is not checked yet. Must come before anything that can be seen from outside.
    pub fn check(&mut self) {
        // One way out for all: none of them comes before another.
        let mut all: Option<Value> = None;
        for v in std::mem::take(&mut self.unchecked) {
            let finite = self.is_finite(v);
            all = Some(match all {
                None => finite,
                Some(others) => self.b.binary(Binary::And, others, finite),
            });
        }
        if let Some(all) = all {
            self.guard(all, true, Why::NotFinite);
        }
        if self.asked.is_none() && !self.anything_waits() {
            self.saved = None;
        }
    }

    /// Whatever leaves the trace leaves in front of this instruction, or of an earlier one, until all is checked.
    pub fn go_back_to_here(&mut self) {
        if self.saved.is_none() {
            self.saved = Some(self.before());
        }
    }
    /// Asks now, of one element of many, what would be checked later.
    pub fn ask_unchecked(&mut self) {
        for v in std::mem::take(&mut self.unchecked) {
            let finite = self.is_finite(v);
            self.guard(finite, true, Why::NotFinite);
        }
    }
    /// Somebody has asked.
    pub fn forget_unchecked(&mut self) {
        self.unchecked.clear();
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
        let code = [NP, FLOAT, INT, BOOL, OTHER].into_iter().find(|c| tag.may & (1 << c) != 0).unwrap_or(NP);
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
