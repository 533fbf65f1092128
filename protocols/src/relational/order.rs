//! Order-by and compaction: live rows first, in a stable order of secret keys.

use crate::{
    mpc::{Column, Ordering, Shape, sort_cost},
    session::{Meter, Session, SessionError},
    share::Bits,
};

/// Sorts rows by ascending key, dead rows last, rows of equal keys in their old order.
///
/// # Shape
/// `live`: rows × 1; `keys`: rows × w, the most significant key in the highest bits (flip a key's bits to sort it
/// descending). Returns `live` and the columns in the new order.
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
