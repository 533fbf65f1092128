//! Stable radix sort by secret keys: work out where each row goes, shuffle, open the shuffled positions, move the rows.
//!
//! Per digit of 3 bits (lowest first): one-hot bits of the digit become 0/1 in Z32; their running sums are local and say where
//! a row of each digit value would go; one sum of products picks the right one. The positions so far are composed with the
//! next digit's by shuffling both, opening the positions, and unshuffling the result. \[AHI+22\] Asharov, Hamada, Ikarashi,
//! Kikuchi, Nof, Pinkas, Takahashi, Tomida, CCS 2022, <https://eprint.iacr.org/2022/1595> §4–5, over Chida et al.
//! <https://eprint.iacr.org/2019/695>. One departure: the one-hot bits of all digits are made before the first one, in two rounds
//! for all, and travel with the shuffle in place of the digit's bits; that saves two rounds a digit.

use std::fmt;

use super::{
    column::{Column, Shape},
    convert::{inject, inject_cost},
    multiply::{View, products, products_cost, sum_of_products, sum_of_products_cost},
    reveal::{reveal, reveal_cost},
    shuffle::{Shuffle, invert, shuffle_cost},
};
use crate::{
    party::Role,
    ring::{B64, Buf, Ring, Z32},
    session::{Meter, OpeningKind, Session, SessionError},
    share::{Bits, Shared},
};

/// Bits of a digit. More bits take fewer rounds; by the paper's steps 2, 3 and 4 take 498, 524 and 646 bytes a party and key.
const DIGIT: usize = 3;

/// An order worked out by a sort: rows can be put into it, and back.
pub struct Ordering {
    shuffle: Shuffle,
    /// Where each row of the shuffled table goes. Opened: uniformly random, independent of the keys.
    positions: Vec<u32>,
}

/// Where each row goes in ascending order of its key, equal keys keeping their order.
///
/// # Shape
/// `keys`: n rows × w bits, unsigned. Returns n positions, a permutation of 0..n.
///
/// # Cost
/// For d = ⌈w/3⌉ digits: the one-hot bits of all digits; then for each digit an injection of 7 lanes into Z32 and a sum of
/// products, and from the second on a shuffle, an opening and an unshuffling. 66 rounds for w = 32; none for w = 0.
///
/// # Errors
/// [`SessionError::NotAPermutation`] if what is opened is none; channel errors pass through.
///
/// # Security
/// Semi-honest, one corrupted party. What is opened are positions after a shuffle that no single party knows: a
/// uniformly random permutation whatever the keys are.
///
/// # Source
/// \[AHI+22\], see the module.
pub fn sort_positions(s: &mut Session, keys: &Bits) -> Result<Shared<Z32>, SessionError> {
    let rows = keys.rows();
    let mut digits = one_hot(s, keys)?.into_iter();
    let Some(first) = digits.next() else {
        let identity: Vec<u32> = (0..).take(rows).collect();
        return Ok(Shared::public(s.role(), &identity));
    };
    let mut positions = digit_positions(s, &first)?;
    for digit in digits {
        let (order, sorted) = Ordering::apply(s, &positions, &[Column::Bits(digit)])?;
        let Some(Column::Bits(digit)) = sorted.into_iter().next() else {
            unreachable!("one column")
        };
        let next = Column::Z32(digit_positions(s, &digit)?);
        let composed = order.undo(s, &[next])?;
        let Some(Column::Z32(composed)) = composed.into_iter().next() else {
            unreachable!("one column")
        };
        positions = composed;
    }
    Ok(positions)
}

/// Twin of [`sort_positions`].
pub fn sort_positions_cost(m: &mut Meter, rows: usize, width: usize) {
    let digits: Vec<usize> = digit_widths(width).map(|(_, bits)| (1 << bits) - 1).collect();
    one_hot_cost(m, rows, width);
    for (i, lanes) in digits.into_iter().enumerate() {
        if i > 0 {
            order_cost(m, rows, &[Shape::Bits(lanes)]);
        }
        digit_positions_cost(m, rows, lanes);
        if i > 0 {
            undo_cost(m, rows, &[Shape::Z32]);
        }
    }
}

impl Ordering {
    /// Moves the rows of `columns` to `positions`, and keeps the order for later.
    ///
    /// # Shape
    /// `positions`: a permutation of 0..n, shared; every column has n rows.
    ///
    /// # Cost
    /// 3 rounds: a shuffle of the positions and the columns, and an opening of n 32-bit words.
    ///
    /// # Errors
    /// [`SessionError::Gate`] if the opening is not listed, [`SessionError::NotAPermutation`] if what comes out is none.
    ///
    /// # Security
    /// As [`sort_positions`].
    pub fn apply(
        s: &mut Session,
        positions: &Shared<Z32>,
        columns: &[Column],
    ) -> Result<(Self, Vec<Column>), SessionError> {
        let rows = positions.len();
        let shuffle = Shuffle::draw(s, rows);
        let mut travelling = vec![Column::Z32(positions.clone())];
        travelling.extend_from_slice(columns);
        let mut shuffled = shuffle.apply(s, &travelling)?.into_iter();
        let Some(Column::Z32(positions)) = shuffled.next() else { unreachable!("positions lead") };
        let positions = reveal(s, &positions, OpeningKind::Permutation)?.to_vec();
        if !is_permutation(&positions) {
            return Err(SessionError::NotAPermutation { step: s.step() });
        }
        // Row i of the result is the shuffled row that goes to i.
        let from = invert(&positions);
        let moved = shuffled.map(|column| column.gather(&from)).collect();
        Ok((Self { shuffle, positions }, moved))
    }

    /// Moves rows that stand in this order back to where they came from.
    ///
    /// # Cost
    /// 2 rounds: an unshuffling of the columns.
    ///
    /// # Errors
    /// As [`Shuffle::undo`].
    pub fn undo(&self, s: &mut Session, columns: &[Column]) -> Result<Vec<Column>, SessionError> {
        for column in columns {
            s.same_len(column.rows(), self.positions.len())?;
        }
        let shuffled: Vec<Column> =
            columns.iter().map(|column| column.gather(&self.positions)).collect();
        self.shuffle.undo(s, &shuffled)
    }
}

/// Twin of [`Ordering::apply`].
pub fn order_cost(m: &mut Meter, rows: usize, shapes: &[Shape]) {
    let mut travelling = vec![Shape::Z32];
    travelling.extend_from_slice(shapes);
    shuffle_cost(m, rows, &travelling, false);
    reveal_cost::<Z32>(m, rows, OpeningKind::Permutation);
}

/// Twin of [`Ordering::undo`].
pub fn undo_cost(m: &mut Meter, rows: usize, shapes: &[Shape]) {
    shuffle_cost(m, rows, shapes, true);
}

/// The digits of a key: (lowest bit, bits), lowest digit first.
fn digit_widths(width: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..width).step_by(DIGIT).map(move |from| (from, (width - from).min(DIGIT)))
}

/// For each digit of b bits, 2^b − 1 bits a row: whether the digit is 1, 2, …, 2^b − 1.
///
/// # Cost
/// 2 rounds (1 if no digit has 3 bits, 0 if none has 2), whatever the number of digits.
fn one_hot(s: &mut Session, keys: &Bits) -> Result<Vec<Bits>, SessionError> {
    let (rows, stride) = (keys.rows(), keys.stride());
    let digits: Vec<(usize, usize)> = digit_widths(keys.width()).collect();
    let pairs: Vec<_> = digits
        .iter()
        .filter(|(_, bits)| *bits >= 2)
        .map(|&(from, _)| {
            (View::planes(keys, from, from + 1), View::planes(keys, from + 1, from + 2))
        })
        .collect();
    let both = products::<B64>(s, &pairs)?;
    let mut out = Vec::with_capacity(digits.len());
    for (i, &(from, bits)) in digits.iter().enumerate() {
        let low = keys.bit_range(from, 1);
        out.push(if bits == 1 {
            low
        } else {
            let both = Bits::from_planes(rows, 1, both.slice(i * stride, (i + 1) * stride));
            let high = keys.bit_range(from + 1, 1);
            Bits::beside(&[&low.xor(&both), &high.xor(&both), &both])
        });
    }
    let threes: Vec<usize> = (0..digits.len()).filter(|i| digits[*i].1 == 3).collect();
    let tops: Vec<Bits> = threes.iter().map(|i| keys.bit_range(digits[*i].0 + 2, 1)).collect();
    let mut pairs = Vec::with_capacity(3 * threes.len());
    for (i, top) in threes.iter().zip(&tops) {
        let top = View::planes(top, 0, 1);
        pairs.extend((0..3).map(|lane| (View::planes(&out[*i], lane, lane + 1), top)));
    }
    let with_top = products::<B64>(s, &pairs)?;
    for (at, (i, top)) in threes.iter().zip(&tops).enumerate() {
        let high = with_top.slice(3 * at * stride, 3 * (at + 1) * stride);
        let high = Bits::from_planes(rows, 3, high);
        // Digit 4 is the top bit without 5, 6 and 7.
        let four = (0..3).fold(top.clone(), |four, lane| four.xor(&high.bit_range(lane, 1)));
        out[*i] = Bits::beside(&[&out[*i].xor(&high), &four, &high]);
    }
    Ok(out)
}

fn one_hot_cost(m: &mut Meter, rows: usize, width: usize) {
    let stride = rows.div_ceil(64);
    let wide = |bits: usize| digit_widths(width).filter(|digit| digit.1 >= bits).count();
    products_cost::<B64>(m, wide(2) * stride);
    products_cost::<B64>(m, 3 * wide(3) * stride);
}

/// Where each row goes by one digit alone: a stable counting sort.
///
/// With `f_j` the 0/1 lane of digit value j and `t_j` the place a row would take if its digit were j (all rows with a smaller
/// digit, plus those with digit j up to this row, minus 1), the position is `t_0 + Σ_{j≥1} f_j·(t_j − t_0)`.
///
/// # Cost
/// 3 rounds: the lanes' injection into Z32, and one sum of products.
fn digit_positions(s: &mut Session, one_hot: &Bits) -> Result<Shared<Z32>, SessionError> {
    let (rows, lanes) = (one_hot.rows(), one_hot.width());
    let hot = inject::<Z32>(s, one_hot)?;
    let role = s.role();
    let own = places(hot.own(), rows, lanes, role == Role::P0);
    let next = places(hot.next(), rows, lanes, role == Role::P2);
    let places = Shared::<Z32>::from_parts(own, next);
    let pairs: Vec<_> = (0..lanes)
        .map(|lane| {
            let (from, to) = (lane * rows, (lane + 1) * rows);
            (View::of(&hot, from, to), View::of(&places, from + rows, to + rows))
        })
        .collect();
    let mut positions = sum_of_products::<Z32>(s, rows, &pairs)?;
    positions.add_assign(&places.slice(0, rows));
    Ok(positions)
}

fn digit_positions_cost(m: &mut Meter, rows: usize, lanes: usize) {
    inject_cost::<Z32>(m, rows, lanes);
    sum_of_products_cost::<Z32>(m, rows);
}

/// One summand of `t_0`, and behind it of `t_j − t_0` for each lane; constants go onto summand 0.
fn places(hot: &[u32], rows: usize, lanes: usize, constants: bool) -> Buf<u32> {
    let mut out = Buf::<u32>::scratch((lanes + 1) * rows);
    let (zero, rest) = out.split_at_mut(rows);
    zero.fill(u32::from(constants));
    for lane in hot.chunks_exact(rows.max(1)) {
        Z32::sub_assign(zero, lane);
    }
    Z32::prefix_sum(zero);
    let mut before = zero.last().copied().unwrap_or(0);
    if constants {
        zero.iter_mut().for_each(|place| *place = place.wrapping_sub(1));
    }
    for (place, lane) in rest.chunks_exact_mut(rows.max(1)).zip(hot.chunks_exact(rows.max(1))) {
        place.copy_from_slice(lane);
        Z32::prefix_sum(place);
        let all = place.last().copied().unwrap_or(0);
        let offset = before.wrapping_sub(u32::from(constants));
        for (place, zero) in place.iter_mut().zip(&*zero) {
            *place = place.wrapping_add(offset).wrapping_sub(*zero);
        }
        before = before.wrapping_add(all);
    }
    out
}

/// Whether every number below the length stands there once. The values are public by now.
fn is_permutation(positions: &[u32]) -> bool {
    let mut seen = vec![false; positions.len()];
    positions.iter().all(|position| {
        seen.get_mut(*position as usize).is_some_and(|seen| !std::mem::replace(seen, true))
    })
}

impl fmt::Debug for Ordering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ordering({} rows)", self.positions.len())
    }
}
