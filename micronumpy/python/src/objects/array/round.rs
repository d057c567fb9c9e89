//! `arr.round(decimals)`.

use micronumpy::TypeNum;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::getset::component;
use super::methods::copy_array;
use crate::objects::Array;
use crate::objects::ufunc::call_by_name;

type Obj<'py> = Bound<'py, PyAny>;

/// Round to a number of decimals: scale, round to even, scale back.
pub fn round<'py>(arr: &Array<'py>, decimals: isize, out: Option<&Array<'py>>) -> PyResult<Obj<'py>> {
    let py = arr.py();
    let num = arr.dtype().num;
    if let Some(o) = out {
        if o.shape() != arr.shape() {
            return Err(pyo3::exceptions::PyValueError::new_err("invalid output shape"));
        }
    }
    if num.is_complex() {
        // Real and imaginary parts, each on its own.
        let target = match out {
            Some(o) => o.clone(),
            None => copy_array(arr, micronumpy::Order::Keep)?,
        };
        for imag in [false, true] {
            let part = component(arr, imag)?;
            let rounded = round(&part, decimals, None)?;
            let name = if imag { "imag" } else { "real" };
            target.0.setattr(name, rounded)?;
        }
        return if arr.ndim() == 0 && out.is_none() { super::unwrap_0d(target) } else { Ok(target.0) };
    }
    let whole = num.is_integer();
    if decimals >= 0 {
        if whole {
            // Integers have no decimals.
            return match out {
                Some(o) => {
                    super::assign::assign_array(o, arr)?;
                    Ok(o.0.clone())
                }
                None => Ok(copy_array(arr, micronumpy::Order::Keep)?.0),
            };
        }
        if decimals == 0 {
            return call_by_name(py, "rint", &[&arr.0], out.map(|o| &o.0));
        }
    }
    if num == TypeNum::BOOL && decimals < 0 {
        let _ = PyTypeError::new_err::<&str>;
    }
    let scale =
        10f64.powi(i32::try_from(decimals.unsigned_abs()).unwrap_or(i32::MAX)).into_pyobject(py)?.into_any();
    let (first, second) = if decimals >= 0 { ("multiply", "divide") } else { ("divide", "multiply") };
    let scaled = call_by_name(py, first, &[&arr.0, &scale], None)?;
    let rounded = call_by_name(py, "rint", &[&scaled], None)?;
    if whole {
        let back = call_by_name(py, second, &[&rounded, &scale], None)?;
        return match out {
            Some(o) => {
                super::assign::assign(o, &back)?;
                Ok(o.0.clone())
            }
            None => back.call_method1("astype", (arr.descr().0,)),
        };
    }
    call_by_name(py, second, &[&rounded, &scale], out.map(|o| &o.0))
}
