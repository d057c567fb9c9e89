//! Dtypes the host defines: user types.
//!
//! To the object space such a dtype is a number, which says its class, and a descriptor object of the host, which says
//! which instance of the class it is. What follows from the instance (whether two are equal, what they have in common,
//! how they are cast) is asked of the host through [`crate::object::ObjectOps`].

use std::fmt;

use super::{Body, Dtype, TypeNum};
use crate::object;

/// Numbers from here on are classes of dtypes that have no number of numpy's own.
pub const FIRST_CLASS: i32 = 1 << 16;

/// Whether a type number stands for a class of the host, as opposed to a builtin or an old-style user type.
pub const fn is_host_class(num: TypeNum) -> bool {
    num.0 >= FIRST_CLASS
}

/// A reference to a descriptor object of the host. Clones own a reference; the value a descriptor keeps of itself does
/// not, or nothing would ever free it.
pub struct HostDescr {
    object: *mut u8,
    owned: bool,
}

// SAFETY: the object is only touched with the host's lock held, as every dtype of a host with a lock is.
unsafe impl Send for HostDescr {}
// SAFETY: as above.
unsafe impl Sync for HostDescr {}

impl HostDescr {
    /// The reference a descriptor's own value has.
    ///
    /// # Safety
    /// `object` is a descriptor object of the host that outlives the result, or the result is cloned before it goes.
    pub unsafe fn borrowed(object: *mut u8) -> HostDescr {
        HostDescr { object, owned: false }
    }
    /// The descriptor object.
    pub fn object(&self) -> *mut u8 {
        self.object
    }
}

impl Clone for HostDescr {
    fn clone(&self) -> HostDescr {
        let Some(ops) = object::ops() else { return HostDescr { object: self.object, owned: false } };
        // SAFETY: a live object of the host, see `borrowed`.
        unsafe { (ops.incref)(self.object) };
        HostDescr { object: self.object, owned: true }
    }
}

impl Drop for HostDescr {
    fn drop(&mut self) {
        if let (true, Some(ops)) = (self.owned, object::ops()) {
            // SAFETY: the reference taken by `clone`.
            unsafe { (ops.decref)(self.object) };
        }
    }
}

impl fmt::Debug for HostDescr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:p}", self.object)
    }
}

impl PartialEq for HostDescr {
    fn eq(&self, other: &HostDescr) -> bool {
        self.object == other.object
            || object::ops().is_some_and(|ops| (ops.same_descr)(self.object, other.object))
    }
}

impl Dtype {
    /// The descriptor object of a dtype the host defines.
    pub fn host_descr(&self) -> Option<&HostDescr> {
        match &self.body {
            Body::Host(descr) => Some(descr),
            _ => None,
        }
    }
}
