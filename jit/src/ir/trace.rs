//! A trace: typed SSA with structured control flow.
//!
//! ```text
//! trace  = parameters, regions, calls it may make, snapshots
//! region = parameters, instructions; the last one leaves it
//! ```
//!
//! There are no jumps. A [`Inst::Loop`] and an [`Inst::If`] own regions, a guard leaves the whole trace, and so do the
//! loops of both producers keep their nesting: passes see a counted loop as one, instead of finding it again. A value
//! may be used in the region that defines it and in those nested inside, after its definition.
//!
//! Instructions live in one arena and are named by their position in it; a region lists the ones it executes, so that
//! passes move and drop them without renumbering.

use super::op::{Binary, Cond, Overflow, Unary};
use super::ty::{Scalar, Ty};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);
        impl $name {
            pub const fn new(index: usize) -> $name {
                $name(index as u32)
            }
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
index!(
    /// A value.
    Value, "v"
);
index!(
    /// A place in the arena of instructions.
    InstId, "inst"
);
index!(RegionId, "region");
index!(
    /// A place to leave the trace at.
    SnapId, "snap"
);
index!(
    /// A function the trace may call.
    CallId, "call"
);

/// A constant, as the bits of one lane in the low end of a word (integers sign- or zero-extended, see
/// [`Const::canonical`]).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Const {
    pub scalar: Scalar,
    pub bits: u64,
}

impl Const {
    /// The constant whose low bits are these, the high ones as a register would have them: sign-extended for signed
    /// integers, zero for everything else.
    pub const fn canonical(scalar: Scalar, bits: u64) -> Const {
        let unused = 64 - scalar.bits();
        let bits = if scalar.is_signed() {
            ((bits << unused) as i64 >> unused) as u64
        } else {
            bits << unused >> unused
        };
        let bits = if matches!(scalar, Scalar::Bool) { bits & 1 } else { bits };
        Const { scalar, bits }
    }
    pub const fn bool(b: bool) -> Const {
        Const { scalar: Scalar::Bool, bits: b as u64 }
    }
    pub const fn i64(n: i64) -> Const {
        Const { scalar: Scalar::I64, bits: n as u64 }
    }
    pub const fn f64(x: f64) -> Const {
        Const { scalar: Scalar::F64, bits: x.to_bits() }
    }
    pub const fn f32(x: f32) -> Const {
        Const { scalar: Scalar::F32, bits: x.to_bits() as u64 }
    }
}

/// How many bytes one step of an index is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stride {
    Const(i64),
    /// An `i64`.
    Value(Value),
}

/// An affine address: `base + index * stride + disp`, wrapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Addr {
    /// A `ptr`.
    pub base: Value,
    /// An `i64` and the bytes of its step.
    pub index: Option<(Value, Stride)>,
    pub disp: i32,
}

/// What is known about a memory access.
///
/// Accesses of different classes never touch the same byte, unless one of the classes is [`MemClass::ANY`]. Two
/// accesses of one class may.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MemClass(pub u16);

impl MemClass {
    pub const ANY: MemClass = MemClass(0);

    pub fn may_alias(self, other: MemClass) -> bool {
        self == other || self == MemClass::ANY || other == MemClass::ANY
    }
}

/// One memory access: where, of which class, and for vectors how far the lanes are apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    pub addr: Addr,
    pub class: MemClass,
    /// Bytes from lane to lane; `None`: side by side. Only of vectors.
    pub lane_stride: Option<Stride>,
}

/// The range of a counted loop: from `start` by `step` while below `end` (above, for a negative step), all `i64`.
/// The body gets the counter as its first parameter. `end` plus a step does not overflow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Range {
    pub start: Value,
    pub end: Value,
    /// Not 0.
    pub step: i64,
}

impl Range {
    /// The number of iterations, if it is known.
    pub fn trips(&self, tr: &Trace) -> Option<u64> {
        let (start, end) = (tr.as_const(self.start)?.bits as i64, tr.as_const(self.end)?.bits as i64);
        let (first, last) = if self.step > 0 { (start, end) } else { (end, start) };
        let distance = i128::from(last) - i128::from(first);
        let step = i128::from(self.step).abs();
        u64::try_from((distance.max(0) + step - 1) / step).ok()
    }
}

/// What an instruction does. Types of results are those of its result values.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Inst {
    Const(Const),
    Unary(Unary, Value),
    Binary(Binary, Value, Value),
    /// `a * b + c`, rounded once. Never made from `mul` and `add`.
    Fma(Value, Value, Value),
    Overflow(Overflow, Value, Value),
    Compare(Cond, Value, Value),
    /// `mask ? a : b`, lane by lane; both are evaluated.
    Select(Value, Value, Value),
    /// To the result's scalar type, as numpy casts: to `bool` by `!= 0`; between integers by dropping or extending
    /// bits; floats to integers towards zero, with the hardware's answer out of range (see `semantics`).
    Convert(Value),
    /// The same bits as another scalar type of the same size.
    Bitcast(Value),
    /// All lanes the same.
    Splat(Value),
    /// The vector `0, 1, 2, ...` of an integer type.
    Iota,
    /// One lane of a vector.
    Lane(Value, u8),
    /// Fold the lanes of a vector to one: halves are combined until one lane is left. Of associative operations.
    Reduce(Binary, Value),
    Load(Access),
    /// Stores the value.
    Store(Access, Value),
    /// The address itself, a `ptr`.
    Lea(Addr),
    /// A function; of vectors, lane by lane.
    Call(CallId, Vec<Value>),
    /// Leaves the trace by the snapshot unless the `bool` is as expected.
    Guard {
        cond: Value,
        expected: bool,
        snap: SnapId,
    },
    /// Runs the body over and over. Results are the carried values when it ends: the range is done, or a `break`
    /// gave them. Body parameters: the counter, if there is a range, then the carried values.
    Loop {
        range: Option<Range>,
        init: Vec<Value>,
        body: RegionId,
    },
    /// Runs one of two regions, whose `yield` gives the results.
    If {
        cond: Value,
        then: RegionId,
        other: RegionId,
    },
    /// Inside a loop's own region (not in one nested in it): ends the loop if the `bool` is true, with these as results.
    BreakIf(Value, Vec<Value>),
    /// Ends a loop's body: the next values of the carried ones. Ends a region of `if`: its results.
    Yield(Vec<Value>),
    /// Ends the outermost region: leaves the trace by the snapshot.
    Exit(SnapId),
}

impl Inst {
    /// The values it uses, in order, without those of its regions.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        let mut copy = self.clone();
        copy.map_uses(|v| {
            f(v);
            v
        });
    }
    /// Replace every value it uses.
    pub fn map_uses(&mut self, mut f: impl FnMut(Value) -> Value) {
        fn stride(s: &mut Stride, f: &mut impl FnMut(Value) -> Value) {
            if let Stride::Value(v) = s {
                *v = f(*v);
            }
        }
        fn addr(a: &mut Addr, f: &mut impl FnMut(Value) -> Value) {
            a.base = f(a.base);
            if let Some((index, step)) = &mut a.index {
                *index = f(*index);
                stride(step, f);
            }
        }
        fn access(a: &mut Access, f: &mut impl FnMut(Value) -> Value) {
            addr(&mut a.addr, f);
            if let Some(s) = &mut a.lane_stride {
                stride(s, f);
            }
        }
        let f = &mut f;
        match self {
            Inst::Const(_) | Inst::Iota | Inst::Exit(_) => {}
            Inst::Unary(_, a)
            | Inst::Convert(a)
            | Inst::Bitcast(a)
            | Inst::Splat(a)
            | Inst::Lane(a, _)
            | Inst::Reduce(_, a)
            | Inst::Guard { cond: a, .. }
            | Inst::If { cond: a, .. } => *a = f(*a),
            Inst::Binary(_, a, b) | Inst::Overflow(_, a, b) | Inst::Compare(_, a, b) => {
                *a = f(*a);
                *b = f(*b);
            }
            Inst::Fma(a, b, c) | Inst::Select(a, b, c) => {
                *a = f(*a);
                *b = f(*b);
                *c = f(*c);
            }
            Inst::Load(a) => access(a, f),
            Inst::Store(a, v) => {
                access(a, f);
                *v = f(*v);
            }
            Inst::Lea(a) => addr(a, f),
            Inst::Call(_, args) | Inst::Yield(args) => args.iter_mut().for_each(|v| *v = f(*v)),
            Inst::Loop { range, init, .. } => {
                if let Some(r) = range {
                    r.start = f(r.start);
                    r.end = f(r.end);
                }
                init.iter_mut().for_each(|v| *v = f(*v));
            }
            Inst::BreakIf(cond, args) => {
                *cond = f(*cond);
                args.iter_mut().for_each(|v| *v = f(*v));
            }
        }
    }
    /// The regions it owns.
    pub fn regions(&self) -> impl Iterator<Item = RegionId> + use<> {
        let (a, b) = match *self {
            Inst::Loop { body, .. } => (Some(body), None),
            Inst::If { then, other, .. } => (Some(then), Some(other)),
            _ => (None, None),
        };
        a.into_iter().chain(b)
    }
    /// Whether it ends a region.
    pub fn is_terminator(&self) -> bool {
        matches!(self, Inst::Yield(_) | Inst::Exit(_))
    }
}

/// Instructions that run one after the other; the last one is the terminator.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Region {
    pub params: Vec<Value>,
    pub insts: Vec<InstId>,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Def {
    /// A parameter of a region (of the outermost one: of the trace), and which.
    Param(RegionId, u32),
    /// A result of an instruction, and which.
    Result(InstId, u32),
}

/// A place to leave the trace at: what the host calls it, and the values it wants there.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// The host's own name of this exit; says nothing here.
    pub key: u64,
    /// Scalars. They are written to slots 0, 1, ... of the buffer the trace was called with.
    pub values: Vec<Value>,
}

/// What a call may do besides giving a result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Effects {
    /// Reads memory of any class.
    pub reads: bool,
    /// Writes memory of any class.
    pub writes: bool,
    /// Raises floating-point status that counts.
    pub raises: bool,
}

impl Effects {
    pub const PURE: Effects = Effects { reads: false, writes: false, raises: false };
    /// Raises status like arithmetic does, nothing else.
    pub const MATH: Effects = Effects { reads: false, writes: false, raises: true };
    pub const ALL: Effects = Effects { reads: true, writes: true, raises: true };
}

/// A C function of scalars. Bool and integer arguments are passed as their C types.
#[derive(Clone, PartialEq, Debug)]
pub struct CallDescr {
    pub name: String,
    pub params: Vec<Scalar>,
    pub result: Option<Scalar>,
    pub effects: Effects,
    /// The function, or 0 while only its text is known; a back end refuses to compile a call of 0.
    pub addr: usize,
    /// The same function over arrays, or 0: `extern "C" fn(n, *const params..., *mut result)`, elements side by side.
    pub tile: usize,
}

/// A compilation unit. See the module.
///
/// # Calling convention
/// Compiled code is an `extern "C" fn(slots: *mut u64) -> u32`. Parameter `i` is read from slot `i`; an exit writes the
/// values of its snapshot to slots 0, 1, ... and the function returns the number of the snapshot. A scalar in a slot
/// has the form of [`Const::canonical`]. [`Trace::slots`] tells how many slots there must be.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    pub name: String,
    /// Whether anybody looks at floating-point status afterwards: if so, no operation that can raise it may be run
    /// where it would not have run.
    pub status: bool,
    /// Whether guards that compare floats or ask for overflow protect no memory: what is loaded or stored behind such a guard
    /// could be loaded as well if the guard did not hold, in this iteration and in those that would have followed, as
    /// long as the other guards (bounds checks) hold for them.
    pub ahead: bool,
    pub(crate) insts: Vec<(Inst, Vec<Value>)>,
    pub(crate) values: Vec<(Ty, Def)>,
    pub(crate) regions: Vec<Region>,
    pub snapshots: Vec<Snapshot>,
    pub calls: Vec<CallDescr>,
}

impl Trace {
    /// The outermost region.
    pub const ROOT: RegionId = RegionId::new(0);

    pub fn new(name: impl Into<String>) -> Trace {
        Trace {
            name: name.into(),
            status: false,
            ahead: false,
            insts: vec![],
            values: vec![],
            regions: vec![Region::default()],
            snapshots: vec![],
            calls: vec![],
        }
    }
    pub fn params(&self) -> &[Value] {
        &self.regions[0].params
    }
    pub fn ty(&self, v: Value) -> Ty {
        self.values[v.index()].0
    }
    pub fn def(&self, v: Value) -> Def {
        self.values[v.index()].1
    }
    /// The instruction a value is the result of, unless it is a parameter.
    pub fn def_inst(&self, v: Value) -> Option<&Inst> {
        match self.def(v) {
            Def::Result(inst, _) => Some(self.inst(inst)),
            Def::Param(..) => None,
        }
    }
    /// The constant a value is (a splat of one included).
    pub fn as_const(&self, v: Value) -> Option<Const> {
        match self.def_inst(v)? {
            Inst::Const(c) => Some(*c),
            Inst::Splat(s) => self.as_const(*s),
            _ => None,
        }
    }
    pub fn inst(&self, id: InstId) -> &Inst {
        &self.insts[id.index()].0
    }
    pub fn inst_mut(&mut self, id: InstId) -> &mut Inst {
        &mut self.insts[id.index()].0
    }
    pub fn results(&self, id: InstId) -> &[Value] {
        &self.insts[id.index()].1
    }
    /// The result of an instruction that has one.
    pub fn result(&self, id: InstId) -> Option<Value> {
        self.results(id).first().copied()
    }
    pub fn region(&self, id: RegionId) -> &Region {
        &self.regions[id.index()]
    }
    pub fn region_mut(&mut self, id: RegionId) -> &mut Region {
        &mut self.regions[id.index()]
    }
    pub fn value_count(&self) -> usize {
        self.values.len()
    }
    pub fn inst_count(&self) -> usize {
        self.insts.len()
    }
    pub fn region_count(&self) -> usize {
        self.regions.len()
    }
    pub fn add_region(&mut self) -> RegionId {
        self.regions.push(Region::default());
        RegionId::new(self.regions.len() - 1)
    }
    pub fn add_param(&mut self, region: RegionId, ty: Ty) -> Value {
        let index = self.region(region).params.len() as u32;
        let v = self.add_value(ty, Def::Param(region, index));
        self.region_mut(region).params.push(v);
        v
    }
    /// Put an instruction with results of these types in the arena, without placing it in a region.
    pub fn add_inst(&mut self, inst: Inst, results: &[Ty]) -> InstId {
        let id = InstId::new(self.insts.len());
        self.insts.push((inst, vec![]));
        for (i, &ty) in results.iter().enumerate() {
            let v = self.add_value(ty, Def::Result(id, i as u32));
            self.insts[id.index()].1.push(v);
        }
        id
    }
    /// Let a value be the result of a new instruction, which is not placed in a region.
    pub(crate) fn redefine(&mut self, v: Value, inst: Inst) -> InstId {
        let id = InstId::new(self.insts.len());
        self.insts.push((inst, vec![v]));
        self.values[v.index()].1 = Def::Result(id, 0);
        id
    }
    /// Let an instruction be another one, with more results than it had.
    pub(crate) fn redefine_all(&mut self, id: InstId, inst: Inst, results: &[Ty]) {
        self.insts[id.index()].0 = inst;
        for (i, &ty) in results.iter().enumerate().skip(self.results(id).len()) {
            let v = self.add_value(ty, Def::Result(id, i as u32));
            self.insts[id.index()].1.push(v);
        }
    }
    /// Gives an instruction new results in place of the old ones, which nothing defines from then on.
    pub(crate) fn rename_results(&mut self, id: InstId, results: &[Ty]) -> Vec<Value> {
        self.insts[id.index()].1.clear();
        let inst = self.insts[id.index()].0.clone();
        self.redefine_all(id, inst, results);
        self.results(id).to_vec()
    }
    pub fn add_snapshot(&mut self, key: u64, values: Vec<Value>) -> SnapId {
        self.snapshots.push(Snapshot { key, values });
        SnapId::new(self.snapshots.len() - 1)
    }
    pub fn add_call(&mut self, descr: CallDescr) -> CallId {
        self.calls.push(descr);
        CallId::new(self.calls.len() - 1)
    }
    pub fn snapshot(&self, id: SnapId) -> &Snapshot {
        &self.snapshots[id.index()]
    }
    pub fn call(&self, id: CallId) -> &CallDescr {
        &self.calls[id.index()]
    }
    /// The snapshot an instruction may leave by.
    pub fn exit_of(&self, inst: &Inst) -> Option<SnapId> {
        match *inst {
            Inst::Guard { snap, .. } | Inst::Exit(snap) => Some(snap),
            _ => None,
        }
    }
    /// Every value an instruction needs, those of its snapshot included.
    pub fn for_each_use(&self, inst: &Inst, mut f: impl FnMut(Value)) {
        inst.for_each_use(&mut f);
        if let Some(snap) = self.exit_of(inst) {
            self.snapshot(snap).values.iter().copied().for_each(f);
        }
    }
    /// Number of slots a caller must provide.
    pub fn slots(&self) -> usize {
        let exits = self.snapshots.iter().map(|s| s.values.len()).max().unwrap_or(0);
        exits.max(self.params().len())
    }
    /// Whether an instruction can raise floating-point status that counts.
    pub fn raises(&self, inst: &Inst) -> bool {
        let float = |v: &Value| self.ty(*v).scalar.is_float();
        match inst {
            Inst::Unary(op, a) => op.raises() && float(a),
            Inst::Binary(op, a, _) => op.raises() && float(a),
            Inst::Fma(..) => true,
            // Narrowing floats may overflow, a float (a half, too) may not fit an integer.
            Inst::Convert(a) => float(a) || self.ty(*a).scalar == Scalar::F16,
            Inst::Call(id, _) => self.call(*id).effects.raises,
            _ => false,
        }
    }
    /// What a condition asks to be finite, if it does: `abs(x) < inf`.
    pub fn finite(&self, cond: Value) -> Option<Value> {
        self.finite_comparison(self.def_inst(cond)?)
    }
    /// As [`Trace::finite`], of the instruction.
    pub fn finite_comparison(&self, inst: &Inst) -> Option<Value> {
        let &Inst::Compare(Cond::Lt, a, b) = inst else { return None };
        let &Inst::Unary(Unary::Abs, x) = self.def_inst(a)? else { return None };
        let c = self.as_const(b)?;
        let infinity = match c.scalar {
            Scalar::F64 => f64::INFINITY.to_bits(),
            Scalar::F32 => u64::from(f32::INFINITY.to_bits()),
            _ => return None,
        };
        (c.bits == infinity).then_some(x)
    }
    /// Whether an instruction does nothing but compute its results from its operands.
    pub fn is_pure(&self, inst: &Inst) -> bool {
        match inst {
            Inst::Load(_)
            | Inst::Store(..)
            | Inst::Guard { .. }
            | Inst::Loop { .. }
            | Inst::If { .. }
            | Inst::BreakIf(..)
            | Inst::Yield(_)
            | Inst::Exit(_) => false,
            Inst::Call(id, _) => !self.call(*id).effects.reads && !self.call(*id).effects.writes,
            _ => true,
        }
    }

    fn add_value(&mut self, ty: Ty, def: Def) -> Value {
        self.values.push((ty, def));
        Value::new(self.values.len() - 1)
    }
}
