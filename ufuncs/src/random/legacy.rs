//! Distributions of `RandomState`, frozen as they were: other algorithms, and formulas that lose digits.

use super::BitGen;
use super::continuous::{johnk, vonmises_rejection};
use super::discrete::{geometric_search, poisson, truncate};
use super::factorial::ln_gamma;
use super::hypergeometric::{D1, D2};

/// A generator and the second normal variate of the last pair (numpy's `aug_bitgen_t`).
#[repr(C)]
#[derive(Debug)]
pub struct Legacy {
    pub bitgen: *const BitGen,
    pub has_gauss: i32,
    pub gauss: f64,
}

const _: () = assert!(size_of::<Legacy>() == 24);

impl Legacy {
    /// The generator.
    pub fn rng(&self) -> &BitGen {
        // SAFETY: whoever made the value keeps the generator alive as long as the value.
        unsafe { &*self.bitgen }
    }

    /// Normal variates in pairs by Marsaglia's polar method.
    pub fn gauss(&mut self) -> f64 {
        if self.has_gauss != 0 {
            self.has_gauss = 0;
            return std::mem::take(&mut self.gauss);
        }
        loop {
            let x1 = 2.0 * self.rng().f64() - 1.0;
            let x2 = 2.0 * self.rng().f64() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if r2 < 1.0 && r2 != 0.0 {
                let f = (-2.0 * r2.ln() / r2).sqrt();
                self.gauss = f * x1;
                self.has_gauss = 1;
                return f * x2;
            }
        }
    }
    pub fn standard_exponential(&mut self) -> f64 {
        -(1.0 - self.rng().f64()).ln()
    }
    pub fn exponential(&mut self, scale: f64) -> f64 {
        scale * self.standard_exponential()
    }
    pub fn standard_gamma(&mut self, shape: f64) -> f64 {
        if shape == 1.0 {
            return self.standard_exponential();
        }
        if shape == 0.0 {
            return 0.0;
        }
        if shape < 1.0 {
            loop {
                let u = self.rng().f64();
                let v = self.standard_exponential();
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
                let x = self.gauss();
                let v = 1.0 + c * x;
                if v > 0.0 || v.is_nan() {
                    break (x, v);
                }
            };
            let v = v * v * v;
            let u = self.rng().f64();
            if u < 1.0 - 0.0331 * (x * x) * (x * x) {
                return b * v;
            }
            if u.ln() < 0.5 * x * x + b * (1.0 - v + v.ln()) {
                return b * v;
            }
        }
    }
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        scale * self.standard_gamma(shape)
    }
    pub fn normal(&mut self, loc: f64, scale: f64) -> f64 {
        loc + scale * self.gauss()
    }
    pub fn lognormal(&mut self, mean: f64, sigma: f64) -> f64 {
        self.normal(mean, sigma).exp()
    }
    pub fn pareto(&mut self, a: f64) -> f64 {
        (self.standard_exponential() / a).exp() - 1.0
    }
    pub fn weibull(&mut self, a: f64) -> f64 {
        if a == 0.0 {
            return 0.0;
        }
        self.standard_exponential().powf(1.0 / a)
    }
    pub fn power(&mut self, a: f64) -> f64 {
        (1.0 - (-self.standard_exponential()).exp()).powf(1.0 / a)
    }
    pub fn chisquare(&mut self, df: f64) -> f64 {
        2.0 * self.standard_gamma(df / 2.0)
    }
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        if a <= 1.0 && b <= 1.0 {
            return johnk(
                self.rng(),
                a,
                b,
                |x, y| x + y == 0.0,
                |ln_x, ln_y| {
                    let top = if ln_x > ln_y { ln_x } else { ln_y };
                    let (ln_x, ln_y) = (ln_x - top, ln_y - top);
                    (ln_x - (ln_x.exp() + ln_y.exp()).ln()).exp()
                },
            );
        }
        let ga = self.standard_gamma(a);
        let gb = self.standard_gamma(b);
        ga / (ga + gb)
    }
    pub fn f(&mut self, dfnum: f64, dfden: f64) -> f64 {
        let num = self.chisquare(dfnum) * dfden;
        let den = self.chisquare(dfden) * dfnum;
        num / den
    }
    pub fn noncentral_chisquare(&mut self, df: f64, nonc: f64) -> f64 {
        if nonc == 0.0 {
            return self.chisquare(df);
        }
        if df > 1.0 {
            let chi2 = self.chisquare(df - 1.0);
            let n = self.gauss() + nonc.sqrt();
            chi2 + n * n
        } else {
            let i = poisson(self.rng(), nonc / 2.0);
            let out = self.chisquare(df + 2.0 * i as f64);
            // Asked only here, so that the stream moves on as it always did.
            if nonc.is_nan() { f64::NAN } else { out }
        }
    }
    pub fn noncentral_f(&mut self, dfnum: f64, dfden: f64, nonc: f64) -> f64 {
        let t = self.noncentral_chisquare(dfnum, nonc) * dfden;
        t / (self.chisquare(dfden) * dfnum)
    }
    pub fn wald(&mut self, mean: f64, scale: f64) -> f64 {
        let mu_2l = mean / (2.0 * scale);
        let n = self.gauss();
        let y = mean * n * n;
        let x = mean + mu_2l * (y - (4.0 * scale * y + y * y).sqrt());
        let u = self.rng().f64();
        if u <= mean / (mean + x) { x } else { mean * mean / x }
    }
    pub fn standard_t(&mut self, df: f64) -> f64 {
        let num = self.gauss();
        let denom = self.standard_gamma(df / 2.0);
        (df / 2.0).sqrt() * num / denom.sqrt()
    }
    pub fn standard_cauchy(&mut self) -> f64 {
        let num = self.gauss();
        num / self.gauss()
    }
    pub fn rayleigh(&mut self, mode: f64) -> f64 {
        mode * (-2.0 * (-self.rng().f64()).ln_1p()).sqrt()
    }
    pub fn vonmises(&mut self, mu: f64, kappa: f64) -> f64 {
        if kappa.is_nan() {
            return f64::NAN;
        }
        if kappa < 1e-8 {
            return std::f64::consts::PI * (2.0 * self.rng().f64() - 1.0);
        }
        vonmises_rejection(self.rng(), mu, kappa)
    }
    pub fn negative_binomial(&mut self, n: f64, p: f64) -> i64 {
        let y = self.gamma(n, (1.0 - p) / p);
        poisson(self.rng(), y)
    }
}

pub fn geometric(rng: &BitGen, p: f64) -> i64 {
    if p >= 1.0 / 3.0 {
        return geometric_search(rng, p);
    }
    truncate(((-rng.f64()).ln_1p() / (1.0 - p).ln()).ceil())
}

pub fn zipf(rng: &BitGen, a: f64) -> i64 {
    let am1 = a - 1.0;
    let b = 2f64.powf(am1);
    loop {
        let u = 1.0 - rng.f64();
        let v = rng.f64();
        let x = u.powf(-1.0 / am1).floor();
        if x > i64::MAX as f64 || x < 1.0 {
            continue;
        }
        let t = (1.0 + 1.0 / x).powf(am1);
        if v * x * (t - 1.0) / (b - 1.0) <= t / b {
            return truncate(x);
        }
    }
}

pub fn logseries(rng: &BitGen, p: f64) -> i64 {
    let r = (1.0 - p).ln();
    loop {
        let v = rng.f64();
        if v >= p {
            return 1;
        }
        let u = rng.f64();
        let q = 1.0 - (r * u).exp();
        if v <= q * q {
            let result = truncate((1.0 + v.ln() / q.ln()).floor());
            if result < 1 || v == 0.0 {
                continue;
            }
            return result;
        }
        return if v >= q { 1 } else { 2 };
    }
}

pub fn hypergeometric(rng: &BitGen, good: i64, bad: i64, sample: i64) -> i64 {
    if sample > 10 {
        ratio_of_uniforms(rng, good, bad, sample)
    } else if sample > 0 {
        one_by_one(rng, good, bad, sample)
    } else {
        0
    }
}

fn one_by_one(rng: &BitGen, good: i64, bad: i64, sample: i64) -> i64 {
    let d1 = bad + good - sample;
    let d2 = bad.min(good) as f64;
    let (mut y, mut k) = (d2, sample);
    while y > 0.0 {
        let u = rng.f64();
        y -= (u + y / (d1 + k) as f64).floor();
        k -= 1;
        if k == 0 {
            break;
        }
    }
    let z = (d2 - y) as i64;
    if good > bad { sample - z } else { z }
}

fn ratio_of_uniforms(rng: &BitGen, good: i64, bad: i64, sample: i64) -> i64 {
    let (few, many) = (good.min(bad), good.max(bad));
    let total = good + bad;
    let drawn = sample.min(total - sample);
    let p = few as f64 / total as f64;
    let q = 1.0 - p;
    let a = drawn as f64 * p + 0.5;
    let c = ((total - drawn) as f64 * sample as f64 * p * q / (total - 1) as f64 + 0.5).sqrt();
    let h = D1 * c + D2;
    let mode = ((drawn + 1) as f64 * (few + 1) as f64 / (total + 2) as f64).floor() as i64;
    let ln_weight = |k: i64| {
        ln_gamma((k + 1) as f64)
            + ln_gamma((few - k + 1) as f64)
            + ln_gamma((drawn - k + 1) as f64)
            + ln_gamma((many - drawn + k + 1) as f64)
    };
    let g = ln_weight(mode);
    let limit = (drawn.min(few) as f64 + 1.0).min((a + 16.0 * c).floor());
    let z = loop {
        let x = rng.f64();
        let y = rng.f64();
        let w = a + h * (y - 0.5) / x;
        if w < 0.0 || w >= limit {
            continue;
        }
        let z = w.floor() as i64;
        let t = g - ln_weight(z);
        if x * (4.0 - x) - 3.0 <= t {
            break z;
        }
        if x * (x - t) >= 1.0 {
            continue;
        }
        if 2.0 * x.ln() <= t {
            break z;
        }
    };
    let z = if good > bad { drawn - z } else { z };
    if drawn < sample { good - z } else { z }
}
