//! `NpyIter`: the iterator of the object space, driven from C.
//!
//! C code asks once for the arrays of pointers and strides, the size of the inner loop and the index, and reads them again
//! after each step. So a handle keeps them at fixed addresses and brings them up to date whenever the iterator moves.
//! Stepping may happen without the GIL, which is taken only where an element's cast needs it or something failed.

use std::ffi::{c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use micronumpy::Error;
use micronumpy::iter::nditer::NdIter;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::ffi::PyObject;

use super::Slot;
use super::given::{self, succeed};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::guard;
use crate::objects::nditer::{self, NDITER_TYPE, State};
use crate::objects::{Array, Descr};

pub static SLOTS: &[Slot] = &[
    Slot(218, NDITER_TYPE.get() as *const ()),
    Slot(223, NpyIter_GetTransferFlags as *const ()),
    Slot(224, NpyIter_New as *const ()),
    Slot(225, NpyIter_MultiNew as *const ()),
    Slot(226, NpyIter_AdvancedNew as *const ()),
    Slot(227, NpyIter_Copy as *const ()),
    Slot(228, NpyIter_Deallocate as *const ()),
    Slot(229, NpyIter_HasDelayedBufAlloc as *const ()),
    Slot(230, NpyIter_HasExternalLoop as *const ()),
    Slot(231, NpyIter_EnableExternalLoop as *const ()),
    Slot(232, NpyIter_GetInnerStrideArray as *const ()),
    Slot(233, NpyIter_GetInnerLoopSizePtr as *const ()),
    Slot(234, NpyIter_Reset as *const ()),
    Slot(235, NpyIter_ResetBasePointers as *const ()),
    Slot(236, NpyIter_ResetToIterIndexRange as *const ()),
    Slot(237, NpyIter_GetNDim as *const ()),
    Slot(238, NpyIter_GetNOp as *const ()),
    Slot(239, NpyIter_GetIterNext as *const ()),
    Slot(240, NpyIter_GetIterSize as *const ()),
    Slot(241, NpyIter_GetIterIndexRange as *const ()),
    Slot(242, NpyIter_GetIterIndex as *const ()),
    Slot(243, NpyIter_GotoIterIndex as *const ()),
    Slot(244, NpyIter_HasMultiIndex as *const ()),
    Slot(245, NpyIter_GetShape as *const ()),
    Slot(246, NpyIter_GetGetMultiIndex as *const ()),
    Slot(247, NpyIter_GotoMultiIndex as *const ()),
    Slot(248, NpyIter_RemoveMultiIndex as *const ()),
    Slot(249, NpyIter_HasIndex as *const ()),
    Slot(250, NpyIter_IsBuffered as *const ()),
    Slot(251, NpyIter_IsGrowInner as *const ()),
    Slot(252, NpyIter_GetBufferSize as *const ()),
    Slot(253, NpyIter_GetIndexPtr as *const ()),
    Slot(254, NpyIter_GotoIndex as *const ()),
    Slot(255, NpyIter_GetDataPtrArray as *const ()),
    Slot(256, NpyIter_GetDescrArray as *const ()),
    Slot(257, NpyIter_GetOperandArray as *const ()),
    Slot(258, NpyIter_GetIterView as *const ()),
    Slot(259, NpyIter_GetReadFlags as *const ()),
    Slot(260, NpyIter_GetWriteFlags as *const ()),
    Slot(261, NpyIter_DebugPrint as *const ()),
    Slot(262, NpyIter_IterationNeedsAPI as *const ()),
    Slot(263, NpyIter_GetInnerFixedStrideArray as *const ()),
    Slot(264, NpyIter_RemoveAxis as *const ()),
    Slot(265, NpyIter_GetAxisStrideArray as *const ()),
    Slot(266, NpyIter_RequiresBuffering as *const ()),
    Slot(267, NpyIter_GetInitialDataPtrArray as *const ()),
    Slot(268, NpyIter_CreateCompatibleStrides as *const ()),
    Slot(281, NpyIter_IsFirstVisit as *const ()),
];

/// What C holds.
pub struct NpyIter {
    state: State,
    pointers: Box<[*mut u8]>,
    initial: Box<[*mut u8]>,
    strides: Box<[isize]>,
    size: isize,
    index: isize,
    arrays: Box<[*mut PyObject]>,
    descrs: Box<[*mut PyObject]>,
}

impl NpyIter {
    fn new(state: State) -> *mut NpyIter {
        let nop = state.iter.nop();
        let (arrays, descrs) = state.object_pointers();
        let mut it = Box::new(NpyIter {
            state,
            pointers: vec![null_mut(); nop].into(),
            initial: vec![null_mut(); nop].into(),
            strides: vec![0; nop].into(),
            size: 0,
            index: 0,
            arrays: arrays.into(),
            descrs: descrs.into(),
        });
        it.sync();
        Box::into_raw(it)
    }
    /// Bring what C reads up to date.
    fn sync(&mut self) {
        let iter = &self.state.iter;
        if iter.has_delayed_bufalloc() {
            return;
        }
        self.pointers.copy_from_slice(iter.pointers());
        let strides = iter.inner_strides();
        let n = strides.len().min(self.strides.len());
        self.strides[..n].copy_from_slice(&strides[..n]);
        self.size = iter.inner_size();
        self.index = iter.tracked_index().unwrap_or(0);
    }
}

/// The iterator behind a handle.
///
/// # Safety
/// A handle that has not been deallocated, and nobody else moves it meanwhile.
unsafe fn iter<'a>(it: *mut NpyIter) -> &'a mut NdIter {
    // SAFETY: the caller's promise.
    unsafe { &mut (*it).state.iter }
}

/// Move, then bring what C reads up to date. With a place for a message, no exception is set and the GIL need not be held.
///
/// # Safety
/// As for [`iter`]; `message` is null or a place.
unsafe fn moved(
    it: *mut NpyIter,
    message: *mut *const c_char,
    body: impl FnOnce(&mut NdIter) -> micronumpy::Result<()>,
) -> c_int {
    // SAFETY: the caller's promise.
    let done = catch_unwind(AssertUnwindSafe(|| unsafe {
        let result = body(iter(it));
        (*it).sync();
        result
    }));
    match done {
        Ok(Ok(())) => 1,
        Ok(Err(e)) if !message.is_null() => {
            // Messages are few and C keeps them for as long as it likes.
            let text = std::ffi::CString::new(e.to_string()).unwrap_or_default();
            // SAFETY: a place for a message.
            unsafe { *message = Box::leak(text.into_boxed_c_str()).as_ptr() };
            0
        }
        Ok(Err(e)) => succeed(|py| Err(e).py(py)),
        Err(_) => succeed(|_| Err(PyRuntimeError::new_err("internal error in an iterator"))),
    }
}

unsafe extern "C" fn NpyIter_New(
    arr: *mut PyArrayObject,
    flags: u32,
    order: c_int,
    casting: c_int,
    descr: *mut PyArray_Descr,
) -> *mut NpyIter {
    // Per-operand flags are in the upper half.
    let (mut arr, mut descr, mut op_flags) = (arr, descr, flags & 0xffff_0000);
    // SAFETY: the C API's contract, here and below.
    unsafe {
        NpyIter_AdvancedNew(
            1,
            &mut arr,
            flags & 0xffff,
            order,
            casting,
            &mut op_flags,
            &mut descr,
            -1,
            null_mut(),
            null_mut(),
            0,
        )
    }
}

unsafe extern "C" fn NpyIter_MultiNew(
    nop: c_int,
    arrays: *mut *mut PyArrayObject,
    flags: u32,
    order: c_int,
    casting: c_int,
    op_flags: *mut u32,
    descrs: *mut *mut PyArray_Descr,
) -> *mut NpyIter {
    // SAFETY: as above.
    unsafe {
        NpyIter_AdvancedNew(
            nop,
            arrays,
            flags,
            order,
            casting,
            op_flags,
            descrs,
            -1,
            null_mut(),
            null_mut(),
            0,
        )
    }
}

unsafe extern "C" fn NpyIter_AdvancedNew(
    nop: c_int,
    arrays: *mut *mut PyArrayObject,
    flags: u32,
    order: c_int,
    casting: c_int,
    op_flags: *mut u32,
    descrs: *mut *mut PyArray_Descr,
    ndim: c_int,
    op_axes: *mut *mut c_int,
    itershape: *mut isize,
    buffersize: isize,
) -> *mut NpyIter {
    // SAFETY: as above.
    guard(|py| unsafe {
        let n = usize::try_from(nop).unwrap_or(0);
        let operands = (0..n).map(|i| given::optional(py, *arrays.add(i)).map(Array)).collect::<Vec<_>>();
        let requested: Vec<Option<Descr<'_>>> = match descrs.is_null() {
            true => vec![None; n],
            false => (0..n).map(|i| given::optional(py, *descrs.add(i)).map(Descr)).collect(),
        };
        let axes = usize::try_from(ndim).ok().filter(|_| !op_axes.is_null() || !itershape.is_null());
        if axes == Some(0) && op_axes.is_null() {
            return Err(PyValueError::new_err("oa_ndim must be -1 without op_axes"));
        }
        let op_axes: Option<Vec<Option<Vec<i32>>>> = axes.filter(|_| !op_axes.is_null()).map(|k| {
            let one = |p: *mut c_int| (!p.is_null()).then(|| (0..k).map(|a| *p.add(a)).collect());
            (0..n).map(|i| one(*op_axes.add(i))).collect()
        });
        let itershape = axes.filter(|_| !itershape.is_null()).map(|k| given::dims(itershape, k as c_int));
        let options = nditer::Options {
            flags,
            order: given::order(order),
            casting: given::casting(casting)?,
            requested: &requested,
            op_axes: op_axes.as_deref(),
            ndim: axes,
            itershape,
            buffersize,
        };
        let state = nditer::build(py, operands, std::slice::from_raw_parts(op_flags, n), &options)?;
        Ok(NpyIter::new(state))
    })
}

unsafe extern "C" fn NpyIter_Copy(it: *mut NpyIter) -> *mut NpyIter {
    // SAFETY: as above.
    guard(|py| unsafe { Ok(NpyIter::new((*it).state.duplicate(py)?)) })
}

unsafe extern "C" fn NpyIter_Deallocate(it: *mut NpyIter) -> c_int {
    if it.is_null() {
        return 1;
    }
    // SAFETY: as above; the handle is gone afterwards.
    succeed(|py| unsafe {
        let mut it = Box::from_raw(it);
        it.state.finish(py)
    })
}

macro_rules! questions {
    ($($name:ident => $method:ident;)*) => {$(
        unsafe extern "C" fn $name(it: *mut NpyIter) -> u8 {
            // SAFETY: as above.
            unsafe { u8::from(iter(it).$method()) }
        }
    )*};
}
questions! {
    NpyIter_HasDelayedBufAlloc => has_delayed_bufalloc;
    NpyIter_HasExternalLoop => has_external_loop;
    NpyIter_HasMultiIndex => has_multi_index;
    NpyIter_HasIndex => has_index;
    NpyIter_IsBuffered => is_buffered;
    NpyIter_IsGrowInner => is_grow_inner;
    NpyIter_IterationNeedsAPI => needs_host;
    NpyIter_RequiresBuffering => requires_buffering;
}

unsafe extern "C" fn NpyIter_IsFirstVisit(it: *mut NpyIter, op: c_int) -> u8 {
    // SAFETY: as above.
    unsafe { u8::from(iter(it).is_first_visit(op as usize)) }
}

unsafe extern "C" fn NpyIter_GetTransferFlags(it: *mut NpyIter) -> c_int {
    // SAFETY: as above.
    let iter = unsafe { iter(it) };
    let host = if iter.needs_host() { NPY_METH_REQUIRES_PYAPI } else { 0 };
    let quiet = if iter.requires_buffering() { 0 } else { NPY_METH_NO_FLOATINGPOINT_ERRORS };
    host | quiet
}

unsafe extern "C" fn NpyIter_GetNDim(it: *mut NpyIter) -> c_int {
    // SAFETY: as above.
    unsafe { iter(it).ndim() as c_int }
}

unsafe extern "C" fn NpyIter_GetNOp(it: *mut NpyIter) -> c_int {
    // SAFETY: as above.
    unsafe { iter(it).nop() as c_int }
}

unsafe extern "C" fn NpyIter_GetIterSize(it: *mut NpyIter) -> isize {
    // SAFETY: as above.
    unsafe { iter(it).itersize().unwrap_or(-1) }
}

unsafe extern "C" fn NpyIter_GetIterIndex(it: *mut NpyIter) -> isize {
    // SAFETY: as above.
    unsafe { iter(it).iterindex() }
}

unsafe extern "C" fn NpyIter_GetBufferSize(it: *mut NpyIter) -> isize {
    // SAFETY: as above.
    unsafe { iter(it).buffersize() }
}

unsafe extern "C" fn NpyIter_GetIterIndexRange(it: *mut NpyIter, start: *mut isize, end: *mut isize) {
    // SAFETY: as above.
    unsafe {
        (*start, *end) = iter(it).range();
    }
}

unsafe extern "C" fn NpyIter_GetInnerStrideArray(it: *mut NpyIter) -> *mut isize {
    // SAFETY: as above.
    unsafe { (*it).strides.as_mut_ptr() }
}

unsafe extern "C" fn NpyIter_GetInnerLoopSizePtr(it: *mut NpyIter) -> *mut isize {
    // SAFETY: as above.
    unsafe { &raw mut (*it).size }
}

unsafe extern "C" fn NpyIter_GetIndexPtr(it: *mut NpyIter) -> *mut isize {
    // SAFETY: as above.
    unsafe { if iter(it).has_index() { &raw mut (*it).index } else { null_mut() } }
}

unsafe extern "C" fn NpyIter_GetDataPtrArray(it: *mut NpyIter) -> *mut *mut u8 {
    // SAFETY: as above.
    unsafe { (*it).pointers.as_mut_ptr() }
}

unsafe extern "C" fn NpyIter_GetInitialDataPtrArray(it: *mut NpyIter) -> *mut *mut u8 {
    // SAFETY: as above.
    unsafe {
        let it = &mut *it;
        it.initial.copy_from_slice(it.state.iter.initial_pointers());
        it.initial.as_mut_ptr()
    }
}

unsafe extern "C" fn NpyIter_GetDescrArray(it: *mut NpyIter) -> *mut *mut PyObject {
    // SAFETY: as above.
    unsafe { (*it).descrs.as_mut_ptr() }
}

unsafe extern "C" fn NpyIter_GetOperandArray(it: *mut NpyIter) -> *mut *mut PyObject {
    // SAFETY: as above.
    unsafe { (*it).arrays.as_mut_ptr() }
}

unsafe extern "C" fn NpyIter_GetInnerFixedStrideArray(it: *mut NpyIter, out: *mut isize) {
    // SAFETY: as above, with a place per operand.
    unsafe {
        let strides = iter(it).inner_strides();
        std::ptr::copy_nonoverlapping(strides.as_ptr(), out, strides.len().min(iter(it).nop()));
    }
}

unsafe extern "C" fn NpyIter_GetAxisStrideArray(it: *mut NpyIter, axis: c_int) -> *mut isize {
    // SAFETY: as above.
    guard(|_| unsafe {
        let axis = usize::try_from(axis).ok();
        axis.and_then(|a| iter(it).axis_strides(a))
            .map(|st| st.as_ptr().cast_mut())
            .ok_or_else(|| PyValueError::new_err("axis out of bounds in iterator GetStrideAxisArray"))
    })
}

unsafe extern "C" fn NpyIter_GetShape(it: *mut NpyIter, out: *mut isize) -> c_int {
    // SAFETY: as above, with a place per dimension.
    unsafe {
        let shape = iter(it).shape();
        std::ptr::copy_nonoverlapping(shape.as_ptr(), out, shape.len());
    }
    1
}

unsafe extern "C" fn NpyIter_CreateCompatibleStrides(
    it: *mut NpyIter,
    itemsize: isize,
    out: *mut isize,
) -> c_int {
    // SAFETY: as above, with a place per dimension.
    succeed(|_| unsafe {
        let iter = iter(it);
        let strides = iter.compatible_strides(itemsize).ok_or_else(|| {
            PyRuntimeError::new_err(match iter.has_multi_index() {
                false => {
                    "Iterator CreateCompatibleStrides may only be called if a multi-index is being tracked"
                }
                true => {
                    "Iterator CreateCompatibleStrides may only be called if DONT_NEGATE_STRIDES was used to prevent \
                     reverse iteration of an axis"
                }
            })
        })?;
        std::ptr::copy_nonoverlapping(strides.as_ptr(), out, strides.len());
        Ok(())
    })
}

unsafe extern "C" fn NpyIter_GetIterView(it: *mut NpyIter, op: isize) -> *mut PyObject {
    // SAFETY: as above.
    given::give(|py| unsafe { nditer::operand_as_walked(py, &(*it).state, op) })
}

unsafe extern "C" fn NpyIter_GetReadFlags(it: *mut NpyIter, out: *mut c_char) {
    // SAFETY: as above, with a place per operand.
    unsafe {
        iter(it).operands().iter().enumerate().for_each(|(i, op)| *out.add(i) = c_char::from(op.read as i8));
    }
}

unsafe extern "C" fn NpyIter_GetWriteFlags(it: *mut NpyIter, out: *mut c_char) {
    // SAFETY: as above, with a place per operand.
    unsafe {
        iter(it).operands().iter().enumerate().for_each(|(i, op)| *out.add(i) = c_char::from(op.write as i8));
    }
}

unsafe extern "C" fn NpyIter_DebugPrint(it: *mut NpyIter) {
    guard(|py| {
        // SAFETY: as above.
        nditer::print_state(py, unsafe { it.as_ref() }.map(|it| &it.state));
        Ok(())
    })
}

unsafe extern "C" fn NpyIter_EnableExternalLoop(it: *mut NpyIter) -> c_int {
    // SAFETY: as above.
    unsafe { moved(it, null_mut(), NdIter::enable_external_loop) }
}

unsafe extern "C" fn NpyIter_Reset(it: *mut NpyIter, message: *mut *const c_char) -> c_int {
    // SAFETY: as above.
    unsafe { moved(it, message, NdIter::reset_checked) }
}

unsafe extern "C" fn NpyIter_ResetBasePointers(
    it: *mut NpyIter,
    pointers: *const *mut u8,
    message: *mut *const c_char,
) -> c_int {
    // SAFETY: as above, with a pointer per operand.
    unsafe {
        moved(it, message, |iter| {
            let pointers = std::slice::from_raw_parts(pointers, iter.nop());
            iter.reset_base_pointers(pointers)
        })
    }
}

unsafe extern "C" fn NpyIter_ResetToIterIndexRange(
    it: *mut NpyIter,
    start: isize,
    end: isize,
    message: *mut *const c_char,
) -> c_int {
    let quiet = !message.is_null();
    // SAFETY: as above.
    unsafe {
        moved(it, message, |iter| {
            iter.reset_to_range(start, end).map_err(|e| match e {
                // Without the lock there is nobody to write numbers into a text.
                Error::Value(text) if quiet => Error::Value(match text.split_once(" [") {
                    Some((what, rest)) if rest.contains(") passed") => {
                        format!("{what} passed to ResetToIterIndexRange")
                    }
                    _ => text,
                }),
                e => e,
            })
        })
    }
}

unsafe extern "C" fn NpyIter_GotoIterIndex(it: *mut NpyIter, index: isize) -> c_int {
    // SAFETY: as above.
    unsafe { moved(it, null_mut(), |iter| iter.goto_iterindex(index)) }
}

unsafe extern "C" fn NpyIter_GotoIndex(it: *mut NpyIter, index: isize) -> c_int {
    // SAFETY: as above.
    unsafe { moved(it, null_mut(), |iter| iter.goto_index(index)) }
}

unsafe extern "C" fn NpyIter_GotoMultiIndex(it: *mut NpyIter, index: *const isize) -> c_int {
    // SAFETY: as above, with an index per dimension.
    unsafe { moved(it, null_mut(), |iter| iter.goto_multi_index(given::dims(index, iter.ndim() as c_int))) }
}

unsafe extern "C" fn NpyIter_RemoveMultiIndex(it: *mut NpyIter) -> c_int {
    // SAFETY: as above.
    unsafe { moved(it, null_mut(), NdIter::remove_multi_index) }
}

unsafe extern "C" fn NpyIter_RemoveAxis(it: *mut NpyIter, axis: c_int) -> c_int {
    // SAFETY: as above.
    unsafe { moved(it, null_mut(), |iter| iter.remove_axis(axis as isize)) }
}

/// One step: 1, or 0 at the end or with an exception.
unsafe extern "C" fn step(it: *mut NpyIter) -> c_int {
    let mut more = false;
    // SAFETY: as above.
    let fine = unsafe {
        moved(it, null_mut(), |iter| {
            more = iter.advance()?;
            Ok(())
        })
    };
    if fine == 1 && !more {
        // C code that goes by full buffers alone (numexpr) looks at the size and not at what the step says.
        // SAFETY: as above.
        unsafe { (*it).size = 0 };
    }
    c_int::from(fine == 1 && more)
}

type IterNext = unsafe extern "C" fn(*mut NpyIter) -> c_int;
type GetMultiIndex = unsafe extern "C" fn(*mut NpyIter, *mut isize);

unsafe extern "C" fn NpyIter_GetIterNext(it: *mut NpyIter, message: *mut *const c_char) -> Option<IterNext> {
    // SAFETY: as above.
    let usable = unsafe { moved(it, message, |iter| iter.check_size()) };
    (usable == 1).then_some(step as IterNext)
}

unsafe extern "C" fn multi_index(it: *mut NpyIter, out: *mut isize) {
    // SAFETY: as above, with a place per dimension.
    unsafe {
        let at = iter(it).multi_index();
        std::ptr::copy_nonoverlapping(at.as_ptr(), out, at.len());
    }
}

unsafe extern "C" fn NpyIter_GetGetMultiIndex(
    it: *mut NpyIter,
    message: *mut *const c_char,
) -> Option<GetMultiIndex> {
    // SAFETY: as above.
    let usable = unsafe {
        moved(it, message, |iter| {
            if iter.has_multi_index() {
                return Ok(());
            }
            Err(micronumpy::Error::Value(
                "Cannot retrieve a GetMultiIndex function for an iterator without a multi-index".into(),
            ))
        })
    };
    (usable == 1).then_some(multi_index as GetMultiIndex)
}
