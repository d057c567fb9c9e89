//! Complex arithmetic on pairs of lanes.

use jit::ir::{Binary, Cond, Unary};

use super::{Lane, Row};

/// The row of a ufunc of complex numbers.
pub(super) fn row(name: &str) -> Option<Row> {
    Some(match name {
        "add" => |e, a| {
            let ((ar, ai), (br, bi)) = (a[0].parts(), a[1].parts());
            Lane::Complex(e.b.binary(Binary::Add, ar, br), e.b.binary(Binary::Add, ai, bi))
        },
        "subtract" => |e, a| {
            let ((ar, ai), (br, bi)) = (a[0].parts(), a[1].parts());
            Lane::Complex(e.b.binary(Binary::Sub, ar, br), e.b.binary(Binary::Sub, ai, bi))
        },
        "multiply" => |e, a| {
            let ((ar, ai), (br, bi)) = (a[0].parts(), a[1].parts());
            let low = e.b.binary(Binary::Mul, ai, bi);
            let cross = e.b.binary(Binary::Mul, ai, br);
            if has_fma() {
                // One rounding less per part, as the registered loop where the processor can.
                let low = e.b.unary(Unary::Neg, low);
                Lane::Complex(e.b.fma(ar, br, low), e.b.fma(ar, bi, cross))
            } else {
                let high = e.b.binary(Binary::Mul, ar, br);
                let other = e.b.binary(Binary::Mul, ar, bi);
                Lane::Complex(e.b.binary(Binary::Sub, high, low), e.b.binary(Binary::Add, other, cross))
            }
        },
        "negative" => |e, a| {
            let (re, im) = a[0].parts();
            Lane::Complex(e.b.unary(Unary::Neg, re), e.b.unary(Unary::Neg, im))
        },
        "conjugate" => |e, a| {
            let (re, im) = a[0].parts();
            Lane::Complex(re, e.b.unary(Unary::Neg, im))
        },
        "positive" => |_, a| a[0],
        "equal" => |e, a| {
            let ((ar, ai), (br, bi)) = (a[0].parts(), a[1].parts());
            let (re, im) = (e.b.compare(Cond::Eq, ar, br), e.b.compare(Cond::Eq, ai, bi));
            Lane::Real(e.b.binary(Binary::And, re, im))
        },
        "not_equal" => |e, a| {
            let ((ar, ai), (br, bi)) = (a[0].parts(), a[1].parts());
            let (re, im) = (e.b.compare(Cond::Ne, ar, br), e.b.compare(Cond::Ne, ai, bi));
            Lane::Real(e.b.binary(Binary::Or, re, im))
        },
        "isnan" => |e, a| {
            let (re, im) = a[0].parts();
            let (re, im) = (e.b.compare(Cond::Ne, re, re), e.b.compare(Cond::Ne, im, im));
            Lane::Real(e.b.binary(Binary::Or, re, im))
        },
        _ => return None,
    })
}

/// Whether the registered loops fuse: the same question they ask.
fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return cfg!(target_arch = "aarch64");
}
