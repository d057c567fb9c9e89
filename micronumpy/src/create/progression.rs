//! Arithmetic progressions (`arange`): the first two elements are given, the rest follows in the element's own
//! arithmetic.
//!
//! Every element is computed as `first + i * delta`, not by repeated addition, so that rounding does not pile up; `delta`
//! is the difference of the two stored elements, which is what numpy does and why `arange(0, 1, 0.1)` has its digits.

use ufuncs::elem::{LongDouble, f16, float16};

use crate::array::ArrayRef;
use crate::dtype::TypeNum;
use crate::error::{Error, Result};

/// Arithmetic of an element type, as far as a progression needs it.
trait Step: Copy {
    fn delta(first: Self, second: Self) -> Self;
    fn at(first: Self, delta: Self, i: usize) -> Self;
}

macro_rules! int_steps {
    ($($t:ty)*) => {$(
        impl Step for $t {
            fn delta(first: Self, second: Self) -> Self {
                second.wrapping_sub(first)
            }
            fn at(first: Self, delta: Self, i: usize) -> Self {
                first.wrapping_add(delta.wrapping_mul(i as $t))
            }
        }
    )*};
}
int_steps! { i8 u8 i16 u16 i32 u32 i64 u64 }

macro_rules! float_steps {
    ($($t:ty)*) => {$(
        impl Step for $t {
            fn delta(first: Self, second: Self) -> Self {
                second - first
            }
            fn at(first: Self, delta: Self, i: usize) -> Self {
                first + i as $t * delta
            }
        }
    )*};
}
float_steps! { f32 f64 }

unsafe fn fill<T: Step>(data: *mut u8, n: usize) {
    let p = data.cast::<T>();
    // SAFETY: the caller's promise: `n >= 2` elements, contiguous.
    unsafe {
        let first = p.read_unaligned();
        let delta = T::delta(first, p.add(1).read_unaligned());
        for i in 2..n {
            p.add(i).write_unaligned(T::at(first, delta, i));
        }
    }
}

/// Continue the progression that the first two elements of a one-dimensional contiguous native array begin.
///
/// # Errors
/// Types that have no arithmetic: `Error::NotImplemented`; the host does objects itself.
///
/// # Panics
/// If the array is not one-dimensional.
pub fn fill_progression(arr: &ArrayRef<'_>) -> Result<()> {
    let n = arr.shape[0] as usize;
    if n <= 2 {
        return Ok(());
    }
    debug_assert!(arr.is_c_contiguous() && arr.dtype.is_native());
    use TypeNum as T;
    // SAFETY: a contiguous native array of `n` elements of this type.
    unsafe {
        match arr.dtype.num {
            T::BYTE => fill::<i8>(arr.data, n),
            T::UBYTE => fill::<u8>(arr.data, n),
            T::SHORT => fill::<i16>(arr.data, n),
            T::USHORT => fill::<u16>(arr.data, n),
            T::INT => fill::<i32>(arr.data, n),
            T::UINT => fill::<u32>(arr.data, n),
            T::LONG | T::LONGLONG | T::DATETIME | T::TIMEDELTA => fill::<i64>(arr.data, n),
            T::ULONG | T::ULONGLONG => fill::<u64>(arr.data, n),
            T::FLOAT => fill::<f32>(arr.data, n),
            T::DOUBLE => fill::<f64>(arr.data, n),
            _ => return fill_wide(arr, n),
        }
    }
    Ok(())
}

/// Types whose arithmetic is done in another type: half in float, complex by its parts.
fn fill_wide(arr: &ArrayRef<'_>, n: usize) -> Result<()> {
    use TypeNum as T;
    // SAFETY: as in `fill_progression`; a complex element is two reals, so parts step by twice their size.
    unsafe {
        match arr.dtype.num {
            T::HALF => {
                let p = arr.data.cast::<f16>();
                let first = float16::to_f32(p.read_unaligned());
                let delta = float16::to_f32(p.add(1).read_unaligned()) - first;
                for i in 2..n {
                    p.add(i).write_unaligned(float16::from_f32(first + i as f32 * delta));
                }
            }
            T::LONGDOUBLE => fill::<LongDouble>(arr.data, n),
            T::CFLOAT => fill_parts::<f32>(arr.data, n),
            T::CDOUBLE => fill_parts::<f64>(arr.data, n),
            T::CLONGDOUBLE => fill_parts::<LongDouble>(arr.data, n),
            _ => return Err(Error::missing("arange for this type")),
        }
    }
    Ok(())
}

impl Step for LongDouble {
    fn delta(first: Self, second: Self) -> Self {
        second - first
    }
    fn at(first: Self, delta: Self, i: usize) -> Self {
        first + LongDouble::from(i as i64) * delta
    }
}

/// [`fill`] for the real and the imaginary parts.
unsafe fn fill_parts<T: Step>(data: *mut u8, n: usize) {
    let p = data.cast::<T>();
    // SAFETY: the caller's promise: `n >= 2` pairs.
    unsafe {
        for part in 0..2 {
            let first = p.add(part).read_unaligned();
            let delta = T::delta(first, p.add(2 + part).read_unaligned());
            for i in 2..n {
                p.add(2 * i + part).write_unaligned(T::at(first, delta, i));
            }
        }
    }
}
