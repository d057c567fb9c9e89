//! Reductions of small arrays, in numpy's order.
//!
//! Floats along contiguous memory are added pairwise: below eight one after the other, up to 128 in eight running sums that
//! are put together as a tree. A sum begins with zero, so that one of negative zeros is positive.

use jit::ir::{Binary, Cond, Const, Scalar, Unary, Value};
use micronumpy::TypeNum;

use super::Result;
use super::elements::Operand;
use crate::bytecode::BinaryOp;
use crate::record::abort::Abort;
use crate::record::kind::{Abs, Flavor};
use crate::record::small;
use crate::record::walk::Walker;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fold {
    Sum,
    Prod,
    Max,
    Min,
    Mean,
    Any,
    All,
}

impl Fold {
    pub fn of(name: &str) -> Option<Fold> {
        Some(match name {
            "sum" => Fold::Sum,
            "prod" => Fold::Prod,
            "max" | "amax" => Fold::Max,
            "min" | "amin" => Fold::Min,
            "mean" => Fold::Mean,
            "any" => Fold::Any,
            "all" => Fold::All,
            _ => return None,
        })
    }
}

impl Walker<'_, '_> {
    /// A reduction over all axes, or over one.
    pub fn fold(&mut self, fold: Fold, of: &Abs, axis: Option<i64>) -> Result<Abs> {
        if let (Some(a), true) = (self.long(of, small::MOST), axis.is_none_or(|k| k == 0 || k == -1)) {
            return self.fold_long(fold, &a);
        }
        let o = self.operand(of)?;
        let rank = o.dims.len();
        let axis = match axis {
            Some(_) if rank == 1 => None,
            Some(k) => Some(if k < 0 { k + rank as i64 } else { k } as usize),
            None => None,
        };
        if axis.is_some_and(|k| k >= rank) || rank == 0 || o.elements.is_empty() {
            return Err(Abort::Operation(format!("{fold:?} over such axes")));
        }
        if rank > 1 && !self.is_plain(of) || rank > 2 && axis.is_some() {
            return Err(Abort::Array("is not in C order"));
        }
        // Doubles are not what numpy takes the mean of single floats in.
        let num = self.result_type(fold, o.num)?;
        let Some(axis) = axis else {
            let v = self.folded(fold, num, &o, &(0..o.elements.len()).collect::<Vec<_>>(), true)?;
            return Ok(Abs::num(Flavor::Np(num), v));
        };
        let (rows, columns) = (o.dims[0], o.dims[1]);
        let mut cells = vec![];
        if axis == 0 {
            for j in 0..columns {
                let places: Vec<usize> = (0..rows).map(|i| i * columns + j).collect();
                // Row by row, the sums of all columns next to each other.
                cells.push(self.folded(fold, num, &o, &places, columns == 1)?);
            }
        } else {
            for i in 0..rows {
                let places: Vec<usize> = (0..columns).map(|j| i * columns + j).collect();
                cells.push(self.folded(fold, num, &o, &places, true)?);
            }
        }
        let dims = [cells.len()];
        Ok(self.fresh(num, &dims, cells))
    }

    /// Where the largest or smallest element is: the first one, and the first NaN before all.
    pub fn best(&mut self, of: &Abs, is_max: bool) -> Result<Abs> {
        let o = self.operand(of)?;
        if o.dims.len() != 1 || o.elements.is_empty() || o.num.is_bool() {
            return Err(Abort::Operation("the best of such an array".into()));
        }
        let (mut best, mut at) = (o.elements[0], self.b.i64(0));
        for (k, &v) in o.elements.iter().enumerate().skip(1) {
            let worse = self.b.compare(if is_max { Cond::Le } else { Cond::Ge }, v, best);
            let sound = self.b.compare(Cond::Eq, best, best);
            let better = self.b.unary(Unary::Not, worse);
            let better = self.b.binary(Binary::And, better, sound);
            best = self.b.select(better, v, best);
            let k = self.b.i64(k as i64);
            at = self.b.select(better, k, at);
        }
        Ok(Abs::num(Flavor::Np(TypeNum::LONG), at))
    }

    /// Whether the elements of an array lie one behind the other.
    fn is_plain(&self, abs: &Abs) -> bool {
        use crate::record::kind::Val;
        match &abs.val {
            Val::Small(s) => s.is_contiguous(),
            Val::Array(a) => {
                let Some(dims) = a.extents(&self.b) else { return false };
                let plain = small::steps_of(&dims);
                let size = a.num.size() as i64;
                a.steps.iter().zip(&plain).all(|(s, &p)| s.constant() == Some(p as i64 * size))
            }
            _ => false,
        }
    }

    fn result_type(&self, fold: Fold, num: TypeNum) -> Result<TypeNum> {
        Ok(match fold {
            Fold::Max | Fold::Min => num,
            Fold::Any | Fold::All => TypeNum::BOOL,
            Fold::Mean if num == TypeNum::DOUBLE || num.is_integer() => TypeNum::DOUBLE,
            Fold::Mean => return Err(Abort::Operation("mean of such elements".into())),
            Fold::Sum | Fold::Prod if num.is_float() => num,
            Fold::Sum | Fold::Prod if num.is_unsigned() && num.size() < 8 => TypeNum::ULONG,
            Fold::Sum | Fold::Prod if num.size() < 8 || num.is_bool() => TypeNum::LONG,
            Fold::Sum | Fold::Prod => num,
        })
    }

    fn folded(
        &mut self,
        fold: Fold,
        num: TypeNum,
        o: &Operand,
        places: &[usize],
        pairwise: bool,
    ) -> Result<Value> {
        let own = Flavor::Np(o.num);
        let mut v = vec![];
        for &k in places {
            let x = o.elements[k];
            v.push(match fold {
                Fold::Any | Fold::All => self.truth(&Abs::num(own, x))?,
                _ => self.numpy_of(num, (own, x))?,
            });
        }
        let chain = |w: &mut Self, op: Binary| {
            v[1..].iter().fold(v[0], |acc, &x| {
                let r = w.b.binary(op, acc, x);
                if op == Binary::Mul {
                    w.finite_if_float(r, &[acc, x]);
                }
                r
            })
        };
        Ok(match fold {
            Fold::Any => chain(self, Binary::Or),
            Fold::All => chain(self, Binary::And),
            Fold::Max | Fold::Min if num.is_bool() => {
                chain(self, if fold == Fold::Max { Binary::Or } else { Binary::And })
            }
            Fold::Max => chain(self, Binary::Max),
            Fold::Min => chain(self, Binary::Min),
            Fold::Prod => chain(self, Binary::Mul),
            Fold::Sum => self.sum(&v, pairwise),
            Fold::Mean => {
                let sum = self.sum(&v, pairwise);
                let n = self.b.f64(v.len() as f64);
                let double = Flavor::Np(TypeNum::DOUBLE);
                self.arith(BinaryOp::TrueDivide, double, sum, double, n)?.1
            }
        })
    }

    fn sum(&mut self, v: &[Value], pairwise: bool) -> Value {
        let scalar = self.b.ty(v[0]).scalar;
        let zero = self.b.constant(Const { scalar, bits: 0 });
        if !matches!(scalar, Scalar::F32 | Scalar::F64) || !pairwise {
            return v.iter().fold(zero, |acc, &x| self.add(acc, x));
        }
        let total = if v.len() < 8 {
            v[1..].iter().fold(v[0], |acc, &x| self.add(acc, x))
        } else {
            let mut r = v[..8].to_vec();
            let whole = v.len() / 8 * 8;
            for k in 8..whole {
                r[k % 8] = self.add(r[k % 8], v[k]);
            }
            let mut pairs = [0, 2, 4, 6].map(|k| self.add(r[k], r[k + 1])).to_vec();
            pairs = [0, 2].map(|k| self.add(pairs[k], pairs[k + 1])).to_vec();
            let all = self.add(pairs[0], pairs[1]);
            v[whole..].iter().fold(all, |acc, &x| self.add(acc, x))
        };
        self.add(zero, total)
    }
}
