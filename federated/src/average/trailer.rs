//! What is added up beside the update.

/// Words of a trailer.
pub const TRAILER_WORDS: usize = 5;
/// Fractional bits of the loss and of the squared norm.
const BITS: i32 = 20;

/// Figures of one update, or of all together: shared and added up like the update itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trailer {
    /// Rows it was trained on.
    pub weight: u64,
    /// The sum of the loss over its rows.
    pub loss: f64,
    /// Rows that the model got right.
    pub correct: u64,
    /// Updates: 1.
    pub updates: u64,
    /// The squared L2 norm of the update, by weight.
    pub squared_norm: f64,
}

impl Trailer {
    /// Sums of losses, and of squared norms, are below this, or they would wrap.
    pub const MOST: f64 = (1_u64 << (63 - BITS)) as f64;

    /// As words that add up.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "sums are below `MOST`")]
    pub fn words(&self) -> [u64; TRAILER_WORDS] {
        let fixed =
            |x: f64| ((x * f64::from(BITS).exp2()).round_ties_even() as i64).cast_unsigned();
        [self.weight, fixed(self.loss), self.correct, self.updates, fixed(self.squared_norm)]
    }

    /// From words that were added up.
    #[must_use]
    pub fn from_words(words: &[u64; TRAILER_WORDS]) -> Self {
        let real = |word: u64| word.cast_signed() as f64 * f64::from(-BITS).exp2();
        Self {
            weight: words[0],
            loss: real(words[1]),
            correct: words[2],
            updates: words[3],
            squared_norm: real(words[4]),
        }
    }
}
