//! Trainings whose updates are weighed, over crashes: what each update was worth is what it would have been.

use std::path::Path;

use protocols::party::Role;

use super::{
    resumed::{NEVER, run_until},
    worth::weighed,
    *,
};

const ROUNDS: u32 = 2;

/// Of seats of all kinds; a party that computes brings the rows.
fn asked() -> Course {
    weighed(&[3, 0, 4, 5], ROUNDS, 1, 200)
}

/// Values are rounded on shares, at random, by a unit a round and fold at most.
fn assert_as(whole: &Trained, ended: &Trained, what: &str) {
    assert!(ended.state == whole.state && ended.reports == whole.reports, "{what}");
    assert_eq!(ended.values.len(), whole.values.len(), "{what}");
    for (value, want) in ended.values.iter().zip(&whole.values) {
        let off = (value.micro() - want.micro()).unsigned_abs();
        assert!(off <= u64::from(ROUNDS) + 1, "{what}: {value:?} where it is {want:?}");
        let off = value.error_micro().abs_diff(want.error_micro());
        assert!(off <= 2 * u64::from(ROUNDS), "{what}: {value:?} where it is {want:?}");
    }
}

fn sorted(ran: &Ran) -> Vec<Vec<Opening>> {
    let mut opened = ran.opened.clone();
    opened.iter_mut().for_each(|of| of.sort_unstable());
    opened
}

#[test]
fn a_crash_in_any_phase_leaves_what_updates_were_worth() {
    let course = asked();
    let resumed = Course { resumed: true, ..course.clone() };
    let whole = run_over(1, in_memory(6), &course, &start(&course), &natives(1));
    assert!(whole.trained(1).values[0].micro().abs() > 1000);
    for who in Role::ALL {
        // Each round is closed, then opened; at the end the last one is gone.
        for call in 1..=2 * ROUNDS as usize + 1 {
            for after in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let what = format!("{who:?} {call} {after}");
                let run =
                    |course: &Course, crash| run_until(dir.path(), course, crash, &natives(1));
                let broken = run(&course, (who, call, after));
                assert!(broken.parties.iter().any(Result::is_err), "{what}");
                // Crashes again before it keeps the totals of this run, which the others do.
                drop(run(&resumed, (Role::P1, 1, false)));
                let ended = run(&resumed, NEVER);
                assert_as(whole.trained(1), ended.trained(1), &what);
                assert_eq!(sorted(&ended), sorted(&whole), "opened once: {what}");
                // All is told; whoever was killed before it could say so asks once more, and hears the very same.
                let again = run(&resumed, NEVER);
                assert!(again.trained(1) == ended.trained(1), "{what}");
                assert!(Role::ALL.iter().all(|role| !shares(dir.path(), *role)), "{what}");
            }
        }
    }
}

/// Whether shares of updates are on a party's disk.
fn shares(path: &Path, role: Role) -> bool {
    path.join(role.index().to_string()).join("closed").exists()
}

#[test]
fn other_validation_rows_than_before_are_refused() {
    let course = asked();
    let dir = tempfile::tempdir().unwrap();
    drop(run_until(dir.path(), &course, (Role::P2, 3, true), &natives(1)));
    assert!(shares(dir.path(), Role::P2));
    let resumed = Course { resumed: true, ..course };
    let kept = |role: Role| {
        let path = dir.path().join(role.index().to_string());
        let folder = Folder::open(&path, [3; 32]).unwrap();
        let standing = folder.standing(&resumed, start(&resumed)).unwrap();
        (standing, Box::new(folder) as Box<dyn Keeper>)
    };
    let plays = |wire: &mut Wire, own: usize, rng: &mut Prg| {
        take_part(wire, &resumed, own, &mut native(1, own), rng)
    };
    // Rows follow from the seed.
    let ran = run_kept(2, in_memory(6), (&resumed, &kept), &natives(1), &plays);
    for party in &ran.parties {
        let told = party.as_ref().unwrap_err().to_string();
        assert!(told.contains("not those that it began with"), "{told}");
    }
    assert!(ran.opened.iter().all(Vec::is_empty), "nothing is opened");
}
