//! `_ScaledFloatTestDType`: a float times a factor that belongs to the dtype. numpy's tests exercise user DTypes with it.
//!
//! It is written on the interface compiled extensions have (`dtype_api.h`), so that this interface is tested without a
//! compiler: a class completed by `init_from_spec`, casts and loops described by specifications.

mod casts;
mod loops;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::{offset_of, size_of};
use std::sync::OnceLock;

use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyString, PyTuple};

use crate::abi::*;
use crate::ffi::guard;
use crate::ffi::methods::{END, Methods};
use crate::ffi::types;
use crate::objects::Descr;
use crate::objects::dtype::DtypeClass;
use crate::objects::dtype::{class, classes, lossy};
use crate::{callfunc, noargs, onearg, unaryfunc};

type Obj<'py> = Bound<'py, PyAny>;

static CLASS: StaticType<PyArray_DTypeMeta> = StaticType::zeroed();

/// A descriptor: the factor follows the head.
#[repr(C)]
struct SfloatDescr {
    head: PyArray_Descr,
    scaling: f64,
}

const _: () = assert!(offset_of!(SfloatDescr, scaling) == 88 && size_of::<SfloatDescr>() == 96);

static METHODS: Methods<4> = Methods::new([
    onearg!(c"scaled_by", scaled_by),
    noargs!(c"get_scaling", get_scaling),
    noargs!(c"__reduce__", reduce),
    END,
]);

/// `_get_sfloat_dtype()`: the class, made at the first call.
pub fn get_sfloat_dtype<'py>(module: &Obj<'py>) -> PyResult<Obj<'py>> {
    static READY: OnceLock<()> = OnceLock::new();
    let py = module.py();
    if READY.get().is_none() {
        init(py)?;
        let _ = READY.set(());
    }
    // SAFETY: ready.
    Ok(unsafe { types::handle(py, CLASS.as_type()) })
}

fn init(py: Python<'_>) -> PyResult<()> {
    let slot = |slot: c_int, pfunc: *const ()| ffi::PyType_Slot { slot, pfunc: pfunc.cast_mut().cast() };
    let mut slots = [
        slot(NPY_DT_DISCOVER_DESCR_FROM_PYOBJECT, discover as DiscoverDescr as *const ()),
        slot(NPY_DT_IS_KNOWN_SCALAR_TYPE, is_known_scalar_type as IsKnownScalarType as *const ()),
        slot(NPY_DT_DEFAULT_DESCR, default_descr as DefaultDescr as *const ()),
        slot(NPY_DT_COMMON_DTYPE, common_dtype as CommonDType as *const ()),
        slot(NPY_DT_COMMON_INSTANCE, common_instance as CommonInstance as *const ()),
        slot(NPY_DT_ENSURE_CANONICAL, ensure_canonical as EnsureCanonical as *const ()),
        slot(NPY_DT_SETITEM, setitem as SetItem as *const ()),
        slot(NPY_DT_GETITEM, getitem as GetItem as *const ()),
        slot(NPY_DT_ARRFUNCS_OFFSET + 5, compare as PyArray_CompareFunc as *const ()),
        slot(0, std::ptr::null()),
    ];
    // SAFETY: the class is zeroed and not in use yet; specifications outlive the calls that read them.
    unsafe {
        let ty = CLASS.as_type();
        let scalar = std::ptr::null_mut();
        let root = crate::objects::dtype::DESCR_TYPE.as_type();
        classes::prepare(
            CLASS.get(),
            c"numpy._ScaledFloatTestDType",
            root,
            size_of::<SfloatDescr>(),
            0,
            -1,
            scalar,
        );
        (*ty).tp_new = Some(callfunc!(new new));
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_str = Some(unaryfunc!(repr));
        (*ty).tp_methods = METHODS.as_ptr();
        casts::with_specs(|casts| {
            let spec = PyArrayDTypeMeta_Spec {
                typeobj: scalar,
                flags: (NPY_DT_PARAMETRIC | NPY_DT_NUMERIC) as c_int,
                casts,
                slots: slots.as_mut_ptr(),
                baseclass: std::ptr::null_mut(),
            };
            class::init_from_spec(py, CLASS.get(), &raw const spec)
        })?;
    }
    loops::register(py)
}

/// The factor of a descriptor.
///
/// # Safety
/// `descr` is a descriptor of the class.
unsafe fn scaling_of(descr: *const PyArray_Descr) -> f64 {
    // SAFETY: the caller's promise.
    unsafe { (*descr.cast::<SfloatDescr>()).scaling }
}

/// A new descriptor.
fn make(py: Python<'_>, scaling: f64) -> PyResult<Descr<'_>> {
    // SAFETY: the class is ready; a fresh descriptor nobody else has seen.
    unsafe {
        let class = DtypeClass(types::handle(py, CLASS.as_type()));
        let size = size_of::<f64>() as isize;
        let descr = class::alloc(&class, size, align_of::<f64>() as isize)?;
        (*descr.cast::<SfloatDescr>()).scaling = scaling;
        Ok(Descr(Bound::from_owned_ptr(py, descr.cast())))
    }
}

fn make_raw(py: Python<'_>, scaling: f64) -> PyResult<*mut PyArray_Descr> {
    Ok(make(py, scaling)?.0.into_ptr().cast())
}

fn own_scaling(slf: &Obj<'_>) -> f64 {
    // SAFETY: only reached on instances of the class.
    unsafe { scaling_of(slf.as_ptr().cast()) }
}

fn new<'py>(cls: &Obj<'py>, args: &Obj<'py>, kwargs: Option<&Obj<'py>>) -> PyResult<Obj<'py>> {
    let args: &Bound<'py, PyTuple> = args.cast()?;
    let given = args.len() + kwargs.map_or(Ok(0), |k| k.len())?;
    if given > 1 {
        return Err(PyTypeError::new_err(format!(
            "_ScaledFloatTestDType() takes at most 1 argument ({given} given)"
        )));
    }
    let mut scaling = args.iter().next();
    if let Some(kwargs) = kwargs {
        for (key, value) in kwargs.cast::<PyDict>()?.iter() {
            let key = lossy(&key);
            if key != "scaling" {
                return Err(PyTypeError::new_err(format!(
                    "'{key}' is an invalid keyword argument for _ScaledFloatTestDType()"
                )));
            }
            scaling = Some(value);
        }
    }
    let scaling = scaling.map_or(Ok(1.0), |v| v.extract::<f64>())?;
    Ok(make(cls.py(), scaling)?.0)
}

fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let scaling = PyFloat::new(slf.py(), own_scaling(slf)).repr()?;
    let text = format!("_ScaledFloatTestDType(scaling={})", scaling.to_string_lossy());
    Ok(PyString::new(slf.py(), &text).into_any())
}

fn scaled_by<'py>(slf: &Obj<'py>, factor: &Obj<'py>) -> PyResult<Obj<'py>> {
    let Ok(factor) = factor.cast_exact::<PyFloat>() else {
        return Err(PyTypeError::new_err("Scaling factor must be a python float."));
    };
    Ok(make(slf.py(), own_scaling(slf) * factor.value())?.0)
}

fn get_scaling<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok(PyFloat::new(slf.py(), own_scaling(slf)).into_any())
}

fn reduce<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    Ok((slf.get_type(), (own_scaling(slf),)).into_pyobject(slf.py())?.into_any())
}

unsafe extern "C" fn discover(_: *mut PyArray_DTypeMeta, _: *mut ffi::PyObject) -> *mut PyArray_Descr {
    guard(|py| make_raw(py, 1.0))
}

unsafe extern "C" fn is_known_scalar_type(_: *mut PyArray_DTypeMeta, ty: *mut ffi::PyTypeObject) -> c_int {
    c_int::from(ty == &raw mut ffi::PyFloat_Type)
}

unsafe extern "C" fn default_descr(_: *mut PyArray_DTypeMeta) -> *mut PyArray_Descr {
    guard(|py| make_raw(py, 1.0))
}

/// Doubles become scaled floats, nothing else does.
unsafe extern "C" fn common_dtype(
    cls: *mut PyArray_DTypeMeta,
    other: *mut PyArray_DTypeMeta,
) -> *mut PyArray_DTypeMeta {
    // SAFETY: live classes; a new reference is returned.
    unsafe {
        let double = classes::CLASSES[micronumpy::TypeNum::DOUBLE.0 as usize].get();
        let answer: *mut ffi::PyObject = if other == double { cls.cast() } else { ffi::Py_NotImplemented() };
        ffi::Py_INCREF(answer);
        answer.cast()
    }
}

/// The larger factor wins.
unsafe extern "C" fn common_instance(a: *mut PyArray_Descr, b: *mut PyArray_Descr) -> *mut PyArray_Descr {
    // SAFETY: two descriptors of the class; a new reference is returned.
    unsafe {
        let winner = if scaling_of(a) >= scaling_of(b) { a } else { b };
        ffi::Py_INCREF(winner.cast());
        winner
    }
}

unsafe extern "C" fn ensure_canonical(descr: *mut PyArray_Descr) -> *mut PyArray_Descr {
    // SAFETY: a live descriptor; a new reference is returned.
    unsafe { ffi::Py_INCREF(descr.cast()) };
    descr
}

unsafe extern "C" fn getitem(descr: *mut PyArray_Descr, data: *mut c_char) -> *mut ffi::PyObject {
    // SAFETY: one element of the descriptor, at any address.
    let value = unsafe { data.cast::<f64>().read_unaligned() * scaling_of(descr) };
    guard(|py| Ok(PyFloat::new(py, value).into_any().into_ptr()))
}

unsafe extern "C" fn setitem(descr: *mut PyArray_Descr, obj: *mut ffi::PyObject, data: *mut c_char) -> c_int {
    guard(|py| {
        // SAFETY: a live object; one element of the descriptor, at any address.
        unsafe {
            let obj = Bound::from_borrowed_ptr(py, obj);
            let Ok(value) = obj.cast_exact::<PyFloat>() else {
                return Err(PyNotImplementedError::new_err("Currently only accepts floats"));
            };
            data.cast::<f64>().write_unaligned(value.value() / scaling_of(descr));
        }
        Ok(0)
    })
}

/// The order of the stored values: that of the floats, unless the factor is negative, as in numpy.
unsafe extern "C" fn compare(a: *const c_void, b: *const c_void, _: *mut c_void) -> c_int {
    // SAFETY: two elements, at any address.
    let (a, b) = unsafe { (a.cast::<f64>().read_unaligned(), b.cast::<f64>().read_unaligned()) };
    match a.partial_cmp(&b) {
        Some(order) => order as c_int,
        // NaN goes last.
        None => c_int::from(a.is_nan()) - c_int::from(b.is_nan()),
    }
}

/// A specification without DTypes and functions, to be completed.
fn spec(name: &'static CStr, nin: c_int, nout: c_int, casting: c_int, flags: c_int) -> PyArrayMethod_Spec {
    PyArrayMethod_Spec {
        name: name.as_ptr(),
        nin,
        nout,
        casting,
        flags,
        dtypes: std::ptr::null_mut(),
        slots: std::ptr::null_mut(),
    }
}
