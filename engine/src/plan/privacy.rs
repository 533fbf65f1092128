//! What a training with noise promises: how much, to whom, and what it does not cover.

use std::fmt;

use federated::{
    account::{Event, exact},
    average::Encoding,
    noise::{AdaptiveClip, ClipTerms},
    round::{CLIP_WORDS, Privacy, Terms},
};

use super::{explain::thousands, ir::Plan, train::Training};
use crate::job::{Delta, Micro, ModelSpec, PrivacySpec, PrivacyUnit};

/// What all rounds of a training together give away of one unit at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guarantee {
    /// Whose.
    pub unit: PrivacyUnit,
    /// The ε, exact but for the rounding of double precision.
    pub epsilon: f64,
    /// With this δ.
    pub delta: Delta,
}

impl Guarantee {
    /// Of so many rounds with this noise.
    ///
    /// # Source
    /// Gaussian noise on sums that every unit is in: Balle and Wang, ICML 2018, theorem 8, as in [`exact::epsilon`].
    #[must_use]
    pub fn of(unit: PrivacyUnit, noise: Micro, rounds: u32, delta: Delta) -> Self {
        let event = Event::new(1.0, noise.value(), rounds).ok();
        let epsilon = event.and_then(|event| exact::epsilon(&[event], delta.value()));
        Self { unit, epsilon: epsilon.unwrap_or(f64::INFINITY), delta }
    }

    /// The ε to three digits, rounded up.
    #[must_use]
    pub fn epsilon_text(&self) -> String {
        // Less than nothing would be written with a sign.
        format!("{:.3}", (self.epsilon * 1e3 - 1e-6).ceil() / 1e3 + 0.0)
    }
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ε = {} and δ = {} for each {}", self.epsilon_text(), self.delta, self.unit)
    }
}

impl Training {
    /// What so many of its rounds promise; nothing where there is no noise.
    #[must_use]
    pub fn guarantee(&self, rounds: u32) -> Option<Guarantee> {
        let of = self.privacy.as_ref()?;
        Some(Guarantee::of(of.unit, of.noise, rounds, of.delta))
    }

    /// How it hides, and the encoding that has room for the noise; nothing where there is none.
    ///
    /// # Errors
    /// Sums that could overflow, or noise that cannot be.
    pub fn noised(&self, plan: &Plan) -> Result<Option<(Privacy, Encoding)>, String> {
        let Some(of) = &self.privacy else { return Ok(None) };
        let terms = Terms {
            unit: of.unit.into(),
            clip: of.clip.value(),
            adaptive: self.clip_terms(),
            multiplier_micro: of.noise.0,
            job: plan.job.0,
            rows: self.owners(plan).map(|input| input.rows).collect(),
            parameters: self.parameters()?,
            least: self.least as usize,
            colluding: of.colluding() as usize,
            rate: self.rate.single(),
        };
        Privacy::new(&terms).map(Some).map_err(|error| error.to_string())
    }

    /// How its clip follows updates, if it does.
    fn clip_terms(&self) -> Option<ClipTerms> {
        let of = self.privacy.as_ref()?;
        let adaptive = of.adaptive.as_ref()?;
        Some(ClipTerms {
            quantile: adaptive.quantile.value(),
            rate: adaptive.rate.value(),
            count_noise_micro: adaptive.count_noise(self.inputs.len()).0,
            largest: adaptive.largest(of.clip).value(),
        })
    }

    /// How its clip follows updates, if it does and can.
    #[must_use]
    pub fn adaptive(&self) -> Option<AdaptiveClip> {
        let (of, terms) = (self.privacy.as_ref()?, self.clip_terms()?);
        AdaptiveClip::new(&terms, of.clip.value(), of.noise.0).ok()
    }

    /// Words that the result has of each round for a clip that follows updates.
    pub(super) fn clip_words(&self) -> usize {
        let follows = self.privacy.as_ref().is_some_and(|of| of.adaptive.is_some());
        if follows { CLIP_WORDS } else { 0 }
    }

    /// What keeps its noise from being that of a plan, if anything does.
    pub(super) fn privacy_fault(&self, plan: &Plan) -> Result<(), String> {
        let (Some(of), Some(guarantee)) = (&self.privacy, self.guarantee(self.rounds)) else {
            return Ok(());
        };
        // What else is trained opens other things than averages, and they would be exact.
        let averaged = matches!(
            self.model,
            ModelSpec::Linear
                | ModelSpec::Logistic
                | ModelSpec::Softmax
                | ModelSpec::Network { .. }
                | ModelSpec::Plugin(_)
        );
        if !averaged {
            let family = self.model.family();
            return Err(format!(
                "has noise, which is added to averages; a {family} model is not made of any"
            ));
        }
        self.noised(plan)?;
        if self.gate.is_some() {
            return Err("has a gate beside its noise, whose refusals tell of rows".into());
        }
        if of.unit == PrivacyUnit::Record && (self.epochs != 1 || self.proximal != Micro(0)) {
            return Err("hides rows and takes more than one step a round".into());
        }
        if of.unit == PrivacyUnit::Record && of.colluding() == 0 {
            return Err("counts a provider's own noise as unknown to it".into());
        }
        match of.max_epsilon {
            Some(most) if guarantee.epsilon.is_nan() || guarantee.epsilon > most.value() => {
                Err(format!(
                    "promises {guarantee}, where {most} is the most: add noise, or take fewer rounds"
                ))
            }
            _ => Ok(()),
        }
    }

    /// What it shows, and to whom, with noise.
    pub(super) fn shows_noised(&self, of: &PrivacySpec, parameters: usize) -> Vec<String> {
        let PrivacySpec { unit, noise, .. } = of;
        let (clip, noise) = match self.adaptive() {
            Some(adaptive) => (
                format!("that begins with {} and follows them,", of.clip),
                Micro(adaptive.multiplier_micro()),
            ),
            None => (format!("of {}", of.clip), *noise),
        };
        let promise = self.guarantee(self.rounds).map(|all| all.to_string()).unwrap_or_default();
        let what = match unit {
            PrivacyUnit::Client => format!(
                "the average of the updates of at least {} providers, each scaled down to a norm {clip} and counting alike",
                self.least
            ),
            PrivacyUnit::Record => format!(
                "the sum of the gradients of all rows of at least {} providers, each scaled down to a norm {clip}",
                self.least
            ),
        };
        let added = match unit {
            PrivacyUnit::Client => "each of the three compute parties adds to it".to_owned(),
            PrivacyUnit::Record => format!(
                "the providers add together, as long as no more than {} of those in it put together what they drew",
                of.colluding()
            ),
        };
        let mut shows = vec![
            format!(
                "compute parties and providers: the model after each of {} rounds, {} numbers, so {what}, with discrete Gaussian \
                 noise of {noise} times that norm that {added}",
                self.rounds,
                thousands(parameters as u64),
            ),
            format!(
                "all of {} together are differentially private with {promise} (each is there or its part is zero), by \
                 the exact account of Gaussian noise; other jobs on the same rows add to it",
                if of.adaptive.is_some() { "these models and counts" } else { "these models" }
            ),
            format!(
                "compute parties, and the buyer: for each round whose updates were in it, nothing else{}; no rows are counted, and no \
                 loss or accuracy is told",
                if of.adaptive.is_some() { " but that" } else { "" }
            ),
            "not covered: that a provider took part, or had no budget left, and how long it took; two compute parties in league, \
             who can see every update; a provider that does not clip as agreed, which can spoil the model and hides itself no longer"
                .to_owned(),
        ];
        if let Some(told) = self.clip_shows(of) {
            shows.insert(1, told);
        }
        shows
    }

    /// What a clip that follows updates shows besides.
    fn clip_shows(&self, of: &PrivacySpec) -> Option<String> {
        let adaptive = of.adaptive.as_ref()?;
        let count = adaptive.count_noise(self.inputs.len());
        Some(format!(
            "compute parties, providers and the buyer: the norm of each round, {} at most, which follows how many of the updates before were \
             within it ({} of them are to be): one number a round more that is opened, twice that count less all, with discrete Gaussian \
             noise of {} that each of the three compute parties adds; it and the model together give away what noise of {} times the \
             norm on the model alone would",
            adaptive.largest(of.clip),
            adaptive.quantile,
            Micro(count.0.saturating_mul(2)),
            of.noise
        ))
    }
}

impl From<PrivacyUnit> for federated::account::Unit {
    fn from(unit: PrivacyUnit) -> Self {
        match unit {
            PrivacyUnit::Client => Self::Client,
            PrivacyUnit::Record => Self::Record,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_are_what_people_read() {
        let delta: Delta = serde_json::from_str("1e-5").unwrap();
        let told = |noise: u64, rounds| {
            Guarantee::of(PrivacyUnit::Client, Micro(noise), rounds, delta).to_string()
        };
        // 8.595865790 and 4.377178096 of Google's dp-accounting 0.6.0, rounded up.
        assert_eq!(told(4_000_000, 50), "ε = 8.596 and δ = 0.00001 for each client");
        assert_eq!(told(1_000_000, 1), "ε = 4.378 and δ = 0.00001 for each client");
        assert!(told(1_000_000, 0).starts_with("ε = 0.000"));
    }
}
