//! `numpy._BoundArrayMethod`: a method together with the DTypes it was found for, as numpy's tests look at casts.

use std::ffi::c_int;
use std::mem::size_of;

use micronumpy::ArrayRef;
use micronumpy::cast::Transfer;
use micronumpy::iter::PerOp;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};
use ufuncs::fpstatus;

use super::{Kind, MethodRef, NPY_METH_SUPPORTS_UNALIGNED, Resolved, level_of};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::guard::owned;
use crate::ffi::methods::{END, GETSET_END, GetSets, Methods};
use crate::ffi::types;
use crate::objects::array::assign::check_writeable;
use crate::objects::dtype::class::DtypeClass;
use crate::objects::{Array, Descr, ufunc};
use crate::{getset, onearg, unaryfunc};

type Obj<'py> = Bound<'py, PyAny>;

static BOUND_TYPE: StaticType = StaticType::zeroed();

#[repr(C)]
struct BoundObject {
    head: ffi::PyObject,
    /// A tuple of the DTypes.
    dtypes: *mut ffi::PyObject,
    method: *mut ffi::PyObject,
}

static METHODS: Methods<3> = Methods::new([
    onearg!(c"_resolve_descriptors", resolve_descriptors),
    onearg!(c"_simple_strided_call", simple_strided_call),
    END,
]);
static GETSETS: GetSets<2> = GetSets::new([getset!(c"_supports_unaligned", supports_unaligned), GETSET_END]);

pub(super) fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: static, not in use yet.
    unsafe {
        let ty = BOUND_TYPE.as_type();
        types::prepare(
            ty,
            c"numpy._BoundArrayMethod",
            size_of::<BoundObject>(),
            ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION,
        );
        (*ty).tp_dealloc = Some(dealloc);
        (*ty).tp_repr = Some(unaryfunc!(repr));
        (*ty).tp_methods = METHODS.as_ptr();
        (*ty).tp_getset = GETSETS.as_ptr();
        types::ready(py, ty)
    }
}

unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; both fields are owned.
    unsafe {
        let own = slf.cast::<BoundObject>();
        ffi::Py_XDECREF((*own).dtypes);
        ffi::Py_XDECREF((*own).method);
        if let Some(free) = (*ffi::Py_TYPE(slf)).tp_free {
            free(slf.cast());
        }
    }
}

/// Bind a method to the DTypes it was found for.
pub fn bind<'py>(method: MethodRef<'py>, classes: &[DtypeClass<'py>]) -> PyResult<Obj<'py>> {
    let py = method.py();
    let dtypes = PyTuple::new(py, classes.iter().map(|c| &c.0))?;
    // SAFETY: a fresh object of a ready type, filled before anybody sees it.
    unsafe {
        let obj = owned(py, ffi::PyType_GenericAlloc(BOUND_TYPE.as_type(), 0))?;
        let own = obj.as_ptr().cast::<BoundObject>();
        (*own).dtypes = dtypes.into_ptr();
        (*own).method = method.0.into_ptr();
        Ok(obj)
    }
}

fn method_of<'py>(slf: &Obj<'py>) -> MethodRef<'py> {
    // SAFETY: only reached on instances, which own their method.
    MethodRef(unsafe { Bound::from_borrowed_ptr(slf.py(), (*slf.as_ptr().cast::<BoundObject>()).method) })
}

fn dtypes_of<'py>(slf: &Obj<'py>) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: as above.
    let tuple = unsafe { Bound::from_borrowed_ptr(slf.py(), (*slf.as_ptr().cast::<BoundObject>()).dtypes) };
    Ok(tuple.cast_into()?)
}

fn classes_of<'py>(slf: &Obj<'py>) -> PyResult<Vec<DtypeClass<'py>>> {
    Ok(dtypes_of(slf)?.iter().filter_map(|c| DtypeClass::cast(&c)).collect())
}

fn repr<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let name = method_of(slf).method().name.to_string_lossy().into_owned();
    let dtypes = dtypes_of(slf)?.repr()?;
    let text = format!("<np._BoundArrayMethod `{name}` for dtypes {}>", dtypes.to_string_lossy());
    Ok(PyString::new(slf.py(), &text).into_any())
}

fn supports_unaligned<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let flag = method_of(slf).method().flags & NPY_METH_SUPPORTS_UNALIGNED != 0;
    Ok(PyBool::new(slf.py(), flag).to_owned().into_any())
}

/// One thing per operand, or a complaint.
fn operands<'py>(
    arg: &Obj<'py>,
    method: &MethodRef<'py>,
    name: &str,
    of: &str,
) -> PyResult<Bound<'py, PyTuple>> {
    let m = method.method();
    let tuple = arg.cast::<PyTuple>().ok().filter(|t| t.len() == m.nin + m.nout);
    tuple.cloned().ok_or_else(|| {
        PyTypeError::new_err(format!(
            "{name}() takes exactly one tuple with as many {of} as the method takes arguments ({}+{}).",
            m.nin, m.nout
        ))
    })
}

fn check_class(descr: &Descr<'_>, class: &DtypeClass<'_>) -> PyResult<()> {
    if class.is_class_of(descr) {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "input dtype {} was not an exact instance of the bound DType class {}.",
        descr.0.str()?.to_string_lossy(),
        class.0.str()?.to_string_lossy()
    )))
}

/// `_resolve_descriptors(tuple)`: level, dtypes of the loop, view offset.
fn resolve_descriptors<'py>(slf: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let method = method_of(slf);
    let classes = classes_of(slf)?;
    let tuple = operands(arg, &method, "_resolve_descriptors", "elements")?;
    let mut given = vec![];
    for (i, (item, class)) in tuple.iter().zip(&classes).enumerate() {
        if item.is_none() {
            if i < method.method().nin {
                return Err(PyTypeError::new_err("only output dtypes may be omitted (set to None)."));
            }
            given.push(None);
            continue;
        }
        let Some(descr) = Descr::cast(&item) else {
            return Err(PyTypeError::new_err("dtype tuple can only contain dtype instances or None."));
        };
        check_class(&descr, class)?;
        given.push(Some(descr));
    }
    let none = || py.None().into_bound(py);
    let (casting, descrs, view) = match method.resolve(&classes, &given)? {
        Some(r) => {
            let m = method.method();
            if m.casting >= 0 && r.level() > level_of(m.casting) {
                return Err(PyRuntimeError::new_err(format!(
                    "resolve_descriptors cast level did not match stored one. (set level is {}, got {} for method {})",
                    m.casting,
                    r.casting,
                    m.name.to_string_lossy()
                )));
            }
            let view = match r.view_offset {
                Some(offset) => offset.into_pyobject(py)?.into_any(),
                None => none(),
            };
            (r.casting, PyTuple::new(py, r.descrs.iter().map(|d| &d.0))?.into_any(), view)
        }
        None => (-1 as c_int, none(), none()),
    };
    Ok((casting, descrs, view).into_pyobject(py)?.into_any())
}

/// `_simple_strided_call(tuple)`: run the loop once over one-dimensional arrays that are exactly what it wants.
fn simple_strided_call<'py>(slf: &Obj<'py>, arg: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let method = method_of(slf);
    let classes = classes_of(slf)?;
    let tuple = operands(arg, &method, "_simple_strided_call", "arrays")?;
    let mut arrays: Vec<Array<'py>> = vec![];
    for (i, (item, class)) in tuple.iter().zip(&classes).enumerate() {
        let Some(arr) = Array::cast(&item).filter(Array::is_exact) else {
            return Err(PyTypeError::new_err("All inputs must be NumPy arrays."));
        };
        check_class(&arr.descr(), class)?;
        if arr.ndim() != 1 {
            return Err(PyValueError::new_err("All arrays must be one dimensional."));
        }
        if arrays.first().is_some_and(|first| first.size() != arr.size()) {
            return Err(PyValueError::new_err("All arrays must have the same length."));
        }
        if i >= method.method().nin {
            check_writeable(&arr, "_simple_strided_call() output")?;
        }
        arrays.push(arr);
    }
    let given: Vec<Option<Descr<'py>>> = arrays.iter().map(|a| Some(a.descr())).collect();
    let Some(found) = method.resolve(&classes, &given)? else {
        return Err(PyTypeError::new_err("cannot perform method call with the given dtypes."));
    };
    if found.descrs.iter().zip(&arrays).any(|(d, a)| !d.0.is(&a.descr().0)) {
        return Err(PyTypeError::new_err(
            "_simple_strided_call(): requires dtypes to not require a cast (must match exactly with \
             `_resolve_descriptors()`).",
        ));
    }
    let unaligned = arrays.iter().any(|a| !a.view().is_aligned());
    if unaligned && method.method().flags & NPY_METH_SUPPORTS_UNALIGNED == 0 {
        return Err(PyValueError::new_err(
            "_simple_strided_call(): method does not support unaligned input.",
        ));
    }
    run(&method, &found, &arrays, !unaligned)?;
    Ok(py.None().into_bound(py))
}

fn run<'py>(
    method: &MethodRef<'py>,
    found: &Resolved<'py>,
    arrays: &[Array<'py>],
    aligned: bool,
) -> PyResult<()> {
    let py = method.py();
    let n = arrays.first().map_or(0, Array::size);
    let views: PerOp<ArrayRef<'_>> = arrays.iter().map(Array::view).collect();
    let strides: PerOp<isize> = arrays.iter().map(|a| a.strides()[0]).collect();
    fpstatus::clear();
    if let Kind::Builtin = method.method().kind {
        let transfer = Transfer::new(views[0].dtype, views[1].dtype, aligned).py(py)?;
        // SAFETY: both arrays have `n` elements at these strides and the alignment was looked at.
        unsafe { transfer.run(views[0].data, strides[0], views[1].data, strides[1], n) }.py(py)?;
    } else {
        let strided = method.get_loop(&found.descrs, std::ptr::null_mut(), aligned, &strides)?;
        let raw: PerOp<*mut PyArray_Descr> = found.descrs.iter().map(Descr::raw).collect();
        let context = method.context(std::ptr::null_mut(), raw.as_ptr());
        let data: PerOp<*mut u8> = views.iter().map(|v| v.data).collect();
        let dims = [n as isize];
        // SAFETY: as above; the descriptors are what the loop was made for.
        let code = unsafe {
            (strided.func)(&context, data.as_ptr(), dims.as_ptr(), strides.as_ptr(), strided.aux.ptr())
        };
        if code < 0 {
            return Err(PyErr::fetch(py));
        }
    }
    ufunc::report_fp_status(py, "cast", fpstatus::take() as u8)
}
