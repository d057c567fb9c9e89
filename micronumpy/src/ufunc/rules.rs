//! Which promotion rule a ufunc follows. numpy ties rules to names; so does this table.

/// How the loop of a call is found when no loop fits the operand types exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// First loop all inputs can be safely cast to.
    Linear,
    /// All operands have the inputs' common dtype.
    Uniform,
    Comparison,
    /// `logical_and` and friends: everything becomes bool, or objects where one is an object.
    Logical,
    LogicalNot,
    Absolute,
    /// `negative`: [`Rule::Uniform`] except that booleans get advice.
    Negative,
    /// Output dtype is the input dtype.
    OnesLike,
    IsFinite,
    IsNat,
    Add,
    Subtract,
    Multiply,
    TrueDivide,
    FloorDivide,
    Remainder,
    Divmod,
    /// Ufuncs of strings: strings are not cast to find a loop, other operands are.
    Strings,
    /// Only exact types; loops registered at run time may bring promoters.
    Exact,
}

impl Rule {
    /// The rule of a builtin ufunc.
    pub fn of(name: &str) -> Rule {
        match name {
            "add" => Rule::Add,
            "subtract" => Rule::Subtract,
            "multiply" => Rule::Multiply,
            "divide" => Rule::TrueDivide,
            "floor_divide" => Rule::FloorDivide,
            "remainder" => Rule::Remainder,
            "divmod" => Rule::Divmod,
            "equal" | "not_equal" | "less" | "less_equal" | "greater" | "greater_equal" => Rule::Comparison,
            "logical_and" | "logical_or" | "logical_xor" => Rule::Logical,
            "logical_not" => Rule::LogicalNot,
            "absolute" => Rule::Absolute,
            "negative" => Rule::Negative,
            "_ones_like" => Rule::OnesLike,
            "isfinite" | "isinf" | "isnan" => Rule::IsFinite,
            "isnat" => Rule::IsNat,
            "positive" | "sign" | "maximum" | "minimum" | "fmax" | "fmin" | "clip" | "gcd" | "lcm"
            | "matmul" | "matvec" | "vecmat" | "vecdot" => Rule::Uniform,
            _ => Rule::Linear,
        }
    }
}
