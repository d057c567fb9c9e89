//! The algebraic rules, as data.
//!
//! A rule reads `from = to`: an instruction that looks like the left side is replaced by the right side. `x`, `y`, `z` are
//! values of the types the rule is for, `m` and `n` are bools, `c` and `d` are constants; literals take the type of their
//! place. The test of this module computes both sides of every rule with [`crate::semantics`]: for all values of the
//! 8-bit types, for edge values and random ones of the others. So a wrong rule does not survive, and a new one needs
//! nothing but its line. What the test cannot see is in `opt/README.md`.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::ir::{Binary, Cond, Const, Overflow, Scalar, Unary};

/// Which types `x`, `y`, `z`, `c`, `d` of a rule may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Types {
    Bool,
    Int,
    Signed,
    Unsigned,
    /// Integers and `bool`.
    Bits,
    Float,
    SignedOrFloat,
    Number,
    Any,
}

impl Types {
    pub fn contains(self, s: Scalar) -> bool {
        match self {
            Types::Bool => s == Scalar::Bool,
            Types::Int => s.is_int(),
            Types::Signed => s.is_signed(),
            Types::Unsigned => s.is_unsigned(),
            Types::Bits => s.is_int() || s == Scalar::Bool,
            Types::Float => s.is_float(),
            Types::SignedOrFloat => s.is_signed() || s.is_float(),
            Types::Number => s.is_int() || s.is_float(),
            Types::Any => s.is_int() || s.is_float() || s == Scalar::Bool,
        }
    }
}

/// What else must be true of `c`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Always,
    /// Two to a power, of the type's positive values.
    PowerOfTwo,
    /// A float whose reciprocal is exact and no subnormal.
    ExactReciprocal,
}

impl When {
    pub fn holds(self, s: Scalar, c: u64) -> bool {
        match self {
            When::Always => true,
            When::PowerOfTwo => c.is_power_of_two() && !(s.is_signed() && c as i64 <= 0),
            When::ExactReciprocal => {
                let (fraction, exponent, bias) = match s {
                    Scalar::F32 => (c & 0x7f_ffff, c >> 23 & 0xff, 127),
                    _ => (c & 0xf_ffff_ffff_ffff, c >> 52 & 0x7ff, 1023),
                };
                // The exponent of the reciprocal is `2 * bias - exponent`; both must be those of normal numbers.
                fraction == 0 && (1..2 * bias).contains(&exponent)
            }
        }
    }
}

use Types::{Any, Bits, Bool, Float, Int, Number, Signed, SignedOrFloat, Unsigned};
use When::{Always, ExactReciprocal, PowerOfTwo};

/// Constants are on the right of commutative operations and comparisons by the time a rule is tried.
#[rustfmt::skip]
pub const RULES: &[(Types, &str, When)] = &[
    // Neutral and absorbing operands.
    (Int, "add(x, 0) = x", Always),
    (Int, "sub(x, x) = 0", Always),
    (Int, "sub(0, x) = neg(x)", Always),
    (Int, "mul(x, 0) = 0", Always),
    (Int, "mul(x, 1) = x", Always),
    (Int, "mul(x, -1) = neg(x)", Always),
    (Int, "div(x, 1) = x", Always),
    (Int, "rem(x, 1) = 0", Always),
    (Bits, "and(x, 0) = 0", Always),
    (Bits, "and(x, -1) = x", Always),
    (Bits, "and(x, x) = x", Always),
    (Bits, "and(x, not(x)) = 0", Always),
    (Bits, "or(x, 0) = x", Always),
    (Bits, "or(x, -1) = -1", Always),
    (Bits, "or(x, x) = x", Always),
    (Bits, "or(x, not(x)) = -1", Always),
    (Bits, "xor(x, 0) = x", Always),
    (Bits, "xor(x, x) = 0", Always),
    (Bits, "xor(x, -1) = not(x)", Always),
    (Bits, "and(x, or(x, y)) = x", Always),
    (Bits, "or(x, and(x, y)) = x", Always),
    (Int, "shl(x, 0) = x", Always),
    (Int, "shr(x, 0) = x", Always),
    (Int, "shl(0, x) = 0", Always),
    (Int, "shr(0, x) = 0", Always),
    (Number, "min(x, x) = x", Always),
    (Number, "max(x, x) = x", Always),
    (Float, "fmin(x, x) = x", Always),
    (Float, "fmax(x, x) = x", Always),

    // Floats keep the signs of their zeros: 0 + -0 is 0, so only -0 is neutral.
    (Float, "add(x, -0.0) = x", Always),
    (Float, "sub(x, 0) = x", Always),
    (Float, "sub(-0.0, x) = neg(x)", Always),
    (Float, "mul(x, 1) = x", Always),
    (Float, "mul(x, -1) = neg(x)", Always),
    (Float, "div(x, 1) = x", Always),
    (Float, "div(x, -1) = neg(x)", Always),
    (Float, "fma(x, 1, y) = add(x, y)", Always),
    (Float, "fma(x, -1, y) = sub(y, x)", Always),

    // Cheaper operations. Division rounds down, as shifts do.
    (Int, "mul(x, c) = shl(x, log2(c))", PowerOfTwo),
    (Int, "div(x, c) = shr(x, log2(c))", PowerOfTwo),
    (Int, "rem(x, c) = and(x, sub(c, 1))", PowerOfTwo),
    (Float, "div(x, c) = mul(x, div(1, c))", ExactReciprocal),

    // One operation instead of two.
    (Number, "neg(neg(x)) = x", Always),
    (Bits, "not(not(x)) = x", Always),
    (Unsigned, "abs(x) = x", Always),
    (SignedOrFloat, "abs(neg(x)) = abs(x)", Always),
    (Number, "abs(abs(x)) = abs(x)", Always),
    (Float, "abs(copysign(x, y)) = abs(x)", Always),
    (Float, "copysign(x, x) = x", Always),
    (Float, "copysign(neg(x), y) = copysign(x, y)", Always),
    (Float, "copysign(abs(x), y) = copysign(x, y)", Always),
    (Float, "copysign(copysign(x, y), z) = copysign(x, z)", Always),
    (Float, "floor(floor(x)) = floor(x)", Always),
    (Float, "ceil(ceil(x)) = ceil(x)", Always),
    (Float, "trunc(trunc(x)) = trunc(x)", Always),
    (Float, "rint(rint(x)) = rint(x)", Always),
    (Number, "add(x, neg(y)) = sub(x, y)", Always),
    (Number, "sub(x, neg(y)) = add(x, y)", Always),
    (Int, "neg(sub(x, y)) = sub(y, x)", Always),
    (Number, "mul(neg(x), neg(y)) = mul(x, y)", Always),
    (Number, "mul(neg(x), c) = mul(x, neg(c))", Always),
    (Float, "div(neg(x), neg(y)) = div(x, y)", Always),
    (Float, "fma(neg(x), neg(y), z) = fma(x, y, z)", Always),
    (Int, "add(sub(x, y), y) = x", Always),
    (Int, "sub(add(x, y), y) = x", Always),
    (Int, "sub(x, sub(x, y)) = y", Always),

    // Constants move outwards and meet there; a difference to a constant is a sum.
    (Int, "sub(x, c) = add(x, neg(c))", Always),
    (Int, "add(add(x, c), d) = add(x, add(c, d))", Always),
    (Int, "sub(c, add(x, d)) = sub(sub(c, d), x)", Always),
    (Int, "add(sub(c, x), d) = sub(add(c, d), x)", Always),
    (Int, "mul(mul(x, c), d) = mul(x, mul(c, d))", Always),
    (Int, "mul(shl(x, c), d) = mul(x, shl(d, c))", Always),
    (Bits, "and(and(x, c), d) = and(x, and(c, d))", Always),
    (Bits, "or(or(x, c), d) = or(x, or(c, d))", Always),
    (Bits, "xor(xor(x, c), d) = xor(x, xor(c, d))", Always),
    (Int, "min(min(x, c), d) = min(x, min(c, d))", Always),
    (Int, "max(max(x, c), d) = max(x, max(c, d))", Always),

    // Comparisons. Of floats only those that NaN does not upset.
    (Bits, "eq(x, x) = true", Always),
    (Bits, "ne(x, x) = false", Always),
    (Any, "lt(x, x) = false", Always),
    (Bits, "le(x, x) = true", Always),
    (Any, "gt(x, x) = false", Always),
    (Bits, "ge(x, x) = true", Always),
    (Bits, "lt(x, min) = false", Always),
    (Bits, "ge(x, min) = true", Always),
    (Bits, "gt(x, max) = false", Always),
    (Bits, "le(x, max) = true", Always),
    (Bool, "eq(x, true) = x", Always),
    (Bool, "eq(x, false) = not(x)", Always),
    (Bool, "ne(x, true) = not(x)", Always),
    (Bool, "ne(x, false) = x", Always),
    (Any, "not(eq(x, y)) = ne(x, y)", Always),
    (Any, "not(ne(x, y)) = eq(x, y)", Always),
    (Bits, "not(lt(x, y)) = ge(x, y)", Always),
    (Bits, "not(le(x, y)) = gt(x, y)", Always),
    (Bits, "not(gt(x, y)) = le(x, y)", Always),
    (Bits, "not(ge(x, y)) = lt(x, y)", Always),
    (Int, "eq(add(x, c), d) = eq(x, sub(d, c))", Always),
    (Int, "ne(add(x, c), d) = ne(x, sub(d, c))", Always),
    (Int, "eq(sub(x, y), 0) = eq(x, y)", Always),
    (Int, "ne(sub(x, y), 0) = ne(x, y)", Always),

    // What cannot overflow.
    (Int, "ovf.add(x, 0) = false", Always),
    (Int, "ovf.sub(x, 0) = false", Always),
    (Int, "ovf.sub(x, x) = false", Always),
    (Int, "ovf.mul(x, 0) = false", Always),
    (Int, "ovf.mul(x, 1) = false", Always),

    // Choices.
    (Any, "select(true, x, y) = x", Always),
    (Any, "select(false, x, y) = y", Always),
    (Any, "select(m, x, x) = x", Always),
    (Any, "select(not(m), x, y) = select(m, y, x)", Always),
    (Any, "select(m, select(m, x, y), z) = select(m, x, z)", Always),
    (Any, "select(m, x, select(m, y, z)) = select(m, x, z)", Always),
    (Bool, "select(m, true, n) = or(m, n)", Always),
    (Bool, "select(m, n, false) = and(m, n)", Always),
    (Bool, "select(m, false, n) = and(not(m), n)", Always),
    (Bool, "select(m, n, true) = or(not(m), n)", Always),
    (Signed, "select(lt(x, 0), neg(x), x) = abs(x)", Always),
    (Signed, "select(ge(x, 0), x, neg(x)) = abs(x)", Always),
];

/// The operations rules speak of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    Unary(Unary),
    Binary(Binary),
    Overflow(Overflow),
    Compare(Cond),
    Select,
    Fma,
}

impl Op {
    fn parse(name: &str) -> Option<Op> {
        let named = match name {
            "select" => Some(Op::Select),
            "fma" => Some(Op::Fma),
            _ => None,
        };
        named
            .or_else(|| Unary::parse(name).map(Op::Unary))
            .or_else(|| Binary::parse(name).map(Op::Binary))
            .or_else(|| Overflow::parse(name).map(Op::Overflow))
            .or_else(|| Cond::parse(name).map(Op::Compare))
    }
}

/// A number whose type is that of its place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Literal {
    Number(f64),
    Bool(bool),
    Min,
    Max,
}

impl Literal {
    /// Its bits; `None` where no such number exists.
    pub fn bits(self, s: Scalar) -> Option<u64> {
        let top = if s.is_signed() { 1 << (s.bits() - 1) } else { 0u64 };
        let bits = match self {
            Literal::Number(x) => match s {
                Scalar::F64 => x.to_bits(),
                Scalar::F32 => u64::from((x as f32).to_bits()),
                Scalar::F16 | Scalar::Ptr => return None,
                _ => x as i64 as u64,
            },
            Literal::Bool(b) if s == Scalar::Bool => u64::from(b),
            Literal::Bool(_) => return None,
            Literal::Min => top,
            Literal::Max => !top,
        };
        Some(Const::canonical(s, bits).bits)
    }
}

/// One side of a rule.
#[derive(Clone, PartialEq, Debug)]
pub enum Pattern {
    Var(Var),
    Literal(Literal),
    Apply(Op, Vec<Pattern>),
    /// Of a constant that is a power of two.
    Log2(Var),
}

/// A letter of a rule, by its place in [`Var::NAMES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Var(pub u8);

impl Var {
    const NAMES: &str = "xyzcdmn";
    pub const COUNT: usize = Var::NAMES.len();
    pub const C: Var = Var(3);
    /// The letters of bools; those before are of the type the rule is about.
    pub const BOOLS: std::ops::Range<u8> = 5..7;

    pub fn is_const(self) -> bool {
        matches!(self.0, 3 | 4)
    }
    pub fn is_bool(self) -> bool {
        Var::BOOLS.contains(&self.0)
    }
}

/// A rule, read.
#[derive(Debug)]
pub struct Rule {
    pub types: Types,
    pub args: Vec<Pattern>,
    pub to: Pattern,
    pub when: When,
}

/// The rules for each operation at the root of the left side.
pub static BY_OP: LazyLock<HashMap<Op, Vec<Rule>>> = LazyLock::new(|| {
    let mut by_op: HashMap<Op, Vec<Rule>> = HashMap::new();
    for &(types, text, when) in RULES {
        let (from, to) = text.split_once('=').expect("a rule has two sides");
        let Pattern::Apply(op, args) = pattern(from) else { unreachable!("{from} is no operation") };
        by_op.entry(op).or_default().push(Rule { types, args, to: pattern(to), when });
    }
    by_op
});

/// Reads one side of a rule; the table is known to be well-formed, by its test.
fn pattern(text: &str) -> Pattern {
    let text = text.trim();
    if let Some((head, rest)) = text.split_once('(') {
        let inside = rest.strip_suffix(')').expect("a closing parenthesis");
        let mut args = vec![];
        let (mut depth, mut start) = (0, 0);
        for (i, b) in inside.bytes().enumerate() {
            match b {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b',' if depth == 0 => {
                    args.push(pattern(&inside[start..i]));
                    start = i + 1;
                }
                _ => {}
            }
        }
        args.push(pattern(&inside[start..]));
        if let ("log2", [Pattern::Var(v)]) = (head, &args[..]) {
            return Pattern::Log2(*v);
        }
        let op = Op::parse(head).unwrap_or_else(|| unreachable!("{head} is no operation"));
        return Pattern::Apply(op, args);
    }
    match text {
        "true" => Pattern::Literal(Literal::Bool(true)),
        "false" => Pattern::Literal(Literal::Bool(false)),
        "min" => Pattern::Literal(Literal::Min),
        "max" => Pattern::Literal(Literal::Max),
        _ => match Var::NAMES.find(text) {
            Some(i) => Pattern::Var(Var(i as u8)),
            None => Pattern::Literal(Literal::Number(text.parse().expect("a number"))),
        },
    }
}

#[cfg(test)]
mod tests;
