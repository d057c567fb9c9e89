//! What is known about the values of a loop's body over its iterations.

use std::collections::HashMap;

use super::Reason;
use super::reductions::{self, Reduction};
use crate::ir::{Access, Binary, Inst, InstId, Range, Scalar, Stride, Trace, Ty, Unary, Value};

/// How the value of one iteration follows from that of the iteration before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// It is the same.
    Uniform,
    /// An integer that grows by this amount, wrapping.
    Affine(Stride),
    /// In no way that helps.
    Varying,
}

/// A carried value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carried {
    /// An integer that grows by the same amount in each iteration.
    Induction(Stride),
    Reduction(Reduction),
    /// What the iteration before gave, which nobody in the loop computes with: it is for snapshots, and for behind the loop.
    Last,
}

/// How many bytes an access moves from one iteration to the next: `value * factor`, or `factor` without a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    pub value: Option<Value>,
    pub factor: i64,
}

impl Step {
    pub fn constant(self) -> Option<i64> {
        if self.value.is_none() || self.factor == 0 { Some(self.factor) } else { None }
    }
}

/// An access of the body, with what matters to dependences.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub inst: InstId,
    pub is_store: bool,
    pub access: Access,
    pub step: Step,
    /// Of one element.
    pub ty: Ty,
}

/// A loop that may be vectorised, as far as its instructions are concerned.
pub struct Body {
    pub range: Range,
    pub counter: Value,
    pub insts: Vec<InstId>,
    pub init: Vec<Value>,
    pub params: Vec<Value>,
    pub next: Vec<Value>,
    pub carried: Vec<Carried>,
    /// Of the values defined in the body.
    shapes: HashMap<Value, Shape>,
    /// Accesses, in order.
    pub memory: Vec<Memory>,
    /// Conditions of guards that protect no memory, with what they expect; all of them come before the first store.
    pub guards: Vec<(Value, bool)>,
}

impl Body {
    pub fn new(tr: &Trace, id: InstId) -> Result<Body, Reason> {
        let Inst::Loop { range: Some(range), ref init, body } = *tr.inst(id) else {
            return Err("it has no counter");
        };
        let region = tr.region(body);
        let (&last, insts) = region.insts.split_last().ok_or("it has no end")?;
        let Inst::Yield(next) = tr.inst(last) else { return Err("it has no end") };
        let mut b = Body {
            range,
            counter: region.params[0],
            insts: insts.to_vec(),
            init: init.clone(),
            params: region.params[1..].to_vec(),
            next: next.clone(),
            carried: vec![],
            shapes: HashMap::new(),
            memory: vec![],
            guards: vec![],
        };
        for &inst in &b.insts {
            let vector = |v: &Value| tr.ty(*v).is_vector();
            if tr.results(inst).iter().any(vector) || is_vector_use(tr, tr.inst(inst)) {
                return Err("it has vectors already");
            }
            // Everything is of the body until it is known better.
            b.shapes.extend(tr.results(inst).iter().map(|&v| (v, Shape::Varying)));
        }
        b.shapes.extend(b.params.iter().map(|&p| (p, Shape::Varying)));
        b.shapes.insert(b.counter, Shape::Affine(Stride::Const(range.step)));
        for k in 0..b.params.len() {
            let carried = b.carried_value(tr, k)?;
            if let Carried::Induction(stride) = carried {
                b.shapes.insert(b.params[k], Shape::Affine(stride));
            }
            b.carried.push(carried);
        }
        for i in 0..b.insts.len() {
            b.inst(tr, b.insts[i])?;
        }
        Ok(b)
    }

    /// Values from outside are the same in all iterations.
    pub fn shape(&self, v: Value) -> Shape {
        self.shapes.get(&v).copied().unwrap_or(Shape::Uniform)
    }
    pub fn is_outside(&self, v: Value) -> bool {
        !self.shapes.contains_key(&v)
    }
    fn is_uniform(&self, v: Value) -> bool {
        self.shape(v) == Shape::Uniform
    }

    fn carried_value(&self, tr: &Trace, k: usize) -> Result<Carried, Reason> {
        let (p, next) = (self.params[k], self.next[k]);
        if let Some(&Inst::Binary(op @ (Binary::Add | Binary::Sub), a, b)) = tr.def_inst(next) {
            let by = match (op, a == p, b == p) {
                (_, true, false) => Some(b),
                (Binary::Add, false, true) => Some(a),
                _ => None,
            };
            if let Some(by) = by.filter(|&by| tr.ty(p).scalar.is_int() && self.is_outside(by)) {
                match tr.as_const(by) {
                    Some(c) if op == Binary::Add => {
                        return Ok(Carried::Induction(Stride::Const(c.bits as i64)));
                    }
                    Some(c) => return Ok(Carried::Induction(Stride::Const((c.bits as i64).wrapping_neg()))),
                    None if op == Binary::Add && tr.ty(p) == Ty::I64 => {
                        return Ok(Carried::Induction(Stride::Value(by)));
                    }
                    // A sum of the same number over and over is a reduction as well.
                    None => {}
                }
            }
        }
        if tr.ty(p).scalar != Scalar::Ptr && !tr.ty(p).is_vector() && reductions::uses(tr, self, p) == 0 {
            return Ok(Carried::Last);
        }
        reductions::find(tr, self, p, next).map(Carried::Reduction)
    }

    fn inst(&mut self, tr: &Trace, id: InstId) -> Result<(), Reason> {
        let inst = tr.inst(id);
        let shape = match inst {
            &Inst::Guard { cond, expected, .. } => {
                // Loads of later iterations run before it, and a lane that was not to run must not show.
                if !tr.ahead || tr.status || !protects_no_memory(tr, cond) {
                    return Err("it has a guard");
                }
                if self.memory.iter().any(|m| m.is_store) {
                    return Err("it has a guard behind a store");
                }
                self.guards.push((cond, expected));
                return Ok(());
            }
            Inst::BreakIf(..) => return Err("it has a break"),
            Inst::If { .. } => return Err("it has a branch"),
            Inst::Call(call, args) => {
                if tr.results(id).is_empty() {
                    return Err("it calls a function without a result");
                }
                let uniform = args.iter().all(|&a| self.is_uniform(a));
                let descr = tr.call(*call);
                if descr.effects.reads || descr.effects.writes {
                    return Err("it calls a function with effects");
                }
                if !uniform && descr.tile == 0 {
                    return Err("it calls a function that takes no arrays");
                }
                if uniform { Shape::Uniform } else { Shape::Varying }
            }
            Inst::Load(access) => {
                let m = self.memory(id, *access, false, tr.ty(tr.results(id)[0]))?;
                let uniform = m.step.constant() == Some(0);
                self.memory.push(m);
                if uniform { Shape::Uniform } else { Shape::Varying }
            }
            Inst::Store(access, v) => {
                let m = self.memory(id, *access, true, tr.ty(*v))?;
                if m.step.constant() == Some(0) {
                    return Err("it stores to the same place over and over");
                }
                if m.ty.scalar == Scalar::Ptr {
                    return Err("it stores addresses");
                }
                self.memory.push(m);
                return Ok(());
            }
            _ => self.pure(tr, inst, tr.ty(tr.results(id)[0])),
        };
        let result = tr.results(id)[0];
        if shape != Shape::Uniform && tr.ty(result).scalar == Scalar::Ptr {
            return Err("it computes with addresses");
        }
        self.shapes.insert(result, shape);
        Ok(())
    }

    fn pure(&self, tr: &Trace, inst: &Inst, ty: Ty) -> Shape {
        let mut uniform = true;
        inst.for_each_use(|v| uniform &= self.is_uniform(v));
        if uniform {
            return Shape::Uniform;
        }
        let constant = |v: Value| tr.as_const(v).map(|c| c.bits as i64);
        let affine = match *inst {
            _ if !ty.scalar.is_int() => None,
            Inst::Unary(Unary::Neg, a) => match self.shape(a) {
                Shape::Affine(Stride::Const(n)) => Some(Stride::Const(n.wrapping_neg())),
                _ => None,
            },
            Inst::Binary(op, a, b) => match (op, self.shape(a), self.shape(b)) {
                (Binary::Add, Shape::Affine(s), Shape::Uniform)
                | (Binary::Add, Shape::Uniform, Shape::Affine(s))
                | (Binary::Sub, Shape::Affine(s), Shape::Uniform) => Some(s),
                (Binary::Sub, Shape::Uniform, Shape::Affine(Stride::Const(n))) => {
                    Some(Stride::Const(n.wrapping_neg()))
                }
                (Binary::Add, Shape::Affine(Stride::Const(n)), Shape::Affine(Stride::Const(m))) => {
                    Some(Stride::Const(n.wrapping_add(m)))
                }
                (Binary::Sub, Shape::Affine(Stride::Const(n)), Shape::Affine(Stride::Const(m))) => {
                    Some(Stride::Const(n.wrapping_sub(m)))
                }
                (Binary::Mul, Shape::Affine(Stride::Const(n)), Shape::Uniform) => match constant(b) {
                    Some(c) => Some(Stride::Const(n.wrapping_mul(c))),
                    None if n == 1 && ty == Ty::I64 => Some(Stride::Value(b)),
                    None => None,
                },
                (Binary::Mul, Shape::Uniform, Shape::Affine(Stride::Const(1))) if ty == Ty::I64 => {
                    Some(Stride::Value(a))
                }
                (Binary::Shl, Shape::Affine(Stride::Const(n)), Shape::Uniform) => match constant(b) {
                    Some(c) if (0..i64::from(ty.scalar.bits())).contains(&c) => Some(Stride::Const(n << c)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        affine.map_or(Shape::Varying, Shape::Affine)
    }

    fn memory(&self, inst: InstId, access: Access, is_store: bool, ty: Ty) -> Result<Memory, Reason> {
        if !self.is_uniform(access.addr.base) {
            return Err("an access has no fixed base");
        }
        let fixed = Step { value: None, factor: 0 };
        let step = match access.addr.index {
            None => fixed,
            Some((index, stride)) => {
                if matches!(stride, Stride::Value(v) if !self.is_uniform(v)) {
                    return Err("an access has no fixed stride");
                }
                match (self.shape(index), stride) {
                    (Shape::Uniform, _) => fixed,
                    (Shape::Affine(Stride::Const(n)), Stride::Const(s)) => {
                        Step { value: None, factor: n.wrapping_mul(s) }
                    }
                    (Shape::Affine(Stride::Const(n)), Stride::Value(v))
                    | (Shape::Affine(Stride::Value(v)), Stride::Const(n)) => {
                        Step { value: Some(v), factor: n }
                    }
                    _ => return Err("an access jumps"),
                }
            }
        };
        Ok(Memory { inst, is_store, access, step, ty })
    }
}

/// Whether a condition compares floats or asks for overflow, and nothing else; see [`Trace::ahead`].
fn protects_no_memory(tr: &Trace, cond: Value) -> bool {
    match tr.def_inst(cond) {
        Some(&Inst::Compare(_, a, _)) => tr.ty(a).scalar.is_float(),
        Some(Inst::Overflow(..)) => true,
        Some(&Inst::Unary(_, a)) => protects_no_memory(tr, a),
        Some(&Inst::Binary(_, a, b)) => protects_no_memory(tr, a) && protects_no_memory(tr, b),
        _ => false,
    }
}

fn is_vector_use(tr: &Trace, inst: &Inst) -> bool {
    let mut found = false;
    inst.for_each_use(|v| found |= tr.ty(v).is_vector());
    found
}
