//! The demo from end to end: the binary, its child processes, and the answer cell by cell against DataFusion in the clear.

#![expect(clippy::unwrap_used, reason = "what helps a test panics like one")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        compute::concat_batches,
        datatypes::{DataType, Float64Type},
        util::display::array_value_to_string,
    },
    prelude::{ParquetReadOptions, SessionConfig, SessionContext},
};
use engine::{
    exec::Quote,
    executor::compile_published,
    identity::{Pins, Signed},
    job::{JobId, JobSpec},
    store::{Database, JobStore},
    wire::Published,
};
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use protocols::session::{OpeningKind, Recipient};
use serde_json::{Value, json};

/// The policies' smallest group; the oracle leaves smaller ones out.
const MIN_GROUP: u32 = 20;

/// The demo's query, with the suppression that the parties do inside the computation as a HAVING.
fn adult() -> String {
    format!(
        "SELECT j.occupation, p.education, COUNT(*) AS people, AVG(j.hours_per_week) AS avg_hours,
                AVG(CASE WHEN p.income = '>50K' THEN 1.0 ELSE 0.0 END) AS high_income_share
         FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
         WHERE p.age BETWEEN 25 AND 64 AND j.hours_per_week >= 20
         GROUP BY j.occupation, p.education HAVING COUNT(*) >= {MIN_GROUP}
         ORDER BY people DESC, occupation, education"
    )
}

const SCALAR: &str = "SELECT COUNT(*) AS people, AVG(j.hours_per_week) AS avg_hours, SUM(j.capital_gain) AS capital_gain
     FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id
     WHERE p.income = '>50K' AND j.hours_per_week >= 35";

fn unseen(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unseen"));
    command.args(arguments).current_dir(folder).output().unwrap()
}

fn answer(output: &Output) -> Value {
    let (answer, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}\n{answer}\n{log}"))
}

/// The same query on both tables in the clear.
fn oracle(sql: &str) -> RecordBatch {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/adult");
    let config =
        SessionConfig::new().set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let context = SessionContext::new_with_config(config);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for (table, file) in [
            ("census.people", "census_people.parquet"),
            ("employers.jobs", "employers_jobs.parquet"),
        ] {
            let schema = table.split('.').next().unwrap();
            context.sql(&format!("CREATE SCHEMA {schema}")).await.unwrap();
            let path = data.join(file);
            let options = ParquetReadOptions::default();
            context.register_parquet(table, path.to_str().unwrap(), options).await.unwrap();
        }
        let frame = context.sql(sql).await.unwrap();
        let batches = frame.collect().await.unwrap();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    })
}

/// Compares rows as the demo prints them with a clear batch, cell by cell.
fn assert_same(rows: &[Value], clear: &RecordBatch) {
    assert_eq!(rows.len(), clear.num_rows());
    for (index, row) in rows.iter().enumerate() {
        let object = row.as_object().unwrap();
        assert_eq!(object.len(), clear.num_columns());
        for (field, column) in clear.schema().fields().iter().zip(clear.columns()) {
            let cell = &object[field.name()];
            let place = format!("row {index}, column {}", field.name());
            if column.is_null(index) {
                assert!(cell.is_null(), "{place}: {cell}");
            } else if *column.data_type() == DataType::Float64 {
                let value = column.as_primitive::<Float64Type>().value(index);
                assert_eq!(cell.as_f64().unwrap().to_bits(), value.to_bits(), "{place}");
            } else {
                let value = array_value_to_string(column, index).unwrap();
                assert_eq!(cell.as_str().unwrap(), value, "{place}");
            }
        }
    }
}

#[test]
fn the_default_job_answers_as_datafusion_does_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--keep", "kept", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    assert_same(answer["rows"].as_array().unwrap(), &oracle(&adult()));
    assert!(answer["seconds"].as_f64().unwrap() > 0.0);
    assert!(!answer["leakage"].as_array().unwrap().is_empty());
    let receipt = PathBuf::from(answer["receipt"]["path"].as_str().unwrap());
    receipt_holds_until_it_is_tampered_with(&receipt, folder.path());
    cost_and_opened_what_it_was_quoted(&receipt, &folder.path().join("kept"), &answer);
}

/// The price that everybody quoted of the job over all rows is what the parties signed that it cost and opened.
fn cost_and_opened_what_it_was_quoted(receipt: &Path, kept: &Path, answer: &Value) {
    let receipt: Value = serde_json::from_slice(&std::fs::read(receipt).unwrap()).unwrap();
    let body = &receipt["body"];
    let (quote, explained) = quoted(kept, body);
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let meters: Vec<_> = body["meter"].as_object().unwrap().values().collect();
    let bytes: u64 = meters.iter().map(|meter| number(&meter["bytes_sent"])).sum();
    let rounds = meters.iter().map(|meter| meter["rounds"].as_u64().unwrap()).max();
    assert_eq!((bytes, rounds), (quote.total.bytes, Some(u64::from(quote.total.rounds))));
    assert_eq!((number(&explained["bytes"]), explained["rounds"].as_u64()), (bytes, rounds));
    assert_eq!((answer["bytes_sent"].as_u64(), answer["rounds"].as_u64()), (Some(bytes), rounds));
    let links = body["links"].as_array().unwrap();
    let sent: u64 = links.iter().map(|link| number(&link["sent"]["bytes"])).sum();
    assert_eq!(sent, quote.total.bytes);
    let openings: Vec<_> = quote
        .openings
        .iter()
        .map(|opening| {
            let kind = match opening.kind {
                OpeningKind::Result => "result",
                OpeningKind::Permutation => "permutation",
                _ => "masked",
            };
            let to = match opening.to {
                Recipient::All => "compute parties",
                Recipient::Buyer => "buyer",
                Recipient::One(role) => ["census", "employers", "neutral"][role.index()],
                Recipient::Party(party) => panic!("{party} is no recipient of this job"),
            };
            let count = opening.count.to_string();
            json!({"op": opening.step, "kind": kind, "count": count, "to": to})
        })
        .collect();
    assert!(openings.len() > 2, "permutations and the result");
    assert_eq!(body["opened"], Value::from(openings));
}

/// The quote, worked out anew from what the coordinator kept of the job, and what `job explain` is told of it.
fn quoted(kept: &Path, body: &Value) -> (Quote, Value) {
    let job: JobId = body["job"].as_str().unwrap().parse().unwrap();
    let pins = Figment::from(Toml::file(kept.join("insurer/unseen.toml")));
    let pins: Pins = pins.extract_inner("pins").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (spec, published) = runtime.block_on(async {
        let journal = Database::open(&kept.join("exchange/state/journal.db")).await.unwrap();
        let store = JobStore::new(journal);
        let spec = store.get(job).await.unwrap().unwrap().spec;
        (spec, store.notes(job, "published").await.unwrap().remove(0).1)
    });
    let spec: Signed<JobSpec> = serde_json::from_slice(&spec).unwrap();
    let published: Published = serde_json::from_slice(&published).unwrap();
    let compilation = compile_published(&spec.body, &published, &pins).unwrap().unwrap();
    assert_eq!(compilation.hash.to_string(), body["plan"].as_str().unwrap());
    let explained = serde_json::from_slice(&compilation.quote_json()).unwrap();
    (compilation.quote, explained)
}

fn receipt_holds_until_it_is_tampered_with(receipt: &Path, folder: &Path) {
    let verify = |path: &Path| unseen(&["receipt", "verify", path.to_str().unwrap()], folder);
    let verified = verify(receipt);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stderr));
    let text = std::fs::read_to_string(receipt).unwrap();
    // One hexadecimal digit of the first hash in it.
    let at = text.find("\"plan\"").unwrap();
    let digit = at + text[at..].find(|c: char| c.is_ascii_digit()).unwrap();
    let mut bytes = text.into_bytes();
    bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
    let tampered = folder.join("tampered.json");
    std::fs::write(&tampered, bytes).unwrap();
    let refused = verify(&tampered);
    assert_ne!(refused.status.code(), Some(0));
    assert!(!refused.stderr.is_empty());
}

#[test]
fn the_scalar_job_answers_as_datafusion_does_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "scalar", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    assert_same(answer["rows"].as_array().unwrap(), &oracle(SCALAR));
}

/// What a typed account number means.
fn account(typed: &str) -> String {
    let narrow = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap(),
        _ => c,
    };
    typed.chars().map(narrow).collect::<String>().trim().to_lowercase()
}

/// The first row of each account of a table that the demo made: its last cell.
fn accounts(table: &Path) -> BTreeMap<String, String> {
    let mut first = BTreeMap::new();
    for line in std::fs::read_to_string(table).unwrap().lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let key = account(cells[1]);
        if !key.is_empty() {
            first.entry(key).or_insert_with(|| cells[cells.len() - 1].to_owned());
        }
    }
    first
}

#[test]
fn three_providers_sets_are_intersected_as_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "psi-multi", "--keep", "kept", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    let table = |file: &str| accounts(&folder.path().join("kept").join(file));
    let (clients, staff, payers) = (
        table("census/census_clients.csv"),
        table("employers/employers_staff.csv"),
        table("tax/tax_payers.csv"),
    );
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (key, education) in clients.iter().filter(|(key, _)| staff.contains_key(*key)) {
        let Some(gain) = payers.get(key) else { continue };
        let sum = sums.entry(education).or_default();
        *sum = (sum.0 + 1, sum.1 + gain.parse::<u64>().unwrap());
    }
    // The third set leaves some out that the others share.
    assert!(sums.values().map(|sum| sum.0).sum::<u64>() > 1000);
    assert!(clients.keys().any(|key| staff.contains_key(key) && !payers.contains_key(key)));
    let want: Vec<_> = sums
        .iter()
        .map(|(education, (matched, sum))| {
            json!({"education": education, "matched": matched.to_string(), "sum_capital_gain": sum.to_string()})
        })
        .collect();
    assert_eq!(answer["rows"], Value::from(want));
}

#[test]
fn what_a_policy_forbids_is_refused_with_reasons_and_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "refused", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(3), "{answer}");
    let refused = answer["refused"].as_array().unwrap();
    let by = |party: &str, column: &str| {
        refused.iter().any(|r| {
            r["party"] == party && r["column"].as_str().unwrap_or_default().contains(column)
        })
    };
    assert!(by("census", "marital_status"), "{answer}");
    assert!(by("employers", "capital_gain"), "{answer}");
    assert!(answer.get("rows").is_none());
}

#[test]
fn a_model_learns_from_three_providers_people() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "train", "--keep", "kept", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    let people = |party: &str| {
        let file = folder.path().join(format!("kept/{party}/residents.csv"));
        std::fs::read_to_string(file).unwrap().lines().count() - 1
    };
    let rows: usize = ["census", "employers", "tax"].map(people).iter().sum();
    let rounds = answer["rows"].as_array().unwrap();
    assert_eq!(rounds.len(), 10);
    for round in rounds {
        assert_eq!(round["providers"], 3, "{round}");
        assert_eq!(round["rows"], rows.to_string(), "{round}");
    }
    // Everybody said to be poor is 76 % right; trained in one place this model is at 85 %.
    let accuracy = rounds[9]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.84, "{answer}");
}

#[test]
fn a_model_learns_from_what_two_providers_know_of_the_same_people() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "train-vertical", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    let [trained, held_out] = &answer["rows"].as_array().unwrap()[..] else { panic!("{answer}") };
    // Everybody is in both tables, and one in four is held out.
    let people = |row: &Value| row["rows"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!((people(trained), people(held_out)), (36_684, 12_158));
    // Everybody said to be poor is 76 % right.
    let accuracy = |row: &Value| row["accuracy"].as_f64().unwrap();
    assert!(accuracy(trained) > 0.84 && accuracy(held_out) > 0.84, "{answer}");
    assert!(held_out["auc"].as_f64().unwrap() > 0.89, "{answer}");
    let told = answer["leakage"].to_string();
    assert!(told.contains("no gradient and no score is opened"), "{told}");
}

#[test]
fn trees_are_worth_something_where_nobody_took_part() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "train-trees", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    let [worth] = &answer["rows"].as_array().unwrap()[..] else { panic!("{answer}") };
    assert_eq!(worth["trees"], "20", "{answer}");
    assert!(worth["rows"].as_str().unwrap().parse::<u64>().unwrap() > 11_000, "{answer}");
    // Everybody said to be poor is 76 % right.
    assert!(worth["accuracy"].as_f64().unwrap() > 0.84, "{answer}");
    assert!(worth["auc"].as_f64().unwrap() > 0.89, "{answer}");
    assert!(answer["leakage"].to_string().contains("20 trees as they grow"), "{answer}");
}

#[test]
fn people_are_scored_by_weights_that_nobody_sees() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "score", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 12_158);
    let [_, _, rest @ ..] = &rows[..] else { panic!("{answer}") };
    let scores: Vec<f64> = rest.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    let high = scores.iter().filter(|score| **score > 0.0).count();
    // About a quarter of all people have a high income.
    assert!((1_000..6_000).contains(&high), "{high}");
}

#[test]
fn an_unknown_job_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = unseen(&["demo", "--job", "nothing"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--list"));
    let list = unseen(&["demo", "--list"], folder.path());
    assert_eq!(list.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&list.stdout).contains("refused"));
}

#[test]
fn the_oracle_knows_the_tables() {
    let clear = oracle(&adult());
    assert!(clear.num_rows() > 50);
    assert_eq!(clear.schema().field(4).name(), "high_income_share");
    assert_eq!(oracle(SCALAR).num_rows(), 1);
}

/// An account number as it was meant, however it was typed: nothing for an empty one.
fn meant(typed: &str) -> Option<String> {
    let narrow = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap(),
        0x3000 => ' ',
        _ => c,
    };
    let text: String = typed.chars().map(narrow).collect();
    Some(text.trim().to_lowercase()).filter(|text| !text.is_empty())
}

#[test]
fn accounts_are_looked_up_in_a_published_register_and_their_owner_has_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        unseen(&["demo", "--job", "psi-lookup", "--keep", "kept", "--json"], folder.path());
    let answer = answer(&output);
    assert_eq!(output.status.code(), Some(0), "{answer}");
    let kept = folder.path().join("kept");
    let lines = |file: &str| -> Vec<Vec<String>> {
        let csv = std::fs::read_to_string(kept.join(file)).unwrap();
        let cells = |line: &str| line.split(',').map(str::to_owned).collect();
        csv.lines().skip(1).map(cells).collect()
    };
    let register = lines("employers/employers_register.csv");
    let inquiries = lines("census/census_inquiries.csv");
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!(rows.len(), inquiries.len());
    let mut found = 0;
    for (inquiry, row) in inquiries.iter().zip(rows) {
        let account = meant(&inquiry[1]);
        // The first row of a key stands for all.
        let entry = register.iter().find(|entry| account.is_some() && meant(&entry[1]) == account);
        let text = |value: Option<&String>| match value.filter(|text| !text.is_empty()) {
            Some(text) => json!(text),
            None => Value::Null,
        };
        let shown = |name: &str| match &row[name] {
            Value::Number(number) => json!(number.to_string()),
            other => other.clone(),
        };
        assert_eq!(shown("age"), json!(inquiry[2]), "{row}");
        assert_eq!(shown("hours_per_week"), text(entry.map(|entry| &entry[2])), "{row}");
        assert_eq!(row["occupation"], text(entry.map(|entry| &entry[3])), "{row}");
        assert_eq!(row["matched"], json!(entry.is_some()), "{row}");
        found += usize::from(entry.is_some());
    }
    assert!(found > 3 && found < rows.len(), "{found} of {}", rows.len());
}
