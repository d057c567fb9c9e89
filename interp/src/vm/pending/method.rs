//! Methods of arrays that wait, and the functions of numpy's namespace that do the same.
//!
//! `(a - b).max()` gets an attribute of an array that isn't there yet. The register waits with it: for the call that
//! follows as a rule, or for anybody else, who gets the method of the computed array.
//!
//! numpy's folds are Python functions inside, and so their warnings have places of their own. A fold that has something to
//! warn of is therefore done once more, by those.

use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::OnceLock;

use micronumpy::TypeNum;
use micronumpy_expr::Number;
use micronumpy_python::objects::Descr;
use micronumpy_python::objects::scalar::types;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyTuple, PyType};

use super::Pending;
use super::node::{Arg, Fold, Node, What};
use crate::bytecode::{Op, Reg};
use crate::vm::Raised;
use crate::vm::frame::Slot;
use crate::vm::run::Vm;

/// What a method does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// By a ufunc, or `mean`.
    Fold(&'static str),
    Cast,
    Clip,
}

impl Method {
    fn named(name: &str) -> Option<Method> {
        Some(match name {
            "sum" => Method::Fold("add"),
            "prod" => Method::Fold("multiply"),
            "max" => Method::Fold("maximum"),
            "min" => Method::Fold("minimum"),
            "any" => Method::Fold("logical_or"),
            "all" => Method::Fold("logical_and"),
            "mean" => Method::Fold("mean"),
            "astype" => Method::Cast,
            "clip" => Method::Clip,
            _ => return None,
        })
    }

    /// The method that a function calls of its first argument.
    fn of_function(py: Python<'_>, callee: *mut ffi::PyObject) -> Option<Method> {
        static KNOWN: OnceLock<Vec<(Py<PyAny>, Method)>> = OnceLock::new();
        let find = |name: &&str| -> Option<(Py<PyAny>, Method)> {
            let function = py.import("numpy._core.fromnumeric").ok()?.getattr(*name).ok()?.unbind();
            let method = match *name {
                "amax" => "max",
                "amin" => "min",
                name => name,
            };
            Some((function, Method::named(method)?))
        };
        let names = ["sum", "prod", "max", "min", "amax", "amin", "any", "all", "mean", "clip"];
        let known = KNOWN.get_or_init(|| names.iter().filter_map(find).collect());
        known.iter().find(|(function, _)| function.as_ptr() == callee).map(|&(_, method)| method)
    }
}

/// A method of a node, in a register.
pub struct Attribute {
    pub reg: Reg,
    pub node: Rc<Node>,
    method: Method,
    /// Of the attribute.
    name: u16,
}

impl Pending {
    /// The method that waits in a register.
    fn method(&self, reg: Reg) -> Option<&Attribute> {
        self.methods.iter().find(|method| method.reg == reg)
    }

    pub(super) fn take_method(&mut self, reg: Reg) -> Option<Attribute> {
        let place = self.methods.iter().position(|method| method.reg == reg)?;
        Some(self.methods.swap_remove(place))
    }
}

impl Vm<'_, '_> {
    /// `dst = obj.name`, where the object waits and so can the method.
    pub fn wait_for_method(&mut self, dst: Reg, obj: Reg, name: u16, pc: usize) -> bool {
        // Locals can be looked at.
        if usize::from(dst) < self.code.locals {
            return false;
        }
        let Some(node) = self.pending.get(obj).cloned() else { return false };
        let key = self.code.name(name).bind(self.py).cast::<PyString>();
        let Some(method) = key.ok().and_then(|key| Method::named(key.to_str().ok()?)) else { return false };
        self.consume(obj, pc);
        self.end(dst, pc);
        self.pending.methods.push(Attribute { reg: dst, node, method, name });
        true
    }

    /// The method of an array that has been computed, into its register.
    pub(super) fn put_method(&mut self, method: Attribute) -> Result<(), Raised> {
        let Some(value) = method.node.value.get() else { return Ok(()) };
        let name = self.code.name(method.name).as_ptr();
        // SAFETY: live objects; the new reference becomes the register's, which was unbound.
        let bound = unsafe { ffi::PyObject_GetAttr(value.as_ptr(), name) };
        let Some(bound) = NonNull::new(bound) else { return Err(Raised) };
        self.frame.regs[usize::from(method.reg)] = Slot::Object(bound);
        Ok(())
    }

    /// A call of such a method, or of a function that does the same to an array that waits.
    pub fn call_of_waiting(
        &mut self,
        dst: Reg,
        first: Reg,
        positional: u16,
        keywords: u16,
        pc: usize,
    ) -> Result<bool, Raised> {
        let (method, node, before) = match self.pending.method(first) {
            Some(bound) => (bound.method, bound.node.clone(), 1),
            None if positional > 0 => {
                let Some(node) = self.pending.get(first + 1).cloned() else { return Ok(false) };
                let Slot::Object(callee) = &self.frame.regs[usize::from(first)] else { return Ok(false) };
                let Some(method) = Method::of_function(self.py, callee.as_ptr()) else { return Ok(false) };
                (method, node, 2)
            }
            None => return Ok(false),
        };
        let names: Vec<String> = match keywords {
            Op::NO_KEYWORDS => Vec::new(),
            index => self.code.consts[usize::from(index)].bind(self.py).extract().unwrap_or_default(),
        };
        // Arguments behind the array, with the names they have.
        let count = usize::from(positional) + names.len();
        let plain = usize::from(positional) + 1 - before;
        let given: Option<Vec<_>> = (before..=count)
            .map(|place| match &self.frame.regs[usize::from(first) + place] {
                // SAFETY: the register holds the object.
                Slot::Object(object) => Some(unsafe { Bound::from_borrowed_ptr(self.py, object.as_ptr()) }),
                Slot::Unbound | Slot::Range(_) => None,
            })
            .collect();
        let Some(given) = given else { return Ok(false) };
        let (given, named) = given.split_at(plain);
        let args = Args { given, named, names: &names };
        let of = |what| Node::new(self.py, what, vec![Arg::Node(node.clone())], pc);
        match method {
            Method::Fold(name) => {
                let Some(fold) = args.fold(name, &node).and_then(|fold| of(What::Fold(fold))) else {
                    return Ok(false);
                };
                drop(node);
                self.fold(dst, (first, count), Rc::new(fold), pc)
            }
            Method::Cast => {
                let Some(cast) = args.number_type().and_then(|num| cast(&node, num)).and_then(of) else {
                    return Ok(false);
                };
                self.consume_window(first, count, pc);
                self.put_node(dst, Rc::new(cast), pc);
                Ok(true)
            }
            Method::Clip => {
                let Some(limits) = args.limits(&node) else { return Ok(false) };
                let operands = [Arg::Node(node)].into_iter().chain(limits).collect();
                let Some(clip) = Node::new(self.py, What::Ufunc("clip"), operands, pc) else {
                    return Ok(false);
                };
                self.consume_window(first, count, pc);
                self.put_node(dst, Rc::new(clip), pc);
                Ok(true)
            }
        }
    }

    /// Computes a fold with all that waits before it.
    fn fold(
        &mut self,
        dst: Reg,
        (first, count): (Reg, usize),
        fold: Rc<Node>,
        pc: usize,
    ) -> Result<bool, Raised> {
        // The fold has the operand now: unless a local holds it as well, nobody will see it.
        let bound = self.pending.take_method(first);
        let place = usize::from(first) + 1;
        let operand = if bound.is_none() { self.pending.nodes[place].take() } else { None };
        let clean = self.compute_with(Some(&fold))?;
        if let (true, Some(value)) = (clean, fold.value.get()) {
            let value = value.clone_ref(self.py).into_ptr();
            self.consume_window(first, count, pc);
            // SAFETY: a new reference.
            unsafe { self.put(dst, value, pc) };
            return Ok(true);
        }
        // The function itself will say it, of an array. What that has raised has been reported.
        let Some(node) = bound.as_ref().map(|bound| &bound.node).or(operand.as_ref()) else {
            return Ok(false);
        };
        if node.value.get().is_none() {
            self.values(std::slice::from_ref(node), None).map_err(|error| {
                error.restore(self.py);
                Raised
            })?;
        }
        if let Some(value) = operand.as_ref().and_then(|node| node.value.get()) {
            // SAFETY: a new reference, which becomes the register's.
            let value = unsafe { NonNull::new_unchecked(value.clone_ref(self.py).into_ptr()) };
            self.frame.regs[place] = Slot::Object(value);
        }
        bound.map_or(Ok(()), |bound| self.put_method(bound))?;
        Ok(false)
    }
}

/// Arguments of a call.
struct Args<'a, 'py> {
    given: &'a [Bound<'py, PyAny>],
    named: &'a [Bound<'py, PyAny>],
    names: &'a [String],
}

impl Args<'_, '_> {
    /// Those of a fold, if they are axes and whether to keep them.
    fn fold(&self, name: &'static str, of: &Node) -> Option<Fold> {
        // Of other elements, `any` and `all` make what they are made of where `np.any` and `np.all` make bools.
        if name.starts_with("logical") && !of.num.is_bool() {
            return None;
        }
        let ndim = of.shape.len();
        let all = 1u64.checked_shl(ndim as u32)?.wrapping_sub(1);
        let mut fold = Fold { name, axes: all, keepdims: false };
        if self.given.len() > 1 {
            return None;
        }
        let named = self.names.iter().map(String::as_str).zip(self.named);
        for (name, value) in self.given.iter().map(|value| ("axis", value)).chain(named) {
            match name {
                "axis" if value.is_none() => fold.axes = all,
                "axis" => fold.axes = axes(value, ndim)?,
                "keepdims" => fold.keepdims = value.cast_exact::<PyBool>().ok()?.is_true(),
                _ => return None,
            }
        }
        Some(fold)
    }

    /// The type of numbers that `astype` is asked for, by a class of Python's or numpy's or a dtype.
    fn number_type(&self) -> Option<TypeNum> {
        let ([kind], []) = (self.given, self.named) else { return None };
        if let Some(descr) = Descr::cast(kind) {
            return descr.dtype().is_native().then_some(descr.dtype().num);
        }
        let class = kind.cast_exact::<PyType>().ok()?.as_type_ptr();
        let python = [
            (&raw mut ffi::PyFloat_Type, TypeNum::DOUBLE),
            (&raw mut ffi::PyLong_Type, TypeNum::LONG),
            (&raw mut ffi::PyBool_Type, TypeNum::BOOL),
            (&raw mut ffi::PyComplex_Type, TypeNum::CDOUBLE),
        ];
        let known = python.into_iter().find(|&(known, _)| known == class).map(|(_, num)| num);
        known.or_else(|| types::typenum_of_class(class))
    }

    /// Those of `clip` of real numbers: numbers, no NaN, and no zero, of whose sign kernels know less than loops.
    fn limits(&self, of: &Node) -> Option<Vec<Arg>> {
        let ([low, high], []) = (self.given, self.named) else { return None };
        let largest = match of.num {
            TypeNum::DOUBLE => f64::MAX,
            TypeNum::FLOAT => f32::MAX.into(),
            _ => return None,
        };
        let limit = |value: &Bound<'_, PyAny>| {
            let x = value.cast_exact::<PyFloat>().ok()?.value();
            (x != 0.0 && x.abs() <= largest).then_some(Arg::Number(Number::Float(x), false))
        };
        Some(vec![limit(low)?, limit(high)?])
    }
}

/// A bit for each axis that an exact int, or a tuple of some, names.
fn axes(value: &Bound<'_, PyAny>, ndim: usize) -> Option<u64> {
    let one = |value: &Bound<'_, PyAny>| -> Option<u64> {
        let axis: isize = value.cast_exact::<PyInt>().ok()?.extract().ok()?;
        let axis = if axis < 0 { axis + ndim as isize } else { axis };
        (0..ndim as isize).contains(&axis).then(|| 1 << axis)
    };
    let Ok(tuple) = value.cast_exact::<PyTuple>() else { return one(value) };
    tuple.iter().try_fold(0, |bits, value| one(&value).filter(|bit| bits & bit == 0).map(|bit| bits | bit))
}

/// A cast that loses no more than digits.
fn cast(node: &Node, num: TypeNum) -> Option<What> {
    (num.is_complex() || !node.num.is_complex()).then_some(What::Cast(num))
}
