//! Francis's QR iteration with two shifts, for real matrices, and their eigenvectors. See [`super::schur`].

use core::ops::Range;

use super::qr::reflector;
use super::rotation::Rotation;
use super::scalar::{Real, Scalar};
use super::schur::{EXCEPTIONAL, EXCEPTIONAL_FACTOR, add_scaled, budget, hessenberg, negligible, splits};
use super::space::{Columns, Space};
use crate::cpu::{Level, multiversion};

/// A Hessenberg matrix on its way to one with blocks of one or two rows on its diagonal.
struct Iteration<R: Real, S: Space> {
    h: S::Matrix<R>,
    z: Option<S::Matrix<R>>,
    part: Range<usize>,
    re: S::Vector<R>,
    im: S::Vector<R>,
}

/// Two shifts, either real or conjugates.
struct Shifts<R> {
    re: [R; 2],
    im: [R; 2],
}

impl<R: Real> Shifts<R> {
    /// Eigenvalues of a two by two matrix, of real ones the better twice.
    #[inline(always)]
    fn of(mut h: [[R; 2]; 2]) -> Self {
        let zero = R::ZERO;
        let s = h.iter().flatten().fold(zero, |sum, x| sum + x.modulus());
        if s == zero {
            return Shifts { re: [zero; 2], im: [zero; 2] };
        }
        h.iter_mut().flatten().for_each(|x| *x /= s);
        let mean = (h[0][0] + h[1][1]) / R::from_f64(2.0);
        let det = (h[0][0] - mean) * (h[1][1] - mean) - h[0][1] * h[1][0];
        let root = det.modulus().sqrt();
        if det >= zero {
            return Shifts { re: [mean * s; 2], im: [root * s, -(root * s)] };
        }
        let (first, second) = (mean + root, mean - root);
        let nearer = if (first - h[1][1]).modulus() <= (second - h[1][1]).modulus() { first } else { second };
        Shifts { re: [nearer * s; 2], im: [zero; 2] }
    }
}

impl<R: Real, S: Space> Iteration<R, S> {
    #[inline(always)]
    fn at(&self, i: usize, j: usize) -> R {
        self.h.col(j)[i]
    }

    #[inline(always)]
    fn shifts(&self, l: usize, i: usize, step: usize) -> Shifts<R> {
        let exceptional = |s: R, at: R| {
            let diagonal = R::from_f64(EXCEPTIONAL_FACTOR) * s + at;
            Shifts::of([[diagonal, R::from_f64(-0.4375) * s], [s, diagonal]])
        };
        if step.is_multiple_of(2 * EXCEPTIONAL) {
            let s = self.at(i, i - 1).modulus() + self.at(i - 1, i - 2).modulus();
            return exceptional(s, self.at(i, i));
        }
        if step.is_multiple_of(EXCEPTIONAL) {
            let s = self.at(l + 1, l).modulus() + self.at(l + 2, l + 1).modulus();
            return exceptional(s, self.at(l, l));
        }
        Shifts::of([[self.at(i - 1, i - 1), self.at(i - 1, i)], [self.at(i, i - 1), self.at(i, i)]])
    }

    /// The row a step starts at, and the first column of what is to be factored.
    #[inline(always)]
    fn start(&self, l: usize, i: usize, by: &Shifts<R>) -> (usize, [R; 3]) {
        for m in (l..i - 1).rev() {
            let (d, next) = (self.at(m, m), self.at(m + 1, m + 1));
            let below = self.at(m + 1, m);
            let s = (d - by.re[1]).modulus() + by.im[1].modulus() + below.modulus();
            let scaled = below / s;
            let mut v = [
                scaled * self.at(m, m + 1) + (d - by.re[0]) * ((d - by.re[1]) / s)
                    - by.im[0] * (by.im[1] / s),
                scaled * (d + next - by.re[0] - by.re[1]),
                scaled * self.at(m + 2, m + 1),
            ];
            let s = v[0].modulus() + v[1].modulus() + v[2].modulus();
            v.iter_mut().for_each(|x| *x /= s);
            if m == l {
                return (m, v);
            }
            let diagonal = self.at(m - 1, m - 1).modulus() + d.modulus() + next.modulus();
            let before = self.at(m, m - 1).modulus() * (v[1].modulus() + v[2].modulus());
            if before <= R::EPSILON * v[0].modulus() * diagonal {
                return (m, v);
            }
        }
        unreachable!("a block has three rows at least")
    }

    #[inline(always)]
    fn step(&mut self, l: usize, i: usize, rows: Range<usize>, shifts: &Shifts<R>) {
        let (m, mut v) = self.start(l, i, shifts);
        for k in m..i {
            let three = k + 1 < i;
            if k > m {
                let col = self.h.col(k - 1);
                v = [col[k], col[k + 1], if three { col[k + 2] } else { R::ZERO }];
            }
            let tau = reflector(&mut v[..if three { 3 } else { 2 }]);
            let col = if k > 0 { Some(self.h.col_mut(k - 1)) } else { None };
            match col {
                Some(col) if k > m => {
                    (col[k], col[k + 1]) = (v[0], R::ZERO);
                    if three {
                        col[k + 2] = R::ZERO;
                    }
                }
                // Not negated, for the reflector may be none.
                Some(col) if m > l => col[k] *= R::ONE - tau,
                _ => {}
            }
            let [_, v2, v3] = v;
            let (t2, t3) = (tau * v2, tau * v3);
            let last = (k + 3).min(i);
            for j in k..rows.end {
                match &mut self.h.col_mut(j)[k..] {
                    [x, y, z, ..] if three => {
                        let sum = *x + v2 * *y + v3 * *z;
                        *x -= sum * tau;
                        *y -= sum * t2;
                        *z -= sum * t3;
                    }
                    [x, y, ..] => {
                        let sum = *x + v2 * *y;
                        *x -= sum * tau;
                        *y -= sum * t2;
                    }
                    _ => {}
                }
            }
            let turn = |to: &mut S::Matrix<R>, rows: Range<usize>| {
                if three {
                    let columns = to.three_mut(k).map(|column| &mut column[rows.clone()]);
                    turn_three(columns, [R::ONE, v2, v3], [tau, t2, t3]);
                } else {
                    let (x, y) = to.pair_mut(k, k + 1);
                    for (x, y) in x[rows.clone()].iter_mut().zip(&mut y[rows]) {
                        let sum = *x + v2 * *y;
                        *x -= sum * tau;
                        *y -= sum * t2;
                    }
                }
            };
            turn(&mut self.h, rows.start..last + 1);
            if let Some(z) = &mut self.z {
                turn(z, self.part.clone());
            }
        }
    }

    /// Bring a block of two rows to the form in which its eigenvalues are seen.
    #[inline(always)]
    fn finish_pair(&mut self, i: usize) {
        let block = [[self.at(i - 1, i - 1), self.at(i - 1, i)], [self.at(i, i - 1), self.at(i, i)]];
        let (block, turn) = standard(block);
        for (c, j) in [i - 1, i].into_iter().enumerate() {
            let col = self.h.col_mut(j);
            (col[i - 1], col[i]) = (block[0][c], block[1][c]);
        }
        (self.re[i - 1], self.re[i]) = (block[0][0], block[1][1]);
        let im = if block[1][0] == R::ZERO {
            R::ZERO
        } else {
            block[0][1].modulus().sqrt() * block[1][0].modulus().sqrt()
        };
        (self.im[i - 1], self.im[i]) = (im, if im == R::ZERO { im } else { -im });
        let Some(z) = &mut self.z else { return };
        turn.apply(z, i - 1);
        for j in i + 1..self.h.cols() {
            let col = self.h.col_mut(j);
            let (x, y) = (col[i - 1], col[i]);
            (col[i - 1], col[i]) = (turn.cos * x + turn.sin * y, turn.cos * y - turn.sin * x);
        }
        let (x, y) = self.h.pair_mut(i - 1, i);
        for (x, y) in x[..i - 1].iter_mut().zip(y) {
            (*x, *y) = (turn.cos * *x + turn.sin * *y, turn.cos * *y - turn.sin * *x);
        }
    }

    /// Iterate until the blocks are small; whether that succeeded.
    #[inline(always)]
    fn run(&mut self) -> bool {
        let size = self.part.len();
        let least = negligible::<R>(size);
        for i in (0..self.h.cols()).filter(|i| !self.part.contains(i)) {
            self.re[i] = self.at(i, i);
        }
        let mut end = self.part.end;
        while end > self.part.start {
            let i = end - 1;
            let mut done = false;
            for step in 1..=budget(size) + 1 {
                let l = (self.part.start + 1..=i)
                    .rev()
                    .find(|&k| splits(&self.h, &self.part, k, least))
                    .unwrap_or(self.part.start);
                if l > self.part.start {
                    self.h.col_mut(l - 1)[l] = R::ZERO;
                }
                if l + 1 >= i {
                    if l == i {
                        self.re[i] = self.at(i, i);
                    } else {
                        self.finish_pair(i);
                    }
                    end = l;
                    done = true;
                    break;
                }
                let rows = if self.z.is_some() { 0..self.h.cols() } else { l..i + 1 };
                let shifts = self.shifts(l, i, step);
                self.step(l, i, rows, &shifts);
            }
            if !done {
                return false;
            }
        }
        true
    }

    /// Solve `(H - value) x = x` in the first `end` rows from below, so that `x` of all `len` rows stays finite.
    #[inline(always)]
    fn substitute<C: Scalar<R = R>>(&self, x: &mut [C], end: usize, value: C) {
        let floor = negligible::<R>(self.h.cols()).max_of(R::EPSILON * value.cabs1());
        let real = |x: R| C::real(x);
        let mut k = end;
        while k > 0 {
            k -= 1;
            if k > 0 && self.im[k] != R::ZERO {
                let above = k - 1;
                let [a, b] = [real(self.at(above, above)) - value, real(self.at(above, k))];
                let [c, d] = [real(self.at(k, above)), real(self.at(k, k)) - value];
                let (mut p, mut q) = (x[above], x[k]);
                // Elimination with the larger of the first column.
                let (a, b, c, d) = if c.cabs1() > a.cabs1() {
                    (p, q) = (q, p);
                    (c, d, a, b)
                } else {
                    (a, b, c, d)
                };
                let a = if a.cabs1() < floor { real(floor) } else { a };
                let by = c.over(a);
                let last = d - by * b;
                let last = if last.cabs1() < floor { real(floor) } else { last };
                x[k] = (q - by * p).over(last);
                x[above] = (p - b * x[k]).over(a);
                tame(x, x[k].cabs1().max_of(x[above].cabs1()));
                let (by, by_above) = (x[k], x[above]);
                for ((x, h), h_above) in x[..above].iter_mut().zip(self.h.col(k)).zip(self.h.col(above)) {
                    *x -= by.scale(*h) + by_above.scale(*h_above);
                }
                k = above;
            } else {
                let by = real(self.at(k, k)) - value;
                x[k] = x[k].over(if by.cabs1() < floor { real(floor) } else { by });
                tame(x, x[k].cabs1());
                let by = x[k];
                for (x, h) in x[..k].iter_mut().zip(self.h.col(k)) {
                    *x -= by.scale(*h);
                }
            }
        }
    }
}

/// Apply a reflector of three rows to as many columns, from the right: its vector, and that times `tau`.
#[inline(always)]
fn turn_three<R: Real>(columns: [&mut [R]; 3], v: [R; 3], scaled: [R; 3]) {
    if columns[0].len() < 16 {
        turn_three_body(columns, v, scaled);
    } else {
        turn_three_long(Level::current(), columns, v, scaled);
    }
}
multiversion! {
    fn turn_three_long[R: Real](columns: [&mut [R]; 3], v: [R; 3], scaled: [R; 3]) -> () = turn_three_body::<R>;
}
#[inline(always)]
fn turn_three_body<R: Real>([x, y, z]: [&mut [R]; 3], v: [R; 3], scaled: [R; 3]) {
    for ((x, y), z) in x.iter_mut().zip(y).zip(z) {
        let sum = *x + v[1] * *y + v[2] * *z;
        *x -= sum * scaled[0];
        *y -= sum * scaled[1];
        *z -= sum * scaled[2];
    }
}

/// Divide a vector by the size of its largest element so far, if that is very large.
#[inline(always)]
fn tame<C: Scalar>(x: &mut [C], size: C::R) {
    if size > C::R::LARGE {
        x.iter_mut().for_each(|x| *x = C::of(x.re() / size, x.im() / size));
    }
}

/// A rotation that makes a two by two matrix triangular or, if its eigenvalues are complex, its diagonal elements equal,
/// and what it makes of the matrix.
#[inline(always)]
fn standard<R: Real>([[mut a, mut b], [mut c, mut d]]: [[R; 2]; 2]) -> ([[R; 2]; 2], Rotation<R>) {
    let (zero, one) = (R::ZERO, R::ONE);
    let (half, four) = (R::from_f64(0.5), R::from_f64(4.0));
    let sign = |x: R| one.with_sign_of(x);
    let (mut cos, mut sin) = (one, zero);
    if c == zero {
        // It is triangular.
    } else if b == zero {
        (cos, sin) = (zero, one);
        (a, d) = (d, a);
        (b, c) = (-c, zero);
    } else if a - d == zero && sign(b) != sign(c) {
        // It has the second form.
    } else {
        let difference = a - d;
        let p = half * difference;
        let (size_b, size_c) = (b.modulus(), c.modulus());
        let most = size_b.max_of(size_c);
        let least = (if size_b < size_c { size_b } else { size_c }) * sign(b) * sign(c);
        let scale = p.modulus().max_of(most);
        let z = (p / scale) * p + (most / scale) * least;
        if z >= four * R::EPSILON {
            // Two real eigenvalues.
            let z = p + (scale.sqrt() * z.sqrt()).with_sign_of(p);
            a = d + z;
            d -= (most / z) * least;
            let length = c.hypot(z);
            (cos, sin) = (z / length, c / length);
            (b, c) = (b - c, zero);
        } else {
            let sigma = b + c;
            let length = sigma.hypot(difference);
            cos = (half * (one + sigma.modulus() / length)).sqrt();
            sin = -(p / (length * cos)) * sign(sigma);
            let [aa, bb] = [a * cos + b * sin, b * cos - a * sin];
            let [cc, dd] = [c * cos + d * sin, d * cos - c * sin];
            (a, b) = (aa * cos + cc * sin, bb * cos + dd * sin);
            (c, d) = (cc * cos - aa * sin, dd * cos - bb * sin);
            let mean = half * (a + d);
            (a, d) = (mean, mean);
            if c != zero && b == zero {
                (b, c) = (-c, zero);
                (cos, sin) = (-sin, cos);
            } else if c != zero && sign(b) == sign(c) {
                // Real after all, and nearly equal.
                let (root_b, root_c) = (b.modulus().sqrt(), c.modulus().sqrt());
                let p = (root_b * root_c).with_sign_of(c);
                let by = one / (b + c).modulus().sqrt();
                (a, d) = (mean + p, mean - p);
                (b, c) = (b - c, zero);
                let (cos1, sin1) = (root_b * by, root_c * by);
                (cos, sin) = (cos * cos1 - sin * sin1, cos * sin1 + sin * cos1);
            }
        }
    }
    ([[a, b], [c, d]], Rotation { cos, sin })
}

/// Eigenvalues of a balanced matrix, of which only a part is not triangular, and eigenvectors not yet normalised.
#[inline(always)]
#[allow(clippy::type_complexity)]
pub fn eigen<R: Real, S: Space>(
    mut a: S::Matrix<R>,
    part: Range<usize>,
    vectors: bool,
) -> Option<(S::Vector<R::Complex>, Option<S::Matrix<R::Complex>>)> {
    let n = a.rows();
    let z = hessenberg::<R, S>(&mut a, &part, vectors);
    let mut it = Iteration::<R, S> { h: a, z, part, re: S::vector(n), im: S::vector(n) };
    if !it.run() {
        return None;
    }
    let mut values: S::Vector<R::Complex> = S::vector(n);
    for i in 0..n {
        values[i] = R::Complex::of(it.re[i], it.im[i]);
    }
    let Some(z) = it.z.take() else { return Some((values, None)) };
    let mut out: S::Matrix<R::Complex> = S::identity(n);
    for j in 0..n {
        let value = values[j];
        let to = out.col_mut(j);
        to.fill(R::Complex::ZERO);
        if value.im() == R::ZERO {
            let mut x: S::Vector<R> = S::vector(n);
            x[..j].iter_mut().zip(it.h.col(j)).for_each(|(x, t)| *x = -*t);
            x[j] = R::ONE;
            it.substitute(&mut x[..=j], j, value.re());
            let mut sums: S::Vector<R> = S::vector(n);
            for k in 0..=j {
                add_scaled(&mut sums[..n], z.col(k), x[k]);
            }
            to.iter_mut().zip(&sums[..n]).for_each(|(to, x)| *to = R::Complex::real(*x));
        } else if value.im() > R::ZERO {
            // The other of the pair is its conjugate.
            let mut x: S::Vector<R::Complex> = S::vector(n);
            let (upper, lower) = (it.at(j, j + 1), it.at(j + 1, j));
            let (first, second) = if upper.modulus() >= lower.modulus() {
                (R::ONE, value.im() / upper)
            } else {
                (-value.im() / lower, R::ONE)
            };
            (x[j], x[j + 1]) = (R::Complex::real(first), R::Complex::of(R::ZERO, second));
            for k in 0..j {
                x[k] = R::Complex::of(-(first * it.at(k, j)), -(second * it.at(k, j + 1)));
            }
            it.substitute(&mut x[..j + 2], j, value);
            for k in 0..j + 2 {
                for (to, z) in to.iter_mut().zip(z.col(k)) {
                    *to += x[k].scale(*z);
                }
            }
            let (first, second) = out.pair_mut(j, j + 1);
            first.iter().zip(second).for_each(|(x, y)| *y = x.conjugate());
        }
    }
    Some((values, Some(out)))
}
