//! From ufuncs to operations of the compiler: one row per ufunc and family of types.
//!
//! A row may only be here if the operations give the bits of the registered loop for every input, and raise no status the
//! loop would not raise ([`crate::exec`] runs the loops again when a compiled loop raised any, so the other direction only
//! costs time), and every operand counts in the result: the compiler drops what nobody uses, and its status with it. What
//! has no row stays a registered loop: transcendental functions, long doubles, divisions that report
//! integer zeros, halves that would be rounded.

mod cast;
mod complex;
mod real;

use jit::ir::{Builder, Const, Scalar, Value};
use micronumpy::TypeNum;

use crate::expr::CallOp;
use crate::graph::Apply;

/// The value of one element: a lane, or two of them for a complex number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lane {
    Real(Value),
    Complex(Value, Value),
}

impl Lane {
    pub fn real(self) -> Value {
        match self {
            Lane::Real(v) | Lane::Complex(v, _) => v,
        }
    }
    fn parts(self) -> (Value, Value) {
        match self {
            Lane::Real(v) => (v, v),
            Lane::Complex(re, im) => (re, im),
        }
    }
}

/// How elements of a type look to the compiler: the type of a lane, and whether there are two.
pub(crate) fn scalar_of(num: TypeNum) -> Option<(Scalar, bool)> {
    Some(match num {
        TypeNum::BOOL => (Scalar::Bool, false),
        TypeNum::BYTE => (Scalar::I8, false),
        TypeNum::UBYTE => (Scalar::U8, false),
        TypeNum::SHORT => (Scalar::I16, false),
        TypeNum::USHORT => (Scalar::U16, false),
        TypeNum::INT => (Scalar::I32, false),
        TypeNum::UINT => (Scalar::U32, false),
        TypeNum::LONG | TypeNum::LONGLONG => (Scalar::I64, false),
        TypeNum::ULONG | TypeNum::ULONGLONG => (Scalar::U64, false),
        TypeNum::HALF => (Scalar::F16, false),
        TypeNum::FLOAT => (Scalar::F32, false),
        TypeNum::DOUBLE => (Scalar::F64, false),
        TypeNum::CFLOAT => (Scalar::F32, true),
        TypeNum::CDOUBLE => (Scalar::F64, true),
        _ => return None,
    })
}

/// Whether the value of a ufunc's last operand decides how it is computed.
pub(crate) fn looks_at_value(name: &str) -> bool {
    matches!(name, "power" | "floor_divide" | "remainder")
}

/// Writes the operations of one row.
pub(crate) struct Emit<'b> {
    pub b: &'b mut Builder,
    /// The types of the call's operands and result.
    pub scalar: Scalar,
    pub pinned: Option<u64>,
    /// Whether all operands but the first are the same for all elements.
    pub fixed: bool,
}

/// A row: operands to result.
pub(crate) type Row = fn(&mut Emit<'_>, &[Lane]) -> Lane;

impl Emit<'_> {
    /// A constant of a type from a small integer.
    fn constant(&mut self, s: Scalar, n: i64) -> Value {
        let c = match s {
            Scalar::F32 => Const::f32(n as f32),
            Scalar::F64 => Const::f64(n as f64),
            s => Const::canonical(s, n as u64),
        };
        self.b.constant(c)
    }
}

/// The row of an operation, and the scalar type it is computed in.
pub(crate) fn row(apply: &Apply) -> Option<(Row, Scalar)> {
    let dtypes = &apply.found.dtypes;
    let scalars: Option<Vec<(Scalar, bool)>> = dtypes.iter().map(|d| scalar_of(d.num)).collect();
    let scalars = scalars?;
    let (scalar, is_complex) = scalars[0];
    let uniform = scalars[..scalars.len() - 1].iter().all(|s| *s == scalars[0]);
    let row = match apply.op {
        CallOp::Cast | CallOp::Written | CallOp::Operand => {
            return cast::row(scalars[0], scalars[1]).map(|r| (r, scalars[1].0));
        }
        CallOp::Where => Some(select as Row),
        CallOp::Ufunc(_) if !uniform => None,
        CallOp::Ufunc(name) if is_complex => complex::row(name),
        CallOp::Ufunc(name) => real::row(name, scalar, apply.pinned.map(|e| e.low_word())),
    };
    row.map(|r| (r, scalar))
}

fn select(e: &mut Emit<'_>, a: &[Lane]) -> Lane {
    let mask = a[0].real();
    match (a[1], a[2]) {
        (Lane::Complex(x, xi), Lane::Complex(y, yi)) => {
            Lane::Complex(e.b.select(mask, x, y), e.b.select(mask, xi, yi))
        }
        (x, y) => Lane::Real(e.b.select(mask, x.real(), y.real())),
    }
}
