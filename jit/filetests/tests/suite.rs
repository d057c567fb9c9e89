//! Every operation on every type, on every back end.

use std::collections::BTreeMap;

use jit_filetests::{subtests, suite, variants};

#[test]
fn every_operation_on_every_type() {
    let (mut tests, mut failures) = (0, vec![]);
    let mut declined: BTreeMap<(&str, String), usize> = BTreeMap::new();
    suite::for_each(|test| {
        tests += 1;
        match variants::check(&test.trace, &test.cases) {
            Ok((_, refusals)) => {
                for d in refusals {
                    *declined.entry((d.backend, d.why.reason)).or_default() += 1;
                }
            }
            Err(failure) => failures.push(format!("{}: {failure}", test.trace.name)),
        }
    });
    println!("{tests} traces");
    for ((backend, why), n) in &declined {
        println!("{backend} declined {n}: {why}");
        let total = subtests::TOTAL.contains(backend);
        if total {
            failures.push(format!("{backend} declined {n}: {why}"));
        }
    }
    let shown: Vec<&str> = failures.iter().take(20).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), shown.join("\n"));
}
