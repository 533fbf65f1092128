//! Rows cut into three parts that are worked on at the same time, each party in another role in each.
//!
//! Where one party deals, it sends more than the two others, and one link carries most of it. Spread over parts with the roles
//! turned, all parties and links carry the same. That is for narrow links and many rows: it takes a thread
//! a part, and on one machine, where processors and not links are the bound, it is of no use. Profile and number of rows decide.

use std::{borrow::Cow, ops::Range};

use crate::{
    ring::Ring,
    session::{Meter, Profile, Session, SessionError},
    share::Shared,
};

/// With fewer rows than this, time goes into rounds, not into bytes.
const LEAST_ROWS: usize = 3 << 10;

/// Runs of whole words of a bit plane.
fn parts(profile: Profile, n: usize, in_part: bool) -> Vec<Range<usize>> {
    if in_part || n < LEAST_ROWS || !profile.is_narrow() {
        return std::iter::once(0..n).collect();
    }
    let words = n.div_ceil(64);
    let at = |part: usize| (words * part / 3 * 64).min(n);
    (0..3).map(|part| at(part)..at(part + 1)).collect()
}

/// The rows of a part, without a copy if those are all.
pub(super) fn cut<'a, R: Ring>(x: &'a Shared<R>, rows: &Range<usize>) -> Cow<'a, Shared<R>> {
    if rows.len() == x.len() { Cow::Borrowed(x) } else { Cow::Owned(x.slice(rows.start, rows.end)) }
}

/// Works out `n` rows in parts and returns what each gave; within a part of a fork, all rows at once.
pub(super) fn spread_parts<T: Send>(
    s: &mut Session,
    n: usize,
    work: impl Fn(&mut Session, Range<usize>) -> Result<T, SessionError> + Sync,
) -> Result<Vec<T>, SessionError> {
    let parts = parts(s.profile(), n, s.is_part());
    s.fork(parts.len(), |s, part| s.turned(part, |s| work(s, parts[part].clone())))
}

/// The same for work that gives as many words as it has rows.
pub(super) fn spread<R: Ring>(
    s: &mut Session,
    n: usize,
    work: impl Fn(&mut Session, Range<usize>) -> Result<Shared<R>, SessionError> + Sync,
) -> Result<Shared<R>, SessionError> {
    let done = spread_parts(s, n, work)?;
    Ok(match <[_; 1]>::try_from(done) {
        Ok([whole]) => whole,
        Err(parts) => Shared::concat(&parts.iter().collect::<Vec<_>>()),
    })
}

/// Twin of [`spread`]; `work` has the number of rows.
pub(super) fn spread_cost(m: &mut Meter, n: usize, mut work: impl FnMut(&mut Meter, usize)) {
    let parts = parts(m.profile(), n, m.is_part());
    m.fork(parts.len(), |m, part| m.turned(part, |m| work(m, parts[part].len())));
}

#[cfg(test)]
mod tests;
