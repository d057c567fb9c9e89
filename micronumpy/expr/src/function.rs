//! Functions: expressions of arguments, worked out once per way the arguments lie, run any number of times.
//!
//! A call that looks like an earlier one finds everything decided and runs tiles at once. Contiguous arguments of one shape
//! look alike whatever their length; other layouts are known by their exact shapes and strides.

use std::sync::{Arc, RwLock};

use micronumpy::array::is_c_contiguous;
use micronumpy::threads;
use micronumpy::ufunc::exec::{Overlap, bounds_meet, output_shape_error, overlaps};
use micronumpy::{ArrayRef, Dims, Dtype, Error, NdArray, Order, Result, cast};
use smallvec::SmallVec;

use crate::bind::{Bound, Group, Kind, Lie, Source, bind};
use crate::exec::fold::fill_identity;
use crate::exec::{Evaluator, Pointers, fold, map};
use crate::expr::Expr;
use crate::graph::{Arg, Graph, Input};
use crate::number::{Element, Number};
use crate::options::{Options, Tier};
use crate::status::{Collected, Status};

/// Expressions of arguments, ready to be called.
///
/// ```
/// use micronumpy::{Dtype, NdArray, Order};
/// use micronumpy_expr::{Arg, Expr, Function, Number, Options};
///
/// let dtype = Dtype::float64();
/// let x = Expr::argument(0, &dtype, &[0])?;
/// let k = Expr::number_argument(1, micronumpy::ufunc::Weak::Float);
/// let f = Function::new(&[(x + 1.0) * k])?;
/// let a = NdArray::zeros(&[3], &dtype, Order::C)?;
/// let (r, status) = f.call(&[Arg::Array(a.view()), Arg::Number(Number::Float(2.0))], &Options::default())?;
/// assert_eq!(r[0].shape, [3]);
/// assert!(status.is_clear());
/// # Ok::<(), micronumpy::Error>(())
/// ```
pub struct Function {
    pub(crate) graph: Graph,
    bound: RwLock<Vec<Arc<Entry>>>,
}

/// What was worked out for calls that look alike.
struct Entry {
    key: Key,
    bound: Bound,
}

#[derive(Clone, Debug, PartialEq)]
struct Key {
    looks: Looks,
    bufsize: usize,
    backend: Option<&'static str>,
    unfused: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Looks {
    /// Contiguous arrays of one shape and single elements (a bit each); outputs like the arrays.
    Flat {
        singles: u64,
    },
    Exact {
        inputs: Vec<Lie>,
        outs: Vec<Option<Lie>>,
    },
}

/// Ways of lying a function remembers.
const REMEMBERED: usize = 64;

/// An input of one call.
struct In<'c> {
    data: *mut u8,
    shape: &'c [isize],
    strides: &'c [isize],
    dtype: &'c Dtype,
    aligned: bool,
}

impl Function {
    /// A function of the arguments the expressions mention; a result per expression.
    ///
    /// # Errors
    /// Mistakes inside the expressions, arrays among their leaves.
    pub fn new(results: &[Expr<'_>]) -> Result<Function> {
        Ok(Function::of(Graph::flatten(results, None)?))
    }
    pub(crate) fn of(graph: Graph) -> Function {
        Function { graph, bound: RwLock::default() }
    }
    /// Number of arguments.
    pub fn arguments(&self) -> usize {
        self.graph.args
    }
    /// Names of the calls that can raise status, in the order in which the expressions mention them, operands first.
    pub fn calls(&self) -> &[&'static str] {
        &self.graph.reports
    }
    /// Number of results.
    pub fn results(&self) -> usize {
        self.graph.roots.len()
    }

    /// Compute new arrays.
    ///
    /// # Errors
    /// Arguments of other dtypes than the function was made for, shapes that do not broadcast, no memory, what loops report.
    pub fn call(&self, args: &[Arg<'_>], options: &Options) -> Result<(SmallVec<[NdArray; 1]>, Status)> {
        let outs: SmallVec<[Option<ArrayRef<'_>>; 1]> = self.graph.roots.iter().map(|_| None).collect();
        let (arrays, status) = self.run(args, &outs, options)?;
        Ok((arrays.into_iter().flatten().collect(), status))
    }
    /// Compute into arrays; `None` for a new one. Outputs may overlap arguments.
    ///
    /// # Errors
    /// As [`Function::call`]; outputs of other shapes.
    pub fn call_into(
        &self,
        args: &[Arg<'_>],
        outs: &[Option<ArrayRef<'_>>],
        options: &Options,
    ) -> Result<(SmallVec<[Option<NdArray>; 1]>, Status)> {
        if outs.len() != self.graph.roots.len() {
            return Err(Error::value("one output per result is needed"));
        }
        self.run(args, outs, options)
    }

    fn run(
        &self,
        args: &[Arg<'_>],
        outs: &[Option<ArrayRef<'_>>],
        options: &Options,
    ) -> Result<(SmallVec<[Option<NdArray>; 1]>, Status)> {
        let graph = &self.graph;
        if args.len() != graph.args {
            return Err(Error::type_(format!("{} arguments where {} are needed", args.len(), graph.args)));
        }
        // Inputs an output would overwrite too early are copied.
        let mut copies: SmallVec<[(usize, NdArray); 1]> = SmallVec::new();
        let mut in_place = false;
        for out in outs.iter().flatten() {
            for (i, arg) in args.iter().enumerate() {
                let Arg::Array(arr) = arg else { continue };
                if !bounds_meet(arr, out) {
                    continue;
                }
                let same = overlaps(arr, out) == Overlap::Harmless && outs.len() == 1 && !has_repeats(out);
                in_place |= same;
                if !same && copies.iter().all(|(k, _)| *k != i) {
                    copies.push((i, NdArray::copy_of(arr, Order::Keep)?));
                }
            }
        }
        let array = |i: usize| -> Result<ArrayRef<'_>> {
            match (copies.iter().find(|(k, _)| *k == i), &args[i]) {
                (Some((_, copy)), _) => Ok(copy.view()),
                (None, Arg::Array(arr)) => Ok(*arr),
                (None, Arg::Number(_)) => Err(Error::type_(format!("argument {i} has to be an array"))),
            }
        };
        // Numbers first: what points to them must not move.
        let mut elements: SmallVec<[Element; 8]> =
            SmallVec::from_elem(Element::default(), graph.inputs.len());
        for (input, element) in graph.inputs.iter().zip(&mut elements) {
            match input {
                Input::Number { arg, dtype } => match args[*arg] {
                    Arg::Number(n) => *element = n.to_element(dtype)?,
                    Arg::Array(_) => return Err(Error::type_(format!("argument {arg} has to be a number"))),
                },
                Input::Constant { value, .. } => *element = *value,
                Input::Array { .. } | Input::Count { .. } => {}
            }
        }
        let element_data = elements.as_mut_ptr();
        let intp = Dtype::intp();
        let mut ins: SmallVec<[In<'_>; 8]> = SmallVec::new();
        for (i, input) in graph.inputs.iter().enumerate() {
            ins.push(match input {
                Input::Array { arg, dtype } => {
                    let arr = array(*arg)?;
                    if arr.dtype != dtype {
                        return Err(Error::type_(format!(
                            "argument {arg} is of type {:?} where {:?} is needed",
                            arr.dtype.num, dtype.num
                        )));
                    }
                    // The borrow of `arr` ends here, what it borrows lives on.
                    let ArrayRef { data, shape, strides, .. } = arr;
                    In { data, shape, strides, dtype, aligned: arr.is_aligned() }
                }
                Input::Number { dtype, .. } | Input::Constant { dtype, .. } => In {
                    data: element_data.wrapping_add(i).cast(),
                    shape: &[],
                    strides: &[],
                    dtype,
                    aligned: true,
                },
                Input::Count { .. } => In {
                    data: element_data.wrapping_add(i).cast(),
                    shape: &[],
                    strides: &[],
                    dtype: &intp,
                    aligned: true,
                },
            });
        }
        let flat = self.flat(&ins, outs);
        let entry = self.entry(&ins, outs, flat, options)?;
        let bound = &entry.bound;
        let walk = flat.map_or(0, |f| f.shape.iter().map(|&n| n as usize).product());
        for &(i, n) in &bound.counts {
            let count = Number::Int(n.unwrap_or(walk) as i128).to_element(&intp)?;
            // SAFETY: element `i` exists; nothing reads it before the groups run.
            unsafe { element_data.add(i).write(count) };
        }

        let status = Collected::new(graph.reports.len());
        let call = Running {
            graph,
            ins: &ins,
            flat: flat.map(|f| f.shape),
            walk,
            in_place,
            options,
            status: &status,
        };
        let mut results: SmallVec<[Option<NdArray>; 1]> = SmallVec::new();
        for (g, group) in bound.groups.iter().enumerate() {
            let out = bound.roots.iter().position(|&r| r == g).and_then(|i| outs[i].as_ref());
            let arr = call.group(group, out, &results)?;
            results.push(arr);
        }
        let status = status.finish(&graph.reports);
        let mut roots: SmallVec<[Option<NdArray>; 1]> = SmallVec::new();
        for (i, &g) in bound.roots.iter().enumerate() {
            let again = bound.roots[..i].iter().position(|&r| r == g);
            roots.push(match (again, &outs[i]) {
                (None, _) => results[g].take(),
                // One result asked for twice.
                (Some(k), None) => {
                    roots[k].as_ref().map(|a| NdArray::copy_of(&a.view(), Order::Keep)).transpose()?
                }
                (Some(k), Some(out)) => {
                    let first = roots[k].as_ref().map(NdArray::view).or(outs[k]);
                    if let Some(first) = first {
                        cast::copy_into(out, &first)?;
                    }
                    None
                }
            });
        }
        Ok((roots, status))
    }

    /// An input that tells the shape of a flat walk, if the call can take one.
    fn flat<'i, 'c>(&self, ins: &'i [In<'c>], outs: &[Option<ArrayRef<'_>>]) -> Option<&'i In<'c>> {
        if ins.len() > 64 || !self.graph.folds_everything() {
            return None;
        }
        // Strides of empty arrays say nothing of contiguity, but decide how results are laid out.
        let lead = ins.iter().find(|x| !x.shape.is_empty() && !x.shape.contains(&0))?;
        let whole = |shape: &[isize], strides: &[isize], dtype: &Dtype, aligned: bool| {
            shape == lead.shape
                && aligned
                && dtype.is_native()
                && is_c_contiguous(shape, strides, dtype.itemsize)
        };
        let fits = ins.iter().all(|x| {
            whole(x.shape, x.strides, x.dtype, x.aligned)
                || x.shape.is_empty() && x.aligned && x.dtype.is_native()
        });
        let outs_fit = outs.iter().zip(&self.graph.roots).all(|(o, &r)| match o {
            None => true,
            Some(o) => {
                *o.dtype == self.graph.nodes[r].dtype && whole(o.shape, o.strides, o.dtype, o.is_aligned())
            }
        });
        (fits && outs_fit).then_some(lead)
    }

    /// What was worked out for such a call, now or before.
    fn entry(
        &self,
        ins: &[In<'_>],
        outs: &[Option<ArrayRef<'_>>],
        flat: Option<&In<'_>>,
        options: &Options,
    ) -> Result<Arc<Entry>> {
        let singles = if flat.is_some() {
            ins.iter().enumerate().fold(0, |bits, (i, x)| bits | u64::from(x.shape.is_empty()) << i)
        } else {
            0
        };
        let unfused = options.tier == Tier::Unfused;
        let alike = |lie: &Lie, shape: &[isize], strides: &[isize], dtype: &Dtype, aligned: bool| {
            lie.shape[..] == *shape
                && lie.strides[..] == *strides
                && lie.aligned == aligned
                && lie.dtype == *dtype
        };
        let matches = |e: &Arc<Entry>| {
            e.key.bufsize == options.bufsize
                && e.key.backend == options.backend
                && e.key.unfused == unfused
                && match &e.key.looks {
                    Looks::Flat { singles: s } => flat.is_some() && *s == singles,
                    Looks::Exact { inputs, outs: o } => {
                        flat.is_none()
                            && inputs
                                .iter()
                                .zip(ins)
                                .all(|(lie, x)| alike(lie, x.shape, x.strides, x.dtype, x.aligned))
                            && o.iter().zip(outs).all(|(lie, o)| match (lie, o) {
                                (None, None) => true,
                                (Some(lie), Some(o)) => {
                                    alike(lie, o.shape, o.strides, o.dtype, o.is_aligned())
                                }
                                _ => false,
                            })
                    }
                }
        };
        let poisoned = || Error::Runtime("an evaluation panicked".into());
        if let Some(found) = self.bound.read().map_err(|_| poisoned())?.iter().find(|e| matches(e)) {
            return Ok(found.clone());
        }
        let lie = |shape: &[isize], strides: &[isize], dtype: &Dtype, aligned: bool| match flat {
            // Any length will do; with two elements strides mean something.
            Some(_) if !shape.is_empty() => Lie {
                shape: Dims::from_elem(2, 1),
                strides: Dims::from_elem(dtype.itemsize as isize, 1),
                dtype: dtype.clone(),
                aligned,
            },
            _ => Lie {
                shape: Dims::from_slice(shape),
                strides: Dims::from_slice(strides),
                dtype: dtype.clone(),
                aligned,
            },
        };
        let inputs: Vec<Lie> = ins.iter().map(|x| lie(x.shape, x.strides, x.dtype, x.aligned)).collect();
        let out_lies: Vec<Option<Lie>> = outs
            .iter()
            .map(|o| o.as_ref().map(|o| lie(o.shape, o.strides, o.dtype, o.is_aligned())))
            .collect();
        let bound = bind(&self.graph, &inputs, &out_lies, flat.is_some(), options)?;
        let looks = match flat {
            Some(_) => Looks::Flat { singles },
            None => Looks::Exact { inputs, outs: out_lies },
        };
        let key = Key { looks, bufsize: options.bufsize, backend: options.backend, unfused };
        let entry = Arc::new(Entry { key, bound });
        let mut all = self.bound.write().map_err(|_| poisoned())?;
        if all.len() >= REMEMBERED {
            all.remove(0);
        }
        all.push(entry.clone());
        Ok(entry)
    }
    pub(crate) fn each_bound(&self, mut f: impl FnMut(&Bound)) {
        if let Ok(all) = self.bound.read() {
            all.iter().for_each(|e| f(&e.bound));
        }
    }
}

/// Whether several elements of an array are one place in memory.
fn has_repeats(arr: &ArrayRef<'_>) -> bool {
    arr.shape.iter().zip(arr.strides).any(|(&n, &s)| n > 1 && s == 0)
}

/// One call under way.
struct Running<'r> {
    graph: &'r Graph,
    ins: &'r [In<'r>],
    flat: Option<&'r [isize]>,
    walk: usize,
    in_place: bool,
    options: &'r Options,
    status: &'r Collected,
}

impl Running<'_> {
    /// Run a group into an output, or a new array.
    fn group(
        &self,
        group: &Group,
        out: Option<&ArrayRef<'_>>,
        earlier: &[Option<NdArray>],
    ) -> Result<Option<NdArray>> {
        let total = group.total.unwrap_or(self.walk);
        let shape: &[isize] = match self.flat {
            Some(shape) if !group.result.shape.is_empty() => shape,
            _ => &group.result.shape,
        };
        if let Some(o) = out
            && o.shape != shape
        {
            return Err(output_shape_error(o.shape, shape));
        }
        let steps = group.steps(self.graph, total, self.options);
        let pointer = |s: &Source| match *s {
            Source::Input(i) => self.ins[i].data,
            Source::Group(g) => earlier[g].as_ref().map_or(std::ptr::null_mut(), NdArray::data),
        };
        let inputs = Pointers(group.sources.iter().map(pointer).collect());
        let stop = self.options.stop.as_deref();
        let ev = Evaluator { steps, layout: &group.layout, inputs, status: self.status, stop };
        let team = self.options.team.unwrap_or_else(|| threads::worthwhile(total, group.cost));
        match &group.kind {
            Kind::Map(plans) => {
                let new = match out {
                    Some(_) => None,
                    None => Some(self.allocate(group, shape)?),
                };
                let data = out.map_or_else(|| new.as_ref().map(NdArray::data), |o| Some(o.data));
                if total > 0
                    && let Some(data) = data
                {
                    let outs = Pointers([data].into_iter().collect());
                    let in_place = self.in_place && out.is_some();
                    // SAFETY: inputs and outputs lie as the group was bound for: the key of the entry says so, and
                    // results of earlier groups are laid out as it planned. Overlapping inputs were copied.
                    unsafe { map::run(&ev, plans, &outs, in_place, total, team)? };
                }
                Ok(new)
            }
            Kind::Fold(plan) => {
                let new = self.allocate(group, shape)?;
                let n: usize = shape.iter().map(|&n| n as usize).product();
                // SAFETY: the new array's elements, which are dense.
                unsafe { fill_identity(plan.identity, plan.num, new.data(), n) };
                if plan.first && total == 0 && n > 0 {
                    return Err(Error::value(format!(
                        "zero-size array to reduction operation {} which has no identity",
                        plan.name
                    )));
                }
                let walk = [self.walk as isize];
                let axes: &[isize] = if group.total.is_none() { &walk } else { &plan.shape };
                // SAFETY: as above; the new array has the results' layout.
                unsafe { fold::run(&ev, plan, axes, new.data(), team)? };
                match out {
                    Some(o) => {
                        cast::copy_into(o, &new.view())?;
                        Ok(None)
                    }
                    None => Ok(Some(new)),
                }
            }
        }
    }
    fn allocate(&self, group: &Group, shape: &[isize]) -> Result<NdArray> {
        let mut arr = NdArray::empty(shape, &group.result.dtype, Order::C)?;
        if self.flat.is_none() && arr.strides != *group.result.strides {
            arr.strides.copy_from_slice(&group.result.strides);
        }
        Ok(arr)
    }
}
