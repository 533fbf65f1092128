//! A party's sum with its noise.

use std::{collections::BTreeSet, fmt};

use protocols::kernels::Backend;

use super::{
    gaussian::Gaussian,
    round::{Round, Secret},
};
use crate::average::{Encoding, Sum, SumError, TRAILER_WORDS};

/// One party's sum of shares with its own noise, and nothing of the providers' figures: exact weights, losses and hits would tell of
/// one provider what noise hides.
pub struct NoisedSum {
    words: Vec<u64>,
    providers: BTreeSet<u32>,
}

/// Shares do not print.
impl fmt::Debug for NoisedSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoisedSum of {} providers, {} words", self.providers.len(), self.words.len())
    }
}

impl NoisedSum {
    /// Adds a party's noise to its sum and drops the trailer.
    ///
    /// # Security
    /// The noise is the party's alone. Before it goes out, the release is written to the ledger
    /// ([`Ledger`](crate::account::Ledger)).
    #[must_use]
    pub fn new(sum: Sum, noise: Gaussian, round: &Round, secret: &Secret) -> Self {
        Self::with(sum, (noise, None), round, secret)
    }

    /// The same with the first word of the trailer's place behind the update, a count with its own noise.
    ///
    /// # Security
    /// As [`new`](Self::new).
    #[must_use]
    pub fn counting(
        sum: Sum,
        (noise, count): (Gaussian, Gaussian),
        round: &Round,
        secret: &Secret,
    ) -> Self {
        Self::with(sum, (noise, Some(count)), round, secret)
    }

    fn with(
        sum: Sum,
        (noise, count): (Gaussian, Option<Gaussian>),
        round: &Round,
        secret: &Secret,
    ) -> Self {
        let (mut words, providers) = sum.into_parts();
        let update = words.len().saturating_sub(TRAILER_WORDS);
        words.truncate(update + usize::from(count.is_some()));
        let mut rng = round.generator(secret);
        let (update, counted) = words.split_at_mut(update);
        noise.add_to(update, &mut rng);
        if let Some(count) = count {
            count.add_to(counted, &mut rng);
        }
        Self { words, providers }
    }

    /// The words that go to whoever opens the sum, to be masked by a sharing of zeros before.
    #[must_use]
    pub fn into_words(self) -> Vec<u64> {
        self.words
    }

    /// The same to look at.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// What the three parties' sums say together: the sum over a weight that is public, such as the number of providers times what
    /// each of them may weigh.
    ///
    /// # Errors
    /// [`SumError::Providers`] and [`SumError::Few`]: nothing is said of fewer providers than `least`.
    pub fn open(
        parts: [Self; 3],
        encoding: &Encoding,
        total_weight: u64,
        least: usize,
    ) -> Result<Vec<f32>, SumError> {
        let [mut first, second, third] = parts;
        if first.providers != second.providers || first.providers != third.providers {
            return Err(SumError::Providers);
        }
        let (got, least) = (first.providers.len(), least.max(1));
        if got < least {
            return Err(SumError::Few { got, least });
        }
        for other in [second, third] {
            Backend::active().add_u64(&mut first.words, &other.words);
        }
        Ok(encoding.decode(&first.words, total_weight))
    }
}
