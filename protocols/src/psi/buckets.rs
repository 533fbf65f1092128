//! Sets as a protocol reads them: bucket by bucket.

use std::{borrow::Cow, fmt};

use super::distinct::{Distinct, bucket_of};
use crate::session::{Pair, SessionError};

/// A side's set, read bucket by bucket, and told what was found.
///
/// What is in memory follows from the buckets, not from the set, if the set stands elsewhere.
pub trait Buckets {
    /// The distinct ids that fall into a bucket, by [`bucket_of`]. Called once for each bucket, in order; in another attempt
    /// again from the first bucket that is not done with.
    ///
    /// # Errors
    /// If they cannot be read.
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError>;

    /// Which of them the peer has, as ascending positions in what [`Buckets::bucket`] gave. Called at most once for each
    /// bucket, in order, before the run is known to end well: nothing may be made of it before that.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError>;

    /// Told what both sides saw of the buckets so far, of which this is the last: as a digest that they compare where they go on with
    /// another attempt. Who keeps it, and what was [found](Buckets::found) of this bucket, can go on in another run, with
    /// [`Progress::behind`](super::Progress::behind). Called by protocols of two sides, before [`Buckets::finished`] and before
    /// anything is sent that says so.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn seen(&mut self, bucket: usize, digest: &[u8; 32]) -> Result<(), SessionError> {
        let _ = (bucket, digest);
        Ok(())
    }

    /// Told when this side is through with a bucket: all it learns of it was [found](Buckets::found). Called once for each
    /// bucket, in order, at both sides. What others are told here they hear whatever the sets are.
    ///
    /// # Errors
    /// If it cannot be noted.
    fn finished(&mut self, pair: &mut Pair<'_>, bucket: usize) -> Result<(), SessionError> {
        let _ = (pair, bucket);
        Ok(())
    }
}

/// A set in memory, and the positions in it that were found.
pub struct Members<'s> {
    set: &'s Distinct,
    buckets: usize,
    found: Positions,
}

/// Positions that were found, and how many before each bucket: a bucket that is found again replaces itself and what came after.
#[derive(Default)]
struct Positions {
    all: Vec<u32>,
    before: Vec<usize>,
}

impl Positions {
    fn add(&mut self, bucket: usize, positions: impl Iterator<Item = u32>) {
        if let Some(before) = self.before.get(bucket) {
            self.all.truncate(*before);
        }
        self.before.resize(bucket + 1, self.all.len());
        self.all.extend(positions);
    }
}

impl<'s> Members<'s> {
    /// Nothing found yet.
    #[must_use]
    pub fn of(set: &'s Distinct) -> Self {
        Self { set, buckets: 0, found: Positions::default() }
    }

    /// The positions in [`Distinct::ids`] that were found, ascending.
    #[must_use]
    pub fn into_positions(self) -> Vec<u32> {
        self.found.all
    }
}

impl Buckets for Members<'_> {
    fn bucket(&mut self, bucket: usize, buckets: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        self.buckets = buckets;
        Ok(Cow::Borrowed(&self.set.ids()[self.set.bucket(bucket, buckets)]))
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        let start = self.set.bucket(bucket, self.buckets).start;
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        self.found.add(bucket, positions.iter().map(|position| start + position));
        Ok(())
    }
}

/// Distinct ids in no order, put into buckets; and which of them were found.
pub struct Scattered<'s> {
    ids: Cow<'s, [u128]>,
    /// Where each id stood; `None` if there is one bucket, in the order given.
    origin: Option<Vec<u32>>,
    /// Where each bucket begins, and the end of the last.
    starts: Vec<usize>,
    found: Positions,
}

impl<'s> Scattered<'s> {
    /// Puts distinct ids into buckets. What is given away is freed when it has been put there.
    ///
    /// # Panics
    /// If there are 2^32 ids or more.
    #[must_use]
    pub fn new(ids: impl Into<Cow<'s, [u128]>>, buckets: usize) -> Self {
        let ids = ids.into();
        let count = u32::try_from(ids.len()).expect("fewer than 2^32 ids");
        if buckets <= 1 {
            let starts = vec![0, ids.len()];
            return Self { ids, origin: None, starts, found: Positions::default() };
        }
        let mut starts = vec![0; buckets + 1];
        for id in ids.iter() {
            starts[bucket_of(*id, buckets) + 1] += 1;
        }
        for bucket in 0..buckets {
            starts[bucket + 1] += starts[bucket];
        }
        let (mut next, mut out, mut origin) =
            (starts.clone(), vec![0; ids.len()], vec![0; ids.len()]);
        for (id, row) in ids.iter().zip(0..count) {
            let at = &mut next[bucket_of(*id, buckets)];
            (out[*at], origin[*at]) = (*id, row);
            *at += 1;
        }
        let found = Positions::default();
        Self { ids: Cow::Owned(out), origin: Some(origin), starts, found }
    }

    /// The positions in what [`Scattered::new`] got that were found, bucket by bucket.
    #[must_use]
    pub fn into_positions(self) -> Vec<u32> {
        self.found.all
    }
}

impl Buckets for Scattered<'_> {
    fn bucket(&mut self, bucket: usize, _: usize) -> Result<Cow<'_, [u128]>, SessionError> {
        Ok(Cow::Borrowed(&self.ids[self.starts[bucket]..self.starts[bucket + 1]]))
    }

    fn found(&mut self, bucket: usize, positions: &[u32]) -> Result<(), SessionError> {
        let start = self.starts[bucket];
        match &self.origin {
            None => self.found.add(bucket, positions.iter().copied()),
            Some(origin) => {
                let found = positions.iter().map(|position| origin[start + *position as usize]);
                self.found.add(bucket, found);
            }
        }
        Ok(())
    }
}

/// Sets do not print.
impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members of {:?}", self.set)
    }
}

/// Sets do not print.
impl fmt::Debug for Scattered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scattered({} ids, {} buckets)", self.ids.len(), self.starts.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::Duo;

    #[test]
    fn both_forms_give_the_same_buckets_and_the_right_positions() {
        let ids = Duo::new(7).words(0, 1000);
        let set = Distinct::new(ids.iter().copied().map(Some));
        for buckets in [1, 3, 16] {
            let (mut one, mut two) = (Members::of(&set), Scattered::new(&ids, buckets));
            for bucket in 0..buckets {
                let members = one.bucket(bucket, buckets).unwrap().into_owned();
                let scattered = two.bucket(bucket, buckets).unwrap().into_owned();
                let mut ordered = scattered.clone();
                ordered.sort_unstable();
                assert_eq!(members, ordered);
                let odd = |ids: &[u128]| {
                    let at = ids.iter().zip(0_u32..).filter(|(id, _)| **id % 2 > 0);
                    at.map(|(_, at)| at).collect::<Vec<_>>()
                };
                one.found(bucket, &odd(&members)).unwrap();
                two.found(bucket, &odd(&scattered)).unwrap();
            }
            let one: Vec<u128> =
                one.into_positions().iter().map(|at| set.ids()[*at as usize]).collect();
            let mut two: Vec<u128> =
                two.into_positions().iter().map(|at| ids[*at as usize]).collect();
            two.sort_unstable();
            let want = set.ids().iter().filter(|id| **id % 2 > 0).copied();
            assert!(one == two && one.iter().copied().eq(want));
        }
    }
}
