//! The operations, in one table each: name, what types they take, whether they can raise floating-point status.
//!
//! Semantics are numpy's, and total: every operation has a result for every input, so that it may be computed for lanes
//! or iterations nobody asks about. The one definition of each result is in [`crate::semantics`].

use super::ty::Scalar;

/// Which scalar types an operation takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domain {
    /// Integers and floats.
    Number,
    Int,
    Float,
    /// Integers and `bool`.
    Bits,
    /// Integers, floats, `bool`.
    Any,
}

impl Domain {
    pub fn contains(self, s: Scalar) -> bool {
        match self {
            Domain::Number => s.is_int() || s.is_float(),
            Domain::Int => s.is_int(),
            Domain::Float => s.is_float(),
            Domain::Bits => s.is_int() || s == Scalar::Bool,
            Domain::Any => s.is_int() || s.is_float() || s == Scalar::Bool,
        }
    }
}

macro_rules! ops {
    ($(#[$doc:meta])* $name:ident { $($(#[$opdoc:meta])* $op:ident $text:literal $domain:ident $flags:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$opdoc])* $op,)* }
        impl $name {
            pub const ALL: &[$name] = &[$($name::$op),*];
            pub const fn name(self) -> &'static str {
                match self { $($name::$op => $text,)* }
            }
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$op),)* _ => None }
            }
            pub const fn domain(self) -> Domain {
                match self { $($name::$op => Domain::$domain,)* }
            }
            /// Whether it can raise floating-point status on floats.
            pub const fn raises(self) -> bool {
                match self { $($name::$op => $flags,)* }
            }
        }
    };
}

ops! {
    /// One operand, a result of the same type.
    Unary {
        /// Integers wrap.
        Neg "neg" Number false;
        /// The smallest signed integer stays as it is.
        Abs "abs" Number false;
        /// Complement; of a `bool` its negation.
        Not "not" Bits false;
        Sqrt "sqrt" Float true;
        Floor "floor" Float false;
        Ceil "ceil" Float false;
        Trunc "trunc" Float false;
        /// To nearest, ties to even.
        Rint "rint" Float false;
    }
}

ops! {
    /// Two operands and a result of one type.
    Binary {
        /// Integers wrap.
        Add "add" Number true;
        Sub "sub" Number true;
        Mul "mul" Number true;
        /// Floats: IEEE. Integers: rounded down; by zero gives 0, the smallest by -1 gives the smallest.
        Div "div" Number true;
        /// Integers: the remainder that goes with `div`; by zero gives 0.
        Rem "rem" Int false;
        /// The first if it is NaN or the smaller, else the second (so a NaN there wins too): numpy's `minimum`. Of equal
        /// operands the second, which shows in the sign of zero.
        Min "min" Number false;
        Max "max" Number false;
        /// The first if it is the smaller or the second is NaN, else the second: numpy's `fmin`.
        Fmin "fmin" Float false;
        Fmax "fmax" Float false;
        And "and" Bits false;
        Or "or" Bits false;
        Xor "xor" Bits false;
        /// By the width or more, or by a negative count: 0.
        Shl "shl" Int false;
        /// By the width or more, or by a negative count: 0 or -1, by the sign.
        Shr "shr" Int false;
        /// Magnitude of the first, sign of the second.
        Copysign "copysign" Float false;
    }
}

ops! {
    /// Two integers, a `bool`: whether the result of the operation without wrapping does not fit.
    Overflow {
        Add "ovf.add" Int false;
        Sub "ovf.sub" Int false;
        Mul "ovf.mul" Int false;
    }
}

ops! {
    /// Two operands of one type, a `bool`. Comparisons with NaN are false, but `ne` is true. None raises
    /// floating-point status by its definition; hardware may, see the crate's page on status.
    Cond {
        Eq "eq" Any false;
        Ne "ne" Any false;
        Lt "lt" Any false;
        Le "le" Any false;
        Gt "gt" Any false;
        Ge "ge" Any false;
    }
}

impl Binary {
    /// Whether the operands may be exchanged without changing a bit of the result, NaN payloads aside.
    pub fn is_commutative(self, s: Scalar) -> bool {
        match self {
            Binary::Add | Binary::Mul => true,
            Binary::And | Binary::Or | Binary::Xor => true,
            Binary::Min | Binary::Max => !s.is_float(),
            _ => false,
        }
    }
    /// Whether any grouping of operands gives the same bits, so that a reduction may be split over lanes.
    pub fn is_associative(self, s: Scalar) -> bool {
        self.is_commutative(s) && !s.is_float()
    }
}

impl Cond {
    /// The condition with operands exchanged.
    pub const fn swapped(self) -> Cond {
        match self {
            Cond::Eq | Cond::Ne => self,
            Cond::Lt => Cond::Gt,
            Cond::Le => Cond::Ge,
            Cond::Gt => Cond::Lt,
            Cond::Ge => Cond::Le,
        }
    }
    /// The negation, for types without NaN.
    pub const fn inverse(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::Lt => Cond::Ge,
            Cond::Le => Cond::Gt,
            Cond::Gt => Cond::Le,
            Cond::Ge => Cond::Lt,
        }
    }
}
