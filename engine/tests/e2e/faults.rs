//! Daemons that die, freeze or are told to end while a job runs: the job ends with a name, the others stay, the next one runs.

use crate::{
    cast::{BY_SECTOR, Cast, SMALL_ANSWER},
    world::{BUYER, DAEMONS, Waiting, World, ended_with, eventually, succeeded},
};

/// A job that runs for seconds, and somebody who follows it; it runs when this returns.
fn running(world: &World) -> (String, Waiting) {
    let job = world.submit(BY_SECTOR);
    let mut waiting = world.follow(&job);
    waiting.until("the parties compute on shares");
    for party in &DAEMONS[..3] {
        eventually(&format!("{party} computes"), || {
            let log = world.log(party);
            log.lines().any(|line| line.contains(&job) && line.contains("all links stand"))
        });
    }
    (job, waiting)
}

fn others_are_up(world: &mut World, but: &str) {
    for party in DAEMONS.into_iter().filter(|party| *party != but) {
        assert!(world.is_up(party), "{party}:\n{}", world.log(party));
    }
}

fn serves(world: &World) {
    assert_eq!(succeeded(&world.ask(BY_SECTOR)), SMALL_ANSWER);
}

/// The job's state, as the coordinator lists it.
fn state(world: &World, job: &str) -> String {
    let list = succeeded(&world.by(BUYER, &["job", "list"]));
    let line = list.lines().find(|line| line.starts_with(job)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn a_participant_killed_while_a_job_runs_is_named_and_the_next_job_is_served() {
    let mut world = World::start(&Cast::slow());
    for victim in ["census", "employers", "neutral"] {
        let (job, waiting) = running(&world);
        world.kill(victim);
        let (code, out, err) = waiting.end();
        assert_eq!((code, out.as_str()), (Some(1), ""), "{victim}: {err}");
        assert!(err.contains(&format!(", party {victim}: ")), "{victim}: {err}");
        assert!(err.contains("PARTY_LOST"), "{victim}: {err}");
        assert_eq!(state(&world, &job), "FAILED");
        others_are_up(&mut world, victim);
        world.up(victim);
    }
    serves(&world);
}

#[test]
fn a_coordinator_killed_while_a_job_runs_says_so_when_it_is_back() {
    let mut world = World::start(&Cast::slow());
    let (job, waiting) = running(&world);
    world.kill("exchange");
    let (code, _, err) = waiting.end();
    assert_eq!(code, Some(1), "{err}");
    others_are_up(&mut world, "exchange");
    world.up("exchange");
    let error = ended_with(&world.by(BUYER, &["job", "watch", &job]), 1);
    assert!(error.contains("INTERRUPTED"), "{error}");
    assert_eq!(state(&world, &job), "FAILED");
    serves(&world);
}

#[test]
fn a_frozen_participant_is_given_up_and_welcome_again_when_it_thaws() {
    let mut cast = Cast::slow();
    cast.stall_seconds = 4;
    let mut world = World::start(&cast);
    let (job, waiting) = running(&world);
    world.signal("neutral", "-STOP");
    let (code, _, err) = waiting.end();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains(", party neutral: "), "{err}");
    assert!(err.contains("PARTY_LOST") || err.contains("STALLED"), "{err}");
    assert_eq!(state(&world, &job), "FAILED");
    world.signal("neutral", "-CONT");
    others_are_up(&mut world, "");
    serves(&world);
}

#[test]
fn told_to_end_daemons_end_their_work_first_and_exit_with_0() {
    let mut world = World::start(&Cast::slow());
    let (_, waiting) = running(&world);
    world.signal("neutral", "-TERM");
    eventually("neutral drains", || world.log("neutral").contains("draining"));
    let (code, out, err) = waiting.end();
    assert_eq!((code, out.as_str()), (Some(0), SMALL_ANSWER), "{err}");
    assert_eq!(world.ended("neutral").code(), Some(0), "{}", world.log("neutral"));
    for party in ["exchange", "census", "employers"] {
        world.signal(party, "-TERM");
        assert_eq!(world.ended(party).code(), Some(0), "{}", world.log(party));
    }
    // Nobody is there to ask any more.
    ended_with(&world.by(BUYER, &["job", "list"]), 1);
}
