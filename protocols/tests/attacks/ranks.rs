//! A party's whole view of a sort, given all that it knows: its keys and its inputs are held fast, the key it lacks is drawn anew for
//! each run. The low bits of the words it receives (of sums the bits without carries) must then have no linear relation, however
//! many messages they stand in, but for the one that the opened positions are. A mask that is left out, or that serves twice, makes one.

use std::{sync::Arc, time::Duration};

use protocols::{
    mpc,
    net::{Channel, memory, record::Direction, record::Recorder},
    party::Role,
    prss::Prss,
    session::{Gate, Session},
    testkit::{World, share_bits},
};
use zeroize::Zeroizing;

use super::view::View;

/// The keys of two rows: what is opened of a permutation is one bit.
const KEYS: [u64; 2] = [9, 6];
const WIDTH: usize = 4;

/// The PRSS of `role` in a run where the key that `victim` lacks is number `run`.
fn prss(role: Role, victim: Role, run: u32) -> Prss {
    let secret = |index: Role| {
        let mut secret = Zeroizing::new([7; 32]);
        secret[0] = index.id().0.to_le_bytes()[0];
        if index == victim.prev() {
            secret[8..12].copy_from_slice(&run.to_le_bytes());
        }
        secret
    };
    Prss::new(role, &secret(role), &secret(role.next()))
}

/// The low bit of every 16-bit word that `victim` receives in one run; positions of so few rows travel in such words.
fn received(victim: Role, run: u32) -> Vec<bool> {
    let keys = share_bits(World::new(5), 1, &KEYS, WIDTH);
    let ends = memory::mesh(3, Duration::from_secs(20));
    let recorders: Vec<_> =
        ends.into_iter().map(|end| Arc::new(Recorder::with_bytes(end))).collect();
    std::thread::scope(|scope| {
        for ((role, keys), recorder) in Role::ALL.into_iter().zip(&keys).zip(&recorders) {
            let channel = Arc::clone(recorder) as Arc<dyn Channel>;
            scope.spawn(move || {
                let prss = prss(role, victim, run);
                let mut s = Session::new(role, channel, prss, Gate::recording());
                s.enter(1);
                mpc::sort_positions_by(&mut s, keys, 2).unwrap();
            });
        }
    });
    let recorder = &recorders[victim.index()];
    let view = View::of(recorder.shape(), recorder.bytes());
    let from = [victim.next(), victim.prev()].map(|peer| view.frames(Direction::From(peer.id())));
    let bodies = from.into_iter().flatten();
    let low_bits = bodies.flat_map(|(_, body)| {
        body.chunks_exact(2).map(|word| word[0] & 1 == 1).collect::<Vec<_>>()
    });
    low_bits.collect()
}

/// Bits of a view, and how many of them the others do not determine by linear relations.
fn bits_and_rank(victim: Role) -> (usize, usize) {
    let first = received(victim, 0);
    let bits = first.len();
    // Rows of the reduced matrix, by their leading bit.
    let mut reduced: Vec<Option<Vec<bool>>> = vec![None; bits];
    for run in 1..u32::try_from(bits + 64).unwrap() {
        let view = received(victim, run);
        assert_eq!(view.len(), bits, "lengths do not depend on keys");
        let mut row: Vec<bool> = view.iter().zip(&first).map(|(a, b)| a ^ b).collect();
        while let Some(lead) = row.iter().position(|bit| *bit) {
            let Some(leader) = &reduced[lead] else {
                reduced[lead] = Some(row);
                break;
            };
            row.iter_mut().zip(leader).for_each(|(a, b)| *a ^= b);
        }
    }
    let rank = reduced.iter().flatten().count();
    (bits, rank)
}

#[test]
fn what_a_party_of_a_sort_receives_has_no_relations_but_the_opening() {
    for victim in Role::ALL {
        let (bits, rank) = bits_and_rank(victim);
        // One opening, of two positions that add up to 1.
        assert_eq!(bits - rank, 1, "{victim}: relations in {bits} bits received");
    }
}
