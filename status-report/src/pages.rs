//! The pages: templates filled from the site. askama escapes every value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::Result;
use askama::Template;
use numpy_tests_format::Outcome;

use crate::bench::{self, Bench, Row};
use crate::chart::{Axis, Chart, Point, Series, dates, days, ratio};
use crate::denominator::slug;
use crate::failures::{FileStatus, Group};
use crate::history::Night;
use crate::site::Site;
use crate::survey::{Name, Survey, Verdict};
use crate::timeline::{Change, Since, TestChange};
use crate::visible::{headline, thousands, visible};

/// Pages in the order of the menu: file and title.
const MENU: [(&str, &str); 10] = [
    ("index.html", "Overview"),
    ("files.html", "Files"),
    ("tests.html", "Tests"),
    ("changes.html", "Changes"),
    ("names.html", "Names"),
    ("ufuncs.html", "Ufuncs"),
    ("accuracy.html", "Accuracy"),
    ("speed.html", "Speed"),
    ("suites.html", "Other suites"),
    ("nights.html", "Nights"),
];

/// Changes and messages of one list on a page; `status.json` has them all.
const MOST_LISTED: usize = 2000;

/// What the frame around every page needs.
struct Frame<'a> {
    site: &'a Site<'a>,
    title: String,
    /// The file of the menu entry this page is, or belongs to.
    here: &'static str,
    /// From this page to the site's folder.
    root: &'static str,
}

impl<'a> Frame<'a> {
    fn new(site: &'a Site<'a>, here: &'static str) -> Frame<'a> {
        let title = MENU.iter().find(|(file, _)| *file == here).map_or("", |(_, title)| title);
        Frame { site, title: title.into(), here, root: "" }
    }

    fn menu(&self) -> &'static [(&'static str, &'static str)] {
        &MENU
    }

    fn platforms(&self) -> Vec<&'a str> {
        self.site.timelines.iter().map(|timeline| timeline.platform).collect()
    }
}

macro_rules! page {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            frame: Frame<'a>,
            site: &'a Site<'a>,
        }
    };
}

page!(Overview, "index.html");
page!(Files, "files.html");
page!(TestsPage, "tests.html");
page!(Changes, "changes.html");
page!(Names, "names.html");
page!(Ufuncs, "ufuncs.html");
page!(AccuracyPage, "accuracy.html");
page!(Speed, "speed.html");
page!(Suites, "suites.html");
page!(Nights, "nights.html");

#[derive(Template)]
#[template(path = "file.html")]
struct FilePage<'a> {
    frame: Frame<'a>,
    site: &'a Site<'a>,
    file: &'a FileStatus<'a>,
}

#[derive(Template)]
#[template(path = "badge.svg")]
struct Badge {
    label: &'static str,
    value: String,
    colour: &'static str,
}

/// Every page with its path.
///
/// # Errors
/// When a template cannot be filled.
pub fn all(site: &Site<'_>) -> Result<Vec<(String, String)>> {
    let mut pages = vec![
        ("assets/style.css".to_string(), include_str!("../assets/style.css").to_string()),
        ("assets/app.js".to_string(), include_str!("../assets/app.js").to_string()),
        ("badge.svg".to_string(), badge(site).render()?),
    ];
    let frame = |here| Frame::new(site, here);
    pages.push(("index.html".into(), Overview { frame: frame("index.html"), site }.render()?));
    pages.push(("files.html".into(), Files { frame: frame("files.html"), site }.render()?));
    pages.push(("tests.html".into(), TestsPage { frame: frame("tests.html"), site }.render()?));
    pages.push(("changes.html".into(), Changes { frame: frame("changes.html"), site }.render()?));
    pages.push(("names.html".into(), Names { frame: frame("names.html"), site }.render()?));
    pages.push(("ufuncs.html".into(), Ufuncs { frame: frame("ufuncs.html"), site }.render()?));
    pages.push(("accuracy.html".into(), AccuracyPage { frame: frame("accuracy.html"), site }.render()?));
    pages.push(("speed.html".into(), Speed { frame: frame("speed.html"), site }.render()?));
    pages.push(("suites.html".into(), Suites { frame: frame("suites.html"), site }.render()?));
    pages.push(("nights.html".into(), Nights { frame: frame("nights.html"), site }.render()?));
    for file in site.packages.iter().flat_map(|package| &package.files) {
        let frame = Frame { site, title: file.file.name.clone(), here: "files.html", root: "../" };
        let page = FilePage { frame, site, file }.render()?;
        pages.push((format!("files/{}.html", file.file.slug()), page));
    }
    Ok(pages)
}

fn badge(site: &Site<'_>) -> Badge {
    let score = site.main().last().score();
    let tenths = score.passing * 1000 / score.denominator.max(1);
    let colour = match tenths {
        950.. => "#2b7a3d",
        800.. => "#5b7a1e",
        500.. => "#8f6400",
        _ => "#a8400f",
    };
    let value = format!("{} of {}", thousands(score.passing), thousands(score.denominator));
    Badge { label: "numpy's tests", value, colour }
}

impl Badge {
    fn label_width(&self) -> usize {
        self.label.chars().count() * 7 + 12
    }

    fn width(&self) -> usize {
        self.label_width() + self.value.chars().count() * 7 + 12
    }
}

impl Overview<'_> {
    /// Runs that ended early say nothing about how much works, so they have no place on the line.
    fn trend(&self) -> Chart {
        let series = self.site.timelines.iter().map(|timeline| {
            let whole = timeline.nights.iter().filter(|night| night.header.complete);
            Series { name: timeline.platform.into(), points: whole.map(|night| night_point(night)).collect() }
        });
        let series: Vec<Series> = series.collect();
        let nights = || self.site.timelines.iter().flat_map(|timeline| &timeline.nights);
        let x = dates(nights().map(|night| night.header.date.as_str()));
        let total = self.site.tests.len() as f64;
        let values = series.iter().flat_map(|series| &series.points).map(|point| point.y).chain([total]);
        let y = Axis::linear(values, |at| thousands(at.max(0.0) as usize));
        let title = format!("Passing tests by night, of {}", thousands(self.site.tests.len()));
        Chart::new(title, &x, &y, &series)
    }

    fn main_change(&self) -> Option<&Change> {
        self.site.changes.first().and_then(Option::as_ref)
    }

    fn machine(&self, night: &Night) -> String {
        let machine = &night.header.machine;
        format!("{} ({} cores, {} GiB)", visible(&machine.cpu), machine.cores, machine.memory_gib)
    }
}

fn night_point(night: &Night) -> Point {
    let passing = night.score().passing;
    let title = format!("{}, {}: {} pass", night.day(), night.commit(), thousands(passing));
    Point { x: days(&night.header.date), y: passing as f64, title }
}

impl FilePage<'_> {
    /// `failing since`, for a group or a test.
    fn since(&self, platform: &usize, since: &Since) -> String {
        let night = self.site.timelines[*platform].nights[since.night];
        let what = if since.passed_before { "first failed" } else { "never passed; first seen" };
        format!("{what} {} at {}", night.day(), night.commit())
    }

    fn flaky(&self, test: &usize) -> usize {
        let changes = self.site.main().changes_of_mind(*test);
        if changes > 2 { changes } else { 0 }
    }

    fn name(&self, test: &usize) -> String {
        shown(self.site.tests.name(*test))
    }

    fn group_platforms(&self, group: &Group) -> String {
        let names = self.frame.platforms();
        let all: Vec<usize> = (0..names.len()).collect();
        let same = group.tests.iter().all(|test| test.platforms == group.tests[0].platforms);
        match group.tests.first() {
            Some(test) if same && test.platforms != all => {
                test.platforms.iter().map(|platform| names[*platform]).collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        }
    }
}

impl Changes<'_> {
    fn listed<'c>(&self, list: &'c [TestChange]) -> &'c [TestChange] {
        &list[..list.len().min(MOST_LISTED)]
    }

    fn link(&self, change: &TestChange) -> String {
        format!("files/{}.html#t{}", slug(&self.site.tests.file(change.test).name), change.test)
    }
}

impl Nights<'_> {
    /// Every night of every platform, newest first, with what it gained and lost.
    fn rows(&self) -> Vec<NightRow<'_>> {
        let mut rows = Vec::new();
        for timeline in &self.site.timelines {
            for (at, night) in timeline.nights.iter().enumerate() {
                let mut row = NightRow { night, gained: 0, lost: 0, first: at == 0 };
                if at > 0 {
                    for (before, after) in timeline.nights[at - 1].outcomes.iter().zip(&night.outcomes) {
                        let known = *before != Outcome::NotRun && *after != Outcome::NotRun;
                        row.gained += usize::from(known && after.is_pass() && !before.is_pass());
                        row.lost += usize::from(known && before.is_pass() && !after.is_pass());
                    }
                }
                rows.push(row);
            }
        }
        rows.sort_by(|a, b| b.night.header.date.cmp(&a.night.header.date));
        rows
    }
}

struct NightRow<'a> {
    night: &'a Night,
    gained: usize,
    lost: usize,
    first: bool,
}

impl Names<'_> {
    /// Names by module with how many work; what does not work comes first.
    fn modules<'s>(&self, survey: &'s Survey) -> Vec<(&'s str, usize, Vec<&'s Name>)> {
        let mut modules: BTreeMap<&str, Vec<&Name>> = BTreeMap::new();
        for name in &survey.names {
            modules.entry(&name.module).or_default().push(name);
        }
        for names in modules.values_mut() {
            names.sort_by(|a, b| (a.verdict.works(), &a.name).cmp(&(b.verdict.works(), &b.name)));
        }
        let working = |names: &[&Name]| names.iter().filter(|name| name.verdict.works()).count();
        modules.into_iter().map(|(module, names)| (module, working(&names), names)).collect()
    }
}

/// Measurements that belong in one table: same sizes, types, threads.
struct Block<'a> {
    title: String,
    systems: Vec<&'a str>,
    rows: Vec<(String, Vec<Option<&'a Row>>)>,
    /// Geometric means, in the order of `systems`.
    means: Vec<Option<f64>>,
}

impl Speed<'_> {
    fn blocks<'b>(&self, bench: &'b Bench) -> Vec<Block<'b>> {
        let mut order: Vec<String> = Vec::new();
        let mut parts: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in bench.rows.iter().filter(|row| !is_base(row)) {
            let title = block_title(row);
            if !parts.contains_key(&title) {
                order.push(title.clone());
            }
            parts.entry(title).or_default().push(row);
        }
        order
            .into_iter()
            .map(|title| {
                let rows = &parts[&title];
                let mut systems: Vec<&str> = Vec::new();
                let mut cases: Vec<String> = Vec::new();
                let mut cells: BTreeMap<(String, &str), &Row> = BTreeMap::new();
                for row in rows {
                    let case = case_title(row);
                    if !systems.contains(&row.system.as_str()) {
                        systems.push(&row.system);
                    }
                    if cells.insert((case.clone(), &row.system), row).is_none() && !cases.contains(&case) {
                        cases.push(case);
                    }
                }
                let means =
                    systems.iter().map(|system| mean(rows.iter().filter(|row| row.system == *system)));
                let line = |case: &String| {
                    systems.iter().map(|system| cells.get(&(case.clone(), system)).copied()).collect()
                };
                Block {
                    means: means.collect(),
                    rows: cases.iter().map(|case| (case.clone(), line(case))).collect(),
                    title,
                    systems: systems.clone(),
                }
            })
            .collect()
    }

    /// Geometric means by size, when a benchmark has several.
    fn by_size(&self, name: &str, bench: &Bench) -> Option<Chart> {
        let first = bench.rows.iter().find(|row| !is_base(row) && row.size.parse::<f64>().is_ok())?;
        let alike = |row: &&Row| {
            !is_base(row)
                && (row.threads, &row.dtype, &row.layout) == (first.threads, &first.dtype, &first.layout)
        };
        let mut sizes: Vec<f64> = bench
            .rows
            .iter()
            .filter(alike)
            .filter_map(|row| row.size.parse().ok())
            .filter(|s| *s > 0.0)
            .collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        if sizes.len() < 2 {
            return None;
        }
        let systems: BTreeSet<&str> =
            bench.rows.iter().filter(alike).map(|row| row.system.as_str()).collect();
        let mut systems: Vec<&str> = systems.into_iter().collect();
        systems.sort_by_key(|system| !bench::OURS.contains(system));
        let series = systems.iter().map(|system| {
            let point = |size: &f64| {
                let here = |row: &&Row| row.system == *system && row.size.parse::<f64>() == Ok(*size);
                let mean = mean(bench.rows.iter().filter(alike).filter(here).collect::<Vec<_>>().iter())?;
                let title = format!("{system}, {size}: {}", ratio(mean));
                Some(Point { x: size.log10(), y: mean.log2(), title })
            };
            Series { name: system.to_string(), points: sizes.iter().filter_map(point).collect() }
        });
        let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
        let x = Axis::labelled(sizes.iter().map(|size| (size.log10(), size_label(*size))).collect());
        let y = Axis::ratios(series.iter().flat_map(|series| &series.points).map(|point| point.y));
        let mut title = format!("{name}: times as fast as stock numpy, by number of elements");
        if !first.dtype.is_empty() {
            let _ = write!(title, ", {}", first.dtype);
        }
        let _ = write!(title, ", {} thread{}", first.threads, if first.threads == 1 { "" } else { "s" });
        Some(Chart::new(title, &x, &y, &series))
    }

    /// Geometric mean of ours over the nights, when there are several.
    fn over_time(&self, name: &str) -> Option<Chart> {
        let mut lines: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
        let nights =
            || self.site.main().nights.iter().filter_map(|night| Some((night, night.benches.get(name)?)));
        for (night, bench) in nights() {
            for (system, mean) in bench.means() {
                if bench::OURS.contains(&system) {
                    let title = format!("{}, {}: {}", night.day(), system, ratio(mean));
                    let point = Point { x: days(&night.header.date), y: mean.log2(), title };
                    lines.entry(system).or_default().push(point);
                }
            }
        }
        if lines.values().all(|points| points.len() < 2) {
            return None;
        }
        let series: Vec<Series> =
            lines.into_iter().map(|(name, points)| Series { name: name.into(), points }).collect();
        let x = dates(nights().map(|(night, _)| night.header.date.as_str()));
        let y = Axis::ratios(series.iter().flat_map(|series| &series.points).map(|point| point.y));
        Some(Chart::new(format!("{name}: geometric mean of all cases by night"), &x, &y, &series))
    }

    fn versions(&self, bench: &Bench) -> String {
        let known =
            bench.versions.iter().filter_map(|(name, version)| Some(format!("{name} {}", version.as_ref()?)));
        known.collect::<Vec<_>>().join(", ")
    }
}

/// A ratio, as templates call it.
fn times(value: &f64) -> String {
    ratio(*value)
}

/// What a test printed.
fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// The first line of what a test printed.
fn message(text: &str) -> String {
    headline(&visible(text))
}

/// Whether a ratio is good news.
fn class(ratio: &f64) -> &'static str {
    match *ratio {
        ratio if ratio >= 1.05 => "fast",
        ratio if ratio <= 0.95 => "slow",
        _ => "even",
    }
}

/// The system everything is compared with; its ratio is 1.
fn is_base(row: &Row) -> bool {
    matches!(row.system.as_str(), "numpy" | "stock")
}

fn mean<'r>(rows: impl Iterator<Item = &'r &'r Row>) -> Option<f64> {
    let logs: Vec<f64> = rows.filter_map(|row| row.ratio).map(f64::ln).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

fn block_title(row: &Row) -> String {
    let size = match row.size.parse::<usize>() {
        Ok(size) => format!("{} elements", thousands(size)),
        Err(_) => row.size.clone(),
    };
    let threads = format!("{} thread{}", row.threads, if row.threads == 1 { "" } else { "s" });
    let parts = [row.suite.clone(), row.dtype.clone(), size, row.layout.clone(), threads];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn case_title(row: &Row) -> String {
    if row.kind.is_empty() { row.case.clone() } else { format!("{} ({})", row.case, row.kind) }
}

/// `10`, `1k`, `10M`.
fn size_label(size: f64) -> String {
    match size {
        s if s >= 1e6 => format!("{}M", s / 1e6),
        s if s >= 1e3 => format!("{}k", s / 1e3),
        s => format!("{s}"),
    }
}
