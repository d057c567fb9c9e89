//! The methods and functions of arrays. What Python calls a method computes; arguments are named by number here, and some
//! results are arrays where a method unwraps them.

use std::ffi::{CStr, c_char, c_int};

use micronumpy::Order;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyTuple};

use super::given::{self, give, int, method, text, zero};
use super::{Slot, create};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::guard;
use crate::ffi::import::cached;
use crate::objects::array::{self, methods};
use crate::objects::{Array, scalar};

type Obj<'py> = Bound<'py, PyAny>;

pub static SLOTS: &[Slot] = &[
    Slot(49, PyArray_CastToType as *const ()),
    Slot(77, PyArray_GetField as *const ()),
    Slot(78, PyArray_SetField as *const ()),
    Slot(79, PyArray_Byteswap as *const ()),
    Slot(80, PyArray_Resize as *const ()),
    Slot(86, PyArray_ToList as *const ()),
    Slot(87, PyArray_ToString as *const ()),
    Slot(88, PyArray_ToFile as *const ()),
    Slot(89, PyArray_Dump as *const ()),
    Slot(90, PyArray_Dumps as *const ()),
    Slot(104, PyArray_FillWithScalar as *const ()),
    Slot(123, PyArray_Transpose as *const ()),
    Slot(124, PyArray_TakeFrom as *const ()),
    Slot(125, PyArray_PutTo as *const ()),
    Slot(126, PyArray_PutMask as *const ()),
    Slot(127, PyArray_Repeat as *const ()),
    Slot(128, PyArray_Choose as *const ()),
    Slot(129, PyArray_Sort as *const ()),
    Slot(130, PyArray_ArgSort as *const ()),
    Slot(131, PyArray_SearchSorted as *const ()),
    Slot(132, PyArray_ArgMax as *const ()),
    Slot(133, PyArray_ArgMin as *const ()),
    Slot(134, PyArray_Reshape as *const ()),
    Slot(135, PyArray_Newshape as *const ()),
    Slot(136, PyArray_Squeeze as *const ()),
    Slot(137, PyArray_View as *const ()),
    Slot(138, PyArray_SwapAxes as *const ()),
    Slot(139, PyArray_Max as *const ()),
    Slot(140, PyArray_Min as *const ()),
    Slot(141, PyArray_Ptp as *const ()),
    Slot(142, PyArray_Mean as *const ()),
    Slot(143, PyArray_Trace as *const ()),
    Slot(144, PyArray_Diagonal as *const ()),
    Slot(145, PyArray_Clip as *const ()),
    Slot(146, PyArray_Conjugate as *const ()),
    Slot(147, PyArray_Nonzero as *const ()),
    Slot(148, PyArray_Std as *const ()),
    Slot(149, PyArray_Sum as *const ()),
    Slot(150, PyArray_CumSum as *const ()),
    Slot(151, PyArray_Prod as *const ()),
    Slot(152, PyArray_CumProd as *const ()),
    Slot(153, PyArray_All as *const ()),
    Slot(154, PyArray_Any as *const ()),
    Slot(155, PyArray_Compress as *const ()),
    Slot(156, PyArray_Flatten as *const ()),
    Slot(157, PyArray_Ravel as *const ()),
    Slot(168, PyArray_Concatenate as *const ()),
    Slot(169, PyArray_InnerProduct as *const ()),
    Slot(170, PyArray_MatrixProduct as *const ()),
    Slot(172, PyArray_Correlate as *const ()),
    Slot(185, PyArray_Where as *const ()),
    Slot(189, PyArray_LexSort as *const ()),
    Slot(190, PyArray_Round as *const ()),
    Slot(206, PyArray_CheckAxis as *const ()),
    Slot(212, PyArray_Correlate2 as *const ()),
    Slot(270, PyArray_CountNonzero as *const ()),
    Slot(276, PyArray_EinsteinSum as *const ()),
    Slot(280, PyArray_MatrixProduct2 as *const ()),
    Slot(296, PyArray_Partition as *const ()),
    Slot(297, PyArray_ArgPartition as *const ()),
];

type Arr = *mut PyArrayObject;

/// Named arguments, those that are null left out.
fn named<'py>(py: Python<'py>, pairs: &[(&str, Option<Obj<'py>>)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in pairs {
        if let Some(value) = value {
            dict.set_item(name, value)?;
        }
    }
    Ok(dict)
}

/// Call a method for a function that gives an array with an optional place for it.
unsafe fn into_out(
    arr: Arr,
    name: &str,
    out: Arr,
    unwrapped: bool,
    args: impl for<'py> FnOnce(&Array<'py>) -> PyResult<Vec<Obj<'py>>>,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let (arr, out) = (given::array(py, arr)?, given::optional(py, out));
        let options = named(py, &[("out", out)])?;
        let result = method(&arr, name, &args(&arr)?, Some(&options))?;
        match Array::cast(&result) {
            // An element keeps the dtype of its array.
            None if name == "take" => {
                let (descr, zeroed) = (arr.descr(), arr.dtype().has_object());
                let one = array::new(&descr, &[], Order::C, zeroed)?;
                scalar::set_item(&descr, one.data(), &result)?;
                Ok(one.0)
            }
            None if !unwrapped => given::as_array(result),
            _ => Ok(result),
        }
    })
}

/// Reductions: an axis, a type, a place for the result.
macro_rules! reductions {
    ($($name:ident, $method:literal, typed;)*) => {$(
        unsafe extern "C" fn $name(arr: Arr, axis: c_int, num: c_int, out: Arr) -> *mut PyObject {
            // SAFETY: the C API's contract.
            unsafe {
                into_out(arr, $method, out, true, |a| {
                    Ok(vec![given::folded_axis(a, axis)?, given::dtype_arg(a.py(), num)?])
                })
            }
        }
    )*};
    ($($name:ident, $method:literal, $unwrapped:literal;)*) => {$(
        unsafe extern "C" fn $name(arr: Arr, axis: c_int, out: Arr) -> *mut PyObject {
            // SAFETY: the C API's contract.
            unsafe { into_out(arr, $method, out, $unwrapped, |a| Ok(vec![given::folded_axis(a, axis)?])) }
        }
    )*};
}

reductions! {
    PyArray_Mean, "mean", typed;
    PyArray_Sum, "sum", typed;
    PyArray_Prod, "prod", typed;
    PyArray_CumSum, "cumsum", typed;
    PyArray_CumProd, "cumprod", typed;
}
reductions! {
    PyArray_All, "all", true;
    PyArray_Any, "any", true;
    PyArray_ArgMax, "argmax", false;
    PyArray_ArgMin, "argmin", false;
}

/// Fold with a ufunc in the type of a number, by which dtypes of any length are meant.
fn fold<'py>(
    arr: &Array<'py>,
    ufunc: &str,
    axis: &Obj<'py>,
    num: c_int,
    out: Option<Obj<'py>>,
) -> PyResult<Obj<'py>> {
    let py = arr.py();
    let options = named(py, &[("axis", Some(axis.clone())), ("out", out)])?;
    options.set_item("dtype", given::dtype_arg(py, num)?)?;
    let reduce = cached(py, "numpy._core._multiarray_umath", ufunc)?.getattr("reduce")?;
    reduce.call((&arr.0,), Some(&options))
}

/// The greatest or the least elements.
unsafe fn extreme(arr: Arr, ufunc: &str, axis: c_int, out: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let arr = given::array(py, arr)?;
        let axis = given::folded_axis(&arr, axis)?;
        fold(&arr, ufunc, &axis, arr.dtype().num.0, given::optional(py, out))
    })
}

unsafe extern "C" fn PyArray_Max(arr: Arr, axis: c_int, out: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract, here and below.
    unsafe { extreme(arr, "maximum", axis, out) }
}

unsafe extern "C" fn PyArray_Min(arr: Arr, axis: c_int, out: Arr) -> *mut PyObject {
    // SAFETY: as above.
    unsafe { extreme(arr, "minimum", axis, out) }
}

unsafe extern "C" fn PyArray_Ptp(arr: Arr, axis: c_int, out: Arr) -> *mut PyObject {
    // SAFETY: as above.
    give(|py| unsafe {
        let (arr, out) = (given::array(py, arr)?, given::optional(py, out));
        let axis = given::folded_axis(&arr, axis)?;
        let end = |ufunc| fold(&arr, ufunc, &axis, arr.dtype().num.0, None);
        let (high, low) = (end("maximum")?, end("minimum")?);
        let options = named(py, &[("out", out)])?;
        given::function(py, "subtract", &[high, low], Some(&options))
    })
}

/// Deviations the way C code has always got them, which is not how the method computes: sums are multiplied by the reciprocal of
/// the count, and no elements deviate by nothing.
unsafe extern "C" fn PyArray_Std(
    arr: Arr,
    axis: c_int,
    num: c_int,
    out: Arr,
    variance: c_int,
) -> *mut PyObject {
    // SAFETY: as above.
    give(|py| unsafe {
        deviation(&given::array(py, arr)?, axis, num, given::optional(py, out), variance != 0)
    })
}

fn deviation<'py>(
    arr: &Array<'py>,
    axis: c_int,
    num: c_int,
    out: Option<Obj<'py>>,
    squared: bool,
) -> PyResult<Obj<'py>> {
    let py = arr.py();
    let axis = given::folded_axis(arr, axis)?;
    let call = |name: &str, args: &[Obj<'py>]| given::function(py, name, args, None);
    let keep = named(py, &[("keepdims", Some(PyBool::new(py, true).to_owned().into_any()))])?;
    let mean = method(arr, "mean", &[axis.clone(), given::dtype_arg(py, num)?], Some(&keep))?;
    let off = Array(given::as_array(call("subtract", &[arr.0.clone(), mean])?)?);
    let square = if off.dtype().num.is_complex() {
        call("multiply", &[off.0.clone(), call("conjugate", std::slice::from_ref(&off.0))?])?
            .getattr("real")?
    } else {
        call("multiply", &[off.0.clone(), off.0.clone()])?
    };
    let total = fold(&Array(given::as_array(square)?), "add", &axis, num, None)?;
    let count = match axis.extract::<isize>() {
        Ok(axis) => arr.shape()[micronumpy::array::normalize_axis(axis, arr.ndim()).py(py)?],
        Err(_) => arr.size() as isize,
    };
    let share = PyFloat::new(py, 1.0 / count.max(1) as f64).into_any();
    let result = call("multiply", &[total, share])?;
    let result = if squared { result } else { call("sqrt", &[result])? };
    let Some(out) = out else { return Ok(result) };
    let to = Array::cast(&out).ok_or_else(|| PyTypeError::new_err("out must be an array"))?;
    array::assign::assign_array(&to, &Array(given::as_array(result)?))?;
    Ok(out)
}

unsafe extern "C" fn PyArray_Trace(
    arr: Arr,
    offset: c_int,
    axis1: c_int,
    axis2: c_int,
    num: c_int,
    out: Arr,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe {
        into_out(arr, "trace", out, true, |a| {
            let numbers = [offset, axis1, axis2].map(|n| int(a.py(), n));
            Ok(numbers.into_iter().chain([given::dtype_arg(a.py(), num)?]).collect())
        })
    }
}

unsafe extern "C" fn PyArray_Diagonal(arr: Arr, offset: c_int, axis1: c_int, axis2: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        method(&given::array(py, arr)?, "diagonal", &[offset, axis1, axis2].map(|n| int(py, n)), None)
    })
}

unsafe extern "C" fn PyArray_Clip(
    arr: Arr,
    min: *mut PyObject,
    max: *mut PyObject,
    out: Arr,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe {
        into_out(arr, "clip", out, true, |a| {
            Ok(vec![given::or_none(a.py(), min), given::or_none(a.py(), max)])
        })
    }
}

unsafe extern "C" fn PyArray_Conjugate(arr: Arr, out: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { method(&given::array(py, arr)?, "conjugate", &[given::or_none(py, out)], None) })
}

unsafe extern "C" fn PyArray_Round(arr: Arr, decimals: c_int, out: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe { into_out(arr, "round", out, true, |a| Ok(vec![int(a.py(), decimals)])) }
}

unsafe extern "C" fn PyArray_Nonzero(arr: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { method(&given::array(py, arr)?, "nonzero", &[], None) })
}

unsafe extern "C" fn PyArray_CountNonzero(arr: Arr) -> isize {
    // SAFETY: the C API's contract.
    guard(|py| unsafe {
        let arr = given::array(py, arr)?;
        Ok(micronumpy::ops::select::count_nonzero(&arr.view()).py(py)? as isize)
    })
}

unsafe extern "C" fn PyArray_CastToType(
    arr: Arr,
    descr: *mut PyArray_Descr,
    fortran: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).ok_or_else(|| PyTypeError::new_err("a dtype is required"))?;
        let bits = NPY_ARRAY_FORCECAST | if fortran != 0 { NPY_ARRAY_F_CONTIGUOUS } else { 0 };
        let bits = bits | NPY_ARRAY_ENSURECOPY;
        Ok(array::coercion::from_array(&given::array(py, arr)?, Some(&descr), bits)?.0)
    })
}

unsafe extern "C" fn PyArray_GetField(arr: Arr, descr: *mut PyArray_Descr, offset: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).ok_or_else(|| PyTypeError::new_err("a dtype is required"))?;
        method(&given::array(py, arr)?, "getfield", &[descr.0, int(py, offset)], None)
    })
}

unsafe extern "C" fn PyArray_SetField(
    arr: Arr,
    descr: *mut PyArray_Descr,
    offset: c_int,
    value: *mut PyObject,
) -> c_int {
    // SAFETY: the C API's contract.
    zero(|py| unsafe {
        let descr = given::stolen(py, descr).ok_or_else(|| PyTypeError::new_err("a dtype is required"))?;
        let args = [given::object(py, value), descr.0, int(py, offset)];
        method(&given::array(py, arr)?, "setfield", &args, None).map(drop)
    })
}

unsafe extern "C" fn PyArray_Byteswap(arr: Arr, in_place: u8) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let flag = PyBool::new(py, in_place != 0).to_owned().into_any();
        method(&given::array(py, arr)?, "byteswap", &[flag], None)
    })
}

/// `PyArray_Dims`
#[repr(C)]
pub struct Dimensions {
    pub ptr: *mut isize,
    pub len: c_int,
}

impl Dimensions {
    fn as_slice(&self) -> &[isize] {
        // SAFETY: by contract the pointer has as many entries.
        unsafe { given::dims(self.ptr, self.len) }
    }
}

unsafe extern "C" fn PyArray_Resize(
    arr: Arr,
    shape: *mut Dimensions,
    refcheck: c_int,
    _: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let shape = PyTuple::new(py, (*shape).as_slice())?.into_any();
        let refcheck = PyBool::new(py, refcheck != 0).to_owned().into_any();
        let options = named(py, &[("refcheck", Some(refcheck))])?;
        method(&given::array(py, arr)?, "resize", &[shape], Some(&options))
    })
}

unsafe extern "C" fn PyArray_ToList(arr: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { method(&given::array(py, arr)?, "tolist", &[], None) })
}

unsafe extern "C" fn PyArray_ToString(arr: Arr, order: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        Ok(methods::convert::to_bytes(&given::array(py, arr)?, given::order(order))?.into_any())
    })
}

unsafe extern "C" fn PyArray_ToFile(
    arr: Arr,
    stream: *mut libc::FILE,
    separator: *mut c_char,
    format: *mut c_char,
) -> c_int {
    // SAFETY: the C API's contract.
    zero(|py| unsafe {
        let word = |p: *mut c_char| match p.is_null() {
            true => String::new(),
            false => CStr::from_ptr(p).to_string_lossy().into_owned(),
        };
        let file = create::python_file(py, stream, "r+b")?;
        let args = [file.clone(), text(py, &word(separator)), text(py, &word(format))];
        let written = method(&given::array(py, arr)?, "tofile", &args, None);
        create::end_file(&file, stream)?;
        written.map(drop)
    })
}

/// `arr.dumps()` with a protocol; negative is the default one.
fn dumps<'py>(obj: &Obj<'py>, protocol: c_int) -> PyResult<Obj<'py>> {
    let py = obj.py();
    let pickle = py.import("pickle")?;
    if protocol < 0 {
        pickle.call_method1("dumps", (obj,))
    } else {
        pickle.call_method1("dumps", (obj, protocol))
    }
}

unsafe extern "C" fn PyArray_Dumps(obj: *mut PyObject, protocol: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| dumps(&unsafe { given::object(py, obj) }, protocol))
}

unsafe extern "C" fn PyArray_Dump(obj: *mut PyObject, file: *mut PyObject, protocol: c_int) -> c_int {
    // SAFETY: the C API's contract.
    zero(|py| unsafe {
        let (obj, file) = (given::object(py, obj), given::object(py, file));
        let bytes = dumps(&obj, protocol)?;
        if file.hasattr("write")? {
            return file.call_method1("write", (bytes,)).map(drop);
        }
        let open = py.import("io")?.call_method1("open", (file, "wb"))?;
        let written = open.call_method1("write", (bytes,));
        open.call_method0("close")?;
        written.map(drop)
    })
}

unsafe extern "C" fn PyArray_FillWithScalar(arr: Arr, value: *mut PyObject) -> c_int {
    // SAFETY: the C API's contract.
    zero(|py| unsafe {
        let arr = given::array(py, arr)?;
        array::assign::check_writeable(&arr, "assignment destination")?;
        array::assign::assign_scalar(&arr, &given::object(py, value))
    })
}

unsafe extern "C" fn PyArray_Transpose(arr: Arr, axes: *mut Dimensions) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let arr = given::array(py, arr)?;
        let all: Vec<isize>;
        let axes = match axes.is_null() {
            true => {
                all = (0..arr.ndim() as isize).rev().collect();
                &all[..]
            }
            false => (*axes).as_slice(),
        };
        Ok(methods::transpose_axes(&arr, axes)?.0)
    })
}

unsafe extern "C" fn PyArray_TakeFrom(
    arr: Arr,
    indices: *mut PyObject,
    axis: c_int,
    out: Arr,
    mode: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe {
        into_out(arr, "take", std::ptr::null_mut(), false, |a| {
            let word = text(a.py(), given::clip_word(mode));
            Ok(vec![
                given::object(a.py(), indices),
                given::axis(a.py(), axis),
                given::or_none(a.py(), out),
                word,
            ])
        })
    }
}

unsafe extern "C" fn PyArray_PutTo(
    arr: Arr,
    values: *mut PyObject,
    indices: *mut PyObject,
    mode: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let word = text(py, given::clip_word(mode));
        method(
            &given::array(py, arr)?,
            "put",
            &[given::object(py, indices), given::object(py, values), word],
            None,
        )
    })
}

unsafe extern "C" fn PyArray_PutMask(arr: Arr, values: *mut PyObject, mask: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let args = [given::array(py, arr)?.0, given::object(py, mask), given::object(py, values)];
        given::function(py, "putmask", &args, None)
    })
}

unsafe extern "C" fn PyArray_Repeat(arr: Arr, repeats: *mut PyObject, axis: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        method(&given::array(py, arr)?, "repeat", &[given::object(py, repeats), given::axis(py, axis)], None)
    })
}

unsafe extern "C" fn PyArray_Choose(
    arr: Arr,
    choices: *mut PyObject,
    out: Arr,
    mode: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let word = text(py, given::clip_word(mode));
        let options = named(py, &[("out", given::optional(py, out)), ("mode", Some(word))])?;
        given::as_array(method(
            &given::array(py, arr)?,
            "choose",
            &[given::object(py, choices)],
            Some(&options),
        )?)
    })
}

unsafe extern "C" fn PyArray_Sort(arr: Arr, axis: c_int, kind: c_int) -> c_int {
    // SAFETY: the C API's contract.
    zero(|py| unsafe {
        let args = [int(py, axis), text(py, given::sort_word(kind))];
        method(&given::array(py, arr)?, "sort", &args, None).map(drop)
    })
}

unsafe extern "C" fn PyArray_ArgSort(arr: Arr, axis: c_int, kind: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let args = [given::axis(py, axis), text(py, given::sort_word(kind))];
        given::as_array(method(&given::array(py, arr)?, "argsort", &args, None)?)
    })
}

unsafe extern "C" fn PyArray_Partition(arr: Arr, kth: Arr, axis: c_int, _: c_int) -> c_int {
    // SAFETY: the C API's contract.
    zero(|py| unsafe {
        let args = [given::object(py, kth), given::axis(py, axis)];
        method(&given::array(py, arr)?, "partition", &args, None).map(drop)
    })
}

unsafe extern "C" fn PyArray_ArgPartition(arr: Arr, kth: Arr, axis: c_int, _: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let args = [given::object(py, kth), given::axis(py, axis)];
        given::as_array(method(&given::array(py, arr)?, "argpartition", &args, None)?)
    })
}

unsafe extern "C" fn PyArray_SearchSorted(
    arr: Arr,
    values: *mut PyObject,
    side: c_int,
    sorter: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let side = text(py, if side != 0 { "right" } else { "left" });
        let args = [given::object(py, values), side, given::or_none(py, sorter)];
        given::as_array(method(&given::array(py, arr)?, "searchsorted", &args, None)?)
    })
}

unsafe extern "C" fn PyArray_Reshape(arr: Arr, shape: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { method(&given::array(py, arr)?, "reshape", &[given::object(py, shape)], None) })
}

unsafe extern "C" fn PyArray_Newshape(arr: Arr, shape: *mut Dimensions, order: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let shape = PyTuple::new(py, (*shape).as_slice())?.into_any();
        let options = named(py, &[("order", Some(text(py, given::order_letter(order))))])?;
        method(&given::array(py, arr)?, "reshape", &[shape], Some(&options))
    })
}

unsafe extern "C" fn PyArray_Squeeze(arr: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { method(&given::array(py, arr)?, "squeeze", &[], None) })
}

unsafe extern "C" fn PyArray_View(
    arr: Arr,
    descr: *mut PyArray_Descr,
    class: *mut pyo3::ffi::PyTypeObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).map(|d| d.0);
        let options = named(py, &[("dtype", descr), ("type", given::optional(py, class))])?;
        method(&given::array(py, arr)?, "view", &[], Some(&options))
    })
}

unsafe extern "C" fn PyArray_SwapAxes(arr: Arr, a: c_int, b: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { method(&given::array(py, arr)?, "swapaxes", &[int(py, a), int(py, b)], None) })
}

unsafe extern "C" fn PyArray_Compress(
    arr: Arr,
    condition: *mut PyObject,
    axis: c_int,
    out: Arr,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe {
        into_out(arr, "compress", out, false, |a| {
            Ok(vec![given::object(a.py(), condition), given::axis(a.py(), axis)])
        })
    }
}

unsafe extern "C" fn PyArray_Flatten(arr: Arr, order: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| Ok(methods::shape::flatten_array(&unsafe { given::array(py, arr)? }, given::order(order))?.0))
}

unsafe extern "C" fn PyArray_Ravel(arr: Arr, order: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| Ok(methods::shape::ravel_array(&unsafe { given::array(py, arr)? }, given::order(order))?.0))
}

unsafe extern "C" fn PyArray_Concatenate(arrays: *mut PyObject, axis: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        given::function(py, "concatenate", &[given::object(py, arrays), given::axis(py, axis)], None)
    })
}

unsafe extern "C" fn PyArray_InnerProduct(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { given::function(py, "inner", &[given::object(py, a), given::object(py, b)], None) })
}

unsafe extern "C" fn PyArray_MatrixProduct(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe { PyArray_MatrixProduct2(a, b, std::ptr::null_mut()) }
}

unsafe extern "C" fn PyArray_MatrixProduct2(a: *mut PyObject, b: *mut PyObject, out: Arr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let options = named(py, &[("out", given::optional(py, out))])?;
        let args = [given::object(py, a), given::object(py, b)];
        given::function(py, "dot", &args, Some(&options))
    })
}

unsafe fn correlated(name: &str, a: *mut PyObject, b: *mut PyObject, mode: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        given::function(py, name, &[given::object(py, a), given::object(py, b), int(py, mode)], None)
    })
}

unsafe extern "C" fn PyArray_Correlate(a: *mut PyObject, b: *mut PyObject, mode: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe { correlated("correlate", a, b, mode) }
}

unsafe extern "C" fn PyArray_Correlate2(a: *mut PyObject, b: *mut PyObject, mode: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe { correlated("correlate2", a, b, mode) }
}

unsafe extern "C" fn PyArray_Where(
    condition: *mut PyObject,
    x: *mut PyObject,
    y: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let args: Vec<_> = [condition, x, y].into_iter().filter_map(|p| given::optional(py, p)).collect();
        given::function(py, "where", &args, None)
    })
}

unsafe extern "C" fn PyArray_LexSort(keys: *mut PyObject, axis: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        given::as_array(given::function(py, "lexsort", &[given::object(py, keys), int(py, axis)], None)?)
    })
}

unsafe extern "C" fn PyArray_EinsteinSum(
    subscripts: *mut c_char,
    nop: isize,
    operands: *mut Arr,
    descr: *mut PyArray_Descr,
    order: c_int,
    casting: c_int,
    out: Arr,
) -> *mut PyObject {
    // SAFETY: the C API's contract; the descriptor stays the caller's.
    give(|py| unsafe {
        let mut args = vec![text(py, &CStr::from_ptr(subscripts).to_string_lossy())];
        args.extend(given::objects(py, operands, usize::try_from(nop).unwrap_or(0)));
        let casting = array::args::casting_text(given::casting(casting)?);
        let options = named(
            py,
            &[
                ("out", given::optional(py, out)),
                ("dtype", given::optional(py, descr)),
                ("order", Some(text(py, given::order_letter(order)))),
                ("casting", Some(text(py, casting))),
            ],
        )?;
        given::as_array(given::function(py, "c_einsum", &args, Some(&options))?)
    })
}

/// The array an axis refers to, made to fit: flattened for "all axes". The axis is brought into range.
unsafe extern "C" fn PyArray_CheckAxis(arr: Arr, axis: *mut c_int, requirements: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let mut arr = given::array(py, arr)?;
        if *axis == given::RAVEL_AXIS || arr.ndim() == 0 {
            if arr.ndim() != 1 {
                arr = methods::shape::ravel_array(&arr, Order::C)?;
                if *axis == given::RAVEL_AXIS {
                    *axis = arr.ndim() as c_int - 1;
                }
            } else if *axis == given::RAVEL_AXIS {
                *axis = 0;
            }
            if requirements == 0 && *axis == 0 {
                return Ok(arr.0);
            }
        }
        if requirements != 0 {
            arr = array::coercion::from_array(&arr, None, requirements)?;
        }
        *axis = micronumpy::array::normalize_axis(*axis as isize, arr.ndim()).py(py)? as c_int;
        Ok(arr.0)
    })
}
