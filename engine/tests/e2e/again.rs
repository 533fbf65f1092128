//! Trainings that go on after a daemon was killed: with all that their providers keep, too.

use serde_json::json;

use crate::{
    cast::Cast,
    train::{cast, kept, train},
    world::{World, eventually},
};

/// Three providers whose policies allow as many rounds as a kill takes.
fn patient() -> Cast {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
    }
    cast
}

/// A training that is under way when a daemon is killed, and that goes on to its end: the job that began it, and what the buyer has.
fn killed_once(world: &mut World, asked: &dyn Fn(&str) -> String, killed: &'static str) -> String {
    let began = world.submit_psi(&asked(""));
    eventually("some rounds are kept", || kept(world, "employers", &began) > 3);
    world.kill(killed);
    let (code, _, err) = world.follow(&began).end();
    assert_ne!(code, Some(0), "{err}");
    assert!(err.contains(&format!("resumes = \"{began}\"")), "it says how to go on: {err}");
    world.up(killed);
    let job = world.submit_psi(&asked(&format!("resumes = {began:?}")));
    let (code, out, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    assert!(world.log("employers").contains("goes on after "), "it went on");
    eventually("what was kept is gone", || {
        let gone = |party| {
            let mut folder = std::fs::read_dir(world.of(party).join("state/trainings")).unwrap();
            folder.next().is_none()
        };
        ["census", "employers", "neutral"].into_iter().all(gone)
    });
    out
}

#[test]
fn corrections_of_a_training_that_is_killed_are_where_they_were() {
    const ROUNDS: usize = 400;
    let mut world = World::start(&patient());
    let asked = |more: &str| {
        train(&format!(
            "rounds = {ROUNDS}\nmin_providers = 2\nstrategy = {{ kind = \"scaffold\" }}\n{more}"
        ))
    };
    // A compute party that provides, too; then nobody declines for want of what it had.
    let out = killed_once(&mut world, &asked, "employers");
    let of: Vec<_> = out.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(of.len(), ROUNDS);
    assert!(of.iter().all(|count| *count == "3"), "nobody stayed away: {out}");
}
