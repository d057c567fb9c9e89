//! Loops of user DTypes (NEP 43): finding the one for the DTypes of a call.
//!
//! A ufunc has a list of entries, each a tuple of DTypes with a method or a promoter. The entry whose DTypes fit most
//! closely wins; a promoter answers with other DTypes, and the search starts again. Builtin loops are found by the rules
//! of `micronumpy::ufunc::resolve`; they are asked when a promoter has led to builtin types.

use std::ffi::c_void;
use std::ptr::null_mut;

use micronumpy::cast::can_cast;
use micronumpy::dtype::host::is_host_class;
use micronumpy::iter::PerOp;
use micronumpy::ufunc::resolve::ResolveError;
use micronumpy::ufunc::{Loop, OpType, Resolution, Rule, Weak};
use micronumpy::vstring::loops::Promotion;
use micronumpy::{Casting, Dtype, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use ufuncs::{LoopDef, LoopFlags};

use super::bind::Binding;
use super::params::{Signature, casting_name};
use super::{UfuncRef, loops_changed, strings};
use crate::abi::*;
use crate::objects::Descr;
use crate::objects::dtype::class::any_class;
use crate::objects::dtype::{DtypeClass, classes, string};
use crate::objects::method::{self, Aux, Inner, Kind, Method, MethodRef, Wrapping};

/// What a ufunc does for a tuple of DTypes.
pub struct Entry {
    /// Null matches anything.
    classes: Vec<*mut PyArray_DTypeMeta>,
    action: Action,
}

pub(super) enum Action {
    Method(Py<PyAny>),
    /// The function, and the capsule that owns it.
    Promoter(PromoterFunction, Py<PyAny>),
    /// A promotion to the ufunc's own string loops.
    Promotion(Promotion),
}

/// One operand of a call.
#[derive(Clone)]
pub struct Operand<'py> {
    pub descr: Option<Descr<'py>>,
    pub weak: Option<Weak>,
}

impl<'py> Operand<'py> {
    fn class(&self, py: Python<'py>) -> Option<DtypeClass<'py>> {
        let weak = match self.weak {
            None => return self.descr.as_ref().map(DtypeClass::of),
            Some(Weak::Int) => &classes::PY_LONG,
            Some(Weak::Float) => &classes::PY_FLOAT,
            Some(Weak::Complex) => &classes::PY_COMPLEX,
        };
        // SAFETY: ready since module initialisation.
        Some(DtypeClass(unsafe { crate::ffi::types::handle(py, weak.as_type()) }))
    }
}

/// What a loop of a user DType needs for as long as it runs.
pub struct Owned {
    /// The data the loop was handed; nobody but the loop looks at it.
    _data: Aux,
    method: Py<PyAny>,
}

impl Owned {
    /// The method object, as loops are told.
    pub fn method(&self) -> *mut c_void {
        self.method.as_ptr().cast()
    }
    pub fn method_ref<'py>(&self, py: Python<'py>) -> MethodRef<'py> {
        MethodRef(self.method.bind(py).clone())
    }
}

/// What the search for a loop comes to.
pub enum Found<'py> {
    /// No entry of the ufunc has a say: the rules for builtin types decide.
    Builtin,
    /// Builtin types that a promoter named decide.
    Promoted(Signature),
    Loop(Box<Binding<'py>>),
}

/// Find the loop for these operands (inputs, then outputs) if user DTypes are among them.
pub fn find<'py>(
    uf: &UfuncRef<'py>,
    operands: impl FnOnce() -> Vec<Operand<'py>>,
    signature: &Signature,
    casting: Casting,
) -> PyResult<Found<'py>> {
    // Nobody has defined a DType or used strings: the usual case costs nothing.
    if !any_class() && !string::any_instance() {
        return Ok(Found::Builtin);
    }
    let py = uf.py();
    let operands = &operands()[..];
    // Operands count as what the signature makes of them.
    let own = |o: &Operand<'py>| o.descr.as_ref().map(|d| d.dtype().num);
    let concerned = (0..uf.nargs()).any(|i| {
        let named = signature.get(i).copied().flatten();
        let num = named.or_else(|| operands.get(i).filter(|_| i < uf.nin()).and_then(own));
        num.is_some_and(|n| is_host_class(n) || n == TypeNum::VSTRING)
    });
    let none = !concerned && uf.data().entries.borrow().iter().all(Entry::is_of_strings)
        || uf.data().entries.borrow().is_empty();
    // Logic takes everything that can be cast to bool.
    if none && (!concerned || uf.data().core.borrow().rule == Rule::Logical) {
        return Ok(Found::Builtin);
    }
    let nin = uf.nin();
    let mut wanted: Vec<Option<DtypeClass<'py>>> = vec![];
    for (i, op) in operands.iter().enumerate() {
        wanted.push(match signature.get(i).copied().flatten() {
            Some(num) => Some(DtypeClass::of_num(py, num)?),
            // What an output is has no influence on what is computed.
            None if i >= nin => None,
            None => op.class(py),
        });
    }
    let named: Vec<Option<DtypeClass<'py>>> = (0..operands.len())
        .map(|i| signature.get(i).copied().flatten().map(|n| DtypeClass::of_num(py, n)).transpose())
        .collect::<PyResult<_>>()?;
    let no_loop = || {
        let ops: PerOp<OpType<'_>> = operands
            .iter()
            .map(|o| match (&o.descr, o.weak) {
                (_, Some(w)) => OpType::Weak(w),
                (Some(d), None) => OpType::Is(d.dtype()),
                (None, None) => OpType::Absent,
            })
            .collect();
        let descrs: PerOp<Option<Descr<'py>>> = operands.iter().map(|o| o.descr.clone()).collect();
        super::bind::error(uf, &descrs, &ops, signature, casting, ResolveError::NoLoop)
    };
    match search(uf, wanted, &named)? {
        None if concerned => Err(no_loop()),
        None => Ok(Found::Builtin),
        Some(Hit::Builtin(types)) => Ok(Found::Promoted(types)),
        // What is asked for by name is not up to promotion.
        Some(Hit::Method(_, classes))
            if named.iter().zip(&classes).any(|(n, c)| n.as_ref().is_some_and(|n| !n.0.is(&c.0))) =>
        {
            Err(no_loop())
        }
        Some(Hit::Method(method, classes)) => {
            bind_method(uf, &method, &classes, operands, casting).map(|b| Found::Loop(Box::new(b)))
        }
    }
}

enum Hit<'py> {
    Method(MethodRef<'py>, Vec<DtypeClass<'py>>),
    /// Builtin types, a signature for the rules of builtin loops.
    Builtin(Signature),
}

fn search<'py>(
    uf: &UfuncRef<'py>,
    mut wanted: Vec<Option<DtypeClass<'py>>>,
    signature: &[Option<DtypeClass<'py>>],
) -> PyResult<Option<Hit<'py>>> {
    let py = uf.py();
    // A promoter that leads in circles is a mistake of its author.
    for _ in 0..32 {
        let Some(index) = best(uf, &wanted)? else { return Ok(None) };
        let (found, function) = {
            let entries = uf.data().entries.borrow();
            let entry = &entries[index];
            match &entry.action {
                Action::Method(m) => {
                    let classes = entry
                        .classes
                        .iter()
                        // SAFETY: classes of methods are never null and live as long as the process.
                        .filter_map(|&c| unsafe { DtypeClass::from_ptr(py, c) })
                        .collect::<Vec<_>>();
                    (Some(Hit::Method(MethodRef(m.bind(py).clone()), classes)), None)
                }
                Action::Promoter(f, keep) => (None, Some((*f, keep.clone_ref(py)))),
                Action::Promotion(p) => {
                    let promotion = *p;
                    drop(entries);
                    let Some(promoted) = strings::promote(uf, promotion, &wanted, signature)? else {
                        return Ok(None);
                    };
                    match builtin_types(uf, &promoted)? {
                        Some(types) => return Ok(Some(Hit::Builtin(types))),
                        None => wanted = promoted,
                    }
                    continue;
                }
            }
        };
        let Some((function, _keep)) = function else { return Ok(found) };
        let raw = |list: &[Option<DtypeClass<'py>>]| -> PerOp<*mut PyArray_DTypeMeta> {
            list.iter().map(|c| c.as_ref().map_or(null_mut(), DtypeClass::raw)).collect()
        };
        let (ops, sig) = (raw(&wanted), raw(signature));
        let mut new: PerOp<*mut PyArray_DTypeMeta> = wanted.iter().map(|_| null_mut()).collect();
        // SAFETY: lists with an entry per operand; what comes out are new references or null.
        let promoted: Vec<Option<DtypeClass<'py>>> = unsafe {
            if function(uf.0.as_ptr(), ops.as_ptr(), sig.as_ptr(), new.as_mut_ptr()) < 0 {
                return match PyErr::take(py) {
                    Some(err) => Err(err),
                    None => Ok(None),
                };
            }
            new.iter().map(|&c| Bound::from_owned_ptr_or_opt(py, c.cast()).map(DtypeClass)).collect()
        };
        match builtin_types(uf, &promoted)? {
            Some(types) => return Ok(Some(Hit::Builtin(types))),
            None => wanted = promoted,
        }
    }
    Err(PyRuntimeError::new_err("promoters of a ufunc lead to each other without end"))
}

/// A signature for the rules of builtin loops, if a promoter has led to builtin types.
fn builtin_types<'py>(
    uf: &UfuncRef<'py>,
    promoted: &[Option<DtypeClass<'py>>],
) -> PyResult<Option<Signature>> {
    let builtin = promoted.iter().flatten().all(|c| (0..TypeNum::NTYPES as i32).contains(&c.num().0));
    if !builtin || best(uf, promoted)?.is_some() {
        return Ok(None);
    }
    Ok(Some(promoted.iter().map(|c| c.as_ref().map(|c| c.num())).collect()))
}

/// The entry that fits most closely.
fn best<'py>(uf: &UfuncRef<'py>, wanted: &[Option<DtypeClass<'py>>]) -> PyResult<Option<usize>> {
    let py = uf.py();
    let entries = uf.data().entries.borrow();
    let mut found: Option<usize> = None;
    for (k, entry) in entries.iter().enumerate() {
        if !entry.fits(py, wanted, uf.nin()) {
            continue;
        }
        let Some(old) = found else {
            found = Some(k);
            continue;
        };
        match entries[old].compare(entry, py, wanted) {
            Some(std::cmp::Ordering::Less) => found = Some(k),
            Some(_) => {}
            None => {
                return Err(PyRuntimeError::new_err(format!(
                    "Could not resolve the implementation of {}: two loops fit equally well.",
                    uf.name()
                )));
            }
        }
    }
    Ok(found)
}

impl Entry {
    /// Whether it is one of those every ufunc over strings comes with.
    fn is_of_strings(&self) -> bool {
        matches!(&self.action, Action::Promotion(_)) || self.classes.contains(&classes::STRING_DTYPE.get())
    }
    fn fits<'py>(&self, py: Python<'py>, wanted: &[Option<DtypeClass<'py>>], nin: usize) -> bool {
        self.classes.iter().zip(wanted).enumerate().all(|(i, (&own, given))| {
            // SAFETY: classes of entries live as long as the process.
            let Some(own) = (unsafe { DtypeClass::from_ptr(py, own) }) else { return true };
            match given {
                // The first operand of a reduction is what the last one is.
                None if i < nin => i == 0 && nin == 2 && self.classes[0] == self.classes[2],
                None => true,
                Some(given) => given.0.is(&own.0) || own.is_abstract() && given.is_subclass_of(&own),
            }
        })
    }
    /// `Less` when `other` fits more closely, `None` when each is closer in a different operand.
    fn compare<'py>(
        &self,
        other: &Entry,
        py: Python<'py>,
        wanted: &[Option<DtypeClass<'py>>],
    ) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering;
        let mut order = Ordering::Equal;
        for ((&a, &b), given) in self.classes.iter().zip(&other.classes).zip(wanted) {
            if a == b || given.is_none() {
                continue;
            }
            // SAFETY: as above.
            let (a, b) = unsafe { (DtypeClass::from_ptr(py, a), DtypeClass::from_ptr(py, b)) };
            let this = match (a, b) {
                (None, _) => Ordering::Less,
                (_, None) => Ordering::Greater,
                (Some(a), Some(b)) if a.is_subclass_of(&b) => Ordering::Greater,
                _ => Ordering::Less,
            };
            if order != Ordering::Equal && order != this {
                return None;
            }
            order = this;
        }
        Some(order)
    }
}

/// A method with everything a call needs to run it.
fn bind_method<'py>(
    uf: &UfuncRef<'py>,
    method: &MethodRef<'py>,
    classes: &[DtypeClass<'py>],
    operands: &[Operand<'py>],
    casting: Casting,
) -> PyResult<Binding<'py>> {
    let nin = uf.nin();
    let mut given: PerOp<Option<Descr<'py>>> = PerOp::new();
    for (op, class) in operands.iter().zip(classes) {
        given.push(match &op.descr {
            Some(d) => Some(descr_in_class(d, class)?),
            None => None,
        });
    }
    // In reductions what is absent in front is what comes behind.
    if nin == 2 && given[0].is_none() {
        given[0] = given[1].clone();
    }
    let Some(found) = method.resolve(classes, &given)? else {
        return Err(PyTypeError::new_err(format!(
            "The ufunc implementation for {} cannot handle the given dtypes.",
            uf.name()
        )));
    };
    let force_cast = method.method().flags & NPY_METH_FORCE_CAST_INPUTS != 0;
    for (i, (op, to)) in operands.iter().zip(&found.descrs).enumerate() {
        let Some(own) = &op.descr else { continue };
        let err = if i < nin {
            let ok = force_cast || op.weak.is_some() || can_cast(own.dtype(), to.dtype(), casting);
            (!ok).then(|| ResolveError::Input { index: i, to: to.dtype().clone() })
        } else {
            let ok = can_cast(to.dtype(), own.dtype(), casting);
            (!ok).then(|| ResolveError::Output { index: i - nin, from: to.dtype().clone() })
        };
        if let Some(err) = err {
            let descrs: PerOp<Option<Descr<'py>>> = operands.iter().map(|o| o.descr.clone()).collect();
            let signature: Signature = operands.iter().map(|_| None).collect();
            return Err(super::bind::error(uf, &descrs, &[], &signature, casting, err));
        }
    }
    if found.level() > casting {
        return Err(PyTypeError::new_err(format!(
            "The ufunc implementation for {} with the given dtype signature is not possible under the casting rule '{}'",
            uf.name(),
            casting_name(casting)
        )));
    }
    // Strides are not known yet; none of them may be relied on.
    let strides: PerOp<isize> = operands.iter().map(|_| isize::MAX).collect();
    let strided = method.get_loop(&found.descrs, uf.0.as_ptr().cast(), true, &strides)?;
    let mut flags = LoopFlags::NONE;
    for (theirs, ours) in [
        (NPY_METH_REQUIRES_PYAPI, LoopFlags::NEEDS_API),
        (NPY_METH_NO_FLOATINGPOINT_ERRORS, LoopFlags::NO_FP_ERRORS),
    ] {
        if strided.flags & theirs != 0 {
            flags = flags.with(ours);
        }
    }
    let def = LoopDef {
        types: [].as_slice().into(),
        func: strided.func,
        aux: strided.aux.ptr(),
        flags,
        fold: None,
    };
    let dtypes: PerOp<Dtype> = found.descrs.iter().map(|d| d.dtype().clone()).collect();
    let owner = Some(Owned { _data: strided.aux, method: method.0.clone().unbind() });
    Ok(Binding { def, res: Resolution { index: 0, dtypes, force_cast }, descrs: found.descrs, owner })
}

/// What a descriptor is in the class of a loop.
fn descr_in_class<'py>(descr: &Descr<'py>, class: &DtypeClass<'py>) -> PyResult<Descr<'py>> {
    if class.is_class_of(descr) {
        return Ok(descr.clone());
    }
    let own = DtypeClass::of(descr);
    if !class.is_parametric() {
        return class.default_descr();
    }
    let found = match method::casts::method_for(&own, class)? {
        Some(cast) => cast.resolve(&[own, class.clone()], &[Some(descr.clone()), None])?,
        None => None,
    };
    match found {
        Some(r) => Ok(r.descrs[1].clone()),
        None => {
            Err(PyTypeError::new_err(format!("cannot cast dtype {} to {}.", descr.0.str()?, class.0.str()?)))
        }
    }
}

/// `PyUFunc_AddLoopFromSpec`
///
/// # Safety
/// A specification as `dtype_api.h` defines it.
pub unsafe fn add_loop<'py>(uf: &UfuncRef<'py>, spec: *const PyArrayMethod_Spec) -> PyResult<()> {
    // SAFETY: the caller's promise.
    let (method, classes) = unsafe { method::from_spec(uf.py(), spec, None)? };
    let m = method.method();
    if (m.nin, m.nout) != (uf.nin(), uf.nout()) {
        return Err(PyTypeError::new_err("the loop has another number of operands than its ufunc"));
    }
    // A plain loop over builtin types is one more row of the ufunc's own list.
    if let Kind::Compiled(slots) = &m.kind
        && let (Some(func), None, None) = (slots.strided, slots.resolve, slots.get_loop)
        && classes.iter().all(|c| (0..TypeNum::NTYPES as i32).contains(&c.num().0))
    {
        let mut flags = LoopFlags::NONE;
        if m.flags & NPY_METH_REQUIRES_PYAPI != 0 {
            flags = flags.with(LoopFlags::NEEDS_API);
        }
        if m.flags & NPY_METH_NO_FLOATINGPOINT_ERRORS != 0 {
            flags = flags.with(LoopFlags::NO_FP_ERRORS);
        }
        let types: Vec<TypeNum> = classes.iter().map(DtypeClass::num).collect();
        if let Some(indexed) = slots.indexed {
            uf.data().indexed.borrow_mut().push((types.clone(), indexed));
        }
        let def = LoopDef { types: types.into(), func, aux: null_mut(), flags, fold: None };
        uf.data().core.borrow_mut().loops.push(Loop { listed: false, ..Loop::from(def) });
        loops_changed(uf);
        return Ok(());
    }
    let classes = classes.iter().map(DtypeClass::raw).collect();
    add_entry(uf, classes, Action::Method(method.0.unbind()))
}

pub(super) fn add_entry(
    uf: &UfuncRef<'_>,
    classes: Vec<*mut PyArray_DTypeMeta>,
    action: Action,
) -> PyResult<()> {
    let known = uf.data().entries.borrow().iter().any(|e| e.classes == classes);
    if known {
        return Err(PyTypeError::new_err(format!(
            "A loop/promoter has already been registered with '{}' for these DTypes",
            uf.name()
        )));
    }
    uf.data().entries.borrow_mut().push(Entry { classes, action });
    loops_changed(uf);
    Ok(())
}

/// `PyUFunc_AddPromoter`: `dtypes` is a tuple of classes and `None`s, `promoter` a capsule of the function.
pub fn add_promoter<'py>(
    uf: &UfuncRef<'py>,
    dtypes: &Bound<'py, PyAny>,
    promoter: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let py = uf.py();
    let function = {
        // SAFETY: the name tells promoters from other capsules.
        let p = unsafe { ffi::PyCapsule_GetPointer(promoter.as_ptr(), c"numpy._ufunc_promoter".as_ptr()) };
        if p.is_null() {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: capsules of this name hold a function of this type.
        unsafe { std::mem::transmute::<*mut c_void, PromoterFunction>(p) }
    };
    let wrong = || PyTypeError::new_err("promoters are registered for a tuple of DTypes and None");
    let tuple = dtypes.cast::<PyTuple>().map_err(|_| wrong())?;
    if tuple.len() != uf.nargs() {
        return Err(wrong());
    }
    let mut list = vec![];
    for item in tuple.iter() {
        list.push(match DtypeClass::cast(&item) {
            Some(class) => {
                // Entries keep their classes alive.
                std::mem::forget(class.0.clone());
                class.raw()
            }
            None if item.is_none() => null_mut(),
            None => return Err(wrong()),
        });
    }
    add_entry(uf, list, Action::Promoter(function, promoter.clone().unbind()))
}

/// `PyUFunc_AddWrappingLoop`: run the loop for `wrapped` on elements of `new`, with descriptors translated.
pub fn add_wrapping_loop<'py>(
    uf: &UfuncRef<'py>,
    new: &[DtypeClass<'py>],
    wrapped: &[DtypeClass<'py>],
    translate_given: TranslateGivenDescriptors,
    translate_loop: TranslateLoopDescriptors,
) -> PyResult<()> {
    let raw = |list: &[DtypeClass<'py>]| list.iter().map(DtypeClass::raw).collect::<Vec<_>>();
    let key = raw(wrapped);
    let registered = uf.data().entries.borrow().iter().find_map(|e| match &e.action {
        Action::Method(m) if e.classes == key => Some(m.clone_ref(uf.py())),
        _ => None,
    });
    let types: Vec<TypeNum> = wrapped.iter().map(DtypeClass::num).collect();
    let inner = match registered {
        Some(m) => Inner::Method(m),
        None => {
            let core = uf.data().core.borrow();
            let Some(index) = core.find_loop(&types) else {
                return Err(PyTypeError::new_err("Did not find the to-be-wrapped loop in the ufunc."));
            };
            Inner::Plain(core.loops[index].def.clone())
        }
    };
    let method = Method {
        name: c"wrapped-method".into(),
        nin: uf.nin(),
        nout: uf.nout(),
        casting: Casting::No as i32,
        flags: 0,
        kind: Kind::Wrapping(Wrapping { inner, wrapped: key, translate_given, translate_loop }),
    };
    let method = method::make(uf.py(), method)?;
    add_entry(uf, raw(new), Action::Method(method.0.unbind()))
}
