//! A random order: without it, places in a message would show places in a sorted set.

use crate::{prg::Prg, ring::Z128};

/// A permutation of `0..n`, each as likely as any other up to n² · 2^−128 (Fisher and Yates; Durstenfeld 1964).
pub(super) fn random_order(n: usize, rng: &mut Prg) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(n).collect();
    assert_eq!(order.len(), n, "sets of 2^32 items and more are not shuffled in one run");
    let words = rng.elements::<Z128>(n);
    for (i, word) in words.iter().enumerate().skip(1) {
        order.swap(i, below(i as u128 + 1, *word));
    }
    order
}

/// A uniform word scaled to `0..bound`.
fn below(bound: u128, word: u128) -> usize {
    let (high, low) = (word >> 64, word & u128::from(u64::MAX));
    let scaled = (high * bound + ((low * bound) >> 64)) >> 64;
    usize::try_from(scaled).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_every_place_once() {
        let mut rng = Prg::new(&[1; 16]);
        for n in [0, 1, 2, 3, 64, 1000] {
            let mut order = random_order(n, &mut rng);
            order.sort_unstable();
            assert!(order.iter().copied().eq((0..).take(n)));
        }
    }

    #[test]
    fn every_order_of_three_comes_as_often() {
        let mut rng = Prg::new(&[2; 16]);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..6000 {
            *seen.entry(random_order(3, &mut rng)).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.values().all(|times| (850..1150).contains(times)), "{seen:?}");
    }

    #[test]
    fn the_ends_of_the_words_reach_the_ends_of_the_range() {
        assert_eq!((below(7, 0), below(7, u128::MAX), below(1, u128::MAX)), (0, 6, 0));
    }
}
