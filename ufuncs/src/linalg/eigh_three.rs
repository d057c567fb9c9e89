//! Eigenvalues and eigenvectors of Hermitian matrices of three rows, many side by side.
//!
//! The steps are those of [`super::tridiagonal`], so signs are the same. With three rows there is little to decide: as
//! long as neither element beside the diagonal is negligible there is a sweep over all three rows, and then at most one
//! problem of two rows is left. A matrix that would be swept from below is mirrored first. Lanes that are done wait.

use core::marker::PhantomData;

use super::lanes::{Algorithm, LANES, Ordinary, Planes, exchanged_if, for_each_below, planes};
use super::scalar::{Real, Scalar};

/// Sweeps before the rest is left to the ordinary way.
const SWEEPS: usize = 24;

/// Matrices, and what becomes of them.
pub struct Three<T: Scalar, const VECTORS: bool> {
    /// The lower triangle, and afterwards eigenvectors.
    pub a: Planes<T, 3, 3>,
    /// Eigenvalues, ascending.
    pub values: [[T::R; LANES]; 3],
    pub ordinary: Ordinary,
    off: [[T::R; LANES]; 2],
    tau: [[T; LANES]; 2],
    /// The second element of the first reflector, whose first is one.
    v: [T; LANES],
    z: Planes<T::R, 3, 3>,
    mirrored: [bool; LANES],
}

impl<T: Scalar, const VECTORS: bool> Three<T, VECTORS> {
    pub fn new() -> Self {
        Three {
            a: planes(),
            values: [[T::R::ZERO; LANES]; 3],
            ordinary: [true; LANES],
            off: [[T::R::ZERO; LANES]; 2],
            tau: [[T::ZERO; LANES]; 2],
            v: [T::ZERO; LANES],
            z: planes(),
            mirrored: [false; LANES],
        }
    }
}

/// The whole decomposition.
pub struct Decomposition<T, const VECTORS: bool>(PhantomData<T>);

impl<T: Scalar, const VECTORS: bool> Algorithm for Decomposition<T, VECTORS> {
    type Data = Three<T, VECTORS>;
    #[inline(always)]
    fn run(data: &mut Self::Data) {
        reduce(data);
        let mut busy = true;
        for _ in 0..SWEEPS {
            busy = sweep(data);
            if !busy {
                break;
            }
        }
        finish(data);
        if busy {
            data.ordinary = [false; LANES];
        }
        if VECTORS {
            expand(data);
        }
    }
}

/// Whether an element beside the diagonal may be taken for zero.
#[inline(always)]
fn negligible<R: Real>(e: R, upper: R, lower: R) -> bool {
    let unit = R::EPSILON / R::from_f64(2.0);
    e * e <= (unit * unit * upper.modulus()) * lower.modulus() + R::MIN_POSITIVE
}

/// `(cos, sin, r)` of the rotation that maps `(f, g)` to `(r, 0)`, and whether it was easy.
#[inline(always)]
fn rotation<R: Real>(f: R, g: R) -> (R, R, R, bool) {
    let (zero, one) = (R::ZERO, R::ONE);
    let sum = f * f + g * g;
    let length = sum.sqrt().with_sign_of(f);
    let (cos, sin) = (f / length, g / length);
    let straight = g == zero;
    let quarter = f == zero;
    let cos = if straight {
        one
    } else if quarter {
        zero
    } else {
        cos
    };
    let sin = if straight {
        zero
    } else if quarter {
        one.with_sign_of(g)
    } else {
        sin
    };
    let r = if straight {
        f
    } else if quarter {
        g.modulus()
    } else {
        length
    };
    let easy = straight | ((sum >= R::MIN_POSITIVE / R::EPSILON) & (sum <= R::MAX));
    (cos, sin, r, easy)
}

/// The two parts of column `j` and the next, rotated as [`super::rotation::Rotation::apply`] does.
#[inline(always)]
fn rotated<R: Real>(cos: R, sin: R, x: R, y: R) -> (R, R) {
    (cos * x + sin * y, cos * y - sin * x)
}

/// To tridiagonal form.
#[inline(always)]
fn reduce<T: Scalar, const VECTORS: bool>(data: &mut Three<T, VECTORS>) {
    for lane in 0..LANES {
        let (zero, one) = (T::R::ZERO, T::R::ONE);
        let a = |i: usize, j: usize| data.a[i][j][lane];
        let (d0, alpha, below) = (a(0, 0).re(), a(1, 0), a(2, 0));
        let (d1, d2, inner) = (a(1, 1).re(), a(2, 2).re(), a(2, 1));
        // The reflector of the first column.
        let rest = below.square();
        let total = rest + alpha.square();
        let trivial = (rest == zero) & (alpha.im() == zero);
        let fine =
            trivial | ((total >= T::R::MIN_POSITIVE / T::R::EPSILON) & (total <= T::R::MAX) & (rest > zero));
        let beta = -total.sqrt().with_sign_of(alpha.re());
        let beta = if trivial { alpha.re() } else { beta };
        let divisor = if trivial { one } else { beta };
        let tau = T::of((divisor - alpha.re()) / divisor, -alpha.im() / divisor);
        let tau = if trivial { T::ZERO } else { tau };
        let by = if trivial { T::ONE } else { alpha - T::real(beta) };
        let v = below.over(by);
        // A - v w^H - w v^H of the two rows that are left, with v = (1, v).
        let mut w0 = T::real(d1) + inner.conjugate() * v;
        let mut w1 = inner + T::real(d2) * v;
        (w0, w1) = (w0 * tau, w1 * tau);
        let dot = w0.conjugate() + w1.conjugate() * v;
        let half = -(T::real(T::R::from_f64(0.5)) * tau * dot);
        (w0, w1) = (w0 + half, w1 + half * v);
        let d1 = (T::real(d1) - (w0.conjugate() + w0)).re();
        let inner = inner - (v * w0.conjugate() + w1);
        let d2 = (T::real(d2) - (v * w1.conjugate() + w1 * v.conjugate())).re();
        // The reflector of one element turns it real.
        let size = inner.square().sqrt();
        let flat = T::REAL | (inner.im() == zero);
        let e1 = if flat { inner.re() } else { -size.with_sign_of(inner.re()) };
        let divisor = if flat { one } else { e1 };
        let tau1 = T::of((divisor - inner.re()) / divisor, -inner.im() / divisor);
        let tau1 = if flat { T::ZERO } else { tau1 };
        let fine = fine & (flat | (size >= T::R::MIN_POSITIVE / T::R::EPSILON));
        // The smaller end first.
        let mirrored = d2.modulus() < d0.modulus();
        let (d0, d2) = exchanged_if(mirrored, d0, d2);
        let (e0, e1) = exchanged_if(mirrored, beta, e1);
        (data.values[0][lane], data.values[1][lane], data.values[2][lane]) = (d0, d1, d2);
        (data.off[0][lane], data.off[1][lane]) = (e0, e1);
        (data.tau[0][lane], data.tau[1][lane], data.v[lane]) = (tau, tau1, v);
        data.mirrored[lane] = mirrored;
        let largest =
            total.max_of(d0.square()).max_of(d1.square()).max_of(d2.square()).max_of(inner.square());
        data.ordinary[lane] = fine & (largest <= T::R::from_f64(1e30)) & (largest >= T::R::from_f64(1e-30));
        if VECTORS {
            let (near, far) = exchanged_if(mirrored, one, zero);
            let identity = [[near, zero, far], [zero, one, zero], [far, zero, near]];
            for_each_below!(i, 3 => {
                for j in 0..3 {
                    data.z[i][j][lane] = identity[i][j];
                }
            });
        }
    }
}

/// One QL step of the lanes that need one; whether any did.
#[inline(always)]
fn sweep<T: Scalar, const VECTORS: bool>(data: &mut Three<T, VECTORS>) -> bool {
    let two = T::R::from_f64(2.0);
    let mut busy = false;
    for lane in 0..LANES {
        let [d0, d1, d2] = [data.values[0][lane], data.values[1][lane], data.values[2][lane]];
        let [e0, e1] = [data.off[0][lane], data.off[1][lane]];
        let active = data.ordinary[lane] & !negligible(e0, d0, d1) & !negligible(e1, d1, d2);
        let e = if active { e0 } else { T::R::ONE };
        let g = (d1 - d0) / (two * e);
        let r = (g * g + T::R::ONE).sqrt();
        let g = d2 - d0 + e / (g + r.with_sign_of(g));
        let (cos1, sin1, _, easy1) = rotation(g, e1);
        let r = (d1 - d2) * sin1 + two * cos1 * e1;
        let p = sin1 * r;
        let new2 = d2 + p;
        let g = cos1 * r - e1;
        let (f, b) = (sin1 * e, cos1 * e);
        let (cos0, sin0, off, easy0) = rotation(g, f);
        let g = d1 - p;
        let r = (d0 - g) * sin0 + two * cos0 * b;
        let p = sin0 * r;
        data.values[0][lane] = if active { d0 - p } else { d0 };
        data.values[1][lane] = if active { g + p } else { d1 };
        data.values[2][lane] = if active { new2 } else { d2 };
        data.off[0][lane] = if active { cos0 * r - b } else { e0 };
        data.off[1][lane] = if active { off } else { e1 };
        data.ordinary[lane] &= !active | (easy0 & easy1);
        busy |= active;
        if VECTORS {
            for_each_below!(i, 3 => {
                let row = &mut data.z[i];
                let (x, y, z) = (row[0][lane], row[1][lane], row[2][lane]);
                // In a mirrored matrix columns are counted from the other end, where the inverse is the same rotation.
                let (y1, z1) = rotated(cos1, -sin1, y, z);
                let (x1, y2) = rotated(cos0, -sin0, x, y1);
                row[0][lane] = if active { x1 } else { x };
                row[1][lane] = if active { y2 } else { y };
                row[2][lane] = if active { z1 } else { z };
            });
        }
    }
    busy
}

/// Mirror back, solve what is left of two rows, sort.
#[inline(always)]
fn finish<T: Scalar, const VECTORS: bool>(data: &mut Three<T, VECTORS>) {
    let (zero, one, half) = (T::R::ZERO, T::R::ONE, T::R::from_f64(0.5));
    for lane in 0..LANES {
        let mirrored = data.mirrored[lane];
        let [mut d0, d1, mut d2] = [data.values[0][lane], data.values[1][lane], data.values[2][lane]];
        let [e0, e1] = [data.off[0][lane], data.off[1][lane]];
        let (e0, e1) =
            (if negligible(e0, d0, d1) { zero } else { e0 }, if negligible(e1, d1, d2) { zero } else { e1 });
        (d0, d2) = exchanged_if(mirrored, d0, d2);
        let (e0, e1) = exchanged_if(mirrored, e0, e1);
        // At most one is left, and rows of two do not care where they are.
        let upper = e0 != zero;
        let open = upper | (e1 != zero);
        let (a, b, c) = if upper { (d0, e0, d1) } else { (d1, e1, d2) };
        let b = if open { b } else { one };
        let (sum, difference, twice) = (a + c, a - c, b + b);
        let (more, less) = exchanged_if(a.modulus() <= c.modulus(), a, c);
        let root = (difference * difference + twice * twice).sqrt();
        let positive = sum >= zero;
        let first = half * (if sum < zero { sum - root } else { sum + root });
        let divisor = if sum == zero { one } else { first };
        let second = (more / divisor) * less - (b / divisor) * b;
        let second = if sum == zero { -(half * root) } else { second };
        let upward = difference >= zero;
        let cs = if upward { difference + root } else { difference - root };
        // The larger of the two is at least as large as `twice`, which is not zero.
        let steep = cs.modulus() > twice.modulus();
        let ratio = if steep { -twice / cs } else { -cs / twice };
        let unit = one / (one + ratio * ratio).sqrt();
        let (mut cos, mut sin) = if steep { (ratio * unit, unit) } else { (unit, ratio * unit) };
        if positive == upward {
            (cos, sin) = (-sin, cos);
        }
        let (n0, n1, n2) = (
            if upper { first } else { d0 },
            if upper {
                second
            } else if open {
                first
            } else {
                d1
            },
            if open & !upper { second } else { d2 },
        );
        // Ascending.
        let swap01 = n1 < n0;
        let (n0, n1) = exchanged_if(swap01, n0, n1);
        let swap02 = n2 < n0;
        let (n0, n2) = exchanged_if(swap02, n0, n2);
        let swap12 = n2 < n1;
        let (n1, n2) = exchanged_if(swap12, n1, n2);
        (data.values[0][lane], data.values[1][lane], data.values[2][lane]) = (n0, n1, n2);
        if VECTORS {
            for_each_below!(i, 3 => {
                let row = &mut data.z[i];
                let (x, y, z) = (row[0][lane], row[1][lane], row[2][lane]);
                let (x, z) = exchanged_if(mirrored, x, z);
                let (left, right) = if upper { (x, y) } else { (y, z) };
                let (left, right) = if open { rotated(cos, sin, left, right) } else { (left, right) };
                let (x, y, z) = if upper { (left, right, z) } else { (x, left, right) };
                let (x, y) = exchanged_if(swap01, x, y);
                let (x, z) = exchanged_if(swap02, x, z);
                let (y, z) = exchanged_if(swap12, y, z);
                (row[0][lane], row[1][lane], row[2][lane]) = (x, y, z);
            });
        }
    }
}

/// Eigenvectors of the matrix from those of its tridiagonal form.
#[inline(always)]
fn expand<T: Scalar, const VECTORS: bool>(data: &mut Three<T, VECTORS>) {
    for lane in 0..LANES {
        let (tau0, tau1, v) = (data.tau[0][lane], data.tau[1][lane], data.v[lane]);
        for_each_below!(j, 3 => {
            let [x, y, z] = [data.z[0][j][lane], data.z[1][j][lane], data.z[2][j][lane]];
            let z = T::real(z) - tau1 * T::real(z);
            let by = tau0 * (T::real(y) + v.conjugate() * z);
            data.a[0][j][lane] = T::real(x);
            data.a[1][j][lane] = T::real(y) - by;
            data.a[2][j][lane] = z - by * v;
        });
    }
}
