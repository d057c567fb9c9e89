//! The executable from files to files: good nights, hostile ones, damaged ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use numpy_tests_format::{Baseline, Header, Machine, Outcome, Record, Results, read_gz, write_gz};
use serde_json::Value;

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../numpy-tests/data/baseline-2.4.6.jsonl.gz");

/// A folder with a history and a site.
struct Folder {
    dir: tempfile::TempDir,
    baseline: Baseline,
}

impl Folder {
    fn new() -> Folder {
        Folder { dir: tempfile::tempdir().unwrap(), baseline: Baseline::read(Path::new(BASELINE)).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn report(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_status-report"));
        command.args(args).args(["--baseline", BASELINE, "--history"]).arg(self.path("history"));
        command.output().unwrap()
    }

    fn add(&self, results: &Path, more: &[&str]) -> Output {
        let mut args = vec!["add", "--results", results.to_str().unwrap()];
        args.extend(more);
        self.report(&args)
    }

    fn site(&self, more: &[&str]) -> Output {
        let out = self.path("site");
        let mut args = vec!["site", "--out", out.to_str().unwrap()];
        args.extend(more);
        self.report(&args)
    }

    /// Results in which everything passes but what `ending` says otherwise, by the number of the test.
    fn results(
        &self,
        day: usize,
        arch: &str,
        ending: impl Fn(usize) -> Option<(Outcome, String)>,
    ) -> Results {
        let files: Vec<String> = self.baseline.files().map(String::from).collect();
        let ids = files.iter().flat_map(|file| self.baseline.ids(file));
        let records = ids.enumerate().map(|(number, id)| {
            let (outcome, text) = ending(number).unwrap_or((Outcome::Passed, String::new()));
            Record { at: "numpy/x.py:1".into(), ..Record::new(id, outcome, text) }
        });
        let (month, day) = (1 + day / 28, 1 + day % 28);
        Results {
            records: records.collect(),
            header: Header {
                interpreter: "micronumpy".into(),
                python: "3.11.7".into(),
                numpy: "2.4.6".into(),
                commit: format!("c{month}{day}"),
                date: format!("2026-{month:02}-{day:02}T01:00:00Z"),
                elapsed: 500.0,
                machine: Machine {
                    system: "linux".into(),
                    arch: arch.into(),
                    cpu: "<cpu> & co".into(),
                    cores: 2,
                    memory_gib: 8,
                },
                files,
                complete: true,
                ..Header::default()
            },
        }
    }

    /// Adds a night as `numpy-tests` would.
    fn night(&self, mut results: Results, more: &[&str]) {
        let path = self.path("results.jsonl");
        results.write(&path).unwrap();
        succeeds(&self.add(&path, more));
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.page("status.json")).unwrap()
    }

    fn page(&self, name: &str) -> String {
        fs::read_to_string(self.path("site").join(name)).unwrap()
    }

    fn size(&self) -> u64 {
        fn size(folder: &Path) -> u64 {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
            entries
                .map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().unwrap().len() })
                .sum()
        }
        size(&self.path("site"))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

fn fails(text: &str) -> Option<(Outcome, String)> {
    Some((Outcome::Failed, text.to_string()))
}

#[test]
fn nights_become_a_site() {
    let folder = Folder::new();
    let bench = |ratio: f64| {
        let path = folder.path("bench.json");
        fs::write(
            &path,
            format!(r#"{{"rows":[{{"system":"fuse","case":"blend","size":1000,"ratio":{ratio}}}]}}"#),
        )
        .unwrap();
        format!("expressions={}", path.display())
    };
    let accuracy = concat!(env!("CARGO_MANIFEST_DIR"), "/../ufuncs/src/vmath/ACCURACY.md");
    folder.night(
        folder.results(0, "x86_64", |n| if n < 2 { fails("TypeError: <no & such>") } else { None }),
        &["--bench", &bench(4.0), "--accuracy", accuracy],
    );
    folder.night(folder.results(0, "aarch64", |n| if n == 9 { fails("E") } else { None }), &[]);
    succeeds(&folder.site(&["--check"]));

    folder.night(
        folder.results(1, "x86_64", |n| match n {
            0 => fails("TypeError: <no & such>"),
            5 => Some((Outcome::Crashed, "SIGSEGV".into())),
            _ => None,
        }),
        &["--bench", &bench(2.0)],
    );
    let output = folder.site(&[]);
    succeeds(&output);
    assert_eq!(folder.site(&["--check"]).status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("1 newly passing, 1 newly failing, 1 slower"),
        "{}",
        text(&output.stdout)
    );

    let status = folder.status();
    let (main, total) = (&status["platforms"][0], status["baseline"]["tests"].as_u64().unwrap());
    assert_eq!(main["platform"], "x86_64");
    assert_eq!(main["score"]["passing"].as_u64().unwrap(), total - 2);
    assert_eq!(main["change"]["broken"][0]["after"], "crashed");
    assert_eq!(status["platforms"][1]["platform"], "aarch64");
    let file = folder.baseline.files().next().unwrap();
    let slug: String = file.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let page = folder.page(&format!("files/{slug}.html"));
    assert!(page.contains("TypeError: &#60;no &#38; such&#62;"), "texts are escaped");
    assert!(page.contains("never passed; first seen 2026-01-01 at c11"));
    assert!(page.contains("first failed 2026-01-02 at c12"));
    assert!(folder.page("speed.html").contains("blend"));
    assert!(folder.page("accuracy.html").contains("arctan2"));
    assert!(folder.page("badge.svg").contains("of 47,5"));
}

#[test]
fn hostile_output_is_only_text() {
    let folder = Folder::new();
    let hostile = [
        "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>",
        "\0\x1b[2J\x07\u{202e}gnp.exe\u{200b}",
        "');alert(1);//\\\"\u{2028}</style>",
        "{{ 7 * 7 }}{% raw %}",
    ];
    let huge = format!("Traceback\n{}\nlast line", "  File \"<x>\", line 1\n".repeat(200_000));
    let mut results = folder.results(0, "x86_64", |n| match n {
        0..4 => fails(hostile[n]),
        4 => fails(&huge),
        _ => None,
    });
    results.header.commit = "abc".into();
    let path = folder.path("results.jsonl");
    results.write(&path).unwrap();
    // What is no UTF-8 in a result file does not cost the run.
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(9).position(|window| window == b"Traceback").unwrap();
    bytes[at + 3] = 0xff;
    fs::write(&path, &bytes).unwrap();
    succeeds(&folder.add(&path, &[]));
    succeeds(&folder.site(&[]));
    let mut looked_at = 0;
    for entry in walk(&folder.path("site")) {
        let name = entry.to_string_lossy().into_owned();
        let page = fs::read_to_string(&entry).unwrap();
        if name.ends_with(".html") {
            looked_at += 1;
            assert_eq!(page.matches("<script").count(), page.matches("<script src=").count(), "{name}");
            assert!(!page.contains("<img") && !page.contains("</style"), "{name}");
            assert!(page.len() < 2_000_000, "{name}");
        }
        let forbidden = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
        assert!(!page.contains(forbidden), "{name}");
    }
    assert!(looked_at > 100);
    assert!(folder.size() < 20_000_000, "{}", folder.size());
    let data = folder.page("data/tests.js");
    let json = data.strip_prefix("showTests(").unwrap().trim_end().strip_suffix(");").unwrap();
    assert!(json.contains("Tra\u{fffd}eback"));
    serde_json::from_str::<Value>(json).unwrap();
}

#[test]
fn damage_is_told_and_nothing_is_lost() {
    let folder = Folder::new();
    folder.night(folder.results(0, "x86_64", |_| None), &[]);
    folder.night(folder.results(1, "x86_64", |n| if n < 3 { fails("E") } else { None }), &[]);
    succeeds(&folder.site(&[]));
    let good = folder.page("index.html");

    // A broken file is not taken in.
    let path = folder.path("results.jsonl");
    let whole = fs::read(&path).unwrap();
    for (bytes, why) in [
        (&whole[..whole.len() / 2], "line "),
        (&whole[..whole.iter().rposition(|b| *b == b'{').unwrap()], "announces 47927 tests, 47926 follow"),
        (&b""[..], "the file is empty"),
        (&b"\x1f\x8b\x00junk"[..], "line 1 (the header)"),
    ] {
        fs::write(&path, bytes).unwrap();
        let output = folder.add(&path, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(why), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read_dir(folder.path("history")).unwrap().count(), 2);

    // A night that has become unreadable is told of, and the others make the site.
    let last = folder.path("history/2026-01-02T010000Z_x86_64_c12/numpy.jsonl.gz");
    let bytes = fs::read(&last).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], &b"junk"[..], &b""[..]] {
        fs::write(&last, damaged).unwrap();
        let output = folder.site(&[]);
        succeeds(&output);
        let told = "2026-01-02T010000Z_x86_64_c12/numpy.jsonl.gz";
        assert!(text(&output.stderr).contains(told), "{}", text(&output.stderr));
        assert!(folder.page("index.html").contains(told));
        assert_eq!(folder.status()["platforms"][0]["nights"].as_array().unwrap().len(), 1);
        assert_eq!(fs::read(&last).unwrap(), damaged);
    }
    fs::write(&last, &bytes).unwrap();
    succeeds(&folder.site(&[]));
    assert_eq!(folder.page("index.html"), good);

    // Without a usable night, and where something else is, the site that is there stays.
    let first = folder.path("history/2026-01-01T010000Z_x86_64_c11/numpy.jsonl.gz");
    fs::write(&first, "").unwrap();
    fs::write(&last, "").unwrap();
    let output = folder.site(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no usable night"), "{}", text(&output.stderr));
    assert_eq!(folder.page("index.html"), good);
    fs::write(&last, &bytes).unwrap();
    fs::remove_file(folder.path("site/status.json")).unwrap();
    assert_eq!(folder.site(&[]).status.code(), Some(2));
    assert_eq!(folder.page("index.html"), good);
}

#[test]
fn a_run_that_ended_early_is_not_the_score() {
    let folder = Folder::new();
    folder.night(folder.results(0, "x86_64", |n| if n == 0 { fails("E") } else { None }), &[]);
    let unreached = |n: usize| match n {
        0..3 => fails("E"),
        3..100 => None,
        _ => Some((Outcome::NotRun, "time limit".to_string())),
    };
    let mut early = folder.results(1, "x86_64", unreached);
    early.header.complete = false;
    folder.night(early, &[]);
    let output = folder.site(&["--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("the run of 2026-01-02T01:00:00Z ended early"));
    let (status, total) = (folder.status(), folder.baseline.total() as u64);
    assert_eq!(status["platforms"][0]["score"]["passing"].as_u64().unwrap(), total - 1);
    assert!(folder.page("index.html").contains("ended early; the numbers here are of the whole run"));

    // The next whole run is compared with what is known of each test.
    folder.night(folder.results(2, "x86_64", |n| if n < 2 || n == 200 { fails("E") } else { None }), &[]);
    assert_eq!(folder.site(&["--check"]).status.code(), Some(1));
    let change = &folder.status()["platforms"][0]["change"];
    assert_eq!(change["broken"].as_array().unwrap().len(), 1, "the test the early run did not reach");
    assert_eq!(change["fixed"].as_array().unwrap().len(), 1);
}

#[test]
fn fifty_thousand_tests_stay_small_and_fast() {
    let folder = Folder::new();
    let nights = 12;
    for day in 0..nights {
        // In the worst case each message is another one.
        let mut results = folder.results(day, "x86_64", |n| {
            if n % 3 == 0 || n % 100 == day {
                fails(&format!("E{n}: <{day}> {}", "x".repeat(n % 500)))
            } else {
                None
            }
        });
        let bytes = {
            let path = folder.path("results.jsonl");
            results.write(&path).unwrap();
            fs::read(path).unwrap()
        };
        let name = format!("{}_x86_64_{}", results.header.date.replace(':', ""), results.header.commit);
        write_gz(&folder.path("history").join(name).join("numpy.jsonl.gz"), &bytes).unwrap();
    }
    let began = Instant::now();
    succeeds(&folder.site(&[]));
    let seconds = began.elapsed().as_secs_f64();
    assert!(seconds < 10.0, "{seconds} s for {nights} nights");
    assert!(folder.size() < 20_000_000, "{} bytes", folder.size());
    let some = walk(&folder.path("history")).into_iter().next().unwrap();
    assert!(Results::parse(&read_gz(&some).unwrap()).is_ok());
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
