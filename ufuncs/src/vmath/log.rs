//! Logarithms.
//!
//! `x = 2^k m` with `m` in [sqrt(1/2), sqrt(2)), and `log m = 2 artanh(s)` for `s = (m - 1) / (m + 1)`, a short series in
//! `s^2`. Written as `f - f^2/2 + s (f^2/2 + R)` with `f = m - 1` the leading terms are exact. Both types are computed in
//! themselves: single precision in double would halve the elements of a vector.

use super::pair::{Float, Pair, only_if, polynomial, select};

/// A type with logarithms.
pub(super) trait Logarithm: Float {
    const ZERO: Self;
    const HALF: Self;
    const ONE: Self;
    const TWO: Self;
    const SMALLEST_NORMAL: Self;
    const INFINITY: Self;
    /// From here on `2^-k` of [`Logarithm::split`] may not be a normal number.
    const LARGE: Self;
    /// Below this in magnitude a number is its own `log1p`.
    const TINY: Self;
    /// Leading bits of ln 2, so few that multiples of it are exact.
    const LN2_HI: Self;
    const LN2_LO: Self;
    const LOG2_E: Pair<Self>;
    const LOG10_E: Pair<Self>;
    /// Leading bits of log10(2), likewise.
    const LOG10_2_HI: Self;
    const LOG10_2_LO: Self;
    /// A positive normal number as `k`, `m - 1` and `2^-k`.
    fn split(self) -> (Self, Self, Self);
    /// `(log((1+s)/(1-s)) - 2s) / s` by the square of `s`, 5 bits more than the type has.
    fn series(z: Self) -> Self;
}

impl Logarithm for f64 {
    const ZERO: f64 = 0.0;
    const HALF: f64 = 0.5;
    const ONE: f64 = 1.0;
    const TWO: f64 = 2.0;
    const SMALLEST_NORMAL: f64 = f64::MIN_POSITIVE;
    const INFINITY: f64 = f64::INFINITY;
    const LARGE: f64 = 1e300;
    const TINY: f64 = 1e-17;
    const LN2_HI: f64 = 0.6931471805598903;
    const LN2_LO: f64 = 5.497923018708371e-14;
    const LOG2_E: Pair = Pair { hi: core::f64::consts::LOG2_E, lo: 2.0355273740931033e-17 };
    const LOG10_E: Pair = Pair { hi: core::f64::consts::LOG10_E, lo: 1.098319650216765e-17 };
    const LOG10_2_HI: f64 = 0.30102999566383914;
    const LOG10_2_LO: f64 = 1.42050232272661e-13;
    #[inline(always)]
    fn split(self) -> (f64, f64, f64) {
        /// `n + 2^52` for an `n` in the low bits.
        const TWO52: f64 = 4503599627370496.0;
        const LOWEST: u64 = core::f64::consts::FRAC_1_SQRT_2.to_bits();
        // The exponent field changes at sqrt(1/2) instead of at 1.
        let shifted = self.to_bits().wrapping_add(1f64.to_bits() - LOWEST);
        let k = f64::from_bits(TWO52.to_bits() | shifted >> 52) - (TWO52 + 1023.0);
        let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + LOWEST);
        (k, m - 1.0, f64::from_bits(2046u64.wrapping_sub(shifted >> 52) << 52))
    }
    #[inline(always)]
    fn series(z: f64) -> f64 {
        z * polynomial(
            z,
            [
                0.6666666666666735,
                0.3999999999940846,
                0.28571428744036,
                0.22222198380160768,
                0.181835754844267,
                0.1531373837052038,
                0.14799323927751318,
            ],
        )
    }
}

impl Logarithm for f32 {
    const ZERO: f32 = 0.0;
    const HALF: f32 = 0.5;
    const ONE: f32 = 1.0;
    const TWO: f32 = 2.0;
    const SMALLEST_NORMAL: f32 = f32::MIN_POSITIVE;
    const INFINITY: f32 = f32::INFINITY;
    const LARGE: f32 = 1e38;
    const TINY: f32 = 1e-8;
    const LN2_HI: f32 = 0.69314575;
    const LN2_LO: f32 = 1.4286068e-6;
    const LOG2_E: Pair<f32> = Pair { hi: core::f32::consts::LOG2_E, lo: 1.925963e-8 };
    const LOG10_E: Pair<f32> = Pair { hi: core::f32::consts::LOG10_E, lo: -1.010305e-8 };
    const LOG10_2_HI: f32 = 0.3010254;
    const LOG10_2_LO: f32 = 4.605039e-6;
    #[inline(always)]
    fn split(self) -> (f32, f32, f32) {
        const LOWEST: u32 = core::f32::consts::FRAC_1_SQRT_2.to_bits();
        let shifted = self.to_bits().wrapping_add(1f32.to_bits() - LOWEST);
        let k = (shifted >> 23) as i32 - 127;
        let m = f32::from_bits((shifted & 0x007f_ffff) + LOWEST);
        (k as f32, m - 1.0, f32::from_bits(254u32.wrapping_sub(shifted >> 23) << 23))
    }
    #[inline(always)]
    fn series(z: f32) -> f32 {
        z * polynomial(z, [0.6666667, 0.40000122, 0.28550795, 0.2333107])
    }
}

#[inline(always)]
fn is_positive_normal<T: Logarithm>(x: T) -> bool {
    (x >= T::SMALLEST_NORMAL) & (x < T::INFINITY)
}

#[inline(always)]
pub(super) fn log<T: Logarithm>(x: T) -> T {
    let (k, f, _) = x.split();
    let half_square = T::HALF * f * f;
    let s = f / (T::TWO + f);
    let rest = s.mul_add(half_square + T::series(s * s), -half_square);
    let sum = Pair::quick_sum(k * T::LN2_HI, f);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + k.mul_add(T::LN2_LO, rest)))
}

/// `k` and the logarithm of `m` times a factor of two parts, the latter as a pair: [`log`] with the leading term times the
/// factor exact, and what half the square was rounded by.
#[inline(always)]
fn scaled_log<T: Logarithm>(x: T, factor: Pair<T>) -> (T, Pair<T>) {
    let (k, f, _) = x.split();
    let half_square = Pair::product(T::HALF * f, f);
    let s = f / (T::TWO + f);
    let rest = s.mul_add(half_square.hi + T::series(s * s), -half_square.hi);
    let first = Pair::product(f, factor.hi);
    let small = (-half_square.lo).mul_add(factor.hi, f.mul_add(factor.lo, first.lo));
    (k, Pair { hi: first.hi, lo: rest.mul_add(factor.hi, small) })
}

#[inline(always)]
pub(super) fn log2<T: Logarithm>(x: T) -> T {
    let (k, log) = scaled_log(x, T::LOG2_E);
    let sum = Pair::quick_sum(k, log.hi);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + log.lo))
}

#[inline(always)]
pub(super) fn log10<T: Logarithm>(x: T) -> T {
    let (k, log) = scaled_log(x, T::LOG10_E);
    let sum = Pair::quick_sum(k * T::LOG10_2_HI, log.hi);
    only_if(is_positive_normal(x), sum.hi + (sum.lo + k.mul_add(T::LOG10_2_LO, log.lo)))
}

/// `log(1 + x)` for a pair of relative precision, `1 + x` normal.
#[inline(always)]
pub(super) fn log1p_pair<T: Logarithm>(x: Pair<T>) -> T {
    let one_more = Pair::sum(T::ONE, x.hi);
    let lo = one_more.lo + x.lo;
    let (k, f, down) = one_more.hi.split();
    let f = Pair::quick_sum(f, lo * down);
    // Where `1 + x` has lost the first term altogether, `f` is `x`.
    let half_square = T::HALF * f.hi * f.hi;
    let inverse = T::ONE / (T::TWO + f.hi);
    let s = f.hi * inverse;
    let rest = s.mul_add(half_square + T::series(s * s), -half_square);
    // The derivative 1 / (1 + f), roughly.
    let lo = f.lo * (T::ONE - f.hi);
    let sum = Pair::quick_sum(k * T::LN2_HI, f.hi);
    sum.hi + (sum.lo + (lo + k.mul_add(T::LN2_LO, rest)))
}

#[inline(always)]
pub(super) fn log1p<T: Logarithm>(x: T) -> T {
    let small = (x < T::TINY) & (x > -T::TINY);
    let value = select(small, x, log1p_pair(Pair { hi: x, lo: T::ZERO }));
    only_if((x > -T::ONE) & (x < T::LARGE), value)
}

/// `log(1 + x)` with 30 bits, for `-1 < x < 1e300`.
#[inline(always)]
pub(super) fn log1p_short(x: f64) -> f64 {
    let (k, f, _) = (1.0 + x).split();
    // Without an exponent nothing needs to be lost in the sum.
    let f = select(k == 0.0, x, f);
    let s = f / (2.0 + f);
    let z = s * s;
    let series = z * polynomial(z, [0.6666677697244012, 0.39977452318144585, 0.29874497696283003]);
    k.mul_add(core::f64::consts::LN_2, s.mul_add(2.0, s * series))
}

/// `log2(x)` with 37 bits.
#[inline(always)]
pub(super) fn log2_short(x: f64) -> f64 {
    let (k, f, _) = x.split();
    let s = f / (2.0 + f);
    let series = polynomial(
        s * s,
        [2.8853900817902445, 0.9617966731273307, 0.5770836285857198, 0.4116699539836067, 0.3407836130345321],
    );
    s.mul_add(series, k)
}
