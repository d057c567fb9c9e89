//! Text and verifier.

use super::{parse, verify};

/// Reads, checks, prints and reads again.
fn round_trip(text: &str) {
    let first = parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    for tr in &first {
        verify(tr).unwrap_or_else(|e| panic!("{e}\n{tr}"));
        let printed = tr.to_string();
        let again = parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].to_string(), printed);
    }
}

const ALL: &str = "
extern test.add(f64, f64) -> f64
extern test.log(i64) reads writes raises
trace everything(v0: ptr, v1: i64, v2: f64, v3: bool) status ahead {
    v4 = const.f64 -1.5e-300
    v5 = const.f64 0x7ff8000000000001
    v6 = const.i8 -128   ; comments end with the line
    v7 = const.u64 18446744073709551615
    v8 = const.bool true
    v9 = sqrt v4
    v10 = add v9, v2
    v11 = fma v10, v9, v4
    v12 = ovf.mul v1, v1
    v13 = lt v11, v10
    v14 = select v13, v11, v10
    v15 = convert.i32 v14
    v16 = bitcast.f32 v15
    v17 = splat.8 v16
    v18 = iota.i32x8
    v19 = lane.3 v18
    v20 = reduce.add v18
    v21 = load.f32x8 v0[v1*4 + 8] !1
    v22 = load.f32x8 v0[v1*v1 + -8] by v1 !1
    store v21, v0[16]
    v23 = lea v0[v1*-16]
    v24 = call test.add(v2, v2)
    call test.log(v1)
    guard.false v3 else @17(v1, v2, v15)
    v25 = const.i64 0
    v26, v27 = loop v28 in v25..v1 step -2 carry (v29 = v2, v30 = v1) {
        v31 = if v3 {
            yield (v29)
        } else {
            v32 = loop carry (v33 = v29) {
                break v3 (v33)
                yield (v29)
            }
            yield (v32)
        }
        yield (v31, v28)
    }
    exit @1(v26, v27)
}
";

#[test]
fn text_reads_back() {
    round_trip(ALL);
}

#[test]
fn mistakes_are_found_where_they_are() {
    let bad = |text: &str| match parse(text) {
        Err(e) => e.to_string(),
        Ok(traces) => verify(&traces[0]).expect_err("a mistake").to_string(),
    };
    assert_eq!(bad("trace t() {\n v0 = frob v1\n}"), "line 2: not an operation: 'frob'");
    assert_eq!(bad("trace t(v0: i65) {}"), "line 1: not a type: 'i65'");
    assert_eq!(bad("trace t() {\n v0 = neg v1 }"), "line 2: no value of this name is defined here: 'v1'");
    assert!(bad("trace t() {\n v0 = const.i8 200 }").contains("not a constant of this type"));
    assert!(
        bad("trace t(v0: f64, v1: i64) { v2 = add v0, v1 exit @0() }").contains("v0 is f64, but v1 is i64")
    );
    assert!(bad("trace t(v0: f64) { v1 = and v0, v0 exit @0() }").contains("and does not take f64"));
    assert!(bad("trace t(v0: f64) { v1 = neg v0 }").contains("ends with yield or exit"));
    assert!(bad("trace t(v0: f64x2) { exit @0() }").contains("parameter v0 is a vector"));
    assert!(
        bad("trace t(v0: bool) { v1 = if v0 { v2 = not v0 yield (v2) } else { yield (v0) } exit @0(v2) }")
            .contains("is not defined here")
    );
}
