//! C functions called through `ctypes` (and where those of `cffi` are told apart).
//!
//! A function of a library whose `argtypes` and `restype` are simple types is a direct call. What an argument turns into is
//! what `ctypes` makes of it; an argument it would refuse is left to the VM, in front of the call, as nothing can be undone
//! behind it. That function, types and address are still the same is asked at every entry.
//!
//! `ctypes` lets other threads run meanwhile, a direct call does not: they run when compiled code comes back, every few
//! milliseconds. A function that waits for another thread of Python must not be called in a loop of numbers only.

use std::ffi::CStr;

use jit::ir::{MemClass, Scalar, Value};
use micronumpy::TypeNum;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

use super::Result;
use super::cffi;
use crate::record::abort::Abort;
use crate::record::kind::{Abs, Flavor};
use crate::record::walk::Walker;

/// The names of simple types in `ctypes`.
const SIMPLE: [(&CStr, Scalar); 13] = [
    (c"c_double", Scalar::F64),
    (c"c_float", Scalar::F32),
    (c"c_bool", Scalar::Bool),
    (c"c_byte", Scalar::I8),
    (c"c_ubyte", Scalar::U8),
    (c"c_short", Scalar::I16),
    (c"c_ushort", Scalar::U16),
    (c"c_int", Scalar::I32),
    (c"c_uint", Scalar::U32),
    (c"c_long", Scalar::I64),
    (c"c_longlong", Scalar::I64),
    (c"c_ulong", Scalar::U64),
    (c"c_ulonglong", Scalar::U64),
];
/// `FUNCFLAG_CDECL` and nothing else: no `errno` to keep, no API of Python.
const PLAIN: i64 = 1;

/// A function, and what a trace takes for granted about it.
pub struct Foreign {
    function: Py<PyAny>,
    argtypes: Py<PyAny>,
    restype: Py<PyAny>,
    /// How its class is called.
    call: usize,
    /// Where the function object has its address.
    cell: *const usize,
    address: usize,
}

/// A module that was imported already.
pub fn module<'py>(py: Python<'py>, name: &str) -> Option<Bound<'py, PyModule>> {
    let modules = py.import("sys").ok()?.getattr("modules").ok()?;
    modules.cast_into::<PyDict>().ok()?.get_item(name).ok()??.cast_into_exact().ok()
}

/// Whether it is a function that `ctypes` or `cffi` found in a library. (Functions of Python that C may call are of other
/// classes.)
pub fn is_function(object: &Bound<'_, PyAny>) -> bool {
    if cffi::is_function(object) {
        return true;
    }
    let py = object.py();
    let is = || {
        let base = module(py, "_ctypes")?.dict().get_item("CFuncPtr").ok()??;
        let class = object.get_type();
        // SAFETY: a class that is alive; its base is compared.
        let is_child = unsafe { (*class.as_type_ptr()).tp_base.cast() == base.as_ptr() };
        if !is_child {
            return None;
        }
        let name: String = class.qualname().ok()?.extract().ok()?;
        Some(name == "CDLL.__init__.<locals>._FuncPtr")
    };
    is().unwrap_or(false)
}

/// The attributes of a library. Those of its class may be in front of them.
pub fn library<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    if let Some(dict) = cffi::library(object) {
        return Some(dict);
    }
    let class = module(object.py(), "ctypes")?.dict().get_item("CDLL").ok()??;
    // SAFETY: attached; an ordinary object of a Python class, whose dict is asked for by the ordinary rule.
    unsafe {
        if ffi::Py_TYPE(object.as_ptr()).cast() != class.as_ptr() {
            return None;
        }
        let dict = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), dict).ok()
    }
}

/// What a function object keeps under a name, whatever its class says.
fn kept<'py>(function: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
    let py = function.py();
    let base = module(py, "_ctypes")?.dict().get_item("CFuncPtr").ok()??;
    // SAFETY: a live class; its dict, which it holds, is read, and what it has there is called by its slot.
    unsafe {
        let dict = (*base.as_ptr().cast::<ffi::PyTypeObject>()).tp_dict;
        let dict: Bound<'_, PyAny> = Bound::from_borrowed_ptr_or_opt(py, dict)?;
        let descriptor = dict.cast::<PyDict>().ok()?.get_item(name).ok()??;
        let get = (*ffi::Py_TYPE(descriptor.as_ptr())).tp_descr_get?;
        let value = get(descriptor.as_ptr(), function.as_ptr(), base.as_ptr());
        Bound::from_owned_ptr_or_err(py, value).ok()
    }
}

/// The slot of its class for calls.
fn how_called(object: &Bound<'_, PyAny>) -> usize {
    // SAFETY: a live object's type.
    unsafe { (*ffi::Py_TYPE(object.as_ptr())).tp_call.map_or(0, |f| f as usize) }
}

fn simple(object: &Bound<'_, PyAny>) -> Option<Scalar> {
    let dict = module(object.py(), "ctypes")?.dict();
    let has = |name: &CStr| {
        let found = dict.get_item(name.to_str().ok()?).ok()??;
        found.is(object).then_some(())
    };
    SIMPLE.iter().find(|(name, _)| has(name).is_some()).map(|(_, scalar)| *scalar)
}

impl Foreign {
    fn of(function: &Bound<'_, PyAny>) -> Option<Foreign> {
        let py = function.py();
        let flags = function.get_type().getattr("_flags_").ok()?.extract::<i64>().ok()?;
        if flags != PLAIN || !kept(function, "errcheck")?.is_none() {
            return None;
        }
        let cell: usize =
            module(py, "_ctypes")?.getattr("addressof").ok()?.call1((function,)).ok()?.extract().ok()?;
        let cell = cell as *const usize;
        Some(Foreign {
            function: function.clone().unbind(),
            argtypes: kept(function, "argtypes")?.unbind(),
            restype: kept(function, "restype")?.unbind(),
            call: how_called(function),
            cell,
            // SAFETY: where `ctypes` has the address, which lives as long as the function does.
            address: unsafe { cell.read() },
        })
    }
    /// Whether it still is what it was.
    pub fn holds(&self, py: Python<'_>) -> bool {
        let function = self.function.bind(py);
        let is = |name: &str, value: &Py<PyAny>| kept(function, name).is_some_and(|v| v.is(value));
        // SAFETY: the word a live function object has its address in.
        let address = unsafe { self.cell.read() };
        how_called(function) == self.call
            && address == self.address
            && is("argtypes", &self.argtypes)
            && is("restype", &self.restype)
            && kept(function, "errcheck").is_some_and(|e| e.is_none())
    }
}

impl Walker<'_, '_> {
    /// A call of a function of a library.
    pub fn foreign(&mut self, function: &Bound<'_, PyAny>, args: &[Abs]) -> Result<Abs> {
        let refuse = |why: &str| Abort::Callee(format!("a C function {why}"));
        if !self.calls.is_empty() {
            return Err(refuse("in a function that is called"));
        }
        if cffi::is_function(function) {
            return self.foreign_of_cffi(function, args);
        }
        let foreign = Foreign::of(function).ok_or_else(|| refuse("with options"))?;
        let types: Vec<Bound<'_, PyAny>> = foreign
            .argtypes
            .bind(self.py)
            .try_iter()
            .and_then(Iterator::collect)
            .map_err(|_| refuse("without argtypes"))?;
        let params: Vec<Scalar> = types.iter().filter_map(simple).collect();
        if params.len() != types.len() || params.len() != args.len() {
            return Err(refuse("with other arguments than numbers"));
        }
        let restype = foreign.restype.bind(self.py);
        let result = match restype.is_none() {
            true => None,
            false => Some(
                simple(restype).filter(|s| *s != Scalar::U64).ok_or_else(|| refuse("with such a result"))?,
            ),
        };
        let mut values = vec![];
        for (arg, &scalar) in args.iter().zip(&params) {
            values.push(self.as_c(arg, scalar)?);
        }
        self.check();
        self.before_store(MemClass::ANY, None)?;
        let value = self.c_call(foreign.address, params, result, values);
        self.stores = true;
        self.entry.assume_foreign(foreign);
        Ok(self.result_of_c(value, result))
    }

    /// An argument as a C type: integers are cut off, floats rounded.
    fn as_c(&mut self, arg: &Abs, scalar: Scalar) -> Result<Value> {
        if scalar == Scalar::Bool {
            return self.truth(arg);
        }
        let (flavor, v) = self.number(arg)?;
        let is_integer = match flavor {
            Flavor::Int | Flavor::Bool => true,
            Flavor::Float => false,
            Flavor::Np(TypeNum::BOOL) => return Err(Abort::Callee("a C function with such a number".into())),
            Flavor::Np(num) => num.is_integer(),
        };
        if scalar.is_float() {
            let v = self.as_float(v);
            return Ok(if scalar == Scalar::F64 { v } else { self.b.convert(v, scalar) });
        }
        if !is_integer {
            return Err(Abort::Callee("a C function with a float for an integer".into()));
        }
        Ok(if self.b.ty(v).scalar == scalar { v } else { self.b.convert(v, scalar) })
    }
}
