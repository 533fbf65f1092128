//! A model trained by real daemons with one party that adds up masked updates: the model of three parties on shares, a provider that
//! is killed on the way, and what is refused.

use std::fs;

use serde_json::{Value, json};

use crate::{
    cast::{Cast, Table},
    heard::{heard, told},
    killed::pair,
    lost::receipt,
    psi::opened,
    train::{kept, model_of, region, there},
    wiretap::Strike,
    world::{BUYER, LAB, World, ended_with, eventually, succeeded},
};

/// People of one kind at four providers, and a lab that has none.
fn cast() -> Cast {
    cast_of(region)
}

fn cast_of(table: fn(&'static str, usize) -> Table) -> Cast {
    let mut cast = Cast {
        people: table("people", 3),
        jobs: table("jobs", 100),
        third: Some(table("patients", 222)),
        fourth: Some(table("cases", 300)),
        outside: true,
        ..Cast::small()
    };
    for table in tables(&mut cast) {
        table.train["averaging"] = json!(["shares", "masks"]);
        table.train["min_colluding"] = json!(0);
        table.train["max_rounds"] = json!(3000);
    }
    cast
}

fn tables(cast: &mut Cast) -> Vec<&mut Table> {
    let Cast { people, jobs, third, fourth, .. } = cast;
    [Some(people), Some(jobs), third.as_mut(), fourth.as_mut()].into_iter().flatten().collect()
}

/// A training whose batch is all rows: in which order they are seen, which differs between jobs, then says nothing.
fn train(more: &str) -> String {
    format!(
        "[train]\ndatasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\", \"clinic.cases\"]\n\
         features = [\"age\", \"sector\"]\nlabel = \"pay = 'high'\"\nrate = 0.5\nbatch = 64\n{more}\n\
         model = {{ kind = \"logistic\" }}\n"
    )
}

const MASKS: &str = "averaging = { kind = \"masks\", colluding = 0, lost = 1 }";

#[test]
fn one_party_adds_up_and_the_model_is_that_of_three() {
    let world = World::start(&cast());
    let three = succeeded(&world.ask_psi(&train("rounds = 6\nmin_providers = 3")));
    let (_, on_shares) = model_of(&world);
    let before = opened(&world).len();
    let output = world.ask_alone(&train(&format!("rounds = 6\n{MASKS}")));
    let one = succeeded(&output);
    assert_eq!(heard(&output.stderr), told(&one), "the buyer hears of it meanwhile");
    let (_, by_masks) = model_of(&world);
    assert_eq!(one.lines().count(), three.lines().count());
    assert!(one.lines().skip(1).all(|line| line.split(',').nth(1) == Some("4")), "{one}");
    // Rows are added up in an order of each job's own.
    let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
    assert!(by_masks.iter().zip(&on_shares).all(near), "{by_masks:?}, {on_shares:?}");

    let receipts = opened(&world);
    assert_eq!(receipts.len(), before + 1);
    let to_lab = |all: &&Value| {
        let averages = all.as_array().unwrap().iter().filter(|o| o["kind"] == "average");
        averages.filter(|o| o["to"] == LAB).count() == 6
    };
    assert_eq!(receipts.iter().filter(to_lab).count(), 1, "{receipts:?}");
    let explained = succeeded(&world.by(BUYER, &["job", "explain", "insurer/job.toml"]));
    for words in [
        "averaged by masks that come off with 2 of 3 others",
        "lab, which adds up alone, and providers: the model after each of 6 rounds",
        "assumed: at most 0 of 4 providers are in league with lab",
    ] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
}

#[test]
fn a_provider_that_is_killed_is_left_out_and_the_sum_goes_on() {
    const ROUNDS: usize = 1500;
    let mut world = World::start(&cast());
    let job = world.submit_alone(&train(&format!("rounds = {ROUNDS}\n{MASKS}")));
    let signed = "signs whose updates are in the sum";
    eventually("some rounds are over", || world.log("clinic").matches(signed).count() > 9);
    world.kill("clinic");
    let (code, out, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    let of: Vec<_> = out.lines().skip(1).map(there).collect();
    let four = of.iter().take_while(|there| **there == ("4", "")).count();
    assert!(of.len() == ROUNDS && (9..ROUNDS).contains(&four), "{four} of {}", of.len());
    assert!(of[four..].iter().all(|there| *there == ("3", "clinic")), "and is not up again");
    let (body, told) = receipt(&world);
    assert_eq!(body.absent, ["clinic".try_into().unwrap()], "{told}");
}

/// Where a provider stands in a round, as its disk has it: which files are there says what has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// It is asked, and trains.
    Trains,
    /// It has said its keys, or is about to, and has heard nothing since.
    Pledged,
    /// It was told so many steps since.
    Told(u64),
}

/// That of census, and the round.
fn stands(world: &World, job: &str) -> Option<(u64, Stands)> {
    let folders = fs::read_dir(world.of("census").join("state/trainings")).ok()?;
    let mut folders = folders.filter_map(|folder| Some(folder.ok()?.path()));
    let folder = folders.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(job) && name.ends_with("-given")
    })?;
    let word = |name: &str, at: usize| {
        let file = fs::read(folder.join(name)).ok()?;
        file.as_chunks().0.get(at).map(|word| u64::from_le_bytes(*word))
    };
    // Round, hash of the model and the like, what it is; the round, to what it was told, how many steps.
    let (round, is) = (word("pledge", 0)?, word("pledge", 6)?);
    Some(match is {
        2 => (round + 1, Stands::Trains),
        _ if word("told", 0)? == round => (round, Stands::Told(word("told", 5)?)),
        _ => (round, Stands::Pledged),
    })
}

/// Stops census where it stands so, in some round after this one, and gives that round.
fn stopped(world: &World, job: &str, (at, after): (Stands, u64)) -> u64 {
    let mut round = 0;
    eventually(&format!("{at:?} in a round after {after}"), || {
        world.signal("census", "-STOP");
        let tasks = format!("/proc/{}/task", world.pid("census"));
        let is_stopped = |task: fs::DirEntry| {
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_none_or(|state| !state.starts_with(['R', 'S', 'D']))
        };
        let all = || fs::read_dir(&tasks).unwrap().all(|task| is_stopped(task.unwrap()));
        eventually("all of it stands still", all);
        let there = stands(world, job).filter(|there| there.0 > after && there.1 == at);
        round = there.map_or(0, |(round, _)| round);
        if there.is_none() {
            world.signal("census", "-CONT");
        }
        there.is_some()
    });
    round
}

#[test]
fn a_provider_that_is_killed_in_any_step_is_in_the_same_round_again() {
    const ROUNDS: u64 = 400;
    let mut world = World::start(&cast_of(pair));
    // Without anyone the round waits.
    let all = MASKS.replace("lost = 1", "lost = 0");
    let asked = train(&format!("rounds = {ROUNDS}\n{all}"));
    let had = |world: &World, table: String| {
        let model: Vec<u32> = model_of(world).1.into_iter().map(f32::to_bits).collect();
        (table, model)
    };
    let table = succeeded(&world.ask_alone(&asked));
    let whole = had(&world, table);
    receipt(&world);
    let job = world.submit_alone(&asked);
    let waiting = world.follow(&job);
    let (mut round, mut times) = (0, 0);
    for at in [Stands::Trains, Stands::Pledged, Stands::Told(1), Stands::Told(2), Stands::Told(3)] {
        round = stopped(&world, &job, (at, round + 10));
        assert!(round < ROUNDS, "it is not over");
        world.kill("census");
        world.up("census");
        times += 1;
        let back = || world.log("census").matches("it comes back").count() == times;
        eventually("it is called, and comes", back);
    }
    // Told to end, it is back likewise.
    eventually("it goes on", || kept(&world, LAB, &job) > round + 10);
    world.signal("census", "-TERM");
    assert_eq!(world.ended("census").code(), Some(0), "{}", world.log("census"));
    world.up("census");
    let (code, table, err) = waiting.end();
    assert_eq!(code, Some(0), "{err}");
    assert!(had(&world, table) == whole);
    let (body, told) = receipt(&world);
    assert!(body.absent.is_empty(), "{told}");
    let [census, lab] = ["census", LAB].map(|party| party.try_into().unwrap());
    assert!(body.renewed(&census, &lab) >= 6, "{told}");
    let left = world.of("census").join("state/trainings");
    eventually("what was kept is gone", || fs::read_dir(&left).unwrap().next().is_none());
}

/// A training whose lab or coordinator is killed, with a round's sum under way and without, and that goes on to the same bits.
fn goes_on_after(victim: &'static str) {
    const ROUNDS: u64 = 400;
    // Two people each: a sum of two is the same in either order, so that models of different jobs can be compared.
    let mut world = World::start(&cast_of(pair));
    let asked = |more: &str| train(&format!("rounds = {ROUNDS}\n{MASKS}\n{more}"));
    let had = |world: &World, table: String| {
        let model: Vec<u32> = model_of(world).1.into_iter().map(f32::to_bits).collect();
        (table, model)
    };
    let table = succeeded(&world.ask_alone(&asked("")));
    let whole = had(&world, table);
    let began = world.submit_alone(&asked(""));
    let (mut job, mut round) = (began.clone(), 0);
    for under_way in [true, false] {
        let closed = world.of(LAB).join("state/trainings").join(&began).join("closed");
        let after = round + 10;
        eventually(&format!("a round after {after}"), || {
            round = kept(&world, LAB, &began);
            let file = fs::read(&closed).unwrap_or_default();
            let last = file.first_chunk().map(|word| u64::from_le_bytes(*word));
            round > after && (last == Some(round)) == under_way
        });
        assert!(round < ROUNDS, "it is not over");
        world.kill(victim);
        let (code, _, err) = world.follow(&job).end();
        assert_ne!(code, Some(0), "{err}");
        world.up(victim);
        job = world.submit_alone(&asked(&format!("resumes = {began:?}")));
    }
    let (code, table, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    assert!(had(&world, table) == whole, "{victim}");
    let ended = world.of(LAB).join("state/trainings").join(&began);
    eventually("what ended well is forgotten", || !ended.exists());
    // Nobody goes on with what has ended.
    let refused = world.ask_alone(&asked(&format!("resumes = {began:?}")));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("without `resumes`"), "{told}");
}

#[test]
fn the_party_that_adds_up_may_be_killed() {
    goes_on_after(LAB);
}

#[test]
fn the_coordinator_of_masks_may_be_killed() {
    goes_on_after("exchange");
}

#[test]
fn a_masked_update_goes_on_where_the_link_was_cut() {
    // Units of the network: its model has two pieces, an update three.
    const UNITS: usize = 14_000;
    const PIECE: usize = 256 << 10;
    let mut cast = cast();
    for table in tables(&mut cast) {
        table.train["models"] = json!(["network"]);
    }
    let (world, wiretap) = World::start_tapped(&cast);
    wiretap.strike(["census", LAB], &[(PIECE + PIECE / 2, Strike::Cut), (PIECE, Strike::Cut)]);
    let network = format!("\"network\", hidden = [{UNITS}]");
    let asked = train(&format!("rounds = 2\nepochs = 1\nmin_providers = 3\n{MASKS}"));
    let text = succeeded(&world.ask_alone(&asked.replace("\"logistic\"", &network)));
    let of: Vec<_> = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(of, ["4", "4"], "{text}");
    let (body, told) = receipt(&world);
    let [census, lab] = ["census", LAB].map(|party| party.try_into().unwrap());
    assert_eq!(body.renewed(&census, &lab), 2, "{told}");
    let others = body.links.iter().filter(|link| link.sent.unwrap().renewed > 0).count();
    assert_eq!(others, 2, "one link, both directions");
}

#[test]
fn masks_are_what_policies_allow_and_jobs_can_do() {
    let mut cast = cast();
    cast.jobs.train["averaging"] = json!(["shares"]);
    let third = cast.third.as_mut().unwrap();
    third.train.as_object_mut().unwrap().remove("averaging");
    let world = World::start(&cast);
    let refused = ended_with(&world.ask_alone(&train(&format!("rounds = 2\n{MASKS}"))), 3);
    assert!(refused.contains("train.averaging"), "{refused}");
    assert!(refused.contains("employers") && refused.contains("neutral"), "{refused}");
    for (more, words) in [
        (format!("{MASKS}\ngate = {{ kind = \"norm\", largest_norm = 1 }}"), "train.gate"),
        (format!("{MASKS}\nstrategy = {{ kind = \"nova\" }}"), "train.strategy"),
        (format!("{MASKS}\nmin_providers = 2"), "train.min_providers"),
        ("averaging = { kind = \"masks\", colluding = 1, lost = 1 }".into(), "train.averaging"),
        ("averaging = { kind = \"shares\" }".into(), "compute"),
    ] {
        let output = world.ask_alone(&train(&format!("rounds = 2\n{more}")));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(words), "{more}: {told}");
    }
    let output = world.ask_psi(&train(&format!("rounds = 2\n{MASKS}")));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("compute"), "{told}");
}
