//! Daemons that die, freeze or are told to end while a job runs: the job ends with a name, the others stay, the next one runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

/// The receipt of a failure that the buyer was told of, checked offline; returns what the check says.
fn receipt_of(world: &World, said: &str) -> (PathBuf, String) {
    let line = said.lines().find(|line| line.contains("of the failure in ")).expect(said);
    let path = world.folder().join(line.rsplit(" in ").next().unwrap());
    let pins = world.of(BUYER).join("unseen.toml");
    let shown = ["receipt", "verify", path.to_str().unwrap(), "--pins", pins.to_str().unwrap()];
    (path.clone(), succeeded(&world.unseen(&shown)))
}

/// Changes a receipt and has it checked: it must be refused.
fn cannot_be_changed(world: &World, path: &Path, what: &str, with: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(what), "{what}: {text}");
    let changed = world.folder().join("changed.json");
    fs::write(&changed, text.replacen(what, with, 1)).unwrap();
    let error = ended_with(&world.unseen(&["receipt", "verify", "changed.json"]), 1);
    assert!(error.contains("does not hold"), "{error}");
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
        assert!(err.contains("PARTY_LOST at stage run"), "{victim}: {err}");
        assert_eq!(state(&world, &job), "FAILED");
        let (path, told) = receipt_of(&world, &err);
        assert!(told.contains(&format!("failed: PARTY_LOST at {victim}, stage run")), "{told}");
        for party in &DAEMONS[..3] {
            let line = told.lines().find(|line| line.starts_with(&format!("  {party} ("))).unwrap();
            assert_eq!(line.ends_with("did not sign"), *party == victim, "{told}");
            let own = format!("for {party} it ended with PARTY_LOST at {victim}, stage run");
            assert_eq!(told.contains(&own), *party != victim, "{told}");
        }
        cannot_be_changed(&world, &path, "PARTY_LOST", "PARTY_LAST");
        cannot_be_changed(&world, &path, &format!("\"missing\":[\"{victim}\"]"), "\"missing\":[]");
        others_are_up(&mut world, victim);
        world.up(victim);
    }
    serves(&world);
}

#[test]
fn a_coordinator_killed_while_a_job_runs_says_so_when_it_is_back() {
    let world = World::make(&Cast::slow());
    // A busy machine is no fault: who is slow to end its run may still give its account.
    let path = world.of("exchange").join("unseen.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{config}\n[coordinator.patience]\naccount_seconds = 60\n")).unwrap();
    let mut world = world.start_all();
    let (job, waiting) = running(&world);
    world.kill("exchange");
    let (code, _, err) = waiting.end();
    assert_eq!(code, Some(1), "{err}");
    others_are_up(&mut world, "exchange");
    world.up("exchange");
    let error = ended_with(&world.by(BUYER, &["job", "result", &job]), 1);
    assert!(error.contains("INTERRUPTED at stage run"), "{error}");
    let (_, told) = receipt_of(&world, &error);
    assert!(told.contains("failed: INTERRUPTED") && !told.contains("did not sign"), "{told}");
    for party in &DAEMONS[..3] {
        let own = format!("for {party} it ended with PARTY_LOST at exchange, stage run");
        assert!(told.contains(&own), "{told}");
    }
    assert_eq!(state(&world, &job), "FAILED");
    serves(&world);
}

#[test]
fn a_frozen_participant_is_given_up_and_welcome_again_when_it_thaws() {
    let mut cast = Cast::slow();
    // Gone after a quarter of that: long enough for the next job on a machine that is busy.
    cast.stall_seconds = 12;
    let mut world = World::start(&cast);
    let (job, waiting) = running(&world);
    world.signal("neutral", "-STOP");
    let (code, _, err) = waiting.end();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains(", party neutral: "), "{err}");
    let reason = ["PARTY_LOST", "STALLED"].into_iter().find(|reason| err.contains(reason));
    let end = format!("{} at neutral, stage run", reason.expect(&err));
    let (_, told) = receipt_of(&world, &err);
    assert!(told.contains(&format!("failed: {end}")), "{told}");
    for party in ["census", "employers"] {
        assert!(told.contains(&format!("for {party} it ended with {end}")), "{told}");
    }
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
