//! `numpy.dtypes.StringDType`: strings of any length, and optionally an object that stands for missing ones.

use std::ffi::c_void;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::offset_of;

use micronumpy::dtype::flags;
use micronumpy::{Dtype, TypeNum};
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple};

use super::{DESCR_TYPE, MEMBER_END, classes, lossy, member};
use crate::abi::*;
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
    // SAFETY: the last reference is gone; the base class frees the rest.
    unsafe {
        let descr: *mut StringDescr = slf.cast();
        ffi::Py_XDECREF(std::mem::replace(&mut (*descr).na_object, std::ptr::null_mut()));
        super::dealloc(slf);
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

fn make<'py>(py: Python<'py>, na_object: Option<Bound<'py, PyAny>>, coerce: bool) -> PyResult<Descr<'py>> {
    let is_text = na_object.as_ref().is_some_and(|o| o.is_instance_of::<PyString>());
    // Missing values that are not equal to themselves behave as NaN.
    let is_nan = match &na_object {
        Some(o) if !is_text => match o.rich_compare(o, CompareOp::Ne) {
            Ok(differs) => differs.is_truthy().unwrap_or(true),
            Err(e) => return Err(e),
        },
        _ => false,
    };
    // SAFETY: a fresh zeroed object.
    unsafe {
        let obj = ffi::PyType_GenericAlloc(classes::STRING_DTYPE.as_type(), 0);
        let descr = Descr(Bound::from_owned_ptr_or_err(py, obj)?);
        let s = &mut *obj.cast::<StringDescr>();
        s.na_object = na_object.map_or(std::ptr::null_mut(), Bound::into_ptr);
        s.coerce = coerce.into();
        s.has_nan_na = is_nan.into();
        s.has_string_na = is_text.into();
        let d = &mut s.base;
        d.typeobj = &raw mut ffi::PyUnicode_Type;
        ffi::Py_INCREF(d.typeobj.cast());
        (d.kind, d.type_, d.byteorder) = (b'T', b'T', b'|');
        d.type_num = TypeNum::VSTRING.0;
        d.flags = flags::NEEDS_INIT
            | flags::LIST_PICKLE
            | flags::ITEM_REFCOUNT
            | flags::USE_GETITEM
            | flags::USE_SETITEM;
        d.elsize = TypeNum::VSTRING.size() as isize;
        d.alignment = TypeNum::VSTRING.align() as isize;
        d.hash = -1;
        Ok(descr)
    }
}

/// `StringDType()`
pub(super) fn default_instance(py: Python<'_>) -> PyResult<Descr<'_>> {
    make(py, None, true)
}

/// Another instance with the same parameters.
pub(super) fn copy<'py>(descr: &Descr<'py>) -> PyResult<Descr<'py>> {
    // SAFETY: a live descriptor.
    if unsafe { (*descr.raw()).type_num } != TypeNum::VSTRING.0 {
        return Err(PyTypeError::new_err("Cannot copy a dtype instance of this new style DType."));
    }
    make(descr.py(), na(&descr.0), fields(&descr.0).coerce != 0)
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

/// Whether two missing-value objects mean the same.
fn same_na(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<bool> {
    let (x, y) = (fields(a), fields(b));
    match (na(a), na(b)) {
        (None, None) => Ok(true),
        (Some(p), Some(q)) => Ok(p.is(&q) || (x.has_nan_na != 0 && y.has_nan_na != 0) || p.eq(q)?),
        _ => Ok(false),
    }
}

pub(super) fn same(a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(fields(a).coerce == fields(b).coerce && same_na(a, b)?)
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
        CompareOp::Eq if is_ours => same(slf, other)?,
        CompareOp::Ne if is_ours => !same(slf, other)?,
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

/// An instance like the one a dtype refers to.
pub(super) fn descr_of_host<'py>(py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    match dt.host_descr() {
        // SAFETY: the dtype keeps its descriptor alive.
        Some(d) => copy(&Descr(unsafe { Bound::from_borrowed_ptr(py, d.object().cast()) })),
        None => default_instance(py),
    }
}
