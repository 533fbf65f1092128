//! Jobs that go well, and refusals before anything runs.

use super::{
    fake::ROUNDS,
    world::{World, failure, name, spec, until},
};
use crate::{
    job::{JobState, Reason},
    provider::ConsentMode,
    store::Phase,
    wire::JobView,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_travels_from_submission_to_delivery() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    // `bank` is an outside provider: it shares inputs and computes nothing.
    let job = buyer.submit(&spec("one", "from census employers bank")).await.unwrap().job;
    let (mut seen, mut rounds) = (Vec::new(), Vec::new());
    let show = |view: &JobView| {
        seen.push(view.state);
        rounds.extend(view.rounds.clone());
    };
    let view = buyer.watch(job, show).await.unwrap();
    // All parties say something of rounds, and the first is heard.
    assert!(rounds.iter().map(|round| round.round).eq(1..=ROUNDS), "each once: {rounds:?}");
    assert!(rounds.iter().all(|round| round.manifest == b"census"), "{rounds:?}");
    assert_eq!(view.state, JobState::ResultReady, "{:?}", view.failure);
    assert!(seen.is_sorted());
    let participants: Vec<_> = view.participants.iter().map(|p| p.as_str()).collect();
    assert_eq!(participants, ["census", "employers", "neutral", "bank"]);

    let fetched = buyer.fetch(job).await.unwrap();
    let sealed: Vec<_> = fetched.sealed.keys().map(|party| party.as_str()).collect();
    assert_eq!(sealed, ["census", "employers", "neutral"]);
    let manifests: Vec<_> = fetched.sealed.values().map(|share| &share.manifest).collect();
    assert!(manifests.windows(2).all(|pair| pair[0] == pair[1]), "one run's name at all three");
    for (party, share) in &fetched.sealed {
        let byte = party.as_str().as_bytes()[0];
        assert_eq!(share.ciphertext, vec![byte; (1 << 20) + 5], "{party}");
    }
    let receipt: serde_json::Value = serde_json::from_slice(&fetched.receipt).unwrap();
    assert_eq!(receipt["signed"].as_array().unwrap().len(), 4);
    assert_eq!(receipt["body"]["sealed"].as_array().unwrap().len(), 3);
    // Compute parties have two links with everybody; an outside provider with each compute party.
    for part in receipt["body"]["parts"].as_array().unwrap() {
        assert_eq!(part["peers"].as_array().unwrap().len(), 6, "{part}");
    }

    let view = until(&buyer, job, JobState::Delivered).await;
    assert_eq!(view.state, JobState::Delivered);
    let ways = world.history(job).await;
    assert_eq!(ways, JobState::ALL[1..9], "every state is journalled once, in order");
    assert_eq!(buyer.fetch(job).await.unwrap(), fetched, "it can be fetched again");
    for party in ["census", "employers", "neutral", "bank"] {
        assert_eq!(world.record(party, job).await.phase, Phase::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_is_busy_with_its_own_part_is_waited_for_and_says_so() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let asked = spec("one", "from census bank hang-prepare:employers");
    let job = buyer.submit(&asked).await.unwrap().job;
    // Longer than the coordinator waits without a sign of life, which is three seconds here.
    let long = async {
        loop {
            let view = buyer.get(job).await.unwrap();
            let step = view.progress.step.clone();
            if step == "employers: own part, 6 s" || view.state.is_final() {
                return view;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let view = tokio::time::timeout(super::world::LIMIT, long).await.expect("no sign of life");
    assert_eq!(view.state, JobState::Preparing, "{:?}", view.failure);
    assert_eq!(buyer.cancel(job).await.unwrap().state, JobState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_id_runs_once() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let asked = spec("one", "from census employers");
    let (first, second) = tokio::join!(buyer.submit(&asked), buyer.submit(&asked));
    let job = first.unwrap().job;
    assert_eq!(second.unwrap().job, job);
    until(&buyer, job, JobState::ResultReady).await;
    assert_eq!(buyer.submit(&asked).await.unwrap().state, JobState::ResultReady);
    assert_eq!(buyer.list().await.unwrap().len(), 1);
    // The same id for something else is refused, and the first job stands.
    let refused = buyer.submit(&spec("one", "from census")).await.unwrap_err();
    assert_eq!(refused.reason, Reason::RequestConflict);
    assert_eq!(buyer.list().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_sees_its_own_jobs_only_and_signs_them_itself() {
    let world = World::new(ConsentMode::Auto).await;
    let (buyer, rival) = (world.buyer("insurer"), world.buyer("rival"));
    let job = buyer.submit(&spec("one", "from census")).await.unwrap().job;
    until(&buyer, job, JobState::ResultReady).await;
    assert_eq!(rival.get(job).await.unwrap_err().reason, Reason::JobUnknown);
    assert_eq!(rival.fetch(job).await.unwrap_err().reason, Reason::JobUnknown);
    assert_eq!(rival.cancel(job).await.unwrap_err().reason, Reason::JobUnknown);
    assert_eq!(rival.receipt(job).await.unwrap_err().reason, Reason::JobUnknown);
    assert!(rival.list().await.unwrap().is_empty());
    // The rival signs a job in the insurer's name.
    let forged = rival.submit(&spec("two", "from census")).await.unwrap_err();
    assert_eq!(forged.reason, Reason::SignatureInvalid);
    // A compute party that is of the buyer's or another's organisation, twice the same, or unknown.
    let mut twice = spec("three", "from census");
    twice.compute[1] = name("census");
    assert_eq!(buyer.submit(&twice).await.unwrap_err().reason, Reason::SpecInvalid);
    let mut unknown = spec("four", "from census");
    unknown.compute[1] = name("nobody");
    assert_eq!(buyer.submit(&unknown).await.unwrap_err().reason, Reason::PartyUnknown);
    let mut expired = spec("five", "from census");
    (expired.issued_at_ms, expired.expires_at_ms) = (0, 1);
    assert_eq!(buyer.submit(&expired).await.unwrap_err().reason, Reason::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policies_plans_and_tables_refuse_ends_in_the_right_state() {
    let world = World::new(ConsentMode::Auto).await;
    let (view, why) = failure(&world, "from census employers refuse:employers").await;
    assert_eq!((view.state, why.reason), (JobState::Denied, Reason::PolicyRefused));
    assert_eq!((why.reason.exit_code(), why.party), (3, Some(name("employers"))));
    assert_eq!(view.refusals[0].rule, "purposes");

    let (view, why) = failure(&world, "nonsense from census").await;
    assert_eq!((view.state, why.reason), (JobState::Rejected, Reason::Unsupported));
    assert!(why.message.contains("1:1"));

    let (view, why) = failure(&world, "from census other-plan:neutral").await;
    assert_eq!((view.state, why.reason), (JobState::Failed, Reason::PlanMismatch));
    assert_eq!(why.party, Some(name("neutral")));

    let (view, why) = failure(&world, "from census bad-input:census").await;
    assert_eq!((view.state, why.reason), (JobState::Failed, Reason::InputInvalid));
    assert_eq!(why.party, Some(name("census")));
    assert!(!why.message.contains("4711"), "the line stays at the provider");

    let (view, why) = failure(&world, "from census no-signature:neutral").await;
    assert_eq!((view.state, why.reason), (JobState::AbortedSecurity, Reason::ReceiptInvalid));
    let buyer = world.buyer("insurer");
    assert!(buyer.fetch(view.job).await.is_err(), "nothing is handed out");
    let receipt = buyer.receipt(view.job).await.unwrap();
    let receipt: serde_json::Value = serde_json::from_slice(&receipt).unwrap();
    assert_eq!(receipt["signed"].as_array().unwrap().len(), 2, "it lacks one signature");
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn explaining_leaves_no_trace() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let asked = spec("one", "from census bank refuse:bank");
    let told = buyer.explain(&asked).await.unwrap();
    assert_eq!(told.participants.len(), 4);
    assert_eq!(told.leakage, ["sizes"]);
    assert_eq!(told.refusals[0].party, name("bank"));
    assert!(buyer.list().await.unwrap().is_empty());
    assert!(world.people("census", "census").list(true).await.unwrap().is_empty());
}
