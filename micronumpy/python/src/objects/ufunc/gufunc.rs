//! x
use micronumpy::iter::PerOp;
use pyo3::prelude::*;

use super::UfuncRef;
use super::call::Call;
use crate::error::missing;
use crate::objects::Array;

pub fn run<'py>(_uf: &UfuncRef<'py>, _c: &Call<'py>) -> PyResult<PerOp<Array<'py>>> {
    Err(missing("generalized ufuncs"))
}
