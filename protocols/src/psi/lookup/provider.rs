//! The side that has the key: answers blinded queries, and counts them first.

use std::{collections::VecDeque, fmt};

use super::{
    budget::Budget,
    buyer::AHEAD,
    composite::MOST,
    error::LookupError,
    key::{EpochKey, SecretKey},
    proof::{Batch, PROOF_BYTES, prove},
    suite::{Element, multiply, random_scalar},
};
use crate::{
    prg::Prg,
    session::{OpeningKind, Pair, SessionError},
};

/// Answers `queries` queries of one recipient: see [`serve_from`].
///
/// # Shape
/// Both sides know `queries`, as they know who the recipient is.
///
/// # Cost
/// [`cost`](super::cost). A decoding, a multiplication and a share of the proof a query.
///
/// # Errors
/// As [`serve_from`].
///
/// # Security
/// That of [`serve_from`].
pub fn serve(
    pair: &mut Pair<'_>,
    key: &EpochKey,
    queries: usize,
    recipient: &str,
    budget: &mut dyn Budget,
    rng: &mut Prg,
) -> Result<(), LookupError> {
    serve_from(pair, &[key], &mut Serving::new(queries), (recipient, budget), rng)
}

/// Answers the queries of one recipient behind those that were answered in attempts before, under the key of a table and those of the
/// changes of it.
///
/// # Shape
/// Both sides know the number of queries, of keys, and in how manyeth attempt they are; the keys are the same in each.
///
/// # Cost
/// [`cost`](super::cost) in one attempt; a later one is that of what was not answered, with 16 bytes of how far both are.
///
/// # Errors
/// [`LookupError::Budget`] before anything is received, [`LookupError::OtherEpoch`] before anything is evaluated; the session's
/// for a query that is no point, and for a buyer that is where it cannot be. What was spent stays spent.
///
/// # Security
/// The provider learns nothing but the number of queries. What it sends is the function at points of the buyer's choice, as
/// many as were counted, and a proof without knowledge. The key is secret, and the time taken does not depend on it.
///
/// A query is one point, evaluated under each of the keys: whoever asks learns of the same items under all of them, and one query is
/// counted. Keys are independent of each other.
///
/// All queries are counted before the first is answered, once for all attempts; each batch is evaluated once. What a buyer has not heard
/// when the link is lost, two batches at most, is kept and sent to it again, to the byte, whatever it asks: a buyer that loses its link on
/// purpose learns of no more points than were counted.
pub fn serve_from(
    pair: &mut Pair<'_>,
    keys: &[&EpochKey],
    serving: &mut Serving,
    (recipient, budget): (&str, &mut dyn Budget),
    rng: &mut Prg,
) -> Result<(), LookupError> {
    let queries = serving.queries;
    if !serving.counted {
        budget.spend(recipient, queries as u64)?;
        pair.reveal(OpeningKind::Membership, queries)?;
        serving.counted = true;
    }
    if queries == 0 {
        return Ok(());
    }
    let theirs = pair.recv_words::<u64>(keys.len())?;
    if let Some((key, theirs)) = keys.iter().zip(&*theirs).find(|(key, of)| key.number() != **of) {
        return Err(LookupError::OtherEpoch { ours: key.number(), theirs: *theirs });
    }
    if serving.lost {
        serving.go_on(pair)?;
    }
    while serving.answered < queries.div_ceil(serving.batch) {
        serving.answer(pair, keys, rng)?;
    }
    Ok(())
}

/// How far a provider is with one recipient's queries, between attempts.
pub struct Serving {
    queries: usize,
    /// Queries of a batch.
    batch: usize,
    /// They were taken from the budget, and the opening off the list of the run.
    counted: bool,
    /// Batches that were answered.
    answered: usize,
    /// The last answers, which the buyer may not have heard.
    last: VecDeque<Vec<u8>>,
    /// There was an attempt before.
    lost: bool,
}

impl Serving {
    /// So many queries, none of them answered.
    #[must_use]
    pub fn new(queries: usize) -> Self {
        let last = VecDeque::new();
        Self { queries, batch: MOST, counted: false, answered: 0, last, lost: false }
    }

    /// In smaller batches, as the buyer has them.
    #[cfg(test)]
    pub(super) fn in_batches_of(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Batches that were answered.
    #[cfg(test)]
    pub(super) fn answered(&self) -> usize {
        self.answered
    }

    /// The link was lost: the next attempt begins with how far both are.
    pub fn lost(&mut self) {
        self.lost = true;
    }

    /// Tells the buyer which batches were answered, and sends again what it has not heard.
    fn go_on(&self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        let heard = u64::from_le_bytes(pair.recv_array()?);
        let behind = usize::try_from(heard).ok().and_then(|all| self.answered.checked_sub(all));
        let again = behind.and_then(|behind| self.last.len().checked_sub(behind));
        let again =
            again.ok_or_else(|| pair.invalid("a number of answers that no lost link explains"))?;
        pair.send(&(self.answered as u64).to_le_bytes())?;
        self.last.iter().skip(again).try_for_each(|answer| pair.send(answer))
    }

    /// The next batch: evaluated once, and kept as long as the buyer may lack it.
    fn answer(
        &mut self,
        pair: &mut Pair<'_>,
        keys: &[&EpochKey],
        rng: &mut Prg,
    ) -> Result<(), SessionError> {
        let mut blinded = vec![[0; 32]; self.batch.min(self.queries - self.batch * self.answered)];
        pair.recv(blinded.as_flattened_mut())?;
        let answers = keys.iter().map(|key| evaluate(&key.secret, &blinded, rng));
        let answer: Option<Vec<_>> = answers.collect();
        let answer =
            answer.ok_or_else(|| pair.invalid("a query that is no point of the group"))?.concat();
        if self.last.len() == AHEAD {
            self.last.pop_front();
        }
        self.last.push_back(answer);
        self.answered += 1;
        self.last.back().map_or(Ok(()), |answer| pair.send(answer))
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serving({} queries, {} batches answered)", self.queries, self.answered)
    }
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
