//! Runs the unmodified test suite of numpy 2.4.6 under an interpreter and keeps score.
//!
//! ```text
//! suite (which files, which tests count)   tools (interpreter, pytest)
//!            \                                /
//!             runner (jobs, workers) -> job (processes, plugin, blame) -> results (file)
//!                                                                           |
//!                                                 summary   diff   ratchet -+
//! nightly: all of it, with benchmarks, a survey and other packages' suites, into the history of status-report
//! ```

mod diff;
mod expect;
mod job;
mod nightly;
mod other;
mod progress;
mod ratchet;
mod runner;
mod suite;
mod summary;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use numpy_tests_format::{Baseline, Results};

use crate::expect::Expect;
use crate::job::Setup;
use crate::ratchet::Ratchet;
use crate::runner::{Plan, Selection};
use crate::suite::{NUMPY, Suite};
use crate::tools::Interpreter;

/// For all repetitions of a ratchet check together: a hundred hanging tests must not take hours.
const RERUN_LIMIT: Duration = Duration::from_secs(600);
/// More lost tests than this are not run again: they are not lost by chance.
const RERUN_TESTS: usize = 100;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Run numpy's own test suite and keep score.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 done, 1 the ratchet does not hold, 2 the harness could not work, \
                                 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run test files and write a result file
    Run(RunArgs),
    /// Run stock numpy and write the baseline that defines which tests count
    Baseline(BaselineArgs),
    /// Show a result file: score by package and the most frequent errors
    Summary {
        results: PathBuf,
        /// How many kinds of errors to show
        #[arg(long, default_value_t = 30)]
        errors: usize,
        /// Print JSON instead
        #[arg(long)]
        json: bool,
    },
    /// Show what changed between two result files
    Diff {
        before: PathBuf,
        after: PathBuf,
        /// Lines to show of each kind of change
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Tests that passed once must pass for ever
    #[command(subcommand)]
    Ratchet(RatchetTask),
    /// Build, measure everything, keep it in the history and make the site; goes on where it was cut short
    Nightly(nightly::NightlyArgs),
}

#[derive(Args)]
struct RunArgs {
    /// Test files (path, end of a path, bare name, folder) or test ids; all files that count by default
    files: Vec<String>,
    /// Only tests that match pytest's -k expression
    #[arg(short = 'k', value_name = "EXPR")]
    keyword: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// Result file [default: numpy-tests/results.jsonl in the target directory]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Stop everything after this many seconds; what is left counts as not run
    #[arg(long, value_name = "S")]
    total_time: Option<u64>,
    /// Also run the files outside the denominator (f2py, distutils, _simd, typing)
    #[arg(long)]
    all: bool,
    /// Ignore expect/*.toml
    #[arg(long)]
    no_expect: bool,
    /// How many kinds of errors to show at the end
    #[arg(long, default_value_t = 12)]
    errors: usize,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// How tests are run.
#[derive(Args)]
struct EngineArgs {
    /// Interpreter under test [default: micronumpy beside this executable]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Processes at a time
    #[arg(long, short = 'j', default_value_t = 1)]
    jobs: usize,
    /// Limit for one test, in seconds
    #[arg(long, value_name = "S", default_value_t = 180)]
    timeout: u64,
    /// Limit for one file (or part of a big file), in seconds
    #[arg(long, value_name = "S", default_value_t = 1200)]
    limit_time: u64,
    /// Kill a process that holds more MiB than this, 0 for no limit [default: nine tenths of the machine]
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u64>,
    /// Memory that upstream's memory-hungry tests may count on, such as 4GB [default: what is free]
    #[arg(long, value_name = "SIZE")]
    available_memory: Option<String>,
    /// Folder with pytest and hypothesis, instead of installing them
    #[arg(long, value_name = "DIR")]
    tools: Option<PathBuf>,
}

#[derive(Args)]
struct BaselineArgs {
    #[command(flatten)]
    engine: EngineArgs,
    /// Where to write [default: the committed baseline]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Use this result file of stock numpy instead of running
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

#[derive(Subcommand)]
enum RatchetTask {
    /// Fail when a listed test does not pass
    Check {
        results: PathBuf,
        #[command(flatten)]
        engine: EngineArgs,
        /// Run at most this many lost tests again alone; 0 to believe the results
        #[arg(long, default_value_t = RERUN_TESTS)]
        rerun: usize,
        /// The list [default: the committed one]
        #[arg(long)]
        ratchet: Option<PathBuf>,
    },
    /// Add what passed to the list
    Update {
        results: PathBuf,
        /// Also remove what the run covered and did not pass
        #[arg(long)]
        allow_loss: bool,
        /// The list [default: the committed one]
        #[arg(long)]
        ratchet: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match work(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("numpy-tests: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn work(task: Task) -> Result<ExitCode> {
    match task {
        Task::Run(args) => run(args),
        Task::Baseline(args) => baseline(args),
        Task::Summary { results, errors, json } => {
            let results = Results::read(&results)?;
            show(&results, &committed_baseline(), errors, json)?;
            Ok(ExitCode::SUCCESS)
        }
        Task::Diff { before, after, limit } => {
            let (before, after) = (Results::read(&before)?, Results::read(&after)?);
            print!("{}{}", diff::totals(&before, &after), diff::diff(&before, &after).render(limit));
            Ok(ExitCode::SUCCESS)
        }
        Task::Nightly(args) => nightly::nightly(args),
        Task::Ratchet(RatchetTask::Check { results, engine, rerun, ratchet }) => {
            check(&results, &engine, rerun, &ratchet.unwrap_or_else(committed_ratchet))
        }
        Task::Ratchet(RatchetTask::Update { results, allow_loss, ratchet }) => {
            let path = ratchet.unwrap_or_else(committed_ratchet);
            let mut list = Ratchet::read(&path)?;
            let before = list.len();
            list.update(&Results::read(&results)?, allow_loss);
            list.write(&path)?;
            println!("ratchet: {before} -> {} tests", list.len());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn setup(engine: &EngineArgs, default_python: impl FnOnce() -> Result<PathBuf>) -> Result<Setup> {
    let python = match &engine.python {
        // A bare name is looked up on PATH; a path must survive the change of the working directory.
        Some(path) if path.components().count() > 1 => {
            std::path::absolute(path).with_context(|| path.display().to_string())?
        }
        Some(name) => name.clone(),
        None => default_python()?,
    };
    let interpreter = Interpreter::probe(&python)?;
    if interpreter.numpy != NUMPY {
        eprintln!(
            "warning: numpy {} is not {NUMPY}, which the suite list and the baseline are for",
            interpreter.numpy
        );
    }
    let cache = tools::cache_dir()?;
    let tools = match &engine.tools {
        Some(dir) if dir.join("pytest").is_dir() => std::path::absolute(dir)?,
        Some(dir) => bail!("{} holds no pytest", dir.display()),
        None => tools::ensure_tools(&interpreter, &cache)?,
    };
    let nine_tenths = tools::memory_bytes() / 10 * 9;
    Ok(Setup {
        commands: interpreter.write_commands(&cache)?,
        interpreter,
        tools,
        cache,
        timeout: Duration::from_secs(engine.timeout),
        limit_time: Duration::from_secs(engine.limit_time),
        deadline: None,
        memory_limit: engine.memory_limit.map_or(nine_tenths, |mib| mib << 20),
        keyword: None,
        available_memory: engine.available_memory.clone(),
        packages: None,
    })
}

fn watch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            // Asked twice: do not wait for the result file.
            std::process::exit(130);
        }
        eprintln!("stopping; what is known so far will be written");
    })?;
    Ok(())
}

fn run(args: RunArgs) -> Result<ExitCode> {
    let mut setup = setup(&args.engine, tools::default_interpreter)?;
    setup.keyword = args.keyword.clone();
    setup.deadline = args.total_time.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let suite = Suite::load();
    let baseline = committed_baseline();
    let expect =
        if args.no_expect { Expect::default() } else { Expect::load(&suite::crate_dir().join("expect"))? };
    let selection = Selection { names: args.files, keyword: args.keyword, excluded_too: args.all };
    let plan = Plan::new(&selection, &setup, &suite, &baseline, &expect)?;
    let out = args.out.unwrap_or_else(|| setup.cache.join("results.jsonl"));
    watch_interrupts()?;
    let results =
        runner::execute(plan, &setup, &baseline, &expect, args.engine.jobs, &INTERRUPTED, Some(&out))?;
    show(&results, &baseline, args.errors, args.json)?;
    let unexpected = results.records.iter().filter(|r| r.outcome.is_pass() && expect.get(&r.id).is_some());
    for record in unexpected {
        eprintln!("passes although expect/ lists it: {}", record.id);
    }
    eprintln!("results in {} ({} s)", out.display(), results.header.elapsed);
    Ok(if INTERRUPTED.load(Ordering::Relaxed) { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn baseline(args: BaselineArgs) -> Result<ExitCode> {
    let suite = Suite::load();
    let results = match &args.from {
        Some(path) => Results::read(path)?,
        None => {
            let cache = tools::cache_dir()?;
            let setup = setup(&args.engine, || tools::ensure_stock(&cache))?;
            let none = Expect::default();
            let empty = Baseline::default();
            let plan = Plan::new(&Selection::default(), &setup, &suite, &empty, &none)?;
            watch_interrupts()?;
            let out = cache.join("baseline.jsonl");
            runner::execute(plan, &setup, &empty, &none, args.engine.jobs, &INTERRUPTED, Some(&out))?
        }
    };
    if results.header.numpy != NUMPY || !results.header.selection.is_empty() || !results.header.complete {
        bail!("a baseline needs a complete run of numpy {NUMPY}");
    }
    show(&results, &Baseline::default(), 12, false)?;
    let path = args.out.unwrap_or_else(|| suite::data_dir().join(suite::BASELINE));
    Baseline::write(&results, suite.excluded(), &path)?;
    println!("{} tests count; written to {}", Baseline::read(&path)?.total(), path.display());
    Ok(ExitCode::SUCCESS)
}

/// Runs tests each in a process of its own.
fn run_alone(ids: &[String], setup: &Setup, jobs: usize) -> Result<Results> {
    let plan = Plan::alone(ids, setup);
    runner::execute(plan, setup, &Baseline::default(), &Expect::default(), jobs, &INTERRUPTED, None)
}

/// Runs what counts, and writes the result file.
fn run_everything(setup: &Setup, jobs: usize, out: &std::path::Path) -> Result<Results> {
    let (suite, baseline) = (Suite::load(), committed_baseline());
    let expect = Expect::load(&suite::crate_dir().join("expect"))?;
    let plan = Plan::new(&Selection::default(), setup, &suite, &baseline, &expect)?;
    let results = runner::execute(plan, setup, &baseline, &expect, jobs, &INTERRUPTED, Some(out))?;
    print!("{}", summary::table(&results, &baseline));
    Ok(results)
}

fn check(
    results: &std::path::Path,
    engine: &EngineArgs,
    rerun: usize,
    list: &std::path::Path,
) -> Result<ExitCode> {
    let results = Results::read(results)?;
    let list = Ratchet::read(list)?;
    let mut check = list.losses(&results);
    if !check.lost.is_empty() && check.lost.len() <= rerun {
        eprintln!("running {} lost tests again, each alone", check.lost.len());
        let mut setup = setup(engine, tools::default_interpreter)?;
        setup.deadline = Some(Instant::now() + RERUN_LIMIT);
        let ids: Vec<String> = check.lost.iter().map(|record| record.id.clone()).collect();
        watch_interrupts()?;
        let again = run_alone(&ids, &setup, engine.jobs)?;
        for id in check.forgive(&again) {
            println!("flaky: {id} passes alone");
        }
    }
    for record in &check.unable {
        println!("not for this machine: {} ({})", record.id, record.first_line());
    }
    if check.not_covered > 0 {
        println!("{} listed tests are not covered by these results", check.not_covered);
    }
    print!("{}", ratchet::render_losses(&check.lost, 40));
    let passing: usize =
        summary::tally(&results, &committed_baseline()).values().map(|tally| tally.passing).sum();
    println!("ratchet: {} of {} listed tests hold, {} are lost", check.holding, list.len(), check.lost.len());
    // For machines: tests of upstream that pass, ratcheted tests that do not.
    println!("{passing} passed, {} failed", check.lost.len());
    Ok(if check.lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(results: &Results, baseline: &Baseline, errors: usize, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(&summary::to_json(results, baseline))?);
    } else {
        print!("{}", summary::table(results, baseline));
        let text = summary::errors(results, errors);
        if !text.is_empty() {
            print!("\nmost frequent errors:\n{text}");
        }
    }
    Ok(())
}

fn committed_baseline() -> Baseline {
    let path = suite::data_dir().join(suite::BASELINE);
    Baseline::read(&path).unwrap_or_else(|error| {
        eprintln!("warning: {error:#}; every test counts");
        Baseline::default()
    })
}

fn committed_ratchet() -> PathBuf {
    suite::data_dir().join(ratchet::RATCHET)
}
