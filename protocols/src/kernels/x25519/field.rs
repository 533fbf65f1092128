//! One element of the field of 2^255 − 19 in five limbs of 51 bits; in constant time.

use super::encoding::words;

const MASK: u64 = (1 << 51) - 1;

/// Limbs below 2^52, except between an addition and a product.
#[derive(Clone, Copy)]
pub(super) struct Element([u64; 5]);

impl Element {
    pub(super) const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// A number below 2^51.
    pub(super) const fn small(value: u64) -> Self {
        Self([value, 0, 0, 0, 0])
    }

    /// Bit 255 is ignored.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let [a, b, c, d] = words(bytes);
        let limbs = [a, a >> 51 | b << 13, b >> 38 | c << 26, c >> 25 | d << 39, d >> 12];
        Self(limbs.map(|limb| limb & MASK))
    }

    /// The one encoding below the prime.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let Self(mut a) = self.carried().carried();
        let over = a.iter().fold(19, |carry, limb| (limb + carry) >> 51);
        a[0] += 19 * over;
        for i in 0..4 {
            a[i + 1] += a[i] >> 51;
            a[i] &= MASK;
        }
        a[4] &= MASK;
        let words = [
            a[0] | a[1] << 51,
            a[1] >> 13 | a[2] << 38,
            a[2] >> 26 | a[3] << 25,
            a[3] >> 39 | a[4] << 12,
        ];
        let mut out = [0; 32];
        for (out, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *out = word.to_le_bytes();
        }
        out
    }

    fn carried(self) -> Self {
        let Self(mut a) = self;
        for i in 0..4 {
            a[i + 1] += a[i] >> 51;
            a[i] &= MASK;
        }
        a[0] += 19 * (a[4] >> 51);
        a[4] &= MASK;
        Self(a)
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i])).carried()
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        // 4p, so that no limb goes below zero.
        let four_p = [4 * (MASK - 18), 4 * MASK, 4 * MASK, 4 * MASK, 4 * MASK];
        Self(std::array::from_fn(|i| self.0[i] + four_p[i] - other.0[i])).carried()
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let (x, y) = (&self.0, &other.0);
        let mut z = [0_u128; 5];
        for i in 0..5 {
            for j in 0..5 {
                let wraps = if i + j < 5 { 1 } else { 19 };
                z[(i + j) % 5] += u128::from(x[i]) * u128::from(y[j] * wraps);
            }
        }
        let mut out = [0; 5];
        let mut carry = 0;
        for (out, z) in out.iter_mut().zip(z) {
            let (limb, over) = split(z + carry);
            (*out, carry) = (limb, over);
        }
        let (low, over) = split(u128::from(out[0]) + 19 * carry);
        let (next, last) = split(u128::from(out[1]) + over);
        (out[0], out[1]) = (low, next);
        out[2] += split(last).0;
        Self(out)
    }

    fn squares(&self, times: usize) -> Self {
        (0..times).fold(*self, |x, _| x.times(&x))
    }

    pub(super) fn inverse(&self) -> Self {
        super::chain::invert!(*self, Self::times, Self::squares)
    }

    /// All ones if the element is a square and not 0, 0 if it is none. Of 0 the answer means nothing.
    pub(super) fn square_mask(&self) -> u64 {
        let (to_250, _, x2) = super::chain::power_250!(*self, Self::times, Self::squares);
        let x6 = x2.times(&self.times(self)).times(&x2);
        // The character is 1 or −1; the lowest bit of its encoding tells them apart.
        let character = to_250.squares(4).times(&x6).to_bytes();
        0_u64.wrapping_sub(u64::from(character[0] & 1))
    }

    /// `other` where the mask is all ones, `self` where it is 0.
    pub(super) fn or_where(&self, other: &Self, mask: u64) -> Self {
        Self(std::array::from_fn(|i| self.0[i] ^ (mask & (self.0[i] ^ other.0[i]))))
    }
}

/// The low 51 bits, and the rest.
fn split(z: u128) -> (u64, u128) {
    #[expect(clippy::cast_possible_truncation, reason = "the low 51 bits are wanted")]
    let low = z as u64 & MASK;
    (low, z >> 51)
}
