//! Where the CPython frame that entered a region is seen to stand.
//!
//! While the VM runs, CPython's frame stands at the call of the entry. Tracebacks, warnings, `f_lineno` and profilers of
//! other threads read a frame's instruction pointer; the interpreter itself goes by a register copy of it for dispatch and
//! for exception handlers. So the pointer may be moved while the frame waits for our call to return: to the instruction of
//! the original statement, which is in the same code object behind the entry. Which one that is, `co_positions()` says.
//!
//! The pointer is at the same place of `_PyInterpreterFrame` from 3.11 to 3.14 (`prev_instr`, later `instr_ptr`). These are
//! the only private fields touched, and a self-test at start-up proves them; where it fails nothing is ever written, and
//! what happens in a region is shown on the line of its header.

use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyWeakrefReference};

use crate::bytecode::Position;

/// In `PyFrameObject`, its `_PyInterpreterFrame`.
const FRAME: usize = 24;
/// In `_PyInterpreterFrame`, the instruction pointer.
const POINTER: usize = 56;

static USABLE: AtomicBool = AtomicBool::new(false);

/// The instruction pointer of the running frame.
pub struct Place {
    pointer: *mut *mut u8,
    saved: *mut u8,
    lasti: c_int,
}

impl Place {
    /// That of the frame which called us, if there is one and pointers can be moved.
    ///
    /// # Safety
    /// The caller is attached.
    pub unsafe fn here() -> Option<Place> {
        if !USABLE.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: attached; the self-test has passed.
        unsafe { Place::of(ffi::PyEval_GetFrame()) }
    }

    /// # Safety
    /// `frame` is null or the frame object of the running frame.
    unsafe fn of(frame: *mut ffi::PyFrameObject) -> Option<Place> {
        if frame.is_null() {
            return None;
        }
        // SAFETY: a running frame's object refers to its frame; the layout is what the self-test proves. That only reads
        // inside the two objects in any case.
        unsafe {
            let inner = *frame.cast::<u8>().add(FRAME).cast::<*mut u8>();
            let pointer = inner.add(POINTER).cast::<*mut u8>();
            Some(Place { pointer, saved: *pointer, lasti: ffi::PyFrame_GetLasti(frame) })
        }
    }

    /// Shows the frame at a byte offset of its code.
    ///
    /// # Safety
    /// The frame waits for a call to return, and the offset is that of an instruction of its code.
    pub unsafe fn show(&self, offset: c_int) {
        // SAFETY: the pointer's place is valid while the frame waits; the new value points into the same code.
        unsafe { *self.pointer = self.saved.offset((offset - self.lasti) as isize) }
    }

    /// Shows it where it is.
    ///
    /// # Safety
    /// The frame still waits.
    pub unsafe fn restore(&self) {
        // SAFETY: as in `show`.
        unsafe { *self.pointer = self.saved }
    }

    /// The offset of the call the frame waits for.
    pub fn call(&self) -> c_int {
        self.lasti
    }
}

/// Where a code object has its instructions, by position in the source.
struct Index {
    exact: HashMap<Position, Vec<c_int>>,
    /// All, in the order of their offsets.
    all: Vec<(c_int, Position)>,
}

impl Index {
    fn new(code: &Bound<'_, PyAny>) -> PyResult<Index> {
        let mut index = Index { exact: HashMap::new(), all: Vec::new() };
        for (n, item) in code.call_method0("co_positions")?.try_iter()?.enumerate() {
            // Without debug ranges there is a line only.
            let (line, end_line, column, end_column): (Option<u32>, Option<u32>, Option<u32>, Option<u32>) =
                item?.extract()?;
            let Some(line) = line else { continue };
            let position = Position {
                line,
                end_line: end_line.unwrap_or(line),
                column: column.unwrap_or(u32::MAX),
                end_column: end_column.unwrap_or(u32::MAX),
            };
            let offset = 2 * n as c_int;
            index.exact.entry(position).or_default().push(offset);
            index.all.push((offset, position));
        }
        Ok(index)
    }

    /// The first instruction behind `after` that stands for a position. A call of a method over several lines stands where
    /// the method's name does, so the same end will do; then the same line.
    fn find(&self, at: Position, after: c_int) -> Option<c_int> {
        let exact = self.exact.get(&at).into_iter().flatten().copied().find(|&offset| offset > after);
        let first = |same: &dyn Fn(Position) -> bool| {
            self.all.iter().find(|(offset, p)| *offset > after && same(*p)).map(|(offset, _)| *offset)
        };
        exact
            .or_else(|| first(&|p| (p.end_line, p.end_column) == (at.end_line, at.end_column)))
            .or_else(|| first(&|p| p.line == at.line))
    }
}

/// Indices of the code objects seen last: a module with many regions is read once.
static INDICES: Mutex<Vec<(Py<PyWeakrefReference>, Arc<Index>)>> = Mutex::new(Vec::new());
const INDICES_KEPT: usize = 4;

fn index_of(code: &Bound<'_, PyAny>) -> PyResult<Arc<Index>> {
    let py = code.py();
    let known = |(seen, index): &(Py<PyWeakrefReference>, Arc<Index>)| {
        seen.bind(py).upgrade().is_some_and(|c| c.is(code)).then(|| index.clone())
    };
    if let Some(index) = lock(&INDICES).iter().find_map(known) {
        return Ok(index);
    }
    let index = Arc::new(Index::new(code)?);
    let seen = PyWeakrefReference::new(code)?.unbind();
    let mut indices = lock(&INDICES);
    let old = (indices.len() == INDICES_KEPT).then(|| indices.remove(0));
    indices.push((seen, index.clone()));
    drop(indices);
    drop(old);
    Ok(index)
}

/// Nothing is left half-done under these locks, so that poison means nothing.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// The offsets of a region's positions in the code object it was last run by. Normally there is only one, but functions can
/// be given copies of code objects.
#[derive(Default)]
pub struct Offsets(Mutex<Option<(Py<PyWeakrefReference>, Arc<[c_int]>)>>);

impl Offsets {
    /// Offsets by index of position in the code of the running frame, -1 where there is none.
    ///
    /// # Errors
    /// Whatever `co_positions()` raises.
    pub fn get(&self, py: Python<'_>, positions: &[Position], place: &Place) -> PyResult<Arc<[c_int]>> {
        // SAFETY: attached, and a `Place` is made in a running frame only. The code object comes as a new reference.
        let code = unsafe {
            let code = ffi::PyFrame_GetCode(ffi::PyEval_GetFrame());
            Bound::from_owned_ptr(py, code.cast::<ffi::PyObject>())
        };
        if let Some((seen, offsets)) = &*lock(&self.0)
            && seen.bind(py).upgrade().is_some_and(|c| c.is(&code))
        {
            return Ok(offsets.clone());
        }
        let index = index_of(&code)?;
        let offsets: Arc<[c_int]> =
            positions.iter().map(|&at| index.find(at, place.call()).unwrap_or(-1)).collect();
        let seen = PyWeakrefReference::new(&code)?.unbind();
        let old = lock(&self.0).replace((seen, offsets.clone()));
        drop(old);
        Ok(offsets)
    }
}

/// Called twice by the function below: `(pointer, lasti, line)` of the first call.
static FIRST: Mutex<Option<(usize, c_int, c_int)>> = Mutex::new(None);

unsafe extern "C" fn probe(_: *mut ffi::PyObject, _: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: called by a Python function, which waits. Between the calls the pointer must have moved as `lasti` did;
    // only then is it written, and set back at once.
    let works = unsafe {
        let frame = ffi::PyEval_GetFrame();
        let line = |frame| ffi::PyFrame_GetLineNumber(frame);
        let mut first = lock(&FIRST);
        match (Place::of(frame), first.take()) {
            (Some(place), None) => {
                *first = Some((place.saved as usize, place.lasti, line(frame)));
                true
            }
            (Some(place), Some((pointer, lasti, at))) => {
                let moved = (place.saved as usize).wrapping_sub(pointer) as isize;
                moved > 0 && moved == (place.lasti - lasti) as isize && {
                    place.show(lasti);
                    let shown = line(frame) == at && ffi::PyFrame_GetLasti(frame) == lasti;
                    place.restore();
                    shown && ffi::PyFrame_GetLasti(frame) == place.lasti
                }
            }
            (None, _) => false,
        }
    };
    // SAFETY: attached.
    unsafe { ffi::PyBool_FromLong(works.into()) }
}

static PROBE: Definition = Definition(ffi::PyMethodDef {
    ml_name: c"probe".as_ptr(),
    ml_meth: ffi::PyMethodDefPointer { PyCFunction: probe },
    ml_flags: ffi::METH_NOARGS,
    ml_doc: std::ptr::null(),
});

/// A method definition CPython only reads.
#[repr(transparent)]
struct Definition(ffi::PyMethodDef);
// SAFETY: never written, and its pointers are to constants.
unsafe impl Sync for Definition {}

/// Finds out whether frames can be shown elsewhere than where they are.
///
/// # Errors
/// When the test itself could not run.
pub fn self_test(py: Python<'_>) -> PyResult<bool> {
    // SAFETY: attached; the definition is a static.
    let probe = unsafe {
        let def = (&raw const PROBE.0).cast_mut();
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyCFunction_NewEx(def, std::ptr::null_mut(), std::ptr::null_mut()),
        )?
    };
    let names = PyDict::new(py);
    names.set_item("probe", probe)?;
    *lock(&FIRST) = None;
    let source = c"def test():\n    first = probe()\n    between = 1\n    return probe() and first\n\nworks = test()\n";
    py.run(source, Some(&names), None)?;
    let works = names.get_item("works")?.is_some_and(|w| w.is_truthy().unwrap_or(false));
    USABLE.store(works, Ordering::Relaxed);
    Ok(works)
}
