//! How many bins, and the proof that they are enough.

/// Statistical security: all tables of a run fail with probability 2^-40 at most.
const SECURITY_BITS: f64 = 40.0;
/// Element numbers are 32-bit numbers, one of them marks an empty bin, and places are made of 42 bits of a hash.
const MOST_ITEMS: usize = 1 << 26;
/// Up to this number of elements the bound is worked out; above, it is only lower (a test looks at 2^18 and 2^20).
const WORKED_OUT: usize = 1 << 16;
/// Sets of fewer elements get so many more bins for each doubling of the number of tables.
const MANY: usize = 4096;
const MORE: usize = 64;

/// The number of bins for a set of public size, and a bound on the probability that the set does not fit.
///
/// A set does not fit if some `k` of its elements have only `k − 1` bins or fewer among them (Hall). Take the least such
/// `k`: then the bins are `k − 1` exactly, and each is hit by two of the elements at least (else leave out the one).
/// The probability that `k` given elements, of three different bins each, do so to `k − 1` given bins of `b` is at most
///
/// ```text
///   (C(k−1, 3) / C(b, 3))^k                                                      each element stays within the bins, and
///   (3k)! · (e^y − 1 − y)^(k−1) / y^(3k) / b^(3k) · (b² / ((b−1)(b−2)))^k         each bin is hit twice, for any y > 0,
/// ```
///
/// the second by the generating function of the ways to throw 3k balls into k − 1 bins with two in each, freed of the
/// throws in which an element's bins coincide. The smaller of the two, times the `C(n, k) · C(b, k−1)` choices, added up over
/// k from 4 to n, bounds the failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    items: usize,
    bins: usize,
    failure_bits: f64,
}

/// Why there are no parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// More elements than one table holds.
    #[error("{items} elements are more than one table holds ({most}); split them into buckets")]
    TooManyItems {
        /// Elements asked for.
        items: usize,
        /// Elements there can be.
        most: usize,
    },
    /// So many tables cannot fail with probability 2^-40 in all.
    #[error(
        "{instances} tables of {items} elements cannot fail with probability 2^-40 at most in all; take fewer, larger buckets"
    )]
    TooManyInstances {
        /// Elements of each.
        items: usize,
        /// Tables.
        instances: u64,
    },
}

impl Params {
    /// The bins for `items` elements in one of `instances` tables of a run, which fail with probability 2^-40 at most in all.
    ///
    /// # Errors
    /// [`ParamsError`], if one table cannot hold so many, or so many tables cannot keep to the bound.
    pub fn new(items: usize, instances: u64) -> Result<Self, ParamsError> {
        if items > MOST_ITEMS {
            return Err(ParamsError::TooManyItems { items, most: MOST_ITEMS });
        }
        let bins = bins_for(items, instances);
        let proved = items.min(WORKED_OUT);
        let failure_bits =
            -log2_failure(proved, bins_for(proved, instances)) - float(instances).log2();
        if failure_bits < SECURITY_BITS || instances == 0 {
            return Err(ParamsError::TooManyInstances { items, instances });
        }
        Ok(Self { items, bins, failure_bits })
    }

    /// Elements at most.
    #[must_use]
    pub const fn items(&self) -> usize {
        self.items
    }

    /// Bins.
    #[must_use]
    pub const fn bins(&self) -> usize {
        self.bins
    }

    /// −log2 of the bound on the probability that any table of the run fails: 40 at least, infinite if none can.
    #[must_use]
    pub const fn failure_bits(&self) -> f64 {
        self.failure_bits
    }
}

/// 1.3 bins an element; small sets, which a few coincidences can spoil, get some more, and small ones of many more still. Integers, so
/// that all parties agree.
const fn bins_for(items: usize, instances: u64) -> usize {
    // Every time that there are twice as many tables.
    let twice = u64::BITS - instances.saturating_sub(1).leading_zeros();
    let of_many = MORE * twice as usize;
    match items {
        0 => 0,
        1..512 => (items * 13).div_ceil(10) + 108 + of_many,
        512..MANY => (items * 13).div_ceil(10) + 40 + of_many,
        _ => (items * 13).div_ceil(10) + 40,
    }
}

/// log2 of the bound on the probability that `items` elements do not fit into `bins` bins: see [`Params`].
fn log2_failure(items: usize, bins: usize) -> f64 {
    /// Near the best `y` for all but small `k`, for which the other bound is taken.
    const Y: f64 = 2.149;
    let (n, b) = (float(items as u64), float(bins as u64));
    let twice = (Y.exp() - 1.0 - Y).ln();
    let apart = (b * b / ((b - 1.0) * (b - 2.0))).ln();
    let triples = (b * (b - 1.0) * (b - 2.0) / 6.0).ln();
    // Logarithms of C(n, k), C(b, k − 1) and (3k)!, carried from one k to the next.
    let mut elements = [n, (n - 1.0) / 2.0, (n - 2.0) / 3.0].into_iter().map(f64::ln).sum::<f64>();
    let mut choices = (b * (b - 1.0) / 2.0).ln();
    let mut throws = 362_880_f64.ln();
    let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
    for k in (4..=items as u64).map(float) {
        elements += ((n - k + 1.0) / k).ln();
        choices += ((b - k + 2.0) / (k - 1.0)).ln();
        throws += (3.0 * k * (3.0 * k - 1.0) * (3.0 * k - 2.0)).ln();
        let within = k * (((k - 1.0) * (k - 2.0) * (k - 3.0) / 6.0).ln() - triples);
        let hit_twice = throws + (k - 1.0) * twice - 3.0 * k * (Y.ln() + b.ln()) + k * apart;
        let term = elements + choices + within.min(hit_twice);
        // A sum of exponentials relative to the largest.
        if term > largest {
            sum = sum * (largest - term).exp() + 1.0;
            largest = term;
        } else {
            sum += (term - largest).exp();
        }
    }
    if sum == 0.0 { f64::NEG_INFINITY } else { (largest + sum.ln()) / std::f64::consts::LN_2 }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes are below 2^53; a count of instances may be rounded"
)]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_fails_with_probability_below_two_to_the_minus_40() {
        let small = 0..600;
        let sampled = (600..20_000).step_by(613);
        for items in small.chain(sampled).chain([1 << 15, WORKED_OUT, WORKED_OUT + 1, MOST_ITEMS]) {
            let params = Params::new(items, 1).unwrap();
            assert!(params.failure_bits() >= 40.0, "{items}: {}", params.failure_bits());
            assert!(items < 512 || params.bins() * 10 <= 13 * items + 410, "{items}");
        }
    }

    #[test]
    fn larger_sets_fail_less_than_the_largest_one_worked_out() {
        let bits = |items| -log2_failure(items, bins_for(items, 1));
        let least = bits(WORKED_OUT);
        for items in [1 << 17, 1 << 18, 1 << 20] {
            assert!(bits(items) > least, "{items}");
        }
        assert!(least > 75.0, "{least}");
    }

    #[test]
    fn the_bound_agrees_with_what_can_be_counted() {
        // Four elements fail in four bins only if all have the same three: C(4, 3)^-3 for the last three to follow the first.
        let exact = (4.0_f64).powi(-3).log2();
        let bound = log2_failure(4, 4);
        assert!((bound - exact).abs() < 1e-9, "{bound} against {exact}");
        // Below four elements nothing can fail.
        assert_eq!(log2_failure(3, 3), f64::NEG_INFINITY);
    }

    #[test]
    fn too_many_tables_or_elements_are_refused() {
        assert!(Params::new(1 << 20, 1 << 30).is_ok());
        let error = ParamsError::TooManyInstances { items: 300, instances: 1 << 30 };
        assert_eq!(Params::new(300, 1 << 30), Err(error));
        assert!(matches!(Params::new(1, 0), Err(ParamsError::TooManyInstances { .. })));
        let error = ParamsError::TooManyItems { items: MOST_ITEMS + 1, most: MOST_ITEMS };
        assert_eq!(Params::new(MOST_ITEMS + 1, 1), Err(error));
    }
}
