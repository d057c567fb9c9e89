//! Discrete distributions of `Generator` (shared by `RandomState` where it says so).

use super::continuous::gamma;
use super::factorial::ln_gamma;
use super::standard_exponential;
use super::{BitGen, Bits};

/// A truncated float; what is out of range becomes the least integer, as the conversion instruction of x86-64 makes it.
pub(super) fn truncate(x: f64) -> i64 {
    if (-9223372036854775808.0..9223372036854775808.0).contains(&x) { x as i64 } else { i64::MIN }
}

/// Poisson: Hörmann's transformed rejection (PTRS) for large means, multiplication of uniforms for small ones.
#[inline]
pub fn poisson(rng: &impl Bits, lam: f64) -> i64 {
    if lam >= 10.0 {
        poisson_ptrs(rng, lam)
    } else if lam == 0.0 {
        0
    } else {
        let limit = (-lam).exp();
        let (mut count, mut product) = (0, 1.0);
        loop {
            product *= rng.f64();
            if product > limit {
                count += 1;
            } else {
                return count;
            }
        }
    }
}

#[inline]
fn poisson_ptrs(rng: &impl Bits, lam: f64) -> i64 {
    let slam = lam.sqrt();
    let loglam = lam.ln();
    let b = 0.931 + 2.53 * slam;
    let a = -0.059 + 0.02483 * b;
    let invalpha = 1.1239 + 1.1328 / (b - 3.4);
    let vr = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = rng.f64() - 0.5;
        let v = rng.f64();
        let us = 0.5 - u.abs();
        let k = truncate(((2.0 * a / us + b) * u + lam + 0.43).floor());
        if us >= 0.07 && v <= vr {
            return k;
        }
        if k < 0 || (us < 0.013 && v > us) {
            continue;
        }
        if v.ln() + invalpha.ln() - (a / (us * us) + b).ln()
            <= -lam + k as f64 * loglam - ln_gamma(k.wrapping_add(1) as f64)
        {
            return k;
        }
    }
}

pub fn negative_binomial(rng: &BitGen, n: f64, p: f64) -> i64 {
    let y = gamma(rng, n, (1.0 - p) / p);
    poisson(rng, y)
}

/// What setting up a binomial distribution costs, kept for the next draw with the same parameters (numpy's `binomial_t`).
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Binomial {
    has_binomial: i32,
    psave: f64,
    nsave: i64,
    r: f64,
    q: f64,
    fm: f64,
    m: i64,
    p1: f64,
    xm: f64,
    xl: f64,
    xr: f64,
    c: f64,
    laml: f64,
    lamr: f64,
    p2: f64,
    p3: f64,
    p4: f64,
}

const _: () = assert!(size_of::<Binomial>() == 136);

impl Binomial {
    fn is_for(&self, n: i64, p: f64) -> bool {
        self.has_binomial != 0 && self.nsave == n && self.psave == p
    }
    fn mark(&mut self, n: i64, p: f64) {
        self.has_binomial = 1;
        self.nsave = n;
        self.psave = p;
    }

    /// Number of successes in `n` trials: inversion where few are expected, else BTPE.
    pub fn draw(&mut self, rng: &BitGen, p: f64, n: i64) -> i64 {
        if n == 0 || p == 0.0 { 0 } else { self.draw_with(rng, p, n, |p| (-p).ln_1p()) }
    }
    /// As [`Self::draw`], for `RandomState`: moves the stream on where the result is certain, too, and takes a tiny `p` for
    /// nothing.
    pub fn draw_always(&mut self, rng: &BitGen, p: f64, n: i64) -> i64 {
        self.draw_with(rng, p, n, |p| (1.0 - p).ln())
    }
    /// `log_of_failure(p)` is the logarithm of `1 - p`.
    #[inline]
    fn draw_with(&mut self, rng: &BitGen, p: f64, n: i64, log_of_failure: impl Fn(f64) -> f64) -> i64 {
        let less = if p <= 0.5 { p } else { 1.0 - p };
        let few = less * n as f64 <= 30.0;
        let drawn = if few { self.inversion(rng, n, less, log_of_failure) } else { self.btpe(rng, n, less) };
        if p <= 0.5 { drawn } else { n - drawn }
    }

    fn inversion(&mut self, rng: &BitGen, n: i64, p: f64, log_of_failure: impl Fn(f64) -> f64) -> i64 {
        let nf = n as f64;
        if !self.is_for(n, p) {
            self.mark(n, p);
            self.q = 1.0 - p;
            self.r = (nf * log_of_failure(p)).exp();
            self.c = nf * p;
            self.m = nf.min(self.c + 10.0 * (self.c * self.q + 1.0).sqrt()) as i64;
        }
        let (q, qn, bound) = (self.q, self.r, self.m);
        let (mut x, mut px, mut u) = (0i64, qn, rng.f64());
        while u > px {
            x += 1;
            if x > bound {
                (x, px, u) = (0, qn, rng.f64());
            } else {
                u -= px;
                px = ((n - x + 1) as f64 * p * px) / (x as f64 * q);
            }
        }
        x
    }

    /// Kachitvichyanukul and Schmeiser's BTPE: a triangle, a parallelogram and two exponential tails cover the curve.
    fn btpe(&mut self, rng: &BitGen, n: i64, p: f64) -> i64 {
        let nf = n as f64;
        if !self.is_for(n, p) {
            self.mark(n, p);
            self.r = p.min(1.0 - p);
            self.q = 1.0 - self.r;
            self.fm = nf * self.r + self.r;
            self.m = self.fm.floor() as i64;
            self.p1 = (2.195 * (nf * self.r * self.q).sqrt() - 4.6 * self.q).floor() + 0.5;
            self.xm = self.m as f64 + 0.5;
            self.xl = self.xm - self.p1;
            self.xr = self.xm + self.p1;
            self.c = 0.134 + 20.5 / (15.3 + self.m as f64);
            let a = (self.fm - self.xl) / (self.fm - self.xl * self.r);
            self.laml = a * (1.0 + a / 2.0);
            let a = (self.xr - self.fm) / (self.xr * self.q);
            self.lamr = a * (1.0 + a / 2.0);
            self.p2 = self.p1 * (1.0 + 2.0 * self.c);
            self.p3 = self.p2 + self.c / self.laml;
            self.p4 = self.p3 + self.c / self.lamr;
        }
        let Binomial { r, q, m, p1, xm, xl, xr, c, laml, lamr, p2, p3, p4, .. } = *self;
        let mf = m as f64;
        let nrq = nf * r * q;
        loop {
            let u = rng.f64() * p4;
            let mut v = rng.f64();
            let y;
            if u <= p1 {
                y = truncate((xm - p1 * v + u).floor());
                return if p > 0.5 { n - y } else { y };
            } else if u <= p2 {
                let x = xl + (u - p1) / c;
                v = v * c + 1.0 - (mf - x + 0.5).abs() / p1;
                if v > 1.0 {
                    continue;
                }
                y = truncate(x.floor());
            } else if u <= p3 {
                y = truncate((xl + v.ln() / laml).floor());
                if y < 0 || v == 0.0 {
                    continue;
                }
                v = v * (u - p2) * laml;
            } else {
                y = truncate((xr - v.ln() / lamr).floor());
                if y > n || v == 0.0 {
                    continue;
                }
                v = v * (u - p3) * lamr;
            }
            if accept_btpe(n, m, y, v, r, q, nrq, xm) {
                return if p > 0.5 { n - y } else { y };
            }
        }
    }
}

/// Whether the point at height `v` over `y` is under the curve: by the recurrence of probabilities near the mode or far
/// from it, by squeezing and Stirling's formula between.
#[allow(clippy::too_many_arguments)]
fn accept_btpe(n: i64, m: i64, y: i64, v: f64, r: f64, q: f64, nrq: f64, xm: f64) -> bool {
    let k = (y - m).abs();
    if k <= 20 || k as f64 >= nrq / 2.0 - 1.0 {
        let s = r / q;
        let a = s * (n + 1) as f64;
        let mut f = 1.0;
        if m < y {
            for i in m + 1..=y {
                f *= a / i as f64 - s;
            }
        } else if m > y {
            for i in y + 1..=m {
                f /= a / i as f64 - s;
            }
        }
        return v <= f;
    }
    let kf = k as f64;
    let rho = (kf / nrq) * ((kf * (kf / 3.0 + 0.625) + 0.16666666666666666) / nrq + 0.5);
    let t = k.wrapping_mul(k).wrapping_neg() as f64 / (2.0 * nrq);
    let a = v.ln();
    if a < t - rho {
        return true;
    }
    if a > t + rho {
        return false;
    }
    let x1 = (y + 1) as f64;
    let f1 = (m + 1) as f64;
    let z = (n + 1 - m) as f64;
    let w = (n - y + 1) as f64;
    let stirling = |x: f64| {
        let x2 = x * x;
        (13680. - (462. - (132. - (99. - 140. / x2) / x2) / x2) / x2) / x / 166320.
    };
    let bound = xm * (f1 / x1).ln()
        + ((n - m) as f64 + 0.5) * (z / w).ln()
        + (y - m) as f64 * (w * r / (x1 * q)).ln()
        + stirling(f1)
        + stirling(z)
        + stirling(x1)
        + stirling(w);
    a <= bound
}

/// Kemp's logarithmic series generator.
pub fn logseries(rng: &BitGen, p: f64) -> i64 {
    let r = (-p).ln_1p();
    loop {
        let v = rng.f64();
        if v >= p {
            return 1;
        }
        let u = rng.f64();
        let q = -(r * u).exp_m1();
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

/// Number of trials up to the first success, by adding up probabilities (fast when `p` is large).
#[inline]
pub fn geometric_search(rng: &impl Bits, p: f64) -> i64 {
    let (mut x, mut sum, mut prod) = (1, p, p);
    let q = 1.0 - p;
    let u = rng.f64();
    while u > sum {
        prod *= q;
        sum += prod;
        x += 1;
    }
    x
}
#[inline]
pub fn geometric(rng: &impl Bits, p: f64) -> i64 {
    if p >= 1.0 / 3.0 { geometric_search(rng, p) } else { geometric_inversion(rng, (-p).ln_1p()) }
}
/// For small `p`, of which the logarithm of `1 - p` is given.
#[inline]
pub fn geometric_inversion(rng: &impl Bits, ln_q: f64) -> i64 {
    let x = -standard_exponential(rng) / ln_q;
    // Rounded up without a call. The conversion saturates where the result is out of range.
    let whole = x as i64;
    whole.saturating_add(i64::from((whole as f64) < x))
}

/// Devroye's rejection for the zeta distribution, from a range cut off where results would not fit.
pub fn zipf(rng: &BitGen, a: f64) -> i64 {
    // Powers overflow past this, and the chance of anything but 1 is gone.
    if a >= 1025.0 {
        return 1;
    }
    let am1 = a - 1.0;
    let b = 2f64.powf(am1);
    let umin = (i64::MAX as f64).powf(-am1);
    loop {
        let u01 = rng.f64();
        let u = u01 * umin + (1.0 - u01);
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
