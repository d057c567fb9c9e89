//! PCG64 of M. E. O'Neill: a 128-bit linear congruence, permuted on output. Two variants: XSL-RR over the full multiplier,
//! and DXSM over a 64-bit one (which outputs the state before it steps).

use super::bitgen::{Functions, Half, Source};

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;
const CHEAP_MULTIPLIER: u64 = 0xda94_2042_e4dd_58b5;
/// One jump: 2^128 divided by the golden ratio.
pub const JUMP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// A 128-bit congruential state with the output function of `DXSM` or of XSL-RR.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Pcg<const DXSM: bool> {
    pub state: u128,
    pub inc: u128,
    pub half: Half,
}
pub type Pcg64 = Pcg<false>;
pub type Pcg64Dxsm = Pcg<true>;

impl<const DXSM: bool> Pcg<DXSM> {
    const MULTIPLIER: u128 = if DXSM { CHEAP_MULTIPLIER as u128 } else { MULTIPLIER };

    /// Start stream `stream` at `state`.
    pub fn new(state: u128, stream: u128) -> Self {
        // Two steps from zero, with `state` added between them; DXSM too is seeded with the wide multiplier.
        let inc = (stream << 1) | 1;
        let state = inc.wrapping_add(state).wrapping_mul(MULTIPLIER).wrapping_add(inc);
        Pcg { state, inc, half: Half::default() }
    }
    /// From four words: state high, state low, stream high, stream low.
    pub fn from_words(w: [u64; 4]) -> Self {
        let wide = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        Pcg::new(wide(w[0], w[1]), wide(w[2], w[3]))
    }
    #[inline]
    fn step(&mut self) {
        self.state = self.state.wrapping_mul(Self::MULTIPLIER).wrapping_add(self.inc);
    }
    #[inline]
    pub fn draw(&mut self) -> u64 {
        if DXSM {
            let mut high = (self.state >> 64) as u64;
            let low = self.state as u64 | 1;
            high ^= high >> 32;
            high = high.wrapping_mul(CHEAP_MULTIPLIER);
            high ^= high >> 48;
            self.step();
            high.wrapping_mul(low)
        } else {
            self.step();
            let folded = (self.state >> 64) as u64 ^ self.state as u64;
            folded.rotate_right((self.state >> 122) as u32)
        }
    }
    /// Go `delta` steps ahead: the affine map of one step, raised to that power by squaring.
    pub fn advance(&mut self, mut delta: u128) {
        let (mut mult, mut plus) = (Self::MULTIPLIER, self.inc);
        let (mut total_mult, mut total_plus) = (1u128, 0u128);
        while delta > 0 {
            if delta & 1 != 0 {
                total_mult = total_mult.wrapping_mul(mult);
                total_plus = total_plus.wrapping_mul(mult).wrapping_add(plus);
            }
            plus = mult.wrapping_add(1).wrapping_mul(plus);
            mult = mult.wrapping_mul(mult);
            delta >>= 1;
        }
        self.state = total_mult.wrapping_mul(self.state).wrapping_add(total_plus);
        self.half.reset();
    }
}

impl<const DXSM: bool> Source for Pcg<DXSM> {
    fn functions() -> &'static Functions {
        static XSL_RR: Functions = Functions::of::<Pcg64>();
        static DXSM_FUNCTIONS: Functions = Functions::of::<Pcg64Dxsm>();
        if DXSM { &DXSM_FUNCTIONS } else { &XSL_RR }
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

    #[test]
    fn advance_is_many_steps() {
        let mut a = Pcg64::new(3, 5);
        let mut b = a;
        a.advance(1000);
        for _ in 0..1000 {
            b.draw();
        }
        assert_eq!(a.draw(), b.draw());
    }
}
