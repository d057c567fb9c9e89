//! The string loops of ufuncs as methods and promoters, among which the search of `dispatch` chooses.

use std::ptr::null_mut;

use micronumpy::vstring::loops::{LOOPS, PROMOTIONS, Promotion, StringLoop};
use micronumpy::{Casting, TypeNum};
use pyo3::prelude::*;

use super::dispatch::{Action, add_entry};
use super::{UfuncRef, by_name};
use crate::abi::*;
use crate::objects::dtype::{DtypeClass, classes};
use crate::objects::method::{self, Kind, Method};

/// Give the ufuncs their string loops.
pub fn register(py: Python<'_>) -> PyResult<()> {
    for def in LOOPS {
        let uf = by_name(py, def.ufunc)?;
        let own = def.types.iter().map(|&t| class_of(py, t)).collect::<PyResult<Vec<_>>>()?;
        add_entry(&uf, own, Action::Method(make(py, def)?.0.unbind()))?;
    }
    for (ufuncs, patterns, promotion) in PROMOTIONS {
        for (name, pattern) in ufuncs.iter().flat_map(|u| patterns.iter().map(move |p| (u, p))) {
            let uf = by_name(py, name)?;
            let own = pattern.chars().map(|c| class_of_char(py, c)).collect::<PyResult<Vec<_>>>()?;
            // Where there is a loop for exactly these, it needs no promoter.
            let exact = LOOPS.iter().filter(|l| l.ufunc == *name);
            let mut exact =
                exact.map(|l| l.types.iter().map(|&t| class_of(py, t)).collect::<PyResult<Vec<_>>>());
            if !exact.any(|l| l.is_ok_and(|l| l == own)) {
                add_entry(&uf, own, Action::Promotion(*promotion))?;
            }
        }
    }
    Ok(())
}

fn make<'py>(py: Python<'py>, def: &'static StringLoop) -> PyResult<method::MethodRef<'py>> {
    method::make(
        py,
        Method {
            name: std::ffi::CString::new(format!("string_{}", def.ufunc))?,
            nin: def.nin,
            nout: def.types.len() - def.nin,
            casting: Casting::No as i32,
            flags: NPY_METH_REQUIRES_PYAPI | NPY_METH_NO_FLOATINGPOINT_ERRORS,
            kind: Kind::Strings(def),
        },
    )
}

fn class_of(py: Python<'_>, num: TypeNum) -> PyResult<*mut PyArray_DTypeMeta> {
    // Classes of builtin types live as long as the process.
    Ok(DtypeClass::of_num(py, num)?.raw())
}

fn class_of_char(py: Python<'_>, c: char) -> PyResult<*mut PyArray_DTypeMeta> {
    class_of(
        py,
        match c {
            'T' => TypeNum::VSTRING,
            'U' => TypeNum::UNICODE,
            'O' => TypeNum::OBJECT,
            '?' => TypeNum::BOOL,
            'i' => return Ok(classes::INTEGER_ABSTRACT.get()),
            _ => return Ok(null_mut()),
        },
    )
}

type Classes<'py> = Vec<Option<DtypeClass<'py>>>;

/// What operands of these classes become; `None`: they are not to be promoted after all.
pub fn promote<'py>(
    uf: &UfuncRef<'py>,
    promotion: Promotion,
    wanted: &[Option<DtypeClass<'py>>],
    signature: &[Option<DtypeClass<'py>>],
) -> PyResult<Option<Classes<'py>>> {
    let py = uf.py();
    let nin = uf.nin();
    let class = |num: TypeNum| DtypeClass::of_num(py, num).map(Some);
    let is = |c: &Option<DtypeClass<'py>>, num: TypeNum| c.as_ref().is_some_and(|c| c.num() == num);
    let all = |num: TypeNum| wanted.iter().map(|_| class(num)).collect::<PyResult<Classes<'py>>>().map(Some);
    match promotion {
        Promotion::AllStrings if !wanted.iter().any(|c| is(c, TypeNum::VSTRING)) => all(TypeNum::UNICODE),
        // Fixed-width text by name does not change what a string operand is.
        Promotion::AllStrings if signature.iter().all(|c| is(c, TypeNum::UNICODE)) => Ok(None),
        Promotion::AllStrings => all(TypeNum::VSTRING),
        Promotion::To(types) => types.iter().map(|&t| class(t)).collect::<PyResult<_>>().map(Some),
        Promotion::Inputs(input, output) => wanted
            .iter()
            .enumerate()
            .map(|(i, own)| match signature.get(i).cloned().flatten() {
                Some(named) if i < nin => Ok(Some(named)),
                _ if i < nin => class(input),
                _ if own.is_some() => Ok(own.clone()),
                _ => class(output),
            })
            .collect::<PyResult<_>>()
            .map(Some),
        Promotion::Integers => wanted
            .iter()
            .enumerate()
            .map(|(i, own)| match (signature.get(i).cloned().flatten(), own) {
                (Some(named), _) if i < nin => Ok(Some(named)),
                (_, Some(c)) if i < nin && is_integer(py, c) => class(TypeNum::LONG),
                (_, Some(c)) => Ok(Some(c.clone())),
                (_, None) => class(TypeNum::VSTRING),
            })
            .collect::<PyResult<_>>()
            .map(Some),
    }
}

/// Integers that have no loop of their own, Python's among them.
fn is_integer(py: Python<'_>, class: &DtypeClass<'_>) -> bool {
    // SAFETY: ready since module initialisation.
    let abstract_class = unsafe { DtypeClass::from_ptr(py, classes::INTEGER_ABSTRACT.get()) };
    abstract_class.is_some_and(|a| class.is_subclass_of(&a))
        && !matches!(class.num(), TypeNum::LONG | TypeNum::ULONG)
}
