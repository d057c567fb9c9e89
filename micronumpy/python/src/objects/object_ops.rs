//! What the object space may ask of Python: the operations on object elements.

use std::cmp::Ordering;
use std::ffi::c_void;

use micronumpy::cast::{CastResolution, HostLoop};
use micronumpy::dtype::promote::Class;
use micronumpy::object::{HostDot, HostOrder, ObjectOps};
use micronumpy::{Dtype, Order, Result, TypeNum};
use pyo3::exceptions::{PyDeprecationWarning, PyRuntimeWarning, PyTypeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{PyTypeInfo, ffi};

use super::dtype::{DtypeClass, class, string};
use super::method::casts;
use super::scalar::{set, value};
use super::{array, dtype};
use crate::abi::PyArray_CompareFunc;
use crate::error::to_host_error;
use crate::ffi::import::cached;
use crate::ffi::stack;

/// Run a body that may raise; the exception stays set.
fn host<T>(body: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    // SAFETY: the object space calls these with the GIL held, see `ObjectOps`.
    let py = unsafe { Python::assume_attached() };
    // An object array that contains itself comes back here without passing through a type slot.
    if stack::is_low() {
        return Err(to_host_error(py, stack::used_up()));
    }
    body(py).map_err(|e| to_host_error(py, e))
}

unsafe fn incref(obj: *mut u8) {
    // SAFETY: an object or null.
    unsafe { ffi::Py_XINCREF(obj.cast()) }
}

unsafe fn decref(obj: *mut u8) {
    // SAFETY: an object or null, of which the caller owns a reference.
    unsafe { ffi::Py_XDECREF(obj.cast()) }
}

unsafe fn get(dtype: &Dtype, src: *const u8) -> Result<*mut u8> {
    // SAFETY: one element, says the caller.
    host(|py| unsafe { Ok(value::get_value(py, dtype, src, None)?.into_ptr().cast()) })
}

/// An object slot that has not been filled reads as None.
unsafe fn borrow<'py>(py: Python<'py>, obj: *mut u8) -> Bound<'py, PyAny> {
    // SAFETY: an object or null.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, obj.cast()).unwrap_or_else(|| py.None().into_bound(py)) }
}

unsafe fn set(dtype: &Dtype, dst: *mut u8, obj: *mut u8) -> Result<()> {
    // SAFETY: one element and an object, says the caller.
    host(|py| unsafe { set::set_value(dtype, dst, &borrow(py, obj)) })
}

unsafe fn by_scalar(from: &Dtype, to: &Dtype, src: *const u8, dst: *mut u8) -> Result<()> {
    // SAFETY: one element on each side, says the caller.
    host(|py| unsafe {
        let scalar = value::to_scalar(&dtype::descr_of(py, from)?, src, None)?;
        set::set_object(to, dst, &scalar)
    })
}

unsafe fn truth(obj: *mut u8) -> Result<bool> {
    // SAFETY: an object or null.
    host(|py| unsafe { if obj.is_null() { Ok(false) } else { borrow(py, obj).is_truthy() } })
}

fn compare_objects(a: *mut u8, b: *mut u8, op: i32) -> Result<bool> {
    host(|py| {
        // SAFETY: objects or null.
        let answer =
            unsafe { ffi::PyObject_RichCompareBool(borrow(py, a).as_ptr(), borrow(py, b).as_ptr(), op) };
        if answer < 0 { Err(PyErr::fetch(py)) } else { Ok(answer != 0) }
    })
}

unsafe fn less(a: *mut u8, b: *mut u8) -> Result<bool> {
    compare_objects(a, b, ffi::Py_LT)
}

unsafe fn greater(a: *mut u8, b: *mut u8) -> Result<bool> {
    compare_objects(a, b, ffi::Py_GT)
}

unsafe fn equal(a: *mut u8, b: *mut u8) -> Result<bool> {
    compare_objects(a, b, ffi::Py_EQ)
}

unsafe fn multiply(a: *mut u8, b: *mut u8) -> Result<*mut u8> {
    // SAFETY: objects or null.
    host(|py| unsafe { Ok(borrow(py, a).mul(borrow(py, b))?.into_ptr().cast()) })
}

unsafe fn add(a: *mut u8, b: *mut u8) -> Result<*mut u8> {
    // SAFETY: objects or null.
    host(|py| unsafe { Ok(borrow(py, a).add(borrow(py, b))?.into_ptr().cast()) })
}

fn warn(category: &str, message: &str) -> Result<()> {
    host(|py| {
        let class: Bound<'_, PyType> = match category {
            "RuntimeWarning" => PyRuntimeWarning::type_object(py),
            "DeprecationWarning" => PyDeprecationWarning::type_object(py),
            "UserWarning" => PyUserWarning::type_object(py),
            name => cached(py, "numpy.exceptions", name)?.cast_into()?,
        };
        let text = std::ffi::CString::new(message)?;
        PyErr::warn(py, &class, &text, 1)
    })
}

fn none() -> *mut u8 {
    // SAFETY: None is immortal for our purposes.
    unsafe { ffi::Py_None().cast() }
}

fn text(utf8: &[u8]) -> Result<*mut u8> {
    host(|py| Ok(string::decode(py, utf8)?.into_ptr().cast()))
}

fn same_na(a: *mut u8, b: *mut u8) -> bool {
    // SAFETY: live objects, see `Na`.
    host(|py| unsafe { Ok(string::same_na(&borrow(py, a), &borrow(py, b))) }).unwrap_or_else(|_| {
        forget();
        false
    })
}

fn same_descr(a: *mut u8, b: *mut u8) -> bool {
    // SAFETY: the object space keeps the descriptors of its dtypes alive.
    host(|py| unsafe { class::same(py, a.cast(), b.cast()) }).unwrap_or_else(|_| {
        forget();
        false
    })
}

/// Drop the exception of a question that has an answer all the same.
fn forget() {
    // SAFETY: see `host`.
    drop(PyErr::take(unsafe { Python::assume_attached() }));
}

fn common_class(num: TypeNum, other: Class) -> Result<Option<TypeNum>> {
    host(|py| class::common_class(py, num, other))
}

fn common_instance(a: &Dtype, b: &Dtype) -> Result<Dtype> {
    host(|py| {
        let (a, b) = (dtype::descr_of(py, a)?, dtype::descr_of(py, b)?);
        Ok(DtypeClass::of(&a).common_instance(&a, &b)?.dtype().clone())
    })
}

fn canonical(dt: &Dtype) -> Dtype {
    let answer = host(|py| {
        let descr = dtype::descr_of(py, dt)?;
        Ok(DtypeClass::of(&descr).canonical(&descr)?.dtype().clone())
    });
    answer.unwrap_or_else(|_| {
        forget();
        dt.clone()
    })
}

fn default_instance(num: TypeNum) -> Result<Dtype> {
    host(|py| Ok(DtypeClass::of_num(py, num)?.default_descr()?.dtype().clone()))
}

fn class_name(num: TypeNum) -> String {
    // SAFETY: see `host`.
    class::name_of(unsafe { Python::assume_attached() }, num)
}

fn cast(from: &Dtype, num: TypeNum, to: Option<&Dtype>) -> Result<Option<CastResolution>> {
    host(|py| casts::resolve(py, from, num, to))
}

fn cast_loop(from: &Dtype, to: &Dtype, aligned: bool) -> Result<Box<dyn HostLoop>> {
    host(|py| casts::host_loop(py, from, to, aligned))
}

fn order(dt: &Dtype) -> Result<Box<dyn HostOrder>> {
    host(|py| {
        let class = DtypeClass::of_num(py, dt.num)?;
        let Some(compare) = class.compare() else {
            return Err(PyTypeError::new_err("compare not supported for type"));
        };
        // The function finds the dtype of its elements through an array of them.
        let arr = array::new(&dtype::descr_of(py, dt)?, &[], Order::C, true)?;
        Ok(Box::new(SlotOrder { compare, arr: arr.0.unbind() }) as Box<dyn HostOrder>)
    })
}

fn dot(dt: &Dtype) -> Result<Box<dyn HostDot>> {
    host(|py| {
        let Some(dot) = DtypeClass::of_num(py, dt.num)?.functions().and_then(|f| f.dotfunc) else {
            return Err(PyValueError::new_err("dot not available for this type"));
        };
        let arr = array::new(&dtype::descr_of(py, dt)?, &[], Order::C, true)?;
        Ok(Box::new(SlotDot { dot, arr: arr.0.unbind() }) as Box<dyn HostDot>)
    })
}

type DotFunction =
    unsafe extern "C" fn(*mut c_void, isize, *mut c_void, isize, *mut c_void, isize, *mut c_void);

/// The sum of products a function of compiled code gives.
struct SlotDot {
    dot: DotFunction,
    /// From which the function learns the dtype of its elements.
    arr: Py<PyAny>,
}

impl HostDot for SlotDot {
    unsafe fn run(
        &self,
        a: *const u8,
        sa: isize,
        b: *const u8,
        sb: isize,
        out: *mut u8,
        n: usize,
    ) -> Result<()> {
        let (a, b, arr) = (a.cast_mut().cast(), b.cast_mut().cast(), self.arr.as_ptr().cast());
        // SAFETY: the caller's promise.
        unsafe { (self.dot)(a, sa, b, sb, out.cast(), n as isize, arr) };
        host(|py| PyErr::take(py).map_or(Ok(()), Err))
    }
}

/// The order a function of compiled code gives.
struct SlotOrder {
    compare: PyArray_CompareFunc,
    arr: Py<PyAny>,
}

impl HostOrder for SlotOrder {
    unsafe fn order(&self, a: *const u8, b: *const u8) -> Result<Ordering> {
        // SAFETY: two elements, says the caller.
        let order = unsafe { (self.compare)(a.cast(), b.cast(), self.arr.as_ptr().cast()) };
        host(|py| match PyErr::take(py) {
            Some(err) => Err(err),
            None => Ok(order.cmp(&0)),
        })
    }
}

/// Make the object space able to handle object elements.
pub fn install() {
    micronumpy::object::install(ObjectOps {
        incref,
        decref,
        get,
        set,
        by_scalar,
        truth,
        less,
        greater,
        equal,
        multiply,
        add,
        warn,
        none,
        text,
        same_na,
        same_descr,
        common_class,
        common_instance,
        canonical,
        default_instance,
        class_name,
        cast,
        cast_loop,
        order,
        dot,
    });
}
