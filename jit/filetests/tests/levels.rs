//! Every operation on every type, for the processors of x86-64 older than this machine's: code for them takes other ways.

use jit::backend::Backend;
use jit::backend::cranelift::Cranelift;
use jit::backend::cranelift::isa::Isa;
use jit_filetests::{suite, variants};

/// Cases of a scalar operation.
const CASES: usize = 200;

#[test]
fn every_operation_on_every_type() {
    let host = Isa::host().map_or("", |isa| isa.name());
    let others = Isa::NAMES.into_iter().filter(|&name| name != host).filter_map(Isa::named);
    let backends: Vec<Cranelift> = others.filter(Isa::runs_here).map(Cranelift::new).collect();
    let mut failures = vec![];
    suite::for_each(|mut test| {
        let step = test.cases.len().div_ceil(CASES);
        test.cases = test.cases.into_iter().step_by(step).collect();
        let outcomes: Result<Vec<_>, _> =
            test.cases.iter().map(|case| variants::expected(&mut test.trace, case)).collect();
        let outcomes = outcomes.unwrap_or_else(|e| panic!("{e}"));
        for backend in &backends {
            let result = variants::one(&test.trace, backend as &dyn Backend, &test.cases, &outcomes);
            let message = match result {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => why.to_string(),
                Err(difference) => difference,
            };
            failures.push(format!("{} on {}: {message}", test.trace.name, backend.isa().name()));
        }
    });
    let shown: Vec<&str> = failures.iter().take(20).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), shown.join("\n"));
}
