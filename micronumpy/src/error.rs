//! The one error type of this crate. `Display` is numpy's wording, because callers match on it.

use crate::dtype::Dtype;

pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, as data. The Python crate maps each variant to one exception type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// `ValueError`
    Value(String),
    /// `TypeError`
    Type(String),
    /// `IndexError`
    Index(String),
    /// `OverflowError`
    Overflow(String),
    /// `RuntimeError`
    Runtime(String),
    /// `ZeroDivisionError`
    ZeroDivision(String),
    /// `numpy.exceptions.AxisError`
    Axis { axis: isize, ndim: usize, prefix: Option<String> },
    /// `numpy._core._exceptions._ArrayMemoryError`
    Memory { shape: Vec<isize>, dtype: Dtype },
    /// `numpy.exceptions.DTypePromotionError`
    Promotion(String),
    /// `numpy.exceptions.TooHardError`
    TooHard(String),
    /// `TypeError`: there is no cast from the one to the other.
    NoCast(Box<(Dtype, Dtype)>),
    /// Something that does not exist yet; the text names it.
    NotImplemented(String),
    /// An exception is already set in the host (raised by an object's own method).
    Host,
}

impl Error {
    pub fn value(msg: impl Into<String>) -> Error {
        Error::Value(msg.into())
    }
    pub fn type_(msg: impl Into<String>) -> Error {
        Error::Type(msg.into())
    }
    pub fn index(msg: impl Into<String>) -> Error {
        Error::Index(msg.into())
    }
    pub fn no_cast(from: &Dtype, to: &Dtype) -> Error {
        Error::NoCast(Box::new((from.clone(), to.clone())))
    }
    pub fn missing(what: impl Into<String>) -> Error {
        Error::NotImplemented(what.into())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Value(s)
            | Error::Type(s)
            | Error::Index(s)
            | Error::Overflow(s)
            | Error::Runtime(s)
            | Error::ZeroDivision(s)
            | Error::Promotion(s)
            | Error::TooHard(s) => f.write_str(s),
            Error::Axis { axis, ndim, prefix } => {
                if let Some(p) = prefix {
                    write!(f, "{p}: ")?;
                }
                write!(f, "axis {axis} is out of bounds for array of dimension {ndim}")
            }
            Error::Memory { shape, .. } => write!(f, "Unable to allocate array with shape {shape:?}"),
            Error::NoCast(pair) => {
                write!(f, "Cannot cast array data from {:?} to {:?}.", pair.0.num, pair.1.num)
            }
            Error::NotImplemented(s) => write!(f, "{s} is not implemented yet"),
            Error::Host => f.write_str("exception set by the host"),
        }
    }
}

impl std::error::Error for Error {}
