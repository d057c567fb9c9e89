//! An expression flattened: typed nodes in the order numpy would run them, without shapes and without data.
//!
//! What is left out is what changes from call to call: arrays, numbers, lengths. So a graph is what evaluations of the
//! same program text have in common; its [`Graph::key`] finds what was worked out for it before. Only numbers that
//! decide how an operation is computed stay in ([`Apply::pinned`]).

use std::collections::HashMap;
use std::sync::Arc;

use micronumpy::iter::PerOp;
use micronumpy::ufunc::resolve::native;
use micronumpy::{Dtype, Error, Result};
use smallvec::SmallVec;

use crate::expr::{Axes, Call, CallOp, Expr, Kind, Node as ExprNode, Source};
use crate::number::{Element, Number};
use crate::typing::Found;

/// Position of a node in [`Graph::nodes`]; operands come before their users.
pub(crate) type NodeId = usize;

pub(crate) struct Node {
    pub op: Op,
    pub args: SmallVec<[NodeId; 3]>,
    /// Native.
    pub dtype: Dtype,
}

#[derive(Clone)]
pub(crate) enum Op {
    /// Index into [`Graph::inputs`].
    Input(usize),
    Apply(Arc<Apply>),
    Fold(Arc<FoldOp>),
}

/// An elementwise operation.
pub(crate) struct Apply {
    pub op: CallOp,
    pub found: Found,
    /// Which of the results.
    pub out: usize,
    /// Whose status it raises: index into [`Graph::reports`].
    pub report: usize,
    /// The value of the last operand, where it decides what is computed.
    pub pinned: Option<Element>,
}

impl Apply {
    pub fn name(&self) -> &'static str {
        match self.op {
            CallOp::Ufunc(name) => name,
            CallOp::Cast | CallOp::Written | CallOp::Operand => "cast",
            CallOp::Where => "where",
        }
    }
    /// Whether the status it raises means something.
    pub fn raises(&self) -> bool {
        use ufuncs::LoopFlags;
        match self.op {
            CallOp::Ufunc(_) => !self.found.def.flags.contains(LoopFlags::NO_FP_ERRORS),
            CallOp::Where => false,
            CallOp::Cast | CallOp::Written | CallOp::Operand => {
                let [from, to] = &self.found.dtypes[..] else { return false };
                !ufuncs::casts::cast_flags(from.num, to.num).contains(LoopFlags::NO_FP_ERRORS)
            }
        }
    }
    pub fn is_cast(&self) -> bool {
        matches!(self.op, CallOp::Cast | CallOp::Written | CallOp::Operand)
    }
}

/// A fold along axes.
pub(crate) struct FoldOp {
    pub name: &'static str,
    pub found: Found,
    pub axes: Axes,
    pub keepdims: bool,
    /// Whether elements are cast on the way into the fold, which numpy does a buffer at a time.
    pub buffered: bool,
    pub report: usize,
}

/// What a caller has to bring.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// Argument `arg`, an array of this dtype.
    Array { arg: usize, dtype: Dtype },
    /// Argument `arg`, a number converted to this dtype.
    Number { arg: usize, dtype: Dtype },
    /// Always the same number.
    Constant { value: Element, dtype: Dtype },
    /// How many elements of a node's shape its fold along these axes puts together.
    Count { of: NodeId, axes: Axes },
}

/// An argument of an evaluation.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    Array(micronumpy::ArrayRef<'a>),
    Number(Number),
}

pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    pub inputs: Vec<Input>,
    /// The results.
    pub roots: Vec<NodeId>,
    /// Names of the calls that can raise status, in program order.
    pub reports: Vec<&'static str>,
    /// Number of arguments.
    pub args: usize,
}

impl Graph {
    /// Flatten expressions whose leaves are [`Expr::argument`]s, numbers and elements; or, with `gathered`, arrays and
    /// numbers, which become arguments in order of appearance.
    ///
    /// # Errors
    /// Mistakes inside the expressions; arrays where there must be none.
    pub fn flatten<'e, 'a>(roots: &'e [Expr<'a>], gathered: Option<&mut Vec<Leaf<'e, 'a>>>) -> Result<Graph> {
        let graph = Graph { nodes: vec![], inputs: vec![], roots: vec![], reports: vec![], args: 0 };
        let mut f = Flattening { graph, gathered, done: HashMap::new(), calls: HashMap::new() };
        for root in roots {
            root.check()?;
            let id = match &root.0.kind {
                Kind::Number(_) | Kind::Argument { weak: Some(_), .. } => f.number(root, root.dtype())?,
                _ => {
                    f.visit(root)?;
                    f.at(root)
                }
            };
            f.graph.roots.push(id);
        }
        Ok(f.graph)
    }

    /// Equal keys mean equal graphs.
    pub fn key(&self) -> Vec<u64> {
        let mut k = vec![];
        let dtype = |k: &mut Vec<u64>, d: &Dtype| {
            let unit = d.datetime_meta().map_or(0, |m| (m.unit as u64) << 32 | m.num as u32 as u64);
            k.extend([d.num.0 as u64 | (d.byteorder as u64) << 32, unit]);
        };
        let axes = |k: &mut Vec<u64>, a: &Axes| {
            k.push(a.len() as u64);
            k.extend(a.chunks(64).map(|c| c.iter().rev().fold(0, |w, &f| w << 1 | u64::from(f))));
        };
        for input in &self.inputs {
            match input {
                Input::Array { arg, dtype: d } => {
                    k.extend([1, *arg as u64]);
                    dtype(&mut k, d);
                }
                Input::Number { arg, dtype: d } => {
                    k.extend([2, *arg as u64]);
                    dtype(&mut k, d);
                }
                Input::Constant { value, dtype: d } => {
                    k.push(4);
                    k.extend(value.words());
                    dtype(&mut k, d);
                }
                Input::Count { of, axes: a } => {
                    k.extend([3, *of as u64]);
                    axes(&mut k, a);
                }
            }
        }
        for node in &self.nodes {
            k.push(node.args.len() as u64);
            k.extend(node.args.iter().map(|&a| a as u64));
            match &node.op {
                Op::Input(i) => k.extend([10, *i as u64]),
                Op::Apply(a) => {
                    let kind = match a.op {
                        CallOp::Ufunc(_) => 11,
                        CallOp::Cast => 12,
                        CallOp::Written => 13,
                        CallOp::Where => 14,
                        CallOp::Operand => 16,
                    };
                    k.extend([kind, a.name().as_ptr() as u64, a.out as u64, a.report as u64]);
                    a.found.dtypes.iter().for_each(|d| dtype(&mut k, d));
                    k.push(a.found.def.func as usize as u64);
                    match a.pinned {
                        Some(e) => k.extend(e.words()),
                        None => k.push(u64::MAX),
                    }
                }
                Op::Fold(f) => {
                    k.extend([15, f.name.as_ptr() as u64, f.report as u64]);
                    k.push(f.found.def.func as usize as u64);
                    k.push(u64::from(f.keepdims) | u64::from(f.buffered) << 1);
                    axes(&mut k, &f.axes);
                }
            }
            dtype(&mut k, &node.dtype);
        }
        k.extend(self.roots.iter().map(|&r| r as u64));
        k
    }
    /// Whether every fold takes all axes away, so that the axes do not matter.
    pub fn folds_everything(&self) -> bool {
        self.nodes.iter().all(|n| match &n.op {
            Op::Fold(f) => f.axes.iter().all(|&a| a) && (!f.keepdims || f.axes.is_empty()),
            _ => true,
        }) && self.inputs.iter().all(|i| match i {
            Input::Count { axes, .. } => axes.iter().all(|&a| a),
            _ => true,
        })
    }
    pub fn is_apply(&self, id: NodeId) -> Option<&Apply> {
        match &self.nodes[id].op {
            Op::Apply(a) => Some(a),
            _ => None,
        }
    }
}

/// An argument found while flattening.
pub(crate) enum Leaf<'e, 'a> {
    Array(&'e Source<'a>),
    Element(&'e Element, &'e Dtype),
    Number(Number),
}

struct Flattening<'e, 'a, 'g> {
    graph: Graph,
    gathered: Option<&'g mut Vec<Leaf<'e, 'a>>>,
    done: HashMap<*const ExprNode<'a>, NodeId>,
    /// The report of each call that was met.
    calls: HashMap<*const Call<'a>, usize>,
}

impl<'e, 'a> Flattening<'e, 'a, '_> {
    /// Operands first. Expressions are as deep as programs make them, so the way down is a list and not the stack.
    fn visit(&mut self, root: &'e Expr<'a>) -> Result<()> {
        let mut todo = vec![(root, false)];
        while let Some((e, ready)) = todo.pop() {
            let at = Arc::as_ptr(&e.0);
            if self.done.contains_key(&at) {
                continue;
            }
            if ready {
                let id = self.node(e)?;
                self.done.insert(at, id);
                continue;
            }
            todo.push((e, true));
            let first = todo.len();
            match &e.0.kind {
                Kind::Apply { call, .. } => {
                    todo.extend(call.args.iter().filter(|a| !a.is_weak()).map(|a| (a, false)));
                }
                Kind::Fold(fold) => todo.push((&fold.arg, false)),
                Kind::Count { of, .. } => todo.push((of, false)),
                _ => {}
            }
            todo[first..].reverse();
        }
        Ok(())
    }
    /// The node of an expression that was visited.
    fn at(&self, e: &Expr<'a>) -> NodeId {
        self.done[&Arc::as_ptr(&e.0)]
    }
    fn node(&mut self, e: &'e Expr<'a>) -> Result<NodeId> {
        let dtype = native(e.dtype());
        match &e.0.kind {
            Kind::Failed(err) => Err(err.clone()),
            Kind::Array(source) => {
                let Some(arg) = self.leaf(Leaf::Array(source)) else {
                    return Err(Error::type_("an array that is no argument inside a function"));
                };
                Ok(self.input(Input::Array { arg, dtype: e.dtype().clone() }, dtype))
            }
            Kind::Element(value) => Ok(match self.leaf(Leaf::Element(value, e.dtype())) {
                Some(arg) => self.input(Input::Array { arg, dtype: e.dtype().clone() }, dtype),
                None => self.input(Input::Constant { value: *value, dtype: dtype.clone() }, dtype),
            }),
            Kind::Argument { index, weak: None } => {
                self.graph.args = self.graph.args.max(index + 1);
                Ok(self.input(Input::Array { arg: *index, dtype: e.dtype().clone() }, dtype))
            }
            Kind::Number(_) | Kind::Argument { .. } => {
                Err(Error::type_("a number without a dtype has no place of its own in an expression"))
            }
            Kind::Count { of, axes } => {
                let of = self.at(of);
                Ok(self.input(Input::Count { of, axes: axes.clone() }, dtype))
            }
            Kind::Apply { call, out } => self.apply(call, *out, dtype),
            Kind::Fold(fold) => {
                let arg = self.at(&fold.arg);
                let report = self.report("reduce");
                let want = fold.found.dtypes[1].clone();
                let before = self.graph.nodes.len();
                let arg = self.cast(arg, &want, report);
                let op = FoldOp {
                    name: fold.name,
                    found: fold.found.clone(),
                    axes: fold.axes.clone(),
                    keepdims: fold.keepdims,
                    buffered: self.graph.nodes.len() > before,
                    report,
                };
                Ok(self.push(Op::Fold(Arc::new(op)), [arg].into_iter().collect(), dtype))
            }
        }
    }
    fn apply(&mut self, call: &'e Arc<Call<'a>>, out: usize, dtype: Dtype) -> Result<NodeId> {
        let mut args: SmallVec<[NodeId; 3]> = SmallVec::new();
        let mut pinned = None;
        for (i, arg) in call.args.iter().enumerate() {
            let want = &call.found.dtypes[i];
            args.push(match &arg.0.kind {
                Kind::Number(n) => {
                    let last = i + 1 == call.args.len();
                    if let (true, CallOp::Ufunc(name)) = (last, call.op)
                        && crate::lower::looks_at_value(name)
                    {
                        pinned = Some(n.to_element(want)?);
                    }
                    self.number(arg, want)?
                }
                Kind::Argument { weak: Some(_), .. } => self.number(arg, want)?,
                _ => self.at(arg),
            });
        }
        let report = match (call.op, self.graph.nodes.get(*args.first().unwrap_or(&0)).map(|n| &n.op)) {
            (CallOp::Written, Some(Op::Apply(a))) => a.report,
            _ => match self.calls.get(&Arc::as_ptr(call)) {
                Some(&r) => r,
                None => self.report(match call.op {
                    CallOp::Ufunc(name) => name,
                    CallOp::Where => "where",
                    CallOp::Cast | CallOp::Written | CallOp::Operand => "cast",
                }),
            },
        };
        self.calls.insert(Arc::as_ptr(call), report);
        if !matches!(call.op, CallOp::Cast | CallOp::Written) {
            for (arg, want) in args.iter_mut().zip(&call.found.dtypes) {
                *arg = self.cast(*arg, want, report);
            }
        }
        let apply = Apply { op: call.op, found: call.found.clone(), out, report, pinned };
        Ok(self.push(Op::Apply(Arc::new(apply)), args, dtype))
    }
    /// A node as the dtype a loop wants it in.
    fn cast(&mut self, id: NodeId, want: &Dtype, report: usize) -> NodeId {
        let from = self.graph.nodes[id].dtype.clone();
        if micronumpy::ufunc::exec::same_bytes(&from, want) {
            return id;
        }
        let dtypes: PerOp<Dtype> = [from, want.clone()].into_iter().collect();
        let found = Found { def: crate::exec::select::no_loop(), dtypes };
        let apply = Apply { op: CallOp::Operand, found, out: 0, report, pinned: None };
        self.push(Op::Apply(Arc::new(apply)), [id].into_iter().collect(), want.clone())
    }
    fn number(&mut self, e: &'e Expr<'a>, want: &Dtype) -> Result<NodeId> {
        let dtype = want.clone();
        let input = match &e.0.kind {
            Kind::Number(n) => match self.leaf(Leaf::Number(*n)) {
                Some(arg) => Input::Number { arg, dtype },
                None => Input::Constant { value: n.to_element(want)?, dtype },
            },
            Kind::Argument { index, .. } => {
                self.graph.args = self.graph.args.max(index + 1);
                Input::Number { arg: *index, dtype }
            }
            _ => return Err(Error::type_("not a number")),
        };
        Ok(self.input(input, want.clone()))
    }
    fn input(&mut self, input: Input, dtype: Dtype) -> NodeId {
        if let Some(i) = self.graph.inputs.iter().position(|x| *x == input) {
            let same = |n: &Node| matches!(n.op, Op::Input(k) if k == i);
            if let Some(id) = self.graph.nodes.iter().position(same) {
                return id;
            }
        }
        self.graph.inputs.push(input);
        self.push(Op::Input(self.graph.inputs.len() - 1), SmallVec::new(), dtype)
    }
    /// An argument more, if they are being gathered.
    fn leaf(&mut self, leaf: Leaf<'e, 'a>) -> Option<usize> {
        let list = self.gathered.as_mut()?;
        list.push(leaf);
        self.graph.args = list.len();
        Some(list.len() - 1)
    }
    fn report(&mut self, name: &'static str) -> usize {
        self.graph.reports.push(name);
        self.graph.reports.len() - 1
    }
    fn push(&mut self, op: Op, args: SmallVec<[NodeId; 3]>, dtype: Dtype) -> NodeId {
        self.graph.nodes.push(Node { op, args, dtype });
        self.graph.nodes.len() - 1
    }
}
