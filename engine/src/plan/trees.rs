//! What a plan says of boosted trees: their precisions and bounds, and what is opened of them.

use federated::trees::{Grid, Plan as Figures, Setting};

use super::{
    explain::{table, thousands},
    ir::Plan,
    model::Tensor,
    train::Training,
};

/// Buckets of the grid on which bins are found: between −1 and 1.
pub const BUCKETS: usize = 256;

impl Training {
    /// The growth with its precisions; none if what is trained is something else.
    ///
    /// # Errors
    /// What does not fit.
    pub fn forest(&self, plan: &Plan) -> Result<Option<Setting>, String> {
        let Some(trees) = self.model.trees() else { return Ok(None) };
        let rows = self.owners(plan).map(|input| input.rows).try_fold(0_u64, u64::checked_add);
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let figures = Figures {
            rows: rows.ok_or("more rows than can be counted")?,
            features: self.inputs(),
            bins: number(trees.bins),
            depth: trees.depth,
            trees: number(self.rounds),
            least: trees.least_rows.into(),
            lambda: trees.lambda.value(),
            gamma: trees.gamma.value(),
            rate: self.rate.value(),
        };
        Setting::new(figures).map(Some).map_err(|error| error.to_string())
    }

    /// The grid of each number.
    #[must_use]
    pub fn grids(&self) -> Vec<Grid> {
        vec![Grid { low: -1.0, high: 1.0, buckets: BUCKETS }; self.inputs()]
    }

    /// Words of edges, and of each tree its nodes and then its leaves.
    pub(super) fn forest_words(&self) -> Option<[usize; 3]> {
        let trees = self.model.trees()?;
        let edges = self.inputs().checked_mul(usize::try_from(trees.bins).ok()?.checked_sub(1)?)?;
        let leaves = 1_usize.checked_shl(trees.depth)?;
        Some([edges, leaves - 1, leaves])
    }

    /// The trees as tensors: of each node, level by level, the number of its input (−1 where it is a leaf), and below which value of
    /// that a row goes left; of each leaf what it adds to the log-odds.
    pub(super) fn forest_tensors(&self) -> Option<Vec<Tensor>> {
        let [_, nodes, leaves] = self.forest_words()?;
        let trees = usize::try_from(self.rounds).ok()?;
        let of = |name: &str, each| Tensor { name: name.to_owned(), shape: vec![trees, each] };
        Some(vec![of("trees.input", nodes), of("trees.threshold", nodes), of("trees.leaf", leaves)])
    }

    /// What trees show, and to whom.
    pub(super) fn forest_shows(&self, plan: &Plan) -> Option<Vec<String>> {
        let trees = self.model.trees()?;
        let tables: Vec<_> = self.owners(plan).map(table).collect();
        Some(vec![
            format!(
                "compute parties and providers: {} trees as they grow: of each of {} nodes a tree whether it is split, at which input \
                 and bin, and a value of 14 bits for each leaf; no sum and no count of rows",
                thousands(self.rounds.into()),
                self.forest_words().map_or(0, |words| words[1]),
            ),
            format!(
                "compute parties and providers: where the bins of each input end, {} a piece: quantiles of all rows on a grid of {BUCKETS} \
                 steps",
                trees.bins - 1
            ),
            format!(
                "no cut has fewer than {} rows on a side, which is decided on shares",
                trees.least_rows
            ),
            format!(
                "a model remembers: what it says can depend on single rows of {}, and no noise is added to it",
                tables.join(", ")
            ),
            "a provider that is lost ends the job: there are no trees of a part of the rows"
                .to_owned(),
        ])
    }
}
