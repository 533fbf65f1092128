//! What peeling leaves: keys of which no column has one alone. Rare and small; solved by elimination, with the help of the
//! dense columns where their sparse ones depend on each other.

use super::dense;
use crate::kernels::Field;

/// A remainder of more keys is the large one that the expansion is chosen against.
const MOST: usize = 2048;

/// One equation: which sparse columns it has left, and of which keys it is the sum.
struct Equation {
    columns: Vec<u64>,
    keys: Vec<u64>,
    pivot: usize,
}

/// A remainder brought to row echelon form over its sparse columns.
pub(super) struct Remainder {
    /// Numbers of the keys in their bin.
    keys: Vec<u32>,
    /// Sparse columns that occur, ascending.
    columns: Vec<u32>,
    /// With a pivot, in the order of elimination.
    pivoted: Vec<Equation>,
    /// Without sparse columns: what the dense ones must make up for, as sums of keys.
    gap: Vec<Vec<u64>>,
}

/// Why a remainder has no solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsolvable {
    Duplicate,
    TooLarge,
}

impl Remainder {
    /// Eliminates.
    pub(super) fn new(rows: &[(u32, [u32; 3])], hashes: &[u128]) -> Result<Self, Unsolvable> {
        let keys: Vec<u32> = rows.iter().map(|(key, _)| *key).collect();
        if has_duplicates(keys.iter().map(|key| hashes[*key as usize])) {
            return Err(Unsolvable::Duplicate);
        }
        if keys.len() > MOST {
            return Err(Unsolvable::TooLarge);
        }
        let mut columns: Vec<u32> = rows.iter().flat_map(|(_, columns)| *columns).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut this = Self { keys, columns, pivoted: Vec::new(), gap: Vec::new() };
        for (number, (_, row)) in rows.iter().enumerate() {
            this.eliminate(number, row);
        }
        Ok(this)
    }

    fn eliminate(&mut self, number: usize, row: &[u32; 3]) {
        let mut columns = vec![0; self.columns.len().div_ceil(64)];
        let mut keys = vec![0; self.keys.len().div_ceil(64)];
        keys[number / 64] |= 1 << (number % 64);
        for column in row {
            let at = self.columns.partition_point(|other| other < column);
            columns[at / 64] |= 1 << (at % 64);
        }
        for earlier in &self.pivoted {
            if columns[earlier.pivot / 64] >> (earlier.pivot % 64) & 1 == 1 {
                add(&mut columns, &earlier.columns);
                add(&mut keys, &earlier.keys);
            }
        }
        let pivot = ones(&columns).next();
        match pivot {
            Some(pivot) => self.pivoted.push(Equation { columns, keys, pivot }),
            None => self.gap.push(keys),
        }
    }

    /// Sets the dense variables so that the sparse ones can be. Those left free stay what they are.
    pub(super) fn solve_dense(
        &self,
        field: Field,
        dense: &mut [u128],
        hashes: &[u128],
        values: &[u128],
    ) -> Result<(), Unsolvable> {
        if self.gap.len() > dense.len() {
            return Err(Unsolvable::TooLarge);
        }
        let mut powers = vec![0; dense.len()];
        let mut rows = vec![vec![0; dense.len()]; self.gap.len()];
        let mut right = vec![0; self.gap.len()];
        for ((row, right), keys) in rows.iter_mut().zip(&mut right).zip(&self.gap) {
            for key in self.members(keys) {
                dense::row(field, hashes[key], &mut powers);
                row.iter_mut().zip(&powers).for_each(|(entry, power)| *entry ^= power);
                *right ^= values[key];
            }
        }
        if dense::solve(field, rows, right, dense) { Ok(()) } else { Err(Unsolvable::TooLarge) }
    }

    /// Sets the sparse variables, given values from which the dense part was taken. Those left free stay what they are.
    pub(super) fn solve_sparse(&self, vector: &mut [u128], values: &[u128]) {
        for equation in self.pivoted.iter().rev() {
            let mut sum = self.members(&equation.keys).fold(0, |sum, key| sum ^ values[key]);
            for column in ones(&equation.columns).filter(|column| *column != equation.pivot) {
                sum ^= vector[self.columns[column] as usize];
            }
            vector[self.columns[equation.pivot] as usize] = sum;
        }
    }

    fn members(&self, keys: &[u64]) -> impl Iterator<Item = usize> {
        ones(keys).map(|number| self.keys[number] as usize)
    }
}

/// Whether a hash occurs twice.
pub(super) fn has_duplicates(hashes: impl Iterator<Item = u128>) -> bool {
    let mut sorted: Vec<u128> = hashes.collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

fn add(row: &mut [u64], other: &[u64]) {
    row.iter_mut().zip(other).for_each(|(word, other)| *word ^= other);
}

/// The places of ones.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(at, word)| {
        let bits = std::iter::successors(Some(*word), |word| Some(word & word.wrapping_sub(1)));
        bits.take_while(|word| *word != 0).map(move |word| 64 * at + word.trailing_zeros() as usize)
    })
}
