//! Two inputs, one output.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::{Overlap, Scratch, load, overlap, store};
use crate::abi::{LoopContext, NEGATIVE_POWER};
use crate::cpu::{Level, multiversion};
use crate::elem::{Elem, Timedelta};
use crate::fpstatus;
use crate::ops::BinaryOp;
use crate::ops::UnaryOp;
use crate::ops::arith::{Multiply, MultiplyFused};
use crate::ops::power::{Power, PowerOfTwo, TryBinaryOp};
use crate::vmath::{Stored, loops as vmath};

/// The operands of one call.
#[derive(Clone, Copy)]
struct Operands {
    n: usize,
    a: *const u8,
    b: *const u8,
    o: *mut u8,
    sa: isize,
    sb: isize,
    so: isize,
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
    // SAFETY: as above.
    } else if !unsafe { contiguous::<Op, T, T>(&args) } {
        // SAFETY: as above.
        unsafe { strided::<Op, T, T>(&args) };
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
    let args = unsafe { Operands::new(data, dims, strides) };
    // SAFETY: as above.
    if !unsafe { contiguous::<Op, A, B>(&args) } {
        // SAFETY: as above.
        unsafe { strided::<Op, A, B>(&args) };
    }
    0
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
pub unsafe extern "C" fn power_integer<T: Elem>(
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
    let Operands { n, mut a, mut b, mut o, sa, sb, so } = unsafe { Operands::new(data, dims, strides) };
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

/// Float powers; a constant exponent of two is a multiplication.
pub unsafe extern "C" fn power_float<T: Stored + From<f32> + PartialEq>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    PowerOfTwo: UnaryOp<T, Out = T>,
{
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    // SAFETY: there is at least one exponent.
    if args.n > 0 && args.sb == 0 && unsafe { load::<T>(args.b) } == T::from(2.0) && !args.is_reduction() {
        let Operands { n, mut a, mut o, sa, so, .. } = args;
        for _ in 0..n {
            // SAFETY: element `i` of each operand.
            unsafe { store(o, PowerOfTwo::apply(load::<T>(a))) };
            a = a.wrapping_offset(sa);
            o = o.wrapping_offset(so);
        }
        0
    } else {
        // SAFETY: the same arguments.
        unsafe { vmath::zip::<Power, T>(ctx, data, dims, strides, aux) }
    }
}

/// Products of complex numbers, fused where the processor can, except in reductions; see [`MultiplyFused`].
pub unsafe extern "C" fn multiply_complex<T: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int
where
    MultiplyFused: BinaryOp<T, T, Out = T>,
    Multiply: BinaryOp<T, T, Out = T>,
{
    // SAFETY: see the module.
    let args = unsafe { Operands::new(data, dims, strides) };
    if args.is_reduction() {
        // SAFETY: as above.
        unsafe { reduce::<Multiply, T>(&args) };
        return 0;
    }
    if strided_fused::<MultiplyFused, T>(Level::current(), &args).is_none() {
        // SAFETY: as above.
        unsafe { strided::<Multiply, T, T>(&args) };
    }
    0
}

#[inline(always)]
fn strided_fused_body<Op: BinaryOp<T>, T: Elem>(args: &Operands) {
    // SAFETY: whoever made the operands promised what the loop contract says.
    unsafe { strided_body::<Op, T, T>(args) }
}

multiversion! { fused fn strided_fused[Op: BinaryOp<T>, T: Elem](args: &Operands) -> () = strided_fused_body::<Op, T>; }

/// # Safety
/// See the module; the operands have the form of a reduction.
#[inline(never)]
unsafe fn reduce<Op: BinaryOp<T, T, Out = T>, T: Elem>(args: &Operands) {
    // SAFETY: the output is read and written once, around the fold over the second input.
    unsafe {
        let acc = load(args.a);
        let acc = if args.sb == size_of::<T>() as isize {
            fold::<Op, T>(Level::current(), acc, core::slice::from_raw_parts(args.b.cast(), args.n))
        } else {
            Op::reduce(acc, args.b, args.n, args.sb)
        };
        store(args.o, acc);
    }
}

#[inline(always)]
fn fold_body<Op: BinaryOp<T, T, Out = T>, T: Elem>(acc: T, all: &[T]) -> T {
    // SAFETY: the elements of the slice.
    unsafe { Op::reduce(acc, all.as_ptr().cast(), all.len(), size_of::<T>() as isize) }
}

multiversion! {
    pub(super) fn fold[Op: BinaryOp<T, T, Out = T>, T: Elem](acc: T, all: &[T]) -> T = fold_body::<Op, T>;
}

/// # Safety
/// See the module.
#[inline(never)]
unsafe fn strided<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) {
    // SAFETY: the caller's promise.
    unsafe { strided_body::<Op, A, B>(args) }
}

/// # Safety
/// See the module.
#[inline(always)]
unsafe fn strided_body<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) {
    let Operands { n, mut a, mut b, mut o, sa, sb, so } = *args;
    for _ in 0..n {
        // SAFETY: element `i` of each operand.
        unsafe { store(o, Op::apply(load(a), load(b))) };
        a = a.wrapping_offset(sa);
        b = b.wrapping_offset(sb);
        o = o.wrapping_offset(so);
    }
}

/// Runs the call if its operands are contiguous or scalar and lie well; says whether it did.
///
/// # Safety
/// See the module.
#[inline(always)]
unsafe fn contiguous<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands) -> bool {
    let Operands { n, a, b, o, sa, sb, so } = *args;
    let (size_a, size_b, size_o) = (size_of::<A>(), size_of::<B>(), size_of::<Op::Out>());
    if so != size_o as isize || n < 2 {
        return false;
    }
    let (whole_a, whole_b) = (sa == size_a as isize, sb == size_b as isize);
    if !(whole_a || sa == 0) || !(whole_b || sb == 0) || !(whole_a || whole_b) {
        return false;
    }
    let bytes_o = n * size_o;
    let over_a = overlap(a, if whole_a { n * size_a } else { size_a }, o, bytes_o);
    let over_b = overlap(b, if whole_b { n * size_b } else { size_b }, o, bytes_o);
    if over_a == Overlap::Partial || over_b == Overlap::Partial {
        return false;
    }
    // SAFETY: `n` contiguous elements, or one, each; whatever overlaps the output is replaced by a copy.
    unsafe {
        if over_a == Overlap::Same || over_b == Overlap::Same {
            blocks::<Op, A, B>(args, over_a, over_b);
        } else {
            let o = core::slice::from_raw_parts_mut(o.cast(), n);
            apply::<Op, A, B>(Level::current(), operand(a, n, whole_a), operand(b, n, whole_b), o);
        }
    }
    true
}

/// A contiguous input, or one value for all elements.
#[derive(Clone, Copy)]
enum Input<'a, T> {
    Each(&'a [T]),
    All(T),
}

/// # Safety
/// `n` elements (or one) are readable at `p` and not written while the result lives.
#[inline(always)]
unsafe fn operand<'a, T: Elem>(p: *const u8, n: usize, whole: bool) -> Input<'a, T> {
    // SAFETY: the caller's promise.
    unsafe {
        if whole { Input::Each(core::slice::from_raw_parts(p.cast::<T>(), n)) } else { Input::All(load(p)) }
    }
}

/// The output coincides with an input: read that input through a copy, block by block.
///
/// # Safety
/// As [`contiguous`]; neither input overlaps the output partially.
#[inline(never)]
unsafe fn blocks<Op: BinaryOp<A, B>, A: Elem, B: Elem>(args: &Operands, over_a: Overlap, over_b: Overlap) {
    let Operands { n, a, b, o, sa, sb, .. } = *args;
    let (mut scratch_a, mut scratch_b) = (Scratch::new(), Scratch::new());
    let capacity = Scratch::capacity::<A>().min(Scratch::capacity::<B>());
    let (level, mut done) = (Level::current(), 0);
    while done < n {
        let count = (n - done).min(capacity);
        // SAFETY: elements `done..done + count` of each operand; see above about overlap.
        unsafe {
            let (a, b) = (a.offset(done as isize * sa), b.offset(done as isize * sb));
            let left = match over_a {
                Overlap::Same => Input::Each(scratch_a.copy::<A>(a, count)),
                _ => operand(a, count, sa != 0),
            };
            let right = match over_b {
                Overlap::Same => Input::Each(scratch_b.copy::<B>(b, count)),
                _ => operand(b, count, sb != 0),
            };
            let out = o.add(done * size_of::<Op::Out>()).cast();
            apply::<Op, A, B>(level, left, right, core::slice::from_raw_parts_mut(out, count));
        }
        done += count;
    }
}

/// The three bodies the compiler vectorises. Slices, so that it need not check for overlap.
#[inline(always)]
fn apply_body<Op: BinaryOp<A, B>, A: Elem, B: Elem>(
    a: Input<'_, A>,
    b: Input<'_, B>,
    o: &mut [MaybeUninit<Op::Out>],
) {
    match (a, b) {
        (Input::Each(a), Input::Each(b)) => {
            for ((o, &a), &b) in o.iter_mut().zip(a).zip(b) {
                o.write(Op::apply(a, b));
            }
        }
        (Input::Each(a), Input::All(b)) => {
            for (o, &a) in o.iter_mut().zip(a) {
                o.write(Op::apply(a, b));
            }
        }
        (Input::All(a), Input::Each(b)) => {
            for (o, &b) in o.iter_mut().zip(b) {
                o.write(Op::apply(a, b));
            }
        }
        // Not vectorised: the caller does not ask for it.
        (Input::All(a), Input::All(b)) => {
            for o in o {
                o.write(Op::apply(a, b));
            }
        }
    }
}

multiversion! {
    fn apply[Op: BinaryOp<A, B>, A: Elem, B: Elem](
        a: Input<'_, A>, b: Input<'_, B>, o: &mut [MaybeUninit<<Op as BinaryOp<A, B>>::Out>]
    ) -> () = apply_body::<Op, A, B>;
}
