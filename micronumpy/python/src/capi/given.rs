//! What C passes and what it gets back: pointers as handles, codes as enums, references that change hands.

use std::ffi::c_int;

use micronumpy::{Casting, Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::guard::{Failed, guard};
use crate::ffi::import::cached;
use crate::ffi::types;
use crate::objects::array::ARRAY_TYPE;
use crate::objects::array::args::{ClipMode, SortWord};
use crate::objects::dtype::{self, DtypeClass, user};
use crate::objects::{Array, Descr};

/// `npy_bool`, whose failure is "no".
impl Failed for u8 {
    const FAILED: u8 = 0;
}

/// "All axes", where an axis is expected.
pub const RAVEL_AXIS: c_int = c_int::MIN;
/// "No type", where a type number is expected.
pub const NO_TYPE: c_int = 25;

/// A handle on an object.
///
/// # Safety
/// A live object.
pub unsafe fn object<'py, T>(py: Python<'py>, ptr: *mut T) -> Bound<'py, PyAny> {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_borrowed_ptr(py, ptr.cast()) }
}

/// The same, where null means that there is none.
///
/// # Safety
/// Null or a live object.
pub unsafe fn optional<'py, T>(py: Python<'py>, ptr: *mut T) -> Option<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ptr.cast()) }
}

/// An object or Python's `None`.
///
/// # Safety
/// Null or a live object.
pub unsafe fn or_none<'py, T>(py: Python<'py>, ptr: *mut T) -> Bound<'py, PyAny> {
    // SAFETY: the caller's promise.
    unsafe { optional(py, ptr) }.unwrap_or_else(|| py.None().into_bound(py))
}

/// An array.
///
/// # Safety
/// A live object.
pub unsafe fn array<'py, T>(py: Python<'py>, ptr: *mut T) -> PyResult<Array<'py>> {
    // SAFETY: the caller's promise.
    let obj = unsafe { object(py, ptr) };
    Array::cast(&obj).ok_or_else(|| PyTypeError::new_err("an array is required"))
}

/// A descriptor that stays the caller's.
///
/// # Safety
/// A live descriptor.
pub unsafe fn descr<'py>(py: Python<'py>, ptr: *mut PyArray_Descr) -> Descr<'py> {
    // SAFETY: the caller's promise.
    Descr(unsafe { object(py, ptr) })
}

/// A descriptor the caller gives away; null is none.
///
/// # Safety
/// Null, or a live descriptor whose reference nobody else gives back.
pub unsafe fn stolen<'py>(py: Python<'py>, ptr: *mut PyArray_Descr) -> Option<Descr<'py>> {
    // SAFETY: the caller's promise.
    unsafe { Bound::from_owned_ptr_or_opt(py, ptr.cast()) }.map(Descr)
}

/// The descriptor of a type number, or a type's letter.
pub fn descr_of_number(py: Python<'_>, num: c_int) -> PyResult<Descr<'_>> {
    if (0..TypeNum::NTYPES as i32).contains(&num) {
        return Ok(dtype::builtin(py, TypeNum(num)));
    }
    if num == TypeNum::VSTRING.0 {
        return DtypeClass::of_num(py, TypeNum::VSTRING)?.default_descr();
    }
    // `c` is text of one character.
    if num == c_int::from(b'c') {
        return dtype::convert(pyo3::types::PyString::new(py, "S1").as_any());
    }
    let letter = || u8::try_from(num).ok().and_then(TypeNum::from_char);
    user::descr_of_num(py, TypeNum(num))
        .or_else(|| letter().map(|num| dtype::builtin(py, num)))
        .ok_or_else(|| PyValueError::new_err("Invalid data-type for array"))
}

/// `n` lengths; a null list is that of a number.
///
/// # Safety
/// Null or `n` entries.
pub unsafe fn dims<'a>(ptr: *const isize, n: c_int) -> &'a [isize] {
    if n <= 0 || ptr.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(ptr, n as usize) }
}

/// `NPY_ORDER`
pub fn order(code: c_int) -> Order {
    match code {
        -1 => Order::Any,
        1 => Order::F,
        2 => Order::Keep,
        _ => Order::C,
    }
}

/// The letter of an order, as methods take it.
pub fn order_letter(code: c_int) -> &'static str {
    match order(code) {
        Order::Any => "A",
        Order::F => "F",
        Order::Keep => "K",
        Order::C => "C",
    }
}

/// The number of an order.
pub fn order_code(order: Order) -> c_int {
    match order {
        Order::Any => -1,
        Order::C => 0,
        Order::F => 1,
        Order::Keep => 2,
    }
}

const CASTINGS: [(c_int, Casting); 6] = [
    (0, Casting::No),
    (1, Casting::Equiv),
    (2, Casting::Safe),
    (3, Casting::SameKind),
    (4, Casting::Unsafe),
    (68, Casting::SameValue),
];

/// `NPY_CASTING`
pub fn casting(code: c_int) -> PyResult<Casting> {
    CASTINGS
        .iter()
        .find(|c| c.0 == code)
        .map(|c| c.1)
        .ok_or_else(|| PyValueError::new_err(format!("invalid casting level {code}")))
}

/// The number of a casting level.
pub fn casting_code(casting: Casting) -> c_int {
    CASTINGS.iter().find(|c| c.1 == casting).map_or(-1, |c| c.0)
}

/// The word for `NPY_CLIPMODE`.
pub fn clip_word(code: c_int) -> &'static str {
    match code {
        0 => "clip",
        1 => "wrap",
        _ => "raise",
    }
}

/// `NPY_CLIPMODE`
pub fn clip_code(mode: ClipMode) -> c_int {
    mode as c_int
}

/// The word for `NPY_SORTKIND`.
pub fn sort_word(code: c_int) -> &'static str {
    match code {
        1 => "heapsort",
        2 => "stable",
        _ => "quicksort",
    }
}

/// `NPY_SORTKIND`
pub fn sort_code(kind: SortWord) -> c_int {
    match kind {
        SortWord::Quick => 0,
        SortWord::Heap => 1,
        SortWord::Stable => 2,
    }
}

/// Run a body for a function that answers 1 on success and 0 on failure, as converters do.
pub fn succeed(body: impl FnOnce(Python<'_>) -> PyResult<()>) -> c_int {
    c_int::from(guard(|py| body(py).map(|()| 1)) == 1)
}

/// Run a body for a function that answers 0 on success and -1 on failure.
pub fn zero(body: impl FnOnce(Python<'_>) -> PyResult<()>) -> c_int {
    guard(|py| body(py).map(|()| 0))
}

/// Run a body whose result is a new reference.
pub fn give<T>(body: impl for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyAny>>) -> *mut T {
    guard(|py| body(py).map(raw))
}

/// `ndarray`'s own method, whatever a subclass makes of it.
pub fn method<'py>(
    arr: &Array<'py>,
    name: &str,
    args: &[Bound<'py, PyAny>],
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arr.py();
    // SAFETY: a ready type.
    let class = unsafe { types::handle(py, ARRAY_TYPE.as_type()) };
    let all = std::iter::once(&arr.0).chain(args);
    class.getattr(name)?.call(PyTuple::new(py, all.collect::<Vec<_>>())?, kwargs)
}

/// A function of numpy's compiled module.
pub fn function<'py>(
    py: Python<'py>,
    name: &str,
    args: &[Bound<'py, PyAny>],
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let function = cached(py, "numpy._core._multiarray_umath", name)?;
    function.call(PyTuple::new(py, args)?, kwargs)
}

/// A result as the C functions give it: an array, be it of no dimensions.
pub fn as_array<'py>(obj: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match Array::cast(&obj) {
        Some(_) => Ok(obj),
        None => Ok(crate::objects::array::from_any(&obj, None, 0, 0, 0)?.0),
    }
}

/// An integer object.
pub fn int(py: Python<'_>, n: impl Into<i64>) -> Bound<'_, PyAny> {
    match n.into().into_pyobject(py) {
        Ok(n) => n.into_any(),
        Err(never) => match never {},
    }
}

/// A text object.
pub fn text<'py>(py: Python<'py>, s: &str) -> Bound<'py, PyAny> {
    match s.into_pyobject(py) {
        Ok(s) => s.into_any(),
        Err(never) => match never {},
    }
}

/// An axis as methods take it.
pub fn axis(py: Python<'_>, axis: c_int) -> Bound<'_, PyAny> {
    if axis == RAVEL_AXIS { py.None().into_bound(py) } else { int(py, axis) }
}

/// [`axis`] of a reduction: an array without dimensions is folded like a row of one element.
pub fn folded_axis<'py>(arr: &Array<'py>, number: c_int) -> PyResult<Bound<'py, PyAny>> {
    let py = arr.py();
    if arr.ndim() == 0 && number != RAVEL_AXIS {
        micronumpy::array::normalize_axis(number as isize, 1).py(py)?;
        return Ok(py.None().into_bound(py));
    }
    Ok(axis(py, number))
}

/// A type number as methods take a dtype.
pub fn dtype_arg(py: Python<'_>, num: c_int) -> PyResult<Bound<'_, PyAny>> {
    Ok(if num == NO_TYPE { py.None().into_bound(py) } else { descr_of_number(py, num)?.0 })
}

/// Objects that C lists.
///
/// # Safety
/// `n` live objects.
pub unsafe fn objects<'py, T>(py: Python<'py>, list: *const *mut T, n: usize) -> Vec<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    (0..n).map(|i| unsafe { object(py, *list.add(i)) }).collect()
}

/// Raw pointer of a reference that is given away.
pub fn raw<T>(obj: Bound<'_, PyAny>) -> *mut T {
    let ptr: *mut PyObject = obj.into_ptr();
    ptr.cast()
}
