//! The result of a local sub-plan as rows to train on: numbers in single precision, which stay at home.

use datafusion::arrow::array::{Array as _, RecordBatch};
use federated::model::Rows;

use super::encode::EncodeError;
use crate::{
    catalog::{ColumnValues, column_values},
    plan::{Feature, LocalInput, Training},
};

/// Brings rows to numbers; those that lack one are left out.
///
/// # Errors
/// [`EncodeError`], for the provider alone.
pub fn training_rows(
    input: &LocalInput,
    training: &Training,
    rows: &RecordBatch,
) -> Result<Rows, EncodeError> {
    let party = || input.party.to_string();
    if u64::try_from(rows.num_rows()).unwrap_or(u64::MAX) > input.rows {
        return Err(EncodeError::Rows { party: party(), bound: input.rows });
    }
    numbers_of(input.party.as_str(), (&training.features, &training.label), rows)
}

/// The same of rows that nobody bounds: the columns are these features and the label.
///
/// # Errors
/// [`EncodeError`], naming `party`.
pub fn numbers_of(
    party: &str,
    (features, label): (&[Feature], &Feature),
    rows: &RecordBatch,
) -> Result<Rows, EncodeError> {
    let party = || party.to_owned();
    let all: Vec<&Feature> = features.iter().chain([label]).collect();
    let mut columns = Vec::with_capacity(all.len());
    for (at, feature) in all.iter().enumerate() {
        let column = || feature.name().to_owned();
        let array = rows.columns().get(at);
        let found = array.map_or_else(|| "none".to_owned(), |array| array.data_type().to_string());
        let wrong = || EncodeError::Type { party: party(), column: column(), found };
        let values = array.and_then(column_values).ok_or_else(wrong.clone())?;
        let label = at == features.len();
        let numbers = numbers(feature, values, label).map_err(|why| match why {
            Why::Type => wrong(),
            Why::Outside(promise) => {
                EncodeError::Outside { party: party(), column: column(), promise }
            }
        })?;
        columns.push(numbers);
    }
    let label = columns.pop().unwrap_or_default();
    let width = features.iter().map(Feature::width).sum();
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in 0..rows.num_rows() {
        let whole = columns.iter().all(|column| column[row].is_some());
        let Some(Number::Value(label)) = label.get(row).copied().flatten().filter(|_| whole) else {
            continue;
        };
        labels.push(label);
        for (column, feature) in columns.iter().zip(features) {
            match column[row] {
                Some(Number::Value(value)) => values.push(value),
                Some(Number::One(place)) => {
                    let start = values.len();
                    values.resize(start + feature.width(), 0.0);
                    if let Some(place) = place {
                        values[start + place] = 1.0;
                    }
                }
                None => {}
            }
        }
    }
    let fault =
        |_| EncodeError::Type { party: party(), column: "the rows".into(), found: "unfit".into() };
    Rows::new(width, values, labels).map_err(fault)
}

enum Why {
    Type,
    Outside(&'static str),
}

/// What a value becomes.
#[derive(Clone, Copy)]
enum Number {
    Value(f32),
    /// 1 at this place of a list, 0 elsewhere.
    One(Option<usize>),
}

fn numbers(
    feature: &Feature,
    values: ColumnValues,
    label: bool,
) -> Result<Vec<Option<Number>>, Why> {
    match (feature, values) {
        (Feature::Number { min, max, digits, .. }, ColumnValues::Integers(all)) => {
            let scale = if label { Scale::as_it_is(*digits) } else { Scale::to_one(*min, *max) };
            let one = |value: i128| {
                let within = (*min..=*max).contains(&value);
                within.then(|| Number::Value(scale.of(value))).ok_or(Why::Outside("range"))
            };
            all.into_iter().map(|value| value.map(one).transpose()).collect()
        }
        (Feature::Flag { .. }, ColumnValues::Integers(all)) => {
            let one = |value: i128| Number::Value(f32::from(u8::from(value != 0)));
            Ok(all.into_iter().map(|value| value.map(one)).collect())
        }
        (Feature::OneOf { domain, .. }, ColumnValues::Texts(all)) => {
            let place =
                |text: String| domain.binary_search(&text).map_err(|_| Why::Outside("domain"));
            let one = |text: Option<String>| match (text, label) {
                (None, true) => Ok(None),
                (None, false) => Ok(Some(Number::One(None))),
                (Some(text), false) => Ok(Some(Number::One(Some(place(text)?)))),
                (Some(text), true) =>
                {
                    #[expect(clippy::cast_precision_loss, reason = "a place in a short list")]
                    place(text).map(|at| Some(Number::Value(at as f32)))
                }
            };
            all.into_iter().map(one).collect()
        }
        _ => Err(Why::Type),
    }
}

/// A number as one to train on: `(value − middle) · factor`.
struct Scale {
    middle: f64,
    factor: f64,
}

impl Scale {
    fn as_it_is(digits: u8) -> Self {
        Self { middle: 0.0, factor: 10_f64.powi(-i32::from(digits)) }
    }

    /// The bounds to −1 and 1; what has but one value to 0.
    #[expect(clippy::cast_precision_loss, reason = "training is single precision")]
    fn to_one(min: i128, max: i128) -> Self {
        let (low, high) = (min as f64, max as f64);
        let half = (high - low) / 2.0;
        Self { middle: low + half, factor: if half > 0.0 { half.recip() } else { 0.0 } }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "training is single precision"
    )]
    fn of(&self, value: i128) -> f32 {
        ((value as f64 - self.middle) * self.factor) as f32
    }
}
