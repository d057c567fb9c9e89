//! Methods of arrays, as numpy calls them (NEP 43): a loop between given DTypes together with what decides the dtypes it
//! runs on. Casts are methods, and so are the ufunc loops of user DTypes.
//!
//! A method is one of three things: a cast the object space knows, functions of compiled code described by a
//! `PyArrayMethod_Spec`, or another method dressed up for different DTypes. All answer the same two questions,
//! [`MethodRef::resolve`] and [`MethodRef::get_loop`].

pub mod bound;
pub mod casts;

use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::size_of;
use std::ptr::{null, null_mut};

use micronumpy::iter::PerOp;
use micronumpy::vstring::loops::{self as strings, StringLoop};
use micronumpy::{Casting, Dtype};
use pyo3::exceptions::{PySystemError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::{LoopContext, LoopFlags, LoopFn};

use super::dtype::class::DtypeClass;
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::ffi::guard::{guard, owned};
use crate::ffi::types;
use crate::objects::{Descr, dtype};

pub static METHOD_TYPE: StaticType = StaticType::zeroed();

/// The flag numpy adds to a level when the loop can check that values survive.
pub const SAME_VALUE: c_int = 64;

/// `numpy._ArrayMethod`
#[repr(C)]
struct MethodObject {
    head: ffi::PyObject,
    method: *mut Method,
}

/// What a method is.
pub struct Method {
    pub name: CString,
    pub nin: usize,
    pub nout: usize,
    /// The strictest level the method can have; -1 when that depends on the dtypes.
    pub casting: c_int,
    pub flags: c_int,
    pub kind: Kind,
}

pub enum Kind {
    /// A cast between builtin classes.
    Builtin,
    Compiled(Compiled),
    Wrapping(Wrapping),
    /// A ufunc loop over variable-width strings.
    Strings(&'static StringLoop),
    /// A cast by a function from before there were methods.
    Old(PyArray_VectorUnaryFunc),
}

/// Functions of compiled code; null slots have defaults.
#[derive(Default)]
pub struct Compiled {
    pub resolve: Option<ResolveDescriptors>,
    pub get_loop: Option<GetLoop>,
    pub reduction_initial: Option<GetReductionInitial>,
    pub strided: Option<StridedLoop>,
    pub contiguous: Option<StridedLoop>,
    pub unaligned_strided: Option<StridedLoop>,
    pub unaligned_contiguous: Option<StridedLoop>,
    /// `ufunc.at` of a row and a list of positions.
    pub indexed: Option<StridedLoop>,
}

/// A loop for other DTypes, with the translation of descriptors there and back.
pub struct Wrapping {
    pub inner: Inner,
    pub wrapped: Vec<*mut PyArray_DTypeMeta>,
    pub translate_given: TranslateGivenDescriptors,
    pub translate_loop: TranslateLoopDescriptors,
}

/// What a wrapping method runs.
pub enum Inner {
    Method(Py<PyAny>),
    /// A loop of the ufunc itself over builtin types.
    Plain(ufuncs::LoopDef),
}

/// What [`MethodRef::resolve`] finds.
pub struct Resolved<'py> {
    pub descrs: PerOp<Descr<'py>>,
    /// The level with its flags.
    pub casting: c_int,
    pub view_offset: Option<isize>,
}

impl Resolved<'_> {
    pub fn level(&self) -> Casting {
        level_of(self.casting)
    }
}

/// The level in a number of compiled code.
pub fn level_of(casting: c_int) -> Casting {
    match casting & !SAME_VALUE {
        0 => Casting::No,
        1 => Casting::Equiv,
        2 => Casting::Safe,
        3 => Casting::SameKind,
        _ => Casting::Unsafe,
    }
}

/// A loop that is ready to run, and what it needs besides its operands.
pub struct Strided {
    pub func: LoopFn,
    pub aux: Aux,
    pub flags: c_int,
}

/// Data of a loop. Owned data is given back when the loop is.
pub struct Aux {
    data: *mut c_void,
    owned: bool,
}

// SAFETY: the data is only handed to its loop, with the GIL held.
unsafe impl Send for Aux {}
// SAFETY: as above.
unsafe impl Sync for Aux {}

impl Aux {
    pub const NONE: Aux = Aux { data: null_mut(), owned: false };
    pub fn owned(data: *mut NpyAuxData) -> Aux {
        Aux { data: data.cast(), owned: !data.is_null() }
    }
    pub fn borrowed(data: *mut c_void) -> Aux {
        Aux { data, owned: false }
    }
    pub fn ptr(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for Aux {
    fn drop(&mut self) {
        if self.owned {
            let data: *mut NpyAuxData = self.data.cast();
            // SAFETY: made by the loop's author together with a function that frees it.
            unsafe {
                if let Some(free) = (*data).free {
                    free(data);
                }
            }
        }
    }
}

/// A handle on a method object.
#[derive(Clone)]
pub struct MethodRef<'py>(pub Bound<'py, PyAny>);

/// Ready the types.
pub fn init(py: Python<'_>) -> PyResult<()> {
    // SAFETY: static, not in use yet.
    unsafe {
        let ty = METHOD_TYPE.as_type();
        types::prepare(
            ty,
            c"numpy._ArrayMethod",
            size_of::<MethodObject>(),
            ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION,
        );
        (*ty).tp_dealloc = Some(dealloc);
        types::ready(py, ty)?;
    }
    bound::init(py)
}

unsafe extern "C" fn dealloc(slf: *mut ffi::PyObject) {
    // SAFETY: the last reference is gone; the box came from `make`.
    unsafe {
        drop(Box::from_raw((*slf.cast::<MethodObject>()).method));
        if let Some(free) = (*ffi::Py_TYPE(slf)).tp_free {
            free(slf.cast());
        }
    }
}

/// A method object.
pub fn make(py: Python<'_>, method: Method) -> PyResult<MethodRef<'_>> {
    // SAFETY: a fresh object of a ready type, filled before anybody sees it.
    unsafe {
        let obj = owned(py, ffi::PyType_GenericAlloc(METHOD_TYPE.as_type(), 0))?;
        (*obj.as_ptr().cast::<MethodObject>()).method = Box::into_raw(Box::new(method));
        Ok(MethodRef(obj))
    }
}

/// The method a specification of compiled code describes. Null DTypes in it mean `new`, the class being made. The DTypes
/// it is for come with it.
///
/// # Safety
/// A specification as `dtype_api.h` defines it.
pub unsafe fn from_spec<'py>(
    py: Python<'py>,
    spec: *const PyArrayMethod_Spec,
    new: Option<&DtypeClass<'py>>,
) -> PyResult<(MethodRef<'py>, Vec<DtypeClass<'py>>)> {
    // SAFETY: the caller's promise.
    let (spec, name) = unsafe { (&*spec, CStr::from_ptr((*spec).name).to_owned()) };
    let text = name.to_string_lossy().into_owned();
    let (nin, nout) = (spec.nin.max(0) as usize, spec.nout.max(0) as usize);
    let wrong = |what: &str| PyTypeError::new_err(format!("{what} (method: {text})"));
    if nin + nout == 0 || nin + nout > NPY_MAXARGS {
        return Err(wrong("Not supported number of inputs and outputs"));
    }
    if !(-1..=Casting::Unsafe as c_int | SAME_VALUE).contains(&spec.casting) {
        return Err(wrong("ArrayMethod has invalid casting"));
    }
    let mut classes = vec![];
    for i in 0..nin + nout {
        // SAFETY: `dtypes` has an entry per operand.
        let class = unsafe { *spec.dtypes.add(i) };
        classes.push(match (class.is_null(), new) {
            (true, Some(new)) => new.clone(),
            (true, None) => return Err(wrong("ArrayMethod must provide all input and output DTypes")),
            // SAFETY: not null.
            (false, _) => unsafe { DtypeClass::from_ptr(py, class) }
                .ok_or_else(|| wrong("ArrayMethod provided object is not a DType"))?,
        });
    }
    let mut slots = Compiled::default();
    // SAFETY: the list ends with an entry of number zero, and functions have the type their number says.
    unsafe {
        let mut slot = spec.slots;
        while !slot.is_null() && (*slot).slot != 0 {
            fill_slot(&mut slots, (*slot).slot, (*slot).pfunc).map_err(|what| wrong(&what))?;
            slot = slot.add(1);
        }
    }
    if slots.get_loop.is_none() && slots.strided.is_none() {
        return Err(wrong("Must provide a strided inner loop function or a way to get one"));
    }
    let unaligned = slots.unaligned_strided.is_some();
    if slots.get_loop.is_none() && unaligned != (spec.flags & NPY_METH_SUPPORTS_UNALIGNED != 0) {
        return Err(wrong(
            "Must provide unaligned strided inner loop when NPY_METH_SUPPORTS_UNALIGNED is set",
        ));
    }
    let method =
        Method { name, nin, nout, casting: spec.casting, flags: spec.flags, kind: Kind::Compiled(slots) };
    Ok((make(py, method)?, classes))
}

/// # Safety
/// `func` is a function of the type the slot's number says.
unsafe fn fill_slot(slots: &mut Compiled, number: c_int, func: *mut c_void) -> Result<(), String> {
    // SAFETY: the caller's promise; a null pointer is `None`.
    unsafe {
        match number {
            NPY_METH_RESOLVE_DESCRIPTORS => slots.resolve = slot_function(func),
            NPY_METH_GET_LOOP => slots.get_loop = slot_function(func),
            NPY_METH_GET_REDUCTION_INITIAL => slots.reduction_initial = slot_function(func),
            NPY_METH_STRIDED_LOOP => slots.strided = slot_function(func),
            NPY_METH_CONTIGUOUS_LOOP => slots.contiguous = slot_function(func),
            NPY_METH_UNALIGNED_STRIDED_LOOP => slots.unaligned_strided = slot_function(func),
            NPY_METH_UNALIGNED_CONTIGUOUS_LOOP => slots.unaligned_contiguous = slot_function(func),
            NPY_METH_CONTIGUOUS_INDEXED_LOOP => slots.indexed = slot_function(func),
            NPY_METH_RESOLVE_DESCRIPTORS_WITH_SCALARS => {
                return Err(
                    "the slot _NPY_METH_resolve_descriptors_with_scalars is not implemented yet".into()
                );
            }
            NPY_METH_STATIC_DATA => {
                return Err("the slot _NPY_METH_static_data is not implemented yet".into());
            }
            n => return Err(format!("invalid slot number {n} to ArrayMethod")),
        }
    }
    Ok(())
}

impl<'py> MethodRef<'py> {
    pub fn py(&self) -> Python<'py> {
        self.0.py()
    }
    pub fn method(&self) -> &Method {
        // SAFETY: handles are only made for method objects, which own their method.
        unsafe { &*(*self.0.as_ptr().cast::<MethodObject>()).method }
    }
    /// The loop over positions that compiled code gave it.
    pub fn indexed_loop(&self) -> Option<StridedLoop> {
        match &self.method().kind {
            Kind::Compiled(slots) => slots.indexed,
            _ => None,
        }
    }

    /// The dtypes the loop runs on, given descriptors of these classes (outputs may be missing). `None`: the method
    /// cannot do this, without having said why.
    pub fn resolve(
        &self,
        classes: &[DtypeClass<'py>],
        given: &[Option<Descr<'py>>],
    ) -> PyResult<Option<Resolved<'py>>> {
        match &self.method().kind {
            Kind::Builtin => casts::resolve_builtin(&classes[1], given),
            Kind::Compiled(slots) => self.resolve_compiled(slots, classes, given),
            Kind::Wrapping(w) => self.resolve_wrapping(w, classes, given),
            Kind::Strings(def) => {
                let own: Vec<Option<Dtype>> =
                    given.iter().map(|d| d.as_ref().map(|d| d.dtype().clone())).collect();
                let dtypes = def.resolve(&own).py(self.py())?;
                let descrs = dtypes.iter().zip(given).map(|(dt, d)| match d {
                    Some(d) if d.dtype() == dt => Ok(d.clone()),
                    _ => dtype::descr_of(self.py(), dt),
                });
                Ok(Some(Resolved {
                    descrs: descrs.collect::<PyResult<_>>()?,
                    casting: self.method().casting,
                    view_offset: None,
                }))
            }
            Kind::Old(_) => casts::resolve_old(classes, given),
        }
    }

    fn resolve_compiled(
        &self,
        slots: &Compiled,
        classes: &[DtypeClass<'py>],
        given: &[Option<Descr<'py>>],
    ) -> PyResult<Option<Resolved<'py>>> {
        let py = self.py();
        let m = self.method();
        let Some(resolve) = slots.resolve else {
            let descrs = given.iter().zip(classes).map(|(d, class)| match d {
                Some(d) => class.canonical(d),
                None => class.default_descr(),
            });
            return Ok(Some(Resolved {
                descrs: descrs.collect::<PyResult<_>>()?,
                casting: m.casting,
                view_offset: None,
            }));
        };
        let raw: PerOp<*mut PyArray_DTypeMeta> = classes.iter().map(DtypeClass::raw).collect();
        let ins: PerOp<*mut PyArray_Descr> =
            given.iter().map(|d| d.as_ref().map_or(null_mut(), Descr::raw)).collect();
        let mut out: PerOp<*mut PyArray_Descr> = given.iter().map(|_| null_mut()).collect();
        let mut view_offset = NO_VIEW;
        // SAFETY: lists with an entry per operand, as the slot's contract demands.
        let casting = unsafe {
            resolve(
                self.0.as_ptr().cast(),
                raw.as_ptr(),
                ins.as_ptr(),
                out.as_mut_ptr(),
                &raw mut view_offset,
            )
        };
        if casting < 0 {
            return match PyErr::take(py) {
                Some(err) => Err(err),
                None => Ok(None),
            };
        }
        let mut descrs = PerOp::new();
        for p in out {
            // SAFETY: new references, or null by mistake.
            let obj = unsafe { Bound::from_owned_ptr_or_opt(py, p.cast()) }
                .ok_or_else(|| PySystemError::new_err("resolve_descriptors left a descriptor out"))?;
            descrs.push(Descr(obj));
        }
        let view_offset = (view_offset != NO_VIEW).then_some(view_offset);
        Ok(Some(Resolved { descrs, casting, view_offset }))
    }

    fn resolve_wrapping(
        &self,
        w: &Wrapping,
        classes: &[DtypeClass<'py>],
        given: &[Option<Descr<'py>>],
    ) -> PyResult<Option<Resolved<'py>>> {
        let py = self.py();
        let m = self.method();
        let (nin, nout) = (m.nin as c_int, m.nout as c_int);
        let raw: PerOp<*mut PyArray_DTypeMeta> = classes.iter().map(DtypeClass::raw).collect();
        let ins: PerOp<*mut PyArray_Descr> =
            given.iter().map(|d| d.as_ref().map_or(null_mut(), Descr::raw)).collect();
        let inner_given = w.translate(py, m, &ins)?;
        let found = w.resolve_inner(py, &inner_given)?;
        let Some(inner) = found else { return Ok(None) };
        let mut original: PerOp<*mut PyArray_Descr> = inner.descrs.iter().map(Descr::raw).collect();
        let mut out: PerOp<*mut PyArray_Descr> = given.iter().map(|_| null_mut()).collect();
        // SAFETY: as above.
        let descrs = unsafe {
            let code = (w.translate_loop)(
                nin,
                nout,
                raw.as_ptr(),
                ins.as_ptr(),
                original.as_mut_ptr(),
                out.as_mut_ptr(),
            );
            if code < 0 {
                return Err(PyErr::fetch(py));
            }
            out.iter().map(|&p| owned(py, p.cast()).map(Descr)).collect::<PyResult<PerOp<Descr<'py>>>>()?
        };
        Ok(Some(Resolved { descrs, casting: inner.casting, view_offset: None }))
    }

    /// The loop for these descriptors, which [`MethodRef::resolve`] gave.
    pub fn get_loop(
        &self,
        descrs: &[Descr<'py>],
        caller: *mut c_void,
        aligned: bool,
        strides: &[isize],
    ) -> PyResult<Strided> {
        let m = self.method();
        let raw: PerOp<*mut PyArray_Descr> = descrs.iter().map(Descr::raw).collect();
        match &m.kind {
            Kind::Builtin => {
                Err(PySystemError::new_err("casts between builtin types have no loop of their own"))
            }
            Kind::Wrapping(w) => w.get_loop(self.py(), m, &raw, caller, aligned, strides),
            Kind::Old(function) => casts::old_loop(*function, descrs),
            Kind::Strings(def) => Ok(string_loop(def, descrs)),
            Kind::Compiled(slots) => {
                let Some(get_loop) = slots.get_loop else { return slots.choose(m, &raw, aligned, strides) };
                let mut context = self.context(caller, raw.as_ptr());
                let (mut func, mut aux, mut flags) = (
                    None,
                    null_mut(),
                    m.flags & (NPY_METH_REQUIRES_PYAPI | NPY_METH_NO_FLOATINGPOINT_ERRORS),
                );
                // SAFETY: the slot's contract; outputs are written on success.
                let code = unsafe {
                    get_loop(
                        &raw mut context,
                        aligned.into(),
                        0,
                        strides.as_ptr(),
                        &raw mut func,
                        &raw mut aux,
                        &raw mut flags,
                    )
                };
                if code < 0 {
                    return Err(PyErr::fetch(self.py()));
                }
                let func = func.ok_or_else(|| PySystemError::new_err("get_loop gave no loop"))?;
                Ok(Strided { func, aux: Aux::owned(aux), flags })
            }
        }
    }

    /// What a loop of this method is told about the call.
    pub fn context(&self, caller: *mut c_void, descrs: *const *mut PyArray_Descr) -> LoopContext {
        LoopContext {
            caller,
            method: self.0.as_ptr().cast(),
            descriptors: descrs.cast(),
            info: null(),
            flags: 0,
            parameters: null_mut(),
        }
    }

    /// The value a reduction starts from, written to `initial`; false when there is none.
    ///
    /// # Safety
    /// `initial` is one element of the first descriptor.
    pub unsafe fn reduction_initial(
        &self,
        descrs: &[Descr<'py>],
        caller: *mut c_void,
        empty: bool,
        initial: *mut u8,
    ) -> PyResult<bool> {
        let Kind::Compiled(Compiled { reduction_initial: Some(get), .. }) = &self.method().kind else {
            return Ok(false);
        };
        let raw: PerOp<*mut PyArray_Descr> = descrs.iter().map(Descr::raw).collect();
        let mut context = self.context(caller, raw.as_ptr());
        // SAFETY: the slot's contract and the caller's promise.
        match unsafe { get(&raw mut context, empty.into(), initial.cast()) } {
            0 => Ok(false),
            code if code > 0 => Ok(true),
            _ => Err(PyErr::fetch(self.py())),
        }
    }
}

/// A string loop with the memory its operands lie in.
#[repr(C)]
struct BoundStrings {
    head: NpyAuxData,
    call: strings::Call,
    nargs: usize,
}

fn string_loop(def: &'static StringLoop, descrs: &[Descr<'_>]) -> Strided {
    let dtypes: Vec<Dtype> = descrs.iter().map(|d| d.dtype().clone()).collect();
    let own = Box::new(BoundStrings {
        head: NpyAuxData { free: Some(free_strings), clone: None, reserved: [null_mut(); 2] },
        call: def.bind(&dtypes),
        nargs: descrs.len(),
    });
    Strided {
        func: run_strings,
        aux: Aux::owned(Box::into_raw(own).cast()),
        flags: NPY_METH_REQUIRES_PYAPI | NPY_METH_NO_FLOATINGPOINT_ERRORS,
    }
}

unsafe extern "C" fn free_strings(aux: *mut NpyAuxData) {
    // SAFETY: made by `string_loop`, freed once.
    drop(unsafe { Box::from_raw(aux.cast::<BoundStrings>()) });
}

unsafe extern "C" fn run_strings(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    guard(|py| {
        // SAFETY: `aux` is a `BoundStrings`; the loop contract for the rest.
        unsafe {
            let own = &*aux.cast::<BoundStrings>();
            let data = std::slice::from_raw_parts(data, own.nargs);
            let strides = std::slice::from_raw_parts(strides, own.nargs);
            own.call.run(data, *dims as usize, strides).py(py)?;
        }
        Ok(0)
    })
}

impl Compiled {
    /// numpy's choice among the loops of a method that leaves it to numpy.
    fn choose(
        &self,
        m: &Method,
        descrs: &[*mut PyArray_Descr],
        aligned: bool,
        strides: &[isize],
    ) -> PyResult<Strided> {
        let aligned = aligned || m.flags & NPY_METH_SUPPORTS_UNALIGNED == 0;
        let contiguous = strides.len() == descrs.len()
            // SAFETY: live descriptors.
            && descrs.iter().zip(strides).all(|(d, &s)| unsafe { (**d).elsize } == s);
        let func = match (aligned, contiguous) {
            (true, true) => self.contiguous.or(self.strided),
            (true, false) => self.strided,
            (false, true) => self.unaligned_contiguous.or(self.unaligned_strided),
            (false, false) => self.unaligned_strided,
        };
        let func = func.ok_or_else(|| PySystemError::new_err("method without a loop"))?;
        let flags = m.flags & (NPY_METH_REQUIRES_PYAPI | NPY_METH_NO_FLOATINGPOINT_ERRORS);
        Ok(Strided { func, aux: Aux::NONE, flags })
    }
}

/// The loop of a wrapped method, told about the descriptors it expects instead of the caller's.
#[repr(C)]
struct WrappedLoop {
    head: NpyAuxData,
    inner: Strided,
    context: LoopContext,
    /// What the context points to.
    raw: PerOp<*mut PyArray_Descr>,
    method: *mut ffi::PyObject,
}

unsafe extern "C" fn free_wrapped(aux: *mut NpyAuxData) {
    // SAFETY: made by `Wrapping::get_loop`, freed once, with the GIL held.
    unsafe {
        let own = Box::from_raw(aux.cast::<WrappedLoop>());
        for &d in &own.raw {
            ffi::Py_DECREF(d.cast());
        }
        ffi::Py_DECREF(own.method);
    }
}

unsafe extern "C" fn run_wrapped(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: `aux` is a `WrappedLoop`; operands are handed on.
    unsafe {
        let own = &*aux.cast::<WrappedLoop>();
        (own.inner.func)(&raw const own.context, data, dims, strides, own.inner.aux.ptr())
    }
}

impl Wrapping {
    /// Descriptors as the wrapped method takes them.
    fn translate<'py>(
        &self,
        py: Python<'py>,
        m: &Method,
        given: &[*mut PyArray_Descr],
    ) -> PyResult<PerOp<Option<Descr<'py>>>> {
        let mut out: PerOp<*mut PyArray_Descr> = given.iter().map(|_| null_mut()).collect();
        let (nin, nout) = (m.nin as c_int, m.nout as c_int);
        // SAFETY: lists with an entry per operand; what comes out are new references or null.
        unsafe {
            if (self.translate_given)(nin, nout, self.wrapped.as_ptr(), given.as_ptr(), out.as_mut_ptr()) < 0
            {
                return Err(PyErr::fetch(py));
            }
            Ok(out.iter().map(|&p| Bound::from_owned_ptr_or_opt(py, p.cast()).map(Descr)).collect())
        }
    }
    fn resolve_inner<'py>(
        &self,
        py: Python<'py>,
        given: &[Option<Descr<'py>>],
    ) -> PyResult<Option<Resolved<'py>>> {
        let classes: Vec<DtypeClass<'py>> =
            // SAFETY: wrapped DTypes are classes that live as long as the process.
            self.wrapped.iter().filter_map(|&p| unsafe { DtypeClass::from_ptr(py, p) }).collect();
        match &self.inner {
            Inner::Method(m) => MethodRef(m.bind(py).clone()).resolve(&classes, given),
            Inner::Plain(_) => {
                let descrs = given.iter().zip(&classes).map(|(d, class)| match d {
                    Some(d) => class.canonical(d),
                    None => class.default_descr(),
                });
                let descrs = descrs.collect::<PyResult<_>>()?;
                Ok(Some(Resolved { descrs, casting: Casting::No as c_int, view_offset: None }))
            }
        }
    }
    fn get_loop(
        &self,
        py: Python<'_>,
        m: &Method,
        descrs: &[*mut PyArray_Descr],
        caller: *mut c_void,
        aligned: bool,
        strides: &[isize],
    ) -> PyResult<Strided> {
        let inner = match &self.inner {
            // A kernel knows its types; it does not look at descriptors.
            Inner::Plain(def) => {
                let mut flags = 0;
                for (ours, theirs) in [
                    (LoopFlags::NEEDS_API, NPY_METH_REQUIRES_PYAPI),
                    (LoopFlags::NO_FP_ERRORS, NPY_METH_NO_FLOATINGPOINT_ERRORS),
                ] {
                    if def.flags.contains(ours) {
                        flags |= theirs;
                    }
                }
                return Ok(Strided { func: def.func, aux: Aux::borrowed(def.aux), flags });
            }
            Inner::Method(inner) => MethodRef(inner.bind(py).clone()),
        };
        let wrapped = self.translate(py, m, descrs)?.into_iter().collect::<Option<PerOp<Descr<'_>>>>();
        let wrapped = wrapped.ok_or_else(|| PySystemError::new_err("translation left a descriptor out"))?;
        let strided = inner.get_loop(&wrapped, caller, aligned, strides)?;
        let flags = strided.flags;
        let raw = wrapped.into_iter().map(|d| d.0.into_ptr().cast()).collect();
        let mut own = Box::new(WrappedLoop {
            head: NpyAuxData { free: Some(free_wrapped), clone: None, reserved: [null_mut(); 2] },
            inner: strided,
            context: inner.context(caller, null()),
            raw,
            method: inner.0.into_ptr(),
        });
        // The box does not move any more.
        own.context.descriptors = own.raw.as_ptr().cast();
        Ok(Strided { func: run_wrapped, aux: Aux::owned(Box::into_raw(own).cast()), flags })
    }
}
