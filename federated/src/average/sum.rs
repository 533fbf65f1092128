//! What a party adds up, and what all three sums say together.

use std::{collections::BTreeSet, fmt};

use super::{
    encoding::Encoding,
    layout::Layout,
    narrow::parted,
    shares::Share,
    trailer::{TRAILER_WORDS, Trailer},
};

/// One party's sum of shares, and whose they are.
pub struct Sum {
    words: Vec<u64>,
    layout: Layout,
    providers: BTreeSet<u32>,
}

/// What a sum says.
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    /// The weighted mean of all updates.
    pub update: Vec<f32>,
    /// The figures of all updates together.
    pub trailer: Trailer,
    /// Whose updates are in it.
    pub providers: Vec<u32>,
}

/// Why sums are none, or say nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SumError {
    /// One provider's share a second time.
    #[error("provider {0} has sent its update already; a round takes one from each")]
    Twice(u32),
    /// A share of another length.
    #[error(
        "provider {provider} sent {got} words and the round has {want}; it trains another model"
    )]
    Length {
        /// Whose.
        provider: u32,
        /// How many.
        got: usize,
        /// How many there should be.
        want: usize,
    },
    /// Parties that added up different providers' shares.
    #[error(
        "the parties have added up different providers' updates; they must agree on whose before they open the sum"
    )]
    Providers,
    /// Too few providers.
    #[error(
        "{got} providers are in the sum and {least} are the least of whom anything may be said"
    )]
    Few {
        /// How many are in it.
        got: usize,
        /// How many must be.
        least: usize,
    },
    /// Trailers that cannot be true.
    #[error(
        "the providers' own figures do not add up: {0}; one of them sent something else than an update"
    )]
    Trailer(&'static str),
}

/// Shares do not print.
impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sum of {} providers, {} words", self.providers.len(), self.words.len())
    }
}

impl Sum {
    /// Of nothing, for a model of so many parameters.
    #[must_use]
    pub fn new(parameters: usize) -> Self {
        Self::of(Layout::wide(parameters))
    }

    /// Of nothing, for updates that lie like this.
    #[must_use]
    pub fn of(layout: Layout) -> Self {
        Self { words: vec![0; layout.words()], layout, providers: BTreeSet::new() }
    }

    /// Words that a share of this round has: the parameters and the trailer.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Adds one provider's share.
    ///
    /// # Errors
    /// [`SumError::Twice`] and [`SumError::Length`], and the sum is as before.
    pub fn add(&mut self, provider: u32, share: &Share) -> Result<(), SumError> {
        let want = self.words.len();
        if let Some(got) = share.words().filter(|got| *got != want) {
            return Err(SumError::Length { provider, got, want });
        }
        if !self.providers.insert(provider) {
            return Err(SumError::Twice(provider));
        }
        share.add_pairs(self.layout.pairs(), &mut self.words);
        Ok(())
    }

    /// From words of 64 bits that were added up, of these providers.
    pub(crate) fn from_parts(words: Vec<u64>, providers: BTreeSet<u32>) -> Self {
        let layout = Layout::wide(words.len().saturating_sub(TRAILER_WORDS));
        Self { words, layout, providers }
    }

    /// The words of the sum, and whose updates are in it.
    pub(crate) fn into_parts(self) -> (Vec<u64>, BTreeSet<u32>) {
        (self.words, self.providers)
    }

    /// The three parties' sums put together by whoever may know the result.
    ///
    /// # Errors
    /// [`SumError`]: nothing is said of fewer providers than `least`.
    pub fn open(parts: [Self; 3], encoding: &Encoding, least: usize) -> Result<Average, SumError> {
        let [mut first, second, third] = parts;
        if first.providers != second.providers || first.providers != third.providers {
            return Err(SumError::Providers);
        }
        let got = first.providers.len();
        if got < least.max(1) {
            return Err(SumError::Few { got, least: least.max(1) });
        }
        let layout = first.layout;
        for other in [second, third] {
            Share::Words(other.words).add_pairs(layout.pairs(), &mut first.words);
        }
        let (update, trailer) = first.words.split_at(layout.body());
        let (trailer, total) = checked(trailer, got, encoding)?;
        Ok(Average {
            update: encoding.average(layout, update, total),
            trailer,
            providers: first.providers.into_iter().collect(),
        })
    }
}

/// A trailer that can be true, and what a sum is divided by; a hostile one shows in the sum only if it is far off.
pub(crate) fn checked(
    words: &[u64],
    providers: usize,
    encoding: &Encoding,
) -> Result<(Trailer, u64), SumError> {
    let mut own = [0; TRAILER_WORDS];
    own.copy_from_slice(words);
    let mut total = own[0];
    if encoding.is_narrow() {
        (own[0], total) = parted(own[0]);
    }
    let trailer = Trailer::from_words(&own);
    let least = providers as u64;
    let holds = |holds: bool, what| if holds { Ok(()) } else { Err(SumError::Trailer(what)) };
    holds(trailer.updates == least, "the number of updates")?;
    let most = encoding.bounds().total_weight;
    holds((least..=most).contains(&trailer.weight), "the weights")?;
    holds((least..=encoding.most_weight()).contains(&total), "the weights")?;
    holds(trailer.correct <= trailer.weight, "the rows that were right")?;
    holds(trailer.squared_norm >= 0.0, "the norms")?;
    Ok((trailer, total))
}
