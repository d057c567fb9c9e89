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

use jit::ir::{Access, Addr, Builder, Const, MemClass, Scalar, Stride, Ty, Value};
use micronumpy::TypeNum;
use pyo3::ffi::PyObject;

use super::abort::Abort;
use super::ops::rows::Pending;
use super::small::{Small, UNKNOWN};

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
            Flavor::Np(TypeNum::HALF) => Scalar::F32,
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

/// The Python type of a complex number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ComplexType {
    Python,
    /// `numpy.complex128`.
    Double,
    /// `numpy.complex64`.
    Single,
}

impl ComplexType {
    pub fn is_np(self) -> bool {
        self != ComplexType::Python
    }
    /// The type of its parts.
    pub fn part(self) -> Scalar {
        if self == ComplexType::Single { Scalar::F32 } else { Scalar::F64 }
    }
    /// The numpy types of scalars that are it, and of their parts.
    pub fn nums(self) -> [TypeNum; 2] {
        match self {
            ComplexType::Single => [TypeNum::CFLOAT, TypeNum::FLOAT],
            _ => [TypeNum::CDOUBLE, TypeNum::DOUBLE],
        }
    }
    /// Of elements of a numpy type.
    pub fn of(num: TypeNum) -> Option<ComplexType> {
        match num {
            TypeNum::CDOUBLE => Some(ComplexType::Double),
            TypeNum::CFLOAT => Some(ComplexType::Single),
            _ => None,
        }
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
    scalar_of(num).is_some() || ComplexType::of(num).is_some() || num == TypeNum::HALF
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
    /// Views of one identity are one object.
    pub id: u32,
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
    /// Its type and its parts.
    Complex(ComplexType, Value, Value),
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
    /// An iterator over the items of a tuple, a list or a small array that nobody made.
    Items {
        of: Rc<Val>,
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
    /// An array nobody made.
    Small(Rc<Small>),
    /// A list nobody made and nobody changes, by its identity.
    List(u32, Rc<[Abs]>),
    /// A method of a builtin type, bound.
    Method(Rc<Abs>, &'static str),
    /// A long vector that nobody computed. Paths do not meet where there is one.
    Pending(Rc<Pending>),
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

impl ArrayVal {
    /// Its extents, if they are known.
    pub fn extents(&self, b: &Builder) -> Option<Vec<usize>> {
        self.dims.iter().map(|&n| usize::try_from(constant(b, n)?).ok()).collect()
    }
    /// Its elements in C order, read now. `dims` are its extents.
    pub fn elements(&self, b: &mut Builder, dims: &[usize]) -> Vec<Value> {
        let ty = Ty::scalar(Flavor::Np(self.num).scalar());
        self.accesses(b, dims).into_iter().map(|access| b.load(ty, access)).collect()
    }
    /// Where its elements are, in C order.
    pub fn accesses(&self, b: &mut Builder, dims: &[usize]) -> Vec<Access> {
        let mut places = vec![(self.data, 0i64)];
        for (&n, &step) in dims.iter().zip(&self.steps) {
            let mut next = vec![];
            for &(base, disp) in &places {
                for k in 0..n as i64 {
                    next.push(match step {
                        Step::Const(s) if (disp + k * s).unsigned_abs() < 1 << 20 => (base, disp + k * s),
                        _ if k == 0 => (base, disp),
                        step => {
                            let index = b.i64(k);
                            let step = match step {
                                Step::Const(n) => Stride::Const(n),
                                Step::Value(v) => Stride::Value(v),
                            };
                            (b.lea(Addr { base, index: Some((index, step)), disp: 0 }), disp)
                        }
                    });
                }
            }
            places = next;
        }
        places
            .into_iter()
            .map(|(base, disp)| {
                let addr = Addr { base, index: None, disp: disp as i32 };
                Access { addr, class: self.class, lane_stride: None }
            })
            .collect()
    }
}

fn constant(b: &Builder, v: Value) -> Option<i64> {
    b.trace().as_const(v).map(|c| c.bits as i64)
}

impl Kind {
    /// A small array that may also be an object of such a kind.
    fn with_object(&self, array: &Kind) -> Result<Kind, Abort> {
        let (
            Kind::Small { num, base, object, whole: true, .. },
            Kind::Array { num: n, whole: true, dims, steps, writeable: true, class, .. },
        ) = (self, array)
        else {
            return Err(Abort::Kinds);
        };
        let plain = super::small::steps_of(base);
        let size = num.size() as i64;
        let same = num == n
            && dims.len() == base.len()
            && dims.iter().zip(base.iter()).all(|(a, b)| *a == Some(*b as i64))
            && steps.iter().zip(&plain).all(|(a, b)| *a == Some(*b as i64 * size));
        if !same {
            return Err(Abort::Kinds);
        }
        let object = match object {
            Some(c) if c != class => MemClass::ANY,
            _ => *class,
        };
        Ok(self.clone().set_object(Some(object)))
    }
    fn set_object(mut self, to: Option<MemClass>) -> Kind {
        if let Kind::Small { object, .. } = &mut self {
            *object = to;
        }
        self
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
    Complex(ComplexType),
    Array {
        num: TypeNum,
        whole: bool,
        id: u32,
        dims: Vec<Option<i64>>,
        steps: Vec<Option<i64>>,
        writeable: bool,
        class: MemClass,
    },
    /// Without elements; whether there may be an object of it.
    Small {
        num: TypeNum,
        id: u32,
        base: Rc<[usize]>,
        object: Option<MemClass>,
        whole: bool,
        dims: Vec<usize>,
        steps: Vec<isize>,
        offset: usize,
    },
    List(u32, Vec<Shape>),
    Method(Box<Shape>, &'static str),
    /// The step, if it is always the same.
    Range(Option<i64>),
    RangeIter(Option<i64>),
    /// The shape of the array.
    ArrayIter(Box<Shape>),
    Items(Box<Shape>),
    Enumerate(Box<Shape>),
    Zip(Vec<Shape>),
    Tuple(Vec<Shape>),
    Slice(Vec<Shape>),
}

impl Shape {
    pub fn of(abs: &Abs, b: &Builder) -> Shape {
        let kind = match &abs.val {
            Val::Entry | Val::Unbound | Val::Pending(_) => Kind::Nothing,
            Val::Const(p) => Kind::Const(*p),
            Val::Num(flavor, v) => {
                let np = if let Flavor::Np(num) = flavor { Some(*num) } else { None };
                Kind::Num { scalar: b.ty(*v).scalar, np }
            }
            Val::Complex(ty, ..) => Kind::Complex(*ty),
            Val::Array(a) => Kind::Array {
                num: a.num,
                whole: a.whole,
                id: a.id,
                dims: a.dims.iter().map(|&n| constant(b, n)).collect(),
                steps: a.steps.iter().map(|s| s.constant()).collect(),
                writeable: a.writeable,
                class: a.class,
            },
            Val::Range { step, .. } => Kind::Range(step.constant()),
            Val::RangeIter { step, .. } => Kind::RangeIter(step.constant()),
            Val::ArrayIter { array, .. } => {
                let array = ArrayVal { id: UNKNOWN, ..ArrayVal::clone(array) };
                Kind::ArrayIter(Box::new(Shape::of(&Val::Array(array.into()).into(), b)))
            }
            Val::Items { of, .. } => Kind::Items(Box::new(Shape::of(&Val::clone(of).into(), b))),
            Val::Enumerate { inner, .. } => {
                Kind::Enumerate(Box::new(Shape::of(&Val::clone(inner).into(), b)))
            }
            Val::Zip(items) => Kind::Zip(items.iter().map(|i| Shape::of(&i.clone().into(), b)).collect()),
            Val::Tuple(items) => Kind::Tuple(items.iter().map(|i| Shape::of(i, b)).collect()),
            Val::Slice(items) => Kind::Slice(items.iter().map(|i| Shape::of(i, b)).collect()),
            Val::Small(s) => Kind::Small {
                num: s.num,
                id: s.id,
                base: s.base.clone(),
                object: s.object.map(|(_, class)| class),
                whole: s.whole,
                dims: s.dims.clone(),
                steps: s.steps.clone(),
                offset: s.offset,
            },
            Val::List(id, items) => Kind::List(*id, items.iter().map(|i| Shape::of(i, b)).collect()),
            Val::Method(of, name) => Kind::Method(Box::new(Shape::of(of, b)), name),
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
            (Kind::Complex(ComplexType::Python), Kind::Num { np: None, .. }) if other.is_python_real() => {
                Kind::Complex(ComplexType::Python)
            }
            (Kind::Num { np: None, .. }, Kind::Complex(ComplexType::Python)) if self.is_python_real() => {
                Kind::Complex(ComplexType::Python)
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
                Kind::Array { num, whole, id, dims, steps, writeable, class },
                Kind::Array { num: n2, whole: w2, id: i2, dims: d2, steps: s2, writeable: wr2, class: c2 },
            ) if num == n2 && whole == w2 && steps.len() == s2.len() && writeable == wr2 => Kind::Array {
                num: *num,
                whole: *whole,
                id: if id == i2 { *id } else { UNKNOWN },
                dims: dims.iter().zip(d2).map(|(a, b)| if a == b { *a } else { None }).collect(),
                steps: steps.iter().zip(s2).map(|(a, b)| if a == b { *a } else { None }).collect(),
                writeable: *writeable,
                class: if class == c2 { *class } else { MemClass::ANY },
            },
            // The object itself on one side.
            (small @ Kind::Small { .. }, array @ Kind::Array { .. })
            | (array @ Kind::Array { .. }, small @ Kind::Small { .. }) => small.with_object(array)?,
            (a @ Kind::Small { object: o, .. }, b @ Kind::Small { object: p, .. }) => {
                let object = match (*o, *p) {
                    (Some(c), Some(d)) if c != d => Some(MemClass::ANY),
                    (c, d) => c.or(d),
                };
                let (a, b) = (a.clone().set_object(object), b.clone().set_object(object));
                if a != b {
                    return Err(Abort::Kinds);
                }
                a
            }
            (Kind::List(i, a), Kind::List(j, b)) if i == j && a.len() == b.len() => {
                Kind::List(*i, a.iter().zip(b).map(|(a, b)| a.join(b)).collect::<Result<_, _>>()?)
            }
            (Kind::Method(a, m), Kind::Method(b, n)) if m == n => Kind::Method(Box::new(a.join(b)?), m),
            (Kind::Items(a), Kind::Items(b)) => Kind::Items(Box::new(a.join(b)?)),
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
            Kind::Complex(ty) => out.extend([Ty::scalar(ty.part()); 2]),
            Kind::Array { dims, steps, .. } => {
                out.extend([Ty::PTR, Ty::PTR]);
                out.extend(dims.iter().filter(|n| n.is_none()).map(|_| Ty::I64));
                out.extend(steps.iter().filter(|s| s.is_none()).map(|_| Ty::I64));
            }
            Kind::Range(step) | Kind::RangeIter(step) => {
                let count = if step.is_some() { 2 } else { 3 };
                out.extend([Ty::I64; 3].iter().take(count));
            }
            Kind::ArrayIter(array) | Kind::Enumerate(array) | Kind::Items(array) => {
                out.push(Ty::I64);
                array.types(out);
            }
            Kind::Small { num, base, object, .. } => {
                out.extend(object.map(|_| Ty::PTR));
                let ty = Ty::scalar(Flavor::Np(*num).scalar());
                out.extend(std::iter::repeat_n(ty, base.iter().product()));
            }
            Kind::Method(of, _) => of.types(out),
            Kind::Tuple(items) | Kind::Slice(items) | Kind::Zip(items) | Kind::List(_, items) => {
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
            (Kind::Small { object, .. }, Val::Small(s)) => {
                if object.is_some() {
                    out.push(match s.object {
                        Some((address, _)) => address,
                        None => b.constant(Const { scalar: Scalar::Ptr, bits: 0 }),
                    });
                }
                out.extend(s.cells.iter());
            }
            // Of the object itself, read where the paths meet.
            (Kind::Small { base, .. }, Val::Array(a)) => {
                out.push(a.obj);
                out.extend(a.elements(b, base));
            }
            (Kind::List(_, shapes), Val::List(_, items)) => {
                shapes.iter().zip(items.iter()).for_each(|(s, i)| s.flatten(i, b, out));
            }
            (Kind::Method(shape, _), Val::Method(of, _)) => shape.flatten(of, b, out),
            (Kind::Array { dims, steps, .. }, Val::Array(a)) => {
                out.extend([a.obj, a.data]);
                out.extend(dims.iter().zip(&a.dims).filter(|(want, _)| want.is_none()).map(|(_, n)| n));
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
            (Kind::Items(shape), Val::Items { of, next }) => {
                out.push(*next);
                shape.flatten(&Val::clone(of).into(), b, out);
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
    pub fn unflatten(&self, b: &mut Builder, values: &mut dyn Iterator<Item = Value>) -> Option<Abs> {
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
            Kind::Complex(ty) => Val::Complex(*ty, values.next()?, values.next()?),
            Kind::Small { num, id, base, object, whole, dims, steps, offset } => {
                let object = match object {
                    Some(class) => Some((values.next()?, *class)),
                    None => None,
                };
                let count: usize = base.iter().product();
                let cells = (0..count).map(|_| values.next()).collect::<Option<Vec<_>>>()?;
                Val::Small(Rc::new(Small {
                    num: *num,
                    id: *id,
                    base: base.clone(),
                    cells: cells.into(),
                    object,
                    whole: *whole,
                    dims: dims.clone(),
                    steps: steps.clone(),
                    offset: *offset,
                }))
            }
            Kind::List(id, shapes) => {
                let items = shapes.iter().map(|s| s.unflatten(b, values)).collect::<Option<Vec<_>>>()?;
                Val::List(*id, items.into())
            }
            Kind::Method(of, name) => Val::Method(Rc::new(of.unflatten(b, values)?), name),
            Kind::Array { num, whole, id, dims, steps, writeable, class } => {
                let (obj, data) = (values.next()?, values.next()?);
                let dims = dims
                    .iter()
                    .map(|n| n.map(|n| b.i64(n)).or_else(|| values.next()))
                    .collect::<Option<Vec<_>>>()?;
                let steps = steps
                    .iter()
                    .map(|s| s.map(Step::Const).or_else(|| values.next().map(Step::Value)))
                    .collect::<Option<Vec<_>>>()?;
                Val::Array(Rc::new(ArrayVal {
                    num: *num,
                    obj,
                    whole: *whole,
                    id: *id,
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
                let Val::Array(array) = shape.unflatten(b, values)?.val else { return None };
                Val::ArrayIter { array, next }
            }
            Kind::Items(shape) => {
                let next = values.next()?;
                Val::Items { of: Rc::new(shape.unflatten(b, values)?.val), next }
            }
            Kind::Enumerate(shape) => {
                let count = values.next()?;
                Val::Enumerate { count, inner: Rc::new(shape.unflatten(b, values)?.val) }
            }
            Kind::Zip(shapes) => {
                let items = shapes.iter().map(|s| Some(s.unflatten(b, values)?.val));
                Val::Zip(items.collect::<Option<Vec<_>>>()?.into())
            }
            Kind::Tuple(shapes) => {
                Val::Tuple(shapes.iter().map(|s| s.unflatten(b, values)).collect::<Option<Vec<_>>>()?.into())
            }
            Kind::Slice(shapes) => {
                let items = shapes.iter().map(|s| s.unflatten(b, values)).collect::<Option<Vec<_>>>()?;
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
fn next_step(step: Option<i64>, values: &mut dyn Iterator<Item = Value>) -> Option<Step> {
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
