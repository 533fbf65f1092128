//! What is published of a set: the first row of each key, as an id and a label. Read from the disk as often as it is needed.

use std::fs::File;

use datafusion::arrow::array::RecordBatch;
use protocols::psi::bucket_range;
use tables::{Spill, TableError};

use super::{
    joint::random,
    prepare::{at_fault, fault},
    publications::{Publisher, Subject},
};
use crate::{
    job::{Failure, Reason},
    sql::{key_ids_of, label_rows},
};

/// Ids that are looked through at a time, about.
const AT_ONCE: u64 = 1 << 18;

/// The rows that stand for their keys.
pub(super) struct Entries<'a> {
    publisher: Publisher<'a>,
    subject: Subject<'a>,
    /// A bit for each row of the set, lowest first.
    first: Vec<u64>,
    count: u64,
}

/// Ranges that hold so many ids, about as many in each.
fn ranges(ids: u64) -> impl Iterator<Item = (u128, u128)> + use<> {
    let ranges = usize::try_from(ids / AT_ONCE + 1).unwrap_or(usize::MAX);
    (0..ranges).map(move |range| bucket_range(range, ranges).into_inner())
}

/// What is in a publication, as it passes.
type Take<'t> = dyn FnMut(&[u128], &[u8]) -> Result<(), Failure> + 't;

impl<'a> Entries<'a> {
    /// Finds them.
    pub(super) fn of(publisher: Publisher<'a>, subject: Subject<'a>) -> Result<Self, Failure> {
        let entries = Self { publisher, subject, first: Vec::new(), count: 0 };
        let (salt, mut ids) = (random::<32>()?, subject.rows.spill());
        let mut number = 0;
        entries.batches(|batch| {
            for id in entries.ids(&batch, &salt)? {
                if let Some(id) = id {
                    ids.push(id, number).map_err(|error| entries.broken(&error))?;
                }
                number += 1;
            }
            Ok(())
        })?;
        let words = usize::try_from(number.div_ceil(64)).unwrap_or(usize::MAX);
        let (mut first, mut count) = (vec![0_u64; words], 0);
        for (from, last) in ranges(ids.len()) {
            // Of rows with one key the first counts.
            let lowest = ids.lowest(from, last, 1);
            for (_, row) in lowest.map_err(|error| entries.broken(&error))?.pairs {
                // A number of a row that was read.
                if let Some(word) = usize::try_from(row / 64).ok().and_then(|at| first.get_mut(at))
                {
                    *word |= 1 << (row % 64);
                    count += 1;
                }
            }
        }
        Ok(Self { first, count, ..entries })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Hands all of them on, under a salt, in the order of their rows.
    pub(super) fn each(&self, salt: &[u8; 32], take: &mut Take<'_>) -> Result<(), Failure> {
        let Subject { of, .. } = self.subject;
        let mut start = 0;
        self.batches(|batch| {
            let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
            let chosen: Vec<u32> =
                (0..rows).filter(|row| self.stands(start + *row as usize)).collect();
            let ids = self.ids(&batch, salt)?;
            let items: Vec<u128> = chosen.iter().filter_map(|row| ids[*row as usize]).collect();
            let labels = label_rows(self.subject.input(), of, &batch, &chosen);
            let labels = labels.map_err(|error| self.wrong(error.to_string()))?;
            start += rows as usize;
            take(&items, &labels)
        })
    }

    /// A hash of all of them under a salt.
    pub(super) fn hash(&self, salt: &[u8; 32]) -> Result<[u8; 32], Failure> {
        let mut hasher = blake3::Hasher::new_derive_key("unseen.publication-content/v2");
        hasher.update(&self.count.to_le_bytes());
        let width = self.label_bytes();
        self.each(salt, &mut |items, labels| {
            for (at, item) in items.iter().enumerate() {
                hasher.update(&item.to_le_bytes()).update(&labels[at * width..(at + 1) * width]);
            }
            Ok(())
        })?;
        Ok(*hasher.finalize().as_bytes())
    }

    /// Bytes of a label.
    pub(super) fn label_bytes(&self) -> usize {
        self.subject.of.label_bytes() as usize
    }

    /// For ids of these rows with so many words beside each, within the budget of the rows.
    pub(super) fn spill_with(&self, values: usize) -> Spill {
        self.subject.rows.spill_with(values)
    }

    /// Ranges of ids that are looked through one at a time.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (u128, u128)> + use<> {
        ranges(self.count)
    }

    /// A file for what is passing, beside the rows.
    pub(super) fn scratch(&self) -> Result<File, Failure> {
        self.subject.rows.passing().map_err(|error| self.broken(&error))
    }

    fn stands(&self, row: usize) -> bool {
        self.first.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    fn ids(&self, batch: &RecordBatch, salt: &[u8; 32]) -> Result<Vec<Option<u128>>, Failure> {
        let ids = key_ids_of(self.subject.input(), batch, salt);
        ids.map_err(|error| self.wrong(error.to_string()))
    }

    /// Reads all rows, with their columns in the order of the sub-plan's result.
    fn batches(
        &self,
        mut take: impl FnMut(RecordBatch) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for batch in self.subject.rows.all().map_err(|error| self.broken(&error))? {
            take(batch.map_err(|error| self.broken(&error))?)?;
        }
        Ok(())
    }

    pub(super) fn broken(&self, error: &TableError) -> Failure {
        at_fault(self.publisher.name, error)
    }

    fn wrong(&self, words: String) -> Failure {
        fault(self.publisher.name, Reason::InputInvalid, words)
    }
}
