//! Hundreds of varied numpy calls give the same text under stock numpy and under the executable: values, dtypes,
//! warnings, exceptions.

mod support;

use support::{Run, root, run, stock};

#[test]
fn calls_print_what_stock_numpy_prints() {
    compare("calls.txt");
}

/// The parts of numpy around the array itself: masked arrays, polynomials, random streams, strings, dates, records.
#[test]
fn areas_print_what_stock_numpy_prints() {
    compare("areas.txt");
}

fn compare(list: &str) {
    let dir = root().join("interp/tests/differential");
    let args = [dir.join("calls.py"), dir.join(list)];
    let expected = Run::new(stock(), &args).ok();
    let got = run(&args).ok();
    let split = |text: &str| text.split(">>> ").skip(1).map(str::to_string).collect::<Vec<_>>();
    let (expected, got) = (split(&expected), split(&got));
    assert!(expected.len() >= 200, "only {} calls", expected.len());
    assert_eq!(expected.len(), got.len(), "both run every call");
    let differing: Vec<String> = expected
        .iter()
        .zip(&got)
        .filter(|(e, g)| e != g)
        .map(|(e, g)| format!("stock:      {}\nmicronumpy: {}", e.trim_end(), g.trim_end()))
        .collect();
    assert!(differing.is_empty(), "{} calls differ:\n{}", differing.len(), differing.join("\n\n"));
}
