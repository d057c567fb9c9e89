//! Tells the linker and the program where the host CPython is.
//!
//! A shared libpython is found at run time through an rpath. A static one is a different matter: extension modules of the
//! standard library look their symbols up in the executable, so every public symbol of the archive has to be linked in and
//! exported, whether we call it or not.

use std::path::Path;
use std::process::Command;

use pyo3_build_config::{InterpreterConfig, PythonImplementation, PythonVersion};

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
    compile_carrier();
    let config = pyo3_build_config::get();
    refuse_unsuitable(config);
    if let Some(dir) = config.lib_dir().filter(|_| config.shared()) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{dir}");
    }
    let Some(python) = config.executable() else {
        println!("cargo:rustc-env=MICRONUMPY_HOST_PYTHON=");
        return;
    };
    let ask = |expr: &str| {
        let script = format!("import sys, sysconfig; print({expr})");
        let out = Command::new(python).args(["-c", &script]).output().expect("run the host Python");
        assert!(out.status.success(), "{python} failed: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("UTF-8 from the host Python").trim().to_owned()
    };
    println!(
        "cargo:rustc-env=MICRONUMPY_HOST_PYTHON={}",
        ask("getattr(sys, '_base_executable', sys.executable)")
    );
    if !config.shared() {
        let libdir =
            config.lib_dir().map(str::to_owned).unwrap_or_else(|| ask("sysconfig.get_config_var('LIBPL')"));
        let archive = Path::new(&libdir).join(ask("sysconfig.get_config_var('LIBRARY')"));
        link_whole_archive(&archive);
        for name in ["LIBS", "SYSLIBS", "MODLIBS"] {
            for arg in ask(&format!("sysconfig.get_config_var('{name}') or ''")).split_whitespace() {
                if arg.starts_with("-l") || arg.starts_with("-L") {
                    println!("cargo:rustc-link-arg={arg}");
                }
            }
        }
    }
}

/// Says what is wrong with a host before the linker says it less clearly.
fn refuse_unsuitable(config: &InterpreterConfig) {
    let python = config.executable().unwrap_or("the configured Python");
    let version = config.version();
    if config.implementation() != PythonImplementation::CPython
        || version < (PythonVersion { major: 3, minor: 11 })
    {
        panic!("{python} is not CPython 3.11 or newer; PYO3_PYTHON names another one");
    }
    if let (true, Some(dir), Some(name)) = (config.shared(), config.lib_dir(), config.lib_name())
        && !Path::new(dir).join(format!("lib{name}.so")).exists()
    {
        panic!(
            "{python} comes without lib{name}.so in {dir}; distributions ship it in python3-dev or python3-devel"
        );
    }
}

/// Compiles `src/carrier/lib.rs`, a library by itself; see there.
fn compile_carrier() {
    let source = "src/carrier/lib.rs";
    println!("cargo:rerun-if-changed={source}");
    let var = |name: &str| std::env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"));
    let mut rustc = Command::new(var("RUSTC"));
    rustc.args(["--edition=2024", "--crate-type=cdylib", "--crate-name=carrier", source]);
    rustc.args(["-Copt-level=2", "-Cpanic=abort", "-Cstrip=symbols", "-Clink-arg=-nostdlib"]);
    rustc.arg("--target").arg(var("TARGET")).arg("-o").arg(Path::new(&var("OUT_DIR")).join("carrier.so"));
    if let Ok(linker) = std::env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    assert!(rustc.status().expect("run rustc").success(), "cannot compile {source}");
}

/// Asks for every API symbol of a static libpython by name and exports them all.
///
/// `--whole-archive` would be shorter, but the archive already comes in through the FFI crate, and naming it twice defines
/// everything twice.
fn link_whole_archive(archive: &Path) {
    println!("cargo:rerun-if-changed={}", archive.display());
    let bytes = std::fs::read(archive).unwrap_or_else(|e| panic!("cannot read {}: {e}", archive.display()));
    let names =
        archive_symbols(&bytes).unwrap_or_else(|| panic!("{} has no symbol index", archive.display()));
    let mut options = String::new();
    for name in names {
        if name.starts_with("Py") || name.starts_with("_Py") {
            options.push_str("-u ");
            options.push_str(name);
            options.push('\n');
        }
    }
    let file = Path::new(&std::env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("libpython-symbols");
    std::fs::write(&file, options).expect("write to OUT_DIR");
    println!("cargo:rustc-link-arg=-Wl,@{}", file.display());
    println!("cargo:rustc-link-arg=-Wl,--export-dynamic");
}

/// Names in the symbol index of a System V `ar` file: the first member, `/`, holds a big-endian count, that many offsets,
/// and the names, each ended by a zero.
fn archive_symbols(bytes: &[u8]) -> Option<Vec<&str>> {
    let header = bytes.strip_prefix(b"!<arch>\n")?;
    let (header, body) = header.split_at_checked(60)?;
    let wide = match header.get(..16)?.trim_ascii_end() {
        b"/" => 4,
        b"/SYM64/" => 8,
        _ => return None,
    };
    let size: usize = std::str::from_utf8(header.get(48..58)?).ok()?.trim().parse().ok()?;
    let body = body.get(..size)?;
    let count = body.get(..wide)?.iter().fold(0usize, |n, &b| n << 8 | b as usize);
    let names = body.get(wide * (count + 1)..)?;
    names.split(|&b| b == 0).take(count).map(|s| std::str::from_utf8(s).ok()).collect()
}
