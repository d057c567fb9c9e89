//! A recorded function: from arguments to the expression recorded for such arguments, and its results as objects.
//!
//! What makes two calls alike is decided by [`Look`], one per argument. Lengths and strides do not count: that is for
//! the function underneath to tell apart. Only functions that looked at a shape while they were recorded get one
//! recording per shape.

use std::cell::RefCell;
use std::ffi::CString;
use std::sync::{Arc, OnceLock};

use micronumpy::ufunc::Weak;
use micronumpy::{ArrayRef, Dims, Dtype};
use micronumpy_expr::{Arg, Function, Number, Options, Tier};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple, PyType};
use smallvec::SmallVec;

use super::expr::{self, PyExpr};
use crate::error::IntoPyResult;
use crate::objects::array::{self, alloc};
use crate::objects::handles::is_scalar;
use crate::objects::ufunc::errstate;
use crate::objects::{Array, dtype, scalar};

/// Recordings that are kept; the one used longest ago goes first.
const KEPT: usize = 64;

/// What counts about an argument.
enum Look {
    Array {
        dtype: Dtype,
        ndim: usize,
        single: u64,
        shape: Option<Dims>,
    },
    Number(Weak),
    /// Anything else, and numbers whose value the function asked for: the same object, or an equal one of its type.
    Is(Py<PyAny>),
}

/// An argument as it came.
enum Given<'py> {
    Array(Array<'py>),
    Number(Number),
    Other,
}

struct Recording {
    looks: SmallVec<[Look; 4]>,
    function: Arc<Function>,
    /// Arrays the function found elsewhere; inputs that follow the arguments.
    captured: Vec<Py<PyAny>>,
    /// What every call warns of: class and text.
    warnings: Vec<(Py<PyType>, CString)>,
    /// How the results are put together; `None`: there is one, and it is returned as it is.
    structure: Option<Py<PyAny>>,
    /// For `explain`.
    signature: String,
}

/// A function made by `micronumpy.fuse`, without its Python clothes.
#[pyclass(module = "micronumpy", unsendable)]
pub struct Fused {
    /// Records the function for given arguments.
    trace: Py<PyAny>,
    assemble: Py<PyAny>,
    recordings: RefCell<Vec<Arc<Recording>>>,
}

impl<'py> Given<'py> {
    fn of(obj: &Bound<'py, PyAny>) -> PyResult<Given<'py>> {
        if let Some(arr) = Array::cast(obj) {
            return Ok(if arr.is_exact() { Given::Array(arr) } else { Given::Other });
        }
        if is_scalar(obj) {
            return Ok(Given::Array(scalar::value::to_array(obj)?));
        }
        Ok(expr::number(obj)?.map_or(Given::Other, Given::Number))
    }
}

/// Axes of length one, which broadcast.
fn single(shape: &[isize]) -> u64 {
    shape.iter().enumerate().fold(0, |bits, (i, &n)| bits | u64::from(n == 1) << (i & 63))
}

impl Look {
    fn matches(&self, py: Python<'_>, obj: &Bound<'_, PyAny>, given: &Given<'_>) -> PyResult<bool> {
        Ok(match (self, given) {
            (Look::Array { dtype, ndim, single: bits, shape }, Given::Array(arr)) => {
                let now = arr.shape();
                now.len() == *ndim
                    && *bits == single(now)
                    && shape.as_ref().is_none_or(|s| s[..] == *now)
                    && dtype == arr.dtype()
            }
            (Look::Number(weak), Given::Number(n)) => *weak == n.kind(),
            (Look::Is(known), _) => {
                let known = known.bind(py);
                known.is(obj) || known.get_type().is(obj.get_type()) && known.eq(obj).unwrap_or(false)
            }
            _ => false,
        })
    }
    fn text(&self, py: Python<'_>) -> String {
        match self {
            Look::Array { dtype, ndim, shape, .. } => {
                let name = dtype::descr_of(py, dtype).and_then(|d| Ok(d.0.str()?.to_string()));
                let name = name.unwrap_or_else(|_| "?".into());
                match shape {
                    Some(shape) => format!("{name}{:?}", &shape[..]),
                    None => format!("{name}[{}]", vec![":"; *ndim].join(", ")),
                }
            }
            Look::Number(Weak::Int) => "int".into(),
            Look::Number(Weak::Float) => "float".into(),
            Look::Number(Weak::Complex) => "complex".into(),
            Look::Is(obj) => obj.bind(py).repr().map_or_else(|_| "?".into(), |r| r.to_string()),
        }
    }
}

#[pymethods]
impl Fused {
    #[new]
    fn new(trace: Py<PyAny>, assemble: Py<PyAny>) -> Fused {
        Fused { trace, assemble, recordings: RefCell::default() }
    }

    /// Run the function.
    #[pyo3(signature = (*args))]
    fn call<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let objects: SmallVec<[Bound<'py, PyAny>; 4]> = args.iter().collect();
        let mut given: SmallVec<[Given<'py>; 4]> = SmallVec::new();
        for obj in &objects {
            given.push(Given::of(obj)?);
        }
        let recording = match self.find(py, &objects, &given)? {
            Some(found) => found,
            None => self.record(args, &objects, &given)?,
        };
        self.run(py, &recording, &given)
    }

    /// What was fused and what not, per signature.
    fn explain(&self, code: bool) -> String {
        let recordings = self.recordings.borrow();
        if recordings.is_empty() {
            return "not called yet".into();
        }
        let part = |r: &Arc<Recording>| format!("({})\n{}", r.signature, r.function.explain(code));
        recordings.iter().map(part).collect::<Vec<_>>().join("\n")
    }
}

impl Fused {
    fn find(
        &self,
        py: Python<'_>,
        objects: &[Bound<'_, PyAny>],
        given: &[Given<'_>],
    ) -> PyResult<Option<Arc<Recording>>> {
        // Comparing may run Python code, which may call this function: nothing stays borrowed.
        let mut i = 0;
        loop {
            let Some(candidate) = self.recordings.borrow().get(i).cloned() else { return Ok(None) };
            if candidate.looks.len() == objects.len() {
                let mut all = true;
                for ((look, obj), g) in candidate.looks.iter().zip(objects).zip(given) {
                    if !look.matches(py, obj, g)? {
                        all = false;
                        break;
                    }
                }
                if all {
                    return Ok(Some(candidate));
                }
            }
            i += 1;
        }
    }

    fn record<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        objects: &[Bound<'py, PyAny>],
        given: &[Given<'py>],
    ) -> PyResult<Arc<Recording>> {
        let py = args.py();
        let found = self.trace.bind(py).call1((args,))?;
        let (outputs, structure, captured, fixed, uses_shape, warnings): (
            Vec<PyRef<'_, PyExpr>>,
            Bound<'py, PyAny>,
            Vec<Py<PyAny>>,
            Vec<usize>,
            bool,
            Vec<(Bound<'py, PyType>, String)>,
        ) = found.extract()?;
        let roots: Vec<_> = outputs.iter().map(|e| e.get().clone()).collect();
        let function = Arc::new(Function::new(&roots).py(py)?);
        let looks: SmallVec<[Look; 4]> = objects
            .iter()
            .zip(given)
            .enumerate()
            .map(|(i, (obj, g))| match g {
                _ if fixed.contains(&i) => Look::Is(obj.clone().unbind()),
                Given::Array(arr) => Look::Array {
                    dtype: arr.dtype().clone(),
                    ndim: arr.ndim(),
                    single: single(arr.shape()),
                    shape: uses_shape.then(|| Dims::from_slice(arr.shape())),
                },
                Given::Number(n) => Look::Number(n.kind()),
                Given::Other => Look::Is(obj.clone().unbind()),
            })
            .collect();
        let signature = looks.iter().map(|l| l.text(py)).collect::<Vec<_>>().join(", ");
        // A lone result is the number 0.
        let structure = if structure.extract::<usize>().is_ok() { None } else { Some(structure.unbind()) };
        let warnings = warnings
            .into_iter()
            .map(|(class, text)| Ok((class.unbind(), CString::new(text)?)))
            .collect::<PyResult<_>>()?;
        let recording = Arc::new(Recording { looks, function, captured, warnings, structure, signature });
        let mut all = self.recordings.borrow_mut();
        if all.len() >= KEPT {
            all.pop();
        }
        all.insert(0, recording.clone());
        Ok(recording)
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        recording: &Recording,
        given: &[Given<'py>],
    ) -> PyResult<Bound<'py, PyAny>> {
        let captured: SmallVec<[Array<'py>; 2]> =
            recording.captured.iter().filter_map(|o| Array::cast(o.bind(py))).collect();
        let nothing = Dtype::bool();
        let mut args: SmallVec<[Arg<'_>; 8]> = SmallVec::new();
        for g in given {
            args.push(match g {
                Given::Array(arr) => Arg::Array(arr.view()),
                Given::Number(n) => Arg::Number(*n),
                // Not mentioned by the expression; something has to hold its place.
                Given::Other => Arg::Array(placeholder(&nothing)),
            });
        }
        args.extend(captured.iter().map(|arr| Arg::Array(arr.view())));
        // Arguments after the last one that is mentioned are none of the expression's.
        args.truncate(recording.function.arguments());
        let options = Options { tier: tier(), bufsize: errstate::bufsize(py)?, ..Options::default() };
        let (arrays, status) = recording.function.call(&args, &options).py(py)?;
        for (class, text) in &recording.warnings {
            PyErr::warn(py, class.bind(py), text, 1)?;
        }
        for (name, flags) in &status.raised {
            errstate::report(py, name, *flags)?;
        }
        let mut results: SmallVec<[Bound<'py, PyAny>; 1]> = SmallVec::new();
        for arr in arrays {
            results.push(object(py, arr)?);
        }
        match &recording.structure {
            None => results.pop().ok_or_else(|| PyRuntimeError::new_err("a function without a result")),
            Some(structure) => self.assemble.bind(py).call1((structure.bind(py), PyList::new(py, results)?)),
        }
    }
}

/// How to run: as it pays, unless `MICRONUMPY_FUSE` says `blocks` (never compile) or `compiled` (always).
fn tier() -> Tier {
    static TIER: OnceLock<Tier> = OnceLock::new();
    *TIER.get_or_init(|| match std::env::var("MICRONUMPY_FUSE").as_deref() {
        Ok("blocks") => Tier::Blocks,
        Ok("compiled") => Tier::Compiled,
        _ => Tier::Auto,
    })
}

/// A single element nobody reads.
fn placeholder(dtype: &Dtype) -> ArrayRef<'_> {
    static ELEMENT: u8 = 0;
    // SAFETY: one readable byte, which is what a bool takes; arguments are not written to.
    unsafe { ArrayRef::new((&raw const ELEMENT).cast_mut(), &[], &[], dtype) }
}

/// A result as ufuncs return it: an array, or a scalar if it has no dimensions.
fn object<'py>(py: Python<'py>, arr: micronumpy::NdArray) -> PyResult<Bound<'py, PyAny>> {
    array::unwrap_0d(alloc::from_owned(py, arr)?)
}
