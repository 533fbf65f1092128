//! Providers whose people answer each job, by the command line.

use crate::{
    cast::{BY_SECTOR, Cast, SMALL_ANSWER},
    world::{World, ended_with, eventually, succeeded},
};

fn listed(world: &World, party: &str) -> String {
    succeeded(&world.by(party, &["consent", "list"]))
}

#[test]
fn nothing_runs_before_every_provider_has_answered_and_a_denial_reaches_the_buyer() {
    let mut cast = Cast::small();
    cast.consent = "manual";
    let world = World::start(&cast);
    let job = world.submit(BY_SECTOR);
    let mut waiting = world.follow(&job);
    waiting.until("waiting for the consent of census, employers");
    for party in ["census", "employers"] {
        let text = listed(&world, party);
        assert!(text.contains(&job) && text.contains("waits for an answer"), "{text}");
        for shown in ["insurer", "pricing", "GROUP BY j.sector", "shows: "] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
    }
    let approved = succeeded(&world.by("census", &["consent", "approve", &job]));
    assert!(approved.contains("approved: plan "), "{approved}");
    waiting.until("waiting for the consent of employers");
    succeeded(&world.by("employers", &["consent", "approve", &job]));
    let (code, out, err) = waiting.end();
    assert_eq!((code, out.as_str()), (Some(0), SMALL_ANSWER), "{err}");

    let job = world.submit(BY_SECTOR);
    let waiting = world.follow(&job);
    eventually("the job is asked about", || listed(&world, "employers").contains(&job));
    let deny = ["consent", "deny", &job, "--message", "not before the audit"];
    assert!(succeeded(&world.by("employers", &deny)).contains("denied"));
    let (code, out, err) = waiting.end();
    assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
    assert!(err.contains("employers") && err.contains("not before the audit"), "{err}");
    let late = world.by("census", &["consent", "approve", &job]);
    assert!(!late.status.success(), "a job that is over takes no consent");
}

#[test]
fn what_no_plan_can_keep_to_is_refused_by_the_rule_that_it_breaks() {
    let world = World::start(&Cast::small());
    let words = ended_with(&world.ask("SELECT p.age FROM census.people p WHERE p.age > 30"), 3);
    let due =
        "census (output.min_group_entities census.people): a result row would show one entity";
    assert!(words.contains(due), "{words}");
}
