//! The loops behind `where`, which is no ufunc, in the form of one.

use std::ffi::{c_int, c_void};

use micronumpy::iter::PerOp;
use micronumpy::{Dtype, Error, Result};
use ufuncs::select::where_loop;
use ufuncs::{LoopContext, LoopDef, LoopFlags};

/// `where` for elements of these dtypes (condition, two values, result).
///
/// # Errors
/// Sizes no number has.
pub(crate) fn select_loop(dtypes: &PerOp<Dtype>) -> Result<LoopDef> {
    let size = dtypes[1].itemsize;
    let func = where_loop(size)
        .ok_or_else(|| Error::missing(format!("where of elements of {size} bytes in an expression")))?;
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
