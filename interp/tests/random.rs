//! Random numbers are those of stock numpy to the last bit: every bit generator, every distribution of both front ends,
//! `MICRONUMPY_DRAWS` draws each (100,000 if it is not set), and the state they leave.

mod support;

use support::{Run, root, run, stock};

#[test]
fn streams_are_those_of_stock_numpy() {
    let script = root().join("interp/tests/random/streams.py");
    let draws = std::env::var_os("MICRONUMPY_DRAWS").unwrap_or_else(|| "100000".into());
    let args = [script.as_os_str().to_owned(), draws];
    let expected = Run::new(stock(), &args).ok();
    let got = run(&args).ok();
    let split = |text: &str| text.split(">>> ").skip(1).map(str::to_string).collect::<Vec<_>>();
    let (expected, got) = (split(&expected), split(&got));
    assert!(expected.len() > 1400, "only {} calls", expected.len());
    assert_eq!(expected.len(), got.len(), "both make every call");
    let differing: Vec<String> = expected
        .iter()
        .zip(&got)
        .filter(|(e, g)| e != g)
        .map(|(e, g)| format!("stock:      {}\nmicronumpy: {}", e.trim_end(), g.trim_end()))
        .collect();
    assert!(differing.is_empty(), "{} calls differ:\n{}", differing.len(), differing.join("\n"));
}
