//! Computing what waits, in one go.
//!
//! Results that are needed together become one [`Function`] of the arrays and numbers at the leaves. Programs compute the
//! same expressions again and again, so functions are kept by what they compute: operations, types, number of dimensions,
//! which axes broadcast. The layouts of arrays are the function's own business.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jit::log;
use micronumpy::ufunc::exec::{Overlap, bounds_meet, overlaps};
use micronumpy::{ArrayRef, NdArray};
use micronumpy_expr::{Arg as Given, Expr, Function, Number, Options, Status};
use micronumpy_python::error::IntoPyResult;
use micronumpy_python::ffi::others::{LONG, Others};
use micronumpy_python::objects::Array;
use micronumpy_python::objects::ufunc::errstate;
use pyo3::ffi;
use pyo3::prelude::*;

use super::node::{Arg, Node, What};

/// Functions that are kept; beyond this all are dropped and made anew as they are needed.
const KEPT: usize = 512;

/// Elements times operations from which on signals are looked at meanwhile: several milliseconds.
const SLOW: usize = 4_000_000;

/// How often.
const PATIENCE: Duration = Duration::from_millis(10);

/// What a computation gives: arrays for results that did not go into outputs, and status.
type Results = micronumpy::Result<(Vec<Option<NdArray>>, Status)>;

fn call(
    function: &Function,
    args: &[Given<'_>],
    outs: &[Option<ArrayRef<'_>>],
    options: &Options,
) -> Results {
    let (arrays, status) = function.call_into(args, outs, options)?;
    Ok((arrays.into_iter().collect(), status))
}

/// Lets something go to the thread that works on it while its owner waits.
struct Lent<T>(T);

// SAFETY: the owner does not touch it before that thread is done, which drops nothing that belongs to Python: arrays of
// numbers, by raw pointers, and dtypes without objects.
unsafe impl<T> Send for Lent<T> {}

/// Computes on another thread, while this one looks at signals. What a handler raises ends the computation, unless it writes
/// into an output, which nobody should find half written.
fn watched(
    py: Python<'_>,
    function: &Function,
    args: &[Given<'_>],
    outs: &[Option<ArrayRef<'_>>],
    options: Options,
) -> PyResult<Results> {
    let fresh = outs.iter().all(Option::is_none);
    let stop = Arc::new(AtomicBool::new(false));
    let options = Options { stop: fresh.then(|| stop.clone()), ..options };
    let mut raised = None;
    let lent = Lent((function, args, outs));
    let results = std::thread::scope(|scope| {
        let (running, done) = mpsc::channel::<()>();
        let worker = scope.spawn(move || {
            let Lent((function, args, outs)) = { lent };
            let results = Lent(call(function, args, outs, &options));
            drop(running);
            results
        });
        let mut others = Others::run();
        while done.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            if raised.is_none() {
                // SAFETY: attached, nothing pending.
                raised = others
                    .interrupt(|| unsafe { (ffi::PyErr_CheckSignals() != 0).then(|| PyErr::fetch(py)) });
                stop.store(raised.is_some(), Ordering::Relaxed);
            }
        }
        worker.join()
    });
    match (raised, results) {
        (Some(error), _) => Err(error),
        (None, Ok(Lent(results))) => Ok(results),
        (None, Err(panic)) => std::panic::resume_unwind(panic),
    }
}

thread_local! {
    static FUNCTIONS: RefCell<HashMap<Vec<u64>, Arc<Function>>> = RefCell::default();
}

/// Nodes in the order in which they are computed, and what they are computed from.
#[derive(Default)]
struct Plan<'py> {
    nodes: Vec<Rc<Node>>,
    index: HashMap<*const Node, usize>,
    inputs: Vec<Input<'py>>,
    /// Equal keys mean equal functions.
    key: Vec<u64>,
}

enum Input<'py> {
    Array(Array<'py>),
    Number(Number),
}

/// The name of a call, what floating-point status it raised, and the instruction whose call it is.
pub type Raised = (&'static str, u32, usize);

/// What came of it.
pub struct Computed {
    /// An array per result, but for those that went into an output.
    pub arrays: Vec<Option<NdArray>>,
    /// In the order of instructions.
    pub raised: Vec<Raised>,
}

/// Computes results, the last one into an output if there is one.
///
/// # Errors
/// Out of memory; what a signal handler raised while a long computation ran.
pub fn compute(py: Python<'_>, roots: &[Rc<Node>], out: Option<&ArrayRef<'_>>) -> PyResult<Computed> {
    let mut plan = Plan::default();
    for root in roots {
        plan.visit(py, root);
    }
    for root in roots {
        let node = plan.index[&Rc::as_ptr(root)] as u64;
        plan.key.extend([u64::MAX, node]);
    }
    let known = FUNCTIONS.with(|functions| functions.borrow().get(&plan.key).cloned());
    let function = match known {
        Some(function) => function,
        None => {
            let function = Arc::new(plan.function(roots).py(py)?);
            FUNCTIONS.with(|functions| {
                let mut functions = functions.borrow_mut();
                if functions.len() >= KEPT {
                    functions.clear();
                }
                functions.insert(plan.key.clone(), function.clone());
            });
            function
        }
    };
    let args: Vec<Given<'_>> = plan
        .inputs
        .iter()
        .map(|input| match input {
            Input::Array(array) => Given::Array(array.view()),
            Input::Number(number) => Given::Number(*number),
        })
        .collect();
    let mut outs = vec![None; roots.len()];
    if let Some(last) = outs.last_mut() {
        *last = out.copied();
    }
    let options = Options { bufsize: errstate::bufsize(py)?, ..Options::default() };
    log::count(if out.is_some() { "array operations fused into arrays" } else { "array operations fused" });
    let elements = plan.nodes.iter().map(|node| node.elements(py)).max().unwrap_or(0);
    let results = if elements.saturating_mul(plan.nodes.len()) >= SLOW {
        watched(py, &function, &args, &outs, options)?
    } else {
        let _others = Others::run_if(elements >= LONG);
        call(&function, &args, &outs, &options)
    };
    let (arrays, status) = results.py(py)?;
    // Nodes are visited as the function visits its calls, one for one; but a fold, which comes last, may be several calls.
    let last = roots.last().map_or(0, |root| root.pc);
    let several = matches!(roots.last().map(|root| root.what), Some(What::Fold(_)));
    let one_for_one =
        function.calls().len() == plan.nodes.len() || several && function.calls().len() > plan.nodes.len();
    let pc = |call: usize| if one_for_one { plan.nodes.get(call).map_or(last, |node| node.pc) } else { last };
    let raised = status.raised.iter().zip(&status.calls);
    let mut raised: Vec<_> = raised.map(|(&(name, flags), &call)| (name, flags, pc(call))).collect();
    raised.sort_by_key(|&(_, _, pc)| pc);
    Ok(Computed { arrays, raised })
}

impl<'py> Plan<'py> {
    /// Operands first, from left to right. Chains are no longer than what waits at a time.
    fn visit(&mut self, py: Python<'py>, node: &Rc<Node>) {
        if self.index.contains_key(&Rc::as_ptr(node)) {
            return;
        }
        let waits = |arg: &Arg| match arg {
            Arg::Node(operand) if operand.value.get().is_none() => Some(operand.clone()),
            _ => None,
        };
        for operand in node.args.iter().filter_map(waits) {
            self.visit(py, &operand);
        }
        let mut words = vec![];
        for arg in &node.args {
            match arg {
                Arg::Node(operand) => match operand.value.get() {
                    Some(value) => self.array(py, value, &mut words),
                    None => words.extend([1, self.index[&Rc::as_ptr(operand)] as u64]),
                },
                Arg::Array(array) => self.array(py, array, &mut words),
                Arg::Number(number, true) => match number {
                    Number::Int(n) => words.extend([2, *n as u64]),
                    Number::Float(x) => words.extend([3, x.to_bits()]),
                    Number::Complex(re, im) => words.extend([4, re.to_bits(), im.to_bits()]),
                },
                Arg::Number(number, false) => {
                    words.extend([5, self.inputs.len() as u64, number.kind() as u64]);
                    self.inputs.push(Input::Number(*number));
                }
            }
        }
        match node.what {
            // Names of ufuncs are constants of one table.
            What::Ufunc(name) => self.key.extend([name.as_ptr() as u64, name.len() as u64]),
            What::Power => self.key.push(0),
            What::Where => self.key.push(1),
            What::Cast(num) => self.key.extend([2, num.0 as u64]),
            What::Fold(fold) => {
                let name = [fold.name.as_ptr() as u64, fold.name.len() as u64];
                self.key.extend([3, fold.axes, u64::from(fold.keepdims)].into_iter().chain(name));
            }
        }
        self.key.push(words.len() as u64);
        self.key.extend(words);
        self.index.insert(Rc::as_ptr(node), self.nodes.len());
        self.nodes.push(node.clone());
    }

    fn array(&mut self, py: Python<'py>, array: &Py<PyAny>, words: &mut Vec<u64>) {
        let same = |input: &Input<'_>| matches!(input, Input::Array(a) if a.0.is(array));
        let index = self.inputs.iter().position(same).unwrap_or_else(|| {
            // Only arrays are made operands.
            self.inputs.push(Input::Array(Array(array.bind(py).clone())));
            self.inputs.len() - 1
        });
        words.extend([6, index as u64]);
        if let Input::Array(array) = &self.inputs[index] {
            let shape = array.shape();
            let single =
                shape.iter().enumerate().fold(0, |bits, (i, &n)| bits | u64::from(n == 1) << (i & 63));
            words.extend([array.dtype().num.0 as u64, shape.len() as u64, single]);
        }
    }

    fn function(&self, roots: &[Rc<Node>]) -> micronumpy::Result<Function> {
        let mut exprs: Vec<Expr<'static>> = Vec::new();
        let argument = |index: usize| match &self.inputs[index] {
            Input::Array(array) => Expr::argument(index, array.dtype(), array.shape()),
            Input::Number(number) => Ok(Expr::number_argument(index, number.kind())),
        };
        let arguments: Vec<Expr<'static>> =
            (0..self.inputs.len()).map(argument).collect::<micronumpy::Result<_>>()?;
        let of_array = |object: &Py<PyAny>| {
            let same = |input: &Input<'_>| matches!(input, Input::Array(a) if a.0.is(object));
            let index = self.inputs.iter().position(same);
            index.map_or_else(|| Err(missing()), |index| Ok(arguments[index].clone()))
        };
        // In the order of nodes and their operands, as they were found.
        let mut numbers = (0..self.inputs.len()).filter(|&i| matches!(self.inputs[i], Input::Number(_)));
        for node in &self.nodes {
            let mut args = Vec::new();
            for arg in &node.args {
                args.push(match arg {
                    Arg::Node(operand) => match operand.value.get() {
                        Some(value) => of_array(value)?,
                        None => exprs[self.index[&Rc::as_ptr(operand)]].clone(),
                    },
                    Arg::Array(array) => of_array(array)?,
                    Arg::Number(number, true) => Expr::number(*number),
                    Arg::Number(_, false) => arguments[numbers.next().ok_or_else(missing)?].clone(),
                });
            }
            exprs.push(node.what.expr(&args)?);
        }
        let results: Vec<_> = roots.iter().map(|root| exprs[self.index[&Rc::as_ptr(root)]].clone()).collect();
        Function::new(&results)
    }
}

fn missing() -> micronumpy::Error {
    micronumpy::Error::Runtime("an operand that is not among the inputs".to_owned())
}

impl Node {
    /// Whether anything this will be computed from lies where an output lies.
    pub fn meets(self: &Rc<Node>, py: Python<'_>, out: &ArrayRef<'_>) -> bool {
        let array = |array: &Py<PyAny>| {
            // In the same place element by element is fine: an element is read before it is written.
            Array::cast(array.bind(py))
                .is_none_or(|a| bounds_meet(&a.view(), out) && overlaps(&a.view(), out) != Overlap::Harmless)
        };
        let waiting = self.waiting();
        waiting.iter().flat_map(|node| &node.args).any(|arg| match arg {
            Arg::Node(node) => node.value.get().is_some_and(array),
            Arg::Array(a) => array(a),
            Arg::Number(..) => false,
        })
    }
}
