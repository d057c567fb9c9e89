//! What compiled code describes DTypes and their methods with (numpy's `dtype_api.h`).

use std::ffi::{c_char, c_int, c_void};
use std::mem::{offset_of, size_of};

use pyo3::ffi::{PyObject, PyType_Slot, PyTypeObject};
use ufuncs::LoopContext;

use super::{NpyAuxData, PyArray_DTypeMeta, PyArray_Descr};

/// `PyArrayMethod_Context`
pub type PyArrayMethod_Context = LoopContext;

#[repr(C)]
pub struct PyArrayMethod_Spec {
    pub name: *const c_char,
    pub nin: c_int,
    pub nout: c_int,
    pub casting: c_int,
    pub flags: c_int,
    pub dtypes: *mut *mut PyArray_DTypeMeta,
    pub slots: *mut PyType_Slot,
}

#[repr(C)]
pub struct PyArrayDTypeMeta_Spec {
    pub typeobj: *mut PyTypeObject,
    pub flags: c_int,
    /// Ends with null. A null class in a cast is the class being made.
    pub casts: *mut *mut PyArrayMethod_Spec,
    pub slots: *mut PyType_Slot,
    pub baseclass: *mut PyTypeObject,
}

pub const NPY_METH_REQUIRES_PYAPI: c_int = 1;
pub const NPY_METH_NO_FLOATINGPOINT_ERRORS: c_int = 2;
pub const NPY_METH_SUPPORTS_UNALIGNED: c_int = 4;
pub const NPY_METH_IS_REORDERABLE: c_int = 8;
pub const NPY_METH_FORCE_CAST_INPUTS: c_int = 1 << 17;

pub const NPY_METH_RESOLVE_DESCRIPTORS_WITH_SCALARS: c_int = 1;
pub const NPY_METH_RESOLVE_DESCRIPTORS: c_int = 2;
pub const NPY_METH_GET_LOOP: c_int = 3;
pub const NPY_METH_GET_REDUCTION_INITIAL: c_int = 4;
pub const NPY_METH_STRIDED_LOOP: c_int = 5;
pub const NPY_METH_CONTIGUOUS_LOOP: c_int = 6;
pub const NPY_METH_UNALIGNED_STRIDED_LOOP: c_int = 7;
pub const NPY_METH_UNALIGNED_CONTIGUOUS_LOOP: c_int = 8;
pub const NPY_METH_CONTIGUOUS_INDEXED_LOOP: c_int = 9;
pub const NPY_METH_STATIC_DATA: c_int = 10;

pub const NPY_DT_DISCOVER_DESCR_FROM_PYOBJECT: c_int = 1;
pub const NPY_DT_IS_KNOWN_SCALAR_TYPE: c_int = 2;
pub const NPY_DT_DEFAULT_DESCR: c_int = 3;
pub const NPY_DT_COMMON_DTYPE: c_int = 4;
pub const NPY_DT_COMMON_INSTANCE: c_int = 5;
pub const NPY_DT_ENSURE_CANONICAL: c_int = 6;
pub const NPY_DT_SETITEM: c_int = 7;
pub const NPY_DT_GETITEM: c_int = 8;
pub const NPY_DT_GET_CLEAR_LOOP: c_int = 9;
pub const NPY_DT_GET_FILL_ZERO_LOOP: c_int = 10;
pub const NPY_DT_FINALIZE_DESCR: c_int = 11;
pub const NPY_DT_GET_CONSTANT: c_int = 12;
/// Slots from here on are functions of the older table `PyArray_ArrFuncs`.
pub const NPY_DT_ARRFUNCS_OFFSET: c_int = 1 << 11;

/// What `view_offset` holds when there is no view.
pub const NO_VIEW: isize = isize::MIN;

pub type ResolveDescriptors = unsafe extern "C" fn(
    method: *mut c_void,
    dtypes: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    loop_descrs: *mut *mut PyArray_Descr,
    view_offset: *mut isize,
) -> c_int;

pub type StridedLoop = unsafe extern "C" fn(
    ctx: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int;

pub type GetLoop = unsafe extern "C" fn(
    ctx: *mut LoopContext,
    aligned: c_int,
    move_references: c_int,
    strides: *const isize,
    out_loop: *mut Option<StridedLoop>,
    out_aux: *mut *mut NpyAuxData,
    flags: *mut c_int,
) -> c_int;

pub type GetReductionInitial =
    unsafe extern "C" fn(ctx: *mut LoopContext, empty: u8, initial: *mut c_void) -> c_int;

pub type TranslateGivenDescriptors = unsafe extern "C" fn(
    nin: c_int,
    nout: c_int,
    wrapped_dtypes: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    new: *mut *mut PyArray_Descr,
) -> c_int;

pub type TranslateLoopDescriptors = unsafe extern "C" fn(
    nin: c_int,
    nout: c_int,
    new_dtypes: *const *mut PyArray_DTypeMeta,
    given: *const *mut PyArray_Descr,
    original: *mut *mut PyArray_Descr,
    loop_descrs: *mut *mut PyArray_Descr,
) -> c_int;

pub type PromoterFunction = unsafe extern "C" fn(
    ufunc: *mut PyObject,
    op_dtypes: *const *mut PyArray_DTypeMeta,
    signature: *const *mut PyArray_DTypeMeta,
    new_op_dtypes: *mut *mut PyArray_DTypeMeta,
) -> c_int;

pub type DiscoverDescr =
    unsafe extern "C" fn(cls: *mut PyArray_DTypeMeta, obj: *mut PyObject) -> *mut PyArray_Descr;
pub type IsKnownScalarType =
    unsafe extern "C" fn(cls: *mut PyArray_DTypeMeta, ty: *mut PyTypeObject) -> c_int;
pub type DefaultDescr = unsafe extern "C" fn(cls: *mut PyArray_DTypeMeta) -> *mut PyArray_Descr;
pub type CommonDType =
    unsafe extern "C" fn(a: *mut PyArray_DTypeMeta, b: *mut PyArray_DTypeMeta) -> *mut PyArray_DTypeMeta;
pub type CommonInstance =
    unsafe extern "C" fn(a: *mut PyArray_Descr, b: *mut PyArray_Descr) -> *mut PyArray_Descr;
pub type EnsureCanonical = unsafe extern "C" fn(descr: *mut PyArray_Descr) -> *mut PyArray_Descr;
pub type SetItem =
    unsafe extern "C" fn(descr: *mut PyArray_Descr, obj: *mut PyObject, data: *mut c_char) -> c_int;
pub type GetItem = unsafe extern "C" fn(descr: *mut PyArray_Descr, data: *mut c_char) -> *mut PyObject;

/// The function in a slot; null is none.
///
/// # Safety
/// `F` is the type of function the slot's number says.
pub unsafe fn slot_function<F>(pfunc: *mut c_void) -> Option<F> {
    const { assert!(size_of::<Option<F>>() == size_of::<*mut c_void>()) };
    // SAFETY: the caller's promise; optional functions are pointers that may be null.
    unsafe { std::mem::transmute_copy(&pfunc) }
}

const _: () = {
    assert!(size_of::<PyArrayMethod_Context>() == 48);
    assert!(size_of::<PyArrayMethod_Spec>() == 40);
    assert!(offset_of!(PyArrayMethod_Spec, dtypes) == 24);
    assert!(size_of::<PyArrayDTypeMeta_Spec>() == 40);
    assert!(offset_of!(PyArrayDTypeMeta_Spec, casts) == 16);
};
