//! Casts between numeric types.

use jit::ir::Scalar;

use super::{Emit, Lane, Row};

/// The row of a cast. Left out are casts to halves, which report roundings in their own way, and floats to `uint32`, for
/// which numpy has packed loops that answer out of range by position, and those that forget imaginary parts.
pub(super) fn row(from: (Scalar, bool), to: (Scalar, bool)) -> Option<Row> {
    let narrow = to.0 == Scalar::F16 && from.0 != Scalar::F16;
    let packed = to.0 == Scalar::U32 && matches!(from.0, Scalar::F16 | Scalar::F32 | Scalar::F64);
    let forgets = from.1 && !to.1 && to.0 != Scalar::Bool;
    // Halves that are no integers raise "invalid" as such, but not on their way through `f32` in the compiler's book.
    let half_to_int = from.0 == Scalar::F16 && to.0.is_int();
    if narrow || packed || forgets || half_to_int {
        return None;
    }
    Some(match (from.1, to.1) {
        (true, _) if to.0 == Scalar::Bool => |e, a| {
            let (re, im) = a[0].parts();
            let (re, im) = (e.b.convert(re, Scalar::Bool), e.b.convert(im, Scalar::Bool));
            Lane::Real(e.b.binary(jit::ir::Binary::Or, re, im))
        },
        (_, false) => |e, a| Lane::Real(convert(e, a[0].real())),
        (true, true) => |e, a| {
            let (re, im) = a[0].parts();
            Lane::Complex(convert(e, re), convert(e, im))
        },
        (false, true) => |e, a| {
            let re = convert(e, a[0].real());
            let zero = e.constant(e.scalar, 0);
            Lane::Complex(re, zero)
        },
    })
}

fn convert(e: &mut Emit<'_>, v: jit::ir::Value) -> jit::ir::Value {
    if e.b.ty(v).scalar == e.scalar { v } else { e.b.convert(v, e.scalar) }
}
