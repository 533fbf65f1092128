//! A shared column of a table: bit-sliced integers or words, and its public shape.

use crate::{
    kernels::Backend,
    ring::{B64, Buf, Ring, Z32, Z64, Z128},
    share::{Bits, Shared},
};

/// One party's shares of one column.
#[derive(Clone, Debug)]
pub enum Column {
    /// Boolean shares, bit-sliced.
    Bits(Bits),
    /// Arithmetic shares modulo 2^64.
    Z64(Shared<Z64>),
    /// Arithmetic shares modulo 2^32: positions.
    Z32(Shared<Z32>),
    /// Arithmetic shares modulo 2^128: measures that 64 bits cannot hold.
    Z128(Shared<Z128>),
}

/// The public shape of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Bits of this width.
    Bits(usize),
    /// 64-bit words.
    Z64,
    /// 32-bit words.
    Z32,
    /// 128-bit words.
    Z128,
}

impl Shape {
    /// 64-bit words that `rows` rows of it take on the wire.
    #[must_use]
    pub fn wire_words(self, rows: usize) -> usize {
        match self {
            Self::Bits(width) => width * rows.div_ceil(64),
            Self::Z64 => rows,
            Self::Z32 => rows.div_ceil(2),
            Self::Z128 => 2 * rows,
        }
    }

    /// `wire += other` in the column's ring.
    pub(super) fn add(self, wire: &mut [u64], other: &[u64]) {
        match self {
            Self::Bits(_) => B64::add_assign(wire, other),
            Self::Z64 => Z64::add_assign(wire, other),
            Self::Z32 => {
                Z32::add_assign(bytemuck::cast_slice_mut(wire), bytemuck::cast_slice(other));
            }
            Self::Z128 => in_pairs(wire, other, u128::wrapping_add),
        }
    }

    /// `wire -= other` in the column's ring.
    pub(super) fn subtract(self, wire: &mut [u64], other: &[u64]) {
        match self {
            Self::Bits(_) => B64::sub_assign(wire, other),
            Self::Z64 => Z64::sub_assign(wire, other),
            Self::Z32 => {
                Z32::sub_assign(bytemuck::cast_slice_mut(wire), bytemuck::cast_slice(other));
            }
            Self::Z128 => in_pairs(wire, other, u128::wrapping_sub),
        }
    }
}

impl Column {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Bits(bits) => bits.rows(),
            Self::Z64(words) => words.len(),
            Self::Z32(words) => words.len(),
            Self::Z128(words) => words.len(),
        }
    }

    /// Its public shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Self::Bits(bits) => Shape::Bits(bits.width()),
            Self::Z64(_) => Shape::Z64,
            Self::Z32(_) => Shape::Z32,
            Self::Z128(_) => Shape::Z128,
        }
    }

    /// Rows `from..to`.
    ///
    /// # Panics
    /// If the range is out of bounds.
    #[must_use]
    pub fn row_range(&self, from: usize, to: usize) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits.row_range(from, to)),
            Self::Z64(words) => Self::Z64(words.slice(from, to)),
            Self::Z32(words) => Self::Z32(words.slice(from, to)),
            Self::Z128(words) => Self::Z128(words.slice(from, to)),
        }
    }

    /// This column's rows, and below them as many zeros as asked.
    #[must_use]
    pub fn above_zeros(&self, rows: usize) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits.above(&Bits::zeros(rows, bits.width()))),
            Self::Z64(words) => Self::Z64(Shared::concat(&[words, &Shared::zeros(rows)])),
            Self::Z32(words) => Self::Z32(Shared::concat(&[words, &Shared::zeros(rows)])),
            Self::Z128(words) => Self::Z128(Shared::concat(&[words, &Shared::zeros(rows)])),
        }
    }

    /// Each row minus the row above it; the first stays.
    #[must_use]
    pub fn differences(&self) -> Self {
        match self {
            Self::Bits(bits) => {
                let rows = bits.rows();
                let above = Bits::zeros(rows.min(1), bits.width())
                    .above(&bits.row_range(0, rows.saturating_sub(1)));
                Self::Bits(bits.xor(&above))
            }
            Self::Z64(words) => Self::Z64(differences(words)),
            Self::Z32(words) => Self::Z32(differences(words)),
            Self::Z128(words) => Self::Z128(differences(words)),
        }
    }

    /// Running sums down the rows (XOR for bits).
    #[must_use]
    pub fn running_sums(self) -> Self {
        match self {
            Self::Bits(bits) => {
                let (rows, width, stride) = (bits.rows(), bits.width(), bits.stride());
                let mut planes = bits.into_planes();
                planes
                    .map_assign(|words| words.chunks_mut(stride.max(1)).for_each(B64::prefix_sum));
                Self::Bits(Bits::from_planes(rows, width, planes))
            }
            Self::Z64(mut words) => {
                words.map_assign(Z64::prefix_sum);
                Self::Z64(words)
            }
            Self::Z32(mut words) => {
                words.map_assign(Z32::prefix_sum);
                Self::Z32(words)
            }
            Self::Z128(mut words) => {
                words.map_assign(Z128::prefix_sum);
                Self::Z128(words)
            }
        }
    }

    /// Rows in another, public order: row `i` of the result is row `order[i]`.
    #[must_use]
    pub fn gather(&self, order: &[u32]) -> Self {
        let [own, next] = [self.wire(false), self.wire(true)]
            .map(|wire| gather_wire(self.shape(), &wire, self.rows(), order));
        Self::from_wire(self.shape(), order.len(), own, next)
    }

    /// One summand as 64-bit words: planes, words, pairs of 32-bit words, or halves of 128-bit words, the lower one first.
    pub(super) fn wire(&self, next: bool) -> Buf<u64> {
        fn pick<R: Ring>(words: &Shared<R>, next: bool) -> &[R::Word] {
            if next { words.next() } else { words.own() }
        }
        match self {
            Self::Bits(bits) => Buf::copy_of(pick(bits.planes(), next)),
            Self::Z64(words) => Buf::copy_of(pick(words, next)),
            Self::Z128(words) => Buf::copy_of(bytemuck::cast_slice(pick(words, next))),
            Self::Z32(words) => {
                let mut wire = Buf::<u64>::zeroed(words.len().div_ceil(2));
                let halves: &mut [u32] = bytemuck::cast_slice_mut(&mut wire);
                halves[..words.len()].copy_from_slice(pick(words, next));
                wire
            }
        }
    }

    /// Adds one summand to 64-bit words laid out as [`Column::wire`] lays them.
    pub(super) fn add_wire(&self, next: bool, wire: &mut [u64]) {
        fn pick<R: Ring>(words: &Shared<R>, next: bool) -> &[R::Word] {
            if next { words.next() } else { words.own() }
        }
        match self {
            Self::Bits(bits) => B64::add_assign(wire, pick(bits.planes(), next)),
            Self::Z64(words) => Z64::add_assign(wire, pick(words, next)),
            Self::Z128(words) => self.shape().add(wire, bytemuck::cast_slice(pick(words, next))),
            Self::Z32(words) => {
                let halves: &mut [u32] = bytemuck::cast_slice_mut(wire);
                Z32::add_assign(&mut halves[..words.len()], pick(words, next));
            }
        }
    }

    /// A column from both summands' words.
    pub(super) fn from_wire(shape: Shape, rows: usize, own: Buf<u64>, next: Buf<u64>) -> Self {
        let narrow = |wire: &[u64]| Buf::<u32>::copy_of(&bytemuck::cast_slice(wire)[..rows]);
        let wide = |wire: &[u64]| {
            let mut words = Buf::<u128>::scratch(rows);
            bytemuck::cast_slice_mut::<u128, u64>(&mut words).copy_from_slice(wire);
            words
        };
        match shape {
            Shape::Bits(width) => {
                Self::Bits(Bits::from_planes(rows, width, Shared::from_parts(own, next)))
            }
            Shape::Z64 => Self::Z64(Shared::from_parts(own, next)),
            Shape::Z32 => Self::Z32(Shared::from_parts(narrow(&own), narrow(&next))),
            Shape::Z128 => Self::Z128(Shared::from_parts(wide(&own), wide(&next))),
        }
    }
}

/// `wire = of(wire, other)` on pairs of words, at any alignment.
fn in_pairs(wire: &mut [u64], other: &[u64], of: impl Fn(u128, u128) -> u128) {
    for (pair, other) in wire.as_chunks_mut::<2>().0.iter_mut().zip(other.as_chunks::<2>().0) {
        *pair = bytemuck::cast(of(bytemuck::cast(*pair), bytemuck::cast(*other)));
    }
}

/// Each element minus the one before it; the first stays.
fn differences<R: Ring>(words: &Shared<R>) -> Shared<R> {
    let mut out = words.clone();
    let n = words.len();
    if n > 1 {
        let (mut own, mut next) = out.into_parts();
        R::sub_assign(&mut own[1..], &words.own()[..n - 1]);
        R::sub_assign(&mut next[1..], &words.next()[..n - 1]);
        out = Shared::from_parts(own, next);
    }
    out
}

/// `wire` with rows in the order `order` names them.
pub(super) fn gather_wire(shape: Shape, wire: &[u64], rows: usize, order: &[u32]) -> Buf<u64> {
    let kernels = Backend::active();
    let n = order.len();
    let mut out = Buf::<u64>::scratch(shape.wire_words(n));
    match shape {
        Shape::Z64 => kernels.gather_u64(&mut out, wire, order),
        Shape::Z32 => {
            let halves: &[u32] = bytemuck::cast_slice(wire);
            let target: &mut [u32] = bytemuck::cast_slice_mut(&mut out);
            kernels.gather_u32(&mut target[..n], &halves[..rows], order);
            target[n..].fill(0);
        }
        Shape::Z128 => {
            let pairs = wire.as_chunks::<2>().0;
            for (pair, from) in out.as_chunks_mut::<2>().0.iter_mut().zip(order) {
                *pair = pairs[*from as usize];
            }
        }
        Shape::Bits(width) => {
            let (stride, out_stride) = (rows.div_ceil(64), n.div_ceil(64));
            let [mut row, mut moved] = [Buf::<u64>::scratch(rows), Buf::scratch(n)];
            // A row of more than 64 bits moves in pieces.
            for from in (0..width).step_by(64) {
                let part = (width - from).min(64);
                let planes = &wire[from * stride..(from + part) * stride];
                kernels.from_planes(planes, part, &mut row);
                kernels.gather_u64(&mut moved, &row, order);
                let target = &mut out[from * out_stride..(from + part) * out_stride];
                kernels.to_planes(&moved, part, target);
            }
        }
    }
    out
}
