//! Values at which operations change their ways.

use jit::ir::{Const, Scalar};

/// For each type: zeros, ones, the ends of the range, what lies around widths, powers and halves, and every kind of NaN.
pub fn values(s: Scalar) -> Vec<u64> {
    let bits = i64::from(s.bits());
    let all: Vec<u64> = match s {
        Scalar::Bool => vec![0, 1],
        Scalar::F64 => floats().into_iter().map(f64::to_bits).chain([0x7ff0_0000_0000_0001]).collect(),
        Scalar::F32 => {
            floats().into_iter().map(|x| u64::from((x as f32).to_bits())).chain([0x7f80_0001]).collect()
        }
        // Zero, subnormals, the smallest normal ones, one and its neighbours, the largest, infinity, NaN.
        Scalar::F16 => {
            [0, 1, 2, 0x3ff, 0x400, 0x401, 0x3bff, 0x3c00, 0x3c01, 0x4900, 0x7bff, 0x7c00, 0x7c01, 0x7e00]
                .into_iter()
                .flat_map(|h| [h, h | 0x8000])
                .collect()
        }
        Scalar::Ptr => vec![0, 1, u64::MAX],
        _ => {
            let min = if s.is_signed() { i64::MIN >> (64 - bits) } else { 0 };
            let max = if s.is_signed() { !min as u64 } else { u64::MAX >> (64 - bits) };
            let small = [-7, -2, -1, 0, 1, 2, 3, 10, bits / 2, bits - 1, bits, bits + 1, 64];
            small
                .into_iter()
                .map(|n| n as u64)
                .chain([min as u64, (min + 1) as u64, max / 2, max / 2 + 1, max - 1, max])
                .chain([0x5a5a_1234_8765_a5a5])
                .collect()
        }
    };
    let mut unique = vec![];
    for bits in all {
        let bits = Const::canonical(s, bits).bits;
        if !unique.contains(&bits) {
            unique.push(bits);
        }
    }
    unique
}

fn floats() -> Vec<f64> {
    let positive = [
        0.0,
        f64::from_bits(1),
        f64::from(f32::from_bits(1)),
        f64::from(f32::MIN_POSITIVE),
        f64::MIN_POSITIVE,
        0.49999999999999994,
        0.5,
        1.0,
        1.5,
        2.5,
        3.0,
        127.5,
        128.0,
        255.5,
        300.7,
        32768.0,
        65504.0,
        65519.99,
        65520.0,
        2147483647.5,
        2147483648.0,
        4294967295.5,
        4294967296.0,
        4503599627370497.5,
        9223372036854774784.0,
        9223372036854775808.0,
        13835058055282163712.0,
        18446744073709551616.0,
        f64::from(f32::MAX),
        1e300,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ];
    positive.into_iter().flat_map(|x| [x, -x]).collect()
}
