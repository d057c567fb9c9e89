//! Small functions about the process and the build rather than about arrays.

use std::sync::atomic::{AtomicBool, Ordering};

use micronumpy::array::buffer;
use pyo3::exceptions::{PyRuntimeError, PyUserWarning};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyModule};

use crate::ffi::Args;
use crate::ffi::methods::{END, Methods};
use crate::ffi::types;
use crate::objects::array::ARRAY_TYPE;
use crate::objects::array::flags::FLAGS_TYPE;
use crate::{fastcall, noargs, onearg};

static FUNCTIONS: Methods<8> = Methods::new([
    noargs!(c"_get_ndarray_c_version", c_version),
    fastcall!(c"set_datetimeparse_function", removed_function),
    noargs!(c"_get_madvise_hugepage", hugepage_advice),
    onearg!(c"_set_madvise_hugepage", set_hugepage_advice),
    onearg!(c"_blas_supports_fpe", blas_supports_fpe),
    noargs!(c"_reload_guard", reload_guard),
    fastcall!(c"_unique_hash", unique_hash),
    END,
]);

/// Names of upstream's module that nothing here provides yet; importing them must work, calling them says so.
const NAMES: &[&str] = &[
    "_reconstruct",
    "array",
    "asarray",
    "asanyarray",
    "ascontiguousarray",
    "asfortranarray",
    "copyto",
    "arange",
    "zeros",
    "count_nonzero",
    "empty",
    "empty_like",
    "scalar",
    "where",
    "lexsort",
    "putmask",
    "fromstring",
    "fromiter",
    "concatenate",
    "inner",
    "dot",
    "vdot",
    "c_einsum",
    "correlate",
    "correlate2",
    "frombuffer",
    "fromfile",
    "can_cast",
    "promote_types",
    "min_scalar_type",
    "result_type",
    "shares_memory",
    "may_share_memory",
    "datetime_data",
    "datetime_as_string",
    "busday_offset",
    "busday_count",
    "is_busday",
    "format_longfloat",
    "dragon4_positional",
    "dragon4_scientific",
    "_place",
    "bincount",
    "_monotonicity",
    "interp",
    "interp_complex",
    "ravel_multi_index",
    "unravel_index",
    "packbits",
    "unpackbits",
    "normalize_axis_index",
    "_discover_array_parameters",
    "_get_castingimpl",
    "_load_from_filelike",
    "get_handler_name",
    "get_handler_version",
    "_set_numpy_warn_if_no_mem_policy",
    "_get_sfloat_dtype",
    "from_dlpack",
    "busdaycalendar",
];

pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)?;
    // SAFETY: both types are ready.
    unsafe {
        module.add("ndarray", types::handle(py, ARRAY_TYPE.as_type()))?;
        module.add("flagsobj", types::handle(py, FLAGS_TYPE.as_type()))
    }
}

/// Last, when every topic has added what it has.
pub fn add_missing(module: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::modules::missing::add_missing(module, NAMES)
}

static LOADED: AtomicBool = AtomicBool::new(false);

fn flag(py: Python<'_>, value: bool) -> Bound<'_, PyAny> {
    PyBool::new(py, value).to_owned().into_any()
}

fn c_version<'py>(module: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(0x0200_0000u32.into_pyobject(module.py())?.into_any())
}

fn removed_function<'py>(_module: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(PyRuntimeError::new_err("This function has been removed"))
}

fn hugepage_advice<'py>(module: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(flag(module.py(), buffer::hugepages()))
}

fn set_hugepage_advice<'py>(
    module: &Bound<'py, PyAny>,
    enabled: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let before = buffer::set_hugepages(enabled.is_truthy()?);
    Ok(flag(module.py(), before))
}

/// Upstream asks whether its BLAS reports floating-point errors reliably; our products are compiled with the rest.
fn blas_supports_fpe<'py>(
    module: &Bound<'py, PyAny>,
    _enabled: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(flag(module.py(), true))
}

/// Types live once per process: numpy imported a second time would mix two generations of them.
fn reload_guard<'py>(module: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    if LOADED.swap(true, Ordering::Relaxed) {
        PyErr::warn(
            py,
            &py.get_type::<PyUserWarning>(),
            c"The NumPy module was reloaded (imported a second time). This can in some cases result in small but subtle issues. You are encouraged to avoid this.",
            2,
        )?;
    }
    Ok(py.None().into_bound(py))
}

/// The layer sorts when it hears that there is no faster way to find the distinct elements of an array.
fn unique_hash<'py>(module: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Ok(module.py().NotImplemented().into_bound(module.py()))
}
