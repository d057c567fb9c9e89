//! The few things an object element can do, supplied by the host once at start.

use std::cmp::Ordering;
use std::sync::OnceLock;

use crate::cast::{CastResolution, HostLoop};
use crate::dtype::promote::Class;
use crate::dtype::{Dtype, TypeNum};
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
    /// Store the scalar of an element as an element of another dtype, as if a Python object were stored.
    pub by_scalar: unsafe fn(from: &Dtype, to: &Dtype, src: *const u8, dst: *mut u8) -> Result<()>,
    /// Truth value (borrowed object; null is false).
    pub truth: unsafe fn(*mut u8) -> Result<bool>,
    /// `a < b` (borrowed).
    pub less: unsafe fn(*mut u8, *mut u8) -> Result<bool>,
    pub greater: unsafe fn(*mut u8, *mut u8) -> Result<bool>,
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
    /// A new string object of this text (UTF-8).
    pub text: fn(&[u8]) -> Result<*mut u8>,
    /// Whether two objects stand for the same missing value: they are equal, or both NaN.
    pub same_na: fn(*mut u8, *mut u8) -> bool,
    /// Whether two descriptor objects of one class say the same.
    pub same_descr: fn(*mut u8, *mut u8) -> bool,
    /// What class `num` of the host answers about another class; `None`: ask the other one.
    pub common_class: fn(num: TypeNum, other: Class) -> Result<Option<TypeNum>>,
    /// The dtype two instances of one class of the host share.
    pub common_instance: fn(&Dtype, &Dtype) -> Result<Dtype>,
    /// The same dtype in the form promotion gives (native byte order, if the class has one).
    pub canonical: fn(&Dtype) -> Dtype,
    /// The instance of a class of the host that stands for it where nothing else is known.
    pub default_instance: fn(num: TypeNum) -> Result<Dtype>,
    /// A class of the host as errors name it.
    pub class_name: fn(num: TypeNum) -> String,
    /// How the host casts between two dtypes of which it defines at least one; `None` when it has no such cast. Without
    /// `to` any dtype of the class `num` will do.
    pub cast: fn(from: &Dtype, num: TypeNum, to: Option<&Dtype>) -> Result<Option<CastResolution>>,
    /// The loop of a cast between the dtypes [`ObjectOps::cast`] resolved to. `aligned`: elements will be.
    pub cast_loop: fn(from: &Dtype, to: &Dtype, aligned: bool) -> Result<Box<dyn HostLoop>>,
    /// How elements of a dtype the host defines compare, if they do.
    pub order: fn(&Dtype) -> Result<Box<dyn HostOrder>>,
    /// How the host sums products of elements of a dtype it defines.
    pub dot: fn(&Dtype) -> Result<Box<dyn HostDot>>,
}

/// The order of elements of a dtype the host defines.
pub trait HostOrder {
    /// Compare two elements.
    ///
    /// # Errors
    /// What the host raises.
    ///
    /// # Safety
    /// Two elements of the dtype, at any address.
    unsafe fn order(&self, a: *const u8, b: *const u8) -> Result<Ordering>;
}

/// Sums of products of elements of a dtype the host defines.
pub trait HostDot {
    /// Sum the products of `n` pairs of elements into one.
    ///
    /// # Errors
    /// What the host raises.
    ///
    /// # Safety
    /// `n` elements at both strides, one at `out`; aligned and native.
    unsafe fn run(
        &self,
        a: *const u8,
        sa: isize,
        b: *const u8,
        sb: isize,
        out: *mut u8,
        n: usize,
    ) -> Result<()>;
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
