//! The DType classes: `numpy.dtypes.Float64DType` and its relatives, all instances of `numpy._DTypeMeta`.
//!
//! Their addresses are fixed and so are the singletons: everything that names a builtin type by number finds its class by
//! indexing [`CLASSES`].

use std::ffi::CStr;

use micronumpy::{Dtype, TypeNum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::{DESCR_TYPE, DTYPEMETA_TYPE, alloc};
use crate::abi::*;
use crate::ffi::types;
use crate::objects::scalar;

/// Classes of the builtin types, by type number.
pub static CLASSES: [StaticType<PyArray_DTypeMeta>; TypeNum::NTYPES] =
    [const { StaticType::zeroed() }; TypeNum::NTYPES];
pub static INTEGER_ABSTRACT: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static FLOAT_ABSTRACT: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static COMPLEX_ABSTRACT: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
/// DTypes of Python's own numbers.
pub static PY_LONG: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static PY_FLOAT: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static PY_COMPLEX: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static STRING_DTYPE: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();

type Meta = StaticType<PyArray_DTypeMeta>;

struct Class {
    num: TypeNum,
    name: &'static CStr,
    alias: Option<&'static str>,
}

const fn class(num: TypeNum, name: &'static CStr, alias: Option<&'static str>) -> Class {
    Class { num, name, alias }
}

/// In the order `numpy.dtypes` lists them.
static TABLE: [Class; TypeNum::NTYPES] = [
    class(TypeNum::BOOL, c"numpy.dtypes.BoolDType", None),
    class(TypeNum::BYTE, c"numpy.dtypes.Int8DType", Some("numpy.dtypes.ByteDType")),
    class(TypeNum::UBYTE, c"numpy.dtypes.UInt8DType", Some("numpy.dtypes.UByteDType")),
    class(TypeNum::SHORT, c"numpy.dtypes.Int16DType", Some("numpy.dtypes.ShortDType")),
    class(TypeNum::USHORT, c"numpy.dtypes.UInt16DType", Some("numpy.dtypes.UShortDType")),
    class(TypeNum::INT, c"numpy.dtypes.Int32DType", Some("numpy.dtypes.IntDType")),
    class(TypeNum::UINT, c"numpy.dtypes.UInt32DType", Some("numpy.dtypes.UIntDType")),
    class(TypeNum::LONG, c"numpy.dtypes.Int64DType", Some("numpy.dtypes.LongDType")),
    class(TypeNum::ULONG, c"numpy.dtypes.UInt64DType", Some("numpy.dtypes.ULongDType")),
    class(TypeNum::LONGLONG, c"numpy.dtypes.LongLongDType", None),
    class(TypeNum::ULONGLONG, c"numpy.dtypes.ULongLongDType", None),
    class(TypeNum::HALF, c"numpy.dtypes.Float16DType", None),
    class(TypeNum::FLOAT, c"numpy.dtypes.Float32DType", None),
    class(TypeNum::DOUBLE, c"numpy.dtypes.Float64DType", None),
    class(TypeNum::LONGDOUBLE, c"numpy.dtypes.LongDoubleDType", None),
    class(TypeNum::CFLOAT, c"numpy.dtypes.Complex64DType", None),
    class(TypeNum::CDOUBLE, c"numpy.dtypes.Complex128DType", None),
    class(TypeNum::CLONGDOUBLE, c"numpy.dtypes.CLongDoubleDType", None),
    class(TypeNum::OBJECT, c"numpy.dtypes.ObjectDType", None),
    class(TypeNum::STRING, c"numpy.dtypes.BytesDType", None),
    class(TypeNum::UNICODE, c"numpy.dtypes.StrDType", None),
    class(TypeNum::VOID, c"numpy.dtypes.VoidDType", None),
    class(TypeNum::DATETIME, c"numpy.dtypes.DateTime64DType", None),
    class(TypeNum::TIMEDELTA, c"numpy.dtypes.TimeDelta64DType", None),
];

/// The abstract class above a builtin type.
fn base_of(num: TypeNum) -> &'static Meta {
    if num.is_integer() {
        &INTEGER_ABSTRACT
    } else if num.is_float() {
        &FLOAT_ABSTRACT
    } else if num.is_complex() {
        &COMPLEX_ABSTRACT
    } else {
        &DESCR_TYPE
    }
}

/// Head, bases and DType data of one class; `PyType_Ready` is the caller's.
///
/// # Safety
/// `class` is a zeroed struct that lives as long as the process.
pub unsafe fn prepare(
    class: *mut PyArray_DTypeMeta,
    name: &'static CStr,
    base: *mut ffi::PyTypeObject,
    basicsize: usize,
    flags: u64,
    type_num: i32,
    scalar: *mut ffi::PyTypeObject,
) {
    // SAFETY: the caller's promise; bases and scalar types are static.
    unsafe {
        let ty: *mut ffi::PyTypeObject = class.cast();
        types::prepare(ty, name, basicsize, 0);
        (*ty.cast::<ffi::PyObject>()).ob_type = DTYPEMETA_TYPE.as_type();
        (*ty).tp_base = base;
        (*class).flags = flags;
        (*class).type_num = type_num;
        (*class).scalar_type = scalar;
        if !scalar.is_null() {
            ffi::Py_INCREF(scalar.cast());
        }
    }
}

/// Ready all classes and make the singletons.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let descr = size_of::<PyArray_Descr>();
    let legacy = size_of::<PyArray_LegacyDescr>();
    let root = DESCR_TYPE.as_type();
    let object = std::ptr::null_mut();
    // SAFETY: the statics are zeroed and not in use yet; the GIL is held.
    unsafe {
        for (ty, name) in [
            (&INTEGER_ABSTRACT, c"numpy.dtypes._IntegerAbstractDType"),
            (&FLOAT_ABSTRACT, c"numpy.dtypes._FloatAbstractDType"),
            (&COMPLEX_ABSTRACT, c"numpy.dtypes._ComplexAbstractDType"),
        ] {
            prepare(ty.get(), name, root, descr, NPY_DT_ABSTRACT, -1, object);
            types::ready(py, ty.as_type())?;
        }
        for (ty, name, base, scalar) in [
            (&PY_LONG, c"numpy.dtypes._PyLongDType", &INTEGER_ABSTRACT, &raw mut ffi::PyLong_Type),
            (&PY_FLOAT, c"numpy.dtypes._PyFloatDType", &FLOAT_ABSTRACT, &raw mut ffi::PyFloat_Type),
            (&PY_COMPLEX, c"numpy.dtypes._PyComplexDType", &COMPLEX_ABSTRACT, &raw mut ffi::PyComplex_Type),
        ] {
            prepare(ty.get(), name, base.as_type(), descr, 0, -1, scalar);
            types::ready(py, ty.as_type())?;
        }
        for row in &TABLE {
            let num = row.num;
            let class = CLASSES[num.0 as usize].get();
            let mut flags = NPY_DT_LEGACY;
            if num.is_bool() || num.is_number() {
                flags |= NPY_DT_NUMERIC;
            }
            if num.is_flexible() || num.is_datetime() {
                flags |= NPY_DT_PARAMETRIC;
            }
            let scalar = scalar::concrete(num);
            prepare(class, row.name, base_of(num).as_type(), legacy, flags, num.0, scalar);
            (*class.cast::<ffi::PyTypeObject>()).tp_new = Some(crate::callfunc!(new super::new::legacy_new));
            types::ready(py, class.cast())?;
            let singleton = alloc(py, &Dtype::builtin(num))?.0.into_ptr().cast::<PyArray_LegacyDescr>();
            // This is how builtin descriptors are told from copies.
            (*singleton).fields = py.None().into_ptr();
            (*class).singleton = singleton.cast();
        }
        super::string::init(py)
    }
}

/// Tell `numpy.dtypes` about the classes.
pub fn register(py: Python<'_>) -> PyResult<()> {
    let add = py.import("numpy.dtypes")?.getattr("_add_dtype_helper")?;
    // SAFETY: the classes are ready.
    unsafe {
        for row in &TABLE {
            add.call1((types::handle(py, CLASSES[row.num.0 as usize].as_type()), row.alias))?;
        }
        add.call1((types::handle(py, STRING_DTYPE.as_type()), py.None()))?;
    }
    Ok(())
}
