//! No elementary function gets less accurate than `src/vmath/accuracy.tsv` says: level, name, points, type, largest and mean
//! error in units of the last place.
//!
//! After a change for the better, record it:
//!
//!     for level in avx2 avx512; do MICRONUMPY_CPU=$level cargo run --release -p ufuncs --example vmath tsv; done

#![cfg(target_arch = "x86_64")]

mod measure;

use std::collections::HashMap;

use ufuncs::cpu::Level;

const TABLE: &str = include_str!("../../src/vmath/accuracy.tsv");

#[test]
fn no_function_is_less_accurate_than_recorded() {
    let level = Level::current().name();
    // There the C library answers, and its errors are its own.
    if level == "baseline" {
        return;
    }
    let mut recorded: HashMap<String, (f64, f64)> = HashMap::new();
    for line in TABLE.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [of, name, points, dtype, worst, mean] = fields[..] else { panic!("six fields: {line}") };
        if of == level {
            let key = format!("{name} {points} {dtype}");
            recorded.insert(key, (worst.parse().expect("a number"), mean.parse().expect("a number")));
        }
    }
    let mut worse = Vec::new();
    let mut seen = 0;
    measure::all(
        |_| true,
        measure::RECORDED,
        0,
        |m| {
            seen += 1;
            let key = format!("{} {} {}", m.name, m.points, m.dtype);
            match recorded.get(&key) {
                // What is recorded is rounded, and references of other C libraries differ in their last bits.
                Some((worst, mean)) if m.errors.worst <= worst + 0.002 && m.errors.mean <= mean + 0.0005 => {}
                _ => worse.push(m.record(level)),
            }
        },
    );
    assert!(worse.is_empty(), "less accurate than recorded, or not recorded:\n{}", worse.join("\n"));
    assert_eq!(seen, recorded.len(), "records of functions that nobody measures");
}
