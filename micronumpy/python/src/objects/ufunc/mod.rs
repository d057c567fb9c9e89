//! `numpy.ufunc`: the type, calls, reductions and what surrounds them.

mod at;
pub mod bind;
mod call;
pub mod compiled;
pub mod dispatch;
mod docs;
mod dtypes_api;
pub mod errstate;
pub mod fast;
mod fast_gufunc;
pub mod from_python;
mod gufunc;
mod iterated;
pub mod object;
pub mod object_loops;
mod overrides;
pub mod params;
mod reduce;
mod strings;

use std::sync::OnceLock;

use micronumpy::ufunc::Ufunc;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

pub use object::{UFUNC_TYPE, UfuncRef, add_newdoc, is_ufunc, loops_changed, make};
pub use overrides::has_override;

use crate::error::IntoPyResult;

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    object::init(py)?;
    let doc = |name: &str| docs::doc_of(name).and_then(|text| std::ffi::CString::new(text).ok());
    let mut table = vec![];
    for def in ufuncs::table::UFUNCS {
        let mut core = Ufunc::from_def(def).py(py)?;
        core.loops.extend(object_loops::loops_of(def.name));
        table.push((def.name, make(py, core, doc(def.name), None, None)?.0.unbind()));
    }
    ufuncs::strings::unicode::install(crate::ffi::unicode::DATABASE);
    for def in ufuncs::strings::UFUNCS {
        let core = Ufunc::from_string_def(def).py(py)?;
        table.push((def.name, make(py, core, doc(def.name), None, None)?.0.unbind()));
    }
    let _ = BUILTIN.set(table);
    strings::register(py)
}

static BUILTIN: OnceLock<Vec<(&'static str, Py<PyAny>)>> = OnceLock::new();

/// The builtin ufuncs, without aliases.
pub fn builtins() -> &'static [(&'static str, Py<PyAny>)] {
    BUILTIN.get().map_or(&[], Vec::as_slice)
}

/// The builtin ufunc of this name; `true_divide`, `conj` and `mod` are known too.
pub fn by_name<'py>(py: Python<'py>, name: &str) -> PyResult<UfuncRef<'py>> {
    let real = ALIASES.iter().find(|a| a.0 == name).map_or(name, |a| a.1);
    match builtins().iter().find(|u| u.0 == real) {
        Some((_, obj)) => Ok(UfuncRef(obj.bind(py).clone())),
        None => Err(crate::error::missing(&format!("ufunc {name}"))),
    }
}

/// Second names of builtin ufuncs.
pub static ALIASES: &[(&str, &str)] =
    &[("true_divide", "divide"), ("conj", "conjugate"), ("mod", "remainder")];

/// Call the builtin ufunc of this name with positional arguments, as the number protocol does (`a + b` is
/// `call_by_name("add", [a, b], None)`), overrides included. `out` is for in-place operators.
pub fn call_by_name<'py>(
    py: Python<'py>,
    name: &'static str,
    args: &[&Bound<'py, PyAny>],
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let uf = by_name(py, name)?;
    let mut raw: micronumpy::iter::PerOp<*mut pyo3::ffi::PyObject> =
        args.iter().map(|a| a.as_ptr()).collect();
    raw.extend(out.map(|o| o.as_ptr()));
    // SAFETY: a ufunc and live arguments by the vectorcall protocol.
    unsafe {
        let result = call::vectorcall(uf.0.as_ptr(), raw.as_ptr(), raw.len(), std::ptr::null_mut());
        crate::ffi::guard::owned(py, result)
    }
}

/// Call a method (`reduce`, `accumulate`...) of the builtin ufunc of this name.
pub fn call_method<'py>(
    py: Python<'py>,
    name: &'static str,
    method: &str,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    by_name(py, name)?.0.call_method1(method, args)
}

/// Raise or warn for floating-point status `fpe` (bits of `ufuncs::fpstatus`) as errstate says; `name` goes into the text
/// `"overflow encountered in {name}"`.
pub fn report_fp_status(py: Python<'_>, name: &str, fpe: u8) -> PyResult<()> {
    if fpe == 0 { Ok(()) } else { errstate::report(py, name, u32::from(fpe)) }
}
