//! Whether a column has a value twice, however long it is.

use std::path::Path;

use tables::{Spill, TableError};

use super::promises::Values;

/// Ids that are looked through at a time, about.
const AT_ONCE: u64 = 1 << 18;
/// 2^128 divided by the golden ratio: the multiples of it lie far apart.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// The values of a column as ids that are in memory up to a budget, and on disk beyond.
///
/// An integer's id is it times an odd number, modulo 2^128: two are equal if and only if the integers are. A text's is the first
/// half of its BLAKE3 hash: two texts that share one are a collision, found by chance among n with probability n²/2^129.
pub(super) struct Distinct {
    ids: Spill,
}

impl Distinct {
    pub(super) fn new(folder: &Path, budget: usize) -> Self {
        Self { ids: Spill::new(folder, budget) }
    }

    /// Adds the values of a batch whose first row has this number. NULLs are left out.
    pub(super) fn push(&mut self, values: &Values<'_>, first: u64) -> Result<(), TableError> {
        match values {
            Values::Integers(all) => {
                for (row, value) in (first..).zip(all) {
                    let Some(value) = value else { continue };
                    self.ids.push(value.cast_unsigned().wrapping_mul(SPREAD), row)?;
                }
            }
            Values::Texts(all) => {
                for (row, text) in (first..).zip(all.iter()) {
                    let Some(text) = text else { continue };
                    let (mut id, hash) = ([0; 16], blake3::hash(text.as_bytes()));
                    id.copy_from_slice(&hash.as_bytes()[..16]);
                    self.ids.push(u128::from_le_bytes(id), row)?;
                }
            }
        }
        Ok(())
    }

    /// The first row whose value an earlier row has too.
    pub(super) fn first_repeated(&mut self) -> Result<Option<u64>, TableError> {
        let bits = (self.ids.len() / AT_ONCE + 1).next_power_of_two().trailing_zeros();
        let last = u128::MAX >> bits;
        let mut found = None::<u64>;
        for range in 0..1_u128 << bits {
            // No bit is left of 128 where there is one range.
            let first = range.checked_shl(u128::BITS - bits).unwrap_or(0);
            let pairs = self.ids.lowest(first, first + last, 2)?.pairs;
            let again = pairs.windows(2).filter(|two| two[0].0 == two[1].0).map(|two| two[1].1);
            found = again.chain(found).min();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use datafusion::arrow::array::StringArray;

    use super::*;

    /// The first repeated row of values in batches of an odd size, and whether they reached the disk.
    fn repeated(values: &[i128], budget: usize) -> (Option<u64>, bool) {
        let dir = tempfile::tempdir().unwrap();
        let mut distinct = Distinct::new(dir.path(), budget);
        let mut first = 0;
        for batch in values.chunks(10_007) {
            let batch = batch.iter().map(|v| Some(*v)).collect();
            distinct.push(&Values::Integers(batch), first).unwrap();
            first += 10_007;
        }
        (distinct.first_repeated().unwrap(), distinct.ids.is_on_disk())
    }

    #[test]
    fn the_first_row_that_repeats_another_is_found() {
        let mut seed = 5_u64;
        let mut roll = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for round in 0..200 {
            let rows = roll(60);
            let values: Vec<i128> = (0..rows).map(|_| i128::from(roll(400)) - 200).collect();
            let mut seen = HashSet::new();
            let want = values.iter().position(|v| !seen.insert(*v)).map(|row| row as u64);
            assert_eq!(repeated(&values, 0).0, want, "round {round}: {values:?}");
        }
        let ends = [i128::MAX, i128::MIN, 0, -1, 1, i128::MAX - 1, i128::MIN];
        assert_eq!(repeated(&ends, 0).0, Some(6));
    }

    #[test]
    fn values_far_apart_meet_on_disk() {
        // The blocks that are being filled hold some 700,000 ids: fewer never reach the disk.
        const ROWS: i128 = 800_000;
        let mut values: Vec<i128> = (0..ROWS).map(|i| i * 1_000).collect();
        assert_eq!(repeated(&values, 0), (None, true));
        values.push(7_000);
        values.push(values[700_000]);
        assert_eq!(repeated(&values, 0), (Some(800_000), true));
        assert_eq!(repeated(&values, usize::MAX), (Some(800_000), false));
    }

    #[test]
    fn texts_are_told_apart_and_what_is_not_there_repeats_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut distinct = Distinct::new(dir.path(), 0);
        let texts = StringArray::from(vec![Some("a"), None, Some(""), Some("A"), None]);
        distinct.push(&Values::Texts(&texts), 0).unwrap();
        assert_eq!(distinct.first_repeated().unwrap(), None);
        distinct.push(&Values::Texts(&texts), 5).unwrap();
        assert_eq!(distinct.first_repeated().unwrap(), Some(5));
    }
}
