//! Words that each of the three parties says to both others.

use protocols::{
    party::Role,
    session::{Meter, Session, SessionError},
};

/// Says these words to both others, and hears as many of each.
///
/// # Errors
/// The links'.
pub(crate) fn heard(s: &mut Session, own: &[u64]) -> Result<[(Role, Vec<u64>); 2], SessionError> {
    let others = [s.role().next(), s.role().prev()];
    for to in others {
        s.send(to.id(), own)?;
    }
    let mut theirs = others.map(|from| (from, vec![0; own.len()]));
    for (from, words) in &mut theirs {
        s.recv(from.id(), words)?;
    }
    Ok(theirs)
}

/// Twin of [`heard`], of so many words.
pub(crate) fn heard_cost(m: &mut Meter, words: usize) {
    let to = |from: Role| [(from, from.next(), 8 * words), (from, from.prev(), 8 * words)];
    m.messages(&Role::ALL.into_iter().flat_map(to).collect::<Vec<_>>());
}
