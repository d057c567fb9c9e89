//! Continuous distributions of `Generator`.

use std::f64::consts::PI;

use super::bitgen::Bits;
use super::{BitGen, standard_exponential, standard_exponential_f32, standard_normal, standard_normal_f32};

/// Exponential with mean 1 by inversion.
pub fn standard_exponential_inv(rng: &BitGen) -> f64 {
    -(-rng.f64()).ln_1p()
}
/// As [`standard_exponential_inv`], from 24 bits; only the result is rounded to single precision.
pub fn standard_exponential_inv_f32(rng: &BitGen) -> f32 {
    -(-f64::from(rng.f32())).ln_1p() as f32
}
pub fn exponential(rng: &BitGen, scale: f64) -> f64 {
    scale * standard_exponential(rng)
}
pub fn uniform(rng: &BitGen, low: f64, range: f64) -> f64 {
    low + range * rng.f64()
}
pub fn normal(rng: &BitGen, loc: f64, scale: f64) -> f64 {
    loc + scale * standard_normal(rng)
}
pub fn lognormal(rng: &BitGen, mean: f64, sigma: f64) -> f64 {
    normal(rng, mean, sigma).exp()
}

macro_rules! standard_gamma {
    ($name:ident, $t:ty, $uniform:ident, $normal:path, $exponential:path) => {
        /// Gamma with unit scale: Marsaglia and Tsang's method for shapes from 1, Ahrens and Dieter's below.
        pub fn $name(rng: &BitGen, shape: $t) -> $t {
            if shape == 1.0 {
                return $exponential(rng);
            }
            if shape == 0.0 {
                return 0.0;
            }
            if shape < 1.0 {
                loop {
                    let u = rng.$uniform();
                    let v = $exponential(rng);
                    if u <= 1.0 - shape {
                        let x = u.powf(1.0 / shape);
                        if x <= v {
                            return x;
                        }
                    } else {
                        let y = -((1.0 - u) / shape).ln();
                        let x = (1.0 - shape + shape * y).powf(1.0 / shape);
                        if x <= v + y {
                            return x;
                        }
                    }
                }
            }
            let b = shape - 1.0 / 3.0;
            let c = 1.0 / (9.0 * b).sqrt();
            loop {
                let (x, v) = loop {
                    let x = $normal(rng);
                    let v = 1.0 + c * x;
                    // Written so that a NaN ends the search, as it does upstream.
                    if v > 0.0 || v.is_nan() {
                        break (x, v);
                    }
                };
                let v = v * v * v;
                let u = rng.$uniform();
                if u < 1.0 - 0.0331 * (x * x) * (x * x) {
                    return b * v;
                }
                if u.ln() < 0.5 * x * x + b * (1.0 - v + v.ln()) {
                    return b * v;
                }
            }
        }
    };
}
standard_gamma!(standard_gamma, f64, f64, standard_normal, standard_exponential);
standard_gamma!(standard_gamma_f32, f32, f32, standard_normal_f32, standard_exponential_f32);

pub fn gamma(rng: &BitGen, shape: f64, scale: f64) -> f64 {
    scale * standard_gamma(rng, shape)
}

/// Below this both parameters make Johnk's algorithm reject for ever.
const BETA_TINY: f64 = 3e-103;

pub fn beta(rng: &BitGen, a: f64, b: f64) -> f64 {
    if a <= 1.0 && b <= 1.0 {
        if a < BETA_TINY && b < BETA_TINY {
            // The limit: all the mass is at 0 and 1.
            let u = rng.f64();
            return if (a + b) * u < a { 1.0 } else { 0.0 };
        }
        return johnk(
            rng,
            a,
            b,
            |x, y| x == 0.0 || y == 0.0,
            |ln_x, ln_y| {
                let delta = ln_x - ln_y;
                if delta > 0.0 {
                    (-(-delta).exp().ln_1p()).exp()
                } else {
                    (delta - delta.exp().ln_1p()).exp()
                }
            },
        );
    }
    let ga = standard_gamma(rng, a);
    let gb = standard_gamma(rng, b);
    ga / (ga + gb)
}

/// Johnk's algorithm for beta variates: `x / (x + y)` given `x + y <= 1`. `underflow` computes the ratio from the logarithms of
/// `x` and `y` where `lost` says that too much of them underflowed.
pub(super) fn johnk(
    rng: &BitGen,
    a: f64,
    b: f64,
    lost: impl Fn(f64, f64) -> bool,
    underflow: impl Fn(f64, f64) -> f64,
) -> f64 {
    loop {
        let u = rng.f64();
        let v = rng.f64();
        let x = u.powf(1.0 / a);
        let y = v.powf(1.0 / b);
        if x + y <= 1.0 && u + v > 0.0 {
            return if lost(x, y) { underflow(u.ln() / a, v.ln() / b) } else { x / (x + y) };
        }
    }
}

pub fn chisquare(rng: &BitGen, df: f64) -> f64 {
    2.0 * standard_gamma(rng, df / 2.0)
}
pub fn f(rng: &BitGen, dfnum: f64, dfden: f64) -> f64 {
    let num = chisquare(rng, dfnum) * dfden;
    let den = chisquare(rng, dfden) * dfnum;
    num / den
}
pub fn noncentral_chisquare(rng: &BitGen, df: f64, nonc: f64) -> f64 {
    if nonc.is_nan() {
        return f64::NAN;
    }
    if nonc == 0.0 {
        return chisquare(rng, df);
    }
    if df > 1.0 {
        let chi2 = chisquare(rng, df - 1.0);
        let n = standard_normal(rng) + nonc.sqrt();
        chi2 + n * n
    } else {
        let i = super::discrete::poisson(rng, nonc / 2.0);
        chisquare(rng, df + 2.0 * i as f64)
    }
}
pub fn noncentral_f(rng: &BitGen, dfnum: f64, dfden: f64, nonc: f64) -> f64 {
    let t = noncentral_chisquare(rng, dfnum, nonc) * dfden;
    t / (chisquare(rng, dfden) * dfnum)
}
pub fn standard_cauchy(rng: &BitGen) -> f64 {
    let num = standard_normal(rng);
    num / standard_normal(rng)
}
pub fn standard_t(rng: &BitGen, df: f64) -> f64 {
    let num = standard_normal(rng);
    let denom = standard_gamma(rng, df / 2.0);
    (df / 2.0).sqrt() * num / denom.sqrt()
}
pub fn pareto(rng: &BitGen, a: f64) -> f64 {
    (standard_exponential(rng) / a).exp_m1()
}
pub fn weibull(rng: &BitGen, a: f64) -> f64 {
    if a == 0.0 {
        return 0.0;
    }
    standard_exponential(rng).powf(1.0 / a)
}
pub fn power(rng: &BitGen, a: f64) -> f64 {
    (-(-standard_exponential(rng)).exp_m1()).powf(1.0 / a)
}
pub fn rayleigh(rng: &BitGen, mode: f64) -> f64 {
    mode * (2.0 * standard_exponential(rng)).sqrt()
}

pub fn laplace(rng: &BitGen, loc: f64, scale: f64) -> f64 {
    loop {
        let u = rng.f64();
        if u >= 0.5 {
            return loc - scale * (2.0 - u - u).ln();
        }
        if u > 0.0 {
            return loc + scale * (u + u).ln();
        }
    }
}
pub fn gumbel(rng: &BitGen, loc: f64, scale: f64) -> f64 {
    loop {
        let u = 1.0 - rng.f64();
        if u < 1.0 {
            return loc - scale * (-u.ln()).ln();
        }
    }
}
pub fn logistic(rng: &BitGen, loc: f64, scale: f64) -> f64 {
    loop {
        let u = rng.f64();
        if u > 0.0 {
            return loc + scale * (u / (1.0 - u)).ln();
        }
    }
}

/// Inverse Gaussian, by Michael, Schucany and Haas; the smaller root is taken in a form that does not cancel.
pub fn wald(rng: &BitGen, mean: f64, scale: f64) -> f64 {
    let n = standard_normal(rng);
    let y = mean * n * n;
    let d = 1.0 + (1.0 + 4.0 * scale / y).sqrt();
    let x = mean * (1.0 - 2.0 / d);
    let u = rng.f64();
    if u <= mean / (mean + x) { x } else { mean * mean / x }
}

pub fn triangular(rng: &BitGen, left: f64, mode: f64, right: f64) -> f64 {
    let base = right - left;
    let leftbase = mode - left;
    let ratio = leftbase / base;
    let leftprod = leftbase * base;
    let rightprod = (right - mode) * base;
    let u = rng.f64();
    if u <= ratio { left + (u * leftprod).sqrt() } else { right - ((1.0 - u) * rightprod).sqrt() }
}

/// Best and Fisher's wrapped Cauchy rejection; a wrapped normal where the concentration is very high.
pub fn vonmises(rng: &impl Bits, mu: f64, kappa: f64) -> f64 {
    if kappa.is_nan() {
        return f64::NAN;
    }
    if kappa < 1e-8 {
        return PI * (2.0 * rng.f64() - 1.0);
    }
    if kappa > 1e6 {
        let mut result = mu + (1.0 / kappa).sqrt() * standard_normal(rng);
        if result < -PI {
            result += 2.0 * PI;
        }
        if result > PI {
            result -= 2.0 * PI;
        }
        return result;
    }
    vonmises_rejection(rng, mu, kappa)
}

pub(super) fn vonmises_rejection(rng: &impl Bits, mu: f64, kappa: f64) -> f64 {
    // Close to zero the exact formula loses all its digits; this is its expansion.
    let s = if kappa < 1e-5 {
        1.0 / kappa + kappa
    } else {
        let r = 1.0 + (1.0 + 4.0 * kappa * kappa).sqrt();
        let rho = (r - (2.0 * r).sqrt()) / (2.0 * kappa);
        (1.0 + rho * rho) / (2.0 * rho)
    };
    let w = loop {
        let u = rng.f64();
        let z = (PI * u).cos();
        let w = (1.0 + s * z) / (s + z);
        let y = kappa * (s - w);
        let v = rng.f64();
        if y * (2.0 - y) - v >= 0.0 || (y / v).ln() + 1.0 - y >= 0.0 {
            break w;
        }
    };
    let u = rng.f64();
    let angle = w.acos();
    let result = if u < 0.5 { -angle } else { angle } + mu;
    let wrapped = (result.abs() + PI) % (2.0 * PI) - PI;
    if result < 0.0 { -wrapped } else { wrapped }
}
