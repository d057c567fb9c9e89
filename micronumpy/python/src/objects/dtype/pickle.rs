//! Pickling of descriptors. The state tuples are numpy's, so pickles can be exchanged with it.

use micronumpy::TypeNum;
use micronumpy::dtype::{NATIVE, SWAPPED, flags};
use pyo3::exceptions::{PyKeyError, PySystemError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::attrs::this;
use super::{DESCR_TYPE, datetime, datetime_aux, fields, legacy, lossy, subarray};
use crate::abi::*;
use crate::ffi::{Args, types};
use crate::objects::{Descr, scalar};

type Obj<'py> = Bound<'py, PyAny>;

/// Types whose size belongs into the state.
fn is_extended(num: TypeNum) -> bool {
    num.is_flexible() || num.is_user()
}

/// `dtype.__reduce__`
pub(super) fn reduce<'py>(slf: &Obj<'py>, _: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let descr = this(slf);
    let none = || py.None().into_bound(py);
    let Some(full) = legacy(&descr) else {
        return Err(PyTypeError::new_err("cannot pickle a new style dtype without its own __reduce__"));
    };
    // SAFETY: a live descriptor and what it owns.
    unsafe {
        let full = &*full;
        let d = &full.base;
        let num = TypeNum(d.type_num);
        let spec = if num.is_user() || (num == TypeNum::VOID && d.typeobj != scalar::concrete(num)) {
            types::handle(py, d.typeobj)
        } else {
            let size = if num == TypeNum::UNICODE { d.elsize / 4 } else { d.elsize };
            PyString::new(py, &format!("{}{size}", d.kind as char)).into_any()
        };
        let dtype = types::handle(py, DESCR_TYPE.as_type());
        let metadata = Bound::from_borrowed_ptr_or_opt(py, d.metadata);
        let meta = descr.dtype().datetime_meta();
        let order = if d.byteorder == b'=' { NATIVE } else { d.byteorder };
        let mut state: Vec<Obj<'py>> = vec![
            (if meta.is_some() || metadata.is_some() { 4i32 } else { 3 }).into_pyobject(py)?.into_any(),
            PyString::new(py, &(order as char).to_string()).into_any(),
        ];
        state.push(match full.subarray.as_ref() {
            Some(sub) => {
                let base = Bound::from_borrowed_ptr(py, sub.base.cast());
                PyTuple::new(py, [base, Bound::from_borrowed_ptr(py, sub.shape)])?.into_any()
            }
            None => none(),
        });
        match (fields::names(&descr), fields::dict(&descr)) {
            (Some(names), Some(dict)) => {
                state.push(names.into_any());
                state.push(dict.into_any());
            }
            _ => state.extend([none(), none()]),
        }
        let (size, align) = if is_extended(num) { (d.elsize, d.alignment) } else { (-1, -1) };
        state.push(size.into_pyobject(py)?.into_any());
        state.push(align.into_pyobject(py)?.into_any());
        state.push(d.flags.into_pyobject(py)?.into_any());
        match meta {
            Some(meta) => {
                let metadata = metadata.unwrap_or_else(none);
                state.push((metadata, datetime::to_tuple(py, meta)?).into_pyobject(py)?.into_any());
            }
            None => state.extend(metadata),
        }
        let args = (spec, false, true);
        Ok((dtype, args, PyTuple::new(py, state)?).into_pyobject(py)?.into_any())
    }
}

/// The parts of a state tuple, whatever its version.
struct State<'py> {
    version: i64,
    order: Obj<'py>,
    subarray: Obj<'py>,
    names: Obj<'py>,
    fields: Obj<'py>,
    elsize: isize,
    alignment: isize,
    flags: Option<i64>,
    metadata: Option<Obj<'py>>,
}

fn parse<'py>(state: &Bound<'py, PyTuple>) -> PyResult<State<'py>> {
    let py = state.py();
    let at = |i: usize| state.get_item(i);
    let int = |i: usize| -> PyResult<isize> { at(i)?.extract() };
    let n = state.len();
    Ok(match n {
        7..=9 => State {
            version: at(0)?.extract()?,
            order: at(1)?,
            subarray: at(2)?,
            names: at(3)?,
            fields: at(4)?,
            elsize: int(5)?,
            alignment: int(6)?,
            flags: if n > 7 { Some(at(7)?.extract()?) } else { None },
            metadata: if n > 8 { Some(at(8)?) } else { None },
        },
        5 | 6 => {
            // The oldest pickles keep the order of names in the fields, under -1.
            let skip = n - 5;
            let fields = at(skip + 2)?;
            let (names, fields) = match fields.cast::<PyDict>() {
                Ok(dict) => {
                    let dict = dict.copy()?;
                    let names = dict.get_item(-1)?.ok_or_else(|| PyKeyError::new_err(-1))?;
                    dict.del_item(-1)?;
                    (
                        PyTuple::new(py, names.try_iter()?.collect::<PyResult<Vec<_>>>()?)?.into_any(),
                        dict.into_any(),
                    )
                }
                Err(_) => (py.None().into_bound(py), fields),
            };
            State {
                version: if skip == 1 { at(0)?.extract()? } else { 0 },
                order: at(skip)?,
                subarray: at(skip + 1)?,
                names,
                fields,
                elsize: int(skip + 3)?,
                alignment: int(skip + 4)?,
                flags: None,
                metadata: None,
            }
        }
        _ => {
            let version = if n > 4 { at(0)?.extract()? } else { -1 };
            return Err(version_error(version));
        }
    })
}

fn version_error(version: i64) -> PyErr {
    PyValueError::new_err(format!("can't handle version {version} of numpy.dtype pickle"))
}

/// `dtype.__setstate__`
pub(super) fn setstate<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let none = py.None().into_bound(py);
    let descr = this(slf);
    let Some(full) = legacy(&descr) else { return Ok(none) };
    // Builtin singletons are what they are.
    // SAFETY: a live descriptor.
    if unsafe { (*full).fields == ffi::Py_None() } {
        return Ok(none);
    }
    let state = match (args.len(), args.get(0)) {
        (1, Some(state)) => state.cast_into::<PyTuple>().ok(),
        _ => None,
    };
    let Some(state) = state else {
        return Err(PySystemError::new_err("bad argument to internal function"));
    };
    let state = parse(&state)?;
    if !(0..=4).contains(&state.version) {
        return Err(version_error(state.version));
    }
    // SAFETY: a live descriptor; it owns what is replaced.
    unsafe {
        // Once the descriptor is in use, memory may be laid out by what it says now: names may change, sizes and
        // references may not.
        let old = (*descr.raw()).core;
        if !old.is_null() {
            let size =
                if is_extended(TypeNum((*full).base.type_num)) { state.elsize } else { (*full).base.elsize };
            let references =
                (*old).has_object() || state.flags.unwrap_or(0) as u64 & flags::ITEM_REFCOUNT != 0;
            if size != (*full).base.elsize || references {
                return Err(PyValueError::new_err("cannot change the layout of a dtype that is in use"));
            }
        }
        restore(&descr, full, state)?;
        super::invalidate(descr.raw());
        super::dtype_of(descr.raw());
    }
    Ok(none)
}

fn order_of(obj: &Obj<'_>) -> PyResult<u8> {
    let text = match obj.cast::<PyBytes>() {
        Ok(bytes) => bytes.as_bytes().to_vec(),
        Err(_) => lossy(obj).into_bytes(),
    };
    match text[..] {
        [b @ (SWAPPED | b'|')] => Ok(b),
        [_] => Ok(b'='),
        _ => Err(PyValueError::new_err("endian is not 1-char string in Numpy dtype unpickling")),
    }
}

/// # Safety
/// `full` is the descriptor in `descr`, not in use yet.
unsafe fn restore<'py>(
    descr: &Descr<'py>,
    full: *mut PyArray_LegacyDescr,
    state: State<'py>,
) -> PyResult<()> {
    let py = descr.py();
    if state.names.is_none() != state.fields.is_none() {
        return Err(PyValueError::new_err("inconsistent fields and names in Numpy dtype unpickling"));
    }
    // SAFETY: the caller's promise.
    let full = unsafe { &mut *full };
    let num = TypeNum(full.base.type_num);
    let mut order = order_of(&state.order)?;
    if full.base.byteorder == b'|' {
        order = b'|';
    } else if order == b'|' {
        order = b'=';
    }
    let (mut size, mut align, mut bits) = (full.base.elsize, full.base.alignment, full.base.flags);
    if is_extended(num) {
        size = state.elsize;
        align = state.alignment.max(1);
        if size < 0 || !(align as usize).is_power_of_two() || size > i32::MAX as isize {
            return Err(PyValueError::new_err("invalid itemsize or alignment in Numpy dtype unpickling"));
        }
        if num == TypeNum::UNICODE {
            size = size / 4 * 4;
        }
    }
    let sub = if state.subarray.is_none() { None } else { Some(read_subarray(&state.subarray)?) };
    let mut names = None;
    if !state.names.is_none() {
        let Ok(tuple) = state.names.cast::<PyTuple>() else {
            return Err(PyValueError::new_err("non-tuple names in Numpy dtype unpickling"));
        };
        let Ok(dict) = state.fields.cast::<PyDict>() else {
            return Err(PyValueError::new_err("non-dict fields in Numpy dtype unpickling"));
        };
        let (clean_names, clean_fields) = (PyList::empty(py), PyDict::new(py));
        bits = flags::NEEDS_PYAPI | (state.flags.unwrap_or(0) as u64 & flags::ALIGNED_STRUCT);
        for name in tuple.iter() {
            let item = dict.get_item(&name)?.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))?;
            let (field, offset, title) = fields::entry(dict, &name)?;
            // SAFETY: a live descriptor.
            let field = unsafe { &*field.raw() };
            if offset < 0 || offset.checked_add(field.elsize).is_none_or(|end| end > size) {
                return Err(PyValueError::new_err(
                    "field outside of its structure in Numpy dtype unpickling",
                ));
            }
            bits |= field.flags & fields::FROM_FIELDS;
            // Pickles written by Python 2 have bytes here.
            let name = match name.cast::<PyBytes>() {
                Ok(b) => PyString::new(py, &String::from_utf8_lossy(b.as_bytes())).into_any(),
                Err(_) => name,
            };
            if !name.is_instance_of::<PyString>() {
                return Err(PyValueError::new_err("field names must be strings"));
            }
            clean_fields.set_item(&name, &item)?;
            if let Some(title) = title.filter(|t| t.is_instance_of::<PyString>()) {
                clean_fields.set_item(title, &item)?;
            }
            clean_names.append(name)?;
        }
        names = Some((clean_names.to_tuple(), clean_fields));
    }
    if let Some((base, shape)) = &sub {
        let count: Option<isize> = shape
            .iter()
            .try_fold(1isize, |n, d| n.checked_mul(d.extract::<isize>().ok().filter(|d| *d >= 0)?));
        // SAFETY: a live descriptor.
        let base = unsafe { &*base.raw() };
        if count.and_then(|n| n.checked_mul(base.elsize)) != Some(size) {
            return Err(PyValueError::new_err("incorrect subarray shape in __setstate__"));
        }
        bits = base.flags;
    }
    let mut metadata = None;
    let mut meta = None;
    if num.is_datetime() {
        if let Some(both) = &state.metadata {
            let pair = both.cast::<PyTuple>().ok().filter(|t| t.len() == 2);
            let Some(pair) = pair else {
                return Err(PyValueError::new_err(format!(
                    "Invalid datetime dtype (metadata, c_metadata): {}",
                    both.repr()?.to_string_lossy()
                )));
            };
            meta = Some(datetime::from_tuple(&pair.get_item(1)?)?);
            metadata = Some(pair.get_item(0)?);
        }
    } else {
        metadata = state.metadata;
    }
    let metadata = metadata.filter(|m| !m.is_none());
    if let Some(m) = &metadata
        && !m.is_instance_of::<PyDict>()
    {
        return Err(PyTypeError::new_err("metadata of a dtype must be a dict"));
    }
    if !full.base.core.is_null() && bits & flags::ITEM_REFCOUNT != 0 {
        return Err(PyValueError::new_err("cannot change the layout of a dtype that is in use"));
    }
    // Nothing fails from here on.
    full.base.byteorder = order;
    full.base.elsize = size;
    full.base.alignment = align;
    full.base.flags = bits;
    full.base.hash = -1;
    // SAFETY: the descriptor owns what is replaced.
    unsafe {
        if let Some((base, shape)) = sub {
            let new = subarray(base, shape)?;
            super::free_subarray(std::mem::replace(&mut full.subarray, new));
        }
        if let Some((names, dict)) = names {
            ffi::Py_XDECREF(std::mem::replace(&mut full.names, names.into_ptr()));
            ffi::Py_XDECREF(std::mem::replace(&mut full.fields, dict.into_ptr()));
        }
        if let Some(meta) = meta {
            let old = std::mem::replace(&mut full.c_metadata, datetime_aux(meta));
            if let Some(free) = old.as_ref().and_then(|m| m.free) {
                free(old);
            }
        }
        if let Some(metadata) = metadata {
            ffi::Py_XDECREF(std::mem::replace(&mut full.base.metadata, metadata.into_ptr()));
        }
    }
    Ok(())
}

fn read_subarray<'py>(obj: &Obj<'py>) -> PyResult<(Descr<'py>, Bound<'py, PyTuple>)> {
    let bad = || PyValueError::new_err("incorrect subarray in __setstate__");
    let pair = obj.cast::<PyTuple>().ok().filter(|t| t.len() == 2).ok_or_else(bad)?;
    let base = Descr::cast(&pair.get_item(0)?).ok_or_else(bad)?;
    let shape = pair.get_item(1)?;
    let dims = fields::dimensions(&shape)
        .ok_or_else(|| PyValueError::new_err("incorrect subarray shape in __setstate__"))?;
    Ok((base, PyTuple::new(obj.py(), dims)?))
}
