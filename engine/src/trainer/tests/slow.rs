//! Programs that are late, by their own fault or not.

use super::*;

#[test]
fn a_program_that_trains_slowly_is_asked_to_evaluate_again() {
    let fake = listening(Does::Scores(Says::Hangs));
    let (mut hired, _end) = hired(Place::At(fake.address), 60);
    let model = vec![0.5; PARAMETERS];
    let mut evaluates = |round, limit: u64, left: u64| {
        hired.train(round, &model).unwrap();
        hired.limit = Duration::from_millis(limit);
        hired.until = Instant::now() + Duration::from_millis(left);
        let why = hired.tally(round, &model, &Tally::Bins(4)).unwrap_err().to_string();
        hired.limit = Duration::from_secs(60);
        why
    };
    for (round, left) in [(0, 0), (1, 50)] {
        let why = evaluates(round, 400, left);
        assert!(why.contains("training had left it no more of this round"), "{why}");
    }
    // Half of the time is a fair share.
    let why = evaluates(2, 2000, 1000);
    assert!(why.contains("it is not asked to evaluate again in this run"), "{why}");
    let why = evaluates(3, 2000, 1000);
    assert!(why.contains("does not evaluate, or took too long"), "{why}");
}
