//! Values planted in the tables are found nowhere afterwards but at their providers' own files, and results at the buyer's.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::json;

use crate::{
    cast::{Cast, Column, Table},
    needles::Needles,
    world::{BUYER, DAEMONS, World, ended_with, succeeded},
};

const ROWS: usize = 128;
/// As many as a word has bits, so that every word of a shared result is random in all its bits.
const SECTORS: usize = 64;
const WHOLE: &str = "type = \"int64\"\nmin = -9223372036854775808\nmax = 9223372036854775807";
pub(crate) const SQL: &str = "SELECT j.sector, COUNT(*) AS people, SUM(j.pay) AS pay
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
WHERE p.tag <> 'nobody' AND p.weight < j.bonus
GROUP BY j.sector
ORDER BY j.sector";

/// The tables, what is planted in them, and the answer.
pub(crate) struct Planted {
    pub(crate) cast: Cast,
    pub(crate) canaries: Needles,
    sums: Vec<i64>,
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// 16 bytes of text.
fn word() -> String {
    hex::encode(random::<8>())
}

pub(crate) fn plant() -> Planted {
    let mut canaries = Needles::default();
    let mut people = String::from("person_id,weight,tag,secret,note\n");
    let mut jobs = String::from("person_id,sector,pay,bonus\n");
    let sectors: Vec<_> = (0..SECTORS).map(|at| format!("s{at:02}")).collect();
    let mut sums = vec![0; SECTORS];
    for row in 0..ROWS {
        let id = i64::from_le_bytes(random());
        let (weight, bonus) =
            (i64::from_le_bytes(random()) | i64::MIN, i64::from_le_bytes(random()) & i64::MAX);
        let (secret, tag, note) = (i64::from_le_bytes(random()), word(), word());
        // Large enough to be recognised, small enough for sums of all rows.
        let pay = i64::from_le_bytes(random()) & ((1 << 56) - 1) | 1 << 55;
        let sector = row % SECTORS;
        sums[sector] += pay;
        let _ = writeln!(people, "{id},{weight},{tag},{secret},{note}");
        let _ = writeln!(jobs, "{id},{},{pay},{bonus}", sectors[sector]);
        for (what, value) in [
            ("person_id", id),
            ("weight", weight),
            ("secret", secret),
            ("pay", pay),
            ("bonus", bonus),
        ] {
            canaries.integer(&format!("{what} of row {row}"), value);
        }
        canaries.text(&format!("tag of row {row}"), &tag);
        canaries.text(&format!("note of row {row}"), &note);
    }
    Planted { cast: cast(people, jobs, &sectors), canaries, sums }
}

fn cast(people: String, jobs: String, sectors: &[String]) -> Cast {
    const KEY: &str =
        "type = \"int64\"\nunique = true\nmin = -9223372036854775808\nmax = 9223372036854775807";
    let (filter, unused) = (json!({"release": ["filter"]}), json!({"release": []}));
    let people_columns = vec![
        Column::key(KEY, "employers.jobs"),
        Column::new("weight", WHOLE, filter.clone()),
        Column::new("tag", "type = \"string\"", filter.clone()),
        Column::new("secret", WHOLE, unused.clone()),
        Column::new("note", "type = \"string\"", unused),
    ];
    let pay = "type = \"int64\"\nmin = 0\nmax = 72057594037927935";
    let jobs_columns = vec![
        Column::key(KEY, "census.people"),
        Column::sector(sectors),
        Column::new("pay", pay, json!({"release": ["aggregate"], "aggregates": ["SUM"]})),
        Column::new("bonus", WHOLE, filter),
    ];
    let mut cast = Cast {
        people: Table::new("people", people, people_columns),
        jobs: Table::new("jobs", jobs, jobs_columns),
        ..Cast::small()
    };
    // One more than there are, for the row that is wrong on purpose.
    (cast.people.rows_max, cast.jobs.rows_max) = (ROWS as u64 + 1, ROWS as u64);
    cast
}

/// Everything a daemon logged and stored, file by file.
pub(crate) fn left_behind(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut files, mut folders) = (vec![folder.join("daemon.log")], vec![folder.join("state")]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (inner, own): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        folders.extend(inner);
        files.extend(own);
    }
    files.into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

#[test]
fn planted_values_results_and_shares_stay_where_they_belong() {
    let Planted { cast, canaries, sums } = plant();
    let world = World::start(&cast);
    let told = fetchable_beforehand(&world);
    let output = world.ask(SQL);
    let mut answer = String::from("sector,people,pay\n");
    for (sector, sum) in sums.iter().enumerate() {
        let _ = writeln!(answer, "s{sector:02},{},{sum}", ROWS / SECTORS);
    }
    assert_eq!(succeeded(&output), answer);
    let mut results = Needles::default();
    for sum in sums {
        results.integer("a sum", sum);
    }
    assert!(!results.found_in(&output.stdout).is_empty(), "the buyer has them");

    let mut places: Vec<_> =
        DAEMONS.iter().flat_map(|party| left_behind(&world.of(party))).collect();
    assert!(places.iter().any(|(path, _)| path.ends_with("-wal")), "live journals are looked at");
    places.extend(told);
    places.extend(fetchable_afterwards(&world));
    places.push(("what the buyer's command said beside the result".into(), output.stderr));
    for (place, content) in &places {
        assert!(!content.is_empty() || place.contains("-"), "{place} is empty");
        assert_eq!(canaries.found_in(content), Vec::<&str>::new(), "{place}");
        assert_eq!(results.found_in(content), Vec::<&str>::new(), "{place}");
    }
    the_checker_sees_what_is_there(&world, &canaries, &places);
}

/// A log with one planted row in it, and the tables themselves, must not pass.
fn the_checker_sees_what_is_there(world: &World, canaries: &Needles, places: &[(String, Vec<u8>)]) {
    let table = fs::read_to_string(world.of("census").join("people.csv")).unwrap();
    assert!(canaries.found_in(table.as_bytes()).len() >= 5 * ROWS);
    let cell = table.lines().nth(1).unwrap().split(',').nth(3).unwrap();
    let log = &places.iter().find(|(place, _)| place.ends_with("exchange/daemon.log")).unwrap().1;
    let number: i64 = cell.parse().unwrap();
    for leak in [cell.as_bytes().to_vec(), number.to_le_bytes().to_vec()] {
        let mut copy = log.clone();
        let middle = copy.len() / 2;
        copy.splice(middle..middle, leak);
        assert!(!canaries.found_in(&copy).is_empty());
    }
}

/// What the coordinator tells before a job runs.
fn fetchable_beforehand(world: &World) -> Vec<(String, Vec<u8>)> {
    world.job_file(SQL);
    let explained = world.by(BUYER, &["job", "explain", "insurer/job.toml"]);
    succeeded(&explained);
    vec![("job explain".into(), explained.stdout)]
}

/// What the coordinator tells of a job that is over, receipt included.
fn fetchable_afterwards(world: &World) -> Vec<(String, Vec<u8>)> {
    let listed = world.by(BUYER, &["job", "list"]);
    let list = succeeded(&listed);
    let job = list.split_whitespace().next().unwrap();
    let watched = world.by(BUYER, &["job", "watch", job]);
    succeeded(&watched);
    let receipts: Vec<_> = fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    assert_eq!(receipts.len(), 1);
    let verified = world.unseen(&["receipt", "verify", receipts[0].to_str().unwrap()]);
    succeeded(&verified);
    vec![
        ("job list".into(), listed.stdout),
        ("job watch".into(), [watched.stdout, watched.stderr].concat()),
        ("receipt".into(), fs::read(&receipts[0]).unwrap()),
        ("receipt verify".into(), verified.stdout),
    ]
}

#[test]
fn what_is_wrong_with_a_table_is_said_without_its_values() {
    let mut planted = plant();
    planted.cast.people.csv += "not-a-number,1,x,2,y\n";
    let world = World::make(&planted.cast);
    let error = ended_with(&world.up_in_vain("census"), 2);
    assert!(error.contains("people.csv, line 130, column `person_id`"), "{error}");
    assert!(!error.contains("not-a-number"), "{error}");
    assert_eq!(planted.canaries.found_in(error.as_bytes()), Vec::<&str>::new());
}
