//! Trainings that go on after a daemon was killed: with all that their providers keep, too.

use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::{
    cast::Cast,
    psi::opened,
    train::{cast, kept, model_of, train, validates},
    trees::TREES,
    world::{World, eventually, succeeded},
};

/// Three providers whose policies allow as many rounds as a kill takes.
fn patient() -> Cast {
    let mut cast = cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
    }
    cast
}

/// A training that is under way when a daemon is killed, and that goes on to its end: what the buyer has.
fn killed_once(world: &mut World, asked: &dyn Fn(&str) -> String, killed: &'static str) -> String {
    killed_when(world, asked, killed, &|world, job| kept(world, "employers", job) > 3)
}

pub(crate) fn killed_when(
    world: &mut World,
    asked: &dyn Fn(&str) -> String,
    killed: &'static str,
    when: &dyn Fn(&World, &str) -> bool,
) -> String {
    let began = world.submit_psi(&asked(""));
    eventually("some of it is kept", || when(world, &began));
    world.kill(killed);
    let (code, _, err) = world.follow(&began).end();
    assert_ne!(code, Some(0), "{err}");
    // A coordinator that is gone says nothing.
    let told = killed == "exchange" || err.contains(&format!("resumes = \"{began}\""));
    assert!(told, "it says how to go on: {err}");
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

#[test]
fn what_updates_were_worth_is_told_once_though_a_party_is_killed() {
    const ROUNDS: usize = 300;
    let mut cast = patient();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["gates"] = json!(["norm"]);
        table.train["contribution"] = json!(true);
    }
    cast.people.columns = validates();
    let mut world = World::start(&cast);
    let trains = "datasets = [\"employers.jobs\", \"neutral.patients\"]";
    let all = "datasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]";
    let asked = |more: &str| {
        let gate = "gate = { kind = \"norm\", largest_norm = 5 }";
        let worth = "contribution = { validation = \"census.people\", price = 1000 }";
        train(&format!("rounds = {ROUNDS}\n{gate}\n{worth}\n{more}")).replace(all, trains)
    };
    // It brings the rows that updates are weighed by in each run, and computes nothing.
    let out = killed_once(&mut world, &asked, "neutral");
    assert_eq!(out.lines().count(), ROUNDS + 1);
    let receipts = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let receipts = receipts.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let bodies = receipts.map(|path| {
        let body: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        body["body"]["contribution"]["providers"].as_array().cloned()
    });
    let told: Vec<Vec<Value>> = bodies.flatten().collect();
    assert_eq!(told.len(), 1, "of the run that came to its end");
    let number = |of: &Value| of.as_str().unwrap().parse::<i64>().unwrap();
    // All rounds are in it: the loss began with ln 2 of a row, and fell by most of it.
    let worth: i64 = told[0].iter().map(|one| number(&one["value"])).sum();
    assert!(worth > 400_000 && worth < 693_148, "{told:?}");
    assert_eq!(told[0].iter().map(|one| number(&one["pay"])).sum::<i64>(), 1000);
}

#[test]
fn trees_are_grown_on_by_the_parties_that_are_left_and_the_one_that_is_up_again() {
    let mut cast = patient();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["models"] = json!(["trees"]);
        table.train["min_leaf_rows"] = json!(5);
    }
    let mut world = World::start(&cast);
    let asked = |trees: usize| {
        move |more: &str| TREES.replace("rounds = 4", &format!("rounds = {trees}\n{more}"))
    };
    let size = |world: &World, job: &str| {
        let file = world.of("employers").join("state/trainings").join(job).join("grown");
        std::fs::metadata(file).map_or(0, |file| file.len())
    };
    let trees = 60;
    let out =
        killed_when(&mut world, &asked(trees), "employers", &|world, job| size(world, job) > 2000);
    assert_eq!(out.lines().count(), trees + 1);
    let again = model_of(&world);
    // Trees depend on rows alone: those of a growth that nothing happened to are the same.
    succeeded(&world.ask_psi(&asked(trees)("")));
    assert_eq!(model_of(&world).1, again.1);
}

/// What a provider's journal has of rounds with noise, in the order in which they were written down: the job, and the round.
fn spent(world: &World, party: &str) -> Vec<(String, usize)> {
    let path = world.of(party).join("state/journal.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
        let mut journal = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let read = "SELECT job, round FROM privacy_spent ORDER BY rowid";
        let rows: Vec<(String, u32)> = sqlx::query_as(read).fetch_all(&mut journal).await.unwrap();
        rows.into_iter().map(|(job, round)| (job, round as usize)).collect()
    })
}

/// With noise a round that was closed is opened as it was and is not trained again; at most the one that was under way is.
#[test]
fn rounds_with_noise_count_once_though_a_party_is_killed() {
    const ROUNDS: usize = 300;
    let mut cast = patient();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["privacy"] = json!({"unit": "client", "max_epsilon": "4", "delta": "0.00001"});
    }
    let mut world = World::start(&cast);
    let privacy = "privacy = { unit = \"client\", clip = 2, noise = 40 }";
    let asked =
        |more: &str| train(&format!("rounds = {ROUNDS}\nmin_providers = 3\n{privacy}\n{more}"));
    let out = killed_once(&mut world, &asked, "employers");
    assert_eq!(out.lines().next(), Some("round,providers,epsilon"));
    assert_eq!(out.lines().count(), ROUNDS + 1);
    let mut together = 0;
    for party in ["census", "employers", "neutral"] {
        let spent = spent(&world, party);
        let first = spent.iter().take_while(|(job, _)| *job == spent[0].0).count();
        let (before, after) = spent.split_at(first);
        assert!(before.len() > 3 && !after.is_empty(), "{party}: in both runs");
        let begins = after[0].1;
        let counted = |rounds: &[(String, usize)], from: usize| {
            rounds.iter().map(|(_, round)| *round).eq((from..).take(rounds.len()))
        };
        assert!(counted(before, 0) && counted(after, begins), "{party}: each once a run");
        assert_eq!(after.last().unwrap().1, ROUNDS - 1, "{party}: to the end");
        let twice = before.len() - begins;
        assert!(twice <= 1, "{party}: {twice} rounds were trained again");
        together = together.max(twice);
    }
    // What the run that came to its end has opened: each round, as often as it is in the table.
    let of_model = |all: &&Value| {
        let averages = all.as_array().into_iter().flatten().filter(|o| o["kind"] == "average");
        averages.count() == ROUNDS
    };
    assert_eq!(opened(&world).iter().filter(of_model).count(), 1, "{together}");
}
