//! Every elementwise ufunc as data: one entry each, sorted by name, loops in numpy's order.
//!
//! Row order is semantics: resolution takes the first row the operands can be cast to, so rows that look redundant
//! (`f->f` twice) stay. Loops for objects need the host and are appended there.
//!
//! The macros only stamp rows. A group macro defines `T` as each of its types in turn and evaluates the loop with it;
//! in the type string `T` stands for that type's character and `R` for its real part's.

use crate::abi::{FoldFn, Identity, LoopDef, LoopFlags, LoopFn, Resolver, UfuncDef};
use crate::dot::{matmul, matvec, vecdot, vecmat};
use crate::elem::{Bool, Complex, Datetime, LongDouble, Timedelta, f16};
use crate::loops::binary::{
    arith, arith_complex, arith_each, binary, binary_each, divide_complex, divide_delta, divide_integer,
    divide_wide, floor_divide_deltas, multiply_complex, power_float, power_integer, square_complex,
};
use crate::loops::exponent;
use crate::loops::fold::{fold, fold_products};
use crate::loops::pairs::{binary_pair, float_divmod, unary_pair};
use crate::loops::ternary::ternary;
use crate::loops::unary::{unary, unary_each, unary_fused};
use crate::ops::arith::*;
use crate::ops::bits::*;
use crate::ops::compare::*;
use crate::ops::complex::Angle;
use crate::ops::divide::*;
use crate::ops::float::*;
use crate::ops::integer::{Gcd, Lcm};
use crate::ops::math::*;
use crate::ops::minmax::*;
use crate::ops::power::Power;
use crate::typenum::TypeNum;
use crate::vmath::loops::{map, zip};

/// A loop before it is linked to its types.
#[derive(Clone, Copy)]
struct Row {
    types: [TypeNum; Row::MAX],
    len: usize,
    func: LoopFn,
    flags: LoopFlags,
    fold: Option<FoldFn>,
}

impl Row {
    const MAX: usize = 4;

    /// `types` is a signature such as `"TT->?"`; `T` and `R` are replaced by `t` and its real part.
    const fn new(types: &str, t: u8, func: LoopFn, flags: LoopFlags) -> Row {
        let (text, mut row) =
            (types.as_bytes(), Row { types: [TypeNum::BOOL; Row::MAX], len: 0, func, flags, fold: None });
        let mut i = 0;
        while i < text.len() {
            let ch = match text[i] {
                b'T' => t,
                b'R' => t.to_ascii_lowercase(),
                other => other,
            };
            if ch != b'-' && ch != b'>' {
                row.types[row.len] = TypeNum::from_char(ch).expect("a type character");
                row.len += 1;
            }
            i += 1;
        }
        row
    }

    const fn folded(self, fold: FoldFn) -> Row {
        Row { fold: Some(fold), ..self }
    }
}

const fn count(groups: &[&[Row]]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < groups.len() {
        n += groups[i].len();
        i += 1;
    }
    n
}

const fn concat<const N: usize>(groups: &[&[Row]]) -> [Row; N] {
    let (mut rows, mut n, mut i) = ([groups[0][0]; N], 0, 0);
    while i < groups.len() {
        let mut j = 0;
        while j < groups[i].len() {
            rows[n] = groups[i][j];
            n += 1;
            j += 1;
        }
        i += 1;
    }
    rows
}

const fn link(row: &'static Row) -> LoopDef {
    let flags = row.flags.with(LoopFlags::IN_PARTS);
    let mut def = LoopDef::new(row.types.split_at(row.len).0, row.func, flags);
    def.fold = row.fold;
    def
}

const fn link_all<const N: usize>(rows: &'static [Row; N]) -> [LoopDef; N] {
    // `LoopDef` has a destructor, so an array of it cannot be overwritten element by element here.
    let mut loops = [const { core::mem::MaybeUninit::<LoopDef>::uninit() }; N];
    let mut i = 0;
    while i < N {
        loops[i] = core::mem::MaybeUninit::new(link(&rows[i]));
        i += 1;
    }
    // SAFETY: all `N` elements were just written; an array of `MaybeUninit` has the layout of the array.
    unsafe { core::mem::transmute_copy(&loops) }
}

const FP: LoopFlags = LoopFlags::NONE;
const NO_FP: LoopFlags = LoopFlags::NO_FP_ERRORS;
const CLEARED: LoopFlags = LoopFlags::NO_FP_ERRORS.with(LoopFlags::CLEARS_FP);

macro_rules! group {
    ($types:literal, $flags:expr, $func:expr; $($ch:literal $t:ty),*) => {
        &[$({
            #[allow(dead_code)]
            type T = $t;
            Row::new($types, $ch, $func, $flags)
        }),*]
    };
    ($types:literal, $flags:expr, $func:expr, $fold:expr; $($ch:literal $t:ty),*) => {
        &[$({
            type T = $t;
            Row::new($types, $ch, $func, $flags).folded($fold)
        }),*]
    };
}
macro_rules! one {
    ($types:literal, $flags:expr, $func:expr) => {
        &[Row::new($types, 0, $func, $flags)]
    };
}
macro_rules! bools {
    ($types:literal, $func:expr $(; $fold:expr)?) => {
        group!($types, NO_FP, $func $(, $fold)?; b'?' Bool)
    };
}
macro_rules! ints {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?;
            b'b' i8, b'B' u8, b'h' i16, b'H' u16, b'i' i32, b'I' u32, b'l' i64, b'L' u64, b'q' i64, b'Q' u64)
    };
    ($types:literal, $func:expr $(; $fold:expr)?) => {
        ints!($types, NO_FP, $func $(; $fold)?)
    };
}
macro_rules! narrow_ints {
    ($types:literal, $flags:expr, $func:expr) => {
        group!($types, $flags, $func; b'b' i8, b'B' u8, b'h' i16, b'H' u16, b'i' i32, b'I' u32)
    };
}
macro_rules! wide_ints {
    ($types:literal, $flags:expr, $func:expr) => {
        group!($types, $flags, $func; b'l' i64, b'L' u64, b'q' i64, b'Q' u64)
    };
}
macro_rules! halves {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'e' f16)
    };
}
macro_rules! floats {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'f' f32, b'd' f64)
    };
}
macro_rules! longs {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'g' LongDouble)
    };
}
macro_rules! small_reals {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'e' f16, b'f' f32, b'd' f64)
    };
}
macro_rules! reals {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'e' f16, b'f' f32, b'd' f64, b'g' LongDouble)
    };
}
macro_rules! complexes {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'F' Complex<f32>, b'D' Complex<f64>, b'G' Complex<LongDouble>)
    };
}
macro_rules! small_complexes {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'F' Complex<f32>, b'D' Complex<f64>)
    };
}
macro_rules! long_complexes {
    ($types:literal, $flags:expr, $func:expr $(; $fold:expr)?) => {
        group!($types, $flags, $func $(, $fold)?; b'G' Complex<LongDouble>)
    };
}
macro_rules! deltas {
    ($types:literal, $func:expr $(; $fold:expr)?) => {
        group!($types, NO_FP, $func $(, $fold)?; b'm' Timedelta)
    };
}
/// `m`, then `M`.
macro_rules! deltas_dates {
    ($types:literal, $func:expr $(; $fold:expr)?) => {
        group!($types, NO_FP, $func $(, $fold)?; b'm' Timedelta, b'M' Datetime)
    };
}
/// `M`, then `m`.
macro_rules! dates_deltas {
    ($types:literal, $func:expr $(; $fold:expr)?) => {
        group!($types, NO_FP, $func $(, $fold)?; b'M' Datetime, b'm' Timedelta)
    };
}

macro_rules! ufunc {
    ($name:literal, $nin:literal, $nout:literal, $identity:ident, $resolver:ident, [$($group:expr),* $(,)?]) => {
        ufunc!($name, $nin, $nout, None, $identity, $resolver, [$($group),*])
    };
    ($name:literal, $nin:literal, $nout:literal, $sig:expr, $identity:ident, $resolver:ident, [$($group:expr),*]) => {
        UfuncDef {
            name: $name,
            nin: $nin,
            nout: $nout,
            identity: Identity::$identity,
            signature: $sig,
            core_dims: None,
            resolver: Resolver::$resolver,
            loops: {
                const GROUPS: &[&[Row]] = &[$($group),*];
                static ROWS: [Row; count(GROUPS)] = concat(GROUPS);
                static LOOPS: [LoopDef; count(GROUPS)] = link_all(&ROWS);
                &LOOPS
            },
        }
    };
}

/// `e f d g`, in which only `f` and `d` are worth vectorising.
macro_rules! unary_real {
    ($name:literal, $op:ident) => {
        ufunc!(
            $name,
            1,
            1,
            None,
            Default,
            [
                halves!("T->T", FP, unary::<$op, T>),
                floats!("T->T", FP, unary::<$op, T>),
                longs!("T->T", FP, unary_each::<$op, T>)
            ]
        )
    };
}
macro_rules! binary_real {
    ($name:literal, $op:ident, $identity:ident, [$($more:expr),*]) => {
        ufunc!($name, 2, 1, $identity, Default, [reals!("TT->T", FP, arith_each::<$op, T>) $(, $more)*])
    };
}
/// `e f d` come twice: numpy lists vectorised loops before the generic ones.
macro_rules! elementary {
    ($name:literal, $op:ident, [$($more:expr),*]) => {
        ufunc!(
            $name,
            1,
            1,
            None,
            Default,
            [
                small_reals!("T->T", FP, map::<$op, T>),
                small_reals!("T->T", FP, map::<$op, T>),
                longs!("T->T", FP, unary_each::<$op, T>)
                $(, $more)*
            ]
        )
    };
    ($name:literal, $op:ident) => {
        elementary!($name, $op, [complexes!("T->T", FP, unary_each::<$op, T>)])
    };
}
/// `e f d g`, two operands, computed in lanes.
macro_rules! elementary_binary {
    ($name:literal, $op:ident, $identity:ident) => {
        ufunc!(
            $name,
            2,
            1,
            $identity,
            Default,
            [small_reals!("TT->T", FP, zip::<$op, T>), longs!("TT->T", FP, arith_each::<$op, T>)]
        )
    };
}
macro_rules! comparison {
    ($name:literal, $op:ident) => {
        ufunc!(
            $name,
            2,
            1,
            None,
            Comparison,
            [
                bools!("TT->?", binary::<$op, T, T>),
                ints!("TT->?", binary::<$op, T, T>),
                one!("qQ->?", NO_FP, binary::<$op, i64, u64>),
                one!("Qq->?", NO_FP, binary::<$op, u64, i64>),
                halves!("TT->?", NO_FP, binary::<$op, T, T>),
                floats!("TT->?", CLEARED, binary::<$op, T, T>),
                longs!("TT->?", CLEARED, binary_each::<$op, T, T>),
                small_complexes!("TT->?", FP, binary::<$op, T, T>),
                long_complexes!("TT->?", FP, binary_each::<$op, T, T>),
                dates_deltas!("TT->?", binary::<$op, T, T>),
            ]
        )
    };
}
macro_rules! logical {
    ($name:literal, $op:ident, $identity:ident, $flags:expr) => {
        ufunc!(
            $name,
            2,
            1,
            $identity,
            Logical,
            [
                bools!("TT->?", arith::<$op, T>; fold::<$op, T>),
                ints!("TT->?", binary::<$op, T, T>),
                halves!("TT->?", NO_FP, binary::<$op, T, T>),
                floats!("TT->?", $flags, binary::<$op, T, T>),
                longs!("TT->?", $flags, binary_each::<$op, T, T>),
                small_complexes!("TT->?", NO_FP, binary::<$op, T, T>),
                long_complexes!("TT->?", NO_FP, binary_each::<$op, T, T>),
            ]
        )
    };
}
macro_rules! bitwise {
    ($name:literal, $op:ident, $identity:ident) => {
        ufunc!(
            $name,
            2,
            1,
            $identity,
            Default,
            [bools!("TT->T", arith::<$op, T>; fold::<$op, T>), ints!("TT->T", arith::<$op, T>; fold::<$op, T>)]
        )
    };
}
macro_rules! extremum {
    ($name:literal, $op:ident) => {
        ufunc!(
            $name,
            2,
            1,
            ReorderableNone,
            Common,
            [
                bools!("TT->T", arith::<$op, T>; fold::<$op, T>),
                ints!("TT->T", arith::<$op, T>; fold::<$op, T>),
                halves!("TT->T", NO_FP, arith::<$op, T>; fold::<$op, T>),
                floats!("TT->T", CLEARED, arith::<$op, T>; fold::<$op, T>),
                longs!("TT->T", CLEARED, arith_each::<$op, T>),
                small_complexes!("TT->T", CLEARED, arith::<$op, T>; fold::<$op, T>),
                long_complexes!("TT->T", CLEARED, arith_each::<$op, T>; fold::<$op, T>),
                deltas_dates!("TT->T", arith::<$op, T>),
            ]
        )
    };
}
macro_rules! classify {
    ($name:literal, $op:ident) => {
        ufunc!(
            $name,
            1,
            1,
            None,
            Default,
            [
                bools!("T->?", unary::<$op, T>),
                ints!("T->?", unary::<$op, T>),
                halves!("T->?", CLEARED, unary::<$op, T>),
                floats!("T->?", CLEARED, unary::<$op, T>),
                longs!("T->?", CLEARED, unary_each::<$op, T>),
                small_complexes!("T->?", CLEARED, unary::<$op, T>),
                long_complexes!("T->?", CLEARED, unary_each::<$op, T>),
                deltas_dates!("T->?", unary::<$op, T>),
            ]
        )
    };
}
macro_rules! rounding {
    ($name:literal, $op:ident) => {
        ufunc!(
            $name,
            1,
            1,
            None,
            Default,
            [
                bools!("T->T", unary::<Positive, T>),
                ints!("T->T", unary::<Positive, T>),
                halves!("T->T", FP, unary::<$op, T>),
                floats!("T->T", FP, unary::<$op, T>),
                floats!("T->T", FP, unary::<$op, T>),
                longs!("T->T", FP, unary_each::<$op, T>),
            ]
        )
    };
}
macro_rules! product {
    ($name:literal, $func:ident, $signature:literal) => {
        ufunc!(
            $name,
            2,
            1,
            Some($signature),
            None,
            Default,
            [
                bools!("TT->T", $func::<T>),
                ints!("TT->T", $func::<T>),
                reals!("TT->T", FP, $func::<T>),
                complexes!("TT->T", FP, $func::<T>)
            ]
        )
    };
}

/// The table. Sorted by name, see [`find`].
pub static UFUNCS: &[UfuncDef] = &[
    ufunc!("_arg", 1, 1, None, Default, [complexes!("T->R", FP, unary_each::<Angle, T>)]),
    ufunc!(
        "_ones_like",
        1,
        1,
        None,
        Common,
        [
            bools!("T->T", unary::<OnesLike, T>),
            ints!("T->T", unary::<OnesLike, T>),
            reals!("T->T", NO_FP, unary::<OnesLike, T>),
            complexes!("T->T", NO_FP, unary::<OnesLike, T>),
            deltas_dates!("T->T", unary::<OnesLike, T>),
        ]
    ),
    ufunc!(
        "absolute",
        1,
        1,
        None,
        Common,
        [
            bools!("T->T", unary::<Absolute, T>),
            ints!("T->T", unary::<Absolute, T>),
            halves!("T->T", NO_FP, unary::<Absolute, T>),
            floats!("T->T", CLEARED, unary::<Absolute, T>),
            longs!("T->T", CLEARED, unary_each::<Absolute, T>),
            deltas!("T->T", unary::<Absolute, T>),
            small_complexes!("T->R", CLEARED, unary_fused::<Absolute, AbsoluteFused, AbsoluteEach, T, false>),
            long_complexes!("T->R", FP, unary_each::<AbsoluteEach, T>),
        ]
    ),
    ufunc!(
        "add",
        2,
        1,
        Zero,
        Arithmetic,
        [
            bools!("TT->T", arith::<Add, T>; fold::<Add, T>),
            ints!("TT->T", arith::<Add, T>; fold::<Add, T>),
            halves!("TT->T", FP, arith::<Add, T>; fold::<Add, T>),
            floats!("TT->T", FP, arith::<Add, T>; fold::<Add, T>),
            longs!("TT->T", FP, arith_each::<Add, T>),
            small_complexes!("TT->T", FP, arith_complex::<Add, T>; fold::<Add, T>),
            long_complexes!("TT->T", FP, arith_each::<Add, T>),
            one!("Mm->M", NO_FP, binary::<Add, Datetime, Timedelta>),
            one!("mm->m", NO_FP, arith::<Add, Timedelta>),
            one!("mM->M", NO_FP, binary::<Add, Timedelta, Datetime>),
        ]
    ),
    elementary!("arccos", Arccos),
    elementary!("arccosh", Arccosh),
    elementary!("arcsin", Arcsin),
    elementary!("arcsinh", Arcsinh),
    elementary!("arctan", Arctan),
    elementary_binary!("arctan2", Arctan2, None),
    elementary!("arctanh", Arctanh),
    bitwise!("bitwise_and", BitAnd, MinusOne),
    ufunc!("bitwise_count", 1, 1, None, Default, [ints!("T->B", unary::<BitCount, T>)]),
    bitwise!("bitwise_or", BitOr, Zero),
    bitwise!("bitwise_xor", BitXor, Zero),
    elementary!("cbrt", Cbrt, []),
    rounding!("ceil", Ceil),
    ufunc!(
        "clip",
        3,
        1,
        None,
        Common,
        [
            group!("TTT->T", CLEARED, ternary::<Clip, T>; b'?' Bool),
            ints!("TTT->T", CLEARED, ternary::<Clip, T>),
            reals!("TTT->T", CLEARED, ternary::<Clip, T>),
            complexes!("TTT->T", CLEARED, ternary::<Clip, T>),
            group!("TTT->T", CLEARED, ternary::<Clip, T>; b'm' Timedelta, b'M' Datetime),
        ]
    ),
    ufunc!(
        "conjugate",
        1,
        1,
        None,
        Default,
        [
            ints!("T->T", unary::<Positive, T>),
            reals!("T->T", NO_FP, unary::<Positive, T>),
            small_complexes!("T->T", NO_FP, unary::<Conjugate, T>),
            long_complexes!("T->T", NO_FP, unary_each::<Conjugate, T>),
        ]
    ),
    binary_real!("copysign", CopySign, None, []),
    ufunc!(
        "cos",
        1,
        1,
        None,
        Default,
        [
            small_reals!("T->T", FP, map::<Cos, T>),
            longs!("T->T", FP, unary_each::<Cos, T>),
            complexes!("T->T", FP, unary_each::<Cos, T>),
        ]
    ),
    elementary!("cosh", Cosh),
    unary_real!("deg2rad", Radians),
    unary_real!("degrees", Degrees),
    ufunc!(
        "divide",
        2,
        1,
        None,
        TrueDivide,
        [
            halves!("TT->T", FP, arith::<Divide, T>),
            floats!("TT->T", FP, arith::<Divide, T>),
            longs!("TT->T", FP, arith_each::<Divide, T>),
            small_complexes!("TT->T", FP, divide_complex::<T>),
            long_complexes!("TT->T", FP, arith_each::<Divide, T>),
            one!("mq->m", FP, divide_delta::<Divide>),
            one!("md->m", FP, binary_each::<Divide, Timedelta, f64>),
            one!("mm->d", FP, binary_each::<Divide, Timedelta, Timedelta>),
        ]
    ),
    ufunc!(
        "divmod",
        2,
        2,
        None,
        Arithmetic,
        [
            ints!("TT->TT", FP, binary_pair::<Divmod, T>),
            small_reals!("TT->TT", FP, float_divmod::<T>),
            longs!("TT->TT", FP, binary_pair::<Divmod, T>),
            one!("mm->qm", FP, binary_pair::<Divmod, Timedelta>),
        ]
    ),
    comparison!("equal", Equal),
    ufunc!(
        "exp",
        1,
        1,
        None,
        Default,
        [
            small_reals!("T->T", FP, map::<Exp, T>),
            floats!("T->T", FP, map::<Exp, T>),
            longs!("T->T", FP, unary_each::<Exp, T>),
            complexes!("T->T", FP, unary_each::<Exp, T>),
        ]
    ),
    elementary!("exp2", Exp2),
    elementary!("expm1", Expm1),
    unary_real!("fabs", Fabs),
    ufunc!(
        "float_power",
        2,
        1,
        None,
        Default,
        [
            group!("TT->T", FP, zip::<Power, T>; b'd' f64),
            longs!("TT->T", FP, arith_each::<Power, T>),
            group!("TT->T", FP, arith_each::<Power, T>; b'D' Complex<f64>, b'G' Complex<LongDouble>),
        ]
    ),
    rounding!("floor", Floor),
    ufunc!(
        "floor_divide",
        2,
        1,
        None,
        Arithmetic,
        [
            narrow_ints!("TT->T", FP, divide_integer::<FloorDivide, T>),
            wide_ints!("TT->T", FP, divide_wide::<FloorDivide, T>),
            small_reals!("TT->T", FP, zip::<FloorDivide, T>),
            longs!("TT->T", FP, arith_each::<FloorDivide, T>),
            one!("mq->m", FP, divide_delta::<FloorDivide>),
            one!("md->m", FP, binary_each::<FloorDivide, Timedelta, f64>),
            one!("mm->q", FP, floor_divide_deltas),
        ]
    ),
    extremum!("fmax", Fmax),
    extremum!("fmin", Fmin),
    ufunc!(
        "fmod",
        2,
        1,
        None,
        Default,
        [
            narrow_ints!("TT->T", FP, divide_integer::<Fmod, T>),
            wide_ints!("TT->T", FP, divide_wide::<Fmod, T>),
            small_reals!("TT->T", FP, zip::<Fmod, T>),
            longs!("TT->T", FP, arith_each::<Fmod, T>),
        ]
    ),
    ufunc!(
        "frexp",
        1,
        2,
        None,
        Default,
        [
            one!("e->ei", FP, unary_pair::<Frexp, f16>),
            one!("f->fi", FP, exponent::frexp::<f32>),
            one!("d->di", FP, exponent::frexp::<f64>),
            one!("g->gi", FP, unary_pair::<Frexp, LongDouble>),
        ]
    ),
    ufunc!("gcd", 2, 1, Zero, Default, [ints!("TT->T", arith_each::<Gcd, T>)]),
    comparison!("greater", Greater),
    comparison!("greater_equal", GreaterEqual),
    ufunc!(
        "heaviside",
        2,
        1,
        None,
        Default,
        [
            small_reals!("TT->T", NO_FP, arith::<Heaviside, T>),
            longs!("TT->T", NO_FP, arith_each::<Heaviside, T>)
        ]
    ),
    elementary_binary!("hypot", Hypot, Zero),
    ufunc!(
        "invert",
        1,
        1,
        None,
        Default,
        [bools!("T->T", unary::<Invert, T>), ints!("T->T", unary::<Invert, T>)]
    ),
    classify!("isfinite", IsFinite),
    classify!("isinf", IsInf),
    classify!("isnan", IsNan),
    ufunc!("isnat", 1, 1, None, Default, [dates_deltas!("T->?", unary::<IsNat, T>)]),
    ufunc!("lcm", 2, 1, None, Default, [ints!("TT->T", arith_each::<Lcm, T>)]),
    ufunc!(
        "ldexp",
        2,
        1,
        None,
        Default,
        [
            one!("ei->e", FP, binary::<Ldexp, f16, i32>),
            one!("fi->f", FP, exponent::ldexp::<f32>),
            one!("el->e", FP, binary::<Ldexp, f16, i64>),
            one!("fl->f", FP, binary::<Ldexp, f32, i64>),
            one!("di->d", FP, exponent::ldexp::<f64>),
            one!("dl->d", FP, binary::<Ldexp, f64, i64>),
            one!("gi->g", FP, binary_each::<Ldexp, LongDouble, i32>),
            one!("gl->g", FP, binary_each::<Ldexp, LongDouble, i64>),
        ]
    ),
    ufunc!(
        "left_shift",
        2,
        1,
        None,
        Default,
        [
            group!("TT->T", NO_FP, arith::<LeftShift, T>; b'b' i8, b'B' u8, b'h' i16, b'H' u16),
            // Which numpy's vector loops forget the status of casts for.
            group!("TT->T", CLEARED, arith::<LeftShift, T>; b'i' i32, b'I' u32, b'l' i64, b'L' u64),
            group!("TT->T", NO_FP, arith::<LeftShift, T>; b'q' i64, b'Q' u64),
        ]
    ),
    comparison!("less", Less),
    comparison!("less_equal", LessEqual),
    ufunc!(
        "log",
        1,
        1,
        None,
        Default,
        [
            small_reals!("T->T", FP, map::<Log, T>),
            floats!("T->T", FP, map::<Log, T>),
            longs!("T->T", FP, unary_each::<Log, T>),
            complexes!("T->T", FP, unary_each::<Log, T>),
        ]
    ),
    elementary!("log10", Log10),
    elementary!("log1p", Log1p),
    elementary!("log2", Log2),
    elementary_binary!("logaddexp", LogAddExp, NegInf),
    elementary_binary!("logaddexp2", LogAddExp2, NegInf),
    logical!("logical_and", LogicalAnd, True, CLEARED),
    ufunc!(
        "logical_not",
        1,
        1,
        None,
        Logical,
        [
            bools!("T->?", unary::<LogicalNot, T>),
            ints!("T->?", unary::<LogicalNot, T>),
            halves!("T->?", NO_FP, unary::<LogicalNot, T>),
            floats!("T->?", NO_FP, unary::<LogicalNot, T>),
            longs!("T->?", NO_FP, unary_each::<LogicalNot, T>),
            small_complexes!("T->?", NO_FP, unary::<LogicalNot, T>),
            long_complexes!("T->?", NO_FP, unary_each::<LogicalNot, T>),
        ]
    ),
    logical!("logical_or", LogicalOr, False, CLEARED),
    logical!("logical_xor", LogicalXor, False, NO_FP),
    product!("matmul", matmul, "(n?,k),(k,m?)->(n?,m?)"),
    product!("matvec", matvec, "(m,n),(n)->(m)"),
    extremum!("maximum", Maximum),
    extremum!("minimum", Minimum),
    ufunc!("modf", 1, 2, None, Default, [reals!("T->TT", FP, unary_pair::<Modf, T>)]),
    ufunc!(
        "multiply",
        2,
        1,
        One,
        Arithmetic,
        [
            bools!("TT->T", arith::<Multiply, T>; fold::<Multiply, T>),
            ints!("TT->T", arith::<Multiply, T>; fold::<Multiply, T>),
            halves!("TT->T", FP, arith::<Multiply, T>; fold::<Multiply, T>),
            floats!("TT->T", FP, arith::<Multiply, T>; fold::<Multiply, T>),
            longs!("TT->T", FP, arith_each::<Multiply, T>),
            small_complexes!("TT->T", LoopFlags::BY_LANE, multiply_complex::<T>; fold_products::<T>),
            long_complexes!("TT->T", FP, arith_each::<Multiply, T>),
            one!("mq->m", NO_FP, binary::<Multiply, Timedelta, i64>),
            one!("qm->m", NO_FP, binary::<Multiply, i64, Timedelta>),
            one!("md->m", FP, binary_each::<Multiply, Timedelta, f64>),
            one!("dm->m", FP, binary_each::<Multiply, f64, Timedelta>),
        ]
    ),
    ufunc!(
        "negative",
        1,
        1,
        None,
        Common,
        [
            ints!("T->T", unary::<Negative, T>),
            halves!("T->T", NO_FP, unary::<Negative, T>),
            floats!("T->T", CLEARED, unary::<Negative, T>),
            longs!("T->T", CLEARED, unary_each::<Negative, T>),
            deltas!("T->T", unary::<Negative, T>),
            small_complexes!("T->T", NO_FP, unary::<Negative, T>),
            long_complexes!("T->T", NO_FP, unary_each::<Negative, T>),
        ]
    ),
    binary_real!("nextafter", NextAfter, None, []),
    comparison!("not_equal", NotEqual),
    ufunc!(
        "positive",
        1,
        1,
        None,
        Common,
        [
            ints!("T->T", unary::<Positive, T>),
            reals!("T->T", NO_FP, unary::<Positive, T>),
            deltas!("T->T", unary::<Positive, T>),
            complexes!("T->T", NO_FP, unary::<Positive, T>),
        ]
    ),
    ufunc!(
        "power",
        2,
        1,
        None,
        Default,
        [
            ints!("TT->T", power_integer::<T>),
            halves!("TT->T", FP, zip::<Power, T>),
            floats!("TT->T", FP, power_float::<T>),
            halves!("TT->T", FP, zip::<Power, T>),
            floats!("TT->T", FP, power_float::<T>),
            longs!("TT->T", FP, arith_each::<Power, T>),
            complexes!("TT->T", FP, arith_each::<Power, T>),
        ]
    ),
    unary_real!("rad2deg", Degrees),
    unary_real!("radians", Radians),
    ufunc!(
        "reciprocal",
        1,
        1,
        None,
        Default,
        [
            ints!("T->T", FP, unary::<Reciprocal, T>),
            halves!("T->T", FP, unary::<Reciprocal, T>),
            floats!("T->T", FP, unary::<Reciprocal, T>),
            longs!("T->T", FP, unary_each::<Reciprocal, T>),
            small_complexes!("T->T", FP, unary::<Reciprocal, T>),
            one!("G->G", FP, unary_each::<Reciprocal, Complex<LongDouble>>),
        ]
    ),
    ufunc!(
        "remainder",
        2,
        1,
        None,
        Arithmetic,
        [
            narrow_ints!("TT->T", FP, divide_integer::<Remainder, T>),
            wide_ints!("TT->T", FP, divide_wide::<Remainder, T>),
            small_reals!("TT->T", FP, zip::<Remainder, T>),
            longs!("TT->T", FP, arith_each::<Remainder, T>),
            one!("mm->m", FP, binary_each::<Remainder, Timedelta, Timedelta>),
        ]
    ),
    ufunc!("right_shift", 2, 1, None, Default, [ints!("TT->T", arith::<RightShift, T>)]),
    ufunc!(
        "rint",
        1,
        1,
        None,
        Default,
        [
            halves!("T->T", FP, unary::<Rint, T>),
            floats!("T->T", FP, unary::<Rint, T>),
            floats!("T->T", FP, unary::<Rint, T>),
            longs!("T->T", FP, unary_each::<Rint, T>),
            small_complexes!("T->T", FP, unary::<Rint, T>),
            long_complexes!("T->T", FP, unary_each::<Rint, T>),
        ]
    ),
    ufunc!(
        "sign",
        1,
        1,
        None,
        Default,
        [
            ints!("T->T", unary::<Sign, T>),
            halves!("T->T", NO_FP, unary::<Sign, T>),
            floats!("T->T", CLEARED, unary::<Sign, T>),
            longs!("T->T", CLEARED, unary_each::<Sign, T>),
            complexes!("T->T", FP, unary_each::<Sign, T>),
            deltas!("T->T", unary::<Sign, T>),
        ]
    ),
    ufunc!(
        "signbit",
        1,
        1,
        None,
        Default,
        [
            halves!("T->?", CLEARED, unary::<SignBit, T>),
            floats!("T->?", CLEARED, unary::<SignBit, T>),
            longs!("T->?", CLEARED, unary_each::<SignBit, T>),
        ]
    ),
    ufunc!(
        "sin",
        1,
        1,
        None,
        Default,
        [
            small_reals!("T->T", FP, map::<Sin, T>),
            longs!("T->T", FP, unary_each::<Sin, T>),
            complexes!("T->T", FP, unary_each::<Sin, T>),
        ]
    ),
    elementary!("sinh", Sinh),
    unary_real!("spacing", Spacing),
    ufunc!(
        "sqrt",
        1,
        1,
        None,
        Default,
        [
            halves!("T->T", FP, unary::<Sqrt, T>),
            floats!("T->T", FP, unary::<Sqrt, T>),
            floats!("T->T", FP, unary::<Sqrt, T>),
            longs!("T->T", FP, unary_each::<Sqrt, T>),
            complexes!("T->T", FP, unary_each::<Sqrt, T>),
        ]
    ),
    ufunc!(
        "square",
        1,
        1,
        None,
        Default,
        [
            ints!("T->T", unary::<Square, T>),
            halves!("T->T", FP, unary::<Square, T>),
            floats!("T->T", FP, unary::<Square, T>),
            longs!("T->T", FP, unary_each::<Square, T>),
            small_complexes!("T->T", FP, square_complex::<T>),
            long_complexes!("T->T", FP, unary_each::<Square, T>),
        ]
    ),
    ufunc!(
        "subtract",
        2,
        1,
        None,
        Arithmetic,
        [
            ints!("TT->T", arith::<Subtract, T>),
            halves!("TT->T", FP, arith::<Subtract, T>),
            floats!("TT->T", FP, arith::<Subtract, T>),
            longs!("TT->T", FP, arith_each::<Subtract, T>),
            small_complexes!("TT->T", FP, arith_complex::<Subtract, T>),
            long_complexes!("TT->T", FP, arith_each::<Subtract, T>),
            one!("Mm->M", NO_FP, binary::<Subtract, Datetime, Timedelta>),
            one!("mm->m", NO_FP, arith::<Subtract, Timedelta>),
            one!("MM->m", NO_FP, binary::<Subtract, Datetime, Datetime>),
        ]
    ),
    elementary!("tan", Tan),
    ufunc!(
        "tanh",
        1,
        1,
        None,
        Default,
        [
            halves!("T->T", FP, map::<Tanh, T>),
            floats!("T->T", CLEARED, map::<Tanh, T>),
            small_reals!("T->T", FP, map::<Tanh, T>),
            longs!("T->T", FP, unary_each::<Tanh, T>),
            complexes!("T->T", FP, unary_each::<Tanh, T>),
        ]
    ),
    rounding!("trunc", Trunc),
    product!("vecdot", vecdot, "(n),(n)->()"),
    product!("vecmat", vecmat, "(n),(n,m)->(m)"),
];

/// The ufunc with this name.
pub fn find(name: &str) -> Option<&'static UfuncDef> {
    UFUNCS.binary_search_by(|def| def.name.cmp(name)).ok().map(|i| &UFUNCS[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line per ufunc: name, identity as numpy's `.identity` says it, then `.types` without the object loops.
    const UPSTREAM: &str = include_str!("table/upstream.txt");

    fn signature(def: &UfuncDef, entry: &LoopDef) -> String {
        let ch = |t: &TypeNum| t.char().unwrap() as char;
        let (ins, outs) = entry.types.split_at(def.nin);
        format!("{}->{}", ins.iter().map(ch).collect::<String>(), outs.iter().map(ch).collect::<String>())
    }

    #[test]
    fn rows_are_upstreams_in_upstreams_order() {
        let mut names = Vec::new();
        for line in UPSTREAM.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let (name, identity) = (words.next().unwrap(), words.next().unwrap());
            let def = find(name).unwrap_or_else(|| panic!("{name} is missing"));
            let rows: Vec<String> = def.loops.iter().map(|entry| signature(def, entry)).collect();
            assert_eq!(rows, words.collect::<Vec<_>>(), "{name}");
            let ours = match def.identity {
                Identity::None | Identity::ReorderableNone => "None",
                Identity::Zero => "0",
                Identity::One => "1",
                Identity::MinusOne => "-1",
                Identity::NegInf => "-inf",
                Identity::True => "True",
                Identity::False => "False",
            };
            assert_eq!(ours, identity, "{name}");
            names.push(name);
        }
        let have: Vec<&str> = UFUNCS.iter().map(|def| def.name).collect();
        assert_eq!(have, names);
    }

    #[test]
    fn every_loop_has_all_its_types() {
        for def in UFUNCS {
            for entry in def.loops {
                assert_eq!(entry.types.len(), def.nin + def.nout, "{}", def.name);
            }
        }
    }
}
