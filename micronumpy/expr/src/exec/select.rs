//! The loops behind `where`, which is no ufunc, in the form of one.

use std::ffi::{c_int, c_void};

use micronumpy::iter::PerOp;
use micronumpy::{Dtype, Error, Result};
use ufuncs::{LoopContext, LoopDef, LoopFlags};

/// `where` for elements of these dtypes (condition, two values, result).
///
/// # Errors
/// Sizes no number has.
pub(crate) fn select_loop(dtypes: &PerOp<Dtype>) -> Result<LoopDef> {
    let func = match dtypes[1].itemsize {
        1 => select::<u8>,
        2 => select::<u16>,
        4 => select::<u32>,
        8 => select::<u64>,
        16 => select::<[u64; 2]>,
        32 => select::<[u64; 4]>,
        n => return Err(Error::missing(format!("where of elements of {n} bytes in an expression"))),
    };
    Ok(LoopDef::new(&[], func, LoopFlags::NO_FP_ERRORS))
}

/// What stands where a cast needs no loop of its own: casts are transfers.
pub(crate) fn no_loop() -> LoopDef {
    LoopDef::new(&[], nothing, LoopFlags::NONE)
}

unsafe extern "C" fn nothing(
    _ctx: *const LoopContext,
    _data: *const *mut u8,
    _dims: *const isize,
    _strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    -1
}

/// # Safety
/// The contract of loops: a mask, two inputs and an output of `T`-sized elements.
unsafe extern "C" fn select<T: Copy>(
    _ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    _aux: *mut c_void,
) -> c_int {
    // SAFETY: four operands of `dims[0]` elements, by the contract.
    unsafe {
        let [mask, x, y, out] = *data.cast::<[*mut u8; 4]>();
        let [sm, sx, sy, so] = *strides.cast::<[isize; 4]>();
        let (n, size) = (*dims, size_of::<T>() as isize);
        if [sm, sx, sy, so] == [1, size, size, size] {
            let (x, y, out) = (x.cast::<T>(), y.cast::<T>(), out.cast::<T>());
            for i in 0..n {
                // Both are read, which the compiler needs to make it a blend.
                let (a, b) = (x.offset(i).read_unaligned(), y.offset(i).read_unaligned());
                out.offset(i).write_unaligned(if *mask.offset(i) != 0 { a } else { b });
            }
        } else {
            for i in 0..n {
                let from = if *mask.offset(i * sm) != 0 { x.offset(i * sx) } else { y.offset(i * sy) };
                out.offset(i * so).cast::<T>().write_unaligned(from.cast::<T>().read_unaligned());
            }
        }
    }
    0
}
