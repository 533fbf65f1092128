//! A set from a column: every id once, with the rows it came from.

use std::ops::{Range, RangeInclusive};

use super::uniform_sort::sort_by_uniform_key;

/// The distinct ids of a column in ascending order, each with its row numbers.
///
/// Duplicates are no fault: they are joined before a protocol sees the set, and the rows are found again behind it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Distinct {
    ids: Vec<u128>,
    /// Row numbers, those of one id side by side and ascending.
    rows: Vec<u32>,
    /// Where the rows of each id begin, and their number at the end; `None` if every id has one row.
    starts: Option<Vec<u32>>,
}

impl Distinct {
    /// The set of a column's ids, row by row. Rows without a key are left out with `None`.
    ///
    /// # Panics
    /// If there are 2^32 rows or more: partition the table before.
    #[must_use]
    pub fn new(ids: impl IntoIterator<Item = Option<u128>>) -> Self {
        let keyed = ids.into_iter().zip(0_u64..).filter_map(|(id, row)| Some((id?, row)));
        let row = |row| u32::try_from(row).expect("fewer than 2^32 rows");
        let pairs = keyed.map(|(id, at)| Pair { id: id.to_ne_bytes(), row: row(at) });
        Self::from_pairs(pairs.collect())
    }

    fn from_pairs(mut pairs: Vec<Pair>) -> Self {
        sort_by_uniform_key(&mut pairs, Pair::id);
        let first = |i: usize| i == 0 || pairs[i].id != pairs[i - 1].id;
        let distinct = (0..pairs.len()).filter(|i| first(*i)).count();
        let mut starts = Vec::new();
        let mut ids = Vec::with_capacity(distinct);
        for (i, at) in (0..pairs.len()).zip(0_u32..) {
            if first(i) {
                ids.push(pairs[i].id());
                if distinct < pairs.len() {
                    starts.push(at);
                }
            }
        }
        let mut rows: Vec<u32> = pairs.iter().map(|pair| pair.row).collect();
        drop(pairs);
        if starts.is_empty() {
            return Self { ids, rows, starts: None };
        }
        starts.extend(u32::try_from(rows.len()));
        for range in starts.windows(2) {
            rows[range[0] as usize..range[1] as usize].sort_unstable();
        }
        Self { ids, rows, starts: Some(starts) }
    }

    /// How many ids there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, ascending.
    #[must_use]
    pub fn ids(&self) -> &[u128] {
        &self.ids
    }

    /// Which positions fall into a bucket, by [`bucket_of`].
    #[must_use]
    pub fn bucket(&self, bucket: usize, buckets: usize) -> Range<usize> {
        let start = self.ids.partition_point(|id| bucket_of(*id, buckets) < bucket);
        let len = self.ids[start..].partition_point(|id| bucket_of(*id, buckets) == bucket);
        start..start + len
    }

    /// The rows of the id at a position, ascending.
    ///
    /// # Panics
    /// If there is no such position.
    #[must_use]
    pub fn rows_of(&self, position: usize) -> &[u32] {
        let range = match &self.starts {
            None => position..position + 1,
            Some(starts) => starts[position] as usize..starts[position + 1] as usize,
        };
        &self.rows[range]
    }

    /// The rows of the ids at these positions, ascending: those that have a partner, where the positions are what a protocol
    /// found. All other rows have none.
    ///
    /// # Panics
    /// If there is no such position.
    #[must_use]
    pub fn rows_of_all(&self, positions: &[u32]) -> Vec<u32> {
        let rows = positions.iter().flat_map(|position| self.rows_of(*position as usize));
        let mut rows: Vec<u32> = rows.copied().collect();
        rows.sort_unstable();
        rows
    }
}

/// Sets do not print.
impl std::fmt::Debug for Distinct {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Distinct({} ids, {} rows)", self.ids.len(), self.rows.len())
    }
}

/// An id and its row, 20 bytes.
#[derive(Clone, Copy)]
struct Pair {
    id: [u8; 16],
    row: u32,
}

impl Pair {
    fn id(&self) -> u128 {
        u128::from_ne_bytes(self.id)
    }
}

/// Which of `buckets` buckets an id falls into: by its first bits, so that buckets follow each other in the order of ids.
#[must_use]
pub fn bucket_of(id: u128, buckets: usize) -> usize {
    let scaled = (id >> 64) * buckets as u128;
    usize::try_from(scaled >> 64).unwrap_or(usize::MAX)
}

/// The ids that fall into a bucket, by [`bucket_of`].
#[must_use]
pub fn bucket_range(bucket: usize, buckets: usize) -> RangeInclusive<u128> {
    // Behind the last bucket the next one would begin at 2^128.
    let start = |bucket: usize| ((bucket as u128) << 64).div_ceil(buckets as u128) << 64;
    start(bucket)..=start(bucket + 1).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testkit::Duo;

    fn check(ids: &[Option<u128>]) {
        let set = Distinct::new(ids.iter().copied());
        let mut want = BTreeMap::<u128, Vec<u32>>::new();
        for (id, row) in ids.iter().zip(0..) {
            if let Some(id) = id {
                want.entry(*id).or_default().push(row);
            }
        }
        assert!(set.ids().iter().eq(want.keys()));
        assert_eq!((set.len(), set.is_empty()), (want.len(), want.is_empty()));
        for (position, rows) in want.values().enumerate() {
            assert_eq!(set.rows_of(position), rows);
        }
        let all: Vec<u32> = (0..).take(set.len()).collect();
        assert_eq!(set.rows_of_all(&all).len(), ids.iter().flatten().count());
    }

    #[test]
    fn every_id_once_with_all_its_rows() {
        for n in [0, 1, 2, 63, 64, 65, 1000, 10_000] {
            let words = Duo::new(3).words(0, n);
            check(&words.iter().copied().map(Some).collect::<Vec<_>>());
            check(&words.iter().map(|word| (word % 5 > 0).then_some(word % 7)).collect::<Vec<_>>());
            check(&vec![Some(1 << 127 | 5); n]);
            check(&vec![None; n]);
            let pairs = words.iter().map(|word| Some(words[*word as usize % n]));
            check(&pairs.collect::<Vec<_>>());
        }
    }

    #[test]
    fn buckets_are_ranges_that_cover_every_id() {
        let set = Distinct::new(Duo::new(4).words(0, 1000).into_iter().map(Some));
        for buckets in [1, 2, 3, 16, 1000] {
            let mut at = 0;
            for bucket in 0..buckets {
                let range = set.bucket(bucket, buckets);
                assert_eq!(range.start, at);
                at = range.end;
            }
            assert_eq!(at, 1000);
        }
        assert_eq!((bucket_of(0, 7), bucket_of(u128::MAX, 7)), (0, 6));
    }

    #[test]
    fn ranges_of_buckets_follow_each_other_and_hold_what_falls_there() {
        for buckets in [1, 2, 3, 63, 64, 65, 1000, 1 << 20] {
            let mut next = Some(0_u128);
            for bucket in 0..buckets {
                let (first, last) = bucket_range(bucket, buckets).into_inner();
                assert_eq!(Some(first), next, "{bucket} of {buckets}");
                assert_eq!([first, last].map(|id| bucket_of(id, buckets)), [bucket; 2]);
                next = last.checked_add(1);
            }
            assert_eq!(next, None, "the last of {buckets} ends with the ids");
        }
    }
}
