//! Sizes of a run, as checked code: buckets, tags and stores for which everything that may go wrong by chance goes wrong with
//! probability 2^-40 at most, over all buckets together.

use std::fmt;

use super::layout::{Layout, log2};
use crate::{
    kernels::Field,
    okvs::{Params, ParamsError},
    vole::Model,
};

/// Items in a bucket of the larger set, on average, where nothing else is said. Two buckets are in memory at a time.
pub const BUCKET_ITEMS: usize = 1 << 18;
/// Row numbers have 32 bits within a set, and ids 128 bits: beyond this the bound on equal ids would count.
pub(super) const MOST_ITEMS: usize = 1 << 36;
/// Slots that one run of vector oblivious linear evaluation serves.
pub const BATCH_SLOTS: usize = 1 << 20;
/// Half of the failure probability of 2^-40 is for equal tags of different items …
const TAG_BITS: f64 = 41.0;
/// With values of 80 bits less than a third is for tags, …
const SHORT_TAG_BITS: f64 = 41.75;
/// … and somewhat more than a quarter for an item outside a store whose value there is the right one by chance, …
const SHORT_VALUE_BITS: f64 = 41.9;
/// … for which buckets are not made smaller than this: they would save no bytes.
const LEAST_SHORT_BUCKET: usize = 1 << 13;
/// … and a quarter for a store that cannot be encoded. A bucket that gets too full takes what [`Layout`] says, and what is left
/// covers the rest, which is far smaller.
const STORE_SHARE: usize = 4;
/// Bits of an id, of a field element, and of a tag that is not cut.
const FULL_BITS: u32 = 128;

/// How many items each side has, as both sides know it. Where a true count is secret, a rounded one stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// The sender's.
    pub sender: usize,
    /// The receiver's.
    pub receiver: usize,
}

/// The sizes of a run, the same for both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    sizes: Sizes,
    model: Model,
    buckets: usize,
    capacity: Sizes,
    tag_bits: u32,
    store: Params,
    failure: Failure,
}

/// Bounds on the probabilities of what may go wrong by chance, as −log2, over all buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Failure {
    /// A store cannot be encoded: the run fails.
    store: f64,
    /// A bucket of either side gets too many items: the run fails.
    overflow: f64,
    /// Different items get equal tags: a false member.
    tags: f64,
    /// An item outside a store passes for one inside: a false member.
    values: f64,
    /// Different keys get equal ids.
    ids: f64,
}

/// Why there are no parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParametersError {
    /// A set that is too large for ids of 128 bits.
    #[error("{items} items are more than {MOST_ITEMS}; intersect parts of the sets")]
    TooManyItems {
        /// Items asked for.
        items: usize,
    },
    /// No buckets.
    #[error("a bucket holds one item at least")]
    NoBucket,
    /// A bucket that is too large for the order of its items to be drawn.
    #[error("{items} items in one bucket are more than fit; ask for smaller buckets")]
    LargeBucket {
        /// Items of the bucket.
        items: usize,
    },
    /// Sets that are too large for values of 80 bits.
    #[error(
        "{sender} × {receiver} items need stores with values of more than 80 bits, which low communication does not have; use \
         `vole` instead, or intersect parts of the sets"
    )]
    ShortValues {
        /// The sender's items.
        sender: usize,
        /// The receiver's.
        receiver: usize,
    },
    /// No store of the bucket's size.
    #[error(transparent)]
    Store(#[from] ParamsError),
}

impl Parameters {
    /// The sizes for sets of these sizes.
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn new(sizes: Sizes, model: Model) -> Result<Self, ParametersError> {
        Self::with_buckets_of(BUCKET_ITEMS, sizes, model)
    }

    /// The same with buckets of about `items` items of the larger set: fewer take less memory and more bytes.
    ///
    /// # Errors
    /// [`ParametersError`].
    pub fn with_buckets_of(
        items: usize,
        sizes: Sizes,
        model: Model,
    ) -> Result<Self, ParametersError> {
        let layout = Layout::of_buckets_of(items, sizes)?;
        let tag_bits = match model {
            Model::SemiHonest => least_bits(TAG_BITS + layout.pairs.max(0.0)),
            Model::Malicious => FULL_BITS,
        };
        let store = Params::new(layout.capacity.receiver, stores(&layout))?;
        Ok(Self::assembled(sizes, model, layout, (tag_bits, store)))
    }

    /// The sizes for low communication: stores with values of 80 bits, all of a bucket in one bin. Semi-honest.
    ///
    /// # Errors
    /// [`ParametersError::ShortValues`] where the bound on false members would ask for longer values: from about 2^24 items of
    /// both sides on. Else as of [`Parameters::new`].
    ///
    /// # Source
    /// Raghuraman and Rindal, CCS 2022, section 4: values of at least `λ + log2(n_x · n_y)` bits. Here `n_x · n_y` is the sum
    /// over the buckets, since an item is asked for in its own bucket only; where that is too large buckets become smaller.
    pub fn low_communication(sizes: Sizes) -> Result<Self, ParametersError> {
        Self::low_communication_with_buckets_of(BUCKET_ITEMS, sizes)
    }

    /// The same with buckets of about `items` items of the larger set at most; of [`BUCKET_ITEMS`] if that is less.
    ///
    /// # Errors
    /// As of [`Parameters::low_communication`].
    pub fn low_communication_with_buckets_of(
        items: usize,
        sizes: Sizes,
    ) -> Result<Self, ParametersError> {
        if items == 0 {
            return Err(ParametersError::NoBucket);
        }
        let Sizes { sender, receiver } = sizes;
        let largest = sender.max(receiver);
        let mut buckets = largest.div_ceil(items.min(BUCKET_ITEMS)).max(1);
        let most = largest.div_ceil(LEAST_SHORT_BUCKET).max(buckets);
        let layout = loop {
            if buckets > most {
                return Err(ParametersError::ShortValues { sender, receiver });
            }
            let layout = Layout::new(sizes, buckets);
            if f64::from(Field::Gf80.bits()) - layout.pairs >= SHORT_VALUE_BITS {
                break layout;
            }
            buckets += 1 + buckets / 32;
        };
        let tag_bits = least_bits(SHORT_TAG_BITS + layout.pairs.max(0.0));
        let store = Params::short(layout.capacity.receiver, stores(&layout))?;
        Ok(Self::assembled(sizes, Model::SemiHonest, layout, (tag_bits, store)))
    }

    fn assembled(
        sizes: Sizes,
        model: Model,
        layout: Layout,
        (tag_bits, store): (u32, Params),
    ) -> Self {
        let Layout { buckets, capacity, pairs } = layout;
        let failure = Failure {
            store: store.failure_bits() + log2(STORE_SHARE),
            overflow: layout.overflow_bits(sizes),
            tags: f64::from(tag_bits) - pairs,
            values: f64::from(store.field().bits()) - pairs,
            ids: equal_ids_bits(sizes),
        };
        Self { sizes, model, buckets, capacity, tag_bits, store, failure }
    }

    /// Both sides' items.
    #[must_use]
    pub const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// What the peer may do.
    #[must_use]
    pub const fn model(&self) -> Model {
        self.model
    }

    /// Buckets, the unit of streaming: an item belongs to the one [`super::bucket_of`] says.
    #[must_use]
    pub const fn buckets(&self) -> usize {
        self.buckets
    }

    /// Items that each bucket is padded to.
    #[must_use]
    pub const fn capacity(&self) -> Sizes {
        self.capacity
    }

    /// Bits of a tag.
    #[must_use]
    pub const fn tag_bits(&self) -> u32 {
        self.tag_bits
    }

    /// The store of a bucket of the receiver.
    #[must_use]
    pub const fn store(&self) -> Params {
        self.store
    }

    /// −log2 of the bound on the probability that anything goes wrong by chance: a false member or a run that fails.
    #[must_use]
    pub fn failure_bits(&self) -> f64 {
        let Failure { store, overflow, tags, values, ids } = self.failure;
        -[store, overflow, tags, values, ids].map(|bits| (-bits).exp2()).iter().sum::<f64>().log2()
    }

    /// Whether a set is empty, so that there is nothing to do.
    #[must_use]
    pub const fn is_trivial(&self) -> bool {
        self.sizes.sender == 0 || self.sizes.receiver == 0
    }

    /// The buckets that share one run of vector oblivious linear evaluation, group by group.
    pub(super) fn batches(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let (buckets, slots) = (self.buckets, self.store.slots());
        let most = (BATCH_SLOTS / slots.max(1)).max(1);
        // Even shares, so that the last group is not a small one that pays the same fixed price.
        let share = buckets.div_ceil(buckets.div_ceil(most));
        (0..buckets).step_by(share).map(move |start| start..(start + share).min(buckets))
    }
}

impl Parameters {
    /// What is left of [`Parameters::batches`] from a bucket on.
    pub(super) fn batches_from(
        &self,
        first: usize,
    ) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let left = move |batch: std::ops::Range<usize>| first.max(batch.start)..batch.end;
        self.batches().map(left).filter(|batch| !batch.is_empty())
    }
}

/// The quote's line: sizes, and the failure probability with its parts.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sizes, buckets, capacity, tag_bits, store, failure, .. } = self;
        let model = match self.model {
            Model::SemiHonest => "semi-honest",
            Model::Malicious => "malicious",
        };
        write!(
            f,
            "{} × {} items ({model}) in {buckets} buckets of {} × {}, {} slots of {} bits each, tags of {tag_bits} bits; ",
            sizes.sender,
            sizes.receiver,
            capacity.sender,
            capacity.receiver,
            store.slots(),
            store.field().bits()
        )?;
        let Failure { store, overflow, tags, values, ids } = failure;
        write!(
            f,
            "fails with probability 2^-{:.1} at most (store 2^-{store:.1}, full bucket 2^-{overflow:.1}, equal tags 2^-{tags:.1}, equal values 2^-{values:.1}, equal ids 2^-{ids:.1})",
            self.failure_bits()
        )
    }
}

/// Stores that share the failure probability, of which theirs is a part.
const fn stores(layout: &Layout) -> u64 {
    (layout.buckets * STORE_SHARE) as u64
}

/// −log2 of the bound on the probability that different keys get equal ids.
pub(super) fn equal_ids_bits(sizes: Sizes) -> f64 {
    f64::from(FULL_BITS) - 2.0 * log2(sizes.sender + sizes.receiver).max(0.0)
}

/// The least number of bits that is not below `bits`, and not above what there is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 128")]
fn least_bits(bits: f64) -> u32 {
    bits.ceil().clamp(0.0, f64::from(FULL_BITS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(sender: usize, receiver: usize, model: Model) -> Parameters {
        Parameters::new(Sizes { sender, receiver }, model).unwrap()
    }

    #[test]
    fn everything_together_fails_with_2_to_the_minus_40_at_most() {
        let sizes = [0, 1, 2, 1000, (1 << 16) + 1, 1 << 20, 10_000_000, 1 << 24, 1_000_000_000];
        for sender in sizes {
            for receiver in sizes {
                for model in [Model::SemiHonest, Model::Malicious] {
                    let got = parameters(sender, receiver, model);
                    assert!(got.failure_bits() >= 40.0, "{got}");
                }
            }
        }
    }

    #[test]
    fn short_values_cover_every_pair_of_every_bucket_or_are_refused() {
        let sizes =
            [0, 1, 2, 1000, (1 << 16) + 1, 1 << 20, 1_500_000, 1 << 22, 10_000_000, 1 << 24];
        for sender in sizes {
            for receiver in sizes {
                let got = Parameters::low_communication(Sizes { sender, receiver }).unwrap();
                assert!(got.failure_bits() >= 40.0 && got.store().bins() == 1, "{got}");
                let Sizes { sender, receiver } = got.capacity();
                let pairs = (got.buckets() * sender * receiver) as f64;
                assert!(80.0 >= 41.0 + pairs.log2() && got.failure.values >= 41.0, "{got}");
            }
        }
        for (sender, receiver) in [(1_000_000_000, 1_000_000_000), (1 << 26, 1 << 26)] {
            let refused = Parameters::low_communication(Sizes { sender, receiver });
            assert_eq!(refused, Err(ParametersError::ShortValues { sender, receiver }));
        }
    }

    #[test]
    fn tags_cover_every_pair_of_all_buckets() {
        let got = parameters(1 << 20, 1 << 20, Model::SemiHonest);
        let Sizes { sender, receiver } = got.capacity();
        let pairs = got.buckets() as f64 * sender as f64 * receiver as f64;
        assert!(f64::from(got.tag_bits()) >= 40.0 + pairs.log2());
        assert!(f64::from(got.tag_bits()) <= 42.1 + pairs.log2());
        assert_eq!(parameters(5, 7, Model::Malicious).tag_bits(), 128);
    }

    #[test]
    fn a_billion_items_are_not_taken_for_a_million() {
        let billion = 1_000_000_000;
        let got = parameters(billion, billion, Model::SemiHonest);
        // 40 + log2(10^9 · 2^18) = 87.9, and the slack of full buckets.
        assert_eq!((got.buckets(), got.tag_bits()), (3815, 89));
        assert!(got.capacity().receiver < (BUCKET_ITEMS * 103) / 100);
        assert!(got.failure.store >= 42.0 && got.failure.overflow >= 42.4, "{got}");
        let slots = got.buckets() * got.store().slots();
        assert!(slots < billion / 100 * 142, "{slots}");
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let sizes = Sizes { sender: MOST_ITEMS + 1, receiver: 1 };
        let want = ParametersError::TooManyItems { items: MOST_ITEMS + 1 };
        assert_eq!(Parameters::new(sizes, Model::SemiHonest), Err(want));
        let sizes = Sizes { sender: 1, receiver: 1 };
        let none = Parameters::with_buckets_of(0, sizes, Model::SemiHonest);
        assert_eq!(none, Err(ParametersError::NoBucket));
    }

    #[test]
    fn batches_cover_the_buckets_in_order() {
        for n in [0, 1, 1 << 20, 10_000_000, 100_000_000] {
            let got = parameters(n, n, Model::SemiHonest);
            assert!(got.batches().flatten().eq(0..got.buckets()), "{got}");
            let slots = got.store().slots();
            assert!(got.batches().all(|batch| (batch.len() - 1) * slots < BATCH_SLOTS));
        }
    }

    #[test]
    fn the_quote_says_what_may_fail() {
        let line = parameters(1 << 20, 1000, Model::SemiHonest).to_string();
        assert!(line.starts_with("1048576 × 1000 items (semi-honest) in 4 buckets of "), "{line}");
        assert!(line.contains("fails with probability 2^-4"), "{line}");
    }
}
