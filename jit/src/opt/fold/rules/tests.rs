//! Both sides of every rule, computed.

use super::*;
use crate::semantics;

/// A value with its type.
type Typed = (Scalar, u64);

struct Env {
    /// The type of `x`, `y`, `z`, `c`, `d`.
    s: Scalar,
    bits: [u64; Var::COUNT],
}

impl Env {
    fn var(&self, v: Var) -> Typed {
        (if v.is_bool() { Scalar::Bool } else { self.s }, self.bits[usize::from(v.0)])
    }
    /// The type a pattern has by itself; literals have none.
    fn ty(&self, p: &Pattern) -> Option<Scalar> {
        match p {
            Pattern::Var(v) => Some(self.var(*v).0),
            Pattern::Log2(_) => Some(self.s),
            Pattern::Literal(Literal::Bool(_)) => Some(Scalar::Bool),
            Pattern::Literal(_) => None,
            Pattern::Apply(Op::Compare(_) | Op::Overflow(_), _) => Some(Scalar::Bool),
            Pattern::Apply(Op::Select, args) => self.ty(&args[1]).or_else(|| self.ty(&args[2])),
            Pattern::Apply(_, args) => args.iter().find_map(|a| self.ty(a)),
        }
    }
    fn eval(&self, p: &Pattern, expected: Scalar) -> u64 {
        match p {
            Pattern::Var(v) => self.var(*v).1,
            Pattern::Log2(v) => u64::from(self.var(*v).1.trailing_zeros()),
            Pattern::Literal(l) => l.bits(expected).expect("a literal of a type that has it"),
            Pattern::Apply(op, args) => {
                let values = &args[usize::from(*op == Op::Select)..];
                let s = values.iter().find_map(|a| self.ty(a)).unwrap_or(expected);
                let v: Vec<u64> = values.iter().map(|a| self.eval(a, s)).collect();
                match *op {
                    Op::Unary(op) => semantics::unary(op, s, v[0]),
                    Op::Binary(op) => semantics::binary(op, s, v[0], v[1]),
                    Op::Overflow(op) => u64::from(semantics::overflow(op, s, v[0], v[1])),
                    Op::Compare(cond) => u64::from(semantics::compare(cond, s, v[0], v[1])),
                    Op::Fma => semantics::fma(s, v[0], v[1], v[2]),
                    Op::Select => {
                        let mask = self.eval(&args[0], Scalar::Bool);
                        if mask != 0 { v[0] } else { v[1] }
                    }
                }
            }
        }
    }
}

fn vars(p: &Pattern, found: &mut Vec<Var>) {
    match p {
        Pattern::Var(v) | Pattern::Log2(v) if !found.contains(v) => found.push(*v),
        Pattern::Apply(_, args) => args.iter().for_each(|a| vars(a, found)),
        _ => {}
    }
}

/// Values of a type: all of a small one, else those at the edges and some at random.
fn samples(s: Scalar, next: &mut impl FnMut() -> u64) -> Vec<u64> {
    let mut raw: Vec<u64> = match s {
        Scalar::Bool => vec![0, 1],
        Scalar::I8 | Scalar::U8 => (0..256).collect(),
        Scalar::F32 => {
            [0.0, 1.0, 0.5, 2.0, 3.0, 1e30, f32::MIN_POSITIVE, 1e-40, f32::INFINITY, f32::NAN, 1.7e38]
                .iter()
                .flat_map(|x: &f32| [x.to_bits(), (-x).to_bits()])
                .map(u64::from)
                .collect()
        }
        Scalar::F64 => {
            [0.0, 1.0, 0.5, 2.0, 3.0, 1e300, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NAN, 1e308]
                .iter()
                .flat_map(|x: &f64| [x.to_bits(), (-x).to_bits()])
                .collect()
        }
        _ => (0..s.bits()).flat_map(|k| [1u64 << k, (1u64 << k) - 1, (1u64 << k).wrapping_neg()]).collect(),
    };
    if s.bits() > 8 {
        raw.extend((0..60).map(|_| next()));
        raw.extend((0..20).map(|_| next() % 100));
    }
    let mut bits: Vec<u64> = raw.iter().map(|&b| Const::canonical(s, b).bits).collect();
    bits.sort_unstable();
    bits.dedup();
    bits
}

#[test]
fn both_sides_are_equal() {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state ^ state >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    };
    for &(types, text, when) in RULES {
        let (from, to) = text.split_once('=').expect("two sides");
        let (from, to) = (pattern(from), pattern(to));
        let mut used = vec![];
        vars(&from, &mut used);
        let mut right = vec![];
        vars(&to, &mut right);
        assert!(right.iter().all(|v| used.contains(v)), "{text}: the right side has a letter of its own");
        let mut tried = 0;
        for s in Scalar::ALL.into_iter().filter(|&s| types.contains(s)) {
            let of = |v: Var| if v.is_bool() { Scalar::Bool } else { s };
            let choices: Vec<Vec<u64>> = used.iter().map(|&v| samples(of(v), &mut next)).collect();
            let all: usize = choices.iter().map(Vec::len).product();
            // All combinations where that can be done, else random ones.
            let (count, random) = if all <= 1 << 17 { (all, false) } else { (1 << 17, true) };
            for mut i in 0..count {
                let mut env = Env { s, bits: [0; Var::COUNT] };
                for (v, choice) in used.iter().zip(&choices) {
                    let at = if random { next() as usize } else { i };
                    env.bits[usize::from(v.0)] = choice[at % choice.len()];
                    i /= choice.len();
                }
                if !when.holds(s, env.bits[usize::from(Var::C.0)]) {
                    continue;
                }
                tried += 1;
                let root = env.ty(&from).unwrap_or(s);
                let (a, b) = (env.eval(&from, root), env.eval(&to, root));
                // Which NaN arithmetic gives is nobody's business.
                let equal = a == b || (semantics::is_nan(root, a) && semantics::is_nan(root, b));
                assert!(equal, "{text} for {s}, {:x?}: {a:#x} and {b:#x}", env.bits);
            }
        }
        assert!(tried > 0, "{text}: nothing to try it on");
    }
}

#[test]
fn every_rule_is_found_by_its_operation() {
    let rules: usize = BY_OP.values().map(Vec::len).sum();
    assert_eq!(rules, RULES.len());
}
