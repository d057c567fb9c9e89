//! The functions of numpy's namespace that people use most, as methods. Every other elementwise ufunc goes by name:
//! [`Expr::ufunc`].

use micronumpy::{Dtype, Result, TypeNum};

use super::{CallOp, Expr, Kind};
use crate::number::Number;

macro_rules! unary {
    ($($method:ident)*) => {
        impl<'a> Expr<'a> {
            $(
                #[doc = concat!("numpy's `", stringify!($method), "`.")]
                pub fn $method(&self) -> Expr<'a> {
                    self.method(stringify!($method), &[])
                }
            )*
        }
    };
}
unary! {
    sqrt square absolute sign reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh
    tanh arcsinh arccosh arctanh floor ceil trunc rint isnan isinf isfinite signbit logical_not conjugate
}

macro_rules! binary {
    ($($method:ident)*) => {
        impl<'a> Expr<'a> {
            $(
                #[doc = concat!("numpy's `", stringify!($method), "`.")]
                pub fn $method(&self, other: impl Into<Expr<'a>>) -> Expr<'a> {
                    self.method(stringify!($method), &[other.into()])
                }
            )*
        }
    };
}
binary! {
    less less_equal greater greater_equal equal not_equal maximum minimum fmax fmin logical_and logical_or logical_xor
    floor_divide arctan2 hypot copysign power
}

impl<'a> Expr<'a> {
    fn method(&self, name: &str, others: &[Expr<'a>]) -> Expr<'a> {
        let mut args = vec![self.clone()];
        args.extend_from_slice(others);
        Expr::ufunc(name, &args).unwrap_or_else(Expr::failed)
    }
    /// The `**` operator, which knows a few exponents for which there is something better than `power`.
    pub fn pow(&self, exponent: impl Into<Expr<'a>>) -> Expr<'a> {
        let exponent = exponent.into();
        let num = self.dtype().num;
        let value = match exponent.0.kind {
            Kind::Number(Number::Int(n)) if n.unsigned_abs() <= 2 => Some(n as f64),
            Kind::Number(Number::Float(x)) => Some(x),
            _ => None,
        };
        let whole = num.is_integer() || num.is_bool();
        if let (Some(x), true) = (value, num.is_float() || num.is_complex() || whole) {
            let is_int = matches!(exponent.0.kind, Kind::Number(Number::Int(_)));
            // Powers of complex numbers make zeros positive, so `z**1` is not `z`; `z**2.0` is a power, `z**2` a square.
            let complex = num.is_complex();
            let name = match x {
                2.0 if num.is_float() || is_int => Some("square"),
                _ if whole => None,
                1.0 if complex => None,
                -1.0 if complex && !is_int => None,
                1.0 => Some("positive"),
                -1.0 => Some("reciprocal"),
                0.0 => Some("_ones_like"),
                0.5 => Some("sqrt"),
                _ => None,
            };
            if let Some(name) = name {
                return self.method(name, &[]);
            }
        }
        self.power(exponent)
    }
    /// `minimum(maximum(x, low), high)`, NaN anywhere winning.
    pub fn clip(&self, low: impl Into<Expr<'a>>, high: impl Into<Expr<'a>>) -> Expr<'a> {
        self.method("clip", &[low.into(), high.into()])
    }
    /// `x` where this is true, `y` elsewhere.
    pub fn select(&self, x: impl Into<Expr<'a>>, y: impl Into<Expr<'a>>) -> Expr<'a> {
        Expr::where_(self, &x.into(), &y.into()).unwrap_or_else(Expr::failed)
    }
    /// The elements as another dtype.
    pub fn cast(&self, num: TypeNum) -> Expr<'a> {
        self.astype(&Dtype::builtin(num)).unwrap_or_else(Expr::failed)
    }

    fn fold(&self, name: &str, axes: Option<&[isize]>) -> Expr<'a> {
        self.reduce(name, axes, false).unwrap_or_else(Expr::failed)
    }
    /// Sum along axes; `None` for all of them.
    pub fn sum(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.fold("add", axes)
    }
    /// Product along axes.
    pub fn prod(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.fold("multiply", axes)
    }
    /// Smallest element along axes.
    pub fn min(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.fold("minimum", axes)
    }
    /// Largest element along axes.
    pub fn max(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.fold("maximum", axes)
    }
    /// Whether any element along axes is true.
    pub fn any(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.fold("logical_or", axes)
    }
    /// Whether all elements along axes are true.
    pub fn all(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.fold("logical_and", axes)
    }
    /// Mean along axes.
    pub fn mean(&self, axes: Option<&[isize]>) -> Expr<'a> {
        self.mean_keeping(axes, false).unwrap_or_else(Expr::failed)
    }
    /// Mean along axes, which stay as axes of length one if `keepdims`.
    ///
    /// Integers are summed as `float64`, halves as `float32`. The sum is divided by a count, which is an `int64`, so
    /// narrower floats are divided as `float64` and rounded back.
    ///
    /// # Errors
    /// As [`Expr::reduce`].
    pub fn mean_keeping(&self, axes: Option<&[isize]>, keepdims: bool) -> Result<Expr<'a>> {
        self.check()?;
        let num = self.dtype().num;
        let (inside, result) = match num {
            n if n.is_integer() || n.is_bool() => (TypeNum::DOUBLE, TypeNum::DOUBLE),
            TypeNum::HALF => (TypeNum::FLOAT, TypeNum::HALF),
            n => (n, n),
        };
        let sum = self.reduce_in("add", axes, keepdims, Some(inside))?;
        let mean = Expr::ufunc("divide", &[sum, self.count(axes)?])?;
        // The quotient is written back to the sum before it becomes the result.
        let mean = if mean.dtype().num == inside {
            mean
        } else {
            mean.cast_as(CallOp::Written, &Dtype::builtin(inside))?
        };
        if result == inside { Ok(mean) } else { mean.astype(&Dtype::builtin(result)) }
    }
}
