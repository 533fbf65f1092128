//! An update on its way to a party: whole pieces of it, which outlast the link that brought them.

use std::{
    fs::File,
    io::{self, Write as _},
};

use protocols::{
    party::PartyId,
    session::{SessionError, Wire},
};
use zeroize::Zeroizing;

use super::{
    landing::{Both, Due, Landed, Lost, Part},
    message::{COMES, HASH_WORDS, answer_words, name_in, pieces, seed_of},
    parcel::name,
    resume::Place,
};
use crate::average::{Share, WordsDigest, explicit_party};

/// One provider's update of one round, as far as it has come.
pub(super) struct Arriving {
    due: Due,
    /// What it is called by, once that was said.
    name: Option<[u8; 32]>,
    words: Words,
    pieces: usize,
    digest: WordsDigest,
}

/// Words so far.
pub(super) enum Words {
    Memory(Vec<u64>),
    /// In a file without a name.
    Disk(File),
}

impl Arriving {
    pub(super) fn new(due: Due) -> Self {
        let words = Words::Memory(Vec::new());
        Self { due, name: None, words, pieces: 0, digest: WordsDigest::new() }
    }

    /// How far it has come.
    pub(super) fn place(&self, round: u64) -> Place {
        Place { round, name: self.name.unwrap_or_default(), pieces: self.pieces as u64 }
    }

    /// Receives what is missing, behind the answer, which comes over each link anew.
    pub(super) fn receive(&mut self, wire: &mut Wire, from: PartyId) -> Result<Landed, Lost> {
        let parts = 1 + usize::from(self.due.both);
        let mut answer = Zeroizing::new(vec![0_u64; answer_words(parts)]);
        wire.recv(from, &mut answer)?;
        let step = wire.step();
        let invalid = |what| Lost::Link(SessionError::Invalid { step, peer: from, what });
        let named = name_in(&answer);
        if *self.name.get_or_insert(named) != named {
            return Err(invalid("another update than the one that it had begun with"));
        }
        let (said, _) = answer.split_at(answer.len() - HASH_WORDS);
        let comes = said[0] == COMES;
        if comes && self.words_of().is_some_and(|place| place < parts) {
            self.rest(wire, from)?;
        }
        if name(said, &self.digest) != named {
            return Err(invalid("an update that is not the one it had named"));
        }
        if comes { Ok(self.landed(said)?) } else { Ok(Landed::Declined) }
    }

    /// Which of the shares that are due has words: the first one, the one behind it, or neither.
    fn words_of(&self) -> Option<usize> {
        let words = explicit_party(self.due.provider);
        [self.due.role, self.due.role.next()].iter().position(|of| *of == words)
    }

    fn rest(&mut self, wire: &mut Wire, from: PartyId) -> Result<(), Lost> {
        if self.pieces == 0 {
            self.words = Words::new(self.due.on_disk)?;
        }
        for piece in pieces(self.due.words).skip(self.pieces) {
            let words = wire.recv_words::<u64>(from, piece)?;
            self.words.push(&words)?;
            self.digest.update(&words);
            self.pieces += 1;
        }
        Ok(())
    }

    /// What a whole update is.
    fn landed(&mut self, said: &[u64]) -> io::Result<Landed> {
        let words = explicit_party(self.due.provider);
        let mut part = |of: protocols::party::Role, seed: &[u64]| match (
            (of.index() + 3 - words.index()) % 3,
            seed,
        ) {
            (1, [low, high]) => Part::Share(Share::Plus(seed_of([*low, *high]))),
            (2, [low, high]) => Part::Share(Share::Minus(seed_of([*low, *high]))),
            _ => std::mem::replace(&mut self.words, Words::Memory(Vec::new())).part(),
        };
        let own = part(self.due.role, &said[1..3]);
        if !self.due.both {
            return Ok(Landed::One(own));
        }
        let next = part(self.due.role.next(), &said[3..5]);
        Ok(Landed::Both(Box::new(Both::new(own, next)?)))
    }
}

impl Words {
    /// None yet.
    ///
    /// # Errors
    /// Of the disk, where they are to be kept there.
    pub(super) fn new(on_disk: bool) -> io::Result<Self> {
        Ok(if on_disk { Self::Disk(tempfile::tempfile()?) } else { Self::Memory(Vec::new()) })
    }

    pub(super) fn push(&mut self, words: &[u64]) -> io::Result<()> {
        match self {
            Self::Memory(all) => all.extend_from_slice(words),
            Self::Disk(file) => {
                for words in words.chunks(8192) {
                    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    file.write_all(&bytes)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn part(self) -> Part {
        match self {
            Self::Memory(words) => Part::Share(Share::Words(words)),
            Self::Disk(file) => Part::Spooled(file),
        }
    }
}
