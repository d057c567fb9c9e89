//! Variable-width strings (NEP 55): what numpy calls `StringDType`.
//!
//! A dtype instance is its parameters and an arena ([`Strings`]); elements only make sense together with the instance of
//! their array. Two instances with equal parameters are equal to users, and different dtypes here: elements of the one
//! are copied, never taken for elements of the other. A new array gets an arena of its own ([`Dtype::for_new_array`]).
//!
//! A missing value is an element without text. What it stands for, the host's object, decides what operations make of it.

mod arena;
mod locked;
pub mod loops;
pub(crate) mod order;
mod unique;
pub(crate) mod utf8;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

pub use arena::{Arena, ITEMSIZE, Text, is_missing};
pub use locked::Locked;
pub(crate) use order::StringOrder;
pub use unique::unique;

use crate::dtype::{Body, Dtype, TypeNum};
use crate::error::{Error, Result};
use crate::object;

/// What kind of object stands for missing values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NaKind {
    /// Unequal to itself, or too shy to say: missing values spread through operations.
    Nan,
    /// A string: missing values are that string.
    Text,
    /// Anything else: most operations refuse missing values.
    Other,
}

/// The object that stands for missing values.
pub struct Na {
    object: *mut u8,
    pub kind: NaKind,
    /// Its `str()`, in UTF-8. For strings, the string itself.
    pub name: Box<[u8]>,
    /// Its `repr()`.
    pub repr: String,
    /// Whether it is a float that is NaN, for which floats that are NaN are missing values.
    pub is_float_nan: bool,
}

// SAFETY: the object is only touched with the host's lock held.
unsafe impl Send for Na {}
// SAFETY: as above.
unsafe impl Sync for Na {}

impl Na {
    /// Takes over a reference to the object.
    ///
    /// # Safety
    /// A live object of the host of which the caller owns a reference.
    pub unsafe fn new(
        object: *mut u8,
        kind: NaKind,
        name: Box<[u8]>,
        repr: String,
        is_float_nan: bool,
    ) -> Na {
        Na { object, kind, name, repr, is_float_nan }
    }
    /// The object.
    pub fn object(&self) -> *mut u8 {
        self.object
    }
}

impl Drop for Na {
    fn drop(&mut self) {
        if let Some(ops) = object::ops() {
            // SAFETY: the reference taken over by `new`.
            unsafe { (ops.decref)(self.object) };
        }
    }
}

/// An instance of the dtype: parameters, and the memory of its arrays.
pub struct Strings {
    /// Whether objects that are no strings are converted when they are stored.
    pub coerce: bool,
    pub na: Option<Arc<Na>>,
    arena: Mutex<Arena>,
    /// An array has been made with this instance.
    taken: AtomicBool,
}

impl fmt::Debug for Strings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Strings({:p})", std::ptr::from_ref(self))
    }
}

impl Strings {
    pub fn new(na: Option<Arc<Na>>, coerce: bool) -> Arc<Strings> {
        Arc::new(Strings { coerce, na, arena: Mutex::default(), taken: AtomicBool::new(false) })
    }
    /// Its memory. Held while elements are read or written; nothing of the host may be called meanwhile.
    pub fn lock(&self) -> MutexGuard<'_, Arena> {
        self.arena.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// [`Strings::lock`] if nobody else holds it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, Arena>> {
        match self.arena.try_lock() {
            Ok(held) => Some(held),
            Err(TryLockError::Poisoned(e)) => Some(e.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
    /// Another instance with the same parameters.
    pub fn twin(&self) -> Arc<Strings> {
        Strings::new(self.na.clone(), self.coerce)
    }
    /// Claim the instance for an array; false when another one has it.
    fn claim(&self) -> bool {
        !self.taken.swap(true, Ordering::Relaxed)
    }
    /// What a missing value reads as in operations that treat it as a string.
    pub fn default_text(&self) -> &[u8] {
        match &self.na {
            Some(na) if na.kind == NaKind::Text => &na.name,
            _ => &[],
        }
    }
    /// Whether missing values are more than a string.
    pub fn has_true_na(&self) -> bool {
        self.na.as_ref().is_some_and(|na| na.kind != NaKind::Text)
    }
    /// Truth of an element: a text has some length, a missing value is true when it is like NaN.
    ///
    /// # Safety
    /// An element of this instance.
    pub unsafe fn truth(&self, p: *const u8) -> bool {
        let arena = self.lock();
        // SAFETY: the caller's promise.
        match unsafe { arena.load(p) } {
            Some(text) => !text.is_empty(),
            None => self.na.as_ref().is_some_and(|na| na.kind == NaKind::Nan),
        }
    }
    /// The instance as users write it.
    pub fn describe(&self) -> String {
        let na = self.na.as_ref().map(|na| format!("na_object={}", na.repr));
        let coerce = (!self.coerce).then(|| "coerce=False".to_string());
        let parts: Vec<String> = na.into_iter().chain(coerce).collect();
        format!("StringDType({})", parts.join(", "))
    }
    /// Whether two instances have the same parameters.
    pub fn same_parameters(&self, other: &Strings) -> bool {
        self.coerce == other.coerce && same_na(self.na.as_ref(), other.na.as_ref())
    }
}

fn same_na(a: Option<&Arc<Na>>, b: Option<&Arc<Na>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            Arc::ptr_eq(a, b)
                || a.object == b.object
                || object::ops().is_some_and(|ops| (ops.same_na)(a.object, b.object))
        }
        _ => false,
    }
}

/// The missing-value object and the coercion several instances have in common.
///
/// # Errors
/// Different missing values.
pub fn common<'a>(all: impl Iterator<Item = &'a Strings>) -> Result<(Option<Arc<Na>>, bool)> {
    let (mut na, mut coerce): (Option<&Arc<Na>>, bool) = (None, true);
    for s in all {
        coerce &= s.coerce;
        match (na, &s.na) {
            (Some(a), Some(b)) if !same_na(Some(a), Some(b)) => {
                return Err(Error::type_(format!(
                    "Cannot find a compatible null string value for null strings '{}' and '{}'",
                    a.repr, b.repr
                )));
            }
            (None, Some(b)) => na = Some(b),
            _ => {}
        }
    }
    Ok((na.cloned(), coerce))
}

/// The instance whose missing values count in an operation on several.
pub(crate) fn effective<'a>(mut all: impl Iterator<Item = &'a Strings>) -> Option<&'a Strings> {
    let first = all.next()?;
    Some(if first.na.is_some() { first } else { all.find(|s| s.na.is_some()).unwrap_or(first) })
}

impl Dtype {
    /// A dtype with these parameters.
    pub fn strings(strings: Arc<Strings>) -> Dtype {
        Dtype { body: Body::Strings(strings), ..Dtype::builtin(TypeNum::VSTRING) }
    }
    /// `StringDType()`
    pub fn default_strings() -> Dtype {
        Dtype::strings(Strings::new(None, true))
    }
    /// The instance behind a variable-width string dtype.
    pub fn as_strings(&self) -> Option<&Arc<Strings>> {
        match &self.body {
            Body::Strings(s) => Some(s),
            _ => None,
        }
    }
    /// The dtype of a new array that is asked to have this one: strings get memory of their own.
    #[must_use]
    pub fn for_new_array(&self) -> Dtype {
        match &self.body {
            Body::Strings(s) if !s.claim() => {
                let twin = s.twin();
                twin.claim();
                Dtype::strings(twin)
            }
            // Only as a placeholder for its class does a dtype of strings come without an instance.
            Body::Plain if self.num == TypeNum::VSTRING => {
                let fresh = Strings::new(None, true);
                fresh.claim();
                Dtype::strings(fresh)
            }
            _ => self.clone(),
        }
    }
}
