//! Looks behind the interface that numpy's tests and nobody else take: casts as methods, discovery without an array.

use micronumpy::array::MAXDIMS;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::ffi::methods::{END, Methods};
use crate::ffi::{Args, Sig};
use crate::modules::testing::sfloat;
use crate::objects::array::args::{CopyMode, int_tuple};
use crate::objects::array::coercion::discover::{Request, discover};
use crate::objects::dtype::{DtypeClass, convert_or_class};
use crate::objects::method::{bound, casts};
use crate::{fastcall, noargs};

type Obj<'py> = Bound<'py, PyAny>;

static FUNCTIONS: Methods<4> = Methods::new([
    fastcall!(c"_get_castingimpl", get_castingimpl),
    fastcall!(c"_discover_array_parameters", discover_array_parameters),
    noargs!(c"_get_sfloat_dtype", sfloat::get_sfloat_dtype),
    END,
]);

pub fn add(_py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    super::add_functions(module, &FUNCTIONS)
}

/// `_get_castingimpl(from, to)`: the cast between two DTypes, `None` if there is none.
fn get_castingimpl<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = m.py();
    if a.len() != 2 || a.has_keywords() {
        return Err(PyTypeError::new_err(format!(
            "_get_castingimpl() takes exactly 2 arguments ({} given)",
            a.len()
        )));
    }
    let class = |i: usize| -> PyResult<DtypeClass<'py>> {
        let obj = a.get(i).unwrap_or_else(|| py.None().into_bound(py));
        DtypeClass::cast(&obj).ok_or_else(|| {
            let name = obj.get_type().name().map(|n| n.to_string()).unwrap_or_default();
            PyTypeError::new_err(format!(
                "_get_castingimpl() argument {} must be numpy._DTypeMeta, not {name}",
                i + 1
            ))
        })
    };
    let (from, to) = (class(0)?, class(1)?);
    if from.num().0 < 0 || to.num().0 < 0 {
        return Err(PyTypeError::new_err("abstract DTypes have no casts"));
    }
    match casts::method_for(&from, &to)? {
        Some(method) => bound::bind(method, &[from, to]),
        None => Ok(py.None().into_bound(py)),
    }
}

/// `_discover_array_parameters(obj, dtype=None)`: dtype and shape `array` would find.
fn discover_array_parameters<'py>(m: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("_discover_array_parameters(obj, dtype=None)");
    let py = m.py();
    if a.is_empty() && a.keyword("obj").is_none() {
        return Err(PyTypeError::new_err(
            "_discover_array_parameters() missing required positional argument 0",
        ));
    }
    let [obj, wanted] = a.parse(&SIG)?;
    let obj = obj.unwrap_or_else(|| py.None().into_bound(py));
    let class = wanted.as_ref().and_then(DtypeClass::cast);
    let descr = match wanted.filter(|w| !w.is_none()) {
        Some(w) => Some(convert_or_class(&w)?),
        None => None,
    };
    let found = discover(&obj, &Request::of(descr.as_ref()), MAXDIMS, CopyMode::IfNeeded)?;
    let descr = match (found.descr, class) {
        // Nothing to find parameters in.
        (Some(d), Some(class)) if d.dtype().is_unsized() => class.default_descr()?.0,
        (Some(d), None) if d.dtype().is_unsized() => DtypeClass::of(&d).default_descr()?.0,
        (Some(d), _) => d.0,
        (None, _) => py.None().into_bound(py),
    };
    let shape = int_tuple(py, &found.shape)?;
    Ok((descr, shape).into_pyobject(py)?.into_any())
}
