//! Everything against the reference executor: each operation on each type over edge values, every trip count with
//! guard bytes around the arrays, every kind of access, floating-point status.

use super::super::{disassemble, reference::Reference};
use super::*;
use crate::ir::{
    Access, Addr, Binary, Builder, Cond, MemClass, Overflow, Range, Scalar, Stride, Ty, Unary, Value, verify,
};
use crate::semantics;

fn levels() -> Vec<Wide> {
    let levels: Vec<Wide> = Wide::all().collect();
    assert!(!levels.is_empty(), "a processor without AVX2 cannot run these tests");
    levels
}

/// An array with guard bytes around it.
#[derive(Clone)]
struct Array {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

const GUARD: usize = 192;

impl Array {
    /// Elements at `offset` bytes after a 64-byte boundary.
    fn new(data: &[u8], offset: usize) -> Array {
        let mut bytes = vec![0xa5; data.len() + 2 * GUARD + 64];
        let aligned = (bytes.as_ptr() as usize + GUARD).next_multiple_of(64) - bytes.as_ptr() as usize;
        let start = aligned + offset;
        bytes[start..start + data.len()].copy_from_slice(data);
        Array { bytes, start, len: data.len() }
    }
    fn ptr(&self) -> u64 {
        self.bytes.as_ptr() as u64 + self.start as u64
    }
    fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }
    fn guards_are_whole(&self) -> bool {
        let outside = self.bytes[..self.start].iter().chain(&self.bytes[self.start + self.len..]);
        outside.copied().all(|b| b == 0xa5)
    }
}

/// Edge values of a type, as canonical bits.
fn edges(s: Scalar) -> Vec<u64> {
    let canonical = |bits: u64| crate::ir::Const::canonical(s, bits).bits;
    let mut values: Vec<u64> = match s {
        Scalar::Bool => vec![0, 1],
        Scalar::F64 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            3.7,
            -3.7,
            1e-310,
            5e-324,
            -5e-324,
            1e308,
            -1e308,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            -f64::NAN,
            2147483647.0,
            2147483648.0,
            -2147483648.0,
            -2147483649.0,
            4294967295.0,
            4294967296.0,
            9.223372036854775e18,
            9.223372036854776e18,
            -9.223372036854776e18,
            1.8446744073709552e19,
            1.844674407370955e19,
            127.5,
            255.9,
            -129.0,
            65504.0,
            65519.0,
            65520.0,
            6e-8,
            2e-8,
            1e300,
            1.0000000000000002,
            4503599627370497.5,
        ]
        .iter()
        .map(|x: &f64| x.to_bits())
        .chain([0x7ff8_0000_0000_1234, 0xfff8_0000_0000_0001])
        .collect(),
        Scalar::F32 => [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            3.7,
            -3.7,
            1e-40,
            1e-45,
            -1e-45,
            1e38,
            f32::MAX,
            f32::MIN_POSITIVE,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            -f32::NAN,
            2147483520.0,
            2147483648.0,
            -2147483648.0,
            -2147483904.0,
            4294967040.0,
            4294967296.0,
            9.223371e18,
            9.223372e18,
            -9.223373e18,
            1.8446744e19,
            127.5,
            255.9,
            65504.0,
            65519.996,
            65520.0,
            6e-8,
            2e-8,
            1.0000001,
        ]
        .iter()
        .map(|x: &f32| u64::from(x.to_bits()))
        .chain([0x7fc0_1234, 0xffc0_0001])
        .collect(),
        Scalar::F16 => vec![
            0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00,
            0xfe01, 0x3555, 0x5640, 0x0200,
        ],
        _ => {
            let bits = s.bits();
            let top = 1u64 << (bits - 1);
            let mut v = vec![0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 255];
            v.extend([
                top,
                top - 1,
                top + 1,
                u64::MAX,
                u64::MAX - 1,
                u64::MAX - 6,
                top >> 1,
                0x1234_5678_9abc_def1,
            ]);
            v.extend([0xffff_ffff, 0x1_0000_0000, 0x8000_0000, 0x20_0000_0000_0001, 0x7fff_ffff_ffff_fc01]);
            v
        }
    };
    values.iter_mut().for_each(|v| *v = canonical(*v));
    values
}

fn to_bytes(s: Scalar, values: impl IntoIterator<Item = u64>) -> Vec<u8> {
    values.into_iter().flat_map(|v| v.to_le_bytes()[..s.size()].to_vec()).collect()
}

fn element(s: Scalar, data: &[u8], i: usize) -> u64 {
    let mut word = [0; 8];
    word[..s.size()].copy_from_slice(&data[i * s.size()..(i + 1) * s.size()]);
    crate::ir::Const::canonical(s, u64::from_le_bytes(word)).bits
}

/// `out[i] = body(in[i]...)` for `i` in `start..end`; parameters: inputs, output, start, end.
fn elementwise(
    inputs: &[Scalar],
    output: Scalar,
    body: impl FnOnce(&mut Builder, Value, &[Value]) -> Value,
) -> Trace {
    let mut b = Builder::new("t");
    let pointers: Vec<Value> = (0..=inputs.len()).map(|_| b.param(Ty::PTR)).collect();
    let (start, end) = (b.param(Ty::I64), b.param(Ty::I64));
    b.counted(Range { start, end, step: 1 }, vec![], |b, i, _| {
        let loads: Vec<Value> = inputs
            .iter()
            .enumerate()
            .map(|(k, &s)| {
                let index = Some((i, Stride::Const(s.size() as i64)));
                b.load(Ty::scalar(s), Access::new(pointers[k], index, MemClass(1)))
            })
            .collect();
        let result = body(b, i, &loads);
        let index = Some((i, Stride::Const(output.size() as i64)));
        b.store(Access::new(pointers[inputs.len()], index, MemClass(2)), result);
        vec![]
    });
    b.exit(0, vec![]);
    let tr = b.finish();
    verify(&tr).unwrap_or_else(|e| panic!("{e}\n{tr}"));
    tr
}

/// Runs an elementwise trace over arrays; gives the output.
fn run(code: &Code, inputs: &[Array], output: &mut Array, n: usize) {
    let mut slots: Vec<u64> = inputs.iter().chain([&*output]).map(Array::ptr).collect();
    slots.extend([0, n as u64]);
    // SAFETY: the trace has these parameters, and the arrays have `n` elements.
    unsafe { code.call(slots.as_mut_ptr()) };
}

/// Whether two results are the same, where any NaN may stand for another.
fn same(s: Scalar, a: u64, b: u64, any_nan: bool) -> bool {
    a == b || (any_nan && semantics::is_nan(s, a) && semantics::is_nan(s, b))
}

/// One trace on all combinations of edge values, against the reference.
fn check(
    wide: Wide,
    inputs: &[Scalar],
    output: Scalar,
    tr: &Trace,
    any_nan: bool,
) -> Result<(), Unsupported> {
    let code = wide.compile(tr)?;
    let reference = Reference.compile(tr).expect("the reference takes it");
    let sets: Vec<Vec<u64>> = inputs.iter().map(|&s| edges(s)).collect();
    let n: usize = sets.iter().map(Vec::len).product();
    let mut stride = 1;
    let mut arrays = vec![];
    for (set, &s) in sets.iter().zip(inputs) {
        arrays.push(Array::new(&to_bytes(s, (0..n).map(|i| set[i / stride % set.len()])), 0));
        stride *= set.len();
    }
    let blank = Array::new(&vec![0; n * output.size()], 0);
    let (mut ours, mut theirs) = (blank.clone(), blank);
    run(&code, &arrays, &mut ours, n);
    run(&reference, &arrays, &mut theirs, n);
    assert!(ours.guards_are_whole());
    for i in 0..n {
        let (a, b) = (element(output, ours.data(), i), element(output, theirs.data(), i));
        let operands: Vec<u64> =
            arrays.iter().zip(inputs).map(|(arr, &s)| element(s, arr.data(), i)).collect();
        assert!(
            same(output, a, b, any_nan),
            "{}: {operands:x?} gives {a:x}, not {b:x}\n{tr}\n{}",
            wide.name(),
            disassemble::x86(code.bytes())
        );
    }
    Ok(())
}

/// Numbers and `bool`.
const TYPES: [Scalar; 11] = [
    Scalar::Bool,
    Scalar::I8,
    Scalar::I16,
    Scalar::I32,
    Scalar::I64,
    Scalar::U8,
    Scalar::U16,
    Scalar::U32,
    Scalar::U64,
    Scalar::F32,
    Scalar::F64,
];

#[test]
fn rows_are_in_order() {
    use iced_x86::Code as X86;
    for (name, row) in isa::ALL {
        for (first, lengths) in [(row.vex, 2), (row.evex, 3)] {
            let Some(first) = first else { continue };
            for (i, bits) in [128, 256, 512].into_iter().enumerate().take(lengths) {
                let code = X86::try_from(first as usize + i).expect("a code");
                assert_eq!(code.mnemonic(), first.mnemonic(), "{name}");
                assert_eq!(code.op_code().l(), [0, 1, 2][i], "{name} {bits}");
            }
        }
    }
}

#[test]
fn every_operation_agrees_with_the_reference() {
    for wide in levels() {
        let mut declined = vec![];
        let mut note = |what: String, result: Result<(), Unsupported>| {
            if result.is_err() {
                declined.push(what);
            }
        };
        for s in TYPES {
            for &op in Unary::ALL.iter().filter(|op| op.domain().contains(s)) {
                let tr = elementwise(&[s], s, |b, _, x| b.unary(op, x[0]));
                let any =
                    op.raises() || matches!(op, Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint);
                note(format!("{} {s}", op.name()), check(wide, &[s], s, &tr, any));
            }
            for &op in Binary::ALL.iter().filter(|op| op.domain().contains(s)) {
                let tr = elementwise(&[s, s], s, |b, _, x| b.binary(op, x[0], x[1]));
                note(format!("{} {s}", op.name()), check(wide, &[s, s], s, &tr, op.raises()));
            }
            for &op in Overflow::ALL.iter().filter(|op| op.domain().contains(s)) {
                let tr = elementwise(&[s, s], Scalar::Bool, |b, _, x| b.overflow(op, x[0], x[1]));
                note(format!("{} {s}", op.name()), check(wide, &[s, s], Scalar::Bool, &tr, false));
            }
            for &cond in Cond::ALL {
                let tr = elementwise(&[s, s], Scalar::Bool, |b, _, x| b.compare(cond, x[0], x[1]));
                note(format!("{} {s}", cond.name()), check(wide, &[s, s], Scalar::Bool, &tr, false));
            }
        }
        for s in TYPES.into_iter().chain([Scalar::F16]) {
            let tr = elementwise(&[Scalar::Bool, s, s], s, |b, _, x| b.select(x[0], x[1], x[2]));
            note(format!("select {s}"), check(wide, &[Scalar::Bool, s, s], s, &tr, false));
            for to in TYPES.into_iter().chain([Scalar::F16]) {
                let tr = elementwise(&[s], to, |b, _, x| b.convert(x[0], to));
                note(format!("{s} to {to}"), check(wide, &[s], to, &tr, true));
                if s.size() == to.size() && s != Scalar::Bool && to != Scalar::Bool {
                    let tr = elementwise(&[s], to, |b, _, x| b.bitcast(x[0], to));
                    note(format!("{s} as {to}"), check(wide, &[s], to, &tr, false));
                }
            }
        }
        for s in [Scalar::F32, Scalar::F64] {
            let tr = elementwise(&[s, s, s], s, |b, _, x| b.fma(x[0], x[1], x[2]));
            note(format!("fma {s}"), check(wide, &[s, s, s], s, &tr, true));
        }
        for what in declined {
            assert!(is_declined(wide.0, &what), "{} declines {what}", wide.name());
        }
    }
}

/// What has no vector form.
fn is_declined(level: Level, what: &str) -> bool {
    let division = ["div ", "rem ", "ovf.mul "].iter().any(|op| what.starts_with(op));
    let words = ["i64 to f32", "i64 to f16", "u32 to f32", "u32 to f16", "u64 to f32", "u64 to f16"];
    let unsigned =
        [" to i64", " to u32", " to u64"].iter().any(|to| what.starts_with('f') && what.ends_with(to));
    division || what == "f64 to f16" || (level == Level::Avx2 && (words.contains(&what) || unsigned))
}

/// A small generator of numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// How the lanes of an array lie in memory.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Steps {
    Contiguous,
    Constant(i64),
    Parameter(i64),
    None,
}

/// Places for every element: `(first byte, bytes)` of an array of `n` elements.
fn layout(s: Scalar, steps: Steps, n: usize) -> (usize, usize) {
    let step = match steps {
        Steps::Contiguous => s.size() as i64,
        Steps::Constant(k) | Steps::Parameter(k) => k,
        Steps::None => 0,
    };
    let span = step.unsigned_abs() as usize * n.saturating_sub(1);
    let first = if step < 0 { span } else { 0 };
    (first, if n == 0 { 0 } else { span + s.size() })
}

/// An array as an operand of a generated trace.
struct Spec {
    scalar: Scalar,
    steps: Steps,
    disp: i32,
}

/// A trace over arrays, the last of which are outputs, with its parameters: a pointer and a stride each, start, end,
/// two numbers; and the values of its exit as types.
struct Generated {
    tr: Trace,
    specs: Vec<Spec>,
    outputs: usize,
    any_nan: bool,
    exits: Vec<Scalar>,
}

fn generate(r: &mut Random, ops: usize) -> Generated {
    let types: Vec<Scalar> = match r.below(5) {
        0 => vec![Scalar::F64, Scalar::I64, Scalar::Bool],
        1 => vec![Scalar::F32, Scalar::I32, Scalar::Bool],
        2 => vec![Scalar::I8, Scalar::U8, Scalar::Bool],
        3 => vec![Scalar::I16, Scalar::U16, Scalar::U8, Scalar::F16],
        _ => TYPES.to_vec(),
    };
    let mut specs = vec![];
    let steps = |r: &mut Random, s: Scalar, output: bool| match r.below(8) {
        0 => Steps::Constant(r.pick(&[-1i64, 2, 3, -5]) * s.size() as i64),
        1 => Steps::Constant(s.size() as i64 + 1),
        2 => Steps::Parameter(r.pick(&[-1i64, 1, 2, -3]) * s.size() as i64),
        3 if !output => Steps::None,
        _ => Steps::Contiguous,
    };
    let (inputs, outputs) = (1 + r.below(9), 1 + r.below(2));
    for k in 0..inputs + outputs {
        let scalar = r.pick(&types);
        specs.push(Spec { scalar, steps: steps(r, scalar, k >= inputs), disp: r.pick(&[0, 0, 8, -16]) });
    }
    let mut b = Builder::new("generated");
    b.observe_status();
    let pointers: Vec<Value> = specs.iter().map(|_| b.param(Ty::PTR)).collect();
    let strides: Vec<Value> = specs.iter().map(|_| b.param(Ty::I64)).collect();
    let (start, end) = (b.param(Ty::I64), b.param(Ty::I64));
    let scalars = [r.pick(&types), r.pick(&types)].map(|s| b.param(Ty::scalar(s)));
    let mut outside = scalars.to_vec();
    for _ in 0..r.below(4) {
        let s = r.pick(&types);
        let bits = r.pick(&edges(s));
        outside.push(b.constant(crate::ir::Const::canonical(s, bits)));
    }
    let mut any_nan = false;
    for _ in 0..r.below(4) {
        let v = random_op(&mut b, r, &types, &outside, &mut any_nan);
        outside.push(v);
    }
    let access = |k: usize, i: Value, specs: &[Spec]| {
        let spec = &specs[k];
        let index = match spec.steps {
            Steps::Contiguous => Some((i, Stride::Const(spec.scalar.size() as i64))),
            Steps::Constant(n) => Some((i, Stride::Const(n))),
            Steps::Parameter(_) => Some((i, Stride::Value(strides[k]))),
            Steps::None => None,
        };
        let addr = Addr { base: pointers[k], index, disp: spec.disp };
        Access { addr, class: MemClass(1 + k as u16), lane_stride: None }
    };
    // Reductions of what the loop loads.
    let ints: Vec<Scalar> = types.iter().copied().filter(|s| s.is_int()).collect();
    let sums: Vec<(Binary, Scalar)> = (0..if ints.is_empty() { 0 } else { r.below(3) })
        .map(|_| {
            let ops =
                [Binary::Add, Binary::Mul, Binary::Min, Binary::Max, Binary::And, Binary::Or, Binary::Xor];
            (r.pick(&ops), r.pick(&ints))
        })
        .collect();
    let init: Vec<Value> = sums
        .iter()
        .map(|&(_, s)| {
            let bits = r.next();
            b.constant(crate::ir::Const::canonical(s, bits))
        })
        .collect();
    let results = b.counted(Range { start, end, step: 1 }, init, |b, i, carried| {
        let mut values = outside.clone();
        if types.contains(&Scalar::I64) && r.below(2) == 0 {
            values.push(i);
        }
        for k in 0..inputs {
            let ty = Ty::scalar(specs[k].scalar);
            values.push(b.load(ty, access(k, i, &specs)));
        }
        for _ in 0..ops {
            let v = random_op(b, r, &types, &values, &mut any_nan);
            values.push(v);
        }
        let wanted = |b: &mut Builder, s: Scalar, values: &[Value]| {
            let found = values.iter().rev().copied().find(|&v| b.ty(v).scalar == s);
            found.unwrap_or_else(|| b.convert(values[values.len() - 1], s))
        };
        for k in inputs..inputs + outputs {
            let v = wanted(b, specs[k].scalar, &values);
            b.store(access(k, i, &specs), v);
        }
        let terms: Vec<Value> = sums.iter().map(|&(_, s)| wanted(b, s, &values)).collect();
        sums.iter().zip(carried).zip(terms).map(|((&(op, _), &c), v)| b.binary(op, v, c)).collect()
    });
    let mut exits = results;
    exits.extend(outside.iter().rev().take(2));
    exits.push(end);
    let tys = exits.iter().map(|&v| b.ty(v).scalar).collect();
    b.exit(3, exits);
    let tr = b.finish();
    verify(&tr).unwrap_or_else(|e| panic!("{e}\n{tr}"));
    Generated { tr, specs, outputs, any_nan, exits: tys }
}

fn random_op(
    b: &mut Builder,
    r: &mut Random,
    types: &[Scalar],
    values: &[Value],
    any_nan: &mut bool,
) -> Value {
    // Recent values are used more, which makes both long chains and long lives.
    let any = |r: &mut Random| {
        let n = values.len();
        values[if r.below(2) == 0 { n - 1 - r.below(n.min(4)) } else { r.below(n) }]
    };
    let of = |b: &mut Builder, r: &mut Random, s: Scalar| {
        for _ in 0..8 {
            let v = any(r);
            if b.ty(v).scalar == s {
                return v;
            }
        }
        let v = any(r);
        // Conversions of NaN to half and back keep its kind only.
        b.convert(v, s)
    };
    let a = any(r);
    let s = b.ty(a).scalar;
    match r.below(10) {
        0 => {
            let ops: Vec<Unary> = Unary::ALL.iter().copied().filter(|op| op.domain().contains(s)).collect();
            if ops.is_empty() {
                return a;
            }
            let op = r.pick(&ops);
            *any_nan |= op.raises();
            b.unary(op, a)
        }
        1..=4 => {
            let fits = |op: &Binary| {
                op.domain().contains(s) && (s.is_float() || !matches!(op, Binary::Div | Binary::Rem))
            };
            let ops: Vec<Binary> = Binary::ALL.iter().copied().filter(fits).collect();
            if ops.is_empty() {
                return a;
            }
            let op = r.pick(&ops);
            let c = of(b, r, s);
            *any_nan |= op.raises();
            if r.below(2) == 0 { b.binary(op, a, c) } else { b.binary(op, c, a) }
        }
        5 => {
            let cond = r.pick(Cond::ALL);
            if s == Scalar::F16 {
                return a;
            }
            let c = of(b, r, s);
            b.compare(cond, a, c)
        }
        6 | 7 => {
            let (m, c) = (of(b, r, Scalar::Bool), of(b, r, s));
            b.select(m, a, c)
        }
        8 if s.is_float() => {
            let (c, d) = (of(b, r, s), of(b, r, s));
            *any_nan = true;
            b.fma(a, c, d)
        }
        8 if s.is_int() => {
            let c = of(b, r, s);
            b.overflow(r.pick(&[Overflow::Add, Overflow::Sub]), a, c)
        }
        _ => {
            let to = r.pick(types);
            b.convert(a, to)
        }
    }
}

/// NaNs that reach memory as integers, signs or payloads make results differ without being wrong: values are drawn so
/// that arithmetic meets none.
fn tame(s: Scalar, r: &mut Random) -> u64 {
    match s {
        Scalar::F64 => ((r.below(2001) as f64 - 1000.0) / 8.0).to_bits(),
        Scalar::F32 => u64::from(((r.below(2001) as f32 - 1000.0) / 8.0).to_bits()),
        Scalar::F16 => semantics::convert(Scalar::F32, s, u64::from((r.below(200) as f32 / 4.0).to_bits())),
        Scalar::Bool => r.next() & 1,
        s => crate::ir::Const::canonical(s, if r.below(3) == 0 { r.next() } else { r.next() % 128 }).bits,
    }
}

#[test]
fn generated_loops_agree_with_the_reference() {
    // More of them are one variable away.
    let rounds: u64 = std::env::var("WIDE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let (mut taken, mut declined) = (0usize, std::collections::BTreeMap::<String, usize>::new());
    for seed in 0..rounds {
        let mut r = Random(seed);
        let ops = r.pick(&[1, 3, 8, 20, 70]);
        let g = generate(&mut r, ops);
        for wide in levels() {
            match wide.compile(&g.tr) {
                Ok(code) => {
                    taken += 1;
                    for n in [0, 1, 2, 3, 7, 8, 31, 64, 139, 300] {
                        compare_runs(wide, &code, &g, n, seed, &mut r);
                    }
                }
                Err(e) => *declined.entry(e.reason).or_default() += 1,
            }
        }
    }
    println!("{taken} taken, declined: {declined:#?}");
    // At every level that this processor has.
    assert!(taken >= declined.values().sum(), "most of these loops have code");
}

fn compare_runs(wide: Wide, code: &Code, g: &Generated, n: usize, seed: u64, r: &mut Random) {
    let reference = Reference.compile(&g.tr).expect("the reference takes it");
    let start = r.pick(&[0i64, 0, 5, -3]);
    let mut arrays = vec![];
    let mut params = vec![];
    for spec in &g.specs {
        let (first, bytes) = layout(spec.scalar, spec.steps, n);
        let size = spec.scalar.size();
        let mut data: Vec<u8> = vec![0; bytes];
        for at in (0..bytes.saturating_sub(size - 1)).step_by(size) {
            data[at..at + size].copy_from_slice(&tame(spec.scalar, r).to_le_bytes()[..size]);
        }
        let arr = Array::new(&data, r.below(64));
        let step = match spec.steps {
            Steps::Contiguous => size as i64,
            Steps::Constant(k) | Steps::Parameter(k) => k,
            Steps::None => 0,
        };
        params.push((first as i64 - i64::from(spec.disp) - start * step) as u64);
        arrays.push((arr, step));
    }
    let run = |code: &Code, arrays: &[(Array, i64)]| {
        let mut arrays = arrays.to_vec();
        let mut slots: Vec<u64> =
            arrays.iter_mut().zip(&params).map(|((arr, _), &p)| arr.ptr().wrapping_add(p)).collect();
        slots.extend(arrays.iter().map(|&(_, step)| step as u64));
        slots.extend([start as u64, (start + n as i64) as u64]);
        for &p in &g.tr.params()[slots.len()..] {
            slots.push(tame(g.tr.ty(p).scalar, &mut Random(seed)));
        }
        slots.resize(g.tr.slots().max(slots.len()), 0);
        // SAFETY: the parameters are those of the trace, and elements `start..start + n` lie in the arrays.
        let snap = unsafe { code.call(slots.as_mut_ptr()) };
        assert_eq!(g.tr.snapshot(snap).key, 3);
        (arrays, slots)
    };
    let (ours, our_slots) = run(code, &arrays);
    let (theirs, their_slots) = run(&reference, &arrays);
    let message = || format!("seed {seed}, {n} iterations from {start}, {}\n{}", wide.name(), g.tr);
    for (k, ((a, step), (b, _))) in ours.iter().zip(&theirs).enumerate() {
        assert!(a.guards_are_whole(), "array {k}: {}", message());
        let spec = &g.specs[k];
        let (first, _) = layout(spec.scalar, spec.steps, n);
        if k < g.specs.len() - g.outputs {
            assert!(a.data() == b.data(), "input {k} changed: {}", message());
            continue;
        }
        let mut marked = a.clone();
        for i in 0..n {
            let at = (first as i64 + i as i64 * step) as usize;
            let (x, y) = (element(spec.scalar, &a.data()[at..], 0), element(spec.scalar, &b.data()[at..], 0));
            assert!(same(spec.scalar, x, y, g.any_nan), "array {k}, {i}: {x:x}, not {y:x}: {}", message());
            let from = marked.start + at;
            marked.bytes[from..from + spec.scalar.size()]
                .copy_from_slice(&b.data()[at..at + spec.scalar.size()]);
        }
        assert!(marked.data() == b.data(), "array {k} between elements: {}", message());
    }
    for (i, &s) in g.exits.iter().enumerate() {
        let (x, y) = (our_slots[i], their_slots[i]);
        // Addresses differ between runs; there are none here.
        assert!(same(s, x, y, g.any_nan), "exit value {i}: {x:x}, not {y:x}: {}", message());
    }
}

/// `sqrt(a / b) + convert(i)`, which raises status for almost any wrong operand.
fn raising(s: Scalar) -> Trace {
    elementwise(&[s, s], s, |b, i, x| {
        let q = b.binary(Binary::Div, x[0], x[1]);
        let q = b.unary(Unary::Sqrt, q);
        let n = if s == Scalar::F64 { b.convert(i, s) } else { q };
        let one = b.constant(if s == Scalar::F64 {
            crate::ir::Const::f64(1.0)
        } else {
            crate::ir::Const::f32(1.0)
        });
        let n = b.binary(Binary::Add, n, one);
        let r = b.binary(Binary::Div, one, n);
        b.binary(Binary::Add, q, r)
    })
}

/// The status flags of SSE: bit 0 invalid, 2 divide, 3 overflow, 4 underflow ("denormal" and "inexact" are not looked at).
fn with_status(f: impl FnOnce()) -> u32 {
    let mut status = 0x1f80u32;
    // SAFETY: the default state with all flags clear.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const status, options(nostack)) };
    f();
    // SAFETY: writes the local.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut status, options(nostack)) };
    status & 0b1_1101
}

#[test]
fn every_trip_count_at_every_alignment_stays_inside_and_raises_nothing() {
    for wide in levels() {
        for s in [Scalar::F64, Scalar::F32] {
            let tr = raising(s);
            let code = wide.compile(&tr).expect("it has code");
            let reference = Reference.compile(&tr).expect("the reference takes it");
            for n in 0..140 {
                let values = |k: usize| {
                    to_bytes(
                        s,
                        (0..n).map(|i| {
                            let x = 1.0 + ((i * 7 + k) % 23) as f64 / 8.0;
                            if s == Scalar::F64 { x.to_bits() } else { u64::from((x as f32).to_bits()) }
                        }),
                    )
                };
                for offset in (0..64).step_by(if n < 40 { s.size() } else { 24 }) {
                    let inputs = [Array::new(&values(1), offset), Array::new(&values(5), (offset * 3) % 64)];
                    let blank = Array::new(&vec![0; n * s.size()], offset ^ 1);
                    let (mut ours, mut theirs) = (blank.clone(), blank);
                    let status = with_status(|| run(&code, &inputs, &mut ours, n));
                    assert_eq!(status, 0, "{} {s} {n}", wide.name());
                    run(&reference, &inputs, &mut theirs, n);
                    assert!(
                        ours.guards_are_whole() && ours.data() == theirs.data(),
                        "{} {s} {n}",
                        wide.name()
                    );
                }
            }
        }
    }
}

#[test]
fn status_is_that_of_the_elements() {
    let cases = [(0.0, 0.0, 1), (1.0, 0.0, 4), (1e300, 1e-300, 8), (1e-300, 1e300, 16), (-1.0, 1.0, 1)];
    let tr = raising(Scalar::F64);
    for wide in levels() {
        let code = wide.compile(&tr).expect("it has code");
        for (a, b, flag) in cases {
            for n in [1, 5, 8, 64, 77] {
                for at in [0, n / 2, n - 1] {
                    let with = |x: f64| {
                        to_bytes(Scalar::F64, (0..n).map(|i| if i == at { x } else { 1.0f64 }.to_bits()))
                    };
                    let inputs = [Array::new(&with(a), 0), Array::new(&with(b), 0)];
                    let mut out = Array::new(&vec![0; 8 * n], 0);
                    let status = with_status(|| run(&code, &inputs, &mut out, n));
                    assert_eq!(status, flag, "{} {a} / {b}, {at} of {n}", wide.name());
                }
            }
        }
        // Quiet NaNs raise nothing in comparisons and what is made of them.
        for op in [Binary::Min, Binary::Max, Binary::Fmin, Binary::Fmax] {
            let tr = elementwise(&[Scalar::F64, Scalar::F64], Scalar::F64, |b, _, x| {
                let m = b.compare(Cond::Lt, x[0], x[1]);
                let y = b.binary(op, x[0], x[1]);
                b.select(m, x[0], y)
            });
            let code = wide.compile(&tr).expect("it has code");
            let nan =
                to_bytes(Scalar::F64, (0..77).map(|i| if i % 3 == 0 { f64::NAN } else { 1.0 }.to_bits()));
            let inputs = [Array::new(&nan, 0), Array::new(&nan, 8)];
            let mut out = Array::new(&vec![0; 8 * 77], 0);
            assert_eq!(with_status(|| run(&code, &inputs, &mut out, 77)), 0, "{} {}", wide.name(), op.name());
        }
    }
}

#[test]
fn arithmetic_is_packed_and_wide() {
    for wide in levels() {
        let (register, suffixes) = match wide.0 {
            Level::Avx2 => ("ymm", [(Scalar::F64, "pd"), (Scalar::F32, "ps")]),
            Level::Avx512 => ("zmm", [(Scalar::F64, "pd"), (Scalar::F32, "ps")]),
        };
        for (s, suffix) in suffixes {
            let text = disassemble::x86(wide.compile(&raising(s)).expect("it has code").bytes());
            for op in ["vdiv", "vsqrt", "vadd"] {
                let packed = format!("{op}{suffix}");
                assert!(
                    text.lines().any(|l| l.contains(&packed) && l.contains(register)),
                    "{packed}\n{text}"
                );
            }
            assert!(text.contains("vzeroupper"));
        }
    }
}

#[test]
fn what_it_cannot_do_is_declined_by_name() {
    let decline = |text: &str| {
        let tr = crate::ir::parse(text).expect("a trace").remove(0);
        verify(&tr).unwrap_or_else(|e| panic!("{e}\n{tr}"));
        levels()[0].compile(&tr).expect_err("declined").reason
    };
    let body = |body: &str| {
        decline(&format!(
            "trace t(v0: ptr, v1: ptr, v2: i64, v9: f64) {{
                v3 = const.i64 0
                v8 = loop v4 in v3..v2 carry (v5 = v9) {{ {body} }}
                exit @0(v8)
            }}"
        ))
    };
    assert_eq!(decline("trace t() { exit @0() }"), "has no loop");
    assert_eq!(decline("trace t() { loop { yield () } exit @0() }"), "the loop is not counted");
    assert!(body("v6 = add v5, v9 yield (v6)").ends_with("is reduced by add, whose order counts"));
    let guarded = "trace t(v0: i64, v1: bool) {
        v2 = const.i64 0
        loop v3 in v2..v0 { guard.true v1 else @1() yield () }
        exit @0()
    }";
    assert_eq!(decline(guarded), "guard in the loop");
    let stores = |load: &str, store: &str| {
        decline(&format!(
            "trace t(v0: ptr, v1: ptr, v2: i64) {{
                v3 = const.i64 0
                loop v4 in v3..v2 {{ v5 = load.i64 {load} v6 = div v5, v2 store v6, {store} yield () }}
                exit @0()
            }}"
        ))
    };
    assert!(stores("v0[v4*8] !1", "v0[v4*8 + 8] !1").starts_with("may touch what inst"));
    assert!(stores("v0[v4*8] !1", "v1[v4*8] !1").starts_with("may touch what inst"));
    assert_eq!(stores("v0[v4*8] !1", "v1[0] !2"), "a store to the same place in every iteration");
    assert_eq!(stores("v0[v4*8] !1", "v1[v4*8] !2"), "div of integers");
    assert_eq!(stores("v0[v4*16 + 8] !1", "v0[v4*16] !1"), "div of integers");
}
