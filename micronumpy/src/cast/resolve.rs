//! What a cast between two classes of dtypes does with given dtypes: the dtypes its loop works on, how safe it is, and
//! whether it is no more than another look at the same memory.
//!
//! The loop's dtypes are not always the operands': numbers of a foreign byte order are made native first, a missing
//! destination is filled in with what holds every value. The level is that of the loop alone; what it takes to get from
//! the operands to the loop's dtypes is a cast of its own, and [`cast_level`] is the sum of both.

use super::{Casting, cast_level, metric_equal, sized_for};
use crate::dtype::{Body, Dtype, Field, TypeNum};

/// The answer of [`resolve`].
#[derive(Clone, Debug)]
pub struct CastResolution {
    /// What the loop reads; the operand's dtype unless that has to be cast first.
    pub from: Dtype,
    /// What the loop writes.
    pub to: Dtype,
    pub level: Casting,
    /// Byte offset at which elements can be read as they are, if they can.
    pub view_offset: Option<isize>,
    /// Whether the loop can tell values that survive from those that do not (`casting='same_value'`).
    pub checks_values: bool,
}

/// Resolve a cast of `from` to dtypes of the class `class`, to `to` if it is given. `None`: there is no such cast.
/// Only builtin classes are known here.
pub fn resolve(from: &Dtype, class: TypeNum, to: Option<&Dtype>) -> Option<CastResolution> {
    let numeric = |num: TypeNum| num.is_bool() || num.is_number();
    let checks_values = numeric(from.num) && numeric(class);
    let Some(to) = to else {
        let to = default_target(from, class);
        if from.num == TypeNum::VOID && class == TypeNum::VOID {
            // Raw bytes: whatever they mean on the one side, they mean nothing on the other.
            let level = if from.subarray().is_some() { Casting::Safe } else { Casting::No };
            return Some(CastResolution {
                from: from.clone(),
                to,
                level,
                view_offset: Some(0),
                checks_values,
            });
        }
        return resolve(from, class, Some(&to));
    };
    let (from, to) = (loop_source(from, to), loop_target(from, to));
    let level = cast_level(&from, &to)?;
    let view_offset = view_offset(&from, &to);
    Some(CastResolution { from, to, level, view_offset, checks_values })
}

/// The dtype a cast to a class leads to.
fn default_target(from: &Dtype, class: TypeNum) -> Dtype {
    match (from.num, class) {
        (TypeNum::VOID, TypeNum::VOID) => Dtype::void(from.itemsize),
        (a, b) if a == b => from.with_byteorder(b'='),
        (TypeNum::VOID, TypeNum::STRING) => Dtype::string(from.itemsize),
        (TypeNum::VOID, TypeNum::UNICODE) => Dtype::unicode(from.itemsize),
        (TypeNum::DATETIME, TypeNum::TIMEDELTA) | (TypeNum::TIMEDELTA, TypeNum::DATETIME) => {
            Dtype { num: class, ..from.with_byteorder(b'=') }
        }
        _ => sized_for(from, &Dtype::builtin(class)),
    }
}

/// Whether two classes are one but for the name: `long` and `long long`.
fn twins(a: TypeNum, b: TypeNum) -> bool {
    a == b || a.is_integer() && b.is_integer() && a.kind() == b.kind() && a.size() == b.size()
}

/// What the loop reads instead of `from`.
fn loop_source(from: &Dtype, to: &Dtype) -> Dtype {
    use TypeNum as T;
    let as_it_is = twins(from.num, to.num)
        || matches!(to.num, T::OBJECT | T::VOID)
        || matches!((from.num, to.num), (T::OBJECT | T::VOID, _) | (T::STRING | T::UNICODE, T::DATETIME));
    if as_it_is { from.clone() } else { from.with_byteorder(b'=') }
}

/// What the loop writes instead of `to`.
fn loop_target(from: &Dtype, to: &Dtype) -> Dtype {
    use TypeNum as T;
    let as_it_is = twins(from.num, to.num)
        || to.num == T::VOID
        || matches!(from.num, T::OBJECT | T::VOID)
        || matches!((from.num, to.num), (T::DATETIME, T::STRING | T::UNICODE));
    if as_it_is { to.clone() } else { to.with_byteorder(b'=') }
}

/// Where elements of `to` start in elements of `from`, if they can be read in place. The offset is never negative for
/// a structure around a plain value: it would let the view reach before the array.
pub fn view_offset(from: &Dtype, to: &Dtype) -> Option<isize> {
    use TypeNum as T;
    let same_order = from.byteorder == to.byteorder;
    match (from.num, to.num) {
        (T::VOID, T::VSTRING) | (T::VSTRING, T::VOID) => None,
        (T::VOID, _) | (_, T::VOID) => void_offset(from, to),
        (T::VSTRING, T::VSTRING) => (from == to).then_some(0),
        (T::STRING | T::UNICODE, _) if from.num == to.num => {
            (same_order && to.itemsize <= from.itemsize).then_some(0)
        }
        (T::DATETIME | T::TIMEDELTA, _) if from.num == to.num => {
            let (a, b) = (from.datetime_meta()?, to.datetime_meta()?);
            (same_order && (a == b || metric_equal(a, b) || a.is_generic())).then_some(0)
        }
        _ => (cast_level(from, to) == Some(Casting::No)).then_some(0),
    }
}

fn void_offset(from: &Dtype, to: &Dtype) -> Option<isize> {
    let single = |shape: &[isize]| shape.iter().product::<isize>() == 1;
    match (&from.body, &to.body) {
        (Body::Struct(a), Body::Struct(b)) => {
            let offset = struct_offset(a, b)?;
            (offset >= 0 && to.itemsize + offset as usize <= from.itemsize).then_some(offset)
        }
        (Body::Subarray(a, s), Body::Subarray(b, t)) => {
            if s == t {
                view_offset(a, b)
            } else {
                None
            }
        }
        (Body::Struct(fields), _) => {
            let [only] = &fields[..] else { return None };
            Some(view_offset(&only.dtype, to)? + only.offset as isize)
        }
        (_, Body::Struct(fields)) => {
            let [only] = &fields[..] else { return None };
            (only.offset == 0).then(|| view_offset(from, &only.dtype)).flatten()
        }
        (Body::Subarray(base, shape), _) => {
            if single(shape) {
                view_offset(base, to)
            } else {
                None
            }
        }
        (_, Body::Subarray(base, shape)) if from.num != TypeNum::VOID => {
            if single(shape) {
                view_offset(from, base)
            } else {
                None
            }
        }
        (_, Body::Plain) if to.num == TypeNum::VOID => {
            (to.itemsize <= from.itemsize && !from.has_object()).then_some(0)
        }
        _ => None,
    }
}

/// The offset all fields have in common.
fn struct_offset(from: &[Field], to: &[Field]) -> Option<isize> {
    if from.len() != to.len() {
        return None;
    }
    let mut common = None;
    for (f, t) in from.iter().zip(to) {
        let offset = view_offset(&f.dtype, &t.dtype)? + f.offset as isize - t.offset as isize;
        if *common.get_or_insert(offset) != offset {
            return None;
        }
    }
    Some(common.unwrap_or(0))
}
