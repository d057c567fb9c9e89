//! Accuracy and speed of the elementary functions, as the table of `src/vmath/ACCURACY.md`.
//!
//!     cargo run --release -p ufuncs --example vmath [name...]
//!     cargo run --release -p ufuncs --example vmath tsv
//!
//! The second form gives the lines of `src/vmath/accuracy.tsv` for the level, which `MICRONUMPY_CPU` selects. Errors are in
//! units of the last place.

#[path = "../tests/accuracy/measure.rs"]
mod measure;

use ufuncs::cpu::Level;

/// Points for the errors, and for the time.
const POINTS: usize = 1_000_000;
const TIMED: usize = 100_000;

fn main() {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names == ["tsv"] {
        measure::all(|_| true, measure::RECORDED, 0, |m| println!("{}", m.record(Level::current().name())));
        return;
    }
    println!("Level: {}.\n", Level::current().name());
    println!("| function | points | f64, ulp | f64, ns | f32, ulp | f32, ns |");
    println!("|---|---|---|---|---|---|");
    measure::all(
        |name| names.is_empty() || names.iter().any(|n| n == name),
        POINTS,
        TIMED,
        |m| {
            if m.dtype == "f64" {
                print!("| {} | {} |", m.name, m.points);
            }
            print!(" {:.3} | {:.2} |", m.errors.worst, m.time);
            if m.dtype == "f32" {
                println!();
            }
        },
    );
}
