use super::*;
use crate::dtype::typestr::parse;

#[test]
fn pairs_agree_with_numpy() {
    let mut bad = Vec::new();
    for line in include_str!("tables.txt").lines().filter(|l| !l.starts_with('#')) {
        let parts: Vec<&str> = line.split(' ').collect();
        let dt = |i: usize| parse(&parts[0][i..=i]).unwrap();
        let (a, b) = (dt(0), dt(1));
        let got = match promote(&a, &b) {
            Ok(d) if d.num.is_flexible() || d.num.is_datetime() || d.num.is_object() => {
                let want = parse(parts[1]);
                want.is_ok_and(|w| w == d)
            }
            Ok(d) => d.num.char().map(|c| c as char) == parts[1].chars().next() && parts[1].len() == 1,
            Err(_) => parts[1] == "!",
        };
        let level = (0..=4)
            .find(|&l| {
                can_cast(
                    &a,
                    &b,
                    [Casting::No, Casting::Equiv, Casting::Safe, Casting::SameKind, Casting::Unsafe][l],
                )
            })
            .map(|l| l.to_string());
        if !got || level.as_deref() != Some(parts[2]) {
            bad.push(format!("{line}: {:?} {level:?}", promote(&a, &b).map(|d| (d.num, d.itemsize))));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

fn check(ops: &[&str], expected: &str) {
    let dtypes: Vec<Option<Dtype>> =
        ops.iter().map(|s| if s.starts_with("py") { None } else { Some(parse(s).unwrap()) }).collect();
    let ops: Vec<TypeOrWeak<'_>> = ops
        .iter()
        .zip(&dtypes)
        .map(|(s, d)| match (d, *s) {
            (Some(d), _) => TypeOrWeak::Dtype(d),
            (None, "pyint") => TypeOrWeak::Int,
            (None, "pyfloat") => TypeOrWeak::Float,
            (None, _) => TypeOrWeak::Complex,
        })
        .collect();
    let got = result_type(&ops).map_err(|e| e.to_string());
    match got {
        Ok(d) => assert_eq!(d, parse(expected).unwrap_or(Dtype::bool()), "{ops:?}"),
        Err(e) => assert!(e.contains(expected), "{ops:?}: {e}"),
    }
}

#[test]
fn sequences() {
    check(&["i2", "u2", "f4"], "f4");
    check(&["i2", "f4", "u2"], "f4");
    check(&[">i4"], "i4");
    check(&["?", "pyint"], "i8");
    check(&["u1", "pyint"], "u1");
    check(&["e", "pycomplex"], "F");
    check(&["pyint", "pyfloat"], "d");
    check(&["m8[s]", "pyint"], "m8[s]");
    check(&["S3", "U5", "i4"], "U11");
    check(&["O", "pyint", "S3"], "O");
    check(
        &["S3", "i4", "M8", "V3"],
        "The DType <class 'numpy.dtypes.VoidDType'> could not be promoted by <class \
         'numpy.dtypes.DateTime64DType'>.",
    );
    check(&["V3", "i4"], "VoidDType'> could not be promoted by <class 'numpy.dtypes.Int32DType'>");
    check(&["S3", "pyint"], "BytesDType'> could not be promoted by <class 'numpy.dtypes._PyLongDType'>");
}

#[test]
fn dates() {
    let p = |a: &str, b: &str| promote(&parse(a).unwrap(), &parse(b).unwrap()).map_err(|e| e.to_string());
    for (a, b, want) in [
        ("M8[Y]", "M8[7D]", "M8[7D]"),
        ("M8[2Y]", "M8[6D]", "M8[2D]"),
        ("M8[2Y]", "M8[24h]", "M8[24h]"),
        ("m8[2Y]", "m8[3M]", "m8[3M]"),
        ("m8[6h]", "m8[4h]", "m8[2h]"),
        ("M8[Y]", "m8[D]", "M8[D]"),
        ("m8", "M8[2s]", "M8[2s]"),
    ] {
        assert_eq!(p(a, b).unwrap(), parse(want).unwrap(), "{a} {b}");
    }
    assert!(p("m8[Y]", "m8[D]").unwrap_err().contains("[Y] and [D]"));
    assert!(p("M8[s]", "M8[as]").unwrap_err().starts_with("Integer overflow"));
}
