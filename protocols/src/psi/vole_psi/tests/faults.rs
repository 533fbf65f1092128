//! A peer or a network at fault: a typed error, or a subset of the true intersection; never a false member.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{
    super::{cost, receive, send},
    exact::{plain, sets},
};
use crate::{
    net::{
        Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    psi::{Output, Parameters, Scattered, Setting, Sizes},
    session::{PairCost, SessionError},
    testkit::{Duo, DuoRun},
    vole::Model,
};

type Outcome = DuoRun<Result<Vec<u32>, SessionError>, Result<Vec<u32>, SessionError>>;

fn setting(n: usize, model: Model, output: Output) -> Setting {
    let sizes = Sizes { sender: n, receiver: n };
    let parameters = Parameters::with_buckets_of(n / 2, sizes, model).unwrap();
    Setting { parameters, output, context: [3; 32] }
}

/// The same with short values.
fn low(n: usize, output: Output) -> Setting {
    let sizes = Sizes { sender: n, receiver: n };
    let parameters = Parameters::low_communication_with_buckets_of(n / 2, sizes).unwrap();
    Setting { parameters, output, context: [3; 32] }
}

/// A run in which `party`'s messages suffer the planned fault.
fn run(settings: [&Setting; 2], sets: &[Vec<u128>; 2], fault: Option<(u16, Planned)>) -> Outcome {
    let ends = memory::mesh(2, Duration::from_millis(1500)).into_iter().zip(0_u16..);
    let channels = ends.map(|(end, id)| {
        let plan = fault.filter(|(party, _)| *party == id).map(|(_, planned)| planned);
        Arc::new(Faulty::new(end, plan.into_iter().collect())) as Arc<dyn Channel>
    });
    let buckets = settings[0].parameters.buckets();
    Duo::new(1).run_over(
        channels.collect(),
        |pair, rng| {
            let mut set = Scattered::new(&sets[0], buckets);
            send(pair, settings[0], &mut set, rng)?;
            Ok(set.into_positions())
        },
        |pair, rng| {
            let mut set = Scattered::new(&sets[1], buckets);
            receive(pair, settings[1], &mut set, rng)?;
            Ok(set.into_positions())
        },
    )
}

/// Whether every position is one of the true ones.
fn is_subset(found: &[u32], truth: &[u32]) -> bool {
    let truth: HashSet<_> = truth.iter().collect();
    found.iter().all(|position| truth.contains(position))
}

#[test]
fn whatever_message_of_the_malicious_variant_is_altered_there_is_no_false_member() {
    let n = 60;
    let sets = sets(Duo::new(5), n, n, 20);
    // Where both learn the outcome, its report and the digests pass as well.
    for output in [Output::ToReceiver, Output::ToBoth] {
        let setting = setting(n, Model::Malicious, output);
        let truths = [plain(&sets[0], &sets[1]), plain(&sets[1], &sets[0])];
        let mut quoted = PairCost::new();
        cost(&mut quoted, &setting);
        let clean = run([&setting; 2], &sets, None);
        assert_eq!(clean.receiver.map(|found| found.len()), Ok(truths[1].len()));
        let mut aborted = 0;
        for party in [0, 1_u16] {
            let messages = usize::try_from(clean.sent[usize::from(party)].messages).unwrap();
            for nth in 0..messages {
                for fault in
                    [Fault::FlipBit(0), Fault::FlipBit(777), Fault::FlipBit(usize::MAX / 8)]
                {
                    let planned = Planned { to: PartyId(1 - party), nth, fault };
                    let run = run([&setting; 2], &sets, Some((party, planned)));
                    aborted += usize::from(run.receiver.is_err());
                    for (found, truth) in [run.sender, run.receiver].iter().zip(&truths) {
                        let no_false = found.as_ref().is_ok_and(|found| is_subset(found, truth));
                        assert!(found.is_err() || no_false, "{output:?} {party} {planned:?}");
                    }
                }
            }
        }
        assert!(aborted > 0, "nothing was noticed at all");
    }
}

#[test]
fn a_message_that_is_lost_cut_or_out_of_order_ends_the_run_at_both() {
    let n = 40;
    let sets = sets(Duo::new(6), n, n, 20);
    for setting in [setting(n, Model::SemiHonest, Output::ToBoth), low(n, Output::ToBoth)] {
        let clean = run([&setting; 2], &sets, None);
        for party in [0, 1_u16] {
            let messages = usize::try_from(clean.sent[usize::from(party)].messages).unwrap();
            for nth in 0..messages {
                for fault in [Fault::Truncate(3), Fault::WrongTag, Fault::Close] {
                    let planned = Planned { to: PartyId(1 - party), nth, fault };
                    let run = run([&setting; 2], &sets, Some((party, planned)));
                    assert!(run.receiver.is_err() || run.sender.is_err(), "{party} {planned:?}");
                }
            }
        }
    }
}

/// A semi-honest variant promises no outcome for an altered message, but it ends, with an outcome or an error.
#[test]
fn whatever_message_with_short_values_is_altered_the_run_ends() {
    let n = 40;
    let sets = sets(Duo::new(11), n, n, 20);
    let setting = low(n, Output::ToBoth);
    let clean = run([&setting; 2], &sets, None);
    assert_eq!(clean.receiver.map(|found| found.len()), Ok(20));
    let mut aborted = 0;
    for party in [0, 1_u16] {
        let messages = usize::try_from(clean.sent[usize::from(party)].messages).unwrap();
        for nth in 0..messages {
            for fault in [Fault::FlipBit(0), Fault::FlipBit(777), Fault::FlipBit(usize::MAX / 8)] {
                let planned = Planned { to: PartyId(1 - party), nth, fault };
                let run = run([&setting; 2], &sets, Some((party, planned)));
                aborted += usize::from(run.receiver.is_err() || run.sender.is_err());
            }
        }
    }
    assert!(aborted > 0, "nothing was noticed at all");
}

#[test]
fn another_salt_or_size_is_named_before_anything_is_sent() {
    let sets = sets(Duo::new(7), 40, 40, 20);
    let own = setting(40, Model::SemiHonest, Output::ToReceiver);
    let salted = Setting { context: [4; 32], ..own };
    let larger = setting(42, Model::SemiHonest, Output::ToReceiver);
    for (other, what) in [
        (salted, "salts, epochs or jobs"),
        (larger, "sizes of the sender's set"),
        (low(40, Output::ToReceiver), "protocols or their security models"),
    ] {
        let run = run([&own, &other], &sets, None);
        // The one who sees it first ends the run of the other.
        let seen = [run.sender.unwrap_err(), run.receiver.unwrap_err()];
        let named = |peer| SessionError::Inconsistent { step: 1, peer: PartyId(peer), what };
        assert!(seen[0] == named(1) || seen[1] == named(0), "{seen:?}");
        assert_eq!(run.opened, [vec![], vec![]]);
    }
}

/// The receiver's coins of a bucket come with another bucket's number.
#[test]
fn a_bucket_out_of_order_is_refused() {
    let sets = sets(Duo::new(8), 40, 40, 20);
    for setting in [setting(40, Model::SemiHonest, Output::ToReceiver), low(40, Output::ToReceiver)]
    {
        let clean = run([&setting; 2], &sets, None);
        // Of the receiver: the hello, the correlations', then two messages for each of two buckets.
        let header = usize::try_from(clean.sent[1].messages).unwrap() - 4;
        let fault = Fault::FlipBit(256);
        let planned = Planned { to: PartyId(0), nth: header, fault };
        let run = run([&setting; 2], &sets, Some((1, planned)));
        let what = "another bucket than the one due";
        let want = SessionError::Invalid { step: 1, peer: PartyId(1), what };
        assert_eq!(run.sender, Err(want));
    }
}

#[test]
fn a_set_larger_than_the_sizes_say_is_refused() {
    let sets = sets(Duo::new(9), 100, 40, 20);
    for setting in [setting(40, Model::SemiHonest, Output::ToReceiver), low(40, Output::ToReceiver)]
    {
        let run = run([&setting; 2], &sets, None);
        assert!(matches!(run.sender, Err(SessionError::Unlucky { .. })));
        assert!(run.receiver.is_err());
    }
}
