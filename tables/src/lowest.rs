//! The first rows of each id, however many have it.

use super::{broken::TableError, spill::Spill};

/// Pairs that are collected before those are thrown out that are not wanted.
const AT_ONCE: usize = 1 << 19;

/// Pairs of id and row, ascending, and what stands beside them.
#[derive(Default)]
pub struct Lowest {
    /// Of each id its lowest rows.
    pub pairs: Vec<(u128, u64)>,
    /// The words of each pair, in their order.
    pub values: Vec<u64>,
}

impl Spill {
    /// Of each id in `first..=last` so many of its lowest rows. In memory are no more than twice as many pairs, and half a million,
    /// however many rows have one id.
    ///
    /// # Errors
    /// As [`Spill::between`].
    pub fn lowest(&mut self, first: u128, last: u128, rows: usize) -> Result<Lowest, TableError> {
        let (width, mut lowest, mut most) = (self.values(), Lowest::default(), AT_ONCE);
        self.each(first, last, |id, row, beside| {
            lowest.pairs.push((id, row));
            let beside = beside.as_chunks().0;
            lowest.values.extend(beside.iter().map(|value| u64::from_le_bytes(*value)));
            if lowest.pairs.len() == most {
                lowest.keep(rows, width);
                most = AT_ONCE.max(2 * lowest.pairs.len());
            }
        })?;
        lowest.keep(rows, width);
        Ok(lowest)
    }
}

impl Lowest {
    /// Throws out all but so many of the lowest rows of each id, and puts them in order.
    fn keep(&mut self, rows: usize, width: usize) {
        if width == 0 {
            self.pairs.sort_unstable();
            let (mut of, mut times) = (None, 0);
            self.pairs.retain(|(id, _)| {
                times = if of == Some(*id) { times + 1 } else { 1 };
                of = Some(*id);
                times <= rows
            });
            return;
        }
        let mut order: Vec<usize> = (0..self.pairs.len()).collect();
        order.sort_unstable_by_key(|at| self.pairs[*at]);
        let (mut of, mut times) = (None, 0);
        order.retain(|at| {
            let id = self.pairs[*at].0;
            times = if of == Some(id) { times + 1 } else { 1 };
            of = Some(id);
            times <= rows
        });
        let words = order.iter().flat_map(|at| &self.values[at * width..(at + 1) * width]);
        let values = words.copied().collect();
        let pairs = order.iter().map(|at| self.pairs[*at]).collect();
        (self.pairs, self.values) = (pairs, values);
    }
}

/// Ids are a provider's data: they do not print.
impl std::fmt::Debug for Lowest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lowest({} pairs)", self.pairs.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A third of the rows has keys of its own, all others have one of two.
    fn id(row: u64) -> u128 {
        match row % 3 {
            0 => u128::from((row % 4001).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64,
            1 => 5,
            _ => u128::MAX,
        }
    }

    #[test]
    fn of_each_id_are_the_lowest_rows_and_what_stands_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        for (total, rows, width) in
            [(0, 1, 0), (1, 1, 1), (64, 2, 0), (65, 1, 2), (1000, 2, 1), (2_000_000, 2, 1)]
        {
            let mut spill = Spill::with_values(dir.path(), 0, width);
            let mut want = BTreeMap::<u128, Vec<u64>>::new();
            // From the last row on.
            for row in (0..total).rev() {
                spill.push_with(id(row), row, (0..width as u64).map(|of| row * 7 + of)).unwrap();
            }
            for row in 0..total {
                let own = want.entry(id(row)).or_default();
                if own.len() < rows {
                    own.push(row);
                }
            }
            let want: Vec<(u128, u64)> =
                want.iter().flat_map(|(id, rows)| rows.iter().map(|row| (*id, *row))).collect();
            let lowest = spill.lowest(0, u128::MAX, rows).unwrap();
            assert_eq!(lowest.pairs, want, "{total} rows");
            let beside =
                |row: &u64| -> Vec<u64> { (0..width as u64).map(|of| row * 7 + of).collect() };
            let words: Vec<u64> = want.iter().flat_map(|(_, row)| beside(row)).collect();
            assert_eq!(lowest.values, words);
        }
    }

    #[test]
    fn an_id_of_many_rows_takes_no_more_memory_than_others() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(dir.path(), 0);
        (0..3_000_000).for_each(|row| spill.push(9, row).unwrap());
        let lowest = spill.lowest(0, u128::MAX, 1).unwrap();
        assert_eq!(lowest.pairs, [(9, 0)]);
        assert!(lowest.pairs.capacity() <= 2 * AT_ONCE, "{}", lowest.pairs.capacity());
    }
}
