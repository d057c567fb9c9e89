//! Which casts exist, and how safe they are.

use super::Casting;
use crate::dtype::host::is_host_class;
use crate::dtype::{Body, DatetimeMeta, Dtype, Field, TypeNum, datetime, strings};
use crate::object;

/// The strictest casting under which `from` may become `to`; `None` when there is no cast at all. Item sizes of
/// strings are taken literally; see [`can_cast`] for `S` meaning "any length".
pub fn cast_level(from: &Dtype, to: &Dtype) -> Option<Casting> {
    // Opaque to the compiler. rustc 1.95 (LLVM) turns the recursion through subarrays into a loop that accumulates a maximum,
    // takes the result to be `Safe` at least, and folds comparisons with `No` to false, which makes equal dtypes differ.
    std::hint::black_box(level_between(from, to))
}

fn level_between(from: &Dtype, to: &Dtype) -> Option<Casting> {
    use TypeNum as T;
    if from.num.is_user() || to.num.is_user() {
        return user_level(from, to);
    }
    let level = match (from.num, to.num) {
        (T::VOID, T::VSTRING) => Casting::SameKind,
        (T::VOID, _) | (_, T::VOID)
            if to.num != T::OBJECT && from.num != T::OBJECT && from.num != T::VSTRING =>
        {
            return void_level(from, to);
        }
        (T::OBJECT, T::OBJECT) => Casting::No,
        (_, T::OBJECT) => Casting::Safe,
        (T::OBJECT, _) => Casting::Unsafe,
        (T::VSTRING, T::VSTRING) => super::vstring::level(from, to),
        (T::VSTRING, T::STRING | T::UNICODE | T::VOID | T::BOOL) => Casting::SameKind,
        (T::VSTRING, _) => Casting::Unsafe,
        (T::STRING | T::UNICODE, T::VSTRING) => Casting::SameKind,
        (_, T::VSTRING) => Casting::Safe,
        (T::STRING, T::STRING) => length_level(from.itemsize, to.itemsize, Casting::No),
        (T::UNICODE, T::UNICODE) => {
            length_level(from.itemsize, to.itemsize, order_level(from.byteorder == to.byteorder))
        }
        (T::STRING, T::UNICODE) => length_level(from.itemsize * 4, to.itemsize, Casting::Safe),
        (T::STRING | T::UNICODE, _) => Casting::Unsafe,
        (T::DATETIME | T::TIMEDELTA, T::DATETIME | T::TIMEDELTA) => datetime_level(from, to),
        (T::DATETIME | T::TIMEDELTA, _) => Casting::Unsafe,
        (_, T::STRING | T::UNICODE) => {
            let chars = if to.num == T::UNICODE { to.itemsize / 4 } else { to.itemsize };
            length_level(strings::natural_length(from), chars, Casting::Safe)
        }
        (_, T::DATETIME) => Casting::Unsafe,
        (a, T::TIMEDELTA) => match a {
            T::ULONG | T::ULONGLONG => Casting::SameKind,
            a if a.is_bool() || a.is_integer() => Casting::Safe,
            _ => Casting::Unsafe,
        },
        (a, b) => {
            let level = number_level(a, b);
            if level == Casting::No { order_level(from.byteorder == to.byteorder) } else { level }
        }
    };
    Some(level)
}

/// Whether `from` can be cast to `to` at this level (dtype to dtype, values not looked at). `S`, `U` and `V` without a
/// length stand for any length.
pub fn can_cast(from: &Dtype, to: &Dtype, casting: Casting) -> bool {
    if casting == Casting::SameValue {
        // A promise about values, which only casts between numbers can check.
        let numeric = |d: &Dtype| d.num.is_bool() || d.num.is_number();
        return numeric(from) && numeric(to);
    }
    let level = if to.is_unsized() {
        let sized = sized_for(from, to);
        if sized.itemsize > i32::MAX as usize { None } else { cast_level(from, &sized) }
    } else {
        cast_level(from, to)
    };
    level.is_some_and(|l| l <= casting)
}

/// The dtype of `to`'s class that holds any `from`: what a flexible dtype without a length becomes in a cast.
pub fn sized_for(from: &Dtype, to: &Dtype) -> Dtype {
    match to.num {
        TypeNum::STRING => Dtype::string(strings::natural_length(from)),
        TypeNum::UNICODE => Dtype::unicode(strings::natural_length(from)),
        TypeNum::VOID if from.num == TypeNum::VOID => from.clone(),
        TypeNum::VOID => Dtype::void(from.itemsize),
        _ => to.clone(),
    }
}

const fn order_level(same: bool) -> Casting {
    if same { Casting::No } else { Casting::Equiv }
}

fn length_level(from: usize, to: usize, equal: Casting) -> Casting {
    match from.cmp(&to) {
        std::cmp::Ordering::Equal => equal,
        std::cmp::Ordering::Less => Casting::Safe,
        std::cmp::Ordering::Greater => Casting::SameKind,
    }
}

/// bool, integers, floats and complex numbers, byte order apart.
fn number_level(from: TypeNum, to: TypeNum) -> Casting {
    if from == to || (from.is_integer() && from.kind() == to.kind() && from.size() == to.size()) {
        return Casting::No;
    }
    if number_is_safe(from, to) {
        return Casting::Safe;
    }
    // Kinds in order: a cast to an equal or later kind may lose range or precision, never the meaning.
    let rank = |t: TypeNum| b"buifc".iter().position(|&k| k == t.kind()).unwrap_or(0);
    if rank(from) <= rank(to) { Casting::SameKind } else { Casting::Unsafe }
}

fn number_is_safe(from: TypeNum, to: TypeNum) -> bool {
    if from.is_bool() {
        return true;
    }
    if to.is_bool() {
        return false;
    }
    // Complex targets take what their parts take.
    let (size, to_size) = (from.size(), to.real_part().size());
    match (from.kind(), to.kind()) {
        (b'u', b'u') | (b'i', b'i') => size <= to_size,
        (b'u', b'i') => size < to_size,
        // 64-bit integers count as safe in float64 though they are not.
        (b'i' | b'u', b'f' | b'c') => size < to_size || size == 8 && to_size == 8,
        (b'f', b'f' | b'c') => size <= to_size,
        (b'c', b'c') => from.real_part().size() <= to_size,
        _ => false,
    }
}

fn datetime_level(from: &Dtype, to: &Dtype) -> Casting {
    if from.num != to.num {
        return Casting::Unsafe;
    }
    let (Some(a), Some(b)) = (from.datetime_meta(), to.datetime_meta()) else { return Casting::Unsafe };
    let same_order = from.byteorder == to.byteorder;
    if a == b || metric_equal(a, b) {
        return order_level(same_order);
    }
    if a.is_generic() {
        return if b.is_generic() { order_level(same_order) } else { Casting::Safe };
    }
    if b.is_generic() {
        return Casting::Unsafe;
    }
    let is_timedelta = from.num == TypeNum::TIMEDELTA;
    let calendar = |m: DatetimeMeta| m.unit <= datetime::UNIT_MONTH;
    if is_timedelta && calendar(a) != calendar(b) {
        Casting::Unsafe
    } else if a.unit <= b.unit && datetime::divides(a, b, is_timedelta) {
        // Overflow does not count: a finer unit is safe.
        Casting::Safe
    } else {
        Casting::SameKind
    }
}

/// `1000ms` is `1s`; only this way round, and only for metric prefixes of the second.
pub(super) fn metric_equal(from: DatetimeMeta, to: DatetimeMeta) -> bool {
    if from.unit < datetime::UNIT_SECOND || to.unit < datetime::UNIT_SECOND || to.num == 0 {
        return false;
    }
    let ratio = (from.num / to.num) as i64;
    match from.unit - to.unit {
        1 => ratio == 1000,
        2 => ratio == 1_000_000,
        3 => ratio == 1_000_000_000,
        _ => false,
    }
}

fn void_level(from: &Dtype, to: &Dtype) -> Option<Casting> {
    match (&from.body, &to.body) {
        (Body::Struct(a), Body::Struct(b)) => struct_level(from, to, a, b),
        // One field stands for the whole struct.
        (Body::Struct(a), _) => {
            let [only] = &a[..] else { return None };
            cast_level(&only.dtype, to).map(|_| Casting::Unsafe)
        }
        // Every field gets the whole value.
        (_, Body::Struct(b)) => {
            b.iter().all(|f| cast_level(from, &f.dtype).is_some()).then_some(Casting::Unsafe)
        }
        (Body::Subarray(a, s), Body::Subarray(b, t)) if s == t => cast_level(a, b),
        (Body::Subarray(a, _), Body::Subarray(b, _)) => cast_level(a, b).map(|_| Casting::Unsafe),
        (Body::Subarray(a, _), _) => cast_level(a, to).map(|_| Casting::Unsafe),
        // An opaque void has no meaning to spread out.
        (_, Body::Subarray(b, _)) if from.num != TypeNum::VOID => {
            cast_level(from, b).map(|l| l.max(Casting::Safe))
        }
        (_, Body::Subarray(b, _)) => cast_level(from, b).map(|_| Casting::Unsafe),
        _ if to.num != TypeNum::VOID => Some(Casting::Unsafe),
        _ if from.num == TypeNum::VOID => Some(length_level(from.itemsize, to.itemsize, Casting::No)),
        // Raw bytes of anything, if they fit.
        _ if from.itemsize <= to.itemsize => Some(Casting::Safe),
        _ => Some(Casting::Unsafe),
    }
}

fn struct_level(from: &Dtype, to: &Dtype, a: &[Field], b: &[Field]) -> Option<Casting> {
    if a.len() != b.len() {
        return None;
    }
    let mut level = if from.itemsize == to.itemsize { Casting::No } else { Casting::Equiv };
    for (f, g) in a.iter().zip(b) {
        if f.name != g.name || f.title != g.title {
            level = level.max(Casting::Safe);
        }
        if f.offset != g.offset {
            level = level.max(Casting::Equiv);
        }
        level = level.max(cast_level(&f.dtype, &g.dtype)?);
    }
    Some(level)
}

fn user_level(from: &Dtype, to: &Dtype) -> Option<Casting> {
    if from.num == to.num && from == to {
        return Some(Casting::No);
    }
    let ops = object::ops();
    // A cast that cannot be resolved is none; what went wrong shows when it is tried.
    if let Some(r) = ops.and_then(|ops| (ops.cast)(from, to.num, Some(to)).ok().flatten()) {
        let before = if r.from == *from { Casting::No } else { cast_level(from, &r.from)? };
        let after = if r.to == *to { Casting::No } else { cast_level(&r.to, to)? };
        return Some(r.level.max(before).max(after));
    }
    match (from.num, to.num) {
        (_, TypeNum::OBJECT) => Some(Casting::Safe),
        (TypeNum::OBJECT, _) => Some(Casting::Unsafe),
        (TypeNum::VOID, _) | (_, TypeNum::VOID) => void_level(from, to),
        (a, b) if a == b && !is_host_class(a) => Some(order_level(from.byteorder == to.byteorder)),
        _ => None,
    }
}
