//! The Mersenne Twister MT19937 of Matsumoto and Nishimura, stepped in blocks of 624 words.

use super::bitgen::{Functions, Source};

pub const N: usize = 624;
const M: usize = 397;
const MATRIX_A: u32 = 0x9908_b0df;
const UPPER: u32 = 0x8000_0000;

/// The state; `pos` words of the block are used up.
#[repr(C)]
#[derive(Clone)]
pub struct Mt19937 {
    pub key: [u32; N],
    pub pos: i32,
}

impl Mt19937 {
    /// Seed by one word, the generator of 2002.
    pub fn seed(&mut self, seed: u32) {
        let mut word = seed;
        for (i, slot) in self.key.iter_mut().enumerate() {
            *slot = word;
            word = 1812433253u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(i as u32 + 1);
        }
        self.pos = N as i32;
    }

    /// Seed by an array of words (`init_by_array`).
    pub fn seed_by_array(&mut self, init: &[u32]) {
        self.seed(19650218);
        let key = &mut self.key;
        let mut i = 1;
        // One step of either pass: fold the previous word into this one, wrap around after the last.
        let mut step = |multiplier: u32, add: u32, subtract: bool| {
            let prev = key[i - 1];
            let mixed = key[i] ^ (prev ^ (prev >> 30)).wrapping_mul(multiplier);
            key[i] = if subtract { mixed.wrapping_sub(i as u32) } else { mixed.wrapping_add(add) };
            i += 1;
            if i >= N {
                key[0] = key[N - 1];
                i = 1;
            }
        };
        if !init.is_empty() {
            for k in 0..N.max(init.len()) {
                let j = k % init.len();
                step(1664525, init[j].wrapping_add(j as u32), false);
            }
        }
        for _ in 0..N - 1 {
            step(1566083941, 0, true);
        }
        // The top bit alone makes the state non-zero.
        key[0] = UPPER;
        self.pos = N as i32;
    }

    /// Seed by the words of a seed sequence.
    pub fn seed_by_state(&mut self, words: &[u32; N]) {
        self.key = *words;
        self.key[0] = UPPER;
        self.pos = N as i32 - 1;
    }

    fn refill(&mut self) {
        let key = &mut self.key;
        let twist = |upper: u32, lower: u32| {
            let y = (upper & UPPER) | (lower & !UPPER);
            (y >> 1) ^ if y & 1 != 0 { MATRIX_A } else { 0 }
        };
        for i in 0..N - M {
            key[i] = key[i + M] ^ twist(key[i], key[i + 1]);
        }
        for i in N - M..N - 1 {
            key[i] = key[i + M - N] ^ twist(key[i], key[i + 1]);
        }
        key[N - 1] = key[M - 1] ^ twist(key[N - 1], key[0]);
        self.pos = 0;
    }

    #[inline]
    pub fn draw(&mut self) -> u32 {
        // A position set from outside may be anything; past the block means a new block.
        if !(0..N as i32).contains(&self.pos) {
            self.refill();
        }
        let word = self.key[self.pos as usize];
        self.pos += 1;
        temper(word)
    }

    /// Go 2^128 outputs ahead.
    ///
    /// One step is a linear map F over GF(2), and F^(2^128) equals J(F) where J is x^(2^128) modulo the characteristic
    /// polynomial of F. J(F) applied to the state by Horner's rule costs 19936 steps. The state is a ring here: `start` is
    /// where the oldest word is. The 31 bits of the state that are no part of it come out as they do upstream, because the
    /// ring is summed whole, and so does the position, which upstream leaves where the ring happens to start.
    pub fn jump(&mut self) {
        if !(0..N as i32).contains(&self.pos) {
            self.pos = 0;
        }
        let origin = Ring { key: self.key, start: self.pos as usize };
        let coefficient = |i: usize| JUMP[i / 32] >> (i % 32) & 1 != 0;
        let Some(top) = (0..32 * N).rev().find(|&i| coefficient(i)) else { return };
        let mut sum = origin.clone();
        for i in (0..top).rev() {
            sum.step();
            if coefficient(i) {
                sum.add(&origin);
            }
        }
        self.key = sum.key;
        self.pos = sum.start as i32;
    }
}

/// An output from a word of the state.
#[inline(always)]
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

#[derive(Clone)]
struct Ring {
    key: [u32; N],
    start: usize,
}

impl Ring {
    #[inline]
    fn step(&mut self) {
        let at = self.start;
        let next = (at + 1) % N;
        let y = (self.key[at] & UPPER) | (self.key[next] & !UPPER);
        self.key[at] = self.key[(at + M) % N] ^ (y >> 1) ^ if y & 1 != 0 { MATRIX_A } else { 0 };
        self.start = next;
    }
    fn add(&mut self, other: &Ring) {
        for i in 0..N {
            self.key[(self.start + i) % N] ^= other.key[(other.start + i) % N];
        }
    }
}

/// The coefficients of x^(2^128) modulo the characteristic polynomial, lowest first. To make them again: Berlekamp-Massey
/// over the lowest bits of 2 * 19937 words gives the polynomial, 128 squarings from x give the rest.
static JUMP: [u32; N] = {
    let bytes = include_bytes!("data/mt19937_jump.bin");
    let mut words = [0; N];
    let mut i = 0;
    while i < N {
        words[i] = u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
        i += 1;
    }
    words
};

impl Source for Mt19937 {
    fn functions() -> &'static Functions {
        static FUNCTIONS: Functions = Functions::of::<Mt19937>();
        &FUNCTIONS
    }
    #[inline]
    fn u64(&mut self) -> u64 {
        let high = u64::from(self.draw());
        high << 32 | u64::from(self.draw())
    }
    #[inline]
    fn u32(&mut self) -> u32 {
        self.draw()
    }
    fn fill_u32(&mut self, mut out: &mut [u32]) {
        while !out.is_empty() {
            if !(0..N as i32).contains(&self.pos) {
                self.refill();
            }
            let words = &self.key[self.pos as usize..];
            let (now, later) = out.split_at_mut(words.len().min(out.len()));
            self.pos += now.len() as i32;
            now.iter_mut().zip(words).for_each(|(x, &word)| *x = temper(word));
            out = later;
        }
    }
    #[inline]
    fn f64(&mut self) -> f64 {
        let a = self.draw() >> 5;
        let b = self.draw() >> 6;
        (f64::from(a) * 67108864.0 + f64::from(b)) / 9007199254740992.0
    }
    fn raw(&mut self) -> u64 {
        u64::from(self.draw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Mt19937 {
        Mt19937 { key: [0; N], pos: 0 }
    }

    // The reference implementation's published output for init_by_array({0x123, 0x234, 0x345, 0x456}).
    #[test]
    fn published_stream() {
        let mut rng = fresh();
        rng.seed_by_array(&[0x123, 0x234, 0x345, 0x456]);
        assert_eq!([rng.draw(), rng.draw(), rng.draw()], [1067595299, 955945823, 477289528]);
    }

    // python -c "import numpy as np; b = np.random.MT19937(); b._legacy_seeding(7); print(b.jumped().random_raw(3))"
    #[test]
    fn jumped_stream() {
        let mut rng = fresh();
        rng.seed(7);
        rng.jump();
        assert_eq!([rng.draw(), rng.draw(), rng.draw()], [1286596512, 252303688, 1302755088]);
    }
}
