//! Hypergeometric variates: how many of the drawn items are good.

use super::BitGen;
use super::bounded::interval;
use super::factorial::ln_factorial;

pub(super) const D1: f64 = 1.7155277699214135;
pub(super) const D2: f64 = 0.8989161620588988;

/// Number of good items in a draw of `sample` items out of `good + bad`.
pub fn hypergeometric(rng: &BitGen, good: i64, bad: i64, sample: i64) -> i64 {
    if sample >= 10 && sample <= good + bad - 10 {
        ratio_of_uniforms(rng, good, bad, sample)
    } else {
        one_by_one(rng, good, bad, sample)
    }
}

/// Draw the smaller of the sample and the rest item by item.
fn one_by_one(rng: &BitGen, good: i64, bad: i64, sample: i64) -> i64 {
    let total = good + bad;
    let rest_is_smaller = sample > total / 2;
    let mut left = if rest_is_smaller { total - sample } else { sample };
    let (mut remaining, mut remaining_good) = (total, good);
    while left > 0 && remaining_good > 0 && remaining > remaining_good {
        remaining -= 1;
        if (interval(rng, remaining as u64) as i64) < remaining_good {
            remaining_good -= 1;
        }
        left -= 1;
    }
    if remaining == remaining_good {
        // Only good items are left.
        remaining_good -= left;
    }
    if rest_is_smaller { remaining_good } else { good - remaining_good }
}

/// Stadlober's HRUA: ratio of uniforms with a table-mountain hat.
fn ratio_of_uniforms(rng: &BitGen, good: i64, bad: i64, sample: i64) -> i64 {
    let total = good + bad;
    let drawn = sample.min(total - sample);
    let (few, many) = (good.min(bad), good.max(bad));
    let p = few as f64 / total as f64;
    let q = many as f64 / total as f64;
    let mu = drawn as f64 * p;
    let a = mu + 0.5;
    let var = (total - drawn) as f64 * drawn as f64 * p * q / (total - 1) as f64;
    let c = (var + 0.5).sqrt();
    let h = D1 * c + D2;
    let mode = ((drawn + 1) as f64 * (few + 1) as f64 / (total + 2) as f64).floor() as i64;
    let ln_weight = |k: i64| {
        ln_factorial(k) + ln_factorial(few - k) + ln_factorial(drawn - k) + ln_factorial(many - drawn + k)
    };
    let g = ln_weight(mode);
    let limit = ((drawn.min(few) + 1) as f64).min((a + 16.0 * c).floor());
    let mut k = loop {
        let u = rng.f64();
        let v = rng.f64();
        let x = a + h * (v - 0.5) / u;
        if x < 0.0 || x >= limit {
            continue;
        }
        let k = x.floor() as i64;
        let t = g - ln_weight(k);
        if u * (4.0 - u) - 3.0 <= t {
            break k;
        }
        if u * (u - t) >= 1.0 {
            continue;
        }
        if 2.0 * u.ln() <= t {
            break k;
        }
    };
    if good > bad {
        k = drawn - k;
    }
    if drawn < sample {
        k = good - k;
    }
    k
}
