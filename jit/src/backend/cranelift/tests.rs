//! What only this back end can get wrong. That it computes what it should is tested in `jit/filetests`, on every back end
//! and, for this one, on every instruction set.

use super::*;
use crate::ir::parse;

fn one(text: &str) -> Trace {
    parse(text).unwrap_or_else(|e| panic!("{e}")).remove(0)
}

fn listing(isa: &str, text: &str) -> String {
    let backend = Cranelift::new(Isa::named(isa).expect("a known instruction set"));
    backend.listing(&one(text)).unwrap_or_else(|e| panic!("{isa}: {e}"))
}

/// `a * b` over arrays, so many lanes at a time.
fn product(ty: &str, lanes: usize, size: usize) -> String {
    format!(
        "trace product(v0: ptr, v1: ptr, v2: ptr, v3: i64) {{
            v4 = const.i64 0
            loop v5 in v4..v3 step {lanes} {{
                v6 = load.{ty}x{lanes} v0[v5*{size}]
                v7 = load.{ty}x{lanes} v1[v5*{size}]
                v8 = mul v6, v7
                store v8, v2[v5*{size}]
                yield ()
            }}
            exit @0()
        }}"
    )
}

#[test]
fn wide_vectors_are_packed_instructions() {
    let check = |isa, ty, lanes, size, expected: &str, count| {
        let text = listing(isa, &product(ty, lanes, size));
        assert_eq!(text.matches(expected).count(), count, "{text}");
    };
    check("x86-64", "f64", 8, 8, "mulpd", 4);
    check("x86-64-v3", "f64", 8, 8, "vmulpd", 4);
    check("x86-64-v3", "f32", 16, 4, "vmulps", 4);
    check("x86-64-v3", "i16", 16, 2, "vpmullw", 2);
    check("aarch64", "f64", 8, 8, "fmul v", 4);
    check("aarch64", "f32", 16, 4, "fmul v", 4);
    // One register, half filled.
    check("x86-64-v3", "f32", 2, 4, "vmulps", 1);
}

#[test]
fn addresses_are_part_of_the_instructions() {
    let text = listing("x86-64-v3", &product("f64", 8, 8));
    assert!(text.contains("*8+30h]"), "{text}");
    // A stride that is a value is added, not multiplied by, each time.
    let text = listing(
        "x86-64-v3",
        "trace strided(v0: ptr, v1: i64, v2: i64) {
            v3 = const.i64 0
            loop v4 in v3..v1 {
                v5 = load.f64 v0[v4*v2]
                v6 = sqrt v5
                store v6, v0[v4*v2 + 8]
                yield ()
            }
            exit @0()
        }",
    );
    let (_, body) = text.split_once("L0:").expect("a loop");
    assert!(!body.contains("imul"), "{text}");
}

#[test]
fn minimum_is_an_instruction_and_a_blend() {
    let text = listing("x86-64-v3", &product("f64", 2, 8).replace("mul", "min"));
    assert_eq!(text.matches("vminpd").count(), 1, "{text}");
    assert_eq!(text.matches("vpblendvb").count(), 1, "{text}");
}

#[test]
fn conversions_of_vectors_are_not_made_lane_by_lane() {
    let narrow = |from: &str, to: &str| {
        format!(
            "trace convert(v0: ptr) {{
                v1 = load.{from}x8 v0[0]
                v2 = convert.{to} v1
                store v2, v0[64]
                exit @0()
            }}"
        )
    };
    for (from, to, expected) in [
        ("f64", "i32", "vcvttpd2dq"),
        ("f64", "f32", "vcvtpd2ps"),
        ("f32", "f64", "vcvtps2pd"),
        ("i32", "f64", "vcvtdq2pd"),
        ("i16", "f32", "vcvtdq2ps"),
        ("i64", "i8", "vpackuswb"),
    ] {
        let text = listing("x86-64-v3", &narrow(from, to));
        assert!(text.contains(expected) && !text.contains("vpextr"), "{from} to {to}:\n{text}");
    }
}

#[test]
fn a_panic_declines_the_trace() {
    // Not verified: the value is used before it is defined.
    let mut tr = one("trace t(v0: ptr, v1: i64) { v2 = neg v1 store v2, v0[0] exit @0() }");
    let insts = &mut tr.region_mut(Trace::ROOT).insts;
    insts.remove(0);
    let backend = Cranelift::new(Isa::named("x86-64").expect("a known instruction set"));
    let why = backend.emit(&tr).expect_err("a reason");
    assert!(why.reason.contains("panicked"), "{why}");
    // And the next one compiles.
    backend.emit(&one(&product("f64", 2, 8))).expect("code");
}

#[test]
fn calls_need_an_address() {
    let tr = one("extern f(f64) -> f64\n trace t(v0: f64) { v1 = call f(v0) exit @0(v1) }");
    let backend = Cranelift::new(Isa::named("x86-64").expect("a known instruction set"));
    assert!(backend.emit(&tr).expect_err("a reason").reason.contains("no address"));
}
