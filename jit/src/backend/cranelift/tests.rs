//! Every operation on every type and several numbers of lanes, on every instruction set: against the reference where the
//! machine runs it, as far as the compiler's output elsewhere.

use super::*;
use crate::backend::reference::Reference;
use crate::ir::{
    Access, Binary, Builder, Cond, Const, MemClass, Overflow, Range, Scalar, Stride, Ty, Unary, Value, verify,
};
use crate::semantics;

/// Elements of each array. Two operands of all pairs of edges fit.
const N: usize = 512;

struct Case {
    name: String,
    ins: Vec<Scalar>,
    out: Scalar,
    /// Whether it is not defined which NaN comes out.
    any_nan: bool,
    body: Box<dyn Fn(&mut Builder, &[Value]) -> Value>,
}

fn edges(s: Scalar) -> Vec<u64> {
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        -1.5,
        2.5,
        0.49999999999999994,
        3.75,
        -3.75,
        127.6,
        -128.7,
        255.5,
        256.0,
        65504.0,
        65519.99,
        65520.0,
        6.1e-5,
        6e-8,
        2.98e-8,
        2.9802323e-8,
        1e-40,
        5e-324,
        2147483647.5,
        2147483648.0,
        -2147483649.0,
        4294967296.5,
        9.3e18,
        -9.3e18,
        1.7e19,
        1.9e19,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
        4503599627370497.5,
        8388609.5,
        1.0000000000000002,
        1.00048828125,
        1.00048828125000001,
    ];
    match s {
        Scalar::Bool => vec![0, 1],
        Scalar::F64 => floats.iter().map(|x| x.to_bits()).collect(),
        Scalar::F32 => floats.iter().map(|&x| u64::from((x as f32).to_bits())).collect(),
        Scalar::F16 => {
            (0..=0xffff).step_by(67).chain([0x7c00, 0x7c01, 0xfc00, 0xfe00, 1, 0x3ff, 0x400]).collect()
        }
        s => {
            let mut all: Vec<i128> =
                vec![0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 200, 255];
            all.extend([1 << 15, (1 << 16) - 1, 1 << 31, (1 << 32) - 1, 1 << 53, (1 << 53) + 1, 1 << 63]);
            all.extend([
                (1i128 << 63) - 1,
                (1 << 54) + (1 << 30) + 1,
                (1i128 << 63) - 512,
                0x8000_0080_0000_0001,
            ]);
            let all: Vec<i128> = all.iter().flat_map(|&n| [n, -n]).collect();
            let mut bits: Vec<u64> = all.iter().map(|&n| Const::canonical(s, n as u64).bits).collect();
            bits.sort_unstable();
            bits.dedup();
            bits
        }
    }
}

/// Element `i` of operand `k`: all pairs of edges for the first two, and more of the same for a third.
fn element(s: Scalar, k: usize, i: usize) -> u64 {
    let e = edges(s);
    match k {
        0 => e[i % e.len()],
        1 => e[(i / e.len() + i) % e.len()],
        _ => e[(i * 7 + i / 5) % e.len()],
    }
}

fn bytes(s: Scalar, k: usize) -> Vec<u8> {
    let mut all = vec![];
    for i in 0..N {
        all.extend(&element(s, k, i).to_le_bytes()[..s.size()]);
    }
    all
}

fn kernel(case: &Case, lanes: u8, status: bool) -> Trace {
    let mut b = Builder::new(&*case.name);
    if status {
        b.observe_status();
    }
    let ins: Vec<Value> = case.ins.iter().map(|_| b.param(Ty::PTR)).collect();
    let out = b.param(Ty::PTR);
    let n = b.param(Ty::I64);
    let zero = b.i64(0);
    b.counted(Range { start: zero, end: n, step: i64::from(lanes) }, vec![], |b, i, _| {
        let operands: Vec<Value> = ins
            .iter()
            .zip(&case.ins)
            .map(|(&p, &s)| {
                let access = Access::new(p, Some((i, Stride::Const(s.size() as i64))), MemClass::ANY);
                b.load(Ty::vector(s, lanes), access)
            })
            .collect();
        let result = (case.body)(b, &operands);
        let access = Access::new(out, Some((i, Stride::Const(case.out.size() as i64))), MemClass::ANY);
        b.store(access, result);
        vec![]
    });
    b.exit(0, vec![]);
    let tr = b.finish();
    verify(&tr).unwrap_or_else(|e| panic!("{e}\n{tr}"));
    tr
}

fn run(code: &Code, case: &Case) -> Vec<u8> {
    let ins: Vec<Vec<u8>> = case.ins.iter().enumerate().map(|(k, &s)| bytes(s, k)).collect();
    let mut out = vec![0xa5u8; N * case.out.size()];
    let mut slots: Vec<u64> = ins.iter().map(|v| v.as_ptr() as u64).collect();
    slots.extend([out.as_mut_ptr() as u64, N as u64]);
    // SAFETY: the arrays have the elements the loop goes over.
    unsafe { code.call(slots.as_mut_ptr()) };
    out
}

fn lane(s: Scalar, bytes: &[u8], i: usize) -> u64 {
    let mut word = [0; 8];
    word[..s.size()].copy_from_slice(&bytes[i * s.size()..][..s.size()]);
    Const::canonical(s, u64::from_le_bytes(word)).bits
}

fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = vec![];
    let mut add =
        |name: String, ins: Vec<Scalar>, out, any_nan, body: Box<dyn Fn(&mut Builder, &[Value]) -> Value>| {
            all.push(Case { name, ins, out, any_nan, body });
        };
    for s in Scalar::ALL.into_iter().filter(|&s| s != Scalar::Ptr) {
        for &op in Unary::ALL.iter().filter(|op| op.domain().contains(s)) {
            let any = !matches!(op, Unary::Neg | Unary::Abs);
            add(format!("{}.{s}", op.name()), vec![s], s, any, Box::new(move |b, v| b.unary(op, v[0])));
        }
        for &op in Binary::ALL.iter().filter(|op| op.domain().contains(s)) {
            let any = matches!(op, Binary::Add | Binary::Sub | Binary::Mul | Binary::Div);
            add(
                format!("{}.{s}", op.name()),
                vec![s, s],
                s,
                any,
                Box::new(move |b, v| b.binary(op, v[0], v[1])),
            );
            if matches!(op, Binary::Div | Binary::Rem | Binary::Shl | Binary::Shr) && s.is_int() {
                for bits in [0u64, 1, 3, 7, u64::MAX, 31, 70, u64::MAX - 1] {
                    let c = Const::canonical(s, bits);
                    add(
                        format!("{}.{s} by {bits}", op.name()),
                        vec![s],
                        s,
                        any,
                        Box::new(move |b, v| {
                            let c = b.constant(c);
                            let lanes = b.ty(v[0]).lanes;
                            let c = if lanes > 1 { b.splat(c, lanes) } else { c };
                            b.binary(op, v[0], c)
                        }),
                    );
                }
                add(
                    format!("{}.{s} by lane 1", op.name()),
                    vec![s, s],
                    s,
                    any,
                    Box::new(move |b, v| {
                        let lanes = b.ty(v[1]).lanes;
                        let count = if lanes > 1 {
                            let first = b.lane(v[1], 1);
                            b.splat(first, lanes)
                        } else {
                            v[1]
                        };
                        b.binary(op, v[0], count)
                    }),
                );
            }
        }
        for &op in Overflow::ALL.iter().filter(|op| op.domain().contains(s)) {
            let body = Box::new(move |b: &mut Builder, v: &[Value]| b.overflow(op, v[0], v[1]));
            add(format!("{}.{s}", op.name()), vec![s, s], Scalar::Bool, false, body);
        }
        for &op in Cond::ALL.iter().filter(|op| op.domain().contains(s)) {
            let body = Box::new(move |b: &mut Builder, v: &[Value]| b.compare(op, v[0], v[1]));
            add(format!("{}.{s}", op.name()), vec![s, s], Scalar::Bool, false, body);
            // A mask as wide as the operands, combined with one from memory and used on other lanes.
            if op.domain().contains(s) && s != Scalar::Bool {
                add(
                    format!("select {}.{s}", op.name()),
                    vec![s, s, Scalar::Bool, Scalar::I32],
                    Scalar::I32,
                    false,
                    Box::new(move |b, v| {
                        let m = b.compare(op, v[0], v[1]);
                        let m = b.binary(Binary::Xor, v[2], m);
                        let n = b.unary(Unary::Neg, v[3]);
                        b.select(m, v[3], n)
                    }),
                );
            }
        }
        add(
            format!("select.{s}"),
            vec![s, s, Scalar::Bool],
            s,
            false,
            Box::new(move |b, v| b.select(v[2], v[0], v[1])),
        );
        if s.is_float() {
            add(format!("fma.{s}"), vec![s; 3], s, true, Box::new(move |b, v| b.fma(v[0], v[1], v[2])));
        }
        for to in Scalar::ALL.into_iter().filter(|&to| to != Scalar::Ptr) {
            add(format!("{s} to {to}"), vec![s], to, true, Box::new(move |b, v| b.convert(v[0], to)));
            if to.size() == s.size() && s != Scalar::Bool && to != Scalar::Bool {
                add(format!("{s} as {to}"), vec![s], to, false, Box::new(move |b, v| b.bitcast(v[0], to)));
            }
        }
        for &op in Binary::ALL.iter().filter(|op| op.domain().contains(s)) {
            let extremum = matches!(op, Binary::Min | Binary::Max);
            if op.is_associative(s) || (extremum && s.is_float()) {
                add(
                    format!("reduce.{}.{s}", op.name()),
                    vec![s],
                    s,
                    false,
                    Box::new(move |b, v| {
                        if b.ty(v[0]).lanes == 1 {
                            return v[0];
                        }
                        let r = b.reduce(op, v[0]);
                        b.splat(r, b.ty(v[0]).lanes)
                    }),
                );
            }
        }
        if s.is_int() {
            add(
                format!("iota.{s}"),
                vec![s],
                s,
                false,
                Box::new(move |b, v| {
                    if b.ty(v[0]).lanes == 1 {
                        return v[0];
                    }
                    let i = b.iota(b.ty(v[0]));
                    b.binary(Binary::Add, i, v[0])
                }),
            );
        }
    }
    all
}

const LANES: [u8; 5] = [1, 2, 4, 8, 32];

#[test]
fn everything_equals_the_reference() {
    let backends: Vec<Cranelift> =
        Isa::NAMES.iter().filter_map(|n| Isa::named(n)).filter(Isa::runs_here).map(Cranelift::new).collect();
    assert!(!backends.is_empty());
    let mut wrong = vec![];
    for case in cases() {
        for lanes in LANES {
            let tr = kernel(&case, lanes, lanes == 4);
            let expected = run(&Reference.compile(&tr).expect("the reference takes it"), &case);
            for backend in &backends {
                let code = match backend.compile(&tr) {
                    Ok(code) => code,
                    Err(e) => {
                        wrong.push(format!("{} x{lanes} on {}: {e}", case.name, backend.isa().name()));
                        continue;
                    }
                };
                let found = run(&code, &case);
                let s = case.out;
                let bad = (0..N).find(|&i| {
                    let (e, f) = (lane(s, &expected, i), lane(s, &found, i));
                    e != f && !(case.any_nan && semantics::is_nan(s, e) && semantics::is_nan(s, f))
                });
                if let Some(i) = bad {
                    let operands: Vec<String> = case
                        .ins
                        .iter()
                        .enumerate()
                        .map(|(k, &s)| Const { scalar: s, bits: element(s, k, i) }.to_string())
                        .collect();
                    wrong.push(format!(
                        "{} x{lanes} on {}, element {i} of {}: {:#x}, expected {:#x}",
                        case.name,
                        backend.isa().name(),
                        operands.join(", "),
                        lane(s, &found, i),
                        lane(s, &expected, i)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn everything_compiles_for_other_machines() {
    for name in Isa::NAMES {
        let backend = Cranelift::new(Isa::named(name).expect("a name of the list"));
        if backend.isa().runs_here() {
            continue;
        }
        for case in cases() {
            for lanes in LANES {
                backend
                    .emit(&kernel(&case, lanes, lanes == 4))
                    .unwrap_or_else(|e| panic!("{} x{lanes} on {name}: {e}", case.name));
            }
        }
    }
}
