//! What a name means in a function: CPython has decided it already, its code objects say so.

use std::collections::{HashMap, HashSet};

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use super::tree::{Name, Names};

/// `CO_GENERATOR`, `CO_COROUTINE` and `CO_ASYNC_GENERATOR`.
const SUSPENDS: u32 = 0x20 | 0x80 | 0x200;

/// Where a variable lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Among the fast locals, at this index of `co_varnames`.
    Local(u32),
    /// In a cell, shared with another function.
    Cell,
    Global,
}

/// A scope whose loops may become regions.
pub struct Scope<'py> {
    /// The code object CPython compiled without us.
    pub code: Bound<'py, PyAny>,
    pub module: bool,
    /// The class whose private names are meant here, leading underscores stripped.
    pub class: Option<String>,
    /// Whether a call of the function runs its body, with variables of its own.
    pub is_plain: bool,
    /// By mangled name.
    variables: HashMap<String, Place>,
}

impl<'py> Scope<'py> {
    /// The scope of a module.
    pub fn module(code: &Bound<'py, PyAny>) -> Scope<'py> {
        Scope { code: code.clone(), module: true, class: None, is_plain: false, variables: HashMap::new() }
    }

    /// # Errors
    /// `code` is not a code object.
    pub fn function(code: &Bound<'py, PyAny>, class: Option<String>) -> PyResult<Scope<'py>> {
        let py = code.py();
        let strings = |field| -> PyResult<Vec<String>> { code.getattr(field)?.extract() };
        let mut variables = HashMap::new();
        for (index, name) in strings(pyo3::intern!(py, "co_varnames"))?.into_iter().enumerate() {
            variables.insert(name, Place::Local(index as u32));
        }
        // A parameter that is shared is among both.
        for name in strings(pyo3::intern!(py, "co_cellvars"))?
            .into_iter()
            .chain(strings(pyo3::intern!(py, "co_freevars"))?)
        {
            variables.insert(name, Place::Cell);
        }
        let flags: u32 = code.getattr(pyo3::intern!(py, "co_flags"))?.extract()?;
        let is_plain = flags & SUSPENDS == 0 && strings(pyo3::intern!(py, "co_cellvars"))?.is_empty();
        Ok(Scope { code: code.clone(), module: false, class, is_plain, variables })
    }

    pub fn place(&self, mangled: &str) -> Place {
        self.variables.get(mangled).copied().unwrap_or(Place::Global)
    }

    /// The name as code objects have it: `__private` in a class `C` is `_C__private`.
    pub fn mangle(&self, name: &str) -> String {
        match &self.class {
            Some(class) if name.starts_with("__") && !name.ends_with("__") && !name.contains('.') => {
                format!("_{class}{name}")
            }
            _ => name.to_owned(),
        }
    }

    /// The code objects of functions and classes that this scope's own code object makes.
    ///
    /// # Errors
    /// `code` is not a code object.
    pub fn children(&self, names: &mut Names) -> PyResult<Children<'py>> {
        Children::of(&self.code, names)
    }
}

/// The name that private names in a class are made with; `None` if they stay as they are.
pub fn mangler(class: &str) -> Option<String> {
    let stripped = class.trim_start_matches('_');
    (!stripped.is_empty()).then(|| stripped.to_owned())
}

/// Code objects among the constants of another one, by name and first line.
pub struct Children<'py> {
    codes: HashMap<(Name, u32), Bound<'py, PyAny>>,
    /// Two of the same name on the same line can't be told apart.
    twice: HashSet<(Name, u32)>,
}

impl<'py> Children<'py> {
    pub fn of(code: &Bound<'py, PyAny>, names: &mut Names) -> PyResult<Children<'py>> {
        let py = code.py();
        let mut children = Children { codes: HashMap::new(), twice: HashSet::new() };
        for constant in code.getattr(pyo3::intern!(py, "co_consts"))?.cast_into::<PyTuple>()?.iter() {
            let Ok(name) = constant.getattr(pyo3::intern!(py, "co_name")) else { continue };
            let name = names.intern(name.cast_into::<PyString>()?.to_str()?);
            let line: u32 = constant.getattr(pyo3::intern!(py, "co_firstlineno"))?.extract()?;
            if children.codes.insert((name, line), constant).is_some() {
                children.twice.insert((name, line));
            }
        }
        Ok(children)
    }

    pub fn get(&self, name: Name, first_line: u32) -> Option<&Bound<'py, PyAny>> {
        let key = (name, first_line);
        if self.twice.contains(&key) { None } else { self.codes.get(&key) }
    }
}
