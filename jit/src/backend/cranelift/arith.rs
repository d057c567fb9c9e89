//! Arithmetic, comparisons and selection.
//!
//! Each operation is written once for scalars and registers, whose difference [`Lowering::pick`] and its like hide: a
//! comparison gives a `bool` of scalars and a mask of registers, both of which `band` and `bor` combine.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, types};

use super::lower::Lowering;
use super::vector::{Lanes, lane_type};
use crate::ir::{Binary, Cond, Const, Inst, Overflow, Scalar, Unary, Value};

extern "C" fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}
extern "C" fn fma_f64(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

impl Lowering<'_> {
    /// Bits of one lane of such a value.
    fn lane_bits(&self, v: ir::Value) -> u32 {
        self.type_of(v).lane_bits()
    }
    fn sign_bit(&self, v: ir::Value) -> u64 {
        1 << (self.lane_bits(v) - 1)
    }
    /// A float constant of the type of a value.
    pub fn float_like(&mut self, v: ir::Value, x: f64) -> ir::Value {
        let bits = if self.lane_bits(v) == 32 { u64::from((x as f32).to_bits()) } else { x.to_bits() };
        self.constant_like(v, bits)
    }
    pub fn icmp(&mut self, cc: IntCC, a: ir::Value, b: ir::Value) -> ir::Value {
        self.b.ins().icmp(cc, a, b)
    }
    pub fn fcmp(&mut self, cc: FloatCC, a: ir::Value, b: ir::Value) -> ir::Value {
        self.b.ins().fcmp(cc, a, b)
    }

    pub fn unary(&mut self, op: Unary, a: &Lanes) -> Lanes {
        let s = a.ty.scalar;
        a.map(|part| match op {
            Unary::Not if s == Scalar::Bool && !a.ty.is_vector() => self.b.ins().bxor_imm_u(part, 1),
            Unary::Not => self.b.ins().bnot(part),
            Unary::Neg if s.is_float() => self.b.ins().fneg(part),
            Unary::Abs if s.is_float() => self.b.ins().fabs(part),
            Unary::Neg => self.b.ins().ineg(part),
            Unary::Abs if s.is_unsigned() => part,
            Unary::Abs => self.b.ins().iabs(part),
            Unary::Sqrt => self.b.ins().sqrt(part),
            Unary::Floor if self.isa.rounds() => self.b.ins().floor(part),
            Unary::Ceil if self.isa.rounds() => self.b.ins().ceil(part),
            Unary::Trunc if self.isa.rounds() => self.b.ins().trunc(part),
            Unary::Rint if self.isa.rounds() => self.b.ins().nearest(part),
            Unary::Floor => self.round_towards(FloatCC::GreaterThan, -1.0, part),
            Unary::Ceil => self.round_towards(FloatCC::LessThan, 1.0, part),
            Unary::Rint => self.round_to_nearest(part),
            Unary::Trunc => {
                let magnitude = self.b.ins().fabs(part);
                let down = self.round_towards(FloatCC::GreaterThan, -1.0, magnitude);
                self.copysign(down, part)
            }
        })
    }
    /// Rounds to integers by adding a number in whose neighbourhood floats are one apart.
    fn round_to_nearest(&mut self, x: ir::Value) -> ir::Value {
        let digits = if self.lane_bits(x) == 32 { 23 } else { 52 };
        let big = self.float_like(x, f64::from(digits).exp2());
        let magnitude = self.b.ins().fabs(x);
        let sum = self.b.ins().fadd(magnitude, big);
        let rounded = self.b.ins().fsub(sum, big);
        // The others are integers or NaN.
        let small = self.fcmp(FloatCC::LessThan, magnitude, big);
        let result = self.pick(small, rounded, magnitude);
        self.copysign(result, x)
    }
    /// The nearest integer, or the one beside it if that compares to `x` like this.
    fn round_towards(&mut self, wrong: FloatCC, correction: f64, x: ir::Value) -> ir::Value {
        let nearest = self.round_to_nearest(x);
        let wrong = self.fcmp(wrong, nearest, x);
        let (correction, zero) = (self.float_like(x, correction), self.float_like(x, 0.0));
        let correction = self.pick(wrong, correction, zero);
        let result = self.b.ins().fadd(nearest, correction);
        // Lost by results that are zero.
        self.copysign(result, x)
    }
    fn copysign(&mut self, magnitude: ir::Value, sign: ir::Value) -> ir::Value {
        let ty = self.type_of(magnitude);
        if !ty.is_vector() {
            return self.b.ins().fcopysign(magnitude, sign);
        }
        let (m, s) = (self.as_ints(magnitude), self.as_ints(sign));
        let mask = self.constant_like(m, self.sign_bit(m));
        let sign = self.b.ins().band(s, mask);
        let magnitude = self.b.ins().band_not(m, mask);
        let both = self.b.ins().bor(magnitude, sign);
        self.cast(both, ty)
    }

    pub fn binary(&mut self, op: Binary, a: Value, b: Value) -> Lanes {
        let (x, y) = (self.lanes(a), self.lanes(b));
        let s = x.ty.scalar;
        if s == Scalar::Bool && x.ty.is_vector() {
            let y = y.with_width(self, x.width);
            return self.zip(&x, &y, |l, x, y| l.binary_part(op, s, x, y));
        }
        if let (Binary::Shl | Binary::Shr, Some(count)) = (op, self.tr.as_const(b)) {
            return x.map(|part| self.shift_by(op, s, part, count.bits));
        }
        if matches!(op, Binary::Shl | Binary::Shr) && x.ty.is_vector() {
            if let Some(&Inst::Splat(count)) = self.tr.def_inst(b) {
                let count = self.scalar(count);
                return x.map(|part| self.shift(op, s, part, count));
            }
        }
        if matches!(op, Binary::Div | Binary::Rem) && s.is_int() {
            let known = self.tr.as_const(b).map(|c| c.bits as i64);
            return self.one_by_one(s, &[&x, &y], |l, v| l.divide(op, s, v[0], v[1], known));
        }
        if x.ty.is_vector() && !self.isa.in_lanes(op, s) {
            return self.one_by_one(s, &[&x, &y], |l, v| l.binary_part(op, s, v[0], v[1]));
        }
        if let Some(part) = self.made_beside(op, a, b) {
            return Lanes::scalar(s, part);
        }
        self.zip(&x, &y, |l, x, y| l.binary_part(op, s, x, y))
    }
    fn zip(
        &mut self,
        a: &Lanes,
        b: &Lanes,
        mut f: impl FnMut(&mut Self, ir::Value, ir::Value) -> ir::Value,
    ) -> Lanes {
        let parts = a.parts.iter().zip(&b.parts).map(|(&x, &y)| f(self, x, y)).collect();
        Lanes { parts, ..*a }
    }
    /// An operation [`Isa::in_lanes`](super::isa::Isa::in_lanes) affirms on registers, any on scalars.
    pub fn binary_part(&mut self, op: Binary, s: Scalar, a: ir::Value, b: ir::Value) -> ir::Value {
        if s.is_float() {
            return match op {
                Binary::Add => self.b.ins().fadd(a, b),
                Binary::Sub => self.b.ins().fsub(a, b),
                Binary::Mul => self.b.ins().fmul(a, b),
                Binary::Div => self.b.ins().fdiv(a, b),
                Binary::Copysign => self.copysign(a, b),
                Binary::Min => self.extremum(FloatCC::LessThan, a, b, a),
                Binary::Max => self.extremum(FloatCC::GreaterThan, a, b, a),
                Binary::Fmin => self.extremum(FloatCC::LessThan, a, b, b),
                Binary::Fmax => self.extremum(FloatCC::GreaterThan, a, b, b),
                _ => unreachable!("{} does not take {s}", op.name()),
            };
        }
        match op {
            Binary::Add => self.b.ins().iadd(a, b),
            Binary::Sub => self.b.ins().isub(a, b),
            Binary::Mul => self.multiply(a, b),
            Binary::Div | Binary::Rem => self.divide(op, s, a, b, None),
            Binary::Min if s.is_signed() => self.b.ins().smin(a, b),
            Binary::Max if s.is_signed() => self.b.ins().smax(a, b),
            Binary::Min => self.b.ins().umin(a, b),
            Binary::Max => self.b.ins().umax(a, b),
            Binary::And => self.b.ins().band(a, b),
            Binary::Or => self.b.ins().bor(a, b),
            Binary::Xor => self.b.ins().bxor(a, b),
            Binary::Shl | Binary::Shr => self.shift(op, s, a, b),
            Binary::Fmin | Binary::Fmax | Binary::Copysign => unreachable!("{} does not take {s}", op.name()),
        }
    }
    /// `a` if it compares to `b` like this or `nan` is NaN, else `b`.
    fn extremum(&mut self, cc: FloatCC, a: ir::Value, b: ir::Value, nan: ir::Value) -> ir::Value {
        // x86 has an instruction for this much, and Cranelift sees it in these two, in this order of operands.
        let first = match cc {
            FloatCC::GreaterThan => self.fcmp(FloatCC::LessThan, b, a),
            cc => self.fcmp(cc, a, b),
        };
        let result = self.pick(first, a, b);
        let unordered = self.fcmp(FloatCC::Unordered, nan, nan);
        self.pick(unordered, a, result)
    }
    fn multiply(&mut self, a: ir::Value, b: ir::Value) -> ir::Value {
        if self.type_of(a) != types::I8X16 || self.isa.multiplies_bytes() {
            return self.b.ins().imul(a, b);
        }
        // Odd and even bytes as lower halves of 16 bits, which depend on lower halves only.
        let [a, b] = [a, b].map(|v| self.cast(v, types::I16X8));
        let even = self.b.ins().imul(a, b);
        let [a, b] = [a, b].map(|v| self.b.ins().ushr_imm_u(v, 8));
        let odd = self.b.ins().imul(a, b);
        let odd = self.b.ins().ishl_imm_u(odd, 8);
        let mask = self.constant_like(even, 0xff);
        let even = self.b.ins().band(even, mask);
        let both = self.b.ins().bor(even, odd);
        self.cast(both, types::I8X16)
    }
    /// A shift of a scalar, or of all lanes, by a number that is known.
    fn shift_by(&mut self, op: Binary, s: Scalar, a: ir::Value, count: u64) -> ir::Value {
        let bits = u64::from(self.lane_bits(a));
        let signed = op == Binary::Shr && s.is_signed();
        if count >= bits && !signed {
            return self.constant_like(a, 0);
        }
        let count = count.min(bits - 1) as i64;
        match op {
            Binary::Shl => self.b.ins().ishl_imm_u(a, count),
            _ if signed => self.b.ins().sshr_imm_u(a, count),
            _ => self.b.ins().ushr_imm_u(a, count),
        }
    }
    /// A shift of a scalar, or of all lanes, by a scalar count of the same type.
    fn shift(&mut self, op: Binary, s: Scalar, a: ir::Value, count: ir::Value) -> ir::Value {
        let bits = self.lane_bits(a);
        // A negative count is a large one without sign.
        let limit = self.constant_like(count, u64::from(bits));
        let fits = self.icmp(IntCC::UnsignedLessThan, count, limit);
        if op == Binary::Shr && s.is_signed() {
            let last = self.constant_like(count, u64::from(bits) - 1);
            let count = self.b.ins().select(fits, count, last);
            return self.b.ins().sshr(a, count);
        }
        let shifted =
            if op == Binary::Shl { self.b.ins().ishl(a, count) } else { self.b.ins().ushr(a, count) };
        let zero = self.constant_like(count, 0);
        if !self.is_register(a) {
            return self.b.ins().select(fits, shifted, zero);
        }
        let ones = self.constant_like(count, u64::MAX);
        let mask = self.b.ins().select(fits, ones, zero);
        let ty = self.type_of(a);
        let mask = self.b.ins().splat(ty, mask);
        self.b.ins().band(shifted, mask)
    }
    /// Quotient rounded down or its remainder, of scalars. Never divides by 0, nor the smallest number by -1.
    fn divide(&mut self, op: Binary, s: Scalar, a: ir::Value, b: ir::Value, known: Option<i64>) -> ir::Value {
        let ty = self.type_of(a);
        if ty.bits() < 32 {
            // One width less to divide in; and the exception of -1 goes away, but for the sake of one rule.
            let [wide_a, wide_b] = [a, b].map(|v| {
                if s.is_signed() {
                    self.b.ins().sextend(types::I32, v)
                } else {
                    self.b.ins().uextend(types::I32, v)
                }
            });
            let wide = if s.is_signed() { Scalar::I32 } else { Scalar::U32 };
            let result = self.divide(op, wide, wide_a, wide_b, known);
            return self.b.ins().ireduce(ty, result);
        }
        let (zero, one) = (self.constant(ty, 0), self.constant(ty, 1));
        if known == Some(0) {
            return zero;
        }
        let by_zero = self.icmp(IntCC::Equal, b, zero);
        if s.is_unsigned() {
            let d = if known.is_some() { b } else { self.b.ins().select(by_zero, one, b) };
            let result = if op == Binary::Div { self.b.ins().udiv(a, d) } else { self.b.ins().urem(a, d) };
            return if known.is_some() { result } else { self.b.ins().select(by_zero, zero, result) };
        }
        let negated = self.b.ins().ineg(a);
        if known == Some(-1) {
            return if op == Binary::Div { negated } else { zero };
        }
        let minus_one = self.constant(ty, u64::MAX);
        let by_minus_one = self.icmp(IntCC::Equal, b, minus_one);
        let d = if known.is_some() {
            b
        } else {
            let special = self.b.ins().bor(by_zero, by_minus_one);
            self.b.ins().select(special, one, b)
        };
        let q = self.b.ins().sdiv(a, d);
        let product = self.b.ins().imul(q, d);
        let r = self.b.ins().isub(a, product);
        let signs = self.b.ins().bxor(r, d);
        let opposite = self.icmp(IntCC::SignedLessThan, signs, zero);
        let inexact = self.icmp(IntCC::NotEqual, r, zero);
        let down = self.b.ins().band(opposite, inexact);
        if op == Binary::Rem {
            // Division by one in place of the special ones leaves nothing.
            let correction = self.b.ins().select(down, d, zero);
            return self.b.ins().iadd(r, correction);
        }
        let correction = self.b.ins().uextend(ty, down);
        let q = self.b.ins().isub(q, correction);
        if known.is_some() {
            return q;
        }
        let q = self.b.ins().select(by_minus_one, negated, q);
        self.b.ins().select(by_zero, zero, q)
    }

    pub fn fma(&mut self, a: &Lanes, b: &Lanes, c: &Lanes) -> Lanes {
        let s = a.ty.scalar;
        if !self.isa.fuses() {
            let helper = if s == Scalar::F32 { fma_f32 as *const () } else { fma_f64 as *const () };
            return self.one_by_one(s, &[a, b, c], |l, v| {
                l.call_address(helper as usize, &[s; 3], Some(s), v).expect("it has a result")
            });
        }
        let parts =
            (0..a.parts.len()).map(|i| self.b.ins().fma(a.parts[i], b.parts[i], c.parts[i])).collect();
        Lanes { parts, ..*a }
    }

    /// Whether a result does not fit.
    pub fn overflows(&mut self, op: Overflow, a: Value, b: Value) -> Lanes {
        let (x, y) = (self.lanes(a), self.lanes(b));
        let s = x.ty.scalar;
        if !x.ty.is_vector() && s.is_signed() {
            let by = self.tr.as_const(b).and_then(|c| self.overflow_by(op, &x, c));
            return by.unwrap_or_else(|| self.overflow_beside(op, a, b));
        }
        self.overflow(op, &x, &y)
    }
    /// Whether a result of signed scalars does not fit; who asks mostly wants the result next, which comes from the same
    /// instruction.
    fn overflow_beside(&mut self, op: Overflow, a: Value, b: Value) -> Lanes {
        let (x, y) = (self.scalar(a), self.scalar(b));
        let (op, (result, wraps)) = match op {
            Overflow::Add => (Binary::Add, self.b.ins().sadd_overflow(x, y)),
            Overflow::Sub => (Binary::Sub, self.b.ins().ssub_overflow(x, y)),
            Overflow::Mul => (Binary::Mul, self.b.ins().smul_overflow(x, y)),
        };
        self.beside.push((op, a, b, result));
        Lanes::scalar(Scalar::Bool, wraps)
    }
    fn made_beside(&self, op: Binary, a: Value, b: Value) -> Option<ir::Value> {
        self.beside.iter().rfind(|m| (m.0, m.1, m.2) == (op, a, b)).map(|m| m.3)
    }
    fn overflow(&mut self, op: Overflow, a: &Lanes, b: &Lanes) -> Lanes {
        let s = a.ty.scalar;
        if a.ty.is_vector() && !self.isa.overflow_in_lanes(op) {
            return self.one_by_one(Scalar::Bool, &[a, b], |l, v| l.overflow_part(op, s, v[0], v[1]));
        }
        let parts = self.zip(a, b, |l, x, y| l.overflow_part(op, s, x, y)).parts;
        Lanes { ty: a.ty.with(Scalar::Bool), width: a.width, parts }
    }
    /// Whether a signed scalar overflows by a constant: from some number on it does, up or down, or for factors both.
    fn overflow_by(&mut self, op: Overflow, a: &Lanes, c: Const) -> Option<Lanes> {
        let by = i128::from(c.bits as i64);
        let most = (1i128 << (c.scalar.bits() - 1)) - 1;
        let up = match op {
            Overflow::Add => by,
            Overflow::Sub => -by,
            Overflow::Mul => {
                let range = match by {
                    ..=-1 => (-(most / -by), most.min((most + 1) / -by)),
                    0 => return None,
                    1.. => (-((most + 1) / by), most / by),
                };
                return Some(self.is_outside(a, range));
            }
        };
        let (cc, limit) = match up > 0 {
            true => (IntCC::SignedGreaterThan, most - up),
            false => (IntCC::SignedLessThan, -most - 1 - up),
        };
        let limit = self.constant(lane_type(c.scalar), limit as u64);
        let part = self.b.ins().icmp(cc, a.parts[0], limit);
        Some(Lanes::scalar(Scalar::Bool, part))
    }
    /// Whether a scalar is not one of these numbers: counted from the least, it is none of so many.
    fn is_outside(&mut self, a: &Lanes, (least, most): (i128, i128)) -> Lanes {
        let ty = lane_type(a.ty.scalar);
        let least_part = self.constant(ty, least as u64);
        let from = self.b.ins().isub(a.parts[0], least_part);
        let length = self.constant(ty, (most - least) as u64);
        let part = self.b.ins().icmp(IntCC::UnsignedGreaterThan, from, length);
        Lanes::scalar(Scalar::Bool, part)
    }
    fn overflow_part(&mut self, op: Overflow, s: Scalar, a: ir::Value, b: ir::Value) -> ir::Value {
        let zero = self.constant_like(a, 0);
        match op {
            Overflow::Add if s.is_unsigned() => {
                let sum = self.b.ins().iadd(a, b);
                self.icmp(IntCC::UnsignedLessThan, sum, a)
            }
            Overflow::Sub if s.is_unsigned() => self.icmp(IntCC::UnsignedLessThan, a, b),
            // The result has another sign than both operands, or than the first if the second has too.
            Overflow::Add => {
                let sum = self.b.ins().iadd(a, b);
                let (x, y) = (self.b.ins().bxor(a, sum), self.b.ins().bxor(b, sum));
                let both = self.b.ins().band(x, y);
                self.icmp(IntCC::SignedLessThan, both, zero)
            }
            Overflow::Sub => {
                let difference = self.b.ins().isub(a, b);
                let (x, y) = (self.b.ins().bxor(a, b), self.b.ins().bxor(a, difference));
                let both = self.b.ins().band(x, y);
                self.icmp(IntCC::SignedLessThan, both, zero)
            }
            Overflow::Mul => self.multiply_overflows(s, a, b),
        }
    }
    /// Whether a product of scalars does not fit.
    fn multiply_overflows(&mut self, s: Scalar, a: ir::Value, b: ir::Value) -> ir::Value {
        let ty = self.type_of(a);
        if ty == types::I64 {
            if s.is_unsigned() {
                let high = self.b.ins().umulhi(a, b);
                return self.b.ins().icmp_imm_u(IntCC::NotEqual, high, 0);
            }
            let (high, low) = (self.b.ins().smulhi(a, b), self.b.ins().imul(a, b));
            let sign = self.b.ins().sshr_imm_u(low, 63);
            return self.icmp(IntCC::NotEqual, high, sign);
        }
        let [x, y] = [a, b].map(|v| self.extend_to(s, types::I64, v));
        let product = self.b.ins().imul(x, y);
        let low = self.b.ins().ireduce(ty, product);
        let back = self.extend_to(s, types::I64, low);
        self.icmp(IntCC::NotEqual, back, product)
    }
    /// A narrower integer as a wider one.
    pub fn extend_to(&mut self, s: Scalar, ty: ir::Type, v: ir::Value) -> ir::Value {
        if self.type_of(v) == ty {
            v
        } else if s.is_signed() {
            self.b.ins().sextend(ty, v)
        } else {
            self.b.ins().uextend(ty, v)
        }
    }

    pub fn compare(&mut self, cond: Cond, a: &Lanes, b: &Lanes) -> Lanes {
        let s = a.ty.scalar;
        let b = b.with_width(self, a.width);
        let parts = if s == Scalar::Bool && a.ty.is_vector() {
            self.zip(a, &b, |l, x, y| l.compare_masks(cond, x, y)).parts
        } else if s.is_float() {
            let cc = match cond {
                Cond::Eq => FloatCC::Equal,
                Cond::Ne => FloatCC::NotEqual,
                Cond::Lt => FloatCC::LessThan,
                Cond::Le => FloatCC::LessThanOrEqual,
                Cond::Gt => FloatCC::GreaterThan,
                Cond::Ge => FloatCC::GreaterThanOrEqual,
            };
            self.zip(a, &b, |l, x, y| l.fcmp(cc, x, y)).parts
        } else {
            let cc = match (cond, s.is_signed()) {
                (Cond::Eq, _) => IntCC::Equal,
                (Cond::Ne, _) => IntCC::NotEqual,
                (Cond::Lt, true) => IntCC::SignedLessThan,
                (Cond::Le, true) => IntCC::SignedLessThanOrEqual,
                (Cond::Gt, true) => IntCC::SignedGreaterThan,
                (Cond::Ge, true) => IntCC::SignedGreaterThanOrEqual,
                (Cond::Lt, false) => IntCC::UnsignedLessThan,
                (Cond::Le, false) => IntCC::UnsignedLessThanOrEqual,
                (Cond::Gt, false) => IntCC::UnsignedGreaterThan,
                (Cond::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
            };
            self.zip(a, &b, |l, x, y| l.icmp(cc, x, y)).parts
        };
        Lanes { ty: a.ty.with(Scalar::Bool), width: if a.ty.is_vector() { a.width } else { 1 }, parts }
    }
    /// Whether lanes are finite: a difference to itself is 0 or NaN. That takes no constant, as a magnitude would.
    pub fn finite(&mut self, a: &Lanes) -> Lanes {
        let parts = a
            .parts
            .iter()
            .map(|&x| {
                let zero = self.b.ins().fsub(x, x);
                self.fcmp(FloatCC::Ordered, zero, zero)
            })
            .collect();
        Lanes { ty: a.ty.with(Scalar::Bool), width: if a.ty.is_vector() { a.width } else { 1 }, parts }
    }
    fn compare_masks(&mut self, cond: Cond, a: ir::Value, b: ir::Value) -> ir::Value {
        match cond {
            Cond::Ne => self.b.ins().bxor(a, b),
            Cond::Eq => self.b.ins().bxor_not(a, b),
            Cond::Lt => self.b.ins().band_not(b, a),
            Cond::Gt => self.b.ins().band_not(a, b),
            Cond::Le => self.b.ins().bor_not(b, a),
            Cond::Ge => self.b.ins().bor_not(a, b),
        }
    }

    pub fn select(&mut self, m: &Lanes, a: &Lanes, b: &Lanes) -> Lanes {
        let m = m.with_width(self, a.width);
        let b = b.with_width(self, a.width);
        let parts = (0..a.parts.len()).map(|i| self.pick(m.parts[i], a.parts[i], b.parts[i])).collect();
        Lanes { parts, ..*a }
    }

    pub fn bitcast(&mut self, a: &Lanes, to: Scalar) -> Lanes {
        let part_type = Lanes::empty(a.ty.with(to), a.width).part_type();
        let parts = a.parts.iter().map(|&p| self.cast(p, part_type)).collect();
        a.of(to, parts)
    }
}
