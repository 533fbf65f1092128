//! What the demo prints.

use std::path::Path;

use serde::Serialize;

use super::{
    super::{
        exit::CliError,
        outcome::Opened,
        output::{Rows, table},
    },
    jobs::DemoJob,
};
use crate::policy::Refusal;

/// Rows that the table shows; `--json` has all of them.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Done<'a> {
    job: &'a str,
    rows: Rows<'a>,
    seconds: f64,
    bytes_sent: u64,
    rounds: u32,
    leakage: &'a [String],
    receipt: Receipt<'a>,
}

#[derive(Serialize)]
struct Receipt<'a> {
    id: &'a str,
    path: &'a Path,
}

#[derive(Serialize)]
struct Refused<'a> {
    job: &'a str,
    refused: &'a [Refusal],
}

/// One JSON object: the answer.
///
/// # Errors
/// A column of a type that JSON cannot show.
pub(super) fn done_json(
    job: &DemoJob,
    opened: &Opened,
    receipt: &Path,
) -> Result<String, CliError> {
    let object = Done {
        job: job.name,
        rows: Rows(&opened.delivery.rows),
        seconds: (opened.seconds * 1000.0).round() / 1000.0,
        bytes_sent: opened.bytes_sent(),
        rounds: opened.rounds(),
        leakage: &opened.delivery.receipt.body.leakage.lines,
        receipt: Receipt { id: &opened.delivery.receipt.id, path: receipt },
    };
    Ok(serde_json::to_string(&object).map_err(CliError::failed)? + "\n")
}

/// One JSON object: why not.
///
/// # Errors
/// Never, in practice.
pub(super) fn refused_json(job: &DemoJob, refusals: &[Refusal]) -> Result<String, CliError> {
    let object = Refused { job: job.name, refused: refusals };
    Ok(serde_json::to_string(&object).map_err(CliError::failed)? + "\n")
}

/// The answer for reading.
///
/// # Errors
/// A column of a type that cannot be shown.
pub(super) fn done_text(
    job: &DemoJob,
    opened: &Opened,
    receipt: &Path,
) -> Result<String, CliError> {
    let (result, evidence) = (&opened.delivery.rows, &opened.delivery.receipt);
    let rows = result.num_rows();
    let mut text = format!("{}\n\n{}", question(job), table(&result.slice(0, rows.min(SHOWN)))?);
    if rows > SHOWN {
        text += &format!("… and {} more rows (--json shows all)\n", rows - SHOWN);
    }
    text += &format!(
        "\n{rows} rows in {:.1} s; {} between the parties, {} rounds\n\nWhat was opened, and nothing else:\n",
        opened.seconds,
        megabytes(opened.bytes_sent()),
        opened.rounds()
    );
    for line in &evidence.body.leakage.lines {
        text += &format!("  - {line}\n");
    }
    text += &format!("\nReceipt {}\n  unseen receipt verify {}\n", evidence.id, receipt.display());
    Ok(text)
}

/// The question, set in.
pub(super) fn question(job: &DemoJob) -> String {
    let lines: Vec<_> = job.kind().text().lines().map(|line| format!("  {line}")).collect();
    format!("{}: {}\n{}", job.name, job.about, lines.join("\n"))
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn megabytes(bytes: u64) -> String {
    if bytes < 1_000_000 {
        return format!("{:.1} kB", bytes as f64 / 1e3);
    }
    format!("{:.1} MB", bytes as f64 / 1e6)
}
