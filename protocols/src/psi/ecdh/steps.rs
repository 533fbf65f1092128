//! In which steps the points of a run travel.

use std::ops::Range;

use crate::psi::parameters::Sizes;

/// Items whose points travel together at most: 128 KiB, some ten milliseconds of work.
const CHUNK: usize = 4096;
/// Where there are several buckets each has so many steps at least: a bucket is reported before the next but one is read.
const LEAST: usize = 4;
/// Every so many steps those who wait for this side hear that it goes on: a bucket may take longer than they have patience.
pub(super) const SIGN: usize = 16;
/// So many steps behind the last one of a bucket the sender hears which of its points matched: by then the receiver has told it.
pub(super) const REPORTED_AFTER: usize = 3;

/// The steps of a run: as many for each bucket, and in each of them a chunk of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    buckets: usize,
    each: usize,
    chunk: usize,
    capacity: Sizes,
}

impl Steps {
    /// Of buckets with so many items of each side.
    pub(super) fn of(buckets: usize, capacity: Sizes) -> Self {
        let largest = capacity.sender.max(capacity.receiver);
        let each = largest.div_ceil(CHUNK);
        if buckets == 1 {
            return Self { buckets, each, chunk: CHUNK, capacity };
        }
        let each = each.max(LEAST);
        Self { buckets, each, chunk: largest.div_ceil(each), capacity }
    }

    /// All that are left from a bucket on.
    pub(super) fn range_from(&self, first: usize) -> Range<usize> {
        first.min(self.buckets) * self.each..self.buckets * self.each
    }

    /// Which bucket's points go in a step.
    pub(super) fn bucket(&self, step: usize) -> usize {
        step / self.each
    }

    /// Whether a step is the first one of its bucket.
    pub(super) fn begins(&self, step: usize) -> bool {
        step.is_multiple_of(self.each)
    }

    /// Whether a step is the last one of its bucket.
    pub(super) fn ends(&self, step: usize) -> bool {
        (step + 1).is_multiple_of(self.each)
    }

    /// The bucket, if there is one, whose report comes before the receiver's points of a step, in an attempt from `first` on.
    pub(super) fn reported(&self, step: usize, first: usize) -> Option<usize> {
        let last = step.checked_sub(REPORTED_AFTER)?;
        (last >= first && self.ends(last)).then(|| self.bucket(last))
    }

    /// Items of each side in a bucket.
    pub(super) fn capacity(&self) -> Sizes {
        self.capacity
    }

    /// What of a bucket's items of the sender goes in a step.
    pub(super) fn of_sender(&self, step: usize) -> Range<usize> {
        self.part(step, self.capacity.sender)
    }

    /// What of a bucket's items of the receiver goes in a step.
    pub(super) fn of_receiver(&self, step: usize) -> Range<usize> {
        self.part(step, self.capacity.receiver)
    }

    fn part(&self, step: usize, len: usize) -> Range<usize> {
        let step = step % self.each;
        (step * self.chunk).min(len)..((step + 1) * self.chunk).min(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_bucket_cover_its_items_once() {
        for buckets in [1, 2, 5] {
            for (sender, receiver) in [(1, 1), (1, 2), (4, 5), (64, 1), (4096, 9000), (20_000, 3)] {
                let steps = Steps::of(buckets, Sizes { sender, receiver });
                let all = steps.range_from(0);
                assert_eq!((all.start, steps.bucket(all.end - 1)), (0, buckets - 1));
                for bucket in 0..buckets {
                    let of = || all.clone().filter(|step| steps.bucket(*step) == bucket);
                    assert!(of().flat_map(|step| steps.of_sender(step)).eq(0..sender));
                    assert!(of().flat_map(|step| steps.of_receiver(step)).eq(0..receiver));
                    let first = of().next().unwrap();
                    assert!(of().all(|step| steps.begins(step) == (step == first)));
                    let last = of().next_back().unwrap();
                    assert!(of().all(|step| steps.ends(step) == (step == last)));
                    assert_eq!(steps.reported(last + REPORTED_AFTER, 0), Some(bucket));
                    assert!(of().all(|step| steps.of_sender(step).len() <= CHUNK));
                    // The report of a bucket is heard within the next one.
                    let next = steps.bucket(last + REPORTED_AFTER);
                    assert!(buckets == 1 || next == bucket + 1);
                }
            }
        }
    }
}
