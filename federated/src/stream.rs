//! Streams of words from seeds: in one place, because those who add and those who subtract them must make them alike.

use protocols::{
    kernels::{AesKey, Backend},
    ring::halves_mut,
};

use crate::pairs::Pairs;

/// Words that are worked on while they are in the first-level cache.
const TILE: usize = 4096;

/// A seed's stream, from its first word on.
pub(crate) struct Stream(AesKey);

impl Stream {
    pub(crate) fn new(seed: &[u8; 16]) -> Self {
        Self(AesKey::new(seed))
    }

    /// Adds the first words of each of these, or subtracts them: tile by tile, so that words pass through memory once.
    pub(crate) fn add_all(all: &[(Self, bool)], words: &mut [u64]) {
        let (backend, mut stream) = (Backend::active(), vec![0; TILE.min(words.len())]);
        for (at, tile) in words.chunks_mut(TILE).enumerate() {
            let stream = &mut stream[..tile.len()];
            for (one, plus) in all {
                backend.fill_u64(&one.0, 0, first_block(at), stream);
                if *plus { backend.add_u64(tile, stream) } else { backend.sub_u64(tile, stream) }
            }
        }
    }

    /// Adds the first words of the stream, or subtracts them, to words of which some are pairs: the stream is of the same bytes.
    pub(crate) fn add_pairs(&self, plus: bool, pairs: Pairs, words: &mut [u64]) {
        let mut stream = vec![0; TILE.min(words.len())];
        for (at, tile) in words.chunks_mut(TILE).enumerate() {
            let (from, stream) = (at * TILE, &mut stream[..tile.len()]);
            Backend::active().fill_u64(&self.0, 0, first_block(at), stream);
            if plus { pairs.add(from, tile, stream) } else { pairs.sub(from, tile, stream) }
        }
    }

    /// Writes the words of 32 bits from number `from` on, which is a multiple of four.
    pub(crate) fn fill(&self, from: usize, out: &mut [u32]) {
        debug_assert!(out.is_empty() || from.is_multiple_of(4), "parts begin with a block");
        Backend::active().fill_u32(&self.0, 0, (from / 4) as u64, out);
    }

    /// Writes the words from `from` on, or what takes them away.
    pub(crate) fn read(&self, plus: bool, from: usize, out: &mut [u64]) {
        let odd = from % 2;
        let backend = Backend::active();
        if odd == 1 && !out.is_empty() {
            let mut pair = [0; 2];
            backend.fill_u64(&self.0, 0, (from / 2) as u64, &mut pair);
            out[0] = pair[1];
        }
        let rest = odd.min(out.len());
        backend.fill_u64(&self.0, 0, from.div_ceil(2) as u64, &mut out[rest..]);
        if !plus {
            out.iter_mut().for_each(|word| *word = word.wrapping_neg());
        }
    }

    /// Adds the words of this stream from `from` on, an even number, and subtracts those of another.
    pub(crate) fn add_and_subtract(
        &self,
        other: &Self,
        (from, pairs): (usize, Pairs),
        words: &mut [u64],
    ) {
        debug_assert!(from.is_multiple_of(2), "parts begin with a block");
        let (backend, block) = (Backend::active(), |at: usize| (at / 2) as u64);
        let cut = pairs.cut(from, words.len());
        let (two, one) = words.split_at_mut(cut);
        if !two.is_empty() {
            backend.add_fill_sub_u32(&self.0, &other.0, 0, block(from), halves_mut(two));
        }
        if !one.is_empty() {
            backend.add_fill_sub_u64(&self.0, &other.0, 0, block(from + cut), one);
        }
    }

    /// The sum of products of the first words of the stream with these.
    pub(crate) fn product(&self, words: &[u64]) -> u64 {
        let mut stream = vec![0; TILE.min(words.len())];
        words.chunks(TILE).enumerate().fold(0, |sum, (at, tile)| {
            let stream = &mut stream[..tile.len()];
            Backend::active().fill_u64(&self.0, 0, first_block(at), stream);
            product(tile, stream).wrapping_add(sum)
        })
    }
}

/// Cipher blocks before a tile: two words each.
const fn first_block(tile: usize) -> u64 {
    (tile * TILE / 2) as u64
}

/// The sum of products, modulo 2^64.
pub(crate) fn product(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).fold(0, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(*b)))
}

#[cfg(test)]
mod tests {
    use protocols::{prg::Prg, ring::Z64};

    use super::*;

    #[test]
    fn pairs_are_masked_by_the_same_stream() {
        for n in [0, 1, 63, 64, 65, 4095, 4096, 4097, 9001] {
            for pairs in [0, 7, 64, 2 * n, 4 * n].map(Pairs::holding) {
                let [plus, minus] = [[3; 16], [4; 16]].map(|seed| Stream::new(&seed));
                let mut words = vec![5; n];
                let (head, rest) = words.split_at_mut(n / 4 * 2);
                plus.add_and_subtract(&minus, (0, pairs), head);
                plus.add_and_subtract(&minus, (n / 4 * 2, pairs), rest);
                assert!(n == 0 || words.iter().any(|word| *word != 5), "{n} {pairs:?}");
                minus.add_pairs(true, pairs, &mut words);
                plus.add_pairs(false, pairs, &mut words);
                assert!(words.iter().all(|word| *word == 5), "{n} {pairs:?}");
            }
            let [mut whole, mut part] = [vec![0; n], vec![0; n - n / 8 * 4]];
            Stream::new(&[3; 16]).fill(0, &mut whole);
            Stream::new(&[3; 16]).fill(n / 8 * 4, &mut part);
            assert_eq!(part, whole[n / 8 * 4..], "{n}");
        }
    }

    #[test]
    fn tiles_go_through_one_stream() {
        for n in [0, 1, 63, 64, 65, 4095, 4096, 4097, 9001] {
            let (seed, other) = ([3; 16], [4; 16]);
            let [a, b] = [seed, other].map(|seed| Prg::new(&seed).elements::<Z64>(n));
            let mut words = vec![5; n];
            Stream::new(&seed).add_pairs(true, Pairs::NONE, &mut words);
            assert!(words.iter().zip(a.iter()).all(|(word, a)| *word == a.wrapping_add(5)), "{n}");
            Stream::new(&seed).add_pairs(false, Pairs::NONE, &mut words);
            assert!(words.iter().all(|word| *word == 5), "{n}");
            let both = [(Stream::new(&seed), true), (Stream::new(&other), false)];
            Stream::add_all(&both, &mut words);
            Stream::add_all(&both.map(|(stream, plus)| (stream, !plus)), &mut words);
            assert!(words.iter().all(|word| *word == 5), "{n}");
            let (head, rest) = words.split_at_mut(n / 4 * 2);
            let [plus, minus] = [seed, other].map(|seed| Stream::new(&seed));
            plus.add_and_subtract(&minus, (0, Pairs::NONE), head);
            plus.add_and_subtract(&minus, (n / 4 * 2, Pairs::NONE), rest);
            let both = a.iter().zip(b.iter()).map(|(a, b)| a.wrapping_sub(*b).wrapping_add(5));
            assert!(both.eq(words.iter().copied()), "{n}");
            assert_eq!(Stream::new(&seed).product(&words), product(&a, &words), "{n}");
            for from in [0, 1, 2, 63, 4095].into_iter().filter(|from| *from <= n) {
                let mut part = vec![0; n - from];
                Stream::new(&seed).read(true, from, &mut part);
                assert_eq!(part, a[from..], "{n} from {from}");
                Stream::new(&seed).read(false, from, &mut part);
                let negative = a[from..].iter().map(|word| word.wrapping_neg());
                assert!(negative.eq(part), "{n} from {from}");
            }
        }
    }
}
