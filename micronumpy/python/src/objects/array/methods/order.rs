//! Sorting, partitioning, searching, extremes.

use pyo3::prelude::*;

use crate::error::missing;
use crate::ffi::Args;
use crate::objects::Array;

type Obj<'py> = Bound<'py, PyAny>;

macro_rules! todo_methods {
    ($($name:ident)*) => {$(
        #[doc = concat!("`arr.", stringify!($name), "(...)`")]
        pub fn $name<'py>(_slf: &Obj<'py>, _a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
            Err(missing(stringify!($name)))
        }
    )*};
}
todo_methods! { sort argsort partition argpartition searchsorted }

/// `argmax` and `argmin`.
pub fn arg_extreme<'py>(
    _arr: &Array<'py>,
    _axis: Option<&Obj<'py>>,
    _out: Option<&Obj<'py>>,
    _keepdims: Option<&Obj<'py>>,
    max: bool,
) -> PyResult<Obj<'py>> {
    Err(missing(if max { "argmax" } else { "argmin" }))
}
