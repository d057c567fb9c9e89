//! `numpy.flatiter`: an array seen as one dimension in C order.
//!
//! The struct is public ABI: C extensions step it with macros, so every field upstream fills is filled here too, and the
//! fields are the state (there is no second one).

use std::mem::size_of;
use std::ptr::null_mut;

use micronumpy::{ArrayRef, Order, TypeNum};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyDeprecationWarning, PyIndexError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyEllipsis, PySlice, PyString, PyTuple};
use pyo3::{PyErr, ffi as pyffi, intern};

use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::args::Args;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::handles::Array;
use crate::objects::{array, scalar};
use crate::{fastcall, getset, iternextfunc, lenfunc, noargs, objobjargproc, richcmpfunc, unaryfunc};

pub static FLATITER_TYPE: StaticType = StaticType::zeroed();
static MAPPING: StaticType<pyffi::PyMappingMethods> = StaticType::zeroed();
static SEQUENCE: StaticType<pyffi::PySequenceMethods> = StaticType::zeroed();

static METHODS: Methods<3> = Methods::new([fastcall!(c"__array__", as_array), noargs!(c"copy", copy), END]);
static GETSETS: GetSets<4> =
    GetSets::new([getset!(c"base", base), getset!(c"index", index), getset!(c"coords", coords), GETSET_END]);

const BAD_INDEX: &str =
    "only integers, slices (`:`), ellipsis (`...`) and integer or boolean arrays are valid indices";

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = FLATITER_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(
            ty,
            c"numpy.flatiter",
            size_of::<PyArrayIterObject>(),
            pyffi::Py_TPFLAGS_DISALLOW_INSTANTIATION,
        );
        let map = MAPPING.get();
        (*map).mp_length = Some(lenfunc!(length));
        (*map).mp_subscript = Some(crate::binaryfunc!(subscript));
        (*map).mp_ass_subscript = Some(objobjargproc!(assign));
        (*SEQUENCE.get()).sq_length = (*map).mp_length;
        (*ty).tp_as_mapping = map;
        (*ty).tp_as_sequence = SEQUENCE.get();
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_richcompare = Some(richcmpfunc!(compare));
        (*ty).tp_hash = Some(pyffi::PyObject_HashNotImplemented);
        (*ty).tp_iter = Some(unaryfunc!(itself));
        (*ty).tp_iternext = Some(iternextfunc!(next));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

/// numpy's `PyArray_IterNew`.
pub fn new<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    let py = arr.py();
    if arr.ndim() > NPY_MAXDIMS_LEGACY_ITERS {
        return Err(too_many_dims(arr.ndim()));
    }
    // SAFETY: a zeroed object of our layout; the array reference is owned by it.
    unsafe {
        let ty = FLATITER_TYPE.as_type();
        let obj = crate::ffi::guard::owned(py, pyffi::PyType_GenericAlloc(ty, 0))?;
        let it: *mut PyArrayIterObject = obj.as_ptr().cast();
        fill(&mut *it, arr, arr.shape(), arr.strides());
        Ok(obj)
    }
}

pub fn too_many_dims(ndim: usize) -> PyErr {
    PyRuntimeError::new_err(format!(
        "this function only supports up to 32 dimensions but the array has {ndim}."
    ))
}

/// Point a fresh iterator at `arr`, walking `shape` with `strides` (broadcasting passes other ones than the array's).
pub fn fill(it: &mut PyArrayIterObject, arr: &Array<'_>, shape: &[isize], strides: &[isize]) {
    let nd = shape.len();
    it.nd_m1 = nd as i32 - 1;
    it.size = shape.iter().product();
    let mut factor = 1isize;
    for i in (0..nd).rev() {
        it.dims_m1[i] = shape[i] - 1;
        it.strides[i] = strides[i];
        it.backstrides[i] = strides[i] * it.dims_m1[i];
        it.factors[i] = factor;
        factor = factor.saturating_mul(shape[i]);
        it.bounds[i] = [0, shape[i] - 1];
        it.limits[i] = [0, shape[i] - 1];
        it.limits_sizes[i] = shape[i];
    }
    it.contiguous = u8::from(micronumpy::array::is_c_contiguous(shape, strides, arr.itemsize()));
    it.translate = translate as *mut std::ffi::c_void;
    it.ao = arr.0.clone().into_ptr().cast();
    reset(it);
}

/// Back to the first element.
pub fn reset(it: &mut PyArrayIterObject) {
    it.index = 0;
    // SAFETY: the iterator owns a reference to its array.
    it.dataptr = unsafe { (*it.ao).data };
    it.coordinates[..(it.nd_m1 + 1) as usize].fill(0);
}

/// One step in C order; past the end it wraps to the start, as upstream's macro does.
pub fn advance(it: &mut PyArrayIterObject) {
    it.index += 1;
    for i in (0..=it.nd_m1).rev().map(|i| i as usize) {
        if it.coordinates[i] < it.dims_m1[i] {
            it.coordinates[i] += 1;
            it.dataptr = it.dataptr.wrapping_offset(it.strides[i]);
            return;
        }
        it.coordinates[i] = 0;
        it.dataptr = it.dataptr.wrapping_offset(-it.backstrides[i]);
    }
}

/// Address of element `index` of the flat sequence; `index` lies in `0..size`.
fn address(it: &PyArrayIterObject, index: isize) -> *mut u8 {
    // SAFETY: the iterator owns a reference to its array.
    let mut ptr = unsafe { (*it.ao).data };
    let mut rest = index;
    for i in 0..=it.nd_m1 {
        let i = i as usize;
        let factor = it.factors[i].max(1);
        ptr = ptr.wrapping_offset(rest / factor * it.strides[i]);
        rest %= factor;
    }
    ptr
}

unsafe extern "C" fn translate(it: *mut PyArrayIterObject, coordinates: *const isize) -> *mut u8 {
    // SAFETY: called through the iterator's own field with as many coordinates as it has dimensions.
    unsafe {
        let mut ptr = (*(*it).ao).data;
        for i in 0..=(*it).nd_m1 {
            ptr = ptr.wrapping_offset(*coordinates.add(i as usize) * (*it).strides[i as usize]);
        }
        ptr
    }
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying and owns its array.
    unsafe {
        let it: *mut PyArrayIterObject = slf.cast();
        pyffi::Py_XDECREF(std::mem::replace(&mut (*it).ao, null_mut()).cast());
        pyffi::PyObject_Free(slf.cast());
    }
}

/// The iterator behind a handle of type `flatiter`. Python code runs between uses, so it is not held across calls.
#[allow(clippy::mut_from_ref)]
fn state<'a>(slf: &'a Bound<'_, PyAny>) -> &'a mut PyArrayIterObject {
    // SAFETY: only reached through this type's slots; the GIL serialises access and no two results are alive at once.
    unsafe { &mut *slf.as_ptr().cast() }
}

fn the_array<'py>(slf: &Bound<'py, PyAny>) -> Array<'py> {
    // SAFETY: the iterator owns a reference to its array.
    Array(unsafe { Bound::from_borrowed_ptr(slf.py(), state(slf).ao.cast()) })
}

fn itself<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(slf.clone())
}

/// The current element, then one step; `None` at the end.
pub fn next<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let it = state(slf);
    if it.index >= it.size {
        return Ok(None);
    }
    let value = current(slf)?;
    advance(state(slf));
    Ok(Some(value))
}

/// The element the iterator stands on.
pub fn current<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let arr = the_array(slf);
    // SAFETY: the data pointer is inside the array as long as index < size, which callers have checked.
    unsafe { scalar::to_scalar(&arr.descr(), state(slf).dataptr, Some(&arr.0)) }
}

fn base<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(the_array(slf).0)
}

fn index<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(state(slf).index.into_pyobject(slf.py())?.into_any())
}

fn coords<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let it = state(slf);
    let n = (it.nd_m1 + 1) as usize;
    if it.contiguous != 0 {
        // Macros that step contiguous iterators leave the coordinates alone.
        let mut rest = it.index;
        for i in 0..n {
            let factor = it.factors[i].max(1);
            it.coordinates[i] = rest / factor;
            rest %= factor;
        }
    }
    Ok(PyTuple::new(slf.py(), &it.coordinates[..n])?.into_any())
}

fn length(slf: &Bound<'_, PyAny>) -> PyResult<isize> {
    Ok(state(slf).size)
}

/// Flat indices an index expression selects, and the shape they come in.
enum Selection {
    One(isize),
    /// What the iterator stands on: a true scalar.
    Current,
    Many {
        indices: Vec<isize>,
        shape: Vec<isize>,
    },
}

fn select(slf: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> PyResult<Selection> {
    let py = slf.py();
    let size = state(slf).size;
    let mut key = key.clone();
    if let Ok(tuple) = key.cast::<PyTuple>() {
        match tuple.len() {
            0 => key = PyEllipsis::get(py).to_owned().into_any(),
            1 => key = tuple.get_item(0)?,
            n => {
                return Err(PyIndexError::new_err(format!(
                    "too many indices for flat iterator: flat iterator is 1-dimensional, but {n} were indexed"
                )));
            }
        }
    }
    if key.is(PyEllipsis::get(py)) {
        return Ok(Selection::Many { indices: (0..size).collect(), shape: vec![size] });
    }
    if let Ok(slice) = key.cast::<PySlice>() {
        let s = slice.indices(size)?;
        let indices = (0..s.slicelength as isize).map(|i| s.start + i * s.step).collect();
        return Ok(Selection::Many { indices, shape: vec![s.slicelength as isize] });
    }
    // Python's booleans, and 0-d arrays of them; scalars of numpy are no such index.
    let bool_array = Array::cast(&key).filter(|a| a.ndim() == 0 && a.dtype().num == TypeNum::BOOL);
    if key.is_instance_of::<pyo3::types::PyBool>() || bool_array.is_some() {
        PyErr::warn(
            py,
            &py.get_type::<PyDeprecationWarning>(),
            c"Indexing flat iterators with a 0-dimensional boolean index is deprecated and may be removed in a future version. (Deprecated NumPy 2.4)",
            1,
        )?;
        let take = key.is_truthy()? && size > 0;
        return Ok(if take {
            Selection::Current
        } else {
            Selection::Many { indices: vec![], shape: vec![0] }
        });
    }
    let wrap_negative = |i: isize| -> PyResult<isize> {
        let at = if i < 0 { i + size } else { i };
        if at < 0 || at >= size {
            return Err(PyIndexError::new_err(format!("index {i} is out of bounds for size {size}")));
        }
        Ok(at)
    };
    if Array::cast(&key).is_none_or(|a| a.ndim() == 0 && a.dtype().num.is_integer()) {
        // SAFETY: live object.
        if unsafe { pyffi::PyIndex_Check(key.as_ptr()) } != 0 {
            return Ok(Selection::One(wrap_negative(key.extract()?)?));
        }
    }
    let is_array = Array::cast(&key).is_some();
    if key.is_none() || key.is_instance_of::<PyString>() || key.is_instance_of::<PyBytes>() {
        return Err(PyIndexError::new_err(BAD_INDEX));
    }
    let arr = array::from_any(&key, None, 0, 0, 0)?;
    let num = arr.dtype().num;
    if num == TypeNum::BOOL && !is_array {
        return Err(PyIndexError::new_err(
            "boolean indices for iterators are not supported because of previous behavior that was confusing (valid \
             boolean indices are expected to work in the future)",
        ));
    }
    if num == TypeNum::BOOL {
        if arr.ndim() != 1 {
            return Err(PyIndexError::new_err(format!(
                "too many indices for flat iterator: flat iterator is 1-dimensional, but {} were indexed",
                arr.ndim()
            )));
        }
        if arr.size() == 0 {
            return Ok(Selection::Many { indices: vec![], shape: vec![0] });
        }
        if arr.size() as isize != size {
            return Err(PyIndexError::new_err(format!(
                "boolean index did not match indexed flat iterator along axis 0; size of axis is {size} but size of \
                 corresponding boolean axis is {}",
                arr.size()
            )));
        }
        let stride = arr.strides()[0];
        // SAFETY: one byte for each of `size` elements.
        let indices: Vec<isize> =
            (0..size).filter(|&i| unsafe { *arr.data().wrapping_offset(i * stride) } != 0).collect();
        return Ok(Selection::Many { shape: vec![indices.len() as isize], indices });
    }
    let intp = crate::objects::dtype::builtin(py, TypeNum::LONG);
    let given = arr;
    if is_array && !num.is_integer() {
        return Err(PyIndexError::new_err("arrays used as indices must be of integer (or boolean) type"));
    }
    if num.is_string() && given.size() > 0 {
        return Err(PyIndexError::new_err(BAD_INDEX));
    }
    let arr =
        array::from_any(given.0.as_any(), Some(&intp), 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)?;
    if !num.is_integer() && given.size() > 0 {
        PyErr::warn(
            py,
            &py.get_type::<PyDeprecationWarning>(),
            c"Invalid non-array indices for iterator objects are deprecated and will be removed in a future version. (Deprecated NumPy 2.4)",
            1,
        )?;
    }
    if arr.ndim() == 0 {
        // SAFETY: the one element of an aligned array of intp.
        return Ok(Selection::One(wrap_negative(unsafe { arr.data().cast::<isize>().read() })?));
    }
    let n = arr.size();
    let raw = if n == 0 {
        &[][..]
    } else {
        // SAFETY: an aligned C-contiguous array of intp.
        unsafe { std::slice::from_raw_parts(arr.data().cast::<isize>(), n) }
    };
    let indices = raw.iter().map(|&i| wrap_negative(i)).collect::<PyResult<Vec<_>>>()?;
    Ok(Selection::Many { indices, shape: arr.shape().to_vec() })
}

/// Copy one element of `from` to one of `to`, arrays of equal dtypes.
fn copy_element(to: &Array<'_>, dst: *mut u8, from: &Array<'_>, src: *const u8) -> PyResult<()> {
    let (py, dt) = (to.py(), to.dtype());
    if dt.has_object() {
        // SAFETY: one element of each.
        let (d, s) = unsafe {
            (ArrayRef::new(dst, &[], &[], dt), ArrayRef::new(src.cast_mut(), &[], &[], from.dtype()))
        };
        return micronumpy::cast::copy_into(&d, &s).py(py);
    }
    // SAFETY: as above; equal addresses are allowed by `copy`.
    unsafe { std::ptr::copy(src, dst, dt.itemsize) };
    Ok(())
}

fn subscript<'py>(slf: &Bound<'py, PyAny>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let arr = the_array(slf);
    match select(slf, key)? {
        Selection::Current if state(slf).index < state(slf).size => current(slf),
        Selection::Current => Err(PyIndexError::new_err("the iterator is at its end")),
        Selection::One(i) => {
            // SAFETY: `select` has checked the bounds.
            unsafe { scalar::to_scalar(&arr.descr(), address(state(slf), i), Some(&arr.0)) }
        }
        Selection::Many { indices, shape } => {
            let out = array::new(&arr.descr(), &shape, Order::C, arr.dtype().has_object())?;
            let size = arr.itemsize();
            for (n, &i) in indices.iter().enumerate() {
                copy_element(&out, out.data().wrapping_add(n * size), &arr, address(state(slf), i))?;
            }
            if arr.is_exact() {
                return Ok(out.0);
            }
            Ok(array::alloc::instance_of(out, arr.0.get_type().as_any(), Some(&arr.0))?.0)
        }
    }
}

fn assign(slf: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let Some(value) = value else { return Err(PyTypeError::new_err("Cannot delete iterator elements")) };
    let arr = the_array(slf);
    if !arr.is_writeable() {
        return Err(PyValueError::new_err("underlying array is read-only"));
    }
    if key.cast::<PyTuple>().is_ok_and(|t| t.is_empty()) {
        return Err(PyIndexError::new_err("Assigning to a flat iterator with a 0-D index is not supported"));
    }
    let descr = arr.descr();
    // A slice is looked at, and a list of positions held against the bounds, when the value is known to fit.
    let sliced = key.is_instance_of::<PySlice>() || key.is(PyEllipsis::get(slf.py()));
    let selected = match select(slf, key) {
        Err(e) if sliced || key.len().is_ok() && e.to_string().contains("out of bounds for size") => {
            array::from_any(value, Some(&descr), 0, 0, NPY_ARRAY_FORCECAST)?;
            return Err(e);
        }
        selected => selected?,
    };
    match selected {
        // False selects nothing that a value had to fit.
        Selection::Many { indices, .. } if indices.is_empty() && !sliced && key.len().is_err() => Ok(()),
        Selection::Current if state(slf).index < state(slf).size => {
            // SAFETY: the iterator stands on an element.
            unsafe { scalar::set_item(&descr, state(slf).dataptr, value) }
        }
        Selection::Current => Err(PyIndexError::new_err("the iterator is at its end")),
        Selection::One(i) => {
            let at = address(state(slf), i);
            // SAFETY: bounds checked.
            unsafe { scalar::set_item(&descr, at, value) }
                .map_err(|_| PyValueError::new_err("Error setting single item of array."))
        }
        Selection::Many { indices, .. } => {
            let val = array::from_any(value, Some(&descr), 0, 0, NPY_ARRAY_FORCECAST)?;
            // The value is reused from its start as often as needed.
            let source = new(&val)?;
            let n = val.size() as isize;
            if n == 0 {
                return Ok(());
            }
            for (k, &i) in indices.iter().enumerate() {
                let from = address(state(&source), k as isize % n);
                copy_element(&arr, address(state(slf), i), &val, from)?;
            }
            Ok(())
        }
    }
}

fn copy<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    subscript(slf, PyEllipsis::get(slf.py()).to_owned().as_any())
}

/// The elements as a one-dimensional array: a view where the memory allows it, else a copy that is not written back.
fn as_array<'py>(slf: &Bound<'py, PyAny>, _args: Args<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
    let arr = the_array(slf);
    let it = state(slf);
    if it.contiguous != 0 {
        let (n, item) = (it.size, arr.itemsize() as isize);
        // SAFETY: a contiguous array of `n` elements that `arr` keeps alive.
        let view = unsafe {
            array::new_view(&arr.descr(), arr.data(), &[n], &[item], &arr.0, arr.is_writeable(), None)
        }?;
        return Ok(view.0);
    }
    let copied = copy(slf)?;
    // A write to this copy would be lost, so it is read-only.
    copied.call_method1(intern!(slf.py(), "setflags"), (false,))?;
    Ok(copied)
}

fn compare<'py>(a: &Bound<'py, PyAny>, b: &Bound<'py, PyAny>, op: CompareOp) -> PyResult<Bound<'py, PyAny>> {
    copy(a)?.rich_compare(b, op)
}
