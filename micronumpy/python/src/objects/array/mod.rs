//! `numpy.ndarray`.
//!
//! `alloc` makes and destroys objects, `coercion` turns Python data into arrays, `subscript` indexes, `number` and
//! `compare` are the operators, `methods` the methods by topic, `getset` and `flags` the attributes.

pub mod alloc;
pub mod args;
pub mod assign;
pub mod coercion;
mod compare;
pub mod flags;
mod geometry;
mod getset;
mod kept;
pub mod memory;
pub mod methods;
mod number;
pub mod pickle;
pub mod round;
mod sequence;
pub mod subscript;
pub mod writeback;

use micronumpy::{NdArray, Order, TypeNum};
use pyo3::ffi;
use pyo3::prelude::*;

use super::{Array, Descr};
use crate::abi::*;
use crate::ffi::types;
use crate::unaryfunc;

pub use getset::reinterpret;

pub static ARRAY_TYPE: StaticType = StaticType::zeroed();

struct BufferProcs(ffi::PyBufferProcs);
// SAFETY: a constant table.
unsafe impl Sync for BufferProcs {}
static BUFFER: BufferProcs = BufferProcs(ffi::PyBufferProcs {
    bf_getbuffer: Some(crate::protocols::buffer::getbuffer),
    bf_releasebuffer: None,
});

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    memory::init(py)?;
    flags::init(py)?;
    // SAFETY: the type is not in use yet; the GIL is held.
    unsafe {
        let ty = ARRAY_TYPE.as_type();
        types::prepare(
            ty,
            c"numpy.ndarray",
            size_of::<PyArrayObject>(),
            ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_IMMUTABLETYPE,
        );
        (*ty).tp_dealloc = Some(alloc::dealloc);
        (*ty).tp_repr = Some(unaryfunc!(methods::convert::repr));
        (*ty).tp_str = Some(unaryfunc!(methods::convert::str));
        (*ty).tp_as_number = number::table();
        (*ty).tp_as_sequence = sequence::table();
        (*ty).tp_as_mapping = subscript::table();
        (*ty).tp_as_buffer = (&raw const BUFFER.0).cast_mut();
        (*ty).tp_richcompare = Some(compare::richcompare);
        (*ty).tp_hash = Some(ffi::PyObject_HashNotImplemented);
        (*ty).tp_iter = Some(unaryfunc!(sequence::iter));
        (*ty).tp_weaklistoffset = std::mem::offset_of!(PyArrayObject, weakreflist) as isize;
        (*ty).tp_methods = methods::table();
        (*ty).tp_getset = getset::GETSETS.as_ptr();
        (*ty).tp_new = Some(crate::callfunc!(new alloc::tp_new));
        types::ready(py, ty)
    }
}

/// A new array with its own memory (objects: null slots; `zeroed` as asked). A subarray descriptor is unpacked into the
/// shape. Does not call `__array_finalize__`.
pub fn new<'py>(descr: &Descr<'py>, shape: &[isize], order: Order, zeroed: bool) -> PyResult<Array<'py>> {
    alloc::new(descr, shape, order, zeroed)
}

/// A view on memory kept alive by `base` (`writeable` as given). With `like`, the new array has its type and
/// `__array_finalize__(like)` is called.
///
/// # Safety
/// `data`, `shape`, `strides` describe memory inside `base`.
pub unsafe fn new_view<'py>(
    descr: &Descr<'py>,
    data: *mut u8,
    shape: &[isize],
    strides: &[isize],
    base: &Bound<'py, PyAny>,
    writeable: bool,
    like: Option<&Array<'py>>,
) -> PyResult<Array<'py>> {
    // SAFETY: the caller's promise.
    unsafe { alloc::new_view(descr, data, shape, strides, base, writeable, like) }
}

/// A fresh array around a buffer of the object space (no copy).
pub fn from_owned<'py>(py: Python<'py>, arr: NdArray) -> PyResult<Array<'py>> {
    alloc::from_owned(py, arr)
}

/// `np.asarray(obj, dtype)` / `np.asanyarray`: no copy when it is already right. `requirements` are `NPY_ARRAY_*` flags as
/// for `PyArray_FromAny` (0: none); without `FORCECAST` only safe casts of arrays are made.
pub fn from_any<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    min_depth: usize,
    max_depth: usize,
    requirements: i32,
) -> PyResult<Array<'py>> {
    coercion::from_any(obj, descr, min_depth, max_depth, requirements)
}

/// A 0-d array becomes its scalar, anything else stays (numpy's `PyArray_Return`; subclasses are left alone).
pub fn unwrap_0d<'py>(arr: Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    if arr.ndim() == 0 && arr.is_exact() { element(&arr, arr.data()) } else { Ok(arr.0) }
}

/// The scalar of an element (numpy's `PyArray_Scalar`); structured scalars stay views of the array.
pub(crate) fn element<'py>(arr: &Array<'py>, data: *const u8) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: `data` is an element of the array.
    unsafe { super::scalar::to_scalar(&arr.descr(), data, Some(&arr.0)) }
}

/// Assign any Python value to an array, with broadcasting and unsafe casting (`arr[...] = value`).
pub fn assign<'py>(dst: &Array<'py>, value: &Bound<'py, PyAny>) -> PyResult<()> {
    assign::assign(dst, value)
}

/// `arr.flat`
pub fn flat_iter<'py>(arr: &Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    super::iter::flatiter::new(arr)
}

/// Call `f` with every object of an object array, in C order.
pub fn for_each_object<'py>(
    arr: &Array<'py>,
    mut f: impl FnMut(&Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    debug_assert!(arr.dtype().num == TypeNum::OBJECT);
    for_each_item(arr, |o| f(o))
}

/// Call `f` with every element as a plain Python object, in C order.
pub fn for_each_item<'py>(
    arr: &Array<'py>,
    mut f: impl FnMut(&Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    let descr = arr.descr();
    for_each_element(arr, |p| {
        // SAFETY: an element of the array.
        let item = unsafe { super::scalar::get_item(&descr, p)? };
        f(&item)
    })
}

/// Call `f` with the address of every element, in C order.
pub fn for_each_element<'py>(arr: &Array<'py>, mut f: impl FnMut(*mut u8) -> PyResult<()>) -> PyResult<()> {
    let mut it = micronumpy::iter::MultiIter::c_order(arr.shape(), &[arr.data()], &[arr.strides()]);
    if it.size() == 0 {
        return Ok(());
    }
    loop {
        let (p, st) = (it.ptrs()[0], it.inner_strides()[0]);
        for i in 0..it.inner_count() as isize {
            f(p.wrapping_offset(i * st))?;
        }
        if !it.advance() {
            return Ok(());
        }
    }
}
