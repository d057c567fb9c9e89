//! Nanoseconds per element of the registered loops, the least of several rounds: no arrays, no allocation, no status.
//!
//! `cargo bench -p ufuncs` measures the common arithmetic, `cargo bench -p ufuncs -- sqrt divide` the ufuncs named.
//! `MICRONUMPY_CPU` lowers the level.

use std::hint::black_box;
use std::ptr::{null, null_mut};
use std::time::Instant;

use ufuncs::{LoopDef, TypeNum, table};

const COMMON: &[&str] = &[
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "maximum",
    "less",
    "logical_and",
    "negative",
    "absolute",
    "square",
    "sqrt",
    "floor",
    "isnan",
    "exp",
    "log",
    "sin",
    "power",
];
/// Booleans, integers, and floats of all kinds.
const TYPES: &str = "?bilefdD";
const SIZES: [usize; 2] = [1_000, 100_000];

/// Elements that are ordinary numbers of the type, and no zero: bytes by the number of the type.
fn elements(t: TypeNum, n: usize, seed: usize) -> Vec<u128> {
    let mut words = vec![0u128; (n * t.size()).div_ceil(16)];
    let p = words.as_mut_ptr().cast::<u8>();
    for i in 0..n {
        let value = 1.0 + ((i * 7919 + seed * 31) % 97) as f64 / 16.0;
        // SAFETY: element `i` of the type the number stands for.
        unsafe {
            let p = p.add(i * t.size());
            match t {
                TypeNum::BOOL => p.write(value as u8 & 1),
                TypeNum::BYTE | TypeNum::UBYTE => p.write(value as u8),
                TypeNum::SHORT | TypeNum::USHORT => p.cast::<u16>().write(value as u16),
                TypeNum::INT | TypeNum::UINT => p.cast::<u32>().write(value as u32),
                TypeNum::HALF => p.cast::<u16>().write(ufuncs::elem::float16::from_f64(value).to_bits()),
                TypeNum::FLOAT => p.cast::<f32>().write(value as f32),
                TypeNum::DOUBLE => p.cast::<f64>().write(value),
                TypeNum::CDOUBLE => p.cast::<[f64; 2]>().write([value, 0.5 - value]),
                _ => p.cast::<u64>().write(value as u64),
            }
        }
    }
    words
}

/// Nanoseconds per element of a call with these strides, in elements; an output of stride 0 is the first input too.
fn measure(def: &LoopDef, n: usize, steps: &[usize]) -> f64 {
    let mut memory: Vec<Vec<u128>> =
        def.types.iter().enumerate().map(|(i, &t)| elements(t, n * steps[i].max(1), i)).collect();
    let mut data: Vec<*mut u8> = memory.iter_mut().map(|words| words.as_mut_ptr().cast()).collect();
    let strides: Vec<isize> =
        steps.iter().zip(def.types.iter()).map(|(&s, t)| (s * t.size()) as isize).collect();
    if strides[strides.len() - 1] == 0 {
        data[0] = data[strides.len() - 1];
    }
    let calls = (2_000_000 / n).clamp(1, 2_000);
    let mut best = f64::INFINITY;
    for _ in 0..7 {
        let begin = Instant::now();
        for _ in 0..calls {
            // SAFETY: `n` elements of each type at each stride are in `memory`.
            black_box(unsafe {
                (def.func)(null(), data.as_ptr(), &(n as isize), strides.as_ptr(), null_mut())
            });
        }
        best = best.min(begin.elapsed().as_secs_f64() / calls as f64);
    }
    best / n as f64 * 1e9
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let names: Vec<&str> =
        if asked.is_empty() { COMMON.to_vec() } else { asked.iter().map(String::as_str).collect() };
    println!(
        "{:16}{:8}{:>10}{:>12}{:>12}{:>12}{:>12}",
        "", "", "elements", "contiguous", "scalar", "strided", "reduce"
    );
    for name in names {
        let Some(def) = table::find(name).filter(|def| def.signature.is_none() && def.nin < 3) else {
            println!("{name}: no such elementwise ufunc");
            continue;
        };
        let mut seen: Vec<&[TypeNum]> = Vec::new();
        for row in def.loops {
            let letter = row.types[0].char().unwrap_or(b' ') as char;
            if !TYPES.contains(letter) || seen.contains(&&*row.types) {
                continue;
            }
            seen.push(&row.types);
            for n in SIZES {
                let outs = vec![1; def.nout];
                let with = |ins: &[usize], outs: &[usize]| measure(row, n, &[ins, outs].concat());
                let contiguous = with(&vec![1; def.nin], &outs);
                let strided = with(&vec![2; def.nin], &outs);
                print!("{name:16}{letter:8}{n:10}{contiguous:12.3}");
                if def.nin == 2 {
                    print!("{:12.3}{strided:12.3}", with(&[1, 0], &outs));
                } else {
                    print!("{:12}{strided:12.3}", "");
                }
                let folds = def.nin == 2 && def.nout == 1 && row.types.iter().all(|t| *t == row.types[0]);
                match folds {
                    true => println!("{:12.3}", with(&[0, 1], &[0])),
                    false => println!(),
                }
            }
        }
    }
}
