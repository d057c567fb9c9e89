use super::*;

fn check(got: Result<String, TooLarge>, expected: &str) {
    assert_eq!(got.as_deref(), Ok(expected));
}

fn opts(unique: bool, precision: u32) -> FormatOptions {
    FormatOptions { unique, precision: Some(precision), ..Default::default() }
}

#[test]
fn positional_cutoffs() {
    let p = |v: f64, n| positional(v, &opts(false, n));
    check(p(0.0006, 3), "0.001");
    check(p(0.00006, 3), "0.000");
    check(p(2.5, 0), "2.");
    check(p(0.5, 0), "0.");
    check(p(0.0, 3), "0.000");
    let u = |v: f64, n| positional(v, &opts(true, n));
    check(u(0.0005, 3), "0.001");
    check(u(0.99996, 3), "1.");
    check(u(1.5, 0), "2.");
    check(u(5e-324, 3), "0.000");
    let min = FormatOptions { min_digits: Some(20), ..Default::default() };
    check(positional(0.1, &min), "0.10000000000000000555");
    let total = FormatOptions { fractional: false, ..opts(false, 3) };
    check(positional(123.456, &FormatOptions { precision: Some(2), ..total }), "120.");
    check(positional(0.001, &total), "0.00100");
    check(positional(1.0, &total), "1.00");
    assert_eq!(positional(1.0, &opts(false, 100_000)), Err(TooLarge));
}

#[test]
fn padding() {
    let o =
        FormatOptions { pad_left: Some(5), pad_right: Some(5), trim: Trim::DptZeros, ..Default::default() };
    check(positional(1.0, &o), "    1      ");
    check(positional(-1.5, &o), "   -1.5    ");
    check(positional(f64::NAN, &o), "nan");
    check(scientific(-1.5, &o), "   -1.5e+00");
}

#[test]
fn scientific_layout() {
    let s = |v: f64, o: FormatOptions| scientific(v, &o);
    check(s(1.0, FormatOptions::default()), "1.e+00");
    check(s(9.9999, opts(true, 2)), "1.e+01");
    // Shortest it is 1e-320, which lies above it.
    check(s(1e-320, FormatOptions { min_digits: Some(8), ..Default::default() }), "9.99988867e-321");
    check(s(1.23456, FormatOptions { exp_digits: Some(0), ..opts(true, 3) }), "1.235e+");
    check(s(1.23456e100, FormatOptions { exp_digits: Some(40), ..opts(true, 3) }), "1.235e+00100");
    check(s(-1.5, FormatOptions { min_digits: Some(5), ..Default::default() }), "-1.50000e+00");
}

#[test]
fn scalars() {
    for (v, text) in
        [(1e16, "1e+16"), (9999999999999998.0, "9999999999999998.0"), (1e-4, "0.0001"), (-0.0, "-0.0")]
    {
        assert_eq!(scalar_str(v, false), text);
    }
    assert_eq!(scalar_str(1e-4f32, false), "1e-04");
    assert_eq!(scalar_str(999999.94f32, false), "999999.94");
    assert_eq!(scalar_str(1e6f32, false), "1e+06");
    assert_eq!(scalar_str(1e15f32, true), "1000000000000000.0");
    assert_eq!(scalar_str(f16::from_bits(0x7bff), false), "6.55e+04");
    assert_eq!(scalar_str(f16::from_bits(0x7bff), true), "65500.0");
    for (re, im, text) in [
        (0.0, 2.0, "2j"),
        (-0.0, 2.0, "(-0+2j)"),
        (f64::NAN, f64::INFINITY, "(nan+infj)"),
        (0.0, f64::NAN, "nanj"),
        (1.0, f64::NAN, "(1+nanj)"),
        (1.0, -0.0, "(1-0j)"),
        (1e-5, 1e100, "(1e-05+1e+100j)"),
    ] {
        assert_eq!(complex_str(re, im, false), text);
    }
}

#[test]
fn quadruple() {
    let tenth = FloatParts::from_f128_bits(0x3ffb_9999_9999_9999_9999_9999_9999_999a);
    let all = exact(tenth, true, Limit::None, Limit::None);
    assert_eq!((all.digits, all.exponent), (vec![b'1'], -1));
    let third = exact(
        FloatParts::from_f128_bits(0x3ffd_5555_5555_5555_5555_5555_5555_5555),
        false,
        Limit::Total(36),
        Limit::None,
    );
    assert_eq!(third.digits, b"333333333333333333333333333333333317");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn x87() {
    // The long double nearest to 0.1, and the least positive one.
    let mut tenth = [0; 16];
    tenth[..10].copy_from_slice(&[0xcd, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xfb, 0x3f]);
    assert_eq!(scalar_str(LongDouble::from_bytes(tenth), false), "0.1");
    let mut least = [0; 16];
    least[0] = 1;
    assert_eq!(scalar_str(LongDouble::from_bytes(least), false), "4e-4951");
}

#[test]
fn exact_algorithm_agrees_with_shortest() {
    fn agree<T: ToDecimal + std::fmt::LowerExp>(v: T) {
        let parts = v.parts();
        if matches!(parts.class, Class::Finite { .. }) {
            let exact = exact(parts, true, Limit::None, Limit::None);
            assert_eq!(shortest(v, parts).unwrap_or_else(|| exact.clone()), exact, "{v:e}");
        }
    }
    let mut bits = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..20_000 {
        bits = bits.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        agree(f64::from_bits(bits >> 1));
        agree(f32::from_bits((bits >> 33) as u32));
        agree((bits >> 44) as f32 / 64.0);
        agree((bits >> 24) as f32);
    }
    for e in -1074..1024 {
        agree(2f64.powi(e));
    }
}
