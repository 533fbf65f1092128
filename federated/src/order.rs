//! Random orders that every party with the same draws finds alike.

use protocols::{prg::Prg, ring::Z64};

/// Numbers below `n` in random order (Fisher and Yates); the bias of a 64-bit remainder is below 2^-30 for 2^32 of them.
pub(crate) fn shuffled(n: usize, rng: &mut Prg) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let draws = rng.elements::<Z64>(n);
    for (at, draw) in draws.iter().enumerate().rev() {
        let other = draw % (at as u64 + 1);
        order.swap(at, usize::try_from(other).unwrap_or(0));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation() {
        let mut order = shuffled(1000, &mut Prg::new(&[1; 16]));
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        let first = |seed: u64| shuffled(4, &mut Prg::new(&u128::from(seed).to_le_bytes()))[0];
        let counts = (0..4000).map(first).fold([0; 4], |mut counts, at| {
            counts[at] += 1;
            counts
        });
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
