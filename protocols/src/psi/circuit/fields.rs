//! Values of one bin side by side in blocks of 128 bits, the words that a programmed function gives.

use crate::mpc::Shape;

/// Bits of a block.
const BLOCK: usize = 128;

/// Where in the blocks a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// What the value is.
    pub(super) shape: Shape,
    /// Which block.
    pub(super) block: usize,
    shift: usize,
}

/// Bits of a value that a field holds, or none for what no field holds.
pub(super) fn width(shape: Shape) -> Option<usize> {
    match shape {
        Shape::Z64 => Some(64),
        Shape::Bits(width @ 1..=64) => Some(width),
        Shape::Bits(_) | Shape::Z32 | Shape::Z128 => None,
    }
}

/// Fields one after the other; one that does not fit into the rest of a block begins the next.
///
/// # Panics
/// If a shape has no [`width`].
pub(super) fn lay_out(shapes: &[Shape]) -> Vec<Field> {
    let (mut block, mut shift) = (0, 0);
    let fields = shapes.iter().map(|shape| {
        let width = width(*shape).expect("a value of 64 bits or less");
        if shift + width > BLOCK {
            (block, shift) = (block + 1, 0);
        }
        let field = Field { shape: *shape, block, shift };
        shift += width;
        field
    });
    fields.collect()
}

/// How many blocks fields take.
pub(super) fn blocks(fields: &[Field]) -> usize {
    fields.last().map_or(0, |last| last.block + 1)
}

impl Field {
    fn bits(self) -> u64 {
        u64::MAX >> (64 - width(self.shape).unwrap_or(64))
    }

    /// Puts a value in place of what the block has there.
    #[inline]
    pub(super) fn put(self, value: u64, block: &mut u128) {
        let bits = u128::from(self.bits());
        *block = *block & !(bits << self.shift) | (u128::from(value) & bits) << self.shift;
    }

    /// The value there.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "one field is asked for")]
    pub(super) fn take(self, block: u128) -> u64 {
        (block >> self.shift) as u64 & self.bits()
    }

    /// `value` without `mask`, in the group in which the two are added up again: what the other party is to get.
    #[inline]
    pub(super) fn hide(self, value: u64, mask: u64) -> u64 {
        match self.shape {
            Shape::Bits(_) => value ^ mask,
            _ => value.wrapping_sub(mask),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_share_blocks_and_leave_each_other_alone() {
        let shapes = [Shape::Bits(61), Shape::Z64, Shape::Bits(1), Shape::Bits(3), Shape::Bits(64)];
        let fields = lay_out(&shapes);
        assert_eq!(fields.iter().map(|field| field.block).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);
        assert_eq!((blocks(&fields), blocks(&[])), (2, 0));
        let values = [u64::MAX >> 3, 0x0123_4567_89ab_cdef, 1, 0b101, u64::MAX - 5];
        let mut all = [u128::MAX / 3; 2];
        for (field, value) in fields.iter().zip(values) {
            field.put(value, &mut all[field.block]);
        }
        for (field, value) in fields.iter().zip(values) {
            assert_eq!(field.take(all[field.block]), value);
        }
        // Two bits of the first block are nobody's.
        assert_eq!(all[0] >> 126, (u128::MAX / 3) >> 126);
    }

    #[test]
    fn what_is_hidden_adds_up_with_its_mask() {
        let [bits, word] = [Shape::Bits(8), Shape::Z64].map(|shape| lay_out(&[shape])[0]);
        assert_eq!(bits.hide(0b1100, 0b1010) ^ 0b1010, 0b1100);
        assert_eq!(word.hide(5, 7).wrapping_add(7), 5);
        assert!(width(Shape::Bits(65)).is_none() && width(Shape::Z128).is_none());
    }
}
