//! `numpy._ArrayFunctionDispatcher`: a callable that asks its arguments for `__array_function__` (NEP 18) before it calls
//! numpy's own implementation, and the search for implementing arguments that `like=` (NEP 35) shares.

use std::mem::{offset_of, size_of};
use std::ptr::null_mut;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use pyo3::{PyErr, ffi as pyffi, intern};

use super::array::ARRAY_TYPE;
use crate::abi::StaticType;
use crate::ffi::args::{Args, Sig, with_args};
use crate::ffi::guard::{guard, owned};
use crate::ffi::import::cached;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::{callfunc, getset, noargs, unaryfunc};

unsafe extern "C" {
    /// Part of CPython's C API that the bindings leave out.
    fn PyMethod_New(function: *mut pyffi::PyObject, slf: *mut pyffi::PyObject) -> *mut pyffi::PyObject;
}

/// numpy stops collecting overrides here.
const MAX_OVERRIDES: usize = 64;

#[repr(C)]
struct DispatcherObject {
    ob_base: pyffi::PyObject,
    vectorcall: Option<pyffi::vectorcallfunc>,
    dict: *mut pyffi::PyObject,
    /// Returns the arguments to ask, or null: then the first argument is a `like=`.
    relevant_args: *mut pyffi::PyObject,
    implementation: *mut pyffi::PyObject,
    /// Names for error messages; borrowed attributes would need a look-up on every error only, so these stay null.
    reserved: [*mut pyffi::PyObject; 2],
}
const _: () = assert!(size_of::<DispatcherObject>() == 64);

pub static DISPATCHER_TYPE: StaticType = StaticType::zeroed();

static METHODS: Methods<2> = Methods::new([noargs!(c"__reduce__", reduce), END]);
static GETSETS: GetSets<3> = GetSets::new([
    getset!(c"_implementation", implementation),
    pyffi::PyGetSetDef {
        name: c"__dict__".as_ptr(),
        get: Some(pyffi::PyObject_GenericGetDict),
        set: Some(pyffi::PyObject_GenericSetDict),
        doc: std::ptr::null(),
        closure: null_mut(),
    },
    GETSET_END,
]);

/// Ready the type.
pub fn init(py: Python<'_>) -> PyResult<()> {
    let ty = DISPATCHER_TYPE.as_type();
    // SAFETY: the type is static and not in use yet.
    unsafe {
        types::prepare(
            ty,
            c"numpy._ArrayFunctionDispatcher",
            size_of::<DispatcherObject>(),
            pyffi::Py_TPFLAGS_HAVE_VECTORCALL | pyffi::Py_TPFLAGS_METHOD_DESCRIPTOR,
        );
        (*ty).tp_new = Some(callfunc!(new create));
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_call = Some(pyffi::PyVectorcall_Call);
        (*ty).tp_vectorcall_offset = offset_of!(DispatcherObject, vectorcall) as isize;
        (*ty).tp_dictoffset = offset_of!(DispatcherObject, dict) as isize;
        (*ty).tp_descr_get = Some(bind);
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_str = Some(unaryfunc!(str));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

fn fields<'a>(slf: &'a Bound<'_, PyAny>) -> &'a DispatcherObject {
    // SAFETY: only reached through slots and methods of this type.
    unsafe { &*slf.as_ptr().cast() }
}

fn create<'py>(
    ty: &Bound<'py, PyAny>,
    args: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    static SIG: Sig = Sig::new("_ArrayFunctionDispatcher(dispatcher, implementation)");
    let [dispatcher, implementation] = with_args(args, kwargs, |a| a.parse(&SIG))?;
    let (Some(dispatcher), Some(implementation)) = (dispatcher, implementation) else {
        return Err(PyTypeError::new_err("_ArrayFunctionDispatcher needs two arguments"));
    };
    let py = ty.py();
    // SAFETY: a fresh zeroed object of our layout; every pointer stored owns a reference.
    unsafe {
        let obj = owned(py, pyffi::PyType_GenericAlloc(ty.as_ptr().cast(), 0))?;
        let d: *mut DispatcherObject = obj.as_ptr().cast();
        (*d).vectorcall = Some(call);
        (*d).dict = PyDict::new(py).into_ptr();
        (*d).relevant_args = if dispatcher.is_none() { null_mut() } else { dispatcher.into_ptr() };
        (*d).implementation = implementation.into_ptr();
        Ok(obj)
    }
}

unsafe extern "C" fn dealloc(slf: *mut pyffi::PyObject) {
    // SAFETY: the object is dying; it owns these references.
    unsafe {
        let d: *mut DispatcherObject = slf.cast();
        pyffi::Py_CLEAR(&raw mut (*d).dict);
        pyffi::Py_CLEAR(&raw mut (*d).relevant_args);
        pyffi::Py_CLEAR(&raw mut (*d).implementation);
        pyffi::PyObject_Free(slf.cast());
    }
}

unsafe extern "C" fn bind(
    slf: *mut pyffi::PyObject,
    obj: *mut pyffi::PyObject,
    _ty: *mut pyffi::PyObject,
) -> *mut pyffi::PyObject {
    // SAFETY: descriptor protocol; live objects or null.
    unsafe {
        if obj.is_null() {
            pyffi::Py_INCREF(slf);
            slf
        } else {
            PyMethod_New(slf, obj)
        }
    }
}

fn implementation<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the dispatcher owns its implementation.
    Ok(unsafe { Bound::from_borrowed_ptr(slf.py(), fields(slf).implementation) })
}

fn reduce<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    slf.getattr(intern!(slf.py(), "__name__"))
}

fn repr<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let name = slf.getattr(intern!(slf.py(), "__name__"))?;
    Ok(format!("<function {name} at {:p}>", slf.as_ptr()).into_pyobject(slf.py())?.into_any())
}

fn str<'py>(slf: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    Ok(implementation(slf)?.str()?.into_any())
}

unsafe extern "C" fn call(
    slf: *mut pyffi::PyObject,
    args: *const *mut pyffi::PyObject,
    nargsf: usize,
    kwnames: *mut pyffi::PyObject,
) -> *mut pyffi::PyObject {
    guard(|py| {
        // SAFETY: vectorcall protocol.
        unsafe {
            let slf = Bound::from_borrowed_ptr(py, slf);
            dispatch(&slf, args, pyffi::PyVectorcall_NARGS(nargsf) as usize, kwnames).map(Bound::into_ptr)
        }
    })
}

/// # Safety
/// Vectorcall protocol.
unsafe fn dispatch<'py>(
    slf: &Bound<'py, PyAny>,
    mut args: *const *mut pyffi::PyObject,
    mut nargs: usize,
    kwnames: *mut pyffi::PyObject,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let d = fields(slf);
    // SAFETY: the dispatcher owns its implementation; arguments as promised.
    let implementation = unsafe { Bound::from_borrowed_ptr(py, d.implementation) };
    let (relevant, public_api) = if d.relevant_args.is_null() {
        if nargs == 0 {
            return Err(PyTypeError::new_err(format!(
                "`like` argument dispatching, but first argument is not positional in call to {}.",
                implementation.str()?
            )));
        }
        // SAFETY: there is a first argument; the rest are the arguments of the function itself.
        let like = unsafe { Bound::from_borrowed_ptr(py, *args) };
        // SAFETY: as above.
        args = unsafe { args.add(1) };
        nargs -= 1;
        (PyTuple::new(py, [like])?.into_any(), implementation.clone())
    } else {
        // SAFETY: forwarding the very arguments we got.
        let relevant =
            unsafe { owned(py, pyffi::PyObject_Vectorcall(d.relevant_args, args, nargs, kwnames)) }
                .map_err(|e| rename_type_error(slf, e))?;
        // SAFETY: live object.
        let seq = unsafe {
            owned(
                py,
                pyffi::PySequence_Fast(
                    relevant.as_ptr(),
                    c"dispatcher for __array_function__ did not return an iterable".as_ptr(),
                ),
            )
        }?;
        (seq, slf.clone())
    };
    if !d.relevant_args.is_null() && overrides_nothing(&relevant) {
        // SAFETY: forwarding.
        return unsafe { owned(py, pyffi::PyObject_Vectorcall(d.implementation, args, nargs, kwnames)) };
    }
    let found = implementing_args(&relevant)?;
    if d.relevant_args.is_null() && found.is_empty() {
        return Err(like_error());
    }
    if found.iter().all(|o| o.is_default) {
        // SAFETY: forwarding.
        return unsafe { owned(py, pyffi::PyObject_Vectorcall(d.implementation, args, nargs, kwnames)) };
    }
    // SAFETY: vectorcall protocol.
    let forwarded = unsafe { Args::from_vectorcall(py, args, nargs, kwnames) };
    let (tuple, dict) = forwarded.to_tuple_dict()?;
    call_overrides(&public_api, &found, &tuple, &dict)
}

/// The error numpy raises for a `like=` that does not take part.
pub fn like_error() -> PyErr {
    PyTypeError::new_err(
        "The `like` argument must be an array-like that implements the `__array_function__` protocol.",
    )
}

/// Ask each implementing argument in turn.
pub fn call_overrides<'py>(
    public_api: &Bound<'py, PyAny>,
    found: &[Override<'py>],
    args: &Bound<'py, PyTuple>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = public_api.py();
    let types = PyTuple::new(py, found.iter().map(|o| o.arg.get_type()))?;
    for o in found {
        let result = o.method.call1((&o.arg, public_api, &types, args, kwargs))?;
        if !result.is(py.NotImplemented()) {
            return Ok(result);
        }
    }
    let text =
        cached(py, "numpy._core._internal", "array_function_errmsg_formatter")?.call1((public_api, types))?;
    Err(PyTypeError::new_err(text.unbind()))
}

/// A `TypeError` about the dispatcher's own signature names the dispatcher function; users know the public name.
fn rename_type_error(slf: &Bound<'_, PyAny>, err: PyErr) -> PyErr {
    let py = slf.py();
    if !err.is_instance_of::<PyTypeError>(py) {
        return err;
    }
    let attempt = || -> PyResult<Option<PyErr>> {
        // SAFETY: not null, or we would not be here; owned by the dispatcher.
        let relevant = unsafe { Bound::from_borrowed_ptr(py, fields(slf).relevant_args) };
        let theirs: String = relevant.getattr(intern!(py, "__qualname__"))?.extract()?;
        let ours: String = slf.getattr(intern!(py, "__qualname__"))?.extract()?;
        let text: String = err.value(py).str()?.extract()?;
        Ok(text.strip_prefix(&theirs).map(|rest| PyTypeError::new_err(format!("{ours}{rest}"))))
    };
    attempt().ok().flatten().unwrap_or(err)
}

/// An argument that implements `__array_function__`.
pub struct Override<'py> {
    pub arg: Bound<'py, PyAny>,
    /// The unbound method.
    pub method: Bound<'py, PyAny>,
    /// `ndarray`'s own: not an override.
    pub is_default: bool,
}

/// Whether all of a list or tuple are plain arrays or of types without protocols.
fn overrides_nothing(relevant: &Bound<'_, PyAny>) -> bool {
    let plain = |arg: &Bound<'_, PyAny>| {
        // SAFETY: the type of a live object.
        let ty = unsafe { pyffi::Py_TYPE(arg.as_ptr()) };
        ty == ARRAY_TYPE.as_type() || is_basic(ty)
    };
    if let Ok(tuple) = relevant.cast::<PyTuple>() {
        tuple.iter_borrowed().all(|arg| plain(&arg))
    } else if let Ok(list) = relevant.cast::<PyList>() {
        list.iter().all(|arg| plain(&arg))
    } else {
        false
    }
}

/// Builtin types that have none of the protocols.
fn is_basic(t: *mut pyffi::PyTypeObject) -> bool {
    // SAFETY: addresses of static types and types of static objects.
    unsafe {
        t == &raw mut pyffi::PyLong_Type
            || t == &raw mut pyffi::PyFloat_Type
            || t == &raw mut pyffi::PyBool_Type
            || t == &raw mut pyffi::PyComplex_Type
            || t == &raw mut pyffi::PyList_Type
            || t == &raw mut pyffi::PyTuple_Type
            || t == &raw mut pyffi::PyDict_Type
            || t == &raw mut pyffi::PyUnicode_Type
            || t == &raw mut pyffi::PyBytes_Type
            || t == &raw mut pyffi::PySlice_Type
            || t == pyffi::Py_TYPE(pyffi::Py_None())
            || t == pyffi::Py_TYPE(pyffi::Py_Ellipsis())
    }
}

/// `type(obj).name`, looked up on the type alone, as protocols are; `None` for builtin types that cannot have one.
pub fn type_attribute<'py>(
    obj: &Bound<'py, PyAny>,
    name: &Bound<'py, pyo3::types::PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = obj.py();
    let ty = obj.get_type();
    if is_basic(ty.as_type_ptr()) {
        return Ok(None);
    }
    match ty.getattr(name) {
        Ok(attr) => Ok(Some(attr)),
        Err(e) if e.is_instance_of::<pyo3::exceptions::PyAttributeError>(py) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The arguments with `__array_function__`, one for each type: subclasses before superclasses, otherwise left to right.
pub fn implementing_args<'py>(relevant: &Bound<'py, PyAny>) -> PyResult<Vec<Override<'py>>> {
    let py = relevant.py();
    let name = intern!(py, "__array_function__");
    let mut found: Vec<Override<'py>> = Vec::new();
    for arg in relevant.try_iter()? {
        let arg = arg?;
        let ty = arg.get_type();
        if found.iter().any(|o| o.arg.get_type().is(&ty)) {
            continue;
        }
        // SAFETY: pointer comparison with a static type.
        let exact = unsafe { pyffi::Py_TYPE(arg.as_ptr()) == ARRAY_TYPE.as_type() };
        let Some(method) = type_attribute(&arg, name)? else { continue };
        if found.len() >= MAX_OVERRIDES {
            return Err(PyTypeError::new_err(format!(
                "maximum number {MAX_OVERRIDES} of distinct argument types implementing __array_function__ exceeded"
            )));
        }
        let is_default = exact || method.is(&default_method(py)?);
        let at = found
            .iter()
            .position(|o| ty.is_subclass(&o.arg.get_type()).unwrap_or(false))
            .unwrap_or(found.len());
        found.insert(at, Override { arg, method, is_default });
    }
    Ok(found)
}

/// `ndarray.__array_function__`
fn default_method(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the type is ready before any dispatcher is called.
    let ty = unsafe { types::handle(py, ARRAY_TYPE.as_type()) };
    ty.cast_into::<PyType>()?.getattr(intern!(py, "__array_function__"))
}

/// Dispatch a C-level creation function with `like=`: `Some(result)` when an override took the call.
/// `args` and the keywords are passed on without `like`.
pub fn creation_with_like<'py>(
    function_name: &str,
    like: &Bound<'py, PyAny>,
    args: Args<'_, 'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = like.py();
    let found = implementing_args(PyTuple::new(py, [like])?.as_any())?;
    let Some(first) = found.first() else { return Err(like_error()) };
    if first.is_default {
        return Ok(None);
    }
    // The public function is the dispatcher of that name in `numpy`.
    let public_api = py.import(intern!(py, "numpy"))?.getattr(function_name)?;
    let (tuple, dict) = args.to_tuple_dict()?;
    if dict.contains(intern!(py, "like"))? {
        dict.del_item(intern!(py, "like"))?;
    }
    call_overrides(&public_api, &found, &tuple, &dict).map(Some)
}

/// `_get_implementing_args(relevant_args)`
pub fn get_implementing_args<'py>(
    _module: &Bound<'py, PyAny>,
    relevant: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = relevant.py();
    // SAFETY: live object.
    let seq = unsafe {
        owned(
            py,
            pyffi::PySequence_Fast(
                relevant.as_ptr(),
                c"dispatcher for __array_function__ did not return an iterable".as_ptr(),
            ),
        )
    }?;
    let found = implementing_args(&seq)?;
    Ok(PyList::new(py, found.into_iter().map(|o| o.arg))?.into_any())
}
