//! How updates are averaged so that nobody sees one of them.

use std::fmt;

use federated::secagg::Threshold;
use serde::{Deserialize, Serialize};

use super::{choice::AveragingChoice, spec::JobSpec, train::TrainSpec};

/// How updates are averaged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", from = "AveragingChoice")]
pub enum AveragingSpec {
    /// In shares, by three parties of whom no two put together what they have.
    #[default]
    Shares,
    /// Under masks that cancel, by one party that nobody has to trust with an update.
    Masks {
        /// So many providers may be in league with the one that adds up.
        colluding: u8,
        /// So many may be lost in a round without ending it.
        lost: u8,
    },
}

/// The ways of averaging, as policies name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AveragingKind {
    /// [`AveragingSpec::Shares`].
    Shares,
    /// [`AveragingSpec::Masks`].
    Masks,
}

/// Most providers of a sum by masks, as of any training. All are neighbours of all: fewer neighbours each would need a coin that
/// nobody can bias, and thresholds that hold but for a small chance.
const MOST: usize = 256;

impl AveragingSpec {
    /// As policies name it.
    #[must_use]
    pub const fn kind(&self) -> AveragingKind {
        match self {
            Self::Shares => AveragingKind::Shares,
            Self::Masks { .. } => AveragingKind::Masks,
        }
    }

    /// Whether it is what is meant where nothing is said.
    #[must_use]
    pub const fn is_shares(&self) -> bool {
        matches!(self, Self::Shares)
    }

    /// How many of so many providers mask each other's updates, and how many of those take masks off; nothing where there are no
    /// masks, or no such numbers.
    #[must_use]
    pub fn threshold(&self, providers: usize) -> Option<Threshold> {
        let Self::Masks { colluding, lost } = self else { return None };
        let providers = u32::try_from(providers).ok()?;
        Threshold::complete(providers, (*colluding).into(), (*lost).into()).ok()
    }

    /// How many providers may be in league with the one that adds up; nothing where there are no masks.
    #[must_use]
    pub const fn colluding(&self) -> Option<u8> {
        match self {
            Self::Shares => None,
            Self::Masks { colluding, .. } => Some(*colluding),
        }
    }

    /// The most providers that a round may ask for, of so many: those who may be lost are not among them.
    #[must_use]
    pub(super) const fn most(&self, providers: u32) -> u32 {
        match self {
            Self::Shares => providers,
            Self::Masks { lost, .. } => providers.saturating_sub(*lost as u32),
        }
    }

    /// The fewest providers of whom anything can be told.
    #[must_use]
    pub(super) fn least(&self, providers: usize) -> u32 {
        self.threshold(providers).map_or(2, |threshold| threshold.shares + 1)
    }

    /// What can be checked without tables, in this training.
    pub(super) fn check(&self, train: &TrainSpec) -> Result<(), (&'static str, &'static str)> {
        if self.is_shares() {
            return Ok(());
        }
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        let providers = train.datasets.len();
        field(
            (3..=MOST).contains(&providers),
            "train.datasets",
            "names 3 to 256 datasets where updates are averaged by masks",
        )?;
        field(
            self.threshold(providers).is_some(),
            "train.averaging",
            "asks for too much: `colluding` and twice `lost` together are fewer than the providers less one",
        )?;
        field(
            train.least() >= self.least(providers),
            "train.min_providers",
            "is too few to take masks off: leave it out, or name what `unseen job explain` says without it",
        )?;
        field(
            train.least() <= self.most(u32::try_from(providers).unwrap_or(u32::MAX)),
            "train.min_providers",
            "is more than are left when `lost` of the averaging are: leave it out, or lower one of them",
        )?;
        field(
            train.model.trees().is_none(),
            "train.model",
            "is not `trees` where updates are averaged by masks: they are decided on shares",
        )?;
        let plain = train.strategy.is_plain();
        let why = "does not go with averaging by masks";
        field(plain, "train.strategy", "is average, momentum, adagrad, adam or yogi with masks")?;
        field(train.gate.is_none(), "train.gate", why)?;
        field(train.privacy.is_none(), "train.privacy", why)?;
        field(train.contribution.is_none(), "train.contribution", why)?;
        field(train.ring.is_wide(), "train.ring", why)
    }
}

/// Whether as many compute as the way of averaging asks for, and the one that adds up masked updates brings none.
pub(super) fn check_compute(
    spec: &JobSpec,
    train: Option<&TrainSpec>,
) -> Result<(), (&'static str, &'static str)> {
    let field = |holds: bool, why| if holds { Ok(()) } else { Err(("compute", why)) };
    match train.filter(|train| !train.averaging.is_shares()) {
        None => field(
            spec.compute.len() == 3,
            "names three parties; one alone only adds up updates that are averaged by masks",
        ),
        Some(train) => {
            let alone = spec.compute.single().ok_or((
                "compute",
                "names one party, which adds up, where updates are averaged by masks",
            ))?;
            field(
                train.owners().all(|owner| owner != alone.as_str()),
                "names a party that trains: who adds up masked updates has none of its own",
            )
        }
    }
}

impl fmt::Display for AveragingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shares => f.write_str("averaged on shares"),
            Self::Masks { colluding, lost } => write!(
                f,
                "averaged by masks, with {colluding} providers in league with the one that adds up, and {lost} lost, at most"
            ),
        }
    }
}

impl fmt::Display for AveragingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shares => "shares",
            Self::Masks => "masks",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{ContributionSpec, GateSpec, ModelSpec, StrategySpec};

    fn spec(providers: usize, averaging: &str) -> TrainSpec {
        let datasets: Vec<String> = (0..providers).map(|at| format!("p{at}.people")).collect();
        let json = format!(
            r#"{{"datasets": {}, "features": ["age"], "label": "old", "model": {{"kind": "logistic"}}, "averaging": {averaging}}}"#,
            serde_json::to_string(&datasets).unwrap()
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn masks_ask_for_enough_providers_and_go_with_averages_only() {
        let masks = r#"{"kind": "masks"}"#;
        let good = spec(5, masks);
        assert_eq!((good.check(), good.least()), (Ok(()), 4));
        assert_eq!(spec(5, r#"{"kind": "shares"}"#).least(), 4);
        let text = serde_json::to_string(&spec(5, r#"{"kind": "shares"}"#)).unwrap();
        assert!(!text.contains("averaging"), "jobs of before keep their names");
        let fault = |spec: &TrainSpec| spec.check().unwrap_err().0;
        assert_eq!(fault(&spec(2, masks)), "train.datasets");
        assert_eq!(fault(&spec(257, masks)), "train.datasets");
        let many = r#"{"kind": "masks", "colluding": 50, "lost": 60}"#;
        assert_eq!((spec(256, many).check(), spec(256, many).least()), (Ok(()), 171));
        assert_eq!(fault(&spec(4, r#"{"kind": "masks", "lost": 1}"#)), "train.averaging");
        assert_eq!(spec(4, r#"{"kind": "masks", "colluding": 0, "lost": 1}"#).check(), Ok(()));
        let changed = |change: &dyn Fn(&mut TrainSpec)| {
            let mut spec = spec(5, masks);
            change(&mut spec);
            fault(&spec)
        };
        assert_eq!(changed(&|spec| spec.min_providers = Some(3)), "train.min_providers");
        let mut lossy = spec(5, r#"{"kind": "masks", "lost": 1}"#);
        assert_eq!((lossy.check(), lossy.least()), (Ok(()), 4));
        lossy.min_providers = Some(5);
        assert_eq!(fault(&lossy), "train.min_providers");
        let many = spec(10, r#"{"kind": "masks", "colluding": 0, "lost": 4}"#);
        assert_eq!((many.check(), many.least()), (Ok(()), 6));
        let trees = r#"{"kind": "trees"}"#;
        let trees: ModelSpec = serde_json::from_str(trees).unwrap();
        assert_eq!(changed(&|spec| spec.model = trees.clone()), "train.model");
        for strategy in [
            r#"{"kind": "scaffold"}"#,
            r#"{"kind": "nova"}"#,
            r#"{"kind": "newton", "penalty": 1}"#,
        ] {
            let strategy: StrategySpec = serde_json::from_str(strategy).unwrap();
            assert_eq!(changed(&|spec| spec.strategy = strategy.clone()), "train.strategy");
        }
        let gate: GateSpec =
            serde_json::from_str(r#"{"kind": "norm", "largest_norm": 1}"#).unwrap();
        assert_eq!(changed(&|spec| spec.gate = Some(gate.clone())), "train.gate");
        let privacy = r#"{"unit": "record", "clip": 1, "noise": 1}"#;
        let privacy: crate::job::PrivacySpec = serde_json::from_str(privacy).unwrap();
        assert_eq!(changed(&|spec| spec.privacy = Some(privacy.clone())), "train.privacy");
        let worth: ContributionSpec =
            serde_json::from_str(r#"{"validation": "q.rows", "price": 1}"#).unwrap();
        let worth = |spec: &mut TrainSpec| {
            (spec.contribution, spec.gate) = (Some(Box::new(worth.clone())), Some(gate.clone()));
        };
        assert_eq!(changed(&worth), "train.gate");
        assert_eq!(changed(&|spec| spec.ring = crate::job::RingSpec::Narrow), "train.ring");
        let job = crate::identity::Hash32([3; 32]);
        let mut again = spec(5, masks);
        again.resumes = Some(job.into());
        assert_eq!(again.check(), Ok(()));
    }
}
