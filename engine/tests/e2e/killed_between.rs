//! A provider that is killed between its consent and its first word in a training: it is in every round, and the model is to the bit that
//! of a training without that.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use engine::audit::ReceiptBody;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    cast::{Cast, Column},
    killed::pair,
    killed_again::MANY,
    lost::receipt,
    train::{self, model_of},
    world::{BUYER, LAB, World, eventually, succeeded},
};

const ROUNDS: usize = 6;

fn cast() -> Cast {
    let mut cast = Cast {
        people: pair("people", 3),
        jobs: pair("jobs", 100),
        third: Some(pair("patients", 222)),
        fourth: Some(pair("cases", 300)),
        outside: true,
        ..Cast::small()
    };
    let Cast { people, jobs, third, fourth, .. } = &mut cast;
    for table in [Some(people), Some(jobs), third.as_mut(), fourth.as_mut()].into_iter().flatten() {
        table.train["averaging"] = json!(["shares", "masks"]);
        table.train["min_colluding"] = json!(0);
        table.train["privacy"] =
            json!({"required": false, "unit": "client", "max_epsilon": "1000", "delta": "0.00001"});
    }
    cast
}

/// One of them has many rows, and takes its time to prepare them; they say the same, so that their order does not matter.
fn slow() -> Cast {
    let mut cast = cast();
    let key = "type = \"int64\"\nunique = true\nmin = 0\nmax = 1000000";
    cast.jobs.columns[0] = Column::key(key, "nobody.else");
    let head = cast.jobs.csv.find('\n').unwrap();
    cast.jobs.csv.truncate(head + 1);
    cast.jobs.csv.extend((0..MANY).map(|row| format!("{},40,trade,low\n", 2000 + row)));
    cast.jobs.rows_max = 2 * MANY;
    cast
}

/// The folder of what census gives in a job, once it is there.
fn given(world: &World, job: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(world.of("census").join("state/trainings")).ok()?;
    let mut folders = folders.filter_map(|folder| Some(folder.ok()?.path()));
    folders.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(job) && name.ends_with("-given")
    })
}

/// A party's journal, to be read, or to be held so that nothing is written into it.
struct Journal(tokio::runtime::Runtime, SqliteConnection);

impl Journal {
    fn of(world: &World, party: &str) -> Self {
        let path = world.of(party).join("state/journal.db");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = SqliteConnectOptions::new().filename(path);
        let journal = runtime.block_on(SqliteConnection::connect_with(&options)).unwrap();
        Self(runtime, journal)
    }

    /// How far the party is with a job.
    fn phase(&mut self, job: &str) -> String {
        let asked = sqlx::query_scalar("SELECT phase FROM party_jobs WHERE job = ?").bind(job);
        self.0.block_on(asked.fetch_one(&mut self.1)).unwrap()
    }

    /// How many entries its log has.
    fn entries(&mut self) -> i64 {
        let asked = sqlx::query_scalar("SELECT entries FROM log_head").fetch_one(&mut self.1);
        self.0.block_on(asked).unwrap()
    }

    fn does(&mut self, what: &'static str) {
        self.0.block_on(sqlx::query(what).execute(&mut self.1)).unwrap();
    }
}

/// Kills census once its consent is spent, and all links stand, and before it has opened the folder of what it gives: that is held here.
fn killed_before_its_first_word(world: &mut World, job: &str) {
    let mut journal = Journal::of(world, "census");
    let mut held = None;
    eventually("the consent is spent, and the folder not open yet", || {
        let Some(lock) = given(world, job).and_then(|path| File::open(path.join("lock")).ok())
        else {
            return false;
        };
        // Let go of at once, but for this: it is marked, and that can be spent.
        if lock.try_lock().is_ok() && given(world, job).unwrap().join("pledge").exists() {
            held = Some(lock);
        }
        held.is_some()
    });
    eventually("the consent is spent", || journal.phase(job) == "STARTED");
    eventually("its links stand", || {
        let log = world.log("census");
        log.lines().any(|line| line.contains(job) && line.contains("all links stand"))
    });
    world.kill("census");
    drop(held);
    assert!(given(world, job).is_some(), "it is not over");
    world.up("census");
}

/// Whether a party has prepared for a job, and written all that it writes into its journal before it begins.
fn has_prepared(world: &World, party: &str, job: &str) -> bool {
    let log = fs::read_to_string(world.of(party).join("state/audit.jsonl")).unwrap();
    let last = log.lines().last().unwrap_or_default();
    last.contains("\"prepare\"")
        && last.contains(job)
        && Journal::of(world, party).entries() == i64::try_from(log.lines().count()).unwrap()
}

/// Kills census once its consent is spent, and before its links stand: the lab, which computes, stands still meanwhile.
fn killed_before_its_links_stand(world: &mut World, job: &str) {
    let mut journal = Journal::of(world, "census");
    eventually("the lab has prepared", || has_prepared(world, LAB, job));
    world.signal(LAB, "-STOP");
    eventually("the consent is spent", || journal.phase(job) == "STARTED");
    assert_eq!(Journal::of(world, LAB).phase(job), "VALIDATED", "who computes has not begun");
    world.kill("census");
    world.up("census");
    let comes_back = |line: &str| line.contains(job) && line.contains("it comes back");
    eventually("it is called", || world.log("census").lines().any(comes_back));
    world.signal(LAB, "-CONT");
}

fn bits(world: &World) -> Vec<u32> {
    model_of(world).1.into_iter().map(f32::to_bits).collect()
}

/// How many were in each round.
fn there(table: &str) -> Vec<&str> {
    table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect()
}

/// Ends a job in which census was killed and came back: it was there in every round, and nothing is left.
fn ends(world: &World, job: &str, of: &str) -> (String, ReceiptBody) {
    let (code, table, err) = world.follow(job).end();
    assert_eq!(code, Some(0), "{err}\n{}", world.log("census"));
    assert_eq!(there(&table), [of; ROUNDS], "{table}");
    let (body, told) = receipt(world);
    assert!(body.absent.is_empty(), "{told}");
    eventually("what was kept is gone", || given(world, job).is_none());
    (table, body)
}

fn masked() -> String {
    let all = "[\"census.people\", \"employers.jobs\", \"neutral.patients\", \"clinic.cases\"]";
    let masks = "averaging = { kind = \"masks\", colluding = 0, lost = 0 }";
    let asked = train::train(&format!("rounds = {ROUNDS}\n{masks}"));
    let three = "[\"census.people\", \"employers.jobs\", \"neutral.patients\"]";
    assert!(asked.contains(three), "{asked}");
    asked.replace(three, all)
}

#[test]
fn before_its_first_word_by_masks() {
    let mut world = World::start(&cast());
    let table = succeeded(&world.ask_alone(&masked()));
    let whole = (table, bits(&world));
    receipt(&world);
    let job = world.submit_alone(&masked());
    killed_before_its_first_word(&mut world, &job);
    let (table, body) = ends(&world, &job, "4");
    assert!((table, bits(&world)) == whole);
    assert!(world.log("census").contains("it comes back"), "{}", world.log("census"));
    let [census, lab] = ["census", LAB].map(|party| party.try_into().unwrap());
    assert!(body.renewed(&census, &lab) >= 1);
}

#[test]
fn before_its_first_word_on_shares_and_with_noise() {
    let mut world = World::start(&cast());
    let noise = "privacy = { unit = \"client\", clip = 1, noise = 4 }";
    let asked = |more: &str| train::train(&format!("rounds = {ROUNDS}\nmin_providers = 3\n{more}"));
    let table = succeeded(&world.ask_psi(&asked("")));
    let whole = (table, bits(&world));
    receipt(&world);
    let job = world.submit_psi(&asked(""));
    killed_before_its_first_word(&mut world, &job);
    let (table, _) = ends(&world, &job, "3");
    assert!((table, bits(&world)) == whole);
    // What is drawn differs from one training to the next.
    let job = world.submit_psi(&asked(noise));
    killed_before_its_first_word(&mut world, &job);
    ends(&world, &job, "3");
}

#[test]
fn before_its_links_stand() {
    let mut world = World::start(&slow());
    let shares = train::train(&format!("rounds = {ROUNDS}\nmin_providers = 3"));
    for (asked, alone, of) in [(masked(), true, "4"), (shares, false, "3")] {
        let ask =
            |world: &World| if alone { world.ask_alone(&asked) } else { world.ask_psi(&asked) };
        let whole = (succeeded(&ask(&world)), bits(&world));
        receipt(&world);
        let job = if alone { world.submit_alone(&asked) } else { world.submit_psi(&asked) };
        killed_before_its_links_stand(&mut world, &job);
        let (table, _) = ends(&world, &job, of);
        assert!((table, bits(&world)) == whole);
    }
}

/// The folder is marked and the consent unspent: the provider is asked once more, or the job ends and nothing is left.
#[test]
fn before_its_consent_is_spent() {
    let mut world = World::start(&slow());
    for goes_on in [true, false] {
        let job = world.submit_alone(&masked());
        let mut journal = Journal::of(&world, "census");
        // That is the last that it writes into its journal before it begins.
        eventually("it has prepared, and its log says so", || has_prepared(&world, "census", &job));
        journal.does("BEGIN IMMEDIATE");
        eventually("it is marked", || {
            given(&world, &job).is_some_and(|path| path.join("pledge").exists())
        });
        assert_eq!(journal.phase(&job), "VALIDATED", "the consent is not spent");
        world.kill("census");
        journal.does("ROLLBACK");
        if goes_on {
            world.up("census");
            ends(&world, &job, "4");
        } else {
            succeeded(&world.by(BUYER, &["job", "cancel", &job]));
            assert_ne!(world.follow(&job).end().0, Some(0));
            assert!(given(&world, &job).is_some());
            world.up("census");
            eventually("nothing is left", || given(&world, &job).is_none());
        }
    }
}
