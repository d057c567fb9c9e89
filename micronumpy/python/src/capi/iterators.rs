//! The older iterators, which C code steps by macros through their fields.

use std::ffi::c_int;

use pyo3::exceptions::PyValueError;
use pyo3::ffi::{self, PyObject};
use pyo3::prelude::*;

use super::Slot;
use super::given::{self, give, zero};
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::array;
use crate::objects::handles::is_array;
use crate::objects::iter::{broadcast, flatiter, neighborhood};

pub static SLOTS: &[Slot] = &[
    Slot(98, PyArray_IterNew as *const ()),
    Slot(99, PyArray_MultiIterNew as *const ()),
    Slot(102, PyArray_Broadcast as *const ()),
    Slot(107, PyArray_IterAllButAxis as *const ()),
    Slot(118, PyArray_RemoveSmallest as *const ()),
    Slot(200, PyArray_BroadcastToShape as *const ()),
    Slot(209, PyArray_MultiIterFromObjects as *const ()),
    Slot(213, PyArray_NeighborhoodIterNew as *const ()),
];

fn bad_call() -> PyErr {
    pyo3::exceptions::PySystemError::new_err("bad argument to internal function")
}

fn new<'py>(obj: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, *mut PyArrayIterObject)> {
    if !is_array(obj) {
        return Err(bad_call());
    }
    let it = flatiter::new(&crate::objects::Array(obj.clone()))?;
    let head = it.as_ptr().cast();
    Ok((it, head))
}

unsafe extern "C" fn PyArray_IterNew(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract, here and below.
    give(|py| Ok(new(&unsafe { given::object(py, obj) })?.0))
}

/// Over all elements with index 0 along one axis: a given one, or (negative) the one with the smallest stride.
unsafe extern "C" fn PyArray_IterAllButAxis(obj: *mut PyObject, axis: *mut c_int) -> *mut PyObject {
    // SAFETY: as above.
    give(|py| unsafe {
        let obj = given::object(py, obj);
        let (it, head) = new(&obj)?;
        let arr = crate::objects::Array(obj);
        if arr.ndim() == 0 {
            return Ok(it);
        }
        if *axis < 0 {
            let mut smallest = (arr.strides()[0].max(0), 0);
            for (i, &st) in arr.strides().iter().enumerate().skip(1) {
                if st > 0 && st < smallest.0 {
                    smallest = (st, i);
                }
            }
            *axis = smallest.1 as c_int;
        }
        let i = *axis as usize;
        let head = &mut *head;
        head.contiguous = 0;
        if head.size != 0 {
            head.size /= arr.shape()[i];
        }
        head.dims_m1[i] = 0;
        head.backstrides[i] = 0;
        Ok(it)
    })
}

/// Over an array as if it had a larger shape.
unsafe extern "C" fn PyArray_BroadcastToShape(
    obj: *mut PyObject,
    dims: *mut isize,
    nd: c_int,
) -> *mut PyObject {
    // SAFETY: as above.
    give(|py| unsafe {
        let obj = given::object(py, obj);
        let (it, head) = new(&obj)?;
        let (arr, shape) = (crate::objects::Array(obj), given::dims(dims, nd));
        let fits = shape.len() >= arr.ndim()
            && arr.shape().iter().rev().zip(shape.iter().rev()).all(|(&n, &m)| n == 1 || n == m);
        if !fits {
            return Err(PyValueError::new_err("array is not broadcastable to correct shape"));
        }
        if shape.len() > NPY_MAXDIMS_LEGACY_ITERS {
            return Err(flatiter::too_many_dims(shape.len()));
        }
        let strides = broadcast_strides(&arr, shape.len());
        // `fill` takes its own reference to the array.
        ffi::Py_DECREF((*head).ao.cast());
        flatiter::fill(&mut *head, &arr, shape, &strides);
        (*head).contiguous = 0;
        Ok(it)
    })
}

/// Strides of an array in a larger number of dimensions: 0 where it is repeated.
fn broadcast_strides(arr: &crate::objects::Array<'_>, nd: usize) -> Vec<isize> {
    let mut strides = vec![0; nd - arr.ndim()];
    strides.extend(arr.shape().iter().zip(arr.strides()).map(|(&n, &st)| if n == 1 { 0 } else { st }));
    strides
}

// A variadic function finds its arguments in registers and then on the stack. Rust has none, so these gather the
// addresses of both parts and go on in `multi_from_parts`.
#[cfg(target_arch = "x86_64")]
mod variadic {
    use std::arch::naked_asm;

    /// `PyObject *PyArray_MultiIterNew(int n, ...)`
    #[unsafe(naked)]
    pub extern "C" fn PyArray_MultiIterNew() {
        naked_asm!(
            "sub rsp, 56",
            "mov [rsp], rsi",
            "mov [rsp + 8], rdx",
            "mov [rsp + 16], rcx",
            "mov [rsp + 24], r8",
            "mov [rsp + 32], r9",
            "mov rsi, rsp",
            "lea rdx, [rsp + 64]",
            "call {body}",
            "add rsp, 56",
            "ret",
            body = sym super::multi_new,
        )
    }

    /// `PyObject *PyArray_MultiIterFromObjects(PyObject **list, int n, int more, ...)`
    #[unsafe(naked)]
    pub extern "C" fn PyArray_MultiIterFromObjects() {
        naked_asm!(
            "sub rsp, 56",
            "mov [rsp], rcx",
            "mov [rsp + 8], r8",
            "mov [rsp + 16], r9",
            "mov rcx, rsp",
            "lea r8, [rsp + 64]",
            "call {body}",
            "add rsp, 56",
            "ret",
            body = sym super::multi_from_objects,
        )
    }
}

#[cfg(target_arch = "aarch64")]
mod variadic {
    use std::arch::naked_asm;

    /// `PyObject *PyArray_MultiIterNew(int n, ...)`
    #[unsafe(naked)]
    pub extern "C" fn PyArray_MultiIterNew() {
        naked_asm!(
            "stp x29, x30, [sp, #-80]!",
            "mov x29, sp",
            "stp x1, x2, [sp, #16]",
            "stp x3, x4, [sp, #32]",
            "stp x5, x6, [sp, #48]",
            "str x7, [sp, #64]",
            "add x1, sp, #16",
            "add x2, sp, #80",
            "bl {body}",
            "ldp x29, x30, [sp], #80",
            "ret",
            body = sym super::multi_new,
        )
    }

    /// `PyObject *PyArray_MultiIterFromObjects(PyObject **list, int n, int more, ...)`
    #[unsafe(naked)]
    pub extern "C" fn PyArray_MultiIterFromObjects() {
        naked_asm!(
            "stp x29, x30, [sp, #-64]!",
            "mov x29, sp",
            "stp x3, x4, [sp, #16]",
            "stp x5, x6, [sp, #32]",
            "str x7, [sp, #48]",
            "add x3, sp, #16",
            "add x4, sp, #64",
            "bl {body}",
            "ldp x29, x30, [sp], #64",
            "ret",
            body = sym super::multi_from_objects,
        )
    }
}

use variadic::{PyArray_MultiIterFromObjects, PyArray_MultiIterNew};

/// How many pointers of a call lie in registers when `named` of its arguments are not variadic.
const fn in_registers(named: usize) -> usize {
    if cfg!(target_arch = "x86_64") { 6 - named } else { 8 - named }
}

const TOO_MANY: &str = "Need at least 0 and at most 64 array objects.";

unsafe extern "C" fn multi_new(
    n: c_int,
    registers: *const *mut PyObject,
    stack: *const *mut PyObject,
) -> *mut PyObject {
    // SAFETY: as above.
    unsafe { multi_from_parts(&[], n, registers, in_registers(1), stack) }
}

unsafe extern "C" fn multi_from_objects(
    list: *const *mut PyObject,
    n: c_int,
    more: c_int,
    registers: *const *mut PyObject,
    stack: *const *mut PyObject,
) -> *mut PyObject {
    // SAFETY: as above.
    unsafe {
        let first = match usize::try_from(n) {
            Ok(n) if n > 0 && !list.is_null() => std::slice::from_raw_parts(list, n),
            _ => &[],
        };
        multi_from_parts(first, more, registers, in_registers(3), stack)
    }
}

/// # Safety
/// `n` objects in `registers` (as many as `in_registers` says) and `stack`.
unsafe fn multi_from_parts(
    first: &[*mut PyObject],
    n: c_int,
    registers: *const *mut PyObject,
    in_registers: usize,
    stack: *const *mut PyObject,
) -> *mut PyObject {
    give(|py| {
        let n = usize::try_from(n).unwrap_or(0);
        if first.len() + n > NPY_MAXARGS {
            return Err(PyValueError::new_err(TOO_MANY));
        }
        // SAFETY: the caller's promise.
        let at = |i: usize| unsafe {
            if i < in_registers { *registers.add(i) } else { *stack.add(i - in_registers) }
        };
        let objects = first
            .iter()
            .copied()
            .chain((0..n).map(at))
            // SAFETY: null or live objects.
            .map(|p| unsafe { given::optional(py, p) })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(bad_call)?;
        broadcast::new(py, &objects)
    })
}

/// Find the common shape of the iterators somebody has put into a multi-iterator, and make them walk it.
unsafe extern "C" fn PyArray_Broadcast(multi: *mut PyArrayMultiIterObject) -> c_int {
    // SAFETY: as above. External code may have allocated fewer than 64 slots, so no reference to the whole is made.
    zero(|py| unsafe {
        let count = (*multi).numiter as usize;
        let iters = (&raw const (*multi).iters).cast::<*mut PyArrayIterObject>();
        let arrays =
            (0..count).map(|i| given::array(py, (**iters.add(i)).ao)).collect::<PyResult<Vec<_>>>()?;
        let shapes: Vec<&[isize]> = arrays.iter().map(|a| a.shape()).collect();
        let (shape, size) = broadcast::common_shape(&shapes)?;
        if shape.len() > NPY_MAXDIMS_LEGACY_ITERS {
            return Err(flatiter::too_many_dims(shape.len()));
        }
        (*multi).nd = shape.len() as c_int;
        (&mut (*multi).dimensions)[..shape.len()].copy_from_slice(&shape);
        (*multi).size = size;
        for (i, arr) in arrays.iter().enumerate() {
            let it = *iters.add(i);
            let strides = broadcast_strides(arr, shape.len());
            let own = (*it).ao;
            flatiter::fill(&mut *it, arr, &shape, &strides);
            ffi::Py_DECREF(own.cast());
            (*it).contiguous = 0;
        }
        Ok(())
    })
}

/// Stop walking the axis with the smallest sum of strides, which C code then loops over itself; -1 without dimensions.
unsafe extern "C" fn PyArray_RemoveSmallest(multi: *mut PyArrayMultiIterObject) -> c_int {
    // SAFETY: as above.
    unsafe {
        let (nd, count) = ((*multi).nd as usize, (*multi).numiter as usize);
        if nd == 0 {
            return -1;
        }
        let iters = (&raw const (*multi).iters).cast::<*mut PyArrayIterObject>();
        let all = || (0..count).map(|i| *iters.add(i));
        let sum = |axis: usize| all().map(|it| (*it).strides[axis]).sum::<isize>();
        let mut best = (sum(0), 0);
        for axis in 1..nd {
            let strides = sum(axis);
            if strides < best.0 {
                best = (strides, axis);
            }
        }
        let axis = best.1;
        for it in all() {
            let it = &mut *it;
            it.contiguous = 0;
            if it.size != 0 {
                it.size /= it.dims_m1[axis] + 1;
            }
            it.dims_m1[axis] = 0;
            it.backstrides[axis] = 0;
        }
        (*multi).size = (**iters).size;
        axis as c_int
    }
}

unsafe extern "C" fn PyArray_NeighborhoodIterNew(
    over: *mut PyArrayIterObject,
    bounds: *const isize,
    mode: c_int,
    fill: *mut PyArrayObject,
) -> *mut PyObject {
    // SAFETY: as above: two bounds per dimension.
    guard(|py| unsafe {
        let nd = (*over).nd_m1 + 1;
        let bounds: Vec<[isize; 2]> = given::dims(bounds, 2 * nd).chunks(2).map(|b| [b[0], b[1]]).collect();
        let mode = neighborhood::Padding::from_code(mode)?;
        let fill = given::optional(py, fill);
        let fill = fill.map(|f| array::from_any(&f, None, 0, 0, 0)).transpose()?;
        Ok(given::raw(neighborhood::new(&given::object(py, over), &bounds, mode, fill.as_ref())?))
    })
}
