//! Three different bins for every element, and a key for the element in each of them.

use std::fmt;

use crate::{
    kernels::{AesKey, Backend},
    ring::Buf,
};

/// Hash functions of an element.
pub(super) const HASHES: usize = 3;
/// Bits of a hash that a place is made of.
const PLACE_BITS: u32 = 42;

/// The hash functions of one pair of sets, drawn after both were fixed.
///
/// One block of AES an element gives 128 bits, `h`; three times 42 of them give three different bins, and `h ⊕ (i + 1)` is the
/// key of the element under hash number i. Two keys of two elements are equal with probability 2^-128 for each pair.
pub struct Hashing {
    key: AesKey,
    bins: usize,
}

/// A set in all its bins: three entries for each element, those of its three hashes side by side.
#[derive(Clone)]
pub struct Simple {
    /// The bin of each entry.
    pub bins: Vec<u32>,
    /// The key of each entry.
    pub keys: Buf<u128>,
}

impl Hashing {
    /// Hash functions into so many bins (none, or three at least), from a seed that both parties know.
    ///
    /// # Panics
    /// If there are one or two bins.
    #[must_use]
    pub fn new(seed: u128, bins: usize) -> Self {
        assert!(bins != 1 && bins != 2, "an element has three different bins");
        Self { key: AesKey::new(&seed.to_le_bytes()), bins }
    }

    /// How many bins.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// A set in all bins of each element.
    ///
    /// # Panics
    /// If there are no bins.
    #[must_use]
    pub fn simple(&self, items: &[u128]) -> Simple {
        let hashes = self.hashes(items);
        let mut bins = Vec::with_capacity(HASHES * items.len());
        let mut keys = Buf::scratch(HASHES * items.len());
        for (hash, keys) in hashes.iter().zip(keys.as_chunks_mut::<HASHES>().0) {
            bins.extend(places(*hash, self.bins));
            *keys = [0, 1, 2].map(|number| key(*hash, number));
        }
        Simple { bins, keys }
    }

    /// The 128 bits that an element's bins and keys are made of.
    pub(super) fn hashes(&self, items: &[u128]) -> Buf<u128> {
        let mut hashes = Buf::copy_of(items);
        Backend::active().hash_blocks(&self.key, &mut hashes);
        hashes
    }
}

/// The key of an element in the bin of one of its hashes.
pub(super) fn key(hash: u128, number: usize) -> u128 {
    hash ^ (number as u128 + 1)
}

/// The three bins of an element: uniform triples of different ones, but for 2^-42 of the bins' number.
#[inline]
pub(super) fn places(hash: u128, bins: usize) -> [u32; HASHES] {
    let scaled = |number: u32, range: usize| -> u32 {
        let bits = hash >> (number * PLACE_BITS) & ((1 << PLACE_BITS) - 1);
        let place = (bits * range as u128) >> PLACE_BITS;
        #[expect(clippy::cast_possible_truncation, reason = "below the number of bins, which fits")]
        let place = place as u32;
        place
    };
    let first = scaled(0, bins);
    let mut second = scaled(1, bins - 1);
    second += u32::from(second >= first);
    let (low, high) = (first.min(second), first.max(second));
    let mut third = scaled(2, bins - 2);
    third += u32::from(third >= low);
    third += u32::from(third >= high);
    [first, second, third]
}

/// Seeds are public, but nothing is said.
impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hashing({} bins)", self.bins)
    }
}

/// Sets do not print.
impl fmt::Debug for Simple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Simple({} entries)", self.bins.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_has_three_different_bins_and_every_bin_its_share() {
        for bins in [3, 4, 5, 64, 111] {
            let hashing = Hashing::new(7, bins);
            let items: Vec<u128> = (0..6000).collect();
            let simple = hashing.simple(&items);
            let mut load = vec![0_usize; bins];
            for three in simple.bins.chunks(3) {
                assert!(three[0] != three[1] && three[1] != three[2] && three[0] != three[2]);
                three.iter().for_each(|bin| load[*bin as usize] += 1);
            }
            let mean = 18_000.0 / f64::from(u32::try_from(bins).unwrap());
            let spread = 6.0 * mean.sqrt();
            for load in load {
                let load = f64::from(u32::try_from(load).unwrap());
                assert!((load - mean).abs() < spread, "{bins} bins: {load} for {mean}");
            }
        }
    }

    #[test]
    fn every_entry_has_a_key_of_its_own() {
        let items: Vec<u128> = (0..1000).collect();
        let simple = Hashing::new(1, 1400).simple(&items);
        let keys: std::collections::HashSet<_> = simple.keys.iter().collect();
        assert_eq!(keys.len(), 3000);
        let other = Hashing::new(2, 1400).simple(&items);
        assert!(other.keys.iter().all(|key| !keys.contains(key)), "another seed, other keys");
    }
}
