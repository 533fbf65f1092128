//! Operators that forget what lies before a start: rows are pairs (keep, value), keep being 0 where a segment starts.

use std::marker::PhantomData;

use super::{brent_kung::Operator, rows::Rows};
use crate::{
    mpc::{
        multiply::{View, and, and_cost, products, products_cost},
        select::{mask_bits, mask_bits_cost},
    },
    ring::{Arithmetic, Ring},
    session::{Meter, Session, SessionError},
    share::{Bits, Shared},
};

/// Rows (keep, value): a run becomes `value + keep · run`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recurrence<R: Ring>(PhantomData<R>);

impl<R: Arithmetic> Operator for Recurrence<R> {
    type Row = (Shared<R>, Shared<R>);
    type Run = Shared<R>;

    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError> {
        let (n, keep) = (later.count(), View::all(&later.0));
        let both = products(s, &[(keep, View::all(&earlier.1)), (keep, View::all(&earlier.0))])?;
        Ok((both.slice(n, 2 * n), both.slice(0, n).plus(&later.1)))
    }

    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError> {
        Ok(products(s, &[(View::all(&later.0), View::all(run))])?.plus(&later.1))
    }

    fn run(&self, row: Self::Row) -> Self::Run {
        row.1
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        products_cost::<R>(m, 2 * rows);
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        products_cost::<R>(m, rows);
    }
}

/// Rows (keep, value): a run becomes `value` where `keep` is 0, and stays where it is 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyDown<R: Ring>(PhantomData<R>);

impl<R: Arithmetic> Operator for CopyDown<R> {
    type Row = (Shared<R>, Shared<R>);
    type Run = Shared<R>;

    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError> {
        let (n, keep) = (later.count(), View::all(&later.0));
        let change = earlier.1.minus(&later.1);
        let both = products(s, &[(keep, View::all(&change)), (keep, View::all(&earlier.0))])?;
        Ok((both.slice(n, 2 * n), both.slice(0, n).plus(&later.1)))
    }

    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError> {
        let change = run.minus(&later.1);
        Ok(products(s, &[(View::all(&later.0), View::all(&change))])?.plus(&later.1))
    }

    fn run(&self, row: Self::Row) -> Self::Run {
        row.1
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        products_cost::<R>(m, 2 * rows);
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        products_cost::<R>(m, rows);
    }
}

/// [`Recurrence`] on bits, each plane with its own keep bits: `value ⊕ keep · run`. The width is that of both.
#[derive(Clone, Copy, Debug)]
pub struct RecurrenceBits(pub usize);

impl Operator for RecurrenceBits {
    type Row = (Bits, Bits);
    type Run = Bits;

    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError> {
        let keep = Bits::beside(&[&later.0, &later.0]);
        let both = and(s, &keep, &Bits::beside(&[&earlier.1, &earlier.0]))?;
        Ok((both.bit_range(self.0, self.0), both.bit_range(0, self.0).xor(&later.1)))
    }

    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError> {
        Ok(and(s, &later.0, run)?.xor(&later.1))
    }

    fn run(&self, row: Self::Row) -> Self::Run {
        row.1
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        and_cost(m, rows, 2 * self.0);
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        and_cost(m, rows, self.0);
    }
}

/// [`CopyDown`] on bits: one keep bit a row, a value of this many bits.
#[derive(Clone, Copy, Debug)]
pub struct CopyDownBits(pub usize);

impl Operator for CopyDownBits {
    type Row = (Bits, Bits);
    type Run = Bits;

    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError> {
        let change = earlier.1.xor(&later.1);
        let both = mask_bits(s, &Bits::beside(&[&change, &earlier.0]), &later.0)?;
        Ok((both.bit_range(self.0, 1), both.bit_range(0, self.0).xor(&later.1)))
    }

    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError> {
        Ok(mask_bits(s, &run.xor(&later.1), &later.0)?.xor(&later.1))
    }

    fn run(&self, row: Self::Row) -> Self::Run {
        row.1
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        mask_bits_cost(m, rows, self.0 + 1);
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        mask_bits_cost(m, rows, self.0);
    }
}

/// Any operator on bits, down each segment: rows (keep, value of this many bits).
#[derive(Clone, Copy, Debug)]
pub struct Segmented<O>(pub O, pub usize);

impl<O: Operator<Row = Bits, Run = Bits>> Operator for Segmented<O> {
    type Row = (Bits, Bits);
    type Run = Bits;

    fn combine(
        &self,
        s: &mut Session,
        earlier: &Self::Row,
        later: &Self::Row,
    ) -> Result<Self::Row, SessionError> {
        let both = self.0.combine(s, &earlier.1, &later.1)?;
        let change = both.xor(&later.1);
        let kept = mask_bits(s, &Bits::beside(&[&change, &earlier.0]), &later.0)?;
        Ok((kept.bit_range(self.1, 1), kept.bit_range(0, self.1).xor(&later.1)))
    }

    fn extend(
        &self,
        s: &mut Session,
        run: &Self::Run,
        later: &Self::Row,
    ) -> Result<Self::Run, SessionError> {
        let both = self.0.extend(s, run, &later.1)?;
        Ok(mask_bits(s, &both.xor(&later.1), &later.0)?.xor(&later.1))
    }

    fn run(&self, row: Self::Row) -> Self::Run {
        row.1
    }

    fn combine_cost(&self, m: &mut Meter, rows: usize) {
        self.0.combine_cost(m, rows);
        mask_bits_cost(m, rows, self.1 + 1);
    }

    fn extend_cost(&self, m: &mut Meter, rows: usize) {
        self.0.extend_cost(m, rows);
        mask_bits_cost(m, rows, self.1);
    }
}
