//! From a graph and the layout of its inputs to groups that can run.
//!
//! A *group* is a loop nest: elementwise operations over one shape, and perhaps a fold of what they give. Cuts are made
//! where a fold ends, where a smaller result is repeated over a larger shape (it is computed once, like numpy does), and at
//! costly results that several groups need. Everything else is computed where it is used, even twice, because memory is
//! what fusion saves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use micronumpy::array::broadcast_shapes;
use micronumpy::cast::Transfer;
use micronumpy::iter::{AxisPlan, PerOp, axis_order, broadcast_strides, strides_by_order};
use micronumpy::ufunc::exec::same_bytes;
use micronumpy::ufunc::resolve::native;
use micronumpy::{Dims, Dtype, Result};
use smallvec::SmallVec;
use ufuncs::LoopFlags;

use crate::exec::fold::{FoldPlan, Order};
use crate::exec::map::OutPlan;
use crate::expr::{Axes, CallOp, folded_shape};
use crate::graph::{FoldOp, Graph, Input, NodeId, Op};
use crate::kernel::schedule;
use crate::layout::{Class, Layout};
use crate::options::{Options, Tier};
use crate::plan::{Body, Facts, PlanInput, Report, Steps, Unit, write};

/// How an input or an output lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lie {
    pub shape: Dims,
    pub strides: Dims,
    pub dtype: Dtype,
    pub aligned: bool,
}

/// Where a group finds an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// Number of an input of the graph.
    Input(usize),
    /// The result of an earlier group.
    Group(usize),
}

pub(crate) enum Kind {
    Map(Vec<OutPlan>),
    Fold(Box<FoldPlan>),
}

/// A loop nest.
pub(crate) struct Group {
    pub sources: Vec<Source>,
    pub body: Body,
    pub facts: Facts,
    pub layout: Layout,
    pub kind: Kind,
    /// Number of elements; `None`: as many as the flat walk has.
    pub total: Option<usize>,
    /// Where the result goes.
    pub result: Lie,
    /// What an element costs, in plain operations.
    pub cost: usize,
    blocks: Steps,
    compiled: OnceLock<Option<Steps>>,
    /// Elements times operations so far.
    work: AtomicU64,
}

/// Groups in the order they run.
pub(crate) struct Bound {
    pub groups: Vec<Group>,
    /// Which group leaves each root.
    pub roots: Vec<usize>,
    /// Inputs that are counts, and what they are; `None`: as many as the flat walk has elements.
    pub counts: Vec<(usize, Option<usize>)>,
}

/// Elements times operations after which compiling has cost less than it saves: compiling takes a few tenths of a
/// millisecond, and a fused operation saves about a fifth of a nanosecond per element.
const HOT: u64 = 3_000_000;
/// Results of smaller shapes are kept rather than computed again for every repetition up to this size.
const KEPT_BYTES: usize = 4 << 20;
/// Operations a shared result may take to be computed twice.
const CHEAP: usize = 8;

impl Group {
    /// The steps to take now, for `total` elements.
    pub fn steps(&self, graph: &Graph, total: usize, options: &Options) -> &Steps {
        if self.body.nodes.len() < 2 || matches!(options.tier, Tier::Blocks | Tier::Unfused) {
            return &self.blocks;
        }
        let work = total as u64 * self.body.nodes.len() as u64;
        let before = self.work.fetch_add(work, Ordering::Relaxed);
        if options.tier == Tier::Auto && before + work < HOT {
            return &self.blocks;
        }
        self.compiled(graph, options).unwrap_or(&self.blocks)
    }
    /// The steps with kernels, if there are any.
    fn compiled(&self, graph: &Graph, options: &Options) -> Option<&Steps> {
        let made = self.compiled.get_or_init(|| {
            let units = schedule(graph, &self.body, &self.facts, options.backend);
            if units.iter().all(|u| matches!(u, Unit::One(_))) {
                return None;
            }
            write(graph, &self.body, &self.facts, &units, matches!(self.kind, Kind::Fold(..))).ok()
        });
        made.as_ref()
    }
    pub fn blocks(&self) -> &Steps {
        &self.blocks
    }
    /// The compiled steps, if they were made.
    pub fn made(&self) -> Option<&Steps> {
        self.compiled.get().and_then(Option::as_ref)
    }
}

/// Work out everything that does not depend on addresses and values.
///
/// # Errors
/// Shapes that do not broadcast, casts there are not.
pub(crate) fn bind(
    graph: &Graph,
    inputs: &[Lie],
    outs: &[Option<Lie>],
    flat: bool,
    options: &Options,
) -> Result<Bound> {
    let places = places(graph, inputs)?;
    let cut = if options.tier == Tier::Unfused {
        let mut all: Vec<bool> =
            (0..graph.nodes.len()).map(|id| !is_input(graph, id) && !is_operand(graph, id)).collect();
        graph.roots.iter().for_each(|&r| all[r] = true);
        all
    } else {
        cuts(graph, &places)
    };
    let mut groups: Vec<Group> = vec![];
    let mut group_of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for node in 0..graph.nodes.len() {
        if !cut[node] {
            continue;
        }
        let out = graph.roots.iter().position(|&r| r == node).and_then(|i| outs[i].as_ref());
        let b = Binder { graph, places: &places, cut: &cut, group_of: &group_of, inputs, flat, options };
        groups.push(b.group(node, out)?);
        group_of[node] = Some(groups.len() - 1);
    }
    let roots = graph.roots.iter().map(|&r| group_of[r].expect("roots end groups")).collect();
    let mut counts = vec![];
    for (i, input) in graph.inputs.iter().enumerate() {
        if let Input::Count { of, axes } = input {
            let shape = &places[*of].0;
            let folded = fitted(axes, shape.len());
            let n = shape.iter().zip(&folded).filter(|(_, f)| **f).map(|(&n, _)| n as usize).product();
            counts.push((i, if flat && !shape.is_empty() { None } else { Some(n) }));
        }
    }
    Ok(Bound { groups, roots, counts })
}

/// Shape and strides of every node, had it been computed into an array of its own.
fn places(graph: &Graph, inputs: &[Lie]) -> Result<Vec<(Dims, Dims)>> {
    let mut places: Vec<(Dims, Dims)> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let place = match &node.op {
            Op::Input(i) => (inputs[*i].shape.clone(), inputs[*i].strides.clone()),
            Op::Apply(a) if a.op == CallOp::Operand => places[node.args[0]].clone(),
            Op::Apply(a) if a.is_cast() => {
                let (shape, strides) = &places[node.args[0]];
                (
                    shape.clone(),
                    copied_strides(shape, strides, node.dtype.itemsize, &graph.nodes[node.args[0]].dtype),
                )
            }
            Op::Apply(_) => {
                let shapes: SmallVec<[&[isize]; 3]> = node.args.iter().map(|&a| &places[a].0[..]).collect();
                let shape = broadcast_shapes(&shapes)?;
                let rows: PerOp<Dims> = node
                    .args
                    .iter()
                    .map(|&a| broadcast_strides(&places[a].0, &places[a].1, &shape))
                    .collect::<Result<_>>()?;
                let rows: PerOp<&[isize]> = rows.iter().map(|r| &r[..]).collect();
                let order = axis_order(shape.len(), &rows);
                let strides = strides_by_order(&shape, &order, node.dtype.itemsize);
                (shape, strides)
            }
            Op::Fold(f) => {
                let (shape, strides) = &places[node.args[0]];
                let axes = fitted(&f.axes, shape.len());
                let result = folded_shape(shape, &axes, f.keepdims);
                let mut order: SmallVec<[usize; 8]> = axis_order(shape.len(), &[strides]);
                if !f.keepdims {
                    order.retain(|a| !axes[*a]);
                    for a in &mut order {
                        *a -= axes[..*a].iter().filter(|&&f| f).count();
                    }
                }
                let strides = strides_by_order(&result, &order, node.dtype.itemsize);
                (result, strides)
            }
        };
        places.push(place);
    }
    Ok(places)
}

/// The folded axes for a shape; a flat walk has one axis where the expression has several.
fn fitted(axes: &Axes, ndim: usize) -> Axes {
    if axes.len() == ndim { axes.clone() } else { Axes::from_elem(true, ndim) }
}

/// Strides of a copy that keeps the order of axes.
fn copied_strides(shape: &[isize], strides: &[isize], itemsize: usize, from: &Dtype) -> Dims {
    use micronumpy::array::{contiguous_strides, is_c_contiguous, is_f_contiguous, sorted_like_strides};
    let st = if is_c_contiguous(shape, strides, from.itemsize) || shape.len() <= 1 {
        contiguous_strides(shape, itemsize, false)
    } else if is_f_contiguous(shape, strides, from.itemsize) {
        contiguous_strides(shape, itemsize, true)
    } else {
        sorted_like_strides(shape, strides, itemsize)
    };
    Dims::from_vec(st)
}

fn size(shape: &[isize]) -> usize {
    shape.iter().map(|&n| n as usize).product()
}

/// Which nodes end a group.
fn cuts(graph: &Graph, places: &[(Dims, Dims)]) -> Vec<bool> {
    let n = graph.nodes.len();
    let mut cut = vec![false; n];
    for &root in &graph.roots {
        cut[root] = true;
    }
    for (id, node) in graph.nodes.iter().enumerate() {
        cut[id] |= matches!(node.op, Op::Fold(_));
        if matches!(node.op, Op::Apply(_)) {
            for &a in &node.args {
                let a = if is_operand(graph, a) { graph.nodes[a].args[0] } else { a };
                let repeated = places[a].0 != places[id].0;
                let small = size(&places[a].0) * graph.nodes[a].dtype.itemsize <= KEPT_BYTES;
                // A number's conversion is cheaper than a group of its own.
                let computed = graph
                    .is_apply(a)
                    .is_some_and(|x| !(x.is_cast() && is_input(graph, graph.nodes[a].args[0])));
                cut[a] |= repeated && small && computed;
            }
        }
    }
    // What several groups need and is dear is computed once.
    loop {
        let mut uses = vec![0usize; n];
        let mut cost = vec![0usize; n];
        for id in 0..n {
            if !cut[id] {
                continue;
            }
            let body = body_of(graph, id, &cut);
            body.iter().for_each(|&b| uses[b] += 1);
        }
        for id in 0..n {
            if graph.is_apply(id).is_some() {
                let own = own_cost(graph, id);
                let below =
                    graph.nodes[id].args.iter().filter(|&&a| !cut[a]).map(|&a| cost[a]).sum::<usize>();
                cost[id] = (own + below).min(1000);
            }
        }
        // The last of a chain of shared nodes saves the most.
        let dear =
            (0..n).rev().find(|&id| uses[id] > 1 && !cut[id] && cost[id] > CHEAP && !is_operand(graph, id));
        match dear {
            Some(id) => cut[id] = true,
            None => return cut,
        }
    }
}

fn is_input(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.nodes[id].op, Op::Input(_))
}

/// What an operation costs per element, in plain operations. One that has no compiled form is a function as a rule.
fn own_cost(graph: &Graph, id: NodeId) -> usize {
    let plain = graph.is_apply(id).is_some_and(|a| crate::lower::row(a).is_some());
    if plain { 1 } else { CHEAP }
}

/// Whether a node is a cast that no array ever holds: such a one never ends a group.
fn is_operand(graph: &Graph, id: NodeId) -> bool {
    graph.is_apply(id).is_some_and(|a| a.op == CallOp::Operand)
}

/// The operations between a node that ends a group and its inputs, operands first; the node itself unless it is a fold.
fn body_of(graph: &Graph, root: NodeId, cut: &[bool]) -> Vec<NodeId> {
    let mut inside = vec![false; root + 1];
    match graph.nodes[root].op {
        Op::Apply(_) => inside[root] = true,
        Op::Fold(_) => {
            let e = graph.nodes[root].args[0];
            inside[e] = graph.is_apply(e).is_some() && !cut[e];
        }
        Op::Input(_) => {}
    }
    for id in (0..=root).rev().filter(|&id| graph.is_apply(id).is_some()) {
        if inside[id] {
            for &a in &graph.nodes[id].args {
                inside[a] |= graph.is_apply(a).is_some() && !cut[a];
            }
        }
    }
    (0..=root).filter(|&id| inside[id]).collect()
}

struct Binder<'b> {
    graph: &'b Graph,
    places: &'b [(Dims, Dims)],
    cut: &'b [bool],
    group_of: &'b [Option<usize>],
    inputs: &'b [Lie],
    flat: bool,
    options: &'b Options,
}

impl Binder<'_> {
    fn group(&self, root: NodeId, out: Option<&Lie>) -> Result<Group> {
        let graph = self.graph;
        let node = &graph.nodes[root];
        let nodes = body_of(graph, root, self.cut);
        let is_fold = matches!(node.op, Op::Fold(_));
        // What the elementwise part gives.
        let e = if is_fold { node.args[0] } else { root };
        let mut read: Vec<NodeId> = vec![];
        for &id in &nodes {
            for &a in &graph.nodes[id].args {
                if !nodes.contains(&a) && !read.contains(&a) {
                    read.push(a);
                }
            }
        }
        if nodes.is_empty() {
            read.push(e);
        }
        let shape = &self.places[e].0;
        let mut rows: PerOp<Dims> = PerOp::new();
        for &id in &read {
            rows.push(broadcast_strides(&self.places[id].0, &self.places[id].1, shape)?);
        }
        let result = Lie {
            shape: self.places[root].0.clone(),
            strides: self.places[root].1.clone(),
            dtype: node.dtype.clone(),
            aligned: true,
        };
        let to = out.unwrap_or(&result);
        if !is_fold {
            rows.push(to.strides.clone());
        }
        let (layout, fold_layout) = match &node.op {
            Op::Fold(f) => {
                let (layout, walk) = self.fold_layout(f, e, &result, &rows);
                (layout, Some((walk, f.clone())))
            }
            _ if self.flat => (
                Layout::flat(&rows.iter().map(|r| r.last().copied().unwrap_or(0)).collect::<PerOp<_>>()),
                None,
            ),
            _ => {
                let views: PerOp<&[isize]> = rows.iter().map(|r| &r[..]).collect();
                (Layout::from_plan(&AxisPlan::new(shape, &views), rows.len()), None)
            }
        };
        let mut plan_inputs = vec![];
        let mut sources = vec![];
        for (k, &id) in read.iter().enumerate() {
            let size = graph.nodes[id].dtype.itemsize;
            let (source, lie) = match graph.nodes[id].op {
                Op::Input(i) => (Source::Input(i), Some(&self.inputs[i])),
                _ => (Source::Group(self.group_of[id].expect("groups come in order")), None),
            };
            let ready = lie.is_none_or(|l| l.aligned && l.dtype.is_native());
            let from = lie.map_or(&graph.nodes[id].dtype, |l| &l.dtype);
            plan_inputs.push(PlanInput {
                node: id,
                class: layout.class(k, size),
                transfer: Arc::new(Transfer::new(from, &native(from), ready)?),
                ready,
            });
            sources.push(source);
        }
        let body = Body { nodes, inputs: plan_inputs, outs: vec![e] };
        let facts = Facts::new(graph, &body);
        // Elements that are not what the loop takes pass through a buffer.
        let through_buffer = body.nodes.is_empty() && body.inputs.iter().any(|i| !i.ready);
        let kind = match fold_layout {
            Some((walk, f)) => Kind::Fold(Box::new(self.fold_plan(&f, walk, f.buffered || through_buffer))),
            None => {
                let k = read.len();
                let itemsize = node.dtype.itemsize;
                let transfer = Transfer::new(&node.dtype, &to.dtype, to.aligned)?;
                let report =
                    graph.is_apply(root).map(|a| Report { index: a.report, quiet: !transfer.sets_fp() });
                let dense = layout.class(k, itemsize) == Class::Dense || size(&to.shape) == 1;
                let same = same_bytes(&node.dtype, &to.dtype);
                Kind::Map(vec![OutPlan {
                    operand: k,
                    direct: dense && same && to.aligned,
                    transfer: Arc::new(transfer),
                    size: itemsize,
                    report: report.filter(|_| !same),
                }])
            }
        };
        let cost = body.nodes.iter().map(|&n| own_cost(graph, n)).sum::<usize>() + 1;
        let units: Vec<Unit> = body.nodes.iter().map(|&n| Unit::One(n)).collect();
        let blocks = write(graph, &body, &facts, &units, is_fold)?;
        Ok(Group {
            sources,
            body,
            facts,
            layout,
            kind,
            total: if self.flat && !shape.is_empty() { None } else { Some(size(shape)) },
            result,
            cost,
            blocks,
            compiled: OnceLock::new(),
            work: AtomicU64::new(0),
        })
    }

    /// The walk of a fold, as numpy would take it over an array of the elements: the layout of the inputs along it, and
    /// the merged axes with the strides of results and of that array.
    fn fold_layout(&self, f: &FoldOp, e: NodeId, result: &Lie, inputs: &PerOp<Dims>) -> (Layout, Walk) {
        let (shape, strides) = &self.places[e];
        let axes = fitted(&f.axes, shape.len());
        let mut own = result.strides.iter();
        let out: Dims = axes
            .iter()
            .zip(shape)
            .map(|(&folded, &n)| match (folded, f.keepdims) {
                (true, true) => {
                    own.next();
                    0
                }
                (true, false) => 0,
                (false, _) => own.next().copied().filter(|_| n != 1).unwrap_or(0),
            })
            .collect();
        let order = axis_order(shape.len(), &[&out, strides]);
        let sorted = |row: &Dims| -> Dims { order.iter().map(|&a| row[a]).collect() };
        let (shape, out, strides) = (sorted(shape), sorted(&out), sorted(strides));
        let walk = AxisPlan::in_order(&shape, &[&out, &strides]);
        let rows: PerOp<Dims> = inputs.iter().map(sorted).collect();
        let views: PerOp<&[isize]> = rows.iter().map(|r| &r[..]).collect();
        let layout = if self.flat {
            Layout::flat(&rows.iter().map(|r| r.last().copied().unwrap_or(0)).collect::<PerOp<_>>())
        } else {
            Layout::from_plan(&AxisPlan::in_order(&shape, &views), rows.len())
        };
        let column = |k: usize| -> Dims { walk.strides.iter().skip(k).step_by(2).copied().collect() };
        let (out_strides, own) = (column(0), column(1));
        let itemsize = self.graph.nodes[e].dtype.itemsize as isize;
        let dense = own.last().is_none_or(|&s| s == itemsize);
        (layout, Walk { shape: walk.shape, out_strides, dense })
    }
    fn fold_plan(&self, f: &FoldOp, walk: Walk, buffered: bool) -> FoldPlan {
        let dtype = &f.found.dtypes[0];
        let identity = ufuncs::table::find(f.name).map_or(ufuncs::Identity::None, |u| u.identity);
        FoldPlan {
            name: f.name,
            def: f.found.def.clone(),
            num: dtype.num,
            size: dtype.itemsize,
            order: Order::of(f.name, dtype.num),
            shape: walk.shape,
            out_strides: walk.out_strides,
            dense: walk.dense,
            chunk: if buffered { self.options.bufsize.max(1) } else { usize::MAX },
            first: matches!(identity, ufuncs::Identity::None | ufuncs::Identity::ReorderableNone),
            identity,
            report: Report { index: f.report, quiet: f.found.def.flags.contains(LoopFlags::NO_FP_ERRORS) },
        }
    }
}

struct Walk {
    shape: Dims,
    out_strides: Dims,
    dense: bool,
}
