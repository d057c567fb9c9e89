//! `arr.round(decimals)`.

use pyo3::prelude::*;

use super::getset::component;
use super::methods::copy_array;
use crate::abi::NPY_ARRAY_FORCECAST;
use crate::objects::ufunc::call_by_name;
use crate::objects::{Array, dtype};

type Obj<'py> = Bound<'py, PyAny>;

/// Round to a number of decimals: scale, round to even, scale back.
pub fn round<'py>(arr: &Array<'py>, decimals: isize, out: Option<&Array<'py>>) -> PyResult<Obj<'py>> {
    let py = arr.py();
    let num = arr.dtype().num;
    if out.is_some_and(|o| o.size() != arr.size()) {
        return Err(pyo3::exceptions::PyValueError::new_err("invalid output shape"));
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
    let scale =
        10f64.powi(i32::try_from(decimals.unsigned_abs()).unwrap_or(i32::MAX)).into_pyobject(py)?.into_any();
    let (first, second) = if decimals >= 0 { ("multiply", "divide") } else { ("divide", "multiply") };
    if whole {
        // Computed in floating point, then back.
        if out.is_none() && arr.ndim() > 0 {
            let double = dtype::builtin(py, micronumpy::TypeNum::DOUBLE);
            let target = super::alloc::new_like(arr, micronumpy::Order::Any, &double, None, false, false)?;
            call_by_name(py, first, &[&arr.0, &scale], Some(&target.0))?;
            call_by_name(py, "rint", &[&target.0], Some(&target.0))?;
            call_by_name(py, second, &[&target.0, &scale], Some(&target.0))?;
            return target.0.call_method1("astype", (arr.descr().0,));
        }
        let scaled = call_by_name(py, first, &[&arr.0, &scale], None)?;
        let rounded = call_by_name(py, "rint", &[&scaled], None)?;
        let back = call_by_name(py, second, &[&rounded, &scale], None)?;
        return match out {
            Some(o) => {
                super::assign::assign(o, &back)?;
                Ok(o.0.clone())
            }
            None => {
                let native = dtype::descr_of(py, &arr.dtype().with_byteorder(b'='))?;
                let one = super::coercion::from_any(&back, Some(&native), 0, 0, NPY_ARRAY_FORCECAST)?;
                super::unwrap_0d(one)
            }
        };
    }
    // Every step goes to the result, whose dtype is that of the input: there are no casts on the way.
    let target = match out {
        Some(o) => o.clone(),
        // A plain array, whatever the class of the input.
        None => super::alloc::new_like(arr, micronumpy::Order::Any, &arr.descr(), None, false, false)?,
    };
    call_by_name(py, first, &[&arr.0, &scale], Some(&target.0))?;
    call_by_name(py, "rint", &[&target.0], Some(&target.0))?;
    call_by_name(py, second, &[&target.0, &scale], Some(&target.0))
}
