//! Whose floating-point status it was.

use micronumpy_expr::threads::Team;
use micronumpy_expr::{Expr, Options, Tier};
use ndarray::Array1;
use ufuncs::fpstatus::{DIVIDEBYZERO, INVALID, OVERFLOW};

fn check(e: &Expr<'_>, expected: &[(&'static str, u32)]) {
    for tier in [Tier::Blocks, Tier::Compiled] {
        for threads in [1, 3] {
            let options = Options { tier, team: Some(Team { threads, grain: 1000 }), ..Options::default() };
            let (_, status) = e.eval_with(&options).expect("an evaluation");
            assert_eq!(status.raised, expected, "{tier:?}, {threads} threads");
            assert_eq!(ufuncs::fpstatus::get(), 0);
        }
    }
}

#[test]
fn status_is_told_apart_by_call() {
    let n = 20_000;
    let mut a = Array1::<f64>::ones(n);
    let b = Array1::<f64>::ones(n);
    let y = Expr::from(&b);
    check(&((&y + &y) / &y * 2.0).sqrt(), &[]);
    // One bad element near the end: only there does anything happen.
    a[n - 3] = 0.0;
    let x = Expr::from(&a);
    check(&((&y / &x) - 1.0), &[("divide", DIVIDEBYZERO)]);
    check(
        &((&y / &x) - (&y / &x)),
        &[("divide", DIVIDEBYZERO), ("divide", DIVIDEBYZERO), ("subtract", INVALID)],
    );
    check(&((&x - 0.5).sqrt() + (&y / &x)), &[("sqrt", INVALID), ("divide", DIVIDEBYZERO)]);
    check(&((&y / &x) * 2.0 + 1.0).sum(None), &[("divide", DIVIDEBYZERO)]);
    check(&((&x + 1e308) * 10.0 - 1.0), &[("multiply", OVERFLOW)]);
    check(&((&x - 1.0) * 1e308 - (&y * 1e308)).sum(None), &[("subtract", OVERFLOW), ("reduce", OVERFLOW)]);
    check(&(&y * 1e308).sum(None), &[("reduce", OVERFLOW)]);
}

#[test]
fn quiet_calls_say_nothing() {
    let a = Array1::from_vec(vec![f64::NAN; 5000]);
    let x = Expr::from(&a);
    check(&(x.less(1.0).logical_or(x.maximum(2.0).greater(3.0))), &[]);
    check(&(x.sign().minimum(x.absolute()) * 1.0), &[]);
}

#[test]
fn casts_report_with_their_call() {
    let a = Array1::from_vec(vec![f64::NAN; 3000]);
    let x = Expr::from(&a);
    let whole = (&x * 2.0).cast(micronumpy::TypeNum::INT);
    check(&whole, &[("cast", INVALID)]);
    check(&(&whole + 1i64), &[("cast", INVALID)]);
}
