//! Every operation on every type, and made-up traces, for the processors of x86-64 older than this machine's: code for them takes other ways.

use jit::backend::Backend;
use jit::backend::cranelift::Cranelift;
use jit::backend::cranelift::isa::Isa;
use jit_filetests::fuzz::{self, Source};
use jit_filetests::suite::{self, Test};
use jit_filetests::variants;

/// Cases of a scalar operation.
const CASES: usize = 200;

/// Traces of the generator.
const FUZZED: u64 = 500;

/// Runs tests on the back ends for other processors.
struct Levels {
    backends: Vec<Cranelift>,
    failures: Vec<String>,
}

impl Levels {
    fn new() -> Levels {
        let host = Isa::host().map_or("", |isa| isa.name());
        let others = Isa::NAMES.into_iter().filter(|&name| name != host).filter_map(Isa::named);
        Levels { backends: others.filter(Isa::runs_here).map(Cranelift::new).collect(), failures: vec![] }
    }
    fn check(&mut self, mut test: Test) {
        let step = test.cases.len().div_ceil(CASES);
        test.cases = test.cases.into_iter().step_by(step).collect();
        let outcomes: Result<Vec<_>, _> =
            test.cases.iter().map(|case| variants::expected(&mut test.trace, case)).collect();
        let outcomes = outcomes.unwrap_or_else(|e| panic!("{e}"));
        for backend in &self.backends {
            let result = variants::one(&test.trace, backend as &dyn Backend, &test.cases, &outcomes);
            let message = match result {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => why.to_string(),
                Err(difference) => difference,
            };
            let (name, isa) = (&test.trace.name, backend.isa().name());
            self.failures.push(format!("{name} on {isa}: {message}\n{}", test.trace));
        }
    }
    fn finish(self) {
        let shown: Vec<&str> = self.failures.iter().take(10).map(String::as_str).collect();
        assert!(self.failures.is_empty(), "{} failures\n{}", self.failures.len(), shown.join("\n"));
    }
}

#[test]
fn every_operation_on_every_type() {
    let mut levels = Levels::new();
    suite::for_each(|test| levels.check(test));
    levels.finish();
}

#[test]
fn made_up_traces() {
    let mut levels = Levels::new();
    for seed in 0..FUZZED {
        let (trace, case) = fuzz::generate(&mut Source::seed(seed));
        levels.check(Test { trace, cases: vec![case] });
    }
    levels.finish();
}
