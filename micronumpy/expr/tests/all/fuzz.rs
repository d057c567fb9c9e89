//! Random expressions: compiled, block by block, by one thread and by several, and unfused; results and status must be the
//! same to the bit.
//!
//! `MICRONUMPY_FUZZ_SECONDS` makes it run longer, `MICRONUMPY_FUZZ_SEED` starts it somewhere else.

use std::time::{Duration, Instant};

use crate::random::{Rng, difference, leaves, program};
use micronumpy::cast::copy_into;
use micronumpy::{NdArray, Order};
use micronumpy_expr::threads::Team;
use micronumpy_expr::{Options, Tier, backend_names};

/// Threads that share out even small arrays.
fn team(threads: usize) -> Option<Team> {
    Some(Team { threads, grain: 100 })
}

fn ways() -> Vec<(&'static str, Options)> {
    let d = Options::default;
    let mut ways = vec![
        ("blocks", Options { tier: Tier::Blocks, team: team(1), ..d() }),
        ("blocks by three threads", Options { tier: Tier::Blocks, team: team(3), ..d() }),
        ("compiled by two threads", Options { tier: Tier::Compiled, team: team(2), ..d() }),
        ("unfused", Options { tier: Tier::Unfused, ..d() }),
        ("as it comes", d()),
    ];
    ways.extend(
        backend_names()
            .map(|name| (name, Options { tier: Tier::Compiled, team: team(1), backend: Some(name), ..d() })),
    );
    ways
}

fn check(seed: u64) {
    let mut rng = Rng(seed);
    let leaves = leaves(&mut rng);
    let steps = 2 + rng.below(9);
    let pool = program(&mut rng, &leaves, steps);
    let root = pool.values.len() - 1;
    let known = &pool.values[root];
    let want = known.array.view();
    let expected = pool.status(root);
    let tell = |way: &str, what: &str| -> String {
        let inputs: Vec<String> = leaves
            .iter()
            .map(|l| format!("{:?}{:?} strides {:?}", l.dtype.num, l.shape, l.strides))
            .collect();
        format!("seed {seed}, {way}: {what}\n{:?}\ninputs {inputs:?}", known.expr)
    };
    for (way, options) in ways() {
        let (array, status) = match known.expr.eval_with(&options) {
            Ok(r) => r,
            Err(e) => panic!("{}", tell(way, &format!("fails: {e}"))),
        };
        if let Some(d) = difference(&array.view(), &want) {
            panic!("{}", tell(way, &d));
        }
        assert_eq!(&array.strides[..], want.strides, "{}", tell(way, "strides"));
        // The reference computes in its own way, which raises other status.
        if way != "reference" {
            assert_eq!(status.raised, expected, "{}", tell(way, "status"));
        }
    }
    // Into an array in memory order of its own, and over an input.
    let out = NdArray::empty(want.shape, want.dtype, if rng.one_in(2) { Order::F } else { Order::C })
        .expect("memory");
    let options = Options { tier: rng.pick(&[Tier::Blocks, Tier::Compiled]), ..Options::default() };
    // SAFETY: a fresh array.
    let status =
        unsafe { known.expr.eval_into(&out.view(), &options) }.expect("an evaluation like the others");
    assert!(difference(&out.view(), &want).is_none(), "{}", tell("into", "differs"));
    assert_eq!(status.raised, expected, "{}", tell("into", "status"));
    let twin = leaves.iter().find(|l| {
        l.shape == *want.shape
            && l.dtype == *want.dtype
            && l.strides.iter().zip(&l.shape).all(|(&s, &n)| s != 0 || n <= 1)
    });
    if let Some(leaf) = twin {
        let view = leaf.view();
        let copy = NdArray::copy_of(&view, Order::C).expect("memory");
        // SAFETY: nobody else looks at the array during the evaluation.
        let status = unsafe { known.expr.eval_into(&view, &options) }.expect("an evaluation like the others");
        assert!(difference(&view, &want).is_none(), "{}", tell("in place", "differs"));
        assert_eq!(status.raised, expected, "{}", tell("in place", "status"));
        copy_into(&view, &copy.view()).expect("the old elements");
    }
}

#[test]
fn ways_of_evaluation_agree() {
    let number = |name| std::env::var(name).ok().and_then(|s| s.parse::<u64>().ok());
    let start = number("MICRONUMPY_FUZZ_SEED").unwrap_or(1);
    let limit = number("MICRONUMPY_FUZZ_SECONDS").map(Duration::from_secs);
    let begin = Instant::now();
    let mut seed = start;
    loop {
        check(seed);
        seed += 1;
        match limit {
            Some(limit) if begin.elapsed() < limit => {}
            None if seed < start + 400 => {}
            _ => break,
        }
    }
    println!("{} expressions", seed - start);
}
