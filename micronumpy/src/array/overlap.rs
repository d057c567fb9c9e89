//! Do two arrays share memory?
//!
//! The cheap answer compares the byte ranges arrays can reach. The exact one asks for integers `0 <= x_i <= u_i` with
//! `a_1 x_1 + ... + a_n x_n = b`, where the `a_i` are the strides of both arrays (made positive by turning axes round) and
//! 1 for the bytes inside an item. That is a knapsack problem, hard in general; arrays seen in practice have few axes
//! with nested strides, and a depth-first search pruned by divisibility and by what the remaining terms can reach ends at
//! once. `max_work` bounds the number of dead ends; beyond it the answer is "too hard".

use smallvec::SmallVec;

use super::ArrayRef;

/// An answer to "is there a solution".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overlap {
    No,
    Yes,
    /// More than `max_work` dead ends.
    TooHard,
}

/// One term `a * x` with `0 <= x <= ub`; `a` is positive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term {
    pub a: i64,
    pub ub: i64,
}

/// The addresses an array reaches: `[start, end)`. Empty arrays reach nothing.
#[inline]
pub fn memory_extents(arr: &ArrayRef<'_>) -> (usize, usize) {
    let start = arr.data as usize;
    let (mut low, mut high) = (0isize, 0isize);
    for (&n, &s) in arr.shape.iter().zip(arr.strides) {
        if n == 0 {
            return (start, start);
        }
        let reach = s.wrapping_mul(n - 1);
        if reach < 0 { low = low.wrapping_add(reach) } else { high = high.wrapping_add(reach) }
    }
    (start.wrapping_add_signed(low), start.wrapping_add_signed(high).wrapping_add(arr.dtype.itemsize))
}

/// Whether the byte ranges of two arrays intersect.
#[inline]
pub fn may_share_bounds(a: &ArrayRef<'_>, b: &ArrayRef<'_>) -> bool {
    let ((a0, a1), (b0, b1)) = (memory_extents(a), memory_extents(b));
    a0 < b1 && b0 < a1 && a0 < a1 && b0 < b1
}

/// Whether two arrays may share memory, spending little: what assignment asks before it copies.
pub fn may_share(a: &ArrayRef<'_>, b: &ArrayRef<'_>) -> bool {
    may_share_bounds(a, b) && solve_may_share_memory(a, b, 1) != Overlap::No
}

/// Whether two arrays share a byte, exactly; `max_work` < 0 means no limit, 0 only compares bounds.
pub fn solve_may_share_memory(a: &ArrayRef<'_>, b: &ArrayRef<'_>, max_work: isize) -> Overlap {
    if !may_share_bounds(a, b) {
        return Overlap::No;
    }
    if max_work == 0 {
        return Overlap::TooHard;
    }
    let ((a0, a1), (b0, b1)) = (memory_extents(a), memory_extents(b));
    // Count from the end of one and the start of the other, whichever gives the smaller number.
    let rhs = (a1 - 1 - b0).min(b1 - 1 - a0) as i64;
    let mut terms = strided_terms(a);
    terms.extend(strided_terms(b));
    for itemsize in [a.dtype.itemsize, b.dtype.itemsize] {
        if itemsize > 1 {
            terms.push(Term { a: 1, ub: itemsize as i64 - 1 });
        }
    }
    simplify(&mut terms, rhs);
    solve_diophantine(&terms, rhs, max_work, false).0
}

/// Whether two elements of one array share a byte.
pub fn solve_internal_overlap(arr: &ArrayRef<'_>, max_work: isize) -> Overlap {
    if arr.is_c_contiguous() || arr.size() <= 1 {
        return Overlap::No;
    }
    if arr.shape.iter().zip(arr.strides).any(|(&n, &s)| n > 1 && s == 0) {
        return Overlap::Yes;
    }
    let mut terms = strided_terms(arr);
    if arr.dtype.itemsize > 1 {
        terms.push(Term { a: 1, ub: arr.dtype.itemsize as i64 - 1 });
    }
    // x - x' shifted to be positive: twice the range around the middle, which is the solution that does not count.
    let mut rhs = 0i64;
    for t in &mut terms {
        rhs = rhs.saturating_add(t.a.saturating_mul(t.ub));
        t.ub = t.ub.saturating_mul(2);
    }
    terms.sort_by_key(|t| std::cmp::Reverse(t.a));
    solve_diophantine(&terms, rhs, max_work, true).0
}

fn strided_terms(arr: &ArrayRef<'_>) -> SmallVec<[Term; 16]> {
    arr.shape
        .iter()
        .zip(arr.strides)
        .filter(|&(&n, &s)| n > 1 && s != 0)
        .map(|(&n, &s)| Term { a: s.unsigned_abs() as i64, ub: n as i64 - 1 })
        .collect()
}

/// Merge terms with equal coefficients, cut bounds to what the right-hand side allows, drop the rest. The greatest come first, so
/// that a search chooses for the least: numpy counts its work that way.
pub fn simplify(terms: &mut SmallVec<[Term; 16]>, rhs: i64) {
    terms.sort_by_key(|t| std::cmp::Reverse(t.a));
    let mut out: SmallVec<[Term; 16]> = SmallVec::new();
    for t in terms.iter() {
        match out.last_mut() {
            Some(last) if last.a == t.a => last.ub = last.ub.saturating_add(t.ub),
            _ => out.push(*t),
        }
    }
    for t in &mut out {
        t.ub = t.ub.min(rhs / t.a);
    }
    out.retain(|t| t.ub > 0);
    *terms = out;
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `x` with `a x = 1 (mod m)`, for coprime `a`, `m`.
fn inverse(a: i128, m: i128) -> i128 {
    let (mut r0, mut r1, mut t0, mut t1) = (m, a.rem_euclid(m), 0i128, 1i128);
    while r1 != 0 {
        let q = r0 / r1;
        (r0, r1) = (r1, r0 - q * r1);
        (t0, t1) = (t1, t0 - q * t1);
    }
    t0.rem_euclid(m)
}

struct Search<'a> {
    terms: &'a [Term],
    /// gcd of the first `i + 1` coefficients, and the most the first `i + 1` terms can add up to.
    gcds: SmallVec<[i128; 16]>,
    reach: SmallVec<[i128; 16]>,
    left: Option<isize>,
    nontrivial: bool,
    x: SmallVec<[i64; 16]>,
}

/// Find `x` with `sum a_i x_i = b`. With `nontrivial`, the solution with every `x_i` in the middle of its range does not
/// count.
pub fn solve_diophantine(
    terms: &[Term],
    b: i64,
    max_work: isize,
    nontrivial: bool,
) -> (Overlap, Option<Vec<i64>>) {
    if b < 0 || terms.iter().any(|t| t.a <= 0 || t.ub < 0) {
        return (Overlap::No, None);
    }
    if terms.is_empty() {
        let yes = b == 0 && !nontrivial;
        return (if yes { Overlap::Yes } else { Overlap::No }, yes.then(Vec::new));
    }
    let (mut g, mut r) = (0i128, 0i128);
    let mut search = Search {
        terms,
        gcds: SmallVec::new(),
        reach: SmallVec::new(),
        left: (max_work >= 0).then_some(max_work),
        nontrivial,
        x: SmallVec::from_elem(0, terms.len()),
    };
    for t in terms {
        g = gcd(g, t.a as i128);
        r += t.a as i128 * t.ub as i128;
        search.gcds.push(g);
        search.reach.push(r);
    }
    match search.level(terms.len() - 1, b as i128) {
        Overlap::Yes => (Overlap::Yes, Some(search.x.to_vec())),
        other => (other, None),
    }
}

impl Search<'_> {
    /// Choose `x[v]`, then the ones before it. What work is allowed pays for dead ends, not for the way to them.
    fn level(&mut self, v: usize, b: i128) -> Overlap {
        if self.left == Some(0) {
            return Overlap::TooHard;
        }
        let answer = self.candidates(v, b);
        if answer == Overlap::No {
            self.left = self.left.map(|n| n - 1);
        }
        answer
    }
    fn candidates(&mut self, v: usize, b: i128) -> Overlap {
        let Term { a, ub } = self.terms[v];
        let (a, ub) = (a as i128, ub as i128);
        if v == 0 {
            if b % a != 0 || b / a > ub || b < 0 {
                return Overlap::No;
            }
            self.x[0] = (b / a) as i64;
            return if self.nontrivial && self.is_trivial() { Overlap::No } else { Overlap::Yes };
        }
        if b % self.gcds[v] != 0 {
            return Overlap::No;
        }
        // The rest must be divisible by the gcd of the earlier terms: one residue class for x.
        let g = self.gcds[v - 1];
        let d = gcd(a, g);
        let step = g / d;
        let residue = if step == 1 { 0 } else { (b / d).rem_euclid(step) * inverse(a / d, step) % step };
        let low = (b - self.reach[v - 1] + a - 1).div_euclid(a).max(0);
        let high = ub.min(b.div_euclid(a));
        // From the top, so that limits are met where numpy meets them.
        let mut x = high - (high - residue).rem_euclid(step);
        while x >= low {
            self.x[v] = x as i64;
            let rest = b - a * x;
            if v > 1 {
                match self.level(v - 1, rest) {
                    Overlap::No => {}
                    other => return other,
                }
            } else {
                // The bounds of `x` are such that the first term takes the rest.
                self.x[0] = (rest / self.terms[0].a as i128) as i64;
                if !(self.nontrivial && self.is_trivial()) {
                    return Overlap::Yes;
                }
            }
            x -= step;
        }
        Overlap::No
    }
    fn is_trivial(&self) -> bool {
        self.x.iter().zip(self.terms).all(|(&x, t)| x == t.ub / 2)
    }
}
