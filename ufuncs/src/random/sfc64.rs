//! SFC64 of C. Doty-Humphrey: three chaotically mixed words and a counter.

use super::bitgen::{Functions, Half, Source};

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Sfc64 {
    /// a, b, c and the counter.
    pub s: [u64; 4],
    pub half: Half,
}

impl Sfc64 {
    /// Seeded by three words; the first outputs, still close to the seed, are dropped.
    pub fn new(words: [u64; 3]) -> Sfc64 {
        let [a, b, c] = words;
        let mut rng = Sfc64 { s: [a, b, c, 1], half: Half::default() };
        for _ in 0..12 {
            rng.draw();
        }
        rng
    }
    #[inline]
    pub fn draw(&mut self) -> u64 {
        let [a, b, c, counter] = self.s;
        let out = a.wrapping_add(b).wrapping_add(counter);
        self.s = [
            b ^ (b >> 11),
            c.wrapping_add(c << 3),
            c.rotate_left(24).wrapping_add(out),
            counter.wrapping_add(1),
        ];
        out
    }
}

impl Source for Sfc64 {
    fn functions() -> &'static Functions {
        static FUNCTIONS: Functions = Functions::of::<Sfc64>();
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
