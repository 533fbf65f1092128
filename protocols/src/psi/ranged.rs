//! A set that stands elsewhere, with the rows of its ids, as an intersection reads it.

use std::{borrow::Cow, collections::VecDeque, fmt};

use super::{buckets::Buckets, distinct::bucket_range, uniform_sort::sort_by_uniform_key};
use crate::session::{Pair, SessionError};

/// Pairs of id and row that are fetched by ranges of ids, and a bit for each row that was found.
///
/// In memory are the ids of one bucket, the rows of those that are not done with yet, and the bits. Equal ids are one item:
/// where it is found, all its rows are.
///
/// `fetch` appends the pairs whose ids lie between the two given, both included, in any order; it answers alike each time.
pub struct Ranged<F, E> {
    fetch: F,
    /// Of the bucket that was read last: each id once.
    ids: Vec<u128>,
    pairs: Vec<(u128, u64)>,
    /// What was read and not yet answered.
    open: VecDeque<Open>,
    matched: Vec<u64>,
    failed: Option<E>,
}

/// A bucket's rows, and where those of each id begin.
struct Open {
    bucket: usize,
    starts: Vec<u32>,
    rows: Vec<u64>,
}

impl<F, E> Ranged<F, E>
where
    F: FnMut(u128, u128, &mut Vec<(u128, u64)>) -> Result<(), E>,
{
    /// The set of a table of so many rows.
    #[must_use]
    pub fn new(rows: u64, fetch: F) -> Self {
        Self::resumed(bits(rows), fetch)
    }

    /// The same where these rows were found before.
    #[must_use]
    pub fn resumed(matched: Vec<u64>, fetch: F) -> Self {
        let (ids, pairs, open) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { fetch, ids, pairs, open, matched, failed: None }
    }

    /// A bit for each row of the table, lowest first: whether it was found; or what went wrong while fetching.
    ///
    /// # Errors
    /// That of `fetch`.
    pub fn end(self) -> Result<Vec<u64>, E> {
        self.failed.map_or(Ok(self.matched), Err)
    }
}

impl<F, E> Buckets for Ranged<F, E>
where
    F: FnMut(u128, u128, &mut Vec<(u128, u64)>) -> Result<(), E>,
{
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        let (first, last) = bucket_range(bucket, buckets).into_inner();
        self.pairs.clear();
        if let Err(error) = (self.fetch)(first, last, &mut self.pairs) {
            self.failed = Some(error);
            return Err(SessionError::Misuse { step: 0, what: "a set that it cannot read" });
        }
        // Ids are hashes: within a bucket they are as uniform as over all. Rows of one id may stand in any order.
        let spread = |id: u128| id.wrapping_sub(first).wrapping_mul(buckets as u128);
        sort_by_uniform_key(&mut self.pairs, |(id, _)| spread(*id));
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
        self.open.push_back(Open { bucket, starts, rows });
        Ok(Cow::Borrowed(&self.ids))
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        while let Some(Open { bucket: read, starts, rows }) = self.open.pop_front() {
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

    /// What is done with is kept no longer, whether something was to be found in it or not.
    fn finished(&mut self, _: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        self.open.retain(|open| open.bucket > bucket);
        Ok(())
    }
}

/// Sets do not print.
impl<F, E> fmt::Debug for Ranged<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ranged({} words of bits)", self.matched.len())
    }
}

fn bits(rows: u64) -> Vec<u64> {
    vec![0; usize::try_from(rows.div_ceil(64)).unwrap_or(usize::MAX)]
}

fn set(bits: &mut [u64], row: u64) {
    if let Some(word) = usize::try_from(row / 64).ok().and_then(|word| bits.get_mut(word)) {
        *word |= 1 << (row % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::psi::bucket_of;

    /// Every id stands in two rows.
    fn id(row: u64) -> u128 {
        u128::from((row / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | 5
    }

    fn fetch(first: u128, last: u128, out: &mut Vec<(u128, u64)>) -> Result<(), &'static str> {
        out.extend((0..2000).map(|row| (id(row), row)).filter(|p| (first..=last).contains(&p.0)));
        Ok(())
    }

    #[test]
    fn a_bucket_has_exactly_the_ids_that_belong_there_and_all_rows_of_one_that_is_found() {
        for buckets in [1, 2, 3, 7] {
            let mut set = Ranged::new(2000, fetch);
            let odd: Vec<u128> = (0..2000).filter(|row| row / 2 % 2 == 1).map(id).collect();
            let odd = |ids: &[u128]| {
                let odd = ids.iter().zip(0..).filter(|(at, _)| odd.contains(at));
                odd.map(|(_, at)| at).collect::<Vec<u32>>()
            };
            let (mut seen, mut before) = (0, None);
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
            let matched = set.end().unwrap();
            assert!(
                (0..2000).all(|row| matched[row / 64] >> (row % 64) & 1 == (row as u64 / 2) % 2)
            );
        }
    }

    #[test]
    fn a_set_that_cannot_be_read_ends_the_run_and_says_why() {
        let mut set = Ranged::new(9, |_, _, _: &mut Vec<_>| Err("the disk is gone"));
        assert!(matches!(set.bucket(0, 1), Err(SessionError::Misuse { .. })));
        assert_eq!(set.end(), Err("the disk is gone"));
    }
}
