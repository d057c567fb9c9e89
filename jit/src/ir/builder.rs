//! Makes traces instruction by instruction, in the order they run.
//!
//! Regions are opened and closed like brackets, which suits a recorder; [`Builder::counted`] does both for producers
//! that write loops as closures. Result types are inferred; whether operands fit is the verifier's business.

use super::op::{Binary, Cond, Overflow, Unary};
use super::trace::*;
use super::ty::{Scalar, Ty};

/// An open region.
enum Open {
    Root,
    Loop { range: Option<Range>, init: Vec<Value>, body: RegionId },
    Then { cond: Value, then: RegionId },
    Else { cond: Value, then: RegionId, other: RegionId, tys: Vec<Ty> },
}

pub struct Builder {
    trace: Trace,
    open: Vec<(RegionId, Open)>,
}

impl Builder {
    pub fn new(name: impl Into<String>) -> Builder {
        Builder { trace: Trace::new(name), open: vec![(Trace::ROOT, Open::Root)] }
    }
    /// Somebody looks at floating-point status afterwards.
    pub fn observe_status(&mut self) {
        self.trace.status = true;
    }
    /// Loads may run ahead of guards on data, see [`Trace::ahead`].
    pub fn read_ahead(&mut self) {
        self.trace.ahead = true;
    }
    pub fn trace(&self) -> &Trace {
        &self.trace
    }
    /// The finished trace.
    ///
    /// # Panics
    /// When a region is still open.
    pub fn finish(self) -> Trace {
        assert_eq!(self.open.len(), 1, "a region is still open");
        self.trace
    }
    pub fn ty(&self, v: Value) -> Ty {
        self.trace.ty(v)
    }

    /// A parameter of the trace.
    pub fn param(&mut self, ty: Ty) -> Value {
        self.trace.add_param(Trace::ROOT, ty)
    }
    pub fn declare(&mut self, descr: CallDescr) -> CallId {
        self.trace.add_call(descr)
    }

    fn push(&mut self, inst: Inst, results: &[Ty]) -> InstId {
        let id = self.trace.add_inst(inst, results);
        let (region, _) = self.open.last().expect("the outermost region stays open");
        self.trace.region_mut(*region).insts.push(id);
        id
    }
    fn value(&mut self, inst: Inst, ty: Ty) -> Value {
        let id = self.push(inst, &[ty]);
        self.trace.results(id)[0]
    }

    pub fn constant(&mut self, c: Const) -> Value {
        self.value(Inst::Const(Const::canonical(c.scalar, c.bits)), Ty::scalar(c.scalar))
    }
    pub fn i64(&mut self, n: i64) -> Value {
        self.constant(Const::i64(n))
    }
    pub fn f64(&mut self, x: f64) -> Value {
        self.constant(Const::f64(x))
    }
    pub fn unary(&mut self, op: Unary, a: Value) -> Value {
        let ty = self.ty(a);
        self.value(Inst::Unary(op, a), ty)
    }
    pub fn binary(&mut self, op: Binary, a: Value, b: Value) -> Value {
        let ty = self.ty(a);
        self.value(Inst::Binary(op, a, b), ty)
    }
    pub fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        let ty = self.ty(a);
        self.value(Inst::Fma(a, b, c), ty)
    }
    pub fn overflow(&mut self, op: Overflow, a: Value, b: Value) -> Value {
        let ty = self.ty(a).with(Scalar::Bool);
        self.value(Inst::Overflow(op, a, b), ty)
    }
    pub fn compare(&mut self, cond: Cond, a: Value, b: Value) -> Value {
        let ty = self.ty(a).with(Scalar::Bool);
        self.value(Inst::Compare(cond, a, b), ty)
    }
    pub fn select(&mut self, mask: Value, a: Value, b: Value) -> Value {
        let ty = self.ty(a);
        self.value(Inst::Select(mask, a, b), ty)
    }
    pub fn convert(&mut self, a: Value, to: Scalar) -> Value {
        let ty = self.ty(a).with(to);
        self.value(Inst::Convert(a), ty)
    }
    pub fn bitcast(&mut self, a: Value, to: Scalar) -> Value {
        let ty = self.ty(a).with(to);
        self.value(Inst::Bitcast(a), ty)
    }
    pub fn splat(&mut self, a: Value, lanes: u8) -> Value {
        let ty = Ty::vector(self.ty(a).scalar, lanes);
        self.value(Inst::Splat(a), ty)
    }
    pub fn iota(&mut self, ty: Ty) -> Value {
        self.value(Inst::Iota, ty)
    }
    pub fn lane(&mut self, a: Value, lane: u8) -> Value {
        let ty = Ty::scalar(self.ty(a).scalar);
        self.value(Inst::Lane(a, lane), ty)
    }
    pub fn reduce(&mut self, op: Binary, a: Value) -> Value {
        let ty = Ty::scalar(self.ty(a).scalar);
        self.value(Inst::Reduce(op, a), ty)
    }
    pub fn load(&mut self, ty: Ty, access: Access) -> Value {
        self.value(Inst::Load(access), ty)
    }
    pub fn store(&mut self, access: Access, v: Value) {
        self.push(Inst::Store(access, v), &[]);
    }
    pub fn lea(&mut self, addr: Addr) -> Value {
        self.value(Inst::Lea(addr), Ty::PTR)
    }
    /// A call; `None` if the function has no result.
    pub fn call(&mut self, id: CallId, args: Vec<Value>) -> Option<Value> {
        let lanes = args.first().map_or(1, |&v| self.ty(v).lanes);
        let results: Vec<Ty> = self.trace.call(id).result.iter().map(|&s| Ty::vector(s, lanes)).collect();
        let inst = self.push(Inst::Call(id, args), &results);
        self.trace.result(inst)
    }
    /// Leave the trace unless `cond` is as expected.
    pub fn guard(&mut self, cond: Value, expected: bool, key: u64, values: Vec<Value>) {
        let snap = self.trace.add_snapshot(key, values);
        self.push(Inst::Guard { cond, expected, snap }, &[]);
    }
    /// Ends the outermost region.
    pub fn exit(&mut self, key: u64, values: Vec<Value>) {
        let snap = self.trace.add_snapshot(key, values);
        self.push(Inst::Exit(snap), &[]);
    }

    /// Open a loop; gives the counter, if there is a range, and the carried values.
    pub fn begin_loop(&mut self, range: Option<Range>, init: Vec<Value>) -> (Option<Value>, Vec<Value>) {
        let body = self.trace.add_region();
        let counter = range.is_some().then(|| self.trace.add_param(body, Ty::I64));
        let carried = init
            .iter()
            .map(|&v| {
                let ty = self.ty(v);
                self.trace.add_param(body, ty)
            })
            .collect();
        self.open.push((body, Open::Loop { range, init, body }));
        (counter, carried)
    }
    /// End the innermost loop, which must be the innermost open region, if `cond` is true.
    pub fn break_if(&mut self, cond: Value, results: Vec<Value>) {
        self.push(Inst::BreakIf(cond, results), &[]);
    }
    /// Close the loop opened last; gives its results.
    ///
    /// # Panics
    /// When the innermost open region is not a loop's.
    pub fn end_loop(&mut self, next: Vec<Value>) -> Vec<Value> {
        self.push(Inst::Yield(next), &[]);
        let Some((_, Open::Loop { range, init, body })) = self.open.pop() else {
            panic!("the innermost open region is not a loop");
        };
        let tys: Vec<Ty> = init.iter().map(|&v| self.ty(v)).collect();
        let id = self.push(Inst::Loop { range, init, body }, &tys);
        self.trace.results(id).to_vec()
    }
    /// A counted loop whose body is a closure from counter and carried values to the next carried values.
    pub fn counted(
        &mut self,
        range: Range,
        init: Vec<Value>,
        body: impl FnOnce(&mut Builder, Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let (counter, carried) = self.begin_loop(Some(range), init);
        let next = body(self, counter.expect("a counted loop has a counter"), &carried);
        self.end_loop(next)
    }

    /// Open the region that runs if `cond` is true.
    pub fn begin_if(&mut self, cond: Value) {
        let then = self.trace.add_region();
        self.open.push((then, Open::Then { cond, then }));
    }
    /// Close that region with its results and open the other one.
    ///
    /// # Panics
    /// When the innermost open region is not the first of an `if`.
    pub fn begin_else(&mut self, results: Vec<Value>) {
        let tys = results.iter().map(|&v| self.ty(v)).collect();
        self.push(Inst::Yield(results), &[]);
        let Some((_, Open::Then { cond, then })) = self.open.pop() else {
            panic!("the innermost open region is not the first of an if");
        };
        let other = self.trace.add_region();
        self.open.push((other, Open::Else { cond, then, other, tys }));
    }
    /// Close the `if`; gives its results.
    ///
    /// # Panics
    /// When the innermost open region is not the second of an `if`.
    pub fn end_if(&mut self, results: Vec<Value>) -> Vec<Value> {
        self.push(Inst::Yield(results), &[]);
        let Some((_, Open::Else { cond, then, other, tys })) = self.open.pop() else {
            panic!("the innermost open region is not the second of an if");
        };
        let id = self.push(Inst::If { cond, then, other }, &tys);
        self.trace.results(id).to_vec()
    }
}

impl Access {
    /// `base + index * stride`, elements side by side in a vector.
    pub fn new(base: Value, index: Option<(Value, Stride)>, class: MemClass) -> Access {
        Access { addr: Addr { base, index, disp: 0 }, class, lane_stride: None }
    }
}
