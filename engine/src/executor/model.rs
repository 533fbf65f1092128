//! The result of a training on joined rows, as the buyer has it: the model, and a row that says what it rests on.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch},
    datatypes::Int64Type,
};

use super::trained::{Model, metadata};
use crate::{
    job::ModelFamily,
    plan::{TALLY_WORDS, Vertical},
};

/// Reads the opened words of a training on joined rows: the model, and one row that says on how many rows it rests and how many
/// of them it is right of.
///
/// Nothing if they are not those of this training.
#[expect(clippy::cast_possible_truncation, reason = "models are single precision")]
#[expect(clippy::cast_precision_loss, reason = "a share, for reading")]
pub(super) fn of_joined_rows(of: &Vertical, opened: &RecordBatch) -> Option<(Model, RecordBatch)> {
    let setting = of.setting().ok()?;
    let words = opened.columns().first()?.as_primitive_opt::<Int64Type>()?.values();
    let (weights, counts) = words.split_at_checked(setting.len())?;
    let [rows, right]: [i64; TALLY_WORDS] = counts.try_into().ok()?;
    let weights: Vec<u64> = weights.iter().map(|word| word.cast_unsigned()).collect();
    let parameters = setting.weights().decode(&weights).into_iter().map(|w| w as f32).collect();
    let metadata = metadata(ModelFamily::Logistic, &of.features, &of.label);
    let model = Model::new(of.tensors(), parameters, metadata);
    let accuracy = right as f64 / rows.max(1) as f64;
    let report = RecordBatch::try_from_iter([
        ("rows", Arc::new(Int64Array::from(vec![rows])) as ArrayRef),
        ("accuracy", Arc::new(Float64Array::from(vec![accuracy]))),
    ]);
    Some((model, report.ok()?))
}
