//! Which string loop a call runs, and how wide its results are.
//!
//! Strings are never cast to find a loop: `S` and `U` do not mix. Integers and fill characters next to them are cast,
//! whatever they are; whether that goes is checked once the loop is known. Most results are as wide as the caller's
//! `out` says, because their width depends on values, which the layer above has looked at.

use ufuncs::TypeNum;

use super::resolve::{OpType, ResolveError, native};
use super::{Loop, Ufunc};
use crate::cast::sized_for;
use crate::dtype::Dtype;
use crate::error::Error;
use crate::iter::PerOp;

type Resolve<T> = std::result::Result<T, ResolveError>;
type Signature<'a> = &'a [Option<TypeNum>];

/// The loop of a ufunc that only strings have.
pub fn find_loop(uf: &Ufunc, ops: &[OpType<'_>], signature: Signature<'_>) -> Resolve<usize> {
    let pads = matches!(&*uf.name, "_center" | "_ljust" | "_rjust");
    let fits = |l: &Loop| {
        l.def.types.iter().enumerate().all(|(i, &t)| match signature.get(i).copied().flatten() {
            Some(s) => s == t,
            None if i >= uf.nin || !t.is_string() || (pads && i == 2) => true,
            None => matches!(ops[i], OpType::Is(dt) if dt.num == t),
        })
    };
    uf.loops.iter().position(fits).ok_or(ResolveError::NoLoop)
}

/// The loop of `multiply` that repeats a string, if one operand is a string and the other a count; whatever type was named for the
/// result alone.
pub fn repetition(uf: &Ufunc, ops: &[OpType<'_>], signature: Signature<'_>) -> Option<usize> {
    let num = |i: usize| {
        signature.get(i).copied().flatten().or(match ops[i] {
            OpType::Is(dt) => Some(dt.num),
            OpType::Weak(w) => Some(w.default_type()),
            OpType::Absent => None,
        })
    };
    let named = |i: usize| signature.get(i).copied().flatten();
    if named(2).is_some_and(|t| !t.is_string()) && (named(0).is_some() || named(1).is_some()) {
        return None;
    }
    // Times count as integers until it turns out that they cannot be cast to one.
    let counts = |t: TypeNum| t.is_integer() || t.is_datetime();
    let (a, b) = (num(0)?, num(1)?);
    if a.is_string() && counts(b) {
        uf.find_loop(&[a, TypeNum::LONG, a])
    } else if b.is_string() && counts(a) {
        uf.find_loop(&[TypeNum::LONG, b, b])
    } else {
        None
    }
}

/// The loop of `add` when only the result's type is named, and is a string.
pub fn addition(uf: &Ufunc, a: TypeNum, b: TypeNum, result: TypeNum) -> Resolve<usize> {
    if a.is_object() || b.is_object() {
        return Err(ResolveError::NoSignatureLoop);
    }
    if a != b && a.is_flexible() && b.is_flexible() {
        return Err(ResolveError::Binary);
    }
    uf.find_loop(&[result; 3]).ok_or(ResolveError::NoLoop)
}

/// The string dtype that takes what an operand holds.
fn as_string(dt: &Dtype, t: TypeNum) -> Resolve<Dtype> {
    if dt.num == t {
        return Ok(native(dt));
    }
    let class = if t == TypeNum::STRING { "BytesDType" } else { "StrDType" };
    let shown = match dt.num {
        TypeNum::OBJECT => "object",
        TypeNum::VSTRING => "StringDType()",
        _ => return Ok(sized_for(dt, &Dtype::builtin(t))),
    };
    Err(Error::type_(format!("cannot cast dtype {shown} to <class 'numpy.dtypes.{class}'>.")).into())
}

/// The dtypes of a loop over strings.
pub fn dtypes(uf: &Ufunc, l: &Loop, ops: &[OpType<'_>]) -> Resolve<PerOp<Dtype>> {
    let mut given: PerOp<Option<Dtype>> = PerOp::new();
    for (i, &t) in l.def.types.iter().enumerate() {
        let op = match ops[i] {
            // In a reduction the first input stands for the second.
            OpType::Absent if i < 2 && uf.nin == 2 => ops[1 - i],
            op => op,
        };
        given.push(match op {
            _ if !t.is_string() => Some(Dtype::builtin(t)),
            OpType::Is(dt) => Some(as_string(dt, t)?),
            OpType::Weak(w) => Some(as_string(&Dtype::builtin(w.default_type()), t)?),
            OpType::Absent => None,
        });
    }
    let (inputs, outputs) = given.split_at_mut(uf.nin);
    let width = |i: usize| inputs[i].as_ref().map_or(0, |dt: &Dtype| dt.itemsize);
    let missing = outputs.iter().any(|o| o.is_none());
    let necessary = |hint: &str| Err(Error::type_(format!("The 'out' kwarg is necessary{hint}")).into());
    match &*uf.name {
        "add" => {
            let total = width(0) + width(1);
            if total > i32::MAX as usize {
                return Err(Error::type_(format!(
                    "addition result string of length {total} is too large to store inside array."
                ))
                .into());
            }
            outputs[0] = inputs[0].as_ref().map(|dt| Dtype { itemsize: total, ..dt.clone() });
        }
        "_slice" if !missing => {
            return Err(Error::type_(
                "The 'templated_string__slice' ufunc does not currently support the 'out' keyword",
            )
            .into());
        }
        "multiply" if missing => {
            return necessary(
                " when using the string multiply ufunc directly. Use numpy.strings.multiply to multiply strings \
                 without specifying 'out'.",
            );
        }
        "_expandtabs" if missing => return necessary(". Use numpy.strings.expandtabs without it."),
        "_zfill" if missing => return necessary(". Use numpy.strings.zfill without it."),
        "_center" | "_ljust" | "_rjust" if missing => {
            return necessary(". Use the version in numpy.strings without it.");
        }
        "_replace" if missing => return Err(Error::value("out kwarg should be given").into()),
        name @ ("_partition_index" | "_rpartition_index") if missing => {
            return Err(Error::type_(format!(
                "The 'templated_string_{name}' ufunc requires the 'out' keyword to be set. The python wrapper in \
                 numpy.strings can be used without the out keyword."
            ))
            .into());
        }
        "multiply" | "_expandtabs" | "_zfill" | "_center" | "_ljust" | "_rjust" | "_replace"
        | "_partition_index" | "_rpartition_index" => {}
        // As wide as the text it is made of.
        _ => {
            for (o, &t) in outputs.iter_mut().zip(&l.def.types[uf.nin..]) {
                let like = inputs.iter().flatten().find(|dt| dt.num == t);
                if let (true, Some(dt)) = (t.is_string(), like) {
                    *o = Some(dt.clone());
                }
            }
        }
    }
    Ok(given
        .into_iter()
        .zip(l.def.types.iter())
        .map(|(dt, &t)| dt.unwrap_or_else(|| Dtype::builtin(t)))
        .collect())
}
