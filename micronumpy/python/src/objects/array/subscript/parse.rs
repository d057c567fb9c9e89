//! Index objects to a list of what they mean for each axis.

use micronumpy::TypeNum;
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyList, PySlice, PyTuple};
use smallvec::SmallVec;

use super::super::{args, coercion};
use crate::abi::*;
use crate::objects::{Array, dtype};

/// One part of an index.
#[derive(Clone)]
pub enum Part<'py> {
    Int(isize),
    Slice(Bound<'py, PySlice>),
    /// With the number of axes it stands for.
    Ellipsis(usize),
    NewAxis,
    /// Integer array (native intp).
    Ints(Array<'py>),
    /// One axis of a boolean array turned into positions; the axes of one mask follow each other.
    MaskAxis {
        positions: Array<'py>,
        axis_len: isize,
    },
    /// A 0-d boolean: a new axis of length one or zero.
    Bool(bool),
    /// A boolean array of the shape of the whole array, as the only part.
    FullMask(Array<'py>),
}

/// A parsed index.
pub struct Index<'py> {
    pub parts: SmallVec<[Part<'py>; 6]>,
    /// There are array parts: the result is a copy.
    pub fancy: bool,
    /// All axes are indexed by integers: the result is an element.
    pub all_ints: bool,
    /// Dimensions of the basic part of the result.
    pub basic_ndim: usize,
}

const ONLY: &str = "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean \
    arrays are valid indices";

fn only() -> PyErr {
    PyIndexError::new_err(ONLY)
}

/// The parts of an index object: a tuple's items, or the object itself.
fn unpack<'py>(key: &Bound<'py, PyAny>) -> SmallVec<[Bound<'py, PyAny>; 6]> {
    match key.cast::<PyTuple>() {
        Ok(t) => t.iter().collect(),
        Err(_) => SmallVec::from_iter([key.clone()]),
    }
}

/// Parse an index for an array.
pub fn parse<'py>(arr: &Array<'py>, key: &Bound<'py, PyAny>) -> PyResult<Index<'py>> {
    let py = arr.py();
    let ndim = arr.ndim();
    let items = unpack(key);
    let mut parts: SmallVec<[Part<'py>; 6]> = SmallVec::new();
    let mut used = 0;
    let mut new_dims = 0;
    let mut fancy_ndim = 0;
    let mut fancy = false;
    let mut ellipsis: Option<usize> = None;
    let mut all_ints = true;
    // Boolean masks are turned into positions once their axes are known.
    for (n, obj) in items.iter().enumerate() {
        if obj.is(PyEllipsis::get(py)) {
            if ellipsis.is_some() {
                return Err(PyIndexError::new_err("an index can only have a single ellipsis ('...')"));
            }
            ellipsis = Some(parts.len());
            parts.push(Part::Ellipsis(0));
            all_ints = false;
            continue;
        }
        if obj.is_none() {
            parts.push(Part::NewAxis);
            new_dims += 1;
            all_ints = false;
            continue;
        }
        if let Ok(s) = obj.cast::<PySlice>() {
            parts.push(Part::Slice(s.clone()));
            used += 1;
            all_ints = false;
            continue;
        }
        if obj.is_exact_instance_of::<pyo3::types::PyInt>() {
            match args::index(obj) {
                Ok(i) => {
                    parts.push(Part::Int(i));
                    used += 1;
                    continue;
                }
                Err(_) => return Err(only()),
            }
        }
        // Anything else is an array, or an integer in disguise.
        let index_arr = match Array::cast(obj) {
            Some(a) => {
                if a.ndim() == 0 && a.dtype().num.is_integer() {
                    parts.push(Part::Int(args::index(obj)?));
                    used += 1;
                    if a.is_exact() || !a.dtype().num.is_bool() {
                        // Integer 0-d arrays index like integers but make a copy of the result.
                        fancy |= false;
                    }
                    continue;
                }
                a
            }
            None => {
                if !obj.is_instance_of::<PyBool>() {
                    // `__index__` first: numpy integers and whatever else is one.
                    // SAFETY: protocol check of a live object.
                    if unsafe { ffi::PyIndex_Check(obj.as_ptr()) } != 0 && !obj.is_instance_of::<PyList>() {
                        match args::index(obj) {
                            Ok(i) => {
                                parts.push(Part::Int(i));
                                used += 1;
                                continue;
                            }
                            Err(e) if e.is_instance_of::<PyTypeError>(py) => {}
                            Err(_) => return Err(only()),
                        }
                    }
                }
                let a = match coercion::from_any(obj, None, 0, 0, 0) {
                    Ok(a) => a,
                    Err(e) if obj.is_instance_of::<PyList>() => return Err(e),
                    Err(e) => return Err(e),
                };
                let num = a.dtype().num;
                if a.size() == 0 && !num.is_bool() && !num.is_integer() {
                    // An empty list says nothing about its type.
                    let intp = dtype::builtin(py, TypeNum::LONG);
                    coercion::from_any(&a.0, Some(&intp), 0, 0, NPY_ARRAY_FORCECAST)?
                } else if !(num.is_bool() || num.is_integer()) {
                    return Err(only());
                } else {
                    a
                }
            }
        };
        let num = index_arr.dtype().num;
        if num.is_bool() {
            if index_arr.ndim() == 0 {
                // SAFETY: a 0-d array has one element.
                let value = unsafe { *index_arr.data() != 0 };
                parts.push(Part::Bool(value));
                fancy = true;
                all_ints = false;
                fancy_ndim = fancy_ndim.max(1);
                continue;
            }
            fancy = true;
            all_ints = false;
            if items.len() == 1 && index_arr.ndim() == ndim {
                parts.push(Part::FullMask(index_arr));
                used += ndim;
                fancy_ndim = 1;
                continue;
            }
            let positions = super::core_ops::nonzero(&index_arr)?;
            for (p, &len) in positions.into_iter().zip(index_arr.shape()) {
                parts.push(Part::MaskAxis { positions: p, axis_len: len });
            }
            used += index_arr.ndim();
            fancy_ndim = fancy_ndim.max(1);
            continue;
        }
        if num.is_integer() {
            all_ints = false;
            fancy = true;
            fancy_ndim = fancy_ndim.max(index_arr.ndim());
            let intp = dtype::builtin(py, TypeNum::LONG);
            let a = coercion::from_any(&index_arr.0, Some(&intp), 0, 0, NPY_ARRAY_FORCECAST)?;
            if a.ndim() == 0 {
                parts.push(Part::Int(args::index(&a.0)?));
            } else {
                parts.push(Part::Ints(a));
            }
            used += 1;
            continue;
        }
        let _ = n;
        return Err(PyIndexError::new_err("arrays used as indices must be of integer (or boolean) type"));
    }
    if used > ndim {
        return Err(PyIndexError::new_err(format!(
            "too many indices for array: array is {ndim}-dimensional, but {used} were indexed"
        )));
    }
    if used < ndim {
        all_ints = false;
        let rest = ndim - used;
        match ellipsis {
            Some(at) => parts[at] = Part::Ellipsis(rest),
            None => parts.push(Part::Ellipsis(rest)),
        }
    }
    let consumed =
        parts.iter().filter(|p| matches!(p, Part::Int(_) | Part::Ints(_) | Part::MaskAxis { .. })).count()
            + if parts.iter().any(|p| matches!(p, Part::FullMask(_))) { ndim } else { 0 };
    let basic_ndim = ndim - consumed.min(ndim) + new_dims;
    let total = basic_ndim + fancy_ndim;
    if total > micronumpy::array::MAXDIMS {
        return Err(PyIndexError::new_err(format!(
            "number of dimensions must be within [0, {}], indexing result would have {total}",
            micronumpy::array::MAXDIMS
        )));
    }
    // Masks have to fit the axes they select from.
    let mut axis = 0;
    for p in &parts {
        match p {
            Part::Int(_) | Part::Slice(_) | Part::Ints(_) => axis += 1,
            Part::Ellipsis(n) => axis += n,
            Part::MaskAxis { axis_len, .. } => {
                mask_fits(arr, axis, *axis_len)?;
                axis += 1;
            }
            Part::FullMask(m) => {
                for (i, &len) in m.shape().iter().enumerate() {
                    mask_fits(arr, i, len)?;
                }
                axis += ndim;
            }
            Part::NewAxis | Part::Bool(_) => {}
        }
    }
    Ok(Index { parts, fancy, all_ints, basic_ndim })
}

fn mask_fits(arr: &Array<'_>, axis: usize, len: isize) -> PyResult<()> {
    let have = arr.shape()[axis];
    if have != len {
        return Err(PyIndexError::new_err(format!(
            "boolean index did not match indexed array along axis {axis}; size of axis is {have} but size of \
             corresponding boolean axis is {len}"
        )));
    }
    Ok(())
}
