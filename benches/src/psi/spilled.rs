//! A set that stands on disk, as an intersection reads it.

use std::{borrow::Cow, collections::VecDeque};

use protocols::{psi::Buckets, session::SessionError};
use tables::{Spill, TableError};

/// A table's ids, bucket by bucket, and the rows that were found.
pub(super) struct Spilled {
    spill: Spill,
    /// Of the bucket that was read last: each id once, and where its rows begin.
    ids: Vec<u128>,
    pairs: Vec<(u128, u64)>,
    /// The rows of buckets that were read and not yet answered: for each id, the range of its rows.
    open: VecDeque<(usize, Vec<u32>, Vec<u64>)>,
    /// A bit for each row of the table.
    matched: Vec<u64>,
    failed: Option<TableError>,
}

impl Spilled {
    /// The set of a table of so many rows.
    pub(super) fn new(spill: Spill, rows: u64) -> Self {
        let matched = mark(rows, []);
        let open = VecDeque::new();
        Self { spill, ids: Vec::new(), pairs: Vec::new(), open, matched, failed: None }
    }

    /// The rows found, and what went wrong with the file.
    pub(super) fn end(self) -> (Vec<u64>, Option<TableError>) {
        (self.matched, self.failed)
    }
}

impl Buckets for Spilled {
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        let (first, last) = (start(bucket, buckets), start(bucket + 1, buckets).wrapping_sub(1));
        self.pairs.clear();
        if let Err(error) = self.spill.between(first, last, &mut self.pairs) {
            self.failed = Some(error);
            return Err(SessionError::Misuse { step: 0, what: "a scratch file it cannot read" });
        }
        self.pairs.sort_unstable();
        self.ids.clear();
        let mut starts = Vec::with_capacity(self.pairs.len() + 1);
        for ((id, _), at) in self.pairs.iter().zip(0_u32..) {
            if self.ids.last() != Some(id) {
                self.ids.push(*id);
                starts.push(at);
            }
        }
        starts.extend(u32::try_from(self.pairs.len()));
        let rows = self.pairs.iter().map(|(_, row)| *row).collect();
        self.open.push_back((bucket, starts, rows));
        Ok(Cow::Borrowed(&self.ids))
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        while let Some((read, starts, rows)) = self.open.pop_front() {
            if read != bucket {
                continue;
            }
            for position in positions {
                let at = *position as usize;
                for row in &rows[starts[at] as usize..starts[at + 1] as usize] {
                    set(&mut self.matched, *row);
                }
            }
            break;
        }
        Ok(())
    }
}

/// The first id of a bucket; for the one behind the last, 0.
fn start(bucket: usize, buckets: usize) -> u128 {
    let high = ((bucket as u128) << 64).div_ceil(buckets as u128);
    high << 64
}

/// Bits of so many rows, those given set.
pub(super) fn mark(rows: u64, given: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let words = usize::try_from(rows.div_ceil(64)).unwrap_or(usize::MAX);
    let mut bits = vec![0; words];
    given.into_iter().for_each(|row| set(&mut bits, row));
    bits
}

fn set(bits: &mut [u64], row: u64) {
    if let Some(word) = usize::try_from(row / 64).ok().and_then(|word| bits.get_mut(word)) {
        *word |= 1 << (row % 64);
    }
}

#[cfg(test)]
mod tests {
    use protocols::psi::bucket_of;

    use super::*;

    #[test]
    fn a_bucket_has_exactly_the_ids_that_belong_there_and_all_rows_of_one_that_is_found() {
        let id = |i: u64| u128::from(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | 5;
        for buckets in [1, 2, 3, 7] {
            let mut spill = Spill::new(&std::env::temp_dir(), usize::MAX);
            // Every id stands in two rows.
            (0..2000).for_each(|row| spill.push(id(row / 2), row).unwrap());
            let mut set = Spilled::new(spill, 2000);
            let mut seen = 0;
            let odd = |ids: &[u128]| {
                let odd = ids
                    .iter()
                    .zip(0..)
                    .filter(|(at, _)| (0..1000).any(|i| i % 2 == 1 && id(i) == **at));
                odd.map(|(_, at)| at).collect::<Vec<u32>>()
            };
            let mut before = None;
            for bucket in 0..buckets {
                let ids = set.bucket(bucket, buckets).unwrap().into_owned();
                assert!(ids.iter().all(|at| bucket_of(*at, buckets) == bucket));
                seen += ids.len();
                // Answers come one bucket late.
                if let Some((bucket, ids)) = before.replace((bucket, ids)) {
                    set.found(bucket, &odd(&ids)).unwrap();
                }
            }
            let (bucket, ids) = before.unwrap();
            set.found(bucket, &odd(&ids)).unwrap();
            assert_eq!(seen, 1000);
            let (matched, failed) = set.end();
            assert!(failed.is_none());
            assert_eq!(matched, mark(2000, (0..2000).filter(|row| row / 2 % 2 == 1)));
        }
    }
}
