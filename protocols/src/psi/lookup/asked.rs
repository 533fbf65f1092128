//! A batch of queries between its being sent and its being answered.

use curve25519_dalek::Scalar;
use zeroize::Zeroizing;

use super::{
    key::PublicKey,
    proof::{Batch, PROOF_BYTES, verify},
    suite::{Element, OUTPUT_BYTES, hash_to_group, multiply, output, random_scalar},
};
use crate::{
    prg::Prg,
    ring::Buf,
    session::{Pair, SessionError},
};

/// A batch that was sent.
pub(super) struct Asked {
    inputs: Vec<[u8; 16]>,
    blinds: Zeroizing<Vec<Scalar>>,
    blinded: Vec<Element>,
}

impl Asked {
    /// `Blind`; nothing if a blind is 0, or an item's point is the neutral one. RFC 9497 §3.3.2.
    pub(super) fn new(items: &[u128], rng: &mut Prg) -> Option<Self> {
        let inputs: Vec<_> = items.iter().map(|item| item.to_le_bytes()).collect();
        let blinds: Vec<_> = items.iter().map(|_| random_scalar(rng)).collect();
        let hashed = hash_to_group(inputs.iter().map(<[u8; 16]>::as_slice));
        let blinded = multiply(blinds.iter().copied(), &hashed)?;
        Some(Self { inputs, blinds: Zeroizing::new(blinds), blinded })
    }

    /// Sends it, for the first time or to the byte as it was.
    pub(super) fn send(&self, pair: &mut Pair<'_>) -> Result<(), SessionError> {
        pair.send(self.blinded.as_flattened())
    }

    /// The answer under so many keys, as it comes.
    pub(super) fn receive(
        &self,
        pair: &mut Pair<'_>,
        keys: usize,
    ) -> Result<Buf<u8>, SessionError> {
        pair.recv_words::<u8>(keys * self.answer_bytes())
    }

    /// Bytes of the answer under one key.
    fn answer_bytes(&self) -> usize {
        32 * self.blinded.len() + PROOF_BYTES
    }

    /// `Finalize`, for each of the keys that made the answer, in their order: nothing if an element is none or a proof does not hold.
    /// RFC 9497 §3.3.2.
    pub(super) fn finalize<'k>(
        mut self,
        keys: impl Iterator<Item = &'k PublicKey>,
        answer: &[u8],
    ) -> Option<Vec<Vec<[u8; OUTPUT_BYTES]>>> {
        Scalar::invert_batch_alloc(&mut self.blinds);
        let answers = answer.chunks_exact(self.answer_bytes());
        keys.zip(answers).map(|(key, answer)| self.outputs(key, answer)).collect()
    }

    /// The same for one of the keys, the blinds being inverted.
    fn outputs(&self, key: &PublicKey, answer: &[u8]) -> Option<Vec<[u8; OUTPUT_BYTES]>> {
        let (elements, proof) = answer.split_last_chunk::<PROOF_BYTES>()?;
        let evaluated = elements.as_chunks::<32>().0;
        verify(key, Batch { blinded: &self.blinded, evaluated }, proof)?;
        let unblinded = multiply(self.blinds.iter().copied(), evaluated)?;
        let pairs = self.inputs.iter().zip(&unblinded);
        Some(pairs.map(|(input, element)| output(input, element)).collect())
    }
}
