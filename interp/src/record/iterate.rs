//! Iterators: what a loop goes over, where that stands, and the item at a turn.
//!
//! Iterators over ranges and arrays, `enumerate` and `zip` are positions that grow by fixed steps, so that all of them
//! follow from the number of the turn. Only iterators nobody else has are taken apart: when the trace is left, a new one
//! takes their place.

use std::rc::Rc;

use jit::ir::{Binary, Builder, Ty, Value};
use micronumpy_python::objects::array;
use pyo3::ffi;
use pyo3::prelude::*;

use super::abort::Abort;
use super::entry::{Check, Entry};
use super::kind::{Abs, Flavor, Step, Val};
use super::walk::Walker;
use crate::vm::RangeIter;

/// The iteration of a loop.
pub struct Iteration {
    /// The register of the iterator.
    pub iter: usize,
    /// As it stands in front of the loop.
    pub over: Val,
    /// Whether the counter of the loop is the position itself, and not the number of the turn.
    pub direct: bool,
    /// Of the counter: the end of all turns, and of those there is time for.
    pub end: Value,
    pub limit: Value,
}

/// Positions and steps of the parts of an iterator: where it stands, its end, its step.
pub fn parts(b: &mut Builder, over: &Val, out: &mut Vec<(Value, Value, Step)>) -> Result<(), Abort> {
    match over {
        Val::Items { of, next } => {
            let stop = b.i64(items_in(of).ok_or(Abort::Iterator)? as i64);
            out.push((*next, stop, Step::Const(1)));
        }
        Val::RangeIter { next, stop, step } => out.push((*next, *stop, *step)),
        Val::ArrayIter { array, next } => {
            let stop = array.dims.first().ok_or(Abort::Iterator)?;
            out.push((*next, *stop, Step::Const(1)));
        }
        Val::Enumerate { inner, .. } => parts(b, inner, out)?,
        Val::Zip(items) => {
            for item in items.iter() {
                parts(b, item, out)?;
            }
        }
        _ => return Err(Abort::Iterator),
    }
    Ok(())
}

/// How many items something has that iteration goes over.
fn items_in(of: &Val) -> Option<usize> {
    match of {
        Val::Tuple(items) | Val::List(_, items) => Some(items.len()),
        Val::Small(s) => s.dims.first().copied(),
        _ => None,
    }
}

fn moved(b: &mut Builder, next: Value, step: Step, turns: Value) -> Value {
    let passed = match step {
        Step::Const(1) => turns,
        step => {
            let step = step.value(b);
            b.binary(Binary::Mul, turns, step)
        }
    };
    b.binary(Binary::Add, next, passed)
}

impl Iteration {
    /// The iterator with its next item that of a value of the counter.
    pub fn standing(&self, b: &mut Builder, counter: Value) -> Val {
        standing(b, &self.over, counter, self.direct)
    }
    /// The iterator behind the item of a value of the counter.
    pub fn passed(&self, b: &mut Builder, counter: Value) -> Val {
        let step = match &self.over {
            Val::RangeIter { step, .. } if self.direct => *step,
            _ => Step::Const(1),
        };
        let step = step.value(b);
        let counter = b.binary(Binary::Add, counter, step);
        self.standing(b, counter)
    }
}

fn standing(b: &mut Builder, over: &Val, counter: Value, direct: bool) -> Val {
    match over {
        Val::RangeIter { next, stop, step } => {
            let next = if direct { counter } else { moved(b, *next, *step, counter) };
            Val::RangeIter { next, stop: *stop, step: *step }
        }
        Val::ArrayIter { array, next } => {
            let next = if direct { counter } else { b.binary(Binary::Add, *next, counter) };
            Val::ArrayIter { array: array.clone(), next }
        }
        Val::Items { of, next } => {
            let next = if direct { counter } else { b.binary(Binary::Add, *next, counter) };
            Val::Items { of: of.clone(), next }
        }
        Val::Enumerate { count, inner } => {
            let count = b.binary(Binary::Add, *count, counter);
            Val::Enumerate { count, inner: Rc::new(standing(b, inner, counter, direct)) }
        }
        Val::Zip(items) => Val::Zip(items.iter().map(|i| standing(b, i, counter, direct)).collect()),
        other => other.clone(),
    }
}

impl Walker<'_, '_> {
    /// `iter(x)`.
    pub fn iterate(&mut self, abs: &Abs) -> Result<Val, Abort> {
        if abs.tag.is_some() {
            return Err(Abort::Iterator);
        }
        match &abs.val {
            Val::Range { start, stop, step } => Ok(Val::RangeIter { next: *start, stop: *stop, step: *step }),
            Val::Array(array) if !array.dims.is_empty() => {
                Ok(Val::ArrayIter { array: array.clone(), next: self.b.i64(0) })
            }
            of @ (Val::Tuple(_) | Val::List(..) | Val::Small(_)) if items_in(of).is_some() => {
                Ok(Val::Items { of: Rc::new(of.clone()), next: self.b.i64(0) })
            }
            // Made by a call in the header: one that a variable holds, too, would have to move on there.
            iterator @ (Val::Enumerate { .. } | Val::Zip(_)) if self.holders(iterator) <= 1 => {
                Ok(iterator.clone())
            }
            _ => Err(Abort::Iterator),
        }
    }
    /// Variables that hold this, here and in callers.
    fn holders(&self, val: &Val) -> usize {
        let callers = self.calls.iter().flat_map(|c| &c.vars);
        self.vars.iter().chain(callers).filter(|abs| abs.val == *val).count()
    }
    /// The item at which an iterator stands.
    pub fn current_item(&mut self, over: &Val) -> Result<Abs, Abort> {
        match over {
            Val::RangeIter { next, .. } => Ok(Abs::num(Flavor::Int, *next)),
            Val::ArrayIter { array, next } => self.element_at(array, *next),
            Val::Items { of, next } => self.item_at(of, *next),
            Val::Enumerate { count, inner } => {
                let item = self.current_item(inner)?;
                Ok(Val::Tuple([Abs::num(Flavor::Int, *count), item].into()).into())
            }
            Val::Zip(items) => {
                let items = items.iter().map(|i| self.current_item(i)).collect::<Result<Vec<_>, _>>()?;
                Ok(Val::Tuple(items.into()).into())
            }
            _ => Err(Abort::Iterator),
        }
    }
}

/// An iterator object, taken apart.
pub enum Source<'py> {
    Array(Bound<'py, PyAny>, i64),
    Range(RangeIter),
    Enumerate(i64, Box<Source<'py>>),
    Zip(Vec<Source<'py>>),
}

impl<'py> Source<'py> {
    /// What an iterator is, if it is one of these and has no more than that many references to it.
    pub fn of(iterator: &Bound<'py, PyAny>, references: isize) -> Option<Source<'py>> {
        let p = iterator.as_ptr();
        // SAFETY: a live object; types and the number of references are looked at.
        let (is_array, is_range, is_enumerate, is_zip, free) = unsafe {
            let ty = ffi::Py_TYPE(p);
            (
                ty == &raw mut ffi::PySeqIter_Type,
                ty == &raw mut ffi::PyRangeIter_Type,
                ty == &raw mut ffi::PyEnum_Type,
                ty == &raw mut ffi::PyZip_Type,
                ffi::Py_REFCNT(p) <= references,
            )
        };
        if !free || !(is_array || is_range || is_enumerate || is_zip) {
            return None;
        }
        // The state as `copy` and `pickle` get it: what makes it, of what, and perhaps a position.
        let state = iterator.call_method0("__reduce__").ok()?;
        let args = state.get_item(1).ok()?;
        let position = || state.get_item(2).ok()?.extract::<i64>().ok().filter(|n| *n >= 0);
        if is_array {
            let seq = args.get_item(0).ok()?;
            // SAFETY: types are compared.
            let is_array = unsafe { ffi::Py_TYPE(seq.as_ptr()) == array::ARRAY_TYPE.as_type() };
            return is_array.then(|| Some(Source::Array(seq, position()?))).flatten();
        }
        if is_range {
            let range = args.get_item(0).ok()?;
            let bound = |name: &str| range.getattr(name).ok()?.extract::<i64>().ok();
            let (start, stop, step) = (bound("start")?, bound("stop")?, bound("step")?);
            let next = start.checked_add(position().unwrap_or(0).checked_mul(step)?)?;
            return RangeIter::new(next, stop, step).map(Source::Range);
        }
        if is_enumerate {
            // Held by the enumeration, by `args` and here.
            let inner = args.get_item(0).ok()?;
            let count: i64 = args.get_item(1).ok()?.extract().ok()?;
            let small = count.unsigned_abs() < 1 << 61;
            return small.then(|| Some(Source::Enumerate(count, Box::new(Source::of(&inner, 3)?)))).flatten();
        }
        if state.len().ok()? > 2 {
            // It wants all of the same length.
            return None;
        }
        let items = args.cast::<pyo3::types::PyTuple>().ok()?;
        // Each held by the tuple, and here.
        let items = items.iter().map(|i| Source::of(&i, 2)).collect::<Option<Vec<_>>>()?;
        (!items.is_empty()).then_some(Source::Zip(items))
    }

    /// As an input: what to check at entries, and what it is made of.
    pub fn input(&self, entry: &mut Entry<'_, '_>, b: &mut Builder) -> Result<(Check, Val), Abort> {
        Ok(match self {
            Source::Array(seq, _) => {
                let next = b.param(Ty::I64);
                let (check, abs) = entry.array(b, seq.as_ptr())?;
                let Val::Array(array) = abs.val else { return Err(Abort::Iterator) };
                (Check::ArrayIter(Box::new(check)), Val::ArrayIter { array, next })
            }
            Source::Range(r) => {
                let (next, stop, step) = (b.param(Ty::I64), b.param(Ty::I64), b.param(Ty::I64));
                if r.step < 0 {
                    return Err(Abort::Iterator);
                }
                (Check::RangeIter(None), Val::RangeIter { next, stop, step: Step::Value(step) })
            }
            Source::Enumerate(_, inner) => {
                let count = b.param(Ty::I64);
                let (check, inner) = inner.input(entry, b)?;
                (Check::Enumerate(Box::new(check)), Val::Enumerate { count, inner: Rc::new(inner) })
            }
            Source::Zip(items) => {
                let (mut checks, mut vals) = (vec![], vec![]);
                for item in items {
                    let (check, val) = item.input(entry, b)?;
                    checks.push(check);
                    vals.push(val);
                }
                (Check::Zip(checks), Val::Zip(vals.into()))
            }
        })
    }
}
