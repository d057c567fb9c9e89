//! Guards that cannot fail go: bounds that the range of a loop proves, checks that were made before.
//!
//! One walk in the order the trace runs collects what is known where control is: what guards have established, which side
//! of a branch this is, between what a counter lies. A condition that [`facts`] decide (of a choice, too) becomes a constant,
//! which folding then carries through; a guard that holds vanishes at once.
//!
//! The same knowledge saves divisions: `(i + 1) % n`, for a counter `i` of a range up to `n`, is a choice ([`Remainders`]).
//!
//! What must hold in *every* iteration but is not known to is for `version` to ask in front of the loop.

pub mod facts;

use super::Pass;
use super::emit::Emit;
use crate::ir::{Binary, Cond, Inst, InstId, Overflow, RegionId, Scalar, Trace, Ty, Unary, Value};
use facts::Facts;

/// See the module.
pub struct Guards;

/// Remainders of numbers that are next to the range of remainders become choices. Of a remainder more is known than of a
/// choice, so this comes late.
pub struct Remainders;

impl Pass for Guards {
    fn name(&self) -> &'static str {
        "guards"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        run(tr, false)
    }
}

impl Pass for Remainders {
    fn name(&self) -> &'static str {
        "remainders"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        run(tr, true)
    }
}

fn run(tr: &mut Trace, remainders: bool) -> bool {
    let mut walk = Walk { tr, facts: Facts::default(), remainders, changed: false };
    walk.region(Trace::ROOT);
    walk.changed
}

struct Walk<'a> {
    tr: &'a mut Trace,
    facts: Facts,
    remainders: bool,
    changed: bool,
}

impl Walk<'_> {
    fn region(&mut self, region: RegionId) {
        let insts = std::mem::take(&mut self.tr.region_mut(region).insts);
        let mut out = Emit::default();
        for id in insts {
            match *self.tr.inst(id) {
                Inst::Guard { cond, expected, .. } => match self.decide(cond) {
                    Some(known) if known == expected => {
                        self.changed = true;
                        continue;
                    }
                    Some(known) => self.settle(id, known, &mut out),
                    None => self.assume(cond, expected),
                },
                Inst::BreakIf(cond, _) => match self.decide(cond) {
                    Some(known) => self.settle(id, known, &mut out),
                    None => self.assume(cond, false),
                },
                Inst::Select(cond, ..) if self.tr.ty(cond) == Ty::BOOL => {
                    if let Some(known) = self.decide(cond) {
                        self.settle(id, known, &mut out);
                    }
                }
                Inst::If { cond, then, other } => {
                    if let Some(known) = self.decide(cond) {
                        self.settle(id, known, &mut out);
                    }
                    for (side, inner) in [(true, then), (false, other)] {
                        let mark = self.facts.mark();
                        self.assume(cond, side);
                        self.region(inner);
                        self.facts.forget(mark);
                    }
                }
                Inst::Binary(Binary::Rem, a, b) if self.remainders => self.remainder(id, a, b, &mut out),
                Inst::Loop { range, body, .. } => {
                    let mark = self.facts.mark();
                    if let Some(r) = range {
                        self.facts.counter(self.tr, self.tr.region(body).params[0], &r);
                    }
                    self.region(body);
                    self.facts.forget(mark);
                }
                _ => {}
            }
            out.insts.push(id);
        }
        self.tr.region_mut(region).insts = out.insts;
    }

    /// `a % b`, where `b` is positive and `a` not less than -1 and not more than `b`.
    fn remainder(&mut self, id: InstId, a: Value, b: Value, out: &mut Emit) {
        let tr = &mut *self.tr;
        if tr.ty(a) != Ty::I64 {
            return;
        }
        let knows = |x: Option<Value>, y: Option<Value>, c| self.facts.implies(tr, x, y, c);
        let is_near = knows(None, Some(b), -1) && knows(None, Some(a), 1) && knows(Some(a), Some(b), 0);
        if !is_near {
            return;
        }
        let (low, high) = (!knows(None, Some(a), 0), !knows(Some(a), Some(b), -1));
        let zero = out.i64(tr, 0);
        let mut r = a;
        if high {
            let is_end = out.compare(tr, Cond::Eq, a, b);
            r = out.select(tr, is_end, zero, r);
        }
        if low {
            let below = out.compare(tr, Cond::Lt, a, zero);
            let from_end = out.binary(tr, Binary::Add, a, b);
            r = out.select(tr, below, from_end, r);
        }
        *tr.inst_mut(id) = Inst::Binary(Binary::Add, r, zero);
        self.changed = true;
    }

    /// The condition of an instruction is a constant from now on.
    fn settle(&mut self, id: InstId, known: bool, out: &mut Emit) {
        let (Inst::Guard { cond, .. }
        | Inst::BreakIf(cond, _)
        | Inst::If { cond, .. }
        | Inst::Select(cond, ..)) = *self.tr.inst(id)
        else {
            return;
        };
        if self.tr.as_const(cond).is_some() {
            return;
        }
        self.changed = true;
        let constant = out.constant(self.tr, Scalar::Bool, u64::from(known));
        if let Inst::Guard { cond, .. }
        | Inst::BreakIf(cond, _)
        | Inst::If { cond, .. }
        | Inst::Select(cond, ..) = self.tr.inst_mut(id)
        {
            *cond = constant;
        }
    }

    fn assume(&mut self, cond: Value, holds: bool) {
        self.facts.known(cond, holds);
        let tr = &*self.tr;
        match tr.def_inst(cond) {
            Some(&Inst::Unary(Unary::Not, a)) => self.assume(a, !holds),
            Some(&Inst::Binary(Binary::And, a, b)) if holds => {
                self.assume(a, true);
                self.assume(b, true);
            }
            Some(&Inst::Binary(Binary::Or, a, b)) if !holds => {
                self.assume(a, false);
                self.assume(b, false);
            }
            Some(&Inst::Compare(cond, a, b)) if tr.ty(a) == Ty::I64 => {
                let cond = if holds { cond } else { cond.inverse() };
                for (x, y, c) in orders(cond, a, b) {
                    self.facts.at_most(tr, Some(x), Some(y), c);
                }
            }
            Some(&Inst::Overflow(op, a, b)) if tr.ty(a) == Ty::I64 && !holds => {
                if let Some(c) = tr.as_const(b).map(|c| i128::from(c.bits as i64)) {
                    let (low, high) = match op {
                        Overflow::Add => (-c, -c),
                        Overflow::Sub => (c, c),
                        // Not worth a division.
                        Overflow::Mul => return,
                    };
                    self.facts.at_most(tr, Some(a), None, i128::from(i64::MAX) + high);
                    self.facts.at_most(tr, None, Some(a), -(i128::from(i64::MIN) + low));
                }
            }
            _ => {}
        }
    }

    /// The value of a condition, if it is known here.
    fn decide(&mut self, cond: Value) -> Option<bool> {
        if self.remainders {
            return None;
        }
        if let Some(known) = self.facts.is_known(cond) {
            return Some(known);
        }
        let tr = &*self.tr;
        match *tr.def_inst(cond)? {
            Inst::Const(c) => Some(c.bits != 0),
            Inst::Unary(Unary::Not, a) => self.decide(a).map(|b| !b),
            Inst::Binary(op @ (Binary::And | Binary::Or), a, b) => {
                let (a, b) = (self.decide(a), self.decide(b));
                let absorbing = op == Binary::Or;
                match (a, b) {
                    _ if a == Some(absorbing) || b == Some(absorbing) => Some(absorbing),
                    (Some(_), Some(_)) => Some(!absorbing),
                    _ => None,
                }
            }
            Inst::Compare(cond, a, b) if tr.ty(a) == Ty::I64 => self.order(cond, a, b),
            Inst::Compare(cond, a, b) if tr.ty(a) == Ty::U64 => {
                // Of numbers that are not negative, the order is that of the signed ones.
                let (a, b) = (self.signed(a)?, self.signed(b)?);
                self.order(cond, a, b)
            }
            Inst::Overflow(op, a, b) if tr.ty(a) == Ty::I64 => {
                let ((la, ha), (lb, hb)) = (self.facts.interval(tr, a), self.facts.interval(tr, b));
                let (low, high) = match op {
                    Overflow::Add => (la + lb, ha + hb),
                    Overflow::Sub => (la - hb, ha - lb),
                    Overflow::Mul => {
                        let corners = [la * lb, la * hb, ha * lb, ha * hb];
                        (corners.into_iter().min()?, corners.into_iter().max()?)
                    }
                };
                (low >= i128::from(i64::MIN) && high <= i128::from(i64::MAX)).then_some(false)
            }
            _ => None,
        }
    }
    fn order(&mut self, cond: Cond, a: Value, b: Value) -> Option<bool> {
        let tr = &*self.tr;
        let facts = &mut self.facts;
        let mut holds = |cond: Cond| {
            let mut needed = orders(cond, a, b).into_iter().peekable();
            needed.peek().is_some() && needed.all(|(x, y, c)| facts.implies(tr, Some(x), Some(y), c))
        };
        if holds(cond) {
            return Some(true);
        }
        // `a != b` is one of the two strict orders.
        let not = cond.inverse();
        let apart = |holds: &mut dyn FnMut(Cond) -> bool| holds(Cond::Lt) || holds(Cond::Gt);
        match (cond, not) {
            (Cond::Ne, _) if apart(&mut holds) => Some(true),
            (_, Cond::Ne) if apart(&mut holds) => Some(false),
            _ => holds(not).then_some(false),
        }
    }
    /// The `i64` an `u64` was, if that is not negative.
    fn signed(&mut self, v: Value) -> Option<Value> {
        let tr = &*self.tr;
        let (Inst::Convert(a) | Inst::Bitcast(a)) = *tr.def_inst(v)? else { return None };
        (tr.ty(a) == Ty::I64 && self.facts.implies(tr, None, Some(a), 0)).then_some(a)
    }
}

/// A comparison as `x <= y + c`, once or twice; `ne` says nothing of the kind.
fn orders(cond: Cond, a: Value, b: Value) -> Vec<(Value, Value, i128)> {
    match cond {
        Cond::Lt => vec![(a, b, -1)],
        Cond::Le => vec![(a, b, 0)],
        Cond::Gt => vec![(b, a, -1)],
        Cond::Ge => vec![(b, a, 0)],
        Cond::Eq => vec![(a, b, 0), (b, a, 0)],
        Cond::Ne => vec![],
    }
}
