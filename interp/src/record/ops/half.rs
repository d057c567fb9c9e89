//! Half precision: kept as single floats whose values halves have.
//!
//! numpy computes with halves in single precision and rounds every result, and so does the trace. In memory they are halves.

use jit::ir::{Access, Binary, Scalar, Ty, Value};
use micronumpy::TypeNum;

use super::Result;
use crate::bytecode::BinaryOp;
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, ArrayVal, Flavor};
use crate::record::walk::Walker;

impl Walker<'_, '_> {
    /// The element of an array of halves without axes.
    pub fn load_half(&mut self, view: &ArrayVal) -> Abs {
        let half = self.b.load(Ty::scalar(Scalar::F16), Access::new(view.data, None, view.class));
        let v = self.b.convert(half, Scalar::F32);
        Abs::num(Flavor::Np(TypeNum::HALF), v)
    }
    pub fn store_half(&mut self, view: &ArrayVal, v: Value) {
        let half = self.b.convert(v, Scalar::F16);
        self.b.store(Access::new(view.data, None, view.class), half);
    }

    /// A number as a half; one that is too large is reported.
    pub fn half_of(&mut self, (flavor, v): (Flavor, Value)) -> Result<Value> {
        let wide = match flavor {
            Flavor::Np(TypeNum::HALF) => return Ok(v),
            Flavor::Np(num) if num.is_float() => v,
            Flavor::Np(TypeNum::BYTE | TypeNum::UBYTE) | Flavor::Int | Flavor::Bool | Flavor::Float => {
                self.as_float(v)
            }
            // By way of a single float.
            Flavor::Np(_) => return Err(Abort::Operation("such an integer as a half".into())),
        };
        let half = self.rounded(wide);
        let finite = self.is_finite(half);
        self.guard(finite, true, Why::NotFinite);
        Ok(half)
    }
    fn rounded(&mut self, v: Value) -> Value {
        let half = self.b.convert(v, Scalar::F16);
        self.b.convert(half, Scalar::F32)
    }

    /// An operation on halves.
    pub fn half_arith(
        &mut self,
        op: BinaryOp,
        a: (Flavor, Value),
        b: (Flavor, Value),
    ) -> Result<(Flavor, Value)> {
        let (x, y) = (self.half_of(a)?, self.half_of(b)?);
        let binary = match op {
            BinaryOp::Add => Binary::Add,
            BinaryOp::Subtract => Binary::Sub,
            BinaryOp::Multiply => Binary::Mul,
            BinaryOp::TrueDivide => Binary::Div,
            op => return Err(Abort::Operation(format!("{op:?} of halves"))),
        };
        if op == BinaryOp::TrueDivide {
            self.check();
            self.not_zero(y);
        }
        let wide = self.b.binary(binary, x, y);
        let v = self.rounded(wide);
        self.must_be_finite(v, &[x, y], op != BinaryOp::TrueDivide);
        Ok((Flavor::Np(TypeNum::HALF), v))
    }
}
