//! What a model is worth on the rows that it was trained on: how many there are, and how many it is right of.

use protocols::{
    mpc::{and, and_cost, inject, inject_cost, lt_zero, lt_zero_cost, matmul_cost},
    ring::Z64,
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::{descent::linear, features::Features, score::logits, setting::Setting};

/// Counts the live rows, and those of them whose class the weights tell: whether `x·w + w_0` is 0 or more.
///
/// # Shape
/// `features`, `labels` (a bit a row) and `live` (a bit a row) of the setting's table, `weights` as [`train`](super::train) gives
/// them. Returns 2 words: the rows, and those that are right.
///
/// # Cost
/// 1 round for the sums, those of a comparison, 1 for the mask and 2 for the count: nothing is divided.
///
/// # Errors
/// [`SessionError::Misuse`] if what is given is not what was planned; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party of three; nothing is opened here. Whoever gets both counts learns them exactly.
///
/// # Source
/// See the module.
pub fn tally(
    s: &mut Session,
    setting: &Setting,
    features: &Features<'_>,
    [labels, live]: [&Bits; 2],
    weights: &Shared<Z64>,
) -> Result<Shared<Z64>, SessionError> {
    let table = setting.table();
    let bit = |of: &Bits| (of.rows(), of.width()) == (table.rows, 1);
    let fits = (features.rows(), features.columns()) == (table.rows, table.columns)
        && (bit(labels) && bit(live))
        && weights.len() == setting.len();
    if !fits {
        let what = "a table or weights of another shape than the training was planned for";
        return Err(SessionError::Misuse { step: s.step(), what });
    }
    let sums = linear(s, features.view(), weights, table.features.frac())?;
    // What is negative is of class 0: right where one of the two is 1.
    let negative = lt_zero(s, &sums, width(setting))?;
    let right = and(s, &negative.xor(labels), live)?;
    let counted = inject::<Z64>(s, &Bits::beside(&[live, &right]))?;
    Ok(counted.map(|words| words.chunks(table.rows).map(sum).collect()))
}

/// Twin of [`tally`].
pub fn tally_cost(m: &mut Meter, setting: &Setting) {
    let rows = setting.table().rows;
    matmul_cost::<Z64>(m, rows, 1);
    lt_zero_cost(m, rows, width(setting));
    and_cost(m, rows, 1);
    inject_cost::<Z64>(m, rows, 2);
}

/// Bits of `x·w + w_0`, without its sign: a setting's weights leave room for it.
fn width(setting: &Setting) -> usize {
    let reach = logits(setting.table(), setting.weights());
    reach.map_or(63, |range| range.bits().clamp(1, 63) as usize)
}

fn sum(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum, word| sum.wrapping_add(*word))
}
