//! The string ufuncs as data.

use super::build::*;
use super::compare::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual, rows, stripping_rows};
use super::inspect::*;
use super::row::{TextOp, ValueOp, text_loop, value_loop};
use crate::abi::{Identity, LoopDef, LoopFlags, LoopFn, Resolver, UfuncDef};
use crate::typenum::TypeNum;

const FLAGS: LoopFlags = LoopFlags::NO_FP_ERRORS;
const S: TypeNum = TypeNum::STRING;
const U: TypeNum = TypeNum::UNICODE;
const L: TypeNum = TypeNum::LONG;
const B: TypeNum = TypeNum::BOOL;

/// Rows for bytes and for text.
pub type Pair = [LoopDef; 2];

const fn pair(bytes: &'static [TypeNum], text: &'static [TypeNum], loops: (LoopFn, LoopFn)) -> Pair {
    [LoopDef::new(bytes, loops.0, FLAGS), LoopDef::new(text, loops.1, FLAGS)]
}
const fn values<Op: ValueOp>() -> (LoopFn, LoopFn) {
    (value_loop::<u8, Op>, value_loop::<u32, Op>)
}
const fn texts<Op: TextOp>() -> (LoopFn, LoopFn) {
    (text_loop::<u8, Op>, text_loop::<u32, Op>)
}

const fn test<Op: ValueOp>() -> Pair {
    pair(&[S, B], &[U, B], values::<Op>())
}
const fn search_index<Op: ValueOp>() -> Pair {
    pair(&[S, S, L, L, L], &[U, U, L, L, L], values::<Op>())
}
const fn search_test<Op: ValueOp>() -> Pair {
    pair(&[S, S, L, L, B], &[U, U, L, L, B], values::<Op>())
}
const fn pad<Op: TextOp>() -> Pair {
    pair(&[S, L, S, S], &[U, L, U, U], texts::<Op>())
}
const fn sized<Op: TextOp>() -> Pair {
    pair(&[S, L, S], &[U, L, U], texts::<Op>())
}
const fn strip_space<E: Ends>() -> Pair {
    pair(&[S, S], &[U, U], texts::<StripSpace<E>>())
}
const fn strip_chars<E: Ends>() -> Pair {
    pair(&[S, S, S], &[U, U, U], texts::<StripChars<E>>())
}
const fn partition<const WHOLE: usize>() -> Pair {
    pair(&[S, S, L, S, S, S], &[U, U, L, U, U, U], texts::<Partition<WHOLE>>())
}

const fn ufunc(
    name: &'static str,
    nin: usize,
    nout: usize,
    identity: Identity,
    loops: &'static [LoopDef],
) -> UfuncDef {
    UfuncDef {
        name,
        nin,
        nout,
        identity,
        signature: None,
        core_dims: None,
        resolver: Resolver::Default,
        loops,
    }
}

macro_rules! ufuncs {
    ($($name:literal $nin:literal $nout:literal $identity:ident $loops:expr;)*) => {
        &[$(ufunc($name, $nin, $nout, Identity::$identity, {
            static LOOPS: &[LoopDef] = &$loops;
            LOOPS
        })),*]
    };
}

/// Ufuncs that only strings have.
pub static UFUNCS: &[UfuncDef] = ufuncs! {
    "_center" 3 1 None pad::<Center>();
    "_expandtabs" 2 1 None sized::<ExpandTabs>();
    "_expandtabs_length" 2 1 None pair(&[S, L, L], &[U, L, L], values::<ExpandedLength>());
    "_ljust" 3 1 None pad::<LJust>();
    "_lstrip_chars" 2 1 None strip_chars::<Left>();
    "_lstrip_whitespace" 1 1 None strip_space::<Left>();
    "_partition" 2 3 None [];
    "_partition_index" 3 3 None partition::<0>();
    "_replace" 4 1 None pair(&[S, S, S, L, S], &[U, U, U, L, U], texts::<Replace>());
    "_rjust" 3 1 None pad::<RJust>();
    "_rpartition" 2 3 None [];
    "_rpartition_index" 3 3 None partition::<2>();
    "_rstrip_chars" 2 1 None strip_chars::<Right>();
    "_rstrip_whitespace" 1 1 None strip_space::<Right>();
    "_slice" 4 1 None pair(&[S, L, L, L, S], &[U, L, L, L, U], texts::<Slice>());
    "_strip_chars" 2 1 None strip_chars::<Both>();
    "_strip_whitespace" 1 1 None strip_space::<Both>();
    "_zfill" 2 1 None sized::<ZFill>();
    "count" 4 1 None search_index::<Count>();
    "endswith" 4 1 False search_test::<EndsWith>();
    "find" 4 1 None search_index::<Find>();
    "index" 4 1 None search_index::<Index>();
    "isalnum" 1 1 False test::<IsAlnum>();
    "isalpha" 1 1 False test::<IsAlpha>();
    "isdecimal" 1 1 False [LoopDef::new(&[U, B], values::<IsDecimal>().1, FLAGS)];
    "isdigit" 1 1 False test::<IsDigit>();
    "islower" 1 1 False test::<IsLower>();
    "isnumeric" 1 1 False [LoopDef::new(&[U, B], values::<IsNumeric>().1, FLAGS)];
    "isspace" 1 1 False test::<IsSpace>();
    "istitle" 1 1 False test::<IsTitle>();
    "isupper" 1 1 False test::<IsUpper>();
    "rfind" 4 1 None search_index::<RFind>();
    "rindex" 4 1 None search_index::<RIndex>();
    "startswith" 4 1 False search_test::<StartsWith>();
    "str_len" 1 1 Zero pair(&[S, L], &[U, L], values::<Length>());
};

static CONCAT: &[LoopDef] = &pair(&[S, S, S], &[U, U, U], texts::<Concat>());
static REPEAT: &[LoopDef] = &[
    LoopDef::new(&[S, L, S], texts::<RepeatLeft>().0, FLAGS),
    LoopDef::new(&[L, S, S], texts::<RepeatRight>().0, FLAGS),
    LoopDef::new(&[U, L, U], texts::<RepeatLeft>().1, FLAGS),
    LoopDef::new(&[L, U, U], texts::<RepeatRight>().1, FLAGS),
];

/// String loops of ufuncs that numbers have, too, by name of the ufunc.
pub static SHARED_LOOPS: &[(&str, &[LoopDef])] = &[
    ("equal", &rows::<Equal>()),
    ("not_equal", &rows::<NotEqual>()),
    ("less", &rows::<Less>()),
    ("less_equal", &rows::<LessEqual>()),
    ("greater", &rows::<Greater>()),
    ("greater_equal", &rows::<GreaterEqual>()),
    ("add", CONCAT),
    ("multiply", REPEAT),
];

/// Comparisons by operator: as they are, and without white space at the end.
pub static COMPARISONS: &[(&str, [Pair; 2])] = &[
    ("==", [rows::<Equal>(), stripping_rows::<Equal>()]),
    ("!=", [rows::<NotEqual>(), stripping_rows::<NotEqual>()]),
    ("<", [rows::<Less>(), stripping_rows::<Less>()]),
    (">", [rows::<Greater>(), stripping_rows::<Greater>()]),
    ("<=", [rows::<LessEqual>(), stripping_rows::<LessEqual>()]),
    (">=", [rows::<GreaterEqual>(), stripping_rows::<GreaterEqual>()]),
];
