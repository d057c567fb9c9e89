//! Operators: every one is a ufunc call, unless the other operand wants to handle it.

use std::cell::UnsafeCell;

use micronumpy::TypeNum;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt};
use pyo3::{IntoPyObjectExt, ffi, intern};

use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::objects::dispatcher::type_attribute;
use crate::objects::handles::is_scalar;
use crate::objects::ufunc::call_by_name;
use crate::objects::{Array, scalar, wrap};
use crate::{binaryfunc, inquiry, ternaryfunc, unaryfunc};

type Obj<'py> = Bound<'py, PyAny>;

struct Table(UnsafeCell<ffi::PyNumberMethods>);
// SAFETY: filled during `init` with the GIL held, then read only.
unsafe impl Sync for Table {}
// SAFETY: all-null is a valid table.
static TABLE: Table = Table(UnsafeCell::new(unsafe { std::mem::zeroed() }));

/// Whether `self_` should leave an operation to `other`: it says so by `__array_ufunc__ = None`, or has no
/// `__array_ufunc__` but a higher `__array_priority__`.
pub fn should_defer(self_: &Obj<'_>, other: &Obj<'_>, inplace: bool) -> PyResult<bool> {
    let py = self_.py();
    // SAFETY: comparing types of live objects.
    unsafe {
        let (a, b) = (ffi::Py_TYPE(self_.as_ptr()), ffi::Py_TYPE(other.as_ptr()));
        if a == b || b == super::ARRAY_TYPE.as_type() || is_builtin_scalar(b) {
            return Ok(false);
        }
        if is_scalar(other) && (*b).tp_flags & ffi::Py_TPFLAGS_HEAPTYPE == 0 {
            return Ok(false);
        }
        if let Some(attr) = type_attribute(other, intern!(py, "__array_ufunc__"))? {
            return Ok(!inplace && attr.is_none());
        }
        if ffi::PyType_IsSubtype(b, a) != 0 {
            // It had its chance before us.
            return Ok(false);
        }
    }
    const SCALAR: f64 = -1_000_000.0;
    Ok(wrap::priority(self_, SCALAR)? < wrap::priority(other, SCALAR)?)
}

fn is_builtin_scalar(t: *mut ffi::PyTypeObject) -> bool {
    {
        t == &raw mut ffi::PyLong_Type
            || t == &raw mut ffi::PyFloat_Type
            || t == &raw mut ffi::PyBool_Type
            || t == &raw mut ffi::PyComplex_Type
            || t == &raw mut ffi::PyList_Type
            || t == &raw mut ffi::PyTuple_Type
            || t == &raw mut ffi::PyUnicode_Type
            || t == &raw mut ffi::PyBytes_Type
    }
}

fn not_implemented<'py>(py: Python<'py>) -> Obj<'py> {
    py.NotImplemented().into_bound(py)
}

macro_rules! gives_up {
    ($a:expr, $b:expr, $slot:ident, $inplace:expr) => {{
        // SAFETY: reading slots of live types; our table is filled.
        let forward = unsafe {
            let t = ffi::Py_TYPE($b.as_ptr());
            if t == super::ARRAY_TYPE.as_type() {
                false
            } else {
                let nb = (*t).tp_as_number;
                !nb.is_null() && (*nb).$slot.map(|f| f as usize) != (*TABLE.0.get()).$slot.map(|f| f as usize)
            }
        };
        forward && should_defer($a, $b, $inplace)?
    }};
}

macro_rules! binary {
    ($($name:ident, $slot:ident, $ufunc:literal;)*) => {$(
        fn $name<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
            if gives_up!(a, b, $slot, false) {
                return Ok(not_implemented(a.py()));
            }
            call_by_name(a.py(), $ufunc, &[a, b], None)
        }
    )*};
}
macro_rules! inplace {
    ($($name:ident, $slot:ident, $ufunc:literal;)*) => {$(
        fn $name<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
            if gives_up!(a, b, $slot, true) {
                return Ok(not_implemented(a.py()));
            }
            call_by_name(a.py(), $ufunc, &[a, b], Some(a))
        }
    )*};
}
macro_rules! unary {
    ($($name:ident, $ufunc:literal;)*) => {$(
        fn $name<'py>(a: &Obj<'py>) -> PyResult<Obj<'py>> {
            call_by_name(a.py(), $ufunc, &[a], None)
        }
    )*};
}

binary! {
    add, nb_add, "add";
    subtract, nb_subtract, "subtract";
    multiply, nb_multiply, "multiply";
    remainder, nb_remainder, "remainder";
    divmod, nb_divmod, "divmod";
    lshift, nb_lshift, "left_shift";
    rshift, nb_rshift, "right_shift";
    and, nb_and, "bitwise_and";
    or, nb_or, "bitwise_or";
    xor, nb_xor, "bitwise_xor";
    floor_divide, nb_floor_divide, "floor_divide";
    true_divide, nb_true_divide, "divide";
    matmul, nb_matrix_multiply, "matmul";
}
inplace! {
    iadd, nb_inplace_add, "add";
    isubtract, nb_inplace_subtract, "subtract";
    imultiply, nb_inplace_multiply, "multiply";
    iremainder, nb_inplace_remainder, "remainder";
    ilshift, nb_inplace_lshift, "left_shift";
    irshift, nb_inplace_rshift, "right_shift";
    iand, nb_inplace_and, "bitwise_and";
    ior, nb_inplace_or, "bitwise_or";
    ixor, nb_inplace_xor, "bitwise_xor";
    ifloor_divide, nb_inplace_floor_divide, "floor_divide";
    itrue_divide, nb_inplace_true_divide, "divide";
}
unary! {
    negative, "negative";
    absolute, "absolute";
    invert, "invert";
    positive, "positive";
}

/// The ufunc that does a power with this exact Python number on floats faster and better.
fn quick_power(a: &Obj<'_>, b: &Obj<'_>) -> Option<&'static str> {
    let arr = Array::cast(a)?;
    let num = arr.dtype().num;
    let inexact = num.is_float() || num.is_complex();
    if num.is_object() {
        return None;
    }
    if b.is_exact_instance_of::<PyInt>() {
        return match b.extract::<i64>().ok()? {
            -1 if inexact => Some("reciprocal"),
            2 => Some("square"),
            _ => None,
        };
    }
    if inexact && b.is_exact_instance_of::<PyFloat>() && b.extract::<f64>().ok()? == 0.5 {
        return Some("sqrt");
    }
    None
}

fn power<'py>(a: &Obj<'py>, b: &Obj<'py>, modulo: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = a.py();
    if !modulo.is_none() || gives_up!(a, b, nb_power, false) {
        return Ok(not_implemented(py));
    }
    if let Some(name) = quick_power(a, b) {
        return call_by_name(py, name, &[a], None);
    }
    call_by_name(py, "power", &[a, b], None)
}

fn ipower<'py>(a: &Obj<'py>, b: &Obj<'py>, _modulo: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = a.py();
    if gives_up!(a, b, nb_inplace_power, true) {
        return Ok(not_implemented(py));
    }
    if let Some(name) = quick_power(a, b) {
        return call_by_name(py, name, &[a], Some(a));
    }
    call_by_name(py, "power", &[a, b], Some(a))
}

/// `a @= b`: the result has to fit where `a` is, which broadcasting of stacks must not hide.
fn imatmul<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = a.py();
    if gives_up!(a, b, nb_inplace_matrix_multiply, true) {
        return Ok(not_implemented(py));
    }
    let f = cached(py, "numpy._core._multiarray_umath", "matmul")?;
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "out"), a)?;
    let one_dim = Array::cast(a).is_some_and(|x| x.ndim() == 1);
    let axes = if one_dim {
        (vec![-1], (-2, -1), vec![-1]).into_bound_py_any(py)?
    } else {
        ((-2, -1), (-2, -1), (-2, -1)).into_bound_py_any(py)?
    };
    let axes = pyo3::types::PyList::new(
        py,
        axes.try_iter()?
            .map(|x| {
                let x = x?;
                // One-dimensional entries are tuples too.
                pyo3::types::PyTuple::new(py, x.try_iter()?.collect::<PyResult<Vec<_>>>()?)
            })
            .collect::<PyResult<Vec<_>>>()?,
    )?;
    kwargs.set_item(intern!(py, "axes"), axes)?;
    f.call((a, b), Some(&kwargs)).map_err(|e| {
        let axis_error = cached(py, "numpy.exceptions", "AxisError");
        match axis_error {
            Ok(cls) if e.matches(py, &cls).unwrap_or(false) => PyValueError::new_err(
                "inplace matrix multiplication requires the first operand to have at least one and the second at \
                 least two dimensions.",
            ),
            _ => e,
        }
    })
}

/// `bool(arr)`
pub fn truth(slf: &Obj<'_>) -> PyResult<bool> {
    let arr = Array(slf.clone());
    match arr.size() {
        1 => element_truth(&arr, arr.data()),
        0 => Err(PyValueError::new_err(
            "The truth value of an empty array is ambiguous. Use `array.size > 0` to check that an array is not empty.",
        )),
        _ => Err(PyValueError::new_err(
            "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
        )),
    }
}

/// Truth value of one element.
pub fn element_truth(arr: &Array<'_>, data: *const u8) -> PyResult<bool> {
    let dt = arr.dtype();
    // SAFETY: `data` is an element of the array.
    unsafe {
        match dt.num {
            TypeNum::BOOL | TypeNum::BYTE | TypeNum::UBYTE => return Ok(*data != 0),
            n if n.is_integer() || n == TypeNum::DATETIME || n == TypeNum::TIMEDELTA => {
                return Ok(std::slice::from_raw_parts(data, dt.itemsize).iter().any(|&b| b != 0));
            }
            n if n.is_flexible() => {
                // Scalars of these types ask their array.
                let one = micronumpy::ArrayRef::new(data.cast_mut(), &[], &[], dt);
                return micronumpy::ops::select::count_nonzero(&one).py(arr.py()).map(|n| n > 0);
            }
            _ => {}
        }
        // An array inside an object array is asked like any other object: its slot watches the stack.
        scalar::to_scalar(&arr.descr(), data, Some(&arr.0))?.is_truthy()
    }
}

/// The only element of a 0-d array as a Python number source.
fn scalar_item<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    if arr.ndim() != 0 {
        return Err(PyTypeError::new_err("only 0-dimensional arrays can be converted to Python scalars"));
    }
    super::methods::convert::item_at(&arr, arr.data())
}

/// Convert the element while the interpreter watches the depth: object arrays may contain themselves.
fn guarded<'py>(
    py: Python<'py>,
    what: &std::ffi::CStr,
    f: impl FnOnce() -> PyResult<Obj<'py>>,
) -> PyResult<Obj<'py>> {
    // SAFETY: paired calls with the GIL held.
    unsafe {
        if ffi::Py_EnterRecursiveCall(what.as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        let r = f();
        ffi::Py_LeaveRecursiveCall();
        r
    }
}

fn int<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let item = scalar_item(slf)?;
    guarded(slf.py(), c" while converting an array", || {
        // SAFETY: a new reference or null.
        unsafe { crate::ffi::guard::owned(item.py(), ffi::PyNumber_Long(item.as_ptr())) }
    })
}

fn float<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let item = scalar_item(slf)?;
    guarded(slf.py(), c" while converting an array", || {
        // SAFETY: a new reference or null.
        unsafe { crate::ffi::guard::owned(item.py(), ffi::PyNumber_Float(item.as_ptr())) }
    })
}

/// `arr.__complex__()`
pub fn complex<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let arr = Array(slf.clone());
    if arr.ndim() != 0 {
        return Err(PyTypeError::new_err("only 0-dimensional arrays can be converted to Python scalars"));
    }
    let complex = micronumpy::Dtype::builtin(micronumpy::TypeNum::CDOUBLE);
    let dt = arr.dtype();
    if !dt.num.is_object() && !micronumpy::cast::can_cast(dt, &complex, micronumpy::Casting::SameKind) {
        return Err(PyTypeError::new_err(format!("Unable to convert {} to complex", arr.descr().0.repr()?)));
    }
    let item = super::methods::convert::item_at(&arr, arr.data())?;
    guarded(py, c" while converting an array", || py.get_type::<pyo3::types::PyComplex>().call1((item,)))
}

fn index<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    if arr.ndim() != 0 || !arr.dtype().num.is_integer() {
        return Err(PyTypeError::new_err("only integer scalar arrays can be converted to a scalar index"));
    }
    super::methods::convert::item_at(&arr, arr.data())
}

/// The number protocol.
pub fn table() -> *mut ffi::PyNumberMethods {
    let t = TABLE.0.get();
    // SAFETY: called once, before the type is ready.
    unsafe {
        (*t).nb_add = Some(binaryfunc!(add));
        (*t).nb_subtract = Some(binaryfunc!(subtract));
        (*t).nb_multiply = Some(binaryfunc!(multiply));
        (*t).nb_remainder = Some(binaryfunc!(remainder));
        (*t).nb_divmod = Some(binaryfunc!(divmod));
        (*t).nb_power = Some(ternaryfunc!(power));
        (*t).nb_negative = Some(unaryfunc!(negative));
        (*t).nb_positive = Some(unaryfunc!(positive));
        (*t).nb_absolute = Some(unaryfunc!(absolute));
        (*t).nb_bool = Some(inquiry!(truth));
        (*t).nb_invert = Some(unaryfunc!(invert));
        (*t).nb_lshift = Some(binaryfunc!(lshift));
        (*t).nb_rshift = Some(binaryfunc!(rshift));
        (*t).nb_and = Some(binaryfunc!(and));
        (*t).nb_xor = Some(binaryfunc!(xor));
        (*t).nb_or = Some(binaryfunc!(or));
        (*t).nb_int = Some(unaryfunc!(int));
        (*t).nb_float = Some(unaryfunc!(float));
        (*t).nb_index = Some(unaryfunc!(index));
        (*t).nb_inplace_add = Some(binaryfunc!(iadd));
        (*t).nb_inplace_subtract = Some(binaryfunc!(isubtract));
        (*t).nb_inplace_multiply = Some(binaryfunc!(imultiply));
        (*t).nb_inplace_remainder = Some(binaryfunc!(iremainder));
        (*t).nb_inplace_power = Some(ternaryfunc!(ipower));
        (*t).nb_inplace_lshift = Some(binaryfunc!(ilshift));
        (*t).nb_inplace_rshift = Some(binaryfunc!(irshift));
        (*t).nb_inplace_and = Some(binaryfunc!(iand));
        (*t).nb_inplace_xor = Some(binaryfunc!(ixor));
        (*t).nb_inplace_or = Some(binaryfunc!(ior));
        (*t).nb_floor_divide = Some(binaryfunc!(floor_divide));
        (*t).nb_true_divide = Some(binaryfunc!(true_divide));
        (*t).nb_inplace_floor_divide = Some(binaryfunc!(ifloor_divide));
        (*t).nb_inplace_true_divide = Some(binaryfunc!(itrue_divide));
        (*t).nb_matrix_multiply = Some(binaryfunc!(matmul));
        (*t).nb_inplace_matrix_multiply = Some(binaryfunc!(imatmul));
    }
    t
}
