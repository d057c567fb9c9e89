//! The few things an object element can do, supplied by the host once at start.

use std::sync::OnceLock;

use crate::dtype::Dtype;
use crate::error::Result;

/// Host operations on object elements. Every function requires the host's lock (the GIL). `Error::Host` means an
/// exception is set.
#[derive(Clone, Copy)]
pub struct ObjectOps {
    /// Take one more reference to the object; null is ignored.
    pub incref: unsafe fn(*mut u8),
    /// Give one reference back; null is ignored.
    pub decref: unsafe fn(*mut u8),
    /// Convert an element (aligned or not, native or swapped, as `dtype` says) to a new reference to the Python object
    /// that `item()` gives.
    pub get: unsafe fn(dtype: &Dtype, src: *const u8) -> Result<*mut u8>,
    /// Store an object (borrowed) as an element.
    pub set: unsafe fn(dtype: &Dtype, dst: *mut u8, obj: *mut u8) -> Result<()>,
    /// Truth value (borrowed object; null is false).
    pub truth: unsafe fn(*mut u8) -> Result<bool>,
    /// `a < b` (borrowed).
    pub less: unsafe fn(*mut u8, *mut u8) -> Result<bool>,
    /// `a == b` (borrowed).
    pub equal: unsafe fn(*mut u8, *mut u8) -> Result<bool>,
    /// `a * b` (borrowed; the result is a new reference).
    pub multiply: unsafe fn(*mut u8, *mut u8) -> Result<*mut u8>,
    /// `a + b` (borrowed; the result is a new reference).
    pub add: unsafe fn(*mut u8, *mut u8) -> Result<*mut u8>,
    /// Emit a warning (`category` is the Python class name, e.g. `"ComplexWarning"`, `"RuntimeWarning"`).
    pub warn: fn(category: &str, message: &str) -> Result<()>,
    /// The object an empty object element stands for (`None`, `0`), borrowed, immortal.
    pub none: fn() -> *mut u8,
    /// Casting functions of host-defined types (user dtypes): `None` when there is no cast.
    pub host_cast: fn(from: &Dtype, to: &Dtype) -> Option<crate::cast::HostCast>,
}

static OPS: OnceLock<ObjectOps> = OnceLock::new();

/// Install the host's operations. Later calls are ignored.
pub fn install(ops: ObjectOps) {
    let _ = OPS.set(ops);
}

/// The host's operations, if there is a host.
pub fn ops() -> Option<&'static ObjectOps> {
    OPS.get()
}
