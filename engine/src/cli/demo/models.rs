//! Jobs of the demo about models: boosted trees, and scores by weights that their owner shows nobody.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use federated::model::{Rows, area_under_curve};

use super::{
    super::exit::CliError,
    held_out::people_of,
    jobs::high_incomes,
    joined::{BOTH, SCORED, Trains},
    tables::{Column, Content, DemoTable, JOBS, NUMBER, PEOPLE, PERSON, ROWS_MAX},
};
use crate::{
    catalog::ColumnType,
    executor::Model,
    job::{Micro, ModelSpec, ScoreSpec, TrainSpec, TreesSpec, WeightsSpec},
    policy::ReleaseForm,
    sql::numbers_of,
};

/// The region in which nobody takes part.
const ELSEWHERE: u64 = 3;

/// Trees on the people of three regions.
pub(super) fn trees() -> TrainSpec {
    let trees =
        TreesSpec { depth: 4, bins: 16, least_rows: 20, lambda: Micro::ONE, gamma: Micro(0) };
    TrainSpec { model: ModelSpec::Trees(trees), rounds: 20, rate: Micro(300_000), ..high_incomes() }
}

/// What trees are worth in the region whose people they have not seen. Only a demo can tell: it has that table in the clear.
///
/// # Errors
/// Failed: the demo's tables are not what the trees were grown on.
pub(super) async fn judged(asked: &TrainSpec, model: &Model) -> Result<RecordBatch, CliError> {
    let unfit = || CliError::failed("demo: the trees do not fit the tables");
    let (features, label) = model.described().ok_or_else(unfit)?;
    let expressions: Vec<&str> =
        asked.features.iter().chain([&asked.label]).map(String::as_str).collect();
    let people = people_of(&expressions, BOTH, &format!("h.person_id % 4 = {ELSEWHERE}")).await?;
    let rows = numbers_of("demo", (&features, &label), &people).map_err(CliError::failed)?;
    let depth = asked.model.trees().ok_or_else(unfit)?.depth;
    let trees = asked.rounds as usize;
    let scores: Option<Vec<f32>> =
        (0..rows.len()).map(|at| score(model.parameters(), (trees, depth), rows.row(at))).collect();
    table(&scores.ok_or_else(unfit)?, &rows, trees)
}

#[expect(clippy::cast_precision_loss, reason = "a share, for reading")]
fn table(scores: &[f32], rows: &Rows, trees: usize) -> Result<RecordBatch, CliError> {
    let labels: Vec<f32> = (0..rows.len()).map(|at| rows.label(at)).collect();
    let right = scores.iter().zip(&labels).filter(|(x, y)| (**x > 0.0) == (**y > 0.5)).count();
    let count = |n: usize| Arc::new(Int64Array::from(vec![i64::try_from(n).ok()])) as ArrayRef;
    let number = |x: f64| Arc::new(Float64Array::from(vec![x])) as ArrayRef;
    let who = StringArray::from(vec!["of a region that took no part"]);
    RecordBatch::try_from_iter([
        ("people", Arc::new(who) as ArrayRef),
        ("rows", count(rows.len())),
        ("trees", count(trees)),
        ("accuracy", number(right as f64 / rows.len().max(1) as f64)),
        ("auc", number(area_under_curve(scores, &labels))),
    ])
    .map_err(CliError::failed)
}

/// The log-odds of a row: where it comes to in each tree, as the tensors have them, level by level.
fn score(words: &[f32], (trees, depth): (usize, u32), row: &[f32]) -> Option<f32> {
    let leaves = 1_usize << depth;
    let nodes = leaves - 1;
    let (inputs, rest) = words.split_at_checked(trees * nodes)?;
    let (thresholds, values) = rest.split_at_checked(trees * nodes)?;
    let mut sum = 0.0;
    for tree in 0..trees {
        let (mut node, mut below) = (0, leaves);
        for level in 0..depth {
            let at = tree * nodes + (1 << level) - 1 + node;
            // What is not split goes left: its value stands at its leftmost leaf.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
            let right = inputs[at] >= 0.0 && *row.get(inputs[at] as usize)? >= thresholds[at];
            node = 2 * node + usize::from(right);
            below /= 2;
        }
        sum += values.get(tree * leaves + node * below)?;
    }
    Some(sum)
}

/// Scores of people by the tax office's weights.
pub(super) fn scores() -> ScoreSpec {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    ScoreSpec {
        from: "census.applicants h JOIN employers.applicants c ON h.person_id = c.person_id"
            .to_owned(),
        columns: owned(&["h.person_id"]),
        features: owned(&[
            "h.age",
            "c.hours_per_week",
            "c.capital_gain > 5000",
            "c.capital_loss > 1500",
            "h.marital_status",
        ]),
        filter: Some("h.person_id % 4 = 0".to_owned()),
        model: WeightsSpec {
            dataset: "tax.weights".to_owned(),
            weight: "weight".to_owned(),
            position: "position".to_owned(),
        },
    }
}

/// Of each number of the features, in order, and of the intercept.
const WEIGHTS: [&str; 12] =
    ["1.05", "1.6", "3.8", "1.9", "-0.9", "1.1", "1.4", "-0.8", "-1.5", "-1.1", "-0.8", "-0.6"];

/// The weights as CSV.
pub(super) fn weights() -> Vec<u8> {
    let rows = WEIGHTS.iter().enumerate().map(|(at, weight)| format!("{at},{weight}\n"));
    ("position,weight\n".to_owned() + &rows.collect::<String>()).into_bytes()
}

const SCORE: &[ReleaseForm] = &[ReleaseForm::Score];

const WEIGHT_COLUMNS: &[Column] = &[
    Column {
        name: "position",
        ty: ColumnType::Int64,
        range: Some((0, 63)),
        release: SCORE,
        ..PERSON
    },
    Column {
        name: "weight",
        ty: ColumnType::Decimal { precision: 9, scale: 3 },
        range: Some((-8_000, 8_000)),
        release: SCORE,
        ..NUMBER
    },
];

/// Two tables of applicants, whom the third party's weights score.
pub(super) const SCORES: [DemoTable; 3] = [
    DemoTable {
        party: "census",
        name: "applicants",
        file: "census_applicants.parquet",
        content: Content::Parquet(PEOPLE),
        joined_with: &["employers.applicants"],
        columns: SCORED[0],
        ..APPLICANTS
    },
    DemoTable {
        party: "employers",
        name: "applicants",
        file: "employers_applicants.parquet",
        content: Content::Parquet(JOBS),
        joined_with: &["census.applicants"],
        columns: SCORED[1],
        ..APPLICANTS
    },
    DemoTable {
        party: "tax",
        name: "weights",
        file: "weights.csv",
        content: Content::Weights,
        joined_with: &[],
        columns: WEIGHT_COLUMNS,
        entity: "position",
        rows_max: WEIGHTS.len() as u64,
        ..APPLICANTS
    },
];

const APPLICANTS: DemoTable = DemoTable {
    party: "",
    name: "",
    file: "",
    content: Content::Weights,
    joined_with: &[],
    columns: &[],
    entity: "person_id",
    rows_max: ROWS_MAX,
    psi: None,
    lookups: None,
    train: Some(Trains::Scores),
};
