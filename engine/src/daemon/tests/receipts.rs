//! A job that failed has a receipt that lists who did not sign, and no party signs for two ends of one attempt.

use serde_json::Value;

use super::{
    fake::failed,
    logs::events,
    world::{PARTIES, World, name, spec, until},
};
use crate::{
    audit::{RECEIPT_DOMAIN, RunOutcome},
    client::Buyer,
    identity::{PartyName, canonical_hash},
    job::{Failure, JobId, JobState, Reason, Stage},
    provider::ConsentMode,
    store::Phase,
};

/// The receipt of a job: how it ended, who is missing, who signed, and its hash.
struct Receipt {
    outcome: RunOutcome,
    signed: Vec<String>,
    hash: String,
}

impl Receipt {
    fn missing(&self) -> Vec<String> {
        let RunOutcome::Failed { missing, .. } = &self.outcome else { panic!("{}", self.outcome) };
        missing.iter().map(ToString::to_string).collect()
    }
}

async fn receipt(buyer: &Buyer, job: JobId) -> Receipt {
    let json: Value = serde_json::from_slice(&buyer.receipt(job).await.unwrap()).unwrap();
    Receipt {
        outcome: serde_json::from_value(json["body"]["outcome"].clone()).unwrap(),
        signed: serde_json::from_value(json["signed"].clone()).unwrap(),
        hash: canonical_hash(RECEIPT_DOMAIN, &json["body"]).to_string(),
    }
}

fn others(but: &str) -> Vec<String> {
    PARTIES.into_iter().filter(|party| *party != but).map(str::to_owned).collect()
}

/// Submits a job and waits until it is in this state.
async fn held(buyer: &Buyer, script: &str, state: JobState) -> JobId {
    let job = buyer.submit(&spec(script, script)).await.unwrap().job;
    assert_eq!(until(buyer, job, state).await.state, state);
    job
}

/// What the log and the journal of those who signed hold is what the buyer got.
async fn everybody_kept_it(world: &World, job: JobId, receipt: &Receipt) {
    for party in &receipt.signed {
        let (names, told) = events(world, party, job);
        assert_eq!(names.last().unwrap(), "receipt", "{party}");
        assert_eq!(told.last().unwrap()["receipt"], receipt.hash, "{party}");
        let record = world.record(party, job).await;
        assert_eq!(record.phase, Phase::Ended, "{party}");
        let kept: Value = serde_json::from_slice(&record.receipt.unwrap()).unwrap();
        assert_eq!(canonical_hash(RECEIPT_DOMAIN, &kept).to_string(), receipt.hash, "{party}");
    }
    let (names, told) = events(world, "exchange", job);
    assert_eq!(names.last().unwrap(), "receipt_kept");
    assert_eq!(told.last().unwrap()["receipt"], receipt.hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_while_a_job_runs_is_missing_on_its_receipt() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    for victim in PARTIES {
        let script = format!("from census bank hang-run {victim}-dies");
        let job = held(&buyer, &script, JobState::Running).await;
        world.all_linked(job).await;
        world.kill(victim);
        until(&buyer, job, JobState::Failed).await;
        let receipt = receipt(&buyer, job).await;
        assert_eq!(receipt.missing(), [victim]);
        assert_eq!(receipt.signed, others(victim));
        let lost = Failure::new(Reason::PartyLost, Stage::Run, "").at(&name(victim));
        assert!(receipt.outcome.is_same_end(&failed(&lost, &[])), "{}", receipt.outcome);
        everybody_kept_it(&world, job, &receipt).await;
        world.start(victim).await;
    }
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_makes_up_for_the_receipts_it_owes_when_it_is_back() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = held(&buyer, "from census bank hang-run", JobState::Running).await;
    world.all_linked(job).await;
    world.kill("exchange");
    world.start("exchange").await;
    let buyer = world.buyer("insurer");
    until(&buyer, job, JobState::Failed).await;
    let first = receipt(&buyer, job).await;
    assert_eq!((first.signed.len(), first.missing().len()), (4, 0));
    assert!(first.outcome.to_string().contains("INTERRUPTED"), "{}", first.outcome);
    // As if it had gone down between the end of the job and the receipt.
    world.kill("exchange");
    world.forget_receipts().await;
    world.start("exchange").await;
    let again = receipt(&world.buyer("insurer"), job).await;
    assert_eq!(again.hash, first.hash);
    everybody_kept_it(&world, job, &again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_while_it_prepares_has_a_receipt_and_one_that_never_did_has_none() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let script = "from census bank hang-prepare:employers";
    let job = held(&buyer, script, JobState::Preparing).await;
    assert_eq!(buyer.cancel(job).await.unwrap().state, JobState::Cancelled);
    let cancelled = receipt(&buyer, job).await;
    assert_eq!(
        (cancelled.signed.clone(), cancelled.missing().len()),
        (PARTIES.map(str::to_owned).to_vec(), 0)
    );
    assert!(cancelled.outcome.to_string().contains("CANCELLED"), "{}", cancelled.outcome);
    everybody_kept_it(&world, job, &cancelled).await;

    let job = held(&buyer, "from census ask:employers", JobState::AwaitingApproval).await;
    assert_eq!(buyer.cancel(job).await.unwrap().state, JobState::Cancelled);
    assert_eq!(buyer.receipt(job).await.unwrap_err().reason, Reason::NotReady);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_sign_is_missing_and_the_others_sign_that() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let script = "from census bank hang-prepare:census no-signature:neutral";
    let job = held(&buyer, script, JobState::Preparing).await;
    buyer.cancel(job).await.unwrap();
    let receipt = receipt(&buyer, job).await;
    assert_eq!(
        (receipt.missing(), receipt.signed.clone()),
        (vec!["neutral".to_owned()], others("neutral"))
    );
    everybody_kept_it(&world, job, &receipt).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_party_signs_for_two_ends_of_one_attempt() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let body =
        |outcome: &RunOutcome| serde_json::json!({"parts": [], "outcome": outcome}).to_string();
    let failure = failed(&Failure::new(Reason::Cancelled, Stage::Run, ""), &[]);
    let asked = async |party: &str, job: JobId, outcome: &RunOutcome| {
        let signed = world.calls("exchange", party).cosign(job, 1, body(outcome).into()).await;
        let refused = signed.expect_err(party);
        (refused.reason, refused.message)
    };
    // A job that is done: its parties handed out their shares, and say nothing of a failure.
    let done = held(&buyer, "from census bank", JobState::ResultReady).await;
    for party in PARTIES {
        let (reason, words) = asked(party, done, &failure).await;
        assert_eq!(reason, Reason::ReceiptInvalid, "{party}");
        assert!(words.contains("handed out its share"), "{words}");
        let account = world.calls("exchange", party).account(done, 1).await.unwrap_err();
        assert_eq!(account.reason, Reason::ReceiptInvalid, "{party}");
    }
    // Even once the coordinator has told them that it is over after all.
    let over = Failure::new(Reason::Cancelled, Stage::Run, "over");
    world.calls("exchange", "bank").cancel(done, &over).await.unwrap();
    assert_eq!(asked("bank", done, &failure).await.0, Reason::ReceiptInvalid);

    // A job that failed: nothing of a success, and of no other failure.
    let script = "from census bank hang-prepare:census";
    let gone = held(&buyer, script, JobState::Preparing).await;
    for outcome in [&failure, &RunOutcome::Done] {
        assert_eq!(asked("neutral", gone, outcome).await.0, Reason::NotReady, "it is under way");
    }
    buyer.cancel(gone).await.unwrap();
    receipt(&buyer, gone).await;
    for party in PARTIES {
        let (reason, words) = asked(party, gone, &RunOutcome::Done).await;
        assert_eq!(reason, Reason::ReceiptInvalid, "{party}");
        assert!(words.contains("no success"), "{words}");
        let lost = Failure::new(Reason::PartyLost, Stage::Run, "").at(&name("bank"));
        let (reason, words) = asked(party, gone, &failed(&lost, &[])).await;
        assert_eq!(reason, Reason::ReceiptInvalid, "{party}");
        assert!(words.contains("has signed that the job ended failed: CANCELLED"), "{words}");
    }
    // A party that took no part, or is asked by somebody else.
    let stranger: PartyName = name("employers");
    let foreign = world.calls("insurer", stranger.as_str()).account(gone, 1).await.unwrap_err();
    assert_eq!(foreign.reason, Reason::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_that_were_handed_out_for_nothing_leave_no_receipt_of_a_failure() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let script = "from census bank hang-sign:employers";
    let job = held(&buyer, script, JobState::Releasing).await;
    world.kill("employers");
    until(&buyer, job, JobState::Failed).await;
    let receipt = receipt(&buyer, job).await;
    assert_eq!(receipt.outcome, RunOutcome::Done, "the others signed that before");
    assert_eq!(receipt.signed, others("employers"), "and it lacks a signature");
}
