//! Encoding and decoding.

use std::fmt;

use super::{
    dense,
    layout::Placed,
    params::Params,
    peel::{NARROW, Number, Peeler, WIDE},
    remainder::{Remainder, Unsolvable, has_duplicates},
};
use crate::{
    kernels::AesKey,
    prg::Prg,
    ring::{Buf, Z128},
};

/// A store's sizes and its seed: what both parties must know.
///
/// # Security
/// The seed is public, and must be drawn after the keys are fixed: the failure probability of [`Params`] is over the seed.
pub struct Okvs {
    params: Params,
    key: AesKey,
}

/// Why keys and values were not encoded. None of them says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More keys than the parameters are for.
    #[error("{keys} keys in a store for {most}; make parameters for as many")]
    TooManyKeys {
        /// Keys given.
        keys: usize,
        /// Keys there can be.
        most: usize,
    },
    /// Not one value for each key.
    #[error("{values} values for {keys} keys")]
    Unequal {
        /// Keys given.
        keys: usize,
        /// Values given.
        values: usize,
    },
    /// A key occurs twice.
    #[error("a key occurs more than once; remove duplicates before the protocol")]
    Duplicate,
    /// The seed does not suit the keys, which has a probability of 2^-40 at most: another attempt draws another.
    #[error("no encoding under this seed; run again, with a fresh one")]
    Unlucky,
}

impl Okvs {
    /// A store of these sizes under a public seed.
    #[must_use]
    pub fn new(params: Params, seed: u128) -> Self {
        Self { params, key: AesKey::new(&seed.to_le_bytes()) }
    }

    /// The sizes.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Puts keys in the order of their bins. Any number of keys, duplicates too, as far as decoding is concerned.
    ///
    /// # Panics
    /// If there are 2^32 keys or more.
    #[must_use]
    pub fn place(&self, keys: &[u128]) -> Placed {
        Placed::new(keys, self.params.bins(), &self.key)
    }

    /// A vector that decodes to `values[i]` at `keys[i]`, and everywhere else to something that depends on `rng`.
    ///
    /// # Shape
    /// [`Params::slots`] elements of [`Params::field`], whatever the number of keys; values are elements too.
    ///
    /// # Errors
    /// [`EncodeError`].
    ///
    /// # Security
    /// Uniform values make a uniform vector, which says nothing about the keys. Local: see the module.
    ///
    /// # Source
    /// Raghuraman and Rindal, figure 1, with the clustering of section 2 and dense columns over the field of the values.
    pub fn encode(
        &self,
        keys: &[u128],
        values: &[u128],
        rng: &mut Prg,
    ) -> Result<Buf<u128>, EncodeError> {
        if keys.len() != values.len() {
            return Err(EncodeError::Unequal { keys: keys.len(), values: values.len() });
        }
        let placed = self.place(keys);
        self.encode_placed(&placed, &[&placed.arrange(values)], rng)
    }

    /// [`Okvs::encode`] of keys that were placed, with as many columns of values as there are, all in the order of
    /// [`Placed::rows`].
    ///
    /// # Shape
    /// [`Params::slots`] words for each column, one column behind the other.
    ///
    /// # Errors
    /// [`EncodeError`].
    ///
    /// # Security
    /// As [`Okvs::encode`].
    pub fn encode_placed(
        &self,
        placed: &Placed,
        columns: &[&[u128]],
        rng: &mut Prg,
    ) -> Result<Buf<u128>, EncodeError> {
        let (keys, most) = (placed.len(), self.params.keys());
        if keys > most {
            return Err(EncodeError::TooManyKeys { keys, most });
        }
        if let Some(column) = columns.iter().find(|column| column.len() != keys) {
            return Err(EncodeError::Unequal { keys, values: column.len() });
        }
        if self.params.is_wide() {
            self.encode_bins(Work::<u32, WIDE>::new(&self.params), placed, columns, rng)
        } else {
            self.encode_bins(Work::<u16, NARROW>::new(&self.params), placed, columns, rng)
        }
    }

    fn encode_bins<N: Number, const ALL: usize>(
        &self,
        mut work: Work<'_, N, ALL>,
        placed: &Placed,
        columns: &[&[u128]],
        rng: &mut Prg,
    ) -> Result<Buf<u128>, EncodeError> {
        let (slots, bin_slots) = (self.params.slots(), self.params.bin_slots());
        let mut out = Buf::scratch(columns.len() * slots);
        for (bin, range) in placed.bins().enumerate() {
            let hashes = &placed.hashes()[range.clone()];
            let remainder = work.peel(hashes)?;
            for (column, out) in columns.iter().zip(out.chunks_exact_mut(slots)) {
                let out = &mut out[bin * bin_slots..][..bin_slots];
                rng.fill::<Z128>(out);
                self.params.field().truncate(out);
                work.fill(hashes, &column[range.clone()], remainder.as_ref(), out)?;
            }
        }
        Ok(out)
    }

    /// The values of keys in an encoding.
    ///
    /// # Shape
    /// [`Params::slots`] words of encoding; `out` has a word for each key.
    ///
    /// # Panics
    /// If the lengths are others.
    pub fn decode(&self, encoded: &[u128], keys: &[u128], out: &mut [u128]) {
        assert_eq!(keys.len(), out.len(), "a value for every key");
        let placed = self.place(keys);
        let mut arranged = Buf::scratch(keys.len());
        self.decode_placed(encoded, &placed, &mut arranged);
        placed.restore(&arranged, out);
    }

    /// [`Okvs::decode`] of keys that were placed, in the order of [`Placed::rows`].
    ///
    /// # Panics
    /// If the lengths are others.
    pub fn decode_placed(&self, encoded: &[u128], placed: &Placed, out: &mut [u128]) {
        assert_eq!(encoded.len(), self.params.slots(), "an encoding of these parameters");
        assert_eq!(placed.len(), out.len(), "a value for every key");
        if self.params.is_wide() {
            self.decode_bins::<u32>(encoded, placed, out);
        } else {
            self.decode_bins::<u16>(encoded, placed, out);
        }
    }

    fn decode_bins<N: Number>(&self, encoded: &[u128], placed: &Placed, out: &mut [u128]) {
        let mut places = [[N::new(0); 4]; dense::BLOCK];
        for (bin, range) in placed.bins().enumerate() {
            let (sparse, dense) = self.bin(encoded, bin);
            let hashes = placed.hashes()[range.clone()].chunks(dense::BLOCK);
            for (hashes, out) in hashes.zip(out[range].chunks_mut(dense::BLOCK)) {
                let places = &mut places[..hashes.len()];
                N::places(hashes, columns(&self.params), places);
                N::gather_three(out, sparse, places);
                dense::add(self.params.field(), out, hashes, dense);
            }
        }
    }

    /// A bin's sparse and dense variables.
    fn bin<'e>(&self, encoded: &'e [u128], bin: usize) -> (&'e [u128], &'e [u128]) {
        let slots = self.params.bin_slots();
        encoded[bin * slots..][..slots].split_at(self.params.sparse())
    }
}

/// Sparse columns, for the kernels.
fn columns(params: &Params) -> u32 {
    u32::try_from(params.sparse()).unwrap_or(u32::MAX)
}

/// What encoding one bin after the other needs, allocated once.
struct Work<'p, N: Number, const ALL: usize> {
    params: &'p Params,
    peeler: Peeler<N, ALL>,
    /// Values without their dense part.
    values: Buf<u128>,
}

impl<'p, N: Number, const ALL: usize> Work<'p, N, ALL> {
    fn new(params: &'p Params) -> Self {
        Self { params, peeler: Peeler::new(), values: Buf::scratch(params.bin_keys()) }
    }

    fn peel(&mut self, hashes: &[u128]) -> Result<Option<Remainder>, EncodeError> {
        if hashes.len() > self.params.bin_keys() {
            let duplicates = has_duplicates(hashes.iter().copied());
            return Err(if duplicates { EncodeError::Duplicate } else { EncodeError::Unlucky });
        }
        let places = self.peeler.places_mut(hashes.len());
        N::places(hashes, columns(self.params), places);
        if self.peeler.peel(self.params.sparse()) {
            return Ok(None);
        }
        Ok(Some(Remainder::new(&self.peeler.remainder(), hashes)?))
    }

    /// Sets the variables of a bin, which were random.
    fn fill(
        &mut self,
        hashes: &[u128],
        values: &[u128],
        remainder: Option<&Remainder>,
        out: &mut [u128],
    ) -> Result<(), EncodeError> {
        let field = self.params.field();
        let (sparse, dense) = out.split_at_mut(self.params.sparse());
        if let Some(remainder) = remainder {
            remainder.solve_dense(field, dense, hashes, values)?;
        }
        let own = &mut self.values[..values.len()];
        own.copy_from_slice(values);
        for (own, hashes) in own.chunks_mut(dense::BLOCK).zip(hashes.chunks(dense::BLOCK)) {
            dense::add(field, own, hashes, dense);
        }
        if let Some(remainder) = remainder {
            remainder.solve_sparse(sparse, own);
        }
        N::substitute(sparse, self.peeler.order(), own);
        Ok(())
    }
}

impl From<Unsolvable> for EncodeError {
    fn from(why: Unsolvable) -> Self {
        match why {
            Unsolvable::Duplicate => Self::Duplicate,
            Unsolvable::TooLarge => Self::Unlucky,
        }
    }
}

impl fmt::Debug for Okvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Okvs({:?})", self.params)
    }
}
