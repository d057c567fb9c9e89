//! Bounds of the numbers in a nest of loops, and conditions that follow from them.
//!
//! A number is as large as what it is made of allows: a counter lies in its range, a sum between the sums of the bounds.
//! Which numbers have bounds is decided first, without making code ([`Nest::can_bound`]), so that making it cannot fail
//! half way. Bounds may be wider than what happens, since a number that is used twice counts as two; then the answer is no
//! more often than it need be.
//!
//! Sums, differences and products are bounded only if none of them wraps, of which both of its bounds are proof: so each of
//! them comes with questions of its own. If a loop does not run, its counter's bounds mean nothing, and neither does the
//! answer.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::ir::{
    Binary, Cond, Def, Inst, InstId, Overflow, Range, RegionId, Scalar, Trace, Ty, Unary, Value,
};
use crate::opt::emit::Emit;
use crate::opt::scope::Scopes;

/// The least value or the greatest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    Low,
    High,
}

use Side::{High, Low};

impl Side {
    const BOTH: [Side; 2] = [Low, High];

    fn other(self) -> Side {
        match self {
            Low => High,
            High => Low,
        }
    }
}

/// What a number of the nest is made of.
enum Form {
    /// Something from outside.
    Fixed,
    Counter(Range),
    /// A sum, a difference, or a product of which one factor is fixed (and comes second).
    Exact(Overflow, Value, Value),
    Min(Value, Value),
    Max(Value, Value),
    /// A choice, provided that the condition is as said: the condition, what it is, the value then.
    Choice(Value, bool, Value),
    /// Whatever happens it lies between these.
    Within(i64, i64),
    /// A remainder of a division by this, which is fixed: not negative and less, provided that the divisor is positive.
    Below(Value),
    Unknown,
}

/// A nest of loops: the body of the outermost one, and the counters of all.
pub struct Nest {
    inside: HashMap<Value, Option<Range>>,
    can: RefCell<HashMap<(Value, Side), bool>>,
}

impl Nest {
    pub fn new(tr: &Trace, scopes: &Scopes, body: RegionId) -> Nest {
        let mut nest = Nest { inside: HashMap::new(), can: RefCell::default() };
        let range = match scopes.owner(body).map(|(owner, _)| tr.inst(owner)) {
            Some(&Inst::Loop { range, .. }) => range,
            _ => None,
        };
        nest.add(tr, body, range);
        nest
    }
    fn add(&mut self, tr: &Trace, region: RegionId, range: Option<Range>) {
        for (i, &p) in tr.region(region).params.iter().enumerate() {
            self.inside.insert(p, range.filter(|_| i == 0));
        }
        for &id in &tr.region(region).insts {
            self.inside.extend(tr.results(id).iter().map(|&v| (v, None)));
            let range = match *tr.inst(id) {
                Inst::Loop { range, .. } => range,
                _ => None,
            };
            tr.inst(id).regions().for_each(|inner| self.add(tr, inner, range));
        }
    }
    fn is_fixed(&self, v: Value) -> bool {
        !self.inside.contains_key(&v)
    }
    fn is_factor(&self, tr: &Trace, v: Value) -> bool {
        self.is_fixed(v) || tr.as_const(v).is_some()
    }

    fn form(&self, tr: &Trace, v: Value) -> Form {
        match self.inside.get(&v) {
            None => return Form::Fixed,
            Some(&Some(range)) => return Form::Counter(range),
            Some(None) => {}
        }
        let constant = |v: Value| tr.as_const(v).map(|c| c.bits as i64);
        match tr.def_inst(v) {
            Some(Inst::Const(c)) => Form::Within(c.bits as i64, c.bits as i64),
            Some(&Inst::Binary(op, a, b)) => match op {
                Binary::Add => Form::Exact(Overflow::Add, a, b),
                Binary::Sub => Form::Exact(Overflow::Sub, a, b),
                Binary::Mul if self.is_factor(tr, b) => Form::Exact(Overflow::Mul, a, b),
                Binary::Mul if self.is_factor(tr, a) => Form::Exact(Overflow::Mul, b, a),
                Binary::Min => Form::Min(a, b),
                Binary::Max => Form::Max(a, b),
                Binary::And => match constant(b) {
                    Some(mask @ 0..) => Form::Within(0, mask),
                    _ => Form::Unknown,
                },
                Binary::Rem => match constant(b) {
                    Some(by @ 1..) => Form::Within(0, by - 1),
                    None if self.is_fixed(b) => Form::Below(b),
                    _ => Form::Unknown,
                },
                _ => Form::Unknown,
            },
            // A number made positive: of those it is asked that they are already.
            Some(&Inst::Select(cond, a, b)) => match tr.def_inst(cond) {
                Some(Inst::Const(c)) if c.bits != 0 => Form::Choice(cond, true, a),
                Some(Inst::Const(_)) => Form::Choice(cond, false, b),
                Some(&Inst::Compare(Cond::Lt, _, zero)) if constant(zero) == Some(0) => {
                    Form::Choice(cond, false, b)
                }
                Some(&Inst::Compare(Cond::Ge, _, zero)) if constant(zero) == Some(0) => {
                    Form::Choice(cond, true, a)
                }
                _ => Form::Unknown,
            },
            Some(&Inst::Convert(a)) => match tr.ty(a).scalar {
                Scalar::Bool => Form::Within(0, 1),
                s if !s.is_int() || s.bits() == 64 => Form::Unknown,
                s if s.is_signed() => Form::Within(-1 << (s.bits() - 1), (1 << (s.bits() - 1)) - 1),
                s => Form::Within(0, (1 << s.bits()) - 1),
            },
            _ => Form::Unknown,
        }
    }

    /// Whether an `i64` has a bound.
    fn can_bound(&self, tr: &Trace, v: Value, side: Side) -> bool {
        if let Some(&known) = self.can.borrow().get(&(v, side)) {
            return known;
        }
        let can = |v, side| self.can_bound(tr, v, side);
        let found = match self.form(tr, v) {
            Form::Fixed | Form::Within(..) | Form::Below(_) => true,
            Form::Counter(r) => self.limit(tr, counter_bound(&r, side).0, side).is_some(),
            Form::Exact(_, a, b) => self.is_bounded(tr, a) && self.is_bounded(tr, b),
            Form::Min(a, b) | Form::Max(a, b) => can(a, side) && can(b, side),
            Form::Choice(cond, truth, v) => can(v, side) && self.can_hold(tr, cond, truth),
            Form::Unknown => false,
        };
        self.can.borrow_mut().insert((v, side), found);
        found
    }
    /// What bounds the limit of a range: if that is the smaller of two, one of them may do. Elsewhere such a bound would be
    /// too weak to be worth a question.
    fn limit(&self, tr: &Trace, v: Value, side: Side) -> Option<Value> {
        let either = match (self.form(tr, v), side) {
            (Form::Min(a, b), High) | (Form::Max(a, b), Low) => [v, a, b],
            _ => [v; 3],
        };
        either.into_iter().find(|&v| self.can_bound(tr, v, side))
    }
    fn is_bounded(&self, tr: &Trace, v: Value) -> bool {
        Side::BOTH.into_iter().all(|side| self.can_bound(tr, v, side))
    }

    /// Whether it can be asked if a condition is as expected throughout the nest.
    pub fn can_hold(&self, tr: &Trace, cond: Value, expected: bool) -> bool {
        if self.is_fixed(cond) || tr.as_const(cond).is_some() {
            return true;
        }
        match tr.def_inst(cond) {
            Some(&Inst::Unary(Unary::Not, a)) => self.can_hold(tr, a, !expected),
            Some(&Inst::Binary(op @ (Binary::And | Binary::Or), a, b)) => {
                (op == Binary::And) == expected
                    && self.can_hold(tr, a, expected)
                    && self.can_hold(tr, b, expected)
            }
            Some(&Inst::Compare(cond, a, b)) if tr.ty(a) == Ty::I64 => order(cond, expected, a, b)
                .is_some_and(|(_, less, more)| {
                    self.can_bound(tr, less, High) && self.can_bound(tr, more, Low)
                }),
            Some(&Inst::Overflow(op, a, b)) if tr.ty(a) == Ty::I64 && !expected => {
                let product = op != Overflow::Mul || self.is_factor(tr, a) || self.is_factor(tr, b);
                product && self.is_bounded(tr, a) && self.is_bounded(tr, b)
            }
            _ => false,
        }
    }
}

/// What bounds a counter, and whether that is the end of its range.
fn counter_bound(r: &Range, side: Side) -> (Value, bool) {
    if (r.step > 0) == (side == Low) { (r.start, false) } else { (r.end, true) }
}

/// An order as `less < more` or `less <= more`.
fn order(cond: Cond, expected: bool, a: Value, b: Value) -> Option<(Cond, Value, Value)> {
    match if expected { cond } else { cond.inverse() } {
        cond @ (Cond::Lt | Cond::Le) => Some((cond, a, b)),
        Cond::Gt => Some((Cond::Lt, b, a)),
        Cond::Ge => Some((Cond::Le, b, a)),
        Cond::Eq | Cond::Ne => None,
    }
}

/// Makes the questions.
pub struct Ask<'a> {
    nest: &'a Nest,
    emit: Emit,
    bounds: HashMap<(Value, Side), Value>,
    numbers: HashMap<i64, Value>,
    /// Orders that were asked.
    asked: HashSet<(Cond, Value, Value)>,
    /// What must be true.
    all: Vec<Value>,
    /// Selects whose choice is known then, with the constant their condition is.
    choices: Vec<(InstId, Value)>,
}

impl<'a> Ask<'a> {
    pub fn new(nest: &'a Nest) -> Ask<'a> {
        Ask {
            nest,
            emit: Emit::default(),
            bounds: HashMap::new(),
            numbers: HashMap::new(),
            asked: HashSet::new(),
            all: vec![],
            choices: vec![],
        }
    }
    /// The questions, whether all answers are yes, and the choices that are known then.
    pub fn finish(mut self, tr: &mut Trace) -> (Vec<InstId>, Value, Vec<(InstId, Value)>) {
        let mut all = std::mem::take(&mut self.all).into_iter();
        let first = all.next().unwrap_or_else(|| self.emit.constant(tr, Scalar::Bool, 1));
        let cond = all.fold(first, |cond, c| self.emit.binary(tr, Binary::And, cond, c));
        (self.emit.insts, cond, self.choices)
    }

    /// Asks whether a condition for which that can be asked is as expected.
    pub fn holds(&mut self, tr: &mut Trace, cond: Value, expected: bool) {
        if self.nest.is_fixed(cond) {
            return self.require(tr, cond, expected);
        }
        match tr.def_inst(cond).cloned() {
            Some(Inst::Const(c)) => {
                let known = self.emit.constant(tr, Scalar::Bool, c.bits);
                self.require(tr, known, expected);
            }
            Some(Inst::Unary(_, a)) => self.holds(tr, a, !expected),
            Some(Inst::Binary(_, a, b)) => {
                self.holds(tr, a, expected);
                self.holds(tr, b, expected);
            }
            Some(Inst::Compare(cond, a, b)) => {
                if let Some((cond, less, more)) = order(cond, expected, a, b) {
                    let (high, low) = (self.bound(tr, less, High), self.bound(tr, more, Low));
                    if self.asked.insert((cond, high, low)) {
                        let holds = self.emit.compare(tr, cond, high, low);
                        self.require(tr, holds, true);
                    }
                }
            }
            Some(Inst::Overflow(op, a, b)) => {
                self.exact(tr, op, a, b);
            }
            _ => {}
        }
    }
    fn require(&mut self, tr: &mut Trace, cond: Value, expected: bool) {
        let cond = if expected { cond } else { self.emit.value(tr, Inst::Unary(Unary::Not, cond), Ty::BOOL) };
        if !self.all.contains(&cond) {
            self.all.push(cond);
        }
    }

    fn number(&mut self, tr: &mut Trace, n: i64) -> Value {
        *self.numbers.entry(n).or_insert_with(|| self.emit.i64(tr, n))
    }
    fn bound(&mut self, tr: &mut Trace, v: Value, side: Side) -> Value {
        if let Some(&known) = self.bounds.get(&(v, side)) {
            return known;
        }
        let form = self.nest.form(tr, v);
        let found = match form {
            Form::Fixed | Form::Unknown => match tr.as_const(v) {
                Some(c) => self.number(tr, c.bits as i64),
                None => v,
            },
            Form::Within(low, high) => self.number(tr, if side == Low { low } else { high }),
            Form::Below(by) => {
                let zero = self.number(tr, 0);
                if self.asked.insert((Cond::Lt, zero, by)) {
                    let positive = self.emit.compare(tr, Cond::Lt, zero, by);
                    self.require(tr, positive, true);
                }
                match side {
                    Low => zero,
                    High => {
                        let one = self.number(tr, -1);
                        self.emit.binary(tr, Binary::Add, by, one)
                    }
                }
            }
            Form::Counter(r) => {
                let (v, is_end) = counter_bound(&r, side);
                let v = self.nest.limit(tr, v, side).unwrap_or(v);
                let bound = self.bound(tr, v, side);
                if is_end {
                    let one = self.number(tr, -r.step.signum());
                    self.emit.binary(tr, Binary::Add, bound, one)
                } else {
                    bound
                }
            }
            Form::Exact(op, a, b) => {
                let [low, high] = self.exact(tr, op, a, b);
                self.bounds.insert((v, side.other()), if side == Low { high } else { low });
                if side == Low { low } else { high }
            }
            Form::Min(a, b) | Form::Max(a, b) => {
                let (a, b) = (self.bound(tr, a, side), self.bound(tr, b, side));
                let op = if matches!(form, Form::Min(..)) { Binary::Min } else { Binary::Max };
                self.emit.binary(tr, op, a, b)
            }
            Form::Choice(cond, truth, chosen) => {
                if let (Def::Result(id, _), None) = (tr.def(v), tr.as_const(cond)) {
                    self.holds(tr, cond, truth);
                    if !self.choices.iter().any(|c| c.0 == id) {
                        let known = self.emit.constant(tr, Scalar::Bool, u64::from(truth));
                        self.choices.push((id, known));
                    }
                }
                self.bound(tr, chosen, side)
            }
        };
        self.bounds.insert((v, side), found);
        found
    }
    /// Both bounds of a result, and that it never wraps.
    fn exact(&mut self, tr: &mut Trace, op: Overflow, a: Value, b: Value) -> [Value; 2] {
        let [la, ha] = Side::BOTH.map(|side| self.bound(tr, a, side));
        let [lb, hb] = Side::BOTH.map(|side| self.bound(tr, b, side));
        let sign = tr.as_const(b).map(|c| (c.bits as i64).signum());
        match op {
            Overflow::Add => [
                self.checked(tr, op, la, lb, sign < Some(1)),
                self.checked(tr, op, ha, hb, sign.is_none_or(|s| s > 0)),
            ],
            Overflow::Sub => [
                self.checked(tr, op, la, hb, sign.is_none_or(|s| s > 0)),
                self.checked(tr, op, ha, lb, sign < Some(1)),
            ],
            Overflow::Mul => {
                let (x, y) = (self.checked(tr, op, la, lb, true), self.checked(tr, op, ha, hb, true));
                match sign {
                    Some(0 | 1) => [x, y],
                    Some(_) => [y, x],
                    None => [Binary::Min, Binary::Max].map(|op| self.emit.binary(tr, op, x, y)),
                }
            }
        }
    }
    /// One bound of a result; whether it fits is asked unless that follows from the other one.
    fn checked(&mut self, tr: &mut Trace, op: Overflow, a: Value, b: Value, ask: bool) -> Value {
        if ask {
            let wraps = self.emit.value(tr, Inst::Overflow(op, a, b), Ty::BOOL);
            self.require(tr, wraps, false);
        }
        let op = match op {
            Overflow::Add => Binary::Add,
            Overflow::Sub => Binary::Sub,
            Overflow::Mul => Binary::Mul,
        };
        self.emit.binary(tr, op, a, b)
    }
}
