//! Noise that no party knows all of, from an exact sampler on integers.
//!
//! Each of the three parties adds discrete Laplace noise of the full scale by itself. A party can subtract its own; what the two
//! others added stays, and any one of them is enough for the guarantee, since noise that is added to a private result
//! takes nothing from it. The price is three times the variance of one.
//!
//! # Source
//! Noise added by the parties of a computation, so that nobody is trusted with it: Dwork, Kenthapadi, McSherry, Mironov, Naor,
//! *Our Data, Ourselves: Privacy via Distributed Noise Generation*, EUROCRYPT 2006. The two-sided geometric, or discrete
//! Laplace, distribution: Ghosh, Roughgarden, Sundararajan, STOC 2009. The sampler:
//! [`crate::sample`].

use crate::{
    prg::Prg,
    ring::{Buf, Z64},
    sample::{Draws, discrete_laplace},
    session::{Meter, Session, SessionError},
    share::Shared,
};

/// Thousandths, in which an ε is given.
const MILLI: u128 = 1000;

/// How much noise each released number gets.
///
/// # Guarantee
/// One element more or less on either side changes a count by 1 and a sum by its bound at most, in one group. So each number by
/// itself is ε-differentially private towards whoever sees it together with one compute party's view, and a count with v sums
/// are (v + 1)·ε, all groups together, as groups have no element in common. Bounds are the data owner's to keep: values beyond
/// them are to be clipped before they come in. Not covered is the one bit a cell that says whether the *exact* count reached
/// the minimum, where there is one.
///
/// The time that drawing takes varies with what is drawn, as rejection samplers do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noise {
    /// ε of one number, in thousandths; at least 1.
    pub epsilon_milli: u32,
    /// For each sum, the largest magnitude of what an element adds to it; below 2^40.
    pub bounds: Vec<u64>,
}

impl Noise {
    /// Adds this party's noise to shares of cells, each a count and a sum for every bound.
    ///
    /// # Cost
    /// 1 round; each party sends a word a number.
    ///
    /// # Errors
    /// Channel errors pass through.
    ///
    /// # Security
    /// Semi-honest. The one message is masked by a fresh zero share. `rng` must be this party's own secret.
    pub(super) fn add(
        &self,
        s: &mut Session,
        cells: &mut Shared<Z64>,
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let sensitivities: Vec<u64> = [1].into_iter().chain(self.bounds.iter().copied()).collect();
        add_noise(s, cells, (sensitivities.iter().copied().cycle(), self.epsilon_milli), rng)
    }
}

/// Adds this party's noise to shared numbers: to each as much as hides, at this ε in thousandths, a change by its sensitivity.
///
/// # Shape
/// At least as many sensitivities as numbers, each below 2^40; 0 gives no noise.
///
/// # Cost
/// 1 round; each party sends a word a number.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest; all three parties must call it. The one message is masked by a fresh zero share. `rng` must be this party's own
/// secret; see [`Noise`] for what the noise guarantees.
pub fn add_noise(
    s: &mut Session,
    numbers: &mut Shared<Z64>,
    (sensitivities, epsilon_milli): (impl Iterator<Item = u64>, u32),
    rng: &mut Prg,
) -> Result<(), SessionError> {
    let mut own = Buf::scratch(numbers.len());
    s.prss().zero_share::<Z64>(&mut own);
    let mut draws = Draws::new(rng);
    for (number, sensitivity) in own.iter_mut().zip(sensitivities) {
        let scale = MILLI * u128::from(sensitivity);
        *number = number.wrapping_add(discrete_laplace(&mut draws, scale, epsilon_milli));
    }
    let next = s.exchange::<Z64>(&own)?;
    numbers.add_assign(&Shared::from_parts(own, next));
    Ok(())
}

/// Twin of [`add_noise`].
pub fn add_noise_cost(m: &mut Meter, numbers: usize) {
    m.exchange::<Z64>(numbers);
}
