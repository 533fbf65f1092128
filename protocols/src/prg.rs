//! A pseudo-random generator: a seed becomes as many uniform ring elements as are asked for.
//!
//! The seed is an AES-128 key, the stream is AES in counter mode; its security is that of AES as a pseudo-random function,
//! for far fewer than 2^64 blocks.

use std::fmt;

use crate::{
    kernels::AesKey,
    ring::{Buf, Ring},
};

/// A keyed stream. Two generators of one seed give the same elements; a seed serves one generator.
pub struct Prg {
    key: AesKey,
    block: u64,
}

impl Prg {
    /// The generator of a fresh, uniform seed.
    #[must_use]
    pub fn new(seed: &[u8; 16]) -> Self {
        Self { key: AesKey::new(seed), block: 0 }
    }

    /// Fills a slice with the next elements. Each call begins a new block, so what a call gives does not depend on how
    /// much of the last block the one before it used.
    pub fn fill<R: Ring>(&mut self, out: &mut [R::Word]) {
        R::keystream(out, &self.key, 0, self.block);
        self.block += size_of_val(out).div_ceil(16) as u64;
    }

    /// The next `n` elements.
    pub fn elements<R: Ring>(&mut self, n: usize) -> Buf<R::Word> {
        let mut out = Buf::scratch(n);
        self.fill::<R>(&mut out);
        out
    }
}

/// Seeds do not print.
impl fmt::Debug for Prg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prg(block {})", self.block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::{Z32, Z64, Z128};

    #[test]
    fn one_seed_gives_one_stream_and_never_the_same_block_twice() {
        let (mut a, mut b) = (Prg::new(&[3; 16]), Prg::new(&[3; 16]));
        let mut seen = std::collections::HashSet::new();
        for n in [1, 5, 64, 3] {
            let got = a.elements::<Z128>(n);
            assert_eq!(*got, *b.elements::<Z128>(n));
            assert!(got.iter().all(|word| seen.insert(*word)), "a block came twice");
        }
        assert_ne!(*Prg::new(&[4; 16]).elements::<Z64>(4), *Prg::new(&[3; 16]).elements::<Z64>(4));
    }

    #[test]
    fn a_call_takes_whole_blocks() {
        let (mut a, mut b) = (Prg::new(&[3; 16]), Prg::new(&[3; 16]));
        a.elements::<Z32>(1);
        b.elements::<Z32>(4);
        assert_eq!(*a.elements::<Z64>(2), *b.elements::<Z64>(2));
    }
}
