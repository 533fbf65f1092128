//! For whom a compute party keeps a training, and until when.

use std::path::Path;

use federated::round::State;

use super::{train::planned, *};
use crate::{
    exec::{forget_training, kept, resumable, train},
    sql::tests::party,
};

/// Begins the plan's training, or goes on with it; says after how many rounds.
fn begin(trainings: &Path, plan: &Plan) -> Result<u32, ExecError> {
    let (at, of) = plan.training().unwrap();
    let course = train::course(plan, of, at)?;
    let start = State::new(vec![0.0; course.parameters], course.rule);
    let with = (&course, start);
    kept::begin(Some(trainings), (plan, of), with, &mut |_, _| ())
        .map(|(kept, _)| kept.state.rounds)
}

/// The same training, asked for by another job that goes on with it.
pub(super) fn resuming(plan: &Plan) -> Plan {
    let mut again = plan.clone();
    let Some(Op::Train(of)) = again.nodes.last_mut() else { unreachable!() };
    of.resumes = Some(plan.job);
    again.job.0[0] ^= 1;
    again
}

#[test]
fn a_training_goes_on_for_whom_it_was_begun_and_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let trainings = dir.path();
    let (plan, _) = planned(&["census", "bank", "lab"]);
    let (again, me) = (resuming(&plan), &plan.compute[1]);
    let refused = resumable(Some(trainings), (&again, me)).unwrap_err();
    assert!(refused.contains("without `resumes`"), "{refused}");
    assert_eq!(begin(trainings, &plan), Ok(0));
    assert_eq!(
        (resumable(Some(trainings), (&again, me)), begin(trainings, &again)),
        (Ok(()), Ok(0))
    );
    assert!(resumable(None, (&again, me)).is_err() && resumable(None, (&plan, me)).is_ok());
    let theirs = Plan { buyer: party("somebody"), ..again.clone() };
    assert!(matches!(begin(trainings, &theirs), Err(ExecError::Training(_))), "another buyer");
    let mut other = again.clone();
    let Some(Op::Train(of)) = other.nodes.last_mut() else { unreachable!() };
    of.epochs += 1;
    assert!(matches!(begin(trainings, &other), Err(ExecError::Training(_))), "another training");
    forget_training(trainings, &again).unwrap();
    assert!(resumable(Some(trainings), (&again, me)).is_err());
}

/// What a provider has of its own is of one training: another one that names the same root neither opens nor removes it.
#[test]
fn what_a_provider_keeps_is_removed_with_its_own_training_alone() {
    let dir = tempfile::tempdir().unwrap();
    let trainings = dir.path();
    let (plan, _) = planned(&["census", "bank", "lab"]);
    let again = resuming(&plan);
    let own = |plan: &Plan| {
        let (_, of) = plan.training().unwrap();
        kept::own(Some(trainings), (plan, of)).unwrap().0
    };
    let path = own(&plan);
    assert_eq!(own(&again), path, "a run that goes on has the same");
    std::fs::create_dir(&path).unwrap();
    let theirs = Plan { buyer: party("somebody"), ..again.clone() };
    forget_training(trainings, &theirs).unwrap();
    assert!(path.exists() && own(&theirs) != path, "another buyer's");
    forget_training(trainings, &again).unwrap();
    assert!(!path.exists());
}
