//! Plane rotations, and the two-by-two problems that iterations end with.
//!
//! Signs follow LAPACK's: which of the two possible rotations is taken decides about the signs of singular vectors and
//! eigenvectors, and users rely on those (random vectors drawn by way of a decomposition are mirrored otherwise).

use super::scalar::Real;
use super::space::Columns;

/// A rotation of the plane.
#[derive(Clone, Copy)]
pub struct Rotation<R> {
    pub cos: R,
    pub sin: R,
}

impl<R: Real> Rotation<R> {
    /// The rotation that maps `(f, g)` to `(r, 0)`, `r` having the sign of `f`, and `r`.
    #[inline]
    pub fn of(f: R, g: R) -> (Rotation<R>, R) {
        let (zero, one) = (R::ZERO, R::ONE);
        if g == zero {
            return (Rotation { cos: one, sin: zero }, f);
        }
        if f == zero {
            return (Rotation { cos: zero, sin: one.with_sign_of(g) }, g.modulus());
        }
        let sum = f * f + g * g;
        let length =
            if sum > R::MIN_POSITIVE / R::EPSILON && sum <= R::MAX { sum.sqrt() } else { f.hypot(g) };
        let r = length.with_sign_of(f);
        (Rotation { cos: f.modulus() / length, sin: g / r }, r)
    }
    pub fn inverse(self) -> Rotation<R> {
        Rotation { cos: self.cos, sin: -self.sin }
    }
    /// Rotate columns `j` and `j + 1`: `(x, y)` becomes `(cos x + sin y, cos y - sin x)`.
    #[inline]
    pub fn apply(self, to: &mut impl Columns<R>, j: usize) {
        let (x, y) = to.pair_mut(j, j + 1);
        for (x, y) in x.iter_mut().zip(y) {
            (*x, *y) = (self.cos * *x + self.sin * *y, self.cos * *y - self.sin * *x);
        }
    }
}

/// The larger eigenvalue by magnitude, the other one, and the unit vector `(cos, sin)` of the first, of
/// `[[a, b], [b, c]]`.
pub fn symmetric_2x2<R: Real>(a: R, b: R, c: R) -> (R, R, Rotation<R>) {
    let (zero, one, two) = (R::ZERO, R::ONE, R::from_f64(2.0));
    let half = R::from_f64(0.5);
    let (sum, difference, twice) = (a + c, a - c, b + b);
    let (size, off) = (difference.modulus(), twice.modulus());
    let (more, less) = if a.modulus() > c.modulus() { (a, c) } else { (c, a) };
    let ratio = |small: R, large: R| large * (one + (small / large) * (small / large)).sqrt();
    let root = if size > off {
        ratio(off, size)
    } else if size < off {
        ratio(size, off)
    } else {
        off * two.sqrt()
    };
    let (first, second, positive) = if sum == zero {
        (half * root, -(half * root), true)
    } else {
        let first = half * (if sum < zero { sum - root } else { sum + root });
        (first, (more / first) * less - (b / first) * b, sum > zero)
    };
    let (cs, upper) = if difference >= zero { (difference + root, true) } else { (difference - root, false) };
    let (mut cos, mut sin);
    if cs.modulus() > off {
        let cotangent = -twice / cs;
        sin = one / (one + cotangent * cotangent).sqrt();
        cos = cotangent * sin;
    } else if off == zero {
        (cos, sin) = (one, zero);
    } else {
        let tangent = -cs / twice;
        cos = one / (one + tangent * tangent).sqrt();
        sin = tangent * cos;
    }
    if positive == upper {
        (cos, sin) = (-sin, cos);
    }
    (first, second, Rotation { cos, sin })
}

/// The smaller singular value of `[[f, g], [0, h]]`.
pub fn smaller_singular_value<R: Real>(f: R, g: R, h: R) -> R {
    let (one, zero) = (R::ONE, R::ZERO);
    let (f, g, h) = (f.modulus(), g.modulus(), h.modulus());
    let (least, most) = if f < h { (f, h) } else { (h, f) };
    if least == zero {
        return zero;
    }
    let (a, b) = (one + least / most, (most - least) / most);
    if g < most {
        let u = (g / most) * (g / most);
        return least * (R::from_f64(2.0) / ((a * a + u).sqrt() + (b * b + u).sqrt()));
    }
    let u = most / g;
    if u == zero {
        return (least * most) / g;
    }
    let c = one / ((one + a * u * (a * u)).sqrt() + (one + b * u * (b * u)).sqrt());
    let half = (least * c) * u;
    half + half
}

/// Singular values of `[[f, g], [0, h]]`, the smaller one first and both with signs, and the rotations from the right
/// and from the left that make it diagonal.
pub fn triangular_2x2<R: Real>(f: R, g: R, h: R) -> (R, R, Rotation<R>, Rotation<R>) {
    let (zero, one, two) = (R::ZERO, R::ONE, R::from_f64(2.0));
    let (mut ft, mut fa, mut ht, mut ha) = (f, f.modulus(), h, h.modulus());
    let swap = ha > fa;
    if swap {
        (ft, ht) = (ht, ft);
        (fa, ha) = (ha, fa);
    }
    let (gt, ga) = (g, g.modulus());
    // Which element is the largest: 1 is f, 2 is g, 3 is h.
    let mut largest = if swap { 3 } else { 1 };
    let (mut least, mut most);
    let (mut cl, mut cr, mut sl, mut sr) = (one, one, zero, zero);
    if ga == zero {
        (least, most) = (ha, fa);
    } else if ga > fa && fa / ga < R::EPSILON / two {
        largest = 2;
        most = ga;
        least = if ha > one { fa / (ga / ha) } else { (fa / ga) * ha };
        (cl, sl, sr, cr) = (one, ht / gt, one, ft / gt);
    } else {
        if ga > fa {
            largest = 2;
        }
        let d = fa - ha;
        let mut l = if d == fa { one } else { d / fa };
        let m = gt / ft;
        let mut t = two - l;
        let mm = m * m;
        let s = (t * t + mm).sqrt();
        let r = if l == zero { m.modulus() } else { (l * l + mm).sqrt() };
        let a = (s + r) / two;
        (least, most) = (ha / a, fa * a);
        t = if mm != zero {
            (m / (s + t) + m / (r + l)) * (one + a)
        } else if l == zero {
            two.with_sign_of(ft) * one.with_sign_of(gt)
        } else {
            gt / d.with_sign_of(ft) + m / t
        };
        l = (t * t + R::from_f64(4.0)).sqrt();
        cr = two / l;
        sr = t / l;
        cl = (cr + sr * m) / a;
        sl = (ht / ft) * sr / a;
    }
    let (left, right) = if swap {
        (Rotation { cos: sr, sin: cr }, Rotation { cos: sl, sin: cl })
    } else {
        (Rotation { cos: cl, sin: sl }, Rotation { cos: cr, sin: sr })
    };
    let sign = |x: R| one.with_sign_of(x);
    let total = match largest {
        1 => sign(right.cos) * sign(left.cos) * sign(f),
        2 => sign(right.sin) * sign(left.cos) * sign(g),
        _ => sign(right.sin) * sign(left.sin) * sign(h),
    };
    most = most.with_sign_of(total);
    least = least.with_sign_of(total * sign(f) * sign(h));
    (least, most, right, left)
}
