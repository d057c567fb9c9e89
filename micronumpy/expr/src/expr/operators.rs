//! Rust's operators, with the meaning numpy gives them.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Shl, Shr, Sub};

use super::Expr;
use crate::number::Number;

impl<'a> Expr<'a> {
    fn binary(name: &str, a: Expr<'a>, b: Expr<'a>) -> Expr<'a> {
        Expr::ufunc(name, &[a, b]).unwrap_or_else(Expr::failed)
    }
}

impl From<Number> for Expr<'_> {
    fn from(n: Number) -> Self {
        Expr::number(n)
    }
}
impl<'a> From<&Expr<'a>> for Expr<'a> {
    fn from(e: &Expr<'a>) -> Self {
        e.clone()
    }
}

macro_rules! numbers {
    ($($t:ty => $kind:ident),*) => {$(
        /// A Rust number is a number without a dtype.
        impl From<$t> for Expr<'_> {
            fn from(n: $t) -> Self {
                Expr::number(Number::$kind(n.into()))
            }
        }
    )*};
}
numbers!(f64 => Float, f32 => Float, i32 => Int, i64 => Int, u64 => Int);

macro_rules! operators {
    ($($trait:ident $method:ident $name:literal [$($number:ty),*];)*) => {$(
        impl<'a, T: Into<Expr<'a>>> $trait<T> for Expr<'a> {
            type Output = Expr<'a>;
            fn $method(self, other: T) -> Expr<'a> {
                Expr::binary($name, self, other.into())
            }
        }
        impl<'a, T: Into<Expr<'a>>> $trait<T> for &Expr<'a> {
            type Output = Expr<'a>;
            fn $method(self, other: T) -> Expr<'a> {
                Expr::binary($name, self.clone(), other.into())
            }
        }
        $(
            impl<'a> $trait<Expr<'a>> for $number {
                type Output = Expr<'a>;
                fn $method(self, other: Expr<'a>) -> Expr<'a> {
                    Expr::binary($name, self.into(), other)
                }
            }
            impl<'a> $trait<&Expr<'a>> for $number {
                type Output = Expr<'a>;
                fn $method(self, other: &Expr<'a>) -> Expr<'a> {
                    Expr::binary($name, self.into(), other.clone())
                }
            }
        )*
    )*};
}
operators! {
    Add add "add" [f64, i64];
    Sub sub "subtract" [f64, i64];
    Mul mul "multiply" [f64, i64];
    Div div "divide" [f64, i64];
    Rem rem "remainder" [f64, i64];
    BitAnd bitand "bitwise_and" [i64];
    BitOr bitor "bitwise_or" [i64];
    BitXor bitxor "bitwise_xor" [i64];
    Shl shl "left_shift" [i64];
    Shr shr "right_shift" [i64];
}

macro_rules! unary_operators {
    ($($trait:ident $method:ident $name:literal;)*) => {$(
        impl<'a> $trait for Expr<'a> {
            type Output = Expr<'a>;
            fn $method(self) -> Expr<'a> {
                Expr::ufunc($name, &[self]).unwrap_or_else(Expr::failed)
            }
        }
        impl<'a> $trait for &Expr<'a> {
            type Output = Expr<'a>;
            fn $method(self) -> Expr<'a> {
                self.clone().$method()
            }
        }
    )*};
}
unary_operators! {
    Neg neg "negative";
    Not not "invert";
}
