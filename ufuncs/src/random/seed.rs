//! `SeedSequence`: entropy of any length hashed into a pool, and the pool expanded into as many words as a generator wants.
//!
//! The construction is M. E. O'Neill's `seed_seq_fe`: multiplicative hashing with a multiplier that changes at every step,
//! and each pool word mixed into every other, so that all input bits reach all output bits.

const XSHIFT: u32 = 16;
const INIT_A: u32 = 0x43b0d7e5;
const MULT_A: u32 = 0x931e8875;
const INIT_B: u32 = 0x8b51f9dd;
const MULT_B: u32 = 0x58f38ded;
const MIX_L: u32 = 0xca01f9dd;
const MIX_R: u32 = 0x4973f715;

/// Words in a pool unless the user wants more; also the least there may be.
pub const DEFAULT_POOL_SIZE: usize = 4;

/// A hash whose multiplier moves on with every value.
struct Hasher {
    constant: u32,
    multiplier: u32,
}

impl Hasher {
    fn hash(&mut self, value: u32) -> u32 {
        let value = value ^ self.constant;
        self.constant = self.constant.wrapping_mul(self.multiplier);
        let value = value.wrapping_mul(self.constant);
        value ^ (value >> XSHIFT)
    }
}

fn mix(x: u32, y: u32) -> u32 {
    let r = MIX_L.wrapping_mul(x).wrapping_sub(MIX_R.wrapping_mul(y));
    r ^ (r >> XSHIFT)
}

/// Hash `entropy` into `pool`.
pub fn mix_entropy(pool: &mut [u32], entropy: &[u32]) {
    let mut hasher = Hasher { constant: INIT_A, multiplier: MULT_A };
    for (i, word) in pool.iter_mut().enumerate() {
        *word = hasher.hash(entropy.get(i).copied().unwrap_or(0));
    }
    for src in 0..pool.len() {
        for dst in 0..pool.len() {
            if src != dst {
                pool[dst] = mix(pool[dst], hasher.hash(pool[src]));
            }
        }
    }
    for &word in entropy.iter().skip(pool.len()) {
        for dst in pool.iter_mut() {
            *dst = mix(*dst, hasher.hash(word));
        }
    }
}

/// Fill `out` with words hashed from the pool.
pub fn generate_state(pool: &[u32], out: &mut [u32]) {
    let mut hasher = Hasher { constant: INIT_B, multiplier: MULT_B };
    for (word, &src) in out.iter_mut().zip(pool.iter().cycle()) {
        *word = hasher.hash(src);
    }
}

/// As [`generate_state`], 64-bit words: the low half comes first.
pub fn generate_state_u64(pool: &[u32], out: &mut [u64]) {
    let mut hasher = Hasher { constant: INIT_B, multiplier: MULT_B };
    let mut words = pool.iter().cycle();
    let mut next = || u64::from(words.next().map_or(0, |&w| hasher.hash(w)));
    for word in out {
        let low = next();
        *word = low | (next() << 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // python -c "import numpy as np; s = np.random.SeedSequence(12345); print(s.pool, s.generate_state(2, np.uint64))"
    #[test]
    fn pool_and_state() {
        let mut pool = [0; 4];
        mix_entropy(&mut pool, &[12345]);
        assert_eq!(pool, [4069775156, 4251353637, 4182767765, 2267058336]);
        let mut state = [0; 2];
        generate_state_u64(&pool, &mut state);
        assert_eq!(state, [13091511679009522556, 13538552136045918767]);
    }
}
