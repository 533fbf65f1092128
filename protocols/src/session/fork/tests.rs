//! Forks against the same work in a row; their price, their transcript, their keystreams, and what ends them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::*;
use crate::{
    mpc,
    net::{
        Channel, loopback, memory,
        record::{Direction, Entry, Recorder},
        tls::LinkConfig,
    },
    party::Role,
    ring::{Z64, Z128},
    session::OpeningKind,
    share::{Shared, reconstruct},
    testkit::{Run, World},
};

const LONG: Duration = Duration::from_secs(60);

/// `x^(2^squares)` for as many squares as the part's number, all parts side by side; then the sum of all, squared.
fn powers(s: &mut Session, x: &Shared<Z64>, parts: usize) -> Result<Shared<Z64>, SessionError> {
    let done = s.fork(parts, |s, part| {
        let mut power = x.clone();
        for _ in 0..part {
            power = s.turned(part, |s| mpc::mul(s, &power, &power))?;
        }
        Ok(power)
    })?;
    let sum = done.iter().skip(1).fold(done[0].clone(), |sum, power| sum.plus(power));
    mpc::mul(s, &sum, &sum)
}

fn powers_cost(m: &mut Meter, n: usize, parts: usize) {
    m.fork(parts, |m, part| {
        (0..part).for_each(|_| m.turned(part, |m| mpc::mul_cost::<Z64>(m, n)));
    });
    mpc::mul_cost::<Z64>(m, n);
}

fn expected(x: u64, parts: usize) -> u64 {
    let power = |part| (0..part).fold(x, |power: u64, _| power.wrapping_mul(power));
    let sum = (0..parts).map(power).fold(0, u64::wrapping_add);
    sum.wrapping_mul(sum)
}

#[test]
fn parts_give_what_they_give_in_a_row_and_the_deepest_counts() {
    for n in [0, 1, 63, 64, 65, 1000] {
        for parts in [1, 2, 5] {
            let world = World::new(n as u64);
            let x: Vec<u64> = (3..).take(n).collect();
            let dealt = world.deal::<Z64>(1, &x);
            // Twice, so that a party that is ahead in the second fork meets one that is still in the first.
            let twice = |s: &mut Session| {
                let first = powers(s, &dealt[s.role().index()], parts)?;
                powers(s, &first, parts)
            };
            let run = world.run(twice);
            let want = x.iter().map(|x| expected(expected(*x, parts), parts));
            assert!(want.eq(run.reconstruct()), "{n} rows, {parts} parts");
            run.assert_cost("two forks", |m| {
                powers_cost(m, n, parts);
                powers_cost(m, n, parts);
            });
            let most = u32::try_from(parts).unwrap();
            assert_eq!(run.total.rounds, if n == 0 { 0 } else { 2 * most });
        }
    }
}

#[test]
fn they_cross_real_links() {
    let world = World::new(5);
    let x: Vec<u64> = (0..40_000).collect();
    let dealt = world.deal::<Z64>(1, &x);
    let channels = loopback::mesh(3, LinkConfig::default()).unwrap();
    let channels = channels.into_iter().map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    let run = world.run_over(channels, |s| powers(s, &dealt[s.role().index()], 4));
    let results = run.results.map(Result::unwrap);
    let got = reconstruct(results.each_ref()).unwrap();
    assert!(x.iter().map(|x| expected(*x, 4)).eq(got));
}

#[test]
fn a_part_of_a_fork_works_its_own_parts_off_in_a_row() {
    let world = World::new(1);
    let x: Vec<u64> = (0..65).collect();
    let dealt = world.deal::<Z64>(1, &x);
    let run = world.run(|s| {
        let x = &dealt[s.role().index()];
        let mut done = s.fork(2, |s, _| powers(s, x, 3))?;
        Ok(done.swap_remove(1))
    });
    assert!(x.iter().map(|x| expected(*x, 3)).eq(run.reconstruct()));
    run.assert_cost("a fork in a fork", |m| m.fork(2, |m, _| powers_cost(m, 65, 3)));
}

#[test]
fn no_keystream_position_comes_twice() {
    let run = World::new(2).run(|s| {
        let mut all = vec![s.prss().random::<Z128>(4)];
        for _ in 0..2 {
            all.extend(s.fork(3, |s, part| Ok(s.turned(part, |s| s.prss().random::<Z128>(4))))?);
            all.push(s.prss().random::<Z128>(4));
        }
        s.enter(2);
        all.push(s.prss().random::<Z128>(4));
        all.extend(s.fork(3, |s, _| Ok(s.prss().random::<Z128>(4)))?);
        Ok(all)
    });
    for all in &run.results {
        let mut words: Vec<u128> =
            all.iter().flat_map(|random| [random.own(), random.next()].concat()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 2 * 4 * all.len());
    }
}

/// The frames of each direction and step, in order: parts may overtake one another, frames of one part may not.
type Shape = BTreeMap<(Direction, u64), Vec<Entry>>;

fn shape(seed: u64) -> [Shape; 3] {
    let world = World::new(seed);
    let mut random = world.random(9);
    let x: Vec<u64> = (0..1000).map(|_| random()).collect();
    let dealt = world.deal::<Z64>(1, &x);
    let recorders: Vec<_> =
        memory::mesh(3, LONG).into_iter().map(|end| Arc::new(Recorder::new(end))).collect();
    let channels = recorders.iter().map(|end| Arc::clone(end) as Arc<dyn Channel>).collect();
    let run = world.run_over(channels, |s| powers(s, &dealt[s.role().index()], 4));
    assert!(run.results.iter().all(Result::is_ok));
    let shapes = recorders.iter().map(|recorder| {
        let mut shape = Shape::new();
        for (direction, entries) in recorder.shape() {
            for entry in entries {
                shape.entry((direction, entry.tag.path)).or_default().push(entry);
            }
        }
        shape
    });
    shapes.collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_transcript_depends_on_public_sizes_only_and_no_tag_comes_twice() {
    let first = shape(1);
    assert_eq!(first, shape(2));
    for ((_, path), entries) in first.iter().flatten() {
        let mut tags: Vec<_> = entries.iter().map(|e| (e.tag.seq, e.tag.chunk)).collect();
        tags.dedup();
        assert_eq!(tags.len(), entries.len());
        assert_eq!(path & ((1 << STEP_BITS) - 1), 1, "errors and counters name the plan's step");
    }
}

fn ends(
    protocol: impl Fn(&mut Session) -> Result<(), SessionError> + Sync,
) -> Run<Result<(), SessionError>> {
    let channels = memory::mesh(3, LONG).into_iter();
    let channels = channels.map(|end| Arc::new(end) as Arc<dyn Channel>).collect();
    World::new(3).run_over(channels, protocol)
}

#[test]
fn a_part_that_fails_ends_the_others_here_and_there() {
    let failure = SessionError::Unlucky { step: 1, what: "a part" };
    let run = ends(|s| {
        let done = s.fork(3, |s, part| match (s.role(), part) {
            (Role::P1, 1) => Err(failure.clone()),
            // The others wait for what never comes.
            (role, _) => s.recv(role.next().id(), &mut [0_u64]),
        });
        done.map(drop)
    });
    for (role, result) in Role::ALL.into_iter().zip(&run.results) {
        match result {
            Err(error) if role == Role::P1 => assert_eq!(*error, failure),
            Err(error) => assert!(is_consequence(error), "{role}: {error}"),
            Ok(()) => panic!("{role} ended well"),
        }
    }
}

#[test]
fn a_party_with_another_idea_of_a_part_is_out_of_step() {
    // P0 sends one message more in its second part; P1 is through with the fork, or still waits in it for something else.
    for waits in [false, true] {
        let run = ends(|s| {
            let (role, to) = (s.role(), Role::P1.id());
            s.fork(2, |s, part| match (role, part) {
                (Role::P0, 0) => s.send(to, &[1_u64]),
                (Role::P0, _) => (0..2).try_for_each(|_| s.send(to, &[1_u64])),
                (Role::P1, 0) if waits => {
                    (0..2).try_for_each(|_| s.recv(Role::P0.id(), &mut [0_u64]))
                }
                (Role::P1, _) => s.recv(Role::P0.id(), &mut [0_u64]),
                _ => Ok(()),
            })?;
            match role {
                Role::P0 => s.send(to, &[1_u64]),
                Role::P1 => s.recv(Role::P0.id(), &mut [0_u64]),
                Role::P2 => Ok(()),
            }
        });
        assert!(
            matches!(run.results[1], Err(SessionError::Desync { peer, .. }) if peer == Role::P0.id()),
            "{:?}",
            run.results[1]
        );
    }
}

#[test]
fn nothing_is_opened_within() {
    let world = World::new(4);
    let dealt = world.deal::<Z64>(1, &[1, 2]);
    let run = ends(|s| {
        let x = &dealt[s.role().index()];
        s.fork(2, |s, _| mpc::reveal(s, x, OpeningKind::Result)).map(drop)
    });
    assert!(run.results.iter().any(|result| matches!(result, Err(SessionError::Gate(_)))));
    assert!(run.results.iter().all(Result::is_err));
    assert!(run.opened.iter().all(Vec::is_empty));
}
