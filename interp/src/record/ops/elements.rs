//! Operations on small arrays: element by element, in the trace.
//!
//! What an operation does to elements is the rule for numpy's scalars, applied to each, with one difference: integers of
//! arrays wrap silently. A result is a new array that nobody made ([`Small`]); one without axes is a scalar, as in numpy.

use std::rc::Rc;

use jit::ir::{Binary, Const, Scalar, Unary, Value};
use micronumpy::{Dtype, TypeNum};

use super::Result;
use super::rows::Rule;
use crate::bytecode::{BinaryOp, UnaryOp};
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, ArrayVal, Flavor, Val, scalar_of};
use crate::record::small::{self, Small};
use crate::record::walk::Walker;

/// The longest inner products that are one sum in the object space, wherever operands lie.
const MOST_SUMMED: usize = 7;
/// The most products that a matrix of such sums has.
const MOST_PRODUCTS: usize = 124;

/// The elements of a small array, as they are now.
pub struct Operand {
    pub num: TypeNum,
    pub dims: Vec<usize>,
    pub elements: Vec<Value>,
    /// Whether a result made from it is in C order.
    pub is_c_like: bool,
}

impl Operand {
    pub fn element(&self, k: usize) -> Abs {
        Abs::num(Flavor::Np(self.num), self.elements[k])
    }
}

/// Whether something is an array.
pub fn is_array(abs: &Abs) -> bool {
    abs.tag.is_none() && matches!(abs.val, Val::Array(_) | Val::Small(_) | Val::Pending(_))
}

fn too_large() -> Abort {
    Abort::Operation("an array of many elements".into())
}

impl Walker<'_, '_> {
    /// A new array.
    pub fn fresh(&mut self, num: TypeNum, dims: &[usize], cells: Vec<Value>) -> Abs {
        let id = self.fresh_id();
        Val::Small(Rc::new(Small::new(id, num, dims, cells))).into()
    }

    /// The extents of an array, which must be known and small. Where they are those of inputs, the loop is recorded for
    /// what they are now.
    pub fn extents(&mut self, a: &ArrayVal) -> Result<Vec<usize>> {
        if let Some(dims) = a.extents(&self.b) {
            if dims.iter().product::<usize>() > small::MOST {
                return Err(too_large());
            }
            return Ok(dims);
        }
        if self.hints.fixed {
            return Err(too_large());
        }
        self.hints.fixed = true;
        self.hints.learnt = true;
        Err(Abort::Again)
    }

    /// The elements of an array, read now.
    pub fn operand(&mut self, abs: &Abs) -> Result<Operand> {
        match &abs.val {
            Val::Small(s) if abs.tag.is_none() => Ok(Operand {
                num: s.num,
                dims: s.dims.clone(),
                elements: s.elements(),
                is_c_like: s.is_c_like(),
            }),
            Val::Array(a) if abs.tag.is_none() => {
                let a = Rc::clone(a);
                if scalar_of(a.num).is_none() {
                    return Err(Abort::Array("has elements the compiler has no type for"));
                }
                let dims = self.extents(&a)?;
                let elements = a.elements(&mut self.b, &dims);
                let steps: Vec<Option<i64>> = a.steps.iter().map(|s| s.constant()).collect();
                let long = dims.iter().zip(&steps).filter(|(n, _)| **n > 1).map(|(_, s)| *s);
                let long: Option<Vec<i64>> = long.collect();
                let is_c_like = dims.iter().filter(|n| **n > 1).count() < 2
                    || long.is_some_and(|s| s.windows(2).all(|w| w[0].abs() >= w[1].abs()));
                Ok(Operand { num: a.num, dims, elements, is_c_like })
            }
            _ => Err(Abort::Operation("something else than an array of numbers".into())),
        }
    }

    /// Applies a rule for scalars to the elements of arrays, and to numbers that go with them.
    pub fn elementwise(
        &mut self,
        args: &[Abs],
        rule: &mut dyn FnMut(&mut Self, &[Abs]) -> Result<Abs>,
    ) -> Result<Abs> {
        let mut operands = vec![];
        for arg in args {
            operands.push(if is_array(arg) {
                Ok(self.operand(arg)?)
            } else {
                let (flavor, v) = self.number(arg)?;
                Err(Abs::num(flavor, v))
            });
        }
        let arrays: Vec<&[usize]> = operands.iter().flatten().map(|o| &o.dims[..]).collect();
        let dims =
            small::broadcast(&arrays).ok_or(Abort::Operation("shapes that do not go together".into()))?;
        let count: usize = dims.iter().product();
        if count > small::MOST || count == 0 {
            return Err(too_large());
        }
        if dims.len() > 1 && !operands.iter().flatten().all(|o| o.is_c_like) {
            return Err(Abort::Array("is not in C order"));
        }
        let places: Vec<Vec<usize>> = operands
            .iter()
            .map(|o| o.as_ref().map_or_else(|_| vec![], |o| small::spread(&o.dims, &dims)))
            .collect();
        let mut cells = vec![];
        let mut num = None;
        for k in 0..count {
            let of: Vec<Abs> = operands
                .iter()
                .zip(&places)
                .map(|(o, p)| o.as_ref().map_or_else(Abs::clone, |o| o.element(p[k])))
                .collect();
            let wraps = std::mem::replace(&mut self.wraps, true);
            let result = rule(self, &of);
            self.wraps = wraps;
            let result = result?;
            let Val::Num(Flavor::Np(n), v) = result.val else {
                return Err(Abort::Operation("an operation whose result is no array".into()));
            };
            if dims.is_empty() {
                return Ok(result);
            }
            num = Some(n);
            cells.push(v);
        }
        let num = num.ok_or_else(too_large)?;
        Ok(self.fresh(num, &dims, cells))
    }

    /// `a op b`, one of which is an array.
    pub fn array_binary(&mut self, op: BinaryOp, a: &Abs, b: &Abs) -> Result<Abs> {
        if op == BinaryOp::MatrixMultiply {
            return self.dot(a, b, true);
        }
        if op != BinaryOp::Power
            && let Some(pending) = self.apply(Rule::Binary(op), &[a.clone(), b.clone()])?
        {
            return Ok(self.wait(pending));
        }
        if op == BinaryOp::Power && is_array(a) && !is_array(b) {
            let (flavor, v) = self.number(b)?;
            let known = self.b.trace().as_const(v);
            if flavor == Flavor::Int
                && known.is_some_and(|c| c.bits == 2)
                && self.waiting(a).is_some_and(|p| !p.may_be_bool())
            {
                return self.array_binary(BinaryOp::Multiply, a, a);
            }
            let num = self.operand(a)?.num;
            match (flavor, known.map(|c| c.bits)) {
                (Flavor::Int, Some(2)) if !num.is_bool() => {
                    return self.elementwise(std::slice::from_ref(a), &mut |w, x| {
                        w.binary(BinaryOp::Multiply, &x[0], &x[0])
                    });
                }
                (Flavor::Float, Some(bits)) if num.is_float() && f64::from_bits(bits) == 0.5 => {
                    return self.ufunc("sqrt", std::slice::from_ref(a));
                }
                (Flavor::Int, Some(bits)) if num.is_float() && bits as i64 != -1 => {}
                (Flavor::Float, Some(_)) => {}
                // Which function computes it depends on the exponent.
                _ => return Err(Abort::Operation("power with such an exponent".into())),
            }
        }
        self.elementwise(&[a.clone(), b.clone()], &mut |w, x| w.binary(op, &x[0], &x[1]))
    }

    /// `a op= b` of an array.
    pub fn in_place(&mut self, op: BinaryOp, a: &Abs, b: &Abs) -> Result<Abs> {
        if op == BinaryOp::MatrixMultiply {
            return Err(Abort::Operation("@= of arrays".into()));
        }
        if op != BinaryOp::Power
            && let Some(result) = self.in_place_long(op, a, b)?
        {
            return Ok(result);
        }
        let result = self.array_binary(op, a, b)?;
        let to = match &a.val {
            Val::Small(s) => (s.num, s.dims.clone()),
            Val::Array(array) => (array.num, self.extents(&Rc::clone(array))?),
            _ => return Err(Abort::Operation("in place of such an object".into())),
        };
        let Val::Small(r) = &result.val else {
            return Err(Abort::Operation("in place of an array without axes".into()));
        };
        if (r.num, &r.dims) != (to.0, &to.1) {
            return Err(Abort::Operation("in place with a result of another type or shape".into()));
        }
        self.assign(a, r.elements())
    }

    /// Puts elements, in C order, into an array; gives the array. Nothing may leave the trace behind this.
    pub fn assign(&mut self, to: &Abs, elements: Vec<Value>) -> Result<Abs> {
        match &to.val {
            Val::Small(s) => {
                let mut cells = s.cells.to_vec();
                for (place, v) in s.places().into_iter().zip(elements) {
                    cells[place] = v;
                }
                let new = Small { cells: cells.clone().into(), ..Small::clone(s) };
                let s = Rc::clone(s);
                self.write(&s, cells)?;
                Ok(Val::Small(Rc::new(new)).into())
            }
            Val::Array(a) => {
                if !a.writeable {
                    return Err(Abort::Array("is read-only"));
                }
                if !self.calls.is_empty() {
                    return Err(Abort::Operation("assignment in a function that is called".into()));
                }
                let a = Rc::clone(a);
                let dims = self.extents(&a)?;
                self.check();
                self.before_store(a.class, None)?;
                let accesses = a.accesses(&mut self.b, &dims);
                for (access, v) in accesses.into_iter().zip(elements) {
                    self.b.store(access, v);
                }
                self.stores = true;
                Ok(to.clone())
            }
            _ => Err(Abort::Operation("assignment to such an object".into())),
        }
    }

    /// A value for each element that is assigned to, as an assignment converts and spreads it.
    pub fn converted(&mut self, value: &Abs, dims: &[usize], num: TypeNum) -> Result<Vec<Value>> {
        let scalar = scalar_of(num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        let count: usize = dims.iter().product();
        if count > small::MOST {
            return Err(too_large());
        }
        if matches!(value.val, Val::List(..) | Val::Tuple(_)) && value.tag.is_none() {
            let made = self.array_of(value, None)?;
            return self.converted(&made, dims, num);
        }
        if !is_array(value) {
            let v = self.as_element(value, num, scalar)?;
            return Ok(vec![v; count]);
        }
        let mut o = self.operand(value)?;
        // More axes of one element do no harm.
        while o.dims.len() > dims.len() && o.dims[0] == 1 {
            o.dims.remove(0);
        }
        if o.dims.len() > dims.len() || small::broadcast(&[&o.dims, dims]).as_deref() != Some(dims) {
            return Err(Abort::Operation("shapes that do not go together".into()));
        }
        small::spread(&o.dims, dims)
            .into_iter()
            .map(|k| self.as_element(&o.element(k), num, scalar))
            .collect()
    }

    /// `-a`, `+a`, `~a` of an array.
    pub fn array_unary(&mut self, op: UnaryOp, a: &Abs) -> Result<Abs> {
        if let Some(pending) = self.apply(Rule::Sign(op), std::slice::from_ref(a))? {
            return Ok(self.wait(pending));
        }
        self.elementwise(std::slice::from_ref(a), &mut |w, x| match op {
            UnaryOp::Invert | UnaryOp::Positive | UnaryOp::Negative => w.sign(op, &x[0]),
            UnaryOp::Not => Err(Abort::Operation("truth of an array".into())),
        })
    }

    /// An array of what a nest of lists and tuples holds.
    pub fn array_of(&mut self, abs: &Abs, num: Option<TypeNum>) -> Result<Abs> {
        let mut leaves = vec![];
        let dims = self.leaves(abs, &mut leaves)?;
        if leaves.is_empty() || leaves.len() > small::MOST {
            return Err(too_large());
        }
        let mut found: Option<Dtype> = None;
        for &(flavor, _) in &leaves {
            let own = Dtype::builtin(match flavor {
                Flavor::Int => TypeNum::LONG,
                Flavor::Bool => TypeNum::BOOL,
                Flavor::Float => TypeNum::DOUBLE,
                Flavor::Np(num) => num,
            });
            found = Some(match found {
                None => own,
                Some(other) => micronumpy::dtype::promote(&other, &own)
                    .map_err(|_| Abort::Operation("of types without a common one".into()))?,
            });
        }
        let num = num.or(found.map(|d| d.num)).ok_or_else(too_large)?;
        let scalar = scalar_of(num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        let mut cells = vec![];
        for (flavor, v) in leaves {
            cells.push(self.as_element(&Abs::num(flavor, v), num, scalar)?);
        }
        Ok(self.fresh(num, &dims, cells))
    }

    /// The numbers in a nest of sequences, and its extents.
    fn leaves(&mut self, abs: &Abs, out: &mut Vec<(Flavor, Value)>) -> Result<Vec<usize>> {
        match &abs.val {
            Val::List(_, items) | Val::Tuple(items) if abs.tag.is_none() => {
                let mut inner: Option<Vec<usize>> = None;
                for item in items.iter() {
                    let dims = self.leaves(item, out)?;
                    if inner.as_ref().is_some_and(|d| *d != dims) {
                        return Err(Abort::Operation("a ragged list".into()));
                    }
                    inner = Some(dims);
                }
                let mut dims = vec![items.len()];
                dims.extend(inner.ok_or_else(too_large)?);
                Ok(dims)
            }
            Val::Array(_) | Val::Small(_) => {
                let o = self.operand(abs)?;
                out.extend(o.elements.iter().map(|&v| (Flavor::Np(o.num), v)));
                Ok(o.dims)
            }
            _ => {
                out.push(self.number(abs)?);
                Ok(vec![])
            }
        }
    }

    /// A constant of a type.
    pub fn filled(&mut self, num: TypeNum, dims: &[usize], n: i64) -> Result<Abs> {
        let scalar = scalar_of(num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        let count: usize = dims.iter().product();
        if count > small::MOST || count == 0 {
            return Err(too_large());
        }
        let v = match scalar {
            Scalar::F64 => self.b.f64(n as f64),
            Scalar::F32 => self.b.constant(Const::f32(n as f32)),
            scalar => self.b.constant(Const::canonical(scalar, n as u64)),
        };
        Ok(self.fresh(num, dims, vec![v; count]))
    }

    /// `a @ b` and `dot`, in the order in which the object space adds.
    pub fn dot(&mut self, a: &Abs, b: &Abs, is_matmul: bool) -> Result<Abs> {
        if !is_array(a) || !is_array(b) {
            return if is_matmul {
                Err(Abort::Operation("@ of a number".into()))
            } else {
                self.binary(BinaryOp::Multiply, a, b)
            };
        }
        if let (Some(x), Some(y)) = (self.long(a, MOST_SUMMED), self.long(b, MOST_SUMMED)) {
            return self.dot_long(&x, &y);
        }
        let (x, y) = (self.operand(a)?, self.operand(b)?);
        let unsupported = || Err(Abort::Operation("a product of such arrays".into()));
        if x.num != y.num || x.num.is_bool() {
            return unsupported();
        }
        let (m, k, n) = match (&x.dims[..], &y.dims[..]) {
            (&[k], &[l]) if k == l => (1, k, 1),
            (&[m, k], &[l]) if k == l => (m, k, 1),
            (&[k], &[l, n]) if k == l => (1, k, n),
            (&[m, k], &[l, n]) if k == l => (m, k, n),
            _ => return unsupported(),
        };
        // Up to here each element of the result is one sum, from the first product on; beyond, there are several or tiles.
        let is_tiled = m > 1 && n > 1 && m * k * n > MOST_PRODUCTS;
        if !(2..=MOST_SUMMED).contains(&k) || m * n > small::MOST || is_tiled {
            return unsupported();
        }
        let scalar = self.b.ty(x.elements[0]).scalar;
        let mut cells = vec![];
        for i in 0..m {
            for j in 0..n {
                let mut sum = self.b.constant(Const { scalar, bits: 0 });
                for l in 0..k {
                    let (p, q) = (x.elements[i * k + l], y.elements[l * n + j]);
                    let r = self.b.binary(Binary::Mul, p, q);
                    self.finite_if_float(r, &[p, q]);
                    sum = self.add(sum, r);
                }
                cells.push(sum);
            }
        }
        let dims: Vec<usize> =
            x.dims[..x.dims.len() - 1].iter().chain(y.dims.iter().skip(1)).copied().collect();
        if dims.is_empty() {
            return Ok(Abs::num(Flavor::Np(x.num), cells[0]));
        }
        Ok(self.fresh(x.num, &dims, cells))
    }

    /// A sum of two elements: integers wrap.
    pub fn add(&mut self, x: Value, y: Value) -> Value {
        let r = self.b.binary(Binary::Add, x, y);
        self.finite_if_float(r, &[x, y]);
        r
    }
    pub fn finite_if_float(&mut self, result: Value, operands: &[Value]) {
        if self.b.ty(result).scalar.is_float() {
            self.must_be_finite(result, operands, true);
        }
    }

    /// `where(c, x, y)`.
    pub fn chosen(&mut self, args: &[Abs; 3]) -> Result<Abs> {
        self.elementwise(args, &mut |w, of| {
            let cond = w.truth(&of[0])?;
            let ((fa, x), (fb, y)) = (w.number(&of[1])?, w.number(&of[2])?);
            let num = match super::arith::common(fa, fb)? {
                Flavor::Np(num) => num,
                Flavor::Float => TypeNum::DOUBLE,
                Flavor::Int => TypeNum::LONG,
                Flavor::Bool => TypeNum::BOOL,
            };
            let num = if fa == Flavor::Bool && fb == Flavor::Bool { TypeNum::BOOL } else { num };
            let (x, y) = (w.numpy_of(num, (fa, x))?, w.numpy_of(num, (fb, y))?);
            Ok(Abs::num(Flavor::Np(num), w.b.select(cond, x, y)))
        })
    }

    /// The square root of a number that is an intermediate result.
    pub fn root(&mut self, num: TypeNum, x: Value) -> Abs {
        self.check();
        let zero = self.b.f64(0.0);
        let fine = self.b.compare(jit::ir::Cond::Ge, x, zero);
        self.guard(fine, true, Why::Domain);
        let v = self.b.unary(Unary::Sqrt, x);
        Abs::num(Flavor::Np(num), v)
    }
}
