//! Inner products and matrix products.
//!
//! Which way a product goes depends on its shape and type: tiny square ones are written out, a factor with one row or column
//! is a vector ([`vector`]), a matrix times its own transpose is computed once below the diagonal, and the rest
//! goes to a library ([`large`]) or, if it is small or of a type that the library does not know, to register tiles
//! ([`blocked`]). Integers wrap, booleans
//! are "any pair true", halves accumulate in `float` and round once.

mod blocked;
mod large;
mod pairs;
pub(crate) mod registers;
mod vector;

use core::ffi::{c_int, c_void};

use crate::abi::LoopContext;
use crate::elem::{Bool, Complex, Complex32, Complex64, Elem, LongDouble, f16, float16};
use crate::typenum::TypeNum;
use blocked::Block;
use vector::{Matrix, Vector, inner, matvec as matrix_vector};

/// An element type with products and sums.
pub trait DotElem: Elem {
    /// What sums are kept in.
    type Acc: Copy;
    const ACC_ZERO: Self::Acc;
    /// `acc + a * b`, in two roundings.
    fn add_product(acc: Self::Acc, a: Self, b: Self) -> Self::Acc;
    fn add(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    fn finish(acc: Self::Acc) -> Self;
    const COMPLEX: bool = false;
    fn conj(self) -> Self {
        self
    }
    /// What register tiles are made of, if the type has them.
    type Wide: Block;
    const TILES: bool;
    /// How many of those an element is: complex numbers lie as two.
    const PARTS: usize = 1;
    /// For types of one part.
    fn widen(self) -> Self::Wide;
    fn narrow(sum: Self::Wide) -> Self;
    /// The inner product of contiguous vectors, [`vector::SHORT`] elements at least.
    ///
    /// # Safety
    /// `n` elements at both.
    #[inline(always)]
    unsafe fn inner_contiguous<const CONJ: bool>(a: *const Self, b: *const Self, n: isize) -> Self {
        // SAFETY: the caller's promise.
        unsafe { vector::inner_contiguous::<Self, CONJ>(a, b, n) }
    }
    /// Add multiples of up to [`vector::GROUP`] contiguous columns.
    ///
    /// # Safety
    /// As many factors as columns, and in each of those as many elements as there are sums.
    #[inline(always)]
    unsafe fn add_columns(acc: &mut [Self::Acc], columns: &[*const Self], x: &[Self]) {
        // SAFETY: the caller's promise.
        unsafe { vector::add_columns::<Self>(acc, columns, x) }
    }
    /// Whether [`DotElem::gemm`] is there.
    const HAS_GEMM: bool = false;
    /// The optimised matrix product, for types that have one.
    ///
    /// # Safety
    /// As for [`MatmulFn`]. All strides are multiples of the item size.
    #[allow(unused_variables)]
    unsafe fn gemm(p: &Product) {}
}

/// Tiles of another type, or of this one's own bits.
macro_rules! tiles {
    ($t:ty as $wide:ty) => {
        type Wide = $wide;
        const TILES: bool = true;
        #[inline(always)]
        fn widen(self) -> $wide {
            self as $wide
        }
        #[inline(always)]
        fn narrow(sum: $wide) -> $t {
            sum as $t
        }
    };
    (none) => {
        type Wide = u8;
        const TILES: bool = false;
        fn widen(self) -> u8 {
            0
        }
        fn narrow(_: u8) -> Self {
            <Self as Elem>::ZERO
        }
    };
}

macro_rules! ints {
    ($($t:ty as $wide:ty),*) => {$(
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
            tiles!($t as $wide);
        }
    )*};
}
ints!(i8 as u16, u8 as u16, i16 as u16, u16 as u16, i32 as u32, u32 as u32, i64 as u64, u64 as u64);

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
    type Wide = u8;
    const TILES: bool = true;
    #[inline(always)]
    fn widen(self) -> u8 {
        self.get().into()
    }
    #[inline(always)]
    fn narrow(sum: u8) -> Bool {
        (sum != 0).into()
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
    type Wide = f32;
    const TILES: bool = true;
    #[inline(always)]
    fn widen(self) -> f32 {
        float16::to_f32(self)
    }
    #[inline(always)]
    fn narrow(sum: f32) -> f16 {
        float16::from_f32(sum)
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
    tiles!(none);
}

macro_rules! floats {
    ($($t:ty)*) => {$(
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
            tiles!($t as $t);
            const HAS_GEMM: bool = true;
            unsafe fn gemm(p: &Product) {
                // SAFETY: the caller's promise.
                unsafe { large::product::<$t>(p) };
            }
        }
    )*};
}
floats!(f32 f64);

macro_rules! complex {
    ($t:ty) => { complex!(@impl $t { tiles!(none); }); };
    (large: $($t:ty)*) => {$(
        complex!(@impl $t {
            type Wide = $t;
            const TILES: bool = true;
            const PARTS: usize = 2;
            fn widen(self) -> $t {
                self.re
            }
            fn narrow(sum: $t) -> Self {
                Complex { re: sum, im: 0.0 }
            }
            #[inline(always)]
            unsafe fn inner_contiguous<const CONJ: bool>(a: *const Self, b: *const Self, n: isize) -> Self {
                // SAFETY: the caller's promise; a complex number is two reals.
                let [rr, ii, ri, ir] = unsafe { pairs::sums::<$t>(a.cast(), b.cast(), n as usize) };
                if CONJ {
                    Complex { re: rr + ii, im: ri - ir }
                } else {
                    Complex { re: rr - ii, im: ri + ir }
                }
            }
            #[inline(always)]
            unsafe fn add_columns(acc: &mut [Self], columns: &[*const Self], x: &[Self]) {
                // SAFETY: the caller's promise.
                unsafe { pairs::add_columns::<$t>(acc, columns, x) }
            }
            const HAS_GEMM: bool = true;
            unsafe fn gemm(p: &Product) {
                // SAFETY: the caller's promise.
                unsafe { large::product::<Complex<$t>>(p) };
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
            const COMPLEX: bool = true;
            #[inline(always)]
            fn conj(self) -> Self {
                Complex { re: self.re, im: -self.im }
            }
            $($gemm)*
        }
    };
}
complex!(LongDouble);
complex!(large: f32 f64);

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
    let (a, b) = (Vector { at: a, step: sa }, Vector { at: b, step: sb });
    // SAFETY: the contract of `DotFn`.
    unsafe { *(out as *mut T) = inner::<T, CONJ>(a, b, n as isize) };
}

/// The inner product of contiguous vectors, the first conjugated.
///
/// # Safety
/// `n` aligned elements at both.
#[inline]
pub(crate) unsafe fn inner_conjugated<T: DotElem>(a: *const T, b: *const T, n: usize) -> T {
    let vector = |at: *const T| Vector { at: at.cast(), step: size_of::<T>() as isize };
    // SAFETY: the caller's promise.
    unsafe { inner::<T, true>(vector(a), vector(b), n as isize) }
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

/// Fewer multiplications than this are worth neither a tile nor a call of the library.
const BLOCKS_MIN: usize = 5 * 5 * 5;
/// A matrix times its own transpose is mirrored from this number of rows on.
const SYMMETRIC_MIN: usize = 48;
/// Rows and columns that are mirrored at a time.
const MIRRORED: usize = 16;

/// # Safety
/// As for [`MatmulFn`].
#[inline]
unsafe fn product<T: DotElem>(p: &Product) {
    // SAFETY: the caller's promise.
    unsafe {
        if p.m == p.k && p.k == p.n {
            match p.m {
                2 => return written_out::<T, 2>(p),
                3 => return written_out::<T, 3>(p),
                4 => return written_out::<T, 4>(p),
                _ => {}
            }
        }
        general_product::<T>(p);
    }
}

/// The product of two square matrices of a size known to the compiler.
///
/// # Safety
/// As for [`MatmulFn`].
#[inline(always)]
unsafe fn written_out<T: DotElem, const N: usize>(p: &Product) {
    // SAFETY: indices stay below the dimensions.
    unsafe {
        let load = |at: *const u8, s: [isize; 2]| -> [[T; N]; N] {
            core::array::from_fn(|i| {
                core::array::from_fn(|j| *(at.offset(i as isize * s[0] + j as isize * s[1]) as *const T))
            })
        };
        let (a, b) = (load(p.a, p.a_strides), load(p.b, p.b_strides));
        for (i, row) in a.iter().enumerate() {
            for j in 0..N {
                let sum = (0..N).fold(T::ACC_ZERO, |sum, l| T::add_product(sum, row[l], b[l][j]));
                let at = i as isize * p.out_strides[0] + j as isize * p.out_strides[1];
                *(p.out.offset(at) as *mut T) = T::finish(sum);
            }
        }
    }
}

/// # Safety
/// As for [`MatmulFn`].
#[inline(never)]
unsafe fn general_product<T: DotElem>(p: &Product) {
    let size = size_of::<T>() as isize;
    let whole = |s: [isize; 2]| s[0] % size == 0 && s[1] % size == 0;
    let (m, k, n) = (p.m as isize, p.k as isize, p.n as isize);
    // SAFETY: the caller's promise, here and below.
    unsafe {
        if n == 1 {
            let a = Matrix { at: p.a, rows: m, cols: k, strides: p.a_strides };
            return matrix_vector::<T>(a, Vector { at: p.b, step: p.b_strides[0] }, p.out, p.out_strides[0]);
        }
        if m == 1 {
            let b = Matrix { at: p.b, rows: n, cols: k, strides: [p.b_strides[1], p.b_strides[0]] };
            return matrix_vector::<T>(b, Vector { at: p.a, step: p.a_strides[1] }, p.out, p.out_strides[1]);
        }
        let work = p.m.saturating_mul(p.n).saturating_mul(p.k);
        if work < BLOCKS_MIN || !(whole(p.a_strides) && whole(p.b_strides) && whole(p.out_strides)) {
            return plain_product::<T>(p);
        }
        let mirrored = p.a == p.b && m == n && p.a_strides == [p.b_strides[1], p.b_strides[0]];
        if mirrored && p.m >= SYMMETRIC_MIN && (T::TILES || T::HAS_GEMM) {
            return symmetric::<T>(p);
        }
        rectangular::<T>(p);
    }
}

/// # Safety
/// As for [`MatmulFn`], with strides that are multiples of the item size and no dimension of zero.
unsafe fn rectangular<T: DotElem>(p: &Product) {
    // SAFETY: the caller's promise.
    unsafe {
        if T::HAS_GEMM {
            T::gemm(p);
        } else if T::TILES {
            blocked::product::<T>(p);
        } else {
            plain_product::<T>(p);
        }
    }
}

/// `a @ a.T`: what is left of the diagonal, the rest mirrored.
///
/// # Safety
/// As for [`rectangular`]; `b` is the transpose of `a`.
unsafe fn symmetric<T: DotElem>(p: &Product) {
    let [row, col] = p.out_strides;
    // SAFETY: the caller's promise; the mirrored elements were just written.
    unsafe {
        lower::<T>(p);
        // By squares, so that rows of one side and columns of the other stay near.
        for first in (0..p.m).step_by(MIRRORED) {
            for left in (0..=first).step_by(MIRRORED) {
                for i in first..p.m.min(first + MIRRORED) {
                    for j in left..i.min(left + MIRRORED) {
                        let (i, j) = (i as isize, j as isize);
                        let value = *(p.out.offset(i * row + j * col) as *const T);
                        *(p.out.offset(j * row + i * col) as *mut T) = value;
                    }
                }
            }
        }
    }
}

/// The lower triangle of `a @ a.T`, and perhaps more of it: a square below two triangles of half its order.
///
/// # Safety
/// As for [`symmetric`].
unsafe fn lower<T: DotElem>(p: &Product) {
    // SAFETY: the caller's promise: blocks of the product.
    unsafe {
        if p.m < 2 * SYMMETRIC_MIN {
            return rectangular::<T>(p);
        }
        // The upper part has whole tiles.
        let half = (p.m / 2).next_multiple_of(MIRRORED);
        let rest = p.m - half;
        let [row, col] = p.out_strides.map(|stride| stride * half as isize);
        let (a, b) = (p.a.offset(half as isize * p.a_strides[0]), p.b.offset(half as isize * p.b_strides[1]));
        lower::<T>(&Product { m: half, n: half, ..*p });
        rectangular::<T>(&Product { m: rest, n: half, a, out: p.out.offset(row), ..*p });
        lower::<T>(&Product { m: rest, n: rest, a, b, out: p.out.offset(row + col), ..*p });
    }
}

/// Walks `b` row by row for a strip of columns at a time, or column by column when those are contiguous.
///
/// # Safety
/// As for [`matmul`].
unsafe fn plain_product<T: DotElem>(p: &Product) {
    const STRIP: isize = 64;
    let size = size_of::<T>() as isize;
    let (m, k, n) = (p.m as isize, p.k as isize, p.n as isize);
    // SAFETY: indices stay below the dimensions.
    unsafe {
        if p.b_strides[0] == size && p.b_strides[1] != size || n == 1 {
            for i in 0..m {
                for j in 0..n {
                    let row = Vector { at: p.a.offset(i * p.a_strides[0]), step: p.a_strides[1] };
                    let col = Vector { at: p.b.offset(j * p.b_strides[1]), step: p.b_strides[0] };
                    let value = inner::<T, false>(row, col, k);
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

/// Adds the sum of contiguous elements to what `out` holds.
///
/// # Safety
/// `n` aligned native elements at `x`, one at `out`.
pub type SumFn = unsafe fn(x: *const u8, n: usize, out: *mut u8);

unsafe fn sum<R: DotElem<Acc = R>>(x: *const u8, n: usize, out: *mut u8) {
    let (x, out) = (x.cast::<R>(), out.cast::<R>());
    // SAFETY: the contract of `SumFn`.
    unsafe {
        let [even, odd] = vector::sums(x, n - n % 2);
        let total = R::add(even, odd);
        *out = R::add(*out, if n % 2 == 1 { R::add(total, *x.add(n - 1)) } else { total });
    }
}

unsafe fn sum_pairs<R: DotElem<Acc = R>>(x: *const u8, n: usize, out: *mut u8) {
    let out = out.cast::<R>();
    // SAFETY: the contract of `SumFn`; an element is two reals.
    unsafe {
        let [re, im] = vector::sums(x.cast::<R>(), 2 * n);
        *out = R::add(*out, re);
        *out.add(1) = R::add(*out.add(1), im);
    }
}

/// The sum of a type in any order, of those that lose nothing but last bits by that.
pub fn sum_fn(t: TypeNum) -> Option<SumFn> {
    match t {
        TypeNum::FLOAT => Some(sum::<f32>),
        TypeNum::DOUBLE => Some(sum::<f64>),
        TypeNum::CFLOAT => Some(sum_pairs::<f32>),
        TypeNum::CDOUBLE => Some(sum_pairs::<f64>),
        _ => None,
    }
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
    mut body: impl FnMut([*mut u8; 3]),
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
        outer(data, dims, strides, |[a, b, out]| {
            *(out as *mut T) = inner::<T, true>(Vector { at: a, step: sa }, Vector { at: b, step: sb }, n);
        });
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
            let a = Matrix { at: a, rows: m, cols: n, strides: [a_row, a_col] };
            matrix_vector::<T>(a, Vector { at: b, step: b_step }, out, out_step);
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
        let (k, n) = (*dims.add(1), *dims.add(2));
        let core = |i: usize| *strides.add(3 + i);
        let (x_step, b_row, b_col, out_step) = (core(0), core(1), core(2), core(3));
        let mut conjugated: Vec<T> = vec![];
        outer(data, dims, strides, |[x, b, out]| {
            let mut x = Vector { at: x, step: x_step };
            if T::COMPLEX {
                conjugated.clear();
                conjugated.extend((0..k).map(|i| (*(x.at.offset(i * x.step) as *const T)).conj()));
                x = Vector { at: conjugated.as_ptr().cast(), step: size_of::<T>() as isize };
            }
            let b = Matrix { at: b, rows: n, cols: k, strides: [b_col, b_row] };
            matrix_vector::<T>(b, x, out, out_step);
        });
    }
    0
}

#[cfg(test)]
mod tests;
