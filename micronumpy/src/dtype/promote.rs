//! Promotion (NEP 50): the dtype that several operands share.
//!
//! Promotion has two steps. First the *classes* (type numbers, plus three classes for Python's own numbers, which give
//! way to any type of their kind) are reduced to one; then every operand's dtype is cast to that class and the results
//! are merged (longest string, common datetime unit, field by field).
//!
//! Reducing classes pairwise from the left would make `int16, uint16, float32` a float64. numpy first looks for the
//! class that knows most of the others (a tournament) and lets that one answer; the same is done here, because the
//! result and the classes named in errors depend on it.

use smallvec::SmallVec;

use super::build::{NewField, struct_of, subarray_of};
use super::host::is_host_class;
use super::typestr::py_repr;
use super::{Body, Dtype, Field, TypeNum, datetime, flags, strings};
use crate::array::tuple_text;
use crate::cast::{Casting, can_cast};
use crate::error::{Error, Result};
use crate::object::{self, ObjectOps};
use crate::vstring::{self, Strings};

/// An operand of a promotion.
#[derive(Clone, Copy, Debug)]
pub enum TypeOrWeak<'a> {
    Dtype(&'a Dtype),
    /// A Python `int`, `float` or `complex`: kind without precision.
    Int,
    Float,
    Complex,
}

/// What takes part in the first step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Num(TypeNum),
    Int,
    Float,
    Complex,
}

/// The common dtype of two.
///
/// # Errors
/// `Error::Promotion`; errors of datetime units.
pub fn promote(a: &Dtype, b: &Dtype) -> Result<Dtype> {
    let (ca, cb) = (Class::Num(a.num), Class::Num(b.num));
    let parametric = |n: TypeNum| n.is_flexible() || n.is_datetime() || n.is_user() || n == TypeNum::VSTRING;
    if ca == cb && (!parametric(a.num) || a.num == TypeNum::VSTRING && a == b) {
        return Ok(a.canonical());
    }
    let Some(class) = common(ca, cb, &[a, b])? else {
        return Err(Error::Promotion(format!(
            "The DTypes {} and {} do not have a common DType. For example they cannot be stored in a single \
             array unless the dtype is `object`.",
            class_text(ca),
            class_text(cb)
        )));
    };
    merge(&cast_to_class(a, class, &[a, b])?, &cast_to_class(b, class, &[a, b])?)
}

/// The common dtype of any number of operands, Python numbers among them.
///
/// # Errors
/// As [`promote`]; `at least one array or dtype is required`.
pub fn result_type(ops: &[TypeOrWeak<'_>]) -> Result<Dtype> {
    let dtypes: SmallVec<[&Dtype; 4]> =
        ops.iter().filter_map(|o| if let TypeOrWeak::Dtype(d) = o { Some(*d) } else { None }).collect();
    if ops.is_empty() {
        return Err(Error::value("at least one array or dtype is required"));
    }
    if let ([one], [_]) = (&dtypes[..], ops) {
        return Ok(one.canonical());
    }
    let classes: SmallVec<[Class; 8]> = ops.iter().map(class_of).collect();
    let class = common_of_all(&classes, &dtypes)?;
    let Some((first, rest)) = dtypes.split_first() else { return default_of(class) };
    // Python numbers have no parameters to contribute.
    let mut result = cast_to_class(first, class, &dtypes)?;
    for d in rest {
        result = merge(&result, &cast_to_class(d, class, &dtypes)?)?;
    }
    // One duration among Python numbers stays what it is, byte order included.
    Ok(if rest.is_empty() && result.num.is_datetime() { (*first).clone() } else { result.canonical() })
}

/// The class of an operand.
fn class_of(op: &TypeOrWeak<'_>) -> Class {
    match op {
        TypeOrWeak::Dtype(d) => Class::Num(d.num),
        TypeOrWeak::Int => Class::Int,
        TypeOrWeak::Float => Class::Float,
        TypeOrWeak::Complex => Class::Complex,
    }
}

fn default_of(class: Class) -> Result<Dtype> {
    Ok(Dtype::builtin(match class {
        Class::Num(n) if is_host_class(n) => return (host()?.default_instance)(n),
        Class::Num(TypeNum::VSTRING) => return Ok(Dtype::default_strings()),
        Class::Num(n) => n,
        Class::Int => TypeNum::LONG,
        Class::Float => TypeNum::DOUBLE,
        Class::Complex => TypeNum::CDOUBLE,
    }))
}

fn host() -> Result<&'static ObjectOps> {
    object::ops().ok_or_else(|| Error::missing("a dtype of a host without a host"))
}

/// The tournament: see the module text.
fn common_of_all(classes: &[Class], dtypes: &[&Dtype]) -> Result<Class> {
    let mut entries: SmallVec<[Option<Class>; 8]> = classes.iter().map(|&c| Some(c)).collect();
    let mut len = entries.len();
    // What the first two entries of the last round are promoted to.
    let mut last = None;
    while len > 1 {
        let half = len / 2;
        for low in 0..half {
            let high = len - 1 - low;
            let (Some(a), Some(b)) = (entries[low], entries[high]) else { continue };
            last = knows(a, b, dtypes)?;
            match last {
                Some(r) if r == a => entries[high] = None,
                Some(_) => {}
                None => entries.swap(low, high),
            }
        }
        len -= half;
    }
    let Some(main) = entries[0] else {
        return Err(Error::value("at least one array or dtype is required"));
    };
    let mut result: Option<Class> = last;
    let known = if last.is_some() { 2 } else { 1 };
    for other in entries.iter().skip(known).flatten().copied() {
        let Some(promoted) = knows(main, other, dtypes)? else {
            let all: Vec<String> = classes.iter().map(|&c| class_text(c)).collect();
            return Err(Error::Promotion(format!(
                "The DType {} could not be promoted by {}. This means that no common DType exists for the given \
                 inputs. For example they cannot be stored in a single array unless the dtype is `object`. The \
                 full list of DTypes is: ({}{})",
                class_text(other),
                class_text(main),
                all.join(", "),
                if all.len() == 1 { "," } else { "" }
            )));
        };
        result = match result {
            None => Some(promoted),
            Some(r) if r == promoted => result,
            Some(r) => Some(common(r, promoted, dtypes)?.ok_or_else(|| {
                Error::Promotion(format!(
                    "The DTypes {} and {} do not have a common DType. For example they cannot be stored in a \
                     single array unless the dtype is `object`.",
                    class_text(r),
                    class_text(promoted)
                ))
            })?),
        };
    }
    Ok(result.unwrap_or(main))
}

/// The common class, whoever of the two knows it.
fn common(a: Class, b: Class, dtypes: &[&Dtype]) -> Result<Option<Class>> {
    if a == b {
        return Ok(Some(a));
    }
    match knows(a, b, dtypes)? {
        None => knows(b, a, dtypes),
        known => Ok(known),
    }
}

/// What class `a` answers about `b`; `None`: ask the other one.
fn knows(a: Class, b: Class, dtypes: &[&Dtype]) -> Result<Option<Class>> {
    if let Class::Num(num) = a
        && is_host_class(num)
        && a != b
    {
        return Ok((host()?.common_class)(num, b)?.map(Class::Num));
    }
    Ok(builtin_knows(a, b, dtypes))
}

/// [`knows`] for classes that are not the host's.
fn builtin_knows(a: Class, b: Class, dtypes: &[&Dtype]) -> Option<Class> {
    use TypeNum as T;
    let num = |n: TypeNum| Some(Class::Num(n));
    match (a, b) {
        _ if a == b => Some(a),
        (Class::Num(T::OBJECT), _) => Some(a),
        (Class::Num(n), Class::Num(m)) if n.is_user() || m.is_user() => user_common(n, m, dtypes),
        (Class::Num(T::VSTRING), Class::Num(T::UNICODE)) => Some(a),
        (Class::Num(T::VSTRING), _) | (_, Class::Num(T::VSTRING)) => None,
        (Class::Num(T::UNICODE), Class::Num(T::STRING)) => Some(a),
        (Class::Num(T::STRING | T::UNICODE), Class::Num(m)) => {
            if m.is_bool() || m.is_number() {
                Some(a)
            } else {
                None
            }
        }
        (Class::Num(T::DATETIME), Class::Num(T::TIMEDELTA)) => Some(a),
        (Class::Num(T::TIMEDELTA), Class::Num(m)) if m != T::OBJECT => match m {
            T::ULONG | T::ULONGLONG => None,
            m if m.is_bool() || m.is_integer() => Some(a),
            _ => None,
        },
        // Types numbered above object know it.
        (Class::Num(n), Class::Num(T::OBJECT)) if n.0 > T::OBJECT.0 => Some(b),
        // The larger number answers for a pair of numbers.
        (Class::Num(n), Class::Num(m)) if m.0 > n.0 => None,
        (Class::Num(n), Class::Num(m)) => number_common(n, m).map(Class::Num),
        (Class::Num(n), Class::Complex) => match n {
            n if n.is_complex() => Some(a),
            T::HALF | T::FLOAT => num(T::CFLOAT),
            T::DOUBLE => num(T::CDOUBLE),
            T::LONGDOUBLE => num(T::CLONGDOUBLE),
            _ => None,
        },
        (Class::Num(n), Class::Float) => (n.is_complex() || n.is_float()).then_some(a),
        (Class::Num(n), Class::Int) => (n.is_number() || n == T::TIMEDELTA).then_some(a),
        // Python's numbers answer where the other type must change; it answers itself where it stays.
        (Class::Int, Class::Num(m)) => match m {
            m if m.is_bool() => num(T::LONG),
            m if m.is_user() && !is_host_class(m) => user_weak(&[T::UBYTE, T::BYTE, T::LONG], m, dtypes),
            _ => None,
        },
        (Class::Float, Class::Num(m)) => match m {
            m if m.is_bool() || m.is_integer() => num(T::DOUBLE),
            m if m.is_user() && !is_host_class(m) => user_weak(&[T::HALF, T::DOUBLE], m, dtypes),
            _ => None,
        },
        (Class::Complex, Class::Num(m)) => match m {
            m if m.is_bool() || m.is_integer() => num(T::CDOUBLE),
            m if m.is_user() && !is_host_class(m) => user_weak(&[T::CFLOAT, T::CDOUBLE], m, dtypes),
            _ => None,
        },
        (Class::Float, Class::Int) | (Class::Complex, Class::Int | Class::Float) => Some(a),
        (Class::Int | Class::Float | Class::Complex, _) => None,
    }
}

/// Common type of bool, integers, floats, complex numbers.
fn number_common(a: TypeNum, b: TypeNum) -> Option<TypeNum> {
    use TypeNum as T;
    let is_num = |t: TypeNum| t.is_bool() || t.is_number();
    if !is_num(a) || !is_num(b) {
        return None;
    }
    let (lo, hi) = if rank(a) <= rank(b) { (a, b) } else { (b, a) };
    if lo.is_bool() {
        return Some(hi);
    }
    if hi.is_integer() {
        if lo.kind() == hi.kind() {
            // Equal sizes: the later type number (long long before long).
            return Some(if (lo.size(), lo.0) > (hi.size(), hi.0) { lo } else { hi });
        }
        let (u, i) = if lo.is_unsigned() { (lo, hi) } else { (hi, lo) };
        if u.size() < i.size() {
            return Some(i);
        }
        return Some(match u.size() {
            1 => T::SHORT,
            2 => T::INT,
            4 => T::LONG,
            _ => T::DOUBLE,
        });
    }
    // A float that holds both; integers ask for a float of more than their size, 64 bits for a double.
    let need = match lo.size() {
        n if lo.is_integer() => [T::HALF, T::FLOAT, T::DOUBLE, T::DOUBLE][n.ilog2() as usize],
        _ => lo.real_part(),
    };
    let part = hi.real_part();
    let part = if need.size() > part.size() { need } else { part };
    Some(if !hi.is_complex() {
        part
    } else {
        match part {
            T::DOUBLE => T::CDOUBLE,
            T::LONGDOUBLE => T::CLONGDOUBLE,
            _ => T::CFLOAT,
        }
    })
}

/// Order of kinds.
fn rank(t: TypeNum) -> usize {
    match t.kind() {
        b'b' => 0,
        b'i' | b'u' => 1,
        b'f' => 2,
        _ => 3,
    }
}

/// A user type meets another legacy type: whichever the other can be cast to safely.
fn user_common(a: TypeNum, b: TypeNum, dtypes: &[&Dtype]) -> Option<Class> {
    let parametric = [TypeNum::VSTRING, TypeNum::VOID];
    if parametric.contains(&a) || parametric.contains(&b) || !a.is_user() || is_host_class(b) {
        return None;
    }
    let (da, db) = (instance(a, dtypes), instance(b, dtypes));
    if can_cast(&da, &db, Casting::Safe) {
        Some(Class::Num(b))
    } else if can_cast(&db, &da, Casting::Safe) {
        Some(Class::Num(a))
    } else {
        None
    }
}

/// A Python number meets a user type: the first builtin type of its kind that the user type goes with.
fn user_weak(candidates: &[TypeNum], user: TypeNum, dtypes: &[&Dtype]) -> Option<Class> {
    candidates.iter().find_map(|&c| user_common(user, c, dtypes))
}

/// A dtype of this class; of user types one of those at hand.
fn instance(num: TypeNum, dtypes: &[&Dtype]) -> Dtype {
    match dtypes.iter().find(|d| d.num == num) {
        Some(d) if num.is_user() || num == TypeNum::VSTRING => (*d).clone(),
        _ => Dtype::builtin(num),
    }
}

/// The dtype of this class that holds any value of `dt`.
fn cast_to_class(dt: &Dtype, class: Class, dtypes: &[&Dtype]) -> Result<Dtype> {
    let Class::Num(num) = class else { return default_of(class) };
    if dt.num == num {
        return Ok(dt.canonical());
    }
    if is_host_class(num) || is_host_class(dt.num) {
        return match (host()?.cast)(dt, num, None)? {
            Some(r) => Ok(r.to),
            None if num.is_object() => Ok(Dtype::builtin(num)),
            None => Err(Error::type_(format!(
                "cannot cast from {} to {}.",
                class_text(Class::Num(dt.num)),
                class_text(class)
            ))),
        };
    }
    Ok(match num {
        TypeNum::STRING => Dtype::string(strings::natural_length(dt)),
        TypeNum::UNICODE => Dtype::unicode(strings::natural_length(dt)),
        TypeNum::DATETIME => match dt.datetime_meta() {
            // Remembered as a timedelta's unit: it must not be strict about years.
            Some(meta) => Dtype::datetime(num, meta),
            None => Dtype::builtin(num),
        },
        TypeNum::VSTRING => Dtype::default_strings(),
        num => instance(num, dtypes),
    })
}

/// Two dtypes of one class.
fn merge(a: &Dtype, b: &Dtype) -> Result<Dtype> {
    match a.num {
        num if is_host_class(num) => (host()?.common_instance)(a, b),
        TypeNum::STRING | TypeNum::UNICODE => {
            Ok(if a.itemsize >= b.itemsize { a.canonical() } else { b.canonical() })
        }
        TypeNum::DATETIME | TypeNum::TIMEDELTA => {
            let (Some(ma), Some(mb)) = (a.datetime_meta(), b.datetime_meta()) else {
                return Ok(a.canonical());
            };
            let strict = a.num == TypeNum::TIMEDELTA;
            Ok(Dtype::datetime(a.num, datetime::common_divisor(ma, mb, strict, strict)?))
        }
        TypeNum::VOID => merge_void(a, b),
        TypeNum::VSTRING => merge_strings(a, b),
        _ => Ok(a.canonical()),
    }
}

fn merge_void(a: &Dtype, b: &Dtype) -> Result<Dtype> {
    match (&a.body, &b.body) {
        (Body::Plain, Body::Plain) if a.itemsize == b.itemsize => Ok(a.clone()),
        (Body::Plain, Body::Plain) => Err(Error::Promotion(
            "Invalid type promotion with void datatypes of different lengths. Use the `np.bytes_` datatype \
             instead to pad the shorter value with trailing zero bytes."
                .into(),
        )),
        (Body::Struct(f), Body::Struct(g)) => {
            merge_fields(f, g, (a.flags | b.flags) & flags::ALIGNED_STRUCT != 0)
        }
        (Body::Subarray(x, s), Body::Subarray(y, t)) => {
            if s != t {
                return Err(Error::Promotion(
                    "invalid type promotion with subarray datatypes (shape mismatch).".into(),
                ));
            }
            subarray_of(&promote(x, y)?, s)
        }
        _ => Err(Error::Promotion("invalid type promotion with structured datatype(s).".into())),
    }
}

fn merge_fields(a: &[Field], b: &[Field], align: bool) -> Result<Dtype> {
    if a.len() != b.len() || a.iter().zip(b).any(|(f, g)| f.name != g.name) {
        return Err(Error::Promotion(format!(
            "field names `{}` and `{}` mismatch.",
            names_text(a),
            names_text(b)
        )));
    }
    let mut out = Vec::with_capacity(a.len());
    for (f, g) in a.iter().zip(b) {
        let dtype = promote(&f.dtype, &g.dtype)?;
        if f.title != g.title {
            return Err(Error::Promotion(format!("field titles of field '{}' mismatch", f.name)));
        }
        out.push(NewField { name: f.name.clone(), dtype, title: f.title.clone() });
    }
    struct_of(out, align)
}

fn names_text(fields: &[Field]) -> String {
    let names: Vec<String> = fields.iter().map(|f| py_repr(&f.name)).collect();
    format!("({}{})", names.join(", "), if names.len() == 1 { "," } else { "" })
}

fn class_text(class: Class) -> String {
    let name = match class {
        Class::Num(n) => return class_name(n),
        Class::Int => "_PyLongDType",
        Class::Float => "_PyFloatDType",
        Class::Complex => "_PyComplexDType",
    };
    format!("<class 'numpy.dtypes.{name}'>")
}

/// The DType class of a type number as `repr` shows it.
pub fn class_name(num: TypeNum) -> String {
    let name = match num {
        TypeNum::BOOL => "BoolDType",
        TypeNum::BYTE => "Int8DType",
        TypeNum::UBYTE => "UInt8DType",
        TypeNum::SHORT => "Int16DType",
        TypeNum::USHORT => "UInt16DType",
        TypeNum::INT => "Int32DType",
        TypeNum::UINT => "UInt32DType",
        TypeNum::LONG => "Int64DType",
        TypeNum::ULONG => "UInt64DType",
        TypeNum::LONGLONG => "LongLongDType",
        TypeNum::ULONGLONG => "ULongLongDType",
        TypeNum::HALF => "Float16DType",
        TypeNum::FLOAT => "Float32DType",
        TypeNum::DOUBLE => "Float64DType",
        TypeNum::LONGDOUBLE => "LongDoubleDType",
        TypeNum::CFLOAT => "Complex64DType",
        TypeNum::CDOUBLE => "Complex128DType",
        TypeNum::CLONGDOUBLE => "CLongDoubleDType",
        TypeNum::OBJECT => "ObjectDType",
        TypeNum::STRING => "BytesDType",
        TypeNum::UNICODE => "StrDType",
        TypeNum::VOID => "VoidDType",
        TypeNum::DATETIME => "DateTime64DType",
        TypeNum::TIMEDELTA => "TimeDelta64DType",
        TypeNum::VSTRING => "StringDType",
        num => return object::ops().map_or_else(|| format!("{num:?}"), |ops| (ops.class_name)(num)),
    };
    format!("<class 'numpy.dtypes.{name}'>")
}

/// Strings know the missing value that one of them knows, and coerce when both do.
fn merge_strings(a: &Dtype, b: &Dtype) -> Result<Dtype> {
    let (Some(x), Some(y)) = (a.as_strings(), b.as_strings()) else { return Ok(a.clone()) };
    match vstring::common([&**x, &**y].into_iter()) {
        Ok((na, coerce)) => Ok(Dtype::strings(Strings::new(na, coerce))),
        Err(_) => Err(Error::type_(format!(
            "Cannot find common instance for incompatible dtypes '{}' and '{}'",
            x.describe(),
            y.describe()
        ))),
    }
}

/// A shape as a Python tuple, for callers of this module that word errors about subarrays.
pub fn subarray_text(shape: &[isize]) -> String {
    tuple_text(shape)
}

/// The smallest dtype that holds this value; anything but a number is returned as it is.
///
/// # Safety
/// `value` points to a readable element of `dtype`, in native byte order, not necessarily aligned.
pub unsafe fn min_scalar_type(dtype: &Dtype, value: *const u8) -> Dtype {
    use TypeNum as T;
    let num = dtype.num;
    if !num.is_number() {
        return if num.is_bool() { Dtype::bool() } else { dtype.clone() };
    }
    // SAFETY: the caller's promise, for all reads; sizes follow from the type number.
    let found = unsafe {
        match num.kind() {
            b'u' => min_unsigned(read_uint(num, value)),
            b'i' => {
                let v = read_int(num, value);
                if v >= 0 { min_unsigned(v as u64) } else { min_negative(v) }
            }
            b'f' => min_float(num, read_float(num, value)),
            _ => {
                let part = num.real_part();
                let re = min_float(part, read_float(part, value));
                let im = min_float(part, read_float(part, value.add(part.size())));
                match if re.size() >= im.size() { re } else { im } {
                    T::HALF | T::FLOAT => T::CFLOAT,
                    T::DOUBLE => T::CDOUBLE,
                    _ => T::CLONGDOUBLE,
                }
            }
        }
    };
    Dtype::builtin(found)
}

unsafe fn read_int(num: TypeNum, p: *const u8) -> i64 {
    // SAFETY: the caller's promise.
    unsafe {
        match num.size() {
            1 => p.cast::<i8>().read() as i64,
            2 => p.cast::<i16>().read_unaligned() as i64,
            4 => p.cast::<i32>().read_unaligned() as i64,
            _ => p.cast::<i64>().read_unaligned(),
        }
    }
}

unsafe fn read_uint(num: TypeNum, p: *const u8) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        match num.size() {
            1 => p.read() as u64,
            2 => p.cast::<u16>().read_unaligned() as u64,
            4 => p.cast::<u32>().read_unaligned() as u64,
            _ => p.cast::<u64>().read_unaligned(),
        }
    }
}

/// A float as `f64`; `None` for a long double beyond its range.
unsafe fn read_float(num: TypeNum, p: *const u8) -> Option<f64> {
    use ufuncs::elem::{LongDouble, f16};
    // SAFETY: the caller's promise.
    unsafe {
        match num {
            TypeNum::HALF => Some(f16::from_bits(p.cast::<u16>().read_unaligned()).to_f64()),
            TypeNum::FLOAT => Some(p.cast::<f32>().read_unaligned() as f64),
            TypeNum::DOUBLE => Some(p.cast::<f64>().read_unaligned()),
            _ => {
                let x = p.cast::<LongDouble>().read_unaligned();
                let y = x.to_f64();
                if y.is_infinite() && !x.is_infinite() { None } else { Some(y) }
            }
        }
    }
}

fn min_unsigned(v: u64) -> TypeNum {
    match v {
        0..=0xff => TypeNum::UBYTE,
        0x100..=0xffff => TypeNum::USHORT,
        0x1_0000..=0xffff_ffff => TypeNum::UINT,
        _ => TypeNum::ULONG,
    }
}

fn min_negative(v: i64) -> TypeNum {
    match v {
        -0x80.. => TypeNum::BYTE,
        -0x8000.. => TypeNum::SHORT,
        -0x8000_0000.. => TypeNum::INT,
        _ => TypeNum::LONG,
    }
}

/// Bounds are numpy's round numbers, a little inside the true ranges.
fn min_float(num: TypeNum, v: Option<f64>) -> TypeNum {
    let Some(v) = v else { return TypeNum::LONGDOUBLE };
    let fits = |limit: f64| !v.is_finite() || (v > -limit && v < limit);
    if fits(65000.0) {
        TypeNum::HALF
    } else if fits(3.4e38) {
        TypeNum::FLOAT
    } else if num != TypeNum::LONGDOUBLE || fits(1.7e308) {
        TypeNum::DOUBLE
    } else {
        TypeNum::LONGDOUBLE
    }
}

#[cfg(test)]
mod tests;
