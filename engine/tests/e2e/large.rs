//! Tables that daemons do not keep in memory: what is held of one while it is opened and read, and what becomes of jobs when its
//! file is another one than that which was opened.

use std::{fmt::Write as _, fs};

use datafusion::arrow::{array::AsArray as _, datatypes::Int32Type};
use engine::{
    catalog::{Catalog, DatasetConfig, Limits, Source},
    identity::PartyName,
};
use serde_json::json;

use crate::{
    allocation::peak,
    psi::{cast, kept, psi, rows},
    world::{World, ended_with, succeeded},
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

#[test]
fn a_set_that_is_read_for_each_job_is_the_one_that_was_opened_or_the_job_ends() {
    let mut world = World::make(&cast(0));
    for party in ["census", "employers"] {
        let path = world.of(party).join("unseen.toml");
        let config = fs::read_to_string(&path).unwrap();
        let config = config.replace("[provider]\n", "[provider]\ntable_memory_mb = 0\n");
        fs::write(path, config).unwrap();
    }
    world = world.start_all();
    let both = psi("\"inner\"", ["[]", "[\"pay\"]"], "to = [\"employers\"]\nprotocol = \"vole\"");
    succeeded(&world.ask_psi(&both));
    let found = rows(&kept(&world, "employers")[0]);
    let pay = found["pay"].as_primitive::<Int32Type>();
    assert_eq!(pay.values()[..], [1000, 2000, 4000, 6000, 7000, 8000]);

    // A row that keeps all promises, where another one was.
    let jobs = world.of("employers").join("jobs.csv");
    let text = fs::read_to_string(&jobs).unwrap();
    fs::write(&jobs, text.replace("zoe@example.org", "hal@example.org")).unwrap();
    let words = ended_with(&world.ask_psi(&both), 1);
    assert!(words.contains("INPUT_INVALID") && words.contains("party employers"), "{words}");
    let log = world.log("employers");
    assert!(log.contains("dataset `jobs`: its file is not what it was"), "{log}");
    assert_eq!(kept(&world, "employers").len(), 1);

    world.kill("employers");
    world.up("employers");
    succeeded(&world.ask_psi(&both));
    assert_eq!(kept(&world, "employers").len(), 2);
}
