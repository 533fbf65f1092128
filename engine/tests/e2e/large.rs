//! Tables that daemons do not keep in memory: what is held of one while it is opened and read, and what becomes of jobs when its
//! file is another one than that which was opened.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use datafusion::arrow::{array::AsArray as _, datatypes::Int32Type};
use engine::{
    catalog::{Catalog, DatasetConfig, Limits, Source},
    identity::PartyName,
};
use protocols::{
    prg::Prg,
    psi::lookup::{Epoch, Publisher, Stored, Terms},
};
use serde_json::json;

use crate::{
    allocation::peak,
    cast::Cast,
    psi::{cast, kept, psi, rows},
    world::{World, ended_with, eventually, succeeded},
};

/// What opening a table of so many rows takes, and what reading it takes.
fn taken(rows: u64, unique: bool, check_bytes: usize) -> [usize; 2] {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    let mut text = String::from("id,n\n");
    (0..rows).for_each(|row| writeln!(text, "AC-{row},{}", row % 90).unwrap());
    fs::write(&path, text).unwrap();
    let config: DatasetConfig = serde_json::from_value(json!({
        "name": "t", "path": path,
        "columns": [{"name": "id", "type": "string", "unique": unique}, {"name": "n", "type": "int32"}],
    }))
    .unwrap();
    assert!(matches!(config.source, Source::Path(_)));
    let party = PartyName::try_from("census").unwrap();
    let limits = Limits { table_bytes: 0, check_bytes, scratch: dir.path().to_owned() };
    let (catalog, opened) = peak(|| Catalog::open_within(&limits, &party, vec![config]).unwrap());
    let (read, reading) = peak(|| {
        let batches = catalog.table("t").unwrap().read(&[0, 1]).unwrap();
        batches.map(|batch| batch.unwrap().num_rows() as u64).sum::<u64>()
    });
    assert_eq!(read, rows);
    [opened, reading]
}

#[test]
fn a_table_ten_times_as_long_takes_no_more_memory() {
    let (short, long) = (taken(30_000, false, 0), taken(300_000, false, 0));
    for (short, long) in short.into_iter().zip(long) {
        assert!(long < short * 3 / 2, "{short}, then {long}");
        assert!(long < 8 << 20, "{long}");
    }
    // Keys that are to be distinct take what they may, and the blocks that are being filled.
    let [opened, _] = taken(1_200_000, true, 1 << 20);
    assert!(opened < 36 << 20, "{opened}");
}

/// What making a published table of so many rows with long labels takes, and what opening it and looking something up in it takes.
fn lookup_taken(rows: u64) -> [usize; 2] {
    const LABEL: usize = 500;
    let epoch = Epoch { number: 1, base: None };
    let label_bytes = u32::try_from(LABEL).unwrap();
    let terms = Terms { epoch, queries: 1000, rows, label_bytes };
    let (mut scratch, mut body) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let (header, made) = peak(|| {
        let mut publisher = Publisher::new(terms, &mut scratch, &mut Prg::new(&[1; 16])).unwrap();
        for first in (0..rows).step_by(500) {
            let items: Vec<u128> = (first..rows.min(first + 500)).map(u128::from).collect();
            publisher.push(&items, &vec![7; LABEL * items.len()]).unwrap();
        }
        publisher.finish(&mut body).unwrap().0
    });
    let bytes = body.metadata().unwrap().len();
    assert!(bytes > rows * LABEL as u64);
    let (table, opened) = peak(|| {
        let stored = Stored::behind(body, 0).unwrap();
        header.open_stored(Box::new(stored)).unwrap()
    });
    assert_eq!(table.header().rows, rows);
    [made, opened]
}

#[test]
fn a_published_table_ten_times_as_long_takes_no_more_memory() {
    let (short, long) = (lookup_taken(1_500), lookup_taken(15_000));
    let [made, opened] = long;
    // What is made is sorted a part of a megabyte at a time.
    assert!(made < 5 << 20 && made < 3 * short[0], "{short:?}, then {long:?}");
    assert!(opened < 1 << 20 && opened < short[1] * 3 / 2, "{short:?}, then {long:?}");
}

/// Writes a file beside another one and puts it in its place.
fn replace(path: &Path, text: &str) {
    let other = path.with_extension("other");
    fs::write(&other, text).unwrap();
    fs::rename(other, path).unwrap();
}

/// What employers keeps of the newest job.
fn newest_pay(world: &World) -> Vec<i32> {
    let made = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let newest = kept(world, "employers").into_iter().max_by_key(made).unwrap();
    rows(&newest)["pay"].as_primitive::<Int32Type>().values().to_vec()
}

/// A world whose owners keep no table in memory, or all.
fn world(table_memory_mb: u32) -> World {
    started(&mut cast(0), table_memory_mb)
}

fn started(cast: &mut Cast, table_memory_mb: u32) -> World {
    cast.jobs.psi["max_queries"] = json!(9);
    cast.people.psi["max_queries"] = json!(9);
    let world = World::make(cast);
    for party in ["census", "employers"] {
        let path = world.of(party).join("unseen.toml");
        let config = fs::read_to_string(&path).unwrap();
        let memory = format!("[provider]\ntable_memory_mb = {table_memory_mb}\n");
        fs::write(path, config.replace("[provider]\n", &memory)).unwrap();
    }
    world.start_all()
}

#[test]
fn a_set_whose_file_changed_is_taken_as_it_is_by_the_next_job_or_refused_by_name() {
    for table_memory_mb in [0, 64] {
        let mut world = world(table_memory_mb);
        let to = "to = [\"employers\"]\nprotocol = \"vole\"";
        let both = psi("\"inner\"", ["[]", "[\"pay\"]"], to);
        succeeded(&world.ask_psi(&both));
        assert_eq!(newest_pay(&world), [1000, 2000, 4000, 6000, 7000, 8000]);

        // A row that keeps all promises, where another one was.
        let jobs = world.of("employers").join("jobs.csv");
        let text = fs::read_to_string(&jobs).unwrap();
        replace(&jobs, &text.replace("zoe@example.org", "hal@example.org"));
        succeeded(&world.ask_psi(&both));
        assert_eq!(newest_pay(&world), [1000, 2000, 3000, 4000, 6000, 7000, 8000]);

        // A value beyond its range: the job ends, and the daemon goes on.
        replace(&jobs, &text.replace(",3000", ",33000"));
        let words = ended_with(&world.ask_psi(&both), 1);
        for part in ["INPUT_INVALID", "party employers", "submit the job again"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert!(!words.contains("33000") && !words.contains("jobs.csv"), "{words}");
        let log = world.log("employers");
        assert!(log.contains("dataset `jobs`: its file changed and is refused"), "{log}");
        assert!(log.contains("row 3, column `pay`") && log.contains("range"), "{log}");
        assert_eq!(kept(&world, "employers").len(), 2);
        assert!(world.is_up("employers"));

        replace(&jobs, &text);
        succeeded(&world.ask_psi(&both));
        assert_eq!(newest_pay(&world), [1000, 2000, 4000, 6000, 7000, 8000]);
    }
}

#[test]
fn a_job_that_was_planned_before_the_file_changed_takes_its_rows_as_they_are_or_ends() {
    for table_memory_mb in [0, 64] {
        let mut cast = cast(0);
        cast.consent = "manual";
        let world = started(&mut cast, table_memory_mb);
        let to = "to = [\"employers\"]\nprotocol = \"vole\"";
        let both = psi("\"inner\"", ["[]", "[\"pay\"]"], to);
        let jobs = world.of("employers").join("jobs.csv");
        let text = fs::read_to_string(&jobs).unwrap();
        let meanwhile = |now: &str| {
            let job = world.submit_psi(&both);
            for party in ["census", "employers"] {
                eventually("the job waits for a person", || {
                    succeeded(&world.by(party, &["consent", "list"])).contains(&job)
                });
            }
            succeeded(&world.by("census", &["consent", "approve", &job]));
            replace(&jobs, now);
            succeeded(&world.by("employers", &["consent", "approve", &job]));
            world.by("insurer", &["job", "result", &job])
        };
        // What is described of it is the same: somebody who is no longer in the file is not computed with.
        succeeded(&meanwhile(&text.replace("zoe@example.org", "hal@example.org")));
        assert_eq!(newest_pay(&world), [1000, 2000, 3000, 4000, 6000, 7000, 8000]);

        // A value beyond its range.
        let words = ended_with(&meanwhile(&text.replace(",3000", ",33000")), 1);
        for part in ["INPUT_INVALID", "party employers", "submit the job again"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let log = world.log("employers");
        assert!(log.contains("dataset `jobs`: its file changed and is refused"), "{log}");
        assert_eq!(kept(&world, "employers").len(), 1);
    }
}
