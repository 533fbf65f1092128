//! The demo from start to end: make the world, start the cast, ask, print, end every process.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::{
    super::{
        args::DemoArgs,
        buyer::Buyer,
        exit::CliError,
        job_file::JobFile,
        outcome::{Opened, Outcome, refused},
        progress::Progress,
        up::until_told,
    },
    actor::Actor,
    held_out,
    jobs::{self, DemoJob, PURPOSE},
    kept, models, report,
    world::World,
};
use crate::{
    clock::{Clock, SystemClock},
    identity::PartyName,
    job::JobKind,
};

/// Runs one of the demo's jobs and prints its answer.
///
/// # Errors
/// Usage: no such job. Failed: a process or the job failed. Refused: the policies did.
pub(in crate::cli) async fn run(args: &DemoArgs) -> Result<(), CliError> {
    let job = jobs::job(&args.job).ok_or_else(|| {
        let message = format!("the demo has no job `{}`", args.job);
        CliError::usage(message).next("`unseen demo --list` names them")
    })?;
    let scratch = Scratch::new(args.keep.as_deref())?;
    let mut progress = Progress::new(args.json);
    let performed = tokio::select! {
        performed = perform(job, scratch.path(), &mut progress) => performed,
        told = until_told(false) => {
            told.and(Err(CliError::failed("interrupted; all processes are ended")))
        }
    };
    progress.done();
    match performed? {
        Outcome::Done(mut opened) => {
            if let JobKind::Psi(psi) = job.kind()
                && let Some(owner) = psi.to.first()
            {
                opened.delivery.rows = kept::rows(scratch.path(), owner)?;
            }
            if let (JobKind::TrainVertical(asked), Some(model)) =
                (job.kind(), &opened.delivery.model)
            {
                opened.delivery.rows =
                    held_out::judged(&asked, model, &opened.delivery.rows).await?;
            }
            if let (JobKind::Train(asked), Some(model)) = (job.kind(), &opened.delivery.model)
                && asked.model.trees().is_some()
            {
                opened.delivery.rows = models::judged(&asked, model).await?;
            }
            let receipt = keep_receipt(&opened, &scratch)?;
            let print = if args.json { report::done_json } else { report::done_text };
            say(&print(job, &opened, &receipt)?)
        }
        Outcome::Failed(broken) => Err(broken.failure.into()),
        Outcome::Refused(refusals) => {
            if args.json {
                say(&report::refused_json(job, &refusals)?)?;
            } else {
                say(&format!("{}\n\n", report::question(job)))?;
            }
            Err(refused(&refusals))
        }
    }
}

/// Starts everybody, asks the question and waits. All processes have ended when this returns.
async fn perform(
    job: &DemoJob,
    folder: &Path,
    progress: &mut Progress,
) -> Result<Outcome, CliError> {
    progress.at(0, "making keys, certificates and signed policies");
    let world = World::make(folder, SystemClock.now_ms())?;
    let providers = world.providers(&job.kind());
    let names: Vec<_> = providers.iter().map(PartyName::as_str).collect();
    progress.at(2, &format!("starting {} and the exchange", names.join(", ")));
    let mut actors = Vec::new();
    for party in &providers {
        actors.push(Actor::start(party.as_str(), &world.folder_of(party))?);
    }
    let mut addresses = Vec::new();
    for (party, actor) in providers.iter().zip(&mut actors) {
        addresses.push((party.clone(), actor.address().await?));
    }
    world.make_coordinator(&addresses)?;
    let mut exchange = Actor::start(world.exchange.as_str(), &world.folder_of(&world.exchange))?;
    world.make_buyer(&exchange.address().await?)?;
    let buyer = Buyer::load(&world.folder_of(&world.insurer).join("unseen.toml"))?;
    let file = JobFile::new(PURPOSE, world.compute.clone(), job.kind());
    buyer.submit_and_wait(file, None, progress).await
}

/// A folder of our own: removed at the end unless the person asked for it.
enum Scratch {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Scratch {
    fn new(keep: Option<&Path>) -> Result<Self, CliError> {
        match keep {
            None => {
                let made = tempfile::Builder::new().prefix("unseen-demo-").tempdir();
                made.map(Self::Passing).map_err(|error| {
                    let message = format!("no folder for keys and tables: {error}");
                    CliError::usage(message)
                        .next("set TMPDIR to a folder with room, or name a new one with --keep")
                })
            }
            Some(path) => match fs::create_dir(path) {
                Ok(()) => fs::canonicalize(path).map(Self::Kept).map_err(CliError::failed),
                Err(error) => {
                    let message = format!("cannot make the folder {}: {error}", path.display());
                    Err(CliError::usage(message)
                        .next("--keep wants a folder that is not there yet, in one that is"))
                }
            },
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Passing(folder) => folder.path(),
        }
    }
}

/// The receipt outlives the demo: beside what is kept, or among the temporary files.
fn keep_receipt(opened: &Opened, scratch: &Scratch) -> Result<PathBuf, CliError> {
    let folder = match scratch {
        Scratch::Kept(path) => path.clone(),
        Scratch::Passing(_) => std::env::temp_dir(),
    };
    let path = folder.join(format!("unseen-{}", opened.delivery.receipt.file_name()));
    fs::write(&path, &opened.receipt)
        .map_err(|error| CliError::failed(format!("cannot write {}: {error}", path.display())))?;
    Ok(path)
}

fn say(text: &str) -> Result<(), CliError> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(CliError::failed)
}
