//! The neighborhood iterator: the elements around the position of another iterator, with a rule for those outside.
//!
//! It has no Python interface. C extensions make one on a `flatiter`, or on another neighborhood iterator, and step it with
//! macros that go through the struct: `coordinates` run over `bounds`, and `translate` turns them into an address, asking
//! the iterator underneath, which may answer with a padding value of its own.

use std::mem::size_of;

use pyo3::exceptions::PyValueError;
use pyo3::ffi as pyffi;
use pyo3::prelude::*;

use super::flatiter;
use crate::abi::*;
use crate::ffi::guard::owned;
use crate::ffi::types;
use crate::objects::{Array, Descr, array, scalar};

pub static NEIGHBORHOOD_TYPE: StaticType = StaticType::zeroed();

/// What lies outside of the array. Values are ABI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Padding {
    Zero = 0,
    One = 1,
    Constant = 2,
    Circular = 3,
    Mirror = 4,
}

impl Padding {
    pub fn from_code(code: i32) -> PyResult<Padding> {
        Ok(match code {
            0 => Padding::Zero,
            1 => Padding::One,
            2 => Padding::Constant,
            3 => Padding::Circular,
            4 => Padding::Mirror,
            _ => return Err(PyValueError::new_err("Unsupported padding mode")),
        })
    }
}

type Translate = unsafe extern "C" fn(*mut PyArrayIterObject, *const isize) -> *mut u8;

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = NEIGHBORHOOD_TYPE.as_type();
    // SAFETY: static, not in use yet.
    unsafe {
        types::prepare(
            ty,
            c"numpy.neigh_internal_iter",
            size_of::<PyArrayNeighborhoodIterObject>(),
            pyffi::Py_TPFLAGS_DISALLOW_INSTANTIATION,
        );
        (*ty).tp_dealloc = Some(dealloc);
        types::ready(py, ty)
    }
}

/// A new iterator over `bounds` (a pair per dimension, both ends included) around the position of `inner`, which is a
/// `flatiter` or a neighborhood iterator. `fill` is the array whose first element pads in [`Padding::Constant`] mode.
pub fn new<'py>(
    inner: &Bound<'py, PyAny>,
    bounds: &[[isize; 2]],
    mode: Padding,
    fill: Option<&Array<'py>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = inner.py();
    let x: *mut PyArrayIterObject = inner.as_ptr().cast();
    // SAFETY: `inner` has the head of an array iterator, which owns its array. The new object is zeroed, and every
    // reference it holds is its own.
    unsafe {
        let obj = owned(py, pyffi::PyType_GenericAlloc(NEIGHBORHOOD_TYPE.as_type(), 0))?;
        let it: *mut PyArrayNeighborhoodIterObject = obj.as_ptr().cast();
        let arr = Array(Bound::from_borrowed_ptr(py, (*x).ao.cast()));
        if arr.ndim() > NPY_MAXDIMS_LEGACY_ITERS {
            return Err(flatiter::too_many_dims(arr.ndim()));
        }
        if bounds.len() != arr.ndim() {
            return Err(PyValueError::new_err("bounds sequence size not compatible with x input"));
        }
        let base = &mut (*it).base;
        flatiter::fill(base, &arr, arr.shape(), arr.strides());
        // Stepping a contiguous iterator by macro would leave its coordinates alone, and these are what counts here.
        (*x).contiguous = 0;
        base.contiguous = 0;
        (*it).nd = arr.ndim() as isize;
        base.size = 1;
        for (i, (&b, &n)) in bounds.iter().zip(arr.shape()).enumerate() {
            (*it).dimensions[i] = n;
            base.bounds[i] = b;
            base.size = base.size.saturating_mul((b[1] - b[0] + 1).max(0));
            let outer = (*x).bounds[i];
            base.limits[i] = [outer[0].min(0), outer[1].max(n - 1)];
            base.limits_sizes[i] = base.limits[i][1] - base.limits[i][0] + 1;
        }
        (*it).mode = mode as i32;
        let translate: Translate = match mode {
            Padding::Zero | Padding::One | Padding::Constant => {
                (*it).constant = constant(&arr.descr(), mode, fill)?;
                constant_address
            }
            Padding::Circular => circular_address,
            Padding::Mirror => mirror_address,
        };
        base.translate = translate as *mut std::ffi::c_void;
        (*it).internal_iter = inner.clone().into_ptr().cast();
        reset(&obj);
        Ok(obj)
    }
}

/// An element of `descr` with the padding value, in memory of its own.
fn constant<'py>(descr: &Descr<'py>, mode: Padding, fill: Option<&Array<'py>>) -> PyResult<*mut u8> {
    let py = descr.py();
    let value = match (mode, fill) {
        (Padding::Zero, _) => 0i32.into_pyobject(py)?.into_any(),
        (Padding::One, _) => 1i32.into_pyobject(py)?.into_any(),
        (_, Some(arr)) if arr.size() > 0 => array::element(arr, arr.data())?,
        _ => return Err(PyValueError::new_err("a padding value is needed")),
    };
    // SAFETY: fresh zeroed memory for one element, freed here if it cannot be filled.
    unsafe {
        let p: *mut u8 = libc::calloc(descr.itemsize().max(1), 1).cast();
        if p.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        if let Err(e) = scalar::set_item(descr, p, &value) {
            libc::free(p.cast());
            return Err(e);
        }
        Ok(p)
    }
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying; what it holds is its own or null.
    unsafe {
        let it: *mut PyArrayNeighborhoodIterObject = slf.cast();
        if !(*it).constant.is_null() {
            let descr = (*(*it).base.ao).descr;
            let dt = crate::objects::dtype::dtype_of(descr);
            if dt.has_object() {
                micronumpy::cast::release_objects(&micronumpy::ArrayRef::new((*it).constant, &[], &[], dt));
            }
            libc::free((*it).constant.cast());
        }
        pyffi::Py_XDECREF((*it).internal_iter.cast());
        pyffi::Py_XDECREF((*it).base.ao.cast());
        pyffi::PyObject_Free(slf.cast());
    }
}

/// Address under `at`, coordinates relative to the iterator underneath, after `place` has moved those that are outside of
/// `limits` (first, length); `None` from it means padding.
///
/// # Safety
/// `it` is a neighborhood iterator, `at` has an entry per dimension.
unsafe fn address(
    it: *mut PyArrayIterObject,
    at: *const isize,
    place: impl Fn(isize, isize) -> Option<isize>,
) -> *mut u8 {
    // SAFETY: the caller's promise; the iterator underneath is alive and has a translate function.
    unsafe {
        let neighborhood: *mut PyArrayNeighborhoodIterObject = it.cast();
        let inner = (*neighborhood).internal_iter;
        let mut coordinates = [0isize; NPY_MAXDIMS_LEGACY_ITERS];
        for i in 0..(*neighborhood).nd as usize {
            let first = (*it).limits[i][0];
            let wanted = *at.add(i) + (*inner).coordinates[i];
            match place(wanted - first, (*it).limits_sizes[i]) {
                Some(offset) => coordinates[i] = first + offset,
                None => return (*neighborhood).constant,
            }
        }
        let translate = std::mem::transmute::<*mut std::ffi::c_void, Translate>((*inner).translate);
        translate(inner, coordinates.as_ptr())
    }
}

unsafe extern "C" fn constant_address(it: *mut PyArrayIterObject, at: *const isize) -> *mut u8 {
    // SAFETY: called through the field of such an iterator; the same below.
    unsafe { address(it, at, |i, n| (0..n).contains(&i).then_some(i)) }
}

unsafe extern "C" fn circular_address(it: *mut PyArrayIterObject, at: *const isize) -> *mut u8 {
    // SAFETY: as above.
    unsafe { address(it, at, |i, n| Some(i.rem_euclid(n))) }
}

unsafe extern "C" fn mirror_address(it: *mut PyArrayIterObject, at: *const isize) -> *mut u8 {
    // Every other copy of the array is turned round.
    let place = |i: isize, n: isize| {
        let (copy, i) = (i.div_euclid(n), i.rem_euclid(n));
        Some(if copy & 1 == 0 { i } else { n - 1 - i })
    };
    // SAFETY: as above.
    unsafe { address(it, at, place) }
}

fn head(obj: &Bound<'_, PyAny>) -> *mut PyArrayIterObject {
    obj.as_ptr().cast()
}

/// To the first neighbor, as upstream's macro does.
pub fn reset(obj: &Bound<'_, PyAny>) {
    // SAFETY: only called for neighborhood iterators made here; nothing else holds the head meanwhile. The same below.
    let it = unsafe { &mut *head(obj) };
    for i in 0..(it.nd_m1 + 1) as usize {
        it.coordinates[i] = it.bounds[i][0];
    }
    place(it);
}

/// To the next neighbor.
pub fn advance(obj: &Bound<'_, PyAny>) {
    // SAFETY: as in `reset`.
    let it = unsafe { &mut *head(obj) };
    for i in (0..(it.nd_m1 + 1) as usize).rev() {
        if it.coordinates[i] < it.bounds[i][1] {
            it.coordinates[i] += 1;
            break;
        }
        it.coordinates[i] = it.bounds[i][0];
    }
    place(it);
}

fn place(it: &mut PyArrayIterObject) {
    let coordinates = it.coordinates;
    // SAFETY: the iterator's own function, with as many coordinates as it has dimensions.
    unsafe {
        let translate = std::mem::transmute::<*mut std::ffi::c_void, Translate>(it.translate);
        it.dataptr = translate(it, coordinates.as_ptr());
    }
}

/// Number of neighbors, and where the current one is.
pub fn current(obj: &Bound<'_, PyAny>) -> (isize, *mut u8) {
    // SAFETY: as in `reset`.
    let it = unsafe { &mut *head(obj) };
    (it.size, it.dataptr)
}
