//! The side that has the key: answers blinded queries, and counts them first.

use super::{
    budget::Budget,
    composite::MOST,
    error::LookupError,
    key::{EpochKey, SecretKey},
    proof::{Batch, PROOF_BYTES, prove},
    suite::{Element, multiply, random_scalar},
};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair},
};

/// Answers `queries` queries of one recipient.
///
/// # Shape
/// Both sides know `queries`, as they know who the recipient is.
///
/// # Cost
/// [`cost`](super::cost). A decoding, a multiplication and a share of the proof a query.
///
/// # Errors
/// [`LookupError::Budget`] before anything is received, [`LookupError::OtherEpoch`] before anything is evaluated; the session's
/// for a query that is no point. What was spent stays spent.
///
/// # Security
/// The provider learns nothing but the number of queries. What it sends is the function at points of the buyer's choice, as
/// many as were counted, and a proof without knowledge. The key is secret, and the time taken does not depend on it.
pub fn serve(
    pair: &mut Pair<'_>,
    key: &EpochKey,
    queries: usize,
    recipient: &str,
    budget: &mut dyn Budget,
    rng: &mut Prg,
) -> Result<(), LookupError> {
    budget.spend(recipient, queries as u64)?;
    pair.reveal(OpeningKind::Membership, queries)?;
    if queries == 0 {
        return Ok(());
    }
    let theirs = u64::from_le_bytes(pair.recv_array()?);
    if theirs != key.number() {
        return Err(LookupError::OtherEpoch { ours: key.number(), theirs });
    }
    for start in (0..queries).step_by(MOST) {
        let mut blinded = vec![[0; 32]; MOST.min(queries - start)];
        pair.recv(blinded.as_flattened_mut())?;
        let answer = evaluate(&key.secret, &blinded, rng)
            .ok_or_else(|| pair.invalid("a query that is no point of the group"))?;
        pair.send(&answer)?;
    }
    Ok(())
}

/// The evaluated elements, and behind them the proof; nothing if one of the queries is no point.
pub(super) fn evaluate(secret: &SecretKey, blinded: &[Element], rng: &mut Prg) -> Option<Vec<u8>> {
    let evaluated = multiply(std::iter::repeat(*secret.scalar()), blinded)?;
    let batch = Batch { blinded, evaluated: &evaluated };
    let proof = prove(secret, batch, random_scalar(rng))?;
    let mut answer = Vec::with_capacity(32 * evaluated.len() + PROOF_BYTES);
    answer.extend(evaluated.as_flattened());
    answer.extend(proof);
    Some(answer)
}
