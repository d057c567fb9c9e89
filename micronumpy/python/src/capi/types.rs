//! The slots that hold types: scalar types and DType classes, most of them by type number. ORDER TYPENUM.

use std::ffi::c_void;

use micronumpy::TypeNum as T;

use crate::abi::StaticType;
use crate::objects::dtype::{DTYPEMETA_TYPE, classes, user};
use crate::objects::scalar::{types as scalars, value};

/// Scalar types of builtin types.
const SCALARS: [(usize, T); 24] = [
    (8, T::BOOL),
    (20, T::BYTE),
    (21, T::SHORT),
    (22, T::INT),
    (23, T::LONG),
    (24, T::LONGLONG),
    (25, T::UBYTE),
    (26, T::USHORT),
    (27, T::UINT),
    (28, T::ULONG),
    (29, T::ULONGLONG),
    (30, T::FLOAT),
    (31, T::DOUBLE),
    (32, T::LONGDOUBLE),
    (33, T::CFLOAT),
    (34, T::CDOUBLE),
    (35, T::CLONGDOUBLE),
    (36, T::OBJECT),
    (37, T::STRING),
    (38, T::UNICODE),
    (39, T::VOID),
    (215, T::DATETIME),
    (216, T::TIMEDELTA),
    (217, T::HALF),
];

/// DType classes of builtin types; some have several names.
const DTYPES: [(usize, T); 35] = [
    (321, T::BOOL),
    (322, T::BYTE),
    (323, T::UBYTE),
    (324, T::SHORT),
    (325, T::USHORT),
    (326, T::INT),
    (327, T::UINT),
    (328, T::LONG),
    (329, T::ULONG),
    (330, T::LONGLONG),
    (331, T::ULONGLONG),
    (332, T::BYTE),
    (333, T::UBYTE),
    (334, T::SHORT),
    (335, T::USHORT),
    (336, T::INT),
    (337, T::UINT),
    (338, T::LONG),
    (339, T::ULONG),
    (340, T::LONG),
    (341, T::ULONG),
    (342, T::HALF),
    (343, T::FLOAT),
    (344, T::DOUBLE),
    (345, T::LONGDOUBLE),
    (346, T::CFLOAT),
    (347, T::CDOUBLE),
    (348, T::CLONGDOUBLE),
    (349, T::STRING),
    (350, T::UNICODE),
    (351, T::DATETIME),
    (352, T::TIMEDELTA),
    (353, T::OBJECT),
    (354, T::VOID),
    (358, T::LONG),
];

/// Upstream fills the slot `PyTimeIntegerArrType_Type` with a type it never finishes.
static TIME_INTEGER: StaticType = StaticType::zeroed();

/// Enter the addresses of all types, which are ready.
pub(super) fn fill(array: &mut [*mut c_void]) {
    for (slot, num) in SCALARS {
        array[slot] = scalars::concrete(num).cast();
    }
    for (slot, num) in DTYPES {
        array[slot] = classes::CLASSES[num.0 as usize].as_type().cast();
    }
    for (slot, ty) in [
        (10, &scalars::GENERIC),
        (11, &scalars::NUMBER),
        (12, &scalars::INTEGER),
        (13, &scalars::SIGNED_INTEGER),
        (14, &scalars::UNSIGNED_INTEGER),
        (15, &scalars::INEXACT),
        (16, &scalars::FLOATING),
        (17, &scalars::COMPLEX_FLOATING),
        (18, &scalars::FLEXIBLE),
        (19, &scalars::CHARACTER),
        (214, &TIME_INTEGER),
        (320, &DTYPEMETA_TYPE),
    ] {
        array[slot] = ty.as_type().cast();
    }
    for (slot, class) in [
        (355, &classes::PY_LONG),
        (356, &classes::PY_FLOAT),
        (357, &classes::PY_COMPLEX),
        (359, &classes::STRING_DTYPE),
        (366, &classes::INTEGER_ABSTRACT),
        (367, &classes::FLOAT_ABSTRACT),
        (368, &classes::COMPLEX_ABSTRACT),
    ] {
        array[slot] = class.as_type().cast();
    }
    array[7] = user::count().cast();
    // Two objects in a row: False, then True.
    array[9] = value::bool_object(false).cast();
}
