//! The meaning of a training on joined rows.

use federated::vertical::{ClearRows, tally_clear, train_clear};

use super::{clear::Column, refs::Ref, vertical::Vertical};

/// Every output of the training on clear columns: weights without the roundings of shares, to the nearest word.
///
/// # Panics
/// If the plan is none.
pub(super) fn vertical<'c>(of: &Vertical, at: &dyn Fn(&Ref) -> &'c Column) -> Vec<Column> {
    let setting = of.setting().expect("a checked training");
    let table = *setting.table();
    let mut features = vec![0.0; table.rows * table.columns];
    for (j, column) in of.columns.iter().enumerate() {
        let values = match at(column) {
            Column::Words(words) => table.features.decode(words),
            bits => bits.to_flags().into_iter().map(|bit| f64::from(u8::from(bit))).collect(),
        };
        let cells = features.iter_mut().skip(j).step_by(table.columns);
        cells.zip(values).for_each(|(cell, value)| *cell = value);
    }
    let (labels, live) = (at(&of.class).to_flags(), at(&of.live).to_flags());
    let rows = ClearRows { features: &features, labels: &labels, live: &live };
    let weights = train_clear(&setting, rows);
    let [count, right] = tally_clear(rows, &weights);
    let mut words = setting.weights().encode(&weights).expect("weights within their bounds");
    words.extend([count, right]);
    vec![Column::Words(words), Column::Words(vec![count])]
}
