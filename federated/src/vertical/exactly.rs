//! The meaning of a training to the bit: the same steps on the words that are shared.

use super::setting::{Curve, Setting};

/// Rows in the clear, as words.
#[derive(Clone, Copy, Debug)]
pub struct WordRows<'a> {
    /// Features in the table's format, row by row.
    pub features: &'a [u64],
    /// The class of each row.
    pub labels: &'a [bool],
    /// Which rows there are.
    pub live: &'a [bool],
}

/// The words of the weights that [`train`](super::train) comes to, to the last bit, whatever the shares; nothing for a curve whose
/// products are rounded by the shares.
///
/// # Panics
/// If the rows are not those of the setting's table.
#[must_use]
pub fn train_exactly(setting: &Setting, of: WordRows<'_>) -> Option<Vec<u64>> {
    let (descent, table, batches) = (setting.descent(), setting.table(), setting.batches());
    let d = table.columns;
    let fits = of.features.len() == table.rows * d
        && of.labels.len() == table.rows
        && of.live.len() == table.rows;
    assert!(fits, "rows of the setting's table");
    if descent.curve != Curve::Segments {
        return None;
    }
    let frac = table.features.frac();
    let curve = Segments { frac: frac + setting.weights().frac() };
    let mut weights = vec![0_u64; d + 1];
    for k in (0..descent.epochs).flat_map(|_| 0..batches) {
        let mut gradient = vec![0_u64; d + 1];
        for row in (k..table.rows).step_by(batches).filter(|row| of.live[*row]) {
            let x = &of.features[row * d..(row + 1) * d];
            let start = weights[d].wrapping_shl(frac);
            let logit = x
                .iter()
                .zip(&weights)
                .fold(start, |sum, (x, weight)| sum.wrapping_add(x.wrapping_mul(*weight)));
            let error = curve.of(logit).wrapping_sub(if of.labels[row] { curve.one() } else { 0 });
            for (sum, x) in gradient.iter_mut().zip(x.iter().chain([&(1 << frac)])) {
                *sum = sum.wrapping_add(x.wrapping_mul(error));
            }
        }
        for (at, (weight, sum)) in weights.iter_mut().zip(&gradient).enumerate() {
            let pull = if at < d { weight.wrapping_mul(setting.pull) } else { 0 };
            *weight = weight.wrapping_sub(setting.step.of(sum.wrapping_add(pull)));
        }
    }
    Some(weights)
}

/// 1/2 + z/8 between −4 and 4, 0 below and 1 above, of words with so many fraction bits; three more come out.
struct Segments {
    frac: u32,
}

impl Segments {
    const fn one(&self) -> u64 {
        1 << (self.frac + 3)
    }

    fn of(&self, logit: u64) -> u64 {
        let (z, four) = (logit.cast_signed(), 4_i64 << self.frac);
        match z {
            z if z < -four => 0,
            z if z > four => self.one(),
            _ => logit.wrapping_add(self.one() / 2),
        }
    }
}
