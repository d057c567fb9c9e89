//! The different elements of an array of strings.

use std::collections::HashSet;
use std::sync::Arc;

use super::Strings;
use crate::array::{ArrayRef, NdArray, Order};
use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::iter::MultiIter;

/// Every string of an array once, in the order of first appearance, as a new array. Missing values are all one with
/// `equal_missing`, else each is different from all others.
///
/// # Errors
/// Memory.
pub fn unique(arr: &ArrayRef<'_>, strings: &Arc<Strings>, equal_missing: bool) -> Result<NdArray> {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut found: Vec<Option<Vec<u8>>> = Vec::new();
    let mut any_missing = false;
    MultiIter::c_order(arr.shape, &[arr.data], &[arr.strides]).for_each(|p, n, st| {
        let arena = strings.lock();
        for i in 0..n as isize {
            // SAFETY: an element of the array.
            match unsafe { arena.load(p[0].wrapping_offset(i * st[0])) } {
                Some(text) if seen.contains(&text[..]) => {}
                Some(text) => {
                    seen.insert(text.to_vec());
                    found.push(Some(text.to_vec()));
                }
                None => {
                    if !std::mem::replace(&mut any_missing, true) || !equal_missing {
                        found.push(None);
                    }
                }
            }
        }
        Ok(())
    })?;
    let out =
        NdArray::empty(&[found.len() as isize], &Dtype::strings(strings.twin()).for_new_array(), Order::C)?;
    let own = out.dtype.as_strings().ok_or_else(|| Error::type_("a string dtype without an instance"))?;
    let mut arena = own.lock();
    for (i, text) in found.iter().enumerate() {
        let at = out.data().wrapping_add(i * out.dtype.itemsize);
        // SAFETY: an element of the new array.
        unsafe {
            match text {
                Some(text) => arena.store(at, text)?,
                None => arena.store_missing(at),
            }
        }
    }
    drop(arena);
    Ok(out)
}
