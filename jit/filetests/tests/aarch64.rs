//! NEON code runs: the cases of the corpus and of the suite, in an emulator.
//!
//! Needs `aarch64-linux-gnu-gcc` and `qemu-aarch64`. Without them nothing is tested, unless `JIT_REQUIRE_AARCH64` is set.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use jit::backend::Backend;
use jit::backend::cranelift::Cranelift;
use jit::backend::cranelift::isa::Isa;
use jit::ir::Trace;
use jit::semantics::Platform;
use jit_filetests::case::{self, Case};
use jit_filetests::file::File;
use jit_filetests::remote::Remote;
use jit_filetests::{externs, fuzz, run, suite};

const COMPILER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64";

/// The suite has thousands of cases of scalar operations, which are alike.
const SCALAR_CASES: usize = 40;

/// Traces of the generator.
const FUZZED: u64 = 500;

fn present(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

struct Runner {
    remote: Remote,
    backend: Cranelift,
    folder: PathBuf,
    runs: usize,
    failures: Vec<String>,
}

impl Runner {
    fn new() -> Option<Runner> {
        let missing: Vec<&str> = [COMPILER, EMULATOR].into_iter().filter(|t| !present(t)).collect();
        if !missing.is_empty() {
            assert!(env::var_os("JIT_REQUIRE_AARCH64").is_none(), "{} not found", missing.join(", "));
            eprintln!("nothing tested: {} not found", missing.join(", "));
            return None;
        }
        let folder = env::temp_dir().join(format!(
            "jit-aarch64-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        fs::create_dir_all(&folder).expect("a folder for the driver");
        let remote = Remote::start(COMPILER, &[EMULATOR], &folder).unwrap_or_else(|e| panic!("{e}"));
        let backend = Cranelift::new(Isa::named("aarch64").expect("a known instruction set"));
        Some(Runner { remote, backend, folder, runs: 0, failures: vec![] })
    }
    /// A trace as it is and vectorised.
    fn check(&mut self, tr: &Trace, cases: &[Case]) {
        let mut prepared = tr.clone();
        self.backend.prepare(&mut prepared);
        let traces = if prepared == *tr { vec![tr] } else { vec![tr, &prepared] };
        for form in traces {
            if let Err(e) = self.one(tr, form, cases) {
                self.failures.push(format!("{}: {e}\n{form}", tr.name));
                // The driver may be gone.
                self.remote =
                    Remote::start(COMPILER, &[EMULATOR], &self.folder).unwrap_or_else(|e| panic!("{e}"));
            }
        }
    }
    fn one(&mut self, tr: &Trace, form: &Trace, cases: &[Case]) -> Result<(), String> {
        let mut here = tr.clone();
        externs::link(&mut here)?;
        let mut there = form.clone();
        self.remote.link(&mut there)?;
        let code = self.backend.emit(&there).map_err(|e| e.to_string())?;
        for case in cases {
            let expected = run::reference_as(Platform::Arm, &here, case)?;
            let found = self.remote.run(&there, &code, case)?;
            self.runs += 1;
            if let Some(difference) = found.difference(&expected, case) {
                return Err(format!("{case}: {difference}"));
            }
        }
        Ok(())
    }
    fn finish(self) {
        println!("{} runs", self.runs);
        let _ = fs::remove_dir_all(&self.folder);
        let shown: Vec<&str> = self.failures.iter().take(10).map(String::as_str).collect();
        assert!(self.failures.is_empty(), "{} failures\n{}", self.failures.len(), shown.join("\n"));
        assert!(self.runs > 0, "nothing ran");
    }
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "trace") {
            files.push(path);
        }
    }
}

#[test]
fn the_corpus_runs() {
    let Some(mut runner) = Runner::new() else { return };
    let mut files = vec![];
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"), &mut files);
    for path in files {
        let file = File::parse(&fs::read_to_string(&path).expect("a file")).expect("a test file");
        for item in file.items.iter().filter(|i| !i.runs.is_empty()) {
            let tr = file.trace(item).expect("a trace that runs");
            let cases: Vec<Case> =
                item.runs.iter().map(|(_, text)| case::parse(text, &tr).expect("a case").0).collect();
            runner.check(&tr, &cases);
        }
    }
    runner.finish();
}

#[test]
fn every_operation_on_every_type() {
    let Some(mut runner) = Runner::new() else { return };
    suite::for_each(|test| {
        let step = test.cases.len().div_ceil(SCALAR_CASES);
        let cases: Vec<Case> = test.cases.into_iter().step_by(step).collect();
        runner.check(&test.trace, &cases);
    });
    runner.finish();
}

#[test]
fn made_up_traces_run() {
    let Some(mut runner) = Runner::new() else { return };
    for seed in 0..FUZZED {
        let (tr, case) = fuzz::generate(&mut fuzz::Source::seed(seed));
        runner.check(&tr, &[case]);
    }
    runner.finish();
}

#[test]
fn the_code_has_vector_instructions() {
    let tr = jit::ir::parse(
        "trace product(v0: ptr, v1: ptr, v2: ptr, v3: i64) {
            v4 = const.i64 0
            loop v5 in v4..v3 {
                v6 = load.f64 v0[v5*8] !1
                v7 = load.f64 v1[v5*8] !1
                v8 = mul v6, v7
                v9 = sqrt v8
                store v9, v2[v5*8] !2
                yield ()
            }
            exit @0()
        }",
    );
    let mut tr = tr.expect("a trace").remove(0);
    let backend = Cranelift::new(Isa::named("aarch64").expect("a known instruction set"));
    backend.prepare(&mut tr);
    let text = backend.listing(&tr).expect("code");
    for expected in ["ldr q", "fmul v", "fsqrt v", ".2d", "str q"] {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
}
