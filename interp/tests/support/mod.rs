//! Running the executable, and the CPython it stands in for, and comparing what they do.
#![allow(dead_code)]

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;

/// The executable under test.
pub fn ours() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_micronumpy"))
}

/// The `python` whose library ours is linked with.
pub fn host() -> &'static Path {
    static HOST: OnceLock<PathBuf> = OnceLock::new();
    HOST.get_or_init(|| {
        let script = "import sys; print('%s/bin/python%d.%d' % (sys.base_prefix, *sys.version_info[:2]))";
        let run = Run::new(ours(), ["-c", script]).go();
        assert_eq!(run.status.code(), Some(0), "{run:?}");
        PathBuf::from(run.out.trim())
    })
}

/// A scratch directory of the test build, shared by all tests and kept between runs.
pub fn shared_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).expect("create a directory under target/");
    dir
}

/// A fresh, empty directory for one test.
pub fn fresh_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("create a directory under target/");
    dir
}

/// One process to be run.
#[derive(Clone)]
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    dir: Option<PathBuf>,
    input: String,
}

/// What it did.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn new<A: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = A>) -> Run {
        let args = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        Run { program: program.to_owned(), args, env: Vec::new(), dir: None, input: String::new() }
    }

    pub fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Run {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    pub fn dir(mut self, dir: &Path) -> Run {
        self.dir = Some(dir.to_owned());
        self
    }

    pub fn input(mut self, text: &str) -> Run {
        self.input = text.to_owned();
        self
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        // What the person running the tests has set up must not matter.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PYTHON")
                || name == "VIRTUAL_ENV"
                || name == "MICRONUMPY_HOOK"
            {
                command.env_remove(name);
            }
        }
        // One private Python layer for all tests of this build.
        command.env("MICRONUMPY_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("layer"));
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn go(&self) -> Outcome {
        let mut child = self.command().spawn().expect("start a process");
        let mut stdin = child.stdin.take().expect("piped");
        let input = self.input.clone();
        // A child that exits early closes the pipe; that is its business.
        let feed = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("wait for a process");
        feed.join().expect("the feeding thread does not panic");
        Outcome {
            status: output.status,
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs and returns stdout; anything but success fails the test.
    pub fn ok(&self) -> String {
        let outcome = self.go();
        assert!(outcome.status.success(), "{:?} failed: {outcome:#?}", self.args);
        outcome.out
    }

    /// The same run with the host's `python`.
    pub fn by_host(&self) -> Run {
        Run { program: host().to_owned(), ..self.clone() }
    }

    /// Runs under both; both must write the same and end the same.
    #[track_caller]
    pub fn same(&self) -> Outcome {
        let (mine, theirs) = (self.go(), self.by_host().go());
        let unnamed = |text: &str, program: &Path| text.replace(&*program.to_string_lossy(), "PYTHON");
        let what = format!("arguments {:?}, environment {:?}", self.args, self.env);
        assert_eq!(unnamed(&mine.out, &self.program), unnamed(&theirs.out, host()), "stdout, {what}");
        assert_eq!(unnamed(&mine.err, &self.program), unnamed(&theirs.err, host()), "stderr, {what}");
        assert_eq!(mine.status, theirs.status, "exit status, {what}");
        mine
    }
}

/// Our executable with these arguments.
pub fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Run {
    Run::new(ours(), args)
}

/// Our executable with `-c`.
pub fn run_code(code: &str) -> Run {
    run(["-c", code])
}

/// The workspace.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A Python with stock numpy, installed once per target directory from the committed lock.
pub fn stock() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let lock = root().join("micronumpy/ext/python/micronumpy/numpy.lock");
        let dir = shared_dir("stock");
        let (env, done) = (dir.join("venv"), dir.join("complete"));
        let python = env.join("bin/python");
        let wanted = format!(
            "{}\n{}",
            host().display(),
            std::fs::read_to_string(&lock).expect("the lock is committed")
        );
        if std::fs::read_to_string(&done).ok().as_deref() != Some(&wanted) {
            Run::new(host(), ["-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), env.as_os_str()]).ok();
            let pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "-r",
            ];
            Run::new(&python, pip.iter().map(AsRef::as_ref).chain([lock.as_os_str()])).ok();
            std::fs::write(done, wanted).expect("write under target/");
        }
        python
    })
}
