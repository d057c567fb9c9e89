//! Distributions of vectors of counts.

use super::BitGen;
use super::bounded::interval;
use super::hypergeometric::hypergeometric;

/// Distribute `n` trials over the categories with probabilities `pvals`. `counts` starts as zeros and is as long as `pvals`;
/// `binomial(rng, p, n)` draws.
pub fn multinomial(
    rng: &BitGen,
    n: i64,
    counts: &mut [i64],
    pvals: &[f64],
    mut binomial: impl FnMut(&BitGen, f64, i64) -> i64,
) {
    let (mut left_p, mut left) = (1.0, n);
    let Some((last, head)) = counts.split_last_mut() else { return };
    for (count, &p) in head.iter_mut().zip(pvals) {
        *count = binomial(rng, p / left_p, left);
        left -= *count;
        if left <= 0 {
            break;
        }
        left_p -= p;
    }
    if left > 0 {
        *last = left;
    }
}

/// Fill each row of `variates` (zeros, rows as long as `colors`) with the colors of `nsample` items out of all `total`, by
/// shuffling a list of all items. `None` when that list does not fit in memory.
pub fn multivariate_hypergeometric_count(
    rng: &BitGen,
    total: i64,
    colors: &[i64],
    nsample: i64,
    variates: &mut [i64],
) -> Option<()> {
    if total == 0 || nsample == 0 || variates.is_empty() {
        return Some(());
    }
    let mut items: Vec<usize> = Vec::new();
    items.try_reserve_exact(usize::try_from(total).ok()?).ok()?;
    for (color, &count) in colors.iter().enumerate() {
        items.extend(std::iter::repeat_n(color, count as usize));
    }
    let rest_is_smaller = nsample > total / 2;
    let drawn = if rest_is_smaller { total - nsample } else { nsample } as usize;
    for row in variates.chunks_exact_mut(colors.len()) {
        // The list stays as the previous row left it: any order is as good as any other.
        for j in 0..drawn {
            let k = j + interval(rng, (total as usize - j - 1) as u64) as usize;
            items.swap(j, k);
        }
        for &color in &items[..drawn] {
            row[color] += 1;
        }
        if rest_is_smaller {
            complement(row, colors);
        }
    }
    Some(())
}

/// As [`multivariate_hypergeometric_count`], one univariate draw for each color.
pub fn multivariate_hypergeometric_marginals(
    rng: &BitGen,
    total: i64,
    colors: &[i64],
    nsample: i64,
    variates: &mut [i64],
) {
    if total == 0 || nsample == 0 || variates.is_empty() {
        return;
    }
    let rest_is_smaller = nsample > total / 2;
    let drawn = if rest_is_smaller { total - nsample } else { nsample };
    for row in variates.chunks_exact_mut(colors.len()) {
        let (mut left, mut remaining) = (drawn, total);
        let last = colors.len() - 1;
        for (count, &color) in row[..last].iter_mut().zip(colors) {
            if left <= 0 {
                break;
            }
            remaining -= color;
            *count = hypergeometric(rng, color, remaining, left);
            left -= *count;
        }
        if left > 0 {
            row[last] = left;
        }
        if rest_is_smaller {
            complement(row, colors);
        }
    }
}

fn complement(row: &mut [i64], colors: &[i64]) {
    for (count, &color) in row.iter_mut().zip(colors) {
        *count = color - *count;
    }
}
