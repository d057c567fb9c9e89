//! Conversions of conversions.
//!
//! `convert.C (convert.B a)` is `convert.C a` where B holds every value of A exactly and the last step depends on nothing
//! but the value, or where both steps only drop bits. The test tries all triples of types.

use super::Folder;
use crate::ir::{Inst, Scalar, Ty, Value};

impl Folder<'_> {
    pub(super) fn convert(&mut self, inst: &mut Inst, a: Value, ty: Ty) -> Option<Value> {
        if self.tr.ty(a) == ty {
            return Some(a);
        }
        let Some(&Inst::Convert(origin)) = self.tr.def_inst(a) else { return None };
        let (from, through) = (self.tr.ty(origin).scalar, self.tr.ty(a).scalar);
        if !skips(from, through, ty.scalar) {
            return None;
        }
        if from == ty.scalar {
            return Some(origin);
        }
        *inst = Inst::Convert(origin);
        self.convert(inst, origin, ty)
    }
}

/// Bits of an integer's magnitude, or of a float's significand: integers up to that many bits are exact.
fn precision(s: Scalar) -> u32 {
    match s {
        Scalar::Bool => 1,
        Scalar::F16 => 11,
        Scalar::F32 => 24,
        Scalar::F64 => 53,
        s if s.is_signed() => s.bits() - 1,
        s => s.bits(),
    }
}

fn is_real(s: Scalar) -> bool {
    matches!(s, Scalar::F16 | Scalar::F32 | Scalar::F64)
}

/// Whether every value of one type is one of the other.
fn is_exact(from: Scalar, to: Scalar) -> bool {
    if to == Scalar::Bool || from == Scalar::Ptr || to == Scalar::Ptr {
        return from == to;
    }
    let negative = !from.is_signed() || to.is_signed() || is_real(to);
    (!is_real(from) || is_real(to)) && negative && precision(from) <= precision(to)
}

/// Whether the step in the middle may be left out.
fn skips(from: Scalar, through: Scalar, to: Scalar) -> bool {
    let int = |s: Scalar| s.is_int();
    if int(from) && int(through) && int(to) && to.bits() <= through.bits() {
        return true;
    }
    // Integers that were floats on the way come back by an instruction that has an opinion on what does not fit an `i32`.
    let small = from == Scalar::Bool || (int(from) && is_exact(from, Scalar::I32));
    let back = is_real(through) && int(to) && !is_real(from);
    is_exact(from, through) && (!back || small || is_exact(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Const;
    use crate::semantics;

    #[test]
    fn skipping_changes_nothing() {
        let mut state = 7u64;
        let types: Vec<Scalar> = Scalar::ALL.into_iter().filter(|&s| s != Scalar::Ptr).collect();
        let mut skipped = 0;
        for &a in &types {
            let edges = (0..a.bits()).flat_map(|k| [1u64 << k, (1u64 << k).wrapping_sub(1), !0 << k]);
            let mut samples: Vec<u64> = edges.chain([0, 1]).collect();
            samples.extend([1.5f64, -1.5, 1e10, 3e9, -3e9, f64::NAN, f64::INFINITY].map(|x| {
                if is_real(a) { semantics::convert(Scalar::F64, a, x.to_bits()) } else { x as i64 as u64 }
            }));
            for _ in 0..300 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                samples.push(state >> (state >> 59));
            }
            for &b in &types {
                for &c in types.iter().filter(|&&c| skips(a, b, c)) {
                    skipped += 1;
                    for &raw in &samples {
                        let x = Const::canonical(a, raw).bits;
                        let long = semantics::convert(b, c, semantics::convert(a, b, x));
                        let short = semantics::convert(a, c, x);
                        let nan = semantics::is_nan(c, long) && semantics::is_nan(c, short);
                        assert!(long == short || nan, "{a} {b} {c}: {x:#x} gives {long:#x}, {short:#x}");
                    }
                }
            }
        }
        assert!(skipped > 500, "{skipped}");
    }
}
