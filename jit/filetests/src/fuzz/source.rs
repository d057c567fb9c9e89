//! Where random choices come from: a seed, or the bytes of a fuzzer.

/// A sequence of choices. Bytes that have run out read as zeros, so generators end by their own budgets.
pub struct Source<'a> {
    from: From<'a>,
}

enum From<'a> {
    Seed(u64),
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    pub fn seed(seed: u64) -> Source<'static> {
        Source { from: From::Seed(seed) }
    }
    pub fn bytes(bytes: &'a [u8]) -> Source<'a> {
        Source { from: From::Bytes(bytes) }
    }
    pub fn word(&mut self) -> u64 {
        match &mut self.from {
            // SplitMix64.
            From::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = *state;
                z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^ z >> 31
            }
            From::Bytes(bytes) => {
                let (head, tail) = bytes.split_at(bytes.len().min(8));
                *bytes = tail;
                let mut word = [0; 8];
                word[..head.len()].copy_from_slice(head);
                u64::from_le_bytes(word)
            }
        }
    }
    /// Below `n`, which is not 0 and small: of bytes, few are used.
    pub fn below(&mut self, n: usize) -> usize {
        let word = match &mut self.from {
            From::Seed(_) => self.word(),
            From::Bytes(bytes) => {
                let take = bytes.len().min(if n <= 256 { 1 } else { 2 });
                let (head, tail) = bytes.split_at(take);
                *bytes = tail;
                head.iter().fold(0, |w, &b| w << 8 | u64::from(b))
            }
        };
        (word % n as u64) as usize
    }
    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
    /// `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
