//! Anything to an array: `np.array`, `np.asarray` and `PyArray_FromAny`.

pub mod datetime;
pub mod discover;

use micronumpy::array::MAXDIMS;
use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;

use super::alloc::{self, Make};
use super::args::CopyMode;
use super::{assign, writeback};
use crate::abi::*;
use crate::objects::{Array, Descr, dtype, scalar};
use discover::{Found, Met, Request, discover};

/// What `copy=False` says when a copy is needed.
pub const NO_COPY_TEXT: &str = "Unable to avoid copy while creating an array as requested.\nIf using `np.array(obj, \
    copy=False)` replace it with `np.asarray(obj)` to allow a copy when needed (no behavior change in NumPy 1.x).\nFor \
    more details, see https://numpy.org/devdocs/numpy_2_0_migration_guide.html#adapting-to-changes-in-the-copy-keyword.";

fn no_copy() -> PyErr {
    PyValueError::new_err(NO_COPY_TEXT)
}

/// `PyArray_FromAny` with the copy rules of the caller; `was_copied` says that a protocol made a copy on the way.
pub fn from_any<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    min_depth: usize,
    max_depth: usize,
    flags: i32,
) -> PyResult<Array<'py>> {
    // Callers of the C API mean "no limit" by a depth of zero.
    let limit = if max_depth == 0 { MAXDIMS } else { max_depth.min(MAXDIMS) };
    convert(obj, descr, min_depth, max_depth, limit, flags)
}

/// [`from_any`] for objects that are no arrays, with a limit on depth that may be zero (`ndmax`).
pub fn from_any_limited<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    limit: usize,
    flags: i32,
) -> PyResult<Array<'py>> {
    convert(obj, descr, 0, 0, limit, flags)
}

fn convert<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    min_depth: usize,
    max_depth: usize,
    limit: usize,
    mut flags: i32,
) -> PyResult<Array<'py>> {
    let py = obj.py();
    let check_depth = |ndim: usize| {
        if min_depth != 0 && ndim < min_depth {
            return Err(PyValueError::new_err("object of too small depth for desired array"));
        }
        if max_depth != 0 && ndim > max_depth {
            return Err(PyValueError::new_err("object too deep for desired array"));
        }
        Ok(())
    };
    if let Some(arr) = Array::cast(obj) {
        check_depth(arr.ndim())?;
        return from_array(&arr, descr, flags);
    }
    let copy = if flags & NPY_ARRAY_ENSURECOPY != 0 {
        CopyMode::Always
    } else if flags & NPY_ARRAY_ENSURENOCOPY != 0 {
        CopyMode::Never
    } else {
        CopyMode::IfNeeded
    };
    let request = Request::of(descr);
    let found = discover(obj, &request, limit, copy)?;
    check_depth(found.shape.len())?;
    if let [Met { value, is_sequence: false, depth: 0, .. }] = &found.met[..] {
        // The object itself became an array by a protocol.
        let arr = Array(value.clone());
        if found.was_copied && copy == CopyMode::Always {
            flags &= !NPY_ARRAY_ENSURECOPY;
        }
        return from_array(&arr, descr, flags);
    }
    if descr.is_none()
        && let Some(view) = void_view(obj)?
    {
        return Ok(view);
    }
    if copy == CopyMode::Never {
        return Err(no_copy());
    }
    let descr = match found.descr.clone() {
        Some(d) => d,
        None => dtype::builtin(py, TypeNum::DOUBLE),
    };
    if flags & NPY_ARRAY_NOTSWAPPED != 0 && descr.dtype().is_swapped() {
        let native = dtype::descr_of(py, &descr.dtype().with_byteorder(b'='))?;
        return build(obj, &native, &found, flags & NPY_ARRAY_F_CONTIGUOUS != 0);
    }
    if flags & NPY_ARRAY_WRITEBACKIFCOPY != 0 {
        return Err(PyTypeError::new_err("WRITEBACKIFCOPY used for non-array input."));
    }
    build(obj, &descr, &found, flags & NPY_ARRAY_F_CONTIGUOUS != 0)
}

/// A structured scalar that is part of an array, as an array: a view, so that `arr[i]["field"] = value` writes to `arr`, in
/// whichever way a subclass gets there.
fn void_view<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Array<'py>>> {
    let Some((descr, data, flags)) = scalar::void::part(obj) else { return Ok(None) };
    // SAFETY: the scalar's element, which it keeps alive.
    let view = unsafe {
        Make {
            data,
            writeable: flags & NPY_ARRAY_WRITEABLE != 0,
            base: Some(obj.clone()),
            allow_empty_string: true,
            ..Make::new(&descr, &[])
        }
        .build()?
    };
    Ok(Some(view))
}

/// A new array of what was found, filled.
fn build<'py>(
    obj: &Bound<'py, PyAny>,
    descr: &Descr<'py>,
    found: &Found<'py>,
    fortran: bool,
) -> PyResult<Array<'py>> {
    let ndim = found.shape.len();
    // SAFETY: fresh memory.
    let arr = unsafe { Make { fortran, ..Make::new(descr, &found.shape) }.build()? };
    if found.met.is_empty() {
        // A scalar. With a subarray dtype it fills the dimensions that brought.
        return match arr.ndim() {
            0 => {
                // SAFETY: one element of a new array.
                unsafe { scalar::cast_item(&arr.descr(), arr.data(), obj)? };
                Ok(arr)
            }
            _ => {
                assign::assign(&arr, obj)?;
                Ok(arr)
            }
        };
    }
    if arr.ndim() != ndim {
        // A subarray dtype: elements of the outer shape are themselves arrays.
        fill_subarrays(&arr, ndim, &found.met)?;
        return Ok(arr);
    }
    let mut rest = &found.met[..];
    fill(&arr, &mut rest)?;
    Ok(arr)
}

/// Write the data met by the walk into an array of the shape the walk found.
pub fn fill<'py>(arr: &Array<'py>, met: &mut &[Met<'py>]) -> PyResult<()> {
    let descr = arr.descr();
    let filler = Filler { arr, descr: &descr, quick: Quick::of(&descr), writeable_depth: arr.ndim() };
    filler.level(arr.data(), 0, met)?;
    if met.is_empty() { Ok(()) } else { Err(discover::changed("cache not consumed")) }
}

/// Dtypes whose elements are written here directly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quick {
    Double,
    Long,
    Bool,
    Object,
    No,
}

impl Quick {
    fn of(descr: &Descr<'_>) -> Quick {
        let dt = descr.dtype();
        if dt.is_swapped() {
            return Quick::No;
        }
        match dt.num {
            TypeNum::DOUBLE => Quick::Double,
            TypeNum::LONG => Quick::Long,
            TypeNum::BOOL => Quick::Bool,
            TypeNum::OBJECT => Quick::Object,
            _ => Quick::No,
        }
    }
    /// Store `obj` if it is of the exactly matching Python type.
    ///
    /// # Safety
    /// `p` is a writable element of the dtype.
    unsafe fn store(self, p: *mut u8, obj: *mut ffi::PyObject) -> bool {
        // SAFETY: the caller's promise; type checks before unchecked accessors.
        unsafe {
            let t = ffi::Py_TYPE(obj);
            match self {
                Quick::Double if t == &raw mut ffi::PyFloat_Type => {
                    p.cast::<f64>().write_unaligned(ffi::PyFloat_AS_DOUBLE(obj));
                    true
                }
                Quick::Long if t == &raw mut ffi::PyLong_Type => {
                    let mut overflow = 0;
                    let v = ffi::PyLong_AsLongLongAndOverflow(obj, &mut overflow);
                    if overflow != 0 {
                        return false;
                    }
                    p.cast::<i64>().write_unaligned(v);
                    true
                }
                Quick::Bool if t == &raw mut ffi::PyBool_Type => {
                    p.write(u8::from(obj == ffi::Py_True()));
                    true
                }
                Quick::Object => {
                    let slot = p.cast::<*mut ffi::PyObject>();
                    ffi::Py_INCREF(obj);
                    let old = slot.read_unaligned();
                    slot.write_unaligned(obj);
                    ffi::Py_XDECREF(old);
                    true
                }
                _ => false,
            }
        }
    }
}

struct Filler<'a, 'py> {
    arr: &'a Array<'py>,
    descr: &'a Descr<'py>,
    quick: Quick,
    writeable_depth: usize,
}

impl<'py> Filler<'_, 'py> {
    fn level(&self, data: *mut u8, depth: usize, met: &mut &[Met<'py>]) -> PyResult<()> {
        let py = self.arr.py();
        let Some((node, rest)) = met.split_first().filter(|(node, _)| node.depth == depth) else {
            return Err(discover::changed("length inconsistent"));
        };
        *met = rest;
        if !node.is_sequence {
            let in_sequence_as_element = depth > 0 && depth == self.arr.ndim();
            let is_plain_array = Array::cast(&node.original).is_some_and(|a| a.is_exact());
            if in_sequence_as_element && (self.descr.dtype().num.is_object() || !is_plain_array) {
                // The array it was converted to told the dtype; the element is what the object itself is as a number,
                // a text, a date.
                // SAFETY: `data` is one element.
                return unsafe { scalar::set_item(self.descr, data, &node.original) };
            }
            return self.sub_array(data, depth, &Array(node.value.clone()));
        }
        if depth >= self.writeable_depth {
            // Deeper than the array: this sequence is an element.
            // SAFETY: `data` is one element.
            return unsafe { scalar::set_item(self.descr, data, &node.original) };
        }
        let (n, stride) = (self.arr.shape()[depth], self.arr.strides()[depth]);
        let p = node.value.as_ptr();
        for i in 0..n {
            // SAFETY: a list or tuple, its present length checked before each item; the item is held.
            let item = unsafe {
                if ffi::PyList_Check(p) != 0 {
                    if ffi::PyList_GET_SIZE(p) != n {
                        return Err(discover::changed("length inconsistent"));
                    }
                    Bound::from_borrowed_ptr(py, ffi::PyList_GET_ITEM(p, i))
                } else {
                    if ffi::PyTuple_GET_SIZE(p) != n {
                        return Err(discover::changed("length inconsistent"));
                    }
                    Bound::from_borrowed_ptr(py, ffi::PyTuple_GET_ITEM(p, i))
                }
            };
            let at = data.wrapping_offset(i * stride);
            let is_met = met.first().is_some_and(|m| m.original.is(&item) && m.depth == depth + 1);
            if depth + 1 < self.arr.ndim() || is_met {
                // What stood there when it was looked at: its parent may have been changed since.
                self.level(at, depth + 1, met)?;
            } else {
                // SAFETY: `at` is an element of the array.
                unsafe {
                    if !self.quick.store(at, item.as_ptr()) {
                        scalar::set_item(self.descr, at, &item)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn sub_array(&self, data: *mut u8, depth: usize, value: &Array<'py>) -> PyResult<()> {
        let py = self.arr.py();
        let (shape, strides) = (&self.arr.shape()[depth..], &self.arr.strides()[depth..]);
        if shape.is_empty() && (value.ndim() == 0 || self.descr.dtype().num.is_object()) {
            if value.ndim() == 0 && !value.is_exact() && !self.descr.dtype().num.is_object() {
                // A subclass has a say in what its element is as a number.
                // SAFETY: one element.
                return unsafe { scalar::set_item(self.descr, data, &value.0) };
            }
            if value.ndim() == 0 && !self.descr.dtype().num.is_object() {
                // Fast for the common case of equal types; objects go through the scalar rules.
                if value.dtype().num.is_object() {
                    // SAFETY: one element each.
                    return unsafe {
                        let item = scalar::get_item(&value.descr(), value.data())?;
                        scalar::set_item(self.descr, data, &item)
                    };
                }
            } else {
                // SAFETY: one element.
                return unsafe { scalar::set_item(self.descr, data, &value.0) };
            }
        }
        if !shape.is_empty() {
            assign::check_castable(value, self.descr)?;
        }
        // SAFETY: a part of the new array.
        let dst = unsafe { micronumpy::ArrayRef::new(data, shape, strides, self.descr.dtype()) };
        assign::transfer(py, &dst, &value.view())
    }
}

/// Fill an array made with a subarray dtype: each outer element is assigned with broadcasting.
fn fill_subarrays<'py>(arr: &Array<'py>, outer: usize, met: &[Met<'py>]) -> PyResult<()> {
    fn level<'py>(
        arr: &Array<'py>,
        outer: usize,
        depth: usize,
        data: *mut u8,
        met: &mut &[Met<'py>],
        item: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let node = match (met.first(), item) {
            (Some(m), None) => Some(m),
            (Some(m), Some(i)) if m.original.is(i) && m.depth == depth => Some(m),
            _ => None,
        };
        if let Some(m) = node {
            *met = &met[1..];
            if m.is_sequence && depth < outer {
                let (n, stride) = (arr.shape()[depth], arr.strides()[depth]);
                let items = super::args::items(&m.value)?;
                if items.len() as isize != n {
                    return Err(discover::changed("length inconsistent"));
                }
                for (i, item) in items.iter().enumerate() {
                    let at = data.wrapping_offset(i as isize * stride);
                    level(arr, outer, depth + 1, at, met, Some(item))?;
                }
                return Ok(());
            }
        }
        let value = match (node, item) {
            (Some(m), _) => m.value.clone(),
            (None, Some(i)) => i.clone(),
            (None, None) => return Ok(()),
        };
        // SAFETY: a part of the new array, used during this call only.
        let part = unsafe {
            alloc::new_view(
                &arr.descr(),
                data,
                &arr.shape()[depth..],
                &arr.strides()[depth..],
                &arr.0,
                true,
                None,
            )?
        };
        if node.is_some_and(|m| !m.is_sequence)
            && Array::cast(&value).is_some_and(|v| v.ndim() == outer - depth)
        {
            // An array of outer elements, each broadcast over the subarray.
            let v = Array(value);
            let mut st = micronumpy::Dims::from_slice(v.strides());
            let mut sh = micronumpy::Dims::from_slice(v.shape());
            for _ in outer..arr.ndim() {
                sh.push(1);
                st.push(0);
            }
            // SAFETY: the same elements with dimensions of one appended.
            let wide = unsafe { alloc::new_view(&v.descr(), v.data(), &sh, &st, &v.0, false, None)? };
            return assign::assign_array(&part, &wide);
        }
        assign::assign(&part, &value)
    }
    let mut rest = met;
    level(arr, outer, 0, arr.data(), &mut rest, None)
}

/// `PyArray_FromArray`: the array itself if it is right already, a view of the right type, or a copy.
pub fn from_array<'py>(arr: &Array<'py>, descr: Option<&Descr<'py>>, flags: i32) -> PyResult<Array<'py>> {
    let py = arr.py();
    let old = arr.descr();
    let mut new = match descr {
        None => old.clone(),
        Some(d) => match Request::of(Some(d)) {
            Request::Class(class) => discover::array_descr(arr, &class)?.unwrap_or_else(|| d.clone()),
            _ => d.clone(),
        },
    };
    if new.dtype().is_unsized() && new.dtype().num.is_flexible() && !old.is(&new) {
        // No value asked for a length: numpy takes that of the given elements.
        let mut dt = new.dtype().clone();
        dt.itemsize = match (old.dtype().num, dt.num) {
            (TypeNum::STRING, TypeNum::UNICODE) => 4 * old.itemsize(),
            (TypeNum::UNICODE, TypeNum::STRING) => old.itemsize() / 4,
            _ => old.itemsize(),
        };
        new = dtype::descr_of(py, &dt)?;
    }
    if flags & NPY_ARRAY_NOTSWAPPED != 0 && new.dtype().is_swapped() {
        new = dtype::descr_of(py, &new.dtype().with_byteorder(b'='))?;
    }
    let same = old.is(&new) || same_type(&old, &new);
    let casting = if flags & NPY_ARRAY_FORCECAST != 0 || descr.is_none() {
        micronumpy::Casting::Unsafe
    } else {
        micronumpy::Casting::Safe
    };
    if !same && !micronumpy::cast::can_cast(old.dtype(), new.dtype(), casting) {
        return Err(cannot_cast_array(arr, &new, casting));
    }
    let have = arr.flags();
    let copy = flags & NPY_ARRAY_ENSURECOPY != 0
        || (flags & NPY_ARRAY_C_CONTIGUOUS != 0 && have & NPY_ARRAY_C_CONTIGUOUS == 0)
        || (flags & NPY_ARRAY_ALIGNED != 0 && have & NPY_ARRAY_ALIGNED == 0)
        || (flags & NPY_ARRAY_F_CONTIGUOUS != 0 && have & NPY_ARRAY_F_CONTIGUOUS == 0)
        || (flags & NPY_ARRAY_WRITEABLE != 0 && have & NPY_ARRAY_WRITEABLE == 0)
        || !same;
    let subok = flags & NPY_ARRAY_ENSUREARRAY == 0;
    if !copy {
        if (!subok && !arr.is_exact()) || (descr.is_some() && !old.is(&new)) {
            let plain;
            let ty = if subok {
                None
            } else {
                // SAFETY: ready type.
                plain = unsafe { crate::ffi::types::handle(py, super::ARRAY_TYPE.as_type()) };
                Some(&plain)
            };
            let view = alloc::plain_view(arr, ty)?;
            if !old.is(&new) {
                // SAFETY: an equivalent descriptor.
                unsafe {
                    let a = view.raw();
                    let prev = (*a).descr;
                    (*a).descr = new.0.clone().into_ptr().cast();
                    ffi::Py_DECREF(prev.cast());
                }
            }
            return Ok(view);
        }
        return Ok(arr.clone());
    }
    if flags & NPY_ARRAY_ENSURENOCOPY != 0 {
        return Err(no_copy());
    }
    let order = if flags & NPY_ARRAY_F_CONTIGUOUS != 0 {
        Order::F
    } else if flags & NPY_ARRAY_C_CONTIGUOUS != 0 {
        Order::C
    } else {
        Order::Keep
    };
    let out = alloc::new_like(arr, order, &new, None, subok, false)?;
    if new.dtype().subarray().is_some() {
        assign::broadcast_into_subarrays(&out, arr)?;
    } else {
        assign::transfer(py, &out.view(), &arr.view())?;
    }
    if flags & NPY_ARRAY_WRITEBACKIFCOPY != 0 {
        writeback::install(&out, arr)?;
    }
    Ok(out)
}

/// Whether two descriptors describe the same bytes the same way.
pub fn same_type(a: &Descr<'_>, b: &Descr<'_>) -> bool {
    if a.is(b) {
        return true;
    }
    let (x, y) = (a.dtype(), b.dtype());
    if x.num == TypeNum::VSTRING || x.num.is_user() {
        return x.num == y.num && x == y;
    }
    x.is_native() == y.is_native() && micronumpy::dtype::build::equivalent(x, y)
}

/// `Cannot cast array data from dtype('float64') to dtype('int32') according to the rule 'safe'`
pub fn cannot_cast(from: &Descr<'_>, to: &Descr<'_>, casting: micronumpy::Casting) -> PyErr {
    cast_error("array data", from, to, casting)
}

/// [`cannot_cast`] for an array; one without dimensions is called a scalar.
pub fn cannot_cast_array(from: &Array<'_>, to: &Descr<'_>, casting: micronumpy::Casting) -> PyErr {
    let what = if from.ndim() == 0 { "scalar" } else { "array data" };
    cast_error(what, &from.descr(), to, casting)
}

fn cast_error(what: &str, from: &Descr<'_>, to: &Descr<'_>, casting: micronumpy::Casting) -> PyErr {
    let repr = |d: &Descr<'_>| d.0.repr().map(|r| r.to_string()).unwrap_or_default();
    PyTypeError::new_err(format!(
        "Cannot cast {what} from {} to {} according to the rule '{}'",
        repr(from),
        repr(to),
        super::args::casting_text(casting)
    ))
}
