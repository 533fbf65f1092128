//! Boolean shares of a column of unsigned integers, bit-sliced: plane `j` holds bit `j` of every row, 64 rows a word.
//!
//! ```text
//!            rows 0..63  rows 64..127  …        stride = ⌈rows / 64⌉ words a plane
//! plane 0  [ ………………… | ………………… | … ]
//! plane 1  [ ………………… | ………………… | … ]       bits of a last word beyond `rows` are arbitrary;
//!   …                                         they are cleared before anything is opened
//! ```

use std::fmt;

use super::replicated::Shared;
use crate::{
    kernels::Backend,
    party::Role,
    ring::{B64, Buf},
};

/// One party's boolean shares of `rows` integers of `width` bits.
#[derive(Clone)]
pub struct Bits {
    rows: usize,
    width: usize,
    planes: Shared<B64>,
}

impl Bits {
    /// Shares from plane-major words.
    ///
    /// # Panics
    /// If there are not `width · ⌈rows / 64⌉` words.
    #[must_use]
    pub fn from_planes(rows: usize, width: usize, planes: Shared<B64>) -> Self {
        assert_eq!(planes.len(), width * rows.div_ceil(64), "planes cover rows × width");
        Self { rows, width, planes }
    }

    /// Shares of public integers of at most 64 bits.
    #[must_use]
    pub fn public(role: Role, values: &[u64], width: usize) -> Self {
        let planes = Shared::public(role, &slice_bits(values, width));
        Self { rows: values.len(), width, planes }
    }

    /// Shares of `rows` zeros.
    #[must_use]
    pub fn zeros(rows: usize, width: usize) -> Self {
        Self { rows, width, planes: Shared::zeros(width * rows.div_ceil(64)) }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bits a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Words a plane.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.rows.div_ceil(64)
    }

    /// All planes, plane 0 (the lowest bits) first.
    #[must_use]
    pub fn planes(&self) -> &Shared<B64> {
        &self.planes
    }

    /// All planes, by value.
    #[must_use]
    pub fn into_planes(self) -> Shared<B64> {
        self.planes
    }

    /// One plane's own and next summand.
    ///
    /// # Panics
    /// If there is no such plane.
    #[must_use]
    pub fn plane(&self, bit: usize) -> (&[u64], &[u64]) {
        let range = bit * self.stride()..(bit + 1) * self.stride();
        (&self.planes.own()[range.clone()], &self.planes.next()[range])
    }

    /// Bits `from..from + width` of every row.
    ///
    /// # Panics
    /// If there are not that many.
    #[must_use]
    pub fn bit_range(&self, from: usize, width: usize) -> Self {
        let planes = self.planes.slice(from * self.stride(), (from + width) * self.stride());
        Self { rows: self.rows, width, planes }
    }

    /// Columns of equal rows side by side; the first one's bits are the lowest.
    ///
    /// # Panics
    /// If there is none, or their rows differ.
    #[must_use]
    pub fn beside(parts: &[&Self]) -> Self {
        let rows = parts[0].rows;
        assert!(parts.iter().all(|part| part.rows == rows), "equal rows");
        let planes: Vec<_> = parts.iter().map(|part| part.planes()).collect();
        let width = parts.iter().map(|part| part.width).sum();
        Self { rows, width, planes: Shared::concat(&planes) }
    }

    /// `self XOR other`.
    #[must_use]
    pub fn xor(&self, other: &Self) -> Self {
        Self { planes: self.planes.plus(&other.planes), ..*self }
    }

    /// Every bit flipped.
    #[must_use]
    pub fn not(&self, role: Role) -> Self {
        let mut planes = self.planes.clone();
        planes.add_constant(role, u64::MAX);
        Self { planes, ..*self }
    }

    /// Rows `from..to`, by a linear map on words.
    ///
    /// # Panics
    /// If the range is out of bounds.
    #[must_use]
    pub fn row_range(&self, from: usize, to: usize) -> Self {
        assert!(from <= to && to <= self.rows, "rows {from}..{to} of {}", self.rows);
        let mut out = Self::zeros(to - from, self.width);
        let stride = self.stride();
        let out_stride = out.stride();
        let copy = |source: &[u64], target: &mut [u64]| {
            for bit in 0..self.width {
                copy_bits(
                    &source[bit * stride..(bit + 1) * stride],
                    &mut target[bit * out_stride..(bit + 1) * out_stride],
                    from,
                );
            }
        };
        let (mut own, mut next) = std::mem::replace(&mut out.planes, Shared::zeros(0)).into_parts();
        copy(self.planes.own(), &mut own);
        copy(self.planes.next(), &mut next);
        out.planes = Shared::from_parts(own, next);
        out
    }

    /// This column's rows, and below them the other's.
    ///
    /// # Panics
    /// If the widths differ.
    #[must_use]
    pub fn above(&self, other: &Self) -> Self {
        assert_eq!(self.width, other.width, "equal widths");
        let rows = self.rows + other.rows;
        let stride = rows.div_ceil(64);
        let stack = |upper: &[u64], lower: &[u64]| {
            let mut out = Buf::zeroed(self.width * stride);
            for bit in 0..self.width {
                let plane = &mut out[bit * stride..(bit + 1) * stride];
                let upper = &upper[bit * self.stride()..(bit + 1) * self.stride()];
                plane[..upper.len()].copy_from_slice(upper);
                clear_tail(&mut plane[..upper.len()], self.rows);
                let lower = &lower[bit * other.stride()..(bit + 1) * other.stride()];
                append_bits(plane, lower, self.rows);
            }
            out
        };
        let own = stack(self.planes.own(), other.planes.own());
        let next = stack(self.planes.next(), other.planes.next());
        Self { rows, width: self.width, planes: Shared::from_parts(own, next) }
    }

    /// Clears the bits beyond the last row in both summands: a linear map, done before anything is opened or sealed.
    pub fn clear_beyond_rows(&mut self) {
        let (rows, stride) = (self.rows, self.stride());
        self.planes.map_assign(|words| {
            words.chunks_mut(stride.max(1)).for_each(|plane| clear_tail(plane, rows));
        });
    }
}

/// Plane-major words of integers of at most 64 bits; bits beyond the last row are zero.
#[must_use]
pub(crate) fn slice_bits(rows: &[u64], width: usize) -> Buf<u64> {
    let mut planes = Buf::scratch(width * rows.len().div_ceil(64));
    Backend::active().to_planes(rows, width, &mut planes);
    planes
}

/// Zeroes the bits of one plane from row `rows` on.
fn clear_tail(plane: &mut [u64], rows: usize) {
    if let Some(last) = plane.last_mut()
        && !rows.is_multiple_of(64)
    {
        *last &= (1 << (rows % 64)) - 1;
    }
}

/// `target[i] = source[i + from]`, bit by bit.
fn copy_bits(source: &[u64], target: &mut [u64], from: usize) {
    let (word, shift) = (from / 64, from % 64);
    for (i, out) in target.iter_mut().enumerate() {
        let low = source[word + i] >> shift;
        let high = source.get(word + i + 1).copied().unwrap_or(0);
        *out = if shift == 0 { low } else { low | high << (64 - shift) };
    }
}

/// Writes `lower` behind the first `at` bits of `plane`, whose bits from there on are zero.
fn append_bits(plane: &mut [u64], lower: &[u64], at: usize) {
    let (word, shift) = (at / 64, at % 64);
    for (i, bits) in lower.iter().enumerate() {
        if let Some(out) = plane.get_mut(word + i) {
            *out |= bits << shift;
        }
        if shift != 0
            && let Some(out) = plane.get_mut(word + i + 1)
        {
            *out |= bits >> (64 - shift);
        }
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bits({} rows of {} bits)", self.rows, self.width)
    }
}

/// `B64` is the ring of planes.
impl From<Bits> for Shared<B64> {
    fn from(bits: Bits) -> Self {
        bits.planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a column held by one party alone (summand 0 public, the others zero).
    fn rows_of(bits: &Bits) -> Vec<u64> {
        (0..bits.rows())
            .map(|row| {
                (0..bits.width()).fold(0, |sum, bit| {
                    sum | (bits.plane(bit).0[row / 64] >> (row % 64) & 1) << bit
                })
            })
            .collect()
    }

    #[test]
    fn rows_can_be_cut_and_stacked_at_any_place() {
        for (upper, lower) in [(0, 5), (5, 0), (1, 63), (63, 65), (64, 64), (100, 1), (130, 70)] {
            let values: Vec<u64> = (0..upper + lower).map(|i| i * 7 % 32).collect();
            let (top, bottom) = values.split_at(usize::try_from(upper).unwrap());
            let a = Bits::public(Role::P0, top, 5);
            let b = Bits::public(Role::P0, bottom, 5).not(Role::P0).not(Role::P0);
            let both = a.above(&b);
            assert_eq!(rows_of(&both), values, "{upper} above {lower}");
            assert_eq!(rows_of(&both.row_range(top.len(), values.len())), bottom);
            assert_eq!(rows_of(&both.row_range(0, top.len())), top);
        }
    }

    #[test]
    fn bits_beyond_the_rows_are_cleared_on_demand() {
        let mut bits = Bits::public(Role::P0, &[1, 0, 3], 2).not(Role::P0);
        assert_ne!(bits.plane(0).0[0] >> 3, 0, "NOT fills the tail");
        bits.clear_beyond_rows();
        assert_eq!(bits.plane(0).0[0], 0b010);
        assert_eq!(bits.plane(1).0[0], 0b011);
    }

    #[test]
    fn columns_side_by_side_keep_their_bits() {
        let a = Bits::public(Role::P0, &[1, 2, 3], 2);
        let b = Bits::public(Role::P0, &[4, 5, 6], 3);
        let both = Bits::beside(&[&a, &b]);
        assert_eq!(rows_of(&both), [1 | 4 << 2, 2 | 5 << 2, 3 | 6 << 2]);
        assert_eq!(rows_of(&both.bit_range(2, 3)), [4, 5, 6]);
    }
}
