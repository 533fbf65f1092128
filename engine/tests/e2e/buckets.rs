//! Counts and sums of sets that meet bucket by bucket, between real daemons that keep no table in memory.

use std::fs;

use datafusion::arrow::{array::AsArray as _, datatypes::Int32Type};
use serde_json::json;

use crate::{
    psi::{cast, kept, psi, rows},
    world::{World, ended_with, succeeded},
};

/// Bounds of three buckets of the least size.
const BOUND: u64 = 9_000;
const BUCKETS: &str = "bucket_rows = 4096\nprotocol = \"circuit\"";

/// Five keys are common; policies ask for so many.
fn world(least: u32) -> World {
    let mut cast = cast(least);
    for table in [&mut cast.people, &mut cast.jobs] {
        table.rows_max = BOUND;
        table.psi["forms"] = json!(["inner", "cardinality", "sum"]);
        table.psi["max_queries"] = json!(9);
    }
    let world = World::make(&cast);
    for party in ["census", "employers"] {
        let path = world.of(party).join("unseen.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(path, config.replace("[provider]\n", "[provider]\ntable_memory_mb = 0\n"))
            .unwrap();
    }
    world.start_all()
}

#[test]
fn counts_and_sums_over_buckets_reach_the_buyer_and_a_minimum_that_is_met_shows_rows() {
    let mut world = world(5);
    let counted = psi("\"cardinality\"", ["[]", "[]"], BUCKETS);
    assert_eq!(succeeded(&world.ask_psi(&counted)), "matched\n5\n");
    let explained = succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    assert!(explained.contains(" in 3 buckets of about 3,000 rows"), "{explained}");

    // Of the rows of one key the first counts.
    let sum = psi("{ sum = { column = \"employers.jobs.pay\" } }", ["[]", "[]"], BUCKETS);
    assert_eq!(succeeded(&world.ask_psi(&sum)), "matched,sum_pay\n5,20000\n");

    let rows_to = "to = [\"employers\"]\nprotocol = \"vole\"\nbucket_rows = 4096";
    let listed = psi("\"inner\"", ["[]", "[\"pay\"]"], rows_to);
    succeeded(&world.ask_psi(&listed));
    let found = rows(&kept(&world, "employers")[0]);
    let pay = found["pay"].as_primitive::<Int32Type>();
    assert_eq!(pay.values()[..], [1000, 2000, 4000, 6000, 7000, 8000]);

    // A value beyond its range in a file that changed: the job ends, and the next one takes the file as it is then.
    let jobs = world.of("employers").join("jobs.csv");
    let text = fs::read_to_string(&jobs).unwrap();
    let replace = |text: &str| {
        fs::write(jobs.with_extension("other"), text).unwrap();
        fs::rename(jobs.with_extension("other"), &jobs).unwrap();
    };
    replace(&text.replace(",3000", ",33000"));
    let words = ended_with(&world.ask_psi(&sum), 1);
    assert!(words.contains("INPUT_INVALID") && !words.contains("33000"), "{words}");
    assert!(world.is_up("employers"));
    replace(&text.replace("zoe@example.org", "hal@example.org"));
    assert_eq!(succeeded(&world.ask_psi(&sum)), "matched,sum_pay\n6,23000\n");
    // What was there of the sets while a job ran is gone.
    for party in ["census", "employers"] {
        let scratch = fs::read_dir(world.of(party).join("state/scratch")).unwrap();
        assert_eq!(scratch.count(), 0, "{party}");
    }
}

#[test]
fn a_minimum_that_is_missed_by_one_over_all_buckets_shows_nothing() {
    let world = world(6);
    let counted = psi("\"cardinality\"", ["[]", "[]"], BUCKETS);
    assert_eq!(succeeded(&world.ask_psi(&counted)), "matched\n");
    let rows_to = "to = [\"employers\"]\nprotocol = \"vole\"\nbucket_rows = 4096";
    let listed = psi("\"inner\"", ["[]", "[\"pay\"]"], rows_to);
    let words = ended_with(&world.ask_psi(&listed), 1);
    assert!(words.contains("TOO_FEW_IN_COMMON"), "{words}");
    assert!(kept(&world, "employers").is_empty());
}
