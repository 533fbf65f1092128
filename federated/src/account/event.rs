//! What is accounted for.

use super::exact;

/// A number of equal steps, each a release of a sum over sampled units with Gaussian noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    sampling: f64,
    noise: f64,
    steps: u32,
}

/// Why there is no such event.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// A probability outside (0, 1].
    #[error("units are sampled with a probability in (0, 1], not {0}")]
    Sampling(f64),
    /// No noise, or one that cannot be computed with.
    #[error(
        "a noise multiplier is between 0.1 and 10^6, not {0}: below, no guarantee is worth its name"
    )]
    Noise(f64),
}

impl Event {
    /// Steps in which each unit takes part with probability `sampling`, with noise of `noise` times the sensitivity.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn new(sampling: f64, noise: f64, steps: u32) -> Result<Self, EventError> {
        if !(sampling > 0.0 && sampling <= 1.0) {
            return Err(EventError::Sampling(sampling));
        }
        if !(0.1..=1e6).contains(&noise) {
            return Err(EventError::Noise(noise));
        }
        Ok(Self { sampling, noise, steps })
    }

    /// The probability with which a unit takes part in a step.
    #[must_use]
    pub const fn sampling(&self) -> f64 {
        self.sampling
    }

    /// The noise multiplier σ.
    #[must_use]
    pub const fn noise(&self) -> f64 {
        self.noise
    }

    /// How many steps.
    #[must_use]
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// The same with so many steps more.
    pub(super) fn longer(self, steps: u32) -> Self {
        Self { steps: self.steps.saturating_add(steps), ..self }
    }

    /// Whether every unit takes part in every step, so that [`exact`] has the answer.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.sampling >= 1.0
    }

    /// The squared signal-to-noise ratio of all steps of a plain event together: plain events compose by adding it up.
    pub(super) fn signal(&self) -> f64 {
        f64::from(self.steps) / (self.noise * self.noise)
    }
}

/// The δ that goes with an ε for events that are all plain; nothing if one is not.
#[must_use]
pub(super) fn plain_delta(events: &[Event], epsilon: f64) -> Option<f64> {
    let plain = events.iter().all(Event::is_plain);
    plain.then(|| exact::delta(events.iter().map(Event::signal).sum::<f64>().sqrt(), epsilon))
}
