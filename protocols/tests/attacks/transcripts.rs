//! Same sizes, same transcript: the frames of every link direction, with tags, depths and lengths, do not depend on data.

use protocols::{
    mpc::{
        self, Column, Extremum, Ordering, Shuffle,
        fixed::{Fixed, check_ranges},
    },
    net::record::Shape,
    party::Role,
    relational::{
        Extreme, GroupBy, Join, compact, distinct, group_by, join, join_sum, order_by, top_k,
    },
    ring::{Z32, Z64},
    session::{OpeningKind, Session, SessionError},
    share::{Bits, Shared},
    testkit::{World, share_bits},
};

use super::view::record;

/// Tables of the same sizes: all zero, all the same, ascending, random.
#[derive(Clone, Copy, Debug)]
enum Data {
    Zero,
    Ones,
    Ascending,
    Random(u64),
}

#[derive(Clone, Copy)]
struct Source(World, Data);

impl Source {
    fn clear(self, label: u64, n: usize, width: usize) -> Vec<u64> {
        let mut random = self.0.random(label);
        let cut = u64::MAX >> (64 - width);
        let value = |row: u64| match self.1 {
            Data::Zero => 0,
            Data::Ones => cut,
            Data::Ascending => row & cut,
            Data::Random(_) => random() & cut,
        };
        (0..n as u64).map(value).collect()
    }

    fn words(self, s: &Session, label: u64, n: usize) -> Shared<Z64> {
        self.0.deal::<Z64>(label, &self.clear(label, n, 64))[s.role().index()].clone()
    }

    fn bits(self, s: &Session, label: u64, n: usize, width: usize) -> Bits {
        share_bits(self.0, label, &self.clear(label, n, width), width)[s.role().index()].clone()
    }
}

type Protocol = fn(&mut Session, Source) -> Result<(), SessionError>;

fn shape(data: Data, protocol: Protocol) -> [Shape; 3] {
    let world = World::new(if let Data::Random(seed) = data { seed } else { 1 });
    record(world, |s| protocol(s, Source(world, data))).1.map(|view| view.shape)
}

fn same_shape(protocol: Protocol) -> bool {
    let first = shape(Data::Zero, protocol);
    assert!(first.iter().any(|party| !party.is_empty()), "something travelled");
    let others = [Data::Ones, Data::Ascending, Data::Random(2), Data::Random(3)];
    others.into_iter().all(|data| shape(data, protocol) == first)
}

const N: usize = 130;

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("mul", |s, d| mpc::mul(s, &d.words(s, 1, N), &d.words(s, 2, N)).map(drop)),
    ("lt", |s, d| mpc::lt(s, &d.words(s, 1, N), &d.words(s, 2, N), 63).map(drop)),
    ("eq", |s, d| mpc::eq(s, &d.words(s, 1, N), &d.words(s, 2, N), 64).map(drop)),
    ("from bits", |s, d| mpc::from_signed_bits::<Z64>(s, &d.bits(s, 1, N, 5)).map(drop)),
    ("inject", |s, d| mpc::inject::<Z32>(s, &d.bits(s, 1, N, 5)).map(drop)),
    ("input", |s, d| {
        let mine = d.clear(1, N, 64);
        let mine = (s.role() == Role::P1).then_some(mine.as_slice());
        mpc::input::<Z64>(s, Role::P1, mine, N).map(drop)
    }),
    ("range check", |s, d| {
        let range = Fixed::of_words(0, 0, 5000).unwrap();
        match check_ranges(s, &[(&d.words(s, 1, N), range)]) {
            Err(SessionError::OutOfRange { .. }) => Ok(()),
            other => other,
        }
    }),
    ("reveal", |s, d| mpc::reveal(s, &d.words(s, 1, N), OpeningKind::Masked).map(drop)),
    ("shuffle", |s, d| {
        let columns = [Column::Z64(d.words(s, 1, N)), Column::Bits(d.bits(s, 2, N, 33))];
        let shuffle = Shuffle::draw(s, N);
        let moved = shuffle.apply(s, &columns)?;
        shuffle.undo(s, &moved).map(drop)
    }),
    ("sort", |s, d| {
        let positions = mpc::sort_positions(s, &d.bits(s, 1, N, 32))?;
        Ordering::apply(s, &positions, &[Column::Z64(d.words(s, 2, N))]).map(drop)
    }),
    ("join", |s, d| {
        // The unique side's keys are distinct whatever the data: the promise its owner makes.
        let keys: Vec<u64> = match d.1 {
            Data::Random(seed) => (0..N as u64).map(|row| row * 3 + seed % 3).collect(),
            _ => (0..N as u64).collect(),
        };
        let keys = share_bits(d.0, 9, &keys, 10)[s.role().index()].clone();
        let (live, payload) = (d.bits(s, 2, N, 1), [Column::Z64(d.words(s, 3, N))]);
        let (right_key, right_live) = (d.bits(s, 4, 2 * N, 10), d.bits(s, 5, 2 * N, 1));
        let sides = Join {
            left_key: &keys,
            left_live: &live,
            left_sorted: false,
            columns: &payload,
            right_key: &right_key,
            right_live: &right_live,
        };
        join(s, &sides).map(drop)
    }),
    ("group by", |s, d| {
        let (keys, live) = (d.bits(s, 1, N, 4), d.bits(s, 2, N, 1));
        let (sums, of) = ([Column::Z64(d.words(s, 3, N))], d.bits(s, 4, N, 6));
        let extremes = [Extreme { of: &of, largest: true }];
        let group =
            GroupBy { keys: &keys, live: &live, sums: &sums, extremes: &extremes, groups: 20 };
        group_by(s, &group).map(drop)
    }),
    ("matmul", |s, d| {
        let (x, y) = (d.words(s, 1, 13 * 10), d.words(s, 2, 10 * 7));
        mpc::matmul(s, &x, (13, 10), &y, (10, 7)).map(drop)
    }),
    ("extremes", |s, d| {
        mpc::arg_extremes(s, &d.bits(s, 1, N, 9), N, Extremum::Max, 9)?;
        mpc::extremes(s, &d.words(s, 2, N), 13, Extremum::Min, 63).map(drop)
    }),
    ("segmented scans", |s, d| {
        let starts = d.bits(s, 1, N, 1);
        mpc::segmented_sums(s, &d.words(s, 2, N), &starts)?;
        mpc::copy_down_bits(s, &d.bits(s, 3, N, 5), &starts)?;
        mpc::segmented_extremes(s, &d.bits(s, 4, N, 5), &starts, Extremum::Min).map(drop)
    }),
    ("lookup", |s, d| {
        let table: Vec<u64> = (0..64).map(|entry| entry * entry).collect();
        mpc::lookup_words::<Z64>(s, &d.bits(s, 1, N, 6), &table).map(drop)
    }),
    ("histogram", |s, d| {
        let (keys, live) = (d.bits(s, 1, N, 3), d.bits(s, 2, N, 1));
        mpc::histogram::<Z32>(s, &keys, &live)?;
        mpc::histogram_sums(s, &keys, &live, &d.words(s, 3, N), 1).map(drop)
    }),
    ("join sum", |s, d| {
        let keys: Vec<u64> = (0..N as u64).map(|row| row * 3).collect();
        let keys = share_bits(d.0, 9, &keys, 10)[s.role().index()].clone();
        let (live, payload) = (d.bits(s, 2, N, 1), [Column::Z64(d.words(s, 3, N))]);
        let (right_key, right_live) = (d.bits(s, 4, 2 * N, 10), d.bits(s, 5, 2 * N, 1));
        let sides = Join {
            left_key: &keys,
            left_live: &live,
            left_sorted: false,
            columns: &payload,
            right_key: &right_key,
            right_live: &right_live,
        };
        join_sum(s, &sides, &[d.words(s, 6, 2 * N)]).map(drop)
    }),
    ("distinct, then the first few", |s, d| {
        let columns = [Column::Z64(d.words(s, 3, N))];
        let (live, keys) = (d.bits(s, 1, N, 1), d.bits(s, 2, N, 9));
        let (live, moved) = distinct(s, &live, &keys, &columns)?;
        top_k(s, &live, &keys, &moved, 7).map(drop)
    }),
    ("order by", |s, d| {
        let columns = [Column::Z64(d.words(s, 3, N))];
        let (live, keys) = (d.bits(s, 1, N, 1), d.bits(s, 2, N, 9));
        let (live, moved) = order_by(s, &live, &keys, &columns)?;
        compact(s, &live, &moved).map(drop)
    }),
];

#[test]
fn tables_of_one_size_have_one_transcript() {
    for (name, protocol) in PROTOCOLS {
        assert!(same_shape(*protocol), "{name}");
    }
}

#[test]
fn a_length_or_count_that_follows_the_data_is_seen() {
    // Sends what is not zero.
    let length: Protocol = |s, d| {
        let kept: Vec<u64> = d.clear(1, N, 4).into_iter().filter(|word| *word != 0).collect();
        s.exchange::<Z64>(&[kept, vec![0]].concat()).map(drop)
    };
    assert!(!same_shape(length));
    // Goes on while pairs are out of order, as quicksort and bubble sort do.
    let count: Protocol = |s, d| {
        let pairs = d.clear(1, N, 8);
        let swaps = pairs.windows(2).filter(|pair| pair[0] > pair[1]).count();
        for _ in 0..=swaps {
            s.exchange::<Z64>(&[0])?;
        }
        Ok(())
    };
    assert!(!same_shape(count));
}
