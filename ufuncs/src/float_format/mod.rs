//! Text of floating-point numbers: shortest or with a given precision, positional or scientific, and `str` of scalars.
//!
//! [`digits`] makes exact decimal digits; this module lays them out by numpy's rules (`format_float_positional`,
//! `format_float_scientific`). The layouts work on half, float, double and long double alike through [`FloatParts`].

mod bignum;
mod digits;

use crate::elem::{LongDouble, f16};

pub use digits::{Class, Digits, FloatParts, Limit, digits};

/// What happens to trailing zeros and to a decimal point without digits behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trim {
    /// `k`: keep zeros, and pad with them up to the precision; always a point.
    Keep,
    /// `.`: no trailing zeros; always a point.
    Zeros,
    /// `0`: no trailing zeros but one right after the point.
    LeaveOneZero,
    /// `-`: no trailing zeros and no bare point.
    DptZeros,
}

impl Trim {
    /// From numpy's one-character option.
    pub fn from_char(c: char) -> Option<Trim> {
        Some(match c {
            'k' => Trim::Keep,
            '.' => Trim::Zeros,
            '0' => Trim::LeaveOneZero,
            '-' => Trim::DptZeros,
            _ => return None,
        })
    }
}

/// How to format. The default is numpy's: unique digits, zeros kept, no padding.
#[derive(Clone, Copy, Debug)]
pub struct FormatOptions {
    /// Shortest digits that identify the number, instead of digits of the exact value.
    pub unique: bool,
    /// `precision` and `min_digits` count digits after the point instead of significant digits. Positional only.
    pub fractional: bool,
    pub precision: Option<u32>,
    pub min_digits: Option<u32>,
    /// Write `+` before positive numbers.
    pub sign: bool,
    pub trim: Trim,
    /// Characters to fill left of the point, sign included.
    pub pad_left: Option<u32>,
    /// Characters to fill right of the point. Positional only.
    pub pad_right: Option<u32>,
    /// Least number of exponent digits, at most 5; two if not given. Scientific only.
    pub exp_digits: Option<u32>,
}

impl Default for FormatOptions {
    fn default() -> Self {
        FormatOptions {
            unique: true,
            fractional: true,
            precision: None,
            min_digits: None,
            sign: false,
            trim: Trim::Keep,
            pad_left: None,
            pad_right: None,
            exp_digits: None,
        }
    }
}

/// The text would be longer than numpy's buffer allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Float formatting result too large")
    }
}

impl std::error::Error for TooLarge {}

/// Longest text numpy makes; padding beyond it is an error, digits beyond it are dropped.
const MAX_LEN: usize = 16383;

/// Digits through the standard library's shortest formatting, which is much faster than [`digits`].
///
/// `None` where the two may differ: when two shortest candidates are equally near, ours is the even one.
fn shortest<T: std::fmt::LowerExp>(v: T, parts: FloatParts) -> Option<Digits> {
    let text = format!("{v:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if let Class::Finite { mantissa, exponent: e, .. } = parts.class
        && digits.last().is_some_and(|d| d % 2 == 1)
    {
        // The exact value of m / 2^n, m odd, has n decimal places; a tie has one more than the shortest digits.
        let places = -(e + mantissa.trailing_zeros() as i32);
        let shown = digits.len() as i32 - 1 - exponent;
        if places == shown + 1 || places <= 0 && shown < 0 {
            return None;
        }
    }
    Some(Digits { digits, exponent })
}

/// A number that can be formatted.
pub trait ToDecimal: Copy {
    /// `str` turns to exponents at this power of ten, where whole numbers stop being exact (but not for long double).
    const EXPONENT_FROM: u32;

    fn parts(self) -> FloatParts;

    /// Digits of the absolute value under the given limits. Only called for finite numbers.
    fn decimal(self, unique: bool, at_most: Limit, at_least: Limit) -> Digits {
        exact(self.parts(), unique, at_most, at_least)
    }
}

fn exact(parts: FloatParts, unique: bool, at_most: Limit, at_least: Limit) -> Digits {
    match parts.class {
        Class::Finite { mantissa, exponent, uneven } => {
            digits(mantissa, exponent, uneven, unique, at_most, at_least)
        }
        _ => Digits { digits: vec![b'0'], exponent: 0 },
    }
}

impl ToDecimal for f16 {
    const EXPONENT_FROM: u32 = 3;
    fn parts(self) -> FloatParts {
        FloatParts::from_f16_bits(self.to_bits())
    }
}

impl ToDecimal for LongDouble {
    const EXPONENT_FROM: u32 = 16;
    fn parts(self) -> FloatParts {
        if cfg!(target_arch = "x86_64") {
            FloatParts::from_x87(self.to_bytes())
        } else {
            FloatParts::from_f128_bits(self.to_bits())
        }
    }
}

macro_rules! native {
    ($($t:ident, $from:ident, $exponent_from:literal;)*) => {$(
        impl ToDecimal for $t {
            const EXPONENT_FROM: u32 = $exponent_from;
            fn parts(self) -> FloatParts {
                FloatParts::$from(self)
            }
            fn decimal(self, unique: bool, at_most: Limit, at_least: Limit) -> Digits {
                let parts = self.parts();
                let free = unique && at_most == Limit::None && at_least == Limit::None;
                let fast = if free { shortest(self.abs(), parts) } else { None };
                fast.unwrap_or_else(|| exact(parts, unique, at_most, at_least))
            }
        }
    )*};
}

native! {
    f32, from_f32, 6;
    f64, from_f64, 16;
}

fn non_finite(p: FloatParts, sign: bool) -> Option<String> {
    match p.class {
        Class::Finite { .. } => None,
        // NaN never shows a sign, and padding does not apply to either.
        Class::Nan => Some("nan".to_owned()),
        Class::Infinite => Some(
            match (p.negative, sign) {
                (true, _) => "-inf",
                (false, true) => "+inf",
                (false, false) => "inf",
            }
            .to_owned(),
        ),
    }
}

fn sign_of(p: FloatParts, sign: bool) -> &'static str {
    if p.negative {
        "-"
    } else if sign {
        "+"
    } else {
        ""
    }
}

/// Settles zeros and point behind the whole part: `frac` are the fraction digits at hand, `wanted` how many to fill up
/// to. Returns the text starting at the point and the number of digits in it.
fn fraction(mut frac: Vec<u8>, wanted: usize, trim: Trim) -> Result<Vec<u8>, TooLarge> {
    if trim == Trim::Keep {
        if wanted > frac.len() {
            if wanted > MAX_LEN {
                return Err(TooLarge);
            }
            frac.resize(wanted, b'0');
        }
    } else {
        while frac.last() == Some(&b'0') {
            frac.pop();
        }
        if frac.is_empty() && trim == Trim::LeaveOneZero {
            frac.push(b'0');
        }
    }
    Ok(frac)
}

fn to_string(mut text: Vec<u8>) -> String {
    text.truncate(MAX_LEN);
    // Only ASCII was written.
    String::from_utf8(text).unwrap_or_default()
}

/// A limit that never asks for more digits than fit into a text.
fn limit(n: Option<u32>, total: bool) -> Limit {
    match n.map(|n| n.min(MAX_LEN as u32 + 1)) {
        None => Limit::None,
        Some(n) if total => Limit::Total(n),
        Some(n) => Limit::Fraction(n),
    }
}

/// Formats without an exponent.
///
/// # Errors
/// [`TooLarge`] when padding makes the text longer than numpy's limit.
pub fn positional<T: ToDecimal>(v: T, o: &FormatOptions) -> Result<String, TooLarge> {
    let parts = v.parts();
    if let Some(text) = non_finite(parts, o.sign) {
        return Ok(text);
    }
    let Digits { digits, exponent } =
        v.decimal(o.unique, limit(o.precision, !o.fractional), limit(o.min_digits, !o.fractional));

    let (mut whole, frac) = if exponent >= 0 {
        let n = exponent as usize + 1;
        let mut whole = digits;
        let frac = if whole.len() > n { whole.split_off(n) } else { Vec::new() };
        whole.resize(n, b'0');
        (whole, frac)
    } else {
        let mut frac = vec![b'0'; (-exponent - 1) as usize];
        frac.extend(digits);
        (vec![b'0'], frac)
    };

    // A number cut off above the point shows no fraction; `0` at a fraction position is already padded.
    let asked = if o.unique { o.min_digits } else { o.precision }.unwrap_or(0) as usize;
    let wanted = if o.fractional { asked } else { asked.saturating_sub(whole.len()) };
    let frac = fraction(frac, wanted, o.trim)?;

    let sign = sign_of(parts, o.sign);
    let mut out = Vec::with_capacity(sign.len() + whole.len() + frac.len() + 8);
    if let Some(width) = o.pad_left {
        let pad = (width as usize).saturating_sub(sign.len() + whole.len());
        if pad > MAX_LEN {
            return Err(TooLarge);
        }
        out.resize(pad, b' ');
    }
    out.extend_from_slice(sign.as_bytes());
    out.append(&mut whole);
    let point = !frac.is_empty() || o.trim != Trim::DptZeros;
    if point {
        out.push(b'.');
    }
    out.extend_from_slice(&frac);
    if let Some(width) = o.pad_right {
        // The place of a trimmed point is filled too.
        let pad = (width as usize).saturating_sub(frac.len()) + usize::from(!point);
        if pad > MAX_LEN {
            return Err(TooLarge);
        }
        out.resize(out.len() + pad, b' ');
    }
    Ok(to_string(out))
}

/// Formats as `d.ddde+xx`.
///
/// # Errors
/// [`TooLarge`] when padding makes the text longer than numpy's limit.
pub fn scientific<T: ToDecimal>(v: T, o: &FormatOptions) -> Result<String, TooLarge> {
    let parts = v.parts();
    if let Some(text) = non_finite(parts, o.sign) {
        return Ok(text);
    }
    let one_more = |n: Option<u32>| limit(n.map(|n| n.saturating_add(1)), true);
    let Digits { mut digits, exponent } = v.decimal(o.unique, one_more(o.precision), one_more(o.min_digits));
    let frac = digits.split_off(1);
    let wanted = if o.unique { o.min_digits } else { o.precision }.unwrap_or(0) as usize;
    let frac = fraction(frac, wanted, o.trim)?;

    let sign = sign_of(parts, o.sign);
    let mut out = Vec::with_capacity(frac.len() + 16);
    if let Some(width) = o.pad_left {
        out.resize((width as usize).saturating_sub(sign.len() + 1).min(MAX_LEN), b' ');
    }
    out.extend_from_slice(sign.as_bytes());
    out.append(&mut digits);
    if !frac.is_empty() || o.trim != Trim::DptZeros {
        out.push(b'.');
    }
    out.extend_from_slice(&frac);
    out.push(b'e');
    out.push(if exponent < 0 { b'-' } else { b'+' });
    let width = o.exp_digits.unwrap_or(2).min(5) as usize;
    // numpy prints no digit at all for exponent zero in a field of width zero.
    if exponent != 0 || width != 0 {
        out.extend_from_slice(format!("{:0width$}", exponent.unsigned_abs()).as_bytes());
    }
    Ok(to_string(out))
}

/// `str` of a real scalar: shortest digits, positional from 1e-4 up to a bound of the type. Before numpy 2.3
/// (`legacy`) the bound was 1e16 for all types.
pub fn scalar_str<T: ToDecimal>(v: T, legacy: bool) -> String {
    part_str(v, Trim::LeaveOneZero, false, legacy)
}

/// `str` of a complex scalar; its `repr` wraps the same text.
pub fn complex_str<T: ToDecimal>(re: T, im: T, legacy: bool) -> String {
    let p = re.parts();
    if !p.negative && matches!(p.class, Class::Finite { mantissa: 0, .. }) {
        return format!("{}j", part_str(im, Trim::DptZeros, false, legacy));
    }
    let im = part_str(im, Trim::DptZeros, true, legacy);
    // NaN has no sign of its own, but something must stand between the parts.
    let join = if im == "nan" { "+" } else { "" };
    format!("({}{join}{im}j)", part_str(re, Trim::DptZeros, false, legacy))
}

fn part_str<T: ToDecimal>(v: T, trim: Trim, sign: bool, legacy: bool) -> String {
    let parts = v.parts();
    let text = if is_positional(parts, if legacy { 16 } else { T::EXPONENT_FROM }) {
        positional(v, &FormatOptions { trim, sign, ..FormatOptions::default() })
    } else {
        scientific(v, &FormatOptions { trim: Trim::DptZeros, sign, ..FormatOptions::default() })
    };
    // Nothing is padded, so nothing is too large.
    text.unwrap_or_default()
}

/// Zero, or `1e-4 <= |x| < 10^below` with `below` at most 16.
fn is_positional(p: FloatParts, below: u32) -> bool {
    /// The long double nearest to 1e-4: numpy compares in that type.
    const LOW: (i32, u128) = (-77 - 64, 0xd1b7_1758_e219_652c << 64);
    /// Exponent and mantissa with its top bit set: ordered as the numbers are.
    fn normal(mantissa: u128, exponent: i32) -> (i32, u128) {
        let shift = mantissa.leading_zeros();
        (exponent - shift as i32, mantissa << shift)
    }
    match p.class {
        Class::Finite { mantissa: 0, .. } => true,
        Class::Finite { mantissa, exponent, .. } => {
            (LOW..normal(10u128.pow(below), 0)).contains(&normal(mantissa, exponent))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
