//! `unseen lookup`: what a provider publishes for private lookups.

use std::fmt::Write as _;

use super::{
    args::{ConfigArgs, LookupCommand, PublishArgs},
    config::{Config, ScratchOf},
    exit::CliError,
    up::participant,
};
use crate::{
    clock::SystemClock,
    executor::{Participant, Publication},
    job::{PsiSet, TextRule},
};

/// What stands for the set of whoever asks where a table is published ahead of that.
const ASKER: &str = "party_0.keys";

/// Runs one of the commands; what it prints.
///
/// # Errors
/// Usage: the configuration is wrong, or the set cannot be published.
pub(super) fn run(command: &LookupCommand) -> Result<String, CliError> {
    match command {
        LookupCommand::Publish(args) => publish(args),
        LookupCommand::List(args) => {
            let all = provider(args)?.publications();
            let lines = all.iter().map(|of| told(of) + &warning(of));
            Ok(if all.is_empty() { "nothing is published\n".to_owned() } else { lines.collect() })
        }
    }
}

fn provider(args: &ConfigArgs) -> Result<Participant, CliError> {
    let config = Config::load(&args.config)?;
    let credentials = config.credentials()?;
    participant((&config, ScratchOf::Command), &credentials, std::sync::Arc::new(SystemClock))
}

fn publish(args: &PublishArgs) -> Result<String, CliError> {
    let config = Config::load(&args.config.config)?;
    let set = PsiSet {
        dataset: format!("{}.{}", config.party, args.dataset),
        key: args.key.clone(),
        filter: args.filter.clone(),
        columns: args.columns.clone(),
    };
    let text =
        TextRule { trim: !args.no_trim, fold_case: args.fold_case, fold_width: args.fold_width };
    let published = provider(&args.config)?.publish(&set, text);
    let published = published.map_err(|failure| {
        // The plan that it is made by names the set of whoever will ask; there is none yet.
        let words = failure.message.replace(ASKER, &set.dataset);
        CliError::usage(format!("{} is not published: {words}", set.dataset))
            .next("`unseen dataset list` shows this party's datasets and their columns")
    })?;
    let next =
        "  jobs that name the same key, columns, filter and rules for text are answered from it\n";
    Ok(told(&published) + next + &warning(&published))
}

fn told(of: &Publication) -> String {
    let Publication { dataset, key, columns, filter, rows, queries, bytes, epoch, changes, .. } =
        of;
    let mut text = format!("{dataset} by {}", key.join(", "));
    if let Some(filter) = filter {
        let _ = write!(text, " where {filter}");
    }
    let says = if columns.is_empty() { "that a key is there".into() } else { columns.join(", ") };
    let _ = writeln!(text, ": says {says}");
    let _ = writeln!(
        text,
        "  epoch {epoch}: {rows} rows, {bytes} bytes for each who asks, {queries} queries in all"
    );
    for Publication { rows, bytes, epoch, .. } in changes {
        let _ = writeln!(text, "  change of epoch {epoch}: {rows} rows, {bytes} bytes beside it");
    }
    text
}

fn warning(of: &Publication) -> String {
    format!(
        "  warning: whoever may look keys up can try keys that can be guessed (telephone and identity numbers), {} of them \
         over all recipients and publications; `psi.max_lookups` of the policy sets how many\n",
        of.queries
    )
}
