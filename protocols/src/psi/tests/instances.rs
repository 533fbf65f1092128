//! Two columns, and what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use crate::{psi::Distinct, testkit::Duo};

/// A column of each side, row by row; `None` is a row without a key.
pub(super) struct Columns {
    pub(super) name: String,
    pub(super) seed: u64,
    sender: Vec<Option<u128>>,
    receiver: Vec<Option<u128>>,
}

impl Columns {
    fn new(name: impl Into<String>, sender: &[u128], receiver: &[u128]) -> Self {
        let keyed = |keys: &[u128]| keys.iter().copied().map(Some).collect();
        let seed = (sender.len() * 31 + receiver.len()) as u64;
        Self { name: name.into(), seed, sender: keyed(sender), receiver: keyed(receiver) }
    }

    pub(super) fn distinct(&self) -> (Distinct, Distinct) {
        let of = |column: &[Option<u128>]| Distinct::new(column.iter().copied());
        (of(&self.sender), of(&self.receiver))
    }

    /// What is right, in the form of what a protocol gave.
    pub(super) fn plain(&self, form: &Found) -> Found {
        let keys: BTreeSet<u128> = self.sender.iter().copied().flatten().collect();
        let has = |key: &u128| keys.contains(key);
        let common: BTreeSet<u128> = self.receiver.iter().copied().flatten().filter(has).collect();
        match form {
            Found::Rows(_) => {
                let rows = (0..).zip(&self.receiver);
                let found = rows.filter(|(_, key)| key.as_ref().is_some_and(has));
                Found::Rows(found.map(|(row, _)| row).collect())
            }
            Found::Count(_) => Found::Count(common.len()),
            Found::Sum(..) => {
                let values: BTreeMap<u128, u64> = keys.iter().copied().map(value).collect();
                Found::Sum(common.len(), common.iter().map(|key| values[key]).sum())
            }
        }
    }
}

/// What a key is worth at the sender: 40 bits of it.
pub(super) fn value(key: u128) -> (u128, u64) {
    (key, u64::try_from(key >> 88).unwrap_or(0))
}

/// Small ones.
pub(super) fn instances() -> Vec<Columns> {
    let words = Duo::new(4242).words(1, 400);
    let (one, other) = (&words[..1], &words[1..2]);
    let same = |n: usize| vec![words[7]; n];
    let mut turned = words[..300].to_vec();
    turned.reverse();
    let mut all = vec![
        Columns::new("nothing and nothing", &[], &[]),
        Columns::new("nothing and some", &[], &words[..5]),
        Columns::new("some and nothing", &words[..5], &[]),
        Columns::new("one and the same", one, one),
        Columns::new("one and another", one, other),
        Columns::new("one key in all rows of both", &same(100), &same(70)),
        Columns::new("one key in all rows of each", &same(100), &vec![words[8]; 70]),
        Columns::new("one key in all rows and many keys", &same(100), &words[..64]),
        Columns::new("many keys and one key in all rows", &words[..65], &same(100)),
        Columns::new("all in common", &words[..300], &turned),
        Columns::new("none in common", &words[..200], &words[200..]),
        Columns::new("smallest and largest ids", &[0, 1, u128::MAX], &[u128::MAX, 0, 2]),
    ];
    let mut gaps = Columns::new("rows without keys", &words[..130], &words[60..190]);
    gaps.sender.iter_mut().step_by(3).for_each(|key| *key = None);
    gaps.receiver.iter_mut().step_by(2).for_each(|key| *key = None);
    all.push(gaps);
    let mut none = Columns::new("no row with a key", &words[..50], &words[..50]);
    none.receiver.fill(None);
    all.push(none);
    all
}

/// One less and one more than `n` on a side, a third in common.
pub(super) fn large(n: usize) -> [Columns; 1] {
    let words = Duo::new(99).words(1, 2 * n);
    let mut sender = words[..n - 1].to_vec();
    sender.reverse();
    [Columns::new("around a power of two", &sender, &words[n - n / 3..2 * n - n / 3 + 1])]
}

/// One row against `n`, there and not there, either way round.
pub(super) fn unbalanced(n: usize) -> [Columns; 2] {
    let words = Duo::new(98).words(1, n + 1);
    [
        Columns::new("one there among many", &words[..n], &words[n / 2..=n / 2]),
        Columns::new("many against one of theirs", &words[n - 1..n], &words[..n]),
    ]
}

/// Up to 24 rows on a side; keys of few, so that some are there twice and some on both sides, and rows without one.
pub(super) fn random(seed: u64) -> Columns {
    let duo = Duo::new(seed);
    let below = |label, n| usize::try_from(duo.words(label, 1)[0] % n).unwrap();
    let keys = duo.words(1, 2 + below(2, 40));
    let rows = |label, n| {
        let drawn = duo.words(label, n).into_iter();
        let row = |word: u128| usize::try_from(word % (keys.len() as u128 + 1)).unwrap();
        drawn.map(|word| keys.get(row(word)).copied()).collect()
    };
    let (sender, receiver) = (rows(3, below(5, 25)), rows(4, below(6, 25)));
    Columns { name: format!("random, seed {seed}"), seed, sender, receiver }
}
