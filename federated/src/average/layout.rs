//! How the words of an update lie.

use super::trailer::TRAILER_WORDS;
use crate::pairs::Pairs;

/// The words of an encoded update: its coordinates, of 64 bits each or two to a word, and then the
/// trailer's and what is counted besides, of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    coordinates: usize,
    narrow: bool,
    /// Words behind the trailer.
    counts: usize,
}

impl Layout {
    /// Coordinates of 64 bits.
    #[must_use]
    pub const fn wide(coordinates: usize) -> Self {
        Self { coordinates, narrow: false, counts: 0 }
    }

    /// Coordinates of 32 bits.
    #[must_use]
    pub const fn narrow(coordinates: usize) -> Self {
        Self { coordinates, narrow: true, counts: 0 }
    }

    /// The same with so many words behind the trailer.
    #[must_use]
    pub const fn counting(self, counts: usize) -> Self {
        Self { counts, ..self }
    }

    /// Numbers of an update.
    #[must_use]
    pub const fn coordinates(self) -> usize {
        self.coordinates
    }

    /// Whether coordinates have 32 bits.
    #[must_use]
    pub const fn is_narrow(self) -> bool {
        self.narrow
    }

    /// Bytes of a coordinate.
    #[must_use]
    pub const fn bytes(self) -> usize {
        if self.narrow { 4 } else { 8 }
    }

    /// Coordinates of a word.
    pub(super) const fn lanes(self) -> usize {
        if self.narrow { 2 } else { 1 }
    }

    /// Words before the trailer. What is left of them behind the last coordinate, three at most of 32 bits, is zeros.
    #[must_use]
    pub const fn body(self) -> usize {
        if self.narrow { self.pairs().words() } else { self.coordinates }
    }

    /// All words.
    #[must_use]
    pub const fn words(self) -> usize {
        self.body() + TRAILER_WORDS + self.counts
    }

    /// How they add up.
    #[must_use]
    pub const fn pairs(self) -> Pairs {
        if self.narrow { Pairs::holding(self.coordinates) } else { Pairs::NONE }
    }
}
