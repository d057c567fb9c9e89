//! Operands that do not lie side by side: nanoseconds per element of `a * b + a` and of folds of it.
//!
//! `cargo bench -p micronumpy-expr --bench layouts`

use std::hint::black_box;
use std::time::Instant;

use micronumpy::{ArrayRef, Dtype, NdArray, Order, Result};
use micronumpy_expr::threads::Team;
use micronumpy_expr::{Arg, Expr, Function, Options, Tier};

/// A view: offset in elements, shape, strides in elements.
type View = (isize, &'static [isize], &'static [isize]);

const CASES: &[(&str, View, View)] = &[
    ("contiguous 1000x1000", (0, &[1000, 1000], &[1000, 1]), (0, &[1000, 1000], &[1000, 1])),
    ("every second column", (0, &[1000, 1000], &[2000, 2]), (0, &[1000, 1000], &[1000, 1])),
    ("part of wider rows", (0, &[1000, 900], &[1000, 1]), (0, &[1000, 900], &[1000, 1])),
    ("transposed", (0, &[1000, 1000], &[1, 1000]), (0, &[1000, 1000], &[1000, 1])),
    ("both transposed", (0, &[1000, 1000], &[1, 1000]), (0, &[1000, 1000], &[1, 1000])),
    ("backwards", (999_999, &[1_000_000], &[-1]), (0, &[1_000_000], &[1])),
    ("row repeated", (0, &[1000, 1000], &[1000, 1]), (0, &[1000], &[1])),
    ("column repeated", (0, &[1000, 1000], &[1000, 1]), (0, &[1000, 1], &[1, 1])),
    ("300000x3 and 3", (0, &[300_000, 3], &[3, 1]), (0, &[3], &[1])),
    ("300000x3 and column", (0, &[300_000, 3], &[3, 1]), (0, &[300_000, 1], &[1, 1])),
    ("300000 of x3, strided", (0, &[300_000, 3], &[4, 1]), (0, &[300_000, 3], &[3, 1])),
    ("10000x100 of x101", (0, &[10_000, 100], &[101, 1]), (0, &[10_000, 100], &[100, 1])),
];

fn least(mut f: impl FnMut()) -> f64 {
    f();
    (0..15)
        .map(|_| {
            let t = Instant::now();
            f();
            t.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() -> Result<()> {
    let dtype = Dtype::float64();
    let memory = NdArray::zeros(&[3_000_000], &dtype, Order::C)?;
    for i in 0..3_000_000 {
        // SAFETY: element `i`.
        unsafe { memory.data().cast::<f64>().add(i).write((i % 1000) as f64 / 500.0 + 0.25) };
    }
    println!("{:24} {:12} {:>9} {:>9} {:>9}", "ns per element", "", "plain", "blocks", "compiled");
    for (name, a, b) in CASES {
        let bytes = |v: &View| -> Vec<isize> { v.2.iter().map(|s| 8 * s).collect() };
        let (sa, sb) = (bytes(a), bytes(b));
        let at = |v: &View| memory.data().wrapping_offset(8 * v.0);
        // SAFETY: the views lie inside the memory.
        let (va, vb) =
            unsafe { (ArrayRef::new(at(a), a.1, &sa, &dtype), ArrayRef::new(at(b), b.1, &sb, &dtype)) };
        let (x, y) = (Expr::argument(0, &dtype, a.1)?, Expr::argument(1, &dtype, b.1)?);
        let e = &x * &y + &x;
        let last = e.ndim() as isize - 1;
        for (what, e) in [
            ("map", e.clone()),
            ("sum", e.sum(None)),
            ("sum axis 0", e.sum(Some(&[0]))),
            ("sum last", e.sum(Some(&[last]))),
        ] {
            let f = Function::new(&[e])?;
            let n = va.size() as f64;
            let time = |tier| {
                let options = Options { tier, team: Some(Team::ALONE), ..Options::default() };
                let args = [Arg::Array(va), Arg::Array(vb)];
                least(|| drop(black_box(f.call(black_box(&args), &options).expect("a result")))) * 1e9 / n
            };
            println!(
                "{name:24} {what:12} {:9.3} {:9.3} {:9.3}",
                time(Tier::Unfused),
                time(Tier::Blocks),
                time(Tier::Compiled)
            );
        }
    }
    Ok(())
}
