//! A provider's side: a state machine without links.

use super::{
    bins::Codes,
    error::GrowError,
    layout::KINDS,
    model::{Cut, odds},
    setting::Setting,
};

/// What a provider is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Share the sums of this level of this tree, and then hear its cuts.
    Level {
        /// Trees before this one.
        tree: usize,
        /// Levels above this one.
        level: u32,
    },
    /// Hear the values of this tree's leaves.
    Leaves {
        /// Trees before this one.
        tree: usize,
    },
    /// Nothing: all trees are grown.
    Done,
}

/// One provider's rows and where they stand in the tree that grows.
pub struct Grower {
    setting: Setting,
    rows: Codes,
    labels: Vec<bool>,
    /// Sums of leaves so far.
    scores: Vec<i64>,
    /// Gradient and hessian of each row under the trees before.
    slopes: Vec<[i64; 2]>,
    /// The node of each row that is still to be split, or the leaf it came to.
    places: Vec<Place>,
    turn: Turn,
}

#[derive(Clone, Copy)]
enum Place {
    Node(usize),
    Leaf(usize),
}

/// Rows do not print.
impl std::fmt::Debug for Grower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grower({:?}, {:?})", self.rows, self.turn)
    }
}

impl Grower {
    /// Rows of bins, and a label of 0 or 1 for each.
    ///
    /// # Errors
    /// [`GrowError`].
    pub fn new(setting: &Setting, rows: Codes, labels: &[f32]) -> Result<Self, GrowError> {
        let plan = setting.plan();
        let fits = |what, got, want| {
            if got == want { Ok(()) } else { Err(GrowError::Shape { what, got, want }) }
        };
        fits("features of a row", rows.features(), plan.features)?;
        fits("labels", labels.len(), rows.len())?;
        let highest = rows.rows().flatten().copied().max().map_or(0, usize::from);
        fits("bins", highest.max(plan.bins - 1) + 1, plan.bins)?;
        if rows.len() as u64 > plan.rows {
            return Err(GrowError::Rows { got: rows.len() as u64, most: plan.rows });
        }
        if let Some(odd) = labels.iter().position(|label| *label != 0.0 && *label != 1.0) {
            return Err(GrowError::Label(odd));
        }
        let n = rows.len();
        let mut grower = Self {
            setting: *setting,
            rows,
            labels: labels.iter().map(|label| *label == 1.0).collect(),
            scores: vec![0; n],
            slopes: Vec::new(),
            places: Vec::new(),
            turn: Turn::Level { tree: 0, level: 0 },
        };
        grower.begin();
        Ok(grower)
    }

    /// What is next.
    #[must_use]
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// The sums of this level, [`Setting::words`] of them: to be shared, and to be sent to nobody as they are.
    ///
    /// # Errors
    /// [`GrowError::Turn`].
    pub fn histograms(&self) -> Result<Vec<u64>, GrowError> {
        let Turn::Level { level, .. } = self.turn else { return Err(self.not("a histogram")) };
        let plan = self.setting.plan();
        let sent = self.setting.sent(level);
        let section = plan.features * plan.bins * sent;
        let mut words = vec![0_u64; KINDS * section];
        for ((row, place), [gradient, hessian]) in
            self.rows.rows().zip(&self.places).zip(&self.slopes)
        {
            let Place::Node(node) = *place else { continue };
            if level > 0 && !node.is_multiple_of(2) {
                continue;
            }
            let node = if level > 0 { node / 2 } else { node };
            let adds = [1, gradient.cast_unsigned(), hessian.cast_unsigned()];
            for (feature, bin) in row.iter().enumerate() {
                let at = (feature * plan.bins + usize::from(*bin)) * sent + node;
                for (kind, add) in adds.iter().enumerate() {
                    let sum = &mut words[kind * section + at];
                    *sum = sum.wrapping_add(*add);
                }
            }
        }
        Ok(words)
    }

    /// Moves rows along the cuts of this level, one a node or none.
    ///
    /// # Errors
    /// [`GrowError`], and rows are where they were.
    pub fn split(&mut self, cuts: &[Option<Cut>]) -> Result<(), GrowError> {
        let Turn::Level { tree, level } = self.turn else { return Err(self.not("a cut")) };
        let plan = *self.setting.plan();
        let want = self.setting.nodes(level);
        if cuts.len() != want {
            return Err(GrowError::Shape { what: "nodes of a level", got: cuts.len(), want });
        }
        for cut in cuts.iter().flatten() {
            if cut.feature >= plan.features || cut.bin + 1 >= plan.bins {
                let (got, want) = (cut.feature * plan.bins + cut.bin, self.setting.candidates());
                return Err(GrowError::Shape { what: "a cut", got, want });
            }
        }
        let below = plan.depth - level;
        for (row, place) in self.rows.rows().zip(&mut self.places) {
            let Place::Node(node) = *place else { continue };
            *place = match cuts[node] {
                None => Place::Leaf(node << below),
                Some(cut) => {
                    let child = 2 * node + usize::from(cut.is_right(row));
                    if below == 1 { Place::Leaf(child) } else { Place::Node(child) }
                }
            };
        }
        self.turn =
            if below == 1 { Turn::Leaves { tree } } else { Turn::Level { tree, level: level + 1 } };
        Ok(())
    }

    /// Adds the values of a grown tree's leaves to the scores, and begins with the next tree.
    ///
    /// # Errors
    /// [`GrowError`], and nothing is added.
    pub fn finish(&mut self, leaves: &[i64]) -> Result<(), GrowError> {
        let Turn::Leaves { tree } = self.turn else { return Err(self.not("a leaf")) };
        let want = self.setting.leaves();
        if leaves.len() != want {
            return Err(GrowError::Shape { what: "leaves", got: leaves.len(), want });
        }
        for (score, place) in self.scores.iter_mut().zip(&self.places) {
            if let Place::Leaf(leaf) = place {
                *score += leaves[*leaf];
            }
        }
        self.turn = if tree + 1 == self.setting.plan().trees {
            Turn::Done
        } else {
            Turn::Level { tree: tree + 1, level: 0 }
        };
        self.begin();
        Ok(())
    }

    /// All rows at the root, with the slopes of their loss under the trees so far.
    fn begin(&mut self) {
        let plan = self.setting.plan();
        let unit = f64::from(self.setting.bits()).exp2();
        let slope = |(score, label): (&i64, &bool)| {
            let odds = odds(plan, *score);
            let probability = 1.0 / (1.0 + libm::exp(-odds));
            let gradient = probability - f64::from(u8::from(*label));
            [whole(gradient * unit), whole(probability * (1.0 - probability) * unit)]
        };
        self.slopes = self.scores.iter().zip(&self.labels).map(slope).collect();
        self.places = vec![Place::Node(0); self.rows.len()];
    }

    fn not(&self, what: &'static str) -> GrowError {
        let due = match self.turn {
            Turn::Level { .. } => "the sums or the cuts of a level",
            Turn::Leaves { .. } => "the values of leaves",
            Turn::Done => "nothing",
        };
        GrowError::Turn { what, due }
    }
}

/// A slope in units, at most 2^16 of them.
#[expect(clippy::cast_possible_truncation, reason = "at most 2^16")]
fn whole(x: f64) -> i64 {
    x.round() as i64
}
