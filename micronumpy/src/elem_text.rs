//! Elements from text: the longest prefix that spells a number, as `fromstring` reads it.

use ufuncs::elem::float16;
use ufuncs::float_parse::{complex_prefix, f64_prefix, i64_prefix, longdouble_prefix, u64_prefix};

use crate::dtype::TypeNum;

/// Read one element of a native builtin type from the start of `text` and append its bytes. Gives the number of bytes of
/// text used; 0 when there is no number or the type has no text form, and then nothing is appended. Integers wrap to
/// the type's size, as C conversions do.
pub fn parse_prefix(num: TypeNum, text: &[u8], out: &mut Vec<u8>) -> usize {
    use TypeNum as T;
    macro_rules! put {
        ($read:ident, |$v:ident| $value:expr) => {{
            let ($v, used) = $read(text);
            if used > 0 {
                out.extend_from_slice(&$value);
            }
            used
        }};
    }
    match num {
        T::BOOL => put!(f64_prefix, |v| [u8::from(v != 0.0)]),
        T::BYTE => put!(i64_prefix, |v| (v as i8).to_ne_bytes()),
        T::SHORT => put!(i64_prefix, |v| (v as i16).to_ne_bytes()),
        T::INT => put!(i64_prefix, |v| (v as i32).to_ne_bytes()),
        T::LONG | T::LONGLONG | T::DATETIME | T::TIMEDELTA => put!(i64_prefix, |v| v.to_ne_bytes()),
        T::UBYTE => put!(u64_prefix, |v| (v as u8).to_ne_bytes()),
        T::USHORT => put!(u64_prefix, |v| (v as u16).to_ne_bytes()),
        T::UINT => put!(u64_prefix, |v| (v as u32).to_ne_bytes()),
        T::ULONG | T::ULONGLONG => put!(u64_prefix, |v| v.to_ne_bytes()),
        T::HALF => put!(f64_prefix, |v| float16::from_f64(v).to_bits().to_ne_bytes()),
        T::FLOAT => put!(f64_prefix, |v| (v as f32).to_ne_bytes()),
        T::DOUBLE => put!(f64_prefix, |v| v.to_ne_bytes()),
        T::LONGDOUBLE => {
            let (v, used) = longdouble_prefix(text);
            if used > 0 {
                // SAFETY: the value is sixteen plain bytes.
                out.extend_from_slice(unsafe {
                    std::slice::from_raw_parts(std::ptr::from_ref(&v).cast::<u8>(), size_of_val(&v))
                });
            }
            used
        }
        T::CFLOAT | T::CDOUBLE | T::CLONGDOUBLE => {
            let (v, used) = complex_prefix(text);
            if used > 0 {
                for part in [v.re, v.im] {
                    match num {
                        T::CFLOAT => out.extend_from_slice(&(part as f32).to_ne_bytes()),
                        T::CDOUBLE => out.extend_from_slice(&part.to_ne_bytes()),
                        _ => {
                            let wide = ufuncs::elem::LongDouble::from(part);
                            // SAFETY: as above.
                            out.extend_from_slice(unsafe {
                                std::slice::from_raw_parts(
                                    std::ptr::from_ref(&wide).cast::<u8>(),
                                    size_of_val(&wide),
                                )
                            });
                        }
                    }
                }
            }
            used
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_prefixes() {
        let check = |num: TypeNum, text: &str, used: usize, bytes: &[u8]| {
            let mut out = vec![];
            assert_eq!(parse_prefix(num, text.as_bytes(), &mut out), used, "{text}");
            assert_eq!(out, bytes, "{text}");
        };
        check(TypeNum::INT, "12,3", 2, &12i32.to_ne_bytes());
        check(TypeNum::UBYTE, "300", 3, &[44]);
        check(TypeNum::DOUBLE, " 1.5e1x", 6, &15f64.to_ne_bytes());
        check(TypeNum::BOOL, "True", 0, &[]);
        check(TypeNum::STRING, "a", 0, &[]);
    }
}
