//! Which tags of a reply matched, and the digest by which both sides see that they hold the same.

/// What the digest of the matched tags is derived for.
const DIGEST: &str = "unseen psi matched tags v1";
/// Bytes of the digest.
pub(super) const DIGEST_BYTES: usize = 32;

/// A bit for each tag of a reply.
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

/// A digest of the matched tags of all buckets, in order.
pub(super) struct Digest(blake3::Hasher);

impl Digest {
    pub(super) fn new() -> Self {
        Self(blake3::Hasher::new_derive_key(DIGEST))
    }

    /// Adds a bucket's matched tags, ascending.
    pub(super) fn add(&mut self, bucket: usize, tags: &[u128]) {
        self.0.update(&(bucket as u64).to_le_bytes()).update(&(tags.len() as u64).to_le_bytes());
        for tag in tags {
            self.0.update(&tag.to_le_bytes());
        }
    }

    pub(super) fn finish(&self) -> [u8; DIGEST_BYTES] {
        *self.0.finalize().as_bytes()
    }
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
