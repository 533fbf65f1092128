//! No consent, no run, even when the coordinator says go.

use super::world::{World, name, spec, until};
use crate::{
    identity::Signed,
    job::{Failure, JobId, JobSpec, JobState, Reason, SPEC_DOMAIN},
    provider::ConsentMode,
    wire::{self, Datasets, Decision, Participant, Published, RunOrder},
};

fn signed(spec: &JobSpec) -> Datasets {
    let signed =
        Signed::new(SPEC_DOMAIN, spec.clone(), spec.buyer.clone(), &super::fake::key("insurer"));
    Datasets { spec: wire::write(&signed), published: Published::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_approve_and_deny_at_their_own_daemon_only() {
    let world = World::new(ConsentMode::Manual).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", "from census employers")).await.unwrap().job;
    let view = until(&buyer, job, JobState::AwaitingApproval).await;
    assert_eq!(view.state, JobState::AwaitingApproval);
    for stranger in ["exchange", "insurer", "employers"] {
        let refused = world.people(stranger, "census").approve(job).await.unwrap_err();
        assert_eq!(refused.reason, Reason::PermissionDenied, "{stranger}");
    }
    let pending = world.people("census", "census").list(false).await.unwrap();
    assert_eq!(pending[0].verdict.decision, Decision::Pending);
    assert_eq!(pending[0].spec.request_id, "one");
    for party in ["census", "employers"] {
        let verdict = world.people(party, party).approve(job).await.unwrap();
        assert_eq!(verdict.decision, Decision::Consented);
    }
    let twice = world.people("census", "census").approve(job).await.unwrap_err();
    assert_eq!(twice.reason, Reason::NotReady);
    loop {
        let view = buyer.get(job).await.unwrap();
        assert_eq!(view.state, JobState::AwaitingApproval);
        if view.awaiting == [name("neutral")] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.people("neutral", "neutral").approve(job).await.unwrap();
    let view = until(&buyer, job, JobState::ResultReady).await;
    assert_eq!(view.state, JobState::ResultReady, "{:?}", view.failure);

    let job = buyer.submit(&spec("two", "from census employers")).await.unwrap().job;
    until(&buyer, job, JobState::AwaitingApproval).await;
    world.people("census", "census").deny(job, "not this week".into()).await.unwrap();
    let view = until(&buyer, job, JobState::Denied).await;
    assert_eq!(view.state, JobState::Denied);
    let why = view.failure.unwrap();
    assert_eq!((why.reason, why.reason.exit_code()), (Reason::ConsentDenied, 3));
    assert!(why.message.contains("not this week"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_shown_what_waits_for_them_and_not_what_they_have_answered() {
    let world = World::new(ConsentMode::Manual).await;
    let buyer = world.buyer("insurer");
    let mut asked = Vec::new();
    for request in ["one", "two"] {
        let job = buyer.submit(&spec(request, "from census employers")).await.unwrap().job;
        until(&buyer, job, JobState::AwaitingApproval).await;
        asked.push(job);
    }
    let people = world.people("census", "census");
    people.approve(asked[1]).await.unwrap();
    let waiting = people.list(false).await.unwrap();
    assert_eq!(waiting.iter().map(|job| job.verdict.job).collect::<Vec<_>>(), asked[..1]);
    let all = people.list(true).await.unwrap();
    let answers: Vec<_> = all.iter().map(|job| (job.verdict.job, job.verdict.decision)).collect();
    assert_eq!(answers, [(asked[1], Decision::Consented), (asked[0], Decision::Pending)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_coordinator_asks_for_work() {
    let world = World::new(ConsentMode::Auto).await;
    let asked = signed(&spec("one", "from census"));
    for stranger in ["insurer", "employers", "census"] {
        let calls = world.calls(stranger, "census");
        let refused = calls.validate(asked.clone(), false).await.unwrap_err();
        assert_eq!(refused.reason, Reason::PermissionDenied, "{stranger}");
    }
}

/// Has every party validate and prepare, as far as each lets itself; returns the order a coordinator could make of it.
async fn order(world: &World, asked: &JobSpec, parties: [&str; 3]) -> Result<RunOrder, Failure> {
    let job = JobId::of(asked);
    let mut participants = Vec::new();
    for party in parties {
        let calls = world.calls("exchange", party);
        let verdict = calls.validate(signed(asked), false).await?;
        participants.push(Participant {
            party: name(party),
            address: world.address(party),
            consent: verdict.consent.expect("consent is automatic here"),
            prepared: calls.prepare(job, 1, |_| ()).await?,
        });
    }
    Ok(RunOrder { job, attempt: 1, participants })
}

const COMPUTE: [&str; 3] = ["census", "employers", "neutral"];

#[tokio::test(flavor = "multi_thread")]
async fn without_its_own_consent_a_party_neither_prepares_nor_runs() {
    let lenient = World::new(ConsentMode::Auto).await;
    let asked = spec("one", "from census ask:census");
    let calls = lenient.calls("exchange", "census");
    let verdict = calls.validate(signed(&asked), false).await.unwrap();
    assert_eq!((verdict.decision, verdict.consent), (Decision::Pending, None));
    let job = JobId::of(&asked);
    assert_eq!(calls.prepare(job, 1, |_| ()).await.unwrap_err().reason, Reason::ConsentMissing);
    // The coordinator makes do with another party's consent in its place.
    let other = spec("two", "from census");
    let mut forged = order(&lenient, &other, COMPUTE).await.unwrap();
    forged.job = job;
    assert_eq!(calls.run(forged).await.unwrap_err().reason, Reason::ConsentMissing);
    // A job it never saw.
    let unknown = order(&lenient, &spec("three", "from bank"), COMPUTE).await.unwrap();
    let bank = lenient.calls("exchange", "bank");
    assert_eq!(bank.run(unknown).await.unwrap_err().reason, Reason::JobUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_must_hold_everybodys_consent_to_this_plan() {
    let world = World::new(ConsentMode::Auto).await;
    let calls = world.calls("exchange", "census");
    let good = order(&world, &spec("one", "from census"), COMPUTE).await.unwrap();
    let other = order(&world, &spec("two", "from census employers"), COMPUTE).await.unwrap();
    let refused = async |order: RunOrder| calls.run(order).await.unwrap_err().reason;

    let mut missing = good.clone();
    missing.participants.pop();
    assert_eq!(refused(missing).await, Reason::PlanMismatch);
    let mut swapped = good.clone();
    swapped.participants.swap(0, 1);
    assert_eq!(refused(swapped).await, Reason::PlanMismatch);
    let mut borrowed = good.clone();
    borrowed.participants[1].consent = other.participants[1].consent.clone();
    assert_eq!(refused(borrowed).await, Reason::ConsentMissing);
    let mut impersonated = good.clone();
    impersonated.participants[1].consent = good.participants[2].consent.clone();
    assert_eq!(refused(impersonated).await, Reason::ConsentMissing);
    let mut altered = good.clone();
    altered.participants[1].consent.body.not_after_ms += 1;
    assert_eq!(refused(altered).await, Reason::ConsentMissing);
    let mut unprepared = good.clone();
    unprepared.attempt = 2;
    assert_eq!(refused(unprepared).await, Reason::NotReady);
    let mut renamed = good;
    renamed.participants[0].prepared.nonce.0[0] ^= 1;
    assert_eq!(refused(renamed).await, Reason::NotReady);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_serves_once() {
    let world = World::new(ConsentMode::Auto).await;
    let asked = spec("one", "from census");
    let order = order(&world, &asked, COMPUTE).await.unwrap();
    let runs = COMPUTE.map(|party| {
        let (calls, order) = (world.calls("exchange", party), order.clone());
        async move {
            let mut events = calls.run(order).await.unwrap();
            while events.event().await.unwrap().is_some() {}
        }
    });
    futures::future::join_all(runs).await;
    for party in COMPUTE {
        let calls = world.calls("exchange", party);
        let again = calls.run(order.clone()).await.unwrap_err();
        assert_eq!(again.reason, Reason::ConsentMissing, "{party}");
        assert_eq!(
            calls.prepare(order.job, 2, |_| ()).await.unwrap_err().reason,
            Reason::ConsentMissing
        );
    }
}
