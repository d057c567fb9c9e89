//! Methods of arrays, and numpy's functions that make arrays or do what methods do.
//!
//! A function of numpy is known by being what numpy's own module holds under its name: whoever replaced it there gets the
//! replacement called, by the VM.

use std::rc::Rc;

use jit::ir::Cond;
use micronumpy::TypeNum;
use micronumpy_python::objects::scalar;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use super::Result;
use super::arith::common;
use super::elements::is_array;
use super::fold::Fold;
use crate::bytecode::BinaryOp;
use crate::record::abort::Abort;
use crate::record::entry::is_dispatcher;
use crate::record::exit::Why;
use crate::record::kind::{Abs, Flavor, Val};
use crate::record::small::{self, Small};
use crate::record::walk::Walker;

/// Arguments given by name.
pub type Keywords = [(String, Abs)];

/// Methods that are recorded.
const METHODS: [&str; 18] = [
    "sum",
    "prod",
    "max",
    "min",
    "mean",
    "any",
    "all",
    "dot",
    "copy",
    "astype",
    "reshape",
    "ravel",
    "flatten",
    "transpose",
    "fill",
    "argmax",
    "argmin",
    "clip",
];

/// A method by its name.
pub fn method_name(name: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|m| *m == name)
}

/// Functions of numpy that are recorded.
const FUNCTIONS: [&str; 35] = [
    "array",
    "asarray",
    "zeros",
    "ones",
    "empty",
    "full",
    "eye",
    "identity",
    "arange",
    "zeros_like",
    "ones_like",
    "empty_like",
    "full_like",
    "sum",
    "prod",
    "max",
    "amax",
    "min",
    "amin",
    "mean",
    "any",
    "all",
    "dot",
    "inner",
    "outer",
    "cross",
    "where",
    "copy",
    "transpose",
    "ravel",
    "reshape",
    "norm",
    "clip",
    "argmax",
    "argmin",
];

fn unsupported(name: &str) -> Abort {
    Abort::Callee(format!("{name} with such arguments"))
}

impl Walker<'_, '_> {
    /// The name of one of numpy's functions.
    pub fn numpy_function(&mut self, object: &Bound<'_, PyAny>) -> Option<&'static str> {
        let p = object.as_ptr();
        // SAFETY: types of a live object are compared.
        let is_function = unsafe { ffi::PyFunction_Check(p) != 0 || ffi::PyCFunction_CheckExact(p) != 0 };
        if !is_function && !is_dispatcher(p) {
            return None;
        }
        let name: String = object.getattr("__name__").ok()?.extract().ok()?;
        let name = FUNCTIONS.into_iter().find(|f| *f == name)?;
        let home = if name == "norm" { "numpy.linalg" } else { "numpy" };
        let modules = self.py.import("sys").ok()?.getattr("modules").ok()?;
        let module = modules.get_item(home).ok()?;
        let module = module.cast_exact::<PyModule>().ok()?;
        module.dict().get_item(name).ok()??.is(object).then_some(name)
    }

    /// A dtype an argument names.
    fn dtype(&self, abs: &Abs) -> Result<TypeNum> {
        let Val::Const(p) = abs.val else { return Err(unsupported("a dtype")) };
        let ty = p.cast::<ffi::PyTypeObject>();
        // SAFETY: addresses are compared; only a type is asked for its number.
        let num = unsafe {
            if ty == &raw mut ffi::PyFloat_Type {
                Some(TypeNum::DOUBLE)
            } else if ty == &raw mut ffi::PyLong_Type {
                Some(TypeNum::LONG)
            } else if ty == &raw mut ffi::PyBool_Type {
                Some(TypeNum::BOOL)
            } else if ffi::PyType_Check(p) != 0 {
                scalar::typenum_of_class(ty)
            } else {
                None
            }
        };
        num.filter(|n| crate::record::kind::scalar_of(*n).is_some()).ok_or_else(|| unsupported("a dtype"))
    }

    /// A whole number that is always the same.
    fn fixed_number(&mut self, abs: &Abs) -> Result<i64> {
        let (flavor, v) = self.number(abs)?;
        if flavor != Flavor::Int {
            return Err(unsupported("a number"));
        }
        match self.b.trace().as_const(v) {
            Some(c) => Ok(c.bits as i64),
            // The extent of an array, perhaps.
            None if !self.hints.fixed => {
                self.hints.fixed = true;
                self.hints.learnt = true;
                Err(Abort::Again)
            }
            None => Err(Abort::Operation("an extent that varies".into())),
        }
    }
    /// Extents: a number or a tuple of them.
    fn shape(&mut self, abs: &Abs) -> Result<Vec<usize>> {
        let items = match &abs.val {
            Val::Tuple(items) | Val::List(_, items) if abs.tag.is_none() => items.to_vec(),
            _ => vec![abs.clone()],
        };
        items
            .iter()
            .map(|i| usize::try_from(self.fixed_number(i)?).map_err(|_| unsupported("a shape")))
            .collect()
    }

    /// A call of one of numpy's functions.
    pub fn numpy_call(&mut self, name: &str, args: &[Abs], keywords: &Keywords) -> Result<Abs> {
        let keyword = |allowed: &[&str]| -> Result<Vec<Option<Abs>>> {
            if keywords.iter().any(|(k, _)| !allowed.contains(&k.as_str())) {
                return Err(unsupported(name));
            }
            Ok(allowed
                .iter()
                .map(|a| keywords.iter().find(|(k, _)| k == a).map(|(_, v)| v.clone()))
                .collect())
        };
        match (name, args) {
            ("array" | "asarray", [of]) => {
                let num = match &keyword(&["dtype"])?[0] {
                    Some(d) => Some(self.dtype(d)?),
                    None => None,
                };
                self.array_from(name, of, num)
            }
            ("array" | "asarray", [of, d]) if keywords.is_empty() => {
                let num = self.dtype(d)?;
                self.array_from(name, of, Some(num))
            }
            ("zeros" | "ones" | "empty", [shape, rest @ ..]) if rest.len() < 2 => {
                let given = keyword(&["dtype"])?;
                let num = match rest.first().or(given[0].as_ref()) {
                    Some(d) => self.dtype(d)?,
                    None => TypeNum::DOUBLE,
                };
                let dims = self.shape(shape)?;
                self.filled(num, &dims, i64::from(name == "ones"))
            }
            ("full", [shape, value]) if keywords.is_empty() => {
                let dims = self.shape(shape)?;
                let made = self.array_of(value, None)?;
                let (num, v) = match &made.val {
                    Val::Small(s) if s.dims.is_empty() => (s.num, s.cells[0]),
                    _ => return Err(unsupported(name)),
                };
                let empty = self.filled(num, &dims, 0)?;
                let Val::Small(s) = &empty.val else { return Err(unsupported(name)) };
                let count = s.size();
                Ok(self.fresh(num, &dims, vec![v; count]))
            }
            ("eye" | "identity", [n]) if keywords.is_empty() => {
                let n = usize::try_from(self.fixed_number(n)?).map_err(|_| unsupported(name))?;
                let zeros = self.filled(TypeNum::DOUBLE, &[n, n], 0)?;
                let one = self.b.f64(1.0);
                let Val::Small(s) = &zeros.val else { return Err(unsupported(name)) };
                let mut cells = s.cells.to_vec();
                (0..n).for_each(|k| cells[k * n + k] = one);
                Ok(self.fresh(TypeNum::DOUBLE, &[n, n], cells))
            }
            ("arange", [n]) if keywords.is_empty() => {
                let n = self.fixed_number(n)?;
                if !(1..=small::MOST as i64).contains(&n) {
                    return Err(unsupported(name));
                }
                let cells = (0..n).map(|k| self.b.i64(k)).collect();
                Ok(self.fresh(TypeNum::LONG, &[n as usize], cells))
            }
            ("zeros_like" | "ones_like" | "empty_like", [of]) if keywords.is_empty() && is_array(of) => {
                let o = self.operand(of)?;
                if !o.is_c_like {
                    return Err(Abort::Array("is not in C order"));
                }
                self.filled(o.num, &o.dims, i64::from(name == "ones_like"))
            }
            ("dot", [a, b]) if keywords.is_empty() => self.dot(a, b, false),
            ("inner", [a, b]) if keywords.is_empty() && self.rank(a) == 1 && self.rank(b) == 1 => {
                self.dot(a, b, false)
            }
            ("outer", [a, b]) if keywords.is_empty() && self.rank(a) == 1 && self.rank(b) == 1 => {
                let (x, y) = (self.operand(a)?, self.operand(b)?);
                let column = self.fresh(x.num, &[x.dims[0], 1], x.elements);
                let row = self.fresh(y.num, &[1, y.dims[0]], y.elements);
                self.array_binary(BinaryOp::Multiply, &column, &row)
            }
            ("cross", [a, b]) if keywords.is_empty() => {
                let (x, y) = (self.operand(a)?, self.operand(b)?);
                if x.dims != [3] || y.dims != [3] {
                    return Err(unsupported(name));
                }
                let mut cells = vec![];
                let mut num = x.num;
                for (i, j) in [(1, 2), (2, 0), (0, 1)] {
                    let wraps = std::mem::replace(&mut self.wraps, true);
                    let first = self.binary(BinaryOp::Multiply, &x.element(i), &y.element(j));
                    let second = self.binary(BinaryOp::Multiply, &x.element(j), &y.element(i));
                    let both = first.and_then(|f| self.binary(BinaryOp::Subtract, &f, &second?));
                    self.wraps = wraps;
                    let Val::Num(Flavor::Np(n), v) = both?.val else { return Err(unsupported(name)) };
                    num = n;
                    cells.push(v);
                }
                // What numpy gives has moved its axes.
                let made = self.fresh(num, &[3], cells);
                let Val::Small(s) = &made.val else { return Err(unsupported(name)) };
                Ok(Val::Small(Rc::new(s.part(&[small::Key::All]))).into())
            }
            ("where", [c, x, y]) if keywords.is_empty() && args.iter().any(is_array) => {
                self.chosen(&[c.clone(), x.clone(), y.clone()])
            }
            ("clip", [of, low, high]) if keywords.is_empty() => self.clipped(of, low, high),
            ("norm", [a]) if keywords.is_empty() && self.rank(a) == 1 => {
                if self.operand(a)?.num != TypeNum::DOUBLE {
                    return Err(unsupported(name));
                }
                let square = self.dot(a, a, false)?;
                let (_, v) = self.number(&square)?;
                Ok(self.root(TypeNum::DOUBLE, v))
            }
            (
                "sum" | "prod" | "max" | "amax" | "min" | "amin" | "mean" | "any" | "all" | "copy"
                | "transpose" | "ravel" | "reshape" | "argmax" | "argmin",
                [of, rest @ ..],
            ) if is_array(of) => self.method(of, name, rest, keywords),
            _ => Err(unsupported(name)),
        }
    }

    /// `clip` between two numbers.
    fn clipped(&mut self, of: &Abs, low: &Abs, high: &Abs) -> Result<Abs> {
        if is_array(of) {
            let limits = [low.clone(), high.clone()];
            return self
                .elementwise(std::slice::from_ref(of), &mut |w, x| w.clipped(&x[0], &limits[0], &limits[1]));
        }
        let ((f, x), (g, low), (h, high)) = (self.number(of)?, self.number(low)?, self.number(high)?);
        // The first one is made an array, which has a type of its own.
        let f = Flavor::Np(match f {
            Flavor::Int => TypeNum::LONG,
            Flavor::Bool => TypeNum::BOOL,
            Flavor::Float => TypeNum::DOUBLE,
            Flavor::Np(num) => num,
        });
        let num = match common(common(f, g)?, h)? {
            Flavor::Np(num) if !num.is_bool() => num,
            _ => return Err(unsupported("clip")),
        };
        // A Python number that goes with integers takes the type of all three, which pairs do not tell.
        if num.is_float() && [f, g, h].iter().any(|f| matches!(f, Flavor::Np(n) if !n.is_float())) {
            return Err(unsupported("clip"));
        }
        let x = self.numpy_of(num, (f, x))?;
        let (low, high) = (self.numpy_of(num, (g, low))?, self.numpy_of(num, (h, high))?);
        for limit in [low, high] {
            let is_number = self.b.compare(Cond::Eq, limit, limit);
            self.guard(is_number, true, Why::Domain);
        }
        let below = self.b.compare(Cond::Lt, x, low);
        let raised = self.b.select(below, low, x);
        let above = self.b.compare(Cond::Gt, raised, high);
        let v = self.b.select(above, high, raised);
        Ok(Abs::num(Flavor::Np(num), v))
    }

    fn rank(&self, abs: &Abs) -> usize {
        match &abs.val {
            Val::Small(s) => s.dims.len(),
            Val::Array(a) => a.dims.len(),
            _ => 0,
        }
    }

    fn array_from(&mut self, name: &str, of: &Abs, num: Option<TypeNum>) -> Result<Abs> {
        if is_array(of) {
            let o = self.operand(of)?;
            if name == "asarray" && num.is_none_or(|n| n == o.num) {
                return Ok(of.clone());
            }
            if !o.is_c_like {
                return Err(Abort::Array("is not in C order"));
            }
            return self.cast(of, num.unwrap_or(o.num));
        }
        if !matches!(of.val, Val::List(..) | Val::Tuple(_)) {
            return Err(unsupported(name));
        }
        self.array_of(of, num)
    }

    /// A new array of a type.
    fn cast(&mut self, of: &Abs, num: TypeNum) -> Result<Abs> {
        let dims = self.operand(of)?.dims;
        let cells = self.converted(of, &dims, num)?;
        Ok(self.fresh(num, &dims, cells))
    }

    /// A call of a method of an array.
    pub fn method(&mut self, of: &Abs, name: &str, args: &[Abs], keywords: &Keywords) -> Result<Abs> {
        if let Some(fold) = Fold::of(name) {
            let axis = match (args, keywords) {
                ([], []) => None,
                ([axis], []) => Some(axis.clone()),
                ([], [(k, axis)]) if k == "axis" => Some(axis.clone()),
                _ => return Err(unsupported(name)),
            };
            let axis = match axis {
                Some(axis) if !self.is_none(&axis) => Some(self.fixed_number(&axis)?),
                _ => None,
            };
            return self.fold(fold, of, axis);
        }
        if !keywords.is_empty() {
            return Err(unsupported(name));
        }
        match (name, args) {
            ("dot", [b]) => self.dot(of, b, false),
            ("copy" | "flatten", []) => {
                let o = self.operand(of)?;
                let dims = if name == "copy" { o.dims } else { vec![o.elements.len()] };
                Ok(self.fresh(o.num, &dims, o.elements))
            }
            ("astype", [d]) => {
                let num = self.dtype(d)?;
                if !self.operand(of)?.is_c_like {
                    return Err(Abort::Array("is not in C order"));
                }
                self.cast(of, num)
            }
            ("argmax" | "argmin", []) => self.best(of, name == "argmax"),
            ("clip", [_, _]) => {
                let all: Vec<Abs> = [of.clone()].into_iter().chain(args.iter().cloned()).collect();
                self.numpy_call(name, &all, &[])
            }
            ("transpose", []) => self.transposed(of),
            ("reshape" | "ravel", _) => {
                let Val::Small(s) = &of.val else { return Err(unsupported(name)) };
                let s = Rc::clone(s);
                let dims = match args {
                    [] if name == "ravel" => vec![s.size()],
                    [] => return Err(unsupported(name)),
                    [shape] => self.shape(shape)?,
                    numbers => {
                        let mut dims = vec![];
                        for n in numbers {
                            dims.push(usize::try_from(self.fixed_number(n)?).map_err(|_| unsupported(name))?);
                        }
                        dims
                    }
                };
                if !s.is_contiguous() || dims.iter().product::<usize>() != s.size() {
                    return Err(unsupported(name));
                }
                let steps = small::steps_of(&dims);
                Ok(Val::Small(Rc::new(Small { whole: false, dims, steps, ..Small::clone(&s) })).into())
            }
            ("fill", [value]) if matches!(of.val, Val::Small(_)) => {
                let o = self.operand(of)?;
                let elements = self.converted(value, &o.dims, o.num)?;
                if elements.is_empty() || is_array(value) {
                    return Err(unsupported(name));
                }
                self.assign(of, elements)?;
                Ok(Val::Const(self.py.None().as_ptr()).into())
            }
            _ => Err(unsupported(name)),
        }
    }

    pub fn transposed(&mut self, of: &Abs) -> Result<Abs> {
        match &of.val {
            Val::Small(s) => Ok(Val::Small(Rc::new(s.transposed())).into()),
            _ => Err(unsupported("transpose")),
        }
    }
}
