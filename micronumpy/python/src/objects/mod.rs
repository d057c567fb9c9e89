//! The types numpy's Python layer meets, one folder or file each, and the handles the rest of the crate holds them by.
//!
//! Each file has `init(py)` that readies its types; `modules::multiarray_umath` calls them in dependency order.

pub mod array;
pub mod array_converter;
pub mod busdaycalendar;
pub mod dispatcher;
pub mod dtype;
pub mod handles;
pub mod iter;
pub mod method;
pub mod nditer;
pub mod object_ops;
pub mod scalar;
pub mod ufunc;
pub mod wrap;

pub use handles::{Array, Descr};
