//! `numpy.dtype`, its metaclass `numpy._DTypeMeta` and the DType classes.
//!
//! A descriptor object is what Python and compiled extensions see; the object space sees a [`Dtype`] value instead.
//! [`dtype_of`] makes the value from the object and keeps it there, [`descr_of`] makes the object from a value. Titles,
//! metadata and the scalar class of a structured type live in the object only.

mod attrs;
pub mod class;
pub mod classes;
mod compare;
pub mod datetime;
pub mod fields;
mod meta;
mod new;
mod pickle;
pub mod string;
pub mod user;

use std::ffi::{CStr, c_int};
use std::mem::offset_of;
use std::ptr::null_mut;

use micronumpy::dtype::host::is_host_class;
use micronumpy::dtype::{Body, DatetimeMeta, Field, HostDescr, NATIVE, SWAPPED};
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::{Descr, scalar};
use crate::abi::*;
use crate::ffi::types;

pub(crate) use attrs::byteorder_of;
pub use class::DtypeClass;
pub use classes::CLASSES;
pub use compare::equivalent;
pub use new::{convert, convert_or_class, convert_or_default, convert_with};

pub static DESCR_TYPE: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static DTYPEMETA_TYPE: StaticType = StaticType::zeroed();

/// Member type codes `pyo3` keeps to itself: an object that reads as `None` when it is null.
pub(crate) const T_OBJECT: c_int = 6;

pub(crate) const fn member(name: &'static CStr, code: c_int, offset: usize) -> ffi::PyMemberDef {
    ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code: code,
        offset: offset as isize,
        flags: ffi::Py_READONLY,
        doc: std::ptr::null(),
    }
}
pub(crate) const MEMBER_END: ffi::PyMemberDef =
    ffi::PyMemberDef { name: std::ptr::null(), type_code: 0, offset: 0, flags: 0, doc: std::ptr::null() };

/// Ready the types and make the builtin descriptors.
pub fn init(py: Python<'_>) -> PyResult<()> {
    meta::init(py)?;
    let members = Box::leak(Box::new([
        member(c"type", T_OBJECT, offset_of!(PyArray_Descr, typeobj)),
        member(c"kind", ffi::Py_T_CHAR, offset_of!(PyArray_Descr, kind)),
        member(c"char", ffi::Py_T_CHAR, offset_of!(PyArray_Descr, type_)),
        member(c"num", ffi::Py_T_INT, offset_of!(PyArray_Descr, type_num)),
        member(c"byteorder", ffi::Py_T_CHAR, offset_of!(PyArray_Descr, byteorder)),
        member(c"itemsize", ffi::Py_T_PYSSIZET, offset_of!(PyArray_Descr, elsize)),
        member(c"alignment", ffi::Py_T_PYSSIZET, offset_of!(PyArray_Descr, alignment)),
        member(c"flags", ffi::Py_T_ULONGLONG, offset_of!(PyArray_Descr, flags)),
        MEMBER_END,
    ]));
    // SAFETY: the type is zeroed and not in use yet.
    unsafe {
        let class = DESCR_TYPE.get();
        let ty = DESCR_TYPE.as_type();
        classes::prepare(
            class,
            c"numpy.dtype",
            null_mut(),
            size_of::<PyArray_Descr>(),
            NPY_DT_ABSTRACT,
            -1,
            null_mut(),
        );
        (*ty).tp_flags |= ffi::Py_TPFLAGS_BASETYPE;
        (*ty).tp_members = members.as_mut_ptr();
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_new = Some(crate::callfunc!(new new::dtype_new));
        attrs::fill(ty);
        types::ready(py, ty)?;
    }
    classes::init(py)
}

/// Whether a descriptor has the fields of [`PyArray_LegacyDescr`].
///
/// # Safety
/// `descr` is a live descriptor.
unsafe fn is_legacy(descr: *mut PyArray_Descr) -> bool {
    // SAFETY: the class of a descriptor is a DType class.
    unsafe {
        let class: *mut PyArray_DTypeMeta = ffi::Py_TYPE(descr.cast()).cast();
        (*class).flags & NPY_DT_LEGACY != 0
    }
}

/// The legacy half of a descriptor, if it has one.
pub(crate) fn legacy(descr: &Descr<'_>) -> Option<*mut PyArray_LegacyDescr> {
    // SAFETY: the handle holds a live descriptor.
    unsafe { is_legacy(descr.raw()).then(|| descr.raw().cast()) }
}

unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; every pointer below is owned by the descriptor or null.
    unsafe {
        let descr: *mut PyArray_Descr = slf.cast();
        // The value shares its parts with the values of inner descriptors, so it goes first: dropping it last would take
        // a deep nest of structures apart recursively.
        if !(*descr).core.is_null() {
            drop(Box::from_raw((*descr).core));
        }
        if is_legacy(descr) {
            let full: *mut PyArray_LegacyDescr = slf.cast();
            ffi::Py_XDECREF((*full).fields);
            ffi::Py_XDECREF((*full).names);
            free_subarray((*full).subarray);
            if let Some(free) = (*full).c_metadata.as_ref().and_then(|m| m.free) {
                free((*full).c_metadata);
            }
        }
        ffi::Py_XDECREF((*descr).typeobj.cast());
        ffi::Py_XDECREF((*descr).metadata);
        let ty = ffi::Py_TYPE(slf);
        if let Some(free) = (*ty).tp_free {
            free(slf.cast());
        }
    }
}

unsafe fn free_subarray(sub: *mut PyArray_ArrayDescr) {
    if !sub.is_null() {
        // SAFETY: subarray structs are malloc'ed and own two references.
        unsafe {
            ffi::Py_XDECREF((*sub).base.cast());
            ffi::Py_XDECREF((*sub).shape);
            libc::free(sub.cast());
        }
    }
}

unsafe extern "C" fn datetime_free(data: *mut NpyAuxData) {
    // SAFETY: made by `datetime_aux`.
    unsafe { libc::free(data.cast()) }
}

unsafe extern "C" fn datetime_clone(data: *mut NpyAuxData) -> *mut NpyAuxData {
    // SAFETY: made by `datetime_aux`, so it is a `PyArray_DatetimeDTypeMetaData`.
    unsafe {
        let meta = &(*data.cast::<PyArray_DatetimeDTypeMetaData>()).meta;
        datetime_aux(DatetimeMeta { unit: meta.base, num: meta.num })
    }
}

/// Datetime metadata in the form descriptors hold it (null when memory is out).
pub(crate) fn datetime_aux(meta: DatetimeMeta) -> *mut NpyAuxData {
    // SAFETY: fresh memory of the right size, written before use.
    unsafe {
        let aux: *mut PyArray_DatetimeDTypeMetaData =
            libc::malloc(size_of::<PyArray_DatetimeDTypeMetaData>()).cast();
        if !aux.is_null() {
            aux.write(PyArray_DatetimeDTypeMetaData {
                base: NpyAuxData {
                    free: Some(datetime_free),
                    clone: Some(datetime_clone),
                    reserved: [null_mut(); 2],
                },
                meta: PyArray_DatetimeMetaData { base: meta.unit, num: meta.num },
            });
        }
        aux.cast()
    }
}

/// What the object space knows about a descriptor; made at first use and kept with the descriptor.
///
/// # Safety
/// `descr` is a live descriptor that outlives the result.
#[inline]
pub unsafe fn dtype_of<'a>(descr: *mut PyArray_Descr) -> &'a Dtype {
    // SAFETY: `core` is null or our box. A value that is replaced because extension code changed the size stays allocated:
    // somebody may be looking at it.
    unsafe {
        let core = (*descr).core;
        if core.is_null() || (*core).itemsize != (*descr).elsize as usize {
            (*descr).core = Box::into_raw(Box::new(make_core(descr)));
        }
        &*(*descr).core
    }
}

/// Forget the cached value after a change of the descriptor.
///
/// # Safety
/// `descr` is a live descriptor.
pub(crate) unsafe fn invalidate(descr: *mut PyArray_Descr) {
    // The old value may still be borrowed, so it is not freed; descriptors change rarely.
    // SAFETY: the caller's promise.
    unsafe { (*descr).core = null_mut() };
}

#[cold]
unsafe fn make_core(descr: *mut PyArray_Descr) -> Dtype {
    // SAFETY: a live descriptor; fields, names and subarray have numpy's shapes, which setters and unpickling enforce.
    unsafe {
        let py = Python::assume_attached();
        let d = &*descr;
        let num = TypeNum(d.type_num);
        let byteorder = match d.byteorder {
            NATIVE => b'=',
            b => b,
        };
        let mut dt = Dtype {
            num,
            byteorder,
            itemsize: d.elsize.max(0) as usize,
            align: d.alignment.max(1) as usize,
            flags: d.flags,
            body: Body::Plain,
        };
        if num == TypeNum::VSTRING {
            dt.body = Body::Strings(string::strings_of(descr));
            return dt;
        }
        if !is_legacy(descr) {
            dt.num = DtypeClass::of(&Descr(Bound::from_borrowed_ptr(py, descr.cast()))).num();
            dt.body = Body::Host(HostDescr::borrowed(descr.cast()));
            return dt;
        }
        let full = &*descr.cast::<PyArray_LegacyDescr>();
        if num.is_datetime() {
            dt.body = Body::Datetime(datetime_meta_of(full));
        } else if let Some(sub) = full.subarray.as_ref() {
            let shape = Bound::from_borrowed_ptr(py, sub.shape);
            let shape: Vec<isize> = shape.extract().unwrap_or_default();
            dt.body = Body::Subarray(std::sync::Arc::new(dtype_of(sub.base).clone()), shape.into());
        } else if (num == TypeNum::VOID || num.is_user()) && !full.names.is_null() && !full.fields.is_null() {
            // Builtin types may carry fields, too; to the object space they are what their number says.
            let names = Bound::from_borrowed_ptr(py, full.names);
            let fields = Bound::from_borrowed_ptr(py, full.fields);
            if let (Ok(names), Ok(fields)) = (names.cast::<PyTuple>(), fields.cast::<PyDict>()) {
                dt.body = Body::Struct(names.iter().filter_map(|n| field_of(fields, &n)).collect());
            }
        }
        dt
    }
}

fn field_of(fields: &Bound<'_, PyDict>, name: &Bound<'_, PyAny>) -> Option<Field> {
    let entry = fields.get_item(name).ok()??;
    let entry = entry.cast::<PyTuple>().ok()?;
    let descr = Descr::cast(&entry.get_item(0).ok()?)?;
    let title = entry.get_item(2).ok().and_then(|t| t.extract::<String>().ok());
    Some(Field {
        name: lossy(name).into(),
        dtype: descr.dtype().clone(),
        offset: entry.get_item(1).ok()?.extract().ok()?,
        title: title.map(Into::into),
    })
}

/// The text of a string object; lone surrogates, which have no place in Rust strings, are replaced.
pub(crate) fn lossy(s: &Bound<'_, PyAny>) -> String {
    s.cast::<PyString>().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn datetime_meta_of(full: &PyArray_LegacyDescr) -> DatetimeMeta {
    // SAFETY: the metadata of datetime descriptors is of this type.
    match unsafe { full.c_metadata.cast::<PyArray_DatetimeDTypeMetaData>().as_ref() } {
        Some(m) => DatetimeMeta { unit: m.meta.base, num: m.meta.num },
        None => DatetimeMeta { unit: 14, num: 1 },
    }
}

/// The descriptor object of a dtype: the singleton where there is one, else a new one.
pub fn descr_of<'py>(py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    if dt.num == TypeNum::VSTRING {
        return string::descr_of(py, dt);
    }
    if let Some(descr) = dt.host_descr() {
        // SAFETY: the dtype keeps its descriptor alive.
        return Ok(Descr(unsafe { Bound::from_borrowed_ptr(py, descr.object().cast()) }));
    }
    if is_host_class(dt.num) {
        return class::DtypeClass::of_num(py, dt.num)?.default_descr();
    }
    if dt.num.is_user() {
        return user::descr_of(py, dt);
    }
    let plain = match dt.body {
        Body::Plain => dt.byteorder != SWAPPED,
        Body::Datetime(m) => dt.byteorder != SWAPPED && m == DatetimeMeta { unit: 14, num: 1 },
        _ => false,
    };
    if plain && dt.itemsize == dt.num.size() && is_builtin_num(dt.num) {
        return Ok(builtin(py, dt.num));
    }
    alloc(py, dt)
}

fn is_builtin_num(num: TypeNum) -> bool {
    (0..TypeNum::NTYPES as i32).contains(&num.0)
}

/// The singleton of a builtin type (flexible types: size 0).
pub fn builtin<'py>(py: Python<'py>, num: TypeNum) -> Descr<'py> {
    debug_assert!(is_builtin_num(num));
    // SAFETY: singletons live as long as the process.
    unsafe { Descr(Bound::from_borrowed_ptr(py, (*CLASSES[num.0 as usize].get()).singleton.cast())) }
}

/// A new descriptor object (never a singleton) of a builtin type.
pub(crate) fn alloc<'py>(py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    let num = dt.num;
    if !is_builtin_num(num) {
        return Err(PyTypeError::new_err("not a builtin type"));
    }
    // SAFETY: the class is ready; a fresh object is zeroed, so that every early return leaves something `dealloc` can free.
    unsafe {
        let obj = ffi::PyType_GenericAlloc(CLASSES[num.0 as usize].as_type(), 0);
        let descr = Descr(Bound::from_owned_ptr_or_err(py, obj)?);
        let full = &mut *obj.cast::<PyArray_LegacyDescr>();
        let d = &mut full.base;
        d.typeobj = scalar::concrete(num);
        ffi::Py_INCREF(d.typeobj.cast());
        d.kind = num.kind();
        d.type_ = num.char().unwrap_or(b'V');
        d.byteorder = dt.byteorder;
        d.flags = dt.flags;
        if num == TypeNum::UNICODE {
            d.flags |= micronumpy::dtype::flags::NEEDS_INIT;
        }
        d.type_num = num.0;
        d.elsize = dt.itemsize as isize;
        d.alignment = dt.align as isize;
        d.hash = -1;
        match &dt.body {
            Body::Plain | Body::Host(_) | Body::Strings(_) => {}
            Body::Datetime(meta) => full.c_metadata = datetime_aux(*meta),
            Body::Subarray(base, shape) => {
                let base = descr_of(py, base)?;
                full.subarray = subarray(base, PyTuple::new(py, shape.iter())?)?;
            }
            Body::Struct(fields) => {
                let dict = PyDict::new(py);
                let mut names = vec![];
                for f in fields.iter() {
                    let descr = descr_of(py, &f.dtype)?;
                    let name = PyString::intern(py, &f.name);
                    let entry = match &f.title {
                        Some(title) => {
                            let title = PyString::new(py, title);
                            let entry = (descr.0, f.offset, &title).into_pyobject(py)?;
                            dict.set_item(&title, &entry)?;
                            entry.into_any()
                        }
                        None => (descr.0, f.offset).into_pyobject(py)?.into_any(),
                    };
                    dict.set_item(&name, entry)?;
                    names.push(name);
                }
                full.names = PyTuple::new(py, names)?.into_ptr();
                full.fields = dict.into_ptr();
            }
        }
        Ok(descr)
    }
}

/// A descriptor that may be changed: a copy of one (numpy's `PyArray_DescrNew`).
pub fn copy<'py>(descr: &Descr<'py>) -> PyResult<Descr<'py>> {
    let py = descr.py();
    let Some(from) = legacy(descr) else { return string::copy(descr) };
    // SAFETY: a fresh zeroed object of the same class; all that is shared gets one more reference.
    unsafe {
        let obj = ffi::PyType_GenericAlloc(ffi::Py_TYPE(descr.0.as_ptr()), 0);
        let new = Descr(Bound::from_owned_ptr_or_err(py, obj)?);
        let (to, from) = (&mut *obj.cast::<PyArray_LegacyDescr>(), &*from);
        let (d, s) = (&mut to.base, &from.base);
        d.typeobj = s.typeobj;
        ffi::Py_XINCREF(d.typeobj.cast());
        d.kind = s.kind;
        d.type_ = s.type_;
        d.byteorder = s.byteorder;
        d.former_flags = s.former_flags;
        d.type_num = s.type_num;
        d.flags = s.flags;
        d.elsize = s.elsize;
        d.alignment = s.alignment;
        d.hash = -1;
        d.metadata = s.metadata;
        ffi::Py_XINCREF(d.metadata);
        // Builtin singletons have None here; it marks them.
        if from.fields != ffi::Py_None() {
            to.fields = from.fields;
            ffi::Py_XINCREF(to.fields);
        }
        to.names = from.names;
        ffi::Py_XINCREF(to.names);
        if let Some(clone) = from.c_metadata.as_ref().and_then(|m| m.clone) {
            to.c_metadata = clone(from.c_metadata);
        }
        if let Some(sub) = from.subarray.as_ref() {
            let base = Bound::from_borrowed_ptr(py, sub.base.cast());
            let shape = Bound::from_borrowed_ptr(py, sub.shape).cast_into_unchecked();
            to.subarray = subarray(Descr(base), shape)?;
        }
        Ok(new)
    }
}

/// The subarray part of a descriptor; it owns both references.
pub(crate) fn subarray(base: Descr<'_>, shape: Bound<'_, PyTuple>) -> PyResult<*mut PyArray_ArrayDescr> {
    // SAFETY: fresh memory, written before use.
    unsafe {
        let sub: *mut PyArray_ArrayDescr = libc::malloc(size_of::<PyArray_ArrayDescr>()).cast();
        if sub.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        sub.write(PyArray_ArrayDescr { base: base.0.into_ptr().cast(), shape: shape.into_ptr() });
        Ok(sub)
    }
}

static TYPE_DICT: std::sync::Mutex<Option<Py<PyDict>>> = std::sync::Mutex::new(None);

/// Remember `sctypeDict`: names `dtype("name")` looks up.
pub fn set_type_dict(dict: &Bound<'_, PyDict>) {
    if let Ok(mut slot) = TYPE_DICT.lock() {
        *slot = Some(dict.clone().unbind());
    }
}

/// The dictionary of type names, once the Python layer has set it.
pub(crate) fn type_dict<'py>(py: Python<'py>) -> Option<Bound<'py, PyDict>> {
    TYPE_DICT.lock().ok()?.as_ref().map(|d| d.bind(py).clone())
}
