//! What is wrong with tables, policies and jobs: the right person is told, by exit code and words, and no value is shown.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    cast::{BY_SECTOR, Cast, SMALL_ANSWER},
    world::{BUYER, UNSEEN, World, ended_with, succeeded},
};

const SCALAR: &str = "SELECT COUNT(*) AS people, SUM(j.pay) AS pay
FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id";

#[test]
fn a_provider_is_told_what_its_table_breaks_by_place_and_never_by_value() {
    let world = World::make(&Cast::small());
    let good = Cast::small().jobs;
    for (row, place) in [
        ("77777,care,one\n", "jobs.csv, line 14, column `pay`: "),
        ("77777,care,1.5\n", "jobs.csv, line 14, column `pay`: "),
        ("100,care,77777\n", "row 13, column `person_id`: a value that an earlier row has too"),
        (",care,77777\n", "column `person_id`"),
        ("77777,fishery,1\n", "row 13, column `sector`: a text that is not in the declared domain"),
        ("77777,care,\n", "column `pay`"),
        ("77777,care,7777777\n", "row 13, column `pay`: a value outside the declared range"),
    ] {
        let mut table = good.clone();
        table.csv += row;
        fs::write(world.of("employers").join("jobs.csv"), &table.csv).unwrap();
        for command in ["up", "doctor"] {
            let error = ended_with(&world.by("employers", &[command]), 2);
            assert!(error.contains("`jobs`") && error.contains(place), "{row}: {error}");
            for value in ["7777", "fishery", "1.5", "one "] {
                assert!(!error.contains(value), "{row}: {error}");
            }
        }
    }
}

#[test]
fn a_column_of_another_type_and_a_policy_without_signature_keep_a_daemon_from_starting() {
    let world = World::make(&Cast::small());
    let config = world.of("employers").join("unseen.toml");
    let text = fs::read_to_string(&config).unwrap();
    let typed =
        text.replace("type = \"string\"\ndomain = [\"care\", \"trade\"]", "type = \"int64\"");
    fs::write(&config, typed).unwrap();
    let error = ended_with(&world.up_in_vain("employers"), 2);
    assert!(error.contains("column `sector`"), "{error}");
    let unsigned = text.replace("jobs.policy.signed.json", "jobs.policy.json");
    fs::write(&config, unsigned).unwrap();
    let error = ended_with(&world.up_in_vain("employers"), 2);
    assert!(error.contains("jobs.policy.json") && error.contains("policy sign"), "{error}");
    let signed = world.of("employers").join("jobs.policy.signed.json");
    let forged = fs::read_to_string(&signed).unwrap().replace("pricing", "pleasure");
    fs::write(&signed, forged).unwrap();
    fs::write(&config, text).unwrap();
    let error = ended_with(&world.up_in_vain("employers"), 2);
    assert!(error.contains("jobs.policy.signed.json") && error.contains("signature"), "{error}");
}

#[test]
fn timeouts_are_shown_by_the_doctor_and_bad_ones_are_named_by_file_and_key() {
    let world = World::make(&Cast::small());
    for (party, shown) in [
        ("exchange", "timeouts: handshake 10 s, rendezvous 30 s"),
        ("exchange", "patience: answer 30 s, prepare 60 s, lost 60 s, release 60 s, account 10 s"),
        ("census", "stall: 60 s"),
    ] {
        let told = succeeded(&world.by(party, &["doctor"]));
        assert!(told.contains(shown), "{party}: {told}");
    }
    let config = world.of("exchange").join("unseen.toml");
    let text = fs::read_to_string(&config).unwrap();
    let with = |lines: &str| fs::write(&config, format!("{text}\n{lines}\n")).unwrap();
    with("[timeouts]\nhandshake_seconds = 3\n[coordinator.patience]\nlost_seconds = 7");
    let told = succeeded(&world.by("exchange", &["doctor"]));
    assert!(told.contains("handshake 3 s, rendezvous 30 s"), "{told}");
    assert!(told.contains("answer 30 s, prepare 60 s, lost 7 s"), "{told}");
    for (lines, key) in [
        ("[timeouts]\nhandshake_seconds = 0", "timeouts.handshake_seconds"),
        ("[timeouts]\nrendezvous_seconds = -5", "timeouts.rendezvous_seconds"),
        ("[timeouts]\nrendezvous_seconds = 5", "timeouts.rendezvous_seconds"),
        ("[timeouts]\nhandshake_seconds = \"long\"", "timeouts.handshake_seconds"),
        ("[timeouts]\nhandshake = 5", "handshake"),
        ("[coordinator.patience]\nlost_seconds = 0", "coordinator.patience.lost_seconds"),
        ("[coordinator.patience]\nanswer_seconds = 100000", "coordinator.patience.answer_seconds"),
        ("[coordinator.patience]\nprepare_seconds = 1.5", "coordinator.patience.prepare_seconds"),
    ] {
        with(lines);
        for command in ["up", "doctor"] {
            let error = ended_with(&world.by("exchange", &[command]), 2);
            assert!(error.contains("unseen.toml") && error.contains(key), "{lines}: {error}");
        }
    }
}

#[test]
fn a_buyer_is_told_what_is_wrong_with_a_job_and_whose_policy_refuses_it() {
    let world = World::start(&Cast::small());
    for (sql, code, words) in [
        ("SELECT COUNT(*) FROM census.persons", 2, "TABLE_UNKNOWN"),
        ("SELECT COUNT(*) FROM nobody.people", 2, "nobody"),
        (
            "SELECT COUNT(DISTINCT p.age) FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
            2,
            "UNSUPPORTED",
        ),
        (
            "SELECT p.age FROM census.people p LEFT JOIN employers.jobs j ON p.person_id = j.person_id",
            2,
            "UNSUPPORTED",
        ),
        ("SELEC", 2, ""),
        (
            "SELECT SUM(p.age) AS ages FROM census.people p JOIN employers.jobs j ON p.person_id = j.person_id",
            3,
            "census",
        ),
    ] {
        let error = ended_with(&world.ask(sql), code);
        assert!(error.contains(words), "{sql}: {error}");
        assert!(error.contains("next:"), "{sql}: {error}");
    }
    world.job_file(SCALAR);
    let job = world.of(BUYER).join("job.toml");
    let text = fs::read_to_string(&job).unwrap().replace("pricing", "pleasure");
    fs::write(&job, text).unwrap();
    let error = ended_with(&world.by(BUYER, &["job", "submit", "--wait", "insurer/job.toml"]), 3);
    assert!(error.contains("purpose"), "{error}");
    assert_eq!(succeeded(&world.ask(BY_SECTOR)), SMALL_ANSWER);
    submitted_twice_it_runs_once(&world);
    a_certificate_of_another_authority_is_not_let_in(&world);
}

fn submitted_twice_it_runs_once(world: &World) {
    let before = succeeded(&world.by(BUYER, &["job", "list"])).lines().count();
    world.job_file(SCALAR);
    let job = world.of(BUYER).join("job.toml");
    let text = format!("request_id = \"once\"\n{}", fs::read_to_string(&job).unwrap());
    fs::write(&job, &text).unwrap();
    let submit =
        || world.by(BUYER, &["job", "submit", "--wait", "--format", "csv", "insurer/job.toml"]);
    let first = succeeded(&submit());
    assert_eq!((first.as_str(), succeeded(&submit())), ("people,pay\n12,12066\n", first.clone()));
    let after = succeeded(&world.by(BUYER, &["job", "list"])).lines().count();
    assert_eq!(after, before + 1);
    fs::write(&job, text.replace("SUM(j.pay)", "AVG(j.pay)")).unwrap();
    let error = ended_with(&submit(), 2);
    assert!(error.contains("REQUEST_CONFLICT"), "{error}");
}

fn a_certificate_of_another_authority_is_not_let_in(world: &World) {
    let (pin, out) = ("insurer/pin.toml", "other.pem");
    succeeded(&world.unseen(&["keygen", "--certify", pin, "--ca", "other-ca", "--out", out]));
    let certificate = world.of(BUYER).join("certificate.pem");
    fs::rename(world.folder().join(out), &certificate).unwrap();
    let error = world.by(BUYER, &["job", "list"]);
    assert!(!error.status.success());
    assert!(error.stdout.is_empty());
}

#[test]
fn an_expired_policy_and_a_buyer_who_is_no_recipient_are_refusals() {
    let mut cast = Cast::small();
    cast.jobs.expires = "2025-06-01T00:00:00Z";
    let world = World::start(&cast);
    let error = ended_with(&world.ask(BY_SECTOR), 3);
    assert!(error.contains("employers") && error.contains("expire"), "{error}");

    let world = World::make(&Cast::small());
    let policy = world.of("census").join("people.policy.json");
    let mut strangers: Value = serde_json::from_slice(&fs::read(&policy).unwrap()).unwrap();
    let stranger = strangers["operators"]["compute_parties"][1].clone();
    strangers["recipients"][0]["party"] = stranger["party"].clone();
    strangers["recipients"][0]["key"] = stranger["key"].clone();
    fs::write(&policy, strangers.to_string()).unwrap();
    let signed = ["policy", "sign", "people.policy.json", "--out", "people.policy.signed.json"];
    succeeded(&Command::new(UNSEEN).args(signed).current_dir(world.of("census")).output().unwrap());
    let world = world.start_all();
    let error = ended_with(&world.ask(BY_SECTOR), 3);
    assert!(error.contains("census") && error.contains("recipient"), "{error}");
}

#[test]
fn a_policy_is_in_the_log_from_when_it_is_in_force_and_a_log_that_was_cut_is_noticed() {
    let mut world = World::make(&Cast::small());
    let log = world.of("census").join("state/audit.jsonl");
    let published = || {
        let text = fs::read_to_string(&log).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let told = lines.map(|mut line| line["event"]["policy_published"].take());
        told.filter(|event| !event.is_null()).collect::<Vec<_>>()
    };
    for version in 1..3 {
        // A restart says nothing new.
        for _ in 0..2 {
            world.up("census");
            world.kill("census");
        }
        let told = published();
        assert_eq!(told.len(), version, "{told:?}");
        assert_eq!(told[version - 1]["version"], version);
        assert_eq!(told[version - 1]["dataset"], "census.people");
        let policy = world.of("census").join("people.policy.json");
        let mut next: Value = serde_json::from_slice(&fs::read(&policy).unwrap()).unwrap();
        next["version"] = (version + 1).into();
        fs::write(&policy, next.to_string()).unwrap();
        let sign = ["policy", "sign", "people.policy.json", "--out", "people.policy.signed.json"];
        let folder = world.of("census");
        succeeded(&Command::new(UNSEEN).args(sign).current_dir(folder).output().unwrap());
    }
    let whole = fs::read_to_string(&log).unwrap();
    fs::write(&log, whole.split_inclusive('\n').take(1).collect::<String>()).unwrap();
    let error = ended_with(&world.up_in_vain("census"), 2);
    for words in ["audit.jsonl", "line 2", "cut off", "--new-log"] {
        assert!(error.contains(words), "{error}");
    }
    fs::write(&log, whole).unwrap();
    world.up("census");
}

#[test]
fn empty_tables_and_empty_results_are_answers() {
    let mut cast = Cast::small();
    cast.people.csv = "person_id,age\n".to_owned();
    let world = World::start(&cast);
    assert_eq!(succeeded(&world.ask(BY_SECTOR)), "sector,people,pay\n");
    let world = World::start(&Cast::small());
    let nobody = BY_SECTOR.replace("p.age >= 18", "p.age > 100");
    assert_eq!(succeeded(&world.ask(&nobody)), "sector,people,pay\n");
}
