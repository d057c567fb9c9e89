//! Checks everything the other parts rely on. A failure is a mistake of whoever made the trace, never of a user.

use std::fmt;

use super::op::Binary;
use super::trace::*;
use super::ty::{Scalar, Ty};

/// What is wrong, and the instruction it was found at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    pub inst: Option<InstId>,
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inst {
            Some(inst) => write!(f, "malformed trace, {inst}: {}", self.message),
            None => write!(f, "malformed trace: {}", self.message),
        }
    }
}

impl std::error::Error for VerifyError {}

type Check = Result<(), String>;

/// Check a trace: types of all operands and results, values used only where they are defined, regions ended properly.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(tr: &Trace) -> Result<(), VerifyError> {
    let mut v = Verifier { tr, visible: vec![false; tr.value_count()], seen: vec![false; tr.region_count()] };
    for &p in tr.params() {
        if tr.ty(p).is_vector() {
            return Err(VerifyError { inst: None, message: format!("parameter {p} is a vector") });
        }
    }
    v.region(Trace::ROOT, Kind::Root)
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Root,
    /// Types of the carried values.
    Loop(&'a [Ty]),
    /// Types of the results.
    Branch(&'a [Ty]),
}

struct Verifier<'a> {
    tr: &'a Trace,
    /// Values defined at this point.
    visible: Vec<bool>,
    seen: Vec<bool>,
}

fn ensure(ok: bool, message: impl FnOnce() -> String) -> Check {
    if ok { Ok(()) } else { Err(message()) }
}

impl Verifier<'_> {
    fn region(&mut self, id: RegionId, kind: Kind<'_>) -> Result<(), VerifyError> {
        let tr = self.tr;
        if std::mem::replace(&mut self.seen[id.index()], true) {
            return Err(VerifyError { inst: None, message: format!("{id} is used twice") });
        }
        let region = tr.region(id);
        let mut defined: Vec<Value> = region.params.clone();
        defined.iter().for_each(|v| self.visible[v.index()] = true);
        for (i, &inst) in region.insts.iter().enumerate() {
            let last = i + 1 == region.insts.len();
            self.inst(inst, kind, last).map_err(|message| VerifyError { inst: Some(inst), message })?;
            match *tr.inst(inst) {
                Inst::Loop { body, .. } => {
                    let tys: Vec<Ty> = tr.results(inst).iter().map(|&v| tr.ty(v)).collect();
                    self.region(body, Kind::Loop(&tys))?;
                }
                Inst::If { then, other, .. } => {
                    let tys: Vec<Ty> = tr.results(inst).iter().map(|&v| tr.ty(v)).collect();
                    self.region(then, Kind::Branch(&tys))?;
                    self.region(other, Kind::Branch(&tys))?;
                }
                _ => {}
            }
            for &v in tr.results(inst) {
                self.visible[v.index()] = true;
                defined.push(v);
            }
        }
        if region.insts.is_empty() {
            return Err(VerifyError { inst: None, message: format!("{id} has no end") });
        }
        defined.iter().for_each(|v| self.visible[v.index()] = false);
        Ok(())
    }

    fn inst(&self, id: InstId, kind: Kind<'_>, last: bool) -> Check {
        let tr = self.tr;
        let inst = tr.inst(id);
        let mut unseen = None;
        tr.for_each_use(inst, |v| {
            if !self.visible.get(v.index()).copied().unwrap_or(false) {
                unseen = unseen.or(Some(v));
            }
        });
        if let Some(v) = unseen {
            return Err(format!("{v} is not defined here"));
        }
        ensure(inst.is_terminator() == last, || "a region ends with yield or exit, and nowhere else".into())?;
        if let Some(snap) = tr.exit_of(inst) {
            for &v in &tr.snapshot(snap).values {
                ensure(!tr.ty(v).is_vector(), || format!("{v} is a vector in a snapshot"))?;
            }
        }
        for &r in tr.results(id) {
            ensure(tr.ty(r).is_valid(), || format!("{} is not a type", tr.ty(r)))?;
        }
        self.types(id, inst, kind)
    }

    fn same(&self, a: Value, b: Value) -> Check {
        let (ta, tb) = (self.tr.ty(a), self.tr.ty(b));
        ensure(ta == tb, || format!("{a} is {ta}, but {b} is {tb}"))
    }
    fn is(&self, v: Value, ty: Ty) -> Check {
        ensure(self.tr.ty(v) == ty, || format!("{v} is {}, not {ty}", self.tr.ty(v)))
    }
    fn are(&self, values: &[Value], tys: &[Ty]) -> Check {
        ensure(values.len() == tys.len(), || format!("{} values for {}", values.len(), tys.len()))?;
        values.iter().zip(tys).try_for_each(|(&v, &ty)| self.is(v, ty))
    }
    fn stride(&self, s: Stride) -> Check {
        match s {
            Stride::Const(_) => Ok(()),
            Stride::Value(v) => self.is(v, Ty::I64),
        }
    }
    fn addr(&self, a: &Addr) -> Check {
        self.is(a.base, Ty::PTR)?;
        let Some((index, stride)) = a.index else { return Ok(()) };
        self.is(index, Ty::I64)?;
        self.stride(stride)
    }
    fn access(&self, a: &Access, ty: Ty) -> Check {
        self.addr(&a.addr)?;
        let Some(s) = a.lane_stride else { return Ok(()) };
        ensure(ty.is_vector(), || "a scalar has no lanes to be apart".into())?;
        self.stride(s)
    }

    fn types(&self, id: InstId, inst: &Inst, kind: Kind<'_>) -> Check {
        let tr = self.tr;
        let results: Vec<Ty> = tr.results(id).iter().map(|&v| tr.ty(v)).collect();
        let domain = |ok: bool, name: &str, ty: Ty| ensure(ok, || format!("{name} does not take {ty}"));
        // Instructions with exactly one result of a type that follows from the operands.
        let expect = |ty: Ty| ensure(results == [ty], || format!("the result is not {ty}"));
        let one = || ensure(results.len() == 1, || "there must be one result".into());
        let none = || ensure(results.is_empty(), || "there is no result".into());
        match inst {
            Inst::Const(c) => {
                ensure(Const::canonical(c.scalar, c.bits) == *c, || "not canonical".into())?;
                expect(Ty::scalar(c.scalar))
            }
            Inst::Unary(op, a) => {
                let ty = tr.ty(*a);
                domain(op.domain().contains(ty.scalar), op.name(), ty)?;
                expect(ty)
            }
            Inst::Binary(op, a, b) => {
                let ty = tr.ty(*a);
                self.same(*a, *b)?;
                domain(op.domain().contains(ty.scalar), op.name(), ty)?;
                expect(ty)
            }
            Inst::Fma(a, b, c) => {
                let ty = tr.ty(*a);
                self.same(*a, *b)?;
                self.same(*a, *c)?;
                domain(ty.scalar.is_float(), "fma", ty)?;
                expect(ty)
            }
            Inst::Overflow(op, a, b) => {
                let ty = tr.ty(*a);
                self.same(*a, *b)?;
                domain(op.domain().contains(ty.scalar), op.name(), ty)?;
                expect(ty.with(Scalar::Bool))
            }
            Inst::Compare(cond, a, b) => {
                let ty = tr.ty(*a);
                self.same(*a, *b)?;
                let ptr = ty.scalar == Scalar::Ptr && matches!(cond.name(), "eq" | "ne");
                domain(ptr || cond.domain().contains(ty.scalar), cond.name(), ty)?;
                expect(ty.with(Scalar::Bool))
            }
            Inst::Select(m, a, b) => {
                let ty = tr.ty(*a);
                self.same(*a, *b)?;
                self.is(*m, ty.with(Scalar::Bool))?;
                expect(ty)
            }
            Inst::Convert(a) => {
                one()?;
                let (from, to) = (tr.ty(*a), results[0]);
                ensure(from.lanes == to.lanes, || format!("{from} does not convert to {to}"))?;
                let ok = from.scalar != Scalar::Ptr && to.scalar != Scalar::Ptr;
                domain(ok, "convert", from)
            }
            Inst::Bitcast(a) => {
                one()?;
                let (from, to) = (tr.ty(*a), results[0]);
                let ok = from.lanes == to.lanes
                    && from.scalar.size() == to.scalar.size()
                    && from.scalar != Scalar::Bool
                    && to.scalar != Scalar::Bool;
                ensure(ok, || format!("{from} has no bits for {to}"))
            }
            Inst::Splat(a) => {
                one()?;
                ensure(results[0].is_vector(), || "a splat has lanes".into())?;
                self.is(*a, Ty::scalar(results[0].scalar))
            }
            Inst::Iota => {
                one()?;
                domain(results[0].is_vector() && results[0].scalar.is_int(), "iota", results[0])
            }
            Inst::Lane(a, n) => {
                let ty = tr.ty(*a);
                ensure(ty.is_vector() && *n < ty.lanes, || format!("{ty} has no lane {n}"))?;
                expect(Ty::scalar(ty.scalar))
            }
            Inst::Reduce(op, a) => {
                let ty = tr.ty(*a);
                let associative = op.is_associative(ty.scalar)
                    || (matches!(op, Binary::Min | Binary::Max) && ty.scalar.is_float());
                let ok = ty.is_vector() && op.domain().contains(ty.scalar) && associative;
                domain(ok, "reduce", ty)?;
                expect(Ty::scalar(ty.scalar))
            }
            Inst::Load(access) => {
                one()?;
                self.access(access, results[0])
            }
            Inst::Store(access, v) => {
                none()?;
                self.access(access, tr.ty(*v))
            }
            Inst::Lea(addr) => {
                self.addr(addr)?;
                expect(Ty::PTR)
            }
            Inst::Call(call, args) => {
                let descr = tr.call(*call);
                let lanes = args.first().map_or(1, |&v| tr.ty(v).lanes);
                let pure = !descr.effects.reads && !descr.effects.writes;
                ensure(lanes == 1 || pure, || "a function with effects takes no vectors".into())?;
                let tys: Vec<Ty> = descr.params.iter().map(|&s| Ty::vector(s, lanes)).collect();
                self.are(args, &tys)?;
                let expected: Vec<Ty> = descr.result.iter().map(|&s| Ty::vector(s, lanes)).collect();
                ensure(results == expected, || format!("the results are not those of {}", descr.name))
            }
            Inst::Guard { cond, .. } => {
                none()?;
                self.is(*cond, Ty::BOOL)
            }
            Inst::Loop { range, init, body } => {
                self.are(init, &results)?;
                let mut params: Vec<Ty> = vec![];
                if let Some(r) = range {
                    self.is(r.start, Ty::I64)?;
                    self.is(r.end, Ty::I64)?;
                    ensure(r.step != 0, || "a range has a step".into())?;
                    params.push(Ty::I64);
                }
                params.extend(&results);
                let found: Vec<Ty> = tr.region(*body).params.iter().map(|&v| tr.ty(v)).collect();
                ensure(found == params, || "the body's parameters are not counter and carried values".into())
            }
            Inst::If { cond, then, other } => {
                self.is(*cond, Ty::BOOL)?;
                let bare = tr.region(*then).params.is_empty() && tr.region(*other).params.is_empty();
                ensure(bare, || "the regions of an if have no parameters".into())
            }
            Inst::BreakIf(cond, args) => {
                none()?;
                self.is(*cond, Ty::BOOL)?;
                match kind {
                    Kind::Loop(tys) => self.are(args, tys),
                    _ => Err("break stands in a loop's own region".into()),
                }
            }
            Inst::Yield(args) => match kind {
                Kind::Loop(tys) | Kind::Branch(tys) => self.are(args, tys),
                Kind::Root => Err("the outermost region ends with exit".into()),
            },
            Inst::Exit(_) => match kind {
                Kind::Root => none(),
                _ => Err("only the outermost region ends with exit; leave from inside by a guard".into()),
            },
        }
    }
}
