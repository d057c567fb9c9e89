//! Array operations that wait, so that chains of them become one loop.
//!
//! `a * b + c` on large arrays makes a node per operation: type and shape are known at once, and only operations that are
//! certain to work become nodes, so that errors come from the real operation at its own time. The elements are computed when
//! somebody needs the array, all that waits in one go. That is before anything foreign can run (it could look, or write to
//! an operand), before anything is stored in an array, at the heads of loops and when the region is left; objects CPython
//! can see never wait. What a calculation raised is reported call by call, in program order, each at its own place.
//!
//! Folds (`(a - b).max()`, `np.sum(a * b, axis=0)`) compute what waits with themselves at its end: an operand that only the
//! fold needs never becomes an array.
//!
//! Where arrays are the target, of `out[...] = expression` and `out += expression`, the loop writes there, unless an
//! operand lies in the same memory.

mod compute;
mod method;
mod node;

use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use micronumpy::ArrayRef;
use micronumpy_python::objects::ufunc::{self, errstate};
use micronumpy_python::objects::{Array, array};
use pyo3::ffi;
use pyo3::prelude::*;

use method::Attribute;
pub use node::{Arg, Node, What, is_array, is_large};

use super::Raised;
use super::frame::Slot;
use super::run::Vm;
use crate::bytecode::{BinaryOp, CompareOp, Op, Reg, UnaryOp};
use crate::embed::errors::Held;

/// Nodes that wait at a time.
const MANY: usize = 64;

/// What waits in the registers of a run.
#[derive(Default)]
pub struct Pending {
    /// By register; empty until something waits. The register itself is unbound meanwhile.
    nodes: Vec<Option<Rc<Node>>>,
    /// Methods of arrays that wait, in registers that are unbound meanwhile.
    methods: Vec<Attribute>,
    /// What no register holds any longer. It is computed all the same: there may be something to warn of.
    orphans: Vec<Rc<Node>>,
    /// Nodes made since nothing waited.
    made: usize,
}

impl Pending {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.made == 0
    }
    #[inline]
    pub fn get(&self, reg: Reg) -> Option<&Rc<Node>> {
        self.nodes.get(usize::from(reg))?.as_ref()
    }
    /// The register is about to hold something else.
    #[inline]
    pub fn forget(&mut self, reg: Reg) {
        let node = self.nodes.get_mut(usize::from(reg)).and_then(Option::take);
        if let Some(node) = node.or_else(|| self.take_method(reg).map(|method| method.node))
            && Rc::strong_count(&node) == 1
            && node.value.get().is_none()
        {
            self.orphans.push(node);
        }
    }
}

impl Vm<'_, '_> {
    /// Whether an operation on this register may have to wait.
    #[inline]
    pub fn may_wait(&self, reg: Reg) -> bool {
        match &self.frame.regs[usize::from(reg)] {
            // SAFETY: the register holds the object.
            Slot::Object(object) => unsafe { is_array(object.as_ptr()) },
            Slot::Unbound => self.pending.get(reg).is_some(),
            Slot::Range(_) => false,
        }
    }

    /// A register as an operand, if its object is a plain one.
    fn operand(&self, reg: Reg, what: What) -> Option<Arg> {
        match &self.frame.regs[usize::from(reg)] {
            Slot::Object(object) => {
                // SAFETY: the register holds the object.
                let object = unsafe { Bound::from_borrowed_ptr(self.py, object.as_ptr()) };
                Arg::of(&object, what)
            }
            Slot::Unbound => self.pending.get(reg).map(|node| Arg::Node(node.clone())),
            Slot::Range(_) => None,
        }
    }

    /// Makes the result of an operation wait, if it can. Then the operands are consumed.
    pub fn wait(&mut self, what: What, dst: Reg, operands: &[Reg], pc: usize) -> Result<bool, Raised> {
        let Some(node) = self.node(what, operands, pc)? else { return Ok(false) };
        for &reg in operands {
            self.consume(reg, pc);
        }
        self.put_node(dst, Rc::new(node), pc);
        Ok(true)
    }

    fn node(&mut self, what: What, operands: &[Reg], pc: usize) -> Result<Option<Node>, Raised> {
        if self.pending.made >= MANY {
            self.compute_all()?;
        }
        // An error has to come before the next statement assigns its name.
        if !errstate::only_warns(self.py).unwrap_or(false) {
            return Ok(None);
        }
        let args: Option<Vec<Arg>> = operands.iter().map(|&reg| self.operand(reg, what)).collect();
        Ok(args.and_then(|args| Node::new(self.py, what, args, pc)))
    }

    fn put_node(&mut self, dst: Reg, node: Rc<Node>, pc: usize) {
        self.end(dst, pc);
        if self.pending.nodes.is_empty() {
            self.pending.nodes.resize(self.code.registers, None);
        }
        self.pending.nodes[usize::from(dst)] = Some(node);
        self.pending.made += 1;
    }

    /// The second register shares what waits in the first.
    pub fn share(&mut self, dst: Reg, src: Reg, pc: usize) -> bool {
        let Some(node) = self.pending.get(src).cloned() else { return false };
        self.put_node(dst, node, pc);
        true
    }

    /// Puts arrays into all registers whose values wait.
    pub fn compute_all(&mut self) -> Result<(), Raised> {
        if self.pending.is_empty() { Ok(()) } else { self.compute_with(None).map(drop) }
    }

    /// Computes all that waits, and with it a fold that comes after it. What the fold itself raised is not reported: then
    /// the result is false.
    fn compute_with(&mut self, fold: Option<&Rc<Node>>) -> Result<bool, Raised> {
        let mut roots = std::mem::take(&mut self.pending.orphans);
        let mut add = |node: &Rc<Node>| {
            if !roots.iter().any(|root| Rc::ptr_eq(root, node)) {
                roots.push(node.clone());
            }
        };
        // Locals of a function that is about to return are only computed on the way to something else.
        let returned = self.returning();
        let dying =
            |reg: usize| reg < self.code.locals && returned.is_some_and(|src| usize::from(src) != reg);
        let (mut dead, mut live): (Vec<Rc<Node>>, Vec<Rc<Node>>) = (Vec::new(), Vec::new());
        for (reg, node) in self.pending.nodes.iter().enumerate() {
            if let Some(node) = node {
                if dying(reg) { &mut dead } else { &mut live }.push(node.clone());
            }
        }
        let methods = std::mem::take(&mut self.pending.methods);
        live.extend(methods.iter().map(|method| method.node.clone()));
        live.iter().for_each(&mut add);
        let waiting: Vec<Rc<Node>> = live.iter().chain(fold).flat_map(|root| root.waiting()).collect();
        dead.retain(|node| {
            let on_the_way = waiting.iter().any(|other| Rc::ptr_eq(other, node));
            if !on_the_way {
                add(node);
            }
            on_the_way
        });
        roots.sort_by_key(|root| root.pc);
        roots.extend(fold.cloned());
        let mut result = if roots.is_empty() { Ok(true) } else { self.compute(&roots, None) };
        if result.is_err() && !dead.is_empty() {
            // They will be looked at after all.
            // SAFETY: attached.
            let pending = unsafe { Held::take() };
            let place = self.raised_at;
            let _ = self.compute(&dead, None);
            // SAFETY: as above.
            unsafe { ffi::PyErr_Clear() }
            drop(pending);
            self.raised_at = place;
            result = Err(Raised);
        }
        // Whatever happened, nothing waits any longer.
        self.pending.made = 0;
        for (reg, node) in self.pending.nodes.iter_mut().enumerate() {
            let Some(node) = node.take() else { continue };
            if let Some(value) = node.value.get() {
                let object = value.clone_ref(self.py).into_ptr();
                // SAFETY: a reference is never null; it becomes the register's, which was unbound.
                self.frame.regs[reg] = Slot::Object(unsafe { std::ptr::NonNull::new_unchecked(object) });
            }
        }
        for method in methods {
            self.put_method(method)?;
        }
        result
    }

    /// The register the region is about to return, when all that is left to do is to put it together.
    fn returning(&self) -> Option<Reg> {
        if self.turns != 0 {
            return None;
        }
        let rest = self.code.ops.get(self.now..)?;
        let to_come = rest.iter().find(|op| {
            !matches!(op, Op::Tuple { .. } | Op::Const { .. } | Op::Move { .. } | Op::Kill { .. })
        });
        match to_come {
            Some(&Op::Return { src }) => Some(src),
            _ => None,
        }
    }

    /// Computes some nodes; the last into an output if there is one. False when the last is a fold that raised something.
    fn compute(&mut self, roots: &[Rc<Node>], out: Option<&ArrayRef<'_>>) -> Result<bool, Raised> {
        let computed = self.values(roots, out);
        self.fused += 1;
        self.worked = true;
        self.region.left_alone.store(0, Ordering::Relaxed);
        let raised = computed.map_err(|error| {
            self.raised_at = roots.first().map(|root| root.pc);
            error.restore(self.py);
            Raised
        })?;
        let fold = roots.last().filter(|root| matches!(root.what, What::Fold(_))).map(|root| root.pc);
        let mut clean = true;
        for (name, flags, pc) in raised {
            if fold == Some(pc) {
                clean = false;
                continue;
            }
            self.show(pc);
            if let Err(error) = errstate::report(self.py, name, flags) {
                self.raised_at = Some(pc);
                error.restore(self.py);
                return Err(Raised);
            }
        }
        Ok(clean)
    }

    /// Gives some nodes their values. Returns what that raised.
    fn values(&self, roots: &[Rc<Node>], out: Option<&ArrayRef<'_>>) -> PyResult<Vec<compute::Raised>> {
        let computed = compute::compute(self.py, roots, out)?;
        for (root, array) in roots.iter().zip(computed.arrays) {
            if let Some(array) = array {
                let array = array::from_owned(self.py, array)?;
                let value = match root.what {
                    What::Fold(_) => array::unwrap_0d(array)?,
                    _ => array.0,
                };
                let _ = root.value.set(value.unbind());
            }
        }
        Ok(computed.raised)
    }

    /// As [`Vm::compute_all`] when an exception is on its way: it stays the one that is raised.
    pub fn compute_all_quietly(&mut self) {
        // SAFETY: attached.
        let _pending = unsafe { Held::take() };
        if self.compute_all().is_err() {
            // SAFETY: as above.
            unsafe { ffi::PyErr_Clear() }
        }
    }

    /// `a op= b` on an array: the loop writes there.
    pub fn wait_in_place(
        &mut self,
        op: BinaryOp,
        dst: Reg,
        a: Reg,
        b: Reg,
        pc: usize,
    ) -> Result<bool, Raised> {
        let Some(what) = binary(op) else { return Ok(false) };
        if let Some(node) = self.pending.get(a) {
            // The array would be a new one that nobody else has: then this is the same as an operation of its own.
            let (num, shape) = (node.num, node.shape.clone());
            let holders = self.pending.nodes.iter().flatten().filter(|other| Rc::ptr_eq(other, node)).count();
            let next = self.node(what, &[a, b], pc)?;
            // Computing what had waited too long may have settled it.
            if let Some(next) = next
                && self.pending.get(a).is_some()
                && holders == 1
                && next.num == num
                && next.shape == shape
            {
                self.consume(a, pc);
                self.consume(b, pc);
                self.put_node(dst, Rc::new(next), pc);
                return Ok(true);
            }
            return Ok(false);
        }
        if self.pending.get(b).is_none() {
            return Ok(false);
        }
        let target = self.object(a)?;
        // SAFETY: the register holds the object for the time of the instruction.
        let target = unsafe { Bound::from_borrowed_ptr(self.py, target) };
        let Some(out) = Array::cast(&target).filter(|out| out.is_exact() && out.is_writeable()) else {
            return Ok(false);
        };
        let Some(node) = self.node(what, &[a, b], pc)? else { return Ok(false) };
        if node.num != out.dtype().num || node.shape[..] != *out.shape() {
            return Ok(false);
        }
        let operand = self.pending.get(b).cloned();
        self.write(Rc::new(node), operand, b, &out, pc)?;
        self.consume(b, pc);
        if a != dst {
            let object = target.clone().into_ptr();
            self.consume(a, pc);
            // SAFETY: a new reference.
            unsafe { self.put(dst, object, pc) };
        }
        Ok(true)
    }

    /// `target[key] = src` with a value that waits: the loop writes there.
    pub fn store_waiting(&mut self, obj: Reg, key: Reg, src: Reg, pc: usize) -> Result<bool, Raised> {
        let Some(node) = self.pending.get(src).cloned() else { return Ok(false) };
        if self.pending.get(obj).is_some() || self.pending.get(key).is_some() {
            return Ok(false);
        }
        let (target, index) = (self.object(obj)?, self.object(key)?);
        // SAFETY: the registers hold the objects.
        unsafe {
            if !is_array(target) || !is_basic(index) {
                return Ok(false);
            }
            let target = Bound::from_borrowed_ptr(self.py, target);
            let Some(whole) = Array::cast(&target).filter(Array::is_writeable) else { return Ok(false) };
            if whole.dtype().num != node.num || !whole.dtype().is_native() {
                return Ok(false);
            }
            let view = ffi::PyObject_GetItem(target.as_ptr(), index);
            if view.is_null() {
                // The assignment will say what is wrong.
                ffi::PyErr_Clear();
                return Ok(false);
            }
            let view = Bound::from_owned_ptr(self.py, view);
            let Some(out) = Array::cast(&view).filter(Array::is_exact) else { return Ok(false) };
            if node.shape[..] != *out.shape() {
                return Ok(false);
            }
            self.write(node.clone(), Some(node), src, &out, pc)?;
        }
        self.consume(src, pc);
        self.consume(obj, pc);
        self.consume(key, pc);
        Ok(true)
    }

    /// Computes a node into an array. `consumed` is what waits in the register `reg` that the instruction ends; everything
    /// else that waits is computed first.
    fn write(
        &mut self,
        node: Rc<Node>,
        consumed: Option<Rc<Node>>,
        reg: Reg,
        out: &Array<'_>,
        pc: usize,
    ) -> Result<(), Raised> {
        if usize::from(reg) >= self.code.locals {
            self.pending.forget(reg);
        }
        self.compute_all()?;
        drop(consumed);
        if node.value.get().is_none() && !node.meets(self.py, &out.view()) {
            return self.compute(&[node], Some(&out.view())).map(drop);
        }
        if node.value.get().is_none() {
            self.compute(std::slice::from_ref(&node), None)?;
        }
        let Some(value) = node.value.get() else { return Err(self.no_value(pc)) };
        let value = value.bind(self.py);
        array::assign(out, value).map_err(|error| {
            error.restore(self.py);
            Raised
        })
    }

    #[cold]
    fn no_value(&self, pc: usize) -> Raised {
        let text = format!("{}: nothing came of instruction {pc}", self.code.label);
        pyo3::exceptions::PySystemError::new_err(text).restore(self.py);
        Raised
    }
}

/// The ufunc of an operator of arrays.
pub fn binary(op: BinaryOp) -> Option<What> {
    Some(What::Ufunc(match op {
        BinaryOp::Add => "add",
        BinaryOp::Subtract => "subtract",
        BinaryOp::Multiply => "multiply",
        BinaryOp::TrueDivide => "divide",
        BinaryOp::Remainder => "remainder",
        BinaryOp::FloorDivide => "floor_divide",
        BinaryOp::LeftShift => "left_shift",
        BinaryOp::RightShift => "right_shift",
        BinaryOp::Or => "bitwise_or",
        BinaryOp::Xor => "bitwise_xor",
        BinaryOp::And => "bitwise_and",
        BinaryOp::Power => return Some(What::Power),
        BinaryOp::MatrixMultiply => return None,
    }))
}

pub fn unary(op: UnaryOp) -> Option<What> {
    Some(What::Ufunc(match op {
        UnaryOp::Invert => "invert",
        UnaryOp::Positive => "positive",
        UnaryOp::Negative => "negative",
        UnaryOp::Not => return None,
    }))
}

pub fn compare(op: CompareOp) -> Option<What> {
    Some(What::Ufunc(match op {
        CompareOp::Eq => "equal",
        CompareOp::NotEq => "not_equal",
        CompareOp::Lt => "less",
        CompareOp::LtE => "less_equal",
        CompareOp::Gt => "greater",
        CompareOp::GtE => "greater_equal",
        CompareOp::Is | CompareOp::IsNot | CompareOp::In | CompareOp::NotIn => return None,
    }))
}

/// The comparison that arrays see when a Python number stands on the left: its own knows nothing of arrays.
pub fn reflected(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::LtE => CompareOp::GtE,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::GtE => CompareOp::LtE,
        other => other,
    }
}

/// What a call of this object with so many arguments does to arrays.
pub fn function(py: Python<'_>, callee: *mut ffi::PyObject, arguments: usize) -> Option<What> {
    if let Some((name, _)) = ufunc::builtins().iter().find(|(_, object)| object.as_ptr() == callee) {
        let def = ufuncs::table::UFUNCS.iter().find(|def| def.name == *name)?;
        return (def.nin == arguments && def.nout == 1).then_some(What::Ufunc(name));
    }
    // There are arrays, so that both modules are there. What cannot be imported is not what is called.
    let known = |module: &str, name: &str| Some(py.import(module).ok()?.getattr(name).ok()?.unbind());
    static ABS: OnceLock<Option<Py<PyAny>>> = OnceLock::new();
    static WHERE: OnceLock<Option<Py<PyAny>>> = OnceLock::new();
    let is = |object: &Option<Py<PyAny>>| object.as_ref().is_some_and(|object| object.as_ptr() == callee);
    match arguments {
        1 if is(ABS.get_or_init(|| known("builtins", "abs"))) => Some(What::Ufunc("absolute")),
        3 if is(WHERE.get_or_init(|| known("numpy._core.multiarray", "where"))) => Some(What::Where),
        _ => None,
    }
}

/// Whether an index is integers, slices, `None` and `...`: it makes a view, or an element, and runs no foreign code.
///
/// # Safety
/// A live object.
pub unsafe fn is_basic(index: *mut ffi::PyObject) -> bool {
    // SAFETY: by contract; items of a tuple and the parts of a slice live as long as these.
    unsafe {
        let kind = ffi::Py_TYPE(index);
        let exact_int = |o: *mut ffi::PyObject| ffi::Py_TYPE(o) == &raw mut ffi::PyLong_Type;
        if kind == &raw mut ffi::PyTuple_Type {
            return (0..ffi::PyTuple_GET_SIZE(index)).all(|i| {
                let item = ffi::PyTuple_GET_ITEM(index, i);
                ffi::Py_TYPE(item) != &raw mut ffi::PyTuple_Type && is_basic(item)
            });
        }
        if kind == &raw mut ffi::PySlice_Type {
            let slice = index.cast::<ffi::PySliceObject>();
            return [(*slice).start, (*slice).stop, (*slice).step]
                .into_iter()
                .all(|part| part == ffi::Py_None() || exact_int(part));
        }
        exact_int(index) || index == ffi::Py_None() || index == ffi::Py_Ellipsis()
    }
}
