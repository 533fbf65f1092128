//! Order-by and what follows from it: live rows first, in a stable order of secret keys.

use crate::{
    mpc::{Column, Ordering, Shape, eq_bits, eq_bits_cost, sort_cost},
    party::Role,
    session::{Meter, Session, SessionError},
    share::Bits,
};

/// One of several keys to sort by.
#[derive(Clone, Copy, Debug)]
pub struct SortKey<'a> {
    /// The key, a row each.
    pub of: &'a Bits,
    /// Whether it is in two's complement; else it is unsigned.
    pub signed: bool,
    /// Largest first.
    pub descending: bool,
}

/// Several keys, the most significant first, as the one unsigned key whose ascending order is theirs. Local: a two's complement
/// orders like an unsigned number once its sign bit is flipped, and the complement of a number orders backwards.
///
/// # Shape
/// Keys of equal rows; returns those rows × the sum of the widths.
///
/// # Panics
/// If there is no key, or their rows differ.
#[must_use]
pub fn sort_key(role: Role, keys: &[SortKey<'_>]) -> Bits {
    let oriented = keys.iter().rev().map(|key| {
        let rest = key.of.width() - usize::from(key.signed && key.of.width() > 0);
        let flip = |bits: Bits, flipped: bool| if flipped { bits.not(role) } else { bits };
        let low = flip(key.of.bit_range(0, rest), key.descending);
        let sign = flip(key.of.bit_range(rest, key.of.width() - rest), !key.descending);
        Bits::beside(&[&low, &sign])
    });
    let oriented: Vec<Bits> = oriented.collect();
    Bits::beside(&oriented.iter().collect::<Vec<_>>())
}

/// Sorts rows by ascending key, dead rows last, rows of equal keys in their old order.
///
/// # Shape
/// `live`: rows × 1; `keys`: rows × w, the most significant key in the highest bits ([`sort_key`] makes one of several, in
/// either direction). Returns `live` and the columns in the new order.
///
/// # Cost
/// That of [`Ordering::sort`] by w + 1 bits, with the columns and the live bit.
///
/// # Errors
/// [`SessionError::Shape`] if rows differ; those of [`Ordering::sort`].
///
/// # Security
/// That of [`Ordering::sort`].
pub fn order_by(
    s: &mut Session,
    live: &Bits,
    keys: &Bits,
    columns: &[Column],
) -> Result<(Bits, Vec<Column>), SessionError> {
    s.same_len(live.rows(), keys.rows())?;
    let dead = live.not(s.role());
    let mut moving = vec![Column::Bits(live.clone())];
    moving.extend_from_slice(columns);
    let (_, moved) = Ordering::sort(s, &Bits::beside(&[keys, &dead]), &moving)?;
    let mut moved = moved.into_iter();
    let Some(Column::Bits(live)) = moved.next() else { unreachable!("live leads") };
    Ok((live, moved.collect()))
}

/// Twin of [`order_by`].
pub fn order_by_cost(m: &mut Meter, rows: usize, key_width: usize, shapes: &[Shape]) {
    let mut moving = vec![Shape::Bits(1)];
    moving.extend_from_slice(shapes);
    sort_cost(m, rows, key_width + 1, &moving);
}

/// Live rows first, in their old order: a sort by one bit.
///
/// # Cost
/// That of [`order_by`] with keys of no bits.
///
/// # Errors
/// As [`order_by`].
pub fn compact(
    s: &mut Session,
    live: &Bits,
    columns: &[Column],
) -> Result<(Bits, Vec<Column>), SessionError> {
    order_by(s, live, &Bits::zeros(live.rows(), 0), columns)
}

/// Twin of [`compact`].
pub fn compact_cost(m: &mut Meter, rows: usize, shapes: &[Shape]) {
    order_by_cost(m, rows, 0, shapes);
}

/// The first `k` rows in ascending order of their keys ([`sort_key`] for other orders), of equal ones the first in their old
/// order; rows below the last live one are dead.
///
/// # Shape
/// As [`order_by`], with no more than `k` rows.
///
/// # Cost
/// That of [`order_by`].
///
/// # Errors
/// As [`order_by`].
///
/// # Security
/// As [`order_by`]; `k` is public, whether there are `k` live rows is not.
pub fn top_k(
    s: &mut Session,
    live: &Bits,
    keys: &Bits,
    columns: &[Column],
    k: usize,
) -> Result<(Bits, Vec<Column>), SessionError> {
    let (live, columns) = order_by(s, live, keys, columns)?;
    let kept = live.rows().min(k);
    Ok((live.row_range(0, kept), columns.iter().map(|column| column.row_range(0, kept)).collect()))
}

/// Twin of [`top_k`].
pub fn top_k_cost(m: &mut Meter, rows: usize, key_width: usize, shapes: &[Shape]) {
    order_by_cost(m, rows, key_width, shapes);
}

/// One live row for each key of a live row, the first in the old order, by ascending key. The others are dead and stand
/// between them; [`compact`] brings the live ones to the front.
///
/// # Shape
/// As [`order_by`].
///
/// # Cost
/// That of [`order_by`] with the key as one more column, and an equality test of w + 1 bits.
///
/// # Errors
/// As [`order_by`].
///
/// # Security
/// As [`order_by`]; how many keys there are stays shared.
pub fn distinct(
    s: &mut Session,
    live: &Bits,
    keys: &Bits,
    columns: &[Column],
) -> Result<(Bits, Vec<Column>), SessionError> {
    let mut moving = vec![Column::Bits(keys.clone())];
    moving.extend_from_slice(columns);
    let (live, mut columns) = order_by(s, live, keys, &moving)?;
    let Column::Bits(keys) = columns.remove(0) else { unreachable!("the key leads") };
    let rows = live.rows();
    if rows == 0 {
        return Ok((live, columns));
    }
    // Live rows stand first, so what a live row follows is live. The first row follows none.
    let follows = Bits::zeros(1, 1).above(&live.row_range(1, rows));
    let above = Bits::zeros(1, keys.width()).above(&keys.row_range(0, rows - 1));
    let here = Bits::beside(&[&keys, &follows]);
    let there = Bits::beside(&[&above, &Bits::zeros(rows, 1).not(s.role())]);
    let again = eq_bits(s, &here, &there)?;
    Ok((live.xor(&again), columns))
}

/// Twin of [`distinct`].
pub fn distinct_cost(m: &mut Meter, rows: usize, key_width: usize, shapes: &[Shape]) {
    let mut moving = vec![Shape::Bits(key_width)];
    moving.extend_from_slice(shapes);
    order_by_cost(m, rows, key_width, &moving);
    if rows > 0 {
        eq_bits_cost(m, rows, key_width + 1);
    }
}
