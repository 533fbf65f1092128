//! Corrections that providers keep, over crashes of compute parties and of their own.

use std::path::Path;

use protocols::party::Role;

use super::{
    kept::Spoiled,
    resumed::{NEVER, run_played, run_until},
    *,
};

const SCAFFOLD: Rule = Rule::Scaffold { rate: 1.0 };

/// A provider whose correction is on disk, and whose updates of some rounds are in no average.
fn on_disk(path: &Path, course: &Course, k: usize, rounds: &'static [u32]) -> Box<dyn Trainer> {
    let path = path.join(format!("own-{k}"));
    let own = by_rule(course, 4, k).keeping((&path, [4; 32]), course.resumed).unwrap();
    Box::new(Spoiled { own, rounds })
}

#[test]
fn a_crash_in_any_phase_leaves_corrections_as_if_there_had_been_none() {
    let course = Course { resumed: false, ..course(&[0, 3, 4], 3, SCAFFOLD) };
    let resumed = Course { resumed: true, ..course.clone() };
    let spoiled: [&[u32]; 3] = [&[1], &[], &[0]];
    let sets = [vec![0, 1], vec![1, 2], vec![0, 1, 2]];
    let whole = in_one_place(4, &course, &sets);
    for who in Role::ALL {
        for call in 1..=6 {
            for after in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let run = |course: &Course, crash| {
                    let trainers = |k| on_disk(dir.path(), course, k, spoiled[k]);
                    run_until(dir.path(), course, crash, &trainers)
                };
                drop(run(&course, (who, call, after)));
                drop(run(&resumed, (Role::P1, 1, after)));
                let ended = run(&resumed, NEVER);
                assert!(ended.trained(4).state == whole, "{who:?} {call} {after}");
            }
        }
    }
}

/// A provider that was killed, and is there again when the training goes on: it is in the rounds between by no change of its own.
#[test]
fn a_provider_that_was_killed_goes_on_with_the_correction_that_it_had() {
    let course = course(&[0, 1, 3, 4], 5, SCAFFOLD);
    for (call, after) in [(6, true), (7, false), (7, true), (8, true)] {
        let dir = tempfile::tempdir().unwrap();
        let played = |course: &Course, crash, ends: u32| {
            let trainers = |k| on_disk(dir.path(), course, k, &[]);
            let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
                // The last one breaks off when it is asked for this round.
                let rounds = if own == 3 { ends } else { course.rounds };
                let course = Course { rounds, ..course.clone() };
                take_part(wire, &course, own, &mut *trainers(own), rng)
            };
            run_played(dir.path(), course, crash, &trainers, &plays)
        };
        drop(played(&course, (Role::P0, call, after), 2));
        let resumed = Course { resumed: true, ..course.clone() };
        let ended = played(&resumed, NEVER, 5);
        let trained = ended.trained(4);
        let sets: Vec<_> = trained.reports.iter().map(|report| report.providers.clone()).collect();
        assert_eq!((sets.len(), &sets[1], &sets[4]), (5, &vec![0, 1, 2, 3], &vec![0, 1, 2, 3]));
        assert_eq!(sets[2], [0, 1, 2], "it was away: {call} {after}");
        assert!(trained.state == in_one_place(4, &course, &sets), "{call} {after}");
    }
}

/// Whoever lost what it kept says so and stays away: a correction that begins anew is another training.
#[test]
fn a_provider_that_lost_its_correction_declines() {
    let course = course(&[0, 1, 3], 4, SCAFFOLD);
    let dir = tempfile::tempdir().unwrap();
    let run = |course: &Course, crash| {
        let trainers = |k| on_disk(dir.path(), course, k, &[]);
        run_until(dir.path(), course, crash, &trainers)
    };
    drop(run(&course, (Role::P2, 4, true)));
    std::fs::remove_dir_all(dir.path().join("own-2")).unwrap();
    let ended = run(&Course { resumed: true, ..course.clone() }, NEVER);
    let sets: Vec<_> = ended.trained(4).reports.iter().map(|r| r.providers.clone()).collect();
    assert_eq!(sets, [vec![0, 1, 2], vec![0, 1, 2], vec![0, 1], vec![0, 1]]);
    assert!(ended.trained(4).state == in_one_place(4, &course, &sets));
    let told = ended.guests[0].as_ref().unwrap();
    assert!(told.len() == 2 && told[0].1.to_string().contains("without `resumes`"), "{told:?}");
}
