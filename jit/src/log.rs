//! What the compiler tells about its work, for people and for tools: `MICRONUMPY_LOG=opt,asm:path`.
//!
//! The part before the colon lists sections, the part after it names a file; `-` or nothing is standard error. A section
//! is written as
//!
//! ```text
//! {opt name
//! ...
//! opt}
//! ```
//!
//! and [`read`] takes a log apart again. Sections of different threads do not mix. Where nothing was asked for, a call of
//! [`wants`] is one load and everything else stays behind it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// What can be asked for.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Section { $($(#[$doc])* $name,)* }
        impl Section {
            pub const ALL: &[Section] = &[$(Section::$name),*];
            pub const fn name(self) -> &'static str {
                match self { $(Section::$name => $text,)* }
            }
            fn bit(self) -> u16 {
                1 << self as u8
            }
        }
    };
}
sections! {
    /// Traces as their producer made them.
    Noopt "noopt",
    /// Traces after the optimiser.
    Opt "opt",
    /// Traces after the vectoriser.
    Vec "vec",
    /// Machine code.
    Asm "asm",
    /// What was not compiled, and why.
    Abort "abort",
    /// Which loops of a program its host takes or declines.
    Region "region",
    /// What a recorder does.
    Trace "trace",
    /// Where compiled code was left.
    Exit "exit",
    /// At the end, how often what happened and how long it took.
    Stats "stats",
}

/// Sections that are wanted, or [`UNREAD`].
static WANTED: AtomicU16 = AtomicU16::new(UNREAD);
const UNREAD: u16 = 1 << 15;

static LOG: LazyLock<Mutex<Log>> = LazyLock::new(|| Mutex::new(Log::open()));

struct Log {
    wanted: u16,
    out: Box<dyn Write + Send>,
    counts: BTreeMap<String, u64>,
    times: BTreeMap<&'static str, Duration>,
}

/// Section names and file name, or the word that names no section.
fn parse(setting: &str) -> Result<(u16, &str), &str> {
    let (names, path) = setting.split_once(':').unwrap_or((setting, "-"));
    let mut wanted = 0;
    for name in names.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        wanted |= Section::ALL.iter().find(|s| s.name() == name).ok_or(name)?.bit();
    }
    Ok((wanted, path))
}

impl Log {
    fn open() -> Log {
        let setting = std::env::var("MICRONUMPY_LOG").unwrap_or_default();
        let (wanted, path) = parse(&setting).unwrap_or_else(|name| {
            let known: Vec<&str> = Section::ALL.iter().map(|s| s.name()).collect();
            eprintln!("MICRONUMPY_LOG: no section '{name}'; there are {}", known.join(", "));
            (0, "-")
        });
        let out: Box<dyn Write + Send> = match path {
            _ if wanted == 0 => Box::new(io::sink()),
            "" | "-" => Box::new(io::stderr()),
            path => match File::create(path) {
                Ok(file) => Box::new(file),
                Err(e) => {
                    eprintln!("MICRONUMPY_LOG: cannot write {path}: {e}");
                    Box::new(io::sink())
                }
            },
        };
        Log { wanted, out, counts: BTreeMap::new(), times: BTreeMap::new() }
    }
    fn section(&mut self, section: Section, name: &str, body: &str) {
        let tag = section.name();
        let end = if body.ends_with('\n') || body.is_empty() { "" } else { "\n" };
        let name = name.replace(['\n', '\r'], " ");
        // A log nobody can write must not stop the program.
        let _ = write!(self.out, "{{{tag} {name}\n{body}{end}{tag}}}\n").and_then(|()| self.out.flush());
    }
}

fn with(f: impl FnOnce(&mut Log)) {
    // A panic while somebody else was writing leaves at worst half a section.
    f(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Whether a section was asked for.
#[inline]
pub fn wants(section: Section) -> bool {
    let mut wanted = WANTED.load(Ordering::Relaxed);
    if wanted == UNREAD {
        with(|log| wanted = log.wanted);
        WANTED.store(wanted, Ordering::Relaxed);
    }
    wanted & section.bit() != 0
}

/// Writes a section if it was asked for.
pub fn write(section: Section, name: &str, body: &dyn Display) {
    if wants(section) {
        let body = body.to_string();
        with(|log| log.section(section, name, &body));
    }
}

/// Something happened, for the statistics.
pub fn count(what: &str) {
    if wants(Section::Stats) {
        with(|log| *log.counts.entry(what.to_string()).or_default() += 1);
    }
}

/// Runs a step; how long it takes is added up under its name, for the statistics.
pub fn timed<T>(step: &'static str, f: impl FnOnce() -> T) -> T {
    if !wants(Section::Stats) {
        return f();
    }
    let start = std::time::Instant::now();
    let result = f();
    let took = start.elapsed();
    with(|log| *log.times.entry(step).or_default() += took);
    result
}

/// Writes the statistics so far, if they were asked for; hosts call it when they end.
pub fn finish() {
    if wants(Section::Stats) {
        with(|log| {
            let counts = log.counts.iter().map(|(what, n)| format!("{n} {what}\n"));
            let times = log.times.iter().map(|(step, t)| format!("{:.1} us {step}\n", t.as_secs_f64() * 1e6));
            let body: String = counts.chain(times).collect();
            log.section(Section::Stats, "summary", &body);
        });
    }
}

/// A section read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    pub section: Section,
    pub name: &'a str,
    pub body: &'a str,
}

/// The sections of a log, in order. Text between sections, which other programs may have written, is skipped.
pub fn read(text: &str) -> Vec<Entry<'_>> {
    let mut entries = vec![];
    let mut open: Option<(Section, &str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (at, at + line.len());
        at = end;
        let line = line.trim_end();
        match open {
            Some((section, name, body)) if line.strip_suffix('}') == Some(section.name()) => {
                entries.push(Entry { section, name, body: &text[body..start] });
                open = None;
            }
            Some(_) => {}
            None => {
                let head = line.strip_prefix('{').map(|l| l.split_once(' ').unwrap_or((l, "")));
                let found = head.and_then(|(tag, name)| {
                    Section::ALL.iter().find(|s| s.name() == tag).map(|&section| (section, name, end))
                });
                open = found;
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        assert_eq!(parse("opt,asm:some/file"), Ok((Section::Opt.bit() | Section::Asm.bit(), "some/file")));
        assert_eq!(parse("stats"), Ok((Section::Stats.bit(), "-")));
        assert_eq!(parse(""), Ok((0, "-")));
        assert_eq!(parse("opt,frob"), Err("frob"));
    }

    #[test]
    fn sections_read_back() {
        #[derive(Clone, Default)]
        struct Shared(std::sync::Arc<Mutex<Vec<u8>>>);
        impl Write for Shared {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().expect("a test's own lock").extend(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let out = Shared::default();
        let mut log =
            Log { wanted: 0, out: Box::new(out.clone()), counts: BTreeMap::new(), times: BTreeMap::new() };
        log.section(Section::Opt, "first of all", "trace t() {\n}\n");
        log.out.write_all(b"noise\n}\n").expect("memory");
        log.section(Section::Abort, "second", "no reason");
        let text = String::from_utf8(out.0.lock().expect("a test's own lock").clone()).expect("text");
        let entry = |section, name, body| Entry { section, name, body };
        assert_eq!(
            read(&text),
            [
                entry(Section::Opt, "first of all", "trace t() {\n}\n"),
                entry(Section::Abort, "second", "no reason\n")
            ]
        );
    }
}
