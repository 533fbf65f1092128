//! An intersection bucket by bucket: what is public of it, and the protocol on one of its buckets.

use super::{
    intersect::{Set, intersect, intersect_cost},
    matches::Matches,
    task::{Provider, Task, TaskError},
};
use crate::{
    prg::Prg,
    psi::{
        layout::Layout,
        parameters::{Sizes, equal_ids_bits},
    },
    session::{Meter, REPEATS, Session, SessionError},
};

/// −log2 of what each of the bounds that a run shares fails with: of tags that are equal by chance, and of either store without an encoding.
const SECURITY_BITS: f64 = 40.0;

/// Two providers' sets in buckets by the first bits of their ids, of which one after the other is intersected: what is in memory
/// follows from a bucket, not from the sets, wherever its shares are summed up before the next one.
///
/// Ids are as uniform as hashes, so each bucket is padded to a bound that follows from the published sizes. Tables, tags and stores
/// of all buckets share one failure probability: the more buckets, the surer each; buckets that are repeated because a link was lost are
/// counted, as many as there can be. One bucket is the [`Task`] as it is.
#[derive(Clone, Debug)]
pub struct Bucketed {
    /// Of each bucket.
    task: Task,
    buckets: usize,
    /// Both whole sets.
    sizes: Sizes,
    overflow_bits: f64,
}

impl Bucketed {
    /// Buckets of about so many elements of the larger set.
    ///
    /// # Errors
    /// [`TaskError`].
    pub fn with_buckets_of(
        items: usize,
        receiver: Provider,
        sender: Provider,
    ) -> Result<Self, TaskError> {
        let largest = receiver.items.max(sender.items);
        let buckets = if items == 0 { 0 } else { largest.div_ceil(items).max(1) };
        Self::new(buckets, receiver, sender)
    }

    /// So many buckets.
    ///
    /// # Errors
    /// [`TaskError`].
    pub fn new(
        buckets: usize,
        mut receiver: Provider,
        mut sender: Provider,
    ) -> Result<Self, TaskError> {
        let sizes = Sizes { sender: sender.items, receiver: receiver.items };
        let layout = Layout::of_buckets(buckets, sizes)?;
        (receiver.items, sender.items) = (layout.capacity.receiver, layout.capacity.sender);
        let repeats = if buckets > 1 { REPEATS } else { 0 };
        let task = Task::repeated(receiver, sender, buckets as u64, repeats)?;
        Ok(Self { task, buckets, sizes, overflow_bits: layout.overflow_bits(sizes) })
    }

    /// How many buckets.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    /// What is intersected in each of them.
    #[must_use]
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Bounds of both whole sets.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// −log2 of the bound on the probability that the run fails by chance or takes two elements for one: a bucket that overflows, a
    /// set that does not fit its bins, one of the two stores without an encoding, two tags that are equal, or two ids.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        // One bucket alone is repeated as well, with bounds that are those of one attempt.
        let alone = if self.buckets > 1 { 0.0 } else { ((1 + REPEATS) as f64).log2() };
        // The function's store, that of the hints, and the tags, of which those of one attempt count.
        let [function, hints] = [SECURITY_BITS - alone; 2];
        let (tags, ids) = (SECURITY_BITS, equal_ids_bits(self.sizes));
        let table = self.task.failure_bits() - alone;
        let each = [self.overflow_bits, table, function, hints, tags, ids];
        -each.iter().map(|bits| (-bits).exp2()).sum::<f64>().log2()
    }
}

/// Intersects one bucket, into shares. All buckets go in the same order everywhere.
///
/// # Shape
/// As [`intersect`]; `set` has the elements of the bucket, by [`bucket_of`](crate::psi::bucket_of).
///
/// # Cost
/// That of [`intersect`] for the [task](Bucketed::task) of a bucket, however many elements fall into it.
///
/// # Errors
/// [`SessionError::Unlucky`] for a bucket with more elements than it holds; those of [`intersect`].
///
/// # Security
/// That of [`intersect`]: hash functions, tags and masks of each bucket are fresh. How many elements fall into a bucket stays hidden.
pub fn intersect_bucket(
    s: &mut Session,
    of: &Bucketed,
    set: Option<&Set<'_>>,
    rng: &mut Prg,
) -> Result<Matches, SessionError> {
    let task = of.task();
    let own = [task.receiver(), task.sender()].into_iter().find(|one| one.role == s.role());
    let overflows = own.zip(set).is_some_and(|(own, set)| set.items.len() > own.items);
    if of.buckets > 1 && overflows {
        let what = "a bucket has more elements than it holds";
        return Err(SessionError::Unlucky { step: s.step(), what });
    }
    intersect(s, task, set, rng)
}

/// Twin of [`intersect_bucket`]: the price of each.
pub fn intersect_bucket_cost(m: &mut Meter, of: &Bucketed) {
    intersect_cost(m, of.task());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mpc::Shape, party::Role, psi::parameters::ParametersError};

    fn of(items: usize, sizes: [usize; 2]) -> Result<Bucketed, TaskError> {
        let provider = |role, items| Provider { role, items, columns: vec![Shape::Z64] };
        let [receiver, sender] = sizes;
        Bucketed::with_buckets_of(items, provider(Role::P0, receiver), provider(Role::P1, sender))
    }

    #[test]
    fn one_bucket_is_the_task_as_it_is() {
        for n in [0, 1, 64, 4096] {
            let (one, whole) = (of(4096, [n, 7]).unwrap(), of(1 << 30, [n, 7]).unwrap());
            assert_eq!((one.buckets(), one.task().bins()), (1, whole.task().bins()));
            assert_eq!(one.task().receiver().items, n);
            assert_eq!(one.task().function(), whole.task().function());
        }
    }

    /// The bounds hold for all buckets together: padded bins, tags that are wider, and buckets that do not overflow.
    #[test]
    fn buckets_of_every_size_keep_to_the_bound_together() {
        for n in [10_000, 1 << 20, 10_000_000, 1_000_000_000] {
            for items in [1 << 12, 1 << 18, 1 << 22] {
                let bucketed = of(items, [n, n / 3]).unwrap();
                assert_eq!(bucketed.buckets(), n.div_ceil(items));
                let (bits, task) = (bucketed.failure_bits(), bucketed.task());
                let least = if bucketed.buckets() > 1 { 37.9 } else { 34.4 };
                assert!(bits > least, "{n} in buckets of {items}: 2^-{bits}");
                assert!(task.failure_bits() >= 40.0 && bucketed.overflow_bits >= 42.5);
                let tags = (task.bins() * bucketed.buckets()).next_power_of_two();
                assert_eq!(task.tag_width(), 40 + tags.trailing_zeros() as usize);
            }
        }
    }

    #[test]
    fn small_buckets_have_bins_enough_for_all_of_them() {
        for (n, buckets) in [(65, 4), (1000, 5), (1000, 20), (1000, 100), (5000, 1000)] {
            let provider = |role| Provider { role, items: n, columns: Vec::new() };
            let of = Bucketed::new(buckets, provider(Role::P0), provider(Role::P1)).unwrap();
            assert!(of.task().failure_bits() >= 40.0, "{n} in {buckets}");
        }
    }

    #[test]
    fn no_bucket_is_none() {
        let error = of(0, [10, 10]).unwrap_err();
        assert_eq!(error, TaskError::Buckets(ParametersError::NoBucket));
    }
}
