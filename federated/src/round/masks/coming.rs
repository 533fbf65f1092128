//! A provider's answer on its way to the party: of a masked update whole pieces, which outlast the link that brought them.

use std::io;

use protocols::{
    party::PartyId,
    session::{SessionError, Wire},
};
use zeroize::Zeroizing;

use super::step::{Head, Step};
use crate::{
    average::WordsDigest,
    round::{
        arriving::Words,
        landing::{Lost, Part},
        message::{COMES, DECLINES, name_in, pieces},
        parcel::name,
        resume::Place,
    },
};

/// What a provider has answered.
pub(super) enum Answer {
    /// That it has no update.
    Declined,
    /// Words: wiped, since the last ones of a round are shares in the clear.
    Words(Zeroizing<Vec<u64>>),
    /// A masked update: whole, and what it was named.
    Vector(Part),
}

/// An answer as far as it has come.
pub(super) struct Coming {
    head: Head,
    /// Words that are due.
    words: usize,
    /// Where a masked update is kept until it is added up.
    on_disk: bool,
    /// What a masked update is called by, once that was said.
    name: Option<[u8; 32]>,
    so_far: Option<Words>,
    pieces: usize,
    digest: WordsDigest,
}

impl Coming {
    pub(super) fn new(head: Head, words: usize, on_disk: bool) -> Self {
        let digest = WordsDigest::new();
        Self { head, words, on_disk, name: None, so_far: None, pieces: 0, digest }
    }

    /// How far it has come.
    pub(super) fn place(&self) -> Place {
        let name = self.name.unwrap_or_default();
        Place { round: self.head.word(), name, pieces: self.pieces as u64 }
    }

    /// Receives what is missing, behind what an answer begins with, which comes over each link anew.
    pub(super) fn receive(&mut self, wire: &mut Wire, from: PartyId) -> Result<Answer, Lost> {
        let step = wire.step();
        let invalid = |what| Lost::Link(SessionError::Invalid { step, peer: from, what });
        let mut begins = vec![0_u64; self.head.step.begins()];
        wire.recv(from, &mut begins)?;
        match begins[0] {
            COMES => {}
            // Only before it has announced keys.
            DECLINES if self.head.step == Step::Ask => return Ok(Answer::Declined),
            _ => return Err(invalid("an answer that is none")),
        }
        if !self.head.step.is_large() {
            return Ok(Answer::Words(self.small(wire, from)?));
        }
        let named = name_in(&begins);
        if *self.name.get_or_insert(named) != named {
            return Err(invalid("another masked update than the one that it had begun with"));
        }
        self.rest(wire, from)?;
        if name(&[self.head.word()], &self.digest) != named {
            return Err(invalid("a masked update that is not the one it had named"));
        }
        let words = self.so_far.take().ok_or_else(|| io::Error::other("nothing was kept"))?;
        Ok(Answer::Vector(words.part()))
    }

    fn small(&self, wire: &mut Wire, from: PartyId) -> Result<Zeroizing<Vec<u64>>, SessionError> {
        let mut answer = Zeroizing::new(vec![0_u64; self.words]);
        let mut at = 0;
        for piece in pieces(self.words) {
            wire.recv(from, &mut answer[at..at + piece])?;
            at += piece;
        }
        Ok(answer)
    }

    fn rest(&mut self, wire: &mut Wire, from: PartyId) -> Result<(), Lost> {
        let so_far = match &mut self.so_far {
            Some(so_far) => so_far,
            none => none.insert(Words::new(self.on_disk)?),
        };
        for piece in pieces(self.words).skip(self.pieces) {
            let words = wire.recv_words::<u64>(from, piece)?;
            so_far.push(&words)?;
            self.digest.update(&words);
            self.pieces += 1;
        }
        Ok(())
    }
}
