//! The two binary fields, whichever of them a caller is over.

use super::{
    backend::Backend,
    exconv::CONVOLUTION_STATE,
    gf80::{self, gf80_mul},
    gf128::gf128_mul,
};

/// GF(2^128), as a number that kernels are compiled for.
pub(super) const GF128: u32 = 128;
/// GF(2^80).
pub(super) const GF80: u32 = 80;

/// A field of characteristic two, whose elements stand in words of 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Of 128 bits, see [`gf128_mul`](super::gf128_mul).
    Gf128,
    /// Of 80 bits, see [`gf80_mul`](super::gf80_mul). The upper 48 bits of an element are zero.
    Gf80,
}

impl Field {
    /// Bits of an element.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Gf128 => GF128,
            Self::Gf80 => GF80,
        }
    }

    /// Whole bytes of an element.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Gf128 => 16,
            Self::Gf80 => 10,
        }
    }

    /// The bits of a word that an element has.
    #[must_use]
    pub const fn mask(self) -> u128 {
        match self {
            Self::Gf128 => u128::MAX,
            Self::Gf80 => gf80::MASK,
        }
    }

    /// Turns words into elements: uniform ones into uniform ones.
    pub fn truncate(self, words: &mut [u128]) {
        if self == Self::Gf80 {
            words.iter_mut().for_each(|word| *word &= gf80::MASK);
        }
    }

    /// Elements as [`bytes`](Self::bytes) each, little-endian.
    ///
    /// # Panics
    /// If there is not room for all of them.
    pub fn pack(self, words: &[u128], out: &mut [u8]) {
        assert_eq!(out.len(), words.len() * self.bytes(), "room for every element");
        match self {
            Self::Gf128 => out.copy_from_slice(bytemuck::cast_slice(words)),
            Self::Gf80 => {
                for (out, word) in out.as_chunks_mut::<10>().0.iter_mut().zip(words) {
                    out.copy_from_slice(&word.to_le_bytes()[..10]);
                }
            }
        }
    }

    /// The inverse of [`pack`](Self::pack).
    ///
    /// # Panics
    /// If the lengths are others.
    pub fn unpack(self, bytes: &[u8], out: &mut [u128]) {
        assert_eq!(bytes.len(), out.len() * self.bytes(), "bytes for every element");
        match self {
            Self::Gf128 => bytemuck::cast_slice_mut(out).copy_from_slice(bytes),
            Self::Gf80 => {
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<10>().0) {
                    let mut word = [0; 16];
                    word[..10].copy_from_slice(bytes);
                    *out = u128::from_le_bytes(word);
                }
            }
        }
    }

    /// The product of two elements.
    #[must_use]
    pub fn mul(self, a: u128, b: u128) -> u128 {
        match self {
            Self::Gf128 => gf128_mul(a, b),
            Self::Gf80 => gf80_mul(a, b),
        }
    }

    /// `acc[i] ^= c · x[i]`.
    pub fn scale_add(self, acc: &mut [u128], x: &[u128], c: u128) {
        match self {
            Self::Gf128 => Backend::active().gf128_scale_add(acc, x, c),
            Self::Gf80 => Backend::active().gf80_scale_add(acc, x, c),
        }
    }

    /// `acc[i] ^= x[i] · y[i]`.
    pub fn mul_add(self, acc: &mut [u128], x: &[u128], y: &[u128]) {
        match self {
            Self::Gf128 => Backend::active().gf128_mul_add(acc, x, y),
            Self::Gf80 => Backend::active().gf80_mul_add(acc, x, y),
        }
    }

    /// One pass of a [convolution](Backend::convolve).
    pub fn convolve(self, x: &mut [u128], state: &mut [u128; CONVOLUTION_STATE], taps: &[u128]) {
        match self {
            Self::Gf128 => Backend::active().convolve(x, state, taps),
            Self::Gf80 => Backend::active().gf80_convolve(x, state, taps),
        }
    }
}

/// The product in the field of so many bits.
#[inline(always)]
pub(super) fn mul<const BITS: u32>(a: u128, b: u128) -> u128 {
    if BITS == GF128 { gf128_mul(a, b) } else { gf80_mul(a, b) }
}

pub(super) fn scale_add<const BITS: u32>(acc: &mut [u128], x: &[u128], c: u128) {
    debug_assert_eq!(acc.len(), x.len());
    for (acc, x) in acc.iter_mut().zip(x) {
        *acc ^= mul::<BITS>(*x, c);
    }
}

pub(super) fn mul_add<const BITS: u32>(acc: &mut [u128], x: &[u128], y: &[u128]) {
    debug_assert!(acc.len() == x.len() && x.len() == y.len());
    for ((acc, x), y) in acc.iter_mut().zip(x).zip(y) {
        *acc ^= mul::<BITS>(*x, *y);
    }
}
