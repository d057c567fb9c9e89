//! Ufuncs and loops of compiled code in the old style: a function over `char **`, with data of its own
//! (`PyUFunc_FromFuncAndData`, `PyUFunc_RegisterLoopForType`).
//!
//! Such a function becomes an ordinary loop by a trampoline. The trampoline copies the list of addresses, which old loops
//! are free to advance, and looks for exceptions, which they cannot report.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int, c_void};

use micronumpy::array::MAXDIMS;
use micronumpy::ufunc::{Loop, Ufunc, loop_status};
use micronumpy::{Dtype, TypeNum};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::{Identity, LoopContext, LoopDef, LoopFlags, LoopFn};

use super::object::text_of;
use super::{UfuncRef, loops_changed, make};
use crate::abi::*;
use crate::error::IntoPyResult;
use crate::objects::Descr;

type Function = unsafe extern "C" fn(*mut *mut c_char, *const isize, *const isize, *mut c_void);

/// What the trampoline needs.
struct OldLoop {
    function: Function,
    data: *mut c_void,
    nargs: usize,
}

unsafe extern "C" fn trampoline(
    _: *const LoopContext,
    data: *const *mut u8,
    dims: *const isize,
    strides: *const isize,
    aux: *mut c_void,
) -> c_int {
    // SAFETY: `aux` is an `OldLoop`; the loop contract for the rest. A ufunc has at most as many operands as an array
    // has dimensions.
    unsafe {
        let own = &*aux.cast::<OldLoop>();
        let mut args = [std::ptr::null_mut::<c_char>(); MAXDIMS];
        for (slot, i) in args.iter_mut().zip(0..own.nargs) {
            *slot = (*data.add(i)).cast();
        }
        (own.function)(args.as_mut_ptr(), dims, strides, own.data);
        if ffi::PyErr_Occurred().is_null() { 0 } else { -1 }
    }
}

/// Whether a loop is one of compiled code in the old style. Those may raise exceptions at any time, so that whoever calls them has to
/// have the interpreter.
pub fn is_compiled(func: LoopFn) -> bool {
    std::ptr::fn_addr_eq(func, trampoline as LoopFn)
}

/// The functions behind the loops of a ufunc.
#[derive(Default)]
pub struct OldLoops {
    /// Boxed, as loops refer to them by their addresses.
    #[allow(clippy::vec_box)]
    all: RefCell<Vec<Box<OldLoop>>>,
    /// How many of those in the struct's own arrays have been looked at.
    seen: Cell<usize>,
}

/// A loop around an old function, which lives as long as the ufunc.
fn loop_of(
    uf: &UfuncRef<'_>,
    function: Function,
    types: Vec<TypeNum>,
    data: *mut c_void,
    may_raise: bool,
) -> LoopDef {
    let own = Box::new(OldLoop { function, data, nargs: uf.nargs() });
    let flags = if may_raise { LoopFlags::NEEDS_API } else { LoopFlags::NONE };
    let aux = std::ptr::from_ref(&*own).cast_mut().cast();
    uf.data().old_loops.all.borrow_mut().push(own);
    LoopDef { types: types.into(), func: trampoline, aux, flags, fold: None }
}

/// Makes loops of the functions at the end of the struct's arrays that have not been looked at. Compiled code may replace the
/// arrays by longer ones at any time (numba's `DUFunc` does).
pub fn take_added(uf: &UfuncRef<'_>) {
    let seen = &uf.data().old_loops.seen;
    // SAFETY: live object.
    let (functions, types, data, count) = unsafe {
        let raw = &*uf.raw();
        (raw.functions, raw.types, raw.data, raw.ntypes.max(0) as usize)
    };
    if functions.is_null() || seen.get() >= count {
        return;
    }
    let nargs = uf.nargs();
    for k in seen.replace(count)..count {
        // SAFETY: the arrays have the lengths the counts say: the promise of whoever put them there.
        let (function, data, types) = unsafe {
            let types = (0..nargs).map(|i| TypeNum((*types.add(k * nargs + i)).into()));
            let data = if data.is_null() { std::ptr::null_mut() } else { *data.add(k) };
            (*functions.add(k), data, types.collect::<Vec<_>>())
        };
        if let Some(function) = function {
            let raises = may_raise(&types);
            let def = loop_of(uf, function, types, data, raises);
            uf.data().core.borrow_mut().loops.push(Loop::from(def));
        }
    }
    loops_changed(uf);
}

/// Whether loops of these types may raise: those that touch objects, and all of user types.
fn may_raise(types: &[TypeNum]) -> bool {
    types.iter().any(|t| t.is_object() || t.is_user())
}

/// The arguments of `PyUFunc_FromFuncAndDataAndSignatureAndIdentity`.
pub struct Spec {
    pub functions: *const PyUFuncGenericFunction,
    pub data: *const *mut c_void,
    pub types: *const c_char,
    pub ntypes: c_int,
    pub nin: c_int,
    pub nout: c_int,
    pub identity: c_int,
    pub name: *const c_char,
    pub doc: *const c_char,
    pub signature: *const c_char,
    pub identity_value: *mut ffi::PyObject,
}

/// A ufunc of old functions.
///
/// # Safety
/// The arrays have the lengths the counts say; functions and their data live as long as the ufunc.
pub unsafe fn from_functions<'py>(py: Python<'py>, spec: &Spec) -> PyResult<UfuncRef<'py>> {
    let (nin, nout) = (spec.nin.max(0) as usize, spec.nout.max(0) as usize);
    let nargs = nin + nout;
    if nargs > NPY_MAXARGS {
        return Err(PyValueError::new_err(format!(
            "Cannot construct a ufunc with more than {NPY_MAXARGS} operands (requested number were: inputs = {nin} and \
             outputs = {nout})"
        )));
    }
    // SAFETY: null or C strings.
    let (name, doc, signature) = unsafe { (text_of(spec.name), text_of(spec.doc), text_of(spec.signature)) };
    let name = name.map_or_else(|| "?".into(), |n| n.to_string_lossy().into_owned());
    let signature = signature.map(|s| s.to_string_lossy().into_owned());
    let identities = [
        (PyUFunc_Zero, Identity::Zero),
        (PyUFunc_One, Identity::One),
        (PyUFunc_MinusOne, Identity::MinusOne),
        (PyUFunc_ReorderableNone, Identity::ReorderableNone),
        (PyUFunc_IdentityValue, Identity::ReorderableNone),
        (PyUFunc_None, Identity::None),
    ];
    let identity = identities.into_iter().find(|(code, _)| *code == spec.identity);
    let (_, identity) =
        identity.ok_or_else(|| PyValueError::new_err("ufunc created with invalid identity"))?;
    let core = Ufunc::new(name, nin, nout, identity, signature.as_deref()).py(py)?;
    // SAFETY: null or an object.
    let value = unsafe { Bound::from_borrowed_ptr_or_opt(py, spec.identity_value) };
    let uf = make(py, core, doc, None, value)?;
    // SAFETY: live object, and the arrays stay as long as it does: the caller's promise.
    unsafe {
        let raw = &mut *uf.raw();
        raw.functions = spec.functions.cast_mut();
        raw.data = spec.data;
        raw.types = spec.types;
        raw.ntypes = spec.ntypes;
    }
    take_added(&uf);
    Ok(uf)
}

/// `PyUFunc_ReplaceLoopBySignature`: put a function in the place of the loop of exactly these types. Says what function was there, if
/// there is such a loop.
pub fn replace(uf: &UfuncRef<'_>, function: Function, types: &[TypeNum]) -> PyResult<Option<Function>> {
    let found = {
        let core = uf.data().core.borrow();
        let known =
            |l: &Loop| l.dtypes.is_none() && *l.def.types == *types && !types.iter().any(|t| t.is_user());
        core.loops.iter().position(known).map(|at| (at, core.loops[at].def.clone()))
    };
    let Some((at, old)) = found else { return Ok(None) };
    let (before, data) = if is_compiled(old.func) {
        // SAFETY: loops around old functions carry them.
        let own = unsafe { &*old.aux.cast::<OldLoop>() };
        (own.function, own.data)
    } else {
        (ours::as_function(&old)?, std::ptr::null_mut())
    };
    let raises = may_raise(types);
    // Who puts back what was there gets the loop itself.
    let new = ours::behind(function).filter(|def| *def.types == *types);
    let new = new.unwrap_or_else(|| loop_of(uf, function, types.to_vec(), data, raises));
    uf.data().core.borrow_mut().loops[at].def = new;
    loops_changed(uf);
    Ok(Some(before))
}

/// Our own loops as functions in the old style, which bring nothing but an address: whoever replaced a loop may call what was there
/// before. There is a limited number of addresses, each of which runs what its place in a list says.
mod ours {
    use std::sync::{Mutex, OnceLock};

    use super::*;

    const PLACES: usize = 64;
    static LOOPS: [OnceLock<LoopDef>; PLACES] = [const { OnceLock::new() }; PLACES];
    /// How many places are taken.
    static TAKEN: Mutex<usize> = Mutex::new(0);

    unsafe extern "C" fn place<const N: usize>(
        args: *mut *mut c_char,
        dims: *const isize,
        strides: *const isize,
        _: *mut c_void,
    ) {
        let Some(def) = LOOPS[N].get() else { return };
        let ctx = LoopContext {
            caller: std::ptr::null_mut(),
            method: std::ptr::null_mut(),
            descriptors: std::ptr::null(),
            info: std::ptr::null(),
            flags: 0,
            parameters: std::ptr::null_mut(),
        };
        // SAFETY: the contract of old loops, which is that of ours but for the context, and that is for strings only.
        let code = unsafe { (def.func)(&ctx, args.cast(), dims, strides, def.aux) };
        if code != 0 {
            // Old loops report nothing but exceptions.
            Python::attach(|py| match loop_status(code).py(py) {
                Err(e) if !PyErr::occurred(py) => e.restore(py),
                _ => {}
            });
        }
    }

    macro_rules! functions {
        ($($n:literal)*) => {
            static FUNCTIONS: [Function; PLACES] = [$(place::<$n>),*];
        };
    }
    functions!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43
        44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);

    /// The loop that a function runs, if it is one of ours.
    pub fn behind(function: Function) -> Option<LoopDef> {
        let at = FUNCTIONS.iter().position(|f| std::ptr::fn_addr_eq(*f, function))?;
        LOOPS[at].get().cloned()
    }

    /// The function that runs a loop.
    pub fn as_function(def: &LoopDef) -> PyResult<Function> {
        if def.types.iter().any(|t| t.is_flexible()) {
            return Err(PyTypeError::new_err("loops over strings cannot be replaced"));
        }
        let mut taken =
            TAKEN.lock().map_err(|_| PyRuntimeError::new_err("a panic while a loop was replaced"))?;
        let same = |l: &LoopDef| std::ptr::fn_addr_eq(l.func, def.func) && l.aux == def.aux;
        let known = LOOPS[..*taken].iter().position(|l| l.get().is_some_and(same));
        let at = match known {
            Some(at) => at,
            None if *taken == PLACES => {
                return Err(PyRuntimeError::new_err(format!(
                    "not more than {PLACES} builtin loops can be replaced"
                )));
            }
            None => {
                *taken += 1;
                LOOPS[*taken - 1].get_or_init(|| def.clone());
                *taken - 1
            }
        };
        Ok(FUNCTIONS[at])
    }
}

/// `PyUFunc_RegisterLoopForType`: a loop for a user type. Without `types` all operands are of that type.
pub fn add_for_type(
    uf: &UfuncRef<'_>,
    user: TypeNum,
    function: Function,
    types: Option<Vec<TypeNum>>,
    data: *mut c_void,
) -> PyResult<()> {
    if !user.is_user() && user != TypeNum::VOID {
        return Err(PyTypeError::new_err("unknown user-defined type"));
    }
    let types = types.unwrap_or_else(|| vec![user; uf.nargs()]);
    add(uf, function, types, None, data);
    Ok(())
}

/// `PyUFunc_RegisterLoopForDescr`: the same for exactly these descriptors.
pub fn add_for_descr<'py>(
    uf: &UfuncRef<'py>,
    user: &Descr<'py>,
    function: Function,
    descrs: Option<Vec<Descr<'py>>>,
    data: *mut c_void,
) -> PyResult<()> {
    let num = user.dtype().num;
    if !num.is_user() && num != TypeNum::VOID {
        return Err(PyTypeError::new_err("unknown user-defined type"));
    }
    let dtypes: Vec<Dtype> = match descrs {
        Some(list) => list.iter().map(|d| d.dtype().clone()).collect(),
        None => vec![user.dtype().clone(); uf.nargs()],
    };
    let types: Vec<TypeNum> = dtypes.iter().map(|d| d.num).collect();
    let exact = types.contains(&TypeNum::VOID);
    let known = exact
        && uf
            .data()
            .core
            .borrow()
            .loops
            .iter()
            .any(|l| l.dtypes.as_deref().is_some_and(|d| *d == dtypes[..]));
    if known {
        return Err(PyRuntimeError::new_err("loop already registered"));
    }
    add(uf, function, types, exact.then_some(dtypes), data);
    Ok(())
}

fn add(
    uf: &UfuncRef<'_>,
    function: Function,
    types: Vec<TypeNum>,
    dtypes: Option<Vec<Dtype>>,
    data: *mut c_void,
) {
    let raises = may_raise(&types) || dtypes.as_ref().is_some_and(|d| d.iter().any(Dtype::has_object));
    let def = loop_of(uf, function, types, data, raises);
    {
        let mut core = uf.data().core.borrow_mut();
        let loops = &mut core.loops;
        match loops.iter_mut().find(|l| l.dtypes.is_none() && dtypes.is_none() && l.def.types == def.types) {
            Some(old) => old.def = def,
            None => loops.push(Loop { def, dtypes: dtypes.map(Into::into), listed: true }),
        }
    }
    loops_changed(uf);
}
