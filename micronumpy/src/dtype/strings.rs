//! How long a string must be to hold any value of a type.

use super::{Dtype, TypeNum, datetime};

/// Characters numpy reserves for a value of this dtype when it becomes a string (object: nothing, it depends on the
/// values).
pub fn natural_length(dt: &Dtype) -> usize {
    match dt.num {
        TypeNum::BOOL => 5,
        TypeNum::BYTE => 4,
        TypeNum::UBYTE => 3,
        TypeNum::SHORT => 6,
        TypeNum::USHORT => 5,
        TypeNum::INT => 11,
        TypeNum::UINT => 10,
        TypeNum::LONG | TypeNum::LONGLONG => 21,
        TypeNum::ULONG | TypeNum::ULONGLONG => 20,
        TypeNum::HALF | TypeNum::FLOAT | TypeNum::DOUBLE => 32,
        TypeNum::LONGDOUBLE => 48,
        TypeNum::CFLOAT | TypeNum::CDOUBLE => 64,
        TypeNum::CLONGDOUBLE => 96,
        TypeNum::STRING | TypeNum::VOID => dt.itemsize,
        TypeNum::UNICODE => dt.itemsize / 4,
        TypeNum::TIMEDELTA => 21,
        TypeNum::DATETIME => match dt.datetime_meta() {
            Some(meta) => datetime::iso8601_length(meta.unit),
            None => 0,
        },
        _ => 0,
    }
}
