//! Unsigned integers of any size, with just the operations digit generation needs.
//!
//! A long double spans exponents up to 16384, so numbers reach some 54,000 bits. Limbs are 32 bits wide, least
//! significant first, without leading zero limbs (zero has no limbs).

use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Big(Vec<u32>);

impl Big {
    pub fn from_u128(v: u128) -> Big {
        let mut b = Big([0, 32, 64, 96].map(|shift| (v >> shift) as u32).to_vec());
        b.trim();
        b
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn compare(&self, other: &Big) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Multiplies by a small number in place.
    pub fn mul_small(&mut self, by: u32) {
        let mut carry = 0u64;
        for limb in &mut self.0 {
            let t = u64::from(*limb) * u64::from(by) + carry;
            *limb = t as u32;
            carry = t >> 32;
        }
        if carry != 0 {
            self.0.push(carry as u32);
        }
        self.trim();
    }

    /// Multiplies by `10^n` in place, nine digits at a time.
    pub fn mul_pow10(&mut self, mut n: u32) {
        while n >= 9 {
            self.mul_small(1_000_000_000);
            n -= 9;
        }
        if n > 0 {
            self.mul_small(10u32.pow(n));
        }
    }

    /// Multiplies by `2^n` in place.
    pub fn shl(&mut self, n: u32) {
        if self.is_zero() || n == 0 {
            return;
        }
        let (limbs, bits) = ((n / 32) as usize, n % 32);
        if bits != 0 {
            let mut carry = 0u32;
            for limb in &mut self.0 {
                let next = *limb >> (32 - bits);
                *limb = (*limb << bits) | carry;
                carry = next;
            }
            if carry != 0 {
                self.0.push(carry);
            }
        }
        if limbs != 0 {
            self.0.splice(0..0, std::iter::repeat_n(0, limbs));
        }
    }

    pub fn add(&self, other: &Big) -> Big {
        let (long, short) = if self.0.len() >= other.0.len() { (self, other) } else { (other, self) };
        let mut out = Vec::with_capacity(long.0.len() + 1);
        let mut carry = 0u64;
        for (i, &limb) in long.0.iter().enumerate() {
            let t = u64::from(limb) + u64::from(short.0.get(i).copied().unwrap_or(0)) + carry;
            out.push(t as u32);
            carry = t >> 32;
        }
        if carry != 0 {
            out.push(carry as u32);
        }
        Big(out)
    }

    /// `self -= q * other`; the caller knows that the result is not negative.
    fn sub_mul(&mut self, other: &Big, q: u32) {
        let (mut borrow, mut carry) = (0u64, 0u64);
        for (i, limb) in self.0.iter_mut().enumerate() {
            let product = u64::from(other.0.get(i).copied().unwrap_or(0)) * u64::from(q) + carry;
            carry = product >> 32;
            let t = u64::from(*limb).wrapping_sub(u64::from(product as u32)).wrapping_sub(borrow);
            *limb = t as u32;
            borrow = (t >> 32) & 1;
        }
        self.trim();
    }

    /// Number of bits to shift a divisor left so that [`Big::div_digit`] may guess digits from its top limb alone.
    pub fn digit_shift(&self) -> u32 {
        // The top limb must have at least 4 bits for a good guess and leave 4 free so that ten times the divisor does
        // not grow another limb.
        let top = self.0.last().map_or(0, |l| 32 - l.leading_zeros());
        if (8..=28).contains(&top) { 0 } else { (28 + 32 - top) % 32 }
    }

    /// Divides by `by`, leaves the remainder and returns the quotient, which must be below ten; `by` was shifted as
    /// [`Big::digit_shift`] says.
    pub fn div_digit(&mut self, by: &Big) -> u8 {
        if self.0.len() < by.0.len() {
            return 0;
        }
        let (Some(&top), Some(&by_top)) = (self.0.last(), by.0.last()) else { return 0 };
        let mut q = top / (by_top + 1);
        if q != 0 {
            self.sub_mul(by, q);
        }
        // The guess is low by at most one; a loop costs nothing and needs no proof.
        while self.compare(by) != Ordering::Less {
            self.sub_mul(by, 1);
            q += 1;
        }
        q as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic() {
        let mut a = Big::from_u128(1);
        a.mul_pow10(30);
        let mut b = Big::from_u128(5);
        b.mul_pow10(29);
        assert_eq!(b.add(&b), a);
        let mut two = Big::from_u128(3);
        two.shl(100);
        let mut q = two.clone();
        q.mul_small(7);
        q = q.add(&Big::from_u128(5));
        let shift = two.digit_shift();
        two.shl(shift);
        q.shl(shift);
        assert_eq!(q.div_digit(&two), 7);
        let mut rest = Big::from_u128(5);
        rest.shl(shift);
        assert_eq!(q, rest);
    }
}
