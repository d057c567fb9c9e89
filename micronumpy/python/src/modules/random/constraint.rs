//! Checks of distribution parameters, and what they say.

use micronumpy::TypeNum;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::objects::{Array, array};

/// What a parameter has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    Any,
    NonNegative,
    Positive,
    PositiveNotNan,
    /// In [0, 1].
    Bounded01,
    /// In (0, 1].
    BoundedGt0,
    /// In [0, 1).
    BoundedLt1,
    Gt1,
    AtLeast1,
    Poisson,
    /// Not negative and a C long.
    LegacyNonNegative,
}
use Constraint::*;

/// The largest mean whose variates fit an `i64` with ten standard deviations to spare.
pub const POISSON_LAM_MAX: f64 = 9.223372006484771e18;

impl Constraint {
    /// Why a value breaks the rule.
    fn broken(self, v: f64, name: &str, array: bool) -> Option<String> {
        let nan = |scalar: &'static str| if array { "contains NaNs" } else { scalar };
        let text = match self {
            Any => return None,
            NonNegative if !v.is_nan() && v.is_sign_negative() => format!("{name} < 0"),
            PositiveNotNan if v.is_nan() => format!("{name} must not be NaN"),
            Positive | PositiveNotNan if v <= 0.0 => format!("{name} <= 0"),
            Bounded01 if !(0.0..=1.0).contains(&v) => {
                format!("{name} < 0, {name} > 1 or {name} {}", nan("is NaN"))
            }
            BoundedGt0 if !(v > 0.0 && v <= 1.0) => {
                format!("{name} <= 0, {name} > 1 or {name} contains NaNs")
            }
            BoundedLt1 if !(0.0..1.0).contains(&v) => {
                format!("{name} < 0, {name} >= 1 or {name} {}", nan("is NaN"))
            }
            Gt1 if v.is_nan() || v <= 1.0 => format!("{name} <= 1 or {name} {}", nan("is NaN")),
            AtLeast1 if v.is_nan() || v < 1.0 => format!("{name} < 1 or {name} {}", nan("is NaN")),
            Poisson if v > POISSON_LAM_MAX => format!("{name} value too large"),
            Poisson if v.is_nan() && array => format!("{name} value too large"),
            Poisson if v.is_nan() || v < 0.0 => {
                format!("{name} < 0 or {name} {}", nan("is NaN"))
            }
            LegacyNonNegative if v < 0.0 => format!("{name} < 0"),
            LegacyNonNegative if v > i64::MAX as f64 => format!(
                "{name} is out of bounds for long, consider using the new generator API for 64bit integers."
            ),
            _ => return None,
        };
        Some(text)
    }

    /// Check a number, which may be one among `array`s.
    ///
    /// # Errors
    /// `ValueError` naming the parameter.
    pub fn check(self, value: f64, name: &str, array: bool) -> PyResult<()> {
        self.broken(value, name, array).map_or(Ok(()), |text| Err(PyValueError::new_err(text)))
    }

    /// Check every element of an array of `float64` or `int64`.
    ///
    /// # Errors
    /// `ValueError` naming the parameter.
    pub fn check_array(self, arr: &Array<'_>, name: &str) -> PyResult<()> {
        if self == Any {
            return Ok(());
        }
        let integers = arr.dtype().num == TypeNum::LONG;
        array::for_each_element(arr, |p| {
            // SAFETY: an aligned element of one of the two types.
            let v = unsafe { if integers { p.cast::<i64>().read() as f64 } else { p.cast::<f64>().read() } };
            self.broken(v, name, true).map_or(Ok(()), |text| Err(PyValueError::new_err(text)))
        })
    }
}
