//! From Python operands to a loop: the bridge to `micronumpy::ufunc::resolve`.

use micronumpy::iter::PerOp;
use micronumpy::ufunc::resolve::{ResolveError, check_casts, promote_weak};
use micronumpy::ufunc::{HostContext, OpType, Resolution, Rule, Weak, resolve};
use micronumpy::{ArrayRef, Casting, Dtype};
use pyo3::prelude::*;
use pyo3::types::{PyComplex, PyFloat, PyInt, PyTuple};
use pyo3::{PyErr, PyTypeInfo};
use ufuncs::{LoopDef, LoopFlags};

use super::compiled::is_compiled;
use super::dispatch::{Found, Operand, Owned, find};
use super::params::{Signature, casting_name};
use super::{UfuncRef, fast};
use crate::abi::{NPY_ARRAY_FORCECAST, PyArray_Descr};
use crate::error::to_pyerr;
use crate::ffi::import::cached;
use crate::objects::{Array, Descr, array, dtype, scalar};

/// One input of a call.
#[derive(Clone)]
pub struct Input<'py> {
    pub obj: Bound<'py, PyAny>,
    pub arr: Array<'py>,
    /// Python's own numbers have a kind, but no dtype.
    pub weak: Option<Weak>,
}

/// The kind of an exact Python `int`, `float` or `complex`.
pub fn weak_kind(obj: &Bound<'_, PyAny>) -> Option<Weak> {
    let py = obj.py();
    if obj.is_exact_instance(&PyInt::type_object(py)) {
        Some(Weak::Int)
    } else if obj.is_exact_instance(&PyFloat::type_object(py)) {
        Some(Weak::Float)
    } else if obj.is_exact_instance(&PyComplex::type_object(py)) {
        Some(Weak::Complex)
    } else {
        None
    }
}

/// Inputs as arrays.
pub fn inputs<'py>(objs: &[Bound<'py, PyAny>]) -> PyResult<PerOp<Input<'py>>> {
    let mut out = PerOp::new();
    for obj in objs {
        if let Some(arr) = Array::cast(obj) {
            out.push(Input { obj: obj.clone(), arr, weak: None });
            continue;
        }
        let arr = array::from_any(obj, None, 0, 0, 0)?;
        // A lone number has nobody to adapt to.
        let weak = if objs.len() == 1 { None } else { weak_kind(obj) };
        out.push(Input { obj: obj.clone(), arr, weak });
    }
    Ok(out)
}

/// The dtype one of Python's numbers gets next to what the loop wants: their common one, which need not be the loop's if
/// somebody asked for that loop; its own one where there is no common one.
fn settled(weak: Weak, to: &Dtype) -> Dtype {
    common_with(weak, to).unwrap_or_else(|| Dtype::builtin(weak.default_type()))
}

/// The common dtype of one of Python's numbers and another dtype.
pub fn common_with(weak: Weak, to: &Dtype) -> Option<Dtype> {
    match to.num {
        n if n.is_bool() || n.is_number() => promote_weak(to, weak).ok(),
        n if n.is_object() => Some(to.clone()),
        // Which unit is not known when a number becomes a duration.
        n if weak == Weak::Int && n == micronumpy::TypeNum::TIMEDELTA => Some(Dtype::builtin(n)),
        _ => None,
    }
}

/// Make arrays of Python's numbers, now that the loop is known. What is wrong with a number counts before any cast that is not
/// allowed, and its array is cast like any other afterwards.
fn settle<'py>(
    py: Python<'py>,
    ins: &mut [Input<'py>],
    dtypes: &[Dtype],
    signature: &Signature,
    casting: Casting,
    rule: Rule,
) -> PyResult<()> {
    for (i, (op, to)) in ins.iter_mut().zip(dtypes).enumerate() {
        let Some(weak) = op.weak else { continue };
        // A type asked for by name is that of the operand, but no unit is.
        let named = signature.get(i).copied().flatten();
        let dt = match named {
            Some(t) if t.is_datetime() => Dtype::builtin(t),
            Some(_) => to.clone(),
            None => settled(weak, to),
        };
        let same = micronumpy::dtype::equivalent(&dt, &Dtype::builtin(weak.default_type()));
        // Comparisons with integers are made for any integer.
        let free = rule == Rule::Comparison && weak == Weak::Int && to.num.is_integer();
        if casting == Casting::Equiv && !same && !dt.num.is_object() && !free {
            return Err(not_equivalent(py, weak, &dt));
        }
        if !same || weak == Weak::Int {
            op.arr = weak_operand(&op.obj, &dtype::descr_of(py, &dt)?)?;
        }
        op.weak = None;
    }
    Ok(())
}

/// Objects have no unit that they could bring to a loop over dates and times.
fn objects_for_dates(py: Python<'_>, dtypes: &[Dtype], outs: &[Option<Array<'_>>]) -> PyResult<()> {
    for (out, dt) in outs.iter().zip(dtypes) {
        if dt.num.is_datetime() && out.as_ref().is_some_and(|o| o.dtype().num.is_object()) {
            let class = dtype::DtypeClass::of_num(py, dt.num)?.0;
            return Err(pyo3::exceptions::PyTypeError::new_err(format!(
                "cannot cast dtype object to {}.",
                class.repr()?
            )));
        }
    }
    Ok(())
}

/// Under the rule 'equiv' (but not under 'no') Python's numbers become their own default types only.
fn not_equivalent(py: Python<'_>, weak: Weak, to: &Dtype) -> PyErr {
    let kind = match weak {
        Weak::Int => "int",
        Weak::Float => "float",
        Weak::Complex => "complex",
    };
    match dtype::descr_of(py, to).and_then(|d| Ok(d.0.str()?.to_string())) {
        Ok(to) => pyo3::exceptions::PyTypeError::new_err(format!(
            "cannot cast Python {kind} to {to} under the casting rule 'equiv'"
        )),
        Err(e) => e,
    }
}

/// A comparison with a Python integer that the other operand's type cannot hold has an answer all the same: such an
/// integer is replaced by an infinity. Two Python integers are compared as they are. A type that is asked for counts as that of its
/// operand; an integer whose own type is asked for has to fit it.
pub fn compared_ints<'py>(
    uf: &UfuncRef<'py>,
    ops: &mut PerOp<Input<'py>>,
    signature: &mut Signature,
    casting: Casting,
) -> PyResult<()> {
    if ops.len() != 2 || ops.iter().all(|o| o.weak != Some(Weak::Int)) {
        return Ok(());
    }
    let py = uf.py();
    let named = |signature: &Signature, i: usize| signature.get(i).copied().flatten();
    if named(signature, 2).is_some_and(|t| !t.is_bool()) {
        return Ok(());
    }
    let free = |i: usize| ops[i].weak == Some(Weak::Int) && named(signature, i).is_none();
    let i = match (free(0), free(1)) {
        (false, false) => return Ok(()),
        (first, second) if first != second => usize::from(second),
        _ => {
            if ops.iter().any(|o| o.obj.extract::<i64>().is_err()) {
                for op in ops.iter_mut() {
                    op.weak = None;
                    let descr = dtype::builtin(py, micronumpy::TypeNum::OBJECT);
                    op.arr = array::from_any(&op.obj, Some(&descr), 0, 0, 0)?;
                }
            }
            return Ok(());
        }
    };
    let asked = named(signature, 1 - i);
    let num = match asked {
        Some(num) => num,
        None if ops[1 - i].weak.is_some() => return Ok(()),
        None => ops[1 - i].arr.dtype().num,
    };
    if !num.is_integer() {
        return Ok(());
    }
    let bits = 8 * num.size() as u32;
    let (lo, hi): (i128, i128) = if num.is_signed() {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    let value = &ops[i].obj;
    let inside = match value.extract::<i64>() {
        Ok(v) => (lo..=hi).contains(&i128::from(v)),
        Err(_) => value.extract::<u64>().is_ok_and(|v| i128::from(v) <= hi),
    };
    if inside {
        signature[i] = asked;
        return Ok(());
    }
    let infinity = if value.lt(0)? { f64::NEG_INFINITY } else { f64::INFINITY };
    ops[i].arr = array::from_any(&PyFloat::new(py, infinity).into_any(), None, 0, 0, 0)?;
    ops[i].weak = None;
    if let Some(num) = asked {
        signature[1 - i] = None;
        let to = dtype::builtin(py, num);
        let other = &mut ops[1 - i];
        if other.weak.take().is_some() {
            other.arr = weak_operand(&other.obj, &to)?;
        } else if !micronumpy::dtype::equivalent(other.arr.dtype(), to.dtype()) {
            if !micronumpy::cast::can_cast(other.arr.dtype(), to.dtype(), casting) {
                let refused = ResolveError::Input { index: 1 - i, to: to.dtype().clone() };
                let shown = operands_shown(ops, &[]);
                return Err(error(uf, &shown, &[], signature, casting, refused));
            }
            other.arr = array::from_any(&other.arr.0, Some(&to), 0, 0, NPY_ARRAY_FORCECAST)?;
        }
    }
    Ok(())
}

/// A loop with everything a call needs to run it.
pub struct Binding<'py> {
    pub def: LoopDef,
    pub res: Resolution,
    /// Descriptors of the loop's dtypes.
    pub descrs: PerOp<Descr<'py>>,
    /// The method behind a loop of user DTypes.
    pub owner: Option<Owned>,
}

/// The first operand that the loop may not have cast, and the exception that says so.
pub struct Refused {
    pub operand: usize,
    pub error: PyErr,
}

/// Find the loop for these operands; `outs` has an entry per output. Python's numbers among the inputs become arrays, except next to
/// user DTypes.
pub fn bind<'py>(
    uf: &UfuncRef<'py>,
    ins: &mut [Input<'py>],
    outs: &[Option<Array<'py>>],
    signature: &Signature,
    casting: Casting,
) -> PyResult<Binding<'py>> {
    match bind_unchecked(uf, ins, outs, signature, casting)? {
        (binding, None) => Ok(binding),
        (_, Some(refused)) => Err(refused.error),
    }
}

/// As [`bind`], for callers who have something to do before a cast is refused.
pub fn bind_unchecked<'py>(
    uf: &UfuncRef<'py>,
    ins: &mut [Input<'py>],
    outs: &[Option<Array<'py>>],
    signature: &Signature,
    casting: Casting,
) -> PyResult<(Binding<'py>, Option<Refused>)> {
    let py = uf.py();
    if let Some(known) = known(uf, ins, outs, signature, casting) {
        settle(py, ins, known.dtypes(), signature, casting, uf.data().core.borrow().rule)?;
        return Ok((known, None));
    }
    let operands = || {
        let ins = ins.iter().map(|op| Operand { descr: Some(op.arr.descr()), weak: op.weak });
        ins.chain(outs.iter().map(|o| Operand { descr: o.as_ref().map(Array::descr), weak: None })).collect()
    };
    let promoted;
    let signature = match find(uf, operands, signature, casting)? {
        Found::Loop(binding) => return Ok((*binding, None)),
        Found::Promoted(types) => {
            promoted = types;
            &promoted
        }
        Found::Builtin => signature,
    };
    let ops: PerOp<OpType<'_>> = ins
        .iter()
        .map(|op| match op.weak {
            Some(w) => OpType::Weak(w),
            None => OpType::Is(op.arr.dtype()),
        })
        .chain(outs.iter().map(|o| match o {
            Some(a) => OpType::Is(a.dtype()),
            None => OpType::Absent,
        }))
        .collect();
    let (found, rule) = {
        let core = uf.data().core.borrow();
        (resolve(&core, &ops, signature), core.rule)
    };
    // Arrays of Python's numbers take part in the check of casts.
    let shown = operands_shown(ins, outs);
    let failed = |ops: &[OpType<'_>], e| error(uf, &shown, ops, signature, casting, e);
    let res = match found {
        Ok(res) => res,
        Err(ResolveError::Late { index, error }) => {
            let types = uf.data().core.borrow().loops[index].def.types.clone();
            drop(ops);
            let taken: PerOp<Dtype> = types.iter().map(|&t| Dtype::builtin(t)).collect();
            settle(py, ins, &taken, signature, casting, rule)?;
            let ops: PerOp<OpType<'_>> = ins.iter().map(|op| OpType::Is(op.arr.dtype())).collect();
            return Err(failed(&ops, *error));
        }
        Err(e) => return Err(failed(&ops, e)),
    };
    drop(ops);
    objects_for_dates(py, &res.dtypes[ins.len()..], outs)?;
    settle(py, ins, &res.dtypes, signature, casting, rule)?;
    let shown = operands_shown(ins, outs);
    // An integer out of the other operand's range was replaced, which is no cast of the caller's.
    let replaced = rule == Rule::Comparison && ins.iter().any(is_replaced);
    let ops: PerOp<OpType<'_>> = ins
        .iter()
        .enumerate()
        .map(|(i, op)| OpType::Is(if replaced { &res.dtypes[i] } else { op.arr.dtype() }))
        .chain(outs.iter().map(|o| o.as_ref().map_or(OpType::Absent, |a| OpType::Is(a.dtype()))))
        .collect();
    let checked = check_casts(&uf.data().core.borrow(), &ops, signature, &res, casting);
    let refused = checked.err().map(|e| {
        let operand = match &e {
            ResolveError::Input { index, .. } => *index,
            ResolveError::Output { index, .. } => ins.len() + *index,
            _ => 0,
        };
        let error = match e {
            ResolveError::Output { index, from }
                if matches!(rule, Rule::Remainder | Rule::Divmod | Rule::IsFinite)
                    && signature.iter().flatten().any(|t| t.is_datetime()) =>
            {
                // What was asked for are dates, and who then looks for a loop that takes the operands tells this.
                let code = |dt: &Dtype| char::from(dt.num.char().unwrap_or(b'?'));
                let to = outs[index].as_ref().map_or('?', |out| code(out.dtype()));
                pyo3::exceptions::PyTypeError::new_err(format!(
                    "ufunc '{}' output (typecode '{}') could not be coerced to provided output parameter (typecode '{to}') \
                     according to the casting rule ''{}''",
                    uf.name(),
                    code(&from),
                    casting_name(casting)
                ))
            }
            e => error(uf, &shown, &ops, signature, casting, e),
        };
        Refused { operand, error }
    });
    drop(ops);
    let def = uf.data().core.borrow().loops[res.index].def.clone();
    let descrs = descrs_of(py, &res.dtypes, ins.iter().map(|i| &i.arr))?;
    Ok((Binding { def, res, descrs, owner: None }, refused))
}

/// The operands' descriptors, as errors tell them.
fn operands_shown<'py>(ins: &[Input<'py>], outs: &[Option<Array<'py>>]) -> PerOp<Option<Descr<'py>>> {
    let ins = ins.iter().map(|op| Some(op.arr.descr()));
    ins.chain(outs.iter().map(|o| o.as_ref().map(Array::descr))).collect()
}

/// Whether [`compared_ints`] put an infinity in place of this operand.
fn is_replaced(op: &Input<'_>) -> bool {
    op.weak.is_none()
        && op.arr.dtype().num == micronumpy::TypeNum::DOUBLE
        && weak_kind(&op.obj) == Some(Weak::Int)
        && op.arr.ndim() == 0
        // SAFETY: an aligned double.
        && unsafe { *op.arr.data().cast::<f64>() }.is_infinite()
}

/// The loop for operands of builtin numeric types, if it was found before.
fn known<'py>(
    uf: &UfuncRef<'py>,
    ins: &[Input<'py>],
    outs: &[Option<Array<'py>>],
    signature: &Signature,
    casting: Casting,
) -> Option<Binding<'py>> {
    if casting < Casting::SameKind || signature.iter().any(|s| s.is_some()) {
        return None;
    }
    let codes: PerOp<u8> = ins.iter().map(|i| fast::code_of(i.arr.dtype(), i.weak)).collect::<Option<_>>()?;
    let (func, aux, flags, types) = fast::binding(uf, &codes)?;
    let dtypes: PerOp<Dtype> = types[..uf.nargs()].iter().map(|&t| Dtype::builtin(t)).collect();
    for (out, dt) in outs.iter().zip(&dtypes[ins.len()..]) {
        if out.as_ref().is_some_and(|o| !micronumpy::cast::can_cast(dt, o.dtype(), casting)) {
            return None;
        }
    }
    let descrs = types[..uf.nargs()].iter().map(|&t| dtype::builtin(uf.py(), t)).collect();
    let def = LoopDef { types: [].as_slice().into(), func, aux, flags, fold: None };
    Some(Binding { def, res: Resolution { index: 0, dtypes, force_cast: false }, descrs, owner: None })
}

/// Descriptor objects for dtypes; an operand's own one where it is the same.
pub fn descrs_of<'a, 'py: 'a>(
    py: Python<'py>,
    dtypes: &[Dtype],
    operands: impl Iterator<Item = &'a Array<'py>>,
) -> PyResult<PerOp<Descr<'py>>> {
    let mut own: PerOp<Descr<'py>> = PerOp::new();
    for arr in operands {
        let num = arr.dtype().num;
        if num.is_user() || num.is_flexible() || num == micronumpy::TypeNum::VSTRING {
            own.push(arr.descr());
        }
    }
    dtypes
        .iter()
        .map(|dt| {
            let same =
                own.iter().find(|d| micronumpy::dtype::equivalent(d.dtype(), dt) && d.dtype().is_native());
            match same {
                Some(d) => Ok(d.clone()),
                None => dtype::descr_of(py, dt),
            }
        })
        .collect()
}

impl<'py> Binding<'py> {
    pub fn dtypes(&self) -> &[Dtype] {
        &self.res.dtypes
    }
    /// What loops of the host want to know; `raw` must live as long as the result is used.
    pub fn host(&self, uf: &UfuncRef<'py>, raw: &PerOp<*mut PyArray_Descr>) -> HostContext {
        HostContext {
            caller: uf.0.as_ptr().cast(),
            method: self.owner.as_ref().map_or(std::ptr::null_mut(), Owned::method),
            descriptors: raw.as_ptr().cast(),
            ..HostContext::NONE
        }
    }
    pub fn raw_descrs(&self) -> PerOp<*mut PyArray_Descr> {
        self.descrs.iter().map(|d| d.raw()).collect()
    }
    /// Whether nothing of Python takes part: neither the loop nor a cast of these operands needs the interpreter.
    pub fn is_plain(&self, operands: &[ArrayRef<'_>]) -> bool {
        let plain = |dt: &Dtype| dt.num.is_bool() || dt.num.is_number() || dt.num.is_datetime();
        !self.def.flags.contains(LoopFlags::NEEDS_API)
            && !is_compiled(self.def.func)
            && self.dtypes().iter().all(plain)
            && operands.iter().all(|op| plain(op.dtype))
    }
    /// Whether floating-point status says something after this loop.
    pub fn has_fp_status(&self) -> bool {
        !self.def.flags.contains(LoopFlags::NO_FP_ERRORS)
    }
}

/// A Python number as a 0-d array of the loop's dtype.
pub fn weak_operand<'py>(value: &Bound<'py, PyAny>, descr: &Descr<'py>) -> PyResult<Array<'py>> {
    let arr = array::new(descr, &[], micronumpy::Order::C, true)?;
    // SAFETY: one fresh element.
    unsafe { scalar::set_item(&arr.descr(), arr.data(), value)? };
    Ok(arr)
}

/// The exception of a failed resolution. `descrs` has the operands' descriptors, for weak ones their array's.
pub fn error<'py>(
    uf: &UfuncRef<'py>,
    descrs: &[Option<Descr<'py>>],
    ops: &[OpType<'_>],
    signature: &Signature,
    casting: Casting,
    err: ResolveError,
) -> PyErr {
    match try_error(uf, descrs, ops, signature, casting, err) {
        Ok(e) | Err(e) => e,
    }
}

fn try_error<'py>(
    uf: &UfuncRef<'py>,
    descrs: &[Option<Descr<'py>>],
    ops: &[OpType<'_>],
    signature: &Signature,
    casting: Casting,
    err: ResolveError,
) -> PyResult<PyErr> {
    let py = uf.py();
    let none = || py.None().into_bound(py);
    let nin = uf.nin();
    let make = |name: &str, args: Vec<Bound<'py, PyAny>>| -> PyResult<PyErr> {
        let class = cached(py, "numpy._core._exceptions", name)?;
        Ok(PyErr::from_value(class.call1(PyTuple::new(py, args)?)?))
    };
    let strong = |i: usize| -> PyResult<Bound<'py, PyAny>> {
        match (ops.get(i), descrs.get(i).and_then(|d| d.as_ref())) {
            (Some(OpType::Weak(w)), _) => Ok(dtype::builtin(py, w.default_type()).0),
            (_, Some(d)) => Ok(d.0.clone()),
            _ => Ok(none()),
        }
    };
    let text = |s: String| Ok(pyo3::exceptions::PyTypeError::new_err(s));
    match err {
        ResolveError::NoLoop => {
            let mut types = vec![];
            for i in 0..uf.nargs() {
                let named = signature.get(i).copied().flatten();
                types.push(match (named, ops.get(i)) {
                    (Some(t), _) => dtype::DtypeClass::of_num(py, t)?.0,
                    (None, Some(OpType::Weak(w))) => {
                        let name = match w {
                            Weak::Int => "_PyLongDType",
                            Weak::Float => "_PyFloatDType",
                            Weak::Complex => "_PyComplexDType",
                        };
                        weak_class(py, name)?
                    }
                    (None, Some(OpType::Is(_))) if i < nin => match descrs.get(i).and_then(|d| d.as_ref()) {
                        Some(d) => d.0.get_type().into_any(),
                        None => none(),
                    },
                    _ => none(),
                });
            }
            make("_UFuncNoLoopError", vec![uf.0.clone(), PyTuple::new(py, types)?.into_any()])
        }
        ResolveError::NoLoopDtypes(result) => {
            let result = result.map_or_else(none, |num| dtype::builtin(py, num).0);
            let mut types = vec![];
            for i in 0..uf.nargs() {
                types.push(if i < nin { strong(i)? } else { result.clone() });
            }
            make("_UFuncNoLoopError", vec![uf.0.clone(), PyTuple::new(py, types)?.into_any()])
        }
        ResolveError::NoUniformLoop(dtype) => {
            let descr = dtype::descr_of(py, &dtype)?.0;
            let types = PyTuple::new(py, (0..uf.nargs()).map(|_| descr.clone()))?;
            make("_UFuncNoLoopError", vec![uf.0.clone(), types.into_any()])
        }
        ResolveError::Binary => {
            let types = PyTuple::new(py, [strong(0)?, strong(1)?])?;
            make("_UFuncBinaryResolutionError", vec![uf.0.clone(), types.into_any()])
        }
        ResolveError::NotSupported => text(format!(
            "ufunc '{}' not supported for the input types, and the inputs could not be safely coerced to any supported \
             types according to the casting rule ''safe''",
            uf.name()
        )),
        ResolveError::NoSignatureLoop => text(format!(
            "No loop matching the specified signature and casting was found for ufunc {}",
            uf.name()
        )),
        ResolveError::Input { index, to } => {
            let to = dtype::descr_of(py, &to)?;
            let args = vec![
                uf.0.clone(),
                pyo3::types::PyString::new(py, casting_name(casting)).into_any(),
                strong(index)?,
                to.0,
                index.into_pyobject(py)?.into_any(),
            ];
            make("_UFuncInputCastingError", args)
        }
        ResolveError::Output { index, from } => {
            let from = dtype::descr_of(py, &from)?;
            let args = vec![
                uf.0.clone(),
                pyo3::types::PyString::new(py, casting_name(casting)).into_any(),
                from.0,
                strong(nin + index)?,
                (nin + index).into_pyobject(py)?.into_any(),
            ];
            make("_UFuncOutputCastingError", args)
        }
        ResolveError::Other(e) => Ok(to_pyerr(py, e)),
        ResolveError::Late { error, .. } => try_error(uf, descrs, ops, signature, casting, *error),
    }
}

/// One of the classes that stand for Python's numbers.
fn weak_class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    use crate::objects::dtype::classes;
    let class = match name {
        "_PyLongDType" => &classes::PY_LONG,
        "_PyFloatDType" => &classes::PY_FLOAT,
        _ => &classes::PY_COMPLEX,
    };
    // SAFETY: ready since module initialisation.
    Ok(unsafe { crate::ffi::types::handle(py, class.as_type()) })
}
