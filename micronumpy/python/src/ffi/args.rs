//! Argument parsing with numpy's error texts.
//!
//! A [`Sig`] is written as the function's text signature, parsed once:
//! `static SIG: Sig = Sig::new("take(indices, /, axis=None, out=None, mode='raise')");`
//! `let [indices, axis, out, mode] = args.parse(&SIG)?;`
//! An argument not given is `None`; a given Python `None` is `Some(None object)`.

use std::sync::OnceLock;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

/// The arguments of one call, in vectorcall form.
#[derive(Clone, Copy)]
pub struct Args<'a, 'py> {
    pub py: Python<'py>,
    /// Positional, then keyword values.
    values: &'a [*mut ffi::PyObject],
    npos: usize,
    /// Tuple of keyword names, or null.
    kwnames: *mut ffi::PyObject,
}

struct Parsed {
    name: &'static str,
    params: Vec<&'static str>,
    posonly: usize,
    /// How many may be given by position.
    maxpos: usize,
    required: Vec<bool>,
}

/// A signature.
pub struct Sig {
    text: &'static str,
    parsed: OnceLock<Parsed>,
}

impl Sig {
    pub const fn new(text: &'static str) -> Sig {
        Sig { text, parsed: OnceLock::new() }
    }
    fn get(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let (name, rest) = self.text.split_once('(').expect("signature has parentheses");
            let inner = rest.strip_suffix(')').expect("signature ends with a parenthesis");
            let mut p = Parsed { name, params: vec![], posonly: 0, maxpos: usize::MAX, required: vec![] };
            for item in inner.split(',').map(str::trim).filter(|s| !s.is_empty()) {
                match item {
                    "/" => p.posonly = p.params.len(),
                    "*" => p.maxpos = p.params.len(),
                    _ => {
                        let (n, default) = match item.split_once('=') {
                            Some((n, _)) => (n, true),
                            None => (item, false),
                        };
                        p.params.push(n);
                        p.required.push(!default);
                    }
                }
            }
            p.maxpos = p.maxpos.min(p.params.len());
            p
        })
    }
}

/// A function's name as errors say it, or a word for it when it has none.
struct Called(&'static str, &'static str);

impl std::fmt::Display for Called {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { f.write_str(self.1) } else { write!(f, "{}()", self.0) }
    }
}

impl<'a, 'py> Args<'a, 'py> {
    /// # Safety
    /// The vectorcall protocol: `values` holds `nargs` positional values followed by one for each name in `kwnames`.
    pub unsafe fn from_vectorcall(
        py: Python<'py>,
        values: *const *mut ffi::PyObject,
        nargs: usize,
        kwnames: *mut ffi::PyObject,
    ) -> Args<'a, 'py> {
        // SAFETY: kwnames is a tuple or null; values is as long as promised.
        unsafe {
            let nkw = if kwnames.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(kwnames) as usize };
            let total = nargs + nkw;
            let values = if total == 0 { &[] } else { std::slice::from_raw_parts(values, total) };
            Args { py, values, npos: nargs, kwnames }
        }
    }
    /// Number of positional arguments.
    pub fn len(&self) -> usize {
        self.npos
    }
    pub fn is_empty(&self) -> bool {
        self.npos == 0
    }
    pub fn has_keywords(&self) -> bool {
        self.values.len() > self.npos
    }
    /// Positional argument `i`.
    pub fn get(&self, i: usize) -> Option<Bound<'py, PyAny>> {
        // SAFETY: the caller of the function keeps its arguments alive.
        self.values[..self.npos].get(i).map(|&p| unsafe { Bound::from_borrowed_ptr(self.py, p) })
    }
    pub fn positional(&self) -> impl Iterator<Item = Bound<'py, PyAny>> + '_ {
        // SAFETY: as above.
        self.values[..self.npos].iter().map(|&p| unsafe { Bound::from_borrowed_ptr(self.py, p) })
    }
    /// Keyword arguments as (name, value).
    pub fn keywords(&self) -> impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)> + '_ {
        (self.npos..self.values.len()).map(|i| {
            // SAFETY: kwnames is a tuple with one name for each keyword value.
            unsafe {
                let name = ffi::PyTuple_GET_ITEM(self.kwnames, (i - self.npos) as isize);
                (Bound::from_borrowed_ptr(self.py, name), Bound::from_borrowed_ptr(self.py, self.values[i]))
            }
        })
    }
    /// The value of one keyword.
    pub fn keyword(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        self.keywords().find(|(k, _)| k.extract::<&str>().is_ok_and(|s| s == name)).map(|(_, v)| v)
    }

    /// Match the arguments with a signature of `N` parameters.
    ///
    /// # Errors
    /// `TypeError` in numpy's words.
    pub fn parse<const N: usize>(&self, sig: &Sig) -> PyResult<[Option<Bound<'py, PyAny>>; N]> {
        let p = sig.get();
        debug_assert_eq!(p.params.len(), N, "{}", p.name);
        let mut out: [Option<Bound<'py, PyAny>>; N] = [const { None }; N];
        if self.npos > p.maxpos {
            let required = p.required[..p.maxpos].iter().filter(|&&r| r).count();
            return Err(PyTypeError::new_err(if required == p.maxpos {
                let verb = if self.npos == 1 { "was" } else { "were" };
                format!("{}() takes {} positional arguments but {} {verb} given", p.name, p.maxpos, self.npos)
            } else {
                format!(
                    "{}() takes from {} to {} positional arguments but {} were given",
                    p.name, required, p.maxpos, self.npos
                )
            }));
        }
        for (slot, value) in out.iter_mut().zip(self.positional()) {
            *slot = Some(value);
        }
        for (key, value) in self.keywords() {
            let key: &str = key.extract()?;
            let Some(i) = p.params.iter().position(|&n| n == key).filter(|&i| i >= p.posonly) else {
                return Err(PyTypeError::new_err(format!(
                    "{}() got an unexpected keyword argument '{key}'",
                    p.name
                )));
            };
            if out[i].is_some() {
                return Err(PyTypeError::new_err(format!(
                    "argument for {}() given by name ('{key}') and position (position {i})",
                    p.name
                )));
            }
            out[i] = Some(value);
        }
        for (i, required) in p.required.iter().enumerate() {
            if *required && out[i].is_none() && i < p.posonly {
                return Err(PyTypeError::new_err(format!(
                    "{}() missing required positional argument {i}",
                    p.name
                )));
            }
            if *required && out[i].is_none() {
                return Err(PyTypeError::new_err(format!(
                    "{}() missing required argument '{}' (pos {i})",
                    p.name, p.params[i]
                )));
            }
        }
        Ok(out)
    }

    /// Match the arguments as `PyArg_ParseTupleAndKeywords` does, with CPython's error texts: for functions upstream
    /// defines with `METH_VARARGS`. An empty name in the signature stands for a function that does not say its name.
    ///
    /// # Errors
    /// `TypeError`.
    pub fn parse_c<const N: usize>(&self, sig: &Sig) -> PyResult<[Option<Bound<'py, PyAny>>; N]> {
        let p = sig.get();
        debug_assert_eq!(p.params.len(), N, "{}", p.name);
        let given = self.values.len();
        let (fname, this) = (Called(p.name, "function"), Called(p.name, "this function"));
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let required = p.required.iter().filter(|&&r| r).count();
        let mut out: [Option<Bound<'py, PyAny>>; N] = [const { None }; N];
        if p.posonly == N {
            // `PyArg_ParseTuple`
            if self.has_keywords() {
                return Err(PyTypeError::new_err(format!("{fname} takes no keyword arguments")));
            }
            if given < required || given > N {
                let how = match required == N {
                    true => "exactly",
                    false if given < required => "at least",
                    false => "at most",
                };
                let bound = if given < required { required } else { N };
                return Err(PyTypeError::new_err(format!(
                    "{fname} takes {how} {bound} argument{} ({given} given)",
                    plural(bound)
                )));
            }
        }
        if given > N {
            let keyword = if self.npos == 0 { "keyword " } else { "" };
            return Err(PyTypeError::new_err(format!(
                "{fname} takes at most {N} {keyword}argument{} ({given} given)",
                plural(N)
            )));
        }
        if self.npos > p.maxpos {
            let how = if required < p.maxpos { "at most" } else { "exactly" };
            return Err(PyTypeError::new_err(format!(
                "{fname} takes {how} {} positional argument{} ({} given)",
                p.maxpos,
                plural(p.maxpos),
                self.npos
            )));
        }
        for (slot, value) in out.iter_mut().zip(self.positional()) {
            *slot = Some(value);
        }
        let mut unknown = None;
        for (key, value) in self.keywords() {
            let name: &str = key.extract()?;
            match p.params.iter().position(|&n| n == name).filter(|&i| i >= p.posonly) {
                None => unknown = unknown.or(Some(name.to_string())),
                Some(i) if out[i].is_some() => {
                    return Err(PyTypeError::new_err(format!(
                        "argument for {fname} given by name ('{name}') and position ({})",
                        i + 1
                    )));
                }
                Some(i) => out[i] = Some(value),
            }
        }
        for (i, required) in p.required.iter().enumerate() {
            if *required && out[i].is_none() {
                return Err(PyTypeError::new_err(if i < p.posonly {
                    let n = p.required[..p.posonly].iter().filter(|&&r| r).count();
                    let how = if n < p.posonly { "at least" } else { "exactly" };
                    format!("{fname} takes {how} {n} positional argument{} ({} given)", plural(n), self.npos)
                } else {
                    format!("{fname} missing required argument '{}' (pos {})", p.params[i], i + 1)
                }));
            }
        }
        if let Some(name) = unknown {
            return Err(PyTypeError::new_err(format!("'{name}' is an invalid keyword argument for {this}")));
        }
        Ok(out)
    }

    /// All arguments as a tuple and a dict (null-free; an empty dict when there are no keywords), for forwarding.
    pub fn to_tuple_dict(
        &self,
    ) -> PyResult<(Bound<'py, pyo3::types::PyTuple>, Bound<'py, pyo3::types::PyDict>)> {
        let tuple = pyo3::types::PyTuple::new(self.py, self.positional().collect::<Vec<_>>())?;
        let dict = pyo3::types::PyDict::new(self.py);
        for (k, v) in self.keywords() {
            dict.set_item(k, v)?;
        }
        Ok((tuple, dict))
    }
}

/// Call `callable` with what a `tp_call`-style slot got, in vectorcall form: turn a tuple and an optional dict into
/// `Args` for `body`.
pub fn with_args<'py, R>(
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
    body: impl FnOnce(Args<'_, 'py>) -> PyResult<R>,
) -> PyResult<R> {
    let py = args.py();
    let tuple = args.cast::<pyo3::types::PyTuple>()?;
    let mut held: Vec<Bound<'py, PyAny>> = tuple.iter().collect();
    let npos = held.len();
    let mut names = vec![];
    if let Some(kw) = kwargs {
        for (k, v) in kw.cast::<pyo3::types::PyDict>()?.iter() {
            names.push(k);
            held.push(v);
        }
    }
    let kwnames = if names.is_empty() { None } else { Some(pyo3::types::PyTuple::new(py, names)?) };
    let raw: Vec<*mut ffi::PyObject> = held.iter().map(|b| b.as_ptr()).collect();
    // SAFETY: `held` and `kwnames` outlive the call and have the promised lengths.
    let parsed = unsafe {
        Args::from_vectorcall(
            py,
            raw.as_ptr(),
            npos,
            kwnames.as_ref().map_or(std::ptr::null_mut(), |t| t.as_ptr()),
        )
    };
    body(parsed)
}

/// Whether an optional argument is absent or `None`.
pub fn none_as_absent<'py>(arg: Option<Bound<'py, PyAny>>) -> Option<Bound<'py, PyAny>> {
    arg.filter(|a| !a.is_none())
}

/// `numpy._NoValue`
pub fn is_no_value(arg: &Bound<'_, PyAny>) -> PyResult<bool> {
    static NO_VALUE: OnceLock<Py<PyAny>> = OnceLock::new();
    if let Some(known) = NO_VALUE.get() {
        return Ok(known.as_ptr() == arg.as_ptr());
    }
    let found = super::import::cached(arg.py(), "numpy._globals", "_NoValue")?;
    Ok(NO_VALUE.get_or_init(|| found.unbind()).as_ptr() == arg.as_ptr())
}
