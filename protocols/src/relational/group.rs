//! Group-by: sort, compare neighbours, local running sums, compaction, and one difference a group.
//!
//! The last row of each group in sorted order knows the running sum up to the group's end; once those rows stand together,
//! each group's sum is the difference of two neighbours. No aggregation network: everything between the two sorts is local but
//! one equality test. \[AHK+23\] "Secure Statistical Analysis on Multiple Datasets: Join and Group-By", CCS 2023,
//! <https://eprint.iacr.org/2024/141>, semi-honest. MIN and MAX are the last row's value where the value was the lowest
//! sort key.
//!
//! Rows behind the last group would hold differences of running sums, that is, other rows' values: every cell of them is zeroed.

use super::order::{compact, compact_cost};
use crate::{
    mpc::{
        Column, Ordering, Shape, View, eq, eq_bits, eq_bits_cost, eq_cost, inject, inject_cost,
        mask_bits, mask_bits_cost, narrow, products, products_cost, sort_cost,
    },
    ring::{Buf, Ring, Z64, Z128},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// MIN or MAX of a column within each group.
#[derive(Clone, Copy, Debug)]
pub struct Extreme<'a> {
    /// The column, in value order.
    pub of: &'a Bits,
    /// MAX, else MIN.
    pub largest: bool,
}

/// What to group.
#[derive(Clone, Copy, Debug)]
pub struct GroupBy<'a> {
    /// Group keys side by side; 0 bits wide for one group of all rows.
    pub keys: &'a Bits,
    /// Which rows count.
    pub live: &'a Bits,
    /// Columns to add up, Z64 or Z128; 0 in rows that do not count.
    pub sums: &'a [Column],
    /// Columns of which an extreme value is taken.
    pub extremes: &'a [Extreme<'a>],
    /// Public bound on the number of groups: as many rows come out.
    pub groups: usize,
}

/// One row a group, live rows first; every cell of a row that is no group is 0.
#[derive(Clone, Debug)]
pub struct Grouped {
    /// Which rows are groups.
    pub live: Bits,
    /// Their keys, in ascending order.
    pub keys: Bits,
    /// Their sums, each in its column's ring.
    pub sums: Vec<Column>,
    /// Their extremes.
    pub extremes: Vec<Bits>,
}

/// Groups.
///
/// # Shape
/// n rows, keys of w bits; returns `groups` rows (no more than n + 1 are ever live).
///
/// # Cost
/// A sort of n rows by w + 1 bits, an equality test of w + 1 bits, a compaction of n rows, and on `groups` rows an injection
/// and a product for each sum; each extreme sorts again by w + v + 1 bits (the first one instead of the sort above).
/// Without keys and extremes: an injection of n bits and an equality test of one word, all else local.
///
/// # Errors
/// [`SessionError::Shape`] if rows differ; those of [`Ordering::sort`].
///
/// # Panics
/// If a sum is of bits or positions.
///
/// # Security
/// Semi-honest. Opens positions after shuffles only; the number of groups stays shared.
pub fn group_by(s: &mut Session, group: &GroupBy<'_>) -> Result<Grouped, SessionError> {
    let rows = s.same_len(group.keys.rows(), group.live.rows())?;
    for sum in group.sums {
        s.same_len(sum.rows(), rows)?;
        assert!(matches!(sum, Column::Z64(_) | Column::Z128(_)), "sums are Z64 or Z128");
    }
    if rows == 0 {
        return Ok(nothing(group));
    }
    if group.keys.width() == 0 && group.extremes.is_empty() {
        return total(s, group);
    }
    let mut passes = group.extremes.iter().map(Some).collect::<Vec<_>>();
    if passes.is_empty() {
        passes.push(None);
    }
    // The first pass brings the keys and sums along; all passes put the groups in the same order.
    let mut grouped = pass(s, group, passes[0], group.sums)?;
    for extreme in &passes[1..] {
        let next = pass(s, group, *extreme, &[])?;
        grouped.extremes.extend(next.extremes);
    }
    Ok(grouped)
}

/// Twin of [`group_by`]; `sums` are shapes, `extremes` widths.
pub fn group_by_cost(
    m: &mut Meter,
    rows: usize,
    key_width: usize,
    sums: &[Shape],
    extremes: &[usize],
    groups: usize,
) {
    if rows == 0 {
        return;
    }
    if key_width == 0 && extremes.is_empty() {
        inject_cost::<Z64>(m, rows, 1);
        eq_cost(m, 1, 64);
        return;
    }
    let shape = PassShape { rows, key_width, groups };
    match extremes {
        [] => pass_cost(m, shape, sums, None),
        [first, rest @ ..] => {
            pass_cost(m, shape, sums, Some(*first));
            rest.iter().for_each(|width| pass_cost(m, shape, &[], Some(*width)));
        }
    }
}

#[derive(Clone, Copy)]
struct PassShape {
    rows: usize,
    key_width: usize,
    groups: usize,
}

/// Sorts by key (and value), finds the last row of each group, and brings those rows to the front.
fn pass(
    s: &mut Session,
    group: &GroupBy<'_>,
    extreme: Option<&Extreme<'_>>,
    sums: &[Column],
) -> Result<Grouped, SessionError> {
    let rows = group.keys.rows();
    let role = s.role();
    let value = match extreme {
        Some(extreme) => extreme.of.clone(),
        None => Bits::zeros(rows, 0),
    };
    // Ascending puts the largest last; for the smallest, sort by the complement.
    let by_value =
        if extreme.is_some_and(|e| !e.largest) { value.not(role) } else { value.clone() };
    let order = Bits::beside(&[&by_value, group.keys, &group.live.not(role)]);
    let mut columns = vec![
        Column::Bits(group.live.clone()),
        Column::Bits(group.keys.clone()),
        Column::Bits(value),
    ];
    columns.extend_from_slice(sums);
    let (_, sorted) = Ordering::sort(s, &order, &columns)?;
    let last = last_of_group(s, &sorted)?;
    let ends: Vec<Column> = sorted
        .into_iter()
        .skip(1)
        .map(
            |column| if matches!(column, Column::Bits(_)) { column } else { column.running_sums() },
        )
        .collect();
    let (live, front) = compact(s, &last, &ends)?;
    zero_the_rest(s, group.groups, &live, front, extreme.is_some())
}

fn pass_cost(m: &mut Meter, shape: PassShape, sums: &[Shape], value: Option<usize>) {
    let PassShape { rows, key_width, groups } = shape;
    let value_width = value.unwrap_or(0);
    let mut moving = vec![Shape::Bits(1), Shape::Bits(key_width), Shape::Bits(value_width)];
    moving.extend_from_slice(sums);
    sort_cost(m, rows, value_width + key_width + 1, &moving);
    eq_bits_cost(m, rows, key_width + 1);
    compact_cost(m, rows, &moving[1..]);
    mask_bits_cost(m, groups, key_width + value_width);
    mask_words_cost(m, sums, groups);
}

/// Whether a row is live and the next is not, or has another key. Live rows stand first, so the next being live and alike
/// implies that this one is live.
fn last_of_group(s: &mut Session, sorted: &[Column]) -> Result<Bits, SessionError> {
    let (Column::Bits(live), Column::Bits(keys)) = (&sorted[0], &sorted[1]) else {
        unreachable!("live and keys lead")
    };
    let rows = live.rows();
    let below = |bits: &Bits| bits.row_range(1, rows).above(&Bits::zeros(1, bits.width()));
    let here = Bits::beside(&[keys, &Bits::zeros(rows, 1).not(s.role())]);
    let next = Bits::beside(&[&below(keys), &below(live)]);
    let goes_on = eq_bits(s, &here, &next)?;
    Ok(live.xor(&goes_on))
}

/// Takes the first `groups` rows, turns running sums into sums, and zeroes every cell of a row that is no group.
fn zero_the_rest(
    s: &mut Session,
    groups: usize,
    live: &Bits,
    front: Vec<Column>,
    has_value: bool,
) -> Result<Grouped, SessionError> {
    let rows = live.rows();
    let fit = |column: &Column| {
        let cut = column.row_range(0, rows.min(groups));
        if groups > rows { cut.above_zeros(groups - rows) } else { cut }
    };
    let Column::Bits(live) = fit(&Column::Bits(live.clone())) else {
        unreachable!("bits stay bits")
    };
    let (mut bits, mut words) = (Vec::new(), Vec::new());
    for column in front.iter().map(fit) {
        match column {
            Column::Bits(column) => bits.push(column),
            other => words.push(other.differences()),
        }
    }
    let (key_width, value_width) = (bits[0].width(), bits[1].width());
    let masked = mask_bits(s, &Bits::beside(&[&bits[0], &bits[1]]), &live)?;
    let sums = mask_words(s, &words, &live)?;
    let extremes =
        if has_value { vec![masked.bit_range(key_width, value_width)] } else { Vec::new() };
    Ok(Grouped { live, keys: masked.bit_range(0, key_width), sums, extremes })
}

/// Several word columns masked by one bit: one injection (into the widest ring asked for), and a round of products in each
/// ring.
fn mask_words(s: &mut Session, columns: &[Column], by: &Bits) -> Result<Vec<Column>, SessionError> {
    let (mut long, mut wide) = (Vec::new(), Vec::new());
    for column in columns {
        match column {
            Column::Z64(words) => long.push(words),
            Column::Z128(words) => wide.push(words),
            Column::Bits(_) | Column::Z32(_) => unreachable!("sums are Z64 or Z128"),
        }
    }
    let (by_long, by_wide) = if wide.is_empty() {
        let by_long = if long.is_empty() { Shared::zeros(0) } else { inject::<Z64>(s, by)? };
        (by_long, Shared::zeros(0))
    } else {
        let by_wide = inject::<Z128>(s, by)?;
        (narrow::<Z128, Z64>(&by_wide), by_wide)
    };
    let mut long = each_masked(s, &long, &by_long)?.into_iter();
    let mut wide = each_masked(s, &wide, &by_wide)?.into_iter();
    let masked = columns.iter().map(|column| match column {
        Column::Z64(_) => long.next().map(Column::Z64),
        _ => wide.next().map(Column::Z128),
    });
    Ok(masked.flatten().collect())
}

fn mask_words_cost(m: &mut Meter, sums: &[Shape], rows: usize) {
    let of = |shape: Shape| sums.iter().filter(|sum| **sum == shape).count();
    if of(Shape::Z128) > 0 {
        inject_cost::<Z128>(m, rows, 1);
    } else if of(Shape::Z64) > 0 {
        inject_cost::<Z64>(m, rows, 1);
    }
    products_cost::<Z64>(m, rows * of(Shape::Z64));
    products_cost::<Z128>(m, rows * of(Shape::Z128));
}

/// Vectors of one ring, each times the same vector.
fn each_masked<R: Ring>(
    s: &mut Session,
    columns: &[&Shared<R>],
    by: &Shared<R>,
) -> Result<Vec<Shared<R>>, SessionError> {
    let pairs: Vec<_> = columns.iter().map(|column| (View::all(column), View::all(by))).collect();
    let masked = products::<R>(s, &pairs)?;
    Ok((0..columns.len()).map(|i| masked.slice(i * by.len(), (i + 1) * by.len())).collect())
}

/// One group of all rows and sums only: totals are local, and the group is live if any row is.
fn total(s: &mut Session, group: &GroupBy<'_>) -> Result<Grouped, SessionError> {
    let ones = inject::<Z64>(s, group.live)?;
    let count = total_of(&ones, 1);
    let none = eq(s, &count, &Shared::zeros(1), 64)?;
    let any = none.not(s.role());
    let live = if group.groups == 0 {
        Bits::zeros(0, 1)
    } else {
        any.above(&Bits::zeros(group.groups - 1, 1))
    };
    let sums = group.sums.iter().map(|sum| match sum {
        Column::Z64(words) => Column::Z64(total_of(words, group.groups)),
        Column::Z128(words) => Column::Z128(total_of(words, group.groups)),
        Column::Bits(_) | Column::Z32(_) => unreachable!("sums are Z64 or Z128"),
    });
    let sums = sums.collect();
    Ok(Grouped { live, keys: Bits::zeros(group.groups, 0), sums, extremes: Vec::new() })
}

/// The sum of all elements, and zeros below it up to `rows`.
fn total_of<R: Ring>(words: &Shared<R>, rows: usize) -> Shared<R> {
    words.map(|words| {
        let mut total = Buf::zeroed(rows);
        if let Some(first) = total.first_mut() {
            *first = words.iter().fold(R::ZERO, |sum, word| R::add(sum, *word));
        }
        total
    })
}

/// No rows, no groups. Local, since emptiness is public.
fn nothing(group: &GroupBy<'_>) -> Grouped {
    let zeros = |width| Bits::zeros(group.groups, width);
    Grouped {
        live: zeros(1),
        keys: zeros(group.keys.width()),
        sums: group.sums.iter().map(|sum| sum.above_zeros(group.groups)).collect(),
        extremes: group.extremes.iter().map(|extreme| zeros(extreme.of.width())).collect(),
    }
}
