//! Lazy array expressions with numpy's semantics, run as fused loops without temporaries.
//!
//! ```text
//! Expr --flatten--> Graph --bind--> groups (loop nests) --write--> steps over tiles --run--> arrays
//!                                        |                  \--schedule, compile--> kernels
//!                                        \--(by shapes and strides of the inputs)
//! ```
//!
//! * [`Expr`]: typed and shaped nodes, made by operators and functions; types are the object space's own.
//! * `graph`: the same without data and shapes; what evaluations of one program text share.
//! * `bind`: cuts the graph into groups, for arguments that lie in a certain way.
//! * `layout`: one flat walk over all operands of a group.
//! * `plan`: steps over a tile: registered loops, casts, compiled kernels.
//! * `exec`: tiles to places ([`threads`]), folds in numpy's order, status told apart by call.
//! * [`Function`]: a graph of arguments with everything that was worked out for it.
//!
//! Results have the bits unfused calls would give, whichever way they are computed.

mod bind;
mod evaluate;
mod exec;
mod explain;
mod expr;
mod function;
mod graph;
mod interop;
mod kernel;
mod layout;
mod lower;
mod number;
mod options;
mod plan;
mod status;
mod typing;

pub use expr::Expr;
pub use function::Function;
pub use graph::Arg;
pub use interop::Scalar;
pub use kernel::backend_names;
pub use micronumpy::threads;
pub use number::{Element, Number};
pub use options::{Options, Tier};
pub use status::Status;
