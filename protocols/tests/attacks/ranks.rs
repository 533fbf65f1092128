//! A party's whole view, given all that it knows: its keys and its inputs are held fast, the key it lacks is drawn anew for each
//! run. The bits it receives must then have no affine relation, however many messages they stand in, but those that an opening
//! makes. A mask that is left out, or that serves twice, makes one; so does a value that is the same in all runs, which the secret
//! inputs are. (Of sums the lowest bits are related by relations of bits; looking at more bits does no harm.)

use std::{sync::Arc, time::Duration};

use protocols::{
    mpc::{
        self, Column, Shuffle,
        fixed::{self, Exp, Fixed, Logistic, Power, Product, Sigmoid, Truncation, check_ranges},
    },
    net::{Channel, memory, record::Direction, record::Recorder},
    party::Role,
    prss::Prss,
    relational::{Join, join},
    ring::{Z32, Z64},
    session::{Gate, Profile, Session, SessionError},
    share::{Bits, Shared},
    testkit::{World, share_bits},
};
use zeroize::Zeroizing;

use super::view::View;

/// Links on which bytes are all that counts, and links on which rounds are.
const NARROW: Profile = Profile { rtt_us: 0, bandwidth_mbps: 1 };
const FAR: Profile = Profile { rtt_us: 1_000_000, bandwidth_mbps: 1_000_000 };

/// One party's shares of `rows` small numbers, as words and as bits.
struct Inputs {
    words: Shared<Z64>,
    bits: Bits,
}

type Protocol = fn(&mut Session, &Inputs) -> Result<(), SessionError>;

/// A protocol on inputs of so many rows, and which bits of every message to look at: one of so many, and of messages of less than
/// 64 bits (positions of few rows) one of 16 at least.
struct Case {
    rows: usize,
    profile: Profile,
    one_of: usize,
    protocol: Protocol,
}

const WIDTH: usize = 4;

/// Three parties' shares of the numbers 9, 6, 3, 0, 13, …
fn inputs(rows: usize) -> [Inputs; 3] {
    let values: Vec<u64> = (0..rows as u64).map(|row| (9 + 13 * row) % 16).collect();
    let world = World::new(5);
    let (words, bits) = (world.deal::<Z64>(1, &values), share_bits(world, 2, &values, WIDTH));
    let mut both = words.into_iter().zip(bits).map(|(words, bits)| Inputs { words, bits });
    [(); 3].map(|()| both.next().unwrap())
}

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

/// The bits of the case's choice of all that `victim` receives in one run, 64 in a word, and how many.
fn received(case: &Case, inputs: &[Inputs; 3], victim: Role, run: u32) -> (Vec<u64>, usize) {
    let ends = memory::mesh(3, Duration::from_secs(20));
    let recorders: Vec<_> =
        ends.into_iter().map(|end| Arc::new(Recorder::with_bytes(end))).collect();
    std::thread::scope(|scope| {
        for ((role, inputs), recorder) in Role::ALL.into_iter().zip(inputs).zip(&recorders) {
            let channel = Arc::clone(recorder) as Arc<dyn Channel>;
            scope.spawn(move || {
                let prss = prss(role, victim, run);
                let mut s = Session::new(role, channel, prss, Gate::recording()).on(case.profile);
                s.enter(1);
                (case.protocol)(&mut s, inputs).unwrap();
            });
        }
    });
    let recorder = &recorders[victim.index()];
    let view = View::of(recorder.shape(), recorder.bytes());
    let from = [victim.next(), victim.prev()].map(|peer| view.frames(Direction::From(peer.id())));
    let (mut words, mut bits) = (Vec::new(), 0);
    for (_, body) in from.into_iter().flatten() {
        let step = if body.len() < 8 { case.one_of.min(16) } else { case.one_of };
        for at in (0..8 * body.len()).step_by(step) {
            words.resize(bits / 64 + 1, 0);
            words[bits / 64] |= u64::from(body[at / 8] >> (at % 8) & 1) << (bits % 64);
            bits += 1;
        }
    }
    (words, bits)
}

/// How many independent affine relations there are among the bits that `victim` receives.
fn relations(case: &Case, inputs: &[Inputs; 3], victim: Role) -> usize {
    let (first, bits) = received(case, inputs, victim, 0);
    // Rows of the reduced matrix, by their leading bit.
    let mut reduced: Vec<Option<Vec<u64>>> = vec![None; bits];
    for run in 1..u32::try_from(bits + 40).unwrap() {
        let (mut row, length) = received(case, inputs, victim, run);
        assert_eq!(length, bits, "lengths do not depend on keys");
        row.iter_mut().zip(&first).for_each(|(a, b)| *a ^= b);
        while let Some(word) = row.iter().position(|word| *word != 0) {
            let lead = 64 * word + row[word].trailing_zeros() as usize;
            let Some(leader) = &reduced[lead] else {
                reduced[lead] = Some(row);
                break;
            };
            row.iter_mut().zip(leader).for_each(|(a, b)| *a ^= b);
        }
    }
    reduced.iter().filter(|leader| leader.is_none()).count()
}

/// Fails unless every party's view has exactly the relations listed.
fn assert_relations(listed: usize, case: &Case) {
    let inputs = inputs(case.rows);
    for victim in Role::ALL {
        assert_eq!(relations(case, &inputs, victim), listed, "relations in what {victim} receives");
    }
}

/// A protocol that opens nothing.
fn assert_none(rows: usize, one_of: usize, protocol: Protocol) {
    assert_relations(0, &Case { rows, profile: Profile::LAN, one_of, protocol });
}

#[test]
fn comparison_by_narrow_digits() {
    // Rows enough for each party to deal.
    let protocol: Protocol = |s, of| {
        mpc::lt_zero(s, &of.words, 6)?;
        mpc::eq(s, &of.words, &Shared::zeros(of.words.len()), 6).map(drop)
    };
    assert_relations(0, &Case { rows: 1500, profile: NARROW, one_of: 64, protocol });
}

#[test]
fn comparison_by_wide_digits() {
    let protocol: Protocol = |s, of| mpc::lt_zero(s, &of.words, 6).map(drop);
    assert_relations(0, &Case { rows: 1500, profile: FAR, one_of: 64, protocol });
    assert_relations(0, &Case { rows: 64, profile: FAR, one_of: 8, protocol });
}

#[test]
fn comparison_of_bits() {
    assert_none(64, 1, |s, of| {
        mpc::lt_bits(s, &of.bits.bit_range(0, 2), &of.bits.bit_range(2, 2)).map(drop)
    });
}

#[test]
fn bit_injection() {
    assert_none(2, 1, |s, of| mpc::inject::<Z64>(s, &of.bits.bit_range(0, 2)).map(drop));
    assert_none(400, 32, |s, of| mpc::inject::<Z32>(s, &of.bits.bit_range(0, 1)).map(drop));
}

#[test]
fn conversion_to_bits_and_back() {
    assert_none(64, 1, |s, of| mpc::to_bits(s, &of.words, 2).map(drop));
    assert_none(40, 64, |s, of| mpc::from_bits::<Z64>(s, &of.bits).map(drop));
}

#[test]
fn shuffling_there_and_back() {
    assert_none(64, 64, |s, of| {
        let shuffle = Shuffle::draw(s, of.words.len());
        let there = shuffle.apply(s, &[Column::Z64(of.words.clone())])?;
        shuffle.undo(s, &there).map(drop)
    });
    assert_none(64, 1, |s, of| {
        let shuffle = Shuffle::draw(s, of.bits.rows());
        let there = shuffle.apply(s, &[Column::Bits(of.bits.bit_range(0, 2))])?;
        shuffle.undo(s, &there).map(drop)
    });
}

fn range() -> Fixed {
    Fixed::of_words(8, -100, 100).unwrap()
}

#[test]
fn truncation_and_products() {
    assert_none(3, 1, |s, of| {
        fixed::truncate(s, &of.words, &Truncation::exact(range(), 3).unwrap()).map(drop)
    });
    assert_none(3, 1, |s, of| {
        fixed::mul(s, &of.words, &of.words, &Product::new(range(), range(), 8).unwrap()).map(drop)
    });
    assert_none(3, 1, |s, of| {
        fixed::truncate(s, &of.words, &Truncation::local(range(), 3, 4).unwrap()).map(drop)
    });
}

#[test]
fn exponentials_and_sigmoids() {
    assert_none(1, 1, |s, of| fixed::exp(s, &of.words, &Exp::new(range(), 16).unwrap()).map(drop));
    assert_none(1, 4, |s, of| {
        let plan = Sigmoid::new(range(), Logistic::Series, 8).unwrap();
        fixed::sigmoid(s, &of.words, &plan).map(drop)
    });
}

#[test]
fn reciprocals() {
    assert_none(1, 16, |s, of| {
        let positive = Fixed::of_words(2, 1, 30).unwrap();
        fixed::power(s, &of.words, &Power::reciprocal(positive, 12).unwrap()).map(drop)
    });
}

#[test]
fn range_checks() {
    // The opened word is 0. What a party holds of it is a product of words it received, so this makes no affine relation.
    let protocol: Protocol = |s, of| check_ranges(s, &[(&of.words, range())]);
    assert_relations(0, &Case { rows: 40, profile: FAR, one_of: 64, protocol });
}

#[test]
fn sorting_shows_its_opened_positions() {
    let protocol: Protocol = |s, of| mpc::sort_positions_by(s, &of.bits, 2).map(drop);
    // One opening of two positions, in words of 16 bits, that add up to 1.
    assert_relations(1, &Case { rows: 2, profile: Profile::LAN, one_of: 16, protocol });
}

#[test]
fn joining_shows_its_opened_positions() {
    let protocol: Protocol = |s, of| {
        let (key, live) = (of.bits.bit_range(0, 2), of.bits.bit_range(2, 1));
        let sides = Join {
            left_key: &key,
            left_live: &live,
            left_sorted: true,
            columns: &[Column::Z64(of.words.clone())],
            right_key: &of.bits.bit_range(1, 2),
            right_live: &live,
        };
        join(s, &sides).map(drop)
    };
    // A row on each side, so two positions that add up to 1 at each opening.
    let run = World::new(1).run(|s| protocol(s, &inputs(1)[s.role().index()]));
    let case = Case { rows: 1, profile: Profile::LAN, one_of: 64, protocol };
    assert_relations(run.opened[0].len(), &case);
}
