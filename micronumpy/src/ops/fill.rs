//! Filling arrays: arithmetic progressions, swapped bytes.

use ufuncs::casts::copy::swap_strided;
use ufuncs::elem::{LongDouble, f16};

use crate::array::ArrayRef;
use crate::dtype::{Body, Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::iter::MultiIter;

/// Continue the progression that the first two elements of a 1-d native array begin: `first + i * (second - first)`.
///
/// # Errors
/// Dtypes without arithmetic.
pub fn progression(arr: &ArrayRef<'_>) -> Result<()> {
    let n = arr.shape[0];
    if n <= 2 {
        return Ok(());
    }
    let stride = arr.strides[0];
    let at = |i: isize| arr.data.wrapping_offset(i * stride);
    macro_rules! fill {
        ($t:ty, |$s:ident, $e:ident| $delta:expr, |$d:ident, $i:ident| $value:expr) => {
            // SAFETY: `n` elements of this type at the stride, any alignment.
            unsafe {
                let $s = at(0).cast::<$t>().read_unaligned();
                let $e = at(1).cast::<$t>().read_unaligned();
                let $d = $delta;
                if stride == size_of::<$t>() as isize
                    && let Ok(n) = i32::try_from(n)
                {
                    // The same, in a form that becomes vectors, which have conversions of 32 bits.
                    let to = arr.data.cast::<$t>();
                    for $i in 2..n {
                        to.offset($i as isize).write_unaligned($value);
                    }
                } else {
                    for $i in 2..n {
                        at($i).cast::<$t>().write_unaligned($value);
                    }
                }
            }
        };
    }
    macro_rules! int {
        ($t:ty) => {
            // SAFETY: `n` elements of this type at the stride, any alignment.
            unsafe {
                let first = at(0).cast::<$t>().read_unaligned();
                let step = at(1).cast::<$t>().read_unaligned().wrapping_sub(first);
                let mut value = first;
                // Sums are vectors everywhere, products of 64 bits are not.
                if stride == size_of::<$t>() as isize {
                    let to = arr.data.cast::<$t>();
                    for i in 0..n {
                        to.offset(i).write_unaligned(value);
                        value = value.wrapping_add(step);
                    }
                } else {
                    for i in 0..n {
                        at(i).cast::<$t>().write_unaligned(value);
                        value = value.wrapping_add(step);
                    }
                }
            }
        };
    }
    macro_rules! float {
        ($t:ty) => {
            fill!($t, |s, e| e - s, |d, i| s + i as $t * d)
        };
    }
    macro_rules! complex {
        ($t:ty) => {
            fill!([$t; 2], |s, e| [e[0] - s[0], e[1] - s[1]], |d, i| [
                s[0] + i as $t * d[0],
                s[1] + i as $t * d[1]
            ])
        };
    }
    match arr.dtype.num {
        TypeNum::BYTE => int!(i8),
        TypeNum::UBYTE => int!(u8),
        TypeNum::SHORT => int!(i16),
        TypeNum::USHORT => int!(u16),
        TypeNum::INT => int!(i32),
        TypeNum::UINT => int!(u32),
        TypeNum::LONG | TypeNum::LONGLONG | TypeNum::DATETIME | TypeNum::TIMEDELTA => int!(i64),
        TypeNum::ULONG | TypeNum::ULONGLONG => int!(u64),
        TypeNum::HALF => {
            fill!(u16, |s, e| f16::from_bits(e).to_f32() - f16::from_bits(s).to_f32(), |d, i| {
                f16::from_f32(f16::from_bits(s).to_f32() + i as f32 * d).to_bits()
            });
        }
        TypeNum::FLOAT => float!(f32),
        TypeNum::DOUBLE => float!(f64),
        TypeNum::LONGDOUBLE => {
            fill!(LongDouble, |s, e| e - s, |d, i| s + LongDouble::from(i as i64) * d);
        }
        TypeNum::CFLOAT => complex!(f32),
        TypeNum::CDOUBLE => complex!(f64),
        TypeNum::CLONGDOUBLE => {
            let scale = |i: i64, d: LongDouble| LongDouble::from(i) * d;
            fill!([LongDouble; 2], |s, e| [e[0] - s[0], e[1] - s[1]], |d, i| [
                s[0] + scale(i as i64, d[0]),
                s[1] + scale(i as i64, d[1])
            ]);
        }
        num => {
            return Err(Error::type_(format!(
                "arange() not supported for inputs with DType {}.",
                crate::dtype::promote::class_name(num)
            )));
        }
    }
    Ok(())
}

/// Reverse the bytes of every number in place, fields and parts of complex numbers one by one.
pub fn byteswap(arr: &ArrayRef<'_>) {
    let Ok(mut it) = MultiIter::new(arr.shape, &[*arr]) else { return };
    let _ = it.for_each(|p, n, st| {
        // SAFETY: `n` elements at the stride.
        unsafe { swap_items(arr.dtype, p[0], st[0], n) };
        Ok(())
    });
}

unsafe fn swap_items(dt: &Dtype, p: *mut u8, stride: isize, n: usize) {
    // SAFETY: the caller's promise; fields and items lie inside elements.
    unsafe {
        match &dt.body {
            Body::Struct(fields) => {
                for f in fields.iter() {
                    swap_items(&f.dtype, p.add(f.offset), stride, n);
                }
            }
            Body::Subarray(base, shape) => {
                let count: usize = shape.iter().map(|&n| n as usize).product();
                for k in 0..count {
                    swap_items(base, p.add(k * base.itemsize), stride, n);
                }
            }
            _ => {
                let word = match dt.num {
                    TypeNum::UNICODE => 4,
                    t if t.is_complex() => dt.itemsize / 2,
                    t if t.is_flexible() || t.is_object() || t == TypeNum::VSTRING => return,
                    _ => dt.itemsize,
                };
                swap_strided(p, stride, p, stride, n, dt.itemsize, word);
            }
        }
    }
}
