//! Private lookups between real daemons, over TLS: right labels, the table fetched once, changed rows, budgets, refusals.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::SystemTime,
};

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch},
        util::display::array_value_to_string,
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};
use serde_json::{Value, json};

use crate::{
    cast::{Cast, Column},
    lost::receipt,
    wiretap::{Strike, Wiretap},
    world::{World, ended_with, eventually, succeeded},
};

/// Telephone numbers as two organisations typed them. Of Ann's rows at employers the first counts.
const ASKED: &str = "person_id,phone,age\n1,555-01,31\n2, 555-02 ,32\n3,５５５-03,33\n4,,34\n5,555-99,35\n6,555-01,36\n";
const PUBLISHED: &str = "person_id,phone,pay,grade,city,since\n21,555-01,1000,A,Ulm,2020-01-31\n22,555-02,2000,,Köln,1969-12-31\n\
                         23,555-03,-3000,B,,2021-05-05\n24,,5000,A,Bonn,2022-01-01\n25,555-01,6000,B,Jena,2023-01-01\n\
                         26,555-07,7000,A,Trier,2024-01-01\n";

/// The bound of the asking set: so many keys each job takes.
const BOUND: u64 = 16;

fn cast(most: Value) -> Cast {
    let phone = |with: &str| {
        let rule = json!({"release": ["join_key"], "join_with": [with]});
        Column::new("phone", "type = \"string\"\nnullable = true", rule)
    };
    let listed = |name: &'static str, config: &str| {
        Column::new(name, config, json!({"release": ["list", "filter"]}))
    };
    let mut cast = Cast::small();
    cast.people.csv = ASKED.to_owned();
    cast.people.rows_max = BOUND;
    cast.people.columns.truncate(1);
    cast.people
        .columns
        .extend([phone("employers.jobs"), listed("age", "type = \"int32\"\nmin = 0\nmax = 127")]);
    cast.jobs.csv = PUBLISHED.to_owned();
    cast.jobs.columns.truncate(1);
    cast.jobs.columns.extend([
        phone("census.people"),
        listed("pay", "type = { decimal = { precision = 9, scale = 2 } }"),
        listed("grade", "type = \"string\"\nnullable = true\ndomain = [\"A\", \"B\"]"),
        listed("city", "type = \"string\"\nnullable = true\nmax_bytes = 8"),
        listed("since", "type = \"date\""),
    ]);
    for table in [&mut cast.people, &mut cast.jobs] {
        table.least = 0;
        table.psi = json!({"forms": ["inner", "left", "anti"], "recipients": ["owners", "buyer"]});
    }
    cast.jobs.psi["max_lookups"] = most;
    cast
}

/// The `[psi]` table of a job file.
fn lookup(form: &str, columns: [&str; 2], more: &str) -> String {
    let set = |dataset: &str, columns: &str| {
        format!("[[psi.sets]]\ndataset = \"{dataset}\"\nkey = [\"phone\"]\ncolumns = {columns}\n")
    };
    let sets = set("census.people", columns[0]) + &set("employers.jobs", columns[1]);
    format!(
        "[psi]\nform = \"{form}\"\nprotocol = \"lookup\"\n{more}\ntext = {{ fold_width = true }}\n{sets}"
    )
}

const TO: &str = "to = [\"census\"]";
const LABELS: &str = "[\"pay\", \"grade\", \"city\", \"since\"]";

/// The newest file among census' results, as lines.
fn learned(world: &World) -> Vec<String> {
    let folder = fs::read_dir(world.of("census").join("state/results")).unwrap();
    let made = |path: &PathBuf| -> SystemTime { fs::metadata(path).unwrap().modified().unwrap() };
    let newest = folder.map(|entry| entry.unwrap().path()).max_by_key(made).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(newest).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut lines = vec![names.join(",")];
    for rows in batches {
        for row in 0..rows.num_rows() {
            let cell = |column: &ArrayRef| array_value_to_string(column, row).unwrap();
            lines.push(rows.columns().iter().map(cell).collect::<Vec<_>>().join(","));
        }
    }
    lines
}

/// Bytes that all parties sent in the buyer's newest job.
fn bytes(world: &World) -> u64 {
    let receipts = fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path());
    let receipts = receipts.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let made = |path: &PathBuf| -> SystemTime { fs::metadata(path).unwrap().modified().unwrap() };
    let newest = receipts.max_by_key(made).unwrap();
    let receipt: Value = serde_json::from_slice(&fs::read(newest).unwrap()).unwrap();
    let meters = receipt["body"]["meter"].as_object().unwrap().values();
    meters.map(|meter| meter["bytes_sent"].as_str().unwrap().parse::<u64>().unwrap()).sum()
}

/// What `job explain` says it costs: without the table, and the table.
fn quoted(world: &World) -> (u64, u64) {
    let told = succeeded(&world.by("insurer", &["job", "explain", "insurer/job.toml"]));
    let number = |words: &str| -> u64 {
        let (_, behind) = told.split_once(words).unwrap_or_else(|| panic!("{words}: {told}"));
        behind.split(' ').next().unwrap().parse().unwrap()
    };
    (number("\nprice: "), number("links that the job names in `network`; and "))
}

#[test]
fn labels_are_right_and_the_table_is_fetched_once_until_it_changes() {
    let mut world = World::start(&cast(json!(100)));
    let job = lookup("inner", ["[\"age\"]", LABELS], TO);
    assert_eq!(succeeded(&world.ask_psi(&job)).trim(), "");
    let found = [
        "row,age,pay,grade,city,since",
        "0,31,1000.00,A,Ulm,2020-01-31",
        "1,32,2000.00,,Köln,1969-12-31",
        "2,33,-3000.00,B,,2021-05-05",
        "5,36,1000.00,A,Ulm,2020-01-31",
    ];
    assert_eq!(learned(&world), found);
    let (first, (price, table)) = (bytes(&world), quoted(&world));
    assert_eq!(first, price + table, "the table is fetched");
    assert!(!world.of("employers").join("state/results").exists(), "who answers learns nothing");

    let left = lookup("left", ["[]", LABELS], TO);
    succeeded(&world.ask_psi(&left));
    let lines = learned(&world);
    assert_eq!(lines[0], "row,pay,grade,city,since,matched");
    assert_eq!(lines[4], "3,,,,,false");
    assert_eq!(lines[5], "4,,,,,false");
    assert_eq!(lines[6], "5,1000.00,A,Ulm,2020-01-31,true");
    assert_eq!(bytes(&world), price, "and held from then on");

    // Another salary, and a new row: a new publication, of which the table that is held says nothing.
    let changed = PUBLISHED.replace("555-02,2000", "555-02,2500").replace("555-07", "555-99");
    fs::write(world.of("employers").join("jobs.csv"), changed).unwrap();
    succeeded(&world.ask_psi(&lookup("inner", ["[\"age\"]", "[\"pay\"]"], TO)));
    assert_eq!(
        learned(&world)[1..],
        ["0,31,1000.00", "1,32,2500.00", "2,33,-3000.00", "4,35,7000.00", "5,36,1000.00"]
    );
    succeeded(&world.ask_psi(&job));
    assert_eq!(learned(&world)[4], "4,35,7000.00,A,Trier,2024-01-01");
    assert_eq!(bytes(&world), price + table);

    // A table that is damaged where it is kept is fetched again.
    let kept = world.of("census").join("state/lookups/fetched");
    for entry in fs::read_dir(kept).unwrap() {
        let path = entry.unwrap().path();
        let mut held = fs::read(&path).unwrap();
        *held.last_mut().unwrap() ^= 1;
        fs::write(path, held).unwrap();
    }
    succeeded(&world.ask_psi(&job));
    assert_eq!(bytes(&world), price + table);
    assert_eq!(learned(&world).len(), 6);
    // Five times the bound of 16 keys, and 100 in all.
    assert_eq!(100 / BOUND, 6);
    succeeded(&world.ask_psi(&job));
    let words = ended_with(&world.ask_psi(&job), 3);
    assert!(words.contains("psi.max_lookups") && words.contains("of which 4 are left"), "{words}");
    world.kill("employers");
    world.up("employers");
    let words = ended_with(&world.ask_psi(&job), 3);
    assert!(words.contains("census ltd") && words.contains("of which 4 are left"), "{words}");
}

#[test]
fn what_is_published_ahead_serves_the_jobs_that_ask_for_it() {
    let world = World::start(&cast(json!(100)));
    let publish = [
        "lookup",
        "publish",
        "jobs",
        "--key",
        "phone",
        "--columns",
        "pay,grade",
        "--filter",
        "grade = 'A'",
        "--fold-width",
    ];
    let told = succeeded(&world.by("employers", &publish));
    for words in [
        "employers.jobs by phone where grade = 'A': says pay, grade",
        "64 rows",
        "200 queries in all",
        "can try keys that can be guessed",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let list = || succeeded(&world.by("employers", &["lookup", "list"]));
    let remark =
        "  jobs that name the same key, columns, filter and rules for text are answered from it\n";
    let listed = told.replace(remark, "");
    assert_eq!(list(), listed);
    assert_eq!(succeeded(&world.by("employers", &publish)), told, "nothing has changed");
    let job = lookup("inner", ["[]", "[\"pay\", \"grade\"]"], TO);
    let job = format!("{job}filter = \"grade = 'A'\"\n");
    succeeded(&world.ask_psi(&job));
    assert_eq!(learned(&world), ["row,pay,grade", "0,1000.00,A", "5,1000.00,A"]);
    assert_eq!(list(), listed, "the job found it there");
    let folder = world.of("employers").join("state/lookups/published");
    let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap();
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "it holds a key");
    let unknown = ["lookup", "publish", "jobs", "--key", "fone"];
    assert!(ended_with(&world.by("employers", &unknown), 2).contains("fone"));
    let nothing = ["lookup", "publish", "people", "--key", "phone"];
    assert!(ended_with(&world.by("census", &nothing), 2).contains("psi.max_lookups"));
}

#[test]
fn what_a_lookup_cannot_be_is_refused_by_name() {
    let world = World::start(&cast(json!(15)));
    let words = ended_with(&world.ask_psi(&lookup("inner", ["[]", LABELS], TO)), 3);
    assert!(words.contains("employers") && words.contains("psi.max_lookups"), "{words}");
    let refused = |job: &str, expected: &str| {
        let words = ended_with(&world.ask_psi(job), 2);
        assert!(words.contains(expected), "{expected}: {words}");
    };
    refused(&lookup("inner", ["[]", LABELS], ""), "psi.to");
    refused(&lookup("inner", ["[]", LABELS], "to = [\"employers\"]"), "to = [\"census\"]");
    refused(&lookup("anti", ["[\"age\"]", "[]"], TO), "a lookup of form `anti`");
    refused(&lookup("inner", ["[]", "[\"phone\"]"], TO), "max_bytes");
    assert!(!world.of("census").join("state/results").exists());
}

mod changes;

/// Bytes of a piece of a table.
const PIECE: usize = 256 << 10;
const OWNERS: [&str; 2] = ["census", "employers"];

/// A table of several pieces: few rows, with places for long names.
fn large() -> Cast {
    let mut cast = cast(json!(100));
    let city = cast.jobs.columns.iter_mut().find(|column| column.name == "city").unwrap();
    city.config = "type = \"string\"\nnullable = true\nmax_bytes = 4096".into();
    cast.jobs.rows_max = 320;
    // What is gone is given up after a quarter of that.
    cast.stall_seconds = 12;
    cast
}

/// What a lookup in it finds.
fn found(world: &World) {
    let lines = learned(world);
    assert_eq!(lines[..2], ["row,age,pay,grade,city,since", "0,31,1000.00,A,Ulm,2020-01-31"]);
    assert_eq!(lines.len(), 5);
}

#[test]
fn a_fetch_goes_on_where_the_link_was_cut() {
    let (world, wiretap) = World::start_tapped(&large());
    let job = lookup("inner", ["[\"age\"]", LABELS], TO);
    wiretap
        .strike(OWNERS, &[(PIECE + PIECE / 2, Strike::Cut), (2 * PIECE + PIECE / 2, Strike::Cut)]);
    succeeded(&world.ask_psi(&job));
    found(&world);
    let (sent, (price, table)) = (bytes(&world), quoted(&world));
    assert!(table > 4 * PIECE as u64, "{table}");
    let (body, told) = receipt(&world);
    let [census, employers] = OWNERS.map(|party| party.try_into().unwrap());
    assert_eq!(body.renewed(&census, &employers), 2);
    assert!(told.contains("census and employers was lost and made anew, 2 of at most 2"), "{told}");
    // What passed in vain is counted; the last connections carried what was left.
    assert!(sent > price + table, "{sent} of {price} and {table}");
    let carried: u64 = body.links.iter().map(|link| link.sent.unwrap().bytes).sum();
    assert!(carried < price + table - 2 * PIECE as u64, "{carried} of {price} and {table}");
    // It is held from then on.
    succeeded(&world.ask_psi(&job));
    found(&world);
    assert_eq!(bytes(&world), price);
}

/// Kills who fetches in the middle of it.
fn killed(world: &mut World, wiretap: &Wiretap, job: &str) {
    wiretap.strike(OWNERS, &[(2 * PIECE + PIECE / 2, Strike::Hold)]);
    let job = world.submit_psi(job);
    let waiting = world.follow(&job);
    eventually("the table is on its way", || wiretap.holds());
    // The table with what stands in front of it, and a mark of 32 bytes for each piece that has come.
    let told = succeeded(&world.by("employers", &["lookup", "list"]));
    let whole = told.split(" bytes for each who asks").next().unwrap();
    let whole: u64 = whole.rsplit(' ').next().unwrap().parse().unwrap();
    let folder = world.of("census").join("state/lookups/fetched");
    let files = || fs::read_dir(&folder).into_iter().flatten().flatten();
    let come = |file: fs::DirEntry| file.metadata().is_ok_and(|file| file.len() >= whole + 64);
    eventually("two pieces have come", || files().any(come));
    world.kill("census");
    wiretap.cut_held();
    let (code, _, said) = waiting.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("PARTY_LOST"), "{said}");
}

#[test]
fn what_has_come_of_a_table_outlasts_the_daemon() {
    let (mut world, wiretap) = World::start_tapped(&large());
    let job = lookup("inner", ["[\"age\"]", LABELS], TO);
    killed(&mut world, &wiretap, &job);
    let folder = world.of("census").join("state/lookups/fetched");
    let part = || fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    assert!(part().path().extension().is_some_and(|ending| ending == "part"));
    assert_eq!(part().metadata().unwrap().mode() & 0o777, 0o600);
    world.up("census");
    succeeded(&world.ask_psi(&job));
    found(&world);
    let (sent, (price, table)) = (bytes(&world), quoted(&world));
    let saved = price + table - sent;
    let pieces = |n: usize| (n * PIECE) as u64..(n * PIECE + PIECE / 2) as u64;
    assert!(pieces(2).contains(&saved), "{saved} bytes");
    assert!(part().path().extension().is_some_and(|ending| ending == "table"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    succeeded(&world.ask_psi(&job));
    assert_eq!(bytes(&world), price);
}
