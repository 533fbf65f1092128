//! Released columns that owners of sets open, by one opening for each of them and each ring.

use protocols::{
    mpc,
    mpc::{Column, Shape as Wire},
    party::Role,
    ring::{B64, Ring, Z64, Z128},
    session::{Meter, OpeningKind, Session, SessionError},
    share::Shared,
};

use super::{
    error::ExecError,
    input::role_of,
    release::{Gathered, words_by_ring},
    run::Values,
};
use crate::plan::{Kind, Opened, Plan, Shape, Tell, unpack};

/// Opens them at one party; gives them, if it is one of those.
///
/// # Cost
/// For each owner one round of one message for the bits, one for the words, and one for those of 128 bits.
///
/// # Errors
/// [`ExecError`].
///
/// # Security
/// The columns are masked by the bit that says whether their row is released ([`crate::plan::check`]); who is not named learns
/// nothing. What is sent is the one summand that an owner lacks: the value and its own two determine it.
pub(super) fn run(
    s: &mut Session,
    plan: &Plan,
    of: &Tell,
    v: &Values<'_>,
) -> Result<Option<Opened>, ExecError> {
    let columns: Result<Vec<&Column>, _> =
        of.output.layout().into_iter().map(|r| v.column(r)).collect();
    let columns = columns?;
    let all = Gathered::of(&columns)?;
    let mut told = None;
    for party in &of.to {
        let role = role_of(plan, party).ok_or_else(|| v.malformed())?;
        let mut opened = Words {
            planes: open::<B64>(s, &all.planes, role)?.into_iter(),
            words: open::<Z64>(s, &all.words, role)?.into_iter(),
            wide: open::<Z128>(s, &all.wide, role)?.into_iter(),
        };
        if s.role() == role {
            let columns = columns.iter().map(|column| opened.next(column));
            told = Some(unpack(&of.output, columns).ok_or_else(|| v.malformed())?);
        }
    }
    Ok(told)
}

/// Nothing is listed or sent where there are no columns of a ring; nothing comes at those who open nothing.
fn open<R: Ring>(s: &mut Session, all: &Shared<R>, to: Role) -> Result<Vec<R::Word>, SessionError> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let opened = mpc::reveal_to(s, all, to, OpeningKind::Aggregate)?;
    Ok(opened.map(|words| words.to_vec()).unwrap_or_default())
}

/// Opened words, to be cut into columns again.
struct Words<B, W, D> {
    planes: B,
    words: W,
    wide: D,
}

impl<B, W, D> Words<B, W, D>
where
    B: Iterator<Item = u64>,
    W: Iterator<Item = u64>,
    D: Iterator<Item = u128>,
{
    #[expect(clippy::cast_possible_truncation, reason = "the lower half, then the upper one")]
    fn next(&mut self, column: &Column) -> (Vec<u64>, Shape) {
        let rows = column.rows();
        let (kind, words) = match column.shape() {
            Wire::Bits(width) => {
                let words = self.planes.by_ref().take(column.shape().wire_words(rows)).collect();
                (Kind::Bits(u16::try_from(width).unwrap_or(u16::MAX)), words)
            }
            Wire::Z128 => {
                let wide = self.wide.by_ref().take(rows);
                (Kind::Z128, wide.flat_map(|word| [word as u64, (word >> 64) as u64]).collect())
            }
            _ => (Kind::Z64, self.words.by_ref().take(rows).collect()),
        };
        (words, Shape { kind, rows: rows as u64 })
    }
}

/// Twin of [`run`].
pub(super) fn cost(
    m: &mut Meter,
    plan: &Plan,
    of: &Tell,
    (at, shapes): (usize, &[(usize, Wire)]),
) -> Result<(), ExecError> {
    let [planes, words, wide] = words_by_ring(shapes);
    for party in &of.to {
        let role = role_of(plan, party).ok_or(ExecError::Malformed(at))?;
        if planes > 0 {
            mpc::reveal_to_cost::<B64>(m, planes, role, OpeningKind::Aggregate);
        }
        if words > 0 {
            mpc::reveal_to_cost::<Z64>(m, words, role, OpeningKind::Aggregate);
        }
        if wide > 0 {
            mpc::reveal_to_cost::<Z128>(m, wide, role, OpeningKind::Aggregate);
        }
    }
    Ok(())
}
