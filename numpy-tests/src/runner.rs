//! Plans a run, keeps the workers busy, and puts the outcomes of all parts together.
//!
//! Files become jobs; a file that takes long with stock numpy is split into parts so that workers end together. Jobs
//! start in order of falling weight. Every outcome is appended to `<out>.partial` at once: when the harness itself is
//! killed, what it knew is still there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::expect::Expect;
use crate::job::{self, Job, JobReport, Setup};
use crate::progress::Progress;
use crate::suite::Suite;
use crate::tools;
use numpy_tests_format::{Baseline, Header, Outcome, Record, Results, file_of};

/// Aim for parts of this many baseline seconds and tests.
const PART_SECONDS: f64 = 40.0;
const PART_TESTS: usize = 3000;
/// Weight of starting a process, in baseline seconds.
const START_SECONDS: f64 = 2.0;

/// What to run.
#[derive(Debug, Default)]
pub struct Selection {
    /// Files and single ids as the user wrote them; empty for the whole denominator.
    pub names: Vec<String>,
    pub keyword: Option<String>,
    /// With no names: also the files outside the denominator.
    pub excluded_too: bool,
}

/// The jobs of a run and what they cover.
#[derive(Debug, Default)]
pub struct Plan {
    pub jobs: Vec<Job>,
    pub files: Vec<String>,
    pub selection: String,
}

impl Plan {
    pub fn new(
        selection: &Selection,
        setup: &Setup,
        suite: &Suite,
        baseline: &Baseline,
        expect: &Expect,
    ) -> Result<Plan> {
        let root = &setup.interpreter.root;
        let mut plan = Plan::default();
        let mut whole: Vec<(PathBuf, String)> = Vec::new();
        let mut single: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if selection.names.is_empty() {
            let counted = suite.files.iter().filter(|f| selection.excluded_too || f.category.is_none());
            whole.extend(counted.map(|file| (root.clone(), file.path.clone())));
        }
        for name in &selection.names {
            if let Some((file, rest)) = name.split_once("::") {
                for (_, file) in resolve(file, root, suite)? {
                    single.entry(file.clone()).or_default().push(format!("{file}::{rest}"));
                }
            } else {
                whole.extend(resolve(name, root, suite)?);
            }
        }
        let mut narrowed: Vec<String> = single.values().flatten().cloned().collect();
        narrowed.extend(selection.keyword.iter().map(|k| format!("-k {k}")));
        plan.selection = narrowed.join(" ");

        let mut seen = HashSet::new();
        whole.retain(|(_, file)| seen.insert(file.clone()));
        for (root, file) in whole {
            let known = suite.file(&file);
            let (tests, seconds) = known.map_or((0, 0.0), |known| (known.tests, known.seconds));
            let by_time = (seconds / PART_SECONDS).ceil() as usize;
            let parts =
                if selection.keyword.is_some() { 1 } else { by_time.max(tests.div_ceil(PART_TESTS)).max(1) };
            let skip = expect.skips(baseline.ids(&file).iter().map(String::as_str));
            for part in 0..parts {
                plan.jobs.push(Job {
                    file: file.clone(),
                    root: root.clone(),
                    chunk: (part, parts),
                    only: None,
                    targets: Vec::new(),
                    skip: skip.clone(),
                    weight: START_SECONDS + seconds / parts as f64,
                });
            }
            plan.files.push(file);
        }
        for (file, ids) in single {
            plan.jobs.push(Job {
                file: file.clone(),
                root: root.clone(),
                chunk: (0, 1),
                only: None,
                targets: ids,
                skip: HashMap::new(),
                weight: START_SECONDS,
            });
            plan.files.push(file);
        }
        plan.jobs.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        Ok(plan)
    }

    /// One job per test: each runs alone in its own process.
    pub fn alone(ids: &[String], setup: &Setup) -> Plan {
        let job = |id: &String| Job {
            file: file_of(id).into(),
            root: setup.interpreter.root.clone(),
            chunk: (0, 1),
            only: Some(vec![id.clone()]),
            targets: Vec::new(),
            skip: HashMap::new(),
            weight: START_SECONDS,
        };
        Plan { jobs: ids.iter().map(job).collect(), files: Vec::new(), selection: "single tests".into() }
    }
}

/// Finds the file a user means: a path in the suite, its end, its bare name, a folder, or any other file on disk.
fn resolve(name: &str, root: &Path, suite: &Suite) -> Result<Vec<(PathBuf, String)>> {
    let bare = name.trim_end_matches('/');
    let wanted = bare.strip_suffix(".py").unwrap_or(bare);
    let matches = |path: &str| {
        let path = path.strip_suffix(".py").unwrap_or(path);
        path == wanted || path.ends_with(&format!("/{wanted}"))
    };
    let files: Vec<_> = suite.files.iter().filter(|file| matches(&file.path)).collect();
    if !files.is_empty() {
        return Ok(files.into_iter().map(|file| (root.to_path_buf(), file.path.clone())).collect());
    }
    let folder = format!("/{bare}/");
    let within = |path: &str| format!("/{path}").contains(&folder);
    let files: Vec<_> = suite.files.iter().filter(|f| f.category.is_none() && within(&f.path)).collect();
    if !files.is_empty() {
        return Ok(files.into_iter().map(|file| (root.to_path_buf(), file.path.clone())).collect());
    }
    let path = Path::new(name);
    if path.is_file() {
        let path = path.canonicalize()?;
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
            bail!("{name} has no folder")
        };
        return Ok(vec![(folder.to_path_buf(), file.to_string_lossy().into_owned())]);
    }
    bail!("{name} is neither a test file of numpy nor a file")
}

enum Message {
    Started(String),
    Record(Record),
    Finished(Job, Result<JobReport>),
}

/// Runs the plan and returns the results, sorted by file and, inside a file, as they ran.
pub fn execute(
    plan: Plan,
    setup: &Setup,
    baseline: &Baseline,
    expect: &Expect,
    workers: usize,
    interrupted: &AtomicBool,
    out: Option<&Path>,
) -> Result<Results> {
    let started = Instant::now();
    let mut results = Results {
        header: Header {
            interpreter: setup.interpreter.name(),
            python: setup.interpreter.python.clone(),
            numpy: setup.interpreter.numpy.clone(),
            commit: tools::commit(),
            date: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            machine: tools::machine(),
            files: plan.files.clone(),
            selection: plan.selection.clone(),
            complete: true,
            ..Header::default()
        },
        records: Vec::new(),
    };
    let mut partial = match out {
        Some(out) => {
            let path = partial_path(out);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
            serde_json::to_writer(&mut file, &results.header)?;
            file.write_all(b"\n")?;
            Some(file)
        }
        None => None,
    };
    let progress = Progress::new(&plan.jobs);
    let whole_files = plan.selection.is_empty();
    let workers = workers.clamp(1, plan.jobs.len().max(1));
    let queue = Mutex::new(plan.jobs.into_iter());
    let mut by_file: BTreeMap<String, FileState> = BTreeMap::new();
    let mut failure = None;
    std::thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..workers {
            let sender = sender.clone();
            let queue = &queue;
            scope.spawn(move || {
                loop {
                    let next = queue.lock().ok().and_then(|mut jobs| jobs.next());
                    let Some(job) = next else { break };
                    // The receiver outlives the workers; a send can only fail when this thread is to end anyway.
                    let _ = sender.send(Message::Started(job.file.clone()));
                    let forward = |record: &Record| {
                        let _ = sender.send(Message::Record(record.clone()));
                    };
                    let report = job::run(&job, setup, interrupted, &forward);
                    let _ = sender.send(Message::Finished(job, report));
                }
            });
        }
        drop(sender);
        for message in receiver {
            match message {
                Message::Started(file) => progress.started(&file),
                Message::Record(mut record) => {
                    annotate(&mut record, expect);
                    progress.record(&record);
                    if let Some(file) = &mut partial {
                        serde_json::to_writer(&mut *file, &record)?;
                        file.write_all(b"\n")?;
                    }
                }
                Message::Finished(job, report) => {
                    let state = by_file.entry(job.file.clone()).or_default();
                    match report {
                        Ok(report) => {
                            results.header.complete &= report.complete;
                            state.complete &= report.complete;
                            state.parts.push((job.chunk.0, report.records));
                            state.collection.extend(report.collection);
                        }
                        Err(error) => failure = Some(error.context(format!("while running {}", job.file))),
                    }
                    progress.finished(&job);
                }
            }
        }
        Ok(())
    })?;
    progress.end();
    if let Some(error) = failure {
        return Err(error);
    }
    if workers > 1 {
        let records =
            by_file.values_mut().flat_map(|state| &mut state.parts).flat_map(|(_, records)| records);
        retry_starved(records.collect(), setup, interrupted)?;
    }
    for (file, mut state) in by_file {
        let mut parts = std::mem::take(&mut state.parts);
        parts.sort_by_key(|(part, _)| *part);
        let mut records: Vec<Record> = parts.into_iter().flat_map(|(_, records)| records).collect();
        fill_missing(&mut records, &file, &state, baseline, whole_files);
        for record in &mut records {
            annotate(record, expect);
        }
        results.records.extend(records);
    }
    results.header.elapsed = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    if let Some(out) = out {
        results.write(out)?;
        let _ = std::fs::remove_file(partial_path(out));
    }
    Ok(results)
}

/// Tests that were killed for memory while other processes used some of it are run again, each alone.
fn retry_starved(records: Vec<&mut Record>, setup: &Setup, interrupted: &AtomicBool) -> Result<()> {
    for record in records.into_iter().filter(|record| starved(record)) {
        eprintln!("killed for memory beside other tests, running again alone: {}", record.id);
        for job in Plan::alone(std::slice::from_ref(&record.id), setup).jobs {
            let report = job::run(&job, setup, interrupted, &|_| ())?;
            if let Some(again) = report.records.into_iter().find(|again| again.id == record.id)
                && again.outcome != Outcome::NotRun
            {
                *record = again;
            }
        }
    }
    Ok(())
}

/// Whether a test was killed by the kernel or by the harness for want of memory.
fn starved(record: &Record) -> bool {
    record.outcome == Outcome::Crashed && (record.text == "SIGKILL" || record.text.starts_with("killed: "))
}

fn partial_path(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_os_string();
    name.push(".partial");
    name.into()
}

#[derive(Debug)]
struct FileState {
    /// Parts end in any order; jobs of single tests are all part 0.
    parts: Vec<(usize, Vec<Record>)>,
    collection: Vec<(Outcome, String)>,
    complete: bool,
}

impl Default for FileState {
    fn default() -> Self {
        FileState { parts: Vec::new(), collection: Vec::new(), complete: true }
    }
}

/// A test of the baseline that no process reported has an outcome too: its file or class was not collected.
fn fill_missing(
    records: &mut Vec<Record>,
    file: &str,
    state: &FileState,
    baseline: &Baseline,
    whole_file: bool,
) {
    let worst = state.collection.iter().find(|(outcome, _)| *outcome == Outcome::Error);
    let reason = worst.or(state.collection.first());
    if whole_file {
        let seen: HashSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let absent: Vec<_> =
            baseline.ids(file).iter().filter(|id| !seen.contains(id.as_str())).cloned().collect();
        for id in absent {
            let record = match reason {
                Some((outcome, text)) => Record::new(id, *outcome, format!("not collected: {text}")),
                None if !state.complete => Record::new(id, Outcome::NotRun, "left out by a limit"),
                None => Record::new(id, Outcome::Error, "not collected: no such test under this interpreter"),
            };
            records.push(record);
        }
    }
    if let Some((outcome, text)) = worst
        && !records.iter().any(|record| record.outcome == Outcome::Error)
    {
        records.push(Record::new(file, *outcome, text.clone()));
    }
}

/// Notes that a failure is a known deviation.
fn annotate(record: &mut Record, expect: &Expect) {
    if !record.outcome.is_pass()
        && record.expected.is_empty()
        && let Some(deviation) = expect.get(&record.id)
    {
        record.expected = deviation.reason.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_users_write() {
        let suite = Suite::load();
        let find = |name: &str| -> Vec<String> {
            resolve(name, Path::new("/r"), &suite).unwrap().into_iter().map(|(_, file)| file).collect()
        };
        let multiarray = "numpy/_core/tests/test_multiarray.py";
        assert_eq!(find("_core/tests/test_multiarray.py"), [multiarray]);
        assert_eq!(find(multiarray), [multiarray]);
        // A bare name may be several files.
        assert_eq!(find("test_multiarray").len(), 2);
        assert_eq!(find("numpy/fft").len(), 2);
        assert_eq!(find("linalg/").len(), 3);
        assert!(resolve("test_nothing", Path::new("/r"), &suite).is_err());
    }

    #[test]
    fn only_deaths_for_memory_are_worth_another_run() {
        let record = |outcome, text: &str| Record::new("numpy/tests/test_x.py::a", outcome, text);
        assert!(starved(&record(Outcome::Crashed, "SIGKILL")));
        assert!(starved(&record(Outcome::Crashed, "killed: more than 21000 MiB of memory")));
        assert!(!starved(&record(Outcome::Crashed, "SIGSEGV")));
        assert!(!starved(&record(Outcome::Failed, "SIGKILL")));
    }

    #[test]
    fn tests_of_a_file_that_was_not_collected_are_errors() {
        let file = "numpy/tests/test_x.py";
        let mut baseline = Baseline::default();
        baseline.insert(format!("{file}::a"), Outcome::Passed);
        baseline.insert(format!("{file}::b"), Outcome::Passed);
        let mut state = FileState::default();
        state.collection.push((Outcome::Error, "ImportError: no".into()));
        let mut records = vec![Record::new(format!("{file}::a"), Outcome::Passed, "")];
        fill_missing(&mut records, file, &state, &baseline, true);
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].outcome, Outcome::Error);
        assert_eq!(records[1].text, "not collected: ImportError: no");
        // Without a baseline the file itself gets the outcome.
        let mut records = Vec::new();
        fill_missing(&mut records, file, &state, &Baseline::default(), true);
        assert_eq!(records[0].id, file);
    }
}
