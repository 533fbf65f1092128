//! Intersections between real daemons, over TLS: for the buyer, for the owners of the sets, refused by policy, below the least
//! size, and beyond a recipient's budget.

use std::{fs::File, path::PathBuf};

use datafusion::{
    arrow::{
        array::{AsArray as _, RecordBatch},
        datatypes::{Int32Type, UInt64Type},
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};
use serde_json::{Value, json};

use crate::{
    cast::{Cast, Column},
    world::{World, ended_with, succeeded},
};

/// Mail addresses as two organisations typed them: census has 8 of them in 11 rows, employers 6, five are the same.
const PEOPLE: &str = "person_id,mail,age\n1,Ann@example.org,31\n2, bob@example.org,32\n3,CAT@EXAMPLE.ORG,33\n4,,34\n\
                      5,dan@example.org,35\n6,ann@example.org,36\n7,ｅｖｅ@example.org,37\n8,fay@example.org,38\n\
                      9,gus@example.org,39\n10,hal@example.org,40\n11,,41\n";
const JOBS: &str = "person_id,mail,pay\n21,eve@example.org ,1000\n22,ANN@example.org,2000\n23,zoe@example.org,3000\n\
                    24,bob@example.org,4000\n25,,5000\n26,Cat@example.org,6000\n27,dan@example.org,7000\n\
                    28,dan@EXAMPLE.org,8000\n";

pub(crate) fn cast(least: u32) -> Cast {
    let mail = |with: &str| {
        let rule = json!({"release": ["join_key"], "join_with": [with]});
        Column::new("mail", "type = \"string\"\nnullable = true", rule)
    };
    let listed = json!({"release": ["list", "aggregate"], "aggregates": ["SUM"]});
    let number = |name: &'static str, max: u32| {
        let config = format!("type = \"int32\"\nmin = 0\nmax = {max}");
        Column::new(name, &config, listed.clone())
    };
    let mut cast = Cast::small();
    cast.people.csv = PEOPLE.to_owned();
    cast.people.columns[1] = mail("employers.jobs");
    cast.people.columns.push(number("age", 127));
    cast.jobs.csv = JOBS.to_owned();
    cast.jobs.columns.truncate(1);
    cast.jobs.columns.extend([mail("census.people"), number("pay", 10_000)]);
    for table in [&mut cast.people, &mut cast.jobs] {
        table.least = 0;
        table.psi = json!({
            "forms": ["inner", "cardinality", "anti"], "recipients": ["buyer", "owners"],
            "min_intersection": least, "max_queries": 2
        });
    }
    cast.jobs.psi["forms"] = json!(["inner", "cardinality", "anti", "sum"]);
    cast
}

/// The `[psi]` table of a job file.
pub(crate) fn psi(form: &str, columns: [&str; 2], more: &str) -> String {
    let set = |dataset: &str, columns: &str| {
        format!("[[psi.sets]]\ndataset = \"{dataset}\"\nkey = [\"mail\"]\ncolumns = {columns}\n")
    };
    let sets = set("census.people", columns[0]) + &set("employers.jobs", columns[1]);
    format!(
        "[psi]\nform = {form}\n{more}\ntext = {{ fold_case = true, fold_width = true }}\n{sets}"
    )
}

/// The only file in a party's folder of results.
pub(crate) fn kept(world: &World, party: &str) -> Vec<PathBuf> {
    let folder = world.of(party).join("state/results");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

pub(crate) fn rows(path: &PathBuf) -> RecordBatch {
    let file = File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
}

/// The receipt that the buyer keeps beside its job file or working folder.
pub(crate) fn opened(world: &World) -> Vec<Value> {
    let receipts = std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let receipts = receipts.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let read = |path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    receipts.map(|path: PathBuf| read(path)["body"]["opened"].clone()).collect()
}

#[test]
fn an_intersection_reaches_the_buyer_or_the_owners_and_budgets_end_it() {
    let world = World::start(&cast(0));
    let counted = world.ask_psi(&psi("\"cardinality\"", ["[]", "[]"], ""));
    assert_eq!(succeeded(&counted), "matched\n5\n");
    let circuit = "protocol = \"circuit\"";
    let listed = world.ask_psi(&psi("\"inner\"", ["[\"age\"]", "[\"pay\"]"], circuit));
    let mut lines: Vec<_> = succeeded(&listed).lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    // Of Ann's two rows and Dan's two the first counts.
    assert_eq!(lines, ["31,2000", "32,4000", "33,6000", "35,7000", "37,1000"]);
    let third = world.ask_psi(&psi("\"cardinality\"", ["[]", "[]"], ""));
    let words = ended_with(&third, 3);
    assert!(words.contains("psi.max_queries") && words.contains("has had the 2"), "{words}");

    assert_eq!((kept(&world, "census"), kept(&world, "employers")), (vec![], vec![]));
    let one = psi("\"inner\"", ["[\"age\"]", "[]"], "to = [\"census\"]\nprotocol = \"vole\"");
    assert_eq!(succeeded(&world.ask_psi(&one)).trim(), "");
    let files = kept(&world, "census");
    let found = rows(&files[0]);
    // All rows of a key, in their order: Ann stands in the table twice.
    assert_eq!(found.column(0).as_primitive::<UInt64Type>().values()[..], [0, 1, 2, 4, 5, 6]);
    assert_eq!(found["age"].as_primitive::<Int32Type>().values()[..], [31, 32, 33, 35, 36, 37]);
    assert!(kept(&world, "employers").is_empty());
    let mut openings: Vec<Value> = opened(&world);
    openings.retain(|all| all.to_string().contains("membership"));
    let membership = json!({"op": 3, "kind": "membership", "count": "64", "to": "census"});
    assert_eq!(openings.len(), 1);
    assert!(openings[0].as_array().unwrap().contains(&membership), "{openings:?}");

    let both = psi("\"inner\"", ["[]", "[\"pay\"]"], "to = [\"census\", \"employers\"]");
    succeeded(&world.ask_psi(&both));
    assert_eq!(kept(&world, "census").len(), 2);
    let found = rows(&kept(&world, "employers")[0]);
    let pay = found["pay"].as_primitive::<Int32Type>();
    assert_eq!(pay.values()[..], [1000, 2000, 4000, 6000, 7000, 8000]);
    let anti = psi("\"anti\"", ["[\"age\"]", "[]"], "to = [\"census\"]");
    let words = ended_with(&world.ask_psi(&anti), 3);
    assert!(words.contains("employers") && words.contains("psi.max_queries"), "{words}");
}

#[test]
fn an_owner_learns_its_rows_by_the_malicious_variant_as_well() {
    let world = World::start(&cast(0));
    let more = "to = [\"employers\"]\nprotocol = \"vole-malicious\"";
    assert_eq!(succeeded(&world.ask_psi(&psi("\"inner\"", ["[]", "[\"pay\"]"], more))).trim(), "");
    let found = rows(&kept(&world, "employers")[0]);
    let pay = found["pay"].as_primitive::<Int32Type>();
    assert_eq!(pay.values()[..], [1000, 2000, 4000, 6000, 7000, 8000]);
    assert!(kept(&world, "census").is_empty());
}

#[test]
fn an_owner_that_does_not_compute_learns_its_rows_from_one_that_does() {
    let world = World::start(&Cast { outside: true, ..cast(0) });
    let both = psi(
        "\"inner\"",
        ["[\"age\"]", "[\"pay\"]"],
        "to = [\"census\", \"employers\"]\nprotocol = \"vole\"",
    );
    assert_eq!(succeeded(&world.ask_psi(&both)).trim(), "");
    let found = rows(&kept(&world, "census")[0]);
    assert_eq!(found["age"].as_primitive::<Int32Type>().values()[..], [31, 32, 33, 35, 36, 37]);
    let found = rows(&kept(&world, "employers")[0]);
    let pay = found["pay"].as_primitive::<Int32Type>();
    assert_eq!(pay.values()[..], [1000, 2000, 4000, 6000, 7000, 8000]);
    let openings: Vec<Value> = opened(&world);
    for to in ["census", "employers"] {
        let membership = json!({"op": 3, "kind": "membership", "count": "64", "to": to});
        assert!(openings[0].as_array().unwrap().contains(&membership), "{openings:?}");
    }
    // What was there of the sets while the job ran is gone.
    for party in ["census", "employers"] {
        let scratch = std::fs::read_dir(world.of(party).join("state/scratch")).unwrap();
        assert_eq!(scratch.count(), 0, "{party}");
    }
}

#[test]
fn policies_refuse_forms_and_recipients_and_hold_back_what_is_too_small() {
    let world = World::start(&cast(6));
    let circuit = "protocol = \"circuit\"";
    let counted = world.ask_psi(&psi("\"cardinality\"", ["[]", "[]"], circuit));
    assert_eq!(succeeded(&counted), "matched\n");
    let form = "{ sum = { column = \"employers.jobs.pay\" } }";
    let words = ended_with(&world.ask_psi(&psi(form, ["[]", "[]"], "")), 3);
    assert!(words.contains("census") && words.contains("psi.forms"), "{words}");
    let one = psi("\"inner\"", ["[\"age\"]", "[]"], "to = [\"census\"]");
    let words = ended_with(&world.ask_psi(&one), 1);
    assert!(words.contains("TOO_FEW_IN_COMMON") && words.contains("none were shown"), "{words}");
    assert!(kept(&world, "census").is_empty());
    let wrong = psi("\"inner\"", ["[\"age\"]", "[]"], "protocol = \"lookup\"");
    let output = world.ask_psi(&wrong);
    assert!(!output.status.success());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("`lookup`"), "{words}");
}
