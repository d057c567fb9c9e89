//! Hundreds of varied numpy calls give the same text under stock numpy and under the executable: values, dtypes,
//! warnings, exceptions.

mod support;

use std::path::PathBuf;

use support::{Run, root, run, stock};

fn file(name: &str) -> PathBuf {
    root().join("interp/tests/differential").join(name)
}

#[test]
fn calls_print_what_stock_numpy_prints() {
    same_output(&[file("calls.py"), file("calls.txt")], 200);
}

/// The parts of numpy around the array itself: masked arrays, polynomials, random streams, strings, dates, records.
#[test]
fn areas_print_what_stock_numpy_prints() {
    same_output(&[file("calls.py"), file("areas.txt")], 180);
}

#[test]
fn linear_algebra_behaves_as_under_stock_numpy() {
    same_output(&[file("calls.py"), file("linalg.txt")], 85);
}

#[test]
fn variable_width_strings_behave_as_under_stock_numpy() {
    same_output(&[file("calls.py"), file("strings.txt")], 780);
}

/// Where the rules of numpy end: odd indices and values, scalars and wide integers, folds with a dtype of their own.
#[test]
fn corners_are_those_of_stock_numpy() {
    same_output(&[file("calls.py"), file("corners.txt")], 340);
}

#[test]
fn orders_are_those_of_stock_numpy() {
    same_output(&[file("calls.py"), file("order.txt")], 30);
}

#[test]
fn casts_resolve_as_stock_numpys() {
    same_output(&[file("casts.py")], 6000);
}

#[test]
fn scalars_compute_as_stock_numpys() {
    same_output(&[file("scalars.py")], 450);
}

/// Floats are added up in numpy's order.
#[test]
fn folds_have_the_bits_of_stock_numpys() {
    same_output(&[file("folds.py")], 1500);
}

#[test]
fn sorting_and_picking_give_what_stock_numpys_do() {
    same_output(&[file("sorting.py")], 4000);
}

#[test]
fn a_user_dtype_behaves_as_under_stock_numpy() {
    same_output(&[file("calls.py"), file("sfloat.txt")], 150);
}

#[test]
fn compiled_types_and_loops_behave_as_under_stock_numpy() {
    same_output(&[file("calls.py"), file("capi.txt")], 80);
}

/// Both print the same blocks, and there are as many as there should be.
fn same_output(args: &[PathBuf], at_least: usize) {
    let expected = Run::new(stock(), args).ok();
    let got = run(args).ok();
    let split = |text: &str| text.split(">>> ").skip(1).map(str::to_string).collect::<Vec<_>>();
    let (expected, got) = (split(&expected), split(&got));
    assert!(expected.len() >= at_least, "only {} calls", expected.len());
    assert_eq!(expected.len(), got.len(), "both run every call");
    let differing: Vec<String> = expected
        .iter()
        .zip(&got)
        .filter(|(e, g)| e != g)
        .map(|(e, g)| format!("stock:      {}\nmicronumpy: {}", e.trim_end(), g.trim_end()))
        .collect();
    assert!(differing.is_empty(), "{} calls differ:\n{}", differing.len(), differing.join("\n\n"));
}
