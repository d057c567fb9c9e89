//! One part of a file, run to its end however many processes that takes.
//!
//! A test may take its process down, hang, or eat the memory. The plugin logs a line before each test and one after
//! it, so whatever happens, the harness knows the test to blame. That test gets its outcome, and a new process
//! continues after it. The log of all processes of a job is one file that only grows.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::tools::{Interpreter, fingerprint};
use numpy_tests_format::{Outcome, Record};

const PLUGIN: &str = include_str!("../plugin/numpy_tests_plugin.py");
const POLL: Duration = Duration::from_millis(25);
/// Importing numpy and collecting a file, before the first test.
const COLLECT_LIMIT: Duration = Duration::from_secs(180);
/// From the last test to the end of the process.
const EXIT_LIMIT: Duration = Duration::from_secs(30);

/// What all jobs of a run share.
pub struct Setup {
    pub interpreter: Interpreter,
    /// Folder with numpy's console commands.
    pub commands: PathBuf,
    pub tools: PathBuf,
    pub cache: PathBuf,
    /// Per test.
    pub timeout: Duration,
    /// Per file.
    pub limit_time: Duration,
    /// End of the whole run.
    pub deadline: Option<Instant>,
    /// Resident bytes of one process, 0 for no limit.
    pub memory_limit: u64,
    pub keyword: Option<String>,
    pub available_memory: Option<String>,
    /// Folder with packages that are tested beside numpy.
    pub packages: Option<PathBuf>,
}

/// One unit of work for a worker.
#[derive(Clone, Debug)]
pub struct Job {
    /// Test file relative to `root`.
    pub file: String,
    /// pytest's root directory; ids are relative to it.
    pub root: PathBuf,
    /// This part, and the number of parts the file is split into.
    pub chunk: (usize, usize),
    /// Run these ids only.
    pub only: Option<Vec<String>>,
    /// Ids or classes given to pytest instead of the whole file.
    pub targets: Vec<String>,
    /// Do not even start these tests: id and reason.
    pub skip: HashMap<String, String>,
    /// Baseline seconds, to start long jobs first.
    pub weight: f64,
}

/// What a job found out.
#[derive(Debug, Default)]
pub struct JobReport {
    pub records: Vec<Record>,
    /// Failed or skipped collectors.
    pub collection: Vec<(Outcome, String)>,
    /// False when a limit of time or Ctrl-C left tests out.
    pub complete: bool,
}

#[derive(Serialize)]
struct Control<'a> {
    log: &'a Path,
    root: &'a Path,
    chunk: (usize, usize),
    only: Option<&'a [String]>,
    skip: Vec<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "e")]
enum Event {
    #[serde(rename = "c")]
    Collected { ids: Vec<String> },
    #[serde(rename = "x")]
    Collector { o: Outcome, t: String },
    #[serde(rename = "s")]
    Start { id: String },
    #[serde(rename = "f")]
    Finish { id: String, o: Outcome, d: f64, t: String, at: String },
    #[serde(rename = "e")]
    End,
}

/// Why the harness killed a process.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Killed {
    TestTimeout,
    CollectTimeout,
    FileLimit,
    Memory,
    Deadline,
    Interrupt,
}

/// The state of a job across its processes.
struct State<'a> {
    report: JobReport,
    done: HashSet<String>,
    /// Ids of this part in order, once some process has collected them.
    ids: Option<Vec<String>>,
    running: Option<String>,
    on_record: &'a dyn Fn(&Record),
}

impl State<'_> {
    fn record(&mut self, record: Record) {
        if self.done.insert(record.id.clone()) {
            (self.on_record)(&record);
            self.report.records.push(record);
        }
    }

    fn remaining(&self) -> Vec<String> {
        let ids = self.ids.iter().flatten();
        ids.filter(|id| !self.done.contains(*id)).cloned().collect()
    }
}

/// How one process ended.
struct Ending {
    status: ExitStatus,
    killed: Option<Killed>,
    collected: bool,
    running_for: f64,
    stderr: String,
    stdout: String,
}

/// Runs a job. `on_record` sees every outcome as soon as it is known.
pub fn run(
    job: &Job,
    setup: &Setup,
    interrupted: &AtomicBool,
    on_record: &dyn Fn(&Record),
) -> Result<JobReport> {
    if interrupted.load(Ordering::Relaxed) || setup.deadline.is_some_and(|deadline| Instant::now() > deadline)
    {
        return Ok(JobReport { complete: false, ..JobReport::default() });
    }
    let scratch = tempfile::Builder::new().prefix("numpy-tests-").tempdir()?;
    let log = scratch.path().join("events.jsonl");
    File::create(&log)?;
    let mut reader = LogReader { file: File::open(&log)?, pending: Vec::new() };
    let mut state = State {
        report: JobReport { complete: true, ..JobReport::default() },
        done: HashSet::new(),
        ids: None,
        running: None,
        on_record,
    };
    let file_deadline = Instant::now() + setup.limit_time;
    let mut idle_processes = 0;
    loop {
        let done_before = state.done.len();
        let ending = run_process(
            job,
            setup,
            scratch.path(),
            &log,
            &mut reader,
            &mut state,
            file_deadline,
            interrupted,
        )?;
        if let Some(id) = state.running.take() {
            let mut record = blame(&id, &ending, setup, &job.root);
            record.seconds = (ending.running_for * 1e4).round() / 1e4;
            state.record(record);
        }
        match ending.killed {
            Some(Killed::Deadline | Killed::Interrupt | Killed::FileLimit) => {
                state.report.complete = false;
                leave_out(&mut state, ending.killed, setup);
                break;
            }
            _ if !ending.collected => {
                let text = collection_death(&ending);
                state.report.collection.push((Outcome::Error, text.clone()));
                for id in state.remaining() {
                    state.record(Record::new(id, Outcome::Error, format!("not collected: {text}")));
                }
                break;
            }
            _ => {}
        }
        let remaining = state.remaining();
        if remaining.is_empty() {
            break;
        }
        // A process that ends between two tests is nobody's fault, once. Twice at the same place is the next test's.
        idle_processes = if state.done.len() == done_before { idle_processes + 1 } else { 0 };
        if idle_processes >= 2 {
            let text =
                format!("the process ends before this test starts ({})", describe_status(ending.status));
            state.record(Record::new(remaining[0].clone(), Outcome::Crashed, text));
            idle_processes = 0;
        }
    }
    Ok(state.report)
}

fn leave_out(state: &mut State<'_>, killed: Option<Killed>, setup: &Setup) {
    let text = match killed {
        Some(Killed::FileLimit) => format!("the file ran longer than {} s", setup.limit_time.as_secs()),
        Some(Killed::Deadline) => "the time of the whole run was over".into(),
        _ => "interrupted".to_string(),
    };
    for id in state.remaining() {
        state.record(Record::new(id, Outcome::NotRun, text.clone()));
    }
}

/// The outcome of the test that ran when its process ended.
fn blame(id: &str, ending: &Ending, setup: &Setup, root: &Path) -> Record {
    let frames = frames(&ending.stderr, root);
    let (outcome, what) = match ending.killed {
        Some(Killed::TestTimeout) => {
            (Outcome::Timeout, format!("no end after {} s", setup.timeout.as_secs()))
        }
        Some(Killed::FileLimit) => {
            (Outcome::Timeout, format!("running when the file's {} s were over", setup.limit_time.as_secs()))
        }
        Some(Killed::Deadline) => (Outcome::NotRun, "the time of the whole run was over".into()),
        Some(Killed::Interrupt) => (Outcome::NotRun, "interrupted".into()),
        Some(Killed::Memory) => {
            (Outcome::Crashed, format!("killed: more than {} MiB of memory", setup.memory_limit >> 20))
        }
        Some(Killed::CollectTimeout) | None => (Outcome::Crashed, describe_status(ending.status)),
    };
    let mut record = Record::new(id, outcome, what);
    if let Some(first) = frames.first() {
        record.at = first.clone();
    }
    record
}

fn collection_death(ending: &Ending) -> String {
    if ending.killed == Some(Killed::CollectTimeout) {
        return format!("no test started within {} s", COLLECT_LIMIT.as_secs());
    }
    if ending.killed == Some(Killed::Memory) {
        return "out of memory while collecting".into();
    }
    if ending.status.signal().is_some() {
        return format!("{} while collecting", describe_status(ending.status));
    }
    // An error in conftest.py or in pytest itself: its last "E" line, else the last line.
    let lines = || ending.stderr.lines().chain(ending.stdout.lines()).map(str::trim_end);
    let marked = lines().rfind(|line| line.starts_with("E  ")).map(|line| line[1..].trim());
    let last =
        || ending.stderr.lines().chain(ending.stdout.lines()).map(str::trim).rfind(|line| !line.is_empty());
    bounded(marked.or_else(last).unwrap_or("pytest ended without collecting"))
}

fn bounded(text: &str) -> String {
    text.chars().take(600).collect()
}

/// `file:line` of the Python frames in a faulthandler dump, innermost first.
fn frames(stderr: &str, root: &Path) -> Vec<String> {
    let dump = stderr.rfind("(most recent call first):").map_or("", |start| &stderr[start..]);
    dump.lines()
        .filter_map(|line| {
            let (file, rest) = line.trim().strip_prefix("File \"")?.split_once("\", line ")?;
            let number = rest.split_once(" in ").map_or(rest, |(number, _)| number);
            let file = Path::new(file);
            let short = file.strip_prefix(root).unwrap_or(file);
            Some(format!("{}:{number}", short.display()))
        })
        .collect()
}

fn describe_status(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal {
            4 => "SIGILL".into(),
            6 => "SIGABRT".into(),
            7 => "SIGBUS".into(),
            8 => "SIGFPE".into(),
            9 => "SIGKILL".into(),
            11 => "SIGSEGV".into(),
            15 => "SIGTERM".into(),
            other => format!("signal {other}"),
        },
        (None, Some(code)) => format!("the process exited with status {code}"),
        _ => "the process vanished".into(),
    }
}

/// Arguments that make pytest collect no more than needed: whole file, or the classes and functions of the ids left.
fn targets(job: &Job, state: &State<'_>) -> Vec<String> {
    let path = |id: &str| job.root.join(id).to_string_lossy().into_owned();
    let wanted = match (&job.only, &state.ids) {
        (Some(only), _) => only.iter().filter(|id| !state.done.contains(*id)).cloned().collect(),
        (None, Some(_)) => state.remaining(),
        (None, None) if job.targets.is_empty() => return vec![path(&job.file)],
        (None, None) => return job.targets.iter().map(|target| path(target)).collect(),
    };
    let mut names = Vec::new();
    let mut seen = HashSet::new();
    for id in wanted {
        let Some((file, rest)) = id.split_once("::") else { continue };
        let top = rest.split(['[', ':']).next().unwrap_or(rest);
        if seen.insert(top.to_string()) {
            names.push(path(&format!("{file}::{top}")));
        }
    }
    names
}

fn command(job: &Job, setup: &Setup, scratch: &Path, state: &State<'_>) -> Result<Command> {
    let plugin = scratch.join("plugin");
    fs::create_dir_all(&plugin)?;
    fs::write(plugin.join("numpy_tests_plugin.py"), PLUGIN)?;
    let ini = scratch.join("pytest.ini");
    fs::write(&ini, "[pytest]\n")?;
    let cwd = scratch.join("cwd");
    let tmp = scratch.join("tmp");
    fs::create_dir_all(&cwd)?;
    fs::create_dir_all(&tmp)?;
    let interpreter = &setup.interpreter;

    let mut command = Command::new(&interpreter.executable);
    command.args(["-m", "pytest", "-c"]).arg(&ini);
    command.arg("--rootdir").arg(&job.root).arg("--confcutdir").arg(&job.root);
    command.args(["-p", "numpy_tests_plugin", "-p", "_hypothesis_pytestplugin"]);
    for unwanted in ["cacheprovider", "xdist", "randomly", "rerunfailures", "timeout", "junitxml"] {
        command.args(["-p", &format!("no:{unwanted}")]);
    }
    // A native traceback is the only style that shows no argument of the failing frame: their repr may crash too.
    command.args(["-qq", "--no-header", "--no-summary", "--tb=native", "--continue-on-collection-errors"]);
    if let Some(memory) = &setup.available_memory {
        command.arg(format!("--available-memory={memory}"));
    }
    if let Some(keyword) = &setup.keyword {
        command.args(["-k", keyword]);
    }
    command.args(targets(job, state));

    // The same surroundings everywhere: no user settings, fixed hash order, caches that leave numpy's folder alone.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["PYTHON", "PYTEST_", "HYPOTHESIS_", "NPY_", "NUMPY_", "LC_"].iter().any(|p| name.starts_with(p)) {
            command.env_remove(name);
        }
    }
    let exe = interpreter.executable.to_string_lossy();
    let bytecode = setup.cache.join("pycache").join(fingerprint(&[&exe, &modified(&interpreter.executable)]));
    let bin = [
        setup.commands.clone(),
        interpreter.scripts.clone(),
        exe_dir(&interpreter.executable),
        setup.tools.join("bin"),
    ];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(bin.into_iter().chain(std::env::split_paths(&inherited)))?;
    // The one setting of the user that stays: it may be how the interpreter finds numpy.
    let inherited = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let inherited = std::env::split_paths(&inherited).filter(|dir| !dir.as_os_str().is_empty());
    let python_path = std::env::join_paths(
        [plugin, setup.tools.clone()].into_iter().chain(setup.packages.clone()).chain(inherited),
    )?;
    command
        .env("PATH", path)
        .env("PYTHONPATH", python_path)
        .env("PYTHONPYCACHEPREFIX", bytecode)
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONNOUSERSITE", "1")
        .env("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("TMPDIR", &tmp)
        .env("NUMPY_TESTS_CONTROL", scratch.join("control.json"))
        .current_dir(&cwd)
        .stdin(Stdio::null())
        .stdout(File::create(scratch.join("stdout"))?)
        .stderr(File::create(scratch.join("stderr"))?)
        // A group of its own, so that what tests start dies with it.
        .process_group(0);
    Ok(command)
}

fn modified(path: &Path) -> String {
    let time = fs::metadata(path).and_then(|meta| meta.modified()).ok();
    time.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(String::new(), |d| d.as_nanos().to_string())
}

fn exe_dir(executable: &Path) -> PathBuf {
    executable.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn run_process(
    job: &Job,
    setup: &Setup,
    scratch: &Path,
    log: &Path,
    reader: &mut LogReader,
    state: &mut State<'_>,
    file_deadline: Instant,
    interrupted: &AtomicBool,
) -> Result<Ending> {
    let skip = state.done.iter().chain(job.skip.keys()).map(String::as_str).collect();
    let control = Control { log, root: &job.root, chunk: job.chunk, only: job.only.as_deref(), skip };
    // A later process sees only what is left, so its part is all of it.
    let left = state.ids.is_some().then(|| state.remaining());
    let control = match &left {
        Some(left) => Control { chunk: (0, 1), only: Some(left), ..control },
        None => control,
    };
    fs::write(scratch.join("control.json"), serde_json::to_vec(&control)?)?;
    let mut child = command(job, setup, scratch, state)?
        .spawn()
        .with_context(|| format!("cannot start {}", setup.interpreter.executable.display()))?;

    let mut last_event = Instant::now();
    let mut collected = false;
    let mut ended = false;
    let mut killed = None;
    let status = loop {
        let exited = child.try_wait()?;
        for event in reader.read()? {
            last_event = Instant::now();
            match event {
                Event::Collected { ids } => {
                    collected = true;
                    for id in &ids {
                        if let Some(reason) = job.skip.get(id) {
                            state.record(Record::new(
                                id.clone(),
                                Outcome::Skipped,
                                format!("expect: {reason}"),
                            ));
                        }
                    }
                    state.ids.get_or_insert(ids);
                }
                Event::Collector { o, t } => state.report.collection.push((o, t)),
                Event::Start { id } => state.running = Some(id),
                Event::Finish { id, o, d, t, at } => {
                    state.running = None;
                    let record = Record { id, outcome: o, seconds: d, text: t, at, expected: String::new() };
                    state.record(record);
                }
                Event::End => ended = true,
            }
        }
        if let Some(status) = exited {
            break status;
        }
        let quiet = last_event.elapsed();
        killed = if interrupted.load(Ordering::Relaxed) {
            Some(Killed::Interrupt)
        } else if setup.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            Some(Killed::Deadline)
        } else if ended {
            (quiet > EXIT_LIMIT).then_some(Killed::CollectTimeout)
        } else if !collected {
            (quiet > COLLECT_LIMIT).then_some(Killed::CollectTimeout)
        } else if quiet > setup.timeout {
            Some(Killed::TestTimeout)
        } else if Instant::now() > file_deadline {
            Some(Killed::FileLimit)
        } else if setup.memory_limit > 0 && resident_bytes(child.id()) > setup.memory_limit {
            Some(Killed::Memory)
        } else {
            None
        };
        if let Some(reason) = killed {
            break kill(&mut child, reason)?;
        }
        std::thread::sleep(POLL);
    };
    let running_for = last_event.elapsed().as_secs_f64();
    // Whatever a test left running would hold the scratch folder and the machine.
    signal_group(&child, Signal::KILL);
    Ok(Ending {
        status,
        killed,
        // Without the "collected" event there is nothing to resume, whatever the status says.
        collected,
        running_for,
        stderr: tail(&scratch.join("stderr"), 64 << 10),
        stdout: tail(&scratch.join("stdout"), 16 << 10),
    })
}

/// Ends a process. A hanging test first gets SIGABRT, upon which Python prints where it hangs.
fn kill(child: &mut Child, reason: Killed) -> Result<ExitStatus> {
    if matches!(reason, Killed::TestTimeout | Killed::FileLimit) {
        signal_group(child, Signal::ABORT);
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
    }
    signal_group(child, Signal::KILL);
    Ok(child.wait()?)
}

fn signal_group(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group may be gone already.
        let _ = kill_process_group(pid, signal);
    }
}

fn resident_bytes(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn tail(path: &Path, limit: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |meta| meta.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(limit)));
        let _ = file.take(limit).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the events a process has appended since the last call.
struct LogReader {
    file: File,
    pending: Vec<u8>,
}

impl LogReader {
    fn read(&mut self) -> Result<Vec<Event>> {
        self.file.read_to_end(&mut self.pending)?;
        let Some(end) = self.pending.iter().rposition(|&byte| byte == b'\n') else { return Ok(Vec::new()) };
        let rest = self.pending.split_off(end + 1);
        let lines = std::mem::replace(&mut self.pending, rest);
        let lines = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| {
                serde_json::from_slice(line)
                    .with_context(|| format!("the plugin wrote {:?}", String::from_utf8_lossy(line)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_dump() {
        let dump = "noise\nFatal Python error: Segmentation fault\n\nCurrent thread 0x7f (most recent call first):\n  \
                    File \"/r/numpy/lib/x.py\", line 12 in f\n  File \"/else/y.py\", line 3 in g\n";
        assert_eq!(frames(dump, Path::new("/r")), ["numpy/lib/x.py:12", "/else/y.py:3"]);
        assert!(frames("nothing", Path::new("/r")).is_empty());
    }

    #[test]
    fn a_process_that_cannot_collect_says_why() {
        let ending = |stderr: &str| Ending {
            status: ExitStatus::from_raw(4 << 8),
            killed: None,
            collected: false,
            running_for: 0.0,
            stderr: stderr.into(),
            stdout: String::new(),
        };
        let conftest = "ImportError while loading conftest\nE   ImportError: no f\n\ntrailer\n";
        assert_eq!(collection_death(&ending(conftest)), "ImportError: no f");
        assert_eq!(collection_death(&ending("a\nb\n\n")), "b");
        assert_eq!(collection_death(&ending("")), "pytest ended without collecting");
    }
}
