//! The scan itself, for any operator.

use std::{fmt, marker::PhantomData};

use super::rows::Rows;
use crate::session::{Meter, Session, SessionError};

/// An associative operator on shared rows.
///
/// What comes before a row never needs all of what a row has (whether it starts a segment, for one): `Run` is the part that is
/// carried on, so that the downward half of a scan works out no more than that.
pub trait Operator {
    /// A row.
    type Row: Rows;
    /// What is known of the rows so far.
    type Run: Rows;

    /// `earlier ∘ later`, row by row.
    ///
    /// # Errors
    /// Those of the protocols it is made of.
    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError>;

    /// `run ∘ later`, row by row.
    ///
    /// # Errors
    /// Those of the protocols it is made of.
    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError>;

    /// What is carried on of a row.
    fn run(&self, row: Self::Row) -> Self::Run;

    /// Twin of [`combine`](Self::combine).
    fn combine_cost(&self, m: &mut Meter, rows: usize);

    /// Twin of [`extend`](Self::extend).
    fn extend_cost(&self, m: &mut Meter, rows: usize);
}

/// Row `i` becomes `row 0 ∘ row 1 ∘ … ∘ row i`.
///
/// # Shape
/// n rows; returns n.
///
/// # Cost
/// For n rows: `combine` on ⌊n/2⌋, `extend` on ⌈n/2⌉ − 1, and the same for ⌊n/2⌋ between the two: fewer than n of each, no more
/// than 2·⌈log2 n⌉ − 1 one after the other.
///
/// # Errors
/// Those of the operator.
///
/// # Security
/// That of the operator: the order of its calls depends on n alone.
///
/// # Source
/// Brent and Kung 1982, see the module.
pub fn scan<O: Operator>(s: &mut Session, op: &O, rows: O::Row) -> Result<O::Run, SessionError> {
    if rows.count() <= 1 {
        return Ok(op.run(rows));
    }
    let (even, odd) = rows.apart();
    let (pairs, evens) = (odd.count(), even.count());
    let combined = op.combine(s, &even.part(0, pairs), &odd)?;
    let runs = scan(s, op, combined)?;
    let between = op.extend(s, &runs.part(0, evens - 1), &even.part(1, evens))?;
    let first = op.run(even.part(0, 1));
    Ok(O::Run::together(&first.on_top(&between), &runs))
}

/// Twin of [`scan`].
pub fn scan_cost<O: Operator>(m: &mut Meter, op: &O, rows: usize) {
    if rows > 1 {
        op.combine_cost(m, rows / 2);
        scan_cost(m, op, rows / 2);
        op.extend_cost(m, rows.div_ceil(2) - 1);
    }
}

/// An operator from a closure and its cost twin; a run is a whole row.
pub struct Associative<T, F, C> {
    combine: F,
    cost: C,
    row: PhantomData<fn(T) -> T>,
}

impl<T, F, C> Associative<T, F, C>
where
    F: Fn(&mut Session, &T, &T) -> Result<T, SessionError>,
    C: Fn(&mut Meter, usize),
{
    /// The operator `combine(session, earlier, later)`, which costs what `cost(meter, rows)` says.
    pub fn new(combine: F, cost: C) -> Self {
        Self { combine, cost, row: PhantomData }
    }
}

impl<T, F, C> Operator for Associative<T, F, C>
where
    T: Rows,
    F: Fn(&mut Session, &T, &T) -> Result<T, SessionError>,
    C: Fn(&mut Meter, usize),
{
    type Row = T;
    type Run = T;

    fn combine(&self, s: &mut Session, earlier: &T, later: &T) -> Result<T, SessionError> {
        (self.combine)(s, earlier, later)
    }

    fn extend(&self, s: &mut Session, run: &T, later: &T) -> Result<T, SessionError> {
        (self.combine)(s, run, later)
    }

    fn run(&self, row: T) -> T {
        row
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        (self.cost)(m, rows);
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        (self.cost)(m, rows);
    }
}

impl<T, F, C> fmt::Debug for Associative<T, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Associative")
    }
}
