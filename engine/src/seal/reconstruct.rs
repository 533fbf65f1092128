//! The buyer's last step: three shares become the result, if their copies agree.

use protocols::party::Role;

use super::payload::{ResultShare, ShareColumn};
use crate::plan::Kind;

/// Shares that do not belong together. Says where, never what they hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistent {
    /// The shares are not those of P0, P1 and P2, in this order.
    #[error("the share of {due} is due, {found} came")]
    Role {
        /// Whose share is due.
        due: Role,
        /// Whose came.
        found: Role,
    },
    /// The shares have different columns.
    #[error("the shares of {0} and {1} have different columns")]
    Layout(Role, Role),
    /// Two parties sealed different copies of one summand.
    #[error(
        "{0} and {1} sealed different copies of one summand of result column {2}: \
         one of them is at fault, do not use this result"
    )]
    Replicas(Role, Role, usize),
}

/// Adds (words) or combines by exclusive or (Bits) the three summands of every column.
///
/// # Errors
/// [`Inconsistent`] unless both copies of every summand agree. One corrupted party cannot change the result unnoticed.
pub fn reconstruct(shares: &[ResultShare; 3]) -> Result<Vec<Vec<u64>>, Inconsistent> {
    for (due, share) in Role::ALL.into_iter().zip(shares) {
        if share.role() != due {
            return Err(Inconsistent::Role { due, found: share.role() });
        }
    }
    for role in Role::ALL {
        let (mine, theirs) = (&shares[role.index()], &shares[role.next().index()]);
        if mine.shapes() != theirs.shapes() {
            return Err(Inconsistent::Layout(role, role.next()));
        }
        for (at, (a, b)) in mine.columns().iter().zip(theirs.columns()).enumerate() {
            if a.next() != b.own() {
                return Err(Inconsistent::Replicas(role, role.next(), at));
            }
        }
    }
    let [a, b, c] = shares.each_ref().map(ResultShare::columns);
    Ok(a.iter().zip(b).zip(c).map(|((a, b), c)| combine([a, b, c])).collect())
}

/// The result of one party that computes alone, which is all in its share.
///
/// # Errors
/// [`Inconsistent::Role`] for another share than a whole one's.
pub fn alone(share: &ResultShare) -> Result<Vec<Vec<u64>>, Inconsistent> {
    let found = share.role();
    let whole = share.columns().iter().all(|column| column.next().iter().all(|word| *word == 0));
    if found != Role::P0 || !whole {
        return Err(Inconsistent::Role { due: Role::P0, found });
    }
    Ok(share.columns().iter().map(|column| column.own().to_vec()).collect())
}

fn combine(columns: [&ShareColumn; 3]) -> Vec<u64> {
    let [a, b, c] = columns.map(ShareColumn::own);
    let of = |add: fn(u64, u64) -> u64| {
        a.iter().zip(b).zip(c).map(|((a, b), c)| add(add(*a, *b), *c)).collect()
    };
    match columns[0].shape().kind {
        Kind::Z64 => of(u64::wrapping_add),
        Kind::Z128 => {
            let [a, b, c] = [a, b, c].map(|words| words.as_chunks::<2>().0);
            let rows = a.iter().zip(b).zip(c);
            rows.flat_map(|((a, b), c)| plus(plus(*a, *b), *c)).collect()
        }
        Kind::Bits(_) => of(|x, y| x ^ y),
    }
}

/// The sum of two 128-bit values, each its lower word and its upper one.
fn plus([low, high]: [u64; 2], [other_low, other_high]: [u64; 2]) -> [u64; 2] {
    let (sum, carry) = low.overflowing_add(other_low);
    [sum, high.wrapping_add(other_high).wrapping_add(carry.into())]
}
