//! Picking elements: `take`, `put`, `choose`, `compress`, `repeat`, `nonzero`, diagonals.

use pyo3::prelude::*;

use crate::error::missing;
use crate::ffi::Args;

type Obj<'py> = Bound<'py, PyAny>;

macro_rules! todo_methods {
    ($($name:ident)*) => {$(
        #[doc = concat!("`arr.", stringify!($name), "(...)`")]
        pub fn $name<'py>(_slf: &Obj<'py>, _a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
            Err(missing(stringify!($name)))
        }
    )*};
}
todo_methods! { take put choose compress repeat nonzero diagonal trace }
