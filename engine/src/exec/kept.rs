//! Where a training stands, between runs of it: what a compute party keeps while it goes on, in a folder of its own.

use std::{
    io,
    path::{Path, PathBuf},
};

use federated::{
    disk::DiskError,
    round::{Closed, Course, Folder, Keeper, Pledges, RoundReport, Standing, State, Totals},
    trees::{self, Growth, Keep, Record},
    vertical::{self, Setting},
};

use super::{error::ExecError, train::unkept};
use crate::{
    identity::{Hash32, PartyName, canonical_hash},
    plan::{Op, Plan, Training, TrainingRows, Vertical},
};

/// What a trainer has from round to round, and what is given in a run: the ends of their folders' names.
const OWN: &str = "own";
const GIVEN: &str = "given";

/// What is kept of a training, and who is told how it goes.
pub(super) struct Kept<'a> {
    folder: Option<Folder>,
    told: &'a mut dyn FnMut(&State, &RoundReport),
}

/// Where a training stands here, and what keeps it from now on.
pub(super) fn begin<'a>(
    trainings: Option<&Path>,
    (plan, of): (&Plan, &Training),
    (course, start): (&Course, State),
    told: &'a mut dyn FnMut(&State, &RoundReport),
) -> Result<(Standing, Kept<'a>), ExecError> {
    let failed = |error: io::Error| unkept("keeping the training", &error);
    let unwritten =
        |error: DiskError| ExecError::kept(error.to_string(), error.is_full(), ExecError::Training);
    if of.resumes.is_some() {
        standing_here(trainings, of.root(plan)).map_err(ExecError::Training)?;
    }
    let Some(path) = trainings.map(|all| folder_of(all, of.root(plan))) else {
        return Ok((Standing::new(start), Kept { folder: None, told }));
    };
    let mut folder = Folder::open(&path, fingerprint(plan, of)).map_err(failed)?;
    let standing = if of.resumes.is_some() {
        let masked = of.threshold().is_some();
        let standing = if masked {
            folder.standing_masked(course, start)
        } else {
            folder.standing(course, start)
        };
        let standing = standing.map_err(failed)?;
        tracing::info!(job = %of.root(plan), "a training goes on after {} rounds", standing.state.rounds);
        standing
    } else {
        // Of an earlier attempt of this very job: its shares are not to meet those of this one.
        folder.reopened().map_err(unwritten)?;
        folder.opened(&start, &[], None).map_err(unwritten)?;
        Standing::new(start)
    };
    Ok((standing, Kept { folder: Some(folder), told }))
}

/// What keeps a growth, and the steps that it has.
pub(super) type Begun = (Box<dyn Keep>, Vec<Vec<u64>>);

/// What was opened of a growth, as far as this party kept it, and what keeps it from now on.
pub(super) fn grown(
    trainings: Option<&Path>,
    (plan, of): (&Plan, &Training),
    growth: &Growth,
) -> Result<Begun, ExecError> {
    if of.resumes.is_some() {
        standing_here(trainings, of.root(plan)).map_err(ExecError::Training)?;
    }
    let Some(path) = trainings.map(|all| folder_of(all, of.root(plan))) else {
        return Ok((Box::new(trees::NotKept), Vec::new()));
    };
    let opened = Record::open((&path, fingerprint(plan, of)), growth);
    let (record, steps) = opened.map_err(|error| unkept("keeping the trees", &error))?;
    if of.resumes.is_some() {
        tracing::info!(job = %of.root(plan), "a growth goes on after {} steps", steps.len());
    }
    Ok((Box::new(record), steps))
}

/// What this party kept of a training on joined rows, and keeps of it from now on; nothing where it has no folder for that.
pub(super) fn descended(
    trainings: Option<&Path>,
    (plan, of): (&Plan, &Vertical),
    setting: &Setting,
) -> Result<Option<vertical::Record>, ExecError> {
    if of.resumes.is_some() {
        standing_here(trainings, of.root(plan)).map_err(ExecError::Training)?;
    }
    let Some(path) = trainings.map(|all| folder_of(all, of.root(plan))) else { return Ok(None) };
    let opened = vertical::Record::open(
        (&path, fingerprint_of_joined(plan, of)),
        setting,
        of.resumes.is_some(),
    );
    opened.map(Some).map_err(|error| unkept("keeping the weights' shares", &error))
}

/// Where a provider's trainer keeps what it has from round to round, and under which name; nothing where it keeps nothing.
pub(super) fn own(
    trainings: Option<&Path>,
    (plan, of): (&Plan, &Training),
) -> Option<(PathBuf, [u8; 32])> {
    Some((own_folder_of(trainings?, (plan, of), OWN), fingerprint(plan, of)))
}

/// What a provider that does not compute keeps of what it gives in a run; nothing where it has no folder for that.
pub(super) fn pledges(
    (plan, of): (&Plan, &Training),
    held: Option<&TrainingRows>,
) -> Result<Pledges, ExecError> {
    let Some(presence) = held.and_then(|held| held.presence) else { return Ok(Pledges::none()) };
    let Some(trainings) = held.and_then(|held| held.keeps.as_ref()) else {
        return if presence.again {
            Err(ExecError::Training(no_folder()))
        } else {
            Ok(Pledges::none())
        };
    };
    let path = own_folder_of(trainings, (plan, of), GIVEN);
    let kept = Pledges::open(&path, presence.run.0, presence.again);
    kept.map_err(|error| unkept("keeping what is given", &error))
}

/// Whether a training that is to go on can, as far as this party knows.
///
/// # Errors
/// Why not, and what to do.
pub fn resumable(trainings: Option<&Path>, (plan, me): (&Plan, &PartyName)) -> Result<(), String> {
    if let Some(of) = plan.vertical().filter(|of| of.resumes.is_some()) {
        let computes = plan.compute.contains(me);
        return if computes { standing_here(trainings, of.root(plan)) } else { Ok(()) };
    }
    let Some((_, of)) = plan.training().filter(|(_, of)| of.resumes.is_some()) else {
        return Ok(());
    };
    if !plan.compute.contains(me) {
        let keeps = of.rule(plan)?.keeps() && of.owners(plan).any(|input| input.party == *me);
        return if keeps && trainings.is_none() { Err(no_folder()) } else { Ok(()) };
    }
    standing_here(trainings, of.root(plan))
}

/// Whether a compute party has kept where a training stands.
fn standing_here(trainings: Option<&Path>, root: Hash32) -> Result<(), String> {
    match trainings {
        None => Err(no_folder()),
        Some(all) if folder_of(all, root).exists() => Ok(()),
        Some(_) => Err(
            "this party keeps nothing of the training to go on with: it came to its end, never began, or is long ago; run the job \
             without `resumes`"
                .into(),
        ),
    }
}

fn no_folder() -> String {
    "this party keeps no trainings; give its daemon a `state` folder, and run the job without `resumes`".into()
}

/// Forgets the training of a plan that came to its end.
///
/// # Errors
/// The system's.
pub fn forget_training(trainings: &Path, plan: &Plan) -> io::Result<()> {
    let mut folders: Vec<PathBuf> =
        plan.vertical().map(|of| folder_of(trainings, of.root(plan))).into_iter().collect();
    if let Some((_, of)) = plan.training() {
        let own = |what| own_folder_of(trainings, (plan, of), what);
        folders = vec![folder_of(trainings, of.root(plan)), own(OWN), own(GIVEN)];
    }
    for folder in folders {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

/// Writes down that a provider which may come back into a run of a job has given nothing in it; nothing at any other party.
///
/// # Errors
/// The system's; [`io::ErrorKind::WouldBlock`] while another run of the training goes on here.
pub fn mark_given(
    trainings: &Path,
    (plan, me): (&Plan, &PartyName),
    (run, job): (Hash32, Hash32),
) -> io::Result<()> {
    let Some((_, of)) = plan.training().filter(|_| plan.comes_back(me)) else { return Ok(()) };
    if !of.owners(plan).any(|input| input.party == *me) {
        return Ok(());
    }
    Pledges::mark(&own_folder_of(trainings, (plan, of), GIVEN), (run.0, job.0))
}

/// Forgets what a provider has kept of what it gave in a job that is over for it.
///
/// # Errors
/// The system's.
pub fn forget_given(trainings: &Path, plan: &Plan, job: Hash32) -> io::Result<()> {
    let Some((_, of)) = plan.training() else { return Ok(()) };
    Pledges::forget(&own_folder_of(trainings, (plan, of), GIVEN), job.0)
}

/// Forgets what a provider has kept of what it gave, but for these jobs.
///
/// # Errors
/// The system's.
pub fn forget_given_but(trainings: &Path, jobs: &[Hash32]) -> io::Result<()> {
    let jobs: Vec<_> = jobs.iter().map(|job| job.0).collect();
    for folder in std::fs::read_dir(trainings)? {
        let folder = folder?;
        let name = folder.file_name();
        if name.to_str().and_then(|name| name.rsplit('-').next()) == Some(GIVEN) {
            Pledges::forget_others(&folder.path(), &jobs)?;
        }
    }
    Ok(())
}

fn folder_of(trainings: &Path, root: Hash32) -> PathBuf {
    trainings.join(root.to_string())
}

/// Beside it, since a party that trains need not compute; what a trainer has from round to round (`own`), or what is `given` in a run.
/// Its name says whose training it is: no job of another buyer, or over other tables, that names the same root opens or removes it.
fn own_folder_of(trainings: &Path, (plan, of): (&Plan, &Training), what: &str) -> PathBuf {
    let whose = Hash32(fingerprint(plan, of)).to_string();
    trainings.join(format!("{}-{}-{what}", of.root(plan), &whose[..16]))
}

/// All that must be the same for a training to go on: whose it is, who computes, on whose tables, and everything that is trained.
pub(super) fn fingerprint(plan: &Plan, of: &Training) -> [u8; 32] {
    let begun = Training { resumes: None, ..of.clone() };
    let all = (of.root(plan), &plan.buyer, &plan.compute, &plan.inputs, &begun);
    canonical_hash("unseen.training/v1", &all).0
}

/// The same of a training on joined rows: how they are joined is in the plan's operations.
fn fingerprint_of_joined(plan: &Plan, of: &Vertical) -> [u8; 32] {
    let mut nodes = plan.nodes.clone();
    for op in &mut nodes {
        if let Op::TrainVertical(of) = op {
            of.resumes = None;
        }
    }
    let all = (of.root(plan), &plan.buyer, &plan.compute, &plan.inputs, &nodes);
    canonical_hash("unseen.vertical-training/v1", &all).0
}

impl Keeper for Kept<'_> {
    fn closed(&mut self, closed: &Closed) -> Result<(), DiskError> {
        self.folder.as_mut().map_or(Ok(()), |folder| folder.closed(closed))
    }

    fn reopened(&mut self) -> Result<(), DiskError> {
        self.folder.as_mut().map_or(Ok(()), Folder::reopened)
    }

    fn opened(
        &mut self,
        state: &State,
        reports: &[RoundReport],
        totals: Option<&Totals>,
    ) -> Result<(), DiskError> {
        if let Some(report) = reports.last() {
            (self.told)(state, report);
        }
        self.folder.as_mut().map_or(Ok(()), |folder| folder.opened(state, reports, totals))
    }
}
