//! C functions called through `cffi`, of libraries that `FFI.dlopen` opened.
//!
//! Such a function never changes: its type says how it is called, and what it is is asked once. An argument that `cffi` would
//! refuse is left to the VM, in front of the call; unlike `ctypes`, it cuts no integers off. `cffi` keeps an `errno` of its own,
//! which is in C's place while a function runs: so each call is put between two that exchange it.
//!
//! Functions of extension modules made by `cffi` are not known here: they are builtin functions that tell nothing about C.

use std::cell::Cell;

use jit::ir::{CallDescr, Effects, MemClass, Scalar, Value};
use micronumpy::TypeNum;
use pyo3::ffi;
use pyo3::prelude::*;

use super::Result;
use super::foreign::module;
use crate::record::abort::Abort;
use crate::record::kind::{Abs, Flavor, Val};
use crate::record::walk::Walker;

/// The names of primitive types in `cffi` as far as they are known here.
const PRIMITIVES: [(&str, Scalar); 23] = [
    ("double", Scalar::F64),
    ("float", Scalar::F32),
    ("_Bool", Scalar::Bool),
    ("signed char", Scalar::I8),
    ("unsigned char", Scalar::U8),
    ("short", Scalar::I16),
    ("unsigned short", Scalar::U16),
    ("int", Scalar::I32),
    ("unsigned int", Scalar::U32),
    ("long", Scalar::I64),
    ("unsigned long", Scalar::U64),
    ("long long", Scalar::I64),
    ("unsigned long long", Scalar::U64),
    ("int8_t", Scalar::I8),
    ("uint8_t", Scalar::U8),
    ("int16_t", Scalar::I16),
    ("uint16_t", Scalar::U16),
    ("int32_t", Scalar::I32),
    ("uint32_t", Scalar::U32),
    ("int64_t", Scalar::I64),
    ("uint64_t", Scalar::U64),
    ("size_t", Scalar::U64),
    ("ssize_t", Scalar::I64),
];

thread_local! {
    /// The `errno` of `cffi` while compiled code runs.
    static KEPT: Cell<i32> = const { Cell::new(0) };
}

/// C's `errno`.
fn errno() -> *mut i32 {
    #[cfg(target_os = "macos")]
    // SAFETY: where the thread has its `errno`.
    return unsafe { libc::__error() };
    #[cfg(not(target_os = "macos"))]
    // SAFETY: as above.
    return unsafe { libc::__errno_location() };
}
extern "C" fn put_errno() {
    // SAFETY: the thread's own word.
    unsafe { errno().write(KEPT.get()) };
}
extern "C" fn take_errno() {
    // SAFETY: as above.
    KEPT.set(unsafe { errno().read() });
}

/// In front of compiled code that calls such functions.
pub fn fetch_errno(py: Python<'_>) {
    let get = || module(py, "_cffi_backend")?.getattr("get_errno").ok()?.call0().ok()?.extract().ok();
    KEPT.set(get().unwrap_or(0));
}
/// Behind it.
pub fn give_errno_back(py: Python<'_>) {
    let set = || module(py, "_cffi_backend")?.getattr("set_errno").ok()?.call1((KEPT.get(),)).ok();
    set();
}

/// The attributes of a library. Those of its class may be in front of them.
pub fn library<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let class = object.get_type();
    module(object.py(), "cffi.api")?;
    let is = |name: String, of: &str| name == of;
    if !is(class.qualname().ok()?.extract().ok()?, "_make_ffi_library.<locals>.FFILibrary")
        || !is(class.module().ok()?.extract().ok()?, "cffi.api")
    {
        return None;
    }
    // SAFETY: attached; an ordinary object of a Python class, whose dict is asked for by the ordinary rule.
    unsafe {
        let dict = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), dict).ok()
    }
}

/// The type of a function that `cffi` found in a library.
fn type_of<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let backend = module(object.py(), "_cffi_backend")?;
    let class = backend.dict().get_item("_CDataBase").ok()??;
    // SAFETY: a live object's type is compared.
    if unsafe { ffi::Py_TYPE(object.as_ptr()).cast() } != class.as_ptr() {
        return None;
    }
    let ty = backend.getattr("typeof").ok()?.call1((object,)).ok()?;
    (ty.getattr("kind").ok()?.extract::<String>().ok()? == "function").then_some(ty)
}

/// Whether it is such a function.
pub fn is_function(object: &Bound<'_, PyAny>) -> bool {
    type_of(object).is_some()
}

fn primitive(ty: &Bound<'_, PyAny>) -> Option<Scalar> {
    let text = |name: &str| ty.getattr(name).ok()?.extract::<String>().ok();
    let name = text("cname")?;
    let found = PRIMITIVES.iter().find(|(known, _)| *known == name)?;
    (text("kind")? == "primitive").then_some(found.1)
}

/// Parameters, result and address.
fn signature(function: &Bound<'_, PyAny>) -> Option<(Vec<Scalar>, Option<Scalar>, usize)> {
    let ty = type_of(function)?;
    let backend = module(function.py(), "_cffi_backend")?;
    if ty.getattr("ellipsis").ok()?.is_truthy().ok()? {
        return None;
    }
    let mut params = vec![];
    for arg in ty.getattr("args").ok()?.try_iter().ok()? {
        params.push(primitive(&arg.ok()?)?);
    }
    let result = ty.getattr("result").ok()?;
    let result = match result.getattr("kind").ok()?.extract::<String>().ok()?.as_str() {
        "void" => None,
        _ => Some(primitive(&result).filter(|s| *s != Scalar::U64)?),
    };
    let number = backend.getattr("new_primitive_type").ok()?.call1(("intptr_t",)).ok()?;
    let address = backend.getattr("cast").ok()?.call1((number, function)).ok()?;
    let address: i64 = address.call_method0("__int__").ok()?.extract().ok()?;
    (address != 0).then_some((params, result, address as usize))
}

impl Walker<'_, '_> {
    /// A call of such a function.
    pub fn foreign_of_cffi(&mut self, function: &Bound<'_, PyAny>, args: &[Abs]) -> Result<Abs> {
        let refuse = |why: &str| Abort::Callee(format!("a C function {why}"));
        let (params, result, addr) = signature(function).ok_or_else(|| refuse("with such types"))?;
        if params.len() != args.len() {
            return Err(refuse("with other arguments than it has parameters"));
        }
        let mut values = vec![];
        for (arg, &scalar) in args.iter().zip(&params) {
            values.push(self.as_c_of_cffi(arg, scalar)?);
        }
        self.check();
        self.before_store(MemClass::ANY, None)?;
        self.c_call(put_errno as *const () as usize, vec![], None, vec![]);
        let value = self.c_call(addr, params, result, values);
        self.c_call(take_errno as *const () as usize, vec![], None, vec![]);
        self.stores = true;
        self.entry.inputs.keeps_errno = true;
        Ok(self.result_of_c(value, result))
    }

    /// A call that may do anything.
    pub fn c_call(
        &mut self,
        addr: usize,
        params: Vec<Scalar>,
        result: Option<Scalar>,
        args: Vec<Value>,
    ) -> Option<Value> {
        let effects = Effects::ALL;
        let descr = CallDescr { name: "a C function".into(), params, result, effects, addr, tile: 0 };
        let id = self.b.declare(descr);
        self.b.call(id, args)
    }
    /// What Python gets of it.
    pub fn result_of_c(&mut self, value: Option<Value>, result: Option<Scalar>) -> Abs {
        match (value, result) {
            (Some(v), Some(Scalar::Bool)) => Abs::num(Flavor::Bool, v),
            (Some(v), Some(Scalar::F32 | Scalar::F64)) => Abs::num(Flavor::Float, self.as_float(v)),
            (Some(v), _) => Abs::num(Flavor::Int, self.as_int(v)),
            (None, _) => Val::Const(self.py.None().as_ptr()).into(),
        }
    }

    /// An argument as a C type: integers must fit, floats are rounded.
    fn as_c_of_cffi(&mut self, arg: &Abs, scalar: Scalar) -> Result<Value> {
        let (flavor, v) = self.number(arg)?;
        if scalar.is_float() {
            let v = self.as_float(v);
            return Ok(if scalar == Scalar::F64 { v } else { self.b.convert(v, scalar) });
        }
        let wide = match flavor {
            Flavor::Bool | Flavor::Np(TypeNum::BOOL) if scalar == Scalar::Bool => return Ok(v),
            Flavor::Bool | Flavor::Np(TypeNum::BOOL) => self.as_int(v),
            _ if scalar == Scalar::Bool => {
                return Err(Abort::Callee("a C function with a number for a bool".into()));
            }
            _ => self.whole_number(&Abs::num(flavor, v))?,
        };
        self.guard_range(wide, scalar);
        Ok(if scalar == Scalar::I64 { wide } else { self.b.convert(wide, scalar) })
    }
}
