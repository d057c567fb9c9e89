//! What is known of `i64` values, as differences: `x <= y + c`, in numbers without bounds.
//!
//! Facts are the edges of a graph, whose nodes are values and zero, and a path from one value to another adds up to a
//! bound. That is how bounds checks are removed since "ABCD" (Bodik, Gupta, Sarkar 2000); instead of solving the graph
//! once for all, it is searched from the value in question, a few edges deep, since most of what is asked is one or two
//! edges away. Facts hold from where they are learned to the end of the region, so that they form a stack.
//!
//! Arithmetic wraps, so a sum is worth an edge only where it is known not to.

use std::cell::Cell;
use std::collections::HashMap;

use crate::ir::{Binary, Inst, Range, Scalar, Trace, Ty, Value};

/// A value, or zero.
type Node = Option<Value>;

/// Edges of a path, and nodes a search visits: what takes longer is not known.
const DEPTH: usize = 6;
const FUEL: u32 = 128;
const MAX: i128 = i64::MAX as i128;
const MIN: i128 = i64::MIN as i128;

#[derive(Default)]
pub struct Facts {
    /// From `x` to `y` and `c` where `x <= y + c`.
    edges: HashMap<Node, Vec<(Node, i128)>>,
    /// Where edges were put, in order.
    added: Vec<Node>,
    /// Conditions with a known outcome.
    bools: Vec<(Value, bool)>,
    /// What is left for the search at hand.
    fuel: Cell<u32>,
}

/// How much was known at some point.
pub struct Mark(usize, usize);

impl Facts {
    pub fn mark(&self) -> Mark {
        Mark(self.added.len(), self.bools.len())
    }
    /// Forget what was learned since.
    pub fn forget(&mut self, mark: Mark) {
        for node in self.added.drain(mark.0..).rev() {
            if let Some(edges) = self.edges.get_mut(&node) {
                edges.pop();
            }
        }
        self.bools.truncate(mark.1);
    }
    pub fn known(&mut self, cond: Value, holds: bool) {
        self.bools.push((cond, holds));
    }
    pub fn is_known(&self, cond: Value) -> Option<bool> {
        self.bools.iter().rfind(|b| b.0 == cond).map(|b| b.1)
    }
    /// `x <= y + c`. Constants are zero and something, here as in questions.
    pub fn at_most(&mut self, tr: &Trace, x: Node, y: Node, mut c: i128) {
        let mut plain = |v: Node, sign: i128| match v.and_then(|v| int(tr, v)) {
            Some(n) => {
                c += sign * n;
                None
            }
            None => v,
        };
        let (x, y) = (plain(x, -1), plain(y, 1));
        self.edges.entry(x).or_default().push((y, c));
        self.added.push(x);
    }
    /// A counter lies in its range.
    pub fn counter(&mut self, tr: &Trace, counter: Value, r: &Range) {
        let step = i128::from(r.step);
        let (i, start, end) = (Some(counter), Some(r.start), Some(r.end));
        if step > 0 {
            self.at_most(tr, start, i, 0);
            self.at_most(tr, i, end, -1);
            // Stepping over the end does not overflow, by the promise of ranges.
            self.at_most(tr, end, None, MAX - step);
        } else {
            self.at_most(tr, i, start, 0);
            self.at_most(tr, end, i, -1);
            self.at_most(tr, None, end, -(MIN - step));
        }
    }

    /// Whether `x <= y + c` follows.
    pub fn implies(&self, tr: &Trace, x: Node, y: Node, c: i128) -> bool {
        // Where much is known, the short way is not to be missed for looking at long ones.
        [(DEPTH / 2, FUEL / 4), (DEPTH, FUEL)].into_iter().any(|(depth, fuel)| {
            self.fuel.set(fuel);
            self.bound(tr, x, y, depth).is_some_and(|b| b <= c)
        })
    }
    /// The least and the greatest value.
    pub fn interval(&self, tr: &Trace, v: Value) -> (i128, i128) {
        let high = self.search(tr, Some(v), None).unwrap_or(MAX);
        let low = self.search(tr, None, Some(v)).map_or(MIN, |b| -b);
        (low.max(MIN), high.min(MAX))
    }
    fn search(&self, tr: &Trace, x: Node, y: Node) -> Option<i128> {
        self.fuel.set(FUEL);
        self.bound(tr, x, y, DEPTH)
    }

    /// The smallest `c` found with `x <= y + c`.
    fn bound(&self, tr: &Trace, x: Node, y: Node, depth: usize) -> Option<i128> {
        if x == y {
            return Some(0);
        }
        // A constant is zero and something.
        if let Some(n) = x.and_then(|v| int(tr, v)) {
            return Some(n + self.bound(tr, None, y, depth)?);
        }
        if let Some(n) = y.and_then(|v| int(tr, v)) {
            return Some(self.bound(tr, x, None, depth)? - n);
        }
        let depth = depth.checked_sub(1)?;
        self.fuel.set(self.fuel.get().checked_sub(1)?);
        let mut best = match (x, y) {
            (Some(_), None) => Some(MAX),
            (None, Some(_)) => Some(-MIN),
            _ => None,
        };
        let mut see = |via: Option<i128>| best = best.into_iter().chain(via).min();
        for &(z, c) in self.edges.get(&x).into_iter().flatten() {
            see(self.bound(tr, z, y, depth).map(|b| b + c));
        }
        // What a value is made of says where it is: above, for `x`, and below, for `y`.
        if let Some((z, c)) = x.and_then(|v| self.exact(tr, v, depth)) {
            see(self.bound(tr, z, y, depth).map(|b| b + c));
        }
        if let Some((z, c)) = y.and_then(|v| self.exact(tr, v, depth)) {
            see(self.bound(tr, x, z, depth).map(|b| b - c));
        }
        for (z, c) in x.map(|v| above(tr, v)).into_iter().flatten() {
            see(self.bound(tr, z, y, depth).map(|b| b + c));
        }
        for (z, c) in y.map(|v| below(tr, v)).into_iter().flatten() {
            see(self.bound(tr, x, z, depth).map(|b| b - c));
        }
        // A remainder has the sign of the divisor, and is smaller.
        if let Some(by) = x.and_then(|v| self.positive_divisor(tr, v, depth)) {
            see(self.bound(tr, Some(by), y, depth).map(|b| b - 1));
        }
        if y.and_then(|v| self.positive_divisor(tr, v, depth)).is_some() {
            see(self.bound(tr, x, None, depth));
        }
        best
    }
    /// What a value is the remainder of a division by, if that is positive.
    fn positive_divisor(&self, tr: &Trace, v: Value, depth: usize) -> Option<Value> {
        let Inst::Binary(Binary::Rem, _, by) = *tr.def_inst(v)? else { return None };
        (self.bound(tr, None, Some(by), depth)? < 0).then_some(by)
    }

    /// The value as another one plus a constant, if the sum does not wrap.
    fn exact(&self, tr: &Trace, v: Value, depth: usize) -> Option<(Node, i128)> {
        let Inst::Binary(Binary::Add, x, c) = *tr.def_inst(v)? else { return None };
        let c = int(tr, c)?;
        let fits = if c >= 0 {
            self.bound(tr, Some(x), None, depth)? <= MAX - c
        } else {
            self.bound(tr, None, Some(x), depth)? <= -(MIN - c)
        };
        fits.then_some((Some(x), c))
    }
}

fn int(tr: &Trace, v: Value) -> Option<i128> {
    tr.as_const(v).filter(|c| c.scalar == Scalar::I64).map(|c| i128::from(c.bits as i64))
}

/// What a value is not above of.
fn above(tr: &Trace, v: Value) -> Vec<(Node, i128)> {
    match tr.def_inst(v) {
        Some(&Inst::Binary(Binary::Min, a, b)) => vec![(Some(a), 0), (Some(b), 0)],
        Some(&Inst::Binary(Binary::And, _, b)) => {
            int(tr, b).filter(|&c| c >= 0).map(|c| (None, c)).into_iter().collect()
        }
        Some(&Inst::Convert(a)) => limits(tr.ty(a)).map(|(_, high)| (None, high)).into_iter().collect(),
        _ => vec![],
    }
}

/// What a value is not below of.
fn below(tr: &Trace, v: Value) -> Vec<(Node, i128)> {
    match tr.def_inst(v) {
        Some(&Inst::Binary(Binary::Max, a, b)) => vec![(Some(a), 0), (Some(b), 0)],
        Some(&Inst::Binary(Binary::And, _, b)) if int(tr, b).is_some_and(|c| c >= 0) => vec![(None, 0)],
        Some(&Inst::Convert(a)) => limits(tr.ty(a)).map(|(low, _)| (None, low)).into_iter().collect(),
        _ => vec![],
    }
}

/// The least and the greatest value of an integer type narrower than `i64`.
fn limits(ty: Ty) -> Option<(i128, i128)> {
    let s = ty.scalar;
    match s {
        Scalar::Bool => Some((0, 1)),
        _ if !s.is_int() || s.bits() == 64 => None,
        _ if s.is_signed() => Some((-(1 << (s.bits() - 1)), (1 << (s.bits() - 1)) - 1)),
        _ => Some((0, (1 << s.bits()) - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    #[test]
    fn paths_add_up_and_sums_may_wrap() {
        let tr = parse(
            "trace t(v0: i64, v1: i64, v2: i64) {
                v3 = const.i64 5
                v4 = add v0, v3
                v5 = min v1, v2
                v6 = const.i64 7
                v7 = and v0, v6
                exit @0()
            }",
        )
        .expect("a trace");
        let (tr, v) = (&tr[0], |i| Some(Value::new(i)));
        let mut facts = Facts::default();
        assert!(!facts.implies(tr, v(0), v(4), 0), "the sum may wrap");
        assert!(facts.implies(tr, v(5), v(2), 0));
        assert!(facts.implies(tr, v(7), v(6), 0) && facts.implies(tr, None, v(7), 0));
        let mark = facts.mark();
        facts.at_most(tr, v(0), v(1), -6);
        facts.at_most(tr, v(1), None, 1000);
        assert!(facts.implies(tr, v(4), v(1), -1));
        assert!(!facts.implies(tr, v(4), v(1), -2));
        assert_eq!(facts.interval(tr, Value::new(4)), (MIN + 5, 999));
        facts.forget(mark);
        assert!(!facts.implies(tr, v(4), v(1), -1));
    }
}
