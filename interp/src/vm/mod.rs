//! The VM: runs region code through CPython's own API, a frame's worth at a time.

mod frame;

pub use frame::{Frame, RangeIter, Slot};
