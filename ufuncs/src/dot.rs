//! Inner products and matrix products.
//!
//! `float`, `double` and their complex types go to the `gemm` crate once a product is large enough to pay for packing;
//! everything else is a plain loop, blocked over the columns of the result. Integers wrap, booleans are "any pair true",
//! halves accumulate in `float` and round once.

use core::ffi::{c_int, c_void};

use crate::abi::LoopContext;
use crate::elem::{Bool, Complex, Complex32, Complex64, Elem, LongDouble, f16, float16};
use crate::fpstatus;
use crate::typenum::TypeNum;

/// An element type with products and sums.
pub trait DotElem: Elem {
    /// What sums are kept in.
    type Acc: Copy;
    const ACC_ZERO: Self::Acc;
    /// `acc + a * b`, in two roundings.
    fn add_product(acc: Self::Acc, a: Self, b: Self) -> Self::Acc;
    fn add(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    fn finish(acc: Self::Acc) -> Self;
    fn conj(self) -> Self {
        self
    }
    /// The optimised matrix product, for types that have one.
    ///
    /// # Safety
    /// As for [`matmul`]. All strides are multiples of the item size.
    #[allow(unused_variables)]
    unsafe fn gemm(p: &Product) -> bool {
        false
    }
}

macro_rules! ints {
    ($($t:ty)*) => {$(
        impl DotElem for $t {
            type Acc = $t;
            const ACC_ZERO: $t = 0;
            #[inline(always)]
            fn add_product(acc: $t, a: $t, b: $t) -> $t {
                acc.wrapping_add(a.wrapping_mul(b))
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a.wrapping_add(b)
            }
            #[inline(always)]
            fn finish(acc: $t) -> $t {
                acc
            }
        }
    )*};
}
ints!(i8 u8 i16 u16 i32 u32 i64 u64);

impl DotElem for Bool {
    type Acc = bool;
    const ACC_ZERO: bool = false;
    #[inline(always)]
    fn add_product(acc: bool, a: Bool, b: Bool) -> bool {
        acc | (a.get() & b.get())
    }
    #[inline(always)]
    fn add(a: bool, b: bool) -> bool {
        a | b
    }
    #[inline(always)]
    fn finish(acc: bool) -> Bool {
        acc.into()
    }
}

impl DotElem for f16 {
    type Acc = f32;
    const ACC_ZERO: f32 = 0.0;
    #[inline(always)]
    fn add_product(acc: f32, a: f16, b: f16) -> f32 {
        acc + float16::to_f32(a) * float16::to_f32(b)
    }
    #[inline(always)]
    fn add(a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn finish(acc: f32) -> f16 {
        float16::from_f32(acc)
    }
}

impl DotElem for LongDouble {
    type Acc = LongDouble;
    const ACC_ZERO: LongDouble = LongDouble::ZERO;
    #[inline(always)]
    fn add_product(acc: LongDouble, a: LongDouble, b: LongDouble) -> LongDouble {
        acc + a * b
    }
    #[inline(always)]
    fn add(a: LongDouble, b: LongDouble) -> LongDouble {
        a + b
    }
    #[inline(always)]
    fn finish(acc: LongDouble) -> LongDouble {
        acc
    }
}

macro_rules! floats {
    ($($t:ty, $is_nan:expr, $one:expr;)*) => {$(
        impl DotElem for $t {
            type Acc = $t;
            const ACC_ZERO: $t = <$t as Elem>::ZERO;
            #[inline(always)]
            fn add_product(acc: $t, a: $t, b: $t) -> $t {
                acc + a * b
            }
            #[inline(always)]
            fn add(a: $t, b: $t) -> $t {
                a + b
            }
            #[inline(always)]
            fn finish(acc: $t) -> $t {
                acc
            }
            unsafe fn gemm(p: &Product) -> bool {
                // SAFETY: the caller's promise.
                unsafe { run_gemm::<$t>(p, $one, <$t as Elem>::ZERO, $is_nan) };
                true
            }
        }
    )*};
}
floats! {
    f32, |x| x.is_nan(), 1.0;
    f64, |x| x.is_nan(), 1.0;
}

macro_rules! complex {
    ($($t:ty)*) => {$(complex!(@impl $t {});)*};
    (gemm $($t:ty, $one:expr;)*) => {$(
        complex!(@impl $t {
            unsafe fn gemm(p: &Product) -> bool {
                // SAFETY: the caller's promise.
                unsafe { run_gemm::<Complex<$t>>(p, $one, Elem::ZERO, |c| c.re.is_nan() || c.im.is_nan()) };
                true
            }
        });
    )*};
    (@impl $t:ty { $($gemm:tt)* }) => {
        impl DotElem for Complex<$t> {
            type Acc = Complex<$t>;
            const ACC_ZERO: Self = <Self as Elem>::ZERO;
            #[inline(always)]
            fn add_product(acc: Self, a: Self, b: Self) -> Self {
                Complex {
                    re: acc.re + (a.re * b.re - a.im * b.im),
                    im: acc.im + (a.re * b.im + a.im * b.re),
                }
            }
            #[inline(always)]
            fn add(a: Self, b: Self) -> Self {
                Complex { re: a.re + b.re, im: a.im + b.im }
            }
            #[inline(always)]
            fn finish(acc: Self) -> Self {
                acc
            }
            #[inline(always)]
            fn conj(self) -> Self {
                Complex { re: self.re, im: -self.im }
            }
            $($gemm)*
        }
    };
}
complex!(LongDouble);
complex! { gemm f32, Complex32::new(1.0, 0.0); f64, Complex64::new(1.0, 0.0); }

/// The inner product of two vectors, the first conjugated if `CONJ`.
///
/// # Safety
/// `n` aligned elements at both pointers, the given byte strides apart.
#[inline(always)]
unsafe fn inner<T: DotElem, const CONJ: bool>(
    a: *const u8,
    sa: isize,
    b: *const u8,
    sb: isize,
    n: isize,
) -> T {
    let size = size_of::<T>() as isize;
    // Several running sums let the processor overlap additions, and the compiler use vectors when both are contiguous.
    const LANES: isize = 8;
    let mut acc = [T::ACC_ZERO; LANES as usize];
    let mut i = 0;
    // SAFETY: `i` stays below `n`.
    unsafe {
        let step = |acc: T::Acc, a: *const T, b: *const T| {
            let a = if CONJ { (*a).conj() } else { *a };
            T::add_product(acc, a, *b)
        };
        if sa == size && sb == size {
            let (a, b) = (a as *const T, b as *const T);
            while i + LANES <= n {
                for (lane, j) in acc.iter_mut().zip(i..) {
                    *lane = step(*lane, a.offset(j), b.offset(j));
                }
                i += LANES;
            }
        }
        while i < n {
            acc[0] = step(acc[0], a.offset(i * sa) as *const T, b.offset(i * sb) as *const T);
            i += 1;
        }
    }
    // Adding untouched lanes would be harmless but for the sign of a zero sum.
    if n >= LANES && sa == size && sb == size {
        let mut width = LANES as usize / 2;
        while width > 0 {
            for j in 0..width {
                acc[j] = T::add(acc[j], acc[j + width]);
            }
            width /= 2;
        }
    }
    T::finish(acc[0])
}

/// The inner product of two vectors, written to `out`.
///
/// # Safety
/// `n` aligned native elements at `a` and `b`, `sa` and `sb` bytes apart; room for one element at `out`.
pub type DotFn = unsafe fn(a: *const u8, sa: isize, b: *const u8, sb: isize, out: *mut u8, n: usize);

unsafe fn dot<T: DotElem, const CONJ: bool>(
    a: *const u8,
    sa: isize,
    b: *const u8,
    sb: isize,
    out: *mut u8,
    n: usize,
) {
    // SAFETY: the contract of `DotFn`.
    unsafe { *(out as *mut T) = inner::<T, CONJ>(a, sa, b, sb, n as isize) };
}

/// A matrix product `out = a @ b` with all strides in bytes: `a` is `m` by `k`, `b` is `k` by `n`.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    pub m: usize,
    pub k: usize,
    pub n: usize,
    pub a: *const u8,
    /// Row and column stride.
    pub a_strides: [isize; 2],
    pub b: *const u8,
    pub b_strides: [isize; 2],
    pub out: *mut u8,
    pub out_strides: [isize; 2],
}

/// Fewer multiplications than this are done by the plain loop.
const GEMM_MIN: usize = 8 * 8 * 8;

/// # Safety
/// As for [`matmul`], with strides that are multiples of the item size.
unsafe fn run_gemm<T: Copy + 'static>(p: &Product, one: T, zero: T, is_nan: fn(&T) -> bool) {
    let size = size_of::<T>() as isize;
    let before = fpstatus::take();
    // SAFETY: the pointers and strides describe the matrices; `read_dst` is off, so `out` is only written.
    unsafe {
        gemm::gemm(
            p.m,
            p.n,
            p.k,
            p.out as *mut T,
            p.out_strides[1] / size,
            p.out_strides[0] / size,
            false,
            p.a as *const T,
            p.a_strides[1] / size,
            p.a_strides[0] / size,
            p.b as *const T,
            p.b_strides[1] / size,
            p.b_strides[0] / size,
            zero,
            one,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
        let mut after = fpstatus::take();
        if after & fpstatus::INVALID != 0 {
            // Edges are padded with zeros, and infinity times such a zero is nobody's business: an invalid operation of
            // the product itself leaves a NaN in the result.
            let seen = (0..p.m as isize).any(|i| {
                (0..p.n as isize).any(|j| {
                    is_nan(&*(p.out.offset(i * p.out_strides[0] + j * p.out_strides[1]) as *const T))
                })
            });
            if !seen {
                after &= !fpstatus::INVALID;
            }
        }
        if before | after != 0 {
            fpstatus::raise(before | after);
        }
    }
}

/// # Safety
/// As for [`matmul`].
unsafe fn product<T: DotElem>(p: &Product) {
    let size = size_of::<T>() as isize;
    let whole = |s: [isize; 2]| s[0] % size == 0 && s[1] % size == 0;
    if p.m > 1
        && p.n > 1
        && p.k > 0
        && p.m.saturating_mul(p.n).saturating_mul(p.k) >= GEMM_MIN
        && whole(p.a_strides)
        && whole(p.b_strides)
        && whole(p.out_strides)
    {
        // SAFETY: the caller's promise.
        if unsafe { T::gemm(p) } {
            return;
        }
    }
    // SAFETY: the caller's promise; indices stay below the dimensions.
    unsafe { plain_product::<T, false>(p) }
}

/// Walks `b` row by row for a strip of columns at a time, or column by column when those are contiguous. `CONJ`
/// conjugates `a`.
///
/// # Safety
/// As for [`matmul`].
unsafe fn plain_product<T: DotElem, const CONJ: bool>(p: &Product) {
    const STRIP: isize = 64;
    let size = size_of::<T>() as isize;
    let (m, k, n) = (p.m as isize, p.k as isize, p.n as isize);
    // SAFETY: indices stay below the dimensions.
    unsafe {
        if p.b_strides[0] == size && p.b_strides[1] != size || n == 1 {
            for i in 0..m {
                for j in 0..n {
                    let value = inner::<T, CONJ>(
                        p.a.offset(i * p.a_strides[0]),
                        p.a_strides[1],
                        p.b.offset(j * p.b_strides[1]),
                        p.b_strides[0],
                        k,
                    );
                    *(p.out.offset(i * p.out_strides[0] + j * p.out_strides[1]) as *mut T) = value;
                }
            }
            return;
        }
        for first in (0..n).step_by(STRIP as usize) {
            let width = STRIP.min(n - first) as usize;
            for i in 0..m {
                let mut acc = [T::ACC_ZERO; STRIP as usize];
                let acc = &mut acc[..width];
                for l in 0..k {
                    let a = *(p.a.offset(i * p.a_strides[0] + l * p.a_strides[1]) as *const T);
                    let a = if CONJ { a.conj() } else { a };
                    let row = p.b.offset(l * p.b_strides[0] + first * p.b_strides[1]);
                    if p.b_strides[1] == size {
                        for (j, slot) in acc.iter_mut().enumerate() {
                            *slot = T::add_product(*slot, a, *(row as *const T).add(j));
                        }
                    } else {
                        for (slot, j) in acc.iter_mut().zip(0..) {
                            *slot = T::add_product(*slot, a, *(row.offset(j * p.b_strides[1]) as *const T));
                        }
                    }
                }
                let out = p.out.offset(i * p.out_strides[0] + first * p.out_strides[1]);
                for (slot, j) in acc.iter().zip(0..) {
                    *(out.offset(j * p.out_strides[1]) as *mut T) = T::finish(*slot);
                }
            }
        }
    }
}

/// The matrix product of one type.
///
/// # Safety
/// The three matrices are aligned and native and inside memory that may be read (`a`, `b`) or written (`out`); `out`
/// overlaps neither of the others.
pub type MatmulFn = unsafe fn(&Product);

/// Evaluates the expression with `$T` standing for the element type; `None` for types without products.
macro_rules! with_dot {
    ($t:expr, $T:ident => $body:expr) => {
        with_dot!(@arms $t, $T, $body,
            BOOL: Bool; BYTE: i8; UBYTE: u8; SHORT: i16; USHORT: u16; INT: i32; UINT: u32; LONG LONGLONG: i64;
            ULONG ULONGLONG: u64; HALF: f16; FLOAT: f32; DOUBLE: f64; LONGDOUBLE: LongDouble; CFLOAT: Complex32;
            CDOUBLE: Complex64; CLONGDOUBLE: Complex<LongDouble>;
            // Dates multiply as counts.
            DATETIME TIMEDELTA: i64;
        )
    };
    (@arms $t:expr, $T:ident, $body:expr, $($($num:ident)+: $ty:ty;)*) => {
        match $t {
            $($(TypeNum::$num)|+ => {
                type $T = $ty;
                Some($body)
            })*
            _ => None,
        }
    };
}

/// The inner product of a type.
pub fn dot_fn(t: TypeNum) -> Option<DotFn> {
    with_dot!(t, T => dot::<T, false> as DotFn)
}

/// The inner product of a type with the first vector conjugated.
pub fn vdot_fn(t: TypeNum) -> Option<DotFn> {
    with_dot!(t, T => dot::<T, true> as DotFn)
}

/// The matrix product of a type.
pub fn matmul_fn(t: TypeNum) -> Option<MatmulFn> {
    with_dot!(t, T => product::<T> as MatmulFn)
}

/// Runs `body` for each element of the outer loop with the three operands' pointers.
///
/// # Safety
/// The contract of [`crate::abi::LoopFn`] for two inputs and one output.
#[inline(always)]
unsafe fn outer(
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    body: impl Fn([*mut u8; 3]),
) {
    // SAFETY: three operands, `dims[0]` elements of each.
    unsafe {
        for i in 0..*dims {
            body([
                (*data).offset(i * *strides),
                (*data.add(1)).offset(i * *strides.add(1)),
                (*data.add(2)).offset(i * *strides.add(2)),
            ]);
        }
    }
}

/// The gufunc `matmul`, `(m?,k),(k,n?)->(m?,n?)`.
///
/// # Safety
/// The loop contract for operands of this type.
pub(crate) unsafe extern "C" fn matmul<T: DotElem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract: three core dimensions, six core strides.
    unsafe {
        let core = |i: usize| [*strides.add(3 + 2 * i), *strides.add(4 + 2 * i)];
        let size = |i: usize| *dims.add(i) as usize;
        let (a_strides, b_strides, out_strides) = (core(0), core(1), core(2));
        let (m, k, n) = (size(1), size(2), size(3));
        outer(data, dims, strides, |[a, b, out]| {
            product::<T>(&Product { m, k, n, a, a_strides, b, b_strides, out, out_strides })
        });
    }
    0
}

/// The gufunc `vecdot`, `(n),(n)->()`, the first vector conjugated.
///
/// # Safety
/// The loop contract for operands of this type.
pub(crate) unsafe extern "C" fn vecdot<T: DotElem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract: one core dimension, two core strides.
    unsafe {
        let (n, sa, sb) = (*dims.add(1), *strides.add(3), *strides.add(4));
        outer(data, dims, strides, |[a, b, out]| *(out as *mut T) = inner::<T, true>(a, sa, b, sb, n));
    }
    0
}

/// The gufunc `matvec`, `(m,n),(n)->(m)`.
///
/// # Safety
/// The loop contract for operands of this type.
pub(crate) unsafe extern "C" fn matvec<T: DotElem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract: two core dimensions, four core strides.
    unsafe {
        let (m, n) = (*dims.add(1), *dims.add(2));
        let core = |i: usize| *strides.add(3 + i);
        let (a_row, a_col, b_step, out_step) = (core(0), core(1), core(2), core(3));
        outer(data, dims, strides, |[a, b, out]| {
            for i in 0..m {
                *(out.offset(i * out_step) as *mut T) =
                    inner::<T, false>(a.offset(i * a_row), a_col, b, b_step, n);
            }
        });
    }
    0
}

/// The gufunc `vecmat`, `(n),(n,m)->(m)`, the vector conjugated.
///
/// # Safety
/// The loop contract for operands of this type.
pub(crate) unsafe extern "C" fn vecmat<T: DotElem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract: two core dimensions, four core strides.
    unsafe {
        let (k, n) = (*dims.add(1) as usize, *dims.add(2) as usize);
        let core = |i: usize| *strides.add(3 + i);
        let (a_strides, b_strides, out_strides) = ([0, core(0)], [core(1), core(2)], [0, core(3)]);
        outer(data, dims, strides, |[a, b, out]| {
            plain_product::<T, true>(&Product { m: 1, k, n, a, a_strides, b, b_strides, out, out_strides })
        });
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplies small whole numbers in a type, with `b` row- or column-major, and compares with exact results.
    fn check<T: DotElem>(t: TypeNum, from: fn(i64) -> T, to: fn(T) -> i64, sizes: [usize; 3]) {
        let [m, k, n] = sizes;
        let value = |i: usize, salt: usize| (i * 7 + salt) as i64 % 3;
        let a: Vec<T> = (0..m * k).map(|i| from(value(i, 1))).collect();
        let b: Vec<T> = (0..k * n).map(|i| from(value(i, 2))).collect();
        let size = size_of::<T>() as isize;
        let (ki, ni) = (k as isize * size, n as isize * size);
        for column_major in [false, true] {
            let mut out = vec![from(2); m * n];
            let b_strides = if column_major { [size, ki] } else { [ni, size] };
            let p = Product {
                m,
                k,
                n,
                a: a.as_ptr().cast(),
                a_strides: [ki, size],
                b: b.as_ptr().cast(),
                b_strides,
                out: out.as_mut_ptr().cast(),
                out_strides: [ni, size],
            };
            // SAFETY: the vectors' own elements.
            unsafe { matmul_fn(t).expect("a product")(&p) };
            for i in 0..m {
                for j in 0..n {
                    let exact: i64 = (0..k)
                        .map(|l| {
                            let at = if column_major { l + j * k } else { l * n + j };
                            value(i * k + l, 1) * value(at, 2)
                        })
                        .sum();
                    assert_eq!(to(out[i * n + j]), exact, "{t:?} {sizes:?} {column_major} {i} {j}");
                }
            }
        }
    }

    #[test]
    fn products() {
        for sizes in [[1, 1, 1], [2, 3, 4], [3, 0, 2], [1, 20, 5], [17, 9, 70], [33, 21, 1]] {
            check::<i32>(TypeNum::INT, |x| x as i32, i64::from, sizes);
            check::<i64>(TypeNum::LONGLONG, |x| x, |x| x, sizes);
            check::<f32>(TypeNum::FLOAT, |x| x as f32, |x| x as i64, sizes);
            check::<f64>(TypeNum::DOUBLE, |x| x as f64, |x| x as i64, sizes);
            check::<f16>(TypeNum::HALF, |x| f16::from_f64(x as f64), |x| x.to_f64() as i64, sizes);
            check::<LongDouble>(TypeNum::LONGDOUBLE, LongDouble::from, |x| x.to_i64(), sizes);
            check::<Complex64>(TypeNum::CDOUBLE, |x| Complex64::new(x as f64, 0.0), |x| x.re as i64, sizes);
            check::<Complex32>(TypeNum::CFLOAT, |x| Complex32::new(x as f32, 0.0), |x| x.re as i64, sizes);
        }
    }

    #[test]
    fn gufuncs() {
        // a = [[1, i], [2, 3]], v = [i, 1] as rows of complex numbers; the outer loop runs over the rows of v twice.
        let c = |re: f64, im: f64| Complex64::new(re, im);
        let a = [c(1.0, 0.0), c(0.0, 1.0), c(2.0, 0.0), c(3.0, 0.0)];
        let v = [c(0.0, 1.0), c(1.0, 0.0)];
        let run = |f: crate::abi::LoopFn,
                   x: &[Complex64],
                   y: &[Complex64],
                   dims: &[isize],
                   strides: &[isize]| {
            let mut out = [c(9.0, 9.0); 4];
            let data = [x.as_ptr() as *mut u8, y.as_ptr() as *mut u8, out.as_mut_ptr() as *mut u8];
            // SAFETY: the strides stay inside the arrays.
            unsafe {
                f(core::ptr::null(), data.as_ptr(), dims.as_ptr(), strides.as_ptr(), core::ptr::null_mut())
            };
            out
        };
        let rest = c(9.0, 9.0);
        let out = run(vecdot::<Complex64>, &v, &a, &[2, 2], &[0, 32, 16, 16, 16]);
        assert_eq!(out, [c(0.0, 0.0), c(3.0, -2.0), rest, rest]);
        let out = run(matvec::<Complex64>, &a, &v, &[1, 2, 2], &[0, 0, 0, 32, 16, 16, 16]);
        assert_eq!(out, [c(0.0, 2.0), c(3.0, 2.0), rest, rest]);
        let out = run(vecmat::<Complex64>, &v, &a, &[1, 2, 2], &[0, 0, 0, 16, 32, 16, 16]);
        assert_eq!(out, [c(2.0, -1.0), c(4.0, 0.0), rest, rest]);
        // The transpose of a on the left.
        let out = run(matmul::<Complex64>, &a, &a, &[1, 2, 2, 2], &[0, 0, 0, 16, 32, 32, 16, 32, 16]);
        assert_eq!(out, [c(5.0, 0.0), c(6.0, 1.0), c(6.0, 1.0), c(8.0, 0.0)]);
    }

    #[test]
    fn padding_raises_nothing() {
        let a = [f64::INFINITY; 81];
        let mut out = [0.0; 81];
        let strides = [72, 8];
        let p = Product {
            m: 9,
            k: 9,
            n: 9,
            a: a.as_ptr().cast(),
            a_strides: strides,
            b: a.as_ptr().cast(),
            b_strides: strides,
            out: out.as_mut_ptr().cast(),
            out_strides: strides,
        };
        fpstatus::clear();
        // SAFETY: the arrays' own elements.
        unsafe { matmul_fn(TypeNum::DOUBLE).expect("a product")(&p) };
        assert_eq!(fpstatus::take(), 0);
        assert_eq!(out, a);
    }

    #[test]
    fn inner_products() {
        let (a, b) = ([Complex64::new(1.0, 2.0)], [Complex64::new(3.0, -1.0)]);
        let mut out = Complex64::new(0.0, 0.0);
        let run = |f: Option<DotFn>, out: &mut Complex64| {
            // SAFETY: one element each.
            unsafe {
                let out: *mut Complex64 = out;
                f.expect("a product")(a.as_ptr().cast(), 16, b.as_ptr().cast(), 16, out.cast(), 1)
            }
        };
        run(dot_fn(TypeNum::CDOUBLE), &mut out);
        assert_eq!(out, Complex64::new(5.0, 5.0));
        run(vdot_fn(TypeNum::CDOUBLE), &mut out);
        assert_eq!(out, Complex64::new(1.0, -7.0));
        let bytes = [0u8, 2, 0];
        let mut any = 7u8;
        // SAFETY: three bytes each.
        unsafe {
            dot_fn(TypeNum::BOOL).expect("a product")(bytes.as_ptr(), 1, bytes.as_ptr(), 1, &mut any, 3)
        };
        assert_eq!(any, 1);
    }
}
