//! What a model of joined rows is worth on people it has not seen. Only a demo can tell: it has both tables in the clear.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
        compute::concat_batches,
    },
    catalog::MemTable,
    prelude::SessionContext,
};
use federated::model::{Network, area_under_curve, evaluate};

use super::{
    super::exit::CliError,
    jobs::HELD_OUT,
    messy::read,
    tables::{JOBS, PEOPLE},
};
use crate::{executor::Model, job::VerticalSpec, sql::numbers_of};

/// Two rows: on how many people a model was trained and how often it is right of them, which the job tells; and the same of those
/// whom it has not seen.
///
/// # Errors
/// Failed: the demo's tables are not what the model was trained on.
pub(super) async fn judged(
    asked: &VerticalSpec,
    model: &Model,
    told: &RecordBatch,
) -> Result<RecordBatch, CliError> {
    let unfit = || CliError::failed("demo: the model does not fit the tables");
    let (features, label) = model.described().ok_or_else(unfit)?;
    let expressions: Vec<&str> =
        asked.features.iter().chain([&asked.label]).map(String::as_str).collect();
    let left_out = format!("h.person_id % {HELD_OUT} = 0");
    let people = people_of(&expressions, &asked.from, &left_out).await?;
    let rows = numbers_of("demo", (&features, &label), &people).map_err(CliError::failed)?;
    let network = Network::logistic(rows.features()).map_err(CliError::failed)?;
    if model.parameters().len() != network.parameters() {
        return Err(unfit());
    }
    let (scores, logits) = evaluate(&network, model.parameters(), &rows);
    let labels: Vec<f32> = (0..rows.len()).map(|at| rows.label(at)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a share, for reading")]
    let right = scores.correct as f64 / scores.rows.max(1) as f64;
    let unseen = RecordBatch::try_from_iter([
        ("rows", Arc::new(Int64Array::from(vec![i64::try_from(scores.rows).ok()])) as ArrayRef),
        ("accuracy", Arc::new(Float64Array::from(vec![right]))),
    ]);
    let both = [told.clone(), unseen.map_err(CliError::failed)?];
    let both = concat_batches(&told.schema(), &both).map_err(CliError::failed)?;
    let area = Float64Array::from(vec![None, Some(area_under_curve(&logits, &labels))]);
    let who = StringArray::from(vec!["trained on", "held out"]);
    let columns = both.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    let columns = columns.into_iter().zip(both.columns().iter().cloned());
    let all = [("people".to_owned(), Arc::new(who) as ArrayRef)].into_iter().chain(columns);
    RecordBatch::try_from_iter(all.chain([("auc".to_owned(), Arc::new(area) as ArrayRef)]))
        .map_err(CliError::failed)
}

/// People as a job describes them, of both tables in the clear.
///
/// # Errors
/// Failed: the demo's tables do not have what is asked for, or nobody.
pub(super) async fn people_of(
    expressions: &[&str],
    from: &str,
    filter: &str,
) -> Result<RecordBatch, CliError> {
    let context = SessionContext::new();
    for (schema, table, content) in
        [("census", "households", PEOPLE), ("employers", "contracts", JOBS)]
    {
        let rows = read(content)?;
        let rows = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(CliError::failed)?;
        let made = context.sql(&format!("CREATE SCHEMA {schema}")).await;
        made.map_err(CliError::failed)?;
        context
            .register_table(format!("{schema}.{table}"), Arc::new(rows))
            .map_err(CliError::failed)?;
    }
    let listed = expressions.iter().enumerate();
    let listed: Vec<_> = listed.map(|(at, expr)| format!("({expr}) AS f{at}")).collect();
    let sql = format!("SELECT {} FROM {from} WHERE {filter}", listed.join(", "));
    let frame = context.sql(&sql).await.map_err(CliError::failed)?;
    let batches = frame.collect().await.map_err(CliError::failed)?;
    let first = batches.first().ok_or_else(|| CliError::failed("demo: there is nobody"))?;
    concat_batches(&first.schema(), &batches).map_err(CliError::failed)
}
