//! Why a loop was not compiled.

use std::fmt;

/// A reason, of which the log tells one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Abort {
    /// What was assumed about kinds turned out too narrow; the walk is done again with what was learnt.
    Again,
    /// Two paths bring values of kinds that have nothing in common.
    Kinds,
    /// Kinds did not settle.
    Unsettled,
    /// The path was never run in the VM, so nothing is known about it.
    NotRunYet,
    /// An instruction the recorder has no rule for.
    Instruction(String),
    /// An operation on such operands.
    Operation(String),
    /// A loop over something else than a range.
    Iterator,
    /// A callee it knows nothing about.
    Callee(String),
    Attribute(String),
    /// An element type or a property of an array.
    Array(&'static str),
    /// A variable without a value.
    Unbound,
    TooLong,
    /// The compiler declined.
    Compiler(String),
    /// A loop that is left in too many ways.
    Leaves,
}

impl Abort {
    /// Whether trying again later may have another result.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Abort::Again | Abort::Kinds | Abort::Unsettled | Abort::NotRunYet | Abort::Unbound)
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Abort::Again => f.write_str("more was learnt about kinds"),
            Abort::Kinds => f.write_str("a variable holds values of kinds that do not go together"),
            Abort::Unsettled => f.write_str("the kinds of values do not settle"),
            Abort::NotRunYet => f.write_str("a path was not run yet"),
            Abort::Instruction(op) => write!(f, "instruction not supported: {op}"),
            Abort::Operation(what) => write!(f, "operation not supported: {what}"),
            Abort::Iterator => f.write_str("iteration over something else than a range"),
            Abort::Callee(name) => write!(f, "call of {name}"),
            Abort::Attribute(name) => write!(f, "attribute {name}"),
            Abort::Array(what) => write!(f, "an array that {what}"),
            Abort::Unbound => f.write_str("a variable without a value"),
            Abort::TooLong => f.write_str("the trace gets too long"),
            Abort::Compiler(why) => write!(f, "the compiler declined: {why}"),
            Abort::Leaves => f.write_str("the loop is left in too many ways"),
        }
    }
}
