//! From anything to a descriptor: `numpy.dtype(obj)`.
//!
//! The forms are tried in a fixed order, which matters for objects that are several things at once: dtype, class, text,
//! tuple, list, dictionary, then whatever offers a `dtype` attribute or is a ctypes type.

use std::ffi::CStr;

use micronumpy::dtype::SWAPPED;
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{
    PyDeprecationWarning, PyRecursionError, PySystemError, PyTypeError, PyUnicodeDecodeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMappingProxy, PyString, PyTuple, PyType};
use pyo3::{PyTypeInfo, ffi, intern};

use super::class::DtypeClass;
use super::{DESCR_TYPE, alloc, builtin, copy, datetime, fields, string};
use crate::ffi::import::cached;
use crate::objects::handles::is_array;
use crate::objects::{Descr, scalar};

/// Anything `numpy.dtype(obj)` accepts (`None` is float64), as the C API's `PyArray_DescrConverter`.
pub fn convert<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
    convert_with(obj, false)
}

/// A dtype, or a DType class: one with parameters stands for whatever instance fits the data.
pub fn convert_or_class<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
    match DtypeClass::cast(obj) {
        Some(class) if class.is_abstract() => Err(PyTypeError::new_err(format!(
            "Cannot convert {} into a dtype.",
            if class.raw() == DESCR_TYPE.get() { "np.dtype".into() } else { class.0.repr()?.to_string() }
        ))),
        Some(class) => class.prototype(),
        None => convert(obj),
    }
}

/// A dtype, or a DType class, which stands for its default instance.
pub fn convert_or_default<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
    match convert_or_class(obj)? {
        descr if DtypeClass::is_prototype(&descr) => DtypeClass::of(&descr).default_descr(),
        descr => Ok(descr),
    }
}

/// [`convert`] for a structure whose fields are to be aligned.
///
/// Structures nest, so this function and what it calls on the way to itself keep their stack frames small.
pub fn convert_with<'py>(obj: &Bound<'py, PyAny>, align: bool) -> PyResult<Descr<'py>> {
    if let Some(descr) = Descr::cast(obj) {
        return Ok(descr);
    }
    if let Ok(text) = obj.cast::<PyString>() {
        return from_str(text, align);
    }
    if let Ok(tuple) = obj.cast::<PyTuple>() {
        let _depth =
            Recursion::enter(obj.py(), c" while trying to convert the given data type from a tuple object")?;
        return fields::from_tuple(tuple, align);
    }
    if let Ok(list) = obj.cast::<PyList>() {
        let _depth =
            Recursion::enter(obj.py(), c" while trying to convert the given data type from a list object")?;
        return fields::from_list(list, align);
    }
    if obj.is_instance_of::<PyDict>() || obj.is_instance_of::<PyMappingProxy>() {
        let _depth =
            Recursion::enter(obj.py(), c" while trying to convert the given data type from a dict object")?;
        return fields::from_dict(obj, align);
    }
    from_other(obj, align)
}

/// What is no container: `None`, classes, bytes, objects that know their dtype.
#[inline(never)]
fn from_other<'py>(obj: &Bound<'py, PyAny>, align: bool) -> PyResult<Descr<'py>> {
    let py = obj.py();
    if obj.is_none() {
        return Ok(builtin(py, TypeNum::DOUBLE));
    }
    if let Ok(ty) = obj.cast::<PyType>() {
        return from_type(ty);
    }
    if obj.is_instance_of::<PyBytes>() {
        // SAFETY: a bytes object; the result is a new reference or null.
        let text = unsafe {
            let text = ffi::PyUnicode_FromEncodedObject(obj.as_ptr(), c"ascii".as_ptr(), c"strict".as_ptr());
            Bound::from_owned_ptr_or_err(py, text)
        };
        return match text {
            Ok(text) => from_str(text.cast()?, align),
            Err(e) if e.is_instance_of::<PyUnicodeDecodeError>(py) => {
                Err(PyTypeError::new_err("data type not understood"))
            }
            Err(e) => Err(e),
        };
    }
    if is_array(obj) {
        return Err(PyTypeError::new_err("Cannot construct a dtype from an array"));
    }
    if let Some(descr) = from_dtype_attr(obj)? {
        return Ok(descr);
    }
    if let Some(descr) = from_ctypes(&obj.get_type())? {
        return Ok(descr);
    }
    Err(PyTypeError::new_err(format!("Cannot interpret '{}' as a data type", obj.repr()?.to_string_lossy())))
}

/// One level of CPython's recursion count.
struct Recursion;

impl Recursion {
    fn enter(py: Python<'_>, doing: &'static CStr) -> PyResult<Recursion> {
        // SAFETY: a C string; left again on drop.
        if unsafe { ffi::Py_EnterRecursiveCall(doing.as_ptr()) } != 0 {
            return Err(PyErr::take(py).unwrap_or_else(|| PyRecursionError::new_err("")));
        }
        Ok(Recursion)
    }
}

impl Drop for Recursion {
    fn drop(&mut self) {
        // SAFETY: entered by `enter`.
        unsafe { ffi::Py_LeaveRecursiveCall() };
    }
}

fn from_type<'py>(ty: &Bound<'py, PyType>) -> PyResult<Descr<'py>> {
    let py = ty.py();
    let raw = ty.as_type_ptr();
    // SAFETY: live types.
    if unsafe { ffi::PyType_IsSubtype(raw, scalar::GENERIC.as_type()) } != 0 {
        return from_scalar_type(ty);
    }
    for (python, num) in [
        (&raw mut ffi::PyFloat_Type, TypeNum::DOUBLE),
        (&raw mut ffi::PyLong_Type, TypeNum::LONG),
        (&raw mut ffi::PyBool_Type, TypeNum::BOOL),
        (&raw mut ffi::PyComplex_Type, TypeNum::CDOUBLE),
        (&raw mut ffi::PyBytes_Type, TypeNum::STRING),
        (&raw mut ffi::PyUnicode_Type, TypeNum::UNICODE),
        (&raw mut ffi::PyMemoryView_Type, TypeNum::VOID),
    ] {
        if raw == python {
            return Ok(builtin(py, num));
        }
    }
    if let Some(descr) = from_dtype_attr(ty)? {
        return Ok(descr);
    }
    if let Some(descr) = from_ctypes(ty)? {
        return Ok(descr);
    }
    Ok(builtin(py, TypeNum::OBJECT))
}

/// The descriptor of a class below `numpy.generic`.
pub(crate) fn from_scalar_type<'py>(ty: &Bound<'py, PyType>) -> PyResult<Descr<'py>> {
    use scalar::types::*;
    let py = ty.py();
    let raw = ty.as_type_ptr();
    if let Some(num) = typenum_of_class(raw) {
        return Ok(builtin(py, num));
    }
    for (class, text) in [
        (&NUMBER, "Converting `np.inexact` or `np.floating` to a dtype not allowed"),
        (&INEXACT, "Converting `np.inexact` or `np.floating` to a dtype not allowed"),
        (&FLOATING, "Converting `np.inexact` or `np.floating` to a dtype not allowed"),
        (&COMPLEX_FLOATING, "Converting `np.complex` to a dtype is not allowed."),
        (&INTEGER, "Converting 'np.integer' or 'np.signedinteger' to a dtype is not allowed"),
        (&SIGNED_INTEGER, "Converting 'np.integer' or 'np.signedinteger' to a dtype is not allowed"),
        (&UNSIGNED_INTEGER, "Converting `np.unsignedinteger` to a dtype is not allowed"),
        (&CHARACTER, "Converting `np.character` to a dtype is not allowed"),
        (&GENERIC, "Converting `np.generic` to a dtype is not allowed."),
        (&FLEXIBLE, "Converting `np.generic` to a dtype is not allowed."),
    ] {
        if raw == class.as_type() {
            return Err(PyTypeError::new_err(text));
        }
    }
    if let Some(descr) = super::user::descr_of_class(py, raw) {
        return Ok(descr);
    }
    // SAFETY: live types.
    if unsafe { ffi::PyType_IsSubtype(raw, concrete(TypeNum::VOID)) } != 0 {
        let new = copy(&builtin(py, TypeNum::VOID))?;
        // SAFETY: a fresh descriptor owns a reference to its scalar class.
        unsafe {
            let slot = &mut (*new.raw()).typeobj;
            ffi::Py_INCREF(raw.cast());
            ffi::Py_DECREF((*slot).cast());
            *slot = raw;
        }
        // Only checked: a `dtype` of the class that is none is an error.
        from_dtype_attr(ty)?;
        return Ok(new);
    }
    match ty.mro().iter().nth(1) {
        Some(parent) => from_scalar_type(parent.cast()?),
        None => Ok(builtin(py, TypeNum::OBJECT)),
    }
}

/// What an object says by its `__numpy_dtype__` or `dtype` attribute.
pub(crate) fn from_dtype_attr<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    let py = obj.py();
    for name in [intern!(py, "__numpy_dtype__"), intern!(py, "dtype")] {
        let Some(attr) = obj.getattr_opt(name)? else { continue };
        // On a class, a property or slot of that name describes instances, not the class.
        // SAFETY: live object and type.
        if unsafe { (*ffi::Py_TYPE(attr.as_ptr())).tp_descr_get.is_some() } {
            continue;
        }
        return match Descr::cast(&attr) {
            Some(descr) => Ok(Some(descr)),
            None => Err(PyValueError::new_err(format!(
                "Could not convert {} to a NumPy dtype (via `.{name}` value {}).",
                obj.repr()?.to_string_lossy(),
                attr.repr()?.to_string_lossy()
            ))),
        };
    }
    Ok(None)
}

fn from_ctypes<'py>(ty: &Bound<'py, PyType>) -> PyResult<Option<Descr<'py>>> {
    let py = ty.py();
    // Classes of Python code only: asking about plain builtin types would import ctypes for nothing.
    if !cached(py, "numpy._core._internal", "npy_ctypes_check")?.call1((ty,))?.is_truthy()? {
        return Ok(None);
    }
    let descr = cached(py, "numpy._core._dtype_ctypes", "dtype_from_ctypes_type")?.call1((ty,))?;
    match Descr::cast(&descr) {
        Some(descr) => Ok(Some(descr)),
        None => Err(PySystemError::new_err(
            "Internal dtype_from_ctypes_type() returned something that is not a dtype",
        )),
    }
}

fn not_understood(text: &Bound<'_, PyString>) -> PyErr {
    match text.repr() {
        Ok(repr) => PyTypeError::new_err(format!("data type {} not understood", repr.to_string_lossy())),
        Err(e) => e,
    }
}

/// Whether text is a list of types: `"i4,f8"`, `"3i4"`, `"(2,3)f4"`.
fn is_comma_string(text: &[u8]) -> bool {
    let is_order = |c: u8| matches!(c, b'<' | b'>' | b'=' | b'|');
    let rest = match text {
        [order, rest @ ..] if is_order(*order) && rest.len() > 1 => rest,
        _ => text,
    };
    if rest.first().is_some_and(u8::is_ascii_digit) || rest.starts_with(b"()") {
        return true;
    }
    let mut brackets = 0;
    text.iter().any(|c| {
        match c {
            b'[' => brackets += 1,
            b']' => brackets -= 1,
            _ => {}
        }
        *c == b',' && brackets == 0
    })
}

fn from_str<'py>(obj: &Bound<'py, PyString>, align: bool) -> PyResult<Descr<'py>> {
    let py = obj.py();
    let whole = obj.to_str()?;
    if is_comma_string(whole.as_bytes()) {
        let parts = cached(py, "numpy._core._internal", "_commastring")?.call1((obj,))?;
        return match parts.cast::<PyList>() {
            Ok(list) => fields::from_unnamed(list, align),
            Err(_) => convert_with(&parts, align),
        };
    }
    let (order, text) = match whole.as_bytes().first() {
        Some(&c @ (b'<' | b'>' | b'=')) => (c, &whole[1..]),
        Some(b'|') => (b'=', &whole[1..]),
        _ => (b'=', whole),
    };
    if text.is_empty() {
        return Err(not_understood(obj));
    }
    let descr = if let Some(parsed) = datetime::parse_typestr(text) {
        let (num, meta) = parsed?;
        super::descr_of(py, &Dtype::datetime(num, meta))?
    } else {
        match code(py, text)? {
            Some(descr) => descr,
            None => return from_name(obj),
        }
    };
    // SAFETY: a live descriptor.
    let own = unsafe { (*descr.raw()).byteorder };
    if order == SWAPPED && own != b'|' {
        let new = copy(&descr)?;
        // SAFETY: nobody else has seen the copy.
        unsafe { (*new.raw()).byteorder = SWAPPED };
        return Ok(new);
    }
    Ok(descr)
}

/// Type codes: one character, or a kind and an item size.
fn code<'py>(py: Python<'py>, text: &str) -> PyResult<Option<Descr<'py>>> {
    let bytes = text.as_bytes();
    if let [ch] = bytes {
        return match ch {
            b'p' | b'n' => Ok(Some(builtin(py, TypeNum::LONG))),
            b'P' | b'N' => Ok(Some(builtin(py, TypeNum::ULONG))),
            b'c' => {
                let descr = alloc(py, &Dtype::string(1))?;
                // SAFETY: nobody else has seen it.
                unsafe { (*descr.raw()).type_ = b'c' };
                Ok(Some(descr))
            }
            b'a' => {
                warn_a(py)?;
                Ok(Some(builtin(py, TypeNum::STRING)))
            }
            b'T' => string::default_instance(py).map(Some),
            // Type numbers as characters, from before there were type codes.
            num @ ..24 => Ok(Some(builtin(py, TypeNum((*num).into())))),
            ch => Ok(TypeNum::from_char(*ch)
                .filter(|n| n.0 < TypeNum::NTYPES as i32)
                .map(|num| builtin(py, num))),
        };
    }
    let Some((size, end)) = datetime::strtol(bytes, 1) else { return Ok(None) };
    if end != bytes.len() || !(0..=i64::from(i32::MAX)).contains(&size) {
        return Ok(None);
    }
    let size = size as usize;
    let num = match (bytes[0], size) {
        (b'S' | b'a', _) => {
            if bytes[0] == b'a' {
                warn_a(py)?;
            }
            return super::descr_of(py, &Dtype::string(size)).map(Some);
        }
        (b'U', _) => {
            if size > i32::MAX as usize / 4 {
                return Ok(None);
            }
            return super::descr_of(py, &Dtype::unicode(size)).map(Some);
        }
        (b'V', _) => return super::descr_of(py, &Dtype::void(size)).map(Some),
        (b'b', 1) => TypeNum::BOOL,
        (b'i', 1) => TypeNum::BYTE,
        (b'i', 2) => TypeNum::SHORT,
        (b'i', 4) => TypeNum::INT,
        (b'i', 8) => TypeNum::LONG,
        (b'u', 1) => TypeNum::UBYTE,
        (b'u', 2) => TypeNum::USHORT,
        (b'u', 4) => TypeNum::UINT,
        (b'u', 8) => TypeNum::ULONG,
        (b'f', 2) => TypeNum::HALF,
        (b'f', 4) => TypeNum::FLOAT,
        (b'f', 8) => TypeNum::DOUBLE,
        (b'f', 16) => TypeNum::LONGDOUBLE,
        (b'c', 8) => TypeNum::CFLOAT,
        (b'c', 16) => TypeNum::CDOUBLE,
        (b'c', 32) => TypeNum::CLONGDOUBLE,
        (b'O', 4 | 8) => TypeNum::OBJECT,
        _ => return Ok(None),
    };
    Ok(Some(builtin(py, num)))
}

fn warn_a(py: Python<'_>) -> PyResult<()> {
    let text = c"Data type alias 'a' was deprecated in NumPy 2.0. Use the 'S' alias instead.";
    PyErr::warn(py, &PyDeprecationWarning::type_object(py), text, 1)
}

/// Names: `"float64"`, `"object"`.
fn from_name<'py>(obj: &Bound<'py, PyString>) -> PyResult<Descr<'py>> {
    let py = obj.py();
    if let Some(dict) = super::type_dict(py)
        && let Some(entry) = dict.get_item(obj)?
    {
        return match entry.cast::<PyType>() {
            Ok(ty) => from_type(ty),
            Err(_) => convert(&entry),
        };
    }
    let text = obj.to_str()?;
    if matches!(text, "int0" | "uint0" | "void0" | "object0" | "str0" | "bytes0" | "bool8") {
        return Err(PyTypeError::new_err(format!(
            "Alias '{text}' was removed in NumPy 2.0. Use a name without a digit at the end."
        )));
    }
    Err(not_understood(obj))
}

/// `numpy.dtype.__new__`
pub(super) fn dtype_new<'py>(
    cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    if cls.as_ptr() != DESCR_TYPE.as_object() {
        return Err(PySystemError::new_err(format!(
            "'{}' must not inherit np.dtype.__new__(). User DTypes should currently call `PyArrayDescr_Type.tp_new` \
             from their new.",
            cls.repr()?.to_string_lossy()
        )));
    }
    let [spec, align, do_copy, metadata] = parse_new(args.cast()?, kwargs)?;
    let align = match align {
        None => false,
        Some(flag) => {
            let is_bool = flag.is_instance_of::<pyo3::types::PyBool>()
                // SAFETY: live object.
                || unsafe { ffi::Py_TYPE(flag.as_ptr()) } == scalar::concrete(TypeNum::BOOL);
            // Old pickles pass exactly 0 and 1.
            let exactly = |obj: &Bound<'py, PyAny>, n: i64| {
                obj.is_exact_instance_of::<pyo3::types::PyInt>() && obj.extract().is_ok_and(|v: i64| v == n)
            };
            let pickled = exactly(&flag, 0) && do_copy.as_ref().is_some_and(|c| exactly(c, 1));
            if !is_bool && !pickled {
                let text = format!(
                    "dtype(): align should be passed as Python or NumPy boolean but got `align={}`. Did you mean to \
                     pass a tuple to create a subarray type? (Deprecated NumPy 2.4)",
                    flag.repr()?.to_string_lossy()
                );
                let category = cached(py, "numpy.exceptions", "VisibleDeprecationWarning")?;
                let text = std::ffi::CString::new(text.replace('\0', "\\0"))?;
                PyErr::warn(py, &category, &text, 1)?;
            }
            flag.is_truthy()?
        }
    };
    let do_copy = match do_copy {
        None => false,
        Some(flag) => flag.is_truthy()?,
    };
    let mut descr = convert_with(&spec.expect("required"), align)?;
    if do_copy {
        descr = copy(&descr)?;
    }
    if let Some(metadata) = metadata {
        let metadata = metadata.cast::<PyDict>()?;
        if super::legacy(&descr).is_none() {
            return Err(PyTypeError::new_err("cannot attach metadata to new style DType"));
        }
        if !do_copy {
            descr = copy(&descr)?;
        }
        // SAFETY: the copy owns its metadata.
        unsafe {
            let slot = &mut (*descr.raw()).metadata;
            let merged = PyDict::new(py);
            if let Some(old) = Bound::from_borrowed_ptr_or_opt(py, *slot) {
                merged.update(old.cast()?)?;
            }
            merged.update(metadata.as_mapping())?;
            ffi::Py_XDECREF(std::mem::replace(slot, merged.into_ptr()));
        }
    }
    Ok(descr.0)
}

/// The arguments of `dtype()`, in the words of CPython's parser that numpy uses here.
fn parse_new<'py>(
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<[Option<Bound<'py, PyAny>>; 4]> {
    const NAMES: [&str; 4] = ["dtype", "align", "copy", "metadata"];
    let mut out = [const { None }; 4];
    let nkw = kwargs.map_or(Ok(0), |k| k.len())?;
    if args.len() + nkw > 4 {
        return Err(PyTypeError::new_err(format!(
            "dtype() takes at most 4 {}arguments ({} given)",
            if args.is_empty() { "keyword " } else { "" },
            args.len() + nkw
        )));
    }
    for (slot, value) in out.iter_mut().zip(args.iter()) {
        *slot = Some(value);
    }
    if let Some(kwargs) = kwargs {
        for (key, value) in kwargs.cast::<PyDict>()?.iter() {
            let key = super::lossy(&key);
            match NAMES.iter().position(|n| *n == key) {
                None => {
                    return Err(PyTypeError::new_err(format!(
                        "'{key}' is an invalid keyword argument for dtype()"
                    )));
                }
                Some(i) if out[i].is_some() => {
                    return Err(PyTypeError::new_err(format!(
                        "argument for dtype() given by name ('{key}') and position ({})",
                        i + 1
                    )));
                }
                Some(i) => out[i] = Some(value),
            }
        }
    }
    if out[0].is_none() {
        return Err(PyTypeError::new_err("dtype() missing required argument 'dtype' (pos 1)"));
    }
    if let Some(metadata) = &out[3]
        && !metadata.is_instance_of::<PyDict>()
    {
        return Err(PyTypeError::new_err(format!(
            "dtype() argument 4 must be dict, not {}",
            if metadata.is_none() { "None".into() } else { metadata.get_type().name()?.to_string() }
        )));
    }
    Ok(out)
}

/// `numpy.dtypes.Float64DType()` and its like.
pub(super) fn legacy_new<'py>(
    cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = cls.py();
    // SAFETY: a DType class.
    let class = unsafe { &*cls.as_ptr().cast::<crate::abi::PyArray_DTypeMeta>() };
    let num = TypeNum(class.type_num);
    let args: &Bound<'py, PyTuple> = args.cast()?;
    let nkw = kwargs.map_or(Ok(0), |k| k.len())?;
    if matches!(num, TypeNum::STRING | TypeNum::UNICODE) {
        if args.len() != 1 {
            let bound = if args.is_empty() { "exactly 1 positional argument" } else { "at most 1 argument" };
            return Err(PyTypeError::new_err(format!("function takes {bound} ({} given)", args.len())));
        }
        if nkw != 0 {
            return Err(PyTypeError::new_err("function takes no keyword arguments"));
        }
        let size: isize = args.get_item(0)?.extract()?;
        if size < 0 {
            return Err(PyValueError::new_err(format!(
                "Strings cannot have a negative size but a size of {size} was given"
            )));
        }
        let scale = if num == TypeNum::UNICODE { 4 } else { 1 };
        if size.checked_mul(scale).is_none_or(|n| n > i32::MAX as isize) {
            return Err(PyTypeError::new_err("Strings too large to store inside array."));
        }
        let dt = if scale == 4 { Dtype::unicode(size as usize) } else { Dtype::string(size as usize) };
        return Ok(alloc(py, &dt)?.0);
    }
    if class.flags & crate::abi::NPY_DT_PARAMETRIC != 0 {
        return Err(PyTypeError::new_err(format!(
            "Preliminary-API: Flexible/Parametric legacy DType '{}' can only be instantiated using `np.dtype(...)`",
            cls.repr()?.to_string_lossy()
        )));
    }
    if !args.is_empty() || nkw != 0 {
        return Err(PyTypeError::new_err(
            "currently only the no-argument instantiation is supported; use `np.dtype` instead.",
        ));
    }
    // SAFETY: classes of builtin and user types have a singleton.
    unsafe { Bound::from_borrowed_ptr_or_err(py, class.singleton.cast()) }
}
