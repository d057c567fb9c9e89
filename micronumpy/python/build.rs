fn main() {
    // Object layouts differ between CPython versions; `cfg(Py_3_12)` and friends select them.
    pyo3_build_config::use_pyo3_cfgs();
    // Test programs of this crate embed CPython and have to find its library.
    if let Some(dir) = pyo3_build_config::get().lib_dir() {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
