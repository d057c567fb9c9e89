//! Output arguments: results are computed where the operation wants them and end up where the caller wants them.

use micronumpy::Order;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::super::alloc::Make;
use super::super::{alloc, assign, coercion};
use crate::objects::{Array, Descr};

/// A result on its way: `target` is written to, [`Out::finish`] gives what the caller gets.
pub struct Out<'py> {
    pub target: Array<'py>,
    given: Option<Array<'py>>,
    /// What a new result becomes an instance of, when that is no plain array, once it is filled.
    like: Option<Array<'py>>,
}

impl<'py> Out<'py> {
    /// The given output array, or a new one of the type of `like`. An output of another dtype gets the values cast, if
    /// its dtype can be cast to the result's (numpy's rule for these methods).
    pub fn new(
        given: Option<&Array<'py>>,
        descr: &Descr<'py>,
        shape: &[isize],
        like: Option<&Array<'py>>,
        mismatch: &str,
        inputs: &[&Array<'py>],
    ) -> PyResult<Out<'py>> {
        let Some(out) = given else {
            // SAFETY: fresh memory.
            let target = unsafe { Make { allow_empty_string: true, ..Make::new(descr, shape) }.build()? };
            let like = like.filter(|l| !l.is_exact()).cloned();
            return Ok(Out { target, given: None, like });
        };
        if out.shape() != shape {
            return Err(PyValueError::new_err(mismatch.to_string()));
        }
        if !coercion::same_type(&out.descr(), descr)
            && !micronumpy::cast::can_cast(out.dtype(), descr.dtype(), micronumpy::Casting::Safe)
        {
            return Err(coercion::cannot_cast(&out.descr(), descr, micronumpy::Casting::Safe));
        }
        Out::into_any(out, descr, inputs)
    }

    /// An output array of the right shape and any dtype: the values are cast, whatever becomes of them.
    pub fn into_any(out: &Array<'py>, descr: &Descr<'py>, inputs: &[&Array<'py>]) -> PyResult<Out<'py>> {
        let same = coercion::same_type(&out.descr(), descr);
        assign::check_writeable(out, "output array")?;
        let overlaps = inputs.iter().any(|i| micronumpy::array::overlap::may_share(&i.view(), &out.view()));
        if same && !overlaps {
            return Ok(Out { target: out.clone(), given: Some(out.clone()), like: None });
        }
        let target = alloc::new(descr, out.shape(), Order::C, false)?;
        Ok(Out { target, given: Some(out.clone()), like: None })
    }

    /// The result: the output array, filled, or the new array.
    pub fn finish(self) -> PyResult<Array<'py>> {
        match self.given {
            Some(out) => {
                if !out.0.is(&self.target.0) {
                    assign::assign_array(&out, &self.target)?;
                }
                Ok(out)
            }
            None => match &self.like {
                Some(like) => alloc::instance_of(self.target, like.0.get_type().as_any(), Some(&like.0)),
                None => Ok(self.target),
            },
        }
    }
}
