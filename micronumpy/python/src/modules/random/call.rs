//! Argument parsing in the words of upstream's random modules, which are not those of its other modules.

use std::sync::OnceLock;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::Arg;
use crate::ffi::Args;

/// A parsed signature.
pub struct Signature {
    name: &'static str,
    text: &'static str,
    parsed: OnceLock<Parsed>,
}

struct Parsed {
    params: Vec<&'static str>,
    required: usize,
    maxpos: usize,
}

impl Signature {
    /// `text` lists the parameters as Python does, required ones first; `*` ends the positional ones.
    pub const fn new(name: &'static str, text: &'static str) -> Signature {
        Signature { name, text, parsed: OnceLock::new() }
    }

    fn get(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let mut parsed = Parsed { params: vec![], required: 0, maxpos: usize::MAX };
            for item in self.text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
                match item.split_once('=') {
                    None if item == "*" => parsed.maxpos = parsed.params.len(),
                    Some((name, _)) => parsed.params.push(name),
                    None => {
                        parsed.params.push(item);
                        parsed.required = parsed.params.len();
                    }
                }
            }
            parsed.maxpos = parsed.maxpos.min(parsed.params.len());
            parsed
        })
    }

    fn wrong_count(&self, given: usize) -> PyErr {
        let p = self.get();
        let (bound, count) = if p.required == p.maxpos {
            ("exactly", p.maxpos)
        } else if given > p.maxpos {
            ("at most", p.maxpos)
        } else {
            ("at least", p.required)
        };
        let plural = if count == 1 { "" } else { "s" };
        PyTypeError::new_err(format!(
            "{}() takes {bound} {count} positional argument{plural} ({given} given)",
            self.name
        ))
    }

    /// Match arguments with the signature.
    pub fn parse<'py, const N: usize>(&self, args: Args<'_, 'py>) -> PyResult<[Arg<'py>; N]> {
        let p = self.get();
        debug_assert_eq!(p.params.len(), N, "{}", self.name);
        let mut out = [const { None }; N];
        if args.len() > p.maxpos {
            return Err(self.wrong_count(args.len()));
        }
        for (slot, value) in out.iter_mut().zip(args.positional()) {
            *slot = Some(value);
        }
        for (key, value) in args.keywords() {
            let key: String = key.extract()?;
            let Some(slot) = p.params.iter().position(|&n| n == key).and_then(|i| out.get_mut(i)) else {
                return Err(PyTypeError::new_err(format!(
                    "{}() got an unexpected keyword argument '{key}'",
                    self.name
                )));
            };
            if slot.replace(value).is_some() {
                return Err(PyTypeError::new_err(format!(
                    "{}() got multiple values for keyword argument '{key}'",
                    self.name
                )));
            }
        }
        if out[..p.required].iter().any(Option::is_none) {
            return Err(self.wrong_count(args.len()));
        }
        Ok(out)
    }
}

/// A method table row: `def!("beta", "a, b, size=None", beta)` with `beta(slf, [a, b, size])`. The text is also what
/// `inspect` shows; `hidden` keeps it from that, for defaults `inspect` could not read.
macro_rules! def {
    ($name:literal, $sig:literal, $body:path) => {
        pyo3::ffi::PyMethodDef {
            ml_doc: (if $sig.is_empty() {
                concat!($name, "($self)\n--\n\n\0")
            } else {
                concat!($name, "($self, ", $sig, ")\n--\n\n\0")
            })
            .as_ptr()
            .cast(),
            ..$crate::modules::random::call::def!(hidden $name, $sig, $body)
        }
    };
    (hidden $name:literal, $sig:literal, $body:path) => {{
        fn parsed<'py>(
            slf: &pyo3::Bound<'py, pyo3::PyAny>,
            args: $crate::ffi::Args<'_, 'py>,
        ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
            static SIGNATURE: $crate::modules::random::call::Signature =
                $crate::modules::random::call::Signature::new($name, $sig);
            $body(slf, SIGNATURE.parse(args)?)
        }
        pyo3::ffi::PyMethodDef {
            ml_name: concat!($name, "\0").as_ptr().cast(),
            ..$crate::fastcall!(c"", parsed)
        }
    }};
}
pub(crate) use def;
