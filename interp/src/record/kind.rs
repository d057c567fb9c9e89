//! What is known about a value while code is recorded.
//!
//! A kind says what object CPython would hold there, and which values of the trace it would be made of. Numbers keep
//! their Python type as a [`Flavor`], since `float` and `numpy.float64` are the same bits under different rules. Views,
//! tuples, slices and ranges are pieces, put together only when they leave the trace.
//!
//! Where paths meet, a variable may hold the same number under different types, or nothing on one side: `s = 0.0` in
//! front of a loop that adds `numpy.float64`. Such a value has a [`Tag`], computed along, that tells at run time what it
//! is. A [`Shape`] is a kind without its values: what is agreed upon at the head of a loop and behind a branch.

use std::rc::Rc;

use jit::ir::{Builder, Const, MemClass, Scalar, Ty, Value};
use micronumpy::TypeNum;
use pyo3::ffi::PyObject;

use super::abort::Abort;

/// The Python type of a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flavor {
    Int,
    Bool,
    Float,
    /// A numpy scalar.
    Np(TypeNum),
}

impl Flavor {
    pub fn scalar(self) -> Scalar {
        match self {
            Flavor::Int => Scalar::I64,
            Flavor::Bool => Scalar::Bool,
            Flavor::Float => Scalar::F64,
            Flavor::Np(num) => scalar_of(num).unwrap_or(Scalar::I64),
        }
    }
    fn code(self) -> u32 {
        match self {
            Flavor::Int => INT,
            Flavor::Bool => BOOL,
            Flavor::Float => FLOAT,
            Flavor::Np(_) => NP,
        }
    }
    pub fn is_np(self) -> bool {
        matches!(self, Flavor::Np(_))
    }
}

/// The type of the trace for elements of a numpy type; `None` if none is computed with.
pub fn scalar_of(num: TypeNum) -> Option<Scalar> {
    Some(match num {
        TypeNum::BOOL => Scalar::Bool,
        TypeNum::BYTE => Scalar::I8,
        TypeNum::UBYTE => Scalar::U8,
        TypeNum::SHORT => Scalar::I16,
        TypeNum::USHORT => Scalar::U16,
        TypeNum::INT => Scalar::I32,
        TypeNum::UINT => Scalar::U32,
        TypeNum::LONG | TypeNum::LONGLONG => Scalar::I64,
        TypeNum::ULONG | TypeNum::ULONGLONG => Scalar::U64,
        TypeNum::FLOAT => Scalar::F32,
        TypeNum::DOUBLE => Scalar::F64,
        _ => return None,
    })
}

/// Whether elements of a type can be in a trace.
pub fn is_held(num: TypeNum) -> bool {
    scalar_of(num).is_some() || num == TypeNum::CDOUBLE
}

/// What a tag says. The numbers are those of bits in [`Tag::may`].
pub const ENTRY: u32 = 0;
pub const UNBOUND: u32 = 1;
pub const INT: u32 = 2;
pub const BOOL: u32 = 3;
pub const FLOAT: u32 = 4;
pub const NP: u32 = 5;
/// Not a number: an array, a tuple, an object.
pub const OTHER: u32 = 6;

/// A step of an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Const(i64),
    Value(Value),
}

impl Step {
    pub fn constant(self) -> Option<i64> {
        if let Step::Const(n) = self { Some(n) } else { None }
    }
    pub fn value(self, b: &mut Builder) -> Value {
        match self {
            Step::Const(n) => b.i64(n),
            Step::Value(v) => v,
        }
    }
}

/// An array: an object as it is, or a view of it that nobody made yet.
#[derive(Clone, PartialEq, Debug)]
pub struct ArrayVal {
    pub num: TypeNum,
    /// The address of the object, or of that the view is of.
    pub obj: Value,
    /// Whether it is the object itself.
    pub whole: bool,
    pub data: Value,
    pub dims: Vec<Value>,
    pub steps: Vec<Step>,
    pub writeable: bool,
    pub class: MemClass,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Val {
    /// What the variable held when the trace was entered.
    Entry,
    Unbound,
    /// This object.
    Const(*mut PyObject),
    Num(Flavor, Value),
    /// Whether it is numpy's `complex128`, and its parts.
    Complex(bool, Value, Value),
    Array(Rc<ArrayVal>),
    Range {
        start: Value,
        stop: Value,
        step: Step,
    },
    /// A step that varies is positive.
    RangeIter {
        next: Value,
        stop: Value,
        step: Step,
    },
    /// An iterator over the first axis.
    ArrayIter {
        array: Rc<ArrayVal>,
        next: Value,
    },
    /// The number of the next item, and what the items are of.
    Enumerate {
        count: Value,
        inner: Rc<Val>,
    },
    Zip(Rc<[Val]>),
    Tuple(Rc<[Abs]>),
    Slice(Rc<[Abs; 3]>),
}

/// Tells at run time what a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag {
    /// An `i64`.
    pub code: Value,
    /// Bits of what is possible.
    pub may: u32,
    /// What it is if it is [`OTHER`] and the rest are numbers: `None`, as a rule.
    pub other: Option<*mut PyObject>,
}

/// A value. With a tag, `val` says what is common to all possibilities: the payload, and the type of the numpy scalar.
#[derive(Clone, PartialEq, Debug)]
pub struct Abs {
    pub val: Val,
    pub tag: Option<Tag>,
}

impl From<Val> for Abs {
    fn from(val: Val) -> Abs {
        Abs { val, tag: None }
    }
}

impl Abs {
    pub fn num(flavor: Flavor, v: Value) -> Abs {
        Val::Num(flavor, v).into()
    }
    /// Bits of what it may be.
    pub fn may(&self) -> u32 {
        match self.tag {
            Some(tag) => tag.may,
            None => 1 << self.val.code(),
        }
    }
}

impl Val {
    fn code(&self) -> u32 {
        match self {
            Val::Entry => ENTRY,
            Val::Unbound => UNBOUND,
            Val::Num(flavor, _) => flavor.code(),
            _ => OTHER,
        }
    }
}

/// A kind without its values.
#[derive(Clone, PartialEq, Debug)]
pub struct Shape {
    pub kind: Kind,
    pub may: u32,
    /// As in [`Tag`].
    pub other: Option<*mut PyObject>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// Nothing but [`ENTRY`] and [`UNBOUND`].
    Nothing,
    Const(*mut PyObject),
    Num {
        scalar: Scalar,
        np: Option<TypeNum>,
    },
    Complex(bool),
    Array {
        num: TypeNum,
        whole: bool,
        steps: Vec<Option<i64>>,
        writeable: bool,
        class: MemClass,
    },
    /// The step, if it is always the same.
    Range(Option<i64>),
    RangeIter(Option<i64>),
    /// The shape of the array.
    ArrayIter(Box<Shape>),
    Enumerate(Box<Shape>),
    Zip(Vec<Shape>),
    Tuple(Vec<Shape>),
    Slice(Vec<Shape>),
}

impl Shape {
    pub fn of(abs: &Abs, b: &Builder) -> Shape {
        let kind = match &abs.val {
            Val::Entry | Val::Unbound => Kind::Nothing,
            Val::Const(p) => Kind::Const(*p),
            Val::Num(flavor, v) => {
                let np = if let Flavor::Np(num) = flavor { Some(*num) } else { None };
                Kind::Num { scalar: b.ty(*v).scalar, np }
            }
            Val::Complex(np, ..) => Kind::Complex(*np),
            Val::Array(a) => Kind::Array {
                num: a.num,
                whole: a.whole,
                steps: a.steps.iter().map(|s| s.constant()).collect(),
                writeable: a.writeable,
                class: a.class,
            },
            Val::Range { step, .. } => Kind::Range(step.constant()),
            Val::RangeIter { step, .. } => Kind::RangeIter(step.constant()),
            Val::ArrayIter { array, .. } => {
                Kind::ArrayIter(Box::new(Shape::of(&Val::Array(array.clone()).into(), b)))
            }
            Val::Enumerate { inner, .. } => {
                Kind::Enumerate(Box::new(Shape::of(&Val::clone(inner).into(), b)))
            }
            Val::Zip(items) => Kind::Zip(items.iter().map(|i| Shape::of(&i.clone().into(), b)).collect()),
            Val::Tuple(items) => Kind::Tuple(items.iter().map(|i| Shape::of(i, b)).collect()),
            Val::Slice(items) => Kind::Slice(items.iter().map(|i| Shape::of(i, b)).collect()),
        };
        Shape { kind, may: abs.may(), other: abs.tag.and_then(|t| t.other) }
    }

    /// The narrowest shape both fit.
    pub fn join(&self, other: &Shape) -> Result<Shape, Abort> {
        let mut others = match (self.other, other.other) {
            (Some(p), Some(q)) if p != q => return Err(Abort::Kinds),
            (p, q) => p.or(q),
        };
        let kind = match (&self.kind, &other.kind) {
            (a, b) if a == b => a.clone(),
            (Kind::Nothing, k) | (k, Kind::Nothing) => k.clone(),
            // A number or an object that is always the same.
            (k @ Kind::Num { .. }, Kind::Const(p)) | (Kind::Const(p), k @ Kind::Num { .. }) => {
                if others.is_some_and(|o| o != *p) {
                    return Err(Abort::Kinds);
                }
                others = Some(*p);
                k.clone()
            }
            // A real number of Python, which its parts tell, too.
            (Kind::Complex(false), Kind::Num { np: None, .. }) if other.is_python_real() => {
                Kind::Complex(false)
            }
            (Kind::Num { np: None, .. }, Kind::Complex(false)) if self.is_python_real() => {
                Kind::Complex(false)
            }
            (Kind::Num { scalar: s, np: m }, Kind::Num { scalar: t, np: n }) => {
                let np = match (m, n) {
                    (Some(m), Some(n)) if m != n => return Err(Abort::Kinds),
                    (m, n) => m.or(*n),
                };
                let scalar = match (*s, *t) {
                    (s, t) if s == t => s,
                    // An integer that is a float's exact value, which is guarded where it is converted.
                    (Scalar::I64, Scalar::F64) if self.is_python_int() => Scalar::F64,
                    (Scalar::F64, Scalar::I64) if other.is_python_int() => Scalar::F64,
                    _ => return Err(Abort::Kinds),
                };
                Kind::Num { scalar, np }
            }
            (
                Kind::Array { num, whole, steps, writeable, class },
                Kind::Array { num: n2, whole: w2, steps: s2, writeable: wr2, class: c2 },
            ) if num == n2 && whole == w2 && steps.len() == s2.len() && writeable == wr2 => Kind::Array {
                num: *num,
                whole: *whole,
                steps: steps.iter().zip(s2).map(|(a, b)| if a == b { *a } else { None }).collect(),
                writeable: *writeable,
                class: if class == c2 { *class } else { MemClass::ANY },
            },
            (Kind::Enumerate(a), Kind::Enumerate(b)) => Kind::Enumerate(Box::new(a.join(b)?)),
            (Kind::Zip(a), Kind::Zip(b)) if a.len() == b.len() => {
                Kind::Zip(a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Result<_, _>>()?)
            }
            (Kind::ArrayIter(a), Kind::ArrayIter(b)) => Kind::ArrayIter(Box::new(a.join(b)?)),
            (Kind::Tuple(a), Kind::Tuple(b)) if a.len() == b.len() => {
                Kind::Tuple(a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Result<_, _>>()?)
            }
            (Kind::Slice(a), Kind::Slice(b)) => {
                Kind::Slice(a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Result<_, _>>()?)
            }
            _ => return Err(Abort::Kinds),
        };
        Ok(Shape { kind, may: self.may | other.may, other: others })
    }
    fn is_python_real(&self) -> bool {
        self.may & !(1 << INT | 1 << FLOAT | 1 << ENTRY | 1 << UNBOUND) == 0 && self.other.is_none()
    }
    fn is_python_int(&self) -> bool {
        self.may & (1 << INT) != 0 && self.may & !(1 << INT | 1 << ENTRY | 1 << UNBOUND) == 0
    }
    fn is_tagged(&self) -> bool {
        self.may.count_ones() > 1
    }

    /// Types of the values that make it up, tag first.
    pub fn types(&self, out: &mut Vec<Ty>) {
        if self.is_tagged() {
            out.push(Ty::I64);
        }
        match &self.kind {
            Kind::Nothing | Kind::Const(_) => {}
            Kind::Num { scalar, .. } => out.push(Ty::scalar(*scalar)),
            Kind::Complex(_) => out.extend([Ty::F64, Ty::F64]),
            Kind::Array { steps, .. } => {
                out.extend([Ty::PTR, Ty::PTR]);
                out.extend(steps.iter().map(|_| Ty::I64));
                out.extend(steps.iter().filter(|s| s.is_none()).map(|_| Ty::I64));
            }
            Kind::Range(step) | Kind::RangeIter(step) => {
                let count = if step.is_some() { 2 } else { 3 };
                out.extend([Ty::I64; 3].iter().take(count));
            }
            Kind::ArrayIter(array) | Kind::Enumerate(array) => {
                out.push(Ty::I64);
                array.types(out);
            }
            Kind::Tuple(items) | Kind::Slice(items) | Kind::Zip(items) => {
                items.iter().for_each(|i| i.types(out))
            }
        }
    }

    /// The values of something that fits.
    pub fn flatten(&self, abs: &Abs, b: &mut Builder, out: &mut Vec<Value>) {
        if self.is_tagged() {
            out.push(match abs.tag {
                Some(tag) => tag.code,
                None => b.i64(i64::from(abs.val.code())),
            });
        }
        match (&self.kind, &abs.val) {
            (_, Val::Entry | Val::Unbound) | (Kind::Num { .. }, Val::Const(_)) => self.zeros_of_kind(b, out),
            (Kind::Num { scalar, .. }, Val::Num(_, v)) => {
                let v = *v;
                out.push(if b.ty(v).scalar == *scalar { v } else { b.convert(v, *scalar) });
            }
            (Kind::Complex(_), Val::Complex(_, re, im)) => out.extend([*re, *im]),
            (Kind::Complex(_), Val::Num(_, v)) => {
                let v = *v;
                out.push(if b.ty(v).scalar == Scalar::F64 { v } else { b.convert(v, Scalar::F64) });
                out.push(b.f64(0.0));
            }
            (Kind::Array { steps, .. }, Val::Array(a)) => {
                out.extend([a.obj, a.data]);
                out.extend(&a.dims);
                for (want, have) in steps.iter().zip(&a.steps) {
                    match (want, have) {
                        (Some(_), _) => {}
                        (None, Step::Value(v)) => out.push(*v),
                        (None, Step::Const(n)) => out.push(b.i64(*n)),
                    }
                }
            }
            (Kind::Range(want), Val::Range { start: x, stop: y, step })
            | (Kind::RangeIter(want), Val::RangeIter { next: x, stop: y, step }) => {
                out.extend([*x, *y]);
                if want.is_none() {
                    out.push(step.value(b));
                }
            }
            (Kind::ArrayIter(shape), Val::ArrayIter { array, next }) => {
                out.push(*next);
                shape.flatten(&Val::Array(array.clone()).into(), b, out);
            }
            (Kind::Enumerate(shape), Val::Enumerate { count, inner }) => {
                out.push(*count);
                shape.flatten(&Val::clone(inner).into(), b, out);
            }
            (Kind::Zip(shapes), Val::Zip(items)) => {
                shapes.iter().zip(items.iter()).for_each(|(s, i)| s.flatten(&i.clone().into(), b, out));
            }
            (Kind::Tuple(shapes), Val::Tuple(items)) => {
                shapes.iter().zip(items.iter()).for_each(|(s, i)| s.flatten(i, b, out));
            }
            (Kind::Slice(shapes), Val::Slice(items)) => {
                shapes.iter().zip(items.iter()).for_each(|(s, i)| s.flatten(i, b, out));
            }
            _ => {}
        }
    }
    /// Values for a path that never gets there.
    pub fn zeros(&self, b: &mut Builder, out: &mut Vec<Value>) {
        if self.is_tagged() {
            out.push(b.i64(0));
        }
        self.zeros_of_kind(b, out);
    }
    fn zeros_of_kind(&self, b: &mut Builder, out: &mut Vec<Value>) {
        let mut types = vec![];
        Shape { kind: self.kind.clone(), may: 0, other: None }.types(&mut types);
        for ty in types {
            out.push(b.constant(Const { scalar: ty.scalar, bits: 0 }));
        }
    }

    /// The thing these values make up.
    pub fn unflatten(&self, values: &mut impl Iterator<Item = Value>) -> Option<Abs> {
        let tag = if self.is_tagged() {
            Some(Tag { code: values.next()?, may: self.may, other: self.other })
        } else {
            None
        };
        let val = match &self.kind {
            Kind::Nothing if self.may == 1 << ENTRY => Val::Entry,
            Kind::Nothing => Val::Unbound,
            Kind::Const(p) => Val::Const(*p),
            Kind::Num { scalar, np } => Val::Num(self.flavor(*scalar, *np), values.next()?),
            Kind::Complex(np) => Val::Complex(*np, values.next()?, values.next()?),
            Kind::Array { num, whole, steps, writeable, class } => {
                let (obj, data) = (values.next()?, values.next()?);
                let dims = steps.iter().map(|_| values.next()).collect::<Option<Vec<_>>>()?;
                let steps = steps
                    .iter()
                    .map(|s| s.map(Step::Const).or_else(|| values.next().map(Step::Value)))
                    .collect::<Option<Vec<_>>>()?;
                Val::Array(Rc::new(ArrayVal {
                    num: *num,
                    obj,
                    whole: *whole,
                    data,
                    dims,
                    steps,
                    writeable: *writeable,
                    class: *class,
                }))
            }
            Kind::Range(step) => {
                Val::Range { start: values.next()?, stop: values.next()?, step: next_step(*step, values)? }
            }
            Kind::RangeIter(step) => {
                Val::RangeIter { next: values.next()?, stop: values.next()?, step: next_step(*step, values)? }
            }
            Kind::ArrayIter(shape) => {
                let next = values.next()?;
                let Val::Array(array) = shape.unflatten(values)?.val else { return None };
                Val::ArrayIter { array, next }
            }
            Kind::Enumerate(shape) => {
                let count = values.next()?;
                Val::Enumerate { count, inner: Rc::new(shape.unflatten(values)?.val) }
            }
            Kind::Zip(shapes) => {
                let items = shapes.iter().map(|s| Some(s.unflatten(values)?.val));
                Val::Zip(items.collect::<Option<Vec<_>>>()?.into())
            }
            Kind::Tuple(shapes) => {
                Val::Tuple(shapes.iter().map(|s| s.unflatten(values)).collect::<Option<Vec<_>>>()?.into())
            }
            Kind::Slice(shapes) => {
                let items = shapes.iter().map(|s| s.unflatten(values)).collect::<Option<Vec<_>>>()?;
                Val::Slice(Rc::new(items.try_into().ok()?))
            }
        };
        Some(Abs { val, tag })
    }
    /// The flavor of the payload: that of the numpy scalar, if it may be one.
    fn flavor(&self, scalar: Scalar, np: Option<TypeNum>) -> Flavor {
        match (np, scalar) {
            (Some(num), _) => Flavor::Np(num),
            (None, Scalar::Bool) => Flavor::Bool,
            (None, Scalar::F64) => Flavor::Float,
            (None, _) => Flavor::Int,
        }
    }
}

/// A step that is always the same, or the next value.
fn next_step(step: Option<i64>, values: &mut impl Iterator<Item = Value>) -> Option<Step> {
    step.map(Step::Const).or_else(|| values.next().map(Step::Value))
}

/// What a number with a tag is where the tag says so.
pub fn flavor_of(code: u32, payload: Flavor) -> Flavor {
    match code {
        INT => Flavor::Int,
        BOOL => Flavor::Bool,
        FLOAT => Flavor::Float,
        _ => payload,
    }
}
