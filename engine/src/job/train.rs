//! What a federated training asks for: on which tables, of which model, by which strategy, in how many rounds.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{
    averaging::AveragingSpec, choice::ModelChoice, contribution::ContributionSpec, gate::GateSpec,
    id::JobId, metrics::MetricsSpec, micro::Micro, plugin::PluginSpec, privacy::PrivacySpec,
    ring::RingSpec, trees::TreesSpec,
};

/// A model trained on rows of several providers, which stay where they are: only averages of updates are opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSpec {
    /// `party.dataset`, each of another provider: rows of one kind.
    pub datasets: Vec<String>,
    /// What a row is described by: columns, or expressions in SQL on one row. Numbers are brought to −1 to 1 by their declared
    /// ranges; a text column becomes a number of 0 or 1 for each value of its public list.
    pub features: Vec<String>,
    /// What is learned: a condition or a column of two values (logistic), a number (linear), a column with a public list of
    /// values (softmax, network).
    pub label: String,
    /// Which rows are trained on: a condition in SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What is trained.
    pub model: ModelSpec,
    /// What becomes of an average.
    #[serde(default)]
    pub strategy: StrategySpec,
    /// By whom averages are worked out, and how nobody sees an update; left out, by three parties on shares.
    #[serde(default, skip_serializing_if = "AveragingSpec::is_shares")]
    pub averaging: AveragingSpec,
    /// How many averages are opened.
    #[serde(default = "ten")]
    pub rounds: u32,
    /// How often a provider goes over its rows in a round.
    #[serde(default = "one")]
    pub epochs: u32,
    /// Rows a step.
    #[serde(default = "thirty_two")]
    pub batch: u32,
    /// Step size of the providers.
    #[serde(default = "tenth")]
    pub rate: Micro,
    /// FedProx: the pull back to where the round began.
    #[serde(default)]
    pub proximal: Micro,
    /// No coordinate of an update may be larger: a provider whose update has a larger one is not in that round. With `privacy`, which
    /// bounds updates itself, it says nothing.
    #[serde(default = "eight")]
    pub largest_update: Micro,
    /// Bits of the words in which updates travel and add up: with 32 they are half as long and averages a little coarser.
    #[serde(default, skip_serializing_if = "RingSpec::is_wide")]
    pub ring: RingSpec,
    /// No average is opened of fewer providers; left out, two thirds of them, and three at least,
    /// or all where there are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_providers: Option<u32>,
    /// A round waits no longer than this for updates.
    #[serde(default = "ten_minutes")]
    pub round_seconds: u32,
    /// What updates are held to before they are added up; left out, whatever comes is added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateSpec>,
    /// Differential privacy; without it averages are exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacySpec>,
    /// What is told of the model beside loss and accuracy; left out, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsSpec>,
    /// By whose rows it is told what updates were worth; left out, it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contribution: Option<Box<ContributionSpec>>,
    /// The job that began this training and was interrupted: it goes on from the last round that its compute parties have kept.
    /// All else is as in that job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<JobId>,
}

/// What is trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", from = "ModelChoice")]
pub enum ModelSpec {
    /// Linear regression.
    Linear,
    /// Logistic regression.
    Logistic,
    /// Softmax regression; as many classes as the label has values.
    Softmax,
    /// Dense layers with rectified units, then softmax.
    Network {
        /// Units of each hidden layer.
        hidden: Vec<u32>,
    },
    /// Gradient-boosted trees for two classes: a round is a tree.
    Trees(TreesSpec),
    /// Whatever the providers' own programs train.
    Plugin(PluginSpec),
}

/// What becomes of an average.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StrategySpec {
    /// FedAvg.
    Average {
        /// The step size.
        #[serde(default = "whole")]
        rate: Micro,
    },
    /// FedAvgM.
    Momentum {
        /// The step size.
        #[serde(default = "whole")]
        rate: Micro,
        /// What is left of the sum after a round.
        #[serde(default = "nine_tenths")]
        momentum: Micro,
    },
    /// FedAdagrad.
    Adagrad {
        /// The step size.
        #[serde(default = "hundredth")]
        rate: Micro,
    },
    /// FedAdam.
    Adam {
        /// The step size.
        #[serde(default = "hundredth")]
        rate: Micro,
    },
    /// FedYogi.
    Yogi {
        /// The step size.
        #[serde(default = "hundredth")]
        rate: Micro,
    },
    /// SCAFFOLD: every step of a provider is corrected by how its gradients differ from all providers'.
    Scaffold {
        /// The step size.
        #[serde(default = "whole")]
        rate: Micro,
    },
    /// Ridge regression, solved for in one round from sums of products over all rows.
    Ridge {
        /// By how much large coefficients are penalised: half of it times their squares.
        #[serde(default = "millionth")]
        penalty: Micro,
    },
    /// Logistic regression by Newton's method: a step a round, from sums of products over all rows.
    Newton {
        /// By how much large coefficients are penalised: half of it times their squares.
        #[serde(default = "millionth")]
        penalty: Micro,
    },
    /// FedNova: providers that take more steps, having more rows, do not pull further.
    Nova {
        /// The step size.
        #[serde(default = "whole")]
        rate: Micro,
    },
}

impl Default for StrategySpec {
    fn default() -> Self {
        Self::Average { rate: Micro::ONE }
    }
}

/// The families of models, as policies name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFamily {
    /// [`ModelSpec::Linear`].
    Linear,
    /// [`ModelSpec::Logistic`].
    Logistic,
    /// [`ModelSpec::Softmax`].
    Softmax,
    /// [`ModelSpec::Network`].
    Network,
    /// [`ModelSpec::Trees`].
    Trees,
    /// [`ModelSpec::Plugin`].
    Plugin,
}

impl fmt::Display for ModelFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Logistic => "logistic",
            Self::Softmax => "softmax",
            Self::Network => "network",
            Self::Trees => "trees",
            Self::Plugin => "plugin",
        })
    }
}

impl ModelSpec {
    /// As policies name it.
    #[must_use]
    pub fn family(&self) -> ModelFamily {
        match self {
            Self::Linear => ModelFamily::Linear,
            Self::Logistic => ModelFamily::Logistic,
            Self::Softmax => ModelFamily::Softmax,
            Self::Network { .. } => ModelFamily::Network,
            Self::Trees(_) => ModelFamily::Trees,
            Self::Plugin(_) => ModelFamily::Plugin,
        }
    }

    /// The trees, if that is what is trained.
    #[must_use]
    pub fn trees(&self) -> Option<&TreesSpec> {
        match self {
            Self::Trees(trees) => Some(trees),
            _ => None,
        }
    }

    /// The program that each provider is to train it by, if it is not this one.
    #[must_use]
    pub fn plugin(&self) -> Option<&PluginSpec> {
        match self {
            Self::Plugin(plugin) => Some(plugin),
            _ => None,
        }
    }
}

/// Most providers of a training.
const MAX_PROVIDERS: usize = 256;
/// Most expressions of a row.
const MAX_FEATURES: usize = 4096;
/// Most rounds.
const MAX_ROUNDS: u32 = 100_000;
/// Longest that a round may wait: a day.
const MAX_SECONDS: u32 = 24 * 3600;

impl TrainSpec {
    /// What can be checked without tables.
    ///
    /// # Errors
    /// The first field that has a value it cannot have, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let field = |holds: bool, field, why| if holds { Ok(()) } else { Err((field, why)) };
        let providers = self.datasets.len();
        field(
            (2..=MAX_PROVIDERS).contains(&providers),
            "train.datasets",
            "names 2 to 256 datasets",
        )?;
        let owners: BTreeSet<_> = self.owners().collect();
        field(
            owners.len() == providers,
            "train.datasets",
            "names party.dataset, each of another provider",
        )?;
        let features = self.features.len();
        field(
            (1..=MAX_FEATURES).contains(&features),
            "train.features",
            "has 1 to 4096 expressions",
        )?;
        field((1..=MAX_ROUNDS).contains(&self.rounds), "train.rounds", "is 1 to 100000")?;
        field(self.epochs.min(self.batch) > 0, "train.epochs and train.batch", "are 1 at least")?;
        field(self.rate > Micro(0), "train.rate", "is more than 0")?;
        field(
            self.largest_update > Micro(0),
            "train.largest_update",
            "is more than 0; updates are integers in the end, and what is too large is refused",
        )?;
        let seconds = (1..=MAX_SECONDS).contains(&self.round_seconds);
        field(seconds, "train.round_seconds", "is at most a day")?;
        self.gate.as_ref().map_or(Ok(()), GateSpec::check)?;
        self.contribution.as_ref().map_or(Ok(()), |asked| asked.check(&self.datasets))?;
        self.model.plugin().map_or(Ok(()), PluginSpec::check)?;
        self.averaging.check(self)?;
        self.model.trees().map_or(Ok(()), |trees| trees.check(self))?;
        self.check_strategy()?;
        self.ring.check(self)?;
        self.check_solved()?;
        self.check_metrics()?;
        let least = usize::try_from(self.least()).unwrap_or(usize::MAX);
        field(
            (2..=providers).contains(&least),
            "train.min_providers",
            "is 2 at least, and no more than there are: an average of one is an update",
        )?;
        self.privacy.as_ref().map_or(Ok(()), |privacy| privacy.check(self))
    }

    /// No average is opened of fewer updates; trees are of all providers, and so is what Newton's method adds up.
    #[must_use]
    pub fn least(&self) -> u32 {
        let all = u32::try_from(self.datasets.len()).unwrap_or(u32::MAX);
        if self.model.trees().is_some() || matches!(self.strategy, StrategySpec::Newton { .. }) {
            return self.min_providers.unwrap_or(all);
        }
        let masked = self.averaging.least(self.datasets.len());
        let most = self.averaging.most(all);
        // Of two, each knows what the other sent.
        let usual = || all.saturating_mul(2).div_ceil(3).max(3).min(all).min(most).max(masked);
        self.min_providers.unwrap_or_else(usual)
    }

    /// The parties of the datasets, in order.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.datasets.iter().filter_map(|dataset| Some(dataset.split_once('.')?.0))
    }
}

/// The question in words, for people who approve it.
impl fmt::Display for TrainSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "train ({}, {} rounds)", self.model.family(), self.rounds)?;
        writeln!(f, "  on {}", self.datasets.join(", "))?;
        if let Some(plugin) = self.model.plugin() {
            writeln!(f, "  by each provider's own program `{}`", plugin.name)?;
        }
        writeln!(f, "  {} from {}", self.label, self.features.join(", "))?;
        if let Some(filter) = &self.filter {
            writeln!(f, "  where {filter}")?;
        }
        if let Some(job) = &self.resumes {
            writeln!(f, "  going on where {job} was interrupted")?;
        }
        if !self.ring.is_wide() {
            writeln!(f, "  updates in words of {} bits", self.ring)?;
        }
        if !self.averaging.is_shares() {
            writeln!(f, "  {}", self.averaging)?;
        }
        if let Some(gate) = &self.gate {
            writeln!(f, "  of {gate}")?;
        }
        if let Some(privacy) = &self.privacy {
            writeln!(f, "  {privacy}")?;
        }
        if let Some(metrics) = &self.metrics {
            writeln!(f, "  {metrics}")?;
        }
        if let Some(ContributionSpec { validation, price, .. }) = self.contribution.as_deref() {
            writeln!(
                f,
                "  what updates were worth, by {validation}; {price} are shared out by it"
            )?;
        }
        let opened = if self.strategy.solves() {
            "sums of products of all columns over all rows of"
        } else {
            "averages of"
        };
        write!(f, "  {opened} {} providers at least; the model to the buyer", self.least())
    }
}

const fn one() -> u32 {
    1
}

const fn ten() -> u32 {
    10
}

const fn thirty_two() -> u32 {
    32
}

const fn ten_minutes() -> u32 {
    600
}

const fn millionth() -> Micro {
    Micro(1)
}

const fn whole() -> Micro {
    Micro::ONE
}

const fn nine_tenths() -> Micro {
    Micro(900_000)
}

const fn tenth() -> Micro {
    Micro(100_000)
}

const fn hundredth() -> Micro {
    Micro(10_000)
}

const fn eight() -> Micro {
    Micro(8_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TrainSpec {
        let json = r#"{"datasets": ["north.people", "south.people", "west.people"], "features": ["age"],
                       "label": "income = 'high'", "model": {"kind": "logistic"}, "rate": 0.5}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        let spec = spec();
        assert_eq!(spec.check(), Ok(()));
        assert_eq!((spec.rounds, spec.batch, spec.least()), (10, 32, 3));
        assert_eq!(spec.strategy, StrategySpec::Average { rate: Micro::ONE });
        let again: TrainSpec =
            serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!(again, spec);
        assert!(spec.to_string().contains("income = 'high' from age"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let fault = |change: &dyn Fn(&mut TrainSpec)| {
            let mut spec = spec();
            change(&mut spec);
            spec.check().unwrap_err().0
        };
        assert_eq!(fault(&|spec| spec.datasets.truncate(1)), "train.datasets");
        assert_eq!(fault(&|spec| spec.datasets[1] = "north.others".into()), "train.datasets");
        assert_eq!(fault(&|spec| spec.datasets[1] = "people".into()), "train.datasets");
        assert_eq!(fault(&|spec| spec.features.clear()), "train.features");
        assert_eq!(fault(&|spec| spec.rounds = 0), "train.rounds");
        assert_eq!(fault(&|spec| spec.rate = Micro(0)), "train.rate");
        assert_eq!(fault(&|spec| spec.min_providers = Some(1)), "train.min_providers");
        assert_eq!(fault(&|spec| spec.min_providers = Some(4)), "train.min_providers");
        assert_eq!(fault(&|spec| spec.round_seconds = 0), "train.round_seconds");
    }
}
