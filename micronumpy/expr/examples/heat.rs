//! One step of heat flow on a plate, as one loop: four shifted views, arithmetic, a mask and a fold.
//!
//! `cargo run --release -p micronumpy-expr --example heat`

use micronumpy::Result;
use micronumpy_expr::Expr;
use ndarray::{Array2, s};

fn main() -> Result<()> {
    let n = 200;
    let mut t = Array2::<f64>::zeros((n, n));
    t.slice_mut(s![n / 4..n / 2, n / 4..n / 2]).fill(100.0);
    for step in 0..=100 {
        let next = {
            let (c, up, down) =
                (t.slice(s![1..n - 1, 1..n - 1]), t.slice(s![..n - 2, 1..n - 1]), t.slice(s![2.., 1..n - 1]));
            let (left, right) = (t.slice(s![1..n - 1, ..n - 2]), t.slice(s![1..n - 1, 2..]));
            let c = Expr::from(&c);
            let flow =
                Expr::from(&up) + Expr::from(&down) + Expr::from(&left) + Expr::from(&right) - &c * 4.0;
            (&c + flow * 0.2).eval_as::<f64>()?
        };
        if step % 25 == 0 {
            let warm = Expr::from(&next).greater(1.0).cast(micronumpy::TypeNum::LONG).sum(None);
            let mean = Expr::from(&next).mean(None).eval_as::<f64>()?;
            println!("step {step}: {} cells above one degree, mean {:.6}", warm.eval_as::<i64>()?, mean[[]]);
        }
        t.slice_mut(s![1..n - 1, 1..n - 1]).assign(&next);
    }
    Ok(())
}
