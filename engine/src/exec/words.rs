//! Element-wise operations on words, each in the ring of its operands.

use std::collections::BTreeMap;

use protocols::{
    mpc,
    mpc::Column,
    ring::{Arithmetic, Z64, Z128},
    session::Session,
    share::{Bits, Shared},
};

use super::{error::ExecError, ones::Ones, run::Values};
use crate::plan::{Op, Ref};

/// A ring that columns of words are in.
pub(super) trait WordRing: Arithmetic {
    /// The words of a column in this ring.
    fn of(column: &Column) -> Option<&Shared<Self>>;
    /// The words as a column.
    fn column(words: Shared<Self>) -> Column;
    /// The injected bits in this ring.
    fn kept(ones: &mut Ones) -> &mut BTreeMap<Ref, Shared<Self>>;
}

impl WordRing for Z64 {
    fn of(column: &Column) -> Option<&Shared<Self>> {
        match column {
            Column::Z64(words) => Some(words),
            _ => None,
        }
    }

    fn column(words: Shared<Self>) -> Column {
        Column::Z64(words)
    }

    fn kept(ones: &mut Ones) -> &mut BTreeMap<Ref, Shared<Self>> {
        &mut ones.narrow
    }
}

impl WordRing for Z128 {
    fn of(column: &Column) -> Option<&Shared<Self>> {
        match column {
            Column::Z128(words) => Some(words),
            _ => None,
        }
    }

    fn column(words: Shared<Self>) -> Column {
        Column::Z128(words)
    }

    fn kept(ones: &mut Ones) -> &mut BTreeMap<Ref, Shared<Self>> {
        &mut ones.wide
    }
}

/// An operation on words, whose first operand says in which ring.
pub(super) fn apply(
    s: &mut Session,
    op: &Op,
    first: Ref,
    v: &Values<'_>,
) -> Result<Column, ExecError> {
    match v.column(first)? {
        Column::Z128(_) => apply_in::<Z128>(s, op, v),
        _ => apply_in::<Z64>(s, op, v),
    }
}

fn apply_in<R: WordRing>(s: &mut Session, op: &Op, v: &Values<'_>) -> Result<Column, ExecError> {
    Ok(match op {
        Op::Add(a, b) => R::column(v.words::<R>(*a)?.plus(v.words(*b)?)),
        Op::Sub(a, b) => R::column(v.words::<R>(*a)?.minus(v.words(*b)?)),
        Op::Mul(a, b) => R::column(mpc::mul(s, v.words::<R>(*a)?, v.words(*b)?)?),
        Op::Affine { of, by, plus } => {
            let mut words = v.words::<R>(*of)?.clone();
            words.scale(R::from_i128(*by));
            words.add_constant(s.role(), R::from_i128(*plus));
            R::column(words)
        }
        Op::Lt { a, b, width } => {
            let (a, b) = (v.words::<R>(*a)?, v.words(*b)?);
            Column::Bits(mpc::lt(s, a, b, usize::from(*width))?)
        }
        Op::Eq { a, b, width } => {
            let (a, b) = (v.words::<R>(*a)?, v.words(*b)?);
            Column::Bits(mpc::eq(s, a, b, usize::from(*width))?)
        }
        Op::ToBits { of, min, width } => {
            let mut words = v.words::<R>(*of)?.clone();
            words.add_constant(s.role(), R::neg(R::from_i128(*min)));
            Column::Bits(mpc::to_bits(s, &words, usize::from(*width))?)
        }
        _ => return Err(v.malformed()),
    })
}

/// The words of the first column where the bit is 1, else 0.
pub(super) fn mask<R: WordRing>(
    s: &mut Session,
    (of, by): (Ref, Ref),
    v: &Values<'_>,
    ones: &mut Ones,
) -> Result<Column, ExecError> {
    let by = ones.injected::<R>(s, by, v)?;
    Ok(R::column(mpc::mul(s, v.words(of)?, by)?))
}

/// The words of the first column where the bit is 1, else those of the second.
pub(super) fn select<R: WordRing>(
    s: &mut Session,
    by: Ref,
    (yes, no): (Ref, Ref),
    v: &Values<'_>,
    ones: &mut Ones,
) -> Result<Column, ExecError> {
    let by = ones.injected::<R>(s, by, v)?;
    let (yes, no) = (v.words::<R>(yes)?, v.words(no)?);
    Ok(R::column(mpc::mul(s, &yes.minus(no), by)?.plus(no)))
}

/// `Σ_j 2^j · bit_j + min`.
pub(super) fn from_bits<R: WordRing>(
    s: &mut Session,
    bits: &Bits,
    min: i128,
) -> Result<Column, ExecError> {
    let (rows, width) = (bits.rows(), bits.width());
    let lanes = mpc::inject::<R>(s, bits)?;
    let mut sum = Shared::zeros(rows);
    for bit in 0..width {
        let mut lane = lanes.slice(bit * rows, (bit + 1) * rows);
        lane.scale(R::power_of_two(bit));
        sum.add_assign(&lane);
    }
    sum.add_constant(s.role(), R::from_i128(min));
    Ok(R::column(sum))
}
