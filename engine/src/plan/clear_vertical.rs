//! The meaning of a training on joined rows, and of a scoring.

use federated::vertical::{ClearRows, WordRows, tally_clear, train_clear, train_exactly};

use super::{
    clear::Column,
    refs::Ref,
    score::Score,
    vertical::{UNIT_BITS, Vertical},
};

/// Every output of the training on clear columns: to the bit, but for curves that round by the shares, whose weights come without that.
///
/// # Panics
/// If the plan is none.
pub(super) fn vertical<'c>(of: &Vertical, at: &dyn Fn(&Ref) -> &'c Column) -> Vec<Column> {
    let setting = of.setting().expect("a checked training");
    let table = *setting.table();
    let mut words = vec![0; table.rows * table.columns];
    for (j, column) in of.columns.iter().enumerate() {
        let values = match at(column) {
            Column::Words(words) => words.clone(),
            bits => bits.to_flags().into_iter().map(|bit| u64::from(bit) << UNIT_BITS).collect(),
        };
        let cells = words.iter_mut().skip(j).step_by(table.columns);
        cells.zip(values).for_each(|(cell, value)| *cell = value);
    }
    let (labels, live) = (at(&of.class).to_flags(), at(&of.live).to_flags());
    let features = table.features.decode(&words);
    let rows = ClearRows { features: &features, labels: &labels, live: &live };
    let exactly = WordRows { features: &words, labels: &labels, live: &live };
    let nearly = || setting.weights().encode(&train_clear(&setting, rows)).ok();
    let mut words = train_exactly(&setting, exactly).or_else(nearly).expect("weights in bounds");
    let [count, right] = tally_clear(rows, &setting.weights().decode(&words));
    words.extend([count, right]);
    vec![Column::Words(words), Column::Words(vec![count])]
}

/// The scores of clear columns by clear weights: exact, as on shares.
///
/// # Panics
/// If the plan is none.
pub(super) fn score<'c>(of: &Score, at: &dyn Fn(&Ref) -> &'c Column) -> Column {
    let Column::Words(weights) = at(&of.weights) else { panic!("weights are words") };
    let (intercept, weights) = weights.split_last().expect("an intercept");
    let rows = usize::try_from(of.rows).expect("a row count");
    let mut sums = vec![intercept << UNIT_BITS; rows];
    for (column, weight) in of.columns.iter().zip(weights) {
        let values: Vec<u64> = match at(column) {
            Column::Words(words) => words.clone(),
            bits => bits.to_flags().into_iter().map(|bit| u64::from(bit) << UNIT_BITS).collect(),
        };
        sums.iter_mut().zip(values).for_each(|(sum, value)| {
            *sum = sum.wrapping_add(value.wrapping_mul(*weight));
        });
    }
    Column::Words(sums)
}
