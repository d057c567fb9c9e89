//! Arithmetic and comparison of number scalars.
//!
//! The common case (two scalars of one type, or a scalar and a Python number) calls the kernel of the ufunc for one
//! element and reads the floating-point status, so that results and warnings are the ufunc's. Everything else (arrays,
//! sequences, types that need promotion) goes through the ufunc itself.

use std::ffi::c_int;
use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, Ordering};

use micronumpy::TypeNum;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyInt, PyString, PyTuple};
use pyo3::{PyTypeInfo, ffi, intern};
use ufuncs::abi::{LoopDef, NEGATIVE_POWER};
use ufuncs::elem::{CLongDouble, Complex, LongDouble};
use ufuncs::fpstatus;

use super::types::{GENERIC, typenum_of_class};
use super::value::{Cell, bool_scalar, cell_of, make_num, python_number, to_array, to_f64, typenum_of};
use super::{quick, set};
use crate::ffi::import::cached;
use crate::objects::handles::is_array;
use crate::objects::{array, ufunc};

type Obj<'py> = Bound<'py, PyAny>;

/// The operations, in the order of [`OPS`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Divmod,
    Power,
    LeftShift,
    RightShift,
    And,
    Or,
    Xor,
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Negative,
    Positive,
    Absolute,
    Invert,
}

const NOPS: usize = 23;

/// Name of the ufunc, and how warnings call the operation on scalars.
static OPS: [(&str, &str); NOPS] = [
    ("add", "scalar add"),
    ("subtract", "scalar subtract"),
    ("multiply", "scalar multiply"),
    ("divide", "scalar divide"),
    ("floor_divide", "scalar floor_divide"),
    ("remainder", "scalar remainder"),
    ("divmod", "scalar divmod"),
    ("power", "scalar power"),
    ("left_shift", "scalar left_shift"),
    ("right_shift", "scalar right_shift"),
    ("bitwise_and", "scalar and"),
    ("bitwise_or", "scalar or"),
    ("bitwise_xor", "scalar xor"),
    ("less", "scalar less"),
    ("less_equal", "scalar less_equal"),
    ("equal", "scalar equal"),
    ("not_equal", "scalar not_equal"),
    ("greater", "scalar greater"),
    ("greater_equal", "scalar greater_equal"),
    ("negative", "scalar negative"),
    ("positive", "scalar positive"),
    ("absolute", "scalar absolute"),
    ("invert", "scalar invert"),
];

/// Kernels found so far: null is unknown, [`ABSENT`] is none.
static LOOPS: [[AtomicPtr<LoopDef>; TypeNum::NTYPES]; NOPS] =
    [const { [const { AtomicPtr::new(std::ptr::null_mut()) }; TypeNum::NTYPES] }; NOPS];

static ABSENT: LoopDef = LoopDef::new(&[], absent_loop, ufuncs::abi::LoopFlags::NONE);

unsafe extern "C" fn absent_loop(
    _: *const ufuncs::abi::LoopContext,
    _: *const *mut u8,
    _: *const isize,
    _: *const isize,
    _: *mut std::ffi::c_void,
) -> c_int {
    0
}

/// The kernel of an operation whose inputs all have this type.
fn find_loop(op: Op, num: TypeNum) -> Option<&'static LoopDef> {
    let slot = LOOPS.get(op as usize)?.get(num.0 as usize)?;
    let known = slot.load(Ordering::Relaxed);
    if !known.is_null() {
        let absent = std::ptr::eq(known, &ABSENT);
        // SAFETY: only static definitions are stored.
        return (!absent).then(|| unsafe { &*known });
    }
    let found = ufuncs::table::find(OPS[op as usize].0).and_then(|def| {
        def.loops
            .iter()
            .find(|l| l.types.len() == def.nin + def.nout && l.types[..def.nin].iter().all(|t| *t == num))
    });
    slot.store(std::ptr::from_ref(found.unwrap_or(&ABSENT)).cast_mut(), Ordering::Relaxed);
    found
}

/// Run a kernel for one element. The result type is the kernel's.
fn run<'py>(py: Python<'py>, op: Op, def: &LoopDef, args: &mut [Cell]) -> PyResult<Obj<'py>> {
    let nin = args.len();
    let out = values(py, op, def, args)?;
    let first = make_num(py, def.types[nin], &out[0])?;
    if def.types.len() == nin + 1 {
        return Ok(first);
    }
    let second = make_num(py, def.types[nin + 1], &out[1])?;
    Ok(PyTuple::new(py, [first, second])?.into_any())
}

/// What a loop makes of these operands, reported as `op`.
fn values(py: Python<'_>, op: Op, def: &LoopDef, args: &mut [Cell]) -> PyResult<[Cell; 2]> {
    let nout = def.types.len() - args.len();
    let mut out = [Cell::ZERO; 2];
    let mut data = [std::ptr::null_mut(); 4];
    for (slot, cell) in data.iter_mut().zip(args.iter_mut().chain(&mut out[..nout])) {
        *slot = cell.ptr_mut();
    }
    fpstatus::clear();
    let status = match by_itself(op, def.types[0], args) {
        Some(cell) => {
            out[0] = cell;
            0
        }
        // SAFETY: one aligned native element for each operand; loops over numbers need no context.
        None => unsafe {
            (def.func)(std::ptr::null(), data.as_ptr(), [1isize].as_ptr(), [0isize; 4].as_ptr(), def.aux)
        },
    };
    if status == NEGATIVE_POWER {
        return Err(PyValueError::new_err("Integers to negative integer powers are not allowed."));
    }
    let left = fpstatus::take();
    let mut fpe = left;
    // The kernels wrap in silence; scalars tell.
    if def.types[0].is_integer() && overflows(op, def.types[0], args) {
        fpe |= fpstatus::OVERFLOW;
    }
    // The length of a complex number is never invalid.
    if op == Op::Absolute && def.types[0].is_complex() {
        fpe &= !fpstatus::INVALID;
    }
    // Comparisons with NaN are no news.
    let quiet = op as usize >= Op::Less as usize && op as usize <= Op::GreaterEqual as usize;
    if fpe != 0 && !quiet {
        ufunc::report_fp_status(py, OPS[op as usize].1, fpe as u8)?;
    }
    // A loop over objects that computes with scalars finds the status still there, as in numpy.
    if left != 0 {
        fpstatus::raise(left);
    }
    Ok(out)
}

/// Operations whose bits or status are others for scalars than for arrays: products of complex numbers without fused steps,
/// lengths and powers by the C library.
fn by_itself(op: Op, num: TypeNum, args: &[Cell]) -> Option<Cell> {
    macro_rules! of {
        ($t:ty) => {{
            let a: Complex<$t> = black_box(args[0].get());
            Some(match op {
                Op::Multiply => {
                    let b: Complex<$t> = black_box(args[1].get());
                    let products = black_box([a.re * b.re, a.im * b.im, a.re * b.im, a.im * b.re]);
                    let product = Complex { re: products[0] - products[1], im: products[2] + products[3] };
                    Cell::of(black_box(product))
                }
                Op::Absolute => Cell::of(black_box(a.re.hypot(a.im))),
                _ => return None,
            })
        }};
    }
    // The status is read and cleared around this: nothing may be computed ahead or put off, hence the boxes.
    match (num, op) {
        (TypeNum::CFLOAT, _) => of!(f32),
        (TypeNum::CDOUBLE, _) => of!(f64),
        (TypeNum::FLOAT, Op::Power) => {
            Some(Cell::of(black_box(black_box(args[0].get::<f32>()).powf(black_box(args[1].get())))))
        }
        (TypeNum::DOUBLE, Op::Power) => {
            Some(Cell::of(black_box(black_box(args[0].get::<f64>()).powf(black_box(args[1].get())))))
        }
        _ => None,
    }
}

/// The value of an integer cell.
pub fn integer_value(num: TypeNum, v: &Cell) -> i128 {
    match (num.size(), num.is_signed()) {
        (1, true) => v.get::<i8>().into(),
        (1, false) => v.get::<u8>().into(),
        (2, true) => v.get::<i16>().into(),
        (2, false) => v.get::<u16>().into(),
        (4, true) => v.get::<i32>().into(),
        (4, false) => v.get::<u32>().into(),
        (_, true) => v.get::<i64>().into(),
        (_, false) => v.get::<u64>().into(),
    }
}

/// Whether the exact result of an operation lies outside of its integer type.
fn overflows(op: Op, num: TypeNum, args: &[Cell]) -> bool {
    let a = integer_value(num, &args[0]);
    let b = args.get(1).map_or(0, |b| integer_value(num, b));
    let exact = match op {
        Op::Add => a + b,
        Op::Subtract => a - b,
        // Two 64-bit numbers multiply into 128 bits; only unsigned ones can reach the last of them.
        Op::Multiply => match a.checked_mul(b) {
            Some(n) => n,
            None => return true,
        },
        Op::Negative => -a,
        Op::Absolute => a.abs(),
        _ => return false,
    };
    let bits = 8 * num.size() as u32;
    if num.is_signed() {
        !(-(1i128 << (bits - 1))..1i128 << (bits - 1)).contains(&exact)
    } else {
        !(0..1i128 << bits).contains(&exact)
    }
}

/// What the other operand is to a scalar of some type.
enum Other {
    /// A value to compute with, in a type both can have.
    Value(TypeNum, Cell),
    /// A Python integer that does not fit.
    TooBig,
    /// A scalar that knows better what to do.
    Defer,
    /// Another number, but neither type can hold both: the ufunc promotes.
    General,
    /// No number at all: the ufunc makes of it what it can.
    Unknown,
}

/// Convert a bool or number to another type it can be cast to safely.
pub fn cast(cell: &Cell, from: TypeNum, to: TypeNum) -> Option<Cell> {
    if from == to {
        return Some(*cell);
    }
    let func = ufuncs::casts::cast_loop(from, to)?;
    let mut src = *cell;
    let mut dst = Cell::ZERO;
    let data = [src.ptr_mut(), dst.ptr_mut()];
    // SAFETY: one aligned native element on each side.
    unsafe {
        func(std::ptr::null(), data.as_ptr(), [1isize].as_ptr(), [0isize; 2].as_ptr(), std::ptr::null_mut())
    };
    Some(dst)
}

/// The smallest number type both can be cast to safely, if one of the two is it; the first one of two names for one type.
fn larger(a: TypeNum, b: TypeNum) -> Option<TypeNum> {
    if a == b {
        return Some(a);
    }
    let fits = |from: TypeNum, to: TypeNum| -> bool {
        if from.is_bool() {
            return true;
        }
        if to.is_bool() {
            return false;
        }
        let (fs, ts) = (from.size(), to.size());
        if from.is_integer() {
            if to.is_integer() {
                return if from.is_signed() == to.is_signed() { fs <= ts } else { to.is_signed() && fs < ts };
            }
            // Floats hold integers of half their size exactly; from 8 bytes on any float of 8 bytes will do.
            let float = to.real_part().size();
            return float > fs || (fs == 8 && float >= 8);
        }
        let (ff, tf) = (from.real_part().size(), to.real_part().size());
        !to.is_integer() && (from.is_float() || to.is_complex()) && ff <= tf
    };
    if fits(b, a) {
        Some(a)
    } else if fits(a, b) {
        Some(b)
    } else {
        None
    }
}

/// Look at the other operand. `exact` becomes false for classes that may want to handle the operation themselves.
fn classify(num: TypeNum, other: &Obj<'_>, exact: &mut bool) -> PyResult<Other> {
    let ty = other.get_type_ptr();
    if let Some(own) = typenum_of(other) {
        if !(own.is_bool() || own.is_number()) {
            return Ok(Other::Unknown);
        }
        let is_exact = typenum_of_class(ty).is_some();
        *exact &= is_exact;
        return Ok(match larger(num, own) {
            Some(to) if to != num && !is_exact => Other::Defer,
            Some(to) => Other::Value(own, cell_of(other, own)).convert(to),
            None => Other::General,
        });
    }
    // SAFETY: type checks on a live object.
    unsafe {
        let p = other.as_ptr();
        if ffi::PyBool_Check(p) != 0 {
            let value = Cell::of(u8::from(other.is(PyBool::new(other.py(), true))));
            return Ok(Other::Value(TypeNum::BOOL, value).convert(num));
        }
        if other.is_exact_instance_of::<PyInt>() {
            let to = if num.is_bool() { TypeNum::LONG } else { num };
            if to.is_integer() {
                return Ok(match set::integer(to, other) {
                    Ok(cell) => Other::Value(to, cell),
                    Err(_) => Other::TooBig,
                });
            }
            return Ok(Other::Value(to, set::number(to, other)?));
        }
        if other.is_exact_instance_of::<PyFloat>() {
            if num.is_bool() || num.is_integer() {
                // Integers leave floats to the ufunc, which shows in its warnings.
                return Ok(Other::General);
            }
            return Ok(Other::Value(num, set::number(num, other)?));
        }
        if other.is_exact_instance_of::<PyComplex>() {
            let to = match num {
                n if n.is_complex() => n,
                TypeNum::HALF | TypeNum::FLOAT => TypeNum::CFLOAT,
                TypeNum::LONGDOUBLE => TypeNum::CLONGDOUBLE,
                _ => TypeNum::CDOUBLE,
            };
            return Ok(Other::Value(to, set::number(to, other)?));
        }
    }
    *exact = false;
    Ok(Other::Unknown)
}

impl Other {
    fn convert(self, to: TypeNum) -> Other {
        match self {
            Other::Value(from, cell) => match cast(&cell, from, to) {
                Some(cell) => Other::Value(to, cell),
                None => Other::General,
            },
            other => other,
        }
    }
}

/// Whether `other` would rather handle an operation with a numpy scalar itself.
fn should_defer(slf: &Obj<'_>, other: &Obj<'_>) -> PyResult<bool> {
    let py = slf.py();
    let (a, b) = (slf.get_type(), other.get_type());
    if a.is(&b) || typenum_of_class(other.get_type_ptr()).is_some() || is_plain_python(other) {
        return Ok(false);
    }
    if crate::objects::Array::cast(other).is_some_and(|a| a.is_exact()) {
        return Ok(false);
    }
    if let Some(attr) = b.getattr_opt(intern!(py, "__array_ufunc__"))? {
        return Ok(attr.is_none());
    }
    if b.is_subclass(&a)? {
        return Ok(false);
    }
    let priority = |o: &Obj<'_>| -> f64 {
        o.getattr_opt(intern!(py, "__array_priority__"))
            .ok()
            .flatten()
            .and_then(|p| p.extract().ok())
            .unwrap_or(-1_000_000.0)
    };
    Ok(priority(slf) < priority(other))
}

/// Builtin Python types never take part in the protocol of overrides.
fn is_plain_python(obj: &Obj<'_>) -> bool {
    obj.is_none()
        || obj.is_exact_instance_of::<PyBool>()
        || obj.is_exact_instance_of::<PyInt>()
        || obj.is_exact_instance_of::<PyFloat>()
        || obj.is_exact_instance_of::<PyComplex>()
        || obj.is_exact_instance_of::<pyo3::types::PyList>()
        || obj.is_exact_instance_of::<PyTuple>()
        || obj.is_exact_instance_of::<PyString>()
        || obj.is_exact_instance_of::<PyBytes>()
        || obj.is_exact_instance_of::<pyo3::types::PyDict>()
}

fn not_implemented<'py>(py: Python<'py>) -> PyResult<Obj<'py>> {
    Ok(py.NotImplemented().into_bound(py))
}

/// `a op b`; at least one of them is a numpy scalar.
pub fn binary<'py>(op: Op, a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = a.py();
    let (na, nb) = (number_type(a), number_type(b));
    // In Python's protocol the slot of either operand's type is called with both in order.
    let (slf, num, other, forward) = match (na, nb) {
        (Some(n), _) => (a, n, b, true),
        (None, Some(n)) => (b, n, a, false),
        (None, None) => return general(op, a, b),
    };
    if num.is_bool() {
        // Booleans have no arithmetic of their own, which shows in what a warning says was done.
        return general(op, a, b);
    }
    let bitwise = matches!(op, Op::And | Op::Or | Op::Xor | Op::LeftShift | Op::RightShift);
    if bitwise && !num.is_integer() {
        // Floats have no such operation either.
        return general(op, a, b);
    }
    let mut exact = true;
    let kind = classify(num, other, &mut exact)?;
    if !exact && forward && should_defer(slf, other)? {
        return not_implemented(py);
    }
    // Doubles hold what is too big here.
    let kind = match kind {
        Other::TooBig if op == Op::Divide => {
            Other::Value(TypeNum::DOUBLE, set::number(TypeNum::DOUBLE, other)?)
        }
        kind => kind,
    };
    match kind {
        Other::Defer => not_implemented(py),
        Other::General | Other::Unknown => general(op, a, b),
        Other::TooBig => Err(set::out_of_bounds(if num.is_bool() { TypeNum::LONG } else { num }, other)),
        // A Python complex is more than a real scalar is willing to become by itself.
        Other::Value(common, _) if common.is_complex() && !num.is_complex() && !is_numpy_scalar(other) => {
            general(op, a, b)
        }
        // Complex scalars have no such operator.
        Other::Value(common, _)
            if common.is_complex() && matches!(op, Op::FloorDivide | Op::Remainder | Op::Divmod) =>
        {
            not_implemented(py)
        }
        Other::Value(common, value) => {
            // True division of integers is that of doubles.
            let to = if op == Op::Divide && !(common.is_float() || common.is_complex()) {
                TypeNum::DOUBLE
            } else {
                common
            };
            let (Some(own), Some(value), Some(def)) =
                (cast(&cell_of(slf, num), num, to), cast(&value, common, to), find_loop(op, to))
            else {
                return general(op, a, b);
            };
            let mut args = if forward { [own, value] } else { [value, own] };
            if matches!(op, Op::Remainder | Op::FloorDivide)
                && to == TypeNum::HALF
                && let Some(def) = find_loop(Op::Divmod, to)
            {
                // Half scalars do both and take one of the two, with all that the division reports; but for quotients by a
                // zero whose bits are zero, too.
                if op == Op::FloorDivide
                    && args[1].get::<u16>() == 0
                    && let Some(def) = find_loop(Op::Divide, to)
                {
                    return run(py, op, def, &mut args);
                }
                let [quotient, rest] = values(py, op, def, &mut args)?;
                return make_num(py, to, if op == Op::Remainder { &rest } else { &quotient });
            }
            run(py, op, def, &mut args)
        }
    }
}

/// Type number of a bool or number scalar.
fn number_type(obj: &Obj<'_>) -> Option<TypeNum> {
    typenum_of(obj).filter(|n| n.is_bool() || n.is_number())
}

fn is_numpy_scalar(obj: &Obj<'_>) -> bool {
    // SAFETY: a live object.
    unsafe { ffi::PyObject_TypeCheck(obj.as_ptr(), GENERIC.as_type()) != 0 }
}

/// The operation as the ufunc does it.
pub fn general<'py>(op: Op, a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = a.py();
    // `str + scalar` is for str to refuse.
    if op == Op::Add && (a.is_instance_of::<PyString>() || a.is_instance_of::<PyBytes>()) {
        return not_implemented(py);
    }
    // Sequences repeat themselves.
    if op == Op::Multiply && (is_sequence(a) || is_sequence(b)) {
        return not_implemented(py);
    }
    if is_numpy_scalar(a) && should_defer(a, b)? {
        return not_implemented(py);
    }
    let forward = is_numpy_scalar(a);
    let (slf, other) = if forward { (a, b) } else { (b, a) };
    match look_at(slf, other)? {
        Path::Ufunc(other) => {
            let args = if forward { [a, &other] } else { [&other, b] };
            ufunc::call_by_name(py, OPS[op as usize].0, &args, None)
        }
        Path::Python(item) => {
            let (x, y) = if forward { (&item, other) } else { (other, &item) };
            python_binary(op, x, y)
        }
        Path::Refuse => not_implemented(py),
    }
}

/// How an operation of a scalar with something that is no number goes on.
enum Path<'py> {
    /// By the ufunc, with this as the other operand.
    Ufunc(Obj<'py>),
    /// Among Python objects, with this in place of the scalar.
    Python(Obj<'py>),
    /// Not at all.
    Refuse,
}

/// A ufunc over objects would call the scalar's own operator again, so plain objects meet the scalar's `item()`.
fn look_at<'py>(slf: &Obj<'py>, other: &Obj<'py>) -> PyResult<Path<'py>> {
    let py = slf.py();
    if is_numpy_scalar(other)
        || is_array(other)
        || crate::objects::handles::is_python_scalar(other)
        || other.get_type().getattr_opt(intern!(py, "__array_ufunc__"))?.is_some()
    {
        return Ok(Path::Ufunc(other.clone()));
    }
    let arr = array::from_any(other, None, 0, 0, 0)?;
    if arr.ndim() != 0 || !arr.dtype().num.is_object() {
        return Ok(Path::Ufunc(arr.0));
    }
    let item = slf.call_method0(intern!(py, "item"))?;
    Ok(if is_numpy_scalar(&item) { Path::Refuse } else { Path::Python(item) })
}

/// The operator among Python objects.
fn python_binary<'py>(op: Op, x: &Obj<'py>, y: &Obj<'py>) -> PyResult<Obj<'py>> {
    let (p, q) = (x.as_ptr(), y.as_ptr());
    // SAFETY: live objects; a new reference or null.
    unsafe {
        let result = match op {
            Op::Add => ffi::PyNumber_Add(p, q),
            Op::Subtract => ffi::PyNumber_Subtract(p, q),
            Op::Multiply => ffi::PyNumber_Multiply(p, q),
            Op::Divide => ffi::PyNumber_TrueDivide(p, q),
            Op::FloorDivide => ffi::PyNumber_FloorDivide(p, q),
            Op::Remainder => ffi::PyNumber_Remainder(p, q),
            Op::Divmod => ffi::PyNumber_Divmod(p, q),
            Op::Power => ffi::PyNumber_Power(p, q, ffi::Py_None()),
            Op::LeftShift => ffi::PyNumber_Lshift(p, q),
            Op::RightShift => ffi::PyNumber_Rshift(p, q),
            Op::And => ffi::PyNumber_And(p, q),
            Op::Or => ffi::PyNumber_Or(p, q),
            Op::Xor => ffi::PyNumber_Xor(p, q),
            _ => return not_implemented(x.py()),
        };
        Bound::from_owned_ptr_or_err(x.py(), result)
    }
}

/// Something that can be repeated but not multiplied.
fn is_sequence(obj: &Obj<'_>) -> bool {
    if is_array(obj) || is_numpy_scalar(obj) {
        return false;
    }
    // SAFETY: a live object and its type.
    unsafe {
        let ty = &*ffi::Py_TYPE(obj.as_ptr());
        let repeats = ty.tp_as_sequence.as_ref().is_some_and(|s| s.sq_repeat.is_some());
        let multiplies = ty.tp_as_number.as_ref().is_some_and(|n| n.nb_multiply.is_some());
        repeats && !multiplies
    }
}

/// `op a`
pub fn unary<'py>(op: Op, a: &Obj<'py>) -> PyResult<Obj<'py>> {
    if let Some(num) = number_type(a)
        && let Some(def) = find_loop(op, num)
    {
        return run(a.py(), op, def, &mut [cell_of(a, num)]);
    }
    ufunc::call_by_name(a.py(), OPS[op as usize].0, &[a], None)
}

/// `a ** b % c`: there is no modulus.
fn power<'py>(a: &Obj<'py>, b: &Obj<'py>, modulus: &Obj<'py>) -> PyResult<Obj<'py>> {
    if !modulus.is_none() {
        return not_implemented(a.py());
    }
    binary(Op::Power, a, b)
}

macro_rules! binary_slots {
    ($($name:ident $op:ident;)*) => {$(
        fn $name<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
            binary(Op::$op, a, b)
        }
    )*};
}
binary_slots! {
    add Add; subtract Subtract; multiply Multiply; divide Divide; floor_divide FloorDivide; remainder Remainder;
    divmod Divmod; left_shift LeftShift; right_shift RightShift; and And; or Or; xor Xor;
}

macro_rules! unary_slots {
    ($($name:ident $op:ident;)*) => {$(
        fn $name<'py>(a: &Obj<'py>) -> PyResult<Obj<'py>> {
            unary(Op::$op, a)
        }
    )*};
}
unary_slots! { negative Negative; positive Positive; absolute Absolute; invert Invert; }

/// Complex numbers have no floor; booleans leave it to the ufunc to say so.
fn refuse<'py>(op: Op, a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    let is_bool = |x: &Obj<'py>| number_type(x).is_some_and(TypeNum::is_bool);
    if is_bool(a) || is_bool(b) {
        return general(op, a, b);
    }
    for (slf, other) in [(a, b), (b, a)] {
        if let Some(num) = number_type(slf)
            && num.is_complex()
            && !is_array(other)
        {
            return not_implemented(a.py());
        }
    }
    general(op, a, b)
}
fn refuse_floor_divide<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    refuse(Op::FloorDivide, a, b)
}
fn refuse_remainder<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    refuse(Op::Remainder, a, b)
}
fn refuse_divmod<'py>(a: &Obj<'py>, b: &Obj<'py>) -> PyResult<Obj<'py>> {
    refuse(Op::Divmod, a, b)
}

fn op_of(op: CompareOp) -> Op {
    match op {
        CompareOp::Lt => Op::Less,
        CompareOp::Le => Op::LessEqual,
        CompareOp::Eq => Op::Equal,
        CompareOp::Ne => Op::NotEqual,
        CompareOp::Gt => Op::Greater,
        CompareOp::Ge => Op::GreaterEqual,
    }
}

/// Comparison of number scalars.
pub fn richcompare<'py>(slf: &Obj<'py>, other: &Obj<'py>, op: CompareOp) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let Some(num) = number_type(slf) else { return general_richcompare(slf, other, op) };
    let mut exact = true;
    let kind = classify(num, other, &mut exact)?;
    if !exact && should_defer(slf, other)? {
        return not_implemented(py);
    }
    match kind {
        Other::Defer => not_implemented(py),
        Other::General | Other::Unknown => general_richcompare(slf, other, op),
        Other::TooBig if num.is_bool() => Err(set::out_of_bounds(TypeNum::LONG, other)),
        Other::TooBig => {
            // The integer lies outside of what the type can hold, so its sign decides.
            let below = other.lt(0)?;
            let value = match op {
                CompareOp::Eq => false,
                CompareOp::Ne => true,
                CompareOp::Lt | CompareOp::Le => !below,
                CompareOp::Gt | CompareOp::Ge => below,
            };
            Ok(bool_scalar(py, value))
        }
        // A Python complex is more than a real scalar compares with by itself.
        Other::Value(common, _) if common.is_complex() && !num.is_complex() && !is_numpy_scalar(other) => {
            general_richcompare(slf, other, op)
        }
        // Neither do bools.
        Other::Value(common, _) if common.is_complex() && num.is_bool() => {
            general_richcompare(slf, other, op)
        }
        Other::Value(common, value) => {
            let op = op_of(op);
            let own = cast(&cell_of(slf, num), num, common);
            if let Some(own) = &own
                && let Some(truth) = compare_complex(op, common, own, &value)
            {
                return Ok(bool_scalar(py, truth));
            }
            match (own, find_loop(op, common)) {
                (Some(own), Some(def)) => run(py, op, def, &mut [own, value]),
                _ => ufunc::call_by_name(py, OPS[op as usize].0, &[slf, other], None),
            }
        }
    }
}

/// Comparison of complex values of this type; None for other types.
fn compare_complex(op: Op, num: TypeNum, a: &Cell, b: &Cell) -> Option<bool> {
    match num {
        TypeNum::CFLOAT => {
            let (a, b): (Complex<f32>, Complex<f32>) = (a.get(), b.get());
            quick::compare_complex(op, (a.re, a.im), (b.re, b.im))
        }
        TypeNum::CDOUBLE => {
            let (a, b): (Complex<f64>, Complex<f64>) = (a.get(), b.get());
            quick::compare_complex(op, (a.re, a.im), (b.re, b.im))
        }
        TypeNum::CLONGDOUBLE => {
            let (a, b): (CLongDouble, CLongDouble) = (a.get(), b.get());
            quick::compare_complex(op, (a.re, a.im), (b.re, b.im))
        }
        _ => None,
    }
}

/// Comparison of any scalar: that of its 0-d array.
pub fn general_richcompare<'py>(slf: &Obj<'py>, other: &Obj<'py>, op: CompareOp) -> PyResult<Obj<'py>> {
    let py = slf.py();
    if other.is_none() {
        // `==` with None is plain identity.
        match op {
            CompareOp::Eq => return Ok(PyBool::new(py, false).to_owned().into_any()),
            CompareOp::Ne => return Ok(PyBool::new(py, true).to_owned().into_any()),
            _ => {}
        }
    }
    if should_defer(slf, other)? {
        return not_implemented(py);
    }
    match look_at(slf, other)? {
        Path::Ufunc(other) => to_array(slf)?.0.rich_compare(other, op),
        Path::Python(item) => item.rich_compare(other, op),
        Path::Refuse => not_implemented(py),
    }
}

/// Truth value.
fn truth(slf: &Obj<'_>) -> PyResult<bool> {
    match number_type(slf) {
        Some(num) => Ok(is_nonzero(num, &cell_of(slf, num))),
        None => to_array(slf)?.0.is_truthy(),
    }
}

/// Whether a number is not zero; NaN is not.
pub fn is_nonzero(num: TypeNum, v: &Cell) -> bool {
    cast(v, num, TypeNum::BOOL).is_some_and(|b| b.0[0] != 0)
}

fn warn_complex(py: Python<'_>) -> PyResult<()> {
    let category = cached(py, "numpy.exceptions", "ComplexWarning")?;
    PyErr::warn(py, &category, c"Casting complex values to real discards the imaginary part", 1)
}

/// The real part of a long double as a Python integer.
fn long_double_to_int<'py>(py: Python<'py>, v: LongDouble) -> PyResult<Obj<'py>> {
    if v.is_nan() {
        return Err(PyValueError::new_err("cannot convert longdouble NaN to integer"));
    }
    if v.is_infinite() {
        return Err(PyOverflowError::new_err("cannot convert longdouble infinity to integer"));
    }
    // By pieces of the fraction: the decimal text may have more digits than Python reads.
    let (mut rest, mut exponent) = v.trunc().frexp();
    let mut int = 0i64.into_pyobject(py)?.into_any();
    while !rest.is_zero() {
        let (fraction, whole) = rest.ldexp(32).modf();
        int = int.lshift(32)?.add(whole.to_f64() as i64)?;
        rest = fraction;
        exponent -= 32;
    }
    if exponent >= 0 { int.lshift(exponent) } else { int.rshift(-exponent) }
}

/// `int(scalar)`
fn int<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let Some(num) = number_type(slf) else {
        return PyInt::type_object(py).call1((to_array(slf)?.0,));
    };
    let v = cell_of(slf, num);
    if num.is_complex() {
        warn_complex(py)?;
    }
    match num.real_part() {
        TypeNum::LONGDOUBLE => long_double_to_int(py, v.get()),
        n if n.is_float() => {
            let f = PyFloat::new(py, to_f64(num, &v));
            // SAFETY: a live float; a new reference or null.
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyNumber_Long(f.as_ptr())) }
        }
        TypeNum::BOOL => Ok(v.0[0].into_pyobject(py)?.into_any()),
        _ => python_number(py, num, &v),
    }
}

/// `float(scalar)`
fn float<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let py = slf.py();
    let Some(num) = number_type(slf) else {
        return PyFloat::type_object(py).call1((to_array(slf)?.0,));
    };
    if num.is_complex() {
        warn_complex(py)?;
    }
    Ok(PyFloat::new(py, to_f64(num, &cell_of(slf, num))).into_any())
}

/// `operator.index(scalar)`
fn index<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let num = number_type(slf).ok_or_else(|| PyTypeError::new_err("not an integer scalar"))?;
    python_number(slf.py(), num, &cell_of(slf, num))
}

/// `complex(scalar)` of the types `complex` cannot read by itself.
pub fn complex<'py>(slf: &Obj<'py>) -> PyResult<Obj<'py>> {
    let num = number_type(slf).ok_or_else(|| PyTypeError::new_err("not a complex scalar"))?;
    let v = cell_of(slf, num);
    let (re, im) = match num {
        TypeNum::CFLOAT => {
            let c: Complex<f32> = v.get();
            (c.re.into(), c.im.into())
        }
        TypeNum::CLONGDOUBLE => {
            let c: CLongDouble = v.get();
            (c.re.to_f64(), c.im.to_f64())
        }
        TypeNum::CDOUBLE => {
            let c: Complex<f64> = v.get();
            (c.re, c.im)
        }
        _ => (to_f64(num, &v), 0.0),
    };
    Ok(PyComplex::from_doubles(slf.py(), re, im).into_any())
}

/// Equal numbers hash alike, whatever their types.
fn hash(slf: &Obj<'_>) -> PyResult<isize> {
    let py = slf.py();
    let Some(num) = number_type(slf) else { return Err(PyTypeError::new_err("not a number scalar")) };
    let v = cell_of(slf, num);
    if num.is_complex() {
        return complex(slf)?.hash();
    }
    if num.is_float() {
        let f = to_f64(num, &v);
        if f.is_nan() {
            // Like Python's floats: NaNs hash by identity.
            return Ok((slf.as_ptr() as isize) >> 4);
        }
        return PyFloat::new(py, f).hash();
    }
    python_number(py, num, &v)?.hash()
}

/// A slot that looks at everyday operands first. Those cannot fail, so they need no guard.
macro_rules! quick_slot {
    ($op:ident, $whole:expr) => {{
        unsafe extern "C" fn slot(a: *mut ffi::PyObject, b: *mut ffi::PyObject) -> *mut ffi::PyObject {
            // SAFETY: CPython passes live objects, attached.
            let quick = unsafe { quick::binary(Op::$op, a, b) };
            if !quick.is_null() {
                return quick;
            }
            let whole: ffi::binaryfunc = $whole;
            // SAFETY: as it was called.
            unsafe { whole(a, b) }
        }
        slot
    }};
}

/// As [`quick_slot`], for one operand.
macro_rules! quick_unary_slot {
    ($quick:expr, $whole:expr) => {{
        unsafe extern "C" fn slot(a: *mut ffi::PyObject) -> *mut ffi::PyObject {
            // SAFETY: CPython passes a live object, attached.
            let quick = unsafe { $quick(a) };
            if !quick.is_null() {
                return quick;
            }
            let whole: ffi::unaryfunc = $whole;
            // SAFETY: as it was called.
            unsafe { whole(a) }
        }
        slot
    }};
}

/// Comparison, of everyday operands first.
unsafe extern "C" fn compare_slot(
    a: *mut ffi::PyObject,
    b: *mut ffi::PyObject,
    op: c_int,
) -> *mut ffi::PyObject {
    // SAFETY: CPython passes live objects, attached.
    let quick = unsafe {
        match op {
            ffi::Py_LT => quick::binary(Op::Less, a, b),
            ffi::Py_LE => quick::binary(Op::LessEqual, a, b),
            ffi::Py_EQ => quick::binary(Op::Equal, a, b),
            ffi::Py_NE => quick::binary(Op::NotEqual, a, b),
            ffi::Py_GT => quick::binary(Op::Greater, a, b),
            ffi::Py_GE => quick::binary(Op::GreaterEqual, a, b),
            _ => std::ptr::null_mut(),
        }
    };
    if !quick.is_null() {
        return quick;
    }
    let whole: ffi::richcmpfunc = crate::richcmpfunc!(richcompare);
    // SAFETY: as it was called.
    unsafe { whole(a, b, op) }
}

/// Truth, of everyday scalars first.
unsafe extern "C" fn truth_slot(a: *mut ffi::PyObject) -> c_int {
    // SAFETY: CPython passes a live object, attached.
    match unsafe { quick::truth(a) } {
        Some(truth) => c_int::from(truth),
        None => {
            let whole: ffi::inquiry = crate::inquiry!(truth);
            // SAFETY: as it was called.
            unsafe { whole(a) }
        }
    }
}

/// The hash, of doubles first.
unsafe extern "C" fn hash_slot(a: *mut ffi::PyObject) -> ffi::Py_hash_t {
    // SAFETY: CPython passes a live object, attached.
    match unsafe { quick::hash(a) } {
        Some(hash) => hash,
        None => {
            let whole: ffi::hashfunc = crate::lenfunc!(hash);
            // SAFETY: as it was called.
            unsafe { whole(a) }
        }
    }
}

/// Slots every scalar has: those of 0-d arrays.
///
/// # Safety
/// `ty` is not ready yet.
pub unsafe fn fill(ty: *mut ffi::PyTypeObject, num: Option<TypeNum>) {
    // SAFETY: zeroed tables are valid; they are leaked because the type keeps them.
    unsafe {
        let t: &mut ffi::PyNumberMethods = Box::leak(Box::new(std::mem::zeroed()));
        t.nb_add = Some(quick_slot!(Add, crate::binaryfunc!(add)));
        t.nb_subtract = Some(quick_slot!(Subtract, crate::binaryfunc!(subtract)));
        t.nb_multiply = Some(quick_slot!(Multiply, crate::binaryfunc!(multiply)));
        t.nb_true_divide = Some(quick_slot!(Divide, crate::binaryfunc!(divide)));
        t.nb_floor_divide = Some(quick_slot!(FloorDivide, crate::binaryfunc!(floor_divide)));
        t.nb_remainder = Some(quick_slot!(Remainder, crate::binaryfunc!(remainder)));
        t.nb_divmod = Some(crate::binaryfunc!(divmod));
        if num.is_some_and(|n| n.is_complex()) {
            t.nb_floor_divide = Some(crate::binaryfunc!(refuse_floor_divide));
            t.nb_remainder = Some(crate::binaryfunc!(refuse_remainder));
            t.nb_divmod = Some(crate::binaryfunc!(refuse_divmod));
        }
        t.nb_power = Some(crate::ternaryfunc!(power));
        t.nb_lshift = Some(crate::binaryfunc!(left_shift));
        t.nb_rshift = Some(crate::binaryfunc!(right_shift));
        t.nb_and = Some(quick_slot!(And, crate::binaryfunc!(and)));
        t.nb_or = Some(quick_slot!(Or, crate::binaryfunc!(or)));
        t.nb_xor = Some(quick_slot!(Xor, crate::binaryfunc!(xor)));
        t.nb_negative = Some(quick_unary_slot!(quick::negative, crate::unaryfunc!(negative)));
        t.nb_positive = Some(crate::unaryfunc!(positive));
        t.nb_absolute = Some(quick_unary_slot!(quick::absolute, crate::unaryfunc!(absolute)));
        t.nb_invert = Some(crate::unaryfunc!(invert));
        t.nb_bool = Some(truth_slot);
        t.nb_int = Some(quick_unary_slot!(quick::int, crate::unaryfunc!(int)));
        t.nb_float = Some(quick_unary_slot!(quick::float, crate::unaryfunc!(float)));
        if num.is_some_and(|n| n.is_integer()) {
            t.nb_index = Some(quick_unary_slot!(quick::int, crate::unaryfunc!(index)));
        }
        (*ty).tp_as_number = t;
        match num {
            Some(n) if n.is_bool() || n.is_number() => {
                (*ty).tp_richcompare = Some(compare_slot);
                (*ty).tp_hash = Some(hash_slot);
            }
            _ => (*ty).tp_richcompare = Some(crate::richcmpfunc!(general_richcompare)),
        }
    }
}
