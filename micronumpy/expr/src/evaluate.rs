//! Evaluating expressions on the spot: they are flattened, and the function of the same text is looked up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use micronumpy::{ArrayRef, NdArray, Result};

use crate::expr::Expr;
use crate::function::Function;
use crate::graph::{Arg, Graph, Leaf};
use crate::options::Options;
use crate::status::Status;

/// Functions that are remembered.
const KEPT: usize = 512;

/// Finds the function of a graph.
fn function(graph: Graph) -> Arc<Function> {
    static ALL: Mutex<Option<HashMap<Vec<u64>, Arc<Function>>>> = Mutex::new(None);
    let key = graph.key();
    // Somebody who panicked, or a fork, costs the cache and nothing else.
    let Ok(mut all) = ALL.try_lock() else { return Arc::new(Function::of(graph)) };
    let all = all.get_or_insert_default();
    if let Some(f) = all.get(&key) {
        return f.clone();
    }
    if all.len() >= KEPT {
        all.clear();
    }
    let made = Arc::new(Function::of(graph));
    all.insert(key, made.clone());
    made
}

/// An expression's function and arguments.
pub(crate) fn prepare<'e>(e: &'e Expr<'_>) -> Result<(Arc<Function>, Vec<Arg<'e>>)> {
    let mut leaves = vec![];
    let graph = Graph::flatten(std::slice::from_ref(e), Some(&mut leaves))?;
    let args = leaves
        .iter()
        .map(|leaf| match leaf {
            Leaf::Array(source) => Arg::Array(source.view()),
            Leaf::Element(value, dtype) => {
                // SAFETY: one element, alive as long as the expression; it is only read.
                Arg::Array(unsafe { ArrayRef::new(value.as_ptr().cast_mut(), &[], &[], dtype) })
            }
            Leaf::Number(n) => Arg::Number(*n),
        })
        .collect();
    Ok((function(graph), args))
}

impl Expr<'_> {
    /// Compute it.
    ///
    /// # Errors
    /// The mistake it was built with, no memory, what loops report.
    pub fn eval(&self) -> Result<NdArray> {
        Ok(self.eval_with(&Options::default())?.0)
    }
    /// Compute it, choosing how; tells what floating-point status the calls raised.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval_with(&self, options: &Options) -> Result<(NdArray, Status)> {
        let (f, args) = prepare(self)?;
        let (mut arrays, status) = f.call(&args, options)?;
        let first = arrays.pop().ok_or_else(|| micronumpy::Error::Runtime("no result".into()))?;
        Ok((first, status))
    }
    /// Compute it into an array of its shape, which may overlap arrays it is made of. The result is cast to the array's dtype,
    /// whatever is lost.
    ///
    /// # Errors
    /// As [`Expr::eval`]; an output of another shape.
    ///
    /// # Safety
    /// The output's elements may be written, and nobody else reads or writes them meanwhile.
    pub unsafe fn eval_into(&self, out: &ArrayRef<'_>, options: &Options) -> Result<Status> {
        let (f, args) = prepare(self)?;
        Ok(f.call_into(&args, &[Some(*out)], options)?.1)
    }
}
