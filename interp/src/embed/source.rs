//! Where the syntax tree of a code object comes from.
//!
//! `compile()` remembers what it was given: the last few code objects are executed right afterwards, as a rule, and many of
//! them have no file (cells of a notebook, rewritten tests, input of the REPL). For the others, the file is read and
//! compiled, and must give the very same code object: what is on disk may have changed since.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::hook::compiler;

/// A source as it was compiled.
pub struct Source {
    /// Text, or a syntax tree.
    pub source: Py<PyAny>,
    pub mode: String,
    /// Of the compiler, those of `from __future__ import` in the caller included.
    pub flags: i32,
    pub optimize: i32,
    /// Whether it is surely what the code object was made from.
    pub certain: bool,
}

/// Remembered sources.
const REMEMBERED: usize = 8;

static RECENT: Mutex<Vec<(Py<PyAny>, Source)>> = Mutex::new(Vec::new());

/// Flags of `from __future__ import`, which code objects keep.
const FUTURE: i32 = 0x1fe_0000;
/// `PyCF_ONLY_AST`.
pub const ONLY_AST: i32 = 0x400;
/// Code that is not run but makes something that runs: with notebooks' flags, modules may await.
const SUSPENDS: i32 = 0x20 | 0x80 | 0x200;

/// What `compile()` was called with: source, file name, mode, flags, dont_inherit, optimize.
pub fn remember(code: &Bound<'_, PyAny>, source: &Bound<'_, PyAny>, mode: &str, flags: i32, optimize: i32) {
    let is_text = source.is_exact_instance_of::<PyString>() || source.is_exact_instance_of::<PyBytes>();
    if !has_lines(source, MODULE)
        || mode == "eval"
        || flags & ONLY_AST != 0
        || code_flags(code) & SUSPENDS != 0
    {
        return;
    }
    let flags = flags | code_flags(code) & FUTURE;
    let source =
        Source { source: source.clone().unbind(), mode: mode.to_owned(), flags, optimize, certain: is_text };
    let forgotten = {
        let Ok(mut recent) = RECENT.lock() else { return };
        recent.push((code.clone().unbind(), source));
        (recent.len() > REMEMBERED).then(|| recent.remove(0))
    };
    // Dropped after the lock: an object's end may run anything.
    drop(forgotten);
}

/// The source of a code object of a module; `None` if there is none, or none with loops.
///
/// # Errors
/// What goes wrong while looking.
pub fn find(
    code: &Bound<'_, PyAny>,
    file: &str,
    globals: Option<&Bound<'_, PyDict>>,
) -> PyResult<Option<Source>> {
    let py = code.py();
    let remembered = RECENT.lock().ok().and_then(|mut recent| {
        let index = recent.iter().rposition(|(known, _)| known.is(code))?;
        Some(recent.remove(index))
    });
    if let Some((_, source)) = remembered {
        return Ok(Some(source));
    }
    let text = match std::fs::read(file) {
        Ok(text) => PyBytes::new(py, &text).into_any(),
        Err(_) => match listed(py, file, globals)? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    if !has_lines(&text, MODULE) {
        return Ok(None);
    }
    Ok(Some(Source { certain: false, ..Source::of_text(&text, code) }))
}

/// From `linecache`, where programs register sources that are no files, and loaders of archives are asked.
fn listed<'py>(
    py: Python<'py>,
    file: &str,
    globals: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    // A program that has registered something has imported it.
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(linecache) = modules.get_item("linecache")? else { return Ok(None) };
    let lines: Vec<String> = linecache.call_method1("getlines", (file, globals))?.extract()?;
    Ok((!lines.is_empty()).then(|| PyString::new(py, &lines.concat()).into_any()))
}

fn code_flags(code: &Bound<'_, PyAny>) -> i32 {
    code.getattr("co_flags").and_then(|flags| flags.extract()).unwrap_or(0)
}

/// Words that begin the lines of what can be spliced into a text, and into a module, whose functions may be called from loops elsewhere.
pub const LOOPS: &[&str] = &["for", "while"];
pub const MODULE: &[&str] = &["for", "while", "def"];

/// Whether a line of a source begins with one of some words: without, nothing needs a look at its tree. A line inside a
/// string literal counts, and so does a syntax tree.
pub fn has_lines(source: &Bound<'_, PyAny>, words: &[&str]) -> bool {
    let begins = |line: &[u8]| {
        let line = line.trim_ascii_start();
        words.iter().any(|word| {
            line.strip_prefix(word.as_bytes())
                .is_some_and(|rest| rest.first().is_none_or(|&b| !b.is_ascii_alphanumeric() && b != b'_'))
        })
    };
    let text = match (source.cast::<PyBytes>(), source.cast::<PyString>()) {
        (Ok(bytes), _) => bytes.as_bytes(),
        (_, Ok(text)) => text.to_str().unwrap_or_default().as_bytes(),
        _ => return true,
    };
    text.split(|&b| b == b'\n' || b == b'\r').any(begins)
}

impl Source {
    /// A text that a code object is made from.
    pub fn of_text(text: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>) -> Source {
        let (mode, flags) = ("exec".to_owned(), code_flags(code) & FUTURE);
        Source { source: text.clone().unbind(), mode, flags, optimize: -1, certain: true }
    }

    /// The syntax tree: parsed, or the one that was compiled.
    ///
    /// # Errors
    /// What the parser says.
    pub fn tree<'py>(&self, py: Python<'py>, file: &str) -> PyResult<Bound<'py, PyAny>> {
        let source = self.source.bind(py);
        if source.hasattr("_fields")? {
            return Ok(source.clone());
        }
        self.compile_as(source, file, self.flags | ONLY_AST)
    }

    /// A code object of a tree, as the source's was made.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn compile<'py>(&self, tree: &Bound<'py, PyAny>, file: &str) -> PyResult<Bound<'py, PyAny>> {
        self.compile_as(tree, file, self.flags)
    }

    fn compile_as<'py>(
        &self,
        source: &Bound<'py, PyAny>,
        file: &str,
        flags: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        compiler(source.py())?.call1((source, file, &self.mode, flags, true, self.optimize))
    }
}

/// While it lives, warnings of the compiler are ignored: it has given them when the program was compiled.
pub struct Quiet<'py> {
    filters: Bound<'py, PyAny>,
    mutated: Bound<'py, PyAny>,
    filter: Bound<'py, PyAny>,
}

impl<'py> Quiet<'py> {
    /// # Errors
    /// Somebody has taken the warnings module apart.
    pub fn new(py: Python<'py>, action: &str) -> PyResult<Quiet<'py>> {
        let native = py.import("_warnings")?;
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
        let module = modules.get_item("warnings")?.unwrap_or_else(|| native.clone().into_any());
        let filters = module.getattr("filters")?;
        let mutated = native.getattr("_filters_mutated")?;
        let category = py.get_type::<pyo3::exceptions::PyWarning>();
        let filter = (action, py.None(), category, py.None(), 0).into_pyobject(py)?.into_any();
        filters.call_method1("insert", (0, &filter))?;
        mutated.call0()?;
        Ok(Quiet { filters, mutated, filter })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // Nobody else can have removed it: no Python code runs while the compiler does. An exception that is pending must
        // neither disturb this nor be disturbed.
        let pending = PyErr::take(self.filters.py());
        let _ = self.filters.call_method1("remove", (&self.filter,)).and_then(|_| self.mutated.call0());
        if let Some(pending) = pending {
            pending.restore(self.filters.py());
        }
    }
}
