//! The way into a region and out of it: five builtins that stand in the constants of the code object.
//!
//! ```python
//! if ENTER(a, [b], lambda: (c,)): b, t = TAKE()
//! elif DONE(): pass                     # only where an output may stay unbound
//! elif RETURNED(): return TAKE()        # only where the region can return
//! else:
//!     for i in RESUME() or ITERABLE: ...    # the original statement
//! ```
//!
//! ENTER is true when the VM has run the statement and TAKE has the new values of the outputs. Locals travel as arguments:
//! first those the region only reads, then, in a list that the VM empties, those it rebinds, then a function whose closure
//! is the cells. At module level nothing travels, the VM works on the dict of the globals: `if not ENTER(): ...`. RESUME is
//! the rest of an iteration that the VM gave up in the middle.
//!
//! What an entry leaves for the instructions behind it waits in a list of the thread. Only a signal handler or a finaliser
//! can run in between, and those leave the list as they found it; what an exception orphaned is dropped by the next TAKE.
//!
//! A code object that is pickled by value (cloudpickle) must not carry us along. Each entry is a builtin method of an
//! object that reduces to the empty string, and has the name of a method of `str` which is false for that: the copy is
//! `''.format` and the like, never enters, and runs as plain Python anywhere.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PySystemError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::position::{self, Offsets};
use super::{function, watch};
use crate::bytecode::Code;
use crate::vm::{self, Outcome};

/// Runs nested on the C stack beyond this are left to CPython, which needs none for calls between Python functions.
const MAX_DEPTH: u32 = 100;

/// Refusals before another look at a region that was left alone.
const FIRST_LOOK: u32 = 4;

/// A region of a code object.
#[pyclass(frozen)]
pub struct Region {
    pub code: Arc<Code>,
    pub offsets: Offsets,
    /// The VM had nothing to gain here, and CPython runs it: how often since, or 0. Next time arrays may be larger, so
    /// that another look is taken when this is a power of two.
    pub left_alone: AtomicU32,
    /// By loop: nothing will be compiled there.
    pub declined: Box<[AtomicBool]>,
    /// By loop: what is called at its safepoints.
    pub pauses: Box<[OnceLock<Py<PyAny>>]>,
    /// Compiled code has run in it.
    pub compiled: AtomicBool,
    /// Instructions of a turn, where the only loop has none but plain arithmetic.
    pub plain_turn: Option<u32>,
    /// Entries in a row that were for a few such turns.
    pub slight: AtomicU32,
}

impl Drop for Region {
    fn drop(&mut self) {
        for pause in self.pauses.iter().filter_map(OnceLock::get) {
            // SAFETY: functions are let go as tracked objects; these were untracked when they were made. Regions die while
            // their thread is attached, as Python objects do.
            unsafe { ffi::PyObject_GC_Track(pause.as_ptr().cast()) }
        }
    }
}

#[pymethods]
impl Region {
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, ()) {
        (py.get_type::<PyString>().into_any(), ())
    }

    fn __repr__(&self) -> String {
        format!("<region {}>", self.code.label)
    }
}

/// The builtins of a region.
pub struct EntryObjects {
    pub enter: Py<PyAny>,
    pub take: Py<PyAny>,
    pub done: Py<PyAny>,
    pub returned: Py<PyAny>,
    pub resume: Py<PyAny>,
}

/// Makes the entry of a region.
///
/// # Errors
/// SystemError when the code doesn't keep to its own tables.
pub fn new_entry(py: Python<'_>, code: Arc<Code>) -> PyResult<EntryObjects> {
    code.verify().map_err(|what| PySystemError::new_err(format!("{}: {what}", code.label)))?;
    let declined = code.loops.iter().map(|_| AtomicBool::new(false)).collect();
    let pauses = code.loops.iter().map(|_| OnceLock::new()).collect();
    let plain_turn = code.plain_turn();
    let region = Region {
        code,
        offsets: Offsets::default(),
        left_alone: AtomicU32::new(0),
        declined,
        pauses,
        compiled: AtomicBool::new(false),
        plain_turn,
        slight: AtomicU32::new(0),
    };
    let region = Bound::new(py, region)?;
    let method = |definition: &'static Definition| {
        // SAFETY: attached; definitions are statics that CPython only reads.
        unsafe {
            let def = (&raw const definition.0).cast_mut();
            Bound::from_owned_ptr_or_err(py, ffi::PyCFunction_NewEx(def, region.as_ptr(), null_mut()))
                .map(Bound::unbind)
        }
    };
    Ok(EntryObjects {
        enter: method(&ENTER)?,
        take: method(&TAKE)?,
        done: method(&DONE)?,
        returned: method(&RETURNED)?,
        resume: method(&RESUME)?,
    })
}

struct Definition(ffi::PyMethodDef);
// SAFETY: never written, and its pointers are to constants.
unsafe impl Sync for Definition {}

/// Calling convention of all five: of calls without arguments, too, CPython has a quicker form for this one.
type Method =
    unsafe extern "C" fn(*mut ffi::PyObject, *mut *mut ffi::PyObject, ffi::Py_ssize_t) -> *mut ffi::PyObject;

impl Definition {
    const fn new(name: &'static CStr, method: Method) -> Definition {
        Definition(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFast: method },
            ml_flags: ffi::METH_FASTCALL,
            ml_doc: std::ptr::null(),
        })
    }
}

static ENTER: Definition = Definition::new(c"format", enter);
static TAKE: Definition = Definition::new(c"upper", take);
static DONE: Definition = Definition::new(c"isalpha", done);
static RETURNED: Definition = Definition::new(c"isdigit", returned);
static RESUME: Definition = Definition::new(c"strip", resume);

/// What an entry left for the instructions behind it.
enum Left {
    /// A tuple of values to assign.
    Values,
    /// Nothing: the locals are in place.
    Done,
    /// The value to return.
    Returned,
    /// What is left of the outermost iteration.
    Rest,
}

struct Waiting {
    region: *mut ffi::PyObject,
    left: Left,
    /// A reference, or null.
    value: *mut ffi::PyObject,
}

thread_local! {
    static WAITING: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One more run on the C stack of the thread.
struct Nested;

/// Whether this thread is in the middle of a region.
pub fn is_inside() -> bool {
    DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

impl Nested {
    fn new() -> Option<Nested> {
        DEPTH.with(|depth| {
            let deeper = depth.get() + 1;
            (deeper <= MAX_DEPTH).then(|| {
                depth.set(deeper);
                Nested
            })
        })
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

unsafe extern "C" fn enter(
    slf: *mut ffi::PyObject,
    args: *mut *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this attached, with `count` arguments and the region as `self`: `new_entry` made the method.
    unsafe {
        let py = Python::assume_attached();
        let region = Bound::ref_from_ptr(py, &slf).cast_unchecked::<Region>().get();
        let alone = region.left_alone.load(Ordering::Relaxed);
        if alone != 0 {
            // Only the thread that holds the GIL counts.
            region.left_alone.store(alone.saturating_add(1), Ordering::Relaxed);
            if !alone.is_power_of_two() || alone < FIRST_LOOK {
                return boolean(false);
            }
        }
        if watch::being_watched(py) {
            return boolean(false);
        }
        let args: &[*mut ffi::PyObject] =
            if count > 0 { std::slice::from_raw_parts(args, count as usize) } else { &[] };
        let Some(_nested) = Nested::new() else { return boolean(false) };
        let outcome = match catch_unwind(AssertUnwindSafe(|| vm::run(py, region, args))) {
            Ok(outcome) => outcome,
            Err(_) => {
                let text = format!("micronumpy has a fault in its VM, at {}", region.code.label);
                PySystemError::new_err(text).restore(py);
                Outcome::Raised
            }
        };
        let wait = |left, value| {
            WAITING.with(|w| w.borrow_mut().push(Waiting { region: slf, left, value }));
        };
        match outcome {
            Outcome::Refused => boolean(false),
            Outcome::Raised => null_mut(),
            Outcome::Globals => boolean(true),
            Outcome::Values(tuple) => {
                wait(Left::Values, tuple);
                boolean(true)
            }
            Outcome::InPlace => {
                wait(Left::Done, null_mut());
                boolean(false)
            }
            Outcome::Returned(value) => {
                wait(Left::Returned, value);
                boolean(false)
            }
            Outcome::Rest(iterator) => {
                if !iterator.is_null() {
                    wait(Left::Rest, iterator);
                }
                boolean(false)
            }
        }
    }
}

/// A new reference to True or False.
fn boolean(value: bool) -> *mut ffi::PyObject {
    // SAFETY: called attached.
    unsafe { ffi::PyBool_FromLong(value.into()) }
}

/// Takes the last thing waiting if it is of this region and as wanted.
fn last(
    region: *mut ffi::PyObject,
    wanted: impl Fn(&Left) -> bool,
    take: bool,
) -> Option<*mut ffi::PyObject> {
    WAITING.with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let value = waiting.last().filter(|w| w.region == region && wanted(&w.left)).map(|w| w.value)?;
        if take {
            waiting.pop();
        }
        Some(value)
    })
}

unsafe extern "C" fn take(
    slf: *mut ffi::PyObject,
    _: *mut *mut ffi::PyObject,
    _: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    loop {
        let Some(waiting) = WAITING.with(|waiting| waiting.borrow_mut().pop()) else {
            // SAFETY: attached.
            unsafe { ffi::PyErr_SetString(ffi::PyExc_SystemError, c"a region without a result".as_ptr()) };
            return null_mut();
        };
        if waiting.region == slf && matches!(waiting.left, Left::Values | Left::Returned) {
            return waiting.value;
        }
        // SAFETY: the list owned this reference, whose receiver an exception has carried away.
        unsafe { ffi::Py_XDECREF(waiting.value) }
    }
}

unsafe extern "C" fn done(
    slf: *mut ffi::PyObject,
    _: *mut *mut ffi::PyObject,
    _: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    boolean(last(slf, |left| matches!(left, Left::Done), true).is_some())
}

unsafe extern "C" fn returned(
    slf: *mut ffi::PyObject,
    _: *mut *mut ffi::PyObject,
    _: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    boolean(last(slf, |left| matches!(left, Left::Returned), false).is_some())
}

/// Iterating over this continues an iteration. It stands between the iterator and an `or`, because there are iterators that
/// are false.
#[pyclass(frozen)]
struct Rest(Py<PyAny>);

#[pymethods]
impl Rest {
    fn __iter__(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.clone_ref(py)
    }
}

unsafe extern "C" fn resume(
    slf: *mut ffi::PyObject,
    _: *mut *mut ffi::PyObject,
    _: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    // SAFETY: attached; what waits is a reference to an iterator, which passes on.
    unsafe {
        let py = Python::assume_attached();
        match last(slf, |left| matches!(left, Left::Rest), true) {
            Some(iterator) => match Bound::new(py, Rest(Bound::from_owned_ptr(py, iterator).unbind())) {
                Ok(rest) => rest.into_any().into_ptr(),
                Err(error) => {
                    error.restore(py);
                    null_mut()
                }
            },
            None => ffi::Py_NewRef(ffi::Py_None()),
        }
    }
}

/// Makes ready for entries. Once per process, before the first is used.
///
/// # Errors
/// What stands in the way, such as an audit hook that refuses ours.
pub fn install(py: Python<'_>) -> PyResult<()> {
    watch::install(py)?;
    function::install(py)?;
    position::self_test(py)?;
    vm::prepare(py)
}
