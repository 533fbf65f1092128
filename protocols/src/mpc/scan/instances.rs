//! The scans that tables need.
//!
//! A segment begins at each row whose secret start bit is 1; the first row begins one whatever its bit says.

use super::{
    brent_kung::{Associative, Operator, scan, scan_cost},
    segments::{CopyDown, CopyDownBits, Recurrence, RecurrenceBits},
};
use crate::{
    mpc::{
        convert::{inject, inject_cost},
        multiply::{and, and_cost},
        select::{mask_bits, mask_bits_cost},
    },
    ring::Arithmetic,
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// The running sum down each segment. (A segment's total stands in its last row; where totals alone are wanted, after a
/// compaction, differences of [`super::super::Column::running_sums`] are local.)
///
/// # Shape
/// `x`: n; `starts`: n rows of 1 bit; returns n.
///
/// # Cost
/// An injection of n bits, then a scan: at most 2·⌈log2 n⌉ + 1 rounds; fewer than 3n words a party, and n to inject.
///
/// # Errors
/// [`SessionError::Shape`] if the rows differ; channel errors pass through.
///
/// # Security
/// Semi-honest: an injection and multiplications.
///
/// # Source
/// Brent and Kung, Blelloch, see the module.
pub fn segmented_sums<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    starts: &Bits,
) -> Result<Shared<R>, SessionError> {
    s.same_len(x.len(), starts.rows())?;
    let keep = inject::<R>(s, &starts.not(s.role()))?;
    scan(s, &Recurrence::default(), (keep, x.clone()))
}

/// Twin of [`segmented_sums`].
pub fn segmented_sums_cost<R: Arithmetic>(m: &mut Meter, rows: usize) {
    inject_cost::<R>(m, rows, 1);
    scan_cost(m, &Recurrence::<R>::default(), rows);
}

/// Each row becomes the value of the first row of its segment.
///
/// # Cost
/// That of [`segmented_sums`].
///
/// # Errors
/// As [`segmented_sums`].
///
/// # Security
/// That of [`segmented_sums`].
pub fn copy_down<R: Arithmetic>(
    s: &mut Session,
    x: &Shared<R>,
    starts: &Bits,
) -> Result<Shared<R>, SessionError> {
    s.same_len(x.len(), starts.rows())?;
    let keep = inject::<R>(s, &starts.not(s.role()))?;
    scan(s, &CopyDown::default(), (keep, x.clone()))
}

/// Twin of [`copy_down`].
pub fn copy_down_cost<R: Arithmetic>(m: &mut Meter, rows: usize) {
    inject_cost::<R>(m, rows, 1);
    scan_cost(m, &CopyDown::<R>::default(), rows);
}

/// Each row of w bits becomes that of the first row of its segment.
///
/// # Cost
/// At most 2·⌈log2 n⌉ − 1 rounds; fewer than n·(2w + 1) bits a party.
///
/// # Errors
/// As [`segmented_sums`].
///
/// # Security
/// Semi-honest: multiplications only.
pub fn copy_down_bits(s: &mut Session, x: &Bits, starts: &Bits) -> Result<Bits, SessionError> {
    s.same_len(x.rows(), starts.rows())?;
    let keep = starts.not(s.role());
    scan(s, &CopyDownBits(x.width()), (keep, x.clone()))
}

/// Twin of [`copy_down_bits`].
pub fn copy_down_bits_cost(m: &mut Meter, rows: usize, width: usize) {
    scan_cost(m, &CopyDownBits(width), rows);
}

/// The OR of each plane's bits from the first row of the segment to this one.
///
/// A run `r` becomes `x ⊕ (keep · ¬x) · r`, which is "x or, unless a segment starts, r".
///
/// # Cost
/// At most 2·⌈log2 n⌉ rounds; fewer than 4 bits a row and plane and party.
///
/// # Errors
/// As [`segmented_sums`].
///
/// # Security
/// Semi-honest: multiplications only.
pub fn segmented_or(s: &mut Session, x: &Bits, starts: &Bits) -> Result<Bits, SessionError> {
    let role = s.role();
    let keep = mask_bits(s, &x.not(role), &starts.not(role))?;
    scan(s, &RecurrenceBits(x.width()), (keep, x.clone()))
}

/// Twin of [`segmented_or`].
pub fn segmented_or_cost(m: &mut Meter, rows: usize, width: usize) {
    mask_bits_cost(m, rows, width);
    scan_cost(m, &RecurrenceBits(width), rows);
}

/// The AND of each plane's bits from the first row of the segment to this one.
///
/// # Cost
/// That of [`segmented_or`].
///
/// # Errors
/// As [`segmented_or`].
///
/// # Security
/// That of [`segmented_or`].
pub fn segmented_and(s: &mut Session, x: &Bits, starts: &Bits) -> Result<Bits, SessionError> {
    let role = s.role();
    Ok(segmented_or(s, &x.not(role), starts)?.not(role))
}

/// Twin of [`segmented_and`].
pub fn segmented_and_cost(m: &mut Meter, rows: usize, width: usize) {
    segmented_or_cost(m, rows, width);
}

/// The AND of each plane's bits from the first row to this one.
///
/// # Cost
/// At most 2·⌈log2 n⌉ − 1 rounds; fewer than 2 bits a row and plane and party.
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// Semi-honest: multiplications only.
pub fn prefix_and(s: &mut Session, x: &Bits) -> Result<Bits, SessionError> {
    scan(s, &both(x.width()), x.clone())
}

/// Twin of [`prefix_and`].
pub fn prefix_and_cost(m: &mut Meter, rows: usize, width: usize) {
    scan_cost(m, &both(width), rows);
}

/// The OR of each plane's bits from the first row to this one.
///
/// # Cost
/// That of [`prefix_and`].
///
/// # Errors
/// Channel errors pass through.
///
/// # Security
/// That of [`prefix_and`].
pub fn prefix_or(s: &mut Session, x: &Bits) -> Result<Bits, SessionError> {
    let role = s.role();
    Ok(prefix_and(s, &x.not(role))?.not(role))
}

/// Twin of [`prefix_or`].
pub fn prefix_or_cost(m: &mut Meter, rows: usize, width: usize) {
    prefix_and_cost(m, rows, width);
}

/// The operator "and" on bits of a width.
fn both(width: usize) -> impl Operator<Row = Bits, Run = Bits> {
    Associative::new(
        |s: &mut Session, earlier: &Bits, later: &Bits| and(s, earlier, later),
        move |m: &mut Meter, rows: usize| and_cost(m, rows, width),
    )
}
