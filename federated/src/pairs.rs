//! Vectors whose first words are two of 32 bits each: kept and sent like any others, and added up by halves.

use protocols::{
    kernels::Backend,
    ring::{halves, halves_mut},
};

/// How many of the first words of a vector are two words of 32 bits, which add up modulo 2^32 each; all after them add up modulo 2^64.
/// An even number, so that both parts begin with a block of the streams that mask them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs(usize);

impl Pairs {
    /// None: all words are of 64 bits.
    pub const NONE: Self = Self(0);

    /// As few as hold so many words of 32 bits.
    #[must_use]
    pub const fn holding(words: usize) -> Self {
        Self(2 * words.div_ceil(4))
    }

    /// How many words they take.
    #[must_use]
    pub const fn words(self) -> usize {
        self.0
    }

    /// `acc += x`, of words that begin with number `at` of their vectors.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn add(self, at: usize, acc: &mut [u64], x: &[u64]) {
        let (backend, cut) = (Backend::active(), self.cut(at, acc.len()));
        let ((two, one), (x_two, x_one)) = (acc.split_at_mut(cut), x.split_at(cut));
        assert_eq!(one.len(), x_one.len(), "as many words");
        backend.add_u32(halves_mut(two), halves(x_two));
        backend.add_u64(one, x_one);
    }

    /// `acc -= x`, likewise.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn sub(self, at: usize, acc: &mut [u64], x: &[u64]) {
        let (backend, cut) = (Backend::active(), self.cut(at, acc.len()));
        let ((two, one), (x_two, x_one)) = (acc.split_at_mut(cut), x.split_at(cut));
        assert_eq!(one.len(), x_one.len(), "as many words");
        backend.sub_u32(halves_mut(two), halves(x_two));
        backend.sub_u64(one, x_one);
    }

    /// Of so many words from number `at` on, how many are pairs.
    pub(crate) fn cut(self, at: usize, len: usize) -> usize {
        self.0.saturating_sub(at).min(len)
    }
}

#[cfg(test)]
mod tests {
    use protocols::{prg::Prg, ring::Z64};

    use super::*;

    #[test]
    fn halves_do_not_carry_and_words_behind_them_do() {
        for n in [0, 1, 4, 5, 63, 64, 65, 1000] {
            let pairs = Pairs::holding(n);
            assert!(2 * pairs.words() >= n && 2 * pairs.words() < n + 4);
            for at in [0, 1, pairs.words() / 2, pairs.words(), pairs.words() + 3] {
                let mut rng = Prg::new(&[9; 16]);
                let [x, y] = [(); 2].map(|()| rng.elements::<Z64>(pairs.words() + 5));
                let mut acc = y[at.min(y.len())..].to_vec();
                pairs.add(at, &mut acc, &x[at.min(x.len())..]);
                for (i, sum) in (at..).zip(&acc) {
                    let halves = |word: u64| [word & u64::from(u32::MAX), word >> 32];
                    let (a, b) = (halves(x[i]), halves(y[i]));
                    let want = match i < pairs.words() {
                        true => (a[0] + b[0]) & u64::from(u32::MAX) | (a[1] + b[1]) << 32,
                        false => x[i].wrapping_add(y[i]),
                    };
                    assert_eq!(*sum, want, "{n} from {at}, {i}");
                }
                pairs.sub(at, &mut acc, &x[at.min(x.len())..]);
                assert_eq!(acc, y[at.min(y.len())..], "{n} from {at}");
            }
        }
    }
}
