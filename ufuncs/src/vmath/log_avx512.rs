//! Logarithms of `f64` with their tables in registers, for AVX-512.
//!
//! `x = 2^k m` with `m` in [0.734, 1.469), which has 16 parts, one of them around 1. Each part has a factor `c` of 8 bits
//! near the inverse of its middle (of fewer bits near 1, where the result is small and `r` must be exact), so that
//! `r = c m - 1` is at most 1/30. Then `log x = k log 2 - log c + log(1 + r)`, with a polynomial that ends early. Looking
//! up `c` and `-log c` is a permutation of two registers, which costs less than the division of the lane code in
//! [`super::log`]; lower levels have no such instruction and no fast gathers.

use core::arch::x86_64::*;

use super::pair::Pair;

/// Where the parts of `m` begin: half a part, of those below 1, below 1 - 8/32.
const LOWEST: i64 = 0x3fe7_8000_0000_0000;

/// The factors `c`.
const INVERSES: [f64; 16] = [
    1.33203125, 1.28125, 1.23046875, 1.18359375, 1.14453125, 1.109375, 1.0625, 1.03125, 1.0, 0.9375,
    0.890625, 0.84375, 0.80078125, 0.76171875, 0.7265625, 0.6953125,
];

/// What differs between bases.
pub(super) trait Base {
    /// `-log c`, in multiples of 2^-42, and the rest.
    const HI: [f64; 16];
    const LO: [f64; 16];
    /// `log 2`, split in the same way.
    const TWO: Pair;
    /// `log e`.
    const E: Pair;
    /// `(log(1 + r) - r log e) / r^2`, error 2^-61 of the logarithm.
    const TAIL: [f64; 9];
}

/// Base e.
pub(super) struct Natural;

impl Base for Natural {
    const HI: [f64; 16] = [
        -0.28670503280386583,
        -0.2478361639045943,
        -0.20739519434596332,
        -0.16855536102980295,
        -0.13499516453748583,
        -0.10379679368156758,
        -0.06062462181648698,
        -0.03077165866670839,
        0.0,
        0.0645385211375924,
        0.11583181552509814,
        0.16989903679541385,
        0.2221674653410446,
        0.2721778859158803,
        0.3194307707663029,
        0.36339389418753854,
    ];
    const LO: [f64; 16] = [
        -8.848109604006821e-14,
        1.3029797173308663e-14,
        -1.0726867577289733e-13,
        -3.714397754170472e-15,
        -1.8996158041578768e-14,
        -7.598636597194141e-14,
        5.213620639136504e-14,
        -4.529814257790929e-14,
        0.0,
        -2.1225608044809997e-14,
        2.3568822182038756e-14,
        -1.6376276414097503e-14,
        1.0970699320566433e-13,
        -6.465103064005256e-14,
        5.834357420090924e-14,
        -6.120773136055512e-14,
    ];
    const TWO: Pair = Pair { hi: 0.6931471805598903, lo: 5.497923018708371e-14 };
    const E: Pair = Pair { hi: 1.0, lo: 0.0 };
    const TAIL: [f64; 9] = [
        -0.5,
        0.33333333333332965,
        -0.2499999999998885,
        0.2000000000470427,
        -0.1666666674498881,
        0.1428569796759001,
        -0.12499843674198599,
        0.11132170150164772,
        -0.1009958351316451,
    ];
}

/// Base 2.
pub(super) struct Binary;

impl Base for Binary {
    const HI: [f64; 16] = [
        -0.4136279290241873,
        -0.3575520046181282,
        -0.29920801838738953,
        -0.24317398347284325,
        -0.19475685442216673,
        -0.14974711950458186,
        -0.0874628412502716,
        -0.04439411935845783,
        0.0,
        0.09310940439149817,
        0.16710998583516812,
        0.2451124978365442,
        0.3205199004944461,
        0.39266968625042864,
        0.46084118889189085,
        0.5242665690336707,
    ];
    const LO: [f64; 16] = [
        1.4859097481331623e-14,
        4.450095846656107e-14,
        1.1071116024939427e-13,
        -1.0767162527002666e-13,
        -8.114925851403554e-14,
        -1.002010237055886e-13,
        -6.781363655020842e-14,
        4.390985973169353e-15,
        0.0,
        -1.6703260328550802e-14,
        9.02069790225012e-14,
        -1.275189131300513e-14,
        1.0783955372342267e-13,
        -3.932977168458341e-14,
        7.775807578056954e-14,
        -6.850343183727799e-14,
    ];
    const TWO: Pair = Pair { hi: 1.0, lo: 0.0 };
    const E: Pair = Pair { hi: core::f64::consts::LOG2_E, lo: 2.0355273740931033e-17 };
    const TAIL: [f64; 9] = [
        -0.7213475204444817,
        0.48089834696298245,
        -0.3606737602222082,
        0.2885390082461949,
        -0.2404491741737401,
        0.20609905477853765,
        -0.18033518044444258,
        0.16060417902636956,
        -0.14547013189219202,
    ];
}

/// Base 10.
pub(super) struct Decimal;

impl Base for Decimal {
    const HI: [f64; 16] = [
        -0.12451441368057203,
        -0.10763387839983807,
        -0.090070588477829,
        -0.07320266319038637,
        -0.05862765504230083,
        -0.04507837473511245,
        -0.026328938722372186,
        -0.013363961558070514,
        0.0,
        0.02802872360030051,
        0.05030511831137119,
        0.07378621416091846,
        0.09648610425620063,
        0.11820535394940634,
        0.13872702109392776,
        0.15781996300302126,
    ];
    const LO: [f64; 16] = [
        -7.612508003418572e-14,
        8.549266888283615e-15,
        7.805719059757665e-14,
        -6.907537928256575e-14,
        4.093571210197314e-14,
        -7.566728595279791e-14,
        2.303833573367737e-14,
        8.901202535016551e-14,
        0.0,
        -5.697035970961075e-14,
        2.45838402798293e-14,
        2.023262471821997e-16,
        -1.0537083035076859e-13,
        -7.479390502733346e-14,
        5.489158776621583e-15,
        -6.567569121373702e-14,
    ];
    const TWO: Pair = Pair { hi: 0.3010299956640665, lo: -8.532344317057107e-14 };
    const E: Pair = Pair { hi: core::f64::consts::LOG10_E, lo: 1.098319650216765e-17 };
    const TAIL: [f64; 9] = [
        -0.2171472409516259,
        0.1447648273010823,
        -0.1085736204758338,
        0.08685889640142858,
        -0.07238241375389731,
        0.06204199714198601,
        -0.05428643235433293,
        0.04834694459569021,
        -0.04373385171177041,
    ];
}

#[inline]
#[target_feature(enable = "avx512f")]
fn look_up(table: &[f64; 16], index: __m512i) -> __m512d {
    // SAFETY: both halves of the table.
    let (low, high) = unsafe { (_mm512_loadu_pd(table.as_ptr()), _mm512_loadu_pd(table[8..].as_ptr())) };
    _mm512_permutex2var_pd(low, index, high)
}

/// The logarithms of eight positive normal numbers; of others NaN.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn log<B: Base>(x: __m512d) -> __m512d {
    let all = |x| _mm512_set1_pd(x);
    // The exponent field changes at `LOWEST` instead of at 1, and the four bits after it count the parts.
    let shifted = _mm512_add_epi64(_mm512_castpd_si512(x), _mm512_set1_epi64(1f64.to_bits() as i64 - LOWEST));
    let part = _mm512_srli_epi64::<48>(shifted);
    let k = _mm512_getexp_pd(_mm512_castsi512_pd(shifted));
    let fraction = _mm512_and_si512(shifted, _mm512_set1_epi64(0x000f_ffff_ffff_ffff));
    let m = _mm512_castsi512_pd(_mm512_add_epi64(fraction, _mm512_set1_epi64(LOWEST)));
    let r = _mm512_fmsub_pd(m, look_up(&INVERSES, part), all(1.0));
    // Exact, and zero or larger than what is added to it.
    let whole = _mm512_fmadd_pd(k, all(B::TWO.hi), look_up(&B::HI, part));
    let rest = _mm512_fmadd_pd(k, all(B::TWO.lo), look_up(&B::LO, part));
    let square = _mm512_mul_pd(r, r);
    let (mut even, mut odd) = (all(B::TAIL[8]), all(B::TAIL[7]));
    for i in (0..3).rev() {
        even = _mm512_fmadd_pd(even, square, all(B::TAIL[2 * i + 2]));
        odd = _mm512_fmadd_pd(odd, square, all(B::TAIL[2 * i + 1]));
    }
    let tail = _mm512_fmadd_pd(odd, r, _mm512_fmadd_pd(even, square, all(B::TAIL[0])));
    let (first, rest) = if B::E.hi == 1.0 {
        (r, rest)
    } else {
        let first = _mm512_mul_pd(r, all(B::E.hi));
        let lost = _mm512_fmsub_pd(r, all(B::E.hi), first);
        (first, _mm512_add_pd(rest, _mm512_fmadd_pd(r, all(B::E.lo), lost)))
    };
    let sum = _mm512_add_pd(whole, first);
    let lost = _mm512_sub_pd(first, _mm512_sub_pd(sum, whole));
    let rest = _mm512_fmadd_pd(square, tail, _mm512_add_pd(rest, lost));
    /// Both NaNs, both zeros, both infinities, subnormal and negative numbers.
    const NOT_POSITIVE_NORMAL: i32 = 0xff;
    let good = _knot_mask8(_mm512_fpclass_pd_mask::<NOT_POSITIVE_NORMAL>(x));
    _mm512_mask_add_pd(all(f64::NAN), good, sum, rest)
}
