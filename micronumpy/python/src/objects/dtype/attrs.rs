//! Attributes, methods and slots of `numpy.dtype`.

use micronumpy::TypeNum;
use micronumpy::dtype::{NATIVE, SWAPPED, flags};
use pyo3::exceptions::{PyAttributeError, PyIndexError, PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyMappingProxy, PyString, PyTuple, PyType};
use pyo3::{ffi, intern};

use super::{compare, datetime, fields, invalidate, legacy, lossy, pickle};
use crate::abi::*;
use crate::ffi::Args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::objects::Descr;
use crate::{fastcall, getset, onearg};

type Obj<'py> = Bound<'py, PyAny>;

/// `slf` of a method: always a descriptor.
pub(super) fn this<'py>(slf: &Obj<'py>) -> Descr<'py> {
    Descr(slf.clone())
}

fn none<'py>(py: Python<'py>) -> Obj<'py> {
    py.None().into_bound(py)
}

fn bool_<'py>(py: Python<'py>, value: bool) -> PyResult<Obj<'py>> {
    Ok(PyBool::new(py, value).to_owned().into_any())
}

fn head<'a>(slf: &'a Obj<'_>) -> &'a PyArray_Descr {
    // SAFETY: attributes of dtype are only reached on descriptors.
    unsafe { &*slf.as_ptr().cast() }
}

fn subarray<'a>(slf: &'a Obj<'_>) -> Option<&'a PyArray_ArrayDescr> {
    let full = legacy(&this(slf))?;
    // SAFETY: null or owned by the descriptor.
    unsafe { (*full).subarray.as_ref() }
}

fn subdtype<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    Ok(match subarray(slf) {
        // SAFETY: both are live objects.
        Some(sub) => unsafe {
            let base = Bound::from_borrowed_ptr(py, sub.base.cast());
            let shape = Bound::from_borrowed_ptr(py, sub.shape);
            PyTuple::new(py, [base, shape])?.into_any()
        },
        None => none(py),
    })
}

fn base<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(match subarray(slf) {
        // SAFETY: a live object.
        Some(sub) => unsafe { Bound::from_borrowed_ptr(slf.py(), sub.base.cast()) },
        None => slf.clone(),
    })
}

fn shape<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(match subarray(slf) {
        // SAFETY: a live object.
        Some(sub) => unsafe { Bound::from_borrowed_ptr(slf.py(), sub.shape) },
        None => PyTuple::empty(slf.py()).into_any(),
    })
}

fn ndim<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let n = shape(slf)?.len()?;
    Ok(n.into_pyobject(slf.py())?.into_any())
}

/// `<i4`: byte order, kind, size; datetimes with their unit.
pub(crate) fn typestr(slf: &Obj<'_>) -> PyResult<String> {
    let d = head(slf);
    let descr = this(slf);
    if legacy(&descr).is_none() {
        return Ok(lossy(slf.str()?.as_any()));
    }
    let order = if d.byteorder == b'=' { NATIVE } else { d.byteorder };
    let num = TypeNum(d.type_num);
    let (order, kind) = (order as char, d.kind as char);
    if num.is_object() {
        return Ok(format!("{order}{kind}"));
    }
    let size = if num == TypeNum::UNICODE { d.elsize / 4 } else { d.elsize };
    let mut text = format!("{order}{kind}{size}");
    if let Some(meta) = descr.dtype().datetime_meta() {
        text.push_str(&datetime::brackets(meta));
    }
    Ok(text)
}

fn str_<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyString::new(slf.py(), &typestr(slf)?).into_any())
}

fn descr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    if fields::names(&this(slf)).is_none() {
        return Ok(PyList::new(py, [("", typestr(slf)?)])?.into_any());
    }
    cached(py, "numpy._core._internal", "_array_descr")?.call1((slf,))
}

fn name<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    cached(slf.py(), "numpy._core._dtype", "_name_get")?.call1((slf,))
}

fn isbuiltin<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let value = match legacy(&this(slf)) {
        // SAFETY: a live descriptor.
        Some(full) => unsafe {
            if TypeNum((*full).base.type_num).is_user() {
                2
            } else if (*full).fields == ffi::Py_None() {
                1
            } else {
                0
            }
        },
        None => 0,
    };
    Ok(PyInt::new(slf.py(), value).into_any())
}

fn isnative<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    fn check(descr: &Descr<'_>) -> PyResult<bool> {
        match (fields::names(descr), fields::dict(descr)) {
            (Some(names), Some(dict)) => {
                for name in names.iter() {
                    if !check(&fields::entry(&dict, &name)?.0)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(head(&descr.0).byteorder != SWAPPED),
        }
    }
    bool_(slf.py(), check(&this(slf))?)
}

fn isalignedstruct<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    bool_(slf.py(), head(slf).flags & flags::ALIGNED_STRUCT != 0)
}

fn hasobject<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    bool_(slf.py(), head(slf).flags & flags::ITEM_REFCOUNT != 0)
}

fn fields_<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let descr = this(slf);
    Ok(match (fields::names(&descr), fields::dict(&descr)) {
        (Some(_), Some(dict)) => PyMappingProxy::new(slf.py(), dict.as_mapping()).into_any(),
        _ => none(slf.py()),
    })
}

fn metadata<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    // SAFETY: null or a dictionary owned by the descriptor.
    Ok(match unsafe { Bound::from_borrowed_ptr_or_opt(py, head(slf).metadata) } {
        Some(dict) => PyMappingProxy::new(py, dict.cast::<PyDict>()?.as_mapping()).into_any(),
        None => none(py),
    })
}

fn names<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(fields::names(&this(slf)).map_or_else(|| none(slf.py()), Bound::into_any))
}

fn set_names<'py>(slf: &Obj<'py>, value: Option<&Obj<'py>>) -> PyResult<()> {
    let py = slf.py();
    let Some(value) = value else {
        return Err(PyAttributeError::new_err("Cannot delete dtype names attribute"));
    };
    let descr = this(slf);
    let (Some(full), Some(old), Some(dict)) = (legacy(&descr), fields::names(&descr), fields::dict(&descr))
    else {
        return Err(PyValueError::new_err("there are no fields defined"));
    };
    let n = old.len();
    // SAFETY: a live object.
    if unsafe { ffi::PySequence_Check(value.as_ptr()) } == 0 || value.len()? != n {
        return Err(PyValueError::new_err(format!(
            "must replace all names at once with a sequence of length {n}"
        )));
    }
    let mut new = vec![];
    for i in 0..n {
        let item = value.get_item(i)?;
        let Ok(name) = item.cast::<PyString>() else {
            return Err(PyValueError::new_err(format!(
                "item #{i} of names is of type {} and not string",
                item.get_type().name()?
            )));
        };
        new.push(name.clone());
    }
    let renamed = PyDict::new(py);
    for (from, to) in old.iter().zip(&new) {
        if renamed.contains(to)? {
            return Err(PyValueError::new_err("Duplicate field names given."));
        }
        let item = dict.get_item(&from)?.ok_or_else(|| PyKeyError::new_err(from.clone().unbind()))?;
        renamed.set_item(to, &item)?;
    }
    // SAFETY: the descriptor owns names and fields; layouts do not change.
    unsafe {
        let names = PyTuple::new(py, new)?.into_ptr();
        let old = std::mem::replace(&mut (*full).names, names);
        let old_fields = std::mem::replace(&mut (*full).fields, renamed.into_ptr());
        (*full).base.hash = -1;
        invalidate(descr.raw());
        ffi::Py_XDECREF(old);
        ffi::Py_XDECREF(old_fields);
    }
    Ok(())
}

fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    cached(slf.py(), "numpy._core._dtype", "__repr__")?.call1((slf,))
}

fn str_slot<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    cached(slf.py(), "numpy._core._dtype", "__str__")?.call1((slf,))
}

fn truth(_: &Obj<'_>) -> PyResult<bool> {
    Ok(true)
}

fn len(slf: &Obj<'_>) -> PyResult<isize> {
    Ok(fields::names(&this(slf)).map_or(0, |n| n.len() as isize))
}

fn repeat<'py>(slf: &Obj<'py>, n: isize) -> PyResult<Obj<'py>> {
    if n < 0 {
        return Err(PyValueError::new_err(format!("Array length must be >= 0, not {n}")));
    }
    let shape = PyTuple::new(slf.py(), [n])?;
    Ok(fields::with_shape(this(slf), shape.as_any())?.0)
}

fn subscript<'py>(slf: &Obj<'py>, key: &Obj<'py>) -> PyResult<Obj<'py>> {
    let descr = this(slf);
    let (Some(names), Some(dict)) = (fields::names(&descr), fields::dict(&descr)) else {
        return Err(PyKeyError::new_err(format!(
            "There are no fields in dtype {}.",
            slf.str()?.to_string_lossy()
        )));
    };
    if key.is_instance_of::<PyString>() {
        if !dict.contains(key)? {
            return Err(PyKeyError::new_err(format!(
                "Field named {} not found.",
                key.repr()?.to_string_lossy()
            )));
        }
        return Ok(fields::entry(&dict, key)?.0.0);
    }
    if let Ok(list) = key.cast::<PyList>()
        && list.iter().all(|k| k.is_instance_of::<PyString>())
    {
        return Ok(fields::subset(&descr, list)?.0);
    }
    let index = if key.is_instance_of::<PyBool>() { None } else { key.extract::<isize>().ok() };
    let Some(index) = index else {
        return Err(PyTypeError::new_err(
            "Field key must be an integer field offset, single field name, or list of field names.",
        ));
    };
    let at = if index < 0 { index + names.len() as isize } else { index };
    match usize::try_from(at).ok().and_then(|i| names.get_item(i).ok()) {
        Some(name) => Ok(fields::entry(&dict, &name)?.0.0),
        None => Err(PyIndexError::new_err(format!("Field index {index} out of range."))),
    }
}

/// A byte order argument. Only the first letter counts.
pub(crate) fn byteorder_of(arg: &Obj<'_>) -> PyResult<u8> {
    crate::objects::array::args::word(arg, "byteorder", "byteorder not recognized", |text| {
        Ok(match text.as_bytes().first() {
            Some(b'>' | b'B' | b'b') => Some(b'>'),
            Some(b'<' | b'L' | b'l') => Some(b'<'),
            Some(b'=' | b'N' | b'n') => Some(b'='),
            Some(b'|' | b'I' | b'i') => Some(b'|'),
            Some(b'S' | b's') => Some(b's'),
            _ => None,
        })
    })
}

fn newbyteorder<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    if args.len() > 1 {
        return Err(PyTypeError::new_err(format!(
            "newbyteorder() takes at most 1 argument ({} given)",
            args.len()
        )));
    }
    if args.has_keywords() {
        return Err(PyTypeError::new_err("dtype.newbyteorder() takes no keyword arguments"));
    }
    let order = match args.get(0) {
        Some(arg) => byteorder_of(&arg)?,
        None => b's',
    };
    Ok(fields::with_byteorder(&this(slf), order)?.0)
}

fn class_getitem<'py>(cls: &Obj<'py>, args: &Obj<'py>) -> PyResult<Obj<'py>> {
    let n = args.cast::<PyTuple>().map_or(1, |t| t.len());
    if n != 1 {
        let many = if n > 1 { "many" } else { "few" };
        let ty = cls.cast::<PyType>()?;
        let name = ty.getattr(intern!(cls.py(), "__name__"))?;
        return Err(PyTypeError::new_err(format!(
            "Too {many} arguments for {}.{}",
            lossy(&ty.getattr(intern!(cls.py(), "__module__"))?),
            lossy(&name)
        )));
    }
    // SAFETY: live objects.
    unsafe { Bound::from_owned_ptr_or_err(cls.py(), ffi::Py_GenericAlias(cls.as_ptr(), args.as_ptr())) }
}

static GETSETS: GetSets<15> = GetSets::new([
    getset!(c"subdtype", subdtype),
    getset!(c"descr", descr),
    getset!(c"str", str_),
    getset!(c"name", name),
    getset!(c"base", base),
    getset!(c"shape", shape),
    getset!(c"ndim", ndim),
    getset!(c"isbuiltin", isbuiltin),
    getset!(c"isnative", isnative),
    getset!(c"isalignedstruct", isalignedstruct),
    getset!(c"fields", fields_),
    getset!(c"metadata", metadata),
    getset!(c"names", names, set_names),
    getset!(c"hasobject", hasobject),
    GETSET_END,
]);

static METHODS: Methods<5> = Methods::new([
    fastcall!(c"__reduce__", pickle::reduce),
    fastcall!(c"__setstate__", pickle::setstate),
    fastcall!(c"newbyteorder", newbyteorder),
    onearg!(c"__class_getitem__", class_getitem, ffi::METH_CLASS),
    END,
]);

/// Attributes, methods and slots of the root class.
///
/// # Safety
/// `ty` is not ready yet.
pub(super) unsafe fn fill(ty: *mut ffi::PyTypeObject) {
    // SAFETY: zeroed tables are valid; they are leaked because types keep them.
    unsafe {
        let number: &mut ffi::PyNumberMethods = Box::leak(Box::new(std::mem::zeroed()));
        number.nb_bool = Some(crate::inquiry!(truth));
        let sequence: &mut ffi::PySequenceMethods = Box::leak(Box::new(std::mem::zeroed()));
        sequence.sq_length = Some(crate::lenfunc!(len));
        sequence.sq_repeat = Some(crate::ssizeargfunc!(repeat));
        let mapping: &mut ffi::PyMappingMethods = Box::leak(Box::new(std::mem::zeroed()));
        mapping.mp_length = Some(crate::lenfunc!(len));
        mapping.mp_subscript = Some(crate::binaryfunc!(subscript));
        (*ty).tp_as_number = number;
        (*ty).tp_as_sequence = sequence;
        (*ty).tp_as_mapping = mapping;
        (*ty).tp_repr = Some(crate::unaryfunc!(repr));
        (*ty).tp_str = Some(crate::unaryfunc!(str_slot));
        (*ty).tp_hash = Some(crate::lenfunc!(compare::hash));
        (*ty).tp_richcompare = Some(crate::richcmpfunc!(compare::richcompare));
        (*ty).tp_getset = GETSETS.as_ptr();
        (*ty).tp_methods = METHODS.as_ptr();
    }
}
