//! One input, one output.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::{Scratch, are_apart, is_word, load, scatter, store, suit_vectors};
use crate::abi::LoopContext;
use crate::cpu::{Level, multiversion};
use crate::elem::Elem;
use crate::fpstatus;
use crate::ops::UnaryOp;

/// The operands of one call.
#[derive(Clone, Copy)]
struct Operands {
    n: usize,
    a: *const u8,
    o: *mut u8,
    sa: isize,
    so: isize,
}

impl Operands {
    /// # Safety
    /// Two pointers, two strides, one count, and behind them what the loop contract says.
    #[inline(always)]
    unsafe fn new(data: *const *mut u8, dims: *const isize, strides: *const isize) -> Operands {
        // SAFETY: the caller's promise.
        unsafe {
            Operands { n: *dims as usize, a: *data, o: *data.add(1), sa: *strides, so: *strides.add(1) }
        }
    }

    /// Whether the operands are contiguous and coincide, or have no byte in common.
    #[inline(always)]
    fn is_orderless(&self, size_a: usize, size_o: usize) -> bool {
        let Operands { n, a, o, sa, so } = *self;
        if a == o && sa == so && size_a == size_o {
            return so != 0;
        }
        are_apart((a, sa, size_a), (o, so, size_o), n)
    }
}

/// For operations worth vectorising.
pub unsafe extern "C" fn unary<Op: UnaryOp<A>, A: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: two operands, see the module.
    unsafe {
        let args = Operands::new(data, dims, strides);
        let sizes = (size_of::<A>(), size_of::<Op::Out>());
        if is_word::<A>() && args.sa == 16 && args.so == sizes.1 as isize && args.n > 1 {
            if are_apart((args.a, args.sa, sizes.0), (args.o, args.so, sizes.1), args.n) {
                every_second::<Op, A>(&args);
                return 0;
            }
        }
        with_vectors::<A, Op::Out>(&args, |x, y| map::<Op, A>(Level::current(), x, y), strided::<Op, A>);
    }
    0
}

/// Every second element, in the loop that computes: taken out beforehand they would be moved twice, which shows where they come from
/// far away.
///
/// # Safety
/// The loop contract; the output is contiguous and apart from the input, of which there is more than one element.
#[inline(never)]
unsafe fn every_second<Op: UnaryOp<A>, A: Elem>(args: &Operands) {
    let Operands { n, a, o, sa, so } = *args;
    let last = n - 1;
    // SAFETY: `n` elements each. Behind the last one of the input may be nothing, so that one is computed by itself.
    unsafe {
        let pairs = core::slice::from_raw_parts(a.cast::<[MaybeUninit<A>; 2]>(), last);
        let status =
            seconds::<Op, A>(Level::current(), pairs, core::slice::from_raw_parts_mut(o.cast(), last));
        if status != 0 {
            fpstatus::raise(status);
        }
        let (a, o) = (a.offset(last as isize * sa), o.offset(last as isize * so));
        strided::<Op, A>(&Operands { n: 1, a, o, sa, so });
    }
}

#[inline(always)]
fn seconds_body<Op: UnaryOp<A>, A: Elem>(a: &[[MaybeUninit<A>; 2]], o: &mut [MaybeUninit<Op::Out>]) -> u32 {
    let mut all = 0;
    for (o, a) in o.iter_mut().zip(a) {
        // SAFETY: the first element of a pair is one of the operand's.
        let (value, status) = Op::apply_status(unsafe { a[0].assume_init() });
        o.write(value);
        all |= status;
    }
    all
}

multiversion! {
    fn seconds[Op: UnaryOp<A>, A: Elem](
        a: &[[MaybeUninit<A>; 2]], o: &mut [MaybeUninit<<Op as UnaryOp<A>>::Out>]
    ) -> u32 = seconds_body::<Op, A>;
}

/// For operations whose cost is in the operation.
pub unsafe extern "C" fn unary_each<Op: UnaryOp<A>, A: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: two operands, see the module.
    unsafe { strided::<Op, A>(&Operands::new(data, dims, strides)) };
    0
}

/// An operation on complex numbers that has a variant with fused multiply-add, for processors with the instruction. It is for what
/// numpy's vector loops take: nothing written that is still to be read, `F` not read backwards, perhaps one side contiguous. What they
/// do not take is computed by `Each`.
pub unsafe extern "C" fn unary_fused<Op, Fused, Each, A: Elem, const ONE_CONTIGUOUS: bool>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    Op: UnaryOp<A>,
    Fused: UnaryOp<A>,
    Each: UnaryOp<A>,
{
    let level = Level::current();
    // SAFETY: two operands of the loop contract.
    unsafe {
        let args = Operands::new(data, dims, strides);
        let size = size_of::<A>() as isize;
        let vectors = (!ONE_CONTIGUOUS || args.sa == size || args.so == size)
            && (size > 8 || args.sa >= 0)
            && suit_vectors((args.a, args.sa), (args.o.cast_const(), args.so), args.n);
        if !vectors {
            return unary_each::<Each, A>(ctx, data, dims, strides, aux);
        }
        if !level.has_fused() {
            return unary_each::<Op, A>(ctx, data, dims, strides, aux);
        }
        let fused = |args: &Operands| {
            let _ = strided_fused::<Fused, A>(level, args);
        };
        with_vectors::<A, Fused::Out>(&args, |x, y| map_fused::<Fused, A>(level, x, y).unwrap_or(0), fused);
    }
    0
}

/// Runs a call block by block through `block`, which returns status, or, where the order of reading and writing can be
/// seen, through `in_order`.
///
/// # Safety
/// The loop contract for these operands.
#[inline(always)]
unsafe fn with_vectors<A: Elem, O: Elem>(
    args: &Operands,
    block: impl Fn(&[A], &mut [MaybeUninit<O>]) -> u32,
    in_order: impl Fn(&Operands),
) {
    let Operands { n, a, o, sa, so } = *args;
    let (size_a, size_o) = (size_of::<A>(), size_of::<O>());
    if n < 2 || !args.is_orderless(size_a, size_o) {
        return in_order(args);
    }
    let mut status = 0;
    let (direct_a, direct_o) = (sa == size_a as isize && a != o, so == size_o as isize);
    // SAFETY: elements of the operands; those read where they lie are not written meanwhile.
    unsafe {
        if direct_a && direct_o {
            let x = core::slice::from_raw_parts(a.cast::<A>(), n);
            status = block(x, core::slice::from_raw_parts_mut(o.cast(), n));
        } else {
            let (mut inputs, mut outputs) = (Scratch::new(), Scratch::new());
            let capacity = Scratch::capacity::<A>().min(Scratch::capacity::<O>());
            let (mut a, mut o, mut left) = (a, o, n);
            while left > 0 {
                let count = left.min(capacity);
                let x = if direct_a {
                    core::slice::from_raw_parts(a.cast::<A>(), count)
                } else {
                    inputs.gather::<A>(a, count, sa)
                };
                if direct_o {
                    status |= block(x, core::slice::from_raw_parts_mut(o.cast(), count));
                } else {
                    let y = outputs.room::<O>(count);
                    status |= block(x, y);
                    scatter(o, so, y);
                }
                a = a.wrapping_offset(count as isize * sa);
                o = o.wrapping_offset(count as isize * so);
                left -= count;
            }
        }
    }
    if status != 0 {
        fpstatus::raise(status);
    }
}

#[inline(always)]
fn map_body<Op: UnaryOp<A>, A: Elem>(a: &[A], o: &mut [MaybeUninit<Op::Out>]) -> u32 {
    let mut all = 0;
    for (o, &a) in o.iter_mut().zip(a) {
        let (value, status) = Op::apply_status(a);
        o.write(value);
        all |= status;
    }
    all
}

multiversion! {
    fn map[Op: UnaryOp<A>, A: Elem](a: &[A], o: &mut [MaybeUninit<<Op as UnaryOp<A>>::Out>]) -> u32 = map_body::<Op, A>;
}
multiversion! {
    fused fn map_fused[Op: UnaryOp<A>, A: Elem](a: &[A], o: &mut [MaybeUninit<<Op as UnaryOp<A>>::Out>]) -> u32
    = map_body::<Op, A>;
}

/// In order, element by element.
#[inline(always)]
fn strided<Op: UnaryOp<A>, A: Elem>(args: &Operands) {
    let Operands { n, mut a, mut o, sa, so } = *args;
    for _ in 0..n {
        // SAFETY: element `i` of each operand: whoever made the operands promised what the loop contract says.
        unsafe { store(o, Op::apply(load(a))) };
        a = a.wrapping_offset(sa);
        o = o.wrapping_offset(so);
    }
}

multiversion! { fused fn strided_fused[Op: UnaryOp<A>, A: Elem](args: &Operands) -> () = strided::<Op, A>; }
