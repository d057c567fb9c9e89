//! Calls of functions the recorder knows: builtins, `math`, ufuncs of scalars, numpy's scalar types.
//!
//! Functions of `math` are calls of the C functions CPython calls, ufuncs calls of the loops the object space calls, so
//! the bits are theirs. A result that is not finite may stand for an exception or a warning and is a guard.

use std::ffi::CStr;
use std::rc::Rc;

use jit::ir::{Binary, Cond, Const, Scalar, Unary, Value};
use micronumpy::TypeNum;
use micronumpy_python::abi::PyUFuncObject;
use micronumpy_python::objects::{scalar, ufunc};
use pyo3::ffi;
use pyo3::prelude::*;
use ufuncs::abi::LoopDef;

use super::Result;
use super::elements::is_array;
use super::method::Keywords;
use super::rows::Rule;
use crate::bytecode::BinaryOp;
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, Flavor, Step, Val, scalar_of};
use crate::record::walk::Walker;

macro_rules! libm {
    ($($name:ident)*) => {
        unsafe extern "C" {
            $(fn $name(x: f64) -> f64;)*
        }
        /// A function of one float that `math` calls as it is.
        fn of_one(name: &str) -> Option<usize> {
            Some(match name {
                $(stringify!($name) => $name as *const () as usize,)*
                _ => return None,
            })
        }
    };
}
libm!(exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp2 cbrt);

unsafe extern "C" {
    fn pow(x: f64, y: f64) -> f64;
    fn fmod(x: f64, y: f64) -> f64;
    fn atan2(x: f64, y: f64) -> f64;
}

impl Walker<'_, '_> {
    /// `callee(*args)`.
    pub fn call(&mut self, callee: &Abs, args: &[Abs], keywords: &Keywords) -> Result<Abs> {
        if let Val::Method(of, name) = &callee.val {
            let (of, name) = (Rc::clone(of), *name);
            return self.method(&of, name, args, keywords);
        }
        let Val::Const(p) = callee.val else { return Err(Abort::Callee("something that varies".into())) };
        // SAFETY: a live object, kept by the inputs or the code.
        let object = unsafe { Bound::from_borrowed_ptr(self.py, p) };
        if let Some(name) = self.numpy_function(&object) {
            return self.numpy_call(name, args, keywords);
        }
        // SAFETY: a type check.
        if unsafe { ffi::PyFunction_Check(p) != 0 } {
            return self.inline(&object, args, keywords);
        }
        if !keywords.is_empty() {
            return Err(Abort::Callee("a function with keywords".into()));
        }
        // SAFETY: types are compared.
        unsafe {
            let ty = p.cast::<ffi::PyTypeObject>();
            if ty == &raw mut ffi::PyFloat_Type {
                return self.float_of(args);
            }
            if ty == &raw mut ffi::PyLong_Type {
                return self.int_of(args);
            }
            if ty == &raw mut ffi::PyBool_Type {
                let [a] = args else { return Err(Abort::Callee("bool".into())) };
                let truth = self.truth(a)?;
                return Ok(Abs::num(Flavor::Bool, truth));
            }
            if ty == &raw mut ffi::PyComplex_Type {
                return self.complex_of(args);
            }
            if ty == &raw mut ffi::PyRange_Type {
                return self.range(args);
            }
            if ty == &raw mut ffi::PyEnum_Type {
                return self.enumerate(args);
            }
            if ty == &raw mut ffi::PyZip_Type && !args.is_empty() {
                let items = args.iter().map(|a| self.iterate(a)).collect::<Result<Vec<_>>>()?;
                return Ok(Val::Zip(items.into()).into());
            }
            if let Some(num) = scalar::typenum_of_class(ty) {
                return self.scalar_type(num, args);
            }
            if ufunc::is_ufunc(&object) {
                let raw = p.cast::<PyUFuncObject>();
                let name = CStr::from_ptr((*raw).name).to_string_lossy().into_owned();
                return self.ufunc(&name, args);
            }
        }
        if super::foreign::is_function(&object) {
            return self.foreign(&object, args);
        }
        let text = |attr: &str| object.getattr(attr).ok().and_then(|o| o.extract::<String>().ok());
        // Only of builtin functions: nothing foreign runs by asking.
        // SAFETY: a type check.
        let is_builtin = unsafe { ffi::PyCFunction_CheckExact(p) != 0 };
        if !is_builtin {
            return Err(Abort::Callee("an object".into()));
        }
        let name = text("__name__").unwrap_or_default();
        match text("__module__").as_deref() {
            Some("builtins") => self.builtin(&name, args),
            Some("math") => self.math(&name, args),
            _ => Err(Abort::Callee(name)),
        }
    }

    fn float_of(&mut self, args: &[Abs]) -> Result<Abs> {
        let [a] = args else { return Err(Abort::Callee("float".into())) };
        let (_, v) = self.number(a)?;
        let v = self.as_float(v);
        Ok(Abs::num(Flavor::Float, v))
    }
    fn int_of(&mut self, args: &[Abs]) -> Result<Abs> {
        let [a] = args else { return Err(Abort::Callee("int".into())) };
        let (_, v) = self.number(a)?;
        let v = self.integral(v)?;
        Ok(Abs::num(Flavor::Int, v))
    }
    /// A number as an `i64`, guarded to fit.
    fn integral(&mut self, v: Value) -> Result<Value> {
        let scalar = self.b.ty(v).scalar;
        if scalar.is_float() {
            return Ok(self.truncated(v));
        }
        if scalar == Scalar::U64 {
            let top = self.b.constant(Const::canonical(Scalar::U64, i64::MAX as u64));
            let fits = self.b.compare(Cond::Le, v, top);
            self.guard(fits, true, Why::Overflow);
        }
        Ok(self.as_int(v))
    }

    fn enumerate(&mut self, args: &[Abs]) -> Result<Abs> {
        let (of, count) = match args {
            [of] => (of, self.b.i64(0)),
            [of, start] => {
                let (flavor, count) = self.number(start)?;
                if flavor != Flavor::Int {
                    return Err(Abort::Callee("enumerate from something else than an int".into()));
                }
                let (low, high) = (self.b.i64(-(1 << 61)), self.b.i64(1 << 61));
                let above = self.b.compare(Cond::Gt, count, low);
                self.guard(above, true, Why::Overflow);
                let below = self.b.compare(Cond::Lt, count, high);
                self.guard(below, true, Why::Overflow);
                (of, count)
            }
            _ => return Err(Abort::Callee("enumerate".into())),
        };
        let inner = Rc::new(self.iterate(of)?);
        Ok(Val::Enumerate { count, inner }.into())
    }

    fn range(&mut self, args: &[Abs]) -> Result<Abs> {
        let mut bounds = vec![];
        for a in args {
            let (flavor, v) = self.number(a)?;
            match flavor {
                Flavor::Int => bounds.push(v),
                Flavor::Np(num) if num.is_integer() => bounds.push(self.integral(v)?),
                _ => return Err(Abort::Callee("range of something else".into())),
            }
        }
        let zero = self.b.i64(0);
        let (start, stop, step) = match bounds[..] {
            [stop] => (zero, stop, Step::Const(1)),
            [start, stop] => (start, stop, Step::Const(1)),
            [start, stop, step] => match self.b.trace().as_const(step) {
                Some(c) if c.bits == 0 => return Err(Abort::Callee("range without a step".into())),
                Some(c) => (start, stop, Step::Const(c.bits as i64)),
                None => {
                    let positive = self.b.compare(Cond::Gt, step, zero);
                    self.guard(positive, true, Why::Domain);
                    (start, stop, Step::Value(step))
                }
            },
            _ => return Err(Abort::Callee("range".into())),
        };
        // One step beyond the end is a number still.
        let (far, cond) = match step {
            Step::Const(step) if step < 0 => (self.b.i64(i64::MIN - step), Cond::Ge),
            Step::Const(step) => (self.b.i64(i64::MAX - step), Cond::Le),
            Step::Value(step) => {
                let most = self.b.i64(i64::MAX);
                (self.b.binary(Binary::Sub, most, step), Cond::Le)
            }
        };
        let near = self.b.compare(cond, stop, far);
        self.guard(near, true, Why::Overflow);
        Ok(Val::Range { start, stop, step }.into())
    }

    fn builtin(&mut self, name: &str, args: &[Abs]) -> Result<Abs> {
        match (name, args) {
            ("len", [a]) if a.tag.is_none() => match &a.val {
                Val::Array(array) if !array.dims.is_empty() => Ok(Abs::num(Flavor::Int, array.dims[0])),
                Val::Small(s) if !s.dims.is_empty() => {
                    let n = self.b.i64(s.dims[0] as i64);
                    Ok(Abs::num(Flavor::Int, n))
                }
                Val::Tuple(items) | Val::List(_, items) => {
                    let n = self.b.i64(items.len() as i64);
                    Ok(Abs::num(Flavor::Int, n))
                }
                _ => Err(Abort::Callee("len of an object".into())),
            },
            ("abs", [a]) if matches!(a.val, Val::Complex(..)) => self.complex_magnitude(a),
            ("abs", [a]) if is_array(a) => self.ufunc("absolute", args),
            ("abs", [a]) => {
                let (flavor, v) = self.number(a)?;
                self.magnitude(flavor, v)
            }
            ("min" | "max", [a, b]) => {
                let ((fa, x), (fb, y)) = (self.number(a)?, self.number(b)?);
                if fa != fb {
                    return Err(Abort::Callee(format!("{name} of different types")));
                }
                // The second only if it is better: ties and NaN keep the first.
                let cond = if name == "max" { Cond::Gt } else { Cond::Lt };
                let (_, better) = self.compared(cond, fb, y, fa, x)?;
                let v = self.b.select(better, y, x);
                Ok(Abs::num(fa, v))
            }
            ("round", [a]) => {
                let (flavor, v) = self.number(a)?;
                match flavor {
                    Flavor::Float | Flavor::Np(TypeNum::DOUBLE) => {
                        let nearest = self.b.unary(Unary::Rint, v);
                        let v = self.truncated(nearest);
                        Ok(Abs::num(Flavor::Int, v))
                    }
                    Flavor::Int => Ok(Abs::num(flavor, v)),
                    _ => Err(Abort::Callee("round of such a number".into())),
                }
            }
            _ => Err(Abort::Callee(name.into())),
        }
    }

    fn magnitude(&mut self, flavor: Flavor, v: Value) -> Result<Abs> {
        let (flavor, v) = if flavor == Flavor::Bool { (Flavor::Int, self.as_int(v)) } else { (flavor, v) };
        let scalar = self.b.ty(v).scalar;
        if scalar.is_signed() && !self.wraps {
            let lowest = self.b.constant(Const::canonical(scalar, 1 << (scalar.bits() - 1)));
            let fits = self.b.compare(Cond::Ne, v, lowest);
            self.guard(fits, true, Why::Overflow);
        }
        let r = if scalar.is_unsigned() || scalar == Scalar::Bool { v } else { self.b.unary(Unary::Abs, v) };
        if self.is_unchecked(v) {
            self.must_be_finite(r, &[v], true);
        }
        Ok(Abs::num(flavor, r))
    }

    fn math(&mut self, name: &str, args: &[Abs]) -> Result<Abs> {
        let mut floats = vec![];
        for a in args {
            let (_, v) = self.number(a)?;
            floats.push(self.as_float(v));
        }
        let finite = |w: &mut Self, v: Value| {
            let is = w.is_finite(v);
            w.guard(is, true, Why::Domain);
            Ok(Abs::num(Flavor::Float, v))
        };
        match (name, &floats[..]) {
            ("sqrt", &[x]) => {
                let zero = self.b.f64(0.0);
                // Not for NaN either, which the VM may do.
                let fine = self.b.compare(Cond::Ge, x, zero);
                self.guard(fine, true, Why::Domain);
                let v = self.b.unary(Unary::Sqrt, x);
                Ok(Abs::num(Flavor::Float, v))
            }
            ("fabs", &[x]) => {
                let v = self.b.unary(Unary::Abs, x);
                Ok(Abs::num(Flavor::Float, v))
            }
            ("floor" | "ceil" | "trunc", &[x]) => {
                let (flavor, v) = self.number(&args[0])?;
                match flavor {
                    Flavor::Int => return Ok(Abs::num(flavor, v)),
                    Flavor::Float | Flavor::Np(TypeNum::DOUBLE) => {}
                    _ => return Err(Abort::Callee(format!("math.{name} of such a number"))),
                }
                let op = match name {
                    "floor" => Unary::Floor,
                    "ceil" => Unary::Ceil,
                    _ => Unary::Trunc,
                };
                let whole = self.b.unary(op, x);
                let v = self.truncated(whole);
                Ok(Abs::num(Flavor::Int, v))
            }
            ("copysign", &[x, y]) => {
                let v = self.b.binary(Binary::Copysign, x, y);
                Ok(Abs::num(Flavor::Float, v))
            }
            ("isnan", &[x]) => {
                let v = self.b.compare(Cond::Ne, x, x);
                Ok(Abs::num(Flavor::Bool, v))
            }
            ("isfinite", &[x]) => {
                let v = self.is_finite(x);
                Ok(Abs::num(Flavor::Bool, v))
            }
            ("isinf", &[x]) => {
                let magnitude = self.b.unary(Unary::Abs, x);
                let infinity = self.b.f64(f64::INFINITY);
                let v = self.b.compare(Cond::Eq, magnitude, infinity);
                Ok(Abs::num(Flavor::Bool, v))
            }
            ("pow" | "fmod" | "atan2", &[x, y]) => {
                let addr = match name {
                    "pow" => pow as *const () as usize,
                    "fmod" => fmod as *const () as usize,
                    _ => atan2 as *const () as usize,
                };
                let v = self.helper(name, addr, &[x, y], Scalar::F64);
                finite(self, v)
            }
            (name, &[x]) => {
                // The integer itself may be an argument of a logarithm, however long.
                let addr = of_one(name).ok_or_else(|| Abort::Callee(format!("math.{name}")))?;
                let v = self.helper(name, addr, &[x], Scalar::F64);
                finite(self, v)
            }
            _ => Err(Abort::Callee(format!("math.{name}"))),
        }
    }

    /// `numpy.float64(x)` and its like.
    fn scalar_type(&mut self, num: TypeNum, args: &[Abs]) -> Result<Abs> {
        let unsupported = || Abort::Callee(format!("the scalar type {num:?}"));
        let [a] = args else { return Err(unsupported()) };
        if num == TypeNum::HALF {
            let v = self.number(a)?;
            let half = self.half_of(v)?;
            return Ok(Abs::num(Flavor::Np(num), half));
        }
        let scalar = scalar_of(num).ok_or_else(unsupported)?;
        let (flavor, v) = self.number(a)?;
        let from = self.b.ty(v).scalar;
        let r = if from == scalar || scalar == Scalar::Bool || from == Scalar::Bool {
            if from == scalar { v } else { self.b.convert(v, scalar) }
        } else if scalar == Scalar::F64 {
            self.as_float(v)
        } else if scalar == Scalar::I64 || flavor == Flavor::Int && scalar.is_int() {
            let wide = self.integral(v)?;
            self.guard_range(wide, scalar);
            if scalar == Scalar::I64 { wide } else { self.b.convert(wide, scalar) }
        } else {
            self.as_element(&Abs::num(flavor, v), num, scalar)?
        };
        Ok(Abs::num(Flavor::Np(num), r))
    }

    /// A ufunc of scalars.
    pub fn ufunc(&mut self, name: &str, args: &[Abs]) -> Result<Abs> {
        let unsupported = || Abort::Callee(format!("the ufunc {name}"));
        if let ("matmul", [a, b]) = (name, args) {
            return self.dot(a, b, true);
        }
        if args.iter().any(is_array) {
            if let Some(pending) = self.apply(Rule::Ufunc(name.into()), args)? {
                return Ok(self.wait(pending));
            }
            return self.elementwise(args, &mut |w, of| w.ufunc(name, of));
        }
        if let (Some(op), [a, b]) = (operator(name), args) {
            // Of Python numbers it would be numpy's, not Python's.
            if !matches!(a.val, Val::Num(Flavor::Np(_), _)) && !matches!(b.val, Val::Num(Flavor::Np(_), _)) {
                return Err(unsupported());
            }
            return self.binary(op, a, b);
        }
        let mut operands = vec![];
        let mut flavor: Option<Flavor> = None;
        for a in args {
            let (f, v) = self.number(a)?;
            // A Python number alone has its default type.
            operands.push((f, v));
            flavor = Some(match flavor {
                None => f,
                Some(g) => super::arith::common(g, f)?,
            });
        }
        let num = match flavor.ok_or_else(unsupported)? {
            Flavor::Np(num) => num,
            Flavor::Float => TypeNum::DOUBLE,
            Flavor::Int => TypeNum::LONG,
            Flavor::Bool => TypeNum::BOOL,
        };
        if let ("power", false, [a, b]) = (name, num.is_float(), args) {
            // Of Python's integers it would wrap.
            let is_numpy = flavor.is_some_and(Flavor::is_np);
            return if is_numpy { self.binary(BinaryOp::Power, a, b) } else { Err(unsupported()) };
        }
        let exact = matches!(name, "absolute" | "maximum" | "minimum");
        // Functions that have no loop for integers compute in doubles.
        let num = if num.is_float() || exact { num } else { TypeNum::DOUBLE };
        if num.is_bool() || scalar_of(num).is_none() || operands.iter().any(|(f, _)| small(*f)) && !exact {
            return Err(unsupported());
        }
        let mut values = vec![];
        for operand in operands {
            values.push(self.numpy_of(num, operand)?);
        }
        let flavor = Flavor::Np(num);
        match (name, &values[..]) {
            ("absolute", &[x]) => self.magnitude(flavor, x),
            ("maximum" | "minimum", &[x, y]) => {
                let op = if name == "maximum" { Binary::Max } else { Binary::Min };
                let v = self.b.binary(op, x, y);
                Ok(Abs::num(flavor, v))
            }
            ("sqrt", &[x]) => {
                self.check();
                let v = self.b.unary(Unary::Sqrt, x);
                self.must_be_finite(v, &[x], false);
                Ok(Abs::num(flavor, v))
            }
            (
                "exp" | "exp2" | "expm1" | "log" | "log2" | "log10" | "log1p" | "sin" | "cos" | "tan"
                | "arcsin" | "arccos" | "arctan" | "sinh" | "cosh" | "tanh" | "arcsinh" | "arccosh"
                | "arctanh" | "cbrt",
                &[x],
            ) => {
                let v = self.numpy_loop(name, num, &[x])?;
                Ok(Abs::num(flavor, v))
            }
            ("arctan2" | "hypot" | "power", &[x, y]) => {
                let v = self.numpy_loop(name, num, &[x, y])?;
                Ok(Abs::num(flavor, v))
            }
            _ => Err(unsupported()),
        }
    }

    /// A binary ufunc's loop on floats.
    pub fn numpy_binary(&mut self, name: &str, num: TypeNum, x: Value, y: Value) -> Result<Value> {
        self.numpy_loop(name, num, &[x, y])
    }
    fn numpy_loop(&mut self, name: &str, num: TypeNum, args: &[Value]) -> Result<Value> {
        let missing = || Abort::Callee(format!("the ufunc {name} of {num:?}"));
        let def = ufuncs::table::find(name).ok_or_else(missing)?;
        let found: Option<&'static LoopDef> =
            def.loops.iter().find(|l| l.types.len() == args.len() + 1 && l.types.iter().all(|t| *t == num));
        let def = found.ok_or_else(missing)?;
        let addr = match (num, args.len()) {
            (TypeNum::DOUBLE, 1) => one::<f64> as *const () as usize,
            (TypeNum::DOUBLE, 2) => two::<f64> as *const () as usize,
            (TypeNum::FLOAT, 1) => one::<f32> as *const () as usize,
            (TypeNum::FLOAT, 2) => two::<f32> as *const () as usize,
            _ => return Err(missing()),
        };
        self.check();
        let def = self.b.i64(std::ptr::from_ref(def) as i64);
        let mut all = vec![def];
        all.extend(args);
        let scalar = self.b.ty(args[0]).scalar;
        let v = self.helper(name, addr, &all, scalar);
        // What is not finite is reported, unless an operand was not either.
        self.must_be_finite(v, args, false);
        Ok(v)
    }
}

/// The operator that is the same as a ufunc.
fn operator(name: &str) -> Option<BinaryOp> {
    Some(match name {
        "add" => BinaryOp::Add,
        "subtract" => BinaryOp::Subtract,
        "multiply" => BinaryOp::Multiply,
        "divide" => BinaryOp::TrueDivide,
        _ => return None,
    })
}

/// Whether a ufunc may compute this in halves or single precision.
fn small(flavor: Flavor) -> bool {
    match flavor {
        Flavor::Bool => true,
        Flavor::Np(num) => !(num.is_float() || num.size() == 8),
        _ => false,
    }
}

/// A loop over one element.
extern "C" fn one<T: Copy + Default>(def: &'static LoopDef, x: T) -> T {
    run(def, [x])
}
extern "C" fn two<T: Copy + Default>(def: &'static LoopDef, x: T, y: T) -> T {
    run(def, [x, y])
}
fn run<T: Copy + Default, const N: usize>(def: &LoopDef, mut args: [T; N]) -> T {
    let mut out = T::default();
    let mut data = [std::ptr::null_mut::<u8>(); 3];
    for (slot, arg) in data.iter_mut().zip(&mut args) {
        *slot = std::ptr::from_mut(arg).cast();
    }
    data[N] = std::ptr::from_mut(&mut out).cast();
    // SAFETY: one aligned native element for each operand, of the types the loop was chosen by; loops over floats need no
    // context.
    unsafe {
        (def.func)(std::ptr::null(), data.as_ptr(), [1isize].as_ptr(), [0isize; 4].as_ptr(), def.aux);
    }
    out
}
