//! What is on a provider's disk of a round by masks: whole and of this run, or its part ends.

use std::{fs, io, path::Path};

use super::*;
use crate::round::{
    Pledges,
    masks::pledge::{Pledged, Stands},
    message::seed_of,
    tests::killed::opened,
};

fn open(path: &Path, again: bool) -> Pledges {
    opened(path, again)
}

fn stands(path: &Path, (course, masks): (&Course, &Masks)) -> Result<Option<Stands>, RoundError> {
    open(path, true).stands(course, masks.threshold)
}

fn pledged(pledges: &Pledges, course: &Course, round: u32) -> Pledged {
    let given = (seed_of([7, round.into()]), vec![u64::from(round); course.words()]);
    pledges.pledges((round, [9; 32]), Some((given.0, given.1.into()))).unwrap()
}

/// The body of a step, all of the same word.
fn hears(pledges: &Pledges, of: &mut Pledged, (course, masks): (&Course, &Masks), step: Step) {
    let body = vec![step as u64; step.says(course, masks.threshold)];
    pledges.hears(of, (step, &body)).unwrap();
}

/// Killed behind this step of the second round.
fn killed(path: &Path, with: (&Course, &Masks), behind: Step) {
    let pledges = open(path, false);
    assert!(pledges.stands(with.0, with.1.threshold).unwrap().is_none(), "it is not back");
    for (round, last) in [(0, Step::Signatures), (1, behind)] {
        if round > 0 {
            pledges.passes(round - 1).unwrap();
        }
        let mut of = pledged(&pledges, with.0, round);
        let steps = [Step::Keys, Step::Shares, Step::Sets, Step::Signatures];
        steps.into_iter().filter(|step| *step <= last).for_each(|step| {
            hears(&pledges, &mut of, with, step);
        });
    }
}

#[test]
fn a_provider_stands_where_it_was_killed() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let with = (&course, &masks);
    let kept = [Step::Keys, Step::Shares, Step::Sets];
    for behind in [Step::Ask, Step::Keys, Step::Shares, Step::Sets, Step::Signatures] {
        let dir = tempfile::tempdir().unwrap();
        killed(dir.path(), with, behind);
        // What was being written is not read.
        fs::write(dir.path().join("told.new"), [3; 99]).unwrap();
        let Stands { next, pledged } = stands(dir.path(), with).unwrap().unwrap();
        let mut pledged = pledged.unwrap();
        assert_eq!((next, pledged.round, pledged.hash), (2, 1, [9; 32]));
        // Nothing that it says depends on the last one.
        let step = behind.min(Step::Sets);
        assert_eq!(pledged.heard(), Head { step, round: 1 });
        let (seed, update) = pledged.given.take().unwrap();
        assert!(seed == seed_of([7, 1]) && *update == vec![1; course.words()]);
        for step in kept.into_iter().filter(|step| *step <= behind) {
            assert!(pledged.is_replaying());
            assert_eq!(pledged.replayed().unwrap().first(), Some(&(step as u64)));
        }
        assert!(!pledged.is_replaying() && pledged.replayed().is_none());
    }
}

#[test]
fn the_seed_of_a_round_goes_when_the_next_one_is_asked_for() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let dir = tempfile::tempdir().unwrap();
    killed(dir.path(), (&course, &masks), Step::Sets);
    let file = dir.path().join("pledge");
    assert!(fs::metadata(&file).unwrap().len() > 8 * course.words() as u64);
    open(dir.path(), true).passes(1).unwrap();
    assert!(fs::metadata(&file).unwrap().len() < 100, "the round and the hash of the file");
    let Stands { next, pledged } = stands(dir.path(), (&course, &masks)).unwrap().unwrap();
    assert!(next == 2 && pledged.is_none(), "and that it has spoken in it stays");
}

#[test]
fn what_is_gone_changed_cut_or_of_another_run_ends_its_part() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let with = (&course, &masks);
    let dir = tempfile::tempdir().unwrap();
    killed(dir.path(), with, Step::Shares);
    let said = || matches!(stands(dir.path(), with), Err(RoundError::Said(_)));
    assert!(!said());
    for name in ["pledge", "told"] {
        let file = dir.path().join(name);
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            // All of the small one, and the ends of the other.
            if whole.len() < 4000 || at < 200 || at + 200 > whole.len() {
                let mut changed = whole.clone();
                changed[at] ^= 0x10;
                fs::write(&file, changed).unwrap();
                assert!(said(), "{name}: byte {at}");
            }
        }
        for left in [0, 1, 8, 40, whole.len() / 2, whole.len() - 32, whole.len() - 1] {
            fs::write(&file, &whole[..left]).unwrap();
            assert!(said(), "{name}: cut behind {left}");
        }
        fs::remove_file(&file).unwrap();
        assert!(said(), "{name} is gone");
        fs::write(&file, whole).unwrap();
    }
    assert!(!said());
    let other = Pledges::open(dir.path(), [6; 32], true).unwrap();
    assert!(matches!(other.stands(&course, masks.threshold), Err(RoundError::Said(_))));
    drop(other);
    // Of a training of another size.
    let (other, keys) =
        masked(4, 3, Rule::Average { rate: 1.0 }, Threshold::complete(4, 0, 1).unwrap());
    assert!(matches!(stands(dir.path(), (&other, &keys)), Err(RoundError::Said(_))));
}

#[test]
fn what_was_told_goes_with_the_very_pledge_that_it_was_told_to() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let with = (&course, &masks);
    let dir = tempfile::tempdir().unwrap();
    killed(dir.path(), with, Step::Keys);
    let told = fs::read(dir.path().join("told")).unwrap();
    // Another seed in the same round; then the round before.
    for (round, words) in [(1, [8, 8]), (0, [7, 0])] {
        let given = (seed_of(words), vec![1; course.words()]);
        drop(
            open(dir.path(), true)
                .pledges((round, [9; 32]), Some((given.0, given.1.into())))
                .unwrap(),
        );
        assert!(matches!(stands(dir.path(), with), Err(RoundError::Said(_))), "{round}");
    }
    fs::write(dir.path().join("told"), told).unwrap();
    drop(pledged(&open(dir.path(), true), &course, 1));
    assert!(stands(dir.path(), with).is_ok(), "the same again is the same");
}

#[test]
fn of_a_provider_there_is_one_at_a_time_and_a_new_run_begins_anew() {
    let (course, masks) = setting(3, Rule::Average { rate: 1.0 });
    let with = (&course, &masks);
    let dir = tempfile::tempdir().unwrap();
    killed(dir.path(), with, Step::Sets);
    let first = open(dir.path(), true);
    let second = Pledges::open(dir.path(), [5; 32], true);
    assert_eq!(second.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(first);
    // A job that goes on with the training: the folder is the same, the run is another.
    Pledges::mark(dir.path(), ([6; 32], [60; 32])).unwrap();
    let next = Pledges::open(dir.path(), [6; 32], false).unwrap();
    assert!(next.stands(&course, masks.threshold).unwrap().is_none());
    drop(next);
    let back = Pledges::open(dir.path(), [6; 32], true).unwrap();
    let stands = back.stands(&course, masks.threshold).unwrap().unwrap();
    assert!(stands.next == 0 && stands.pledged.is_none());
}
