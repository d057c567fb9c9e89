//! Products over core dimensions: `matmul`, `vecdot`, `matvec`, `vecmat`.
//!
//! Correct for every type and stride, in order, without blocking: the reference and the fallback. All four are sums of
//! products along one core dimension; they differ in which operands the other core dimensions move.

use core::ffi::{c_int, c_void};

use super::{load, store};
use crate::abi::LoopContext;
use crate::elem::{Bool, Complex, Elem, LongDouble, f16, float16};

/// An element that can be multiplied and summed.
pub trait Dot: Elem {
    /// What the sum is kept in.
    type Acc: Copy;
    const START: Self::Acc;
    fn multiply_add(acc: Self::Acc, a: Self, b: Self) -> Self::Acc;
    fn finish(acc: Self::Acc) -> Self;
    /// The complex conjugate.
    #[inline(always)]
    fn conjugate(self) -> Self {
        self
    }
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Dot for $t {
            type Acc = $t;
            const START: $t = 0;
            #[inline(always)]
            fn multiply_add(acc: $t, a: $t, b: $t) -> $t {
                acc.wrapping_add(a.wrapping_mul(b))
            }
            #[inline(always)]
            fn finish(acc: $t) -> $t {
                acc
            }
        }
    )*};
}
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Dot for $t {
            type Acc = $t;
            const START: $t = <$t as Elem>::ZERO;
            #[inline(always)]
            fn multiply_add(acc: $t, a: $t, b: $t) -> $t {
                acc + a * b
            }
            #[inline(always)]
            fn finish(acc: $t) -> $t {
                acc
            }
        }
        impl Dot for Complex<$t> {
            type Acc = Complex<$t>;
            const START: Complex<$t> = <Complex<$t> as Elem>::ZERO;
            #[inline(always)]
            fn multiply_add(acc: Self, a: Self, b: Self) -> Self {
                Complex {
                    re: acc.re + (a.re * b.re - a.im * b.im),
                    im: acc.im + (a.re * b.im + a.im * b.re),
                }
            }
            #[inline(always)]
            fn finish(acc: Self) -> Self {
                acc
            }
            #[inline(always)]
            fn conjugate(self) -> Self {
                Complex { re: self.re, im: -self.im }
            }
        }
    )*};
}
floats!(f32, f64, LongDouble);

impl Dot for f16 {
    type Acc = f32;
    const START: f32 = 0.0;
    #[inline(always)]
    fn multiply_add(acc: f32, a: f16, b: f16) -> f32 {
        acc + float16::to_f32(a) * float16::to_f32(b)
    }
    #[inline(always)]
    fn finish(acc: f32) -> f16 {
        float16::from_f32(acc)
    }
}

impl Dot for Bool {
    type Acc = bool;
    const START: bool = false;
    #[inline(always)]
    fn multiply_add(acc: bool, a: Bool, b: Bool) -> bool {
        acc | (a.get() & b.get())
    }
    #[inline(always)]
    fn finish(acc: bool) -> Bool {
        acc.into()
    }
}

/// # Safety
/// `n` elements are readable at `a` and `b` with these strides.
#[inline(always)]
unsafe fn dot<T: Dot, const CONJUGATE: bool>(
    n: isize,
    a: *const u8,
    sa: isize,
    b: *const u8,
    sb: isize,
) -> T {
    let (mut acc, mut a, mut b) = (T::START, a, b);
    for _ in 0..n {
        // SAFETY: the caller's promise.
        let (x, y) = unsafe { (load::<T>(a), load::<T>(b)) };
        acc = T::multiply_add(acc, if CONJUGATE { x.conjugate() } else { x }, y);
        a = a.wrapping_offset(sa);
        b = b.wrapping_offset(sb);
    }
    T::finish(acc)
}

/// One axis of the result: how many, and the byte strides in `a`, `b` and the output.
type Axis = (isize, isize, isize, isize);

/// The whole product: an outer loop, two axes of the result, and the summed dimension.
///
/// # Safety
/// All elements the strides reach are readable in `data[0]` and `data[1]`, writable in `data[2]`.
#[inline(never)]
unsafe fn product<T: Dot, const CONJUGATE: bool>(
    data: *const *mut u8,
    axes: [Axis; 3],
    summed: (isize, isize, isize),
) {
    let (k, ka, kb) = summed;
    // SAFETY: three operands.
    let [a, b, o] = unsafe { *data.cast::<[*mut u8; 3]>() };
    let [outer, rows, columns] = axes;
    for i in 0..outer.0 {
        for r in 0..rows.0 {
            for c in 0..columns.0 {
                let a = a.wrapping_offset(i * outer.1 + r * rows.1 + c * columns.1);
                let b = b.wrapping_offset(i * outer.2 + r * rows.2 + c * columns.2);
                let o = o.wrapping_offset(i * outer.3 + r * rows.3 + c * columns.3);
                // SAFETY: the caller's promise.
                unsafe { store(o, dot::<T, CONJUGATE>(k, a, ka, b, kb)) };
            }
        }
    }
}

const ONCE: Axis = (1, 0, 0, 0);

/// `(n?,k),(k,m?)->(n?,m?)`
pub unsafe extern "C" fn matmul<T: Dot>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: four dimensions and nine strides by the signature; see the module.
    unsafe {
        let [outer, n, k, m] = *dims.cast::<[isize; 4]>();
        let [sa, sb, so, a_n, a_k, b_k, b_m, o_n, o_m] = *strides.cast::<[isize; 9]>();
        let axes = [(outer, sa, sb, so), (n, a_n, 0, o_n), (m, 0, b_m, o_m)];
        product::<T, false>(data, axes, (k, a_k, b_k));
    }
    0
}

/// `(n),(n)->()`, the first operand conjugated.
pub unsafe extern "C" fn vecdot<T: Dot>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: two dimensions and five strides by the signature; see the module.
    unsafe {
        let [outer, n] = *dims.cast::<[isize; 2]>();
        let [sa, sb, so, a_n, b_n] = *strides.cast::<[isize; 5]>();
        product::<T, true>(data, [(outer, sa, sb, so), ONCE, ONCE], (n, a_n, b_n));
    }
    0
}

/// `(m,n),(n)->(m)`
pub unsafe extern "C" fn matvec<T: Dot>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: three dimensions and seven strides by the signature; see the module.
    unsafe {
        let [outer, m, n] = *dims.cast::<[isize; 3]>();
        let [sa, sb, so, a_m, a_n, b_n, o_m] = *strides.cast::<[isize; 7]>();
        product::<T, false>(data, [(outer, sa, sb, so), (m, a_m, 0, o_m), ONCE], (n, a_n, b_n));
    }
    0
}

/// `(n),(n,m)->(m)`, the vector conjugated.
pub unsafe extern "C" fn vecmat<T: Dot>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: three dimensions and seven strides by the signature; see the module.
    unsafe {
        let [outer, n, m] = *dims.cast::<[isize; 3]>();
        let [sa, sb, so, a_n, b_n, b_m, o_m] = *strides.cast::<[isize; 7]>();
        product::<T, true>(data, [(outer, sa, sb, so), (m, 0, b_m, o_m), ONCE], (n, a_n, b_n));
    }
    0
}
