//! Dtypes and scalar types of the module, and the functions about them.

use micronumpy::TypeNum;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

use crate::ffi::methods::{END, Methods};
use crate::ffi::types;
use crate::objects::dtype::{DESCR_TYPE, builtin, classes};
use crate::objects::scalar::types as scalars;
use crate::onearg;

/// `typeinfo`: every name of a builtin type, in numpy's order.
static TYPEINFO: &[(TypeNum, &[&str])] = &[
    (TypeNum::BOOL, &["bool", "NPY_BOOL"]),
    (TypeNum::HALF, &["float16", "NPY_HALF"]),
    (TypeNum::FLOAT, &["float32", "NPY_FLOAT"]),
    (TypeNum::DOUBLE, &["float64", "NPY_DOUBLE"]),
    (TypeNum::LONGDOUBLE, &["longdouble", "NPY_LONGDOUBLE"]),
    (TypeNum::CFLOAT, &["complex64", "NPY_CFLOAT"]),
    (TypeNum::CDOUBLE, &["complex128", "NPY_CDOUBLE"]),
    (TypeNum::CLONGDOUBLE, &["clongdouble", "NPY_CLONGDOUBLE"]),
    (TypeNum::STRING, &["bytes_", "NPY_STRING"]),
    (TypeNum::UNICODE, &["str_", "NPY_UNICODE"]),
    (TypeNum::VOID, &["void", "NPY_VOID"]),
    (TypeNum::OBJECT, &["object_", "NPY_OBJECT"]),
    (TypeNum::DATETIME, &["datetime64", "NPY_DATETIME"]),
    (TypeNum::TIMEDELTA, &["timedelta64", "NPY_TIMEDELTA"]),
    (TypeNum::BYTE, &["int8", "byte", "NPY_BYTE"]),
    (TypeNum::UBYTE, &["uint8", "ubyte", "NPY_UBYTE"]),
    (TypeNum::SHORT, &["int16", "short", "NPY_SHORT"]),
    (TypeNum::USHORT, &["uint16", "ushort", "NPY_USHORT"]),
    (TypeNum::INT, &["int32", "intc", "NPY_INT"]),
    (TypeNum::UINT, &["uint32", "uintc", "NPY_UINT"]),
    (TypeNum::LONG, &["int64", "long", "NPY_LONG"]),
    (TypeNum::ULONG, &["uint64", "ulong", "NPY_ULONG"]),
    (TypeNum::LONGLONG, &["longlong", "NPY_LONGLONG"]),
    (TypeNum::ULONGLONG, &["ulonglong", "NPY_ULONGLONG"]),
    (TypeNum::LONG, &["intp"]),
    (TypeNum::ULONG, &["uintp"]),
];

fn set_type_dict<'py>(slf: &Bound<'py, PyAny>, dict: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    crate::objects::dtype::set_type_dict(dict.cast::<PyDict>()?);
    Ok(slf.py().None().into_bound(slf.py()))
}

static METHODS: Methods<2> = Methods::new([onearg!(c"set_typeDict", set_type_dict), END]);

/// Add types, `typeinfo` and functions to the module.
pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    // SAFETY: the types are ready; the method table lives as long as the process.
    unsafe {
        crate::ffi::guard::status(py, pyo3::ffi::PyModule_AddFunctions(module.as_ptr(), METHODS.as_ptr()))?;
        module.add("dtype", types::handle(py, DESCR_TYPE.as_type()))?;
        module.add("StringDType", types::handle(py, classes::STRING_DTYPE.as_type()))?;
        for (name, ty) in [
            ("generic", &scalars::GENERIC),
            ("number", &scalars::NUMBER),
            ("integer", &scalars::INTEGER),
            ("inexact", &scalars::INEXACT),
            ("signedinteger", &scalars::SIGNED_INTEGER),
            ("unsignedinteger", &scalars::UNSIGNED_INTEGER),
            ("floating", &scalars::FLOATING),
            ("complexfloating", &scalars::COMPLEX_FLOATING),
            ("flexible", &scalars::FLEXIBLE),
            ("character", &scalars::CHARACTER),
        ] {
            module.add(name, types::handle(py, ty.as_type()))?;
        }
    }
    let info = PyDict::new(py);
    for (num, names) in TYPEINFO {
        for name in *names {
            info.set_item(name, builtin(py, *num).0)?;
        }
    }
    module.add("typeinfo", info)
}
