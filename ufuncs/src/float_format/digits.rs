//! Decimal digits of a binary float, exactly: the free-format algorithm of Steele and White ("How to Print
//! Floating-Point Numbers Accurately", 1990) in the form known as Dragon4.
//!
//! The value is held as a fraction `value / scale` of big integers, scaled so that the next digit is its integer part.
//! Two modes end the generation:
//!
//! * *unique*: stop as soon as the digits so far identify the number among its neighbours. `low` and `high` are half
//!   the distance to them, in units of `scale`.
//! * *exact*: digits of the exact value, until it is used up.
//!
//! Both can be cut off at a position, where the last digit is rounded to nearest, ties to an even digit.

use std::cmp::Ordering;

use super::bignum::Big;

/// A float taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatParts {
    pub negative: bool,
    pub class: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Nan,
    Infinite,
    /// `mantissa * 2^exponent`. `uneven`: the neighbour below is only half as far away as the one above.
    Finite {
        mantissa: u128,
        exponent: i32,
        uneven: bool,
    },
}

impl FloatParts {
    /// From an IEEE interchange format with `mbits` stored mantissa bits and `ebits` exponent bits.
    fn ieee(bits: u128, mbits: u32, ebits: u32) -> FloatParts {
        let negative = bits >> (mbits + ebits) & 1 != 0;
        let frac = bits & ((1 << mbits) - 1);
        let max_exp = (1u128 << ebits) - 1;
        let exp = bits >> mbits & max_exp;
        let bias = (max_exp >> 1) as i32 + mbits as i32;
        let class = if exp == max_exp {
            if frac == 0 { Class::Infinite } else { Class::Nan }
        } else if exp == 0 {
            Class::Finite { mantissa: frac, exponent: 1 - bias, uneven: false }
        } else {
            Class::Finite {
                mantissa: frac | 1 << mbits,
                exponent: exp as i32 - bias,
                uneven: frac == 0 && exp > 1,
            }
        };
        FloatParts { negative, class }
    }

    /// A half-precision number from its bits.
    pub fn from_f16_bits(bits: u16) -> FloatParts {
        Self::ieee(bits.into(), 10, 5)
    }
    pub fn from_f32(v: f32) -> FloatParts {
        Self::ieee(v.to_bits().into(), 23, 8)
    }
    pub fn from_f64(v: f64) -> FloatParts {
        Self::ieee(v.to_bits().into(), 52, 11)
    }
    /// A quadruple-precision number from its bits.
    pub fn from_f128_bits(bits: u128) -> FloatParts {
        Self::ieee(bits, 112, 15)
    }
    /// An x87 80-bit number: explicit integer bit, stored in the first ten bytes.
    pub fn from_x87(bytes: [u8; 16]) -> FloatParts {
        let mut m = [0; 8];
        m.copy_from_slice(&bytes[..8]);
        let mantissa = u64::from_le_bytes(m);
        let head = u16::from_le_bytes([bytes[8], bytes[9]]);
        let exp = i32::from(head & 0x7fff);
        let class = if exp == 0x7fff {
            if mantissa << 1 == 0 { Class::Infinite } else { Class::Nan }
        } else {
            let uneven = exp > 1 && mantissa == 1 << 63;
            Class::Finite { mantissa: mantissa.into(), exponent: exp.max(1) - 16383 - 63, uneven }
        };
        FloatParts { negative: head >> 15 != 0, class }
    }
}

/// Where digit generation has to stop or must not stop yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    None,
    /// So many significant digits.
    Total(u32),
    /// So many digits after the decimal point.
    Fraction(u32),
}

impl Limit {
    /// The power of ten of the last digit allowed, when the first digit stands at `first`.
    fn position(self, first: i32) -> Option<i32> {
        match self {
            Limit::None => None,
            Limit::Total(n) => Some(first.saturating_sub_unsigned(n) + 1),
            Limit::Fraction(n) => Some(0i32.saturating_sub_unsigned(n)),
        }
    }
}

/// Decimal digits `d.ddd * 10^exponent`, as ASCII; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    pub digits: Vec<u8>,
    pub exponent: i32,
}

/// The digits of `mantissa * 2^exponent`. `at_most` bounds the digits; in unique mode at least `at_least` are made.
pub fn digits(
    mantissa: u128,
    exponent: i32,
    uneven: bool,
    unique: bool,
    at_most: Limit,
    at_least: Limit,
) -> Digits {
    if mantissa == 0 {
        return Digits { digits: vec![b'0'], exponent: 0 };
    }
    let even = mantissa & 1 == 0;

    // value / scale is the number; everything is doubled (twice if the neighbours are uneven), so that half the distance
    // to a neighbour is an integer.
    let extra = if uneven { 2 } else { 1 };
    let mut value = Big::from_u128(mantissa);
    let mut scale = Big::from_u128(1);
    let mut low = Big::from_u128(1);
    value.shl(extra + exponent.max(0) as u32);
    scale.shl(extra + (-exponent).max(0) as u32);
    low.shl(exponent.max(0) as u32);
    let mut high = uneven.then(|| {
        let mut h = low.clone();
        h.shl(1);
        h
    });

    // A guess of ceil(log10(number)) that is right or one too small; the comparison below settles it.
    let top_bit = 127 - mantissa.leading_zeros() as i32 + exponent;
    let mut k = (f64::from(top_bit) * std::f64::consts::LOG10_2 - 0.69).ceil() as i32;
    if k > 0 {
        scale.mul_pow10(k as u32);
    } else {
        for b in [Some(&mut value), Some(&mut low), high.as_mut()].into_iter().flatten() {
            b.mul_pow10(-k as u32);
        }
    }
    if value.compare(&scale) != Ordering::Less {
        k += 1;
    } else {
        for b in [Some(&mut value), Some(&mut low), high.as_mut()].into_iter().flatten() {
            b.mul_small(10);
        }
    }
    let first = k - 1;

    let stop = at_most.position(first);
    let keep_going = at_least.position(first).unwrap_or(i32::MAX);
    if let Some(stop) = stop.filter(|&stop| first < stop) {
        // The number starts below the last position: it is zero or one unit there. A tie goes to zero, the even digit.
        let up = first + 1 == stop && {
            let mut twice = value.clone();
            twice.shl(1);
            let mut ten = scale.clone();
            ten.mul_small(10);
            twice.compare(&ten) == Ordering::Greater
        };
        return Digits { digits: vec![if up { b'1' } else { b'0' }], exponent: stop };
    }

    let shift = scale.digit_shift();
    for b in [Some(&mut value), Some(&mut scale), Some(&mut low), high.as_mut()].into_iter().flatten() {
        b.shl(shift);
    }

    let mut out = Vec::with_capacity(20);
    let mut pos = first;
    let (mut is_low, mut is_high) = (false, false);
    let last = loop {
        let digit = value.div_digit(&scale);
        if unique {
            let to_low = value.compare(&low);
            let to_high = value.add(high.as_ref().unwrap_or(&low)).compare(&scale);
            is_low = to_low == Ordering::Less || even && to_low == Ordering::Equal;
            is_high = to_high == Ordering::Greater || even && to_high == Ordering::Equal;
            if (is_low || is_high) && pos <= keep_going {
                break digit;
            }
        } else if value.is_zero() {
            break digit;
        }
        if stop == Some(pos) {
            break digit;
        }
        out.push(b'0' + digit);
        value.mul_small(10);
        if unique {
            low.mul_small(10);
            if let Some(h) = &mut high {
                h.mul_small(10);
            }
        }
        pos -= 1;
    };

    let down = if is_low != is_high {
        is_low
    } else {
        let mut twice = value;
        twice.shl(1);
        match twice.compare(&scale) {
            Ordering::Less => true,
            Ordering::Equal => last & 1 == 0,
            Ordering::Greater => false,
        }
    };
    let mut exponent = first;
    out.push(b'0' + last);
    if !down {
        // Carry through nines.
        while out.last() == Some(&b'9') {
            out.pop();
        }
        match out.last_mut() {
            Some(d) => *d += 1,
            None => {
                out.push(b'1');
                exponent += 1;
            }
        }
    }
    Digits { digits: out, exponent }
}
