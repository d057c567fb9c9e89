//! Folding: instructions become constants, other values, or cheaper instructions.
//!
//! One walk in the order the trace runs. Operands have been folded by the time an instruction is looked at, so a
//! replacement is final, and what a rule builds goes through the same rules while it is built. What the operands do not
//! decide (a loop that feeds itself) is not looked for; running the pass again after others finds more.
//!
//! * constants: by [`semantics`], except where the result depends on the processor or a floating-point flag would be lost;
//! * algebra: the table in [`rules`];
//! * conversions: chains of them, in `convert`;
//! * addresses: constants, factors and sums move into them, in `address`;
//! * control: branches, guards, breaks and loops whose way is known.
//!
//! An e-graph, as Cranelift has, would not depend on the order of rules. It costs several times the time of this, and
//! Cranelift runs its own afterwards.

mod address;
mod convert;
pub mod rules;

use super::Pass;
use super::subst::Subst;
use crate::ir::{Binary, Cond, Const, Inst, InstId, Overflow, RegionId, Scalar, Trace, Ty, Value};
use crate::semantics;
use rules::{BY_OP, Op, Pattern, Var};

/// See the module.
pub struct Fold;

impl Pass for Fold {
    fn name(&self) -> &'static str {
        "fold"
    }
    fn run(&self, tr: &mut Trace) -> bool {
        let mut folder =
            Folder { tr, subst: Subst::default(), out: vec![], depth: 0, ended: false, changed: false };
        folder.region(Trace::ROOT);
        let replaced = folder.subst.finish(folder.tr);
        folder.changed || replaced
    }
}

struct Folder<'a> {
    tr: &'a mut Trace,
    subst: Subst,
    /// What the region at hand consists of so far.
    out: Vec<InstId>,
    /// How many regions it is inside of.
    depth: usize,
    /// A guard that always leaves ended the trace.
    ended: bool,
    changed: bool,
}

/// Values of the letters of a rule.
type Bindings = [Option<Value>; Var::COUNT];

impl Folder<'_> {
    fn region(&mut self, region: RegionId) {
        let insts = std::mem::take(&mut self.tr.region_mut(region).insts);
        let saved = std::mem::take(&mut self.out);
        self.depth += usize::from(region != Trace::ROOT);
        for id in insts {
            self.step(id);
            if self.ended {
                break;
            }
        }
        self.depth = self.depth.saturating_sub(1);
        self.tr.region_mut(region).insts = std::mem::replace(&mut self.out, saved);
    }

    fn step(&mut self, id: InstId) {
        self.subst.apply(self.tr.inst_mut(id));
        let inst = self.tr.inst(id);
        match *inst {
            Inst::Load(_) | Inst::Store(..) | Inst::Lea(_) => self.memory(id),
            Inst::Guard { .. } | Inst::BreakIf(..) => self.leave(id),
            Inst::If { .. } => self.branch(id),
            Inst::Loop { .. } => self.repeat(id),
            Inst::Yield(_) | Inst::Exit(_) | Inst::Call(..) | Inst::Const(_) | Inst::Iota => {
                self.out.push(id);
            }
            _ => {
                let result = self.tr.results(id)[0];
                let (mut inst, ty) = (inst.clone(), self.tr.ty(result));
                match self.simplify(&mut inst, ty) {
                    Some(v) => self.subst.replace(result, v),
                    None => {
                        if *self.tr.inst(id) != inst {
                            *self.tr.inst_mut(id) = inst;
                            self.changed = true;
                        }
                        self.out.push(id);
                    }
                }
            }
        }
    }

    /// The value an instruction without effects gives; makes the instruction if nothing simpler does.
    fn make(&mut self, mut inst: Inst, ty: Ty) -> Value {
        if let Some(v) = self.simplify(&mut inst, ty) {
            return v;
        }
        self.changed = true;
        let id = self.tr.add_inst(inst, &[ty]);
        self.out.push(id);
        self.tr.results(id)[0]
    }
    fn constant(&mut self, ty: Ty, bits: u64) -> Value {
        self.changed = true;
        let c = Inst::Const(Const::canonical(ty.scalar, bits));
        let id = self.tr.add_inst(c, &[Ty::scalar(ty.scalar)]);
        self.out.push(id);
        let v = self.tr.results(id)[0];
        if ty.is_vector() { self.make(Inst::Splat(v), ty) } else { v }
    }
    fn bits(&self, v: Value) -> Option<u64> {
        self.tr.as_const(v).map(|c| c.bits)
    }
    /// A constant as a number, if it is of type `i64`.
    fn int(&self, v: Value) -> Option<i64> {
        self.tr.as_const(v).filter(|c| c.scalar == Scalar::I64).map(|c| c.bits as i64)
    }

    /// Something simpler than the instruction, or `None`; then the instruction may have become another one.
    fn simplify(&mut self, inst: &mut Inst, ty: Ty) -> Option<Value> {
        // Constants to the right.
        match inst {
            Inst::Binary(op, a, b)
                if op.is_commutative(ty.scalar) && self.bits(*a).is_some() && self.bits(*b).is_none() =>
            {
                std::mem::swap(a, b);
            }
            Inst::Overflow(Overflow::Add | Overflow::Mul, a, b)
                if self.bits(*a).is_some() && self.bits(*b).is_none() =>
            {
                std::mem::swap(a, b);
            }
            Inst::Compare(cond, a, b) if self.bits(*a).is_some() && self.bits(*b).is_none() => {
                std::mem::swap(a, b);
                *cond = cond.swapped();
            }
            _ => {}
        }
        if let Some(bits) = self.evaluate(inst, ty) {
            return Some(self.constant(ty, bits));
        }
        match *inst {
            Inst::Convert(a) => return self.convert(inst, a, ty),
            Inst::Bitcast(a) => {
                if self.tr.ty(a) == ty {
                    return Some(a);
                }
                if let Some(&Inst::Bitcast(b)) = self.tr.def_inst(a) {
                    return Some(self.make(Inst::Bitcast(b), ty));
                }
            }
            Inst::Lane(a, n) => match self.tr.def_inst(a) {
                Some(&Inst::Splat(b)) => return Some(b),
                Some(&Inst::Iota) => return Some(self.constant(ty, u64::from(n))),
                _ => {}
            },
            Inst::Select(_, a, b) if a == b => return Some(a),
            _ => return self.apply_rules(inst, ty),
        }
        None
    }

    /// The bits every lane of the result has, if the operands are constants.
    fn evaluate(&self, inst: &Inst, ty: Ty) -> Option<u64> {
        let s = ty.scalar;
        let of = |v: Value| self.tr.ty(v).scalar;
        let bits = |v: Value| self.bits(v);
        let result = match *inst {
            Inst::Unary(op, a) => semantics::unary(op, s, bits(a)?),
            Inst::Binary(op, a, b) => semantics::binary(op, s, bits(a)?, bits(b)?),
            Inst::Fma(a, b, c) => semantics::fma(s, bits(a)?, bits(b)?, bits(c)?),
            Inst::Overflow(op, a, b) => u64::from(semantics::overflow(op, of(a), bits(a)?, bits(b)?)),
            Inst::Compare(cond, a, b) => u64::from(semantics::compare(cond, of(a), bits(a)?, bits(b)?)),
            Inst::Select(m, a, b) => {
                let (m, a, b) = (bits(m)?, bits(a)?, bits(b)?);
                if m != 0 { a } else { b }
            }
            Inst::Convert(a) => {
                let (from, x) = (of(a), bits(a)?);
                let result = semantics::convert(from, s, x);
                // Out of range the answer is the processor's, and the code may be for another than this one.
                let float = from.is_float() || from == Scalar::F16;
                if float && s.is_int() && semantics::convert(s, from, result) != truncated(from, x) {
                    return None;
                }
                result
            }
            Inst::Bitcast(a) => semantics::bitcast(s, bits(a)?),
            Inst::Lane(a, _) => bits(a)?,
            _ => return None,
        };
        let raises = self.tr.status && self.tr.raises(inst);
        (!raises || self.is_quiet(inst, s, result)).then_some(result)
    }

    /// Whether an operation on constants that gave this result certainly raised nothing but "inexact", at which nobody
    /// looks: numbers went in, a number came out, and neither overflow nor underflow lies on the way.
    fn is_quiet(&self, inst: &Inst, s: Scalar, result: u64) -> bool {
        let mut quiet = true;
        inst.for_each_use(|v| {
            let (from, bits) = (self.tr.ty(v).scalar, self.bits(v).unwrap_or_default());
            quiet &= as_f64(from, bits).is_none_or(f64::is_finite);
        });
        let tame = match as_f64(s, result) {
            Some(x) => {
                let smallest =
                    if s == Scalar::F64 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
                // The smallest normal number may be a rounded smaller one. A sum of this size is exact.
                let sum = matches!(inst, Inst::Binary(Binary::Add | Binary::Sub, ..));
                x.is_finite() && (x.abs() > smallest || sum)
            }
            None => true,
        };
        quiet && tame
    }

    fn apply_rules(&mut self, inst: &Inst, ty: Ty) -> Option<Value> {
        let (op, args): (Op, [Option<Value>; 3]) = match *inst {
            Inst::Unary(op, a) => (Op::Unary(op), [Some(a), None, None]),
            Inst::Binary(op, a, b) => (Op::Binary(op), [Some(a), Some(b), None]),
            Inst::Overflow(op, a, b) => (Op::Overflow(op), [Some(a), Some(b), None]),
            Inst::Compare(cond, a, b) => (Op::Compare(cond), [Some(a), Some(b), None]),
            Inst::Select(m, a, b) => (Op::Select, [Some(m), Some(a), Some(b)]),
            Inst::Fma(a, b, c) => (Op::Fma, [Some(a), Some(b), Some(c)]),
            _ => return None,
        };
        for rule in BY_OP.get(&op)? {
            let mut bound = Bindings::default();
            if !self.matches_args(op, &rule.args, &args, &mut bound) {
                continue;
            }
            // The type the rule is about is that of any letter that is not a bool by name.
            let about = bound[..usize::from(Var::BOOLS.start)].iter().flatten().next();
            let scalar = about.map_or(ty.scalar, |&v| self.tr.ty(v).scalar);
            let c = bound[usize::from(Var::C.0)].and_then(|c| self.bits(c));
            if rule.types.contains(scalar) && rule.when.holds(scalar, c.unwrap_or(0)) {
                return Some(self.build(&rule.to, &bound, ty));
            }
        }
        None
    }

    /// Whether the operands look like the patterns; letters get their values.
    fn matches_args(
        &self,
        op: Op,
        patterns: &[Pattern],
        args: &[Option<Value>; 3],
        bound: &mut Bindings,
    ) -> bool {
        let before = *bound;
        let all = |args: [Option<Value>; 3], bound: &mut Bindings| {
            patterns.iter().zip(args).all(|(p, v)| v.is_some_and(|v| self.matches(p, v, bound)))
        };
        if all(*args, bound) {
            return true;
        }
        *bound = before;
        let [Some(a), Some(b), None] = *args else { return false };
        let exchangeable = match op {
            Op::Binary(op) => op.is_commutative(self.tr.ty(a).scalar),
            Op::Compare(Cond::Eq | Cond::Ne) => true,
            _ => false,
        };
        exchangeable && all([Some(b), Some(a), None], bound)
    }
    fn matches(&self, p: &Pattern, v: Value, bound: &mut Bindings) -> bool {
        match p {
            Pattern::Var(letter) => {
                if letter.is_const() && self.bits(v).is_none() {
                    return false;
                }
                let slot = &mut bound[usize::from(letter.0)];
                *slot.get_or_insert(v) == v
            }
            Pattern::Literal(l) => self.tr.as_const(v).is_some_and(|c| l.bits(c.scalar) == Some(c.bits)),
            Pattern::Apply(op, patterns) => {
                let args = match (op, self.tr.def_inst(v)) {
                    (Op::Unary(o), Some(&Inst::Unary(op, a))) if *o == op => [Some(a), None, None],
                    (Op::Binary(o), Some(&Inst::Binary(op, a, b))) if *o == op => [Some(a), Some(b), None],
                    (Op::Compare(o), Some(&Inst::Compare(cond, a, b))) if *o == cond => {
                        [Some(a), Some(b), None]
                    }
                    (Op::Select, Some(&Inst::Select(m, a, b))) => [Some(m), Some(a), Some(b)],
                    _ => return false,
                };
                self.matches_args(*op, patterns, &args, bound)
            }
            Pattern::Log2(_) => false,
        }
    }

    /// The right side of a rule, for a result of type `ty`.
    fn build(&mut self, p: &Pattern, bound: &Bindings, ty: Ty) -> Value {
        match p {
            Pattern::Var(letter) => bound[usize::from(letter.0)].expect("the left side has the letter"),
            Pattern::Log2(letter) => {
                let c = bound[usize::from(letter.0)].and_then(|v| self.bits(v));
                self.constant(ty, u64::from(c.unwrap_or(1).trailing_zeros()))
            }
            Pattern::Literal(l) => {
                let bits = l.bits(ty.scalar).expect("rules give literals of the type of their place");
                self.constant(ty, bits)
            }
            Pattern::Apply(op, args) => {
                // Comparisons and choices have operands of another type than their own.
                let about = bound[..usize::from(Var::BOOLS.start)].iter().flatten().next();
                let inner = match op {
                    Op::Compare(_) | Op::Overflow(_) => about.map_or(ty, |&v| self.tr.ty(v)),
                    _ => ty,
                };
                let first = if *op == Op::Select { ty.with(Scalar::Bool) } else { inner };
                let mut v = [None; 3];
                for (i, (slot, arg)) in v.iter_mut().zip(args).enumerate() {
                    *slot = Some(self.build(arg, bound, if i == 0 { first } else { inner }));
                }
                let inst = match (*op, v) {
                    (Op::Unary(op), [Some(a), ..]) => Inst::Unary(op, a),
                    (Op::Binary(op), [Some(a), Some(b), _]) => Inst::Binary(op, a, b),
                    (Op::Overflow(op), [Some(a), Some(b), _]) => Inst::Overflow(op, a, b),
                    (Op::Compare(cond), [Some(a), Some(b), _]) => Inst::Compare(cond, a, b),
                    (Op::Select, [Some(m), Some(a), Some(b)]) => Inst::Select(m, a, b),
                    (Op::Fma, [Some(a), Some(b), Some(c)]) => Inst::Fma(a, b, c),
                    _ => unreachable!("{p:?} has too few operands"),
                };
                self.make(inst, ty)
            }
        }
    }

    /// A guard or a break.
    fn leave(&mut self, id: InstId) {
        let (Inst::Guard { cond, .. } | Inst::BreakIf(cond, _)) = *self.tr.inst(id) else { return };
        // Whether the condition is negated does not matter to a guard.
        if let (Inst::Guard { expected, snap, .. }, Some(&Inst::Unary(_, inner))) =
            (self.tr.inst(id), self.tr.def_inst(cond))
        {
            let (expected, snap) = (!*expected, *snap);
            *self.tr.inst_mut(id) = Inst::Guard { cond: inner, expected, snap };
            self.changed = true;
            return self.leave(id);
        }
        let Some(known) = self.bits(cond).map(|b| b != 0) else {
            self.out.push(id);
            return;
        };
        match *self.tr.inst(id) {
            Inst::Guard { expected, .. } if known == expected => self.changed = true,
            Inst::BreakIf(..) if !known => self.changed = true,
            Inst::Guard { snap, .. } if self.depth == 0 => {
                *self.tr.inst_mut(id) = Inst::Exit(snap);
                (self.changed, self.ended) = (true, true);
                self.out.push(id);
            }
            _ => self.out.push(id),
        }
    }

    fn branch(&mut self, id: InstId) {
        let Inst::If { cond, then, other } = *self.tr.inst(id) else { return };
        if let Some(known) = self.bits(cond) {
            self.changed = true;
            return self.inline(id, if known != 0 { then } else { other });
        }
        if let Some(&Inst::Unary(_, inner)) = self.tr.def_inst(cond) {
            self.changed = true;
            *self.tr.inst_mut(id) = Inst::If { cond: inner, then: other, other: then };
            return self.branch(id);
        }
        self.region(then);
        self.region(other);
        // What both give was there before, since neither sees what the other defines.
        let (a, b) = (self.yielded(then), self.yielded(other));
        for (i, (a, b)) in a.into_iter().zip(b).enumerate() {
            let result = self.tr.results(id)[i];
            if a == b {
                self.subst.replace(result, a);
            }
        }
        self.out.push(id);
    }
    fn yielded(&self, region: RegionId) -> Vec<Value> {
        match self.tr.region(region).insts.last().map(|&id| self.tr.inst(id)) {
            Some(Inst::Yield(args)) => args.clone(),
            _ => vec![],
        }
    }
    /// Runs a region in place of the instruction that owns it, whose results are what it yields.
    fn inline(&mut self, id: InstId, region: RegionId) {
        for inner in std::mem::take(&mut self.tr.region_mut(region).insts) {
            self.subst.apply(self.tr.inst_mut(inner));
            if let Inst::Yield(args) = self.tr.inst(inner) {
                let args = args.clone();
                self.subst.replace_all(self.tr.results(id), &args);
            } else {
                self.step(inner);
            }
            if self.ended {
                break;
            }
        }
    }

    fn repeat(&mut self, id: InstId) {
        let Inst::Loop { range, ref init, body } = *self.tr.inst(id) else { return };
        let init = init.clone();
        if let Some(r) = range {
            if r.start == r.end || r.trips(self.tr) == Some(0) {
                return self.subst.replace_all(self.tr.results(id), &init);
            }
        }
        // Carried values that never change, whichever way the loop ends.
        let params = self.tr.region(body).params[usize::from(range.is_some())..].to_vec();
        let mut constant = vec![true; params.len()];
        for &inner in &self.tr.region(body).insts {
            if let Inst::Yield(args) | Inst::BreakIf(_, args) = self.tr.inst(inner) {
                for (i, &v) in args.iter().enumerate() {
                    let v = self.subst.get(v);
                    constant[i] &= v == params[i] || v == init[i];
                }
            }
        }
        for (i, &same) in constant.iter().enumerate() {
            // A replaced parameter stays as one nobody uses, which is for dead code elimination to remove.
            if same && self.subst.get(params[i]) == params[i] {
                self.subst.replace(params[i], init[i]);
                self.subst.replace(self.tr.results(id)[i], init[i]);
            }
        }
        self.merge(id, &params, &init, body);
        self.region(body);
        self.out.push(id);
    }

    /// Carried values that are the same from the start and in each iteration are one.
    fn merge(&mut self, id: InstId, params: &[Value], init: &[Value], body: RegionId) {
        for j in 1..params.len() {
            for i in 0..j {
                let mut same = self.subst.get(init[i]) == self.subst.get(init[j])
                    && self.tr.ty(params[i]) == self.tr.ty(params[j])
                    && self.subst.get(params[j]) == params[j];
                for &inner in &self.tr.region(body).insts {
                    if let Inst::Yield(args) | Inst::BreakIf(_, args) = self.tr.inst(inner) {
                        let (a, b) = (self.subst.get(args[i]), self.subst.get(args[j]));
                        same &= a == b || (a == params[i] && b == params[j]);
                    }
                }
                if same {
                    self.subst.replace(params[j], params[i]);
                    let (keep, gone) = (self.tr.results(id)[i], self.tr.results(id)[j]);
                    self.subst.replace(gone, keep);
                    break;
                }
            }
        }
    }
}

/// A float as a number, if it is one of a type arithmetic is done on or a half.
fn as_f64(s: Scalar, bits: u64) -> Option<f64> {
    (s.is_float() || s == Scalar::F16).then(|| f64::from_bits(semantics::convert(s, Scalar::F64, bits)))
}

/// A float's bits after rounding towards zero, -0 as 0.
fn truncated(s: Scalar, bits: u64) -> u64 {
    let x = as_f64(s, bits).unwrap_or_default().trunc() + 0.0;
    semantics::convert(Scalar::F64, s, x.to_bits())
}
