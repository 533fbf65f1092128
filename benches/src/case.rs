//! The cases: what is computed on what, and what must come out.

use std::collections::HashMap;

use protocols::{
    mpc::{self, Column, Shuffle},
    relational::{GroupBy, Join, group_by, join},
    ring::{Z32, Z64},
    session::{Session, SessionError},
    share::{Bits, Shared},
    testkit::{World, share_bits},
};

use crate::Failure;

/// A case by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Mul,
    And,
    Lt(usize),
    Eq,
    Shuffle,
    Sort,
    Join,
    Group,
}

/// One input column in the clear.
pub(crate) enum Clear {
    Words(Vec<u64>),
    Bits(Vec<u64>, usize),
}

const ALL: [Case; 9] = [
    Case::Mul,
    Case::And,
    Case::Lt(63),
    Case::Lt(32),
    Case::Eq,
    Case::Shuffle,
    Case::Sort,
    Case::Join,
    Case::Group,
];

const GROUPS: u64 = 64;

impl Case {
    /// One case, or all of them.
    pub(crate) fn named(name: &str) -> Result<Vec<Self>, Failure> {
        if name == "all" {
            return Ok(ALL.to_vec());
        }
        let found = ALL.into_iter().find(|case| case.name() == name);
        let names = || ALL.map(Self::name).join(", ");
        found
            .map(|case| vec![case])
            .ok_or_else(|| format!("no case `{name}`; there are: all, {}", names()).into())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mul => "mul/z64",
            Self::And => "and",
            Self::Lt(63) => "lt/64",
            Self::Lt(_) => "lt/32",
            Self::Eq => "eq/64",
            Self::Shuffle => "shuffle",
            Self::Sort => "sort/32/100000",
            Self::Join => "join",
            Self::Group => "group",
        }
    }

    pub(crate) fn note(self) -> &'static str {
        match self {
            Self::Mul => "products of Z64 words",
            Self::And => "conjunctions of 64 bits",
            Self::Lt(63) => "a < b, |a - b| < 2^63",
            Self::Lt(_) => "a < b, |a - b| < 2^32",
            Self::Eq => "a = b, all 64 bits",
            Self::Shuffle => "one Z64 column",
            Self::Sort => "positions by 32-bit keys, stable",
            Self::Join => {
                "n unique 32-bit keys, sorted by their owner, with one Z64 column; n rows to match"
            }
            Self::Group => "n rows, 64 groups by an 8-bit key, two sums",
        }
    }

    /// How many rows it takes where `--n` says `n`; the sort's are in its name.
    pub(crate) fn rows(self, n: usize) -> usize {
        match self {
            Self::Sort => 100_000,
            Self::Join | Self::Group => n.div_ceil(10),
            _ => n,
        }
    }

    /// The clear inputs, from a seed.
    pub(crate) fn clear(self, world: &World, n: usize) -> Vec<Clear> {
        let mut random = world.random(u64::MAX);
        let mut words =
            |of: &mut dyn FnMut(u64) -> u64| -> Vec<u64> { (0..n).map(|_| of(random())).collect() };
        let within =
            |bits: usize| move |word: u64| (word.cast_signed() >> (64 - bits)).cast_unsigned();
        match self {
            Self::Mul | Self::Shuffle => {
                [words(&mut |w| w), words(&mut |w| w)].map(Clear::Words).into()
            }
            Self::And => [words(&mut |w| w), words(&mut |w| w)].map(|w| Clear::Bits(w, 64)).into(),
            Self::Lt(bits) => {
                [words(&mut within(bits)), words(&mut within(bits))].map(Clear::Words).into()
            }
            Self::Eq => {
                let a = words(&mut |w| w);
                let mut at = a.iter();
                // Half the pairs are equal.
                let b = words(&mut |w| at.next().map_or(0, |a| if w & 1 == 0 { *a } else { w }));
                [a, b].map(Clear::Words).into()
            }
            Self::Sort => vec![Clear::Bits(words(&mut |w| w >> 32), 32)],
            Self::Join => {
                let keys: Vec<u64> = (0..n as u64).map(|row| 2 * row).collect();
                let wanted = words(&mut |w| w % (2 * n as u64));
                vec![
                    Clear::Bits(keys, 32),
                    Clear::Words(words(&mut |w| w)),
                    Clear::Bits(wanted, 32),
                ]
            }
            Self::Group => {
                let keys = words(&mut |w| w % GROUPS);
                let sums = [words(&mut |w| w), words(&mut |w| w)];
                let [a, b] = sums.map(Clear::Words);
                vec![Clear::Bits(keys, 8), a, b]
            }
        }
    }

    /// The operation that is timed.
    pub(crate) fn run(
        self,
        s: &mut Session,
        inputs: &[Column],
    ) -> Result<Vec<Column>, SessionError> {
        match (self, inputs) {
            (Self::Mul, [Column::Z64(a), Column::Z64(b)]) => {
                Ok(vec![Column::Z64(mpc::mul::<Z64>(s, a, b)?)])
            }
            (Self::And, [Column::Bits(a), Column::Bits(b)]) => {
                Ok(vec![Column::Bits(mpc::and(s, a, b)?)])
            }
            (Self::Lt(width), [Column::Z64(a), Column::Z64(b)]) => {
                Ok(vec![Column::Bits(mpc::lt(s, a, b, width)?)])
            }
            (Self::Eq, [Column::Z64(a), Column::Z64(b)]) => {
                Ok(vec![Column::Bits(mpc::eq(s, a, b, 64)?)])
            }
            (Self::Shuffle, [column, _]) => {
                let order = Shuffle::draw(s, column.rows());
                order.apply(s, std::slice::from_ref(column))
            }
            (Self::Sort, [Column::Bits(keys)]) => {
                Ok(vec![Column::Z32(mpc::sort_positions(s, keys)?)])
            }
            (Self::Join, [Column::Bits(keys), payload, Column::Bits(wanted)]) => {
                run_join(s, keys, payload, wanted)
            }
            (Self::Group, [Column::Bits(keys), Column::Z64(a), Column::Z64(b)]) => {
                run_group(s, keys, &[a.clone(), b.clone()])
            }
            _ => Err(SessionError::Shape { step: s.step(), left: inputs.len(), right: 0 }),
        }
    }

    /// Whether the opened outputs are what the clear inputs give.
    pub(crate) fn is_right(self, clear: &[Clear], opened: &[Vec<u64>]) -> bool {
        let column = |at: usize| match &clear[at] {
            Clear::Words(words) | Clear::Bits(words, _) => words.as_slice(),
        };
        let each = |of: fn(u64, u64) -> u64| {
            let pairs = column(0).iter().zip(column(1));
            opened[0].iter().copied().eq(pairs.map(|(a, b)| of(*a, *b)))
        };
        match self {
            Self::Mul => each(u64::wrapping_mul),
            Self::And => each(|a, b| a & b),
            Self::Lt(_) => each(|a, b| u64::from(a.cast_signed() < b.cast_signed())),
            Self::Eq => each(|a, b| u64::from(a == b)),
            Self::Shuffle => sorted(&opened[0]) == sorted(column(0)) && opened[0] != column(0),
            Self::Sort => opened[0] == stable_positions(column(0)),
            Self::Join => is_join(column(1), column(2), opened),
            Self::Group => is_group([column(0), column(1), column(2)], opened),
        }
    }
}

impl Clear {
    /// Shares of it for all three parties, from the world's seed.
    pub(crate) fn deal(&self, world: &World, label: u64) -> [Column; 3] {
        match self {
            Self::Words(words) => world.deal::<Z64>(label, words).map(Column::Z64),
            Self::Bits(values, width) => {
                share_bits(*world, label, values, *width).map(Column::Bits)
            }
        }
    }
}

fn run_join(
    s: &mut Session,
    keys: &Bits,
    payload: &Column,
    wanted: &Bits,
) -> Result<Vec<Column>, SessionError> {
    let live = |rows: usize| Bits::public(s.role(), &vec![1; rows], 1);
    let (left_live, right_live) = (live(keys.rows()), live(wanted.rows()));
    let sides = Join {
        left_key: keys,
        left_live: &left_live,
        left_sorted: true,
        columns: std::slice::from_ref(payload),
        right_key: wanted,
        right_live: &right_live,
    };
    let joined = join(s, &sides)?;
    Ok([vec![Column::Bits(joined.matched)], joined.columns].concat())
}

fn run_group(
    s: &mut Session,
    keys: &Bits,
    sums: &[Shared<Z64>],
) -> Result<Vec<Column>, SessionError> {
    let live = Bits::public(s.role(), &vec![1; keys.rows()], 1);
    let groups = usize::try_from(GROUPS).unwrap_or(0);
    let group = GroupBy { keys, live: &live, sums, extremes: &[], groups };
    let grouped = group_by(s, &group)?;
    let mut columns = vec![Column::Bits(grouped.live), Column::Bits(grouped.keys)];
    columns.extend(grouped.sums.into_iter().map(Column::Z64));
    Ok(columns)
}

fn sorted(words: &[u64]) -> Vec<u64> {
    let mut words = words.to_vec();
    words.sort_unstable();
    words
}

/// Where each row goes.
fn stable_positions(keys: &[u64]) -> Vec<u64> {
    let mut rows: Vec<usize> = (0..keys.len()).collect();
    rows.sort_by_key(|row| keys[*row]);
    let mut positions = vec![0; keys.len()];
    for (position, row) in (0..).zip(rows) {
        positions[row] = position;
    }
    positions
}

/// Even keys below 2n have a partner, odd ones have none.
fn is_join(payload: &[u64], wanted: &[u64], opened: &[Vec<u64>]) -> bool {
    let matched = wanted.iter().map(|key| 1 - key % 2);
    let mut rows = wanted.iter().zip(&opened[1]);
    opened[0].iter().copied().eq(matched)
        && rows.all(|(key, got)| {
            let partner = usize::try_from(key / 2).ok().and_then(|row| payload.get(row));
            key % 2 == 1 || partner == Some(got)
        })
}

fn is_group([keys, a, b]: [&[u64]; 3], opened: &[Vec<u64>]) -> bool {
    let mut sums: HashMap<u64, [u64; 2]> = HashMap::new();
    for ((key, a), b) in keys.iter().zip(a).zip(b) {
        let sum = sums.entry(*key).or_default();
        *sum = [sum[0].wrapping_add(*a), sum[1].wrapping_add(*b)];
    }
    let live = opened[0].iter().filter(|live| **live == 1).count();
    let mut rows = opened[1].iter().zip(&opened[2]).zip(&opened[3]).take(live);
    live == sums.len() && rows.all(|((key, a), b)| sums.get(key) == Some(&[*a, *b]))
}

/// The values of an opened Z32 column as 64-bit words.
pub(crate) fn widened(words: &[<Z32 as protocols::ring::Ring>::Word]) -> Vec<u64> {
    words.iter().map(|word| u64::from(*word)).collect()
}
