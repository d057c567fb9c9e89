//! Operations on vectors that are too long to be values of a trace: loops of their own.
//!
//! `a[i] -= f * a[k]` is an expression that waits ([`Pending`]) until somebody stores it to a vector in memory. Then two loops
//! are made: one that only asks whether numpy would have something to report for any element, and one that stores. So the
//! trace is left in front of the whole statement, with nothing stored, or not at all. What an operation does to elements is
//! the rule for numpy's scalars; integers wrap.
//!
//! numpy computes as if all operands were read before anything is stored. Element by element that is so if an operand is the
//! target itself or shares no element with it, which is asked; other overlaps are left to the VM, and so are lengths that
//! differ. An expression that is kept, or that something is stored behind, is not for compiled code: nobody made that array.

use std::rc::Rc;

use jit::ir::{Binary, Cond, Const, Range, Scalar, Unary, Value};
use micronumpy::TypeNum;

use super::Result;
use super::elements::is_array;
use crate::bytecode::{BinaryOp, Target, UnaryOp};
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, ArrayVal, Flavor, Step, Val, scalar_of};
use crate::record::small;
use crate::record::walk::Walker;

/// An expression over vectors that nobody has computed.
#[derive(Clone, PartialEq, Debug)]
pub enum Pending {
    Vector(Rc<ArrayVal>),
    Number(Abs),
    Apply(Rule, Vec<Rc<Pending>>),
}

impl Pending {
    /// Whether its elements may be bools, whose powers are not products.
    pub fn may_be_bool(&self) -> bool {
        match self {
            Pending::Vector(vector) => vector.num.is_bool(),
            Pending::Number(abs) => {
                matches!(abs.val, Val::Num(Flavor::Bool | Flavor::Np(TypeNum::BOOL), _))
            }
            Pending::Apply(_, args) => args.iter().all(|arg| arg.may_be_bool()),
        }
    }
}

/// What is done to elements.
#[derive(Clone, PartialEq, Debug)]
pub enum Rule {
    Binary(BinaryOp),
    Sign(UnaryOp),
    Ufunc(String),
}

fn kept() -> Abort {
    Abort::Operation("an array of many elements that is kept".into())
}

impl Walker<'_, '_> {
    /// A long vector, or what waits to become one.
    pub fn waiting(&mut self, abs: &Abs) -> Option<Rc<Pending>> {
        if let (Val::Pending(p), None) = (&abs.val, abs.tag) {
            return Some(Rc::clone(p));
        }
        let vector = self.long(abs, small::MOST)?;
        scalar_of(vector.num).map(|_| Rc::new(Pending::Vector(vector)))
    }

    /// An operation that waits, if one of its operands is a long vector.
    pub fn apply(&mut self, rule: Rule, args: &[Abs]) -> Result<Option<Rc<Pending>>> {
        let mut operands = vec![];
        for arg in args {
            operands.push(self.waiting(arg));
        }
        if operands.iter().all(Option::is_none) {
            return Ok(None);
        }
        if !self.calls.is_empty() {
            return Err(Abort::Operation("an array of many elements in a function that is called".into()));
        }
        let mut all = vec![];
        for (arg, known) in args.iter().zip(operands) {
            all.push(match known {
                Some(known) => known,
                None if is_array(arg) => return Err(Abort::Operation("of arrays of unlike lengths".into())),
                None => {
                    let (flavor, v) = self.number(arg)?;
                    Rc::new(Pending::Number(Abs::num(flavor, v)))
                }
            });
        }
        Ok(Some(Rc::new(Pending::Apply(rule, all))))
    }
    /// The same as a value. Whatever leaves the trace from now on leaves in front of this instruction, until it is stored.
    pub fn wait(&mut self, pending: Rc<Pending>) -> Abs {
        self.go_back_to_here();
        Val::Pending(pending).into()
    }

    /// `a op= b` of a long vector.
    pub fn in_place_long(&mut self, op: BinaryOp, a: &Abs, b: &Abs) -> Result<Option<Abs>> {
        let Some(target) = self.long(a, small::MOST) else { return Ok(None) };
        let (a, b) = (a.clone(), b.clone());
        let Some(pending) = self.apply(Rule::Binary(op), &[a.clone(), b])? else { return Ok(None) };
        self.store_long(&target, &pending, true)?;
        Ok(Some(a))
    }

    /// Stores what waits.
    pub fn store_long(&mut self, to: &ArrayVal, pending: &Rc<Pending>, same_type: bool) -> Result<()> {
        if !to.writeable {
            return Err(Abort::Array("is read-only"));
        }
        if !self.calls.is_empty() {
            return Err(Abort::Operation("assignment in a function that is called".into()));
        }
        let scalar = scalar_of(to.num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        let mut vectors = vec![];
        leaves(pending, &mut vectors);
        if let ([vector], Pending::Vector(_)) = (&vectors[..], &**pending)
            && self.is_same(to, vector)
        {
            // What was computed in place is assigned to where it is.
            return Ok(());
        }
        self.go_back_to_here();
        // No element of the target is in another one.
        let size = to.num.size() as i64;
        match to.steps[0] {
            Step::Const(step) if step.unsigned_abs() < size as u64 => {
                return Err(Abort::Array("overlaps itself"));
            }
            Step::Const(_) => {}
            Step::Value(step) => {
                let (width, least) = (self.b.unary(Unary::Abs, step), self.b.i64(size));
                let fine = self.b.compare(Cond::Ge, width, least);
                self.guard(fine, true, Why::Domain);
            }
        }
        for vector in vectors {
            let same = self.b.compare(Cond::Eq, vector.dims[0], to.dims[0]);
            self.guard(same, true, Why::Domain);
            if vector.class.may_alias(to.class) && !self.is_same(to, &vector) {
                let apart = self.apart(to, &vector);
                self.guard(apart, true, Why::Domain);
            }
        }
        self.check();
        let unreported = self.reports(to, pending, scalar, same_type)?;
        if let Some(unreported) = unreported {
            self.guard(unreported, true, Why::NotFinite);
        }
        self.before_store(to.class, None)?;
        let (counter, _) = self.elements_of(to, vec![])?;
        let asked = self.asked.replace(vec![]);
        let made = self.element_of(pending, counter).and_then(|v| self.as_element(&v, to.num, scalar));
        self.asked = asked;
        self.forget_unchecked();
        if let Ok(v) = made {
            let place = self.part_at(to, counter);
            let access = jit::ir::Access::new(place.data, None, place.class);
            self.b.store(access, v);
        }
        self.b.end_loop(vec![]);
        made?;
        self.stores = true;
        Ok(())
    }

    /// A loop over the elements of a vector.
    fn elements_of(&mut self, of: &ArrayVal, init: Vec<Value>) -> Result<(Value, Vec<Value>)> {
        let start = self.b.i64(0);
        let (counter, params) = self.b.begin_loop(Some(Range { start, end: of.dims[0], step: 1 }), init);
        Ok((counter.ok_or(Abort::Unsettled)?, params))
    }

    /// Whether numpy would have nothing to report for any element, if there is anything it may report.
    fn reports(
        &mut self,
        to: &ArrayVal,
        pending: &Pending,
        scalar: Scalar,
        same_type: bool,
    ) -> Result<Option<Value>> {
        let fine = self.b.constant(Const::bool(true));
        let (counter, params) = self.elements_of(to, vec![fine])?;
        let asked = self.asked.replace(vec![]);
        let made = self.element_of(pending, counter).and_then(|v| match v.val {
            Val::Num(Flavor::Np(num), _) if same_type && num != to.num => {
                Err(Abort::Operation("in place with a result of another type".into()))
            }
            _ => self.as_element(&v, to.num, scalar),
        });
        // Everything that was noted becomes a question, and is not noted any more.
        self.ask_unchecked();
        let conds = std::mem::replace(&mut self.asked, asked).unwrap_or_default();
        let any = !conds.is_empty();
        let mut all = params[0];
        for (cond, expected) in conds {
            let holds = if expected { cond } else { self.b.unary(Unary::Not, cond) };
            all = self.b.binary(Binary::And, all, holds);
        }
        let results = self.b.end_loop(vec![all]);
        made?;
        Ok(any.then_some(results[0]))
    }

    fn element_of(&mut self, pending: &Pending, k: Value) -> Result<Abs> {
        let (rule, args) = match pending {
            Pending::Number(abs) => return Ok(abs.clone()),
            Pending::Vector(vector) => return self.element_at(vector, k),
            Pending::Apply(rule, args) => (rule, args),
        };
        let mut of = vec![];
        for arg in args {
            of.push(self.element_of(arg, k)?);
        }
        let wraps = std::mem::replace(&mut self.wraps, true);
        let result = match rule {
            Rule::Binary(op) => self.binary(*op, &of[0], &of[1]),
            Rule::Sign(op) => self.sign(*op, &of[0]),
            Rule::Ufunc(name) => self.ufunc(name, &of),
        };
        self.wraps = wraps;
        match result {
            Ok(r) if matches!(r.val, Val::Num(Flavor::Np(_), _)) && r.tag.is_none() => Ok(r),
            Ok(_) => Err(Abort::Operation("an operation whose result is no array".into())),
            Err(e) => Err(e),
        }
    }

    /// Whether two vectors are made of the same values.
    fn is_same(&self, a: &ArrayVal, b: &ArrayVal) -> bool {
        let tr = self.b.trace();
        let data = a.data == b.data || {
            let (x, y) = (tr.def_inst(a.data), tr.def_inst(b.data));
            x.is_some() && x == y && matches!(x, Some(jit::ir::Inst::Lea(_)))
        };
        data && a.num == b.num && a.steps == b.steps && a.dims == b.dims
    }

    /// Whether a vector is another one, or shares no byte with it.
    fn apart(&mut self, to: &ArrayVal, of: &ArrayVal) -> Value {
        let [(a, low_a, high_a), (b, low_b, high_b)] = [to, of].map(|v| self.span(v));
        let (before, behind) =
            (self.b.compare(Cond::Le, high_a, low_b), self.b.compare(Cond::Le, high_b, low_a));
        let mut apart = self.b.binary(Binary::Or, before, behind);
        if to.steps == of.steps && to.num == of.num {
            let same = self.b.compare(Cond::Eq, a, b);
            apart = self.b.binary(Binary::Or, apart, same);
            // Columns of one matrix: elements of each lie between those of the other.
            if let Step::Const(step) = to.steps[0]
                && let size = to.num.size() as i64
                && step.unsigned_abs() >= 2 * size as u64
            {
                let distance = self.b.binary(Binary::Sub, a, b);
                let by = self.b.i64(step.abs());
                let offset = self.b.binary(Binary::Rem, distance, by);
                let [least, most] = [size, step.abs() - size].map(|n| self.b.i64(n));
                let above = self.b.compare(Cond::Ge, offset, least);
                let below = self.b.compare(Cond::Le, offset, most);
                let between = self.b.binary(Binary::And, above, below);
                apart = self.b.binary(Binary::Or, apart, between);
            }
        }
        apart
    }
    /// The address of the first element, of the first byte, and of the byte behind the last one.
    fn span(&mut self, v: &ArrayVal) -> (Value, Value, Value) {
        let first = self.b.bitcast(v.data, Scalar::I64);
        let one = self.b.i64(1);
        let count = self.b.binary(Binary::Sub, v.dims[0], one);
        let step = v.steps[0].value(&mut self.b);
        let way = self.b.binary(Binary::Mul, count, step);
        let last = self.b.binary(Binary::Add, first, way);
        let (low, high) = (self.b.binary(Binary::Min, first, last), self.b.binary(Binary::Max, first, last));
        let size = self.b.i64(v.num.size() as i64);
        (first, low, self.b.binary(Binary::Add, high, size))
    }

    /// Whether a variable holds something that waits.
    pub fn anything_waits(&self) -> bool {
        self.vars.iter().any(|abs| matches!(abs.val, Val::Pending(_)))
    }
    /// Forgets what waits and nobody wants from an instruction on.
    ///
    /// # Errors
    /// If somebody wants it.
    pub fn nothing_waits(&mut self, from: Target) -> Result<()> {
        let waits = |abs: &Abs| matches!(abs.val, Val::Pending(_));
        if (0..self.vars.len()).any(|var| waits(&self.vars[var]) && self.flow.matters(from, var)) {
            return Err(kept());
        }
        self.vars.iter_mut().filter(|abs| waits(abs)).for_each(|abs| *abs = Val::Unbound.into());
        Ok(())
    }
}

/// The vectors an expression reads.
fn leaves(pending: &Pending, out: &mut Vec<Rc<ArrayVal>>) {
    match pending {
        Pending::Number(_) => {}
        Pending::Vector(vector) => {
            if !out.contains(vector) {
                out.push(Rc::clone(vector));
            }
        }
        Pending::Apply(_, args) => args.iter().for_each(|arg| leaves(arg, out)),
    }
}
