//! The loop over groups of iterations.
//!
//! A value of the body may be wanted as a vector with a lane per iteration, or as a scalar, which is that of the group's
//! first iteration: addresses are made of scalars. Which of the two, or both, shows as the body is copied; uniform and
//! affine values are made when somebody asks. What of it does not change from group to group is for invariant code
//! motion to take out of the loop.
//!
//! Guards on data are asked for all lanes at once, before the first store. If one does not hold, the loop ends there with
//! nothing done of this group, and the old loop comes to the iteration that leaves, by the way its snapshot describes.

use std::collections::HashMap;

use super::overlap::{self, Check};
use super::shape::{Body, Carried, Memory, Shape, Step};
use super::tails;
use crate::ir::{Addr, Binary, Inst, InstId, Range, Stride, Trace, Ty, Unary, Value};
use crate::opt::emit::Emit;

/// Makes it in front of the old loop, which is left with the rest.
pub fn vector_loop(
    tr: &mut Trace,
    id: InstId,
    body: &Body,
    lanes: usize,
    checks: &[Check],
    out: &mut Vec<InstId>,
) {
    let mut before = Emit::default();
    let allowed = overlap::ask(tr, &mut before, body, checks);
    let end = tails::groups_end(tr, &mut before, &body.range, lanes, allowed);

    let region = tr.add_region();
    let counter = tr.add_param(region, Ty::I64);
    let mut group = Group {
        body,
        lanes: lanes as u8,
        scalars: HashMap::from([(body.counter, counter)]),
        vectors: HashMap::new(),
        emit: Emit::default(),
    };
    let mut init = vec![];
    for (k, &p) in body.params.iter().enumerate() {
        let ty = tr.ty(p);
        match body.carried[k] {
            Carried::Induction(_) => {
                init.push(body.init[k]);
                group.scalars.insert(p, tr.add_param(region, ty));
            }
            Carried::Reduction(r) => {
                let ty = group.vector_ty(ty);
                let identity = before.constant(tr, ty.scalar, r.identity(ty.scalar));
                init.push(before.value(tr, Inst::Splat(identity), ty));
                group.vectors.insert(p, tr.add_param(region, ty));
            }
            // The last lane is the one that counts, once the loop is done.
            Carried::Last => {
                let ty = group.vector_ty(ty);
                init.push(before.value(tr, Inst::Splat(body.init[k]), ty));
                group.vectors.insert(p, tr.add_param(region, ty));
            }
        }
    }
    let mut next = group.run(tr);
    if !body.guards.is_empty() {
        // Where the group begins that is not run.
        init.push(body.range.start);
        tr.add_param(region, Ty::I64);
        next.push(end);
    }
    let mut insts = group.emit.insts;
    insts.push(tr.add_inst(Inst::Yield(next), &[]));
    tr.region_mut(region).insts = insts;

    let tys: Vec<Ty> = init.iter().map(|&v| tr.ty(v)).collect();
    let range = Range { start: body.range.start, end, step: body.range.step * lanes as i64 };
    let vector = before.inst(tr, Inst::Loop { range: Some(range), init, body: region }, &tys);

    let mut carried = tr.results(vector).to_vec();
    let rest = if body.guards.is_empty() { end } else { carried.remove(body.params.len()) };
    for (k, v) in carried.iter_mut().enumerate() {
        let old = body.init[k];
        let ty = tr.ty(old);
        match body.carried[k] {
            Carried::Induction(_) => {}
            Carried::Reduction(r) => {
                let folded = before.value(tr, Inst::Reduce(r.op, *v), ty);
                *v = before.binary(tr, r.op, old, folded);
            }
            Carried::Last => *v = before.value(tr, Inst::Lane(*v, lanes as u8 - 1), ty),
        }
    }
    if let Inst::Loop { range: Some(range), init, .. } = tr.inst_mut(id) {
        range.start = rest;
        *init = carried;
    }
    out.append(&mut before.insts);
}

struct Group<'a> {
    body: &'a Body,
    lanes: u8,
    /// Values of the first iteration.
    scalars: HashMap<Value, Value>,
    vectors: HashMap<Value, Value>,
    emit: Emit,
}

impl Group<'_> {
    fn vector_ty(&self, ty: Ty) -> Ty {
        Ty::vector(ty.scalar, self.lanes)
    }

    /// Makes the body; gives the next values of the carried ones.
    fn run(&mut self, tr: &mut Trace) -> Vec<Value> {
        let body = self.body;
        let mut memory = body.memory.iter();
        let mut guards = body.guards.len();
        for &id in &body.insts {
            let inst = tr.inst(id).clone();
            match inst {
                Inst::Guard { .. } => {
                    guards -= 1;
                    if guards == 0 {
                        self.leave(tr);
                    }
                }
                Inst::Load(_) | Inst::Store(..) => {
                    let m = memory.next().expect("every access of the body is listed");
                    self.access(tr, m);
                }
                _ => {
                    let result = tr.results(id)[0];
                    if body.shape(result) == Shape::Varying {
                        let v = self.lanewise(tr, inst, tr.ty(result));
                        self.vectors.insert(result, v);
                    } else if tr.status && tr.raises(&inst) {
                        self.scalar(tr, result);
                    }
                }
            }
        }
        let mut next = vec![];
        for (k, &v) in body.next.iter().enumerate() {
            next.push(match body.carried[k] {
                Carried::Induction(by) => {
                    let p = self.scalar(tr, body.params[k]);
                    let s = tr.ty(p).scalar;
                    let group = match by {
                        Stride::Const(n) => {
                            self.emit.constant(tr, s, n.wrapping_mul(i64::from(self.lanes)) as u64)
                        }
                        Stride::Value(v) => {
                            let lanes = self.emit.constant(tr, s, u64::from(self.lanes));
                            self.emit.binary(tr, Binary::Mul, v, lanes)
                        }
                    };
                    self.emit.binary(tr, Binary::Add, p, group)
                }
                Carried::Reduction(_) | Carried::Last => self.vector(tr, v),
            });
        }
        next
    }

    /// Ends the loop before a group with a lane whose guards do not hold.
    fn leave(&mut self, tr: &mut Trace) {
        let body = self.body;
        let mut all = None;
        for &(cond, expected) in &body.guards {
            let mut holds = self.vector(tr, cond);
            if !expected {
                let ty = tr.ty(holds);
                holds = self.emit.value(tr, Inst::Unary(Unary::Not, holds), ty);
            }
            all = Some(all.map_or(holds, |all| self.emit.binary(tr, Binary::And, all, holds)));
        }
        let Some(all) = all else { return };
        let all = self.emit.value(tr, Inst::Reduce(Binary::And, all), Ty::BOOL);
        let fails = self.emit.value(tr, Inst::Unary(Unary::Not, all), Ty::BOOL);
        let mut values: Vec<Value> = vec![];
        for (&p, carried) in body.params.iter().zip(&body.carried) {
            values.push(match carried {
                Carried::Induction(_) => self.scalars[&p],
                Carried::Reduction(_) | Carried::Last => self.vectors[&p],
            });
        }
        values.push(self.scalars[&body.counter]);
        self.emit.inst(tr, Inst::BreakIf(fails, values), &[]);
    }

    fn lanewise(&mut self, tr: &mut Trace, mut inst: Inst, ty: Ty) -> Value {
        inst.map_uses(|v| self.vector(tr, v));
        let ty = self.vector_ty(ty);
        self.emit.value(tr, inst, ty)
    }

    fn scalar(&mut self, tr: &mut Trace, v: Value) -> Value {
        if self.body.is_outside(v) {
            return v;
        }
        if let Some(&known) = self.scalars.get(&v) {
            return known;
        }
        let mut inst = tr.def_inst(v).expect("parameters are known from the start").clone();
        inst.map_uses(|v| self.scalar(tr, v));
        let ty = tr.ty(v);
        let made = self.emit.value(tr, inst, ty);
        self.scalars.insert(v, made);
        made
    }

    fn vector(&mut self, tr: &mut Trace, v: Value) -> Value {
        if let Some(&known) = self.vectors.get(&v) {
            return known;
        }
        let first = self.scalar(tr, v);
        let ty = self.vector_ty(tr.ty(v));
        let mut made = self.emit.value(tr, Inst::Splat(first), ty);
        if let Shape::Affine(by) = self.body.shape(v) {
            let step = match by {
                Stride::Const(n) => self.emit.constant(tr, ty.scalar, n as u64),
                Stride::Value(v) => self.scalar(tr, v),
            };
            let step = self.emit.value(tr, Inst::Splat(step), ty);
            let lane = self.emit.value(tr, Inst::Iota, ty);
            let offsets = self.emit.binary(tr, Binary::Mul, lane, step);
            made = self.emit.binary(tr, Binary::Add, made, offsets);
        }
        self.vectors.insert(v, made);
        made
    }

    fn access(&mut self, tr: &mut Trace, m: &Memory) {
        let mut access = m.access;
        self.address(tr, &mut access.addr);
        let ty = self.vector_ty(m.ty);
        if let Inst::Store(_, v) = *tr.inst(m.inst) {
            access.lane_stride = self.lane_stride(tr, m);
            let v = self.vector(tr, v);
            self.emit.inst(tr, Inst::Store(access, v), &[]);
            return;
        }
        let result = tr.results(m.inst)[0];
        if m.step.constant() == Some(0) {
            let v = self.emit.value(tr, Inst::Load(access), m.ty);
            self.scalars.insert(result, v);
            return;
        }
        access.lane_stride = self.lane_stride(tr, m);
        let v = self.emit.value(tr, Inst::Load(access), ty);
        self.vectors.insert(result, v);
    }
    fn address(&mut self, tr: &mut Trace, addr: &mut Addr) {
        addr.base = self.scalar(tr, addr.base);
        if let Some((index, stride)) = &mut addr.index {
            *index = self.scalar(tr, *index);
            if let Stride::Value(v) = stride {
                *v = self.scalar(tr, *v);
            }
        }
    }
    /// `None` where lanes are side by side.
    fn lane_stride(&mut self, tr: &mut Trace, m: &Memory) -> Option<Stride> {
        let Step { value, factor } = m.step;
        match value {
            _ if m.step.constant() == Some(m.ty.size() as i64) => None,
            None => Some(Stride::Const(factor)),
            Some(v) => {
                let v = self.scalar(tr, v);
                if factor == 1 {
                    return Some(Stride::Value(v));
                }
                let factor = self.emit.i64(tr, factor);
                Some(Stride::Value(self.emit.binary(tr, Binary::Mul, v, factor)))
            }
        }
    }
}
