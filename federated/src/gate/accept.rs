//! Whose updates are taken.

use protocols::{
    mpc::{reveal, reveal_cost},
    ring::B64,
    session::{Meter, OpeningKind, Session, SessionError},
};

use super::{
    batch::Batch,
    krum::{among, among_cost},
    norm::{within, within_cost},
    projection::Sketch,
    terms::{Gates, Krum},
};

/// So many providers' updates are compared with each other, and no more: every one with every pair of others.
const MOST_COMPARED: usize = 128;

/// Why no updates are taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// Too few are left, or were there.
    #[error(
        "{got} updates are within the job's bounds and {least} are the least of which a sum is opened; the round ends without one"
    )]
    Few {
        /// How many are left.
        got: usize,
        /// How many must be.
        least: usize,
    },
    /// Multi-Krum says nothing of so few.
    #[error(
        "multi-Krum withstands {byzantine} of at least {} providers and takes at most {} of {providers}, not {keep}",
        2 * byzantine + 3,
        providers.saturating_sub(*byzantine)
    )]
    Krum {
        /// How many there are.
        providers: usize,
        /// How many may deviate.
        byzantine: usize,
        /// How many are to be taken.
        keep: usize,
    },
    /// Too many to compare each with each.
    #[error(
        "multi-Krum compares up to {MOST_COMPARED} providers' updates, not {0}; take the norm gate alone"
    )]
    Many(usize),
    /// The run cannot go on.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Decides on shares whose updates are taken, and opens a bit for each provider, in their order.
///
/// # Shape
/// A sketch of each provider; the same order at all parties.
///
/// # Cost
/// For n providers and 128 projections some 25 rounds, and 40 more with multi-Krum; 20 kB a provider, and with multi-Krum
/// n²/2 comparisons a provider. See [`accept_cost`].
///
/// # Errors
/// [`AcceptError::Few`] if fewer than the job's least are left (the bits are then known to the parties, and nothing of the updates
/// is); [`AcceptError::Krum`] and [`AcceptError::Many`] before anything is sent; session errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party: comparisons, products and truncations. One bit a provider is opened to the three parties.
///
/// # Source
/// See the module.
pub fn accept(
    s: &mut Session,
    gates: &Gates,
    sketches: &[Sketch],
) -> Result<Vec<bool>, AcceptError> {
    let (n, least) = (sketches.len(), gates.terms().least.max(1));
    check(gates, n)?;
    let batch = Batch::new(sketches);
    let mut taken = within(s, gates, &batch)?;
    if let Some(distances) = &gates.distances {
        taken = among(s, (gates, distances), &batch, &taken)?;
    }
    taken.clear_beyond_rows();
    let words = reveal::<B64>(s, taken.planes(), OpeningKind::Acceptance)?;
    let taken: Vec<bool> = (0..n).map(|i| words[i / 64] >> (i % 64) & 1 == 1).collect();
    let got = taken.iter().filter(|taken| **taken).count();
    if got < least { Err(AcceptError::Few { got, least }) } else { Ok(taken) }
}

/// Twin of [`accept`], for `n` providers.
pub fn accept_cost(m: &mut Meter, gates: &Gates, n: usize) {
    within_cost(m, gates, n);
    if let Some(distances) = &gates.distances {
        among_cost(m, gates, distances, n);
    }
    reveal_cost::<B64>(m, n.div_ceil(64), OpeningKind::Acceptance);
}

impl Gates {
    /// Whether they are any for so many providers.
    ///
    /// # Errors
    /// [`AcceptError::Few`], [`AcceptError::Krum`] and [`AcceptError::Many`].
    pub fn check(&self, providers: usize) -> Result<(), AcceptError> {
        check(self, providers)
    }
}

/// Whether there are enough, and for multi-Krum not too many.
fn check(gates: &Gates, providers: usize) -> Result<(), AcceptError> {
    let least = gates.terms().least.max(1);
    if providers < least {
        return Err(AcceptError::Few { got: providers, least });
    }
    let Some(Krum { byzantine, keep }) = gates.terms().krum else { return Ok(()) };
    let most = providers.saturating_sub(byzantine);
    if providers < byzantine.saturating_mul(2).saturating_add(3) || keep > most {
        return Err(AcceptError::Krum { providers, byzantine, keep });
    }
    if providers > MOST_COMPARED { Err(AcceptError::Many(providers)) } else { Ok(()) }
}
