//! What a run needs from outside: the interpreter under test, pytest for it, and stock numpy for the baseline.
//!
//! pytest and its dependencies are pure Python (ninja apart) and go once into a folder of the cache with
//! `pip install --target`, from a committed lock file with hashes; no virtual environment is touched. The folder is
//! named after the lock file, so a new lock makes a new folder.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use numpy_tests_format::{Machine, replace_file};

const TOOLS_LOCK: &str = include_str!("../lock/tools.txt");
const NUMPY_LOCK: &str = include_str!("../lock/numpy.txt");

/// Printed by the interpreter under test. numpy is located before it is imported, so that a numpy that does not
/// import is reported with its own error.
const PROBE: &str = r#"
import json, sys, sysconfig, traceback, importlib.util, os
facts = {"python": sys.version.split()[0], "prefix": sys.base_prefix, "scripts": sysconfig.get_path("scripts"),
         "root": "", "numpy": "", "error": "", "commands": []}
try:
    import numpy
    facts["root"] = os.path.dirname(os.path.abspath(list(numpy.__path__)[0]))
    facts["numpy"] = numpy.__version__
    from importlib import metadata
    found = metadata.distributions(name="numpy", path=[facts["root"]])
    facts["commands"] = [[e.name, e.value] for d in found for e in d.entry_points if e.group == "console_scripts"]
except BaseException:
    facts["error"] = traceback.format_exc()
print("\n" + json.dumps(facts))
"#;

/// The interpreter under test.
#[derive(Clone, Debug, Deserialize)]
pub struct Interpreter {
    #[serde(skip)]
    pub executable: PathBuf,
    pub python: String,
    prefix: PathBuf,
    pub scripts: PathBuf,
    /// The folder that holds the package `numpy`.
    pub root: PathBuf,
    pub numpy: String,
    error: String,
    /// Names of numpy's console commands with what they call (`module:function`).
    commands: Vec<(String, String)>,
}

impl Interpreter {
    /// Starts `executable` once and asks.
    pub fn probe(executable: &Path) -> Result<Interpreter> {
        let interpreter = probe(executable)?;
        if !interpreter.error.is_empty() {
            bail!("`import numpy` fails under {}:\n{}", executable.display(), interpreter.error.trim_end());
        }
        Ok(interpreter)
    }

    /// A folder with numpy's console commands for this interpreter, as an installer makes them beside it.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be written.
    pub fn write_commands(&self, cache: &Path) -> Result<PathBuf> {
        let executable = path_str(&self.executable)?;
        let dir = cache.join("commands").join(fingerprint(&[executable, &format!("{:?}", self.commands)]));
        fs::create_dir_all(&dir)?;
        for (name, called) in &self.commands {
            let (module, function) =
                called.split_once(':').context("a console command without a function")?;
            let path = dir.join(name);
            // The shell starts it, because executables of an interpreter may be scripts themselves.
            let script = format!(
                "#!/bin/sh\nexec '{executable}' -c 'import sys; from {module} import {function}; \
                 sys.exit({function}())' \"$@\"\n"
            );
            replace_file(&path, script.as_bytes())?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(dir)
    }

    pub fn name(&self) -> String {
        self.executable.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn minor(&self) -> &str {
        self.python.rsplit_once('.').map_or(self.python.as_str(), |(minor, _)| minor)
    }
}

fn probe(executable: &Path) -> Result<Interpreter> {
    let output = Command::new(executable)
        .args(["-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", executable.display()))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let line = stdout.lines().rfind(|line| line.starts_with('{'));
    let Some(line) = line.filter(|_| output.status.success()) else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{} does not answer ({}):\n{}", executable.display(), output.status, stderr.trim_end());
    };
    let mut interpreter: Interpreter = serde_json::from_str(line)?;
    interpreter.executable = executable.to_path_buf();
    Ok(interpreter)
}

/// The `micronumpy` binary beside the running executable.
pub fn default_interpreter() -> Result<PathBuf> {
    let mut path = std::env::current_exe()?;
    path.set_file_name(format!("micronumpy{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        bail!(
            "there is no {}\nbuild it first (`cargo build --release -p interp`) or name an interpreter with --python",
            path.display()
        );
    }
    Ok(path)
}

/// A private folder that survives runs: inside the cargo target directory, else the user's cache.
pub fn cache_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let target = exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists() || dir.ends_with("target"));
    let dir = match target {
        Some(target) => target.join("numpy-tests"),
        None => match std::env::var_os("XDG_CACHE_HOME") {
            Some(cache) => PathBuf::from(cache).join("micronumpy/numpy-tests"),
            None => {
                let home = std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?;
                PathBuf::from(home).join(".cache/micronumpy/numpy-tests")
            }
        },
    };
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}

/// A short stable name for some inputs.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The folder with pytest for this interpreter, installed on first use.
pub fn ensure_tools(interpreter: &Interpreter, cache: &Path) -> Result<PathBuf> {
    let name = format!("tools-{}-{}", interpreter.minor(), fingerprint(&[TOOLS_LOCK]));
    let dir = cache.join(name);
    if dir.join("pytest").is_dir() {
        return Ok(dir);
    }
    eprintln!("installing pytest and hypothesis for Python {} (once) ...", interpreter.minor());
    let pip_python = python_with_pip(interpreter)?;
    let work = tempfile::tempdir_in(cache)?;
    let lock = work.path().join("tools.txt");
    fs::write(&lock, TOOLS_LOCK)?;
    let target = work.path().join("tools");
    // The interpreter that runs pip may be of another version than the one under test.
    let args = ["install", "--target", path_str(&target)?, "--python-version", interpreter.minor()];
    pip(&pip_python, &args, &lock)?;
    match fs::rename(&target, &dir) {
        // Another run may have finished first.
        Err(_) if dir.join("pytest").is_dir() => Ok(dir),
        Err(error) => Err(error).with_context(|| format!("cannot create {}", dir.display())),
        Ok(()) => Ok(dir),
    }
}

/// A virtual environment with the pinned wheel of stock numpy, made on first use.
pub fn ensure_stock(cache: &Path) -> Result<PathBuf> {
    let host = find_on_path("python3").context("no python3 on PATH; name one with --python")?;
    let minor = probe(&host)?.minor().to_string();
    let dir = cache.join(format!("stock-{minor}-{}", fingerprint(&[NUMPY_LOCK])));
    let python = dir.join("bin/python");
    if dir.join("complete").exists() {
        return Ok(python);
    }
    eprintln!("making an environment with stock numpy for Python {minor} (once) ...");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let status = Command::new(&host).args(["-m", "venv", path_str(&dir)?]).status()?;
    if !status.success() {
        bail!("`{} -m venv` failed ({status}); install the venv module or pass --python", host.display());
    }
    let lock = dir.join("numpy.txt");
    fs::write(&lock, NUMPY_LOCK)?;
    pip(&python, &["install"], &lock)?;
    fs::write(dir.join("complete"), "")?;
    Ok(python)
}

fn pip(python: &Path, args: &[&str], lock: &Path) -> Result<()> {
    let output = Command::new(python)
        .args(["-m", "pip", "--disable-pip-version-check", "--no-input"])
        .args(args)
        // Mirrors and proxies of the user are fine (hashes decide); where things go is ours to say.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .args(["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r"])
        .arg(lock)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", python.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    bail!(
        "pip could not install the pinned packages ({}).\nThis needs the network once; afterwards everything is in \
         the cache. Offline, pass --tools DIR: a folder with the packages of lock/tools.txt.\n{}",
        output.status,
        stderr.trim_end()
    );
}

fn python_with_pip(interpreter: &Interpreter) -> Result<PathBuf> {
    let host = interpreter.prefix.join("bin").join(format!("python{}", interpreter.minor()));
    let candidates = [Some(host), find_on_path("python3"), Some(interpreter.executable.clone())];
    for candidate in candidates.into_iter().flatten() {
        let answer = Command::new(&candidate).args(["-m", "pip", "--version"]).output();
        if answer.is_ok_and(|output| output.status.success()) {
            return Ok(candidate);
        }
    }
    bail!(
        "no Python with pip found (tried the host of the interpreter and python3 on PATH); pass --tools DIR"
    )
}

fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn path_str(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not valid UTF-8", path.display()))
}

/// What the numbers were measured on; no names of hosts or users.
pub fn machine() -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_string())
    });
    Machine {
        system: std::env::consts::OS.into(),
        arch: std::env::consts::ARCH.into(),
        cpu: cpu.unwrap_or_default(),
        cores: std::thread::available_parallelism().map_or(1, |n| n.get()),
        memory_gib: memory_bytes().div_ceil(1 << 30),
    }
}

/// Physical memory, 0 when unknown.
pub fn memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kib| kib * 1024)
}

/// The commit of the sources, `+` when they had changes, empty outside a repository.
pub fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(crate::suite::crate_dir()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else { return String::new() };
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|out| !out.is_empty());
    if dirty { head + "+" } else { head }
}
