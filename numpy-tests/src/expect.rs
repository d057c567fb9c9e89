//! Known deviations: `expect/*.toml`.
//!
//! ```toml
//! [[deviation]]
//! id = "numpy/_core/tests/test_x.py::TestY::test_z"   # or a prefix ending in *
//! kind = "xfail"                                      # or "skip", for crashes and hangs only
//! reason = "why this is so"
//! ```
//!
//! Both kinds count as not passing. A test that is expected to fail still runs, so that a pass is noticed.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Xfail,
    Skip,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    pub id: String,
    pub kind: Kind,
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// All deviations of a folder.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    exact: HashMap<String, Deviation>,
    prefixes: Vec<Deviation>,
}

impl Expect {
    pub fn load(dir: &Path) -> Result<Expect> {
        let mut expect = Expect::default();
        if !dir.is_dir() {
            return Ok(expect);
        }
        let mut paths: Vec<_> = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path)?;
            expect.add(&text).with_context(|| path.display().to_string())?;
        }
        Ok(expect)
    }

    fn add(&mut self, text: &str) -> Result<()> {
        for deviation in toml::from_str::<Table>(text)?.deviation {
            if deviation.reason.trim().is_empty() {
                bail!("{} has no reason", deviation.id);
            }
            match deviation.id.strip_suffix('*') {
                Some(prefix) => {
                    let id = prefix.to_string();
                    self.prefixes.push(Deviation { id, ..deviation });
                }
                None => {
                    if let Some(old) = self.exact.insert(deviation.id.clone(), deviation) {
                        bail!("{} is listed twice", old.id);
                    }
                }
            }
        }
        Ok(())
    }

    pub fn get(&self, id: &str) -> Option<&Deviation> {
        self.exact.get(id).or_else(|| self.prefixes.iter().find(|deviation| id.starts_with(&deviation.id)))
    }

    /// Tests of `ids` that must not be started, with the reason.
    pub fn skips<'a>(&self, ids: impl Iterator<Item = &'a str>) -> HashMap<String, String> {
        let skips = ids.filter_map(|id| {
            let deviation = self.get(id).filter(|deviation| deviation.kind == Kind::Skip)?;
            Some((id.to_string(), deviation.reason.clone()))
        });
        skips.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_and_prefix() {
        let mut expect = Expect::default();
        expect
            .add(
                "[[deviation]]\nid = \"f.py::a\"\nkind = \"skip\"\nreason = \"hangs\"\n\
                 [[deviation]]\nid = \"f.py::B*\"\nkind = \"xfail\"\nreason = \"differs\"\n",
            )
            .unwrap();
        assert_eq!(expect.get("f.py::Bx[1]").unwrap().kind, Kind::Xfail);
        assert!(expect.get("f.py::ab").is_none());
        let skips = expect.skips(["f.py::a", "f.py::Bx"].into_iter());
        assert_eq!(skips, HashMap::from([("f.py::a".to_string(), "hangs".to_string())]));
    }

    #[test]
    fn a_deviation_needs_a_reason_and_a_known_kind() {
        let with = |kind: &str, reason: &str| {
            let text = format!("[[deviation]]\nid = \"x\"\nkind = \"{kind}\"\nreason = \"{reason}\"\n");
            Expect::default().add(&text)
        };
        assert!(with("skip", " ").is_err());
        assert!(with("ignore", "r").is_err());
        assert!(with("xfail", "r").is_ok());
    }
}
