//! Index objects to the items the object space plans with.

use micronumpy::TypeNum;
use micronumpy::index::Item;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PyList, PySlice, PyString, PyTuple};
use smallvec::SmallVec;

use super::super::{args, coercion};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::objects::{Array, dtype};

/// One part of an index; arrays are held here for as long as the items that look at them.
pub enum Part<'py> {
    Int(isize),
    Slice(Option<isize>, Option<isize>, Option<isize>),
    Ellipsis,
    NewAxis,
    /// Native intp.
    Ints(Array<'py>),
    Mask(Array<'py>),
    Bool(bool),
}

impl Part<'_> {
    /// The item for the planner.
    pub fn item(&self) -> Item<'_> {
        match self {
            Part::Int(i) => Item::Int(*i),
            Part::Slice(start, stop, step) => Item::Slice { start: *start, stop: *stop, step: *step },
            Part::Ellipsis => Item::Ellipsis,
            Part::NewAxis => Item::NewAxis,
            Part::Ints(a) => Item::IntArray(a.view()),
            Part::Mask(a) => Item::BoolArray(a.view()),
            Part::Bool(b) => Item::Bool(*b),
        }
    }
}

/// A parsed index.
pub struct Index<'py> {
    pub parts: SmallVec<[Part<'py>; 6]>,
    /// An integer came as a 0-d array: the result is a copy.
    pub scalar_array: bool,
    /// The first slice whose bounds are no integers, and what is wrong with it.
    bad_slice: Option<(usize, PyErr)>,
}

fn only() -> PyErr {
    PyIndexError::new_err(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are \
         valid indices",
    )
}

/// What is wrong with an integer that is too wide: one that some integer dtype could hold is still an index.
fn not_an_index(obj: &Bound<'_, PyAny>) -> PyErr {
    match obj.extract::<u64>() {
        Ok(_) => PyOverflowError::new_err("Python int too large to convert to C long"),
        Err(_) => only(),
    }
}

/// A bound of a slice, clipped to `isize`.
fn bound(obj: &Bound<'_, PyAny>) -> PyResult<Option<isize>> {
    if obj.is_none() {
        return Ok(None);
    }
    // SAFETY: a null error class asks for clipping.
    unsafe {
        if ffi::PyIndex_Check(obj.as_ptr()) == 0 {
            return Err(PyTypeError::new_err(
                "slice indices must be integers or None or have an __index__ method",
            ));
        }
        let v = ffi::PyNumber_AsSsize_t(obj.as_ptr(), std::ptr::null_mut());
        if v == -1
            && let Some(e) = PyErr::take(obj.py())
        {
            return Err(e);
        }
        Ok(Some(v))
    }
}

fn slice<'py>(s: &Bound<'py, PySlice>) -> PyResult<Part<'py>> {
    // SAFETY: a live slice object with three fields.
    let (start, stop, step) = unsafe {
        let raw = s.as_ptr().cast::<ffi::PySliceObject>();
        let py = s.py();
        (
            Bound::from_borrowed_ptr(py, (*raw).start),
            Bound::from_borrowed_ptr(py, (*raw).stop),
            Bound::from_borrowed_ptr(py, (*raw).step),
        )
    };
    let step = bound(&step)?;
    Ok(Part::Slice(bound(&start)?, bound(&stop)?, step))
}

/// Parse an index of an array of this shape.
///
/// # Errors
/// Objects that are no indices; bounds of slices that are no integers, if nothing before them is out of bounds.
pub fn parse<'py>(key: &Bound<'py, PyAny>, shape: &[isize]) -> PyResult<Index<'py>> {
    let mut out = Index { parts: SmallVec::new(), scalar_array: false, bad_slice: None };
    match key.cast::<PyTuple>() {
        Ok(t) => {
            if t.len() > 2 * micronumpy::array::MAXDIMS {
                return Err(PyIndexError::new_err("too many indices for array"));
            }
            for obj in t.iter() {
                part(&mut out, &obj)?;
            }
        }
        Err(_) => part(&mut out, key)?,
    }
    if let Some((place, bad)) = out.bad_slice.take() {
        let items: SmallVec<[Item<'_>; 6]> = out.parts.iter().map(Part::item).collect();
        micronumpy::index::check_before(shape, &items, place).py(key.py())?;
        return Err(bad);
    }
    Ok(out)
}

fn part<'py>(out: &mut Index<'py>, obj: &Bound<'py, PyAny>) -> PyResult<()> {
    let py = obj.py();
    if obj.is(PyEllipsis::get(py)) {
        if out.parts.iter().any(|p| matches!(p, Part::Ellipsis)) {
            return Err(PyIndexError::new_err("an index can only have a single ellipsis ('...')"));
        }
        out.parts.push(Part::Ellipsis);
        return Ok(());
    }
    if obj.is_none() {
        out.parts.push(Part::NewAxis);
        return Ok(());
    }
    if let Ok(s) = obj.cast::<PySlice>() {
        // Bounds are looked at once the index as a whole makes sense.
        let s = slice(s).unwrap_or_else(|e| {
            out.bad_slice.get_or_insert((out.parts.len(), e));
            Part::Slice(None, None, None)
        });
        out.parts.push(s);
        return Ok(());
    }
    if obj.is_exact_instance_of::<PyInt>() {
        out.parts.push(Part::Int(args::index(obj).map_err(|_| not_an_index(obj))?));
        return Ok(());
    }
    if obj.is_exact_instance_of::<PyBool>() {
        out.parts.push(Part::Bool(obj.is_truthy()?));
        return Ok(());
    }
    if obj.is_instance_of::<PyString>() {
        return Err(only());
    }
    let given = Array::cast(obj);
    if given.is_none() && !obj.is_instance_of::<PyList>() && !obj.is_instance_of::<PyTuple>() {
        // numpy integers and whatever else says it is one; numpy booleans do not.
        match args::index(obj) {
            Ok(i) => {
                out.parts.push(Part::Int(i));
                return Ok(());
            }
            Err(e) if e.is_instance_of::<PyTypeError>(py) => {}
            // Only then is it asked again: asking may take a program's own code, which may index in turn.
            Err(e) if e.is_instance_of::<PyOverflowError>(py) => return Err(not_an_index(obj)),
            Err(_) => return Err(only()),
        }
    }
    let is_array = given.is_some();
    let arr = match given {
        Some(a) => a,
        None => {
            let a = coercion::from_any(obj, None, 0, 0, 0)?;
            let num = a.dtype().num;
            if a.size() == 0 && !num.is_bool() && !num.is_integer() {
                // An empty list says nothing about its type.
                let intp = dtype::builtin(py, TypeNum::LONG);
                coercion::from_any(&a.0, Some(&intp), 0, 0, NPY_ARRAY_FORCECAST)?
            } else {
                a
            }
        }
    };
    let num = arr.dtype().num;
    if num.is_bool() {
        out.parts.push(if arr.ndim() == 0 {
            // SAFETY: a 0-d array has one element.
            Part::Bool(unsafe { *arr.data() != 0 })
        } else {
            Part::Mask(arr)
        });
        return Ok(());
    }
    if num.is_integer() {
        if arr.ndim() == 0 {
            out.parts.push(Part::Int(args::index(&arr.0).map_err(|_| not_an_index(&arr.0))?));
            out.scalar_array = true;
            return Ok(());
        }
        let intp = dtype::builtin(py, TypeNum::LONG);
        out.parts.push(Part::Ints(coercion::from_any(&arr.0, Some(&intp), 0, 0, NPY_ARRAY_FORCECAST)?));
        return Ok(());
    }
    if is_array {
        return Err(PyIndexError::new_err("arrays used as indices must be of integer (or boolean) type"));
    }
    Err(only())
}
