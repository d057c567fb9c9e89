//! `Generator.integers` and `RandomState.randint`: uniform integers of every width, with scalar or broadcast bounds.

use micronumpy::array::{broadcast_shapes, broadcast_shapes_args};
use micronumpy::{Order, TypeNum};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyInt;
use ufuncs::random::bounded::{Bounded, Buffer, bounded, fill};

use super::draw::{Stream, as_array, empty, for_each, given, locked, numpy_scalar, walk};
use super::{Arg, Obj, np};
use crate::abi::{NPY_ARRAY_CARRAY_RO, NPY_ARRAY_ENSUREARRAY, NPY_ARRAY_FORCECAST};
use crate::error::IntoPyResult;
use crate::objects::{Array, Descr, array, dtype};

/// How to draw.
#[derive(Clone, Copy)]
pub struct Mode {
    /// Masked rejection instead of Lemire's method.
    pub masked: bool,
    /// `high` is included.
    pub closed: bool,
}

/// An integer type: its name in messages, its range, the type whose bits are drawn.
trait Kind: Copy {
    const NAME: &'static str;
    const NUM: TypeNum;
    const MIN: i128;
    const MAX: i128;
    type Bits: Bounded;
    fn bits(value: i128) -> Self::Bits;
}
macro_rules! kind {
    ($t:ident, $name:literal, $num:ident, $bits:ty) => {
        #[derive(Clone, Copy)]
        struct $t;
        impl Kind for $t {
            const NAME: &'static str = $name;
            const NUM: TypeNum = TypeNum::$num;
            const MIN: i128 = <$t as Range>::MIN;
            const MAX: i128 = <$t as Range>::MAX;
            type Bits = $bits;
            fn bits(value: i128) -> $bits {
                <$bits>::from_u64(value as u64)
            }
        }
    };
}
trait Range {
    const MIN: i128;
    const MAX: i128;
}
macro_rules! range {
    ($($t:ident $of:ty),*) => {$(
        impl Range for $t {
            const MIN: i128 = <$of>::MIN as i128;
            const MAX: i128 = <$of>::MAX as i128;
        }
    )*};
}
impl Range for Bool {
    const MIN: i128 = 0;
    const MAX: i128 = 1;
}
range!(Int8 i8, Int16 i16, Int32 i32, Int64 i64, Uint8 u8, Uint16 u16, Uint32 u32, Uint64 u64);
kind!(Bool, "bool", BOOL, bool);
kind!(Int8, "int8", BYTE, u8);
kind!(Int16, "int16", SHORT, u16);
kind!(Int32, "int32", INT, u32);
kind!(Int64, "int64", LONG, u64);
kind!(Uint8, "uint8", UBYTE, u8);
kind!(Uint16, "uint16", USHORT, u16);
kind!(Uint32, "uint32", UINT, u32);
kind!(Uint64, "uint64", ULONG, u64);

/// Draw integers of a dtype; `None` when the dtype is not one that can be drawn.
pub fn integers<'py>(
    stream: &Stream<'py>,
    descr: &Descr<'py>,
    low: &Obj<'py>,
    high: &Obj<'py>,
    size: &Arg<'py>,
    mode: Mode,
) -> PyResult<Option<Obj<'py>>> {
    let dt = descr.dtype();
    if !dt.is_native() {
        return Ok(None);
    }
    let made = match dt.num {
        TypeNum::BOOL => draw(Bool, stream, low, high, size, mode),
        TypeNum::BYTE => draw(Int8, stream, low, high, size, mode),
        TypeNum::SHORT => draw(Int16, stream, low, high, size, mode),
        TypeNum::INT => draw(Int32, stream, low, high, size, mode),
        TypeNum::LONG | TypeNum::LONGLONG => draw(Int64, stream, low, high, size, mode),
        TypeNum::UBYTE => draw(Uint8, stream, low, high, size, mode),
        TypeNum::USHORT => draw(Uint16, stream, low, high, size, mode),
        TypeNum::UINT => draw(Uint32, stream, low, high, size, mode),
        TypeNum::ULONG | TypeNum::ULONGLONG => draw(Uint64, stream, low, high, size, mode),
        _ => return Ok(None),
    };
    made.map(Some)
}

fn out_of_bounds<K: Kind>(what: &str) -> PyErr {
    PyValueError::new_err(format!("{what} is out of bounds for {}", K::NAME))
}

/// Why an empty range is one. `low == 0` is most likely the default of a call with one argument.
fn empty_range(closed: bool, low_is_zero: bool) -> PyErr {
    PyValueError::new_err(match (low_is_zero, closed) {
        (true, true) => "high < 0",
        (true, false) => "high <= 0",
        (false, true) => "low > high",
        (false, false) => "low >= high",
    })
}

/// `int(obj)`, kept within what `i128` holds by its sign.
fn int_value(obj: &Obj<'_>) -> PyResult<i128> {
    let py = obj.py();
    let value = if obj.is_exact_instance_of::<PyInt>() {
        obj.clone()
    } else {
        py.get_type::<PyInt>().call1((obj,))?
    };
    match value.extract() {
        Ok(v) => Ok(v),
        Err(_) => Ok(if value.lt(0)? { i128::MIN / 2 } else { i128::MAX / 2 }),
    }
}

/// A bound: a number when it has no dimensions.
enum Bound1<'py> {
    Number(i128),
    Array(Array<'py>),
}

fn bound<'py>(obj: &Obj<'py>) -> PyResult<Bound1<'py>> {
    if obj.is_exact_instance_of::<PyInt>() {
        return Ok(Bound1::Number(int_value(obj)?));
    }
    let arr = array::from_any(obj, None, 0, 0, NPY_ARRAY_ENSUREARRAY)?;
    if arr.ndim() == 0 { Ok(Bound1::Number(int_value(&arr.0)?)) } else { Ok(Bound1::Array(arr)) }
}

fn draw<'py, K: Kind>(
    _: K,
    stream: &Stream<'py>,
    low: &Obj<'py>,
    high: &Obj<'py>,
    size: &Arg<'py>,
    mode: Mode,
) -> PyResult<Obj<'py>> {
    let py = low.py();
    if let Some(size) = size.as_ref().filter(|s| !s.is_none()) {
        // Nothing is drawn and no bound looked at.
        if np(py, "prod")?.call1((size,))?.eq(0)? {
            return Ok(empty(py, &Some(size.clone()), K::NUM)?.0);
        }
    }
    let (low, high) = match (bound(low)?, bound(high)?) {
        (Bound1::Number(low), Bound1::Number(high)) => {
            return draw_between::<K>(stream, low, high, size, mode);
        }
        (low, high) => (low, high),
    };
    draw_broadcast::<K>(stream, low, high, size, mode)
}

fn draw_between<'py, K: Kind>(
    stream: &Stream<'py>,
    low: i128,
    high: i128,
    size: &Arg<'py>,
    mode: Mode,
) -> PyResult<Obj<'py>> {
    let py = stream.lock.py();
    let high = if mode.closed { high } else { high - 1 };
    if low < K::MIN {
        return Err(out_of_bounds::<K>("low"));
    }
    if high > K::MAX {
        return Err(out_of_bounds::<K>("high"));
    }
    if low > high {
        return Err(empty_range(mode.closed, low == 0));
    }
    let (off, range) = (K::bits(low), K::bits(high - low));
    if !given(size) {
        let one = || bounded(&stream.rng, off, range, mode.masked, &mut Buffer::default());
        let value = locked(&stream.lock, 1, one)?;
        return numpy_scalar(py, K::NUM, value);
    }
    let out = empty(py, size, K::NUM)?;
    let (n, data) = (out.size(), out.data().cast::<K::Bits>());
    // SAFETY: fresh, contiguous, elements as wide as the bits.
    locked(&stream.lock, n, || unsafe { fill(&stream.rng, off, range, mode.masked, data, n) })?;
    Ok(out.0)
}

/// The elements of a bound, checked and clamped to what `i64` or `u64` hold, as a contiguous array of one of them.
fn bound_array<'py, K: Kind>(
    bound: &Bound1<'py>,
    py: Python<'py>,
    mut check: impl FnMut(i128) -> PyResult<i128>,
) -> PyResult<Array<'py>> {
    // Two's complement bits are all that is needed, so one 64-bit type serves for both signs.
    let shape: &[isize] = match bound {
        Bound1::Number(_) => &[],
        Bound1::Array(arr) => arr.shape(),
    };
    let out = array::new(&dtype::builtin(py, TypeNum::ULONG), shape, Order::C, false)?;
    let mut at = out.data().cast::<u64>();
    let mut push = |v: i128| -> PyResult<()> {
        let v = check(v)?;
        // SAFETY: one write for each element of a fresh contiguous array.
        unsafe {
            at.write(v as u64);
            at = at.add(1);
        }
        Ok(())
    };
    let arr = match bound {
        Bound1::Number(v) => {
            push(*v)?;
            return Ok(out);
        }
        Bound1::Array(arr) => arr,
    };
    let wide = NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST;
    match arr.dtype().num {
        TypeNum::OBJECT => array::for_each_object(arr, |o| push(int_value(o)?))?,
        TypeNum::ULONG | TypeNum::ULONGLONG => {
            let arr = as_array(&arr.0, TypeNum::ULONG, wide)?;
            // SAFETY: an aligned u64.
            array::for_each_element(&arr, |p| push(unsafe { i128::from(p.cast::<u64>().read()) }))?;
        }
        TypeNum::HALF | TypeNum::FLOAT | TypeNum::DOUBLE | TypeNum::LONGDOUBLE => {
            let arr = as_array(&arr.0, TypeNum::DOUBLE, wide)?;
            // SAFETY: an aligned f64; the cast truncates, as upstream's does.
            array::for_each_element(&arr, |p| push(unsafe { p.cast::<f64>().read() } as i128))?;
        }
        _ => {
            let arr = as_array(&arr.0, TypeNum::LONG, wide)?;
            // SAFETY: an aligned i64.
            array::for_each_element(&arr, |p| push(unsafe { i128::from(p.cast::<i64>().read()) }))?;
        }
    }
    Ok(out)
}

fn draw_broadcast<'py, K: Kind>(
    stream: &Stream<'py>,
    low: Bound1<'py>,
    high: Bound1<'py>,
    size: &Arg<'py>,
    mode: Mode,
) -> PyResult<Obj<'py>> {
    let py = stream.lock.py();
    let mut low_is_zero = true;
    let low = bound_array::<K>(&low, py, |v| {
        low_is_zero &= v == 0;
        // Below 64 bits a bound that is too large makes an empty range, which is found below.
        let wide = size_of::<K::Bits>() == 8;
        if v < K::MIN || (wide && v > K::MAX) {
            Err(out_of_bounds::<K>("low"))
        } else {
            Ok(v.min(K::MAX + 1))
        }
    })?;
    let high = bound_array::<K>(&high, py, |v| {
        let last = if mode.closed { v } else { v - 1 };
        if last > K::MAX {
            Err(out_of_bounds::<K>("high"))
        } else if last < K::MIN {
            Err(empty_range(mode.closed, low_is_zero))
        } else {
            Ok(last)
        }
    })?;
    let bounds = broadcast_shapes(&[low.shape(), high.shape()]).py(py)?;
    let operands = [(low.data(), low.shape(), low.strides()), (high.data(), high.shape(), high.strides())];
    // SAFETY: elements of the two arrays just made.
    let read = |p: *mut u8| unsafe { p.cast::<u64>().read() };
    let less = |a: u64, b: u64| if K::MIN < 0 { (a as i64) < (b as i64) } else { a < b };
    let mut is_empty = false;
    for_each(&mut walk(py, &bounds, &operands)?, |[l, h]| is_empty |= less(read(h), read(l)));
    if is_empty {
        return Err(empty_range(mode.closed, low_is_zero));
    }
    let out = if given(size) {
        empty(py, size, K::NUM)?
    } else {
        array::new(&dtype::builtin(py, K::NUM), &bounds, Order::C, false)?
    };
    let shape = broadcast_shapes_args(&[low.shape(), high.shape(), out.shape()]).py(py)?;
    let mut it = walk(py, &shape, &operands)?;
    // A size smaller than what the bounds broadcast to is no error: it ends the draws early.
    let (n, data, mut i) = (out.size(), out.data().cast::<K::Bits>(), 0);
    let mut buffer = Buffer::default();
    locked(&stream.lock, n, || {
        for_each(&mut it, |[l, h]| {
            if i == n {
                return;
            }
            let (l, h) = (read(l), read(h));
            let (off, range) = (K::Bits::from_u64(l), K::Bits::from_u64(h.wrapping_sub(l)));
            // SAFETY: one write for each element of a fresh contiguous array, as wide as the bits.
            unsafe { data.add(i).write(bounded(&stream.rng, off, range, mode.masked, &mut buffer)) };
            i += 1;
        });
    })?;
    Ok(out.0)
}
