//! The hierarchy of scalar types: `numpy.generic` and everything below it, as static types.

use std::ffi::CStr;
use std::ptr::null_mut;

use micronumpy::TypeNum;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::abi::*;
use crate::ffi::types;

pub static GENERIC: StaticType = StaticType::zeroed();
pub static NUMBER: StaticType = StaticType::zeroed();
pub static INTEGER: StaticType = StaticType::zeroed();
pub static SIGNED_INTEGER: StaticType = StaticType::zeroed();
pub static UNSIGNED_INTEGER: StaticType = StaticType::zeroed();
pub static INEXACT: StaticType = StaticType::zeroed();
pub static FLOATING: StaticType = StaticType::zeroed();
pub static COMPLEX_FLOATING: StaticType = StaticType::zeroed();
pub static FLEXIBLE: StaticType = StaticType::zeroed();
pub static CHARACTER: StaticType = StaticType::zeroed();

/// A concrete type in the table, at a place that makes its hash its type number (see [`SCALARS`]).
#[repr(C, align(16))]
struct Slot {
    ty: StaticType,
    spread: [u8; Slot::SIZE - size_of::<StaticType>()],
}

impl Slot {
    /// One step of hashes more than a whole turn of [`Table`]'s alignment.
    const SIZE: usize = 512 + 16;
}

#[repr(C, align(512))]
struct Table([Slot; TypeNum::NTYPES]);

/// Concrete types by type number.
///
/// A type hashes as its address without the lowest four bits, so where types lie decides in which order sets of them are
/// walked, and with it the order of upstream's lists of types (`int64` before `longlong`) and the ids of its tests. The
/// last five bits of the hash are the type number here, in every build: sets up to that size are in the order of the numbers.
static SCALARS: Table = Table(
    [const { Slot { ty: StaticType::zeroed(), spread: [0; Slot::SIZE - size_of::<StaticType>()] } };
        TypeNum::NTYPES],
);

/// The abstract types: type, name, base, whether Python classes may derive from it.
static ABSTRACT: [(&StaticType, &CStr, Option<&StaticType>, bool); 10] = [
    (&GENERIC, c"numpy.generic", None, true),
    (&NUMBER, c"numpy.number", Some(&GENERIC), true),
    (&INTEGER, c"numpy.integer", Some(&NUMBER), true),
    (&SIGNED_INTEGER, c"numpy.signedinteger", Some(&INTEGER), true),
    (&UNSIGNED_INTEGER, c"numpy.unsignedinteger", Some(&INTEGER), true),
    (&INEXACT, c"numpy.inexact", Some(&NUMBER), true),
    (&FLOATING, c"numpy.floating", Some(&INEXACT), true),
    (&COMPLEX_FLOATING, c"numpy.complexfloating", Some(&INEXACT), true),
    (&FLEXIBLE, c"numpy.flexible", Some(&GENERIC), false),
    (&CHARACTER, c"numpy.character", Some(&FLEXIBLE), true),
];

static NAMES: [&CStr; TypeNum::NTYPES] = [
    c"numpy.bool",
    c"numpy.int8",
    c"numpy.uint8",
    c"numpy.int16",
    c"numpy.uint16",
    c"numpy.int32",
    c"numpy.uint32",
    c"numpy.int64",
    c"numpy.uint64",
    c"numpy.longlong",
    c"numpy.ulonglong",
    c"numpy.float32",
    c"numpy.float64",
    c"numpy.longdouble",
    c"numpy.complex64",
    c"numpy.complex128",
    c"numpy.clongdouble",
    c"numpy.object_",
    c"numpy.bytes_",
    c"numpy.str_",
    c"numpy.void",
    c"numpy.datetime64",
    c"numpy.timedelta64",
    c"numpy.float16",
];

fn abstract_base(num: TypeNum) -> &'static StaticType {
    match num {
        TypeNum::TIMEDELTA => &SIGNED_INTEGER,
        TypeNum::STRING | TypeNum::UNICODE => &CHARACTER,
        TypeNum::VOID => &FLEXIBLE,
        n if n.is_signed() => &SIGNED_INTEGER,
        n if n.is_unsigned() => &UNSIGNED_INTEGER,
        n if n.is_float() => &FLOATING,
        n if n.is_complex() => &COMPLEX_FLOATING,
        _ => &GENERIC,
    }
}

/// The Python type a concrete scalar type also derives from, and whether it comes first.
fn python_base(num: TypeNum) -> Option<(*mut ffi::PyTypeObject, bool)> {
    match num {
        TypeNum::DOUBLE => Some((&raw mut ffi::PyFloat_Type, false)),
        TypeNum::CDOUBLE => Some((&raw mut ffi::PyComplex_Type, false)),
        TypeNum::STRING => Some((&raw mut ffi::PyBytes_Type, true)),
        TypeNum::UNICODE => Some((&raw mut ffi::PyUnicode_Type, true)),
        _ => None,
    }
}

fn basicsize(num: TypeNum) -> usize {
    match num {
        TypeNum::UNICODE => size_of::<PyUnicodeScalarObject>(),
        // The head of `bytes`, rounded up to words as in C.
        TypeNum::STRING => size_of::<ffi::PyVarObject>() + 16,
        TypeNum::VOID => size_of::<PyVoidScalarObject>(),
        TypeNum::DATETIME | TypeNum::TIMEDELTA => size_of::<PyDatetimeScalarObject>(),
        _ => size_of::<ffi::PyObject>() + num.size().next_multiple_of(8),
    }
}

/// Ready all types. `fill` gets each type (abstract ones without a number) before it is readied.
///
/// # Safety
/// Called once, with the GIL held, before any of the types is used.
pub unsafe fn init(
    py: Python<'_>,
    fill: impl Fn(*mut ffi::PyTypeObject, Option<TypeNum>) -> PyResult<()>,
) -> PyResult<()> {
    // SAFETY: the caller's promise.
    unsafe {
        for (ty, name, base, derivable) in ABSTRACT {
            let raw = ty.as_type();
            let flags = if derivable { ffi::Py_TPFLAGS_BASETYPE } else { 0 };
            types::prepare(raw, name, GENERIC_SIZE as usize, flags);
            (*raw).tp_base = base.map_or(null_mut(), |b| b.as_type());
            fill(raw, None)?;
            types::ready(py, raw)?;
        }
        for n in 0..TypeNum::NTYPES {
            let num = TypeNum(n as i32);
            let raw = SCALARS.0[n].ty.as_type();
            types::prepare(raw, NAMES[n], basicsize(num), ffi::Py_TPFLAGS_BASETYPE);
            let base = abstract_base(num).as_type();
            (*raw).tp_base = base;
            if let Some((python, first)) = python_base(num) {
                let (a, b) = if first { (python, base) } else { (base, python) };
                (*raw).tp_base = a;
                let bases =
                    pyo3::types::PyTuple::new(py, [types::handle(py, a), types::handle(py, b)])?.into_ptr();
                #[cfg(not(Py_3_12))]
                {
                    (*raw).tp_bases = bases;
                }
                #[cfg(Py_3_12)]
                {
                    (*raw).tp_bases = bases;
                }
                if num == TypeNum::STRING {
                    (*raw).tp_itemsize = 1;
                }
            }
            fill(raw, Some(num))?;
            types::ready(py, raw)?;
        }
    }
    Ok(())
}

/// The concrete type of a type number (`void` for types that have no scalar type of their own).
pub fn concrete(num: TypeNum) -> *mut ffi::PyTypeObject {
    SCALARS.0.get(num.0 as usize).unwrap_or(&SCALARS.0[TypeNum::VOID.0 as usize]).ty.as_type()
}

/// The type number of exactly this class.
pub fn typenum_of_class(ty: *mut ffi::PyTypeObject) -> Option<TypeNum> {
    // The table is one block of memory, so the address tells the index.
    let offset = (ty as usize).checked_sub(&raw const SCALARS as usize)?;
    let (index, rest) = (offset / Slot::SIZE, offset % Slot::SIZE);
    (rest == 0 && index < TypeNum::NTYPES).then_some(TypeNum(index as i32))
}

/// The type number of the concrete scalar class `ty` is or derives from.
pub fn typenum_of_subclass(ty: *mut ffi::PyTypeObject) -> Option<TypeNum> {
    let mut at = ty;
    while !at.is_null() {
        if let Some(num) = typenum_of_class(at) {
            return Some(num);
        }
        // SAFETY: a ready type and its bases.
        at = unsafe { (*at).tp_base };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_type_numbers() {
        for n in 0..TypeNum::NTYPES {
            let address = concrete(TypeNum(n as i32)) as usize;
            assert_eq!(address % 16, 0);
            assert_eq!((address >> 4) % 32, n);
            assert_eq!(typenum_of_class(address as *mut ffi::PyTypeObject), Some(TypeNum(n as i32)));
            assert_eq!(typenum_of_class((address + 16) as *mut ffi::PyTypeObject), None);
        }
    }
}
