//! The site for machines: `status.json` is everything the pages say, `data/tests.js` what the search page looks through.
//!
//! The search data is a script and not JSON, because a page opened from a disk may load scripts beside it and nothing
//! else. A JSON value is a valid argument of a call, so the same serializer makes both.

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::denominator::Score;
use crate::failures::{FileStatus, Group};
use crate::history::Night;
use crate::site::Site;
use crate::timeline::{Since, Timeline};
use crate::visible::visible;

fn score(score: &Score) -> Value {
    json!({"passing": score.passing, "denominator": score.denominator, "outcomes": score.outcomes})
}

fn night(night: &Night) -> Value {
    json!({
        "date": night.header.date, "commit": night.header.commit, "complete": night.header.complete,
        "passing": night.score().passing, "elapsed": night.header.elapsed,
    })
}

/// `status.json`.
///
/// # Errors
/// Never for a site that could be built; serialization is fallible by type.
pub fn everything(site: &Site<'_>) -> Result<String> {
    let names = |numbers: &[usize]| numbers.iter().map(|n| site.tests.name(*n)).collect::<Vec<_>>();
    let group = |group: &Group| {
        let tests = group.tests.iter().map(|test| {
            let timeline = &site.timelines[test.platforms[0]];
            let platforms = test.platforms.iter().map(|p| site.timelines[*p].platform).collect::<Vec<_>>();
            let first = timeline.nights[test.since.night];
            json!({
                "name": site.tests.name(test.number), "platforms": platforms, "first_date": first.header.date,
                "first_commit": first.header.commit, "passed_before": test.since.passed_before,
            })
        });
        json!({
            "outcome": group.outcome, "text": group.text, "at": group.at, "expected": group.expected,
            "other_messages": group.others, "tests": tests.collect::<Vec<_>>(),
        })
    };
    let file = |file: &FileStatus<'_>| {
        json!({
            "file": file.file.name, "scores": file.scores.iter().map(score).collect::<Vec<_>>(),
            "passing": names(&file.passing), "not_passing": file.groups.iter().map(group).collect::<Vec<_>>(),
        })
    };
    let packages = site.packages.iter().map(|package| {
        json!({
            "name": package.name, "scores": package.scores.iter().map(score).collect::<Vec<_>>(),
            "files": package.files.iter().map(file).collect::<Vec<_>>(),
        })
    });
    let platforms = site.timelines.iter().zip(&site.changes).map(|(timeline, change)| {
        let header = &timeline.last().header;
        json!({
            "platform": timeline.platform, "score": score(&timeline.last().score()),
            "score_since": timeline.score_since().header.date, "extra_passing": timeline.last().extra,
            "interpreter": header.interpreter, "python": header.python, "numpy": header.numpy,
            "date": header.date, "commit": header.commit, "complete": header.complete, "machine": header.machine,
            "change": change, "nights": timeline.nights.iter().map(|n| night(n)).collect::<Vec<_>>(),
        })
    });
    let suites = site.suites.iter().map(|suite| {
        json!({
            "suite": suite.about, "platform": suite.platform, "date": suite.date, "score": score(&suite.score),
            "failures": suite.failures,
        })
    });
    let benches: Map<String, Value> = site
        .benches
        .iter()
        .map(|(name, (night, bench))| {
            (name.to_string(), json!({"date": night.header.date, "results": bench}))
        })
        .collect();
    let broken = site.broken.iter().map(|broken| json!({"file": broken.file, "why": broken.why}));
    let everything = json!({
        "format": "micronumpy-status", "version": 2,
        "baseline": {"numpy": site.baseline.numpy, "python": site.baseline.python, "tests": site.tests.len(),
                     "excluded": site.baseline.excluded},
        "platforms": platforms.collect::<Vec<_>>(), "packages": packages.collect::<Vec<_>>(),
        "frequent": site.frequent.iter().take(200).collect::<Vec<_>>(),
        "suites": suites.collect::<Vec<_>>(), "benches": benches,
        "survey": site.survey.map(|(night, survey)| json!({"date": night.header.date, "results": survey})),
        "accuracy": site.accuracy.map(|(night, table)| json!({"date": night.header.date, "results": table})),
        "unreadable": broken.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string(&everything)? + "\n")
}

/// One letter per outcome, as `assets/app.js` reads them.
fn letter(outcome: numpy_tests_format::Outcome) -> char {
    use numpy_tests_format::Outcome::*;
    match outcome {
        Passed => 'p',
        Xpassed => 'P',
        Failed => 'f',
        Error => 'e',
        Crashed => 'c',
        Timeout => 't',
        Skipped => 's',
        Xfailed => 'x',
        NotRun => 'n',
    }
}

/// `data/tests.js`.
///
/// # Errors
/// Never for a site that could be built; serialization is fallible by type.
pub fn search(site: &Site<'_>) -> Result<String> {
    let mut errors: Vec<String> = Vec::new();
    let mut sinces: Vec<Value> = Vec::new();
    let mut known: std::collections::HashMap<(usize, Since), usize> = std::collections::HashMap::new();
    let mut files = Vec::new();
    for file in site.packages.iter().flat_map(|package| &package.files) {
        // By the number of the test in its file: message and first failing night.
        let mut failures = Map::new();
        for group in &file.groups {
            errors.push(group.title());
            for test in &group.tests {
                let platform = test.platforms[0];
                let since = *known.entry((platform, test.since)).or_insert_with(|| {
                    sinces.push(since_text(&site.timelines[platform], test.since));
                    sinces.len() - 1
                });
                failures
                    .entry((test.number - file.file.first).to_string())
                    .or_insert_with(|| json!([errors.len() - 1, since]));
            }
        }
        let outcomes = site.timelines.iter().map(|timeline| {
            timeline.last().outcomes[file.file.range()].iter().map(|o| letter(*o)).collect::<String>()
        });
        files.push(json!({
            "name": file.file.name, "page": format!("files/{}.html", file.file.slug()), "first": file.file.first,
            "tests": file.file.tests.iter().map(|name| visible(name)).collect::<Vec<_>>(),
            "outcomes": outcomes.collect::<Vec<_>>(), "failures": failures,
        }));
    }
    let changed = site.changes.first().and_then(Option::as_ref).map(|change| {
        let numbers = |list: &[crate::timeline::TestChange]| list.iter().map(|c| c.test).collect::<Vec<_>>();
        json!({"fixed": numbers(&change.fixed), "broken": numbers(&change.broken)})
    });
    let data = json!({
        "platforms": site.timelines.iter().map(|timeline| timeline.platform).collect::<Vec<_>>(),
        "errors": errors, "since": sinces, "changed": changed, "files": files,
    });
    Ok(format!("showTests({});\n", serde_json::to_string(&data)?))
}

fn since_text(timeline: &Timeline<'_>, since: Since) -> Value {
    let night = timeline.nights[since.night];
    let text = if since.passed_before { "fails since" } else { "never passed, from" };
    json!(format!("{text} {} ({})", night.day(), night.commit()))
}
