//! Daemons, trainers and clients that are killed while a model is trained: the model is to the bit that of a training without that.

use std::path::PathBuf;

use serde_json::json;

use crate::{
    cast::{Cast, Table},
    lost::receipt,
    train::{self, kept, model_of, train},
    world::{World, eventually, succeeded},
};

const ROUNDS: u64 = 400;

/// Two people each: a sum of two is the same in either order, so that models of different jobs can be compared bit by bit.
pub(crate) fn pair(name: &'static str, from: usize) -> Table {
    let mut table = train::region(name, from);
    let head = table.csv.lines().take(3).map(|line| line.to_owned() + "\n");
    table.csv = head.collect();
    table.train["max_rounds"] = json!(5000);
    table
}

fn cast() -> Cast {
    Cast {
        people: pair("people", 3),
        jobs: pair("jobs", 100),
        third: Some(pair("patients", 222)),
        outside: true,
        ..Cast::small()
    }
}

fn asked(more: &str) -> String {
    train(&format!("rounds = {ROUNDS}\nmin_providers = 3\nbatch = 1000\n{more}"))
}

/// What a buyer has: the table of rounds, and the numbers of the model, bit by bit.
type Had = (String, Vec<u32>);

fn had(world: &World, table: String) -> Had {
    (table, model_of(world).1.into_iter().map(f32::to_bits).collect())
}

fn undisturbed(world: &World) -> Had {
    let table = succeeded(&world.ask_psi(&asked("")));
    assert_eq!(table.lines().count() as u64, 1 + ROUNDS);
    had(world, table)
}

/// When somebody is killed.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Models go out, and providers train.
    Training,
    /// Updates are there, and the sum of them is not open.
    Sums,
}

/// The first number in a file; nothing before it is there.
fn first(path: PathBuf) -> Option<u64> {
    let file = std::fs::read(path).ok()?;
    Some(u64::from_le_bytes(*file.first_chunk()?))
}

/// The round in which the provider has spoken last, as its disk has it.
fn given(world: &World, job: &str) -> Option<u64> {
    let folders = std::fs::read_dir(world.of("census").join("state/trainings")).ok()?;
    let mut folders = folders.filter_map(|folder| Some(folder.ok()?.path()));
    let folder = folders.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(job) && name.ends_with("-given")
    });
    first(folder?.join("pledge"))
}

/// Waits until a training is at a phase of some round after this one, as far as files tell; gives that round.
fn at(world: &World, job: &str, (party, phase): (&str, Phase), after: u64) -> u64 {
    let folder = world.of(party).join("state/trainings").join(job);
    let mut round = 0;
    eventually(&format!("{phase:?} of a round after {after}"), || {
        round = kept(world, party, job);
        let over = round > after;
        over && match phase {
            Phase::Training => given(world, job).is_none_or(|given| given < round),
            Phase::Sums => first(folder.join("closed")) == Some(round),
        }
    });
    assert!(round < ROUNDS, "it is not over");
    round
}

#[test]
fn a_provider_that_is_killed_or_told_to_end_is_in_the_same_round_again() {
    let mut world = World::start(&cast());
    let whole = undisturbed(&world);
    receipt(&world);
    let job = world.submit_psi(&asked(""));
    let waiting = world.follow(&job);
    let (mut round, mut times) = (0, 0);
    for (phase, killed) in [
        (Phase::Training, true),
        (Phase::Sums, true),
        (Phase::Training, false),
        (Phase::Sums, false),
    ] {
        round = at(&world, &job, ("employers", phase), round + 10);
        if killed {
            world.kill("census");
        } else {
            world.signal("census", "-TERM");
            assert_eq!(world.ended("census").code(), Some(0), "{}", world.log("census"));
        }
        world.up("census");
        times += 1;
        let back = || world.log("census").matches("it comes back").count() == times;
        eventually("it is called, and comes", back);
    }
    let (code, table, err) = waiting.end();
    assert_eq!(code, Some(0), "{err}");
    assert!(had(&world, table) == whole);
    let (body, told) = receipt(&world);
    assert!(body.absent.is_empty(), "{told}");
    let [census, lab] = ["census", "lab"].map(|party| party.try_into().unwrap());
    assert!(body.renewed(&census, &lab) >= 3, "{told}");
}

#[test]
fn a_provider_that_is_killed_with_its_last_word_said_may_be_absent_and_changes_nothing() {
    let mut world = World::start(&cast());
    let whole = undisturbed(&world);
    receipt(&world);
    let job = world.submit_psi(&asked(""));
    let waiting = world.follow(&job);
    // What it has said is on its disk until it hears that the training is over, which may be at once.
    let mut spoke = false;
    eventually("it speaks in the last round", || {
        let round = given(&world, &job);
        let over = spoke && round.is_none();
        spoke |= round.is_some();
        over || round == Some(ROUNDS - 1)
    });
    world.kill("census");
    world.up("census");
    let (code, table, err) = waiting.end();
    assert_eq!(code, Some(0), "{err}");
    assert!(had(&world, table) == whole);
    // It may not hear that the training is over; then it does not sign, and its updates stay in the sums.
    let (body, told) = receipt(&world);
    let census = "census".try_into().unwrap();
    assert!(body.absent.iter().all(|absent| *absent == census), "{told}");
}

/// A training in which a party is killed in each phase, and that goes on after it.
fn goes_on_after(victim: &'static str) {
    let mut world = World::start(&cast());
    let whole = undisturbed(&world);
    let began = world.submit_psi(&asked(""));
    let (mut job, mut round) = (began.clone(), 0);
    for phase in [Phase::Training, Phase::Sums] {
        // Whoever computes has files; the coordinator has none.
        round = at(&world, &began, ("employers", phase), round + 10);
        world.kill(victim);
        let (code, _, err) = world.follow(&job).end();
        assert_ne!(code, Some(0), "{err}");
        world.up(victim);
        job = world.submit_psi(&asked(&format!("resumes = {began:?}")));
    }
    let (code, table, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    assert!(had(&world, table) == whole, "{victim}");
}

#[test]
fn a_party_that_computes_and_trains_may_be_killed() {
    goes_on_after("employers");
}

#[test]
fn a_party_that_computes_alone_may_be_killed() {
    goes_on_after("lab");
}

#[test]
fn the_coordinator_may_be_killed() {
    goes_on_after("exchange");
}

#[test]
fn a_client_of_the_buyer_may_be_killed() {
    let world = World::start(&cast());
    let whole = undisturbed(&world);
    let job = world.submit_psi(&asked(""));
    for (phase, after) in [(Phase::Training, 10), (Phase::Sums, 100)] {
        let mut waiting = world.follow(&job);
        waiting.until("the parties compute on shares");
        at(&world, &job, ("employers", phase), after);
        drop(waiting);
    }
    let (code, table, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    assert!(had(&world, table) == whole);
}
