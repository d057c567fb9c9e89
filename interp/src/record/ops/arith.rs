//! Arithmetic on numbers.
//!
//! Python's integers leave the trace when they outgrow 64 bits, its floats when they would raise. Numpy's scalars follow
//! NEP 50: a Python number takes the type of the numpy scalar it meets. They warn instead of raising, so whatever may
//! warn is a guard: integers that wrap, divisions by zero, results that are not finite.

use jit::ir::{Binary, CallDescr, Cond, Const, Effects, Scalar, Unary, Value};
use micronumpy::{Dtype, TypeNum};

use super::Result;
use super::complex::involves;
use super::elements::is_array;
use crate::bytecode::{BinaryOp, UnaryOp};
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, FLOAT, Flavor, INT, NP, Tag, Val, flavor_of, scalar_of};
use crate::record::walk::Walker;

/// The type two numbers are computed in, before the operation has its say.
pub fn common(a: Flavor, b: Flavor) -> Result<Flavor> {
    Ok(match (a, b) {
        (Flavor::Np(m), Flavor::Np(n)) => {
            let joined = micronumpy::dtype::promote(&Dtype::builtin(m), &Dtype::builtin(n))
                .map_err(|_| Abort::Operation("of types without a common one".into()))?;
            Flavor::Np(joined.num)
        }
        (Flavor::Np(m), weak) | (weak, Flavor::Np(m)) => Flavor::Np(match weak {
            Flavor::Float if m.is_bool() || m.is_integer() => TypeNum::DOUBLE,
            Flavor::Int if m.is_bool() => TypeNum::LONG,
            _ => m,
        }),
        (Flavor::Float, _) | (_, Flavor::Float) => Flavor::Float,
        _ => Flavor::Int,
    })
}

impl Walker<'_, '_> {
    /// `a op b`.
    pub fn binary(&mut self, op: BinaryOp, a: &Abs, b: &Abs) -> Result<Abs> {
        if is_array(a) || is_array(b) {
            return self.array_binary(op, a, b);
        }
        if involves(a, b) {
            return self.complex_binary(op, a, b);
        }
        // Of a value that is one of several types the result is, too.
        if a.tag.is_some() && b.tag.is_some() {
            if let Some(result) = self.of_two_several(op, a, b)? {
                return Ok(result);
            }
        }
        let (a, b) = match (a.tag, b.tag) {
            (Some(_), Some(_)) => (self.settle(a), b.clone()),
            _ => (a.clone(), b.clone()),
        };
        if a.tag.is_some() {
            let (fb, _) = self.number(&b)?;
            return self.of_several(op, &a, &b, fb, false);
        }
        if b.tag.is_some() {
            let (fa, _) = self.number(&a)?;
            return self.of_several(op, &b, &a, fa, true);
        }
        let ((fa, x), (fb, y)) = (self.number(&a)?, self.number(&b)?);
        let (flavor, v) = self.arith(op, fa, x, fb, y)?;
        Ok(Abs::num(flavor, v))
    }

    /// An operation of two values that are each a Python number or the numpy scalar with the same bits: it is numpy's if
    /// either is.
    fn of_two_several(&mut self, op: BinaryOp, a: &Abs, b: &Abs) -> Result<Option<Abs>> {
        let (Some(s), Some(t), Val::Num(f, x), Val::Num(g, y)) = (a.tag, b.tag, &a.val, &b.val) else {
            return Ok(None);
        };
        let (f, x, y) = (*f, *x, *y);
        let python = match self.b.ty(x).scalar {
            Scalar::F64 => FLOAT,
            Scalar::I64 => INT,
            _ => return Ok(None),
        };
        let either = 1 << python | 1 << NP;
        let plain = matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply);
        if f != *g || !f.is_np() || (s.may | t.may) & !either != 0 || !plain {
            return Ok(None);
        }
        let (flavor, r) = self.arith(op, f, x, f, y)?;
        let code = self.numpy_if_either(s, t, python);
        Ok(Some(Abs { val: Val::Num(flavor, r), tag: Some(Tag { code, may: either, other: None }) }))
    }
    /// The code of numpy if one of two tags says so, else that of a Python type.
    pub fn numpy_if_either(&mut self, s: Tag, t: Tag, python: u32) -> Value {
        let numpy = self.b.i64(i64::from(NP));
        let python = self.b.i64(i64::from(python));
        let first = self.b.compare(Cond::Eq, s.code, numpy);
        let second = self.b.compare(Cond::Eq, t.code, numpy);
        let either = self.b.binary(Binary::Or, first, second);
        self.b.select(either, numpy, python)
    }

    /// An operation of a value with a tag with one without. All of the possible types compute the same bits, or the likely
    /// one is guarded.
    fn of_several(&mut self, op: BinaryOp, a: &Abs, b: &Abs, fb: Flavor, swapped: bool) -> Result<Abs> {
        let (Some(tag), Val::Num(payload, v)) = (a.tag, &a.val) else {
            return Err(Abort::Operation("of something that may be a number".into()));
        };
        let (payload, v) = (*payload, *v);
        let plain = matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply);
        let scalar = self.b.ty(v).scalar;
        let codes: Vec<u32> = [INT, FLOAT, NP].into_iter().filter(|c| tag.may & (1 << c) != 0).collect();
        let others = tag.may & !(1 << INT | 1 << FLOAT | 1 << NP) != 0;
        let flavors: Vec<Flavor> = codes.iter().map(|&c| flavor_of(c, payload)).collect();
        let mut results = vec![];
        for &f in &flavors {
            results.push(common(f, fb)?);
        }
        let strict = match results.iter().rev().copied().find(|f| f.is_np()).or(results.last().copied()) {
            Some(strict) if plain && !others => strict,
            _ => Flavor::Int,
        };
        let same = plain
            && !others
            && results.iter().all(|f| f.scalar() == strict.scalar())
            // An integer that is kept as a float is only good for meeting floats.
            && (scalar == strict.scalar() || scalar == Scalar::I64)
            && (scalar != Scalar::F64 || strict.scalar() == Scalar::F64);
        if !same {
            let settled = self.settle(a);
            return if swapped { self.binary(op, b, &settled) } else { self.binary(op, &settled, b) };
        }
        // With the payload's own type as the operand's: integers kept as floats are floats here.
        let own = match scalar {
            Scalar::F64 if strict.is_np() => Flavor::Np(TypeNum::DOUBLE),
            Scalar::F64 => Flavor::Float,
            _ if flavors.iter().any(|f| f.is_np()) => payload,
            _ => Flavor::Int,
        };
        let (_, y) = self.number(b)?;
        let (flavor, r) =
            if swapped { self.arith(op, fb, y, own, v)? } else { self.arith(op, own, v, fb, y)? };
        let first = results[0];
        if results.iter().all(|f| *f == first) {
            return Ok(Abs::num(first, r));
        }
        // Which type it is follows from which type the operand was.
        let code_of = |f: Flavor| match f {
            Flavor::Int => INT,
            Flavor::Float => FLOAT,
            _ => NP,
        };
        let mut code = tag.code;
        let mut may = 0;
        for (&from, &to) in codes.iter().zip(&results) {
            may |= 1 << code_of(to);
            if from != code_of(to) {
                let (from, to) = (self.b.i64(i64::from(from)), self.b.i64(i64::from(code_of(to))));
                let is = self.b.compare(Cond::Eq, tag.code, from);
                code = self.b.select(is, to, code);
            }
        }
        Ok(Abs { val: Val::Num(flavor, r), tag: Some(Tag { code, may, other: None }) })
    }

    /// An operation of two numbers of known types.
    pub fn arith(
        &mut self,
        op: BinaryOp,
        fa: Flavor,
        x: Value,
        fb: Flavor,
        y: Value,
    ) -> Result<(Flavor, Value)> {
        if fa == Flavor::Bool && fb == Flavor::Bool {
            let bits = match op {
                BinaryOp::And => Some(Binary::And),
                BinaryOp::Or => Some(Binary::Or),
                BinaryOp::Xor => Some(Binary::Xor),
                _ => None,
            };
            if let Some(bits) = bits {
                return Ok((Flavor::Bool, self.b.binary(bits, x, y)));
            }
        }
        let flavor = common(fa, fb)?;
        match flavor {
            Flavor::Int | Flavor::Bool => {
                let (x, y) = (self.as_int(x), self.as_int(y));
                self.python_int(op, x, y)
            }
            Flavor::Float => {
                let (x, y) = (self.as_float(x), self.as_float(y));
                self.python_float(op, x, y)
            }
            Flavor::Np(num) => self.numpy(op, num, (fa, x), (fb, y)),
        }
    }

    pub fn as_int(&mut self, v: Value) -> Value {
        if self.b.ty(v).scalar == Scalar::I64 { v } else { self.b.convert(v, Scalar::I64) }
    }
    pub fn as_float(&mut self, v: Value) -> Value {
        if self.b.ty(v).scalar == Scalar::F64 { v } else { self.b.convert(v, Scalar::F64) }
    }
    pub fn not_zero(&mut self, v: Value) {
        let scalar = self.b.ty(v).scalar;
        let zero = self.b.constant(Const { scalar, bits: 0 });
        let some = self.b.compare(Cond::Ne, v, zero);
        self.guard(some, true, Why::ByZero);
    }
    fn not_negative(&mut self, v: Value) {
        let zero = self.b.i64(0);
        let positive = self.b.compare(Cond::Ge, v, zero);
        self.guard(positive, true, Why::Domain);
    }
    /// Division of signed integers whose quotient may not fit.
    fn quotient_fits(&mut self, x: Value, y: Value) {
        let scalar = self.b.ty(x).scalar;
        if !scalar.is_signed() || self.b.trace().as_const(y).is_some_and(|c| c.bits as i64 != -1) {
            return;
        }
        let lowest = self.b.constant(Const::canonical(scalar, 1 << (scalar.bits() - 1)));
        let minus = self.b.constant(Const::canonical(scalar, u64::MAX));
        let (a, b) = (self.b.compare(Cond::Ne, x, lowest), self.b.compare(Cond::Ne, y, minus));
        let fits = self.b.binary(Binary::Or, a, b);
        self.guard(fits, true, Why::Overflow);
    }

    fn python_int(&mut self, op: BinaryOp, x: Value, y: Value) -> Result<(Flavor, Value)> {
        let v = match op {
            BinaryOp::Add => self.exact(Binary::Add, x, y),
            BinaryOp::Subtract => self.exact(Binary::Sub, x, y),
            BinaryOp::Multiply => self.exact(Binary::Mul, x, y),
            BinaryOp::FloorDivide | BinaryOp::Remainder => {
                self.not_zero(y);
                self.quotient_fits(x, y);
                let op = if op == BinaryOp::Remainder { Binary::Rem } else { Binary::Div };
                self.b.binary(op, x, y)
            }
            BinaryOp::And => self.b.binary(Binary::And, x, y),
            BinaryOp::Or => self.b.binary(Binary::Or, x, y),
            BinaryOp::Xor => self.b.binary(Binary::Xor, x, y),
            BinaryOp::LeftShift | BinaryOp::RightShift => {
                self.not_negative(y);
                if op == BinaryOp::RightShift {
                    // All bits out leaves the sign, as it should.
                    self.b.binary(Binary::Shr, x, y)
                } else {
                    let limit = self.b.i64(63);
                    let small = self.b.compare(Cond::Lt, y, limit);
                    self.guard(small, true, Why::Overflow);
                    let shifted = self.b.binary(Binary::Shl, x, y);
                    let back = self.b.binary(Binary::Shr, shifted, y);
                    let fits = self.b.compare(Cond::Eq, back, x);
                    self.guard(fits, true, Why::Overflow);
                    shifted
                }
            }
            BinaryOp::TrueDivide => {
                self.not_zero(y);
                self.guard_exact(x);
                self.guard_exact(y);
                let (x, y) = (self.as_float(x), self.as_float(y));
                return Ok((Flavor::Float, self.b.binary(Binary::Div, x, y)));
            }
            BinaryOp::Power => match self.b.trace().as_const(y).map(|c| c.bits as i64) {
                Some(n @ 1..=4) => {
                    let mut v = x;
                    for _ in 1..n {
                        v = self.exact(Binary::Mul, v, x);
                    }
                    v
                }
                // A negative exponent makes a float.
                Some(n) if n < 0 => return Err(Abort::Operation("int ** -int".into())),
                _ => {
                    self.not_negative(y);
                    let v = self.helper("int **", power as *const () as usize, &[x, y], Scalar::I64);
                    let none = self.b.i64(TOO_LARGE);
                    let fits = self.b.compare(Cond::Ne, v, none);
                    self.guard(fits, true, Why::Overflow);
                    v
                }
            },
            BinaryOp::MatrixMultiply => return Err(Abort::Operation("int @ int".into())),
        };
        Ok((Flavor::Int, v))
    }

    fn python_float(&mut self, op: BinaryOp, x: Value, y: Value) -> Result<(Flavor, Value)> {
        let v = match op {
            BinaryOp::Add => self.b.binary(Binary::Add, x, y),
            BinaryOp::Subtract => self.b.binary(Binary::Sub, x, y),
            BinaryOp::Multiply => self.b.binary(Binary::Mul, x, y),
            BinaryOp::TrueDivide => {
                self.not_zero(y);
                self.b.binary(Binary::Div, x, y)
            }
            BinaryOp::FloorDivide => {
                self.not_zero(y);
                self.helper("float //", float_floor_div as *const () as usize, &[x, y], Scalar::F64)
            }
            BinaryOp::Remainder => {
                self.not_zero(y);
                self.helper("float %", float_rem as *const () as usize, &[x, y], Scalar::F64)
            }
            BinaryOp::Power => {
                // What is not finite may have to be an exception, or complex.
                let v = self.helper("pow", pow as *const () as usize, &[x, y], Scalar::F64);
                let finite = self.is_finite(v);
                self.guard(finite, true, Why::Domain);
                v
            }
            op => return Err(Abort::Operation(format!("{op:?} of floats"))),
        };
        Ok((Flavor::Float, v))
    }

    /// A call of a function of floats without effects.
    pub fn helper(&mut self, name: &str, addr: usize, args: &[Value], result: Scalar) -> Value {
        let params = args.iter().map(|&v| self.b.ty(v).scalar).collect();
        let id = self.b.declare(CallDescr {
            name: name.into(),
            params,
            result: Some(result),
            effects: Effects::PURE,
            addr,
            tile: 0,
        });
        // A function with a result gives one.
        self.b.call(id, args.to_vec()).unwrap_or(args[0])
    }

    /// A number as a numpy scalar of a type, as an operation converts its operands.
    pub fn numpy_of(&mut self, num: TypeNum, (flavor, v): (Flavor, Value)) -> Result<Value> {
        if num == TypeNum::HALF {
            return self.half_of((flavor, v));
        }
        let scalar = scalar_of(num).ok_or(Abort::Array("has elements the compiler has no type for"))?;
        if flavor == Flavor::Int && num.is_integer() {
            self.guard_range(v, scalar);
        }
        let from = self.b.ty(v).scalar;
        if from == scalar {
            return Ok(v);
        }
        // An integer becomes a single float by way of a double.
        let v = if flavor == Flavor::Int && scalar == Scalar::F32 { self.as_float(v) } else { v };
        let r = self.b.convert(v, scalar);
        if matches!(flavor, Flavor::Float | Flavor::Int) && scalar == Scalar::F32 {
            // A cast that overflows is reported.
            let finite = self.is_finite(r);
            self.guard(finite, true, Why::NotFinite);
        }
        Ok(r)
    }
    /// A guard that an `i64` fits an integer type.
    pub fn guard_range(&mut self, v: Value, scalar: Scalar) {
        let (low, high): (i64, i64) = match scalar {
            Scalar::I8 => (i8::MIN.into(), i8::MAX.into()),
            Scalar::I16 => (i16::MIN.into(), i16::MAX.into()),
            Scalar::I32 => (i32::MIN.into(), i32::MAX.into()),
            Scalar::U8 => (0, u8::MAX.into()),
            Scalar::U16 => (0, u16::MAX.into()),
            Scalar::U32 => (0, u32::MAX.into()),
            Scalar::U64 => (0, i64::MAX),
            _ => return,
        };
        if let Some(c) = self.b.trace().as_const(v)
            && (low..=high).contains(&(c.bits as i64))
        {
            return;
        }
        let bound = self.b.i64(low);
        let above = self.b.compare(Cond::Ge, v, bound);
        self.guard(above, true, Why::Overflow);
        if scalar != Scalar::U64 {
            let bound = self.b.i64(high);
            let below = self.b.compare(Cond::Le, v, bound);
            self.guard(below, true, Why::Overflow);
        }
    }

    fn numpy(
        &mut self,
        op: BinaryOp,
        num: TypeNum,
        a: (Flavor, Value),
        b: (Flavor, Value),
    ) -> Result<(Flavor, Value)> {
        let unsupported = || Err(Abort::Operation(format!("{op:?} of numpy scalars of type {num:?}")));
        // True division of integers is that of doubles.
        let num = if op == BinaryOp::TrueDivide && (num.is_integer() || num.is_bool()) {
            TypeNum::DOUBLE
        } else {
            num
        };
        if num == TypeNum::HALF {
            return self.half_arith(op, a, b);
        }
        if scalar_of(num).is_none() {
            return unsupported();
        }
        let (x, y) = (self.numpy_of(num, a)?, self.numpy_of(num, b)?);
        let flavor = Flavor::Np(num);
        if num.is_bool() {
            let op = match op {
                BinaryOp::And | BinaryOp::Multiply => Binary::And,
                BinaryOp::Or | BinaryOp::Add => Binary::Or,
                BinaryOp::Xor => Binary::Xor,
                _ => return unsupported(),
            };
            return Ok((flavor, self.b.binary(op, x, y)));
        }
        if num.is_integer() {
            let v = match op {
                BinaryOp::Add => self.exact_or_wrapped(Binary::Add, x, y),
                BinaryOp::Subtract => self.exact_or_wrapped(Binary::Sub, x, y),
                BinaryOp::Multiply => self.exact_or_wrapped(Binary::Mul, x, y),
                BinaryOp::FloorDivide | BinaryOp::Remainder => {
                    self.not_zero(y);
                    self.quotient_fits(x, y);
                    let op = if op == BinaryOp::Remainder { Binary::Rem } else { Binary::Div };
                    self.b.binary(op, x, y)
                }
                BinaryOp::And => self.b.binary(Binary::And, x, y),
                BinaryOp::Or => self.b.binary(Binary::Or, x, y),
                BinaryOp::Xor => self.b.binary(Binary::Xor, x, y),
                BinaryOp::LeftShift => self.b.binary(Binary::Shl, x, y),
                BinaryOp::RightShift => self.b.binary(Binary::Shr, x, y),
                BinaryOp::Power => {
                    let scalar = self.b.ty(x).scalar;
                    let (x, y) = (self.as_int(x), self.as_int(y));
                    self.not_negative(y);
                    let name = "integer **";
                    let v = self.helper(name, wrapped_power as *const () as usize, &[x, y], Scalar::I64);
                    if scalar == Scalar::I64 { v } else { self.b.convert(v, scalar) }
                }
                _ => return unsupported(),
            };
            return Ok((flavor, v));
        }
        let v = match op {
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply => {
                let op = match op {
                    BinaryOp::Add => Binary::Add,
                    BinaryOp::Subtract => Binary::Sub,
                    _ => Binary::Mul,
                };
                let v = self.b.binary(op, x, y);
                self.must_be_finite(v, &[x, y], true);
                v
            }
            BinaryOp::TrueDivide => {
                self.check();
                self.not_zero(y);
                let v = self.b.binary(Binary::Div, x, y);
                self.must_be_finite(v, &[x, y], false);
                v
            }
            // Scalars are raised to powers by the C library, elements of arrays by the ufunc's loop, which has exponents of its own.
            BinaryOp::Power if !self.wraps => {
                self.check();
                let (name, addr) = match num {
                    TypeNum::FLOAT => ("powf", powf as *const () as usize),
                    _ => ("pow", pow as *const () as usize),
                };
                let scalar = self.b.ty(x).scalar;
                let v = self.helper(name, addr, &[x, y], scalar);
                self.must_be_finite(v, &[x, y], false);
                v
            }
            // The loops of the ufuncs compute these.
            BinaryOp::Power => self.numpy_binary("power", num, x, y)?,
            BinaryOp::FloorDivide => {
                self.not_zero(y);
                self.numpy_binary("floor_divide", num, x, y)?
            }
            BinaryOp::Remainder => {
                self.not_zero(y);
                self.numpy_binary("remainder", num, x, y)?
            }
            _ => return unsupported(),
        };
        Ok((flavor, v))
    }

    /// Integers of arrays wrap, scalars do not.
    fn exact_or_wrapped(&mut self, op: Binary, x: Value, y: Value) -> Value {
        if self.wraps { self.b.binary(op, x, y) } else { self.exact(op, x, y) }
    }

    /// `-a`, `+a`, `~a`.
    pub fn sign(&mut self, op: UnaryOp, a: &Abs) -> Result<Abs> {
        let (flavor, v) = self.number(a)?;
        let (flavor, v) = match flavor {
            Flavor::Bool => (Flavor::Int, self.as_int(v)),
            flavor => (flavor, v),
        };
        let scalar = self.b.ty(v).scalar;
        let bad = || Err(Abort::Operation(format!("{op:?} of {flavor:?}")));
        let r = match op {
            UnaryOp::Positive if scalar != Scalar::Bool => v,
            UnaryOp::Invert if scalar.is_int() || scalar == Scalar::Bool => self.b.unary(Unary::Not, v),
            UnaryOp::Negative if scalar.is_float() => self.b.unary(Unary::Neg, v),
            UnaryOp::Negative if scalar.is_signed() => {
                let zero = self.b.constant(Const { scalar, bits: 0 });
                self.exact_or_wrapped(Binary::Sub, zero, v)
            }
            _ => return bad(),
        };
        if scalar.is_float() && op == UnaryOp::Negative {
            self.passes_on(r, v);
        }
        Ok(Abs::num(flavor, r))
    }
    /// A result that is finite if, and only if, its operand is: its check serves for both.
    fn passes_on(&mut self, result: Value, operand: Value) {
        if self.is_unchecked(operand) {
            self.must_be_finite(result, &[operand], true);
        }
    }
}

unsafe extern "C" {
    fn pow(x: f64, y: f64) -> f64;
    fn powf(x: f32, y: f32) -> f32;
}

/// What stands for a power that 64 bits may not hold.
const TOO_LARGE: i64 = i64::MIN;

/// `x ** y` of integers, for an exponent that is not negative.
extern "C" fn power(x: i64, y: i64) -> i64 {
    match (x, u32::try_from(y)) {
        (0 | 1, _) => i64::from(y == 0 || x == 1),
        (-1, _) => 1 - 2 * (y & 1),
        (_, Ok(y)) => x.checked_pow(y).unwrap_or(TOO_LARGE),
        _ => TOO_LARGE,
    }
}

/// The same of numpy's integers, which wrap.
extern "C" fn wrapped_power(x: i64, y: i64) -> i64 {
    let (mut result, mut square, mut left) = (1i64, x, y as u64);
    while left != 0 {
        if left & 1 != 0 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left >>= 1;
    }
    result
}

/// `x % y` as `float` computes it, for a divisor that is not zero: the sign is the divisor's.
extern "C" fn float_rem(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r == 0.0 {
        0f64.copysign(y)
    } else if (y < 0.0) != (r < 0.0) {
        r + y
    } else {
        r
    }
}

/// `x // y` as `float` computes it, for a divisor that is not zero.
extern "C" fn float_floor_div(x: f64, y: f64) -> f64 {
    let mut r = x % y;
    let mut quotient = (x - r) / y;
    if r == 0.0 {
        r = 0f64.copysign(y);
    } else if (y < 0.0) != (r < 0.0) {
        r += y;
        quotient -= 1.0;
    }
    let _ = r;
    if quotient == 0.0 {
        return 0f64.copysign(x / y);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}
