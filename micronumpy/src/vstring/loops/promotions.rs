//! Which operands beside strings a ufunc takes for its string loops: fixed-width text, and integers of any kind.

use crate::dtype::TypeNum;

/// What operands become.
#[derive(Clone, Copy)]
pub enum Promotion {
    /// Strings, unless there is none among them, or fixed-width text is asked for by name.
    AllStrings,
    /// Exactly these.
    To(&'static [TypeNum]),
    /// All inputs of one class, outputs of another; what is asked for by name stays.
    Inputs(TypeNum, TypeNum),
    /// Integers become `int64`, everything else stays.
    Integers,
}

use Promotion::{AllStrings, Inputs, Integers, To};

const T: TypeNum = TypeNum::VSTRING;
const L: TypeNum = TypeNum::LONG;
const B: TypeNum = TypeNum::BOOL;
const O: TypeNum = TypeNum::OBJECT;

/// Ufunc, operands, what they become. `T` strings, `U` fixed-width text, `O` objects, `?` bool, `i` any integer, `*` anything.
pub static PROMOTIONS: &[(&[&str], &[&str], Promotion)] = &[
    (
        &["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"],
        &["TU?", "UT?"],
        Inputs(T, B),
    ),
    (
        &["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"],
        &["TO?", "OT?"],
        Inputs(O, B),
    ),
    (&["add"], &["TUT", "UTT", "UUT"], AllStrings),
    (&["_lstrip_chars", "_rstrip_chars", "_strip_chars"], &["TUT", "UTT"], AllStrings),
    (&["multiply"], &["TiT", "iTT"], Integers),
    (&["find", "rfind", "index", "rindex", "count"], &["TUiii", "UTiii", "TTiii"], To(&[T, T, L, L, L])),
    (&["startswith", "endswith"], &["TUii?", "UTii?", "TTii?"], To(&[T, T, L, L, B])),
    (&["_replace"], &["TUUiT", "UTUiT", "UUTiT", "TTUiT", "TUTiT", "UTTiT", "TTTiT"], To(&[T, T, T, L, T])),
    (&["_expandtabs", "_zfill"], &["TiT"], Integers),
    (&["_center", "_ljust", "_rjust"], &["TiTT", "TiUT", "UiTT"], To(&[T, L, T, T])),
    (&["_slice"], &["TiiiT"], To(&[T, L, L, L, T])),
    // Whatever else stands for an integer is cast to one, or refused by that cast.
    (&["find", "rfind", "index", "rindex", "count"], &["TT***"], To(&[T, T, L, L, L])),
    (&["startswith", "endswith"], &["TT***"], To(&[T, T, L, L, B])),
    (&["_replace"], &["TTT**"], To(&[T, T, T, L, T])),
    (&["_center", "_ljust", "_rjust"], &["T*T*"], To(&[T, L, T, T])),
    (&["_expandtabs", "_zfill"], &["T**"], To(&[T, L, T])),
    (&["_slice"], &["T****"], To(&[T, L, L, L, T])),
];
