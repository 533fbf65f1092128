//! What a plan says of a federated training: on which inputs, of which model, and how it goes.

use federated::{average::Encoding, model::Fit, round::UPDATE_BITS};
use serde::{Deserialize, Serialize};

use super::{
    explain::{table, thousands},
    ir::{LocalInput, Plan},
    valuation::Valuation,
};
use crate::{
    identity::Hash32,
    job::{
        AveragingSpec, GateSpec, MetricsSpec, Micro, ModelSpec, PrivacySpec, RingSpec, StrategySpec,
    },
};

/// Words that the result has of each round at least: how many providers were in it, their rows, the sum of their losses, rows
/// that were right.
pub const ROUND_WORDS: usize = 4;

/// A training on inputs that stay at home. Outputs, one row a parameter and then [some](Training::round_words) a round: whether the row exists
/// (Bits(1), always), and a word (Z64): the bits of a parameter in single precision, or a figure of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The providers' inputs, in the order in which they are numbered.
    pub inputs: Vec<u32>,
    /// What a row is described by: expressions of each local sub-plan, in order.
    pub features: Vec<Feature>,
    /// What is learned: the expression after the features.
    pub label: Feature,
    /// What is trained.
    pub model: ModelSpec,
    /// What becomes of an average.
    pub strategy: StrategySpec,
    /// By whom averages are worked out.
    #[serde(default, skip_serializing_if = "AveragingSpec::is_shares")]
    pub averaging: AveragingSpec,
    /// Averages that are opened.
    pub rounds: u32,
    /// Passes of a provider over its rows in a round.
    pub epochs: u32,
    /// Rows a step.
    pub batch: u32,
    /// Step size.
    pub rate: Micro,
    /// FedProx's pull.
    pub proximal: Micro,
    /// No coordinate of an update may be larger.
    pub largest_update: Micro,
    /// In what words updates travel and add up.
    #[serde(default, skip_serializing_if = "RingSpec::is_wide")]
    pub ring: RingSpec,
    /// No average is opened of fewer providers.
    pub least: u32,
    /// A round waits no longer than this.
    pub round_seconds: u32,
    /// What updates are held to before they are added up.
    pub gate: Option<GateSpec>,
    /// Noise on every average, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacySpec>,
    /// What is told of the model beside loss and accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<MetricsSpec>,
    /// How it is told what updates were worth.
    pub valuation: Option<Valuation>,
    /// The job that began it, where it goes on after an interruption.
    pub resumes: Option<Hash32>,
}

/// How an expression becomes numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Feature {
    /// A number with `digits` digits behind the point, between these bounds; as a feature brought to −1 to 1.
    Number {
        /// What it is called.
        name: String,
        /// Smallest value, without the point.
        #[serde(with = "crate::identity::int_string")]
        min: i128,
        /// Largest value, without the point.
        #[serde(with = "crate::identity::int_string")]
        max: i128,
        /// Digits behind the point.
        digits: u8,
    },
    /// A condition: 0 or 1.
    Flag {
        /// What it is called.
        name: String,
    },
    /// A text of a public list: a number of 0 or 1 for each value; as a label the place in the list.
    OneOf {
        /// What it is called.
        name: String,
        /// The list.
        domain: Vec<String>,
    },
}

impl Feature {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name, .. } | Self::Flag { name } | Self::OneOf { name, .. } => name,
        }
    }

    /// Numbers that it becomes.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Number { .. } | Self::Flag { .. } => 1,
            Self::OneOf { domain, .. } => domain.len(),
        }
    }

    /// What each of its numbers is called.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::OneOf { name, domain } => {
                domain.iter().map(|value| format!("{name} = {value}")).collect()
            }
            other => vec![other.name().to_owned()],
        }
    }
}

impl Training {
    /// How many times the link of a provider that does not compute is made anew in one run.
    pub const RENEWALS: u32 = federated::round::RENEWALS;

    /// The job that began it: this one, or the one it resumes.
    #[must_use]
    pub fn root(&self, plan: &Plan) -> Hash32 {
        self.resumes.unwrap_or(plan.job)
    }

    /// How updates become integers, given the plan's row bounds.
    ///
    /// # Errors
    /// Sums that could overflow.
    pub fn encoding(&self, plan: &Plan) -> Result<Encoding, String> {
        if let Some((_, encoding)) = self.noised(plan)? {
            return Ok(encoding);
        }
        let mut encoding = self.words(plan)?;
        if self.valuation.is_some() {
            encoding = encoding.at_most(UPDATE_BITS);
        }
        Ok(self.gates(plan, encoding)?.map_or(encoding, |gates| gates.terms().encoding))
    }

    /// Rows of the result.
    ///
    /// # Errors
    /// What does not fit.
    pub fn rows(&self) -> Result<u64, String> {
        let rounds = self.rounds as usize * self.round_words();
        let rows = self.parameters()?.checked_add(rounds);
        rows.and_then(|rows| u64::try_from(rows).ok()).ok_or_else(|| "too many rows".into())
    }

    /// How a provider trains in a round.
    #[must_use]
    pub fn fit(&self) -> Fit {
        Fit {
            rate: self.rate.single(),
            batch: self.batch as usize,
            epochs: self.epochs as usize,
            proximal: self.proximal.single(),
            ..Fit::default()
        }
    }

    /// Whose rows it is trained on.
    pub fn owners<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = &'p LocalInput> {
        self.inputs.iter().filter_map(|at| plan.inputs.get(*at as usize))
    }

    /// What keeps this from being an operation of the plan, if anything does.
    ///
    /// # Errors
    /// What it is.
    pub fn fault(&self, plan: &Plan) -> Result<(), String> {
        let owners: Vec<_> = self.owners(plan).collect();
        if owners.len() != self.inputs.len() || owners.iter().any(|input| !input.trains) {
            return Err("is on an input that is shared, or that there is not".into());
        }
        let mut names: Vec<_> = owners.iter().map(|input| &input.party).collect();
        names.sort();
        names.dedup();
        if names.len() != owners.len() {
            return Err("is on two inputs of one party".into());
        }
        let least = usize::try_from(self.least).unwrap_or(usize::MAX);
        if least < 2 || least > owners.len() {
            return Err(format!("opens averages of {least} of {} providers", owners.len()));
        }
        if matches!(self.strategy, StrategySpec::Newton { .. }) && least < owners.len() {
            return Err("opens totals of Newton's method over fewer than all providers".into());
        }
        if self.rounds == 0 || self.epochs == 0 || self.batch == 0 || self.rate == Micro(0) {
            return Err("has no rounds, no epochs, no rows a step or no step size".into());
        }
        let fits = match (&self.model, &self.label) {
            (ModelSpec::Linear, Feature::Number { .. } | Feature::Flag { .. }) => true,
            (ModelSpec::Logistic | ModelSpec::Trees(_), Feature::Flag { .. }) => true,
            (
                ModelSpec::Logistic | ModelSpec::Trees(_),
                Feature::Number { min, max, digits: 0, .. },
            ) => *min >= 0 && *max <= 1,
            (ModelSpec::Logistic | ModelSpec::Trees(_), Feature::OneOf { domain, .. }) => {
                domain.len() == 2
            }
            (ModelSpec::Softmax | ModelSpec::Network { .. }, Feature::OneOf { domain, .. }) => {
                domain.len() >= 2
            }
            (ModelSpec::Softmax | ModelSpec::Network { .. }, Feature::Flag { .. }) => true,
            // What its program can learn, the program says.
            (ModelSpec::Plugin(_), _) => true,
            _ => false,
        };
        if !fits {
            return Err(format!(
                "learns `{}`, which a {} model cannot: it learns {}",
                self.label.name(),
                self.model.family(),
                learned(&self.model)
            ));
        }
        self.rows()?;
        self.averaging_fault(plan)?;
        self.privacy_fault(plan)?;
        self.forest(plan)?;
        self.ring_fault()?;
        self.strategy_fault(plan)?;
        self.counting(plan)?;
        self.valuation_fault(plan)?;
        self.encoding(plan).map(drop)
    }

    /// In a line.
    pub(super) fn told(&self, plan: &Plan) -> String {
        let owners: Vec<_> = self.owners(plan).map(|input| input.party.to_string()).collect();
        let gate = self.gate.as_ref().map_or_else(String::new, |gate| format!(", of {gate}"));
        let again = self.resumes.map_or_else(String::new, |job| format!(", going on with {job}"));
        let noise = self.privacy.as_ref().zip(self.guarantee(self.rounds));
        let noise = noise.map_or_else(String::new, |(of, promise)| format!(", {of}: {promise}"));
        if let Some(told) = self.solved_told() {
            return format!("{} {told}{again}", owners.join(", "));
        }
        let ring = if self.ring.is_wide() { "" } else { ", in words of 32 bits" };
        let (family, rounds) = (self.model.family(), self.rounds);
        format!(
            "{} train a {family} model in {rounds} rounds{ring}{}{gate}{noise}{again}",
            owners.join(", "),
            self.averaging_told()
        )
    }

    /// What it shows, and to whom.
    pub(super) fn shows(&self, plan: &Plan) -> Vec<String> {
        if let Some(shows) = self.forest_shows(plan).or_else(|| self.solved_shows(plan)) {
            return shows;
        }
        let parameters = self.parameters().unwrap_or(0);
        if let Some(shows) = self.masks_shows(plan, parameters) {
            return shows;
        }
        let tables: Vec<_> = self.owners(plan).map(table).collect();
        if let Some(of) = &self.privacy {
            return self.shows_noised(of, parameters);
        }
        let mut shows = vec![
            format!(
                "compute parties and providers: the model after each of {} rounds, {} numbers, so the average of the updates \
                 of at least {} providers by their rows; no update of one alone",
                self.rounds,
                thousands(parameters as u64),
                self.least
            ),
            "compute parties, and the buyer: for each round whose updates were in it and whose were absent, the number of rows, \
             the loss and the rows that were right of all of them together"
                .to_owned(),
            format!(
                "a model remembers: what it says can depend on single rows of {}, and no noise is added to it",
                tables.join(", ")
            ),
            self.league_shows("updates", "sum"),
        ];
        shows.extend(self.rounds_show(plan));
        shows.extend(self.ring_shows(plan));
        shows.extend(self.strategy_shows(parameters));
        shows.extend(self.gate_shows());
        shows.extend(self.tally_shows());
        shows.extend(self.valuation_shows(plan));
        shows.extend(self.program_shows());
        shows
    }

    /// Who may put together what they know of a round of as few providers as the job allows.
    pub(super) fn league_shows(&self, what: &str, total: &str) -> String {
        match self.least {
            ..=2 => format!(
                "where a round has two providers, each of them knows the other's {what} once it sees the {total}, and so does whoever \
                 helps one of them, the buyer or a compute party; three providers at least would keep them"
            ),
            least => format!(
                "where a round has {least} providers, {} may be in league with the buyer and one compute party: of the others' \
                 {what} they learn the {total}; if one of them is not, the rest together know its {what}",
                least - 2
            ),
        }
    }

    /// What another program is shown.
    pub(super) fn program_shows(&self) -> Option<String> {
        let plugin = self.model.plugin()?;
        Some(format!(
            "each provider's own program `{}`, at home: the rows that this job may read of its table",
            plugin.name
        ))
    }
}

/// What a model can learn, in words.
fn learned(model: &ModelSpec) -> &'static str {
    match model {
        ModelSpec::Linear => "a number of a declared range",
        ModelSpec::Logistic | ModelSpec::Trees(_) => {
            "a condition, whole numbers from 0 to 1, or a text with a public list of two values"
        }
        ModelSpec::Softmax | ModelSpec::Network { .. } => {
            "a condition, or a text with a public list of values"
        }
        ModelSpec::Plugin(_) => "whatever its program does",
    }
}
