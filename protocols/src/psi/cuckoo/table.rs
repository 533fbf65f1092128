//! The receiver's table: each element in one of its three bins, one element a bin.

use std::fmt;

use super::{
    hashing::{Hashing, key, places},
    params::Params,
};
use crate::ring::{Buf, Word};

/// No element, and no predecessor.
const NONE: u32 = u32::MAX;

/// Which element stands in which bin.
#[derive(Clone)]
pub struct Table {
    /// An element's number for every bin, or none.
    slots: Vec<u32>,
    /// The key of each element that stands in a bin, in the order of the bins.
    keys: Vec<u128>,
}

/// Why a set has no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// More elements than the parameters are for.
    #[error("a set has more elements than were agreed on")]
    TooMany,
    /// An element is there twice.
    #[error("elements {first} and {second} are equal; a set has each once")]
    Duplicate {
        /// The number of one.
        first: usize,
        /// The number of the other.
        second: usize,
    },
    /// The elements cannot stand one a bin under these hash functions.
    #[error("the set does not fit under these hash functions; others will do")]
    Unlucky,
}

impl Table {
    /// Places a set. It fits whenever it can: an element whose three bins are full moves others along the shortest path to
    /// an empty bin, if there is one.
    ///
    /// # Errors
    /// [`PlaceError`]. Unlucky with the probability that the parameters state, whatever the set.
    ///
    /// # Panics
    /// If the hash functions are not for as many bins as the parameters.
    ///
    /// # Security
    /// Local: its time and memory accesses depend on the set, and are on the machine of the party that owns it.
    ///
    /// # Source
    /// \[PSZ18\] and \[PSTY19\], see the [module](super), with augmenting paths (Hopcroft and Karp, 1973) in place of a random walk.
    pub fn new(params: &Params, hashing: &Hashing, items: &[u128]) -> Result<Self, PlaceError> {
        assert_eq!(params.bins(), hashing.bins(), "hash functions for the same bins");
        if items.len() > params.items() {
            return Err(PlaceError::TooMany);
        }
        let hashes = hashing.hashes(items);
        let slots = Placing::new(&hashes, params.bins()).run()?;
        let keys = (0..).zip(&slots).filter(|(_, item)| **item != NONE).map(|(bin, item)| {
            let hash = hashes[*item as usize];
            let number = places(hash, params.bins()).iter().position(|place| *place == bin);
            key(hash, number.unwrap_or(0))
        });
        Ok(Self { keys: keys.collect(), slots })
    }

    /// How many bins.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.slots.len()
    }

    /// The key of each element that stands in a bin, in the order of the bins.
    #[must_use]
    pub fn keys(&self) -> &[u128] {
        &self.keys
    }

    /// What was got for [`Table::keys`], put where the keys' elements stand: `out` keeps what it has in empty bins.
    ///
    /// # Panics
    /// If there are not as many bins as the table's in `out`, or fewer values than keys.
    pub fn spread<W: Word>(&self, mut values: impl Iterator<Item = W>, out: &mut [W]) {
        assert_eq!(out.len(), self.slots.len(), "one place a bin");
        for (out, _) in out.iter_mut().zip(&self.slots).filter(|(_, item)| **item != NONE) {
            *out = values.next().expect("a value a key");
        }
    }

    /// A column of values of the elements in the order of the bins, zero where a bin is empty.
    ///
    /// # Panics
    /// If there are fewer values than elements.
    #[must_use]
    pub fn in_bins(&self, values: &[u64]) -> Buf<u64> {
        let mut out = Buf::zeroed(self.slots.len());
        for (out, item) in out.iter_mut().zip(&self.slots).filter(|(_, item)| **item != NONE) {
            *out = values[*item as usize];
        }
        out
    }
}

/// A table on its way.
struct Placing<'a> {
    hashes: &'a [u128],
    bins: usize,
    slots: Vec<u32>,
    /// The last element whose search came to a bin.
    seen: Vec<u32>,
    /// Bins on a search, each with the place in this queue of the one whose element could move there.
    queue: Vec<(u32, u32)>,
}

impl<'a> Placing<'a> {
    fn new(hashes: &'a [u128], bins: usize) -> Self {
        Self { hashes, bins, slots: vec![NONE; bins], seen: vec![NONE; bins], queue: Vec::new() }
    }

    fn run(mut self) -> Result<Vec<u32>, PlaceError> {
        for (item, hash) in (0..).zip(self.hashes) {
            let places = places(*hash, self.bins);
            let standing = places.map(|bin| self.slots[bin as usize]);
            self.refuse_twin(item, &standing)?;
            match standing.iter().position(|other| *other == NONE) {
                Some(free) => self.slots[places[free] as usize] = item,
                None => self.push_on(item, places)?,
            }
        }
        Ok(self.slots)
    }

    /// An equal element, if it was placed, stands in one of the same bins.
    fn refuse_twin(&self, item: u32, standing: &[u32]) -> Result<(), PlaceError> {
        let hash = self.hashes[item as usize];
        let twin =
            standing.iter().find(|other| **other != NONE && self.hashes[**other as usize] == hash);
        let duplicate = |first: &u32| {
            Err(PlaceError::Duplicate { first: *first as usize, second: item as usize })
        };
        twin.map_or(Ok(()), duplicate)
    }

    /// Breadth first from the element's bins to an empty one.
    fn push_on(&mut self, item: u32, places: [u32; 3]) -> Result<(), PlaceError> {
        self.queue.clear();
        places.into_iter().for_each(|bin| self.visit(item, bin, NONE));
        let mut at = 0;
        while let Some((bin, _)) = self.queue.get(at as usize).copied() {
            let standing = self.slots[bin as usize];
            if standing == NONE {
                self.shift(at, item);
                return Ok(());
            }
            let onward = super::hashing::places(self.hashes[standing as usize], self.bins);
            onward.into_iter().for_each(|bin| self.visit(item, bin, at));
            at += 1;
        }
        Err(PlaceError::Unlucky)
    }

    fn visit(&mut self, item: u32, bin: u32, from: u32) {
        let seen = &mut self.seen[bin as usize];
        if *seen != item {
            *seen = item;
            self.queue.push((bin, from));
        }
    }

    /// Moves each element on the path to the next bin of it, the last one into the empty bin.
    fn shift(&mut self, mut at: u32, item: u32) {
        loop {
            let (bin, from) = self.queue[at as usize];
            if from == NONE {
                self.slots[bin as usize] = item;
                return;
            }
            self.slots[bin as usize] = self.slots[self.queue[from as usize].0 as usize];
            at = from;
        }
    }
}

/// Sets do not print.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} bins)", self.slots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    /// Checks that every element stands once, in one of its bins, under the key that the simple table has for it there.
    fn check(items: &[u128], params: &Params, seed: u128) {
        let hashing = Hashing::new(seed, params.bins());
        let table = Table::new(params, &hashing, items).unwrap();
        assert_eq!((table.bins(), table.keys().len()), (params.bins(), items.len()));
        if items.is_empty() {
            return;
        }
        let simple = hashing.simple(items);
        let mut keys = vec![0; params.bins()];
        table.spread(table.keys().iter().copied(), &mut keys);
        let numbers: Vec<u64> = (1..=items.len() as u64).collect();
        let numbers = table.in_bins(&numbers);
        let mut found = 0;
        for (entry, (bin, key)) in simple.bins.iter().zip(simple.keys.iter()).enumerate() {
            if keys[*bin as usize] == *key {
                assert_eq!(numbers[*bin as usize], entry as u64 / 3 + 1);
                found += 1;
            }
        }
        assert_eq!(found, items.len(), "each element meets one of its own entries");
    }

    #[test]
    fn sets_of_every_size_find_their_places() {
        for n in [0, 1, 2, 3, 4, 63, 64, 65, 511, 512, 1000, 4096] {
            let params = Params::new(n, 1).unwrap();
            for seed in 0..3 {
                check(&Duo::new(seed).words(1, n), &params, u128::from(seed));
            }
        }
    }

    #[test]
    fn random_tables_do_not_fail_at_the_density_of_large_sets() {
        // 1.3 bins an element without the few more that small sets get: thousands of tables, all full.
        let n = 2000;
        for seed in 0..200_u64 {
            let items = Duo::new(seed).words(2, n);
            let hashing = Hashing::new(u128::from(seed), n * 13 / 10);
            let hashes = hashing.hashes(&items);
            assert!(Placing::new(&hashes, hashing.bins()).run().is_ok(), "seed {seed}");
        }
    }

    #[test]
    fn a_set_is_placed_whenever_it_can_be() {
        // As many bins as elements: against a search through all ways.
        fn fits(left: &[[u32; 3]], taken: u32) -> bool {
            left.split_first().is_none_or(|(first, rest)| {
                first.iter().any(|bin| taken >> bin & 1 == 0 && fits(rest, taken | 1 << bin))
            })
        }
        let mut outcomes = [0; 2];
        for seed in 0..300_u64 {
            let items = Duo::new(seed).words(3, 7);
            let hashing = Hashing::new(u128::from(seed), 7);
            let hashes = hashing.hashes(&items);
            let all: Vec<_> = hashes.iter().map(|hash| places(*hash, 7)).collect();
            let placed = Placing::new(&hashes, 7).run();
            assert_eq!(placed.is_ok(), fits(&all, 0), "seed {seed}");
            outcomes[usize::from(placed.is_ok())] += 1;
        }
        assert!(outcomes.iter().all(|count| *count > 20), "both happen: {outcomes:?}");
    }

    #[test]
    fn an_element_twice_and_too_many_are_refused() {
        let params = Params::new(100, 1).unwrap();
        let hashing = Hashing::new(9, params.bins());
        let mut items = Duo::new(4).words(1, 100);
        items[77] = items[5];
        let error = PlaceError::Duplicate { first: 5, second: 77 };
        assert_eq!(Table::new(&params, &hashing, &items).unwrap_err(), error);
        items.push(1);
        assert_eq!(Table::new(&params, &hashing, &items).unwrap_err(), PlaceError::TooMany);
    }
}
