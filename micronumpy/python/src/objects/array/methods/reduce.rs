//! Reductions: the Python layer's `_methods` has the bodies of most, ufuncs the rest.

use micronumpy::TypeNum;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{ffi, intern};

use super::super::args;
use crate::error::IntoPyResult;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig};
use crate::objects::Array;
use crate::objects::ufunc::call_by_name;

type Obj<'py> = Bound<'py, PyAny>;

/// Call `numpy._core._methods.<name>(self, *args, **kwargs)`.
fn forward<'py>(slf: &Obj<'py>, a: Args<'_, 'py>, name: &'static str) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let f = cached(py, "numpy._core._methods", name)?;
    let mut stack: smallvec::SmallVec<[*mut ffi::PyObject; 8]> = smallvec::smallvec![slf.as_ptr()];
    let held: smallvec::SmallVec<[Obj<'py>; 8]> = a.positional().collect();
    stack.extend(held.iter().map(|o| o.as_ptr()));
    let npos = stack.len();
    let mut names = Vec::new();
    let mut values: smallvec::SmallVec<[Obj<'py>; 8]> = smallvec::SmallVec::new();
    for (k, v) in a.keywords() {
        names.push(k);
        stack.push(v.as_ptr());
        values.push(v);
    }
    let names = if names.is_empty() { None } else { Some(PyTuple::new(py, names)?) };
    // SAFETY: the stack holds live objects: positional, then one for each keyword name.
    unsafe {
        crate::ffi::guard::owned(
            py,
            ffi::PyObject_Vectorcall(
                f.as_ptr(),
                stack.as_ptr(),
                npos,
                names.as_ref().map_or(std::ptr::null_mut(), |n| n.as_ptr()),
            ),
        )
    }
}

macro_rules! forwards {
    ($($name:ident => $target:literal;)*) => {$(
        #[doc = concat!("`arr.", stringify!($name), "(...)`")]
        pub fn $name<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
            forward(slf, a, $target)
        }
    )*};
}
forwards! {
    all => "_all";
    any => "_any";
    clip => "_clip";
    max => "_amax";
    mean => "_mean";
    min => "_amin";
    prod => "_prod";
    std => "_std";
    sum => "_sum";
    var => "_var";
}

/// `arr.conj()`: the array itself when there is nothing to conjugate.
pub fn conj<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("conjugate(out=None, /)");
    let py = slf.py();
    let [out] = a.parse_c(&SIG)?;
    let arr = Array(slf.clone());
    let num = arr.dtype().num;
    if num.is_complex() || num.is_object() || num.is_user() || num == TypeNum::VSTRING {
        return call_by_name(py, "conjugate", &[slf], out.as_ref().filter(|o| !o.is_none()));
    }
    if !(num.is_number() || num.is_bool()) {
        // Types without conjugate: once a warning, now an error.
        return Err(PyTypeError::new_err("cannot conjugate non-numeric dtype"));
    }
    if let Some(o) = args::out(out.as_ref())? {
        super::super::assign::assign_array(&o, &arr)?;
        return Ok(o.0);
    }
    Ok(slf.clone())
}

fn accumulate<'py>(slf: &Obj<'py>, a: Args<'_, 'py>, sig: &Sig, ufunc: &'static str) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let [axis, dtype, out] = a.parse_c(sig)?;
    let arr = Array(slf.clone());
    let out = args::out(out.as_ref())?;
    let kwargs = PyDict::new(py);
    if let Some(d) = dtype.filter(|d| !d.is_none()) {
        kwargs.set_item(intern!(py, "dtype"), crate::objects::dtype::convert(&d)?.0)?;
    }
    if let Some(o) = &out {
        kwargs.set_item(intern!(py, "out"), &o.0)?;
    }
    let f = cached(py, "numpy._core._multiarray_umath", ufunc)?;
    let (source, axis) = match args::axis(axis.as_ref())? {
        Some(ax) if arr.ndim() > 0 => (arr, ax),
        // A single number is a sequence of one.
        Some(ax) => {
            micronumpy::array::normalize_axis(ax, 1).py(py)?;
            (super::shape::ravel_array(&arr, micronumpy::Order::C)?, 0)
        }
        None => (super::shape::ravel_array(&arr, micronumpy::Order::C)?, 0),
    };
    kwargs.set_item(intern!(py, "axis"), axis)?;
    f.call_method(intern!(py, "accumulate"), (source.0,), Some(&kwargs))
}

/// `arr.cumsum(axis=None, dtype=None, out=None)`
pub fn cumsum<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("cumsum(axis=None, dtype=None, out=None)");
    accumulate(slf, a, &SIG, "add")
}

/// `arr.cumprod(axis=None, dtype=None, out=None)`
pub fn cumprod<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("cumprod(axis=None, dtype=None, out=None)");
    accumulate(slf, a, &SIG, "multiply")
}

/// `arr.dot(b, out=None)`
pub fn dot<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("dot(b, out=None)");
    let [b, out] = a.parse(&SIG)?;
    let Some(b) = b else { return Err(PyTypeError::new_err("missing b")) };
    let out = super::super::args::out(out.as_ref())?;
    crate::modules::multiarray::linear::dot(slf, &b, out.as_ref())
}

/// `arr.round(decimals=0, out=None)`
pub fn round<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("round(decimals=0, out=None)");
    let [decimals, out] = a.parse_c(&SIG)?;
    let decimals = decimals.map_or(Ok(0), |d| args::int32(&d))?;
    let out = args::out(out.as_ref())?;
    let r = super::super::round::round(&Array(slf.clone()), decimals, out.as_ref())?;
    match Array::cast(&r) {
        Some(a) if out.is_none() => super::super::unwrap_0d(a),
        _ => Ok(r),
    }
}

/// `arr.argmax(axis=None, out=None, *, keepdims=False)`
pub fn argmax<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("argmax(axis=None, out=None, *, keepdims=False)");
    let [axis, out, keepdims] = a.parse(&SIG)?;
    super::order::arg_extreme(&Array(slf.clone()), axis.as_ref(), out.as_ref(), keepdims.as_ref(), true)
}

/// `arr.argmin(axis=None, out=None, *, keepdims=False)`
pub fn argmin<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("argmin(axis=None, out=None, *, keepdims=False)");
    let [axis, out, keepdims] = a.parse(&SIG)?;
    super::order::arg_extreme(&Array(slf.clone()), axis.as_ref(), out.as_ref(), keepdims.as_ref(), false)
}
