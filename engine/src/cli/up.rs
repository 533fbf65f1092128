//! `unseen up`: a daemon from its configuration, until it is told to end.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{
    args::UpArgs,
    config::{Config, ScratchOf},
    exit::{CliError, chain},
};
use crate::{
    clock::{Clock, SystemClock},
    daemon::{Coordinating, Daemon, Participating, Setup},
    executor::{Participant, ReceiptPlanner},
    link::Credentials,
};

/// How long running jobs may take to end once the daemon was told to.
const DRAIN: Duration = Duration::from_secs(30);

/// Runs the daemon.
///
/// # Errors
/// Usage: the configuration, a table or a policy is wrong. Failed: the daemon cannot go on.
pub(super) async fn run(args: &UpArgs) -> Result<(), CliError> {
    let config = Config::load(&args.config)?;
    let setup = Setup { new_log: args.new_log, ..setup(&config)? };
    let daemon = Daemon::start(setup).await.map_err(|error| {
        CliError::usage(format!("{}: {}", config.party, chain(&error)))
            .next("`unseen doctor` looks the configuration over")
    })?;
    let address = daemon.address().to_string();
    if let Some(path) = &args.ready_file {
        announce(path, &address)?;
    }
    until_told(args.tied).await?;
    tracing::info!(party = %config.party, "draining");
    daemon.drain(DRAIN).await.map_err(|error| CliError::failed(chain(&error)))
}

fn setup(config: &Config) -> Result<Setup, CliError> {
    let needed = |field: &str| {
        CliError::usage(format!("{}: the configuration has no `{field}`", config.party))
            .next("a daemon needs `listen`, `state`, and [coordinator] or [provider]")
    };
    let credentials = config.credentials()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let coordinating = config.coordinator.as_ref().map(|coordinator| Coordinating {
        planner: Arc::new(ReceiptPlanner::new(
            config.party.clone(),
            Arc::clone(credentials.pins()),
        )),
        parties: coordinator.parties.iter().map(|p| (p.party.clone(), p.address.clone())).collect(),
        patience: coordinator.patience.patience(),
    });
    let participating = config
        .provider
        .as_ref()
        .map(|provider| {
            Ok::<_, CliError>(Participating {
                runner: Arc::new(participant(
                    (config, ScratchOf::Daemon),
                    &credentials,
                    Arc::clone(&clock),
                )?),
                coordinator: provider.coordinator.clone(),
                consent: provider.consent,
            })
        })
        .transpose()?;
    if coordinating.is_none() && participating.is_none() {
        return Err(needed("[coordinator] or [provider]"));
    }
    Ok(Setup {
        listen: config.listen.ok_or_else(|| needed("listen"))?,
        state: config.state.clone().ok_or_else(|| needed("state"))?,
        new_log: false,
        timeouts: config.timeouts.timeouts(),
        credentials,
        clock,
        coordinating,
        participating,
    })
}

/// The participant of a configuration, with its tables and policies.
///
/// # Errors
/// Usage: a table or a policy is wrong.
pub(super) fn participant(
    (config, whose): (&Config, ScratchOf),
    credentials: &Credentials,
    clock: Arc<dyn Clock>,
) -> Result<Participant, CliError> {
    let (scratch, catalog) = (config.scratch(whose)?, config.catalog()?);
    let policies: Result<Vec<_>, _> = config.datasets.iter().map(|d| config.policy(d)).collect();
    let me = (config.party.clone(), Arc::clone(credentials.key()));
    let pins = Arc::clone(credentials.pins());
    let participant = Participant::new(me, pins, catalog, &policies?, clock);
    let participant = participant.with_scratch(scratch).with_trainers(config.trainers()?);
    let participant = match config.trainings()? {
        Some(trainings) => participant.with_trainings(trainings),
        None => participant,
    };
    let participant = match config.intersections()? {
        Some(intersections) => participant.with_intersections(intersections),
        None => participant,
    };
    let participant = match config.results() {
        Some(folder) => participant.with_results(folder),
        None => participant,
    };
    let participant = match config.lookups() {
        Some(folder) => participant.with_lookups(&folder),
        None => participant,
    };
    Ok(match &config.provider {
        Some(provider) => participant.with_stall(provider.stall().duration()),
        None => participant,
    })
}

/// Writes the address in one step, so that a reader finds all of it or nothing.
fn announce(path: &Path, address: &str) -> Result<(), CliError> {
    let part = path.with_extension("part");
    let write =
        std::fs::write(&part, format!("{address}\n")).and_then(|()| std::fs::rename(&part, path));
    write.map_err(|error| CliError::usage(format!("cannot write {}: {error}", path.display())))
}

/// Waits for SIGTERM, SIGINT, or, if `tied`, for the end of standard input.
///
/// # Errors
/// Failed: the system takes no handler.
pub(super) async fn until_told(tied: bool) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::failed)?;
    let (gone, ended) = oneshot::channel::<()>();
    let mut untied = Some(gone);
    if let Some(gone) = untied.take_if(|_| tied) {
        // A thread of its own: a blocking read must not hold up the runtime's end.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            drop(gone);
        });
    }
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = ended => Ok(()),
    }
}
