//! Comparisons, truth and identity.

use jit::ir::{Binary, Cond, Const, Scalar, Value};
use micronumpy::TypeNum;

use super::Result;
use crate::bytecode::CompareOp;
use crate::record::abort::Abort;
use crate::record::kind::{Abs, BOOL, FLOAT, Flavor, INT, NP, OTHER, Tag, Val};
use crate::record::walk::Walker;

use super::arith::common;

impl Walker<'_, '_> {
    /// Which values count as true.
    pub fn truth(&mut self, abs: &Abs) -> Result<Value> {
        match &abs.val {
            // All of the types a number may have agree about that.
            Val::Num(_, v) => {
                let v = *v;
                let truth =
                    if self.b.ty(v).scalar == Scalar::Bool { v } else { self.b.convert(v, Scalar::Bool) };
                match abs.tag {
                    Some(tag) if tag.may & (1 << OTHER) != 0 => {
                        if tag.other != Some(self.py.None().as_ptr()) {
                            return Err(Abort::Operation("truth of an object".into()));
                        }
                        let is_number = self.is_code(tag, OTHER, Cond::Ne);
                        Ok(self.b.binary(Binary::And, truth, is_number))
                    }
                    _ => Ok(truth),
                }
            }
            Val::Complex(_, re, im) => {
                let (re, im) = (*re, *im);
                let (re, im) = (self.b.convert(re, Scalar::Bool), self.b.convert(im, Scalar::Bool));
                Ok(self.b.binary(Binary::Or, re, im))
            }
            Val::Tuple(items) if abs.tag.is_none() => {
                let some = !items.is_empty();
                Ok(self.b.constant(Const::bool(some)))
            }
            _ if self.is_none(abs) => Ok(self.b.constant(Const::bool(false))),
            _ => Err(Abort::Operation("truth of an object".into())),
        }
    }

    fn is_code(&mut self, tag: Tag, code: u32, cond: Cond) -> Value {
        let code = self.b.i64(i64::from(code));
        self.b.compare(cond, tag.code, code)
    }

    /// `<`, `==` and their like.
    pub fn ordering(&mut self, op: CompareOp, a: &Abs, b: &Abs) -> Result<Abs> {
        let cond = match op {
            CompareOp::Eq => Cond::Eq,
            CompareOp::NotEq => Cond::Ne,
            CompareOp::Lt => Cond::Lt,
            CompareOp::LtE => Cond::Le,
            CompareOp::Gt => Cond::Gt,
            CompareOp::GtE => Cond::Ge,
            _ => return Err(Abort::Operation(format!("{op:?}"))),
        };
        if super::complex::involves(a, b) {
            return match cond {
                Cond::Eq | Cond::Ne => self.complex_equal(cond, a, b),
                _ => Err(Abort::Operation("order of complex numbers".into())),
            };
        }
        // A float that may be of either kind compares alike; only the type of the answer differs.
        let mut tags: Vec<Tag> = vec![];
        let mut sides = [a.clone(), b.clone()];
        for side in &mut sides {
            if let (Some(t), Val::Num(payload, v)) = (side.tag, &side.val)
                && t.may & !(1 << INT | 1 << FLOAT | 1 << NP) == 0
            {
                let (v, is_np) = (*v, payload.is_np());
                let flavor = match self.b.ty(v).scalar {
                    Scalar::F64 => Flavor::Float,
                    Scalar::I64 => Flavor::Int,
                    _ => continue,
                };
                // Both of Python's give Python's.
                if is_np {
                    tags.push(t);
                }
                *side = Abs::num(flavor, v);
            }
        }
        let ((fa, x), (fb, y)) = (self.number(&sides[0])?, self.number(&sides[1])?);
        let (flavor, v) = self.compared(cond, fa, x, fb, y)?;
        match tags[..] {
            [s, ..] if flavor == Flavor::Bool => {
                let t = tags.get(1).copied().unwrap_or(s);
                let code = self.numpy_if_either(s, t, BOOL);
                let val = Val::Num(Flavor::Np(TypeNum::BOOL), v);
                Ok(Abs { val, tag: Some(Tag { code, may: 1 << NP | 1 << BOOL, other: None }) })
            }
            _ => Ok(Abs::num(flavor, v)),
        }
    }

    /// A comparison of numbers of known types.
    pub fn compared(
        &mut self,
        cond: Cond,
        fa: Flavor,
        x: Value,
        fb: Flavor,
        y: Value,
    ) -> Result<(Flavor, Value)> {
        let flavor = if fa == fb { fa } else { common(fa, fb)? };
        let (x, y) = match flavor {
            Flavor::Bool => (x, y),
            Flavor::Int => (self.as_int(x), self.as_int(y)),
            Flavor::Float => {
                // Python compares an integer with a float exactly.
                for (f, v) in [(fa, x), (fb, y)] {
                    if f == Flavor::Int {
                        self.guard_exact(v);
                    }
                }
                (self.as_float(x), self.as_float(y))
            }
            Flavor::Np(num) => {
                let integers = |f: Flavor| match f {
                    Flavor::Np(n) => n.is_integer(),
                    f => f == Flavor::Int,
                };
                if integers(fa) && integers(fb) && !num.is_integer() {
                    return Err(Abort::Operation("comparison of signed with unsigned integers".into()));
                }
                (self.numpy_of(num, (fa, x))?, self.numpy_of(num, (fb, y))?)
            }
        };
        let v = self.b.compare(cond, x, y);
        let is_np = fa.is_np() || fb.is_np();
        Ok((if is_np { Flavor::Np(TypeNum::BOOL) } else { Flavor::Bool }, v))
    }

    /// `is`, as far as it does not depend on which objects numbers are.
    pub fn identity(&mut self, op: CompareOp, a: &Abs, b: &Abs) -> Result<Abs> {
        // A number, or an object that is always the same.
        let either = match (a.tag, b.tag) {
            (Some(tag), None) => Some((tag, &b.val)),
            (None, Some(tag)) => Some((tag, &a.val)),
            _ => None,
        };
        if let Some((tag, Val::Const(p))) = either
            && tag.other == Some(*p)
        {
            let cond = if op == CompareOp::Is { Cond::Eq } else { Cond::Ne };
            let answer = self.is_code(tag, OTHER, cond);
            return Ok(Abs::num(Flavor::Bool, answer));
        }
        let same = match (&a.val, &b.val) {
            _ if a.tag.is_some() || b.tag.is_some() => None,
            (Val::Const(p), Val::Const(q)) => Some(p == q),
            (Val::Const(p), Val::Num(..) | Val::Array(_) | Val::Tuple(_) | Val::Small(_))
            | (Val::Num(..) | Val::Array(_) | Val::Tuple(_) | Val::Small(_), Val::Const(p)) => {
                (*p == self.py.None().as_ptr()).then_some(false)
            }
            _ => None,
        };
        let same = same.ok_or(Abort::Operation("identity of such objects".into()))?;
        let answer = self.b.constant(Const::bool(same == (op == CompareOp::Is)));
        Ok(Abs::num(Flavor::Bool, answer))
    }
}
