//! Inner join of a table with another whose keys are unique: each row of the first finds its one partner or none.
//!
//! ```text
//!   unique side, in key order        other side             sorted together (stable, unique side first)
//!   key  Δkey  payload  Δpayload     key                    key   Δ…        running sums of Δ = the last unique row's values
//!    3    3      a         a          5                      3    (3, a)     3, a
//!    5    2      b        b−a         3                      3     0         3, a    ← partner: keys agree
//!    9    4      c        c−b         4                      4     0         3, a    ← none: 3 ≠ 4
//! ```
//!
//! The unique side carries differences between neighbours; in the joint order their running sums are local and copy each
//! unique row's values down to the rows behind it, in any ring, without a scan. Then the copies go back to where the other
//! side's rows stand, so that side never moves, and one equality test says who matched.
//!
//! Sort-based joins for an honest majority: \[AHK+23\] Asharov, Hamada, Kikuchi, Nof, Pinkas, Tomida, "Secure Statistical
//! Analysis on Multiple Datasets: Join and Group-By", CCS 2023, <https://eprint.iacr.org/2024/141>; with copy-down by an oblivious
//! scan in ORQ <https://arxiv.org/abs/2509.10793>. Differences and running sums take the scan's place because sharing is
//! linear; nothing more is sent or opened for them.

use super::order::{order_by, order_by_cost};
use crate::{
    mpc::{Column, Ordering, Shape, eq_bits, eq_bits_cost, sort_cost, undo_cost},
    session::{Meter, Session, SessionError},
    share::Bits,
};

/// The two sides of a join.
#[derive(Clone, Copy, Debug)]
pub struct Join<'a> {
    /// Keys of the unique side: no two live rows have the same.
    pub left_key: &'a Bits,
    /// Its live rows.
    pub left_live: &'a Bits,
    /// Whether its live rows stand in ascending key order and before its dead rows; else they are sorted first.
    pub left_sorted: bool,
    /// Its columns to bring over.
    pub columns: &'a [Column],
    /// Keys of the other side, of equal width.
    pub right_key: &'a Bits,
    /// Its live rows; a row whose key is NULL is not live here.
    pub right_live: &'a Bits,
}

/// The result of a join: one row for each row of the right side.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Live, and has a live partner.
    pub matched: Bits,
    /// The partner's columns; arbitrary where there is none.
    pub columns: Vec<Column>,
}

/// Joins.
///
/// # Shape
/// Left: l rows, right: r rows, keys of w bits. Returns r rows.
///
/// # Cost
/// If the left side is not sorted, a sort of its l rows by w + 1 bits. A sort of l + r rows by w + 1 bits, one move there
/// and one back of the left columns and w + 1 bits, and an equality test of w + 2 bits on r rows.
///
/// # Errors
/// [`SessionError::Shape`] if rows or widths do not fit; those of [`Ordering::sort`].
///
/// # Security
/// Semi-honest. Opens positions after shuffles only. Which rows matched, and how many, stays shared.
///
/// # Source
/// See the module.
pub fn join(s: &mut Session, sides: &Join<'_>) -> Result<Joined, SessionError> {
    let width = s.same_len(sides.left_key.width(), sides.right_key.width())?;
    s.same_len(sides.left_key.rows(), sides.left_live.rows())?;
    let right = s.same_len(sides.right_key.rows(), sides.right_live.rows())?;
    let left = sides.left_key.rows();
    if left == 0 || right == 0 {
        return Ok(no_partners(sides));
    }
    let unique = unique_side(s, sides)?;
    let (Column::Bits(live), Column::Bits(key)) = (&unique[0], &unique[1]) else {
        unreachable!("live and key lead")
    };
    // Dead unique rows go to the end, behind every row of the other side.
    let left_order = Bits::beside(&[key, &live.not(s.role())]);
    let right_order = Bits::beside(&[sides.right_key, &Bits::zeros(right, 1)]);
    let steps: Vec<Column> =
        unique.iter().map(|column| column.differences().above_zeros(right)).collect();
    let (order, sorted) = Ordering::sort(s, &left_order.above(&right_order), &steps)?;
    let copies: Vec<Column> = sorted.into_iter().map(Column::running_sums).collect();
    let copies = order.undo(s, &copies)?;
    let mut copies = copies.iter().map(|column| column.row_range(left, left + right));
    let (Some(Column::Bits(live)), Some(Column::Bits(key))) = (copies.next(), copies.next()) else {
        unreachable!("live and key lead")
    };
    let columns = copies.collect();
    let found = Bits::beside(&[&key, &live.not(s.role()), &sides.right_live.not(s.role())]);
    let wanted = Bits::beside(&[sides.right_key, &Bits::zeros(right, 2)]);
    debug_assert_eq!(found.width(), width + 2);
    let matched = eq_bits(s, &found, &wanted)?;
    Ok(Joined { matched, columns })
}

/// Twin of [`join`].
pub fn join_cost(
    m: &mut Meter,
    (left, right): (usize, usize),
    width: usize,
    left_sorted: bool,
    shapes: &[Shape],
) {
    if left == 0 || right == 0 {
        return;
    }
    let mut moving = vec![Shape::Bits(1), Shape::Bits(width)];
    moving.extend_from_slice(shapes);
    unique_side_cost(m, left, width, left_sorted, shapes);
    sort_cost(m, left + right, width + 1, &moving);
    undo_cost(m, left + right, &moving);
    eq_bits_cost(m, right, width + 2);
}

/// The unique side in key order: live, key, and the columns.
pub(super) fn unique_side(s: &mut Session, sides: &Join<'_>) -> Result<Vec<Column>, SessionError> {
    let mut columns = vec![Column::Bits(sides.left_key.clone())];
    columns.extend_from_slice(sides.columns);
    let live = if sides.left_sorted {
        sides.left_live.clone()
    } else {
        let (live, moved) = order_by(s, sides.left_live, sides.left_key, &columns)?;
        columns = moved;
        live
    };
    columns.insert(0, Column::Bits(live));
    Ok(columns)
}

/// Twin of [`unique_side`].
pub(super) fn unique_side_cost(
    m: &mut Meter,
    left: usize,
    width: usize,
    left_sorted: bool,
    shapes: &[Shape],
) {
    if !left_sorted {
        let mut moving = vec![Shape::Bits(width)];
        moving.extend_from_slice(shapes);
        order_by_cost(m, left, width, &moving);
    }
}

/// A join with an empty side: nothing matches. Local, since emptiness is public.
fn no_partners(sides: &Join<'_>) -> Joined {
    let right = sides.right_key.rows();
    let columns = sides.columns.iter().map(|column| column.row_range(0, 0).above_zeros(right));
    Joined { matched: Bits::zeros(right, 1), columns: columns.collect() }
}
