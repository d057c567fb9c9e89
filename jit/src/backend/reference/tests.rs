//! The executor on small traces; all operations on edge values are tested elsewhere, against back ends.

use super::*;
use crate::ir::{parse, verify};

fn trace(text: &str) -> Trace {
    let mut traces = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let tr = traces.remove(0);
    verify(&tr).unwrap_or_else(|e| panic!("{e}\n{tr}"));
    tr
}

/// Runs with checks; gives the key of the exit and its values.
fn run_text(text: &str, params: &[u64], areas: &[Area]) -> Result<(u64, Vec<u64>), String> {
    let tr = trace(text);
    let mut slots = params.to_vec();
    slots.resize(tr.slots(), 0);
    // SAFETY: the areas of these tests are locals of the caller, and the traces call nothing.
    let snap = unsafe { run_checked(&tr, &mut slots, areas, 1000) }.map_err(|f| f.to_string())?;
    let snap = tr.snapshot(snap);
    Ok((snap.key, slots[..snap.values.len()].to_vec()))
}

const SUM: &str = "trace sum(v0: ptr, v1: i64) {
    v2 = const.i64 0
    v3 = const.f64 0.0
    v4 = loop v5 in v2..v1 carry (v6 = v3) {
        v7 = load.f64 v0[v5*8] !1
        v8 = add v6, v7
        v9 = lt v8, v3
        guard.false v9 else @7(v5, v8)
        yield (v8)
    }
    exit @1(v4)
}";

fn area(data: &[f64], class: u16) -> Area {
    let start = data.as_ptr() as usize;
    Area { bytes: start..start + size_of_val(data), class: MemClass(class), writable: false }
}

#[test]
fn loops_guards_and_exits() {
    let data = [1.0, 2.0, -4.0, 8.0];
    let p = data.as_ptr() as u64;
    let areas = [area(&data, 1)];
    assert_eq!(run_text(SUM, &[p, 2], &areas), Ok((1, vec![3f64.to_bits()])));
    assert_eq!(run_text(SUM, &[p, 0], &areas), Ok((1, vec![0])));
    assert_eq!(run_text(SUM, &[p, 4], &areas), Ok((7, vec![2, (-1f64).to_bits()])));
}

#[test]
fn promises_are_checked() {
    let data = [1.0, 2.0];
    let p = data.as_ptr() as u64;
    let load = "trace t(v0: ptr) { v1 = load.f64x2 v0[8] !1 exit @0() }";
    let fails = |text, areas: &[Area]| run_text(text, &[p], areas).expect_err("a fault");
    assert_eq!(fails(load, &[area(&data, 1)]), "inst0: read of lane 1 is out of bounds");
    let load = "trace t(v0: ptr) { v1 = load.f64x2 v0[0] !1 exit @0() }";
    assert_eq!(fails(load, &[area(&data, 2)]), "inst0: memory of class 2 is not of class 1");
    let store = "trace t(v0: ptr) { v1 = const.f64 0.0 store v1, v0[0] exit @0() }";
    assert_eq!(fails(store, &[area(&data, 0)]), "inst1: write of lane 0 is out of bounds");
    let endless = "trace t(v0: ptr) { loop { yield () } exit @0() }";
    assert_eq!(fails(endless, &[]), "inst0: runs too long");
}

extern "C" fn mixed(a: i8, x: f32, p: *const u16, y: f64, flag: bool) -> f32 {
    // SAFETY: the test passes the address of a local.
    let z = unsafe { *p };
    if flag { f32::from(a) + x * 2.0 + f32::from(z) - y as f32 } else { f32::NAN }
}

#[test]
fn calls_pass_every_kind_of_argument() {
    let mut tr = trace(
        "extern test.mixed(i8, f32, ptr, f64, bool) -> f32
        trace t(v0: i8, v1: f32, v2: ptr, v3: f64, v4: bool) {
            v5 = call test.mixed(v0, v1, v2, v3, v4)
            exit @0(v5)
        }",
    );
    assert!(Reference.compile(&tr).is_err());
    tr.calls[0].addr = mixed as *const () as usize;
    let code = Reference.compile(&tr).expect("a function with an address");
    let cell = 1000u16;
    let mut slots = [-5i64 as u64, u64::from(1.5f32.to_bits()), &raw const cell as u64, 0.25f64.to_bits(), 1];
    // SAFETY: five slots are what it needs, and `cell` is readable.
    let snap = unsafe { code.call(slots.as_mut_ptr()) };
    assert_eq!((snap.index(), f32::from_bits(slots[0] as u32)), (0, 997.75));
}
