//! The same trees of rows in one place: what shares are held against.

use super::{
    bins::Codes,
    error::GrowError,
    grower::{Grower, Turn},
    layout::{KINDS, both_children, left_of_cuts, settle, totals},
    model::{Cut, Forest, Tree},
    setting::{DIGIT, DIGITS, LEAF_BITS, LEAF_REACH, Setting},
};

/// Trees of rows that are all in one place, in the clear: to the bit what the committee grows of them.
///
/// # Errors
/// [`GrowError`].
pub fn central(setting: &Setting, rows: Codes, labels: &[f32]) -> Result<Forest, GrowError> {
    let mut grower = Grower::new(setting, rows, labels)?;
    let mut decider = Central::new(setting);
    let mut forest = Forest::default();
    loop {
        match grower.turn() {
            Turn::Level { .. } => {
                let cuts = decider.decide(&grower.histograms()?);
                grower.split(&cuts)?;
            }
            Turn::Leaves { .. } => {
                let tree = decider.leaves();
                grower.finish(&tree.leaves)?;
                forest.trees.push(tree);
            }
            Turn::Done => return Ok(forest),
        }
    }
}

/// The committee's decisions on sums in the clear.
#[derive(Clone, Debug)]
pub struct Central {
    setting: Setting,
    tree: Tree,
    sums: Vec<u64>,
    /// Rows of each leaf, then ΣG, then ΣH.
    leaves: Vec<u64>,
}

impl Central {
    /// Before the first tree.
    #[must_use]
    pub fn new(setting: &Setting) -> Self {
        Self {
            setting: *setting,
            tree: Tree::default(),
            sums: Vec::new(),
            leaves: vec![0; KINDS * setting.leaves()],
        }
    }

    /// The best cut of each node of a level, of the sums of all rows; none if none gains anything.
    ///
    /// # Panics
    /// If there are not as many sums as [`Setting::words`] says.
    pub fn decide(&mut self, sent: &[u64]) -> Vec<Option<Cut>> {
        let setting = self.setting;
        self.sums = match self.tree.cuts.last() {
            None => sent.to_vec(),
            Some(cuts) => {
                let is_split: Vec<bool> = cuts.iter().map(Option::is_some).collect();
                both_children(&self.sums, sent, &is_split).to_vec()
            }
        };
        let level = u32::try_from(self.tree.cuts.len()).unwrap_or(u32::MAX);
        let nodes = setting.nodes(level);
        let left = left_of_cuts(&setting, nodes, &self.sums);
        let whole = totals(&setting, nodes, &self.sums);
        let candidates = setting.candidates();
        let side = |words: &[u64], at: usize, all: usize| -> [i64; 3] {
            [0, 1, 2].map(|kind| words[kind * all + at].cast_signed())
        };
        let cuts: Vec<Option<Cut>> = (0..nodes)
            .map(|node| {
                let total = side(&whole, node, nodes);
                let left = |cut: usize| side(&left, cut * nodes + node, candidates * nodes);
                best(&setting, total, left)
            })
            .collect();
        settle(&setting, &cuts, &mut self.leaves, (&left, &whole));
        self.tree.cuts.push(cuts.clone());
        cuts
    }

    /// The tree with the values of its leaves; the next sums are those of another one.
    pub fn leaves(&mut self) -> Tree {
        let setting = self.setting;
        let slots = setting.leaves();
        let value = |slot: usize| {
            let [rows, gradient, hessian] =
                [0, 1, 2].map(|kind| self.leaves[kind * slots + slot].cast_signed());
            let enough = rows >= setting.plan().least.cast_signed();
            let gradient = if enough { i128::from(gradient) } else { 0 };
            let below = i128::from(hessian) + i128::from(setting.lambda);
            let above = (below << LEAF_REACH) - gradient;
            let quotient = (above << LEAF_BITS).div_euclid(below);
            let most = (1_i128 << (DIGIT * DIGITS)) - 1;
            let offset = 1_i128 << (LEAF_REACH + LEAF_BITS);
            i64::try_from(quotient.clamp(0, most) - offset).unwrap_or(0)
        };
        let leaves = (0..slots).map(value).collect();
        self.leaves.fill(0);
        self.sums.clear();
        Tree { leaves, ..std::mem::take(&mut self.tree) }
    }
}

/// The first of the best cuts of a node.
fn best(
    setting: &Setting,
    [rows, gradient, hessian]: [i64; 3],
    left: impl Fn(usize) -> [i64; 3],
) -> Option<Cut> {
    let (least, lambda) = (setting.plan().least.cast_signed(), i128::from(setting.lambda));
    let wide = |sides: [i64; 2]| sides.map(i128::from);
    let (mut best, mut most) = (None, (0, 1));
    for at in 0..setting.candidates() {
        let [few, some, low] = left(at);
        if few < least || rows - few < least {
            continue;
        }
        let [left, right] = wide([some, gradient - some]);
        let [a, b] = wide([low, hessian - low]).map(|side| side + lambda);
        let gain = (left * left * b + right * right * a, a * b);
        if most.0 * gain.1 < gain.0 * most.1 {
            (best, most) = (Some(at), gain);
        }
    }
    let below = i128::from(hessian) + lambda;
    let gradient = i128::from(gradient);
    let threshold = gradient * gradient + i128::from(setting.gamma) * below;
    let gains = threshold * most.1 < most.0 * below;
    best.filter(|_| gains).and_then(|at| setting.cut(at))
}
