//! Types of calls: the object space's own resolution, asked once when a node of an expression is made.

use std::sync::OnceLock;

use micronumpy::iter::PerOp;
use micronumpy::ufunc::resolve::{ResolveError, check_casts};
use micronumpy::ufunc::{OpType, Rule, Ufunc, Weak, resolve};
use micronumpy::{Casting, Dtype, Error, Result, TypeNum};
use ufuncs::{LoopDef, LoopFlags};

use crate::number::{Element, Number, int_range};

/// A loop and the native dtypes it works on, inputs then outputs.
#[derive(Clone)]
pub(crate) struct Found {
    pub def: LoopDef,
    pub dtypes: PerOp<Dtype>,
}

/// The elementwise ufunc of this name.
///
/// # Errors
/// There is none, or it works on whole axes.
pub(crate) fn ufunc(name: &str) -> Result<&'static Ufunc> {
    static ALL: OnceLock<Vec<Ufunc>> = OnceLock::new();
    let all = ALL
        .get_or_init(|| ufuncs::table::UFUNCS.iter().filter_map(|def| Ufunc::from_def(def).ok()).collect());
    match all.binary_search_by(|uf| uf.name.as_ref().cmp(name)) {
        Ok(i) if all[i].core.is_none() => Ok(&all[i]),
        Ok(_) => Err(Error::missing(format!("'{name}', which works on whole axes, in an expression"))),
        Err(_) => Err(Error::value(format!("there is no ufunc '{name}'"))),
    }
}

/// Name of a ufunc that lives as long as the process.
pub(crate) fn static_name(uf: &'static Ufunc) -> &'static str {
    &uf.name
}

/// What is known of an operand when a call is typed.
#[derive(Clone, Copy)]
pub(crate) enum Operand<'a> {
    Is(&'a Dtype),
    Number(Number),
    /// A number whose value comes later.
    Weak(Weak),
}

impl<'a> Operand<'a> {
    fn op_type(&self, alone: bool) -> OpType<'a> {
        static DEFAULTS: [Dtype; 3] = [
            Dtype::builtin(TypeNum::LONG),
            Dtype::builtin(TypeNum::DOUBLE),
            Dtype::builtin(TypeNum::CDOUBLE),
        ];
        match (self.weak(), self) {
            // A lone number has nobody to adapt to.
            (Some(w), _) if alone => OpType::Is(&DEFAULTS[w as usize]),
            (Some(w), _) => OpType::Weak(w),
            (None, Operand::Is(dt)) => OpType::Is(dt),
            (None, _) => OpType::Absent,
        }
    }
    pub fn weak(&self) -> Option<Weak> {
        match self {
            Operand::Is(_) => None,
            Operand::Number(n) => Some(n.kind()),
            Operand::Weak(w) => Some(*w),
        }
    }
}

/// The loop of an elementwise call.
///
/// # Errors
/// No loop, operands that cannot be cast, loops over objects.
pub(crate) fn find_call(uf: &Ufunc, ops: &[Operand<'_>]) -> Result<Found> {
    if ops.len() != uf.nin {
        return Err(Error::type_(format!("{}() takes {} operands, not {}", uf.name, uf.nin, ops.len())));
    }
    let mut types: PerOp<OpType<'_>> = ops.iter().map(|op| op.op_type(ops.len() == 1)).collect();
    types.extend((0..uf.nout).map(|_| OpType::Absent));
    finish(uf, &types, &[], Casting::SameKind)
}

/// The loop of a reduction of elements of a dtype; `wanted` is the type to fold in, if the caller asks for one.
///
/// # Errors
/// As [`find_call`].
pub(crate) fn find_fold(uf: &Ufunc, of: &Dtype, wanted: Option<TypeNum>) -> Result<Found> {
    let small = of.num.is_bool() || of.num.is_integer() && of.num.size() < TypeNum::LONG.size();
    let wide = match uf.name.as_ref() {
        // Sums and products of small integers are computed in a type with room for them.
        "add" | "multiply" if small => {
            Some(if of.num.is_unsigned() { TypeNum::ULONG } else { TypeNum::LONG })
        }
        _ => None,
    };
    let first = wanted.or(wide);
    let left = if of.num.is_datetime() { OpType::Is(of) } else { OpType::Absent };
    let find = |signature: [Option<TypeNum>; 3]| {
        finish(uf, &[left, OpType::Is(of), OpType::Absent], &signature, Casting::Unsafe)
    };
    let mut found = find([first, None, first])?;
    if first.is_none() && found.dtypes[0] != found.dtypes[2] {
        // A loop whose result is of another type than its input folds nothing: the result's type is meant for both.
        found = find([Some(found.dtypes[2].num), None, None])?;
    }
    if found.dtypes[0] != found.dtypes[2] {
        return Err(Error::type_(format!("the resolved dtypes are not compatible with {}.reduce", uf.name)));
    }
    Ok(found)
}

fn finish(
    uf: &Ufunc,
    types: &[OpType<'_>],
    signature: &[Option<TypeNum>],
    casting: Casting,
) -> Result<Found> {
    let res = resolve(uf, types, signature).map_err(|e| error(uf, types, e))?;
    check_casts(uf, types, signature, &res, casting).map_err(|e| error(uf, types, e))?;
    let def = uf.loops[res.index].def.clone();
    if def.flags.contains(LoopFlags::NEEDS_API) || res.dtypes.iter().any(|d| !is_plain(d)) {
        return Err(Error::missing(format!("'{}' of these types in an expression", uf.name)));
    }
    Ok(Found { def, dtypes: res.dtypes })
}

/// Types expressions work on: numbers, booleans, dates.
pub(crate) fn is_plain(dt: &Dtype) -> bool {
    dt.num.is_bool() || dt.num.is_number() || dt.num.is_datetime()
}

/// numpy's words for a call without a loop.
fn error(uf: &Ufunc, types: &[OpType<'_>], e: ResolveError) -> Error {
    use micronumpy::dtype::promote::class_name;
    let name = &uf.name;
    let classes: Vec<String> = types
        .iter()
        .map(|t| match t {
            OpType::Is(dt) => class_name(dt.num),
            OpType::Weak(Weak::Int) => "<class 'numpy.dtypes._PyLongDType'>".into(),
            OpType::Weak(Weak::Float) => "<class 'numpy.dtypes._PyFloatDType'>".into(),
            OpType::Weak(Weak::Complex) => "<class 'numpy.dtypes._PyComplexDType'>".into(),
            OpType::Absent => "None".into(),
        })
        .collect();
    let (ins, outs) = classes.split_at(uf.nin);
    match e {
        ResolveError::Other(e) => e,
        ResolveError::Late { error: e, .. } => error(uf, types, *e),
        ResolveError::Binary => {
            Error::type_(format!("ufunc '{name}' cannot use operands with types {}", ins.join(" and ")))
        }
        ResolveError::Input { index, to } => {
            Error::type_(format!("Cannot cast ufunc '{name}' input {index} to {}", class_name(to.num)))
        }
        ResolveError::Output { index, from } => {
            Error::type_(format!("Cannot cast ufunc '{name}' output {index} from {}", class_name(from.num)))
        }
        ResolveError::NotSupported => Error::type_(format!(
            "ufunc '{name}' not supported for the input types, and the inputs could not be safely coerced to any \
             supported types according to the casting rule ''safe''"
        )),
        ResolveError::NoLoop
        | ResolveError::NoLoopDtypes(_)
        | ResolveError::NoUniformLoop(_)
        | ResolveError::NoSignatureLoop => {
            // Several as a tuple, one as itself.
            let list = |types: &[String]| match types {
                [one] => one.clone(),
                more => format!("({})", more.join(", ")),
            };
            let (ins, outs) = (list(ins), list(outs));
            Error::type_(format!(
                "ufunc '{name}' did not contain a loop with signature matching types {ins} -> {outs}"
            ))
        }
    }
}

/// A comparison with an integer that the other operand's type cannot hold has an answer all the same: such an integer
/// counts as an infinity.
pub(crate) fn out_of_range(uf: &Ufunc, ops: &[Operand<'_>], i: usize) -> Option<Element> {
    let Operand::Number(Number::Int(n)) = ops[i] else { return None };
    if uf.rule != Rule::Comparison || ops.len() != 2 {
        return None;
    }
    let Operand::Is(other) = ops[1 - i] else { return None };
    if !other.num.is_integer() || int_range(other.num).contains(&n) {
        return None;
    }
    let infinity = if n < 0 { f64::NEG_INFINITY } else { f64::INFINITY };
    Number::Float(infinity).to_element(&Dtype::float64()).ok()
}
