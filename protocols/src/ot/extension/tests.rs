use std::{sync::Arc, time::Duration};

use super::{super::Model, *};
use crate::{
    net::{
        Channel,
        faulty::{Fault, Faulty, Planned},
        memory,
    },
    party::PartyId,
    prg::Prg,
    ring::Z64,
    session::{Pair, PairCost, SessionError, Side},
    testkit::Duo,
};

fn choices(seed: u64, rows: usize) -> Vec<u64> {
    Duo::new(seed).prg(9).elements::<Z64>(rows.div_ceil(64)).to_vec()
}

fn send(
    pair: &mut Pair<'_>,
    sizes: &[usize],
    model: Model,
    rng: &mut Prg,
) -> Result<(u128, Vec<u128>), SessionError> {
    let mut end = CorrelatedSender::setup(pair, model, rng)?;
    let mut all = Vec::new();
    for rows in sizes {
        all.extend_from_slice(&end.extend(pair, *rows, rng)?);
    }
    Ok((end.delta(), all))
}

fn receive(
    pair: &mut Pair<'_>,
    sizes: &[usize],
    model: Model,
    rng: &mut Prg,
) -> Result<Vec<u128>, SessionError> {
    let mut end = CorrelatedReceiver::setup(pair, model, rng)?;
    let mut all = Vec::new();
    for rows in sizes {
        let bits = choices(*rows as u64, *rows);
        all.extend_from_slice(&end.extend(pair, &bits, *rows, rng)?);
    }
    Ok(all)
}

#[test]
fn rows_differ_by_delta_where_the_bit_is_set() {
    for model in [Model::SemiHonest, Model::Malicious] {
        for sizes in [&[1][..], &[64, 65], &[1000, 128, 3]] {
            let run = Duo::new(3).run(
                |pair, rng| send(pair, sizes, model, rng),
                |pair, rng| receive(pair, sizes, model, rng),
            );
            let (delta, ref sent) = run.sender;
            assert_ne!(delta, 0);
            let mut at = 0;
            for rows in sizes {
                let bits = choices(*rows as u64, *rows);
                for i in 0..*rows {
                    let bit = bits[i / 64] >> (i % 64) & 1;
                    let want = sent[at] ^ (delta * u128::from(bit));
                    assert_eq!(run.receiver[at], want, "{model:?} row {i} of {rows}");
                    at += 1;
                }
            }
            let mut cost = PairCost::new();
            setup_cost(&mut cost, Side::Sender, model);
            sizes.iter().for_each(|rows| extend_cost(&mut cost, Side::Sender, *rows, model));
            run.assert_cost(&cost);
        }
    }
}

#[test]
fn a_cheating_receiver_is_found_out() {
    // Frames to the sender: base point, masked sums, commitments, corrections, hashes. Each bit falls into another group.
    for (nth, bits) in [(1, 0..6), (2, 0..6), (3, 0..6), (4, 0..6)] {
        for bit in bits {
            let ends = memory::mesh(2, Duration::from_secs(20));
            let [one, two] = <[_; 2]>::try_from(ends).ok().unwrap();
            let fault = Fault::FlipBit(bit * 997 + 5);
            let two = Faulty::new(two, vec![Planned { to: PartyId(0), nth, fault }]);
            let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(one), Arc::new(two)];
            let run = Duo::new(bit as u64).run_over(
                channels,
                |pair, rng| send(pair, &[200], Model::Malicious, rng),
                |pair, rng| receive(pair, &[200], Model::Malicious, rng),
            );
            // A flipped sum that the sender did not choose, or a bit in a group that its Δ does not weigh, changes nothing.
            let Ok((delta, sent)) = run.sender else { continue };
            assert!(nth == 1 || nth == 3, "message {nth}, bit {bit} went unnoticed");
            let got = run.receiver.unwrap();
            let bits = choices(200, 200);
            for i in 0..200 {
                let want = sent[i] ^ (delta * u128::from(bits[i / 64] >> (i % 64) & 1));
                assert_eq!(got[i], want, "message {nth}, bit {bit} broke row {i}");
            }
        }
    }
}
