//! Two attempts of one job share no mask, and neither do two steps of one attempt.

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

use protocols::{
    net::{
        agreement::{PairKeys, agree},
        memory,
    },
    party::Role,
    prss::Prss,
    ring::Z128,
    session::{Gate, Session},
    testkit::test_prss,
};
use zeroize::Zeroizing;

/// The three parties' keys for a run. The seeds are the worst there are: the same at every attempt.
fn keys(run_id: [u8; 32]) -> Vec<PairKeys> {
    let ends = memory::mesh(3, Duration::from_secs(20));
    thread::scope(|scope| {
        let parties = (1..).zip(&ends).map(|(seed, end)| {
            scope.spawn(move || agree(end, &run_id, Zeroizing::new([seed; 32])).unwrap())
        });
        let parties: Vec<_> = parties.collect();
        parties.into_iter().map(|party| party.join().unwrap()).collect()
    })
}

fn prss(run_id: [u8; 32]) -> Vec<Prss> {
    let of = |(role, keys): (Role, &PairKeys)| {
        Prss::new(role, &Zeroizing::new(*keys.own()), &Zeroizing::new(*keys.next()))
    };
    Role::ALL.into_iter().zip(&keys(run_id)).map(of).collect()
}

/// The mask blocks of one attempt, by party and summand, over these steps.
fn attempt(prss: Vec<Prss>, steps: &[u64]) -> Vec<u128> {
    let mut blocks = Vec::new();
    for (role, prss) in Role::ALL.into_iter().zip(prss) {
        let end = memory::mesh(3, Duration::from_secs(1)).remove(role.index());
        let mut s = Session::new(role, Arc::new(end), prss, Gate::recording());
        for step in steps {
            s.enter(*step);
            for _ in 0..3 {
                // Every key is known to two parties; each counts its own only.
                blocks.extend_from_slice(s.prss().random::<Z128>(16).own());
            }
        }
    }
    blocks
}

/// Whether no mask block occurs twice.
fn disjoint(attempts: &[Vec<u128>]) -> bool {
    let mut seen = BTreeSet::new();
    attempts.iter().flatten().all(|block| seen.insert(*block))
}

#[test]
fn attempts_and_steps_share_no_mask_block() {
    // The last of all steps is next to the positions of forks.
    let steps = [1, 2, 3, (1 << 40) - 1];
    let attempts: Vec<_> = (0..4).map(|run| attempt(prss([run; 32]), &steps)).collect();
    assert!(disjoint(&attempts));
    // One bit of the run's id is enough.
    let mut close = [0; 32];
    close[31] = 1;
    assert!(disjoint(&[attempts[0].clone(), attempt(prss(close), &steps)]));
}

#[test]
fn keys_that_do_not_depend_on_the_run_are_seen() {
    // A copy whose retry takes the same pair secrets again, as if the run's id did not enter them.
    let retry = || attempt(Role::ALL.map(|role| test_prss(5, role)).into(), &[1, 2]);
    assert!(disjoint(&[retry()]), "one attempt alone has nothing to repeat");
    assert!(!disjoint(&[retry(), retry()]), "the retry repeats the first attempt's masks");
}

#[test]
fn a_step_that_starts_over_is_seen() {
    // Two sessions at one step with one set of keys: what an executor does that does not enter the next step.
    let secret = || prss([7; 32]);
    assert!(disjoint(&[attempt(secret(), &[1]), attempt(secret(), &[2])]));
    assert!(!disjoint(&[attempt(secret(), &[1]), attempt(secret(), &[1])]));
}

#[test]
#[should_panic(expected = "steps only go up")]
fn a_session_does_not_go_back_to_a_step() {
    let end = memory::mesh(3, Duration::from_secs(1)).remove(0);
    let mut s = Session::new(Role::P0, Arc::new(end), test_prss(1, Role::P0), Gate::recording());
    s.enter(2);
    s.enter(2);
}

#[test]
#[should_panic(expected = "a step of the plan")]
fn a_session_does_not_enter_a_step_where_forks_have_their_positions() {
    let end = memory::mesh(3, Duration::from_secs(1)).remove(0);
    let mut s = Session::new(Role::P0, Arc::new(end), test_prss(1, Role::P0), Gate::recording());
    s.enter(1 << 40);
}
