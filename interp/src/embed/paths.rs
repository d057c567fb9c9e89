//! Which Python installation the executable speaks for.
//!
//! CPython derives everything (`sys.prefix`, the standard library, virtual environments) from the path of its executable,
//! by rules that change between versions. Ours may be anywhere, so CPython is told the path of the `python` it stands
//! in for and applies its own rules to that; `sys.executable` is set right afterwards. In order:
//!
//! 1. our executable is inside a virtual environment (`micronumpy -m venv` made it): it stands for itself;
//! 2. `VIRTUAL_ENV` names an activated one for the same Python version: its `python`;
//! 3. the `python` that belongs to the libpython we run with, found from where that library lies;
//! 4. the `python` we were built against.

use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use pyo3::ffi;

/// The path we were started by, absolute but with symbolic links kept: a virtual environment is a link beside a
/// `pyvenv.cfg`.
pub fn own_path(argv0: &OsStr) -> PathBuf {
    let real = std::fs::read_link("/proc/self/exe").or_else(|_| std::env::current_exe()).unwrap_or_default();
    let candidates: Vec<PathBuf> = if argv0.as_bytes().contains(&b'/') {
        std::path::absolute(argv0).into_iter().collect()
    } else if argv0.is_empty() {
        Vec::new()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).filter_map(|dir| std::path::absolute(dir.join(argv0)).ok()).collect()
    };
    // argv[0] is whatever the parent process chose to write there.
    candidates.into_iter().find(|c| same_file(c, &real)).unwrap_or(real)
}

/// The `python` to name to CPython as its executable, or `None` for our own path.
pub fn stand_in_for(own: &Path) -> Option<PathBuf> {
    if inside_venv(own) {
        return None;
    }
    activated_venv().or_else(beside_libpython).or_else(built_against)
}

/// Whether a path is the executable of a virtual environment, by the rule CPython uses.
pub fn inside_venv(own: &Path) -> bool {
    let bin = own.parent();
    bin.into_iter().chain(bin.and_then(Path::parent)).any(|dir| dir.join("pyvenv.cfg").is_file())
}

/// `major.minor` of the host.
fn version() -> String {
    // SAFETY: `Py_Version` is a constant of the library, valid before initialisation.
    let hex = unsafe { ffi::Py_Version };
    format!("{}.{}", hex >> 24, hex >> 16 & 0xff)
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::metadata(a), std::fs::metadata(b)) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}

fn activated_venv() -> Option<PathBuf> {
    let env = PathBuf::from(std::env::var_os("VIRTUAL_ENV").filter(|v| !v.is_empty())?);
    if !env.join("pyvenv.cfg").is_file() {
        return None;
    }
    if !env.join("lib").join(format!("python{}", version())).is_dir() {
        eprintln!(
            "micronumpy: VIRTUAL_ENV={} is not used: it is not for Python {}",
            env.display(),
            version()
        );
        return None;
    }
    // Any name will do here, `lib/` has told the version.
    ["python3", "python"].into_iter().map(|name| env.join("bin").join(name)).find(|p| p.is_file())
}

fn beside_libpython() -> Option<PathBuf> {
    let library = libpython()?;
    let name = format!("bin/python{}", version());
    // `<prefix>/lib/libpython3.X.so`, or a level deeper where libraries are sorted by architecture.
    library.ancestors().skip(2).take(2).map(|prefix| prefix.join(&name)).find(|p| p.is_file())
}

fn built_against() -> Option<PathBuf> {
    Some(PathBuf::from(env!("MICRONUMPY_HOST_PYTHON"))).filter(|p| p.is_file())
}

/// The shared library CPython's code is in; `None` if it is linked into the executable.
fn libpython() -> Option<PathBuf> {
    // SAFETY: `dladdr` fills `info` for an address inside a loaded object; the name it returns lives as long as that.
    // The address is that of data: a function's may be a stub in the executable.
    let name = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr((&raw const ffi::Py_Version).cast(), &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        OsString::from(OsStr::from_bytes(CStr::from_ptr(info.dli_fname).to_bytes()))
    };
    let path = PathBuf::from(name);
    let is_library = path.file_name()?.as_bytes().starts_with(b"libpython");
    is_library.then(|| std::fs::canonicalize(&path).unwrap_or(path))
}
