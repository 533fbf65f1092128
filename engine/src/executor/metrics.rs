//! Columns of the table of rounds that say more of a model than how often it is right.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array};
use federated::{
    model::{Ranking, Tally},
    round::UNTOLD,
};

use crate::plan::{ROUND_WORDS, Training};

/// The columns, of the words of each round: how many providers' rows are counted, and what that says. What is not told is NULL.
pub(super) fn metrics(training: &Training, figures: &[i64]) -> Vec<(&'static str, ArrayRef)> {
    let Ok(Some(tally)) = training.tally() else { return Vec::new() };
    let each = || figures.chunks_exact(training.round_words());
    let counted = Int64Array::from_iter_values(each().map(|round| round[ROUND_WORDS]));
    let column = |of: &dyn Fn(&[i64]) -> Option<f64>| {
        Arc::new(each().map(of).collect::<Float64Array>()) as ArrayRef
    };
    let mut columns = vec![("counted", Arc::new(counted) as ArrayRef)];
    columns.extend(match tally {
        Tally::Bins(_) => vec![
            ("precision", column(&|round| ranking(round)?.precision)),
            ("recall", column(&|round| ranking(round)?.recall)),
            ("auc", column(&|round| ranking(round)?.area)),
        ],
        Tally::Moments(_) => vec![("r2", column(&|round| explained(&tally, round)))],
    });
    columns
}

/// A number of a round behind its figures; nothing if it is not told.
fn told(round: &[i64], at: usize) -> Option<u64> {
    let word = round.get(ROUND_WORDS + at)?.cast_unsigned();
    (word != UNTOLD).then_some(word)
}

fn ranking(round: &[i64]) -> Option<Ranking> {
    let classes = told(round, 1).zip(told(round, 2))?;
    Some(Ranking::of_totals(classes, told(round, 3)?, told(round, 4).zip(told(round, 5))))
}

/// R². The loss is half of the squared error.
fn explained(tally: &Tally, round: &[i64]) -> Option<f64> {
    let error = 2.0 * f64::from_bits(round[2].cast_unsigned());
    tally.explained([told(round, 1)?, told(round, 2)?], u64::try_from(round[1]).ok()?, error)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::AsArray as _,
        datatypes::{Float64Type, Int64Type},
    };

    use super::*;
    use crate::{
        executor::trained::tests::training,
        job::{MetricsSpec, ModelSpec},
        plan::Feature,
    };

    /// A round of two providers, a hundred rows and a squared error of one each, nobody absent.
    fn round(told: &[i64]) -> Vec<i64> {
        [&[2, 100, 50_f64.to_bits().cast_signed(), 80], told, &[0]].concat()
    }

    fn values(found: &[(&'static str, ArrayRef)]) -> Vec<Option<f64>> {
        found[1..]
            .iter()
            .map(|(_, column)| {
                column.is_valid(0).then(|| column.as_primitive::<Float64Type>().value(0))
            })
            .collect()
    }

    #[test]
    fn counts_and_moments_are_read_as_what_they_are() {
        let asked = Some(MetricsSpec { bins: 2, least_rows: 20 });
        let classes = Training { metrics: asked, ..training() };
        // Of a hundred rows 40 are of class 1, of which 30 are called so, and so are 10 of the others.
        let pairs = 2 * 30 * 50 + 10 * 50 + 30 * 10;
        let found = metrics(&classes, &round(&[2, 60, 40, pairs, 30, 10]));
        let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["counted", "precision", "recall", "auc"]);
        assert_eq!(found[0].1.as_primitive::<Int64Type>().value(0), 2);
        assert_eq!(values(&found), [Some(0.75), Some(0.75), Some(3800.0 / 4800.0)]);
        let found = metrics(&classes, &round(&[2, 60, 40, pairs, -1, -1]));
        assert_eq!(values(&found), [None, None, Some(3800.0 / 4800.0)]);
        let found = metrics(&classes, &round(&[1, -1, -1, -1, -1, -1]));
        assert_eq!(values(&found), [None; 3]);

        let linear = Training {
            model: ModelSpec::Linear,
            label: Feature::Number { name: "pay".into(), min: 0, max: 7, digits: 0 },
            ..classes
        };
        // Labels 2 and 6, from 3.5 on in units of 4 and one more: a variance of 4.
        let one = 1_i64 << 28;
        let sums = [50 * one * (5 + 13) / 8, 50 * one * (25 + 169) / 64];
        let found = metrics(&linear, &round(&[2, sums[0], sums[1]]));
        assert_eq!((found.len(), found[1].0), (2, "r2"));
        assert!((values(&found)[0].unwrap() - 0.75).abs() < 1e-6);
        assert_eq!(values(&metrics(&linear, &round(&[1, -1, -1]))), [None]);
        assert!(metrics(&training(), &round(&[])).is_empty());
    }
}
