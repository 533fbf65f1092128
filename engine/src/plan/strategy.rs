//! What becomes of the averages of a training.

use federated::strategy::{Adaptive, Rule};

use super::{explain::thousands, ir::Plan, train::Training};
use crate::job::StrategySpec;

/// A number of steps is told to so many bits behind the point at least.
const STEP_BITS: i32 = 8;

impl Training {
    /// What becomes of an average, given the plan's row bounds.
    ///
    /// # Errors
    /// Sums that do not fit.
    pub fn rule(&self, plan: &Plan) -> Result<Rule, String> {
        if let Some(exact) = self.exact(plan)? {
            return Ok(Rule::Exact(exact));
        }
        let adaptive =
            |rate: &crate::job::Micro| Adaptive { rate: rate.single(), ..Adaptive::default() };
        let rule = match &self.strategy {
            StrategySpec::Average { rate } => Rule::Average { rate: rate.single() },
            StrategySpec::Momentum { rate, momentum } => {
                Rule::Momentum { rate: rate.single(), momentum: momentum.single() }
            }
            StrategySpec::Adagrad { rate } => Rule::Adagrad(adaptive(rate)),
            StrategySpec::Adam { rate } => Rule::Adam(adaptive(rate)),
            StrategySpec::Yogi { rate } => Rule::Yogi(adaptive(rate)),
            StrategySpec::Scaffold { rate } => Rule::Scaffold { rate: rate.single() },
            StrategySpec::Nova { rate } => {
                Rule::Nova { rate: rate.single(), unit: (-(self.step_bits(plan) as f32)).exp2() }
            }
            StrategySpec::Ridge { .. } | StrategySpec::Newton { .. } => {
                return Err("has a strategy without its sums".to_owned());
            }
        };
        Ok(rule)
    }

    /// Bits by which numbers of steps are brought within the bound on coordinates: the most that a provider can take, over it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a logarithm, rounded up"
    )]
    fn step_bits(&self, plan: &Plan) -> i32 {
        let rows = self.owners(plan).map(|input| input.rows).max().unwrap_or(0);
        let steps = rows.div_ceil(u64::from(self.batch.max(1))).saturating_mul(self.epochs.into());
        let over = steps.max(1) as f64 / self.largest_update.value();
        over.log2().ceil().max(0.0) as i32
    }

    /// What keeps the strategy from being one of this plan, if anything does.
    pub(super) fn strategy_fault(&self, plan: &Plan) -> Result<(), String> {
        if self.strategy.is_plain() {
            return Ok(());
        }
        if self.exact(plan)?.is_some() && self.valuation.is_some() {
            return Err("solves for its model, and would weigh updates that there are not".into());
        }
        if self.gate.is_some() || self.privacy.is_some() || self.model.plugin().is_some() {
            return Err(
                "has a strategy that goes with no gate, no noise and no other program".into()
            );
        }
        let bits = i32::try_from(self.encoding(plan)?.bits()).unwrap_or(0);
        match self.strategy {
            StrategySpec::Nova { .. } if bits < self.step_bits(plan) + STEP_BITS => Err(
                "has too few bits to tell numbers of steps; lower largest_update or epochs, or take more rows a step"
                    .into(),
            ),
            _ => Ok(()),
        }
    }

    /// What is shown besides averages of differences.
    pub(super) fn strategy_shows(&self, parameters: usize) -> Option<String> {
        match self.strategy {
            StrategySpec::Scaffold { .. } => Some(format!(
                "compute parties and providers: after each round the correction that all share, {} numbers more: the mean of the \
                 providers' mean gradients",
                thousands(parameters as u64)
            )),
            StrategySpec::Nova { .. } => Some(
                "compute parties: the mean number of a round's steps, by rows; updates are averaged over their numbers of steps"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
