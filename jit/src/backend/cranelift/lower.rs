//! From a trace to Cranelift's functions: control flow, and who computes what.
//!
//! Regions become blocks, carried values become block parameters. Loops are turned around: a check in front, the body,
//! a check behind it. All ways out through one snapshot share one block of code, out of line, which may use the
//! snapshot's values directly: they are visible at each of those places, so they are computed on every way there.
//!
//! An address that steps by a value, or by a constant that addressing modes do not scale by, is a pointer carried by the
//! loop whose counter it follows, as long as registers last.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AbiParam, Block, BlockArg, Function, InstBuilder, MemFlagsData, Signature, StackSlot, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::super::Unsupported;
use super::isa::Isa;
use super::memory::Pointer;
use super::vector::{Lanes, lane_type};
use crate::ir::{
    Addr, Binary, Cond, Inst, InstId, Range, RegionId, Scalar, SnapId, Stride, Trace, Ty, Unary, Value,
};

/// Pointers one loop carries at most; those beyond are computed where they are needed.
const MAX_POINTERS: usize = 6;

/// Makes a function of a trace.
pub(super) fn lower(
    tr: &Trace,
    isa: &Isa,
    func: &mut Function,
    context: &mut FunctionBuilderContext,
) -> Result<(), Unsupported> {
    func.signature = Signature::new(isa.target.default_call_conv());
    func.signature.params.push(AbiParam::new(types::I64));
    func.signature.returns.push(AbiParam::new(types::I32));
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let slots = b.block_params(entry)[0];
    let mut lowering = Lowering {
        tr,
        isa,
        b,
        slots,
        values: vec![None; tr.value_count()],
        hot: hot(tr),
        exits: vec![None; tr.snapshots.len()],
        pointers: vec![],
        beside: vec![],
        small: vec![],
        arrays: vec![],
    };
    lowering.params();
    lowering.region(Trace::ROOT, None)?;
    lowering.exits();
    let mut b = lowering.b;
    b.seal_all_blocks();
    b.finalize(isa.target.frontend_config());
    Ok(())
}

/// A function that is being made.
pub(super) struct Lowering<'a> {
    pub tr: &'a Trace,
    pub isa: &'a Isa,
    pub b: FunctionBuilder<'a>,
    slots: ir::Value,
    values: Vec<Option<Lanes>>,
    /// By value: whether it is needed anywhere but on ways out.
    hot: Vec<bool>,
    exits: Vec<Option<Block>>,
    /// Those of the loops around.
    pub pointers: Vec<Pointer>,
    /// Results that were made together with something else, where control is: what they are of.
    pub beside: Vec<(Binary, Value, Value, ir::Value)>,
    /// Floats that are known to fit an `i64`, where control is.
    pub small: Vec<Value>,
    /// Room on the stack for arguments of calls over arrays.
    pub arrays: Vec<StackSlot>,
}

fn args(values: &[ir::Value]) -> Vec<BlockArg> {
    values.iter().map(|&v| v.into()).collect()
}

impl<'a> Lowering<'a> {
    /// How accesses are made: they do not fault, by the promise of whoever calls the code; nothing is said on alignment.
    pub fn access_flags() -> MemFlagsData {
        MemFlagsData::new().with_notrap()
    }

    pub fn lanes(&self, v: Value) -> Lanes {
        self.values[v.index()].clone().expect("a verified trace defines values before it uses them")
    }
    /// The one part of a scalar.
    pub fn scalar(&self, v: Value) -> ir::Value {
        self.lanes(v).parts[0]
    }
    pub fn is_defined(&self, v: Value) -> bool {
        self.values[v.index()].is_some()
    }
    fn define(&mut self, v: Value, lanes: Lanes) {
        self.values[v.index()] = Some(lanes);
    }

    fn params(&mut self) {
        for (i, &p) in self.tr.params().iter().enumerate() {
            let ty = self.tr.ty(p);
            // The low bytes of a slot; both architectures store them first.
            let part =
                self.b.ins().load(lane_type(ty.scalar), Self::access_flags(), self.slots, i as i32 * 8);
            self.define(p, Lanes::scalar(ty.scalar, part));
        }
    }

    /// Lowers a region up to its terminator. `done` is where a `break` goes.
    fn region(&mut self, id: RegionId, done: Option<&Join>) -> Result<(), Unsupported> {
        let tr = self.tr;
        let (beside, small) = (self.beside.len(), self.small.len());
        for &inst in &tr.region(id).insts {
            self.inst(inst, done)?;
        }
        self.beside.truncate(beside);
        self.small.truncate(small);
        Ok(())
    }
    /// The values a region ends with.
    fn yielded(&self, id: RegionId) -> &'a [Value] {
        let last = self.tr.region(id).insts.last().expect("a verified region has an end");
        match self.tr.inst(*last) {
            Inst::Yield(values) => values,
            other => unreachable!("{other:?} does not end a nested region"),
        }
    }

    fn inst(&mut self, id: InstId, done: Option<&Join>) -> Result<(), Unsupported> {
        let tr = self.tr;
        let result = match tr.inst(id) {
            Inst::Guard { cond, expected, snap } => {
                let (asked, exit) = (self.scalar(*cond), self.exit(*snap));
                self.leave_if(asked, !expected, exit, &[]);
                self.small.extend(asked_small(tr, *cond).filter(|_| *expected));
                return Ok(());
            }
            Inst::BreakIf(cond, values) => {
                let done = done.expect("a verified break stands in a loop");
                let (cond, values) = (self.scalar(*cond), self.flatten(values, &done.widths));
                self.leave_if(cond, true, done.block, &values);
                return Ok(());
            }
            Inst::Exit(snap) => {
                let exit = self.exit(*snap);
                self.b.ins().jump(exit, &[]);
                return Ok(());
            }
            Inst::Yield(_) => return Ok(()),
            Inst::Loop { range, init, body } => return self.lower_loop(id, *range, init, *body),
            Inst::If { cond, then, other } => return self.lower_if(id, *cond, *then, *other),
            Inst::Store(access, v) => {
                self.store(access, &self.lanes(*v));
                return Ok(());
            }
            Inst::Call(call, values) => match self.call(id, *call, values)? {
                Some(lanes) => lanes,
                None => return Ok(()),
            },
            // Whoever leaves computes it.
            _ if !self.hot[tr.results(id)[0].index()] => return Ok(()),
            inst => self.compute(inst, tr.ty(tr.results(id)[0])),
        };
        self.define(tr.results(id)[0], result);
        Ok(())
    }

    fn compute(&mut self, inst: &Inst, ty: crate::ir::Ty) -> Lanes {
        match *inst {
            Inst::Const(c) => Lanes::scalar(c.scalar, self.constant(lane_type(c.scalar), c.bits)),
            Inst::Unary(op, a) => self.unary(op, &self.lanes(a)),
            Inst::Binary(op, a, b) => self.binary(op, a, b),
            Inst::Fma(a, b, c) => self.fma(&self.lanes(a), &self.lanes(b), &self.lanes(c)),
            Inst::Overflow(op, a, b) => self.overflows(op, a, b),
            Inst::Compare(cond, a, b) => match finite_operand(self.tr, inst) {
                Some(x) => self.finite(&self.lanes(x)),
                None => self.compare(cond, &self.lanes(a), &self.lanes(b)),
            },
            Inst::Select(m, a, b) => self.select(&self.lanes(m), &self.lanes(a), &self.lanes(b)),
            Inst::Convert(a) if ty == Ty::I64 && self.small.contains(&a) => self.truncate(&self.lanes(a)),
            Inst::Convert(a) => self.convert(&self.lanes(a), ty.scalar),
            Inst::Bitcast(a) => self.bitcast(&self.lanes(a), ty.scalar),
            Inst::Splat(a) => self.splat(a, ty),
            Inst::Iota => self.iota(ty),
            Inst::Lane(a, n) => self.lane(&self.lanes(a), n),
            Inst::Reduce(op, a) => self.reduce(op, &self.lanes(a)),
            Inst::Load(ref access) => self.load(access, ty),
            Inst::Lea(ref addr) => self.lea(addr),
            ref other => unreachable!("{other:?} is no computation"),
        }
    }

    /// Goes to a block if the condition is as said.
    fn leave_if(&mut self, cond: ir::Value, truth: bool, to: Block, values: &[ir::Value]) {
        let next = self.b.create_block();
        let values = args(values);
        if truth {
            self.b.ins().brif(cond, to, &values, next, &[]);
        } else {
            self.b.ins().brif(cond, next, &[], to, &values);
        }
        self.b.switch_to_block(next);
    }

    fn exit(&mut self, snap: SnapId) -> Block {
        let b = &mut self.b;
        *self.exits[snap.index()].get_or_insert_with(|| {
            let block = b.create_block();
            b.set_cold_block(block);
            block
        })
    }
    /// Fills the blocks of all ways out.
    fn exits(&mut self) {
        let tr = self.tr;
        for (number, block) in std::mem::take(&mut self.exits).into_iter().enumerate() {
            let Some(block) = block else { continue };
            self.b.switch_to_block(block);
            let mut made = vec![];
            for (i, &v) in tr.snapshots[number].values.iter().enumerate() {
                self.compute_late(v, &mut made);
                let (s, part) = (tr.ty(v).scalar, self.scalar(v));
                let word = self.canonical(s, part);
                self.b.ins().store(Self::access_flags(), word, self.slots, i as i32 * 8);
            }
            let number = self.b.ins().iconst(types::I32, number as i64);
            self.b.ins().return_(&[number]);
            // Other blocks do not see them.
            made.into_iter().for_each(|v: Value| self.values[v.index()] = None);
        }
    }
    /// Computes a value that is needed here and was not needed before.
    fn compute_late(&mut self, v: Value, made: &mut Vec<Value>) {
        if self.is_defined(v) {
            return;
        }
        let inst = self.tr.def_inst(v).expect("parameters are defined where they stand");
        inst.for_each_use(|v| self.compute_late(v, made));
        let lanes = self.compute(inst, self.tr.ty(v));
        self.define(v, lanes);
        made.push(v);
    }
    /// A scalar in the form it has in a slot.
    fn canonical(&mut self, s: Scalar, part: ir::Value) -> ir::Value {
        match s {
            Scalar::I64 | Scalar::U64 | Scalar::Ptr | Scalar::F64 => part,
            Scalar::F32 => {
                let bits = self.b.ins().bitcast(types::I32, MemFlagsData::new(), part);
                self.b.ins().uextend(types::I64, bits)
            }
            s if s.is_signed() => self.b.ins().sextend(types::I64, part),
            _ => self.b.ins().uextend(types::I64, part),
        }
    }

    /// A block without parameters yet, for values such as these results. `last` is what they are in the end, which says
    /// how wide masks are best passed.
    fn join(&mut self, results: &[Value], last: &[Value]) -> Join {
        let width = |(&v, &last): (&Value, &Value)| match self.tr.ty(v) {
            ty if ty.scalar == Scalar::Bool && ty.is_vector() => self.mask_width(last).unwrap_or(1),
            ty => ty.scalar.size() as u8,
        };
        let widths = results.iter().zip(last).map(width).collect();
        Join { block: self.b.create_block(), widths }
    }
    /// The parts of several values, masks as wide as said.
    fn flatten(&mut self, values: &[Value], widths: &[u8]) -> Vec<ir::Value> {
        let mut flat = vec![];
        for (&v, &width) in values.iter().zip(widths) {
            let lanes = self.lanes(v).with_width(self, width);
            flat.extend(lanes.parts);
        }
        flat
    }
    /// Adds parameters to a block, which these values are from now on.
    fn bind(&mut self, join: &Join, values: &[Value]) {
        for (&v, &width) in values.iter().zip(&join.widths) {
            let mut lanes = Lanes::empty(self.tr.ty(v), width);
            let part = lanes.part_type();
            for _ in 0..lanes.registers() {
                lanes.parts.push(self.b.append_block_param(join.block, part));
            }
            self.define(v, lanes);
        }
    }

    fn lower_if(
        &mut self,
        id: InstId,
        cond: Value,
        then: RegionId,
        other: RegionId,
    ) -> Result<(), Unsupported> {
        let cond = self.scalar(cond);
        let results = self.tr.results(id);
        let join = self.join(results, self.yielded(then));
        let blocks = [self.b.create_block(), self.b.create_block()];
        self.b.ins().brif(cond, blocks[0], &[], blocks[1], &[]);
        for (block, region) in blocks.into_iter().zip([then, other]) {
            self.b.switch_to_block(block);
            self.region(region, None)?;
            let values = self.flatten(self.yielded(region), &join.widths);
            self.b.ins().jump(join.block, &args(&values));
        }
        self.bind(&join, results);
        self.b.switch_to_block(join.block);
        Ok(())
    }

    fn lower_loop(
        &mut self,
        id: InstId,
        range: Option<Range>,
        init: &[Value],
        body: RegionId,
    ) -> Result<(), Unsupported> {
        let tr = self.tr;
        let (results, next) = (tr.results(id), self.yielded(body));
        let params = tr.region(body).params.as_slice();
        let (counter, carried) = params.split_at(usize::from(range.is_some()));
        let (head, done) = (self.join(carried, next), self.join(results, next));
        let init = self.flatten(init, &head.widths);
        let outer = self.pointers.len();

        match (range, counter) {
            (Some(range), &[counter]) => {
                let (start, end) = (self.scalar(range.start), self.scalar(range.end));
                let (go_on, step) = if range.step > 0 {
                    (IntCC::SignedLessThan, range.step)
                } else {
                    (IntCC::SignedGreaterThan, range.step)
                };
                let mut first = vec![start];
                // Only what is defined now stays the same in the loop; the counter itself does not.
                let wanted = self.wanted_pointers(counter, body);
                let count = self.b.append_block_param(head.block, types::I64);
                self.define(counter, Lanes::scalar(Scalar::I64, count));
                for (base, stride) in wanted {
                    let at = Addr { base, index: Some((range.start, stride)), disp: 0 };
                    first.push(self.lea(&at).parts[0]);
                    let mut delta = self.stride(stride);
                    if step != 1 {
                        delta = self.b.ins().imul_imm_s(delta, step);
                    }
                    let part = self.b.append_block_param(head.block, types::I64);
                    self.pointers.push(Pointer { counter, base, stride, part, delta });
                }
                first.extend(&init);
                let enter = self.b.ins().icmp(go_on, start, end);
                self.b.ins().brif(enter, head.block, &args(&first), done.block, &args(&init));

                self.bind(&head, carried);
                self.b.switch_to_block(head.block);
                self.region(body, Some(&done))?;
                let values = self.flatten(next, &head.widths);
                let count = self.b.ins().iadd_imm_s(count, step);
                let mut again = vec![count];
                for i in outer..self.pointers.len() {
                    let Pointer { part, delta, .. } = self.pointers[i];
                    again.push(self.b.ins().iadd(part, delta));
                }
                again.extend(&values);
                let more = self.b.ins().icmp(go_on, count, end);
                self.b.ins().brif(more, head.block, &args(&again), done.block, &args(&values));
            }
            _ => {
                self.b.ins().jump(head.block, &args(&init));
                self.bind(&head, carried);
                self.b.switch_to_block(head.block);
                self.region(body, Some(&done))?;
                let values = self.flatten(next, &head.widths);
                self.b.ins().jump(head.block, &args(&values));
            }
        }
        self.pointers.truncate(outer);
        self.bind(&done, results);
        self.b.switch_to_block(done.block);
        Ok(())
    }

    /// Base and stride of accesses in a loop that follow its counter, and whose addresses are not to be had for nothing.
    fn wanted_pointers(&self, counter: Value, body: RegionId) -> Vec<(Value, Stride)> {
        let mut wanted = vec![];
        let mut regions = vec![body];
        while let Some(region) = regions.pop() {
            for &id in &self.tr.region(region).insts {
                let inst = self.tr.inst(id);
                regions.extend(inst.regions());
                let (Inst::Load(crate::ir::Access { addr, .. })
                | Inst::Store(crate::ir::Access { addr, .. }, _)
                | Inst::Lea(addr)) = inst
                else {
                    continue;
                };
                let Some((index, stride)) = addr.index else { continue };
                let fixed = match stride {
                    Stride::Const(n) => !matches!(n, 1 | 2 | 4 | 8),
                    Stride::Value(v) => self.is_defined(v),
                };
                let follows = self.split_index(index, stride).0 == Some(counter);
                let new = !wanted.contains(&(addr.base, stride));
                if fixed && follows && new && self.is_defined(addr.base) && wanted.len() < MAX_POINTERS {
                    wanted.push((addr.base, stride));
                }
            }
        }
        wanted
    }
}

/// What a comparison asks to be finite, if that is how it is computed: what overflowed raises status.
fn finite_operand(tr: &Trace, inst: &Inst) -> Option<Value> {
    match *inst {
        Inst::Compare(_, a, _) if tr.ty(a).scalar.is_float() && !tr.status => tr.finite_comparison(inst),
        _ => None,
    }
}

/// What is asked to be of a magnitude an `i64` has.
fn asked_small(tr: &Trace, cond: Value) -> Option<Value> {
    let &Inst::Compare(Cond::Lt | Cond::Le, magnitude, limit) = tr.def_inst(cond)? else { return None };
    let &Inst::Unary(Unary::Abs, x) = tr.def_inst(magnitude)? else { return None };
    let limit = tr.as_const(limit).filter(|c| c.scalar == Scalar::F64)?;
    (f64::from_bits(limit.bits) < 2f64.powi(63)).then_some(x)
}

/// By value: whether it is needed for more than snapshots. Of those that are not, the computations are done on the ways
/// out, where they cost nothing.
fn hot(tr: &Trace) -> Vec<bool> {
    let mut hot = vec![false; tr.value_count()];
    let mut open = vec![];
    let mut regions = vec![Trace::ROOT];
    while let Some(region) = regions.pop() {
        for &id in &tr.region(region).insts {
            let inst = tr.inst(id);
            regions.extend(inst.regions());
            let lazy = tr.is_pure(inst) && !matches!(inst, Inst::Call(..)) && !(tr.status && tr.raises(inst));
            if !lazy {
                inst.for_each_use(|v| open.push(v));
                tr.results(id).iter().for_each(|v| hot[v.index()] = true);
            }
        }
    }
    while let Some(v) = open.pop() {
        if std::mem::replace(&mut hot[v.index()], true) {
            continue;
        }
        if let Some(inst) = tr.def_inst(v) {
            match finite_operand(tr, inst) {
                Some(x) => open.push(x),
                None => inst.for_each_use(|v| open.push(v)),
            }
        }
    }
    hot
}

/// A block where ways come together, and the widths of the masks among its parameters (and sizes of the others).
struct Join {
    block: Block,
    widths: Vec<u8>,
}
