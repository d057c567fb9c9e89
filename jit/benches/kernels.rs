//! Speed of compiled loops and of compiling them, for every back end of this machine:
//! `cargo bench -p jit --bench kernels [name]`.
//!
//! Kernels: `fma` and `mul` chains stand for polynomials, `axpb` for memory-bound arithmetic, `sqrt` for what one unit
//! limits. Times are the least of many interleaved rounds, so that other load falls on all alike.

use std::time::Instant;

use jit::backend::{self, Backend, Code};
use jit::ir::{
    Access, Binary, Builder, Const, MemClass, Range, Scalar, Stride, Trace, Ty, Unary, Value, verify,
};

type Body = fn(&mut Builder, Scalar, &[Value]) -> Value;

const KERNELS: [(&str, usize, Body); 7] = [
    ("sqrt(a*b+c)", 3, |b, _, x| {
        let y = b.binary(Binary::Mul, x[0], x[1]);
        let y = b.binary(Binary::Add, y, x[2]);
        b.unary(Unary::Sqrt, y)
    }),
    ("a*b+c", 3, |b, _, x| {
        let y = b.binary(Binary::Mul, x[0], x[1]);
        b.binary(Binary::Add, y, x[2])
    }),
    ("polynomial 12, mul+add", 1, |b, s, x| {
        (0..12).fold(number(b, s, 0.3), |y, i| {
            let y = b.binary(Binary::Mul, y, x[0]);
            let c = number(b, s, 1.0 / (i + 2) as f64);
            b.binary(Binary::Add, y, c)
        })
    }),
    ("polynomial 12, fma", 1, |b, s, x| {
        (0..12).fold(number(b, s, 0.3), |y, i| {
            let c = number(b, s, 1.0 / (i + 2) as f64);
            b.fma(y, x[0], c)
        })
    }),
    ("where(a < b, a, min(b, c))", 3, |b, _, x| {
        let m = b.compare(jit::ir::Cond::Lt, x[0], x[1]);
        let y = b.binary(Binary::Min, x[1], x[2]);
        b.select(m, x[0], y)
    }),
    ("a + f(i64(a))", 1, |b, s, x| {
        let n = b.convert(x[0], Scalar::I64);
        let y = b.convert(n, s);
        b.binary(Binary::Add, x[0], y)
    }),
    ("a / b", 2, |b, _, x| b.binary(Binary::Div, x[0], x[1])),
];

fn number(b: &mut Builder, s: Scalar, x: f64) -> Value {
    b.constant(if s == Scalar::F64 { Const::f64(x) } else { Const::f32(x as f32) })
}

fn kernel(s: Scalar, inputs: usize, body: Body) -> Trace {
    let mut b = Builder::new("kernel");
    let pointers: Vec<Value> = (0..=inputs).map(|_| b.param(Ty::PTR)).collect();
    let (start, end) = (b.i64(0), b.param(Ty::I64));
    b.counted(Range { start, end, step: 1 }, vec![], |b, i, _| {
        let at = |k: usize| {
            Access::new(
                pointers[k],
                Some((i, Stride::Const(s.size() as i64))),
                MemClass(1 + (k == inputs) as u16),
            )
        };
        let loads: Vec<Value> = (0..inputs).map(|k| b.load(Ty::scalar(s), at(k))).collect();
        let y = body(b, s, &loads);
        b.store(at(inputs), y);
        vec![]
    });
    b.exit(0, vec![]);
    let tr = b.finish();
    verify(&tr).expect("a well-formed kernel");
    tr
}

/// Code, and the least time to make it in microseconds, preparation included.
fn compile(backend: &dyn Backend, tr: &Trace) -> Option<(Code, f64)> {
    let mut best = f64::INFINITY;
    let mut code = None;
    for _ in 0..30 {
        let start = Instant::now();
        let mut prepared = tr.clone();
        backend.prepare(&mut prepared);
        code = Some(backend.compile(&prepared).ok()?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    Some((code?, best * 1e6))
}

fn main() {
    let filter = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let backends: Vec<Box<dyn Backend>> =
        backend::all().into_iter().filter(|b| b.name() != "reference").collect();
    println!("nanoseconds an element; us to compile");
    for s in [Scalar::F64, Scalar::F32] {
        for (name, inputs, body) in KERNELS {
            if filter.as_ref().is_some_and(|f| !name.contains(f.as_str())) {
                continue;
            }
            let tr = kernel(s, inputs, body);
            let codes: Vec<_> = backends
                .iter()
                .filter_map(|b| compile(b.as_ref(), &tr).map(|(code, us)| (b.name(), code, us)))
                .collect();
            print!("{s} {name:<28}");
            for n in [4usize, 1_000, 30_000, 3_000_000] {
                // Aligned as a host's buffers are.
                let mut memory = vec![0u64; (inputs + 1) * (n + 16) + 16];
                for (i, word) in memory.iter_mut().enumerate() {
                    let x = 0.5 + (i % 1000) as f64 / 1000.0;
                    let twice = (x as f32).to_bits();
                    *word = if s == Scalar::F64 {
                        x.to_bits()
                    } else {
                        u64::from(twice) << 32 | u64::from(twice)
                    };
                }
                let first = (memory.as_mut_ptr() as u64).next_multiple_of(64);
                let apart = (n * s.size()).next_multiple_of(64) as u64;
                let runs = (300_000 / n).clamp(1, 20_000);
                let mut best = vec![f64::INFINITY; codes.len()];
                for _ in 0..12 {
                    for ((_, code, _), best) in codes.iter().zip(&mut best) {
                        let mut slots: Vec<u64> = (0..=inputs as u64).map(|k| first + k * apart).collect();
                        slots.push(n as u64);
                        let start = Instant::now();
                        for _ in 0..runs {
                            // SAFETY: the slots are the parameters, every array has `n` elements of its own.
                            unsafe { code.call(slots.as_mut_ptr()) };
                        }
                        *best = best.min(start.elapsed().as_secs_f64() / (runs * n) as f64 * 1e9);
                    }
                }
                print!(" | n={n}");
                best.iter().for_each(|t| print!(" {t:.3}"));
            }
            print!(" | compile");
            codes.iter().for_each(|(name, _, us)| print!(" {name} {us:.0}"));
            println!();
        }
    }
}
