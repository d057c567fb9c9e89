//! Three inputs, one output, all of one type.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;

use super::{Overlap, load, overlap, store};
use crate::abi::LoopContext;
use crate::cpu::{Level, multiversion};
use crate::elem::Elem;
use crate::ops::TernaryOp;

/// Two of the inputs are usually scalars (`clip`), which has a body of its own.
pub unsafe extern "C" fn ternary<Op: TernaryOp<T>, T: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: four operands, see the module.
    unsafe {
        let n = *dims as usize;
        let [mut a, mut b, mut c, mut o] = *data.cast::<[*mut u8; 4]>();
        let [sa, sb, sc, so] = *strides.cast::<[isize; 4]>();
        let size = size_of::<T>();
        if sb == 0 && sc == 0 && sa == size as isize && so == sa && n > 1 {
            let (bytes, low, high) = (n * size, load(b), load(c));
            // Writing may change the limits for later elements, which only order-preserving code gets right.
            let limits_apart = overlap(b, size, o, bytes) == Overlap::Disjoint
                && overlap(c, size, o, bytes) == Overlap::Disjoint;
            if limits_apart && overlap(a, bytes, o, bytes) != Overlap::Partial {
                if a == o {
                    within::<Op, T>(
                        Level::current(),
                        core::slice::from_raw_parts_mut(o.cast(), n),
                        low,
                        high,
                    );
                } else {
                    let input = core::slice::from_raw_parts(a.cast::<T>(), n);
                    let out = core::slice::from_raw_parts_mut(o.cast(), n);
                    between::<Op, T>(Level::current(), input, low, high, out);
                }
                return 0;
            }
        }
        let fixed = sb == 0 && sc == 0;
        for _ in 0..n {
            let (x, low, high) = (load(a), load(b), load(c));
            store(o, if fixed { Op::apply_fixed(x, low, high) } else { Op::apply(x, low, high) });
            a = a.wrapping_offset(sa);
            b = b.wrapping_offset(sb);
            c = c.wrapping_offset(sc);
            o = o.wrapping_offset(so);
        }
    }
    0
}

#[inline(always)]
fn between_body<Op: TernaryOp<T>, T: Elem>(a: &[T], b: T, c: T, o: &mut [MaybeUninit<T>]) {
    for (o, &a) in o.iter_mut().zip(a) {
        o.write(Op::apply_fixed(a, b, c));
    }
}

#[inline(always)]
fn within_body<Op: TernaryOp<T>, T: Elem>(a: &mut [T], b: T, c: T) {
    for a in a {
        *a = Op::apply_fixed(*a, b, c);
    }
}

multiversion! {
    fn between[Op: TernaryOp<T>, T: Elem](a: &[T], b: T, c: T, o: &mut [MaybeUninit<T>]) -> ()
    = between_body::<Op, T>;
}
multiversion! { fn within[Op: TernaryOp<T>, T: Elem](a: &mut [T], b: T, c: T) -> () = within_body::<Op, T>; }
