//! Making dtypes out of dtypes: structs, subarrays, other byte orders; and what `==` means.

use std::sync::Arc;

use super::{Body, Dtype, Field, NATIVE, SWAPPED, TypeNum, flags};
use crate::array::MAXDIMS;
use crate::cast::{Casting, cast_level};
use crate::error::{Error, Result};
use crate::object;

/// A field before it has a place.
#[derive(Clone, Debug)]
pub struct NewField {
    pub name: Arc<str>,
    pub dtype: Dtype,
    pub title: Option<Arc<str>>,
}

/// What a structured dtype inherits from its fields.
const FROM_FIELDS: u64 = flags::NEEDS_INIT | flags::LIST_PICKLE | flags::ITEM_REFCOUNT | flags::NEEDS_PYAPI;

fn round_up(n: usize, align: usize) -> usize {
    n.div_ceil(align.max(1)) * align.max(1)
}

/// Fields one after the other; with `align`, padded as C would.
///
/// # Errors
/// A name used twice, a size that does not fit.
pub fn struct_of(fields: Vec<NewField>, align: bool) -> Result<Dtype> {
    let mut placed = Vec::with_capacity(fields.len());
    let mut end = 0usize;
    for f in fields {
        let offset = if align { round_up(end, f.dtype.align) } else { end };
        end = offset.checked_add(f.dtype.itemsize).ok_or_else(too_big)?;
        placed.push(Field { name: f.name, dtype: f.dtype, offset, title: f.title });
    }
    struct_at(placed, None, align)
}

fn too_big() -> Error {
    Error::value("invalid itemsize in generic type tuple")
}

/// Fields at given offsets. `itemsize` may add padding at the end.
///
/// # Errors
/// Names used twice, objects that overlap other fields, misaligned fields with `align`, too small an `itemsize`.
pub fn struct_at(fields: Vec<Field>, itemsize: Option<usize>, align: bool) -> Result<Dtype> {
    for (i, f) in fields.iter().enumerate() {
        let taken = |s: &Arc<str>| {
            fields[..i].iter().any(|g| g.name == *s || g.title.as_ref().is_some_and(|t| t == s))
        };
        if taken(&f.name) || f.title.as_ref().is_some_and(taken) {
            return Err(Error::value("name already used as a name or title"));
        }
    }
    let mut end = 0usize;
    let mut max_align = 1;
    let mut fl = flags::NEEDS_PYAPI | if align { flags::ALIGNED_STRUCT } else { 0 };
    for f in &fields {
        if align {
            max_align = max_align.max(f.dtype.align);
            if !f.offset.is_multiple_of(f.dtype.align) {
                return Err(Error::value(format!(
                    "offset {} for NumPy dtype with fields is not divisible by the field alignment {} with \
                     align=True",
                    f.offset, f.dtype.align
                )));
            }
        }
        end = end.max(f.offset.checked_add(f.dtype.itemsize).ok_or_else(too_big)?);
        fl |= f.dtype.flags & FROM_FIELDS;
    }
    if fields.iter().any(|f| f.dtype.has_object()) {
        let clash = |a: &Field, b: &Field| {
            a.offset < b.offset + b.dtype.itemsize && b.offset < a.offset + a.dtype.itemsize
        };
        let objects = fields.iter().enumerate().filter(|(_, f)| f.dtype.has_object());
        for (i, f) in objects {
            if fields.iter().enumerate().any(|(j, g)| i != j && clash(f, g)) {
                return Err(Error::type_("Cannot create a NumPy dtype with overlapping object fields"));
            }
        }
    }
    let mut total = round_up(end, max_align);
    if let Some(wanted) = itemsize {
        if wanted < total {
            return Err(Error::value(format!(
                "NumPy dtype descriptor requires {total} bytes, cannot override to smaller itemsize of {wanted}"
            )));
        }
        if align && !wanted.is_multiple_of(max_align) {
            return Err(Error::value(format!(
                "NumPy dtype descriptor requires alignment of {max_align} bytes, which is not divisible into \
                 the specified itemsize {wanted}"
            )));
        }
        total = wanted;
    }
    if isize::try_from(total).is_err() {
        return Err(too_big());
    }
    Ok(Dtype {
        num: TypeNum::VOID,
        byteorder: b'|',
        itemsize: total,
        align: max_align,
        flags: fl,
        body: Body::Struct(fields.into()),
    })
}

/// `shape` times `base` as one element. An empty shape is the base itself.
///
/// # Errors
/// `invalid shape in fixed-type tuple...`
pub fn subarray_of(base: &Dtype, shape: &[isize]) -> Result<Dtype> {
    let invalid = |why: &str| {
        Err(Error::value(format!(
            "invalid shape in fixed-type tuple{}{why}.",
            if why.is_empty() { "" } else { ": " }
        )))
    };
    if shape.is_empty() {
        return Ok(base.clone());
    }
    if shape.len() > MAXDIMS {
        return invalid("");
    }
    let mut size = base.itemsize as i64;
    for &n in shape {
        if n < 0 {
            return invalid("dimension smaller then zero");
        }
        if n > i32::MAX as isize {
            return invalid("dimension does not fit into a C int");
        }
        size = size.saturating_mul(n as i64);
    }
    if size > i32::MAX as i64 {
        return invalid("dtype size in bytes must fit into a C int");
    }
    Ok(Dtype {
        num: TypeNum::VOID,
        byteorder: b'|',
        itemsize: size as usize,
        align: base.align,
        flags: base.flags,
        body: Body::Subarray(Arc::new(base.clone()), shape.into()),
    })
}

impl Dtype {
    /// The same dtype in another byte order: `b'S'` swaps, `b'='`, `b'<'`, `b'>'` set, `b'|'` changes nothing. Reaches
    /// into fields and subarrays.
    pub fn with_byteorder(&self, order: u8) -> Dtype {
        let mut out = self.clone();
        match &self.body {
            Body::Struct(fields) => {
                let swapped = fields
                    .iter()
                    .map(|f| Field { dtype: f.dtype.with_byteorder(order), ..f.clone() })
                    .collect();
                out.body = Body::Struct(swapped);
            }
            Body::Subarray(base, shape) => {
                out.body = Body::Subarray(Arc::new(base.with_byteorder(order)), shape.clone());
            }
            // Instances of a host's class are what their class makes of them.
            Body::Host(_) | Body::Strings(_) => {}
            _ if self.byteorder == b'|' => {}
            _ => {
                out.byteorder = match order {
                    b'S' if self.byteorder == SWAPPED => b'=',
                    b'S' => SWAPPED,
                    b'=' | NATIVE => b'=',
                    SWAPPED => SWAPPED,
                    _ => self.byteorder,
                }
            }
        }
        out
    }
    /// The dtype promotion and casts to a class produce: native byte order, structs repacked without padding that
    /// alignment does not ask for.
    pub fn canonical(&self) -> Dtype {
        match &self.body {
            Body::Struct(fields) => {
                let align = self.flags & flags::ALIGNED_STRUCT != 0;
                let fields = fields
                    .iter()
                    .map(|f| NewField {
                        name: f.name.clone(),
                        dtype: f.dtype.canonical(),
                        title: f.title.clone(),
                    })
                    .collect();
                // Names were unique and sizes only shrink, so this cannot fail.
                struct_of(fields, align).unwrap_or_else(|_| self.with_byteorder(b'='))
            }
            Body::Subarray(base, shape) => {
                subarray_of(&base.canonical(), shape).unwrap_or_else(|_| self.with_byteorder(b'='))
            }
            Body::Host(_) => object::ops().map_or_else(|| self.clone(), |ops| (ops.canonical)(self)),
            _ => self.with_byteorder(b'='),
        }
    }
    /// Whether both have the same fields, to the offset and the byte order.
    pub fn same_layout(&self, other: &Dtype) -> bool {
        match (&self.body, &other.body) {
            (Body::Struct(a), Body::Struct(b)) => {
                self.itemsize == other.itemsize
                    && self.flags == other.flags
                    && a.len() == b.len()
                    && a.iter()
                        .zip(b.iter())
                        .all(|(f, g)| f.offset == g.offset && f.dtype.same_layout(&g.dtype))
            }
            (Body::Subarray(a, s), Body::Subarray(b, t)) => s == t && a.same_layout(b),
            _ => {
                self.num == other.num
                    && self.itemsize == other.itemsize
                    && self.is_swapped() == other.is_swapped()
            }
        }
    }
    /// Recompute alignment and flags of a struct or subarray from what it contains.
    #[must_use]
    pub fn finalize(self) -> Dtype {
        let rebuilt = match &self.body {
            Body::Struct(fields) => {
                struct_at(fields.to_vec(), Some(self.itemsize), self.flags & flags::ALIGNED_STRUCT != 0)
            }
            Body::Subarray(base, shape) => subarray_of(base, shape),
            _ => return self,
        };
        rebuilt.unwrap_or(self)
    }
    /// Whether elements of this dtype have no size yet (`S`, `U`, `V` without a length).
    pub fn is_unsized(&self) -> bool {
        self.itemsize == 0 && self.num.is_flexible() && matches!(self.body, Body::Plain)
    }
    /// The dtype of an array made with this one: subarrays become extra dimensions.
    pub fn peel_subarray(&self) -> (Dtype, Vec<isize>) {
        let mut shape = Vec::new();
        let mut dt = self.clone();
        while let Body::Subarray(base, dims) = &dt.body {
            shape.extend_from_slice(dims);
            dt = (**base).clone();
        }
        (dt, shape)
    }
}

impl PartialEq for Dtype {
    /// The same description, not merely equivalent: `l` differs from `q`.
    fn eq(&self, other: &Dtype) -> bool {
        self.num == other.num
            && self.byteorder == other.byteorder
            && self.itemsize == other.itemsize
            && self.align == other.align
            && match (&self.body, &other.body) {
                (Body::Plain, Body::Plain) => true,
                (Body::Struct(a), Body::Struct(b)) => {
                    a.len() == b.len()
                        && a.iter().zip(b.iter()).all(|(f, g)| {
                            f.name == g.name
                                && f.offset == g.offset
                                && f.title == g.title
                                && f.dtype == g.dtype
                        })
                }
                (Body::Subarray(a, s), Body::Subarray(b, t)) => s == t && a == b,
                (Body::Datetime(a), Body::Datetime(b)) => a == b,
                (Body::Host(a), Body::Host(b)) => a == b,
                // Elements only make sense together with their arena.
                (Body::Strings(a), Body::Strings(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
}

/// Whether elements of `a` can be read as elements of `b` as they are: what `==` between dtypes means.
pub fn equivalent(a: &Dtype, b: &Dtype) -> bool {
    if a.num == b.num
        && matches!((&a.body, &b.body), (Body::Plain, Body::Plain))
        && !a.num.is_flexible()
        && !a.num.is_user()
    {
        return a.byteorder == b.byteorder;
    }
    if let (Body::Strings(x), Body::Strings(y)) = (&a.body, &b.body) {
        return Arc::ptr_eq(x, y);
    }
    // Types of different classes are never equal, except integers of the same size and signedness.
    if a.num != b.num && !(a.num.is_integer() && b.num.is_integer()) {
        return false;
    }
    cast_level(a, b) == Some(Casting::No)
}
