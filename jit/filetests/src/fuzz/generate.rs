//! The generator of traces.

use std::collections::HashMap;

use jit::ir::{
    Access, Addr, Binary, Builder, CallDescr, CallId, Cond, Const, MemClass, Overflow, Range, Scalar, Stride,
    Trace, Ty, Unary, Value,
};

use super::Source;
use crate::case::{Arg, Buffer, Case};
use crate::{edges, externs};

/// A value that may be used, and what is known about it.
#[derive(Clone, Copy)]
struct Entry {
    v: Value,
    ty: Ty,
    /// Bounds of an `i64`.
    range: Option<(i64, i64)>,
    /// Its bits are defined, even if it is a NaN.
    exact: bool,
}

/// A pointer: into which buffer, how far.
#[derive(Clone, Copy)]
struct Pointer {
    v: Value,
    buffer: usize,
    offset: i64,
}

/// Elements of each buffer.
const LEN: usize = 160;
/// Most iterations of all loops around a place.
const ITERATIONS: i64 = 400;

struct Generator<'s, 'b> {
    src: &'s mut Source<'b>,
    b: Builder,
    case: Case,
    entries: Vec<Entry>,
    pointers: Vec<Pointer>,
    /// Scalar types of this trace, and the number of lanes of its vectors.
    scalars: Vec<Scalar>,
    lanes: u8,
    calls: HashMap<&'static str, CallId>,
    /// Instructions that may still be made.
    budget: usize,
    iterations: i64,
    depth: usize,
    /// Types of the carried values, if the open region is a loop's own.
    breaks: Option<Vec<Ty>>,
    /// Only what vectorisers like: one counted loop, scalars, neighbouring elements.
    kernel: bool,
    exits: u64,
}

/// A verified trace and arguments with which it breaks no promise.
pub fn generate(src: &mut Source<'_>) -> (Trace, Case) {
    let kernel = src.once_in(3);
    let all = [
        Scalar::F64,
        Scalar::I64,
        Scalar::F32,
        Scalar::I32,
        Scalar::Bool,
        Scalar::U8,
        Scalar::I8,
        Scalar::I16,
        Scalar::U16,
        Scalar::U32,
        Scalar::U64,
        Scalar::F16,
    ];
    let mut scalars = vec![Scalar::Bool, Scalar::I64];
    for _ in 0..=src.below(3) {
        scalars.push(src.pick(&all));
    }
    let mut b = Builder::new("fuzz");
    if src.once_in(4) {
        b.observe_status();
    }
    let mut g = Generator {
        lanes: 2 << src.below(5),
        budget: 8 + src.below(40),
        b,
        src,
        case: Case { name: "fuzz".into(), ..Case::default() },
        entries: vec![],
        pointers: vec![],
        scalars,
        calls: HashMap::new(),
        iterations: 1,
        depth: 0,
        breaks: None,
        kernel,
        exits: 1,
    };
    g.params();
    if g.kernel {
        g.counted();
    } else {
        while g.budget > 0 {
            g.step();
        }
        g.use_up();
    }
    let values = g.snapshot();
    g.b.exit(0, values);
    (g.b.finish(), g.case)
}

impl Generator<'_, '_> {
    fn params(&mut self) {
        for _ in 0..1 + self.src.below(4) {
            let scalar = self.scalar();
            let bits = self.bits(scalar);
            let class = MemClass(self.src.pick(&[1, 2, 3, 4, 0]));
            let mut elems: Vec<u64> = (0..8).map(|_| self.bits(scalar)).collect();
            elems = elems.into_iter().cycle().take(LEN).collect();
            elems[self.src.below(LEN)] = bits;
            self.case.buffers.push(Buffer { scalar, elems, class });
            self.pointer(self.case.buffers.len() - 1);
        }
        if self.src.once_in(3) {
            let buffer = self.src.below(self.case.buffers.len());
            self.pointer(buffer);
        }
        for _ in 0..1 + self.src.below(5) {
            let scalar = self.scalar();
            let bits = match scalar {
                // Useful as a number of iterations, an index or a stride.
                Scalar::I64 if !self.src.once_in(4) => self.src.between(-4, 24) as u64,
                s => self.bits(s),
            };
            let v = self.b.param(Ty::scalar(scalar));
            self.case.args.push(Arg::Scalar(Const { scalar, bits }));
            let range = (scalar == Scalar::I64).then_some((bits as i64, bits as i64));
            self.entries.push(Entry { v, ty: Ty::scalar(scalar), range, exact: true });
        }
    }
    fn pointer(&mut self, buffer: usize) {
        let size = self.case.buffers[buffer].scalar.size() as i64;
        let offset = if self.src.once_in(4) { size * self.src.between(0, 8) } else { 0 };
        let v = self.b.param(Ty::PTR);
        self.case.args.push(Arg::Pointer { buffer, offset });
        self.pointers.push(Pointer { v, buffer, offset });
    }

    fn scalar(&mut self) -> Scalar {
        let i = self.src.below(self.scalars.len());
        self.scalars[i]
    }
    fn ty(&mut self) -> Ty {
        let scalar = self.scalar();
        let vector = !self.kernel && self.src.once_in(3);
        Ty::vector(scalar, if vector { self.lanes } else { 1 })
    }
    /// A constant, half of the time a special one.
    fn bits(&mut self, s: Scalar) -> u64 {
        if self.src.once_in(2) {
            let edges = edges::values(s);
            return self.src.pick(&edges);
        }
        let n = self.src.between(-3, 9);
        match s {
            Scalar::F16 => self.src.pick(&[0, 0x3c00, 0x4200, 0xc000, 0x4900]),
            Scalar::F32 => u64::from((n as f32 * 0.75).to_bits()),
            Scalar::F64 => (n as f64 * 0.75).to_bits(),
            s => Const::canonical(s, n as u64).bits,
        }
    }

    fn push(&mut self, v: Value, exact: bool) -> Entry {
        let ty = self.b.ty(v);
        let entry = Entry { v, ty, range: None, exact: exact || !is_floating(ty.scalar) };
        self.entries.push(entry);
        entry
    }
    /// A constant, for one use.
    fn constant(&mut self, scalar: Scalar, bits: u64) -> Entry {
        let c = Const::canonical(scalar, bits);
        let v = self.b.constant(c);
        let range = (scalar == Scalar::I64).then_some((c.bits as i64, c.bits as i64));
        Entry { v, ty: Ty::scalar(scalar), range, exact: true }
    }
    /// A value of this type: mostly one there is, the latest ones first.
    fn value(&mut self, ty: Ty) -> Entry {
        let fitting: Vec<Entry> = self.entries.iter().rev().filter(|e| e.ty == ty).copied().collect();
        if !fitting.is_empty() && !self.src.once_in(6) {
            let near = fitting.len().min(4);
            let among = if self.src.once_in(3) { fitting.len() } else { near };
            return fitting[self.src.below(among)];
        }
        if ty.is_vector() {
            if self.src.once_in(2) {
                if let Some(loaded) = self.load(ty) {
                    return loaded;
                }
            }
            let scalar = self.value(Ty::scalar(ty.scalar));
            let v = self.b.splat(scalar.v, ty.lanes);
            return self.push(v, scalar.exact);
        }
        let bits = self.bits(ty.scalar);
        let c = self.constant(ty.scalar, bits);
        self.entries.push(c);
        c
    }
    /// One whose bits are defined.
    fn exact(&mut self, ty: Ty) -> Entry {
        let e = self.value(ty);
        if e.exact {
            return e;
        }
        let bits = self.bits(ty.scalar);
        let c = self.constant(ty.scalar, bits);
        if !ty.is_vector() {
            return c;
        }
        let v = self.b.splat(c.v, ty.lanes);
        self.push(v, true)
    }
    /// An `i64` with known bounds that are not far apart.
    fn index(&mut self) -> Entry {
        let known = |e: &Entry| e.range.is_some_and(|(low, high)| low > -100 && high < 100);
        let fitting: Vec<Entry> = self.entries.iter().rev().filter(|e| known(e)).copied().collect();
        if self.kernel && !fitting.is_empty() && !self.src.once_in(8) {
            return fitting[0];
        }
        if fitting.is_empty() || self.src.once_in(5) {
            let n = self.src.between(0, 20);
            return self.constant(Scalar::I64, n as u64);
        }
        fitting[self.src.below(fitting.len().min(4))]
    }

    /// Bytes of a stride: a multiple of the element, sometimes as a value.
    fn stride(&mut self, size: i64) -> (Stride, i64) {
        if self.src.once_in(5) {
            let exact =
                |e: &Entry| e.range.is_some_and(|(low, high)| low == high && (-32..32).contains(&low));
            let fitting: Vec<Entry> = self.entries.iter().filter(|e| exact(e)).copied().collect();
            if !fitting.is_empty() {
                let e = fitting[self.src.below(fitting.len())];
                return (Stride::Value(e.v), e.range.map_or(0, |r| r.0));
            }
        }
        let times = self.src.pick(&[1, 1, 1, 1, 2, -1, 0, 3]);
        (Stride::Const(times * size), times * size)
    }
    /// An access to elements of a type, if there is memory of it.
    fn access(&mut self, ty: Ty) -> Option<Access> {
        let s = ty.scalar;
        // Integers may be read as other integers; floats keep to themselves, so that no undefined bits show.
        let fits = |b: &Buffer| b.scalar == s || b.scalar.is_int() && s.is_int();
        let fitting: Vec<Pointer> =
            self.pointers.iter().filter(|p| fits(&self.case.buffers[p.buffer])).copied().collect();
        if fitting.is_empty() {
            return None;
        }
        let p = fitting[self.src.below(fitting.len())];
        let buffer = &self.case.buffers[p.buffer];
        let (size, class) = (s.size() as i64, buffer.class);
        let total = (buffer.elems.len() * buffer.scalar.size()) as i64;
        let (mut low, mut high) = (0, 0);
        let mut addr = Addr { base: p.v, index: None, disp: 0 };
        if self.kernel || !self.src.once_in(4) {
            let index = self.index();
            let (stride, by) = if self.kernel { (Stride::Const(size), size) } else { self.stride(size) };
            let (from, to) = index.range?;
            low += (from * by).min(to * by);
            high += (from * by).max(to * by);
            addr.index = Some((index.v, stride));
        }
        let mut lane_stride = None;
        let mut by = size;
        if ty.is_vector() && self.src.once_in(4) {
            let (stride, n) = self.stride(size);
            (lane_stride, by) = (Some(stride), n);
        }
        let last = by * i64::from(ty.lanes - 1);
        low += last.min(0);
        high += last.max(0) + size;
        // Anything from the first place that fits to the last one.
        let (first, end) = (-low - p.offset, total - high - p.offset);
        if end < first {
            return None;
        }
        let step = if self.src.once_in(8) { 1 } else { size };
        let places = ((end - first) / step).min(if self.kernel { 3 } else { 40 });
        addr.disp = (first + step * self.src.between(0, places)) as i32;
        let class = if self.src.once_in(10) { MemClass::ANY } else { class };
        Some(Access { addr, class, lane_stride })
    }
    fn load(&mut self, ty: Ty) -> Option<Entry> {
        let access = self.access(ty)?;
        let v = self.b.load(ty, access);
        Some(self.push(v, false))
    }

    /// Scalars for an exit.
    fn snapshot(&mut self) -> Vec<Value> {
        let scalars: Vec<Value> =
            self.entries.iter().rev().filter(|e| !e.ty.is_vector()).map(|e| e.v).take(12).collect();
        let n = self.src.below(9).min(scalars.len());
        (0..n).map(|_| scalars[self.src.below(scalars.len())]).collect()
    }

    /// One instruction or one region.
    fn step(&mut self) {
        self.budget = self.budget.saturating_sub(1);
        let kind = self.src.below(if self.kernel { 18 } else { 28 });
        match kind {
            0..=4 => self.binary(),
            5 => self.unary(),
            6 | 7 => self.convert(),
            8 | 9 => self.compare(),
            10 => self.select(),
            11..=13 => {
                let ty = self.ty();
                self.load(ty);
            }
            14..=16 => self.store(),
            17 => self.rare(),
            18 => self.vector(),
            19 => self.call(),
            20 | 21 => self.guard(),
            22 | 23 if self.depth < 3 => self.counted(),
            24 if self.depth < 3 => self.endless(),
            25 | 26 if self.depth < 4 => self.branch(),
            27 => self.break_if(),
            _ => self.lea(),
        }
    }
    /// A type the operation takes, if this trace has one.
    fn ty_in(&mut self, domain: jit::ir::Domain) -> Option<Ty> {
        let ty = self.ty();
        domain.contains(ty.scalar).then_some(ty)
    }
    fn unary(&mut self) {
        let op = self.src.pick(Unary::ALL);
        let Some(ty) = self.ty_in(op.domain()) else { return };
        let a = self.value(ty);
        let v = self.b.unary(op, a.v);
        self.push(v, a.exact && matches!(op, Unary::Neg | Unary::Abs));
    }
    fn binary(&mut self) {
        let op = self.src.pick(Binary::ALL);
        let Some(ty) = self.ty_in(op.domain()) else { return };
        let a = self.value(ty);
        let b = if op == Binary::Copysign { self.exact(ty) } else { self.value(ty) };
        let v = self.b.binary(op, a.v, b.v);
        let exact = match op {
            Binary::Min | Binary::Max | Binary::Fmin | Binary::Fmax => a.exact && b.exact,
            Binary::Copysign => a.exact,
            _ => false,
        };
        self.push(v, exact);
    }
    fn compare(&mut self) {
        let ty = self.ty();
        let cond = self.src.pick(Cond::ALL);
        if cond.domain().contains(ty.scalar) {
            let (a, b) = (self.value(ty), self.value(ty));
            let v = self.b.compare(cond, a.v, b.v);
            self.push(v, true);
        }
    }
    fn select(&mut self) {
        let ty = self.ty();
        let (m, a, b) = (self.value(ty.with(Scalar::Bool)), self.value(ty), self.value(ty));
        let v = self.b.select(m.v, a.v, b.v);
        self.push(v, a.exact && b.exact);
    }
    fn convert(&mut self) {
        let (ty, to) = (self.ty(), self.scalar());
        let a = self.value(ty);
        let v = self.b.convert(a.v, to);
        self.push(v, !is_floating(ty.scalar));
    }
    fn store(&mut self) {
        let ty = self.ty();
        let v = self.value(ty);
        if let Some(access) = self.access(ty) {
            self.b.store(access, v.v);
        }
    }
    /// Stores what was computed last, so that it is not dead.
    fn use_up(&mut self) {
        let latest: Vec<Entry> = self.entries.iter().rev().take(4).copied().collect();
        for e in latest {
            if self.src.once_in(2) {
                if let Some(access) = self.access(e.ty) {
                    self.b.store(access, e.v);
                }
            }
        }
    }
    /// What is made less often.
    fn rare(&mut self) {
        let ty = self.ty();
        match self.src.below(3) {
            0 if ty.scalar.is_float() => {
                let (a, b, c) = (self.value(ty), self.value(ty), self.value(ty));
                let v = self.b.fma(a.v, b.v, c.v);
                self.push(v, false);
            }
            1 if ty.scalar.is_int() => {
                let op = self.src.pick(Overflow::ALL);
                let (a, b) = (self.value(ty), self.value(ty));
                let v = self.b.overflow(op, a.v, b.v);
                self.push(v, true);
            }
            _ => {
                let same =
                    |s: &&Scalar| s.size() == ty.scalar.size() && **s != Scalar::Bool && **s != Scalar::Ptr;
                let to: Vec<Scalar> = Scalar::ALL.iter().filter(same).copied().collect();
                if ty.scalar != Scalar::Bool {
                    let (a, to) = (self.exact(ty), self.src.pick(&to));
                    let v = self.b.bitcast(a.v, to);
                    self.push(v, true);
                }
            }
        }
    }
    /// Between vectors and scalars.
    fn vector(&mut self) {
        let ty = Ty::vector(self.scalar(), self.lanes);
        match self.src.below(4) {
            0 => {
                let a = self.value(ty);
                let lane = self.src.below(usize::from(ty.lanes)) as u8;
                let v = self.b.lane(a.v, lane);
                self.push(v, a.exact);
            }
            1 if ty.scalar.is_int() => {
                let v = self.b.iota(ty);
                self.push(v, true);
            }
            2 => {
                let op = self.src.pick(Binary::ALL);
                let s = ty.scalar;
                let minmax = s.is_float() && matches!(op, Binary::Min | Binary::Max);
                if op.domain().contains(s) && (op.is_associative(s) || minmax) {
                    let a = self.value(ty);
                    let v = self.b.reduce(op, a.v);
                    self.push(v, a.exact);
                }
            }
            _ => {
                let a = self.value(Ty::scalar(ty.scalar));
                let v = self.b.splat(a.v, ty.lanes);
                self.push(v, a.exact);
            }
        }
    }
    fn lea(&mut self) {
        let ty = Ty::scalar(self.scalar());
        let Some(access) = self.access(ty) else { return };
        if let Addr { base, index: None, disp } = access.addr {
            let v = self.b.lea(access.addr);
            if let Some(p) = self.pointers.iter().find(|p| p.v == base).copied() {
                self.pointers.push(Pointer { v, buffer: p.buffer, offset: p.offset + i64::from(disp) });
            }
        }
    }
    fn call(&mut self) {
        let i = self.src.below(externs::TABLE.len());
        let e = &externs::TABLE[i];
        let pure = !e.effects.reads && !e.effects.writes;
        let lanes = if pure && self.src.once_in(3) { self.lanes } else { 1 };
        let mut args = vec![];
        for &s in e.params {
            if s == Scalar::Ptr {
                // Where an `f64` is.
                let Some(Access { addr, .. }) = self.access(Ty::F64) else { return };
                args.push(self.b.lea(addr));
            } else {
                args.push(self.value(Ty::vector(s, lanes)).v);
            }
        }
        let b = &mut self.b;
        let id = *self.calls.entry(e.name).or_insert_with(|| {
            let (name, params) = (e.name.to_string(), e.params.to_vec());
            b.declare(CallDescr { name, params, result: e.result, effects: e.effects, addr: 0, tile: 0 })
        });
        if let Some(v) = self.b.call(id, args) {
            self.push(v, false);
        }
    }
    /// Mostly one that does not leave.
    fn guard(&mut self) {
        let values = self.snapshot();
        let key = self.exits;
        self.exits += 1;
        if self.src.once_in(6) {
            let cond = self.value(Ty::BOOL);
            let expected = self.src.once_in(2);
            return self.b.guard(cond.v, expected, key, values);
        }
        let index = self.index();
        let (low, high) = index.range.unwrap_or((0, 0));
        let (cond, bound, expected) = self.src.pick(&[
            (Cond::Lt, high + 1, true),
            (Cond::Ge, low, true),
            (Cond::Ne, high + 1, true),
            (Cond::Gt, high, false),
            (Cond::Lt, high, true),
        ]);
        let bound = self.constant(Scalar::I64, bound as u64);
        let c = self.b.compare(cond, index.v, bound.v);
        self.push(c, true);
        self.b.guard(c, expected, key, values);
    }

    /// A region's instructions; what they define is forgotten at the end.
    fn nested(
        &mut self,
        breaks: Option<Vec<Ty>>,
        results: &[Ty],
        first: impl FnOnce(&mut Self),
    ) -> Vec<Value> {
        let (entries, pointers) = (self.entries.len(), self.pointers.len());
        let outer = std::mem::replace(&mut self.breaks, breaks);
        self.depth += 1;
        first(self);
        let steps = if self.kernel { 4 + self.src.below(14) } else { 1 + self.src.below(7) };
        for _ in 0..steps {
            if self.budget > 0 {
                self.step();
            }
        }
        self.use_up();
        let values = results.iter().map(|&ty| self.value(ty).v).collect();
        self.depth -= 1;
        self.breaks = outer;
        self.entries.truncate(entries);
        self.pointers.truncate(pointers);
        values
    }
    fn carried(&mut self) -> (Vec<Value>, Vec<Ty>) {
        let init: Vec<Entry> = (0..self.src.below(4))
            .map(|_| {
                let ty = self.ty();
                self.value(ty)
            })
            .collect();
        (init.iter().map(|e| e.v).collect(), init.iter().map(|e| e.ty).collect())
    }
    fn carry(&mut self, params: &[Value]) {
        for &v in params {
            self.push(v, false);
        }
    }
    fn counted(&mut self) {
        let most = (ITERATIONS / self.iterations).min(if self.kernel { 70 } else { 24 });
        let bound = |g: &mut Self| {
            // A parameter, so that the number of iterations is not known, or a constant.
            let exact =
                |e: &Entry| e.range.is_some_and(|(low, high)| low == high && (-24..=24).contains(&low));
            let fitting: Vec<Entry> = g.entries.iter().filter(|e| exact(e)).copied().collect();
            if !fitting.is_empty() && !g.src.once_in(3) {
                fitting[g.src.below(fitting.len())]
            } else {
                let n = if g.kernel { g.src.between(0, 70) } else { g.src.between(-2, 12) };
                g.constant(Scalar::I64, n as u64)
            }
        };
        let (mut start, end) = (bound(self), bound(self));
        if self.kernel && !self.src.once_in(4) {
            start = self.constant(Scalar::I64, 0);
        } else if start.range == end.range && !self.src.once_in(8) {
            let n = end.range.map_or(0, |r| r.0) - self.src.between(1, 9);
            start = self.constant(Scalar::I64, n as u64);
        }
        let ((from, _), (to, _)) = (start.range.unwrap_or_default(), end.range.unwrap_or_default());
        let mut step = self.src.pick(&[1, 1, 1, 2, 3, i64::from(self.lanes)]);
        if self.kernel {
            step = self.src.pick(&[1, 1, 1, 1, 2]);
        }
        if from > to || self.src.once_in(10) {
            step = -step;
        }
        let distance = if step > 0 { to - from } else { from - to };
        let trips = (distance.max(0) + step.abs() - 1) / step.abs();
        if trips > most {
            return;
        }
        // Bounds of a loop that does not run hold for its body all the same.
        let counter = if trips == 0 {
            (from, from)
        } else {
            (from.min(from + (trips - 1) * step), from.max(from + (trips - 1) * step))
        };
        let (init, tys) = self.carried();
        let outer = self.iterations;
        self.iterations *= trips.max(1);
        let (v, params) = self.b.begin_loop(Some(Range { start: start.v, end: end.v, step }), init);
        let breaks = Some(tys.clone());
        let next = self.nested(breaks, &tys, |g| {
            g.carry(&params);
            if let Some(v) = v {
                g.entries.push(Entry { v, ty: Ty::I64, range: Some(counter), exact: true });
            }
        });
        let results = self.b.end_loop(next);
        self.iterations = outer;
        self.carry(&results);
    }
    /// A loop with a counter of its own.
    fn endless(&mut self) {
        let trips = self.src.between(0, 6);
        if self.iterations * (trips + 1) > ITERATIONS {
            return;
        }
        let zero = self.constant(Scalar::I64, 0);
        let (one, limit) = (self.constant(Scalar::I64, 1), self.constant(Scalar::I64, trips as u64));
        let (mut init, mut tys) = self.carried();
        init.insert(0, zero.v);
        tys.insert(0, Ty::I64);
        let outer = self.iterations;
        self.iterations *= trips + 1;
        let (_, params) = self.b.begin_loop(None, init);
        let counter = Entry { v: params[0], ty: Ty::I64, range: Some((0, trips)), exact: true };
        let done = self.b.compare(Cond::Ge, counter.v, limit.v);
        self.b.break_if(done, params.clone());
        let more = self.b.binary(Binary::Add, counter.v, one.v);
        let mut next = self.nested(Some(tys.clone()), &tys[1..], |g| {
            g.carry(&params[1..]);
            g.entries.push(counter);
        });
        next.insert(0, more);
        let results = self.b.end_loop(next);
        self.iterations = outer;
        self.carry(&results);
    }
    fn break_if(&mut self) {
        let Some(tys) = self.breaks.clone() else { return };
        let cond = self.value(Ty::BOOL);
        let values = tys.iter().map(|&ty| self.value(ty).v).collect();
        self.b.break_if(cond.v, values);
    }
    fn branch(&mut self) {
        let cond = self.value(Ty::BOOL);
        let tys: Vec<Ty> = (0..self.src.below(3)).map(|_| self.ty()).collect();
        self.b.begin_if(cond.v);
        let results = self.nested(None, &tys, |_| {});
        self.b.begin_else(results);
        let results = self.nested(None, &tys, |_| {});
        let results = self.b.end_if(results);
        self.carry(&results);
    }
}

/// Including halves, which do not compute.
fn is_floating(s: Scalar) -> bool {
    s.is_float() || s == Scalar::F16
}
