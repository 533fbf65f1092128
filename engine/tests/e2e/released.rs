//! What intersections let out, between real daemons over TLS: numbers for owners of sets.

use std::path::PathBuf;

use datafusion::arrow::{array::AsArray as _, datatypes::Int64Type};
use serde_json::{Value, json};

use crate::{
    psi::{cast, kept, opened, psi, rows},
    world::{World, ended_with, succeeded},
};

#[test]
fn a_count_or_a_sum_reaches_the_owners_it_is_for() {
    let mut cast = cast(5);
    cast.people.psi["forms"] = json!(["cardinality", "sum", "inner"]);
    let world = World::start(&cast);
    let one = psi("\"cardinality\"", ["[]", "[]"], "to = [\"employers\"]\nprotocol = \"circuit\"");
    assert_eq!(succeeded(&world.ask_psi(&one)).trim(), "");
    assert!(kept(&world, "census").is_empty());
    let counted = rows(&kept(&world, "employers")[0]);
    assert_eq!(counted["matched"].as_primitive::<Int64Type>().values()[..], [5]);

    let form = "{ sum = { column = \"employers.jobs.pay\" } }";
    let both = psi(form, ["[]", "[]"], "to = [\"census\", \"employers\"]");
    assert_eq!(succeeded(&world.ask_psi(&both)).trim(), "");
    assert_eq!(kept(&world, "employers").len(), 2);
    let summed = rows(&kept(&world, "census")[0]);
    assert_eq!(summed["matched"].as_primitive::<Int64Type>().values()[..], [5]);
    assert_eq!(summed["sum_pay"].as_primitive::<Int64Type>().values()[..], [20_000]);
    let opened = opened(&world);
    // Five keys are common, so rows are shown as well.
    let listed = psi("\"inner\"", ["[\"age\"]", "[]"], "to = [\"census\"]");
    assert_eq!(succeeded(&world.ask_psi(&listed)).trim(), "");
    assert_eq!(kept(&world, "census").len(), 2);
    let to = |name: &str| {
        opened.iter().filter(|all| all.to_string().contains(&format!("\"{name}\""))).count()
    };
    assert_eq!((to("census"), to("employers")), (1, 2), "{opened:?}");
}

#[test]
fn a_question_about_too_few_keys_shows_no_rows_and_counts() {
    let mut cast = cast(6);
    cast.jobs.psi["max_queries"] = json!(1);
    let world = World::start(&cast);
    let one = psi("\"inner\"", ["[\"age\"]", "[]"], "to = [\"census\"]");
    let words = ended_with(&world.ask_psi(&one), 1);
    assert!(words.contains("TOO_FEW_IN_COMMON"), "{words}");
    assert!(kept(&world, "census").is_empty());
    let words = ended_with(&world.ask_psi(&one), 3);
    assert!(words.contains("employers") && words.contains("psi.max_queries"), "{words}");
}

#[test]
fn a_policy_has_noise_added_to_what_the_buyer_gets() {
    let mut cast = cast(0);
    cast.people.psi["noise"] = json!({"epsilon_milli": 1000});
    let world = World::start(&cast);
    let counted =
        world.ask_psi(&psi("\"cardinality\"", ["[]", "[]"], "noise = { epsilon_milli = 500 }"));
    let text = succeeded(&counted);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, "matched"));
    // Three draws of scale 2: as far off as this once in 10^20.
    let matched: i64 = lines[1].parse().unwrap();
    assert!((5 - matched).abs() < 100, "{matched}");
    let receipts = reports(&world);
    assert!(
        receipts[0].contains("ε = 0.500 for each number and 0.500 for this job"),
        "{receipts:?}"
    );
}

/// The leakage report of each receipt.
fn reports(world: &World) -> Vec<String> {
    let files = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let receipts = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    receipts.map(|path: PathBuf| read(path)["body"]["leakage"]["lines"].to_string()).collect()
}
