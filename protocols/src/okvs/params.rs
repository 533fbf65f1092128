//! Sizes of an encoding, from the number of keys and the probability that is left to bad luck.

use super::{peel::WIDE, tails::log2_overflow};
use crate::kernels::Field;

/// Statistical security: everything that may go wrong goes wrong with probability 2^-40 at most.
const SECURITY_BITS: f64 = 40.0;
/// Of which one quarter is for bins that get too full …
const OVERFLOW_BITS: f64 = SECURITY_BITS + 2.0;
/// … one quarter for remainders too large to be solved at all …
const LARGE_BITS: f64 = SECURITY_BITS + 2.0;
/// … and one half for small ones that are too large for the dense columns.
const GAP_BITS: f64 = SECURITY_BITS + 1.0;
/// The formulas were fitted from this number of keys on: smaller sets are padded up to it.
const LEAST_KEYS: usize = 1 << 6;
/// Places within a bin are 16-bit numbers, but for those of a store that is all one bin.
const MOST_COLUMNS: usize = u16::MAX as usize;
/// Keys of a store that is all one bin: about as many as have columns that its places name.
const ONE_BIN_KEYS: usize = 400_000;
/// Row numbers are 32-bit numbers, and bins are chosen by 32 bits of a hash.
const MOST_KEYS: usize = 1 << 31;
/// Keys in a bin at most: about as many as have columns of 16 bits. Fewer and larger bins make shorter encodings, and what is
/// worked on for a bin still fits the second-level cache, or nearly.
const BIN_KEYS: usize = 52_300;

/// The sizes of an encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    field: Field,
    keys: usize,
    bins: usize,
    bin_keys: usize,
    sparse: usize,
    dense: usize,
    failure_bits: f64,
}

/// Why there are no parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// More keys than one instance holds.
    #[error("{keys} keys are more than one store holds ({most}); split them into buckets")]
    TooManyKeys {
        /// Keys asked for.
        keys: usize,
        /// Keys there can be.
        most: usize,
    },
    /// No instances.
    #[error("the failure probability is shared by all instances, so there must be one at least")]
    NoInstances,
    /// No bin size keeps the failure probability low enough.
    #[error("{instances} instances of {keys} keys cannot fail with probability 2^-40 at most")]
    TooManyInstances {
        /// Keys of each.
        keys: usize,
        /// Instances.
        instances: u64,
    },
}

impl Params {
    /// The sizes for `keys` keys, one of `instances` stores that share the failure probability of 2^-40: by a union bound
    /// over all bins of all instances, each bin fails with 2^-(40 + log2(bins · instances)) at most.
    ///
    /// # Errors
    /// [`ParamsError`], if there are too many of either, or no instance.
    ///
    /// # Source
    /// Raghuraman and Rindal, section 3.2, equations 2 and 3, for three hash functions; the tail of the binomial
    /// distribution for the fullest bin.
    pub fn new(keys: usize, instances: u64) -> Result<Self, ParamsError> {
        if keys > MOST_KEYS {
            return Err(ParamsError::TooManyKeys { keys, most: MOST_KEYS });
        }
        if instances == 0 {
            return Err(ParamsError::NoInstances);
        }
        let mut bins = keys.div_ceil(BIN_KEYS).max(1);
        loop {
            let fits = bin_bound(keys, bins, instances, OVERFLOW_BITS)
                .filter(|bin_keys| *bin_keys <= BIN_KEYS)
                .and_then(|bin_keys| {
                    Self::with_bins(Field::Gf128, (keys, bins, bin_keys), instances)
                });
            if let Some(params) = fits {
                return Ok(params);
            }
            if bins > 2 * keys.div_ceil(BIN_KEYS) + 2 {
                return Err(ParamsError::TooManyInstances { keys, instances });
            }
            bins += 1 + bins / 512;
        }
    }

    /// The sizes for values of 80 bits, all in one bin: the fewest bytes, from vectors that fit no second-level cache.
    ///
    /// # Errors
    /// As of [`Params::new`].
    ///
    /// # Source
    /// As of [`Params::new`]. With values of 80 bits a key's dense row is made of the lower 80 bits of its hash. Of these some 48
    /// do not depend on its sparse columns, so that equations which need the dense ones depend on each other with probability
    /// 2^-48, on top of that of needing them.
    pub fn short(keys: usize, instances: u64) -> Result<Self, ParamsError> {
        if keys > ONE_BIN_KEYS {
            return Err(ParamsError::TooManyKeys { keys, most: ONE_BIN_KEYS });
        }
        if instances == 0 {
            return Err(ParamsError::NoInstances);
        }
        let fits = Self::with_bins(Field::Gf80, (keys, 1, keys), instances);
        fits.ok_or(ParamsError::TooManyInstances { keys, instances })
    }

    fn with_bins(
        field: Field,
        (keys, bins, bin_keys): (usize, usize, usize),
        instances: u64,
    ) -> Option<Self> {
        let bin_keys = bin_keys.max(LEAST_KEYS);
        let all = log2(bins) + (instances as f64).log2();
        let (sparse, dense) = columns(bin_keys, LARGE_BITS + all, GAP_BITS + all);
        let most = match field {
            Field::Gf128 => MOST_COLUMNS,
            Field::Gf80 => WIDE - 1,
        };
        if sparse > most {
            return None;
        }
        let overflow = overflow(keys, bins, instances, bin_keys).exp2();
        let [large, gap] = encode_bits(bin_keys, sparse, dense);
        let failure = overflow + (all - large).exp2() + (all - gap).exp2();
        let failure_bits = -failure.log2();
        (failure_bits >= SECURITY_BITS).then_some(Self {
            field,
            keys,
            bins,
            bin_keys,
            sparse,
            dense,
            failure_bits,
        })
    }

    /// What the values are elements of.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// Whether places are numbers of 32 bits.
    pub(super) const fn is_wide(&self) -> bool {
        self.sparse > MOST_COLUMNS
    }

    /// Keys at most.
    #[must_use]
    pub const fn keys(&self) -> usize {
        self.keys
    }

    /// Bins; each is encoded by itself.
    #[must_use]
    pub const fn bins(&self) -> usize {
        self.bins
    }

    /// Keys in a bin at most.
    #[must_use]
    pub const fn bin_keys(&self) -> usize {
        self.bin_keys
    }

    /// Sparse columns of a bin: each key has ones in three of them.
    #[must_use]
    pub const fn sparse(&self) -> usize {
        self.sparse
    }

    /// Dense columns of a bin: the powers of a key's hash in the field.
    #[must_use]
    pub const fn dense(&self) -> usize {
        self.dense
    }

    /// Words of a bin's encoding.
    pub(super) const fn bin_slots(&self) -> usize {
        self.sparse + self.dense
    }

    /// Length of the encoding in elements.
    #[must_use]
    pub const fn slots(&self) -> usize {
        self.bins * self.bin_slots()
    }

    /// −log2 of the bound on the probability that any instance fails to encode; 40 at least.
    #[must_use]
    pub const fn failure_bits(&self) -> f64 {
        self.failure_bits
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are below 2^53")]
fn float(n: usize) -> f64 {
    n as f64
}

fn log2(n: usize) -> f64 {
    float(n).log2()
}

/// log2 of the probability that a bin of any instance gets more than `most` keys.
#[expect(clippy::cast_precision_loss, reason = "a union bound needs no exact count of instances")]
fn overflow(keys: usize, bins: usize, instances: u64, most: usize) -> f64 {
    if bins == 1 {
        return f64::NEG_INFINITY;
    }
    // A bin is chosen by a 32-bit number scaled down: no bin has more than its share of those, rounded up.
    let share = (1_u64 << 32).div_ceil(bins as u64) as f64 / (1_u64 << 32) as f64;
    log2_overflow(float(keys), share, float(bins) * instances as f64, float(most))
}

/// The least number of keys that no bin of any instance exceeds but with probability 2^-`bits`.
fn bin_bound(keys: usize, bins: usize, instances: u64, bits: f64) -> Option<usize> {
    if bins == 1 {
        return Some(keys);
    }
    let (mut low, mut high) = (keys / bins, keys);
    while low < high {
        let middle = low + (high - low) / 2;
        if overflow(keys, bins, instances, middle) <= -bits {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    (low <= keys).then_some(low)
}

/// log2 of the slope of the security in the expansion, and the expansion where it starts: equation 2 at weight 3.
fn slope(keys: usize) -> f64 {
    let w = 3_f64.log2();
    (0.555 * log2(keys) + 0.093 * w.powi(3) - 1.01 * w.powi(2) + 2.925 * w - 0.133).exp2()
}

/// The expansion at which three hash functions begin to work.
const THRESHOLD: f64 = 1.223;
/// What the fitted line of equation 2 starts below zero with.
const OFFSET: f64 = 9.2;

/// Sparse and dense columns with which a bin of `keys` keys has a large remainder, and one too large for the dense columns,
/// with probability 2^-`large` and 2^-`gap` at most.
fn columns(keys: usize, large: f64, gap: f64) -> (usize, usize) {
    let expansion = (large + OFFSET) / slope(keys) + THRESHOLD;
    let dense = gap / (expansion * float(keys)).log2();
    (whole((expansion * float(keys)).ceil()), whole(dense.floor()))
}

/// A small non-negative float as a count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes, rounded")]
fn whole(x: f64) -> usize {
    x as usize
}

/// −log2 of the probability that a bin's remainder is large, and that a small one is too large for the dense columns:
/// equations 2 and 3 solved for the security.
fn encode_bits(keys: usize, sparse: usize, dense: usize) -> [f64; 2] {
    let large = (float(sparse) / float(keys) - THRESHOLD) * slope(keys) - OFFSET;
    [large, float(dense + 1) * log2(sparse)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expansion of equation 2 at 40 bits and the dense columns of equation 3, for one bin of 2^k keys.
    #[test]
    fn the_formulas_give_the_published_figures() {
        let published = [
            (10, 1.4310, 3),
            (12, 1.3194, 3),
            (14, 1.2676, 2),
            (16, 1.2437, 2),
            (18, 1.2326, 2),
            (20, 1.2274, 1),
            (24, 1.2240, 1),
            (30, 1.2231, 1),
        ];
        for (k, expansion, dense) in published {
            let keys = 1_usize << k;
            let (sparse, g) = columns(keys, 40.0, 40.0);
            assert!((float(sparse) / float(keys) - expansion).abs() < 1.1e-4 + 1.0 / float(keys));
            assert_eq!(g, dense, "2^{k}");
        }
    }

    /// The fullest of 2^(k − c) bins of 2^c keys on average, at 40 bits.
    #[test]
    fn the_fullest_bin_is_bounded_as_published() {
        let published = [
            (14, 16, 17_191),
            (14, 18, 17_312),
            (14, 20, 17_359),
            (14, 24, 17_412),
            (14, 30, 17_478),
            (15, 20, 34_116),
            (15, 24, 34_202),
            (15, 30, 34_296),
            (16, 20, 67_385),
            (16, 24, 67_535),
            (16, 30, 67_670),
        ];
        for (c, k, most) in published {
            assert_eq!(bin_bound(1 << k, 1 << (k - c), 1, 40.0), Some(most), "2^{k} by 2^{c}");
        }
    }

    /// Clustered, with the security of every bin raised by the number of bins: sparse columns and dense ones of a bin.
    #[test]
    fn a_union_over_the_bins_raises_the_expansion() {
        let published = [
            (17_359, 46.0, 1.2715, 3),
            (17_412, 50.0, 1.2749, 3),
            (17_478, 56.0, 1.2801, 3),
            (34_116, 45.0, 1.2557, 2),
            (34_202, 49.0, 1.2581, 3),
            (34_296, 55.0, 1.2617, 3),
        ];
        for (keys, bits, expansion, dense) in published {
            let (sparse, g) = columns(keys, bits, bits);
            assert!((float(sparse) / float(keys) - expansion).abs() < 1e-4, "{keys}");
            assert_eq!(g, dense, "{keys}");
        }
    }

    #[test]
    fn every_size_keeps_its_promise() {
        let sizes = [0, 1, 2, 63, 64, 65, 1000, 1 << 14, BIN_KEYS, BIN_KEYS + 1, 1 << 16];
        for keys in sizes.into_iter().chain([100_000, 1 << 20, 10_000_000, 1 << 24, 1_000_000_000])
        {
            for instances in [1, 3, 256, 1 << 20] {
                let params = Params::new(keys, instances).unwrap();
                assert!(params.failure_bits() >= 40.0, "{params:?}");
                assert!(params.sparse() <= MOST_COLUMNS && params.bin_keys() <= BIN_KEYS);
                assert!(params.bin_keys() * params.bins() >= keys);
                assert_eq!(params.slots(), params.bins() * (params.sparse() + params.dense()));
            }
        }
    }

    #[test]
    fn one_bin_of_short_values_keeps_its_promise_and_takes_a_quarter_more_elements_than_keys() {
        for keys in [0, 1, 64, 1000, 1 << 14, 1 << 16, 1 << 18, ONE_BIN_KEYS] {
            for instances in [1, 3, 256, 1 << 20] {
                let params = Params::short(keys, instances).unwrap();
                assert!(params.failure_bits() >= 40.0, "{params:?}");
                assert_eq!((params.bins(), params.field()), (1, Field::Gf80));
                assert!(keys < 1 << 16 || float(params.slots()) < 1.26 * float(keys), "{params:?}");
            }
        }
        let keys = ONE_BIN_KEYS + 1;
        let most = ONE_BIN_KEYS;
        assert_eq!(Params::short(keys, 1), Err(ParamsError::TooManyKeys { keys, most }));
        assert_eq!(Params::short(5, 0), Err(ParamsError::NoInstances));
    }

    #[test]
    fn large_sets_take_less_than_a_third_more_words_than_keys() {
        for keys in [1 << 20, 10_000_000, 1 << 24, 1_000_000_000] {
            let params = Params::new(keys, 1).unwrap();
            assert!(float(params.slots()) < 1.31 * float(keys), "{params:?}");
        }
    }

    #[test]
    fn more_instances_never_make_a_store_smaller() {
        for keys in [100, 5000, 1 << 20] {
            let slots = [1, 16, 1 << 10, 1 << 30].map(|i| Params::new(keys, i).unwrap().slots());
            assert!(slots.is_sorted(), "{slots:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(Params::new(5, 0), Err(ParamsError::NoInstances));
        let keys = MOST_KEYS + 1;
        assert_eq!(Params::new(keys, 1), Err(ParamsError::TooManyKeys { keys, most: MOST_KEYS }));
    }
}
