//! Which tags of a list matched, as one side tells the other.

/// A bit for each tag of a list.
pub(super) fn bitmap(matched: impl Iterator<Item = usize>, tags: usize) -> Vec<u8> {
    let mut bits = vec![0; bitmap_bytes(tags)];
    for at in matched {
        bits[at / 8] |= 1 << (at % 8);
    }
    bits
}

/// Bytes of the bits for so many tags.
pub(super) const fn bitmap_bytes(tags: usize) -> usize {
    tags.div_ceil(8)
}

/// The places of the bits that are set, ascending.
pub(super) fn places(bits: &[u8]) -> impl Iterator<Item = usize> {
    bits.iter().enumerate().flat_map(|(byte, bits)| {
        (0..8).filter(move |bit| bits >> bit & 1 > 0).map(move |bit| 8 * byte + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_bits_that_were_set() {
        for tags in [0, 1, 7, 8, 9, 100] {
            let set: Vec<usize> = (0..tags).filter(|at| at % 3 == 0).collect();
            let bits = bitmap(set.iter().copied(), tags);
            assert_eq!(bits.len(), bitmap_bytes(tags));
            assert!(places(&bits).eq(set));
        }
    }
}
