//! Complex numbers: pairs of floats.
//!
//! Python and numpy's scalars compute by the same formulas (only numpy's loops over arrays fuse multiplications). A real operand
//! joins in with an imaginary part of 0, as both do it. Numbers of Python take the precision of the `complex64` they meet;
//! `float64` and `int64` make it a `complex128`.

use jit::ir::{Access, Binary, Cond, Const, MemClass, Scalar, Ty, Unary, Value};
use micronumpy::TypeNum;
use ufuncs::abi::LoopDef;
use ufuncs::elem::Complex;

use super::Result;
use crate::bytecode::{BinaryOp, UnaryOp};
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, ComplexType, FLOAT, Flavor, INT, OTHER, Tag, Val};
use crate::record::walk::Walker;

/// A complex operand: its type, its parts, and if it may be a real number instead, the tag that tells.
#[derive(Clone, Copy)]
struct Pair {
    ty: ComplexType,
    re: Value,
    im: Value,
    tag: Option<Tag>,
}

/// Whether one of two values is complex.
pub fn involves(a: &Abs, b: &Abs) -> bool {
    matches!(a.val, Val::Complex(..)) || matches!(b.val, Val::Complex(..))
}

fn unsupported(what: &str) -> Abort {
    Abort::Operation(format!("{what} of complex numbers"))
}

impl Walker<'_, '_> {
    fn pair(&mut self, abs: &Abs) -> Result<Pair> {
        match &abs.val {
            Val::Complex(ty, re, im) => Ok(Pair { ty: *ty, re: *re, im: *im, tag: abs.tag }),
            Val::Num(..) => {
                let (flavor, v) = self.number(abs)?;
                let ty = match flavor {
                    Flavor::Int | Flavor::Float => ComplexType::Python,
                    Flavor::Np(TypeNum::DOUBLE | TypeNum::LONG) => ComplexType::Double,
                    Flavor::Np(TypeNum::FLOAT) => ComplexType::Single,
                    _ => return Err(unsupported("a mixture")),
                };
                let re = if ty == ComplexType::Single { v } else { self.as_float(v) };
                let im = self.b.constant(Const { scalar: ty.part(), bits: 0 });
                Ok(Pair { ty, re, im, tag: None })
            }
            _ => Err(unsupported("an operation")),
        }
    }
    fn complex(&self, ty: ComplexType, re: Value, im: Value) -> Abs {
        Val::Complex(ty, re, im).into()
    }
    /// Parts of another precision. Those that become infinite are reported.
    fn part_as(&mut self, v: Value, scalar: Scalar) -> Value {
        if self.b.ty(v).scalar == scalar {
            return v;
        }
        let r = self.b.convert(v, scalar);
        if scalar == Scalar::F32 {
            let finite = self.is_finite(r);
            self.guard(finite, true, Why::NotFinite);
        }
        r
    }

    /// `a op b`, one of them complex.
    pub fn complex_binary(&mut self, op: BinaryOp, a: &Abs, b: &Abs) -> Result<Abs> {
        if op == BinaryOp::Power {
            return self.complex_power(a, b);
        }
        let (mut x, mut y) = (self.pair(a)?, self.pair(b)?);
        // `numpy.float64` is a `float` for a `complex` on its left, which then does it all.
        let is_double = matches!(b.val, Val::Num(Flavor::Np(TypeNum::DOUBLE), _));
        let ty = match (x.ty, y.ty) {
            (ComplexType::Python, ComplexType::Double)
                if is_double && matches!(a.val, Val::Complex(ComplexType::Python, ..)) =>
            {
                ComplexType::Python
            }
            (ComplexType::Double, _) | (_, ComplexType::Double) => ComplexType::Double,
            (ComplexType::Single, _) | (_, ComplexType::Single) => ComplexType::Single,
            _ => ComplexType::Python,
        };
        let np = ty.is_np();
        // Two values that are the same kind of number at run time give that kind.
        let tag = match (x.tag, y.tag) {
            (Some(s), Some(t)) if s == t && s.may & !(1 << INT | 1 << FLOAT | 1 << OTHER) == 0 && !np => {
                Some(s)
            }
            (Some(_), Some(_)) => {
                let (a, b) = (self.settle_complex(a), self.settle_complex(b));
                return self.complex_binary(op, &a, &b);
            }
            // A real number and a complex one: the formula covers both.
            (Some(t), None) | (None, Some(t)) if t.may & !(1 << INT | 1 << FLOAT | 1 << OTHER) != 0 => {
                return Err(unsupported("an operation"));
            }
            _ => None,
        };
        if (x.tag.is_some() || y.tag.is_some()) && tag.is_none() {
            // The other one must be complex for sure.
            let sure = |abs: &Abs| abs.tag.is_none() && matches!(abs.val, Val::Complex(..));
            if !sure(a) && !sure(b) {
                let (a, b) = (self.settle_complex(a), self.settle_complex(b));
                return self.complex_binary(op, &a, &b);
            }
        }
        for part in [&mut x.re, &mut x.im, &mut y.re, &mut y.im] {
            *part = self.part_as(*part, ty.part());
        }
        let operands = [x.re, x.im, y.re, y.im];
        let (re, im) = match op {
            BinaryOp::Add | BinaryOp::Subtract => {
                let op = if op == BinaryOp::Add { Binary::Add } else { Binary::Sub };
                let re = self.b.binary(op, x.re, y.re);
                let im = self.b.binary(op, x.im, y.im);
                if np {
                    self.must_be_finite(re, &[x.re, y.re], true);
                    self.must_be_finite(im, &[x.im, y.im], true);
                }
                (re, im)
            }
            BinaryOp::Multiply => {
                let (re, im) = self.product((x.re, x.im), (y.re, y.im));
                // A NaN among the operands may hide what the products of others report.
                if np && self.learnt.not_finite {
                    for part in [re, im] {
                        let finite = self.is_finite(part);
                        self.guard(finite, true, Why::NotFinite);
                    }
                } else if np {
                    self.must_be_finite(re, &operands, true);
                    self.must_be_finite(im, &operands, false);
                }
                (re, im)
            }
            BinaryOp::TrueDivide if !np && tag.is_none() => {
                let zero = self.b.f64(0.0);
                let (a, b) = (self.b.compare(Cond::Ne, y.re, zero), self.b.compare(Cond::Ne, y.im, zero));
                let some = self.b.binary(Binary::Or, a, b);
                self.guard(some, true, Why::ByZero);
                let re =
                    self.helper("complex / (re)", quotient_re as *const () as usize, &operands, Scalar::F64);
                let im =
                    self.helper("complex / (im)", quotient_im as *const () as usize, &operands, Scalar::F64);
                (re, im)
            }
            _ => return Err(unsupported("an operation")),
        };
        let Some(tag) = tag else { return Ok(self.complex(ty, re, im)) };
        // What is real after all has no imaginary part, and an integer is small enough to be exact.
        let code = self.b.i64(i64::from(OTHER));
        let is_complex = self.b.compare(Cond::Eq, tag.code, code);
        let zero = self.b.f64(0.0);
        let im = self.b.select(is_complex, im, zero);
        let most = self.b.f64((1u64 << 53) as f64);
        let magnitude = self.b.unary(Unary::Abs, re);
        let small = self.b.compare(Cond::Le, magnitude, most);
        let fine = self.b.binary(Binary::Or, small, is_complex);
        self.guard(fine, true, Why::Domain);
        Ok(Abs { val: Val::Complex(ComplexType::Python, re, im), tag: Some(tag) })
    }

    fn product(&mut self, (ar, ai): (Value, Value), (br, bi): (Value, Value)) -> (Value, Value) {
        let low = self.b.binary(Binary::Mul, ai, bi);
        let high = self.b.binary(Binary::Mul, ar, br);
        let (left, right) = (self.b.binary(Binary::Mul, ar, bi), self.b.binary(Binary::Mul, ai, br));
        (self.b.binary(Binary::Sub, high, low), self.b.binary(Binary::Add, left, right))
    }

    /// A small power, by the squares that CPython multiplies.
    fn complex_power(&mut self, a: &Abs, b: &Abs) -> Result<Abs> {
        let x = self.pair(a)?;
        let n = match &b.val {
            Val::Num(Flavor::Int, v) => self.b.trace().as_const(*v).map(|c| c.bits as i64),
            _ => None,
        };
        let (Some(n @ 1..=16), None, ComplexType::Python) = (n, x.tag, x.ty) else {
            return Err(unsupported("a power"));
        };
        let (mut r, mut p) = ((self.b.f64(1.0), self.b.f64(0.0)), (x.re, x.im));
        let mut mask = 1;
        while n >= mask {
            if n & mask != 0 {
                r = self.product(r, p);
            }
            mask <<= 1;
            p = self.product(p, p);
        }
        for part in [r.0, r.1] {
            let finite = self.is_finite(part);
            self.guard(finite, true, Why::Domain);
        }
        Ok(self.complex(ComplexType::Python, r.0, r.1))
    }

    /// A guard that a value that may be real is complex.
    fn settle_complex(&mut self, abs: &Abs) -> Abs {
        let Some(tag) = abs.tag else { return abs.clone() };
        let code = self.b.i64(i64::from(OTHER));
        let same = self.b.compare(Cond::Eq, tag.code, code);
        self.guard(same, true, Why::Kind);
        abs.val.clone().into()
    }

    pub fn complex_sign(&mut self, op: UnaryOp, a: &Abs) -> Result<Abs> {
        let a = self.settle_complex(a);
        let x = self.pair(&a)?;
        match op {
            UnaryOp::Positive => Ok(a),
            UnaryOp::Negative => {
                let (re, im) = (self.b.unary(Unary::Neg, x.re), self.b.unary(Unary::Neg, x.im));
                Ok(self.complex(x.ty, re, im))
            }
            _ => Err(unsupported("an operation")),
        }
    }
    /// `==` and `!=`, for a complex number that is Python's.
    pub fn complex_equal(&mut self, cond: Cond, a: &Abs, b: &Abs) -> Result<Abs> {
        let (x, y) = (self.pair(a)?, self.pair(b)?);
        if x.ty.is_np() || y.ty.is_np() {
            return Err(unsupported("a comparison"));
        }
        let (re, im) = (self.b.compare(cond, x.re, y.re), self.b.compare(cond, x.im, y.im));
        let op = if cond == Cond::Eq { Binary::And } else { Binary::Or };
        Ok(Abs::num(Flavor::Bool, self.b.binary(op, re, im)))
    }
    pub fn complex_part(&mut self, abs: &Abs, name: &str) -> Option<Abs> {
        let Val::Complex(ty, re, im) = abs.val else { return None };
        let flavor = if ty.is_np() { Flavor::Np(ty.nums()[1]) } else { Flavor::Float };
        match name {
            "real" => Some(Abs::num(flavor, re)),
            "imag" => Some(Abs::num(flavor, im)),
            _ => None,
        }
    }

    /// `abs(z)`.
    pub fn complex_magnitude(&mut self, abs: &Abs) -> Result<Abs> {
        let x = self.pair(abs)?;
        if x.ty.is_np() {
            if x.tag.is_some() {
                return Err(unsupported("abs"));
            }
            let missing = || unsupported("abs");
            let def = ufuncs::table::find("absolute").ok_or_else(missing)?;
            let types = x.ty.nums();
            let def: &'static LoopDef = def.loops.iter().find(|l| *l.types == types).ok_or_else(missing)?;
            self.check();
            let def = self.b.i64(std::ptr::from_ref(def) as i64);
            let addr = match x.ty {
                ComplexType::Single => numpy_magnitude::<f32> as *const () as usize,
                _ => numpy_magnitude::<f64> as *const () as usize,
            };
            let v = self.helper("absolute", addr, &[def, x.re, x.im], x.ty.part());
            self.must_be_finite(v, &[x.re, x.im], false);
            return Ok(Abs::num(Flavor::Np(types[1]), v));
        }
        let v = self.helper("hypot", hypot as *const () as usize, &[x.re, x.im], Scalar::F64);
        let finite = self.is_finite(v);
        self.guard(finite, true, Why::Domain);
        match x.tag {
            None => Ok(Abs::num(Flavor::Float, v)),
            Some(tag) if tag.may & !(1 << INT | 1 << FLOAT | 1 << OTHER) == 0 => {
                // Of an integer it is one.
                let (int, float) = (self.b.i64(i64::from(INT)), self.b.i64(i64::from(FLOAT)));
                let is_int = self.b.compare(Cond::Eq, tag.code, int);
                let code = self.b.select(is_int, int, float);
                let tag = Tag { code, may: 1 << INT | 1 << FLOAT, other: None };
                Ok(Abs { val: Val::Num(Flavor::Float, v), tag: Some(tag) })
            }
            Some(_) => Err(unsupported("abs")),
        }
    }

    /// `complex(re, im)`.
    pub fn complex_of(&mut self, args: &[Abs]) -> Result<Abs> {
        let mut parts = vec![];
        for a in args {
            let (_, v) = self.number(a)?;
            parts.push(self.as_float(v));
        }
        let zero = self.b.f64(0.0);
        match parts[..] {
            [] => Ok(self.complex(ComplexType::Python, zero, zero)),
            [re] => Ok(self.complex(ComplexType::Python, re, zero)),
            [re, im] => Ok(self.complex(ComplexType::Python, re, im)),
            _ => Err(unsupported("a construction")),
        }
    }

    /// The element at an address.
    pub fn load_complex(&mut self, ty: ComplexType, data: Value, class: MemClass) -> Abs {
        let [re, im] =
            parts_at(ty.part(), data, class).map(|access| self.b.load(Ty::scalar(ty.part()), access));
        self.complex(ty, re, im)
    }
    /// A number as an element of a complex array.
    pub fn as_complex_element(&mut self, ty: ComplexType, value: &Abs) -> Result<(Value, Value)> {
        // A real number has the same parts.
        let tag = value.tag.map_or(0, |t| t.may);
        let (re, im) = match value.val {
            Val::Complex(_, re, im) if tag & !(1 << INT | 1 << FLOAT | 1 << OTHER) == 0 => (re, im),
            _ => {
                let x = self.pair(value)?;
                (x.re, x.im)
            }
        };
        Ok((self.part_as(re, ty.part()), self.part_as(im, ty.part())))
    }
    pub fn store_complex(&mut self, data: Value, class: MemClass, (re, im): (Value, Value)) {
        let part = self.b.ty(re).scalar;
        for (access, part) in parts_at(part, data, class).into_iter().zip([re, im]) {
            self.b.store(access, part);
        }
    }
}

fn parts_at(part: Scalar, data: Value, class: MemClass) -> [Access; 2] {
    let re = Access::new(data, None, class);
    let mut im = re;
    im.addr.disp = part.size() as i32;
    [re, im]
}

unsafe extern "C" {
    fn hypot(x: f64, y: f64) -> f64;
}

extern "C" fn numpy_magnitude<T: Copy + Default>(def: &'static LoopDef, re: T, im: T) -> T {
    let mut z = Complex { re, im };
    let mut out = T::default();
    let data = [std::ptr::from_mut(&mut z).cast::<u8>(), std::ptr::from_mut(&mut out).cast()];
    // SAFETY: one aligned native element for each operand, of the types the loop was chosen by.
    unsafe {
        (def.func)(std::ptr::null(), data.as_ptr(), [1isize].as_ptr(), [0isize; 4].as_ptr(), def.aux);
    }
    out
}

/// Division as CPython does it, scaled by the larger part of a divisor that is not zero.
fn quotient(ar: f64, ai: f64, br: f64, bi: f64) -> (f64, f64) {
    if br.abs() >= bi.abs() {
        let ratio = bi / br;
        let scale = br + bi * ratio;
        ((ar + ai * ratio) / scale, (ai - ar * ratio) / scale)
    } else if bi.abs() >= br.abs() {
        let ratio = br / bi;
        let scale = br * ratio + bi;
        ((ar * ratio + ai) / scale, (ai * ratio - ar) / scale)
    } else {
        (f64::NAN, f64::NAN)
    }
}
extern "C" fn quotient_re(ar: f64, ai: f64, br: f64, bi: f64) -> f64 {
    quotient(ar, ai, br, bi).0
}
extern "C" fn quotient_im(ar: f64, ai: f64, br: f64, bi: f64) -> f64 {
    quotient(ar, ai, br, bi).1
}
