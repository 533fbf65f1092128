//! What a job lays down for its gates, checked before it runs.

use protocols::mpc::fixed::{Fixed, FixedError, Power, Truncation};

use crate::average::Encoding;

/// Fractional bits of losses and norms in a trailer.
const TRAILER_BITS: i32 = 20;
/// The largest weighted norm is below 2^57, so that no sum of squares of projections reaches 2^127.
const NORM_BITS: u32 = 57;
/// Bits of an unweighted projection on which distances are compared.
const DISTANCE_BITS: u32 = 20;
/// Fractional bits of a weight's reciprocal.
const RECIPROCAL_BITS: u32 = 40;
/// What clipped updates may be longer than the bound by rounding of single precision, relatively.
const SLACK: f64 = 1.0 / (1 << 20) as f64;

/// How many sums are made of an update.
///
/// | sums | refused with 1/2 | refused but for 2^-20 | escapes with a huge coordinate |
/// |---|---|---|---|
/// | 64 | 1.44·C | 2.4·C | 2^-64 |
/// | 128 | 1.31·C | 1.83·C | 2^-128 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Projections {
    /// 64.
    Few,
    /// 128.
    #[default]
    Usual,
}

impl Projections {
    /// How many.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Few => 64,
            Self::Usual => 128,
        }
    }

    /// τ in thousandths of the norm: √(ln(2k · 2^40)), so that one of k sums of an update within the bound is beyond it with a
    /// probability below 2^-40. (A sum with these entries is sub-Gaussian with half the squared norm as variance.)
    const fn tau_milli(self) -> u128 {
        match self {
            Self::Few => 5708,
            Self::Usual => 5769,
        }
    }

    /// θ in thousandths: the quantile of χ² with k degrees of freedom, over k, that is exceeded with a probability of 2^-20.
    const fn theta_milli(self) -> u128 {
        match self {
            Self::Few => 2079,
            Self::Usual => 1713,
        }
    }
}

/// Multi-Krum: of all updates those are taken that are nearest to their nearest others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Krum {
    /// How many providers may deviate, those included whose updates are out of bounds.
    pub byzantine: usize,
    /// How many updates are taken.
    pub keep: usize,
}

/// What the job says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// How updates are encoded.
    pub encoding: Encoding,
    /// Parameters of the model.
    pub parameters: usize,
    /// The L2 norm to which a provider clips its update; if it adds noise of its own then, what that comes to is to be counted in.
    pub clip: f64,
    /// The largest weight of one provider.
    pub most_weight: u64,
    /// The largest loss of one row.
    pub most_loss: f64,
    /// How many sums are made of an update.
    pub projections: Projections,
    /// Whether only updates near to each other are taken, too.
    pub krum: Option<Krum>,
    /// Whether the sum is released with differential privacy.
    pub private: bool,
    /// The least number of updates in a sum.
    pub least: usize,
}

/// Why there are no such gates.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// A bound that is none.
    #[error("updates are clipped to {0}; a gate needs a positive, finite bound on their norm")]
    Clip(f64),
    /// A bound on losses that is none, or too large.
    #[error("the loss of a row is bounded by {0}; that must be a number from 0 to 2^{1}")]
    Loss(f64, i32),
    /// A weight that is none, or of more than all.
    #[error("one provider weighs 1 to {most}, which all weigh together, not {got}")]
    Weight {
        /// What was said.
        got: u64,
        /// What all may weigh.
        most: u64,
    },
    /// Squares would not fit.
    #[error(
        "weighted updates of norm {clip} need {bits} bits and a gate takes {NORM_BITS}; encode with fewer fractional bits, or weigh by thousands of rows"
    )]
    Norm {
        /// The bound.
        clip: f64,
        /// What it takes.
        bits: u32,
    },
    /// Weighted squared norms do not fit.
    #[error(
        "the square of {clip}, times a weight of {most_weight}, does not fit a trailer; weigh by thousands of rows"
    )]
    Square {
        /// The bound.
        clip: f64,
        /// The weight.
        most_weight: u64,
    },
    /// Multi-Krum with differential privacy.
    #[error(
        "which updates multi-Krum takes depends on others', so noise for one provider's influence does not cover it; take the norm gate alone, or no differential privacy"
    )]
    KrumWithPrivacy,
    /// Numbers that do not go together.
    #[error(
        "multi-Krum takes at least one update, and not {keep} of those that remain of {byzantine} others"
    )]
    Krum {
        /// How many may deviate.
        byzantine: usize,
        /// How many are to be taken.
        keep: usize,
    },
    /// Weights that cannot be divided by.
    #[error("multi-Krum compares updates without their weights: {0}")]
    Unweigh(#[from] FixedError),
}

/// Checked terms, as integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Gates {
    terms: Terms,
    /// The bound on a projection of an update of weight 1.
    pub(super) tau: u64,
    /// The bound on the sum of squares of them.
    pub(super) squares: u128,
    /// The bounds on the loss and on the squared norm of an update of weight 1.
    pub(super) loss: u64,
    pub(super) norm: u64,
    pub(super) distances: Option<Distances>,
}

/// How projections lose their weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distances {
    pub(super) krum: Krum,
    /// The low bits of projections that are not looked at.
    pub(super) coarse: Option<Truncation>,
    /// Nothing for weights of 1.
    pub(super) unweigh: Option<(Power, Truncation)>,
}

impl Gates {
    /// Checks what a job says.
    ///
    /// # Errors
    /// [`TermsError`]: a job is refused when it is made.
    pub fn new(terms: Terms) -> Result<Self, TermsError> {
        let Terms { clip, most_weight, krum, .. } = terms;
        let most = terms.encoding.bounds().total_weight;
        if !(1..=most).contains(&most_weight) {
            return Err(TermsError::Weight { got: most_weight, most });
        }
        if krum.is_some() && terms.private {
            return Err(TermsError::KrumWithPrivacy);
        }
        let unit = terms.encoding.norm(clip, terms.parameters).ok_or(TermsError::Clip(clip))?;
        let weighted = unit.saturating_mul(u128::from(most_weight));
        if weighted >> NORM_BITS != 0 {
            let bits = u128::BITS - weighted.leading_zeros();
            return Err(TermsError::Norm { clip, bits });
        }
        let projections = terms.projections;
        let squares = (unit * unit * projections.theta_milli()).div_ceil(1000)
            * (projections.count() as u128 / 2);
        let tau = low((unit * projections.tau_milli()).div_ceil(1000));
        let distances = krum.map(|krum| Distances::new(krum, tau, most_weight)).transpose()?;
        let loss = per_row(terms.most_loss, most_weight)
            .ok_or_else(|| TermsError::Loss(terms.most_loss, bits_left(most_weight)))?;
        let squared = (clip * (1.0 + SLACK)).powi(2);
        let norm = per_row(squared, most_weight).ok_or(TermsError::Square { clip, most_weight })?;
        Ok(Self { terms, tau, squares, loss, norm, distances })
    }

    /// The same with as many of the encoding's fractional bits as the gates have room for.
    ///
    /// # Errors
    /// [`TermsError`], of the coarsest encoding that there is.
    pub fn finest(terms: Terms) -> Result<Self, TermsError> {
        let mut bits = terms.encoding.bits();
        loop {
            let encoding = terms.encoding.at_most(bits);
            match Self::new(Terms { encoding, ..terms }) {
                Err(_) if encoding.bits() == bits => bits -= 1,
                other => return other,
            }
        }
    }

    /// What they were made of.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Words of a projection.
    #[must_use]
    pub fn sums(&self) -> usize {
        self.terms.projections.count()
    }

    /// Parameters of the model.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.terms.parameters
    }
}

impl Distances {
    fn new(krum: Krum, tau: u64, most_weight: u64) -> Result<Self, TermsError> {
        if krum.keep == 0 {
            return Err(TermsError::Krum { byzantine: krum.byzantine, keep: krum.keep });
        }
        let bits = u64::BITS - tau.leading_zeros();
        let drop = bits.saturating_sub(DISTANCE_BITS);
        let most = tau.saturating_mul(most_weight).cast_signed();
        let coarse = match drop {
            0 => None,
            _ => Some(Truncation::exact(Fixed::of_words(drop, -most, most)?, 0)?),
        };
        let unweigh = if most_weight == 1 {
            None
        } else {
            let weights = Fixed::of_words(0, 1, most_weight.cast_signed())?;
            let reciprocal = Power::reciprocal(weights, RECIPROCAL_BITS)?;
            let most = (1 << (DISTANCE_BITS + RECIPROCAL_BITS + 1)) - 1;
            let product = Fixed::of_words(RECIPROCAL_BITS, -most, most)?;
            Some((reciprocal, Truncation::exact(product, 0)?))
        };
        Ok(Self { krum, coarse, unweigh })
    }
}

/// What a row may add to a figure of the trailer, and a unit that rounding adds; nothing if all rows may add more than 2^61.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked against the bound"
)]
fn per_row(most: f64, weight: u64) -> Option<u64> {
    let words = most * f64::from(TRAILER_BITS).exp2() + 1.0;
    let fits = most >= 0.0 && words * (weight as f64) < f64::from(61).exp2();
    fits.then_some(words.ceil() as u64)
}

/// Bits of a row's figure that there is room for.
fn bits_left(weight: u64) -> i32 {
    61 - TRAILER_BITS - (u64::BITS - weight.leading_zeros()).cast_signed()
}

fn low(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
