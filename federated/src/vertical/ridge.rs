//! The sums of a linear regression over joined rows: one pass, no steps, and the solution is exact.

use protocols::{
    mpc::{
        MatrixView, View, fixed::Fixed, inject, inject_cost, matmul_cost, product, products,
        products_cost,
    },
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::{error::SettingError, features::Features, setting::Table};
use crate::sums::Ridge;

/// Rows that are masked and multiplied at a time.
const ROWS: usize = 1 << 12;

/// The checked sums of a [`Ridge`] over joined rows.
#[derive(Clone, Copy, Debug)]
pub struct Squares {
    table: Table,
    labels: Fixed,
}

impl Squares {
    /// Sums for features and labels of these formats, which must have equal fraction bits.
    ///
    /// # Errors
    /// [`SettingError::Empty`]; [`SettingError::Room`] if fraction bits differ, or if a sum of squares over all rows does not fit.
    pub fn new(table: Table, labels: Fixed) -> Result<Self, SettingError> {
        if table.rows == 0 || table.columns == 0 {
            return Err(SettingError::Empty);
        }
        let both = table.features.sum(&labels).map_err(SettingError::Room)?;
        let most = both.low().abs().max(both.high().abs()).max(1.0);
        // What is squared is a feature, a label or 1, none of which is larger than this.
        let squares = table.rows as f64 * most * most;
        Fixed::new(2 * both.frac(), -squares, squares).map_err(SettingError::Room)?;
        Ok(Self { table, labels })
    }

    /// The regression whose sums these are.
    #[must_use]
    pub fn ridge(&self, penalty: f64) -> Ridge {
        Ridge::new(self.table.columns, penalty)
    }

    /// The labels' format.
    #[must_use]
    pub fn labels(&self) -> Fixed {
        self.labels
    }

    /// How many sums there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ridge(0.0).sums()
    }

    /// Never: there is an intercept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Opened sums as [`Ridge::solve`] takes them.
    #[must_use]
    pub fn decode(&self, words: &[u64]) -> Vec<f64> {
        let unit = f64::from(2 * self.table.features.frac()).exp2();
        words.iter().map(|word| word.cast_signed() as f64 / unit).collect()
    }

    /// Features, 1 and the label.
    fn width(&self) -> usize {
        self.table.columns + 2
    }

    /// Runs of rows that go through together.
    fn runs(&self) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.table.rows;
        (0..rows).step_by(ROWS).map(move |from| (from, (from + ROWS).min(rows)))
    }
}

/// The sums over live rows that a linear regression is solved from: shares of what [`Squares::decode`] brings to [`Ridge::solve`].
///
/// # Shape
/// `features`: the planned rows and columns; `labels`: a word a row; `live`: a bit a row. Returns [`Squares::len`] words.
///
/// # Units
/// Twice the fraction bits of features and labels: nothing is rounded, the sums are exact.
///
/// # Cost
/// 2 rounds for the live bits, and 2 for each 4096 rows; a party sends two words a row, one a feature and row, and (d + 2)² for each
/// 4096 rows.
///
/// # Errors
/// [`SessionError::Misuse`] if what is given is not what was planned; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party of three; nothing is opened here. Whoever gets the sums has more than the model: d² / 2 numbers;
/// [`Ridge::solve`] asks for [`Ridge::LEAST_ROWS`] a feature.
///
/// # Source
/// The normal equations, see [`crate::sums`]; products as in the module.
pub fn squares(
    s: &mut Session,
    plan: &Squares,
    features: &Features<'_>,
    labels: &Shared<Z64>,
    live: &Bits,
) -> Result<Shared<Z64>, SessionError> {
    let (rows, width) = (plan.table.rows, plan.width());
    let fits = (features.rows(), features.columns()) == (rows, plan.table.columns)
        && labels.len() == rows
        && (live.rows(), live.width()) == (rows, 1);
    if !fits {
        let what = "a table of another shape than the sums were planned for";
        return Err(SessionError::Misuse { step: s.step(), what });
    }
    let live = inject::<Z64>(s, live)?;
    let one = 1 << plan.table.features.frac();
    let mut sums = Shared::zeros(width * width);
    for (from, to) in plan.runs() {
        let part = |words: &[u64], labels: &[u64]| lines(words, labels, plan.table.columns);
        let (x, y) = (features.words(), labels.slice(from, to));
        let cells = from * plan.table.columns..to * plan.table.columns;
        let mut whole = Shared::<Z64>::from_parts(
            part(&x.own()[cells.clone()], y.own()),
            part(&x.next()[cells], y.next()),
        );
        let ones = Shared::public(s.role(), &ones_of(to - from, width, one));
        whole.add_assign(&ones);
        let alive = live.slice(from, to).map::<Z64>(|words| spread(words, width));
        let masked = products(s, &[(View::all(&whole), View::all(&alive))])?;
        let view = |of| MatrixView::new(of, to - from, width);
        sums.add_assign(&product(s, view(&masked).transposed(), view(&whole))?);
    }
    Ok(sums.map::<Z64>(|words| as_ridge(words, width)))
}

/// Twin of [`squares`].
pub fn squares_cost(m: &mut Meter, plan: &Squares) {
    inject_cost::<Z64>(m, plan.table.rows, 1);
    for (from, to) in plan.runs() {
        products_cost::<Z64>(m, (to - from) * plan.width());
        matmul_cost::<Z64>(m, plan.width(), plan.width());
    }
}

/// Rows of features, a 0 and the label.
fn lines(features: &[u64], labels: &[u64], columns: usize) -> Buf<u64> {
    let mut out = Buf::zeroed(labels.len() * (columns + 2));
    let rows = features.chunks(columns).zip(labels);
    for (line, (row, label)) in out.chunks_mut(columns + 2).zip(rows) {
        line[..columns].copy_from_slice(row);
        line[columns + 1] = *label;
    }
    out
}

/// Rows of zeros, with `one` where an intercept's feature stands.
fn ones_of(rows: usize, width: usize, one: u64) -> Buf<u64> {
    let mut out = Buf::zeroed(rows * width);
    out.iter_mut().skip(width - 2).step_by(width).for_each(|word| *word = one);
    out
}

/// Each word once for every column.
fn spread(words: &[u64], width: usize) -> Buf<u64> {
    words.iter().flat_map(|word| std::iter::repeat_n(*word, width)).collect()
}

/// Of the products of all columns with each other, what a [`Ridge`] takes: the lower triangle without the label, and the label's line.
fn as_ridge(words: &[u64], width: usize) -> Buf<u64> {
    let lower = words.chunks(width).take(width - 1).enumerate();
    let lower = lower.flat_map(|(row, line)| &line[..=row]);
    lower.chain(&words[(width - 1) * width..]).copied().collect()
}
