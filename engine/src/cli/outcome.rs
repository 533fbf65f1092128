//! How a job ended, as the buyer sees it.

use super::exit::CliError;
use crate::{
    audit::Receipt,
    executor::Delivery,
    job::{Failure, Reason},
    policy::Refusal,
};

/// The end of a job that was waited for.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The result was opened.
    Done(Box<Opened>),
    /// Policies, or people, refused.
    Refused(Vec<Refusal>),
    /// It failed.
    Failed(Box<Broken>),
}

/// A job that failed, with its evidence.
#[derive(Debug)]
pub(super) struct Broken {
    /// Why.
    pub(super) failure: Failure,
    /// The receipt and how it was fetched (JSON), or why it could not be; none is made of a job that ended before it prepared.
    pub(super) receipt: Option<Result<(Receipt, Vec<u8>), Failure>>,
}

/// An opened result with its evidence.
#[derive(Debug)]
pub(super) struct Opened {
    /// Rows and receipt.
    pub(super) delivery: Delivery,
    /// The receipt as it was fetched (JSON).
    pub(super) receipt: Vec<u8>,
    /// From submission until the result was open.
    pub(super) seconds: f64,
}

impl Opened {
    /// Data-plane bytes, all parties together, as the receipt says.
    pub(super) fn bytes_sent(&self) -> u64 {
        self.delivery.receipt.body.meter.values().map(|meter| meter.bytes_sent).sum()
    }

    /// The critical path, as the receipt says.
    pub(super) fn rounds(&self) -> u32 {
        self.delivery.receipt.body.meter.values().map(|meter| meter.rounds).max().unwrap_or(0)
    }
}

/// A failure as refusals, where it is one.
pub(super) fn refusals_of(failure: &Failure, listed: &[Refusal]) -> Option<Vec<Refusal>> {
    if !matches!(failure.reason, Reason::PolicyRefused | Reason::ConsentDenied) {
        return None;
    }
    if !listed.is_empty() {
        return Some(listed.to_vec());
    }
    let party = failure.party.clone()?;
    let rule = failure.reason.as_str().to_lowercase();
    Some(vec![Refusal { party, rule, column: None, message: failure.message.clone() }])
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
    CliError::refused(format!("the job is refused:{}", lines.concat())).next(
        "change the query, or ask the provider for another policy; `unseen job explain` tells beforehand",
    )
}
