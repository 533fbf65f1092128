use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    net::{
        Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    testkit::Duo,
};

const MODELS: [Model; 2] = [Model::SemiHonest, Model::Malicious];

fn assert_correlated(sender: &VoleSender, receiver: &VoleReceiver, what: &str) {
    assert_ne!(sender.delta(), 0, "{what}");
    let rows = receiver.a().iter().zip(receiver.c()).zip(sender.b());
    for (i, ((a, c), b)) in rows.enumerate() {
        assert_eq!(*c, gf128_mul(*a, sender.delta()) ^ b, "{what}: output {i}");
    }
}

#[test]
fn c_is_a_delta_plus_b_and_costs_what_was_quoted() {
    for (model, seed) in MODELS.into_iter().zip(1..) {
        for n in [0, 1, 63, 64, 65, 191, 192, 193, 1000, 5000, 66_000, 140_001] {
            let run = Duo::new(seed).run(
                |pair, rng| send(pair, n, model, rng),
                |pair, rng| receive(pair, n, model, rng),
            );
            assert_eq!((run.sender.b().len(), run.receiver.a().len()), (n, n));
            if n > 0 {
                assert_correlated(&run.sender, &run.receiver, &format!("{model:?}, n {n}"));
            }
            let mut quoted = PairCost::new();
            cost(&mut quoted, n, model);
            run.assert_cost(&quoted);
        }
    }
}

#[test]
fn outputs_look_random_and_runs_differ() {
    let run = |seed| {
        let run = Duo::new(seed).run(
            |pair, rng| send(pair, 3000, Model::SemiHonest, rng),
            |pair, rng| receive(pair, 3000, Model::SemiHonest, rng),
        );
        (run.sender, run.receiver)
    };
    let ((sender, receiver), (other, _)) = (run(1), run(2));
    assert_ne!(sender.delta(), other.delta());
    for words in [receiver.a(), receiver.c(), sender.b()] {
        let ones: u32 = words.iter().map(|word| word.count_ones()).sum();
        let mean = 3000 * 64;
        // Ten standard deviations of a binomial variable.
        assert!(ones.abs_diff(mean) < 3100, "{ones} ones");
        let distinct: std::collections::HashSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len());
    }
}

/// Flips one bit of one message of one side, and holds that both end well or one of them does not end.
fn tamper(side: usize, nth: usize, bit: usize, n: usize) -> bool {
    let ends = memory::mesh(2, Duration::from_secs(20));
    let plan = |end| {
        let fault = Planned { to: PartyId(u16::from(side == 0)), nth, fault: Fault::FlipBit(bit) };
        if end == side { vec![fault] } else { vec![] }
    };
    let channels: Vec<Arc<dyn Channel>> = ends
        .into_iter()
        .enumerate()
        .map(|(end, channel)| Arc::new(Faulty::new(channel, plan(end))) as Arc<dyn Channel>)
        .collect();
    let model = Model::Malicious;
    let run = Duo::new(bit as u64).run_over(
        channels,
        |pair, rng| send(pair, n, model, rng),
        |pair, rng| receive(pair, n, model, rng),
    );
    let (Ok(sender), Ok(receiver)) = (run.sender, run.receiver) else { return true };
    assert_correlated(&sender, &receiver, &format!("side {side}, message {nth}, bit {bit}"));
    false
}

/// From the sender: base points, the extension's challenge, the instance, the check. From the receiver: base point,
/// sums of seeds, commitments, corrections, hashes, the check.
#[test]
fn a_tampered_message_ends_the_run_or_changes_nothing() {
    for (side, messages) in [(0, 0..4), (1, 0..6)] {
        for nth in messages {
            let caught = (0..6).filter(|bit| tamper(side, nth, bit * 8191 + 3, 1000)).count();
            assert!(caught > 0, "no change of message {nth} of side {side} was noticed");
        }
    }
}

#[test]
fn nothing_secret_prints() {
    let sender = VoleSender { delta: Zeroizing::new(77), b: Buf::zeroed(3), n: 3 };
    let receiver = VoleReceiver { a: Buf::zeroed(3), c: Buf::zeroed(3), n: 3 };
    assert_eq!(format!("{sender:?} {receiver:?}"), "VoleSender(3) VoleReceiver(3)");
}
