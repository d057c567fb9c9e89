//! Recognises the traces this back end takes: setup, one counted loop without control flow in it, exit.
//!
//! Two kinds of values live in such a trace. *General* ones (addresses, counter, bounds, strides) stay scalar and go to
//! general registers. *Lane* values differ from iteration to iteration or take part in computing what does; they become
//! vectors, one lane an iteration. A value may be needed as both.
//!
//! Iterations are run side by side, so no store may reach what another iteration loads or stores. Accesses of different
//! classes are told apart by the producer; two of one class must walk in lockstep: same base, same stride, and places
//! that either coincide in every iteration or in none.

use std::collections::HashMap;

use super::super::Unsupported;
use crate::ir::{Access, Addr, Binary, Inst, InstId, Range, Scalar, SnapId, Stride, Trace, Ty, Value};

/// How an address follows the counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Walk {
    /// Not at all; what is added to the base once.
    Fixed(Option<(Value, Stride)>),
    /// Element by element, so that the counter itself is the index.
    Index,
    /// By other steps.
    Step(Stride),
}

/// An address shared by all accesses that differ in their displacement only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pointer {
    pub base: Value,
    pub walk: Walk,
}

/// A load or store.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub inst: InstId,
    pub scalar: Scalar,
    /// Which of [`Kernel::pointers`].
    pub pointer: usize,
    pub disp: i32,
}

/// A loop in pieces.
pub struct Kernel<'a> {
    pub tr: &'a Trace,
    /// Lane values computed before the loop, in order.
    pub setup: Vec<InstId>,
    /// General values in order.
    pub general: Vec<Value>,
    pub range: Range,
    pub counter: Value,
    /// Carried values: inside, their next value, first value, and what they are after the loop.
    pub carried: Vec<Carried>,
    /// The body without what nobody needs.
    pub body: Vec<InstId>,
    pub exit: SnapId,
    pub sites: Vec<Site>,
    pub site_of: HashMap<InstId, usize>,
    pub pointers: Vec<Pointer>,
    /// Iterations side by side.
    pub lanes: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Carried {
    pub param: Value,
    pub next: Value,
    pub init: Value,
    pub result: Value,
    pub op: Binary,
}

/// The widest type a conversion goes through.
fn conversion_width(from: Scalar, to: Scalar) -> usize {
    let half = from == Scalar::F16 || to == Scalar::F16;
    let ends = from.size().max(to.size());
    match (from, to) {
        (Scalar::Bool, _) | (_, Scalar::Bool) => ends,
        (Scalar::F16 | Scalar::F32, Scalar::U32) => 8,
        _ if half => ends.max(4),
        _ => ends,
    }
}

impl<'a> Kernel<'a> {
    /// Take a trace apart for vectors of that many bytes.
    ///
    /// # Errors
    /// What keeps it from being such a loop.
    pub fn new(tr: &'a Trace, bytes: usize) -> Result<Kernel<'a>, Unsupported> {
        if (0..tr.value_count()).any(|i| tr.ty(Value::new(i)).is_vector()) {
            return Err(Unsupported::new("is vectorised already"));
        }
        let root = &tr.region(Trace::ROOT).insts;
        let at = root.iter().position(|&id| matches!(tr.inst(id), Inst::Loop { .. }));
        let at = at.ok_or_else(|| Unsupported::new("has no loop"))?;
        let (loop_id, after) = (root[at], &root[at + 1..]);
        let &Inst::Loop { range, ref init, body } = tr.inst(loop_id) else { unreachable!("found as a loop") };
        let range = range.ok_or_else(|| Unsupported::at(loop_id, "the loop is not counted"))?;
        if range.step != 1 {
            return Err(Unsupported::at(loop_id, format!("the loop counts by {}", range.step)));
        }
        for &id in &root[..at] {
            match tr.inst(id) {
                Inst::Load(_) => {}
                Inst::Call(..) => return Err(Unsupported::at(id, "call before the loop")),
                inst if tr.is_pure(inst) => {}
                inst => return Err(Unsupported::at(id, format!("{} before the loop", describe(inst)))),
            }
        }
        let mut exit = None;
        for &id in after {
            match tr.inst(id) {
                Inst::Const(_) => {}
                Inst::Exit(snap) => exit = Some(*snap),
                inst => return Err(Unsupported::at(id, format!("{} after the loop", describe(inst)))),
            }
        }
        let region = tr.region(body);
        let (last, insts) = region.insts.split_last().expect("a region has an end");
        let Inst::Yield(next) = tr.inst(*last) else { unreachable!("a loop's body ends with yield") };
        for &id in insts {
            match tr.inst(id) {
                Inst::Load(_) | Inst::Store(..) => {}
                inst @ (Inst::Call(..) | Inst::Lea(_)) => {
                    return Err(Unsupported::at(id, format!("{} in the loop", describe(inst))));
                }
                inst if tr.is_pure(inst) => {}
                inst => return Err(Unsupported::at(id, format!("{} in the loop", describe(inst)))),
            }
        }
        let mut kernel = Kernel {
            tr,
            setup: vec![],
            general: vec![],
            range,
            counter: region.params[0],
            carried: vec![],
            body: vec![],
            exit: exit.expect("the outermost region ends with exit"),
            sites: vec![],
            site_of: HashMap::new(),
            pointers: vec![],
            lanes: 0,
        };
        for (i, &param) in region.params[1..].iter().enumerate() {
            let result = tr.results(loop_id)[i];
            kernel.carried.push(kernel.reduction(insts, param, next[i], init[i], result)?);
        }
        kernel.body = kernel.live_body(insts);
        for &id in root[..at].iter().chain(&kernel.body.clone()) {
            let (access, ty) = match tr.inst(id) {
                Inst::Load(access) => (access, tr.ty(tr.results(id)[0])),
                Inst::Store(access, v) => (access, tr.ty(*v)),
                _ => continue,
            };
            kernel.site(id, access, ty)?;
        }
        kernel.check_dependences()?;
        kernel.split_setup(&root[..at], after)?;
        let widest = kernel.body.iter().map(|&id| kernel.width(id)).max().unwrap_or(8);
        kernel.lanes = bytes / widest;
        Ok(kernel)
    }

    /// Whether a value is the same in all iterations.
    pub fn is_invariant(&self, v: Value) -> bool {
        !self.tr.region(self.body_region()).params.contains(&v)
            && !matches!(self.tr.def(v), crate::ir::Def::Result(id, _) if self.body.contains(&id))
    }
    fn body_region(&self) -> crate::ir::RegionId {
        match self.tr.def(self.counter) {
            crate::ir::Def::Param(region, _) => region,
            crate::ir::Def::Result(..) => unreachable!("a counter is a parameter"),
        }
    }
    /// The operands that are lane values.
    pub fn for_each_lane_use(&self, id: InstId, mut f: impl FnMut(Value)) {
        match self.tr.inst(id) {
            Inst::Load(_) => {}
            Inst::Store(_, v) => f(*v),
            inst => inst.for_each_use(f),
        }
    }

    /// A carried value as a reduction whose terms may be combined in any order.
    fn reduction(
        &self,
        insts: &[InstId],
        param: Value,
        next: Value,
        init: Value,
        result: Value,
    ) -> Result<Carried, Unsupported> {
        let tr = self.tr;
        let decline = |reason: &str| Err(Unsupported::new(format!("carried value {param} {reason}")));
        let Some(&inst) = insts.iter().find(|&&id| tr.results(id).contains(&next)) else {
            return decline("is not computed in the loop");
        };
        let s = tr.ty(param).scalar;
        if s == Scalar::Bool {
            return decline("is a bool");
        }
        let Inst::Binary(op, a, b) = *tr.inst(inst) else { return decline("is not reduced") };
        if !op.is_associative(s) {
            return decline(&format!("is reduced by {}, whose order counts", op.name()));
        }
        if (a == param) == (b == param) {
            return decline("is not reduced");
        }
        let mut uses = 0;
        for &id in insts {
            tr.inst(id).for_each_use(|v| uses += usize::from(v == param || v == next));
        }
        if uses != 1 {
            return decline("is used by more than its update");
        }
        Ok(Carried { param, next, init, result, op })
    }

    /// What stores, carried values and status need.
    fn live_body(&self, insts: &[InstId]) -> Vec<InstId> {
        let tr = self.tr;
        let mut needed = vec![false; tr.value_count()];
        for c in &self.carried {
            needed[c.next.index()] = true;
        }
        let mut live: Vec<InstId> = insts
            .iter()
            .rev()
            .copied()
            .filter(|&id| {
                let inst = tr.inst(id);
                let keep = matches!(inst, Inst::Store(..))
                    || (tr.status && tr.raises(inst))
                    || tr.result(id).is_some_and(|v| needed[v.index()]);
                if keep {
                    inst.for_each_use(|v| needed[v.index()] = true);
                }
                keep
            })
            .collect();
        live.reverse();
        live
    }

    fn site(&mut self, inst: InstId, access: &Access, ty: Ty) -> Result<(), Unsupported> {
        let size = ty.scalar.size() as i64;
        let Addr { base, index, disp } = access.addr;
        if let Some((_, Stride::Value(v))) = index
            && !self.is_invariant(v)
        {
            return Err(Unsupported::at(inst, "a stride that changes"));
        }
        let walk = match index {
            Some((i, stride)) if i == self.counter => match stride {
                Stride::Const(0) => Walk::Fixed(None),
                Stride::Const(s) if s == size => Walk::Index,
                stride => Walk::Step(stride),
            },
            Some((i, _)) if !self.is_invariant(i) => {
                return Err(Unsupported::at(inst, "an index that is not the counter"));
            }
            other => Walk::Fixed(other),
        };
        if matches!(walk, Walk::Fixed(_)) && matches!(self.tr.inst(inst), Inst::Store(..)) {
            return Err(Unsupported::at(inst, "a store to the same place in every iteration"));
        }
        let pointer = Pointer { base, walk };
        let number = self.pointers.iter().position(|&p| p == pointer).unwrap_or_else(|| {
            self.pointers.push(pointer);
            self.pointers.len() - 1
        });
        self.site_of.insert(inst, self.sites.len());
        self.sites.push(Site { inst, scalar: ty.scalar, pointer: number, disp });
        Ok(())
    }

    /// Whether iterations may run side by side.
    fn check_dependences(&self) -> Result<(), Unsupported> {
        let inside = || self.sites.iter().filter(|s| self.body.contains(&s.inst));
        for store in inside().filter(|s| matches!(self.tr.inst(s.inst), Inst::Store(..))) {
            for other in inside() {
                if !self.class(store).may_alias(self.class(other)) {
                    continue;
                }
                if store.inst == other.inst && self.step(store).is_none() {
                    // Lanes are stored in order, so even a stride of 0 is right.
                    continue;
                }
                if !self.independent(store, other) {
                    return Err(Unsupported::at(other.inst, format!("may touch what {} stores", store.inst)));
                }
            }
        }
        Ok(())
    }
    fn class(&self, site: &Site) -> crate::ir::MemClass {
        match self.tr.inst(site.inst) {
            Inst::Load(access) | Inst::Store(access, _) => access.class,
            _ => unreachable!("a site is a load or a store"),
        }
    }
    /// Bytes from iteration to iteration, if known.
    fn step(&self, site: &Site) -> Option<i64> {
        match self.pointers[site.pointer].walk {
            Walk::Fixed(_) => Some(0),
            Walk::Index => Some(site.scalar.size() as i64),
            Walk::Step(Stride::Const(s)) => Some(s),
            Walk::Step(Stride::Value(_)) => None,
        }
    }
    /// Whether two accesses meet in the same iteration only.
    fn independent(&self, a: &Site, b: &Site) -> bool {
        let (Some(step), Some(other)) = (self.step(a), self.step(b)) else { return false };
        if step != other || step == 0 || self.pointers[a.pointer].base != self.pointers[b.pointer].base {
            return false;
        }
        // Both repeat every `period` bytes.
        let period = i128::from(step.unsigned_abs());
        let (size_a, size_b) = (a.scalar.size() as i128, b.scalar.size() as i128);
        let distance = i128::from(b.disp) - i128::from(a.disp);
        let phase = distance.rem_euclid(period);
        (distance == 0 && size_a.max(size_b) <= period) || (phase >= size_a && period - phase >= size_b)
    }

    /// Decide which values of the outermost region are needed as general values and which as lanes.
    fn split_setup(&mut self, before: &[InstId], after: &[InstId]) -> Result<(), Unsupported> {
        let tr = self.tr;
        let mut general = vec![false; tr.value_count()];
        let mut lane = vec![false; tr.value_count()];
        for v in [self.range.start, self.range.end] {
            general[v.index()] = true;
        }
        for &id in &self.body {
            self.for_each_lane_use(id, |v| lane[v.index()] = true);
        }
        for c in &self.carried {
            lane[c.init.index()] = true;
        }
        for &v in &tr.snapshot(self.exit).values {
            match tr.def_inst(v) {
                // Written to the slot as they are.
                None | Some(Inst::Const(_) | Inst::Loop { .. }) => {}
                Some(_) if tr.ty(v).scalar == Scalar::Ptr => general[v.index()] = true,
                Some(_) => lane[v.index()] = true,
            }
        }
        let mut setup = vec![];
        for &id in after.iter().chain(before.iter().rev()) {
            let Some(v) = tr.result(id) else { continue };
            let inst = tr.inst(id);
            if lane[v.index()] || (tr.status && tr.raises(inst)) {
                setup.push(id);
                self.for_each_lane_use(id, |u| lane[u.index()] = true);
                if let Some(&site) = self.site_of.get(&id) {
                    self.mark_pointer(site, &mut general);
                }
            }
        }
        setup.reverse();
        for &id in &self.body {
            if let Some(&site) = self.site_of.get(&id) {
                self.mark_pointer(site, &mut general);
            }
        }
        let mut chosen: Vec<Value> = vec![];
        for &id in after.iter().chain(before.iter().rev()) {
            let Some(v) = tr.result(id) else { continue };
            if !general[v.index()] {
                continue;
            }
            match tr.inst(id) {
                Inst::Const(_) | Inst::Lea(_) => {}
                Inst::Binary(Binary::Add | Binary::Sub | Binary::Mul, ..) => {}
                inst => return Err(Unsupported::at(id, format!("{} makes an address", describe(inst)))),
            }
            tr.inst(id).for_each_use(|u| general[u.index()] = true);
            chosen.push(v);
        }
        chosen.reverse();
        self.general = tr.params().iter().copied().filter(|p| general[p.index()]).chain(chosen).collect();
        self.setup = setup;
        Ok(())
    }
    fn mark_pointer(&self, site: usize, general: &mut [bool]) {
        let Pointer { base, walk } = self.pointers[self.sites[site].pointer];
        general[base.index()] = true;
        let (index, stride) = match walk {
            Walk::Fixed(Some((i, s))) => (Some(i), Some(s)),
            Walk::Step(s) => (None, Some(s)),
            Walk::Fixed(None) | Walk::Index => (None, None),
        };
        if let Some(i) = index {
            general[i.index()] = true;
        }
        if let Some(Stride::Value(v)) = stride {
            general[v.index()] = true;
        }
    }

    /// Bytes of the widest lane an instruction of the body deals with.
    fn width(&self, id: InstId) -> usize {
        let tr = self.tr;
        let mut width = tr.result(id).map_or(1, |v| tr.ty(v).scalar.size());
        self.for_each_lane_use(id, |v| width = width.max(tr.ty(v).scalar.size()));
        if let (Inst::Convert(a), Some(v)) = (tr.inst(id), tr.result(id)) {
            width = width.max(conversion_width(tr.ty(*a).scalar, tr.ty(v).scalar));
        }
        width
    }
}

/// What to call an instruction in a message.
pub fn describe(inst: &Inst) -> &'static str {
    match inst {
        Inst::Const(_) => "const",
        Inst::Unary(op, _) => op.name(),
        Inst::Binary(op, ..) => op.name(),
        Inst::Fma(..) => "fma",
        Inst::Overflow(op, ..) => op.name(),
        Inst::Compare(cond, ..) => cond.name(),
        Inst::Select(..) => "select",
        Inst::Convert(_) => "convert",
        Inst::Bitcast(_) => "bitcast",
        Inst::Splat(_) => "splat",
        Inst::Iota => "iota",
        Inst::Lane(..) => "lane",
        Inst::Reduce(..) => "reduce",
        Inst::Load(_) => "load",
        Inst::Store(..) => "store",
        Inst::Lea(_) => "lea",
        Inst::Call(..) => "call",
        Inst::Guard { .. } => "guard",
        Inst::Loop { .. } => "loop",
        Inst::If { .. } => "if",
        Inst::BreakIf(..) => "break",
        Inst::Yield(_) => "yield",
        Inst::Exit(_) => "exit",
    }
}
