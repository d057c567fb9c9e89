//! A fused expression needs its inputs, its result and little else.

use micronumpy_expr::threads::Team;
use micronumpy_expr::{Expr, Options, Tier};
use ndarray::Array1;

/// The most memory this process has held, in bytes.
fn peak() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("a process");
    let line = text.lines().find(|l| l.starts_with("VmHWM:")).expect("a high-water mark");
    let kib: usize = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kib * 1024
}

#[test]
fn peak_is_inputs_and_output() {
    let n = 10_000_000;
    let a = Array1::<f64>::linspace(0.0, 1.0, n);
    let b = Array1::<f64>::linspace(1.0, 2.0, n);
    let (x, y) = (Expr::from(&a), Expr::from(&b));
    let e = ((&x * &y + 1.0).sqrt() - (&x - &y).absolute() / 3.0).maximum(0.25) * (&y + 2.0).sin();
    for tier in [Tier::Blocks, Tier::Compiled] {
        let before = peak();
        let (r, _) = e
            .eval_with(&Options {
                tier,
                team: Some(Team { threads: 2, grain: 10_000 }),
                ..Options::default()
            })
            .expect("memory");
        let grown = peak() - before;
        assert!(grown <= n * 8 + (16 << 20), "{tier:?}: {} MiB more", grown >> 20);
        drop(r);
        micronumpy::array::buffer::give_back();
    }
    let before = peak();
    e.sum(None).eval().expect("memory");
    assert!(peak() - before <= 16 << 20);
}
