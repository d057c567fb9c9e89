//! Ufuncs and what belongs to them: the objects, `frompyfunc`, docstrings, error state.

use pyo3::exceptions::{PyDeprecationWarning, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString};

use crate::ffi::Args;
use crate::ffi::methods::{END, Methods};
use crate::ffi::types;
use crate::objects::ufunc::{self, UFUNC_TYPE, UfuncRef, errstate, from_python};
use crate::{fastcall, noargs};

static METHODS: Methods<5> = Methods::new([
    fastcall!(c"_add_newdoc_ufunc", add_newdoc_ufunc),
    fastcall!(c"_make_extobj", errstate::make_extobj),
    noargs!(c"_get_extobj_dict", errstate::get_dict),
    fastcall!(c"frompyfunc", from_python::frompyfunc),
    END,
]);

fn add_newdoc_ufunc<'py>(slf: &Bound<'py, PyAny>, args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    PyErr::warn(
        py,
        &py.get_type::<PyDeprecationWarning>(),
        c"_add_newdoc_ufunc is deprecated. Use `ufunc.__doc__ = newdoc` instead.",
        1,
    )?;
    let (Some(uf), Some(doc), 2) = (args.get(0), args.get(1), args.len()) else {
        return Err(PyTypeError::new_err(format!(
            "_add_newdoc_ufunc() takes exactly 2 arguments ({} given)",
            args.len()
        )));
    };
    let class = |o: &Bound<'py, PyAny>| -> PyResult<String> { Ok(o.get_type().name()?.to_string()) };
    let Some(target) = UfuncRef::cast(&uf) else {
        let name = class(&uf)?;
        return Err(PyTypeError::new_err(format!(
            "_add_newdoc_ufunc() argument 1 must be numpy.ufunc, not {name}"
        )));
    };
    let Ok(text) = doc.cast::<PyString>() else {
        let name = class(&doc)?;
        return Err(PyTypeError::new_err(format!("_add_newdoc_ufunc() argument 2 must be str, not {name}")));
    };
    ufunc::add_newdoc(&target, text.to_str()?)?;
    Ok(py.None().into_bound(py))
}

/// Add the ufuncs, their type's functions and the error state to the module.
pub fn add(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &METHODS)?;
    errstate::add(py, module)?;
    for (name, obj) in ufunc::builtins() {
        module.add(*name, obj.bind(py))?;
    }
    for (alias, name) in ufunc::ALIASES {
        module.add(*alias, ufunc::by_name(py, name)?.0)?;
    }
    // SAFETY: ready since `ufunc::init`.
    module.add("ufunc", unsafe { types::handle(py, UFUNC_TYPE.as_type()) })
}
