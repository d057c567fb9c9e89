//! When two descriptors are the same, and their hash.

use std::hash::{DefaultHasher, Hash, Hasher};

use micronumpy::Dtype;
use micronumpy::cast::{Casting, can_cast, cast_level};
use micronumpy::dtype::Body;
use micronumpy::dtype::host::is_host_class;
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::attrs::this;
use super::{convert, fields};
use crate::objects::Descr;

/// Whether elements of both types are the same bytes with the same meaning. Alignment and metadata do not count.
pub fn equivalent(a: &Dtype, b: &Dtype) -> bool {
    // `long` and `long long` are one type here.
    let same_num = a.num == b.num || a.num.is_integer() && a.num.kind() == b.num.kind();
    if !same_num || a.itemsize != b.itemsize || a.byteorder_swapped() != b.byteorder_swapped() {
        return false;
    }
    match (&a.body, &b.body) {
        (Body::Plain, Body::Plain) => true,
        (Body::Datetime(x), Body::Datetime(y)) => x == y,
        (Body::Host(x), Body::Host(y)) => x == y,
        (Body::Strings(x), Body::Strings(y)) => x.same_parameters(y),
        (Body::Subarray(x, n), Body::Subarray(y, m)) => n == m && equivalent(x, y),
        (Body::Struct(x), Body::Struct(y)) => {
            std::sync::Arc::ptr_eq(x, y)
                || x.len() == y.len()
                    && x.iter().zip(y.iter()).all(|(f, g)| {
                        f.name == g.name
                            && f.title == g.title
                            && f.offset == g.offset
                            && equivalent(&f.dtype, &g.dtype)
                    })
        }
        _ => false,
    }
}

trait Swapped {
    fn byteorder_swapped(&self) -> bool;
}
impl Swapped for Dtype {
    fn byteorder_swapped(&self) -> bool {
        self.byteorder == micronumpy::dtype::SWAPPED
    }
}

fn hash_dtype(dt: &Dtype, state: &mut DefaultHasher) {
    dt.num.kind().hash(state);
    dt.itemsize.hash(state);
    dt.byteorder_swapped().hash(state);
    match &dt.body {
        Body::Plain => {}
        Body::Datetime(meta) => meta.hash(state),
        // What the class makes of it; equal dtypes are of one class.
        Body::Host(_) | Body::Strings(_) => dt.num.0.hash(state),
        Body::Subarray(base, shape) => {
            shape.hash(state);
            hash_dtype(base, state);
        }
        Body::Struct(all) => {
            for f in all.iter() {
                (&f.name, &f.title, f.offset).hash(state);
                hash_dtype(&f.dtype, state);
            }
        }
    }
}

/// `hash(dtype)`, remembered in the descriptor.
pub(super) fn hash(slf: &Bound<'_, PyAny>) -> PyResult<isize> {
    let descr = this(slf);
    // SAFETY: a live descriptor.
    let slot = unsafe { &mut (*descr.raw()).hash };
    if *slot == -1 || *slot == 0 {
        let mut state = DefaultHasher::new();
        hash_dtype(descr.dtype(), &mut state);
        *slot = match state.finish() as isize {
            -1 | 0 => -2,
            n => n,
        };
    }
    Ok(*slot)
}

/// Structures that look alike to the object space may still differ in titles that are not strings.
fn same(a: &Descr<'_>, b: &Descr<'_>) -> PyResult<bool> {
    if a.0.is(&b.0) {
        return Ok(true);
    }
    if a.dtype().num != b.dtype().num && (is_host_class(a.dtype().num) || is_host_class(b.dtype().num)) {
        // A class may say that its elements are those of another.
        return Ok(cast_level(a.dtype(), b.dtype()) == Some(Casting::No));
    }
    Ok(equivalent(a.dtype(), b.dtype()) && same_titles(a, b)?)
}

/// Whether structures the object space takes to be equal have equal titles, however deep.
fn same_titles(a: &Descr<'_>, b: &Descr<'_>) -> PyResult<bool> {
    if a.0.is(&b.0) {
        return Ok(true);
    }
    let (Some(names), Some(x), Some(y)) = (fields::names(a), fields::dict(a), fields::dict(b)) else {
        return Ok(true);
    };
    for name in names.iter() {
        let (f, _, s) = fields::entry(&x, &name)?;
        let (g, _, t) = fields::entry(&y, &name)?;
        let titles = match (s, t) {
            (Some(s), Some(t)) => s.eq(t)?,
            (s, t) => s.is_none() && t.is_none(),
        };
        if !titles || !same_titles(&f, &g)? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn richcompare<'py>(
    slf: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
    op: CompareOp,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let Ok(other) = convert(other) else {
        return Ok(py.NotImplemented().into_bound(py));
    };
    let slf = this(slf);
    let safe = |a: &Descr<'_>, b: &Descr<'_>| can_cast(a.dtype(), b.dtype(), Casting::Safe);
    let value = match op {
        CompareOp::Eq => same(&slf, &other)?,
        CompareOp::Ne => !same(&slf, &other)?,
        CompareOp::Lt => !same(&slf, &other)? && safe(&slf, &other),
        CompareOp::Le => safe(&slf, &other),
        CompareOp::Gt => !same(&slf, &other)? && safe(&other, &slf),
        CompareOp::Ge => safe(&other, &slf),
    };
    Ok(PyBool::new(py, value).to_owned().into_any())
}
