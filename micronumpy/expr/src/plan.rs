//! What a group does with one tile: a list of steps over operands, outputs and scratch memory.
//!
//! A step is a registered loop, a cast, a compiled kernel standing for a run of operations, or the gathering of a
//! scattered operand. There are two lists of the same meaning. The first has no kernels: it needs no compiler and is
//! there at once. The second is made when the group has run often enough to pay for it. Where a kernel raised status,
//! its operations are run again one by one into scratch memory, which tells whose status it is.

use std::ffi::c_void;
use std::sync::Arc;

use micronumpy::Result;
use micronumpy::cast::Transfer;
use smallvec::SmallVec;
use ufuncs::{LoopFlags, LoopFn};

use crate::expr::CallOp;
use crate::graph::{Graph, NodeId};
use crate::kernel::Kernel;
use crate::layout::Class;

/// Elements of a tile. A few tiles of eight-byte elements stay in the first-level cache.
pub(crate) const TILE: usize = 1024;
/// Elements of a tile that goes through registered loops, each of which costs something to call.
const LOOPS: usize = 4096;
/// Elements of a tile where nothing but inputs and outputs is touched.
const STREAM: usize = 8192;

/// Where an operand of a step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Input(usize),
    /// Bytes into the scratch memory.
    Scratch(usize),
    Out(usize),
}

/// An operand of a step: its place, and bytes from element to element (0: one element for all).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ref {
    pub place: Place,
    pub stride: isize,
}

/// Whose status a step raises.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub index: usize,
    /// What it leaves behind means nothing.
    pub quiet: bool,
}

pub(crate) struct LoopStep {
    pub node: NodeId,
    pub func: LoopFn,
    pub aux: *mut c_void,
    pub itemsizes: SmallVec<[usize; 4]>,
    pub refs: SmallVec<[Ref; 4]>,
    pub once: bool,
    pub report: Report,
}

// SAFETY: `aux` is null or points to data that lives as long as the process and is only read.
unsafe impl Send for LoopStep {}
// SAFETY: as above.
unsafe impl Sync for LoopStep {}

pub(crate) struct MoveStep {
    pub node: NodeId,
    pub transfer: Arc<Transfer>,
    pub from: Ref,
    pub to: Ref,
    pub once: bool,
    pub report: Option<Report>,
}

pub(crate) struct KernelStep {
    /// Elements that are run again at a time.
    pub slice: usize,
    pub kernel: Arc<Kernel>,
    pub nodes: Vec<NodeId>,
    /// Inputs, then outputs.
    pub refs: SmallVec<[Ref; 8]>,
    /// The operations one by one, their results in scratch memory; empty if they raise nothing.
    pub again: Vec<Step>,
}

pub(crate) enum Step {
    /// Bring a scattered, unaligned or swapped input into scratch memory (or to the output it is).
    Load {
        input: usize,
        transfer: Arc<Transfer>,
        size: usize,
        to: Ref,
    },
    Loop(LoopStep),
    Move(MoveStep),
    Kernel(KernelStep),
}

/// A list of steps and the memory they need.
pub(crate) struct Steps {
    pub list: Vec<Step>,
    pub scratch: usize,
    /// Elements a tile has at most.
    pub tile: usize,
    pub out_sizes: SmallVec<[usize; 4]>,
    /// Whether all there is to do is to copy one input that lies side by side already.
    pub is_dense_input: bool,
}

/// An input of a group.
pub(crate) struct PlanInput {
    pub node: NodeId,
    pub class: Class,
    /// The way to aligned native elements.
    pub transfer: Arc<Transfer>,
    /// Whether elements are aligned and native already.
    pub ready: bool,
}

/// What a group computes, and how its inputs lie.
pub(crate) struct Body {
    /// Operands first.
    pub nodes: Vec<NodeId>,
    pub inputs: Vec<PlanInput>,
    pub outs: Vec<NodeId>,
}

/// Nodes that are run together.
pub(crate) enum Unit {
    One(NodeId),
    Kernel(Vec<NodeId>, Arc<Kernel>),
}

/// Facts about the nodes of a body.
pub(crate) struct Facts {
    /// One element throughout a tile.
    pub single: Vec<bool>,
    /// Input number.
    pub input: Vec<Option<usize>>,
    /// First output number.
    pub out: Vec<Option<usize>>,
}

impl Facts {
    pub fn new(graph: &Graph, body: &Body) -> Facts {
        let n = graph.nodes.len();
        let mut f = Facts { single: vec![false; n], input: vec![None; n], out: vec![None; n] };
        for (i, input) in body.inputs.iter().enumerate() {
            f.input[input.node] = Some(i);
            f.single[input.node] = input.class == Class::Single;
        }
        for (j, &node) in body.outs.iter().enumerate().rev() {
            f.out[node] = Some(j);
        }
        for &node in &body.nodes {
            f.single[node] = f.out[node].is_none() && graph.nodes[node].args.iter().all(|&a| f.single[a]);
        }
        f
    }
}

/// Memory of a worker's own, given out and taken back while steps are written.
#[derive(Default)]
struct Scratch {
    free: Vec<(usize, usize)>,
    top: usize,
}

impl Scratch {
    fn take(&mut self, bytes: usize) -> usize {
        if let Some(i) = self.free.iter().position(|f| f.1 == bytes) {
            return self.free.swap_remove(i).0;
        }
        let at = self.top;
        // A cache line between neighbours keeps equal positions of two tiles out of one cache set.
        self.top += bytes.next_multiple_of(64) + 64;
        at
    }
}

struct Writer<'g> {
    graph: &'g Graph,
    facts: &'g Facts,
    tile: usize,
    scratch: Scratch,
    at: Vec<Option<Ref>>,
    list: Vec<Step>,
}

/// Write the steps for these units, in order. A fold's elements go to a tile of its own, so the tile stays small.
///
/// # Errors
/// Casts there are not.
pub(crate) fn write(
    graph: &Graph,
    body: &Body,
    facts: &Facts,
    units: &[Unit],
    for_fold: bool,
) -> Result<Steps> {
    let streams = !for_fold
        && matches!(units, [Unit::Kernel(..)] | [Unit::One(_)])
        && body.inputs.iter().all(|i| i.ready && i.class != Class::Scattered);
    let loops = !for_fold && units.iter().any(|u| matches!(u, Unit::One(_)));
    let tile = match (streams, loops) {
        (true, _) => STREAM,
        (false, true) => LOOPS,
        (false, false) => TILE,
    };
    let mut w = Writer {
        graph,
        facts,
        tile,
        scratch: Scratch::default(),
        at: vec![None; graph.nodes.len()],
        list: vec![],
    };
    // The unit that uses a node last.
    let mut last = vec![0; graph.nodes.len()];
    for (t, unit) in units.iter().enumerate() {
        for &node in unit.nodes() {
            graph.nodes[node].args.iter().for_each(|&a| last[a] = t);
        }
    }
    for (i, input) in body.inputs.iter().enumerate() {
        w.input(i, input);
    }
    for (t, unit) in units.iter().enumerate() {
        match unit {
            Unit::One(node) => w.one(*node, true)?,
            Unit::Kernel(nodes, kernel) => w.kernel(nodes, kernel)?,
        }
        let operands = unit.nodes().iter().flat_map(|&n| graph.nodes[n].args.iter().copied());
        let mut dead: Vec<NodeId> =
            operands.filter(|&a| last[a] == t && !unit.nodes().contains(&a)).collect();
        dead.sort_unstable();
        dead.dedup();
        dead.into_iter().for_each(|a| w.release(a));
    }
    // One node as several outputs, inputs as outputs.
    for (j, &node) in body.outs.iter().enumerate() {
        let size = graph.nodes[node].dtype.itemsize;
        let to = Ref { place: Place::Out(j), stride: size as isize };
        let from = w.at[node];
        if from == Some(to) {
            continue;
        }
        let dt = &graph.nodes[node].dtype;
        match (w.facts.input[node], from) {
            (Some(i), from) if from.is_none_or(|r| matches!(r.place, Place::Input(_))) => {
                let transfer = body.inputs[i].transfer.clone();
                w.list.push(Step::Load { input: i, transfer, size, to });
            }
            (_, Some(from)) => {
                let transfer = Arc::new(Transfer::new(dt, dt, true)?);
                w.list.push(Step::Move(MoveStep { node, transfer, from, to, once: false, report: None }));
            }
            (_, None) => unreachable!("a node of the body has a place"),
        }
    }
    let out_sizes = body.outs.iter().map(|&n| graph.nodes[n].dtype.itemsize).collect();
    let is_dense_input =
        matches!(&body.inputs[..], [i] if i.ready && i.class == Class::Dense) && units.is_empty();
    Ok(Steps { list: w.list, scratch: w.scratch.top, tile, out_sizes, is_dense_input })
}

impl Unit {
    pub fn nodes(&self) -> &[NodeId] {
        match self {
            Unit::One(n) => std::slice::from_ref(n),
            Unit::Kernel(nodes, _) => nodes,
        }
    }
}

impl Writer<'_> {
    fn input(&mut self, i: usize, input: &PlanInput) {
        let size = self.graph.nodes[input.node].dtype.itemsize;
        let single = input.class == Class::Single;
        let stride = if single { 0 } else { size as isize };
        if input.ready && input.class != Class::Scattered {
            self.at[input.node] = Some(Ref { place: Place::Input(i), stride });
            return;
        }
        // Nothing but an output: it is loaded straight there.
        let used = |n: &crate::graph::Node| n.args.contains(&input.node);
        if self.facts.out[input.node].is_some() && !self.graph.nodes.iter().any(used) {
            return;
        }
        let bytes = if single { size } else { size * self.tile };
        let to = Ref { place: Place::Scratch(self.scratch.take(bytes)), stride };
        let transfer = input.transfer.clone();
        self.list.push(Step::Load { input: i, transfer, size, to });
        self.at[input.node] = Some(to);
    }
    /// A place for the result of a node.
    fn result(&mut self, node: NodeId, is_output: bool) -> Ref {
        let size = self.graph.nodes[node].dtype.itemsize;
        if let (true, Some(j)) = (is_output, self.facts.out[node]) {
            return Ref { place: Place::Out(j), stride: size as isize };
        }
        let single = self.facts.single[node];
        let bytes = if single { size } else { size * self.tile };
        Ref {
            place: Place::Scratch(self.scratch.take(bytes)),
            stride: if single { 0 } else { size as isize },
        }
    }
    fn release(&mut self, node: NodeId) {
        let Some(Ref { place: Place::Scratch(at), stride }) = self.at[node] else { return };
        let size = self.graph.nodes[node].dtype.itemsize;
        let bytes = if stride == 0 { size } else { size * self.tile };
        self.scratch.free.push((at, bytes));
    }
    fn operand(&self, node: NodeId) -> Ref {
        self.at[node].expect("operands come before their users")
    }
    /// A registered loop or cast.
    fn one(&mut self, node: NodeId, is_output: bool) -> Result<()> {
        let n = &self.graph.nodes[node];
        let apply = self.graph.is_apply(node).expect("a body consists of operations");
        let once = self.facts.single[node];
        if apply.is_cast() {
            let [from, to] = &apply.found.dtypes[..] else { unreachable!("a cast has two dtypes") };
            let transfer = Transfer::new(from, to, true)?;
            let report = Some(Report { index: apply.report, quiet: !transfer.sets_fp() });
            let from = self.operand(n.args[0]);
            let to = self.result(node, is_output);
            let transfer = Arc::new(transfer);
            self.list.push(Step::Move(MoveStep { node, transfer, from, to, once, report }));
            self.at[node] = Some(to);
            return Ok(());
        }
        let def = &apply.found.def;
        let mut refs: SmallVec<[Ref; 4]> = n.args.iter().map(|&a| self.operand(a)).collect();
        let mut unused = vec![];
        let outs = &apply.found.dtypes[n.args.len()..];
        let to = self.result(node, is_output);
        for (k, dt) in outs.iter().enumerate() {
            refs.push(if k == apply.out {
                to
            } else {
                let bytes = dt.itemsize * self.tile;
                let at = self.scratch.take(bytes);
                unused.push((at, bytes));
                Ref { place: Place::Scratch(at), stride: dt.itemsize as isize }
            });
        }
        self.scratch.free.extend(unused);
        let quiet = apply.op == CallOp::Where || def.flags.contains(LoopFlags::NO_FP_ERRORS);
        self.list.push(Step::Loop(LoopStep {
            node,
            func: def.func,
            aux: def.aux,
            itemsizes: apply.found.dtypes.iter().map(|d| d.itemsize).collect(),
            refs,
            once,
            report: Report { index: apply.report, quiet },
        }));
        self.at[node] = Some(to);
        Ok(())
    }
    fn kernel(&mut self, nodes: &[NodeId], kernel: &Arc<Kernel>) -> Result<()> {
        let mut refs: SmallVec<[Ref; 8]> = kernel.inputs.iter().map(|&a| self.operand(a)).collect();
        let results: Vec<Ref> = kernel.outs.iter().map(|&node| self.result(node, true)).collect();
        refs.extend(results.iter().copied());
        // Tiles with scratch memory are run again whole: a slice would find its operands at their start.
        let slice = if self.tile == STREAM { TILE } else { self.tile };
        let mut again = vec![];
        if kernel.raises {
            // The same operations again, with results of their own. Their memory is free for others afterwards, as
            // what they compute is not looked at.
            let (at, list) = (self.at.clone(), std::mem::take(&mut self.list));
            let free = std::mem::take(&mut self.scratch.free);
            let tile = std::mem::replace(&mut self.tile, slice);
            for &node in nodes {
                self.one(node, false)?;
            }
            again = std::mem::replace(&mut self.list, list);
            self.at = at;
            self.scratch.free = free;
            self.tile = tile;
        }
        for (&node, &to) in kernel.outs.iter().zip(&results) {
            self.at[node] = Some(to);
        }
        self.list.push(Step::Kernel(KernelStep {
            kernel: kernel.clone(),
            slice,
            nodes: nodes.to_vec(),
            refs,
            again,
        }));
        Ok(())
    }
}
