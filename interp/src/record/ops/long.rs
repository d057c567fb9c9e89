//! Folds and products of vectors that are too long to be values of a trace: calls of the loops the object space calls.
//!
//! So the order of additions is theirs. They read memory and change nothing; a result that is not finite is left to the VM,
//! which knows what to report.

use std::rc::Rc;

use jit::ir::{CallDescr, Cond, Effects, Scalar, Value};
use micronumpy::TypeNum;
use ufuncs::abi::LoopDef;
use ufuncs::dot::dot_fn;

use super::Result;
use super::fold::Fold;
use crate::bytecode::BinaryOp;
use crate::record::abort::Abort;
use crate::record::exit::Why;
use crate::record::kind::{Abs, ArrayVal, Flavor, Val, scalar_of};
use crate::record::walk::Walker;

fn unsupported(what: &str) -> Abort {
    Abort::Operation(format!("{what} of a long vector"))
}

impl Walker<'_, '_> {
    /// A vector in memory whose length varies or is more than so many elements.
    pub fn long(&mut self, abs: &Abs, most: usize) -> Option<Rc<ArrayVal>> {
        let (Val::Array(a), None) = (&abs.val, abs.tag) else { return None };
        let is_long = match a.extents(&self.b) {
            Some(dims) => dims.iter().product::<usize>() > most,
            // It may be known when the walk is done again.
            None => self.hints.fixed,
        };
        (is_long && a.dims.len() == 1).then(|| Rc::clone(a))
    }

    /// A reduction of a long vector.
    pub fn fold_long(&mut self, fold: Fold, a: &ArrayVal) -> Result<Abs> {
        let refuse = || unsupported(&format!("{fold:?}"));
        let (name, addr): (_, fn(TypeNum) -> Option<usize>) = match fold {
            Fold::Sum | Fold::Mean => ("add", from_zero),
            Fold::Prod => ("multiply", from_one),
            Fold::Max => ("maximum", from_first),
            Fold::Min => ("minimum", from_first),
            Fold::Any | Fold::All => return Err(refuse()),
        };
        if fold == Fold::Mean && a.num != TypeNum::DOUBLE {
            return Err(refuse());
        }
        let addr = addr(a.num).ok_or_else(refuse)?;
        let table = ufuncs::table::find(name).ok_or_else(refuse)?;
        let def: &'static LoopDef = table.loops.iter().find(|l| *l.types == [a.num; 3]).ok_or_else(refuse)?;
        if matches!(fold, Fold::Max | Fold::Min) {
            let one = self.b.i64(1);
            let some = self.b.compare(Cond::Ge, a.dims[0], one);
            self.guard(some, true, Why::Domain);
        }
        let def = self.b.i64(std::ptr::from_ref(def) as i64);
        let step = a.steps[0].value(&mut self.b);
        let v = self.reading(name, addr, &[def, a.data, a.dims[0], step], a.num)?;
        if fold != Fold::Mean {
            return Ok(Abs::num(Flavor::Np(a.num), v));
        }
        let one = self.b.i64(1);
        let some = self.b.compare(Cond::Ge, a.dims[0], one);
        self.guard(some, true, Why::Domain);
        let n = self.b.convert(a.dims[0], Scalar::F64);
        let double = Flavor::Np(TypeNum::DOUBLE);
        let (flavor, v) = self.arith(BinaryOp::TrueDivide, double, v, double, n)?;
        Ok(Abs::num(flavor, v))
    }

    /// The inner product of two long vectors.
    pub fn dot_long(&mut self, a: &ArrayVal, b: &ArrayVal) -> Result<Abs> {
        let refuse = || unsupported("a product");
        if a.num != b.num {
            return Err(refuse());
        }
        let addr = dotted_of(a.num).ok_or_else(refuse)?;
        let same = self.b.compare(Cond::Eq, a.dims[0], b.dims[0]);
        self.guard(same, true, Why::Domain);
        let num = self.b.i64(a.num.0.into());
        let (s, t) = (a.steps[0].value(&mut self.b), b.steps[0].value(&mut self.b));
        let v = self.reading("dot", addr, &[num, a.data, s, b.data, t, a.dims[0]], a.num)?;
        Ok(Abs::num(Flavor::Np(a.num), v))
    }

    /// A call of a function that reads memory.
    fn reading(&mut self, name: &str, addr: usize, args: &[Value], num: TypeNum) -> Result<Value> {
        let scalar = scalar_of(num).ok_or_else(|| unsupported(name))?;
        let params = args.iter().map(|&v| self.b.ty(v).scalar).collect();
        let effects = Effects { reads: true, writes: false, raises: false };
        let id = self.b.declare(CallDescr {
            name: name.into(),
            params,
            result: Some(scalar),
            effects,
            addr,
            tile: 0,
        });
        let v = self.b.call(id, args.to_vec()).ok_or_else(|| unsupported(name))?;
        if scalar.is_float() {
            self.must_be_finite(v, &[], false);
        }
        Ok(v)
    }
}

/// A function for each type that sums of its elements have, too.
macro_rules! of_types {
    ($name:ident, $function:ident) => {
        fn $name(num: TypeNum) -> Option<usize> {
            Some(match num {
                TypeNum::DOUBLE => $function::<f64> as *const () as usize,
                TypeNum::FLOAT => $function::<f32> as *const () as usize,
                TypeNum::LONG | TypeNum::LONGLONG => $function::<i64> as *const () as usize,
                TypeNum::ULONG | TypeNum::ULONGLONG => $function::<u64> as *const () as usize,
                _ => return None,
            })
        }
    };
}
of_types!(from_zero, zero_and);
of_types!(from_one, one_and);
of_types!(from_first, first_and);
of_types!(dotted_of, dotted);

extern "C" fn zero_and<T: Copy + Default>(def: &'static LoopDef, data: *const u8, n: i64, step: i64) -> T {
    // SAFETY: the walk calls it for the elements of an array that is alive.
    unsafe { folded(def, T::default(), data, n, step) }
}
extern "C" fn one_and<T: Copy + From<u8>>(def: &'static LoopDef, data: *const u8, n: i64, step: i64) -> T {
    // SAFETY: as above.
    unsafe { folded(def, T::from(1), data, n, step) }
}
extern "C" fn first_and<T: Copy + Default>(def: &'static LoopDef, data: *const u8, n: i64, step: i64) -> T {
    if n < 1 {
        return T::default();
    }
    // SAFETY: as above, and there is a first element.
    unsafe { folded(def, data.cast::<T>().read(), data.wrapping_offset(step as isize), n - 1, step) }
}

/// Runs a loop as a reduction does: the running result is the first operand and the result.
///
/// # Safety
/// `n` aligned elements of the loop's type, `step` bytes apart.
unsafe fn folded<T: Copy>(def: &LoopDef, from: T, data: *const u8, n: i64, step: i64) -> T {
    let mut result = from;
    if n > 0 {
        let acc = std::ptr::from_mut(&mut result).cast::<u8>();
        let operands = [acc, data.cast_mut(), acc];
        // SAFETY: by contract; loops of numbers need no context.
        unsafe {
            let (dims, steps) = ([n as isize], [0, step as isize, 0]);
            (def.func)(std::ptr::null(), operands.as_ptr(), dims.as_ptr(), steps.as_ptr(), def.aux);
        }
    }
    result
}

extern "C" fn dotted<T: Copy + Default>(num: i64, a: *const u8, s: i64, b: *const u8, t: i64, n: i64) -> T {
    let mut out = T::default();
    if let Some(dot) = dot_fn(TypeNum(num as _)) {
        // SAFETY: the walk calls it for the elements of two arrays that are alive, of the type that `T` is for.
        unsafe { dot(a, s as isize, b, t as isize, std::ptr::from_mut(&mut out).cast(), n as usize) };
    }
    out
}
