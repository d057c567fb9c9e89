//! Philox4x64-10 of Salmon et al.: ten rounds of multiplication and exchange turn a counter into four output words.

use super::bitgen::{Functions, Half, Source};

const MULTIPLIERS: [u64; 2] = [0xd2e7_470e_e14c_6c93, 0xca5a_8263_9512_1157];
/// Key increments: fractions of the golden ratio and of the square root of three.
const WEYL: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b];
pub const BUFFER_SIZE: usize = 4;

/// Counter, key and the words of the last block not given out yet.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Philox {
    pub counter: [u64; 4],
    pub key: [u64; 2],
    pub buffer_pos: i32,
    pub buffer: [u64; BUFFER_SIZE],
    pub half: Half,
}

fn block(mut c: [u64; 4], mut key: [u64; 2]) -> [u64; 4] {
    c = mix(c, key);
    for _ in 1..10 {
        key[0] = key[0].wrapping_add(WEYL[0]);
        key[1] = key[1].wrapping_add(WEYL[1]);
        c = mix(c, key);
    }
    c
}

/// One round.
#[inline(always)]
fn mix(c: [u64; 4], key: [u64; 2]) -> [u64; 4] {
    let p0 = u128::from(MULTIPLIERS[0]) * u128::from(c[0]);
    let p1 = u128::from(MULTIPLIERS[1]) * u128::from(c[2]);
    [(p1 >> 64) as u64 ^ c[1] ^ key[0], p1 as u64, (p0 >> 64) as u64 ^ c[3] ^ key[1], p0 as u64]
}

impl Philox {
    pub fn new(counter: [u64; 4], key: [u64; 2]) -> Philox {
        Philox {
            counter,
            key,
            buffer_pos: BUFFER_SIZE as i32,
            buffer: [0; BUFFER_SIZE],
            half: Half::default(),
        }
    }
    #[inline]
    pub fn draw(&mut self) -> u64 {
        if let Some(&word) = usize::try_from(self.buffer_pos).ok().and_then(|i| self.buffer.get(i)) {
            self.buffer_pos += 1;
            return word;
        }
        self.refill();
        self.buffer[0]
    }
    fn refill(&mut self) {
        self.counter[0] = self.counter[0].wrapping_add(1);
        if self.counter[0] == 0 {
            self.add([0, 1, 0, 0]);
        }
        self.buffer = block(self.counter, self.key);
        self.buffer_pos = 1;
    }
    /// Add a 256-bit number (low word first) to the counter.
    pub fn add(&mut self, delta: [u64; 4]) {
        let mut carry = false;
        for (c, d) in self.counter.iter_mut().zip(delta) {
            let (sum, over) = c.overflowing_add(d);
            let (sum, over_carry) = sum.overflowing_add(u64::from(carry));
            *c = sum;
            carry = over | over_carry;
        }
    }
    /// Go 2^128 blocks ahead.
    pub fn jump(&mut self) {
        self.add([0, 0, 1, 0]);
    }
    /// Forget the words not given out yet.
    pub fn clear_buffer(&mut self) {
        self.half.reset();
        self.buffer_pos = BUFFER_SIZE as i32;
        self.buffer = [0; BUFFER_SIZE];
    }
}

impl Source for Philox {
    fn functions() -> &'static Functions {
        static FUNCTIONS: Functions = Functions::of::<Philox>();
        &FUNCTIONS
    }
    #[inline]
    fn u64(&mut self) -> u64 {
        self.draw()
    }
    #[inline]
    fn u32(&mut self) -> u32 {
        let mut half = self.half;
        let value = half.take(|| self.draw());
        self.half = half;
        value
    }
    #[inline]
    fn fill_u32(&mut self, out: &mut [u32]) {
        let mut half = self.half;
        half.fill(|| self.draw(), out);
        self.half = half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Known answers of the Random123 distribution.
    #[test]
    fn known_answers() {
        assert_eq!(
            block([0; 4], [0; 2]),
            [0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b]
        );
        assert_eq!(
            block([u64::MAX; 4], [u64::MAX; 2]),
            [0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0]
        );
    }
}
