//! Where one string occurs in another.
//!
//! Most searches end after a few comparisons, so they start naively. A search that has compared far more often than it
//! has moved switches to the two-way algorithm (Crochemore and Perrin 1991), which is linear and needs no memory.
//! Searches from the end run over both strings reversed.

/// A string that can be read forwards or backwards.
trait Text<C>: Copy {
    fn len(self) -> usize;
    fn at(self, i: usize) -> C;
}

#[derive(Clone, Copy)]
struct Forward<'a, C>(&'a [C]);

impl<C: Copy> Text<C> for Forward<'_, C> {
    #[inline(always)]
    fn len(self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    fn at(self, i: usize) -> C {
        self.0[i]
    }
}

#[derive(Clone, Copy)]
struct Backward<'a, C>(&'a [C]);

impl<C: Copy> Text<C> for Backward<'_, C> {
    #[inline(always)]
    fn len(self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    fn at(self, i: usize) -> C {
        self.0[self.0.len() - 1 - i]
    }
}

/// Index of the first occurrence.
pub fn find<C: Copy + Ord>(text: &[C], sub: &[C]) -> Option<usize> {
    first(Forward(text), Forward(sub))
}

/// Index of the last occurrence.
pub fn rfind<C: Copy + Ord>(text: &[C], sub: &[C]) -> Option<usize> {
    first(Backward(text), Backward(sub)).map(|i| text.len() - sub.len() - i)
}

/// Number of occurrences that do not overlap, counted from the start, at most `limit`.
pub fn count<C: Copy + Ord>(text: &[C], sub: &[C], limit: usize) -> usize {
    if sub.is_empty() {
        return (text.len() + 1).min(limit);
    }
    let (mut rest, mut found) = (text, 0);
    while found < limit {
        let Some(i) = find(rest, sub) else { break };
        rest = &rest[i + sub.len()..];
        found += 1;
    }
    found
}

fn first<C: Copy + Ord, T: Text<C>>(text: T, sub: T) -> Option<usize> {
    let (n, m) = (text.len(), sub.len());
    if m > n {
        return None;
    }
    if m == 0 {
        return Some(0);
    }
    let head = sub.at(0);
    let mut compared = 0;
    for i in 0..=n - m {
        if text.at(i) != head {
            continue;
        }
        let same = (1..m).take_while(|&k| text.at(i + k) == sub.at(k)).count() + 1;
        if same == m {
            return Some(i);
        }
        compared += same;
        if compared > 64 + m + 4 * i {
            return two_way(text, sub, i + 1);
        }
    }
    None
}

/// Start and period of the largest suffix in the order of characters, or in the opposite order.
fn largest_suffix<C: Copy + Ord, T: Text<C>>(s: T, reversed: bool) -> (usize, usize) {
    let (mut suffix, mut candidate, mut offset, mut period) = (0, 1, 0, 1);
    while candidate + offset < s.len() {
        let (a, b) = (s.at(candidate + offset), s.at(suffix + offset));
        if a == b {
            if offset + 1 == period {
                candidate += period;
                offset = 0;
            } else {
                offset += 1;
            }
        } else if (a < b) != reversed {
            candidate += offset + 1;
            offset = 0;
            period = candidate - suffix;
        } else {
            suffix = candidate;
            candidate += 1;
            offset = 0;
            period = 1;
        }
    }
    (suffix, period)
}

fn two_way<C: Copy + Ord, T: Text<C>>(text: T, sub: T, from: usize) -> Option<usize> {
    let (n, m) = (text.len(), sub.len());
    let (cut, period) = largest_suffix(sub, false).max(largest_suffix(sub, true));
    let periodic = cut + period <= m && (0..cut).all(|i| sub.at(i) == sub.at(i + period));
    let shift = if periodic { period } else { cut.max(m - cut) + 1 };
    // How many characters at this position are known to match.
    let mut known = 0;
    let mut pos = from;
    while pos + m <= n {
        let right = (cut.max(known)..m).find(|&i| text.at(pos + i) != sub.at(i));
        if let Some(i) = right {
            pos += i - cut + 1;
            known = 0;
            continue;
        }
        if (known..cut).rev().all(|i| text.at(pos + i) == sub.at(i)) {
            return Some(pos);
        }
        pos += shift;
        known = if periodic { m - period } else { 0 };
    }
    None
}
