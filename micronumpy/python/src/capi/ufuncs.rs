//! Making ufuncs of compiled loops, and adding loops to ufuncs.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use micronumpy::TypeNum;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi::PyObject;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use ufuncs::fpstatus;

use super::{Slot, given};
use crate::abi::*;
use crate::ffi::guard;
use crate::ffi::import::cached;
use crate::objects::Descr;
use crate::objects::array::args::casting_text;
use crate::objects::dtype::DtypeClass;
use crate::objects::ufunc::{self, UfuncRef, compiled, dispatch};

pub static SLOTS: &[Slot] = &[
    Slot(1, PyUFunc_FromFuncAndData as *const ()),
    Slot(2, PyUFunc_RegisterLoopForType as *const ()),
    Slot(27, PyUFunc_clearfperr as *const ()),
    Slot(28, PyUFunc_getfperr as *const ()),
    Slot(30, PyUFunc_ReplaceLoopBySignature as *const ()),
    Slot(31, PyUFunc_FromFuncAndDataAndSignature as *const ()),
    Slot(39, PyUFunc_DefaultTypeResolver as *const ()),
    Slot(40, PyUFunc_ValidateCasting as *const ()),
    Slot(41, PyUFunc_RegisterLoopForDescr as *const ()),
    Slot(42, PyUFunc_FromFuncAndDataAndSignatureAndIdentity as *const ()),
    Slot(43, PyUFunc_AddLoopFromSpec as *const ()),
    Slot(44, PyUFunc_AddPromoter as *const ()),
    Slot(45, PyUFunc_AddWrappingLoop as *const ()),
    Slot(46, PyUFunc_GiveFloatingpointErrors as *const ()),
    Slot(47, PyUFunc_AddLoopsFromSpecs as *const ()),
];

/// The handle of a ufunc that C passed.
///
/// # Safety
/// A live object.
unsafe fn ufunc_of<'py, T>(py: Python<'py>, ptr: *mut T) -> PyResult<UfuncRef<'py>> {
    // SAFETY: the caller's promise.
    let obj = unsafe { Bound::from_borrowed_ptr(py, ptr.cast::<PyObject>()) };
    UfuncRef::cast(&obj).ok_or_else(|| PyTypeError::new_err("ufunc object passed is not a ufunc!"))
}

fn make(spec: &compiled::Spec) -> *mut PyObject {
    // SAFETY: the C API's contract.
    guard(|py| Ok(unsafe { compiled::from_functions(py, spec)? }.0.into_ptr()))
}

unsafe extern "C" fn PyUFunc_FromFuncAndData(
    functions: *mut PyUFuncGenericFunction,
    data: *const *mut c_void,
    types: *const c_char,
    ntypes: c_int,
    nin: c_int,
    nout: c_int,
    identity: c_int,
    name: *const c_char,
    doc: *const c_char,
    _: c_int,
) -> *mut PyObject {
    let (signature, identity_value) = (null(), null_mut());
    make(&compiled::Spec {
        functions,
        data,
        types,
        ntypes,
        nin,
        nout,
        identity,
        name,
        doc,
        signature,
        identity_value,
    })
}

unsafe extern "C" fn PyUFunc_FromFuncAndDataAndSignature(
    functions: *mut PyUFuncGenericFunction,
    data: *const *mut c_void,
    types: *const c_char,
    ntypes: c_int,
    nin: c_int,
    nout: c_int,
    identity: c_int,
    name: *const c_char,
    doc: *const c_char,
    _: c_int,
    signature: *const c_char,
) -> *mut PyObject {
    let identity_value = null_mut();
    make(&compiled::Spec {
        functions,
        data,
        types,
        ntypes,
        nin,
        nout,
        identity,
        name,
        doc,
        signature,
        identity_value,
    })
}

unsafe extern "C" fn PyUFunc_FromFuncAndDataAndSignatureAndIdentity(
    functions: *mut PyUFuncGenericFunction,
    data: *const *mut c_void,
    types: *const c_char,
    ntypes: c_int,
    nin: c_int,
    nout: c_int,
    identity: c_int,
    name: *const c_char,
    doc: *const c_char,
    _: c_int,
    signature: *const c_char,
    identity_value: *mut PyObject,
) -> *mut PyObject {
    let identity_value = if identity == PyUFunc_IdentityValue { identity_value } else { null_mut() };
    make(&compiled::Spec {
        functions,
        data,
        types,
        ntypes,
        nin,
        nout,
        identity,
        name,
        doc,
        signature,
        identity_value,
    })
}

unsafe extern "C" fn PyUFunc_RegisterLoopForType(
    ufunc: *mut PyUFuncObject,
    user: c_int,
    function: PyUFuncGenericFunction,
    types: *const c_int,
    data: *mut c_void,
) -> c_int {
    guard(|py| {
        // SAFETY: a live object.
        let uf = unsafe { ufunc_of(py, ufunc)? };
        let function = function.ok_or_else(|| PyValueError::new_err("no loop given"))?;
        // SAFETY: null or a type number per operand.
        let types =
            (!types.is_null()).then(|| (0..uf.nargs()).map(|i| TypeNum(unsafe { *types.add(i) })).collect());
        compiled::add_for_type(&uf, TypeNum(user), function, types, data)?;
        Ok(0)
    })
}

unsafe extern "C" fn PyUFunc_ReplaceLoopBySignature(
    ufunc: *mut PyUFuncObject,
    function: PyUFuncGenericFunction,
    types: *const c_int,
    old: *mut PyUFuncGenericFunction,
) -> c_int {
    guard(|py| {
        // SAFETY: the C API's contract: a live object, a type number per operand, null or room for a function.
        unsafe {
            let uf = ufunc_of(py, ufunc)?;
            compiled::take_added(&uf);
            let function = function.ok_or_else(|| PyValueError::new_err("no loop given"))?;
            let types: Vec<TypeNum> = (0..uf.nargs()).map(|i| TypeNum(*types.add(i))).collect();
            // That there is no such loop is told without an exception.
            let Some(before) = compiled::replace(&uf, function, &types)? else { return Ok(-1) };
            if !old.is_null() {
                *old = Some(before);
            }
        }
        Ok(0)
    })
}

unsafe extern "C" fn PyUFunc_RegisterLoopForDescr(
    ufunc: *mut PyUFuncObject,
    user: *mut PyArray_Descr,
    function: PyUFuncGenericFunction,
    descrs: *mut *mut PyArray_Descr,
    data: *mut c_void,
) -> c_int {
    guard(|py| {
        // SAFETY: live objects.
        let (uf, user) = unsafe { (ufunc_of(py, ufunc)?, Descr(Bound::from_borrowed_ptr(py, user.cast()))) };
        let function = function.ok_or_else(|| PyValueError::new_err("no loop given"))?;
        let one = |i: usize| {
            // SAFETY: a descriptor per operand.
            Descr(unsafe { Bound::from_borrowed_ptr(py, (*descrs.add(i)).cast()) })
        };
        let descrs = (!descrs.is_null()).then(|| (0..uf.nargs()).map(one).collect());
        compiled::add_for_descr(&uf, &user, function, descrs, data)?;
        Ok(0)
    })
}

unsafe extern "C" fn PyUFunc_AddLoopFromSpec(ufunc: *mut PyObject, spec: *mut PyArrayMethod_Spec) -> c_int {
    // SAFETY: the C API's contract.
    guard(|py| unsafe { dispatch::add_loop(&ufunc_of(py, ufunc)?, spec) }.map(|()| 0))
}

/// `PyUFunc_LoopSlot`
#[repr(C)]
pub struct LoopSlot {
    name: *const c_char,
    spec: *mut PyArrayMethod_Spec,
}

/// A loop for each named ufunc: `name` of numpy's own, or `module:name`. The list ends with a null name.
unsafe extern "C" fn PyUFunc_AddLoopsFromSpecs(slots: *const LoopSlot) -> c_int {
    guard(|py| {
        let mut at = slots;
        // SAFETY: the C API's contract: a list that ends.
        unsafe {
            while !(*at).name.is_null() {
                let name = CStr::from_ptr((*at).name).to_string_lossy();
                let (module, attr) = name.split_once(':').unwrap_or(("numpy", &name));
                let ufunc = py.import(module)?.getattr(attr)?;
                let uf = UfuncRef::cast(&ufunc)
                    .ok_or_else(|| PyTypeError::new_err(format!("{} was not a ufunc!", name)))?;
                dispatch::add_loop(&uf, (*at).spec)?;
                at = at.add(1);
            }
        }
        Ok(0)
    })
}

/// The dtypes of a call with these operands; the descriptors are new references.
unsafe extern "C" fn PyUFunc_DefaultTypeResolver(
    ufunc: *mut PyUFuncObject,
    casting: c_int,
    operands: *mut *mut PyObject,
    type_tuple: *mut PyObject,
    out: *mut *mut PyArray_Descr,
) -> c_int {
    guard(|py| {
        // SAFETY: the C API's contract: an operand (null for outputs to be made) and a place each.
        unsafe {
            let uf = ufunc_of(py, ufunc)?;
            let dtypes = (0..uf.nargs())
                .map(|i| match given::optional(py, *operands.add(i)) {
                    Some(arr) => arr.getattr("dtype"),
                    None => Ok(py.None().into_bound(py)),
                })
                .collect::<PyResult<Vec<_>>>()?;
            let options = PyDict::new(py);
            options.set_item("casting", casting_text(given::casting(casting)?))?;
            if let Some(signature) = given::optional(py, type_tuple).filter(|t| !t.is_none()) {
                options.set_item("signature", signature)?;
            }
            let found = uf.0.call_method("resolve_dtypes", (PyTuple::new(py, dtypes)?,), Some(&options))?;
            for i in 0..uf.nargs() {
                *out.add(i) = given::raw(found.get_item(i)?);
            }
        }
        Ok(0)
    })
}

/// Whether operands may be cast to the dtypes of a loop, and its results to the outputs.
unsafe extern "C" fn PyUFunc_ValidateCasting(
    ufunc: *mut PyUFuncObject,
    casting: c_int,
    operands: *mut *mut PyArrayObject,
    dtypes: *const *mut PyArray_Descr,
) -> c_int {
    guard(|py| {
        // SAFETY: the C API's contract: an operand (null for outputs to be made) and a descriptor each.
        unsafe {
            let uf = ufunc_of(py, ufunc)?;
            let level = given::casting(casting)?;
            for i in 0..uf.nargs() {
                if (*operands.add(i)).is_null() {
                    continue;
                }
                let own = given::array(py, *operands.add(i))?.descr();
                let of_loop = given::descr(py, *dtypes.add(i));
                let (error, at, from, to) = match i.checked_sub(uf.nin()) {
                    None => ("_UFuncInputCastingError", i, own, of_loop),
                    Some(at) => ("_UFuncOutputCastingError", at, of_loop, own),
                };
                if !micronumpy::cast::can_cast(from.dtype(), to.dtype(), level) {
                    let class = cached(py, "numpy._core._exceptions", error)?;
                    let args = (uf.0.clone(), casting_text(level), from.0, to.0, at);
                    return Err(PyErr::from_value(class.call1(args)?));
                }
            }
        }
        Ok(0)
    })
}

unsafe extern "C" fn PyUFunc_AddPromoter(
    ufunc: *mut PyObject,
    dtypes: *mut PyObject,
    promoter: *mut PyObject,
) -> c_int {
    guard(|py| {
        // SAFETY: live objects.
        let (uf, dtypes, promoter) = unsafe {
            let dtypes = Bound::from_borrowed_ptr(py, dtypes);
            (ufunc_of(py, ufunc)?, dtypes, Bound::from_borrowed_ptr(py, promoter))
        };
        dispatch::add_promoter(&uf, &dtypes, &promoter).map(|()| 0)
    })
}

unsafe extern "C" fn PyUFunc_AddWrappingLoop(
    ufunc: *mut PyObject,
    new: *mut *mut PyArray_DTypeMeta,
    wrapped: *mut *mut PyArray_DTypeMeta,
    translate_given: Option<TranslateGivenDescriptors>,
    translate_loop: Option<TranslateLoopDescriptors>,
) -> c_int {
    guard(|py| {
        // SAFETY: a live object.
        let uf = unsafe { ufunc_of(py, ufunc)? };
        let (Some(given), Some(loops)) = (translate_given, translate_loop) else {
            return Err(PyValueError::new_err("a wrapping loop needs both translations"));
        };
        let list = |classes: *mut *mut PyArray_DTypeMeta| -> PyResult<Vec<DtypeClass<'_>>> {
            (0..uf.nargs())
                // SAFETY: a class per operand.
                .map(|i| unsafe { DtypeClass::from_ptr(py, *classes.add(i)) })
                .map(|c| c.ok_or_else(|| PyTypeError::new_err("Provided object is not a DType")))
                .collect()
        };
        dispatch::add_wrapping_loop(&uf, &list(new)?, &list(wrapped)?, given, loops).map(|()| 0)
    })
}

extern "C" fn PyUFunc_clearfperr() {
    fpstatus::clear();
}

extern "C" fn PyUFunc_getfperr() -> c_int {
    fpstatus::take() as c_int
}

unsafe extern "C" fn PyUFunc_GiveFloatingpointErrors(name: *const c_char, status: c_int) -> c_int {
    guard(|py| {
        // SAFETY: a C string.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        ufunc::report_fp_status(py, &name, status as u8).map(|()| 0)
    })
}
