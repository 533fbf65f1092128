//! How sets are split into buckets: how many there are, and what each is padded to.

use super::parameters::{MOST_ITEMS, ParametersError, Sizes};
use crate::okvs::tails::log2_overflow;

/// That a bucket of one side gets too full has a probability of 2^-43.5 at most, over all its buckets: an eighth of 2^-40 for both sides.
const OVERFLOW_BITS: f64 = 43.5;

/// Sets in buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) buckets: usize,
    /// Items that each bucket is padded to.
    pub(super) capacity: Sizes,
    /// log2 of the pairs of a sender's and a receiver's item in one bucket, of all buckets.
    pub(super) pairs: f64,
}

impl Layout {
    pub(super) fn new(sizes: Sizes, buckets: usize) -> Self {
        let capacity = Sizes {
            sender: capacity(sizes.sender, buckets),
            receiver: capacity(sizes.receiver, buckets),
        };
        let pairs = log2(buckets) + log2(capacity.sender) + log2(capacity.receiver);
        Self { buckets, capacity, pairs }
    }

    /// Buckets of about `items` items of the larger set.
    ///
    /// # Errors
    /// [`ParametersError::TooManyItems`] and [`ParametersError::NoBucket`].
    pub(super) fn of_buckets_of(items: usize, sizes: Sizes) -> Result<Self, ParametersError> {
        let largest = sizes.sender.max(sizes.receiver);
        Self::of_buckets(if items == 0 { 0 } else { largest.div_ceil(items).max(1) }, sizes)
    }

    /// So many buckets.
    ///
    /// # Errors
    /// As [`Layout::of_buckets_of`].
    pub(super) fn of_buckets(buckets: usize, sizes: Sizes) -> Result<Self, ParametersError> {
        let largest = sizes.sender.max(sizes.receiver);
        if largest > MOST_ITEMS {
            return Err(ParametersError::TooManyItems { items: largest });
        }
        if buckets == 0 {
            return Err(ParametersError::NoBucket);
        }
        Ok(Self::new(sizes, buckets))
    }

    /// −log2 of the bound on the probability that a bucket of either side gets more items than it holds.
    pub(super) fn overflow_bits(&self, sizes: Sizes) -> f64 {
        let sides =
            [(sizes.sender, self.capacity.sender), (sizes.receiver, self.capacity.receiver)];
        let each = sides.map(|(items, most)| overflow(items, self.buckets, most).exp2());
        -each.iter().sum::<f64>().log2()
    }
}

/// The least capacity that no bucket exceeds but with probability 2^-[`OVERFLOW_BITS`].
pub(super) fn capacity(items: usize, buckets: usize) -> usize {
    if buckets == 1 {
        return items;
    }
    let (mut low, mut high) = (items / buckets, items);
    while low < high {
        let middle = low + (high - low) / 2;
        if overflow(items, buckets, middle) <= -OVERFLOW_BITS {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// log2 of the bound on the probability that any bucket gets more than `most` items.
pub(super) fn overflow(items: usize, buckets: usize, most: usize) -> f64 {
    if buckets == 1 || most >= items {
        return f64::NEG_INFINITY;
    }
    log2_overflow(float(items), 1.0 / float(buckets), float(buckets), float(most))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are below 2^53")]
fn float(n: usize) -> f64 {
    n as f64
}

pub(super) fn log2(n: usize) -> f64 {
    float(n).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What padding costs: where an item is an exponentiation, every one that is filled in counts.
    #[test]
    fn padding_adds_less_than_two_in_a_hundred_to_buckets_of_the_usual_size() {
        for n in [1 << 20, 1 << 21, 10_000_000, 100_000_000, 1_000_000_000] {
            let layout = Layout::of_buckets_of(1 << 18, Sizes { sender: n, receiver: n }).unwrap();
            let padded = layout.buckets * layout.capacity.sender;
            assert!(padded * 100 < n * 102, "{n}: {padded}");
        }
    }
}
