//! A planned training: precisions and bounds.

use super::{error::PlanError, model::Cut};

/// Fraction bits of gradients and hessians, at least and at most.
const BITS: std::ops::RangeInclusive<u32> = 4..=16;
/// Products that are compared stay below 2^126, so that their difference has a sign.
const PRODUCT_BITS: f64 = 126.0;
/// Leaves are values of 2 · 7 bits: from −8 to 8 in units of 2^-10.
pub(super) const DIGIT: u32 = 7;
pub(super) const DIGITS: u32 = 2;
pub(super) const LEAF_BITS: u32 = 10;
pub(super) const LEAF_REACH: u32 = DIGIT * DIGITS - LEAF_BITS - 1;

/// How trees are grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Rows of all providers together, at most.
    pub rows: u64,
    /// Features of a row.
    pub features: usize,
    /// Bins of each feature, 2 to 256.
    pub bins: usize,
    /// Levels of cuts, 1 to 8.
    pub depth: u32,
    /// How many trees.
    pub trees: usize,
    /// Rows on each side of a cut, at least.
    pub least: u64,
    /// λ: added to the hessian of a leaf.
    pub lambda: f64,
    /// γ: what a cut must gain beyond nothing, in units of the loss.
    pub gamma: f64,
    /// What a tree's values count in the score.
    pub rate: f64,
}

impl Default for Plan {
    /// 20 trees of 4 levels and 16 bins.
    fn default() -> Self {
        Self {
            rows: 1 << 16,
            features: 1,
            bins: 16,
            depth: 4,
            trees: 20,
            least: 20,
            lambda: 1.0,
            gamma: 0.0,
            rate: 0.3,
        }
    }
}

/// A checked plan: no sum, product or comparison in it can overflow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    plan: Plan,
    bits: u32,
    /// λ and twice γ as words of a hessian.
    pub(super) lambda: u64,
    pub(super) gamma: u64,
    /// Products in a comparison of gains differ by less than two to this.
    pub(super) product_width: usize,
}

impl Setting {
    /// The training with the finest gradients whose gains can be compared.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn new(plan: Plan) -> Result<Self, PlanError> {
        checked(&plan)?;
        let fits = BITS.rev().find(|bits| products(&plan, *bits) < PRODUCT_BITS);
        let Some(bits) = fits else {
            let bits = (0..*BITS.start()).rev().find(|bits| products(&plan, *bits) < PRODUCT_BITS);
            let (rows, least) = (plan.rows, *BITS.start());
            return Err(PlanError::Rows { rows, bits: bits.unwrap_or(0), least });
        };
        let word = |x: f64| integer(x * f64::from(bits).exp2());
        Ok(Self {
            plan,
            bits,
            lambda: word(plan.lambda).max(1),
            gamma: word(2.0 * plan.gamma),
            product_width: width_of(products(&plan, bits)),
        })
    }

    /// What it was made of.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Fraction bits of gradients and hessians.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Nodes of a level: two to its number.
    #[must_use]
    pub fn nodes(&self, level: u32) -> usize {
        1 << level
    }

    /// Leaves of a tree, those included that no row reaches.
    #[must_use]
    pub fn leaves(&self) -> usize {
        1 << self.plan.depth
    }

    /// Cuts there are of a node: each bin of each feature but the last.
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.plan.features * (self.plan.bins - 1)
    }

    /// Words that a provider sends for a level: rows, ΣG and ΣH of each bin of each feature of the root or of all left children; a
    /// right child's are what is left of its parent's.
    #[must_use]
    pub fn words(&self, level: u32) -> usize {
        3 * self.plan.features * self.plan.bins * self.sent(level)
    }

    /// The number of a cut among the candidates: bin by bin, feature by feature.
    #[must_use]
    pub fn candidate(&self, cut: Cut) -> usize {
        cut.feature * (self.plan.bins - 1) + cut.bin
    }

    /// The cut of a number among the candidates; none of a number that is too large.
    pub(super) fn cut(&self, candidate: usize) -> Option<Cut> {
        let bins = self.plan.bins - 1;
        let cut = Cut { feature: candidate / bins, bin: candidate % bins };
        (candidate < self.candidates()).then_some(cut)
    }

    /// Bits of a number among the candidates.
    pub(super) fn place_bits(&self) -> usize {
        (usize::BITS - (self.candidates() - 1).leading_zeros()) as usize
    }

    /// Nodes whose sums are sent for a level.
    pub(super) fn sent(&self, level: u32) -> usize {
        self.nodes(level.saturating_sub(1))
    }

    /// Numbers of rows, less the least, lie within two to this.
    pub(super) fn row_width(&self) -> usize {
        width_of(((self.plan.rows + self.plan.least) as f64).log2())
    }

    /// Multiples of a leaf's hessian less its gradient, scaled, lie within two to this.
    pub(super) fn leaf_width(&self) -> usize {
        let [gradient, hessian] = sums(&self.plan, self.bits);
        let reach = f64::from(LEAF_REACH).exp2();
        let most = (2.0 * reach * hessian + gradient) * f64::from(LEAF_BITS).exp2();
        width_of(most.log2())
    }
}

/// Bounds of ΣG and of ΣH + λ.
fn sums(plan: &Plan, bits: u32) -> [f64; 2] {
    let unit = f64::from(bits).exp2();
    let rows = plan.rows as f64;
    [rows * unit, rows * (unit / 4.0 + 1.0) + plan.lambda * unit + 1.0]
}

/// The logarithm of the largest product in a comparison.
///
/// Gains are `(G_l²·B + G_r²·A) / (A·B)` with `|G_l| + |G_r| ≤ G` and `A + B ≤ H + λ`, λ counted twice; the products of one's upper
/// and another's lower side, and those of the least gain that is asked for.
fn products(plan: &Plan, bits: u32) -> f64 {
    let [gradient, hessian] = sums(plan, bits).map(f64::log2);
    let both = hessian + 1.0;
    let two_gains = 2.0 * gradient + both + 2.0 * both - 2.0;
    let gamma = (2.0 * plan.gamma * f64::from(bits).exp2() + 1.0).log2();
    let least_gain = (2.0 * gradient).max(gamma + both) + 1.0 + 2.0 * both;
    two_gains.max(least_gain)
}

/// Whole bits that a number of this logarithm takes.
fn width_of(logarithm: f64) -> usize {
    // A little more, for the logarithm's own rounding.
    usize::try_from(integer((logarithm + 1e-9).ceil())).unwrap_or(usize::MAX).max(1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked figures, far below 2^63"
)]
fn integer(x: f64) -> u64 {
    x.round() as u64
}

fn checked(plan: &Plan) -> Result<(), PlanError> {
    let figures = [
        ("rows", plan.rows as f64, 1.0, 2_f64.powi(40)),
        ("features", plan.features as f64, 1.0, 65_536.0),
        ("bins", plan.bins as f64, 2.0, 256.0),
        ("levels", f64::from(plan.depth), 1.0, 8.0),
        ("trees", plan.trees as f64, 1.0, 10_000.0),
        ("the least number of rows", plan.least as f64, 1.0, 2_f64.powi(40)),
        ("lambda", plan.lambda, 1e-3, 1e6),
        ("gamma", plan.gamma, 0.0, 1e6),
        ("a rate", plan.rate, 1e-6, 16.0),
    ];
    for (what, got, least, most) in figures {
        if !(least..=most).contains(&got) {
            return Err(PlanError::Range { what, got, least, most });
        }
    }
    Ok(())
}
