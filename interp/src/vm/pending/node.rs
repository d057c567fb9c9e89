//! Results of array operations that wait.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use micronumpy::array::broadcast_shapes;
use micronumpy::{Dims, Dtype, TypeNum};
use micronumpy_expr::{Expr, Number};
use micronumpy_python::objects::array::ARRAY_TYPE;
use micronumpy_python::objects::handles::is_scalar;
use micronumpy_python::objects::{Array, scalar};
use pyo3::ffi;
use pyo3::prelude::*;

/// Elements below which an operation is not worth a node.
const WORTH: usize = 1024;

/// An elementwise operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum What {
    Ufunc(&'static str),
    /// The `**` operator of arrays, which looks at its exponent.
    Power,
    /// `numpy.where` of three arguments.
    Where,
    /// The elements as another type.
    Cast(TypeNum),
    /// The only one that is not elementwise. Folds never wait: they end a computation.
    Fold(Fold),
}

/// A fold along axes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fold {
    /// The ufunc, or `mean`.
    pub name: &'static str,
    /// A bit for each axis that is folded.
    pub axes: u64,
    pub keepdims: bool,
}

impl Fold {
    fn folds(self, axis: usize) -> bool {
        self.axes >> axis & 1 == 1
    }

    fn shape(self, of: &[isize]) -> Dims {
        let kept = of.iter().enumerate().filter(|&(axis, _)| self.keepdims || !self.folds(axis));
        kept.map(|(axis, &n)| if self.folds(axis) { 1 } else { n }).collect()
    }

    fn expr(self, of: &Expr<'static>) -> micronumpy::Result<Expr<'static>> {
        let axes: Vec<isize> =
            (0..of.ndim()).filter(|&axis| self.folds(axis)).map(|axis| axis as isize).collect();
        match self.name {
            "mean" => of.mean_keeping(Some(&axes), self.keepdims),
            name => of.reduce(name, Some(&axes), self.keepdims),
        }
    }
}

impl What {
    /// Whether loops for constant numbers differ from those for varying ones.
    fn looks_at_numbers(self) -> bool {
        matches!(self, What::Power | What::Ufunc("power" | "floor_divide" | "remainder"))
    }

    pub fn expr(self, args: &[Expr<'static>]) -> micronumpy::Result<Expr<'static>> {
        match (self, args) {
            (What::Ufunc(name), _) => Expr::ufunc(name, args),
            (What::Power, [a, b]) => {
                let power = a.pow(b.clone());
                power.check().map(|()| power)
            }
            (What::Where, [condition, x, y]) if !condition.is_weak() => Expr::where_(condition, x, y),
            (What::Where, _) => {
                Err(micronumpy::Error::Type("where takes a condition and two arrays".to_owned()))
            }
            (What::Power, _) => Err(micronumpy::Error::Type("'**' takes two operands".to_owned())),
            (What::Cast(num), [a]) => a.astype(&Dtype::builtin(num)),
            (What::Fold(fold), [a]) => fold.expr(a),
            (What::Cast(_) | What::Fold(_), _) => {
                Err(micronumpy::Error::Type("a cast or fold takes one operand".to_owned()))
            }
        }
    }
}

/// An operand.
pub enum Arg {
    Node(Rc<Node>),
    /// An exact array, or a scalar of numpy's as an array without dimensions.
    Array(Py<PyAny>),
    /// A Python number, and whether it is part of what is computed rather than an input.
    Number(Number, bool),
}

/// A result that waits.
pub struct Node {
    pub what: What,
    pub args: Vec<Arg>,
    pub num: TypeNum,
    pub shape: Dims,
    /// The instruction it is the result of.
    pub pc: usize,
    /// The array, or the scalar that a fold of all axes gives, once somebody needed it.
    pub value: OnceCell<Py<PyAny>>,
}

/// The number types that fused loops have.
fn is_plain(dtype: &Dtype) -> bool {
    let num = dtype.num;
    dtype.is_native()
        && (num.is_bool() || num.is_integer() || num.is_float() || num.is_complex())
        && num != TypeNum::LONGDOUBLE
        && num != TypeNum::CLONGDOUBLE
}

/// Exactly `numpy.ndarray`.
///
/// # Safety
/// A live object.
#[inline]
pub unsafe fn is_array(object: *mut ffi::PyObject) -> bool {
    // SAFETY: by contract; the type is a static, and no object has it before it is ready.
    unsafe { ffi::Py_TYPE(object) == ARRAY_TYPE.as_type() }
}

/// Whether an object is an array that is worth it.
///
/// # Safety
/// A live object.
pub unsafe fn is_large(object: *mut ffi::PyObject) -> bool {
    // SAFETY: by contract, and only of arrays is the shape asked.
    unsafe {
        is_array(object) && {
            let array = &*object.cast::<micronumpy_python::abi::PyArrayObject>();
            let shape = std::slice::from_raw_parts(
                array.dimensions,
                if array.dimensions.is_null() { 0 } else { array.nd as usize },
            );
            shape.iter().map(|&n| n as usize).product::<usize>() >= WORTH
        }
    }
}

impl Arg {
    /// An object as an operand, unless it is one that only the operation itself knows how to treat.
    pub fn of(object: &Bound<'_, PyAny>, what: What) -> Option<Arg> {
        // SAFETY: a live object; only what it exactly is gets looked into.
        unsafe {
            let kind = ffi::Py_TYPE(object.as_ptr());
            if is_array(object.as_ptr()) {
                let array = Array::cast(object)?;
                return is_plain(array.dtype()).then(|| Arg::Array(object.clone().unbind()));
            }
            if kind == &raw mut ffi::PyFloat_Type {
                let x = ffi::PyFloat_AS_DOUBLE(object.as_ptr());
                return Some(Arg::Number(Number::Float(x), what.looks_at_numbers()));
            }
            if kind == &raw mut ffi::PyLong_Type {
                let mut overflow = 0;
                let n = ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &mut overflow);
                return (overflow == 0)
                    .then_some(Arg::Number(Number::Int(n.into()), what.looks_at_numbers()));
            }
            if kind == &raw mut ffi::PyComplex_Type {
                let value = ffi::PyComplex_AsCComplex(object.as_ptr());
                return Some(Arg::Number(Number::Complex(value.real, value.imag), what.looks_at_numbers()));
            }
        }
        if is_scalar(object) && scalar::value::typenum_of(object).is_some() {
            let array = scalar::value::to_array(object).ok()?;
            return is_plain(array.dtype()).then(|| Arg::Array(array.0.unbind()));
        }
        None
    }

    fn num(&self, py: Python<'_>) -> Option<TypeNum> {
        match self {
            Arg::Node(node) => Some(node.num),
            Arg::Array(array) => Array::cast(array.bind(py)).map(|a| a.dtype().num),
            Arg::Number(..) => None,
        }
    }

    fn shape(&self, py: Python<'_>) -> Dims {
        match self {
            Arg::Node(node) => node.shape.clone(),
            Arg::Array(array) => {
                Array::cast(array.bind(py)).map_or_else(Dims::new, |a| Dims::from_slice(a.shape()))
            }
            Arg::Number(..) => Dims::new(),
        }
    }
}

/// What decides about the type of a result.
#[derive(PartialEq, Eq, Hash)]
struct Typing {
    what: What,
    args: Vec<(u8, u64, u64)>,
}

thread_local! {
    /// Types of results; `None` where fused loops have no such operation.
    static TYPES: RefCell<HashMap<Typing, Option<TypeNum>>> = RefCell::default();
}

impl Node {
    /// The nodes that have to be computed on the way to this one, itself included, each once: operands are shared, and to
    /// follow every path takes forever.
    pub fn waiting(self: &Rc<Node>) -> Vec<Rc<Node>> {
        let mut found: Vec<Rc<Node>> = Vec::new();
        let mut todo = vec![self.clone()];
        while let Some(node) = todo.pop() {
            if node.value.get().is_some() || found.iter().any(|other| Rc::ptr_eq(other, &node)) {
                continue;
            }
            todo.extend(node.args.iter().filter_map(|arg| match arg {
                Arg::Node(operand) => Some(operand.clone()),
                Arg::Array(_) | Arg::Number(..) => None,
            }));
            found.push(node);
        }
        found
    }

    /// How many elements are computed for it.
    pub fn elements(&self, py: Python<'_>) -> usize {
        let size = |shape: &[isize]| shape.iter().map(|&n| n as usize).product();
        match (self.what, &self.args[..]) {
            (What::Fold(_), [operand]) => size(&operand.shape(py)),
            _ => size(&self.shape),
        }
    }

    /// The result of an operation, if that is certain to work and worth waiting for.
    pub fn new(py: Python<'_>, what: What, args: Vec<Arg>, pc: usize) -> Option<Node> {
        let shapes: Vec<Dims> = args.iter().map(|arg| arg.shape(py)).collect();
        let shapes: Vec<&[isize]> = shapes.iter().map(|shape| &shape[..]).collect();
        let shape = broadcast_shapes(&shapes).ok()?;
        if shape.iter().map(|&n| n as usize).product::<usize>() < WORTH {
            return None;
        }
        let shape = match what {
            What::Fold(fold) => fold.shape(&shape),
            _ => shape,
        };
        let nums: Vec<_> = args.iter().map(|arg| arg.num(py)).collect();
        let fits = |n: i128| {
            // What every integer type holds is never too large for the one it meets.
            (0..=127).contains(&n)
                || nums.iter().flatten().all(|num| {
                    num.is_float()
                        || num.is_complex()
                        || *num == TypeNum::LONG
                        || *num == TypeNum::INT && i32::try_from(n).is_ok()
                })
        };
        if args.iter().any(|arg| matches!(arg, Arg::Number(Number::Int(n), _) if !fits(*n))) {
            return None;
        }
        let key = |(arg, num): (&Arg, &Option<TypeNum>)| match (arg, num) {
            (_, Some(num)) => (0, num.0 as u64, 0),
            (Arg::Number(Number::Int(n), fixed), _) => (1, if *fixed { *n as u64 } else { 0 }, 0),
            (Arg::Number(Number::Float(x), fixed), _) => (2, if *fixed { x.to_bits() } else { 0 }, 0),
            (Arg::Number(Number::Complex(re, im), fixed), _) => {
                if *fixed {
                    (3, re.to_bits(), im.to_bits())
                } else {
                    (3, 0, 0)
                }
            }
            (Arg::Node(_) | Arg::Array(_), None) => (4, 0, 0),
        };
        let typing = Typing { what, args: args.iter().zip(&nums).map(key).collect() };
        let known = TYPES.with(|types| types.borrow().get(&typing).copied());
        let num = match known {
            Some(num) => num?,
            None => {
                let num = result_type(what, &args, &nums);
                TYPES.with(|types| types.borrow_mut().insert(typing, num));
                num?
            }
        };
        Some(Node { what, args, num, shape, pc, value: OnceCell::new() })
    }
}

fn result_type(mut what: What, args: &[Arg], nums: &[Option<TypeNum>]) -> Option<TypeNum> {
    if let What::Fold(fold) = &mut what {
        // Which axes are folded says nothing of the type.
        fold.axes = 1;
    }
    let operand = |(index, (arg, num)): (usize, (&Arg, &Option<TypeNum>))| match (arg, num) {
        (Arg::Number(n, true), _) => Some(Expr::number(*n)),
        (Arg::Number(n, false), _) => Some(Expr::number_argument(index, n.kind())),
        (_, Some(num)) => Expr::argument(index, &Dtype::builtin(*num), &[2]).ok(),
        (_, None) => None,
    };
    let operands: Option<Vec<_>> = args.iter().zip(nums).enumerate().map(operand).collect();
    let result = what.expr(&operands?).ok()?;
    // Integers to negative powers are an error, which only the elements tell.
    let positive = matches!(args.last(), Some(Arg::Number(Number::Int(0..), _)));
    if matches!(what, What::Power | What::Ufunc("power")) && result.dtype().num.is_integer() && !positive {
        return None;
    }
    is_plain(result.dtype()).then_some(result.dtype().num)
}
