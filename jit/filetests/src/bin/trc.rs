//! The command-line tool for traces: print, optimise, vectorise, run, disassemble, fuzz, reduce.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use jit::ir::{self, Trace, verify};
use jit::log;
use jit_filetests::case::{self, Case};
use jit_filetests::file::File;
use jit_filetests::fuzz::{self, Source};
use jit_filetests::{crash, externs, reduce, subtests, suite, variants};
use serde_json::json;

/// Prints, rewrites, runs and disassembles traces.
///
/// FILE is a test file (*.trace), a log written by MICRONUMPY_LOG, or any text with traces in it; `-` is standard input.
/// Results go to standard output, one trace after the other. The exit code is 0 if everything went well, 1 if a trace is
/// malformed or something differs, 2 for wrong arguments.
#[derive(Parser)]
#[command(name = "trc", version)]
struct Args {
    /// Give one JSON object a line instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check traces and print them in their normal form.
    Cat { file: PathBuf },
    /// Run passes and print what they make of the traces.
    Opt {
        file: PathBuf,
        /// Names of passes separated by commas, in order; without it, the standard ones.
        #[arg(long)]
        passes: Option<String>,
        /// Print the trace after each pass that changes it.
        #[arg(long)]
        steps: bool,
    },
    /// Optimise, vectorise and print.
    Vec {
        file: PathBuf,
        /// Bytes of a vector register.
        #[arg(long, default_value_t = 16)]
        bytes: usize,
        /// Registers a value of a short body may take.
        #[arg(long, default_value_t = 4)]
        unroll: usize,
    },
    /// Print the machine code a back end makes, optimised and prepared for it.
    Asm {
        file: PathBuf,
        /// One of the back ends `trc backends` lists.
        #[arg(long, default_value = "cranelift")]
        backend: String,
        /// Do not run the standard passes first.
        #[arg(long)]
        raw: bool,
    },
    /// List back ends and passes.
    Backends,
    /// Run the `run:` lines of a test file in every way and compare with what is expected.
    Run {
        file: PathBuf,
        /// Run this instead of the lines in the file, for example `sum([f64: 1.0, 2.0], 2)`.
        #[arg(long)]
        call: Option<String>,
        /// Only on this back end, as the trace stands, and print the outcome.
        #[arg(long)]
        backend: Option<String>,
    },
    /// Measure how long it takes to make code and to run it: the shortest of many times, after the first.
    Time {
        file: PathBuf,
        /// Run this instead of the lines in the file. It is trusted to stay inside of its buffers.
        #[arg(long)]
        call: Option<String>,
        #[arg(long, default_value = "cranelift")]
        backend: String,
        /// Divide the time of a run by this many turns.
        #[arg(long, default_value_t = 1.0)]
        turns: f64,
        /// How long each case is run again and again.
        #[arg(long, default_value_t = 200)]
        milliseconds: u64,
    },
    /// Carry out all directives of test files.
    Test {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Write what is expected instead of comparing.
        #[arg(long)]
        bless: bool,
    },
    /// Try every operation on every type.
    Suite {
        /// Only traces whose names start with this, for example `div.i32`.
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Make up traces and run them in every way, until the time is over or something differs.
    Fuzz {
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// The first seed; each trace has its own.
        #[arg(long, default_value_t = 1_000_000)]
        seed: u64,
        /// Only this one seed, and print its trace.
        #[arg(long)]
        only: bool,
        /// Make a finding small before it is printed.
        #[arg(long)]
        reduce: bool,
    },
    /// Make a failing test file small. It must have one trace with one run line that fails in some way.
    Reduce { file: PathBuf },
}

type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let args = Args::parse();
    // What panics in a pass or a back end is told as a failure of it, once.
    std::panic::set_hook(Box::new(|_| {}));
    match execute(&args) {
        Ok(()) => {
            log::finish();
            ExitCode::SUCCESS
        }
        Err(message) => {
            if args.json {
                println!("{}", json!({"error": message}));
            } else {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(args: &Args) -> Outcome {
    let out = Out { json: args.json };
    match &args.command {
        Command::Cat { file } => {
            for tr in traces(file)? {
                out.trace(&tr);
            }
        }
        Command::Opt { file, passes, steps } => {
            let standard = jit::opt::standard();
            let passes = match passes {
                None => standard,
                Some(names) => names
                    .split(',')
                    .map(|n| jit::opt::by_name(n.trim()).ok_or_else(|| format!("there is no pass {n}")))
                    .collect::<Result<_, _>>()?,
            };
            for mut tr in traces(file)? {
                for pass in &passes {
                    let changed = pass.run(&mut tr);
                    verify(&tr).map_err(|e| format!("{e}, after {}\n{tr}", pass.name()))?;
                    if *steps && changed {
                        out.text("pass", pass.name(), &format!("; {}\n{tr}", pass.name()));
                    }
                }
                if !steps {
                    out.trace(&tr);
                }
            }
        }
        Command::Vec { file, bytes, unroll } => {
            for mut tr in traces(file)? {
                jit::opt::optimise(&mut tr);
                jit::vec::vectorise(&mut tr, jit::vec::Target { vector_bytes: *bytes, unroll: *unroll });
                verify(&tr).map_err(|e| format!("{e}\n{tr}"))?;
                out.trace(&tr);
            }
        }
        Command::Asm { file, backend, raw } => {
            for mut tr in traces(file)? {
                externs::link(&mut tr)?;
                if !raw {
                    jit::opt::optimise(&mut tr);
                }
                out.text("asm", &tr.name.clone(), &variants::listing(&tr, backend)?);
            }
        }
        Command::Backends => {
            for backend in variants::backends() {
                out.text("backend", backend.name(), &format!("back end {}\n", backend.name()));
            }
            for pass in jit::opt::PASSES {
                out.text("pass", pass.name(), &format!("pass {}\n", pass.name()));
            }
        }
        Command::Run { file, call, backend } => run(&out, file, call.as_deref(), backend.as_deref())?,
        Command::Time { file, call, backend, turns, milliseconds } => {
            time(&out, file, call.as_deref(), backend, *turns, Duration::from_millis(*milliseconds))?;
        }
        Command::Test { files, bless } => {
            for path in files {
                let name = path.display().to_string();
                let text = read(path)?;
                match subtests::test(&text, *bless).map_err(|e| format!("{name}: {e}"))? {
                    Some(new) => fs::write(path, new).map_err(|e| format!("{name}: {e}"))?,
                    None => out.text("ok", &name, &format!("ok {name}\n")),
                }
            }
        }
        Command::Suite { prefix } => every_operation(&out, prefix)?,
        Command::Fuzz { seconds, seed, only, reduce } => {
            if *only {
                let (trace, case) = fuzz::generate(&mut Source::seed(*seed));
                out.text("trace", &seed.to_string(), &format!("{trace}; run: {case}\n"));
            }
            let most = if *only { 1 } else { u64::MAX };
            search(&out, *seed, most, Duration::from_secs(*seconds), *reduce)?;
        }
        Command::Reduce { file } => {
            let text = read(file)?;
            let file = File::parse(&text)?;
            let item = file.items.first().ok_or("there is no trace")?;
            let trace = file.trace(item)?;
            let (_, run) = item.runs.first().ok_or("there is no run line")?;
            let (case, _) = case::parse(run, &trace)?;
            let why = failure(&trace, &case).ok_or("it does not fail")?;
            smaller(&out, trace, case, &why);
        }
    }
    Ok(())
}

/// Text for people, or an object a line for programs.
struct Out {
    json: bool,
}

impl Out {
    fn text(&self, kind: &str, name: &str, text: &str) {
        if self.json {
            println!("{}", json!({"kind": kind, "name": name, "text": text}));
        } else {
            print!("{text}");
        }
    }
    fn trace(&self, tr: &Trace) {
        self.text("trace", &tr.name, &tr.to_string());
    }
}

fn read(path: &PathBuf) -> Result<String, String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|e| e.to_string())?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The traces of a file; of a log, those in its sections.
fn traces(path: &PathBuf) -> Result<Vec<Trace>, String> {
    let text = read(path)?;
    let entries = log::read(&text);
    let texts: Vec<&str> = match entries.is_empty() {
        true => vec![&text],
        false => entries.iter().filter(|e| e.body.contains("trace ")).map(|e| e.body).collect(),
    };
    let mut all = vec![];
    for text in texts {
        for tr in ir::parse(text).map_err(|e| format!("{}: {e}", path.display()))? {
            verify(&tr).map_err(|e| format!("{e}\n{tr}"))?;
            all.push(tr);
        }
    }
    Ok(all)
}

fn run(out: &Out, path: &PathBuf, call: Option<&str>, backend: Option<&str>) -> Outcome {
    let text = read(path)?;
    let file = File::parse(&text).or_else(|_| File::parse(&format!("; test run\n{text}")))?;
    let mut found = 0;
    for item in &file.items {
        let mut tr = file.trace(item)?;
        let lines: Vec<&str> = match call {
            Some(call) if call.starts_with(&format!("{}(", tr.name)) => vec![call],
            Some(_) => continue,
            None => item.runs.iter().map(|(_, run)| run.as_str()).collect(),
        };
        for line in lines {
            found += 1;
            let (case, expected) = case::parse(line, &tr).map_err(|e| format!("{line}: {e}"))?;
            let outcome = match backend {
                Some(name) => variants::on(&mut tr, &case, name),
                None => variants::check(&tr, std::slice::from_ref(&case)).map(|(mut o, _)| o.remove(0)),
            };
            let outcome = outcome.map_err(|e| format!("{line}: {e}"))?;
            if let Some(difference) = expected.and_then(|e| outcome.difference(&e, &case)) {
                return Err(format!("{line}: {difference}"));
            }
            out.text("run", &tr.name, &format!("{case} == {}\n", outcome.display(&case)));
        }
    }
    if found > 0 { Ok(()) } else { Err("nothing to run".into()) }
}

/// Times of one trace: those of its making, and of every case.
fn time(
    out: &Out,
    path: &PathBuf,
    call: Option<&str>,
    backend: &str,
    turns: f64,
    patience: Duration,
) -> Outcome {
    let text = read(path)?;
    let file = File::parse(&text).or_else(|_| File::parse(&format!("; test run\n{text}")))?;
    let backend = variants::backends().iter().find(|b| b.name() == backend);
    let backend = backend.ok_or("there is no such back end here")?;
    for item in &file.items {
        let mut tr = file.trace(item)?;
        externs::link(&mut tr)?;
        let micros = |d: Duration| d.as_secs_f64() * 1e6;
        // The first time pays for tables that are made once in a process.
        let mut best = [Duration::MAX; 3];
        let mut made = None;
        for _ in 0..20 {
            let mut copy = tr.clone();
            let start = Instant::now();
            jit::opt::optimise(&mut copy);
            let optimised = Instant::now();
            backend.prepare(&mut copy);
            let prepared = Instant::now();
            let code = backend.compile(&copy).map_err(|e| e.to_string())?;
            let times = [optimised - start, prepared - optimised, prepared.elapsed()];
            best.iter_mut().zip(times).for_each(|(b, t)| *b = (*b).min(t));
            made = Some((copy, code));
        }
        let (tr, code) = made.ok_or("nothing was made")?;
        let [opt, prepare, compile] = best.map(micros);
        let size = code.bytes().len();
        let mut lines = vec![format!(
            "{}: optimise {opt:.0} us, prepare {prepare:.0} us, compile {compile:.0} us, {size} bytes",
            tr.name
        )];
        let calls = match call {
            Some(call) => vec![call],
            None => item.runs.iter().map(|(_, run)| run.as_str()).collect(),
        };
        for line in calls {
            let (case, _) = case::parse(line, &tr).map_err(|e| format!("{line}: {e}"))?;
            // SAFETY: test files hold cases that keep their promises; others the caller answers for.
            let (time, outcome) = unsafe { jit_filetests::run::timed(&tr, &code, &case, patience) }?;
            let key = outcome.key;
            lines.push(format!("    left by @{key} after {:.3} ns a turn", time.as_secs_f64() * 1e9 / turns));
        }
        out.text("time", &tr.name, &(lines.join("\n") + "\n"));
    }
    Ok(())
}

fn every_operation(out: &Out, prefix: &str) -> Outcome {
    let (mut tests, mut failures) = (0, vec![]);
    let mut declined = std::collections::BTreeMap::new();
    suite::for_each(|test| {
        if !test.trace.name.starts_with(prefix) {
            return;
        }
        tests += 1;
        match variants::check(&test.trace, &test.cases) {
            Ok((_, refusals)) => {
                for d in refusals {
                    *declined.entry(format!("{} declined: {}", d.backend, d.why.reason)).or_insert(0) += 1;
                }
            }
            Err(e) => failures.push(format!("{}: {e}", test.trace.name)),
        }
    });
    for (what, n) in &declined {
        out.text("declined", what, &format!("{n} x {what}\n"));
    }
    out.text("suite", prefix, &format!("{tests} traces, {} failures\n", failures.len()));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn search(out: &Out, first: u64, most: u64, time: Duration, small: bool) -> Outcome {
    let start = Instant::now();
    let mut n = 0;
    while n < most && start.elapsed() < time {
        let seed = first + n;
        n += 1;
        if let Err(finding) = fuzz::once(&mut Source::seed(seed)) {
            let why = finding.failure.to_string();
            if small {
                smaller(out, finding.trace, finding.case, &why);
            } else {
                out.text(
                    "finding",
                    &seed.to_string(),
                    &format!("{}; run: {}\n", finding.trace, finding.case),
                );
            }
            return Err(format!("seed {seed}: {why}"));
        }
    }
    out.text(
        "fuzz",
        &first.to_string(),
        &format!("{n} traces in {:.1} s, no finding\n", start.elapsed().as_secs_f64()),
    );
    Ok(())
}

/// Why a case fails, run in a process of its own.
fn failure(tr: &Trace, case: &Case) -> Option<String> {
    let check = || variants::check(tr, std::slice::from_ref(case)).map(|_| ()).map_err(|e| e.to_string());
    // SAFETY: this tool has one thread.
    unsafe { crash::isolated(check) }.err()
}

/// How long a trace is made smaller.
const PATIENCE: Duration = Duration::from_secs(120);

/// Prints the smallest trace that fails in the same place.
fn smaller(out: &Out, trace: Trace, case: Case, why: &str) {
    let place = |why: &str| why.split(':').next().unwrap_or_default().to_string();
    let expected = place(why);
    let start = Instant::now();
    let mut fails = |tr: &Trace, case: &Case| {
        start.elapsed() < PATIENCE && failure(tr, case).is_some_and(|why| place(&why) == expected)
    };
    let (trace, case) = reduce::reduce(trace, case, &mut fails);
    let why = failure(&trace, &case).unwrap_or_default();
    let why: String = why.lines().map(|l| format!("; {l}\n")).collect();
    out.text("finding", &expected, &format!("; test run\n{why}\n{trace}; run: {case}\n"));
}
