//! Array memory: plain `malloc` memory, so that a buffer can be handed to code that frees it with `free`.

use crate::dtype::Dtype;
use crate::error::{Error, Result};

/// Size in bytes of an array, refusing what numpy refuses.
///
/// # Errors
/// Negative dimensions, and products that do not fit `isize`.
pub fn checked_nbytes(shape: &[isize], dtype: &Dtype) -> Result<usize> {
    let mut n = dtype.itemsize as isize;
    let mut empty = false;
    for &d in shape {
        if d < 0 {
            return Err(Error::value("negative dimensions are not allowed"));
        }
        if d == 0 {
            empty = true;
            continue;
        }
        n = n.checked_mul(d).ok_or_else(|| {
            Error::value(
                "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
            )
        })?;
    }
    Ok(if empty { 0 } else { n as usize })
}

/// A new buffer; at least one byte, so that it is never null and unique.
pub fn alloc(nbytes: usize, zeroed: bool) -> Option<*mut u8> {
    let n = nbytes.max(1);
    // SAFETY: plain C allocation of a nonzero size.
    let p = unsafe { if zeroed { libc::calloc(n, 1) } else { libc::malloc(n) } };
    if p.is_null() { None } else { Some(p.cast()) }
}

/// # Safety
/// `p` came from [`alloc`] and is not used afterwards.
pub unsafe fn free(p: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { libc::free(p.cast()) }
}
