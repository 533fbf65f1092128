//! Mini-batch gradient descent on shares.

use std::fmt;

use protocols::{
    mpc::{MatrixView, fixed, inject, inject_cost, matmul_cost, mul, mul_cost, product},
    ring::{Buf, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::{
    error::DescentError, features::Features, record::Record, setting::Setting, standing::Standing,
};

/// Trains weights on shared rows.
///
/// `told` hears after each step how many are done.
///
/// # Shape
/// `features`: the setting's rows and columns; `labels`: a word of 0 or 1 a row; `live`: a bit a row. Returns
/// [`Setting::len`] weights, the intercept last.
///
/// # Units
/// Weights have the fraction bits of [`Setting::weights`].
///
/// # Cost
/// 2 rounds for the live bits, and for each step 3, those of the curve and those of [`fixed::round`]. The parties send, each, about a word a row for `z`, one
/// for the mask and what the curve takes, and some ten words a feature: what a step costs on the links does not grow with rows times
/// features. Work: 4 multiply-adds a feature and row.
///
/// # Errors
/// [`SessionError::Misuse`] or [`SessionError::Shape`] if what is given is not what was planned; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party of three; nothing is opened. A label other than 0 or 1, or a feature beyond its
/// range, gives weights that mean nothing: [`fixed::check_ranges`] holds inputs to their ranges.
///
/// # Source
/// See the module.
pub fn train(
    s: &mut Session,
    setting: &Setting,
    features: &Features<'_>,
    (labels, live): (&Shared<Z64>, &Bits),
    told: &mut dyn FnMut(usize),
) -> Result<Shared<Z64>, SessionError> {
    let course = Course { from: Standing::new(setting), record: None, told };
    match train_from(s, setting, features, (labels, live), course) {
        Ok(weights) => Ok(weights),
        Err(DescentError::Session(error)) => Err(error),
        Err(DescentError::Disk(_)) => {
            let what = "a disk's fault in a training that is not kept";
            Err(SessionError::Misuse { step: s.step(), what })
        }
    }
}

/// Where a training begins, and what hears of it.
pub struct Course<'a> {
    /// The same place at all three parties: see [`stand`](super::stand).
    pub from: Standing,
    /// Keeps where the training stands, from pass to pass.
    pub record: Option<&'a mut Record>,
    /// Hears after each step how many are done, those of earlier runs among them.
    pub told: &'a mut dyn FnMut(usize),
}

impl fmt::Debug for Course<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a descent from pass {}, kept: {}", self.from.passes(), self.record.is_some())
    }
}

/// [`train`] from where an earlier run came to.
///
/// # Cost
/// That of the passes that are left: at most [`train_cost`].
///
/// # Errors
/// Those of [`train`], and this party's disk's.
///
/// # Security
/// That of [`train`], and of [`stand`](super::stand).
pub fn train_from(
    s: &mut Session,
    setting: &Setting,
    features: &Features<'_>,
    (labels, live): (&Shared<Z64>, &Bits),
    course: Course<'_>,
) -> Result<Shared<Z64>, DescentError> {
    let table = setting.table();
    let fits = features.rows() == table.rows
        && features.columns() == table.columns
        && labels.len() == table.rows
        && (live.rows(), live.width()) == (table.rows, 1);
    if !fits {
        let what = "a table of another shape than the training was planned for";
        return Err(SessionError::Misuse { step: s.step(), what }.into());
    }
    let batches = setting.batches();
    let live = in_batches(&inject::<Z64>(s, live)?, batches);
    let mut classes = in_batches(labels, batches);
    classes.scale(1 << setting.curve.out().frac());
    let Course { from: mut standing, mut record, told } = course;
    let mut done = standing.passes * batches;
    while standing.passes < setting.descent().epochs {
        let mut at = 0;
        for k in 0..batches {
            let to = at + setting.batch_rows(k);
            let batch = features.view().every(k, batches);
            let rows = [&classes, &live].map(|column| column.slice(at, to));
            step(s, setting, batch, &rows, &mut standing.weights)?;
            (at, done) = (to, done + 1);
            told(done);
        }
        standing.passes += 1;
        let keep = |record: &mut Record| record.reached(&standing);
        record.as_deref_mut().map_or(Ok(()), keep).map_err(DescentError::Disk)?;
    }
    Ok(standing.weights)
}

/// Twin of [`train`].
pub fn train_cost(m: &mut Meter, setting: &Setting) {
    inject_cost::<Z64>(m, setting.table().rows, 1);
    for _ in 0..setting.descent().epochs {
        for k in 0..setting.batches() {
            let rows = setting.batch_rows(k);
            matmul_cost::<Z64>(m, rows, 1);
            fixed::sigmoid_cost(m, rows, &setting.curve);
            mul_cost::<Z64>(m, rows);
            matmul_cost::<Z64>(m, setting.table().columns, 1);
            fixed::round_cost(m, setting.len(), &setting.step);
        }
    }
}

/// One step: `w −= rate · (mean of x·(σ(x·w) − y) over the batch + penalty · w)`.
fn step(
    s: &mut Session,
    setting: &Setting,
    batch: MatrixView<'_, Z64>,
    [classes, live]: &[Shared<Z64>; 2],
    weights: &mut Shared<Z64>,
) -> Result<(), SessionError> {
    let frac = setting.table().features.frac();
    let logits = linear(s, batch, weights, frac)?;
    let mut error = fixed::sigmoid(s, &logits, &setting.curve)?;
    error.sub_assign(classes);
    let error = mul(s, &error, live)?;
    let slopes = product(s, batch.transposed(), MatrixView::new(&error, error.len(), 1))?;
    // The intercept's feature is 1.
    let mut whole = total(&error);
    whole.scale(1 << frac);
    let mut gradient = Shared::concat(&[&slopes, &whole]);
    if setting.pull != 0 {
        let mut pull = weights.slice(0, slopes.len());
        pull.scale(setting.pull);
        gradient.add_assign(&Shared::concat(&[&pull, &Shared::zeros(1)]));
    }
    weights.sub_assign(&fixed::round(s, &gradient, &setting.step)?);
    Ok(())
}

/// `X·w + w_0`, untruncated, where features have `frac` fraction bits.
pub(super) fn linear(
    s: &mut Session,
    rows: MatrixView<'_, Z64>,
    weights: &Shared<Z64>,
    frac: u32,
) -> Result<Shared<Z64>, SessionError> {
    let columns = rows.columns();
    let slopes = weights.slice(0, columns);
    let mut sums = product(s, rows, MatrixView::new(&slopes, columns, 1))?;
    let add = |words: &[u64], weight: u64| -> Buf<u64> {
        let constant = weight << frac;
        words.iter().map(|word| word.wrapping_add(constant)).collect()
    };
    sums = Shared::from_parts(
        add(sums.own(), weights.own()[columns]),
        add(sums.next(), weights.next()[columns]),
    );
    Ok(sums)
}

/// The sum of all elements.
fn total(x: &Shared<Z64>) -> Shared<Z64> {
    x.map(|words| {
        let sum = words.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
        Buf::copy_of(&[sum])
    })
}

/// A column with the rows of batch 0 first, then those of batch 1, and so on.
fn in_batches(column: &Shared<Z64>, batches: usize) -> Shared<Z64> {
    column.map(|words| {
        let batch = |k: usize| words.iter().skip(k).step_by(batches).copied();
        (0..batches).flat_map(batch).collect()
    })
}
