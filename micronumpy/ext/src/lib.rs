//! Entry points of the Python package's extension library; everything else is in `micronumpy-python` and `interp`.

use pyo3::prelude::*;

#[pymodule]
fn _micronumpy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    micronumpy_python::host::fill(m)?;
    interp::embed::hook::add_to(m)
}
