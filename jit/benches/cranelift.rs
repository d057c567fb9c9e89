//! How fast Cranelift's code is and how long it takes to make: `cargo bench -p jit --bench cranelift`.
//!
//! The kernels are `sqrt(a * b + c)`, `a * b + c`, and a polynomial of degree 12 by Horner's rule, as loops of scalars that
//! go the way a host's do: optimised, vectorised, compiled. Times are the least of many rounds, so that other work on the
//! machine shows as little as possible.

use std::time::{Duration, Instant};

use jit::backend::cranelift::Cranelift;
use jit::backend::cranelift::isa::Isa;
use jit::backend::{Backend, Code};
use jit::ir::{Access, Binary, Builder, Const, MemClass, Range, Scalar, Stride, Trace, Ty, Unary, Value};

const KERNELS: [&str; 3] = ["sqrt(a*b+c)", "a*b+c", "polynomial"];

fn body(b: &mut Builder, kernel: usize, s: Scalar, v: &[Value]) -> Value {
    if kernel == 2 {
        let coefficient = |b: &mut Builder, n: i32| {
            let x = 1.0 / f64::from(n * n);
            b.constant(if s == Scalar::F64 { Const::f64(x) } else { Const::f32(x as f32) })
        };
        let mut sum = coefficient(b, 1);
        for n in 2..=13 {
            let c = coefficient(b, n);
            sum = b.binary(Binary::Mul, sum, v[0]);
            sum = b.binary(Binary::Add, sum, c);
        }
        return sum;
    }
    let product = b.binary(Binary::Mul, v[0], v[1]);
    let sum = b.binary(Binary::Add, product, v[2]);
    if kernel == 0 { b.unary(Unary::Sqrt, sum) } else { sum }
}

fn trace(kernel: usize, s: Scalar) -> Trace {
    let mut b = Builder::new(KERNELS[kernel]);
    let inputs = if kernel == 2 { 1 } else { 3 };
    let pointers: Vec<Value> = (0..inputs).map(|_| b.param(Ty::PTR)).collect();
    let (out, end) = (b.param(Ty::PTR), b.param(Ty::I64));
    let start = b.i64(0);
    let at = |base, i, class| Access {
        class: MemClass(class),
        ..Access::new(base, Some((i, Stride::Const(s.size() as i64))), MemClass::ANY)
    };
    b.counted(Range { start, end, step: 1 }, vec![], |b, i, _| {
        let v: Vec<Value> = pointers.iter().map(|&p| b.load(Ty::scalar(s), at(p, i, 1))).collect();
        let result = body(b, kernel, s, &v);
        b.store(at(out, i, 2), result);
        vec![]
    });
    b.exit(0, vec![]);
    b.finish()
}

fn least(rounds: usize, mut f: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        f();
        best = best.min(start.elapsed());
    }
    best
}

/// Nanoseconds an element.
fn speed(code: &Code, inputs: usize, s: Scalar, n: usize) -> f64 {
    // Bytes of small positive floats of either size.
    let element =
        if s == Scalar::F64 { 1.25f64.to_bits().to_le_bytes() } else { [0, 0, 0xa0, 0x3f, 0, 0, 0xa0, 0x3f] };
    let words = n * s.size() / 8;
    let arrays: Vec<Vec<u64>> = (0..=inputs).map(|_| vec![u64::from_le_bytes(element); words]).collect();
    let mut slots: Vec<u64> = arrays.iter().map(|a| a.as_ptr() as u64).collect();
    slots.push(n as u64);
    let calls = (20_000 / n).max(1);
    let best = least(if n > 1_000_000 { 15 } else { 400 }, || {
        for _ in 0..calls {
            let mut slots = slots.clone();
            // SAFETY: as many arrays of `n` elements as the trace goes over.
            unsafe { code.call(slots.as_mut_ptr()) };
        }
    });
    best.as_nanos() as f64 / (calls * n) as f64
}

fn main() {
    let cold = Instant::now();
    let host = Cranelift::host().expect("an architecture there is code for");
    let made = cold.elapsed();
    let mut first = trace(0, Scalar::F64);
    host.prepare(&mut first);
    let start = Instant::now();
    host.compile(&first).expect("code");
    println!("instruction set {:.0} us, first compilation {:.0} us", us(made), us(start.elapsed()));

    let host_name = host.isa().name();
    println!(
        "\n{:12} {:10} {:>4} {:>9} {:>9} {:>9} {:>7}",
        "kernel", "set", "", "1e3", "3e4", "1e7", "bytes"
    );
    for kernel in 0..KERNELS.len() {
        for s in [Scalar::F64, Scalar::F32] {
            for name in ["x86-64-v2", host_name] {
                let Some(isa) = Isa::named(name).filter(Isa::runs_here) else { continue };
                let backend = Cranelift::new(isa);
                let mut tr = trace(kernel, s);
                jit::opt::optimise(&mut tr);
                backend.prepare(&mut tr);
                let code = backend.compile(&tr).expect("code");
                let inputs = if kernel == 2 { 1 } else { 3 };
                let ns: Vec<f64> = [1_000, 30_000, 10_000_000].map(|n| speed(&code, inputs, s, n)).to_vec();
                println!(
                    "{:12} {:10} {s:>4} {:9.3} {:9.3} {:9.3} {:7}",
                    KERNELS[kernel],
                    name,
                    ns[0],
                    ns[1],
                    ns[2],
                    code.bytes().len()
                );
            }
        }
    }

    println!("\n{:12} {:>4} {:>9} {:>9} {:>9}  (us)", "kernel", "", "optimise", "vectorise", "compile");
    for kernel in 0..KERNELS.len() {
        for s in [Scalar::F64, Scalar::F32] {
            let raw = trace(kernel, s);
            let optimise = least(200, || jit::opt::optimise(&mut raw.clone()));
            let mut tr = raw.clone();
            jit::opt::optimise(&mut tr);
            let vectorise = least(200, || host.prepare(&mut tr.clone()));
            host.prepare(&mut tr);
            let compile = least(200, || drop(host.compile(&tr).expect("code")));
            println!(
                "{:12} {s:>4} {:9.1} {:9.1} {:9.1}",
                KERNELS[kernel],
                us(optimise),
                us(vectorise),
                us(compile)
            );
        }
    }
}

fn us(d: Duration) -> f64 {
    d.as_secs_f64() * 1e6
}
