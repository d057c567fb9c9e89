//! Dtypes and scalar types of the module, and the functions about them.

use micronumpy::TypeNum;
use micronumpy::dtype::flags;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyModule, PyString};

use crate::abi::{NPY_ARRAY_OWNDATA, PyArrayObject, PyDataMem_Handler};
use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig, types};
use crate::objects::array::memory;
use crate::objects::dtype::{DESCR_TYPE, builtin, classes, convert, datetime, equivalent};
use crate::objects::scalar::{self, types as scalars};
use crate::objects::{Array, Descr};
use crate::{fastcall, onearg};

type Obj<'py> = Bound<'py, PyAny>;

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

fn none<'py>(py: Python<'py>) -> PyResult<Obj<'py>> {
    Ok(py.None().into_bound(py))
}

/// `datetime_data(dtype, /)`
fn datetime_data<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("datetime_data(dtype, /)");
    let [dtype] = args.parse(&SIG)?;
    let descr = convert(&dtype.expect("required"))?;
    match descr.dtype().datetime_meta() {
        Some(meta) => Ok((datetime::unit_name(meta.unit), meta.num).into_pyobject(module.py())?.into_any()),
        None => Err(PyTypeError::new_err("cannot get datetime metadata from non-datetime type")),
    }
}

/// `scalar(dtype, obj)`: what pickled scalars are made with.
fn make_scalar<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("scalar(dtype, obj=None)");
    let py = module.py();
    let [dtype, obj] = args.parse(&SIG)?;
    let dtype = dtype.expect("required");
    let Some(descr) = Descr::cast(&dtype) else {
        return Err(PyTypeError::new_err(format!(
            "scalar() argument 1 must be numpy.dtype, not {}",
            dtype.get_type().name()?
        )));
    };
    let dt = descr.dtype();
    if dt.flags & flags::LIST_PICKLE != 0 {
        if dt.num.is_object() {
            return Err(PyTypeError::new_err("Cannot unpickle a scalar with object dtype."));
        }
        let arr = obj.as_ref().and_then(Array::cast).filter(|a| a.is_exact());
        let Some(arr) = arr.filter(|a| a.size() > 0 && equivalent(a.dtype(), dt)) else {
            return Err(PyRuntimeError::new_err(
                "Unpickling NPY_LIST_PICKLE (structured void) scalar requires an array.  The pickle file may be \
                 corrupted?",
            ));
        };
        // SAFETY: an array with at least one element.
        return unsafe { scalar::to_scalar(&descr, arr.data(), Some(&arr.0)) };
    }
    let mut bytes = match &obj {
        None => vec![0; dt.itemsize],
        Some(obj) => match obj.cast::<PyString>() {
            // Pickles of Python 2 have the bytes as text here, of the right characters if they were read as latin-1.
            Ok(text) => match text.call_method1(intern!(py, "encode"), ("latin1",)) {
                Ok(bytes) => bytes.extract()?,
                Err(_) => {
                    return Err(PyValueError::new_err(
                        "Failed to encode Numpy scalar data string to latin1,\npickle.load(a, encoding='latin1') is \
                         assumed if unpickling.",
                    ));
                }
            },
            Err(_) => match obj.cast::<PyBytes>() {
                Ok(b) => b.as_bytes().to_vec(),
                Err(_) => return Err(PyTypeError::new_err("initializing object must be a bytes object")),
            },
        },
    };
    if bytes.len() < dt.itemsize {
        return Err(PyValueError::new_err("initialization string is too small"));
    }
    bytes.push(0);
    // SAFETY: enough bytes; types with references have been dealt with.
    unsafe { scalar::to_scalar(&descr, bytes.as_ptr(), None) }
}

fn handler_array<'py>(args: &Args<'_, 'py>) -> PyResult<Option<Array<'py>>> {
    if args.len() > 1 {
        return Err(PyTypeError::new_err(format!(
            "function takes at most 1 argument ({} given)",
            args.len()
        )));
    }
    match args.get(0) {
        None => Ok(None),
        Some(obj) => match Array::cast(&obj) {
            Some(arr) => Ok(Some(arr)),
            None => Err(PyValueError::new_err("if supplied, argument must be an ndarray")),
        },
    }
}

/// What the handler in force, or that of an array's own memory, says of itself; `None` for an array without.
fn ask_handler<'py>(
    module: &Obj<'py>,
    args: &Args<'_, 'py>,
    answer: impl FnOnce(&PyDataMem_Handler) -> Obj<'py>,
) -> PyResult<Obj<'py>> {
    let py = module.py();
    let capsule = match handler_array(args)? {
        Some(arr) => {
            // SAFETY: a live array, whose handler is null or a live object.
            let own = unsafe {
                let handler = (*arr.0.as_ptr().cast::<PyArrayObject>()).mem_handler;
                Bound::from_borrowed_ptr_or_opt(py, handler)
            };
            own.filter(|_| arr.has_flags(NPY_ARRAY_OWNDATA))
        }
        None => Some(memory::current(py)?),
    };
    // SAFETY: a live object, held here while its handler is looked at.
    match capsule.as_ref().and_then(|c| unsafe { memory::handler(c.as_ptr()) }) {
        Some(handler) => Ok(answer(handler)),
        None => none(py),
    }
}

/// `get_handler_name(arr=None)`
fn get_handler_name<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    ask_handler(module, &args, |handler| {
        let name = &handler.name;
        let end = name.iter().position(|&c| c == 0).unwrap_or(name.len());
        PyString::new(module.py(), &String::from_utf8_lossy(&name[..end])).into_any()
    })
}

/// `get_handler_version(arr=None)`
fn get_handler_version<'py>(module: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    ask_handler(module, &args, |handler| PyInt::new(module.py(), handler.version).into_any())
}

/// Whether freeing memory of an unknown allocator warns; the old answer is returned.
fn set_warn_if_no_mem_policy<'py>(module: &Obj<'py>, flag: &Obj<'py>) -> PyResult<Obj<'py>> {
    let old = memory::warn_of_no_policy(flag.is_truthy()?);
    Ok(PyBool::new(module.py(), old).to_owned().into_any())
}

static METHODS: Methods<7> = Methods::new([
    onearg!(c"set_typeDict", set_type_dict),
    fastcall!(c"datetime_data", datetime_data),
    fastcall!(c"scalar", make_scalar),
    fastcall!(c"get_handler_name", get_handler_name),
    fastcall!(c"get_handler_version", get_handler_version),
    onearg!(c"_set_numpy_warn_if_no_mem_policy", set_warn_if_no_mem_policy),
    END,
]);

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
