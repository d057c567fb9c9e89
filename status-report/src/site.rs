//! The site: everything the pages say, and writing them.
//!
//! All pages are made in memory, written into a folder beside the site, and put in its place at once: a reader, or a
//! program that fails halfway, sees the old site or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use numpy_tests_format::{Baseline, OtherSuite, Results};

use crate::accuracy::Accuracy;
use crate::bench::Bench;
use crate::denominator::{Score, Tests};
use crate::failures::{self, Frequent, Package};
use crate::history::{Broken, History, Night};
use crate::survey::Survey;
use crate::timeline::{Change, Timeline, timelines};
use crate::{export, pages};

/// Says that a folder is a site, so that it may be replaced.
const MARK: &str = "status.json";

/// What all pages are made from.
pub struct Site<'a> {
    pub baseline: &'a Baseline,
    pub tests: &'a Tests,
    pub timelines: Vec<Timeline<'a>>,
    pub packages: Vec<Package<'a>>,
    pub frequent: Vec<Frequent>,
    /// By platform: what its last night changed.
    pub changes: Vec<Option<Change>>,
    /// The newest of each, with the night it is from.
    pub benches: BTreeMap<&'a str, (&'a Night, &'a Bench)>,
    pub survey: Option<(&'a Night, &'a Survey)>,
    pub accuracy: Option<(&'a Night, &'a Accuracy)>,
    pub suites: Vec<Suite>,
    pub broken: Vec<Broken>,
}

/// The suite of another package, as of the last night that ran it.
pub struct Suite {
    pub about: OtherSuite,
    pub platform: String,
    pub date: String,
    pub score: Score,
    pub failures: Vec<Frequent>,
}

impl<'a> Site<'a> {
    /// # Errors
    /// When the history has no usable night.
    pub fn new(baseline: &'a Baseline, tests: &'a Tests, history: &'a History) -> Result<Site<'a>> {
        if history.nights.is_empty() {
            let why: Vec<String> =
                history.broken.iter().map(|b| format!("\n{}: {}", b.file, b.why)).collect();
            bail!("the history has no usable night{}", why.concat());
        }
        let timelines = timelines(&history.nights, tests)?;
        let packages = failures::packages(tests, &timelines);
        let nights = || timelines.iter().flat_map(|timeline| timeline.nights.iter().rev().copied());
        let mut benches: BTreeMap<&str, (&Night, &Bench)> = BTreeMap::new();
        let mut suites: BTreeMap<(&str, &str), &Night> = BTreeMap::new();
        for night in nights() {
            for (name, bench) in &night.benches {
                benches.entry(name).or_insert((night, bench));
            }
            for name in night.suites.keys() {
                suites.entry((name, &night.platform)).or_insert(night);
            }
        }
        let suites =
            suites.into_iter().map(|((name, _), night)| suite(name, night)).collect::<Result<_>>()?;
        Ok(Site {
            baseline,
            tests,
            frequent: failures::frequent(&packages),
            changes: timelines.iter().map(|timeline| timeline.change(tests)).collect(),
            survey: nights().find_map(|night| Some((night, night.survey.as_ref()?))),
            accuracy: nights().find_map(|night| Some((night, night.accuracy.as_ref()?))),
            broken: history.broken.clone(),
            packages,
            benches,
            suites,
            timelines,
        })
    }

    /// The platform the headline is about.
    pub fn main(&self) -> &Timeline<'a> {
        &self.timelines[0]
    }

    /// Losses of the last nights, over all platforms; a run that ended early is one, since nobody knows what it hides.
    pub fn regressions(&self) -> usize {
        let cut_short = self.timelines.iter().filter(|timeline| timeline.cut_short().is_some()).count();
        self.changes.iter().flatten().map(Change::regressions).sum::<usize>() + cut_short
    }

    /// Writes the site to `out`.
    ///
    /// # Errors
    /// When `out` is something else than a site or an empty folder, or cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        let strange = out.exists() && fs::read_dir(out)?.next().is_some() && !out.join(MARK).exists();
        if strange {
            bail!("{} has something else than a site in it; it is left alone", out.display());
        }
        let beside = |suffix: &str| -> PathBuf {
            let mut path = out.as_os_str().to_os_string();
            path.push(suffix);
            path.into()
        };
        let (new, old) = (beside(".new"), beside(".old"));
        for left_over in [&new, &old] {
            if left_over.exists() {
                fs::remove_dir_all(left_over)?;
            }
        }
        let mut files = pages::all(self)?;
        files.push((MARK.into(), export::everything(self)?));
        files.push(("data/tests.js".into(), export::search(self)?));
        for (name, text) in files {
            let path = new.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            }
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if out.exists() {
            fs::rename(out, &old).with_context(|| format!("cannot replace {}", out.display()))?;
        }
        fs::rename(&new, out).with_context(|| format!("cannot write {}", out.display()))?;
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        Ok(())
    }
}

fn suite(name: &str, night: &Night) -> Result<Suite> {
    let Results { header, records } = night.suite_results(name)?;
    let mut failures: BTreeMap<String, usize> = BTreeMap::new();
    for record in records.iter().filter(|record| !record.outcome.is_pass()) {
        let text = crate::visible::visible(&record.text).into_owned();
        *failures.entry(format!("{}: {}", record.outcome, crate::visible::headline(&text))).or_default() += 1;
    }
    let mut failures: Vec<Frequent> =
        failures.into_iter().map(|(text, tests)| Frequent { text, tests, files: 1 }).collect();
    failures.sort_by_key(|kind| std::cmp::Reverse(kind.tests));
    failures.truncate(50);
    Ok(Suite {
        about: header.suite.unwrap_or_else(|| OtherSuite { name: name.into(), ..OtherSuite::default() }),
        platform: night.platform.clone(),
        date: night.header.date.clone(),
        score: night.suite_scores[name].clone(),
        failures,
    })
}
