//! Streams of words from seeds: in one place, because those who add and those who subtract them must make them alike.

use protocols::kernels::{AesKey, Backend};

/// Words that are worked on while they are in the first-level cache.
const TILE: usize = 4096;

/// A seed's stream, from its first word on.
pub(crate) struct Stream(AesKey);

impl Stream {
    pub(crate) fn new(seed: &[u8; 16]) -> Self {
        Self(AesKey::new(seed))
    }

    /// Adds the first words of the stream, or subtracts them.
    pub(crate) fn add_to(&self, plus: bool, words: &mut [u64]) {
        let mut stream = vec![0; TILE.min(words.len())];
        for (at, tile) in words.chunks_mut(TILE).enumerate() {
            let (backend, stream) = (Backend::active(), &mut stream[..tile.len()]);
            backend.fill_u64(&self.0, 0, first_block(at), stream);
            if plus { backend.add_u64(tile, stream) } else { backend.sub_u64(tile, stream) }
        }
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
    pub(crate) fn add_and_subtract(&self, other: &Self, from: usize, words: &mut [u64]) {
        debug_assert!(from.is_multiple_of(2), "parts begin with a block");
        Backend::active().add_fill_sub_u64(&self.0, &other.0, 0, (from / 2) as u64, words);
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
    fn tiles_go_through_one_stream() {
        for n in [0, 1, 63, 64, 65, 4095, 4096, 4097, 9001] {
            let (seed, other) = ([3; 16], [4; 16]);
            let [a, b] = [seed, other].map(|seed| Prg::new(&seed).elements::<Z64>(n));
            let mut words = vec![5; n];
            Stream::new(&seed).add_to(true, &mut words);
            assert!(words.iter().zip(a.iter()).all(|(word, a)| *word == a.wrapping_add(5)), "{n}");
            Stream::new(&seed).add_to(false, &mut words);
            assert!(words.iter().all(|word| *word == 5), "{n}");
            let (head, rest) = words.split_at_mut(n / 4 * 2);
            Stream::new(&seed).add_and_subtract(&Stream::new(&other), 0, head);
            Stream::new(&seed).add_and_subtract(&Stream::new(&other), n / 4 * 2, rest);
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
