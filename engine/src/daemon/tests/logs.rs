//! What each daemon did is in its log, and a log that was changed keeps it from starting.

use std::time::Duration;

use serde_json::Value;

use super::{
    super::DaemonError,
    world::{LIMIT, PARTIES, World, failure, spec, until},
};
use crate::{
    audit::{AuditLog, Event, LogError, RECEIPT_DOMAIN, verify_log},
    identity::canonical_hash,
    job::{JobId, JobState},
    provider::ConsentMode,
};

/// The names of a daemon's events on one job, and the events.
pub(super) fn events(world: &World, party: &str, job: JobId) -> (Vec<String>, Vec<Value>) {
    let path = world.log(party);
    verify_log(&path).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let named = lines.filter_map(|mut line| {
        let (name, event) = line["event"].as_object_mut()?.iter_mut().next()?;
        (event["job"] == job.to_string()).then(|| (name.clone(), event.take()))
    });
    named.unzip()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_made_everybody_do_is_in_their_logs() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", "from census employers bank")).await.unwrap().job;
    until(&buyer, job, JobState::ResultReady).await;
    let receipt: Value = serde_json::from_slice(&buyer.fetch(job).await.unwrap().receipt).unwrap();
    let receipt = canonical_hash(RECEIPT_DOMAIN, &receipt["body"]).to_string();
    until(&buyer, job, JobState::Delivered).await;
    for party in PARTIES {
        let (names, told) = events(&world, party, job);
        let mut due = vec!["verdict", "consent", "prepare", "start", "release", "receipt"];
        due.retain(|name| party != "bank" || *name != "release");
        assert_eq!(names, due, "{party}");
        assert_eq!(told.last().unwrap()["receipt"], receipt, "{party}");
        let record = world.record(party, job).await;
        let kept: Value = serde_json::from_slice(&record.receipt.unwrap()).unwrap();
        assert_eq!(canonical_hash(RECEIPT_DOMAIN, &kept).to_string(), receipt, "{party}");
    }
    // All of them started the same run with the same consents.
    let starts = PARTIES.map(|party| {
        let (names, mut told) = events(&world, party, job);
        told.swap_remove(names.iter().position(|name| name == "start").unwrap())
    });
    assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "{starts:?}");
    let (names, told) = events(&world, "exchange", job);
    let (moved, kept) = ("moved", "receipt_kept");
    assert_eq!(names, ["submitted", moved, moved, moved, moved, kept, moved, moved]);
    assert_eq!(told[0]["buyer"], "insurer");
    let states = told.iter().filter_map(|event| event["state"].as_str());
    let way: Vec<_> = JobState::ALL[3..9].iter().map(|state| state.as_str()).collect();
    assert_eq!(states.map(str::to_uppercase).collect::<Vec<_>>(), way);
    assert_eq!(told[5]["receipt"], receipt);
    assert_eq!(told[5]["signed"].as_array().unwrap().len(), 4);
    // The chain goes on after a restart.
    let before = verify_log(&world.log("census")).unwrap().entries;
    world.kill("census");
    world.start("census").await;
    world.serves_the_next_job().await;
    assert!(verify_log(&world.log("census")).unwrap().entries > before);
}

/// How a daemon's log says that a job failed, once it does: a buyer may hear so first.
async fn ended(world: &World, party: &str, job: JobId) -> Value {
    let waiting = async {
        loop {
            let (names, told) = events(world, party, job);
            if let Some(at) = names.iter().position(|name| name == "failed") {
                return told[at]["failure"].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.expect("the end is not in the log")
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_failures_are_in_the_logs_without_their_words() {
    let world = World::new(ConsentMode::Auto).await;
    let (view, _) = failure(&world, "from census bad-input:census").await;
    for party in ["census", "exchange"] {
        let failed = ended(&world, party, view.job).await;
        assert_eq!(failed["party"], "census", "{party}");
        assert!(!failed.to_string().contains("line 4711"), "{party}: {failed}");
    }
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("asked", "from census ask:census")).await.unwrap().job;
    until(&buyer, job, JobState::AwaitingApproval).await;
    world.people("census", "census").deny(job, "not this 4711 time".into()).await.unwrap();
    until(&buyer, job, JobState::Denied).await;
    let (names, _) = events(&world, "census", job);
    assert_eq!(names[..2], ["verdict", "denied"]);
    let text = std::fs::read_to_string(world.log("census")).unwrap();
    assert!(!text.contains("4711 time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_log_was_changed_does_not_start() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", "from census employers")).await.unwrap().job;
    until(&buyer, job, JobState::ResultReady).await;
    for party in ["employers", "exchange"] {
        world.drain(party, Duration::from_secs(5)).await;
        let path = world.log(party);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut line: Value = serde_json::from_str(&lines[1]).unwrap();
        line["time_ms"] = "1".into();
        lines[1] = line.to_string();
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        let error = world.try_start(party).await.unwrap_err();
        assert!(matches!(error, DaemonError::Log(LogError::Broken { line: 2, .. })), "{error}");
        let words = error.to_string();
        assert!(words.contains("line 2") && words.contains("Move the file away"), "{words}");
        begun_anew(&mut world, party).await;
    }
    world.serves_the_next_job().await;
}

/// Moves a log away and begins a new one, which takes a word of the operator.
async fn begun_anew(world: &mut World, party: &'static str) {
    let path = world.log(party);
    world.new_log = true;
    let error = world.try_start(party).await.unwrap_err();
    assert!(matches!(error, DaemonError::Log(_)), "one is there: {error}");
    std::fs::rename(&path, path.with_extension("evidence")).unwrap();
    world.new_log = false;
    let error = world.try_start(party).await.unwrap_err();
    assert!(matches!(error, DaemonError::Log(LogError::Cut { found: 0, .. })), "{error}");
    world.new_log = true;
    world.start(party).await;
    world.new_log = false;
    let text = std::fs::read_to_string(&path).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert!(first["event"]["begun"]["entries"].is_string(), "{first}");
    world.drain(party, Duration::from_secs(5)).await;
    world.start(party).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_cut_off_at_its_end_or_written_anew_is_noticed() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", "from census employers")).await.unwrap().job;
    until(&buyer, job, JobState::ResultReady).await;
    for party in ["employers", "exchange"] {
        world.drain(party, Duration::from_secs(5)).await;
        let path = world.log(party);
        let whole = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        for kept in [lines.len() - 1, 1, 0] {
            let cut: String = lines[..kept].iter().map(|line| format!("{line}\n")).collect();
            std::fs::write(&path, cut).unwrap();
            verify_log(&path).expect("it holds together");
            let error = world.try_start(party).await.unwrap_err();
            let DaemonError::Log(LogError::Cut { found, due, .. }) = error else {
                panic!("{error}")
            };
            assert_eq!((found, due), (kept as u64, lines.len() as u64), "{party}");
            assert!(error.to_string().contains("--new-log"), "{error}");
        }
        // Another log, as long, and in itself sound.
        std::fs::remove_file(&path).unwrap();
        let mut other = AuditLog::open(&path, None).unwrap();
        for _ in &lines {
            let event = Event::Denied { job: job.hash(), plan: job.hash() };
            other.append(1, event).unwrap();
        }
        drop(other);
        let error = world.try_start(party).await.unwrap_err();
        assert!(matches!(error, DaemonError::Log(LogError::Cut { .. })), "{error}");
        // What was written and not noted, because the daemon went down between, is no cut.
        std::fs::write(&path, &whole).unwrap();
        let mut log = AuditLog::open(&path, None).unwrap();
        log.append(1, Event::Denied { job: job.hash(), plan: job.hash() }).unwrap();
        drop(log);
        world.start(party).await;
    }
    world.serves_the_next_job().await;
}
