//! Casts between the builtin numeric types, and moving items unchanged ([`copy`], [`transpose`]).
//!
//! A cast is C's cast as numpy's compiled code performs it, including what C leaves undefined: a float out of the
//! range of the integer gives what the x86-64 conversion instructions give and raises "invalid". Narrow integers are
//! reached through 32 bits, `u32` through 64, so 300.7 becomes 44 as an `i8` without complaint. Other processors
//! convert as their instructions do (aarch64 saturates), again like numpy there.
//!
//! Dates are their counts here; units are converted elsewhere.

pub mod copy;
mod to_int;
pub mod transpose;

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use crate::abi::{LoopContext, LoopFlags, LoopFn};
use crate::cpu::{Level, multiversion};
use crate::elem::{Bool, CLongDouble, Complex, Complex32, Complex64, Elem, LongDouble, f16, float16};
use crate::typenum::TypeNum;
use to_int::Truncate;

/// A type one can cast from: one method per real target.
trait Source: Elem {
    /// The type of the components: the type itself unless complex.
    type Part: Source;
    fn re(self) -> Self::Part;
    fn im(self) -> Self::Part;
    fn to_i8(self) -> i8;
    fn to_u8(self) -> u8;
    fn to_i16(self) -> i16;
    fn to_u16(self) -> u16;
    fn to_i32(self) -> i32;
    fn to_u32(self) -> u32;
    fn to_i64(self) -> i64;
    fn to_u64(self) -> u64;
    fn to_f16(self) -> f16;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn to_ld(self) -> LongDouble;
}

/// A type one can cast to.
trait Target: Elem {
    /// Whether vectors of floats become vectors of it.
    const FROM_FLOATS: bool;
    fn cast_from<S: Source>(s: S) -> Self;
}

macro_rules! real_source {
    ($t:ty, |$s:ident| $($method:ident $out:ty = $e:expr;)*) => {
        impl Source for $t {
            type Part = $t;
            #[inline(always)]
            fn re(self) -> $t {
                self
            }
            #[inline(always)]
            fn im(self) -> $t {
                <$t>::ZERO
            }
            $(
                #[inline(always)]
                fn $method(self) -> $out {
                    let $s = self;
                    $e
                }
            )*
        }
    };
}

macro_rules! int_source {
    ($($t:ty: |$s:ident| $plain:expr, $single:expr, $wide:ty;)*) => {$(
        real_source! { $t, |$s|
            to_i8 i8 = $plain as i8;
            to_u8 u8 = $plain as u8;
            to_i16 i16 = $plain as i16;
            to_u16 u16 = $plain as u16;
            to_i32 i32 = $plain as i32;
            to_u32 u32 = $plain as u32;
            to_i64 i64 = $plain as i64;
            to_u64 u64 = $plain as u64;
            to_f16 f16 = float16::from_f32($single);
            to_f32 f32 = $single;
            to_f64 f64 = $plain as f64;
            to_ld LongDouble = LongDouble::from($plain as $wide);
        }
    )*};
}

int_source! {
    // A byte that is neither 0 nor 1 counts as 1.
    Bool: |s| u8::from(s.get()), s.get().into(), i64;
    i8: |s| s, s.into(), i64;
    u8: |s| s, s.into(), i64;
    i16: |s| s, s.into(), i64;
    u16: |s| s, s.into(), i64;
    i32: |s| s, s as f32, i64;
    u32: |s| s, s as f32, i64;
    i64: |s| s, s as f32, i64;
    u64: |s| s, single(s), u64;
}

/// The nearest `f32`, by way of `f64`: below AVX-512 vectors have no other. That rounds twice, unless the first time does not
/// meet the bits the second time looks at: of what `f64` has no room for only one bit is left, which says whether any was set.
#[inline(always)]
fn single(x: u64) -> f32 {
    const BEYOND: u64 = (1 << (u64::BITS - f64::MANTISSA_DIGITS)) - 1;
    let rest = ((x & BEYOND) + BEYOND) & (BEYOND + 1);
    let exact = if x >> f64::MANTISSA_DIGITS == 0 { x } else { x & !BEYOND | rest };
    exact as f64 as f32
}

macro_rules! float_source {
    ($($t:ty: |$s:ident| $plain:expr, $f16:expr, $f32:expr, $f64:expr, $ld:expr;)*) => {$(
        real_source! { $t, |$s|
            to_i8 i8 = $plain.trunc_i32() as i8;
            to_u8 u8 = $plain.trunc_i32() as u8;
            to_i16 i16 = $plain.trunc_i32() as i16;
            to_u16 u16 = $plain.trunc_i32() as u16;
            to_i32 i32 = $plain.trunc_i32();
            to_u32 u32 = $plain.trunc_u32();
            to_i64 i64 = $plain.trunc_i64();
            to_u64 u64 = $plain.trunc_u64();
            to_f16 f16 = $f16;
            to_f32 f32 = $f32;
            to_f64 f64 = $f64;
            to_ld LongDouble = $ld;
        }
    )*};
}

float_source! {
    f16: |s| float16::to_f32(s), s, float16::to_f32(s), float16::to_f64(s), LongDouble::from(float16::to_f32(s));
    f32: |s| s, float16::from_f32(s), s, s as f64, LongDouble::from(s);
    f64: |s| s, float16::from_f64(s), s as f32, s, LongDouble::from(s);
}

real_source! { LongDouble, |s|
    to_i8 i8 = s.to_i8();
    to_u8 u8 = s.to_u8();
    to_i16 i16 = s.to_i16();
    to_u16 u16 = s.to_u16();
    to_i32 i32 = s.to_i32();
    to_u32 u32 = s.to_u32();
    to_i64 i64 = s.to_i64();
    to_u64 u64 = s.to_u64();
    // Rounds twice, as numpy does.
    to_f16 f16 = float16::from_f32(s.to_f32());
    to_f32 f32 = s.to_f32();
    to_f64 f64 = s.to_f64();
    to_ld LongDouble = s;
}

macro_rules! complex_source {
    ($($method:ident $out:ty),*) => {
        impl<T: Source<Part = T>> Source for Complex<T>
        where
            Complex<T>: Elem,
        {
            type Part = T;
            #[inline(always)]
            fn re(self) -> T {
                self.re
            }
            #[inline(always)]
            fn im(self) -> T {
                self.im
            }
            $(
                #[inline(always)]
                fn $method(self) -> $out {
                    self.re.$method()
                }
            )*
        }
    };
}

complex_source! {
    to_i8 i8, to_u8 u8, to_i16 i16, to_u16 u16, to_i32 i32, to_u32 u32, to_i64 i64, to_u64 u64,
    to_f16 f16, to_f32 f32, to_f64 f64, to_ld LongDouble
}

macro_rules! real_target {
    ($($t:ty = $method:ident, $from_floats:literal;)*) => {$(
        impl Target for $t {
            const FROM_FLOATS: bool = $from_floats;
            #[inline(always)]
            fn cast_from<S: Source>(s: S) -> $t {
                s.$method()
            }
        }
    )*};
}

real_target! {
    i8 = to_i8, false; u8 = to_u8, false; i16 = to_i16, false; u16 = to_u16, false;
    i32 = to_i32, false; u32 = to_u32, false; i64 = to_i64, false; u64 = to_u64, false;
    f16 = to_f16, false; f32 = to_f32, true; f64 = to_f64, true; LongDouble = to_ld, false;
}

impl Target for Bool {
    const FROM_FLOATS: bool = true;
    #[inline(always)]
    fn cast_from<S: Source>(s: S) -> Bool {
        s.is_nonzero().into()
    }
}

impl<T: Target> Target for Complex<T>
where
    Complex<T>: Elem,
{
    const FROM_FLOATS: bool = T::FROM_FLOATS;
    #[inline(always)]
    fn cast_from<S: Source>(s: S) -> Self {
        Complex { re: T::cast_from(s.re()), im: T::cast_from(s.im()) }
    }
}

/// The cast loop from `S` to `D`.
///
/// # Safety
/// The contract of [`LoopFn`], for aligned operands of these two types.
unsafe extern "C" fn cast<S: Source, D: Target>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the loop contract gives two pointers and strides, and `n` aligned elements behind each.
    unsafe {
        let (mut src, mut dst, n) = (*data, *data.add(1), *dims);
        let (ss, ds) = (*strides, *strides.add(1));
        if ss == size_of::<S>() as isize && ds == size_of::<D>() as isize {
            let (src, dst) = (src as *const S, dst as *mut D);
            for i in 0..n {
                *dst.offset(i) = D::cast_from(*src.offset(i));
            }
        } else {
            // Counting and stepping takes as long as moving one element, so it is done for four.
            for _ in 0..n / 4 {
                for k in 0..4 {
                    *dst.wrapping_offset(k * ds).cast::<D>() =
                        D::cast_from(*src.wrapping_offset(k * ss).cast::<S>());
                }
                src = src.wrapping_offset(4 * ss);
                dst = dst.wrapping_offset(4 * ds);
            }
            for k in 0..n % 4 {
                *dst.wrapping_offset(k * ds).cast::<D>() =
                    D::cast_from(*src.wrapping_offset(k * ss).cast::<S>());
            }
        }
    }
    0
}

#[inline(always)]
fn lanes_body<S: Source, D: Target>(src: &[S], dst: &mut [MaybeUninit<D>]) {
    for (d, &s) in dst.iter_mut().zip(src) {
        d.write(D::cast_from(s));
    }
}

multiversion! {
    fn lanes[S: Source, D: Target](src: &[S], dst: &mut [MaybeUninit<D>]) -> () = lanes_body::<S, D>;
}

/// The operands of a cast as slices, if they are contiguous and apart.
///
/// # Safety
/// As [`cast`]; nothing else touches the operands while the slices live.
#[inline(always)]
unsafe fn slices<'a, S, D>(
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
) -> Option<(&'a [S], &'a mut [MaybeUninit<D>])> {
    // SAFETY: the loop contract gives two pointers and strides, and `n` aligned elements behind each.
    unsafe {
        let (src, dst, n) = (*data, *data.add(1), *dims as usize);
        let before = |a: *mut u8, bytes: usize, b: *mut u8| a as usize + bytes <= b as usize;
        let apart = before(src, n * size_of::<S>(), dst) || before(dst, n * size_of::<D>(), src);
        let whole = *strides == size_of::<S>() as isize && *strides.add(1) == size_of::<D>() as isize;
        (apart && whole).then(|| {
            (core::slice::from_raw_parts(src.cast(), n), core::slice::from_raw_parts_mut(dst.cast(), n))
        })
    }
}

/// [`cast`] for pairs of types with vector instructions between them.
///
/// # Safety
/// As [`cast`].
unsafe extern "C" fn cast_lanes<S: Source, D: Target>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        match slices::<S, D>(data, dims, strides) {
            Some((src, dst)) => lanes(Level::current(), src, dst),
            None => return cast::<S, D>(ctx, data, dims, strides, aux),
        }
    }
    0
}

/// Elements of a block that strided operands are gathered in.
const BLOCK: usize = 128;

/// The first elements at a stride, side by side.
///
/// # Safety
/// `n <= BLOCK` aligned elements at `src`.
#[inline(always)]
unsafe fn gathered<S: Source>(
    src: *const u8,
    stride: isize,
    n: usize,
    block: &mut [MaybeUninit<S>; BLOCK],
) -> &[S] {
    for (i, slot) in block[..n].iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        slot.write(unsafe { *(src.wrapping_offset(i as isize * stride) as *const S) });
    }
    // SAFETY: as many were just written.
    unsafe { block[..n].assume_init_ref() }
}

/// Whether what `n` elements of two operands reach is apart.
///
/// # Safety
/// The loop contract.
unsafe fn are_apart<S, D>(data: *const *mut u8, n: isize, strides: *const isize) -> bool {
    let reach = |p: *mut u8, stride: isize, size: usize| {
        let (first, last) = (p as isize, (p as isize).wrapping_add(stride.wrapping_mul(n - 1)));
        (first.min(last), first.max(last).wrapping_add(size as isize))
    };
    // SAFETY: two pointers and two strides.
    let (from, to) = unsafe {
        (reach(*data, *strides, size_of::<S>()), reach(*data.add(1), *strides.add(1), size_of::<D>()))
    };
    n > 0 && (from.1 <= to.0 || to.1 <= from.0)
}

/// [`cast_lanes`] that gathers strided operands in blocks: for conversions that cost more than that.
///
/// # Safety
/// As [`cast`].
unsafe extern "C" fn cast_blocks<S: Source, D: Target>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise; blocks end before `n`.
    unsafe {
        let n = *dims;
        let whole = *strides == size_of::<S>() as isize && *strides.add(1) == size_of::<D>() as isize;
        if whole || !are_apart::<S, D>(data, n, strides) {
            return cast_lanes::<S, D>(ctx, data, dims, strides, aux);
        }
        let (mut src, mut dst, ss, ds) = (*data, *data.add(1), *strides, *strides.add(1));
        let (level, mut left) = (Level::current(), n as usize);
        let mut from = [const { MaybeUninit::<S>::uninit() }; BLOCK];
        let mut to = [const { MaybeUninit::<D>::uninit() }; BLOCK];
        while left > 0 {
            let count = left.min(BLOCK);
            let items = gathered(src, ss, count, &mut from);
            if ds == size_of::<D>() as isize {
                lanes(level, items, core::slice::from_raw_parts_mut(dst.cast::<MaybeUninit<D>>(), count));
            } else {
                lanes(level, items, &mut to[..count]);
                for (i, item) in to[..count].assume_init_ref().iter().enumerate() {
                    *(dst.wrapping_offset(i as isize * ds) as *mut D) = *item;
                }
            }
            src = src.wrapping_offset(count as isize * ss);
            dst = dst.wrapping_offset(count as isize * ds);
            left -= count;
        }
    }
    0
}

/// [`cast`] of what becomes `f16` by way of `f32`, whose status is raised once.
///
/// # Safety
/// As [`cast`].
unsafe extern "C" fn narrow_to_half<S: Source>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise; blocks end before `n`.
    unsafe {
        let n = *dims;
        if !are_apart::<S, f16>(data, n, strides) {
            return cast::<S, f16>(ctx, data, dims, strides, aux);
        }
        let (mut src, mut dst, ss, ds) = (*data, *data.add(1), *strides, *strides.add(1));
        let (level, mut left) = (Level::current(), n as usize);
        let mut from = [const { MaybeUninit::<S>::uninit() }; BLOCK];
        let mut wide = [const { MaybeUninit::<f32>::uninit() }; BLOCK];
        let mut to = [const { MaybeUninit::<f16>::uninit() }; BLOCK];
        while left > 0 {
            let count = left.min(BLOCK);
            let items = if ss == size_of::<S>() as isize {
                core::slice::from_raw_parts(src as *const S, count)
            } else {
                gathered(src, ss, count, &mut from)
            };
            lanes(level, items, &mut wide[..count]);
            let wide = wide[..count].assume_init_ref();
            if ds == size_of::<f16>() as isize {
                float16::narrow(level, wide, core::slice::from_raw_parts_mut(dst.cast(), count));
            } else {
                float16::narrow(level, wide, &mut to[..count]);
                for (i, item) in to[..count].assume_init_ref().iter().enumerate() {
                    *(dst.wrapping_offset(i as isize * ds) as *mut f16) = *item;
                }
            }
            src = src.wrapping_offset(count as isize * ss);
            dst = dst.wrapping_offset(count as isize * ds);
            left -= count;
        }
    }
    0
}

/// The casts to `f16` that go through `f32` anyway.
fn half_from(from: TypeNum) -> Option<LoopFn> {
    Some(match from {
        TypeNum::BOOL => narrow_to_half::<Bool>,
        TypeNum::BYTE => narrow_to_half::<i8>,
        TypeNum::UBYTE => narrow_to_half::<u8>,
        TypeNum::SHORT => narrow_to_half::<i16>,
        TypeNum::USHORT => narrow_to_half::<u16>,
        TypeNum::INT => narrow_to_half::<i32>,
        TypeNum::UINT => narrow_to_half::<u32>,
        TypeNum::LONG => narrow_to_half::<i64>,
        TypeNum::ULONG => narrow_to_half::<u64>,
        TypeNum::FLOAT => narrow_to_half::<f32>,
        _ => return None,
    })
}

/// The casts to `D`, compiled at each level where vectors have the conversion.
fn from_type<D: Target>(from: TypeNum) -> Option<LoopFn> {
    // Floats become integers by instructions that are named one by one; see `to_int`.
    let lanes = D::FROM_FLOATS;
    Some(match canonical(from) {
        TypeNum::BOOL => cast_lanes::<Bool, D>,
        TypeNum::BYTE => cast_lanes::<i8, D>,
        TypeNum::UBYTE => cast_lanes::<u8, D>,
        TypeNum::SHORT => cast_lanes::<i16, D>,
        TypeNum::USHORT => cast_lanes::<u16, D>,
        TypeNum::INT => cast_lanes::<i32, D>,
        TypeNum::UINT => cast_lanes::<u32, D>,
        TypeNum::LONG => cast_lanes::<i64, D>,
        TypeNum::ULONG if lanes => cast_blocks::<u64, D>,
        TypeNum::ULONG => cast_lanes::<u64, D>,
        TypeNum::HALF if lanes => cast_blocks::<f16, D>,
        TypeNum::FLOAT if lanes => cast_lanes::<f32, D>,
        TypeNum::DOUBLE if lanes => cast_lanes::<f64, D>,
        TypeNum::CFLOAT if lanes => cast_lanes::<Complex32, D>,
        TypeNum::CDOUBLE if lanes => cast_lanes::<Complex64, D>,
        TypeNum::HALF => cast::<f16, D>,
        TypeNum::FLOAT => cast::<f32, D>,
        TypeNum::DOUBLE => cast::<f64, D>,
        TypeNum::LONGDOUBLE => cast::<LongDouble, D>,
        TypeNum::CFLOAT => cast::<Complex32, D>,
        TypeNum::CDOUBLE => cast::<Complex64, D>,
        TypeNum::CLONGDOUBLE => cast::<CLongDouble, D>,
        _ => return None,
    })
}

/// [`cast`] of floats to dates, where NaN is not-a-time and raises nothing.
///
/// # Safety
/// As [`cast`].
unsafe extern "C" fn cast_to_date<S: Source>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise, as in `cast`.
    unsafe {
        let (mut src, mut dst, n) = (*data, *data.add(1), *dims);
        let (ss, ds) = (*strides, *strides.add(1));
        for _ in 0..n {
            let value = *(src as *const S);
            *(dst as *mut i64) = if value.to_ld().is_nan() { i64::MIN } else { value.to_i64() };
            src = src.wrapping_offset(ss);
            dst = dst.wrapping_offset(ds);
        }
    }
    0
}

fn date_from(from: TypeNum) -> Option<LoopFn> {
    Some(match from {
        TypeNum::HALF => cast_to_date::<f16>,
        TypeNum::FLOAT => cast_to_date::<f32>,
        TypeNum::DOUBLE => cast_to_date::<f64>,
        TypeNum::LONGDOUBLE => cast_to_date::<LongDouble>,
        TypeNum::CFLOAT => cast_to_date::<Complex32>,
        TypeNum::CDOUBLE => cast_to_date::<Complex64>,
        TypeNum::CLONGDOUBLE => cast_to_date::<CLongDouble>,
        _ => return None,
    })
}

/// One type number per representation.
fn canonical(t: TypeNum) -> TypeNum {
    match t {
        TypeNum::LONGLONG | TypeNum::DATETIME | TypeNum::TIMEDELTA => TypeNum::LONG,
        TypeNum::ULONGLONG => TypeNum::ULONG,
        t => t,
    }
}

/// The loop that casts aligned native elements of one numeric type to another (one input, one output); between types of
/// the same representation it copies. `None` unless both are bool, numbers or dates.
pub fn cast_loop(from: TypeNum, to: TypeNum) -> Option<LoopFn> {
    if to.is_datetime()
        && let Some(nat_for_nan) = date_from(from)
    {
        return Some(nat_for_nan);
    }
    let (from, to) = (canonical(from), canonical(to));
    if let Some(special) = to_int::block_loop(from, to) {
        return Some(special);
    }
    if from == to {
        return (from.is_bool() || from.is_number()).then(|| copy::copy_loop(from.size()));
    }
    if to == TypeNum::HALF
        && let Some(through_single) = half_from(from)
    {
        return Some(through_single);
    }
    match to {
        TypeNum::BOOL => from_type::<Bool>(from),
        TypeNum::BYTE => from_type::<i8>(from),
        TypeNum::UBYTE => from_type::<u8>(from),
        TypeNum::SHORT => from_type::<i16>(from),
        TypeNum::USHORT => from_type::<u16>(from),
        TypeNum::INT => from_type::<i32>(from),
        TypeNum::UINT => from_type::<u32>(from),
        TypeNum::LONG => from_type::<i64>(from),
        TypeNum::ULONG => from_type::<u64>(from),
        TypeNum::HALF => from_type::<f16>(from),
        TypeNum::FLOAT => from_type::<f32>(from),
        TypeNum::DOUBLE => from_type::<f64>(from),
        TypeNum::LONGDOUBLE => from_type::<LongDouble>(from),
        TypeNum::CFLOAT => from_type::<Complex32>(from),
        TypeNum::CDOUBLE => from_type::<Complex64>(from),
        TypeNum::CLONGDOUBLE => from_type::<CLongDouble>(from),
        _ => None,
    }
}

/// The properties of [`cast_loop`]'s result: whether the floating-point status means something after it.
pub fn cast_flags(from: TypeNum, to: TypeNum) -> LoopFlags {
    let inexact = |t: TypeNum| t.is_float() || t.is_complex();
    if canonical(from) != canonical(to) && (inexact(from) && !to.is_bool() || to == TypeNum::HALF) {
        LoopFlags::NONE
    } else {
        LoopFlags::NO_FP_ERRORS
    }
}

#[cfg(test)]
mod tests;
