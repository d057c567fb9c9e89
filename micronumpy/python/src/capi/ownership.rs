//! Who owns the memory of an array, who may write to it, and what its flags say; copies between arrays.

use std::ffi::{CStr, c_char, c_int};

use micronumpy::Order;
use pyo3::exceptions::{PyNotImplementedError, PyValueError};
use pyo3::ffi::PyObject;
use pyo3::prelude::*;

use super::Slot;
use super::given::{self, zero};
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::array::args::CopyMode;
use crate::objects::array::{self, alloc, assign, flags, methods, writeback};
use crate::objects::handles::is_python_scalar;
use crate::objects::{Array, wrap};

pub static SLOTS: &[Slot] = &[
    Slot(44, PyArray_SetStringFunction as *const ()),
    Slot(50, PyArray_CopyInto as *const ()),
    Slot(51, PyArray_CopyAnyInto as *const ()),
    Slot(59, PyArray_Size as *const ()),
    Slot(84, PyArray_CopyObject as *const ()),
    Slot(92, PyArray_UpdateFlags as *const ()),
    Slot(97, PyArray_GetPriority as *const ()),
    Slot(105, PyArray_CheckStrides as *const ()),
    Slot(119, PyArray_ElementStrides as *const ()),
    Slot(162, PyArray_AsCArray as *const ()),
    Slot(165, PyArray_Free as *const ()),
    Slot(282, PyArray_SetBaseObject as *const ()),
    Slot(283, PyArray_CreateSortedStridePerm as *const ()),
    Slot(284, PyArray_RemoveAxesInPlace as *const ()),
    Slot(286, PyArray_FailUnlessWriteable as *const ()),
    Slot(287, PyArray_SetUpdateIfCopyBase as *const ()),
    Slot(302, PyArray_ResolveWritebackIfCopy as *const ()),
    Slot(303, PyArray_SetWritebackIfCopyBase as *const ()),
];

type Arr = *mut PyArrayObject;

unsafe extern "C" fn PyArray_SetStringFunction(_: *mut PyObject, _: c_int) {
    guard(|_| Err(PyValueError::new_err("PyArray_SetStringFunction was removed in NumPy 2.0")))
}

unsafe extern "C" fn PyArray_CopyInto(dst: Arr, src: Arr) -> c_int {
    // SAFETY: the C API's contract, here and below.
    zero(|py| unsafe { assign::assign_array(&given::array(py, dst)?, &given::array(py, src)?) })
}

/// Elements in C order, whatever the shapes.
unsafe extern "C" fn PyArray_CopyAnyInto(dst: Arr, src: Arr) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let (dst, src) = (given::array(py, dst)?, given::array(py, src)?);
        assign::check_writeable(&dst, "destination array")?;
        if dst.size() != src.size() {
            return Err(PyValueError::new_err(format!(
                "cannot copy from array of size {} into an array of size {}",
                src.size(),
                dst.size()
            )));
        }
        let flat = methods::shape::flatten_array(&src, Order::C)?;
        let shaped = methods::reshape_array(&flat, dst.shape(), Order::C, CopyMode::IfNeeded)?;
        assign::assign_array(&dst, &shaped)
    })
}

unsafe extern "C" fn PyArray_CopyObject(dst: Arr, value: *mut PyObject) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let dst = given::array(py, dst)?;
        assign::check_writeable(&dst, "assignment destination")?;
        array::assign(&dst, &given::object(py, value))
    })
}

unsafe extern "C" fn PyArray_Size(obj: *mut PyObject) -> isize {
    guard(|py| {
        // SAFETY: as above.
        let obj = unsafe { given::object(py, obj) };
        match Array::cast(&obj) {
            Some(arr) => Ok(arr.size() as isize),
            None => Err(pyo3::exceptions::PySystemError::new_err("bad argument to internal function")),
        }
    })
}

unsafe extern "C" fn PyArray_GetPriority(obj: *mut PyObject, default: f64) -> f64 {
    guard(|py| {
        // SAFETY: as above.
        let obj = unsafe { given::object(py, obj) };
        // Python's own numbers have none, whatever an operation of arrays makes of them.
        if is_python_scalar(&obj) { Ok(default) } else { wrap::priority(&obj, default) }
    })
}

/// Bring the flags asked for in line with what strides and address say.
unsafe extern "C" fn PyArray_UpdateFlags(arr: Arr, mask: c_int) {
    const KNOWN: c_int = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_ALIGNED;
    // SAFETY: as above. No Python object is touched.
    unsafe {
        let old = (*arr).flags;
        flags::update(arr);
        // Contiguity is one question with two answers.
        let contiguity = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS;
        let mut updated = mask & KNOWN;
        if mask & contiguity != 0 {
            updated |= contiguity;
        }
        (*arr).flags = (*arr).flags & updated | old & !updated;
    }
}

/// Whether strides stay inside memory of `nbytes` bytes, of which `offset` lie in front of the first element.
unsafe extern "C" fn PyArray_CheckStrides(
    itemsize: c_int,
    nd: c_int,
    nbytes: isize,
    offset: isize,
    dims: *const isize,
    strides: *const isize,
) -> u8 {
    // SAFETY: as above.
    let (shape, strides) = unsafe { (given::dims(dims, nd), given::dims(strides, nd)) };
    let itemsize = usize::try_from(itemsize).unwrap_or(0);
    let size = match nbytes {
        0 => shape.iter().product::<isize>() * itemsize as isize,
        n => n,
    };
    let (lowest, highest) = (-offset, size - offset);
    let extent = alloc::extent(shape, strides, itemsize);
    u8::from(extent.is_some_and(|(lo, hi)| hi <= highest && lo >= lowest))
}

unsafe extern "C" fn PyArray_ElementStrides(obj: *mut PyObject) -> c_int {
    guard(|py| {
        // SAFETY: as above.
        let obj = unsafe { given::object(py, obj) };
        Ok(c_int::from(Array::cast(&obj).is_some_and(|a| flags::has_element_strides(&a))))
    })
}

/// `npy_stride_sort_item`
#[repr(C)]
pub struct StrideSortItem {
    perm: isize,
    stride: isize,
}

/// Axes from the largest stride to the smallest; equal ones stay as they are.
unsafe extern "C" fn PyArray_CreateSortedStridePerm(
    n: c_int,
    strides: *const isize,
    out: *mut StrideSortItem,
) {
    // SAFETY: as above, with an entry for each stride.
    unsafe {
        let mut items: Vec<StrideSortItem> = given::dims(strides, n)
            .iter()
            .enumerate()
            .map(|(i, &stride)| StrideSortItem { perm: i as isize, stride })
            .collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.stride.unsigned_abs()));
        for (i, item) in items.into_iter().enumerate() {
            out.add(i).write(item);
        }
    }
}

/// Drop the flagged axes of a view nobody else has seen.
unsafe extern "C" fn PyArray_RemoveAxesInPlace(arr: Arr, drop_axis: *const u8) {
    // SAFETY: as above. The kept lengths move down within their own block.
    unsafe {
        let (n, a) = ((*arr).nd as usize, &mut *arr);
        let kept: Vec<usize> = (0..n).filter(|&i| *drop_axis.add(i) == 0).collect();
        for (to, &from) in kept.iter().enumerate() {
            *a.dimensions.add(to) = *a.dimensions.add(from);
            *a.strides.add(to) = *a.strides.add(from);
        }
        a.nd = kept.len() as i32;
        flags::update(arr);
    }
}

unsafe extern "C" fn PyArray_FailUnlessWriteable(arr: Arr, name: *const c_char) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        assign::check_writeable(&given::array(py, arr)?, &CStr::from_ptr(name).to_string_lossy())
    })
}

/// The base is given away, even where this fails.
unsafe extern "C" fn PyArray_SetBaseObject(arr: Arr, base: *mut PyObject) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let base = Bound::from_owned_ptr_or_opt(py, base);
        let base = base.ok_or_else(|| {
            PyValueError::new_err("Cannot set the NumPy array 'base' dependency to NULL after initialization")
        })?;
        let arr = given::array(py, arr)?;
        if !(*arr.raw()).base.is_null() {
            return Err(PyValueError::new_err("Cannot set the NumPy array 'base' dependency more than once"));
        }
        alloc::set_base(&arr, &base)
    })
}

unsafe extern "C" fn PyArray_SetUpdateIfCopyBase(_: Arr, base: Arr) -> c_int {
    // SAFETY: as above; the base is given away.
    zero(|py| unsafe {
        drop(Bound::from_owned_ptr_or_opt(py, base.cast()));
        Err(PyNotImplementedError::new_err(
            "PyArray_SetUpdateIfCopyBase was removed; use PyArray_SetWritebackIfCopyBase",
        ))
    })
}

/// The base is given away, even where this fails.
unsafe extern "C" fn PyArray_SetWritebackIfCopyBase(arr: Arr, base: Arr) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let base = Bound::from_owned_ptr_or_opt(py, base.cast()).and_then(|b| Array::cast(&b));
        let base = base.ok_or_else(|| PyValueError::new_err("Cannot WRITEBACKIFCOPY to NULL array"))?;
        let arr = given::array(py, arr)?;
        if !(*arr.raw()).base.is_null() {
            return Err(PyValueError::new_err("Cannot set array with existing base to WRITEBACKIFCOPY"));
        }
        assign::check_writeable(&base, "WRITEBACKIFCOPY base")?;
        writeback::install(&arr, &base)
    })
}

/// 1: copied, 0: nothing to do.
unsafe extern "C" fn PyArray_ResolveWritebackIfCopy(arr: Arr) -> c_int {
    // SAFETY: as above.
    guard(|py| Ok(c_int::from(writeback::resolve(&unsafe { given::array(py, arr)? })?)))
}

/// An array as C arrays of pointers, of up to three dimensions. The object in `*op` is exchanged for the array behind them.
unsafe extern "C" fn PyArray_AsCArray(
    op: *mut *mut PyObject,
    out: *mut std::ffi::c_void,
    dims: *mut isize,
    nd: c_int,
    descr: *mut PyArray_Descr,
) -> c_int {
    // SAFETY: as above.
    zero(|py| unsafe {
        let descr = given::stolen(py, descr);
        if !(1..=3).contains(&nd) {
            return Err(PyValueError::new_err("C arrays of only 1-3 dimensions available"));
        }
        let n = nd as usize;
        let arr = array::from_any(&given::object(py, *op), descr.as_ref(), n, n, NPY_ARRAY_CARRAY)?;
        let (shape, strides, data) = (arr.shape(), arr.strides(), arr.data());
        let row = |i: isize| data.wrapping_offset(i * strides[0]);
        let pointers = |n: isize| -> PyResult<*mut *mut u8> {
            let list: *mut *mut u8 = libc::malloc(n.max(1) as usize * size_of::<*mut u8>()).cast();
            if list.is_null() { Err(pyo3::exceptions::PyMemoryError::new_err(())) } else { Ok(list) }
        };
        let first: *mut u8 = match n {
            1 => data,
            2 => {
                let list = pointers(shape[0])?;
                (0..shape[0]).for_each(|i| *list.offset(i) = row(i));
                list.cast()
            }
            _ => {
                let list = pointers(shape[0] + shape[0] * shape[1])?;
                for i in 0..shape[0] {
                    let rows = list.offset(shape[0] + i * shape[1]);
                    *list.offset(i) = rows.cast();
                    (0..shape[1]).for_each(|j| *rows.offset(j) = row(i).wrapping_offset(j * strides[1]));
                }
                list.cast()
            }
        };
        std::ptr::copy_nonoverlapping(shape.as_ptr(), dims, n);
        *out.cast::<*mut u8>() = first;
        *op = given::raw(arr.0);
        Ok(())
    })
}

unsafe extern "C" fn PyArray_Free(obj: *mut PyObject, ptr: *mut std::ffi::c_void) -> c_int {
    // SAFETY: as above: what `PyArray_AsCArray` gave.
    zero(|py| unsafe {
        let arr = Array(Bound::from_owned_ptr(py, obj));
        if arr.ndim() >= 2 {
            libc::free(ptr);
        }
        Ok(())
    })
}
