//! Selection of conversions.
//!
//! Between the sizes of lanes, the register of the wider side decides the length of the instruction. Conversions without
//! an instruction go through a type in between, if that neither rounds twice nor answers otherwise out of range.

use iced_x86::Code;

use super::Level;
use super::isa::{self, Length, Row};
use super::program::{Src, Under};
use super::select::*;
use crate::ir::{Cond, Scalar, Value};

impl Select<'_> {
    pub(super) fn convert(&mut self, a: Value, to: Scalar) -> Result<Held> {
        let from = self.scalar(a);
        if from == to {
            return self.held(a);
        }
        if from == Scalar::Bool {
            let one = match to {
                Scalar::F64 => 1f64.to_bits(),
                Scalar::F32 => u64::from(1f32.to_bits()),
                Scalar::F16 => 0x3c00,
                _ => 1,
            };
            let one = self.splat(one, to.size());
            return Ok(Held::Vector(self.mask_and(a, one, to.size())?));
        }
        let x = self.vector(a)?;
        if to == Scalar::Bool {
            return match from {
                Scalar::F32 | Scalar::F64 => {
                    let zero = self.splat(0, 8);
                    self.compare(Cond::Ne, from, x, zero)
                }
                Scalar::F16 => {
                    let magnitude = self.splat(0x7fff, 2);
                    let x = self.commute(isa::AND, 2, x, magnitude)?;
                    self.nonzero(x, 2)
                }
                _ => self.nonzero(x, from.size()),
            };
        }
        Ok(Held::Vector(self.number(x, from, to)?))
    }

    /// From number to number.
    fn number(&mut self, x: Src, from: Scalar, to: Scalar) -> Result<Src> {
        let avx512 = self.level == Level::Avx512;
        match (from, to) {
            (a, b) if a == b => Ok(x),
            (a, b) if a.is_int() && b.is_int() => self.resize(x, a.size(), b.size(), a.is_signed()),
            (Scalar::F16, _) => {
                let x = self.one(isa::PH_TO_PS, 4, x)?;
                self.number(x, Scalar::F32, to)
            }
            (Scalar::F64, Scalar::F16) => self.decline("from f64 to f16 would round twice"),
            (Scalar::F32, Scalar::F16) => {
                // To nearest, whatever the current mode is.
                self.immediate(isa::PS_TO_PH, 4, x, 0)
            }
            (_, Scalar::F16) => {
                let x = self.number(x, from, Scalar::F32)?;
                self.number(x, Scalar::F32, to)
            }
            (Scalar::F32, Scalar::F64) => self.one(isa::PS_TO_PD, 8, x),
            (Scalar::F64, Scalar::F32) => self.one(isa::PD_TO_PS, 8, x),
            (_, Scalar::F64) => match from {
                Scalar::I32 => self.one(isa::DQ_TO_PD, 8, x),
                Scalar::U32 if avx512 => self.one(isa::UDQ_TO_PD, 8, x),
                Scalar::U32 => {
                    // As the low bits of 2^52.
                    let x = self.resize(x, 4, 8, false)?;
                    let magic = self.splat(((1u64 << 52) as f64).to_bits(), 8);
                    let x = self.commute(isa::OR, 8, x, magic)?;
                    self.two(isa::SUB_PD, 8, x, magic)
                }
                Scalar::I64 if avx512 => self.one(isa::QQ_TO_PD, 8, x),
                Scalar::U64 if avx512 => self.one(isa::UQQ_TO_PD, 8, x),
                Scalar::I64 | Scalar::U64 => self.quad_to_double(x, from == Scalar::I64),
                _ => {
                    let x = self.resize(x, from.size(), 4, from.is_signed())?;
                    self.number(x, Scalar::I32, to)
                }
            },
            (_, Scalar::F32) => match from {
                Scalar::I32 => self.one(isa::DQ_TO_PS, 4, x),
                Scalar::U32 => self.one(isa::UDQ_TO_PS, 4, x),
                Scalar::I64 => self.one(isa::QQ_TO_PS, 8, x),
                Scalar::U64 => self.one(isa::UQQ_TO_PS, 8, x),
                _ => {
                    let x = self.resize(x, from.size(), 4, from.is_signed())?;
                    self.number(x, Scalar::I32, to)
                }
            },
            (_, Scalar::I64) => {
                if from == Scalar::F64 {
                    self.one(isa::PD_TO_QQ, 8, x)
                } else {
                    self.one(isa::PS_TO_QQ, 8, x)
                }
            }
            (_, Scalar::U32) => {
                let x = self.number(x, from, Scalar::I64)?;
                self.resize(x, 8, 4, true)
            }
            (Scalar::F32, Scalar::U64) => {
                let x = self.one(isa::PS_TO_PD, 8, x)?;
                self.number(x, Scalar::F64, to)
            }
            (Scalar::F64, Scalar::U64) => self.double_to_unsigned(x),
            _ => {
                let row = if from == Scalar::F64 { isa::PD_TO_DQ } else { isa::PS_TO_DQ };
                let x = self.one(row, from.size(), x)?;
                self.resize(x, 4, to.size(), true)
            }
        }
    }

    /// Both halves of a 64-bit integer become the low bits of large doubles, whose difference to what they stand for is
    /// taken off exactly; only the last addition rounds.
    fn quad_to_double(&mut self, x: Src, signed: bool) -> Result<Src> {
        let two_52 = 2f64.powi(52);
        let mut high = self.immediate(isa::SRL_Q, 8, x, 32)?;
        let mut bias = 2f64.powi(84);
        if signed {
            // Adding 2^31 to the upper half makes it unsigned.
            let flip = self.splat(1 << 31, 8);
            high = self.commute(isa::XOR, 8, high, flip)?;
            bias += 2f64.powi(63);
        }
        let high_base = self.splat(2f64.powi(84).to_bits(), 8);
        let high = self.commute(isa::OR, 8, high, high_base)?;
        let lower = self.splat(u64::from(u32::MAX), 8);
        let low = self.commute(isa::AND, 8, x, lower)?;
        let low_base = self.splat(two_52.to_bits(), 8);
        let low = self.commute(isa::OR, 8, low, low_base)?;
        let bias = self.splat((bias + two_52).to_bits(), 8);
        let high = self.two(isa::SUB_PD, 8, high, bias)?;
        self.two(isa::ADD_PD, 8, high, low)
    }

    /// From 2^63 on the excess over it is converted and the top bit flipped.
    fn double_to_unsigned(&mut self, x: Src) -> Result<Src> {
        let top = self.splat(2f64.powi(63).to_bits(), 8);
        if self.level == Level::Avx2 {
            return self.decline("to u64 has no instruction at this level");
        }
        let Held::Mask(large, _) = self.compare(Cond::Ge, Scalar::F64, x, top)? else {
            unreachable!("a comparison")
        };
        let code = self.code(isa::SUB_PD, 8)?;
        // Merges: where the mask is not set, the value stays and nothing is raised.
        let reduced = self.merge(code, x, x, top, large);
        let n = self.one(isa::PD_TO_QQ, 8, reduced)?;
        let sign = self.splat(1 << 63, 8);
        let code = self.code(isa::XOR, 8)?;
        Ok(self.merge(code, n, n, sign, large))
    }
    /// The instruction's result where the mask is set, `old` elsewhere.
    fn merge(&mut self, code: Code, old: Src, x: Src, y: Src, mask: Src) -> Src {
        self.tied(code, [old, x, y], None, Under::Mask(mask))
    }

    /// Lanes of another size: extended, or cut to their low bits.
    pub(super) fn resize(&mut self, x: Src, from: usize, to: usize, signed: bool) -> Result<Src> {
        if from == to {
            return Ok(x);
        }
        if from < to {
            let row = match (from, to, signed) {
                (1, 2, true) => isa::SX_BW,
                (1, 4, true) => isa::SX_BD,
                (1, 8, true) => isa::SX_BQ,
                (2, 4, true) => isa::SX_WD,
                (2, 8, true) => isa::SX_WQ,
                (4, 8, true) => isa::SX_DQ,
                (1, 2, false) => isa::ZX_BW,
                (1, 4, false) => isa::ZX_BD,
                (1, 8, false) => isa::ZX_BQ,
                (2, 4, false) => isa::ZX_WD,
                (2, 8, false) => isa::ZX_WQ,
                _ => isa::ZX_DQ,
            };
            return self.one(row, to, x);
        }
        if self.level == Level::Avx512 {
            let row: Row = match (from, to) {
                (2, 1) => isa::CUT_WB,
                (4, 1) => isa::CUT_DB,
                (8, 1) => isa::CUT_QB,
                (4, 2) => isa::CUT_DW,
                (8, 2) => isa::CUT_QW,
                _ => isa::CUT_QD,
            };
            return self.one(row, from, x);
        }
        self.cut_by_shuffle(x, from, to)
    }
    /// The low bytes of lanes, on AVX2. A shuffle works on 128 bits at a time, so the second half of a register puts its
    /// bytes where those of the first one end, and both are joined.
    fn cut_by_shuffle(&mut self, x: Src, from: usize, to: usize) -> Result<Src> {
        const NOTHING: u64 = 0x80;
        let each = 16 / from;
        let control = self.pattern(
            |at| {
                let (half, byte) = (at / 16 % 2, at % 16);
                let lane = (byte / to).wrapping_sub(half * each);
                if lane < each { (lane * from + byte % to) as u64 } else { NOTHING }
            },
            1,
        );
        let low = self.two(isa::SHUFFLE_B, from, x, control)?;
        if Length::of(self.lanes * from) == Length::Xmm {
            return Ok(low);
        }
        let high = self.op(isa::EXTRACT_128.code(self.level), [low, Src::None, Src::None], Some(1));
        self.two(isa::OR, to, low, high)
    }
}
