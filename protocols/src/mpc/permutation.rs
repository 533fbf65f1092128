//! Permutations of rows: drawn from a key's stream, inverted, applied, and checked.

use crate::{
    prg::Prg,
    ring::{Buf, Z32},
};

/// Rows of a bucket that fit the first-level cache.
const BUCKET: usize = 4096;

/// A uniformly random permutation from a key's stream.
///
/// Above a few thousand rows each row first goes to one of up to 256 buckets, uniformly and independently; then each bucket
/// is permuted by itself, so that the swaps stay in cache. Uniform labels and uniform orders within each label make a uniform
/// order of all: C. R. Rao 1961 and Sandelius 1962, as analysed by Bacher, Bodini, Hwang, Tsai, "Generating random
/// permutations by coin-tossing", ACM Trans. Algorithms 13(2), 2017.
///
/// # Panics
/// If there are 2^32 rows or more.
pub(super) fn random_permutation(mut prg: Prg, rows: usize) -> Buf<u32> {
    assert!(u32::try_from(rows).is_ok(), "rows are numbered in 32 bits");
    let mut order = Buf::<u32>::scratch(rows);
    let buckets = (rows / BUCKET).next_power_of_two().min(256);
    if buckets < 4 {
        order.iter_mut().zip(0..).for_each(|(place, row)| *place = row);
        permute(&mut order, &mut Words::new(prg));
        return order;
    }
    let labels = prg.elements::<Z32>(rows.div_ceil(4));
    let labels: &[u8] = &bytemuck::cast_slice(&labels)[..rows];
    let bucket = |label: &u8| usize::from(*label) & (buckets - 1);
    let mut ends = [0_usize; 256];
    labels.iter().for_each(|label| ends[bucket(label)] += 1);
    let mut next = [0_usize; 256];
    let mut rows_so_far = 0;
    for (end, next) in ends.iter_mut().zip(&mut next) {
        *next = rows_so_far;
        rows_so_far += *end;
        *end = rows_so_far;
    }
    for (label, row) in labels.iter().zip(0..) {
        let place = &mut next[bucket(label)];
        order[*place] = row;
        *place += 1;
    }
    let mut words = Words::new(prg);
    let mut rest = &mut order[..];
    let mut from = 0;
    for end in &ends[..buckets] {
        let (bucket, after) = rest.split_at_mut(end - from);
        permute(bucket, &mut words);
        (rest, from) = (after, *end);
    }
    order
}

/// Fisher–Yates, each index drawn without bias (Lemire, "Fast random integer generation in an interval", TOMACS 2019,
/// Algorithm 5, with words of 32 bits).
fn permute(order: &mut [u32], words: &mut Words) {
    for last in (1..order.len()).rev() {
        let bound = last as u64 + 1;
        let mut product = u64::from(words.next()) * bound;
        while low(product) < bound && low(product) < (1 << 32) % bound {
            product = u64::from(words.next()) * bound;
        }
        order.swap(last, high(product));
    }
}

fn low(product: u64) -> u64 {
    product & u64::from(u32::MAX)
}

fn high(product: u64) -> usize {
    (product >> 32) as usize
}

/// A key's stream, a word at a time.
struct Words {
    prg: Prg,
    made: [u32; 1024],
    at: usize,
}

impl Words {
    fn new(prg: Prg) -> Self {
        Self { prg, made: [0; 1024], at: 1024 }
    }

    #[inline]
    fn next(&mut self) -> u32 {
        if self.at == self.made.len() {
            self.prg.fill::<Z32>(&mut self.made);
            self.at = 0;
        }
        self.at += 1;
        self.made[self.at - 1]
    }
}

/// The inverse of a permutation.
pub(super) fn invert(order: &[u32]) -> Buf<u32> {
    let mut inverse = Buf::<u32>::scratch(order.len());
    for (to, row) in order.iter().zip(0..) {
        inverse[*to as usize] = row;
    }
    inverse
}

/// Element `i` goes to place `order[i]`: what gathering by the inverse gives.
pub(super) fn scatter(words: &[u32], order: &[u32]) -> Buf<u32> {
    let mut out = Buf::<u32>::scratch(words.len());
    for (to, word) in order.iter().zip(words) {
        out[*to as usize] = *word;
    }
    out
}

/// Whether every number below the length stands there once. The values are public by now.
pub(super) fn is_permutation(positions: &[u32]) -> bool {
    let mut seen = vec![0_u64; positions.len().div_ceil(64)];
    for position in positions {
        if let Some(word) = seen.get_mut(*position as usize / 64) {
            *word |= 1 << (position % 64);
        }
    }
    let ones: usize = seen.iter().map(|word| word.count_ones() as usize).sum();
    let inside = |position: &u32| (*position as usize) < positions.len();
    ones == positions.len() && positions.iter().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_permutations_of_all_sizes() {
        for rows in [0, 1, 2, 3, 64, 1000, 12_287, 12_288, 16_384, 50_001, 300_000] {
            let order = random_permutation(Prg::new(&[7; 16]), rows);
            assert!(is_permutation(&order), "{rows} rows");
            let inverse = invert(&order);
            assert!(order.iter().zip(0..).all(|(to, row)| inverse[*to as usize] == row));
            assert!(scatter(&order, &order).iter().zip(0..).all(|(word, at)| *word == at));
        }
    }

    #[test]
    fn every_place_is_as_likely_as_any_other() {
        // Where row 0 and the last row of many go: 16 ranges, χ² with 15 degrees of freedom, 54 once in 10^6.
        for rows in [1000, 40_000] {
            let mut counts = [[0_u32; 16]; 2];
            for seed in 0..960_u64 {
                let mut key = [9; 16];
                key[..8].copy_from_slice(&seed.to_le_bytes());
                let places = invert(&random_permutation(Prg::new(&key), rows));
                for (counts, row) in counts.iter_mut().zip([0, rows - 1]) {
                    counts[places[row] as usize * 16 / rows] += 1;
                }
            }
            for counts in counts {
                let chi: f64 = counts.iter().map(|n| (f64::from(*n) - 60.0).powi(2) / 60.0).sum();
                assert!(chi < 54.0, "{rows} rows: chi-square {chi:.0}");
            }
        }
    }

    #[test]
    fn what_is_no_permutation_is_seen() {
        assert!(is_permutation(&[2, 0, 1]));
        for bad in [&[0, 0, 1][..], &[0, 1, 3], &[1, 2, 3], &[0, 1, u32::MAX], &[1]] {
            assert!(!is_permutation(bad), "{bad:?}");
        }
    }
}
