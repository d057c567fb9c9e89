//! What instructions do, on kinds: the VM's op families once more, emitting what the VM would execute.
//!
//! A rule either covers what CPython and numpy do in all cases, or puts a guard in front of those it does not cover. A
//! guard stands before the instruction's first effect, so that the VM can do the whole instruction over.

mod arith;
mod attr;
mod call;
pub mod cffi;
mod compare;
mod complex;
mod elements;
mod fold;
pub mod foreign;
mod half;
mod index;
mod inline;
mod long;
mod method;
mod part;
pub mod rows;

use std::rc::Rc;

use jit::ir::Value;
use pyo3::prelude::*;

use super::abort::Abort;
use super::kind::{Abs, ComplexType, Flavor, Val};
use super::walk::Walker;
use crate::bytecode::{CompareOp, Op, UnaryOp};

type Result<T> = std::result::Result<T, Abort>;

impl Walker<'_, '_> {
    /// One instruction without control flow.
    pub fn execute(&mut self, op: Op) -> Result<()> {
        match op {
            Op::Const { dst, index } => {
                let object = self.code.consts[usize::from(index)].bind(self.py).clone();
                self.vars[usize::from(dst)] = self.constant(&object);
            }
            Op::Move { dst, src } => self.vars[usize::from(dst)] = self.read(src.into())?,
            Op::Kill { first, count } => {
                for r in first..first + count {
                    self.vars[usize::from(r)] = Val::Unbound.into();
                }
            }
            // Nothing waits in compiled code.
            Op::Settle => {}
            Op::CheckBound { reg, .. } => {
                self.read(reg.into())?;
            }
            Op::LoadGlobal { dst, name } if !self.calls.is_empty() => {
                self.vars[usize::from(dst)] = self.global_of_callee(name)?;
            }
            Op::StoreGlobal { .. } | Op::LoadCell { .. } | Op::StoreCell { .. } if !self.calls.is_empty() => {
                return Err(Abort::Instruction(format!("{op} in a function that is called")));
            }
            Op::LoadGlobal { dst, name } => {
                self.vars[usize::from(dst)] = self.read(self.flow.vars.global(name))?;
            }
            Op::StoreGlobal { name, src } => {
                self.vars[self.flow.vars.global(name)] = self.read(src.into())?;
            }
            Op::LoadCell { dst, cell } => {
                self.vars[usize::from(dst)] = self.read(self.flow.vars.cell(cell))?;
            }
            Op::StoreCell { cell, src } => {
                self.vars[self.flow.vars.cell(cell)] = self.read(src.into())?;
            }
            Op::Unary { op, dst, a } => {
                let a = self.read(a.into())?;
                self.vars[usize::from(dst)] = self.unary(op, &a)?;
            }
            Op::InPlace { op, dst, a, b } => {
                let (a, b) = (self.read(a.into())?, self.read(b.into())?);
                self.vars[usize::from(dst)] = if elements::is_array(&a) {
                    self.in_place(op, &a, &b)?
                } else {
                    self.binary(op, &a, &b)?
                };
            }
            Op::Binary { op, dst, a, b } => {
                let (a, b) = (self.read(a.into())?, self.read(b.into())?);
                self.vars[usize::from(dst)] = self.binary(op, &a, &b)?;
            }
            Op::Compare { op, dst, a, b } => {
                let (a, b) = (self.read(a.into())?, self.read(b.into())?);
                self.vars[usize::from(dst)] = self.compare(op, &a, &b)?;
            }
            Op::GetIter { dst, src } => {
                let abs = self.read(src.into())?;
                let is_local = !self.flow.vars.is_temporary(src.into());
                if is_local && matches!(abs.val, Val::Enumerate { .. } | Val::Zip(_)) {
                    return Err(Abort::Iterator);
                }
                let val = self.iterate(&abs)?;
                self.vars[usize::from(dst)] = val.into();
            }
            Op::LoadAttr { dst, obj, name } => {
                let abs = self.read(obj.into())?;
                self.vars[usize::from(dst)] = self.attribute(&abs, name)?;
            }
            Op::LoadItem { dst, obj, key } => {
                let (abs, key) = (self.read(obj.into())?, self.read(key.into())?);
                self.vars[usize::from(dst)] = self.item(&abs, &key)?;
            }
            Op::StoreItem { obj, key, src } => {
                let (abs, key, src) =
                    (self.read(obj.into())?, self.read(key.into())?, self.read(src.into())?);
                self.set_item(&abs, &key, &src)?;
            }
            Op::Tuple { dst, first, count } => {
                let items = self.items(first, count)?;
                self.vars[usize::from(dst)] = Val::Tuple(items.into()).into();
            }
            Op::List { dst, first, count } => {
                let items = self.items(first, count)?;
                let id = self.fresh_id();
                self.vars[usize::from(dst)] = Val::List(id, items.into()).into();
            }
            Op::Slice { dst, first } => {
                let items: [Abs; 3] =
                    self.window(first, 3)?.try_into().map_err(|_| Abort::Instruction("slice".into()))?;
                self.vars[usize::from(dst)] = Val::Slice(Rc::new(items)).into();
            }
            Op::Unpack { src, first, count } => {
                let abs = self.read(src.into())?;
                let items = match &abs.val {
                    Val::Tuple(items) | Val::List(_, items) if abs.tag.is_none() => items.to_vec(),
                    Val::Small(s) if abs.tag.is_none() => self.items_of(&Rc::clone(s)),
                    Val::Array(a) if abs.tag.is_none() => self.unpacked(&Rc::clone(a), count)?,
                    _ => return Err(Abort::Operation("unpacking of an object".into())),
                };
                if items.len() != usize::from(count) {
                    return Err(Abort::Operation("unpacking of a tuple of another length".into()));
                }
                for (k, item) in items.into_iter().enumerate() {
                    self.vars[usize::from(first) + k] = item;
                }
            }
            Op::Call { dst, first, positional, keywords } => {
                self.relabel();
                let callee = self.read(first.into())?;
                let args = self.window(first + 1, positional)?;
                let mut named = vec![];
                if keywords != Op::NO_KEYWORDS {
                    let names = self.code.consts[usize::from(keywords)].bind(self.py).clone();
                    let names: Vec<String> =
                        names.extract().map_err(|_| Abort::Instruction("keywords".into()))?;
                    let values = self.window(first + 1 + positional, names.len() as u16)?;
                    named = names.into_iter().zip(values).collect();
                }
                self.vars[usize::from(dst)] = self.call(&callee, &args, &named)?;
            }
            op => return Err(Abort::Instruction(op.to_string())),
        }
        Ok(())
    }

    fn window(&mut self, first: u16, count: u16) -> Result<Vec<Abs>> {
        (first..first + count).map(|r| self.read(r.into())).collect()
    }

    /// What a sequence is made of.
    fn items(&mut self, first: u16, count: u16) -> Result<Vec<Abs>> {
        let items = self.window(first, count)?;
        if items.iter().any(|item| matches!(item.val, Val::Pending(_))) {
            return Err(Abort::Operation("a sequence of arrays of many elements".into()));
        }
        Ok(items)
    }

    /// An object that is always the same: a number by value, everything else by identity.
    pub fn constant(&mut self, object: &Bound<'_, PyAny>) -> Abs {
        use jit::ir::Const;
        match super::entry::flavor_of_object(object.as_ptr()) {
            Some(Flavor::Int) => match object.extract::<i64>() {
                Ok(n) => Abs::num(Flavor::Int, self.b.i64(n)),
                Err(_) => Val::Const(object.as_ptr()).into(),
            },
            Some(Flavor::Bool) => {
                let is_true = object.is_truthy().unwrap_or(false);
                Abs::num(Flavor::Bool, self.b.constant(Const::bool(is_true)))
            }
            Some(Flavor::Float) => match object.extract::<f64>() {
                Ok(x) => Abs::num(Flavor::Float, self.b.f64(x)),
                Err(_) => Val::Const(object.as_ptr()).into(),
            },
            _ if object.is_exact_instance_of::<pyo3::types::PyComplex>() => {
                // SAFETY: a live `complex`.
                let z = unsafe { pyo3::ffi::PyComplex_AsCComplex(object.as_ptr()) };
                Val::Complex(ComplexType::Python, self.b.f64(z.real), self.b.f64(z.imag)).into()
            }
            _ => match object.cast::<pyo3::types::PyTuple>() {
                Ok(items) => {
                    let items: Vec<Abs> = items.iter().map(|i| self.constant(&i)).collect();
                    Val::Tuple(items.into()).into()
                }
                Err(_) => Val::Const(object.as_ptr()).into(),
            },
        }
    }

    /// A number without a tag: its flavor and value.
    pub fn number(&mut self, abs: &Abs) -> Result<(Flavor, Value)> {
        let abs = self.settle(abs);
        match abs.val {
            Val::Num(flavor, v) => Ok((flavor, v)),
            _ => Err(Abort::Operation("a number was expected".into())),
        }
    }
    pub fn is_none(&self, abs: &Abs) -> bool {
        abs.tag.is_none() && matches!(abs.val, Val::Const(p) if p == self.py.None().as_ptr())
    }

    fn unary(&mut self, op: UnaryOp, a: &Abs) -> Result<Abs> {
        if op == UnaryOp::Not {
            let truth = self.truth(a)?;
            let not = self.b.unary(jit::ir::Unary::Not, truth);
            return Ok(Abs::num(Flavor::Bool, not));
        }
        if elements::is_array(a) {
            return self.array_unary(op, a);
        }
        if matches!(a.val, Val::Complex(..)) {
            return self.complex_sign(op, a);
        }
        self.sign(op, a)
    }
    fn compare(&mut self, op: CompareOp, a: &Abs, b: &Abs) -> Result<Abs> {
        match op {
            CompareOp::Is | CompareOp::IsNot => self.identity(op, a, b),
            CompareOp::In | CompareOp::NotIn => Err(Abort::Operation("in".into())),
            op if elements::is_array(a) || elements::is_array(b) => {
                self.elementwise(&[a.clone(), b.clone()], &mut |w, x| w.ordering(op, &x[0], &x[1]))
            }
            op => self.ordering(op, a, b),
        }
    }
}
