//! The unit a datetime array needs for given Python objects.

use micronumpy::dtype::DatetimeMeta;
use micronumpy::{Dtype, TypeNum};
use pyo3::prelude::*;

use crate::error::missing;
use crate::objects::{Array, Descr, dtype, scalar};

/// The descriptor of one object: scalars bring their unit, dates and times of the standard library theirs, strings what
/// they spell out, numbers none.
pub fn scalar_descr<'py>(obj: &Bound<'py, PyAny>, num: TypeNum) -> PyResult<Descr<'py>> {
    let py = obj.py();
    let generic = || Ok(dtype::builtin(py, num));
    if crate::objects::handles::is_scalar(obj) {
        if let Some(d) = scalar::descr_of_scalar(obj)? {
            let dt = d.dtype();
            if let Some(m) = dt.datetime_meta() {
                return dtype::descr_of(py, &Dtype::datetime(num, m));
            }
        }
    }
    let unit = match class_in_datetime(obj)? {
        Some("datetime") if num == TypeNum::DATETIME => 9,
        Some("date") if num == TypeNum::DATETIME => 4,
        Some("timedelta") if num == TypeNum::TIMEDELTA => 9,
        _ => {
            if let Some(text) = super::super::args::text(obj) {
                return string_descr(py, &text, num);
            }
            return generic();
        }
    };
    dtype::descr_of(py, &Dtype::datetime(num, DatetimeMeta { unit, num: 1 }))
}

/// Which class of the module `datetime` an object is an instance of.
fn class_in_datetime(obj: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
    use crate::ffi::import::cached;
    let py = obj.py();
    for name in ["datetime", "date", "timedelta"] {
        if obj.is_instance(&cached(py, "datetime", name)?)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn string_descr<'py>(py: Python<'py>, text: &str, num: TypeNum) -> PyResult<Descr<'py>> {
    if num == TypeNum::TIMEDELTA {
        return Ok(dtype::builtin(py, num));
    }
    // The scalar constructor parses the text and knows its unit.
    let cls = dtype::builtin(py, num).0.getattr("type")?;
    let value = cls.call1((text,))?;
    match scalar::descr_of_scalar(&value)? {
        Some(d) => Ok(d),
        None => Err(missing("datetime discovery")),
    }
}

/// The common unit of an array of strings.
pub fn array_descr<'py>(arr: &Array<'py>, num: TypeNum) -> PyResult<Descr<'py>> {
    use crate::error::IntoPyResult;
    let py = arr.py();
    let mut found: Option<Dtype> = None;
    super::super::for_each_item(arr, |item| {
        let d = scalar_descr(item, num)?;
        found = Some(match found.take() {
            None => d.dtype().clone(),
            Some(old) => micronumpy::dtype::promote::promote(&old, d.dtype()).py(py)?,
        });
        Ok(())
    })?;
    match found {
        Some(dt) => dtype::descr_of(py, &dt),
        None => Ok(dtype::builtin(py, num)),
    }
}
