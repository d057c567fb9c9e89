//! Numbers among the operands: Python's own kinds, which adapt to the other operand, and single elements of a dtype.

use std::ptr::null_mut;

use micronumpy::ufunc::Weak;
use micronumpy::{Dtype, Error, Result, TypeNum};
use ufuncs::casts::cast_loop;

/// A number without a dtype, as Python's `int`, `float` and `complex` are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i128),
    Float(f64),
    Complex(f64, f64),
}

impl Number {
    pub fn kind(self) -> Weak {
        match self {
            Number::Int(_) => Weak::Int,
            Number::Float(_) => Weak::Float,
            Number::Complex(..) => Weak::Complex,
        }
    }
    /// The number as one element of a numeric dtype.
    ///
    /// # Errors
    /// `Python integer 300 out of bounds for uint8`, and dtypes no number becomes.
    pub fn to_element(self, to: &Dtype) -> Result<Element> {
        let mut out = Element::default();
        let convert = |from: TypeNum, value: *const u8, out: &mut Element| {
            let Some(cast) = cast_loop(from, to.num) else {
                return Err(Error::missing(format!("a Python number as an operand of type {:?}", to.num)));
            };
            let data = [value.cast_mut(), out.as_mut_ptr()];
            // SAFETY: one element in, one out; an `Element` has room and alignment for every numeric type.
            unsafe { cast(std::ptr::null(), data.as_ptr(), &1, [0, 0].as_ptr(), null_mut()) };
            Ok(())
        };
        match self {
            Number::Int(n) => {
                if to.num.is_integer() && !int_range(to.num).contains(&n) {
                    let kind = if to.num.is_signed() { "int" } else { "uint" };
                    let bits = 8 * to.num.size();
                    return Err(Error::Overflow(format!(
                        "Python integer {n} out of bounds for {kind}{bits}"
                    )));
                }
                if let Ok(n) = i64::try_from(n) {
                    convert(TypeNum::LONG, (&raw const n).cast(), &mut out)?;
                } else if let Ok(n) = u64::try_from(n) {
                    convert(TypeNum::ULONG, (&raw const n).cast(), &mut out)?;
                } else {
                    let x = n as f64;
                    convert(TypeNum::DOUBLE, (&raw const x).cast(), &mut out)?;
                }
            }
            Number::Float(x) => convert(TypeNum::DOUBLE, (&raw const x).cast(), &mut out)?,
            Number::Complex(re, im) => {
                let parts = [re, im];
                convert(TypeNum::CDOUBLE, (&raw const parts).cast(), &mut out)?;
            }
        }
        // What the conversion of a constant raises is nobody's status.
        ufuncs::fpstatus::clear();
        Ok(out)
    }
}

/// The values of an integer type.
pub(crate) fn int_range(num: TypeNum) -> std::ops::RangeInclusive<i128> {
    let bits = 8 * num.size() as u32;
    if num.is_signed() { -(1 << (bits - 1))..=(1 << (bits - 1)) - 1 } else { 0..=(1 << bits) - 1 }
}

/// The bytes of one element of any numeric type, aligned for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Element([u128; 2]);

impl Element {
    pub fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
    /// The low bytes, of which an element of up to eight bytes consists.
    pub(crate) fn low_word(&self) -> u64 {
        self.0[0] as u64
    }
    pub(crate) fn words(&self) -> [u64; 4] {
        [self.0[0] as u64, (self.0[0] >> 64) as u64, self.0[1] as u64, (self.0[1] >> 64) as u64]
    }
    /// The element at an address.
    ///
    /// # Safety
    /// `size` bytes, at most 32, are readable there.
    pub unsafe fn read(p: *const u8, size: usize) -> Element {
        let mut out = Element::default();
        // SAFETY: the caller's promise; an `Element` has 32 bytes.
        unsafe { std::ptr::copy_nonoverlapping(p, out.as_mut_ptr(), size.min(32)) };
        out
    }
}
