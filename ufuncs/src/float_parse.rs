//! Numbers from text.
//!
//! Two families. The `*_prefix` functions read what C's `strtod` and `strtol` would and say how far they came: they serve
//! `fromstring` and `fromfile`, quirks included. The strict ones accept a whole field or nothing: `loadtxt`. Text is
//! bytes; callers narrow wide strings first (anything beyond ASCII is not a number here).

use crate::elem::{Complex, Complex64, LongDouble};

fn is_space(b: u8) -> bool {
    b == b' ' || (b'\t'..=b'\r').contains(&b)
}

fn skip_space(text: &[u8]) -> usize {
    text.iter().take_while(|&&b| is_space(b)).count()
}

fn trim(text: &[u8]) -> &[u8] {
    let text = &text[skip_space(text)..];
    let end = text.iter().rposition(|&b| !is_space(b)).map_or(0, |i| i + 1);
    &text[..end]
}

fn count_digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// A finite or special number right at the start of `text`: sign, then digits or a word.
fn number(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let sign = usize::from(negative || text.first() == Some(&b'+'));
    let body = &text[sign..];
    let signed = |x: f64| if negative { -x } else { x };
    if starts_with(body, b"nan") {
        return Some((signed(f64::NAN), sign + 3));
    }
    if starts_with(body, b"inf") {
        return Some((signed(f64::INFINITY), sign + if starts_with(body, b"infinity") { 8 } else { 3 }));
    }
    let whole = count_digits(body);
    let mut end = whole;
    let mut fraction = 0;
    if body.get(end) == Some(&b'.') {
        fraction = count_digits(&body[end + 1..]);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    // An exponent counts only with digits.
    if matches!(body.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(body.get(end + 1), Some(b'+' | b'-')));
        let digits = count_digits(&body[end + 1 + sign..]);
        if digits > 0 {
            end += 1 + sign + digits;
        }
    }
    let value = std::str::from_utf8(&body[..end]).ok()?.parse::<f64>().ok()?;
    Some((signed(value), sign + end))
}

/// Reads a `double` as `strtod` does, without hexadecimal: the value and the number of bytes used (0: no number).
pub fn f64_prefix(text: &[u8]) -> (f64, usize) {
    let space = skip_space(text);
    let Some((value, mut used)) = number(&text[space..]) else { return (0.0, 0) };
    // C lets a payload follow in parentheses.
    if let Some(rest) = text.get(space + used..).filter(|r| value.is_nan() && r.first() == Some(&b'(')) {
        let word = rest[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if rest.get(1 + word) == Some(&b')') {
            used += word + 2;
        }
    }
    (value, space + used)
}

/// Reads a `long double`: the value and the number of bytes used (0: no number).
pub fn longdouble_prefix(text: &[u8]) -> (LongDouble, usize) {
    LongDouble::parse_prefix(text)
}

/// Reads `re`, `re+imj` or `imj`. Like numpy, a failed number counts as -1 and a second part without `j` is dropped.
pub fn complex_prefix(text: &[u8]) -> (Complex64, usize) {
    let read = |text: &[u8]| match f64_prefix(text) {
        (_, 0) => (-1.0, 0),
        found => found,
    };
    let (first, used) = read(text);
    match text.get(used) {
        Some(b'+' | b'-') => {
            let (second, more) = read(&text[used..]);
            let end = used + more;
            if text.get(end) == Some(&b'j') {
                (Complex::new(first, second), end + 1)
            } else {
                (Complex::new(first, 0.0), end)
            }
        }
        Some(b'j') => (Complex::new(0.0, first), used + 1),
        _ if used == 0 => (Complex::new(0.0, 0.0), 0),
        _ => (Complex::new(first, 0.0), used),
    }
}

/// Decimal digits as a number that stops at the greatest value; also says whether it had to.
fn digits_saturating(digits: &[u8]) -> (u64, bool) {
    digits.iter().fold((0u64, false), |(value, over), b| {
        match value.checked_mul(10).and_then(|v| v.checked_add(u64::from(b - b'0'))) {
            Some(v) if !over => (v, false),
            _ => (u64::MAX, true),
        }
    })
}

/// Reads a signed integer as `strtol` does with base 10; out of range gives the nearest value. Space after the sign is
/// skipped.
pub fn i64_prefix(text: &[u8]) -> (i64, usize) {
    let mut at = skip_space(text);
    let negative = text.get(at) == Some(&b'-');
    if negative || text.get(at) == Some(&b'+') {
        at += 1;
        at += skip_space(&text[at..]);
    }
    let n = count_digits(&text[at..]);
    if n == 0 {
        return (0, 0);
    }
    let (magnitude, _) = digits_saturating(&text[at..at + n]);
    let value = if negative {
        0i64.checked_sub_unsigned(magnitude).unwrap_or(i64::MIN)
    } else {
        i64::try_from(magnitude).unwrap_or(i64::MAX)
    };
    (value, at + n)
}

/// Reads an unsigned integer, without any sign; out of range gives the greatest value.
pub fn u64_prefix(text: &[u8]) -> (u64, usize) {
    let space = skip_space(text);
    let n = count_digits(&text[space..]);
    if n == 0 {
        return (0, 0);
    }
    (digits_saturating(&text[space..space + n]).0, space + n)
}

/// A whole field as a `double`; space around it is allowed.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let text = trim(text);
    number(text).and_then(|(value, used)| (used == text.len()).then_some(value))
}

/// A whole field as a `long double`; space around it is allowed.
pub fn parse_longdouble(text: &[u8]) -> Option<LongDouble> {
    let text = trim(text);
    let (value, used) = LongDouble::parse_prefix(text);
    (used == text.len() && used > 0).then_some(value)
}

/// A whole field as a complex number: `re`, `imj` or `re+imj`, optionally in parentheses.
pub fn parse_complex(text: &[u8]) -> Option<Complex64> {
    let mut text = trim(text);
    if let [b'(', inner @ .., b')'] = text {
        text = trim(inner);
    }
    let (first, used) = number(text)?;
    match &text[used..] {
        [] => Some(Complex::new(first, 0.0)),
        [b'j'] => Some(Complex::new(0.0, first)),
        rest @ [sign @ (b'+' | b'-'), ..] => {
            // The sign belongs to the number, but `1+-2j` is accepted too.
            let start = usize::from(*sign == b'+' && rest.get(1) == Some(&b'-'));
            let (second, more) = number(&rest[start..])?;
            (rest[start + more..] == *b"j").then_some(Complex::new(first, second))
        }
        _ => None,
    }
}

/// A whole field as an integer between the bounds; space around it is allowed.
fn parse_int(text: &[u8], low: i128, high: i128) -> Option<i128> {
    let text = trim(text);
    let negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(negative || text.first() == Some(&b'+'))..];
    if digits.is_empty() || count_digits(digits) != digits.len() || negative && low == 0 {
        return None;
    }
    let (magnitude, over) = digits_saturating(digits);
    let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
    (!over && (low..=high).contains(&value)).then_some(value)
}

/// A whole field as a signed integer of `bits` bits.
pub fn parse_i64(text: &[u8], bits: u32) -> Option<i64> {
    let high = i128::from(i64::MAX >> (64 - bits.clamp(1, 64)));
    parse_int(text, -high - 1, high).and_then(|v| v.try_into().ok())
}

/// A whole field as an unsigned integer of `bits` bits; `-` is refused.
pub fn parse_u64(text: &[u8], bits: u32) -> Option<u64> {
    parse_int(text, 0, i128::from(u64::MAX >> (64 - bits.clamp(1, 64)))).and_then(|v| v.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let check =
            |text: &str, value: f64, used| assert_eq!(f64_prefix(text.as_bytes()), (value, used), "{text}");
        check(" 1.5e3x", 1500.0, 6);
        check("1e 5", 1.0, 1);
        check("0x10", 0.0, 1);
        check("5.e1", 50.0, 4);
        check(".", 0.0, 0);
        check("-Infinit", f64::NEG_INFINITY, 4);
        check("1e400", f64::INFINITY, 5);
        assert_eq!(f64_prefix(b"nan(ab_1) 5").1, 9);
        assert_eq!(f64_prefix(b"nan(ab 5").1, 3);
        let complex = |text: &str| complex_prefix(text.as_bytes());
        assert_eq!(complex("1+2j 3"), (Complex::new(1.0, 2.0), 4));
        assert_eq!(complex("1+2"), (Complex::new(1.0, 0.0), 3));
        assert_eq!(complex("j"), (Complex::new(0.0, -1.0), 1));
        assert_eq!(complex("x").1, 0);
        assert_eq!(complex("1-j"), (Complex::new(1.0, 0.0), 1));
        assert_eq!(i64_prefix(b" - 5,"), (-5, 4));
        assert_eq!(i64_prefix(b"99999999999999999999"), (i64::MAX, 20));
        assert_eq!(i64_prefix(b"-9223372036854775808"), (i64::MIN, 20));
        assert_eq!(u64_prefix(b"+5"), (0, 0));
    }

    #[test]
    fn fields() {
        for (text, value) in [
            ("1.5 ", Some(1.5)),
            ("nan(1)", None),
            ("1_0", None),
            ("0x10", None),
            ("iNf", Some(f64::INFINITY)),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), value, "{text}");
        }
        for (text, value) in [
            ("( 1+2j )", Some((1.0, 2.0))),
            ("1+-2j", Some((1.0, -2.0))),
            ("1 + 2j", None),
            ("1+2", None),
            ("2J", None),
            ("-3j", Some((0.0, -3.0))),
            ("(1", None),
        ] {
            assert_eq!(parse_complex(text.as_bytes()), value.map(|(re, im)| Complex::new(re, im)), "{text}");
        }
        assert_eq!(parse_i64(b" -128 ", 8), Some(-128));
        assert_eq!(parse_i64(b"128", 8), None);
        assert_eq!(parse_i64(b"9223372036854775808", 64), None);
        assert_eq!(parse_u64(b"+255", 8), Some(255));
        assert_eq!((parse_u64(b"-0", 8), parse_u64(b"1.5", 8), parse_u64(b"", 8)), (None, None, None));
    }
}
