//! The order numpy sorts by, for every type: ascending, NaN and not-a-time after everything else.
//!
//! Complex numbers are ordered by real, then imaginary part, but a number with a NaN in it goes behind those with fewer:
//! `R + Rj`, `R + nanj`, `nan + Rj`, `nan + nanj`. `-0.0` equals `0.0`, and NaNs equal each other. So for every type this
//! is a total order of equivalence classes, and standard sorting algorithms may rely on it.

use core::cmp::Ordering;

use crate::elem::{Bool, Complex, Datetime, Elem, LongDouble, Timedelta, f16};
use crate::ops::minmax::Extreme;
use crate::typenum::TypeNum;

/// An element type with numpy's sort order.
pub trait SortOrd: Elem {
    fn less(self, other: Self) -> bool;

    /// [`SortOrd::less`] between items of which none is missing; anything if one is.
    #[inline(always)]
    fn less_present(self, other: Self) -> bool {
        self.less(other)
    }

    /// NaN, a complex number with a NaN, or NaT: what `argmax` and `argmin` stop at.
    #[inline(always)]
    fn is_missing(self) -> bool {
        false
    }

    /// Whether it is cheaply seen that this neither is missing nor the maximum (minimum) of the two.
    #[inline(always)]
    fn is_surely_behind<const MAX: bool>(self, _other: Self) -> bool {
        false
    }

    /// The maximum (minimum) of `acc`, which is not missing, and items, where vectors have instructions for it. `None` where they
    /// have not, or if an item is missing.
    #[inline(always)]
    fn extreme<const MAX: bool>(_acc: Self, _items: &[Self]) -> Option<Self> {
        None
    }

    #[inline(always)]
    fn order(self, other: Self) -> Ordering {
        if self.less(other) {
            Ordering::Less
        } else if other.less(self) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

macro_rules! plain {
    ($($t:ty)*) => {$(
        impl SortOrd for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool {
                self < other
            }
        }
    )*};
}
plain!(i8 u8 i16 u16 i32 u32 i64 u64);

impl SortOrd for Bool {
    // By byte: what is neither 0 nor 1 comes last.
    #[inline(always)]
    fn less(self, other: Bool) -> bool {
        self.0 < other.0
    }
}

macro_rules! float {
    ($($t:ty $(, $by:ident)?;)*) => {$(
        impl SortOrd for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool {
                (self < other) | (other.is_missing() & !self.is_missing())
            }
            #[inline(always)]
            fn less_present(self, other: $t) -> bool {
                self < other
            }
            #[inline(always)]
            fn is_missing(self) -> bool {
                self.is_nan()
            }
            $(
                #[inline(always)]
                fn extreme<const MAX: bool>(acc: $t, items: &[$t]) -> Option<$t> {
                    <$t as $by>::extreme::<MAX>(acc, items)
                }
            )?
        }
    )*};
}
float! {
    f32, Extreme;
    f64, Extreme;
    LongDouble;
}

impl SortOrd for f16 {
    #[inline(always)]
    fn less(self, other: f16) -> bool {
        f16_key(self) < f16_key(other)
    }
    #[inline(always)]
    fn is_missing(self) -> bool {
        self.to_bits() & 0x7fff > 0x7c00
    }
}

/// A number ordered as the half is, equal for halves that are equal in order.
#[inline(always)]
pub(crate) fn f16_key(h: f16) -> i16 {
    let magnitude = (h.to_bits() & 0x7fff) as i16;
    if magnitude > 0x7c00 {
        i16::MAX
    } else if h.to_bits() >> 15 != 0 {
        -magnitude
    } else {
        magnitude
    }
}

macro_rules! dates {
    ($($t:ty)*) => {$(
        impl SortOrd for $t {
            #[inline(always)]
            fn less(self, other: $t) -> bool {
                // NaT is the least integer; subtracting one makes it the greatest.
                self.0.wrapping_sub(1) < other.0.wrapping_sub(1)
            }
            #[inline(always)]
            fn is_missing(self) -> bool {
                self.is_nat()
            }
        }
    )*};
}
dates!(Datetime Timedelta);

impl<T: SortOrd + PartialOrd> SortOrd for Complex<T>
where
    Complex<T>: Elem,
{
    #[inline(always)]
    fn is_surely_behind<const MAX: bool>(self, other: Self) -> bool {
        let behind = if MAX { self.re < other.re } else { self.re > other.re };
        behind & !self.im.is_missing()
    }

    #[inline(always)]
    fn less(self, other: Self) -> bool {
        let (less, greater) = (self.re.less_present(other.re), other.re.less_present(self.re));
        // Real parts that differ are none missing.
        if (less | greater) & !(self.im.is_missing() | other.im.is_missing()) {
            return less;
        }
        less_by_class(self, other)
    }
    #[inline(always)]
    fn less_present(self, other: Self) -> bool {
        let equal = !(self.re.less_present(other.re) | other.re.less_present(self.re));
        self.re.less_present(other.re) | (equal & self.im.less_present(other.im))
    }
    #[inline(always)]
    fn is_missing(self) -> bool {
        self.re.is_missing() | self.im.is_missing()
    }
    #[inline(always)]
    fn order(self, other: Self) -> Ordering {
        let (less, greater) = (self.re.less_present(other.re), other.re.less_present(self.re));
        if (less | greater) & !(self.im.is_missing() | other.im.is_missing()) {
            return if less { Ordering::Less } else { Ordering::Greater };
        }
        if less_by_class(self, other) {
            Ordering::Less
        } else if less_by_class(other, self) {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

/// [`SortOrd::less`] of complex numbers whose parts may be equal or missing.
fn less_by_class<T: SortOrd>(a: Complex<T>, b: Complex<T>) -> bool {
    let class = |c: Complex<T>| (c.re.is_missing(), c.im.is_missing());
    match class(a).cmp(&class(b)) {
        Ordering::Less => true,
        Ordering::Greater => false,
        // Equal parts, which two NaNs are here, leave it to the imaginary part.
        Ordering::Equal => a.re.less(b.re) || (!b.re.less(a.re) && a.im.less(b.im)),
    }
}

/// Evaluates the expression with `$T` standing for the element type of a fixed-size ordered type; `None` for others.
macro_rules! with_ordered {
    ($t:expr, $T:ident => $body:expr) => {{
        use $crate::elem as e;
        use $crate::typenum::TypeNum as N;
        with_ordered!(@arms $t, $T, $body,
            BOOL: e::Bool;
            BYTE: i8;
            UBYTE: u8;
            SHORT: i16;
            USHORT: u16;
            INT: i32;
            UINT: u32;
            LONG LONGLONG: i64;
            ULONG ULONGLONG: u64;
            HALF: e::f16;
            FLOAT: f32;
            DOUBLE: f64;
            LONGDOUBLE: e::LongDouble;
            CFLOAT: e::Complex32;
            CDOUBLE: e::Complex64;
            CLONGDOUBLE: e::CLongDouble;
            DATETIME: e::Datetime;
            TIMEDELTA: e::Timedelta;
        )
    }};
    (@arms $t:expr, $T:ident, $body:expr, $($($num:ident)+: $ty:ty;)*) => {
        match $t {
            $($(N::$num)|+ => {
                type $T = $ty;
                Some($body)
            })*
            _ => None,
        }
    };
}
pub(crate) use with_ordered;

/// Compares two items of `itemsize` bytes in sort order.
pub type CompareFn = unsafe fn(a: *const u8, b: *const u8, itemsize: usize) -> Ordering;

unsafe fn compare_elems<T: SortOrd>(a: *const u8, b: *const u8, _itemsize: usize) -> Ordering {
    // SAFETY: the caller passes two items of type `T`.
    unsafe { (a as *const T).read_unaligned().order((b as *const T).read_unaligned()) }
}

/// # Safety
/// `itemsize` readable bytes at both.
pub(crate) unsafe fn compare_bytes(a: *const u8, b: *const u8, itemsize: usize) -> Ordering {
    // SAFETY: the caller's promise; nobody writes meanwhile.
    unsafe { core::slice::from_raw_parts(a, itemsize).cmp(core::slice::from_raw_parts(b, itemsize)) }
}

/// # Safety
/// `itemsize` readable bytes at both.
pub(crate) unsafe fn compare_unicode(a: *const u8, b: *const u8, itemsize: usize) -> Ordering {
    for i in 0..itemsize / 4 {
        // SAFETY: character `i` of both lies within `itemsize` bytes.
        let (x, y) =
            unsafe { ((a as *const u32).add(i).read_unaligned(), (b as *const u32).add(i).read_unaligned()) };
        if x != y {
            return x.cmp(&y);
        }
    }
    Ordering::Equal
}

/// The comparison of native items (any alignment). Void items compare by bytes; `None` for objects and user types.
pub fn compare_fn(t: TypeNum) -> Option<CompareFn> {
    match t {
        TypeNum::STRING | TypeNum::VOID => Some(compare_bytes),
        TypeNum::UNICODE => Some(compare_unicode),
        t => with_ordered!(t, T => compare_elems::<T> as CompareFn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elem::Complex64;

    #[test]
    fn complex_nan_classes() {
        let n = f64::NAN;
        let ordered = [(0.0, 0.0), (0.0, 1.0), (1.0, -1.0), (0.0, n), (1.0, n), (n, -1.0), (n, 0.0), (n, n)];
        for (i, &(re, im)) in ordered.iter().enumerate() {
            for (j, &(re2, im2)) in ordered.iter().enumerate() {
                assert_eq!(Complex64::new(re, im).order(Complex64::new(re2, im2)), i.cmp(&j), "{i} {j}");
            }
        }
    }

    #[test]
    fn missing_values_last() {
        assert!(1f64.less(f64::NAN) && !f64::NAN.less(f64::NAN) && !(-0.0).less(0.0));
        assert!(Datetime(i64::MAX).less(Datetime::NAT));
        assert!(f16::INFINITY.less(f16::NAN) && f16::NEG_INFINITY.less(f16::NEG_ZERO));
        assert_eq!(f16::NEG_ZERO.order(f16::ZERO), Ordering::Equal);
    }
}
