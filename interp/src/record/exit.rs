//! What is written back where a trace is left.
//!
//! An exit names the instruction the VM goes on at, and how to make what its variables hold there. Variables the trace
//! did not change are not mentioned, and neither are temporaries nobody reads any more.

use jit::ir::{Builder, Scalar, Value};
use micronumpy::TypeNum;
use pyo3::ffi::PyObject;

use super::flow::Var;
use super::kind::{Abs, ArrayVal, ComplexType, Step, Val};
use crate::bytecode::Target;

/// Why a guard stands where it stands, for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The loop came to its end.
    Done,
    /// Time for signals and other threads.
    Safepoint,
    Overflow,
    /// A result that numpy may have to warn about.
    NotFinite,
    ByZero,
    Bounds,
    Kind,
    /// A branch nobody took before.
    Branch,
    /// The instruction is left to the VM.
    Vm,
    Domain,
}

/// One way out of a trace.
#[derive(Debug)]
pub struct Leave {
    /// Index of the state to restore.
    pub state: usize,
    pub why: Why,
    /// The instruction that was being walked.
    pub at: Target,
    /// Of a branch nobody took: the instruction, and whether it would have jumped.
    pub branch: Option<(Target, bool)>,
}

/// A state of the VM.
#[derive(Debug)]
pub struct State {
    pub pc: Target,
    pub writes: Vec<(Var, Recipe)>,
}

/// How to make what a variable holds. Numbers are slots.
#[derive(Debug)]
pub enum Recipe {
    Unbound,
    Const(*mut PyObject),
    Num(super::kind::Flavor, Scalar, usize),
    /// Whether it is numpy's, and its parts.
    Complex(ComplexType, usize, usize),
    /// By a code, see [`super::kind::Tag`].
    Tagged {
        code: usize,
        of: Box<Recipe>,
        other: Option<*mut PyObject>,
    },
    Array(Box<ArrayRecipe>),
    Range {
        start: usize,
        stop: usize,
        step: Result<i64, usize>,
    },
    RangeIter {
        next: usize,
        stop: usize,
        step: Result<i64, usize>,
    },
    ArrayIter {
        array: Box<ArrayRecipe>,
        next: usize,
    },
    Items {
        of: Box<Recipe>,
        next: usize,
    },
    Enumerate {
        count: usize,
        inner: Box<Recipe>,
    },
    Zip(Vec<Recipe>),
    /// A small array, or a view of one.
    Small(Box<SmallRecipe>),
    List(u32, Vec<Recipe>),
    Method(Box<Recipe>, &'static str),
    Tuple(Vec<Recipe>),
    Slice(Vec<Recipe>),
}

#[derive(Debug)]
pub struct ArrayRecipe {
    pub obj: usize,
    pub whole: bool,
    pub id: u32,
    pub data: usize,
    pub dims: Vec<usize>,
    pub steps: Vec<Result<i64, usize>>,
}

/// An array of which there are only the elements. All of one identity in a state are one object.
#[derive(Debug)]
pub struct SmallRecipe {
    pub num: TypeNum,
    pub id: u32,
    pub base: Vec<isize>,
    pub cells: Vec<usize>,
    /// The object, if there is one: its address or 0.
    pub object: Option<usize>,
    /// Extents, steps and offset of a view, in elements.
    pub view: Option<(Vec<isize>, Vec<isize>, isize)>,
}

/// Collects the values of a snapshot.
#[derive(Default)]
pub struct Slots {
    pub values: Vec<Value>,
}

impl Slots {
    fn slot(&mut self, v: Value) -> usize {
        self.values.iter().position(|&w| w == v).unwrap_or_else(|| {
            self.values.push(v);
            self.values.len() - 1
        })
    }
    fn step(&mut self, step: Step) -> Result<i64, usize> {
        match step {
            Step::Const(n) => Ok(n),
            Step::Value(v) => Err(self.slot(v)),
        }
    }
    fn array(&mut self, a: &ArrayVal) -> ArrayRecipe {
        ArrayRecipe {
            obj: self.slot(a.obj),
            whole: a.whole,
            id: a.id,
            data: self.slot(a.data),
            dims: a.dims.iter().map(|&v| self.slot(v)).collect(),
            steps: a.steps.iter().map(|&s| self.step(s)).collect(),
        }
    }
    /// How to make this; `None` if it is what the variable held all along.
    pub fn recipe(&mut self, abs: &Abs, b: &Builder) -> Option<Recipe> {
        let plain = match &abs.val {
            Val::Entry => {
                // Either untouched or unbound, which the code tells.
                abs.tag?;
                Recipe::Unbound
            }
            // Nobody leaves with what waits: the way out is in front of it.
            Val::Unbound | Val::Pending(_) => Recipe::Unbound,
            Val::Const(p) => Recipe::Const(*p),
            Val::Num(flavor, v) => Recipe::Num(*flavor, b.ty(*v).scalar, self.slot(*v)),
            Val::Complex(ty, re, im) => Recipe::Complex(*ty, self.slot(*re), self.slot(*im)),
            Val::Array(a) => Recipe::Array(Box::new(self.array(a))),
            Val::ArrayIter { array, next } => {
                Recipe::ArrayIter { next: self.slot(*next), array: Box::new(self.array(array)) }
            }
            Val::Range { start, stop, step } => {
                Recipe::Range { start: self.slot(*start), stop: self.slot(*stop), step: self.step(*step) }
            }
            Val::RangeIter { next, stop, step } => {
                Recipe::RangeIter { next: self.slot(*next), stop: self.slot(*stop), step: self.step(*step) }
            }
            Val::Items { of, next } => Recipe::Items {
                next: self.slot(*next),
                of: Box::new(self.recipe(&Val::clone(of).into(), b)?),
            },
            Val::Enumerate { count, inner } => Recipe::Enumerate {
                count: self.slot(*count),
                inner: Box::new(self.recipe(&Val::clone(inner).into(), b)?),
            },
            Val::Zip(items) => {
                Recipe::Zip(items.iter().map(|i| self.recipe(&i.clone().into(), b)).collect::<Option<_>>()?)
            }
            Val::Small(s) => Recipe::Small(Box::new(SmallRecipe {
                num: s.num,
                id: s.id,
                base: s.base.iter().map(|&n| n as isize).collect(),
                cells: s.cells.iter().map(|&v| self.slot(v)).collect(),
                object: s.object.map(|(v, _)| self.slot(v)),
                view: (!s.whole).then(|| {
                    (s.dims.iter().map(|&n| n as isize).collect(), s.steps.clone(), s.offset as isize)
                }),
            })),
            Val::List(id, items) => {
                Recipe::List(*id, items.iter().map(|i| self.recipe(i, b)).collect::<Option<_>>()?)
            }
            Val::Method(of, name) => Recipe::Method(Box::new(self.recipe(of, b)?), name),
            Val::Tuple(items) => {
                Recipe::Tuple(items.iter().map(|i| self.recipe(i, b)).collect::<Option<_>>()?)
            }
            Val::Slice(items) => {
                Recipe::Slice(items.iter().map(|i| self.recipe(i, b)).collect::<Option<_>>()?)
            }
        };
        Some(match abs.tag {
            Some(tag) => Recipe::Tagged { code: self.slot(tag.code), of: Box::new(plain), other: tag.other },
            None => plain,
        })
    }
}
