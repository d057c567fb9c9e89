//! Executes traces as they stand: slow, obvious, and right by definition.
//!
//! Memory is real memory, so that the same inputs can be given to every back end. [`run`] trusts its caller as compiled
//! code does. [`run_checked`] is for tests and for whoever debugs a producer: it is told which memory the trace may use
//! and which class is stored where, and reports the instruction that breaks a promise instead of carrying it out.

use std::fmt;
use std::ops::Range;

use super::{Backend, Code, Unsupported};
use crate::ir::{
    Access, Addr, CallDescr, CallId, Const, Inst, InstId, MemClass, RegionId, Scalar, SnapId, Stride, Trace,
    Ty, Value,
};
use crate::semantics::{self, Platform};

/// The back end that everything else is compared with.
pub struct Reference;

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }
    fn prepare(&self, _tr: &mut Trace) {}
    fn compile(&self, tr: &Trace) -> Result<Code, Unsupported> {
        for descr in &tr.calls {
            callable(descr).map_err(Unsupported::new)?;
        }
        Ok(Code::interpreted(tr.clone()))
    }
}

/// Bytes a trace may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Area {
    pub bytes: Range<usize>,
    /// The class accesses must have here. With [`MemClass::ANY`] on either side every access is in order.
    pub class: MemClass,
    pub writable: bool,
}

/// What a checked run stopped at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub inst: InstId,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inst, self.message)
    }
}

impl std::error::Error for Fault {}

/// Runs a trace [`Reference`] compiles.
///
/// # Safety
/// Those of [`Code::call`].
pub(super) unsafe fn run(tr: &Trace, slots: *mut u64) -> SnapId {
    let mut executor = Executor::new(tr, Platform::HOST, None);
    // SAFETY: the parameters' slots exist, by the caller's promise.
    let params: Vec<u64> = (0..tr.params().len()).map(|i| unsafe { *slots.add(i) }).collect();
    let snap = match executor.trace(&params) {
        Ok(snap) => snap,
        Err(fault) => unreachable!("{fault}, without checks"),
    };
    for (i, bits) in executor.exit_values(snap).into_iter().enumerate() {
        // SAFETY: there is a slot for every value of a snapshot, by the caller's promise.
        unsafe { *slots.add(i) = bits };
    }
    snap
}

/// Runs a verified trace and checks each step: accesses lie in one of the areas and have its class, the promise of
/// counted loops is kept, at most `fuel` instructions run. What calls do is not checked.
///
/// # Errors
/// The first instruction that breaks a rule; what ran before it has had its effects.
///
/// # Safety
/// The areas are memory the caller may use in that way, and the functions the trace calls may be called.
pub unsafe fn run_checked(
    tr: &Trace,
    slots: &mut [u64],
    areas: &[Area],
    fuel: usize,
) -> Result<SnapId, Fault> {
    // SAFETY: the caller's promises are the same.
    unsafe { run_checked_as(Platform::HOST, tr, slots, areas, fuel) }
}

/// As [`run_checked`], with the results of another processor.
///
/// # Errors
/// As there.
///
/// # Safety
/// As there.
pub unsafe fn run_checked_as(
    platform: Platform,
    tr: &Trace,
    slots: &mut [u64],
    areas: &[Area],
    fuel: usize,
) -> Result<SnapId, Fault> {
    let mut executor = Executor::new(tr, platform, Some(Checks { areas, fuel }));
    let snap = executor.trace(&slots[..tr.params().len()])?;
    for (slot, bits) in slots.iter_mut().zip(executor.exit_values(snap)) {
        *slot = bits;
    }
    Ok(snap)
}

/// Arguments in each kind of register that [`call`] can fill.
const INT_ARGS: usize = 6;
const FLOAT_ARGS: usize = 8;

fn callable(descr: &CallDescr) -> Result<(), String> {
    let name = &descr.name;
    if descr.addr == 0 {
        return Err(format!("{name} has no address"));
    }
    if descr.params.iter().chain(&descr.result).any(|&s| s == Scalar::F16) {
        return Err(format!("{name} passes f16, for which C has no convention"));
    }
    let floats = descr.params.iter().filter(|s| s.is_float()).count();
    if floats > FLOAT_ARGS || descr.params.len() - floats > INT_ARGS {
        return Err(format!("{name} has more arguments than go in registers"));
    }
    Ok(())
}

/// Calls a C function of scalars.
///
/// # Safety
/// `descr` is [`callable`], its address is that of a function of its type, and its arguments are such as it accepts.
unsafe fn call(descr: &CallDescr, args: &[u64]) -> u64 {
    // The conventions of x86-64 (System V) and aarch64 number integer and float registers independently. So a function
    // with few enough arguments of each kind cannot tell whether the others were set too, and this one type of function
    // serves all. An `f32` is the low half of its register.
    type I = u64;
    type F = f64;
    type Ints = extern "C" fn(I, I, I, I, I, I, F, F, F, F, F, F, F, F) -> u64;
    type Floats = extern "C" fn(I, I, I, I, I, I, F, F, F, F, F, F, F, F) -> f64;
    const { assert!(cfg!(unix) && cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))) };

    let (mut i, mut f) = ([0u64; INT_ARGS], [0f64; FLOAT_ARGS]);
    let (mut ints, mut floats) = (i.iter_mut(), f.iter_mut());
    for (s, &bits) in descr.params.iter().zip(args) {
        let slot = if s.is_float() {
            floats.next().map(|f| *f = f64::from_bits(bits))
        } else {
            ints.next().map(|i| *i = bits)
        };
        slot.expect("callable functions have few arguments");
    }
    let bits = if descr.result.is_some_and(|s| s.is_float()) {
        // SAFETY: by the caller's promise there is a function, and it takes its arguments as explained above.
        let function = unsafe { std::mem::transmute::<usize, Floats>(descr.addr) };
        function(i[0], i[1], i[2], i[3], i[4], i[5], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]).to_bits()
    } else {
        // SAFETY: as above.
        let function = unsafe { std::mem::transmute::<usize, Ints>(descr.addr) };
        function(i[0], i[1], i[2], i[3], i[4], i[5], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
    };
    // The rest of the register says nothing.
    descr.result.map_or(0, |s| Const::canonical(s, bits).bits)
}

struct Checks<'a> {
    areas: &'a [Area],
    fuel: usize,
}

/// How a region was left.
enum Flow {
    Yield(Vec<u64>),
    Break(Vec<u64>),
    Exit(SnapId),
}

struct Executor<'a> {
    tr: &'a Trace,
    platform: Platform,
    /// The lanes of all values, side by side.
    lanes: Vec<u64>,
    /// Where those of each value start.
    starts: Vec<usize>,
    checks: Option<Checks<'a>>,
    /// The instruction that runs.
    at: InstId,
}

impl<'a> Executor<'a> {
    fn new(tr: &'a Trace, platform: Platform, checks: Option<Checks<'a>>) -> Executor<'a> {
        let mut starts = vec![];
        let mut total = 0;
        for v in (0..tr.value_count()).map(Value::new) {
            starts.push(total);
            total += usize::from(tr.ty(v).lanes);
        }
        Executor { tr, platform, lanes: vec![0; total], starts, checks, at: InstId::new(0) }
    }

    fn trace(&mut self, params: &[u64]) -> Result<SnapId, Fault> {
        self.bind(self.tr.params(), params);
        match self.region(Trace::ROOT)? {
            Flow::Exit(snap) => Ok(snap),
            Flow::Yield(_) | Flow::Break(_) => unreachable!("the outermost region ends with exit"),
        }
    }
    fn exit_values(&self, snap: SnapId) -> Vec<u64> {
        self.tr.snapshot(snap).values.iter().map(|&v| self.scalar(v)).collect()
    }

    fn range(&self, v: Value) -> Range<usize> {
        let start = self.starts[v.index()];
        start..start + usize::from(self.tr.ty(v).lanes)
    }
    fn get(&self, v: Value) -> &[u64] {
        &self.lanes[self.range(v)]
    }
    fn scalar(&self, v: Value) -> u64 {
        self.lanes[self.starts[v.index()]]
    }
    /// The lanes of several values, one after the other.
    fn gather(&self, values: &[Value]) -> Vec<u64> {
        values.iter().flat_map(|&v| self.get(v)).copied().collect()
    }
    /// Gives values what `gather` gave for others of the same types.
    fn bind(&mut self, values: &[Value], mut bits: &[u64]) {
        for &v in values {
            let range = self.range(v);
            let (mine, rest) = bits.split_at(range.len());
            self.lanes[range].copy_from_slice(mine);
            bits = rest;
        }
    }

    fn fault<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { inst: self.at, message: message.into() })
    }

    fn region(&mut self, id: RegionId) -> Result<Flow, Fault> {
        let tr = self.tr;
        for &inst in &tr.region(id).insts {
            self.at = inst;
            if let Some(checks) = &mut self.checks {
                if checks.fuel == 0 {
                    return self.fault("runs too long");
                }
                checks.fuel -= 1;
            }
            if let Some(flow) = self.inst(inst)? {
                return Ok(flow);
            }
        }
        unreachable!("a region has an end")
    }

    /// Runs one instruction; gives the way out if it leaves its region.
    fn inst(&mut self, id: InstId) -> Result<Option<Flow>, Fault> {
        let tr = self.tr;
        let results = tr.results(id);
        match tr.inst(id) {
            Inst::Store(access, v) => {
                for (i, bits) in self.get(*v).to_vec().into_iter().enumerate() {
                    self.write(tr.ty(*v), access, i, bits)?;
                }
            }
            Inst::Guard { cond, expected, snap } => {
                if (self.scalar(*cond) != 0) != *expected {
                    return Ok(Some(Flow::Exit(*snap)));
                }
            }
            Inst::Exit(snap) => return Ok(Some(Flow::Exit(*snap))),
            Inst::Yield(args) => return Ok(Some(Flow::Yield(self.gather(args)))),
            Inst::BreakIf(cond, args) => {
                if self.scalar(*cond) != 0 {
                    return Ok(Some(Flow::Break(self.gather(args))));
                }
            }
            Inst::If { cond, then, other } => {
                let region = if self.scalar(*cond) != 0 { then } else { other };
                match self.region(*region)? {
                    Flow::Yield(bits) => self.bind(results, &bits),
                    flow => return Ok(Some(flow)),
                }
            }
            Inst::Loop { range, init, body } => {
                let carried = self.gather(init);
                match self.run_loop(*range, carried, *body)? {
                    Flow::Yield(bits) => self.bind(results, &bits),
                    flow => return Ok(Some(flow)),
                }
            }
            Inst::Call(call, args) => {
                let bits = self.call(*call, args)?;
                self.bind(results, &bits);
            }
            inst => {
                let bits = self.compute(inst, tr.ty(results[0]))?;
                self.bind(results, &bits);
            }
        }
        Ok(None)
    }

    /// `Yield` with the results, or the way out of the trace.
    fn run_loop(
        &mut self,
        range: Option<crate::ir::Range>,
        mut carried: Vec<u64>,
        body: RegionId,
    ) -> Result<Flow, Fault> {
        let tr = self.tr;
        let (id, params) = (self.at, &tr.region(body).params);
        let bounds = range.map(|r| (self.scalar(r.end) as i64, r.step));
        let mut counter = range.map_or(0, |r| self.scalar(r.start) as i64);
        loop {
            let mut values = params.as_slice();
            if let Some((end, step)) = bounds {
                let done = if step > 0 { counter >= end } else { counter <= end };
                if done {
                    return Ok(Flow::Yield(carried));
                }
                self.bind(&params[..1], &[counter as u64]);
                values = &params[1..];
                if self.checks.is_some() && end.checked_add(step).is_none() {
                    return self.fault("the end of the range plus its step overflows");
                }
                counter = counter.wrapping_add(step);
            }
            self.bind(values, &carried);
            match self.region(body)? {
                Flow::Yield(next) => carried = next,
                Flow::Break(results) => return Ok(Flow::Yield(results)),
                Flow::Exit(snap) => return Ok(Flow::Exit(snap)),
            }
            self.at = id;
        }
    }

    fn call(&mut self, id: CallId, args: &[Value]) -> Result<Vec<u64>, Fault> {
        let descr = self.tr.call(id);
        if self.checks.is_some() {
            callable(descr).or_else(|message| self.fault(message))?;
        }
        let lanes = args.first().map_or(1, |&v| usize::from(self.tr.ty(v).lanes));
        let mut results = vec![];
        for lane in 0..lanes {
            let args: Vec<u64> = args.iter().map(|&v| self.get(v)[lane]).collect();
            // SAFETY: it is callable, as `compile` or the line above has seen; the rest is promised by the caller of
            // `run` or `run_checked`.
            let bits = unsafe { call(descr, &args) };
            if descr.result.is_some() {
                results.push(bits);
            }
        }
        Ok(results)
    }

    /// The lanes of the one result of an instruction without effects.
    fn compute(&self, inst: &Inst, ty: Ty) -> Result<Vec<u64>, Fault> {
        let tr = self.tr;
        let scalar = |v: Value| tr.ty(v).scalar;
        let map = |a: Value, f: &dyn Fn(u64) -> u64| self.get(a).iter().map(|&x| f(x)).collect();
        let zip = |a: Value, b: Value, f: &dyn Fn(u64, u64) -> u64| {
            self.get(a).iter().zip(self.get(b)).map(|(&x, &y)| f(x, y)).collect()
        };
        let zip3 = |a: Value, b: Value, c: Value, f: &dyn Fn(u64, u64, u64) -> u64| {
            let others = self.get(b).iter().zip(self.get(c));
            self.get(a).iter().zip(others).map(|(&x, (&y, &z))| f(x, y, z)).collect()
        };
        Ok(match *inst {
            Inst::Const(c) => vec![c.bits],
            Inst::Unary(op, a) => map(a, &|x| semantics::unary(op, ty.scalar, x)),
            Inst::Binary(op, a, b) => zip(a, b, &|x, y| semantics::binary(op, ty.scalar, x, y)),
            Inst::Fma(a, b, c) => zip3(a, b, c, &|x, y, z| semantics::fma(ty.scalar, x, y, z)),
            Inst::Overflow(op, a, b) => {
                zip(a, b, &|x, y| u64::from(semantics::overflow(op, scalar(a), x, y)))
            }
            Inst::Compare(cond, a, b) => {
                zip(a, b, &|x, y| u64::from(semantics::compare(cond, scalar(a), x, y)))
            }
            Inst::Select(m, a, b) => zip3(m, a, b, &|m, x, y| if m != 0 { x } else { y }),
            Inst::Convert(a) => map(a, &|x| semantics::convert_on(self.platform, scalar(a), ty.scalar, x)),
            Inst::Bitcast(a) => map(a, &|x| semantics::bitcast(ty.scalar, x)),
            Inst::Splat(a) => vec![self.scalar(a); usize::from(ty.lanes)],
            Inst::Iota => (0..u64::from(ty.lanes)).map(|n| Const::canonical(ty.scalar, n).bits).collect(),
            Inst::Lane(a, n) => vec![self.get(a)[usize::from(n)]],
            Inst::Reduce(op, a) => vec![semantics::reduce(op, ty.scalar, self.get(a))],
            Inst::Load(ref access) => {
                (0..usize::from(ty.lanes)).map(|i| self.read(ty, access, i)).collect::<Result<_, _>>()?
            }
            Inst::Lea(ref addr) => vec![self.addr(addr) as u64],
            ref other => unreachable!("{other:?} has effects"),
        })
    }

    fn stride(&self, s: Stride) -> usize {
        match s {
            Stride::Const(n) => n as usize,
            Stride::Value(v) => self.scalar(v) as usize,
        }
    }
    fn addr(&self, a: &Addr) -> usize {
        let offset = a
            .index
            .map_or(0, |(index, stride)| (self.scalar(index) as usize).wrapping_mul(self.stride(stride)));
        (self.scalar(a.base) as usize).wrapping_add(offset).wrapping_add(a.disp as usize)
    }
    /// Where a lane is.
    fn place(&self, ty: Ty, access: &Access, lane: usize, write: bool) -> Result<*mut u8, Fault> {
        let stride = access.lane_stride.map_or(ty.scalar.size(), |s| self.stride(s));
        let addr = self.addr(&access.addr).wrapping_add(lane.wrapping_mul(stride));
        if let Some(checks) = &self.checks {
            let inside = |a: &&Area| {
                a.bytes.contains(&addr) && a.bytes.end - addr >= ty.scalar.size() && (a.writable || !write)
            };
            let Some(area) = checks.areas.iter().find(inside) else {
                let what = if write { "write" } else { "read" };
                return self.fault(format!("{what} of lane {lane} is out of bounds"));
            };
            if !area.class.may_alias(access.class) {
                return self
                    .fault(format!("memory of class {} is not of class {}", area.class.0, access.class.0));
            }
        }
        Ok(addr as *mut u8)
    }
    fn read(&self, ty: Ty, access: &Access, lane: usize) -> Result<u64, Fault> {
        let p = self.place(ty, access, lane, false)?;
        // SAFETY: readable, by the caller's promise: for unchecked runs that on all accesses, else that on the areas.
        let bits = unsafe {
            match ty.scalar.size() {
                1 => u64::from(*p),
                2 => u64::from(p.cast::<u16>().read_unaligned()),
                4 => u64::from(p.cast::<u32>().read_unaligned()),
                _ => p.cast::<u64>().read_unaligned(),
            }
        };
        Ok(match ty.scalar {
            Scalar::Bool => u64::from(bits != 0),
            s => Const::canonical(s, bits).bits,
        })
    }
    fn write(&self, ty: Ty, access: &Access, lane: usize, bits: u64) -> Result<(), Fault> {
        let p = self.place(ty, access, lane, true)?;
        // SAFETY: writable, as above.
        unsafe {
            match ty.scalar.size() {
                1 => *p = bits as u8,
                2 => p.cast::<u16>().write_unaligned(bits as u16),
                4 => p.cast::<u32>().write_unaligned(bits as u32),
                _ => p.cast::<u64>().write_unaligned(bits),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
