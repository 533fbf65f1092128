//! The real run is the plain intersection; what is sent is what was quoted; what is bad is refused.

use std::collections::HashSet;

use super::{
    key::{Blinds, Key},
    point::{Point, points},
    *,
};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair, PairCost, SessionError},
    testkit::{Duo, DuoRun},
};

mod buckets;
mod prepared;

/// Two sets of these sizes with so many common elements, neither in the order of the other.
fn sets(duo: &Duo, sender: usize, receiver: usize, common: usize) -> (Vec<u128>, Vec<u128>) {
    let y = duo.words(1, sender);
    let mut x = duo.words(2, receiver);
    for (x, y) in x.iter_mut().rev().step_by(2).zip(y.iter().rev()).take(common) {
        *x = *y;
    }
    (y, x)
}

/// Positions of the elements of `a` that are in `b`.
fn plain(a: &[u128], b: &[u128]) -> Vec<u32> {
    let b: HashSet<u128> = b.iter().copied().collect();
    (0..).zip(a).filter_map(|(i, a)| b.contains(a).then_some(i)).collect()
}

fn run(duo: &Duo, y: &[u128], x: &[u128], output: Output) -> DuoRun<Option<Vec<u32>>, Vec<u32>> {
    let shape = Shape { sender: y.len(), receiver: x.len(), output };
    let run =
        duo.run(|pair, rng| send(pair, y, shape, rng), |pair, rng| receive(pair, x, shape, rng));
    let mut quoted = PairCost::new();
    cost(&mut quoted, shape);
    run.assert_cost(&quoted);
    run
}

#[test]
fn both_learn_the_intersection_at_every_size() {
    let sizes =
        [(0, 0), (0, 5), (5, 0), (1, 1), (1, 2), (63, 64), (65, 7), (1000, 999), (64, 1000)];
    for (seed, (sender, receiver)) in (0..).zip(sizes) {
        let duo = Duo::new(seed);
        for common in [0, 1, usize::MAX] {
            let (y, x) = sets(&duo, sender, receiver, common);
            let run = run(&duo, &y, &x, Output::ToBoth);
            assert_eq!(run.receiver, plain(&x, &y), "seed {seed}");
            assert_eq!(run.sender, Some(plain(&y, &x)), "seed {seed}");
            let [to_receiver, to_sender] = run.opened;
            assert_eq!(
                (to_receiver[0].kind, to_receiver[0].count),
                (OpeningKind::Membership, receiver as u64)
            );
            assert_eq!(
                (to_sender[0].kind, to_sender[0].count),
                (OpeningKind::Membership, sender as u64)
            );
        }
    }
}

#[test]
fn equal_sets_and_disjoint_ones_over_several_chunks() {
    let duo = Duo::new(77);
    let y = duo.words(1, 5000);
    let mut x = y.clone();
    x.reverse();
    let all: Vec<u32> = (0..5000).collect();
    assert_eq!(run(&duo, &y, &x, Output::ToReceiver).receiver, all);
    let none = run(&duo, &y, &duo.words(2, 4097), Output::ToReceiver);
    assert_eq!((none.receiver, none.sender), (vec![], None));
    assert!(none.opened[1].is_empty(), "the receiver opens nothing");
}

#[test]
fn one_against_ten_thousand_either_way() {
    let duo = Duo::new(78);
    let (many, one) = sets(&duo, 10_000, 1, 1);
    assert_eq!(run(&duo, &many, &one, Output::ToReceiver).receiver, [0]);
    let both = run(&duo, &one, &many, Output::ToBoth);
    assert_eq!((both.receiver, both.sender), (vec![9999], Some(vec![0])));
}

#[test]
fn the_count_alone() {
    for (seed, sizes) in (0..).zip([(0, 3), (1, 1), (65, 1000), (5000, 64)]) {
        let duo = Duo::new(seed);
        let (y, x) = sets(&duo, sizes.0, sizes.1, 20);
        let shape = Shape { sender: y.len(), receiver: x.len(), output: Output::CountToReceiver };
        let run = duo
            .run(|pair, rng| send(pair, &y, shape, rng), |pair, rng| count(pair, &x, shape, rng));
        assert_eq!(run.receiver, plain(&x, &y).len(), "seed {seed}");
        let mut quoted = PairCost::new();
        cost(&mut quoted, shape);
        run.assert_cost(&quoted);
        assert_eq!((run.opened[0][0].kind, run.opened[0][0].count), (OpeningKind::Aggregate, 1));
    }
}

#[test]
fn many_random_runs_are_the_plain_intersection() {
    for seed in 0..200 {
        let duo = Duo::new(seed);
        let size = |label| (duo.words(label, 1)[0] % 30) as usize;
        let (y, x) = sets(&duo, size(5), size(6), size(7));
        let run = run(&duo, &y, &x, Output::ToBoth);
        assert_eq!(run.receiver, plain(&x, &y), "seed {seed}");
        assert_eq!(run.sender, Some(plain(&y, &x)), "seed {seed}");
    }
}

/// What stands for no element: the neutral one, what is not below the prime, odd numbers, and what is no square where it must be.
fn no_elements() -> [Point; 5] {
    let (mut prime, mut odd, mut none) = ([0xff; 32], [0; 32], [0; 32]);
    (prime[0], prime[31], odd[0], none[0]) = (0xed, 0x7f, 1, 2);
    [[0; 32], odd, none, prime, [0xff; 32]]
}

/// Elements that look like what is asked, and like what is answered.
fn elements(duo: &Duo, n: usize) -> Vec<Point> {
    Key::random(&mut duo.prg(3)).own(duo.words(2, n).into_iter())
}

/// What a hostile side can put in the place of an element, each caught by the other, in the middle of a batch.
#[test]
fn a_bad_point_ends_the_run() {
    let (duo, shape) = (Duo::new(4), Shape { sender: 9, receiver: 9, output: Output::ToReceiver });
    let good = elements(&duo, 9);
    for bad in no_elements() {
        let mut spoilt = good.clone();
        spoilt[4] = bad;
        let refused = duo.run(
            |pair, rng| Ok(send(pair, &duo.words(1, 9), shape, rng).unwrap_err()),
            |pair, _| {
                pair.send(spoilt.as_flattened())?;
                pair.recv_words::<u8>(32)?;
                pair.recv_words::<u8>(9 * shape.tag_bytes()).map(drop)
            },
        );
        assert!(matches!(refused.sender, SessionError::Invalid { .. }), "asked: {bad:?}");
        let refused = |key: Point, answers: Option<&[Point]>| {
            let run = duo.run(
                |pair, _| {
                    pair.send(&key)?;
                    pair.recv_words::<u8>(9 * 32)?;
                    // Who got a bad key is gone.
                    let Some(answers) = answers else { return Ok(()) };
                    pair.send(&vec![7_u8; 9 * shape.tag_bytes()])?;
                    pair.send(answers.as_flattened())
                },
                |pair, rng| Ok(receive(pair, &duo.words(1, 9), shape, rng).unwrap_err()),
            );
            run.receiver
        };
        let error = refused(good[0], Some(&spoilt));
        assert!(matches!(error, SessionError::Invalid { .. }), "answered: {bad:?}");
        let error = refused(bad, None);
        assert!(matches!(error, SessionError::Invalid { .. }), "as a key: {bad:?}");
    }
}

/// The same where the count alone is learnt: here u-coordinates travel.
#[test]
fn a_bad_point_ends_a_count() {
    let (mut prime, mut one) = ([0xff; 32], [0; 32]);
    (prime[0], prime[31], one[0]) = (0xed, 0x7f, 1);
    let order_eight = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ];
    let (duo, shape) =
        (Duo::new(4), Shape { sender: 9, receiver: 9, output: Output::CountToReceiver });
    for bad in [[0; 32], one, prime, [0xff; 32], order_eight] {
        let hostile = |pair: &mut Pair<'_>, at: usize| {
            let mut own = points(duo.words(2, 9).into_iter());
            own[at] = bad;
            pair.send(own.as_flattened())?;
            pair.recv_words::<u8>(9 * 32).map(drop)
        };
        let refused = duo.run(
            |pair, rng| Ok(send(pair, &duo.words(1, 9), shape, rng).unwrap_err()),
            |pair, _| hostile(pair, 4),
        );
        assert!(matches!(refused.sender, SessionError::Invalid { .. }), "{bad:?}");
        let refused = duo.run(
            |pair, _| hostile(pair, 8),
            |pair, rng| Ok(count(pair, &duo.words(1, 9), shape, rng).unwrap_err()),
        );
        assert!(matches!(refused.receiver, SessionError::Invalid { .. }), "{bad:?}");
    }
}

/// A sender that shows the public key of another key takes members away; it adds none.
#[test]
fn a_key_that_is_not_the_senders_gives_no_member() {
    let duo = Duo::new(14);
    let (y, shape) =
        (duo.words(1, 30), Shape { sender: 30, receiver: 30, output: Output::ToReceiver });
    let found = |label| {
        let [key, shown] = [1, label].map(|label| Key::random(&mut duo.prg(label)));
        let run = duo.run(
            |pair, _| {
                pair.send(shown.public())?;
                let own = key.own(y.iter().copied());
                pair.send(&point::tags(&own, shape.tag_bytes()))?;
                let mut asked = point::receive_points(pair, 30)?;
                key.answer(pair, &mut asked)?;
                pair.send(asked.as_flattened())
            },
            |pair, rng| receive(pair, &y, shape, rng),
        );
        run.receiver.len()
    };
    assert_eq!([found(1), found(2)], [30, 0]);
}

/// A blind serves once: what is asked twice looks like two other elements, within a step and from one step to the next.
#[test]
fn every_blind_is_fresh() {
    let mut blinds = Blinds::new(&mut Duo::new(15).prg(1));
    let mut asked: Vec<Point> = (0..5).flat_map(|_| blinds.ask([7; 300].into_iter())).collect();
    asked.extend(Blinds::new(&mut Duo::new(16).prg(1)).ask([7; 300].into_iter()));
    assert_eq!(asked.iter().collect::<HashSet<_>>().len(), 1800);
}

#[test]
fn results_that_differ_fail_on_both_sides() {
    let duo = Duo::new(5);
    let (y, x) = sets(&duo, 20, 20, 3);
    let shape = Shape { sender: 20, receiver: 20, output: Output::ToBoth };
    // A receiver that hides one common item from the sender.
    let lie = |pair: &mut Pair<'_>, rng: &mut Prg| {
        let quiet = Shape { output: Output::ToReceiver, ..shape };
        let found = receive(pair, &x, quiet, rng)?;
        pair.reveal(OpeningKind::Membership, 20)?;
        Ok(report::send(pair, &x, &found, &[0], 20).unwrap_err())
    };
    let run = duo.run(|pair, rng| Ok(send(pair, &y, shape, rng).unwrap_err()), lie);
    assert!(matches!(run.sender, SessionError::Inconsistent { .. }));
    assert!(matches!(run.receiver, SessionError::Inconsistent { .. }));
}

#[test]
fn items_of_another_number_are_refused_before_anything_is_sent() {
    let duo = Duo::new(6);
    let shape = Shape { sender: 3, receiver: 2, output: Output::ToReceiver };
    let run = duo.run(
        |pair, rng| Ok(send(pair, &[1, 2], shape, rng).unwrap_err()),
        |pair, rng| Ok(receive(pair, &[1, 2, 3], shape, rng).unwrap_err()),
    );
    assert!(matches!(run.sender, SessionError::Shape { left: 2, right: 3, .. }));
    assert!(matches!(run.receiver, SessionError::Shape { left: 3, right: 2, .. }));
    assert_eq!((run.sent[0].bytes, run.sent[1].bytes), (0, 0));
}

#[test]
fn tags_are_as_wide_as_the_number_of_pairs_asks() {
    let bytes =
        |sender, receiver| Shape { sender, receiver, output: Output::ToReceiver }.tag_bytes();
    assert_eq!((bytes(0, 0), bytes(1, 1), bytes(1, 2)), (5, 5, 6));
    assert_eq!((bytes(1 << 20, 1 << 20), bytes(1_000_000_000, 1_000_000_000)), (10, 13));
}

/// Encodings of ristretto255 are even: what is compared of them must not have a bit that is always the same.
#[test]
fn every_bit_of_a_tag_is_random() {
    let (duo, runs) = (Duo::new(12), 1000);
    let key = Key::random(&mut Prg::new(&[12; 16]));
    let own = key.own(duo.words(1, runs).into_iter());
    let width = Shape { sender: runs, receiver: runs, output: Output::ToReceiver }.tag_bytes();
    let tags = point::tags(&own, width);
    for bit in 0..8 * width {
        let ones = tags.chunks(width).filter(|tag| tag[bit / 8] >> (bit % 8) & 1 == 1).count();
        // Eight deviations.
        assert!(ones.abs_diff(runs / 2) < 127, "bit {bit}: {ones} of {runs}");
    }
}

/// Two runs of one party on one set show the peer different tags, in another order.
#[test]
fn a_run_shows_fresh_points() {
    let duo = Duo::new(8);
    let y = duo.words(1, 50);
    let shape = Shape { sender: 50, receiver: 50, output: Output::ToReceiver };
    let seen = |seed| {
        let run = Duo::new(seed).run(
            |pair, rng| send(pair, &y, shape, rng),
            |pair, _| {
                pair.send(elements(&duo, 50).as_flattened())?;
                pair.recv_words::<u8>(32)?;
                let seen = pair.recv_words::<u8>(50 * shape.tag_bytes())?.to_vec();
                pair.recv_words::<u8>(50 * 32).map(|_| seen)
            },
        );
        let tags = run.receiver.chunks(shape.tag_bytes()).map(<[u8]>::to_vec);
        tags.collect::<HashSet<_>>()
    };
    let (one, two) = (seen(1), seen(2));
    assert_eq!((one.len(), two.len()), (50, 50));
    assert!(one.is_disjoint(&two));
}
