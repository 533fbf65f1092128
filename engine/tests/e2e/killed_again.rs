//! Parties that are killed and do not train by rounds: without a provider of trees the job ends and names it, and another one that
//! resumes it has the model of a training without that; one whose rows updates are weighed by has done its part before the first round.

use std::fs;

use engine::{audit::ReceiptBody, identity::PartyName};
use serde_json::{Value, json};

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    cast::{Cast, Column},
    killed::pair,
    lost::receipt,
    train::{self, kept, model_of, train, validates},
    trees::TREES,
    world::{World, eventually, succeeded},
};

/// Rows that take a while to read.
pub(crate) const MANY: u64 = 150_000;

fn bits(world: &World) -> Vec<u32> {
    model_of(world).1.into_iter().map(f32::to_bits).collect()
}

/// Kills the party once the training is under way; the table of the job that goes on.
fn killed_and_resumed(
    world: &mut World,
    asked: &dyn Fn(&str) -> String,
    when: &dyn Fn(&World, &str) -> bool,
) -> String {
    let began = world.submit_psi(&asked(""));
    eventually("some of it is kept", || when(world, &began));
    world.kill("census");
    let (code, _, err) = world.follow(&began).end();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("PARTY_LOST") && err.contains("party census"), "{err}");
    world.up("census");
    let job = world.submit_psi(&asked(&format!("resumes = {began:?}")));
    let (code, table, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    assert!(world.log("employers").contains("goes on after "), "it went on");
    table
}

#[test]
fn trees_are_grown_on_after_a_provider_is_killed() {
    const TREES_GROWN: usize = 40;
    let mut cast = train::cast();
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
        table.train["models"] = json!(["trees"]);
        table.train["min_leaf_rows"] = json!(5);
    }
    let mut world = World::start(&cast);
    let asked =
        |more: &str| TREES.replace("rounds = 4", &format!("rounds = {TREES_GROWN}\n{more}"));
    let size = |world: &World, job: &str| {
        let file = world.of("employers").join("state/trainings").join(job).join("grown");
        fs::metadata(file).map_or(0, |file| file.len())
    };
    let table = killed_and_resumed(&mut world, &asked, &|world, job| size(world, job) > 2000);
    let again = (table, bits(&world));
    let whole = succeeded(&world.ask_psi(&asked("")));
    assert!(again == (whole, bits(&world)));
}

/// What each provider's updates were worth, as the last receipt tells it.
fn worth(body: &ReceiptBody) -> Vec<i64> {
    let body = serde_json::to_value(body).unwrap();
    let all = body["contribution"]["providers"].as_array().unwrap();
    let number = |of: &Value| of.as_str().unwrap().parse().unwrap();
    all.iter().map(|one| number(&one["value"])).collect()
}

#[test]
fn updates_are_weighed_on_after_the_validator_is_killed() {
    const ROUNDS: usize = 200;
    let mut cast =
        Cast { jobs: pair("jobs", 100), third: Some(pair("patients", 222)), ..train::cast() };
    for table in [&mut cast.people, &mut cast.jobs, cast.third.as_mut().unwrap()] {
        table.train["max_rounds"] = json!(5000);
        table.train["gates"] = json!(["norm"]);
        table.train["contribution"] = json!(true);
    }
    cast.people.columns = validates();
    let world = World::make(&cast);
    let path = world.of("exchange").join("unseen.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{config}\n[coordinator.patience]\nrelease_seconds = 5\n")).unwrap();
    let mut world = world.start_all();
    let trains = "datasets = [\"employers.jobs\", \"neutral.patients\"]";
    let all = "datasets = [\"census.people\", \"employers.jobs\", \"neutral.patients\"]";
    let gate = "gate = { kind = \"norm\", largest_norm = 5 }";
    let worth_by = "contribution = { validation = \"census.people\", price = 1000 }";
    let rounds = format!("rounds = {ROUNDS}\nmin_providers = 2\nbatch = 1000");
    let asked = train(&format!("{rounds}\n{gate}\n{worth_by}")).replace(all, trains);
    let census = PartyName::try_from("census").unwrap();
    let mut ended = Vec::new();
    // It is back in time to sign, it is not, and nothing happens to it.
    for (killed, back) in [(true, true), (true, false), (false, false)] {
        let job = world.submit_psi(&asked);
        if killed {
            eventually("some rounds are over", || kept(&world, "employers", &job) > 3);
            world.kill("census");
            if back {
                world.up("census");
            }
        }
        let (code, table, err) = world.follow(&job).end();
        assert_eq!(code, Some(0), "{err}");
        let bits = bits(&world);
        let (body, told) = receipt(&world);
        let gone = killed && !back;
        assert_eq!(body.absent == [census.clone()], gone, "{told}");
        assert_eq!(told.contains("went on without it"), gone, "{told}");
        assert!(body.inputs.iter().any(|input| input.party == census), "what it committed to");
        ended.push((table, bits, worth(&body)));
        if gone {
            world.up("census");
        }
    }
    let whole = ended.pop().unwrap();
    for (table, bits, worth) in ended {
        assert_eq!(table, whole.0);
        assert!(bits == whole.1);
        // What is rounded on shares in each round may be off by a last unit each time.
        let close = |(one, of): (&i64, &i64)| one.abs_diff(*of) <= 40;
        assert!(worth.iter().zip(&whole.2).all(close), "{worth:?} and {:?}", whole.2);
    }
}

/// What census drew when it prepared; nothing before that.
fn drawn(world: &World, job: &str) -> Option<String> {
    let path = world.of("census").join("state/journal.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut journal = SqliteConnection::connect_with(&options).await.unwrap();
        let asked = sqlx::query_scalar("SELECT prepared FROM party_jobs WHERE job = ?").bind(job);
        asked.fetch_optional(&mut journal).await.unwrap().flatten()
    })
}

/// Another party has many rows, and takes its time to prepare them.
#[test]
fn a_provider_that_is_killed_between_preparing_and_starting_takes_part_in_every_round() {
    let mut cast = Cast { outside: true, ..train::cast() };
    let key = "type = \"int64\"\nunique = true\nmin = 0\nmax = 1000000";
    cast.jobs.columns[0] = Column::key(key, "nobody.else");
    let more = (0..MANY).map(|row| format!("{},{},trade,low\n", 2000 + row, 20 + row % 50));
    cast.jobs.csv.extend(more);
    cast.jobs.rows_max = 2 * MANY;
    let mut world = World::start(&cast);
    let asked = train("rounds = 3\nmin_providers = 2");
    let job = world.submit_psi(&asked);
    eventually("census has prepared", || drawn(&world, &job).is_some());
    world.kill("census");
    let first = drawn(&world, &job);
    world.up("census");
    let (code, table, err) = world.follow(&job).end();
    assert_eq!(code, Some(0), "{err}");
    assert!(world.log("census").contains("prepares the same once more"), "{}", world.log("census"));
    assert_eq!(drawn(&world, &job), first, "what was drawn stands");
    let there: Vec<&str> =
        table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(there, ["3"; 3], "{table}");
    let (body, told) = receipt(&world);
    assert!(body.absent.is_empty(), "{told}");
}
