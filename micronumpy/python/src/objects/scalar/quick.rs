//! The arithmetic of everyday scalars, done on the spot.
//!
//! Two scalars of one class, or one and a Python number, are most of what programs compute with scalars. Where the result shows
//! that nothing could have been reported (an integer that fits, a float well inside its range), it is all there is to do:
//! no kernel is looked up, the floating-point status is not touched, no exception is possible. Everything else
//! answers `None`, and the whole path in [`super::number`] decides.

use std::ptr::null_mut;

use micronumpy::TypeNum;
use pyo3::ffi;
use ufuncs::elem::Complex;

use super::number::Op;
use super::types::{concrete, typenum_of_class};
use super::value::bool_object;

/// What an operation makes of two values.
enum Made<T> {
    Value(T),
    Double(f64),
    Truth(bool),
}

/// A type of scalars with operations that report nothing.
trait Plain: Copy {
    fn binary(op: Op, a: Self, b: Self) -> Option<Made<Self>>;
    fn negative(self) -> Option<Self>;
    fn absolute(self) -> Option<Self>;
    fn truth(self) -> bool;
    /// Of a Python number, if this is what it becomes without a loss that is told.
    ///
    /// # Safety
    /// A live object.
    unsafe fn of_python(object: *mut ffi::PyObject) -> Option<Self>;
    /// Of a scalar of another class, which this type can hold.
    ///
    /// # Safety
    /// A scalar of exactly the class of this type number.
    unsafe fn of_scalar(num: TypeNum, object: *mut ffi::PyObject) -> Option<Self>;
}

/// Floats as Python's become them.
trait Narrow: Sized {
    /// None if something would be told: infinite or too small.
    fn narrowed(value: f64) -> Option<Self>;
}

fn compare<T: PartialOrd>(op: Op, a: T, b: T) -> Option<bool> {
    Some(match op {
        Op::Less => a < b,
        Op::LessEqual => a <= b,
        Op::Equal => a == b,
        Op::NotEqual => a != b,
        Op::Greater => a > b,
        Op::GreaterEqual => a >= b,
        _ => return None,
    })
}

/// By the real parts, then by the imaginary ones. Unlike the ufuncs, scalars compare the real parts whatever the imaginary ones are.
pub fn compare_complex<T: PartialOrd>(op: Op, a: (T, T), b: (T, T)) -> Option<bool> {
    Some(match op {
        Op::Equal => a == b,
        Op::NotEqual => a != b,
        _ if a.0 == b.0 => compare(op, a.1, b.1)?,
        // What is not equal is either less or greater.
        _ => compare(op, a.0, b.0)?,
    })
}

/// The value of exactly a Python int, if it fits.
///
/// # Safety
/// A live object.
#[inline]
unsafe fn python_int(object: *mut ffi::PyObject) -> Option<i64> {
    // SAFETY: the caller's promise; an exact int makes no exception.
    unsafe {
        if ffi::PyLong_CheckExact(object) == 0 {
            return None;
        }
        let mut overflow = 0;
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &mut overflow);
        (overflow == 0).then_some(value)
    }
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Plain for $t {
            #[inline(always)]
            fn binary(op: Op, a: $t, b: $t) -> Option<Made<$t>> {
                // Strictly above: what was rounded up to the least normal number has underflowed.
                let inside = |r: $t| r.is_finite() && r.abs() > <$t>::MIN_POSITIVE;
                let value = match op {
                    // Sums that are too small to be normal are exact.
                    Op::Add => Some(a + b).filter(|r| r.is_finite()),
                    Op::Subtract => Some(a - b).filter(|r| r.is_finite()),
                    Op::Multiply => Some(a * b).filter(|&r| inside(r) || r == 0.0 && (a == 0.0 || b == 0.0)),
                    Op::Divide => Some(a / b).filter(|&r| inside(r) && b != 0.0 && b.is_finite()),
                    _ => return compare(op, a, b).map(Made::Truth),
                };
                value.map(Made::Value)
            }
            #[inline(always)]
            fn negative(self) -> Option<$t> {
                Some(-self)
            }
            #[inline(always)]
            fn absolute(self) -> Option<$t> {
                Some(self.abs())
            }
            #[inline(always)]
            fn truth(self) -> bool {
                self != 0.0
            }
            #[inline(always)]
            unsafe fn of_scalar(num: TypeNum, object: *mut ffi::PyObject) -> Option<$t> {
                if size_of::<$t>() < 8 {
                    return None;
                }
                // SAFETY: the caller's promise.
                unsafe {
                    Some(match num {
                        TypeNum::FLOAT => value::<f32>(object) as $t,
                        TypeNum::BYTE => value::<i8>(object) as $t,
                        TypeNum::UBYTE => value::<u8>(object) as $t,
                        TypeNum::SHORT => value::<i16>(object) as $t,
                        TypeNum::USHORT => value::<u16>(object) as $t,
                        TypeNum::INT => value::<i32>(object) as $t,
                        TypeNum::UINT => value::<u32>(object) as $t,
                        TypeNum::LONG if num.size() == 8 => value::<i64>(object) as $t,
                        TypeNum::ULONG if num.size() == 8 => value::<u64>(object) as $t,
                        _ => return None,
                    })
                }
            }
            #[inline(always)]
            unsafe fn of_python(object: *mut ffi::PyObject) -> Option<$t> {
                // SAFETY: the caller's promise.
                unsafe {
                    if ffi::PyFloat_CheckExact(object) != 0 {
                        return <$t>::narrowed(ffi::PyFloat_AS_DOUBLE(object));
                    }
                    let value = python_int(object)?;
                    let narrow = value as $t;
                    (value.unsigned_abs() <= 1 << <$t>::MANTISSA_DIGITS).then_some(narrow)
                }
            }
        }
    )*};
}
floats! { f32, f64 }

macro_rules! narrow {
    ($($t:ty),*) => {$(
        impl Narrow for $t {
            #[inline(always)]
            fn narrowed(value: f64) -> Option<$t> {
                let narrow = value as $t;
                let inside = narrow.is_finite() && narrow.abs() > <$t>::MIN_POSITIVE;
                (inside || value == 0.0).then_some(narrow)
            }
        }
    )*};
}
narrow! { f32, f64 }

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Plain for $t {
            #[inline(always)]
            fn binary(op: Op, a: $t, b: $t) -> Option<Made<$t>> {
                let value = match op {
                    Op::Add => a.checked_add(b),
                    Op::Subtract => a.checked_sub(b),
                    Op::Multiply => a.checked_mul(b),
                    Op::Divide if b != 0 => return Some(Made::Double(a as f64 / b as f64)),
                    Op::And => Some(a & b),
                    Op::Or => Some(a | b),
                    Op::Xor => Some(a ^ b),
                    Op::FloorDivide => a.checked_div(b).map(|q| {
                        // Rust rounds towards zero. The quotient is not the least number if there is a remainder.
                        #[allow(unused_comparisons)]
                        if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
                    }),
                    Op::Remainder => a.checked_rem(b).map(|r| {
                        #[allow(unused_comparisons)]
                        if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
                    }),
                    _ => return compare(op, a, b).map(Made::Truth),
                };
                value.map(Made::Value)
            }
            #[inline(always)]
            fn negative(self) -> Option<$t> {
                self.checked_neg()
            }
            #[inline(always)]
            fn absolute(self) -> Option<$t> {
                #[allow(unused_comparisons)]
                if self < 0 { self.checked_neg() } else { Some(self) }
            }
            #[inline(always)]
            fn truth(self) -> bool {
                self != 0
            }
            unsafe fn of_scalar(_: TypeNum, _: *mut ffi::PyObject) -> Option<$t> {
                None
            }
            #[inline(always)]
            unsafe fn of_python(object: *mut ffi::PyObject) -> Option<$t> {
                // SAFETY: the caller's promise.
                <$t>::try_from(unsafe { python_int(object) }?).ok()
            }
        }
    )*};
}
integers! { i8, u8, i16, u16, i32, u32, i64, u64 }

macro_rules! complex {
    ($($t:ty),*) => {$(
        impl Plain for Complex<$t> {
            #[inline(always)]
            fn binary(op: Op, a: Self, b: Self) -> Option<Made<Self>> {
                let finite = |re: $t, im: $t| (re.is_finite() && im.is_finite()).then_some(Made::Value(Complex { re, im }));
                match op {
                    Op::Add => finite(a.re + b.re, a.im + b.im),
                    Op::Subtract => finite(a.re - b.re, a.im - b.im),
                    Op::Multiply => {
                        let product = |x: $t, y: $t| match <$t>::binary(Op::Multiply, x, y) {
                            Some(Made::Value(v)) => Some(v),
                            _ => None,
                        };
                        let re = product(a.re, b.re)? - product(a.im, b.im)?;
                        finite(re, product(a.re, b.im)? + product(a.im, b.re)?)
                    }
                    _ => compare_complex(op, (a.re, a.im), (b.re, b.im)).map(Made::Truth),
                }
            }
            #[inline(always)]
            fn negative(self) -> Option<Self> {
                Some(Complex { re: -self.re, im: -self.im })
            }
            fn absolute(self) -> Option<Self> {
                None
            }
            #[inline(always)]
            fn truth(self) -> bool {
                self.re != 0.0 || self.im != 0.0
            }
            #[inline(always)]
            unsafe fn of_python(object: *mut ffi::PyObject) -> Option<Self> {
                // SAFETY: the caller's promise.
                unsafe {
                    if ffi::PyComplex_CheckExact(object) != 0 {
                        let value = ffi::PyComplex_AsCComplex(object);
                        return Some(Complex { re: <$t>::narrowed(value.real)?, im: <$t>::narrowed(value.imag)? });
                    }
                    Some(Complex { re: <$t>::of_python(object)?, im: 0.0 })
                }
            }
            unsafe fn of_scalar(_: TypeNum, _: *mut ffi::PyObject) -> Option<Self> {
                None
            }
        }
    )*};
}
complex! { f32, f64 }

/// Where a scalar keeps its value.
///
/// # Safety
/// A number scalar of this type, or a `float` for `f64`.
#[inline(always)]
unsafe fn value<T: Copy>(object: *mut ffi::PyObject) -> T {
    // SAFETY: the caller's promise; the value follows the head, aligned.
    unsafe { object.cast::<u8>().add(size_of::<ffi::PyObject>()).cast::<T>().read() }
}

/// A new scalar of exactly the class of `num`. Null, with nothing set, where there is no memory: the other path will say so.
///
/// # Safety
/// Attached; `T` is what scalars of `num` hold.
#[inline(always)]
unsafe fn scalar<T: Copy>(num: TypeNum, v: T) -> *mut ffi::PyObject {
    // SAFETY: a static class whose instances are a head and the value, and whose `tp_free` is `PyObject_Free`.
    unsafe {
        let class = concrete(num);
        let object: *mut ffi::PyObject = ffi::PyObject_Malloc((*class).tp_basicsize as usize).cast();
        if !object.is_null() {
            ffi::PyObject_Init(object, class);
            object.cast::<u8>().add(size_of::<ffi::PyObject>()).cast::<T>().write(v);
        }
        object
    }
}

/// The scalar of a native element of any alignment. Null for everything but numbers and bools of Python's or C's sizes, and
/// where there is no memory.
///
/// # Safety
/// Attached; `data` points to an element of type `num`.
#[inline]
pub unsafe fn element(num: TypeNum, data: *const u8) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; scalars hold the bytes of their element.
    unsafe {
        match num {
            TypeNum::BOOL => {
                let object = bool_object(*data != 0);
                ffi::Py_INCREF(object);
                object
            }
            TypeNum::BYTE | TypeNum::UBYTE => scalar(num, data.read()),
            TypeNum::SHORT | TypeNum::USHORT | TypeNum::HALF => {
                scalar(num, data.cast::<u16>().read_unaligned())
            }
            TypeNum::INT | TypeNum::UINT | TypeNum::FLOAT => scalar(num, data.cast::<u32>().read_unaligned()),
            TypeNum::LONG | TypeNum::ULONG | TypeNum::LONGLONG | TypeNum::ULONGLONG if num.size() != 8 => {
                null_mut()
            }
            TypeNum::LONG
            | TypeNum::ULONG
            | TypeNum::LONGLONG
            | TypeNum::ULONGLONG
            | TypeNum::DOUBLE
            | TypeNum::CFLOAT => scalar(num, data.cast::<u64>().read_unaligned()),
            TypeNum::CDOUBLE => scalar(num, data.cast::<[u64; 2]>().read_unaligned()),
            _ => null_mut(),
        }
    }
}

#[inline(always)]
unsafe fn typed<T: Plain>(
    op: Op,
    num: TypeNum,
    a: *mut ffi::PyObject,
    b: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller has looked at the class of one of them, and here the other is looked at.
    unsafe {
        let class = concrete(num);
        let read = |object: *mut ffi::PyObject| {
            let of = ffi::Py_TYPE(object);
            if of == class {
                return Some(value::<T>(object));
            }
            match typenum_of_class(of) {
                Some(num) => T::of_scalar(num, object),
                None => T::of_python(object),
            }
        };
        let (Some(x), Some(y)) = (read(a), read(b)) else { return null_mut() };
        match T::binary(op, x, y) {
            Some(Made::Value(v)) => scalar(num, v),
            Some(Made::Double(v)) => scalar(TypeNum::DOUBLE, v),
            Some(Made::Truth(truth)) => {
                let object = bool_object(truth);
                ffi::Py_INCREF(object);
                object
            }
            None => null_mut(),
        }
    }
}

/// Calls a function of the Rust type behind a type number.
macro_rules! by_type {
    ($num:expr, $function:ident($($arg:expr),*), $otherwise:expr) => {
        match $num {
            TypeNum::DOUBLE => $function::<f64>($($arg),*),
            TypeNum::FLOAT => $function::<f32>($($arg),*),
            TypeNum::CDOUBLE => $function::<Complex<f64>>($($arg),*),
            TypeNum::CFLOAT => $function::<Complex<f32>>($($arg),*),
            TypeNum::BYTE => $function::<i8>($($arg),*),
            TypeNum::UBYTE => $function::<u8>($($arg),*),
            TypeNum::SHORT => $function::<i16>($($arg),*),
            TypeNum::USHORT => $function::<u16>($($arg),*),
            TypeNum::INT => $function::<i32>($($arg),*),
            TypeNum::UINT => $function::<u32>($($arg),*),
            TypeNum::LONG | TypeNum::LONGLONG if $num.size() == 8 => $function::<i64>($($arg),*),
            TypeNum::ULONG | TypeNum::ULONGLONG if $num.size() == 8 => $function::<u64>($($arg),*),
            _ => $otherwise,
        }
    };
}

/// `a op b`, or null (and no exception) if that is not for here.
///
/// # Safety
/// Attached; live objects.
#[inline(always)]
pub unsafe fn binary(op: Op, a: *mut ffi::PyObject, b: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; the class tells what a scalar holds.
    unsafe {
        let num = match (typenum_of_class(ffi::Py_TYPE(a)), typenum_of_class(ffi::Py_TYPE(b))) {
            // The one class that is asked whether it can hold others.
            (Some(_), Some(TypeNum::DOUBLE)) => TypeNum::DOUBLE,
            (Some(num), _) | (None, Some(num)) => num,
            (None, None) => return null_mut(),
        };
        by_type!(num, typed(op, num, a, b), null_mut())
    }
}

#[inline(always)]
unsafe fn typed_unary<T: Plain>(op: Op, num: TypeNum, a: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller has looked at the class.
    unsafe {
        let v: T = value(a);
        let made = match op {
            Op::Negative => v.negative(),
            Op::Absolute => v.absolute(),
            _ => None,
        };
        made.map_or(null_mut(), |v| scalar(num, v))
    }
}

/// `-a`, or null (and no exception) if that is not for here.
///
/// # Safety
/// Attached; a live object.
#[inline(always)]
pub unsafe fn negative(a: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe { unary(Op::Negative, a) }
}

/// `abs(a)`, or null (and no exception) if that is not for here.
///
/// # Safety
/// Attached; a live object.
#[inline(always)]
pub unsafe fn absolute(a: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise.
    unsafe { unary(Op::Absolute, a) }
}

#[inline(always)]
unsafe fn unary(op: Op, a: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; the class tells what a scalar holds.
    unsafe {
        let Some(num) = typenum_of_class(ffi::Py_TYPE(a)) else { return null_mut() };
        by_type!(num, typed_unary(op, num, a), null_mut())
    }
}

#[inline(always)]
unsafe fn typed_truth<T: Plain>(a: *mut ffi::PyObject) -> Option<bool> {
    // SAFETY: the caller has looked at the class.
    unsafe { Some(value::<T>(a).truth()) }
}

/// `bool(a)` of everyday scalars.
///
/// # Safety
/// A live object.
#[inline(always)]
pub unsafe fn truth(a: *mut ffi::PyObject) -> Option<bool> {
    // SAFETY: the caller's promise; the class tells what a scalar holds.
    unsafe {
        match typenum_of_class(ffi::Py_TYPE(a))? {
            TypeNum::BOOL => Some(value::<u8>(a) != 0),
            num => by_type!(num, typed_truth(a), None),
        }
    }
}

/// `float(a)` of doubles, or null.
///
/// # Safety
/// Attached; a live object.
#[inline(always)]
pub unsafe fn float(a: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; the class tells what a scalar holds.
    unsafe {
        match typenum_of_class(ffi::Py_TYPE(a)) {
            Some(TypeNum::DOUBLE) => ffi::PyFloat_FromDouble(value(a)),
            _ => null_mut(),
        }
    }
}

/// `int(a)` and `operator.index(a)` of the most frequent integers, or null.
///
/// # Safety
/// Attached; a live object.
#[inline(always)]
pub unsafe fn int(a: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the caller's promise; the class tells what a scalar holds.
    unsafe {
        match typenum_of_class(ffi::Py_TYPE(a)) {
            Some(num @ TypeNum::LONG) if num.size() == 8 => ffi::PyLong_FromLongLong(value(a)),
            Some(TypeNum::INT) => ffi::PyLong_FromLongLong(value::<i32>(a).into()),
            _ => null_mut(),
        }
    }
}

/// The hash of a double.
///
/// # Safety
/// Attached; a live object.
#[inline(always)]
pub unsafe fn hash(a: *mut ffi::PyObject) -> Option<ffi::Py_hash_t> {
    // SAFETY: the caller's promise. A double scalar is a `float`, and hashes as one.
    unsafe {
        match typenum_of_class(ffi::Py_TYPE(a)) {
            Some(TypeNum::DOUBLE) if !value::<f64>(a).is_nan() => {
                ffi::PyFloat_Type.tp_hash.map(|hash| hash(a))
            }
            _ => None,
        }
    }
}
