//! Compiled kernels: a run of operations as one counted loop in machine code.
//!
//! A kernel is written in the compiler's representation, over operands that are dense or single; its text is what it is
//! known by, so that the same run of operations is compiled once per process, whichever expression it comes from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use jit::backend::{Backend, Code};
use jit::ir::{Access, Addr, Builder, MemClass, Range, RegionId, Stride, Trace, Ty, Value};

use crate::graph::{Graph, NodeId};
use crate::lower::{self, Emit, Lane, scalar_of};
use crate::plan::{Body, Facts, Unit};

/// Machine code for a run of operations.
pub(crate) struct Compiled {
    code: Code,
    pub backend: &'static str,
    /// The loop as it was handed to the back end.
    pub text: String,
}

/// A kernel in its place in a graph.
pub(crate) struct Kernel {
    compiled: Arc<Compiled>,
    /// Nodes it reads and writes, in order of its parameters.
    pub inputs: Vec<NodeId>,
    pub outs: Vec<NodeId>,
    /// Whether the status it leaves behind can mean something, and whether it leaves any.
    pub raises: bool,
    pub touches_floats: bool,
}

impl Kernel {
    /// Run it; `slots` are the count and the addresses of operands.
    ///
    /// # Safety
    /// The operands hold that many elements (single ones: one) of the types the kernel was made for, and no output overlaps
    /// another operand.
    #[inline]
    pub unsafe fn call(&self, slots: &mut [u64]) {
        // SAFETY: the caller's promise; parameters are a count and addresses, and the one exit has no values.
        unsafe { self.compiled.code.call(slots.as_mut_ptr()) };
    }
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }
}

impl Compiled {
    pub fn bytes(&self) -> &[u8] {
        self.code.bytes()
    }
    /// The machine code as text.
    pub fn listing(&self) -> String {
        let backend = usable(Some(self.backend)).next();
        match (jit::ir::parse(&self.text).as_deref(), backend) {
            (Ok([tr]), Some(b)) => b.listing(tr).unwrap_or_else(|e| e.to_string()),
            _ => "no listing".into(),
        }
    }
}

/// The back ends worth running, best first.
fn backends() -> &'static [Box<dyn Backend>] {
    static ALL: OnceLock<Vec<Box<dyn Backend>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = jit::backend::all();
        let rank = |name: &str| match name {
            "wide-avx512" => 0,
            "wide-avx2" => 1,
            "reference" => 3,
            _ => 2,
        };
        all.sort_by_key(|b| rank(b.name()));
        all
    })
}

/// Names of the back ends this machine has, best first; the last one interprets and is for tests.
pub fn backend_names() -> impl Iterator<Item = &'static str> {
    backends().iter().map(|b| b.name())
}

/// Which back ends to use.
pub(crate) fn usable(only: Option<&str>) -> impl Iterator<Item = &'static dyn Backend> {
    backends().iter().map(|b| b.as_ref()).filter(move |b| match only {
        Some(name) => b.name() == name,
        // It interprets.
        None => b.name() != "reference",
    })
}

/// Group the operations of a body into kernels and single steps, for the given back ends.
pub(crate) fn schedule(graph: &Graph, body: &Body, facts: &Facts, only: Option<&str>) -> Vec<Unit> {
    let mut taken: Vec<bool> = vec![false; graph.nodes.len()];
    for &node in &body.nodes {
        taken[node] = graph.is_apply(node).is_some_and(|a| lower::row(a).is_some());
    }
    loop {
        match try_schedule(graph, body, facts, &taken, only) {
            Ok(units) => return units,
            // Some operation is beyond the back ends: find out which, and leave them to registered loops.
            Err(run) => {
                let mut dropped = false;
                for node in run.iter().copied() {
                    let trace = build(graph, facts, &[node], &[node]);
                    if trace.is_none_or(|t| compile(&t.0, only).is_none()) {
                        taken[node] = false;
                        dropped = true;
                    }
                }
                if !dropped {
                    run.iter().for_each(|&n| taken[n] = false);
                }
            }
        }
    }
}

/// One attempt; the run no back end took, if there is one.
fn try_schedule(
    graph: &Graph,
    body: &Body,
    facts: &Facts,
    taken: &[bool],
    only: Option<&str>,
) -> Result<Vec<Unit>, Vec<NodeId>> {
    let mut left: Vec<NodeId> = body.nodes.clone();
    let mut done: Vec<bool> = facts.input.iter().map(Option::is_some).collect();
    let mut units = vec![];
    while !left.is_empty() {
        // Everything compilable that is ready makes one kernel; then registered loops until there is more.
        let mut run = vec![];
        let mut rest = vec![];
        for node in left {
            let ready = graph.nodes[node].args.iter().all(|&a| done[a]);
            if taken[node] && ready {
                done[node] = true;
                run.push(node);
            } else {
                rest.push(node);
            }
        }
        left = rest;
        match run.len() {
            0 => {}
            1 => units.push(Unit::One(run[0])),
            _ => {
                let needed: Vec<NodeId> = run
                    .iter()
                    .copied()
                    .filter(|n| {
                        facts.out[*n].is_some() || left.iter().any(|&m| graph.nodes[m].args.contains(n))
                    })
                    .collect();
                let Some((trace, inputs)) = build(graph, facts, &run, &needed) else { return Err(run) };
                let Some(compiled) = compile(&trace, only) else { return Err(run) };
                let touches_floats = run.iter().any(|&n| has_floats(graph, n));
                let kernel = Kernel { compiled, inputs, outs: needed, raises: trace.status, touches_floats };
                units.push(Unit::Kernel(run, Arc::new(kernel)));
            }
        }
        if let Some(i) = left.iter().position(|&n| !taken[n] && graph.nodes[n].args.iter().all(|&a| done[a]))
        {
            let node = left.remove(i);
            done[node] = true;
            units.push(Unit::One(node));
        }
    }
    Ok(units)
}

/// Whether a node has floats among its operands or results.
fn has_floats(graph: &Graph, node: NodeId) -> bool {
    let is_float = |n: NodeId| {
        let num = graph.nodes[n].dtype.num;
        num.is_float() || num.is_complex()
    };
    is_float(node) || graph.nodes[node].args.iter().any(|&a| is_float(a))
}

/// The loop for a run of operations that leaves these results, with the nodes it reads. `None` when an operation has no
/// row or an operand no scalar type.
fn build(graph: &Graph, facts: &Facts, run: &[NodeId], outs: &[NodeId]) -> Option<(Trace, Vec<NodeId>)> {
    let mut inputs: Vec<NodeId> = vec![];
    let mut raises = false;
    for &node in run {
        for &a in &graph.nodes[node].args {
            if !run.contains(&a) && !inputs.contains(&a) {
                inputs.push(a);
            }
        }
        let apply = graph.is_apply(node)?;
        raises |= has_floats(graph, node) && apply.raises();
    }
    let mut b = Builder::new("fused");
    if raises {
        b.observe_status();
    }
    let count = b.param(Ty::I64);
    let bases: Vec<Value> = inputs.iter().chain(outs).map(|_| b.param(Ty::PTR)).collect();
    let zero = b.i64(0);
    let mut lanes: HashMap<NodeId, Lane> = HashMap::new();
    let operand = |k: usize, node: NodeId| (bases[k], scalar_of(graph.nodes[node].dtype.num));
    // What is the same for all elements comes before the loop.
    for (k, &node) in inputs.iter().enumerate() {
        let (base, scalar) = operand(k, node);
        if facts.single[node] {
            lanes.insert(node, load(&mut b, base, None, scalar?));
        }
    }
    for &node in run.iter().filter(|&&n| facts.single[n]) {
        emit(&mut b, graph, facts, node, &mut lanes)?;
    }
    let store_results =
        |b: &mut Builder, single: bool, index: Option<Value>, lanes: &HashMap<NodeId, Lane>| {
            for (j, &node) in outs.iter().enumerate().filter(|(_, n)| facts.single[**n] == single) {
                let (base, scalar) = operand(inputs.len() + j, node);
                store(b, base, index, scalar?, lanes[&node], MemClass(2 + j as u16));
            }
            Some(())
        };
    store_results(&mut b, true, None, &lanes)?;
    let (index, _) = b.begin_loop(Some(Range { start: zero, end: count, step: 1 }), vec![]);
    for (k, &node) in inputs.iter().enumerate().filter(|(_, n)| !facts.single[**n]) {
        let (base, scalar) = operand(k, node);
        lanes.insert(node, load(&mut b, base, index, scalar?));
    }
    for &node in run.iter().filter(|&&n| !facts.single[n]) {
        emit(&mut b, graph, facts, node, &mut lanes)?;
    }
    store_results(&mut b, false, index, &lanes)?;
    b.end_loop(vec![]);
    b.exit(0, vec![]);
    Some((b.finish(), inputs))
}

fn emit(
    b: &mut Builder,
    graph: &Graph,
    facts: &Facts,
    node: NodeId,
    lanes: &mut HashMap<NodeId, Lane>,
) -> Option<()> {
    let apply = graph.is_apply(node)?;
    let (row, scalar) = lower::row(apply)?;
    let args: Vec<Lane> = graph.nodes[node].args.iter().map(|a| lanes[a]).collect();
    let pinned = apply.pinned.map(|e| e.low_word());
    let fixed = !facts.single[node] && graph.nodes[node].args.iter().skip(1).all(|&a| facts.single[a]);
    lanes.insert(node, row(&mut Emit { b, scalar, pinned, fixed }, &args));
    Some(())
}

/// Inputs share a class of memory, which nobody writes.
const READ: MemClass = MemClass(1);

fn part(
    base: Value,
    index: Option<Value>,
    scalar: jit::ir::Scalar,
    pair: bool,
    second: bool,
    class: MemClass,
) -> Access {
    let size = scalar.size() as i64;
    let step = if pair { 2 * size } else { size };
    let addr = Addr {
        base,
        index: index.map(|i| (i, Stride::Const(step))),
        disp: if second { size as i32 } else { 0 },
    };
    Access { addr, class, lane_stride: None }
}

fn load(b: &mut Builder, base: Value, index: Option<Value>, (scalar, pair): (jit::ir::Scalar, bool)) -> Lane {
    let ty = Ty::scalar(scalar);
    let first = b.load(ty, part(base, index, scalar, pair, false, READ));
    if !pair {
        return Lane::Real(first);
    }
    Lane::Complex(first, b.load(ty, part(base, index, scalar, pair, true, READ)))
}

fn store(
    b: &mut Builder,
    base: Value,
    index: Option<Value>,
    (scalar, pair): (jit::ir::Scalar, bool),
    lane: Lane,
    class: MemClass,
) {
    match lane {
        Lane::Real(v) => b.store(part(base, index, scalar, pair, false, class), v),
        Lane::Complex(re, im) => {
            b.store(part(base, index, scalar, pair, false, class), re);
            b.store(part(base, index, scalar, pair, true, class), im);
        }
    }
}

/// Whether a trace has operations that raise status and whose results nobody uses, because what they were used for folded
/// away (`x ^ x`, a choice between equals). Back ends drop those, and the status numpy would report with them.
fn loses_status(tr: &Trace) -> bool {
    if !tr.status {
        return false;
    }
    let insts = || (0..tr.region_count()).flat_map(|r| tr.region(RegionId::new(r)).insts.iter().copied());
    let mut live = vec![false; tr.value_count()];
    let mut todo: Vec<Value> = vec![];
    for id in insts().filter(|&id| !tr.is_pure(tr.inst(id))) {
        tr.for_each_use(tr.inst(id), |v| todo.push(v));
    }
    while let Some(v) = todo.pop() {
        if !std::mem::replace(&mut live[v.index()], true)
            && let Some(inst) = tr.def_inst(v)
        {
            tr.for_each_use(inst, |v| todo.push(v));
        }
    }
    insts().any(|id| {
        let inst = tr.inst(id);
        tr.is_pure(inst) && tr.raises(inst) && !tr.results(id).iter().any(|v| live[v.index()])
    })
}

/// Traces that were compiled, or could not be, by text and the back end asked for.
type Cache = HashMap<(String, Option<String>), Option<Arc<Compiled>>>;

/// More kernels than this are kept only by the plans that use them.
const KEPT: usize = 1024;

fn compile(trace: &Trace, only: Option<&str>) -> Option<Arc<Compiled>> {
    static CACHE: OnceLock<Mutex<Cache>> = OnceLock::new();
    let cache = CACHE.get_or_init(Mutex::default);
    let key = (trace.to_string(), only.map(str::to_string));
    if let Some(known) = cache.lock().ok()?.get(&key) {
        return known.clone();
    }
    debug_assert!(jit::ir::verify(trace).is_ok(), "{:?}", jit::ir::verify(trace));
    let made = usable(only).find_map(|backend| {
        let mut tr = trace.clone();
        backend.prepare(&mut tr);
        if loses_status(&tr) {
            return None;
        }
        let code = backend.compile(&tr).ok()?;
        Some(Arc::new(Compiled { code, backend: backend.name(), text: tr.to_string() }))
    });
    let mut cache = cache.lock().ok()?;
    if cache.len() >= KEPT {
        cache.clear();
    }
    cache.insert(key, made.clone());
    made
}
