//! Converters for arguments array functions share: shapes, orders, axes, casting levels, clip modes.

use micronumpy::array::MAXDIMS;
use micronumpy::{Casting, Dims, Order};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::objects::Array;

/// What an index too large for `isize` says.
fn is_overflow(e: &PyErr, py: Python<'_>) -> bool {
    e.is_instance_of::<PyOverflowError>(py)
}

/// An integer by `__index__` (numpy's `PyArray_PyIntAsIntp`). Booleans are integers here.
pub fn index(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    let py = obj.py();
    // SAFETY: live object; -1 may be a value or an error.
    unsafe {
        let v = ffi::PyNumber_AsSsize_t(obj.as_ptr(), ffi::PyExc_OverflowError);
        if v == -1 {
            if let Some(e) = PyErr::take(py) {
                if is_overflow(&e, py) {
                    return Err(PyOverflowError::new_err("Python int too large to convert to C long"));
                }
                return Err(e);
            }
        }
        Ok(v)
    }
}

/// A truth value of Python or numpy.
fn is_bool(obj: &Bound<'_, PyAny>) -> bool {
    obj.is_instance_of::<pyo3::types::PyBool>()
        || crate::objects::handles::is_scalar(obj)
            && crate::objects::scalar::descr_of_scalar(obj)
                .is_ok_and(|d| d.is_some_and(|d| d.dtype().num.is_bool()))
}

/// The value of an `int` itself that is no matter of dispute.
#[inline]
fn plain_int(obj: &Bound<'_, PyAny>) -> Option<isize> {
    let mut overflow = 0;
    // SAFETY: a live object, read as what its type says it is.
    unsafe {
        if ffi::PyLong_CheckExact(obj.as_ptr()) == 0 {
            return None;
        }
        let value = ffi::PyLong_AsLongLongAndOverflow(obj.as_ptr(), &mut overflow);
        (overflow == 0).then_some(value as isize)
    }
}

/// One dimension of a shape: like [`index`], but booleans are refused in the words numpy uses and large ones exceed.
fn dimension(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    if let Some(n) = plain_int(obj) {
        return Ok(n);
    }
    if is_bool(obj) {
        return Err(PyTypeError::new_err("an integer is required"));
    }
    index(obj).map_err(|e| {
        if is_overflow(&e, obj.py()) {
            PyValueError::new_err("Maximum allowed dimension exceeded")
        } else {
            e
        }
    })
}

/// A shape: an integer or a sequence of integers. `None` is an error.
pub fn shape(obj: &Bound<'_, PyAny>) -> PyResult<Dims> {
    match optional_shape(obj)? {
        Some(s) => Ok(s),
        None => Err(PyTypeError::new_err("Use () not None as shape arguments")),
    }
}

/// A shape, `None` for Python's `None`.
pub fn optional_shape(obj: &Bound<'_, PyAny>) -> PyResult<Option<Dims>> {
    if obj.is_none() {
        return Ok(None);
    }
    if let Some(n) = plain_int(obj) {
        return Ok(Some(Dims::from_slice(&[n])));
    }
    if let Ok(t) = obj.cast::<PyTuple>() {
        return sequence(t.iter(), t.len()).map(Some);
    }
    // SAFETY: type checks on a live object.
    let (is_int, is_seq) =
        unsafe { (ffi::PyLong_CheckExact(obj.as_ptr()) != 0, ffi::PySequence_Check(obj.as_ptr()) != 0) };
    if !is_int && is_seq {
        if let Ok(n) = obj.len() {
            if n > MAXDIMS {
                return Err(super::alloc::too_many_dims(n));
            }
            let mut out = Dims::new();
            for i in 0..n {
                out.push(dimension(&obj.get_item(i)?)?);
            }
            return Ok(Some(out));
        }
        // 0-d arrays say they are sequences and have no length.
    }
    let bad = || -> PyErr {
        let text = obj.repr().map(|s| s.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("expected a sequence of integers or a single integer, got '{text}'"))
    };
    if obj.is_instance_of::<pyo3::types::PyBool>() {
        return Err(bad());
    }
    match dimension(obj) {
        Ok(n) => Ok(Some(Dims::from_slice(&[n]))),
        Err(e) if e.is_instance_of::<PyTypeError>(obj.py()) => Err(bad()),
        Err(e) => Err(e),
    }
}

/// Integers from an iterator of known length.
pub fn sequence<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, len: usize) -> PyResult<Dims> {
    if len > MAXDIMS {
        return Err(super::alloc::too_many_dims(len));
    }
    items.map(|o| dimension(&o)).collect()
}

/// A shape given as one argument or as several (`reshape(2, 3)`, `reshape((2, 3))`); `None` for `(None,)`.
pub fn shape_varargs<'py>(args: &[Bound<'py, PyAny>]) -> PyResult<Option<Dims>> {
    match args {
        [one] => optional_shape(one),
        many => sequence(many.iter().cloned(), many.len()).map(Some),
    }
}

/// The text of a string or bytes argument.
pub fn text(obj: &Bound<'_, PyAny>) -> Option<String> {
    if let Ok(s) = obj.cast::<PyString>() {
        return Some(s.to_string_lossy().into_owned());
    }
    obj.cast::<PyBytes>().ok().map(|b| String::from_utf8_lossy(b.as_bytes()).into_owned())
}

fn type_name(obj: &Bound<'_, PyAny>) -> String {
    obj.get_type().name().map(|n| n.to_string()).unwrap_or_default()
}

/// An argument that is one of a few words (str, or bytes in UTF-8). `parse` gives `None` for other words, which are an
/// error that starts with `complaint`; `what` names the argument.
pub fn word<T>(
    obj: &Bound<'_, PyAny>,
    what: &str,
    complaint: &str,
    parse: impl FnOnce(&str) -> PyResult<Option<T>>,
) -> PyResult<T> {
    let known = if let Ok(s) = obj.cast::<PyString>() {
        parse(&s.to_string_lossy())?
    } else if let Ok(b) = obj.cast::<PyBytes>() {
        match std::str::from_utf8(b.as_bytes()) {
            Ok(s) => parse(s)?,
            Err(_) => None,
        }
    } else {
        return Err(PyTypeError::new_err(format!("{what} must be str, not {}", type_name(obj))));
    };
    match known {
        Some(value) => Ok(value),
        None => Err(PyValueError::new_err(format!("{complaint} (got {})", obj.repr()?))),
    }
}

/// `order='C'|'F'|'A'|'K'` (any case; `None` and absent: the default).
pub fn order(obj: Option<&Bound<'_, PyAny>>, default: Order) -> PyResult<Order> {
    let Some(obj) = obj.filter(|o| !o.is_none()) else { return Ok(default) };
    word(obj, "order", "order must be one of 'C', 'F', 'A', or 'K'", |s| {
        Ok(match s {
            "C" | "c" => Some(Order::C),
            "F" | "f" => Some(Order::F),
            "A" | "a" => Some(Order::Any),
            "K" | "k" => Some(Order::Keep),
            _ => None,
        })
    })
}

/// `casting='same_kind'` and friends.
pub fn casting(obj: Option<&Bound<'_, PyAny>>, default: Casting) -> PyResult<Casting> {
    let Some(obj) = obj else { return Ok(default) };
    let complaint = "casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe', 'same_value'";
    word(obj, "casting", complaint, |s| Ok(casting_name(s)))
}

/// [`casting`] where `'same_value'` is not taken.
pub fn plain_casting(obj: Option<&Bound<'_, PyAny>>, default: Casting) -> PyResult<Casting> {
    let Some(obj) = obj else { return Ok(default) };
    let complaint = "casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe'";
    word(obj, "casting", complaint, |s| Ok(casting_name(s).filter(|&c| c != Casting::SameValue)))
}

/// How to sort. Only the first letter counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SortWord {
    Quick,
    Heap,
    Stable,
}

/// `kind='quicksort'`
pub fn sort_kind(obj: &Bound<'_, PyAny>) -> PyResult<SortWord> {
    word(obj, "sort kind", "sort kind must be one of 'quick', 'heap', or 'stable'", |s| {
        Ok(match s.as_bytes().first().map(u8::to_ascii_lowercase) {
            Some(b'q') => Some(SortWord::Quick),
            Some(b'h') => Some(SortWord::Heap),
            Some(b'm' | b's') => Some(SortWord::Stable),
            _ => None,
        })
    })
}

/// `kind='introselect'`, the only one there is.
pub fn select_kind(obj: &Bound<'_, PyAny>) -> PyResult<()> {
    word(obj, "select kind", "select kind must be 'introselect'", |s| Ok((s == "introselect").then_some(())))
}

/// `side='left'` (false) or `'right'` (true).
pub fn search_side(obj: &Bound<'_, PyAny>) -> PyResult<bool> {
    word(obj, "search side", "search side must be 'left' or 'right'", |s| match s {
        "left" => Ok(Some(false)),
        "right" => Ok(Some(true)),
        _ if matches!(s.as_bytes().first(), Some(b'l' | b'L' | b'r' | b'R')) => {
            Err(PyValueError::new_err("search side must be one of 'left' or 'right'"))
        }
        _ => Ok(None),
    })
}

fn casting_name(s: &str) -> Option<Casting> {
    Some(match s {
        "no" => Casting::No,
        "equiv" => Casting::Equiv,
        "safe" => Casting::Safe,
        "same_kind" => Casting::SameKind,
        "unsafe" => Casting::Unsafe,
        "same_value" => Casting::SameValue,
        _ => return None,
    })
}

/// What numpy calls a casting level.
pub fn casting_text(c: Casting) -> &'static str {
    match c {
        Casting::No => "no",
        Casting::Equiv => "equiv",
        Casting::Safe => "safe",
        Casting::SameKind => "same_kind",
        Casting::Unsafe => "unsafe",
        Casting::SameValue => "same_value",
    }
}

/// An axis, `None` for Python's `None` (all axes).
pub fn axis(obj: Option<&Bound<'_, PyAny>>) -> PyResult<Option<isize>> {
    if let Some(axis) = obj.and_then(plain_int).filter(|&axis| i32::try_from(axis).is_ok()) {
        return Ok(Some(axis));
    }
    match obj {
        Some(o) if is_bool(o) => Err(PyTypeError::new_err("an integer is required for the axis")),
        Some(o) if !o.is_none() => int32(o).map(Some),
        _ => Ok(None),
    }
}

/// An axis with a default.
pub fn axis_or(obj: Option<&Bound<'_, PyAny>>, default: isize) -> PyResult<isize> {
    match obj {
        Some(o) => int32(o),
        None => Ok(default),
    }
}

/// A C int by `__index__`, in the words of numpy's `PyArray_PyIntAsInt`.
pub fn int32(obj: &Bound<'_, PyAny>) -> PyResult<isize> {
    let v = index(obj)?;
    if i32::try_from(v).is_err() {
        return Err(PyOverflowError::new_err("Python int too large to convert to C int"));
    }
    Ok(v)
}

/// `mode='raise'|'wrap'|'clip'` of `take`, `put`, `choose`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClipMode {
    Clip = 0,
    Wrap = 1,
    Raise = 2,
}

/// See [`ClipMode`]; integers 0, 1, 2 are accepted too.
pub fn clip_mode(obj: Option<&Bound<'_, PyAny>>) -> PyResult<ClipMode> {
    let Some(obj) = obj.filter(|o| !o.is_none()) else { return Ok(ClipMode::Raise) };
    if obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>() {
        return word(obj, "clipmode", "clipmode must be one of 'clip', 'raise', or 'wrap'", |s| match s {
            "clip" => Ok(Some(ClipMode::Clip)),
            "wrap" => Ok(Some(ClipMode::Wrap)),
            "raise" => Ok(Some(ClipMode::Raise)),
            _ if matches!(s.as_bytes().first(), Some(b'C' | b'c' | b'W' | b'w' | b'R' | b'r')) => {
                Err(PyValueError::new_err("Use one of 'clip', 'raise', or 'wrap' for clip mode"))
            }
            _ => Ok(None),
        });
    }
    match index(obj) {
        Ok(0) => Ok(ClipMode::Clip),
        Ok(1) => Ok(ClipMode::Wrap),
        Ok(2) => Ok(ClipMode::Raise),
        Ok(_) => Err(PyTypeError::new_err(
            "integer clipmode must be RAISE, WRAP, or CLIP from 'numpy._core.multiarray'",
        )),
        Err(_) => Err(PyTypeError::new_err("clipmode not understood")),
    }
}

/// An optional output argument: absent, `None`, or an array.
pub fn out<'py>(obj: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Array<'py>>> {
    match obj {
        Some(o) if !o.is_none() => match Array::cast(o) {
            Some(a) => Ok(Some(a)),
            None => Err(PyTypeError::new_err("output must be an array")),
        },
        _ => Ok(None),
    }
}

/// A truth value with a default.
pub fn truth(obj: Option<&Bound<'_, PyAny>>, default: bool) -> PyResult<bool> {
    match obj {
        Some(o) => o.is_truthy(),
        None => Ok(default),
    }
}

/// A tuple of integers.
pub fn int_tuple<'py>(py: Python<'py>, items: &[isize]) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a new tuple whose slots are filled before anybody sees it.
    unsafe {
        let t = ffi::PyTuple_New(items.len() as isize);
        if t.is_null() {
            return Err(PyErr::fetch(py));
        }
        let t = Bound::from_owned_ptr(py, t);
        for (i, &v) in items.iter().enumerate() {
            let o = ffi::PyLong_FromSsize_t(v);
            if o.is_null() {
                return Err(PyErr::fetch(py));
            }
            ffi::PyTuple_SET_ITEM(t.as_ptr(), i as isize, o);
        }
        Ok(t)
    }
}

/// `copy=None|True|False|_CopyMode`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyMode {
    IfNeeded,
    Always,
    Never,
}

/// Whether the argument is a member of `numpy._CopyMode`, and which.
fn copy_enum(obj: &Bound<'_, PyAny>) -> PyResult<Option<CopyMode>> {
    let py = obj.py();
    let cls = crate::ffi::import::cached(py, "numpy._globals", "_CopyMode")?;
    if obj.get_type().is(&cls) {
        let v: i64 = obj.getattr("value")?.extract()?;
        return Ok(Some(match v {
            0 => CopyMode::Never,
            1 => CopyMode::Always,
            _ => CopyMode::IfNeeded,
        }));
    }
    Ok(None)
}

/// The copy argument of `array`, `asarray`, `reshape`, `__array__`.
pub fn copy_mode(obj: Option<&Bound<'_, PyAny>>, default: CopyMode) -> PyResult<CopyMode> {
    let Some(obj) = obj else { return Ok(default) };
    if obj.is_none() {
        return Ok(CopyMode::IfNeeded);
    }
    if obj.is_instance_of::<pyo3::types::PyBool>() {
        return Ok(if obj.is_truthy()? { CopyMode::Always } else { CopyMode::Never });
    }
    if let Some(m) = copy_enum(obj)? {
        return Ok(m);
    }
    if obj.is_instance_of::<PyString>() {
        return Err(PyValueError::new_err(
            "strings are not allowed for 'copy' keyword. Use True/False/None instead.",
        ));
    }
    Ok(if obj.is_truthy()? { CopyMode::Always } else { CopyMode::Never })
}

/// The copy argument of `astype`: no "never".
pub fn astype_copy(obj: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
    let Some(obj) = obj else { return Ok(true) };
    match copy_enum(obj)? {
        Some(CopyMode::Always) => Ok(true),
        Some(CopyMode::IfNeeded) => Ok(false),
        Some(CopyMode::Never) => {
            Err(PyValueError::new_err("_CopyMode.NEVER is not allowed for this function"))
        }
        None => obj.is_truthy(),
    }
}

/// The items of a list or tuple, or of any sequence turned into one.
pub fn items<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if let Ok(t) = obj.cast::<PyTuple>() {
        return Ok(t.iter().collect());
    }
    if let Ok(l) = obj.cast::<PyList>() {
        return Ok(l.iter().collect());
    }
    obj.try_iter()?.collect()
}

/// `device='cpu'` or `None`.
pub fn device(obj: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match obj {
        Some(o) if !o.is_none() => {
            if let Some(s) = text(o) {
                if s == "cpu" {
                    return Ok(());
                }
                return Err(PyValueError::new_err(format!(
                    "Device not understood. Only \"cpu\" is allowed, but received: {s}"
                )));
            }
            let r = o.str()?.to_string();
            Err(PyValueError::new_err(format!(
                "Device not understood. Only \"cpu\" is allowed, but received: {r}"
            )))
        }
        _ => Ok(()),
    }
}
