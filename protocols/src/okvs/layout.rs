//! Keys in the order of their bins.

use std::fmt;

use crate::{
    kernels::{AesKey, Backend},
    ring::{Buf, Word},
};

/// Keys hashed at a time.
const BLOCK: usize = 256;

/// A set of keys under one seed, in the order of their bins: made once, used by several encodings and decodings.
///
/// # Security
/// Holds what the keys hash to, for the party that owns them; prints its length only.
pub struct Placed {
    /// What each key hashes to, bin by bin.
    hashes: Buf<u128>,
    /// Where each key stood.
    rows: Buf<u32>,
    /// Where each bin begins, and the end of the last.
    bounds: Vec<usize>,
}

impl Placed {
    /// Hashes keys and sorts them by bin, those of a bin in the order in which they came.
    ///
    /// # Panics
    /// If there are 2^32 keys or more.
    pub(super) fn new(keys: &[u128], bins: usize, key: &AesKey) -> Self {
        let n = u32::try_from(keys.len()).expect("fewer than 2^32 keys");
        let mut hashes = Buf::scratch(keys.len());
        if bins == 1 {
            hashes.copy_from_slice(keys);
            Backend::active().hash_blocks(key, &mut hashes);
            let bounds = vec![0, keys.len()];
            return Self { hashes, rows: (0..n).collect(), bounds };
        }
        let mut rows = Buf::<u32>::scratch(keys.len());
        let mut bounds = vec![0; bins + 1];
        hashed(keys, key, |hash| bounds[bin(hash, bins) + 1] += 1);
        for bin in 0..bins {
            bounds[bin + 1] += bounds[bin];
        }
        let mut next = bounds.clone();
        let mut row = 0;
        hashed(keys, key, |hash| {
            let place = &mut next[bin(hash, bins)];
            hashes[*place] = hash;
            rows[*place] = row;
            row += 1;
            *place += 1;
        });
        Self { hashes, rows, bounds }
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// For each key in this order, where it stood in the slice that was placed.
    #[must_use]
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Brings a column of the keys' own order into this one.
    ///
    /// # Panics
    /// If there are not as many words as keys.
    #[must_use]
    pub fn arrange<W: Word>(&self, column: &[W]) -> Buf<W> {
        assert_eq!(column.len(), self.len(), "a word for every key");
        let mut out = Buf::scratch(self.len());
        for (out, row) in out.iter_mut().zip(self.rows.iter()) {
            *out = column[*row as usize];
        }
        out
    }

    /// Brings a column of this order back into that of the keys.
    ///
    /// # Panics
    /// If there are not as many words as keys.
    pub fn restore<W: Word>(&self, arranged: &[W], out: &mut [W]) {
        assert!(arranged.len() == self.len() && out.len() == self.len(), "a word for every key");
        for (word, row) in arranged.iter().zip(self.rows.iter()) {
            out[*row as usize] = *word;
        }
    }

    /// What each key hashes to, in this order.
    pub(crate) fn hashes(&self) -> &[u128] {
        &self.hashes
    }

    /// The ranges of the bins.
    pub(super) fn bins(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.bounds.windows(2).map(|bounds| bounds[0]..bounds[1])
    }
}

/// What each key hashes to, in order, a block at a time.
#[inline(always)]
fn hashed(keys: &[u128], key: &AesKey, mut each: impl FnMut(u128)) {
    let mut block = [0; BLOCK];
    for keys in keys.chunks(BLOCK) {
        let block = &mut block[..keys.len()];
        block.copy_from_slice(keys);
        Backend::active().hash_blocks(key, block);
        for hash in block {
            each(*hash);
        }
    }
}

/// The bin of a hash: its highest 32 bits scaled down, which no place within the bin depends on.
fn bin(hash: u128, bins: usize) -> usize {
    let high = (hash >> 96) as u64;
    ((high * bins as u64) >> 32) as usize
}

impl fmt::Debug for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Placed({} keys)", self.len())
    }
}
