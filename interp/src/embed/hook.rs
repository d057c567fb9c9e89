//! Code is exchanged where it is executed.
//!
//! Every module-level code object that is not the main program passes through `builtins.exec`: importlib, runpy, test runners, notebooks,
//! doctest and the REPLs written in Python call it. Our `exec` executes what [`super::splice`] makes of the code; `compile` remembers what
//! it was given and answers the untouched code object, so that nothing of ours gets into a `.pyc` file. Both are builtins without a frame,
//! as the originals are: what depends on the caller's frame is the same.
//!
//! Whatever goes wrong here, the program runs as CPython compiled it.

use std::ffi::CStr;
use std::ptr::null_mut;

use ::jit::log::{self, Section};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyCode, PyDict, PyFunction, PyString, PyTuple};

use super::source::{self, ONLY_AST, Quiet, Source};
use super::splice::{is_code, is_spliced, key, transform};
use super::{entry, program, settings, watch};
use crate::frontend::Options;

/// The file name of what comes from there.
pub(super) const STDIN: &str = "<stdin>";

static EXEC: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static COMPILE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
/// The standard library's directory, with a slash.
static STDLIB: PyOnceLock<String> = PyOnceLock::new();

/// Replaces the builtins, once per process, unless `MICRONUMPY_VM=off`.
///
/// # Errors
/// What stands in the way.
pub fn install(py: Python<'_>) -> PyResult<()> {
    if !settings::get().vm || EXEC.get(py).is_some() {
        return Ok(());
    }
    entry::install(py)?;
    if log::wants(Section::Stats) {
        // SAFETY: the function may run at any time.
        unsafe { libc::atexit(write_statistics) };
    }
    let builtins = py.import("builtins")?;
    let sys = py.import("sys")?;
    let stdlib: String = sys.getattr("_stdlib_dir").and_then(|dir| dir.extract()).unwrap_or_default();
    let _ = STDLIB.set(py, format!("{stdlib}/"));
    for (name, original, definition) in [("exec", &EXEC, &EXEC_DEF), ("compile", &COMPILE, &COMPILE_DEF)] {
        let _ = original.set(py, builtins.getattr(name)?.unbind());
        let module = PyString::intern(py, "builtins");
        // SAFETY: attached; the definition is a static that CPython only reads.
        let ours = unsafe {
            let def = (&raw const definition.0).cast_mut();
            Bound::from_owned_ptr_or_err(py, ffi::PyCFunction_NewEx(def, builtins.as_ptr(), module.as_ptr()))?
        };
        builtins.setattr(name, ours)?;
    }
    program::install(py)
}

extern "C" fn write_statistics() {
    log::finish();
}

/// CPython's own `compile`.
///
/// # Errors
/// There is none.
pub fn compiler(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    COMPILE
        .get_or_try_init(py, || Ok(py.import("builtins")?.getattr("compile")?.unbind()))
        .map(|compile| compile.bind(py).clone())
}

struct Definition(ffi::PyMethodDef);
// SAFETY: never written, and its pointers are to constants.
unsafe impl Sync for Definition {}

type Function = unsafe extern "C" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    ffi::Py_ssize_t,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;

impl Definition {
    const fn new(name: &'static CStr, function: Function, doc: &'static CStr) -> Definition {
        Definition(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr(),
        })
    }
}

static EXEC_DEF: Definition = Definition::new(
    c"exec",
    exec,
    c"exec($module, source, globals=None, locals=None, /, *, closure=None)\n--\n\nExecute a source or a code object in the given namespaces.",
);
static COMPILE_DEF: Definition = Definition::new(
    c"compile",
    compile,
    c"compile($module, /, source, filename, mode, flags=0,\n        dont_inherit=False, optimize=-1, *, _feature_version=-1)\n--\n\nCompile a source into a code object that exec() or eval() can run.",
);

/// Runs something of ours that must not fail: an error or a panic is logged, and the program goes on without it.
pub(super) fn attempt<T>(what: &str, f: impl FnOnce() -> PyResult<Option<T>>) -> Option<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => {
            log::write(Section::Region, what, &error);
            log::count("code objects left alone for an error");
            None
        }
        Err(_) => {
            log::write(Section::Region, what, &"a panic");
            None
        }
    }
}

unsafe extern "C" fn exec(
    _: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this attached, with `count` arguments and one more for each name.
    unsafe {
        let py = Python::assume_attached();
        let Some(original) = EXEC.get(py) else { return null_mut() };
        let named = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
        let args = std::slice::from_raw_parts(args, (count + named) as usize);
        if count >= 1 {
            let code = Bound::ref_from_ptr(py, &args[0]);
            let globals =
                if count >= 2 { Bound::ref_from_ptr(py, &args[1]).cast::<PyDict>().ok() } else { None };
            if let Some(new) = log::timed("replacing code", || attempt("exec", || replacement(code, globals)))
            {
                let mut args = args.to_vec();
                args[0] = new.as_ptr();
                return ffi::PyObject_Vectorcall(original.as_ptr(), args.as_ptr(), count as usize, names);
            }
        }
        ffi::PyObject_Vectorcall(original.as_ptr(), args.as_ptr(), count as usize, names)
    }
}

unsafe extern "C" fn compile(
    _: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this attached, with `count` arguments and one more for each name.
    unsafe {
        let py = Python::assume_attached();
        let Some(original) = COMPILE.get(py) else { return null_mut() };
        let result = ffi::PyObject_Vectorcall(original.as_ptr(), args, count as usize, names);
        if !result.is_null() {
            let code = Bound::ref_from_ptr(py, &result);
            let named = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
            let args = std::slice::from_raw_parts(args, (count + named) as usize);
            let argument = |index: usize, name: &str| -> Option<&Bound<'_, PyAny>> {
                if index < count as usize {
                    return Some(Bound::ref_from_ptr(py, &args[index]));
                }
                if names.is_null() {
                    return None;
                }
                let names = Bound::ref_from_ptr(py, &names).cast::<PyTuple>().ok()?;
                let place = names
                    .iter()
                    .position(|n| n.cast::<PyString>().is_ok_and(|n| n.to_str().is_ok_and(|n| n == name)))?;
                Some(Bound::ref_from_ptr(py, &args[count as usize + place]))
            };
            attempt("compile", || remember(code, argument).map(Some));
        }
        result
    }
}

fn remember<'a, 'py: 'a>(
    code: &Bound<'py, PyAny>,
    argument: impl Fn(usize, &str) -> Option<&'a Bound<'py, PyAny>>,
) -> PyResult<()> {
    let (Some(source), Some(file), Some(mode)) =
        (argument(0, "source"), argument(1, "filename"), argument(2, "mode"))
    else {
        return Ok(());
    };
    let is_source = source.is_exact_instance_of::<PyString>()
        || source.is_exact_instance_of::<PyBytes>()
        || source.hasattr("_fields")?;
    let file = file.cast::<PyString>().ok().and_then(|file| file.to_str().ok());
    if !is_source || !is_code(code) || file.is_some_and(|file| is_left_alone(code.py(), file)) {
        return Ok(());
    }
    let number =
        |index, name, default: i32| argument(index, name).map_or(Ok(default), |value| value.extract());
    source::remember(code, source, mode.extract()?, number(3, "flags", 0)?, number(5, "optimize", -1)?);
    Ok(())
}

/// Whether code of a file is run as it is: the standard library and installed packages.
fn is_left_alone(py: Python<'_>, file: &str) -> bool {
    if file.starts_with("<frozen ") {
        return true;
    }
    !settings::get().all
        && (STDLIB.get(py).is_some_and(|dir| file.starts_with(dir))
            || file.contains("/site-packages/")
            || file.contains("/dist-packages/"))
}

/// Ours, and numpy's Python layer: never touched.
fn is_ours(globals: Option<&Bound<'_, PyDict>>) -> bool {
    let Some(name) = globals.and_then(|globals| globals.get_item("__name__").ok().flatten()) else {
        return false;
    };
    let Ok(name) = name.cast_into::<PyString>() else { return false };
    name.to_str().is_ok_and(|name| matches!(name.split('.').next(), Some("numpy" | "micronumpy")))
}

/// What to execute in the place of `code`; `None` to execute it as it is.
fn replacement<'py>(
    code: &Bound<'py, PyAny>,
    globals: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = code.py();
    if is_ours(globals) || watch::being_watched(py) {
        return Ok(None);
    }
    if is_code(code) {
        return of_code(code, globals);
    }
    let is_text = code.is_exact_instance_of::<PyString>() || code.is_exact_instance_of::<PyBytes>();
    if is_text { of_text(code, "<string>", true) } else { Ok(None) }
}

fn of_code<'py>(
    code: &Bound<'py, PyAny>,
    globals: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = code.py();
    let file: String = code.getattr(pyo3::intern!(py, "co_filename"))?.extract()?;
    if is_left_alone(py, &file) || !code.getattr(pyo3::intern!(py, "co_name"))?.eq("<module>")? {
        return Ok(None);
    }
    let Some(source) = source::find(code, &file, globals)? else { return Ok(None) };
    let _quiet = Quiet::new(py, "ignore")?;
    let tree = source.tree(py, &file)?;
    if source.certain {
        return splice(&tree, code, &source, &file);
    }
    let plain = source.compile(&tree, &file)?;
    splice(&tree, &plain, &source, &file)?.map(|new| graft(code, &plain, &new)).transpose()
}

/// A code object with those parts of a spliced one whose plain form is the same: all of it, as a rule, but a test runner may
/// have rewritten some functions, or the file may have changed since.
fn graft<'py>(
    actual: &Bound<'py, PyAny>,
    plain: &Bound<'py, PyAny>,
    spliced: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    if actual.eq(plain)? {
        return Ok(spliced.clone());
    }
    let py = actual.py();
    let only = |code: &Bound<'py, PyAny>, wanted: &(String, u32)| -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut same =
            consts(code)?.iter().filter(is_code).filter(|c| key(c).is_ok_and(|key| key == *wanted));
        let first = same.next();
        Ok(first.filter(|_| same.next().is_none()))
    };
    let mut changed = false;
    let mut new = Vec::new();
    for constant in consts(actual)?.iter() {
        let grafted = if is_code(&constant) {
            let wanted = key(&constant)?;
            match (only(plain, &wanted)?, only(spliced, &wanted)?) {
                (Some(plain), Some(spliced)) => graft(&constant, &plain, &spliced)?,
                _ => constant.clone(),
            }
        } else {
            constant.clone()
        };
        changed |= !grafted.is(&constant);
        new.push(grafted);
    }
    if !changed {
        return Ok(actual.clone());
    }
    let keywords = PyDict::new(py);
    keywords.set_item("co_consts", PyTuple::new(py, new)?)?;
    actual.call_method("replace", (), Some(&keywords))
}

fn splice<'py>(
    tree: &Bound<'py, PyAny>,
    plain: &Bound<'py, PyAny>,
    source: &Source,
    file: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let options = Options {
        file: file.to_owned(),
        optimised: is_optimised(plain.py(), source.optimize)?,
        interactive: source.mode == "single",
    };
    transform(tree, plain, &options, |tree| source.compile(tree, file))
}

fn is_optimised(py: Python<'_>, level: i32) -> PyResult<bool> {
    if level >= 0 {
        return Ok(level > 0);
    }
    Ok(py.import("sys")?.getattr("flags")?.getattr("optimize")?.extract::<i32>()? > 0)
}

/// The code of a statement that was typed at the prompt; `None` if it was not made of this text.
pub(super) fn of_prompt<'py>(
    text: &Bound<'py, PyAny>,
    code: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = text.py();
    if !source::has_lines(text, source::MODULE) {
        return Ok(None);
    }
    let source = Source { mode: "single".to_owned(), ..Source::of_text(text, code) };
    let _quiet = Quiet::new(py, "ignore")?;
    let tree = source.tree(py, STDIN)?;
    let plain = source.compile(&tree, STDIN)?;
    if plain.eq(code)? { splice(&tree, &plain, &source, STDIN) } else { Ok(None) }
}

/// The code of a text that nobody has compiled yet. The warnings of its compilation are given once, here.
///
/// # Errors
/// What the compiler says.
pub(super) fn of_text<'py>(
    text: &Bound<'py, PyAny>,
    file: &str,
    inherit: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = text.py();
    if !source::has_lines(text, if inherit { source::LOOPS } else { source::MODULE }) {
        return Ok(None);
    }
    let compile = compiler(py)?;
    let parse = |action| {
        let _quiet = Quiet::new(py, action)?;
        let tree = compile.call1((text, file, "exec", ONLY_AST, !inherit))?;
        let code = compile.call1((&tree, file, "exec", 0, !inherit))?;
        Ok::<_, PyErr>((tree, code))
    };
    // Most texts give no warning, and then no third compilation is needed to give it.
    let (parsed, warns) = match parse("error") {
        Ok(parsed) => (parsed, false),
        Err(_) => (parse("ignore")?, true),
    };
    let (tree, plain) = parsed;
    let source = Source::of_text(text, &plain);
    let new = {
        let _quiet = Quiet::new(py, "ignore")?;
        splice(&tree, &plain, &source, file)?
    };
    if warns && new.is_some() {
        compile.call1((text, file, "exec", 0, !inherit))?;
    }
    Ok(new)
}

/// What Python sees of us, in the native module of the package.
///
/// # Errors
/// When a module can't be added to.
pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(jit_function, module)?)?;
    module.add_function(wrap_pyfunction!(crate::record::jit_stats, module)?)?;
    module.add_function(wrap_pyfunction!(install_hook, module)?)
}

/// Lets the VM run the loops of all code that is executed from now on.
#[pyfunction]
fn install_hook(py: Python<'_>) -> PyResult<()> {
    install(py)
}

/// Lets micronumpy compile the loops of a function that was defined where its hook is not installed. Where it is, and for a
/// function whose source can't be found, this changes nothing.
#[pyfunction]
#[pyo3(name = "jit")]
fn jit_function<'py>(function: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let Ok(code) = function.getattr("__code__").and_then(|code| Ok(code.cast_into::<PyCode>()?)) else {
        return Err(PyTypeError::new_err(format!(
            "micronumpy.jit wants a Python function, not {}",
            function.repr()?
        )));
    };
    if settings::get().vm
        && !function.cast::<PyFunction>().is_ok_and(|function| is_spliced(&running(function)))
    {
        entry::install(function.py())?;
        if let Some(new) = attempt("jit", || spliced_function(&function, &code)) {
            function.setattr("__code__", new)?;
        }
    }
    Ok(function)
}

/// The code object that calls of a function run.
fn running<'py>(function: &Bound<'py, PyFunction>) -> Bound<'py, PyAny> {
    // SAFETY: attached; a function has a code object, which is borrowed of it.
    unsafe { Bound::from_borrowed_ptr(function.py(), ffi::PyFunction_GetCode(function.as_ptr())) }
}

/// The code of a function with entries, from the source of its module.
fn spliced_function<'py>(
    function: &Bound<'py, PyAny>,
    code: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = function.py();
    let file: String = code.getattr("co_filename")?.extract()?;
    let lines =
        py.import("linecache")?.call_method1("getlines", (&file, function.getattr("__globals__")?))?;
    let text = PyString::new(py, &lines.extract::<Vec<String>>()?.concat()).into_any();
    let source = Source::of_text(&text, code);
    let _quiet = Quiet::new(py, "ignore")?;
    let tree = source.tree(py, &file)?;
    let plain = source.compile(&tree, &file)?;
    let Some(path) = path_to(&plain, code)? else {
        return Err(PyValueError::new_err(format!("{file} is not what the function was made of")));
    };
    splice(&tree, &plain, &source, &file)?.map(|new| follow(new, &path)).transpose()
}

/// Where an equal code object is among the constants of another one, and theirs.
fn path_to(from: &Bound<'_, PyAny>, wanted: &Bound<'_, PyAny>) -> PyResult<Option<Vec<(String, u32)>>> {
    for code in consts(from)?.iter().filter(is_code) {
        if code.eq(wanted)? {
            return Ok(Some(vec![key(&code)?]));
        }
        if let Some(mut path) = path_to(&code, wanted)? {
            path.insert(0, key(&code)?);
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The code object at the same place in a spliced one, where entries have added constants.
fn follow<'py>(mut code: Bound<'py, PyAny>, path: &[(String, u32)]) -> PyResult<Bound<'py, PyAny>> {
    for wanted in path {
        let next =
            consts(&code)?.iter().filter(is_code).find(|code| key(code).is_ok_and(|key| key == *wanted));
        code = next.ok_or_else(|| PyValueError::new_err("the code object is not there any more"))?;
    }
    Ok(code)
}

fn consts<'py>(code: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    Ok(code.getattr(pyo3::intern!(code.py(), "co_consts"))?.cast_into::<PyTuple>()?)
}
