//! Methods and attributes of `numpy.generic`: most are those of the 0-d array with the same value.

use micronumpy::TypeNum;
use micronumpy::dtype::flags;
use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyMemoryView, PyTuple, PyType};
use pyo3::{PyTypeInfo, ffi, intern};
use ufuncs::elem::LongDouble;

use super::types::COMPLEX_FLOATING;
use super::value::{
    Cell, cell_of, descr_of_numpy_scalar, make_num, python_number, to_array, to_f64, to_scalar, typenum_of,
};
use super::{number, text, void};
use crate::abi::*;
use crate::error::missing;
use crate::ffi::Args;
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::objects::dtype::convert;
use crate::objects::{Array, Descr, array};
use crate::{fastcall, getset, noargs, onearg};

type Obj<'py> = Bound<'py, PyAny>;

fn none<'py>(py: Python<'py>) -> Obj<'py> {
    py.None().into_bound(py)
}

/// The scalar as a 0-d array; structured void scalars share their memory with it.
fn array_of<'py>(slf: &Obj<'py>) -> PyResult<Array<'py>> {
    if typenum_of(slf) == Some(TypeNum::VOID) { void::as_array(slf) } else { to_array(slf) }
}

/// Call a method of the 0-d array; a 0-d result becomes a scalar, whatever its class.
fn forward<'py>(slf: &Obj<'py>, name: &str, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (args, kwargs) = args.to_tuple_dict()?;
    let result = array_of(slf)?.0.getattr(name)?.call(args, Some(&kwargs))?;
    match Array::cast(&result) {
        Some(arr) if arr.ndim() == 0 => array::element(&arr, arr.data()),
        _ => Ok(result),
    }
}

macro_rules! forwarded {
    ($($body:ident $name:literal;)*) => {$(
        fn $body<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
            forward(slf, $name, args)
        }
    )*};
}
forwarded! {
    tobytes "tobytes"; tofile "tofile"; astype "astype"; getfield "getfield"; setfield "setfield"; copy "copy";
    resize "resize"; dumps "dumps"; dump "dump"; fill_ "fill"; transpose "transpose"; take "take"; put "put";
    repeat "repeat"; choose "choose"; sort "sort"; argsort "argsort"; searchsorted "searchsorted"; argmax "argmax";
    argmin "argmin"; reshape "reshape"; squeeze "squeeze"; view "view"; swapaxes "swapaxes"; max "max"; min "min";
    mean "mean"; trace "trace"; diagonal "diagonal"; clip "clip"; conj "conj"; conjugate "conjugate";
    nonzero "nonzero"; std "std"; var "var"; sum "sum"; cumsum "cumsum"; prod "prod"; cumprod "cumprod"; all "all";
    any "any"; compress "compress"; flatten "flatten"; ravel "ravel"; round "round";
    array_namespace "__array_namespace__";
}

/// There is one device, and the scalar is there already.
fn to_device<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    forward(slf, "to_device", args)?;
    Ok(slf.clone())
}

fn byteswap<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: crate::ffi::Sig = crate::ffi::Sig::new("byteswap(inplace=False)");
    let [inplace] = args.parse(&SIG)?;
    if inplace.map_or(Ok(false), |i| i.is_truthy())? {
        return Err(PyValueError::new_err("cannot byteswap a scalar inplace"));
    }
    match array_of(slf)?.0.call_method0("byteswap").map(|r| Array::cast(&r).ok_or(r)) {
        Ok(Ok(arr)) => array::unwrap_0d(arr),
        Ok(Err(other)) => Ok(other),
        Err(e) => Err(e),
    }
}

/// `item()`
fn item<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    if args.is_empty() && !args.has_keywords() {
        return item0(slf);
    }
    forward(slf, "item", args)
}

fn item0<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    match typenum_of(slf) {
        Some(num) if num.is_bool() || num.is_number() => python_number(py, num, &cell_of(slf, num)),
        num => {
            // A scalar that is a part of an array gives views of that part.
            let is_part = num == Some(TypeNum::VOID) && void::part(slf).is_some();
            let arr = if is_part { void::as_array(slf)? } else { to_array(slf)? };
            crate::objects::array::methods::convert::item_at(&arr, arr.data())
        }
    }
}

fn tolist<'py>(slf: &Obj<'py>, _: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    item0(slf)
}

/// A copy of a scalar: itself, because only void scalars can change.
fn copy0<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = to_array(slf)?;
    if arr.dtype().num != TypeNum::VOID {
        return Ok(slf.clone());
    }
    // SAFETY: an array of one element.
    unsafe { to_scalar(&arr.descr(), arr.data(), None) }
}

fn deepcopy<'py>(slf: &Obj<'py>, _: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    copy0(slf)
}

/// A scalar as an array; a void scalar that is a part of something else shares its memory.
pub fn shared_or_copied<'py>(slf: &Obj<'py>) -> PyResult<Array<'py>> {
    match super::void::part(slf) {
        Some(_) => super::void::as_array(slf),
        None => to_array(slf),
    }
}

fn array_method<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    match args.get(0) {
        None => shared_or_copied(slf).map(|arr| arr.0),
        Some(dtype) => {
            let descr = convert(&dtype)?;
            to_array(slf)?.0.call_method1(intern!(slf.py(), "astype"), (descr.0,))
        }
    }
}

fn array_wrap<'py>(_: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let Some(first) = args.get(0) else {
        return Err(PyTypeError::new_err("only accepts 1 argument."));
    };
    let Some(arr) = Array::cast(&first) else {
        return Err(PyTypeError::new_err("can only be called with ndarray object"));
    };
    let as_scalar = args.get(2).is_none_or(|r| r.is_none() || r.is_truthy().unwrap_or(true));
    if arr.ndim() != 0 || !as_scalar {
        return Ok(arr.0);
    }
    // SAFETY: an array of one element.
    unsafe { to_scalar(&arr.descr(), arr.data(), Some(&arr.0)) }
}

fn sizeof<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let size = descr_of_numpy_scalar(slf)?.map_or(0, |d| d.itemsize() as isize);
    // SAFETY: a live object and its type.
    let basic = unsafe { (*ffi::Py_TYPE(slf.as_ptr())).tp_basicsize };
    Ok((basic + size).into_pyobject(slf.py())?.into_any())
}

/// `(scalar, (dtype, bytes))`
fn reduce<'py>(slf: &Obj<'py>, _: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let make = cached(py, "numpy._core.multiarray", "scalar")?;
    let arr = array_of(slf)?;
    let descr = arr.descr();
    let state = if descr.dtype().flags & flags::LIST_PICKLE != 0 {
        arr.0.clone()
    } else {
        // SAFETY: an array of one element.
        let bytes = unsafe { std::slice::from_raw_parts(arr.data(), arr.itemsize()) };
        PyBytes::new(py, bytes).into_any()
    };
    Ok((make, (descr.0, state)).into_pyobject(py)?.into_any())
}

fn nothing<'py>(slf: &Obj<'py>, _: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    Ok(none(slf.py()))
}

static METHODS: Methods<60> = Methods::new([
    fastcall!(c"tolist", tolist),
    fastcall!(c"item", item),
    fastcall!(c"tobytes", tobytes),
    fastcall!(c"tofile", tofile),
    fastcall!(c"byteswap", byteswap),
    fastcall!(c"astype", astype),
    fastcall!(c"getfield", getfield),
    fastcall!(c"setfield", setfield),
    fastcall!(c"copy", copy),
    fastcall!(c"resize", resize),
    fastcall!(c"__array__", array_method),
    fastcall!(c"__array_wrap__", array_wrap),
    noargs!(c"__sizeof__", sizeof),
    noargs!(c"__copy__", copy0),
    fastcall!(c"__deepcopy__", deepcopy),
    fastcall!(c"__reduce__", reduce),
    fastcall!(c"__setstate__", nothing),
    fastcall!(c"dumps", dumps),
    fastcall!(c"dump", dump),
    fastcall!(c"fill", fill_),
    fastcall!(c"transpose", transpose),
    fastcall!(c"take", take),
    fastcall!(c"put", put),
    fastcall!(c"repeat", repeat),
    fastcall!(c"choose", choose),
    fastcall!(c"sort", sort),
    fastcall!(c"argsort", argsort),
    fastcall!(c"searchsorted", searchsorted),
    fastcall!(c"argmax", argmax),
    fastcall!(c"argmin", argmin),
    fastcall!(c"reshape", reshape),
    fastcall!(c"squeeze", squeeze),
    fastcall!(c"view", view),
    fastcall!(c"swapaxes", swapaxes),
    fastcall!(c"max", max),
    fastcall!(c"min", min),
    fastcall!(c"mean", mean),
    fastcall!(c"trace", trace),
    fastcall!(c"diagonal", diagonal),
    fastcall!(c"clip", clip),
    fastcall!(c"conj", conj),
    fastcall!(c"conjugate", conjugate),
    fastcall!(c"nonzero", nonzero),
    fastcall!(c"std", std),
    fastcall!(c"var", var),
    fastcall!(c"sum", sum),
    fastcall!(c"cumsum", cumsum),
    fastcall!(c"prod", prod),
    fastcall!(c"cumprod", cumprod),
    fastcall!(c"all", all),
    fastcall!(c"any", any),
    fastcall!(c"compress", compress),
    fastcall!(c"flatten", flatten),
    fastcall!(c"ravel", ravel),
    fastcall!(c"round", round),
    onearg!(c"__format__", text::format),
    fastcall!(c"setflags", nothing),
    fastcall!(c"__array_namespace__", array_namespace),
    fastcall!(c"to_device", to_device),
    END,
]);

fn ndim<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyInt::new(slf.py(), 0).into_any())
}
fn size<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyInt::new(slf.py(), 1).into_any())
}
fn empty<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyTuple::empty(slf.py()).into_any())
}
fn itemsize<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    dtype(slf)?.getattr(intern!(slf.py(), "itemsize"))
}
fn base<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(none(slf.py()))
}
fn dtype<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    match descr_of_numpy_scalar(slf)? {
        Some(descr) => Ok(descr.0),
        None => Err(missing("dtype of this scalar type")),
    }
}
fn flags_<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let flags = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS | NPY_ARRAY_OWNDATA | NPY_ARRAY_ALIGNED;
    array::flags::of_scalar(slf.py(), flags)
}
fn data<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyMemoryView::from(slf)?.into_any())
}
fn flat<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    to_array(slf)?.0.getattr(intern!(slf.py(), "flat"))
}
fn same<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(slf.clone())
}
fn device<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(intern!(slf.py(), "cpu").clone().into_any())
}
fn array_interface<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let arr = array_of(slf)?;
    let dict = arr.0.getattr(intern!(py, "__array_interface__"))?;
    // The interface points into the array, so the array must live as long as it.
    dict.cast::<PyDict>()?.set_item(intern!(py, "__ref"), arr.0)?;
    Ok(dict)
}
fn array_struct<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    array_of(slf)?.0.getattr(intern!(slf.py(), "__array_struct__"))
}
fn array_priority<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyFloat::new(slf.py(), -1_000_000.0).into_any())
}

/// One part of a complex number, as a scalar of the part's type.
fn part<'py>(py: Python<'py>, num: TypeNum, v: &Cell, imag: bool) -> PyResult<Obj<'py>> {
    let half = num.real_part();
    let at = if imag { half.size() } else { 0 };
    let mut cell = Cell::ZERO;
    cell.0[..half.size()].copy_from_slice(&v.0[at..at + half.size()]);
    make_num(py, half, &cell)
}

fn real<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    match typenum_of(slf) {
        Some(num) if num.is_complex() => part(slf.py(), num, &cell_of(slf, num), false),
        Some(num) if num.is_bool() || num.is_number() => make_num(slf.py(), num, &cell_of(slf, num)),
        _ => copy0(slf),
    }
}

fn imag<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    match typenum_of(slf) {
        Some(num) if num.is_complex() => part(slf.py(), num, &cell_of(slf, num), true),
        Some(num) if num.is_bool() || num.is_number() => make_num(slf.py(), num, &Cell::ZERO),
        _ => {
            let descr = Descr(dtype(slf)?);
            let zero = array::new(&descr, &[], micronumpy::Order::C, true)?;
            // SAFETY: an array of one element.
            unsafe { to_scalar(&descr, zero.data(), None) }
        }
    }
}

static GETSETS: GetSets<19> = GetSets::new([
    getset!(c"ndim", ndim),
    getset!(c"flags", flags_),
    getset!(c"shape", empty),
    getset!(c"strides", empty),
    getset!(c"data", data),
    getset!(c"itemsize", itemsize),
    getset!(c"size", size),
    getset!(c"nbytes", itemsize),
    getset!(c"base", base),
    getset!(c"dtype", dtype),
    getset!(c"real", real),
    getset!(c"imag", imag),
    getset!(c"flat", flat),
    getset!(c"T", same),
    getset!(c"device", device),
    getset!(c"__array_interface__", array_interface),
    getset!(c"__array_struct__", array_struct),
    getset!(c"__array_priority__", array_priority),
    GETSET_END,
]);

/// `scalar[()]`, `scalar[...]`, `scalar[None]`
fn subscript<'py>(slf: &Obj<'py>, key: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    to_array(slf)?.0.get_item(key).map_err(|e| {
        if e.is_instance_of::<PyIndexError>(py) {
            PyIndexError::new_err("invalid index to scalar variable.")
        } else {
            e
        }
    })
}

fn unhashable(slf: &Obj<'_>) -> PyResult<isize> {
    to_array(slf)?.0.hash()
}

// What the number types have on top.

/// `round(x)` is a Python integer, `round(x, n)` a scalar of the same type.
fn round_protocol<'py>(slf: &Obj<'py>, args: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: crate::ffi::Sig = crate::ffi::Sig::new("__round__(ndigits=None)");
    let py = slf.py();
    let [ndigits] = args.parse(&SIG)?;
    match ndigits.filter(|n| !n.is_none()) {
        Some(n) => slf.call_method1(intern!(py, "round"), (n,)),
        None => {
            let rounded = match typenum_of(slf) {
                Some(num) if num.is_integer() => slf.clone(),
                Some(TypeNum::LONGDOUBLE) => {
                    let v: LongDouble = cell_of(slf, TypeNum::LONGDOUBLE).get();
                    make_num(py, TypeNum::LONGDOUBLE, &Cell::of(v.rint()))?
                }
                Some(num) if num.is_float() => {
                    PyFloat::new(py, to_f64(num, &cell_of(slf, num)).round_ties_even()).into_any()
                }
                _ => slf.call_method0(intern!(py, "round"))?,
            };
            // SAFETY: a live object; a new reference or null.
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Long(rounded.as_ptr())) }
        }
    }
}

fn is_integer<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let whole = match typenum_of(slf) {
        Some(TypeNum::LONGDOUBLE) => {
            let v: LongDouble = cell_of(slf, TypeNum::LONGDOUBLE).get();
            v.is_finite() && v.trunc() == v
        }
        Some(num) if num.is_float() => {
            let v = to_f64(num, &cell_of(slf, num));
            v.is_finite() && v.trunc() == v
        }
        _ => true,
    };
    Ok(pyo3::types::PyBool::new(slf.py(), whole).to_owned().into_any())
}

fn as_integer_ratio<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let num = typenum_of(slf).ok_or_else(|| missing("as_integer_ratio"))?;
    let cell = cell_of(slf, num);
    if num != TypeNum::LONGDOUBLE {
        let v = to_f64(num, &cell);
        check_finite(v.is_nan(), v.is_infinite())?;
        return PyFloat::new(py, v).call_method0(intern!(py, "as_integer_ratio"));
    }
    let v: LongDouble = cell.get();
    check_finite(v.is_nan(), v.is_infinite())?;
    // 64 bits are all a significand has here; wider formats need another round.
    let (mut m, mut e) = v.frexp();
    for _ in 0..300 {
        if m.trunc() == m {
            break;
        }
        m = m.ldexp(1);
        e -= 1;
    }
    let int = PyInt::type_object(py);
    let mut top = int.call1((m.format(b'f', 0),))?;
    let mut bottom = int.call1((1,))?;
    let shift = |v: &Obj<'py>, n: i32| v.call_method1(intern!(py, "__lshift__"), (n,));
    if e > 0 {
        top = shift(&top, e)?;
    } else {
        bottom = shift(&bottom, -e)?;
    }
    Ok((top, bottom).into_pyobject(py)?.into_any())
}

fn check_finite(nan: bool, infinite: bool) -> PyResult<()> {
    if infinite {
        return Err(PyOverflowError::new_err("cannot convert Infinity to integer ratio"));
    }
    if nan {
        return Err(PyValueError::new_err("cannot convert NaN to integer ratio"));
    }
    Ok(())
}

/// Number of one bits of the absolute value.
fn bit_count<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let num = typenum_of(slf).ok_or_else(|| missing("bit_count"))?;
    let n = match python_number(py, num, &cell_of(slf, num))?.extract::<i128>() {
        Ok(v) => v.unsigned_abs().count_ones(),
        Err(e) => return Err(e),
    };
    Ok(n.into_pyobject(py)?.into_any())
}

fn denominator<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyInt::new(slf.py(), 1).into_any())
}

static INTEGER_GETSETS: GetSets<3> =
    GetSets::new([getset!(c"numerator", same), getset!(c"denominator", denominator), GETSET_END]);

fn alias<'py>(cls: &Obj<'py>, args: &Obj<'py>) -> PyResult<Obj<'py>> {
    // SAFETY: live objects; a new reference or null.
    unsafe { Bound::from_owned_ptr_or_err(cls.py(), ffi::Py_GenericAlias(cls.as_ptr(), args.as_ptr())) }
}

fn type_name(cls: &Obj<'_>) -> PyResult<String> {
    Ok(cls.cast::<PyType>()?.fully_qualified_name()?.to_string())
}

/// `numpy.floating[T]`, `numpy.complexfloating[T, U]`
fn abstract_getitem<'py>(cls: &Obj<'py>, args: &Obj<'py>) -> PyResult<Obj<'py>> {
    let n = args.cast::<PyTuple>().map_or(1, |t| t.len());
    // SAFETY: a live class.
    let complex = unsafe { ffi::PyType_IsSubtype(cls.as_ptr().cast(), COMPLEX_FLOATING.as_type()) != 0 };
    let most = if complex { 2 } else { 1 };
    if n == 0 || n > most {
        let many = if n > most { "many" } else { "few" };
        return Err(PyTypeError::new_err(format!("Too {many} arguments for {}", type_name(cls)?)));
    }
    alias(cls, args)
}

/// Concrete types have nothing left to choose.
fn concrete_getitem<'py>(cls: &Obj<'py>, _: &Obj<'py>) -> PyResult<Obj<'py>> {
    Err(PyTypeError::new_err(format!("There are no type variables left in {}", type_name(cls)?)))
}

/// Tables of methods belong to one type each, because their docstrings do.
fn leak(methods: Vec<ffi::PyMethodDef>) -> *mut ffi::PyMethodDef {
    Box::leak(methods.into_boxed_slice()).as_mut_ptr()
}

/// Methods, attributes and slots that make a type what it is, beyond arithmetic and text.
///
/// # Safety
/// `ty` is not ready yet.
pub unsafe fn fill(ty: *mut ffi::PyTypeObject, num: Option<TypeNum>) {
    use super::types::{FLOATING, GENERIC, INTEGER, NUMBER};
    let mut methods = vec![];
    // SAFETY: zeroed tables are valid; they are leaked because the type keeps them.
    unsafe {
        if ty == GENERIC.as_type() {
            (*ty).tp_methods = METHODS.as_ptr();
            (*ty).tp_getset = GETSETS.as_ptr();
            let mapping: &mut ffi::PyMappingMethods = Box::leak(Box::new(std::mem::zeroed()));
            mapping.mp_subscript = Some(crate::binaryfunc!(subscript));
            (*ty).tp_as_mapping = mapping;
            (*ty).tp_hash = Some(crate::lenfunc!(unhashable));
            return;
        }
        if ty == NUMBER.as_type() {
            methods.push(onearg!(c"__class_getitem__", abstract_getitem, ffi::METH_CLASS));
        }
        if ty == INTEGER.as_type() {
            methods.push(fastcall!(c"__round__", round_protocol));
            methods.push(noargs!(c"is_integer", is_integer));
            (*ty).tp_getset = INTEGER_GETSETS.as_ptr();
        }
        if ty == FLOATING.as_type() {
            methods.push(fastcall!(c"__round__", round_protocol));
        }
        if let Some(num) = num {
            if num.is_bool() || num == TypeNum::DATETIME {
                methods.push(onearg!(c"__class_getitem__", abstract_getitem, ffi::METH_CLASS));
            } else if num.is_number() || num == TypeNum::TIMEDELTA {
                methods.push(onearg!(c"__class_getitem__", concrete_getitem, ffi::METH_CLASS));
            }
            if num.is_float() {
                methods.push(noargs!(c"as_integer_ratio", as_integer_ratio));
                methods.push(noargs!(c"is_integer", is_integer));
            }
            if num.is_integer() {
                methods.push(noargs!(c"bit_count", bit_count));
            }
            if matches!(num, TypeNum::CFLOAT | TypeNum::CLONGDOUBLE) {
                methods.push(noargs!(c"__complex__", number::complex));
            }
        }
        if !methods.is_empty() {
            methods.push(END);
            (*ty).tp_methods = leak(methods);
        }
    }
}
