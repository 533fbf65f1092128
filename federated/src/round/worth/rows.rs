//! Validation rows: every party gets the same, before the first round.

use protocols::{
    party::Role,
    session::{Meter, Session, SessionError, Wire},
};

use super::terms::{FOLDS, Worth};
use crate::{
    model::Rows,
    round::{error::RoundError, open::to_both},
};

/// What digests of validation rows are derived for.
const DIGEST: &str = "unseen validation rows v1";
/// Words of a digest.
const DIGEST_WORDS: usize = 4;

impl Worth {
    /// Words in which the rows travel: how many there are, labels, features; padded to the bound.
    fn words(&self) -> usize {
        1 + self.rows * (1 + self.network.features())
    }

    fn pack(&self, rows: &Rows) -> Result<Vec<u32>, RoundError> {
        let features = self.network.features();
        if rows.len() > self.rows || rows.features() != features {
            return Err(RoundError::Worth("there are more validation rows than were announced"));
        }
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let mut words = vec![count];
        words.extend((0..rows.len()).map(|at| rows.label(at).to_bits()));
        words.extend((0..rows.len()).flat_map(|at| rows.row(at)).map(|x| x.to_bits()));
        words.resize(self.words(), 0);
        Ok(words)
    }

    fn unpack(&self, words: &[u32]) -> Result<Rows, RoundError> {
        let none = RoundError::Worth("what came as validation rows is none");
        let (count, words) = words.split_first().ok_or_else(|| none.clone())?;
        let count = *count as usize;
        if count < FOLDS {
            return Err(RoundError::Worth("there are fewer than eight validation rows"));
        }
        let float = |words: &[u32]| words.iter().map(|bits| f32::from_bits(*bits)).collect();
        let values = count.saturating_mul(self.network.features());
        let split = words.split_at_checked(count);
        let parts = split.and_then(|(labels, rest)| Some((labels, rest.get(..values)?)));
        let (labels, values) = parts.ok_or_else(|| none.clone())?;
        Rows::new(self.network.features(), float(values), float(labels)).map_err(|_| none)
    }
}

/// A validator's part that does not compute: it sends its rows to the three parties.
///
/// # Cost
/// That of [`crate::round::cost()`]: a word a number to each, for as many rows as were announced at most.
///
/// # Errors
/// [`RoundError`]: more rows than were announced, or its links.
///
/// # Security
/// The three parties see the rows.
pub fn validate(wire: &mut Wire, worth: &Worth, rows: &Rows) -> Result<(), RoundError> {
    let words = worth.pack(rows)?;
    for role in Role::ALL {
        wire.send(role.id(), &words)?;
    }
    Ok(())
}

/// The rows and their digest, at a compute party; `own` if they are its own.
pub(super) fn receive(
    s: &mut Session,
    worth: &Worth,
    own: Option<&Rows>,
) -> Result<(Rows, [u8; 32]), RoundError> {
    let validator = worth.validator;
    let words = if validator == s.role().id() {
        let rows = own.ok_or(RoundError::Worth("this party's validation rows are missing"))?;
        let words = worth.pack(rows)?;
        for to in [s.role().next(), s.role().prev()] {
            s.send(to.id(), &words)?;
        }
        words
    } else {
        s.wire().recv_words::<u32>(validator, worth.words())?.to_vec()
    };
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST);
    words.iter().for_each(|word| {
        hasher.update(&word.to_le_bytes());
    });
    let digest = *hasher.finalize().as_bytes();
    agree(s, digest, "the validation rows")?;
    Ok((worth.unpack(&words)?, digest))
}

/// Twin of [`receive`] and [`validate`].
pub(super) fn receive_cost(m: &mut Meter, worth: &Worth) {
    let bytes = 4 * worth.words();
    match worth.validator.role() {
        Some(role) => m.messages(&[(role, role.next(), bytes), (role, role.prev(), bytes)]),
        None => {
            for role in Role::ALL {
                m.told(worth.validator, role.id(), bytes);
            }
        }
    }
    agree_cost(m);
}

/// Holds what a party has to what both others have.
pub(super) fn agree(
    s: &mut Session,
    digest: [u8; 32],
    what: &'static str,
) -> Result<(), SessionError> {
    let (words, _) = digest.as_chunks();
    let own: [u64; DIGEST_WORDS] = std::array::from_fn(|at| u64::from_le_bytes(words[at]));
    let others = [s.role().next().id(), s.role().prev().id()];
    for to in others {
        s.send(to, &own)?;
    }
    for from in others {
        let mut theirs = [0_u64; DIGEST_WORDS];
        s.recv(from, &mut theirs)?;
        if theirs != own {
            return Err(SessionError::Inconsistent { step: s.step(), peer: from, what });
        }
    }
    Ok(())
}

/// Twin of [`agree`].
pub(super) fn agree_cost(m: &mut Meter) {
    to_both(m, |_, _| 8 * DIGEST_WORDS);
}
