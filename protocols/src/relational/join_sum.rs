//! A join with a unique side, and sums of the other side's columns for each unique row, in one sort.
//!
//! Sorted together as [`join`](super::join) sorts them, each unique row stands right before the rows that may match it. Once what
//! does not match is zeroed, the running sums that two neighbours of the unique side see differ by the first one's sum: no
//! second sort, no compaction. The fusion of join and aggregation over one sorted order is ORQ's
//! (<https://arxiv.org/abs/2509.10793>); with sums it needs no scan, as in [`group_by`](super::group_by).

use super::join::{Join, unique_side, unique_side_cost};
use crate::{
    mpc::{
        Column, Ordering, Shape, View, eq_bits, eq_bits_cost, inject, inject_cost, products,
        products_cost, sort_cost, undo_cost,
    },
    ring::{Buf, Ring, Z64},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// One row for each row of the unique side, live rows first and in ascending key order.
#[derive(Clone, Debug)]
pub struct JoinedSums {
    /// Which rows of the unique side are live.
    pub live: Bits,
    /// Their keys.
    pub key: Bits,
    /// Their columns.
    pub columns: Vec<Column>,
    /// For each sum, what the live rows of the other side with that key add up to; 0 in rows that are not live.
    pub sums: Vec<Shared<Z64>>,
}

/// Joins, and adds up columns of the right side for each row of the unique left side.
///
/// # Shape
/// Left: l rows, right: r rows, keys of w bits; `sums`: columns of r rows, arbitrary in rows that are not live. Returns l rows. A row
/// nobody matches has the sums 0: to tell it from one that matches zeros, sum ones.
///
/// # Cost
/// If the left side is not sorted, a sort of its l rows by w + 1 bits with its columns. A sort of l + r rows by w + 1 bits with
/// 2w + 2 bits and the sums, an equality test of w + 2 bits, an injection, a product for each sum, and one move back of the sums.
///
/// # Errors
/// [`SessionError::Shape`] if rows or widths do not fit; those of [`Ordering::sort`].
///
/// # Security
/// Semi-honest. Opens positions after shuffles only. How many rows match which stays shared.
///
/// # Source
/// See the module.
pub fn join_sum(
    s: &mut Session,
    sides: &Join<'_>,
    sums: &[Shared<Z64>],
) -> Result<JoinedSums, SessionError> {
    s.same_len(sides.left_key.width(), sides.right_key.width())?;
    let left = s.same_len(sides.left_key.rows(), sides.left_live.rows())?;
    let right = s.same_len(sides.right_key.rows(), sides.right_live.rows())?;
    for sum in sums {
        s.same_len(sum.len(), right)?;
    }
    let mut columns = unique_side(s, sides)?;
    let (Column::Bits(live), Column::Bits(key)) = (columns.remove(0), columns.remove(0)) else {
        unreachable!("live and key lead")
    };
    if left == 0 || right == 0 {
        let sums = sums.iter().map(|_| Shared::zeros(left)).collect();
        return Ok(JoinedSums { live, key, columns, sums });
    }
    let (order, sorted) = sort_together(s, (&live, &key), sides, sums)?;
    let running = matched_sums(s, sorted, sums.len())?;
    let moved = order.undo(s, &running)?;
    let sums = moved.iter().zip(&running).map(|(moved, running)| between(moved, running, left));
    let sums = sums.collect();
    Ok(JoinedSums { live, key, columns, sums })
}

/// Twin of [`join_sum`].
pub fn join_sum_cost(
    m: &mut Meter,
    (left, right): (usize, usize),
    width: usize,
    left_sorted: bool,
    shapes: &[Shape],
    sums: usize,
) {
    unique_side_cost(m, left, width, left_sorted, shapes);
    if left == 0 || right == 0 {
        return;
    }
    let rows = left + right;
    let mut moving = vec![Shape::Bits(2 * width + 2)];
    moving.extend(std::iter::repeat_n(Shape::Z64, sums));
    sort_cost(m, rows, width + 1, &moving);
    eq_bits_cost(m, rows, width + 2);
    if sums > 0 {
        inject_cost::<Z64>(m, rows, 1);
        products_cost::<Z64>(m, rows * sums);
    }
    undo_cost(m, rows, &moving[1..]);
}

/// Both sides in key order, the unique row first: the unique side's differences of live and key beside the other side's own live
/// and key, and the sums.
fn sort_together(
    s: &mut Session,
    (live, key): (&Bits, &Bits),
    sides: &Join<'_>,
    sums: &[Shared<Z64>],
) -> Result<(Ordering, Vec<Column>), SessionError> {
    let (left, right) = (live.rows(), sides.right_live.rows());
    let steps = Column::Bits(Bits::beside(&[live, key])).differences().above_zeros(right);
    let Column::Bits(steps) = steps else { unreachable!("bits stay bits") };
    let own = Bits::beside(&[sides.right_live, sides.right_key]);
    let own = Bits::zeros(left, own.width()).above(&own);
    let mut moving = vec![Column::Bits(Bits::beside(&[&steps, &own]))];
    let padded = sums.iter().map(|sum| Shared::concat(&[&Shared::zeros(left), sum]));
    moving.extend(padded.map(Column::Z64));
    // Dead unique rows go to the end, behind every row of the other side.
    let left_order = Bits::beside(&[key, &live.not(s.role())]);
    let right_order = Bits::beside(&[sides.right_key, &Bits::zeros(right, 1)]);
    Ordering::sort(s, &left_order.above(&right_order), &moving)
}

/// Running sums of what belongs to rows that match.
fn matched_sums(
    s: &mut Session,
    mut sorted: Vec<Column>,
    sums: usize,
) -> Result<Vec<Column>, SessionError> {
    let Column::Bits(both) = sorted.remove(0) else { unreachable!("bits lead") };
    let (rows, half) = (both.rows(), both.width() / 2);
    let Column::Bits(copy) = Column::Bits(both.bit_range(0, half)).running_sums() else {
        unreachable!("bits stay bits")
    };
    let own = both.bit_range(half, half);
    let (live, key) = (|of: &Bits| of.bit_range(0, 1), |of: &Bits| of.bit_range(1, half - 1));
    let role = s.role();
    let found = Bits::beside(&[&key(&copy), &live(&copy).not(role), &live(&own).not(role)]);
    let wanted = Bits::beside(&[&key(&own), &Bits::zeros(rows, 2)]);
    let matched = eq_bits(s, &found, &wanted)?;
    if sums == 0 {
        return Ok(Vec::new());
    }
    let matched = inject::<Z64>(s, &matched)?;
    let values: Vec<Shared<Z64>> = sorted
        .into_iter()
        .filter_map(|column| if let Column::Z64(words) = column { Some(words) } else { None })
        .collect();
    let pairs: Vec<_> =
        values.iter().map(|words| (View::all(words), View::all(&matched))).collect();
    let kept = products::<Z64>(s, &pairs)?;
    let each = (0..sums).map(|i| Column::Z64(kept.slice(i * rows, (i + 1) * rows)));
    Ok(each.map(Column::running_sums).collect())
}

/// What each unique row's successor has seen more than itself; the last one's successor is the end of the table.
fn between(moved: &Column, running: &Column, left: usize) -> Shared<Z64> {
    let (Column::Z64(moved), Column::Z64(running)) = (moved, running) else {
        unreachable!("sums are words")
    };
    let rows = running.len();
    let shift = |seen: &[u64], all: u64| {
        let mut next = Buf::<u64>::scratch(left);
        next[..left - 1].copy_from_slice(&seen[1..left]);
        next[left - 1] = all;
        Z64::sub_assign(&mut next, &seen[..left]);
        next
    };
    Shared::from_parts(
        shift(moved.own(), running.own()[rows - 1]),
        shift(moved.next(), running.next()[rows - 1]),
    )
}
