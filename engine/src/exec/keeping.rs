//! A set whose owner keeps, bucket by bucket, what was found in it.

use std::{borrow::Cow, io};

use protocols::{
    psi::Buckets,
    session::{Pair, SessionError},
};
use zeroize::Zeroizing;

use super::{
    checkpoint::{Done, Record},
    error::ExecError,
};

/// A set, what is kept of it on disk, and what was found in the bucket under way.
///
/// A bucket is on disk before anything is sent that says that it is done with: what two owners have there is as close together as what
/// they have in memory.
pub(super) struct Keeping<B> {
    pub(super) rows: B,
    record: Option<Record>,
    found: Zeroizing<Vec<u8>>,
    failed: Option<io::Error>,
}

impl<B: Buckets> Keeping<B> {
    /// The set, kept there; in memory alone where there is nothing.
    pub(super) fn new(rows: B, record: Option<Record>) -> Self {
        Self { rows, record, found: Zeroizing::default(), failed: None }
    }

    /// Finds once more what a run before has found; gives what both owners saw of each bucket that is done with, of so many.
    ///
    /// # Cost
    /// Reads the buckets that are done with, if this owner learns.
    pub(super) fn replay(
        &mut self,
        buckets: usize,
        learns: bool,
    ) -> Result<Vec<[u8; 32]>, SessionError> {
        let (Some(record), mut seen) = (&mut self.record, Vec::new()) else {
            return Ok(Vec::new());
        };
        while seen.len() < buckets {
            let next = record.next().map_err(|error| unkept(&mut self.failed, error))?;
            let Some(Done { digest, found }) = next else { break };
            if learns {
                let positions = positions(&found);
                let keys = self.rows.bucket(seen.len(), buckets)?.len();
                if positions.last().is_some_and(|last| *last as usize >= keys) {
                    record.unread();
                    break;
                }
                self.rows.found(seen.len(), &positions)?;
            }
            seen.push(digest);
        }
        Ok(seen)
    }

    /// How the set ended: what is kept of it explains why the run did.
    pub(super) fn end(self) -> (B, Result<(), ExecError>) {
        let ended = self.failed.map_or(Ok(()), |error| {
            Err(ExecError::of_disk(&error, |words| {
                ExecError::Intersection(format!("{words}; see to the `state` folder here"))
            }))
        });
        (self.rows, ended)
    }
}

impl<B: Buckets> Buckets for Keeping<B> {
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        self.rows.bucket(bucket, buckets)
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        if self.record.is_some() {
            self.found = bits(positions);
        }
        self.rows.found(bucket, positions)
    }

    fn seen(&mut self, bucket: usize, digest: &[u8; 32]) -> Result<(), SessionError> {
        let found = std::mem::take(&mut self.found);
        if let Some(record) = &mut self.record {
            let added = record.add(bucket, digest, &found);
            added.map_err(|error| unkept(&mut self.failed, error))?;
        }
        self.rows.seen(bucket, digest)
    }

    fn finished(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        self.rows.finished(pair, bucket)
    }
}

/// Remembers what went wrong.
fn unkept(failed: &mut Option<io::Error>, error: io::Error) -> SessionError {
    *failed = Some(error);
    SessionError::Misuse { step: 0, what: "an intersection that it cannot keep" }
}

/// A bit for each of these, which ascend.
fn bits(positions: &[u32]) -> Zeroizing<Vec<u8>> {
    let len = positions.last().map_or(0, |last| *last as usize / 8 + 1);
    let mut bits = Zeroizing::new(vec![0; len]);
    positions.iter().for_each(|at| bits[*at as usize / 8] |= 1 << (at % 8));
    bits
}

/// The places of the bits that are set.
fn positions(bits: &[u8]) -> Vec<u32> {
    let places = (0_u32..).zip(bits).flat_map(|(byte, bits)| {
        (0..8).filter(move |bit| bits >> bit & 1 > 0).map(move |bit| 8 * byte + bit)
    });
    places.collect()
}
