//! A set that stands elsewhere, with the rows of its ids, as an intersection reads it.

use std::{borrow::Cow, collections::VecDeque, fmt};

use super::{buckets::Buckets, distinct::bucket_range, uniform_sort::sort_by_uniform_key};
use crate::session::{Pair, SessionError};

/// Pairs of id and row that are fetched by ranges of ids, and a bit for each row that was found.
///
/// In memory are the ids of one bucket, the rows of those that are not done with yet, and the bits. Equal ids are one item:
/// where it is found, all its rows are. Where one bucket has many more rows than others, because a key stands in many of them, its
/// rows are not kept: they are fetched again when it is known whose are wanted. So memory follows from the bucket, however many rows
/// have one key.
///
/// `fetch` hands on the pairs whose ids lie between the two given, both included, in any order; it answers alike each time.
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

/// A bucket's rows.
struct Open {
    bucket: usize,
    rows: Rows,
}

enum Rows {
    /// Where those of each id begin.
    Here { starts: Vec<u32>, rows: Vec<u64> },
    /// Too many: they are fetched again by these ids.
    Elsewhere { range: (u128, u128), ids: Vec<u128> },
}

/// More rows than a bucket has by chance: so many times as many as on average, and so many more.
const TIMES: usize = 2;
const MORE: usize = 4096;

impl<F, E> Ranged<F, E>
where
    F: FnMut(u128, u128, &mut dyn FnMut(u128, u64)) -> Result<(), E>,
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

    /// Fetches the pairs of a bucket, ascending by id; whether they are too many, and each id stands there once.
    fn read(&mut self, (first, last): (u128, u128), buckets: usize) -> Result<bool, SessionError> {
        // Ids are hashes: within a bucket they are as uniform as over all. Rows of one id may stand in any order.
        let spread = |(id, _): &(u128, u64)| id.wrapping_sub(first).wrapping_mul(buckets as u128);
        let usual = TIMES * (64 * self.matched.len() / buckets) + MORE;
        let (pairs, mut most, mut crowded) = (&mut self.pairs, usual, false);
        pairs.clear();
        let read = (self.fetch)(first, last, &mut |id, row| {
            pairs.push((id, row));
            if pairs.len() > most {
                sort_by_uniform_key(pairs, spread);
                pairs.dedup_by_key(|(id, _)| *id);
                (most, crowded) = (usual.max(TIMES * pairs.len()), true);
            }
        });
        read.map_err(|error| self.unread(error))?;
        sort_by_uniform_key(&mut self.pairs, spread);
        Ok(crowded)
    }

    /// Remembers what went wrong.
    fn unread(&mut self, error: E) -> SessionError {
        self.failed = Some(error);
        SessionError::Misuse { step: 0, what: "a set that it cannot read" }
    }

    /// All rows of these ids, which lie between two, were found.
    fn mark(
        &mut self,
        (first, last): (u128, u128),
        mut ids: Vec<u128>,
    ) -> Result<(), SessionError> {
        ids.sort_unstable();
        // Rows of one id come together where there are many.
        let (matched, mut latest) = (&mut self.matched, None);
        let marked = (self.fetch)(first, last, &mut |id, row| {
            if latest.is_none_or(|(of, _)| of != id) {
                latest = Some((id, ids.binary_search(&id).is_ok()));
            }
            if latest.is_some_and(|(_, wanted)| wanted) {
                set(matched, row);
            }
        });
        marked.map_err(|error| self.unread(error))
    }
}

impl<F, E> Buckets for Ranged<F, E>
where
    F: FnMut(u128, u128, &mut dyn FnMut(u128, u64)) -> Result<(), E>,
{
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        let range = bucket_range(bucket, buckets).into_inner();
        let crowded = self.read(range, buckets)?;
        self.ids.clear();
        let mut starts = Vec::with_capacity(self.pairs.len() + 1);
        for ((id, _), at) in self.pairs.iter().zip(0_u32..) {
            if self.ids.last() != Some(id) {
                self.ids.push(*id);
                starts.push(at);
            }
        }
        starts.extend(u32::try_from(self.pairs.len()));
        let rows = if crowded {
            Rows::Elsewhere { range, ids: self.ids.clone() }
        } else {
            Rows::Here { starts, rows: self.pairs.iter().map(|(_, row)| *row).collect() }
        };
        self.open.push_back(Open { bucket, rows });
        Ok(Cow::Borrowed(&self.ids))
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        while let Some(Open { bucket: read, rows }) = self.open.pop_front() {
            if read != bucket {
                continue;
            }
            let positions = positions.iter().map(|position| *position as usize);
            match rows {
                Rows::Here { starts, rows } => {
                    let found = positions
                        .flat_map(|at| &rows[starts[at] as usize..starts[at + 1] as usize]);
                    found.for_each(|row| set(&mut self.matched, *row));
                }
                Rows::Elsewhere { range, ids } => {
                    self.mark(range, positions.map(|at| ids[at]).collect())?;
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

    fn fetch(first: u128, last: u128, out: &mut dyn FnMut(u128, u64)) -> Result<(), &'static str> {
        let pairs = (0..2000).map(|row| (id(row), row));
        pairs.filter(|p| (first..=last).contains(&p.0)).for_each(|(id, row)| out(id, row));
        Ok(())
    }

    /// Of 50,000 rows nine in ten have one of two keys; the others have one each. No row of them is kept in memory.
    #[test]
    fn keys_of_many_rows_are_found_and_take_no_more_memory_than_others() {
        const ROWS: u64 = 50_000;
        let of = |row: u64| match row % 10 {
            0 => id(row),
            1..=6 => 77,
            _ => u128::MAX - 5,
        };
        for buckets in [1, 4, 9] {
            let mut set = Ranged::new(ROWS, |first, last, out: &mut dyn FnMut(u128, u64)| {
                let pairs = (0..ROWS).map(|row| (of(row), row));
                pairs.filter(|p| (first..=last).contains(&p.0)).for_each(|(id, row)| out(id, row));
                Ok::<_, &'static str>(())
            });
            let wanted = |id: u128| id == 77 || id % 3 == 2;
            let (mut before, mut distinct) = (None, 0);
            for bucket in 0..buckets {
                let ids = set.bucket(bucket, buckets).unwrap().into_owned();
                distinct += ids.len();
                let once: std::collections::HashSet<u128> = ids.iter().copied().collect();
                assert_eq!(once.len(), ids.len(), "each once");
                let found = ids.iter().zip(0_u32..).filter(|(id, _)| wanted(**id));
                let found: Vec<u32> = found.map(|(_, at)| at).collect();
                if let Some((bucket, found)) = before.replace((bucket, found)) {
                    set.found(bucket, &found).unwrap();
                }
            }
            let (bucket, found) = before.unwrap();
            set.found(bucket, &found).unwrap();
            assert_eq!(distinct, 5002);
            let rows = usize::try_from(ROWS).unwrap();
            if buckets > 1 {
                let most = TIMES * (64 * rows.div_ceil(64) / buckets) + MORE;
                assert!(set.pairs.capacity() <= 2 * most, "{} pairs", set.pairs.capacity());
            }
            let matched = set.end().unwrap();
            for row in 0..rows {
                let bit = matched[row / 64] >> (row % 64) & 1 == 1;
                assert_eq!(bit, wanted(of(row as u64)), "row {row} of {buckets} buckets");
            }
        }
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
        let mut set = Ranged::new(9, |_, _, _: &mut dyn FnMut(u128, u64)| Err("the disk is gone"));
        assert!(matches!(set.bucket(0, 1), Err(SessionError::Misuse { .. })));
        assert_eq!(set.end(), Err("the disk is gone"));
    }
}
