//! Protocol methods.

use micronumpy::Order;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{IntoPyObjectExt, ffi, intern};

use super::super::alloc::{self, Make};
use super::super::args::{self, CopyMode};
use super::super::{ARRAY_TYPE, coercion, number};
use crate::abi::*;
use crate::ffi::import::cached;
use crate::ffi::{Args, Sig, types};
use crate::objects::{Array, dtype};

type Obj<'py> = Bound<'py, PyAny>;

/// `arr.__array__(dtype=None, *, copy=None)`
pub fn array<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__array__(dtype=None, *, copy=None)");
    let [descr, copy] = a.parse_c(&SIG)?;
    let py = slf.py();
    let copy = args::copy_mode(copy.as_ref(), CopyMode::IfNeeded)?;
    let descr = match descr.filter(|d| !d.is_none()) {
        Some(d) => Some(dtype::convert(&d)?),
        None => None,
    };
    // Always a plain array.
    let arr = Array(slf.clone());
    // SAFETY: ready type.
    let plain = unsafe { types::handle(py, ARRAY_TYPE.as_type()) };
    let arr = if arr.is_exact() { arr } else { alloc::plain_view(&arr, Some(&plain))? };
    let same = descr.as_ref().is_none_or(|d| coercion::same_type(&arr.descr(), d));
    if copy == CopyMode::Always {
        let d = descr.unwrap_or_else(|| arr.descr());
        return Ok(super::copy::astype_array(
            &arr,
            &d,
            Order::Keep,
            micronumpy::Casting::Unsafe,
            true,
            true,
        )?
        .0);
    }
    if same {
        return Ok(arr.0);
    }
    if copy == CopyMode::Never {
        return Err(PyValueError::new_err(coercion::NO_COPY_TEXT));
    }
    let d = descr.unwrap_or_else(|| arr.descr());
    Ok(super::copy::astype_array(&arr, &d, Order::Keep, micronumpy::Casting::Unsafe, true, true)?.0)
}

/// `arr.__array_finalize__(obj)`: nothing to do for a plain array.
pub fn array_finalize<'py>(slf: &Obj<'py>, _obj: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(slf.py().None().into_bound(slf.py()))
}

/// `arr.__array_wrap__(array, context=None, return_scalar=True)`
pub fn array_wrap<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__array_wrap__(array, context=None, return_scalar=True, /)");
    let n = a.len();
    if n == 0 {
        return Err(PyTypeError::new_err("__array_wrap__() takes at least 1 argument (0 given)"));
    }
    let [obj, _context, return_scalar] = a.parse_c(&SIG)?;
    let Some(obj) = obj else { return Err(PyTypeError::new_err("missing array")) };
    let Some(arr) = Array::cast(&obj) else {
        let ty = obj.get_type();
        return Err(PyTypeError::new_err(format!(
            "__array_wrap__() argument 1 must be numpy.ndarray, not {}",
            ty.fully_qualified_name()?
        )));
    };
    let return_scalar = args::truth(return_scalar.as_ref(), true)?;
    if return_scalar && Array(slf.clone()).is_exact() && arr.ndim() == 0 && n >= 3 {
        return super::super::element(&arr, arr.data());
    }
    let ty = slf.get_type().into_any();
    if arr.0.get_type().is(&ty) {
        return Ok(arr.0);
    }
    // SAFETY: the whole of `arr`.
    let out = unsafe {
        Make {
            subtype: Some(&ty),
            data: arr.data(),
            strides: Some(arr.strides()),
            writeable: arr.is_writeable(),
            base: Some(arr.0.clone()),
            parent: Some(slf),
            allow_empty_string: true,
            ..Make::new(&arr.descr(), arr.shape())
        }
        .build()?
    };
    Ok(out.0)
}

/// `arr.__array_ufunc__(ufunc, method, *inputs, **kwargs)`
pub fn array_ufunc<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    if a.len() < 2 {
        return Err(PyTypeError::new_err("__array_ufunc__ requires at least 2 arguments"));
    }
    let (tuple, kwargs) = a.to_tuple_dict()?;
    // Somebody else's override has the last word: then this is not for us.
    let check = |o: &Obj<'py>| -> PyResult<bool> {
        if Array::cast(o).is_some_and(|x| x.is_exact()) {
            return Ok(false);
        }
        let Some(attr) = crate::objects::dispatcher::type_attribute(o, intern!(py, "__array_ufunc__"))?
        else {
            return Ok(false);
        };
        // SAFETY: ready type.
        let own =
            unsafe { types::handle(py, ARRAY_TYPE.as_type()) }.getattr(intern!(py, "__array_ufunc__"))?;
        Ok(!attr.is(&own))
    };
    let mut others: Vec<Obj<'py>> = tuple.iter().skip(2).collect();
    if let Some(out) = kwargs.get_item("out")? {
        match out.cast::<PyTuple>() {
            Ok(t) => others.extend(t.iter()),
            Err(_) => others.push(out.clone()),
        }
    }
    others.extend(kwargs.get_item("where")?);
    for o in &others {
        if check(o)? {
            return Ok(py.NotImplemented().into_bound(py));
        }
    }
    let ufunc = tuple.get_item(0)?;
    let method = tuple.get_item(1)?;
    let rest = tuple.get_slice(2, tuple.len());
    ufunc.getattr(method.cast::<PyString>()?)?.call(rest, Some(&kwargs))
}

/// `arr.__array_function__(func, types, args, kwargs)`
pub fn array_function<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__array_function__(func, types, args, kwargs)");
    let py = slf.py();
    let [func, types_arg, args_arg, kwargs] = a.parse_c(&SIG)?;
    let (Some(func), Some(types_arg), Some(args_arg), Some(kwargs)) = (func, types_arg, args_arg, kwargs)
    else {
        return Err(PyTypeError::new_err("missing argument"));
    };
    // SAFETY: ready type.
    let own =
        unsafe { types::handle(py, ARRAY_TYPE.as_type()) }.getattr(intern!(py, "__array_function__"))?;
    for t in types_arg.try_iter()? {
        let t = t?;
        // SAFETY: type check first.
        let is_array = t.is_instance_of::<PyType>()
            && unsafe { ffi::PyType_IsSubtype(t.as_ptr().cast(), ARRAY_TYPE.as_type()) != 0 };
        if !is_array {
            // A type that does not override the protocol does not object.
            match t.getattr_opt(intern!(py, "__array_function__"))? {
                Some(f) if !f.is(&own) => {}
                _ => {}
            }
            return Ok(py.NotImplemented().into_bound(py));
        }
    }
    // Not every function of numpy is a dispatcher.
    let implementation = func.getattr_opt(intern!(py, "_implementation"))?.unwrap_or_else(|| func.clone());
    let tuple = match args_arg.cast::<PyTuple>() {
        Ok(t) => t.clone(),
        Err(_) => return Err(PyTypeError::new_err("args must be a tuple")),
    };
    let Ok(kw) = kwargs.cast::<PyDict>() else { return Err(PyTypeError::new_err("kwargs must be a dict")) };
    implementation.call(tuple, Some(kw))
}

/// `arr.__sizeof__()`
pub fn sizeof<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let arr = Array(slf.clone());
    // SAFETY: live object.
    let mut n = unsafe { (*ffi::Py_TYPE(slf.as_ptr())).tp_basicsize } as usize;
    n += 2 * arr.ndim() * size_of::<isize>();
    if arr.has_flags(NPY_ARRAY_OWNDATA) {
        n += arr.size() * arr.itemsize();
    }
    n.into_bound_py_any(slf.py())
}

/// `arr.dumps()`
pub fn dumps<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (t, k) = a.to_tuple_dict()?;
    let mut items = vec![slf.clone()];
    items.extend(t.iter());
    cached(slf.py(), "numpy._core._methods", "_dumps")?.call(PyTuple::new(slf.py(), items)?, Some(&k))
}

/// `arr.dump(file)`
pub fn dump<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    let (t, k) = a.to_tuple_dict()?;
    let mut items = vec![slf.clone()];
    items.extend(t.iter());
    cached(slf.py(), "numpy._core._methods", "_dump")?.call(PyTuple::new(slf.py(), items)?, Some(&k))
}

/// `arr.__complex__()`
pub fn complex<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__complex__(/)");
    let [] = a.parse_c(&SIG)?;
    number::complex(slf)
}

/// `arr.__format__(spec)`: 0-d arrays format as their scalar.
pub fn format<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__format__(format_spec, /)");
    let [spec] = a.parse_c(&SIG)?;
    let py = slf.py();
    let arr = Array(slf.clone());
    let spec = spec.unwrap_or_else(|| PyString::new(py, "").into_any());
    if arr.ndim() == 0 {
        let item = super::super::element(&arr, arr.data())?;
        return item.call_method1(intern!(py, "__format__"), (spec,));
    }
    // SAFETY: a new reference or null; the object's own formatting refuses all but the empty spec.
    unsafe {
        let object = Bound::from_borrowed_ptr(py, (&raw mut ffi::PyBaseObject_Type).cast::<ffi::PyObject>());
        object.call_method1(intern!(py, "__format__"), (slf, spec))
    }
}

/// `ndarray[shape, dtype]`
pub fn class_getitem<'py>(cls: &Obj<'py>, item: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = cls.py();
    let n = item.cast::<PyTuple>().map_or(1, |t| t.len());
    if n == 0 || n > 2 {
        let how = if n > 2 { "many" } else { "few" };
        // SAFETY: a type object.
        let name = unsafe { std::ffi::CStr::from_ptr((*cls.as_ptr().cast::<ffi::PyTypeObject>()).tp_name) };
        return Err(PyTypeError::new_err(format!("Too {how} arguments for {}", name.to_string_lossy())));
    }
    // SAFETY: a new reference or null.
    unsafe { crate::ffi::guard::owned(py, ffi::Py_GenericAlias(cls.as_ptr(), item.as_ptr())) }
}

/// `arr.__array_namespace__(*, api_version=None)`
pub fn array_namespace<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("__array_namespace__(*, api_version=None)");
    let [version] = a.parse_c(&SIG)?;
    let py = slf.py();
    if let Some(v) = version.filter(|v| !v.is_none()) {
        if !v.is_instance_of::<PyString>() {
            return Err(PyValueError::new_err(format!(
                "Only None and strings are allowed as the Array API version, but received: {}.",
                v.str()?
            )));
        }
        let text: String = v.extract()?;
        if !matches!(text.as_str(), "2021.12" | "2022.12" | "2023.12" | "2024.12") {
            return Err(PyValueError::new_err(format!(
                "Version \"{text}\" of the Array API Standard is not supported."
            )));
        }
    }
    Ok(py.import(intern!(py, "numpy"))?.into_any())
}

/// `arr.to_device(device, *, stream=None)`
pub fn to_device<'py>(slf: &Obj<'py>, a: Args<'_, 'py>) -> PyResult<Obj<'py>> {
    static SIG: Sig = Sig::new("to_device(device, /, *, stream=None)");
    let [device, stream] = a.parse_c(&SIG)?;
    if stream.is_some_and(|s| !s.is_none()) {
        return Err(PyValueError::new_err("The stream argument in to_device() is not supported"));
    }
    let text: String = match device {
        Some(d) => d.extract()?,
        None => String::new(),
    };
    if text != "cpu" {
        return Err(PyValueError::new_err(format!("Unsupported device: {text}. Only 'cpu' is accepted.")));
    }
    Ok(slf.clone())
}
