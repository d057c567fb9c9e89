//! `numpy.dtypes.StringDType`: strings of any length, and optionally an object that stands for missing ones.
//!
//! A descriptor is a face of an instance of the object space (`micronumpy::vstring`), which has parameters and memory:
//! `allocator` is a counted reference to it.

use std::ffi::c_void;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use micronumpy::dtype::flags;
use micronumpy::vstring::{Na, NaKind, Strings};
use micronumpy::{Dtype, TypeNum};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyString, PyTuple};
use smallvec::SmallVec;

use super::{DESCR_TYPE, MEMBER_END, classes, lossy, member};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::args::is_no_value;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, Methods};
use crate::ffi::types;
use crate::noargs;
use crate::objects::Descr;

/// `PyArray_StringDTypeObject`
#[repr(C)]
pub struct StringDescr {
    pub base: PyArray_Descr,
    pub na_object: *mut ffi::PyObject,
    pub coerce: u8,
    pub has_nan_na: u8,
    pub has_string_na: u8,
    pub array_owned: u8,
    pub default_string: [usize; 2],
    pub na_name: [usize; 2],
    pub allocator: *mut c_void,
}

const _: () = {
    assert!(size_of::<StringDescr>() == 144);
    assert!(offset_of!(StringDescr, coerce) == 96);
    assert!(offset_of!(StringDescr, allocator) == 136);
};

static METHODS: Methods<2> = Methods::new([noargs!(c"__reduce__", reduce), END]);

/// Ready the class.
pub(super) fn init(py: Python<'_>) -> PyResult<()> {
    let members = Box::leak(Box::new([
        member(c"na_object", ffi::Py_T_OBJECT_EX, offset_of!(StringDescr, na_object)),
        member(c"coerce", ffi::Py_T_BOOL, offset_of!(StringDescr, coerce)),
        MEMBER_END,
    ]));
    // SAFETY: the static is zeroed and not in use yet.
    unsafe {
        let class = &classes::STRING_DTYPE;
        let ty = class.as_type();
        let text = &raw mut ffi::PyUnicode_Type;
        classes::prepare(
            class.get(),
            c"numpy.dtypes.StringDType",
            DESCR_TYPE.as_type(),
            size_of::<StringDescr>(),
            NPY_DT_PARAMETRIC,
            TypeNum::VSTRING.0,
            text,
        );
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_new = Some(crate::callfunc!(new new));
        (*ty).tp_repr = Some(crate::unaryfunc!(repr));
        (*ty).tp_str = Some(crate::unaryfunc!(repr));
        (*ty).tp_hash = Some(crate::lenfunc!(hash));
        (*ty).tp_richcompare = Some(crate::richcmpfunc!(richcompare));
        (*ty).tp_members = members.as_mut_ptr();
        (*ty).tp_methods = METHODS.as_ptr();
        types::ready(py, ty)
    }
}

unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; the base class frees the rest. The instance is the reference `wrap` gave.
    unsafe {
        let descr: *mut StringDescr = slf.cast();
        ffi::Py_XDECREF(std::mem::replace(&mut (*descr).na_object, std::ptr::null_mut()));
        let strings: *const Strings = std::mem::replace(&mut (*descr).allocator, std::ptr::null_mut()).cast();
        super::dealloc(slf);
        if !strings.is_null() {
            drop(Arc::from_raw(strings));
        }
    }
}

fn fields<'a>(slf: &'a Bound<'_, PyAny>) -> &'a StringDescr {
    // SAFETY: only reached on instances of the class.
    unsafe { &*slf.as_ptr().cast() }
}

fn na<'py>(slf: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    // SAFETY: null or owned by the descriptor.
    unsafe { Bound::from_borrowed_ptr_or_opt(slf.py(), fields(slf).na_object) }
}

/// What is behind a descriptor: parameters and memory.
///
/// # Safety
/// A live descriptor of the class.
pub unsafe fn strings_of(descr: *mut PyArray_Descr) -> Arc<Strings> {
    // SAFETY: the caller's promise; the descriptor owns one reference, and here is one more.
    unsafe {
        let strings: *const Strings = (*descr.cast::<StringDescr>()).allocator.cast();
        Arc::increment_strong_count(strings);
        Arc::from_raw(strings)
    }
}

/// An object that stands for missing values, and what kind it is.
fn na_of(object: Bound<'_, PyAny>) -> PyResult<Arc<Na>> {
    let is_text = object.is_instance_of::<PyString>();
    let kind = if is_text {
        NaKind::Text
    } else {
        // Unequal to itself, or an object that does not say (`pandas.NA`).
        match object.rich_compare(&object, CompareOp::Ne)?.is_truthy() {
            Ok(false) => NaKind::Other,
            Ok(true) | Err(_) => NaKind::Nan,
        }
    };
    let name = object.str()?;
    let name = name.to_str()?.as_bytes().into();
    let repr = object.repr()?.to_string_lossy().into_owned();
    let is_float_nan = object.cast::<PyFloat>().is_ok_and(|f| f.value().is_nan());
    // SAFETY: the reference of the handle is given away.
    Ok(Arc::new(unsafe { Na::new(object.into_ptr().cast(), kind, name, repr, is_float_nan) }))
}

static ANY: AtomicBool = AtomicBool::new(false);

/// Whether there has been any instance.
pub fn any_instance() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// A descriptor object for an instance.
pub fn wrap(py: Python<'_>, strings: Arc<Strings>) -> PyResult<Descr<'_>> {
    ANY.store(true, Ordering::Relaxed);
    // SAFETY: a fresh zeroed object.
    unsafe {
        let obj = ffi::PyType_GenericAlloc(classes::STRING_DTYPE.as_type(), 0);
        let descr = Descr(Bound::from_owned_ptr_or_err(py, obj)?);
        let s = &mut *obj.cast::<StringDescr>();
        s.coerce = strings.coerce.into();
        if let Some(na) = &strings.na {
            s.na_object = na.object().cast();
            ffi::Py_INCREF(s.na_object);
            s.has_nan_na = (na.kind == NaKind::Nan).into();
            s.has_string_na = (na.kind == NaKind::Text).into();
            // Both texts live as long as the instance.
            s.na_name = view(&na.name);
            s.default_string = view(strings.default_text());
        }
        s.array_owned = 1;
        let d = &mut s.base;
        d.typeobj = &raw mut ffi::PyUnicode_Type;
        ffi::Py_INCREF(d.typeobj.cast());
        (d.kind, d.type_, d.byteorder) = (b'T', b'T', b'|');
        d.type_num = TypeNum::VSTRING.0;
        d.flags = flags::VSTRING_FLAGS;
        d.elsize = TypeNum::VSTRING.size() as isize;
        d.alignment = TypeNum::VSTRING.align() as isize;
        d.hash = -1;
        s.allocator = Arc::into_raw(strings).cast_mut().cast();
        Ok(descr)
    }
}

/// A text as compiled code sees it (`npy_static_string`).
fn view(text: &[u8]) -> [usize; 2] {
    [text.len(), text.as_ptr() as usize]
}

fn make<'py>(py: Python<'py>, na_object: Option<Bound<'py, PyAny>>, coerce: bool) -> PyResult<Descr<'py>> {
    wrap(py, Strings::new(na_object.map(na_of).transpose()?, coerce))
}

/// `StringDType()`
pub(super) fn default_instance(py: Python<'_>) -> PyResult<Descr<'_>> {
    make(py, None, true)
}

/// Another instance with the same parameters.
pub(super) fn copy<'py>(descr: &Descr<'py>) -> PyResult<Descr<'py>> {
    // SAFETY: a live descriptor; of this class where its number says so.
    unsafe {
        if (*descr.raw()).type_num != TypeNum::VSTRING.0 {
            return Err(PyTypeError::new_err("Cannot copy a dtype instance of this new style DType."));
        }
        wrap(descr.py(), strings_of(descr.raw()).twin())
    }
}

/// The descriptor of a new array: this one, if no other array has it.
pub fn for_new_array<'py>(descr: &Descr<'py>) -> PyResult<Descr<'py>> {
    let own = descr.dtype().for_new_array();
    if own == *descr.dtype() { Ok(descr.clone()) } else { descr_of(descr.py(), &own) }
}

fn new<'py>(
    cls: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if args.len()? != 0 {
        return Err(PyTypeError::new_err("StringDType() takes no positional arguments"));
    }
    let (mut na_object, mut coerce) = (None, true);
    if let Some(kwargs) = kwargs {
        for (key, value) in kwargs.cast::<PyDict>()?.iter() {
            match lossy(&key).as_str() {
                "na_object" if is_no_value(&value)? => {}
                "na_object" => na_object = Some(value),
                "coerce" => coerce = value.is_truthy()?,
                key => {
                    return Err(PyTypeError::new_err(format!(
                        "'{key}' is an invalid keyword argument for StringDType()"
                    )));
                }
            }
        }
    }
    Ok(make(cls.py(), na_object, coerce)?.0)
}

fn repr<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let mut parts = vec![];
    if let Some(na) = na(slf) {
        parts.push(format!("na_object={}", na.repr()?.to_string_lossy()));
    }
    if fields(slf).coerce == 0 {
        parts.push("coerce=False".into());
    }
    Ok(PyString::new(slf.py(), &format!("StringDType({})", parts.join(", "))).into_any())
}

fn hash(slf: &Bound<'_, PyAny>) -> PyResult<isize> {
    let mut state = DefaultHasher::new();
    (fields(slf).coerce != 0).hash(&mut state);
    if let Some(na) = na(slf) {
        na.hash()?.hash(&mut state);
    }
    Ok(state.finish() as isize)
}

/// Whether two objects stand for the same missing value.
pub fn same_na(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    let is_nan = |o: &Bound<'_, PyAny>| o.cast::<PyFloat>().is_ok_and(|f| f.value().is_nan());
    a.is(b) || is_nan(a) && is_nan(b) || a.eq(b).unwrap_or(false)
}

fn same(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> bool {
    // SAFETY: descriptors of the class.
    unsafe { strings_of(a.as_ptr().cast()).same_parameters(&strings_of(b.as_ptr().cast())) }
}

fn richcompare<'py>(
    slf: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    op: CompareOp,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    // SAFETY: live objects.
    let is_ours = unsafe { ffi::PyObject_TypeCheck(other.as_ptr(), classes::STRING_DTYPE.as_type()) != 0 };
    let value = match op {
        CompareOp::Eq if is_ours => same(slf, other),
        CompareOp::Ne if is_ours => !same(slf, other),
        _ => return Ok(py.NotImplemented().into_bound(py)),
    };
    Ok(PyBool::new(py, value).to_owned().into_any())
}

fn reduce<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let make = cached(py, "numpy._core._internal", "_convert_to_stringdtype_kwargs")?;
    let mut args = vec![i32::from(fields(slf).coerce).into_pyobject(py)?.into_any()];
    args.extend(na(slf));
    Ok((make, PyTuple::new(py, args)?).into_pyobject(py)?.into_any())
}

/// The descriptor of a string dtype.
pub(super) fn descr_of<'py>(py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    match dt.as_strings() {
        Some(strings) => wrap(py, strings.clone()),
        None => default_instance(py),
    }
}

/// Read an element.
///
/// # Safety
/// An element of the instance.
pub unsafe fn get<'py>(py: Python<'py>, strings: &Strings, data: *const u8) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise. Making the object may run anything, so the memory is not held meanwhile.
    let text = unsafe { strings.lock().load(data).map(|text| SmallVec::<[u8; 64]>::from_slice(&text)) };
    let Some(text) = text else {
        return Ok(match &strings.na {
            // SAFETY: the instance owns the object.
            Some(na) => unsafe { Bound::from_borrowed_ptr(py, na.object().cast()) },
            None => PyString::new(py, "").into_any(),
        });
    };
    decode(py, &text)
}

/// A string object of UTF-8.
pub fn decode<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a buffer of this length; a new reference or an exception.
    unsafe {
        let len = text.len() as isize;
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyUnicode_DecodeUTF8(text.as_ptr().cast(), len, std::ptr::null()),
        )
    }
}

/// Store an object.
///
/// # Safety
/// A writable element of the instance.
pub unsafe fn set(strings: &Strings, data: *mut u8, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    if let Some(na) = &strings.na {
        // SAFETY: the instance owns the object.
        let object = unsafe { Bound::from_borrowed_ptr(py, na.object().cast()) };
        if same_na(value, &object) {
            // SAFETY: the caller's promise.
            unsafe { strings.lock().store_missing(data) };
            return Ok(());
        }
    }
    let text = match value.cast_exact::<PyString>() {
        Ok(s) => s.clone(),
        Err(_) if !strings.coerce => {
            return Err(PyValueError::new_err(
                "StringDType only allows string data when string coercion is disabled.",
            ));
        }
        Err(_) => match value.cast_exact::<PyBytes>() {
            Ok(b) => decode(py, b.as_bytes())?.cast_into()?,
            Err(_) => value.str()?,
        },
    };
    let text = text.to_str()?;
    // SAFETY: the caller's promise.
    unsafe { strings.lock().store(data, text.as_bytes()) }.py(py)
}
