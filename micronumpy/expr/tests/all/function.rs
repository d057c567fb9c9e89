//! Functions, means, mistakes, explanations.

use crate::plain;
use crate::random::{Rng, difference, odd_array};
use micronumpy::ufunc::Weak;
use micronumpy::{Dtype, NdArray, Order, TypeNum};
use micronumpy_expr::{Arg, Expr, Function, Number, Options, Tier};

const TIERS: [Tier; 3] = [Tier::Auto, Tier::Blocks, Tier::Compiled];

fn options(tier: Tier) -> Options {
    Options { tier, ..Options::default() }
}

/// Arguments of every length and layout go through one function.
#[test]
fn one_function_takes_all_shapes() {
    let dtype = Dtype::float64();
    let (x, y) = (Expr::argument(0, &dtype, &[0]).unwrap(), Expr::argument(1, &dtype, &[0]).unwrap());
    let k = Expr::number_argument(2, Weak::Float);
    let f =
        Function::new(&[(&x * &k + &y).sqrt() - 1.0, (&x * &y).sum(None), (&x - x.mean(None)).absolute()])
            .unwrap();
    let mut rng = Rng(5);
    for tier in TIERS {
        for shapes in [
            [&[10isize][..], &[10]],
            [&[5000], &[5000]],
            [&[], &[5000]],
            [&[40, 50], &[50]],
            [&[3, 1, 2000], &[4, 1]],
            [&[0], &[0]],
            [&[1], &[1]],
        ] {
            let (a, b) = (
                odd_array(&mut rng, TypeNum::DOUBLE, shapes[0]),
                odd_array(&mut rng, TypeNum::DOUBLE, shapes[1]),
            );
            if a.dtype != dtype || b.dtype != dtype {
                continue;
            }
            let args = [Arg::Array(a.view()), Arg::Array(b.view()), Arg::Number(Number::Float(2.5))];
            let (got, _) = f.call(&args, &options(tier)).unwrap();
            use plain::Operand::{Array, Number as Num};
            let product = plain::call("multiply", &[Array(a.view()), Num(Number::Float(2.5))]).unwrap().0;
            let sum = plain::call("add", &[Array(product.view()), Array(b.view())]).unwrap().0;
            let root = plain::call("sqrt", &[Array(sum.view())]).unwrap().0;
            let want = plain::call("subtract", &[Array(root.view()), Num(Number::Float(1.0))]).unwrap().0;
            assert_eq!(difference(&got[0].view(), &want.view()), None, "{shapes:?}");
            let both = plain::call("multiply", &[Array(a.view()), Array(b.view())]).unwrap().0;
            let want =
                plain::fold("add", &both.view(), &vec![true; both.shape.len()], false, None).unwrap().0;
            assert_eq!(difference(&got[1].view(), &want.view()), None, "{shapes:?}");
            let want = plain::mean(&a.view(), &vec![true; a.shape.len()]).unwrap();
            let want = plain::call("subtract", &[Array(a.view()), Array(want.view())]).unwrap().0;
            let want = plain::call("absolute", &[Array(want.view())]).unwrap().0;
            assert_eq!(difference(&got[2].view(), &want.view()), None, "{shapes:?}");
        }
    }
}

#[test]
fn means_are_numpys() {
    let mut rng = Rng(11);
    for num in [TypeNum::DOUBLE, TypeNum::FLOAT, TypeNum::HALF, TypeNum::LONG, TypeNum::BOOL, TypeNum::CFLOAT]
    {
        for axes in [[true, true], [true, false], [false, true]] {
            let a = odd_array(&mut rng, num, &[37, 1100]);
            // SAFETY: the array outlives the expression.
            let x = unsafe { Expr::from_ref(&a.view()) }.unwrap();
            let list: Vec<isize> = (0..2).filter(|&i| axes[i as usize]).collect();
            let want = plain::mean(&a.view(), &axes).unwrap();
            for tier in TIERS {
                let (got, _) = x.mean(Some(&list)).eval_with(&options(tier)).unwrap();
                assert_eq!(difference(&got.view(), &want.view()), None, "{num:?} {axes:?} {tier:?}");
            }
        }
    }
}

#[test]
fn mistakes_show_where_they_are_made() {
    let text = |e: &Expr<'_>| e.eval().err().map(|e| e.to_string()).unwrap_or_default();
    let a = ndarray::Array1::<f64>::zeros(3);
    let b = ndarray::Array1::<f64>::zeros(4);
    let (x, y) = (Expr::from(&a), Expr::from(&b));
    assert_eq!(text(&((&x + &y) * 2.0)), "operands could not be broadcast together with shapes (3,) (4,) ");
    assert!(text(&(&x & &x)).starts_with("ufunc 'bitwise_and' not supported for the input types"));
    let bytes = ndarray::Array1::<u8>::zeros(3);
    assert_eq!(text(&(Expr::from(&bytes) + 300i64)), "Python integer 300 out of bounds for uint8");
    let flags = ndarray::Array1::from_elem(3, true);
    assert!(text(&(Expr::from(&flags) - Expr::from(&flags))).starts_with("numpy boolean subtract"));
    assert!(text(&(-Expr::from(&flags))).starts_with("The numpy boolean negative"));
    let empty = ndarray::Array1::<f64>::zeros(0);
    assert_eq!(
        text(&(Expr::from(&empty) * 2.0).max(None)),
        "zero-size array to reduction operation maximum which has no identity"
    );
    assert_eq!(text(&Expr::from(&bytes).power(-1i64)), "Python integer -1 out of bounds for uint8");
    let ints = ndarray::Array1::<i64>::from_elem(2000, 3);
    let minus = ndarray::Array1::<i64>::from_elem(2000, -1);
    assert_eq!(
        text(&(Expr::from(&ints) + 1i64).power(Expr::from(&minus))),
        "Integers to negative integer powers are not allowed."
    );
}

#[test]
fn integers_out_of_range_compare_as_infinities() {
    let bytes = ndarray::array![0u8, 255];
    let x = Expr::from(&bytes);
    assert_eq!(x.less(300i64).eval_as::<bool>().unwrap(), ndarray::array![true, true].into_dyn());
    assert_eq!(x.equal(-1i64).eval_as::<bool>().unwrap(), ndarray::array![false, false].into_dyn());
}

#[test]
fn explanations_name_steps_and_reasons() {
    let dtype = Dtype::float64();
    let x = Expr::argument(0, &dtype, &[0]).unwrap();
    let f = Function::new(&[(&x * 2.0 + 1.0).sin() * &x - 3.0]).unwrap();
    assert_eq!(f.explain(false), "not called yet\n");
    let a = NdArray::zeros(&[100], &dtype, Order::C).unwrap();
    f.call(&[Arg::Array(a.view())], &options(Tier::Blocks)).unwrap();
    let text = f.explain(false);
    assert!(
        text.contains("loop sin (no compiled form)") && text.contains("not compiled: not run often enough"),
        "{text}"
    );
    f.call(&[Arg::Array(a.view())], &options(Tier::Compiled)).unwrap();
    let text = f.explain(true);
    assert!(
        text.contains("multiply, add") && text.contains("multiply, subtract") && text.contains("loop sin"),
        "{text}"
    );
}

/// Expressions may be longer than the stack is deep.
#[test]
fn long_chains_work() {
    let a = ndarray::Array1::<f64>::zeros(10);
    let mut e = Expr::from(&a);
    for _ in 0..3_000 {
        e = e + 1.0;
    }
    assert_eq!(e.eval_as::<f64>().unwrap()[[0]], 3_000.0);
    let mut deep = Expr::from(&a);
    for _ in 0..200_000 {
        deep = -deep;
    }
    drop(deep);
}

#[test]
fn extremes_keep_the_sign_of_zero() {
    let mut rng = Rng(3);
    for n in [15isize, 16, 17, 1024, 1040, 5000, 12345] {
        let a = NdArray::empty(&[n], &Dtype::float64(), Order::C).unwrap();
        for i in 0..n as usize {
            let x = if rng.one_in(2) { 0.0 } else { -0.0 };
            // SAFETY: element `i`.
            unsafe { a.data().cast::<f64>().add(i).write(x) };
        }
        for name in ["maximum", "minimum", "fmax", "fmin"] {
            let want = plain::fold(name, &a.view(), &[true], false, None).unwrap().0;
            // SAFETY: the array outlives the expression.
            let e = unsafe { Expr::from_ref(&a.view()) }.unwrap() * 1.0;
            for tier in TIERS {
                let (got, _) = e.reduce(name, None, false).unwrap().eval_with(&options(tier)).unwrap();
                assert_eq!(difference(&got.view(), &want.view()), None, "{name} of {n}, {tier:?}");
            }
        }
    }
}
