//! `numpy.dtypes.StringDType`.

use micronumpy::{Dtype, TypeNum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::{DESCR_TYPE, classes};
use crate::abi::*;
use crate::error::missing;
use crate::ffi::types;
use crate::objects::Descr;

/// Bytes of a StringDType instance.
const SIZE: usize = 144;

/// Ready the class.
pub(super) fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: the static is zeroed and not in use yet.
    unsafe {
        let ty = &classes::STRING_DTYPE;
        let text = &raw mut ffi::PyUnicode_Type;
        let root = DESCR_TYPE.as_type();
        let num = TypeNum::VSTRING.0;
        classes::prepare(ty.get(), c"numpy.dtypes.StringDType", root, SIZE, NPY_DT_PARAMETRIC, num, text);
        types::ready(py, ty.as_type())
    }
}

/// A number that is equal for equivalent instances.
pub(super) unsafe fn host_key(descr: *mut PyArray_Descr) -> usize {
    descr as usize
}

/// The descriptor of a type the host defines.
pub(super) fn descr_of_host<'py>(_py: Python<'py>, dt: &Dtype) -> PyResult<Descr<'py>> {
    Err(missing(&format!("descriptor of type number {}", dt.num.0)))
}
