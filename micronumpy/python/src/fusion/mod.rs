//! `micronumpy.fuse` on the native side: expressions as Python objects, and calls of recorded functions.
//!
//! Recording is done in Python (`ext/python/micronumpy/fusion.py`), which has time; a call of a function whose signature
//! is known stays here. Fusing and computing is the business of `micronumpy-expr`.

mod expr;
mod fused;

use pyo3::prelude::*;

/// Adds the classes to `_micronumpy`.
pub fn fill(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<expr::PyExpr>()?;
    m.add_class::<fused::Fused>()
}
