//! Scores of shared rows by shared weights.

use protocols::{
    mpc::fixed::{self, Fixed, Logistic, Sigmoid, Truncation},
    mpc::matmul_cost,
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::Shared,
};

use super::{descent::linear, error::SettingError, features::Features, setting::Table};

/// What a score is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// `x·w + w_0` with all its fraction bits, those of features and weights together: exact, and nothing but products.
    Sums,
    /// `x·w + w_0`: orders rows as probabilities do, and takes no curve.
    Logits,
    /// 1/2 + z/8 between 0 and 1: right by its own definition, off the logistic function by up to 0.134.
    Segments,
    /// The logistic function, off by less than 10^-3 as long as `z` stays within ± this (32 at most), and wrong beyond.
    Probabilities {
        /// How far `z` gets.
        logits: f64,
    },
}

/// A checked scoring.
#[derive(Clone, Copy, Debug)]
pub struct Scoring {
    table: Table,
    weights: Fixed,
    last: Last,
    out: Fixed,
}

#[derive(Clone, Copy, Debug)]
enum Last {
    Nothing,
    Cut(Truncation),
    Curve(Sigmoid),
}

impl Scoring {
    /// Scores with `frac` fraction bits ([`Output::Sums`] have theirs), of rows by weights of this format ([`Setting::weights`](super::Setting::weights), or that of
    /// a model from elsewhere).
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn new(
        table: Table,
        weights: Fixed,
        output: Output,
        frac: u32,
    ) -> Result<Self, SettingError> {
        let whole = logits(&table, weights).map_err(SettingError::Scores)?;
        let curve = |within: Fixed, shape| Sigmoid::new(within, shape, frac).map(Last::Curve);
        let last = match output {
            Output::Sums => Ok(Last::Nothing),
            Output::Logits => Truncation::exact(whole, frac).map(Last::Cut),
            Output::Segments => curve(whole, Logistic::Segments),
            Output::Probabilities { logits } => {
                let most = logits.min(whole.high());
                Fixed::new(whole.frac(), -most, most)
                    .and_then(|within| curve(within, Logistic::Series))
            }
        };
        let last = last.map_err(SettingError::Scores)?;
        let out = match &last {
            Last::Nothing => whole,
            Last::Cut(cut) => cut.out(),
            Last::Curve(curve) => curve.out(),
        };
        Ok(Self { table, weights, last, out })
    }

    /// Fraction bits and range of the scores.
    #[must_use]
    pub fn out(&self) -> Fixed {
        self.out
    }

    /// The weights' format.
    #[must_use]
    pub fn weights(&self) -> Fixed {
        self.weights
    }
}

/// The range of `x·w + w_0`, untruncated.
pub(super) fn logits(table: &Table, weights: Fixed) -> Result<Fixed, fixed::FixedError> {
    let most = |range: Fixed| range.low().abs().max(range.high().abs());
    let reach = (table.columns as f64 * most(table.features) + 1.0) * most(weights);
    Fixed::new(table.features.frac() + weights.frac(), -reach, reach)
}

/// Scores shared rows by shared weights; both stay shared, and so do the scores.
///
/// # Shape
/// `features`: the planned rows and columns; `weights`: one a column, and the intercept. Returns a score a row, of rows that are not
/// live too: they are masked like any other result's.
///
/// # Units
/// Scores have the format of [`Scoring::out`].
///
/// # Cost
/// 1 round and a word a row and party for the sums; then a truncation, or the curve.
///
/// # Errors
/// [`SessionError::Misuse`] if what is given is not what was planned; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party of three; nothing is opened. Whoever supplies the weights learns nothing of the rows, whoever
/// supplies the rows nothing of the weights; who gets many scores of rows of its own choice can work out the weights.
///
/// # Source
/// See the module.
pub fn score(
    s: &mut Session,
    scoring: &Scoring,
    features: &Features<'_>,
    weights: &Shared<Z64>,
) -> Result<Shared<Z64>, SessionError> {
    let table = &scoring.table;
    let fits = features.rows() == table.rows
        && features.columns() == table.columns
        && weights.len() == table.columns + 1;
    if !fits {
        let what = "rows or weights of another shape than the scoring was planned for";
        return Err(SessionError::Misuse { step: s.step(), what });
    }
    let sums = linear(s, features.view(), weights, table.features.frac())?;
    match &scoring.last {
        Last::Nothing => Ok(sums),
        Last::Cut(cut) => fixed::truncate(s, &sums, cut),
        Last::Curve(curve) => fixed::sigmoid(s, &sums, curve),
    }
}

/// Twin of [`score`].
pub fn score_cost(m: &mut Meter, scoring: &Scoring) {
    let rows = scoring.table.rows;
    matmul_cost::<Z64>(m, rows, 1);
    match &scoring.last {
        Last::Nothing => {}
        Last::Cut(cut) => fixed::truncate_cost(m, rows, cut),
        Last::Curve(curve) => fixed::sigmoid_cost(m, rows, curve),
    }
}
