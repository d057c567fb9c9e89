//! Making arrays: of nothing, of memory, of objects, of files.

use std::ffi::{CStr, c_char, c_double, c_int, c_void};

use micronumpy::{Order, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi::{self, PyObject, PyTypeObject};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::Slot;
use super::given::{self, give};
use crate::abi::*;
use crate::ffi::types;
use crate::objects::array::{self, alloc, flags, methods};
use crate::objects::{Array, Descr, dtype, scalar};
use crate::protocols::{array_attr, interface};

pub static SLOTS: &[Slot] = &[
    Slot(61, PyArray_FromScalar as *const ()),
    Slot(69, PyArray_FromAny as *const ()),
    Slot(70, PyArray_EnsureArray as *const ()),
    Slot(71, PyArray_EnsureAnyArray as *const ()),
    Slot(72, PyArray_FromFile as *const ()),
    Slot(73, PyArray_FromString as *const ()),
    Slot(74, PyArray_FromBuffer as *const ()),
    Slot(75, PyArray_FromIter as *const ()),
    Slot(85, PyArray_NewCopy as *const ()),
    Slot(93, PyArray_New as *const ()),
    Slot(94, PyArray_NewFromDescr as *const ()),
    Slot(108, PyArray_CheckFromAny as *const ()),
    Slot(109, PyArray_FromArray as *const ()),
    Slot(110, PyArray_FromInterface as *const ()),
    Slot(111, PyArray_FromStructInterface as *const ()),
    Slot(112, PyArray_FromArrayAttr as *const ()),
    Slot(183, PyArray_Zeros as *const ()),
    Slot(184, PyArray_Empty as *const ()),
    Slot(186, PyArray_Arange as *const ()),
    Slot(187, PyArray_ArangeObj as *const ()),
    Slot(277, PyArray_NewLikeArray as *const ()),
];

/// Make an array as `PyArray_NewFromDescr` does.
///
/// # Safety
/// The C API's contract for these arguments.
#[allow(clippy::too_many_arguments)]
unsafe fn make<'py>(
    py: Python<'py>,
    subtype: *mut PyTypeObject,
    descr: &Descr<'py>,
    nd: c_int,
    dims: *const isize,
    strides: *const isize,
    data: *mut c_void,
    bits: c_int,
    parent: *mut PyObject,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    unsafe {
        let own = subtype.is_null() || subtype == array::ARRAY_TYPE.as_type();
        let class = (!own).then(|| types::handle(py, subtype));
        let parent = given::optional(py, parent);
        let shape = given::dims(dims, nd);
        let strides = (!strides.is_null()).then(|| given::dims(strides, nd));
        // Without data any flag at all asks for Fortran order.
        let fortran = match data.is_null() {
            true => bits != 0,
            false => bits & (NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_C_CONTIGUOUS) == NPY_ARRAY_F_CONTIGUOUS,
        };
        let made = alloc::Make {
            subtype: class.as_ref(),
            strides,
            fortran,
            data: data.cast(),
            writeable: bits & NPY_ARRAY_WRITEABLE != 0,
            parent: parent.as_ref(),
            ..alloc::Make::new(descr, shape)
        };
        Ok(made.build()?.0)
    }
}

unsafe extern "C" fn PyArray_NewFromDescr(
    subtype: *mut PyTypeObject,
    descr: *mut PyArray_Descr,
    nd: c_int,
    dims: *const isize,
    strides: *const isize,
    data: *mut c_void,
    flags: c_int,
    parent: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr)
            .ok_or_else(|| PyRuntimeError::new_err("Internal: descr was NULL in PyArray_NewFromDescr"))?;
        make(py, subtype, &descr, nd, dims, strides, data, flags, parent)
    })
}

unsafe extern "C" fn PyArray_New(
    subtype: *mut PyTypeObject,
    nd: c_int,
    dims: *const isize,
    num: c_int,
    strides: *const isize,
    data: *mut c_void,
    itemsize: c_int,
    flags: c_int,
    parent: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let mut descr = given::descr_of_number(py, num)?;
        if descr.itemsize() == 0 && descr.dtype().num.is_flexible() {
            if itemsize < 1 {
                return Err(PyValueError::new_err("data type must provide an itemsize"));
            }
            let mut dt = descr.dtype().clone();
            dt.itemsize = itemsize as usize;
            descr = dtype::descr_of(py, &dt)?;
        }
        make(py, subtype, &descr, nd, dims, strides, data, flags, parent)
    })
}

/// A fresh array in C or Fortran order; no descriptor means doubles.
unsafe fn fresh<'py>(
    py: Python<'py>,
    nd: c_int,
    dims: *const isize,
    descr: *mut PyArray_Descr,
    fortran: c_int,
    zeroed: bool,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the C API's contract.
    let (descr, shape) = unsafe { (given::stolen(py, descr), given::dims(dims, nd)) };
    let descr = descr.unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE));
    let arr = array::new(&descr, shape, if fortran != 0 { Order::F } else { Order::C }, zeroed)?;
    match (arr.dtype().has_object(), zeroed) {
        (true, true) => array::assign::fill_zero(&arr)?,
        (true, false) => array::assign::fill_none(&arr),
        _ => (),
    }
    Ok(arr.0)
}

unsafe extern "C" fn PyArray_Zeros(
    nd: c_int,
    dims: *const isize,
    descr: *mut PyArray_Descr,
    fortran: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { fresh(py, nd, dims, descr, fortran, true) })
}

unsafe extern "C" fn PyArray_Empty(
    nd: c_int,
    dims: *const isize,
    descr: *mut PyArray_Descr,
    fortran: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe { fresh(py, nd, dims, descr, fortran, false) })
}

unsafe extern "C" fn PyArray_NewLikeArray(
    prototype: *mut PyArrayObject,
    order: c_int,
    descr: *mut PyArray_Descr,
    subok: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let (descr, prototype) = (given::stolen(py, descr), given::array(py, prototype)?);
        let descr = descr.unwrap_or_else(|| prototype.descr());
        Ok(alloc::new_like(&prototype, given::order(order), &descr, None, subok != 0, false)?.0)
    })
}

unsafe extern "C" fn PyArray_NewCopy(arr: *mut PyArrayObject, order: c_int) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| Ok(methods::copy_array(&unsafe { given::array(py, arr)? }, given::order(order))?.0))
}

/// An argument from the time of `__array_wrap__` contexts.
fn no_context(context: *mut PyObject) -> PyResult<()> {
    if context.is_null() { Ok(()) } else { Err(PyRuntimeError::new_err("'context' must be NULL")) }
}

unsafe extern "C" fn PyArray_FromAny(
    obj: *mut PyObject,
    descr: *mut PyArray_Descr,
    min_depth: c_int,
    max_depth: c_int,
    requirements: c_int,
    context: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr);
        no_context(context)?;
        let obj = given::object(py, obj);
        from_any(&obj, descr.as_ref(), min_depth, max_depth, requirements)
    })
}

fn from_any<'py>(
    obj: &Bound<'py, PyAny>,
    descr: Option<&Descr<'py>>,
    min_depth: c_int,
    max_depth: c_int,
    requirements: c_int,
) -> PyResult<Bound<'py, PyAny>> {
    let depth = |n: c_int| usize::try_from(n).unwrap_or(0);
    Ok(array::from_any(obj, descr, depth(min_depth), depth(max_depth), requirements)?.0)
}

unsafe extern "C" fn PyArray_CheckFromAny(
    obj: *mut PyObject,
    descr: *mut PyArray_Descr,
    min_depth: c_int,
    max_depth: c_int,
    requirements: c_int,
    context: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let (mut descr, obj) = (given::stolen(py, descr), given::object(py, obj));
        no_context(context)?;
        if requirements & NPY_ARRAY_NOTSWAPPED != 0 {
            let own = || Array::cast(&obj).map(|a| a.descr());
            descr = match descr.clone().or_else(own) {
                Some(d) if !d.dtype().is_native() => Some(dtype::fields::with_byteorder(&d, b'=')?),
                _ => descr,
            };
        }
        let made = from_any(&obj, descr.as_ref(), min_depth, max_depth, requirements)?;
        if requirements & NPY_ARRAY_ELEMENTSTRIDES != 0 {
            let arr = Array(made);
            if !flags::has_element_strides(&arr) {
                return Ok(methods::copy_array(&arr, Order::Any)?.0);
            }
            return Ok(arr.0);
        }
        Ok(made)
    })
}

unsafe extern "C" fn PyArray_FromArray(
    arr: *mut PyArrayObject,
    descr: *mut PyArray_Descr,
    requirements: c_int,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr);
        Ok(array::coercion::from_array(&given::array(py, arr)?, descr.as_ref(), requirements)?.0)
    })
}

unsafe extern "C" fn PyArray_FromScalar(obj: *mut PyObject, descr: *mut PyArray_Descr) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let (descr, obj) = (given::stolen(py, descr), given::object(py, obj));
        match descr {
            None => Ok(scalar::shared_or_copied(&obj)?.0),
            Some(d) => {
                let arr = scalar::to_array(&obj)?;
                Ok(array::coercion::from_array(&arr, Some(&d), NPY_ARRAY_FORCECAST)?.0)
            }
        }
    })
}

/// An array of an object whose reference is given away.
unsafe fn ensure(obj: *mut PyObject, any: bool) -> *mut PyObject {
    if obj.is_null() {
        return obj;
    }
    // SAFETY: the C API's contract; the reference is taken over.
    give(|py| unsafe {
        let obj = Bound::from_owned_ptr(py, obj);
        if let Some(arr) = Array::cast(&obj) {
            if any || arr.is_exact() {
                return Ok(obj);
            }
            let class = types::handle(py, array::ARRAY_TYPE.as_type());
            return Ok(alloc::plain_view(&arr, Some(&class))?.0);
        }
        from_any(&obj, None, 0, 0, NPY_ARRAY_ENSUREARRAY)
    })
}

unsafe extern "C" fn PyArray_EnsureArray(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe { ensure(obj, false) }
}

unsafe extern "C" fn PyArray_EnsureAnyArray(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    unsafe { ensure(obj, true) }
}

/// The object, or `NotImplemented` where it does not know the protocol.
fn or_not_implemented<'py>(py: Python<'py>, arr: Option<Array<'py>>) -> Bound<'py, PyAny> {
    arr.map_or_else(|| py.NotImplemented().into_bound(py), |a| a.0)
}

unsafe extern "C" fn PyArray_FromInterface(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| Ok(or_not_implemented(py, interface::from_interface(&unsafe { given::object(py, obj) })?)))
}

unsafe extern "C" fn PyArray_FromStructInterface(obj: *mut PyObject) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| Ok(or_not_implemented(py, interface::from_struct(&unsafe { given::object(py, obj) })?)))
}

unsafe extern "C" fn PyArray_FromArrayAttr(
    obj: *mut PyObject,
    descr: *mut PyArray_Descr,
    context: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        no_context(context)?;
        let obj = given::object(py, obj);
        let descr = given::optional(py, descr).map(Descr);
        let found = array_attr::from_array_attr(&obj, descr.as_ref(), array::args::CopyMode::IfNeeded)?;
        Ok(or_not_implemented(py, found.map(|f| f.0)))
    })
}

fn keyword<'py>(py: Python<'py>, pairs: &[(&str, Bound<'py, PyAny>)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in pairs {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

unsafe extern "C" fn PyArray_FromBuffer(
    buffer: *mut PyObject,
    descr: *mut PyArray_Descr,
    count: isize,
    offset: isize,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).map_or_else(|| py.None().into_bound(py), |d| d.0);
        let args =
            [given::object(py, buffer), descr, given::int(py, count as i64), given::int(py, offset as i64)];
        given::function(py, "frombuffer", &args, None)
    })
}

unsafe extern "C" fn PyArray_FromIter(
    iterable: *mut PyObject,
    descr: *mut PyArray_Descr,
    count: isize,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).map_or_else(|| py.None().into_bound(py), |d| d.0);
        given::function(
            py,
            "fromiter",
            &[given::object(py, iterable), descr, given::int(py, count as i64)],
            None,
        )
    })
}

/// Items of text between separators, or items as they are in memory where there is no separator.
unsafe extern "C" fn PyArray_FromString(
    data: *mut c_char,
    len: isize,
    descr: *mut PyArray_Descr,
    count: isize,
    separator: *mut c_char,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE));
        let bytes = std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(len).unwrap_or(0));
        if !separator.is_null() && *separator != 0 {
            let separator = CStr::from_ptr(separator).to_string_lossy();
            let options = keyword(py, &[("sep", given::text(py, &separator))])?;
            let args = [PyBytes::new(py, bytes).into_any(), descr.0, given::int(py, count as i64)];
            return given::function(py, "fromstring", &args, Some(&options));
        }
        let itemsize = descr.itemsize();
        if descr.dtype().has_object() {
            return Err(PyValueError::new_err("Cannot create an object array from a string"));
        }
        if itemsize == 0 {
            return Err(PyValueError::new_err("zero-valued itemsize"));
        }
        let count = match usize::try_from(count) {
            Err(_) if bytes.len() % itemsize != 0 => {
                return Err(PyValueError::new_err("string size must be a multiple of element size"));
            }
            Err(_) => bytes.len() / itemsize,
            Ok(n) if n.checked_mul(itemsize).is_none_or(|size| size > bytes.len()) => {
                return Err(PyValueError::new_err("string is smaller than requested size"));
            }
            Ok(n) => n,
        };
        let arr = array::new(&descr, &[count as isize], Order::C, false)?;
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), arr.data(), count * itemsize);
        Ok(arr.0)
    })
}

/// A Python file on the descriptor of a C stream, at the stream's place. It shares the place with the stream.
///
/// # Safety
/// An open stream.
pub unsafe fn python_file<'py>(
    py: Python<'py>,
    stream: *mut libc::FILE,
    mode: &str,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the caller's promise.
    let (position, copy) = unsafe {
        libc::fflush(stream);
        (libc::ftello(stream), libc::dup(libc::fileno(stream)))
    };
    if copy < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    let file = py.import("os")?.getattr("fdopen")?.call1((copy, mode))?;
    if position >= 0 {
        file.call_method1("seek", (position,))?;
    }
    Ok(file)
}

/// Close the Python file and put the stream where it was.
///
/// # Safety
/// The stream of [`python_file`].
pub unsafe fn end_file(file: &Bound<'_, PyAny>, stream: *mut libc::FILE) -> PyResult<()> {
    let position = file.call_method0("tell").and_then(|p| p.extract::<i64>());
    file.call_method0("close")?;
    if let Ok(position) = position {
        // SAFETY: the caller's promise.
        unsafe { libc::fseeko(stream, position, libc::SEEK_SET) };
    }
    Ok(())
}

unsafe extern "C" fn PyArray_FromFile(
    stream: *mut libc::FILE,
    descr: *mut PyArray_Descr,
    count: isize,
    separator: *mut c_char,
) -> *mut PyObject {
    // SAFETY: the C API's contract.
    give(|py| unsafe {
        let descr = given::stolen(py, descr).unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE));
        let separator = match separator.is_null() {
            true => String::new(),
            false => CStr::from_ptr(separator).to_string_lossy().into_owned(),
        };
        let file = python_file(py, stream, "rb")?;
        let args = [file.clone(), descr.0, given::int(py, count as i64), given::text(py, &separator)];
        let made = given::function(py, "fromfile", &args, None);
        end_file(&file, stream)?;
        made
    })
}

unsafe extern "C" fn PyArray_Arange(
    start: c_double,
    stop: c_double,
    step: c_double,
    num: c_int,
) -> *mut PyObject {
    give(|py| {
        let float = |x: f64| pyo3::types::PyFloat::new(py, x).into_any();
        let args = [float(start), float(stop), float(step), given::descr_of_number(py, num)?.0];
        given::function(py, "arange", &args, None)
    })
}

unsafe extern "C" fn PyArray_ArangeObj(
    start: *mut PyObject,
    stop: *mut PyObject,
    step: *mut PyObject,
    descr: *mut PyArray_Descr,
) -> *mut PyObject {
    // SAFETY: the C API's contract; the descriptor stays the caller's.
    give(|py| unsafe {
        if start.is_null() {
            return Err(PyTypeError::new_err("arange() requires a start"));
        }
        let mut args = vec![given::object(py, start)];
        let (stop, step) = (given::optional(py, stop), given::optional(py, step));
        match (stop, step) {
            (None, None) => (),
            (Some(stop), None) => args.push(stop),
            (stop, Some(step)) => {
                args.push(stop.unwrap_or_else(|| py.None().into_bound(py)));
                args.push(step);
            }
        }
        let options = keyword(py, &[("dtype", given::or_none(py, descr.cast::<ffi::PyObject>()))])?;
        given::function(py, "arange", &args, Some(&options))
    })
}
