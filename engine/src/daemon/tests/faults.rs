//! Cancelling, killing and restarting at every stage: a typed end for everybody, and the next job runs.

use std::time::Duration;

use super::world::{PARTIES, World, name, spec, until};
use crate::{
    identity::PartyName,
    job::{Failure, JobState, Reason, Stage},
    provider::ConsentMode,
    store::Phase,
};

/// A script that holds a job in a state.
fn held(state: JobState) -> &'static str {
    match state {
        JobState::AwaitingApproval => "from census bank ask:employers",
        JobState::Preparing => "from census bank hang-prepare:employers",
        _ => "from census bank hang-run",
    }
}

const HELD: [JobState; 3] = [JobState::AwaitingApproval, JobState::Preparing, JobState::Running];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_at_any_stage() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    for state in HELD {
        let job = buyer.submit(&spec(state.as_str(), held(state))).await.unwrap().job;
        assert_eq!(until(&buyer, job, state).await.state, state);
        let view = buyer.cancel(job).await.unwrap();
        assert_eq!(view.state, JobState::Cancelled, "{state}");
        assert_eq!(view.failure.unwrap().reason, Reason::Cancelled);
        assert_eq!(buyer.cancel(job).await.unwrap().state, JobState::Cancelled, "twice is once");
        for party in PARTIES {
            ended(&world, party, job).await;
        }
    }
    world.serves_the_next_job().await;
}

/// The typed error: everything of a failure but its words.
fn typed(failure: &Failure) -> (Reason, Option<PartyName>, Stage) {
    (failure.reason, failure.party.clone(), failure.stage)
}

/// That this party was lost, at the stage that goes with the job's state.
fn lost(party: &str, state: JobState) -> (Reason, Option<PartyName>, Stage) {
    let stage = match state {
        JobState::Validating => Stage::Validate,
        JobState::AwaitingApproval => Stage::Approve,
        JobState::Preparing => Stage::Prepare,
        JobState::Releasing => Stage::Release,
        _ => Stage::Run,
    };
    (Reason::PartyLost, Some(name(party)), stage)
}

/// Waits until a participant's journal says that the job ended there, and how.
async fn ended(world: &World, party: &str, job: crate::job::JobId) -> Failure {
    let waiting = async {
        loop {
            let record = world.record(party, job).await;
            if record.phase == Phase::Ended {
                return record.failure.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(super::world::LIMIT, waiting).await.expect("the job never ended there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_participant_ends_the_job_for_everybody() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    for state in HELD {
        let job = buyer.submit(&spec(state.as_str(), held(state))).await.unwrap().job;
        assert_eq!(until(&buyer, job, state).await.state, state);
        if state == JobState::Running {
            world.all_linked(job).await;
        }
        world.kill("employers");
        let view = until(&buyer, job, JobState::Failed).await;
        assert_eq!(view.state, JobState::Failed, "{state}");
        let due = lost("employers", state);
        assert_eq!(typed(&view.failure.unwrap()), due, "{state}");
        for party in ["census", "neutral", "bank"] {
            assert_eq!(typed(&ended(&world, party, job).await), due, "{state} {party}");
        }
        world.start("employers").await;
    }
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_killed_before_the_run_or_after_it_is_named_too() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let stages = [
        (JobState::Validating, "from census bank hang-assess:employers"),
        (JobState::Releasing, "from census bank hang-sign:employers"),
    ];
    for (state, script) in stages {
        let job = buyer.submit(&spec(state.as_str(), script)).await.unwrap().job;
        assert_eq!(until(&buyer, job, state).await.state, state);
        world.kill("employers");
        let view = until(&buyer, job, JobState::Failed).await;
        assert_eq!(view.state, JobState::Failed, "{state}");
        let due = lost("employers", state);
        assert_eq!(typed(&view.failure.unwrap()), due, "{state}");
        for party in ["census", "neutral", "bank"] {
            // Who has signed that the job is done stands by that.
            if state == JobState::Validating {
                assert_eq!(typed(&ended(&world, party, job).await), due, "{state} {party}");
            }
        }
        assert!(buyer.fetch(job).await.is_err(), "{state}: a failed job hands out nothing");
        world.start("employers").await;
    }
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_coordinator_ends_the_run_and_fails_the_job_when_it_is_back() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", held(JobState::Running))).await.unwrap().job;
    assert_eq!(until(&buyer, job, JobState::Running).await.state, JobState::Running);
    world.all_linked(job).await;
    world.kill("exchange");
    for party in PARTIES {
        let due = lost("exchange", JobState::Running);
        assert_eq!(typed(&ended(&world, party, job).await), due, "{party}");
    }
    world.start("exchange").await;
    let buyer = world.buyer("insurer");
    let view = until(&buyer, job, JobState::Failed).await;
    assert_eq!(view.state, JobState::Failed, "what ran is never resumed");
    assert_eq!(typed(&view.failure.unwrap()), (Reason::Interrupted, None, Stage::Run));
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_died_between_two_orders_ends_the_job_when_it_is_back() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", held(JobState::Preparing))).await.unwrap().job;
    assert_eq!(until(&buyer, job, JobState::Preparing).await.state, JobState::Preparing);
    world.kill("exchange");
    world.start("exchange").await;
    let buyer = world.buyer("insurer");
    assert_eq!(buyer.get(job).await.unwrap().state, JobState::Preparing, "it goes on preparing");
    assert_eq!(buyer.cancel(job).await.unwrap().state, JobState::Cancelled);
    for party in PARTIES {
        assert_eq!(ended(&world, party, job).await.reason, Reason::Cancelled, "{party}");
    }
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_before_the_run_lose_nothing() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let asked = spec("one", held(JobState::AwaitingApproval));
    let job = buyer.submit(&asked).await.unwrap().job;
    until(&buyer, job, JobState::AwaitingApproval).await;
    world.kill("exchange");
    world.start("exchange").await;
    world.kill("employers");
    world.start("employers").await;
    let buyer = world.buyer("insurer");
    assert_eq!(buyer.get(job).await.unwrap().state, JobState::AwaitingApproval);
    world.people("employers", "employers").approve(job).await.unwrap();
    let view = until(&buyer, job, JobState::ResultReady).await;
    assert_eq!(view.state, JobState::ResultReady, "{:?}", view.failure);
    let ways = world.history(job).await;
    assert_eq!(ways, JobState::ALL[1..8], "no state is passed twice");
    assert_eq!(buyer.submit(&asked).await.unwrap().job, job);
    // The result outlives another restart.
    world.kill("exchange");
    world.start("exchange").await;
    assert_eq!(world.buyer("insurer").fetch(job).await.unwrap().sealed.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_drains_lets_the_run_end_and_takes_no_new_work() {
    let mut world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let job = buyer.submit(&spec("one", held(JobState::Running))).await.unwrap().job;
    assert_eq!(until(&buyer, job, JobState::Running).await.state, JobState::Running);
    world.all_linked(job).await;
    // The run would never end: after its patience the daemon stops it, and everybody hears why.
    world.drain("employers", Duration::from_millis(200)).await;
    let view = until(&buyer, job, JobState::Failed).await;
    assert_eq!(view.state, JobState::Failed);
    let why = view.failure.unwrap();
    let due = (Reason::Interrupted, Some(name("employers")), Stage::Run);
    assert_eq!(typed(&why), due);
    for party in ["census", "neutral", "bank"] {
        assert_eq!(typed(&ended(&world, party, job).await), due, "{party}");
    }
    world.start("employers").await;
    world.serves_the_next_job().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_expires_while_people_think() {
    let world = World::new(ConsentMode::Auto).await;
    let buyer = world.buyer("insurer");
    let mut asked = spec("one", held(JobState::AwaitingApproval));
    asked.expires_at_ms = asked.issued_at_ms + 1500;
    let job = buyer.submit(&asked).await.unwrap().job;
    let view = until(&buyer, job, JobState::Expired).await;
    assert_eq!(view.state, JobState::Expired);
    assert_eq!(view.failure.unwrap().reason, Reason::DeadlineExceeded);
    let late = world.people("employers", "employers").approve(job).await.unwrap_err();
    assert!(matches!(late.reason, Reason::DeadlineExceeded | Reason::JobUnknown));
}
