//! Sort order of elements of any dtype.
//!
//! Builtin types have kernels. Objects are compared by the host with `<`, user types as the host says; structured elements
//! field by field. Elements are native; fields of structs may be unaligned.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::ffi::{c_int, c_void};

use ufuncs::elem::f16;
use ufuncs::order::{CompareFn, SortOrd, compare_fn};
use ufuncs::sort::by::{COMPARE_FAILED, Comparator, CompareFailed};

use super::select::order_of;
use crate::dtype::{Body, Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::object::{self, HostOrder, ObjectOps};
use crate::vstring::StringOrder;

/// How to compare elements of one dtype.
pub struct Compare {
    kind: Kind,
    /// Why a comparison failed, while a sort that only understands yes and no is running.
    failure: RefCell<Option<Error>>,
}

enum Kind {
    Builtin(CompareFn, usize),
    Object(&'static ObjectOps),
    Host(Box<dyn HostOrder>),
    Fields(Vec<(usize, Compare)>),
    /// Subarrays of objects.
    Items(Box<Compare>, usize, usize),
    /// Other subarrays, which are ordered as so many bytes: those of units of this size, the last first where the array has
    /// another byte order than the elements here.
    Bytes {
        size: usize,
        unit: usize,
    },
}

impl Compare {
    /// For native elements of an array of this dtype, whose byte order only counts where bytes are compared.
    ///
    /// # Errors
    /// Host types without a host.
    pub fn of(dt: &Dtype) -> Result<Compare> {
        let ops = || object::ops().ok_or_else(|| Error::missing("comparing objects without a host"));
        let kind = match &dt.body {
            Body::Struct(fields) => Kind::Fields(
                fields.iter().map(|f| Ok((f.offset, Compare::of(&f.dtype)?))).collect::<Result<_>>()?,
            ),
            Body::Subarray(base, _) if !base.has_object() => {
                let parts = if base.num.is_complex() { 2 } else { 1 };
                let unit = match base.num {
                    _ if !base.is_swapped() || base.fields().is_some() => 1,
                    TypeNum::UNICODE => 4,
                    _ => base.itemsize / parts,
                };
                Kind::Bytes { size: dt.itemsize, unit: unit.max(1) }
            }
            Body::Subarray(base, shape) => {
                let count = shape.iter().map(|&n| n as usize).product();
                Kind::Items(Box::new(Compare::of(base)?), count, base.itemsize)
            }
            Body::Strings(strings) => Kind::Host(Box::new(StringOrder(strings.clone()))),
            _ if dt.num.is_object() => Kind::Object(ops()?),
            _ if dt.num == TypeNum::HALF => Kind::Builtin(compare_halves, dt.itemsize),
            _ => match compare_fn(dt.num) {
                Some(f) => Kind::Builtin(f, dt.itemsize),
                None => Kind::Host((ops()?.order)(&dt.with_byteorder(b'='))?),
            },
        };
        Ok(Compare { kind, failure: RefCell::new(None) })
    }

    /// # Errors
    /// What the host's `<` raises.
    ///
    /// # Safety
    /// Two native elements of the dtype.
    pub unsafe fn less(&self, a: *const u8, b: *const u8) -> Result<bool> {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.kind {
                Kind::Object(ops) => (ops.less)(object_at(ops, a), object_at(ops, b)),
                _ => Ok(self.order(a, b)? == Ordering::Less),
            }
        }
    }

    /// # Errors
    /// What the host's `>` raises.
    ///
    /// # Safety
    /// As for [`Compare::less`].
    pub unsafe fn greater(&self, a: *const u8, b: *const u8) -> Result<bool> {
        // SAFETY: the caller's promise.
        unsafe {
            match &self.kind {
                Kind::Object(ops) => (ops.greater)(object_at(ops, a), object_at(ops, b)),
                _ => Ok(self.order(a, b)? == Ordering::Greater),
            }
        }
    }

    /// # Errors
    /// As [`Compare::less`].
    ///
    /// # Safety
    /// As there.
    pub unsafe fn order(&self, a: *const u8, b: *const u8) -> Result<Ordering> {
        // SAFETY: the caller's promise; fields and items lie inside their element.
        unsafe {
            match &self.kind {
                Kind::Builtin(f, size) => Ok(f(a, b, *size)),
                Kind::Object(ops) => {
                    let (x, y) = (object_at(ops, a), object_at(ops, b));
                    let less = (ops.less)(x, y)?;
                    Ok(order_of(less, !less && (ops.greater)(x, y)?))
                }
                Kind::Host(order) => order.order(a, b),
                Kind::Fields(fields) => {
                    for (offset, c) in fields {
                        match c.order(a.add(*offset), b.add(*offset))? {
                            Ordering::Equal => {}
                            other => return Ok(other),
                        }
                    }
                    Ok(Ordering::Equal)
                }
                Kind::Bytes { size, unit } => {
                    let (a, b) = (std::slice::from_raw_parts(a, *size), std::slice::from_raw_parts(b, *size));
                    if *unit == 1 {
                        return Ok(a.cmp(b));
                    }
                    let turned = |x: &[u8]| x.chunks(*unit).flat_map(|u| u.iter().rev()).copied().collect();
                    let (a, b): (Vec<u8>, Vec<u8>) = (turned(a), turned(b));
                    Ok(a.cmp(&b))
                }
                Kind::Items(c, count, size) => {
                    for i in 0..*count {
                        match c.order(a.add(i * size), b.add(i * size))? {
                            Ordering::Equal => {}
                            other => return Ok(other),
                        }
                    }
                    Ok(Ordering::Equal)
                }
            }
        }
    }

    /// This comparison as the sorts of `ufuncs` take it. Valid while `self` is.
    pub(super) fn comparator(&self) -> Comparator {
        unsafe extern "C" fn order(a: *const u8, b: *const u8, ctx: *mut c_void) -> c_int {
            // SAFETY: `ctx` is the `Compare` this comparator was made from; items are of its dtype.
            unsafe {
                let me = &*ctx.cast::<Compare>();
                me.answer(me.order(a, b))
            }
        }
        unsafe extern "C" fn less(a: *const u8, b: *const u8, ctx: *mut c_void) -> c_int {
            // SAFETY: as above.
            unsafe {
                let me = &*ctx.cast::<Compare>();
                me.answer(me.less(a, b).map(|less| if less { Ordering::Less } else { Ordering::Equal }))
            }
        }
        Comparator { less, order, ctx: std::ptr::from_ref(self).cast_mut().cast() }
    }

    /// An answer as a number; what failed is kept.
    fn answer(&self, answer: Result<Ordering>) -> c_int {
        answer.map_or_else(
            |e| {
                *self.failure.borrow_mut() = Some(e);
                COMPARE_FAILED
            },
            |order| order as c_int,
        )
    }

    /// The error behind a failed sort.
    pub(super) fn failure(&self, _: CompareFailed) -> Error {
        self.failure.borrow_mut().take().unwrap_or(Error::Host)
    }
}

/// The order of halves inside of structures, where a NaN comes first. numpy's sorts of halves put it last, its comparison of
/// two halves does not.
///
/// # Safety
/// Two native elements.
unsafe fn compare_halves(a: *const u8, b: *const u8, _itemsize: usize) -> Ordering {
    // SAFETY: the caller's promise.
    let (a, b) = unsafe { (a.cast::<f16>().read_unaligned(), b.cast::<f16>().read_unaligned()) };
    b.is_missing().cmp(&a.is_missing()).then(a.order(b))
}

unsafe fn object_at(ops: &ObjectOps, p: *const u8) -> *mut u8 {
    // SAFETY: a valid object slot.
    let obj = unsafe { p.cast::<*mut u8>().read_unaligned() };
    if obj.is_null() { (ops.none)() } else { obj }
}
