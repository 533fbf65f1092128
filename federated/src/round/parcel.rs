//! What a provider sends one party of an update: what is said of it, and the words, in pieces that can be sent again.

use protocols::{party::Role, session::SessionError};
use zeroize::Zeroize as _;

use super::message::{
    COMES, DECLINES, HASH_WORDS, PIECE_WORDS, answer_words, hash_words, seed_words,
};
use crate::average::{Share, WordsDigest};

/// What names are derived for.
const NAME: &str = "unseen update parcel v1";

/// One party's part of an update, or of there being none.
pub(super) struct Parcel<'a> {
    /// Whether there is an update, a seed where one is a seed, and the name of it all.
    answer: Vec<u64>,
    /// The words, where this party gets them.
    words: &'a [u64],
}

impl<'a> Parcel<'a> {
    /// These parts of an update's shares.
    pub(super) fn of(parts: &[Role], shares: Option<&'a [Share; 3]>) -> Self {
        let mut answer = vec![0; answer_words(parts.len())];
        let end = answer.len() - HASH_WORDS;
        let mut words: &[u64] = &[];
        answer[0] = if shares.is_some() { COMES } else { DECLINES };
        for (place, share) in answer[1..end]
            .chunks_mut(2)
            .zip(parts.iter().filter_map(|part| Some(&shares?[part.index()])))
        {
            match share {
                Share::Plus(seed) | Share::Minus(seed) => place.copy_from_slice(&seed_words(seed)),
                Share::Words(all) => words = all,
            }
        }
        let mut digest = WordsDigest::new();
        digest.update(words);
        let name = name(&answer[..end], &digest);
        answer[end..].copy_from_slice(&hash_words(&name));
        Self { answer, words }
    }

    /// What it is called by.
    pub(super) fn name(&self) -> [u8; 32] {
        super::message::name_in(&self.answer)
    }

    /// Sends it, without the first so many pieces.
    pub(super) fn send(
        &self,
        from: usize,
        mut to: impl FnMut(&[u64]) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        to(&self.answer)?;
        self.words.chunks(PIECE_WORDS).skip(from).try_for_each(to)
    }
}

impl Drop for Parcel<'_> {
    fn drop(&mut self) {
        self.answer.zeroize();
    }
}

/// The hash of all that a party gets of an update: what is said of it, and its words.
pub(super) fn name(said: &[u64], words: &WordsDigest) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(NAME);
    said.iter().for_each(|word| {
        hasher.update(&word.to_le_bytes());
    });
    *hasher.update(&words.finish()).finalize().as_bytes()
}

/// Sends one party its shares, or that there are none.
pub(super) fn send(
    to: impl FnMut(&[u64]) -> Result<(), SessionError>,
    parts: &[Role],
    shares: Option<&[Share; 3]>,
) -> Result<(), SessionError> {
    Parcel::of(parts, shares).send(0, to)
}
