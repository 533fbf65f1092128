//! A link that is lost costs the buckets that were open: another attempt goes on behind the others.

use std::{sync::Arc, time::Duration};

use super::{
    super::{cost, cost_from, receive_from, send_from},
    exact::{plain, sets},
};
use crate::{
    net::{
        Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    psi::{Output, Parameters, Progress, Scattered, Setting, Sizes},
    session::{PairCost, SessionError},
    testkit::{Duo, DuoRun},
    vole::Model,
};

const BUCKETS: usize = 5;

fn setting(n: usize, model: Model, output: Output) -> Setting {
    let sizes = Sizes { sender: n, receiver: n };
    let parameters = Parameters::with_buckets_of(n.div_ceil(BUCKETS), sizes, model).unwrap();
    assert_eq!(parameters.buckets(), BUCKETS);
    Setting { parameters, output, context: [3; 32] }
}

/// One side between attempts.
struct Side {
    set: Scattered<'static>,
    progress: Progress,
}

impl Side {
    fn new(setting: &Setting, ids: &[u128]) -> Self {
        let set = Scattered::new(ids.to_vec(), setting.parameters.buckets());
        Self { set, progress: setting.progress() }
    }

    fn found(self) -> Vec<u32> {
        let mut found = self.set.into_positions();
        found.sort_unstable();
        found
    }
}

type Outcome = DuoRun<Result<(), SessionError>, Result<(), SessionError>>;

/// An attempt in which a message of one party suffers a fault.
fn attempt(
    seed: u64,
    setting: &Setting,
    [sender, receiver]: &mut [Side; 2],
    fault: Option<(u16, Planned)>,
) -> Outcome {
    let ends = memory::mesh(2, Duration::from_millis(2000)).into_iter().zip(0_u16..);
    let channels = ends.map(|(end, id)| {
        let plan = fault.filter(|(party, _)| *party == id).map(|(_, planned)| planned);
        Arc::new(Faulty::new(end, plan.into_iter().collect())) as Arc<dyn Channel>
    });
    Duo::new(seed).run_over(
        channels.collect(),
        |pair, rng| send_from(pair, setting, &mut sender.set, &mut sender.progress, rng),
        |pair, rng| receive_from(pair, setting, &mut receiver.set, &mut receiver.progress, rng),
    )
}

fn kinds() -> impl Iterator<Item = (Model, Output)> {
    let outputs = [Output::ToReceiver, Output::ToBoth];
    let both = move |model| outputs.map(|output| (model, output));
    [Model::SemiHonest, Model::Malicious].into_iter().flat_map(both)
}

#[test]
fn whichever_message_is_lost_two_buckets_at_most_are_done_again() {
    // Every run sets correlations up anew, which takes its time: each kind loses other messages.
    const APART: usize = 9;
    let n = 150;
    for (seed, (model, output)) in (1..).zip(kinds()) {
        let ids = sets(Duo::new(seed), n, n, 60);
        let setting = setting(n, model, output);
        let mut whole = PairCost::new();
        cost(&mut whole, &setting);
        let clean =
            attempt(seed, &setting, &mut [0, 1].map(|i| Side::new(&setting, &ids[i])), None);
        assert_eq!(clean.receiver, Ok(()));
        let messages = |party: usize| usize::try_from(clean.sent[party].messages).unwrap();
        let mut spared = 0;
        // From the last but one on, so that some are lost when most is done.
        let lost = |party: usize| {
            (0..messages(party)).rev().skip(1).step_by(APART).map(move |nth| (party, nth))
        };
        for (party, nth) in [0, 1].into_iter().flat_map(lost) {
            let mut sides = [0, 1].map(|i| Side::new(&setting, &ids[i]));
            let id = u16::try_from(party).unwrap();
            let planned = Planned { to: PartyId(1 - id), nth, fault: Fault::Close };
            let broken = attempt(seed, &setting, &mut sides, Some((id, planned)));
            let what = format!("seed {seed}, {model:?}, {output:?}, message {nth} of {party}");
            assert!(broken.sender.is_err() || broken.receiver.is_err(), "{what}");
            let done = sides.each_ref().map(|side| side.progress.buckets());
            assert!(done[0].abs_diff(done[1]) <= 2, "{what}: {done:?}");
            let first = done[0].min(done[1]);
            spared += first;
            let again = attempt(seed + 100, &setting, &mut sides, None);
            assert_eq!((&again.sender, &again.receiver), (&Ok(()), &Ok(())), "{what}");
            let mut quoted = PairCost::new();
            cost_from(&mut quoted, &setting, first);
            again.assert_cost(&quoted);
            assert!(first < 2 || quoted.total_bytes() < whole.total_bytes(), "{what}");
            let [sender, receiver] = sides;
            assert_eq!(receiver.found(), plain(&ids[1], &ids[0]), "{what}");
            if output == Output::ToBoth {
                assert_eq!(sender.found(), plain(&ids[0], &ids[1]), "{what}");
            }
        }
        assert!(spared > 0, "seed {seed}: no attempt had anything to go on from");
    }
}

#[test]
fn attempts_after_attempts_come_to_an_end() {
    let (n, seed) = (150, 9);
    let ids = sets(Duo::new(seed), n, n, 60);
    let setting = setting(n, Model::SemiHonest, Output::ToBoth);
    let mut sides = [0, 1].map(|i| Side::new(&setting, &ids[i]));
    let mut before = 0;
    for number in 0.. {
        // Every attempt breaks at its twentieth message from the receiver, until one is short enough.
        let planned = Planned { to: PartyId(0), nth: 20, fault: Fault::Close };
        let run = attempt(seed + number, &setting, &mut sides, Some((1, planned)));
        if run.sender.is_ok() && run.receiver.is_ok() {
            break;
        }
        let done = sides[0].progress.buckets().min(sides[1].progress.buckets());
        assert!(done >= before && number < 20, "seed {seed}: {done} buckets after {number}");
        before = done;
    }
    assert_eq!(sides.map(Side::found), [plain(&ids[0], &ids[1]), plain(&ids[1], &ids[0])]);
}

#[test]
fn a_side_that_claims_to_be_elsewhere_is_refused() {
    let n = 150;
    let ids = sets(Duo::new(3), n, n, 60);
    let setting = setting(n, Model::Malicious, Output::ToReceiver);
    let done = |seed| {
        let mut sides = [0, 1].map(|i| Side::new(&setting, &ids[i]));
        attempt(seed, &setting, &mut sides, None);
        assert_eq!(sides[1].progress.buckets(), BUCKETS);
        sides
    };
    // All over again: that would be another set's worth of questions.
    let [sender, _] = done(1);
    let run = attempt(2, &setting, &mut [sender, Side::new(&setting, &ids[1])], None);
    assert!(matches!(run.sender, Err(SessionError::Invalid { .. })), "{:?}", run.sender);
    // As far, but of another attempt.
    let ([sender, _], [_, receiver]) = (done(1), done(2));
    let run = attempt(3, &setting, &mut [sender, receiver], None);
    let what = "buckets that were finished before";
    let inconsistent = |error: &SessionError| matches!(error, SessionError::Inconsistent { what: told, .. } if *told == what);
    let errors = [run.sender.unwrap_err(), run.receiver.unwrap_err()];
    assert!(errors.iter().any(inconsistent), "{errors:?}");
    // Of another intersection.
    let other = Setting { context: [4; 32], ..setting };
    let run = attempt(4, &other, &mut done(1), None);
    assert!(matches!(run.sender, Err(SessionError::Misuse { .. })));
}
