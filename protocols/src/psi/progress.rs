//! How far an intersection is, kept at each side between attempts: a link that is lost costs the buckets that were open. Between runs
//! it is kept as what a set was told of each bucket, see [`Buckets::seen`].

use super::{
    buckets::Buckets,
    hello::{Hello, Output},
};
use crate::session::{OpeningKind, Pair, PairCost, SessionError};

/// What the digest of finished buckets is derived for.
const DIGEST: &str = "unseen psi finished buckets v1";
/// Bytes of a digest.
const BYTES: usize = 32;
/// Buckets by which the sides may be apart when a link is lost: one is asked for while another is answered.
const LAG: usize = 2;
/// Of a reply, so many bytes stand for all: they are its first tags, as random as the others.
pub(super) const REPLY: usize = 1024;

/// Which buckets are done with at one side, as a chain of digests of what both sides saw of them.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Of no bucket, then of the first, of the first two, ….
    chain: Vec<[u8; BYTES]>,
    /// The opening was taken off the list of the run.
    opened: bool,
}

impl Progress {
    /// Nothing is done yet of the intersection that begins so.
    pub(super) fn new(hello: &Hello) -> Self {
        Self { chain: vec![beginning(hello)], opened: false }
    }

    /// The same behind the first buckets of a run before, if nothing is done yet: what a set [saw](Buckets::seen) of each of them.
    #[must_use]
    pub fn behind(mut self, seen: impl IntoIterator<Item = [u8; BYTES]>) -> Self {
        self.chain.truncate(1);
        self.chain.extend(seen);
        self
    }

    /// How many buckets are done with here; they are the first.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.chain.len() - 1
    }

    /// The first bucket of this attempt: both sides compare settings, say how far they are, and go on behind the last bucket that
    /// both are done with, if they saw the same of all before.
    ///
    /// # Cost
    /// [`Progress::cost`].
    ///
    /// # Errors
    /// [`SessionError::Inconsistent`] if the settings differ, or what the sides saw; [`SessionError::Invalid`] if the sides are
    /// farther apart than open buckets explain; [`SessionError::Misuse`] for the progress of another setting.
    pub(super) fn meet(
        &mut self,
        pair: &mut Pair<'_>,
        hello: &Hello,
    ) -> Result<usize, SessionError> {
        if self.chain[0] != beginning(hello) {
            return Err(pair.misuse("the progress of another intersection"));
        }
        let own = self.buckets();
        let peers = hello.compare(pair, own as u64)?;
        let peers = usize::try_from(peers).unwrap_or(usize::MAX);
        if own.abs_diff(peers) > LAG {
            return Err(pair.invalid("a number of finished buckets that no lost link explains"));
        }
        let first = own.min(peers);
        self.chain.truncate(first + 1);
        if first > 0 {
            self.agree(pair, "buckets that were finished before")?;
        }
        Ok(first)
    }

    /// The price of finding the first bucket, if it is this one.
    pub(super) fn cost(c: &mut PairCost, first: usize) {
        Hello::compare_cost(c);
        if first > 0 {
            c.exchange(BYTES);
        }
    }

    /// Passes the gate in the first attempt that comes so far; others open nothing that it does not.
    pub(super) fn reveal(&mut self, pair: &mut Pair<'_>, count: usize) -> Result<(), SessionError> {
        if !self.opened {
            pair.reveal(OpeningKind::Membership, count)?;
            self.opened = true;
        }
        Ok(())
    }

    /// Both sides compare what they saw so far.
    pub(super) fn agree(
        &self,
        pair: &mut Pair<'_>,
        what: &'static str,
    ) -> Result<(), SessionError> {
        let own = self.chain[self.buckets()];
        pair.send(&own)?;
        if pair.recv_array::<BYTES>()? == own { Ok(()) } else { Err(pair.inconsistent(what)) }
    }

    /// The price of [`Progress::agree`].
    pub(super) fn agree_cost(c: &mut PairCost) {
        c.exchange(BYTES);
    }

    /// This side is done with the next bucket, and its set hears so: both saw this reply, and if both learn the outcome these tags or ids
    /// that matched, ascending.
    ///
    /// # Errors
    /// The set's.
    pub(super) fn finish(
        &mut self,
        pair: &mut Pair<'_>,
        set: &mut dyn Buckets,
        output: Output,
        (reply, matched): (&[u8], &[u128]),
    ) -> Result<(), SessionError> {
        let bucket = self.buckets();
        self.add(output, reply, matched);
        set.seen(bucket, &self.chain[bucket + 1])?;
        set.finished(pair, bucket)
    }

    fn add(&mut self, output: Output, reply: &[u8], matched: &[u128]) {
        let mut hasher = blake3::Hasher::new_derive_key(DIGEST);
        hasher.update(&self.chain[self.buckets()]);
        hasher.update(&reply[..reply.len().min(REPLY)]);
        if output == Output::ToBoth {
            hasher.update(&(matched.len() as u64).to_le_bytes());
            for tag in matched {
                hasher.update(&tag.to_le_bytes());
            }
        }
        self.chain.push(*hasher.finalize().as_bytes());
    }
}

/// The digest of no bucket.
fn beginning(hello: &Hello) -> [u8; BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST);
    hasher.update(hello.as_bytes());
    *hasher.finalize().as_bytes()
}
