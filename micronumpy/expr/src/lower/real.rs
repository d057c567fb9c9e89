//! Booleans, integers and floats.

use jit::ir::{Binary, Cond, Scalar, Unary, Value};

use super::{Emit, Lane, Row};

macro_rules! unary {
    ($op:ident) => {
        |e, a| Lane::Real(e.b.unary(Unary::$op, a[0].real()))
    };
}
macro_rules! binary {
    ($op:ident) => {
        |e, a| Lane::Real(e.b.binary(Binary::$op, a[0].real(), a[1].real()))
    };
}
macro_rules! compare {
    ($op:ident) => {
        |e, a| Lane::Real(e.b.compare(Cond::$op, a[0].real(), a[1].real()))
    };
}

const SAME: Row = |_, a| a[0];

/// The row of a ufunc whose operands are all of this type. `pinned` is the low word of the last operand, if known.
pub(super) fn row(name: &str, s: Scalar, pinned: Option<u64>) -> Option<Row> {
    let row = match s {
        Scalar::Bool => boolean(name),
        Scalar::F16 => half(name),
        s if s.is_float() => float(name, pinned.filter(|_| name == "power").map(|bits| number(s, bits))),
        s if s.is_int() => integer(name, s, pinned),
        _ => None,
    };
    row.or_else(|| match name {
        "equal" if s != Scalar::F16 => Some(compare!(Eq) as Row),
        "not_equal" if s != Scalar::F16 => Some(compare!(Ne)),
        "less" if s != Scalar::F16 => Some(compare!(Lt)),
        "less_equal" if s != Scalar::F16 => Some(compare!(Le)),
        "greater" if s != Scalar::F16 => Some(compare!(Gt)),
        "greater_equal" if s != Scalar::F16 => Some(compare!(Ge)),
        _ => None,
    })
}

fn number(s: Scalar, bits: u64) -> f64 {
    if s == Scalar::F32 { f32::from_bits(bits as u32).into() } else { f64::from_bits(bits) }
}

fn boolean(name: &str) -> Option<Row> {
    Some(match name {
        "add" | "logical_or" | "bitwise_or" | "maximum" | "fmax" => binary!(Or),
        "multiply" | "logical_and" | "bitwise_and" | "minimum" | "fmin" => binary!(And),
        "logical_xor" | "bitwise_xor" => binary!(Xor),
        "logical_not" | "invert" => unary!(Not),
        "absolute" => SAME,
        "clip" => |e, a| {
            let raised = e.b.binary(Binary::Or, a[0].real(), a[1].real());
            Lane::Real(e.b.binary(Binary::And, raised, a[2].real()))
        },
        _ => return None,
    })
}

/// Halves are moved and widened, never rounded.
fn half(name: &str) -> Option<Row> {
    Some(match name {
        "positive" | "conjugate" => SAME,
        _ => return None,
    })
}

fn integer(name: &str, s: Scalar, pinned: Option<u64>) -> Option<Row> {
    // Division by zero is reported, and so is the one quotient that does not fit.
    let harmless = || {
        pinned.is_some_and(|d| {
            let d = jit::ir::Const::canonical(s, d).bits;
            d != 0 && !(s.is_signed() && d == u64::MAX)
        })
    };
    Some(match name {
        "add" => binary!(Add),
        "subtract" => binary!(Sub),
        "multiply" => binary!(Mul),
        "floor_divide" if harmless() => |e, a| Lane::Real(by_constant(e, Binary::Div, a[0].real())),
        "remainder" if harmless() => |e, a| Lane::Real(by_constant(e, Binary::Rem, a[0].real())),
        "negative" => unary!(Neg),
        "absolute" if s.is_signed() => unary!(Abs),
        "absolute" | "positive" | "conjugate" | "floor" | "ceil" | "trunc" => SAME,
        "square" => |e, a| Lane::Real(e.b.binary(Binary::Mul, a[0].real(), a[0].real())),
        "sign" => |e, a| {
            let x = a[0].real();
            let (zero, one) = (e.constant(e.scalar, 0), e.constant(e.scalar, 1));
            let sign = if e.scalar.is_signed() {
                let minus = e.constant(e.scalar, -1);
                let is_negative = e.b.compare(Cond::Lt, x, zero);
                let low = e.b.select(is_negative, minus, zero);
                let is_positive = e.b.compare(Cond::Gt, x, zero);
                e.b.select(is_positive, one, low)
            } else {
                let some = e.b.compare(Cond::Ne, x, zero);
                e.b.select(some, one, zero)
            };
            Lane::Real(sign)
        },
        "maximum" | "fmax" => binary!(Max),
        "minimum" | "fmin" => binary!(Min),
        "clip" => clip,
        "bitwise_and" => binary!(And),
        "bitwise_or" => binary!(Or),
        "bitwise_xor" => binary!(Xor),
        "invert" => unary!(Not),
        "left_shift" => binary!(Shl),
        "right_shift" => binary!(Shr),
        name => return logical(name),
    })
}

fn reciprocal(e: &mut Emit<'_>, a: &[Lane]) -> Lane {
    let one = e.constant(e.scalar, 1);
    Lane::Real(e.b.binary(Binary::Div, one, a[0].real()))
}

fn float(name: &str, exponent: Option<f64>) -> Option<Row> {
    Some(match name {
        "add" => binary!(Add),
        "subtract" => binary!(Sub),
        "multiply" => binary!(Mul),
        "divide" => binary!(Div),
        "negative" => unary!(Neg),
        "absolute" | "fabs" => unary!(Abs),
        "positive" | "conjugate" => SAME,
        "square" => square,
        // The exponents the loop itself looks for.
        "power" if exponent == Some(2.0) => square,
        "power" if exponent == Some(0.5) => unary!(Sqrt),
        "power" if exponent == Some(-1.0) => reciprocal,
        "sqrt" => unary!(Sqrt),
        "reciprocal" => reciprocal,
        "floor" => unary!(Floor),
        "ceil" => unary!(Ceil),
        "trunc" => unary!(Trunc),
        "rint" => unary!(Rint),
        "sign" => |e, a| {
            let x = a[0].real();
            let (zero, one, minus) =
                (e.constant(e.scalar, 0), e.constant(e.scalar, 1), e.constant(e.scalar, -1));
            let is_zero = e.b.compare(Cond::Eq, x, zero);
            let is_negative = e.b.compare(Cond::Lt, x, zero);
            let is_positive = e.b.compare(Cond::Gt, x, zero);
            // NaN is none of them and stays.
            let sign = e.b.select(is_zero, zero, x);
            let sign = e.b.select(is_negative, minus, sign);
            Lane::Real(e.b.select(is_positive, one, sign))
        },
        "maximum" => binary!(Max),
        "minimum" => binary!(Min),
        "fmax" => binary!(Fmax),
        "fmin" => binary!(Fmin),
        "clip" => clip,
        "copysign" => binary!(Copysign),
        "isnan" => |e, a| Lane::Real(e.b.compare(Cond::Ne, a[0].real(), a[0].real())),
        // By bits: comparing NaN with an infinity may raise "invalid".
        "isinf" => |e, a| class(e, a[0].real(), Cond::Eq),
        "isfinite" => |e, a| class(e, a[0].real(), Cond::Lt),
        "signbit" => |e, a| {
            let bits = signed(e.scalar);
            let word = e.b.bitcast(a[0].real(), bits);
            let zero = e.constant(bits, 0);
            Lane::Real(e.b.compare(Cond::Lt, word, zero))
        },
        name => return logical(name),
    })
}

/// Truth values of numbers.
fn logical(name: &str) -> Option<Row> {
    Some(match name {
        "logical_and" => |e, a| {
            let (x, y) = (truth(e, a[0]), truth(e, a[1]));
            Lane::Real(e.b.binary(Binary::And, x, y))
        },
        "logical_or" => |e, a| {
            let (x, y) = (truth(e, a[0]), truth(e, a[1]));
            Lane::Real(e.b.binary(Binary::Or, x, y))
        },
        "logical_xor" => |e, a| {
            let (x, y) = (truth(e, a[0]), truth(e, a[1]));
            Lane::Real(e.b.binary(Binary::Xor, x, y))
        },
        "logical_not" => |e, a| {
            let x = truth(e, a[0]);
            Lane::Real(e.b.unary(Unary::Not, x))
        },
        _ => return None,
    })
}

fn truth(e: &mut Emit<'_>, a: Lane) -> Value {
    e.b.convert(a.real(), Scalar::Bool)
}

fn square(e: &mut Emit<'_>, a: &[Lane]) -> Lane {
    Lane::Real(e.b.binary(Binary::Mul, a[0].real(), a[0].real()))
}

/// `Max` and `Min` keep a NaN in the first operand and take the second of equals, which is what `clip` does; where all
/// elements have the same limits, one that equals a limit stays.
fn clip(e: &mut Emit<'_>, a: &[Lane]) -> Lane {
    let (x, low, high) = (a[0].real(), a[1].real(), a[2].real());
    if e.fixed {
        let raised = e.b.binary(Binary::Max, low, x);
        return Lane::Real(e.b.binary(Binary::Min, high, raised));
    }
    let raised = e.b.binary(Binary::Max, x, low);
    Lane::Real(e.b.binary(Binary::Min, raised, high))
}

fn by_constant(e: &mut Emit<'_>, op: Binary, x: Value) -> Value {
    let bits = e.pinned.unwrap_or(1);
    let divisor = e.b.constant(jit::ir::Const::canonical(e.scalar, bits));
    e.b.binary(op, x, divisor)
}

fn signed(s: Scalar) -> Scalar {
    if s == Scalar::F32 { Scalar::I32 } else { Scalar::I64 }
}

/// Compares the magnitude's bits with those of infinity.
fn class(e: &mut Emit<'_>, x: Value, cond: Cond) -> Lane {
    let bits = signed(e.scalar);
    let magnitude = e.b.unary(Unary::Abs, x);
    let word = e.b.bitcast(magnitude, bits);
    let infinity = if e.scalar == Scalar::F32 {
        jit::ir::Const::canonical(bits, f32::INFINITY.to_bits().into())
    } else {
        jit::ir::Const::canonical(bits, f64::INFINITY.to_bits())
    };
    let infinity = e.b.constant(infinity);
    Lane::Real(e.b.compare(cond, word, infinity))
}
