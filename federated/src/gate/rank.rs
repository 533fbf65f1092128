//! Which of few shared numbers are the smallest, several times side by side.

use protocols::{
    mpc::{linear_form, linear_form_cost, lt, lt_cost, lt_zero, lt_zero_cost},
    ring::{Buf, Z32, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

use super::batch::gather;

/// Bits of a rank.
const RANK_BITS: usize = 16;

/// Whether each of `count` numbers in each of `rows` rows is among the `first` smallest of its row; of equal ones the earlier counts as
/// smaller.
///
/// All pairs of a row are compared, and a number's rank is how many are smaller: the rounds do not depend on how many there are.
///
/// # Shape
/// `numbers`: `count · rows` words, the first of every row first; any two of a row differ by less than 2^width. Returns as many bits.
///
/// # Cost
/// A comparison of `count·(count − 1)/2` words a row, a linear form of as many bits, and a comparison of ranks.
pub(super) fn smallest(
    s: &mut Session,
    numbers: &Shared<Z64>,
    (count, rows): (usize, usize),
    first: usize,
    width: usize,
) -> Result<Bits, SessionError> {
    let pairs = pairs(count);
    let places = |of: fn(&(usize, usize)) -> usize| -> Vec<usize> {
        pairs.iter().flat_map(|pair| (0..rows).map(move |row| of(pair) * rows + row)).collect()
    };
    let [earlier, later] = [places(|pair| pair.0), places(|pair| pair.1)];
    let less = lt(s, &gather(numbers, &later), &gather(numbers, &earlier), width)?;
    let mut ranks = linear_form::<Z32>(s, &less, count * rows, |bits, ranks| {
        for ((bit, earlier), later) in bits.iter().zip(&earlier).zip(&later) {
            ranks[*earlier] = ranks[*earlier].wrapping_add(*bit);
            ranks[*later] = ranks[*later].wrapping_sub(*bit);
        }
    })?;
    // The pairs in which a number is the later one, and `first` taken off.
    let start = |at: usize| u32::try_from(at / rows.max(1)).unwrap_or(u32::MAX);
    let off = u32::try_from(first).unwrap_or(u32::MAX);
    let offsets: Buf<u32> = (0..count * rows).map(|at| start(at).wrapping_sub(off)).collect();
    ranks.add_public(s.role(), &offsets);
    lt_zero(s, &ranks, RANK_BITS)
}

/// Twin of [`smallest`].
pub(super) fn smallest_cost(m: &mut Meter, (count, rows): (usize, usize), width: usize) {
    let bits = pairs(count).len() * rows;
    lt_cost(m, bits, width);
    linear_form_cost::<Z32>(m, bits, count * rows);
    lt_zero_cost(m, count * rows, RANK_BITS);
}

/// All pairs of an earlier and a later number.
pub(super) fn pairs(count: usize) -> Vec<(usize, usize)> {
    (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect()
}
