//! The nightly run: build, suite, benchmarks, accuracy, survey, other suites, history, site, in one command.
//!
//! A night takes an hour and may be cut short, so each step leaves its output in a folder and its end in a journal
//! there. Started again on the same commit, the command skips what is done. A step that fails does not stop the ones
//! that do not need it; without a build or a result file there is no night. The folder of a finished night is emptied
//! when the next begins.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use numpy_tests_format::replace_file;
use serde::{Deserialize, Serialize};

use crate::{EngineArgs, INTERRUPTED, other, suite, tools};

#[derive(Args)]
pub struct NightlyArgs {
    /// Folder of the history; made when it is not there
    #[arg(long)]
    history: PathBuf,
    /// Folder for the site
    #[arg(long)]
    site: PathBuf,
    #[command(flatten)]
    engine: EngineArgs,
    /// What to measure beside numpy's suite [default: nightly.toml of this crate]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder with other packages, made by `pip install --target`
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// Python with stock numpy and other systems, for benchmarks [default: one with stock numpy only]
    #[arg(long, value_name = "PATH")]
    bench_python: Option<PathBuf>,
    /// Stop numpy's suite after this many seconds; what is left counts as not run
    #[arg(long, value_name = "S")]
    total_time: Option<u64>,
    /// Leave out a step: accuracy, survey, bench.NAME, suite.NAME
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// Do not continue a night that was cut short
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    bench: Vec<Bench>,
    #[serde(default)]
    suite: Vec<other::Config>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bench {
    name: String,
    #[serde(default)]
    args: Vec<String>,
}

/// What is known of a night that may be continued.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    commit: String,
    steps: BTreeMap<String, Step>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Step {
    seconds: f64,
    /// Why it failed.
    failure: Option<String>,
}

struct Night {
    folder: PathBuf,
    journal: Journal,
    skip: Vec<String>,
    /// In the order they ran, for the summary.
    order: Vec<String>,
}

impl Night {
    /// Opens the folder of a night: with what is done, when it is of the same sources and not finished.
    fn open(folder: PathBuf, commit: String, fresh: bool, skip: Vec<String>) -> Result<Night> {
        let text = fs::read(folder.join("journal.json")).unwrap_or_default();
        let old: Journal = serde_json::from_slice(&text).unwrap_or_default();
        // Sources with changes have no name, so nobody can tell whether they are the same.
        let named = !commit.is_empty() && !commit.ends_with('+');
        let goes_on = !fresh && named && old.commit == commit && !old.steps.contains_key("site");
        let journal = if goes_on {
            old
        } else {
            if folder.exists() {
                fs::remove_dir_all(&folder)?;
            }
            Journal { commit, steps: BTreeMap::new() }
        };
        fs::create_dir_all(&folder)?;
        Ok(Night { folder, journal, skip, order: Vec::new() })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Does a step unless it is done; returns whether it is done now.
    fn step(&mut self, name: &str, work: impl FnOnce(&Night) -> Result<()>) -> Result<bool> {
        if self.skip.iter().any(|skipped| skipped == name) {
            return Ok(false);
        }
        self.order.push(name.into());
        if self.journal.steps.get(name).is_some_and(|step| step.failure.is_none()) {
            eprintln!("=== {name}: done before");
            return Ok(true);
        }
        eprintln!("=== {name}");
        let began = Instant::now();
        let failure = work(self).err().map(|error| format!("{error:#}"));
        if let Some(why) = &failure {
            eprintln!("--- {name} failed: {why}");
        }
        if INTERRUPTED.load(std::sync::atomic::Ordering::Relaxed) {
            bail!("interrupted; the same command goes on from here");
        }
        let done = failure.is_none();
        self.journal.steps.insert(name.into(), Step { seconds: began.elapsed().as_secs_f64(), failure });
        replace_file(&self.file("journal.json"), &serde_json::to_vec_pretty(&self.journal)?)?;
        Ok(done)
    }

    fn summary(&self) -> String {
        let line = |name: &String| {
            let step = self.journal.steps.get(name)?;
            let ending = step.failure.as_ref().map_or("done".to_string(), |why| {
                format!("FAILED: {}", why.lines().next().unwrap_or_default())
            });
            Some(format!("{name:<24} {:>7.0} s  {ending}\n", step.seconds))
        };
        self.order.iter().filter_map(line).collect()
    }

    fn failed(&self) -> bool {
        self.journal.steps.values().any(|step| step.failure.is_some())
    }
}

/// Runs a night.
///
/// # Errors
/// When the harness cannot work, or was interrupted.
pub fn nightly(args: NightlyArgs) -> Result<ExitCode> {
    let root = suite::crate_dir().parent().context("the crate is in the repository")?.to_path_buf();
    let config = args.config.clone().unwrap_or_else(|| suite::crate_dir().join("nightly.toml"));
    let text = fs::read_to_string(&config).with_context(|| format!("cannot read {}", config.display()))?;
    let config: Config = toml::from_str(&text).with_context(|| config.display().to_string())?;
    let cache = tools::cache_dir()?;
    let history = std::path::absolute(&args.history)?;
    let site = std::path::absolute(&args.site)?;
    let mut night = Night::open(cache.join("nightly"), tools::commit(), args.fresh, args.skip.clone())?;
    crate::watch_interrupts()?;

    let built = night.step("build", |_| {
        // All of it even if another interpreter is measured: chosen packages would be built with other features than
        // those the tests are built with, and so everything twice.
        cargo(&root, &["build", "--release", "--workspace"])?;
        cargo(&root, &["build", "--release", "--workspace", "--example", "vmath"])
    })?;
    if !built {
        return Ok(finish(&night, ExitCode::from(2)));
    }
    let results = night.file("results.jsonl");
    if !night.step("suite", |_| numpy_suite(&args, &results))? {
        return Ok(finish(&night, ExitCode::from(2)));
    }
    let python = match &args.engine.python {
        Some(python) => python.clone(),
        None => tools::default_interpreter()?,
    };
    measure(&mut night, &args, &config, &root, &python)?;

    let reporter = std::env::current_exe()?.with_file_name("status-report");
    let baseline = suite::data_dir().join(suite::BASELINE);
    let common: [&Path; 4] = [Path::new("--history"), &history, Path::new("--baseline"), &baseline];
    let recorded = night.step("history", |night| {
        let mut add = Command::new(&reporter);
        add.arg("add").args(common).arg("--results").arg(&results);
        for (option, name, file) in additions(night, &config) {
            match name {
                Some(name) => add.arg(option).arg(format!("{name}={}", file.display())),
                None => add.arg(option).arg(file),
            };
        }
        succeed(&mut add)
    })?;
    if !recorded {
        return Ok(finish(&night, ExitCode::from(2)));
    }
    let mut worse = false;
    night.step("site", |_| {
        let mut make = Command::new(&reporter);
        let status = make.arg("site").args(common).arg("--out").arg(&site).arg("--check").status()?;
        worse = status.code() == Some(1);
        if !status.success() && !worse {
            bail!("status-report: {status}");
        }
        Ok(())
    })?;
    let code = if night.failed() { 2 } else { u8::from(worse) };
    Ok(finish(&night, ExitCode::from(code)))
}

fn finish(night: &Night, code: ExitCode) -> ExitCode {
    println!("\n{}", night.summary());
    code
}

/// numpy's own suite. Tests of the ratchet that fail are run again alone, so that one that depends on time or threads
/// is no news.
fn numpy_suite(args: &NightlyArgs, out: &Path) -> Result<()> {
    let mut setup = crate::setup(&args.engine, tools::default_interpreter)?;
    setup.deadline = args.total_time.map(|seconds| Instant::now() + std::time::Duration::from_secs(seconds));
    let mut results = crate::run_everything(&setup, args.engine.jobs, out)?;
    let lost = crate::Ratchet::read(&crate::committed_ratchet())?.losses(&results).lost;
    if !lost.is_empty() && lost.len() <= crate::RERUN_TESTS {
        eprintln!("running {} lost tests again, each alone", lost.len());
        setup.deadline = Some(Instant::now() + crate::RERUN_LIMIT);
        let ids: Vec<String> = lost.iter().map(|record| record.id.clone()).collect();
        let again = crate::run_alone(&ids, &setup, args.engine.jobs)?;
        results.settle(&again);
        results.write(out)?;
    }
    Ok(())
}

/// Everything that is measured beside numpy's suite.
fn measure(night: &mut Night, args: &NightlyArgs, config: &Config, root: &Path, python: &Path) -> Result<()> {
    night.step("accuracy", |night| {
        let output = File::create(night.file("accuracy.md.new"))?;
        let program = std::env::current_exe()?.with_file_name("examples").join("vmath");
        succeed(Command::new(program).current_dir(root).stdout(output))?;
        Ok(fs::rename(night.file("accuracy.md.new"), night.file("accuracy.md"))?)
    })?;
    let stock = tools::ensure_stock(&tools::cache_dir()?)?;
    let asked = |program: &Path, folder: PathBuf, out: &Path, extra: &[String]| {
        let mut run = Command::new(program);
        run.arg(folder).arg("--micronumpy").arg(python).arg("--python").arg(program).arg("--json").arg(out);
        succeed(run.args(extra).stdin(Stdio::null()).current_dir(root))
    };
    night.step("survey", |night| {
        asked(&stock, suite::crate_dir().join("survey"), &night.file("survey.json"), &[])
    })?;
    let bench_python = args.bench_python.as_ref().unwrap_or(&stock);
    for bench in &config.bench {
        let folder = root.join("benches").join(&bench.name);
        if !folder.join("__main__.py").exists() {
            eprintln!("there is no benchmark {}", bench.name);
            continue;
        }
        night.step(&format!("bench.{}", bench.name), |night| {
            let out = night.file(&format!("bench.{}.json", bench.name));
            asked(bench_python, folder, &out, &bench.args)
        })?;
    }
    let Some(packages) = &args.packages else { return Ok(()) };
    let packages = std::path::absolute(packages)?;
    for suite in &config.suite {
        if suite.installed(&packages).is_none() {
            eprintln!("{} is not installed", suite.package);
            continue;
        }
        night.step(&format!("suite.{}", suite.name), |night| {
            let mut setup = crate::setup(&args.engine, tools::default_interpreter)?;
            setup.packages = Some(packages.clone());
            setup.keyword = suite.keyword.clone();
            let mut results = suite.run(&setup, args.engine.jobs, &INTERRUPTED)?;
            results.write(&night.file(&format!("suite.{}.jsonl", suite.name)))
        })?;
    }
    Ok(())
}

/// Option, name and file of what the night has for the history.
fn additions<'a>(night: &Night, config: &'a Config) -> Vec<(&'static str, Option<&'a str>, PathBuf)> {
    let mut files =
        vec![("--accuracy", None, night.file("accuracy.md")), ("--survey", None, night.file("survey.json"))];
    for bench in &config.bench {
        files.push(("--bench", Some(bench.name.as_str()), night.file(&format!("bench.{}.json", bench.name))));
    }
    for suite in &config.suite {
        files.push((
            "--suite",
            Some(suite.name.as_str()),
            night.file(&format!("suite.{}.jsonl", suite.name)),
        ));
    }
    files.retain(|(_, _, file)| file.exists());
    files
}

fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo(root: &Path, args: &[&str]) -> Result<()> {
    succeed(Command::new(cargo_program()).args(args).current_dir(root))
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, commit: &str) -> Night {
        Night::open(folder.join("n"), commit.into(), false, vec!["skipped".into()]).unwrap()
    }

    #[test]
    fn a_night_goes_on_where_it_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let mut night = open(dir.path(), "abc");
        assert!(night.step("build", |night| Ok(fs::write(night.file("x"), "")?)).unwrap());
        assert!(!night.step("suite", |_| bail!("no network")).unwrap());
        assert!(!night.step("skipped", |_| panic!("not to be run")).unwrap());
        assert!(night.failed());

        let mut night = open(dir.path(), "abc");
        assert!(night.file("x").exists());
        assert!(night.step("build", |_| panic!("done before")).unwrap());
        assert!(night.step("suite", |_| Ok(())).unwrap());
        assert!(!night.failed());
        assert!(night.summary().contains("suite"), "{}", night.summary());
        assert!(night.step("site", |_| Ok(())).unwrap());

        // A finished night, another commit, sources with changes: a new night.
        assert!(!open(dir.path(), "abc").file("x").exists());
        for (before, after) in [("abc", "def"), ("abc+", "abc+"), ("", "")] {
            let mut night = open(dir.path(), before);
            assert!(night.step("build", |_| Ok(())).unwrap());
            assert!(open(dir.path(), after).journal.steps.is_empty(), "{before} {after}");
        }
    }

    #[test]
    fn the_committed_configuration_is_read() {
        let text = fs::read_to_string(suite::crate_dir().join("nightly.toml")).unwrap();
        let config: Config = toml::from_str(&text).unwrap();
        assert!(config.bench.iter().any(|bench| bench.name == "expressions"));
        assert!(!config.suite.is_empty());
    }
}
