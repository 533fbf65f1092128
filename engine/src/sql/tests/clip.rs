//! A clip that follows updates, as a plan has it: what each party is told of it, and what cannot be.

use super::train::{changed, private, training};
use crate::plan::{Plan, explain, leakage};

#[test]
fn a_clip_that_follows_updates_is_told_with_what_it_shows() {
    let asked = r#"{"unit": "client", "clip": 0.5, "noise": 4, "adaptive": {"count_noise": 3}}"#;
    let plan = changed(&["age"], "member", private(asked)).unwrap();
    let told = leakage(&plan, &|_| Vec::new()).unwrap().join("\n");
    for words in [
        // (4^-2 − 6^-2)^-1/2
        "noise of 5.366564 times that norm",
        "a norm that begins with 0.5",
        "512 at most",
        "one number a round more that is opened",
        "noise of 6 that each",
        "these models and counts together are differentially private with ε = 8.596",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let text = explain(&plan, &|_| None).unwrap();
    assert!(text.contains("counts as 4 times a norm that follows 0.5 of the updates"), "{text}");
    let still = private(r#"{"unit": "client", "clip": 0.5, "noise": 4}"#);
    let still = changed(&["age"], "member", still).unwrap();
    let rows = |plan: &Plan| training(plan).rows().unwrap();
    assert_eq!(rows(&plan), rows(&still) + 2 * 50);
}

/// Every provider checks a plan by itself: none of these has passed the job's own door.
#[test]
fn a_clip_that_cannot_follow_is_no_plan() {
    let refused = |adaptive: &str| {
        let privacy =
            format!(r#"{{"unit": "client", "clip": 1, "noise": 1, "adaptive": {adaptive}}}"#);
        let plan = changed(&["age"], "member", private(&privacy));
        plan.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(r#"{"count_noise": 1}"#), "");
    for (adaptive, what) in [
        ("{}", "Raise `count_noise`, or lower `noise`"),
        (r#"{"count_noise": 0.5}"#, "Raise `count_noise`, or lower `noise`"),
        (r#"{"count_noise": 1, "quantile": 1}"#, "quantile"),
        (r#"{"count_noise": 1, "rate": 0}"#, "rate"),
        (r#"{"count_noise": 1, "largest": 0.9}"#, "largest"),
    ] {
        assert!(refused(adaptive).contains(what), "{adaptive}: {}", refused(adaptive));
    }
}
