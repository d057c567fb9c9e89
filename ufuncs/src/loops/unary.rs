//! One input, one output.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::{Overlap, Scratch, load, overlap, store};
use crate::abi::LoopContext;
use crate::cpu::{Level, multiversion};
use crate::elem::Elem;
use crate::ops::UnaryOp;

/// For operations worth vectorising.
pub unsafe extern "C" fn unary<Op: UnaryOp<A>, A: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: two operands, see the module.
    let (n, a, o, sa, so) = unsafe { (*dims as usize, *data, *data.add(1), *strides, *strides.add(1)) };
    let (size_a, size_o) = (size_of::<A>(), size_of::<Op::Out>());
    if sa == size_a as isize && so == size_o as isize && n > 1 {
        match overlap(a, n * size_a, o, n * size_o) {
            Overlap::Disjoint => {
                // SAFETY: `n` contiguous elements each, and they do not overlap.
                unsafe {
                    map::<Op, A>(
                        Level::current(),
                        core::slice::from_raw_parts(a.cast::<A>(), n),
                        core::slice::from_raw_parts_mut(o.cast(), n),
                    )
                };
                return 0;
            }
            Overlap::Same => {
                // SAFETY: as above, except that they coincide.
                unsafe { map_in_place::<Op, A>(a, o, n) };
                return 0;
            }
            Overlap::Partial => {}
        }
    }
    // SAFETY: the caller's operands.
    unsafe { strided::<Op, A>(n, a, o, sa, so) };
    0
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
    unsafe { strided::<Op, A>(*dims as usize, *data, *data.add(1), *strides, *strides.add(1)) };
    0
}

#[inline(always)]
fn map_body<Op: UnaryOp<A>, A: Elem>(a: &[A], o: &mut [MaybeUninit<Op::Out>]) {
    for (o, &a) in o.iter_mut().zip(a) {
        o.write(Op::apply(a));
    }
}

multiversion! {
    fn map[Op: UnaryOp<A>, A: Elem](a: &[A], o: &mut [MaybeUninit<<Op as UnaryOp<A>>::Out>]) -> () = map_body::<Op, A>;
}

/// # Safety
/// `n` contiguous elements at `a` and at `o`, which may coincide.
#[inline(never)]
unsafe fn map_in_place<Op: UnaryOp<A>, A: Elem>(a: *const u8, o: *mut u8, n: usize) {
    let (level, mut scratch, mut done) = (Level::current(), Scratch::new(), 0);
    while done < n {
        let count = (n - done).min(Scratch::capacity::<A>());
        // SAFETY: `count` elements are left; the inputs are read from the copy.
        unsafe {
            let block = scratch.copy::<A>(a.add(done * size_of::<A>()), count);
            let out = o.add(done * size_of::<Op::Out>()).cast();
            map::<Op, A>(level, block, core::slice::from_raw_parts_mut(out, count));
        }
        done += count;
    }
}

/// # Safety
/// See the module.
#[inline(always)]
unsafe fn strided<Op: UnaryOp<A>, A: Elem>(n: usize, a: *const u8, o: *mut u8, sa: isize, so: isize) {
    let (mut a, mut o) = (a, o);
    for _ in 0..n {
        // SAFETY: element `i` of each operand.
        unsafe { store(o, Op::apply(load(a))) };
        a = a.wrapping_offset(sa);
        o = o.wrapping_offset(so);
    }
}

/// An operation on complex numbers that has a variant with fused multiply-add, for processors with the instruction.
pub unsafe extern "C" fn unary_fused<Op, Fused, A: Elem>(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int
where
    Op: UnaryOp<A>,
    Fused: UnaryOp<A>,
{
    // SAFETY: two operands of the loop contract.
    let args = unsafe { Operands::new(data, dims, strides) };
    match strided_fused::<Fused, A>(Level::current(), &args) {
        Some(()) => 0,
        // SAFETY: the same arguments.
        None => unsafe { unary_each::<Op, A>(ctx, data, dims, strides, aux) },
    }
}

/// The operands of one call.
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
}

#[inline(always)]
fn strided_fused_body<Op: UnaryOp<A>, A: Elem>(args: &Operands) {
    let Operands { n, a, o, sa, so } = *args;
    // SAFETY: whoever made the operands promised what the loop contract says.
    unsafe { strided::<Op, A>(n, a, o, sa, so) }
}

multiversion! { fused fn strided_fused[Op: UnaryOp<A>, A: Elem](args: &Operands) -> () = strided_fused_body::<Op, A>; }
