//! Fields of structured arrays.

use micronumpy::TypeNum;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use super::super::alloc;
use crate::objects::{Array, Descr, dtype};

/// Descriptor and offset of a field by name or title.
pub fn lookup<'py>(descr: &Descr<'py>, name: &Bound<'py, PyAny>) -> PyResult<Option<(Descr<'py>, usize)>> {
    let fields = descr.0.getattr(intern!(descr.py(), "fields"))?;
    let entry = if let Ok(d) = fields.cast::<PyDict>() {
        d.get_item(name)?
    } else if fields.is_none() {
        None
    } else if fields.contains(name)? {
        Some(fields.get_item(name)?)
    } else {
        None
    };
    let Some(entry) = entry else { return Ok(None) };
    let Some(d) = Descr::cast(&entry.get_item(0)?) else {
        return Err(PyRuntimeError::new_err("field without descriptor"));
    };
    Ok(Some((d, entry.get_item(1)?.extract()?)))
}

/// A view of one field.
pub fn field<'py>(arr: &Array<'py>, name: &Bound<'py, PyAny>) -> PyResult<Array<'py>> {
    let descr = arr.descr();
    let Some((d, offset)) = lookup(&descr, name)? else {
        return Err(PyValueError::new_err(format!("no field of name {}", name.str()?)));
    };
    // SAFETY: fields lie inside elements.
    unsafe { alloc::derived_view(arr, &d, arr.data().wrapping_add(offset), arr.shape(), arr.strides()) }
}

/// Whether an index is a field name or a list of field names; gives the view if so.
pub fn subscript<'py>(arr: &Array<'py>, key: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
    let py = arr.py();
    if arr.dtype().fields().is_none() {
        return Ok(None);
    }
    if key.is_instance_of::<PyString>() {
        return field(arr, key).map(Some);
    }
    let list = match key.cast::<PyList>() {
        Ok(list) => list,
        // Any sequence of names will do, but a tuple is an index for each axis.
        Err(_) if Array::cast(key).is_some_and(|a| a.ndim() == 1 && a.dtype().num == TypeNum::UNICODE) => {
            let given = key.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            &PyList::new(py, given)?
        }
        Err(_) => return Ok(None),
    };
    if list.is_empty() || !list.iter().all(|n| n.is_instance_of::<PyString>()) {
        return Ok(None);
    }
    let own = arr.descr().0.getattr(intern!(py, "names"))?;
    let mut names = std::collections::HashSet::new();
    for n in list.iter() {
        if lookup(&arr.descr(), &n)?.is_none() {
            return Err(pyo3::exceptions::PyKeyError::new_err(n.unbind()));
        }
        if !own.contains(&n)? {
            return Err(pyo3::exceptions::PyKeyError::new_err(
                "cannot use field titles in multi-field index",
            ));
        }
        let text: String = n.str()?.to_string();
        if !names.insert(text) {
            return Err(PyValueError::new_err(format!("duplicate field of name {}", n.repr()?)));
        }
    }
    let descr = dtype::fields::subset(&arr.descr(), list)?;
    // SAFETY: the same elements, of which the new dtype names a part.
    unsafe { alloc::derived_view(arr, &descr, arr.data(), arr.shape(), arr.strides()) }.map(Some)
}
