//! The expand-convolute code over a binary field: from noise of length `2K` to `K` outputs.
//!
//! The code is systematic: output `i` is noise `i` plus the sum of 21 entries of the convolved second half `d` of the noise.
//! What the code is, exactly:
//!
//! * **Convolution**, twice over `d`, in blocks of four. Entry `p` becomes
//!   `c·(d_p + d_{p−28}) + Σ τ_{p,q}·d_q` over the entries `q` of the six blocks before and those before `p` in its own block,
//!   so over 24 to 27 entries, all as already convolved. The taps `τ` are random bits (drawn in the triangular form that the
//!   [kernel](Backend::convolve) takes, which names the same codes as often); the constant `c` is a random field element for
//!   each block. The second pass goes on from the state in which the first one ends, so that an entry at the end of `d`
//!   reaches every output, as one at the beginning does.
//! * **Expansion.** 21 entries an output: 16 from sixteen equal regions, one each, and 5 from anywhere.
//! * Taps, constants and places come from AES in counter mode under one public key; all parties and sessions use this code.
//!
//! # Security
//! The code is public and the same at both ends: taps, constants and places choose branches and addresses, values do not.
//!
//! # Source
//! Raghuraman, Rindal and Tanguy, *Expand-Convolute Codes for Pseudorandom Correlation Generators from LPN*, CRYPTO 2023,
//! <https://eprint.iacr.org/2023/882>, at weight 21 and memory 24. There the multiplied entry is 25 back and the state wraps
//! around; the field constants, one for each block instead of one for all, and the block's own entries are ours, and only
//! add dependencies.

use crate::{
    kernels::{AesKey, Backend, CONVOLUTION_STATE, EXPANSION_PLACES, Field},
    ring::Buf,
};

/// Entries of `d` that are convolved before more taps are drawn, and outputs that are expanded before more places are.
const PIECE: usize = 512;
/// Which keystream is for what.
const FIRST_PASS: u64 = 1;
const SECOND_PASS: u64 = 2;
const PLACES: u64 = 3;

/// The code's randomness.
pub(super) struct Code {
    key: AesKey,
    field: Field,
}

impl Code {
    pub(super) fn new(field: Field) -> Self {
        Self { key: AesKey::new(b"unseen: exconv21"), field }
    }

    /// Turns noise, its first half in `out` and its second one in `d`, into outputs.
    pub(super) fn encode(&self, out: &mut [u128], d: &mut [u128]) {
        self.convolve(d);
        self.expand(out, d);
    }

    /// Convolves `d`, twice. Its length is a multiple of four.
    fn convolve(&self, d: &mut [u128]) {
        let backend = Backend::active();
        let mut state = [0; CONVOLUTION_STATE];
        let mut taps = Buf::scratch(PIECE / 2);
        for path in [FIRST_PASS, SECOND_PASS] {
            let mut at = 0;
            for piece in d.chunks_mut(PIECE) {
                let taps = &mut taps[..piece.len() / 2];
                backend.fill_u128(&self.key, path, at, taps);
                at += taps.len() as u64;
                self.field.convolve(piece, &mut state, taps);
            }
        }
    }

    /// Adds to each output its entries of the convolved `d`, whose length is a power of two from 2^4 to 2^20.
    fn expand(&self, out: &mut [u128], d: &[u128]) {
        let backend = Backend::active();
        let mut words = Buf::<u64>::scratch(PIECE * EXPANSION_PLACES / 4);
        let mut at = 0;
        for piece in out.chunks_mut(PIECE) {
            let words = &mut words[..piece.len() * EXPANSION_PLACES / 4];
            backend.fill_u64(&self.key, PLACES, at, words);
            at += words.len() as u64 / 2;
            backend.expand_sums(piece, d, bytemuck::cast_slice(words));
        }
    }
}

#[cfg(test)]
mod tests;
