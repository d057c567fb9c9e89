//! Keeps the results of many nights and turns them into a static site.
//!
//! ```text
//! result files -> history (a folder) -> tests, timeline, failures -> site -> pages, status.json
//! ```
//!
//! A pure function from files to files: no process, no network, no clock. Inputs are read and checked completely
//! before anything is written, and each output replaces its predecessor in one step.

#![forbid(unsafe_code)]

mod accuracy;
mod bench;
mod chart;
mod denominator;
mod export;
mod failures;
#[cfg(test)]
mod fixture;
mod history;
mod pages;
mod site;
mod survey;
mod timeline;
mod visible;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use numpy_tests_format::Baseline;

use crate::denominator::Tests;
use crate::history::{Additions, History};
use crate::site::Site;

/// Keep the results of many nights, and turn them into a static site.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit status: 0 done, 1 the last night lost something (`site --check`), 2 an input is not usable."
)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Take the files of a night into the history
    Add(AddArgs),
    /// Make the site from the history
    Site(SiteArgs),
}

#[derive(Args)]
struct Common {
    /// Folder of the history
    #[arg(long)]
    history: PathBuf,
    /// The baseline that defines which tests count
    #[arg(long)]
    baseline: PathBuf,
}

#[derive(Args)]
struct AddArgs {
    #[command(flatten)]
    common: Common,
    /// Result file of `numpy-tests run`; it says which night this is
    #[arg(long)]
    results: PathBuf,
    /// Benchmark results
    #[arg(long, value_name = "NAME=FILE", value_parser = named)]
    bench: Vec<(String, PathBuf)>,
    /// Result file of another package's suite
    #[arg(long, value_name = "NAME=FILE", value_parser = named)]
    suite: Vec<(String, PathBuf)>,
    /// Survey of names and ufuncs
    #[arg(long)]
    survey: Option<PathBuf>,
    /// Markdown with accuracy tables
    #[arg(long)]
    accuracy: Option<PathBuf>,
}

#[derive(Args)]
struct SiteArgs {
    #[command(flatten)]
    common: Common,
    /// Folder for the site; a site that is there is replaced
    #[arg(long)]
    out: PathBuf,
    /// Exit with 1 when the last night of a platform lost something
    #[arg(long)]
    check: bool,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write NAME=FILE")?;
    Ok((name.into(), file.into()))
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Add(args) => add(args),
        Task::Site(args) => site(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("status-report: {error:#}");
        ExitCode::from(2)
    })
}

fn add(args: AddArgs) -> Result<ExitCode> {
    let baseline = Baseline::read(&args.common.baseline)?;
    let additions = Additions {
        results: args.results,
        suites: args.suite,
        benches: args.bench,
        survey: args.survey,
        accuracy: args.accuracy,
    };
    let folder = history::add(&args.common.history, &baseline, &additions)?;
    println!("added {}", folder.display());
    Ok(ExitCode::SUCCESS)
}

fn site(args: &SiteArgs) -> Result<ExitCode> {
    let baseline = Baseline::read(&args.common.baseline)?;
    let tests = Tests::new(&baseline);
    let history = History::load(&args.common.history, &tests)?;
    for broken in &history.broken {
        eprintln!("status-report: left out {}: {}", broken.file, broken.why);
    }
    let site = Site::new(&baseline, &tests, &history)?;
    site.write(&args.out).with_context(|| format!("no site in {}", args.out.display()))?;
    for timeline in &site.timelines {
        let score = timeline.last().score();
        println!(
            "{}: {} of {} tests pass ({} %), {} nights",
            timeline.platform,
            score.passing,
            score.denominator,
            score.percent(),
            timeline.nights.len()
        );
        if let Some(night) = timeline.cut_short() {
            println!(
                "  the run of {} ended early; it has {} of the tests",
                night.header.date, night.header.tests
            );
        }
    }
    for (timeline, change) in site.timelines.iter().zip(&site.changes) {
        let Some(change) = change else { continue };
        println!(
            "{} since {}: {} newly passing, {} newly failing, {} slower, {} faster",
            timeline.platform,
            change.before_date,
            change.fixed.len(),
            change.broken.len(),
            change.slower.len(),
            change.faster.len()
        );
        for lost in change.broken.iter().filter(|change| !change.excused).take(20) {
            println!("  lost: {} ({})", lost.id, lost.after);
        }
        for moved in change.slower.iter().filter(|moved| moved.ours).take(20) {
            println!("  slower: {} {}: {:.2} -> {:.2}", moved.bench, moved.what, moved.before, moved.after);
        }
        for lost in change.survey_lost.iter().chain(&change.suites_lost).take(20) {
            println!("  lost: {lost}");
        }
    }
    println!("{}", args.out.join("index.html").display());
    Ok(if args.check && site.regressions() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
