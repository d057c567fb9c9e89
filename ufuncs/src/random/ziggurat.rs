//! Standard normal and exponential variates by the ziggurat method (Marsaglia and Tsang, 256 layers).
//!
//! One draw gives the layer and the place in it; nearly always the place is under the curve for sure and a multiplication
//! ends the work. The tables are data, not computed: upstream's were made in floating point, and their last bits are part
//! of the streams. `tables_follow_the_construction` checks that they are what they should be. `data/ziggurat.bin` holds,
//! little-endian, 256 entries each of: ki, wi, fi (normal, 64 bits), ke, we, fe (exponential, 64 bits), and the same six for 32
//! bits. k: bound below which a layer accepts; w: width of a layer per unit of the draw; f: height of the curve there.

use super::bitgen::Bits;

/// Where the tail of the normal curve begins.
const NORMAL_R: f64 = 3.654_152_885_361_009;
const NORMAL_INV_R: f64 = 0.273_661_237_329_758_3;
const EXP_R: f64 = 7.697_117_470_131_05;

static DATA: &[u8; 18432] = include_bytes!("data/ziggurat.bin");

macro_rules! table {
    ($name:ident, $t:ty, $bits:ty, $from:path, $offset:expr) => {
        static $name: [$t; 256] = {
            let mut table = [$from(0); 256];
            let mut i = 0;
            while i < 256 {
                let (mut bits, mut byte) = (0 as $bits, 0);
                while byte < size_of::<$bits>() {
                    bits |= (DATA[$offset + i * size_of::<$bits>() + byte] as $bits) << (8 * byte);
                    byte += 1;
                }
                table[i] = $from(bits);
                i += 1;
            }
            table
        };
    };
}

const fn same64(x: u64) -> u64 {
    x
}
const fn same32(x: u32) -> u32 {
    x
}

table!(KI, u64, u64, same64, 0);
table!(WI, f64, u64, f64::from_bits, 2048);
table!(FI, f64, u64, f64::from_bits, 2 * 2048);
table!(KE, u64, u64, same64, 3 * 2048);
table!(WE, f64, u64, f64::from_bits, 4 * 2048);
table!(FE, f64, u64, f64::from_bits, 5 * 2048);
table!(KI32, u32, u32, same32, 6 * 2048);
table!(WI32, f32, u32, f32::from_bits, 6 * 2048 + 1024);
table!(FI32, f32, u32, f32::from_bits, 6 * 2048 + 2 * 1024);
table!(KE32, u32, u32, same32, 6 * 2048 + 3 * 1024);
table!(WE32, f32, u32, f32::from_bits, 6 * 2048 + 4 * 1024);
table!(FE32, f32, u32, f32::from_bits, 6 * 2048 + 5 * 1024);

/// A normal variate with mean 0 and variance 1.
#[inline]
pub fn standard_normal(rng: &impl Bits) -> f64 {
    loop {
        let bits = rng.u64();
        let layer = (bits & 0xff) as usize;
        let magnitude = (bits >> 9) & 0x000f_ffff_ffff_ffff;
        let mut x = magnitude as f64 * WI[layer];
        if bits >> 8 & 1 != 0 {
            x = -x;
        }
        if magnitude < KI[layer] {
            return x;
        }
        if layer == 0 {
            loop {
                let xx = -NORMAL_INV_R * (-rng.f64()).ln_1p();
                let yy = -(-rng.f64()).ln_1p();
                if yy + yy > xx * xx {
                    let tail = NORMAL_R + xx;
                    return if magnitude >> 8 & 1 != 0 { -tail } else { tail };
                }
            }
        }
        if (FI[layer - 1] - FI[layer]) * rng.f64() + FI[layer] < (-0.5 * x * x).exp() {
            return x;
        }
    }
}

/// As [`standard_normal`], from 32 bits.
#[inline]
pub fn standard_normal_f32(rng: &impl Bits) -> f32 {
    const R: f32 = NORMAL_R as f32;
    const INV_R: f32 = NORMAL_INV_R as f32;
    loop {
        let bits = rng.u32();
        let layer = (bits & 0xff) as usize;
        let magnitude = (bits >> 9) & 0x007f_ffff;
        let mut x = magnitude as f32 * WI32[layer];
        if bits >> 8 & 1 != 0 {
            x = -x;
        }
        if magnitude < KI32[layer] {
            return x;
        }
        if layer == 0 {
            loop {
                let xx = -INV_R * (-rng.f32()).ln_1p();
                let yy = -(-rng.f32()).ln_1p();
                if yy + yy > xx * xx {
                    let tail = R + xx;
                    return if magnitude >> 8 & 1 != 0 { -tail } else { tail };
                }
            }
        }
        // The height of the curve is taken in double precision, the height of the draw in single.
        let height = (FI32[layer - 1] - FI32[layer]) * rng.f32() + FI32[layer];
        if f64::from(height) < (-0.5 * f64::from(x) * f64::from(x)).exp() {
            return x;
        }
    }
}

/// An exponential variate with mean 1.
#[inline]
pub fn standard_exponential(rng: &impl Bits) -> f64 {
    loop {
        let bits = rng.u64() >> 3;
        let layer = (bits & 0xff) as usize;
        let magnitude = bits >> 8;
        let x = magnitude as f64 * WE[layer];
        if magnitude < KE[layer] {
            return x;
        }
        if layer == 0 {
            return EXP_R - (-rng.f64()).ln_1p();
        }
        if (FE[layer - 1] - FE[layer]) * rng.f64() + FE[layer] < (-x).exp() {
            return x;
        }
    }
}

/// As [`standard_exponential`], from 32 bits.
#[inline]
pub fn standard_exponential_f32(rng: &impl Bits) -> f32 {
    loop {
        let bits = rng.u32() >> 1;
        let layer = (bits & 0xff) as usize;
        let magnitude = bits >> 8;
        let x = magnitude as f32 * WE32[layer];
        if magnitude < KE32[layer] {
            return x;
        }
        if layer == 0 {
            return EXP_R as f32 - (-rng.f32()).ln_1p();
        }
        if (FE32[layer - 1] - FE32[layer]) * rng.f32() + FE32[layer] < (-x).exp() {
            return x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Layers of equal area under the curve, from the outermost edge inwards.
    #[test]
    fn tables_follow_the_construction() {
        let check =
            |r: f64, area: f64, f: fn(f64) -> f64, inverse: fn(f64) -> f64, unit: f64, w: &[f64; 256]| {
                let mut x = r;
                for i in (1..256).rev() {
                    assert!((w[i] * unit / x - 1.0).abs() < 1e-9, "layer {i}");
                    x = inverse(area / x + f(x));
                }
                assert!((w[0] * unit / (area / f(r)) - 1.0).abs() < 1e-9);
            };
        let two = |bits: i32| 2f64.powi(bits);
        check(
            NORMAL_R,
            0.004_928_673_233_974_655,
            |x| (-0.5 * x * x).exp(),
            |y| (-2.0 * y.ln()).sqrt(),
            two(52),
            &WI,
        );
        check(EXP_R, (EXP_R + 1.0) * (-EXP_R).exp(), |x| (-x).exp(), |y| -y.ln(), two(53), &WE);
        for i in 0..256 {
            assert_eq!(WI32[i], (WI[i] * two(29)) as f32);
            assert_eq!(KI32[i], (KI[i] as f64 / two(29)).round() as u32);
        }
    }
}
