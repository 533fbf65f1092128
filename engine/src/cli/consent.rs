//! `unseen consent`: a provider's people answer jobs.

use std::{fmt::Write as _, time::Duration};

use super::{
    args::ConsentCommand,
    config::Config,
    exit::{CliError, chain},
    price::price,
};
use crate::{
    job::JobId,
    link::Dialler,
    policy::UtcTime,
    wire::{ConsentCalls, Decision, PendingJob},
};

/// How long one's own daemon may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Runs one of the provider's commands; what it returns goes to standard output.
///
/// # Errors
/// Usage: the configuration, or a name of no job. Failed: the daemon cannot be reached.
pub(super) async fn run(command: &ConsentCommand) -> Result<String, CliError> {
    match command {
        ConsentCommand::List { all, config } => {
            let jobs = calls(&Config::load(&config.config)?)?.list(*all).await?;
            if jobs.is_empty() {
                return Ok("no job waits for an answer\n".to_owned());
            }
            Ok(jobs.iter().map(described).collect())
        }
        ConsentCommand::Approve(args) => {
            let job = job(&args.id)?;
            let verdict = calls(&Config::load(&args.config.config)?)?.approve(job).await?;
            Ok(format!("{job} approved: plan {}\n", verdict.plan))
        }
        ConsentCommand::Deny { job: args, message } => {
            let job = job(&args.id)?;
            calls(&Config::load(&args.config.config)?)?.deny(job, message.clone()).await?;
            Ok(format!("{job} denied\n"))
        }
    }
}

fn job(id: &str) -> Result<JobId, CliError> {
    id.parse().map_err(|error| {
        CliError::usage(chain(&error)).next("`unseen consent list` has the names of the jobs")
    })
}

/// The daemon serves its own key only: the party calls itself.
fn calls(config: &Config) -> Result<ConsentCalls, CliError> {
    let listen = config.listen.ok_or_else(|| {
        CliError::usage(format!("{}: the configuration has no `listen`", config.party))
            .next("a provider's daemon is asked: name its configuration with --config")
    })?;
    let dialler = Dialler::new(config.credentials()?, config.timeouts.timeouts());
    let channel = dialler
        .control(&config.party, &listen.to_string())
        .map_err(|error| CliError::usage(chain(&error)))?;
    Ok(ConsentCalls::new(config.party.clone(), channel, ANSWER))
}

fn described(pending: &PendingJob) -> String {
    let (spec, verdict) = (&pending.spec, &pending.verdict);
    let answer = match verdict.decision {
        Decision::Pending => "waits for an answer",
        Decision::Consented => "approved",
        Decision::Denied => "denied",
    };
    let mut text = format!("{}  {answer}\n", verdict.job);
    if verdict.decision != Decision::Pending {
        return text;
    }
    let _ = writeln!(text, "  buyer    {}\n  purpose  {}", spec.buyer, spec.purpose);
    let parties: Vec<_> = spec.compute.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "  compute  {}", parties.join(", "));
    let _ = writeln!(
        text,
        "  until    {}, when it ends by itself",
        UtcTime::from_ms(spec.expires_at_ms)
    );
    let _ = writeln!(text, "  plan     {}", verdict.plan);
    if let Some(price) = price(&verdict.quote) {
        let _ = writeln!(text, "  price    {price}");
    }
    for line in spec.kind.text().trim().lines() {
        let _ = writeln!(text, "  | {line}");
    }
    for sentence in &verdict.leakage {
        let _ = writeln!(text, "  shows: {sentence}");
    }
    for refusal in &verdict.refusals {
        let _ = writeln!(text, "  refused: {refusal}");
    }
    text
}
