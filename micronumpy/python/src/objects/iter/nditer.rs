//! `numpy.nditer`.

use pyo3::ffi;
use pyo3::prelude::*;

use crate::abi::StaticType;
use crate::error::missing;
use crate::ffi::Args;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::{callfunc, fastcall, getset};

pub static NDITER_TYPE: StaticType = StaticType::zeroed();

macro_rules! todo_methods {
    ($($name:ident)*) => {$(
        fn $name<'py>(_: &Bound<'py, PyAny>, _: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
            Err(missing(concat!("nditer.", stringify!($name))))
        }
    )*};
}
macro_rules! todo_attributes {
    ($($name:ident)*) => {$(
        fn $name<'py>(_: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
            Err(missing(concat!("nditer.", stringify!($name))))
        }
    )*};
}
todo_methods! { reset copy iternext remove_axis remove_multi_index enable_external_loop debug_print close enter exit }
todo_attributes! {
    value shape multi_index index iterindex iterrange operands itviews has_delayed_bufalloc iterationneedsapi
    has_multi_index has_index dtypes ndim nop itersize finished
}

static METHODS: Methods<12> = Methods::new([
    fastcall!(c"reset", reset),
    fastcall!(c"copy", copy),
    fastcall!(c"__copy__", copy),
    fastcall!(c"iternext", iternext),
    fastcall!(c"remove_axis", remove_axis),
    fastcall!(c"remove_multi_index", remove_multi_index),
    fastcall!(c"enable_external_loop", enable_external_loop),
    fastcall!(c"debug_print", debug_print),
    fastcall!(c"__enter__", enter),
    fastcall!(c"__exit__", exit),
    fastcall!(c"close", close),
    END,
]);
static GETSETS: GetSets<18> = GetSets::new([
    getset!(c"value", value),
    getset!(c"shape", shape),
    getset!(c"multi_index", multi_index),
    getset!(c"index", index),
    getset!(c"iterindex", iterindex),
    getset!(c"iterrange", iterrange),
    getset!(c"operands", operands),
    getset!(c"itviews", itviews),
    getset!(c"has_delayed_bufalloc", has_delayed_bufalloc),
    getset!(c"iterationneedsapi", iterationneedsapi),
    getset!(c"has_multi_index", has_multi_index),
    getset!(c"has_index", has_index),
    getset!(c"dtypes", dtypes),
    getset!(c"ndim", ndim),
    getset!(c"nop", nop),
    getset!(c"itersize", itersize),
    getset!(c"finished", finished),
    GETSET_END,
]);

fn new<'py>(
    _: &Bound<'py, PyAny>,
    _: &Bound<'py, PyAny>,
    _: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("numpy.nditer"))
}

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = NDITER_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(ty, c"numpy.nditer", 104, 0);
        (*ty).tp_new = Some(callfunc!(new new));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        (*ty).tp_getattro = Some(ffi::PyObject_GenericGetAttr);
        types::ready(py, ty)
    }
}

/// `nested_iters(op, axes, ...)`
pub fn nested_iters<'py>(_: &Bound<'py, PyAny>, _: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    Err(missing("nested_iters"))
}
