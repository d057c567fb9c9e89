//! Two inputs, one output.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::packed::{self, Packed, PackedOp};
use super::unary::{unary, unary_fused};
use super::{Overlap, Scratch, are_apart, is_word, load, overlap, scatter, store, suit_vectors};
use crate::abi::{LoopContext, NEGATIVE_POWER};
use crate::cpu::{Kind, Level, multiversion};
use crate::elem::{Bool, Elem, Timedelta};
use crate::fpstatus;
use crate::ops::BinaryOp;
use crate::ops::UnaryOp;
use crate::ops::arith::{Divide, DivideOrdinary, Multiply, MultiplyFused, Reciprocal, Square, SquareFused};
use crate::ops::compare::IsNan;
use crate::ops::divide::{Divisible, Division, FloorDivide, InFloats, Wide};
use crate::ops::float::Sqrt;
use crate::ops::power::{Integer, Power, TryBinaryOp};
use crate::vmath::{Stored, loops as vmath};

/// The operands of one call.
#[derive(Clone, Copy)]
pub(super) struct Operands {
    pub n: usize,
    pub a: *const u8,
    pub b: *const u8,
    pub o: *mut u8,
    pub sa: isize,
    pub sb: isize,
    pub so: isize,
}

impl Operands {
    /// # Safety
    /// Three pointers, three strides, one count, and behind them what the loop contract says.
    #[inline(always)]
    unsafe fn new(data: *const *mut u8, dims: *const isize, strides: *const isize) -> Operands {
        // SAFETY: the caller's promise.
        unsafe {
            Operands {
                n: *dims as usize,
                a: *data,
                b: *data.add(1),
                o: *data.add(2),
                sa: *strides,
                sb: *strides.add(1),
                so: *strides.add(2),
            }
        }
    }

    /// The form in which a reduction calls: the first input is the output and stays.
    #[inline(always)]
    fn is_reduction(&self) -> bool {
        self.sa == 0 && self.so == 0 && self.a == self.o
    }
}

/// Operations `T, T -> T` worth vectorising.
pub unsafe extern "C" fn arith<Op: BinaryOp<T, T, Out = T>, T: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    if args.is_reduction() {
        // SAFETY: as above.
        unsafe { reduce::<Op, T>(&args) };
    } else {
        // SAFETY: as above.
        unsafe { elementwise::<Op, T, T>(&args) };
    }
    0
}

/// Operations with another output type (comparisons) worth vectorising.
pub unsafe extern "C" fn binary<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    unsafe { elementwise::<Op, A, B>(&Operands::new(data, dims, strides)) };
    0
}

/// Divisions of integers: by one divisor for all elements, a multiplication.
pub unsafe extern "C" fn divide_integer<Op: Division<T>, T: Divisible>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    // To find the inverse is worth a few divisions.
    if args.n >= 16 && args.sb == 0 && !args.is_reduction() {
        let Operands { n, mut a, b, mut o, sa, so, .. } = args;
        let size = size_of::<T>();
        // SAFETY: the divisor.
        let b = unsafe { load::<T>(b) };
        if (a == o && sa == so || are_apart((a, sa, size), (o, so, size), n))
            && let Some(inverse) = T::inverse(b)
        {
            let (mut inputs, mut outputs, mut left) = (Scratch::new(), Scratch::new(), n);
            while left > 0 {
                let count = left.min(Scratch::capacity::<T>());
                // SAFETY: `count` of the elements left, of each operand.
                unsafe {
                    // (An output in the same place is written through a slice of its own, so that input is copied.)
                    let x = if sa == size as isize && a != o {
                        core::slice::from_raw_parts(a.cast::<T>(), count)
                    } else {
                        inputs.gather::<T>(a, count, sa)
                    };
                    if so == size as isize {
                        let y = core::slice::from_raw_parts_mut(o.cast(), count);
                        divide_block::<Op, T>(Level::current(), x, y, b, inverse);
                    } else {
                        let y = outputs.room::<T>(count);
                        divide_block::<Op, T>(Level::current(), x, y, b, inverse);
                        scatter(o, so, y);
                    }
                }
                a = a.wrapping_offset(count as isize * sa);
                o = o.wrapping_offset(count as isize * so);
                left -= count;
            }
            return 0;
        }
    }
    // SAFETY: the same arguments.
    unsafe { arith::<Op, T>(ctx, data, dims, strides, aux) }
}

/// Divisions of integers for which no float is long enough. Those of a block whose operands are small are done in floats
/// all the same, as vectors.
pub unsafe extern "C" fn divide_wide<Op: Division<T>, T: Wide>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    InFloats<Op>: BinaryOp<T, T, Out = T>,
{
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    let Operands { n, a, b, o, sa, sb, so } = args;
    let size = size_of::<T>();
    let level = Level::current();
    let harmless = |p: *const u8, stride: isize| {
        p == o && stride == so && so != 0 || are_apart((p, stride, size), (o, so, size), n)
    };
    // One divisor for all is a multiplication, but one of 64 bits takes longer than a division in floats where vectors have 256.
    // SAFETY: the divisor.
    let multiplies = || sb == 0 && !(level.kind() == Kind::Avx2 && unsafe { load::<T>(b) }.is_short());
    // (Rounding down is a call where there is no fused multiply-add either.)
    if n < 8 || !level.has_fused() || multiplies() || !harmless(a, sa) || !harmless(b, sb) {
        // SAFETY: the same arguments.
        return unsafe { divide_integer::<Op, T>(ctx, data, dims, strides, aux) };
    }
    let mut at = 0;
    while at < n {
        let part = |p: *const u8, stride: isize| p.wrapping_offset(at as isize * stride);
        let count = (n - at).min(Scratch::capacity::<T>());
        let block = Operands { n: count, a: part(a, sa), b: part(b, sb), o: part(o, so).cast_mut(), ..args };
        at += count;
        // SAFETY: some of the elements of each operand.
        unsafe {
            if are_short::<T>(level, block.a, sa, count) && are_short::<T>(level, block.b, sb, count) {
                elementwise::<InFloats<Op>, T, T>(&block);
            } else {
                elementwise::<Op, T, T>(&block);
            }
        }
    }
    0
}

/// Whether `n` numbers are.
///
/// # Safety
/// They are readable at `p`, `stride` bytes apart.
#[inline(always)]
unsafe fn are_short<T: Wide>(level: Level, p: *const u8, stride: isize, n: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if stride == size_of::<T>() as isize {
            return all_short(level, core::slice::from_raw_parts(p.cast::<T>(), n));
        }
        // One number for all.
        let n = if stride == 0 { n.min(1) } else { n };
        (0..n).fold(true, |all, i| all & load::<T>(p.wrapping_offset(i as isize * stride)).is_short())
    }
}

#[inline(always)]
fn all_short_body<T: Wide>(x: &[T]) -> bool {
    x.iter().fold(true, |all, x| all & x.is_short())
}

multiversion! { fn all_short[T: Wide](x: &[T]) -> bool = all_short_body::<T>; }

#[inline(always)]
fn divide_block_body<Op: Division<T>, T: Divisible>(
    x: &[T],
    y: &mut [MaybeUninit<T>],
    b: T,
    inverse: T::Inverse,
) {
    let each = |y: &mut MaybeUninit<T>, &x: &T| _ = y.write(Op::by_inverse(x, b, inverse));
    // One question for all of them: asked in the loop, it would keep that from becoming vectors.
    if T::is_positive(inverse) {
        y.iter_mut().zip(x).for_each(|(y, x)| each(y, x));
    } else {
        y.iter_mut().zip(x).for_each(|(y, x)| each(y, x));
    }
}

multiversion! {
    fn divide_block[Op: Division<T>, T: Divisible](
        x: &[T], y: &mut [MaybeUninit<T>], b: T, inverse: <T as Divisible>::Inverse
    ) -> () = divide_block_body::<Op, T>;
}

/// Operations `T, T -> T` whose cost is in the operation.
pub unsafe extern "C" fn arith_each<Op: BinaryOp<T, T, Out = T>, T: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    if args.is_reduction() {
        // SAFETY: as above.
        unsafe { reduce::<Op, T>(&args) };
    } else {
        // SAFETY: as above.
        unsafe { strided::<Op, T, T>(&args) };
    }
    0
}

/// Any operation whose cost is in the operation.
pub unsafe extern "C" fn binary_each<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    unsafe { strided::<Op, A, B>(&Operands::new(data, dims, strides)) };
    0
}

/// Quotients of durations. Where the divisor is zero for all, numpy looks at no dividend, not even for NaT.
pub unsafe extern "C" fn floor_divide_deltas(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module; there is a divisor if there are elements.
    unsafe {
        let args = Operands::new(data, dims, strides);
        if args.n > 0 && args.sb == 0 && load::<i64>(args.b) == 0 {
            fpstatus::raise(fpstatus::DIVIDEBYZERO);
            for i in 0..args.n as isize {
                store(args.o.wrapping_offset(i * args.so), 0i64);
            }
            return 0;
        }
        binary_each::<FloorDivide, Timedelta, Timedelta>(ctx, data, dims, strides, aux)
    }
}

/// Durations divided by integers. Only a scalar divisor of zero is reported; numpy does not look at the others.
pub unsafe extern "C" fn divide_delta<Op: BinaryOp<Timedelta, i64>>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    // SAFETY: there is at least one divisor.
    if args.n > 0 && args.sb == 0 && unsafe { load::<i64>(args.b) } == 0 {
        fpstatus::raise(fpstatus::DIVIDEBYZERO);
    }
    // SAFETY: as above.
    unsafe { strided::<Op, Timedelta, i64>(&args) };
    0
}

/// Integer powers: stops at a negative exponent.
pub unsafe extern "C" fn power_integer<T: Integer>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int
where
    Power: TryBinaryOp<T>,
{
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    let Operands { n, mut a, mut b, mut o, sa, sb, so } = args;
    let size = size_of::<T>();
    if n >= 16 && sb == 0 && !args.is_reduction() {
        // SAFETY: the exponent.
        let Some(exponent) = unsafe { load::<T>(b) }.as_exponent() else { return NEGATIVE_POWER };
        if a == o && sa == so || are_apart((a, sa, size), (o, so, size), n) {
            let (mut base, mut result, mut left) = (Scratch::new(), Scratch::new(), n);
            while left > 0 {
                let count = left.min(Scratch::capacity::<T>());
                // SAFETY: `count` of the elements left, of each operand.
                unsafe {
                    let base = base.gather::<T>(a, count, sa);
                    let result = result.room::<T>(count);
                    power_block::<T>(Level::current(), base, result, exponent);
                    scatter(o, so, result);
                }
                a = a.wrapping_offset(count as isize * sa);
                o = o.wrapping_offset(count as isize * so);
                left -= count;
            }
            return 0;
        }
    }
    for _ in 0..n {
        // SAFETY: element `i` of each operand.
        match Power::try_apply(unsafe { load::<T>(a) }, unsafe { load(b) }) {
            // SAFETY: as above.
            Some(value) => unsafe { store(o, value) },
            None => return NEGATIVE_POWER,
        }
        a = a.wrapping_offset(sa);
        b = b.wrapping_offset(sb);
        o = o.wrapping_offset(so);
    }
    0
}

/// One exponent: its bits are looked at once for all elements.
#[inline(always)]
fn power_block_body<T: Integer>(base: &mut [T], result: &mut [MaybeUninit<T>], exponent: u64) {
    let mut left = exponent;
    let mut started = false;
    loop {
        if left & 1 == 1 {
            for (r, &b) in result.iter_mut().zip(&*base) {
                // SAFETY: from the second time on there is a result.
                r.write(if started { unsafe { r.assume_init_read() }.times(b) } else { b });
            }
            started = true;
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        base.iter_mut().for_each(|b| *b = b.times(*b));
    }
    if !started {
        result.iter_mut().for_each(|r| _ = r.write(T::ONE));
    }
}

multiversion! {
    fn power_block[T: Integer](base: &mut [T], result: &mut [MaybeUninit<T>], exponent: u64) -> ()
    = power_block_body::<T>;
}

/// Float powers. Where the exponent is constant numpy takes squares, roots and reciprocals for powers, which shows in the last
/// place, and in what becomes of negative zeros and infinities.
pub unsafe extern "C" fn power_float<T: Stored + From<f32> + PartialEq>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    Square: UnaryOp<T, Out = T>,
    Sqrt: UnaryOp<T, Out = T>,
    Reciprocal: UnaryOp<T, Out = T>,
{
    // SAFETY: see the module; there is an exponent if there are elements.
    unsafe {
        let args = Operands::new(data, dims, strides);
        if args.n > 0 && args.sb == 0 && !args.is_reduction() {
            let exponent = load::<T>(args.b);
            let (data, strides) = ([args.a.cast_mut(), args.o], [args.sa, args.so]);
            let (data, strides) = (data.as_ptr(), strides.as_ptr());
            if exponent == T::from(2.0) {
                return unary::<Square, T>(ctx, data, dims, strides, aux);
            } else if exponent == T::from(0.5) {
                return unary::<Sqrt, T>(ctx, data, dims, strides, aux);
            } else if exponent == T::from(-1.0) {
                return unary::<Reciprocal, T>(ctx, data, dims, strides, aux);
            }
        }
        vmath::zip::<Power, T>(ctx, data, dims, strides, aux)
    }
}

/// Quotients of complex numbers: without branches where all divisors of a block are ordinary. A comparison with a NaN and a
/// division by zero leave status behind that only the elements themselves may raise.
pub unsafe extern "C" fn divide_complex<T: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int
where
    Divide: BinaryOp<T, T, Out = T>,
    DivideOrdinary: BinaryOp<T, T, Out = T>,
    IsNan: UnaryOp<T, Out = Bool>,
{
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    if args.is_reduction() {
        // SAFETY: as above.
        unsafe { reduce::<Divide, T>(&args) };
        return 0;
    }
    let mut at = 0;
    while at < args.n {
        let part = |p: *const u8, stride: isize| p.wrapping_offset(at as isize * stride);
        let block = Operands {
            n: (args.n - at).min(1024),
            a: part(args.a, args.sa),
            b: part(args.b, args.sb),
            o: part(args.o, args.so).cast_mut(),
            ..args
        };
        at += block.n;
        // SAFETY: some of the elements of each operand.
        unsafe {
            if are_ordinary::<T>(&block) {
                elementwise::<DivideOrdinary, T, T>(&block);
            } else {
                strided::<Divide, T, T>(&block);
            }
        }
    }
    0
}

/// Whether no divisor is zero or NaN.
fn are_ordinary<T: Elem>(block: &Operands) -> bool
where
    IsNan: UnaryOp<T, Out = Bool>,
{
    let count = if block.sb == 0 { 1 } else { block.n };
    (0..count).fold(true, |all, i| {
        // SAFETY: one of the divisors.
        let b = unsafe { load::<T>(block.b.wrapping_offset(i as isize * block.sb)) };
        all & b.is_nonzero() & !IsNan::apply(b).get()
    })
}

/// Products of complex numbers, fused where the processor can and numpy's vector loops are taken: see [`MultiplyFused`]. These are not
/// for reductions, outputs over inputs that are still to be read, and `F` that is read backwards.
pub unsafe extern "C" fn multiply_complex<T: Packed>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int
where
    MultiplyFused: PackedOp<T>,
    Multiply: BinaryOp<T, T, Out = T>,
{
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    if args.is_reduction() {
        // SAFETY: as above.
        unsafe { reduce::<Multiply, T>(&args) };
        return 0;
    }
    let out = (args.o.cast_const(), args.so);
    let vectors = (size_of::<T>() > 8 || args.sa.min(args.sb) >= 0)
        && suit_vectors((args.a, args.sa), out, args.n)
        && suit_vectors((args.b, args.sb), out, args.n);
    // SAFETY: as above.
    unsafe {
        if vectors && packed::run::<MultiplyFused, T>(&args) {
            // Done.
        } else if vectors && Level::current().has_fused() {
            elementwise::<MultiplyFused, T, T>(&args);
        } else {
            elementwise::<Multiply, T, T>(&args);
        }
    }
    0
}

/// Squares of complex numbers: products of a number and itself.
pub unsafe extern "C" fn square_complex<T: Packed>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    MultiplyFused: PackedOp<T>,
    SquareFused: UnaryOp<T, Out = T>,
    Square: UnaryOp<T, Out = T>,
{
    // SAFETY: two operands, see the module; the same ones for a product.
    unsafe {
        let (n, [a, o], [sa, so]) =
            (*dims as usize, *data.cast::<[*mut u8; 2]>(), *strides.cast::<[isize; 2]>());
        // Where numpy's vector loops are taken, too: see `unary_fused`.
        let vectors = size_of::<T>() > 8 || sa >= 0;
        if vectors && packed::run::<MultiplyFused, T>(&Operands { n, a, b: a, o, sa, sb: sa, so }) {
            return 0;
        }
        unary_fused::<Square, SquareFused, Square, T, true>(ctx, data, dims, strides, aux)
    }
}

/// Sums and differences of complex numbers.
pub unsafe extern "C" fn arith_complex<Op: PackedOp<T>, T: Packed>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: see the module.
    unsafe {
        let args = Operands::new(data, dims, strides);
        if args.is_reduction() {
            reduce::<Op, T>(&args);
        } else if !packed::run::<Op, T>(&args) {
            elementwise::<Op, T, T>(&args);
        }
    }
    0
}

/// # Safety
/// See the module; the operands have the form of a reduction.
#[inline(never)]
unsafe fn reduce<Op: BinaryOp<T, T, Out = T>, T: Elem>(args: &Operands) {
    // SAFETY: the output is read and written once, around the fold over the second input.
    unsafe {
        let acc = load(args.a);
        let acc = if args.sb == size_of::<T>() as isize {
            fold::<Op, T>(Level::current(), acc, core::slice::from_raw_parts(args.b.cast(), args.n))
        } else if Op::FOLDS_IN_PIECES && size_of::<T>() <= 8 && args.n >= 32 {
            fold_gathered::<Op, T>(acc, args.b, args.n, args.sb)
        } else {
            Op::reduce(acc, args.b, args.n, args.sb)
        };
        store(args.o, acc);
    }
}

/// Elements that lie apart, moved together piece by piece: that vectorises, and so does the fold of a piece.
///
/// # Safety
/// `n` elements are readable at `p`, `stride` bytes apart.
unsafe fn fold_gathered<Op: BinaryOp<T, T, Out = T>, T: Elem>(
    acc: T,
    p: *const u8,
    n: usize,
    stride: isize,
) -> T {
    let (mut acc, mut p, mut left) = (acc, p, n);
    let mut scratch = Scratch::new();
    while left > 0 && !Op::is_final(acc) {
        let count = left.min(Scratch::capacity::<T>());
        // SAFETY: some of the elements left.
        let piece = unsafe { scratch.gather::<T>(p, count, stride) };
        acc = fold::<Op, T>(Level::current(), acc, piece);
        p = p.wrapping_offset(count as isize * stride);
        left -= count;
    }
    acc
}

#[inline(always)]
fn fold_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(acc: T, all: &[T]) -> T {
    // SAFETY: the elements of the slice.
    unsafe { Op::reduce(acc, all.as_ptr().cast(), all.len(), size_of::<T>() as isize) }
}

multiversion! {
    pub(super) fn fold[Op: BinaryOp<T, T, Out = T>, T: Elem](acc: T, all: &[T]) -> T = fold_body::<Op, T>;
}

/// In order, element by element.
///
/// # Safety
/// See the module.
#[inline(never)]
unsafe fn strided<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) {
    let Operands { n, mut a, mut b, mut o, sa, sb, so } = *args;
    for _ in 0..n {
        // SAFETY: element `i` of each operand.
        unsafe { store(o, Op::apply(load(a), load(b))) };
        a = a.wrapping_offset(sa);
        b = b.wrapping_offset(sb);
        o = o.wrapping_offset(so);
    }
}

/// An input of a vectorised body.
#[derive(Clone, Copy)]
enum Input<'a, T> {
    /// Contiguous elements.
    Each(&'a [T]),
    /// One value for all elements.
    All(T),
    /// What the output holds before it is written.
    Output,
}

/// # Safety
/// See the module.
#[inline(always)]
unsafe fn elementwise<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) {
    let Operands { n, a, b, o, sa, sb, so } = *args;
    // SAFETY: the caller's promise.
    unsafe {
        if n < 2 {
            return strided::<Op, A, B>(args);
        }
        let (size_a, size_b, size_o) =
            (size_of::<A>() as isize, size_of::<B>() as isize, size_of::<Op::Out>() as isize);
        // `e` is an input with its stride and size; coinciding with the output is no harm in blocks.
        let harmless = |p: *const u8, stride: isize, size: isize| {
            p == o && stride == so && size == size_o && so != 0
                || are_apart((p, stride, size as usize), (o, so, size_o as usize), n)
        };
        let dense = so == size_o && (sa == size_a || sa == 0) && (sb == size_b || sb == 0);
        if dense && (sa != 0 || sb != 0) && contiguous::<Op, A, B>(args) {
            return;
        }
        let second = |stride: isize, size: isize| stride == 2 * size;
        if is_word::<A>()
            && is_word::<B>()
            && second(sa, size_a)
            && (second(sb, size_b) || sb == 0)
            && so == size_o
        {
            let apart =
                |p, stride, size: isize| are_apart((p, stride, size as usize), (o, so, size_o as usize), n);
            if apart(a, sa, size_a) && apart(b, sb, size_b) {
                return every_second::<Op, A, B>(args);
            }
        }
        // What lies at every second place is quickly gathered.
        let near = |stride: isize, size: isize| stride == 0 || stride == size || stride == 2 * size;
        let worth = Op::COSTLY || size_a <= 8 && near(sa, size_a) && near(sb, size_b) && so == size_o;
        if worth && harmless(a, sa, size_a) && harmless(b, sb, size_b) {
            gathered::<Op, A, B>(args);
        } else {
            strided::<Op, A, B>(args);
        }
    }
}

/// Every second element of the first operand, and of the second or one value, in the loop that computes: taken out
/// beforehand they would be moved twice, which shows where they come from far away.
///
/// # Safety
/// See the module; the strides are those, the output is contiguous and apart from the inputs.
#[inline(never)]
unsafe fn every_second<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) {
    let Operands { n, a, b, o, sb, .. } = *args;
    // SAFETY: `n` elements each. Behind the last one of an input may be nothing, so that one is computed by itself.
    unsafe {
        let pairs = core::slice::from_raw_parts(a.cast::<[MaybeUninit<A>; 2]>(), n - 1);
        let out = core::slice::from_raw_parts_mut(o.cast::<MaybeUninit<Op::Out>>(), n - 1);
        let status = if sb == 0 {
            seconds_and_one::<Op, A, B>(Level::current(), pairs, load(b), out)
        } else {
            let other = core::slice::from_raw_parts(b.cast::<[MaybeUninit<B>; 2]>(), n - 1);
            seconds::<Op, A, B>(Level::current(), pairs, other, out)
        };
        if status != 0 {
            fpstatus::raise(status);
        }
        let last = n as isize - 1;
        let at = |p: *const u8, stride: isize| p.wrapping_offset(last * stride);
        strided::<Op, A, B>(&Operands {
            n: 1,
            a: at(a, args.sa),
            b: at(b, sb),
            o: at(o, args.so).cast_mut(),
            ..*args
        });
    }
}

#[inline(always)]
fn seconds_body<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    a: &[[MaybeUninit<A>; 2]],
    b: &[[MaybeUninit<B>; 2]],
    o: &mut [MaybeUninit<Op::Out>],
) -> u32 {
    let mut all = 0;
    for ((o, a), b) in o.iter_mut().zip(a).zip(b) {
        // SAFETY: the first element of a pair is one of the operand's.
        let (value, status) = unsafe { Op::apply_status(a[0].assume_init(), b[0].assume_init()) };
        o.write(value);
        all |= status;
    }
    all
}

#[inline(always)]
fn seconds_and_one_body<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    a: &[[MaybeUninit<A>; 2]],
    b: B,
    o: &mut [MaybeUninit<Op::Out>],
) -> u32 {
    let mut all = 0;
    for (o, a) in o.iter_mut().zip(a) {
        // SAFETY: as above.
        let (value, status) = unsafe { Op::apply_status(a[0].assume_init(), b) };
        o.write(value);
        all |= status;
    }
    all
}

multiversion! {
    fn seconds[Op: BinaryOp<A, B>, A: Elem, B: Elem](
        a: &[[MaybeUninit<A>; 2]], b: &[[MaybeUninit<B>; 2]], o: &mut [MaybeUninit<<Op as BinaryOp<A, B>>::Out>]
    ) -> u32 = seconds_body::<Op, A, B>;
}
multiversion! {
    fn seconds_and_one[Op: BinaryOp<A, B>, A: Elem, B: Elem](
        a: &[[MaybeUninit<A>; 2]], b: B, o: &mut [MaybeUninit<<Op as BinaryOp<A, B>>::Out>]
    ) -> u32 = seconds_and_one_body::<Op, A, B>;
}

/// Runs the call if its operands, which are contiguous or scalar, lie well; says whether it did.
///
/// # Safety
/// See the module.
#[inline(always)]
unsafe fn contiguous<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) -> bool {
    let Operands { n, a, b, o, sa, sb, .. } = *args;
    let (size_a, size_b) = (size_of::<A>(), size_of::<B>());
    let bytes_o = n * size_of::<Op::Out>();
    let over_a = overlap(a, if sa != 0 { n * size_a } else { size_a }, o, bytes_o);
    let over_b = overlap(b, if sb != 0 { n * size_b } else { size_b }, o, bytes_o);
    // SAFETY: `n` contiguous elements, or one, each; none that is read through a slice overlaps the output.
    unsafe {
        let right =
            if sb != 0 { Input::Each(core::slice::from_raw_parts(b.cast(), n)) } else { Input::All(load(b)) };
        let left = match (over_a, over_b) {
            (Overlap::Same, Overlap::Disjoint) if sa != 0 => {
                if Op::SELECTS && Level::current().shuns_masked_stores() {
                    gathered::<Op, A, B>(args);
                    return true;
                }
                Input::Output
            }
            (Overlap::Disjoint, Overlap::Disjoint) if sa != 0 => {
                Input::Each(core::slice::from_raw_parts(a.cast(), n))
            }
            (Overlap::Disjoint, Overlap::Disjoint) => Input::All(load(a)),
            (Overlap::Disjoint | Overlap::Same, Overlap::Same) => {
                gathered::<Op, A, B>(args);
                return true;
            }
            _ => return false,
        };
        apply::<Op, A, B>(left, right, core::slice::from_raw_parts_mut(o.cast(), n));
    }
    true
}

/// Block by block through memory of our own. Reading a block before writing it is all the order there is.
///
/// # Safety
/// See the module; every input is apart from the output or coincides with it.
#[inline(never)]
unsafe fn gathered<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) {
    let Operands { n, mut a, mut b, mut o, sa, sb, so } = *args;
    let (mut scratch_a, mut scratch_b, mut scratch_o) = (Scratch::new(), Scratch::new(), Scratch::new());
    let capacity = Scratch::capacity::<A>().min(Scratch::capacity::<B>()).min(Scratch::capacity::<Op::Out>());
    let mut left = n;
    while left > 0 {
        let count = left.min(capacity);
        // SAFETY: `count` of the elements left, of each operand.
        unsafe {
            let x =
                if sa == 0 { Input::All(load(a)) } else { Input::Each(scratch_a.gather::<A>(a, count, sa)) };
            let y =
                if sb == 0 { Input::All(load(b)) } else { Input::Each(scratch_b.gather::<B>(b, count, sb)) };
            if so == size_of::<Op::Out>() as isize {
                apply::<Op, A, B>(x, y, core::slice::from_raw_parts_mut(o.cast(), count));
            } else {
                let z = scratch_o.room(count);
                apply::<Op, A, B>(x, y, z);
                scatter(o, so, z);
            }
        }
        a = a.wrapping_offset(count as isize * sa);
        b = b.wrapping_offset(count as isize * sb);
        o = o.wrapping_offset(count as isize * so);
        left -= count;
    }
}

/// The bodies the compiler vectorises; gives the status. Slices, so that it need not check for overlap.
#[inline(always)]
fn apply_body<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    a: Input<'_, A>,
    b: Input<'_, B>,
    o: &mut [MaybeUninit<Op::Out>],
) -> u32 {
    let mut all = 0;
    let mut put = |o: &mut MaybeUninit<Op::Out>, a: A, b: B| {
        let (value, status) = Op::apply_status(a, b);
        o.write(value);
        all |= status;
    };
    // SAFETY: an output that is an input holds elements of the input's type, and is written after it is read.
    let before = |o: &MaybeUninit<Op::Out>| unsafe { o.as_ptr().cast::<A>().read() };
    match (a, b) {
        (Input::Each(a), Input::Each(b)) => o.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| put(o, a, b)),
        (Input::Each(a), Input::All(b)) => o.iter_mut().zip(a).for_each(|(o, &a)| put(o, a, b)),
        (Input::All(a), Input::Each(b)) => o.iter_mut().zip(b).for_each(|(o, &b)| put(o, a, b)),
        (Input::Output, Input::Each(b)) => o.iter_mut().zip(b).for_each(|(o, &b)| put(o, before(o), b)),
        (Input::Output, Input::All(b)) => o.iter_mut().for_each(|o| put(o, before(o), b)),
        // Neither is asked for with more than a few elements.
        (Input::All(a), Input::All(b)) => o.iter_mut().for_each(|o| put(o, a, b)),
        (_, Input::Output) => unreachable!("the second operand goes through a copy"),
    }
    all
}

multiversion! {
    fn apply_at[Op: BinaryOp<A, B>, A: Elem, B: Elem](
        a: Input<'_, A>, b: Input<'_, B>, o: &mut [MaybeUninit<<Op as BinaryOp<A, B>>::Out>]
    ) -> u32 = apply_body::<Op, A, B>;
}

#[inline(always)]
fn apply<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    a: Input<'_, A>,
    b: Input<'_, B>,
    o: &mut [MaybeUninit<Op::Out>],
) {
    let status = apply_at::<Op, A, B>(Level::current(), a, b, o);
    if status != 0 {
        fpstatus::raise(status);
    }
}
