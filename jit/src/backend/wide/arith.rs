//! Selection of arithmetic, comparisons and logic.

use iced_x86::Code;

use super::Level;
use super::isa::{self, Row};
use super::program::{Src, Under};
use super::select::*;
use crate::ir::{Binary, Cond, Inst, InstId, Overflow, Scalar, Unary, Value};

const ADD: BySize = [isa::ADD_B, isa::ADD_W, isa::ADD_D, isa::ADD_Q];
const SUB: BySize = [isa::SUB_B, isa::SUB_W, isa::SUB_D, isa::SUB_Q];
const ABS: BySize = [isa::ABS_B, isa::ABS_W, isa::ABS_D, isa::ABS_Q];
const MIN_SIGNED: BySize = [isa::MINS_B, isa::MINS_W, isa::MINS_D, isa::MINS_Q];
const MAX_SIGNED: BySize = [isa::MAXS_B, isa::MAXS_W, isa::MAXS_D, isa::MAXS_Q];
const MIN_UNSIGNED: BySize = [isa::MINU_B, isa::MINU_W, isa::MINU_D, isa::MINU_Q];
const MAX_UNSIGNED: BySize = [isa::MAXU_B, isa::MAXU_W, isa::MAXU_D, isa::MAXU_Q];
const CMPEQ: BySize = [isa::CMPEQ_B, isa::CMPEQ_W, isa::CMPEQ_D, isa::CMPEQ_Q];
const CMP_SIGNED: BySize = [isa::CMP_B, isa::CMP_W, isa::CMP_D, isa::CMP_Q];
const CMP_UNSIGNED: BySize = [isa::CMPU_B, isa::CMPU_W, isa::CMPU_D, isa::CMPU_Q];
const TEST: BySize = [isa::TEST_B, isa::TEST_W, isa::TEST_D, isa::TEST_Q];

// Predicates of float comparisons, all quiet: no status for a quiet NaN.
const ORDERED: u8 = 0x07;
const UNORDERED: u8 = 0x03;
const NOT_LESS: u8 = 0x15;
const NOT_GREATER: u8 = 0x1a;

fn predicate(cond: Cond) -> u8 {
    match cond {
        Cond::Eq => 0x00,
        Cond::Ne => 0x04,
        Cond::Lt => 0x11,
        Cond::Le => 0x12,
        Cond::Gt => 0x1e,
        Cond::Ge => 0x1d,
    }
}

/// How [`Select::variable_shift`] shifts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shift {
    Left,
    Logical,
    Arithmetic,
}

impl Select<'_> {
    /// A value computed from others.
    pub(super) fn compute(&mut self, id: InstId) -> Result<Held> {
        let tr = self.kernel.tr;
        let result = tr.results(id)[0];
        Ok(match *tr.inst(id) {
            Inst::Unary(Unary::Not, a) if self.scalar(a) == Scalar::Bool => self.mask_not(a)?,
            Inst::Unary(op, a) => Held::Vector(self.unary(op, a)?),
            Inst::Binary(op, a, b) if self.scalar(a) == Scalar::Bool => self.mask_binary(op, a, b)?,
            Inst::Binary(op, a, b) => {
                let (s, x, y) = (self.scalar(a), self.vector(a)?, self.vector(b)?);
                Held::Vector(self.binary(op, s, x, y)?)
            }
            Inst::Fma(a, b, c) => {
                let row = float(self.scalar(a), isa::FMADD213_PD, isa::FMADD213_PS);
                let code = self.code(row, self.size(a))?;
                let src = [self.vector(a)?, self.vector(b)?, self.vector(c)?];
                Held::Vector(self.tied(code, src, None, Under::All))
            }
            Inst::Overflow(op, a, b) => self.overflow(op, a, b)?,
            Inst::Compare(cond, a, b) if self.scalar(a) == Scalar::Bool => self.mask_compare(cond, a, b)?,
            Inst::Compare(cond, a, b) => {
                let (s, x, y) = (self.scalar(a), self.vector(a)?, self.vector(b)?);
                self.compare(cond, s, x, y)?
            }
            Inst::Select(m, a, b) => self.select(m, a, b)?,
            Inst::Convert(a) => self.convert(a, self.scalar(result))?,
            Inst::Bitcast(a) => self.held(a)?,
            _ => return self.decline(""),
        })
    }

    fn unary(&mut self, op: Unary, a: Value) -> Result<Src> {
        let (s, size) = (self.scalar(a), self.size(a));
        let x = self.vector(a)?;
        if !s.is_float() {
            return match op {
                Unary::Neg => {
                    let zero = self.splat(0, 8);
                    self.two(size_row(SUB, size), size, zero, x)
                }
                Unary::Abs if s.is_unsigned() => Ok(x),
                Unary::Abs if size == 8 && self.level == Level::Avx2 => {
                    let sign = self.negative(x)?;
                    let flipped = self.two(isa::XOR, size, x, sign)?;
                    self.two(isa::SUB_Q, size, flipped, sign)
                }
                Unary::Abs => self.one(size_row(ABS, size), size, x),
                Unary::Not => {
                    let ones = self.splat(u64::MAX, 8);
                    self.two(isa::XOR, size, x, ones)
                }
                _ => self.decline("of an integer"),
            };
        }
        let sign = 1u64 << (s.bits() - 1);
        let round = float(s, isa::ROUND_PD, isa::ROUND_PS);
        // Bit 3 keeps "inexact" quiet.
        match op {
            Unary::Neg => {
                let sign = self.splat(sign, size);
                self.two(isa::XOR, size, x, sign)
            }
            Unary::Abs => {
                let rest = self.splat(!sign, size);
                self.two(isa::AND, size, x, rest)
            }
            Unary::Sqrt => self.one(float(s, isa::SQRT_PD, isa::SQRT_PS), size, x),
            Unary::Rint => self.immediate(round, size, x, 8),
            Unary::Floor => self.immediate(round, size, x, 9),
            Unary::Ceil => self.immediate(round, size, x, 10),
            Unary::Trunc => self.immediate(round, size, x, 11),
            Unary::Not => self.decline("of a float"),
        }
    }

    pub(super) fn binary(&mut self, op: Binary, s: Scalar, x: Src, y: Src) -> Result<Src> {
        if s.is_float() { self.float_binary(op, s, x, y) } else { self.int_binary(op, s, x, y) }
    }

    fn float_binary(&mut self, op: Binary, s: Scalar, x: Src, y: Src) -> Result<Src> {
        let size = s.size();
        match op {
            Binary::Add => self.commute(float(s, isa::ADD_PD, isa::ADD_PS), size, x, y),
            Binary::Sub => self.two(float(s, isa::SUB_PD, isa::SUB_PS), size, x, y),
            Binary::Mul => self.commute(float(s, isa::MUL_PD, isa::MUL_PS), size, x, y),
            Binary::Div => self.two(float(s, isa::DIV_PD, isa::DIV_PS), size, x, y),
            Binary::Min => self.extremum(s, Cond::Lt, NOT_LESS, x, y, x),
            Binary::Max => self.extremum(s, Cond::Gt, NOT_GREATER, x, y, x),
            Binary::Fmin => self.extremum(s, Cond::Lt, NOT_LESS, x, y, y),
            Binary::Fmax => self.extremum(s, Cond::Gt, NOT_GREATER, x, y, y),
            Binary::Copysign => {
                let sign = self.splat(1 << (s.bits() - 1), size);
                let magnitude = self.two(isa::ANDN, size, sign, x)?;
                let sign = self.two(isa::AND, size, y, sign)?;
                self.two(isa::OR, size, magnitude, sign)
            }
            _ => self.decline("of floats"),
        }
    }
    /// The first operand if it is `better` than the second or `decisive` is NaN. The processor's own minimum and maximum
    /// raise "invalid" for quiet NaN and prefer the second operand, so comparisons decide.
    fn extremum(
        &mut self,
        s: Scalar,
        better: Cond,
        not_better: u8,
        x: Src,
        y: Src,
        decisive: Src,
    ) -> Result<Src> {
        let size = s.size();
        let code = self.code(float(s, isa::CMP_PD, isa::CMP_PS), size)?;
        if self.level == Level::Avx512 {
            // Not better and not NaN: the second mask is computed where the first is set only.
            let second = self.mask_op(code, [x, y, Src::None], Some(not_better), Under::All);
            let second =
                self.mask_op(code, [decisive, decisive, Src::None], Some(ORDERED), Under::Mask(second));
            let blend = self.code(blend_row(size), size)?;
            return Ok(self.under(blend, [x, y, Src::None], Under::Mask(second)));
        }
        let first = self.op(code, [x, y, Src::None], Some(predicate(better)));
        let nan = self.op(code, [decisive, decisive, Src::None], Some(UNORDERED));
        let first = self.two(isa::OR, size, first, nan)?;
        let blend = self.code(float(s, isa::BLENDV_PD, isa::BLENDV_PS), size)?;
        Ok(self.op(blend, [y, x, first], None))
    }

    fn int_binary(&mut self, op: Binary, s: Scalar, x: Src, y: Src) -> Result<Src> {
        let size = s.size();
        match op {
            Binary::Add => self.commute(size_row(ADD, size), size, x, y),
            Binary::Sub => self.two(size_row(SUB, size), size, x, y),
            Binary::Mul => self.multiply(size, x, y),
            Binary::Min | Binary::Max if size == 8 && self.level == Level::Avx2 => {
                let cond = if op == Binary::Min { Cond::Lt } else { Cond::Gt };
                let Held::Mask(first, _) = self.compare(cond, s, x, y)? else { unreachable!("a comparison") };
                let code = self.code(isa::BLENDV_B, size)?;
                Ok(self.op(code, [y, x, first], None))
            }
            Binary::Min if s.is_signed() => self.commute(size_row(MIN_SIGNED, size), size, x, y),
            Binary::Min => self.commute(size_row(MIN_UNSIGNED, size), size, x, y),
            Binary::Max if s.is_signed() => self.commute(size_row(MAX_SIGNED, size), size, x, y),
            Binary::Max => self.commute(size_row(MAX_UNSIGNED, size), size, x, y),
            Binary::And => self.commute(isa::AND, size, x, y),
            Binary::Or => self.commute(isa::OR, size, x, y),
            Binary::Xor => self.commute(isa::XOR, size, x, y),
            Binary::Shl => self.variable_shift(Shift::Left, size, x, y),
            Binary::Shr if s.is_signed() => self.variable_shift(Shift::Arithmetic, size, x, y),
            Binary::Shr => self.variable_shift(Shift::Logical, size, x, y),
            Binary::Div | Binary::Rem => self.decline("of integers"),
            Binary::Fmin | Binary::Fmax | Binary::Copysign => self.decline("of integers"),
        }
    }

    fn multiply(&mut self, size: usize, x: Src, y: Src) -> Result<Src> {
        match size {
            2 => self.commute(isa::MUL_W, size, x, y),
            4 => self.commute(isa::MUL_D, size, x, y),
            8 if self.level == Level::Avx512 => self.commute(isa::MUL_Q, size, x, y),
            8 => {
                // Of the four products of halves, the upper two do not reach the result.
                let low = self.two(isa::MUL_UDQ, size, x, y)?;
                let (x_high, y_high) =
                    (self.immediate(isa::SRL_Q, size, x, 32)?, self.immediate(isa::SRL_Q, size, y, 32)?);
                let a = self.two(isa::MUL_UDQ, size, x_high, y)?;
                let b = self.two(isa::MUL_UDQ, size, y_high, x)?;
                let cross = self.two(isa::ADD_Q, size, a, b)?;
                let cross = self.immediate(isa::SLL_Q, size, cross, 32)?;
                self.two(isa::ADD_Q, size, low, cross)
            }
            _ => {
                let even = self.commute(isa::MUL_W, size, x, y)?;
                let (x_odd, y_odd) =
                    (self.immediate(isa::SRL_W, size, x, 8)?, self.immediate(isa::SRL_W, size, y, 8)?);
                let odd = self.two(isa::MUL_W, size, x_odd, y_odd)?;
                let odd = self.immediate(isa::SLL_W, size, odd, 8)?;
                self.combine_halves(1, even, odd)
            }
        }
    }
    /// The lower halves of wide lanes from one vector, the upper halves, which have nothing below, from another.
    fn combine_halves(&mut self, half: usize, even: Src, odd: Src) -> Result<Src> {
        let lower = self.splat((1 << (8 * half)) - 1, 2 * half);
        let even = self.two(isa::AND, half, even, lower)?;
        self.two(isa::OR, half, even, odd)
    }

    /// Counts outside of `0..bits` shift everything out: the instructions do that too, for counts taken as unsigned.
    /// Narrow lanes are shifted as the two halves of wider ones.
    fn variable_shift(&mut self, shift: Shift, size: usize, x: Src, count: Src) -> Result<Src> {
        // The instructions on this size, in registers of the length that lanes of `like` have.
        let native = match (self.level, size, shift) {
            (_, 4, Shift::Left) => Some(isa::SLLV_D),
            (_, 4, Shift::Logical) => Some(isa::SRLV_D),
            (_, 4, Shift::Arithmetic) => Some(isa::SRAV_D),
            (_, 8, Shift::Left) => Some(isa::SLLV_Q),
            (_, 8, Shift::Logical) => Some(isa::SRLV_Q),
            (Level::Avx512, 8, Shift::Arithmetic) => Some(isa::SRAV_Q),
            (Level::Avx512, 2, Shift::Left) => Some(isa::SLLV_W),
            (Level::Avx512, 2, Shift::Logical) => Some(isa::SRLV_W),
            (Level::Avx512, 2, Shift::Arithmetic) => Some(isa::SRAV_W),
            _ => None,
        };
        self.shift_lanes(shift, native, size, size, x, count)
    }
    /// Shifts lanes of `size` bytes in registers as long as `like`-byte lanes need.
    fn shift_lanes(
        &mut self,
        shift: Shift,
        native: Option<Row>,
        size: usize,
        like: usize,
        x: Src,
        count: Src,
    ) -> Result<Src> {
        if let Some(row) = native {
            return self.two(row, like, x, count);
        }
        if size == 8 {
            // An arithmetic shift of what is not negative is a logical one; complement what is.
            let sign = self.negative(x)?;
            let positive = self.two(isa::XOR, like, x, sign)?;
            let shifted = self.two(isa::SRLV_Q, like, positive, count)?;
            return self.two(isa::XOR, like, shifted, sign);
        }
        let bits = 8 * size as u8;
        let double = 2 * size;
        let (left, logical, arithmetic) = match double {
            2 => (isa::SLL_W, isa::SRL_W, isa::SRA_W),
            _ => (isa::SLL_D, isa::SRL_D, isa::SRA_D),
        };
        let lower = self.splat((1 << bits) - 1, double);
        let upper = self.splat(!((1 << bits) - 1), double);
        let even_count = self.two(isa::AND, like, count, lower)?;
        let odd_count = self.immediate(logical, like, count, bits)?;
        let (even, odd) = match shift {
            Shift::Left => (x, self.two(isa::AND, like, x, upper)?),
            Shift::Logical => (self.two(isa::AND, like, x, lower)?, x),
            Shift::Arithmetic => {
                let top = self.immediate(left, like, x, bits)?;
                (self.immediate(arithmetic, like, top, bits)?, x)
            }
        };
        let wider = match (self.level, double, shift) {
            (_, 4, Shift::Left) => Some(isa::SLLV_D),
            (_, 4, Shift::Logical) => Some(isa::SRLV_D),
            (_, 4, Shift::Arithmetic) => Some(isa::SRAV_D),
            (Level::Avx512, 2, Shift::Left) => Some(isa::SLLV_W),
            (Level::Avx512, 2, Shift::Logical) => Some(isa::SRLV_W),
            (Level::Avx512, 2, Shift::Arithmetic) => Some(isa::SRAV_W),
            _ => None,
        };
        let even = self.shift_lanes(shift, wider, double, like, even, even_count)?;
        let odd = self.shift_lanes(shift, wider, double, like, odd, odd_count)?;
        let even = self.two(isa::AND, like, even, lower)?;
        let odd = self.two(isa::AND, like, odd, upper)?;
        self.two(isa::OR, like, even, odd)
    }

    /// All-ones in 64-bit lanes below zero, on AVX2.
    fn negative(&mut self, x: Src) -> Result<Src> {
        let zero = self.splat(0, 8);
        self.two(isa::CMPGT_Q, 8, zero, x)
    }

    fn overflow(&mut self, op: Overflow, a: Value, b: Value) -> Result<Held> {
        let (s, size) = (self.scalar(a), self.size(a));
        let (x, y) = (self.vector(a)?, self.vector(b)?);
        let zero = self.splat(0, 8);
        match op {
            Overflow::Mul => self.decline("has no vector form"),
            Overflow::Add => {
                let sum = self.commute(size_row(ADD, size), size, x, y)?;
                if s.is_unsigned() {
                    return self.compare(Cond::Lt, s, sum, x);
                }
                // Both operands have the other sign than the sum.
                let (dx, dy) = (self.two(isa::XOR, size, sum, x)?, self.two(isa::XOR, size, sum, y)?);
                let both = self.two(isa::AND, size, dx, dy)?;
                self.compare(Cond::Lt, s, both, zero)
            }
            Overflow::Sub => {
                if s.is_unsigned() {
                    return self.compare(Cond::Lt, s, x, y);
                }
                // The operands differ in sign, and so do the first and the difference.
                let difference = self.two(size_row(SUB, size), size, x, y)?;
                let (dx, dy) =
                    (self.two(isa::XOR, size, difference, x)?, self.commute(isa::XOR, size, x, y)?);
                let both = self.two(isa::AND, size, dx, dy)?;
                self.compare(Cond::Lt, s, both, zero)
            }
        }
    }

    // Comparisons and masks.

    pub(super) fn compare(&mut self, cond: Cond, s: Scalar, x: Src, y: Src) -> Result<Held> {
        let size = s.size();
        let (cond, x, y) = match (x, y) {
            (Src::Inv(_), Src::Reg(_)) => (cond.swapped(), y, x),
            _ => (cond, x, y),
        };
        if s.is_float() {
            let code = self.code(float(s, isa::CMP_PD, isa::CMP_PS), size)?;
            let src = [x, y, Src::None];
            return Ok(match self.level {
                Level::Avx2 => Held::Mask(self.op(code, src, Some(predicate(cond))), size),
                Level::Avx512 => Held::Mask(self.mask_op(code, src, Some(predicate(cond)), Under::All), size),
            });
        }
        if self.level == Level::Avx512 {
            let rows = if s.is_signed() { CMP_SIGNED } else { CMP_UNSIGNED };
            let imm = match cond {
                Cond::Eq => 0,
                Cond::Lt => 1,
                Cond::Le => 2,
                Cond::Ne => 4,
                Cond::Ge => 5,
                Cond::Gt => 6,
            };
            let code = self.code(size_row(rows, size), size)?;
            return Ok(Held::Mask(self.mask_op(code, [x, y, Src::None], Some(imm), Under::All), size));
        }
        // There is "equal" and signed "greater", the rest follows.
        let mask = match cond {
            Cond::Eq | Cond::Ne => self.commute(size_row(CMPEQ, size), size, x, y)?,
            _ => {
                let (x, y) = if matches!(cond, Cond::Lt | Cond::Ge) { (y, x) } else { (x, y) };
                let (x, y) = if s.is_signed() {
                    (x, y)
                } else {
                    let sign = self.splat(1 << (s.bits() - 1), size);
                    (self.commute(isa::XOR, size, x, sign)?, self.commute(isa::XOR, size, y, sign)?)
                };
                self.two(size_row(CMPGT, size), size, x, y)?
            }
        };
        let negated = matches!(cond, Cond::Ne | Cond::Le | Cond::Ge);
        Ok(Held::Mask(if negated { self.complement(mask, size)? } else { mask }, size))
    }
    fn complement(&mut self, mask: Src, size: usize) -> Result<Src> {
        let ones = self.splat(u64::MAX, 8);
        self.commute(isa::XOR, size, mask, ones)
    }
    /// Whether the bits of lanes are not all 0.
    pub(super) fn nonzero(&mut self, x: Src, size: usize) -> Result<Held> {
        if self.level == Level::Avx512 {
            let code = self.code(size_row(TEST, size), size)?;
            return Ok(Held::Mask(self.mask_op(code, [x, x, Src::None], None, Under::All), size));
        }
        let zero = self.splat(0, 8);
        let mask = self.commute(size_row(CMPEQ, size), size, x, zero)?;
        Ok(Held::Mask(self.complement(mask, size)?, size))
    }
    /// The size at which two masks are combined: the smaller is cheaper to reach.
    fn common_size(&mut self, a: Value, b: Value) -> Result<usize> {
        let (a, b) = (self.mask(a)?.1, self.mask(b)?.1);
        Ok(match (a, b) {
            (ANY_REP, ANY_REP) => 1,
            (ANY_REP, size) | (size, ANY_REP) => size,
            (a, b) => a.min(b),
        })
    }
    fn mask_not(&mut self, a: Value) -> Result<Held> {
        let (x, size) = self.mask(a)?;
        if self.level == Level::Avx512 {
            let not = self.mask_op(Code::VEX_Knotq_kr_kr, [x, Src::None, Src::None], None, Under::All);
            return Ok(Held::Mask(not, size));
        }
        let size = if size == ANY_REP { 1 } else { size };
        Ok(Held::Mask(self.complement(x, size)?, size))
    }
    fn mask_binary(&mut self, op: Binary, a: Value, b: Value) -> Result<Held> {
        let (row, code) = match op {
            Binary::And => (isa::AND, Code::VEX_Kandq_kr_kr_kr),
            Binary::Or => (isa::OR, Code::VEX_Korq_kr_kr_kr),
            Binary::Xor => (isa::XOR, Code::VEX_Kxorq_kr_kr_kr),
            _ => return self.decline("of bools"),
        };
        self.mask_two(row, code, a, b)
    }
    fn mask_two(&mut self, row: Row, code: Code, a: Value, b: Value) -> Result<Held> {
        let size = self.common_size(a, b)?;
        let (x, y) = (self.mask_as(a, size)?, self.mask_as(b, size)?);
        let mask = match self.level {
            Level::Avx2 => self.two(row, size, x, y)?,
            Level::Avx512 => self.mask_op(code, [x, y, Src::None], None, Under::All),
        };
        Ok(Held::Mask(mask, size))
    }
    fn mask_compare(&mut self, cond: Cond, a: Value, b: Value) -> Result<Held> {
        let negated = matches!(cond, Cond::Eq | Cond::Le | Cond::Ge);
        // "a and not b" is "b below a".
        let held = match cond {
            Cond::Eq | Cond::Ne => self.mask_two(isa::XOR, Code::VEX_Kxorq_kr_kr_kr, a, b)?,
            Cond::Lt | Cond::Ge => self.mask_two(isa::ANDN, Code::VEX_Kandnq_kr_kr_kr, a, b)?,
            Cond::Gt | Cond::Le => self.mask_two(isa::ANDN, Code::VEX_Kandnq_kr_kr_kr, b, a)?,
        };
        let Held::Mask(mask, size) = held else { unreachable!("masks combine to masks") };
        Ok(match (negated, self.level) {
            (false, _) => held,
            (true, Level::Avx2) => Held::Mask(self.complement(mask, size)?, size),
            (true, Level::Avx512) => {
                let src = [mask, Src::None, Src::None];
                Held::Mask(self.mask_op(Code::VEX_Knotq_kr_kr, src, None, Under::All), size)
            }
        })
    }

    fn select(&mut self, m: Value, a: Value, b: Value) -> Result<Held> {
        let (s, size) = (self.scalar(a), self.size(a));
        if s == Scalar::Bool {
            return self.mask_select(m, a, b);
        }
        let (x, y) = (self.vector(a)?, self.vector(b)?);
        let mask = self.mask_as(m, size)?;
        if self.level == Level::Avx512 {
            let code = self.code(blend_row(size), size)?;
            return Ok(Held::Vector(self.under(code, [y, x, Src::None], Under::Mask(mask))));
        }
        let code = match s {
            Scalar::F64 => self.code(isa::BLENDV_PD, size)?,
            Scalar::F32 => self.code(isa::BLENDV_PS, size)?,
            _ => self.code(isa::BLENDV_B, size)?,
        };
        Ok(Held::Vector(self.op(code, [y, x, mask], None)))
    }
    fn mask_select(&mut self, m: Value, a: Value, b: Value) -> Result<Held> {
        if self.level == Level::Avx512 {
            let [m, x, y] = [self.mask(m)?.0, self.mask(a)?.0, self.mask(b)?.0];
            let mut k = |code, x, y| self.mask_op(code, [x, y, Src::None], None, Under::All);
            let first = k(Code::VEX_Kandq_kr_kr_kr, m, x);
            let second = k(Code::VEX_Kandnq_kr_kr_kr, m, y);
            return Ok(Held::Mask(k(Code::VEX_Korq_kr_kr_kr, first, second), 1));
        }
        let size = self.common_size(a, b)?;
        let (x, y, m) = (self.mask_as(a, size)?, self.mask_as(b, size)?, self.mask_as(m, size)?);
        let code = self.code(isa::BLENDV_B, size)?;
        Ok(Held::Mask(self.op(code, [y, x, m], None), size))
    }
    /// The pattern where the mask is set, 0 elsewhere.
    pub(super) fn mask_and(&mut self, m: Value, pattern: Src, size: usize) -> Result<Src> {
        let mask = self.mask_as(m, size)?;
        match self.level {
            Level::Avx2 => self.commute(isa::AND, size, mask, pattern),
            Level::Avx512 => {
                let code = self.code(move_row(size), size)?;
                Ok(self.zeroing(code, [pattern, Src::None, Src::None], Under::Mask(mask)))
            }
        }
    }
}

fn move_row(size: usize) -> Row {
    size_row([isa::LOAD_B, isa::LOAD_W, isa::LOAD_D, isa::LOAD], size)
}

/// The row for doubles or the one for singles.
pub(super) fn float(s: Scalar, double: Row, single: Row) -> Row {
    if s == Scalar::F64 { double } else { single }
}
