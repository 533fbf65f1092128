//! The side that asks.

use std::fmt;

use curve25519_dalek::Scalar;
use zeroize::Zeroizing;

use super::{
    composite::MOST,
    error::LookupError,
    key::PublicKey,
    proof::{Batch, PROOF_BYTES, verify},
    suite::{Element, OUTPUT_BYTES, hash_to_group, multiply, output, random_scalar},
    table::Table,
};
use crate::{prg::Prg, session::Pair};

/// What a table says of an item.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Absent,
    /// Its label.
    Present(Vec<u8>),
    /// In a change: that it is there no more.
    Withdrawn,
}

/// Labels do not print.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Present(_) => "Present(..)",
            Self::Withdrawn => "Withdrawn",
        })
    }
}

/// Learns what the table says of each of `items`.
///
/// # Shape
/// One answer an item, in their order. The table was opened with a header whose signature was checked.
///
/// # Cost
/// [`cost`](super::cost): 32 bytes a query each way, and 64 for each batch of 4096.
///
/// # Errors
/// [`LookupError::Table`] if the table cannot be read any more. The session's: [`Invalid`](crate::session::SessionError::Invalid) for an answer that is no point, or without a proof that it
/// was made with the key of the epoch.
///
/// # Security
/// Which places of the table are read follows from the items: it is this party's own copy.
///
/// The items are secret: the queries are uniform points whatever they are, so that the provider learns their number alone, be
/// it malicious. It can refuse to answer, and cannot see which items made it.
pub fn look_up(
    pair: &mut Pair<'_>,
    table: &Table,
    items: &[u128],
    rng: &mut Prg,
) -> Result<Vec<Answer>, LookupError> {
    let header = table.header();
    let mut answers = Vec::with_capacity(items.len());
    if items.is_empty() {
        return Ok(answers);
    }
    pair.send(&header.epoch.number.to_le_bytes())?;
    let mut asked: Option<Asked> = None;
    for items in items.chunks(MOST) {
        let next = Asked::new(items, rng);
        let next = next.ok_or_else(|| pair.unlucky("a blinded query is the neutral element"))?;
        pair.send(next.blinded.as_flattened())?;
        // The batch before this one: the provider had this one's time for it.
        if let Some(asked) = asked.replace(next) {
            asked.hear(pair, table, &mut answers)?;
        }
    }
    if let Some(asked) = asked {
        asked.hear(pair, table, &mut answers)?;
    }
    Ok(answers)
}

/// A batch that was sent.
struct Asked {
    inputs: Vec<[u8; 16]>,
    blinds: Zeroizing<Vec<Scalar>>,
    blinded: Vec<Element>,
}

impl Asked {
    /// `Blind`; nothing if a blind is 0, or an item's point is the neutral one. RFC 9497 §3.3.2.
    fn new(items: &[u128], rng: &mut Prg) -> Option<Self> {
        let inputs: Vec<_> = items.iter().map(|item| item.to_le_bytes()).collect();
        let blinds: Vec<_> = items.iter().map(|_| random_scalar(rng)).collect();
        let hashed = hash_to_group(inputs.iter().map(<[u8; 16]>::as_slice));
        let blinded = multiply(blinds.iter().copied(), &hashed)?;
        Some(Self { inputs, blinds: Zeroizing::new(blinds), blinded })
    }

    fn hear(
        self,
        pair: &mut Pair<'_>,
        table: &Table,
        answers: &mut Vec<Answer>,
    ) -> Result<(), LookupError> {
        let answer = pair.recv_words::<u8>(32 * self.blinded.len() + PROOF_BYTES)?;
        let outputs = self
            .finalize(&table.header().key, &answer)
            .ok_or_else(|| pair.invalid("an answer that its key did not make"))?;
        for output in &outputs {
            answers.push(table.find(output)?);
        }
        Ok(())
    }

    /// `Finalize`: nothing if an element is none or the proof does not hold. RFC 9497 §3.3.2.
    fn finalize(mut self, key: &PublicKey, answer: &[u8]) -> Option<Vec<[u8; OUTPUT_BYTES]>> {
        let (elements, proof) = answer.split_last_chunk::<PROOF_BYTES>()?;
        let evaluated = elements.as_chunks::<32>().0;
        verify(key, Batch { blinded: &self.blinded, evaluated }, proof)?;
        Scalar::invert_batch_alloc(&mut self.blinds);
        let unblinded = multiply(self.blinds.iter().copied(), evaluated)?;
        let pairs = self.inputs.iter().zip(&unblinded);
        Some(pairs.map(|(input, element)| output(input, element)).collect())
    }
}
