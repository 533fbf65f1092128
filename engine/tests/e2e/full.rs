//! A disk that is full at one party: the buyer hears whose it is and what to do, and no name of a file. What is to be written goes to
//! the system's device that has no room.
#![cfg(target_os = "linux")]

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::json;

use crate::{
    cast::Cast,
    psi::{self, psi},
    train::{self, train},
    world::{World, eventually, succeeded},
};

/// Has a file that is not there yet be one for which there is no room.
fn no_room(file: &Path) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    symlink("/dev/full", file).unwrap();
}

fn asking(mut cast: Cast) -> World {
    cast.consent = "manual";
    World::start(&cast)
}

/// Submits a job that people are asked about: there is time to do something before it runs.
fn asked(world: &World, table: &str) -> String {
    let job = world.submit_psi(table);
    let listed = || succeeded(&world.by("employers", &["consent", "list"])).contains(&job);
    eventually("the job is asked about", listed);
    job
}

/// Lets a job run, to its end: exit code and what the buyer hears.
fn run(world: &World, job: &str, providers: &[&str]) -> (Option<i32>, String) {
    let waiting = world.follow(job);
    for provider in providers {
        succeeded(&world.by(provider, &["consent", "approve", job]));
    }
    let (code, out, err) = waiting.end();
    (code, out + &err)
}

/// That the buyer hears of a full disk at this party, and that party alone of which file it was.
fn told(world: &World, heard: (Option<i32>, String), (party, stage, file): (&str, &str, &str)) {
    let (code, words) = heard;
    assert_eq!(code, Some(1), "{words}");
    let named = format!("DISK_FULL at stage {stage}, party {party}: ");
    assert!(words.contains(&named) && words.contains("free space on that party's disk"), "{words}");
    assert!(!words.contains(file) && !words.contains("state/"), "{words}");
    let log = world.log(party);
    let own = log.lines().find(|line| line.contains("DISK_FULL")).unwrap_or_default();
    assert!(own.contains(file) && own.contains("No space left"), "{own}");
}

#[test]
fn a_training_whose_state_finds_no_room_says_so_and_goes_on_once_there_is() {
    let world = asking(train::cast());
    let all = ["census", "employers", "neutral"];
    let providers = &all[..2];
    let rounds = |more: &str| train(&format!("rounds = 4\nmin_providers = 3\n{more}"));
    let job = asked(&world, &rounds(""));
    // Its first round is closed, and that finds no room; where it stands before that does.
    let file = world.of("employers").join("state/trainings").join(&job).join("closed.new");
    no_room(&file);
    told(&world, run(&world, &job, providers), ("employers", "run", "trainings"));
    fs::remove_file(&file).unwrap();
    let again = asked(&world, &rounds(&format!("resumes = {job:?}")));
    let (code, words) = run(&world, &again, providers);
    assert_eq!(code, Some(0), "{words}");
}

#[test]
fn a_result_that_finds_no_room_at_its_owner_is_told() {
    let world = asking(psi::cast(0));
    let columns = ["[\"person_id\"]", "[\"person_id\"]"];
    let job = asked(&world, &psi("\"inner\"", columns, "to = [\"employers\"]"));
    let results = world.of("employers").join("state/results");
    no_room(&results.join(format!("{job}-jobs.part")));
    told(&world, run(&world, &job, &["census", "employers"]), ("employers", "release", "results"));
}

/// A provider that cannot keep what it is about to say declines: its operator hears why, and the others go on.
#[test]
fn an_update_that_finds_no_room_is_declined_and_its_owner_told() {
    let mut cast = train::cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
    }
    let world = World::start(&cast);
    let job = world.submit_psi(&train("rounds = 300\nmin_providers = 2"));
    let folders = world.of("census").join("state/trainings");
    let mut given = None;
    eventually("census keeps what it gives", || {
        let all = fs::read_dir(&folders).into_iter().flatten().filter_map(Result::ok);
        let mut all = all.map(|folder| folder.path()).filter(|path| path.join("pledge").exists());
        given = all.next();
        given.is_some()
    });
    // Whatever is being written there.
    eventually("there is no room", || {
        symlink("/dev/full", given.as_ref().unwrap().join("pledge.new")).is_ok()
    });
    let (code, table, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    let last = table.lines().last().unwrap();
    assert_eq!(train::there(last), ("2", "census"), "{last}");
    let log = world.log("census");
    let own = log.lines().find(|line| line.contains("DISK_FULL")).unwrap_or_default();
    assert!(own.contains("stage run, party census"), "{own}");
    assert!(
        own.contains("free space on that party's disk") && own.contains("No space left"),
        "{own}"
    );
}
