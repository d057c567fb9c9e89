//! Scalar element types: what one array element is in memory, and the scalar rules that do not belong to one ufunc.
//!
//! Everything here is plain data with numpy's size and alignment. `i64` stands for both `long` and `long long` (and
//! `u64` likewise); the tables tell them apart by type number, the kernels are the same.

mod complex;
mod datetime;
pub mod float16;
mod longdouble;
mod real;

pub use complex::{CLongDouble, ComplexMath};
pub use datetime::{Datetime, NAT, Timedelta};
pub use half::f16;
pub use longdouble::LongDouble;
pub use num_complex::{Complex, Complex32, Complex64};
pub use real::Real;

use crate::typenum::TypeNum;

/// One fixed-size array element.
pub trait Elem: Copy + 'static {
    /// The type number (the smallest one when several share the representation).
    const TYPENUM: TypeNum;
    /// Zero, `False`, the epoch.
    const ZERO: Self;
    /// Truth value: different from zero. NaN and NaT are true.
    fn is_nonzero(self) -> bool;
}

/// One byte; zero is false, everything else is true. Kernels write 0 and 1 only.
#[derive(Clone, Copy, Debug, Default)]
#[repr(transparent)]
pub struct Bool(pub u8);

impl Bool {
    pub const FALSE: Bool = Bool(0);
    pub const TRUE: Bool = Bool(1);

    #[inline(always)]
    pub const fn get(self) -> bool {
        self.0 != 0
    }
}

impl From<bool> for Bool {
    #[inline(always)]
    fn from(value: bool) -> Bool {
        Bool(value as u8)
    }
}

impl PartialEq for Bool {
    #[inline(always)]
    fn eq(&self, other: &Bool) -> bool {
        self.get() == other.get()
    }
}
impl Eq for Bool {}

impl PartialOrd for Bool {
    #[inline(always)]
    fn partial_cmp(&self, other: &Bool) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bool {
    #[inline(always)]
    fn cmp(&self, other: &Bool) -> core::cmp::Ordering {
        self.get().cmp(&other.get())
    }
}

impl Elem for Bool {
    const TYPENUM: TypeNum = TypeNum::BOOL;
    const ZERO: Bool = Bool::FALSE;
    #[inline(always)]
    fn is_nonzero(self) -> bool {
        self.get()
    }
}

macro_rules! plain_elem {
    ($($t:ty = $num:ident, $zero:expr;)*) => {$(
        impl Elem for $t {
            const TYPENUM: TypeNum = TypeNum::$num;
            const ZERO: $t = $zero;
            #[inline(always)]
            fn is_nonzero(self) -> bool {
                self != $zero
            }
        }
    )*};
}

plain_elem! {
    i8 = BYTE, 0; u8 = UBYTE, 0;
    i16 = SHORT, 0; u16 = USHORT, 0;
    i32 = INT, 0; u32 = UINT, 0;
    i64 = LONG, 0; u64 = ULONG, 0;
    f32 = FLOAT, 0.0; f64 = DOUBLE, 0.0;
    Datetime = DATETIME, Datetime(0); Timedelta = TIMEDELTA, Timedelta(0);
}

impl Elem for f16 {
    const TYPENUM: TypeNum = TypeNum::HALF;
    const ZERO: f16 = f16::ZERO;
    #[inline(always)]
    fn is_nonzero(self) -> bool {
        self.to_bits() & 0x7fff != 0
    }
}

impl Elem for LongDouble {
    const TYPENUM: TypeNum = TypeNum::LONGDOUBLE;
    const ZERO: LongDouble = LongDouble::ZERO;
    #[inline]
    fn is_nonzero(self) -> bool {
        !self.is_zero()
    }
}

macro_rules! complex_elem {
    ($($t:ty = $num:ident;)*) => {$(
        impl Elem for Complex<$t> {
            const TYPENUM: TypeNum = TypeNum::$num;
            const ZERO: Self = Complex { re: <$t>::ZERO, im: <$t>::ZERO };
            #[inline]
            fn is_nonzero(self) -> bool {
                self.re.is_nonzero() || self.im.is_nonzero()
            }
        }
    )*};
}

complex_elem! { f32 = CFLOAT; f64 = CDOUBLE; LongDouble = CLONGDOUBLE; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_alignments_are_the_type_numbers() {
        fn check<T: Elem>() {
            assert_eq!(size_of::<T>(), T::TYPENUM.size(), "{:?}", T::TYPENUM);
            assert_eq!(align_of::<T>(), T::TYPENUM.align(), "{:?}", T::TYPENUM);
            assert!(!T::ZERO.is_nonzero());
        }
        check::<Bool>();
        check::<i8>();
        check::<u64>();
        check::<f16>();
        check::<f64>();
        check::<LongDouble>();
        check::<Complex32>();
        check::<Complex64>();
        check::<CLongDouble>();
        check::<Datetime>();
        check::<Timedelta>();
    }
}
