//! Two outputs. The operations are expensive enough for one strided body.

use core::ffi::{c_int, c_void};

use super::{load, store};
use crate::abi::LoopContext;
use crate::elem::Elem;
use crate::ops::{BinaryPairOp, UnaryPairOp};

/// One input, two outputs.
pub unsafe extern "C" fn unary_pair<Op: UnaryPairOp<A>, A: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: three operands, see the module.
    unsafe {
        let [mut a, mut o0, mut o1] = *data.cast::<[*mut u8; 3]>();
        let [sa, so0, so1] = *strides.cast::<[isize; 3]>();
        for _ in 0..*dims {
            let (r0, r1) = Op::apply(load(a));
            store(o0, r0);
            store(o1, r1);
            a = a.wrapping_offset(sa);
            o0 = o0.wrapping_offset(so0);
            o1 = o1.wrapping_offset(so1);
        }
    }
    0
}

/// Two inputs, two outputs.
pub unsafe extern "C" fn binary_pair<Op: BinaryPairOp<A, B>, A: Elem, B: Elem>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: four operands, see the module.
    unsafe {
        let [mut a, mut b, mut o0, mut o1] = *data.cast::<[*mut u8; 4]>();
        let [sa, sb, so0, so1] = *strides.cast::<[isize; 4]>();
        for _ in 0..*dims {
            let (r0, r1) = Op::apply(load(a), load(b));
            store(o0, r0);
            store(o1, r1);
            a = a.wrapping_offset(sa);
            b = b.wrapping_offset(sb);
            o0 = o0.wrapping_offset(so0);
            o1 = o1.wrapping_offset(so1);
        }
    }
    0
}
