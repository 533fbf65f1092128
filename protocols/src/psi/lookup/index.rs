//! The tags of a stored table, found without reading the others.

use super::{
    places::{Places, Words},
    table::TableError,
};
use crate::psi::elias_fano::{Reader, Shape, high_part, join};

/// Bytes of marks between two entries of the index: 8 bytes of memory stand for some 16,000 tags.
const STEP_BYTES: usize = 4 << 10;
const STEP_BITS: u64 = 8 * STEP_BYTES as u64;

/// Where tags stand: an Elias–Fano code on disk, and how many spaces there are before every few thousandth of its marks.
pub(super) struct Index {
    shape: Shape,
    /// Spaces before each step of marks.
    spaces: Vec<u64>,
}

impl Index {
    /// Reads all of the code once, and finds it to be the code of `n` tags of `bits` bits.
    pub(super) fn new(places: &dyn Places, n: usize, bits: u32) -> Result<Self, TableError> {
        let shape = Shape::new(n, bits);
        if n == 0 {
            return Ok(Self { shape, spaces: Vec::new() });
        }
        let from = shape.low_bytes as u64;
        let to = from + (shape.high_places as u64).div_ceil(8);
        let mut low = Reader::new(Words::new(places, 0, from));
        let mut high = Words::new(places, from, to);
        let (mut spaces, mut found, mut last, mut at) = (Vec::new(), 0, 0, 0);
        for mut marks in high.by_ref() {
            if at % (STEP_BYTES / size_of::<u64>()) == 0 {
                spaces.push((64 * at - found) as u64);
            }
            while marks != 0 {
                let place = 64 * at + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                if found == n || place >= shape.high_places {
                    return Err(TableError::Tags);
                }
                let tag = join((place - found) as u128, low.take(shape.low_bits), &shape);
                if tag < last {
                    return Err(TableError::Tags);
                }
                (last, found) = (tag, found + 1);
            }
            at += 1;
        }
        let whole = found == n && low.is_through();
        if let Some(kind) = high.failed().or_else(|| low.into_words().failed()) {
            return Err(TableError::Storage(kind));
        }
        whole.then_some(Self { shape, spaces }).ok_or(TableError::Tags)
    }

    /// Which of the tags this one is. Reads a few kB.
    pub(super) fn find(&self, places: &dyn Places, tag: u128) -> Result<Option<u64>, TableError> {
        if self.spaces.is_empty() {
            return Ok(None);
        }
        let high = high_part(tag, self.shape.low_bits) as u64;
        // All tags with this high part stand between the space before them and the next one.
        let start = if high == 0 { 0 } else { self.space(places, high)? + 1 };
        let last = (self.shape.high_places as u64).checked_sub(start).ok_or(TableError::Tags)?;
        let end = match self.space(places, high + 1) {
            Ok(end) => end,
            // Behind the last of all there is no space.
            Err(TableError::Tags) => start + last,
            Err(error) => return Err(error),
        };
        let low = tag & self.low_mask();
        let (mut from, mut to) = (start - high, end.saturating_sub(high));
        while from < to {
            let middle = from + (to - from) / 2;
            let there = self.low(places, middle)?;
            if there == low {
                return Ok(Some(middle));
            }
            (from, to) = if there < low { (middle + 1, to) } else { (from, middle) };
        }
        Ok(None)
    }

    /// The place of the `k`th space among the marks, counted from 1; [`TableError::Tags`] if there are fewer.
    fn space(&self, places: &dyn Places, k: u64) -> Result<u64, TableError> {
        let step = self.spaces.partition_point(|before| *before < k);
        let step = step.checked_sub(1).ok_or(TableError::Tags)?;
        let (first, total) = (step as u64 * STEP_BITS, self.shape.high_places as u64);
        let from = self.shape.low_bytes as u64 + first / 8;
        let end = self.shape.low_bytes as u64 + total.div_ceil(8);
        let mut words = Words::new(places, from, end.min(from + STEP_BYTES as u64));
        let mut left = k - self.spaces[step];
        for (place, marks) in (first..).step_by(64).zip(words.by_ref()) {
            let here = u64::from(marks.count_zeros());
            if left > here {
                left -= here;
                continue;
            }
            let mut spaces = !marks;
            for _ in 1..left {
                spaces &= spaces - 1;
            }
            let place = place + u64::from(spaces.trailing_zeros());
            return if place < total { Ok(place) } else { Err(TableError::Tags) };
        }
        Err(words.failed().map_or(TableError::Tags, TableError::Storage))
    }

    /// The low bits of the tag at a place.
    fn low(&self, places: &dyn Places, place: u64) -> Result<u128, TableError> {
        let bits = u64::from(self.shape.low_bits);
        let (from, shift) = (place * bits / 8, place * bits % 8);
        let mut bytes = [0; 17];
        // Up to 127 bits that begin within a byte end in the 17th.
        let len = usize::try_from((shift + bits).div_ceil(8)).unwrap_or(bytes.len());
        places.read_at(from, &mut bytes[..len])?;
        let (first, rest) = bytes.split_at(16);
        let mut word = [0; 16];
        word.copy_from_slice(first);
        let (word, rest) = (u128::from_le_bytes(word), u128::from(rest[0]));
        let high = if shift == 0 { 0 } else { rest << (128 - shift) };
        Ok((word >> shift | high) & self.low_mask())
    }

    fn low_mask(&self) -> u128 {
        1_u128.checked_shl(self.shape.low_bits).map_or(u128::MAX, |bit| bit - 1)
    }
}
