//! Turns a result file of `numpy-tests` into one static HTML page and a JSON file.
//!
//! ```text
//! files -> load -> model -> page -> files
//! ```
//!
//! A pure function from files to files: no process, no network, no clock. Inputs are read and checked completely
//! before anything is written, and each output replaces its predecessor in one step.

#![forbid(unsafe_code)]

mod load;
mod model;
mod page;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

/// Write index.html and status.json from a result file.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// The baseline that defines which tests count
    #[arg(long)]
    baseline: PathBuf,
    /// Result file of `numpy-tests run`
    #[arg(long)]
    results: PathBuf,
    /// An earlier result file to compare with
    #[arg(long)]
    before: Option<PathBuf>,
    /// Folder for the report
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match work(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("status-report: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn work(cli: &Cli) -> Result<()> {
    let baseline = load::baseline(&cli.baseline)?;
    let results = load::results(&cli.results)?;
    let before = cli.before.as_deref().map(load::results).transpose()?;
    let status = model::build(&baseline, &results, before.as_ref());
    let html = page::render(&status)?;
    let json = serde_json::to_string_pretty(&status)? + "\n";
    std::fs::create_dir_all(&cli.out).with_context(|| format!("cannot create {}", cli.out.display()))?;
    replace(&cli.out.join("index.html"), &html)?;
    replace(&cli.out.join("status.json"), &json)?;
    println!(
        "{} of {} tests pass ({} %): {}",
        status.total.passing,
        status.total.denominator,
        status.total.percent(),
        cli.out.join("index.html").display()
    );
    Ok(())
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, text)
        .and_then(|()| std::fs::rename(&temporary, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
