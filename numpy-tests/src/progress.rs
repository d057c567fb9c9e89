//! A progress bar on a terminal, a plain line now and then elsewhere.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::job::Job;
use numpy_tests_format::Record;

const PLAIN_EVERY: Duration = Duration::from_secs(30);
/// The bar counts milliseconds of stock numpy, so that its ETA does not jump at slow files.
const UNIT: f64 = 1000.0;

pub struct Progress {
    bar: Option<ProgressBar>,
    state: RefCell<State>,
    started: Instant,
    total: f64,
}

struct State {
    passed: usize,
    others: usize,
    /// Baseline seconds of finished jobs.
    done: f64,
    jobs_left: usize,
    open: HashMap<String, usize>,
    last_line: Instant,
}

impl Progress {
    pub fn new(jobs: &[Job]) -> Progress {
        let total: f64 = jobs.iter().map(|job| job.weight).sum();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new((total * UNIT) as u64);
            let style = ProgressStyle::with_template("{bar:30} {percent:>3}% {elapsed} ETA {eta}  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(500));
            bar
        });
        let now = Instant::now();
        let state = State {
            passed: 0,
            others: 0,
            done: 0.0,
            jobs_left: jobs.len(),
            open: HashMap::new(),
            last_line: now,
        };
        Progress { bar, state: RefCell::new(state), started: now, total }
    }

    pub fn started(&self, file: &str) {
        *self.state.borrow_mut().open.entry(file.to_string()).or_default() += 1;
        self.show();
    }

    pub fn record(&self, record: &Record) {
        {
            let mut state = self.state.borrow_mut();
            if record.outcome.is_pass() {
                state.passed += 1;
            } else {
                state.others += 1;
            }
        }
        self.show();
    }

    pub fn finished(&self, job: &Job) {
        {
            let mut state = self.state.borrow_mut();
            state.done += job.weight;
            state.jobs_left -= 1;
            if let Some(count) = state.open.get_mut(&job.file) {
                *count -= 1;
            }
            state.open.retain(|_, count| *count > 0);
        }
        if let Some(bar) = &self.bar {
            bar.set_position((self.state.borrow().done * UNIT) as u64);
        }
        self.show();
    }

    fn show(&self) {
        let mut state = self.state.borrow_mut();
        let mut files: Vec<&str> = state.open.keys().map(String::as_str).collect();
        files.sort();
        let counts = format!("{} passed, {} not", state.passed, state.others);
        let message = format!("{counts}  {}", files.join(" "));
        match &self.bar {
            Some(bar) => bar.set_message(message),
            None if state.last_line.elapsed() >= PLAIN_EVERY => {
                state.last_line = Instant::now();
                let elapsed = self.started.elapsed().as_secs();
                let share = 100.0 * state.done / self.total;
                eprintln!("{elapsed:>5} s {share:>3.0}%  {message}");
            }
            None => {}
        }
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
