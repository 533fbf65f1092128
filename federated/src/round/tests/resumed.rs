//! Trainings that are interrupted and go on: parties that crash in every phase, and what the next run makes of it.

use std::path::Path;

use protocols::{
    party::Role,
    prg::Prg,
    session::{Meter, Wire},
};

use super::{
    Maker, Part, Ran, course,
    gate::gated,
    in_memory, in_one_place, native, natives, run_kept, run_over, start,
    total::{adding, newton},
};
use crate::{
    disk::DiskError,
    round::{
        Closed, Course, Folder, Keeper, RoundError, RoundReport, State, Totals, TrainError,
        Trainer, cost, take_part,
    },
    strategy::{Adaptive, Rule},
};

const ROUNDS: u32 = 3;

/// A folder, and a crash: at so many calls, before or after the disk has it.
pub(in crate::round) struct Crashing {
    pub(in crate::round) folder: Folder,
    pub(in crate::round) left: usize,
    pub(in crate::round) after: bool,
}

impl Crashing {
    fn then(
        &mut self,
        write: impl FnOnce(&mut Folder) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        self.left -= 1;
        if self.left == 0 && !self.after {
            return Err("crashed before".to_owned().into());
        }
        write(&mut self.folder)?;
        if self.left == 0 { Err("crashed after".to_owned().into()) } else { Ok(()) }
    }
}

impl Keeper for Crashing {
    fn closed(&mut self, closed: &Closed) -> Result<(), DiskError> {
        self.then(|folder| folder.closed(closed))
    }

    fn reopened(&mut self) -> Result<(), DiskError> {
        self.then(Folder::reopened)
    }

    fn opened(
        &mut self,
        state: &State,
        reports: &[RoundReport],
        totals: Option<&Totals>,
    ) -> Result<(), DiskError> {
        self.then(|folder| folder.opened(state, reports, totals))
    }
}

fn folder(path: &Path, role: Role) -> Folder {
    Folder::open(&path.join(role.index().to_string()), [3; 32]).unwrap()
}

/// Runs until `who` crashes at its `call`-th word to the disk; with `u32::MAX` calls nobody does.
pub(super) fn run_until(
    path: &Path,
    course: &Course,
    crash: (Role, usize, bool),
    trainers: Maker<'_>,
) -> Ran {
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
        take_part(wire, course, own, &mut *trainers(own), rng)
    };
    run_played(path, course, crash, trainers, &plays)
}

/// The same with guests that do what they like.
pub(super) fn run_played(
    path: &Path,
    course: &Course,
    (who, call, after): (Role, usize, bool),
    trainers: Maker<'_>,
    plays: Part<'_>,
) -> Ran {
    let kept = |role| {
        let left = if role == who { call } else { usize::MAX };
        let folder = folder(path, role);
        let standing = folder.standing(course, start(course)).unwrap();
        (standing, Box::new(Crashing { folder, left, after }) as Box<dyn Keeper>)
    };
    let parties = course.providers.iter().map(|id| usize::from(id.0) + 1).max().unwrap().max(3);
    run_kept(1, in_memory(parties), (course, &kept), trainers, plays)
}

pub(super) const NEVER: (Role, usize, bool) = (Role::P0, usize::MAX, false);

#[test]
fn a_crash_in_any_phase_leads_to_the_same_model() {
    let course = course(&[0, 3, 4], ROUNDS, Rule::Yogi(Adaptive::default()));
    let resumed = Course { resumed: true, ..course.clone() };
    let whole = run_over(1, in_memory(5), &course, &start(&course), &natives(1));
    let whole = whole.trained(1);
    for who in Role::ALL {
        // Each round is two words to the disk: it is closed, then opened.
        for call in 1..=2 * ROUNDS as usize {
            for after in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let broken = run_until(dir.path(), &course, (who, call, after), &natives(1));
                assert!(broken.parties.iter().any(Result::is_err), "{who:?} {call} {after}");
                // Crashes again, a word later, before it comes to its end.
                let again = run_until(dir.path(), &resumed, (Role::P1, 1, after), &natives(1));
                let ended = run_until(dir.path(), &resumed, NEVER, &natives(1));
                assert!(ended.trained(1) == whole, "{who:?} {call} {after}");
                drop(again);
            }
        }
    }
}

#[test]
fn a_crash_in_any_phase_leads_to_the_same_solution() {
    let course = newton(&[0, 3, 4], ROUNDS);
    let resumed = Course { resumed: true, ..course.clone() };
    let whole = run_over(1, in_memory(5), &course, &start(&course), &adding(1));
    let whole = whole.trained(1);
    for (who, call) in [(Role::P0, 1), (Role::P1, 2), (Role::P2, 3), (Role::P0, 4), (Role::P1, 6)] {
        for after in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let broken = run_until(dir.path(), &course, (who, call, after), &adding(1));
            assert!(broken.parties.iter().any(Result::is_err), "{who:?} {call} {after}");
            let ended = run_until(dir.path(), &resumed, NEVER, &adding(1));
            assert!(ended.trained(1) == whole, "{who:?} {call} {after}");
        }
    }
}

/// A round that was opened before is not opened again, but counts as opened: with gates their bits do, too.
#[test]
fn a_resumed_training_opens_what_the_plan_lists() {
    let plain = gated(&[0, 3, 4, 5], 2, None, 40);
    let resumed = Course { resumed: true, ..plain.clone() };
    let whole = run_over(1, in_memory(6), &plain, &start(&plain), &natives(1));
    let sorted = |ran: &Ran| {
        let mut opened = ran.opened.clone();
        opened.iter_mut().for_each(|of| of.sort_unstable());
        opened
    };
    for call in 1..=4 {
        let dir = tempfile::tempdir().unwrap();
        drop(run_until(dir.path(), &plain, (Role::P2, call, true), &natives(1)));
        let ended = run_until(dir.path(), &resumed, NEVER, &natives(1));
        assert!(ended.trained(1) == whole.trained(1), "{call}");
        assert_eq!(sorted(&ended), sorted(&whole), "{call}");
    }
}

/// Trains in the first run only.
struct Gone;

impl Trainer for Gone {
    fn train(&mut self, _: u32, _: &[f32]) -> Result<super::Update, TrainError> {
        Err(TrainError::Outside("is not there any more".into()))
    }
}

/// Of a round that somebody may have opened there is no other sum: a provider that is gone meanwhile is still in it. One that
/// nobody can have opened is run anew, without it.
#[test]
fn a_round_that_may_have_been_opened_is_opened_over_the_same_providers() {
    let course = course(&[3, 4, 0], 2, Rule::Average { rate: 1.0 });
    let resumed = Course { resumed: true, ..course.clone() };
    let without = |k: usize| match k {
        0 => Box::new(Gone) as Box<dyn Trainer>,
        k => Box::new(native(1, k)),
    };
    let all = vec![0, 1, 2];
    let cases = [
        // Not all have closed the first round.
        ((Role::P1, 1, false), [vec![1, 2], vec![1, 2]]),
        // All three have; the last did not say so. Nobody can know whether it was opened.
        ((Role::P1, 1, true), [all.clone(), vec![1, 2]]),
        // Opened, and one did not keep the model.
        ((Role::P1, 2, false), [all.clone(), vec![1, 2]]),
        ((Role::P1, 2, true), [all, vec![1, 2]]),
    ];
    for (crash, sets) in cases {
        let dir = tempfile::tempdir().unwrap();
        drop(run_until(dir.path(), &course, crash, &natives(1)));
        let ended = run_until(dir.path(), &resumed, NEVER, &without);
        let trained = ended.trained(1);
        let providers: Vec<_> = trained.reports.iter().map(|r| r.providers.clone()).collect();
        assert_eq!(providers, sets, "{crash:?}");
        assert!(trained.state == in_one_place(1, &course, &sets), "{crash:?}");
    }
}

#[test]
fn what_was_kept_elsewhere_or_touched_is_refused() {
    let course = course(&[0, 1], 2, Rule::Momentum { rate: 1.0, momentum: 0.5 });
    let dir = tempfile::tempdir().unwrap();
    drop(run_until(dir.path(), &course, NEVER, &natives(1)));
    let path = dir.path().join("0");
    let read = |training| Folder::open(&path, training).unwrap().standing(&course, start(&course));
    let standing = read([3; 32]).unwrap();
    assert_eq!((standing.state.rounds, standing.reports.len()), (2, 2));
    assert_eq!(standing.closed.map(|closed| closed.round), Some(1));
    assert!(read([4; 32]).is_err(), "another training");
    let longer = Course { parameters: course.parameters + 1, ..course.clone() };
    let folder = Folder::open(&path, [3; 32]).unwrap();
    assert!(folder.standing(&longer, start(&longer)).is_err());
    let busy = Folder::open(&path, [3; 32]).unwrap_err();
    assert_eq!(busy.kind(), std::io::ErrorKind::WouldBlock, "two runs at a time");
    drop(folder);
    for name in ["state", "closed"] {
        let whole = std::fs::read(path.join(name)).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut touched = whole.clone();
            touched[at] ^= 4;
            std::fs::write(path.join(name), &touched).unwrap();
            assert!(read([3; 32]).is_err(), "{name}, byte {at}");
            std::fs::write(path.join(name), &whole[..at]).unwrap();
            assert!(read([3; 32]).is_err(), "{name}, {at} bytes");
        }
        std::fs::write(path.join(name), &whole).unwrap();
    }
    Folder::open(&path, [3; 32]).unwrap().remove().unwrap();
    let standing = read([3; 32]).unwrap();
    assert_eq!((standing.state, standing.reports), (start(&course), Vec::new()));
    assert!(standing.closed.is_none() && standing.totals.is_none());
    std::fs::write(path.join("grown"), [1]).unwrap();
    let trees = Folder::open(&path, [3; 32]).unwrap_err();
    assert_eq!(trees.kind(), std::io::ErrorKind::InvalidData, "a growth is kept there");
}

#[test]
fn parties_that_stand_too_far_apart_do_not_go_on() {
    let course = course(&[0, 1], 2, Rule::Average { rate: 1.0 });
    let dir = tempfile::tempdir().unwrap();
    drop(run_until(dir.path(), &course, NEVER, &natives(1)));
    std::fs::remove_dir_all(dir.path().join("1")).unwrap();
    let resumed = Course { resumed: true, ..course };
    let ended = run_until(dir.path(), &resumed, NEVER, &natives(1));
    for party in &ended.parties {
        assert!(matches!(party, Err(RoundError::Apart { .. })), "{party:?}");
    }
}

#[test]
fn going_on_costs_what_was_quoted() {
    let course = course(&[0, 3, 4], 2, Rule::Average { rate: 1.0 });
    let resumed = Course { resumed: true, ..course };
    let dir = tempfile::tempdir().unwrap();
    // Interrupted before anything was kept, it takes all that there is.
    let ran = run_until(dir.path(), &resumed, NEVER, &natives(1));
    let mut m = Meter::new();
    m.enter(1);
    cost(&mut m, &resumed);
    assert_eq!(ran.counters.bytes, m.total().bytes);
    assert_eq!(ran.counters.rounds, m.total().rounds);
}
