//! Descriptors: what one element is. A [`Dtype`] is a small value that clones cheaply; structure hides behind `Arc`.
//!
//! The Python crate keeps one `Dtype` beside every descriptor object it makes, so nothing here knows about objects,
//! titles or metadata: only what decides the meaning of bytes.

pub mod build;
pub mod datetime;
pub mod host;
pub mod promote;
pub mod strings;
pub mod typestr;

use std::sync::Arc;

pub use build::{NewField, equivalent, struct_at, struct_of, subarray_of};
pub use host::HostDescr;
pub use promote::{TypeOrWeak, min_scalar_type, promote, result_type};
pub use ufuncs::TypeNum;

use crate::vstring::Strings;

/// Byte order of the machine this was compiled for, as numpy spells it in type strings.
pub const NATIVE: u8 = if cfg!(target_endian = "little") { b'<' } else { b'>' };
/// The other one.
pub const SWAPPED: u8 = if cfg!(target_endian = "little") { b'>' } else { b'<' };

/// Descriptor flags; values are ABI (`NPY_ITEM_*`).
pub mod flags {
    pub const ITEM_REFCOUNT: u64 = 0x01;
    pub const ITEM_HASOBJECT: u64 = 0x01;
    pub const LIST_PICKLE: u64 = 0x02;
    pub const ITEM_IS_POINTER: u64 = 0x04;
    pub const NEEDS_INIT: u64 = 0x08;
    pub const NEEDS_PYAPI: u64 = 0x10;
    pub const USE_GETITEM: u64 = 0x20;
    pub const USE_SETITEM: u64 = 0x40;
    pub const ALIGNED_STRUCT: u64 = 0x80;
    /// What an object element carries.
    pub const OBJECT_FLAGS: u64 =
        LIST_PICKLE | USE_GETITEM | ITEM_IS_POINTER | ITEM_REFCOUNT | NEEDS_INIT | NEEDS_PYAPI;
    /// What a variable-width string carries.
    pub const VSTRING_FLAGS: u64 = ITEM_REFCOUNT | LIST_PICKLE | NEEDS_INIT | USE_GETITEM | USE_SETITEM;
}

/// A datetime unit; values are ABI (`NPY_DATETIMEUNIT`), 3 is unused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct DatetimeMeta {
    pub unit: i32,
    pub num: i32,
}

/// One field of a structured dtype.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: Arc<str>,
    pub dtype: Dtype,
    pub offset: usize,
    /// The title, when it is a string (other titles matter to the host only).
    pub title: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub enum Body {
    Plain,
    /// VOID with fields, in order of `names`.
    Struct(Arc<[Field]>),
    /// VOID that is `shape` times `base`.
    Subarray(Arc<Dtype>, Arc<[isize]>),
    /// DATETIME, TIMEDELTA.
    Datetime(DatetimeMeta),
    /// VSTRING: the instance, see [`crate::vstring`].
    Strings(Arc<Strings>),
    /// An instance of a class the host defines.
    Host(HostDescr),
}

/// What one element is: type number, byte order, size, structure.
#[derive(Clone, Debug)]
pub struct Dtype {
    pub num: TypeNum,
    /// `b'='` native, `b'<'`/`b'>'` swapped (never the native spelling), `b'|'` not applicable.
    pub byteorder: u8,
    pub itemsize: usize,
    pub align: usize,
    pub flags: u64,
    pub body: Body,
}

impl Dtype {
    /// A builtin type in native byte order. Flexible types have item size 0, datetimes the generic unit.
    pub const fn builtin(num: TypeNum) -> Dtype {
        let body =
            if num.is_datetime() { Body::Datetime(DatetimeMeta { unit: 14, num: 1 }) } else { Body::Plain };
        let single = matches!(num.0, 0..=2 | 17 | 18 | 20);
        Dtype {
            num,
            byteorder: if single { b'|' } else { b'=' },
            itemsize: num.size(),
            align: num.align(),
            flags: match num {
                TypeNum::OBJECT => flags::OBJECT_FLAGS,
                // Uninitialised memory is not text.
                TypeNum::UNICODE => flags::NEEDS_INIT,
                TypeNum::VSTRING => flags::VSTRING_FLAGS,
                _ => 0,
            },
            body,
        }
    }
    pub const fn bool() -> Dtype {
        Dtype::builtin(TypeNum::BOOL)
    }
    pub const fn intp() -> Dtype {
        Dtype::builtin(TypeNum::LONG)
    }
    pub const fn float64() -> Dtype {
        Dtype::builtin(TypeNum::DOUBLE)
    }
    /// `S<n>`
    pub fn string(n: usize) -> Dtype {
        Dtype { itemsize: n, ..Dtype::builtin(TypeNum::STRING) }
    }
    /// `U<n>`, `n` in characters.
    pub fn unicode(n: usize) -> Dtype {
        Dtype { itemsize: 4 * n, ..Dtype::builtin(TypeNum::UNICODE) }
    }
    /// `V<n>`
    pub fn void(n: usize) -> Dtype {
        Dtype { itemsize: n, ..Dtype::builtin(TypeNum::VOID) }
    }
    pub fn datetime(num: TypeNum, meta: DatetimeMeta) -> Dtype {
        Dtype { body: Body::Datetime(meta), ..Dtype::builtin(num) }
    }

    /// Whether elements are in the machine's byte order (structs: all fields).
    #[inline]
    pub fn is_native(&self) -> bool {
        match &self.body {
            Body::Struct(fields) => fields.iter().all(|f| f.dtype.is_native()),
            Body::Subarray(base, _) => base.is_native(),
            _ => self.byteorder != SWAPPED,
        }
    }
    pub fn is_swapped(&self) -> bool {
        !self.is_native()
    }
    /// Whether elements own references to host objects.
    pub const fn has_object(&self) -> bool {
        self.flags & flags::ITEM_REFCOUNT != 0
    }
    pub fn fields(&self) -> Option<&[Field]> {
        match &self.body {
            Body::Struct(f) => Some(f),
            _ => None,
        }
    }
    pub fn subarray(&self) -> Option<(&Dtype, &[isize])> {
        match &self.body {
            Body::Subarray(base, shape) => Some((base, shape)),
            _ => None,
        }
    }
    pub fn datetime_meta(&self) -> Option<DatetimeMeta> {
        match self.body {
            Body::Datetime(m) => Some(m),
            _ => None,
        }
    }
}
