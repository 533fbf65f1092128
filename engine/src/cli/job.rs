//! `unseen job`: the buyer's commands.

use std::{fmt::Write as _, fs, path::PathBuf, time::Instant};

use super::{
    args::{Format, JobCommand, JobIdArgs, OutputArgs, SubmitArgs},
    buyer::{Buyer, words},
    exit::{CliError, chain},
    job_file::JobFile,
    outcome::{Broken, Outcome, refused},
    output,
    price::price,
    progress::Progress,
};
use crate::{
    audit::Receipt,
    executor::Delivery,
    job::JobId,
    wire::{Explanation, JobView},
};

/// Runs one of the buyer's commands; what it returns goes to standard output.
///
/// # Errors
/// By exit code: usage, failed, refused.
pub(super) async fn run(command: &JobCommand) -> Result<String, CliError> {
    match command {
        JobCommand::Submit(args) => submit(args).await,
        JobCommand::Explain { file, config } => {
            let file = JobFile::load(file)?;
            explained(&Buyer::load(&config.config)?.explain(file).await?)
        }
        JobCommand::Watch(args) => {
            let (buyer, job) = named(args)?;
            let mut progress = Progress::new(false);
            let view = buyer.watch(job, &mut progress).await?;
            progress.done();
            ended(&view)
        }
        JobCommand::Result { job: args, output } => {
            output::check(output)?;
            let (buyer, job) = named(args)?;
            let mut progress = Progress::new(false);
            let outcome = buyer.result(job, Instant::now(), &mut progress).await?;
            progress.done();
            deliver(outcome, output)
        }
        JobCommand::Cancel(args) => {
            let (buyer, job) = named(args)?;
            Ok(line(&buyer.cancel(job).await?))
        }
        JobCommand::List(args) => {
            let jobs = Buyer::load(&args.config)?.list().await?;
            Ok(jobs.iter().map(line).collect())
        }
    }
}

async fn submit(args: &SubmitArgs) -> Result<String, CliError> {
    let file = JobFile::load(&args.file)?;
    if args.wait {
        output::check(&args.output)?;
    }
    let buyer = Buyer::load(&args.config.config)?;
    let id = args.request_id.as_deref();
    if !args.wait {
        let view = buyer.submit(file, id).await?;
        return Ok(format!("{}\n", view.job));
    }
    let mut progress = Progress::new(false);
    let outcome = buyer.submit_and_wait(file, id, &mut progress).await?;
    progress.done();
    deliver(outcome, &args.output)
}

/// Prints or writes the result, and keeps the receipt beside it; of a job that failed, the receipt alone.
fn deliver(outcome: Outcome, options: &OutputArgs) -> Result<String, CliError> {
    let opened = match outcome {
        Outcome::Done(opened) => opened,
        Outcome::Refused(refusals) => return Err(refused(&refusals)),
        Outcome::Failed(broken) => return Err(failed(*broken, options)),
    };
    match (options.format, &opened.delivery.model) {
        (Format::Safetensors, model) => output::save(model.as_ref(), options)?,
        _ => output::print(&opened.delivery.rows, options)?,
    }
    let path = keep(&opened.delivery.receipt, &opened.receipt, options)?;
    note(&format!(
        "{} rows in {:.1} s; {} bytes between the parties in {} rounds; receipt {} in {}",
        opened.delivery.rows.num_rows(),
        opened.seconds,
        opened.bytes_sent(),
        opened.rounds(),
        opened.delivery.receipt.id,
        path.display()
    ));
    for more in elsewhere(&opened.delivery, options.format) {
        note(&more);
    }
    Ok(String::new())
}

/// Where what the table does not show is to be had.
fn elsewhere(delivery: &Delivery, format: Format) -> Vec<String> {
    let job = delivery.receipt.body.job;
    let mut more = Vec::new();
    if delivery.rows.num_columns() == 0 {
        more.push(format!(
            "no rows go to the buyer: whoever the job names in `to` has its own in its `results` folder, in a file that begins with {job}"
        ));
    }
    if delivery.model.is_some() && format != Format::Safetensors {
        more.push(format!(
            "the model itself: unseen job result {job} --format safetensors --out model.safetensors"
        ));
    }
    more
}

/// Why a job failed, and where the evidence is.
fn failed(broken: Broken, options: &OutputArgs) -> CliError {
    let kept = broken.receipt.map(|receipt| {
        let (receipt, json) = receipt.map_err(CliError::from)?;
        let path = keep(&receipt, &json, options)?;
        Ok::<_, CliError>(format!("receipt {} of the failure in {}", receipt.id, path.display()))
    });
    match kept {
        Some(Ok(words)) => note(&words),
        Some(Err(error)) => note(&format!("no receipt of the failure: {}", error.message)),
        None => {}
    }
    broken.failure.into()
}

/// Writes a receipt to the place that was named, or beside the result.
fn keep(receipt: &Receipt, json: &[u8], options: &OutputArgs) -> Result<PathBuf, CliError> {
    let beside = options.out.as_deref().and_then(|out| out.parent()).map(PathBuf::from);
    let default = || beside.unwrap_or_default().join(receipt.file_name());
    let path = options.receipt.clone().unwrap_or_else(default);
    match fs::write(&path, json) {
        Ok(()) => Ok(path),
        Err(error) => Err(CliError::usage(format!("cannot write {}: {error}", path.display()))),
    }
}

fn named(args: &JobIdArgs) -> Result<(Buyer, JobId), CliError> {
    let job = args.id.parse().map_err(|error| {
        CliError::usage(chain(&error)).next("`unseen job list` has the names of your jobs")
    })?;
    Ok((Buyer::load(&args.config.config)?, job))
}

/// The end of a job that was watched.
fn ended(view: &JobView) -> Result<String, CliError> {
    match (&view.failure, view.refusals.is_empty()) {
        (_, false) => Err(refused(&view.refusals)),
        (Some(failure), _) => Err(failure.clone().into()),
        (None, true) => Ok(line(view)),
    }
}

fn line(view: &JobView) -> String {
    format!("{}  {:<16}  {}  {}\n", view.job, view.state.to_string(), view.request_id, words(view))
}

fn explained(told: &Explanation) -> Result<String, CliError> {
    if !told.refusals.is_empty() {
        return Err(refused(&told.refusals));
    }
    let participants: Vec<_> = told.participants.iter().map(ToString::to_string).collect();
    let mut text = format!("plan {}\n{}\n", told.plan, told.plan_text.trim_end());
    let _ = writeln!(text, "\nparticipants: {}", participants.join(", "));
    if let Some(price) = price(&told.quote) {
        let _ = writeln!(text, "price: {price}");
    }
    text += "what would be opened, and nothing else:\n";
    for sentence in &told.leakage {
        let _ = writeln!(text, "  - {sentence}");
    }
    text += "no policy refuses it\n";
    Ok(text)
}

#[expect(clippy::print_stderr, reason = "about the result, which itself goes to standard output")]
fn note(text: &str) {
    eprintln!("unseen: {text}");
}
