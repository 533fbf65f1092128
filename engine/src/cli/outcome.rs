//! How a job ended, as the buyer sees it.

use datafusion::arrow::array::RecordBatch;

use super::exit::CliError;
use crate::policy::Refusal;

/// The end of a job that was waited for.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The result was opened.
    Done(Box<Delivery>),
    /// Policies refused.
    Refused(Vec<Refusal>),
}

/// An opened result with its evidence.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The rows.
    pub(super) result: RecordBatch,
    /// From submission until the result was open.
    pub(super) seconds: f64,
    /// Data-plane bytes, all parties together, as the receipt says.
    pub(super) bytes_sent: u64,
    /// The critical path, as the receipt says.
    pub(super) rounds: u64,
    /// What was opened to whom, and what that shows.
    pub(super) leakage: Vec<String>,
    /// The receipt's id.
    pub(super) receipt_id: String,
    /// The receipt, which verified.
    pub(super) receipt: Vec<u8>,
}

/// The refusals as one error, a line each.
pub(super) fn refused(refusals: &[Refusal]) -> CliError {
    let lines: Vec<_> = refusals
        .iter()
        .map(|refusal| {
            let column = refusal.column.as_deref().map(|column| format!(" {column}"));
            let (party, rule) = (&refusal.party, &refusal.rule);
            format!("\n  {party} ({rule}{}): {}", column.unwrap_or_default(), refusal.message)
        })
        .collect();
    CliError::refused(format!("the job is refused by policy:{}", lines.concat()))
        .next("change the query, or ask the provider for another policy; `unseen job explain` tells beforehand")
}
