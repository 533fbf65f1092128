//! Elias–Fano coding: a sorted list of numbers of a fixed width in about two bits each more than there are.
//!
//! Each number's low bits are written as they are; its high bits, which hardly ever skip far, in unary. The length depends
//! on how many numbers there are and on their width alone. One list has one code: what decodes was encoded.
//!
//! # Source
//! Elias: *Efficient storage and retrieval by content and address of static files*, Journal of the ACM 21(2), 1974; Fano:
//! *On the number of bits required to implement an associative memory*, 1971.

/// Why bytes are no code of a sorted list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Another length than the count and the width give.
    #[error("a sorted list of {got} bytes where {want} were due")]
    Length {
        /// Bytes due.
        want: usize,
        /// Bytes there are.
        got: usize,
    },
    /// High bits that are not one mark for each number, within the width.
    #[error("a sorted list with another number of elements, or wider ones")]
    Marks,
    /// A number before a smaller one.
    #[error("a list that is not sorted")]
    Unsorted,
    /// Something in the last bits of the last byte, where nothing belongs.
    #[error("a sorted list with bits beyond its end")]
    Padding,
}

/// How a number is split, and where the parts lie.
pub(super) struct Shape {
    pub(super) low_bits: u32,
    pub(super) low_bytes: usize,
    /// Marks, and a space between one value of the high bits and the next.
    pub(super) high_places: usize,
}

impl Shape {
    pub(super) fn new(n: usize, bits: u32) -> Self {
        assert!((1..=128).contains(&bits), "numbers of 1 to 128 bits");
        let high_bits = n.next_power_of_two().trailing_zeros().min(bits);
        let low_bits = bits - high_bits;
        let low_bytes = (n * low_bits as usize).div_ceil(8);
        Self { low_bits, low_bytes, high_places: n + (1 << high_bits) - 1 }
    }

    fn len(&self) -> usize {
        self.low_bytes + self.high_places.div_ceil(8)
    }
}

/// Bytes of `n` numbers of `bits` bits: `n · (bits − ⌈log2 n⌉)` bits of low parts, and at most `3n` for the high ones.
///
/// # Panics
/// If the width is not in 1..=128.
#[must_use]
pub fn len(n: usize, bits: u32) -> usize {
    if n == 0 { 0 } else { Shape::new(n, bits).len() }
}

/// The code of numbers in ascending order; equal ones may follow each other.
///
/// # Shape
/// [`len`] bytes.
///
/// # Panics
/// If a number is smaller than the one before, or has more bits.
#[must_use]
pub fn encode(sorted: &[u128], bits: u32) -> Vec<u8> {
    let Some(last) = sorted.last() else { return Vec::new() };
    assert!(sorted.is_sorted(), "numbers in ascending order");
    assert!(bits == 128 || last >> bits == 0, "numbers of {bits} bits");
    let shape = Shape::new(sorted.len(), bits);
    let mut writer = Writer { out: Vec::with_capacity(shape.len() + 8), ..Writer::default() };
    for number in sorted {
        writer.put(*number, shape.low_bits);
    }
    let mut out = writer.end();
    out.truncate(shape.low_bytes);
    let mut marks = vec![0_u64; shape.high_places.div_ceil(64)];
    for (at, number) in sorted.iter().enumerate() {
        let place = at + high_part(*number, shape.low_bits);
        marks[place / 64] |= 1 << (place % 64);
    }
    out.extend(marks.iter().flat_map(|word| word.to_le_bytes()));
    out.truncate(shape.len());
    out
}

/// The numbers of a code.
///
/// # Shape
/// `n` numbers; nothing is allocated before the length was found to be [`len`].
///
/// # Errors
/// [`Malformed`], for all that [`encode`] does not give.
///
/// # Panics
/// If the width is not in 1..=128.
pub fn decode(bytes: &[u8], n: usize, bits: u32) -> Result<Vec<u128>, Malformed> {
    let (want, got) = (len(n, bits), bytes.len());
    if want != got {
        return Err(Malformed::Length { want, got });
    }
    if n == 0 {
        return Ok(Vec::new());
    }
    let shape = Shape::new(n, bits);
    let (low, high) = bytes.split_at(shape.low_bytes);
    let mut reader = Reader::new(Words(low));
    let mut out = Vec::with_capacity(n);
    let (mut last, mut ascending) = (0, true);
    for (at, mut marks) in Words(high).enumerate() {
        while marks != 0 {
            let place = 64 * at + marks.trailing_zeros() as usize;
            marks &= marks - 1;
            if out.len() == n || place >= shape.high_places {
                return Err(Malformed::Marks);
            }
            let number = join((place - out.len()) as u128, reader.take(shape.low_bits), &shape);
            ascending &= last <= number;
            last = number;
            out.push(number);
        }
    }
    match (out.len() == n, ascending, reader.is_through()) {
        (false, ..) => Err(Malformed::Marks),
        (_, false, _) => Err(Malformed::Unsorted),
        (.., false) => Err(Malformed::Padding),
        _ => Ok(out),
    }
}

#[inline(always)]
pub(super) fn high_part(number: u128, low_bits: u32) -> usize {
    number.checked_shr(low_bits).unwrap_or(0) as usize
}

pub(super) fn join(high: u128, low: u128, shape: &Shape) -> u128 {
    high.checked_shl(shape.low_bits).unwrap_or(0) | low
}

/// Bits into bytes, the lowest first.
#[derive(Default)]
pub(super) struct Writer {
    /// What is full; whoever takes it leaves it empty.
    pub(super) out: Vec<u8>,
    word: u128,
    /// Bits of the word that are used, fewer than 64.
    filled: u32,
}

impl Writer {
    #[inline(always)]
    pub(super) fn put(&mut self, number: u128, bits: u32) {
        self.put_part(number, bits.min(64));
        if bits > 64 {
            self.put_part(number >> 64, bits - 64);
        }
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the words' low halves")]
    fn put_part(&mut self, part: u128, bits: u32) {
        let part = part as u64 & low_mask(bits);
        self.word |= u128::from(part) << self.filled;
        self.filled += bits;
        if self.filled >= 64 {
            self.out.extend_from_slice(&(self.word as u64).to_le_bytes());
            self.word >>= 64;
            self.filled -= 64;
        }
    }

    /// The rest, filled up with zeros.
    #[expect(clippy::cast_possible_truncation, reason = "fewer than 64 bits are left")]
    pub(super) fn end(mut self) -> Vec<u8> {
        self.out.extend_from_slice(&(self.word as u64).to_le_bytes());
        self.out
    }
}

/// Bytes as words, the last one filled up with zeros.
struct Words<'b>(&'b [u8]);

impl Iterator for Words<'_> {
    type Item = u64;

    #[inline(always)]
    fn next(&mut self) -> Option<u64> {
        if let Some((word, rest)) = self.0.split_first_chunk() {
            self.0 = rest;
            return Some(u64::from_le_bytes(*word));
        }
        if self.0.is_empty() {
            return None;
        }
        let mut word = [0; 8];
        word[..self.0.len()].copy_from_slice(self.0);
        self.0 = &[];
        Some(u64::from_le_bytes(word))
    }
}

/// Bits from bytes, the lowest first; zeros after the last.
pub(super) struct Reader<W> {
    words: W,
    word: u128,
    filled: u32,
}

impl<W: Iterator<Item = u64>> Reader<W> {
    pub(super) fn new(words: W) -> Self {
        Self { words, word: 0, filled: 0 }
    }

    /// Whether nothing but zeros is left of the last word.
    pub(super) fn is_through(&self) -> bool {
        self.word == 0
    }

    /// Where they come from.
    pub(super) fn into_words(self) -> W {
        self.words
    }

    #[inline(always)]
    pub(super) fn take(&mut self, bits: u32) -> u128 {
        let low = self.take_part(bits.min(64));
        if bits > 64 { low | (self.take_part(bits - 64) << 64) } else { low }
    }

    #[inline(always)]
    fn take_part(&mut self, bits: u32) -> u128 {
        if self.filled < bits {
            self.word |= u128::from(self.words.next().unwrap_or(0)) << self.filled;
            self.filled += 64;
        }
        let part = self.word & u128::from(low_mask(bits));
        self.word >>= bits;
        self.filled -= bits;
        part
    }
}

#[inline(always)]
fn low_mask(bits: u32) -> u64 {
    u64::MAX.checked_shr(64 - bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{prg::Prg, ring::Z128};

    fn sorted(seed: u8, n: usize, bits: u32) -> Vec<u128> {
        let mut tags = Prg::new(&[seed; 16]).elements::<Z128>(n).to_vec();
        tags.iter_mut().for_each(|tag| *tag >>= 128 - bits);
        tags.sort_unstable();
        tags
    }

    #[test]
    fn lists_come_back_in_the_length_that_was_said() {
        for n in [0, 1, 2, 3, 63, 64, 65, 1000, 1023, 1025] {
            for bits in [1, 2, 7, 8, 9, 40, 63, 64, 65, 74, 80, 96, 127, 128] {
                let tags = sorted(7, n, bits);
                let code = encode(&tags, bits);
                assert_eq!(code.len(), len(n, bits), "{n} of {bits} bits");
                assert_eq!(decode(&code, n, bits), Ok(tags), "{n} of {bits} bits");
            }
        }
    }

    #[test]
    fn extremes_come_back() {
        for bits in [1, 64, 80, 128] {
            let most = u128::MAX >> (128 - bits);
            for list in [vec![0; 9], vec![most; 9], vec![0, 0, most, most, most]] {
                let code = encode(&list, bits);
                assert_eq!(decode(&code, list.len(), bits), Ok(list));
            }
        }
    }

    #[test]
    fn tags_of_80_bits_take_62() {
        let n = 1 << 20;
        assert_eq!(len(n, 80), n * 62 / 8);
        assert!(len(10_000_000, 87) <= 10_000_000 * 66 / 8);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let tags = sorted(1, 100, 75);
        let code = encode(&tags, 75);
        assert_eq!(
            decode(&code[1..], 100, 75),
            Err(Malformed::Length { want: code.len(), got: code.len() - 1 })
        );
        let altered = |at: usize, change: u8| {
            let mut code = code.clone();
            code[at] ^= change;
            decode(&code, 100, 75)
        };
        assert_eq!(altered(850, 1 << 7), Err(Malformed::Marks), "one mark more or less");
        assert_eq!(altered(code.len() - 1, 1 << 7), Err(Malformed::Marks), "a mark behind the end");
        let two = encode(&[5, 6], 20);
        let unsorted = [&[two[0] ^ 2], &two[1..]].concat();
        assert_eq!(decode(&unsorted, 2, 20), Err(Malformed::Unsorted));
        let padded = [&two[..4], &[two[4] | 0x80], &two[5..]].concat();
        assert_eq!(decode(&padded, 2, 20), Err(Malformed::Padding));
    }

    proptest! {
        #[test]
        fn any_list_comes_back(mut tags in prop::collection::vec(any::<u128>(), 0..300), bits in 1..=128_u32) {
            tags.iter_mut().for_each(|tag| *tag >>= 128 - bits);
            tags.sort_unstable();
            prop_assert_eq!(decode(&encode(&tags, bits), tags.len(), bits), Ok(tags));
        }

        /// Bytes of the right length or not: never a panic, and what decodes has these bytes as its code.
        #[test]
        fn hostile_bytes_are_refused_or_a_code(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            n in 0..60_usize,
            bits in 1..=128_u32,
            fit in any::<bool>(),
        ) {
            if fit {
                bytes.resize(len(n, bits), 0);
            }
            if let Ok(list) = decode(&bytes, n, bits) {
                prop_assert_eq!(encode(&list, bits), bytes);
            }
        }

        /// One bit of a code changed: refused, or another list with that code.
        #[test]
        fn a_changed_bit_is_noticed(seed in any::<u8>(), n in 1..80_usize, bits in 1..=128_u32, flip in any::<usize>()) {
            let tags = sorted(seed, n, bits);
            let mut code = encode(&tags, bits);
            let flip = flip % (8 * code.len());
            code[flip / 8] ^= 1 << (flip % 8);
            if let Ok(list) = decode(&code, n, bits) {
                prop_assert!(list != tags);
                prop_assert_eq!(encode(&list, bits), code);
            }
        }
    }
}
