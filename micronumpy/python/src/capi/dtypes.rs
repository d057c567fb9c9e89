//! Descriptors and what may become of elements: by number, by object, promoted, cast.

use std::ffi::{c_char, c_int};

use micronumpy::cast::can_cast;
use micronumpy::{Casting, Dtype, TypeNum};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::{PyObject, PyTypeObject};
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::Slot;
use super::given::{self, give};
use crate::abi::*;
use crate::ffi::guard;
use crate::objects::array::args::{CopyMode, items};
use crate::objects::array::coercion::discover::{Request, discover};
use crate::objects::array::{self, coercion};
use crate::objects::dtype::{self, DtypeClass, class, user};
use crate::objects::{Array, Descr, scalar};

pub static SLOTS: &[Slot] = &[
    Slot(45, PyArray_DescrFromType as *const ()),
    Slot(46, PyArray_TypeObjectFromType as *const ()),
    Slot(52, PyArray_CanCastSafely as *const ()),
    Slot(53, PyArray_CanCastTo as *const ()),
    Slot(54, PyArray_ObjectType as *const ()),
    Slot(55, PyArray_DescrFromObject as *const ()),
    Slot(56, PyArray_ConvertToCommonType as *const ()),
    Slot(57, PyArray_DescrFromScalar as *const ()),
    Slot(58, PyArray_DescrFromTypeObject as *const ()),
    Slot(91, PyArray_ValidType as *const ()),
    Slot(95, PyArray_DescrNew as *const ()),
    Slot(96, PyArray_DescrNewFromType as *const ()),
    Slot(106, PyArray_DescrNewByteorder as *const ()),
    Slot(113, PyArray_ScalarKind as *const ()),
    Slot(114, PyArray_CanCoerceScalar as *const ()),
    Slot(116, PyArray_CanCastScalar as *const ()),
    Slot(182, PyArray_EquivTypes as *const ()),
    Slot(191, PyArray_EquivTypenums as *const ()),
    Slot(271, PyArray_PromoteTypes as *const ()),
    Slot(272, PyArray_MinScalarType as *const ()),
    Slot(273, PyArray_ResultType as *const ()),
    Slot(274, PyArray_CanCastArrayTo as *const ()),
    Slot(275, PyArray_CanCastTypeTo as *const ()),
    Slot(364, PyArray_PromoteDTypeSequence as *const ()),
];

unsafe extern "C" fn PyArray_DescrFromType(num: c_int) -> *mut PyArray_Descr {
    // "No type" is no error here: callers pass it on to where null means any type.
    if num == given::NO_TYPE {
        return std::ptr::null_mut();
    }
    give(|py| Ok(given::descr_of_number(py, num)?.0))
}

unsafe extern "C" fn PyArray_TypeObjectFromType(num: c_int) -> *mut PyObject {
    give(|py| {
        let descr = given::descr_of_number(py, num)?;
        // SAFETY: a descriptor has a scalar type.
        Ok(unsafe { given::object(py, (*descr.raw()).typeobj) })
    })
}

unsafe extern "C" fn PyArray_DescrNew(descr: *mut PyArray_Descr) -> *mut PyArray_Descr {
    // SAFETY: the C API's contract, here and below.
    give(|py| Ok(dtype::copy(&unsafe { given::descr(py, descr) })?.0))
}

unsafe extern "C" fn PyArray_DescrNewFromType(num: c_int) -> *mut PyArray_Descr {
    give(|py| Ok(dtype::copy(&given::descr_of_number(py, num)?)?.0))
}

unsafe extern "C" fn PyArray_DescrNewByteorder(
    descr: *mut PyArray_Descr,
    order: c_char,
) -> *mut PyArray_Descr {
    // SAFETY: as above.
    give(|py| Ok(dtype::fields::with_byteorder(&unsafe { given::descr(py, descr) }, order as u8)?.0))
}

/// The dtype `np.array(obj)` would have.
fn descr_of_object<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Option<Descr<'py>>> {
    if let Some(arr) = Array::cast(obj) {
        return Ok(Some(arr.descr()));
    }
    let found = discover(obj, &Request::of(None), micronumpy::array::MAXDIMS, CopyMode::IfNeeded)?;
    Ok(match (&found.met[..], found.descr) {
        (_, Some(descr)) => Some(descr),
        ([one], None) if !one.is_sequence => Array::cast(&one.value).map(|a| a.descr()),
        _ => None,
    })
}

/// The number of the type that holds an object and what has that of `least`.
unsafe extern "C" fn PyArray_ObjectType(obj: *mut PyObject, least: c_int) -> c_int {
    let num = guard(|py| {
        // SAFETY: as above.
        let descr = descr_of_object(&unsafe { given::object(py, obj) })?;
        let num = descr.as_ref().map_or(TypeNum::DOUBLE, |d| d.dtype().num);
        if least < 0 || least == given::NO_TYPE {
            return Ok(num.0);
        }
        let least = given::descr_of_number(py, least)?;
        // What has nothing in common are objects.
        let both = descr.map(|d| micronumpy::dtype::promote::promote(least.dtype(), d.dtype()));
        Ok(both.map_or(least.dtype().num, |both| both.map_or(TypeNum::OBJECT, |dt| dt.num)).0)
    });
    if num == -1 { given::NO_TYPE } else { num }
}

unsafe extern "C" fn PyArray_DescrFromObject(
    obj: *mut PyObject,
    _: *mut PyArray_Descr,
) -> *mut PyArray_Descr {
    give(|py| {
        // SAFETY: as above.
        let descr = descr_of_object(&unsafe { given::object(py, obj) })?;
        Ok(descr.unwrap_or_else(|| dtype::builtin(py, TypeNum::DOUBLE)).0)
    })
}

unsafe extern "C" fn PyArray_DescrFromScalar(obj: *mut PyObject) -> *mut PyArray_Descr {
    give(|py| {
        // SAFETY: as above.
        let obj = unsafe { given::object(py, obj) };
        Ok(match scalar::descr_of_scalar(&obj)? {
            Some(descr) => descr,
            None => descr_of_class(&obj.get_type())?,
        }
        .0)
    })
}

fn descr_of_class<'py>(class: &Bound<'py, PyType>) -> PyResult<Descr<'py>> {
    if let Some(descr) = user::descr_of_class(class.py(), class.as_ptr().cast()) {
        return Ok(descr);
    }
    dtype::convert(class)
}

unsafe extern "C" fn PyArray_DescrFromTypeObject(class: *mut PyObject) -> *mut PyArray_Descr {
    give(|py| {
        // SAFETY: as above.
        let class = unsafe { given::object(py, class) };
        let class = class.cast::<PyType>().map_err(|_| PyTypeError::new_err("a type is required"))?;
        Ok(descr_of_class(class)?.0)
    })
}

unsafe extern "C" fn PyArray_ValidType(num: c_int) -> c_int {
    guard(|py| Ok(c_int::from(num != given::NO_TYPE && given::descr_of_number(py, num).is_ok())))
}

fn equivalent(a: &Dtype, b: &Dtype) -> bool {
    can_cast(a, b, Casting::Equiv) && a.is_native() == b.is_native()
}

unsafe extern "C" fn PyArray_EquivTypes(a: *mut PyArray_Descr, b: *mut PyArray_Descr) -> u8 {
    // SAFETY: as above.
    guard(|py| unsafe {
        let (a, b) = (given::descr(py, a), given::descr(py, b));
        Ok(u8::from(a.is(&b) || can_cast(a.dtype(), b.dtype(), Casting::No)))
    })
}

unsafe extern "C" fn PyArray_EquivTypenums(a: c_int, b: c_int) -> u8 {
    guard(|py| {
        let (x, y) = (given::descr_of_number(py, a)?, given::descr_of_number(py, b)?);
        Ok(u8::from(a == b || equivalent(x.dtype(), y.dtype())))
    })
}

unsafe extern "C" fn PyArray_CanCastSafely(from: c_int, to: c_int) -> c_int {
    guard(|py| {
        let (from, to) = (given::descr_of_number(py, from)?, given::descr_of_number(py, to)?);
        Ok(c_int::from(cast_of_classes(from.dtype(), to.dtype())))
    })
}

/// Whether elements of one type become elements of another safely, whatever their lengths are: no text is safe without one.
fn cast_of_classes(from: &Dtype, to: &Dtype) -> bool {
    !(to.num.is_flexible() && from.num != to.num) && can_cast(from, to, Casting::Safe)
}

unsafe extern "C" fn PyArray_CanCastTo(from: *mut PyArray_Descr, to: *mut PyArray_Descr) -> u8 {
    // SAFETY: as above.
    unsafe { PyArray_CanCastTypeTo(from, to, 2) }
}

unsafe extern "C" fn PyArray_CanCastTypeTo(
    from: *mut PyArray_Descr,
    to: *mut PyArray_Descr,
    casting: c_int,
) -> u8 {
    // SAFETY: as above.
    guard(|py| unsafe {
        let (from, to) = (given::descr(py, from), given::descr(py, to));
        Ok(u8::from(can_cast(from.dtype(), to.dtype(), given::casting(casting)?)))
    })
}

unsafe extern "C" fn PyArray_CanCastArrayTo(
    arr: *mut PyArrayObject,
    to: *mut PyArray_Descr,
    casting: c_int,
) -> u8 {
    // SAFETY: as above.
    guard(|py| unsafe {
        let (arr, to) = (given::array(py, arr)?, given::descr(py, to));
        Ok(u8::from(can_cast(arr.dtype(), to.dtype(), given::casting(casting)?)))
    })
}

unsafe extern "C" fn PyArray_CanCastScalar(from: *mut PyTypeObject, to: *mut PyTypeObject) -> u8 {
    // SAFETY: as above.
    guard(|py| unsafe {
        let one = |ty: *mut PyTypeObject| descr_of_class(&given::object(py, ty).cast_into::<PyType>()?);
        let (from, to) = (one(from)?, one(to)?);
        Ok(u8::from(cast_of_classes(from.dtype(), to.dtype())))
    })
}

/// `NPY_SCALARKIND`, in its order.
const NO_SCALAR: c_int = -1;
const BOOL_SCALAR: c_int = 0;
const INTPOS_SCALAR: c_int = 1;
const INTNEG_SCALAR: c_int = 2;
const FLOAT_SCALAR: c_int = 3;
const COMPLEX_SCALAR: c_int = 4;
const OBJECT_SCALAR: c_int = 5;

/// The kind of a type, and for integers of the sign of a value.
unsafe extern "C" fn PyArray_ScalarKind(num: c_int, arr: *mut *mut PyArrayObject) -> c_int {
    guard(|py| {
        let n = TypeNum(num);
        Ok(match n {
            n if n.is_bool() => BOOL_SCALAR,
            n if n.is_unsigned() => INTPOS_SCALAR,
            n if n.is_signed() => {
                // SAFETY: as above.
                let negative = unsafe {
                    !arr.is_null() && {
                        let arr = given::array(py, *arr)?;
                        let value = scalar::get_item(&arr.descr(), arr.data())?;
                        value.lt(0)?
                    }
                };
                if negative { INTNEG_SCALAR } else { INTPOS_SCALAR }
            }
            n if n.is_float() => FLOAT_SCALAR,
            n if n.is_complex() => COMPLEX_SCALAR,
            _ => OBJECT_SCALAR,
        })
    })
}

/// Whether a scalar of one type may stand beside arrays of another without changing their type.
unsafe extern "C" fn PyArray_CanCoerceScalar(own: c_int, needed: c_int, kind: c_int) -> c_int {
    guard(|py| {
        let (from, to) = (given::descr_of_number(py, own)?, given::descr_of_number(py, needed)?);
        if kind == NO_SCALAR || kind == OBJECT_SCALAR {
            return Ok(c_int::from(cast_of_classes(from.dtype(), to.dtype())));
        }
        let most = match TypeNum(needed) {
            n if n.is_bool() => BOOL_SCALAR,
            n if n.is_unsigned() => INTPOS_SCALAR,
            n if n.is_signed() => INTNEG_SCALAR,
            n if n.is_float() => FLOAT_SCALAR,
            n if n.is_complex() => COMPLEX_SCALAR,
            _ => OBJECT_SCALAR,
        };
        Ok(c_int::from(kind <= most))
    })
}

unsafe extern "C" fn PyArray_PromoteTypes(
    a: *mut PyArray_Descr,
    b: *mut PyArray_Descr,
) -> *mut PyArray_Descr {
    // SAFETY: as above.
    give(|py| unsafe {
        given::function(py, "promote_types", &[given::object(py, a), given::object(py, b)], None)
    })
}

unsafe extern "C" fn PyArray_MinScalarType(arr: *mut PyArrayObject) -> *mut PyArray_Descr {
    // SAFETY: as above.
    give(|py| unsafe { given::function(py, "min_scalar_type", &[given::object(py, arr)], None) })
}

unsafe extern "C" fn PyArray_ResultType(
    narrs: isize,
    arrs: *mut *mut PyArrayObject,
    ndescrs: isize,
    descrs: *mut *mut PyArray_Descr,
) -> *mut PyArray_Descr {
    // SAFETY: as above.
    give(|py| unsafe {
        let mut all = given::objects(py, arrs, usize::try_from(narrs).unwrap_or(0));
        all.extend(given::objects(py, descrs, usize::try_from(ndescrs).unwrap_or(0)));
        given::function(py, "result_type", &all, None)
    })
}

/// Arrays of one type made of a sequence. The list is the caller's, who frees it with `PyDataMem_FREE`.
unsafe extern "C" fn PyArray_ConvertToCommonType(
    obj: *mut PyObject,
    count: *mut c_int,
) -> *mut *mut PyArrayObject {
    // SAFETY: as above.
    guard(|py| unsafe {
        *count = 0;
        let objects = items(&given::object(py, obj))?;
        if objects.is_empty() {
            return Err(PyValueError::new_err("0-length sequence."));
        }
        let arrays = objects
            .iter()
            .map(|o| array::from_any(o, None, 0, 0, 0))
            .collect::<PyResult<Vec<Array<'_>>>>()?;
        let all: Vec<_> = arrays.iter().map(|a| a.0.clone()).collect();
        let common = Descr(given::function(py, "result_type", &all, None)?);
        let bits = NPY_ARRAY_CARRAY & !NPY_ARRAY_WRITEABLE;
        let made = arrays
            .iter()
            .map(|a| coercion::from_array(a, Some(&common), bits))
            .collect::<PyResult<Vec<Array<'_>>>>()?;
        let list: *mut *mut PyArrayObject = libc::malloc(made.len() * size_of::<*mut PyArrayObject>()).cast();
        if list.is_null() {
            return Err(pyo3::exceptions::PyMemoryError::new_err(()));
        }
        *count = made.len() as c_int;
        for (i, arr) in made.into_iter().enumerate() {
            *list.add(i) = given::raw(arr.0);
        }
        Ok(list)
    })
}

unsafe extern "C" fn PyArray_PromoteDTypeSequence(
    n: isize,
    classes: *mut *mut PyArray_DTypeMeta,
) -> *mut PyArray_DTypeMeta {
    // SAFETY: as above.
    give(|py| unsafe {
        let all = (0..n.max(0))
            .map(|i| DtypeClass::from_ptr(py, *classes.offset(i)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| PyTypeError::new_err("not a DType class"))?;
        let mut rest = all.into_iter();
        let first = rest.next().ok_or_else(|| PyTypeError::new_err("at least one DType is required"))?;
        Ok(rest.try_fold(first, |a, b| class::common(&a, &b))?.0)
    })
}
