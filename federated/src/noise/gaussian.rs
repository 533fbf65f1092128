//! How much noise.

use protocols::{
    prg::Prg,
    sample::{MOST_SIGMA, add_discrete_gaussian},
};

use crate::{
    account::{Event, EventError},
    average::Encoding,
};

/// The least standard deviation, in units of the encoding: of a sum of this many and more, what it is off from one discrete
/// Gaussian (10·Σ exp(−2π²σ²k/(k+1)) in Rényi divergence) is below 10^-60.
const LEAST_SIGMA: u64 = 4;

/// How far one unit can move an encoded sum: an L2 norm, in units of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensitivity(u64);

/// Why there is no such noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoiseError {
    /// A sensitivity that is none, or too large for a sum.
    #[error(
        "one unit moves the sum by a norm that is nothing, or of 2^56 units and more; encode with fewer fractional bits, or lower the bound"
    )]
    Sensitivity,
    /// Noise that is too little to be any, or too much for a sum.
    #[error(
        "noise has a standard deviation of 4 to 2^56 units of the encoding; this one is beyond"
    )]
    Sigma,
    /// Noise that nobody would be left to add.
    #[error(
        "of {least} providers {tolerated} may leave or deviate: the others' noise must be enough, so there must be some"
    )]
    Nobody {
        /// Providers in a sum at least.
        least: usize,
        /// Of whom this many add nothing that counts.
        tolerated: usize,
    },
}

impl Sensitivity {
    /// Of all of one provider's update: of a weight and a norm at most, clipped before it is encoded. In integers that is
    /// `weight · (clip · 2^f + √d / 2)`, for d parameters that are rounded.
    ///
    /// # Errors
    /// [`NoiseError::Sensitivity`].
    pub fn of_update(
        encoding: &Encoding,
        clip: f64,
        most_weight: u64,
        parameters: usize,
    ) -> Result<Self, NoiseError> {
        let unit = encoding.norm(clip, parameters).ok_or(NoiseError::Sensitivity)?;
        let all = unit.checked_mul(most_weight.into()).ok_or(NoiseError::Sensitivity)?;
        let all = u64::try_from(all).ok().filter(|all| (1..MOST_SIGMA).contains(all));
        all.map(Self).ok_or(NoiseError::Sensitivity)
    }

    /// Of one record in a provider's sum of clipped terms of weight 1: in integers `clip · 2^f + √d`, for with the record and without
    /// it the sum is rounded both times. The sum before it is rounded must be exact to 2^-20 of the bound: add up in double
    /// precision.
    ///
    /// # Errors
    /// [`NoiseError::Sensitivity`].
    pub fn of_record(
        encoding: &Encoding,
        clip: f64,
        parameters: usize,
    ) -> Result<Self, NoiseError> {
        // Half the root of four times as many.
        Self::of_update(encoding, clip, 1, parameters.saturating_mul(4))
    }

    /// In units of the encoding.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// Noise of so many millionths of it, rounded up.
    ///
    /// # Errors
    /// [`NoiseError::Sigma`].
    pub fn noise(self, multiplier_micro: u64) -> Result<Gaussian, NoiseError> {
        let sigma = (u128::from(self.0) * u128::from(multiplier_micro)).div_ceil(1_000_000);
        Gaussian::new(u64::try_from(sigma).unwrap_or(u64::MAX))
    }

    /// What the accountant is told of steps with that noise, in each of which every unit takes part: who runs the round sees which.
    ///
    /// # Errors
    /// [`EventError`] if the noise is too little to be worth its name.
    pub fn event(multiplier_micro: u64, steps: u32) -> Result<Event, EventError> {
        Event::new(1.0, multiplier_micro as f64 / 1e6, steps)
    }
}

/// Discrete Gaussian noise of a standard deviation in units of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gaussian {
    sigma: u64,
}

impl Gaussian {
    /// Of a standard deviation.
    ///
    /// # Errors
    /// [`NoiseError::Sigma`].
    pub fn new(sigma: u64) -> Result<Self, NoiseError> {
        let fits = (LEAST_SIGMA..=MOST_SIGMA).contains(&sigma);
        if fits { Ok(Self { sigma }) } else { Err(NoiseError::Sigma) }
    }

    /// Its standard deviation.
    #[must_use]
    pub const fn sigma(self) -> u64 {
        self.sigma
    }

    /// What each of many providers adds so that those who are left have added this much together: of `least` in a sum, `tolerated` may
    /// know their own noise, or add none. The parameter is rounded up.
    ///
    /// # Errors
    /// [`NoiseError::Nobody`]; [`NoiseError::Sigma`] if parts would be too little.
    pub fn split(self, least: usize, tolerated: usize) -> Result<Self, NoiseError> {
        let honest = least.checked_sub(tolerated).filter(|honest| *honest > 0);
        let honest = honest.ok_or(NoiseError::Nobody { least, tolerated })? as u128;
        let variance = (u128::from(self.sigma) * u128::from(self.sigma)).div_ceil(honest);
        let root = variance.isqrt();
        let up = u128::from(root * root < variance);
        Self::new(u64::try_from(root + up).unwrap_or(u64::MAX))
    }

    /// Adds a sample of its own to each word.
    ///
    /// # Security
    /// `rng` must be known to nobody else.
    pub fn add_to(self, words: &mut [u64], rng: &mut Prg) {
        add_discrete_gaussian(rng, self.sigma, words);
    }
}
