//! `numpy.dtype`, its metaclass `numpy._DTypeMeta` and the DType classes.

use micronumpy::{Dtype, TypeNum};
use pyo3::prelude::*;

use super::Descr;
use crate::abi::*;
use crate::error::missing;

pub static DESCR_TYPE: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();
pub static DTYPEMETA_TYPE: StaticType = StaticType::zeroed();

/// Ready the types and make the builtin descriptors.
pub fn init(_py: Python<'_>) -> PyResult<()> {
    Err(missing("numpy.dtype"))
}

/// What the object space knows about a descriptor; made at first use and kept with the descriptor.
///
/// # Safety
/// `descr` is a live descriptor that outlives the result.
pub unsafe fn dtype_of<'a>(_descr: *mut PyArray_Descr) -> &'a Dtype {
    unimplemented!()
}

/// The descriptor object of a dtype: the singleton where there is one, else a new one.
pub fn descr_of<'py>(_py: Python<'py>, _dt: &Dtype) -> PyResult<Descr<'py>> {
    Err(missing("descr_of"))
}

/// The singleton of a builtin type (flexible types: size 0).
pub fn builtin<'py>(_py: Python<'py>, _num: TypeNum) -> Descr<'py> {
    unimplemented!()
}

/// Anything `numpy.dtype(obj)` accepts (`None` is float64), as the C API's `PyArray_DescrConverter`.
pub fn convert<'py>(_obj: &Bound<'py, PyAny>) -> PyResult<Descr<'py>> {
    Err(missing("dtype conversion"))
}
