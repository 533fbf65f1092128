//! What is said of a training's rounds while it goes on.

use datafusion::arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Float64Type, Int32Type, Int64Type},
};

use super::progress::Progress;
use crate::{
    client,
    executor::{Opener, Rounds},
    job::{Failure, JobId},
    wire::JobView,
};

/// So many rounds of a long training are told, and those in which somebody is missing that was there, or is there again.
const LINES: u32 = 40;

/// Opens and tells the rounds of one job, as far as views of it have them.
pub(super) struct Told<'a> {
    opener: Opener<'a>,
    client: &'a client::Buyer,
    job: JobId,
    rounds: Option<Rounds<'a>>,
    /// Rounds do not open: it was said, and the result will be there all the same.
    gave_up: bool,
    /// How many were in the last round.
    there: i32,
}

impl<'a> Told<'a> {
    pub(super) fn new(opener: Opener<'a>, client: &'a client::Buyer, job: JobId) -> Self {
        Self { opener, client, job, rounds: None, gave_up: false, there: 0 }
    }

    /// Tells what a view has that was not told.
    pub(super) async fn tell(&mut self, view: &JobView, progress: &Progress) {
        if view.rounds.is_empty() || self.gave_up {
            return;
        }
        if let Err(failure) = self.open(view, progress).await {
            progress.line(&format!("the figures of rounds are left out: {failure}"));
            self.gave_up = true;
        }
    }

    async fn open(&mut self, view: &JobView, progress: &Progress) -> Result<(), Failure> {
        let rounds = match &mut self.rounds {
            Some(rounds) => rounds,
            none => {
                let documents = self.client.documents(self.job).await?;
                none.insert(Rounds::new(self.opener, self.job, &documents)?)
            }
        };
        for sealed in &view.rounds {
            let row = rounds.open(sealed)?;
            let there = whole(&row, "providers");
            if is_told(sealed.round, rounds.count()) || there != self.there {
                progress.line(&line(&row, rounds.count()));
            }
            self.there = there;
        }
        Ok(())
    }
}

/// Whether a round is one of those that are told in any case: all of a short training, of a long one some, and the last.
fn is_told(round: u32, of: u32) -> bool {
    (round - 1).is_multiple_of(of.div_ceil(LINES).max(1)) || round == of
}

fn whole(row: &RecordBatch, column: &str) -> i32 {
    let column = row.column_by_name(column).and_then(|of| of.as_primitive_opt::<Int32Type>());
    column.map_or(0, |of| of.value(0))
}

/// A row of the table of rounds in words.
fn line(row: &RecordBatch, of: u32) -> String {
    let mut text = format!(
        "round {} of {of}: {} providers, {} rows",
        whole(row, "round"),
        whole(row, "providers"),
        row.column_by_name("rows")
            .and_then(|rows| rows.as_primitive_opt::<Int64Type>())
            .map_or(0, |rows| rows.value(0))
    );
    for (field, column) in row.schema().fields().iter().zip(row.columns()) {
        match field.data_type() {
            DataType::Float64 if column.is_valid(0) => {
                let value = column.as_primitive::<Float64Type>().value(0);
                text += &format!(", {} {value:.4}", field.name());
            }
            DataType::Utf8 if !column.as_string::<i32>().value(0).is_empty() => {
                text += &format!("; {}: {}", field.name(), column.as_string::<i32>().value(0));
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_round_is_told_in_a_line() {
        let row = RecordBatch::try_from_iter([
            ("round", Arc::new(Int32Array::from(vec![3])) as ArrayRef),
            ("providers", Arc::new(Int32Array::from(vec![2]))),
            ("rows", Arc::new(Int64Array::from(vec![812]))),
            ("loss", Arc::new(Float64Array::from(vec![0.412_33]))),
            ("accuracy", Arc::new(Float64Array::from(vec![0.871]))),
            ("auc", Arc::new(Float64Array::from(vec![None]))),
            ("refused", Arc::new(StringArray::from(vec![""]))),
            ("absent", Arc::new(StringArray::from(vec!["clinic"]))),
        ]);
        let told =
            "round 3 of 20: 2 providers, 812 rows, loss 0.4123, accuracy 0.8710; absent: clinic";
        assert_eq!(line(&row.unwrap(), 20), told);
    }

    #[test]
    fn all_rounds_of_a_short_training_are_told_and_some_of_a_long_one() {
        assert!((1..=40).all(|round| is_told(round, 40)));
        let told: Vec<u32> = (1..=1500).filter(|round| is_told(*round, 1500)).collect();
        assert!(told.len() <= 41 && told.first() == Some(&1) && told.last() == Some(&1500));
    }
}
