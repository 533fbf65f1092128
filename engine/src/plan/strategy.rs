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

    /// Steps that a provider can take in a round: its passes over as many rows as the largest may have.
    fn most_steps(&self, plan: &Plan) -> u64 {
        let rows = self.owners(plan).map(|input| input.rows).max().unwrap_or(0);
        let pass = rows.div_ceil(u64::from(self.batch.max(1)));
        pass.saturating_mul(self.epochs.into()).max(1)
    }

    /// The unit of a number of steps and the largest one, where the strategy has providers tell it.
    ///
    /// # Errors
    /// Those of [`Self::rule`].
    pub fn steps(&self, plan: &Plan) -> Result<Option<(f32, u64)>, String> {
        Ok(match self.rule(plan)? {
            Rule::Nova { unit, .. } => Some((unit, self.most_steps(plan))),
            _ => None,
        })
    }

    /// Bits by which numbers of steps are brought within the bound on coordinates: the most that a provider can take, over it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a logarithm, rounded up"
    )]
    fn step_bits(&self, plan: &Plan) -> i32 {
        let over = self.most_steps(plan) as f64 / self.largest_update.value();
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
        if self.gate.is_some() || self.privacy.is_some() {
            return Err("has a strategy that goes with no gate and no noise".into());
        }
        let nova = matches!(self.strategy, StrategySpec::Nova { .. });
        if self.model.plugin().is_some() && !nova {
            return Err("has a strategy that goes with no other program".into());
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
