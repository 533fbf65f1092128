//! All providers' sketches as columns: one vector of a word a provider for each projection and each figure of the trailer.

use protocols::{
    ring::{Buf, Ring, Z64},
    share::Shared,
};

use super::projection::Sketch;
use crate::average::TRAILER_WORDS;

/// Places of a trailer's figures.
pub(super) const WEIGHT: usize = 0;
pub(super) const LOSS: usize = 1;
pub(super) const CORRECT: usize = 2;
pub(super) const UPDATES: usize = 3;
pub(super) const NORM: usize = 4;

/// Sketches of n providers, k words each.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) providers: usize,
    /// k · n words, all of projection 0 first.
    pub(super) sums: Shared<Z64>,
    /// A column for each figure, all weights first.
    pub(super) trailers: Shared<Z64>,
}

impl Batch {
    pub(super) fn new(sketches: &[Sketch]) -> Self {
        let sums: Vec<&Shared<Z64>> = sketches.iter().map(|sketch| &sketch.sums).collect();
        let trailers: Vec<&Shared<Z64>> = sketches.iter().map(|sketch| &sketch.trailer).collect();
        Self { providers: sketches.len(), sums: columns(&sums), trailers: columns(&trailers) }
    }

    /// A figure of all providers' trailers.
    pub(super) fn figure(&self, which: usize) -> Shared<Z64> {
        debug_assert!(which < TRAILER_WORDS);
        self.trailers.slice(which * self.providers, (which + 1) * self.providers)
    }
}

/// Vectors of equal length as columns: the first words of all, then the second ones.
fn columns(rows: &[&Shared<Z64>]) -> Shared<Z64> {
    let width = rows.first().map_or(0, |row| row.len());
    let turn = |side: fn(&Shared<Z64>) -> &[u64]| -> Buf<u64> {
        (0..width).flat_map(|j| rows.iter().map(move |row| side(row)[j])).collect()
    };
    Shared::from_parts(turn(Shared::own), turn(Shared::next))
}

/// A vector so many times, one behind the other.
pub(super) fn repeat<R: Ring>(x: &Shared<R>, times: usize) -> Shared<R> {
    Shared::concat(&vec![x; times])
}

/// Elements at public places.
pub(super) fn gather<R: Ring>(x: &Shared<R>, places: &[usize]) -> Shared<R> {
    x.map(|words| places.iter().map(|at| words[*at]).collect())
}

/// A public multiple.
pub(super) fn times<R: Ring>(x: &Shared<R>, c: R::Word) -> Shared<R> {
    let mut product = x.clone();
    product.scale(c);
    product
}
