//! What shape and dtype nested Python data has.
//!
//! One walk over the data finds both, and remembers every sequence (as a list or tuple) and every array it met, in
//! order: filling the new array then walks the same objects again without asking them anything. The walk is depth
//! first; the first leaf it reaches fixes the number of dimensions, and whatever disagrees later makes the data ragged.

use micronumpy::array::MAXDIMS;
use micronumpy::dtype::host::is_host_class;
use micronumpy::dtype::promote::promote;
use micronumpy::{Dims, Dtype, Error, TypeNum};
use pyo3::exceptions::{PyKeyError, PyMemoryError, PyRecursionError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::super::args::CopyMode;
use crate::error::IntoPyResult;
use crate::objects::dtype::DtypeClass;
use crate::objects::{Array, Descr, dtype, method, scalar};
use crate::protocols;

/// What the caller wants the dtype to be.
#[derive(Clone)]
pub enum Request<'py> {
    /// Find it.
    Any,
    /// Exactly this one.
    Exact(Descr<'py>),
    /// This class; the parameters (string length, datetime unit) come from the data.
    Class(Descr<'py>),
}

impl<'py> Request<'py> {
    /// Descriptors without a size or unit mean their class.
    pub fn of(descr: Option<&Descr<'py>>) -> Request<'py> {
        let Some(d) = descr else { return Request::Any };
        let dt = d.dtype();
        let open = dt.is_unsized()
            || dt.datetime_meta().is_some_and(|m| m.unit == 14)
            || dtype::DtypeClass::is_prototype(d);
        if open { Request::Class(d.clone()) } else { Request::Exact(d.clone()) }
    }
    /// The descriptor, parameters or not.
    pub fn descr(&self) -> Option<&Descr<'py>> {
        match self {
            Request::Any => None,
            Request::Exact(d) | Request::Class(d) => Some(d),
        }
    }
    fn is_object(&self) -> bool {
        self.descr().is_some_and(|d| d.dtype().num.is_object())
    }
}

/// A sequence or array met on the way.
pub struct Met<'py> {
    /// The object as it stood in its parent.
    pub original: Bound<'py, PyAny>,
    /// A list or tuple with its items, or the array it was converted to.
    pub value: Bound<'py, PyAny>,
    pub is_sequence: bool,
    pub depth: usize,
}

/// The result of a walk.
pub struct Found<'py> {
    pub shape: Dims,
    pub descr: Option<Descr<'py>>,
    pub met: Vec<Met<'py>>,
    /// The top-level object (or something in it) was converted with a copy.
    pub was_copied: bool,
}

struct Walk<'a, 'py> {
    py: Python<'py>,
    request: &'a Request<'py>,
    /// Dimensions found so far.
    shape: [isize; MAXDIMS],
    /// The deepest level allowed, then found.
    max_dims: usize,
    limit: usize,
    /// A leaf has been seen: the number of dimensions is known.
    depth_known: bool,
    ragged: bool,
    found: Option<Descr<'py>>,
    /// Number of the last plain numeric type merged into `found`, to skip merging it again.
    last: Option<TypeNum>,
    /// The dtype is known beforehand: look for the shape only.
    dtype_fixed: bool,
    tuples_are_elements: bool,
    strings_are_sequences: bool,
    met: Vec<Met<'py>>,
    was_copied: bool,
    copy: CopyMode,
    /// Object already converted by the caller's caller: no `__array__` and friends at depth 0.
    steps: usize,
}

/// Walk `obj`. `max_dims` limits the depth; deeper sequences are objects.
///
/// # Errors
/// Ragged data without `dtype=object`, errors of protocols and of promotion.
pub fn discover<'py>(
    obj: &Bound<'py, PyAny>,
    request: &Request<'py>,
    max_dims: usize,
    copy: CopyMode,
) -> PyResult<Found<'py>> {
    let py = obj.py();
    let mut walk = Walk {
        py,
        request,
        shape: [-1; MAXDIMS],
        max_dims,
        limit: max_dims,
        depth_known: false,
        ragged: false,
        found: None,
        last: None,
        dtype_fixed: matches!(request, Request::Exact(_)),
        tuples_are_elements: false,
        strings_are_sequences: false,
        met: Vec::new(),
        was_copied: false,
        copy,
        steps: 0,
    };
    if let Some(d) = request.descr() {
        let dt = d.dtype();
        // SAFETY: live descriptor.
        let ch = unsafe { (*d.raw()).type_ };
        if dt.num == TypeNum::STRING && ch == b'c' {
            walk.strings_are_sequences = true;
        } else if dt.num == TypeNum::VOID && (dt.fields().is_some() || dt.subarray().is_some()) {
            walk.tuples_are_elements = true;
        }
    }
    walk.visit(obj, 0)?;
    let ndim = walk.max_dims;
    if walk.ragged {
        if !request.is_object() {
            if ndim == max_dims {
                return Err(too_deep(max_dims));
            }
            let shape = super::super::args::int_tuple(py, &walk.shape[..ndim])?;
            return Err(PyValueError::new_err(format!(
                "setting an array element with a sequence. The requested array has an inhomogeneous shape after \
                 {ndim} dimensions. The detected shape was {} + inhomogeneous part.",
                shape.repr()?
            )));
        }
        // What lies deeper are elements.
        walk.met.retain(|m| m.depth < ndim);
    }
    let descr = match request {
        Request::Exact(d) => Some(d.clone()),
        Request::Class(d) => Some(match walk.found {
            Some(f) => f,
            // Raw bytes of no given length have eight.
            None if d.dtype().num == TypeNum::VOID => dtype::descr_of(py, &Dtype::void(8))?,
            None if is_host_class(d.dtype().num) => DtypeClass::of(d).default_descr()?,
            None => d.clone(),
        }),
        Request::Any => walk.found,
    };
    Ok(Found {
        shape: Dims::from_slice(&walk.shape[..ndim]),
        descr,
        met: walk.met,
        was_copied: walk.was_copied,
    })
}

fn too_deep(limit: usize) -> PyErr {
    PyValueError::new_err(format!(
        "setting an array element with a sequence. The requested array would exceed the maximum number of dimension \
         of {limit}."
    ))
}

/// Builtin types that are never array-like by a protocol.
fn is_plain(obj: &Bound<'_, PyAny>) -> bool {
    // SAFETY: comparing type pointers of a live object.
    unsafe {
        let t = ffi::Py_TYPE(obj.as_ptr());
        t == &raw mut ffi::PyFloat_Type
            || t == &raw mut ffi::PyLong_Type
            || t == &raw mut ffi::PyList_Type
            || t == &raw mut ffi::PyTuple_Type
            || t == &raw mut ffi::PyUnicode_Type
            || t == &raw mut ffi::PyBytes_Type
            || t == &raw mut ffi::PyBool_Type
            || t == &raw mut ffi::PyComplex_Type
            || t == &raw mut ffi::PyDict_Type
            || t == ffi::Py_TYPE(ffi::Py_None())
    }
}

/// The number of a Python number of an exact builtin type, if its dtype does not depend on more than its type.
fn quick_number(obj: &Bound<'_, PyAny>) -> Option<TypeNum> {
    // SAFETY: type checks and an overflow-checked conversion of a live object.
    unsafe {
        let p = obj.as_ptr();
        let t = ffi::Py_TYPE(p);
        if t == &raw mut ffi::PyFloat_Type {
            return Some(TypeNum::DOUBLE);
        }
        if t == &raw mut ffi::PyBool_Type {
            return Some(TypeNum::BOOL);
        }
        if t == &raw mut ffi::PyComplex_Type {
            return Some(TypeNum::CDOUBLE);
        }
        if t == &raw mut ffi::PyLong_Type {
            let mut overflow = 0;
            ffi::PyLong_AsLongLongAndOverflow(p, &mut overflow);
            return (overflow == 0).then_some(TypeNum::LONG);
        }
        None
    }
}

impl<'py> Walk<'_, 'py> {
    fn visit(&mut self, obj: &Bound<'py, PyAny>, depth: usize) -> PyResult<()> {
        if let Some(arr) = Array::cast(obj) {
            return self.array(obj, arr, depth);
        }
        if let Some(num) = quick_number(obj) {
            return self.quick(obj, num, depth);
        }
        let is_text = obj.is_instance_of::<PyString>() || obj.is_instance_of::<PyBytes>();
        if is_text && self.strings_are_sequences && obj.len()? != 1 {
            // `dtype='c'`: characters are the elements.
        } else if is_text || crate::objects::handles::is_scalar(obj) {
            return self.scalar(obj, depth);
        } else if let Some(descr) = scalar::descr_of_scalar(obj)? {
            return self.leaf(obj, Some(descr), depth);
        }
        if !is_plain(obj) && !is_text {
            let converted = protocols::array_like(obj, self.request.descr(), self.copy)?;
            if let Some((arr, copied)) = converted {
                self.was_copied |= copied;
                return self.array(obj, arr, depth);
            }
        }
        // What goes into an array of many is copied there, so nothing in it has to be a copy already.
        if self.copy == CopyMode::Always {
            self.copy = CopyMode::IfNeeded;
        }
        self.sequence(obj, depth)
    }

    fn sequence(&mut self, obj: &Bound<'py, PyAny>, depth: usize) -> PyResult<()> {
        let py = self.py;
        // SAFETY: protocol checks of a live object.
        let mut is_sequence = unsafe {
            let p = obj.as_ptr();
            if ffi::PyList_CheckExact(p) != 0 || ffi::PyTuple_CheckExact(p) != 0 {
                true
            } else if ffi::PySequence_Check(p) == 0 {
                false
            } else if ffi::PySequence_Size(p) >= 0 {
                true
            } else {
                let e = PyErr::fetch(py);
                // Running out of stack or memory is not a matter of this object.
                if e.is_instance_of::<PyRecursionError>(py) || e.is_instance_of::<PyMemoryError>(py) {
                    return Err(e);
                }
                false
            }
        };
        if self.tuples_are_elements && obj.is_instance_of::<pyo3::types::PyTuple>() {
            is_sequence = false;
        }
        if depth == self.max_dims || !is_sequence {
            self.leaf(obj, None, depth)?;
            if is_sequence {
                // Ragged, or deeper than an array can be.
                self.ragged = true;
                if depth == self.limit && !self.request.is_object() {
                    // The end is clear; a list that contains itself twice would take forever to walk.
                    return Err(too_deep(self.limit));
                }
            }
            return Ok(());
        }
        // SAFETY: a new reference or null.
        let fast =
            unsafe { ffi::PySequence_Fast(obj.as_ptr(), c"Could not convert object to sequence".as_ptr()) };
        // SAFETY: as above.
        let fast = match unsafe { Bound::from_owned_ptr_or_err(py, fast) } {
            Ok(f) => f,
            // Mappings with a length look like sequences.
            Err(e) if e.is_instance_of::<PyKeyError>(py) => return self.leaf(obj, None, depth),
            Err(e) => return Err(e),
        };
        let n = fast.len()?;
        self.met.push(Met { original: obj.clone(), value: fast.clone(), is_sequence: true, depth });
        if !self.update_shape(depth, &[n as isize], true) {
            self.ragged = true;
            return Ok(());
        }
        if !self.depth_known {
            let mut total = 8isize;
            for &d in &self.shape[..=depth] {
                total = total.checked_mul(d.max(1)).ok_or_else(|| {
                    PyValueError::new_err(
                        "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.",
                    )
                })?;
            }
        }
        if n == 0 {
            // Nothing can be below an empty sequence.
            self.depth_known = true;
            self.max_dims = depth + 1;
            return Ok(());
        }
        for i in 0..n {
            // The list may shrink while its items are looked at.
            // SAFETY: a list or tuple; items are checked against its present length.
            let item = unsafe {
                let p = fast.as_ptr();
                if ffi::PyList_Check(p) != 0 {
                    if i as isize >= ffi::PyList_GET_SIZE(p) {
                        return Err(changed("length inconsistent"));
                    }
                    Bound::from_borrowed_ptr(py, ffi::PyList_GET_ITEM(p, i as isize))
                } else {
                    Bound::from_borrowed_ptr(py, ffi::PyTuple_GET_ITEM(p, i as isize))
                }
            };
            self.visit(&item, depth + 1)?;
        }
        self.steps += 1;
        if self.steps & 1023 == 0 {
            py.check_signals()?;
        }
        Ok(())
    }

    /// Enter `new` dimensions at `depth`; false when they do not fit what is known.
    fn update_shape(&mut self, depth: usize, new: &[isize], sequence: bool) -> bool {
        let known = self.depth_known;
        let mut ok = true;
        let mut n = new.len();
        if depth + n > self.max_dims {
            ok = false;
            n = self.max_dims - depth;
        } else if !sequence && self.max_dims != depth + n {
            self.max_dims = depth + n;
            if known {
                ok = false;
            }
        }
        for i in 0..n {
            if !known {
                self.shape[depth + i] = new[i];
            } else if new[i] != self.shape[depth + i] {
                ok = false;
                self.max_dims = if sequence { depth } else { depth + i };
                break;
            }
        }
        if !sequence {
            self.depth_known = true;
        }
        ok
    }

    fn array(&mut self, original: &Bound<'py, PyAny>, arr: Array<'py>, depth: usize) -> PyResult<()> {
        self.met.push(Met { original: original.clone(), value: arr.0.clone(), is_sequence: false, depth });
        if !self.update_shape(depth, arr.shape(), false) {
            self.ragged = true;
            return Ok(());
        }
        if self.dtype_fixed {
            return Ok(());
        }
        let descr = match self.request {
            Request::Class(class) => array_descr(&arr, class)?,
            _ => Some(arr.descr()),
        };
        match descr {
            Some(d) => self.merge(d),
            None => Ok(()),
        }
    }

    fn quick(&mut self, obj: &Bound<'py, PyAny>, num: TypeNum, depth: usize) -> PyResult<()> {
        if !self.update_shape(depth, &[], false) {
            self.ragged = true;
            return Ok(());
        }
        if self.dtype_fixed {
            return Ok(());
        }
        if let Request::Class(class) = self.request {
            let d = scalar_descr(obj, class)?;
            return self.merge(d);
        }
        if self.last == Some(num) {
            return Ok(());
        }
        self.merge(dtype::builtin(self.py, num))?;
        self.last = Some(num);
        Ok(())
    }

    fn scalar(&mut self, obj: &Bound<'py, PyAny>, depth: usize) -> PyResult<()> {
        let descr = if self.dtype_fixed || matches!(self.request, Request::Class(_)) {
            None
        } else {
            scalar::descr_of_scalar(obj)?
        };
        self.leaf(obj, descr, depth)
    }

    fn leaf(&mut self, obj: &Bound<'py, PyAny>, descr: Option<Descr<'py>>, depth: usize) -> PyResult<()> {
        if !self.update_shape(depth, &[], false) {
            self.ragged = true;
            return Ok(());
        }
        if self.dtype_fixed {
            return Ok(());
        }
        let descr = match (self.request, descr) {
            (Request::Class(class), _) => scalar_descr(obj, class)?,
            (_, Some(d)) => d,
            (_, None) => dtype::builtin(self.py, TypeNum::OBJECT),
        };
        self.merge(descr)
    }

    fn merge(&mut self, descr: Descr<'py>) -> PyResult<()> {
        self.last = None;
        let Some(old) = &self.found else {
            self.found = Some(descr);
            return Ok(());
        };
        // Even equal dtypes lose a foreign byte order when they meet, and the holes between fields.
        if old.is(&descr) && descr.dtype().is_native() && descr.dtype().num != TypeNum::VOID {
            return Ok(());
        }
        let merged = match promote(old.dtype(), descr.dtype()) {
            Ok(dt) if dt == *old.dtype() => return Ok(()),
            Ok(dt) => dtype::descr_of(self.py, &dt)?,
            Err(Error::Promotion(_)) if matches!(self.request, Request::Any) => {
                dtype::builtin(self.py, TypeNum::OBJECT)
            }
            Err(e) => return Err(e).py(self.py),
        };
        self.found = Some(merged);
        Ok(())
    }
}

/// A list changed its length while it was being read.
pub fn changed(how: &str) -> PyErr {
    pyo3::exceptions::PyRuntimeError::new_err(format!(
        "Inconsistent object during array creation? Content of sequences changed ({how})."
    ))
}

/// The dtype of a numpy scalar that is a number, a truth value or a duration.
fn numeric_scalar<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    match scalar::value::typenum_of(obj) {
        Some(n) if n.is_number() || n.is_bool() || n == TypeNum::TIMEDELTA => scalar::descr_of_scalar(obj),
        _ => Ok(None),
    }
}

/// The descriptor of `class` that holds one Python object.
pub fn scalar_descr<'py>(obj: &Bound<'py, PyAny>, class: &Descr<'py>) -> PyResult<Descr<'py>> {
    let py = obj.py();
    let num = class.dtype().num;
    match num {
        TypeNum::STRING | TypeNum::UNICODE => {
            let mut converted = false;
            // SAFETY: live descriptor.
            let chars = if unsafe { (*class.raw()).type_ } == b'c' {
                1
            } else if let Ok(s) = obj.cast::<PyString>() {
                s.len()?
            } else if let Ok(b) = obj.cast::<PyBytes>() {
                b.as_bytes().len()
            } else if let Some(own) = numeric_scalar(obj)? {
                // As long as any value of the type may be.
                return dtype::descr_of(py, &micronumpy::cast::sized_for(own.dtype(), class.dtype()));
            } else {
                converted = true;
                obj.str()?.len()?
            };
            let width = if num == TypeNum::UNICODE { 4 } else { 1 };
            if chars > i32::MAX as usize / width {
                let length = if converted { format!(" of length {chars} is") } else { String::new() };
                return Err(pyo3::exceptions::PyTypeError::new_err(format!(
                    "string{length} too large to store inside array."
                )));
            }
            // SAFETY: as above.
            if unsafe { (*class.raw()).type_ } == b'c' {
                return Ok(class.clone());
            }
            let mut dt = class.dtype().clone();
            dt.itemsize = width * chars;
            dtype::descr_of(py, &dt)
        }
        TypeNum::VOID => {
            if crate::objects::handles::is_scalar(obj) {
                if let Some(d) = scalar::descr_of_scalar(obj)? {
                    if d.dtype().num == TypeNum::VOID {
                        return Ok(d);
                    }
                    return dtype::descr_of(py, &Dtype::void(d.itemsize()));
                }
            }
            if let Ok(b) = obj.cast::<PyBytes>() {
                return dtype::descr_of(py, &Dtype::void(b.as_bytes().len()));
            }
            let name = obj.get_type().name()?;
            Err(pyo3::exceptions::PyTypeError::new_err(format!(
                "A bytes-like object is required, not '{name}'"
            )))
        }
        TypeNum::DATETIME | TypeNum::TIMEDELTA => super::datetime::scalar_descr(obj, num),
        _ if is_host_class(num) => host_scalar_descr(obj, &DtypeClass::of(class)),
        _ => Ok(class.clone()),
    }
}

/// The descriptor of a user DType that holds one Python object: found by the class, or from a dtype the object has already.
fn host_scalar_descr<'py>(obj: &Bound<'py, PyAny>, class: &DtypeClass<'py>) -> PyResult<Descr<'py>> {
    if class.knows_scalar(&obj.get_type())? {
        return class.discover(obj);
    }
    match scalar::descr_of_scalar(obj)? {
        Some(own) => cast_to_class(&own, class),
        None => class.discover(obj),
    }
}

/// What a dtype becomes in a cast to a user DType.
fn cast_to_class<'py>(from: &Descr<'py>, class: &DtypeClass<'py>) -> PyResult<Descr<'py>> {
    if class.is_class_of(from) {
        return Ok(from.clone());
    }
    let own = DtypeClass::of(from);
    let found = match method::casts::method_for(&own, class)? {
        Some(cast) => cast.resolve(&[own, class.clone()], &[Some(from.clone()), None])?,
        None => None,
    };
    match found {
        Some(r) => Ok(r.descrs[1].clone()),
        None => Err(pyo3::exceptions::PyTypeError::new_err(format!(
            "cannot cast dtype {} to {}.",
            from.0.str()?,
            class.0.str()?
        ))),
    }
}

/// The descriptor of `class` that holds all elements of an array; `None` when an object array says nothing.
pub fn array_descr<'py>(arr: &Array<'py>, class: &Descr<'py>) -> PyResult<Option<Descr<'py>>> {
    let py = arr.py();
    let dt = arr.dtype();
    if !dt.num.is_object() {
        if class.dtype().num == dt.num {
            return Ok(Some(arr.descr()));
        }
        if dt.num.is_datetime() && class.dtype().num.is_datetime() {
            // Dates and durations become one another with the unit they have.
            let mut same_unit = dt.with_byteorder(b'=');
            same_unit.num = class.dtype().num;
            return dtype::descr_of(py, &same_unit).map(Some);
        }
        if dt.num == TypeNum::STRING || dt.num == TypeNum::UNICODE {
            if class.dtype().num.is_datetime() {
                return super::datetime::array_descr(arr, class.dtype().num).map(Some);
            }
        }
        if is_host_class(class.dtype().num) || is_host_class(dt.num) || dt.num == TypeNum::VSTRING {
            return cast_to_class(&arr.descr(), &DtypeClass::of(class)).map(Some);
        }
        let sized = micronumpy::cast::sized_for(dt, class.dtype());
        if sized.itemsize > i32::MAX as usize || micronumpy::cast::cast_level(dt, &sized).is_none() {
            return Err(pyo3::exceptions::PyTypeError::new_err(format!(
                "cannot cast dtype {} to {}.",
                arr.descr().0.str()?,
                class.0.get_type().repr()?
            )));
        }
        return dtype::descr_of(py, &sized).map(Some);
    }
    // Objects are asked one by one.
    let mut found: Option<Descr<'py>> = None;
    super::super::for_each_object(arr, |obj| {
        let d = scalar_descr(obj, class)?;
        found = Some(match found.take() {
            None => d,
            Some(old) => {
                let dt = promote(old.dtype(), d.dtype()).py(py)?;
                if dt == *old.dtype() { old } else { dtype::descr_of(py, &dt)? }
            }
        });
        Ok(())
    })?;
    Ok(found)
}
