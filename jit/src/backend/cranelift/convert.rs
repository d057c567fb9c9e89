//! Conversions between scalar types.
//!
//! Integers and masks change width by packing and unpacking. Floats to integers give what the processor's instructions
//! give, as `semantics` says; where Cranelift only offers saturating ones, x86-64's answer for what is out of range is put
//! back. Halves are bits: two algorithms on 32-bit lanes turn them into `f32` and back.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, types};

use super::isa::Arch;
use super::lower::Lowering;
use super::vector::{Lanes, Resize, int_type, lane_type, register_type};
use crate::ir::Scalar;

impl Lowering<'_> {
    pub fn convert(&mut self, a: &Lanes, to: Scalar) -> Lanes {
        let from = a.ty.scalar;
        match (from, to) {
            _ if from == to => a.clone(),
            (Scalar::Bool, _) => self.bool_to(a, to),
            (Scalar::F16, Scalar::Bool) => {
                let magnitude = a.map(|part| {
                    let mask = self.constant_like(part, 0x7fff);
                    self.b.ins().band(part, mask)
                });
                self.is_not_zero(&magnitude)
            }
            (_, Scalar::Bool) => self.is_not_zero(a),
            (Scalar::F16, _) => {
                let single = self.half_to_f32(a);
                self.convert(&single, to)
            }
            (Scalar::F32, Scalar::F16) => self.f32_to_half(a),
            (Scalar::F64, Scalar::F16) => {
                let single = self.round_to_odd(a);
                self.f32_to_half(&single)
            }
            (_, Scalar::F16) => {
                let single = self.convert(a, Scalar::F32);
                self.f32_to_half(&single)
            }
            (Scalar::F32, Scalar::F64) => self.promote(a),
            (Scalar::F64, Scalar::F32) => self.demote(a),
            (Scalar::F32 | Scalar::F64, _) => self.float_to_int(a, to),
            (_, Scalar::F32 | Scalar::F64) => self.int_to_float(a, to),
            _ => self.int_to_int(a, to),
        }
    }

    fn is_not_zero(&mut self, a: &Lanes) -> Lanes {
        let float = a.ty.scalar.is_float();
        let parts = a.map(|part| {
            let zero = self.constant_like(part, 0);
            if float {
                self.fcmp(FloatCC::NotEqual, part, zero)
            } else {
                self.icmp(IntCC::NotEqual, part, zero)
            }
        });
        let width = if a.ty.is_vector() { a.width } else { 1 };
        Lanes { ty: a.ty.with(Scalar::Bool), width, parts: parts.parts }
    }
    fn bool_to(&mut self, a: &Lanes, to: Scalar) -> Lanes {
        let one = match to {
            Scalar::F16 => 0x3c00,
            Scalar::F32 => u64::from(1f32.to_bits()),
            Scalar::F64 => 1f64.to_bits(),
            _ => 1,
        };
        if a.ty.is_vector() {
            let mask = a.with_width(self, to.size() as u8);
            let part_type = register_type(lane_type(to));
            let parts = mask.map(|part| {
                let one = self.constant_like(part, one);
                let bits = self.b.ins().band(part, one);
                self.cast(bits, part_type)
            });
            return a.of(to, parts.parts);
        }
        let (one, zero) = (self.constant(lane_type(to), one), self.constant(lane_type(to), 0));
        let part = match to {
            Scalar::I8 | Scalar::U8 => a.parts[0],
            to if to.is_int() => self.b.ins().uextend(lane_type(to), a.parts[0]),
            _ => self.b.ins().select(a.parts[0], one, zero),
        };
        Lanes::scalar(to, part)
    }

    fn int_to_int(&mut self, a: &Lanes, to: Scalar) -> Lanes {
        let from = a.ty.scalar;
        if a.ty.is_vector() {
            let how = if from.is_signed() { Resize::Signed } else { Resize::Unsigned };
            let parts = self.resize(a.parts.clone(), a.ty.lanes, a.width, to.size() as u8, how);
            return a.of(to, parts);
        }
        let ty = int_type(to.size() as u8);
        let part = if to.size() < from.size() {
            self.b.ins().ireduce(ty, a.parts[0])
        } else {
            self.extend_to(from, ty, a.parts[0])
        };
        Lanes::scalar(to, part)
    }

    fn int_to_float(&mut self, a: &Lanes, to: Scalar) -> Lanes {
        let from = a.ty.scalar;
        if from.size() < 4 {
            // Any sign fits.
            let wide = self.int_to_int(a, Scalar::I32);
            return self.int_to_float(&wide, to);
        }
        let ty = lane_type(to);
        if !a.ty.is_vector() {
            let part = if from.is_signed() {
                self.b.ins().fcvt_from_sint(ty, a.parts[0])
            } else {
                self.b.ins().fcvt_from_uint(ty, a.parts[0])
            };
            return Lanes::scalar(to, part);
        }
        if from.size() == 8 && to == Scalar::F32 {
            // By way of f64 it would be rounded twice.
            return self.one_by_one(to, &[a], |l, v| l.int_to_float(&Lanes::scalar(from, v[0]), to).parts[0]);
        }
        let ty = register_type(ty);
        let parts: Vec<ir::Value> = if from.size() == 4 && to == Scalar::F64 {
            // Widening the lower half and converting it is one instruction; there is none for the upper half.
            let halves = self.halves(a);
            halves
                .into_iter()
                .map(|half| {
                    if from.is_signed() {
                        let wide = self.b.ins().swiden_low(half);
                        self.b.ins().fcvt_from_sint(ty, wide)
                    } else {
                        let wide = self.b.ins().uwiden_low(half);
                        self.b.ins().fcvt_from_uint(ty, wide)
                    }
                })
                .collect()
        } else if from.is_signed() {
            a.parts.iter().map(|&p| self.b.ins().fcvt_from_sint(ty, p)).collect()
        } else {
            a.parts.iter().map(|&p| self.b.ins().fcvt_from_uint(ty, p)).collect()
        };
        a.of(to, parts)
    }
    /// Registers whose lower halves are all lanes, in order.
    fn halves(&mut self, a: &Lanes) -> Vec<ir::Value> {
        let mut halves = vec![];
        for &part in &a.parts {
            halves.push(part);
            if a.ty.size() > 8 {
                halves.push(self.upper_half(part));
            }
        }
        halves
    }
    /// One register of two halves, or of one twice.
    fn join_halves(&mut self, halves: &[ir::Value]) -> Vec<ir::Value> {
        halves.chunks(2).map(|p| self.lower_halves(p[0], p[p.len() - 1])).collect()
    }

    fn promote(&mut self, a: &Lanes) -> Lanes {
        if !a.ty.is_vector() {
            return Lanes::scalar(Scalar::F64, self.b.ins().fpromote(types::F64, a.parts[0]));
        }
        let parts = self.halves(a).into_iter().map(|half| self.b.ins().fvpromote_low(half)).collect();
        a.of(Scalar::F64, parts)
    }
    fn demote(&mut self, a: &Lanes) -> Lanes {
        if !a.ty.is_vector() {
            return Lanes::scalar(Scalar::F32, self.b.ins().fdemote(types::F32, a.parts[0]));
        }
        let halves: Vec<_> = a.parts.iter().map(|&part| self.b.ins().fvdemote(part)).collect();
        let parts = self.join_halves(&halves);
        a.of(Scalar::F32, parts)
    }

    fn float_to_int(&mut self, a: &Lanes, to: Scalar) -> Lanes {
        let from = a.ty.scalar;
        // Narrow types take the low bits of what 32 bits hold.
        if to.size() < 4 {
            let wide = self.float_to_int(a, Scalar::I32);
            return self.int_to_int(&wide, to);
        }
        match (a.ty.is_vector(), self.isa.arch()) {
            (false, Arch::X86) => Lanes::scalar(to, self.float_to_int_x86(a.parts[0], to)),
            (false, Arch::Arm) => {
                let ty = lane_type(to);
                let part = if to.is_signed() {
                    self.b.ins().fcvt_to_sint_sat(ty, a.parts[0])
                } else {
                    self.b.ins().fcvt_to_uint_sat(ty, a.parts[0])
                };
                Lanes::scalar(to, part)
            }
            (true, Arch::X86) if to == Scalar::I32 => self.float_to_i32_x86(a),
            (true, Arch::X86) => self.one_by_one(to, &[a], |l, v| l.float_to_int_x86(v[0], to)),
            (true, Arch::Arm) => {
                if to.size() == 8 && from == Scalar::F32 {
                    let double = self.promote(a);
                    return self.float_to_int(&double, to);
                }
                let ty = register_type(int_type(a.width));
                let ints = a.map(|part| {
                    if to.is_signed() {
                        self.b.ins().fcvt_to_sint_sat(ty, part)
                    } else {
                        self.b.ins().fcvt_to_uint_sat(ty, part)
                    }
                });
                if to.size() == usize::from(a.width) {
                    return a.of(to, ints.parts);
                }
                // From 64 bits to 32, saturating as well.
                let pairs: Vec<_> = ints.parts.chunks(2).map(|p| (p[0], p[p.len() - 1])).collect();
                let parts = pairs
                    .into_iter()
                    .map(|(x, y)| {
                        if to.is_signed() { self.b.ins().snarrow(x, y) } else { self.b.ins().uunarrow(x, y) }
                    })
                    .collect();
                a.of(to, parts)
            }
        }
    }
    /// To `i32` with the answer of `cvttps2dq` and `cvttpd2dq`.
    fn float_to_i32_x86(&mut self, a: &Lanes) -> Lanes {
        if a.ty.scalar == Scalar::F32 {
            let parts = a.map(|part| self.b.ins().x86_cvtt2dq(types::I32X4, part));
            return a.of(Scalar::I32, parts.parts);
        }
        // These three are one instruction, which leaves the upper half zero.
        let halves: Vec<_> = a
            .parts
            .iter()
            .map(|&part| {
                let wide = self.b.ins().x86_cvtt2dq(types::I64X2, part);
                let zero = self.constant(types::I64X2, 0);
                self.b.ins().snarrow(wide, zero)
            })
            .collect();
        let parts = self.join_halves(&halves);
        a.of(Scalar::I32, parts)
    }
    /// A scalar to an integer of 32 or 64 bits with the answer of `cvttsd2si`.
    fn float_to_int_x86(&mut self, x: ir::Value, to: Scalar) -> ir::Value {
        match to {
            Scalar::I32 => self.truncate_x86(x, types::I32),
            Scalar::U32 => {
                let wide = self.truncate_x86(x, types::I64);
                self.b.ins().ireduce(types::I32, wide)
            }
            Scalar::U64 => {
                // From 2^63 on, what exceeds it is converted. NaN is not from there on.
                let top = self.float_like(x, 2f64.powi(63));
                let zero = self.float_like(x, 0.0);
                let large = self.fcmp(FloatCC::GreaterThanOrEqual, x, top);
                let excess = self.pick(large, top, zero);
                let rest = self.b.ins().fsub(x, excess);
                let part = self.truncate_x86(rest, types::I64);
                let bit = self.b.ins().uextend(types::I64, large);
                let bit = self.b.ins().ishl_imm_u(bit, 63);
                self.b.ins().bxor(part, bit)
            }
            _ => self.truncate_x86(x, types::I64),
        }
    }
    /// A scalar float that fits to an `i64`.
    pub fn truncate(&mut self, a: &Lanes) -> Lanes {
        Lanes::scalar(Scalar::I64, self.b.ins().fcvt_to_sint_sat(types::I64, a.parts[0]))
    }
    fn truncate_x86(&mut self, x: ir::Value, ty: ir::Type) -> ir::Value {
        // The saturating conversion differs for NaN and above the largest only. Nothing from there on is below the limit.
        let saturated = self.b.ins().fcvt_to_sint_sat(ty, x);
        let limit = self.float_like(x, f64::from(ty.bits() - 1).exp2());
        let fits = self.fcmp(FloatCC::LessThan, x, limit);
        let smallest = self.constant(ty, 1 << (ty.bits() - 1));
        self.b.ins().select(fits, saturated, smallest)
    }

    /// Halves as 32-bit integers.
    fn half_bits(&mut self, a: &Lanes) -> Lanes {
        let bits = a.of(Scalar::U16, a.parts.clone());
        self.int_to_int(&bits, Scalar::U32)
    }
    fn half_to_f32(&mut self, a: &Lanes) -> Lanes {
        let parts = self.half_bits(a).map(|half| {
            let ty = self.type_of(half);
            let [magnitude, sign] = [0x7fff, 0x8000].map(|m| {
                let mask = self.constant(ty, m);
                self.b.ins().band(half, mask)
            });
            // Exponent and significand in their places, read as a number that is too small by 2^112, subnormal or not.
            let shifted = self.b.ins().ishl_imm_u(magnitude, 13);
            let small = self.as_floats(shifted);
            let scale = self.float_like(small, 2f64.powi(112));
            let number = self.b.ins().fmul(small, scale);
            let number = self.as_ints(number);
            // Infinities and NaN have the largest exponent here and there.
            let largest = self.constant(ty, 0x7c00 - 1);
            let special = self.icmp(IntCC::SignedGreaterThan, magnitude, largest);
            let exponent = self.constant(ty, 0x7f80_0000);
            let infinite = self.b.ins().bor(shifted, exponent);
            let magnitude = self.pick(special, infinite, number);
            let sign = self.b.ins().ishl_imm_u(sign, 16);
            let bits = self.b.ins().bor(magnitude, sign);
            self.as_floats(bits)
        });
        a.of(Scalar::F32, parts.parts)
    }
    fn f32_to_half(&mut self, a: &Lanes) -> Lanes {
        let status = self.tr.status;
        let parts = a.map(|x| {
            let bits = self.as_ints(x);
            let ty = self.type_of(bits);
            let mask = self.constant(ty, 0x7fff_ffff);
            let magnitude = self.b.ins().band(bits, mask);
            // Normal halves: another exponent bias, and half a unit minus the parity for rounding to even. The carry of
            // what is too large makes an infinity.
            let one = self.constant(ty, 1);
            let dropped = self.b.ins().ushr_imm_u(magnitude, 13);
            let parity = self.b.ins().band(dropped, one);
            let bias = self.constant(ty, 0xc800_0fff);
            let rounded = self.b.ins().iadd(magnitude, bias);
            let rounded = self.b.ins().iadd(rounded, parity);
            let normal = self.b.ins().ushr_imm_u(rounded, 13);
            // Subnormal ones: to add one half leaves multiples of 2^-24 in the low bits.
            let half = self.constant(ty, u64::from(0.5f32.to_bits()));
            let (m, h) = (self.as_floats(magnitude), self.as_floats(half));
            let sum = self.b.ins().fadd(m, h);
            let sum = self.as_ints(sum);
            let tiny = self.b.ins().isub(sum, half);
            let limit = self.constant(ty, 0x3880_0000);
            let is_tiny = self.icmp(IntCC::SignedLessThan, magnitude, limit);
            let finite = self.pick(is_tiny, tiny, normal);
            // From 2^16 on: infinity, and NaN with what fits of its payload, but never none.
            let infinity = self.constant(ty, 0x7c00);
            let limit = self.constant(ty, 0x4780_0000 - 1);
            let is_huge = self.icmp(IntCC::SignedGreaterThan, magnitude, limit);
            let mask = self.constant(ty, 0x3ff);
            let payload = self.b.ins().band(dropped, mask);
            let zero = self.constant(ty, 0);
            let none = self.icmp(IntCC::Equal, payload, zero);
            let payload = self.pick(none, one, payload);
            let limit = self.constant(ty, 0x7f80_0000);
            let is_nan = self.icmp(IntCC::SignedGreaterThan, magnitude, limit);
            let payload = self.pick(is_nan, payload, zero);
            let special = self.b.ins().bor(infinity, payload);
            let mut result = self.pick(is_huge, special, finite);
            if status {
                result = self.raise_as_half(magnitude, result);
            }
            let sign = self.b.ins().ushr_imm_u(bits, 16);
            let mask = self.constant(ty, 0x8000);
            let sign = self.b.ins().band(sign, mask);
            self.b.ins().bor(result, sign)
        });
        let wide = a.of(Scalar::U32, parts.parts);
        let narrow = self.int_to_int(&wide, Scalar::U16);
        a.of(Scalar::F16, narrow.parts)
    }
    /// Integers raise no status, so this computes something that does whenever the conversion of a number to a half
    /// overflows, or is tiny and inexact; its result is made part of the half's without changing it, as nobody would
    /// compute it otherwise.
    fn raise_as_half(&mut self, magnitude: ir::Value, half: ir::Value) -> ir::Value {
        let ty = self.type_of(half);
        let infinity = self.constant(ty, 0x7c00);
        let overflows = self.icmp(IntCC::Equal, half, infinity);
        let zero = self.constant(ty, 0);
        let large = self.pick(overflows, magnitude, zero);
        let large = self.as_floats(large);
        let scale = self.float_like(large, 2f64.powi(127));
        let infinite = self.b.ins().fmul(large, scale);
        let infinite = self.as_ints(infinite);
        let infinite = self.b.ins().ushr_imm_u(infinite, 13);
        let infinite = self.b.ins().band(infinite, infinity);

        // Below 2^-14 a multiple of 2^-24 is exact; the rest of the division, if there is any, is made even smaller.
        let tiny = self.constant(ty, 0x3880_0000);
        let is_tiny = self.icmp(IntCC::SignedLessThan, magnitude, tiny);
        let number = self.pick(is_tiny, magnitude, zero);
        let number = self.as_floats(number);
        let half_float = self.constant_like(number, u64::from(0.5f32.to_bits()));
        let sum = self.b.ins().fadd(number, half_float);
        let rounded = self.b.ins().fsub(sum, half_float);
        let exact = self.fcmp(FloatCC::Equal, rounded, number);
        let odd = self.constant(ty, 0x0080_0001);
        let odd = self.pick(exact, zero, odd);
        let odd = self.as_floats(odd);
        let half_of = self.constant_like(odd, u64::from(0.5f32.to_bits()));
        let subnormal = self.b.ins().fmul(odd, half_of);
        let subnormal = self.as_ints(subnormal);
        let nothing = self.b.ins().ushr_imm_u(subnormal, 31);

        let result = self.b.ins().bor(half, infinite);
        self.b.ins().bor(result, nothing)
    }
    /// `f64` as `f32`, of two candidates the one with an odd significand, so that rounding once more to fewer digits is as
    /// good as rounding once.
    fn round_to_odd(&mut self, a: &Lanes) -> Lanes {
        let near = self.demote(a);
        let back = self.promote(&near);
        let mut compare = |f: &mut dyn FnMut(&mut Self, ir::Value, ir::Value) -> ir::Value| {
            let parts = back.parts.iter().zip(&a.parts).map(|(&b, &x)| f(self, b, x)).collect();
            let width = if a.ty.is_vector() { 8 } else { 1 };
            let mask = Lanes { ty: a.ty.with(Scalar::Bool), width, parts };
            mask.with_width(self, if a.ty.is_vector() { 4 } else { 1 })
        };
        let inexact = compare(&mut |l, b, x| {
            let (less, greater) = (l.fcmp(FloatCC::LessThan, b, x), l.fcmp(FloatCC::GreaterThan, b, x));
            l.b.ins().bor(less, greater)
        });
        let above = compare(&mut |l, b, x| {
            let (b, x) = (l.b.ins().fabs(b), l.b.ins().fabs(x));
            l.fcmp(FloatCC::GreaterThan, b, x)
        });
        let parts = (0..near.parts.len())
            .map(|i| {
                let bits = self.as_ints(near.parts[i]);
                let (one, zero) = (self.constant_like(bits, 1), self.constant_like(bits, 0));
                let minus_one = self.constant_like(bits, u64::MAX);
                let parity = self.b.ins().band(bits, one);
                let even = self.icmp(IntCC::Equal, parity, zero);
                let wrong = self.b.ins().band(even, inexact.parts[i]);
                let step = self.pick(above.parts[i], minus_one, one);
                let step = self.pick(wrong, step, zero);
                let bits = self.b.ins().iadd(bits, step);
                self.as_floats(bits)
            })
            .collect();
        near.of(Scalar::F32, parts)
    }
}
