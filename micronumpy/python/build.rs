fn main() {
    // Object layouts differ between CPython versions; `cfg(Py_3_12)` and friends select them.
    pyo3_build_config::use_pyo3_cfgs();
}
