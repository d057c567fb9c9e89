//! Fused expressions against the same calls one by one: nanoseconds per element, the least of several rounds.
//!
//! `cargo bench -p micronumpy-expr`, with a word to select expressions by name.

use std::hint::black_box;
use std::time::Instant;

use micronumpy::{Dtype, NdArray, Order};
use micronumpy_expr::threads::Team;
use micronumpy_expr::{Arg, Expr, Function, Options, Tier};

type Make = fn(&[Expr<'static>]) -> Expr<'static>;

/// Name, types of arguments, expression.
const CASES: &[(&str, &str, Make)] = &[
    ("a*b+c", "ddd", |x| &x[0] * &x[1] + &x[2]),
    ("sqrt(a*b+c)", "ddd", |x| (&x[0] * &x[1] + &x[2]).sqrt()),
    ("polynomial of degree 6", "d", |x| {
        let x = &x[0];
        ((((((x * 0.1 + 0.2) * x + 0.3) * x + 0.4) * x + 0.5) * x + 0.6) * x) + 0.7
    }),
    ("f32 polynomial of degree 6", "f", |x| {
        let x = &x[0];
        ((((((x * 0.1 + 0.2) * x + 0.3) * x + 0.4) * x + 0.5) * x + 0.6) * x) + 0.7
    }),
    ("where(a<b, a+1, b*2)", "dd", |x| x[0].less(&x[1]).select(&x[0] + 1.0, &x[1] * 2.0)),
    ("(a<b)&(b<c)", "ddd", |x| x[0].less(&x[1]).logical_and(x[1].less(&x[2]))),
    ("sum((a-b)**2)", "dd", |x| (&x[0] - &x[1]).square().sum(None)),
    ("exp(-a*a)*b", "dd", |x| (-(&x[0] * &x[0])).exp() * &x[1]),
    ("i64 (a+b)*3-a", "ll", |x| (&x[0] + &x[1]) * 3i64 - &x[0]),
];

fn least(mut f: impl FnMut(), rounds: usize, inner: usize) -> f64 {
    (0..rounds)
        .map(|_| {
            let t = Instant::now();
            for _ in 0..inner {
                f();
            }
            t.elapsed().as_secs_f64() / inner as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    println!(
        "{:28} {:>9} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "ns per element", "n", "plain", "blocks", "compiled", "threads", "call ns"
    );
    for (name, types, make) in CASES {
        if only.as_ref().is_some_and(|o| !name.contains(o.as_str())) {
            continue;
        }
        let dtypes: Vec<Dtype> = types
            .bytes()
            .map(|c| Dtype::builtin(micronumpy::TypeNum::from_char(c).expect("a type")))
            .collect();
        let args: Vec<Expr<'static>> =
            dtypes.iter().enumerate().map(|(i, d)| Expr::argument(i, d, &[0]).expect("numbers")).collect();
        let f = Function::new(&[make(&args)]).expect("a typed expression");
        for n in [10usize, 1000, 100_000, 1_000_000, 10_000_000] {
            let arrays: Vec<NdArray> = dtypes.iter().map(|d| filled(n, d)).collect();
            let args: Vec<Arg<'_>> = arrays.iter().map(|a| Arg::Array(a.view())).collect();
            let time = |tier, threads| {
                let options =
                    Options { tier, team: Some(Team { threads, grain: 16_384 }), ..Options::default() };
                let run = || {
                    black_box(f.call(black_box(&args), &options).expect("a result"));
                };
                run();
                let inner = (200_000 / n).clamp(1, 2000);
                least(run, if n > 1_000_000 { 7 } else { 15 }, inner)
            };
            let plain = time(Tier::Unfused, 1);
            let (blocks, compiled, threads) =
                (time(Tier::Blocks, 1), time(Tier::Compiled, 1), time(Tier::Compiled, 2));
            let per = |t: f64| t * 1e9 / n as f64;
            println!(
                "{name:28} {n:9} {:9.3} {:9.3} {:9.3} {:9.3} {:12.0}",
                per(plain),
                per(blocks),
                per(compiled),
                per(threads),
                compiled * 1e9
            );
        }
        if only.is_some() {
            println!("{}", f.explain(true));
        }
    }
}

fn filled(n: usize, dtype: &Dtype) -> NdArray {
    let arr = NdArray::empty(&[n as isize], dtype, Order::C).expect("memory");
    for i in 0..n {
        let x = (i % 1000) as f64 / 500.0 + 0.25;
        // SAFETY: element `i`.
        unsafe {
            match dtype.num {
                micronumpy::TypeNum::DOUBLE => arr.data().cast::<f64>().add(i).write(x),
                micronumpy::TypeNum::FLOAT => arr.data().cast::<f32>().add(i).write(x as f32),
                _ => arr.data().cast::<i64>().add(i).write(i as i64),
            }
        }
    }
    arr
}
