//! The platform's C `long double`.
//!
//! x87 extended precision on x86-64, IEEE binary128 on aarch64 Linux: 16 bytes in both cases, which is the only layout
//! this crate supports (the shim refuses to compile elsewhere, e.g. where `long double` is `double`). All arithmetic
//! goes through C, value by value.

use core::cmp::Ordering;
use core::ffi::{c_char, c_int};
use core::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A `long double`. The default is zero; padding bytes of results made here are zero.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub struct LongDouble([u8; 16]);

type Ld = LongDouble;

macro_rules! shim {
    (unary: $($u:ident $cu:ident),*; binary: $($b:ident $cb:ident),*;) => {
        unsafe extern "C" {
            $(safe fn $cu(r: &mut Ld, a: &Ld);)*
            $(safe fn $cb(r: &mut Ld, a: &Ld, b: &Ld);)*
        }
        impl LongDouble {
            $(
                #[inline]
                pub fn $u(self) -> Ld {
                    let mut r = Ld::ZERO;
                    $cu(&mut r, &self);
                    r
                }
            )*
            $(
                #[inline]
                pub fn $b(self, other: Ld) -> Ld {
                    let mut r = Ld::ZERO;
                    $cb(&mut r, &self, &other);
                    r
                }
            )*
        }
    };
}

shim! {
    unary:
        sqrt mnp_ld_sqrt, cbrt mnp_ld_cbrt, exp mnp_ld_exp, exp2 mnp_ld_exp2, expm1 mnp_ld_expm1, log mnp_ld_log,
        log2 mnp_ld_log2, log10 mnp_ld_log10, log1p mnp_ld_log1p, sin mnp_ld_sin, cos mnp_ld_cos, tan mnp_ld_tan,
        asin mnp_ld_asin, acos mnp_ld_acos, atan mnp_ld_atan, sinh mnp_ld_sinh, cosh mnp_ld_cosh, tanh mnp_ld_tanh,
        asinh mnp_ld_asinh, acosh mnp_ld_acosh, atanh mnp_ld_atanh, floor mnp_ld_floor, ceil mnp_ld_ceil,
        trunc mnp_ld_trunc, rint mnp_ld_rint, fabs mnp_ld_fabs, negate mnp_ld_neg;
    binary:
        fmax mnp_ld_fmax, fmin mnp_ld_fmin, plus mnp_ld_add, minus mnp_ld_sub, times mnp_ld_mul, over mnp_ld_div, pow mnp_ld_pow, atan2 mnp_ld_atan2,
        hypot mnp_ld_hypot, fmod mnp_ld_fmod, copysign mnp_ld_copysign, nextafter mnp_ld_nextafter;
}

unsafe extern "C" {
    safe fn mnp_ld_from_f64(r: &mut Ld, x: f64);
    safe fn mnp_ld_from_i64(r: &mut Ld, x: i64);
    safe fn mnp_ld_from_u64(r: &mut Ld, x: u64);
    safe fn mnp_ld_to_f32(x: &Ld) -> f32;
    safe fn mnp_ld_to_f64(x: &Ld) -> f64;
    safe fn mnp_ld_to_i8(x: &Ld) -> i8;
    safe fn mnp_ld_to_u8(x: &Ld) -> u8;
    safe fn mnp_ld_to_i16(x: &Ld) -> i16;
    safe fn mnp_ld_to_u16(x: &Ld) -> u16;
    safe fn mnp_ld_to_i32(x: &Ld) -> i32;
    safe fn mnp_ld_to_u32(x: &Ld) -> u32;
    safe fn mnp_ld_to_i64(x: &Ld) -> i64;
    safe fn mnp_ld_to_u64(x: &Ld) -> u64;
    fn mnp_ld_parse(r: &mut Ld, text: *const c_char) -> usize;
    fn mnp_ld_format(buf: *mut c_char, size: usize, conv: c_char, precision: c_int, x: &Ld) -> c_int;
    safe fn mnp_ld_eq(a: &Ld, b: &Ld) -> c_int;
    safe fn mnp_ld_lt(a: &Ld, b: &Ld) -> c_int;
    safe fn mnp_ld_le(a: &Ld, b: &Ld) -> c_int;
    safe fn mnp_ld_cmp(a: &Ld, b: &Ld) -> c_int;
    safe fn mnp_ld_isnan(a: &Ld) -> c_int;
    safe fn mnp_ld_isinf(a: &Ld) -> c_int;
    safe fn mnp_ld_isfinite(a: &Ld) -> c_int;
    safe fn mnp_ld_signbit(a: &Ld) -> c_int;
    fn mnp_ld_sum_block(r: &mut Ld, p: *const u8, n: usize, stride: isize);
    safe fn mnp_ld_frexp(r: &mut Ld, e: &mut c_int, a: &Ld);
    safe fn mnp_ld_ldexp(r: &mut Ld, a: &Ld, e: c_int);
    safe fn mnp_ld_modf(frac: &mut Ld, whole: &mut Ld, a: &Ld);
    safe fn mnp_ld_const(r: &mut Ld, which: c_int);
}

macro_rules! to_int {
    ($($name:ident $t:ident $c:ident;)*) => {$(
        #[doc = concat!("C's cast to `", stringify!($t), "`; out of range gives what the processor gives.")]
        #[inline]
        pub fn $name(self) -> $t {
            $c(&self)
        }
    )*};
}

/// Mathematical constants with the precision of the type.
#[derive(Clone, Copy)]
pub(crate) enum Const {
    Log2E = 1,
    Log10E = 2,
    Ln2 = 3,
    DegPerRad = 4,
    RadPerDeg = 5,
}

impl LongDouble {
    pub const ZERO: LongDouble = LongDouble([0; 16]);

    /// The 16 bytes as they are in memory.
    #[inline]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Any bytes; on x87 the last six are padding.
    #[inline]
    pub const fn from_bytes(bytes: [u8; 16]) -> LongDouble {
        LongDouble(bytes)
    }

    /// The bytes as an integer, padding masked off: on x87, 64 bits of significand below 16 of exponent and sign.
    #[inline]
    pub const fn to_bits(self) -> u128 {
        let bits = u128::from_ne_bytes(self.0);
        if cfg!(target_arch = "x86_64") { bits & (u128::MAX >> 48) } else { bits }
    }

    #[inline]
    pub const fn from_bits(bits: u128) -> LongDouble {
        LongDouble(bits.to_ne_bytes())
    }

    to_int! {
        to_i8 i8 mnp_ld_to_i8; to_u8 u8 mnp_ld_to_u8; to_i16 i16 mnp_ld_to_i16; to_u16 u16 mnp_ld_to_u16;
        to_i32 i32 mnp_ld_to_i32; to_u32 u32 mnp_ld_to_u32; to_i64 i64 mnp_ld_to_i64; to_u64 u64 mnp_ld_to_u64;
    }

    /// Rounds to nearest even.
    #[inline]
    pub fn to_f32(self) -> f32 {
        mnp_ld_to_f32(&self)
    }

    /// Rounds to nearest even.
    #[inline]
    pub fn to_f64(self) -> f64 {
        mnp_ld_to_f64(&self)
    }

    #[inline]
    pub fn is_nan(self) -> bool {
        mnp_ld_isnan(&self) != 0
    }
    #[inline]
    pub fn is_infinite(self) -> bool {
        mnp_ld_isinf(&self) != 0
    }
    #[inline]
    pub fn is_finite(self) -> bool {
        mnp_ld_isfinite(&self) != 0
    }
    #[inline]
    pub fn is_sign_negative(self) -> bool {
        mnp_ld_signbit(&self) != 0
    }
    #[inline]
    pub fn is_zero(self) -> bool {
        self.to_bits() << if cfg!(target_arch = "x86_64") { 49 } else { 1 } == 0
    }

    /// Fraction in `[0.5, 1)` and binary exponent.
    pub fn frexp(self) -> (LongDouble, i32) {
        let (mut r, mut e) = (Ld::ZERO, 0);
        mnp_ld_frexp(&mut r, &mut e, &self);
        (r, e)
    }

    pub fn ldexp(self, exponent: i32) -> LongDouble {
        let mut r = Ld::ZERO;
        mnp_ld_ldexp(&mut r, &self, exponent);
        r
    }

    /// Fractional and whole part, both with the sign of the argument.
    pub fn modf(self) -> (LongDouble, LongDouble) {
        let (mut frac, mut whole) = (Ld::ZERO, Ld::ZERO);
        mnp_ld_modf(&mut frac, &mut whole, &self);
        (frac, whole)
    }

    /// Reads a number at the start of `text` as C's `strtold` does in the "C" locale: skips white space, knows
    /// decimal, hexadecimal, `inf` and `nan`. Returns the value and how many bytes it took (0: no number).
    pub fn parse_prefix(text: &[u8]) -> (LongDouble, usize) {
        let mut owned = Vec::with_capacity(text.len() + 1);
        owned.extend(text.iter().copied().take_while(|&b| b != 0));
        owned.push(0);
        let mut r = Ld::ZERO;
        // SAFETY: `owned` is NUL-terminated and lives through the call.
        let used = unsafe { mnp_ld_parse(&mut r, owned.as_ptr().cast()) };
        (r, used)
    }

    /// `printf` of the value: `conv` is `b'e'`, `b'f'`, `b'g'` or `b'a'` (which ignores `precision`).
    pub fn format(self, conv: u8, precision: usize) -> String {
        let precision = c_int::try_from(precision).unwrap_or(c_int::MAX);
        // SAFETY: a null buffer of size 0 only measures.
        let want = unsafe { mnp_ld_format(core::ptr::null_mut(), 0, conv as c_char, precision, &self) };
        let mut buf = vec![0u8; want.max(0) as usize + 1];
        // SAFETY: the buffer has the size it is said to have.
        unsafe { mnp_ld_format(buf.as_mut_ptr().cast(), buf.len(), conv as c_char, precision, &self) };
        buf.truncate(want.max(0) as usize);
        String::from_utf8(buf).unwrap_or_default()
    }

    pub(crate) fn constant(which: Const) -> LongDouble {
        let mut r = Ld::ZERO;
        mnp_ld_const(&mut r, which as c_int);
        r
    }

    /// The leaf of a pairwise sum: eight running totals.
    ///
    /// # Safety
    /// `n` elements (8 to 128) at `p`, `stride` bytes apart, are readable and aligned.
    pub(crate) unsafe fn sum_block(p: *const u8, n: usize, stride: isize) -> LongDouble {
        let mut r = Ld::ZERO;
        // SAFETY: the caller's promise.
        unsafe { mnp_ld_sum_block(&mut r, p, n, stride) };
        r
    }
}

impl Default for LongDouble {
    fn default() -> LongDouble {
        Ld::ZERO
    }
}

impl From<f64> for LongDouble {
    #[inline]
    fn from(x: f64) -> LongDouble {
        let mut r = Ld::ZERO;
        mnp_ld_from_f64(&mut r, x);
        r
    }
}
impl From<f32> for LongDouble {
    #[inline]
    fn from(x: f32) -> LongDouble {
        LongDouble::from(x as f64)
    }
}
impl From<i64> for LongDouble {
    #[inline]
    fn from(x: i64) -> LongDouble {
        let mut r = Ld::ZERO;
        mnp_ld_from_i64(&mut r, x);
        r
    }
}
impl From<u64> for LongDouble {
    #[inline]
    fn from(x: u64) -> LongDouble {
        let mut r = Ld::ZERO;
        mnp_ld_from_u64(&mut r, x);
        r
    }
}

macro_rules! operators {
    ($($tr:ident $method:ident $name:ident),*) => {$(
        impl $tr for LongDouble {
            type Output = LongDouble;
            #[inline]
            fn $method(self, other: LongDouble) -> LongDouble {
                self.$name(other)
            }
        }
    )*};
}
operators!(Add add plus, Sub sub minus, Mul mul times, Div div over);

impl AddAssign for LongDouble {
    #[inline]
    fn add_assign(&mut self, other: LongDouble) {
        *self = *self + other;
    }
}

impl Neg for LongDouble {
    type Output = LongDouble;
    #[inline]
    fn neg(self) -> LongDouble {
        self.negate()
    }
}

impl PartialEq for LongDouble {
    #[inline]
    fn eq(&self, other: &LongDouble) -> bool {
        mnp_ld_eq(self, other) != 0
    }
}

impl PartialOrd for LongDouble {
    #[inline]
    fn partial_cmp(&self, other: &LongDouble) -> Option<Ordering> {
        match mnp_ld_cmp(self, other) {
            -1 => Some(Ordering::Less),
            0 => Some(Ordering::Equal),
            1 => Some(Ordering::Greater),
            _ => None,
        }
    }
    #[inline]
    fn lt(&self, other: &LongDouble) -> bool {
        mnp_ld_lt(self, other) != 0
    }
    #[inline]
    fn le(&self, other: &LongDouble) -> bool {
        mnp_ld_le(self, other) != 0
    }
    #[inline]
    fn gt(&self, other: &LongDouble) -> bool {
        mnp_ld_lt(other, self) != 0
    }
    #[inline]
    fn ge(&self, other: &LongDouble) -> bool {
        mnp_ld_le(other, self) != 0
    }
}

impl core::fmt::Debug for LongDouble {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.format(b'g', 21))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_has_more_than_53_bits() {
        let (one, tiny) = (LongDouble::from(1.0), LongDouble::from(2f64.powi(-60)));
        let sum = one + tiny;
        assert!(sum > one && sum - one == tiny);
        assert_eq!(sum.to_f64(), 1.0);
        assert_eq!(LongDouble::from(u64::MAX).to_u64(), u64::MAX);
        assert_eq!(LongDouble::from(i64::MIN).to_i64(), i64::MIN);
        assert!(LongDouble::from(-0.0).is_zero() && LongDouble::from(-0.0).is_sign_negative());
        assert!(!tiny.is_zero());
    }

    #[test]
    fn text_goes_both_ways() {
        let (x, used) = LongDouble::parse_prefix(b" 0.1e1z");
        assert_eq!((x, used), (LongDouble::from(1.0), 6));
        assert_eq!(LongDouble::parse_prefix(b"x").1, 0);
        let (third, _) = LongDouble::parse_prefix(b"0.33333333333333333333");
        assert_eq!(third.format(b'g', 18), "0.333333333333333333");
    }

    #[test]
    fn nan_is_unordered() {
        let nan = LongDouble::from(f64::NAN);
        assert!(nan != nan && nan.partial_cmp(&nan).is_none() && nan.is_nan());
    }
}
